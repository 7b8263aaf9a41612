/* Cases of the normalisation, of dropout and of the slots that choose rows; see kernel_cases.h. */
#include "kernel_cases.h"

#include <math.h>

/* ---- layer norm ---- */

/* [..,N] of rank 1 to 4. */
static hn_shape random_rows(kernel_match *match)
{
    hn_shape shape = {.rank = 1 + (int)kernel_random(match, 4)};
    int64_t limit = 20000;
    for (int d = shape.rank - 1; d >= 0; d--) {
        shape.size[d] = kernel_random_size(match, d == shape.rank - 1 ? 1023 : limit < 30 ? limit : 30);
        limit /= shape.size[d];
    }
    return shape;
}

/* x = 3 + normal, so that the mean matters. */
static kernel_pair shifted_input(kernel_match *match, hn_shape shape)
{
    kernel_pair x = kernel_pair_create(match, shape, KERNEL_LINES, KERNEL_NORMAL);
    for (int64_t i = 0; i < x.side[0].count; i++)
        kernel_pair_set(&x, i, 3 + kernel_tensor_get(&x.side[0], i));
    return x;
}

/* A vector [N] repeated over every row, or in some leading dimensions a vector of each entry's own. */
static kernel_pair row_parameters(kernel_match *match, hn_shape shape)
{
    int64_t stride[HN_MAX_RANK] = {0}, next = shape.size[shape.rank - 1];
    stride[shape.rank - 1] = 1;
    const bool plain = kernel_random_chance(match, 0.5);
    for (int d = shape.rank - 2; d >= 0 && !plain; d--) {
        if (kernel_random_chance(match, 0.5)) continue;
        stride[d] = next;
        next *= shape.size[d];
    }
    return kernel_pair_strided(match, shape, stride, 0, KERNEL_NORMAL);
}

typedef struct norm_case {
    hn_shape shape;
    double epsilon;
    kernel_pair x, gain, shift, out, mean, inverse;
    kernel_pair dy, dx, dgain, dshift;
} norm_case;

static void create_norm_case(kernel_match *match, norm_case *c)
{
    c->shape = random_rows(match);
    c->epsilon = kernel_random_chance(match, 0.5) ? 1e-5 : 1e-3;
    const hn_shape rows = HN_SHAPE1(hn_shape_elements(c->shape) / c->shape.size[c->shape.rank - 1]);
    c->x = shifted_input(match, c->shape);
    c->gain = row_parameters(match, c->shape);
    c->shift = row_parameters(match, c->shape);
    c->out = kernel_pair_create(match, c->shape, KERNEL_DENSE, KERNEL_NORMAL);
    c->mean = kernel_pair_create(match, rows, KERNEL_DENSE, KERNEL_NORMAL);
    c->inverse = kernel_pair_create(match, rows, KERNEL_DENSE, KERNEL_NORMAL);
    c->dy = kernel_pair_create(match, c->shape, KERNEL_LINES, KERNEL_NORMAL);
    c->dx = kernel_pair_create(match, c->shape, KERNEL_LINES, KERNEL_NORMAL);
    c->dgain = row_parameters(match, c->shape);
    c->dshift = row_parameters(match, c->shape);
}

static void destroy_norm_case(norm_case *c)
{
    kernel_pair *all[] = {&c->x,  &c->gain, &c->shift, &c->out,    &c->mean,
                          &c->dy, &c->dx,   &c->dgain, &c->dshift, &c->inverse};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_pair_destroy(all[i]);
}

static hni_norm norm_side(const norm_case *c, int s)
{
    return (hni_norm){.x = c->x.side[s].view,
                      .gain = c->gain.side[s].view,
                      .shift = c->shift.side[s].view,
                      .epsilon = c->epsilon,
                      .mean = c->mean.side[s].storage,
                      .inverse = c->inverse.side[s].storage};
}

