/* A whole language model from a checkpoint: settings from the metadata, symbols from blob.vocabulary, parameters by name. And the
 * settings as JSON, as checkpoints keep them. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "io/settings_json.h"
#include "nn/cell.h"
#include "nn/settings.h"
#include "nn/trained.h"
#include "nn/vocabulary.h"
#include "params/store.h"

/* ---- settings as JSON ---- */

hn_status hni_model_json(hn_context *context, const hni_settings *settings, const void *model, char *out_text,
                         size_t size)
{
    char *text = NULL;
    hn_status status = hni_settings_to_json(context, settings, model, &text);
    if (status != HN_OK) return status;
    const size_t length = strlen(text);
    if (length >= size) {
        status = hni_error(context, HN_ERROR_ARGUMENT, "model settings: needs %zu bytes, the buffer has %zu",
                           length + 1, size);
    } else {
        memcpy(out_text, text, length + 1);
    }
    hni_free(context, text);
    return status;
}

hn_status hn_language_model_to_json(hn_context *context, const hn_language_model *model, char *out_text, size_t size)
{
    return hni_model_json(context, hni_language_checkpoint_settings(), model, out_text, size);
}

hn_status hn_language_model_from_json(hn_context *context, const char *text, hn_language_model *out_model)
{
    hn_language_model_default(out_model);
    return hni_settings_from_json(context, "model settings", hni_language_checkpoint_settings(), text, out_model);
}

/* ---- parameters and buffers ---- */

const hni_stored_kind hni_stored_kinds[HNI_STORED_KINDS] = {
    {"parameter", "", hn_store_count, hn_store_parameter, hn_store_find, hn_store_read, hn_store_write},
    {"buffer", "buffer", hn_store_buffer_count, hn_store_buffer, hn_store_buffer_find, hn_store_buffer_read,
     hn_store_buffer_write}};

/* The file's tensor for one of the store; another name, shape or type is an error. */
static hn_status find_tensor(hn_context *context, const hn_safetensors *file, const hni_stored_kind *kind,
                             const hn_parameter *wanted, const hn_file_tensor **out_tensor)
{
    char name[320], needs[96], found[96];
    snprintf(name, sizeof name, "%s%s%s", kind->prefix, kind->prefix[0] != 0 ? "." : "", wanted->name);
    const hn_file_tensor *tensor = hn_safetensors_find(file, name);
    hn_shape_print(wanted->shape, needs, sizeof needs);
    *out_tensor = tensor;
    if (tensor == NULL) {
        return hni_error(context, HN_ERROR_FORMAT, "checkpoint: %s '%s' %s is missing: is this another model's file?",
                         kind->kind, name, needs);
    }
    if (!hn_shape_equal(tensor->shape, wanted->shape)) {
        return hni_error(context, HN_ERROR_SHAPE, "checkpoint: %s '%s' has shape %s, the model needs %s", kind->kind,
                         name, hn_shape_print(tensor->shape, found, sizeof found), needs);
    }
    if (tensor->dtype != HN_DTYPE_F32 && tensor->dtype != HN_DTYPE_F64) {
        return hni_error(context, HN_ERROR_TYPE, "checkpoint: %s '%s' is %s, the model needs F32 or F64", kind->kind,
                         name, hn_dtype_name(tensor->dtype));
    }
    return HN_OK;
}

hn_status hni_trained_check_parameters(hn_context *context, const hn_safetensors *file, const hn_store *store)
{
    const hn_file_tensor *tensor;
    hn_status status = HN_OK;
    for (int k = 0; k < HNI_STORED_KINDS; k++)
        for (int64_t i = 0; status == HN_OK && i < hni_stored_kinds[k].count(store); i++)
            status = find_tensor(context, file, &hni_stored_kinds[k], hni_stored_kinds[k].at(store, i), &tensor);
    return status;
}

static hn_status read_tensors(hn_context *context, const hn_safetensors *file, const hni_stored_kind *kind,
                              hn_store *store)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < kind->count(store); i++) {
        const hn_parameter *wanted = kind->at(store, i);
        const hn_file_tensor *tensor = NULL;
        status = hni_go_on(context, "parameters", i, kind->count(store));
        if (status == HN_OK) status = find_tensor(context, file, kind, wanted, &tensor);
        if (status == HN_OK) status = kind->write(store, i, tensor->dtype, wanted->elements, tensor->data);
    }
    return status;
}

/* The first tensor with a value that is not finite is an error. */
static hn_status want_finite(hn_context *context, hn_store *store, const hni_section *section)
{
    for (int64_t i = 0; i < section->names.count; i++) {
        const hn_parameter *tensor = &section->tensors[i];
        const hni_view part = hni_section_part(store, section, section->values, i);
        int64_t bad = 0;
        const hn_status status = store->kernels->count_nonfinite(&store->exec, tensor->elements, part.data, &bad);
        if (status != HN_OK) return status;
        if (bad != 0) {
            return hni_error(context, HN_ERROR_NONFINITE,
                             "checkpoint: %s '%s' has numbers that are infinite or NaN: %lld", section->kind,
                             tensor->name, (long long)bad);
        }
    }
    return HN_OK;
}

