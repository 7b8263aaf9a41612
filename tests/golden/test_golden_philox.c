/* The random numbers against philox.safetensors: published vectors of Philox-4x32-10, hashes of site names, uniform numbers. */
#include <jansson.h>

#include "core/rng.h"
#include "hypernet/hypernet.h"
#include "test_support.h"

static hn_context *context;
static hn_safetensors *file;

static int open_file(void **state)
{
    (void)state;
    char *path = test_source_path("tests/golden/philox.safetensors");
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    const hn_status status = hn_safetensors_open(context, path, &file);
    if (status != HN_OK) print_error("%s\n", hn_context_error(context)->text);
    free(path);
    return status == HN_OK ? 0 : -1;
}

static int close_file(void **state)
{
    (void)state;
    hn_safetensors_close(file);
    hn_context_destroy(context);
    return 0;
}

/* The I32 tensor's bits as words. */
static const uint32_t *words(const char *name, int64_t columns, int64_t *out_rows)
{
    const hn_file_tensor *tensor = hn_safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, HN_DTYPE_I32);
    assert_int_equal(tensor->shape.rank, columns == 1 ? 1 : 2);
    if (columns > 1) assert_int_equal(tensor->shape.size[1], columns);
    *out_rows = tensor->shape.size[0];
    return tensor->data;
}

static void test_known_answers(void **state)
{
    int64_t rows, same;
    const uint32_t *counter = words("counter", 4, &rows), *key = words("key", 2, &same),
                   *answer = words("answer", 4, &same);
    (void)state;
    assert_int_equal(rows, same);
    assert_true(rows >= 3); /* the published ones come first */
    for (int64_t r = 0; r < rows; r++) {
        uint32_t block[4];
        memcpy(block, counter + 4 * r, sizeof block);
        hni_philox(block, (uint64_t)key[2 * r + 1] << 32 | key[2 * r]);
        assert_memory_equal(block, answer + 4 * r, sizeof block);
    }
    assert_int_equal(answer[0], 0x6627E8D5); /* Random123, kat_vectors, first line */
}

static json_t *text(const char *key)
{
    const char *line = hn_safetensors_text(file, key);
    assert_non_null(line);
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

static void test_site_hashes(void **state)
{
    int64_t rows;
    const uint32_t *hash = words("site_hash", 1, &rows);
    json_t *sites = text("sites");
    (void)state;
    assert_int_equal(json_array_size(sites), rows);
    for (int64_t i = 0; i < rows; i++) {
        assert_int_equal(hn_site(json_string_value(json_array_get(sites, (size_t)i))), hash[i]);
    }
    json_decref(sites);
}

static void test_uniform_numbers(void **state)
{
    const hn_file_tensor *expected = hn_safetensors_find(file, "uniform");
    json_t *uniform = text("uniform");
    const json_t *first = json_object_get(uniform, "first_index");
    const hni_rng_key key = {
        .seed = strtoull(json_string_value(json_object_get(uniform, "seed")), NULL, 10),
        .step = (uint32_t)json_integer_value(json_object_get(uniform, "step")),
        .site = hn_site(json_string_value(json_object_get(uniform, "site"))),
    };
    (void)state;
    assert_non_null(expected);
    assert_int_equal(expected->dtype, HN_DTYPE_F64);
    assert_int_equal(expected->shape.size[0], json_array_size(first));
    const double *numbers = expected->data;
    for (int64_t r = 0; r < expected->shape.size[0]; r++) {
        const uint64_t start = (uint64_t)json_integer_value(json_array_get(first, (size_t)r));
        for (int64_t i = 0; i < expected->shape.size[1]; i++) {
            assert_true(hni_rng_uniform(&key, start + (uint64_t)i) == numbers[r * expected->shape.size[1] + i]);
        }
    }
    json_decref(uniform);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_site_hashes),
        cmocka_unit_test(test_uniform_numbers),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
