/* See canvas.h: the part that SVG and cairo share. */
#include "app/plot/canvas.h"

#include <string.h>
#include <strings.h>

#include "app/plot/backend.h"
#include "app/plot/utf8.h"
#include "core/alloc.h"

#define LARGEST_SIDE 32000.0 /* cairo's images end at 32,767 pixels */

hn_status hni_canvas_create(hn_context *context, const hni_canvas_options *options, hni_canvas **out_canvas)
{
    hni_canvas *canvas = NULL;
    hn_status status = HN_OK;
    *out_canvas = NULL;
    double scale = options->scale > 0 ? options->scale : 2.0;
    double pixels = options->format == HNI_PICTURE_PNG ? scale : 1.0;
    if (!(options->width >= 1 && options->height >= 1 && options->width * pixels <= LARGEST_SIDE &&
          options->height * pixels <= LARGEST_SIDE)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "picture: %.0f x %.0f is too large or empty (a side may have %.0f): show less, or write SVG",
                         options->width * pixels, options->height * pixels, LARGEST_SIDE);
    }
    HNI_TRY(hni_alloc(context, "picture", sizeof *canvas, (void **)&canvas));
    canvas->context = context;
    canvas->options = *options;
    canvas->options.scale = scale;
    canvas->backend = options->format == HNI_PICTURE_SVG ? &hni_canvas_svg : &hni_canvas_cairo;
    canvas->scratch = (hni_text){.context = context};
    canvas->body = (hni_text){.context = context};
    HNI_TRY(canvas->backend->begin(canvas));
    *out_canvas = canvas;
    canvas = NULL;

cleanup:
    hni_canvas_destroy(canvas);
    return status;
}

void hni_canvas_destroy(hni_canvas *canvas)
{
    if (canvas == NULL) return;
    canvas->backend->end(canvas);
    hni_text_free(&canvas->scratch);
    hni_text_free(&canvas->body);
    hni_free(canvas->context, canvas);
}

void hni_canvas_polyline(hni_canvas *canvas, const hni_point *points, size_t count, const hni_stroke *stroke)
{
    if (canvas->status == HN_OK && count >= 2) canvas->backend->polyline(canvas, points, count, stroke);
}

void hni_canvas_line(hni_canvas *canvas, hni_point from, hni_point to, const hni_stroke *stroke)
{
    hni_point points[2] = {from, to};
    hni_canvas_polyline(canvas, points, 2, stroke);
}

void hni_canvas_rectangle(hni_canvas *canvas, hni_box box, hni_ink ink)
{
    if (canvas->status == HN_OK) canvas->backend->rectangle(canvas, box, ink);
}

void hni_canvas_disc(hni_canvas *canvas, hni_point centre, double radius, hni_ink ink)
{
    if (canvas->status == HN_OK) canvas->backend->disc(canvas, centre, radius, ink);
}

void hni_canvas_mosaic(hni_canvas *canvas, const hni_mosaic *mosaic)
{
    if (canvas->status == HN_OK && mosaic->columns > 0 && mosaic->rows > 0) canvas->backend->mosaic(canvas, mosaic);
}

/* The bytes as printable UTF-8; cairo would draw nothing at all after one bad byte. */
static const char *clean(hni_canvas *canvas, const void *bytes, size_t size)
{
    canvas->scratch.size = 0;
    hni_markup_clean(&canvas->scratch, bytes, size);
    canvas->status = canvas->scratch.status;
    return canvas->status == HN_OK && canvas->scratch.size > 0 ? canvas->scratch.data : NULL;
}

void hni_canvas_text_bytes(hni_canvas *canvas, hni_point at, const void *bytes, size_t size,
                           const hni_text_style *style)
{
    if (canvas->status != HN_OK) return;
    const char *text = clean(canvas, bytes, size);
    if (text != NULL) canvas->backend->text(canvas, at, text, style);
}

void hni_canvas_text(hni_canvas *canvas, hni_point at, const char *text, const hni_text_style *style)
{
    hni_canvas_text_bytes(canvas, at, text, strlen(text), style);
}

void hni_canvas_clip(hni_canvas *canvas, hni_box box)
{
    if (canvas->status == HN_OK) canvas->backend->clip(canvas, &box);
}

void hni_canvas_clip_end(hni_canvas *canvas)
{
    if (canvas->status == HN_OK) canvas->backend->clip(canvas, NULL);
}

void hni_canvas_hover(hni_canvas *canvas, const char *text)
{
    if (canvas->status != HN_OK) return;
    const char *readable = clean(canvas, text, strlen(text));
    if (canvas->status == HN_OK) canvas->backend->hover(canvas, readable == NULL ? "" : readable);
}

void hni_canvas_hover_end(hni_canvas *canvas)
{
    if (canvas->status == HN_OK) canvas->backend->hover(canvas, NULL);
}

hn_status hni_canvas_finish(hni_canvas *canvas, hni_text *out_bytes)
{
    if (canvas->status != HN_OK) return canvas->status;
    return canvas->backend->finish(canvas, out_bytes);
}

double hni_text_width(const char *text, double size)
{
    double columns = 0;
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        hni_glyph glyph = hni_glyph_at((const unsigned char *)text, length, at);
        columns += glyph.columns;
        at += glyph.size;
    }
    return columns * size * 0.57; /* a little more than the mean of English text in DejaVu Sans */
}

hn_status hni_picture_format_of(hn_context *context, const char *path, hni_picture_format *out_format)
{
    static const struct {
        const char *ending;
        hni_picture_format format;
    } endings[] = {{".svg", HNI_PICTURE_SVG}, {".png", HNI_PICTURE_PNG}, {".pdf", HNI_PICTURE_PDF}};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (length > 4 && strcasecmp(path + length - 4, endings[i].ending) == 0) {
            *out_format = endings[i].format;
            return HN_OK;
        }
    }
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: a picture's name must end in .svg, .png or .pdf", path);
}
