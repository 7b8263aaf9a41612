/* What the files of the learning curves share; only curves*.c read this. */
#ifndef HNI_APP_PLOT_CURVES_DRAWING_H
#define HNI_APP_PLOT_CURVES_DRAWING_H

#include "app/plot/curves.h"
#include "app/plot/frame.h"

typedef struct hni_end_label {
    size_t series;
    hni_point end; /* of the line */
    double y;      /* where the label stands */
    double value;
} hni_end_label;

typedef struct hni_curves_drawing {
    const hni_curves *curves;
    hni_canvas *canvas;
    double width, height; /* without the table of a level */
    bool narrow;
    double edge;           /* left of legend and heading; 0 inside a page, whose text they line up with */
    double unit;           /* of the x axis: x is divided by it */
    const char *unit_name; /* "steps", "epochs", "seconds", "minutes", "hours" */
    double highest;        /* of all values, even those above the frame */
    hni_frame frame;
    hni_end_label *labels;
    size_t label_count;
    hni_point *scratch; /* room for the longest line */
} hni_curves_drawing;

/* True for a point that can be drawn. */
bool hni_curves_is_usable(const hni_curves *curves, hni_point point);
hni_point hni_curves_place(const hni_curves_drawing *drawing, hni_point point);

/* Labels at the lines' ends: where each line ends, the room they take, their places, and the labels themselves. */
void hni_curves_collect_labels(hni_curves_drawing *drawing);
double hni_curves_label_room(const hni_curves_drawing *drawing);
void hni_curves_spread_labels(hni_curves_drawing *drawing);
void hni_curves_draw_labels(const hni_curves_drawing *drawing);
/* Names with their colours in rows, where the labels do not suffice; returns the height. */
double hni_curves_legend(const hni_curves_drawing *drawing, double top);

/* The level's line with a mark for each run, and the table under the curves. */
bool hni_curves_has_level(const hni_curves *curves);
double hni_curves_table_height(const hni_curves *curves);
void hni_curves_draw_level(const hni_curves_drawing *drawing);
void hni_curves_draw_table(const hni_curves_drawing *drawing);

#endif
