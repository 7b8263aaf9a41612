/* Text coloured by surprise: which ground a character gets, in each form, whatever the bytes are. */
#include <math.h>

#include "app/plot/surprise.h"
#include "test_support.h"

static int open_context(void **state) { return hn_context_create(NULL, (hn_context **)state) == HN_OK ? 0 : -1; }

static int close_context(void **state)
{
    assert_int_equal(hn_context_memory(*state), 0);
    hn_context_destroy(*state);
    return 0;
}

#define NONE ((float)NAN)

static hni_surprise surprise_of(const char *text, const float *bits)
{
    return (hni_surprise){(const unsigned char *)text, strlen(text), bits};
}

static void test_values(void **state)
{
    const float bits[] = {NONE, 2, 0.5F, NONE, NONE};
    const hni_surprise surprise = surprise_of("abcde", bits);
    (void)state;
    assert_true(isnan(hni_surprise_value(&surprise, 0, 1)));
    assert_close(hni_surprise_value(&surprise, 1, 1), 2, 0, 0);
    assert_close(hni_surprise_value(&surprise, 1, 2), 2.5, 0, 0); /* a character of two symbols */
    assert_close(hni_surprise_value(&surprise, 2, 2), 0.5, 0, 0);
    assert_true(isnan(hni_surprise_value(&surprise, 3, 2)));
}

static char *ansi_of(hn_context *context, const hni_surprise *surprise, int columns, hni_ansi ansi)
{
    hni_text text = {.context = context};
    if (hni_surprise_ansi(context, surprise, columns, ansi, &text) != HN_OK)
        fail_msg("%s", hn_context_error(context)->text);
    char *copy = strdup(text.data);
    hni_text_free(&text);
    return copy;
}

/* The ground of the dark heat scale at `share`, with the text colour that can be read on it. */
static void expect_ground(const char *text, double share, const char *behind)
{
    char escape[80];
    const hni_colour colour = hni_ink_colour(hni_ink_heat(share), true);
    snprintf(escape, sizeof escape, "\033[48;2;%d;%d;%dm%s", colour.red, colour.green, colour.blue, behind);
    if (strstr(text, escape) == NULL) fail_msg("no '%s' in '%s'", escape + 1, text);
}

static void test_terminal_colours(void **state)
{
    const float bits[] = {NONE, 0, 4, 8, 20};
    const hni_surprise surprise = surprise_of("abcde", bits);
    char *text = ansi_of(*state, &surprise, 80, HNI_ANSI_TRUE);
    expect_ground(text, (double)NAN, "\033[38;5;231ma");
    expect_ground(text, 0, "\033[38;5;231mb");
    expect_ground(text, 0.5, "\033[38;5;231mc");
    expect_ground(text, 1, "\033[38;5;16md"); /* black on bright */
    expect_ground(text, 1, "\033[38;5;16me\033[0m\n");
    assert_non_null(strstr(text, "bits  0 "));
    assert_non_null(strstr(text, " 8 or more\n"));
    free(text);
    text = ansi_of(*state, &surprise, 80, HNI_ANSI_256);
    assert_non_null(strstr(text, "\033[48;5;"));
    assert_null(strstr(text, "\033[48;2;"));
    free(text);
}

/* Without colour: no escape at all, and a line of shades under each line of text. */
static void test_terminal_shades(void **state)
{
    const float bits[] = {NONE, 0, 2, 4, 6, 0, 8, 0, 0};
    const hni_surprise surprise = surprise_of("abcde\nf\x1b[", bits);
    char *text = ansi_of(*state, &surprise, 80, HNI_ANSI_SHADES);
    assert_null(strchr(text, '\033')); /* not even the text's own */
    if (strncmp(text, "abcde↵\n? ░▒▓ \nf·[\n█  \n", strlen("abcde↵\n? ░▒▓ \nf·[\n█  \n")) != 0) fail_msg("%s", text);
    free(text);
}

static void test_terminal_wraps(void **state)
{
    const float bits[12] = {0};
    const hni_surprise surprise = surprise_of("one two thre", bits);
    char *text = ansi_of(*state, &surprise, 5, HNI_ANSI_SHADES);
    assert_memory_equal(text, "one \n    \ntwo \n    \nthre\n", 25);
    free(text);
}

static void test_page(void **state)
{
    const float bits[] = {NONE, 8, 2.126F, 0.25F, 0, 1, 0};
    const hni_surprise surprise = surprise_of("a<é\n&\xff", bits);
    hni_text html = {.context = *state};
    assert_int_equal(hni_surprise_page(&surprise, "runs/<x>", "test: 1.5 bits & more", &html), HN_OK);
    assert_non_null(strstr(html.data, "<h1>runs/&lt;x&gt;</h1>\n<p>test: 1.5 bits &amp; more</p>"));
    assert_non_null(strstr(html.data,
                           "<pre><i class=n>a</i><i class=h31 title=8>&lt;</i><i class=h9 title=2.38>é</i>"
                           "<i class=h0 title=0>↵</i>\n<i class=h4 title=1>&amp;</i><i class=h0 title=0>·</i>"
                           "</pre>"));
    assert_non_null(strstr(html.data, ".h31{background:#2c104d;color:#fff}"));
    assert_non_null(strstr(html.data, "prefers-color-scheme:dark"));
    assert_null(strstr(html.data, "http"));
    hni_text_free(&html);
}

static void test_an_empty_text(void **state)
{
    const hni_surprise surprise = surprise_of("", NULL);
    char *text = ansi_of(*state, &surprise, 80, HNI_ANSI_SHADES);
    assert_memory_equal(text, "bits", 4);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_terminal_colours),
        cmocka_unit_test(test_terminal_shades),
        cmocka_unit_test(test_terminal_wraps),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_an_empty_text),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
