/* See markup.h. */
#include "app/plot/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/utf8.h"

void hni_markup_text(hni_text *markup, const char *text) { hni_text_add_bytes(markup, text, strlen(text)); }

void hni_markup_number(hni_text *markup, double number)
{
    double bounded = isfinite(number) ? fmin(fmax(number, -1e9), 1e9) : 0.0;
    long long hundredths = llround(bounded * 100.0);
    if (hundredths < 0) hni_markup_text(markup, "-");
    unsigned long long size = (unsigned long long)(hundredths < 0 ? -hundredths : hundredths);
    hni_text_add(markup, "%llu", size / 100);
    unsigned rest = (unsigned)(size % 100);
    if (rest != 0 && rest % 10 == 0) hni_text_add(markup, ".%u", rest / 10);
    if (rest % 10 != 0) hni_text_add(markup, ".%02u", rest);
}

void hni_markup_count(hni_text *markup, int64_t count)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') hni_markup_text(markup, ",");
        hni_text_add_bytes(markup, &digits[i], 1);
    }
}

static void write_character(hni_text *markup, const unsigned char *bytes, size_t size, bool escape)
{
    const char *entity = NULL;
    if (escape && size == 1) {
        switch (bytes[0]) {
        case '&': entity = "&amp;"; break;
        case '<': entity = "&lt;"; break;
        case '>': entity = "&gt;"; break;
        case '"': entity = "&quot;"; break;
        case '\'': entity = "&#39;"; break;
        default: break;
        }
    }
    if (entity != NULL) {
        hni_markup_text(markup, entity);
    } else {
        hni_text_add_bytes(markup, bytes, size);
    }
}

static void write_readable(hni_text *markup, const unsigned char *bytes, size_t size, bool escape)
{
    for (size_t at = 0; at < size;) {
        uint32_t code = 0;
        size_t length = hni_utf8_decode(bytes + at, size - at, &code);
        if (length > 0 && (hni_utf8_is_printable(code) || code == '\n' || code == '\t')) {
            write_character(markup, bytes + at, length, escape);
        } else {
            hni_markup_text(markup, "·");
        }
        at += length == 0 ? 1 : length;
    }
}

void hni_markup_clean(hni_text *markup, const void *bytes, size_t size) { write_readable(markup, bytes, size, false); }

void hni_markup_escaped(hni_text *markup, const void *bytes, size_t size) { write_readable(markup, bytes, size, true); }

void hni_markup_escaped_text(hni_text *markup, const char *text) { hni_markup_escaped(markup, text, strlen(text)); }
