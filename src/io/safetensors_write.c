/* Writes safetensors, straight from the tensors to the file: no second copy of them is made. The same input gives the same
 * bytes: tensors and texts stand in the order given. See hypernet/io.h and safetensors.h. */
#include <string.h>

#include "core/alloc.h"
#include "core/size.h"
#include "hypernet/io.h"
#include "io/files.h"
#include "io/json.h"
#include "io/safetensors.h"

/* Bytes of one tensor; everything that can be wrong with it is said here. */
static hn_status tensor_size(hn_context *context, const char *path, const hn_file_tensor *tensor, size_t *out_size)
{
    char name[96], shape[96];
    const char *what = NULL;
    if (tensor->name == NULL || tensor->name[0] == 0) {
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: a tensor has no name: give it one", path);
    }
    (void)hni_printable(tensor->name, name, sizeof name);
    int64_t elements = hn_shape_elements(tensor->shape);
    if (strcmp(tensor->name, HNI_SAFETENSORS_METADATA) == 0) {
        what = "has the name that the format keeps for its texts: choose another";
    } else if (hn_dtype_size(tensor->dtype) == 0) {
        what = "has an unknown element type";
    } else if (tensor->shape.rank < 0 || tensor->shape.rank > HN_MAX_RANK || elements < 1) {
        what = "must have at most six dimensions, each at least 1";
    } else if (tensor->data == NULL) {
        what = "has no data";
    } else if (!hni_size_mul((size_t)elements, hn_dtype_size(tensor->dtype), out_size)) {
        what = "has more bytes than can be counted";
    }
    if (what == NULL) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: tensor '%s' %s %s", path, name,
                     hn_shape_print(tensor->shape, shape, sizeof shape), what);
}

static json_t *shape_to_json(const hn_shape *shape)
{
    json_t *json = json_array();
    for (int i = 0; i < shape->rank; i++) {
        if (json_array_append_new(json, json_integer(shape->size[i])) != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

/* Refuses what jansson would take for "out of memory". */
static hn_status check_utf8(hn_context *context, const char *path, const char *text)
{
    char shown[96];
    size_t place;
    if (hni_is_utf8(text, &place)) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "%s: '%s' is not UTF-8, which the header must be: put it into a U8 tensor", path,
                     hni_printable(text, shown, sizeof shown));
}

static hn_status add_tensors(hn_context *context, const char *path, const hn_safetensors_content *content,
                             json_t *header)
{
    hn_status status = HN_OK;
    size_t begin = 0, end = 0, size = 0;
    for (int64_t i = 0; i < content->tensor_count; i++, begin = end) {
        const hn_file_tensor *tensor = &content->tensors[i];
        HNI_TRY(tensor_size(context, path, tensor, &size));
        HNI_TRY(check_utf8(context, path, tensor->name));
        if (json_object_get(header, tensor->name) != NULL) {
            HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "%s: two tensors are named '%s': rename one", path,
                              tensor->name));
        }
        if (!hni_size_add(begin, size, &end) || end > INT64_MAX) {
            HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "%s: the tensors have more bytes than can be counted", path));
        }
        json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", hn_dtype_name(tensor->dtype), "shape",
                                  shape_to_json(&tensor->shape), "data_offsets", (json_int_t)begin, (json_int_t)end);
        if (json_object_set_new(header, tensor->name, entry) != 0) HNI_TRY(hni_json_no_memory(context, path));
    }
cleanup:
    return status;
}

static hn_status add_texts(hn_context *context, const char *path, const hn_safetensors_content *content, json_t *header)
{
    hn_status status = HN_OK;
    json_t *metadata = json_object();
    if (content->text_count == 0) goto cleanup;
    if (json_object_set(header, HNI_SAFETENSORS_METADATA, metadata) != 0) HNI_TRY(hni_json_no_memory(context, path));
    for (int64_t i = 0; i < content->text_count; i++) {
        const hn_file_text *text = &content->texts[i];
        if (text->key == NULL || text->value == NULL) {
            HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "%s: text %lld has no key or no value", path, (long long)i));
        }
        HNI_TRY(check_utf8(context, path, text->key));
        HNI_TRY(check_utf8(context, path, text->value));
        if (json_object_get(metadata, text->key) != NULL) {
            HNI_TRY(
                hni_error(context, HN_ERROR_ARGUMENT, "%s: two texts have the key '%s': rename one", path, text->key));
        }
        if (json_object_set_new(metadata, text->key, json_string(text->value)) != 0) {
            HNI_TRY(hni_json_no_memory(context, path));
        }
    }
cleanup:
    json_decref(metadata);
    return status;
}

