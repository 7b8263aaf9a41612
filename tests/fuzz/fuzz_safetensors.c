/* Fuzzes the reader of safetensors: whatever it accepts must be readable to the last byte, and consistent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hypernet/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char sink;

static void read_everything(const hn_safetensors *file)
{
    for (int64_t i = 0; i < hn_safetensors_count(file); i++) {
        const hn_file_tensor *tensor = hn_safetensors_tensor(file, i);
        int64_t elements = hn_shape_elements(tensor->shape);
        if (elements < 1 || (uintptr_t)tensor->data % hn_dtype_size(tensor->dtype) != 0) abort();
        if (hn_safetensors_find(file, tensor->name) != tensor) abort();
        size_t bytes = (size_t)elements * hn_dtype_size(tensor->dtype);
        for (size_t k = 0; k < bytes; k++)
            sink = ((const unsigned char *)tensor->data)[k];
    }
    const char *text = hn_safetensors_text(file, "model");
    if (text != NULL) sink = (unsigned char)strlen(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hn_context *context;
    hn_safetensors *file;
    if (hn_context_create(NULL, &context) != HN_OK) abort();
    if (hn_safetensors_parse(context, "fuzz", data, size, &file) == HN_OK) {
        read_everything(file);
    } else if (file != NULL || strstr(hn_context_error(context)->text, "fuzz: ") == NULL) {
        abort(); /* a failure without a message */
    }
    hn_safetensors_close(file);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    return 0;
}
