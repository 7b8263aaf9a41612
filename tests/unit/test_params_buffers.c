/* Buffers of the store: a block beside the parameters, values that a step remembers and a commit writes, their average, and what is
 * refused. */
#include <math.h>

#include "graph/graph.h"
#include "hypernet/optim.h"
#include "params/store.h"
#include "test_store.h"

static const double rows[2] = {0, 1};

static hn_init by_row(void) { return hn_init_by_row(hn_init_constant(1), rows); }

typedef struct bench {
    test_store made;
    hn_graph *graph;
    hn_weights *weights;
} bench;

/* Two parameters and two buffers, "statistics" [2,3] and "count" []. */
static void open_bench(bench *b, hn_backend backend, hn_dtype dtype)
{
    test_store_open(&b->made, 1);
    test_store_declare(&b->made, "weight", HN_SHAPE1(5), hn_init_constant(4));
    const hn_tensor statistics = hn_weights_buffer(b->made.declarer, "statistics", HN_SHAPE2(2, 3), by_row());
    assert_true(hn_shape_equal(hn_tensor_shape(b->made.dry, statistics), HN_SHAPE2(2, 3)));
    (void)hn_weights_buffer(b->made.declarer, "count", HN_SCALAR(), hn_init_constant(7));
    (void)hn_weights_buffer(b->made.declarer, "statistics", HN_SHAPE2(2, 3), by_row()); /* the same one again */
    test_store_declare(&b->made, "bias", HN_SHAPE1(2), hn_init_zeros());
    test_store_seal(&b->made, backend, dtype, 1);
    b->graph = test_graph_create(b->made.context, backend, dtype);
    assert_int_equal(hn_weights_create(b->graph, b->made.store, &b->weights), HN_OK);
}

static void close_bench(bench *b)
{
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
    test_store_close(&b->made);
}

static hn_tensor statistics(bench *b) { return hn_weights_buffer(b->weights, "statistics", HN_SHAPE2(2, 3), by_row()); }

static void assert_buffer(const bench *b, const char *name, const double *expected)
{
    double values[6];
    const int64_t index = hn_store_buffer_find(b->made.store, name);
    assert_true(index >= 0);
    const int64_t count = hn_store_buffer(b->made.store, index)->elements;
    assert_int_equal(hn_store_buffer_read(b->made.store, index, HN_DTYPE_F64, count, values), HN_OK);
    assert_all_close_double(values, expected, (size_t)count, 1e-7);
}

static const double start[6] = {0, 0, 0, 1, 1, 1}, doubled[6] = {2, 2, 2, 4, 4, 4};

/* ---- beside the parameters ---- */

static void test_a_block_of_their_own(void **state)
{
    static const hn_dtype types[2] = {HN_DTYPE_F32, HN_DTYPE_F64};
    (void)state;
    for (int t = 0; t < 2; t++) {
        bench b;
        double numbers[6] = {1, 2, 3, 4, 5, 6};
        open_bench(&b, HN_BACKEND_GENERIC, types[t]);
        const hn_store *store = b.made.store;
        assert_int_equal(hn_store_count(store), 2);
        assert_int_equal(hn_store_elements(store), 7);
        assert_int_equal(hn_store_find(store, "statistics"), -1);
        assert_int_equal(hn_store_buffer_count(store), 2);
        assert_int_equal(hn_store_buffer_elements(store), 7);
        assert_int_equal(hn_store_buffer_find(store, "count"), 1);
        assert_int_equal(hn_store_buffer_find(store, "weight"), -1);
        assert_int_equal(hn_store_buffer_find(store, NULL), -1);
        assert_string_equal(hn_store_buffer(store, 0)->name, "statistics");
        assert_int_equal(hn_store_buffer(store, 1)->offset * (int64_t)hn_dtype_size(types[t]), 64);
        assert_null(hn_store_buffer(store, 2));
        assert_null(hn_store_buffer(store, -1));
        assert_buffer(&b, "statistics", start);
        assert_buffer(&b, "count", (const double[]){7});
        assert_int_equal(hn_store_buffer_write(b.made.store, 0, HN_DTYPE_F64, 6, numbers), HN_OK);
        assert_buffer(&b, "statistics", numbers);
        double *weight = test_store_read(&b.made, "weight"); /* neither writes into the other's block */
        for (int i = 0; i < 5; i++)
            assert_true(weight[i] == 4);
        free(weight);
        double read[6];
        assert_int_equal(hn_tensor_read(b.graph, statistics(&b), HN_DTYPE_F64, 6, read), HN_OK);
        assert_all_close_double(read, numbers, 6, 0);
        close_bench(&b);
    }
}

