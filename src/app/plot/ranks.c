/* See ranks.h. */
#include "app/plot/ranks.h"

#include <math.h>
#include <stdio.h>

#include "app/plot/frame.h"
#include "core/alloc.h"

#define PANEL_HEIGHT 130.0
#define TITLE_HEIGHT 26.0
#define NUMBERS 46.0        /* under a diagram: numbers and unit */
#define LOGARITHMIC_FROM 10 /* largest rank from which on y is logarithmic: most lines lie near 1 */
#define DOTS_MOST 60

typedef struct ranks_drawing {
    const hni_ranks *ranks;
    hni_canvas *canvas;
    double width, edge, head;
    bool narrow;
    hni_panels panels;
    double unit; /* of the x axis */
    const char *unit_name;
    hni_axis x, y;
    size_t values;
    hni_point *scratch; /* room for the longest line */
} ranks_drawing;

static bool is_usable(hni_point point) { return isfinite(point.x) && isfinite(point.y) && point.y >= 0; }

static bool has_most(const hni_ranks *ranks) { return isfinite(ranks->most) && ranks->most >= 1; }

static void choose_ranges(ranks_drawing *drawing)
{
    const hni_ranks *ranks = drawing->ranks;
    double x_high = -HUGE_VAL, top = has_most(ranks) ? ranks->most : 2.0, low = 1.0;
    for (size_t p = 0; p < ranks->count; p++) {
        for (size_t l = 0; l < ranks->panels[p].count; l++) {
            const hni_ranks_line *line = &ranks->panels[p].lines[l];
            for (size_t i = 0; i < line->count; i++) {
                if (!is_usable(line->points[i])) continue;
                drawing->values++;
                x_high = fmax(x_high, line->points[i].x);
                top = fmax(top, line->points[i].y);
                low = fmin(low, line->points[i].y); /* 0 for an embedding that does not move at all */
            }
        }
    }
    drawing->unit = hni_curves_unit(ranks->axis, x_high, &drawing->unit_name);
    hni_axis_make(&drawing->x, 0.0, x_high / drawing->unit, 3, false);
    if (top >= LOGARITHMIC_FROM && low > 0.99) {
        hni_axis_make(&drawing->y, 0.9, top * 1.1, 7, true);
    } else {
        double margin = 0.08 * (top - low);
        hni_axis_make(&drawing->y, low - margin, top + margin, 4, false);
    }
}

/* ---- words around the diagrams --------------------------------------------------------------------------------------------- */

/* The diagram with the most lines: its names stand for those of all. */
static const hni_ranks_panel *fullest(const hni_ranks *ranks)
{
    const hni_ranks_panel *most = NULL;
    for (size_t p = 0; p < ranks->count; p++) {
        if (most == NULL || ranks->panels[p].count > most->count) most = &ranks->panels[p];
    }
    return most;
}

/* Colours of the gates, from `x` on. */
static void draw_keys(const ranks_drawing *drawing, double x, double y)
{
    const hni_ranks_panel *panel = fullest(drawing->ranks);
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    if (panel == NULL || panel->count < 2) return;
    for (size_t l = 0; l < panel->count; l++) {
        char name[64];
        hni_short_name(panel->lines[l].name, 12, name, sizeof name);
        hni_stroke stroke = {.ink = hni_ink_series(l), .width = 3.0, .dash = hni_series_dash(l)};
        hni_canvas_line(drawing->canvas, (hni_point){x, y - 4.0}, (hni_point){x + 12.0, y - 4.0}, &stroke);
        hni_canvas_text(drawing->canvas, (hni_point){x + 17.0, y}, name, &style);
        x += 17.0 + hni_text_width(name, HNI_FRAME_FONT) + 12.0;
    }
}

static void draw_head(const ranks_drawing *drawing)
{
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    char text[128] = "effective rank; dashed: 1, the least";
    if (has_most(drawing->ranks)) {
        (void)snprintf(text, sizeof text, "effective rank; dashed: 1, the least, and E = %.4g", drawing->ranks->most);
    }
    hni_canvas_text(drawing->canvas, (hni_point){drawing->edge, 14.0}, text, &style);
    if (drawing->narrow) {
        draw_keys(drawing, drawing->edge, 32.0);
    } else {
        draw_keys(drawing, drawing->edge + hni_text_width(text, HNI_FRAME_FONT) + 24.0, 14.0);
    }
}

/* ---- diagrams -------------------------------------------------------------------------------------------------------------- */

static void draw_bound(const ranks_drawing *drawing, const hni_frame *frame, double rank)
{
    hni_stroke stroke = {.ink = HNI_INK_MUTED, .width = 1.2, .dash = 4.0};
    double y = hni_frame_place(frame, (hni_point){0.0, rank}).y;
    hni_canvas_line(drawing->canvas, (hni_point){frame->box.x, y}, (hni_point){frame->box.x + frame->box.width, y},
                    &stroke);
}

