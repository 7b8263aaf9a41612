/* The cairo side of the canvas: PNG and PDF. Hinting is off, so that text stands where it stands in the SVG; the status of
 * cairo is looked at before a byte is handed out, since after an error it would draw nothing and say nothing. */
#include <cairo-pdf.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#include "app/plot/backend.h"

/* The date in a PDF must not depend on the day. */
static const char fixed_date[] = "2000-01-01T00:00:00Z";

static cairo_status_t take_bytes(void *closure, const unsigned char *bytes, unsigned int size)
{
    hni_text *body = closure;
    hni_text_add_bytes(body, bytes, size);
    return body->status == HN_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static hn_status check(const hni_canvas *canvas, cairo_status_t result)
{
    if (canvas->body.status != HN_OK) return canvas->body.status; /* out of memory while bytes were taken */
    if (result == CAIRO_STATUS_SUCCESS) return HN_OK;
    return hni_error(canvas->context, result == CAIRO_STATUS_NO_MEMORY ? HN_ERROR_MEMORY : HN_ERROR_STATE,
                     "picture: the drawing library cairo failed: %s", cairo_status_to_string(result));
}

static bool is_dark(const hni_canvas *canvas) { return canvas->options.theme == HNI_THEME_DARK; }

static void set_ink(const hni_canvas *canvas, hni_ink ink, double opacity)
{
    hni_colour colour = hni_ink_colour(ink, is_dark(canvas));
    cairo_set_source_rgba(canvas->pen, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0,
                          opacity > 0 ? opacity : 1.0);
}

static cairo_surface_t *create_pdf(hni_canvas *canvas)
{
    const hni_canvas_options *options = &canvas->options;
    const double point = 0.75; /* CSS pixels are 1/96, points of PDF 1/72 of an inch */
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(take_bytes, &canvas->body, options->width * point, options->height * point);
    cairo_surface_set_fallback_resolution(surface, 300, 300);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, fixed_date);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "hypernet " HYPERNET_VERSION);
    canvas->options.scale = point;
    return surface;
}

