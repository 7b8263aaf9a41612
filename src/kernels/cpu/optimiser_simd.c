/* Passes over flat blocks of parameters, gradients and optimiser state, for one level of the instruction set. */
#include "kernels/cpu/cpu.h"

#include <math.h>
#include <string.h>

static double sum_squares(int64_t n, const float *x)
{
    double total = 0.0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < n; i++) {
        const double wide = (double)x[i];
        total += wide * wide;
    }
    return total;
}

/* An exponent of all ones is infinity or NaN. Counted in 32 bits over stretches, which is what the lanes hold. */
static int64_t count_nonfinite(int64_t n, const float *x)
{
    int64_t total = 0;
    for (int64_t begin = 0; begin < n; begin += 1 << 20) {
        const int64_t end = hni_cpu_min(n, begin + (1 << 20));
        int32_t found = 0;
#pragma omp simd reduction(+ : found)
        for (int64_t i = begin; i < end; i++) {
            int32_t bits;
            memcpy(&bits, &x[i], sizeof bits);
            found += (bits & 0x7f800000) == 0x7f800000;
        }
        total += found;
    }
    return total;
}

static void adam(int64_t n, const hni_cpu_adam *a)
{
    const float keep_mean = a->keep_mean, take_mean = a->take_mean, keep_variance = a->keep_variance;
    const float take_variance = a->take_variance, rate = a->rate, root = a->root, epsilon = a->epsilon, clip = a->clip;
    float *value = a->value, *mean = a->mean, *variance = a->variance;
    const float *gradient = a->gradient;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float g = clip * gradient[i];
        const float m = keep_mean * mean[i] + take_mean * g;
        const float v = keep_variance * variance[i] + take_variance * g * g;
        mean[i] = m;
        variance[i] = v;
        value[i] -= rate * m / (sqrtf(v) * root + epsilon);
    }
}

static void average(int64_t n, float share, const float *value, float *mean)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        mean[i] += share * (value[i] - mean[i]);
}

static void swap(int64_t n, float *a, float *b)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

extern const hni_cpu_optimisers HNI_CPU_NAME(hni_cpu_optimisers);
const hni_cpu_optimisers HNI_CPU_NAME(hni_cpu_optimisers) = {
    .sum_squares = sum_squares, .count_nonfinite = count_nonfinite, .adam = adam, .average = average, .swap = swap};
