/* Learning curves (the paper's figure 6): a loss over steps, epochs or seconds, several runs side by side, training
 * thin, validation thick; and where each run first reaches a given figure. Knows nothing of runs and files. */
#ifndef HNI_APP_PLOT_CURVES_H
#define HNI_APP_PLOT_CURVES_H

#include "app/plot/canvas.h"

typedef enum hni_curves_axis { HNI_CURVES_STEPS, HNI_CURVES_SECONDS, HNI_CURVES_EPOCHS } hni_curves_axis;
/* What numbers of the axis are divided by so that they read well up to `longest`, and the name of what they are then. */
double hni_curves_unit(hni_curves_axis axis, double longest, const char **out_name);

/* Points in order of x; a point with a number that is not finite is left out. Either list may be empty. */
typedef struct hni_series {
    const char *name;
    const hni_point *train;
    size_t train_count;
    const hni_point *valid;
    size_t valid_count;
} hni_series;

typedef struct hni_curves {
    const char *quantity; /* what y is: "bits per character" */
    const hni_series *series;
    size_t count; /* may be 0: an empty frame that says so */
    hni_curves_axis axis;
    bool logarithmic; /* x; points at x <= 0 are left out */
    double level;     /* a line at this figure, marks and a table of where each run first reaches it; 0 or NaN: none */
    bool plain_level; /* the line and the marks alone, without the table */
} hni_curves;

/* Draws into the picture's options->width x height (at least 240 x 160); below 520 wide the labels are short. With a level the
 * picture grows by the height of its table. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_curves_picture(hn_context *context, const hni_curves *curves,
                                         const hni_canvas_options *options, hni_text *out_bytes);

/* The first point at or below `level`: of validation, or of training for a series without any validation. False if there is
 * none. */
bool hni_series_first(const hni_series *series, double level, hni_point *out_point);

/* "1,200 steps", "0.25 epochs", "8 min 20 s"; "–" for NaN. */
void hni_curves_place_text(hni_curves_axis axis, double x, char *out_text, size_t size);

#endif
