/* See safetensors_entry.h. */
#include "io/safetensors_entry.h"

#include <string.h>

#include "core/size.h"

/* Whose entry it is, for messages. */
typedef struct entry_place {
    hn_context *context;
    const char *file_name;
    char tensor_name[96];
} entry_place;

static hn_status complain(const entry_place *place, hn_status status, const char *what)
{
    return hni_error(place->context, status, "%s: tensor '%s' %s", place->file_name, place->tensor_name, what);
}

static hn_status check_keys(const entry_place *place, const json_t *json)
{
    static const char *const known[] = {"dtype", "shape", "data_offsets"};
    if (!json_is_object(json)) return complain(place, HN_ERROR_FORMAT, "is no object in the header: damaged file");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (json_object_get(json, known[i]) == NULL) {
            return hni_error(place->context, HN_ERROR_FORMAT, "%s: tensor '%s' has no '%s' in the header: damaged file",
                             place->file_name, place->tensor_name, known[i]);
        }
    }
    if (json_object_size(json) != sizeof known / sizeof known[0]) {
        return complain(place, HN_ERROR_FORMAT,
                        "has more than dtype, shape and data_offsets in the header: damaged file");
    }
    return HN_OK;
}

static hn_status read_dtype(const entry_place *place, const json_t *json, hn_dtype *out_dtype)
{
    char shown[32];
    if (!json_is_string(json)) return complain(place, HN_ERROR_FORMAT, "has a dtype that is no text: damaged file");
    for (hn_dtype dtype = HN_DTYPE_F32; hn_dtype_size(dtype) != 0; dtype++) {
        if (strcmp(json_string_value(json), hn_dtype_name(dtype)) == 0) {
            *out_dtype = dtype;
            return HN_OK;
        }
    }
    return hni_error(place->context, HN_ERROR_UNSUPPORTED,
                     "%s: tensor '%s' has elements of type '%s', read here are F32 F64 I32 U8 F16 BF16 I8: convert it",
                     place->file_name, place->tensor_name, hni_printable(json_string_value(json), shown, sizeof shown));
}

static hn_status read_shape(const entry_place *place, const json_t *json, hn_shape *out_shape)
{
    if (!json_is_array(json)) return complain(place, HN_ERROR_FORMAT, "has a shape that is no list: damaged file");
    if (json_array_size(json) > HN_MAX_RANK) {
        return complain(place, HN_ERROR_UNSUPPORTED, "has more than six dimensions: reshape it");
    }
    out_shape->rank = (int)json_array_size(json);
    for (int i = 0; i < out_shape->rank; i++) {
        const json_t *size = json_array_get(json, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0) {
            return complain(place, HN_ERROR_FORMAT, "has a dimension that is no whole number from 0: damaged file");
        }
        if (json_integer_value(size) == 0) {
            return complain(place, HN_ERROR_UNSUPPORTED,
                            "has a dimension of 0, so no elements: leave it out of the file");
        }
        out_shape->size[i] = (int64_t)json_integer_value(size);
    }
    return HN_OK;
}

static hn_status read_offsets(const entry_place *place, const json_t *json, hni_safetensors_entry *entry)
{
    const json_t *begin = json_array_get(json, 0), *end = json_array_get(json, 1);
    if (json_array_size(json) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin)) {
        return complain(place, HN_ERROR_FORMAT,
                        "has data_offsets that are not two whole numbers in order: damaged file");
    }
    entry->begin = (uint64_t)json_integer_value(begin);
    entry->end = (uint64_t)json_integer_value(end);
    return HN_OK;
}

static hn_status check_size(const entry_place *place, const hni_safetensors_entry *entry)
{
    int64_t size = 0, elements = hn_shape_elements(entry->tensor.shape);
    char shape[96];
    (void)hn_shape_print(entry->tensor.shape, shape, sizeof shape);
    if (elements < 0 || !hni_i64_mul(elements, (int64_t)hn_dtype_size(entry->tensor.dtype), &size)) {
        return hni_error(place->context, HN_ERROR_FORMAT,
                         "%s: tensor '%s' of shape %s has more bytes than can be counted: damaged file",
                         place->file_name, place->tensor_name, shape);
    }
    if ((uint64_t)size != entry->end - entry->begin) {
        return hni_error(place->context, HN_ERROR_FORMAT,
                         "%s: tensor '%s' has %llu bytes in the file, %s %s needs %lld: damaged file", place->file_name,
                         place->tensor_name, (unsigned long long)(entry->end - entry->begin),
                         hn_dtype_name(entry->tensor.dtype), shape, (long long)size);
    }
    return HN_OK;
}

hn_status hni_safetensors_entry_read(hn_context *context, const char *file_name, const json_t *json,
                                     hni_safetensors_entry *entry)
{
    hn_status status = HN_OK;
    entry_place place = {.context = context, .file_name = file_name};
    (void)hni_printable(entry->tensor.name, place.tensor_name, sizeof place.tensor_name);
    HNI_TRY(check_keys(&place, json));
    HNI_TRY(read_dtype(&place, json_object_get(json, "dtype"), &entry->tensor.dtype));
    HNI_TRY(read_shape(&place, json_object_get(json, "shape"), &entry->tensor.shape));
    HNI_TRY(read_offsets(&place, json_object_get(json, "data_offsets"), entry));
    HNI_TRY(check_size(&place, entry));
cleanup:
    return status;
}
