/* Weights that follow a text: the step against plain arithmetic, and the way back to the last bit. */
#include "optim/adapt.h"
#include "test_store.h"

enum { COUNT = 21 };

static const struct {
    hn_backend backend;
    hn_dtype dtype;
} kinds[] = {{HN_BACKEND_GENERIC, HN_DTYPE_F32}, {HN_BACKEND_GENERIC, HN_DTYPE_F64}, {HN_BACKEND_BEST, HN_DTYPE_F32}};
#define KINDS (sizeof kinds / sizeof kinds[0])

static hni_adapter *open_adapter(test_store *fixture, size_t kind)
{
    hni_adapter *adapter = NULL;
    test_store_open(fixture, 2);
    test_store_declare(fixture, "a", HN_SHAPE2(3, 7), hn_init_normal(1));
    test_store_seal(fixture, kinds[kind].backend, kinds[kind].dtype, 5);
    assert_int_equal(hni_adapter_create(fixture->store, &adapter), HN_OK);
    return adapter;
}

static void fill_gradient(test_store *fixture, int step, double *gradient)
{
    for (int i = 0; i < COUNT; i++)
        gradient[i] = (double)((i * 7 + step * 5) % 11 - 5) / 8;
    test_store_write_gradient(fixture, "a", gradient);
}

static void steps_are_those_of_the_formula(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        test_store fixture;
        hni_adapter *adapter = open_adapter(&fixture, kind);
        double *trained = test_store_read(&fixture, "a"), expected[COUNT], gradient[COUNT];
        memcpy(expected, trained, sizeof expected);
        for (int step = 0; step < 5; step++) {
            fill_gradient(&fixture, step, gradient);
            assert_int_equal(hni_adapter_step(adapter, 0.3, 0.25), HN_OK);
            for (int i = 0; i < COUNT; i++)
                expected[i] += 0.25 * (trained[i] - expected[i]) - 0.3 * gradient[i];
        }
        double *values = test_store_read(&fixture, "a");
        assert_all_close_double(values, expected, COUNT, 1e-6);
        free(values);
        assert_int_equal(hni_adapter_restore(adapter), HN_OK);
        values = test_store_read(&fixture, "a");
        assert_memory_equal(values, trained, COUNT * sizeof *values);
        free(values);
        free(trained);
        hni_adapter_destroy(adapter);
        test_store_close(&fixture);
    }
}

static void rate_0_changes_no_bit(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        test_store fixture;
        hni_adapter *adapter = open_adapter(&fixture, kind);
        double *trained = test_store_read(&fixture, "a"), gradient[COUNT];
        fill_gradient(&fixture, 1, gradient);
        for (int step = 0; step < 3; step++)
            assert_int_equal(hni_adapter_step(adapter, 0, 0.7), HN_OK);
        double *values = test_store_read(&fixture, "a");
        assert_memory_equal(values, trained, COUNT * sizeof *values);
        free(values);
        free(trained);
        hni_adapter_destroy(adapter);
        test_store_close(&fixture);
    }
}

static void decay_1_forgets_all_but_the_last_step(void **state)
{
    test_store fixture;
    hni_adapter *adapter = open_adapter(&fixture, 1);
    double *trained = test_store_read(&fixture, "a"), gradient[COUNT];
    (void)state;
    for (int step = 0; step < 4; step++) {
        fill_gradient(&fixture, step, gradient);
        assert_int_equal(hni_adapter_step(adapter, 0.5, 1), HN_OK);
    }
    double *values = test_store_read(&fixture, "a");
    for (int i = 0; i < COUNT; i++)
        assert_close(values[i], trained[i] - 0.5 * gradient[i], 1e-14, 1e-14);
    free(values);
    free(trained);
    hni_adapter_destroy(adapter);
    test_store_close(&fixture);
}

static void a_store_without_numbers_is_refused(void **state)
{
    test_store fixture;
    hni_adapter *adapter = NULL;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    assert_int_equal(hni_adapter_create(fixture.store, &adapter), HN_ERROR_STATE);
    assert_null(adapter);
    hn_context_clear(fixture.context);
    test_store_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_of_the_formula),
        cmocka_unit_test(rate_0_changes_no_bit),
        cmocka_unit_test(decay_1_forgets_all_but_the_last_step),
        cmocka_unit_test(a_store_without_numbers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
