/* The way of an embedding through a text: its two principal components at each symbol, joined in order and coloured by position, some
 * with their character. Both axes have one scale, so that distances can be compared. Knows nothing of models.
 *
 *     hni_path_point points[2] = {{.x = 0.1, .y = 0.2, .bytes = "a", .size = 1}, {.x = 0.3, .y = 0.1, .bytes = "b", .size = 1}};
 *     hni_path path = {.name = "z_h", .points = points, .count = 2, .share = {0.6, 0.2}};
 *     HNI_TRY(hni_path_picture(ctx, &path, &options, &picture));
 */
#ifndef HNI_APP_PLOT_PATH_H
#define HNI_APP_PLOT_PATH_H

#include "app/plot/canvas.h"

#define HNI_PATH_DRAWN_MOST 2000 /* of a longer path every second, third, ... point is drawn, and the picture says so */

/* A point whose x or y is not finite is left out. */
typedef struct hni_path_point {
    double x, y;
    const void *bytes; /* the symbol read there, any bytes */
    size_t size;       /* 0: none */
} hni_path_point;

typedef struct hni_path {
    const char *name; /* of what moves; NULL: none */
    const hni_path_point *points;
    size_t count;    /* may be 0: a picture that says so */
    double share[2]; /* of the variance that each component carries, 0 .. 1; NaN: not known */
} hni_path;

/* Draws into options->width x height (at least 240 x 200). Appends the picture's bytes. */
HN_MUST_USE hn_status hni_path_picture(hn_context *context, const hni_path *path, const hni_canvas_options *options,
                                       hni_text *out_bytes);

#endif
