/* Layer normalisation of one row, for one level of the instruction set (paper A.2.3, biased variance):
 *     y = gain * (x - mean) / sqrt(variance + epsilon) + shift
 * Which rows there are, and which gain belongs to each, is layer_norm.c's work. */
#include "kernels/cpu/cpu.h"

#include <math.h>

/* Sums run over blocks in float lanes, and from block to block in double. */
static double sum_row(int64_t n, const float *x)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_CPU_BLOCK) {
        const int64_t end = hni_cpu_min(n, begin + HNI_CPU_BLOCK);
        float part = 0.0f;
#pragma omp simd reduction(+ : part)
        for (int64_t i = begin; i < end; i++)
            part += x[i];
        total += (double)part;
    }
    return total;
}

/* Sum of (x - mean)^2. */
static double sum_squares(int64_t n, const float *x, float mean)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_CPU_BLOCK) {
        const int64_t end = hni_cpu_min(n, begin + HNI_CPU_BLOCK);
        float part = 0.0f;
#pragma omp simd reduction(+ : part)
        for (int64_t i = begin; i < end; i++)
            part += (x[i] - mean) * (x[i] - mean);
        total += (double)part;
    }
    return total;
}

static void forward(hni_cpu_norm_row *row)
{
    const int64_t n = row->n;
    const float *x = row->x, *gain = row->gain, *shift = row->shift;
    const float mean = (float)(sum_row(n, x) / (double)n);
    const float variance = (float)(sum_squares(n, x, mean) / (double)n);
    const float inverse = 1.0f / sqrtf(variance + row->epsilon);
    float *y = row->y;
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = gain[i] * ((x[i] - mean) * inverse) + shift[i];
    row->mean = mean;
    row->inverse = inverse;
}

/* The two means that the backward needs: of dy * gain, and of dy * gain times the normalised x. */
static void means(const hni_cpu_norm_row *row, float *out_plain, float *out_weighted)
{
    const int64_t n = row->n;
    const float *x = row->x, *gain = row->gain, *dy = row->dy;
    const float mean = row->mean, inverse = row->inverse;
    double plain = 0.0, weighted = 0.0;
    for (int64_t begin = 0; begin < n; begin += HNI_CPU_BLOCK) {
        const int64_t end = hni_cpu_min(n, begin + HNI_CPU_BLOCK);
        float plain_part = 0.0f, weighted_part = 0.0f;
#pragma omp simd reduction(+ : plain_part, weighted_part)
        for (int64_t i = begin; i < end; i++) {
            const float g = dy[i] * gain[i];
            plain_part += g;
            weighted_part += g * ((x[i] - mean) * inverse);
        }
        plain += (double)plain_part;
        weighted += (double)weighted_part;
    }
    *out_plain = (float)(plain / (double)n);
    *out_weighted = (float)(weighted / (double)n);
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
