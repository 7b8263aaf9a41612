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

/* ---- as PyTorch 2.15 has them: torch.optim.lr_scheduler in float64 ---- */

/* MultiStepLR(milestones=[3, 5, 9], gamma=0.2) */
static void steps_at_milestones(void **state)
{
    static const double wanted[] = {0.8,
                                    0.8,
                                    0.8,
                                    0.16000000000000003,
                                    0.16000000000000003,
                                    0.03200000000000001,
                                    0.03200000000000001,
                                    0.03200000000000001,
                                    0.03200000000000001,
                                    0.006400000000000002,
                                    0.006400000000000002};
    hn_schedule schedule = {
        .kind = HN_SCHEDULE_STEPS, .rate = 0.8, .steps = 11, .milestones = {3, 5, 9}, .milestone_count = 3};
    (void)state;
    schedule.milestone_factor = 0.2;
    for (int step = 0; step < 11; step++)
        assert_close(hn_schedule_rate(&schedule, step), wanted[step], 1e-15, 0);
    schedule.warmup_steps = 4; /* a milestone within it does not show */
    assert_close(hn_schedule_rate(&schedule, 3), 0.8, 1e-15, 0);
    assert_close(hn_schedule_rate(&schedule, 4), 0.16, 1e-15, 0);
}

/* The paper's rates of a hypernetwork on CIFAR-10, which no one factor gives. */
static void steps_with_rates(void **state)
{
    const hn_schedule schedule = {.kind = HN_SCHEDULE_STEPS,
                                  .rate = 0.002,
                                  .steps = 672000,
                                  .milestones = {168000, 336000, 504000},
                                  .milestone_count = 3,
                                  .milestone_factor = 0.1,
                                  .milestone_rates = {0.001, 0.0002, 0.00005},
                                  .milestone_rate_count = 3};
    (void)state;
    assert_close(hn_schedule_rate(&schedule, 167999), 0.002, 0, 0);
    assert_close(hn_schedule_rate(&schedule, 168000), 0.001, 0, 0);
    assert_close(hn_schedule_rate(&schedule, 503999), 0.0002, 0, 0);
    assert_close(hn_schedule_rate(&schedule, 504000), 0.00005, 0, 0);
}

/* OneCycleLR(max_lr=0.8, total_steps=14), with its defaults and with pct_start=0.25, div_factor=10, final_div_factor=50 */
static void one_cycle(void **state)
{
    static const double usual[] = {0.03200000000000003,  0.2026610305204728,
                                   0.5629504380281944,   0.7926215476748405,
                                   0.786917997543831,    0.7352355010157685,
                                   0.6493965231598104,   0.5381470691844361,
                                   0.41282217974613805,  0.28619102059172563,
                                   0.17115585133778843,  0.07943743351461248,
                                   0.020380819684927762, 3.2e-06};
    static const double other[] = {0.07999999999999996,
                                   0.32875388202501893,
                                   0.7312461179749811,
                                   0.7955412658290713,
                                   0.7604667720666457,
                                   0.6934343072344666,
                                   0.6004,
                                   0.48963035683536066,
                                   0.3709677466402994,
                                   0.2549558630729351,
                                   0.15190287109799358,
                                   0.07096548129305492,
                                   0.019335335930172597,
                                   0.0016};
    hn_schedule schedule = {.kind = HN_SCHEDULE_ONE_CYCLE, .rate = 0.8, .steps = 14};
    (void)state;
    schedule.one_cycle_warmup = 0.3;
    schedule.one_cycle_start_divisor = 25;
    schedule.one_cycle_final_divisor = 1e4;
    for (int step = 0; step < 14; step++)
        assert_close(hn_schedule_rate(&schedule, step), usual[step], 1e-13, 0);
    assert_close(hn_schedule_rate(&schedule, 100), 3.2e-6, 1e-13, 0);
    schedule.one_cycle_warmup = 0.25;
    schedule.one_cycle_start_divisor = 10;
    schedule.one_cycle_final_divisor = 50;
    for (int step = 0; step < 14; step++)
        assert_close(hn_schedule_rate(&schedule, step), other[step], 1e-13, 0);
    for (int64_t steps = 1; steps < 6; steps++) { /* no division by nothing in a short one */
        schedule.steps = steps;
        for (int64_t step = 0; step < 8; step++)
            assert_true(hn_schedule_rate(&schedule, step) > 0 && hn_schedule_rate(&schedule, step) <= 0.8);
    }
}

