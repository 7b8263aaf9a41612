/* Softmax cross-entropy of one row of logits, for one level of the instruction set. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/simd_sum.h"

#include <math.h>

enum { LANES = 16 };

static inline float larger(float a, float b) { return a > b ? a : b; }

/* In lanes of our own: compilers do not reorder a maximum, since it might meet a NaN. */
static float maximum(int64_t n, const float *x)
{
    float lane[LANES];
    for (int j = 0; j < LANES; j++)
        lane[j] = x[0];
    const int64_t whole = n / LANES * LANES;
    for (int64_t i = 0; i < whole; i += LANES)
#pragma omp simd
        for (int j = 0; j < LANES; j++)
            lane[j] = larger(x[i + j], lane[j]);
    float largest = x[0];
    for (int64_t i = whole; i < n; i++)
        largest = larger(x[i], largest);
    for (int j = 0; j < LANES; j++)
        largest = larger(lane[j], largest);
    return largest;
}

/* max + log sum exp(x - max). The sum is at least 1 and runs in float lanes over blocks. */
static double log_sum_exp(int64_t n, const float *x)
{
    const float largest = maximum(n, x);
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_CPU_BLOCK) {
        const int64_t end = hni_cpu_min(n, begin + HNI_CPU_BLOCK);
        float part = 0.0f;
#pragma omp simd reduction(+ : part)
        for (int64_t i = begin; i < end; i++)
            part += hni_simd_exp(x[i] - largest);
        total += (double)part;
    }
    return (double)largest + log(total);
}

static void gradient(const hni_cpu_softmax_line *line, float *out)
{
    const int64_t n = line->n;
    const float *x = line->x;
    const float log_sum = line->log_sum, scale = line->scale, level = line->level;
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        out[i] = scale * (hni_simd_exp(x[i] - log_sum) - level);
}

static double sum(int64_t n, const float *x) { return hni_simd_sum(n, x); }

extern const hni_cpu_softmaxes HNI_CPU_NAME(hni_cpu_softmaxes);
const hni_cpu_softmaxes HNI_CPU_NAME(hni_cpu_softmaxes) = {
    .log_sum_exp = log_sum_exp, .sum = sum, .gradient = gradient};
