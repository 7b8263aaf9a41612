/* Adam, clipping, weight average and the optimiser's state, against straightforward code in long double. */
#include <float.h>
#include <math.h>

#include "hypernet/optim.h"
#include "params/store.h"
#include "test_store.h"

#define COUNT 20 /* "a" has 17 numbers, "b" 3 */
#define FIRST 17

typedef struct trainer {
    test_store base;
    hn_optimizer *optimizer;
} trainer;

static void trainer_open(trainer *fixture, hn_dtype dtype, const hn_optimizer_options *options)
{
    test_store_open(&fixture->base, 2);
    test_store_declare(&fixture->base, "a", HN_SHAPE1(FIRST), hn_init_normal(1));
    test_store_declare(&fixture->base, "b", HN_SHAPE2(3, 1), hn_init_uniform(2));
    test_store_seal(&fixture->base, HN_BACKEND_BEST, dtype, 3);
    assert_int_equal(hn_optimizer_create(fixture->base.store, options, &fixture->optimizer), HN_OK);
}

static void trainer_close(trainer *fixture)
{
    hn_optimizer_destroy(fixture->optimizer);
    test_store_close(&fixture->base);
}

static void read_values(const trainer *fixture, double values[COUNT])
{
    double *a = test_store_read(&fixture->base, "a"), *b = test_store_read(&fixture->base, "b");
    memcpy(values, a, FIRST * sizeof(double));
    memcpy(values + FIRST, b, (COUNT - FIRST) * sizeof(double));
    free(a);
    free(b);
}

static void write_gradients(trainer *fixture, const double gradients[COUNT])
{
    test_store_write_gradient(&fixture->base, "a", gradients);
    test_store_write_gradient(&fixture->base, "b", gradients + FIRST);
}

/* Gradient of sum_i (i + 1) / 10 * (x_i - i)^2 / 2. */
static long double slope(int index, long double x) { return (long double)(index + 1) / 10 * (x - index); }

typedef struct reference {
    long double value[COUNT], mean[COUNT], variance[COUNT], average[COUNT];
    long double norm, factor;
} reference;

static void reference_start(reference *expected, const double values[COUNT])
{
    memset(expected, 0, sizeof(*expected));
    for (int i = 0; i < COUNT; i++)
        expected->value[i] = expected->average[i] = (long double)values[i];
}

static void reference_step(reference *expected, const hn_optimizer_options *options, int update, long double rate)
{
    const long double beta1 = (long double)options->beta1, beta2 = (long double)options->beta2;
    const long double clip = (long double)options->clip_norm, decay = (long double)options->average_decay;
    long double squares = 0, gradient[COUNT];
    for (int i = 0; i < COUNT; i++) {
        gradient[i] = slope(i, expected->value[i]);
        squares += gradient[i] * gradient[i];
    }
    expected->norm = sqrtl(squares);
    expected->factor = clip > 0 && expected->norm > clip ? clip / expected->norm : 1;
    for (int i = 0; i < COUNT; i++) {
        const long double g = expected->factor * gradient[i];
        expected->mean[i] = beta1 * expected->mean[i] + (1 - beta1) * g;
        expected->variance[i] = beta2 * expected->variance[i] + (1 - beta2) * g * g;
        const long double mean = expected->mean[i] / (1 - powl(beta1, update));
        const long double variance = expected->variance[i] / (1 - powl(beta2, update));
        expected->value[i] -= rate * mean / (sqrtl(variance) + (long double)options->epsilon);
        expected->average[i] += (1 - decay) * (expected->value[i] - expected->average[i]);
    }
}

/* 20 updates with a rate that changes; every part of the state is compared. */
static void runs_like_the_reference(hn_dtype dtype, const hn_optimizer_options *options, bool clips, double tolerance)
{
    trainer fixture;
    reference expected;
    hn_step_report report;
    double values[COUNT], gradients[COUNT], state[COUNT];
    trainer_open(&fixture, dtype, options);
    read_values(&fixture, values);
    reference_start(&expected, values);
    for (int update = 1; update <= 20; update++) {
        const double rate = 0.1 / update;
        for (int i = 0; i < COUNT; i++)
            gradients[i] = (double)slope(i, (long double)values[i]);
        write_gradients(&fixture, gradients);
        assert_int_equal(hn_optimizer_step(fixture.optimizer, rate, &report), HN_OK);
        reference_step(&expected, options, update, (long double)rate);
        assert_int_equal(hn_optimizer_steps(fixture.optimizer), update);
        assert_null(report.bad_parameter);
        assert_close(report.gradient_norm, (double)expected.norm, tolerance, 0);
        assert_close(report.clip_factor, (double)expected.factor, tolerance, 0);
        assert_true((report.clip_factor < 1) == clips);
        read_values(&fixture, values);
        for (int i = 0; i < COUNT; i++)
            assert_close(values[i], (double)expected.value[i], tolerance, tolerance);
    }
    const long double *parts[3] = {expected.mean, expected.variance, expected.average};
    for (int block = 0; hn_optimizer_block_name(fixture.optimizer, block) != NULL; block++) {
        assert_int_equal(hn_optimizer_block_read(fixture.optimizer, block, 0, HN_DTYPE_F64, state), HN_OK);
        assert_int_equal(hn_optimizer_block_read(fixture.optimizer, block, 1, HN_DTYPE_F64, state + FIRST), HN_OK);
        for (int i = 0; i < COUNT; i++)
            assert_close(state[i], (double)parts[block][i], tolerance, tolerance);
    }
    trainer_close(&fixture);
}

