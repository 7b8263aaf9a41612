/* See convolutions.h. */
#include "app/bench/convolutions.h"

#include <math.h>

#include "core/arena.h"

const char *hni_bench_pass_name(hni_bench_pass pass)
{
    static const char *const names[HNI_BENCH_PASSES] = {"forward", "data", "weights"};
    return names[pass];
}

bool hni_bench_convolution_has(const hni_bench_convolution_row *row, hni_bench_pass pass)
{
    return pass != HNI_BENCH_PASS_DATA || row->convolution.wants_dx;
}

static const hni_kernels *kernels(void)
{
    const hni_kernels *best = hni_kernels_cpu(HN_DTYPE_F32);
    return best != NULL ? best : hni_kernels_generic(HN_DTYPE_F32);
}

/* ---- numbers ---- */

/* Any numbers of [-1/2, 1/2), cheaply. */
static hn_status take_numbers(hni_bench_convolutions *c, hn_shape shape, hni_view *out_view)
{
    hn_status status;
    *out_view = hni_view_of(NULL, HN_DTYPE_F32, shape);
    const int64_t count = hni_view_elements(out_view);
    HNI_TRY(hni_arena_take(&c->memory, (size_t)count * sizeof(float), &out_view->data));
    float *numbers = out_view->data;
    uint32_t state = 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        numbers[i] = (float)(state >> 8) / (float)(1 << 24) - 0.5F;
    }
cleanup:
    return status;
}

static hn_shape output_shape(const hni_bench_convolution *c)
{
    const int64_t taps = c->kernel.size[2];
    const int64_t height = (c->x.size[1] + 2 * c->padding - taps) / c->stride + 1;
    const int64_t width = (c->x.size[2] + 2 * c->padding - taps) / c->stride + 1;
    return HN_SHAPE4(c->x.size[0], height, width, c->kernel.size[0]);
}

double hni_bench_convolution_operations(const hni_bench_convolution *convolution)
{
    const hn_shape *kernel = &convolution->kernel;
    return 2.0 * (double)hn_shape_elements(output_shape(convolution)) *
           (double)(kernel->size[1] * kernel->size[2] * kernel->size[3]);
}

static hn_status open_row(hni_bench_convolutions *c, hni_bench_convolution_row *row)
{
    const hni_bench_convolution *conv = &row->convolution;
    const hn_shape bias = HN_SHAPE1(conv->kernel.size[0]);
    hn_status status;
    HNI_TRY(take_numbers(c, conv->x, &row->x));
    HNI_TRY(take_numbers(c, conv->kernel, &row->kernel));
    HNI_TRY(take_numbers(c, bias, &row->bias));
    HNI_TRY(take_numbers(c, output_shape(conv), &row->y));
    HNI_TRY(take_numbers(c, conv->x, &row->dx));
    HNI_TRY(take_numbers(c, conv->kernel, &row->dkernel));
    HNI_TRY(take_numbers(c, bias, &row->dbias));
cleanup:
    return status;
}

/* ---- timing ---- */

static hn_status run_once(hni_bench_convolutions *c, hni_bench_convolution_row *row, hni_bench_pass pass)
{
    const hni_bench_convolution *conv = &row->convolution;
    const hni_convolution forward = {row->x, row->kernel, conv->has_bias, row->bias, conv->stride, conv->padding};
    hni_convolution_vjp vjp = {.forward = forward, .dy = row->y, .dx = row->dx, .dkernel = row->dkernel};
    vjp.dbias = row->dbias;
    vjp.dx_fresh = vjp.dkernel_fresh = vjp.dbias_fresh = true;
    vjp.want_dx = pass == HNI_BENCH_PASS_DATA;
    vjp.want_dkernel = pass == HNI_BENCH_PASS_WEIGHTS;
    vjp.want_dbias = pass == HNI_BENCH_PASS_WEIGHTS && conv->has_bias;
    const hn_status status = pass == HNI_BENCH_PASS_FORWARD ? kernels()->conv2d(&c->exec, &forward, &row->y)
                                                            : kernels()->conv2d_vjp(&c->exec, &vjp);
    hni_arena_reset(&c->scratch);
    return status;
}

