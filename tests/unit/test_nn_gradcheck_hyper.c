/* Gradcheck of static generators as wholes, in double: every parameter of a generator is an input that is put in the place of its
 * name, the output is all that it generated, as the network would ask for it. */
#include "graph/gradcheck.h"
#include "hypernet/hypernet.h"
#include "test_support.h"

enum { MOST_TARGETS = 4 };

typedef struct options {
    const char *name;
    hn_target targets[MOST_TARGETS]; /* of any generator */
    int64_t count;
    hn_kernel_generator kernels;
    hn_chunk_generator chunks; /* used if its chunk_size is not 0 */
    int64_t task;
    hn_shape condition;                  /* of chunks; rank 0: none */
    hn_coordinate_generator coordinates; /* used if its units are not 0 */
    hn_coordinate_target coordinate_target;
} options;

typedef struct bench {
    hn_context *context;
    hn_store *declared, *empty;
    hn_graph *graph; /* F64 */
    hn_weights *weights;
    const options *o;
    hni_gradcheck_input inputs[HNI_GRADCHECK_MAX_INPUTS];
} bench;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s: %s", b->o->name, hn_context_error(b->context)->text);
}

static hn_status generate(const options *o, hn_weights *weights, hn_tensor condition)
{
    const hn_chunk_inputs inputs = {o->task, condition};
    hn_chunk_target targets[MOST_TARGETS];
    if (o->coordinates.units > 0)
        return hn_generate_from_coordinates(weights, "generator", &o->coordinates, &o->coordinate_target);
    if (o->chunks.chunk_size == 0)
        return hn_generate_kernels(weights, "generator", &o->kernels, o->targets, o->count, NULL);
    for (int64_t i = 0; i < o->count; i++)
        targets[i] = (hn_chunk_target){o->targets[i].name, o->targets[i].shape, 0.5 * (double)i, (double)i};
    return hn_generate_chunks(weights, "generator", &o->chunks, targets, o->count, &inputs);
}

/* All generated numbers in a row. */
static hn_tensor run(const options *o, hn_weights *weights, hn_tensor condition)
{
    hn_graph *graph = hn_weights_graph(weights);
    hn_tensor parts[MOST_TARGETS];
    if (generate(o, weights, condition) != HN_OK) return HN_NO_TENSOR;
    for (int64_t i = 0; i < o->count; i++) {
        const hn_tensor made = hn_weights_get(weights, o->targets[i].name, o->targets[i].shape, hn_init_zeros());
        parts[i] = hn_reshape(graph, made, HN_SHAPE1(hn_shape_elements(hn_tensor_shape(graph, made))));
    }
    return hn_concat(graph, parts, o->count, 0);
}

static hn_tensor build(hn_graph *graph, const hn_tensor *x, const void *user)
{
    const bench *b = user;
    (void)graph;
    const int64_t parameters = hn_store_count(b->declared);
    for (int64_t i = 0; i < parameters; i++) {
        if (hn_weights_put(b->weights, hn_store_parameter(b->declared, i)->name, x[i]) != HN_OK) return HN_NO_TENSOR;
    }
    return run(b->o, b->weights, b->o->condition.rank > 0 ? x[parameters] : HN_NO_TENSOR);
}

/* Finds out what the generator asks for: a dry run declares it. */
static void add_parameters(bench *b)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F64};
    ok(b, hn_store_create(b->context, &b->declared));
    ok(b, hn_graph_create(b->context, &dry, &b->graph));
    ok(b, hn_weights_create(b->graph, b->declared, &b->weights));
    const bool has_condition = b->o->condition.rank > 0;
    (void)run(b->o, b->weights,
              has_condition ? hn_tensor_from(b->graph, HN_DTYPE_F64, b->o->condition, NULL, false) : HN_NO_TENSOR);
    ok(b, hn_graph_status(b->graph));
    assert_true(hn_store_count(b->declared) < HNI_GRADCHECK_MAX_INPUTS);
    for (int64_t i = 0; i < hn_store_count(b->declared); i++)
        b->inputs[i] =
            (hni_gradcheck_input){.kind = HNI_GRADCHECK_CHECKED, .shape = hn_store_parameter(b->declared, i)->shape};
    if (has_condition)
        b->inputs[hn_store_count(b->declared)] =
            (hni_gradcheck_input){.kind = HNI_GRADCHECK_CHECKED, .shape = b->o->condition};
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
}

static hni_gradcheck_report check(const options *o, bool mutate)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    bench b = {.o = o};
    hni_gradcheck_report report;
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    add_parameters(&b);
    ok(&b, hn_store_create(b.context, &b.empty));
    ok(&b, hn_graph_create(b.context, &f64, &b.graph));
    ok(&b, hn_weights_create(b.graph, b.empty, &b.weights));
    const hni_gradcheck_case test = {HNI_OP_COUNT, o->name, build, b.inputs, &b};
