/* Batch normalisation of columns of x [R,C], which is what image activations in NHWC are: two passes over x forward (sums, then the
 * result) and two over x and dy backward, each shared out by rows. A pass that writes walks from the last line to the first, since
 * the end of what the pass before it has read is still in the cache. Sums of the threads are added in the order of the parts. */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"

#include <math.h>
#include <string.h>

enum {
    GRAIN = 16384,  /* elements a thread should have at least */
    BLOCK = 16,     /* lines walked at once by a pass that goes backward */
    PIVOT_ROWS = 64 /* whose mean is taken off x before its squares are summed */
};

/* x is more than 8 deviations away from the pivot on average: squares about it would lose too many digits. */
#define FAR_SQUARED 64.0

/* How rows lie in lines. */
typedef struct batch_plan {
    int64_t rows, columns;
    int64_t repeat; /* rows of a line */
    int64_t line;   /* its numbers */
    int64_t lines;  /* whole ones; fewer rows than one has may be left */
} batch_plan;

static batch_plan plan_of(int64_t rows, int64_t columns)
{
    batch_plan plan = {.rows = rows, .columns = columns, .repeat = hni_cpu_min(rows, HNI_CPU_BATCH_LINE / columns)};
    if (plan.repeat < 1) plan.repeat = 1;
    plan.line = columns * plan.repeat;
    plan.lines = rows / plan.repeat;
    return plan;
}

typedef struct batch_job {
    const batch_plan *plan;
    void (*run)(const hni_cpu_batch_lines *lines);
    hni_cpu_batch_lines arrays; /* whole arrays, and [line] numbers for the columns */
    bool backward;
    double *totals; /* [parts,2,C]; NULL: the pass sums nothing */
} batch_job;

/* Lines [begin, end), and if `rest` the rows behind the last whole line, of the part [start, start + width) of each line. */
typedef struct batch_range {
    int64_t begin, end, start, width;
    bool rest;
} batch_range;

/* ---- one part ---- */

static void run_lines(const batch_job *job, hni_cpu_batch_lines *l, int64_t first, int64_t count, int64_t start)
{
    const int64_t at = first * job->plan->line + start;
    l->lines = count;
    l->x = job->arrays.x + at;
    l->dy = job->arrays.dy != NULL ? job->arrays.dy + at : NULL;
    l->out = job->arrays.out != NULL ? job->arrays.out + at : NULL;
    job->run(l);
}

static void run_rest(const batch_job *job, hni_cpu_batch_lines *l, const batch_range *range)
{
    const batch_plan *plan = job->plan;
    const int64_t width = l->width, left = plan->rows - plan->lines * plan->repeat;
    if (!range->rest || left == 0) return; /* a line of part of a row leaves nothing */
    l->width = left * plan->columns;
    run_lines(job, l, plan->lines, 1, range->start);
    l->width = width;
}

static void run_range(const batch_job *job, hni_cpu_batch_lines *l, const batch_range *range)
{
    if (!job->backward) {
        run_lines(job, l, range->begin, range->end - range->begin, range->start);
        run_rest(job, l, range);
        return;
    }
    run_rest(job, l, range);
    for (int64_t end = range->end; end > range->begin; end -= BLOCK) {
        const int64_t begin = end - BLOCK > range->begin ? end - BLOCK : range->begin;
        run_lines(job, l, begin, end - begin, range->start);
    }
}

/* Column i of the lines' numbers. */
static const float *column(const float *numbers, int64_t i) { return numbers != NULL ? numbers + i : NULL; }

static void batch_part(void *user, int64_t begin, int64_t end, int part)
{
    const batch_job *job = user;
    const batch_plan *plan = job->plan;
    double sum[HNI_CPU_BATCH_LINE], product[HNI_CPU_BATCH_LINE];
    double *total = job->totals != NULL ? job->totals + 2 * plan->columns * part : NULL;
    for (int64_t start = 0; start < plan->line; start += HNI_CPU_BATCH_LINE) {
        const batch_range range = {begin, end, start, hni_cpu_min(HNI_CPU_BATCH_LINE, plan->line - start),
                                   end == plan->lines};
        hni_cpu_batch_lines l = job->arrays;
        l.width = range.width;
        l.stride = plan->line;
        l.mean = column(l.mean, start);
        l.scale = column(l.scale, start);
        l.shift = column(l.shift, start);
        l.level = column(l.level, start);
        l.slope = column(l.slope, start);
        l.sum = sum;
        l.product = product;
        memset(sum, 0, (size_t)range.width * sizeof sum[0]);
        memset(product, 0, (size_t)range.width * sizeof product[0]);
        run_range(job, &l, &range);
        for (int64_t i = 0; total != NULL && i < range.width; i++) {
            total[(start + i) % plan->columns] += sum[i];
            total[plan->columns + (start + i) % plan->columns] += product[i];
        }
    }
}

