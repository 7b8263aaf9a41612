/* A product that makes a few long rows, for one level of the instruction set. It reads its large operand once, which is all that
 * bounds it; a general multiply would spend its time on packing that operand. */
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
            panel_2x4(p, r, k, k > 0);
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t k = r < paired ? fours : 0; k < p->k; k++)
            panel_1x1(p, r, k, k > 0);
}

extern const hni_cpu_gemms HNI_CPU_NAME(hni_cpu_gemms);
const hni_cpu_gemms HNI_CPU_NAME(hni_cpu_gemms) = {.panel = panel};
