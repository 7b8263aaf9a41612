/* Cases of the loss, the optimiser and the memory slots; see kernel_cases.h. */
#include "kernel_cases.h"

#include <math.h>

/* ---- softmax ---- */

typedef struct loss_case {
    double spread;    /* of the logits */
    double smoothing; /* of the targets */
    kernel_pair logits, weights, log_sum, loss, dloss, dlogits;
    kernel_tensor targets;
} loss_case;

static void create_loss_case(kernel_match *match, loss_case *c)
{
    const hn_shape shape = HN_SHAPE2(kernel_random_size(match, 200), kernel_random_size(match, 500));
    const hn_shape rows = HN_SHAPE1(shape.size[0]);
    c->spread = kernel_random_chance(match, 0.7) ? 3 : 40;
    c->smoothing = kernel_random_chance(match, 0.5) ? 0 : kernel_random_unit(match);
    c->logits = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
    if (kernel_random_chance(match, 0.5)) {
        const int64_t stride[2] = {shape.size[1] + 1 + kernel_random(match, 7), 1};
        kernel_pair_destroy(&c->logits);
        c->logits = kernel_pair_strided(match, shape, stride, kernel_random(match, 3), KERNEL_NORMAL);
    }
    for (int64_t i = 0; i < c->logits.side[0].count; i++)
        kernel_pair_set(&c->logits, i, c->spread * kernel_tensor_get(&c->logits.side[0], i));
    c->weights = kernel_pair_create(match, rows, KERNEL_DENSE, KERNEL_UNIT);
    kernel_pair_set(&c->weights, 0, 0); /* padding */
    c->log_sum = kernel_pair_create(match, rows, KERNEL_DENSE, KERNEL_NORMAL);
    c->loss = kernel_pair_create(match, rows, KERNEL_DENSE, KERNEL_NORMAL);
    c->dloss = kernel_pair_create(match, HN_SCALAR(), KERNEL_DENSE, KERNEL_AWAY);
    c->dlogits = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
    c->targets = kernel_random_indices(match, rows, shape.size[1]);
}

static void destroy_loss_case(loss_case *c)
{
    kernel_pair *all[] = {&c->logits, &c->weights, &c->log_sum, &c->loss, &c->dloss, &c->dlogits};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_pair_destroy(all[i]);
    kernel_tensor_destroy(&c->targets);
}

static hn_status loss_forward(kernel_match *match, loss_case *c, int s)
{
    const hni_softmax softmax = {&c->logits.side[s].view, &c->targets.view, c->smoothing};
    return match->kernels[s]->softmax_loss(&match->bench[s].exec, &softmax, &c->log_sum.side[s].view,
                                           &c->loss.side[s].view);
}

static void run_softmax_loss(kernel_match *match)
{
    for (int repetition = 0; repetition < 40; repetition++) {
        loss_case c;
        create_loss_case(match, &c);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s], loss_forward(match, &c, s));
        }
        const double largest = kernel_pair_largest(&c.logits);
        kernel_pair_match(match, &c.log_sum, "log_sum", largest);
        kernel_pair_match(match, &c.loss, "loss", largest);
        kernel_tensor_set(&c.targets, 0, repetition % 2 == 0 ? -3 : (double)c.logits.side[0].view.size[1]);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_refused(&match->bench[s], loss_forward(match, &c, s), HN_ERROR_ARGUMENT, "targets");
        }
        destroy_loss_case(&c);
    }
}

/* Infinite and undefined logits must not look like a loss. */
static void run_softmax_nonfinite(kernel_match *match)
{
    static const double bad[] = {KERNEL_NAN, KERNEL_INFINITY};
    for (int repetition = 0; repetition < 20; repetition++) {
        loss_case c;
        create_loss_case(match, &c);
        const hni_view *logits = &c.logits.side[0].view;
        const int64_t first = c.logits.side[0].count - (logits->size[0] - 1) * logits->stride[0] - logits->size[1];
        const int64_t row = kernel_random(match, logits->size[0]), column = kernel_random(match, logits->size[1]);
        kernel_pair_set(&c.logits, first + row * logits->stride[0] + column, bad[repetition % 2]);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s], loss_forward(match, &c, s));
            if (isfinite(kernel_tensor_get(&c.loss.side[s], row))) fail();
        }
        destroy_loss_case(&c);
    }
}

