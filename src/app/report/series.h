/* Numbers of runs' logs as lines of a picture: learning curves, effective ranks. */
#ifndef HNI_APP_REPORT_SERIES_H
#define HNI_APP_REPORT_SERIES_H

#include "app/plot/curves.h"
#include "app/plot/ranks.h"
#include "app/report/report.h"

typedef struct hni_run_series {
    hn_context *context;
    hni_series *series; /* [count] */
    size_t count;
    hni_point *points;
    hni_text *names; /* [count] */
} hni_run_series;

/* What is drawn of runs: the metric, of training too where it is what training lessens; or the loss, of training and validation. */
typedef enum hni_run_figure { HNI_RUN_METRIC, HNI_RUN_LOSS } hni_run_figure;

/* A figure of the runs over an axis; rows without a finite place or figure are left out. Freed by the caller, after a failure too. */
HN_MUST_USE hn_status hni_run_series_make(hn_context *context, const hni_run *runs, size_t count, hni_curves_axis axis,
                                          hni_run_figure figure, hni_run_series *out_series);
void hni_run_series_free(hni_run_series *series);

#define HNI_RUN_EMBEDDINGS 3 /* z_h, z_x, z_b */

typedef struct hni_run_ranks {
    hn_context *context;
    hni_ranks ranks; /* count 0: the log has none of this layer */
    hni_ranks_panel panels[HNI_RUN_EMBEDDINGS];
    hni_ranks_line *lines;
    hni_point *points;
} hni_run_ranks;

/* Effective ranks of one layer over an axis, a panel for each embedding. Freed by the caller, after a failure too. */
HN_MUST_USE hn_status hni_run_ranks_make(hn_context *context, const hni_run *run, int layer, hni_curves_axis axis,
                                         hni_run_ranks *out_ranks);
void hni_run_ranks_free(hni_run_ranks *ranks);

/* A run's name, with its folder behind it where two runs have one name. */
void hni_run_legend(const hni_run *runs, size_t count, size_t run, hni_text *out_name);

#endif
