/* Layer normalisation over rows, shared out among threads. Forward and backward are fused: each row is read from memory once
 * and stays in the first cache for the passes over it.
 *
 * The gradients of gain and shift are sums over all rows that share a gain: a group. Rows of a group are summed in float over
 * short stretches and in double from stretch to stretch. Threads share out the groups or, where there are few, the rows of
 * each group; their partial sums are then added in the order of the parts. */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"

#include <string.h>

enum {
    GRAIN = 4096, /* elements a thread should have at least */
    STRETCH = 16  /* rows added in float before the double sum takes them */
};

/* ---- forward ---- */

typedef struct forward_job {
    const hni_norm *norm;
    const hni_view *out;
    const hni_cpu_norms *simd;
} forward_job;

static void forward_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const forward_job *job = user;
    const hni_norm *norm = job->norm;
    const int outer = norm->x.rank - 1;
    hni_walk walk;
    hni_walk_begin(&walk, outer, norm->x.size);
    const int x = hni_walk_track(&walk, norm->x.stride), gain = hni_walk_track(&walk, norm->gain.stride);
    const int shift = hni_walk_track(&walk, norm->shift.stride), y = hni_walk_track(&walk, job->out->stride);
    hni_cpu_walk_seek(&walk, begin);
    float *mean = norm->mean, *inverse = norm->inverse;
    hni_cpu_norm_row row = {.n = norm->x.size[outer], .epsilon = (float)norm->epsilon};
    for (int64_t r = begin; r < end; r++) {
        row.x = (const float *)norm->x.data + walk.offset[x];
        row.gain = (const float *)norm->gain.data + walk.offset[gain];
        row.shift = (const float *)norm->shift.data + walk.offset[shift];
        row.y = (float *)job->out->data + walk.offset[y];
        job->simd->forward(&row);
        mean[r] = row.mean;
        inverse[r] = row.inverse;
        (void)hni_walk_next(&walk);
    }
}

hn_status hni_cpu_layer_norm(hni_exec *exec, const hni_norm *norm, hni_view *out)
{
    const int64_t n = norm->x.size[norm->x.rank - 1], rows = hni_view_elements(&norm->x) / n;
    forward_job job = {.norm = norm, .out = out, .simd = hni_cpu_simd_get()->norms};
    hni_parallel_for(exec->threads, rows, hni_cpu_divide_up(GRAIN, n), forward_part, &job);
    return HN_OK;
}

/* ---- backward ---- */

enum { TRACK_X, TRACK_GAIN, TRACK_DY, TRACK_DX, TRACK_DGAIN, TRACK_DSHIFT, TRACK_ROW };

typedef struct backward_job {
    const hni_norm_vjp *vjp;
    const hni_cpu_simd *simd;
    bool want_dx, want_dgain, want_dshift;
    int64_t n, groups, members; /* members: rows of a group */
    hni_walk group, member;     /* tracks as above */
    float *stretches;           /* [parts, 2, N]: sums of a stretch, gain then shift */
    double *totals;             /* [parts, 2, N] */
} backward_job;

/* A walk over the leading dimensions along which the parameter's gradient is repeated, or over the others. */
static hni_walk walk_over(const backward_job *job, bool repeated)
{
    const hni_norm_vjp *vjp = job->vjp;
    const hni_view *x = &vjp->forward.x, *parameter = job->want_dgain ? &vjp->dgain : &vjp->dshift;
    const bool any = job->want_dgain || job->want_dshift;
    const int outer = x->rank - 1;
    const hni_view rows =
        hni_view_of(NULL, HN_DTYPE_F32,
                    (hn_shape){.rank = outer, .size = {x->size[0], x->size[1], x->size[2], x->size[3], x->size[4]}});
    const hni_view *views[] = {x, &vjp->forward.gain, &vjp->dy, &vjp->dx, &vjp->dgain, &vjp->dshift, &rows};
    const bool used[] = {true, true, true, job->want_dx, job->want_dgain, job->want_dshift, true};
    int dimensions[HN_MAX_RANK], rank = 0;
    int64_t size[HN_MAX_RANK];
    for (int d = 0; d < outer; d++) {
        if ((any ? parameter->stride[d] == 0 || x->size[d] == 1 : true) != repeated) continue;
        size[rank] = x->size[d];
        dimensions[rank++] = d;
    }
    hni_walk walk;
    hni_walk_begin(&walk, rank, size);
    for (int v = 0; v <= TRACK_ROW; v++) {
        int64_t stride[HN_MAX_RANK] = {0};
        for (int d = 0; d < rank; d++)
            stride[d] = used[v] ? views[v]->stride[dimensions[d]] : 0;
        (void)hni_walk_track(&walk, stride);
    }
    return walk;
}

static int64_t places(const hni_walk *walk)
{
    int64_t count = 1;
    for (int d = 0; d < walk->rank; d++)
        count *= walk->size[d];
    return count;
}

/* Adds the sums of a stretch to the double ones and clears them. */
static void take_stretch(const backward_job *job, float *stretch, double *total)
{
    job->simd->maps->add_to_double(2 * job->n, stretch, total);
    memset(stretch, 0, (size_t)(2 * job->n) * sizeof stretch[0]);
}

