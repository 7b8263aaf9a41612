/* Where the marks of an axis stand and what is written beside them. */
#ifndef HNI_APP_PLOT_AXIS_H
#define HNI_APP_PLOT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

#define HNI_TICKS_MOST 24

typedef struct hni_axis {
    double low, high; /* low < high; with `logarithmic` both above 0 */
    bool logarithmic;
    double ticks[HNI_TICKS_MOST];
    size_t tick_count;
    int decimals; /* that tell the ticks of a linear axis apart */
} hni_axis;

/* Marks at 1, 2 or 5 times a power of ten, about `wanted` of them, within low .. high. Numbers that are not finite or not in
 * order are mended to a range that can be drawn. */
void hni_axis_make(hni_axis *axis, double low, double high, int wanted, bool logarithmic);
/* 0 at `low`, 1 at `high`. */
double hni_axis_share(const hni_axis *axis, double value);
/* "0.25", "1,500", "20k", "3M", "2e-4". */
void hni_axis_label(const hni_axis *axis, double value, char *out_text, size_t size);

#endif
