/* The symbols that occur in a text, Mikolov's character rule, and tracks: the parts of the text reader that touch no file. */
#include <stdio.h>
#include <string.h>

#include "app/data/text.h"
#include "core/alloc.h"
#include "io/text.h"

/* ---- symbols that occur ---- */

#define CODES 0x110000 /* code points of Unicode */

/* The symbol that begins at `at`: bytes it takes, and its code. */
static size_t symbol_at(hn_symbol_kind kind, const hni_file_bytes *text, size_t at, uint32_t *out_code)
{
    const size_t length = kind == HN_SYMBOL_CHARACTER ? hni_utf8_length(text->data + at, text->size - at) : 1;
    *out_code = kind == HN_SYMBOL_CHARACTER && length > 0 ? hni_utf8_code(text->data + at, length) : text->data[at];
    return length > 0 ? length : 1;
}

static void mark_symbols(hn_symbol_kind kind, const hni_file_bytes *text, uint8_t *occurs)
{
    uint32_t code;
    for (size_t at = 0; at < text->size;) {
        at += symbol_at(kind, text, at, &code);
        occurs[code] = 1;
    }
}

/* The marked symbols one after the other; returns the bytes they take. */
static size_t list_symbols(hn_symbol_kind kind, const uint8_t *occurs, uint8_t *out_list)
{
    const uint32_t codes = kind == HN_SYMBOL_CHARACTER ? CODES : 256;
    size_t size = 0;
    for (uint32_t code = 0; code < codes; code++) {
        if (!occurs[code]) continue;
        if (kind == HN_SYMBOL_CHARACTER) {
            size += hni_utf8_write(code, out_list + size);
        } else {
            out_list[size++] = (uint8_t)code;
        }
    }
    return size;
}

hn_status hni_vocabulary_of(hn_context *context, hn_symbol_kind kind, const hni_file_bytes *text,
                            int64_t vocabulary_size, hn_vocabulary **out_vocabulary)
{
    void *occurs = NULL, *list = NULL;
    hn_status status;
    size_t size = 0;
    *out_vocabulary = NULL;
    HNI_TRY(hni_alloc(context, "vocabulary", CODES, &occurs));
    if (kind == HN_SYMBOL_BYTE && vocabulary_size == 256) memset(occurs, 1, 256);
    mark_symbols(kind, text, occurs);
    for (uint32_t code = 0; code < CODES; code++)
        size += ((const uint8_t *)occurs)[code] ? 4 : 0;
    HNI_TRY(hni_alloc(context, "vocabulary", size, &list));
    size = list_symbols(kind, occurs, list);
    HNI_TRY(hni_vocabulary_create(context, kind, list, size, out_vocabulary));
cleanup:
    hni_free(context, occurs);
    hni_free(context, list);
    return status;
}

int64_t hni_characters_count(const uint8_t *bytes, size_t size, size_t *out_valid)
{
    int64_t count = 0;
    size_t at = 0;
    for (size_t length; at < size; at += length, count++) {
        length = hni_utf8_length(bytes + at, size - at);
        if (length == 0) break;
    }
    *out_valid = at;
    return count;
}

char *hni_symbol_print(const char *bytes, size_t length, char *buffer, size_t size)
{
    const size_t whole = hni_utf8_length(bytes, length);
    const uint32_t code = whole > 0 ? hni_utf8_code(bytes, whole) : 0;
    if (code > 0xa0 || (code > ' ' && code < 0x7f)) {
        snprintf(buffer, size, "'%.*s'", (int)length, bytes);
    } else if (whole > 1) {
        snprintf(buffer, size, "character U+%04X", (unsigned)code);
    } else {
        snprintf(buffer, size, "byte 0x%02X", (unsigned)(uint8_t)bytes[0]);
    }
    return buffer;
}

/* ---- Penn Treebank ---- */

/* The line that begins at `from` and ends before `end`, written at `to` (never behind `from`). Returns the bytes written. */
static size_t treebank_line(uint8_t *bytes, size_t from, size_t end, size_t to)
{
    const size_t start = to;
    if (from < end && bytes[from] == ' ') from++;
    if (from < end && bytes[end - 1] == ' ') end--;
    for (; from < end; from++)
        bytes[to++] = bytes[from] == ' ' ? '_' : bytes[from];
    return to - start;
}

size_t hni_treebank_characters(uint8_t *bytes, size_t size)
{
    size_t to = 0;
    for (size_t from = 0; from < size;) {
        const uint8_t *newline = memchr(bytes + from, '\n', size - from);
        const size_t end = newline != NULL ? (size_t)(newline - bytes) : size;
        to += treebank_line(bytes, from, end, to);
        bytes[to++] = '\n';
        from = end + 1;
    }
    return to;
}

/* ---- places ---- */

hni_text_tracks hni_text_tracks_of(int64_t count, int64_t batch, int64_t length)
{
    hni_text_tracks tracks = {.track = count / batch};
    tracks.windows = tracks.track > 0 ? (tracks.track - 1) / length : 0;
    return tracks;
}

int hni_text_split_find(const char *name)
{
    static const char *const names[HNI_TEXT_SPLITS] = {"train", "valid", "test", "all"};
    for (int i = 0; i < HNI_TEXT_SPLITS; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

int32_t hni_text_row(const hni_text_data *text, int64_t place)
{
    return text->wide != NULL ? text->wide[place] : text->symbols[place];
}
