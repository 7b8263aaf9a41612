/* Defaults, ranges and names of every setting of a cell and of the language model. */
#include "nn/settings.h"

#include <stdio.h>

#include "nn/cell.h"

static const char *const cell_words[] = {"lstm", "hyperlstm", "rnn", "hyperrnn", "hyperrnn_full", NULL};
static const char *const output_words[] = {"new", "previous", NULL};
static const char *const input_init_words[] = {"orthogonal", "uniform", NULL};
static const char *const scale_words[] = {"paper", "one", NULL};
static const char *const symbol_words[] = {"bytes", "characters", NULL};
static const char *const hyper_norm_words[] = {"follow", "always", NULL};
static const char *const embedding_init_words[] = {"paper", "jitter", NULL};
static const char *const phi_words[] = {"normalised", "raw", NULL};
static const char *const activation_words[] = {"tanh", "relu", NULL};

/* The smallest keep probability that makes sense to ask for. */
#define LEAST_KEEP 0.01
#define MOST_UNITS 1048576
#define MOST_ZONEOUT 0.99
#define EPSILON 1e-3 /* of layer norm, where nothing else is said */

static const hni_setting rows[] = {
    HNI_SETTING_INTEGER("vocabulary_size", hn_language_model, vocabulary_size, 1, MOST_UNITS, 256, "V, symbols"),
    HNI_SETTING_CHOICE("symbols", hn_language_model, symbols, symbol_words, "bytes",
                       "what a row stands for: bytes, or characters of UTF-8 text"),
    HNI_SETTING_CHOICE("cell", hn_language_model, cell.kind, cell_words, "lstm",
                       "recurrent cell: lstm, hyperlstm, rnn, hyperrnn (rows scaled), hyperrnn_full (matrices made)"),
    HNI_SETTING_BOOL("layer_norm", hn_language_model, cell.layer_norm, 0,
                     "layer norm in every cell, the hyper cell included; lstm and hyperlstm only"),
    HNI_SETTING_CHOICE("activation", hn_language_model, cell.activation, activation_words, "tanh",
                       "phi of an rnn, hyperrnn or hyperrnn_full: tanh or relu"),
    HNI_SETTING_INT("layers", hn_language_model, layers, 1, HN_MAX_LAYERS, 1, "recurrent layers"),
    HNI_SETTING_INTEGER("units", hn_language_model, cell.units, 1, MOST_UNITS, 256, "N, units of the main cell"),
    HNI_SETTING_INTEGER("hyper_units", hn_language_model, cell.hyper_units, 1, MOST_UNITS, 32,
                        "M, units of the hyper cell"),
    HNI_SETTING_INTEGER("embedding_size", hn_language_model, cell.embedding_size, 1, 65536, 4,
                        "E, numbers from which a gate's scaling vector is made"),
    HNI_SETTING_NUMBER("forget_bias", hn_language_model, cell.forget_bias, -100, 100, 1,
                       "added inside the forget gate, not learned"),
    HNI_SETTING_NUMBER("keep_input", hn_language_model, keep_input, LEAST_KEEP, 1, 1,
                       "keep probability of a whole input character"),
    HNI_SETTING_NUMBER("keep_between", hn_language_model, keep_between, LEAST_KEEP, 1, 1,
                       "keep probability between layers"),
    HNI_SETTING_NUMBER("keep_output", hn_language_model, keep_output, LEAST_KEEP, 1, 1,
                       "keep probability before the softmax"),
    HNI_SETTING_NUMBER("keep_recurrent", hn_language_model, cell.keep_recurrent, LEAST_KEEP, 1, 1,
                       "keep probability of the candidate tanh(g): recurrent dropout without memory loss"),
    HNI_SETTING_NUMBER("keep_hyper_recurrent", hn_language_model, cell.keep_hyper_recurrent, LEAST_KEEP, 1, 1,
                       "the same inside the hyper cell"),
    HNI_SETTING_CHOICE("hyper_output", hn_language_model, cell.hyper_output, output_words, "new",
                       "which output of the hyper cell makes the embeddings: new, or previous (equations 6 and 11)"),
    HNI_SETTING_CHOICE("input_init", hn_language_model, cell.input_init, input_init_words, "orthogonal",
                       "start of W_x: orthogonal per gate, or uniform within sqrt(3/X)"),
    HNI_SETTING_CHOICE("scale_start", hn_language_model, cell.scale_start, scale_words, "paper",
                       "scaling vectors at the start: paper (0.1 in a hyperlstm) or one (1)"),
    HNI_SETTING_NUMBER("zoneout_cell", hn_language_model, cell.zoneout_cell, 0, MOST_ZONEOUT, 0,
                       "probability that a unit keeps its old c; lstm and hyperlstm only"),
    HNI_SETTING_NUMBER("zoneout_hidden", hn_language_model, cell.zoneout_hidden, 0, MOST_ZONEOUT, 0,
                       "probability that a unit keeps its old h"),
    HNI_SETTING_CHOICE("hyper_layer_norm", hn_language_model, cell.hyper_layer_norm, hyper_norm_words, "follow",
                       "layer norm in a hyperlstm's hyper cell: follow layer_norm, or always"),
    HNI_SETTING_NUMBER("layer_norm_epsilon", hn_language_model, cell.layer_norm_epsilon, 1e-12, 1, EPSILON,
                       "added to the variance in layer norm"),
    HNI_SETTING_CHOICE(
        "embedding_init", hn_language_model, cell.embedding_init, embedding_init_words, "paper",
        "start of the embeddings: paper (all E elements alike), or jitter (small noise tells them apart)"),
    HNI_SETTING_CHOICE("observed_phi", hn_language_model, cell.observed_phi, phi_words, "normalised",
                       "what is shown as phi with layer norm: normalised tanh(LN(c)), or raw tanh(c)"),
};

