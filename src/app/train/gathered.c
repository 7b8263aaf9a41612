/* See gathered.h. */
#include "app/train/gathered.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

static hn_status own(hni_gathered *all, size_t size, void **out_memory)
{
    if ((size_t)all->owned_count == all->owned_room) {
        void *list = all->owned;
        const size_t room = all->owned_room == 0 ? 64 : all->owned_room * 2;
        const hn_status status = hni_realloc_array(all->context, "checkpoint", room, sizeof *all->owned, &list);
        if (status != HN_OK) return status;
        all->owned = list;
        all->owned_room = room;
    }
    const hn_status status = hni_alloc(all->context, "checkpoint", size, out_memory);
    if (status == HN_OK) all->owned[all->owned_count++] = *out_memory;
    return status;
}

hn_status hni_gathered_add(hni_gathered *all, const char *prefix, const char *name, hn_dtype dtype, hn_shape shape,
                           void **out_data)
{
    void *text = NULL;
    const size_t size = strlen(prefix) + strlen(name) + 2;
    hn_status status;
    if ((size_t)all->count == all->room) {
        void *list = all->tensors;
        const size_t room = all->room == 0 ? 64 : all->room * 2;
        HNI_TRY(hni_realloc_array(all->context, "checkpoint", room, sizeof *all->tensors, &list));
        all->tensors = list;
        all->room = room;
    }
    HNI_TRY(own(all, size, &text));
    HNI_TRY(own(all, (size_t)hn_shape_elements(shape) * hn_dtype_size(dtype), out_data));
    snprintf(text, size, "%s%s%s", prefix, prefix[0] != 0 ? "." : "", name);
    all->tensors[all->count++] = (hn_file_tensor){text, dtype, shape, *out_data};
cleanup:
    return status;
}

hn_status hni_gathered_stored(hni_gathered *all, const hn_store *store, const hni_stored_kind *kind, int64_t index,
                              const float **out_data)
{
    const hn_parameter *tensor = kind->at(store, index);
    void *data = NULL;
    hn_status status;
    HNI_TRY(hni_gathered_add(all, kind->prefix, tensor->name, HN_DTYPE_F32, tensor->shape, &data));
    HNI_TRY(kind->read(store, index, HN_DTYPE_F32, tensor->elements, data));
    *out_data = data;
cleanup:
    return status;
}

hn_status hni_gathered_task(hni_gathered *all, const hni_task *task, hni_task_work *work, bool blobs_only)
{
    hni_task_tensor tensor;
    bool more = true;
    hn_status status = HN_OK;
    for (int64_t i = 0;; i++) {
        void *data = NULL;
        HNI_TRY(task->state_get(work, i, &tensor, &more));
        if (!more) break;
        if (blobs_only && strncmp(tensor.name, "blob.", 5) != 0) continue;
        HNI_TRY(hni_gathered_add(all, "", tensor.name, tensor.dtype, tensor.shape, &data));
        memcpy(data, tensor.data, (size_t)hn_shape_elements(tensor.shape) * hn_dtype_size(tensor.dtype));
    }
cleanup:
    return status;
}

void hni_gathered_release(hni_gathered *all)
{
    for (int64_t i = 0; i < all->owned_count; i++)
        hni_free(all->context, all->owned[i]);
    hni_free(all->context, all->owned);
    hni_free(all->context, all->tensors);
}
