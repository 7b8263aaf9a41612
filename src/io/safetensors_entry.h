/* One tensor's entry in the header of a safetensors file. */
#ifndef HNI_IO_SAFETENSORS_ENTRY_H
#define HNI_IO_SAFETENSORS_ENTRY_H

#include "hypernet/io.h"
#include "io/json.h"

typedef struct hni_safetensors_entry {
    hn_file_tensor tensor; /* the name is set before, the data after */
    uint64_t begin, end;   /* bytes from the start of the data; end - begin is the tensor's size */
} hni_safetensors_entry;

/* Reads {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]} and checks all that can be seen in it alone. */
HN_MUST_USE hn_status hni_safetensors_entry_read(hn_context *context, const char *file_name, const json_t *json,
                                                 hni_safetensors_entry *entry);

#endif
