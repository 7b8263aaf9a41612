/* The SVG side of the canvas: few elements, classes for colours (so that a page's light or dark rules reach them), real text.
 * The same calls give the same bytes, always. */

#include "app/plot/backend.h"

static hn_status begin(hni_canvas *canvas)
{
    (void)canvas;
    return HN_OK;
}

/* ` name="number"` */
static void attribute(hni_text *body, const char *name, double number)
{
    hni_text_add(body, " %s=\"", name);
    hni_markup_number(body, number);
    hni_markup_text(body, "\"");
}

static void fill_class(hni_canvas *canvas, hni_ink ink)
{
    canvas->inks.fills[ink] = true;
    hni_text_add(&canvas->body, "f%d\"", ink);
}

static void draw_polyline(hni_canvas *canvas, const hni_point *points, size_t count, const hni_stroke *stroke)
{
    hni_text *body = &canvas->body;
    canvas->inks.lines[stroke->ink] = true;
    hni_text_add(body, "<polyline class=\"l l%d\"", stroke->ink);
    attribute(body, "stroke-width", stroke->width);
    if (stroke->opacity > 0 && stroke->opacity < 1) attribute(body, "opacity", stroke->opacity);
    if (stroke->dash > 0) attribute(body, "stroke-dasharray", stroke->dash);
    hni_markup_text(body, " points=\"");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) hni_markup_text(body, " ");
        hni_markup_number(body, points[i].x);
        hni_markup_text(body, ",");
        hni_markup_number(body, points[i].y);
    }
    hni_markup_text(body, "\"/>\n");
}

static void draw_rectangle(hni_canvas *canvas, hni_box box, hni_ink ink)
{
    hni_text *body = &canvas->body;
    hni_markup_text(body, "<rect class=\"");
    fill_class(canvas, ink);
    attribute(body, "x", box.x);
    attribute(body, "y", box.y);
    attribute(body, "width", box.width);
    attribute(body, "height", box.height);
    hni_markup_text(body, "/>\n");
}

static void draw_disc(hni_canvas *canvas, hni_point centre, double radius, hni_ink ink)
{
    hni_text *body = &canvas->body;
    hni_markup_text(body, "<circle class=\"");
    fill_class(canvas, ink);
    attribute(body, "cx", centre.x);
    attribute(body, "cy", centre.y);
    attribute(body, "r", radius);
    hni_markup_text(body, "/>\n");
}

static void write_place(hni_text *body, const char *before, hni_point at)
{
    hni_markup_text(body, before);
    hni_markup_number(body, at.x);
    hni_markup_text(body, " ");
    hni_markup_number(body, at.y);
}

/* The class or the colour of a paint, for filling (the ground) or for lines (the runs). */
static void write_paint(hni_canvas *canvas, const hni_mosaic *mosaic, int paint, bool fills)
{
    hni_text *body = &canvas->body;
    if (mosaic->colours != NULL) {
        hni_colour colour = mosaic->colours[paint];
        hni_text_add(body, "<path %s=\"#%02x%02x%02x\" d=\"", fills ? "fill" : "stroke", colour.red, colour.green,
                     colour.blue);
        return;
    }
    *(fills ? &canvas->inks.fills[paint] : &canvas->inks.lines[paint]) = true;
    hni_text_add(body, "<path class=\"%c%d\" d=\"", fills ? 'f' : 'l', paint);
}

static void write_ground(hni_canvas *canvas, const hni_mosaic *mosaic, int paint)
{
    write_paint(canvas, mosaic, paint, true);
    for (hni_mosaic_piece piece = {0}; hni_mosaic_next_block(mosaic, &piece);) {
        hni_mosaic_box box = hni_mosaic_box_of(mosaic, &piece);
        hni_text_add(&canvas->body, "M%d %dh%dv%dh%dz", box.x, box.y, box.width, box.height, -box.width);
    }
    hni_markup_text(&canvas->body, "\"/>\n");
}

/* A run is a line as thick as a cell: "m4 0h3" is the shortest that SVG has for a rectangle. */
static void write_runs(hni_canvas *canvas, const hni_mosaic *mosaic, int paint)
{
    int x = 0, y = 0;
    write_paint(canvas, mosaic, paint, false);
    hni_text_add(&canvas->body, mosaic->cell % 2 == 0 ? "M0 %d" : "M0 %d.5", mosaic->cell / 2);
    for (hni_mosaic_piece piece = {0}; hni_mosaic_next_run(mosaic, paint, &piece);) {
        hni_mosaic_box box = hni_mosaic_box_of(mosaic, &piece);
        hni_text_add(&canvas->body, "m%d %dh%d", box.x - x, box.y - y, box.width);
        x = box.x + box.width;
        y = box.y;
    }
    hni_markup_text(&canvas->body, "\"/>\n");
}

