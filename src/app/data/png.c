/* PNG files (ISO 15948) of up to 8 bits a channel, without interlacing: grey, colours, a palette; alpha is left out, as most readers of
 * training images do. Chunks are checked by their CRC, pixels by zlib's sum. Not for gamma, text or animation. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/data/images_read.h"
#include "core/alloc.h"

#define MOST_PIXELS ((int64_t)1 << 26)
/* deflate packs at most so many bytes into one. */
#define MOST_PACKED 1032

typedef enum png_colour { GREY = 0, COLOURS = 2, PALETTE = 3, GREY_ALPHA = 4, COLOURS_ALPHA = 6 } png_colour;

typedef struct png {
    hn_context *context;
    const char *name;
    int64_t width, height;
    int bits; /* a sample */
    png_colour colour;
    int samples;          /* of a pixel */
    const uint8_t *table; /* [entries][3], of a palette */
    int64_t entries;
    int64_t line; /* bytes of a row, without its filter */
    uint8_t *raw; /* [height][1 + line] */
    int64_t raw_size;
    z_stream stream;
    bool streaming, header_seen, ended;
} png;

typedef struct chunk {
    uint32_t size;
    char type[5];
    uint8_t *data;
} chunk;

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

bool hni_png_begins(const hni_file_bytes *file)
{
    return file->size >= sizeof signature && memcmp(file->data, signature, sizeof signature) == 0;
}

static hn_status damaged(const png *p, const char *what)
{
    return hni_error(p->context, HN_ERROR_FORMAT, "%s: damaged PNG file: %s: fetch or save it again", p->name, what);
}