static void run_softmax_loss_vjp(kernel_match *match)
{
    for (int repetition = 0; repetition < 40; repetition++) {
        loss_case c;
        create_loss_case(match, &c);
        const bool accumulate = kernel_random_chance(match, 0.5);
        const double factor = 0.5 + kernel_random_unit(match);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s], loss_forward(match, &c, s));
        }
        for (int64_t i = 0; i < c.log_sum.side[0].count; i++)
            kernel_pair_set(&c.log_sum, i, kernel_tensor_get(&c.log_sum.side[KERNEL_TRUTH], i));
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const hni_softmax softmax = {&c.logits.side[s].view, &c.targets.view, c.smoothing};
            kernel_ok(&match->bench[s],
                      match->kernels[s]->softmax_loss_vjp(&match->bench[s].exec, &softmax, &c.weights.side[s].view,
                                                          &c.log_sum.side[s].view, &c.dloss.side[s].view, factor,
                                                          &c.dlogits.side[s].view, accumulate));
        }
        /* exp turns the rounding of its argument into a relative error. */
        kernel_pair_match(match, &c.dlogits, "dlogits", 1 + kernel_pair_largest(&c.logits) / 10);
        destroy_loss_case(&c);
    }
}

/* ---- optimiser ---- */

static int64_t random_count(kernel_match *match, int repetition)
{
    return repetition % 10 == 0 ? 70000 + kernel_random(match, 9) : 1 + kernel_random(match, 3000);
}

static void match_number(kernel_match *match, double tested, double truth, const char *what)
{
    if (isnan(truth) ? isnan(tested) : test_is_close(tested, truth, match->row->relative, 0)) return;
    print_error("%s: %s is %.9g, the truth is %.9g\n", match->row->name, what, tested, truth);
    fail();
}

static void run_gradient_norm(kernel_match *match)
{
    static const double bad[] = {0, KERNEL_NAN, KERNEL_INFINITY, -KERNEL_INFINITY,
                                 1e30}; /* 1e30: its square is no float */
    for (int repetition = 0; repetition < 40; repetition++) {
        kernel_pair g =
            kernel_pair_create(match, HN_SHAPE1(random_count(match, repetition)), KERNEL_DENSE, KERNEL_NORMAL);
        const int64_t count = g.side[0].count;
        if (repetition % 4 == 0) kernel_pair_set(&g, kernel_random(match, count), bad[repetition / 4 % 5]);
        if (repetition == 5) kernel_pair_fill(&g, 0);
        const double clip = repetition % 3 == 0 ? 0 : 20 * kernel_random_unit(match);
        const double bound = repetition % 2 == 0 ? 0 : 4 * kernel_random_unit(match);
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s],
                      match->kernels[s]->gradient_norm(&match->bench[s].exec, count, g.side[s].storage, clip, bound));
        }
        const hni_step_block *tested = &match->bench[KERNEL_TESTED].step, *truth = &match->bench[KERNEL_TRUTH].step;
        match_number(match, tested->gradient_norm, truth->gradient_norm, "gradient_norm");
        match_number(match, tested->finite, truth->finite, "finite");
        match_number(match, tested->clip_value, truth->clip_value, "clip_value");
        if (truth->finite) match_number(match, tested->clip_factor, truth->clip_factor, "clip_factor");
        if (truth->finite) match_number(match, tested->clamped, truth->clamped, "clamped");
        kernel_pair_destroy(&g);
    }
}

