/* How the cost of a training step grows: seconds against length T, units N, batch B and threads, each varied by itself, for the
 * layer-norm HyperLSTM and the plain LSTM, with the power that fits. */
#ifndef HNI_APP_BENCH_SCALING_H
#define HNI_APP_BENCH_SCALING_H

#include "app/bench/step.h"
#include "app/bench/timing.h"

#define HNI_SCALING_POINTS 8 /* of one line, at most */

typedef enum hni_scaling_axis {
    HNI_SCALING_LENGTH,
    HNI_SCALING_UNITS, /* the hyper cell's grow with them */
    HNI_SCALING_BATCH,
    HNI_SCALING_THREADS,
    HNI_SCALING_AXES
} hni_scaling_axis;

/* "length", "units", "batch", "threads". */
const char *hni_scaling_axis_name(hni_scaling_axis axis);

enum { HNI_SCALING_HYPER, HNI_SCALING_PLAIN, HNI_SCALING_CELLS };

typedef struct hni_scaling_line {
    double seconds[HNI_SCALING_POINTS]; /* medians */
    hni_bench_fit fit;                  /* seconds = factor * x^slope */
} hni_scaling_line;

typedef struct hni_scaling_series {
    double x[HNI_SCALING_POINTS]; /* rising */
    size_t count;
    hni_scaling_line lines[HNI_SCALING_CELLS];
} hni_scaling_series;

typedef struct hni_scaling {
    hni_bench_size size; /* what the other three stay at */
    int threads;
    hni_scaling_series axes[HNI_SCALING_AXES];
} hni_scaling;

typedef struct hni_scaling_plan {
    size_t repeats;
    void (*progress)(void *user, hni_scaling_axis axis, size_t done, size_t total); /* NULL: none */
    void *user;
} hni_scaling_plan;

/* The values of an axis: a quarter, a half, once and twice what `size` has; threads: 1, 2, 4, .. and `threads`. Returns how many. */
size_t hni_scaling_values(const hni_bench_size *size, hni_scaling_axis axis, int threads,
                          int64_t out_values[HNI_SCALING_POINTS]);
/* All points of an axis are measured in turns. HN_ERROR_MEMORY, before anything is measured, for what does not fit. */
HN_MUST_USE hn_status hni_scaling_measure(hn_context *context, const hni_bench_size *size, const hni_scaling_plan *plan,
                                          hni_scaling *out_scaling);

#endif
