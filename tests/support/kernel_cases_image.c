/* Cases of the slots on images; see kernel_cases.h. */
#include "kernel_cases.h"

#include <math.h>

/* ---- conv2d; with variant 1 what a backend may compute tile by tile: 3 x 3, stride 1, 16, 32, .. channels ---- */

typedef struct conv_case {
    int64_t batch, height, width, channels, out_height, out_width, out_channels, taps, stride, padding;
    bool has_bias;
    kernel_pair x, kernel, bias, out;
    kernel_pair dx, dkernel, dbias;
} conv_case;

/* Those that vector code treats apart, and others; 3 and 1 are what images begin with. */
static int64_t random_channels(kernel_match *match)
{
    static const int64_t channels[] = {1, 2, 3, 5, 8, 12, 16, 17, 24, 32, 40, 64};
    if (match->row->variant == 1) return 16 * (1 + kernel_random(match, 4));
    return channels[kernel_random(match, sizeof channels / sizeof channels[0])];
}

static void draw_sizes(kernel_match *match, conv_case *c)
{
    static const int64_t taps[] = {1, 2, 3, 3, 3, 3, 5, 7};
    const bool tiles = match->row->variant == 1;
    c->taps = tiles ? 3 : taps[kernel_random(match, sizeof taps / sizeof taps[0])];
    c->stride = tiles || kernel_random_chance(match, 0.6) ? 1 : 1 + kernel_random(match, 3);
    c->padding = kernel_random_chance(match, 0.5) ? c->taps / 2 : kernel_random(match, c->taps);
    c->batch = 1 + kernel_random(match, tiles ? 12 : 5);
    const int64_t least = c->taps - 2 * c->padding > 1 ? c->taps - 2 * c->padding : 1;
    c->height = least + kernel_random(match, 12);
    c->width = least + kernel_random(match, 12);
    c->channels = random_channels(match);
    c->out_channels = random_channels(match);
    c->has_bias = kernel_random_chance(match, 0.5);
    c->out_height = (c->height + 2 * c->padding - c->taps) / c->stride + 1;
    c->out_width = (c->width + 2 * c->padding - c->taps) / c->stride + 1;
}

static void create_conv_case(kernel_match *match, conv_case *c)
{
    draw_sizes(match, c);
    const hn_shape x = HN_SHAPE4(c->batch, c->height, c->width, c->channels),
                   y = HN_SHAPE4(c->batch, c->out_height, c->out_width, c->out_channels),
                   kernel = HN_SHAPE4(c->out_channels, c->channels, c->taps, c->taps);
    c->x = kernel_pair_create(match, x, KERNEL_DENSE, KERNEL_NORMAL);
    c->kernel = kernel_pair_create(match, kernel, KERNEL_GAPS | KERNEL_REPEAT, KERNEL_NORMAL);
    c->bias = kernel_pair_create(match, HN_SHAPE1(c->out_channels), KERNEL_GAPS | KERNEL_REPEAT, KERNEL_NORMAL);
    c->out = kernel_pair_create(match, y, KERNEL_DENSE, KERNEL_NORMAL);
    c->dx = kernel_pair_create(match, x, KERNEL_DENSE, KERNEL_NORMAL);
    c->dkernel = kernel_pair_create(match, kernel, KERNEL_GAPS, KERNEL_NORMAL);
    c->dbias = kernel_pair_create(match, HN_SHAPE1(c->out_channels), KERNEL_GAPS, KERNEL_NORMAL);
}

static void destroy_conv_case(conv_case *c)
{
    kernel_pair *all[] = {&c->x, &c->kernel, &c->bias, &c->out, &c->dx, &c->dkernel, &c->dbias};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_pair_destroy(all[i]);
}

static hni_convolution conv_side(const conv_case *c, int s)
{
    return (hni_convolution){.x = c->x.side[s].view,
                             .kernel = c->kernel.side[s].view,
                             .has_bias = c->has_bias,
                             .bias = c->bias.side[s].view,
                             .stride = c->stride,
                             .padding = c->padding};
}

static void forward_both(kernel_match *match, conv_case *c)
{
    for (int s = 0; s < KERNEL_SIDES; s++) {
        const hni_convolution conv = conv_side(c, s);
        kernel_ok(&match->bench[s], match->kernels[s]->conv2d(&match->bench[s].exec, &conv, &c->out.side[s].view));
    }
}

static void run_conv2d(kernel_match *match)
{
    const int repetitions = match->row->variant == 1 ? 40 : 150;
    for (int repetition = 0; repetition < repetitions; repetition++) {
        conv_case c;
        create_conv_case(match, &c);
        kernel_pair_fill(&c.out, KERNEL_NAN); /* it must be overwritten, not scaled */
        forward_both(match, &c);
        kernel_pair_match(match, &c.out, "out", 0);
        destroy_conv_case(&c);
    }
}

/* `out` has the role of dy. */
static void run_conv2d_vjp(kernel_match *match)
{
    const int repetitions = match->row->variant == 1 ? 40 : 150;
    for (int repetition = 0; repetition < repetitions; repetition++) {
        conv_case c;
        create_conv_case(match, &c);
        const bool want_dx = kernel_random_chance(match, 0.7), want_dkernel = kernel_random_chance(match, 0.7),
                   want_dbias = kernel_random_chance(match, 0.5), dx_fresh = kernel_random_chance(match, 0.5),
                   dkernel_fresh = kernel_random_chance(match, 0.5), dbias_fresh = kernel_random_chance(match, 0.5);
        if (dx_fresh) kernel_pair_fill(&c.dx, KERNEL_NAN);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const hni_convolution_vjp vjp = {.forward = conv_side(&c, s),
                                             .dy = c.out.side[s].view,
                                             .dx = c.dx.side[s].view,
                                             .dkernel = c.dkernel.side[s].view,
                                             .dbias = c.dbias.side[s].view,
                                             .want_dx = want_dx,
                                             .want_dkernel = want_dkernel,
                                             .want_dbias = want_dbias,
                                             .dx_fresh = dx_fresh,
                                             .dkernel_fresh = dkernel_fresh,
                                             .dbias_fresh = dbias_fresh};
            kernel_ok(&match->bench[s], match->kernels[s]->conv2d_vjp(&match->bench[s].exec, &vjp));
        }
        if (!dx_fresh || want_dx) kernel_pair_match(match, &c.dx, "dx", 0);
        kernel_pair_match(match, &c.dkernel, "dkernel", 0);
        kernel_pair_match(match, &c.dbias, "dbias", 0);
        destroy_conv_case(&c);
    }
}

