/* Element-wise functions and sums of the generic tables, and their copies: known values, the definition in long double, and the
 * edges (one element, repeated outputs, huge inputs, NaN). */
#include "kernel_tensor.h"

#define TINY(k) ((k)->dtype == HN_DTYPE_F64 ? 1e-15 : 3e-7)

static void run(const hni_kernels *k, kernel_bench *bench, hni_map map, const double *parameters,
                const kernel_tensor *inputs, kernel_tensor *out, bool accumulate)
{
    hni_view views[3];
    for (int i = 0; i < hni_map_inputs(map); i++)
        views[i] = inputs[i].view;
    kernel_ok(bench, k->map(&bench->exec, map, parameters, views, &out->view, accumulate));
}

/* The definition of each function, as in table.h. */
static long double define(hni_map map, const double *parameters, long double a, long double b, long double c)
{
    switch (map) {
    case HNI_MAP_COPY: return a;
    case HNI_MAP_SCALE: return (long double)parameters[0] * a + (long double)parameters[1];
    case HNI_MAP_ADD: return a + b;
    case HNI_MAP_SUB: return a - b;
    case HNI_MAP_MUL: return a * b;
    case HNI_MAP_DIV: return a / b;
    case HNI_MAP_MUL_ADD: return a * b + c;
    case HNI_MAP_SIGMOID: return 1 / (1 + expl(-a));
    case HNI_MAP_TANH: return tanhl(a);
    case HNI_MAP_RELU: return a > 0 ? a : 0;
    case HNI_MAP_SIGMOID_VJP: return a * b * (1 - b);
    case HNI_MAP_TANH_VJP: return a * (1 - b * b);
    case HNI_MAP_RELU_VJP: return b > 0 ? a : 0;
    case HNI_MAP_DIV_VJP: return -a * b / c;
    default: fail(); return 0;
    }
}

static void test_every_map_is_its_definition(const hni_kernels *k, kernel_bench *bench)
{
    static const double parameters[2] = {-1.5, 0.25}; /* exact in float, as all numbers here */
    enum { COUNT = 600 };                             /* longer than one piece of a line */
    for (int m = 0; m < HNI_MAP_COUNT; m++) {
        const hni_map map = (hni_map)m;
        kernel_tensor in[3], out = kernel_tensor_create(k->dtype, HN_SHAPE1(COUNT));
        for (int i = 0; i < 3; i++) {
            in[i] = kernel_tensor_create(k->dtype, HN_SHAPE1(COUNT));
            for (int64_t e = 0; e < COUNT; e++) /* different in each input, both signs, never 0 */
                kernel_tensor_set(&in[i], e, ldexp((double)((e * (7 + 4 * i) + 13) % 127) - 63.5, -4));
        }
        run(k, bench, map, parameters, in, &out, false);
        for (int64_t e = 0; e < COUNT; e++) {
            long double x[3];
            for (int i = 0; i < 3; i++)
                x[i] = (long double)kernel_tensor_get(&in[i], e);
            const double expected = (double)define(map, parameters, x[0], x[1], x[2]);
            assert_close(kernel_tensor_get(&out, e), expected, TINY(k), 100 * TINY(k));
        }
        for (int i = 0; i < 3; i++)
            kernel_tensor_destroy(&in[i]);
        kernel_tensor_destroy(&out);
    }
}

static void test_known_values(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor in[3] = {KERNEL_TENSOR(k->dtype, HN_SHAPE1(3), 1, -2, 8),
                           KERNEL_TENSOR(k->dtype, HN_SHAPE1(3), 4, 0.5, 2),
                           KERNEL_TENSOR(k->dtype, HN_SHAPE1(3), 10, 20, -4)};
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE1(3));
    run(k, bench, HNI_MAP_MUL_ADD, NULL, in, &out, false);
    kernel_tensor_holds(&out, 0, 14, 19, 12);
    run(k, bench, HNI_MAP_SCALE, (const double[2]){2, 1}, in, &out, true);
    kernel_tensor_holds(&out, 0, 17, 16, 29);
    run(k, bench, HNI_MAP_DIV_VJP, NULL, in, &out, false);
    kernel_tensor_holds(&out, TINY(k), -0.4, 0.05, 4);
    run(k, bench, HNI_MAP_RELU_VJP, NULL, in, &out, false);
    kernel_tensor_holds(&out, 0, 1, -2, 8);
    for (int i = 0; i < 3; i++)
        kernel_tensor_destroy(&in[i]);
    kernel_tensor_destroy(&out);
}

