/* Fuzzes checkpoints of image models: the bytes as a file; and as settings and numbers of a small model, put into a whole file, in
 * which one tensor may be spoilt. What opens must name its classes and classify an image of zeros. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypernet/hypernet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTINGS = 16, MOST_TENSORS = 256 };

#define MEMORY_LIMIT ((int64_t)64 << 20)
#define MOST_WORK ((double)(1 << 25))

static volatile float sink;

/* ---- use ---- */

/* Multiplies of one image, rather too many: a small file may hold a large network. Coordinates take the whole generator for each weight. */
static bool is_quick(const hn_image_trained *trained)
{
    const hn_image_model *model = &trained->model;
    hn_image_counts counts;
    hn_image_model_counts(model, trained->store, &counts);
    const int64_t each = model->weights == HN_IMAGE_WEIGHTS_COORDINATES
                             ? counts.generator
                             : 2 * model->embedding_size + model->generator_units;
    const double generated = (double)counts.generated, area = (double)model->height * (double)model->width;
    return ((double)counts.network + generated) * area + generated * (double)each <= MOST_WORK;
}

static void predict(hn_image_trained *trained)
{
    const hn_image_model *model = &trained->model;
    uint8_t *image = calloc((size_t)(model->channels * model->height * model->width), 1);
    float *logits = malloc((size_t)model->classes * sizeof *logits);
    if (image == NULL || logits == NULL) abort();
    const hn_status status = hn_image_predict(trained, HN_DTYPE_U8, 1, image, logits);
    if (status != HN_OK && status != HN_ERROR_MEMORY) abort();
    for (int64_t i = 0; status == HN_OK && i < model->classes; i++)
        sink = logits[i];
    free(image);
    free(logits);
}

static void check_trained(hn_image_trained *trained)
{
    const hn_image_model *model = &trained->model;
    size_t length;
    if (model->channels < 1 || model->height < 1 || model->width < 1 || model->classes < 1) abort();
    for (int k = 0; k < 2; k++) { /* the first and the last */
        const char *name = hn_image_class(trained, k == 0 ? 0 : model->classes - 1, &length);
        if (name == NULL || length == 0 || memchr(name, '\n', length) != NULL) abort();
    }
    if (hn_image_class(trained, model->classes, &length) != NULL || length != 0) abort();
    for (int64_t c = 0; c < model->channels; c++)
        if (!isfinite(trained->mean[c]) || !(trained->deviation[c] > 0)) abort();
    if (is_quick(trained)) predict(trained);
}

/* A refusal says which file it is, unless memory is short. */
static hn_status check(hn_context *context, const void *data, size_t size)
{
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F32};
    hn_image_trained *trained;
    const hn_status status = hn_image_trained_parse(context, "fuzz", data, size, &options, &trained);
    if ((status == HN_OK) != (trained != NULL)) abort();
    if (status == HN_OK) {
        check_trained(trained);
    } else if (status != HN_ERROR_MEMORY && strncmp(hn_context_error(context)->text, "fuzz: ", 6) != 0) {
        abort();
    }
    hn_image_trained_close(trained);
    hn_context_clear(context);
    return status;
}

/* ---- a file that is made ---- */

typedef struct made {
    hn_file_tensor tensors[MOST_TENSORS];
    char names[MOST_TENSORS][80]; /* of buffers */
    float *numbers;               /* of parameters and buffers */
    int64_t count, used;
} made;

static hn_image_model model_of(const uint8_t *bytes)
{
    hn_image_model model;
    hn_image_model_default(&model);
    model.network = (hn_image_network)(bytes[0] % 3);
    model.weights = (hn_image_weights)(bytes[1] % 4);
    model.channels = 1 + bytes[2] % 3;
    model.height = 1 + bytes[3] % 8;
    model.width = 1 + bytes[4] % 8;
    model.classes = 1 + bytes[5] % 3;
    model.filters = 1 + bytes[6] % 4;
    model.kernel_size = 1 + bytes[7] % 5;
    model.units = 1 + bytes[8] % 9;
    model.depth = 10 + bytes[9] % 7;
    model.embedding_size = 1 + bytes[10] % 3;
    model.generator_units = bytes[11] % 3;
    model.basic_size = model.network == HN_IMAGE_NETWORK_WIDE_RESNET ? 16 : 1 + bytes[12] % 4;
    model.start = (hn_generator_start)(bytes[13] % 3);
    model.frequencies = bytes[13] / 3 % 3;
    model.coordinate_units = 1 + bytes[10] % 5;
    if (model.network == HN_IMAGE_NETWORK_WIDE_RESNET && model.weights == HN_IMAGE_WEIGHTS_STORED)
        model.weights = HN_IMAGE_WEIGHTS_HYPER; /* stored ones are many */
    return model;
}

