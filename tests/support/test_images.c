/* See test_images.h. */
#include "test_images.h"

#include <sys/stat.h>
#include <zlib.h>

static test_bytes room_for(size_t size)
{
    test_bytes bytes = {calloc(size > 0 ? size : 1, 1), size};
    assert_non_null(bytes.data);
    return bytes;
}

static void append(test_bytes *bytes, const void *data, size_t size)
{
    bytes->data = realloc(bytes->data, bytes->size + size + 1);
    assert_non_null(bytes->data);
    if (size > 0) memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void test_put(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = test_path_join(folder, name);
    test_file_write(path, data, size);
    free(path);
}

void test_put_bytes(const char *folder, const char *name, test_bytes bytes)
{
    test_put(folder, name, bytes.data, bytes.size);
    free(bytes.data);
}

char *test_make_folder(const char *folder, const char *name)
{
    char *path = test_path_join(folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static void put_word(uint8_t *to, uint64_t word)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

test_bytes test_idx(int dimensions, const int64_t *sizes, const uint8_t *data)
{
    size_t count = 1;
    for (int i = 0; i < dimensions; i++)
        count *= (size_t)sizes[i];
    const size_t header = 4 + 4 * (size_t)dimensions;
    test_bytes bytes = room_for(header + count);
    bytes.data[2] = 8;
    bytes.data[3] = (uint8_t)dimensions;
    for (int i = 0; i < dimensions; i++)
        put_word(bytes.data + 4 + 4 * i, (uint64_t)sizes[i]);
    memcpy(bytes.data + header, data, count);
    return bytes;
}

test_bytes test_cifar(int64_t count, int64_t first)
{
    test_bytes bytes = room_for((size_t)count * 3073);
    for (int64_t i = 0; i < count; i++) {
        uint8_t *record = bytes.data + i * 3073;
        record[0] = (uint8_t)((first + i) % 10);
        for (int64_t at = 0; at < 3072; at++)
            record[1 + at] = (uint8_t)((first + i) * 31 + at * 7 + at / 1024);
    }
    return bytes;
}

void test_tar_add(test_bytes *archive, const char *name, const test_bytes *file)
{
    uint8_t header[512] = {0};
    if (name == NULL) {
        append(archive, header, sizeof header);
        append(archive, header, sizeof header);
        return;
    }
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 100, 8, "%07o", 0644);
    snprintf((char *)header + 124, 12, "%011o", (unsigned)file->size);
    header[156] = '0';
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    unsigned sum = 8 * ' ';
    for (int i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
    header[155] = ' ';
    append(archive, header, sizeof header);
    append(archive, file->data, file->size);
    memset(header, 0, sizeof header);
    append(archive, header, (512 - file->size % 512) % 512);
}

test_bytes test_gz(test_bytes plain)
{
    z_stream stream = {.next_in = plain.data, .avail_in = (uInt)plain.size};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    test_bytes packed = room_for(deflateBound(&stream, (uLong)plain.size));
    stream.next_out = packed.data;
    stream.avail_out = (uInt)packed.size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.size -= stream.avail_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
    free(plain.data);
    return packed;
}

/* ---- PNG ---- */

static void add_chunk(test_bytes *png, const char *type, const void *data, size_t size)
{
    uint8_t word[4];
    put_word(word, size);
    append(png, word, 4);
    const size_t at = png->size;
    append(png, type, 4);
    append(png, data, size);
    put_word(word, crc32(crc32(0, NULL, 0), png->data + at, (uInt)(4 + size)));
    append(png, word, 4);
}

static int samples_of(int colour) { return colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1; }

static uint8_t guess_of(int filter, int left, int above, int corner)
{
    const int guess = left + above - corner;
    const int a = abs(guess - left), b = abs(guess - above), c = abs(guess - corner);
    switch (filter) {
    case 1: return (uint8_t)left;
    case 2: return (uint8_t)above;
    case 3: return (uint8_t)((left + above) / 2);
    case 4: return (uint8_t)(a <= b && a <= c ? left : b <= c ? above : corner);
    default: return 0;
    }
}

test_bytes test_png(int64_t width, int64_t height, const test_png_options *options, test_pixel pixel)
{
    const int samples = samples_of(options->colour), bits = samples * options->bits;
    const size_t line = (size_t)(width * bits + 7) / 8, step = bits < 8 ? 1 : (size_t)bits / 8;
    test_bytes plain = room_for(line * (size_t)height), raw = room_for((line + 1) * (size_t)height), png = {NULL, 0};
    for (int64_t y = 0; y < height; y++) {
        for (int64_t i = 0; i < width * samples; i++) {
            const int64_t bit = i * options->bits, shift = 8 - options->bits - bit % 8;
            plain.data[(size_t)y * line + (size_t)bit / 8] |=
                (uint8_t)(pixel(i / samples, y, (int)(i % samples)) << (options->bits >= 8 ? 0 : shift));
        }
    }
    for (size_t y = 0; y < (size_t)height; y++) {
        const int filter = options->filter == 5 ? (int)(y % 5) : options->filter;
        raw.data[y * (line + 1)] = (uint8_t)filter;
        for (size_t i = 0; i < line; i++) {
            const uint8_t *at = plain.data + y * line + i;
            const int left = i >= step ? at[-(ptrdiff_t)step] : 0, above = y > 0 ? at[-(ptrdiff_t)line] : 0;
            const int corner = i >= step && y > 0 ? at[-(ptrdiff_t)(line + step)] : 0;
            raw.data[y * (line + 1) + 1 + i] = (uint8_t)(*at - guess_of(filter, left, above, corner));
        }
    }
    uint8_t header[13] = {0}, palette[3 * 256];
    put_word(header, (uint64_t)width);
    put_word(header + 4, (uint64_t)height);
    header[8] = (uint8_t)options->bits;
    header[9] = (uint8_t)options->colour;
    header[12] = options->interlaced;
    for (int i = 0; i < 256; i++)
        memcpy(palette + 3 * i, (const uint8_t[]){(uint8_t)i, (uint8_t)(255 - i), 7}, 3);
    uLongf packed_size = compressBound((uLong)raw.size);
    test_bytes packed = room_for(packed_size);
    assert_int_equal(compress(packed.data, &packed_size, raw.data, (uLong)raw.size), Z_OK);
    append(&png, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&png, "IHDR", header, sizeof header);
    if (options->colour == 3)
        add_chunk(&png, "PLTE", palette, 3 * (options->bits < 8 ? (size_t)1 << options->bits : 256));
    add_chunk(&png, "tEXt", "k\0v", 3);
    add_chunk(&png, "IDAT", packed.data, packed_size / 2); /* in two pieces */
    add_chunk(&png, "IDAT", packed.data + packed_size / 2, packed_size - packed_size / 2);
    add_chunk(&png, "IEND", NULL, 0);
    free(plain.data);
    free(raw.data);
    free(packed.data);
    return png;
}
