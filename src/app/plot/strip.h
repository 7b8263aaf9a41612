/* Kernels in a row with a word under each and one range of colours for all: what a generator makes on the way from one layer's
 * embedding to another's. Knows nothing of networks.
 *
 *     const float *kernels[3] = {first, between, last};
 *     const char *labels[3] = {"layer 3", "0.5", "layer 9"};
 *     hni_strip strip = {.kernels = kernels, .labels = labels, .count = 3,
 *                        .filters = {.rows = 16, .columns = 16, .height = 3, .width = 3}};
 *     HNI_TRY(hni_strip_picture(ctx, &strip, &options, &picture));
 */
#ifndef HNI_APP_PLOT_STRIP_H
#define HNI_APP_PLOT_STRIP_H

#include "app/plot/filters.h"

typedef struct hni_strip {
    const char *name;            /* NULL: none */
    const float *const *kernels; /* [count], each as `filters` lays it out; a value that is not finite is left empty */
    const char *const *labels;   /* [count]; NULL: none */
    size_t count;                /* 0: a picture that says so */
    hni_filters filters;
    hni_scale_kind scale; /* from the 1st to the 99th percentile of all kernels' values */
} hni_strip;

/* Draws into options->width (at least 240); options->height is ignored. As many kernels stand in a row as have room at a pixel a weight
 * and 90 each, in rows of about the same length. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_strip_picture(hn_context *context, const hni_strip *strip, const hni_canvas_options *options,
                                        hni_text *out_bytes);

#endif