static void run_count_nonfinite(kernel_match *match)
{
    for (int repetition = 0; repetition < 20; repetition++) {
        kernel_pair x = kernel_pair_create(match, HN_SHAPE1(random_count(match, repetition)), KERNEL_DENSE,
                                           repetition % 3 == 0 ? KERNEL_NORMAL : KERNEL_SPECIAL);
        int64_t found[KERNEL_SIDES] = {-1, -1};
        for (int s = 0; s < KERNEL_SIDES; s++) {
            kernel_ok(&match->bench[s], match->kernels[s]->count_nonfinite(&match->bench[s].exec, x.side[s].count,
                                                                           x.side[s].storage, &found[s]));
        }
        assert_int_equal(found[KERNEL_TESTED], found[KERNEL_TRUTH]);
        kernel_pair_destroy(&x);
    }
}

typedef struct update_case {
    kernel_pair value, gradient, mean, variance, average;
} update_case;

/* What an update reads: one in five does nothing, one in two clamps. */
static hni_step_block update_step(int repetition, int step)
{
    return (hni_step_block){.rate = 0.01,
                            .correction_mean = 1 - pow(0.9, step),
                            .correction_variance = 1 - pow(0.99, step),
                            .clip_factor = 0.625,
                            .clip_value = repetition % 2 == 0 ? KERNEL_INFINITY : 0.75,
                            .finite = repetition % 5 == 0 ? 0 : 1};
}

typedef void update_call(kernel_match *match, update_case *c, int side, int repetition);

static void call_adam(kernel_match *match, update_case *c, int s, int repetition)
{
    const hni_adam adam = {.beta1 = 0.9,
                           .beta2 = 0.99,
                           .epsilon = 1e-4,
                           .weight_decay = repetition % 3 == 0 ? 0 : 0.125,
                           .decoupled = repetition % 3 == 1};
    kernel_ok(&match->bench[s], match->kernels[s]->adam(&match->bench[s].exec, &adam, c->value.side[s].count,
                                                        c->value.side[s].storage, c->gradient.side[s].storage,
                                                        c->mean.side[s].storage, c->variance.side[s].storage));
}

static void call_sgd(kernel_match *match, update_case *c, int s, int repetition)
{
    const bool has_moment = repetition % 3 != 0;
    const hni_sgd sgd = {has_moment ? 0.875 : 0, repetition % 4 == 0 ? 0 : 0.125, repetition % 3 == 1};
    kernel_ok(&match->bench[s],
              match->kernels[s]->sgd(&match->bench[s].exec, &sgd, c->value.side[s].count, c->value.side[s].storage,
                                     c->gradient.side[s].storage, has_moment ? c->mean.side[s].storage : NULL));
}

static void call_rmsprop(kernel_match *match, update_case *c, int s, int repetition)
{
    const bool has_moment = repetition % 3 != 0;
    const hni_rmsprop rmsprop = {.decay = 0.9,
                                 .epsilon = 1e-4,
                                 .momentum = has_moment ? 0.875 : 0,
                                 .weight_decay = repetition % 4 == 0 ? 0 : 0.125};
    kernel_ok(&match->bench[s],
              match->kernels[s]->rmsprop(&match->bench[s].exec, &rmsprop, c->value.side[s].count,
                                         c->value.side[s].storage, c->gradient.side[s].storage,
                                         c->variance.side[s].storage, has_moment ? c->mean.side[s].storage : NULL));
}

static void check_updates(kernel_match *match, update_case *c, update_call *call, int repetition)
{
    for (int step = 1; step <= 3; step++) {
        for (int s = 0; s < KERNEL_SIDES; s++) {
            hni_exec *exec = &match->bench[s].exec;
            const hni_kernels *k = match->kernels[s];
            const int64_t count = c->value.side[s].count;
            void *value = c->value.side[s].storage, *average = c->average.side[s].storage;
            *exec->step = update_step(repetition, step);
            call(match, c, s, repetition);
            kernel_ok(&match->bench[s], k->average(exec, 0.9, count, value, average));
            kernel_ok(&match->bench[s], k->swap(exec, count, value, average));
        }
    }
    kernel_pair_match(match, &c->mean, "mean", 0);
    kernel_pair_match(match, &c->variance, "variance", 0);
    kernel_pair_match(match, &c->value, "value", 0);
    kernel_pair_match(match, &c->average, "average", 0);
}

