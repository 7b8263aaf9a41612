/* Layer normalisation, softmax loss and the optimiser's passes in the generic tables: known values, the definitions in long
 * double, and derivatives by differences. */
#include "kernel_tensor.h"

#define CLOSE(k) ((k)->dtype == HN_DTYPE_F64 ? 1e-13 : 3e-6)

/* Numbers in (-2, 2), exact in float. */
static kernel_tensor spread(hn_dtype dtype, hn_shape shape, int64_t seed)
{
    kernel_tensor tensor = kernel_tensor_create(dtype, shape);
    for (int64_t i = 0; i < tensor.count; i++)
        kernel_tensor_set(&tensor, i, ldexp((double)(((i + 1) * (seed * 2 + 29) + seed) % 127) - 63, -5));
    return tensor;
}

/* ---- layer norm ---- */

enum { ROWS = 3, N = 7 };

static void test_layer_norm_is_its_definition(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor x = spread(k->dtype, HN_SHAPE2(ROWS, N), 1), out = kernel_tensor_create(k->dtype, HN_SHAPE2(ROWS, N));
    kernel_tensor gain = spread(k->dtype, HN_SHAPE1(N), 2), shift = spread(k->dtype, HN_SHAPE1(N), 3);
    kernel_tensor mean = kernel_tensor_create(k->dtype, HN_SHAPE1(ROWS)),
                  inverse = kernel_tensor_create(k->dtype, HN_SHAPE1(ROWS));
    hni_norm norm = {.x = x.view, .epsilon = 1e-3, .mean = mean.storage, .inverse = inverse.storage};
    assert_true(hni_view_broadcast(&gain.view, HN_SHAPE2(ROWS, N), &norm.gain));
    assert_true(hni_view_broadcast(&shift.view, HN_SHAPE2(ROWS, N), &norm.shift));
    kernel_ok(bench, k->layer_norm(&bench->exec, &norm, &out.view));
    for (int64_t r = 0; r < ROWS; r++) {
        long double average = 0, variance = 0;
        for (int64_t i = 0; i < N; i++)
            average += (long double)kernel_tensor_get(&x, r * N + i) / N;
        for (int64_t i = 0; i < N; i++)
            variance += powl((long double)kernel_tensor_get(&x, r * N + i) - average, 2) / N;
        const long double scale = 1 / sqrtl(variance + 1e-3L);
        assert_close(kernel_tensor_get(&mean, r), (double)average, CLOSE(k), CLOSE(k));
        assert_close(kernel_tensor_get(&inverse, r), (double)scale, CLOSE(k), 0);
        for (int64_t i = 0; i < N; i++) {
            const long double z = ((long double)kernel_tensor_get(&x, r * N + i) - average) * scale;
            const long double y =
                z * (long double)kernel_tensor_get(&gain, i) + (long double)kernel_tensor_get(&shift, i);
            assert_close(kernel_tensor_get(&out, r * N + i), (double)y, CLOSE(k), CLOSE(k));
        }
    }
    kernel_tensor *all[] = {&x, &out, &gain, &shift, &mean, &inverse};
    for (size_t i = 0; i < 6; i++)
        kernel_tensor_destroy(all[i]);
}

/* A row of one number, or of equal numbers, has no spread: the output is the shift. */
static void test_layer_norm_without_spread(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor x = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 1), 5, -7),
                  out = kernel_tensor_create(k->dtype, HN_SHAPE2(2, 1));
    kernel_tensor one = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 1), 3, 4);
    kernel_tensor mean = kernel_tensor_create(k->dtype, HN_SHAPE1(2)),
                  inverse = kernel_tensor_create(k->dtype, HN_SHAPE1(2));
    const hni_norm norm = {.x = x.view,
                           .gain = one.view,
                           .shift = one.view,
                           .epsilon = 0.0625,
                           .mean = mean.storage,
                           .inverse = inverse.storage};
    kernel_ok(bench, k->layer_norm(&bench->exec, &norm, &out.view));
    kernel_tensor_holds(&out, 0, 3, 4);
    kernel_tensor_holds(&mean, 0, 5, -7);
    kernel_tensor_holds(&inverse, 1e-7, 4, 4);
    kernel_tensor *all[] = {&x, &out, &one, &mean, &inverse};
    for (size_t i = 0; i < 5; i++)
        kernel_tensor_destroy(all[i]);
}

