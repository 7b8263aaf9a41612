/* The frame of a diagram: grid, axes and the numbers at them; and names cut to the room there is. */
#ifndef HNI_APP_PLOT_FRAME_H
#define HNI_APP_PLOT_FRAME_H

#include "app/plot/axis.h"
#include "app/plot/canvas.h"

#define HNI_FRAME_FONT 12.0
#define HNI_NAME_MOST 28 /* characters of a name in labels */

typedef struct hni_frame {
    hni_box box; /* inside the axes: numbers stand left of it and below it */
    hni_axis x, y;
} hni_frame;

/* Grid lines at the marks of y, a line below, marks under it; numbers of x below, those of y to the left if asked for. */
void hni_frame_draw(const hni_frame *frame, hni_canvas *canvas, bool numbers_of_y);
/* Where a point of the data lies in the picture; points outside the axes lie outside the box. */
hni_point hni_frame_place(const hni_frame *frame, hni_point point);
/* The name, cut with "…" after `most` characters. */
void hni_short_name(const char *name, size_t most, char *out_text, size_t size);
/* How a series is told apart from one of the same colour: length of its dashes, 0 for a whole line. */
double hni_series_dash(size_t index);

#endif
