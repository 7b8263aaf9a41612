/* Small images: what they are, their colours brought down to a palette, and a form for terminals. Not a reader of files. */
#ifndef HNI_APP_PLOT_BITMAP_H
#define HNI_APP_PLOT_BITMAP_H

#include "app/plot/ansi.h"

#define HNI_BITMAP_SIDE_MOST 1024
#define HNI_PALETTE_MOST 128

typedef struct hni_bitmap {
    const uint8_t *pixels; /* [channels,height,width] */
    size_t channels, height,
        width; /* 1 (grey) or 3 (red, green, blue) channels, sides from 1 to HNI_BITMAP_SIDE_MOST */
} hni_bitmap;

bool hni_bitmap_can_be_shown(const hni_bitmap *bitmap);
/* The same as an error that names `what`. */
HN_MUST_USE hn_status hni_bitmap_check(hn_context *context, const char *what, const hni_bitmap *bitmap);
hni_colour hni_bitmap_colour(const hni_bitmap *bitmap, size_t y, size_t x);
/* Of `count` pixels, from the sums of their reds, greens and blues. */
hni_colour hni_colour_mean(const size_t sums[3], size_t count);

/* At most HNI_PALETTE_MOST colours, and for each pixel its place among them: exact if no more occur, else each the mean of colours near
 * one another (median cut). */
typedef struct hni_palette {
    hni_colour colours[HNI_PALETTE_MOST];
    size_t count;
} hni_palette;
HN_MUST_USE hn_status hni_palette_of(hn_context *context, const hni_bitmap *bitmap, hni_palette *out_palette,
                                     uint8_t *out_places /* [height,width] */);

/* Images side by side, as many as `columns` (at least 8) have room for, with a line of words under each (NULL: none; any bytes, cut to the image's
 * width). Two pixels a character, one above the other; an image wider than the terminal is made smaller by a whole factor. Where
 * colours are not wanted, shade characters: the brighter the denser. */
typedef struct hni_bitmaps {
    const hni_bitmap *bitmaps;
    const char *const *words; /* [count]; NULL: none */
    size_t count;
} hni_bitmaps;
HN_MUST_USE hn_status hni_bitmaps_ansi(hn_context *context, const hni_bitmaps *images, int columns, hni_ansi ansi,
                                       hni_text *out_text);

#endif
