/* The tape: what is recorded, where gradients go, and what hn_backward refuses. Numbers small enough to work out by hand. */
#include "core/alloc.h"
#include "graph/graph.h"
#include "hypernet/hypernet.h"
#include "test_language.h"
#include "test_store.h"
#include "test_support.h"

typedef struct bench {
    hn_context *context;
    hn_graph *graph;
} bench;

static int open_bench(void **state)
{
    static bench b;
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    b.graph = test_graph_create(b.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    hn_graph_destroy(b->graph);
    assert_int_equal(hn_context_memory(b->context), 0);
    hn_context_destroy(b->context);
    return 0;
}

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

static hn_tensor leaf(const bench *b, hn_shape shape, const double *values)
{
    return hn_tensor_from(b->graph, HN_DTYPE_F64, shape, values, true);
}

static hn_tensor sum(const bench *b, hn_tensor x) { return hn_sum(b->graph, x, HN_ALL_AXES, false); }

#define GRADIENT(b, tensor, ...)                                  \
    assert_gradient((b), (tensor), (const double[]){__VA_ARGS__}, \
                    sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
static void assert_gradient(const bench *b, hn_tensor tensor, const double *expected, size_t count)
{
    double actual[64];
    assert_true(count <= 64);
    ok(b, hn_gradient_read(b->graph, tensor, HN_DTYPE_F64, (int64_t)count, actual));
    assert_all_close_double(actual, expected, count, 1e-15);
}

static const double six[6] = {1, 2, 3, 4, 5, 6};

/* ---- refusals ---- */

static void test_backward_twice(void **state)
{
    bench *b = *state;
    const hn_tensor loss = sum(b, leaf(b, HN_SHAPE1(6), six));
    ok(b, hn_backward(b->graph, loss));
    assert_int_equal(hn_backward(b->graph, loss), HN_ERROR_STATE);
    test_assert_error(b->context, HN_ERROR_STATE, "walked already", "reset the graph", NULL);
    hn_graph_reset(b->graph);
    ok(b, hn_backward(b->graph, sum(b, leaf(b, HN_SHAPE1(6), six))));
    hn_graph_reset(b->graph);
}

static void test_loss_without_gradient(void **state)
{
    bench *b = *state;
    const hn_tensor constant = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(6), six, false);
    assert_int_equal(hn_backward(b->graph, sum(b, constant)), HN_ERROR_STATE);
    test_assert_error(b->context, HN_ERROR_STATE, "nothing differentiable", NULL);
    hn_graph_record(b->graph, false);
    assert_int_equal(hn_backward(b->graph, sum(b, leaf(b, HN_SHAPE1(6), six))), HN_ERROR_STATE);
    test_assert_error(b->context, HN_ERROR_STATE, "recording is off", NULL);
    hn_graph_record(b->graph, true);
    hn_graph_reset(b->graph);
}

static void test_loss_must_be_scalar(void **state)
{
    bench *b = *state;
    const hn_tensor y = hn_tanh(b->graph, leaf(b, HN_SHAPE2(2, 3), six));
    assert_int_equal(hn_backward(b->graph, y), HN_ERROR_SHAPE);
    test_assert_error(b->context, HN_ERROR_SHAPE, "the loss must be a scalar, it is [2,3]", NULL);
    const hn_tensor cotangent = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(3, 2), six, false);
    assert_int_equal(hn_backward_from(b->graph, y, cotangent), HN_ERROR_SHAPE);
    test_assert_error(b->context, HN_ERROR_SHAPE, "the output's shape", NULL);
    assert_int_equal(hn_backward_from(b->graph, y, HN_NO_TENSOR), HN_ERROR_STALE);
    test_assert_error(b->context, HN_ERROR_STALE, "no tensor", NULL);
    hn_graph_reset(b->graph);
}

