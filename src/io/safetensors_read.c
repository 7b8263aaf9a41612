/* Reads safetensors. The whole file is checked before anything of it is handed out: a caller may use names, shapes and data
 * without a further look. Entries are checked one by one (safetensors_entry.c); here is what concerns all of them: the header's
 * length, that the tensors fill the file without gap or overlap, and who owns what. */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/size.h"
#include "hypernet/io.h"
#include "io/files.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/safetensors_entry.h"

struct hn_safetensors {
    hn_context *context;
    hni_file_bytes file;
    unsigned char *moved; /* copies of the tensors that do not lie on a multiple of their element's size in the file */
    hn_file_tensor *tensors;
    int64_t tensor_count;
    hn_file_text *texts;
    int64_t text_count;
    json_t *header; /* owns names and texts */
};

/* The JSON between the length and the data. */
static hn_status read_header(hn_context *context, const char *name, hn_safetensors *file, size_t *out_data_offset)
{
    const unsigned char *bytes = file->file.data;
    uint64_t length = 0;
    if (file->file.size < HNI_SAFETENSORS_PREFIX) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: ends after %zu bytes, in the length of its header: damaged, or not a safetensors file",
                         name, file->file.size);
    }
    for (int i = HNI_SAFETENSORS_PREFIX - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    size_t left = file->file.size - HNI_SAFETENSORS_PREFIX;
    if (length > HNI_SAFETENSORS_LARGEST_HEADER) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: states a header of %llu bytes: not a safetensors file", name,
                         (unsigned long long)length);
    }
    if (length > left) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: states a header of %llu bytes, only %zu follow: cut short, or not a safetensors file",
                         name, (unsigned long long)length, left);
    }
    hn_status status =
        hni_json_parse(context, name, (const char *)bytes + HNI_SAFETENSORS_PREFIX, (size_t)length, &file->header);
    if (status != HN_OK) return status;
    if (!json_is_object(file->header)) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: the header is %s, it must be an object: not a safetensors file",
                         name, hni_json_kind(file->header));
    }
    *out_data_offset = HNI_SAFETENSORS_PREFIX + (size_t)length;
    return HN_OK;
}

static hn_status read_texts(hn_context *context, const char *name, hn_safetensors *file)
{
    json_t *metadata = json_object_get(file->header, HNI_SAFETENSORS_METADATA);
    void *memory = NULL;
    if (metadata == NULL) return HN_OK;
    if (!json_is_object(metadata)) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: __metadata__ is %s, it must be an object of texts: damaged file", name,
                         hni_json_kind(metadata));
    }
    hn_status status =
        hni_alloc_array(context, "texts of a file", json_object_size(metadata), sizeof *file->texts, &memory);
    if (status != HN_OK) return status;
    file->texts = memory;
    for (void *at = json_object_iter(metadata); at != NULL; at = json_object_iter_next(metadata, at)) {
        const json_t *value = json_object_iter_value(at);
        if (!json_is_string(value)) {
            char key[64];
            return hni_error(context, HN_ERROR_FORMAT, "%s: __metadata__ '%s' is %s, it must be a text: damaged file",
                             name, hni_printable(json_object_iter_key(at), key, sizeof key), hni_json_kind(value));
        }
        file->texts[file->text_count++] = (hn_file_text){json_object_iter_key(at), json_string_value(value)};
    }
    return HN_OK;
}

static int compare_begin(const void *left, const void *right)
{
    uint64_t a = ((const hni_safetensors_entry *)left)->begin, b = ((const hni_safetensors_entry *)right)->begin;
    return (a > b) - (a < b);
}

/* All entries, in the order in which their data lies in the file. */
static hn_status read_entries(hn_context *context, const char *name, hn_safetensors *file,
                              hni_safetensors_entry **out_entries)
{
    hn_status status = HN_OK;
    void *memory = NULL;
    size_t count = 0;
    HNI_TRY(
        hni_alloc_array(context, "entries of a file", json_object_size(file->header), sizeof **out_entries, &memory));
    hni_safetensors_entry *entries = memory;
    for (void *at = json_object_iter(file->header); at != NULL; at = json_object_iter_next(file->header, at)) {
        if (strcmp(json_object_iter_key(at), HNI_SAFETENSORS_METADATA) == 0) continue;
        entries[count].tensor.name = json_object_iter_key(at);
        HNI_TRY(hni_safetensors_entry_read(context, name, json_object_iter_value(at), &entries[count]));
        count++;
    }
    if (count > 1) qsort(entries, count, sizeof *entries, compare_begin);
    file->tensor_count = (int64_t)count;
    *out_entries = entries;
    memory = NULL;
cleanup:
    hni_free(context, memory);
    return status;
}

/* The tensors must follow one another and end where the file ends. */
static hn_status check_coverage(hn_context *context, const char *name, const hn_safetensors *file,
                                const hni_safetensors_entry *entries, size_t data_size)
{
    uint64_t expected = 0;
    char shown[96];
    for (int64_t i = 0; i < file->tensor_count; i++) {
        (void)hni_printable(entries[i].tensor.name, shown, sizeof shown);
        if (entries[i].begin != expected) {
            return hni_error(context, HN_ERROR_FORMAT,
                             "%s: tensor '%s' begins at byte %llu, the one before it ends at %llu: %s", name, shown,
                             (unsigned long long)entries[i].begin, (unsigned long long)expected,
                             entries[i].begin > expected ? "a gap, damaged file" : "they overlap, damaged file");
        }
        expected = entries[i].end;
        if (expected > data_size) {
            return hni_error(context, HN_ERROR_FORMAT,
                             "%s: tensor '%s' ends at byte %llu of the data, the file has %zu: cut short", name, shown,
                             (unsigned long long)expected, data_size);
        }
    }
    if (expected < data_size) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: %llu bytes stand behind the last tensor: damaged file", name,
                         (unsigned long long)(data_size - expected));
    }
    return HN_OK;
}

