/* Parameters of a model out of a checkpoint, for whoever has declared the store. */
#ifndef HNI_NN_TRAINED_H
#define HNI_NN_TRAINED_H

#include "hypernet/nn.h"

/* The file must have every parameter of the store, which need not be sealed yet, with its shape. */
HN_MUST_USE hn_status hni_trained_check_parameters(hn_context *context, const hn_safetensors *file,
                                                   const hn_store *store);

/* Copies every parameter of the store out of the file. One that is missing, of another shape or type, or not finite is an error. */
HN_MUST_USE hn_status hni_trained_read_parameters(hn_context *context, const hn_safetensors *file, hn_store *store);

/* The symbols of a checkpoint of `model`: 'blob.vocabulary'. */
HN_MUST_USE hn_status hni_trained_read_vocabulary(hn_context *context, const hn_safetensors *file,
                                                  const hn_language_model *model, hn_vocabulary **out_vocabulary);

/* Puts the file's name before the error in the record if that is about "checkpoint: ..". Returns `status`. */
HN_MUST_USE hn_status hni_trained_name_file(hn_context *context, const char *path, hn_status status);

#endif
