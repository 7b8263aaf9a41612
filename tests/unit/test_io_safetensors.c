/* safetensors: what is written reads back; every damage is refused with a message; the order is that of the caller. */
#include "hypernet/io.h"
#include "test_support.h"

static hn_context *context;

static int set_up(void **state)
{
    (void)state;
    return hn_context_create(NULL, &context) != HN_OK;
}

static int tear_down(void **state)
{
    (void)state;
    int64_t held = hn_context_memory(context);
    hn_context_destroy(context);
    return held != 0;
}

/* A file as bytes: length, header as given, `data_size` bytes counting up. */
static unsigned char *build(const char *header, size_t data_size, size_t *out_size)
{
    size_t length = strlen(header);
    unsigned char *bytes = calloc(1, 8 + length + data_size);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)length >> (8 * i) & 0xff);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (unsigned char)i;
    *out_size = 8 + length + data_size;
    return bytes;
}

static void assert_refused(const char *header, size_t data_size, const char *words)
{
    size_t size;
    unsigned char *bytes = build(header, data_size, &size);
    hn_safetensors *file = NULL;
    if (hn_safetensors_parse(context, "m.safetensors", bytes, size, &file) == HN_OK) fail_msg("accepted: %s", header);
    assert_null(file);
    const char *text = hn_context_error(context)->text;
    if (strstr(text, words) == NULL || strstr(text, "m.safetensors: ") != text)
        fail_msg("'%s' lacks '%s'", text, words);
    hn_context_clear(context);
    free(bytes);
}

#define ENTRY(dtype, shape, offsets) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const float weights[6] = {1.0f, -2.5f, 3.0f, 0.0f, 1e-30f, 7.0f};
static const double scale[1] = {0.1};
static const int32_t steps[2] = {-1, 2147483647};
static const unsigned char blob[3] = {9, 8, 7};

static hn_safetensors_content small_content(void)
{
    static hn_file_tensor tensors[4];
    static const hn_file_text texts[] = {{"step", "12"}, {"model", "{\"a\":\"\xc3\xa9\\\"\n\"}"}};
    tensors[0] = (hn_file_tensor){"z.weight", HN_DTYPE_F32, HN_SHAPE2(2, 3), weights};
    tensors[1] = (hn_file_tensor){"blob", HN_DTYPE_U8, HN_SHAPE1(3), blob};
    tensors[2] = (hn_file_tensor){"a.scale", HN_DTYPE_F64, HN_SCALAR(), scale};
    tensors[3] = (hn_file_tensor){"steps", HN_DTYPE_I32, HN_SHAPE3(1, 2, 1), steps};
    return (hn_safetensors_content){tensors, 4, texts, 2};
}

static void assert_small_content(const hn_safetensors *file)
{
    hn_safetensors_content expected = small_content();
    assert_int_equal(hn_safetensors_count(file), expected.tensor_count);
    for (int64_t i = 0; i < expected.tensor_count; i++) {
        const hn_file_tensor *tensor = hn_safetensors_tensor(file, i), *wanted = &expected.tensors[i];
        assert_string_equal(tensor->name, wanted->name);
        assert_int_equal(tensor->dtype, wanted->dtype);
        assert_true(hn_shape_equal(tensor->shape, wanted->shape));
        size_t size = (size_t)hn_shape_elements(wanted->shape) * hn_dtype_size(wanted->dtype);
        assert_memory_equal(tensor->data, wanted->data, size);
        assert_int_equal((uintptr_t)tensor->data % hn_dtype_size(wanted->dtype), 0);
        assert_ptr_equal(hn_safetensors_find(file, wanted->name), tensor);
    }
    for (int64_t i = 0; i < expected.text_count; i++) {
        assert_string_equal(hn_safetensors_text(file, expected.texts[i].key), expected.texts[i].value);
    }
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    char *folder = test_folder_create(), *path = test_path_join(folder, "a.safetensors");
    hn_safetensors_content content = small_content();
    hn_safetensors *file;
    size_t size, again_size;
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_OK);
    unsigned char *first = test_file_read(path, &size);
    assert_int_equal(first[0] % 8, 0);
    assert_int_equal(hn_safetensors_open(context, path, &file), HN_OK);
    assert_small_content(file);
    assert_null(hn_safetensors_find(file, "none"));
    assert_null(hn_safetensors_text(file, "none"));
    assert_null(hn_safetensors_tensor(file, -1));
    assert_null(hn_safetensors_tensor(file, 4));
    hn_safetensors_close(file);
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_OK);
    unsigned char *second = test_file_read(path, &again_size);
    assert_int_equal(size, again_size);
    assert_memory_equal(first, second, size);
    free(first);
    free(second);
    free(path);
    test_folder_remove(folder);
}

