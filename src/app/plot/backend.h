/* What a canvas is made of inside: the shared part, and the functions that SVG and cairo fill in. Only canvas*.c read this. */
#ifndef HNI_APP_PLOT_BACKEND_H
#define HNI_APP_PLOT_BACKEND_H

#include "app/plot/canvas.h"

typedef struct hni_canvas_backend {
    hn_status (*begin)(hni_canvas *canvas);
    void (*polyline)(hni_canvas *canvas, const hni_point *points, size_t count, const hni_stroke *stroke);
    void (*rectangle)(hni_canvas *canvas, hni_box box, hni_ink ink);
    void (*disc)(hni_canvas *canvas, hni_point centre, double radius, hni_ink ink);
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
    void *surface;    /* cairo: cairo_surface_t */
    void *pen;        /* cairo: cairo_t */
    hn_status status; /* the first failure */
};

extern const hni_canvas_backend hni_canvas_svg;
extern const hni_canvas_backend hni_canvas_cairo;

#endif
