/* Learning-rate schedules: the exact rates at the ends, in the middle and past them. */
#include <math.h>

#include "hypernet/optim.h"
#include "test_support.h"

static double rate(hn_schedule_kind kind, int64_t warmup, int64_t steps, int64_t step)
{
    const hn_schedule schedule = {.kind = kind, .rate = 0.8, .final_rate = 0.2, .warmup_steps = warmup, .steps = steps};
    return hn_schedule_rate(&schedule, step);
}

static void constant(void **state)
{
    (void)state;
    assert_close(rate(HN_SCHEDULE_CONSTANT, 0, 10, 0), 0.8, 0, 0);
    assert_close(rate(HN_SCHEDULE_CONSTANT, 0, 10, 9), 0.8, 0, 0);
    assert_close(rate(HN_SCHEDULE_CONSTANT, 0, 10, 1000), 0.8, 0, 0);
    assert_close(rate(HN_SCHEDULE_CONSTANT, 0, 0, 3), 0.8, 0, 0);
}

static void warm_up(void **state)
{
    const hn_schedule_kind kinds[] = {HN_SCHEDULE_CONSTANT, HN_SCHEDULE_LINEAR, HN_SCHEDULE_COSINE};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_close(rate(kinds[i], 4, 104, -5), 0.2, 1e-15, 0);
        assert_close(rate(kinds[i], 4, 104, 0), 0.2, 1e-15, 0);
        assert_close(rate(kinds[i], 4, 104, 1), 0.4, 1e-15, 0);
        assert_close(rate(kinds[i], 4, 104, 3), 0.8, 1e-15, 0);
        assert_close(rate(kinds[i], 4, 104, 4), 0.8, 1e-15, 0);
        assert_true(rate(kinds[i], 4, 104, 5) <= 0.8);
    }
}

static void linear(void **state)
{
    (void)state;
    assert_close(rate(HN_SCHEDULE_LINEAR, 0, 100, 0), 0.8, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_LINEAR, 0, 100, 50), 0.5, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_LINEAR, 0, 100, 99), 0.206, 1e-14, 0);
    assert_close(rate(HN_SCHEDULE_LINEAR, 0, 100, 100), 0.2, 0, 0);
    assert_close(rate(HN_SCHEDULE_LINEAR, 0, 100, 5000), 0.2, 0, 0);
    assert_close(rate(HN_SCHEDULE_LINEAR, 20, 120, 70), 0.5, 1e-15, 0);
}

static void cosine(void **state)
{
    (void)state;
    assert_close(rate(HN_SCHEDULE_COSINE, 0, 100, 0), 0.8, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 0, 100, 25), 0.2 + 0.6 * (1 + sqrt(0.5)) / 2, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 0, 100, 50), 0.5, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 20, 120, 70), 0.5, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 0, 100, 100), 0.2, 0, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 0, 100, 101), 0.2, 0, 0);
}

/* A run no longer than its warm-up divides by nothing. */
static void no_decay_left(void **state)
{
    (void)state;
    assert_close(rate(HN_SCHEDULE_LINEAR, 10, 10, 9), 0.8, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_LINEAR, 10, 10, 10), 0.2, 0, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 10, 5, 7), 0.64, 1e-15, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 10, 5, 10), 0.2, 0, 0);
    assert_close(rate(HN_SCHEDULE_COSINE, 0, 0, 0), 0.2, 0, 0);
}

static void decays_without_a_jump(void **state)
{
    (void)state;
    for (int64_t step = 10; step < 110; step++) {
        const double fall = rate(HN_SCHEDULE_COSINE, 10, 110, step) - rate(HN_SCHEDULE_COSINE, 10, 110, step + 1);
        assert_true(fall > 0 && fall < 0.01);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant), cmocka_unit_test(warm_up),       cmocka_unit_test(linear),
        cmocka_unit_test(cosine),   cmocka_unit_test(no_decay_left), cmocka_unit_test(decays_without_a_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