static void empty_content_is_a_file(void **state)
{
    (void)state;
    char *folder = test_folder_create(), *path = test_path_join(folder, "a.safetensors");
    hn_safetensors_content content = {NULL, 0, NULL, 0};
    hn_safetensors *file;
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_OK);
    assert_int_equal(hn_safetensors_open(context, path, &file), HN_OK);
    assert_int_equal(hn_safetensors_count(file), 0);
    hn_safetensors_close(file);
    hn_safetensors_close(NULL);
    free(path);
    test_folder_remove(folder);
}

static unsigned char *small_file(size_t *out_size)
{
    char *folder = test_folder_create(), *path = test_path_join(folder, "a.safetensors");
    hn_safetensors_content content = small_content();
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_OK);
    unsigned char *bytes = test_file_read(path, out_size);
    free(path);
    test_folder_remove(folder);
    return bytes;
}

static void cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = small_file(&size);
    for (size_t cut = 0; cut < size; cut++) {
        hn_safetensors *file = NULL;
        unsigned char *exact = malloc(cut > 0 ? cut : 1); /* so that a read behind the end is seen */
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        assert_int_equal(hn_safetensors_parse(context, "cut", exact, cut, &file), HN_ERROR_FORMAT);
        assert_null(file);
        const char *text = hn_context_error(context)->text;
        if (strstr(text, "cut: ") != text || strlen(text) < 30) fail_msg("cut at %zu: '%s'", cut, text);
        hn_context_clear(context);
        free(exact);
    }
    free(bytes);
}

/* Reads everything that a handle gives, so that a sanitizer sees a wrong pointer. */
static unsigned touch(const hn_safetensors *file)
{
    unsigned sum = 0;
    for (int64_t i = 0; i < hn_safetensors_count(file); i++) {
        const hn_file_tensor *tensor = hn_safetensors_tensor(file, i);
        size_t size = (size_t)hn_shape_elements(tensor->shape) * hn_dtype_size(tensor->dtype);
        for (size_t k = 0; k < size; k++)
            sum += ((const unsigned char *)tensor->data)[k];
        assert_non_null(hn_safetensors_find(file, tensor->name));
    }
    return sum;
}

static void changed_header_never_crashes(void **state)
{
    (void)state;
    size_t size, accepted = 0, refused = 0;
    unsigned char *bytes = small_file(&size);
    size_t header = 8 + bytes[0] + 256u * bytes[1];
    static const unsigned char changes[] = {0x01, 0x02, 0x10, 0x20, 0x80, 0xff};
    for (size_t at = 0; at < header; at++) {
        for (size_t i = 0; i < sizeof changes; i++) {
            hn_safetensors *file = NULL;
            bytes[at] ^= changes[i];
            hn_status status = hn_safetensors_parse(context, "flip", bytes, size, &file);
            bytes[at] ^= changes[i];
            if (status == HN_OK) {
                assert_int_not_equal(touch(file), 0);
                accepted++;
            } else {
                assert_true(strlen(hn_context_error(context)->text) > 20);
                refused++;
            }
            hn_safetensors_close(file);
            hn_context_clear(context);
        }
    }
    /* Some changes give another name and are no damage; most must be seen. */
    assert_true(refused > 2 * accepted);
    free(bytes);
}

