/* The sizes that are measured: three of the paper's and one for a laptop. Numbers alone; step.h makes models of them. */
#ifndef HNI_APP_BENCH_SIZE_H
#define HNI_APP_BENCH_SIZE_H

#include "hypernet/nn.h"

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

#endif
