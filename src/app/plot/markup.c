/* See markup.h. */
#include "app/plot/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/utf8.h"
#include "core/alloc.h"
#include "core/size.h"

void hni_markup_init(hni_markup *markup, hn_context *context)
{
    *markup = (hni_markup){.context = context};
}

void hni_markup_destroy(hni_markup *markup)
{
    hni_free(markup->context, markup->bytes);
    *markup = (hni_markup){.context = markup->context};
}

/* Room for `more` bytes and the 0 byte behind them. */
static bool reserve(hni_markup *markup, size_t more)
{
    size_t needed;
    if (markup->status != HN_OK) return false;
    if (!hni_size_add(markup->size, more, &needed) || !hni_size_add(needed, 1, &needed) || needed > SIZE_MAX / 2) {
        markup->status = hni_error(markup->context, HN_ERROR_MEMORY, "picture: more bytes than this machine can address");
        return false;
    }
    if (needed <= markup->capacity) return true;
    size_t capacity = markup->capacity < 256 ? 256 : markup->capacity * 2;
    if (capacity < needed) capacity = needed;
    void *bytes = markup->bytes;
    markup->status = hni_realloc_array(markup->context, "picture", capacity, 1, &bytes);
    if (markup->status != HN_OK) return false;
    markup->bytes = bytes;
    markup->capacity = capacity;
    return true;
}

void hni_markup_bytes(hni_markup *markup, const void *bytes, size_t size)
{
    if (size == 0 || !reserve(markup, size)) return;
    memcpy(markup->bytes + markup->size, bytes, size);
    markup->size += size;
    markup->bytes[markup->size] = '\0';
}

void hni_markup_text(hni_markup *markup, const char *text)
{
    hni_markup_bytes(markup, text, strlen(text));
}

void hni_markup_format(hni_markup *markup, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length > 0 && reserve(markup, (size_t)length)) {
        (void)vsnprintf(markup->bytes + markup->size, (size_t)length + 1, format, again);
        markup->size += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void hni_markup_number(hni_markup *markup, double number)
{
    double bounded = isfinite(number) ? fmin(fmax(number, -1e9), 1e9) : 0.0;
    long long hundredths = llround(bounded * 100.0);
    if (hundredths < 0) hni_markup_text(markup, "-");
    unsigned long long size = (unsigned long long)(hundredths < 0 ? -hundredths : hundredths);
    hni_markup_format(markup, "%llu", size / 100);
    unsigned rest = (unsigned)(size % 100);
    if (rest != 0 && rest % 10 == 0) hni_markup_format(markup, ".%u", rest / 10);
    if (rest % 10 != 0) hni_markup_format(markup, ".%02u", rest);
}

void hni_markup_count(hni_markup *markup, int64_t count)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') hni_markup_text(markup, ",");
        hni_markup_bytes(markup, &digits[i], 1);
    }
}

static void write_character(hni_markup *markup, const unsigned char *bytes, size_t size, bool escape)
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
        hni_markup_bytes(markup, bytes, size);
    }
}

static void write_readable(hni_markup *markup, const unsigned char *bytes, size_t size, bool escape)
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

void hni_markup_clean(hni_markup *markup, const void *bytes, size_t size)
{
    write_readable(markup, bytes, size, false);
}

void hni_markup_escaped(hni_markup *markup, const void *bytes, size_t size)
{
    write_readable(markup, bytes, size, true);
}

void hni_markup_escaped_text(hni_markup *markup, const char *text)
{
    hni_markup_escaped(markup, text, strlen(text));
}
