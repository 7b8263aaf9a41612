/* Bytes as a reader can see them: UTF-8 decoded strictly, sequences kept together, all else shown as a symbol. Not for a
 * terminal's or a font's own rules: widths are those of a fixed grid of columns. */
#ifndef HNI_APP_PLOT_UTF8_H
#define HNI_APP_PLOT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the valid UTF-8 sequence at `bytes` (1 to 4), its code in *out_code; 0 if there is none. */
size_t hni_utf8_decode(const unsigned char *bytes, size_t size, uint32_t *out_code);

/* True for a character that may be written as it is: no control, no change of direction, nothing that XML forbids. */
bool hni_utf8_is_printable(uint32_t code);

/* One place on the grid: a character with the marks that stand on it, or one byte that cannot be shown as it is. */
typedef struct hni_glyph {
    size_t start, size; /* the bytes it covers */
    int columns;        /* 1, or 2 for wide East Asian characters and pictographs */
    const char *symbol; /* what to show instead of the bytes: "↵", "→", "·"; NULL: the bytes themselves */
    bool breaks;        /* a newline: the next glyph begins a line */
} hni_glyph;

/* The glyph that begins at `start` < size. Its size is at least 1. */
hni_glyph hni_glyph_at(const unsigned char *bytes, size_t size, size_t start);

#endif
