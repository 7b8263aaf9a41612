/* Fuzzes the PNG reader: the bytes as they are, but with every chunk's checksum put right, so that what is behind it is reached; and the
 * bytes as a header, a palette and rows, packed into a file whose checksums hold. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/data/images_read.h"
#include "core/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 16 };

static void put_word(uint8_t *to, size_t word)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

static size_t word_at(const uint8_t *from)
{
    return (size_t)from[0] << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 | from[3];
}

static void repair(uint8_t *png, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = word_at(png + at);
        if (length > size - at - 12) return;
        put_word(png + at + 8 + length, crc32(crc32(0, NULL, 0), png + at + 4, (uInt)(length + 4)));
        at += 12 + length;
    }
}

static void check(hn_context *context, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    hni_pixels pixels;
    if (exact == NULL) abort();
    memcpy(exact, data, size);
    const hni_file_bytes file = {exact, size};
    const hn_status status = hni_png_parse(context, "fuzz", &file, &pixels);
    free(exact);
    if (status == HN_OK) {
        uint8_t most = 0;
        if (pixels.count != 1 || (pixels.channels != 1 && pixels.channels != 3)) abort();
        if (pixels.height < 1 || pixels.width < 1) abort();
        for (int64_t i = 0; i < pixels.channels * pixels.height * pixels.width; i++)
            most |= pixels.data[i]; /* all of them can be read */
        (void)most;
    } else if (pixels.data != NULL || strncmp(hn_context_error(context)->text, "fuzz: ", 6) != 0) {
        abort();
    }
    hni_free(context, pixels.data);
    hn_context_clear(context);
    if (hn_context_memory(context) != 0) abort();
}

static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t size)
{
    put_word(to, size);
    memcpy(to + 4, type, 4);
    if (size > 0) memmove(to + 8, data, size);
    put_word(to + 8 + size, crc32(crc32(0, NULL, 0), to + 4, (uInt)(size + 4)));
    return size + 12;
}

/* Bytes 0 .. 4: width, height, bits, colour, entries of the palette; the palette; rows. */
static void check_made(hn_context *context, const uint8_t *data, size_t size)
{
    static uint8_t png[2 * MOST], packed[MOST + MOST / 2];
    if (size < 5 || size > MOST || size < 5 + 3 * (size_t)data[4]) return;
    const size_t entries = data[4];
    uint8_t header[13] = {0, 0, 0, data[0], 0, 0, 0, data[1], data[2], data[3]};
    uLongf packed_size = sizeof packed;
    if (compress(packed, &packed_size, data + 5 + 3 * entries, (uLong)(size - 5 - 3 * entries)) != Z_OK) return;
    memcpy(png, "\x89PNG\r\n\x1a\n", 8);
    size_t at = 8 + put_chunk(png + 8, "IHDR", header, sizeof header);
    if (entries > 0) at += put_chunk(png + at, "PLTE", data + 5, 3 * entries);
    at += put_chunk(png + at, "IDAT", packed, packed_size);
    at += put_chunk(png + at, "IEND", NULL, 0);
    check(context, png, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hn_context *context;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL || hn_context_create(NULL, &context) != HN_OK) abort();
    memcpy(copy, data, size);
    check(context, copy, size);
    repair(copy, size);
    check(context, copy, size);
    check_made(context, data, size);
    hn_context_destroy(context);
    free(copy);
    return 0;
}
