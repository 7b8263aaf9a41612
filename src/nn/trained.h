/* Parameters of a model out of a checkpoint, for whoever has declared and sealed the store. */
#ifndef HNI_NN_TRAINED_H
#define HNI_NN_TRAINED_H

#include "hypernet/nn.h"

/* Copies every parameter of the store out of the file. One that is missing, of another shape or type, or not finite is an error. */
HN_MUST_USE hn_status hni_trained_read_parameters(hn_context *context, const hn_safetensors *file, hn_store *store);

#endif
