/* Image models from checkpoints: written, opened, used on bytes and on floats; baked ones, without their generator, predict the same;
 * damaged files end in one message. */
#include <math.h>

#include "hypernet/hypernet.h"
#include "test_results.h"

enum { CLASSES = 3, ROWS = 70, MOST_TENSORS = 160 };

static const char names[] = "cat\nlong-haired dog\nship";

typedef struct bench {
    hn_context *context;
    hn_image_model model;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    hn_file_tensor tensors[MOST_TENSORS];
    int64_t tensor_count;
    double *numbers; /* of the tensors */
    char buffer_names[40][64];
    char json[2048], task[16];
    double norm[2 * 4];
} bench;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

static hn_image_model model_of(hn_image_network network, hn_image_weights weights)
{
    hn_image_model model;
    hn_image_model_default(&model);
    model.network = network;
    model.weights = weights;
    model.channels = network == HN_IMAGE_NETWORK_MLP ? 1 : 2;
    model.height = 6;
    model.width = 5;
    model.classes = CLASSES;
    model.kernel_size = 3;
    model.units = 9;
    model.depth = 10;
    return model;
}

static void close_bench(bench *b)
{
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
    hn_store_destroy(b->store);
    free(b->numbers);
    hn_context_destroy(b->context);
}

static void add_tensor(bench *b, const char *name, hn_dtype dtype, hn_shape shape, const void *data)
{
    assert_true(b->tensor_count < MOST_TENSORS);
    b->tensors[b->tensor_count++] = (hn_file_tensor){name, dtype, shape, data};
}

/* A store of random numbers in double, and all that a checkpoint of it holds. */
static void open_bench(bench *b, const hn_image_model *model)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    int64_t used = 0;
    *b = (bench){.model = *model, .task = "images"};
    assert_int_equal(hn_context_create(NULL, &b->context), HN_OK);
    ok(b, hn_store_create(b->context, &b->store));
    ok(b, hn_image_model_declare(b->store, model));
    ok(b, hn_graph_create(b->context, &f64, &b->graph));
    ok(b, hn_store_seal(b->store, b->graph, 1));
    ok(b, hn_weights_create(b->graph, b->store, &b->weights));
    ok(b, hn_image_model_to_json(b->context, model, b->json, sizeof b->json));
    b->numbers =
        malloc((size_t)(hn_store_elements(b->store) + hn_store_buffer_elements(b->store)) * sizeof *b->numbers);
    assert_non_null(b->numbers);
    for (int64_t i = 0; i < hn_store_count(b->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(b->store, i);
        ok(b, hn_store_read(b->store, i, HN_DTYPE_F64, parameter->elements, b->numbers + used));
        add_tensor(b, parameter->name, HN_DTYPE_F64, parameter->shape, b->numbers + used);
        used += parameter->elements;
    }
    for (int64_t i = 0; i < hn_store_buffer_count(b->store); i++) { /* statistics: any numbers above 0 will do */
        const hn_parameter *buffer = hn_store_buffer(b->store, i);
        for (int64_t k = 0; k < buffer->elements; k++)
            b->numbers[used + k] = 0.7 + test_number(k, i);
        ok(b, hn_store_buffer_write(b->store, i, HN_DTYPE_F64, buffer->elements, b->numbers + used));
        assert_true(i < 40);
        snprintf(b->buffer_names[i], sizeof b->buffer_names[i], "buffer.%s", buffer->name);
        add_tensor(b, b->buffer_names[i], HN_DTYPE_F64, buffer->shape, b->numbers + used);
        used += buffer->elements;
    }
    for (int64_t c = 0; c < model->channels; c++) {
        b->norm[c] = 0.3 + 0.1 * (double)c;
        b->norm[model->channels + c] = 0.5 - 0.2 * (double)c;
    }
    add_tensor(b, "blob.classes", HN_DTYPE_U8, HN_SHAPE1(sizeof names - 1), names);
    add_tensor(b, "blob.normalisation", HN_DTYPE_F64, HN_SHAPE2(2, model->channels), b->norm);
}

/* The bytes of the checkpoint, freed by the caller. */
static void *checkpoint(const bench *b, size_t *out_size)
{
    const hn_file_text texts[] = {{"model", b->json}, {"task", b->task}};
    const hn_safetensors_content content = {b->tensors, b->tensor_count, texts, b->task[0] != '\0' ? 2 : 1};
    ok(b, hn_safetensors_print(b->context, &content, NULL, 0, out_size));
    void *bytes = malloc(*out_size);
    assert_non_null(bytes);
    ok(b, hn_safetensors_print(b->context, &content, bytes, *out_size, out_size));
    return bytes;
}

static hn_status reopen(const bench *b, hn_image_trained **out_trained)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    size_t size;
    void *bytes = checkpoint(b, &size);
    const hn_status status = hn_image_trained_parse(b->context, "the file", bytes, size, &f64, out_trained);
    free(bytes);
    return status;
}

