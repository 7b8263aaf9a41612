/* Weights by name: a layer cannot tell a stored number from a generated one. */
#include "params/store.h"
#include "test_store.h"

typedef struct model {
    test_store base;
    hn_graph *graph;
    hn_weights *weights;
} model;

/* A sealed store with "linear.weight" [2,3] = 2 and "linear.bias" [2] = 1, and a computing graph. */
static void model_open(model *fixture, hn_dtype dtype)
{
    test_store_open(&fixture->base, 1);
    test_store_declare(&fixture->base, "linear.weight", HN_SHAPE2(2, 3), hn_init_constant(2));
    test_store_declare(&fixture->base, "linear.bias", HN_SHAPE1(2), hn_init_constant(1));
    test_store_seal(&fixture->base, HN_BACKEND_GENERIC, dtype, 5);
    fixture->graph = test_graph_create(fixture->base.context, HN_BACKEND_GENERIC, dtype);
    assert_int_equal(hn_weights_create(fixture->graph, fixture->base.store, &fixture->weights), HN_OK);
}

static void model_close(model *fixture)
{
    hn_weights_destroy(fixture->weights);
    hn_graph_destroy(fixture->graph);
    test_store_close(&fixture->base);
}

static hn_tensor get_weight(model *fixture)
{
    return hn_weights_get(fixture->weights, "linear.weight", HN_SHAPE2(2, 3), hn_init_constant(2));
}

static void assert_values(hn_graph *graph, hn_tensor tensor, const double *expected, int64_t count)
{
    double values[16];
    assert_int_equal(hn_tensor_read(graph, tensor, HN_DTYPE_F64, count, values), HN_OK);
    assert_all_close_double(values, expected, (size_t)count, 0);
}

static void serves_the_store(void **state)
{
    const double twos[6] = {2, 2, 2, 2, 2, 2}, written[6] = {1, 2, 3, 4, 5, 6};
    model fixture;
    (void)state;
    model_open(&fixture, HN_DTYPE_F32);
    assert_ptr_equal(hn_weights_graph(fixture.weights), fixture.graph);
    assert_ptr_equal(hn_weights_store(fixture.weights), fixture.base.store);
    const hn_tensor weight = get_weight(&fixture);
    assert_values(fixture.graph, weight, twos, 6);
    /* No copy: what is written to the store is what the graph reads, also after a reset. */
    test_store_write(&fixture.base, "linear.weight", written);
    assert_values(fixture.graph, weight, written, 6);
    hn_graph_reset(fixture.graph);
    const hn_tensor again = get_weight(&fixture);
    assert_memory_equal(&again, &weight, sizeof(weight));
    assert_values(fixture.graph, again, written, 6);
    model_close(&fixture);
}

/* loss = sum(x W^T): the gradient of each row of W is x; a second use of W adds to it. */
static void gradients_arrive_in_the_store(void **state)
{
    const double x[3] = {1, -2, 3};
    const double expected[6] = {2, -4, 6, 2, -4, 6};
    double gradient[6];
    model fixture;
    (void)state;
    model_open(&fixture, HN_DTYPE_F64);
    const hn_tensor input = hn_tensor_from(fixture.graph, HN_DTYPE_F64, HN_SHAPE2(1, 3), x, false);
    const hn_tensor once = hn_matmul(fixture.graph, input, get_weight(&fixture), HN_TRANSPOSE_B);
    const hn_tensor twice =
        hn_add(fixture.graph, once, hn_matmul(fixture.graph, input, get_weight(&fixture), HN_TRANSPOSE_B));
    assert_int_equal(hn_backward(fixture.graph, hn_sum(fixture.graph, twice, HN_ALL_AXES, false)), HN_OK);
    assert_int_equal(hn_store_gradient_read(fixture.base.store, 0, HN_DTYPE_F64, 6, gradient), HN_OK);
    assert_all_close_double(gradient, expected, 6, 0);
    /* The next step adds until the gradients are cleared. */
    assert_int_equal(hn_store_zero_gradients(fixture.base.store), HN_OK);
    assert_int_equal(hn_store_gradient_read(fixture.base.store, 0, HN_DTYPE_F64, 6, gradient), HN_OK);
    assert_close(gradient[2], 0, 0, 0);
    model_close(&fixture);
}

static void a_replaced_name_hides_the_store(void **state)
{
    const double sevens[6] = {7, 7, 7, 7, 7, 7}, twos[6] = {2, 2, 2, 2, 2, 2};
    double gradient[6];
    model fixture;
    (void)state;
    model_open(&fixture, HN_DTYPE_F64);
    const hn_tensor made = hn_tensor_from(fixture.graph, HN_DTYPE_F64, HN_SHAPE2(2, 3), sevens, true);
    assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_OK);
    const hn_tensor got = get_weight(&fixture);
    assert_values(fixture.graph, got, sevens, 6);
    assert_int_equal(hn_backward(fixture.graph, hn_sum(fixture.graph, got, HN_ALL_AXES, false)), HN_OK);
    assert_int_equal(hn_gradient_read(fixture.graph, made, HN_DTYPE_F64, 6, gradient), HN_OK);
    assert_close(gradient[5], 1, 0, 0);
    assert_int_equal(hn_store_gradient_read(fixture.base.store, 0, HN_DTYPE_F64, 6, gradient), HN_OK);
    assert_close(gradient[5], 0, 0, 0);
    hn_weights_clear(fixture.weights);
    assert_values(fixture.graph, get_weight(&fixture), twos, 6);
    model_close(&fixture);
}

