/* Settings: a table with a row of every kind; defaults, reading, writing, ranges, near misses, values from C code. */
#include <math.h>

#include "core/settings.h"
#include "test_support.h"

typedef enum cell_kind { CELL_LSTM, CELL_RNN, CELL_HYPER_LSTM } cell_kind;

typedef struct model {
    int64_t units;
    double keep;
    cell_kind cell;
    bool layer_norm;
    int layers;
    char path[8];
    int64_t seed;
} model;

static const char *const cell_words[] = {"lstm", "rnn", "hyperlstm", NULL};

static const hni_setting rows[] = {
    HNI_SETTING_INTEGER("units", model, units, 1, 65536, 256, "units of the main cell"),
    HNI_SETTING_NUMBER("keep", model, keep, 1e-3, 1, 0.9, "share of inputs kept"),
    HNI_SETTING_CHOICE("cell", model, cell, cell_words, "hyperlstm", "kind of recurrent cell"),
    HNI_SETTING_BOOL("layer_norm", model, layer_norm, true, "normalise the gates"),
    HNI_SETTING_INT("layers", model, layers, -2, 8, 1, "how many"),
    HNI_SETTING_TEXT("path", model, path, "a.txt", "where the text lies"),
    HNI_SETTING_INTEGER("seed", model, seed, 0, 0x1p63, 1, "seed"),
};
static const hni_settings table = HNI_SETTINGS("model", rows);

static int set_up(void **state)
{
    hn_context *context = NULL;
    if (hn_context_create(NULL, &context) != HN_OK) return -1;
    *state = context;
    return 0;
}

static int tear_down(void **state)
{
    hn_context_destroy(*state);
    return 0;
}

static hn_status parse(hn_context *context, const char *name, const char *text, model *m)
{
    const hni_setting *row = hni_settings_find(&table, name);
    assert_non_null(row);
    return hni_setting_parse(context, "r.yaml:4:3", &table, row, text, m);
}

static void check_printed(const model *m, const char *name, const char *expected)
{
    char text[64];
    assert_string_equal(hni_setting_print(hni_settings_find(&table, name), m, text, sizeof text), expected);
}

static void test_defaults(void **state)
{
    model m;
    memset(&m, 0xFF, sizeof m);
    hni_settings_default(&table, &m);
    assert_int_equal(m.units, 256);
    assert_close(m.keep, 0.9, 0, 0);
    assert_int_equal(m.cell, CELL_HYPER_LSTM);
    assert_true(m.layer_norm);
    assert_int_equal(m.layers, 1);
    assert_string_equal(m.path, "a.txt");
    assert_int_equal(hni_settings_check(*state, "", &table, &m), HN_OK);
    assert_ptr_equal(hni_settings_find(&table, "keep"), &rows[1]);
    assert_null(hni_settings_find(&table, "Keep"));
    assert_null(hni_settings_find(&table, ""));
}

static void test_every_kind_is_read_and_written(void **state)
{
    const struct {
        const char *name, *text, *printed;
    } cases[] = {
        {"units", "1", "1"},
        {"units", "65536", "65536"},
        {"keep", "1", "1.0"},
        {"keep", "1e-3", "0.001"},
        {"keep", ".25", "0.25"},
        {"cell", "lstm", "lstm"},
        {"cell", "rnn", "rnn"},
        {"layer_norm", "false", "false"},
        {"layer_norm", "true", "true"},
        {"layers", "-2", "-2"},
        {"layers", "8", "8"},
        {"path", "", ""},
        {"path", "1234567", "1234567"},
        {"seed", "9223372036854775807", "9223372036854775807"},
    };
    model m;
    hni_settings_default(&table, &m);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(*state, cases[i].name, cases[i].text, &m), HN_OK);
        check_printed(&m, cases[i].name, cases[i].printed);
        assert_int_equal(parse(*state, cases[i].name, cases[i].printed, &m), HN_OK);
        assert_int_equal(hni_settings_check(*state, NULL, &table, &m), HN_OK);
    }
    assert_int_equal(m.units, 65536);
    assert_close(m.keep, 0.25, 0, 0);
    assert_int_equal(m.cell, CELL_RNN);
    assert_true(m.layer_norm);
    assert_int_equal(m.layers, 8);
    assert_string_equal(m.path, "1234567");
    assert_true(m.seed == INT64_MAX);
}

