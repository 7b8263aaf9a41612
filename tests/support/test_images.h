/* Small sets of images on disk for tests: idx files, CIFAR-10 records, tar archives, PNG files, and what packs them. */
#ifndef TEST_IMAGES_H
#define TEST_IMAGES_H

#include "test_support.h"

typedef struct test_bytes {
    uint8_t *data; /* free */
    size_t size;
} test_bytes;

/* FOLDER/NAME. */
void test_put(const char *folder, const char *name, const void *data, size_t size);
/* FOLDER/NAME of the bytes, which are freed. */
void test_put_bytes(const char *folder, const char *name, test_bytes bytes);
/* FOLDER/NAME as a folder; freed by the caller. */
char *test_make_folder(const char *folder, const char *name);

/* An idx file of bytes: `sizes` of `dimensions`, then as many bytes of `data` as they say. */
test_bytes test_idx(int dimensions, const int64_t *sizes, const uint8_t *data);
/* `count` records of CIFAR-10: labels (first + i) % 10, and bytes that depend on first + i. */
test_bytes test_cifar(int64_t count, int64_t first);
/* A file behind what is in the archive; name NULL ends it. */
void test_tar_add(test_bytes *archive, const char *name, const test_bytes *file);
test_bytes test_gz(test_bytes plain);

/* Byte `channel` of a pixel. */
typedef uint8_t (*test_pixel)(int64_t x, int64_t y, int channel);
typedef struct test_png_options {
    int bits, colour; /* as in the file: 8 and 2 are colours */
    int filter;       /* 0 to 4; 5: each row another one */
    bool interlaced;  /* says so in the header alone */
} test_png_options;
/* A PNG file; with fewer than 8 bits, pixel gives samples of as many. A palette has entry i = {i, 255 - i, 7}. */
test_bytes test_png(int64_t width, int64_t height, const test_png_options *options, test_pixel pixel);

#endif