static void run_norm_forward(kernel_match *match, norm_case *c)
{
    for (int s = 0; s < KERNEL_SIDES; s++) {
        const hni_norm norm = norm_side(c, s);
        kernel_ok(&match->bench[s], match->kernels[s]->layer_norm(&match->bench[s].exec, &norm, &c->out.side[s].view));
    }
}

static void run_layer_norm(kernel_match *match)
{
    for (int repetition = 0; repetition < 60; repetition++) {
        norm_case c;
        create_norm_case(match, &c);
        run_norm_forward(match, &c);
        kernel_pair_match(match, &c.mean, "mean", 3);
        kernel_pair_match(match, &c.inverse, "inverse", 1);
        /* A row of nearly equal numbers makes a rounding of x's mean, size 3, large. */
        kernel_pair_match(match, &c.out, "out", 3 * kernel_pair_largest(&c.inverse) * kernel_pair_largest(&c.gain));
        destroy_norm_case(&c);
    }
}

static void run_layer_norm_vjp(kernel_match *match)
{
    for (int repetition = 0; repetition < 80; repetition++) {
        norm_case c;
        create_norm_case(match, &c);
        run_norm_forward(match, &c);
        /* Both sides start from the same saved numbers: the truth's, as floats. */
        for (int64_t i = 0; i < c.mean.side[0].count; i++) {
            kernel_pair_set(&c.mean, i, kernel_tensor_get(&c.mean.side[KERNEL_TRUTH], i));
            kernel_pair_set(&c.inverse, i, kernel_tensor_get(&c.inverse.side[KERNEL_TRUTH], i));
        }
        hni_norm_vjp vjp = {.want_dx = kernel_random_chance(match, 0.8),
                            .want_dgain = kernel_random_chance(match, 0.8),
                            .want_dshift = kernel_random_chance(match, 0.8),
                            .dx_fresh = kernel_random_chance(match, 0.5)};
        for (int s = 0; s < KERNEL_SIDES; s++) {
            vjp.forward = norm_side(&c, s);
            memset(&vjp.forward.shift, 0xff, sizeof vjp.forward.shift); /* not used */
            vjp.dy = c.dy.side[s].view;
            vjp.dx = c.dx.side[s].view;
            vjp.dgain = c.dgain.side[s].view;
            vjp.dshift = c.dshift.side[s].view;
            kernel_ok(&match->bench[s], match->kernels[s]->layer_norm_vjp(&match->bench[s].exec, &vjp));
        }
        const double inverse = kernel_pair_largest(&c.inverse);
        const double rows = sqrt((double)c.mean.side[0].count);
        kernel_pair_match(match, &c.dx, "dx", 3 * inverse * (1 + inverse) * kernel_pair_largest(&c.gain));
        kernel_pair_match(match, &c.dgain, "dgain", 3 * inverse * rows);
        kernel_pair_match(match, &c.dshift, "dshift", rows);
        destroy_norm_case(&c);
    }
}

/* ---- dropout ---- */

static void run_dropout(kernel_match *match)
{
    static const double keeps[] = {0.1, 0.5, 0.65, 0.9, 1.0};
    for (int repetition = 0; repetition < 40; repetition++) {
        const hn_shape shape = random_rows(match);
        const bool accumulate = kernel_random_chance(match, 0.4);
        kernel_pair x = kernel_pair_create(match, shape, KERNEL_GAPS | KERNEL_REPEAT, KERNEL_NORMAL);
        kernel_pair out = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
        hni_dropout dropout = {.keep = keeps[kernel_random(match, 5)],
                               .site = (uint32_t)kernel_random(match, 1000),
                               .base = kernel_random_chance(match, 0.5) ? kernel_random(match, 10) : INT64_C(1) << 34};
        int64_t next = 1;
        for (int d = shape.rank - 1; d >= 0; d--) {
            dropout.stride[d] = kernel_random_chance(match, 0.2) ? 0 : next;
            next *= shape.size[d] + (kernel_random_chance(match, 0.3) ? 3 : 0);
        }
        for (int s = 0; s < KERNEL_SIDES; s++) {
            match->bench[s].step.seed = UINT64_C(0x123456789) + (uint64_t)repetition;
            match->bench[s].step.step = (uint32_t)repetition;
            kernel_ok(&match->bench[s], match->kernels[s]->dropout(&match->bench[s].exec, &dropout, &x.side[s].view,
                                                                   &out.side[s].view, accumulate));
        }
        kernel_pair_match(match, &out, "out", accumulate ? 10 : 0);
        kernel_pair_destroy(&x);
        kernel_pair_destroy(&out);
    }
}

