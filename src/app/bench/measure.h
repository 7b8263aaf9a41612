/* Everything about one size: the step of the layer-norm HyperLSTM, that of the plain LSTM, their multiplies alone, and sampling, taken in
 * turns within one run so that what slows the machine slows all of them. */
#ifndef HNI_APP_BENCH_MEASURE_H
#define HNI_APP_BENCH_MEASURE_H

#include "app/bench/multiplies.h"

#define HNI_BENCH_STREAMS 6 /* one row and 32, with each kind of storage */

typedef struct hni_bench_cell {
    hni_bench_times forward, backward, update, step; /* seconds */
    int64_t bytes;                                   /* most of graph and store, by the library's own count */
    int64_t process_peak;                            /* most that the process held in the first steps; 0: not known */
    int64_t forecast;                                /* of `bytes`, before */
} hni_bench_cell;

typedef struct hni_bench_stream {
    int64_t rows;
    hn_dtype storage;
    hni_bench_times character; /* seconds of one character of one row */
} hni_bench_stream;

typedef struct hni_bench_result {
    hni_bench_size size;
    bool skipped;       /* for lack of memory: nothing but the forecasts is set */
    int64_t free_bytes; /* of the machine; 0: not known */
    hni_bench_cell hyper, plain;
    bool has_multiplies;                         /* false in a build without oneDNN */
    hni_bench_multiplies multiplies;             /* of the HyperLSTM; closed, only times are left */
    hni_bench_stream streams[HNI_BENCH_STREAMS]; /* of the HyperLSTM; rows 0: there is none (dense inputs) */
} hni_bench_result;

typedef struct hni_bench_plan {
    size_t repeats; /* 1 .. HNI_BENCH_REPEATS_MOST */
    bool quick;     /* measurements are cut short */
    void (*progress)(void *user, const char *size, const char *what, size_t done, size_t total); /* NULL: none */
    void *user;
} hni_bench_plan;

HN_MUST_USE hn_status hni_bench_measure(hn_context *context, const hni_bench_size *size, const hni_bench_plan *plan,
                                        hni_bench_result *out_result);

/* The sum of the plain LSTM's multiplies: those of the HyperLSTM's that both have. */
double hni_bench_plain_multiplies(const hni_bench_result *result);
/* Quartiles of a step. */
hni_bench_spread hni_bench_cell_step(const hni_bench_cell *cell);
/* The HyperLSTM's step over the plain LSTM's. */
double hni_bench_over_plain(const hni_bench_result *result);

#endif
