/* See utf8.h. */
#include "app/plot/utf8.h"

#include "io/text.h"

#define MARKS_AT_MOST 8 /* marks on one character: more are shown as glyphs of their own */

typedef struct code_range {
    uint32_t first, last;
} code_range;

static bool is_in(const code_range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    }
    return false;
}

#define IS_IN(ranges, code) is_in(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

size_t hni_utf8_decode(const unsigned char *bytes, size_t size, uint32_t *out_code)
{
    size_t length = size == 0 ? 0 : hni_utf8_length(bytes, size);
    if (length == 0) return 0;
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3fu);
    *out_code = code;
    return length;
}

bool hni_utf8_is_printable(uint32_t code)
{
    static const code_range hidden[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},        {0x061c, 0x061c}, {0x200b, 0x200c},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},    {0xd800, 0xf8ff}, {0xfeff, 0xfeff},
        {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0x10ffff},
    };
    return !IS_IN(hidden, code) && (code & 0xfffe) != 0xfffe;
}

/* Marks that stand on the character before them and take no column. */
static bool is_mark(uint32_t code)
{
    static const code_range marks[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x093c, 0x093c},   {0x094d, 0x094d},
        {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},   {0x200d, 0x200d},
        {0x20d0, 0x20ff}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff},
    };
    return IS_IN(marks, code);
}

static bool is_wide(uint32_t code)
{
    static const code_range wide[] = {
        {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
        {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
    };
    return IS_IN(wide, code);
}

hni_glyph hni_glyph_at(const unsigned char *bytes, size_t size, size_t start)
{
    hni_glyph glyph = {.start = start, .size = 1, .columns = 1};
    uint32_t code = 0;
    size_t length = hni_utf8_decode(bytes + start, size - start, &code);
    if (length == 0 || !hni_utf8_is_printable(code)) {
        glyph.size = length == 0 ? 1 : length;
        glyph.breaks = length == 1 && code == '\n';
        glyph.symbol = glyph.breaks ? "↵" : length == 1 && code == '\t' ? "→" : "·";
        return glyph;
    }
    glyph.size = length;
    glyph.columns = is_wide(code) ? 2 : 1;
    for (int marks = 0; marks < MARKS_AT_MOST; marks++) {
        length = hni_utf8_decode(bytes + start + glyph.size, size - start - glyph.size, &code);
        if (length == 0 || !is_mark(code)) break;
        glyph.size += length;
    }
    return glyph;
}