static void test_wrong_values_are_refused_and_change_nothing(void **state)
{
    const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"units", "0", "r.yaml:4:3: model.units: needs a whole number from 1 to 65536, not '0'"},
        {"units", "65537", "r.yaml:4:3: model.units: needs a whole number from 1 to 65536, not '65537'"},
        {"units", "1e3", "r.yaml:4:3: model.units: needs a whole number from 1 to 65536, not '1e3'"},
        {"units", "0100", "r.yaml:4:3: model.units: needs a whole number from 1 to 65536, not '0100'"},
        {"units", "12x", "r.yaml:4:3: model.units: needs a whole number from 1 to 65536, not '12x'"},
        {"units", "", "r.yaml:4:3: model.units: needs a whole number from 1 to 65536, not ''"},
        {"layers", "-3", "r.yaml:4:3: model.layers: needs a whole number from -2 to 8, not '-3'"},
        {"layers", "4294967296", "r.yaml:4:3: model.layers: needs a whole number from -2 to 8, not '4294967296'"},
        {"seed", "-1", "r.yaml:4:3: model.seed: needs a whole number from 0 to 9223372036854775807, not '-1'"},
        {"keep", "0", "r.yaml:4:3: model.keep: needs a number from 0.001 to 1.0, not '0'"},
        {"keep", "1.0001", "r.yaml:4:3: model.keep: needs a number from 0.001 to 1.0, not '1.0001'"},
        {"keep", "nan", "r.yaml:4:3: model.keep: needs a number from 0.001 to 1.0, not 'nan'"},
        {"keep", "0.1x", "r.yaml:4:3: model.keep: needs a number from 0.001 to 1.0, not '0.1x'"},
        {"layer_norm", "maybe", "r.yaml:4:3: model.layer_norm: needs true or false, not 'maybe'"},
        {"layer_norm", "True", "r.yaml:4:3: model.layer_norm: needs true or false, not 'True'"},
        {"layer_norm", "1", "r.yaml:4:3: model.layer_norm: needs true or false, not '1'"},
        {"cell", "lsmt", "r.yaml:4:3: model.cell: needs one of lstm, rnn, hyperlstm, not 'lsmt'; did you mean 'lstm'?"},
        {"cell", "LSTM", "r.yaml:4:3: model.cell: needs one of lstm, rnn, hyperlstm, not 'LSTM'; did you mean 'lstm'?"},
        {"cell", "transformer", "r.yaml:4:3: model.cell: needs one of lstm, rnn, hyperlstm, not 'transformer'"},
        {"cell", "", "r.yaml:4:3: model.cell: needs one of lstm, rnn, hyperlstm, not ''"},
        {"path", "12345678", "r.yaml:4:3: model.path: takes at most 7 bytes of text, not 8"},
    };
    hn_context *context = *state;
    model before, m;
    memset(&m, 0, sizeof m);
    hni_settings_default(&table, &m);
    before = m;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hn_context_clear(context);
        assert_int_equal(parse(context, cases[i].name, cases[i].text, &m), HN_ERROR_ARGUMENT);
        assert_string_equal(hn_context_error(context)->text, cases[i].message);
        for (size_t k = 0; k < table.count; k++) {
            char was[64], is[64];
            assert_string_equal(hni_setting_print(&rows[k], &m, is, sizeof is),
                                hni_setting_print(&rows[k], &before, was, sizeof was));
        }
    }
}

