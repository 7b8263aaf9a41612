/* Bytes made visible: UTF-8 kept together, everything else a symbol; markup that no text can break. */
#include "test_support.h"

#include "app/plot/colour.h"
#include "app/plot/utf8.h"

static hni_glyph glyph_of(const char *text, size_t start)
{
    return hni_glyph_at((const unsigned char *)text, strlen(text), start);
}

static void test_glyphs_keep_sequences_together(void **state)
{
    (void)state;
    assert_int_equal(glyph_of("aé", 0).size, 1);
    assert_int_equal(glyph_of("aé", 1).size, 2);
    assert_null(glyph_of("aé", 1).symbol);
    assert_int_equal(glyph_of("日本", 0).size, 3);
    assert_int_equal(glyph_of("日本", 0).columns, 2);
    assert_int_equal(glyph_of("e\xcc\x81x", 0).size, 3); /* a mark stands on its letter */
    assert_int_equal(glyph_of("e\xcc\x81x", 0).columns, 1);
}

static void test_bytes_that_cannot_be_shown_become_symbols(void **state)
{
    (void)state;
    assert_string_equal(glyph_of("\n", 0).symbol, "↵");
    assert_true(glyph_of("\n", 0).breaks);
    assert_string_equal(glyph_of("\t", 0).symbol, "→");
    assert_false(glyph_of("\t", 0).breaks);
    const char *const bad[] = {"\x01", "\x7f", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xc2\x85", "\xe2\x80\xae"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(glyph_of(bad[i], 0).symbol, "·");
        assert_int_equal(glyph_of(bad[i], 0).columns, 1);
    }
}

/* Whatever the bytes, glyphs cover each byte once. */
static void test_glyphs_cover_any_bytes(void **state)
{
    (void)state;
    unsigned char bytes[4096];
    uint32_t number = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        number = number * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(number >> 24);
    }
    size_t at = 0;
    while (at < sizeof bytes) {
        hni_glyph glyph = hni_glyph_at(bytes, sizeof bytes, at);
        assert_true(glyph.size >= 1 && glyph.start == at);
        at += glyph.size;
    }
    assert_int_equal(at, sizeof bytes);
}

typedef void write_function(hni_text *markup);

static void assert_writes(write_function *write, const char *expected)
{
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hni_text markup = {.context = context};
    write(&markup);
    assert_int_equal(markup.status, HN_OK);
    assert_string_equal(markup.data, expected);
    hni_text_free(&markup);
    hn_context_destroy(context);
}

static void write_numbers(hni_text *markup)
{
    const double numbers[] = {0.0, 1.0, -1.5, 2.25, 2.004, -0.004, 100.0, 0.05, 1e300, 0.0 / 0.0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hni_markup_number(markup, numbers[i]);
        hni_markup_text(markup, " ");
    }
}

static void write_counts(hni_text *markup)
{
    const int64_t counts[] = {0, 999, 1000, 4911874, -1234567, -100};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        hni_markup_count(markup, counts[i]);
        hni_markup_text(markup, " ");
    }
}

static void write_escaped(hni_text *markup) { hni_markup_escaped_text(markup, "<script>\"&'\x01\xff é\n"); }

static void write_clean(hni_text *markup) { hni_markup_clean(markup, "a\0<\xe2\x80\xae>", 7); }

static void test_markup(void **state)
{
    (void)state;
    assert_writes(write_numbers, "0 1 -1.5 2.25 2 0 100 0.05 1000000000 0 ");
    assert_writes(write_counts, "0 999 1,000 4,911,874 -1,234,567 -100 ");
    assert_writes(write_escaped, "&lt;script&gt;&quot;&amp;&#39;·· é\n");
    assert_writes(write_clean, "a·<·>");
}

/* Drawings fill and draw lines in any ink; a class without a rule would not be seen. */
static void test_every_ink_fills_and_draws(void **state)
{
    hn_context *context = NULL;
    char rule[32];
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hni_text css = {.context = context};
    hni_ink_css(&css, HNI_THEME_LIGHT, NULL);
    assert_int_equal(css.status, HN_OK);
    for (int ink = 0; ink < HNI_INK_COUNT; ink++) {
        snprintf(rule, sizeof rule, ".f%d{fill:#", ink);
        assert_non_null(strstr(css.data, rule));
        snprintf(rule, sizeof rule, ".l%d{stroke:#", ink);
        assert_non_null(strstr(css.data, rule));
    }
    hni_text_free(&css);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glyphs_keep_sequences_together),
        cmocka_unit_test(test_bytes_that_cannot_be_shown_become_symbols),
        cmocka_unit_test(test_glyphs_cover_any_bytes),
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_every_ink_fills_and_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
