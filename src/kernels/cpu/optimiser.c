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
    float share;              /* of the value in the average; or the bound of a clamped gradient, infinite: none */
    hni_cpu_squares *squares; /* [parts] */
    int64_t *counts;          /* [parts] */
} flat_job;

/* ---- what a step looks at ---- */

static void squares_part(void *user, int64_t begin, int64_t end, int part)
{
    const flat_job *job = user;
    hni_cpu_squares *squares = &job->squares[part];
    if (isinf(job->share)) {
        squares->plain = squares->clamped = job->simd->sum_squares(end - begin, job->x + begin);
    } else {
        job->simd->sum_clamped(end - begin, job->x + begin, job->share, squares);
    }
}

hn_status hni_cpu_gradient_norm(hni_exec *exec, int64_t count, const void *gradient, double clip_norm,
                                double clip_value)
{
    hni_step_block *step = exec->step;
    const size_t size = (size_t)exec->threads * sizeof(hni_cpu_squares);
    const double bound = clip_value > 0 ? clip_value : (double)INFINITY;
    hni_cpu_squares all = {0, 0, 0};
    void *memory;
    const hn_status status = hni_arena_take(exec->scratch, size, &memory);
    if (status != HN_OK) return status;
    memset(memory, 0, size);
    flat_job job = {.simd = hni_cpu_simd_get()->optimisers, .x = gradient, .share = (float)bound, .squares = memory};
    hni_parallel_for(exec->threads, count, GRAIN, squares_part, &job);
    for (int part = 0; part < exec->threads; part++) {
        all.plain += job.squares[part].plain;
        all.clamped += job.squares[part].clamped;
        if (job.squares[part].largest > all.largest) all.largest = job.squares[part].largest;
    }
    const double norm = sqrt(all.clamped);
    step->gradient_norm = sqrt(all.plain);
    step->clip_factor = clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1;
    step->clip_value = bound;
    step->clamped = (double)all.largest > bound;
    step->finite = isfinite(step->gradient_norm) ? 1 : 0;
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

static hni_cpu_gradient gradient_of(const hni_step_block *step, const void *gradient, double weight_decay)
{
    return (hni_cpu_gradient){.gradient = gradient,
                              .clip = (float)step->clip_factor,
                              .bound = (float)step->clip_value,
                              .decay = (float)weight_decay};
}

/* One of the three. */
typedef struct update_job {
    const hni_cpu_optimisers *simd;
    hni_cpu_adam adam;
    hni_cpu_sgd sgd;
    hni_cpu_rmsprop rmsprop;
} update_job;

static void adam_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const update_job *job = user;
    hni_cpu_adam adam = job->adam;
    adam.g.gradient += begin;
    adam.value += begin;
    adam.mean += begin;
    adam.variance += begin;
    job->simd->adam(end - begin, &adam);
}

hn_status hni_cpu_adam_update(hni_exec *exec, const hni_adam *adam, int64_t count, void *value, const void *gradient,
                              void *mean, void *variance)
{
    const hni_step_block *step = exec->step;
    if (!step->finite) return HN_OK;
    update_job job = {.simd = hni_cpu_simd_get()->optimisers,
                      .adam = {.g = gradient_of(step, gradient, adam->decoupled ? 0 : adam->weight_decay),
                               .keep_mean = (float)adam->beta1,
                               .take_mean = (float)(1 - adam->beta1),
                               .keep_variance = (float)adam->beta2,
                               .take_variance = (float)(1 - adam->beta2),
                               .rate = (float)(step->rate / step->correction_mean),
                               .root = (float)(1 / sqrt(step->correction_variance)),
                               .epsilon = (float)adam->epsilon,
                               .lessen = (float)(adam->decoupled ? step->rate * adam->weight_decay : 0),
                               .value = value,
                               .mean = mean,
                               .variance = variance}};
    hni_parallel_for(exec->threads, count, GRAIN, adam_part, &job);
    return HN_OK;
}

static void sgd_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const update_job *job = user;
    hni_cpu_sgd sgd = job->sgd;
    sgd.g.gradient += begin;
    sgd.value += begin;
    if (sgd.moment != NULL) sgd.moment += begin;
    job->simd->sgd(end - begin, &sgd);
}

hn_status hni_cpu_sgd_update(hni_exec *exec, const hni_sgd *sgd, int64_t count, void *value, const void *gradient,
                             void *moment)
{
    const hni_step_block *step = exec->step;
    if (!step->finite) return HN_OK;
    update_job job = {.simd = hni_cpu_simd_get()->optimisers,
                      .sgd = {.g = gradient_of(step, gradient, sgd->weight_decay),
                              .momentum = (float)sgd->momentum,
                              .rate = (float)step->rate,
                              .direct = sgd->nesterov ? 1 : 0,
                              .indirect = sgd->nesterov ? (float)sgd->momentum : 1,
                              .value = value,
                              .moment = moment}};
    hni_parallel_for(exec->threads, count, GRAIN, sgd_part, &job);
    return HN_OK;
}

static void rmsprop_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const update_job *job = user;
    hni_cpu_rmsprop rmsprop = job->rmsprop;
    rmsprop.g.gradient += begin;
    rmsprop.value += begin;
    rmsprop.square += begin;
    if (rmsprop.moment != NULL) rmsprop.moment += begin;
    job->simd->rmsprop(end - begin, &rmsprop);
}

hn_status hni_cpu_rmsprop_update(hni_exec *exec, const hni_rmsprop *rmsprop, int64_t count, void *value,
                                 const void *gradient, void *square, void *moment)
{
    const hni_step_block *step = exec->step;
    if (!step->finite) return HN_OK;
    update_job job = {.simd = hni_cpu_simd_get()->optimisers,
                      .rmsprop = {.g = gradient_of(step, gradient, rmsprop->weight_decay),
                                  .keep = (float)rmsprop->decay,
                                  .take = (float)(1 - rmsprop->decay),
                                  .epsilon = (float)rmsprop->epsilon,
                                  .momentum = (float)rmsprop->momentum,
                                  .rate = (float)step->rate,
                                  .value = value,
                                  .square = square,
                                  .moment = moment}};
    hni_parallel_for(exec->threads, count, GRAIN, rmsprop_part, &job);
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