static void adam(void **state)
{
    hn_optimizer_options options;
    (void)state;
    hn_optimizer_options_default(&options);
    runs_like_the_reference(HN_DTYPE_F64, &options, false, 1e-13);
    runs_like_the_reference(HN_DTYPE_F32, &options, false, 5e-6);
    options.epsilon = 0.1;
    options.beta1 = 0;
    options.beta2 = 0.5;
    runs_like_the_reference(HN_DTYPE_F64, &options, false, 1e-13);
}

static void clipping_and_average(void **state)
{
    hn_optimizer_options options;
    (void)state;
    hn_optimizer_options_default(&options);
    options.average_decay = 0.9;
    options.clip_norm = 1;
    runs_like_the_reference(HN_DTYPE_F64, &options, true, 1e-13);
    runs_like_the_reference(HN_DTYPE_F32, &options, true, 5e-6);
    options.clip_norm = 1000;
    runs_like_the_reference(HN_DTYPE_F64, &options, false, 1e-13);
}

static void a_zero_gradient_moves_nothing(void **state)
{
    const double zeros[COUNT] = {0};
    hn_optimizer_options options;
    hn_step_report report;
    double before[COUNT], after[COUNT];
    trainer fixture;
    (void)state;
    hn_optimizer_options_default(&options);
    options.clip_norm = 1;
    trainer_open(&fixture, HN_DTYPE_F64, &options);
    read_values(&fixture, before);
    write_gradients(&fixture, zeros);
    assert_int_equal(hn_optimizer_step(fixture.optimizer, 0.1, &report), HN_OK);
    assert_close(report.gradient_norm, 0, 0, 0);
    assert_close(report.clip_factor, 1, 0, 0);
    read_values(&fixture, after);
    assert_memory_equal(before, after, sizeof(before));
    trainer_close(&fixture);
}

/* Everything a checkpoint would hold. */
typedef struct snapshot {
    double values[COUNT], blocks[3][COUNT];
    int64_t steps;
} snapshot;

static void take(const trainer *fixture, snapshot *out)
{
    memset(out, 0, sizeof(*out));
    read_values(fixture, out->values);
    for (int block = 0; hn_optimizer_block_name(fixture->optimizer, block) != NULL; block++) {
        assert_int_equal(hn_optimizer_block_read(fixture->optimizer, block, 0, HN_DTYPE_F64, out->blocks[block]),
                         HN_OK);
        assert_int_equal(
            hn_optimizer_block_read(fixture->optimizer, block, 1, HN_DTYPE_F64, out->blocks[block] + FIRST), HN_OK);
    }
    out->steps = hn_optimizer_steps(fixture->optimizer);
}

static void steps(trainer *fixture, int count)
{
    double values[COUNT], gradients[COUNT];
    for (int k = 0; k < count; k++) {
        read_values(fixture, values);
        for (int i = 0; i < COUNT; i++)
            gradients[i] = (double)slope(i, (long double)values[i]);
        write_gradients(fixture, gradients);
        assert_int_equal(hn_optimizer_step(fixture->optimizer, 0.1, NULL), HN_OK);
    }
}

