/* Numbers as colours: a range, the colours between its ends, and the bar that shows both. */
#ifndef HNI_APP_PLOT_SCALE_H
#define HNI_APP_PLOT_SCALE_H

#include "app/plot/canvas.h"

typedef enum hni_scale_kind {
    HNI_SCALE_GREY,     /* black the least, white the most */
    HNI_SCALE_DIVERGING /* blue below 0, orange above it, as far on either side */
} hni_scale_kind;

typedef struct hni_scale {
    hni_scale_kind kind;
    double low, high; /* what lies beyond has the colour of the nearer end */
    size_t values;    /* finite ones that the range was found from; 0: there are none */
} hni_scale;

/* The `tail` smallest and `tail` largest shares of the finite values lie outside low .. high. Moves those to the front and
 * sorts them; returns how many there are. 0: low = high = 0. */
size_t hni_spread(float *values, size_t count, double tail, double *out_low, double *out_high);

/* From the 1st to the 99th percentile of the values, so that one outlier does not pale the rest; a diverging scale from -a to a, where
 * a is the larger of the two. The values are put in another order. */
hni_scale hni_scale_of(hni_scale_kind kind, float *values, size_t count);
/* As given; a diverging scale is widened to be as long on both sides. Ends that are not finite or not in order give 0 .. 0. */
hni_scale hni_scale_between(hni_scale_kind kind, double low, double high);

/* HNI_INK_EMPTY for a value that is not finite. Where low = high every value has the middle colour. */
hni_ink hni_scale_ink(const hni_scale *scale, double value);

/* "-0.12 [colours] 0.12" on one line; `at` is on the base line of the words. Returns the width. */
double hni_scale_bar(const hni_scale *scale, hni_canvas *canvas, hni_point at);

#endif
