/* Pools: rows of windows forward, whole images backward, since windows that overlap add to the same pixels. */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"

#include <string.h>

enum { GRAIN = 1 << 14 }; /* numbers that a thread should read at least */

typedef struct pool_job {
    const hni_pool *pool;
    const hni_view *out; /* or dy */
    const float *y;
    float *to; /* y or dx */
    bool accumulate;
} pool_job;

/* Row `row` of windows of image `image`, without pointers to what is written. */
static hni_cpu_pool_row row_of(const pool_job *job, int64_t image, int64_t row)
{
    const hni_pool *pool = job->pool;
    const int64_t *size = pool->x.size;
    return (hni_cpu_pool_row){.windows = job->out->size[2],
                              .channels = size[3],
                              .size = pool->size,
                              .stride = pool->stride,
                              .x_row = size[2] * size[3],
                              .x = (const float *)pool->x.data +
                                   (image * size[1] + row * pool->stride) * size[2] * size[3]};
}

static void forward_part(void *user, int64_t begin, int64_t end, int part)
{
    const pool_job *job = user;
    const hni_cpu_pools *simd = hni_cpu_simd_get()->pools;
    const int64_t rows = job->out->size[1], line = job->out->size[2] * job->out->size[3];
    (void)part;
    for (int64_t r = begin; r < end; r++) {
        hni_cpu_pool_row row = row_of(job, r / rows, r % rows);
        row.y = job->to + r * line;
        (job->pool->average ? simd->mean : simd->largest)(&row);
    }
}

hn_status hni_cpu_pool2d(hni_exec *exec, const hni_pool *pool, hni_view *out)
{
    pool_job job = {.pool = pool, .out = out, .to = out->data};
    const int64_t read = pool->size * pool->size * out->size[2] * out->size[3];
    hni_parallel_for(exec->threads, out->size[0] * out->size[1], hni_cpu_divide_up(GRAIN, read), forward_part, &job);
    return HN_OK;
}

static void backward_part(void *user, int64_t begin, int64_t end, int part)
{
    const pool_job *job = user;
    const hni_cpu_pools *simd = hni_cpu_simd_get()->pools;
    const int64_t *size = job->pool->x.size;
    const int64_t rows = job->out->size[1], line = job->out->size[2] * job->out->size[3];
    const int64_t image = size[1] * size[2] * size[3];
    (void)part;
    for (int64_t b = begin; b < end; b++) {
        if (!job->accumulate) memset(job->to + b * image, 0, (size_t)image * sizeof(float));
        for (int64_t i = 0; i < rows; i++) {
            hni_cpu_pool_row row = row_of(job, b, i);
            row.dx = job->to + (row.x - (const float *)job->pool->x.data);
            row.y = (float *)(uintptr_t)(job->y + (b * rows + i) * line);
            row.dy = (const float *)job->out->data + (b * rows + i) * line;
            (job->pool->average ? simd->mean_vjp : simd->largest_vjp)(&row);
        }
    }
}

hn_status hni_cpu_pool2d_vjp(hni_exec *exec, const hni_pool *pool, const hni_view *out, const hni_view *dy,
                             hni_view *dx, bool accumulate)
{
    pool_job job = {.pool = pool, .out = dy, .y = out->data, .to = dx->data, .accumulate = accumulate};
    const int64_t image = pool->x.size[1] * pool->x.size[2] * pool->x.size[3];
    hni_parallel_for(exec->threads, dx->size[0], hni_cpu_divide_up(GRAIN, image), backward_part, &job);
    return HN_OK;
}
