/* A static hypernetwork is the network with the generated weights given: the loss is the same to the bit, and the generator's
 * gradients are those of the weights, taken back through the generator. */
#include "hypernet/hypernet.h"
#include "test_results.h"

enum { ROWS = 5, TARGETS = 2, FIRST = 6 * 2 * 9, SECOND = 3 * 6 * 9 };

static const int64_t sizes[TARGETS] = {FIRST, SECOND};

typedef struct bench {
    hn_context *context;
    hn_store *store, *none;
    hn_graph *graph;
    hn_weights *weights, *given; /* with the generator's parameters; with nothing */
    hn_kernel_generator generator;
    hn_target targets[TARGETS];
} bench;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

/* Knows nothing of generators. x [B,18] */
static hn_tensor network(const bench *b, hn_weights *weights)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_tensor x = test_numbers(graph, HN_SHAPE2(ROWS, 18), 1, false);
    const hn_tensor k1 = hn_weights_get(weights, "conv1.kernel", b->targets[0].shape, hn_init_zeros());
    const hn_tensor k2 = hn_weights_get(weights, "conv2.kernel", b->targets[1].shape, hn_init_zeros());
    const hn_tensor hidden =
        hn_tanh(graph, hn_matmul(graph, x, hn_reshape(graph, k1, HN_SHAPE2(6, 18)), HN_TRANSPOSE_B));
    const hn_tensor rows = hn_reshape(graph, k2, HN_SHAPE2(27, 6));
    const hn_tensor out = hn_sigmoid(graph, hn_matmul(graph, hidden, rows, HN_TRANSPOSE_B));
    return hn_mean(graph, hn_mul(graph, out, out), HN_ALL_AXES, false);
}

static void open_bench(bench *b, bool linear)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F64}, f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    *b = (bench){.targets = {{"conv1.kernel", HN_SHAPE4(6, 2, 3, 3)}, {"conv2.kernel", HN_SHAPE4(3, 6, 3, 3)}}};
    hn_kernel_generator_default(&b->generator);
    b->generator.inputs = 2;
    b->generator.outputs = 3;
    b->generator.embedding_size = 4;
    b->generator.start = HN_GENERATOR_START_HYPERFAN_IN;
    b->generator.linear = linear;
    assert_int_equal(hn_context_create(NULL, &b->context), HN_OK);
    ok(b, hn_store_create(b->context, &b->store));
    ok(b, hn_store_create(b->context, &b->none));
    ok(b, hn_graph_create(b->context, &dry, &b->graph));
    ok(b, hn_weights_create(b->graph, b->store, &b->weights));
    ok(b, hn_generate_kernels(b->weights, "generator", &b->generator, b->targets, TARGETS, NULL));
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
    ok(b, hn_graph_create(b->context, &f64, &b->graph));
    ok(b, hn_store_seal(b->store, b->graph, 1));
    ok(b, hn_store_seal(b->none, b->graph, 1));
    ok(b, hn_weights_create(b->graph, b->store, &b->weights));
    ok(b, hn_weights_create(b->graph, b->none, &b->given));
}

static void close_bench(bench *b)
{
    hn_weights_destroy(b->weights);
    hn_weights_destroy(b->given);
    hn_graph_destroy(b->graph);
    hn_store_destroy(b->store);
    hn_store_destroy(b->none);
    assert_int_equal(hn_context_memory(b->context), 0);
    hn_context_destroy(b->context);
}

static hn_tensor generated(const bench *b, int i)
{
    return hn_weights_get(b->weights, b->targets[i].name, b->targets[i].shape, hn_init_zeros());
}

/* All gradients of the generator, and their number. */
static double *gradients(const bench *b, int64_t *out_count)
{
    double *all = calloc((size_t)hn_store_elements(b->store), sizeof *all);
    assert_non_null(all);
    *out_count = 0;
    for (int64_t i = 0; i < hn_store_count(b->store); i++) {
        const int64_t elements = hn_store_parameter(b->store, i)->elements;
        ok(b, hn_store_gradient_read(b->store, i, HN_DTYPE_F64, elements, all + *out_count));
        *out_count += elements;
    }
    return all;
}

static void generate(const bench *b)
{
    hn_graph_reset(b->graph);
    ok(b, hn_store_zero_gradients(b->store));
    ok(b, hn_generate_kernels(b->weights, "generator", &b->generator, b->targets, TARGETS, NULL));
}

static void check(bool linear)
{
    static double kernels[TARGETS][SECOND], cotangents[TARGETS][SECOND]; /* SECOND is the larger */
    double loss, given;
    int64_t count;
    bench b;
    open_bench(&b, linear);

    generate(&b);
    for (int i = 0; i < TARGETS; i++)
        ok(&b, hn_tensor_read(b.graph, generated(&b, i), HN_DTYPE_F64, sizes[i], kernels[i]));
    hn_tensor result = network(&b, b.weights);
    ok(&b, hn_backward(b.graph, result));
    ok(&b, hn_tensor_read(b.graph, result, HN_DTYPE_F64, 1, &loss));
    double *whole = gradients(&b, &count);

    hn_tensor leaves[TARGETS];
    hn_graph_reset(b.graph);
    for (int i = 0; i < TARGETS; i++) {
        leaves[i] = hn_tensor_from(b.graph, HN_DTYPE_F64, b.targets[i].shape, kernels[i], true);
        ok(&b, hn_weights_put(b.given, b.targets[i].name, leaves[i]));
    }
    result = network(&b, b.given);
    ok(&b, hn_backward(b.graph, result));
    ok(&b, hn_tensor_read(b.graph, result, HN_DTYPE_F64, 1, &given));
    assert_close(given, loss, 0, 0);
    for (int i = 0; i < TARGETS; i++)
        ok(&b, hn_gradient_read(b.graph, leaves[i], HN_DTYPE_F64, sizes[i], cotangents[i]));

    generate(&b);
    for (int i = 0; i < TARGETS; i++) {
        const hn_tensor g = hn_tensor_from(b.graph, HN_DTYPE_F64, b.targets[i].shape, cotangents[i], false);
        const hn_tensor product = hn_sum(b.graph, hn_mul(b.graph, generated(&b, i), g), HN_ALL_AXES, false);
        result = i == 0 ? product : hn_add(b.graph, result, product);
    }
    ok(&b, hn_backward(b.graph, result));
    double *chained = gradients(&b, &count);
    assert_all_close_double(chained, whole, (size_t)count, 1e-13);
    free(whole);
    free(chained);
    close_bench(&b);
}

static void a_hypernetwork_is_its_network(void **state)
{
    (void)state;
    check(false);
    check(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hypernetwork_is_its_network)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