/* Builders do nothing after the first error; the end of the step says what it was. */
static void test_first_error_is_kept(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE2(2, 3), six);
    const hn_tensor good = hn_tanh(b->graph, x);
    const int64_t nodes = hn_graph_nodes(b->graph), bytes = hn_graph_step_bytes(b->graph);
    const hn_tensor bad = hn_matmul(b->graph, good, x, HN_TRANSPOSE_NONE);
    assert_int_equal(bad.slot, 0);
    assert_int_equal(hn_add(b->graph, x, good).slot, 0);
    assert_int_equal(hn_concat(b->graph, &bad, 1, 0).slot, 0);
    assert_int_equal(hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(6), six, false).slot, 0);
    const hn_tensor loss = sum(b, bad);
    assert_int_equal(hn_graph_nodes(b->graph), nodes);
    assert_int_equal(hn_graph_step_bytes(b->graph), bytes);
    assert_int_equal(hn_backward(b->graph, loss), HN_ERROR_SHAPE);
    const hn_error *error = hn_context_error(b->context);
    assert_string_equal(error->op, "matmul");
    assert_string_equal(error->argument, "b");
    assert_string_equal(error->shapes[0], "[2,3]");
    assert_string_equal(error->shapes[1], "[2,3]");
    assert_string_equal(error->text, "matmul: a [2,3] has 3 columns, b [2,3] has 2 rows");
    double numbers[6];
    assert_int_equal(hn_tensor_read(b->graph, good, HN_DTYPE_F64, 6, numbers), HN_ERROR_SHAPE); /* the step is lost */
    hn_context_clear(b->context);
    hn_graph_reset(b->graph);
    assert_int_equal(hn_graph_status(b->graph), HN_OK);
}

/* ---- what is recorded ---- */

static void test_recording(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(6), six);
    assert_true(hn_graph_is_recording(b->graph));
    hn_graph_record(b->graph, false);
    (void)hn_mul(b->graph, x, x);
    assert_int_equal(hn_graph_nodes(b->graph), 0);
    hn_graph_record(b->graph, true);
    const hn_tensor constant = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(6), six, false);
    (void)hn_mul(b->graph, constant, constant);
    assert_int_equal(hn_graph_nodes(b->graph), 0); /* nothing differentiable below */
    const hn_tensor y = hn_mul(b->graph, x, constant);
    assert_int_equal(hn_graph_nodes(b->graph), 1);
    ok(b, hn_backward(b->graph, sum(b, y)));
    GRADIENT(b, x, 1, 2, 3, 4, 5, 6);
    assert_int_equal(hn_gradient_read(b->graph, constant, HN_DTYPE_F64, 6, (double[6]){0}), HN_ERROR_STATE);
    hn_context_clear(b->context);
    assert_int_equal(hn_gradient_read(b->graph, y, HN_DTYPE_F64, 6, (double[6]){0}), HN_ERROR_STATE);
    test_assert_error(b->context, HN_ERROR_STATE, "leaves and parameters", NULL);
    hn_graph_reset(b->graph);
}

/* Half of a step without recording: no gradient flows through it. */
static void test_recording_stops_gradients(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(6), six);
    hn_graph_record(b->graph, false);
    const hn_tensor still = hn_scale(b->graph, x, 10, 0);
    hn_graph_record(b->graph, true);
    ok(b, hn_backward(b->graph, sum(b, hn_mul(b->graph, x, still))));
    GRADIENT(b, x, 10, 20, 30, 40, 50, 60);
    hn_graph_reset(b->graph);
}

static void test_leaf_that_is_not_reached(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(2), six), unused = leaf(b, HN_SHAPE1(2), six);
    (void)hn_tanh(b->graph, unused); /* on the tape, not below the loss */
    ok(b, hn_backward(b->graph, sum(b, x)));
    GRADIENT(b, x, 1, 1);
    GRADIENT(b, unused, 0, 0);
    hn_graph_reset(b->graph);
}

static void test_loss_is_a_leaf_or_a_view(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SCALAR(), six);
    ok(b, hn_backward(b->graph, x));
    GRADIENT(b, x, 1);
    hn_graph_reset(b->graph);
    const hn_tensor y = leaf(b, HN_SHAPE1(6), six);
    ok(b, hn_backward(b->graph, hn_slice(b->graph, y, 0, 4, 1)));
    GRADIENT(b, y, 0, 0, 0, 0, 1, 0);
    hn_graph_reset(b->graph);
}

/* ---- where gradients go ---- */

static void test_many_uses_add_up(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(2), six); /* 1, 2 */
    hn_tensor total = hn_mul(b->graph, x, x);       /* 2x */
    for (int i = 0; i < 5; i++)
        total = hn_add(b->graph, total, hn_scale(b->graph, x, i, 0)); /* 0 + 1 + 2 + 3 + 4 */
    total = hn_add(b->graph, total, total);                           /* twice all */
    ok(b, hn_backward(b->graph, sum(b, total)));
    GRADIENT(b, x, 2 * (2 + 10), 2 * (4 + 10));
    hn_graph_reset(b->graph);
}