/* ---- all parts ---- */

/* Scratch memory for the numbers of a line. */
static hn_status take_line(hni_exec *exec, const batch_plan *plan, float **out_numbers)
{
    void *memory = NULL;
    const hn_status status = hni_arena_take(exec->scratch, (size_t)plan->line * sizeof(float), &memory);
    *out_numbers = memory;
    return status;
}

static hn_status take_totals(hni_exec *exec, batch_job *job)
{
    void *memory = NULL;
    const size_t count = (size_t)exec->threads * 2 * (size_t)job->plan->columns;
    const hn_status status = hni_arena_take(exec->scratch, count * sizeof(double), &memory);
    job->totals = memory;
    return status;
}

static void run_job(hni_exec *exec, batch_job *job)
{
    hni_parallel_for(exec->threads, job->plan->lines, hni_cpu_divide_up(GRAIN, job->plan->line), batch_part, job);
}

/* The same with sums: totals [2,C] of all parts, over totals [threads,2,C]. */
static void run_sums(hni_exec *exec, batch_job *job)
{
    const int64_t count = 2 * job->plan->columns;
    memset(job->totals, 0, (size_t)(exec->threads * count) * sizeof job->totals[0]);
    run_job(exec, job);
    for (int part = 1; part < exec->threads; part++)
        for (int64_t i = 0; i < count; i++)
            job->totals[i] += job->totals[part * count + i];
}

/* What stands at the first `columns` places, as often as a line has rows. */
static void repeat(const batch_plan *plan, float *numbers)
{
    for (int64_t i = plan->columns; i < plan->line; i++)
        numbers[i] = numbers[i - plan->columns];
}

/* ---- statistics ---- */

/* The mean of the first rows: something near to x, so that squares about it lose nothing. */
static void find_pivot(const batch_job *job, float *pivot)
{
    const batch_plan *plan = job->plan;
    batch_job first = *job;
    memset(pivot, 0, (size_t)plan->line * sizeof pivot[0]);
    memset(job->totals, 0, (size_t)(2 * plan->columns) * sizeof job->totals[0]);
    batch_plan rows = *plan;
    rows.lines = hni_cpu_min(plan->lines, hni_cpu_divide_up(PIVOT_ROWS, plan->repeat));
    rows.rows = rows.lines * rows.repeat;
    first.plan = &rows;
    batch_part(&first, 0, rows.lines, 0);
    for (int64_t c = 0; c < plan->columns; c++)
        pivot[c] = (float)(job->totals[c] / (double)rows.rows);
    repeat(plan, pivot);
}

/* totals about the pivot -> mean and variance of each column; false, and better pivots, if some were far away. */
static bool find_moments(const batch_job *job, float *pivot, float *mean, float *variance)
{
    const batch_plan *plan = job->plan;
    bool near = true;
    for (int64_t c = 0; c < plan->columns; c++) {
        const double moved = job->totals[c] / (double)plan->rows;
        const double rest = job->totals[plan->columns + c] / (double)plan->rows - moved * moved;
        mean[c] = (float)((double)pivot[c] + moved);
        variance[c] = (float)(rest < 0 ? 0 : rest);
        near = near && !(moved * moved > FAR_SQUARED * rest);
    }
    if (near) return true;
    memcpy(pivot, mean, (size_t)plan->columns * sizeof pivot[0]);
    repeat(plan, pivot);
    return false;
}

hn_status hni_cpu_batch_statistics(hni_exec *exec, const hni_view *x, hni_view *out)
{
    const batch_plan plan = plan_of(x->size[0], x->size[1]);
    batch_job job = {.plan = &plan, .run = hni_cpu_simd_get()->batch_norms->moments, .arrays = {.x = x->data}};
    float *pivot = NULL, *mean = out->data;
    hn_status status;
    HNI_TRY(take_line(exec, &plan, &pivot));
    HNI_TRY(take_totals(exec, &job));
    job.arrays.mean = pivot;
    find_pivot(&job, pivot);
    run_sums(exec, &job);
    if (!find_moments(&job, pivot, mean, mean + plan.columns)) { /* seldom, and never twice */
        run_sums(exec, &job);
        (void)find_moments(&job, pivot, mean, mean + plan.columns);
    }
cleanup:
    return status;
}

/* ---- forward ---- */

