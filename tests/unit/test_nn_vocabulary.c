/* The symbols of a model, both ways, and the lists that a checkpoint may not hold. */
#include "io/text.h"
#include "nn/vocabulary.h"
#include "test_support.h"

static hn_context *new_context(void)
{
    hn_context *context;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    return context;
}

static void end_context(hn_context *context)
{
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static hn_vocabulary *make(hn_context *context, hn_symbol_kind kind, const char *text, size_t size)
{
    hn_vocabulary *vocabulary = NULL;
    if (hni_vocabulary_create(context, kind, text, size, &vocabulary) != HN_OK)
        fail_msg("%s", hn_context_error(context)->text);
    return vocabulary;
}

static void assert_symbol(const hn_vocabulary *vocabulary, int64_t row, const char *wanted)
{
    size_t size, used;
    const char *bytes = hn_vocabulary_symbol(vocabulary, row, &size);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(bytes, wanted, size);
    assert_int_equal(hn_vocabulary_find(vocabulary, wanted, size, &used), row);
    assert_int_equal(used, size);
}

static void bytes_may_stand_in_any_order(void **state)
{
    hn_context *context = new_context();
    hn_vocabulary *vocabulary = make(context, HN_SYMBOL_BYTE,
                                     "z\xE2"
                                     "a",
                                     3);
    size_t size;
    (void)state;
    assert_int_equal(hn_vocabulary_count(vocabulary), 3);
    assert_symbol(vocabulary, 0, "z");
    assert_symbol(vocabulary, 1, "\xE2");
    assert_symbol(vocabulary, 2, "a");
    assert_int_equal(hn_vocabulary_find(vocabulary, "b", 1, &size), -1);
    assert_int_equal(size, 1);
    assert_null(hn_vocabulary_symbol(vocabulary, 3, &size));
    assert_int_equal(size, 0);
    assert_null(hn_vocabulary_symbol(vocabulary, -1, &size));
    hni_vocabulary_destroy(vocabulary);
    end_context(context);
}

/* One, two, three and four bytes; below and above what the table holds. */
static void characters_are_found_both_ways(void **state)
{
    hn_context *context = new_context();
    static const char all[] = "\n a\xC3\xA9\xC4\x80\xE2\x82\xAC\xEF\xBF\xBD\xF0\x9F\x98\x80";
    hn_vocabulary *vocabulary = make(context, HN_SYMBOL_CHARACTER, all, sizeof all - 1);
    size_t used;
    (void)state;
    assert_int_equal(hn_vocabulary_count(vocabulary), 8);
    assert_symbol(vocabulary, 0, "\n");
    assert_symbol(vocabulary, 2, "a");
    assert_symbol(vocabulary, 3, "\xC3\xA9");
    assert_symbol(vocabulary, 4, "\xC4\x80");
    assert_symbol(vocabulary, 5, "\xE2\x82\xAC");
    assert_symbol(vocabulary, 7, "\xF0\x9F\x98\x80");
    assert_int_equal(hn_vocabulary_find(vocabulary, "\xE2\x82\xACuro", 6, &used), 5);
    assert_int_equal(used, 3);
    assert_int_equal(hn_vocabulary_find(vocabulary, "\xE2\x82\xAD", 3, &used), -1); /* another character */
    assert_int_equal(used, 3);
    assert_int_equal(hn_vocabulary_find(vocabulary, "\xF4\x8F\xBF\xBF", 4, &used), -1); /* behind the last */
    assert_int_equal(hn_vocabulary_find(vocabulary, "\xE2\x82", 2, &used), -1);         /* cut off */
    assert_int_equal(used, 0);
    assert_int_equal(hn_vocabulary_find(vocabulary, "", 0, &used), -1);
    assert_int_equal(used, 0);
    hni_vocabulary_destroy(vocabulary);
    end_context(context);
}

static void refuses_damaged_lists(void **state)
{
    static const struct {
        hn_symbol_kind kind;
        const char *text, *words;
    } cases[] = {
        {HN_SYMBOL_BYTE, "", "no symbol"},
        {HN_SYMBOL_BYTE, "aba", "symbol 97 in row 2, which an earlier row has"},
        {HN_SYMBOL_CHARACTER, "", "no symbol"},
        {HN_SYMBOL_CHARACTER, "a\xC3", "not UTF-8 at byte 2"},
        {HN_SYMBOL_CHARACTER, "a\xC0\xAF", "not UTF-8 at byte 2"},
        {HN_SYMBOL_CHARACTER, "\xED\xA0\x80", "not UTF-8 at byte 1"},
        {HN_SYMBOL_CHARACTER, "ba", "symbol 97 in row 1, where the codes have to rise"},
        {HN_SYMBOL_CHARACTER, "a\xC3\xA9\xC3\xA9", "symbol 233 in row 2"},
    };
    hn_context *context = new_context();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hn_vocabulary *vocabulary = NULL;
        assert_int_equal(
            hni_vocabulary_create(context, cases[i].kind, cases[i].text, strlen(cases[i].text), &vocabulary),
            HN_ERROR_FORMAT);
        assert_null(vocabulary);
        if (strstr(hn_context_error(context)->text, cases[i].words) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].words, hn_context_error(context)->text);
        hn_context_clear(context);
    }
    end_context(context);
}

/* Every code point that UTF-8 can write comes back, in as many bytes as its size says. */
static void utf8_goes_both_ways(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint8_t bytes[4];
        if (code >= 0xD800 && code < 0xE000) continue;
        const size_t size = hni_utf8_write(code, bytes);
        if (hni_utf8_length(bytes, size) != size || hni_utf8_code(bytes, size) != code) fail_msg("U+%04X", code);
    }
}

static void equal_means_kind_and_rows(void **state)
{
    hn_context *context = new_context();
    hn_vocabulary *a = make(context, HN_SYMBOL_BYTE, "ab", 2), *b = make(context, HN_SYMBOL_BYTE, "ba", 2);
    hn_vocabulary *c = make(context, HN_SYMBOL_CHARACTER, "ab", 2), *d = make(context, HN_SYMBOL_BYTE, "ab", 2);
    (void)state;
    assert_true(hni_vocabulary_equal(a, d));
    assert_false(hni_vocabulary_equal(a, b));
    assert_false(hni_vocabulary_equal(a, c));
    hni_vocabulary_destroy(a);
    hni_vocabulary_destroy(b);
    hni_vocabulary_destroy(c);
    hni_vocabulary_destroy(d);
    end_context(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_may_stand_in_any_order), cmocka_unit_test(characters_are_found_both_ways),
        cmocka_unit_test(refuses_damaged_lists),        cmocka_unit_test(utf8_goes_both_ways),
        cmocka_unit_test(equal_means_kind_and_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