typedef struct norm_loss {
    const hni_kernels *kernels;
    kernel_bench *bench;
    hni_norm norm;
    kernel_tensor out, cotangent;
} norm_loss;

/* Inner product of the output with the cotangent. */
static double evaluate_norm(norm_loss *loss)
{
    kernel_ok(loss->bench, loss->kernels->layer_norm(&loss->bench->exec, &loss->norm, &loss->out.view));
    double sum = 0;
    for (int64_t i = 0; i < loss->out.count; i++)
        sum += kernel_tensor_get(&loss->out, i) * kernel_tensor_get(&loss->cotangent, i);
    return sum;
}

/* Derivative of the loss by each number of `tensor`, beside what the VJP added to `start` in `gradient`. */
static void check_differences(norm_loss *loss, kernel_tensor *tensor, const kernel_tensor *gradient, double start)
{
    const double step = 1e-5;
    double largest = 0;
    for (int64_t i = 0; i < tensor->count; i++) {
        const double value = kernel_tensor_get(tensor, i);
        kernel_tensor_set(tensor, i, value + step);
        const double above = evaluate_norm(loss);
        kernel_tensor_set(tensor, i, value - step);
        const double below = evaluate_norm(loss);
        kernel_tensor_set(tensor, i, value);
        const double difference = (above - below) / (2 * step);
        largest = fmax(largest, fabs(difference));
        assert_close(kernel_tensor_get(gradient, i) - start, difference, 1e-6, 1e-8);
    }
    assert_true(largest > 1e-3); /* 0 = 0 would show nothing */
}

/* Double only: differences of float loss are too coarse. Gain [2,1,N] has a vector for each of two groups of rows. */
static void test_layer_norm_vjp_is_the_derivative(const hni_kernels *k, kernel_bench *bench)
{
    if (k->dtype != HN_DTYPE_F64) return;
    const hn_shape shape = HN_SHAPE3(2, ROWS, N);
    kernel_tensor x = spread(k->dtype, shape, 4), gain = spread(k->dtype, HN_SHAPE3(2, 1, N), 5),
                  shift = spread(k->dtype, HN_SHAPE1(N), 6);
    kernel_tensor mean = kernel_tensor_create(k->dtype, HN_SHAPE1(2 * ROWS)),
                  inverse = kernel_tensor_create(k->dtype, HN_SHAPE1(2 * ROWS));
    kernel_tensor dx = kernel_tensor_create(k->dtype, shape),
                  dgain = kernel_tensor_create(k->dtype, HN_SHAPE3(2, 1, N)),
                  dshift = kernel_tensor_create(k->dtype, HN_SHAPE1(N));
    norm_loss loss = {.kernels = k,
                      .bench = bench,
                      .out = kernel_tensor_create(k->dtype, shape),
                      .cotangent = spread(k->dtype, shape, 7)};
    loss.norm = (hni_norm){.x = x.view, .epsilon = 1e-3, .mean = mean.storage, .inverse = inverse.storage};
    hni_norm_vjp vjp = {
        .dy = loss.cotangent.view, .dx = dx.view, .want_dx = true, .want_dgain = true, .want_dshift = true};
    assert_true(hni_view_broadcast(&gain.view, shape, &loss.norm.gain));
    assert_true(hni_view_broadcast(&shift.view, shape, &loss.norm.shift));
    assert_true(hni_view_broadcast(&dgain.view, shape, &vjp.dgain));
    assert_true(hni_view_broadcast(&dshift.view, shape, &vjp.dshift));

    (void)evaluate_norm(&loss);
    vjp.forward = loss.norm;
    for (int64_t i = 0; i < dx.count; i++)
        kernel_tensor_set(&dx, i, 100); /* added to */
    kernel_ok(bench, k->layer_norm_vjp(&bench->exec, &vjp));
    kernel_tensor fresh = kernel_tensor_create(k->dtype, shape);
    vjp.dx = fresh.view;
    vjp.dx_fresh = true;
    vjp.want_dgain = vjp.want_dshift = false;
    for (int64_t i = 0; i < fresh.count; i++)
        kernel_tensor_set(&fresh, i, KERNEL_NAN); /* overwritten */
    kernel_ok(bench, k->layer_norm_vjp(&bench->exec, &vjp));

    check_differences(&loss, &x, &dx, 100);
    check_differences(&loss, &x, &fresh, 0);
    check_differences(&loss, &gain, &dgain, 0);
    check_differences(&loss, &shift, &dshift, 0);
    kernel_tensor *all[] = {&x,     &gain,   &shift, &mean,     &inverse,       &dx,
                            &dgain, &dshift, &fresh, &loss.out, &loss.cotangent};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_tensor_destroy(all[i]);
}

