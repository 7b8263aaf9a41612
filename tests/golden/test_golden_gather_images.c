/* gather_images against gather_images.safetensors, on every backend. */
#include "golden.h"
#include "test_store.h"

static const struct {
    hn_backend backend;
    hn_dtype dtype;
    double share; /* of the largest number of a batch */
} kinds[] = {{HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-13},
             {HN_BACKEND_GENERIC, HN_DTYPE_F32, 1e-6},
             {HN_BACKEND_BEST, HN_DTYPE_F32, 1e-5}}; /* which knows a place to 2^-24 of its size */

static const hn_file_tensor *find(const hn_safetensors *file, const char *name, const char *what)
{
    char whole[64];
    (void)snprintf(whole, sizeof whole, "%s/%s", name, what);
    const hn_file_tensor *tensor = hn_safetensors_find(file, whole);
    if (tensor == NULL) fail_msg("gather_images.safetensors lacks %s", whole);
    return tensor;
}

static hn_tensor gather(hn_graph *graph, const hn_safetensors *file, const char *name)
{
    const hn_file_tensor *source = find(file, name, "source"), *index = find(file, name, "index");
    const int32_t *indices = index->data;
    const double *matrix = find(file, name, "matrix")->data;
    const int64_t batch = index->shape.size[0];
    hn_image_view views[16];
    assert_true(batch <= 16);
    for (int64_t b = 0; b < batch; b++) {
        views[b].index = indices[b];
        memcpy(views[b].matrix, matrix + 6 * b, sizeof views[b].matrix);
    }
    const hn_image_norm norm = {find(file, name, "mean")->data, find(file, name, "deviation")->data};
    const hn_tensor images = hn_tensor_from(graph, HN_DTYPE_U8, source->shape, source->data, false);
    return hn_gather_images(graph, images, views, batch, &norm);
}

static void run(const hn_safetensors *file, hn_graph *graph, double share)
{
    static const char *const names[] = {"grey", "colours", "two"};
    for (int i = 0; i < 3; i++) {
        const hn_file_tensor *expected = find(file, names[i], "out");
        const int64_t count = hn_shape_elements(expected->shape);
        double actual[4096];
        assert_true(count <= 4096);
        const hn_tensor out = gather(graph, file, names[i]);
        assert_int_equal(hn_graph_status(graph), HN_OK);
        assert_true(hn_shape_equal(hn_tensor_shape(graph, out), expected->shape));
        assert_int_equal(hn_tensor_read(graph, out, HN_DTYPE_F64, count, actual), HN_OK);
        assert_all_close_double(actual, expected->data, (size_t)count, share);
    }
}

static void test_every_backend(void **state)
{
    hn_context *context;
    hn_safetensors *file;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    char *path = test_source_path("tests/golden/gather_images.safetensors");
    assert_int_equal(hn_safetensors_open(context, path, &file), HN_OK);
    free(path);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        hn_graph *graph = test_graph_create(context, kinds[i].backend, kinds[i].dtype);
        run(file, graph, kinds[i].share);
        hn_graph_destroy(graph);
    }
    hn_safetensors_close(file);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_backend)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
