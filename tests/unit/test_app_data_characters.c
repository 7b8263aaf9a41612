/* Text read as UTF-8 characters: parts, rows, the width in which they are kept, and what is refused. */
#include "app/data/text.h"
#include "io/text.h"
#include "test_support.h"

/* 20 characters in 29 bytes, 5 distinct. */
#define LINE                \
    "a\xC3\xA9\xE2\x82\xAC" \
    "ba\xC3\xA9"            \
    "aba\n"
#define TEXT LINE LINE

typedef struct fixture {
    hn_context *context;
    char *folder;
    hni_text_settings settings;
} fixture;

static void put(const fixture *f, const void *bytes, size_t size)
{
    char *path = test_path_join(f->folder, "text.txt");
    test_file_write(path, bytes, size);
    free(path);
}

static void set_up(fixture *f, const char *text, size_t size)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(hn_context_create(NULL, &f->context), HN_OK);
    f->folder = test_folder_create();
    put(f, text, size);
    hni_settings_default(hni_text_settings_table(), &f->settings);
    char *path = test_path_join(f->folder, "text.txt");
    snprintf(f->settings.path, sizeof f->settings.path, "%s", path);
    free(path);
    f->settings.kind = HNI_TEXT_KIND_CHARACTERS;
    f->settings.batch = f->settings.length = 2;
    f->settings.valid_fraction = f->settings.test_fraction = 0.1;
}

static void tear_down(fixture *f)
{
    assert_int_equal(hn_context_memory(f->context), 0);
    hn_context_destroy(f->context);
    test_folder_remove(f->folder);
}

static hni_text_data *open_text(const fixture *f)
{
    const hni_text_source source = {.places = NULL};
    hni_text_data *text = NULL;
    if (hni_text_open(f->context, &f->settings, &source, &text) != HN_OK)
        fail_msg("%s", hn_context_error(f->context)->text);
    return text;
}

static void assert_refused(const fixture *f, const hni_text_source *source, const char *words)
{
    const hni_text_source recipe = {.places = NULL};
    hni_text_data *text = NULL;
    assert_int_not_equal(hni_text_open(f->context, &f->settings, source != NULL ? source : &recipe, &text), HN_OK);
    assert_null(text);
    if (strstr(hn_context_error(f->context)->text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, hn_context_error(f->context)->text);
    hn_context_clear(f->context);
}

static void parts_are_cut_between_characters(void **state)
{
    static const int rows[] = {1, 3, 4, 2, 1, 3, 1, 2, 1, 0};
    fixture f;
    size_t size;
    (void)state;
    set_up(&f, TEXT, strlen(TEXT));
    hni_text_data *text = open_text(&f);
    assert_int_equal(text->count[HNI_TEXT_ALL], 20);
    assert_int_equal(text->count[HNI_TEXT_TRAIN], 16);
    assert_int_equal(text->count[HNI_TEXT_VALID], 2);
    assert_int_equal(text->start[HNI_TEXT_TEST], 18);
    assert_memory_equal(hni_vocabulary_text(text->vocabulary, &size), "\nab\xC3\xA9\xE2\x82\xAC", 8);
    assert_non_null(text->symbols);
    for (int i = 0; i < 20; i++)
        assert_int_equal(hni_text_row(text, i), rows[i % 10]);
    hni_text_close(text);
    tear_down(&f);
}

/* The checksum is of the same bytes, with the parts' sizes in bytes: one character moved from one part to the next is seen. */
static void checksum_is_of_the_bytes(void **state)
{
    fixture f;
    char first[65];
    (void)state;
    set_up(&f, TEXT, strlen(TEXT));
    hni_text_data *text = open_text(&f);
    memcpy(first, text->checksum, sizeof first);
    hni_text_close(text);
    f.settings.vocabulary_size = 5;
    text = open_text(&f);
    assert_string_equal(text->checksum, first);
    hni_text_close(text);
    f.settings.valid_fraction = 0.15;
    text = open_text(&f);
    assert_string_not_equal(text->checksum, first);
    hni_text_close(text);
    tear_down(&f);
}

static void vocabulary_size_is_a_limit_or_what_occurs(void **state)
{
    fixture f;
    (void)state;
    set_up(&f, TEXT, strlen(TEXT));
    f.settings.vocabulary_size = 4;
    assert_refused(&f, NULL, "is 4, but");
    assert_refused(&f, NULL, "5 distinct symbols: raise it to 5, or set it to 0");
    f.settings.vocabulary_size = 0;
    hni_text_data *text = open_text(&f);
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 5);
    hni_text_close(text);
    f.settings.kind = HNI_TEXT_KIND_BYTES;
    text = open_text(&f); /* 0 with bytes: not all 256 */
    assert_int_equal(hn_vocabulary_count(text->vocabulary), 8);
    hni_text_close(text);
    f.settings.vocabulary_size = 257;
    assert_refused(&f, NULL, "data.vocabulary_size: is 257, but data.kind is bytes, of which there are 256");
    tear_down(&f);
}

