/* How costs grow: small diagrams side by side with two logarithmic axes, in which a power is a straight line; each line's points, and
 * dashed the power that fits. Knows nothing of what was measured. */
#ifndef HNI_APP_PLOT_POWERS_H
#define HNI_APP_PLOT_POWERS_H

#include "app/plot/canvas.h"

typedef struct hni_powers_line {
    const char *name;
    const hni_point *points; /* in order of x; those that are not above 0 and finite are left out */
    size_t count;
    double slope, factor; /* y = factor * x^slope; NaN: none fits */
} hni_powers_line;

typedef struct hni_powers_panel {
    const char *name; /* of what x is */
    const hni_powers_line *lines;
    size_t count;
} hni_powers_panel;

typedef struct hni_powers {
    const hni_powers_panel *panels;
    size_t count;
    const char *heading; /* what y is, and at which sizes */
} hni_powers;

/* Draws into the picture's options->width (at least 240); options->height is ignored: the picture is as high as its rows of
 * diagrams need. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_powers_picture(hn_context *context, const hni_powers *powers,
                                         const hni_canvas_options *options, hni_text *out_bytes);

#endif