static void test_sigmoid_and_tanh_at_the_ends(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor x =
        KERNEL_TENSOR(k->dtype, HN_SHAPE1(8), 1000, -1000, 50, -50, 0, KERNEL_INFINITY, -KERNEL_INFINITY, KERNEL_NAN);
    kernel_tensor y = kernel_tensor_create(k->dtype, HN_SHAPE1(8));
    run(k, bench, HNI_MAP_SIGMOID, NULL, &x, &y, false);
    kernel_tensor_holds(&y, TINY(k), 1, 0, 1, 1.9287498479639178e-22, 0.5, 1, 0, KERNEL_NAN);
    /* Where e^-x overflows but e^x is still a number, if only a denormal one. */
    const bool is_double = k->dtype == HN_DTYPE_F64;
    kernel_tensor deep = KERNEL_TENSOR(k->dtype, HN_SHAPE1(1), is_double ? -720 : -100);
    run(k, bench, HNI_MAP_SIGMOID, NULL, &deep, &deep, false);
    kernel_tensor_holds(&deep, 0.05, is_double ? 2.0322308197825165e-313 : 3.7200759760208356e-44);
    kernel_tensor_destroy(&deep);
    run(k, bench, HNI_MAP_TANH, NULL, &x, &y, false);
    kernel_tensor_holds(&y, 0, 1, -1, 1, -1, 0, 1, -1, KERNEL_NAN);
    run(k, bench, HNI_MAP_RELU, NULL, &x, &y, false);
    kernel_tensor_holds(&y, 0, 1000, 0, 50, 0, 0, KERNEL_INFINITY, 0, KERNEL_NAN);
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&y);
}

/* x [2,3] + row [3] + column [2,1], and the sums that are their gradients. */
static void test_broadcast_and_sums(const hni_kernels *k, kernel_bench *bench)
{
    static const int64_t of_row[2] = {0, 1}, of_column[2] = {1, 0}, of_scalar[2] = {0, 0};
    kernel_tensor in[2] = {KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 3), 1, 2, 3, 4, 5, 6),
                           kernel_tensor_strided(k->dtype, HN_SHAPE2(2, 3), of_row, 0)};
    kernel_tensor column = kernel_tensor_strided(k->dtype, HN_SHAPE2(2, 3), of_column, 0);
    kernel_tensor scalar = kernel_tensor_strided(k->dtype, HN_SHAPE2(2, 3), of_scalar, 0);
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE2(2, 3));
    kernel_tensor_set(&in[1], 0, 10);
    kernel_tensor_set(&in[1], 2, 30);
    run(k, bench, HNI_MAP_ADD, NULL, in, &out, false);
    kernel_tensor_holds(&out, 0, 11, 2, 33, 14, 5, 36);

    run(k, bench, HNI_MAP_COPY, NULL, in, &in[1], true); /* sums over rows */
    kernel_tensor_holds(&in[1], 0, 15, 7, 39);
    run(k, bench, HNI_MAP_COPY, NULL, in, &column, true); /* over columns */
    kernel_tensor_holds(&column, 0, 6, 15);
    kernel_tensor_set(&scalar, 0, 100);
    run(k, bench, HNI_MAP_SCALE, (const double[2]){2, 1}, in, &scalar, true); /* over all */
    kernel_tensor_holds(&scalar, 0, 148);
    kernel_tensor *all[] = {&in[0], &in[1], &column, &scalar, &out};
    for (size_t i = 0; i < 5; i++)
        kernel_tensor_destroy(all[i]);
}

/* 2^24 + 1 + 1 + 1 + 1: a sum in float would stay at 2^24. */
static void test_sums_run_in_double(const hni_kernels *k, kernel_bench *bench)
{
    static const int64_t repeated[1] = {0};
    kernel_tensor x = KERNEL_TENSOR(k->dtype, HN_SHAPE1(5), 16777216, 1, 1, 1, 1);
    kernel_tensor sum = kernel_tensor_strided(k->dtype, HN_SHAPE1(5), repeated, 0);
    run(k, bench, HNI_MAP_COPY, NULL, &x, &sum, true);
    kernel_tensor_holds(&sum, 0, 16777220);
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&sum);
}

static void test_scalars_and_one_element_views(const hni_kernels *k, kernel_bench *bench)
{
    static const int64_t odd[3] = {17, 0, 5}; /* strides of dimensions that are never walked */
    kernel_tensor x = KERNEL_TENSOR(k->dtype, HN_SCALAR(), 3);
    kernel_tensor y = kernel_tensor_strided(k->dtype, HN_SHAPE3(1, 1, 1), odd, 2);
    kernel_tensor z = kernel_tensor_create(k->dtype, HN_SHAPE3(1, 1, 1));
    run(k, bench, HNI_MAP_SCALE, (const double[2]){2, 0}, &x, &x, false);
    kernel_tensor_holds(&x, 0, 6);
    kernel_tensor_set(&y, 2, 7);
    run(k, bench, HNI_MAP_COPY, NULL, &y, &z, true);
    run(k, bench, HNI_MAP_COPY, NULL, &z, &y, true);
    kernel_tensor_holds(&y, 0, 0, 0, 14);
    run(k, bench, HNI_MAP_COPY, NULL, &y, &y, false);
    kernel_tensor_holds(&y, 0, 0, 0, 14);
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&y);
    kernel_tensor_destroy(&z);
}

