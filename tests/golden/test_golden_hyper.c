/* Static generators against PyTorch float64: every generated tensor, and every gradient of the sum of inner products with given
 * cotangents. Float kernels are held to the same files. */
#include <jansson.h>

#include "golden.h"

enum { MOST_TARGETS = 8 };

typedef struct hyper_case {
    golden_case golden;
    json_t *settings;
    const char *kind; /* which of the three generators it is */
    hn_kernel_generator kernels;
    hn_chunk_generator chunks;
    hn_coordinate_generator coordinates;
    hn_target targets[MOST_TARGETS];
    hn_chunk_target chunk_targets[MOST_TARGETS];
    hn_coordinate_target coordinate_target;
    hn_tensor condition; /* of chunks */
    int64_t count;
} hyper_case;

static int64_t whole(const hyper_case *c, const char *key)
{
    const json_t *value = json_object_get(c->settings, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const char *text(const hyper_case *c, const char *key)
{
    const char *value = json_string_value(json_object_get(c->settings, key));
    assert_non_null(value);
    return value;
}

static void read_targets(hyper_case *c)
{
    const json_t *list = json_object_get(c->settings, "targets");
    c->count = (int64_t)json_array_size(list);
    assert_true(c->count >= 1 && c->count <= MOST_TARGETS);
    for (int64_t i = 0; i < c->count; i++) {
        const json_t *entry = json_array_get(list, (size_t)i);
        char name[64];
        c->targets[i].name = json_string_value(json_array_get(entry, 0));
        snprintf(name, sizeof name, "out.%s", c->targets[i].name);
        c->targets[i].shape = golden_find(&c->golden, name)->shape;
        if (strcmp(c->kind, "chunks") != 0) continue;
        const json_t *sizes = json_array_get(entry, 1);
        hn_chunk_target *target = &c->chunk_targets[i];
        *target = (hn_chunk_target){.name = c->targets[i].name,
                                    .shape = {.rank = (int)json_array_size(sizes)},
                                    .deviation = json_number_value(json_array_get(entry, 2)),
                                    .mean = json_number_value(json_array_get(entry, 3))};
        for (int k = 0; k < target->shape.rank; k++)
            target->shape.size[k] = json_integer_value(json_array_get(sizes, (size_t)k));
    }
}

static hn_coordinate_grid grid(const hyper_case *c, const char *key)
{
    const json_t *sizes = json_object_get(c->settings, key);
    return (hn_coordinate_grid){json_integer_value(json_array_get(sizes, 0)),
                                json_integer_value(json_array_get(sizes, 1))};
}

static void read_case(hyper_case *c)
{
    c->settings = json_loads(hn_safetensors_text(c->golden.file, "case"), 0, NULL);
    assert_non_null(c->settings);
    c->kind = text(c, "kind");
    read_targets(c);
    if (strcmp(c->kind, "kernels") == 0) {
        c->kernels = (hn_kernel_generator){.inputs = whole(c, "inputs"),
                                           .outputs = whole(c, "outputs"),
                                           .size = whole(c, "size"),
                                           .embedding_size = whole(c, "embedding_size"),
                                           .units = whole(c, "units"),
                                           .linear = json_is_true(json_object_get(c->settings, "linear"))};
    } else if (strcmp(c->kind, "chunks") == 0) {
        const bool relu = strcmp(text(c, "activation"), "relu") == 0;
        c->chunks = (hn_chunk_generator){.chunk_size = whole(c, "chunk_size"),
                                         .embedding_size = whole(c, "embedding_size"),
                                         .hidden_layers = (int)whole(c, "hidden_layers"),
                                         .units = whole(c, "units"),
                                         .activation = relu ? HN_ACTIVATION_RELU : HN_ACTIVATION_TANH,
                                         .tasks = whole(c, "tasks"),
                                         .task_size = whole(c, "task_size")};
    } else {
        c->coordinates = (hn_coordinate_generator){.units = whole(c, "units"),
                                                   .hidden_layers = (int)whole(c, "hidden_layers"),
                                                   .frequencies = (int)whole(c, "frequencies")};
        c->coordinate_target = (hn_coordinate_target){c->targets[0].name, grid(c, "inputs"), grid(c, "outputs")};
    }
}

static hn_status generate(hyper_case *c, hn_weights *weights)
{
    hn_graph *graph = hn_weights_graph(weights);
    if (strcmp(c->kind, "kernels") == 0)
        return hn_generate_kernels(weights, "generator", &c->kernels, c->targets, c->count, NULL);
    if (strcmp(c->kind, "coordinates") == 0)
        return hn_generate_from_coordinates(weights, "generator", &c->coordinates, &c->coordinate_target);
    hn_chunk_inputs inputs = {.task = whole(c, "task")};
    if (golden_has(&c->golden, "condition")) {
        const hn_file_tensor *condition = golden_find(&c->golden, "condition");
        inputs.condition = hn_tensor_from(graph, condition->dtype, condition->shape, condition->data, true);
    }
    c->condition = inputs.condition;
    return hn_generate_chunks(weights, "generator", &c->chunks, c->chunk_targets, c->count, &inputs);
}

static void declare(hyper_case *c)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_graph *graph;
    hn_weights *weights;
    assert_ok(c->golden.context, hn_graph_create(c->golden.context, &dry, &graph));
    assert_ok(c->golden.context, hn_weights_create(graph, c->golden.store, &weights));
    assert_ok(c->golden.context, generate(c, weights));
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    assert_ok(c->golden.context, hn_store_seal(c->golden.store, c->golden.graph, 1));
    golden_load_parameters(&c->golden, "");
}

static void check(const char *name, hn_backend backend, hn_dtype dtype, double share)
{
    hyper_case c = {.count = 0};
    char label[64];
    hn_tensor loss = HN_NO_TENSOR;
    golden_open(&c.golden, &(golden_options){name, "", backend, dtype, 2, false});
    hn_graph *graph = c.golden.graph;
    print_message("%s\n", name);
    read_case(&c);
    declare(&c);
    assert_ok(c.golden.context, generate(&c, c.golden.weights));
    for (int64_t i = 0; i < c.count; i++) {
        const hn_tensor made = hn_weights_get(c.golden.weights, c.targets[i].name, c.targets[i].shape, hn_init_zeros());
        snprintf(label, sizeof label, "out.%s", c.targets[i].name);
        golden_compare(&c.golden, label, made, share);
        snprintf(label, sizeof label, "cotangent.%s", c.targets[i].name);
        const hn_tensor product =
            hn_sum(graph, hn_mul(graph, made, golden_tensor(&c.golden, label, false)), HN_ALL_AXES, false);
        loss = i == 0 ? product : hn_add(graph, loss, product);
    }
    assert_ok(c.golden.context, hn_backward(graph, loss));
    golden_compare_parameters(&c.golden, "grad.", true, share);
    if (c.condition.slot != 0) golden_compare_gradient(&c.golden, "grad.condition", c.condition, share);
    json_decref(c.settings);
    golden_close(&c.golden);
}

static const char *const names[] = {
    "hyper_kernels",          "hyper_kernels_linear", "hyper_chunks_linear",     "hyper_chunks_tasks",
    "hyper_chunks_condition", "hyper_chunks_samples", "hyper_coordinates_plain", "hyper_coordinates_features",
};

static void generators_are_pytorchs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check(names[i], HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-12);
        check(names[i], HN_BACKEND_BEST, HN_DTYPE_F32, 5e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(generators_are_pytorchs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
