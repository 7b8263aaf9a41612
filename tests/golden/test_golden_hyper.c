/* Static generators against PyTorch float64: every generated tensor, and every gradient of the sum of inner products with given
 * cotangents. Float kernels are held to the same files. */
#include <jansson.h>

#include "golden.h"

enum { MOST_TARGETS = 8 };

typedef struct hyper_case {
    golden_case golden;
    json_t *settings;
    hn_kernel_generator kernels;
    hn_target targets[MOST_TARGETS];
    int64_t count;
} hyper_case;

static int64_t whole(const hyper_case *c, const char *key)
{
    const json_t *value = json_object_get(c->settings, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void read_case(hyper_case *c)
{
    c->settings = json_loads(hn_safetensors_text(c->golden.file, "case"), 0, NULL);
    assert_non_null(c->settings);
    c->kernels = (hn_kernel_generator){.inputs = whole(c, "inputs"),
                                       .outputs = whole(c, "outputs"),
                                       .size = whole(c, "size"),
                                       .embedding_size = whole(c, "embedding_size"),
                                       .units = whole(c, "units"),
                                       .linear = json_is_true(json_object_get(c->settings, "linear"))};
    const json_t *list = json_object_get(c->settings, "targets");
    c->count = (int64_t)json_array_size(list);
    assert_true(c->count >= 1 && c->count <= MOST_TARGETS);
    for (int64_t i = 0; i < c->count; i++) {
        char name[64];
        c->targets[i].name = json_string_value(json_array_get(json_array_get(list, (size_t)i), 0));
        snprintf(name, sizeof name, "out.%s", c->targets[i].name);
        c->targets[i].shape = golden_find(&c->golden, name)->shape;
    }
}

static hn_status generate(const hyper_case *c, hn_weights *weights)
{
    return hn_generate_kernels(weights, "generator", &c->kernels, c->targets, c->count, NULL);
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
    json_decref(c.settings);
    golden_close(&c.golden);
}

static const char *const names[] = {"hyper_kernels", "hyper_kernels_linear"};

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
