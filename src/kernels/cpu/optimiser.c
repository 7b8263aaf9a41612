/* The optimiser's slots: flat blocks shared out among threads. Sums are partial sums of the parts, added in their order. */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"

#include <math.h>
#include <string.h>

enum { GRAIN = 16384 }; /* elements a thread should have at least */

/* One block, or two. */
typedef struct flat_job {
    const hni_cpu_optimisers *simd;
    const float *x;
    float *y;
    float share;
    double *squares; /* [parts] */
    int64_t *counts; /* [parts] */
} flat_job;

/* ---- what a step looks at ---- */

static void squares_part(void *user, int64_t begin, int64_t end, int part)
{
    const flat_job *job = user;
    job->squares[part] = job->simd->sum_squares(end - begin, job->x + begin);
}

hn_status hni_cpu_gradient_norm(hni_exec *exec, int64_t count, const void *gradient, double clip)
{
    void *memory;
    const hn_status status = hni_arena_take(exec->scratch, (size_t)exec->threads * sizeof(double), &memory);
    if (status != HN_OK) return status;
    memset(memory, 0, (size_t)exec->threads * sizeof(double));
    flat_job job = {.simd = hni_cpu_simd_get()->optimisers, .x = gradient, .squares = memory};
    hni_parallel_for(exec->threads, count, GRAIN, squares_part, &job);
    double squares = 0;
    for (int part = 0; part < exec->threads; part++)
        squares += job.squares[part];
    const double norm = sqrt(squares);
    exec->step->gradient_norm = norm;
    exec->step->clip_factor = clip > 0 && norm > clip ? clip / norm : 1;
    exec->step->finite = isfinite(norm) ? 1 : 0;
    return HN_OK;
}

static void count_part(void *user, int64_t begin, int64_t end, int part)
{
    const flat_job *job = user;
    job->counts[part] = job->simd->count_nonfinite(end - begin, job->x + begin);
}

hn_status hni_cpu_count_nonfinite(hni_exec *exec, int64_t count, const void *data, int64_t *out_count)
{
    void *memory;
    const hn_status status = hni_arena_take(exec->scratch, (size_t)exec->threads * sizeof(int64_t), &memory);
    if (status != HN_OK) return status;
    memset(memory, 0, (size_t)exec->threads * sizeof(int64_t));
    flat_job job = {.simd = hni_cpu_simd_get()->optimisers, .x = data, .counts = memory};
    hni_parallel_for(exec->threads, count, GRAIN, count_part, &job);
    *out_count = 0;
    for (int part = 0; part < exec->threads; part++)
        *out_count += job.counts[part];
    return HN_OK;
}

/* ---- updates ---- */

typedef struct adam_job {
    const hni_cpu_optimisers *simd;
    hni_cpu_adam adam;
} adam_job;

static void adam_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const adam_job *job = user;
    hni_cpu_adam adam = job->adam;
    adam.value += begin;
    adam.gradient += begin;
    adam.mean += begin;
    adam.variance += begin;
    job->simd->adam(end - begin, &adam);
}

hn_status hni_cpu_adam_update(hni_exec *exec, const hni_adam *adam, int64_t count, void *value, const void *gradient,
                              void *mean, void *variance)
{
    const hni_step_block *step = exec->step;
    if (!step->finite) return HN_OK;
    adam_job job = {.simd = hni_cpu_simd_get()->optimisers,
                    .adam = {.keep_mean = (float)adam->beta1,
                             .take_mean = (float)(1 - adam->beta1),
                             .keep_variance = (float)adam->beta2,
                             .take_variance = (float)(1 - adam->beta2),
                             .rate = (float)(step->rate / step->correction_mean),
                             .root = (float)(1 / sqrt(step->correction_variance)),
                             .epsilon = (float)adam->epsilon,
                             .clip = (float)step->clip_factor,
                             .value = value,
                             .gradient = gradient,
                             .mean = mean,
                             .variance = variance}};
    hni_parallel_for(exec->threads, count, GRAIN, adam_part, &job);
    return HN_OK;
}

static void average_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const flat_job *job = user;
    job->simd->average(end - begin, job->share, job->x + begin, job->y + begin);
}

hn_status hni_cpu_average(hni_exec *exec, double decay, int64_t count, const void *value, void *average)
{
    if (!exec->step->finite) return HN_OK;
    flat_job job = {.simd = hni_cpu_simd_get()->optimisers, .x = value, .y = average, .share = (float)(1 - decay)};
    hni_parallel_for(exec->threads, count, GRAIN, average_part, &job);
    return HN_OK;
}

typedef struct swap_job {
    const hni_cpu_optimisers *simd;
    float *a, *b;
} swap_job;

static void swap_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const swap_job *job = user;
    job->simd->swap(end - begin, job->a + begin, job->b + begin);
}

hn_status hni_cpu_swap(hni_exec *exec, int64_t count, void *a, void *b)
{
    swap_job job = {.simd = hni_cpu_simd_get()->optimisers, .a = a, .b = b};
    hni_parallel_for(exec->threads, count, GRAIN, swap_part, &job);
    return HN_OK;
}
