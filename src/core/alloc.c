/* The one file that asks for memory: alignment, the memory account and its limit, overflow checks. A block looks like
 *
 *     raw ... | header | data, at a multiple of 64 ... | slack
 *
 * and under ASan header and slack are poisoned, so that a step to either side of the data is caught. */
#include "core/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/poison.h"
#include "core/size.h"

typedef struct block_header {
    void *raw;    /* what the allocator gave */
    size_t size;  /* bytes of data */
    size_t total; /* bytes of the raw block */
} block_header;

/* Room for the header and for moving the data up to a multiple of 64. */
#define BLOCK_OVERHEAD (sizeof(block_header) + HNI_ALIGNMENT - 1)

static void *resize_by_c_library(void *user, void *pointer, size_t size)
{
    (void)user;
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, size);
}

hn_allocator hni_allocator_default(void) { return (hn_allocator){.resize = resize_by_c_library, .user = NULL}; }

static size_t data_offset(const void *raw)
{
    const uintptr_t start = (uintptr_t)raw + sizeof(block_header);
    const uintptr_t aligned = (start + HNI_ALIGNMENT - 1) / HNI_ALIGNMENT * HNI_ALIGNMENT;
    return (size_t)(aligned - (uintptr_t)raw);
}

/* Copied, not read in place, because it is poisoned. */
static block_header block_open(void *data)
{
    block_header header;
    unsigned char *place = (unsigned char *)data - sizeof header;
    hni_unpoison(place, sizeof header);
    memcpy(&header, place, sizeof header);
    hni_unpoison(header.raw, header.total);
    return header;
}

static void block_close(void *data, const block_header *header)
{
    unsigned char *raw = header->raw, *bytes = data;
    memcpy(bytes - sizeof *header, header, sizeof *header);
    hni_poison(raw, (size_t)(bytes - raw));
    hni_poison(bytes + header->size, header->total - header->size - (size_t)(bytes - raw));
}

char *hni_bytes_print(uint64_t bytes, char *buffer, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        (void)snprintf(buffer, size, "%" PRIu64 " %s", bytes, bytes == 1 ? "byte" : "bytes");
        return buffer;
    }
    int unit = 0;
    uint64_t rest = bytes;
    for (; rest / 1024 >= 1024; unit++)
        rest /= 1024;
    const uint64_t tenths = rest / 1024 * 10 + rest % 1024 * 10 / 1024;
    (void)snprintf(buffer, size, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
    return buffer;
}

static hn_status refuse_overflow(hn_context *context, const char *what)
{
    return hni_error(context, HN_ERROR_MEMORY, "%s: needs more bytes than an address can count; use smaller sizes",
                     what);
}

static hn_status refuse_by_system(hn_context *context, const char *what, size_t size)
{
    char needed[32];
    return hni_error(context, HN_ERROR_MEMORY,
                     "%s: needs %s, the system has no more memory to give; use smaller sizes or a smaller batch", what,
                     hni_bytes_print(size, needed, sizeof needed));
}

/* `more` bytes on top of what is held. */
static hn_status check_limit(hn_context *context, const char *what, size_t more)
{
    if (more > (size_t)INT64_MAX - (size_t)context->memory_held) return refuse_overflow(context, what);
    if (context->memory_limit == 0) return HN_OK;
    const int64_t left =
        context->memory_limit > context->memory_held ? context->memory_limit - context->memory_held : 0;
    if ((int64_t)more <= left) return HN_OK;
    char needed[32], free_bytes[32];
    return hni_error(
        context, HN_ERROR_MEMORY,
        "%s: needs %s, %s of the limit left; raise the memory limit, or use smaller sizes or a smaller batch", what,
        hni_bytes_print(more, needed, sizeof needed), hni_bytes_print((uint64_t)left, free_bytes, sizeof free_bytes));
}

static void *call_allocator(hn_context *context, void *raw, size_t total)
{
    context->allocation_calls++;
    return context->allocator.resize(context->allocator.user, raw, total);
}

hn_status hni_alloc_unzeroed(hn_context *context, const char *what, size_t size, void **out_pointer)
{
    *out_pointer = NULL;
    size_t total;
    if (!hni_size_add(size, BLOCK_OVERHEAD, &total)) return refuse_overflow(context, what);
    const hn_status status = check_limit(context, what, size);
    if (status != HN_OK) return status;
    void *raw = call_allocator(context, NULL, total);
    if (raw == NULL) return refuse_by_system(context, what, size);

    const block_header header = {.raw = raw, .size = size, .total = total};
    void *data = (unsigned char *)raw + data_offset(raw);
    block_close(data, &header);
    context->memory_held += (int64_t)size;
    *out_pointer = data;
    return HN_OK;
}

hn_status hni_alloc(hn_context *context, const char *what, size_t size, void **out_pointer)
{
    const hn_status status = hni_alloc_unzeroed(context, what, size, out_pointer);
    if (status == HN_OK) memset(*out_pointer, 0, size);
    return status;
}

hn_status hni_alloc_array(hn_context *context, const char *what, size_t count, size_t size, void **out_pointer)
{
    size_t bytes;
    *out_pointer = NULL;
    if (!hni_size_mul(count, size, &bytes)) return refuse_overflow(context, what);
    return hni_alloc(context, what, bytes, out_pointer);
}

/* The block of `pointer` with `size` bytes of data. The data's place inside the block may shift. */
static hn_status resize_block(hn_context *context, const char *what, size_t size, void **pointer)
{
    block_header header = block_open(*pointer);
    const size_t old_size = header.size, old_offset = (size_t)((unsigned char *)*pointer - (unsigned char *)header.raw);
    const size_t more = size > old_size ? size - old_size : 0;
    size_t total = 0;
    hn_status status = HN_OK;
    if (!hni_size_add(size, BLOCK_OVERHEAD, &total))
        status = refuse_overflow(context, what);
    else
        status = check_limit(context, what, more);

    unsigned char *raw = NULL;
    if (status == HN_OK) {
        raw = call_allocator(context, header.raw, total);
        if (raw == NULL) status = refuse_by_system(context, what, size);
    }
    if (status != HN_OK) {
        block_close(*pointer, &header);
        return status;
    }
    const size_t offset = data_offset(raw), kept = size < old_size ? size : old_size;
    if (offset != old_offset) memmove(raw + offset, raw + old_offset, kept);
    memset(raw + offset + kept, 0, size - kept);
    header = (block_header){.raw = raw, .size = size, .total = total};
    block_close(raw + offset, &header);
    context->memory_held += (int64_t)size - (int64_t)old_size;
    *pointer = raw + offset;
    return HN_OK;
}

hn_status hni_realloc_array(hn_context *context, const char *what, size_t count, size_t size, void **pointer)
{
    size_t bytes;
    if (!hni_size_mul(count, size, &bytes)) return refuse_overflow(context, what);
    if (*pointer == NULL) return hni_alloc(context, what, bytes, pointer);
    return resize_block(context, what, bytes, pointer);
}

void hni_free(hn_context *context, void *pointer)
{
    if (pointer == NULL) return;
    const block_header header = block_open(pointer);
    context->memory_held -= (int64_t)header.size;
    (void)call_allocator(context, header.raw, 0);
}

hn_status hni_copy_text(hn_context *context, const char *text, char **out_copy)
{
    const size_t size = strlen(text) + 1;
    void *copy = NULL;
    *out_copy = NULL;
    const hn_status status = hni_alloc_unzeroed(context, "text", size, &copy);
    if (status != HN_OK) return status;
    memcpy(copy, text, size);
    *out_copy = copy;
    return HN_OK;
}
