/* See test_results.h. */
#include "test_results.h"

#include <math.h>

void test_results_keep(test_results *results, const char *name, double *data, int64_t size)
{
    assert_true(results->count < TEST_MOST_RESULTS);
    (void)snprintf(results->name[results->count], sizeof results->name[0], "%s", name);
    results->data[results->count] = data;
    results->size[results->count++] = size;
}

void test_results_drop(test_results *results)
{
    for (int i = 0; i < results->count; i++)
        test_free(results->data[i]);
}

void test_results_compare(const char *what, const test_results *ours, const test_results *expected, double share)
{
    assert_int_equal(ours->count, expected->count);
    for (int i = 0; i < ours->count; i++) {
        double largest = 0;
        assert_int_equal(ours->size[i], expected->size[i]);
        for (int64_t k = 0; k < ours->size[i]; k++)
            largest = fmax(largest, fabs(expected->data[i][k]));
        for (int64_t k = 0; k < ours->size[i]; k++) {
            if (fabs(ours->data[i][k] - expected->data[i][k]) <= share * largest) continue; /* NaN fails */
            fail_msg("%s: %s[%d] is %.17g, expected %.17g (largest %g)", what, ours->name[i], (int)k, ours->data[i][k],
                     expected->data[i][k], largest);
        }
    }
}

double test_number(int64_t i, int64_t salt)
{
    return (double)((i * 7919 + salt * 104729 + i * i % 31 * 613) % 1009) / 1009 - 0.5;
}

hn_tensor test_numbers(hn_graph *graph, hn_shape shape, int64_t salt, bool differentiable)
{
    const int64_t count = hn_shape_elements(shape);
    double *values = test_malloc((size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++)
        values[i] = test_number(i, salt);
    const hn_tensor tensor = hn_tensor_from(graph, HN_DTYPE_F64, shape, values, differentiable);
    test_free(values);
    return tensor;
}
