/* Sums of unit-stride floats. A block is summed as four quarters side by side, which keeps the adders busy and each float sum short;
 * blocks are added in double. The order depends on n and on the vector width alone. */
#ifndef HNI_KERNELS_CPU_SIMD_SUM_H
#define HNI_KERNELS_CPU_SIMD_SUM_H

#include <stdint.h>

enum { HNI_SIMD_SUM_BLOCK = 512 };

/* Sum of (x - mean)^power, power 1 or 2, over one block. */
static inline double hni_simd_sum_block(int64_t n, const float *x, float mean, int power)
{
    const int64_t quarter = n / 4;
    const float *x1 = x + quarter, *x2 = x1 + quarter, *x3 = x2 + quarter;
    float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (int64_t i = 0; i < quarter; i++) {
        const float d0 = x[i] - mean, d1 = x1[i] - mean, d2 = x2[i] - mean, d3 = x3[i] - mean;
        s0 += power == 2 ? d0 * d0 : d0;
        s1 += power == 2 ? d1 * d1 : d1;
        s2 += power == 2 ? d2 * d2 : d2;
        s3 += power == 2 ? d3 * d3 : d3;
    }
    double total = ((double)s0 + (double)s1) + ((double)s2 + (double)s3);
    for (int64_t i = 4 * quarter; i < n; i++) {
        const float d = x[i] - mean;
        total += (double)(power == 2 ? d * d : d);
    }
    return total;
}

static inline double hni_simd_sum(int64_t n, const float *x)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_SIMD_SUM_BLOCK) {
        const int64_t rest = n - begin, size = rest < HNI_SIMD_SUM_BLOCK ? rest : HNI_SIMD_SUM_BLOCK;
        total += hni_simd_sum_block(size, x + begin, 0.0f, 1);
    }
    return total;
}

/* Sum of (x - mean)^2. */
static inline double hni_simd_sum_squares(int64_t n, const float *x, float mean)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_SIMD_SUM_BLOCK) {
        const int64_t rest = n - begin, size = rest < HNI_SIMD_SUM_BLOCK ? rest : HNI_SIMD_SUM_BLOCK;
        total += hni_simd_sum_block(size, x + begin, mean, 2);
    }
    return total;
}

#endif
