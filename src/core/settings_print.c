/* Values as text: what recipes, checkpoints and messages show. Reads back to the same value, in every locale. */
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/settings_text.h"

/* The caller's program may have a locale with a decimal comma. */
static void point_from_locale(char *text)
{
    const char *mark = localeconv()->decimal_point;
    const size_t length = strlen(mark);
    char *found = length > 0 ? strstr(text, mark) : NULL;
    if (found == NULL) return;
    *found = '.';
    memmove(found + 1, found + length, strlen(found + length) + 1);
}

/* "1e-08" -> "1.0e-08", "20" -> "20.0": YAML readers take the first forms for a text and a whole number. */
static void add_point(char *text)
{
    if (strchr(text, '.') != NULL) return;
    char *exponent = strchr(text, 'e');
    if (exponent == NULL) exponent = text + strlen(text);
    memmove(exponent + 2, exponent, strlen(exponent) + 1);
    memcpy(exponent, ".0", 2);
}

/* Shortest of %.1g ... %.17g that reads back; of two equally short ones the longer digits, "10000.0" before "1.0e+04". */
char *hni_number_print(double value, char *buffer, size_t size)
{
    char best[48] = "";
    if (isnan(value)) {
        memcpy(best, "nan", 4);
    } else if (isinf(value)) {
        memcpy(best, value > 0 ? "inf" : "-inf", value > 0 ? 4 : 5);
    } else {
        for (int digits = 1; digits <= 17; digits++) {
            char text[48];
            (void)snprintf(text, sizeof text, "%.*g", digits, value);
            const double back = strtod(text, NULL);
            if (back < value || back > value) continue;
            point_from_locale(text);
            add_point(text);
            if (best[0] == '\0' || strlen(text) <= strlen(best)) memcpy(best, text, strlen(text) + 1);
        }
    }
    if (size > 0) (void)snprintf(buffer, size, "%s", best);
    return buffer;
}

char *hni_setting_print(const hni_setting *row, const void *object, char *buffer, size_t size)
{
    const char *place = (const char *)object + row->offset;
    if (size == 0) return buffer;
    switch (row->kind) {
    case HNI_SETTING_KIND_BOOL: {
        unsigned char byte;
        memcpy(&byte, place, sizeof byte);
        (void)snprintf(buffer, size, "%s", byte != 0 ? "true" : "false");
        break;
    }
    case HNI_SETTING_KIND_INTEGER:
    case HNI_SETTING_KIND_INT: (void)snprintf(buffer, size, "%" PRId64, hni_setting_whole(row, object)); break;
    case HNI_SETTING_KIND_NUMBER: {
        double value;
        memcpy(&value, place, sizeof value);
        (void)hni_number_print(value, buffer, size);
        break;
    }
    case HNI_SETTING_KIND_CHOICE: {
        const int64_t wanted = hni_setting_whole(row, object);
        const char *word = "?";
        for (int64_t i = 0; row->words[i] != NULL; i++)
            if (i == wanted) word = row->words[i];
        (void)snprintf(buffer, size, "%s", word);
        break;
    }
    case HNI_SETTING_KIND_TEXT: (void)snprintf(buffer, size, "%.*s", (int)row->size, place); break;
    }
    return buffer;
}

void hni_bound_print(const hni_setting *row, double value, char *bound)
{
    enum { BOUND_SIZE = 32 };
    if (row->kind == HNI_SETTING_KIND_NUMBER)
        (void)hni_number_print(value, bound, BOUND_SIZE);
    else if (value >= 0x1p63)
        (void)snprintf(bound, BOUND_SIZE, "%" PRId64, INT64_MAX);
    else
        (void)snprintf(bound, BOUND_SIZE, "%" PRId64, (int64_t)value);
}

char *hni_quote(const char *text, char *shown)
{
    enum { MOST = 60 };
    size_t length = strlen(text);
    const bool cut = length > MOST;
    if (cut) length = MOST;
    while (cut && length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--; /* not inside a UTF-8 character */
    (void)snprintf(shown, HNI_SHOWN_SIZE, "'%.*s%s'", (int)length, text, cut ? "..." : "");
    return shown;
}

/* A long path is cut in front: its end and the key are what a reader needs. */
void hni_setting_place(const char *where, const hni_settings *settings, const hni_setting *row, char *name)
{
    enum { MOST = 240 };
    if (where == NULL) where = "";
    const size_t length = strlen(where);
    const bool cut = length > MOST;
    if (cut) where += length - MOST;
    while (cut && ((unsigned char)*where & 0xC0) == 0x80)
        where++; /* not inside a UTF-8 character */
    const bool has_section = settings->section != NULL && settings->section[0] != '\0';
    (void)snprintf(name, HNI_NAME_SIZE, "%s%s%s%s%s%s", cut ? "..." : "", where, length > 0 ? ": " : "",
                   has_section ? settings->section : "", has_section ? "." : "", row->name);
}