/* ---- softmax ---- */

static void softmax_with(const hni_kernels *k, kernel_bench *bench, double smoothing)
{
    enum { R = 4, V = 5 };
    static const int64_t padded[2] = {V + 2, 1};
    kernel_tensor logits = kernel_tensor_strided(k->dtype, HN_SHAPE2(R, V), padded, 0);
    for (int64_t i = 0; i < logits.count; i++)
        kernel_tensor_set(&logits, i,
                          ldexp((double)(i * 37 % 64) - 32, i / (V + 2) == 3 ? 5 : -3)); /* the last row to 1000 */
    kernel_tensor targets = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(R), 4, 0, 2, 1);
    kernel_tensor weights = KERNEL_TENSOR(k->dtype, HN_SHAPE1(R), 1, 0, 0.5, 2),
                  dloss = KERNEL_TENSOR(k->dtype, HN_SCALAR(), -2);
    kernel_tensor log_sum = kernel_tensor_create(k->dtype, HN_SHAPE1(R)),
                  loss = kernel_tensor_create(k->dtype, HN_SHAPE1(R));
    kernel_tensor gradient = kernel_tensor_create(k->dtype, HN_SHAPE2(R, V));
    const hni_softmax softmax = {&logits.view, &targets.view, smoothing};
    kernel_ok(bench, k->softmax_loss(&bench->exec, &softmax, &log_sum.view, &loss.view));
    for (int accumulate = 0; accumulate < 2; accumulate++) { /* NaN is overwritten, then the same is added again */
        for (int64_t i = 0; i < gradient.count && accumulate == 0; i++)
            kernel_tensor_set(&gradient, i, KERNEL_NAN);
        kernel_ok(bench, k->softmax_loss_vjp(&bench->exec, &softmax, &weights.view, &log_sum.view, &dloss.view, 0.25,
                                             &gradient.view, accumulate == 1));
    }
    for (int64_t r = 0; r < R; r++) {
        const int64_t target = (int64_t)kernel_tensor_get(&targets, r);
        long double sum = 0, aim = 0, goal[V];
        for (int64_t v = 0; v < V; v++) {
            const long double logit = (long double)kernel_tensor_get(&logits, r * (V + 2) + v);
            goal[v] = (v == target ? 1 - (long double)smoothing : 0) + (long double)smoothing / V;
            sum += expl(logit);
            aim += goal[v] * logit;
        }
        const double expected = (double)(logl(sum) - aim);
        assert_close(kernel_tensor_get(&log_sum, r), (double)logl(sum), CLOSE(k), 0);
        assert_close(kernel_tensor_get(&loss, r), expected, CLOSE(k), CLOSE(k));
        for (int64_t v = 0; v < V; v++) {
            const long double share = expl((long double)kernel_tensor_get(&logits, r * (V + 2) + v)) / sum;
            const double slope = (double)(share - goal[v]) * 2 * 0.25 * -2 * kernel_tensor_get(&weights, r);
            assert_close(kernel_tensor_get(&gradient, r * V + v), slope, CLOSE(k), 10 * CLOSE(k));
        }
    }
    kernel_tensor_set(&targets, 2, V);
    kernel_refused(bench, k->softmax_loss(&bench->exec, &softmax, &log_sum.view, &loss.view), HN_ERROR_ARGUMENT,
                   "softmax_loss: entry 2 of targets is 5, it must lie in [0,5)");
    kernel_tensor *all[] = {&logits, &targets, &weights, &dloss, &log_sum, &loss, &gradient};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_tensor_destroy(all[i]);
}

static void test_softmax_loss_and_gradient(const hni_kernels *k, kernel_bench *bench)
{
    softmax_with(k, bench, 0);
    softmax_with(k, bench, 0.1);
    softmax_with(k, bench, 0.75);
}

