/* How a character language model of this program reads what the paper leaves open. Every reading is said, those that can be chosen
 * and those that cannot; the ones that are about training are said by whoever trains. */
#include <stdio.h>

#include "app/tasks/readings.h"
#include "app/tasks/text.h"
#include "nn/settings.h"

#define CELL(kind) (1U << (kind))
#define HYPERLSTM CELL(HN_CELL_HYPERLSTM)
#define SCALED (HYPERLSTM | CELL(HN_CELL_HYPERRNN))
#define HYPER (SCALED | CELL(HN_CELL_HYPERRNN_FULL))
#define LSTMS (CELL(HN_CELL_LSTM) | HYPERLSTM)
#define RNNS (CELL(HN_CELL_RNN) | CELL(HN_CELL_HYPERRNN) | CELL(HN_CELL_HYPERRNN_FULL))
#define ALL (LSTMS | RNNS)
#define PLAIN (ALL & ~HYPER)

/* What else a model must have for a reading to concern it. */
typedef enum condition { ALWAYS, LAYER_NORM, ANY_NORM, EQUAL_START, STACKED, TREEBANK } condition;

typedef struct concern {
    hni_reading reading;
    unsigned cells;
    condition condition;
} concern;

static const concern of_model[] = {
    {{"hyper output", "hyper_output", NULL}, HYPER, ALWAYS},
    {{"scaling vectors", "scale_start", NULL}, HYPERLSTM, ALWAYS},
    {{"scaling vectors", NULL, "begin at 1: 1 / E from each element of an embedding"}, CELL(HN_CELL_HYPERRNN), ALWAYS},
    {{"matrices", NULL, "sums of E slices, which begin orthogonal / sqrt(E), with embeddings that begin at 1"},
     CELL(HN_CELL_HYPERRNN_FULL),
     ALWAYS},
    {{"embeddings", "embedding_init",
      "weights of z_h and z_x begin at 0 (jitter: N(0, 0.01 squared), and a tenth of their start as noise on those of "
      "the scaling vectors) with bias 1, those of z_b at N(0, 0.01 squared) without bias"},
     HYPER,
     ALWAYS},
    {{"equal elements", NULL,
      "begun so, the elements of one z_h (or z_x) of a scaled cell stay equal in exact arithmetic whatever E is: "
      "log.csv has their effective rank, up to E = 256"},
     SCALED,
     EQUAL_START},
    {{"phi", "activation", "in the hyper cell too"}, RNNS &HYPER, ALWAYS},
    {{"phi", "activation", NULL}, RNNS &PLAIN, ALWAYS},
    {{"layer norm", NULL, "of each gate over its units, after scaled products and bias are summed; biased variance"},
     LSTMS,
     LAYER_NORM},
    {{"layer norm, epsilon", "layer_norm_epsilon", NULL}, LSTMS, ANY_NORM},
    {{"layer norm of c", NULL, "on its way to h only: c is carried as it is"}, LSTMS, LAYER_NORM},
    {{"layer norm, hyper cell", "hyper_layer_norm", NULL}, HYPERLSTM, ALWAYS},
    {{"histograms of phi", "observed_phi",
      "normalised is what the output gate multiplies, tanh(LN(c)); raw is tanh(c)"},
     LSTMS,
     LAYER_NORM},
    {{"forget bias", "forget_bias", "inside the sigmoid after layer norm, in both cells, not a stored parameter"},
     HYPERLSTM,
     ALWAYS},
    {{"forget bias", "forget_bias", "inside the sigmoid after layer norm, not a stored parameter"},
     LSTMS &PLAIN,
     ALWAYS},
    {{"start of W_x", "input_init", NULL}, ALL, ALWAYS},
    {{"start of W_h", NULL, "orthogonal per gate block, the hyper cell's too"}, HYPER, ALWAYS},
    {{"start of W_h", NULL, "orthogonal per gate block"}, PLAIN, ALWAYS},
    {{"softmax layer", NULL, "begins with orthogonal weights and zero bias"}, ALL, ALWAYS},
    {{"input dropout", "keep_input", "of the one-hot input: drops the whole character, for the hyper cell too"},
     HYPER,
     ALWAYS},
    {{"input dropout", "keep_input", "of the one-hot input: drops the whole character"}, PLAIN, ALWAYS},
    {{"dropout between layers", "keep_between", NULL}, ALL, STACKED},
    {{"output dropout", "keep_output", NULL}, ALL, ALWAYS},
    {{"recurrent dropout", "keep_recurrent", "of tanh(g) alone, without memory loss, a fresh mask each step"},
     LSTMS,
     ALWAYS},
    {{"recurrent dropout, hyper cell", "keep_hyper_recurrent", NULL}, HYPERLSTM, ALWAYS},
    {{"zoneout of c", "zoneout_cell", NULL}, LSTMS, ALWAYS},
    {{"zoneout of h", "zoneout_hidden", "of the main cell; evaluation takes the expectation"}, ALL, ALWAYS},
    {{"dropout, scale", NULL, "inverted: what is kept is divided by its keep probability, the one-hot input too"},
     ALL,
     ALWAYS},
};