/* No gradient goes into them, and an op that reads one is no reason for a backward pass. */
static void test_no_gradient(void **state)
{
    bench b;
    (void)state;
    open_bench(&b, HN_BACKEND_BEST, HN_DTYPE_F32);
    const hn_tensor alone = hn_sum(b.graph, statistics(&b), HN_ALL_AXES, false);
    assert_int_equal(hn_graph_nodes(b.graph), 0);
    assert_int_equal(hn_backward(b.graph, alone), HN_ERROR_STATE);
    hn_graph_reset(b.graph);
    hn_context_clear(b.made.context);
    const hn_tensor bias = hn_weights_get(b.weights, "bias", HN_SHAPE1(2), hn_init_zeros());
    const hn_tensor row = hn_reshape(b.graph, hn_slice(b.graph, statistics(&b), 1, 0, 1), HN_SHAPE1(2));
    assert_int_equal(hn_backward(b.graph, hn_sum(b.graph, hn_mul(b.graph, bias, row), HN_ALL_AXES, false)), HN_OK);
    double gradient[2];
    assert_int_equal(hn_store_gradient_read(b.made.store, 1, HN_DTYPE_F64, 2, gradient), HN_OK);
    assert_all_close_double(gradient, ((const double[]){0, 1}), 2, 0);
    close_bench(&b);
}

/* ---- update and commit ---- */

/* 2 + 2 x: what the tests make of the statistics. */
static hn_tensor next_of(bench *b) { return hn_scale(b->graph, statistics(b), 2, 2); }

static void test_commit(void **state)
{
    bench b;
    (void)state;
    open_bench(&b, HN_BACKEND_BEST, HN_DTYPE_F32);
    assert_int_equal(hn_weights_commit(b.weights), HN_OK); /* nothing is due */
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", next_of(&b)), HN_OK);
    assert_buffer(&b, "statistics", start);
    assert_int_equal(hn_weights_commit(b.weights), HN_OK);
    assert_buffer(&b, "statistics", doubled);
    assert_buffer(&b, "count", (const double[]){7});
    assert_int_equal(hn_weights_commit(b.weights), HN_OK); /* once */
    assert_buffer(&b, "statistics", doubled);
    hn_graph_reset(b.graph);
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", next_of(&b)), HN_OK);
    hn_graph_reset(b.graph); /* forgets it */
    assert_int_equal(hn_weights_commit(b.weights), HN_OK);
    assert_buffer(&b, "statistics", doubled);
    close_bench(&b);
}

static void test_the_last_value_counts(void **state)
{
    static const double columns[6] = {1, 4, 2, 5, 3, 6}, turned[6] = {1, 2, 3, 4, 5, 6};
    static const int swap[2] = {1, 0};
    bench b;
    (void)state;
    open_bench(&b, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    const hn_tensor other = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE2(3, 2), columns, false);
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", next_of(&b)), HN_OK);
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", hn_permute(b.graph, other, swap)), HN_OK);
    assert_int_equal(hn_weights_commit(b.weights), HN_OK);
    assert_buffer(&b, "statistics", turned);
    close_bench(&b);
}

