/* See test_support.h. */
#include "test_support.h"

#include <ftw.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

bool test_is_close(double actual, double expected, double relative, double absolute)
{
    double larger = fmax(fabs(actual), fabs(expected));
    if (actual == expected) {
        return true; /* infinities of one sign */
    }
    /* Written so that a NaN, and an infinity beside a number, make the comparison false. */
    return isfinite(actual) && isfinite(expected) && fabs(actual - expected) <= absolute + relative * larger;
}

void test_assert_close(double actual, double expected, double relative, double absolute, const char *text,
                       const char *file, int line)
{
    if (!test_is_close(actual, expected, relative, absolute)) {
        print_error("%s is %.17g, expected %.17g (difference %.3g, allowed: relative %.3g, absolute %.3g)\n", text,
                    actual, expected, actual - expected, relative, absolute);
        _fail(file, line);
    }
}

/* One element type at a time behind a reader, so that the comparison is written once. */
typedef double (*element_reader)(const void *values, size_t index);

static double read_float(const void *values, size_t index) { return (double)((const float *)values)[index]; }

static double read_double(const void *values, size_t index) { return ((const double *)values)[index]; }

typedef struct {
    const void *actual;
    const void *expected;
    size_t count;
    element_reader read;
} array_pair;

static void assert_pair_close(const array_pair *pair, double share, const char *file, int line)
{
    double largest = 0.0;
    for (size_t i = 0; i < pair->count; i++) {
        largest = fmax(largest, fabs(pair->read(pair->expected, i)));
    }
    for (size_t i = 0; i < pair->count; i++) {
        double actual = pair->read(pair->actual, i);
        double expected = pair->read(pair->expected, i);
        if (!test_is_close(actual, expected, 0.0, share * largest)) {
            print_error("entry %zu of %zu is %.9g, expected %.9g (largest %.3g, allowed share of it %.3g)\n", i,
                        pair->count, actual, expected, largest, share);
            _fail(file, line);
        }
    }
}

void test_assert_all_close_float(const float *actual, const float *expected, size_t count, double share,
                                 const char *file, int line)
{
    array_pair pair = {actual, expected, count, read_float};
    assert_pair_close(&pair, share, file, line);
}

void test_assert_all_close_double(const double *actual, const double *expected, size_t count, double share,
                                  const char *file, int line)
{
    array_pair pair = {actual, expected, count, read_double};
    assert_pair_close(&pair, share, file, line);
}

char *test_path_join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    assert_non_null(path);
    (void)snprintf(path, size, "%s/%s", folder, name);
    return path;
}

char *test_folder_create(void)
{
    const char *parent = getenv("TMPDIR");
    char *folder = test_path_join(parent != NULL ? parent : "/tmp", "hypernet-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void test_folder_remove(char *folder)
{
    assert_int_equal(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

void test_file_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

unsigned char *test_file_read(const char *path, size_t *out_size)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    size_t size = (size_t)status.st_size;
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, size, file), size);
    bytes[size] = 0;
    (void)fclose(file);
    *out_size = size;
    return bytes;
}

char *test_data_or_skip(const char *name)
{
    const bool absolute = name[0] == '/';
    const char *root = absolute ? "" : getenv("HYPERNET_DATA");
    char *path = test_path_join(root != NULL ? root : "", absolute ? name + 1 : name);
    if (root == NULL || access(path, R_OK) != 0) {
        (void)fprintf(stderr, "SKIPPED: this test needs %s%s (%s)\n", name, absolute ? "" : " below $HYPERNET_DATA",
                      root != NULL ? path : "not set");
        free(path);
        skip();
    }
    return path;
}

char *test_source_path(const char *name)
{
    const char *root = getenv("HYPERNET_SOURCE_DIR");
    return test_path_join(root != NULL ? root : ".", name);
}
