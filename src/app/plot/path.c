/* See path.h. */
#include "app/plot/path.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/components.h"
#include "app/plot/utf8.h"
#include "core/alloc.h"

#define LEFT 46.0
#define CELL 15.0 /* side of the squares of which each has at most one label */
#define LABELS_MOST 90
#define PALEST 0.3 /* of the heat scale: paler lines would be lost on the paper */

typedef struct path_drawing {
    const hni_path *path;
    hni_canvas *canvas;
    double width, height, edge;
    bool narrow;
    const hni_path_point **drawn; /* the points that are drawn, in order */
    size_t drawn_count, stride, usable;
    hni_point *places;    /* [drawn_count] in the picture */
    unsigned char *taken; /* squares of the frame, row by row */
    size_t across, down;
    hni_components components;
    hni_frame frame;
} path_drawing;

static bool is_usable(const hni_path_point *point) { return isfinite(point->x) && isfinite(point->y); }

static void choose_points(path_drawing *drawing)
{
    const hni_path *path = drawing->path;
    size_t seen = 0;
    drawing->stride =
        drawing->usable > HNI_PATH_DRAWN_MOST ? (drawing->usable + HNI_PATH_DRAWN_MOST - 1) / HNI_PATH_DRAWN_MOST : 1;
    for (size_t i = 0; i < path->count; i++) {
        if (is_usable(&path->points[i]) && seen++ % drawing->stride == 0)
            drawing->drawn[drawing->drawn_count++] = &path->points[i];
    }
}

static hni_ink ink_at(const path_drawing *drawing, size_t index)
{
    double share = drawing->drawn_count > 1 ? (double)index / (double)(drawing->drawn_count - 1) : 1.0;
    return hni_ink_heat(PALEST + (1.0 - PALEST) * share);
}

/* One line for each stretch of one colour, which ends where the next begins. */
static void draw_line(const path_drawing *drawing)
{
    size_t from = 0;
    for (size_t i = 1; i < drawing->drawn_count; i++) {
        if (i + 1 < drawing->drawn_count && ink_at(drawing, i) == ink_at(drawing, from)) continue;
        hni_stroke stroke = {.ink = ink_at(drawing, from), .width = 1.2, .opacity = 0.7};
        hni_canvas_polyline(drawing->canvas, drawing->places + from, i - from + 1, &stroke);
        from = i;
    }
}

/* The symbol as a reader can see it; returns 0 if there is none. */
static int symbol_text(const hni_path_point *point, char *out_text, size_t size)
{
    if (point->size == 0) return 0;
    hni_glyph glyph = hni_glyph_at(point->bytes, point->size, 0);
    if (glyph.symbol != NULL) return snprintf(out_text, size, "%s", glyph.symbol);
    if (glyph.size == 1 && *(const unsigned char *)point->bytes == ' ') return snprintf(out_text, size, "␣");
    return snprintf(out_text, size, "%.*s", (int)glyph.size, (const char *)point->bytes);
}

static void draw_points(const path_drawing *drawing)
{
    double radius = drawing->drawn_count > 400 ? 1.6 : 2.4;
    for (size_t i = 0; i < drawing->drawn_count; i++) {
        char symbol[64] = "", text[128];
        const char *before = symbol_text(drawing->drawn[i], symbol, sizeof symbol) > 0 ? ": " : "";
        (void)snprintf(text, sizeof text, "%zu%s%s", (size_t)(drawing->drawn[i] - drawing->path->points) + 1, before,
                       symbol);
        hni_canvas_hover(drawing->canvas, text);
        hni_canvas_disc(drawing->canvas, drawing->places[i], radius, ink_at(drawing, i));
        hni_canvas_hover_end(drawing->canvas);
    }
}

/* ---- labels -------------------------------------------------------------------------------------------------------------- */

/* Takes the square of a label, if it and the one to its left are free. */
static bool take_square(const path_drawing *drawing, hni_point at)
{
    const hni_box *box = &drawing->frame.box;
    double x = floor((at.x - box->x) / CELL), y = floor((at.y - box->y) / CELL);
    if (!(x >= 0 && y >= 0 && x < (double)drawing->across && y < (double)drawing->down)) return false;
    size_t place = (size_t)y * drawing->across + (size_t)x;
    for (size_t row = y > 0 ? place - drawing->across : place; row <= place + drawing->across; row += drawing->across) {
        for (size_t square = x > 0 ? row - 1 : row; square <= row + 1; square++) {
            if (square < drawing->across * drawing->down && drawing->taken[square] != 0) return false;
        }
    }
    drawing->taken[place] = 1;
    return true;
}

/* Far apart in the text first, then between them: labels are spread over the whole way. */
static void draw_labels(const path_drawing *drawing)
{
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = 11.0, .mono = true};
    size_t labels = 0;
    for (size_t stride = 32; stride > 0 && labels < LABELS_MOST; stride /= 2) {
        for (size_t i = 0; i < drawing->drawn_count && labels < LABELS_MOST; i += stride) {
            char text[64];
            hni_point at = {drawing->places[i].x + 4.0, drawing->places[i].y - 4.0};
            if (stride < 32 && i % (2 * stride) == 0) continue; /* tried already */
            if (symbol_text(drawing->drawn[i], text, sizeof text) <= 0 || !take_square(drawing, at)) continue;
            hni_canvas_text(drawing->canvas, at, text, &style);
            labels++;
        }
    }
}

