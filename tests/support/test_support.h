/*
 * What every test needs: cmocka (whose header wants four others before it), comparisons that a NaN cannot pass, a temporary
 * folder, and a way to leave out a test loudly when its data is not on this machine.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* True when |actual - expected| <= absolute + relative * max(|actual|, |expected|), signed; false with any NaN. */
bool test_is_close(double actual, double expected, double relative, double absolute);

/* Fail the running test, with both numbers, unless they are close in the sense of test_is_close. */
#define assert_close(actual, expected, relative, absolute) \
    test_assert_close((actual), (expected), (relative), (absolute), #actual, __FILE__, __LINE__)
void test_assert_close(double actual, double expected, double relative, double absolute, const char *text,
                       const char *file, int line);

/* The same for arrays: `share` is a share of the largest |expected|. The message names the worst place. */
#define assert_all_close_float(actual, expected, count, share) \
    test_assert_all_close_float((actual), (expected), (count), (share), __FILE__, __LINE__)
#define assert_all_close_double(actual, expected, count, share) \
    test_assert_all_close_double((actual), (expected), (count), (share), __FILE__, __LINE__)
void test_assert_all_close_float(const float *actual, const float *expected, size_t count, double share,
                                 const char *file, int line);
void test_assert_all_close_double(const double *actual, const double *expected, size_t count, double share,
                                  const char *file, int line);

/* A fresh empty folder; remove it and all that lies in it with test_folder_remove. Fails the test when it cannot. */
char *test_folder_create(void);
void test_folder_remove(char *folder);

/* "folder/name" in memory that the caller frees. */
char *test_path_join(const char *folder, const char *name);

/* Write a file, replacing one that is there; read one whole (a 0 byte is put behind it). Fail the test when they cannot. */
void test_file_write(const char *path, const void *bytes, size_t size);
unsigned char *test_file_read(const char *path, size_t *out_size);

/* The path of `name`, below $HYPERNET_DATA unless it is absolute, freed by the caller; if it is not there, says so on stderr and skips the test. */
char *test_data_or_skip(const char *name);

/* The path of a file of the source tree, for example "tests/golden/ops.safetensors"; freed by the caller. */
char *test_source_path(const char *name);

#endif
