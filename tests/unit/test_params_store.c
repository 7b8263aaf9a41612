/* The store: declaration, layout, sealing, copies, and what it refuses. */
#include <math.h>

#include "params/store.h"
#include "test_store.h"

static void counts_and_finds(void **state)
{
    test_store fixture;
    (void)state;
    test_store_open(&fixture, 1);
    assert_int_equal(hn_store_count(fixture.store), 0);
    test_store_declare(&fixture, "a", HN_SHAPE2(3, 5), hn_init_zeros());
    test_store_declare(&fixture, "b", HN_SCALAR(), hn_init_constant(2));
    test_store_declare(&fixture, "a", HN_SHAPE2(3, 5), hn_init_zeros()); /* the same one again */
    assert_int_equal(hn_store_count(fixture.store), 2);
    assert_int_equal(hn_store_elements(fixture.store), 16);
    assert_int_equal(hn_store_find(fixture.store, "b"), 1);
    assert_int_equal(hn_store_find(fixture.store, "c"), -1);
    assert_int_equal(hn_store_find(fixture.store, NULL), -1);
    assert_string_equal(hn_store_parameter(fixture.store, 0)->name, "a");
    assert_int_equal(hn_store_parameter(fixture.store, 0)->offset, -1);
    assert_null(hn_store_parameter(fixture.store, 2));
    assert_null(hn_store_parameter(fixture.store, -1));
    assert_false(hn_store_is_sealed(fixture.store));
    test_store_close(&fixture);
}

static void many_names_stay_apart(void **state)
{
    test_store fixture;
    char name[32];
    (void)state;
    test_store_open(&fixture, 1);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "layers.%d.weight", i);
        test_store_declare(&fixture, name, HN_SHAPE1(i + 1), hn_init_constant(i));
    }
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F32, 1);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "layers.%d.weight", i);
        assert_int_equal(hn_store_find(fixture.store, name), i);
        double *values = test_store_read(&fixture, name);
        assert_close(values[0], i, 0, 0);
        assert_close(values[i], i, 0, 0);
        free(values);
    }
    test_store_close(&fixture);
}

/* Each parameter starts at a multiple of 64 bytes, and what lies between two is zero. */
static void layout_of(hn_dtype dtype)
{
    const int64_t line = 64 / (int64_t)hn_dtype_size(dtype);
    test_store fixture;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(line), hn_init_constant(1));
    test_store_declare(&fixture, "b", HN_SHAPE1(line + 1), hn_init_constant(2));
    test_store_declare(&fixture, "c", HN_SCALAR(), hn_init_constant(3));
    test_store_seal(&fixture, HN_BACKEND_GENERIC, dtype, 1);
    assert_true(hn_store_is_sealed(fixture.store));
    assert_int_equal(hn_store_parameter(fixture.store, 0)->offset, 0);
    assert_int_equal(hn_store_parameter(fixture.store, 1)->offset, line);
    assert_int_equal(hn_store_parameter(fixture.store, 2)->offset, 3 * line);
    assert_int_equal(fixture.store->parameters.reals, 4 * line);
    assert_int_equal((uintptr_t)fixture.store->parameters.values % 64, 0);
    assert_int_equal((uintptr_t)fixture.store->gradients % 64, 0);
    for (int64_t i = 0; i < 4 * line; i++) {
        const double value = dtype == HN_DTYPE_F32 ? (double)((float *)fixture.store->parameters.values)[i]
                                                   : ((double *)fixture.store->parameters.values)[i];
        const double expected = i < line ? 1 : i < 2 * line + 1 ? 2 : i == 3 * line ? 3 : 0;
        assert_close(value, expected, 0, 0);
    }
    test_store_close(&fixture);
}

static void layout(void **state)
{
    (void)state;
    layout_of(HN_DTYPE_F32);
    layout_of(HN_DTYPE_F64);
}

