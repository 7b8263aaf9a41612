/* Parameters and buffers of a model out of a checkpoint, for whoever has declared the store. */
#ifndef HNI_NN_TRAINED_H
#define HNI_NN_TRAINED_H

#include "core/settings.h"
#include "hypernet/nn.h"

/* A model's settings as one line of JSON, as in __metadata__.model; an error where it does not fit into `size` bytes. */
HN_MUST_USE hn_status hni_model_json(hn_context *context, const hni_settings *settings, const void *model,
                                     char *out_text, size_t size);

/* The two kinds of tensors that a store holds: what they are called, in a file "PREFIX.NAME" (NAME alone without a prefix), and the
 * store's calls for them. */
typedef struct hni_stored_kind {
    const char *kind, *prefix; /* "parameter" and "", "buffer" and "buffer" */
    int64_t (*count)(const hn_store *store);
    const hn_parameter *(*at)(const hn_store *store, int64_t index);
    int64_t (*find)(const hn_store *store, const char *name);
    hn_status (*read)(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count, void *out_data);
    hn_status (*write)(hn_store *store, int64_t index, hn_dtype dtype, int64_t count, const void *data);
} hni_stored_kind;

#define HNI_STORED_KINDS 2
extern const hni_stored_kind hni_stored_kinds[HNI_STORED_KINDS];

/* The file must have every parameter and buffer of the store, which need not be sealed yet, with its shape. */
HN_MUST_USE hn_status hni_trained_check_parameters(hn_context *context, const hn_safetensors *file,
                                                   const hn_store *store);

/* Copies every parameter and buffer of the store out of the file. One that is missing, of another shape or type, or not finite is an error. */
HN_MUST_USE hn_status hni_trained_read_parameters(hn_context *context, const hn_safetensors *file, hn_store *store);

/* The symbols of a checkpoint of `model`: 'blob.vocabulary'. */
HN_MUST_USE hn_status hni_trained_read_vocabulary(hn_context *context, const hn_safetensors *file,
                                                  const hn_language_model *model, hn_vocabulary **out_vocabulary);

/* Puts the file's name before the error in the record if that is about "checkpoint: ..". Returns `status`. */
HN_MUST_USE hn_status hni_trained_name_file(hn_context *context, const char *path, hn_status status);

#endif