static const hni_settings table = HNI_SETTINGS("model", rows);
/* A recipe's section "model": all rows but the first ones, which the data decide. */
#define ROWS_OF_DATA 2
static const hni_settings recipe_table = {
    .section = "model", .rows = rows + ROWS_OF_DATA, .count = sizeof rows / sizeof rows[0] - ROWS_OF_DATA};

const hni_settings *hni_language_settings(void) { return &recipe_table; }
const hni_settings *hni_language_checkpoint_settings(void) { return &table; }

void hn_language_model_default(hn_language_model *out_model)
{
    *out_model = (hn_language_model){.layers = 1};
    hni_settings_default(&table, out_model);
}

void hn_cell_default(hn_cell_kind kind, hn_cell *out_cell)
{
    hn_language_model model;
    hn_language_model_default(&model);
    *out_cell = model.cell;
    out_cell->kind = kind;
    out_cell->input_size = 1;
}

/* A setting that a kind of cell has no use for. */
typedef struct misplaced {
    bool is_set;
    const char *setting, *remedy;
} misplaced;

static hn_status refuse(hn_context *context, const hn_cell *cell, const misplaced *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!list[i].is_set) continue;
        return hni_error(context, HN_ERROR_ARGUMENT, "model.%s does not go with model.cell %s: %s", list[i].setting,
                         cell_words[cell->kind], list[i].remedy);
    }
    return HN_OK;
}

#define REFUSE(list) refuse(context, cell, (list), sizeof(list) / sizeof((list)[0]))
#define NO_CANDIDATE "it drops an LSTM's candidate tanh(g), which an RNN does not have: set it to 1"

static hn_status check_lstm(hn_context *context, const hn_cell *cell)
{
    const misplaced list[] = {
        {cell->activation != HN_ACTIVATION_TANH, "activation relu",
         "an LSTM's gates fix its functions: set it to tanh"},
    };
    return REFUSE(list);
}

static hn_status check_rnn(hn_context *context, const hn_cell *cell)
{
    const misplaced list[] = {
        {cell->layer_norm, "layer_norm true",
         "the paper has layer norm in the LSTM and the HyperLSTM only: set it to false"},
        {cell->keep_recurrent != 1, "keep_recurrent", NO_CANDIDATE},
        {cell->keep_hyper_recurrent != 1, "keep_hyper_recurrent", NO_CANDIDATE},
        {cell->forget_bias != 1, "forget_bias", "an RNN has no forget gate: leave it at 1"},
        {cell->zoneout_cell != 0, "zoneout_cell", "an RNN has no c: set it to 0, or use model.zoneout_hidden"},
        {cell->observed_phi != HN_OBSERVED_PHI_NORMALISED, "observed_phi raw", "an RNN has no c: set it to normalised"},
    };
    return REFUSE(list);
}

static hn_status check_embeddings(hn_context *context, const hn_cell *cell)
{
    const misplaced list[] = {
        {cell->hyper_layer_norm != HN_HYPER_LAYER_NORM_FOLLOW && cell->kind != HN_CELL_HYPERLSTM,
         "hyper_layer_norm always", "only a HyperLSTM has a hyper cell with layer norm: set it to follow"},
        {cell->embedding_init != HN_EMBEDDING_INIT_PAPER && !hni_cell_is_hyper(cell->kind), "embedding_init jitter",
         "this cell has no embeddings: set it to paper"},
    };
    return REFUSE(list);
}

/* Values are in range; do they go together? */
static hn_status check_together(hn_context *context, const hn_cell *cell)
{
    hn_status status = hni_cell_is_rnn(cell->kind) ? check_rnn(context, cell) : check_lstm(context, cell);
    if (status == HN_OK) status = check_embeddings(context, cell);
    if (status != HN_OK || cell->layer_norm_epsilon == EPSILON || hni_cell_hyper_norm(cell)) return status;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "model.layer_norm_epsilon is %g, but no cell of the model has layer norm: set model.layer_norm to "
                     "true, or leave it at %g",
                     cell->layer_norm_epsilon, EPSILON);
}

hn_status hni_cell_check(hn_context *context, const hn_cell *cell)
{
    hn_language_model model;
    hn_language_model_default(&model);
    model.cell = *cell;
    if (cell->input_size < 1 || cell->input_size > MOST_UNITS) {
        return hni_error(context, HN_ERROR_ARGUMENT, "cell: input_size is %lld, it must be at least 1",
                         (long long)cell->input_size);
    }
    const hn_status status = hni_settings_check(context, "cell", &table, &model);
    return status != HN_OK ? status : check_together(context, cell);
}

hn_status hn_language_model_check(hn_context *context, const hn_language_model *model)
{
    const hn_status status = hni_settings_check(context, "language model", &table, model);
    return status != HN_OK ? status : check_together(context, &model->cell);
}
