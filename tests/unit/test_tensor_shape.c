/* Element types and shapes: names, sizes, products that overflow, printing into buffers of any size. */
#include "hypernet/tensor.h"
#include "test_support.h"

static void test_dtypes(void **state)
{
    (void)state;
    const struct {
        hn_dtype dtype;
        const char *name;
        size_t size;
    } cases[] = {
        {HN_DTYPE_F32, "F32", sizeof(float)},
        {HN_DTYPE_F64, "F64", sizeof(double)},
        {HN_DTYPE_I32, "I32", 4},
        {HN_DTYPE_U8, "U8", 1},
        {HN_DTYPE_F16, "F16", 2},
        {HN_DTYPE_BF16, "BF16", 2},
        {HN_DTYPE_I8, "I8", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(hn_dtype_name(cases[i].dtype), cases[i].name);
        assert_int_equal(hn_dtype_size(cases[i].dtype), cases[i].size);
    }
    assert_string_equal(hn_dtype_name((hn_dtype)(HN_DTYPE_I8 + 1)), "?");
    assert_int_equal(hn_dtype_size((hn_dtype)(HN_DTYPE_I8 + 1)), 0);
}

static void test_making_and_comparing(void **state)
{
    (void)state;
    const hn_shape shape = HN_SHAPE3(16, 100, 1000);
    assert_int_equal(shape.rank, 3);
    assert_int_equal(shape.size[0], 16);
    assert_int_equal(shape.size[2], 1000);
    assert_int_equal(HN_SCALAR().rank, 0);
    assert_int_equal(
        hn_shape_of(7, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)1, (int64_t)1).rank, -1);
    assert_int_equal(hn_shape_of(-1).rank, -1);
    assert_true(hn_shape_equal(shape, HN_SHAPE3(16, 100, 1000)));
    assert_false(hn_shape_equal(shape, HN_SHAPE3(16, 100, 1001)));
    assert_false(hn_shape_equal(HN_SHAPE1(1), HN_SCALAR()));
    assert_true(hn_shape_equal(HN_SCALAR(), HN_SCALAR()));
    assert_false(hn_shape_equal(hn_shape_of(-1), hn_shape_of(-1))); /* nothing fits a shape that is none */
}

static void test_elements(void **state)
{
    (void)state;
    assert_int_equal(hn_shape_elements(HN_SCALAR()), 1);
    assert_int_equal(hn_shape_elements(HN_SHAPE4(2, 3, 5, 7)), 210);
    assert_int_equal(hn_shape_elements(HN_SHAPE1(0)), -1);
    assert_int_equal(hn_shape_elements(HN_SHAPE2(5, -1)), -1);
    assert_int_equal(hn_shape_elements(hn_shape_of(-1)), -1);
    assert_int_equal(hn_shape_elements((hn_shape){.rank = 7, .size = {1, 1, 1, 1, 1, 1}}), -1);
    assert_true(hn_shape_elements(HN_SHAPE2(INT64_MAX, 1)) == INT64_MAX);
    assert_int_equal(hn_shape_elements(HN_SHAPE2(INT64_C(1) << 32, INT64_C(1) << 31)), -1);
    assert_int_equal(hn_shape_elements(HN_SHAPE3(INT64_MAX, INT64_MAX, INT64_MAX)), -1);
}

static void test_printing(void **state)
{
    (void)state;
    char text[200];
    assert_string_equal(hn_shape_print(HN_SHAPE4(16, 8, 3, 3), text, sizeof text), "[16,8,3,3]");
    assert_string_equal(hn_shape_print(HN_SCALAR(), text, sizeof text), "[]");
    assert_string_equal(hn_shape_print(HN_SHAPE1(5), text, sizeof text), "[5]");
    assert_string_equal(hn_shape_print(hn_shape_of(-1), text, sizeof text), "[no shape]");
    hn_shape widest = {.rank = HN_MAX_RANK};
    for (int i = 0; i < HN_MAX_RANK; i++)
        widest.size[i] = INT64_MIN;
    (void)hn_shape_print(widest, text, sizeof text);
    assert_int_equal(strlen(text), 6 * 20 + 5 + 2);
    assert_int_equal(text[strlen(text) - 1], ']');
    assert_string_equal(hn_shape_print(HN_SHAPE2(128, 256), text, 5), "[128");
    text[0] = 'x';
    assert_ptr_equal(hn_shape_print(HN_SHAPE1(1), text, 0), text);
    assert_int_equal(text[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_making_and_comparing),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
