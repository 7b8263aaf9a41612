/* Tables 3 and 4 of the paper, its own rows. */
#include "app/tasks/text_paper.h"

#define PTB "Penn Treebank"
#define LSTM HN_CELL_LSTM
#define HYPER HN_CELL_HYPERLSTM

static const hni_text_paper_row rows[] = {
    {PTB, "LSTM 1000", 50, LSTM, false, 1, 1000, 0, 0, "4.25 M", "1.347", "1.312"},
    {PTB, "LSTM 1250", 50, LSTM, false, 1, 1250, 0, 0, "6.57 M", "1.340", "1.306"},
    {PTB, "2-layer LSTM 1000", 50, LSTM, false, 2, 1000, 0, 0, "12.26 M", "1.312", "1.281"},
    {PTB, "layer-norm LSTM 1000", 50, LSTM, true, 1, 1000, 0, 0, "4.26 M", "1.300", "1.267"},
    {PTB, "HyperLSTM 1000", 50, HYPER, false, 1, 1000, 128, 4, "4.91 M", "1.296", "1.265"},
    {PTB, "layer-norm HyperLSTM 1000", 50, HYPER, true, 1, 1000, 128, 4, "4.92 M", "1.281", "1.250"},
    {PTB, "layer-norm HyperLSTM 1000, large embedding", 50, HYPER, true, 1, 1000, 128, 16, "5.06 M", "1.263", "1.233"},
    {PTB, "2-layer layer-norm HyperLSTM 1000", 50, HYPER, true, 2, 1000, 128, 16, "14.41 M", "1.245", "1.219"},
    {"enwik8", "LSTM 1800", 205, LSTM, false, 1, 1800, 0, 0, "14.81 M", "", "1.470"},
    {"enwik8", "LSTM 2000", 205, LSTM, false, 1, 2000, 0, 0, "18.06 M", "", "1.461"},
    {"enwik8", "layer-norm LSTM 1800", 205, LSTM, true, 1, 1800, 0, 0, "14.82 M", "", "1.402"},
    {"enwik8", "HyperLSTM 1800", 205, HYPER, false, 1, 1800, 256, 64, "18.71 M", "", "1.391"},
    {"enwik8", "layer-norm HyperLSTM 1800", 205, HYPER, true, 1, 1800, 256, 64, "18.78 M", "", "1.353"},
    {"enwik8", "layer-norm HyperLSTM 2048", 205, HYPER, true, 1, 2048, 512, 64, "26.54 M", "", "1.340"},
};

static bool is_of(const hni_text_paper_row *row, const hn_language_model *model)
{
    const hn_cell *cell = &model->cell;
    if (row->vocabulary_size != model->vocabulary_size || row->cell != cell->kind ||
        row->layer_norm != cell->layer_norm || row->layers != model->layers || row->units != cell->units) {
        return false;
    }
    return cell->kind == LSTM || (row->hyper_units == cell->hyper_units && row->embedding_size == cell->embedding_size);
}

const hni_text_paper_row *hni_text_paper_find(const hn_language_model *model)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (is_of(&rows[i], model)) return &rows[i];
    return NULL;
}
