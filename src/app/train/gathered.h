/* Tensors gathered in host memory on their way into a safetensors file. */
#ifndef HNI_APP_TRAIN_GATHERED_H
#define HNI_APP_TRAIN_GATHERED_H

#include "app/tasks/task.h"
#include "nn/trained.h"

/* Parallel arrays that grow together. */
typedef struct hni_gathered {
    hn_context *context;
    hn_file_tensor *tensors;
    void **owned; /* names and data to be freed */
    int64_t count, owned_count;
    size_t room, owned_room;
} hni_gathered;

/* A new tensor "PREFIX.NAME" (or NAME) with room for its data. */
HN_MUST_USE hn_status hni_gathered_add(hni_gathered *all, const char *prefix, const char *name, hn_dtype dtype,
                                       hn_shape shape, void **out_data);
/* Tensor `index` of a kind out of a store, as float; where it lies now in *out_data. */
HN_MUST_USE hn_status hni_gathered_stored(hni_gathered *all, const hn_store *store, const hni_stored_kind *kind,
                                          int64_t index, const float **out_data);
/* The extra tensors of a task: carried state and blobs, or blobs alone. */
HN_MUST_USE hn_status hni_gathered_task(hni_gathered *all, const hni_task *task, hni_task_work *work, bool blobs_only);
void hni_gathered_release(hni_gathered *all);

#endif
