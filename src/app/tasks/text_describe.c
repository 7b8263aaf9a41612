/* What `info` says about a text model: its layers and its data; readings of the paper are in text_readings.c. */
#include <stdio.h>

#include "app/tasks/readings.h"
#include "app/tasks/text.h"

static bool is_hyper(const hn_cell *cell) { return cell->kind != HN_CELL_LSTM && cell->kind != HN_CELL_RNN; }

static const char *kind_name(const hn_cell *cell)
{
    switch (cell->kind) {
    case HN_CELL_LSTM: return "LSTM";
    case HN_CELL_HYPERLSTM: return "HyperLSTM";
    case HN_CELL_RNN: return "RNN";
    case HN_CELL_HYPERRNN: return "HyperRNN";
    case HN_CELL_HYPERRNN_FULL: break;
    }
    return "full HyperRNN";
}

static void describe_layers(const hni_task_work *work, const hni_lines *out)
{
    const hn_cell *cell = &work->model.cell;
    const char *norm = cell->layer_norm ? "layer-norm " : "", *kind = kind_name(cell);
    for (int k = 0; k < work->model.layers; k++) {
        const long long input = (long long)(k == 0 ? work->model.vocabulary_size : cell->units);
        char key[32];
        snprintf(key, sizeof key, "layer %d", k);
        if (!is_hyper(cell)) {
            hni_line(out, key, "%s%s, %lld -> %lld units", norm, kind, input, (long long)cell->units);
        } else {
            hni_line(out, key, "%s%s, %lld -> %lld units, hyper cell %lld -> %lld units, embeddings of %lld", norm,
                     kind, input, (long long)cell->units, (long long)cell->units + input, (long long)cell->hyper_units,
                     (long long)cell->embedding_size);
        }
    }
    hni_line(out, "softmax", "%lld -> %lld symbols", (long long)cell->units, (long long)work->model.vocabulary_size);
}

static void describe_data(const hni_task_work *work, const hni_lines *out)
{
    static const char *const kinds[] = {"bytes", "characters of Penn Treebank (space as '_', line end a symbol)",
                                        "characters of UTF-8 text"};
    hni_line(out, "symbols", "%s, one-hot, V = %lld", kinds[work->data.kind], (long long)work->model.vocabulary_size);
    hni_line(out, "window", "batch %lld x length %lld, state carried from window to window, zero at an epoch's start",
             (long long)work->data.batch, (long long)work->data.length);
    if (work->text == NULL) return;
    hni_line(out, "text",
             "%lld / %lld / %lld characters to train, validate, test; %lld symbols occur; %lld windows an epoch",
             (long long)work->text->count[HNI_TEXT_TRAIN], (long long)work->text->count[HNI_TEXT_VALID],
             (long long)work->text->count[HNI_TEXT_TEST], (long long)hn_vocabulary_count(work->vocabulary),
             (long long)work->tracks.windows);
}

hn_status hni_text_describe(const hni_task_work *work, bool with_data,
                            void (*write)(void *user, const char *key, const char *value), void *user)
{
    const hni_lines out = {write, user};
    describe_layers(work, &out);
    if (with_data) describe_data(work, &out);
    hni_text_readings(work, with_data, write, user);
    return HN_OK;
}

void hni_text_label(const hni_task_work *work, char *out_text, size_t size)
{
    const hn_cell *cell = &work->model.cell;
    char layers[16] = "";
    if (work->model.layers > 1) snprintf(layers, sizeof layers, "%dx", work->model.layers);
    snprintf(out_text, size, "%s%s %s%lld", cell->layer_norm ? "LN-" : "", kind_name(cell), layers,
             (long long)cell->units);
}
