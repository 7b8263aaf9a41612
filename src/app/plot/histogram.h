/* Histograms of φ(c) in [-1, 1] (the paper's figure 5): one small diagram for each model, side by side at one scale, with the share
 * of saturated values, |φ| > 0.95, where a unit hardly passes a gradient. Knows nothing of models.
 *
 *     hni_histogram_series series[2] = {{.name = "LSTM"}, {.name = "HyperLSTM"}};
 *     hni_histogram_add(&series[0].counts, phi, count);                      // as often as there are values
 *     HNI_TRY(hni_histogram_picture(ctx, &(hni_histogram){.series = series, .count = 2}, &options, &picture));
 */
#ifndef HNI_APP_PLOT_HISTOGRAM_H
#define HNI_APP_PLOT_HISTOGRAM_H

#include "app/plot/canvas.h"

#define HNI_HISTOGRAM_BINS 40 /* of 0.05 each, so that the first and the last are the saturated ones */

typedef struct hni_histogram_counts {
    uint64_t bins[HNI_HISTOGRAM_BINS];
    uint64_t total; /* sum of the bins */
} hni_histogram_counts;

typedef struct hni_histogram_series {
    const char *name;
    hni_histogram_counts counts; /* all 0: the diagram says that there are no values */
} hni_histogram_series;

typedef struct hni_histogram {
    const hni_histogram_series *series;
    size_t count;         /* may be 0: a picture that says so */
    const char *quantity; /* what was counted; NULL: "φ(c)" */
} hni_histogram;

/* Counts values; those outside [-1, 1] go to the outermost bins, those that are no number are left out. */
void hni_histogram_add(hni_histogram_counts *counts, const float *values, size_t count);
/* Share of values with |φ| > 0.95, 0 .. 1; NaN if there are none. */
double hni_histogram_saturated(const hni_histogram_counts *counts);

/* Draws into the picture's options->width (at least 240); options->height is ignored: the picture is as high as its rows of
 * diagrams need. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_histogram_picture(hn_context *context, const hni_histogram *histogram,
                                            const hni_canvas_options *options, hni_text *out_bytes);

#endif
