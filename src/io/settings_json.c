/* See settings_json.h. */
#include "io/settings_json.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "io/json.h"

static bool is_quoted(const hni_setting *row)
{
    return row->kind == HNI_SETTING_KIND_CHOICE || row->kind == HNI_SETTING_KIND_TEXT;
}

hn_status hni_settings_to_json(hn_context *context, const hni_settings *settings, const void *object, char **out_text)
{
    hn_status status = HN_OK;
    hni_text text = {.context = context};
    void *value = NULL;
    *out_text = NULL;
    HNI_TRY(
        hni_settings_check(context, "settings", settings, object)); /* JSON has no NaN, and a wrong choice no word */
    hni_text_add(&text, "{");
    for (size_t i = 0; i < settings->count; i++) {
        const hni_setting *row = &settings->rows[i];
        size_t size = row->size < 256 ? 256 : row->size;
        hni_free(context, value);
        value = NULL;
        HNI_TRY(hni_alloc(context, row->name, size, &value));
        (void)hni_setting_print(row, object, value, size);
        hni_text_add(&text, "%s\"%s\":", i > 0 ? "," : "", row->name);
        if (is_quoted(row)) {
            HNI_TRY(hni_json_print_string(&text, row->name, value));
        } else {
            hni_text_add(&text, "%s", (const char *)value);
        }
    }
    hni_text_add(&text, "}");
    HNI_TRY(hni_text_take(&text, out_text));
cleanup:
    hni_text_free(&text);
    hni_free(context, value);
    return status;
}

/* The kind of value that a row takes, and whether this one is of it. */
static bool has_kind(const hni_setting *row, const json_t *value, const char **out_wanted)
{
    switch (row->kind) {
    case HNI_SETTING_KIND_BOOL: *out_wanted = "true or false"; return json_is_boolean(value);
    case HNI_SETTING_KIND_INTEGER:
    case HNI_SETTING_KIND_INT: *out_wanted = "a whole number"; return json_is_integer(value);
    case HNI_SETTING_KIND_NUMBER: *out_wanted = "a number"; return json_is_number(value);
    case HNI_SETTING_KIND_CHOICE:
    case HNI_SETTING_KIND_TEXT: *out_wanted = "a text"; return json_is_string(value);
    }
    return false;
}

/* One value, in the words in which hni_setting_parse takes it, so that ranges and their messages exist once. */
static hn_status store_value(hn_context *context, const char *where, const hni_settings *settings,
                             const hni_setting *row, const json_t *value, void *object)
{
    char number[64];
    const char *text = number, *wanted = "";
    if (!has_kind(row, value, &wanted)) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: %s.%s is %s, it must be %s", where, settings->section,
                         row->name, hni_json_kind(value), wanted);
    }
    if (json_is_string(value)) {
        text = json_string_value(value);
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)hni_number_print(json_real_value(value), number, sizeof number);
    } else {
        text = json_is_true(value) ? "true" : "false";
    }
    return hni_setting_parse(context, where, settings, row, text, object);
}

static hn_status unknown_key(hn_context *context, const char *where, const hni_settings *settings, const char *key)
{
    char shown[64];
    const char *near = hni_settings_nearest(settings, key);
    (void)hni_printable(key, shown, sizeof shown);
    if (near == NULL)
        return hni_error(context, HN_ERROR_FORMAT, "%s: unknown key '%s.%s'", where, settings->section, shown);
    return hni_error(context, HN_ERROR_FORMAT, "%s: unknown key '%s.%s', did you mean '%s'?", where, settings->section,
                     shown, near);
}

hn_status hni_settings_from_json(hn_context *context, const char *where, const hni_settings *settings, const char *text,
                                 void *object)
{
    hn_status status = HN_OK;
    json_t *json = NULL;
    HNI_TRY(hni_json_parse(context, where, text, strlen(text), &json));
    if (!json_is_object(json)) {
        HNI_TRY(hni_error(context, HN_ERROR_FORMAT, "%s: %s settings are %s, they must be an object", where,
                          settings->section, hni_json_kind(json)));
    }
    for (void *entry = json_object_iter(json); entry != NULL; entry = json_object_iter_next(json, entry)) {
        const char *key = json_object_iter_key(entry);
        const hni_setting *row = hni_settings_find(settings, key);
        if (row == NULL) HNI_TRY(unknown_key(context, where, settings, key));
        HNI_TRY(store_value(context, where, settings, row, json_object_iter_value(entry), object));
    }
cleanup:
    json_decref(json);
    return status;
}
