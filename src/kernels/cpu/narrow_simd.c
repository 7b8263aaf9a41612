/* Rounding of floats to bf16, to nearest even; NaN stays NaN. For one level of the instruction set. */
#include "kernels/cpu/cpu.h"
#include "kernels/packed.h"

static void round_line(int64_t n, const float *x, uint16_t *out)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        out[i] = hni_bf16_of(x[i]);
}

extern const hni_cpu_narrows HNI_CPU_NAME(hni_cpu_narrows);
const hni_cpu_narrows HNI_CPU_NAME(hni_cpu_narrows) = {.round = round_line};