static void a_replacement_ends_with_the_reset(void **state)
{
    const double sevens[6] = {7, 7, 7, 7, 7, 7}, twos[6] = {2, 2, 2, 2, 2, 2};
    model fixture;
    (void)state;
    model_open(&fixture, HN_DTYPE_F32);
    const hn_tensor made = hn_tensor_from(fixture.graph, HN_DTYPE_F64, HN_SHAPE2(2, 3), sevens, false);
    assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_OK);
    hn_graph_reset(fixture.graph);
    assert_values(fixture.graph, get_weight(&fixture), twos, 6);
    /* The old tensor is refused, and the refusal stops the step. */
    assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_ERROR_STALE);
    assert_int_equal(hn_graph_status(fixture.graph), HN_ERROR_STALE);
    test_assert_error(fixture.base.context, HN_ERROR_STALE, "linear.weight", NULL);
    assert_int_equal(get_weight(&fixture).slot, 0);
    assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_ERROR_STALE);
    hn_graph_reset(fixture.graph);
    assert_values(fixture.graph, get_weight(&fixture), twos, 6);
    model_close(&fixture);
}

static void weights_per_sample(void **state)
{
    double numbers[12];
    model fixture;
    (void)state;
    for (int i = 0; i < 12; i++)
        numbers[i] = i;
    model_open(&fixture, HN_DTYPE_F64);
    const hn_tensor made = hn_tensor_from(fixture.graph, HN_DTYPE_F64, HN_SHAPE3(2, 2, 3), numbers, false);
    assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_OK);
    assert_true(hn_shape_equal(hn_tensor_shape(fixture.graph, get_weight(&fixture)), HN_SHAPE3(2, 2, 3)));
    assert_values(fixture.graph, get_weight(&fixture), numbers, 12);
    model_close(&fixture);
}

static void refuses_replacements_that_do_not_fit(void **state)
{
    const hn_shape bad[] = {HN_SHAPE2(3, 2), HN_SHAPE1(6), HN_SHAPE3(2, 3, 2), HN_SHAPE4(1, 1, 2, 3)};
    model fixture;
    (void)state;
    model_open(&fixture, HN_DTYPE_F32);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[96];
        hn_shape_print(bad[i], text, sizeof(text));
        const hn_tensor made = hn_tensor_from(fixture.graph, HN_DTYPE_F32, bad[i], NULL, false);
        assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_OK);
        assert_int_equal(get_weight(&fixture).slot, 0);
        test_assert_error(fixture.base.context, HN_ERROR_SHAPE, "linear.weight", text, "[2,3]", "batch dimension",
                          NULL);
        hn_graph_reset(fixture.graph);
    }
    const hn_tensor symbols = hn_tensor_from(fixture.graph, HN_DTYPE_I32, HN_SHAPE2(2, 3), NULL, false);
    assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", symbols), HN_ERROR_TYPE);
    test_assert_error(fixture.base.context, HN_ERROR_TYPE, "linear.weight", "I32", "F32", NULL);
    hn_graph_reset(fixture.graph);
    assert_int_equal(hn_weights_put(fixture.weights, "", HN_NO_TENSOR), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "name", NULL);
    model_close(&fixture);
}

static void a_replaced_name_is_not_declared(void **state)
{
    test_store fixture;
    (void)state;
    test_store_open(&fixture, 1);
    const hn_tensor made = hn_tensor_from(fixture.dry, HN_DTYPE_F32, HN_SHAPE2(2, 3), NULL, true);
    assert_int_equal(hn_weights_put(fixture.declarer, "linear.weight", made), HN_OK);
    test_store_declare(&fixture, "linear.weight", HN_SHAPE2(2, 3), hn_init_normal(1));
    test_store_declare(&fixture, "linear.bias", HN_SHAPE1(2), hn_init_zeros());
    assert_int_equal(hn_store_count(fixture.store), 1);
    assert_int_equal(hn_store_elements(fixture.store), 2);
    assert_int_equal(hn_store_find(fixture.store, "linear.weight"), -1);
    test_store_close(&fixture);
}