static void refuses_wrong_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_size;
        const char *words;
    } cases[] = {
        {"", 0, "line 1"},
        {"[]", 0, "header is a list"},
        {"{", 0, "line 1, column 1"},
        {"{} x", 0, "line 1, column 4"},
        {"{\"a\":1}", 0, "tensor 'a' is no object"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"a\":" ENTRY("F32", "[1]", "[4,8]") "}", 8, "duplicate"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no 'data_offsets'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4, "more than dtype"},
        {"{\"a\":" ENTRY("I64", "[1]", "[0,8]") "}", 8, "type 'I64'"},
        {"{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype that is no text"},
        {"{\"a\":" ENTRY("F32", "4", "[0,4]") "}", 4, "shape that is no list"},
        {"{\"a\":" ENTRY("F32", "[1.0]", "[0,4]") "}", 4, "no whole number"},
        {"{\"a\":" ENTRY("F32", "[-1]", "[0,4]") "}", 4, "no whole number"},
        {"{\"a\":" ENTRY("F32", "[2,0]", "[0,0]") "}", 0, "tensor 'a' has a dimension of 0"},
        {"{\"a\":" ENTRY("F32", "[1,1,1,1,1,1,1]", "[0,4]") "}", 4, "more than six dimensions"},
        {"{\"a\":" ENTRY("F32", "[4294967296,4294967296]", "[0,4]") "}", 4, "more bytes than can be counted"},
        {"{\"a\":" ENTRY("F64", "[2305843009213693952]", "[0,4]") "}", 4, "more bytes than can be counted"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0]") "}", 4, "data_offsets"},
        {"{\"a\":" ENTRY("F32", "[1]", "{\"x\":1}") "}", 4, "data_offsets"},
        {"{\"a\":" ENTRY("F32", "[1]", "[4,0]") "}", 4, "data_offsets"},
        {"{\"a\":" ENTRY("F32", "[1]", "[-4,0]") "}", 4, "data_offsets"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,99999999999999999999]") "}", 4, "too big"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,8]") "}", 8, "has 8 bytes in the file, F32 [1] needs 4"},
        {"{\"a\":" ENTRY("F32", "[1]", "[4,8]") "}", 8, "a gap"},
        {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") ",\"b\":" ENTRY("F32", "[2]", "[4,12]") "}", 12, "overlap"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"b\":" ENTRY("F32", "[1]", "[0,4]") "}", 4, "overlap"},
        {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") "}", 7, "cut short"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") "}", 5, "1 bytes stand behind"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is a list"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ 'a' is a whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(cases[i].header, cases[i].data_size, cases[i].words);
    }
}

static void refuses_wrong_lengths(void **state)
{
    (void)state;
    static const unsigned char huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
    static const unsigned char longer[10] = {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    hn_safetensors *file;
    assert_int_equal(hn_safetensors_parse(context, "m", huge, sizeof huge, &file), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(context)->text, "18446744073709551615"));
    hn_context_clear(context);
    assert_int_equal(hn_safetensors_parse(context, "m", longer, sizeof longer, &file), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(context)->text, "only 2 follow"));
    hn_context_clear(context);
    assert_int_equal(hn_safetensors_parse(context, "m", "", 0, &file), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(context)->text, "after 0 bytes"));
    hn_context_clear(context);
}

/* A header of odd length, tensors in another order than their data, all kept apart and aligned. */
static void reads_files_of_others(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes =
        build("{ \"b\":" ENTRY("F64", "[2]", "[3,19]") ",\"a\":" ENTRY("U8", "[3]", "[0,3]") "}  ", 19, &size);
    hn_safetensors *file;
    assert_int_equal(hn_safetensors_parse(context, "m", bytes, size, &file), HN_OK);
    assert_string_equal(hn_safetensors_tensor(file, 0)->name, "a");
    const hn_file_tensor *tensor = hn_safetensors_find(file, "b");
    assert_int_equal((uintptr_t)tensor->data % 8, 0);
    assert_memory_equal(tensor->data, bytes + size - 16, 16);
    hn_safetensors_close(file);
    free(bytes);
}