static void test_names_and_inputs(const hni_kernels *k, kernel_bench *bench)
{
    (void)k, (void)bench;
    assert_string_equal(hni_map_name(HNI_MAP_MUL_ADD), "mul_add");
    assert_int_equal(hni_map_inputs(HNI_MAP_MUL_ADD), 3);
    for (int m = 0; m < HNI_MAP_COUNT; m++) {
        assert_in_range(hni_map_inputs((hni_map)m), 1, 3);
        assert_true(strlen(hni_map_name((hni_map)m)) > 0);
    }
}

/* ---- copies ---- */

static void test_copies_convert_and_scatter(const hni_kernels *k, kernel_bench *bench)
{
    static const int64_t turned[2] = {1, 4}; /* [2,3] laid down by columns, with a gap of two */
    static const double source[6] = {1, 2, 3, 4, 5, 1.0 / 3};
    kernel_tensor x = kernel_tensor_strided(k->dtype, HN_SHAPE2(2, 3), turned, 1);
    kernel_ok(bench, k->copy_in(&bench->exec, &x.view, HN_DTYPE_F64, source));
    const double third = k->dtype == HN_DTYPE_F32 ? (double)(1.0f / 3) : 1.0 / 3;
    kernel_tensor_holds(&x, 0, 0, 1, 4, 0, 0, 2, 5, 0, 0, 3, third);
    float floats[6] = {0};
    double doubles[6] = {0};
    kernel_ok(bench, k->copy_out(&bench->exec, &x.view, HN_DTYPE_F32, floats));
    kernel_ok(bench, k->copy_out(&bench->exec, &x.view, HN_DTYPE_F64, doubles));
    for (int i = 0; i < 6; i++) {
        assert_true(floats[i] == (float)source[i]);
        assert_true(doubles[i] == (i < 5 ? source[i] : third));
    }
    kernel_tensor_destroy(&x);
}

static void test_copies_of_integers(const hni_kernels *k, kernel_bench *bench)
{
    static const int32_t numbers[3] = {-1, 70000, 3};
    static const uint8_t bytes[3] = {0, 255, 7};
    kernel_tensor x = kernel_tensor_create(HN_DTYPE_I32, HN_SHAPE1(3)),
                  y = kernel_tensor_create(HN_DTYPE_U8, HN_SHAPE1(3));
    kernel_ok(bench, k->copy_in(&bench->exec, &x.view, HN_DTYPE_I32, numbers));
    kernel_ok(bench, k->copy_in(&bench->exec, &y.view, HN_DTYPE_U8, bytes));
    kernel_tensor_holds(&x, 0, -1, 70000, 3);
    kernel_tensor_holds(&y, 0, 0, 255, 7);
    kernel_refused(bench, k->copy_in(&bench->exec, &x.view, HN_DTYPE_F32, numbers), HN_ERROR_TYPE,
                   "copy_in: F32 values cannot be copied into I32");
    kernel_refused(bench, k->copy_out(&bench->exec, &y.view, HN_DTYPE_F64, (void *)&bench->step), HN_ERROR_TYPE,
                   "copy_out: U8 values cannot be copied into F64");
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&y);
}

static void test_memory_is_counted_and_limited(const hni_kernels *k, kernel_bench *bench)
{
    void *block = NULL;
    assert_int_equal(k->allocate(bench->context, "a block", 4096, &block), HN_OK);
    assert_true(hn_context_memory(bench->context) >= 4096);
    k->release(bench->context, block);
    assert_int_equal(hn_context_memory(bench->context), 0);
    bench->context->memory_limit = 1000;
    kernel_refused(bench, k->allocate(bench->context, "a block", 4096, &block), HN_ERROR_MEMORY, "a block");
}

static const kernel_test tests[] = {
    {"every map is its definition", test_every_map_is_its_definition},
    {"known values", test_known_values},
    {"sigmoid and tanh at the ends", test_sigmoid_and_tanh_at_the_ends},
    {"broadcast and sums", test_broadcast_and_sums},
    {"sums run in double", test_sums_run_in_double},
    {"scalars and one-element views", test_scalars_and_one_element_views},
    {"names and inputs", test_names_and_inputs},
    {"copies convert and scatter", test_copies_convert_and_scatter},
    {"copies of integers", test_copies_of_integers},
    {"memory is counted and limited", test_memory_is_counted_and_limited},
};

int main(void) { return KERNEL_TESTS_RUN("generic map and memory", tests); }
