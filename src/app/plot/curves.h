/* Learning curves (the paper's figure 6): bits per character over steps or seconds, several runs side by side, training thin,
 * validation thick. Knows nothing of runs and files. */
#ifndef HNI_APP_PLOT_CURVES_H
#define HNI_APP_PLOT_CURVES_H

#include "app/plot/canvas.h"

typedef enum hni_curves_axis { HNI_CURVES_STEPS, HNI_CURVES_SECONDS } hni_curves_axis;

/* Points in order of x; a point with a number that is not finite is left out. Either list may be empty. */
typedef struct hni_series {
    const char *name;
    const hni_point *train;
    size_t train_count;
    const hni_point *valid;
    size_t valid_count;
} hni_series;

typedef struct hni_curves {
    const hni_series *series;
    size_t count; /* may be 0: an empty frame that says so */
    hni_curves_axis axis;
    bool logarithmic; /* x; points at x <= 0 are left out */
} hni_curves;

/* Draws into the picture's options->width x height (at least 240 x 160); below 520 wide the labels are short. Appends the
 * picture's bytes. */
HN_MUST_USE hn_status hni_curves_picture(hn_context *context, const hni_curves *curves,
                                         const hni_canvas_options *options, hni_text *out_bytes);

#endif