/* A NaN or an infinity in one pixel: every output that reads it is not finite, and no output of another image knows of it. */
static void run_conv2d_nonfinite(kernel_match *match)
{
    static const double bad[] = {KERNEL_NAN, KERNEL_INFINITY, -KERNEL_INFINITY};
    for (int repetition = 0; repetition < 60; repetition++) {
        conv_case c;
        create_conv_case(match, &c);
        const int64_t at = kernel_random(match, c.x.side[0].count);
        const int64_t image = c.x.side[0].count / c.batch, out_image = c.out.side[0].count / c.batch;
        kernel_pair_set(&c.x, at, bad[repetition % 3]);
        forward_both(match, &c);
        for (int64_t i = 0; i < c.out.side[0].count; i++) {
            const bool is_bad = !isfinite(kernel_tensor_get(&c.out.side[KERNEL_TESTED], i)),
                       must_be = !isfinite(kernel_tensor_get(&c.out.side[KERNEL_TRUTH], i));
            if (must_be) assert_true(is_bad);
            if (i / out_image != at / image) assert_false(is_bad);
        }
        destroy_conv_case(&c);
    }
}

/* ---- pools; the variant of a case is whether it is the mean ---- */

typedef struct pool_case {
    int64_t size, stride;
    kernel_pair x, out, dy, dx;
} pool_case;

static void create_pool_case(kernel_match *match, pool_case *c, kernel_values values)
{
    c->size = 1 + kernel_random(match, 5);
    c->stride = kernel_random_chance(match, 0.5) ? c->size : 1 + kernel_random(match, 4);
    const int64_t height = c->size + kernel_random(match, 9), width = c->size + kernel_random(match, 9);
    const int64_t batch = 1 + kernel_random(match, 5), channels = kernel_random_size(match, 130);
    const hn_shape x = HN_SHAPE4(batch, height, width, channels),
                   y = HN_SHAPE4(batch, (height - c->size) / c->stride + 1, (width - c->size) / c->stride + 1,
                                 channels);
    c->x = kernel_pair_create(match, x, KERNEL_DENSE, values);
    c->out = kernel_pair_create(match, y, KERNEL_DENSE, KERNEL_NORMAL);
    c->dy = kernel_pair_create(match, y, KERNEL_DENSE, KERNEL_NORMAL);
    c->dx = kernel_pair_create(match, x, KERNEL_DENSE, KERNEL_NORMAL);
}

static void destroy_pool_case(pool_case *c)
{
    kernel_pair *all[] = {&c->x, &c->out, &c->dy, &c->dx};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_pair_destroy(all[i]);
}

/* Some numbers of a window are the same, so that the first of them must be found. */
static void make_some_equal(kernel_match *match, kernel_pair *x)
{
    for (int64_t i = 0; i < x->side[0].count; i++)
        if (kernel_random_chance(match, 0.4)) kernel_pair_set(x, i, 0.5);
}

static void run_pool(kernel_match *match)
{
    for (int repetition = 0; repetition < 100; repetition++) {
        const bool special = match->row->variant == 0 && repetition % 3 == 0;
        const bool accumulate = kernel_random_chance(match, 0.5);
        pool_case c;
        create_pool_case(match, &c, special ? KERNEL_SPECIAL : KERNEL_NORMAL);
        make_some_equal(match, &c.x);
        kernel_pair_fill(&c.out, KERNEL_NAN);
        if (!accumulate) kernel_pair_fill(&c.dx, KERNEL_NAN);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const hni_pool pool = {c.x.side[s].view, c.size, c.stride, match->row->variant != 0};
            hni_exec *exec = &match->bench[s].exec;
            kernel_ok(&match->bench[s], match->kernels[s]->pool2d(exec, &pool, &c.out.side[s].view));
            kernel_ok(&match->bench[s],
                      match->kernels[s]->pool2d_vjp(exec, &pool, &c.out.side[s].view, &c.dy.side[s].view,
                                                    &c.dx.side[s].view, accumulate));
        }
        kernel_pair_match(match, &c.out, "out", 0);
        kernel_pair_match(match, &c.dx, "dx", 0);
        destroy_pool_case(&c);
    }
}

const kernel_case kernel_cases_image[] = {
    {"conv2d", run_conv2d, 0, 0, 2e-6},
    {"conv2d_vjp", run_conv2d_vjp, 0, 0, 4e-6},
    {"conv2d, not finite", run_conv2d_nonfinite, 0, 0, 0},
    {"conv2d by tiles", run_conv2d, 1, 0, 4e-6},
    {"conv2d_vjp by tiles", run_conv2d_vjp, 1, 0, 8e-6},
    {"conv2d by tiles, not finite", run_conv2d_nonfinite, 1, 0, 0},
    {"pool2d and its VJP, largest number", run_pool, 0, 1e-6, 3e-7},
    {"pool2d and its VJP, mean", run_pool, 1, 0, 1e-6},
    {NULL, NULL, 0, 0, 0},
};
