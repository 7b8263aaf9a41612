/* See components.h. */
#include "app/plot/components.h"

#include <math.h>
#include <stdio.h>

void hni_components_add(hni_components *components, double x, double y)
{
    const bool first = components->count == 0;
    if (!isfinite(x) || !isfinite(y)) return;
    components->low.x = first ? x : fmin(components->low.x, x);
    components->low.y = first ? y : fmin(components->low.y, y);
    components->high.x = first ? x : fmax(components->high.x, x);
    components->high.y = first ? y : fmax(components->high.y, y);
    components->count++;
}

void hni_components_axes(const hni_components *components, hni_frame *frame, bool narrow)
{
    const hni_box *box = &frame->box;
    const hni_point low = components->low, high = components->high;
    const hni_point middle = {low.x / 2.0 + high.x / 2.0, low.y / 2.0 + high.y / 2.0};
    const double far = fmax(fabs(middle.x), fabs(middle.y));
    double half = 1.1 * fmax(high.x / 2.0 - low.x / 2.0, (high.y / 2.0 - low.y / 2.0) * box->width / box->height);
    if (!(half > 1e-9 * far)) half = far > 0 ? 0.1 * far : 1.0; /* all in one place */
    const double other = half * box->height / box->width;
    hni_axis_make(&frame->x, middle.x - half, middle.x + half, narrow ? 4 : 7, false);
    hni_axis_make(&frame->y, middle.y - other, middle.y + other, narrow ? 4 : 6, false);
}

static void component_text(const hni_components *components, int component, char *out_text, size_t size)
{
    static const char *const names[] = {"first", "second"};
    const double share = components->share[component];
    const int length = snprintf(out_text, size, "%s component", names[component]);
    if (isfinite(share))
        (void)snprintf(out_text + length, size - (size_t)length, ", %.0f %% of variance", 100.0 * share);
}

void hni_components_draw(const hni_components *components, const hni_frame *frame, double left, hni_canvas *canvas)
{
    const hni_box *box = &frame->box;
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    char text[400];
    hni_frame_draw(frame, canvas, true);
    component_text(components, 1, text, sizeof text);
    hni_canvas_text(canvas, (hni_point){left, box->y - 12.0}, text, &style);
    component_text(components, 0, text, sizeof text);
    style.anchor = HNI_ANCHOR_MIDDLE;
    hni_canvas_text(canvas, (hni_point){box->x + box->width / 2.0, box->y + box->height + 36.0}, text, &style);
}