static void copies_convert(void **state)
{
    test_store fixture;
    const double third[2] = {1.0 / 3, -1e300};
    const float halves[2] = {0.5f, -2.5f};
    double doubles[2];
    float floats[2];
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F64, 1);
    assert_int_equal(hn_store_write(fixture.store, 0, HN_DTYPE_F64, 2, third), HN_OK);
    assert_int_equal(hn_store_read(fixture.store, 0, HN_DTYPE_F64, 2, doubles), HN_OK);
    assert_memory_equal(doubles, third, sizeof(third));
    assert_int_equal(hn_store_write(fixture.store, 0, HN_DTYPE_F32, 2, halves), HN_OK);
    assert_int_equal(hn_store_read(fixture.store, 0, HN_DTYPE_F32, 2, floats), HN_OK);
    assert_memory_equal(floats, halves, sizeof(halves));
    assert_int_equal(hn_store_read(fixture.store, 0, HN_DTYPE_F64, 2, doubles), HN_OK);
    assert_close(doubles[1], -2.5, 0, 0);
    test_store_write_gradient(&fixture, "a", third);
    assert_int_equal(hn_store_gradient_read(fixture.store, 0, HN_DTYPE_F64, 2, doubles), HN_OK);
    assert_memory_equal(doubles, third, sizeof(third));
    assert_int_equal(hn_store_zero_gradients(fixture.store), HN_OK);
    assert_int_equal(hn_store_gradient_read(fixture.store, 0, HN_DTYPE_F64, 2, doubles), HN_OK);
    assert_close(fabs(doubles[0]) + fabs(doubles[1]), 0, 0, 0);
    test_store_close(&fixture);
}

static void refuses_bad_copies(void **state)
{
    test_store fixture;
    double two[2] = {0, 0};
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    assert_int_equal(hn_store_read(fixture.store, 0, HN_DTYPE_F64, 2, two), HN_ERROR_STATE);
    test_assert_error(fixture.context, HN_ERROR_STATE, "hn_store_read", "still open", "hn_store_seal", NULL);
    assert_int_equal(hn_store_zero_gradients(fixture.store), HN_ERROR_STATE);
    test_assert_error(fixture.context, HN_ERROR_STATE, "hn_store_zero_gradients", NULL);
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F32, 1);
    assert_int_equal(hn_store_read(fixture.store, 1, HN_DTYPE_F64, 2, two), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.context, HN_ERROR_ARGUMENT, "no parameter 1", "has 1", NULL);
    assert_int_equal(hn_store_write(fixture.store, -1, HN_DTYPE_F64, 2, two), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.context, HN_ERROR_ARGUMENT, "hn_store_write", "-1", NULL);
    assert_int_equal(hn_store_write(fixture.store, 0, HN_DTYPE_F64, 3, two), HN_ERROR_SHAPE);
    test_assert_error(fixture.context, HN_ERROR_SHAPE, "\"a\"", "has 2 elements, not 3", NULL);
    assert_int_equal(hn_store_gradient_read(fixture.store, 0, HN_DTYPE_I32, 2, two), HN_ERROR_TYPE);
    test_assert_error(fixture.context, HN_ERROR_TYPE, "F32 or F64", "I32", NULL);
    test_store_close(&fixture);
}

static void refuses_bad_declaration(const char *name, hn_shape shape, hn_init init, hn_status status, const char *text)
{
    const double factors[4] = {1, 1, 1, 2};
    test_store fixture;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "first", HN_SHAPE2(4, 3), hn_init_normal(1));
    test_store_declare(&fixture, "gates", HN_SHAPE2(4, 3), hn_init_orthogonal(4, 1));
    test_store_declare(&fixture, "rows", HN_SHAPE2(4, 3), hn_init_by_row(hn_init_normal(1), factors));
    const hn_tensor tensor = hn_weights_get(fixture.declarer, name, shape, init);
    assert_int_equal(tensor.slot, 0);
    assert_int_equal(hn_graph_status(fixture.dry), status);
    test_assert_error(fixture.context, status, text, NULL);
    assert_int_equal(hn_store_count(fixture.store), 3);
    assert_int_equal(hn_store_elements(fixture.store), 36);
    test_store_close(&fixture);
}

