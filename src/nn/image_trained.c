/* A whole image model from a checkpoint: settings from the metadata, names of the classes from blob.classes, what bytes are normalised
 * by from blob.normalisation, parameters and buffers by name. And its use. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "graph/graph.h"
#include "nn/image.h"
#include "nn/trained.h"
#include "params/store.h"

#define ROWS 64 /* images at once */

/* ---- what stands beside the parameters ---- */

/* Lines of a text that ends without a line's end; 0 if one is empty or holds a 0. */
static int64_t count_lines(const char *text, size_t size)
{
    int64_t lines = 1;
    for (size_t i = 0, start = 0; i <= size; i++) {
        if (i < size && text[i] == '\0') return 0;
        if (i < size && text[i] != '\n') continue;
        if (i == start) return 0;
        start = i + 1;
        lines += i < size;
    }
    return lines;
}

static hn_status missing(hn_context *context, const char *name)
{
    return hni_error(context, HN_ERROR_FORMAT,
                     "checkpoint: '%s' is missing: take the last.safetensors or best.safetensors of a run on images",
                     name);
}

static hn_status read_classes(hn_context *context, const hn_safetensors *file, const hn_image_model *model,
                              hni_image_facts *facts)
{
    const hn_file_tensor *blob = hn_safetensors_find(file, HNI_IMAGE_CLASSES);
    void *memory = NULL;
    if (blob == NULL) return missing(context, HNI_IMAGE_CLASSES);
    if (blob->dtype != HN_DTYPE_U8 || blob->shape.rank != 1)
        return hni_error(context, HN_ERROR_FORMAT, "checkpoint: '%s' must be U8 with one dimension", HNI_IMAGE_CLASSES);
    const size_t size = (size_t)blob->shape.size[0];
    const int64_t lines = count_lines(blob->data, size);
    if (lines == 0 || lines != model->classes)
        return hni_error(context, HN_ERROR_FORMAT, "checkpoint: '%s' must name the model's %lld classes, a line each",
                         HNI_IMAGE_CLASSES, (long long)model->classes);
    const hn_status status = hni_alloc(context, "classes", size + 1, &memory);
    if (status != HN_OK) return status;
    memcpy(memory, blob->data, size); /* the rest is 0 */
    facts->classes = memory;
    facts->classes_size = size;
    return HN_OK;
}

static hn_status read_norm(hn_context *context, const hn_safetensors *file, const hn_image_model *model,
                           hni_image_facts *facts)
{
    const hn_file_tensor *blob = hn_safetensors_find(file, HNI_IMAGE_NORM);
    const int64_t channels = model->channels;
    void *memory = NULL;
    if (blob == NULL) return missing(context, HNI_IMAGE_NORM);
    if (blob->dtype != HN_DTYPE_F64 || !hn_shape_equal(blob->shape, HN_SHAPE2(2, channels)))
        return hni_error(context, HN_ERROR_FORMAT, "checkpoint: '%s' must be F64 [2,%lld]", HNI_IMAGE_NORM,
                         (long long)channels);
    const hn_status status = hni_alloc_array(context, "normalisation", (size_t)(2 * channels), sizeof(double), &memory);
    if (status != HN_OK) return status;
    memcpy(memory, blob->data, (size_t)(2 * channels) * sizeof(double)); /* lies at any address */
    facts->norm = memory;
    for (int64_t c = 0; c < channels; c++) {
        const double mean = facts->norm[c], deviation = facts->norm[channels + c];
        if (isfinite(mean) && isfinite(deviation) && deviation > 0) continue;
        return hni_error(context, HN_ERROR_FORMAT,
                         "checkpoint: '%s' has mean %g and deviation %g for channel %lld: they must be finite, the "
                         "deviation above 0",
                         HNI_IMAGE_NORM, mean, deviation, (long long)c);
    }
    return HN_OK;
}

hn_status hni_image_facts_read(hn_context *context, const hn_safetensors *file, const hn_image_model *model,
                               hni_image_facts *out_facts)
{
    *out_facts = (hni_image_facts){.classes = NULL};
    hn_status status = read_classes(context, file, model, out_facts);
    if (status == HN_OK) status = read_norm(context, file, model, out_facts);
    if (status == HN_OK) return HN_OK;
    hni_free(context, out_facts->classes);
    hni_free(context, out_facts->norm);
    *out_facts = (hni_image_facts){.classes = NULL};
    return status;
}

