/* What a checkpoint of a text run holds beside parameters and optimiser: the vocabulary, and the carried state of each layer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/tasks/text.h"
#include "core/alloc.h"

static void state_name(char *name, size_t size, int layer) { snprintf(name, size, "state.layers.%d", layer); }

static hn_status get_layer(hni_task_work *work, int layer, hni_task_tensor *out_tensor)
{
    const hn_shape shape = HN_SHAPE2(work->data.batch, hni_text_state_size(work));
    const int64_t count = hn_shape_elements(shape);
    void *memory = work->state_copy;
    hn_status status;
    if (memory == NULL) HNI_TRY(hni_alloc_array(work->context, "state", (size_t)count, sizeof(float), &memory));
    work->state_copy = memory;
    HNI_TRY(hn_tensor_read(work->graph, work->state[layer], HN_DTYPE_F32, count, work->state_copy));
    *out_tensor = (hni_task_tensor){.dtype = HN_DTYPE_F32, .shape = shape, .data = work->state_copy};
    state_name(out_tensor->name, sizeof out_tensor->name, layer);
cleanup:
    return status;
}

hn_status hni_text_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more)
{
    *out_more = index >= 0 && index <= work->model.layers;
    if (!*out_more) return HN_OK;
    if (index > 0) return get_layer(work, (int)index - 1, out_tensor);
    size_t size;
    const uint8_t *symbols = hni_vocabulary_text(work->vocabulary, &size);
    *out_tensor = (hni_task_tensor){
        .name = "blob.vocabulary",
        .dtype = HN_DTYPE_U8,
        .shape = HN_SHAPE1((int64_t)size),
        .data = symbols,
    };
    return HN_OK;
}

/* `data` lies in a file's bytes, at any address. */
static bool all_finite(const void *data, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, (const char *)data + (size_t)i * sizeof value, sizeof value);
        if (!isfinite(value)) return false;
    }
    return true;
}

static hn_status set_layer(hni_task_work *work, int layer, const hn_safetensors *checkpoint)
{
    const hn_shape shape = HN_SHAPE2(work->data.batch, hni_text_state_size(work));
    char name[96], found[96], wanted[96];
    state_name(name, sizeof name, layer);
    const hn_file_tensor *tensor = hn_safetensors_find(checkpoint, name);
    if (tensor == NULL) {
        return hni_error(work->context, HN_ERROR_FORMAT,
                         "checkpoint: '%s' is missing: only last.safetensors of a run can be resumed", name);
    }
    if (tensor->dtype != HN_DTYPE_F32 || !hn_shape_equal(tensor->shape, shape)) {
        return hni_error(work->context, HN_ERROR_SHAPE, "checkpoint: '%s' is %s %s, the run needs F32 %s", name,
                         hn_dtype_name(tensor->dtype), hn_shape_print(tensor->shape, found, sizeof found),
                         hn_shape_print(shape, wanted, sizeof wanted));
    }
    if (!all_finite(tensor->data, hn_shape_elements(shape))) {
        return hni_error(work->context, HN_ERROR_NONFINITE, "checkpoint: '%s' has values that are infinite or NaN",
                         name);
    }
    return hn_tensor_write(work->graph, work->state[layer], HN_DTYPE_F32, hn_shape_elements(shape), tensor->data);
}

hn_status hni_text_state_set(hni_task_work *work, const hn_safetensors *checkpoint)
{
    const hn_file_tensor *blob = hn_safetensors_find(checkpoint, "blob.vocabulary");
    size_t size;
    const uint8_t *symbols = hni_vocabulary_text(work->vocabulary, &size);
    hn_status status = HN_OK;
    if (blob == NULL || blob->dtype != HN_DTYPE_U8 || hn_shape_elements(blob->shape) != (int64_t)size ||
        memcmp(blob->data, symbols, size) != 0) {
        return hni_error(work->context, HN_ERROR_FORMAT,
                         "checkpoint: its symbols ('blob.vocabulary') are not those of the text: the data or the "
                         "recipe was changed");
    }
    for (int k = 0; status == HN_OK && k < work->model.layers; k++)
        status = set_layer(work, k, checkpoint);
    return status;
}
