/* Kernels side by side or one above another (the paper's figures 2, 8, 12 and 13): each a grid of filters in grey or in two colours,
 * with the range of its colours below it. Knows nothing of networks.
 *
 *     hni_kernels_panel panels[2] = {{.name = "ordinary", .values = kernel}, {.name = "generated", .values = other}};
 *     hni_kernels kernels = {.panels = panels, .count = 2, .row_word = "input channel", .column_word = "output channel",
 *                            .filters = {.rows = 16, .columns = 16, .height = 7, .width = 7, .strides = {49, 784, 7, 1}}};
 *     HNI_TRY(hni_kernels_picture(ctx, &kernels, &options, &picture));
 */
#ifndef HNI_APP_PLOT_KERNELS_H
#define HNI_APP_PLOT_KERNELS_H

#include "app/plot/filters.h"

typedef struct hni_kernels_panel {
    const char *name;    /* NULL: none */
    const float *values; /* as `filters` lays them out; one that is not finite is left empty */
    double low,
        high; /* of the colours, low < high; else the 1st and 99th percentile of the values, and the picture says so */
} hni_kernels_panel;

typedef struct hni_kernels {
    const hni_kernels_panel *panels;
    size_t count; /* 0: a picture that says so */
    hni_filters filters;
    const char *row_word,
        *column_word; /* what rows and columns are: "input channel", "output channel"; NULL: nothing is said */
    hni_scale_kind scale;
    bool above; /* one above another, even where two have room side by side */
} hni_kernels;

/* Draws into options->width (at least 240); options->height is ignored: the picture is as high as the grids need. Panels stand side by
 * side where a weight is 2 wide or more then. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_kernels_picture(hn_context *context, const hni_kernels *kernels,
                                          const hni_canvas_options *options, hni_text *out_bytes);

#endif