/* Logits of +-10000 do not overflow; one symbol alone has no loss; a NaN is seen. */
static void test_softmax_loss_at_the_ends(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor logits = KERNEL_TENSOR(k->dtype, HN_SHAPE2(3, 2), 10000, -10000, -10000, -10000, 0, KERNEL_NAN);
    kernel_tensor targets = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(3), 1, 0, 0);
    kernel_tensor log_sum = kernel_tensor_create(k->dtype, HN_SHAPE1(3)),
                  loss = kernel_tensor_create(k->dtype, HN_SHAPE1(3));
    const hni_softmax softmax = {&logits.view, &targets.view, 0};
    kernel_ok(bench, k->softmax_loss(&bench->exec, &softmax, &log_sum.view, &loss.view));
    kernel_tensor_holds(&loss, 1e-6, 20000, 0.69314718055994531, KERNEL_NAN);
    kernel_tensor single = KERNEL_TENSOR(k->dtype, HN_SHAPE2(3, 1), 3, -4, 1e6),
                  zeros = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(3), 0, 0, 0);
    const hni_softmax alone = {&single.view, &zeros.view, 0.5};
    kernel_ok(bench, k->softmax_loss(&bench->exec, &alone, &log_sum.view, &loss.view));
    kernel_tensor_holds(&loss, 0, 0, 0, 0);
    kernel_tensor_holds(&log_sum, 0, 3, -4, 1e6);
    kernel_tensor *all[] = {&logits, &targets, &log_sum, &loss, &single, &zeros};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kernel_tensor_destroy(all[i]);
}

/* ---- optimiser ---- */

static void test_gradient_norm_and_clip(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor g = KERNEL_TENSOR(k->dtype, HN_SHAPE1(2), 3, -4);
    const hni_step_block *step = &bench->step;
    kernel_ok(bench, k->gradient_norm(&bench->exec, 2, g.storage, 2, 0));
    assert_close(step->gradient_norm, 5, 0, 0);
    assert_close(step->clip_factor, 0.4, 1e-15, 0);
    assert_int_equal(step->finite, 1);
    kernel_ok(bench, k->gradient_norm(&bench->exec, 2, g.storage, 10, 0)); /* not above the limit */
    assert_close(step->clip_factor, 1, 0, 0);
    kernel_ok(bench, k->gradient_norm(&bench->exec, 2, g.storage, 0, 0)); /* no limit */
    assert_close(step->clip_factor, 1, 0, 0);
    assert_int_equal(step->clamped, 0);
    kernel_ok(bench, k->gradient_norm(&bench->exec, 2, g.storage, 2, 1.5)); /* (3, -4) counts as (1.5, -1.5) */
    assert_close(step->gradient_norm, 5, 0, 0);
    assert_close(step->clip_factor, 2 / (1.5 * sqrt(2)), 1e-15, 0);
    assert_close(step->clip_value, 1.5, 0, 0);
    assert_int_equal(step->clamped, 1);
    kernel_ok(bench, k->gradient_norm(&bench->exec, 2, g.storage, 0, 4)); /* not above the limit */
    assert_int_equal(step->clamped, 0);
    static const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (int i = 0; i < 3; i++) {
        int64_t found = -1;
        kernel_tensor_set(&g, 1, bad[i]);
        kernel_ok(bench, k->gradient_norm(&bench->exec, 2, g.storage, 1, 0));
        assert_int_equal(step->finite, 0);
        kernel_ok(bench, k->count_nonfinite(&bench->exec, 2, g.storage, &found));
        assert_int_equal(found, 1);
    }
    kernel_tensor_destroy(&g);
}

