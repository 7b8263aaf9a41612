/* See scatter.h. */
#include "app/plot/scatter.h"

#include <math.h>
#include <string.h>

#include "app/plot/components.h"
#include "core/alloc.h"

#define LEFT 46.0
#define LINE_HEIGHT 18.0
#define KEYS_MOST 12 /* groups of a scale with a key each; for more there is a bar */
#define SHAPES 3     /* disc, square, ring */
#define PALEST 0.25  /* of the heat scale: paler points would be lost on the paper */
#define MANY 400     /* points from which on they are smaller */
#define FRAME_LEAST 140.0

typedef struct scatter_drawing {
    const hni_scatter *scatter;
    hni_canvas *canvas;
    double edge, width;
    bool narrow, ordered;
    unsigned char *has_points; /* [group_count] */
    hni_components components;
    hni_frame frame;
} scatter_drawing;

/* ---- groups ---- */

static hni_ink ink_of(const scatter_drawing *drawing, size_t group)
{
    const size_t groups = drawing->scatter->group_count;
    if (groups == 0) return hni_ink_series(0);
    if (group >= groups) return HNI_INK_MUTED;
    if (!drawing->ordered) return hni_ink_series(group);
    const double share = groups > 1 ? (double)group / (double)(groups - 1) : 1.0;
    return hni_ink_heat(PALEST + (1.0 - PALEST) * share);
}

/* A mark with a rim of paper, so that two that overlap are two. */
static void draw_mark(const scatter_drawing *drawing, hni_point at, size_t group, double radius)
{
    const hni_ink ink = ink_of(drawing, group);
    const bool is_shaped = !drawing->ordered && group < drawing->scatter->group_count;
    const size_t shape = is_shaped ? group / HNI_SERIES_INKS % SHAPES : 0;
    if (shape == 1) {
        const double side = 1.7 * radius, rim = side + 1.4;
        hni_canvas_rectangle(drawing->canvas, (hni_box){at.x - rim / 2, at.y - rim / 2, rim, rim}, HNI_INK_PAPER);
        hni_canvas_rectangle(drawing->canvas, (hni_box){at.x - side / 2, at.y - side / 2, side, side}, ink);
        return;
    }
    hni_canvas_disc(drawing->canvas, at, radius + 0.7, HNI_INK_PAPER);
    hni_canvas_disc(drawing->canvas, at, radius, ink);
    if (shape == 2) hni_canvas_disc(drawing->canvas, at, 0.5 * radius, HNI_INK_PAPER);
}

static void group_name(const scatter_drawing *drawing, size_t group, char *out_text, size_t size)
{
    hni_short_name(drawing->scatter->groups[group], HNI_NAME_MOST, out_text, size);
}

/* ---- legend ---- */

static bool has_bar(const scatter_drawing *drawing)
{
    return drawing->ordered && drawing->scatter->group_count > KEYS_MOST;
}

/* First group, colours, last group. */
static void draw_bar(const scatter_drawing *drawing, double y)
{
    const double bar = 120.0;
    const hni_text_style style = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    const size_t groups = drawing->scatter->group_count;
    double x = drawing->edge;
    char name[160];
    group_name(drawing, 0, name, sizeof name);
    hni_canvas_text(drawing->canvas, (hni_point){x, y}, name, &style);
    x += hni_text_width(name, HNI_FRAME_FONT) + 6.0;
    for (size_t i = 0; i < groups; i++) { /* each reaches under the next one, so that no viewer shows a seam */
        const double cell = bar / (double)groups;
        hni_canvas_rectangle(drawing->canvas,
                             (hni_box){x + (double)i * cell, y - 9.0, cell + (i + 1 < groups ? 0.5 : 0.0), 9.0},
                             ink_of(drawing, i));
    }
    x += bar + 6.0;
    group_name(drawing, groups - 1, name, sizeof name);
    hni_canvas_text(drawing->canvas, (hni_point){x, y}, name, &style);
}

