/* See test_store.h. */
#include "test_store.h"

#include "params/store.h"

hn_graph *test_graph_create(hn_context *context, hn_backend backend, hn_dtype dtype)
{
    hn_graph_options options;
    hn_graph *graph;
    hn_graph_options_default(&options);
    options.backend = backend;
    options.dtype = dtype;
    assert_int_equal(hn_graph_create(context, &options, &graph), HN_OK);
    return graph;
}

void test_store_open(test_store *fixture, int threads)
{
    hn_context_options options;
    hn_context_options_default(&options);
    options.threads = threads;
    assert_int_equal(hn_context_create(&options, &fixture->context), HN_OK);
    fixture->dry = test_graph_create(fixture->context, HN_BACKEND_DRY, HN_DTYPE_F32);
    assert_int_equal(hn_store_create(fixture->context, &fixture->store), HN_OK);
    assert_int_equal(hn_weights_create(fixture->dry, fixture->store, &fixture->declarer), HN_OK);
}

void test_store_close(test_store *fixture)
{
    hn_weights_destroy(fixture->declarer);
    hn_store_destroy(fixture->store);
    hn_graph_destroy(fixture->dry);
    assert_int_equal(hn_context_memory(fixture->context), 0);
    hn_context_destroy(fixture->context);
}

void test_store_declare(test_store *fixture, const char *name, hn_shape shape, hn_init init)
{
    const hn_tensor tensor = hn_weights_get(fixture->declarer, name, shape, init);
    assert_int_equal(hn_graph_status(fixture->dry), HN_OK);
    assert_true(hn_shape_equal(hn_tensor_shape(fixture->dry, tensor), shape));
}

void test_store_seal(test_store *fixture, hn_backend backend, hn_dtype dtype, uint64_t seed)
{
    hn_graph *graph = test_graph_create(fixture->context, backend, dtype);
    assert_int_equal(hn_store_seal(fixture->store, graph, seed), HN_OK);
    hn_graph_destroy(graph);
}

static const hn_parameter *find(const test_store *fixture, const char *name, int64_t *out_index)
{
    *out_index = hn_store_find(fixture->store, name);
    assert_true(*out_index >= 0);
    return hn_store_parameter(fixture->store, *out_index);
}

double *test_store_read(const test_store *fixture, const char *name)
{
    int64_t index;
    const hn_parameter *parameter = find(fixture, name, &index);
    double *values = malloc((size_t)parameter->elements * sizeof(double));
    assert_non_null(values);
    assert_int_equal(hn_store_read(fixture->store, index, HN_DTYPE_F64, parameter->elements, values), HN_OK);
    return values;
}

void test_store_write(test_store *fixture, const char *name, const double *values)
{
    int64_t index;
    const hn_parameter *parameter = find(fixture, name, &index);
    assert_int_equal(hn_store_write(fixture->store, index, HN_DTYPE_F64, parameter->elements, values), HN_OK);
}

void test_store_write_gradient(test_store *fixture, const char *name, const double *values)
{
    int64_t index;
    (void)find(fixture, name, &index);
    assert_int_equal(hni_section_write(fixture->store, &fixture->store->parameters, fixture->store->gradients, index,
                                       HN_DTYPE_F64, values),
                     HN_OK);
}

void test_assert_error(hn_context *context, hn_status status, const char *text, ...)
{
    const hn_error *error = hn_context_error(context);
    va_list texts;
    assert_string_equal(hn_status_name(error->status), hn_status_name(status));
    va_start(texts, text);
    for (const char *part = text; part != NULL; part = va_arg(texts, const char *)) {
        if (strstr(error->text, part) == NULL) {
            print_error("\"%s\" is not in \"%s\"\n", part, error->text);
            fail();
        }
    }
    va_end(texts);
    hn_context_clear(context);
}