static void draw_line(const ranks_drawing *drawing, const hni_frame *frame, const hni_ranks_panel *panel, size_t index)
{
    const hni_ranks_line *line = &panel->lines[index];
    hni_stroke stroke = {.ink = hni_ink_series(index), .width = 1.8, .dash = hni_series_dash(index)};
    size_t laid = 0;
    char text[256], place[64], name[64];
    for (size_t i = 0; i < line->count; i++) {
        hni_point point = {line->points[i].x / drawing->unit, line->points[i].y};
        if (is_usable(line->points[i])) drawing->scratch[laid++] = hni_frame_place(frame, point);
    }
    hni_canvas_polyline(drawing->canvas, drawing->scratch, laid, &stroke);
    if (laid > DOTS_MOST) return;
    hni_short_name(line->name, 12, name, sizeof name);
    for (size_t i = 0, dot = 0; i < line->count; i++) {
        if (!is_usable(line->points[i])) continue;
        hni_curves_place_text(drawing->ranks->axis, line->points[i].x, place, sizeof place);
        (void)snprintf(text, sizeof text, "%.40s%s%s: %.3f after %s", panel->name, name[0] != '\0' ? ", " : "", name,
                       line->points[i].y, place);
        hni_canvas_hover(drawing->canvas, text);
        hni_canvas_disc(drawing->canvas, drawing->scratch[dot++], 2.2, hni_ink_series(index));
        hni_canvas_hover_end(drawing->canvas);
    }
}

static void draw_panel(const ranks_drawing *drawing, size_t index)
{
    const hni_ranks_panel *panel = &drawing->ranks->panels[index];
    size_t row = index / drawing->panels.columns;
    double x = hni_panels_x(&drawing->panels, index), width = drawing->panels.width;
    double y = drawing->head + (double)row * (TITLE_HEIGHT + PANEL_HEIGHT + NUMBERS);
    hni_frame frame = {{x, y + TITLE_HEIGHT, width, PANEL_HEIGHT}, drawing->x, drawing->y};
    hni_text_style title = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    hni_text_style unit = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
    char name[160];
    hni_short_name(panel->name, (size_t)(width / (HNI_FRAME_FONT * 0.68)), name, sizeof name);
    hni_canvas_text(drawing->canvas, (hni_point){x, y + 14.0}, name, &title);
    hni_frame_draw(&frame, drawing->canvas, index % drawing->panels.columns == 0);
    hni_canvas_text(drawing->canvas, (hni_point){x + width / 2.0, y + TITLE_HEIGHT + PANEL_HEIGHT + 34.0},
                    drawing->unit_name, &unit);
    draw_bound(drawing, &frame, 1.0);
    if (has_most(drawing->ranks)) draw_bound(drawing, &frame, drawing->ranks->most);
    for (size_t l = 0; l < panel->count; l++)
        draw_line(drawing, &frame, panel, l);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------- */

static size_t longest_line(const hni_ranks *ranks)
{
    size_t most = 1;
    for (size_t p = 0; p < ranks->count; p++) {
        for (size_t l = 0; l < ranks->panels[p].count; l++) {
            if (ranks->panels[p].lines[l].count > most) most = ranks->panels[p].lines[l].count;
        }
    }
    return most;
}

hn_status hni_ranks_picture(hn_context *context, const hni_ranks *ranks, const hni_canvas_options *options,
                            hni_text *out_bytes)
{
    ranks_drawing drawing = {.ranks = ranks, .width = options->width};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "ranks: a picture %.0f wide is too small: give at least 240",
                         options->width);
    }
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    const hni_ranks_panel *named = fullest(ranks);
    drawing.head = drawing.narrow && named != NULL && named->count > 1 ? 44.0 : 24.0;
    drawing.panels = hni_panels_lay_out(ranks->count, drawing.width, drawing.edge);
    sized.height = ceil(drawing.head + (double)drawing.panels.rows * (TITLE_HEIGHT + PANEL_HEIGHT + NUMBERS));
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    HNI_TRY(hni_alloc_array(context, "ranks", longest_line(ranks), sizeof *drawing.scratch, (void **)&drawing.scratch));
    choose_ranges(&drawing);
    if (drawing.values == 0) {
        hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing.canvas, (hni_point){drawing.width / 2.0, sized.height / 2.0}, "no values yet", &style);
    } else {
        draw_head(&drawing);
        for (size_t p = 0; p < ranks->count; p++)
            draw_panel(&drawing, p);
    }
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_free(context, drawing.scratch);
    hni_canvas_destroy(drawing.canvas);
    return status;
}
