/* Images in a graph: how they lie, what a step of convolutions takes of memory, other numbers of threads. */
#include "graph/graph.h"
#include "test_allocator.h"
#include "test_isa.h"
#include "test_store.h"
#include "test_support.h"

enum { BATCH = 4, CHANNELS = 16, SIDE = 12, PIXELS = BATCH * CHANNELS * SIDE * SIDE, KERNEL = CHANNELS * CHANNELS * 9 };

static void ok(hn_context *context, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(context)->text);
}

static hn_tensor numbers(hn_graph *g, hn_shape shape, int salt)
{
    static double values[PIXELS];
    const int64_t count = hn_shape_elements(shape);
    assert_true(count <= PIXELS);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)((i * 37 + salt * 101) % 97) / 97.0 - 0.5;
    return hn_tensor_from(g, HN_DTYPE_F64, shape, values, true);
}

/* Three kinds of convolutions behind each other; 0: x, 1 to 3: kernels, 4: bias. */
typedef struct stack {
    hn_tensor leaves[5], loss;
} stack;

static stack build(hn_graph *g)
{
    const hn_conv2d_options same = {.stride = 1, .padding = 1}, half = {.stride = 2, .padding = 1};
    stack s = {.leaves = {numbers(g, HN_SHAPE4(BATCH, CHANNELS, SIDE, SIDE), 1),
                          numbers(g, HN_SHAPE4(CHANNELS, CHANNELS, 3, 3), 2),
                          numbers(g, HN_SHAPE4(5, CHANNELS, 3, 3), 3), numbers(g, HN_SHAPE4(2, 5, 1, 1), 4),
                          numbers(g, HN_SHAPE1(5), 5)}};
    const hn_tensor first = hn_conv2d(g, s.leaves[0], s.leaves[1], HN_NO_TENSOR, &same);
    const hn_tensor second = hn_conv2d(g, first, s.leaves[2], s.leaves[4], &half);
    const hn_tensor third = hn_conv2d(g, second, s.leaves[3], HN_NO_TENSOR, NULL);
    s.loss = hn_mean(g, hn_mul(g, third, third), HN_ALL_AXES, false);
    return s;
}

/* What comes out of an op goes into the next as it lies; only the leaf, in rows, is copied. */
static void test_nothing_is_copied(void **state)
{
    static const int channels_last[4] = {0, 2, 3, 1};
    hn_context *context;
    (void)state;
    ok(NULL, hn_context_create(NULL, &context));
    hn_graph *g = test_graph_create(context, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    const hn_tensor x = numbers(g, HN_SHAPE4(2, 3, 4, 5), 1), kernel = numbers(g, HN_SHAPE4(3, 3, 1, 1), 2);
    const hn_tensor y = hn_conv2d(g, x, kernel, HN_NO_TENSOR, NULL);
    ok(context, hn_graph_status(g));
    assert_int_equal(hn_graph_nodes(g), 4); /* permute, copy, conv2d, permute */
    assert_true(hn_shape_equal(hn_tensor_shape(g, y), HN_SHAPE4(2, 3, 4, 5)));
    assert_true(hni_view_is_contiguous(&hni_graph_value(g, hn_permute(g, y, channels_last))->view));
    const int64_t nodes = hn_graph_nodes(g), bytes = hn_graph_step_bytes(g);
    (void)hn_conv2d(g, y, kernel, HN_NO_TENSOR, NULL);
    ok(context, hn_graph_status(g));
    assert_int_equal(hn_graph_nodes(g), nodes + 3);
    assert_int_equal(hn_graph_step_bytes(g), bytes + 2 * 3 * 4 * 5 * 4 + 32); /* a block begins at 64 bytes */
    hn_graph_destroy(g);
    hn_context_destroy(context);
}

typedef struct figures {
    int64_t step_bytes, peak_bytes, nodes;
} figures;

static figures measure(hn_backend backend, hn_dtype dtype, int threads)
{
    hn_context_options options;
    hn_context *context;
    hn_context_options_default(&options);
    options.threads = threads;
    ok(NULL, hn_context_create(&options, &context));
    hn_graph *g = test_graph_create(context, backend, dtype);
    const stack s = build(g);
    figures f = {.step_bytes = hn_graph_step_bytes(g)};
    ok(context, hn_backward(g, s.loss));
    f.peak_bytes = hn_graph_peak_bytes(g);
    f.nodes = hn_graph_nodes(g);
    hn_graph_destroy(g);
    hn_context_destroy(context);
    return f;
}

/* The dry figure is that of the best backend: to the byte, scratch memory included. */
static void test_dry_counts_what_is_used(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        const figures real = measure(HN_BACKEND_BEST, HN_DTYPE_F32, threads),
                      dry = measure(HN_BACKEND_DRY, HN_DTYPE_F32, threads);
        assert_int_equal(dry.step_bytes, real.step_bytes);
        assert_int_equal(dry.peak_bytes, real.peak_bytes);
        assert_int_equal(dry.nodes, real.nodes);
    }
    const figures real = measure(HN_BACKEND_GENERIC, HN_DTYPE_F64, 2), dry = measure(HN_BACKEND_DRY, HN_DTYPE_F64, 2);
    assert_int_equal(dry.peak_bytes, real.peak_bytes);
}