static hn_status unsupported(const png *p, const char *what)
{
    return hni_error(
        p->context, HN_ERROR_UNSUPPORTED,
        "%s: %s: save it as a PNG of 8 bits a channel, not interlaced, for example with 'convert IN -depth 8 "
        "-interlace none png:OUT'",
        p->name, what);
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The chunk at *at, whole and with the right sum; *at moves behind it. */
static hn_status next_chunk(const png *p, const hni_file_bytes *file, size_t *at, chunk *out)
{
    const size_t left = file->size - *at;
    if (left < 12) return damaged(p, "it ends before its last chunk");
    uint8_t *bytes = file->data + *at;
    out->size = word_at(bytes);
    memcpy(out->type, bytes + 4, 4);
    out->type[4] = 0;
    out->data = bytes + 8;
    if (out->size > left - 12) return damaged(p, "it ends within a chunk");
    if (crc32(crc32(0, NULL, 0), bytes + 4, out->size + 4) != word_at(bytes + 8 + out->size))
        return damaged(p, "the checksum of a chunk is wrong");
    *at += 12 + (size_t)out->size;
    return HN_OK;
}

static int samples_of(png_colour colour)
{
    switch (colour) {
    case GREY:
    case PALETTE: return 1;
    case GREY_ALPHA: return 2;
    case COLOURS: return 3;
    case COLOURS_ALPHA: return 4;
    default: return 0;
    }
}

static hn_status read_header(png *p, const chunk *c)
{
    if (p->header_seen || c->size != 13) return damaged(p, "its header is wrong");
    p->header_seen = true;
    p->width = word_at(c->data);
    p->height = word_at(c->data + 4);
    p->bits = c->data[8];
    p->colour = (png_colour)c->data[9];
    p->samples = samples_of(p->colour);
    const bool small = p->bits == 1 || p->bits == 2 || p->bits == 4, packs = p->colour == GREY || p->colour == PALETTE;
    if (p->width == 0 || p->height == 0 || c->data[10] != 0 || c->data[11] != 0 || c->data[12] > 1 || p->samples == 0 ||
        !(p->bits == 8 || p->bits == 16 || (small && packs)))
        return damaged(p, "its header is wrong");
    if (p->bits == 16) return unsupported(p, "has 16 bits a channel, which are not read");
    if (c->data[12] == 1) return unsupported(p, "is interlaced, which is not read");
    if (p->width > MOST_PIXELS / p->height) return unsupported(p, "has more than 67,108,864 pixels");
    p->line = (p->width * p->samples * p->bits + 7) / 8;
    p->raw_size = p->height * (1 + p->line);
    return HN_OK;
}

static hn_status begin_pixels(png *p, size_t file_size)
{
    void *memory = NULL;
    if (p->raw_size / MOST_PACKED > (int64_t)file_size) return damaged(p, "it has too few bytes for its pixels");
    const hn_status status = hni_alloc_unzeroed(p->context, "image", (size_t)p->raw_size, &memory);
    if (status != HN_OK) return status;
    p->raw = memory;
    if (inflateInit(&p->stream) != Z_OK)
        return hni_error(p->context, HN_ERROR_MEMORY, "%s: out of memory while unpacking: close other programs",
                         p->name);
    p->streaming = true;
    p->stream.next_out = p->raw;
    p->stream.avail_out = (uInt)p->raw_size;
    return HN_OK;
}

static hn_status read_pixels(png *p, const chunk *c, size_t file_size)
{
    hn_status status = HN_OK;
    if (!p->streaming) HNI_TRY(begin_pixels(p, file_size));
    p->stream.next_in = c->data;
    p->stream.avail_in = c->size;
    while (!p->ended && p->stream.avail_in > 0) {
        const int code = inflate(&p->stream, Z_NO_FLUSH);
        p->ended = code == Z_STREAM_END;
        if (code == Z_BUF_ERROR && p->stream.avail_out == 0)
            HNI_TRY(damaged(p, "it has more pixels than its header says"));
        if (code != Z_OK && code != Z_STREAM_END) HNI_TRY(damaged(p, "its pixels do not unpack"));
    }
cleanup:
    return status;
}

static hn_status read_chunk(png *p, const chunk *c, size_t file_size)
{
    if (strcmp(c->type, "IHDR") == 0) return read_header(p, c);
    if (!p->header_seen) return damaged(p, "its header is missing");
    if (strcmp(c->type, "IDAT") == 0) return read_pixels(p, c, file_size);
    if (strcmp(c->type, "PLTE") == 0) {
        if (c->size == 0 || c->size % 3 != 0 || c->size > 3 * 256) return damaged(p, "its palette is wrong");
        p->table = c->data;
        p->entries = c->size / 3;
    } else if (strcmp(c->type, "IEND") != 0 && (c->type[0] & 0x20) == 0) {
        return unsupported(p, "has a chunk that this reader does not know");
    }
    return HN_OK;
}

/* ---- pixels ---- */

static uint8_t paeth(int left, int above, int corner)
{
    const int guess = left + above - corner;
    const int to_left = abs(guess - left), to_above = abs(guess - above), to_corner = abs(guess - corner);
    if (to_left <= to_above && to_left <= to_corner) return (uint8_t)left;
    return (uint8_t)(to_above <= to_corner ? above : corner);
}

/* Undoes the filters in place: each row adds to what stands to its left and above. */
static hn_status unfilter(png *p)
{
    const int64_t step = p->samples * p->bits < 8 ? 1 : p->samples * p->bits / 8; /* bytes to the pixel on the left */
    for (int64_t y = 0; y < p->height; y++) {
        uint8_t *row = p->raw + y * (1 + p->line) + 1;
        const uint8_t *upper = y > 0 ? row - (1 + p->line) : NULL;
        const int filter = row[-1];
        if (filter > 4) return damaged(p, "it has an unknown filter");
        for (int64_t i = 0; filter > 0 && i < p->line; i++) {
            const int left = i >= step ? row[i - step] : 0, above = upper != NULL ? upper[i] : 0;
            const int corner = i >= step && upper != NULL ? upper[i - step] : 0;
            const int guess = filter == 1   ? left
                              : filter == 2 ? above
                              : filter == 3 ? (left + above) / 2
                                            : paeth(left, above, corner);
            row[i] = (uint8_t)(row[i] + guess);
        }
    }
    return HN_OK;
}

/* Sample `i` of a row. */
static int sample_at(const png *p, const uint8_t *row, int64_t i)
{
    if (p->bits == 8) return row[i];
    const int64_t bit = i * p->bits;
    return row[bit / 8] >> (8 - p->bits - bit % 8) & ((1 << p->bits) - 1);
}

static hn_status write_pixels(const png *p, hni_pixels *out)
{
    const int64_t area = p->width * p->height;
    const int largest = (1 << p->bits) - 1;
    for (int64_t pixel = 0; pixel < area; pixel++) {
        const uint8_t *row = p->raw + pixel / p->width * (1 + p->line) + 1;
        const int64_t at = pixel % p->width * p->samples;
        const int first = sample_at(p, row, at);
        if (p->colour == PALETTE) {
            if (first >= p->entries) return damaged(p, "it has a colour that its palette lacks");
            for (int c = 0; c < 3; c++)
                out->data[c * area + pixel] = p->table[3 * first + c];
        } else if (out->channels == 1) {
            out->data[pixel] = (uint8_t)(first * 255 / largest);
        } else {
            for (int c = 0; c < 3; c++)
                out->data[c * area + pixel] = row[at + c];
        }
    }
    return HN_OK;
}

static hn_status finish(png *p, hni_pixels *out)
{
    void *memory = NULL;
    hn_status status;
    if (!p->ended || p->stream.avail_out > 0) return damaged(p, "it has fewer pixels than its header says");
    if (p->colour == PALETTE && p->table == NULL) return damaged(p, "its palette is missing");
    HNI_TRY(unfilter(p));
    *out = (hni_pixels){.count = 1,
                        .channels = p->colour == GREY || p->colour == GREY_ALPHA ? 1 : 3,
                        .height = p->height,
                        .width = p->width};
    HNI_TRY(hni_alloc_unzeroed(p->context, "image", (size_t)(out->channels * p->height * p->width), &memory));
    out->data = memory;
    HNI_TRY(write_pixels(p, out));
cleanup:
    return status;
}

hn_status hni_png_parse(hn_context *context, const char *name, const hni_file_bytes *file, hni_pixels *out_pixels)
{
    png p = {.context = context, .name = name};
    chunk c = {.type = ""};
    size_t at = sizeof signature;
    hn_status status = HN_OK;
    memset(out_pixels, 0, sizeof *out_pixels);
    if (!hni_png_begins(file)) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: does not begin as a PNG file: is it another kind of picture?",
                         name);
    }
    while (strcmp(c.type, "IEND") != 0) {
        HNI_TRY(next_chunk(&p, file, &at, &c));
        HNI_TRY(read_chunk(&p, &c, file->size));
    }
    HNI_TRY(finish(&p, out_pixels));
cleanup:
    if (p.streaming) (void)inflateEnd(&p.stream);
    hni_free(context, p.raw);
    if (status != HN_OK) {
        hni_free(context, out_pixels->data);
        memset(out_pixels, 0, sizeof *out_pixels);
    }
    return status;
}
