/* See text.h. */
#include "io/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/size.h"

/* Makes room for `more` bytes and the final 0. */
static bool text_reserve(hni_text *text, size_t more)
{
    size_t needed, capacity = text->capacity;
    void *data = text->data;
    if (text->status != HN_OK) return false;
    if (!hni_size_add(text->size, more, &needed) || !hni_size_add(needed, 1, &needed) || needed > SIZE_MAX / 2) {
        text->status = hni_error(text->context, HN_ERROR_MEMORY, "text: more bytes than this machine can count");
        return false;
    }
    if (needed <= capacity) return true;
    if (capacity < 256) capacity = 256;
    while (capacity < needed)
        capacity *= 2;
    text->status = hni_realloc_array(text->context, "text", capacity, 1, &data);
    if (text->status != HN_OK) return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void hni_text_add_bytes(hni_text *text, const void *bytes, size_t size)
{
    if (!text_reserve(text, size)) return;
    if (size > 0) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
}

void hni_text_add(hni_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        if (text->status == HN_OK) {
            text->status = hni_error(text->context, HN_ERROR_ARGUMENT, "text: '%s' cannot be printed", format);
        }
        return;
    }
    if (!text_reserve(text, (size_t)length)) return;
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)length;
}

void hni_text_free(hni_text *text)
{
    hni_free(text->context, text->data);
    *text = (hni_text){.context = text->context};
}

hn_status hni_text_take(hni_text *text, char **out_text)
{
    hni_text_add_bytes(text, NULL, 0);
    hn_status status = text->status;
    *out_text = status == HN_OK ? text->data : NULL;
    if (status == HN_OK) text->data = NULL;
    hni_text_free(text);
    return status;
}

size_t hni_utf8_length(const void *bytes, size_t size)
{
    static const struct {
        unsigned char lead, lead_mask, second_first, second_last;
    } forms[] = {
        /* The range of the second byte is what refuses overlong forms, surrogates and values above U+10FFFF. */
        {0xc0, 0xe0, 0x80, 0xbf}, {0xe0, 0xff, 0xa0, 0xbf}, {0xed, 0xff, 0x80, 0x9f}, {0xe0, 0xf0, 0x80, 0xbf},
        {0xf0, 0xff, 0x90, 0xbf}, {0xf4, 0xff, 0x80, 0x8f}, {0xf0, 0xf8, 0x80, 0xbf},
    };
    static const unsigned char lengths[] = {2, 3, 3, 3, 4, 4, 4};
    const unsigned char *byte = bytes;
    if (size == 0) return 0;
    if (byte[0] < 0x80) return 1;
    if (byte[0] == 0xc0 || byte[0] == 0xc1 || byte[0] > 0xf4) return 0;
    for (size_t i = 0; i < sizeof lengths; i++) {
        if ((byte[0] & forms[i].lead_mask) != forms[i].lead) continue;
        size_t length = lengths[i];
        if (size < length || byte[1] < forms[i].second_first || byte[1] > forms[i].second_last) return 0;
        for (size_t k = 2; k < length; k++) {
            if ((byte[k] & 0xc0) != 0x80) return 0;
        }
        return length;
    }
    return 0;
}

uint32_t hni_utf8_code(const void *bytes, size_t length)
{
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const uint8_t *byte = bytes;
    uint32_t code = byte[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (byte[i] & 0x3f);
    return code;
}

size_t hni_utf8_write(uint32_t code, uint8_t *out_bytes)
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out_bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
    out_bytes[0] = (uint8_t)(leads[length] | code);
    return length;
}

bool hni_is_utf8(const char *text, size_t *out_place)
{
    size_t size = strlen(text);
    for (size_t at = 0, step; at < size; at += step) {
        step = hni_utf8_length(text + at, size - at);
        if (step > 0) continue;
        *out_place = at + 1;
        return false;
    }
    return true;
}

char *hni_printable(const char *name, char *buffer, size_t size)
{
    size_t length = strlen(name), at = 0;
    size_t end = length < size ? length : size - 4; /* every byte stays a byte, so the length is known */
    while (at < end) {
        size_t step = hni_utf8_length(name + at, length - at);
        if (step > end - at) break; /* no half characters */
        bool is_plain = step > 1 || (step == 1 && (unsigned char)name[at] >= 0x20 && name[at] != 0x7f);
        if (is_plain) {
            memcpy(buffer + at, name + at, step);
        } else {
            buffer[at] = '?';
        }
        at += is_plain ? step : 1;
    }
    memcpy(buffer + at, length < size ? "" : "...", length < size ? 1 : 4);
    return buffer;
}
