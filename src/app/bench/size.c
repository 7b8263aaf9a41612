/* See size.h. */
#include "app/bench/size.h"

#include <string.h>

/* Batch and length of the paper's sections 4.3 to 4.5, and of recipes/ptb-256.yaml. Handwriting: lines of about 700 points, x, y and pen;
 * 121 numbers make its mixture of 20 Gaussians. */
static const hni_bench_size sizes[HNI_BENCH_SIZES] = {
    {"ptb", 1000, 128, 4, 50, 50, 128, 100, false},
    {"enwik8", 1800, 256, 64, 205, 205, 128, 250, false},
    {"handwriting", 900, 128, 4, 3, 121, 32, 700, true},
    {"laptop", 256, 32, 4, 50, 50, 32, 100, false},
};

const hni_bench_size *hni_bench_size_at(size_t index) { return index < HNI_BENCH_SIZES ? &sizes[index] : NULL; }

const hni_bench_size *hni_bench_size_find(const char *name)
{
    for (size_t i = 0; i < HNI_BENCH_SIZES; i++)
        if (strcmp(sizes[i].name, name) == 0) return &sizes[i];
    return NULL;
}

static int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

hni_bench_size hni_bench_size_quick(const hni_bench_size *size)
{
    hni_bench_size quick = *size;
    quick.units /= 32;
    quick.hyper_units /= 8;
    quick.embedding = lesser(quick.embedding, 4);
    quick.inputs = lesser(quick.inputs, 20);
    quick.outputs = size->dense ? lesser(quick.outputs, 20) : quick.inputs;
    quick.batch = 4;
    quick.length = 5;
    return quick;
}

/* ---- images ---- */

#define DECAY 5e-4 /* of kernels; what it is does not matter to the time */

/* Batches and augmentation of the paper's sections 4.1 and 4.2. */
static const hni_bench_image_size image_sizes[HNI_BENCH_IMAGE_SIZES] = {
    {"wrn-40-1", HN_IMAGE_NETWORK_WIDE_RESNET, 3, 32, 32, 10, 40, 1, 64, 128, 2, true},
    {"mnist", HN_IMAGE_NETWORK_CONV, 1, 28, 28, 10, 0, 0, 4, 1000, 1, false},
};

const hni_bench_image_size *hni_bench_image_size_at(size_t index)
{
    return index < HNI_BENCH_IMAGE_SIZES ? &image_sizes[index] : NULL;
}

const hni_bench_image_size *hni_bench_image_size_find(const char *name)
{
    for (size_t i = 0; i < HNI_BENCH_IMAGE_SIZES; i++)
        if (strcmp(image_sizes[i].name, name) == 0) return &image_sizes[i];
    return NULL;
}

hni_bench_image_size hni_bench_image_size_quick(const hni_bench_image_size *size)
{
    hni_bench_image_size quick = *size;
    quick.height = quick.width = 8;
    if (quick.network == HN_IMAGE_NETWORK_WIDE_RESNET) quick.depth = 10;
    quick.embedding = lesser(quick.embedding, 4);
    quick.batch = 4;
    return quick;
}

void hni_bench_image_model(const hni_bench_image_size *size, hn_image_weights weights, hn_image_model *out_model)
{
    hn_image_model_default(out_model);
    out_model->network = size->network;
    out_model->weights = weights;
    out_model->channels = size->channels;
    out_model->height = size->height;
    out_model->width = size->width;
    out_model->classes = size->classes;
    out_model->kernel_decay = DECAY;
    out_model->embedding_size = size->embedding;
    if (size->network != HN_IMAGE_NETWORK_WIDE_RESNET) return;
    out_model->depth = size->depth;
    out_model->widen = size->widen;
}
