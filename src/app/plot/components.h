/* Two principal components as the axes of a diagram: one scale for both, so that distances can be compared, and what they carry. */
#ifndef HNI_APP_PLOT_COMPONENTS_H
#define HNI_APP_PLOT_COMPONENTS_H

#include "app/plot/frame.h"

/* Points that share a diagram. Those that are not finite are not taken up. */
typedef struct hni_components {
    hni_point low, high;
    size_t count;
    double share[2]; /* of the variance that each component carries, 0 .. 1; NaN: not known */
} hni_components;

void hni_components_add(hni_components *components, double x, double y);
/* The axes of frame->box, with a margin for labels. At least one point was added. */
void hni_components_axes(const hni_components *components, hni_frame *frame, bool narrow);
/* The frame, and "first component, 61 % of variance" at each axis; that of y stands 12 above the box, from `left` on. */
void hni_components_draw(const hni_components *components, const hni_frame *frame, double left, hni_canvas *canvas);

#endif
