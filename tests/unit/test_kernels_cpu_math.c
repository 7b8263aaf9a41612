/* exp (as the softmax uses it), sigmoid and tanh of the cpu table against long double, over a dense sweep of all exponents, and
 * at the places where such functions go wrong. Errors are in units of the last place of the float result. */
#include "kernel_cases.h"
#include "test_isa.h"

#include <float.h>
#include <math.h>

enum { SWEEP = 1 << 16, LEFT_OUT = 77 };

typedef struct bench_pair {
    kernel_bench bench;
    const hni_kernels *cpu;
} bench_pair;

static long double true_sigmoid(long double x) { return 1.0L / (1.0L + expl(-x)); }

/* Size of one unit in the last place at `value`, at least that of the smallest normal number. */
static long double last_place(long double value)
{
    const long double size = fabsl(value);
    return size < (long double)FLT_MIN ? ldexpl(1.0L, -149) : ldexpl(1.0L, ilogbl(size) - 23);
}

static void map_floats(const bench_pair *pair, hni_map map, float *x, float *y, int64_t n)
{
    static const double none[2] = {0, 0};
    const hni_view in = hni_view_of(x, HN_DTYPE_F32, HN_SHAPE1(n));
    hni_view out = hni_view_of(y, HN_DTYPE_F32, HN_SHAPE1(n));
    kernel_bench *bench = (kernel_bench *)&pair->bench;
    kernel_ok(bench, pair->cpu->map(&bench->exec, map, none, &in, &out, false));
}

typedef struct sweep {
    hni_map map;
    long double (*truth)(long double x);
    long double places; /* allowed error in units of the last place */
    long double floor;  /* absolute error that is always allowed: results too small for a normal float */
} sweep;

/* Every 2^16th float of both signs: 65536 numbers over all exponents. */
static void check_sweep(bench_pair *pair, const sweep *s)
{
    static float x[SWEEP], y[SWEEP];
    for (uint32_t i = 0; i < (uint32_t)SWEEP; i++) {
        const uint32_t bits = (i << 16) | ((uint32_t)(i * 2654435761u) >> 16);
        memcpy(&x[i], &bits, sizeof bits);
    }
    map_floats(pair, s->map, x, y, SWEEP);
    long double worst = 0;
    float worst_at = 0;
    for (int i = 0; i < SWEEP; i++) {
        if (isnan(x[i])) {
            assert_true(isnan(y[i]));
            continue;
        }
        const long double truth = s->truth((long double)x[i]), error = fabsl((long double)y[i] - truth);
        assert_true(!isnan(y[i]));
        if (error <= s->floor) continue;
        if (error / last_place(truth) > worst) {
            worst = error / last_place(truth);
            worst_at = x[i];
        }
    }
    print_message("%s: at most %.2Lf units of the last place, at %a\n", hni_map_name(s->map), worst, (double)worst_at);
    assert_true(worst <= s->places);
}

/* Numbers between -20 and 20, where the functions bend. */
static void check_middle(bench_pair *pair, const sweep *s)
{
    static float x[SWEEP], y[SWEEP];
    for (int i = 0; i < SWEEP; i++)
        x[i] = (float)(i - SWEEP / 2) * (40.0f / SWEEP);
    map_floats(pair, s->map, x, y, SWEEP);
    long double worst = 0, absolute = 0;
    for (int i = 0; i < SWEEP; i++) {
        const long double truth = s->truth((long double)x[i]), error = fabsl((long double)y[i] - truth);
        if (error / last_place(truth) > worst) worst = error / last_place(truth);
        if (error > absolute) absolute = error;
        if (i > 0) assert_true(y[i] >= y[i - 1] - 2e-7f);
    }
    print_message("%s in [-20,20): at most %.2Lf units of the last place, %.2Le absolute\n", hni_map_name(s->map),
                  worst, absolute);
    assert_true(worst <= s->places);
    assert_true(absolute <= 1.2e-7L);
}

static const sweep sigmoid_sweep = {HNI_MAP_SIGMOID, true_sigmoid, 2.5L, 2e-38L};
static const sweep tanh_sweep = {HNI_MAP_TANH, tanhl, 1.5L, 1e-45L};

static void test_sigmoid(void **state)
{
    check_sweep(*state, &sigmoid_sweep);
    check_middle(*state, &sigmoid_sweep);
}