#ifdef HNI_TEST_HOOKS
    b.graph->mutation = (hni_mutation){.on = mutate, .op = HNI_OP_MATMUL, .factor = 2};
#else
    (void)mutate;
#endif
    ok(&b, hni_gradcheck_run(b.graph, &test, &report));
    assert_int_equal(hn_store_count(b.empty), 0);
    hn_weights_destroy(b.weights);
    hn_graph_destroy(b.graph);
    hn_store_destroy(b.empty);
    hn_store_destroy(b.declared);
    assert_int_equal(hn_context_memory(b.context), 0);
    hn_context_destroy(b.context);
    return report;
}

static int failures(bool mutate)
{
#define KERNELS                                \
    .targets = {{"a", HN_SHAPE4(3, 2, 2, 2)},  \
                {"b", HN_SHAPE4(3, 2, 2, 2)},  \
                {"c", HN_SHAPE4(6, 4, 2, 2)},  \
                {"d", HN_SHAPE4(3, 6, 2, 2)}}, \
    .count = 4, .kernels
#define CHUNKS .targets = {{"a", HN_SHAPE2(4, 3)}, {"b", HN_SHAPE1(5)}, {"c", HN_SHAPE3(2, 1, 3)}}, .count = 3, .chunks
#define COORDINATES \
    .targets = {{"a", HN_SHAPE2(4, 6)}}, .count = 1, .coordinate_target = {"a", {2, 3}, {2, 2}}, .coordinates
    const options cases[] = {
        {"one kernel", .targets = {{"a", HN_SHAPE4(3, 2, 2, 2)}}, .count = 1,
         .kernels = {2, 3, 2, 3, 0, false, HN_GENERATOR_START_PAPER}},
        {"kernels", KERNELS = {2, 3, 2, 3, 0, false, HN_GENERATOR_START_PAPER}},
        {"kernels, units", KERNELS = {2, 3, 2, 3, 4, false, HN_GENERATOR_START_HYPERFAN_IN}},
        {"kernels, linear", KERNELS = {2, 3, 2, 3, 0, true, HN_GENERATOR_START_HYPERFAN_OUT}},
        {"chunks, linear", CHUNKS = {7, 2, 0, 3, HN_ACTIVATION_RELU, 0, 1}},
        {"chunks, relu", CHUNKS = {7, 2, 1, 3, HN_ACTIVATION_RELU, 0, 1}},
        {"chunks, two tanh layers", CHUNKS = {5, 2, 2, 3, HN_ACTIVATION_TANH, 0, 1}},
        {"chunks, one", CHUNKS = {40, 2, 1, 3, HN_ACTIVATION_TANH, 0, 1}},
        {"chunks, tasks", CHUNKS = {7, 2, 1, 3, HN_ACTIVATION_TANH, 1, 2}},
        {"chunks, condition", CHUNKS = {7, 2, 1, 3, HN_ACTIVATION_TANH, 0, 1}, .condition = HN_SHAPE1(2)},
        {"chunks, condition, linear", CHUNKS = {7, 2, 0, 3, HN_ACTIVATION_TANH, 0, 1}, .condition = HN_SHAPE1(2)},
        {"chunks, a condition a sample, tasks", CHUNKS = {7, 2, 1, 3, HN_ACTIVATION_TANH, 1, 2},
         .condition = HN_SHAPE2(3, 2)},
        {"chunks, a condition a sample, linear", CHUNKS = {7, 2, 0, 3, HN_ACTIVATION_TANH, 0, 2},
         .condition = HN_SHAPE2(3, 2)},
        {"coordinates", COORDINATES = {4, 2, 0, HN_GENERATOR_START_PAPER}},
        {"coordinates, features", COORDINATES = {3, 1, 2, HN_GENERATOR_START_PAPER}},
    };
    int red = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const hni_gradcheck_report report = check(&cases[i], mutate);
        if (report.passed != mutate) continue;
        print_error("%s: %s\n", cases[i].name,
                    mutate ? "stays green with a matmul's gradient doubled" : report.failure);
        red++;
    }
    return red;
}

static void test_every_generator(void **state)
{
    (void)state;
    assert_int_equal(failures(false), 0);
}

#ifdef HNI_TEST_HOOKS
static void test_a_false_gradient_inside_is_red(void **state)
{
    (void)state;
    assert_int_equal(failures(true), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_generator),
#ifdef HNI_TEST_HOOKS
        cmocka_unit_test(test_a_false_gradient_inside_is_red),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
