/* The one drawing interface. A drawing is written once against it and comes out as SVG (our own writer: real text, the same
 * bytes every time), PNG or PDF (cairo). Units are CSS pixels, y grows downwards. The first failure is kept and later calls do
 * nothing; hni_canvas_finish reports it. Text may hold any bytes: what cannot be shown becomes "·".
 *
 *     HNI_TRY(hni_canvas_create(ctx, &(hni_canvas_options){.format = HNI_PICTURE_SVG, .width = 200, .height = 100}, &canvas));
 *     hni_canvas_rectangle(canvas, (hni_box){10, 10, 50, 20}, HNI_INK_TEXT);
 *     status = hni_canvas_finish(canvas, &bytes);
 *     hni_canvas_destroy(canvas);
 */
#ifndef HNI_APP_PLOT_CANVAS_H
#define HNI_APP_PLOT_CANVAS_H

#include "app/plot/colour.h"

typedef enum hni_picture_format { HNI_PICTURE_SVG, HNI_PICTURE_PNG, HNI_PICTURE_PDF } hni_picture_format;

typedef struct hni_canvas_options {
    hni_picture_format format;
    double width, height;
    const char *title;       /* says what is seen, for readers who cannot see it; NULL: none */
    const char *description; /* the same at more length; NULL: none */
    hni_theme theme;         /* AUTO: light in PNG and PDF */
    bool inlined;            /* SVG inside a page that has the rules of hni_ink_css already, and its own background */
    double scale;            /* PNG: pixels a unit; 0: 2 */
} hni_canvas_options;

typedef struct hni_canvas hni_canvas;

typedef struct hni_point {
    double x, y;
} hni_point;

typedef struct hni_box {
    double x, y, width, height;
} hni_box;

typedef struct hni_stroke {
    hni_ink ink;
    double width;
    double opacity; /* 0 is read as 1 */
    double dash;    /* length of dashes and gaps; 0: none */
} hni_stroke;

typedef enum hni_anchor { HNI_ANCHOR_START, HNI_ANCHOR_MIDDLE, HNI_ANCHOR_END } hni_anchor;

typedef struct hni_text_style {
    hni_ink ink;
    double size; /* height of the font */
    hni_anchor anchor;
    bool mono; /* a font of one width, read from left to right whatever the script */
    bool bold;
    bool upward;  /* turned, so that it is read from below; `anchor` says which end is at the point */
    double width; /* 0, or the width that the text must take: keeps the characters of a mono text on their columns */
} hni_text_style;

/* Many small squares of few colours, in columns and rows: weights, pixels. They have sharp edges and no seams, and neighbours of one
 * colour are one piece, so that a mosaic of a hundred thousand stays small. */
typedef struct hni_mosaic {
    hni_point at;          /* upper left corner */
    double unit;           /* of the canvas: what one step of the numbers below is */
    const int *left, *top; /* [columns], [rows]: where each begins, in steps; each at least `cell` behind the last */
    size_t columns, rows;
    int cell;                  /* side of a square in steps */
    const uint8_t *paints;     /* [rows,columns]: a hni_ink, or a place in `colours` */
    const hni_colour *colours; /* the same in light and dark; NULL: paints are inks */
} hni_mosaic;

HN_MUST_USE hn_status hni_canvas_create(hn_context *context, const hni_canvas_options *options,
                                        hni_canvas **out_canvas);
void hni_canvas_destroy(hni_canvas *canvas); /* NULL is allowed */

void hni_canvas_polyline(hni_canvas *canvas, const hni_point *points, size_t count, const hni_stroke *stroke);
void hni_canvas_line(hni_canvas *canvas, hni_point from, hni_point to, const hni_stroke *stroke);
void hni_canvas_rectangle(hni_canvas *canvas, hni_box box, hni_ink ink);
void hni_canvas_disc(hni_canvas *canvas, hni_point centre, double radius, hni_ink ink);
void hni_canvas_mosaic(hni_canvas *canvas, const hni_mosaic *mosaic);
/* The point is on the base line. */
void hni_canvas_text(hni_canvas *canvas, hni_point at, const char *text, const hni_text_style *style);
void hni_canvas_text_bytes(hni_canvas *canvas, hni_point at, const void *bytes, size_t size,
                           const hni_text_style *style);
/* Until hni_canvas_clip_end only what lies in the box is seen. Not nested. */
void hni_canvas_clip(hni_canvas *canvas, hni_box box);
void hni_canvas_clip_end(hni_canvas *canvas);
/* Until hni_canvas_hover_end, what is drawn shows this text under the pointer (SVG only). Not nested. */
void hni_canvas_hover(hni_canvas *canvas, const char *text);
void hni_canvas_hover_end(hni_canvas *canvas);

/* Appends the picture's bytes; the canvas can only be destroyed after it. */
HN_MUST_USE hn_status hni_canvas_finish(hni_canvas *canvas, hni_text *out_bytes);

/* About how wide a text of the proportional font is: for laying out legends and margins. */
double hni_text_width(const char *text, double size);

/* The format that a file name's ending asks for: .svg, .png or .pdf. Anything else is an error that names the three. */
HN_MUST_USE hn_status hni_picture_format_of(hn_context *context, const char *path, hni_picture_format *out_format);

#endif