static void writer_refuses_nonsense(void **state)
{
    (void)state;
    char *folder = test_folder_create(), *path = test_path_join(folder, "a.safetensors");
    const struct {
        hn_file_tensor tensors[2];
        int64_t count;
        const char *words;
    } cases[] = {
        {{{"a", HN_DTYPE_F32, HN_SHAPE1(1), weights}, {"a", HN_DTYPE_F32, HN_SHAPE1(1), weights}}, 2, "two tensors"},
        {{{"__metadata__", HN_DTYPE_F32, HN_SHAPE1(1), weights}}, 1, "choose another"},
        {{{"", HN_DTYPE_F32, HN_SHAPE1(1), weights}}, 1, "no name"},
        {{{NULL, HN_DTYPE_F32, HN_SHAPE1(1), weights}}, 1, "no name"},
        {{{"a", (hn_dtype)77, HN_SHAPE1(1), weights}}, 1, "unknown element type"},
        {{{"a", HN_DTYPE_F32, HN_SHAPE1(0), weights}}, 1, "each at least 1"},
        {{{"a", HN_DTYPE_F32, {-1, {0}}, weights}}, 1, "at most six dimensions"},
        {{{"a", HN_DTYPE_F32, HN_SHAPE1(1), NULL}}, 1, "no data"},
        {{{"\xff", HN_DTYPE_F32, HN_SHAPE1(1), weights}}, 1, "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hn_safetensors_content content = {cases[i].tensors, cases[i].count, NULL, 0};
        assert_int_equal(hn_safetensors_write(context, path, &content), HN_ERROR_ARGUMENT);
        const char *text = hn_context_error(context)->text;
        if (strstr(text, cases[i].words) == NULL) fail_msg("'%s' lacks '%s'", text, cases[i].words);
        hn_context_clear(context);
    }
    const hn_file_text doubled[] = {{"a", "1"}, {"a", "2"}};
    hn_safetensors_content content = {NULL, 0, doubled, 2};
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_ERROR_ARGUMENT);
    hn_context_clear(context);
    free(path);
    test_folder_remove(folder);
}

/* Every allocation fails once: a memory error each time, nothing held, nothing left on disk. */
typedef struct failing {
    int left;
} failing;

static void *resize_until_empty(void *user, void *pointer, size_t size)
{
    failing *f = user;
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    return f->left-- > 0 ? realloc(pointer, size) : NULL;
}

static void out_of_memory_is_an_error(void **state)
{
    (void)state;
    char *folder = test_folder_create(), *path = test_path_join(folder, "a.safetensors");
    hn_safetensors_content content = small_content();
    bool is_done = false;
    int allowed = 1;
    for (; !is_done; allowed++) {
        assert_true(allowed < 100);
        failing f = {allowed};
        hn_context_options options;
        hn_context *poor;
        hn_safetensors *file = NULL;
        hn_context_options_default(&options);
        options.allocator = (hn_allocator){resize_until_empty, &f};
        assert_int_equal(hn_context_create(&options, &poor), HN_OK);
        hn_status status = hn_safetensors_write(poor, path, &content);
        if (status == HN_OK) status = hn_safetensors_open(poor, path, &file);
        is_done = status == HN_OK;
        if (!is_done) assert_int_equal(status, HN_ERROR_MEMORY);
        hn_safetensors_close(file);
        assert_int_equal(hn_context_memory(poor), 0);
        hn_context_destroy(poor);
    }
    assert_true(allowed > 8);
    free(path);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back), cmocka_unit_test(empty_content_is_a_file),
        cmocka_unit_test(cut_at_any_byte_is_refused), cmocka_unit_test(changed_header_never_crashes),
        cmocka_unit_test(refuses_wrong_headers),      cmocka_unit_test(refuses_wrong_lengths),
        cmocka_unit_test(reads_files_of_others),      cmocka_unit_test(writer_refuses_nonsense),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