/* Length and header as they stand in the file, filled up so that the data begins at a multiple of 8. */
static hn_status print_header(hn_context *context, const char *path, const hn_safetensors_content *content,
                              hni_text *text)
{
    hn_status status = HN_OK;
    json_t *header = json_object();
    if (header == NULL) HNI_TRY(hni_json_no_memory(context, path));
    HNI_TRY(add_texts(context, path, content, header));
    HNI_TRY(add_tensors(context, path, content, header));
    hni_text_add_bytes(text, "\0\0\0\0\0\0\0", HNI_SAFETENSORS_PREFIX);
    HNI_TRY(hni_json_print(text, header));
    while (text->status == HN_OK && text->size % 8 != 0)
        hni_text_add(text, " ");
    HNI_TRY(text->status);
    uint64_t length = text->size - HNI_SAFETENSORS_PREFIX;
    if (length > HNI_SAFETENSORS_LARGEST_HEADER) {
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT,
                          "%s: names and texts need %llu bytes, a header may have %d: shorten them", path,
                          (unsigned long long)length, HNI_SAFETENSORS_LARGEST_HEADER));
    }
    for (int i = 0; i < HNI_SAFETENSORS_PREFIX; i++)
        text->data[i] = (char)(unsigned char)(length >> (8 * i) & 0xff);
cleanup:
    json_decref(header);
    return status;
}

/* Bytes between two questions whether to go on. */
#define LARGEST_PIECE ((size_t)16 << 20)

/* Where the bytes go: a file, or the caller's memory. */
typedef struct sink {
    hn_context *context;
    hni_file_writer *writer; /* NULL: to memory */
    unsigned char *memory;
    size_t done, total;
} sink;

static hn_status put(sink *to, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    hn_status status = HN_OK;
    for (size_t at = 0, piece; status == HN_OK && at < size; at += piece, to->done += piece) {
        piece = size - at < LARGEST_PIECE ? size - at : LARGEST_PIECE;
        status = hni_go_on(to->context, "write", (int64_t)to->done, (int64_t)to->total);
        if (status != HN_OK) break;
        if (to->writer != NULL) {
            status = hni_file_writer_put(to->writer, bytes + at, piece);
        } else {
            memcpy(to->memory + to->done, bytes + at, piece);
        }
    }
    return status;
}

static hn_status put_all(const char *name, const hn_safetensors_content *content, const hni_text *header, sink *to)
{
    size_t size = 0;
    hn_status status = put(to, header->data, header->size);
    for (int64_t i = 0; status == HN_OK && i < content->tensor_count; i++) {
        status = tensor_size(to->context, name, &content->tensors[i], &size);
        if (status == HN_OK) status = put(to, content->tensors[i].data, size);
    }
    return status;
}

/* Bytes of header and tensors, whose sum print_header has found to be countable. */
static hn_status total_size(hn_context *context, const char *name, const hn_safetensors_content *content,
                            const hni_text *header, size_t *out_total)
{
    size_t size = 0;
    hn_status status = HN_OK;
    *out_total = header->size;
    for (int64_t i = 0; status == HN_OK && i < content->tensor_count; i++, *out_total += size)
        status = tensor_size(context, name, &content->tensors[i], &size);
    return status;
}

hn_status hn_safetensors_write(hn_context *context, const char *path, const hn_safetensors_content *content)
{
    hn_status status = HN_OK;
    hni_text header = {.context = context};
    sink file = {.context = context};
    HNI_TRY(print_header(context, path, content, &header));
    HNI_TRY(total_size(context, path, content, &header, &file.total));
    HNI_TRY(hni_file_writer_open(context, path, &file.writer));
    HNI_TRY(put_all(path, content, &header, &file));
    HNI_TRY(hni_file_writer_commit(file.writer));
cleanup:
    hni_file_writer_close(file.writer);
    hni_text_free(&header);
    return status;
}

hn_status hn_safetensors_print(hn_context *context, const hn_safetensors_content *content, void *buffer, size_t size,
                               size_t *out_size)
{
    static const char name[] = "safetensors in memory";
    hn_status status = HN_OK;
    hni_text header = {.context = context};
    sink memory = {.context = context, .memory = buffer};
    *out_size = 0;
    HNI_TRY(print_header(context, name, content, &header));
    HNI_TRY(total_size(context, name, content, &header, &memory.total));
    *out_size = memory.total;
    if (buffer == NULL) goto cleanup;
    if (size < memory.total) {
        HNI_TRY(
            hni_error(context, HN_ERROR_ARGUMENT, "%s: needs %zu bytes, the buffer has %zu", name, memory.total, size));
    }
    HNI_TRY(put_all(name, content, &header, &memory));
cleanup:
    hni_text_free(&header);
    return status;
}