static int64_t pixels_of(const hn_image_model *model) { return model->channels * model->height * model->width; }

static uint8_t *some_bytes(const hn_image_model *model)
{
    const int64_t count = ROWS * pixels_of(model);
    uint8_t *bytes = malloc((size_t)count);
    assert_non_null(bytes);
    for (int64_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * 37 + i / 11);
    return bytes;
}

/* What the model itself gives for these bytes, in evaluation. [ROWS,CLASSES] */
static void expect(bench *b, const uint8_t *bytes, double *out_logits)
{
    const hn_image_model *model = &b->model;
    const int64_t count = ROWS * pixels_of(model), area = model->height * model->width;
    double *images = malloc((size_t)count * sizeof *images);
    assert_non_null(images);
    for (int64_t i = 0; i < count; i++) {
        const int64_t c = i / area % model->channels;
        images[i] = (bytes[i] / 255.0 - b->norm[c]) / b->norm[model->channels + c];
    }
    hn_graph_train(b->graph, false);
    const hn_shape shape = HN_SHAPE4(ROWS, model->channels, model->height, model->width);
    const hn_image_batch batch = {.images = hn_tensor_from(b->graph, HN_DTYPE_F64, shape, images, false)};
    const hn_image_result result = hn_image_run(b->weights, model, &batch);
    ok(b, hn_graph_status(b->graph));
    ok(b, hn_tensor_read(b->graph, result.logits, HN_DTYPE_F64, ROWS * CLASSES, out_logits));
    free(images);
}

static void compare_floats(const float *actual, const double *expected)
{
    for (int i = 0; i < ROWS * CLASSES; i++)
        assert_close((double)actual[i], expected[i], 2e-6, 2e-6);
}

static void check_use(const hn_image_model *model)
{
    static double expected[ROWS * CLASSES];
    static float logits[ROWS * CLASSES];
    hn_image_trained *trained;
    bench b;
    open_bench(&b, model);
    uint8_t *bytes = some_bytes(model);
    float *floats = malloc((size_t)(ROWS * pixels_of(model)) * sizeof *floats);
    assert_non_null(floats);
    for (int64_t i = 0; i < ROWS * pixels_of(model); i++)
        floats[i] = (float)(bytes[i] / 255.0);
    expect(&b, bytes, expected);
    ok(&b, reopen(&b, &trained));
    assert_int_equal(trained->model.network, model->network);
    ok(&b, hn_image_predict(trained, HN_DTYPE_U8, ROWS, bytes, logits));
    compare_floats(logits, expected);
    memset(logits, 0, sizeof logits);
    ok(&b, hn_image_predict(trained, HN_DTYPE_F32, ROWS, floats, logits));
    compare_floats(logits, expected);
    assert_int_equal(hn_image_predict(trained, HN_DTYPE_F64, ROWS, floats, logits), HN_ERROR_TYPE);
    hn_context_clear(b.context);
    assert_int_equal(hn_image_predict(trained, HN_DTYPE_U8, 0, bytes, logits), HN_ERROR_ARGUMENT);
    hn_image_trained_close(trained);
    free(bytes);
    free(floats);
    close_bench(&b);
}

static void trained_models_predict(void **state)
{
    const hn_image_model models[] = {model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER),
                                     model_of(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_COORDINATES),
                                     model_of(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER_LINEAR)};
    (void)state;
    for (int i = 0; i < 3; i++)
        check_use(&models[i]);
}

static void classes_have_names(void **state)
{
    static const char *const expected[CLASSES] = {"cat", "long-haired dog", "ship"};
    const hn_image_model model = model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_STORED);
    hn_image_trained *trained;
    size_t size;
    bench b;
    (void)state;
    open_bench(&b, &model);
    ok(&b, reopen(&b, &trained));
    for (int i = 0; i < CLASSES; i++) {
        const char *name = hn_image_class(trained, i, &size);
        assert_int_equal(size, strlen(expected[i]));
        assert_memory_equal(name, expected[i], size);
    }
    assert_null(hn_image_class(trained, CLASSES, &size));
    assert_null(hn_image_class(trained, -1, &size));
    assert_int_equal(size, 0);
    hn_image_trained_close(trained);
    close_bench(&b);
}

/* ---- baked: the generated weights written out ---- */