static void a_bad_gradient_changes_nothing(hn_dtype dtype, double bad, int place, const char *name)
{
    hn_optimizer_options options;
    hn_step_report report;
    double gradients[COUNT];
    snapshot before, after;
    trainer fixture;
    hn_optimizer_options_default(&options);
    options.clip_norm = 1;
    options.average_decay = 0.9;
    trainer_open(&fixture, dtype, &options);
    steps(&fixture, 3);
    take(&fixture, &before);
    for (int i = 0; i < COUNT; i++)
        gradients[i] = i >= place ? bad : 1;
    write_gradients(&fixture, gradients);
    assert_int_equal(hn_optimizer_step(fixture.optimizer, 0.1, &report), HN_ERROR_NONFINITE);
    assert_string_equal(report.bad_parameter, name);
    assert_true(!(fabs(report.gradient_norm) <= DBL_MAX));
    test_assert_error(fixture.base.context, HN_ERROR_NONFINITE, name, "update 4", "nothing was changed", NULL);
    take(&fixture, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    /* And the next good gradient goes through. */
    steps(&fixture, 1);
    assert_int_equal(hn_optimizer_steps(fixture.optimizer), 4);
    trainer_close(&fixture);
}

static void bad_gradients(void **state)
{
    (void)state;
    a_bad_gradient_changes_nothing(HN_DTYPE_F64, (double)NAN, 5, "a");
    a_bad_gradient_changes_nothing(HN_DTYPE_F64, (double)NAN, COUNT - 1, "b");
    a_bad_gradient_changes_nothing(HN_DTYPE_F32, -(double)INFINITY, COUNT - 1, "b");
    a_bad_gradient_changes_nothing(HN_DTYPE_F32, (double)NAN, 0, "a");
}

/* Finite numbers whose squares are not. */
static void a_norm_that_overflows(void **state)
{
    hn_step_report report;
    double gradients[COUNT], before[COUNT], after[COUNT];
    trainer fixture;
    (void)state;
    trainer_open(&fixture, HN_DTYPE_F64, NULL);
    read_values(&fixture, before);
    for (int i = 0; i < COUNT; i++)
        gradients[i] = 1e200;
    write_gradients(&fixture, gradients);
    assert_int_equal(hn_optimizer_step(fixture.optimizer, 0.1, &report), HN_ERROR_NONFINITE);
    assert_null(report.bad_parameter);
    test_assert_error(fixture.base.context, HN_ERROR_NONFINITE, "norm is too large", NULL);
    read_values(&fixture, after);
    assert_memory_equal(before, after, sizeof(before));
    trainer_close(&fixture);
}

static void swapping_the_average(void **state)
{
    hn_optimizer_options options;
    snapshot before, between, after;
    trainer fixture;
    (void)state;
    hn_optimizer_options_default(&options);
    options.average_decay = 0.5;
    trainer_open(&fixture, HN_DTYPE_F32, &options);
    steps(&fixture, 5);
    take(&fixture, &before);
    assert_int_equal(hn_optimizer_swap_average(fixture.optimizer), HN_OK);
    take(&fixture, &between);
    assert_memory_equal(between.values, before.blocks[2], sizeof(before.values));
    assert_memory_equal(between.blocks[2], before.values, sizeof(before.values));
    assert_true(fabs(between.values[1] - before.values[1]) > 0);
    assert_int_equal(hn_optimizer_step(fixture.optimizer, 0.1, NULL), HN_ERROR_STATE);
    test_assert_error(fixture.base.context, HN_ERROR_STATE, "hn_optimizer_swap_average", NULL);
    assert_int_equal(hn_optimizer_swap_average(fixture.optimizer), HN_OK);
    take(&fixture, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    steps(&fixture, 1);
    trainer_close(&fixture);
}

static void without_an_average(void **state)
{
    snapshot before, after;
    trainer fixture;
    (void)state;
    trainer_open(&fixture, HN_DTYPE_F32, NULL);
    assert_string_equal(hn_optimizer_block_name(fixture.optimizer, 0), "adam.mean");
    assert_string_equal(hn_optimizer_block_name(fixture.optimizer, 1), "adam.variance");
    assert_null(hn_optimizer_block_name(fixture.optimizer, 2));
    assert_null(hn_optimizer_block_name(fixture.optimizer, -1));
    take(&fixture, &before);
    assert_int_equal(hn_optimizer_swap_average(fixture.optimizer), HN_OK);
    take(&fixture, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    trainer_close(&fixture);
}

/* Moves one optimiser's whole state into another and goes on with both: the same to the bit. */
static void state_can_be_carried_over(hn_dtype dtype)
{
    hn_optimizer_options options;
    trainer first, second;
    snapshot state, end_first, end_second;
    hn_optimizer_options_default(&options);
    options.average_decay = 0.9;
    trainer_open(&first, dtype, &options);
    trainer_open(&second, dtype, &options);
    assert_string_equal(hn_optimizer_block_name(first.optimizer, 2), "average");
    steps(&first, 7);
    take(&first, &state);
    test_store_write(&second.base, "a", state.values);
    test_store_write(&second.base, "b", state.values + FIRST);
    for (int block = 0; block < 3; block++) {
        assert_int_equal(hn_optimizer_block_write(second.optimizer, block, 0, HN_DTYPE_F64, state.blocks[block]),
                         HN_OK);
        assert_int_equal(
            hn_optimizer_block_write(second.optimizer, block, 1, HN_DTYPE_F64, state.blocks[block] + FIRST), HN_OK);
    }
    hn_optimizer_set_steps(second.optimizer, state.steps);
    steps(&first, 6);
    steps(&second, 6);
    take(&first, &end_first);
    take(&second, &end_second);
    assert_memory_equal(&end_first, &end_second, sizeof(end_first));
    trainer_close(&first);
    trainer_close(&second);
}

static void carried_state(void **state)
{
    (void)state;
    state_can_be_carried_over(HN_DTYPE_F32);
    state_can_be_carried_over(HN_DTYPE_F64);
}

static void the_average_starts_at_the_values(void **state)
{
    hn_optimizer_options options;
    snapshot start;
    trainer fixture;
    (void)state;
    hn_optimizer_options_default(&options);
    options.average_decay = 0.9;
    trainer_open(&fixture, HN_DTYPE_F32, &options);
    take(&fixture, &start);
    assert_memory_equal(start.values, start.blocks[2], sizeof(start.values));
    trainer_close(&fixture);
}

/* ---- refusals ------------------------------------------------------------------------------------------------- */

static void refuses_a_store_without_numbers(void **state)
{
    hn_optimizer *optimizer;
    test_store base;
    (void)state;
    test_store_open(&base, 1);
    test_store_declare(&base, "a", HN_SHAPE1(2), hn_init_zeros());
    assert_int_equal(hn_optimizer_create(base.store, NULL, &optimizer), HN_ERROR_STATE);
    test_assert_error(base.context, HN_ERROR_STATE, "hn_optimizer_create", "still open", NULL);
    test_store_seal(&base, HN_BACKEND_DRY, HN_DTYPE_F32, 1);
    assert_int_equal(hn_optimizer_create(base.store, NULL, &optimizer), HN_ERROR_STATE);
    test_assert_error(base.context, HN_ERROR_STATE, "hn_optimizer_create", "dry", NULL);
    test_store_close(&base);
}

static void refuses_bad_calls(void **state)
{
    double numbers[COUNT] = {0};
    trainer fixture;
    (void)state;
    trainer_open(&fixture, HN_DTYPE_F32, NULL);
    assert_int_equal(hn_optimizer_step(fixture.optimizer, -0.1, NULL), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "rate", "-0.1", NULL);
    assert_int_equal(hn_optimizer_step(fixture.optimizer, (double)NAN, NULL), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "rate", "nan", NULL);
    assert_int_equal(hn_optimizer_steps(fixture.optimizer), 0);
    assert_int_equal(hn_optimizer_block_read(fixture.optimizer, 2, 0, HN_DTYPE_F64, numbers), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "no state block 2", NULL);
    assert_int_equal(hn_optimizer_block_write(fixture.optimizer, 0, 2, HN_DTYPE_F64, numbers), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "no parameter 2", NULL);
    assert_int_equal(hn_optimizer_block_write(fixture.optimizer, 0, 0, HN_DTYPE_U8, numbers), HN_ERROR_TYPE);
    test_assert_error(fixture.base.context, HN_ERROR_TYPE, "U8", NULL);
    hn_optimizer_set_steps(fixture.optimizer, -3);
    assert_int_equal(hn_optimizer_steps(fixture.optimizer), 0);
    trainer_close(&fixture);
}

/* More steps than any first chunk of scratch would hold. */
static void steps_take_no_memory(void **state)
{
    trainer fixture;
    double gradients[COUNT] = {0.5};
    uint64_t before = 0;
    (void)state;
    trainer_open(&fixture, HN_DTYPE_F32, NULL);
    write_gradients(&fixture, gradients);
    for (int step = 0; step < 20000; step++) {
        assert_int_equal(hn_optimizer_step(fixture.optimizer, 1e-6, NULL), HN_OK);
        if (step == 0) before = hn_context_allocations(fixture.base.context);
    }
    assert_int_equal(hn_context_allocations(fixture.base.context), before);
    trainer_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam),
        cmocka_unit_test(clipping_and_average),
        cmocka_unit_test(a_zero_gradient_moves_nothing),
        cmocka_unit_test(bad_gradients),
        cmocka_unit_test(a_norm_that_overflows),
        cmocka_unit_test(swapping_the_average),
        cmocka_unit_test(without_an_average),
        cmocka_unit_test(carried_state),
        cmocka_unit_test(the_average_starts_at_the_values),
        cmocka_unit_test(refuses_a_store_without_numbers),
        cmocka_unit_test(refuses_bad_calls),
        cmocka_unit_test(steps_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
