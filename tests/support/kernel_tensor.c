/* See kernel_tensor.h. */
#include "kernel_tensor.h"

#include <math.h>

void kernel_bench_begin(kernel_bench *bench, int threads)
{
    hn_context_options options;
    hn_context_options_default(&options);
    options.threads = threads;
    memset(bench, 0, sizeof *bench);
    assert_int_equal(hn_context_create(&options, &bench->context), HN_OK);
    hni_arena_init(&bench->scratch, bench->context, "scratch", false);
    bench->step = (hni_step_block){.seed = 1,
                                   .rate = 1,
                                   .correction_mean = 1,
                                   .correction_variance = 1,
                                   .clip_factor = 1,
                                   .clip_value = KERNEL_INFINITY,
                                   .finite = 1};
    bench->exec =
        (hni_exec){.context = bench->context, .threads = threads, .scratch = &bench->scratch, .step = &bench->step};
}

void kernel_bench_end(kernel_bench *bench)
{
    hni_arena_destroy(&bench->scratch);
    assert_int_equal(hn_context_memory(bench->context), 0);
    hn_context_destroy(bench->context);
}

void kernel_bench_ok(kernel_bench *bench, hn_status status, const char *file, int line)
{
    hni_arena_reset(&bench->scratch);
    if (status == HN_OK) return;
    print_error("the slot refused: %s: %s\n", hn_status_name(status), hn_context_error(bench->context)->text);
    _fail(file, line);
}

void kernel_bench_refused(kernel_bench *bench, hn_status status, hn_status expected, const char *part, const char *file,
                          int line)
{
    const hn_error *error = hn_context_error(bench->context);
    hni_arena_reset(&bench->scratch);
    if (status != expected || error->status != expected || strstr(error->text, part) == NULL) {
        print_error("got %s, text \"%s\"; expected %s, text with \"%s\"\n", hn_status_name(status), error->text,
                    hn_status_name(expected), part);
        _fail(file, line);
    }
    hn_context_clear(bench->context);
}

typedef struct kernel_test_state {
    const kernel_test *test;
    hn_dtype dtype;
    char name[100];
} kernel_test_state;

static void run_generic_test(void **state)
{
    const kernel_test_state *use = *state;
    kernel_bench bench;
    kernel_bench_begin(&bench, 1);
    use->test->run(hni_kernels_generic(use->dtype), &bench);
    kernel_bench_end(&bench);
}

int kernel_tests_run(const char *group, const kernel_test *tests, size_t count)
{
    enum { MOST = 100 };
    static kernel_test_state states[MOST];
    static struct CMUnitTest units[MOST];
    if (2 * count > MOST) {
        print_error("there are more than %d tests: enlarge MOST\n", MOST / 2);
        return 1;
    }
    for (size_t i = 0; i < 2 * count; i++) {
        kernel_test_state *use = &states[i];
        *use = (kernel_test_state){.test = &tests[i / 2], .dtype = i % 2 == 0 ? HN_DTYPE_F32 : HN_DTYPE_F64};
        (void)snprintf(use->name, sizeof use->name, "%s, %s", use->test->name, hn_dtype_name(use->dtype));
        units[i] = (struct CMUnitTest){.name = use->name, .test_func = run_generic_test, .initial_state = use};
    }
    return _cmocka_run_group_tests(group, units, 2 * count, NULL, NULL);
}

kernel_tensor kernel_tensor_strided(hn_dtype dtype, hn_shape shape, const int64_t *stride, int64_t offset)
{
    kernel_tensor tensor = {.count = offset + 1};
    tensor.view = hni_view_of(NULL, dtype, shape);
    for (int d = 0; d < shape.rank; d++) {
        tensor.view.stride[d] = stride[d];
        tensor.count += (shape.size[d] - 1) * stride[d];
    }
    tensor.storage = calloc((size_t)tensor.count, hn_dtype_size(dtype));
    assert_non_null(tensor.storage);
    tensor.view.data = (char *)tensor.storage + (size_t)offset * hn_dtype_size(dtype);
    return tensor;
}

kernel_tensor kernel_tensor_create(hn_dtype dtype, hn_shape shape)
{
    const hni_view flat = hni_view_of(NULL, dtype, shape);
    return kernel_tensor_strided(dtype, shape, flat.stride, 0);
}

kernel_tensor kernel_tensor_of(hn_dtype dtype, hn_shape shape, const double *values)
{
    kernel_tensor tensor = kernel_tensor_create(dtype, shape);
    for (int64_t i = 0; i < tensor.count; i++)
        kernel_tensor_set(&tensor, i, values[i]);
    return tensor;
}

void kernel_tensor_destroy(kernel_tensor *tensor)
{
    free(tensor->storage);
    tensor->storage = NULL;
}

double kernel_tensor_get(const kernel_tensor *tensor, int64_t i)
{
    switch (tensor->view.dtype) {
    case HN_DTYPE_F32: return (double)((const float *)tensor->storage)[i];
    case HN_DTYPE_F64: return ((const double *)tensor->storage)[i];
    case HN_DTYPE_I32: return ((const int32_t *)tensor->storage)[i];
    case HN_DTYPE_U8: return ((const uint8_t *)tensor->storage)[i];
    default: fail_msg("a tensor of a test cannot be %s", hn_dtype_name(tensor->view.dtype)); return KERNEL_NAN;
    }
}

void kernel_tensor_set(kernel_tensor *tensor, int64_t i, double value)
{
    switch (tensor->view.dtype) {
    case HN_DTYPE_F32: ((float *)tensor->storage)[i] = (float)value; break;
    case HN_DTYPE_F64: ((double *)tensor->storage)[i] = value; break;
    case HN_DTYPE_I32: ((int32_t *)tensor->storage)[i] = (int32_t)value; break;
    case HN_DTYPE_U8: ((uint8_t *)tensor->storage)[i] = (uint8_t)value; break;
    default: fail_msg("a tensor of a test cannot be %s", hn_dtype_name(tensor->view.dtype));
    }
}

void kernel_tensor_compare(const kernel_tensor *tensor, const double *expected, size_t count, double relative,
                           const char *file, int line)
{
    if ((int64_t)count != tensor->count) {
        print_error("%zu numbers expected, the storage has %lld\n", count, (long long)tensor->count);
        _fail(file, line);
    }
    for (size_t i = 0; i < count; i++) {
        const double actual = kernel_tensor_get(tensor, (int64_t)i);
        if (isnan(expected[i]) ? isnan(actual) : test_is_close(actual, expected[i], relative, 0)) continue;
        print_error("element %zu is %.17g, expected %.17g\n", i, actual, expected[i]);
        _fail(file, line);
    }
}
