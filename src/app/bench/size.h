/* The sizes that are measured: of sequences three of the paper's and one for a laptop, of images two of the paper's. Numbers alone; step.h
 * and image_step.h make models of them. */
#ifndef HNI_APP_BENCH_SIZE_H
#define HNI_APP_BENCH_SIZE_H

#include "hypernet/image.h"

#define HNI_BENCH_SIZES 4
#define HNI_BENCH_KEEP 0.9 /* of all three dropouts, at every size: they take time */

typedef struct hni_bench_size {
    const char *name;                      /* "ptb" */
    int64_t units, hyper_units, embedding; /* N, M, E */
    int64_t inputs, outputs;               /* X, and what the output layer makes */
    int64_t batch, length;                 /* B, T */
    bool dense; /* inputs are numbers [B,T,X] and the loss is a mean square; else symbols and softmax */
} hni_bench_size;

/* In the order in which they are measured; NULL past the end. */
const hni_bench_size *hni_bench_size_at(size_t index);
/* NULL: there is none of that name. */
const hni_bench_size *hni_bench_size_find(const char *name);
/* The same shape, but so small that a step takes no time to speak of: for tests. */
hni_bench_size hni_bench_size_quick(const hni_bench_size *size);

/* ---- images ---- */

#define HNI_BENCH_IMAGE_SIZES 2

typedef struct hni_bench_image_size {
    const char *name; /* "wrn-40-1" */
    hn_image_network network;
    int64_t channels, height, width, classes; /* C, H, W, K */
    int depth, widen;                         /* of a wide ResNet */
    int64_t embedding;                        /* E, of a basic kernel */
    int64_t batch;                            /* B */
    int64_t pad;                              /* zeros around an image that a crop may take in */
    bool flip;                                /* mirrored at random */
} hni_bench_image_size;

/* As those above. */
const hni_bench_image_size *hni_bench_image_size_at(size_t index);
const hni_bench_image_size *hni_bench_image_size_find(const char *name);
hni_bench_image_size hni_bench_image_size_quick(const hni_bench_image_size *size);
/* The network, its kernels generated or stored, with a penalty on them. */
void hni_bench_image_model(const hni_bench_image_size *size, hn_image_weights weights, hn_image_model *out_model);

#endif
