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
