/* See test_language.h. */
#include "test_language.h"

#include "core/rng.h"

void test_language_ok(const test_language *l, hn_status status, const char *file, int line)
{
    if (status == HN_OK) return;
    print_error("%s\n", hn_context_error(l->context)->text);
    _fail(file, line);
}

hn_language_model test_language_model(hn_cell_kind kind, bool layer_norm)
{
    hn_language_model model;
    hn_language_model_default(&model);
    model.vocabulary_size = 7;
    model.cell.kind = kind;
    model.cell.layer_norm = layer_norm;
    model.cell.units = 10;
    model.cell.hyper_units = 5;
    model.cell.embedding_size = 3;
    return model;
}

/* Numbers in [-0.5, 0.5) of a site. */
static void fill(double *values, int64_t count, uint64_t seed, uint32_t site)
{
    const hni_rng_key key = {.seed = seed, .site = site};
    for (int64_t i = 0; i < count; i++)
        values[i] = hni_rng_uniform(&key, (uint64_t)i) - 0.5;
}

static void randomise(test_language *l)
{
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(l->store, i);
        double *values = test_calloc((size_t)parameter->elements, sizeof *values);
        fill(values, parameter->elements, 3, hni_rng_site(parameter->name));
        language_ok(l, hn_store_write(l->store, i, HN_DTYPE_F64, parameter->elements, values));
        test_free(values);
    }
}

void test_language_open(test_language *l, const hn_language_model *model, const test_language_options *options)
{
    hn_context_options context;
    const hn_graph_options graph = {options->backend, options->dtype};
    hn_context_options_default(&context);
    context.threads = options->threads > 0 ? options->threads : 1;
    if (options->allocator != NULL) context.allocator = *options->allocator;
    memset(l, 0, sizeof *l);
    assert_int_equal(hn_context_create(&context, &l->context), HN_OK);
    l->model = *model;
    language_ok(l, hn_store_create(l->context, &l->store));
    language_ok(l, hn_language_model_declare(l->store, model));
    language_ok(l, hn_graph_create(l->context, &graph, &l->graph));
    language_ok(l, hn_store_seal(l->store, l->graph, 1));
    language_ok(l, hn_weights_create(l->graph, l->store, &l->weights));
    if (!hn_graph_is_dry(l->graph)) randomise(l);
}

void test_language_close(test_language *l)
{
    hn_weights_destroy(l->weights);
    hn_graph_destroy(l->graph);
    hn_store_destroy(l->store);
    assert_int_equal(hn_context_memory(l->context), 0);
    hn_context_destroy(l->context);
}

hn_tensor test_language_symbols(test_language *l, int64_t rows, int64_t steps, uint32_t seed)
{
    const hni_rng_key key = {.seed = seed, .site = 1};
    int32_t symbols[512];
    assert_true(rows * steps <= 512);
    for (int64_t i = 0; i < rows * steps; i++)
        symbols[i] = (int32_t)(hni_rng_word(&key, (uint64_t)i) % (uint32_t)l->model.vocabulary_size);
    return hn_tensor_from(l->graph, HN_DTYPE_I32, HN_SHAPE2(rows, steps), symbols, false);
}

hn_tensor test_language_state(test_language *l, int64_t rows, uint32_t seed)
{
    const int64_t size = hn_cell_state_size(&l->model.cell);
    double values[2048];
    assert_true(rows * size <= 2048);
    fill(values, rows * size, seed, 2);
    return hn_tensor_from(l->graph, HN_DTYPE_F64, HN_SHAPE2(rows, size), values, true);
}

double *test_language_gradients(const test_language *l, int64_t *out_count)
{
    double *all = test_calloc((size_t)hn_store_elements(l->store), sizeof *all), *next = all;
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const int64_t count = hn_store_parameter(l->store, i)->elements;
        language_ok(l, hn_store_gradient_read(l->store, i, HN_DTYPE_F64, count, next));
        next += count;
    }
    *out_count = hn_store_elements(l->store);
    return all;
}

double *test_tensor_numbers(hn_graph *graph, hn_tensor tensor, int64_t *out_count)
{
    *out_count = hn_shape_elements(hn_tensor_shape(graph, tensor));
    assert_true(*out_count >= 1);
    double *values = test_calloc((size_t)*out_count, sizeof *values);
    const hn_status status = hn_tensor_read(graph, tensor, HN_DTYPE_F64, *out_count, values);
    if (status != HN_OK) fail_msg("%s", hn_context_error(hn_graph_context(graph))->text);
    return values;
}