static void test_tanh(void **state)
{
    check_sweep(*state, &tanh_sweep);
    check_middle(*state, &tanh_sweep);
}

/* dlogits = exp(logit - log_sum) for weight 1, apart from the target's column. */
static void test_exp(void **state)
{
    bench_pair *pair = *state;
    static float x[SWEEP + 1], y[SWEEP + 1];
    static const float one = 1, zero = 0;
    int32_t target = SWEEP;
    for (int i = 0; i <= SWEEP; i++)
        x[i] = -110.0f + (float)i * (199.0f / SWEEP);
    x[0] = NAN;
    x[1] = INFINITY;
    x[2] = -INFINITY;
    const hni_view logits = hni_view_of(x, HN_DTYPE_F32, HN_SHAPE2(1, SWEEP + 1));
    const hni_view targets = hni_view_of(&target, HN_DTYPE_I32, HN_SHAPE1(1));
    const hni_view weights = hni_view_of((void *)&one, HN_DTYPE_F32, HN_SHAPE1(1));
    const hni_view log_sum = hni_view_of((void *)&zero, HN_DTYPE_F32, HN_SHAPE1(1));
    const hni_view dloss = hni_view_of((void *)&one, HN_DTYPE_F32, HN_SCALAR());
    hni_view dlogits = hni_view_of(y, HN_DTYPE_F32, HN_SHAPE2(1, SWEEP + 1));
    const hni_softmax softmax = {&logits, &targets, 0};
    kernel_ok(&pair->bench,
              pair->cpu->softmax_loss_vjp(&pair->bench.exec, &softmax, &weights, &log_sum, &dloss, 1, &dlogits, false));
    assert_true(isnan(y[0]));
    assert_true(isinf(y[1]) && y[1] > 0);
    assert_true(y[2] == 0);
    long double worst = 0;
    for (int i = 3; i < SWEEP; i++) {
        const long double truth = expl((long double)x[i]);
        if (truth > (long double)FLT_MAX) {
            assert_true(isinf(y[i]));
            continue;
        }
        const long double error = fabsl((long double)y[i] - truth) / last_place(truth);
        if (error > worst) worst = error;
    }
    print_message("exp: at most %.2Lf units of the last place\n", worst);
    assert_true(worst <= 1);
}

static void test_limits(void **state)
{
    bench_pair *pair = *state;
    float x[] = {INFINITY, -INFINITY, NAN, -NAN, 0.0f, -0.0f, 1e-30f, -1e-30f, 1e-40f, 100.0f, -100.0f, 3e38f, -3e38f};
    enum { COUNT = sizeof x / sizeof x[0] };
    float y[COUNT];
    map_floats(pair, HNI_MAP_TANH, x, y, COUNT);
    const float tanh_of[COUNT] = {1, -1, NAN, NAN, 0, -0.0f, 1e-30f, -1e-30f, 1e-40f, 1, -1, 1, -1};
    for (int i = 0; i < COUNT; i++)
        assert_true(isnan(tanh_of[i]) ? isnan(y[i]) : y[i] == tanh_of[i] && !signbit(y[i]) == !signbit(tanh_of[i]));
    map_floats(pair, HNI_MAP_SIGMOID, x, y, COUNT);
    const float sigmoid_of[COUNT] = {1, 0, NAN, NAN, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 1, 0, 1, 0};
    for (int i = 0; i < COUNT; i++)
        assert_true(isnan(sigmoid_of[i]) ? isnan(y[i]) : fabsf(y[i] - sigmoid_of[i]) < 1e-38f);
}

int main(void)
{
    static bench_pair pair;
    pair.cpu = hni_kernels_cpu(HN_DTYPE_F32);
    if (pair.cpu == NULL) {
        print_message("this build has no cpu backend\n");
        return LEFT_OUT;
    }
    kernel_bench_begin(&pair.bench, 2);
    test_choose_isa(pair.bench.context);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_sigmoid, &pair), cmocka_unit_test_prestate(test_tanh, &pair),
        cmocka_unit_test_prestate(test_exp, &pair), cmocka_unit_test_prestate(test_limits, &pair)};
    const int failures = cmocka_run_group_tests_name("cpu exp, sigmoid, tanh", tests, NULL, NULL);
    kernel_bench_end(&pair.bench);
    return failures != 0;
}