/* ReduceLROnPlateau(factor=0.5, patience=1, threshold=0.01, min_lr=0.15): the rate after each figure */
static void plateau(void **state)
{
    static const double figures[] = {5, 4, 3.99, 3.98, 3.95, 3.95, 4, 3.95, 3.94, 3.93, 3.92, 3, 3, 3, 3, 3};
    static const double wanted[] = {0.8,  0.8,  0.8,  0.4,  0.4,  0.4,  0.2,  0.2,
                                    0.15, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15};
    hn_schedule schedule = {.kind = HN_SCHEDULE_PLATEAU, .rate = 0.8, .steps = 100, .plateau_patience = 1};
    hn_plateau seen = {.has_best = false};
    (void)state;
    schedule.plateau_factor = 0.5;
    schedule.plateau_threshold = 0.01;
    schedule.plateau_minimum = 0.15;
    for (int i = 0; i < 16; i++) {
        const double before = hn_schedule_rate_after(&schedule, &seen, i);
        const bool falls = hn_schedule_validated(&schedule, &seen, figures[i]);
        assert_close(hn_schedule_rate_after(&schedule, &seen, i + 1), wanted[i], 1e-15, 0);
        if (wanted[i] < before) assert_true(falls);
    }
    schedule.warmup_steps = 200; /* the warm-up rises to the rate as it is by now */
    assert_close(hn_schedule_rate_after(&schedule, &seen, 99), 0.075, 1e-15, 0);
    schedule.kind = HN_SCHEDULE_CONSTANT;
    schedule.warmup_steps = 0;
    assert_close(hn_schedule_rate_after(&schedule, &seen, 99), 0.8, 0, 0);
    assert_false(hn_schedule_validated(&schedule, &seen, 1e9));
}

/* A rate that can fall no further does not fall, a minimum above the rate raises nothing, and NaN is no best. */
static void plateau_at_its_floor(void **state)
{
    hn_schedule schedule = {.kind = HN_SCHEDULE_PLATEAU, .rate = 0.8, .steps = 100, .plateau_factor = 0.5};
    hn_plateau seen = {.has_best = false};
    (void)state;
    schedule.plateau_minimum = 0.4;
    assert_true(hn_schedule_validated(&schedule, &seen, (double)NAN)); /* no better than before */
    assert_false(seen.has_best);
    seen = (hn_plateau){.has_best = false};
    assert_false(hn_schedule_validated(&schedule, &seen, 2));
    assert_true(hn_schedule_validated(&schedule, &seen, 2));
    assert_false(hn_schedule_validated(&schedule, &seen, 2));
    assert_close(hn_schedule_rate_after(&schedule, &seen, 3), 0.4, 1e-15, 0);
    schedule.plateau_minimum = 2;
    assert_false(hn_schedule_validated(&schedule, &seen, 2));
    assert_close(hn_schedule_rate_after(&schedule, &seen, 4), 0.8, 1e-15, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant),
        cmocka_unit_test(warm_up),
        cmocka_unit_test(linear),
        cmocka_unit_test(cosine),
        cmocka_unit_test(no_decay_left),
        cmocka_unit_test(decays_without_a_jump),
        cmocka_unit_test(steps_at_milestones),
        cmocka_unit_test(steps_with_rates),
        cmocka_unit_test(one_cycle),
        cmocka_unit_test(plateau),
        cmocka_unit_test(plateau_at_its_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