static void test_long_values_and_places_are_cut(void **state)
{
    hn_context *context = *state;
    char text[5000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    model m;
    hni_settings_default(&table, &m);
    for (size_t i = 0; i < table.count; i++) {
        hn_context_clear(context);
        assert_int_equal(hni_setting_parse(context, NULL, &table, &rows[i], text, &m), HN_ERROR_ARGUMENT);
        const char *message = hn_context_error(context)->text;
        assert_true(strlen(message) < 200);
        assert_memory_equal(message, "model.", 6);
    }
    hn_context_clear(context);
    assert_int_equal(hni_setting_parse(context, text, &table, &rows[0], "0", &m), HN_ERROR_ARGUMENT);
    assert_non_null(
        strstr(hn_context_error(context)->text, "xxx: model.units: needs a whole number from 1 to 65536, not '0'"));
    assert_null(hni_nearest_word(cell_words, text));
}

static void test_near_misses(void **state)
{
    (void)state;
    const struct {
        const char *typed, *meant;
    } cases[] = {
        {"unit", "units"},
        {"unitss", "units"},
        {"untis", "units"},
        {"uints", "units"},
        {"UNITS", "units"},
        {"kep", "keep"},
        {"layer-norm", "layer_norm"},
        {"layernorm", "layer_norm"},
        {"layer", "layers"},
        {"lyaers", "layers"},
        {"hyper", NULL},
        {"", NULL},
        {"x", NULL},
        {"abcdefgh", NULL},
        {"pat", "path"},
        {"pa", "path"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = hni_settings_nearest(&table, cases[i].typed);
        if (cases[i].meant == NULL) {
            if (nearest != NULL) fail_msg("'%s' was taken for '%s'", cases[i].typed, nearest);
        } else {
            if (nearest == NULL) fail_msg("nothing near '%s'", cases[i].typed);
            assert_string_equal(nearest, cases[i].meant);
        }
    }
    assert_string_equal(hni_nearest_word(cell_words, "hyperlstn"), "hyperlstm");
    assert_string_equal(hni_nearest_word(cell_words, "rn"), "rnn");
    assert_null(hni_nearest_word(cell_words, "gru"));
}

static void check_refused(hn_context *context, const model *m, const char *message)
{
    hn_context_clear(context);
    assert_int_equal(hni_settings_check(context, "hn_cell", &table, m), HN_ERROR_ARGUMENT);
    assert_string_equal(hn_context_error(context)->text, message);
}

static void test_values_from_code_are_checked(void **state)
{
    model good, m;
    hni_settings_default(&table, &good);
    m = good;
    m.units = 0;
    check_refused(*state, &m, "hn_cell: model.units: needs a whole number from 1 to 65536, not 0");
    m = good;
    m.layers = 9;
    check_refused(*state, &m, "hn_cell: model.layers: needs a whole number from -2 to 8, not 9");
    m = good;
    m.keep = (double)NAN;
    check_refused(*state, &m, "hn_cell: model.keep: needs a number from 0.001 to 1.0, not nan");
    m.keep = (double)INFINITY;
    check_refused(*state, &m, "hn_cell: model.keep: needs a number from 0.001 to 1.0, not inf");
    m.keep = -0.5;
    check_refused(*state, &m, "hn_cell: model.keep: needs a number from 0.001 to 1.0, not -0.5");
    m = good;
    m.cell = (cell_kind)3;
    check_refused(*state, &m, "hn_cell: model.cell: 3 is none of its 3 choices");
    m = good;
    memset(m.path, 'x', sizeof m.path);
    check_refused(*state, &m, "hn_cell: model.path: the text does not end within its 8 bytes");
    m = good;
    memset(&m.layer_norm, 7, sizeof m.layer_norm);
    check_refused(*state, &m, "hn_cell: model.layer_norm: needs true or false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_kind_is_read_and_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_values_are_refused_and_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_values_and_places_are_cut, set_up, tear_down),
        cmocka_unit_test(test_near_misses),
        cmocka_unit_test_setup_teardown(test_values_from_code_are_checked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