static void add_tensor(made *file, const char *name, hn_dtype dtype, hn_shape shape, const void *data)
{
    if (file->count == MOST_TENSORS) abort();
    file->tensors[file->count++] = (hn_file_tensor){name, dtype, shape, data};
}

static void add_numbers(made *file, const char *name, const hn_parameter *parameter)
{
    add_tensor(file, name, HN_DTYPE_F32, parameter->shape, file->numbers + file->used);
    file->used += parameter->elements;
}

/* Whatever the store has declared, with the bytes as its numbers, as often as needed; whether they are finite. */
static bool add_store(made *file, const hn_store *store, const uint8_t *bytes, size_t size)
{
    const int64_t numbers = hn_store_elements(store) + hn_store_buffer_elements(store);
    bool finite = true;
    file->numbers = calloc((size_t)numbers, sizeof *file->numbers);
    if (file->numbers == NULL) abort();
    for (size_t i = 0; size > 0 && i < (size_t)numbers * sizeof *file->numbers; i++)
        ((uint8_t *)file->numbers)[i] = bytes[i % size];
    for (int64_t i = 0; i < numbers; i++)
        finite = finite && isfinite(file->numbers[i]);
    for (int64_t i = 0; i < hn_store_count(store); i++)
        add_numbers(file, hn_store_parameter(store, i)->name, hn_store_parameter(store, i));
    for (int64_t i = 0; i < hn_store_buffer_count(store); i++) {
        char *name = file->names[file->count];
        snprintf(name, sizeof file->names[0], "buffer.%s", hn_store_buffer(store, i)->name);
        add_numbers(file, name, hn_store_buffer(store, i));
    }
    return finite;
}

/* Makes one tensor unfit, or none of them; whether it did. */
static bool spoil(made *file, uint8_t kind, uint8_t place)
{
    hn_file_tensor *tensor = &file->tensors[place % file->count];
    switch (kind % 5) {
    case 1: *tensor = file->tensors[--file->count]; return true; /* left out */
    case 2: tensor->name = "other"; return true;
    case 3: tensor->shape.size[tensor->shape.rank++] = 1; return true;
    case 4: /* the first bytes of its numbers */
        if (tensor->dtype == HN_DTYPE_U8) return false;
        tensor->dtype = HN_DTYPE_U8;
        return true;
    default: return false;
    }
}

static uint8_t *print(hn_context *context, const hn_image_model *model, const made *file, size_t *out_size)
{
    char json[2048];
    const hn_file_text texts[] = {{"model", json}, {"task", "images"}};
    const hn_safetensors_content content = {file->tensors, file->count, texts, 2};
    if (hn_image_model_to_json(context, model, json, sizeof json) != HN_OK) abort();
    if (hn_safetensors_print(context, &content, NULL, 0, out_size) != HN_OK) abort();
    uint8_t *bytes = malloc(*out_size);
    if (bytes == NULL || hn_safetensors_print(context, &content, bytes, *out_size, out_size) != HN_OK) abort();
    return bytes;
}

/* A whole file with finite numbers opens, any other one does not. */
static void check_file(hn_context *context, const hn_image_model *model, const hn_store *store, const uint8_t *data,
                       size_t size)
{
    static const char names[] = "a\nb b\nc";
    static const double norm[] = {0.5, 0.4, 0.3, 0.2, 0.1, 0.3}; /* [2,C] are the first ones */
    made *file = calloc(1, sizeof *file);
    size_t file_size;
    if (file == NULL) abort();
    const bool finite = add_store(file, store, data + SETTINGS, size - SETTINGS);
    const size_t names_size = model->classes == 1 ? 1 : model->classes == 2 ? 5 : 7;
    add_tensor(file, "blob.classes", HN_DTYPE_U8, HN_SHAPE1(names_size), names);
    add_tensor(file, "blob.normalisation", HN_DTYPE_F64, HN_SHAPE2(2, model->channels), norm);
    const bool spoilt = spoil(file, data[14], data[15]);
    uint8_t *bytes = print(context, model, file, &file_size);
    const hn_status status = check(context, bytes, file_size);
    if (status != HN_ERROR_MEMORY && (status == HN_OK) != (finite && !spoilt)) abort();
    free(bytes);
    free(file->numbers);
    free(file);
}

static void check_made(hn_context *context, const uint8_t *data, size_t size)
{
    hn_store *store = NULL;
    if (size < SETTINGS) return;
    const hn_image_model model = model_of(data);
    if (hn_store_create(context, &store) != HN_OK) abort();
    if (hn_image_model_declare(store, &model) == HN_OK) check_file(context, &model, store, data, size);
    hn_context_clear(context);
    hn_store_destroy(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hn_context_options options;
    hn_context *context;
    hn_context_options_default(&options);
    options.threads = 1;
    options.memory_limit = MEMORY_LIMIT;
    if (hn_context_create(&options, &context) != HN_OK) abort();
    check(context, data, size);
    check_made(context, data, size);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    return 0;
}