/* The store of the baked model gets every parameter of the same name, and the generated weights. */
static void bake(bench *hyper, bench *baked)
{
    ok(hyper, hn_image_generate(hyper->weights, &hyper->model));
    for (int64_t i = 0; i < hn_store_count(baked->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(baked->store, i);
        double *values = malloc((size_t)parameter->elements * sizeof *values);
        assert_non_null(values);
        const hn_tensor weight = hn_weights_get(hyper->weights, parameter->name, parameter->shape, hn_init_zeros());
        ok(hyper, hn_graph_status(hyper->graph));
        ok(hyper, hn_tensor_read(hyper->graph, weight, HN_DTYPE_F64, parameter->elements, values));
        ok(baked, hn_store_write(baked->store, i, HN_DTYPE_F64, parameter->elements, values));
        free(values);
    }
}

/* The same logits. */
static void check_baked(const hn_image_model *model)
{
    static double expected[ROWS * CLASSES], found[ROWS * CLASSES];
    hn_image_model without;
    bench hyper, baked;
    open_bench(&hyper, model);
    hn_image_model_baked(model, &without);
    open_bench(&baked, &without);
    bake(&hyper, &baked);
    uint8_t *bytes = some_bytes(model);
    expect(&hyper, bytes, expected);
    expect(&baked, bytes, found);
    assert_all_close_double(found, expected, ROWS * CLASSES, 1e-13);
    assert_true(fabs(found[0] - found[1]) > 1e-9);
    free(bytes);
    close_bench(&hyper);
    close_bench(&baked);
}

static void baked_models_are_the_same_network(void **state)
{
    hn_image_model models[] = {model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER),
                               model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER_LINEAR),
                               model_of(HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_COORDINATES),
                               model_of(HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER)};
    (void)state;
    models[2].frequencies = 2;
    models[3].start = HN_GENERATOR_START_HYPERFAN_IN;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        check_baked(&models[i]);
}

/* ---- files that are none ---- */

static void refuses(bench *b, hn_status expected, const char *text)
{
    hn_image_trained *trained = (hn_image_trained *)b;
    assert_int_equal(reopen(b, &trained), expected);
    assert_null(trained);
    const char *found = hn_context_error(b->context)->text;
    if (strstr(found, text) == NULL || strstr(found, "the file") == NULL) fail_msg("'%s' lacks '%s'", found, text);
    hn_context_clear(b->context);
}

static hn_file_tensor *find(bench *b, const char *name)
{
    for (int64_t i = 0; i < b->tensor_count; i++)
        if (strcmp(b->tensors[i].name, name) == 0) return &b->tensors[i];
    fail_msg("no '%s'", name);
    return NULL;
}

static void damaged_files_are_refused(void **state)
{
    const hn_image_model model = model_of(HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER);
    hn_trained *language = NULL;
    hn_file_tensor *tensor;
    size_t size;
    bench b;
    (void)state;
    open_bench(&b, &model);
    const hn_file_tensor classes = *find(&b, "blob.classes"), norm = *find(&b, "blob.normalisation");
    tensor = find(&b, "blob.classes");
    tensor->name = "blob.class";
    refuses(&b, HN_ERROR_FORMAT, "'blob.classes' is missing");
    *tensor = classes;
    tensor->shape = HN_SHAPE1(strlen("cat\nlong-haired dog"));
    refuses(&b, HN_ERROR_FORMAT, "must name the model's 3 classes");
    tensor->shape = HN_SHAPE1(strlen("cat\nlong-haired dog\n"));
    refuses(&b, HN_ERROR_FORMAT, "must name the model's 3 classes");
    *tensor = classes;
    tensor = find(&b, "blob.normalisation");
    tensor->shape = HN_SHAPE2(model.channels, 2 / model.channels * 2 - 1);
    refuses(&b, HN_ERROR_FORMAT, "must be F64 [2,2]");
    *tensor = norm;
    b.norm[2] = 0;
    refuses(&b, HN_ERROR_FORMAT, "deviation 0 for channel 0");
    b.norm[2] = 1;
    b.norm[1] = (double)NAN;
    refuses(&b, HN_ERROR_FORMAT, "mean nan");
    b.norm[1] = 0;
    tensor = find(&b, "conv1.kernel");
    tensor->name = "conv9.kernel";
    refuses(&b, HN_ERROR_FORMAT, "parameter 'conv1.kernel'");
    tensor->name = "conv1.kernel";
    strcpy(b.task, "text");
    refuses(&b, HN_ERROR_FORMAT, "'task' is 'text'");
    strcpy(b.task, "");
    hn_image_trained *trained;
    ok(&b, reopen(&b, &trained)); /* a file that does not say is read */
    hn_image_trained_close(trained);
    strcpy(b.task, "images");
    void *bytes = checkpoint(&b, &size);
    assert_int_equal(hn_trained_parse(b.context, "the file", bytes, size, NULL, &language), HN_ERROR_FORMAT);
    assert_non_null(
        strstr(hn_context_error(b.context)->text, "no language model ('task' in __metadata__ is 'images')"));
    hn_context_clear(b.context);
    free(bytes);
    strcpy(b.json, "{\"network\":\"conv\",\"channels\":2}");
    refuses(&b, HN_ERROR_ARGUMENT, "model.height is 0");
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trained_models_predict),
        cmocka_unit_test(classes_have_names),
        cmocka_unit_test(baked_models_are_the_same_network),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
