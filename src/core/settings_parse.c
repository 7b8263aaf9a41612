/* Text to values, strictly: a value means what it looks like or it is refused. 1e3 is no whole number, 010 is no number,
 * "maybe" is not true. Also the nearest word to one that is not known. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/settings_text.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t digit_count(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count]))
        count++;
    return count;
}

bool hni_whole_parse(const char *text, int64_t *out_value)
{
    const bool negative = text[0] == '-';
    const char *digits = text + (negative ? 1 : 0);
    const size_t count = digit_count(digits);
    if (count == 0 || digits[count] != '\0' || (count > 1 && digits[0] == '0')) return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t digit = (uint64_t)(digits[i] - '0');
        if (sum > ((uint64_t)INT64_MAX + 1 - digit) / 10) return false;
        sum = sum * 10 + digit;
    }
    if (negative)
        *out_value = sum == 0 ? 0 : -(int64_t)(sum - 1) - 1;
    else if (sum <= (uint64_t)INT64_MAX)
        *out_value = (int64_t)sum;
    else
        return false;
    return true;
}

/* -12, 0.5, .5, 1e-8, 1.5E+3; gives the length of what stands before the point. */
static bool is_decimal(const char *text, size_t *out_before_point)
{
    const char *c = text + (text[0] == '-' ? 1 : 0);
    const size_t whole = digit_count(c);
    if (whole > 1 && c[0] == '0') return false; /* would be octal elsewhere */
    c += whole;
    *out_before_point = (size_t)(c - text);
    size_t fraction = 0;
    if (*c == '.') {
        c++;
        fraction = digit_count(c);
        c += fraction;
    }
    if (whole + fraction == 0) return false;
    if (*c == 'e' || *c == 'E') {
        c++;
        if (*c == '-' || *c == '+') c++;
        const size_t exponent = digit_count(c);
        if (exponent == 0) return false;
        c += exponent;
    }
    return *c == '\0';
}

static bool has_nonzero_digit(const char *text)
{
    for (; *text != '\0' && *text != 'e' && *text != 'E'; text++)
        if (*text >= '1' && *text <= '9') return true;
    return false;
}

bool hni_number_parse(const char *text, double *out_value)
{
    char local[160]; /* strtod reads the locale's decimal mark */
    size_t before_point;
    if (!is_decimal(text, &before_point)) return false;
    const char *mark = localeconv()->decimal_point;
    const bool has_point = text[before_point] == '.';
    const int length = snprintf(local, sizeof local, "%.*s%s%s", (int)before_point, text, has_point ? mark : "",
                                text + before_point + (has_point ? 1 : 0));
    if (length < 0 || (size_t)length >= sizeof local) return false;
    char *end = NULL;
    const double value = strtod(local, &end);
    if (*end != '\0' || !isfinite(value)) return false;
    if (!(fabs(value) > 0) && has_nonzero_digit(text)) return false; /* too small to be held */
    *out_value = value;
    return true;
}

/* ---- nearest word ------------------------------------------------------------------------------------------------- */

enum { LONGEST_WORD = 63, MOST_EDITS = 2 };

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static int smaller(int a, int b) { return a < b ? a : b; }