static void test_adam_two_steps_by_hand(const hni_kernels *k, kernel_bench *bench)
{
    const hni_adam adam = {.beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.5};
    kernel_tensor value = KERNEL_TENSOR(k->dtype, HN_SHAPE1(1), 1), gradient = KERNEL_TENSOR(k->dtype, HN_SHAPE1(1), 8);
    kernel_tensor mean = kernel_tensor_create(k->dtype, HN_SHAPE1(1)),
                  variance = kernel_tensor_create(k->dtype, HN_SHAPE1(1));
    bench->step.rate = 0.1;
    bench->step.clip_factor = 0.25; /* the gradient counts as 2 */
    bench->step.correction_mean = 0.5;
    bench->step.correction_variance = 0.25;
    kernel_ok(bench, k->adam(&bench->exec, &adam, 1, value.storage, gradient.storage, mean.storage, variance.storage));
    kernel_tensor_holds(&mean, 0, 1);
    kernel_tensor_holds(&variance, 0, 1);
    kernel_tensor_holds(&value, 1e-7, 1 - 0.1 * 2 / (2 + 0.5)); /* sqrt(1 / 0.25) = 2 */
    bench->step.correction_mean = 0.75;
    bench->step.correction_variance = 0.4375;
    kernel_ok(bench, k->adam(&bench->exec, &adam, 1, value.storage, gradient.storage, mean.storage, variance.storage));
    kernel_tensor_holds(&mean, 0, 1.5);
    kernel_tensor_holds(&variance, 0, 1.75);
    kernel_tensor_holds(&value, 1e-7, 0.92 - 0.1 * 2 / (2 + 0.5)); /* again 1.5 / 0.75 and sqrt(1.75 / 0.4375) */
    bench->step.finite = 0;
    kernel_ok(bench, k->adam(&bench->exec, &adam, 1, value.storage, gradient.storage, mean.storage, variance.storage));
    kernel_tensor_holds(&mean, 0, 1.5);
    kernel_tensor_holds(&value, 1e-7, 0.84);
    kernel_tensor *all[] = {&value, &gradient, &mean, &variance};
    for (size_t i = 0; i < 4; i++)
        kernel_tensor_destroy(all[i]);
}

/* The gradient 8 counts as 0.5 * 4 = 2, and with the decay of 0.25 of the value 1 as 2.25. */
static void clip_for_one_number(kernel_bench *bench)
{
    bench->step.rate = 0.5;
    bench->step.clip_factor = 0.5;
    bench->step.clip_value = 4;
}

typedef struct one_number {
    kernel_tensor value, gradient, first, second;
} one_number;

static one_number one_number_create(const hni_kernels *k, kernel_bench *bench)
{
    clip_for_one_number(bench);
    return (one_number){KERNEL_TENSOR(k->dtype, HN_SHAPE1(1), 1), KERNEL_TENSOR(k->dtype, HN_SHAPE1(1), 8),
                        kernel_tensor_create(k->dtype, HN_SHAPE1(1)), kernel_tensor_create(k->dtype, HN_SHAPE1(1))};
}

static void one_number_destroy(one_number *one)
{
    kernel_tensor *all[] = {&one->value, &one->gradient, &one->first, &one->second};
    for (size_t i = 0; i < 4; i++)
        kernel_tensor_destroy(all[i]);
}

static void test_adam_with_weight_decay(const hni_kernels *k, kernel_bench *bench)
{
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        const hni_adam adam = {
            .beta1 = 0, .beta2 = 0, .epsilon = 0.25, .weight_decay = 0.25, .decoupled = decoupled == 1};
        one_number one = one_number_create(k, bench);
        kernel_ok(bench, k->adam(&bench->exec, &adam, 1, one.value.storage, one.gradient.storage, one.first.storage,
                                 one.second.storage));
        kernel_tensor_holds(&one.first, 0, decoupled ? 2 : 2.25);
        kernel_tensor_holds(&one.value, 1e-7, decoupled ? 1 - 0.5 * 0.25 - 0.5 * 2 / 2.25 : 1 - 0.5 * 2.25 / 2.5);
        one_number_destroy(&one);
    }
}

static void test_sgd_by_hand(const hni_kernels *k, kernel_bench *bench)
{
    const hni_sgd plain = {0, 0.25, false}, heavy = {0.5, 0, false}, nesterov = {0.5, 0, true};
    one_number one = one_number_create(k, bench);
    kernel_ok(bench, k->sgd(&bench->exec, &plain, 1, one.value.storage, one.gradient.storage, NULL));
    kernel_tensor_holds(&one.value, 0, 1 - 0.5 * 2.25);
    kernel_ok(bench, k->sgd(&bench->exec, &heavy, 1, one.value.storage, one.gradient.storage, one.first.storage));
    kernel_tensor_holds(&one.first, 0, 2); /* the first one is the gradient */
    kernel_tensor_holds(&one.value, 0, -0.125 - 0.5 * 2);
    kernel_ok(bench, k->sgd(&bench->exec, &nesterov, 1, one.value.storage, one.gradient.storage, one.first.storage));
    kernel_tensor_holds(&one.first, 0, 3);
    kernel_tensor_holds(&one.value, 0, -1.125 - 0.5 * (2 + 0.5 * 3));
    bench->step.finite = 0;
    kernel_ok(bench, k->sgd(&bench->exec, &nesterov, 1, one.value.storage, one.gradient.storage, one.first.storage));
    kernel_tensor_holds(&one.first, 0, 3);
    kernel_tensor_holds(&one.value, 0, -2.875);
    one_number_destroy(&one);
}

