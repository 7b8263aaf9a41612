/* The products of two matrices in a training step, and the time that each takes by itself: the sum is what no implementation on this
 * machine's library of multiplies can be faster than.
 *
 * Counted are, forward, back to the data and for the weights: W_h; the hyper cell's matrices, those of the embeddings z among them; dense
 * inputs; the output layer. The weights' gradients are one product over all steps. One-hot inputs are rows looked up, not multiplied.
 * The matrices that make scaling vectors of embeddings count from an E of HNI_BENCH_EMBEDDING on: smaller ones are a few numbers a row,
 * a hundredth of the arithmetic, and no work for a matrix multiply. Leaving them out makes the ratio to the sum larger, not smaller. */
#ifndef HNI_APP_BENCH_MULTIPLIES_H
#define HNI_APP_BENCH_MULTIPLIES_H

#include "app/bench/step.h"
#include "app/bench/timing.h"
#include "kernels/probe.h"

#define HNI_BENCH_MULTIPLIES_MOST 24
#define HNI_BENCH_WAYS 3
#define HNI_BENCH_EMBEDDING 9

typedef struct hni_bench_multiply {
    const char *matrix; /* "W_h" */
    const char *pass;   /* "forward", "data", "weights" */
    int64_t m, n, k;    /* [m,k] * [k,n]; of "weights" the first matrix is stored [k,m] */
    double count;       /* in a step */
} hni_bench_multiply;

/* Writes at most HNI_BENCH_MULTIPLIES_MOST rows; returns how many. */
size_t hni_bench_multiplies_list(const hni_bench_model *model, hni_bench_multiply *out_rows);
/* Multiplications and additions, in all. */
double hni_bench_multiplies_operations(const hni_bench_multiply *rows, size_t count);

/* A product by each way that there is to compute it. */
typedef struct hni_bench_row {
    hni_bench_multiply multiply;
    hni_probe *ways[HNI_BENCH_WAYS];
    hni_bench_times times[HNI_BENCH_WAYS]; /* seconds of all `count` of them */
    int64_t runs[HNI_BENCH_WAYS];          /* of the probe at a time */
    size_t way_count;
} hni_bench_row;

typedef struct hni_bench_multiplies {
    hni_bench_row rows[HNI_BENCH_MULTIPLIES_MOST];
    size_t count;
} hni_bench_multiplies;

/* Prepares every product and times each once, to leave out the ways that are far behind. A measurement of a way takes about `least`
 * seconds. Refused in a build without oneDNN. */
HN_MUST_USE hn_status hni_bench_multiplies_open(hn_context *context, const hni_bench_model *model, double least,
                                                hni_bench_multiplies *out_multiplies);
/* Times each product by each way: one repeat. */
HN_MUST_USE hn_status hni_bench_multiplies_run(hni_bench_multiplies *multiplies);
void hni_bench_multiplies_close(hni_bench_multiplies *multiplies);

/* Median of a product by its fastest way; NaN before the first repeat. */
double hni_bench_row_seconds(const hni_bench_row *row);
/* The sum over the products. */
double hni_bench_multiplies_seconds(const hni_bench_multiplies *multiplies);

#endif
