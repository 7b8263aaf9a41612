/* Operands of map and reduce, brought into the order in which they are walked, and a reader that gives unit-stride lines of
 * them. */
#ifndef HNI_KERNELS_CPU_WALK_H
#define HNI_KERNELS_CPU_WALK_H

#include "kernels/cpu/cpu.h"

/* Three inputs and the output as one innermost dimension and a walk over the rest. */
typedef struct hni_cpu_operands {
    hni_map map;
    float p, q;
    int inputs;
    hni_view views[4]; /* collapsed; the last one used is the output */
    const float *in[3];
    float *out;
    int64_t inner, rows; /* elements of a row, number of rows */
    int64_t in_stride[3], out_stride;
    hni_walk walk; /* over rows; track i is input i, then comes the output */
} hni_cpu_operands;

void hni_cpu_operands_set(hni_cpu_operands *operands, hni_map map, const double parameters[2], const hni_view *inputs,
                          const hni_view *out);

/* Buffers for inputs without unit stride. */
typedef struct hni_cpu_reader {
    const float *filled[3]; /* the repeated element that the buffer holds */
    int64_t filled_count[3];
    float buffer[3][HNI_CPU_BLOCK];
} hni_cpu_reader;

/* Nothing is filled yet; the buffers themselves need no value. */
static inline void hni_cpu_reader_begin(hni_cpu_reader *reader)
{
    for (int i = 0; i < 3; i++)
        reader->filled[i] = NULL;
}

/* Elements x[0], x[stride], ... as a unit-stride line that lasts until the next call for input i. n is at most HNI_CPU_BLOCK unless
 * stride is 1. */
const float *hni_cpu_read(hni_cpu_reader *reader, int i, const float *x, int64_t stride, int64_t n);

/* out[i * stride] (+)= line[i] */
void hni_cpu_write(const float *line, int64_t n, float *out, int64_t stride, bool add);

/* out += f(inputs), summed over the dimensions that out repeats. */
HN_MUST_USE hn_status hni_cpu_reduce(hni_exec *exec, const hni_cpu_maps *maps, const hni_cpu_operands *operands);

#endif
