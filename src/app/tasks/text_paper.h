/* Rows of the paper's tables of character language models, so that `info` can show its figures beside ours. */
#ifndef HNI_APP_TASKS_TEXT_PAPER_H
#define HNI_APP_TASKS_TEXT_PAPER_H

#include "hypernet/nn.h"

typedef struct hni_text_paper_row {
    const char *data, *name; /* "Penn Treebank", "LN HyperLSTM 1000" */
    int64_t vocabulary_size;
    hn_cell_kind cell;
    bool layer_norm;
    int layers;
    int64_t units, hyper_units, embedding_size; /* the last two 0 for an LSTM */
    const char *parameters;                     /* as printed: "4.92 M" */
    const char *valid, *test;                   /* bits per character as printed; "" where it prints none */
} hni_text_paper_row;

/* The row of a model of this size, or NULL. */
const hni_text_paper_row *hni_text_paper_find(const hn_language_model *model);

#endif
