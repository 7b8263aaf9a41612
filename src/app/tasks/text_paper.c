/* Tables 3 and 4 of the paper, as printed, with the count of each model as it is built here. */
#include "app/tasks/text_paper.h"

#include <math.h>
#include <string.h>

#define NONE ((double)NAN)
#define OWN 8 /* most rows of its own in one table */

static const hni_paper_row penn_treebank[] = {
    {"LSTM 1000", "table 3", 1.347, 1.312, 4254050, "4.25 M", ""},
    {"LSTM 1250", "table 3", 1.340, 1.306, 6567550, "6.57 M", ""},
    {"2-layer LSTM 1000", "table 3", 1.312, 1.281, 12258050, "12.26 M", ""},
    {"layer-norm LSTM 1000", "table 3", 1.300, 1.267, 4260050, "4.26 M", ""},
    {"HyperLSTM 1000", "table 3", 1.296, 1.265, 4911874, "4.91 M", ""},
    {"layer-norm HyperLSTM 1000", "table 3", 1.281, 1.250, 4922642, "4.92 M", ""},
    {"layer-norm HyperLSTM 1000, large embedding", "table 3", 1.263, 1.233, 5085170, "5.06 M",
     "this layout gives 5.09 M, and two such layers the 14.41 M that is printed for them"},
    {"2-layer layer-norm HyperLSTM 1000", "table 3", 1.245, 1.219, 14406690, "14.41 M", ""},
    {"ME n-gram", "cited in table 3", NONE, 1.37, 0, "", ""},
    {"batch-norm LSTM", "cited in table 3", NONE, 1.32, 0, "", ""},
    {"recurrent-dropout LSTM", "cited in table 3", NONE, 1.301, 0, "", ""},
    {"zoneout RNN", "cited in table 3", NONE, 1.27, 0, "", ""},
    {"HM-LSTM", "cited in table 3", NONE, 1.27, 0, "", ""},
};

static const hni_paper_row enwik8[] = {
    {"LSTM 1800", "table 4", NONE, 1.470, 14812405, "14.81 M", ""},
    {"LSTM 2000", "table 4", NONE, 1.461, 18058205, "18.06 M", ""},
    {"layer-norm LSTM 1800", "table 4", NONE, 1.402, 14823205, "14.82 M", ""},
    {"HyperLSTM 1800", "table 4", NONE, 1.391, 18708213, "18.71 M", ""},
    {"layer-norm HyperLSTM 1800", "table 4", NONE, 1.353, 18727749, "18.78 M",
     "this layout gives 18.73 M, and the printed digits without layer norm (18.71 M) and with 2048 units (26.54 M)"},
    {"layer-norm HyperLSTM 2048", "table 4", NONE, 1.340, 26539725, "26.54 M", ""},
    {"stacked LSTM", "cited in table 4", NONE, 1.67, 0, "27 M", ""},
    {"MRNN", "cited in table 4", NONE, 1.60, 0, "", ""},
    {"GF-RNN", "cited in table 4", NONE, 1.58, 0, "20 M", ""},
    {"Grid-LSTM", "cited in table 4", NONE, 1.47, 0, "16.8 M", ""},
    {"LSTM", "cited in table 4", NONE, 1.45, 0, "", ""},
    {"MI-LSTM", "cited in table 4", NONE, 1.44, 0, "", ""},
    {"recurrent highway network", "cited in table 4", NONE, 1.42, 0, "8 M", ""},
    {"recurrent memory array structures", "cited in table 4", NONE, 1.40, 0, "", ""},
    {"HM-LSTM", "cited in table 4", NONE, 1.40, 0, "", ""},
    {"surprisal feedback LSTM", "cited in table 4", NONE, 1.37, 0, "", ""},
};

static const char remark[] =
    " The paper does not say how long its models were trained; how long these were stands above.";

static const hni_paper_table tables[] = {
    {"penn_treebank", "Penn Treebank", penn_treebank, sizeof penn_treebank / sizeof penn_treebank[0], 8, remark},
    {"enwik8", "enwik8", enwik8, sizeof enwik8 / sizeof enwik8[0], 6, remark},
};
#define TABLES (sizeof tables / sizeof tables[0])

/* The models of a table's own rows. */
typedef struct size {
    hn_cell_kind cell;
    bool layer_norm;
    int layers;
    int64_t units, hyper_units, embedding_size; /* the last two 0 for an LSTM */
} size;

static const struct {
    int64_t vocabulary_size;
    size own[OWN];
} sizes[TABLES] = {
    {50,
     {{HN_CELL_LSTM, false, 1, 1000, 0, 0},
      {HN_CELL_LSTM, false, 1, 1250, 0, 0},
      {HN_CELL_LSTM, false, 2, 1000, 0, 0},
      {HN_CELL_LSTM, true, 1, 1000, 0, 0},
      {HN_CELL_HYPERLSTM, false, 1, 1000, 128, 4},
      {HN_CELL_HYPERLSTM, true, 1, 1000, 128, 4},
      {HN_CELL_HYPERLSTM, true, 1, 1000, 128, 16},
      {HN_CELL_HYPERLSTM, true, 2, 1000, 128, 16}}},
    {205,
     {{HN_CELL_LSTM, false, 1, 1800, 0, 0},
      {HN_CELL_LSTM, false, 1, 2000, 0, 0},
      {HN_CELL_LSTM, true, 1, 1800, 0, 0},
      {HN_CELL_HYPERLSTM, false, 1, 1800, 256, 64},
      {HN_CELL_HYPERLSTM, true, 1, 1800, 256, 64},
      {HN_CELL_HYPERLSTM, true, 1, 2048, 512, 64}}},
};

const hni_paper_table *hni_text_paper_table(const char *data)
{
    for (size_t i = 0; i < TABLES; i++)
        if (strcmp(tables[i].data, data) == 0) return &tables[i];
    return NULL;
}

const char *hni_text_paper_data(const hni_text_settings *settings)
{
    const char *slash = strrchr(settings->path, '/');
    if (settings->kind == HNI_TEXT_KIND_PENN_TREEBANK) return tables[0].data;
    if (settings->kind != HNI_TEXT_KIND_BYTES) return NULL;
    return strncmp(slash != NULL ? slash + 1 : settings->path, "enwik8", 6) == 0 ? tables[1].data : NULL;
}

static bool is_of(const size *wanted, const hn_language_model *model)
{
    const hn_cell *cell = &model->cell;
    if (wanted->cell != cell->kind || wanted->layer_norm != cell->layer_norm || wanted->layers != model->layers ||
        wanted->units != cell->units) {
        return false;
    }
    return cell->kind == HN_CELL_LSTM ||
           (wanted->hyper_units == cell->hyper_units && wanted->embedding_size == cell->embedding_size);
}

const hni_paper_row *hni_text_paper_find(const hn_language_model *model, const hni_paper_table **out_table)
{
    for (size_t t = 0; t < TABLES; t++) {
        if (sizes[t].vocabulary_size != model->vocabulary_size) continue;
        for (size_t i = 0; i < tables[t].own; i++) {
            if (!is_of(&sizes[t].own[i], model)) continue;
            if (out_table != NULL) *out_table = &tables[t];
            return &tables[t].rows[i];
        }
    }
    if (out_table != NULL) *out_table = NULL;
    return NULL;
}
