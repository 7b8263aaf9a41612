/* Products in which one side is tiny, for one level of the instruction set. They read and write each large operand once, which is all
 * that bounds them; a general multiply spends its time on packing them. */
#include "kernels/cpu/cpu.h"

/* Two rows of out, four rows of b: each b is loaded for two products. */
static void panel_2x4(const hni_cpu_panel *p, int64_t r, int64_t k, bool add)
{
    const float *b0 = p->b + k * p->ldb, *b1 = b0 + p->ldb, *b2 = b1 + p->ldb, *b3 = b2 + p->ldb;
    const float *a = p->a + r * p->a_row + k * p->a_column, *d = a + p->a_row;
    const int64_t step = p->a_column, width = p->width;
    const float alpha = p->alpha;
    const float a0 = alpha * a[0], a1 = alpha * a[step], a2 = alpha * a[2 * step], a3 = alpha * a[3 * step];
    const float d0 = alpha * d[0], d1 = alpha * d[step], d2 = alpha * d[2 * step], d3 = alpha * d[3 * step];
    float *out = p->out + r * p->ldout, *next = out + p->ldout;
    if (add) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
            const float s = ((out[j] + a0 * b0[j]) + a1 * b1[j]) + a2 * b2[j];
            const float t = ((next[j] + d0 * b0[j]) + d1 * b1[j]) + d2 * b2[j];
            out[j] = s + a3 * b3[j];
            next[j] = t + d3 * b3[j];
        }
        return;
    }
#pragma omp simd
    for (int64_t j = 0; j < width; j++) {
        const float s = (a0 * b0[j] + a1 * b1[j]) + a2 * b2[j];
        const float t = (d0 * b0[j] + d1 * b1[j]) + d2 * b2[j];
        out[j] = s + a3 * b3[j];
        next[j] = t + d3 * b3[j];
    }
}

/* One row of out, one row of b: what is left over. */
static void panel_1x1(const hni_cpu_panel *p, int64_t r, int64_t k, bool add)
{
    const float *b = p->b + k * p->ldb;
    const float a = p->alpha * p->a[r * p->a_row + k * p->a_column];
    const int64_t width = p->width;
    float *out = p->out + r * p->ldout;
    if (add) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            out[j] += a * b[j];
        return;
    }
#pragma omp simd
    for (int64_t j = 0; j < width; j++)
        out[j] = a * b[j];
}

static void panel(const hni_cpu_panel *p)
{
    const int64_t paired = p->rows / 2 * 2, fours = p->k / 4 * 4;
    for (int64_t r = 0; r < paired; r += 2)
        for (int64_t k = 0; k < fours; k += 4)
            panel_2x4(p, r, k, p->add || k > 0);
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t k = r < paired ? fours : 0; k < p->k; k++)
            panel_1x1(p, r, k, p->add || k > 0);
}

/* Two rows of a with four of b: eight sums share six loads. */
static void dots_2x4(const hni_cpu_dots *d, int64_t r, int64_t c)
{
    const float *x = d->a + r * d->lda, *y = x + d->lda;
    const float *b0 = d->b + c * d->ldb, *b1 = b0 + d->ldb, *b2 = b1 + d->ldb, *b3 = b2 + d->ldb;
    const int64_t k = d->k;
    float x0 = 0, x1 = 0, x2 = 0, x3 = 0, y0 = 0, y1 = 0, y2 = 0, y3 = 0;
#pragma omp simd reduction(+ : x0, x1, x2, x3, y0, y1, y2, y3)
    for (int64_t i = 0; i < k; i++) {
        x0 += x[i] * b0[i];
        x1 += x[i] * b1[i];
        x2 += x[i] * b2[i];
        x3 += x[i] * b3[i];
        y0 += y[i] * b0[i];
        y1 += y[i] * b1[i];
        y2 += y[i] * b2[i];
        y3 += y[i] * b3[i];
    }
    const float alpha = d->alpha;
    float *out = d->out + r * d->ldout + c, *next = out + d->ldout;
    out[0] += alpha * x0;
    out[1] += alpha * x1;
    out[2] += alpha * x2;
    out[3] += alpha * x3;
    next[0] += alpha * y0;
    next[1] += alpha * y1;
    next[2] += alpha * y2;
    next[3] += alpha * y3;
}

static void dots_1x1(const hni_cpu_dots *d, int64_t r, int64_t c)
{
    const float *x = d->a + r * d->lda, *b = d->b + c * d->ldb;
    const int64_t k = d->k;
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < k; i++)
        total += x[i] * b[i];
    d->out[r * d->ldout + c] += d->alpha * total;
}

static void dots(const hni_cpu_dots *d)
{
    const int64_t paired = d->rows / 2 * 2, fours = d->columns / 4 * 4;
    for (int64_t r = 0; r < paired; r += 2)
        for (int64_t c = 0; c < fours; c += 4)
            dots_2x4(d, r, c);
    for (int64_t r = 0; r < d->rows; r++)
        for (int64_t c = r < paired ? fours : 0; c < d->columns; c++)
            dots_1x1(d, r, c);
}

extern const hni_cpu_gemms HNI_CPU_NAME(hni_cpu_gemms);
const hni_cpu_gemms HNI_CPU_NAME(hni_cpu_gemms) = {.panel = panel, .dots = dots};