static hn_status begin(hni_canvas *canvas)
{
    const hni_canvas_options *options = &canvas->options;
    canvas->surface = options->format == HNI_PICTURE_PDF
                          ? create_pdf(canvas)
                          : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(options->width * options->scale),
                                                       (int)ceil(options->height * options->scale));
    canvas->pen = cairo_create(canvas->surface);
    hn_status status = check(canvas, cairo_status(canvas->pen));
    if (status != HN_OK) return status;

    if (options->format == HNI_PICTURE_PDF && options->title != NULL) {
        hni_markup_clean(&canvas->scratch, options->title, strlen(options->title));
        if (canvas->scratch.data != NULL) {
            cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_TITLE, canvas->scratch.data);
        }
    }
    cairo_font_options_t *font = cairo_font_options_create();
    cairo_font_options_set_hint_style(font, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(font, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(font, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(canvas->pen, font);
    cairo_font_options_destroy(font);
    set_ink(canvas, HNI_INK_PAPER, 1.0);
    cairo_paint(canvas->pen);
    cairo_scale(canvas->pen, options->scale, options->scale);
    cairo_set_line_join(canvas->pen, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(canvas->pen, CAIRO_LINE_CAP_ROUND);
    return HN_OK;
}

static void draw_polyline(hni_canvas *canvas, const hni_point *points, size_t count, const hni_stroke *stroke)
{
    cairo_t *pen = canvas->pen;
    set_ink(canvas, stroke->ink, stroke->opacity);
    cairo_set_line_width(pen, stroke->width);
    cairo_set_dash(pen, &stroke->dash, stroke->dash > 0 ? 1 : 0, 0);
    cairo_new_path(pen);
    for (size_t i = 0; i < count; i++)
        cairo_line_to(pen, points[i].x, points[i].y);
    cairo_stroke(pen);
}

/* Without antialiasing: neighbours that share an edge would otherwise show a seam. */
static void draw_rectangle(hni_canvas *canvas, hni_box box, hni_ink ink)
{
    cairo_t *pen = canvas->pen;
    set_ink(canvas, ink, 1.0);
    cairo_set_antialias(pen, CAIRO_ANTIALIAS_NONE);
    cairo_rectangle(pen, box.x, box.y, box.width, box.height);
    cairo_fill(pen);
    cairo_set_antialias(pen, CAIRO_ANTIALIAS_DEFAULT);
}

static void draw_disc(hni_canvas *canvas, hni_point centre, double radius, hni_ink ink)
{
    set_ink(canvas, ink, 1.0);
    cairo_new_path(canvas->pen);
    cairo_arc(canvas->pen, centre.x, centre.y, radius, 0.0, 6.283185307179586);
    cairo_fill(canvas->pen);
}

static void set_paint(const hni_canvas *canvas, const hni_mosaic *mosaic, int paint)
{
    if (mosaic->colours == NULL) {
        set_ink(canvas, (hni_ink)paint, 1.0);
        return;
    }
    hni_colour colour = mosaic->colours[paint];
    cairo_set_source_rgb(canvas->pen, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0);
}

/* `more` steps wider and higher. */
static void add_piece(cairo_t *pen, const hni_mosaic *mosaic, const hni_mosaic_piece *piece, const double more[2])
{
    hni_mosaic_box box = hni_mosaic_box_of(mosaic, piece);
    cairo_rectangle(pen, mosaic->at.x + box.x * mosaic->unit, mosaic->at.y + box.y * mosaic->unit,
                    (box.width + more[0]) * mosaic->unit, (box.height + more[1]) * mosaic->unit);
}

/* One colour after the other, which is fast. */
static void draw_by_paint(hni_canvas *canvas, const hni_mosaic *mosaic)
{
    cairo_t *pen = canvas->pen;
    hni_mosaic_paints paints;
    hni_mosaic_count(mosaic, &paints);
    set_paint(canvas, mosaic, paints.ground);
    for (hni_mosaic_piece piece = {0}; hni_mosaic_next_block(mosaic, &piece);)
        add_piece(pen, mosaic, &piece, (double[]){0, 0});
    cairo_fill(pen);
    for (int paint = 0; paint < HNI_MOSAIC_PAINTS; paint++) {
        if (paints.cells[paint] == 0 || paint == paints.ground) continue;
        set_paint(canvas, mosaic, paint);
        for (hni_mosaic_piece piece = {0}; hni_mosaic_next_run(mosaic, paint, &piece);)
            add_piece(pen, mosaic, &piece, (double[]){0, 0});
        cairo_fill(pen);
    }
}

/* One place after the other: each run reaches under those to its right and below it, which are drawn over it. Viewers of PDF smooth all
 * edges, and would show the paper between two that only touch. */
static void draw_by_place(hni_canvas *canvas, const hni_mosaic *mosaic)
{
    const double overlap = 0.5 * mosaic->cell;
    for (hni_mosaic_piece piece = {0}; hni_mosaic_next_run(mosaic, HNI_MOSAIC_ANY, &piece);) {
        const double more[2] = {hni_mosaic_goes_on(mosaic, &piece, false) ? overlap : 0.0,
                                hni_mosaic_goes_on(mosaic, &piece, true) ? overlap : 0.0};
        set_paint(canvas, mosaic, mosaic->paints[piece.row * mosaic->columns + piece.column]);
        add_piece(canvas->pen, mosaic, &piece, more);
        cairo_fill(canvas->pen);
    }
}

static void draw_mosaic(hni_canvas *canvas, const hni_mosaic *mosaic)
{
    cairo_set_antialias(canvas->pen, CAIRO_ANTIALIAS_NONE);
    if (canvas->options.format == HNI_PICTURE_PDF) {
        draw_by_place(canvas, mosaic);
    } else {
        draw_by_paint(canvas, mosaic);
    }
    cairo_set_antialias(canvas->pen, CAIRO_ANTIALIAS_DEFAULT);
}

static void draw_text(hni_canvas *canvas, hni_point at, const char *clean, const hni_text_style *style)
{
    cairo_t *pen = canvas->pen;
    cairo_text_extents_t extents;
    set_ink(canvas, style->ink, 1.0);
    cairo_select_font_face(pen, style->mono ? "DejaVu Sans Mono" : "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           style->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(pen, style->size);
    cairo_text_extents(pen, clean, &extents);
    double width = extents.x_advance;
    double stretch = style->width > 0 && width > 0 ? style->width / width : 1.0;
    double shift = style->anchor == HNI_ANCHOR_START ? 0.0 : style->anchor == HNI_ANCHOR_MIDDLE ? 0.5 : 1.0;
    cairo_save(pen);
    cairo_translate(pen, at.x, at.y);
    if (style->upward) cairo_rotate(pen, -1.5707963267948966);
    cairo_scale(pen, stretch, 1.0);
    cairo_move_to(pen, -shift * width, 0.0);
    cairo_show_text(pen, clean);
    cairo_restore(pen);
    cairo_new_path(pen);
}

static void draw_clip(hni_canvas *canvas, const hni_box *box)
{
    cairo_t *pen = canvas->pen;
    if (box == NULL) {
        cairo_reset_clip(pen);
        return;
    }
    cairo_rectangle(pen, box->x, box->y, box->width, box->height);
    cairo_clip(pen);
}

static void draw_hover(hni_canvas *canvas, const char *text)
{
    (void)canvas; /* a printed picture has no pointer */
    (void)text;
}

static hn_status finish(hni_canvas *canvas, hni_text *out)
{
    hn_status status = check(canvas, cairo_status(canvas->pen));
    if (status != HN_OK) return status;
    if (canvas->options.format == HNI_PICTURE_PDF) {
        cairo_show_page(canvas->pen);
        cairo_surface_finish(canvas->surface);
        status = check(canvas, cairo_surface_status(canvas->surface));
    } else {
        cairo_surface_flush(canvas->surface);
        status = check(canvas, cairo_surface_write_to_png_stream(canvas->surface, take_bytes, &canvas->body));
    }
    if (status != HN_OK) return status;
    hni_text_add_bytes(out, canvas->body.data, canvas->body.size);
    return out->status;
}

static void end(hni_canvas *canvas)
{
    if (canvas->pen != NULL) cairo_destroy(canvas->pen);
    if (canvas->surface != NULL) {
        cairo_surface_finish(canvas->surface);
        cairo_surface_destroy(canvas->surface);
    }
}

const hni_canvas_backend hni_canvas_cairo = {
    .begin = begin,
    .polyline = draw_polyline,
    .rectangle = draw_rectangle,
    .disc = draw_disc,
    .mosaic = draw_mosaic,
    .text = draw_text,
    .clip = draw_clip,
    .hover = draw_hover,
    .finish = finish,
    .end = end,
};
