/* Numbers as text: strict reading, shortest writing, round trips over many doubles, another locale's decimal comma. */
#include <locale.h>
#include <math.h>

#include "core/rng.h"
#include "core/settings.h"
#include "test_support.h"

static void test_whole_numbers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"7", 7},
        {"-12", -12},
        {"1000000", 1000000},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 99;
        if (!hni_whole_parse(good[i].text, &value)) fail_msg("'%s' was refused", good[i].text);
        assert_true(value == good[i].value);
    }
    const char *const bad[] = {"",
                               "-",
                               "+1",
                               " 1",
                               "1 ",
                               "1e3",
                               "1.0",
                               "1.",
                               "010",
                               "-01",
                               "00",
                               "0x10",
                               "1_000",
                               "ten",
                               "--1",
                               "1,000",
                               "nan",
                               "inf",
                               "\n1",
                               "1\n",
                               "1a",
                               "a1",
                               "9223372036854775808",
                               "-9223372036854775809",
                               "18446744073709551616",
                               "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 99;
        if (hni_whole_parse(bad[i], &value)) fail_msg("'%s' was taken for a whole number", bad[i]);
        assert_true(value == 99);
    }
}

static void test_decimal_numbers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},          {"1", 1},
        {"-2.5", -2.5},    {".5", 0.5},
        {"5.", 5},         {"1e-8", 1e-8},
        {"1.0e-08", 1e-8}, {"1.5E+3", 1500},
        {"0.1", 0.1},      {"0.0", 0},
        {"1e308", 1e308},  {"4.9e-324", 4.9e-324},
        {"0e999", 0},      {"100000000000000000000000000000000", 1e32},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = 99;
        if (!hni_number_parse(good[i].text, &value)) fail_msg("'%s' was refused", good[i].text);
        assert_close(value, good[i].value, 0, 0);
    }
    const char *const bad[] = {"",      ".",     "-",      "-.",     "e3",    "1e",      "1e+",   "+1",   " 1",
                               "1 ",    "0.1x",  "1..2",   "1.2.3",  "nan",   "NaN",     "inf",   "-inf", ".inf",
                               ".nan",  "1e400", "-1e400", "1e-400", "010",   "00.5",    "0x1p3", "0x10", "1,5",
                               "1e3.5", "1d3",   "1 000",  "--1",    "1e--3", "infinity"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = 99;
        if (hni_number_parse(bad[i], &value)) fail_msg("'%s' was taken for a number", bad[i]);
        assert_close(value, 99, 0, 0);
    }
    char endless[4000];
    memset(endless, '1', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    double value;
    assert_false(hni_number_parse(endless, &value));
}

static void test_shortest_text(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {1, "1.0"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},
        {1e-8, "1.0e-08"},
        {1e6, "1.0e+06"},
        {20, "20.0"},
        {1000, "1000.0"},
        {0.9, "0.9"},
        {1.5e-7, "1.5e-07"},
        {0.001, "0.001"},
        {0.0001, "0.0001"},
        {1e100, "1.0e+100"},
        {123456789, "123456789.0"},
        {0.1 + 0.2, "0.30000000000000004"},
        {-0.0, "-0.0"},
    };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(hni_number_print(cases[i].value, text, sizeof text), cases[i].text);
    assert_string_equal(hni_number_print((double)NAN, text, sizeof text), "nan");
    assert_string_equal(hni_number_print((double)INFINITY, text, sizeof text), "inf");
    assert_string_equal(hni_number_print((double)-INFINITY, text, sizeof text), "-inf");
    assert_string_equal(hni_number_print(0.125, text, 4), "0.1");
    assert_ptr_equal(hni_number_print(0.125, text, 0), text);
}

static void check_round_trip(double value)
{
    char text[64];
    double back = 0;
    (void)hni_number_print(value, text, sizeof text);
    if (!hni_number_parse(text, &back) || memcmp(&back, &value, sizeof value) != 0)
        fail_msg("%a was written as '%s' and came back as %a", value, text, back);
    const char *point = strchr(text, '.'), *exponent = strchr(text, 'e');
    if (point == NULL || (exponent != NULL && (exponent < point || (exponent[1] != '-' && exponent[1] != '+'))))
        fail_msg("'%s' is not a number to every YAML reader", text);
}

/* All bit patterns alike, then the short decimals that people write. */
static void test_round_trips(void **state)
{
    (void)state;
    const hni_rng_key key = {.seed = 5};
    for (uint64_t i = 0; i < 20000; i++) {
        const uint64_t bits = (uint64_t)hni_rng_word(&key, 2 * i) << 32 | hni_rng_word(&key, 2 * i + 1);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) check_round_trip(value);
        check_round_trip(hni_rng_uniform(&key, i));
    }
    for (int digits = 0; digits < 1000; digits++)
        for (int power = -10; power <= 10; power++)
            check_round_trip(digits * pow(10, power));
    const double ends[] = {2.2250738585072014e-308, 1.7976931348623157e308, 5e-324, -5e-324, 2.2250738585072009e-308};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        check_round_trip(ends[i]);
}

/* A program around the library may have set a locale with a decimal comma. */
static void test_decimal_comma(void **state)
{
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "de_DE", "nl_NL.utf8"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL && strcmp(localeconv()->decimal_point, ",") == 0;
    if (!found) {
        (void)fprintf(stderr, "test_decimal_comma is left out: no locale with a decimal comma is installed\n");
        skip();
    }
    char text[64];
    double value = 0;
    (void)hni_number_print(0.25, text, sizeof text);
    const bool read = hni_number_parse("2.5e-3", &value), read_comma = hni_number_parse("2,5", &value);
    (void)setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "0.25");
    assert_true(read);
    assert_false(read_comma);
    assert_close(value, 2.5e-3, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers), cmocka_unit_test(test_decimal_numbers),
        cmocka_unit_test(test_shortest_text), cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_decimal_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