/* Lays out the keys from base line `y` on, and draws them if asked to; returns how many lines they take. */
static size_t lay_keys(const scatter_drawing *drawing, double y, bool draws)
{
    const hni_text_style style = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    const double room = drawing->width - drawing->edge;
    double x = drawing->edge;
    size_t lines = 0;
    if (has_bar(drawing)) {
        if (draws) draw_bar(drawing, y);
        return 1;
    }
    for (size_t group = 0; group < drawing->scatter->group_count; group++) {
        char name[160];
        if (drawing->has_points[group] == 0) continue;
        group_name(drawing, group, name, sizeof name);
        const double width = 12.0 + hni_text_width(name, HNI_FRAME_FONT);
        if (lines == 0) {
            lines = 1;
        } else if (x + width > room) {
            lines++;
            x = drawing->edge;
        }
        const double line = y + (double)(lines - 1) * LINE_HEIGHT;
        if (draws) {
            draw_mark(drawing, (hni_point){x + 4.0, line - 4.0}, group, 4.0);
            hni_canvas_text(drawing->canvas, (hni_point){x + 12.0, line}, name, &style);
        }
        x += width + 16.0;
    }
    return lines;
}

/* ---- the whole ---- */

static void draw_points(const scatter_drawing *drawing)
{
    const hni_scatter *scatter = drawing->scatter;
    const double radius = scatter->count > MANY ? 2.4 : 3.4;
    for (size_t i = 0; i < scatter->count; i++) {
        const hni_scatter_point *point = &scatter->points[i];
        const char *words = point->words;
        if (!isfinite(point->x) || !isfinite(point->y)) continue;
        if (words == NULL && point->group < scatter->group_count) words = scatter->groups[point->group];
        if (words != NULL) hni_canvas_hover(drawing->canvas, words);
        draw_mark(drawing, hni_frame_place(&drawing->frame, (hni_point){point->x, point->y}), point->group, radius);
        if (words != NULL) hni_canvas_hover_end(drawing->canvas);
    }
}

static void draw_all(scatter_drawing *drawing, double name_height)
{
    const hni_text_style bold = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    char name[400];
    hni_components_axes(&drawing->components, &drawing->frame, drawing->narrow);
    if (drawing->scatter->name != NULL) {
        hni_short_name(drawing->scatter->name, drawing->narrow ? 36 : 72, name, sizeof name);
        hni_canvas_text(drawing->canvas, (hni_point){drawing->edge, 14.0}, name, &bold);
    }
    (void)lay_keys(drawing, name_height + 14.0, true);
    hni_components_draw(&drawing->components, &drawing->frame, drawing->edge, drawing->canvas);
    draw_points(drawing);
}

static hn_status look_at_points(hn_context *context, scatter_drawing *drawing)
{
    const hni_scatter *scatter = drawing->scatter;
    hn_status status = HN_OK;
    HNI_TRY(hni_alloc_array(context, "scatter", scatter->group_count + 1, 1, (void **)&drawing->has_points));
    memset(drawing->has_points, 0, scatter->group_count + 1);
    for (size_t i = 0; i < scatter->count; i++) {
        const hni_scatter_point *point = &scatter->points[i];
        if (!isfinite(point->x) || !isfinite(point->y)) continue;
        hni_components_add(&drawing->components, point->x, point->y);
        if (point->group < scatter->group_count) drawing->has_points[point->group] = 1;
    }

cleanup:
    return status;
}

hn_status hni_scatter_picture(hn_context *context, const hni_scatter *scatter, const hni_canvas_options *options,
                              hni_text *out_bytes)
{
    scatter_drawing drawing = {.scatter = scatter, .width = options->width};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240 && options->height >= 200)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "scatter: a picture of %.0f x %.0f is too small: give at least 240 x 200", options->width,
                         options->height);
    }
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    drawing.ordered = scatter->ordered || scatter->group_count > (size_t)HNI_SERIES_INKS * SHAPES;
    drawing.components.share[0] = scatter->share[0];
    drawing.components.share[1] = scatter->share[1];
    HNI_TRY(look_at_points(context, &drawing));
    const double name_height = scatter->name != NULL ? 20.0 : 0.0;
    const double top = name_height + (double)lay_keys(&drawing, 0.0, false) * LINE_HEIGHT + 34.0;
    sized.height = fmax(options->height, top + FRAME_LEAST + 44.0);
    drawing.frame.box =
        (hni_box){drawing.edge + LEFT, top, drawing.width - 2.0 * drawing.edge - LEFT - 8.0, sized.height - top - 44.0};
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    if (drawing.components.count > 0) {
        draw_all(&drawing, name_height);
    } else {
        const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing.canvas, (hni_point){sized.width / 2.0, sized.height / 2.0}, "no values yet", &style);
    }
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_free(context, drawing.has_points);
    hni_canvas_destroy(drawing.canvas);
    return status;
}