/* ---- rows ---- */

static void run_lookup(kernel_match *match)
{
    for (int repetition = 0; repetition < 40; repetition++) {
        const int64_t v = kernel_random_size(match, 300), n = kernel_random_size(match, 200);
        const int64_t rows = kernel_random_size(match, 600);
        kernel_pair table = kernel_pair_create(match, HN_SHAPE2(v, n), KERNEL_GAPS, KERNEL_NORMAL);
        kernel_pair out = kernel_pair_create(match, HN_SHAPE2(rows, n), KERNEL_DENSE, KERNEL_NORMAL);
        /* One column of [R,3], or a vector. */
        const int64_t step = repetition % 2 == 0 ? 3 : 1;
        kernel_tensor indices = kernel_random_indices(match, HN_SHAPE1(rows * step), v);
        indices.view.size[0] = rows;
        indices.view.stride[0] = step;
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const hni_kernels *k = match->kernels[s];
            hni_exec *exec = &match->bench[s].exec;
            kernel_ok(&match->bench[s], k->lookup(exec, &table.side[s].view, &indices.view, &out.side[s].view));
            kernel_ok(&match->bench[s], k->lookup_vjp(exec, &out.side[s].view, &indices.view, &table.side[s].view));
        }
        kernel_pair_match(match, &out, "out", 0);
        kernel_pair_match(match, &table, "dtable", (double)rows / (double)v);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const double wrong = repetition % 4 < 2 ? -1 : (double)v;
            kernel_tensor_set(&indices, (rows - 1) * step, wrong);
            kernel_refused(
                &match->bench[s],
                match->kernels[s]->lookup(&match->bench[s].exec, &table.side[s].view, &indices.view, &out.side[s].view),
                HN_ERROR_ARGUMENT, "indices");
        }
        kernel_pair_destroy(&table);
        kernel_pair_destroy(&out);
        kernel_tensor_destroy(&indices);
    }
}

static void run_where_length(kernel_match *match)
{
    for (int repetition = 0; repetition < 40; repetition++) {
        const hn_shape shape = HN_SHAPE2(kernel_random_size(match, 130), kernel_random_size(match, 300));
        const bool has_a = kernel_random_chance(match, 0.7), has_b = kernel_random_chance(match, 0.7);
        const bool accumulate = kernel_random_chance(match, 0.5);
        kernel_pair a = kernel_pair_create(match, shape, KERNEL_GAPS | KERNEL_REPEAT, KERNEL_NORMAL);
        kernel_pair b = kernel_pair_create(match, shape, KERNEL_GAPS | KERNEL_REPEAT, KERNEL_NORMAL);
        kernel_pair out = kernel_pair_create(match, shape, KERNEL_GAPS, KERNEL_NORMAL);
        kernel_tensor lengths = kernel_random_indices(match, HN_SHAPE1(shape.size[0]), 8);
        const int64_t t = kernel_random(match, 8);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s],
                      match->kernels[s]->where_length(&match->bench[s].exec, has_a ? &a.side[s].view : NULL,
                                                      has_b ? &b.side[s].view : NULL, &lengths.view, t,
                                                      &out.side[s].view, accumulate));
        }
        kernel_pair_match(match, &out, "out", accumulate ? 10 : 0);
        kernel_pair_destroy(&a);
        kernel_pair_destroy(&b);
        kernel_pair_destroy(&out);
        kernel_tensor_destroy(&lengths);
    }
}