static const concern of_data[] = {
    {{"rows", "vocabulary_size",
      "the distinct symbols of all parts in order of code (256 bytes: the byte is the row); unused rows stay, more "
      "symbols than rows are an error"},
     ALL,
     ALWAYS},
    {{"Penn Treebank characters", NULL,
      "Mikolov's: the words of ptb.*.txt spelt out, a space as '_', the end of a line a symbol"},
     ALL,
     TREEBANK},
    {{"tracks", NULL,
      "B of floor(characters / B); floor((track - 1) / T) windows an epoch, the rest unused; state carried from window "
      "to window, zero at an epoch's start"},
     ALL,
     ALWAYS},
    {{"loss", NULL, "mean over all characters of the batch, in nats: what is minimised and clipped"}, ALL, ALWAYS},
    {{"bits per character", NULL,
      "of characters 2 to the end as one stream, state carried, no dropout, mean nats / ln 2; up to 64 tracks while "
      "training"},
     ALL,
     ALWAYS},
};

static bool concerns(const concern *row, const hni_task_work *work)
{
    if ((row->cells & CELL(work->model.cell.kind)) == 0) return false;
    switch (row->condition) {
    case LAYER_NORM: return work->model.cell.layer_norm;
    case ANY_NORM:
        return work->model.cell.layer_norm || work->model.cell.hyper_layer_norm == HN_HYPER_LAYER_NORM_ALWAYS;
    case EQUAL_START: return work->model.cell.embedding_init == HN_EMBEDDING_INIT_PAPER;
    case STACKED: return work->model.layers > 1;
    case TREEBANK: return work->data.kind == HNI_TEXT_KIND_PENN_TREEBANK;
    case ALWAYS: break;
    }
    return true;
}

void hni_text_readings(const hni_task_work *work, bool with_data,
                       void (*write)(void *user, const char *key, const char *value), void *user)
{
    char key[64], value[512];
    const size_t model_count = sizeof of_model / sizeof of_model[0];
    const size_t data_count = with_data ? sizeof of_data / sizeof of_data[0] : 0;
    for (size_t i = 0; i < model_count + data_count; i++) {
        const bool is_model = i < model_count;
        const concern *row = is_model ? &of_model[i] : &of_data[i - model_count];
        const hni_settings *settings = is_model ? hni_language_settings() : hni_text_settings_table();
        const void *object = is_model ? (const void *)&work->model : (const void *)&work->data;
        if (!concerns(row, work)) continue;
        if (!hni_reading_print(&row->reading, settings, object, value, sizeof value)) continue;
        snprintf(key, sizeof key, "reading: %s", row->reading.name);
        write(user, key, value);
    }
}
