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
/* Small diagrams side by side in rows, numbers left of the first of each row. */
typedef struct hni_panels {
    size_t columns, rows;
    double left, width, gap; /* of the first diagram's box; of each box; between two */
} hni_panels;

/* As many of `count` in a row as have room at 150 each, rows of about the same length. `edge` is kept free on both sides. */
hni_panels hni_panels_lay_out(size_t count, double picture_width, double edge);
/* Left end of the box of diagram `index`. */
double hni_panels_x(const hni_panels *panels, size_t index);

/* The name, cut with "…" after `most` characters. */
void hni_short_name(const char *name, size_t most, char *out_text, size_t size);
/* How a series is told apart from one of the same colour: length of its dashes, 0 for a whole line. */
double hni_series_dash(size_t index);

#endif