static void run_updates(kernel_match *match)
{
    static update_call *const calls[] = {call_adam, call_sgd, call_rmsprop};
    for (int repetition = 0; repetition < 30; repetition++) {
        const hn_shape shape = HN_SHAPE1(random_count(match, repetition));
        update_case c = {.value = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL),
                         .gradient = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL),
                         .mean = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL),
                         .variance = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_UNIT),
                         .average = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL)};
        check_updates(match, &c, calls[match->row->variant], repetition);
        kernel_pair *all[] = {&c.value, &c.gradient, &c.mean, &c.variance, &c.average};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            kernel_pair_destroy(all[i]);
    }
}

/* ---- memory ---- */

static void run_memory(kernel_match *match)
{
    const hni_kernels *k = match->kernels[KERNEL_TESTED];
    kernel_bench *bench = &match->bench[KERNEL_TESTED];
    void *block = NULL;
    assert_int_equal(k->allocate(bench->context, "a block", 1000, &block), HN_OK);
    assert_int_equal((uintptr_t)block % 64, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(((unsigned char *)block)[i], 0);
    memset(block, 1, 1000);
    kernel_ok(bench, k->fill_zero(&bench->exec, (char *)block + 10, 500));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(((unsigned char *)block)[i], i >= 10 && i < 510 ? 0 : 1);
    k->release(bench->context, block);
    k->release(bench->context, NULL);
}

static void run_copies(kernel_match *match)
{
    for (int repetition = 0; repetition < 30; repetition++) {
        const hn_shape shape =
            HN_SHAPE3(kernel_random_size(match, 9), kernel_random_size(match, 17), kernel_random_size(match, 65));
        kernel_pair view = kernel_pair_create(match, shape, KERNEL_GAPS, KERNEL_NORMAL);
        kernel_pair host = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
        kernel_pair back = kernel_pair_create(match, shape, KERNEL_DENSE, KERNEL_NORMAL);
        const int other = repetition % 2; /* the type of the host arrays on the tested side */
        for (int s = 0; s < KERNEL_SIDES; s++) {
            const kernel_tensor *from = &host.side[s == KERNEL_TESTED ? other : s];
            const kernel_tensor *to = &back.side[s];
            hni_exec *exec = &match->bench[s].exec;
            const hni_kernels *k = match->kernels[s];
            kernel_ok(&match->bench[s], k->copy_in(exec, &view.side[s].view, from->view.dtype, from->storage));
            kernel_ok(&match->bench[s], k->copy_out(exec, &view.side[s].view, to->view.dtype, to->storage));
            kernel_refused(&match->bench[s], k->copy_in(exec, &view.side[s].view, HN_DTYPE_I32, from->storage),
                           HN_ERROR_TYPE, "I32");
        }
        kernel_pair_match(match, &view, "view", 0);
        for (int64_t i = 0; i < back.side[0].count; i++)
            assert_true(kernel_tensor_get(&back.side[0], i) == kernel_tensor_get(&host.side[0], i));
        kernel_pair_destroy(&view);
        kernel_pair_destroy(&host);
        kernel_pair_destroy(&back);
    }
}

const kernel_case kernel_cases_training[] = {
    {"softmax_loss", run_softmax_loss, 0, 5e-7, 1e-6},
    {"softmax_loss of bad logits", run_softmax_nonfinite, 0, 0, 0},
    {"softmax_loss_vjp", run_softmax_loss_vjp, 0, 0, 2e-6},
    {"gradient_norm", run_gradient_norm, 0, 1e-6, 0},
    {"count_nonfinite", run_count_nonfinite, 0, 0, 0},
    {"adam, average, swap", run_updates, 0, 1e-6, 1e-6},
    {"sgd, average, swap", run_updates, 1, 1e-6, 1e-6},
    {"rmsprop, average, swap", run_updates, 2, 1e-6, 1e-6},
    {"allocate, release, fill_zero", run_memory, 0, 0, 0},
    {"copy_in, copy_out", run_copies, 0, 0, 0},
    {NULL, NULL, 0, 0, 0},
};
