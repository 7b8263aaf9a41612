/* What pictures of a model's inside are made of, gathered while the model writes or reads: how often phi took which value, and the way
 * of the embedding z_h. The pictures themselves are drawn by app/plot.
 *
 *     hni_histogram_counts counts = {.total = 0};
 *     HNI_TRY(hni_gather_phi(context, model.task, model.work, &sample, &counts));
 *
 *     hni_gathered_path path;
 *     HNI_TRY(hni_gather_path(context, model.task, model.work, &sample, &path));   // path.path is the picture's data
 *     cleanup: hni_gathered_path_free(&path);
 */
#ifndef HNI_APP_REPORT_GATHER_H
#define HNI_APP_REPORT_GATHER_H

#include "app/plot/histogram.h"
#include "app/plot/path.h"
#include "app/tasks/task.h"
#include "io/text.h"

/* Of the options, `write`, `observe` and `user` are set here; the rest says what is written or, with length 0, read. What is seen is
 * layer `observe_layer`: of what the model writes, or of the prime if it writes nothing. A model that has no such thing is an error
 * that says which kinds have it. */

/* Adds the values of all N units at each symbol. */
HN_MUST_USE hn_status hni_gather_phi(hn_context *context, const hni_task *task, hni_task_work *work,
                                     const hni_sample_options *options, hni_histogram_counts *counts);

typedef struct hni_gathered_path {
    hni_path path;
    hni_text text;          /* symbols, one after the other */
    hni_path_point *points; /* of path */
} hni_gathered_path;

/* The two principal components of z_h, all gates together, at each symbol. */
HN_MUST_USE hn_status hni_gather_path(hn_context *context, const hni_task *task, hni_task_work *work,
                                      const hni_sample_options *options, hni_gathered_path *out_path);
/* NULL fields are allowed: a struct of zeros, or what a failure has left. */
void hni_gathered_path_free(hni_gathered_path *path);

#endif