/* Both parts of a sum have the sum's gradient, in one buffer until one of them gets more. */
static void test_parts_of_a_sum_share(void **state)
{
    static const double weights[2] = {10, 20};
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(2), six), y = leaf(b, HN_SHAPE1(2), six);
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(2), weights, false);
    const hn_tensor early = hn_scale(b->graph, x, 3, 0); /* walked when x and y already share */
    const hn_tensor both = hn_add(b->graph, x, y);
    const hn_tensor loss = hn_add(b->graph, sum(b, hn_mul(b->graph, both, w)), sum(b, early));
    ok(b, hn_backward(b->graph, loss));
    GRADIENT(b, x, 10 + 3, 20 + 3);
    GRADIENT(b, y, 10, 20);
    hn_graph_reset(b->graph);
}

/* Blocks that add to what they were given: the loss, the sum and what is in work have a gradient buffer each. */
static void test_chain_of_sums(void **state)
{
    enum { BLOCKS = 12 };
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(2), six);
    hn_tensor y = x;
    for (int i = 0; i < BLOCKS; i++) {
        const hn_tensor branch = hn_scale(b->graph, hn_scale(b->graph, y, 2, 1), 0.5, 0);
        y = hn_sub(b->graph, hn_add(b->graph, y, branch), hn_scale(b->graph, y, 1, 0)); /* y + 1/2 */
    }
    const hn_tensor loss = sum(b, y);
    const int64_t before = hn_graph_step_bytes(b->graph);
    ok(b, hn_backward(b->graph, loss));
    GRADIENT(b, x, 1, 1);
    assert_int_equal(hn_graph_step_bytes(b->graph) - before, 4 * HNI_ALIGNMENT);
    hn_graph_reset(b->graph);
}

static void test_broadcast_parts_do_not_share(void **state)
{
    static const int swap[2] = {1, 0};
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE2(2, 3), six), row = leaf(b, HN_SHAPE1(3), six);
    const hn_tensor column = leaf(b, HN_SHAPE2(3, 2), six), turned = hn_permute(b->graph, column, swap);
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(2, 3), six, false);
    ok(b, hn_backward(b->graph, sum(b, hn_mul(b->graph, w, hn_add(b->graph, x, hn_add(b->graph, turned, row))))));
    GRADIENT(b, x, 1, 2, 3, 4, 5, 6);
    GRADIENT(b, row, 5, 7, 9);
    GRADIENT(b, column, 1, 4, 2, 5, 3, 6);
    hn_graph_reset(b->graph);
}

/* ---- who watches ---- */

typedef struct seen {
    char text[256];
} seen;

static void note(void *user, hni_op op, int64_t place, bool backward)
{
    seen *s = user;
    const size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%s%s %lld, ", backward ? "back " : "", hni_op_find(op)->name,
             (long long)place);
}

static void test_observer_sees_every_op(void **state)
{
    bench *b = *state;
    seen s = {""};
    const hn_tensor x = leaf(b, HN_SHAPE1(2), six);
    const hn_tensor constant = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(2), six, false);
    b->graph->observer = (hni_observer){note, &s};
    const hn_tensor y = hn_mul(b->graph, x, hn_tanh(b->graph, constant));
    ok(b, hn_backward(b->graph, sum(b, y)));
    b->graph->observer = (hni_observer){NULL, NULL};
    (void)hn_tanh(b->graph, x);
    assert_string_equal(s.text, "tanh -1, mul 0, sum 1, back sum 1, back mul 0, ");
    hn_graph_reset(b->graph);
}

static void test_overlapping_slices(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(6), six);
    const hn_tensor front = hn_slice(b->graph, x, 0, 0, 4), back = hn_slice(b->graph, x, 0, 2, 4);
    const hn_tensor inner = hn_slice(b->graph, front, 0, 1, 2); /* elements 1, 2 */
    const hn_tensor y =
        hn_add(b->graph, sum(b, hn_mul(b->graph, front, back)), sum(b, hn_scale(b->graph, inner, 100, 0)));
    ok(b, hn_backward(b->graph, y));
    GRADIENT(b, x, 3, 4 + 100, 5 + 1 + 100, 6 + 2, 3, 4);
    hn_graph_reset(b->graph);
}