/* Members [begin, end) of a group; their parameter gradients go to the part's totals. */
static void run_members(const backward_job *job, int64_t group, int64_t begin, int64_t end, int part)
{
    const hni_norm_vjp *vjp = job->vjp;
    hni_walk outer = job->group, inner = job->member;
    hni_cpu_walk_seek(&outer, group);
    hni_cpu_walk_seek(&inner, begin);
    const bool parameters = job->want_dgain || job->want_dshift;
    float *stretch = parameters ? job->stretches + 2 * job->n * part : NULL;
    double *total = parameters ? job->totals + 2 * job->n * part : NULL;
    if (parameters) memset(stretch, 0, (size_t)(2 * job->n) * sizeof stretch[0]);
    hni_cpu_norm_row row = {.n = job->n, .dx_add = !vjp->dx_fresh};
    if (job->want_dgain) row.dgain = stretch;
    if (job->want_dshift) row.dshift = stretch + job->n;
    for (int64_t m = begin; m < end; m++) {
        row.x = (const float *)vjp->forward.x.data + outer.offset[TRACK_X] + inner.offset[TRACK_X];
        row.gain = (const float *)vjp->forward.gain.data + outer.offset[TRACK_GAIN] + inner.offset[TRACK_GAIN];
        row.dy = (const float *)vjp->dy.data + outer.offset[TRACK_DY] + inner.offset[TRACK_DY];
        if (job->want_dx) row.dx = (float *)vjp->dx.data + outer.offset[TRACK_DX] + inner.offset[TRACK_DX];
        const int64_t r = outer.offset[TRACK_ROW] + inner.offset[TRACK_ROW];
        row.mean = ((const float *)vjp->forward.mean)[r];
        row.inverse = ((const float *)vjp->forward.inverse)[r];
        job->simd->norms->backward(&row);
        (void)hni_walk_next(&inner);
        if (parameters && ((m - begin) % STRETCH == STRETCH - 1 || m == end - 1)) take_stretch(job, stretch, total);
    }
}

static void add_group(const backward_job *job, int64_t group, const double *total)
{
    hni_walk outer = job->group;
    hni_cpu_walk_seek(&outer, group);
    if (job->want_dgain) {
        float *dgain = (float *)job->vjp->dgain.data + outer.offset[TRACK_DGAIN];
        for (int64_t i = 0; i < job->n; i++)
            dgain[i] += (float)total[i];
    }
    if (job->want_dshift) {
        float *dshift = (float *)job->vjp->dshift.data + outer.offset[TRACK_DSHIFT];
        for (int64_t i = 0; i < job->n; i++)
            dshift[i] += (float)total[job->n + i];
    }
}

static void groups_part(void *user, int64_t begin, int64_t end, int part)
{
    const backward_job *job = user;
    double *total = job->totals + 2 * job->n * part;
    for (int64_t group = begin; group < end; group++) {
        memset(total, 0, (size_t)(2 * job->n) * sizeof total[0]);
        run_members(job, group, 0, job->members, part);
        add_group(job, group, total);
    }
}

typedef struct members_job {
    const backward_job *job;
    int64_t group;
} members_job;

static void members_part(void *user, int64_t begin, int64_t end, int part)
{
    const members_job *members = user;
    run_members(members->job, members->group, begin, end, part);
}

static void share_members(const hni_exec *exec, const backward_job *job)
{
    const bool parameters = job->want_dgain || job->want_dshift;
    for (int64_t group = 0; group < job->groups; group++) {
        if (parameters) memset(job->totals, 0, (size_t)(exec->threads * 2 * job->n) * sizeof(double));
        members_job members = {job, group};
        hni_parallel_for(exec->threads, job->members, hni_cpu_divide_up(GRAIN, job->n), members_part, &members);
        if (!parameters) continue;
        for (int part = 1; part < exec->threads; part++)
            for (int64_t i = 0; i < 2 * job->n; i++)
                job->totals[i] += job->totals[part * 2 * job->n + i];
        add_group(job, group, job->totals);
    }
}

static hn_status backward_run(hni_exec *exec, backward_job *job)
{
    job->simd = hni_cpu_simd_get();
    job->n = job->vjp->forward.x.size[job->vjp->forward.x.rank - 1];
    job->group = walk_over(job, false);
    job->member = walk_over(job, true);
    job->groups = places(&job->group);
    job->members = places(&job->member);
    if (job->want_dgain || job->want_dshift) {
        const size_t count = (size_t)exec->threads * 2 * (size_t)job->n;
        void *stretches, *totals;
        hn_status status = hni_arena_take(exec->scratch, count * sizeof(float), &stretches);
        if (status == HN_OK) status = hni_arena_take(exec->scratch, count * sizeof(double), &totals);
        if (status != HN_OK) return status;
        job->stretches = stretches;
        job->totals = totals;
    }
    if (job->groups >= 2 * (int64_t)exec->threads)
        hni_parallel_for(exec->threads, job->groups, hni_cpu_divide_up(GRAIN, job->n * job->members), groups_part, job);
    else
        share_members(exec, job);
    return HN_OK;
}

/* Whether gain and shift are shared by the same rows, so that one walk serves both. */
static bool same_groups(const hni_norm_vjp *vjp)
{
    for (int d = 0; d < vjp->forward.x.rank - 1; d++)
        if ((vjp->dgain.stride[d] == 0) != (vjp->dshift.stride[d] == 0) && vjp->forward.x.size[d] > 1) return false;
    return true;
}

hn_status hni_cpu_layer_norm_vjp(hni_exec *exec, const hni_norm_vjp *vjp)
{
    backward_job job = {
        .vjp = vjp, .want_dx = vjp->want_dx, .want_dgain = vjp->want_dgain, .want_dshift = vjp->want_dshift};
    if (!vjp->want_dgain || !vjp->want_dshift || same_groups(vjp)) return backward_run(exec, &job);
    job.want_dshift = false;
    hn_status status = backward_run(exec, &job);
    if (status != HN_OK) return status;
    backward_job shift_only = {.vjp = vjp, .want_dshift = true};
    return backward_run(exec, &shift_only);
}
