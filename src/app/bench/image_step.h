/* One training step of a size of images: a batch drawn, cropped and mirrored, forward, backward, Adam, running statistics; on pixels drawn
 * by counter, so no data is needed. And how the time of a step is shared out, seen from inside.
 *
 *     HNI_TRY(hni_bench_image_step_open(context, size, HN_IMAGE_WEIGHTS_HYPER, &step));
 *     HNI_TRY(hni_bench_image_step_run(step, &report));       // as often as wanted
 *     hni_bench_image_step_close(step);
 */
#ifndef HNI_APP_BENCH_IMAGE_STEP_H
#define HNI_APP_BENCH_IMAGE_STEP_H

#include "app/bench/step.h"
#include "kernels/table.h"

typedef enum hni_bench_part {
    HNI_BENCH_PART_AUGMENTATION, /* choosing the images and their views, and gathering them */
    HNI_BENCH_PART_GENERATOR,    /* forward, backward, and the penalty on what it makes */
    HNI_BENCH_PART_CONVOLUTION,
    HNI_BENCH_PART_NORM, /* batch norm with its relu, and the statistics */
    HNI_BENCH_PART_REST, /* sums, pooling, the loss, gradients to zero, the update */
    HNI_BENCH_PARTS
} hni_bench_part;
/* "generator" */
const char *hni_bench_part_name(hni_bench_part part);

typedef struct hni_bench_image_report {
    hni_bench_report step;
    double parts[HNI_BENCH_PARTS]; /* seconds; the sum is that of the step */
} hni_bench_image_report;

typedef struct hni_bench_image_step hni_bench_image_step;
HN_MUST_USE hn_status hni_bench_image_step_open(hn_context *context, const hni_bench_image_size *size,
                                                hn_image_weights weights, hni_bench_image_step **out_step);
HN_MUST_USE hn_status hni_bench_image_step_run(hni_bench_image_step *step, hni_bench_image_report *out_report);
void hni_bench_image_step_close(hni_bench_image_step *step); /* NULL is allowed */

/* Learned numbers. */
int64_t hni_bench_image_step_parameters(const hni_bench_image_step *step);
/* As those of step.h. */
int64_t hni_bench_image_step_bytes(const hni_bench_image_step *step);

/* A convolution of the network. */
typedef struct hni_bench_convolution {
    hn_shape x, kernel;      /* [B,H,W,C], [O,C,f,f] */
    int64_t stride, padding; /* of each of two directions */
    bool has_bias, wants_dx; /* false: x are the images */
    int64_t count;           /* in a step */
} hni_bench_convolution;

#define HNI_BENCH_CONVOLUTIONS_MOST 16

/* What a step takes, known without taking one. */
typedef struct hni_bench_image_forecast {
    int64_t bytes;                                                   /* of graph and store */
    hni_bench_convolution convolutions[HNI_BENCH_CONVOLUTIONS_MOST]; /* those that differ */
    size_t count;
} hni_bench_image_forecast;
HN_MUST_USE hn_status hni_bench_image_forecast_make(hn_context *context, const hni_bench_image_size *size,
                                                    hn_image_weights weights, hni_bench_image_forecast *out_forecast);

#endif
