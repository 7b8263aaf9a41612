/* See powers.h. */
#include "app/plot/powers.h"

#include <math.h>
#include <stdio.h>

#include "app/plot/frame.h"

#define PANEL_HEIGHT 170.0
#define TITLE_HEIGHT 26.0
#define SLOPES 16.0       /* height of a line of words above a diagram */
#define LONG_NUMBERS 14.0 /* room for 0.0005 beside that for 0.5 */
#define NUMBERS 46.0      /* under a diagram */
#define HEAD 44.0         /* heading and names */
#define MARGIN 1.15       /* around the values, as a factor */

typedef struct powers_drawing {
    const hni_powers *powers;
    hni_canvas *canvas;
    double edge;
    hni_panels panels;
    hni_axis y; /* one for all, so that panels can be compared */
    size_t lines, values;
} powers_drawing;

static bool is_usable(hni_point point) { return isfinite(point.x) && isfinite(point.y) && point.x > 0 && point.y > 0; }

/* Widens low .. high by the points of a panel, along x or y. */
static size_t widen(const hni_powers_panel *panel, bool along_x, double *low, double *high)
{
    size_t values = 0;
    for (size_t l = 0; l < panel->count; l++) {
        for (size_t i = 0; i < panel->lines[l].count; i++) {
            const hni_point point = panel->lines[l].points[i];
            if (!is_usable(point)) continue;
            *low = fmin(*low, along_x ? point.x : point.y);
            *high = fmax(*high, along_x ? point.x : point.y);
            values++;
        }
    }
    return values;
}

static void choose_range(powers_drawing *drawing)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t p = 0; p < drawing->powers->count; p++) {
        const hni_powers_panel *panel = &drawing->powers->panels[p];
        drawing->values += widen(panel, false, &low, &high);
        if (panel->count > drawing->lines) drawing->lines = panel->count;
    }
    hni_axis_make(&drawing->y, low / MARGIN, high * MARGIN, 6, true);
}

static void draw_head(const powers_drawing *drawing)
{
    const hni_text_style muted = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    const hni_text_style plain = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    double x = drawing->edge;
    hni_canvas_text(drawing->canvas, (hni_point){x, 14.0}, drawing->powers->heading, &muted);
    for (size_t l = 0; l < drawing->lines; l++) {
        const hni_stroke stroke = {.ink = hni_ink_series(l), .width = 2.0};
        const char *name = drawing->powers->panels[0].count > l ? drawing->powers->panels[0].lines[l].name : "";
        hni_canvas_line(drawing->canvas, (hni_point){x, 28.0}, (hni_point){x + 12.0, 28.0}, &stroke);
        hni_canvas_text(drawing->canvas, (hni_point){x + 17.0, 32.0}, name, &plain);
        x += 17.0 + hni_text_width(name, HNI_FRAME_FONT) + 16.0;
    }
}

static void draw_fit(const powers_drawing *drawing, const hni_frame *frame, const hni_powers_line *line, size_t index)
{
    const hni_stroke stroke = {.ink = hni_ink_series(index), .width = 1.2, .dash = 4.0};
    const double low = frame->x.low * MARGIN, high = frame->x.high / MARGIN;
    if (!isfinite(line->slope) || !isfinite(line->factor)) return;
    hni_canvas_line(drawing->canvas, hni_frame_place(frame, (hni_point){low, line->factor * pow(low, line->slope)}),
                    hni_frame_place(frame, (hni_point){high, line->factor * pow(high, line->slope)}), &stroke);
}

static void draw_points(const powers_drawing *drawing, const hni_frame *frame, const hni_powers_line *line,
                        size_t index)
{
    char text[160], name[64];
    hni_short_name(line->name, HNI_NAME_MOST, name, sizeof name);
    for (size_t i = 0; i < line->count; i++) {
        if (!is_usable(line->points[i])) continue;
        (void)snprintf(text, sizeof text, "%s: %.4g at %.6g", name, line->points[i].y, line->points[i].x);
        hni_canvas_hover(drawing->canvas, text);
        hni_canvas_disc(drawing->canvas, hni_frame_place(frame, line->points[i]), 2.6, hni_ink_series(index));
        hni_canvas_hover_end(drawing->canvas);
    }
}

static double without_minus_zero(double slope) { return fabs(slope) < 0.005 ? 0.0 : slope; }

/* The powers, each in the colour of its line. */
static void draw_slopes(const powers_drawing *drawing, const hni_powers_panel *panel, double x, double y)
{
    for (size_t l = 0; l < panel->count; l++) {
        const hni_text_style style = {.ink = hni_ink_series(l), .size = HNI_FRAME_FONT};
        char text[32];
        if (!isfinite(panel->lines[l].slope)) continue;
        (void)snprintf(text, sizeof text, "x^%.2f", without_minus_zero(panel->lines[l].slope));
        hni_canvas_text(drawing->canvas, (hni_point){x, y}, text, &style);
        x += hni_text_width(text, HNI_FRAME_FONT) + 10.0;
    }
}

static double panel_pitch(void) { return TITLE_HEIGHT + SLOPES + PANEL_HEIGHT + NUMBERS; }

static void draw_panel(const powers_drawing *drawing, size_t index)
{
    const hni_powers_panel *panel = &drawing->powers->panels[index];
    const double x = hni_panels_x(&drawing->panels, index), width = drawing->panels.width;
    const double y = HEAD + (double)(index / drawing->panels.columns) * panel_pitch();
    const hni_text_style title = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    hni_frame frame = {.box = {x, y + TITLE_HEIGHT + SLOPES, width, PANEL_HEIGHT}, .y = drawing->y};
    double low = HUGE_VAL, high = -HUGE_VAL;
    (void)widen(panel, true, &low, &high);
    hni_axis_make(&frame.x, low / MARGIN, high * MARGIN, 5, true);
    hni_canvas_text(drawing->canvas, (hni_point){x, y + 14.0}, panel->name, &title);
    draw_slopes(drawing, panel, x, y + TITLE_HEIGHT + 6.0);
    hni_frame_draw(&frame, drawing->canvas, index % drawing->panels.columns == 0);
    for (size_t l = 0; l < panel->count; l++) {
        draw_fit(drawing, &frame, &panel->lines[l], l);
        draw_points(drawing, &frame, &panel->lines[l], l);
    }
}

hn_status hni_powers_picture(hn_context *context, const hni_powers *powers, const hni_canvas_options *options,
                             hni_text *out_bytes)
{
    powers_drawing drawing = {.powers = powers, .edge = options->inlined ? 0.0 : 10.0};
    hni_canvas_options sized = *options;
    hn_status status;
    if (!(options->width >= 240)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "powers: a picture %.0f wide is too small: give at least 240",
                         options->width);
    }
    drawing.panels = hni_panels_lay_out(powers->count, options->width, drawing.edge + LONG_NUMBERS);
    sized.height = ceil(HEAD + (double)drawing.panels.rows * panel_pitch());
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    choose_range(&drawing);
    if (drawing.values == 0) {
        const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing.canvas, (hni_point){sized.width / 2.0, sized.height / 2.0}, "no values yet", &style);
    } else {
        draw_head(&drawing);
        for (size_t p = 0; p < powers->count; p++)
            draw_panel(&drawing, p);
    }
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));
cleanup:
    hni_canvas_destroy(drawing.canvas);
    return status;
}