/* ---- words around the frame ------------------------------------------------------------------------------------------------ */

/* Which end is which: the colours from the first symbol to the last. */
static void draw_bar(const path_drawing *drawing, double y)
{
    const double bar = 96.0;
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    double x = drawing->frame.box.x;
    char text[96];
    hni_canvas_text(drawing->canvas, (hni_point){x, y}, "1", &style);
    x += 12.0;
    for (int i = 0; i < HNI_HEAT_INKS; i++) {
        double share = (double)i / (HNI_HEAT_INKS - 1);
        hni_canvas_rectangle(drawing->canvas,
                             (hni_box){x + i * bar / HNI_HEAT_INKS, y - 8.0, bar / HNI_HEAT_INKS + 0.5, 8.0},
                             hni_ink_heat(PALEST + (1.0 - PALEST) * share));
    }
    if (drawing->stride > 1) {
        (void)snprintf(text, sizeof text, "%zu symbols, one of %zu drawn", drawing->usable, drawing->stride);
    } else {
        (void)snprintf(text, sizeof text, "%zu symbol%s", drawing->usable, drawing->usable == 1 ? "" : "s");
    }
    hni_canvas_text(drawing->canvas, (hni_point){x + bar + 6.0, y}, text, &style);
}

static void draw_words(const path_drawing *drawing)
{
    const hni_box *box = &drawing->frame.box;
    hni_components_draw(&drawing->components, &drawing->frame, drawing->edge, drawing->canvas);
    if (drawing->path->name != NULL) {
        const hni_text_style bold = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
        char text[400];
        hni_short_name(drawing->path->name, drawing->narrow ? 36 : 72, text, sizeof text);
        hni_canvas_text(drawing->canvas, (hni_point){drawing->edge, 14.0}, text, &bold);
    }
    draw_bar(drawing, box->y + box->height + 56.0);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------- */

static hn_status take_memory(hn_context *context, path_drawing *drawing)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < drawing->path->count; i++)
        drawing->usable += is_usable(&drawing->path->points[i]);
    size_t most = drawing->usable < HNI_PATH_DRAWN_MOST ? drawing->usable : HNI_PATH_DRAWN_MOST;
    drawing->across = (size_t)(drawing->frame.box.width / CELL) + 1;
    drawing->down = (size_t)(drawing->frame.box.height / CELL) + 1;
    HNI_TRY(hni_alloc_array(context, "path", most + 1, sizeof *drawing->drawn, (void **)&drawing->drawn));
    HNI_TRY(hni_alloc_array(context, "path", most + 1, sizeof *drawing->places, (void **)&drawing->places));
    HNI_TRY(hni_alloc_array(context, "path", drawing->across * drawing->down, 1, (void **)&drawing->taken));
    memset(drawing->taken, 0, drawing->across * drawing->down);

cleanup:
    return status;
}

static void draw_all(path_drawing *drawing)
{
    if (drawing->usable == 0) {
        hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing->canvas, (hni_point){drawing->width / 2.0, drawing->height / 2.0}, "no values yet",
                        &style);
        return;
    }
    choose_points(drawing);
    for (size_t i = 0; i < drawing->drawn_count; i++)
        hni_components_add(&drawing->components, drawing->drawn[i]->x, drawing->drawn[i]->y);
    hni_components_axes(&drawing->components, &drawing->frame, drawing->narrow);
    for (size_t i = 0; i < drawing->drawn_count; i++) {
        drawing->places[i] = hni_frame_place(&drawing->frame, (hni_point){drawing->drawn[i]->x, drawing->drawn[i]->y});
    }
    draw_words(drawing);
    draw_line(drawing);
    draw_points(drawing);
    draw_labels(drawing);
}

hn_status hni_path_picture(hn_context *context, const hni_path *path, const hni_canvas_options *options,
                           hni_text *out_bytes)
{
    path_drawing drawing = {.path = path, .width = options->width, .height = options->height};
    drawing.components.share[0] = path->share[0];
    drawing.components.share[1] = path->share[1];
    hn_status status = HN_OK;
    if (!(options->width >= 240 && options->height >= 200)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "path: a picture of %.0f x %.0f is too small: give at least 240 x 200", options->width,
                         options->height);
    }
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    double top = path->name != NULL ? 50.0 : 30.0;
    drawing.frame.box = (hni_box){drawing.edge + LEFT, top, drawing.width - 2.0 * drawing.edge - LEFT - 8.0,
                                  drawing.height - top - 66.0};
    HNI_TRY(hni_canvas_create(context, options, &drawing.canvas));
    HNI_TRY(take_memory(context, &drawing));
    draw_all(&drawing);
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_free(context, drawing.taken);
    hni_free(context, drawing.places);
    hni_free(context, drawing.drawn);
    hni_canvas_destroy(drawing.canvas);
    return status;
}
