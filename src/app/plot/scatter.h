/* Points on two principal components, coloured by group: the embeddings of a network's layers, say. Both axes have one scale, so that
 * distances can be compared. Knows nothing of models.
 *
 *     hni_scatter_point points[2] = {{.x = 0.1, .y = 0.2, .group = 0, .words = "layer 3, tile 1"}, {.x = 0.3, .y = 0.1, .group = 1}};
 *     const char *groups[2] = {"conv2", "conv3"};
 *     hni_scatter scatter = {.points = points, .count = 2, .groups = groups, .group_count = 2, .share = {0.6, 0.2}};
 *     HNI_TRY(hni_scatter_picture(ctx, &scatter, &options, &picture));
 */
#ifndef HNI_APP_PLOT_SCATTER_H
#define HNI_APP_PLOT_SCATTER_H

#include "app/plot/canvas.h"

/* A point whose x or y is not finite is left out. */
typedef struct hni_scatter_point {
    double x, y;
    size_t group;      /* a place in `groups`; one behind its end: of none */
    const char *words; /* under the pointer; NULL: the group's name */
} hni_scatter_point;

typedef struct hni_scatter {
    const char *name; /* of what the points are; NULL: none */
    const hni_scatter_point *points;
    size_t count;              /* may be 0: a picture that says so */
    const char *const *groups; /* names for the legend, in which a group without points has no place */
    size_t group_count;        /* 0: all in one colour, and no legend */
    bool
        ordered; /* groups come one after another, as layers do: their colours are those of a scale. More than 18 always are */
    double share[2]; /* of the variance that each component carries, 0 .. 1; NaN: not known */
} hni_scatter;

/* Draws into options->width x height (at least 240 x 200), higher if a long legend needs it. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_scatter_picture(hn_context *context, const hni_scatter *scatter,
                                          const hni_canvas_options *options, hni_text *out_bytes);

#endif
