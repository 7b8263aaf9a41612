/* The helpers of the tests are tested too: a comparison that a NaN passes would make every other test worthless. */
#include "test_support.h"

#include <math.h>

static void test_close_numbers_pass(void **state)
{
    (void)state;
    assert_true(test_is_close(1.0, 1.0 + 1e-7, 1e-6, 0.0));
    assert_true(test_is_close(0.0, 1e-10, 0.0, 1e-9));
    assert_true(test_is_close(HUGE_VAL, HUGE_VAL, 0.0, 0.0));
}

static void test_far_numbers_and_nan_fail(void **state)
{
    (void)state;
    assert_false(test_is_close(1.0, -1.0, 1e-6, 0.0));
    assert_false(test_is_close(1.0, 1.0 + 1e-5, 1e-6, 0.0));
    assert_false(test_is_close(nan(""), 1.0, 1.0, 1.0));
    assert_false(test_is_close(1.0, nan(""), 1.0, 1.0));
    assert_false(test_is_close(nan(""), nan(""), 1.0, 1.0));
    assert_false(test_is_close(HUGE_VAL, 1.0, 1.0, 1.0));
    assert_false(test_is_close(HUGE_VAL, -HUGE_VAL, 1.0, 1.0));
}

static void test_files_come_back(void **state)
{
    (void)state;
    char *folder = test_folder_create();
    char *path = test_path_join(folder, "bytes");
    test_file_write(path, "a\0b", 3);
    size_t size = 0;
    unsigned char *bytes = test_file_read(path, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "a\0b", 3);
    free(bytes);
    free(path);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_numbers_pass),
        cmocka_unit_test(test_far_numbers_and_nan_fail),
        cmocka_unit_test(test_files_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