static void test_slice_of_permute_of_reshape(void **state)
{
    static const int swap[2] = {1, 0};
    static const double weights[4] = {1, 10, 100, 1000};
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(6), six);
    const hn_tensor turned = hn_permute(b->graph, hn_reshape(b->graph, x, HN_SHAPE2(2, 3)), swap); /* [3,2] */
    const hn_tensor part = hn_slice(b->graph, turned, 0, 1, 2);                                    /* 2 5; 3 6 */
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(2, 2), weights, false);
    double numbers[4];
    ok(b, hn_tensor_read(b->graph, part, HN_DTYPE_F64, 4, numbers));
    assert_all_close_double(numbers, ((const double[]){2, 5, 3, 6}), 4, 0);
    ok(b, hn_backward(b->graph, sum(b, hn_mul(b->graph, part, w))));
    GRADIENT(b, x, 0, 1, 100, 0, 10, 1000);
    hn_graph_reset(b->graph);
}

/* A permuted matrix cannot be re-read in one row: the builder copies, and the copy is on the tape. */
static void test_reshape_that_copies(void **state)
{
    static const int swap[2] = {1, 0};
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE2(2, 3), six);
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(6), six, false);
    const hn_tensor flat = hn_reshape(b->graph, hn_permute(b->graph, x, swap), HN_SHAPE1(6)); /* 1 4 2 5 3 6 */
    double numbers[6];
    assert_int_equal(hn_graph_nodes(b->graph), 3);
    ok(b, hn_tensor_read(b->graph, flat, HN_DTYPE_F64, 6, numbers));
    assert_all_close_double(numbers, ((const double[]){1, 4, 2, 5, 3, 6}), 6, 0);
    ok(b, hn_backward(b->graph, sum(b, hn_mul(b->graph, flat, w))));
    GRADIENT(b, x, 1, 3, 5, 2, 4, 6);
    hn_graph_reset(b->graph);
}

/* A view of a constant stays constant; a view of an op's output belongs to that op's gradient. */
static void test_views_of_an_output(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(6), six);
    const hn_tensor y = hn_scale(b->graph, x, 2, 0);
    const hn_tensor left = hn_slice(b->graph, y, 0, 0, 3), right = hn_slice(b->graph, y, 0, 3, 3);
    ok(b, hn_backward(b->graph, sum(b, hn_mul(b->graph, left, right))));
    GRADIENT(b, x, 2 * 8, 2 * 10, 2 * 12, 2 * 2, 2 * 4, 2 * 6);
    hn_graph_reset(b->graph);
}

/* Values of ops stay as they are however many gradients run through their buffers. */
static void test_values_outlive_backward(void **state)
{
    bench *b = *state;
    const hn_tensor x = leaf(b, HN_SHAPE1(6), six);
    hn_tensor y = x;
    for (int i = 0; i < 20; i++)
        y = hn_scale(b->graph, y, 1, 1);
    ok(b, hn_backward(b->graph, sum(b, y)));
    double numbers[6];
    ok(b, hn_tensor_read(b->graph, y, HN_DTYPE_F64, 6, numbers));
    assert_all_close_double(numbers, ((const double[]){21, 22, 23, 24, 25, 26}), 6, 0);
    GRADIENT(b, x, 1, 1, 1, 1, 1, 1);
    hn_graph_reset(b->graph);
}

/* ---- parameters ---- */

static void test_parameter_gradients_add(void **state)
{
    const hn_language_model model = test_language_model(HN_CELL_HYPERLSTM, true);
    test_language l;
    int64_t count;
    double *runs[3];
    (void)state;
    test_language_open(&l, &model, &(test_language_options){HN_BACKEND_GENERIC, HN_DTYPE_F64, 1, NULL});
    for (uint32_t run = 0; run < 3; run++) { /* run 2: windows 0 and 1 without zeroing in between */
        language_ok(&l, hn_store_zero_gradients(l.store));
        for (uint32_t window = 0; window < 2; window++) {
            if (run < 2 && window != run) continue;
            hn_graph_reset(l.graph);
            const hn_tensor start = test_language_state(&l, 2, window);
            const hn_window given = {.symbols = test_language_symbols(&l, 2, 3, window),
                                     .targets = test_language_symbols(&l, 2, 3, window + 7)};
            language_ok(&l, hn_backward(l.graph, hn_language_run(l.weights, &l.model, &given, &start, NULL).loss));
        }
        runs[run] = test_language_gradients(&l, &count);
    }
    for (int64_t i = 0; i < count; i++)
        assert_close(runs[2][i], runs[0][i] + runs[1][i], 1e-12, 1e-15);
    for (int run = 0; run < 3; run++)
        test_free(runs[run]);
    test_language_close(&l);
}