const char *hni_image_class_of(const char *classes, int64_t index, size_t *out_size)
{
    const char *name = classes;
    for (int64_t i = 0; i < index && name != NULL; i++) {
        name = strchr(name, '\n');
        if (name != NULL) name++;
    }
    *out_size = name != NULL ? strcspn(name, "\n") : 0;
    return name;
}

/* Settings that do not go together: the message says that they are a file's. */
static hn_status check_model(hn_image_trained *trained)
{
    char text[sizeof((hn_error *)0)->text];
    const hn_status status = hn_image_model_check(trained->context, &trained->model);
    if (status == HN_OK) return status;
    snprintf(text, sizeof text, "%s", hn_context_error(trained->context)->text);
    hn_context_clear(trained->context);
    return hni_error(trained->context, status, "checkpoint: %.600s", text);
}

static hn_status read_model(hn_image_trained *trained, const hn_safetensors *file)
{
    const char *json = hn_safetensors_text(file, "model"), *task = hn_safetensors_text(file, "task");
    if (json == NULL || (task != NULL && strcmp(task, "images") != 0))
        return hni_error(
            trained->context, HN_ERROR_FORMAT, "checkpoint: this file holds no image model (%s%.40s%s in __metadata__)",
            json == NULL ? "no 'model'" : "'task' is '", json == NULL ? "" : task, json == NULL ? "" : "'");
    const hn_status status = hn_image_model_from_json(trained->context, json, &trained->model);
    return status == HN_OK ? check_model(trained) : status;
}

static hn_status read_facts(hn_image_trained *trained, const hn_safetensors *file)
{
    hni_image_facts facts;
    const hn_status status = hni_image_facts_read(trained->context, file, &trained->model, &facts);
    if (status != HN_OK) return status;
    trained->classes = facts.classes;
    trained->mean = facts.norm;
    trained->deviation = facts.norm + trained->model.channels;
    return HN_OK;
}

/* ---- opening ---- */

static hn_status read_all(hn_image_trained *trained, const hn_safetensors *file, const hn_graph_options *options)
{
    hn_context *context = trained->context;
    hn_status status;
    HNI_TRY(read_model(trained, file));
    HNI_TRY(read_facts(trained, file));
    HNI_TRY(hn_store_create(context, &trained->store));
    HNI_TRY(hn_image_model_declare(trained->store, &trained->model));
    HNI_TRY(hni_trained_check_parameters(context, file, trained->store)); /* before memory for it is taken */
    HNI_TRY(hn_graph_create(context, options, &trained->graph));
    HNI_TRY(hni_store_seal_zero(trained->store, trained->graph));
    HNI_TRY(hni_trained_read_parameters(context, file, trained->store));
    HNI_TRY(hn_weights_create(trained->graph, trained->store, &trained->weights));
    hn_graph_record(trained->graph, false);
    hn_graph_train(trained->graph, false);
cleanup:
    return status;
}

hn_status hn_image_trained_from_file(hn_context *context, const hn_safetensors *file, const hn_graph_options *options,
                                     hn_image_trained **out_trained)
{
    hn_image_trained *trained = NULL;
    void *memory = NULL;
    *out_trained = NULL;
    hn_status status = hni_alloc(context, "model", sizeof *trained, &memory);
    if (status != HN_OK) return status;
    trained = memory;
    trained->context = context;
    status = read_all(trained, file, options);
    if (status == HN_OK) {
        *out_trained = trained;
    } else {
        hn_image_trained_close(trained);
    }
    return status;
}

hn_status hn_image_trained_open(hn_context *context, const char *path, const hn_graph_options *options,
                                hn_image_trained **out_trained)
{
    hn_safetensors *file = NULL;
    *out_trained = NULL;
    hn_status status = hn_safetensors_open(context, path, &file);
    if (status == HN_OK)
        status = hni_trained_name_file(context, path, hn_image_trained_from_file(context, file, options, out_trained));
    hn_safetensors_close(file);
    return status;
}