static bool is_aligned(const void *data, hn_dtype dtype) { return (uintptr_t)data % hn_dtype_size(dtype) == 0; }

/* Points the tensors at their data. After an odd number of U8, or in a file of others, data may lie where no double may be read;
 * such tensors are copied behind one another, each beginning at a multiple of 8. */
static hn_status place_tensors(hn_context *context, hn_safetensors *file, const hni_safetensors_entry *entries,
                               const unsigned char *data)
{
    void *tensors = NULL, *moved = NULL;
    size_t moved_size = 0;
    hn_status status = HN_OK;
    HNI_TRY(hni_alloc_array(context, "tensors of a file", (size_t)file->tensor_count, sizeof *file->tensors, &tensors));
    file->tensors = tensors;
    for (int64_t i = 0; i < file->tensor_count; i++) {
        file->tensors[i] = entries[i].tensor;
        file->tensors[i].data = data + entries[i].begin;
        if (is_aligned(file->tensors[i].data, entries[i].tensor.dtype)) continue;
        size_t size;
        /* Cannot overflow: the sum of all sizes is below that of the file. */
        if (!hni_size_round_up((size_t)(entries[i].end - entries[i].begin), 8, &size)) size = 0;
        moved_size += size;
    }
    if (moved_size == 0) goto cleanup;
    HNI_TRY(hni_alloc(context, "tensors of a file", moved_size, &moved));
    file->moved = moved;
    size_t at = 0;
    for (int64_t i = 0; i < file->tensor_count; i++) {
        if (is_aligned(file->tensors[i].data, entries[i].tensor.dtype)) continue;
        size_t size = (size_t)(entries[i].end - entries[i].begin);
        memcpy(file->moved + at, file->tensors[i].data, size);
        file->tensors[i].data = file->moved + at;
        at += (size + 7) / 8 * 8;
    }
cleanup:
    return status;
}

/* Takes `file->file`, which the handle owns from then on, apart. */
static hn_status take_apart(hn_context *context, const char *name, hn_safetensors *file)
{
    hn_status status = HN_OK;
    size_t data_offset = 0;
    hni_safetensors_entry *entries = NULL;
    HNI_TRY(read_header(context, name, file, &data_offset));
    HNI_TRY(read_texts(context, name, file));
    HNI_TRY(read_entries(context, name, file, &entries));
    HNI_TRY(check_coverage(context, name, file, entries, file->file.size - data_offset));
    HNI_TRY(place_tensors(context, file, entries, file->file.data + data_offset));
cleanup:
    hni_free(context, entries);
    return status;
}

static hn_status open_handle(hn_context *context, hn_safetensors **out_file)
{
    void *memory = NULL;
    hn_status status = hni_alloc(context, "file", sizeof **out_file, &memory);
    *out_file = memory;
    if (status == HN_OK) (*out_file)->context = context;
    return status;
}

hn_status hn_safetensors_open(hn_context *context, const char *path, hn_safetensors **out_file)
{
    hn_status status = HN_OK;
    hn_safetensors *file = NULL;
    *out_file = NULL;
    HNI_TRY(open_handle(context, &file));
    HNI_TRY(hni_file_read(context, path, 0, &file->file));
    HNI_TRY(take_apart(context, path, file));
    *out_file = file;
    file = NULL;
cleanup:
    hn_safetensors_close(file);
    return status;
}

hn_status hn_safetensors_parse(hn_context *context, const char *name, const void *data, size_t size,
                               hn_safetensors **out_file)
{
    hn_status status = HN_OK;
    hn_safetensors *file = NULL;
    void *copy = NULL;
    *out_file = NULL;
    HNI_TRY(open_handle(context, &file));
    HNI_TRY(hni_alloc(context, name, size, &copy));
    if (size > 0) memcpy(copy, data, size);
    file->file = (hni_file_bytes){copy, size};
    HNI_TRY(take_apart(context, name, file));
    *out_file = file;
    file = NULL;
cleanup:
    hn_safetensors_close(file);
    return status;
}

void hn_safetensors_close(hn_safetensors *file)
{
    if (file == NULL) return;
    json_decref(file->header);
    hni_free(file->context, file->file.data);
    hni_free(file->context, file->moved);
    hni_free(file->context, file->tensors);
    hni_free(file->context, file->texts);
    hni_free(file->context, file);
}

int64_t hn_safetensors_count(const hn_safetensors *file) { return file->tensor_count; }

const hn_file_tensor *hn_safetensors_tensor(const hn_safetensors *file, int64_t index)
{
    return index >= 0 && index < file->tensor_count ? &file->tensors[index] : NULL;
}

const hn_file_tensor *hn_safetensors_find(const hn_safetensors *file, const char *name)
{
    for (int64_t i = 0; i < file->tensor_count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    }
    return NULL;
}

const char *hn_safetensors_text(const hn_safetensors *file, const char *key)
{
    for (int64_t i = 0; i < file->text_count; i++) {
        if (strcmp(file->texts[i].key, key) == 0) return file->texts[i].value;
    }
    return NULL;
}