static double inverse_of(const hni_column_norm *norm, int64_t c)
{
    const float *variance = (const float *)norm->statistics + norm->columns;
    return 1 / sqrt((double)variance[c] + norm->epsilon);
}

/* mean, scale = gain / deviation and shift of a line's numbers, in scratch memory. */
static hn_status set_columns(hni_exec *exec, const batch_plan *plan, const hni_column_norm *norm,
                             hni_cpu_batch_lines *arrays)
{
    float *mean = NULL, *scale = NULL, *shift = NULL;
    const float *given_gain = norm->gain, *given_shift = norm->shift, *given_mean = norm->statistics;
    hn_status status;
    HNI_TRY(take_line(exec, plan, &mean));
    HNI_TRY(take_line(exec, plan, &scale));
    HNI_TRY(take_line(exec, plan, &shift));
    for (int64_t c = 0; c < plan->columns; c++) {
        mean[c] = given_mean[c];
        scale[c] = (float)((double)given_gain[c] * inverse_of(norm, c));
        shift[c] = given_shift[c];
    }
    repeat(plan, mean);
    repeat(plan, scale);
    repeat(plan, shift);
    arrays->x = norm->x;
    arrays->mean = mean;
    arrays->scale = scale;
    arrays->shift = shift;
    arrays->relu = norm->relu;
cleanup:
    return status;
}

hn_status hni_cpu_batch_norm(hni_exec *exec, const hni_column_norm *norm, void *out)
{
    const batch_plan plan = plan_of(norm->rows, norm->columns);
    batch_job job = {.plan = &plan, .run = hni_cpu_simd_get()->batch_norms->normalise, .backward = true};
    const hn_status status = set_columns(exec, &plan, norm, &job.arrays);
    if (status != HN_OK) return status;
    job.arrays.out = out;
    run_job(exec, &job);
    return HN_OK;
}

/* ---- backward ---- */

/* totals [2,C]: sums of g, and of g times x - mean. */
static void add_parameter_gradients(const hni_column_norm_vjp *vjp, const double *totals)
{
    const int64_t columns = vjp->forward.columns;
    float *dgain = vjp->dgain, *dshift = vjp->dshift;
    for (int64_t c = 0; dgain != NULL && c < columns; c++)
        dgain[c] = (float)((double)dgain[c] + totals[columns + c] * inverse_of(&vjp->forward, c));
    for (int64_t c = 0; dshift != NULL && c < columns; c++)
        dshift[c] = (float)((double)dshift[c] + totals[c]);
}

/* dx = scale * (g - level - slope * (x - mean)); totals NULL: the statistics are constants. */
static hn_status write_dx(hni_exec *exec, const hni_column_norm_vjp *vjp, batch_job *job)
{
    const batch_plan *plan = job->plan;
    const double *totals = vjp->from_batch ? job->totals : NULL;
    float *level = NULL, *slope = NULL;
    hn_status status;
    HNI_TRY(take_line(exec, plan, &level));
    HNI_TRY(take_line(exec, plan, &slope));
    for (int64_t c = 0; c < plan->columns; c++) {
        const double inverse = inverse_of(&vjp->forward, c), rows = (double)plan->rows;
        level[c] = totals != NULL ? (float)(totals[c] / rows) : 0;
        slope[c] = totals != NULL ? (float)(totals[plan->columns + c] / rows * inverse * inverse) : 0;
    }
    repeat(plan, level);
    repeat(plan, slope);
    job->arrays.level = level;
    job->arrays.slope = slope;
    job->arrays.out = vjp->dx;
    job->arrays.add = !vjp->dx_fresh;
    job->totals = NULL;
    job->backward = true;
    job->run = hni_cpu_simd_get()->batch_norms->gradient;
    run_job(exec, job);
cleanup:
    return status;
}

hn_status hni_cpu_batch_norm_vjp(hni_exec *exec, const hni_column_norm_vjp *vjp)
{
    const batch_plan plan = plan_of(vjp->forward.rows, vjp->forward.columns);
    batch_job job = {.plan = &plan, .run = hni_cpu_simd_get()->batch_norms->products};
    const bool sums = vjp->dgain != NULL || vjp->dshift != NULL || (vjp->dx != NULL && vjp->from_batch);
    hn_status status;
    HNI_TRY(set_columns(exec, &plan, &vjp->forward, &job.arrays));
    job.arrays.dy = vjp->dy;
    if (sums) {
        HNI_TRY(take_totals(exec, &job));
        run_sums(exec, &job);
        add_parameter_gradients(vjp, job.totals);
    }
    if (vjp->dx != NULL) HNI_TRY(write_dx(exec, vjp, &job));
cleanup:
    return status;
}