/* 400 characters of three bytes, each twice: more rows than a byte can say. */
static void many_rows_are_kept_wider(void **state)
{
    fixture f;
    uint8_t bytes[2400];
    (void)state;
    for (uint32_t i = 0; i < 800; i++)
        (void)hni_utf8_write(0x4E00 + i % 400, bytes + (size_t)(3 * i));
    set_up(&f, (const char *)bytes, sizeof bytes);
    f.settings.vocabulary_size = 0;
    hni_text_data *text = open_text(&f);
    assert_null(text->symbols);
    assert_non_null(text->wide);
    for (int i = 0; i < 800; i++)
        assert_int_equal(hni_text_row(text, i), i % 400);
    hni_text_close(text);
    tear_down(&f);
}

static void refuses_what_is_no_utf8(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"one\ntwo\nthr\xE9\x65 four five six\n", "byte 12 (0xE9, line 3) begins no UTF-8"},
        {"0123456789abcdef\xC3", "byte 17 (0xC3, line 1)"}, /* cut off */
        {"\xC0\xAF"
         "0123456789abcdef",
         "byte 1 (0xC0, line 1)"},                                  /* overlong */
        {"0123456789abcdef\xED\xA0\x80", "byte 17 (0xED, line 1)"}, /* half of a surrogate pair */
        {"0123456789\xF5\x80\x80\x80", "byte 11 (0xF5, line 1)"},   /* above U+10FFFF */
    };
    fixture f;
    (void)state;
    set_up(&f, TEXT, strlen(TEXT));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(&f, cases[i].text, strlen(cases[i].text));
        assert_refused(&f, NULL, cases[i].words);
        assert_refused(&f, NULL, "text.txt: ");
        assert_refused(&f, NULL, "iconv");
    }
    tear_down(&f);
}

static void a_trained_model_says_what_its_symbols_are(void **state)
{
    fixture f;
    hn_vocabulary *vocabulary = NULL;
    hni_text_data *text = NULL;
    (void)state;
    set_up(&f, TEXT, strlen(TEXT));
    f.settings.kind = HNI_TEXT_KIND_BYTES; /* the vocabulary knows better */
    assert_int_equal(hni_vocabulary_create(f.context, HN_SYMBOL_CHARACTER, "\nab\xC3\xA9\xE2\x82\xAC", 8, &vocabulary),
                     HN_OK);
    hni_text_source source = {.vocabulary = vocabulary, .file = f.settings.path};
    assert_int_equal(hni_text_open(f.context, &f.settings, &source, &text), HN_OK);
    assert_int_equal(text->count[HNI_TEXT_ALL], 20);
    assert_ptr_equal(text->vocabulary, vocabulary);
    hni_text_close(text);
    hni_vocabulary_destroy(vocabulary);
    assert_int_equal(hni_vocabulary_create(f.context, HN_SYMBOL_CHARACTER, "\nab\xC3\xA9", 5, &vocabulary), HN_OK);
    source.vocabulary = vocabulary;
    assert_refused(&f, &source, "character 3 is '\xE2\x82\xAC', which is not among the 4 symbols");
    hni_vocabulary_destroy(vocabulary);
    tear_down(&f);
}

static void symbols_in_messages(void **state)
{
    static const struct {
        const char *symbol, *wanted;
    } cases[] = {
        {"a", "'a'"},          {"\xC3\xA9", "'\xC3\xA9'"},       {" ", "byte 0x20"}, {"\x7F", "byte 0x7F"},
        {"\xE2", "byte 0xE2"}, {"\xC2\x85", "character U+0085"}, /* a control character of two bytes */
    };
    char shown[HNI_SYMBOL_PRINT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(hni_symbol_print(cases[i].symbol, strlen(cases[i].symbol), shown, sizeof shown),
                            cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_cut_between_characters),
        cmocka_unit_test(checksum_is_of_the_bytes),
        cmocka_unit_test(vocabulary_size_is_a_limit_or_what_occurs),
        cmocka_unit_test(many_rows_are_kept_wider),
        cmocka_unit_test(refuses_what_is_no_utf8),
        cmocka_unit_test(a_trained_model_says_what_its_symbols_are),
        cmocka_unit_test(symbols_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
