/* Handles and lives of tensors: stale ones, other graphs' ones, dropped ones; types; reading, writing and storing; printing. */
#include "graph/graph.h"
#include "hypernet/graph.h"
#include "test_store.h"
#include "test_support.h"

typedef struct bench {
    hn_context *context;
    hn_graph *graph, *other; /* F64 and F32 */
} bench;

static int open_bench(void **state)
{
    static bench b;
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    b.graph = test_graph_create(b.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    b.other = test_graph_create(b.context, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    hn_graph_destroy(b->graph);
    hn_graph_destroy(b->other);
    assert_int_equal(hn_context_memory(b->context), 0);
    hn_context_destroy(b->context);
    return 0;
}

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

static const double three[3] = {1.5, -2, 0.25};

static hn_tensor vector(hn_graph *graph) { return hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE1(3), three, true); }

static hn_tensor persist(const bench *b)
{
    hn_tensor tensor;
    ok(b, hn_tensor_persist(b->graph, HN_DTYPE_F64, HN_SHAPE1(3), &tensor));
    ok(b, hn_tensor_write(b->graph, tensor, HN_DTYPE_F64, 3, three));
    return tensor;
}

static void assert_numbers(const bench *b, hn_tensor tensor, const double expected[3])
{
    double numbers[3];
    ok(b, hn_tensor_read(b->graph, tensor, HN_DTYPE_F64, 3, numbers));
    assert_all_close_double(numbers, expected, 3, 0);
}

/* `tensor` is refused by everything that takes one. */
static void assert_stale(const bench *b, hn_graph *graph, hn_tensor tensor)
{
    double numbers[3];
    hn_graph_reset(graph);
    assert_int_equal(hn_tensor_shape(graph, tensor).rank, -1);
    assert_int_equal(hn_tensor_read(graph, tensor, HN_DTYPE_F64, 3, numbers), HN_ERROR_STALE);
    test_assert_error(b->context, HN_ERROR_STALE, "read", "earlier step or of another graph", NULL);
    assert_int_equal(hn_gradient_read(graph, tensor, HN_DTYPE_F64, 3, numbers), HN_ERROR_STALE);
    hn_context_clear(b->context);
    assert_int_equal(hn_backward(graph, tensor), HN_ERROR_STALE);
    test_assert_error(b->context, HN_ERROR_STALE, "backward", NULL);
    hn_graph_reset(graph);
    assert_int_equal(hn_tanh(graph, tensor).slot, 0);
    assert_int_equal(hn_graph_status(graph), HN_ERROR_STALE);
    test_assert_error(b->context, HN_ERROR_STALE, "tanh: a tensor of an earlier step or of another graph", NULL);
    hn_graph_reset(graph);
    const int order[HN_MAX_RANK] = {0};
    assert_int_equal(hn_permute(graph, tensor, order).slot, 0);
    assert_int_equal(hn_reshape(graph, tensor, HN_SHAPE1(3)).slot, 0);
    assert_int_equal(hn_slice(graph, tensor, -1, 0, 1).slot, 0);
    hn_context_clear(b->context);
    hn_graph_reset(graph);
}

/* ---- stale ---- */

static void test_after_reset(void **state)
{
    bench *b = *state;
    const hn_tensor x = vector(b->graph);
    hn_graph_reset(b->graph);
    (void)vector(b->graph); /* the same slot, another generation */
    assert_stale(b, b->graph, x);
}

static void test_of_another_graph(void **state)
{
    bench *b = *state;
    const hn_tensor x = vector(b->graph);
    (void)vector(b->other);
    assert_stale(b, b->other, x);
    const hn_tensor p = persist(b);
    assert_stale(b, b->other, p);
    hn_tensor own;
    ok(b, hn_tensor_persist(b->other, HN_DTYPE_F32, HN_SHAPE1(3), &own)); /* the same slot there */
    assert_stale(b, b->other, p);
    assert_numbers(b, p, three);
    hn_tensor_drop(b->graph, p);
    hn_tensor_drop(b->other, own);
    hn_graph_reset(b->graph);
}

static void test_invalid_handles(void **state)
{
    bench *b = *state;
    const hn_tensor bad[] = {{0, 0}, {1, 0}, {UINT32_MAX, UINT32_MAX}, {0x80000000u, 0}, {0x7fffffff, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        hn_tensor_drop(b->graph, bad[i]);
        assert_int_equal(hn_tensor_shape(b->graph, bad[i]).rank, -1);
        assert_int_equal(hn_relu(b->graph, bad[i]).slot, 0);
        assert_int_equal(hn_graph_status(b->graph), HN_ERROR_STALE);
        hn_context_clear(b->context);
        hn_graph_reset(b->graph);
    }
}

/* ---- persistent ---- */

static void test_persistent_lives_on(void **state)
{
    bench *b = *state;
    const hn_tensor p = persist(b), q = persist(b);
    for (int i = 0; i < 3; i++)
        hn_graph_reset(b->graph);
    assert_numbers(b, p, three);
    hn_tensor_drop(b->graph, p);
    assert_stale(b, b->graph, p);
    const hn_tensor again = persist(b); /* the slot is taken anew */
    assert_int_equal(again.slot, p.slot);
    assert_stale(b, b->graph, p);
    assert_numbers(b, again, three);
    assert_numbers(b, q, three);
    hn_tensor_drop(b->graph, again);
    hn_tensor_drop(b->graph, again); /* twice does nothing */
    hn_tensor_drop(b->graph, q);
}

/* Dropped in the middle of a step: gone for the caller, but views and the tape may still read it. */
static void test_dropped_under_a_view(void **state)
{
    static const double products[3] = {1.5 * 1.5, 4, 0.0625};
    bench *b = *state;
    const int64_t before = hn_context_memory(b->context);
    const hn_tensor p = persist(b), x = vector(b->graph);
    const hn_tensor view = hn_reshape(b->graph, p, HN_SHAPE1(3));
    const hn_tensor y = hn_mul(b->graph, x, view);
    hn_tensor_drop(b->graph, p);
    assert_int_equal(hn_tensor_shape(b->graph, p).rank, -1);
    const hn_tensor other = persist(b);
    assert_int_not_equal(other.slot, p.slot);
    assert_numbers(b, view, three);
    assert_numbers(b, y, products);
    ok(b, hn_backward(b->graph, hn_sum(b->graph, y, HN_ALL_AXES, false)));
    double gradient[3];
    ok(b, hn_gradient_read(b->graph, x, HN_DTYPE_F64, 3, gradient));
    assert_all_close_double(gradient, three, 3, 0);
    hn_tensor_drop(b->graph, other);
    hn_graph_reset(b->graph);
    const int64_t after = hn_context_memory(b->context); /* arenas may have grown, the persistent ones are back */
    for (int i = 0; i < 5; i++) {
        hn_tensor_drop(b->graph, persist(b));
        (void)vector(b->graph);
        hn_graph_reset(b->graph);
    }
    assert_int_equal(hn_context_memory(b->context), after);
    assert_true(after >= before);
}

static void test_write_and_store(void **state)
{
    static const float singles[3] = {1.5F, -2.0F, 0.25F};
    static const double doubled[3] = {3, -4, 0.5};
    bench *b = *state;
    const hn_tensor p = persist(b), x = vector(b->graph);
    ok(b, hn_tensor_write(b->graph, p, HN_DTYPE_F32, 3, singles));
    assert_numbers(b, p, three);
    ok(b, hn_tensor_store(b->graph, hn_scale(b->graph, x, 2, 0), p));
    assert_numbers(b, p, doubled);
    assert_int_equal(hn_graph_nodes(b->graph), 1); /* the scale alone: storing is no op */

    assert_int_equal(hn_tensor_write(b->graph, x, HN_DTYPE_F64, 3, three), HN_ERROR_STATE);
    test_assert_error(b->context, HN_ERROR_STATE, "only persistent", NULL);
    assert_int_equal(hn_tensor_store(b->graph, p, x), HN_ERROR_STATE);
    hn_context_clear(b->context);
    assert_int_equal(hn_tensor_write(b->graph, p, HN_DTYPE_F64, 4, three), HN_ERROR_SHAPE);
    test_assert_error(b->context, HN_ERROR_SHAPE, "3 elements, 4 were given", NULL);
    assert_int_equal(hn_tensor_write(b->graph, p, HN_DTYPE_I32, 3, three), HN_ERROR_TYPE);
    hn_context_clear(b->context);
    assert_int_equal(hn_tensor_store(b->graph, hn_reshape(b->graph, x, HN_SHAPE2(1, 3)), p), HN_ERROR_SHAPE);
    hn_context_clear(b->context);
    assert_int_equal(hn_tensor_store(b->graph, HN_NO_TENSOR, p), HN_ERROR_STALE);
    hn_context_clear(b->context);
    assert_int_equal(hn_tensor_store_rows(b->graph, x, p, 1), HN_ERROR_SHAPE);
    test_assert_error(b->context, HN_ERROR_SHAPE, "source 3 rows of the target from row 1 on", NULL);
    assert_int_equal(hn_tensor_store_rows(b->graph, x, p, -1), HN_ERROR_SHAPE);
    hn_context_clear(b->context);
    assert_numbers(b, p, doubled);
    hn_tensor_drop(b->graph, p);
    hn_graph_reset(b->graph);
}

static void test_persist_refusals(void **state)
{
    bench *b = *state;
    hn_tensor tensor = {7, 7};
    assert_int_equal(hn_tensor_persist(b->graph, HN_DTYPE_F16, HN_SHAPE1(3), &tensor), HN_ERROR_TYPE);
    assert_int_equal(tensor.slot, 0);
    hn_context_clear(b->context);
    assert_int_equal(hn_tensor_persist(b->graph, HN_DTYPE_F64, HN_SHAPE1(0), &tensor), HN_ERROR_SHAPE);
    hn_context_clear(b->context);
    assert_int_equal(hn_tensor_persist(b->graph, HN_DTYPE_F64, HN_SHAPE1(INT64_MAX), &tensor), HN_ERROR_MEMORY);
    test_assert_error(b->context, HN_ERROR_MEMORY, "more bytes than an address can count", NULL);
}

/* ---- types ---- */

static void test_from_nothing_gives_zeros(void **state)
{
    static const double zeros[3] = {0, 0, 0};
    bench *b = *state;
    for (int i = 0; i < 2; i++) { /* the second time over used memory */
        const hn_tensor x = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(3), NULL, false);
        assert_numbers(b, x, zeros);
        hn_graph_reset(b->graph);
        (void)vector(b->graph);
        hn_graph_reset(b->graph);
    }
    int32_t integers[2] = {5, 5};
    ok(b, hn_tensor_read(b->graph, hn_tensor_from(b->graph, HN_DTYPE_I32, HN_SHAPE1(2), NULL, false), HN_DTYPE_I32, 2,
                         integers));
    assert_int_equal(integers[0] | integers[1], 0);
    hn_graph_reset(b->graph);
}

static void test_integers_and_bytes(void **state)
{
    static const int32_t integers[4] = {3, -1, INT32_MAX, INT32_MIN};
    static const uint8_t bytes[6] = {0, 1, 127, 128, 254, 255};
    static const int64_t starts[2] = {3, 0};
    static const int swap[2] = {1, 0};
    bench *b = *state;
    int32_t read[6];
    uint8_t read_bytes[6];
    double numbers[4];
    const hn_tensor i = hn_tensor_from(b->graph, HN_DTYPE_I32, HN_SHAPE2(2, 2), integers, false);
    const hn_tensor u = hn_tensor_from(b->graph, HN_DTYPE_U8, HN_SHAPE1(6), bytes, false);
    assert_int_equal(hn_tensor_dtype(b->graph, i), HN_DTYPE_I32);
    assert_int_equal(hn_tensor_dtype(b->graph, u), HN_DTYPE_U8);
    ok(b, hn_tensor_read(b->graph, hn_permute(b->graph, i, swap), HN_DTYPE_I32, 4, read));
    assert_int_equal(read[1], INT32_MAX);
    assert_int_equal(read[2], -1);
    ok(b, hn_tensor_read(b->graph, u, HN_DTYPE_U8, 6, read_bytes));
    assert_memory_equal(read_bytes, bytes, 6);
    ok(b, hn_tensor_read(b->graph, hn_gather_windows(b->graph, u, starts, 2, 3), HN_DTYPE_I32, 6, read));
    assert_int_equal(read[0], 128);
    assert_int_equal(read[2], 255);
    assert_int_equal(read[5], 127);
    assert_int_equal(hn_tensor_read(b->graph, i, HN_DTYPE_F64, 4, numbers), HN_ERROR_TYPE);
    test_assert_error(b->context, HN_ERROR_TYPE, "I32", "F64", NULL);
    assert_int_equal(hn_tensor_read(b->graph, i, HN_DTYPE_I32, 3, read), HN_ERROR_SHAPE);
    hn_context_clear(b->context);
    hn_graph_reset(b->graph);
}

static void test_floats_convert(void **state)
{
    static const double value = 0.1;
    bench *b = *state;
    float single;
    double wide;
    const hn_tensor x = hn_tensor_from(b->other, HN_DTYPE_F64, HN_SCALAR(), &value, false);
    assert_int_equal(hn_tensor_dtype(b->other, x), HN_DTYPE_F32);
    ok(b, hn_tensor_read(b->other, x, HN_DTYPE_F32, 1, &single));
    ok(b, hn_tensor_read(b->other, x, HN_DTYPE_F64, 1, &wide));
    assert_true(single == 0.1F && wide == (double)0.1F);
    hn_graph_reset(b->other);
}

/* ---- graphs ---- */

static void test_backends(void **state)
{
    bench *b = *state;
    hn_graph *graph;
    assert_string_equal(hn_graph_backend_name(b->graph), "generic");
    assert_false(hn_graph_is_dry(b->graph));
    assert_int_equal(hn_graph_create(b->context, &(hn_graph_options){HN_BACKEND_CPU, HN_DTYPE_F64}, &graph),
                     HN_ERROR_UNSUPPORTED);
    assert_null(graph);
    test_assert_error(b->context, HN_ERROR_UNSUPPORTED, "backend cpu does not compute in F64", NULL);
    assert_int_equal(hn_graph_create(b->context, &(hn_graph_options){HN_BACKEND_GENERIC, HN_DTYPE_I32}, &graph),
                     HN_ERROR_UNSUPPORTED);
    hn_context_clear(b->context);
    assert_int_equal(hn_graph_create(b->context, &(hn_graph_options){(hn_backend)9, HN_DTYPE_F32}, &graph),
                     HN_ERROR_ARGUMENT);
    test_assert_error(b->context, HN_ERROR_ARGUMENT, "no backend number 9", NULL);
    ok(b, hn_graph_create(b->context, NULL, &graph));
    assert_int_equal(hn_graph_dtype(graph), HN_DTYPE_F32);
    hn_graph_destroy(graph);
    ok(b, hn_graph_create(b->context, &(hn_graph_options){HN_BACKEND_BEST, HN_DTYPE_F64},
                          &graph)); /* no cpu double: generic */
    assert_string_equal(hn_graph_backend_name(graph), "generic");
    hn_graph_destroy(graph);
    hn_graph_destroy(NULL);
}

static void test_training_switch(void **state)
{
    const hn_dropout_options half = {.keep = 0.5, .site = 3};
    bench *b = *state;
    const hn_tensor x = vector(b->graph);
    assert_true(hn_graph_is_training(b->graph));
    assert_int_not_equal(hn_dropout(b->graph, x, &half).slot, x.slot);
    hn_graph_train(b->graph, false);
    assert_int_equal(hn_dropout(b->graph, x, &half).slot, x.slot);
    assert_int_equal(hn_dropout(b->graph, x, &(hn_dropout_options){.keep = -1}).slot,
                     0); /* refused in evaluation too */
    hn_context_clear(b->context);
    hn_graph_reset(b->graph);
    hn_graph_train(b->graph, true);
    const hn_tensor y = vector(b->graph);
    assert_int_equal(hn_dropout(b->graph, y, &(hn_dropout_options){.keep = 1}).slot, y.slot);
    hn_graph_reset(b->graph);
}

typedef struct lines {
    int count;
    char text[8][128];
} lines;

static void keep_line(void *user, const char *line)
{
    lines *all = user;
    assert_true(all->count < 8 && strlen(line) < sizeof all->text[0]);
    strcpy(all->text[all->count++], line);
}

static void test_print(void **state)
{
    static const double numbers[24] = {0};
    bench *b = *state;
    lines all = {0};
    const hn_tensor x = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(3, 8), numbers, true);
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(5, 8), NULL, true);
    const hn_tensor y = hn_tanh(b->graph, hn_matmul(b->graph, x, w, HN_TRANSPOSE_B));
    const hn_tensor parts[6] = {y, y, y, y, y, y};
    (void)hn_sum(b->graph, hn_concat(b->graph, parts, 6, 0), HN_ALL_AXES, false);
    hn_graph_print(b->graph, keep_line, &all);
    assert_int_equal(all.count, 4);
    assert_string_equal(all.text[0], "0 matmul [3,8] [5,8] -> [3,5]");
    assert_string_equal(all.text[1], "1 tanh [3,5] -> [3,5]");
    assert_string_equal(all.text[2], "2 concat [3,5] [3,5] [3,5] [3,5] .. -> [18,5]");
    assert_string_equal(all.text[3], "3 sum [18,5] -> []");
    hn_graph_reset(b->graph);
    all.count = 0;
    hn_graph_print(b->graph, keep_line, &all);
    assert_int_equal(all.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_reset),
        cmocka_unit_test(test_of_another_graph),
        cmocka_unit_test(test_invalid_handles),
        cmocka_unit_test(test_persistent_lives_on),
        cmocka_unit_test(test_dropped_under_a_view),
        cmocka_unit_test(test_write_and_store),
        cmocka_unit_test(test_persist_refusals),
        cmocka_unit_test(test_from_nothing_gives_zeros),
        cmocka_unit_test(test_integers_and_bytes),
        cmocka_unit_test(test_floats_convert),
        cmocka_unit_test(test_backends),
        cmocka_unit_test(test_training_switch),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
