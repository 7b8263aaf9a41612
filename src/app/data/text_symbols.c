/* Bytes to rows of a vocabulary, Mikolov's character rule, and tracks: the parts of the text reader that touch no file. */
#include <stdio.h>
#include <string.h>

#include "app/data/text.h"

static void clear(hni_vocabulary *vocabulary)
{
    memset(vocabulary, 0, sizeof *vocabulary);
    for (int byte = 0; byte < 256; byte++)
        vocabulary->rows[byte] = -1;
}

static void add(hni_vocabulary *vocabulary, int byte)
{
    vocabulary->rows[byte] = (int16_t)vocabulary->count;
    vocabulary->bytes[vocabulary->count++] = (uint8_t)byte;
}

void hni_vocabulary_of(const uint8_t *bytes, size_t size, int64_t vocabulary_size, hni_vocabulary *out_vocabulary)
{
    bool occurs[256] = {false};
    clear(out_vocabulary);
    for (size_t i = 0; i < size; i++)
        occurs[bytes[i]] = true;
    for (int byte = 0; byte < 256; byte++) {
        if (vocabulary_size == 256 || occurs[byte]) add(out_vocabulary, byte);
    }
}

bool hni_vocabulary_from(const uint8_t *bytes, int64_t count, hni_vocabulary *out_vocabulary)
{
    clear(out_vocabulary);
    if (count < 1 || count > 256) return false;
    for (int64_t i = 0; i < count; i++) {
        if (out_vocabulary->rows[bytes[i]] >= 0) return false;
        add(out_vocabulary, bytes[i]);
    }
    return true;
}

char *hni_byte_print(uint8_t byte, char *buffer, size_t size)
{
    if (byte > ' ' && byte < 127) {
        snprintf(buffer, size, "'%c'", byte);
    } else {
        snprintf(buffer, size, "byte 0x%02X", byte);
    }
    return buffer;
}

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