static void refuses_bad_declarations(void **state)
{
    char long_name[HNI_PARAMETER_NAME_MAX + 2];
    (void)state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    const double ones[4] = {1, 1, 1, 1}, wild[4] = {1, 1, (double)INFINITY, 1};
    const hn_shape shape = HN_SHAPE2(4, 3);
    refuses_bad_declaration("first", HN_SHAPE2(3, 4), hn_init_normal(1), HN_ERROR_SHAPE,
                            "[4,3] and is now asked for as [3,4]");
    refuses_bad_declaration("first", shape, hn_init_normal(2), HN_ERROR_ARGUMENT, "two initialisers");
    refuses_bad_declaration("first", shape, hn_init_uniform(1), HN_ERROR_ARGUMENT, "two initialisers");
    refuses_bad_declaration("gates", shape, hn_init_orthogonal(2, 1), HN_ERROR_ARGUMENT, "two initialisers");
    refuses_bad_declaration("first", shape, hn_init_by_row(hn_init_normal(1), ones), HN_ERROR_ARGUMENT,
                            "two initialisers");
    refuses_bad_declaration("rows", shape, hn_init_by_row(hn_init_normal(1), ones), HN_ERROR_ARGUMENT,
                            "two initialisers");
    refuses_bad_declaration("x", shape, hn_init_by_row(hn_init_normal(1), wild), HN_ERROR_ARGUMENT, "row 2");
    refuses_bad_declaration("x", HN_SCALAR(), hn_init_by_row(hn_init_normal(1), ones), HN_ERROR_SHAPE, "single number");
    refuses_bad_declaration("x", shape, hn_init_truncated_normal(-1), HN_ERROR_ARGUMENT, "-1");
    refuses_bad_declaration("", shape, hn_init_zeros(), HN_ERROR_ARGUMENT, "empty");
    refuses_bad_declaration(NULL, shape, hn_init_zeros(), HN_ERROR_ARGUMENT, "empty");
    refuses_bad_declaration(long_name, shape, hn_init_zeros(), HN_ERROR_ARGUMENT, "256 bytes");
    refuses_bad_declaration("x", HN_SHAPE2(4, 0), hn_init_zeros(), HN_ERROR_SHAPE, "[4,0]");
    refuses_bad_declaration("x", HN_SHAPE2(INT64_MAX, 2), hn_init_zeros(), HN_ERROR_SHAPE, "63 bits");
    refuses_bad_declaration("x", HN_SHAPE1(INT64_MAX - 5), hn_init_zeros(), HN_ERROR_SHAPE, "63 bits");
    refuses_bad_declaration("x", shape, hn_init_constant((double)NAN), HN_ERROR_ARGUMENT, "nan");
    refuses_bad_declaration("x", shape, hn_init_normal(-1), HN_ERROR_ARGUMENT, "-1");
    refuses_bad_declaration("x", shape, hn_init_normal_about((double)NAN, 1), HN_ERROR_ARGUMENT, "nan");
    refuses_bad_declaration("x", shape, hn_init_uniform((double)INFINITY), HN_ERROR_ARGUMENT, "inf");
    refuses_bad_declaration("x", HN_SHAPE1(4), hn_init_orthogonal(1, 1), HN_ERROR_SHAPE, "rows and columns");
    refuses_bad_declaration("x", shape, hn_init_orthogonal(3, 1), HN_ERROR_ARGUMENT, "divide 4");
    refuses_bad_declaration("x", shape, hn_init_orthogonal(0, 1), HN_ERROR_ARGUMENT, "at least 1");
    refuses_bad_declaration("x", shape, (hn_init){.kind = (hn_init_kind)17}, HN_ERROR_ARGUMENT, "17");
    refuses_bad_declaration("x", shape, (hn_init){.kind = (hn_init_kind)-1}, HN_ERROR_ARGUMENT, "-1");
}

/* "costarring" and "liquid" have one FNV-1a hash; so have the names of these two sites. */
static void refuses_sites_with_one_hash(void **state)
{
    test_store fixture;
    uint32_t first, second;
    (void)state;
    test_store_open(&fixture, 1);
    assert_int_equal(hni_store_site(fixture.store, "costarring", &first), HN_OK);
    assert_int_equal(hni_store_site(fixture.store, "costarring", &first), HN_OK);
    assert_int_equal(hni_store_site(fixture.store, "liquid", &second), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.context, HN_ERROR_ARGUMENT, "\"costarring\"", "\"liquid\"", "rename", NULL);
    test_store_close(&fixture);
}