static void run_reverse(kernel_match *match)
{
    for (int repetition = 0; repetition < 40; repetition++) {
        const int64_t steps = kernel_random_size(match, 33);
        const hn_shape shape = HN_SHAPE3(kernel_random_size(match, 17), steps, kernel_random_size(match, 65));
        const bool accumulate = kernel_random_chance(match, 0.5);
        kernel_pair x = kernel_pair_create(match, shape, KERNEL_GAPS | KERNEL_REPEAT, KERNEL_NORMAL);
        kernel_pair out = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
        kernel_tensor lengths = kernel_random_indices(match, HN_SHAPE1(shape.size[0]), steps + 1);
        kernel_tensor_set(&lengths, 0, repetition % 2 == 0 ? 0 : (double)steps);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s], match->kernels[s]->reverse(&match->bench[s].exec, &x.side[s].view,
                                                                   &lengths.view, &out.side[s].view, accumulate));
        }
        kernel_pair_match(match, &out, "out", accumulate ? 10 : 0);
        kernel_tensor_set(&lengths, shape.size[0] - 1, (double)(steps + 1));
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_refused(&match->bench[s],
                           match->kernels[s]->reverse(&match->bench[s].exec, &x.side[s].view, &lengths.view,
                                                      &out.side[s].view, accumulate),
                           HN_ERROR_ARGUMENT, "lengths");
        }
        kernel_pair_destroy(&x);
        kernel_pair_destroy(&out);
        kernel_tensor_destroy(&lengths);
    }
}

static void run_gather_windows(kernel_match *match)
{
    for (int repetition = 0; repetition < 20; repetition++) {
        const hn_dtype dtype = repetition % 2 == 0 ? HN_DTYPE_U8 : HN_DTYPE_I32;
        const int64_t n = 500, batch = kernel_random_size(match, 33), steps = kernel_random_size(match, 100);
        kernel_tensor source = kernel_tensor_create(dtype, HN_SHAPE1(n));
        for (int64_t i = 0; i < n; i++)
            kernel_tensor_set(&source, i, (double)kernel_random(match, 256));
        int64_t starts[33];
        for (int64_t b = 0; b < batch; b++)
            starts[b] = kernel_random(match, n - steps + 1);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_tensor out = kernel_tensor_create(HN_DTYPE_I32, HN_SHAPE2(batch, steps));
            kernel_bench *bench = &match->bench[s];
            kernel_ok(bench, match->kernels[s]->gather_windows(&bench->exec, &source.view, starts, &out.view));
            for (int64_t b = 0; b < batch; b++)
                for (int64_t t = 0; t < steps; t++)
                    assert_true(kernel_tensor_get(&out, b * steps + t) == kernel_tensor_get(&source, starts[b] + t));
            const int64_t wrong[33] = {repetition % 3 == 0 ? -1 : n - steps + 1};
            kernel_refused(bench, match->kernels[s]->gather_windows(&bench->exec, &source.view, wrong, &out.view),
                           HN_ERROR_ARGUMENT, "window 0");
            kernel_tensor_destroy(&out);
        }
        kernel_tensor_destroy(&source);
    }
}

const kernel_case kernel_cases_rows[] = {
    {"layer_norm", run_layer_norm, 0, 1e-6, 2e-6},     {"layer_norm_vjp", run_layer_norm_vjp, 0, 0, 2e-6},
    {"dropout", run_dropout, 0, 3e-7, 1e-7},           {"lookup", run_lookup, 0, 1e-7, 1e-6},
    {"where_length", run_where_length, 0, 1e-7, 1e-7}, {"reverse", run_reverse, 0, 1e-7, 1e-7},
    {"gather_windows", run_gather_windows, 0, 0, 0},   {NULL, NULL, 0, 0, 0},
};