static void test_steps_take_no_memory(void **state)
{
    bench b;
    uint64_t calls = 0;
    (void)state;
    open_bench(&b, HN_BACKEND_BEST, HN_DTYPE_F32);
    for (int step = 0; step < 4; step++) {
        hn_graph_reset(b.graph);
        assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", next_of(&b)), HN_OK);
        assert_int_equal(hn_weights_commit(b.weights), HN_OK);
        if (step == 0) calls = hn_context_allocations(b.made.context);
    }
    assert_int_equal(hn_context_allocations(b.made.context), calls);
    close_bench(&b);
}

static void test_dry(void **state)
{
    test_store made;
    (void)state;
    test_store_open(&made, 1);
    const hn_tensor buffer = hn_weights_buffer(made.declarer, "statistics", HN_SHAPE2(2, 3), by_row());
    assert_int_equal(hn_weights_buffer_update(made.declarer, "statistics", hn_scale(made.dry, buffer, 2, 0)), HN_OK);
    assert_int_equal(hn_weights_commit(made.declarer), HN_OK);
    assert_int_equal(hn_store_seal(made.store, made.dry, 1), HN_OK);
    assert_int_equal(hn_weights_commit(made.declarer), HN_OK);
    double values[6];
    assert_int_equal(hn_store_buffer_read(made.store, 0, HN_DTYPE_F64, 6, values), HN_ERROR_STATE);
    hn_context_clear(made.context);
    test_store_close(&made);
}

/* ---- the weight average ---- */

static void set_gradients(bench *b, double value)
{
    const double weight[5] = {value, 0, 0, 0, 0}, bias[2] = {0, 0};
    test_store_write_gradient(&b->made, "weight", weight);
    test_store_write_gradient(&b->made, "bias", bias);
}

static void test_average(void **state)
{
    bench b;
    hn_optimizer *optimizer;
    hn_optimizer_options options;
    double average[6];
    (void)state;
    hn_optimizer_options_default(&options);
    options.average_decay = 0.75;
    open_bench(&b, HN_BACKEND_BEST, HN_DTYPE_F32);
    assert_int_equal(hn_optimizer_create(b.made.store, &options, &optimizer), HN_OK);
    set_gradients(&b, 1);
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", next_of(&b)), HN_OK);
    assert_int_equal(hn_optimizer_step(optimizer, 0.1, NULL), HN_OK); /* sees the start */
    assert_int_equal(hn_weights_commit(b.weights), HN_OK);
    assert_int_equal(hn_optimizer_buffer_read(optimizer, 0, HN_DTYPE_F64, average), HN_OK);
    assert_all_close_double(average, start, 6, 0);
    assert_int_equal(hn_optimizer_step(optimizer, 0.1, NULL), HN_OK);
    assert_int_equal(hn_optimizer_buffer_read(optimizer, 0, HN_DTYPE_F64, average), HN_OK);
    const double expected[6] = {0.5, 0.5, 0.5, 1.75, 1.75, 1.75};
    assert_all_close_double(average, expected, 6, 1e-7);
    set_gradients(&b, HUGE_VAL); /* a refused update averages nothing */
    assert_int_equal(hn_optimizer_step(optimizer, 0.1, NULL), HN_ERROR_NONFINITE);
    hn_context_clear(b.made.context);
    assert_int_equal(hn_optimizer_swap_average(optimizer), HN_OK);
    assert_buffer(&b, "statistics", expected);
    assert_buffer(&b, "count", (const double[]){7});
    assert_int_equal(hn_optimizer_buffer_read(optimizer, 0, HN_DTYPE_F64, average), HN_OK);
    assert_all_close_double(average, doubled, 6, 0); /* the values, until they are exchanged again */
    assert_int_equal(hn_optimizer_swap_average(optimizer), HN_OK);
    assert_buffer(&b, "statistics", doubled);
    assert_int_equal(hn_optimizer_buffer_write(optimizer, 0, HN_DTYPE_F64, start), HN_OK);
    assert_int_equal(hn_optimizer_buffer_read(optimizer, 0, HN_DTYPE_F64, average), HN_OK);
    assert_all_close_double(average, start, 6, 0);
    assert_int_equal(hn_optimizer_buffer_read(optimizer, 2, HN_DTYPE_F64, average), HN_ERROR_ARGUMENT);
    test_assert_error(b.made.context, HN_ERROR_ARGUMENT, "there is no buffer 2: the store has 2", NULL);
    assert_int_equal(hn_optimizer_buffer_write(optimizer, 0, HN_DTYPE_I32, start), HN_ERROR_TYPE);
    hn_context_clear(b.made.context);
    hn_optimizer_destroy(optimizer);

    assert_int_equal(hn_optimizer_create(b.made.store, NULL, &optimizer), HN_OK);
    assert_int_equal(hn_optimizer_buffer_read(optimizer, 0, HN_DTYPE_F64, average), HN_ERROR_STATE);
    test_assert_error(b.made.context, HN_ERROR_STATE, "this optimiser keeps no average", NULL);
    assert_int_equal(hn_optimizer_swap_average(optimizer), HN_OK);
    assert_buffer(&b, "statistics", doubled);
    hn_optimizer_destroy(optimizer);
    close_bench(&b);
}

