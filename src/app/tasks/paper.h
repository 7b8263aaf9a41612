/* A row of a table of the paper, of its own models or of others' that it cites beside them: what `info` and the report put beside ours. */
#ifndef HNI_APP_TASKS_PAPER_H
#define HNI_APP_TASKS_PAPER_H

#include <stddef.h>
#include <stdint.h>

typedef struct hni_paper_row {
    const char *name;    /* "layer-norm HyperLSTM 1000" */
    const char *source;  /* "table 3"; of another's work "cited in table 3" */
    double valid, test;  /* the figure as printed, of the task's metric; NaN where none is */
    int64_t parameters;  /* of the model of this size as it is built here; 0 for what is cited */
    const char *printed; /* the count as printed: "4.92 M"; "" where none is */
    const char *note;    /* why `printed` is not `parameters` rounded; "" where it is */
} hni_paper_row;

/* The rows of one data set: the paper's own first, then those cited. */
typedef struct hni_paper_table {
    const char *data;  /* "penn_treebank", "enwik8" */
    const char *title; /* "Penn Treebank" */
    const hni_paper_row *rows;
    size_t count, own;  /* rows in all; the first `own` are the paper's */
    const char *remark; /* a sentence about how the printed figures came about, with a blank before it; "" */
} hni_paper_table;

#endif