static void test_no_calls_after_the_first_step(void **state)
{
    hn_context *context;
    uint64_t calls = 0;
    (void)state;
    ok(NULL, hn_context_create(NULL, &context));
    hn_graph *g = test_graph_create(context, HN_BACKEND_BEST, HN_DTYPE_F32);
    for (int i = 0; i < 4; i++) {
        hn_graph_reset(g);
        ok(context, hn_backward(g, build(g).loss));
        if (i == 0) calls = hn_context_allocations(context);
        assert_int_equal(hn_context_allocations(context), calls);
    }
    hn_graph_destroy(g);
    hn_context_destroy(context);
}

/* Gradients of all leaves behind each other. */
static void gradients(int threads, double *out)
{
    hn_context_options options;
    hn_context *context;
    hn_context_options_default(&options);
    options.threads = threads;
    ok(NULL, hn_context_create(&options, &context));
    hn_graph *g = test_graph_create(context, HN_BACKEND_BEST, HN_DTYPE_F32);
    const stack s = build(g);
    ok(context, hn_backward(g, s.loss));
    for (int i = 0; i < 5; i++) {
        const int64_t count = hn_shape_elements(hn_tensor_shape(g, s.leaves[i]));
        ok(context, hn_gradient_read(g, s.leaves[i], HN_DTYPE_F64, count, out));
        out += count;
    }
    hn_graph_destroy(g);
    hn_context_destroy(context);
}

static void test_threads(void **state)
{
    enum { COUNT = PIXELS + KERNEL + 5 * CHANNELS * 9 + 10 + 5 };
    static double one[COUNT], other[COUNT], again[COUNT];
    (void)state;
    gradients(1, one);
    for (int threads = 2; threads <= 4; threads++) {
        gradients(threads, other);
        gradients(threads, again);
        assert_memory_equal(other, again, sizeof other);
        const double *a = one, *b = other;
        const size_t counts[] = {PIXELS, KERNEL, (size_t)5 * CHANNELS * 9, 10, 5};
        for (int i = 0; i < 5; i++) {
            assert_all_close_double(b, a, counts[i], 2e-6);
            a += counts[i];
            b += counts[i];
        }
    }
}

static void test_every_failing_request(void **state)
{
    long tried = 0;
    (void)state;
    for (;; tried++) {
        test_allocator memory = {.fail_at = tried + 2}; /* 1 is the context itself */
        hn_context_options options;
        hn_context *context;
        hn_graph *g = NULL;
        hn_context_options_default(&options);
        options.allocator = test_allocator_hook(&memory);
        ok(NULL, hn_context_create(&options, &context));
        hn_status status = hn_graph_create(context, NULL, &g);
        if (status == HN_OK) status = hn_backward(g, build(g).loss);
        assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        if (memory.has_failed) assert_int_equal(hn_context_error(context)->status, HN_ERROR_MEMORY);
        hn_graph_destroy(g);
        assert_int_equal(hn_context_memory(context), 0);
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
    }
    assert_true(tried >= 4);
}

static int choose_level(void **state)
{
    hn_context *context;
    (void)state;
    ok(NULL, hn_context_create(NULL, &context));
    test_choose_isa(context);
    hn_context_destroy(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_copied),
        cmocka_unit_test(test_dry_counts_what_is_used),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_calls_after_the_first_step),
        cmocka_unit_test(test_every_failing_request),
    };
    return cmocka_run_group_tests(tests, choose_level, NULL);
}
