/* Batch normalisation of lines, for one level of the instruction set: what each function does stands at hni_cpu_batch_norms. A line has
 * all rows of few columns side by side, so that one loop serves 3 columns as well as 300. Sums run in float over short stretches of
 * lines, several lines at once, and in double from stretch to stretch; which lines there are is batch_norm.c's work. */
#include "kernels/cpu/cpu.h"

#include <string.h>

enum { STRETCH = 32 }; /* lines added in float before the double sums take them */

#define ALWAYS static inline __attribute__((always_inline))

/* As functions, so that both values are loaded whatever the comparison says: else it is a branch. */
ALWAYS float relu_value(float x) { return x < 0.0f ? 0.0f : x; }
ALWAYS float relu_gate(float dy, float y) { return y > 0.0f ? dy : 0.0f; }

typedef struct float_sums {
    float sum[HNI_CPU_BATCH_LINE], product[HNI_CPU_BATCH_LINE];
} float_sums;

static void take_stretch(const hni_cpu_batch_lines *l, float_sums *s)
{
    const int64_t n = l->width;
    double *sum = l->sum, *product = l->product;
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        sum[i] += (double)s->sum[i];
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        product[i] += (double)s->product[i];
    memset(s->sum, 0, (size_t)n * sizeof s->sum[0]);
    memset(s->product, 0, (size_t)n * sizeof s->product[0]);
}

/* ---- moments ---- */

static void add_moments(const hni_cpu_batch_lines *l, const float *x, float_sums *s)
{
    const int64_t n = l->width;
    const float *mean = l->mean;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float d = x[i] - mean[i];
        s->sum[i] += d;
        s->product[i] += d * d;
    }
}

static void add_four_moments(const hni_cpu_batch_lines *l, const float *x, float_sums *s)
{
    const int64_t n = l->width;
    const float *mean = l->mean, *x1 = x + l->stride, *x2 = x1 + l->stride, *x3 = x2 + l->stride;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float m = mean[i], d0 = x[i] - m, d1 = x1[i] - m, d2 = x2[i] - m, d3 = x3[i] - m;
        s->sum[i] += (d0 + d1) + (d2 + d3);
        s->product[i] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
    }
}

static void moments(const hni_cpu_batch_lines *l)
{
    float_sums s;
    memset(&s, 0, sizeof s);
    for (int64_t begin = 0; begin < l->lines; begin += STRETCH) {
        const int64_t end = hni_cpu_min(l->lines, begin + STRETCH);
        int64_t line = begin;
        for (; line + 4 <= end; line += 4)
            add_four_moments(l, l->x + line * l->stride, &s);
        for (; line < end; line++)
            add_moments(l, l->x + line * l->stride, &s);
        take_stretch(l, &s);
    }
}

/* ---- forward ---- */

ALWAYS void normalise_line(const hni_cpu_batch_lines *l, const float *x, float *out, bool relu)
{
    const int64_t n = l->width;
    const float *mean = l->mean, *scale = l->scale, *shift = l->shift;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float y = (x[i] - mean[i]) * scale[i] + shift[i];
        out[i] = relu ? relu_value(y) : y;
    }
}

static void normalise(const hni_cpu_batch_lines *l)
{
    for (int64_t line = 0; line < l->lines; line++) {
        const int64_t at = line * l->stride;
        if (l->relu)
            normalise_line(l, l->x + at, l->out + at, true);
        else
            normalise_line(l, l->x + at, l->out + at, false);
    }
}

/* ---- backward ---- */

/* What relu lets through of dy, with d = x - mean. */
ALWAYS float gated(float dy, float d, float scale, float shift, bool relu)
{
    return relu ? relu_gate(dy, d * scale + shift) : dy;
}

ALWAYS void add_products(const hni_cpu_batch_lines *l, int64_t at, float_sums *s, bool relu)
{
    const int64_t n = l->width;
    const float *x = l->x + at, *dy = l->dy + at, *mean = l->mean, *scale = l->scale, *shift = l->shift;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float d = x[i] - mean[i], g = gated(dy[i], d, scale[i], shift[i], relu);
        s->sum[i] += g;
        s->product[i] += g * d;
    }
}

ALWAYS void add_two_products(const hni_cpu_batch_lines *l, int64_t at, float_sums *s, bool relu)
{
    const int64_t n = l->width;
    const float *x = l->x + at, *dy = l->dy + at, *mean = l->mean, *scale = l->scale, *shift = l->shift;
    const float *x1 = x + l->stride, *dy1 = dy + l->stride;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float m = mean[i], d0 = x[i] - m, d1 = x1[i] - m;
        const float g0 = gated(dy[i], d0, scale[i], shift[i], relu), g1 = gated(dy1[i], d1, scale[i], shift[i], relu);
        s->sum[i] += g0 + g1;
        s->product[i] += g0 * d0 + g1 * d1;
    }
}

ALWAYS void products_of(const hni_cpu_batch_lines *l, bool relu)
{
    float_sums s;
    memset(&s, 0, sizeof s);
    for (int64_t begin = 0; begin < l->lines; begin += STRETCH) {
        const int64_t end = hni_cpu_min(l->lines, begin + STRETCH);
        int64_t line = begin;
        for (; line + 2 <= end; line += 2)
            add_two_products(l, line * l->stride, &s, relu);
        for (; line < end; line++)
            add_products(l, line * l->stride, &s, relu);
        take_stretch(l, &s);
    }
}

static void products(const hni_cpu_batch_lines *l)
{
    if (l->relu)
        products_of(l, true);
    else
        products_of(l, false);
}

ALWAYS void gradient_line(const hni_cpu_batch_lines *l, int64_t at, bool relu, bool add)
{
    const int64_t n = l->width;
    const float *x = l->x + at, *dy = l->dy + at, *mean = l->mean, *scale = l->scale, *shift = l->shift;
    const float *level = l->level, *slope = l->slope;
    float *dx = l->out + at;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float d = x[i] - mean[i], g = gated(dy[i], d, scale[i], shift[i], relu);
        const float gradient = scale[i] * ((g - level[i]) - d * slope[i]);
        dx[i] = add ? dx[i] + gradient : gradient;
    }
}

static void gradient(const hni_cpu_batch_lines *l)
{
    for (int64_t line = 0; line < l->lines; line++) {
        const int64_t at = line * l->stride;
        if (l->relu && l->add)
            gradient_line(l, at, true, true);
        else if (l->relu)
            gradient_line(l, at, true, false);
        else
            gradient_line(l, at, false, l->add);
    }
}

extern const hni_cpu_batch_norms HNI_CPU_NAME(hni_cpu_batch_norms);
const hni_cpu_batch_norms HNI_CPU_NAME(hni_cpu_batch_norms) = {
    .moments = moments, .normalise = normalise, .products = products, .gradient = gradient};
