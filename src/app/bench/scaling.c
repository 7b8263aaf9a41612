/* See scaling.h. */
#include "app/bench/scaling.h"

#include "app/train/trainer.h"
#include "core/alloc.h"

#define LEAST 1 /* of any number that is made smaller */

const char *hni_scaling_axis_name(hni_scaling_axis axis)
{
    static const char *const names[HNI_SCALING_AXES] = {"length", "units", "batch", "threads"};
    return names[axis];
}

/* ---- which points ---- */

static int64_t base_value(const hni_bench_size *size, hni_scaling_axis axis)
{
    switch (axis) {
    case HNI_SCALING_LENGTH: return size->length;
    case HNI_SCALING_UNITS: return size->units;
    default: return size->batch;
    }
}

/* Adds a value that is larger than the last one. */
static size_t add_value(int64_t *values, size_t count, int64_t value)
{
    if (value < LEAST || count == HNI_SCALING_POINTS || (count > 0 && value <= values[count - 1])) return count;
    values[count] = value;
    return count + 1;
}

size_t hni_scaling_values(const hni_bench_size *size, hni_scaling_axis axis, int threads,
                          int64_t out_values[HNI_SCALING_POINTS])
{
    size_t count = 0;
    if (axis == HNI_SCALING_THREADS) {
        for (int64_t value = 1; value < threads && count + 1 < HNI_SCALING_POINTS; value *= 2)
            count = add_value(out_values, count, value);
        return add_value(out_values, count, threads);
    }
    for (int64_t quarters = 1; quarters <= 8; quarters *= 2)
        count = add_value(out_values, count, base_value(size, axis) * quarters / 4);
    return count;
}

static hni_bench_size size_at(const hni_bench_size *base, hni_scaling_axis axis, int64_t value)
{
    hni_bench_size size = *base;
    switch (axis) {
    case HNI_SCALING_LENGTH: size.length = value; break;
    case HNI_SCALING_UNITS:
        size.units = value;
        size.hyper_units = base->hyper_units * value / base->units;
        if (size.hyper_units < LEAST) size.hyper_units = LEAST;
        break;
    case HNI_SCALING_BATCH: size.batch = value; break;
    default: break;
    }
    return size;
}

/* ---- measuring ---- */

typedef struct point {
    hni_bench_model model;
    hni_bench_step *step;
    hni_bench_times times;
} point;

typedef struct axis_work {
    hn_context *context;
    hni_scaling_axis axis;
    int64_t values[HNI_SCALING_POINTS];
    size_t count;
    point points[HNI_SCALING_CELLS][HNI_SCALING_POINTS];
} axis_work;

/* Threads begin to be what a context says at the beginning of a step. */
static hn_status run_point(axis_work *w, point *p, size_t index, bool counts)
{
    hni_bench_report report;
    hn_status status = HN_OK;
    if (w->axis == HNI_SCALING_THREADS) HNI_TRY(hn_context_set_threads(w->context, (int)w->values[index]));
    HNI_TRY(hni_bench_step_run(p->step, &report));
    if (counts) hni_bench_times_add(&p->times, hni_bench_report_seconds(&report));
cleanup:
    return status;
}

static void set_points(axis_work *w, const hni_bench_size *base)
{
    for (size_t i = 0; i < w->count; i++) {
        const hni_bench_size size = size_at(base, w->axis, w->values[i]);
        w->points[HNI_SCALING_HYPER][i].model = hni_bench_hyper(&size);
        w->points[HNI_SCALING_PLAIN][i].model = hni_bench_plain(&size);
    }
}

static hn_status check_memory(axis_work *w)
{
    int64_t needed = 0;
    const int64_t has = hni_free_memory();
    hn_status status = HN_OK;
    for (size_t i = 0; i < HNI_SCALING_CELLS * w->count; i++) {
        int64_t bytes = 0;
        HNI_TRY(hni_bench_forecast(w->context, &w->points[i / w->count][i % w->count].model, &bytes));
        needed += bytes;
    }
    if (has > 0 && needed > has) {
        char needs[32], free_text[32];
        status = hni_error(w->context, HN_ERROR_MEMORY,
                           "bench scaling: the sizes along %s need %s, %s free: name a smaller size by --size",
                           hni_scaling_axis_name(w->axis), hni_bytes_print((uint64_t)needed, needs, sizeof needs),
                           hni_bytes_print((uint64_t)has, free_text, sizeof free_text));
    }
cleanup:
    return status;
}

static hn_status run_all(axis_work *w, bool counts)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < w->count; i++) {
        for (size_t cell = 0; cell < HNI_SCALING_CELLS; cell++)
            HNI_TRY(run_point(w, &w->points[cell][i], i, counts));
    }
cleanup:
    return status;
}

static hn_status open_all(axis_work *w)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < w->count; i++) {
        for (size_t cell = 0; cell < HNI_SCALING_CELLS; cell++) {
            point *p = &w->points[cell][i];
            HNI_TRY(hni_bench_step_open(w->context, &p->model, &p->step));
        }
    }
cleanup:
    return status;
}

static void gather(const axis_work *w, hni_scaling_series *out)
{
    out->count = w->count;
    for (size_t i = 0; i < w->count; i++)
        out->x[i] = (double)w->values[i];
    for (size_t cell = 0; cell < HNI_SCALING_CELLS; cell++) {
        for (size_t i = 0; i < w->count; i++)
            out->lines[cell].seconds[i] = hni_bench_spread_of(&w->points[cell][i].times).median;
        out->lines[cell].fit = hni_bench_fit_of(out->x, out->lines[cell].seconds, w->count);
    }
}

static hn_status measure_axis(axis_work *w, const hni_scaling_plan *plan, hni_scaling_series *out)
{
    hn_status status;
    HNI_TRY(open_all(w));
    HNI_TRY(run_all(w, false)); /* the second step needs no new memory */
    HNI_TRY(run_all(w, false));
    for (size_t i = 0; i < plan->repeats; i++) {
        if (plan->progress != NULL) plan->progress(plan->user, w->axis, i, plan->repeats);
        HNI_TRY(run_all(w, true));
    }
    gather(w, out);
cleanup:
    for (size_t i = 0; i < HNI_SCALING_CELLS * HNI_SCALING_POINTS; i++)
        hni_bench_step_close(w->points[i / HNI_SCALING_POINTS][i % HNI_SCALING_POINTS].step);
    return status;
}

hn_status hni_scaling_measure(hn_context *context, const hni_bench_size *size, const hni_scaling_plan *plan,
                              hni_scaling *out_scaling)
{
    const int threads = hn_context_threads(context);
    void *memory = NULL;
    hn_status status;
    *out_scaling = (hni_scaling){.size = *size, .threads = threads};
    HNI_TRY(hni_alloc_array(context, "points", HNI_SCALING_AXES, sizeof(axis_work), &memory));
    axis_work *works = memory;
    for (int axis = 0; axis < HNI_SCALING_AXES; axis++) {
        works[axis].context = context;
        works[axis].axis = (hni_scaling_axis)axis;
        works[axis].count = hni_scaling_values(size, (hni_scaling_axis)axis, threads, works[axis].values);
        set_points(&works[axis], size);
        HNI_TRY(check_memory(&works[axis]));
    }
    for (int axis = 0; axis < HNI_SCALING_AXES; axis++)
        HNI_TRY(measure_axis(&works[axis], plan, &out_scaling->axes[axis]));
cleanup:
    hni_free(context, memory);
    if (status == HN_OK) status = hn_context_set_threads(context, threads);
    return status;
}