hn_status hn_image_trained_parse(hn_context *context, const char *name, const void *data, size_t size,
                                 const hn_graph_options *options, hn_image_trained **out_trained)
{
    hn_safetensors *file = NULL;
    *out_trained = NULL;
    hn_status status = hn_safetensors_parse(context, name, data, size, &file);
    if (status == HN_OK)
        status = hni_trained_name_file(context, name, hn_image_trained_from_file(context, file, options, out_trained));
    hn_safetensors_close(file);
    return status;
}

void hn_image_trained_close(hn_image_trained *trained)
{
    if (trained == NULL) return;
    hn_weights_destroy(trained->weights);
    hn_graph_destroy(trained->graph);
    hn_store_destroy(trained->store);
    hni_free(trained->context, (void *)trained->mean);
    hni_free(trained->context, (void *)trained->classes);
    hni_free(trained->context, trained);
}

/* ---- use ---- */

const char *hn_image_class(const hn_image_trained *trained, int64_t index, size_t *out_size)
{
    *out_size = 0;
    return index >= 0 ? hni_image_class_of(trained->classes, index, out_size) : NULL;
}

/* Bytes as they are in memory, each image whole. */
static hn_tensor from_bytes(hn_image_trained *trained, hn_shape shape, const void *bytes)
{
    const hn_image_norm norm = {trained->mean, trained->deviation};
    hn_image_view views[ROWS];
    for (int64_t i = 0; i < shape.size[0]; i++)
        views[i] = (hn_image_view){.index = i, .matrix = {1, 0, 0, 0, 1, 0}};
    const hn_tensor source = hn_tensor_from(trained->graph, HN_DTYPE_U8, shape, bytes, false);
    return hn_gather_images(trained->graph, source, views, shape.size[0], &norm);
}

static hn_tensor from_floats(hn_image_trained *trained, hn_shape shape, const void *floats)
{
    hn_graph *graph = trained->graph;
    const hn_shape channel = HN_SHAPE3(trained->model.channels, 1, 1);
    const hn_tensor mean = hn_tensor_from(graph, HN_DTYPE_F64, channel, trained->mean, false);
    const hn_tensor deviation = hn_tensor_from(graph, HN_DTYPE_F64, channel, trained->deviation, false);
    const hn_tensor x = hn_tensor_from(graph, HN_DTYPE_F32, shape, floats, false);
    return hn_div(graph, hn_sub(graph, x, mean), deviation);
}

static hn_status predict_rows(hn_image_trained *trained, hn_dtype dtype, hn_shape shape, const void *images,
                              float *out_logits)
{
    hn_graph_reset(trained->graph);
    const hn_image_batch batch = {.images = dtype == HN_DTYPE_U8 ? from_bytes(trained, shape, images)
                                                                 : from_floats(trained, shape, images)};
    const hn_image_result result = hn_image_run(trained->weights, &trained->model, &batch);
    const hn_status status = hn_graph_status(trained->graph);
    if (status != HN_OK) return status;
    return hn_tensor_read(trained->graph, result.logits, HN_DTYPE_F32, shape.size[0] * trained->model.classes,
                          out_logits);
}

hn_status hn_image_predict(hn_image_trained *trained, hn_dtype dtype, int64_t count, const void *images,
                           float *out_logits)
{
    const hn_image_model *model = &trained->model;
    const int64_t size = model->channels * model->height * model->width * (int64_t)hn_dtype_size(dtype);
    hn_status status = HN_OK;
    if (dtype != HN_DTYPE_U8 && dtype != HN_DTYPE_F32)
        return hni_error(trained->context, HN_ERROR_TYPE, "predict: images are %s, they must be U8 or F32",
                         hn_dtype_name(dtype));
    if (count < 1)
        return hni_error(trained->context, HN_ERROR_ARGUMENT, "predict: %lld images: at least 1 is needed",
                         (long long)count);
    for (int64_t first = 0; status == HN_OK && first < count; first += ROWS) {
        const int64_t rows = count - first < ROWS ? count - first : ROWS;
        status = predict_rows(trained, dtype, HN_SHAPE4(rows, model->channels, model->height, model->width),
                              (const char *)images + first * size, out_logits + first * model->classes);
    }
    hn_graph_reset(trained->graph);
    return status;
}
