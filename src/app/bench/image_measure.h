/* Everything about one size of images: a step of the network whose kernels are generated, one of the network that stores them, and their
 * convolutions alone, taken in turns within one run. */
#ifndef HNI_APP_BENCH_IMAGE_MEASURE_H
#define HNI_APP_BENCH_IMAGE_MEASURE_H

#include "app/bench/convolutions.h"
#include "app/bench/measure.h"

typedef struct hni_bench_network {
    hni_bench_times forward, backward, update, step; /* seconds */
    hni_bench_times parts[HNI_BENCH_PARTS];          /* shares of the step, 0 .. 1 */
    int64_t parameters;
    int64_t bytes, process_peak, forecast; /* as in hni_bench_cell */
} hni_bench_network;

typedef struct hni_bench_image_result {
    hni_bench_image_size size;
    bool skipped;       /* for lack of memory: nothing but the forecasts is set */
    int64_t free_bytes; /* of the machine; 0: not known */
    hni_bench_network hyper, stored;
    hni_bench_convolutions convolutions; /* of either; closed, only times are left */
} hni_bench_image_result;

HN_MUST_USE hn_status hni_bench_image_measure(hn_context *context, const hni_bench_image_size *size,
                                              const hni_bench_plan *plan, hni_bench_image_result *out_result);

/* The generated network's step over the stored one's. */
double hni_bench_over_stored(const hni_bench_image_result *result);

#endif
