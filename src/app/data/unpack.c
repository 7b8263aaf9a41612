/* Plain, gz or xz; see unpack.h. Folders are in unpack_folder.c. */
#include "app/data/unpack.h"

#include <string.h>

#include "app/data/unpack_stream.h"
#include "core/alloc.h"
#include "core/size.h"

static hn_status too_large(hn_context *context, const char *name, size_t limit)
{
    return hni_error(context, HN_ERROR_FORMAT, "%s: holds more than the %zu bytes that can be read: use a smaller file",
                     name, limit);
}

hn_status hni_unpacked_grow(hni_unpacked *out)
{
    size_t capacity = out->capacity < 65536 ? 65536 : out->capacity, most = SIZE_MAX - 1;
    void *data = out->data;
    if (out->limit > 0 && out->size > out->limit) return too_large(out->context, out->name, out->limit);
    if (out->size < out->capacity) return HN_OK;
    if (out->capacity > 0 && !hni_size_add(capacity, capacity / 2, &capacity)) capacity = most;
    /* One byte above the limit is enough to see that it is passed. */
    if (out->limit > 0 && out->limit < most && capacity > out->limit + 1) capacity = out->limit + 1;
    hn_status status = hni_realloc_array(out->context, out->name, capacity + 1, 1, &data); /* and one for the 0 */
    if (status != HN_OK) return status;
    out->data = data;
    out->capacity = capacity;
    return HN_OK;
}

typedef enum packing { PACKING_NONE, PACKING_GZ, PACKING_XZ } packing;

static packing packing_of(const hni_file_bytes *file)
{
    static const unsigned char gz[] = {0x1f, 0x8b}, xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    if (file->size >= sizeof gz && memcmp(file->data, gz, sizeof gz) == 0) return PACKING_GZ;
    if (file->size >= sizeof xz && memcmp(file->data, xz, sizeof xz) == 0) return PACKING_XZ;
    return PACKING_NONE;
}

/* Gives back the memory that growing took in advance, and ends the data with a 0. */
static hn_status finish(hni_unpacked *out, hni_file_bytes *out_bytes)
{
    void *data = out->data;
    if (out->limit > 0 && out->size > out->limit) return too_large(out->context, out->name, out->limit);
    if (out->size == 0) {
        return hni_error(out->context, HN_ERROR_FORMAT, "%s: nothing is packed in it: is it the right file?",
                         out->name);
    }
    hn_status status = hni_realloc_array(out->context, out->name, out->size + 1, 1, &data);
    if (status != HN_OK) return status;
    out->data = NULL;
    ((unsigned char *)data)[out->size] = 0;
    *out_bytes = (hni_file_bytes){data, out->size};
    return HN_OK;
}

/* Unpacks what is known to be packed. */
static hn_status unpack(hn_context *context, const char *name, const hni_file_bytes *packed, size_t limit,
                        hni_file_bytes *out_bytes)
{
    hn_status status = HN_OK;
    hni_unpacked out = {.context = context, .name = name, .limit = limit};
    HNI_TRY(packing_of(packed) == PACKING_GZ ? hni_unpack_gz(packed, &out) : hni_unpack_xz(packed, &out));
    HNI_TRY(finish(&out, out_bytes));
cleanup:
    hni_free(context, out.data);
    return status;
}

hn_status hni_unpack_bytes(hn_context *context, const char *name, const hni_file_bytes *packed, size_t limit,
                           hni_file_bytes *out_bytes)
{
    void *copy = NULL;
    size_t size;
    *out_bytes = (hni_file_bytes){NULL, 0};
    if (packing_of(packed) != PACKING_NONE) return unpack(context, name, packed, limit, out_bytes);
    if (packed->size == 0)
        return hni_error(context, HN_ERROR_FORMAT, "%s: the file is empty: is it the right file?", name);
    if (limit > 0 && packed->size > limit) return too_large(context, name, limit);
    if (!hni_size_add(packed->size, 1, &size)) return too_large(context, name, SIZE_MAX - 1);
    hn_status status = hni_alloc(context, name, size, &copy);
    if (status != HN_OK) return status;
    memcpy(copy, packed->data, packed->size);
    *out_bytes = (hni_file_bytes){copy, packed->size};
    return HN_OK;
}

hn_status hni_unpack_file(hn_context *context, const char *path, size_t limit, hni_file_bytes *out_bytes)
{
    hn_status status = HN_OK;
    hni_file_bytes file = {NULL, 0};
    size_t packed_limit = 0;
    *out_bytes = file;
    /* Packed data is never much larger than what is in it. */
    if (limit > 0 && !hni_size_add(limit, limit / 16 + 65536, &packed_limit)) packed_limit = 0;
    HNI_TRY(hni_file_read(context, path, packed_limit, &file));
    if (packing_of(&file) != PACKING_NONE) {
        HNI_TRY(unpack(context, path, &file, limit, out_bytes));
    } else {
        if (limit > 0 && file.size > limit) HNI_TRY(too_large(context, path, limit));
        *out_bytes = file;
        file.data = NULL;
    }
cleanup:
    hni_free(context, file.data);
    return status;
}
