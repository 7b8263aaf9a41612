/* Cases of batch normalisation: columns of every width around those of a vector and of a line, few rows and many; see kernel_cases.h. */
#include "kernel_cases.h"

#include <math.h>

typedef struct batch_case {
    int64_t rows, columns;
    double epsilon;
    bool relu;
    kernel_pair x, gain, shift, statistics, out;
    kernel_pair dy, dx, dgain, dshift;
} batch_case;

static void create(kernel_match *match, batch_case *c)
{
    static const int64_t wide[] = {511, 512, 513, 1024, 1300};
    *c = (batch_case){.epsilon = kernel_random_chance(match, 0.5) ? 1e-5 : 1e-2,
                      .relu = kernel_random_chance(match, 0.5)};
    c->columns = kernel_random_chance(match, 0.2) ? wide[kernel_random(match, 5)] : kernel_random_size(match, 257);
    c->rows = kernel_random_size(match, 1023) * (kernel_random_chance(match, 0.3) ? 37 : 1);
    if (c->rows * c->columns > 80000) c->rows = 80000 / c->columns;
    const hn_shape shape = HN_SHAPE2(c->rows, c->columns), line = HN_SHAPE1(c->columns);
    kernel_pair *const wholes[] = {&c->x, &c->out, &c->dy, &c->dx};
    kernel_pair *const lines[] = {&c->gain, &c->shift, &c->dgain, &c->dshift};
    for (int i = 0; i < 4; i++) {
        *wholes[i] = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
        *lines[i] = kernel_pair_create(match, line, KERNEL_DENSE, KERNEL_AWAY);
    }
    c->statistics = kernel_pair_create(match, HN_SHAPE2(2, c->columns), KERNEL_DENSE, KERNEL_NORMAL);
    for (int64_t i = 0; i < c->x.side[0].count; i++) /* each column about a mean of its own */
        kernel_pair_set(&c->x, i, (double)(i % c->columns % 7) - 2 + kernel_tensor_get(&c->x.side[0], i));
}

static void destroy(batch_case *c)
{
    kernel_pair *const all[] = {&c->x,  &c->gain, &c->shift, &c->statistics, &c->out,
                                &c->dy, &c->dx,   &c->dgain, &c->dshift};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_pair_destroy(all[i]);
}

static hni_column_norm norm_side(const batch_case *c, int s)
{
    return (hni_column_norm){.rows = c->rows,
                             .columns = c->columns,
                             .x = c->x.side[s].storage,
                             .gain = c->gain.side[s].storage,
                             .shift = c->shift.side[s].storage,
                             .statistics = c->statistics.side[s].storage,
                             .epsilon = c->epsilon,
                             .relu = c->relu};
}

static void run_statistics(kernel_match *match, batch_case *c)
{
    for (int s = 0; s < KERNEL_SIDES; s++) {
        kernel_ok(&match->bench[s], match->kernels[s]->batch_statistics(&match->bench[s].exec, &c->x.side[s].view,
                                                                        &c->statistics.side[s].view));
    }
}

static void run_batch_statistics(kernel_match *match)
{
    for (int repetition = 0; repetition < 120; repetition++) {
        batch_case c;
        create(match, &c);
        if (repetition % 8 == 0) { /* far from zero, and first rows that are far from the rest */
            for (int64_t i = 0; i < c.x.side[0].count; i++)
                kernel_pair_set(&c.x, i, (i < 300 ? 0 : 3e3) + kernel_tensor_get(&c.x.side[0], i));
        }
        run_statistics(match, &c);
        kernel_pair_match(match, &c.statistics, "statistics", 4);
        destroy(&c);
    }
}

/* The statistics of the truth as floats on both sides, and no number of x so near to the kink of relu that rounding decides. */
static void share_statistics(kernel_match *match, batch_case *c)
{
    run_statistics(match, c);
    for (int64_t i = 0; i < c->statistics.side[0].count; i++)
        kernel_pair_set(&c->statistics, i, kernel_tensor_get(&c->statistics.side[KERNEL_TRUTH], i));
    for (int64_t i = 0; i < c->x.side[0].count; i++) {
        const int64_t column = i % c->columns;
        const double mean = kernel_tensor_get(&c->statistics.side[0], column);
        const double deviation = sqrt(kernel_tensor_get(&c->statistics.side[0], c->columns + column) + c->epsilon);
        const double gain = kernel_tensor_get(&c->gain.side[0], column);
        const double shift = kernel_tensor_get(&c->shift.side[0], column);
        const double y = gain * (kernel_tensor_get(&c->x.side[0], i) - mean) / deviation + shift;
        if (fabs(y) < 1e-3) kernel_pair_set(&c->x, i, mean + (1e-2 - shift) * deviation / gain);
    }
}

static void run_batch_norm(kernel_match *match)
{
    for (int repetition = 0; repetition < 120; repetition++) {
        batch_case c;
        create(match, &c);
        share_statistics(match, &c);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const hni_column_norm norm = norm_side(&c, s);
            kernel_ok(&match->bench[s],
                      match->kernels[s]->batch_norm(&match->bench[s].exec, &norm, c.out.side[s].storage));
        }
        kernel_pair_match(match, &c.out, "out", 8 / sqrt(c.epsilon + (c.rows > 2 ? 0.1 : 0)));
        destroy(&c);
    }
}

static void run_batch_norm_vjp(kernel_match *match)
{
    for (int repetition = 0; repetition < 160; repetition++) {
        batch_case c;
        create(match, &c);
        share_statistics(match, &c);
        hni_column_norm_vjp vjp = {.from_batch = kernel_random_chance(match, 0.6),
                                   .dx_fresh = kernel_random_chance(match, 0.5)};
        const bool want_dx = kernel_random_chance(match, 0.8), want_dgain = kernel_random_chance(match, 0.8);
        const bool want_dshift = kernel_random_chance(match, 0.8);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            vjp.forward = norm_side(&c, s);
            vjp.dy = c.dy.side[s].storage;
            vjp.dx = want_dx ? c.dx.side[s].storage : NULL;
            vjp.dgain = want_dgain ? c.dgain.side[s].storage : NULL;
            vjp.dshift = want_dshift ? c.dshift.side[s].storage : NULL;
            kernel_ok(&match->bench[s], match->kernels[s]->batch_norm_vjp(&match->bench[s].exec, &vjp));
        }
        const double inverse = 1 / sqrt(c.epsilon + (c.rows > 2 ? 0.1 : 0)), rows = sqrt((double)c.rows);
        kernel_pair_match(match, &c.dx, "dx", 4 * inverse * (1 + inverse));
        kernel_pair_match(match, &c.dgain, "dgain", 4 * inverse * rows);
        kernel_pair_match(match, &c.dshift, "dshift", rows);
        destroy(&c);
    }
}

const kernel_case kernel_cases_batch[] = {
    {"batch_statistics", run_batch_statistics, 0, 1e-6, 1e-6},
    {"batch_norm", run_batch_norm, 0, 1e-6, 5e-7},
    {"batch_norm_vjp", run_batch_norm_vjp, 0, 0, 2e-6},
    {NULL, NULL, 0, 0, 0},
};
