/* Layer normalisation of one row, for one level of the instruction set (paper A.2.3, biased variance):
 *     y = gain * (x - mean) / sqrt(variance + epsilon) + shift
 * Which rows there are, and which gain belongs to each, is layer_norm.c's work. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd_sum.h"

#include <math.h>

static void forward(hni_cpu_norm_row *row)
{
    const int64_t n = row->n;
    const float *x = row->x, *gain = row->gain, *shift = row->shift;
    const float mean = (float)(hni_simd_sum(n, x) / (double)n);
    const float variance = (float)(hni_simd_sum_squares(n, x, mean) / (double)n);
    const float inverse = 1.0f / sqrtf(variance + row->epsilon);
    float *y = row->y;
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = gain[i] * ((x[i] - mean) * inverse) + shift[i];
    row->mean = mean;
    row->inverse = inverse;
}

/* The two means that the backward needs: of g = dy * gain, and of g times the normalised x. Two halves of each block side by side. */
static void means(const hni_cpu_norm_row *row, float *out_plain, float *out_weighted)
{
    const int64_t n = row->n;
    const float mean = row->mean;
    double plain = 0.0, weighted = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_SIMD_SUM_BLOCK) {
        const int64_t size = hni_cpu_min(HNI_SIMD_SUM_BLOCK, n - begin), half = size / 2;
        const float *x = row->x + begin, *gain = row->gain + begin, *dy = row->dy + begin;
        const float *x1 = x + half, *gain1 = gain + half, *dy1 = dy + half;
        float p0 = 0.0f, p1 = 0.0f, w0 = 0.0f, w1 = 0.0f;
#pragma omp simd reduction(+ : p0, p1, w0, w1)
        for (int64_t i = 0; i < half; i++) {
            const float g0 = dy[i] * gain[i], g1 = dy1[i] * gain1[i];
            p0 += g0;
            p1 += g1;
            w0 += g0 * (x[i] - mean);
            w1 += g1 * (x1[i] - mean);
        }
        if (2 * half < size) {
            const float g = dy[size - 1] * gain[size - 1];
            p0 += g;
            w0 += g * (x[size - 1] - mean);
        }
        plain += (double)p0 + (double)p1;
        weighted += (double)w0 + (double)w1;
    }
    *out_plain = (float)(plain / (double)n);
    *out_weighted = (float)(weighted * (double)row->inverse / (double)n);
}

static void write_dx(const hni_cpu_norm_row *row)
{
    const int64_t n = row->n;
    const float *x = row->x, *gain = row->gain, *dy = row->dy;
    const float mean = row->mean, inverse = row->inverse;
    float *dx = row->dx, plain, weighted;
    means(row, &plain, &weighted);
    if (row->dx_add) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dx[i] += inverse * ((dy[i] * gain[i] - plain) - (x[i] - mean) * inverse * weighted);
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        dx[i] = inverse * ((dy[i] * gain[i] - plain) - (x[i] - mean) * inverse * weighted);
}

static void backward(const hni_cpu_norm_row *row)
{
    const int64_t n = row->n;
    const float *x = row->x, *dy = row->dy;
    const float mean = row->mean, inverse = row->inverse;
    if (row->dx != NULL) write_dx(row);
    float *dgain = row->dgain, *dshift = row->dshift;
    if (dgain != NULL) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dgain[i] += dy[i] * ((x[i] - mean) * inverse);
    }
    if (dshift != NULL) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dshift[i] += dy[i];
    }
}

extern const hni_cpu_norms HNI_CPU_NAME(hni_cpu_norms);
const hni_cpu_norms HNI_CPU_NAME(hni_cpu_norms) = {.forward = forward, .backward = backward};