static void dry_store_has_a_layout_only(void **state)
{
    test_store fixture;
    double one[1] = {0};
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(17), hn_init_constant(1));
    test_store_declare(&fixture, "b", HN_SHAPE3(100000, 100000, 1000),
                       hn_init_orthogonal(1, 1)); /* 40 TB: never touched */
    test_store_seal(&fixture, HN_BACKEND_DRY, HN_DTYPE_F32, 1);
    assert_true(hn_store_is_sealed(fixture.store));
    assert_int_equal(hn_store_elements(fixture.store), 17 + 10000000000000);
    assert_int_equal(hn_store_parameter(fixture.store, 1)->offset, 32);
    assert_true(hn_context_memory(fixture.context) < 100000);
    assert_int_equal(hn_store_zero_gradients(fixture.store), HN_OK);
    assert_int_equal(hn_store_read(fixture.store, 0, HN_DTYPE_F64, 17, one), HN_ERROR_STATE);
    test_assert_error(fixture.context, HN_ERROR_STATE, "dry graph", "no numbers", NULL);
    test_store_close(&fixture);
}

static void refuses_a_second_seal(void **state)
{
    test_store fixture;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(2), hn_init_zeros());
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F32, 1);
    assert_int_equal(hn_store_seal(fixture.store, fixture.dry, 1), HN_ERROR_STATE);
    test_assert_error(fixture.context, HN_ERROR_STATE, "sealed already", NULL);
    assert_true(hn_store_is_sealed(fixture.store));
    test_store_close(&fixture);
}

static void refuses_another_context(void **state)
{
    test_store fixture, other;
    hn_weights *weights;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_open(&other, 1);
    assert_int_equal(hn_store_seal(fixture.store, other.dry, 1), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.context, HN_ERROR_ARGUMENT, "another context", NULL);
    assert_int_equal(hn_weights_create(other.dry, fixture.store, &weights), HN_ERROR_ARGUMENT);
    test_assert_error(fixture.context, HN_ERROR_ARGUMENT, "different contexts", NULL);
    assert_null(weights);
    test_store_close(&other);
    test_store_close(&fixture);
}

/* A seal that does not fit leaves an open store that can be sealed in another way. */
static void survives_a_failed_seal(void **state)
{
    hn_context_options options;
    test_store fixture = {0};
    (void)state;
    hn_context_options_default(&options);
    options.threads = 1;
    options.memory_limit = 4 << 20;
    assert_int_equal(hn_context_create(&options, &fixture.context), HN_OK);
    fixture.dry = test_graph_create(fixture.context, HN_BACKEND_DRY, HN_DTYPE_F32);
    assert_int_equal(hn_store_create(fixture.context, &fixture.store), HN_OK);
    assert_int_equal(hn_weights_create(fixture.dry, fixture.store, &fixture.declarer), HN_OK);
    test_store_declare(&fixture, "a", HN_SHAPE2(1000, 800), hn_init_normal(1));
    hn_graph *graph = test_graph_create(fixture.context, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    const int64_t before = hn_context_memory(fixture.context);
    assert_int_equal(hn_store_seal(fixture.store, graph, 1), HN_ERROR_MEMORY);
    assert_int_equal(hn_context_error(fixture.context)->status, HN_ERROR_MEMORY);
    hn_context_clear(fixture.context);
    assert_int_equal(hn_context_memory(fixture.context), before);
    assert_false(hn_store_is_sealed(fixture.store));
    assert_int_equal(hn_store_parameter(fixture.store, 0)->offset, -1);
    hn_graph_destroy(graph);
    test_store_seal(&fixture, HN_BACKEND_DRY, HN_DTYPE_F32, 1);
    test_store_close(&fixture);
}

static void an_empty_store_can_be_sealed(void **state)
{
    test_store fixture;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F32, 1);
    assert_int_equal(hn_store_zero_gradients(fixture.store), HN_OK);
    assert_int_equal(hn_store_elements(fixture.store), 0);
    test_store_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_finds),
        cmocka_unit_test(many_names_stay_apart),
        cmocka_unit_test(layout),
        cmocka_unit_test(copies_convert),
        cmocka_unit_test(refuses_bad_copies),
        cmocka_unit_test(refuses_bad_declarations),
        cmocka_unit_test(refuses_sites_with_one_hash),
        cmocka_unit_test(dry_store_has_a_layout_only),
        cmocka_unit_test(refuses_a_second_seal),
        cmocka_unit_test(refuses_another_context),
        cmocka_unit_test(survives_a_failed_seal),
        cmocka_unit_test(an_empty_store_can_be_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
