/* Every optimiser against PyTorch float64: 20 updates with the gradients of the file, values after each, the state at the end. */
#include <jansson.h>
#include <math.h>

#include "golden.h"

#define RATE 0.05

typedef struct optimizer_case {
    hn_context *context;
    hn_safetensors *file;
    const char *name;
    hn_optimizer_options options;
    hn_store *store;
    hn_optimizer *optimizer;
    int64_t steps, count;
} optimizer_case;

static const hn_file_tensor *part(const optimizer_case *c, const char *name)
{
    char full[100];
    snprintf(full, sizeof full, "%s/%s", c->name, name);
    const hn_file_tensor *tensor = hn_safetensors_find(c->file, full);
    if (tensor == NULL) fail_msg("%s is missing", full);
    return tensor;
}

static void take_number(const json_t *object, const char *key, double *field)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL) *field = json_number_value(value);
}

/* The options that the file states for the case; another key of it would be ignored, so they are counted. */
static void read_options(optimizer_case *c)
{
    static const char *const kinds[] = {"adam", "adamw", "sgd", "rmsprop"};
    json_t *object = json_loads(hn_safetensors_text(c->file, c->name), JSON_REJECT_DUPLICATES, NULL);
    hn_optimizer_options *o = &c->options;
    const struct {
        const char *key;
        double *field;
    } numbers[] = {{"weight_decay", &o->weight_decay},
                   {"momentum", &o->momentum},
                   {"rms_decay", &o->rms_decay},
                   {"beta1", &o->beta1},
                   {"beta2", &o->beta2},
                   {"epsilon", &o->epsilon},
                   {"clip_norm", &o->clip_norm},
                   {"clip_value", &o->clip_value},
                   {NULL, NULL}};
    size_t known = 1;
    assert_non_null(object);
    hn_optimizer_options_default(o);
    const char *kind = json_string_value(json_object_get(object, "kind"));
    for (int i = 0; i < 4; i++)
        if (strcmp(kind, kinds[i]) == 0) o->kind = (hn_optimizer_kind)i;
    assert_string_equal(kinds[o->kind], kind);
    for (int i = 0; numbers[i].key != NULL; i++) {
        take_number(object, numbers[i].key, numbers[i].field);
        known += json_object_get(object, numbers[i].key) != NULL;
    }
    o->nesterov = json_is_true(json_object_get(object, "nesterov"));
    known += json_object_get(object, "nesterov") != NULL;
    assert_int_equal(known, json_object_size(object));
    json_decref(object);
}

static void open_case(optimizer_case *c, hn_backend backend, hn_dtype dtype)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, dtype}, real = {backend, dtype};
    const hn_file_tensor *start = hn_safetensors_find(c->file, "start"), *values = part(c, "values");
    hn_graph *graph;
    hn_weights *weights;
    read_options(c);
    c->steps = values->shape.size[0];
    c->count = values->shape.size[1];
    assert_ok(c->context, hn_store_create(c->context, &c->store));
    assert_ok(c->context, hn_graph_create(c->context, &dry, &graph));
    assert_ok(c->context, hn_weights_create(graph, c->store, &weights));
    (void)hn_weights_get(weights, "x", HN_SHAPE1(c->count), hn_init_zeros());
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    assert_ok(c->context, hn_graph_create(c->context, &real, &graph));
    assert_ok(c->context, hn_store_seal(c->store, graph, 1));
    hn_graph_destroy(graph);
    assert_ok(c->context, hn_store_write(c->store, 0, HN_DTYPE_F64, c->count, start->data));
    assert_ok(c->context, hn_optimizer_create(c->store, &c->options, &c->optimizer));
}

/* Gradients of the file go through the tape: the gradient of sum(x * g) is g. */
static void give_gradient(optimizer_case *c, const hn_graph_options *options, const double *gradient)
{
    hn_graph *graph;
    hn_weights *weights;
    assert_ok(c->context, hn_store_zero_gradients(c->store));
    assert_ok(c->context, hn_graph_create(c->context, options, &graph));
    assert_ok(c->context, hn_weights_create(graph, c->store, &weights));
    const hn_tensor x = hn_weights_get(weights, "x", HN_SHAPE1(c->count), hn_init_zeros());
    const hn_tensor g = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE1(c->count), gradient, false);
    assert_ok(c->context, hn_backward(graph, hn_sum(graph, hn_mul(graph, x, g), HN_ALL_AXES, false)));
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
}

static void compare(const optimizer_case *c, const char *what, const double *found, const double *wanted, double share)
{
    double largest = 0;
    for (int64_t i = 0; i < c->count; i++)
        largest = fmax(largest, fabs(wanted[i]));
    for (int64_t i = 0; i < c->count; i++) {
        if (fabs(found[i] - wanted[i]) <= share * largest) continue;
        fail_msg("%s: %s: number %d is %.17g, PyTorch has %.17g", c->name, what, (int)i, found[i], wanted[i]);
    }
}

static void check_case(optimizer_case *c, hn_backend backend, hn_dtype dtype, double share)
{
    const hn_graph_options options = {backend, dtype};
    double numbers[32];
    const char *block;
    open_case(c, backend, dtype);
    assert_true(c->count <= 32 && c->steps == 20);
    const double *gradients = part(c, "gradients")->data, *values = part(c, "values")->data;
    for (int64_t step = 0; step < c->steps; step++) {
        give_gradient(c, &options, gradients + step * c->count);
        assert_ok(c->context, hn_optimizer_step(c->optimizer, RATE, NULL));
        assert_ok(c->context, hn_store_read(c->store, 0, HN_DTYPE_F64, c->count, numbers));
        compare(c, "value", numbers, values + step * c->count, share);
    }
    for (int b = 0; (block = hn_optimizer_block_name(c->optimizer, b)) != NULL; b++) {
        assert_ok(c->context, hn_optimizer_block_read(c->optimizer, b, 0, HN_DTYPE_F64, numbers));
        compare(c, block, numbers, part(c, block)->data, share);
    }
    hn_optimizer_destroy(c->optimizer);
    hn_store_destroy(c->store);
}

static void check_all(hn_backend backend, hn_dtype dtype, double share)
{
    optimizer_case c;
    char names[400], *rest = names;
    char *path = test_source_path("tests/golden/optimizers.safetensors");
    memset(&c, 0, sizeof c);
    assert_int_equal(hn_context_create(NULL, &c.context), HN_OK);
    assert_ok(c.context, hn_safetensors_open(c.context, path, &c.file));
    assert_int_equal(strtod(hn_safetensors_text(c.file, "rate"), NULL) * 1000, RATE * 1000);
    snprintf(names, sizeof names, "%s", hn_safetensors_text(c.file, "cases"));
    int cases = 0;
    while ((c.name = strtok_r(rest, " ", &rest)) != NULL) {
        check_case(&c, backend, dtype, share);
        cases++;
    }
    assert_int_equal(cases, 11);
    hn_safetensors_close(c.file);
    hn_context_destroy(c.context);
    free(path);
}

static void generic_double(void **state)
{
    (void)state;
    check_all(HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-13);
}

static void generic_float(void **state)
{
    (void)state;
    check_all(HN_BACKEND_GENERIC, HN_DTYPE_F32, 5e-6);
}

static void best_float(void **state)
{
    (void)state;
    check_all(HN_BACKEND_BEST, HN_DTYPE_F32, 5e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(generic_double), cmocka_unit_test(generic_float),
                                       cmocka_unit_test(best_float)};
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
