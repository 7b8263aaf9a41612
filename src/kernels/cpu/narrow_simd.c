/* Rounding of floats to bf16, to nearest even; NaN stays NaN. For one level of the instruction set. */
#include "kernels/cpu/cpu.h"

#include <string.h>

static void round_line(int64_t n, const float *x, uint16_t *out)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const union {
            float number;
            uint32_t bits;
        } both = {.number = x[i]};
        const uint32_t word = both.bits;
        const uint32_t nearest = (word + 0x7fffu + (word >> 16 & 1u)) >> 16;
        const uint32_t quiet = word >> 16 | 0x40u;
        out[i] = (uint16_t)((word & 0x7fffffffu) > 0x7f800000u ? quiet : nearest);
    }
}

extern const hni_cpu_narrows HNI_CPU_NAME(hni_cpu_narrows);
const hni_cpu_narrows HNI_CPU_NAME(hni_cpu_narrows) = {.round = round_line};
