/* xz, by liblzma, which checks the checksum of every block and the index at the end. Several streams may follow one another. */
#include <lzma.h>

#include "app/data/unpack_stream.h"

/* The strongest preset of xz needs 65 MiB to unpack; a file that asks for more than this is hardly meant well. */
#define MEMORY_LIMIT ((uint64_t)256 << 20)

static hn_status xz_error(const hni_unpacked *out, lzma_ret code)
{
    const char *what = "damaged xz data";
    switch (code) {
    case LZMA_MEM_ERROR:
        return hni_error(out->context, HN_ERROR_MEMORY, "%s: out of memory while unpacking: close other programs",
                         out->name);
    case LZMA_MEMLIMIT_ERROR:
        return hni_error(out->context, HN_ERROR_UNSUPPORTED,
                         "%s: unpacking would take more than %d MiB of memory: pack it anew with 'xz -9' or less",
                         out->name, (int)(MEMORY_LIMIT >> 20));
    case LZMA_OPTIONS_ERROR:
    case LZMA_UNSUPPORTED_CHECK:
        return hni_error(out->context, HN_ERROR_UNSUPPORTED,
                         "%s: xz data of a kind that liblzma does not know: pack it anew", out->name);
    case LZMA_BUF_ERROR: what = "the xz data ends too early"; break;
    case LZMA_FORMAT_ERROR: what = "bytes that are not xz follow the xz data"; break;
    default: break;
    }
    return hni_error(out->context, HN_ERROR_FORMAT, "%s: %s, after %zu unpacked bytes: fetch the file again", out->name,
                     what, out->size);
}

hn_status hni_unpack_xz(const hni_file_bytes *packed, hni_unpacked *out)
{
    hn_status status = HN_OK;
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret code = lzma_stream_decoder(&stream, MEMORY_LIMIT, LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK);
    if (code != LZMA_OK) HNI_TRY(xz_error(out, code));
    stream.next_in = packed->data;
    stream.avail_in = packed->size;
    while (code != LZMA_STREAM_END) {
        HNI_TRY(hni_unpacked_grow(out));
        size_t room = out->capacity - out->size;
        stream.next_out = out->data + out->size;
        stream.avail_out = room;
        code = lzma_code(&stream, LZMA_FINISH);
        out->size += room - stream.avail_out;
        if (code != LZMA_OK && code != LZMA_STREAM_END) HNI_TRY(xz_error(out, code));
    }
cleanup:
    lzma_end(&stream);
    return status;
}
