/* A row of windows, along channels, for one level of the instruction set. */
#include "kernels/cpu/cpu.h"

#include <string.h>

enum { LINE = 64 }; /* channels whose gradient waits for its place in the window */

static const float *window_line(const hni_cpu_pool_row *r, int64_t window, int64_t u, int64_t v)
{
    return r->x + u * r->x_row + (window * r->stride + v) * r->channels;
}

static void largest(const hni_cpu_pool_row *r)
{
    const int64_t channels = r->channels;
    for (int64_t j = 0; j < r->windows; j++) {
        float *y = r->y + j * channels;
        memcpy(y, window_line(r, j, 0, 0), (size_t)channels * sizeof *y);
        for (int64_t u = 0; u < r->size; u++)
            for (int64_t v = 0; v < r->size; v++) {
                const float *x = window_line(r, j, u, v);
#pragma omp simd
                for (int64_t c = 0; c < channels; c++)
                    y[c] = x[c] <= y[c] || y[c] != y[c] ? y[c] : x[c]; /* a NaN comes in and stays */
            }
    }
}

static void mean(const hni_cpu_pool_row *r)
{
    const int64_t channels = r->channels;
    const float share = 1.0f / (float)(r->size * r->size);
    for (int64_t j = 0; j < r->windows; j++) {
        float *y = r->y + j * channels;
        memset(y, 0, (size_t)channels * sizeof *y);
        for (int64_t u = 0; u < r->size; u++)
            for (int64_t v = 0; v < r->size; v++) {
                const float *x = window_line(r, j, u, v);
#pragma omp simd
                for (int64_t c = 0; c < channels; c++)
                    y[c] += x[c];
            }
#pragma omp simd
        for (int64_t c = 0; c < channels; c++)
            y[c] *= share;
    }
}

/* One window, `n` channels: `left` is what of the gradient has not found its place. */
static void give_to_largest(const hni_cpu_pool_row *r, int64_t window, int64_t first, int64_t n)
{
    const int64_t at = window * r->channels + first;
    const float *y = r->y + at;
    float left[LINE];
    memcpy(left, r->dy + at, (size_t)n * sizeof left[0]);
    for (int64_t u = 0; u < r->size; u++)
        for (int64_t v = 0; v < r->size; v++) {
            const float *x = window_line(r, window, u, v) + first;
            float *dx = r->dx + (x - r->x);
#pragma omp simd
            for (int64_t c = 0; c < n; c++) {
                const bool here = x[c] == y[c] || x[c] != x[c];
                dx[c] += here ? left[c] : 0.0f;
                left[c] = here ? 0.0f : left[c];
            }
        }
}

static void largest_vjp(const hni_cpu_pool_row *r)
{
    for (int64_t j = 0; j < r->windows; j++)
        for (int64_t first = 0; first < r->channels; first += LINE)
            give_to_largest(r, j, first, hni_cpu_min(LINE, r->channels - first));
}

static void mean_vjp(const hni_cpu_pool_row *r)
{
    const int64_t channels = r->channels;
    const float share = 1.0f / (float)(r->size * r->size);
    for (int64_t j = 0; j < r->windows; j++) {
        const float *dy = r->dy + j * channels;
        for (int64_t u = 0; u < r->size; u++)
            for (int64_t v = 0; v < r->size; v++) {
                float *dx = r->dx + (window_line(r, j, u, v) - r->x);
#pragma omp simd
                for (int64_t c = 0; c < channels; c++)
                    dx[c] += share * dy[c];
            }
    }
}

extern const hni_cpu_pools HNI_CPU_NAME(hni_cpu_pools);
const hni_cpu_pools HNI_CPU_NAME(hni_cpu_pools) = {
    .largest = largest, .mean = mean, .largest_vjp = largest_vjp, .mean_vjp = mean_vjp};