/* T uses of one matrix: the gradient is the sum over uses that were given a copy each. */
static void test_shared_weight_is_the_sum_of_its_uses(void **state)
{
    static const double w[4] = {0.5, -0.2, 0.3, 0.7}, x0[2] = {1, 2};
    bench *b = *state;
    double shared[4], separate[3][4];
    for (int copies = 1; copies <= 3; copies += 2) {
        hn_graph_reset(b->graph);
        hn_tensor weights[3], h = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(1, 2), x0, false);
        for (int i = 0; i < 3; i++)
            weights[i] = i < copies ? leaf(b, HN_SHAPE2(2, 2), w) : weights[0];
        for (int i = 0; i < 3; i++)
            h = hn_tanh(b->graph, hn_matmul(b->graph, h, weights[i], HN_TRANSPOSE_B));
        ok(b, hn_backward(b->graph, sum(b, h)));
        for (int i = 0; i < copies; i++)
            ok(b, hn_gradient_read(b->graph, weights[i], HN_DTYPE_F64, 4, copies == 1 ? shared : separate[i]));
    }
    for (int k = 0; k < 4; k++)
        assert_close(shared[k], separate[0][k] + separate[1][k] + separate[2][k], 1e-14, 0);
    hn_graph_reset(b->graph);
}

/* x / y with a 0 in y: the division is named, not what is computed from it, nor the view between them. */
static void test_the_first_bad_op_is_named(void **state)
{
    const bench *b = *state;
    const double numbers[4] = {1, 2, 3, 4}, divisors[4] = {1, 0, 1, 1};
    char first[96] = "as before";
    const hn_tensor x = leaf(b, HN_SHAPE2(2, 2), numbers), y = leaf(b, HN_SHAPE2(2, 2), divisors);
    const hn_tensor twice = hn_add(b->graph, x, x);
    ok(b, hni_graph_first_bad(b->graph, first, sizeof first));
    assert_string_equal(first, "");
    const hn_tensor quotient = hn_div(b->graph, twice, y);
    const hn_tensor flat = hn_reshape(b->graph, quotient, HN_SHAPE1(4));
    const hn_tensor loss = sum(b, hn_mul(b->graph, flat, flat));
    ok(b, hn_backward(b->graph, loss));
    ok(b, hni_graph_first_bad(b->graph, first, sizeof first));
    assert_string_equal(first, "div [2,2], operation 2 of 5");
    hn_graph_reset(b->graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_bad_op_is_named),
        cmocka_unit_test(test_backward_twice),
        cmocka_unit_test(test_loss_without_gradient),
        cmocka_unit_test(test_loss_must_be_scalar),
        cmocka_unit_test(test_first_error_is_kept),
        cmocka_unit_test(test_recording),
        cmocka_unit_test(test_recording_stops_gradients),
        cmocka_unit_test(test_leaf_that_is_not_reached),
        cmocka_unit_test(test_loss_is_a_leaf_or_a_view),
        cmocka_unit_test(test_many_uses_add_up),
        cmocka_unit_test(test_parts_of_a_sum_share),
        cmocka_unit_test(test_chain_of_sums),
        cmocka_unit_test(test_broadcast_parts_do_not_share),
        cmocka_unit_test(test_observer_sees_every_op),
        cmocka_unit_test(test_overlapping_slices),
        cmocka_unit_test(test_slice_of_permute_of_reshape),
        cmocka_unit_test(test_reshape_that_copies),
        cmocka_unit_test(test_views_of_an_output),
        cmocka_unit_test(test_values_outlive_backward),
        cmocka_unit_test(test_parameter_gradients_add),
        cmocka_unit_test(test_shared_weight_is_the_sum_of_its_uses),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
