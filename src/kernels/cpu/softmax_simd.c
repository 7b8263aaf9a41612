/* Softmax cross-entropy of one row of logits, for one level of the instruction set. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd_math.h"

#include <math.h>

/* max + log sum exp(x - max). The sum is at least 1 and runs in float lanes over blocks. */
static double log_sum_exp(int64_t n, const float *x)
{
    float largest = x[0];
#pragma omp simd reduction(max : largest)
    for (int64_t i = 1; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
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

static void gradient(int64_t n, const float *x, float log_sum, float scale, float *out)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        out[i] = scale * hni_simd_exp(x[i] - log_sum);
}

extern const hni_cpu_softmaxes HNI_CPU_NAME(hni_cpu_softmaxes);
const hni_cpu_softmaxes HNI_CPU_NAME(hni_cpu_softmaxes) = {.log_sum_exp = log_sum_exp, .gradient = gradient};
