/* What a canvas is made of inside: the shared part, and the functions that SVG and cairo fill in. Only canvas*.c and mosaic.c read this. */
#ifndef HNI_APP_PLOT_BACKEND_H
#define HNI_APP_PLOT_BACKEND_H

#include "app/plot/canvas.h"

typedef struct hni_canvas_backend {
    hn_status (*begin)(hni_canvas *canvas);
    void (*polyline)(hni_canvas *canvas, const hni_point *points, size_t count, const hni_stroke *stroke);
    void (*rectangle)(hni_canvas *canvas, hni_box box, hni_ink ink);
    void (*disc)(hni_canvas *canvas, hni_point centre, double radius, hni_ink ink);
    void (*mosaic)(hni_canvas *canvas, const hni_mosaic *mosaic);
    void (*text)(hni_canvas *canvas, hni_point at, const char *clean,
                 const hni_text_style *style);            /* printable UTF-8 */
    void (*clip)(hni_canvas *canvas, const hni_box *box); /* NULL ends it */
    void (*hover)(hni_canvas *canvas, const char *text);  /* NULL ends it */
    hn_status (*finish)(hni_canvas *canvas, hni_text *out_bytes);
    void (*end)(hni_canvas *canvas);
} hni_canvas_backend;

struct hni_canvas {
    hn_context *context;
    const hni_canvas_backend *backend;
    hni_canvas_options options;
    hni_text scratch; /* cleaned text of the call that runs */
    hni_text body;    /* SVG: the elements so far */
    hni_inks inks;    /* SVG: those that occur */
    void *surface;    /* cairo: cairo_surface_t */
    void *pen;        /* cairo: cairo_t */
    hn_status status; /* the first failure */
};

/* A mosaic in pieces. First the ground, which is the paint that is seen most: it fills whole blocks, the ranges of columns and rows
 * without a gap. On it the runs of every other paint. */
#define HNI_MOSAIC_PAINTS 256
#define HNI_MOSAIC_ANY (-1)
typedef struct hni_mosaic_piece {
    size_t row, rows, column, columns;
} hni_mosaic_piece;
typedef struct hni_mosaic_paints {
    size_t cells[HNI_MOSAIC_PAINTS]; /* of each paint */
    int ground;
} hni_mosaic_paints;
void hni_mosaic_count(const hni_mosaic *mosaic, hni_mosaic_paints *out_paints);
/* Each moves `piece` to the next one and returns false behind the last; before the first, piece is {0}. Runs of one paint, or of any:
 * then each has the paint of its first cell. */
bool hni_mosaic_next_block(const hni_mosaic *mosaic, hni_mosaic_piece *piece);
bool hni_mosaic_next_run(const hni_mosaic *mosaic, int paint, hni_mosaic_piece *piece);
/* Whether a cell touches the piece from the right, or from below. */
bool hni_mosaic_goes_on(const hni_mosaic *mosaic, const hni_mosaic_piece *piece, bool below);
/* In steps of the mosaic. */
typedef struct hni_mosaic_box {
    int x, y, width, height;
} hni_mosaic_box;
hni_mosaic_box hni_mosaic_box_of(const hni_mosaic *mosaic, const hni_mosaic_piece *piece);

extern const hni_canvas_backend hni_canvas_svg;
extern const hni_canvas_backend hni_canvas_cairo;

#endif