hn_status hni_trained_read_parameters(hn_context *context, const hn_safetensors *file, hn_store *store)
{
    hn_status status = HN_OK;
    for (int k = 0; k < HNI_STORED_KINDS; k++)
        HNI_TRY(read_tensors(context, file, &hni_stored_kinds[k], store));
    HNI_TRY(want_finite(context, store, &store->parameters));
    HNI_TRY(want_finite(context, store, &store->buffers));
cleanup:
    return status;
}

hn_status hni_trained_name_file(hn_context *context, const char *path, hn_status status)
{
    char text[sizeof((hn_error *)0)->text];
    if (status == HN_OK) return status;
    snprintf(text, sizeof text, "%s", hn_context_error(context)->text);
    const bool is_named = strncmp(text, "checkpoint: ", 12) == 0;
    if (!is_named && strncmp(text, "model settings: ", 16) != 0) return status;
    hn_context_clear(context);
    return hni_error(context, status, "%.300s: %.450s", path, text + (is_named ? 12 : 0));
}

/* ---- the whole ---- */

hn_status hni_trained_read_vocabulary(hn_context *context, const hn_safetensors *file, const hn_language_model *model,
                                      hn_vocabulary **out_vocabulary)
{
    const hn_file_tensor *blob = hn_safetensors_find(file, "blob.vocabulary");
    hn_vocabulary *vocabulary = NULL;
    hn_status status;
    *out_vocabulary = NULL;
    if (blob == NULL) return hni_error(context, HN_ERROR_FORMAT, "checkpoint: 'blob.vocabulary' is missing");
    if (blob->dtype != HN_DTYPE_U8 || blob->shape.rank != 1) {
        return hni_error(context, HN_ERROR_FORMAT, "checkpoint: 'blob.vocabulary' must be U8 with one dimension");
    }
    HNI_TRY(hni_vocabulary_create(context, model->symbols, blob->data, (size_t)blob->shape.size[0], &vocabulary));
    if (hn_vocabulary_count(vocabulary) > model->vocabulary_size) {
        HNI_TRY(hni_error(context, HN_ERROR_FORMAT,
                          "checkpoint: 'blob.vocabulary' has %lld symbols for %lld rows of the softmax layer",
                          (long long)hn_vocabulary_count(vocabulary), (long long)model->vocabulary_size));
    }
    *out_vocabulary = vocabulary;
    vocabulary = NULL;
cleanup:
    hni_vocabulary_destroy(vocabulary);
    return status;
}

static hn_status read_model(hn_context *context, const hn_safetensors *file, hn_language_model *model)
{
    const char *json = hn_safetensors_text(file, "model"), *task = hn_safetensors_text(file, "task");
    if (json == NULL)
        return hni_error(context, HN_ERROR_FORMAT,
                         "checkpoint: this file holds no language model (no 'model' in __metadata__)");
    if (task != NULL && strcmp(task, "text") != 0)
        return hni_error(context, HN_ERROR_FORMAT,
                         "checkpoint: this file holds no language model ('task' in __metadata__ is '%.40s')", task);
    return hn_language_model_from_json(context, json, model);
}

hn_status hn_trained_from_file(hn_context *context, const hn_safetensors *file, const hn_graph_options *options,
                               hn_trained **out_trained)
{
    hn_graph *graph = NULL;
    hn_trained *trained = NULL;
    void *memory = NULL;
    hn_status status;
    *out_trained = NULL;
    HNI_TRY(hni_alloc(context, "model", sizeof *trained, &memory));
    trained = memory;
    trained->context = context;
    HNI_TRY(read_model(context, file, &trained->model));
    HNI_TRY(hni_trained_read_vocabulary(context, file, &trained->model, &trained->vocabulary));
    HNI_TRY(hn_store_create(context, &trained->store));
    HNI_TRY(hn_language_model_declare(trained->store, &trained->model));
    HNI_TRY(hni_trained_check_parameters(context, file, trained->store)); /* before memory for it is taken */
    HNI_TRY(hn_graph_create(context, options, &graph));
    HNI_TRY(hni_store_seal_zero(trained->store, graph));
    HNI_TRY(hni_trained_read_parameters(context, file, trained->store));
    *out_trained = trained;
    trained = NULL;
cleanup:
    hn_graph_destroy(graph);
    hn_trained_close(trained);
    return status;
}

hn_status hn_trained_open(hn_context *context, const char *path, const hn_graph_options *options,
                          hn_trained **out_trained)
{
    hn_safetensors *file = NULL;
    *out_trained = NULL;
    hn_status status = hn_safetensors_open(context, path, &file);
    if (status == HN_OK) {
        status = hni_trained_name_file(context, path, hn_trained_from_file(context, file, options, out_trained));
    }
    hn_safetensors_close(file);
    return status;
}

hn_status hn_trained_parse(hn_context *context, const char *name, const void *data, size_t size,
                           const hn_graph_options *options, hn_trained **out_trained)
{
    hn_safetensors *file = NULL;
    *out_trained = NULL;
    hn_status status = hn_safetensors_parse(context, name, data, size, &file);
    if (status == HN_OK) {
        status = hni_trained_name_file(context, name, hn_trained_from_file(context, file, options, out_trained));
    }
    hn_safetensors_close(file);
    return status;
}

void hn_trained_close(hn_trained *trained)
{
    if (trained == NULL) return;
    hn_store_destroy(trained->store);
    hni_vocabulary_destroy(trained->vocabulary);
    hni_free(trained->context, trained);
}
