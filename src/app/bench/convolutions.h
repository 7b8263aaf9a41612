/* The convolutions of a training step, forward, back to the images and for the kernels, each timed by itself at the network's own shapes, by
 * the kernels that the step uses: what is left of a step without them is everything else. */
#ifndef HNI_APP_BENCH_CONVOLUTIONS_H
#define HNI_APP_BENCH_CONVOLUTIONS_H

#include "app/bench/image_step.h"
#include "app/bench/timing.h"

typedef enum hni_bench_pass {
    HNI_BENCH_PASS_FORWARD,
    HNI_BENCH_PASS_DATA,
    HNI_BENCH_PASS_WEIGHTS, /* and the bias */
    HNI_BENCH_PASSES
} hni_bench_pass;
/* "forward" */
const char *hni_bench_pass_name(hni_bench_pass pass);

typedef struct hni_bench_convolution_row {
    hni_bench_convolution convolution;
    hni_view x, kernel, bias, y;             /* numbers; y is also dy */
    hni_view dx, dkernel, dbias;             /* results */
    hni_bench_times times[HNI_BENCH_PASSES]; /* seconds of all `count` of them; none where there is no such pass */
    int64_t runs[HNI_BENCH_PASSES];          /* of one measurement */
} hni_bench_convolution_row;

typedef struct hni_bench_convolutions {
    hni_exec exec;
    hni_arena memory, scratch;
    hni_step_block block;
    hni_bench_convolution_row rows[HNI_BENCH_CONVOLUTIONS_MOST];
    size_t count;
} hni_bench_convolutions;

/* A measurement takes about `least` seconds. `out_convolutions` must stay where it is. */
HN_MUST_USE hn_status hni_bench_convolutions_open(hn_context *context, const hni_bench_image_forecast *forecast,
                                                  double least, hni_bench_convolutions *out_convolutions);
/* Times each once: one repeat. */
HN_MUST_USE hn_status hni_bench_convolutions_run(hni_bench_convolutions *convolutions);
/* Keeps the times. */
void hni_bench_convolutions_close(hni_bench_convolutions *convolutions);

/* Median of all of one kind, and the sum over all kinds and passes; NaN before the first repeat. */
double hni_bench_convolution_seconds(const hni_bench_convolution_row *row, hni_bench_pass pass);
double hni_bench_convolutions_seconds(const hni_bench_convolutions *convolutions);
/* False: the images need no gradient. */
bool hni_bench_convolution_has(const hni_bench_convolution_row *row, hni_bench_pass pass);
/* Multiplications and additions of one of them, in any pass. */
double hni_bench_convolution_operations(const hni_bench_convolution *convolution);

#endif
