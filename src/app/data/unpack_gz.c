/* gzip, by zlib, which checks the checksum and the length that stand behind each member. A file may hold several members, as
 * made by `cat a.gz b.gz`; zeros may follow the last one, as tapes leave them; anything else is damage. */
#include <zlib.h>

#include "app/data/unpack_stream.h"

/* zlib counts in unsigned int. */
#define LARGEST_PIECE ((size_t)1 << 30)
/* Ask for a gzip wrapper around the largest window. */
#define GZIP_WINDOW (15 + 16)

static uInt piece_of(size_t size) { return (uInt)(size < LARGEST_PIECE ? size : LARGEST_PIECE); }

static hn_status gz_error(const hni_unpacked *out, int code, const z_stream *stream)
{
    if (code == Z_MEM_ERROR) {
        return hni_error(out->context, HN_ERROR_MEMORY, "%s: out of memory while unpacking: close other programs",
                         out->name);
    }
    return hni_error(out->context, HN_ERROR_FORMAT,
                     "%s: damaged gzip data after %zu unpacked bytes: %s: fetch the file again", out->name, out->size,
                     stream->msg != NULL ? stream->msg : "not gzip");
}

/* One member; stream->next_in stands behind it then. `*left` counts the input that zlib has not been shown. */
static hn_status unpack_member(z_stream *stream, size_t *left, hni_unpacked *out)
{
    for (;;) {
        if (stream->avail_in == 0) {
            stream->avail_in = piece_of(*left);
            *left -= stream->avail_in;
        }
        hn_status status = hni_unpacked_grow(out);
        if (status != HN_OK) return status;
        uInt room = piece_of(out->capacity - out->size);
        stream->next_out = out->data + out->size;
        stream->avail_out = room;
        int code = inflate(stream, Z_NO_FLUSH);
        out->size += room - stream->avail_out;
        if (code == Z_STREAM_END) return HN_OK;
        if (code != Z_OK && code != Z_BUF_ERROR) return gz_error(out, code, stream);
        if (stream->avail_in == 0 && *left == 0 && stream->avail_out > 0) {
            return hni_error(out->context, HN_ERROR_FORMAT,
                             "%s: the gzip data ends too early, after %zu unpacked bytes: fetch the file again",
                             out->name, out->size);
        }
    }
}

/* Whether nothing but zeros is left. */
static bool is_padding(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

hn_status hni_unpack_gz(const hni_file_bytes *packed, hni_unpacked *out)
{
    hn_status status = HN_OK;
    z_stream stream = {.next_in = packed->data};
    size_t left = packed->size;
    int code = inflateInit2(&stream, GZIP_WINDOW);
    if (code != Z_OK) return gz_error(out, code, &stream);
    for (;;) {
        HNI_TRY(unpack_member(&stream, &left, out));
        size_t rest = left + stream.avail_in;
        if (is_padding(stream.next_in, rest)) break;
        if (rest < 2 || stream.next_in[0] != 0x1f || stream.next_in[1] != 0x8b) {
            HNI_TRY(hni_error(out->context, HN_ERROR_FORMAT,
                              "%s: %zu bytes that are not gzip follow the gzip data: damaged, fetch the file again",
                              out->name, rest));
        }
        code = inflateReset(&stream);
        if (code != Z_OK) HNI_TRY(gz_error(out, code, &stream));
    }
cleanup:
    (void)inflateEnd(&stream);
    return status;
}
