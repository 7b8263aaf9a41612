/* See scale.h. */
#include "app/plot/scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/plot/frame.h"

#define TAIL 0.01
#define BAR 96.0
#define BAR_HEIGHT 9.0
#define SPACE 6.0

static int compare_floats(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Linear between the two nearest of the sorted values. */
static double percentile(const float *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < count ? below + 1 : below;
    double part = place - (double)below;
    return (1.0 - part) * (double)sorted[below] + part * (double)sorted[above];
}

size_t hni_spread(float *values, size_t count, double tail, double *out_low, double *out_high)
{
    size_t finite = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) values[finite++] = values[i];
    }
    *out_low = *out_high = 0;
    if (finite == 0) return 0;
    qsort(values, finite, sizeof *values, compare_floats);
    *out_low = percentile(values, finite, tail);
    *out_high = percentile(values, finite, 1.0 - tail);
    return finite;
}

hni_scale hni_scale_between(hni_scale_kind kind, double low, double high)
{
    if (!(isfinite(low) && isfinite(high) && low <= high)) low = high = 0;
    if (kind == HNI_SCALE_DIVERGING) {
        high = fmax(fabs(low), fabs(high));
        low = -high;
    }
    return (hni_scale){.kind = kind, .low = low, .high = high};
}

hni_scale hni_scale_of(hni_scale_kind kind, float *values, size_t count)
{
    double low, high;
    const size_t finite = hni_spread(values, count, TAIL, &low, &high);
    hni_scale scale = hni_scale_between(kind, low, high);
    scale.values = finite;
    return scale;
}

hni_ink hni_scale_ink(const hni_scale *scale, double value)
{
    if (!isfinite(value)) return HNI_INK_EMPTY;
    const double room = scale->high - scale->low;
    const double share = room > 0 ? (value - scale->low) / room : 0.5;
    return scale->kind == HNI_SCALE_GREY ? hni_ink_grey(share) : hni_ink_diverging(2.0 * share - 1.0);
}

static void end_text(double value, char *out_text, size_t size)
{
    if (value == 0) value = 0; /* no "-0" */
    (void)snprintf(out_text, size, "%.3g", value);
}

double hni_scale_bar(const hni_scale *scale, hni_canvas *canvas, hni_point at)
{
    const bool grey = scale->kind == HNI_SCALE_GREY;
    const int inks = grey ? HNI_GREY_INKS : HNI_DIVERGING_INKS, first = grey ? HNI_INK_GREY : HNI_INK_DIVERGING;
    const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    const double from = at.x;
    char text[32];
    end_text(scale->low, text, sizeof text);
    hni_canvas_text(canvas, at, text, &style);
    at.x += hni_text_width(text, HNI_FRAME_FONT) + SPACE;
    for (int i = 0; i < inks; i++) { /* each reaches under the next one, so that no viewer shows a seam */
        const double cell = BAR / inks;
        hni_canvas_rectangle(
            canvas, (hni_box){at.x + i * cell, at.y - BAR_HEIGHT, cell + (i + 1 < inks ? 1.0 : 0.0), BAR_HEIGHT},
            (hni_ink)(first + i));
    }
    at.x += BAR + SPACE;
    end_text(scale->high, text, sizeof text);
    hni_canvas_text(canvas, at, text, &style);
    return at.x + hni_text_width(text, HNI_FRAME_FONT) - from;
}