/* ---- refusals ---- */

/* The builder or update of the last call has failed, and the graph with it; both are cleared. */
static void refused(bench *b, hn_status status, const char *text)
{
    assert_int_equal(hn_graph_status(b->graph), status);
    test_assert_error(b->made.context, status, text, NULL);
    hn_graph_reset(b->graph);
}

static void test_refused_builders(void **state)
{
    bench b;
    (void)state;
    open_bench(&b, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    assert_int_equal(hn_weights_buffer(b.weights, "statistic", HN_SHAPE2(2, 3), by_row()).slot, 0);
    refused(&b, HN_ERROR_ARGUMENT, "the store is sealed and has no buffer \"statistic\": did you mean \"statistics\"?");
    (void)hn_weights_buffer(b.weights, "weight", HN_SHAPE1(5), hn_init_zeros());
    refused(&b, HN_ERROR_ARGUMENT,
            "has no buffer \"weight\" nor one of a similar name (it has 2, the first is \"statistics\"): declare it "
            "before hn_store_seal");
    (void)hn_weights_buffer(b.weights, "statistics", HN_SHAPE2(2, 4), by_row());
    refused(&b, HN_ERROR_SHAPE, "\"statistics\" is [2,3] in the store and is asked for as [2,4]");
    (void)hn_weights_buffer(b.weights, NULL, HN_SHAPE1(1), hn_init_zeros());
    refused(&b, HN_ERROR_ARGUMENT, "has no buffer \"\"");
    close_bench(&b);
}

static void test_refused_updates(void **state)
{
    bench b;
    const int32_t integers[6] = {0};
    (void)state;
    open_bench(&b, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    assert_int_equal(hn_weights_buffer_update(b.weights, "count", next_of(&b)), HN_ERROR_SHAPE);
    refused(&b, HN_ERROR_SHAPE, "\"count\" is [] in the store and is asked for as [2,3]");
    assert_int_equal(hn_weights_buffer_update(b.weights, "sum", next_of(&b)), HN_ERROR_ARGUMENT);
    refused(&b, HN_ERROR_ARGUMENT, "the store has no buffer \"sum\" to be updated: ask for it by hn_weights_buffer");
    const hn_tensor whole = hn_tensor_from(b.graph, HN_DTYPE_I32, HN_SHAPE2(2, 3), integers, false);
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", whole), HN_ERROR_TYPE);
    refused(&b, HN_ERROR_TYPE, "buffer \"statistics\" cannot become I32: it must be F32");
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", whole),
                     HN_ERROR_STALE); /* of before the reset */
    refused(&b, HN_ERROR_STALE, "weights: update of a buffer: a tensor of an earlier step");
    hn_tensor persistent;
    assert_int_equal(hn_tensor_persist(b.graph, HN_DTYPE_F32, HN_SHAPE2(2, 3), &persistent), HN_OK);
    assert_int_equal(hn_weights_buffer_update(b.weights, "statistics", persistent), HN_OK);
    hn_tensor_drop(b.graph, persistent);
    assert_int_equal(hn_weights_commit(b.weights), HN_ERROR_STALE);
    refused(&b, HN_ERROR_STALE, "weights: update of a buffer");
    assert_buffer(&b, "statistics", start);
    close_bench(&b);
}

static void test_refused_declarations(void **state)
{
    test_store made;
    (void)state;
    test_store_open(&made, 1);
    test_store_declare(&made, "weight", HN_SHAPE1(5), hn_init_zeros());
    (void)hn_weights_buffer(made.declarer, "weight", HN_SHAPE1(5), hn_init_zeros());
    test_assert_error(made.context, HN_ERROR_ARGUMENT,
                      "\"weight\" is a parameter already: give the buffer another name", NULL);
    hn_graph_reset(made.dry);
    (void)hn_weights_buffer(made.declarer, "mean", HN_SHAPE1(5), hn_init_zeros());
    (void)hn_weights_get(made.declarer, "mean", HN_SHAPE1(5), hn_init_zeros());
    test_assert_error(made.context, HN_ERROR_ARGUMENT, "\"mean\" is a buffer already: give the parameter another name",
                      NULL);
    hn_graph_reset(made.dry);
    (void)hn_weights_buffer(made.declarer, "mean", HN_SHAPE1(6), hn_init_zeros());
    test_assert_error(made.context, HN_ERROR_SHAPE, "\"mean\" was declared as [5] and is now asked for as [6]", NULL);
    hn_graph_reset(made.dry);
    (void)hn_weights_buffer(made.declarer, "", HN_SHAPE1(6), hn_init_zeros());
    test_assert_error(made.context, HN_ERROR_ARGUMENT, "a buffer's name has 0 bytes", NULL);
    hn_graph_reset(made.dry);

    hn_weights *early;
    hn_graph *graph = test_graph_create(made.context, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    assert_int_equal(hn_weights_create(graph, made.store, &early), HN_OK);
    (void)hn_weights_buffer(early, "mean", HN_SHAPE1(5), hn_init_zeros());
    test_assert_error(made.context, HN_ERROR_STATE, "\"mean\" is asked for while the store is open", NULL);
    hn_weights_destroy(early);
    hn_graph_destroy(graph);
    test_store_close(&made);
}

static void test_refused_copies(void **state)
{
    bench b;
    double values[6];
    (void)state;
    open_bench(&b, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    assert_int_equal(hn_store_buffer_read(b.made.store, 2, HN_DTYPE_F64, 1, values), HN_ERROR_ARGUMENT);
    test_assert_error(b.made.context, HN_ERROR_ARGUMENT, "there is no buffer 2: the store has 2", NULL);
    assert_int_equal(hn_store_buffer_write(b.made.store, 0, HN_DTYPE_F64, 5, values), HN_ERROR_SHAPE);
    test_assert_error(b.made.context, HN_ERROR_SHAPE, "\"statistics\" has 6 elements, not 5", NULL);
    assert_int_equal(hn_store_buffer_read(b.made.store, 0, HN_DTYPE_I32, 6, values), HN_ERROR_TYPE);
    test_assert_error(b.made.context, HN_ERROR_TYPE, "\"statistics\" can be copied as F32 or F64", NULL);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_of_their_own),
        cmocka_unit_test(test_no_gradient),
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_the_last_value_counts),
        cmocka_unit_test(test_steps_take_no_memory),
        cmocka_unit_test(test_dry),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_refused_builders),
        cmocka_unit_test(test_refused_updates),
        cmocka_unit_test(test_refused_declarations),
        cmocka_unit_test(test_refused_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
