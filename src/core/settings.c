/* Tables of settings: defaults, look-up, and the check of values that came from C code. Reading text is in settings_parse.c,
 * writing it in settings_print.c. No key is known here. */
#include "core/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/settings_text.h"

const hni_setting *hni_settings_find(const hni_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->rows[i].name, name) == 0) return &settings->rows[i];
    return NULL;
}

int hni_word_index(const char *const *words, const char *text)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0) return i;
    return -1;
}

/* The default of one row. The rows are ours, so a wrong one is a mistake in the program. */
static void set_default(const hni_setting *row, void *object)
{
    char *place = (char *)object + row->offset;
    switch (row->kind) {
    case HNI_SETTING_KIND_BOOL: {
        const bool value = row->initial > 0;
        memcpy(place, &value, sizeof value);
        break;
    }
    case HNI_SETTING_KIND_INTEGER: {
        const int64_t value = (int64_t)row->initial;
        memcpy(place, &value, sizeof value);
        break;
    }
    case HNI_SETTING_KIND_INT: {
        const int value = (int)row->initial;
        memcpy(place, &value, sizeof value);
        break;
    }
    case HNI_SETTING_KIND_NUMBER: memcpy(place, &row->initial, sizeof row->initial); break;
    case HNI_SETTING_KIND_CHOICE: {
        const int value = hni_word_index(row->words, row->initial_text);
        assert(value >= 0);
        memcpy(place, &value, sizeof value);
        break;
    }
    case HNI_SETTING_KIND_TEXT: {
        const char *text = row->initial_text != NULL ? row->initial_text : "";
        const size_t length = strlen(text);
        assert(length < row->size);
        memset(place, 0, row->size);
        memcpy(place, text, length);
        break;
    }
    }
}

void hni_settings_default(const hni_settings *settings, void *object)
{
    for (size_t i = 0; i < settings->count; i++)
        set_default(&settings->rows[i], object);
}

int64_t hni_setting_whole(const hni_setting *row, const void *object)
{
    const char *place = (const char *)object + row->offset;
    if (row->kind == HNI_SETTING_KIND_INTEGER) {
        int64_t value;
        memcpy(&value, place, sizeof value);
        return value;
    }
    int value;
    memcpy(&value, place, sizeof value);
    return value;
}

/* One message for every value outside its range: what is there is printed by the caller. */
hn_status hni_setting_refuse_range(hn_context *context, const char *name, const hni_setting *row, const char *shown)
{
    char low[32], high[32];
    hni_bound_print(row, row->minimum, low);
    hni_bound_print(row, row->maximum, high);
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: needs a %s from %s to %s, not %s", name,
                     row->kind == HNI_SETTING_KIND_NUMBER ? "number" : "whole number", low, high, shown);
}

static hn_status check_row(hn_context *context, const char *name, const hni_setting *row, const void *object)
{
    const char *place = (const char *)object + row->offset;
    char shown[HNI_SHOWN_SIZE];
    switch (row->kind) {
    case HNI_SETTING_KIND_BOOL: {
        unsigned char byte; /* a bool with another value may not even be read */
        memcpy(&byte, place, sizeof byte);
        if (byte > 1) return hni_error(context, HN_ERROR_ARGUMENT, "%s: needs true or false", name);
        return HN_OK;
    }
    case HNI_SETTING_KIND_INTEGER:
    case HNI_SETTING_KIND_INT: {
        const double value = (double)hni_setting_whole(row, object);
        if (value >= row->minimum && value <= row->maximum) return HN_OK;
        return hni_setting_refuse_range(context, name, row, hni_setting_print(row, object, shown, sizeof shown));
    }
    case HNI_SETTING_KIND_NUMBER: {
        double value;
        memcpy(&value, place, sizeof value);
        if (isfinite(value) && value >= row->minimum && value <= row->maximum) return HN_OK;
        return hni_setting_refuse_range(context, name, row, hni_number_print(value, shown, sizeof shown));
    }
    case HNI_SETTING_KIND_CHOICE: {
        const int64_t value = hni_setting_whole(row, object);
        int64_t count = 0;
        while (row->words[count] != NULL)
            count++;
        if (value >= 0 && value < count) return HN_OK;
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: %" PRId64 " is none of its %" PRId64 " choices", name, value,
                         count);
    }
    case HNI_SETTING_KIND_TEXT:
        if (memchr(place, '\0', row->size) != NULL) return HN_OK;
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: the text does not end within its %zu bytes", name, row->size);
    }
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: a setting of an unknown kind", name);
}

hn_status hni_settings_check(hn_context *context, const char *where, const hni_settings *settings, const void *object)
{
    for (size_t i = 0; i < settings->count; i++) {
        char name[HNI_NAME_SIZE];
        hni_setting_place(where, settings, &settings->rows[i], name);
        const hn_status status = check_row(context, name, &settings->rows[i], object);
        if (status != HN_OK) return status;
    }
    return HN_OK;
}
