/* Small images in rows with words under each: the worst mistakes of a network, a look at a data set. Pixels stay squares. Knows nothing of
 * data.
 *
 *     hni_album_item item = {.image = {pixels, 1, 28, 28}, .words = "4, said 9 (0.98)"};
 *     HNI_TRY(hni_album_picture(ctx, &(hni_album){.items = &item, .count = 1}, &options, &picture));
 */
#ifndef HNI_APP_PLOT_ALBUM_H
#define HNI_APP_PLOT_ALBUM_H

#include "app/plot/bitmap.h"
#include "app/plot/canvas.h"

typedef struct hni_album_item {
    hni_bitmap image;
    const char *words; /* on up to three lines; NULL: none */
    const char *hover; /* under the pointer; NULL: the words */
} hni_album_item;

typedef struct hni_album {
    const char *name; /* NULL: none */
    const hni_album_item *items;
    size_t count; /* 0: a picture that says so */
} hni_album;

/* Draws into options->width (at least 240); options->height is ignored: the picture is as high as its rows need. An image with more colours
 * than HNI_PALETTE_MOST is drawn with as many. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_album_picture(hn_context *context, const hni_album *album, const hni_canvas_options *options,
                                        hni_text *out_bytes);

#endif