static void test_rmsprop_by_hand(const hni_kernels *k, kernel_bench *bench)
{
    const hni_rmsprop plain = {.decay = 0.75, .epsilon = 1}, heavy = {.decay = 0.75, .epsilon = 1, .momentum = 0.5};
    const hni_rmsprop decayed = {.decay = 0, .epsilon = 0.25, .weight_decay = 0.25};
    one_number one = one_number_create(k, bench);
    void *value = one.value.storage, *gradient = one.gradient.storage;
    kernel_ok(bench, k->rmsprop(&bench->exec, &plain, 1, value, gradient, one.first.storage, NULL));
    kernel_tensor_holds(&one.first, 0, 1); /* a quarter of 2^2 */
    kernel_tensor_holds(&one.value, 0, 1 - 0.5 * 2 / (1 + 1));
    kernel_ok(bench, k->rmsprop(&bench->exec, &heavy, 1, value, gradient, one.first.storage, one.second.storage));
    kernel_ok(bench, k->rmsprop(&bench->exec, &heavy, 1, value, gradient, one.first.storage, one.second.storage));
    kernel_tensor_holds(&one.first, 0, 0.75 * 1.75 + 1);
    const double change = 2 / (sqrt(1.75) + 1), moment = 0.5 * change + 2 / (sqrt(2.3125) + 1);
    kernel_tensor_holds(&one.second, 1e-7, moment);
    kernel_tensor_holds(&one.value, 2e-7, 0.5 - 0.5 * (change + moment));
    kernel_tensor_set(&one.value, 0, 1);
    kernel_ok(bench, k->rmsprop(&bench->exec, &decayed, 1, value, gradient, one.first.storage, NULL));
    kernel_tensor_holds(&one.value, 1e-7, 1 - 0.5 * 2.25 / 2.5);
    bench->step.finite = 0;
    kernel_ok(bench, k->rmsprop(&bench->exec, &decayed, 1, value, gradient, one.first.storage, NULL));
    kernel_tensor_holds(&one.value, 1e-7, 1 - 0.5 * 2.25 / 2.5);
    one_number_destroy(&one);
}

static void test_average_and_swap(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor value = KERNEL_TENSOR(k->dtype, HN_SHAPE1(2), 8, -4),
                  average = KERNEL_TENSOR(k->dtype, HN_SHAPE1(2), 4, 4);
    kernel_ok(bench, k->average(&bench->exec, 0.75, 2, value.storage, average.storage));
    kernel_tensor_holds(&average, 0, 5, 2);
    bench->step.finite = 0;
    kernel_ok(bench, k->average(&bench->exec, 0.75, 2, value.storage, average.storage));
    kernel_tensor_holds(&average, 0, 5, 2);
    kernel_ok(bench, k->swap(&bench->exec, 2, value.storage, average.storage));
    kernel_tensor_holds(&value, 0, 5, 2);
    kernel_tensor_holds(&average, 0, 8, -4);
    kernel_tensor_destroy(&value);
    kernel_tensor_destroy(&average);
}

static const kernel_test tests[] = {
    {"layer norm is its definition", test_layer_norm_is_its_definition},
    {"layer norm without spread", test_layer_norm_without_spread},
    {"layer norm's VJP is the derivative", test_layer_norm_vjp_is_the_derivative},
    {"softmax loss and gradient", test_softmax_loss_and_gradient},
    {"softmax loss at the ends", test_softmax_loss_at_the_ends},
    {"gradient norm and clip", test_gradient_norm_and_clip},
    {"adam, two steps by hand", test_adam_two_steps_by_hand},
    {"adam with weight decay", test_adam_with_weight_decay},
    {"sgd by hand", test_sgd_by_hand},
    {"rmsprop by hand", test_rmsprop_by_hand},
    {"average and swap", test_average_and_swap},
};

int main(void) { return KERNEL_TESTS_RUN("generic norm, loss and optimiser", tests); }