/* Seconds of all that a step has of them. */
static hn_status time_pass(hni_bench_convolutions *c, hni_bench_convolution_row *row, hni_bench_pass pass,
                           double *out_seconds)
{
    hn_status status = HN_OK;
    const double start = hni_bench_now();
    for (int64_t i = 0; i < row->runs[pass]; i++)
        HNI_TRY(run_once(c, row, pass));
    *out_seconds = (hni_bench_now() - start) / (double)row->runs[pass] * (double)row->convolution.count;
cleanup:
    return status;
}

static hn_status choose_runs(hni_bench_convolutions *c, hni_bench_convolution_row *row, hni_bench_pass pass,
                             double least)
{
    double seconds = 0;
    hn_status status;
    row->runs[pass] = 1;
    HNI_TRY(time_pass(c, row, pass, &seconds)); /* whatever is done once */
    HNI_TRY(time_pass(c, row, pass, &seconds));
    const double runs = ceil(least / fmax(seconds / (double)row->convolution.count, 1e-7));
    row->runs[pass] = runs > 1 ? (int64_t)runs : 1;
cleanup:
    return status;
}

hn_status hni_bench_convolutions_open(hn_context *context, const hni_bench_image_forecast *forecast, double least,
                                      hni_bench_convolutions *out_convolutions)
{
    hni_bench_convolutions *c = out_convolutions;
    hn_status status = HN_OK;
    *c = (hni_bench_convolutions){.count = forecast->count};
    hni_arena_init(&c->memory, context, "operands of convolutions", false);
    hni_arena_init(&c->scratch, context, "scratch memory", false);
    c->exec = (hni_exec){
        .context = context, .threads = hn_context_threads(context), .scratch = &c->scratch, .step = &c->block};
    for (size_t i = 0; i < c->count; i++) {
        hni_bench_convolution_row *row = &c->rows[i];
        row->convolution = forecast->convolutions[i];
        HNI_TRY(open_row(c, row));
        for (hni_bench_pass pass = 0; pass < HNI_BENCH_PASSES; pass++)
            if (hni_bench_convolution_has(row, pass)) HNI_TRY(choose_runs(c, row, pass, least));
    }
cleanup:
    if (status != HN_OK) hni_bench_convolutions_close(c);
    return status;
}

hn_status hni_bench_convolutions_run(hni_bench_convolutions *convolutions)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < convolutions->count; i++) {
        hni_bench_convolution_row *row = &convolutions->rows[i];
        for (hni_bench_pass pass = 0; pass < HNI_BENCH_PASSES; pass++) {
            double seconds = 0;
            if (!hni_bench_convolution_has(row, pass)) continue;
            HNI_TRY(time_pass(convolutions, row, pass, &seconds));
            hni_bench_times_add(&row->times[pass], seconds);
        }
    }
cleanup:
    return status;
}

void hni_bench_convolutions_close(hni_bench_convolutions *convolutions)
{
    hni_arena_destroy(&convolutions->memory);
    hni_arena_destroy(&convolutions->scratch);
}

double hni_bench_convolution_seconds(const hni_bench_convolution_row *row, hni_bench_pass pass)
{
    return hni_bench_convolution_has(row, pass) ? hni_bench_spread_of(&row->times[pass]).median : 0;
}

double hni_bench_convolutions_seconds(const hni_bench_convolutions *convolutions)
{
    double sum = convolutions->count > 0 ? 0 : (double)NAN;
    for (size_t i = 0; i < convolutions->count; i++)
        for (hni_bench_pass pass = 0; pass < HNI_BENCH_PASSES; pass++)
            sum += hni_bench_convolution_seconds(&convolutions->rows[i], pass);
    return sum;
}
