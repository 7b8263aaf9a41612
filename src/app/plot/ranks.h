/* Effective rank of embeddings over training: one small diagram for each embedding (z_h, z_x, z_b), one line for each gate. With E
 * elements it lies between 1 (all elements say the same) and E (each says something of its own); both ends are drawn. Knows
 * nothing of models. */
#ifndef HNI_APP_PLOT_RANKS_H
#define HNI_APP_PLOT_RANKS_H

#include "app/plot/curves.h"

typedef struct hni_ranks_line {
    const char *name;        /* of the gate; "" where there is only one */
    const hni_point *points; /* in order of x; a point that is not finite, or below 0, is left out */
    size_t count;
} hni_ranks_line;

typedef struct hni_ranks_panel {
    const char *name; /* "z_h" */
    const hni_ranks_line *lines;
    size_t count;
} hni_ranks_panel;

typedef struct hni_ranks {
    const hni_ranks_panel *panels;
    size_t count; /* may be 0: a picture that says so */
    hni_curves_axis axis;
    double most; /* E; 0 or NaN: not known, and no line is drawn there */
} hni_ranks;

/* Draws into the picture's options->width (at least 240); options->height is ignored: the picture is as high as its rows of
 * diagrams need. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_ranks_picture(hn_context *context, const hni_ranks *ranks, const hni_canvas_options *options,
                                        hni_text *out_bytes);

#endif