/* Edits (insert, drop, change, swap two neighbours) from a to b, letter case aside; large if either is too long. */
static int edit_distance(const char *a, const char *b)
{
    const size_t rows = strlen(a), columns = strlen(b);
    if (rows > LONGEST_WORD || columns > LONGEST_WORD) return LONGEST_WORD;
    int table[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= columns; j++)
        table[0][j] = (int)j;
    for (size_t i = 1; i <= rows; i++) {
        int *now = table[i % 3];
        const int *before = table[(i + 2) % 3], *two_before = table[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= columns; j++) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            now[j] = smaller(smaller(before[j], now[j - 1]) + 1, before[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                now[j] = smaller(now[j], two_before[j - 2] + 1);
        }
    }
    return table[rows % 3][columns];
}

/* Keeps the better of two candidates; a word of which nothing would remain is none. */
static void consider(const char *candidate, const char *name, const char **best, int *best_edits)
{
    const int edits = edit_distance(name, candidate);
    const size_t longer = strlen(name) > strlen(candidate) ? strlen(name) : strlen(candidate);
    if (edits >= *best_edits || (size_t)edits >= longer) return;
    *best = candidate;
    *best_edits = edits;
}

const char *hni_nearest_word(const char *const *words, const char *name)
{
    const char *best = NULL;
    int edits = MOST_EDITS + 1;
    for (; *words != NULL; words++)
        consider(*words, name, &best, &edits);
    return best;
}

const char *hni_settings_nearest(const hni_settings *settings, const char *name)
{
    const char *best = NULL;
    int edits = MOST_EDITS + 1;
    for (size_t i = 0; i < settings->count; i++)
        consider(settings->rows[i].name, name, &best, &edits);
    return best;
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */

/* "lstm, rnn, hyperlstm", cut where the buffer ends. */
static void list_words(const char *const *words, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (int i = 0; words[i] != NULL && used < size; i++) {
        const int length = snprintf(buffer + used, size - used, i > 0 ? ", %s" : "%s", words[i]);
        used += length > 0 ? (size_t)length : 0;
    }
}

static hn_status parse_choice(hn_context *context, const char *name, const hni_setting *row, const char *text,
                              int *out_value)
{
    char shown[HNI_SHOWN_SIZE], list[320];
    *out_value = hni_word_index(row->words, text);
    if (*out_value >= 0) return HN_OK;
    list_words(row->words, list, sizeof list);
    const char *nearest = hni_nearest_word(row->words, text);
    if (nearest != NULL)
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: needs one of %s, not %s; did you mean '%s'?", name, list,
                         hni_quote(text, shown), nearest);
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: needs one of %s, not %s", name, list, hni_quote(text, shown));
}

static hn_status parse_row(hn_context *context, const char *name, const hni_setting *row, const char *text, void *place)
{
    char shown[HNI_SHOWN_SIZE];
    switch (row->kind) {
    case HNI_SETTING_KIND_BOOL: {
        const bool value = strcmp(text, "true") == 0;
        if (!value && strcmp(text, "false") != 0)
            return hni_error(context, HN_ERROR_ARGUMENT, "%s: needs true or false, not %s", name,
                             hni_quote(text, shown));
        memcpy(place, &value, sizeof value);
        return HN_OK;
    }
    case HNI_SETTING_KIND_INTEGER:
    case HNI_SETTING_KIND_INT: {
        int64_t value = 0;
        const bool fits =
            hni_whole_parse(text, &value) && (double)value >= row->minimum && (double)value <= row->maximum;
        const int narrow = fits && row->kind == HNI_SETTING_KIND_INT ? (int)value : 0;
        if (!fits) return hni_setting_refuse_range(context, name, row, hni_quote(text, shown));
        if (row->kind == HNI_SETTING_KIND_INT)
            memcpy(place, &narrow, sizeof narrow);
        else
            memcpy(place, &value, sizeof value);
        return HN_OK;
    }
    case HNI_SETTING_KIND_NUMBER: {
        double value = 0;
        if (!hni_number_parse(text, &value) || !(value >= row->minimum && value <= row->maximum))
            return hni_setting_refuse_range(context, name, row, hni_quote(text, shown));
        memcpy(place, &value, sizeof value);
        return HN_OK;
    }
    case HNI_SETTING_KIND_CHOICE: {
        int value;
        const hn_status status = parse_choice(context, name, row, text, &value);
        if (status == HN_OK) memcpy(place, &value, sizeof value);
        return status;
    }
    case HNI_SETTING_KIND_TEXT: {
        const size_t length = strlen(text);
        if (length >= row->size)
            return hni_error(context, HN_ERROR_ARGUMENT, "%s: takes at most %zu bytes of text, not %zu", name,
                             row->size - 1, length);
        memset(place, 0, row->size);
        memcpy(place, text, length);
        return HN_OK;
    }
    }
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: a setting of an unknown kind", name);
}

hn_status hni_setting_parse(hn_context *context, const char *where, const hni_settings *settings,
                            const hni_setting *row, const char *text, void *object)
{
    char name[HNI_NAME_SIZE];
    hni_setting_place(where, settings, row, name);
    return parse_row(context, name, row, text, (char *)object + row->offset);
}
