/* JSON and settings as JSON: strict both ways, with the nearest right key in the message. */
#include <math.h>

#include "core/alloc.h"
#include "io/json.h"
#include "io/settings_json.h"
#include "test_support.h"

typedef struct cell {
    bool has_norm;
    int64_t units;
    int layers, kind;
    double bias;
    char label[16];
} cell;

static const char *const kinds[] = {"lstm", "hyperlstm", NULL};
static const hni_setting rows[] = {
    HNI_SETTING_BOOL("layer_norm", cell, has_norm, true, "norm"),
    HNI_SETTING_INTEGER("units", cell, units, 1, 9e18, 256, "units"),
    HNI_SETTING_INT("layers", cell, layers, 1, 16, 1, "layers"),
    HNI_SETTING_CHOICE("cell", cell, kind, kinds, "lstm", "kind"),
    HNI_SETTING_NUMBER("bias", cell, bias, -10, 10, 1e-8, "bias"),
    HNI_SETTING_TEXT("label", cell, label, "a", "label"),
};
static const hni_settings table = HNI_SETTINGS("model", rows);

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

static void settings_go_there_and_back(void **state)
{
    (void)state;
    cell first = {true, 1000, 2, 1, 0.1, "say \"\xc3\xa9\"\n"}, second;
    char *text, *again;
    memset(&second, 0, sizeof second);
    assert_int_equal(hni_settings_to_json(context, &table, &first, &text), HN_OK);
    assert_string_equal(text, "{\"layer_norm\":true,\"units\":1000,\"layers\":2,\"cell\":\"hyperlstm\",\"bias\":0.1,"
                              "\"label\":\"say \\\"\xc3\xa9\\\"\\n\"}");
    assert_int_equal(hni_settings_from_json(context, "f", &table, text, &second), HN_OK);
    assert_int_equal(hni_settings_to_json(context, &table, &second, &again), HN_OK);
    assert_string_equal(text, again);
    assert_close(second.bias, 0.1, 0, 0);
    hni_free(context, text);
    hni_free(context, again);
    first.bias = nan("");
    assert_int_equal(hni_settings_to_json(context, &table, &first, &text), HN_ERROR_ARGUMENT);
    hn_context_clear(context);
    first.bias = 0;
    first.label[0] = '\xff';
    assert_int_equal(hni_settings_to_json(context, &table, &first, &text), HN_ERROR_ARGUMENT);
    assert_null(text);
    assert_non_null(strstr(hn_context_error(context)->text, "label: byte 1 is not UTF-8"));
    hn_context_clear(context);
}

static void what_is_missing_stays(void **state)
{
    (void)state;
    cell value;
    hni_settings_default(&table, &value);
    assert_int_equal(hni_settings_from_json(context, "f", &table, "{\"units\":7,\"bias\":2}", &value), HN_OK);
    assert_int_equal(value.units, 7);
    assert_close(value.bias, 2, 0, 0);
    assert_int_equal(value.layers, 1);
    assert_true(value.has_norm);
    assert_int_equal(hni_settings_from_json(context, "f", &table, " {} ", &value), HN_OK);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"unit\":7}", "a.safetensors: unknown key 'model.unit', did you mean 'units'?"},
        {"{\"something\":7}", "a.safetensors: unknown key 'model.something'"},
        {"{\"units\":7,\"units\":8}", "duplicate object key"},
        {"{\"units\":7.0}", "model.units is a number with a point or an exponent, it must be a whole number"},
        {"{\"units\":\"7\"}", "model.units is a text, it must be a whole number"},
        {"{\"units\":0}", "model.units: needs a whole number from 1"},
        {"{\"units\":99999999999999999999}", "too big integer"},
        {"{\"layers\":17}", "model.layers: needs a whole number from 1 to 16"},
        {"{\"layer_norm\":1}", "model.layer_norm is a whole number, it must be true or false"},
        {"{\"cell\":1}", "model.cell is a whole number, it must be a text"},
        {"{\"cell\":\"lstn\"}", "did you mean 'lstm'?"},
        {"{\"bias\":null}", "model.bias is null, it must be a number"},
        {"{\"bias\":[1]}", "model.bias is a list"},
        {"{\"bias\":{}}", "model.bias is an object"},
        {"{\"bias\":11}", "model.bias: needs a number from -10.0 to 10.0"},
        {"{\"bias\":1e400}", "real number overflow"},
        {"{\"label\":\"0123456789abcdef\"}", "model.label: takes at most 15 bytes"},
        {"{\"label\":\"\\u0000\"}", "\\u0000"},
        {"[]", "model settings are a list, they must be an object"},
        {"7", "model settings are a whole number"},
        {"", "line 1, column 0"},
        {"{", "line 1, column 1"},
        {"{}\n{}", "line 2, column 1: end of file expected"},
        {"{\"label\":\"\xff\"}", "unable to decode byte 0xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cell value;
        hni_settings_default(&table, &value);
        if (hni_settings_from_json(context, "a.safetensors", &table, cases[i].text, &value) == HN_OK) {
            fail_msg("accepted: %s", cases[i].text);
        }
        const char *text = hn_context_error(context)->text;
        if (strstr(text, cases[i].message) == NULL) fail_msg("'%s' lacks '%s'", text, cases[i].message);
        hn_context_clear(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_go_there_and_back),
        cmocka_unit_test(what_is_missing_stays),
        cmocka_unit_test(wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