static void draw_mosaic(hni_canvas *canvas, const hni_mosaic *mosaic)
{
    hni_text *body = &canvas->body;
    hni_mosaic_paints paints;
    hni_mosaic_count(mosaic, &paints);
    write_place(body, "<g transform=\"translate(", mosaic->at);
    hni_markup_text(body, ")scale(.001)scale("); /* numbers have two decimals: too few for a scale */
    hni_markup_number(body, 1000.0 * mosaic->unit);
    hni_text_add(body, ")\" shape-rendering=\"crispEdges\" fill=\"none\" stroke-width=\"%d\">\n", mosaic->cell);
    write_ground(canvas, mosaic, paints.ground);
    for (int paint = 0; paint < HNI_MOSAIC_PAINTS; paint++) {
        if (paints.cells[paint] > 0 && paint != paints.ground) write_runs(canvas, mosaic, paint);
    }
    hni_markup_text(body, "</g>\n");
}

static void draw_text(hni_canvas *canvas, hni_point at, const char *clean, const hni_text_style *style)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    hni_text *body = &canvas->body;
    hni_text_add(body, "<text class=\"%s ", style->mono ? "m" : "s");
    fill_class(canvas, style->ink);
    if (style->upward) {
        write_place(body, " transform=\"translate(", at);
        hni_markup_text(body, ")rotate(-90)\"");
    } else {
        attribute(body, "x", at.x);
        attribute(body, "y", at.y);
    }
    attribute(body, "font-size", style->size);
    hni_markup_text(body, anchors[style->anchor]);
    if (style->bold) hni_markup_text(body, " font-weight=\"600\"");
    if (style->width > 0) attribute(body, "textLength", style->width);
    if (style->mono) hni_markup_text(body, " xml:space=\"preserve\"");
    hni_markup_text(body, ">");
    hni_markup_escaped_text(body, clean);
    hni_markup_text(body, "</text>\n");
}

/* An inner <svg> cuts off what lies outside it, and needs no name that could clash with another picture in the same page. */
static void draw_clip(hni_canvas *canvas, const hni_box *box)
{
    hni_text *body = &canvas->body;
    if (box == NULL) {
        hni_markup_text(body, "</svg>\n");
        return;
    }
    hni_markup_text(body, "<svg");
    attribute(body, "x", box->x);
    attribute(body, "y", box->y);
    attribute(body, "width", box->width);
    attribute(body, "height", box->height);
    hni_markup_text(body, " viewBox=\"");
    const double numbers[4] = {box->x, box->y, box->width, box->height};
    for (int i = 0; i < 4; i++) {
        if (i > 0) hni_markup_text(body, " ");
        hni_markup_number(body, numbers[i]);
    }
    hni_markup_text(body, "\">\n");
}

static void draw_hover(hni_canvas *canvas, const char *text)
{
    hni_text *body = &canvas->body;
    if (text == NULL) {
        hni_markup_text(body, "</g>\n");
        return;
    }
    hni_markup_text(body, "<g><title>");
    hni_markup_escaped_text(body, text);
    hni_markup_text(body, "</title>\n");
}

static void write_head(const hni_canvas *canvas, hni_text *out)
{
    const hni_canvas_options *options = &canvas->options;
    hni_markup_text(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    hni_markup_number(out, options->width);
    hni_markup_text(out, " ");
    hni_markup_number(out, options->height);
    hni_markup_text(out, "\"");
    attribute(out, "width", options->width);
    attribute(out, "height", options->height);
    hni_markup_text(out, " role=\"img\"");
    if (options->title != NULL) {
        hni_markup_text(out, " aria-label=\"");
        hni_markup_escaped_text(out, options->title);
        hni_markup_text(out, "\"");
    }
    hni_markup_text(out, ">\n");
    if (options->title != NULL && !options->inlined) {
        hni_markup_text(out, "<title>");
        hni_markup_escaped_text(out, options->title);
        hni_markup_text(out, "</title>\n");
    }
    if (options->description != NULL) {
        hni_markup_text(out, "<desc>");
        hni_markup_escaped_text(out, options->description);
        hni_markup_text(out, "</desc>\n");
    }
}

static hn_status finish(hni_canvas *canvas, hni_text *out)
{
    if (canvas->body.status != HN_OK) return canvas->body.status;
    if (!canvas->options.inlined) hni_markup_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write_head(canvas, out);
    if (!canvas->options.inlined) {
        hni_markup_text(out, "<style>\n");
        hni_inks inks = canvas->inks;
        inks.fills[HNI_INK_PAPER] = true;
        hni_ink_css(out, canvas->options.theme, &inks);
        hni_text_add(out, "</style>\n<rect class=\"f%d\" width=\"100%%\" height=\"100%%\"/>\n", HNI_INK_PAPER);
    }
    hni_text_add_bytes(out, canvas->body.data, canvas->body.size);
    hni_markup_text(out, "</svg>\n");
    return out->status;
}

static void end(hni_canvas *canvas) { (void)canvas; }

const hni_canvas_backend hni_canvas_svg = {
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
