/* exp, sigmoid and tanh of floats as branch-free polynomials that vectorise inside an `omp simd` loop, where a call into the
 * C library would not. Errors, measured by test_kernels_cpu_math.c over all exponents: exp at most 1 ulp, sigmoid at most 2.5 ulp
 * (but 2e-38 and smaller may become 0), tanh at most 1.5 ulp. NaN stays NaN; infinities give the limits.
 * The coefficients are minimax fits of relative error, made for these intervals. */
#ifndef HNI_KERNELS_CPU_SIMD_MATH_H
#define HNI_KERNELS_CPU_SIMD_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* 2^n for n in [-126, 127]; something for any other n, which a NaN makes. */
static inline float hni_simd_power_of_two(int32_t n)
{
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* e^x = 2^n * e^r with n = round(x / ln 2), |r| <= ln 2 / 2. The power is applied in two halves, so that the result overflows to
 * infinity and underflows through the subnormal numbers as it should. */
static inline float hni_simd_exp(float x)
{
    const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number in the low bits */
    float clamped = x > 89.5f ? 89.5f : x;
    clamped = clamped < -104.5f ? -104.5f : clamped; /* a NaN passes both comparisons as it is */
    const float shifted = clamped * 1.44269504f + rounder;
    const float whole = shifted - rounder;
    int32_t n, rounder_bits;
    memcpy(&n, &shifted, sizeof n);
    memcpy(&rounder_bits, &rounder, sizeof rounder_bits);
    n -= rounder_bits;

    float r = clamped - whole * 0.693359375f; /* ln 2 in two parts: the first has 9 bits, so the product is exact */
    r = r - whole * -2.12194440e-4f;
    float q = 1.381461392e-03f;
    q = q * r + 8.368710987e-03f;
    q = q * r + 4.166838899e-02f;
    q = q * r + 1.666652113e-01f;
    q = q * r + 4.999999404e-01f;
    const float power = (q * r) * r + r + 1.0f;

    const int32_t half = n >> 1;
    return power * hni_simd_power_of_two(half) * hni_simd_power_of_two(n - half);
}

static inline float hni_simd_sigmoid(float x) { return 1.0f / (1.0f + hni_simd_exp(-x)); }

/* An odd polynomial near 0, where 1 - 2 / (e^2|x| + 1) would cancel. */
static inline float hni_simd_tanh(float x)
{
    const float magnitude = fabsf(x);
    const float squared = x * x;
    float q = -5.704987794e-03f;
    q = q * squared + 2.063908800e-02f;
    q = q * squared + -5.373971537e-02f;
    q = q * squared + 1.333144158e-01f;
    q = q * squared + -3.333328068e-01f;
    const float near = (q * squared) * magnitude + magnitude;
    const float far = 1.0f - 2.0f / (hni_simd_exp(2.0f * magnitude) + 1.0f);
    return copysignf(magnitude < 0.625f ? near : far, x);
}

#endif