static void a_sealed_store_refuses(void **state)
{
    model fixture;
    (void)state;
    model_open(&fixture, HN_DTYPE_F32);
    assert_int_equal(hn_weights_get(fixture.weights, "linear.wieght", HN_SHAPE2(2, 3), hn_init_zeros()).slot, 0);
    assert_int_equal(hn_graph_status(fixture.graph), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "\"linear.wieght\"", "did you mean \"linear.weight\"",
                      NULL);
    hn_graph_reset(fixture.graph);
    assert_int_equal(hn_weights_get(fixture.weights, "gate.scale.of.something", HN_SHAPE1(2), hn_init_zeros()).slot, 0);
    test_assert_error(fixture.base.context, HN_ERROR_ARGUMENT, "gate.scale.of.something", "it has 2", "linear.weight",
                      NULL);
    hn_graph_reset(fixture.graph);
    assert_int_equal(hn_weights_get(fixture.weights, "linear.bias", HN_SHAPE1(3), hn_init_zeros()).slot, 0);
    test_assert_error(fixture.base.context, HN_ERROR_SHAPE, "linear.bias", "[2]", "[3]", NULL);
    assert_int_equal(hn_store_count(fixture.base.store), 2);
    model_close(&fixture);
}

static void refuses_a_store_without_fitting_numbers(void **state)
{
    test_store fixture;
    hn_weights *weights;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    hn_graph *graph = test_graph_create(fixture.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    assert_int_equal(hn_weights_create(graph, fixture.store, &weights), HN_OK);
    assert_int_equal(hn_weights_get(weights, "a", HN_SHAPE1(2), hn_init_zeros()).slot, 0);
    test_assert_error(fixture.context, HN_ERROR_STATE, "\"a\"", "hn_store_seal", NULL);
    assert_int_equal(hn_weights_get(weights, "new", HN_SHAPE1(2), hn_init_zeros()).slot, 0);
    assert_int_equal(hn_store_count(fixture.store), 1);
    hn_graph_reset(graph);
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F32, 1);
    assert_int_equal(hn_weights_get(weights, "a", HN_SHAPE1(2), hn_init_zeros()).slot, 0);
    test_assert_error(fixture.context, HN_ERROR_TYPE, "F32", "F64", NULL);
    /* The dry graph that declared it goes on counting. */
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    test_store_close(&fixture);
}

static void a_dry_store_serves_dry_graphs_only(void **state)
{
    test_store fixture;
    hn_weights *weights;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    test_store_seal(&fixture, HN_BACKEND_DRY, HN_DTYPE_F32, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    hn_graph *graph = test_graph_create(fixture.context, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    assert_int_equal(hn_weights_create(graph, fixture.store, &weights), HN_OK);
    assert_int_equal(hn_weights_get(weights, "a", HN_SHAPE1(2), hn_init_zeros()).slot, 0);
    test_assert_error(fixture.context, HN_ERROR_STATE, "dry graph", NULL);
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    test_store_close(&fixture);
}

static void sites_are_hashes_and_unique(void **state)
{
    test_store fixture;
    (void)state;
    test_store_open(&fixture, 1);
    assert_int_equal(hn_weights_site(fixture.declarer, "dropout a"), hn_site("dropout a"));
    assert_int_equal(hn_weights_site(fixture.declarer, "dropout a"), hn_site("dropout a"));
    assert_int_equal(hn_weights_site(fixture.declarer, "costarring"), hn_site("liquid"));
    assert_int_equal(hn_graph_status(fixture.dry), HN_OK);
    (void)hn_weights_site(fixture.declarer, "liquid");
    assert_int_equal(hn_graph_status(fixture.dry), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.context, HN_ERROR_ARGUMENT, "\"costarring\"", "\"liquid\"", NULL);
    test_store_close(&fixture);
}

/* Once every name has been seen, a step takes nothing from the allocator. */
static void steps_allocate_nothing(void **state)
{
    const double sevens[6] = {7, 7, 7, 7, 7, 7};
    model fixture;
    uint64_t calls = 0;
    (void)state;
    model_open(&fixture, HN_DTYPE_F32);
    for (int step = 0; step < 3; step++) {
        hn_graph_reset(fixture.graph);
        (void)hn_weights_site(fixture.weights, "dropout linear");
        const hn_tensor made = hn_tensor_from(fixture.graph, HN_DTYPE_F64, HN_SHAPE2(2, 3), sevens, false);
        assert_int_equal(hn_weights_put(fixture.weights, "linear.weight", made), HN_OK);
        (void)get_weight(&fixture);
        (void)hn_weights_get(fixture.weights, "linear.bias", HN_SHAPE1(2), hn_init_zeros());
        assert_int_equal(hn_graph_status(fixture.graph), HN_OK);
        if (step == 0) calls = hn_context_allocations(fixture.base.context);
    }
    assert_int_equal(hn_context_allocations(fixture.base.context), calls);
    model_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_the_store),
        cmocka_unit_test(gradients_arrive_in_the_store),
        cmocka_unit_test(a_replaced_name_hides_the_store),
        cmocka_unit_test(a_replacement_ends_with_the_reset),
        cmocka_unit_test(weights_per_sample),
        cmocka_unit_test(refuses_replacements_that_do_not_fit),
        cmocka_unit_test(a_replaced_name_is_not_declared),
        cmocka_unit_test(a_sealed_store_refuses),
        cmocka_unit_test(refuses_a_store_without_fitting_numbers),
        cmocka_unit_test(a_dry_store_serves_dry_graphs_only),
        cmocka_unit_test(sites_are_hashes_and_unique),
        cmocka_unit_test(steps_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
