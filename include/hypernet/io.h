/* Files: safetensors read and written, atomically replaced.
 *
 * A file read here is checked whole before anything is used: header length, JSON, duplicate names, gaps, overlaps, sizes
 * against shape and type, bytes after the last tensor.
 */
#ifndef HYPERNET_IO_H
#define HYPERNET_IO_H

#include "hypernet/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One tensor of a file, or to be written to one. `data` is row-major and little-endian, as in the file; what the reader gives
 * lies at a multiple of the element's size. */
typedef struct hn_file_tensor {
    const char *name;
    hn_dtype dtype;
    hn_shape shape;
    const void *data;
} hn_file_tensor;

typedef struct hn_file_text { /* one entry of __metadata__ */
    const char *key, *value;
} hn_file_text;

typedef struct hn_safetensors hn_safetensors;

/* Reads a whole file. Names, texts and data belong to the handle and stay until hn_safetensors_close; tensors are counted in the
 * order of their data. Element types other than those of hn_dtype, more than six dimensions and tensors without elements are
 * refused by name (HN_ERROR_UNSUPPORTED). A handle is only read by the calls below: any number of threads may use it. */
HN_API HN_MUST_USE hn_status hn_safetensors_open(hn_context *context, const char *path, hn_safetensors **out_file);
/* The same from memory, which is copied; `name` is used in messages. */
HN_API HN_MUST_USE hn_status hn_safetensors_parse(hn_context *context, const char *name, const void *data, size_t size,
                                                  hn_safetensors **out_file);
HN_API void hn_safetensors_close(hn_safetensors *file);
HN_API int64_t hn_safetensors_count(const hn_safetensors *file);
HN_API const hn_file_tensor *hn_safetensors_tensor(const hn_safetensors *file, int64_t index);
HN_API const hn_file_tensor *hn_safetensors_find(const hn_safetensors *file, const char *name); /* NULL: none */
HN_API const char *hn_safetensors_text(const hn_safetensors *file, const char *key);            /* NULL: none */

/* What is to be written: tensors in the order given, texts in the order given; the same input gives the same bytes. */
typedef struct hn_safetensors_content {
    const hn_file_tensor *tensors;
    int64_t tensor_count;
    const hn_file_text *texts;
    int64_t text_count;
} hn_safetensors_content;
/* Writes next to `path` under another name, flushes to disk, renames over `path`, flushes the folder. */
HN_API HN_MUST_USE hn_status hn_safetensors_write(hn_context *context, const char *path,
                                                  const hn_safetensors_content *content);
/* The same bytes into memory: *out_size is how many there are. buffer NULL only asks for the size; one of fewer than that many
 * bytes is HN_ERROR_ARGUMENT and stays as it was. */
HN_API HN_MUST_USE hn_status hn_safetensors_print(hn_context *context, const hn_safetensors_content *content,
                                                  void *buffer, size_t size, size_t *out_size);

#ifdef __cplusplus
}
#endif
#endif
