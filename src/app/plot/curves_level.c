/* A given figure on the learning curves: who reaches it first (the claim of figure 6: fewer steps to the same loss). */
#include <math.h>
#include <stdio.h>

#include "app/plot/curves_drawing.h"

#define ROW 18.0
#define TABLE_HEAD 26.0

static bool find_first(const hni_point *points, size_t count, double level, hni_point *out_point, bool *out_any)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(points[i].x) || !isfinite(points[i].y)) continue;
        *out_any = true;
        if (!(points[i].y <= level)) continue;
        *out_point = points[i];
        return true;
    }
    return false;
}

bool hni_series_first(const hni_series *series, double level, hni_point *out_point)
{
    bool validated = false, trained = false;
    if (find_first(series->valid, series->valid_count, level, out_point, &validated)) return true;
    return !validated && find_first(series->train, series->train_count, level, out_point, &trained);
}

static void duration_text(double seconds, char *out_text, size_t size)
{
    if (seconds >= 1e9) {
        (void)snprintf(out_text, size, "%.3g s", seconds);
        return;
    }
    long whole = lround(seconds);
    if (whole < 60) {
        (void)snprintf(out_text, size, "%.*f s", seconds < 9.95 ? 1 : 0, seconds);
    } else if (whole < 3600) {
        (void)snprintf(out_text, size, "%ld min %ld s", whole / 60, whole % 60);
    } else {
        (void)snprintf(out_text, size, "%ld h %ld min", whole / 3600, whole % 3600 / 60);
    }
}

void hni_curves_place_text(hni_curves_axis axis, double x, char *out_text, size_t size)
{
    if (!isfinite(x) || x < 0) {
        (void)snprintf(out_text, size, "–");
    } else if (axis == HNI_CURVES_SECONDS) {
        duration_text(x, out_text, size);
    } else if (axis == HNI_CURVES_EPOCHS) {
        (void)snprintf(out_text, size, "%.3g epochs", x);
    } else if (x < 1000.0) {
        (void)snprintf(out_text, size, "%.0f step%s", x, x == 1.0 ? "" : "s");
    } else if (x < 1e6) {
        (void)snprintf(out_text, size, "%d,%03d steps", (int)(x + 0.5) / 1000, (int)(x + 0.5) % 1000);
    } else {
        (void)snprintf(out_text, size, "%.6gM steps", x / 1e6);
    }
}

bool hni_curves_has_level(const hni_curves *curves) { return isfinite(curves->level) && curves->level != 0; }

double hni_curves_table_height(const hni_curves *curves)
{
    bool wanted = hni_curves_has_level(curves) && !curves->plain_level && curves->count > 0;
    return wanted ? TABLE_HEAD + ROW * (double)curves->count : 0.0;
}

void hni_curves_draw_level(const hni_curves_drawing *drawing)
{
    const hni_curves *curves = drawing->curves;
    const hni_box *box = &drawing->frame.box;
    hni_stroke line = {.ink = HNI_INK_MUTED, .width = 1.0, .dash = 4.0};
    double y = hni_curves_place(drawing, (hni_point){0.0, curves->level}).y;
    hni_canvas_line(drawing->canvas, (hni_point){box->x, y}, (hni_point){box->x + box->width, y}, &line);
    for (size_t s = 0; s < curves->count; s++) {
        hni_point first;
        char name[160], place[64], text[320];
        if (!hni_series_first(&curves->series[s], curves->level, &first) || !hni_curves_is_usable(curves, first))
            continue;
        double x = hni_curves_place(drawing, first).x;
        hni_stroke drop = {.ink = hni_ink_series(s), .width = 1.2, .dash = 2.0};
        hni_short_name(curves->series[s].name, HNI_NAME_MOST, name, sizeof name);
        hni_curves_place_text(curves->axis, first.x, place, sizeof place);
        (void)snprintf(text, sizeof text, "%s: at or below %.3f first after %s", name, curves->level, place);
        hni_canvas_hover(drawing->canvas, text);
        hni_canvas_line(drawing->canvas, (hni_point){x, y}, (hni_point){x, box->y + box->height}, &drop);
        hni_canvas_disc(drawing->canvas, (hni_point){x, y}, 5.5, HNI_INK_PAPER);
        hni_canvas_disc(drawing->canvas, (hni_point){x, y}, 4.0, hni_ink_series(s));
        hni_canvas_hover_end(drawing->canvas);
    }
}

void hni_curves_draw_table(const hni_curves_drawing *drawing)
{
    const hni_curves *curves = drawing->curves;
    hni_text_style head = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    hni_text_style text = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    double x = drawing->edge, y = drawing->height + 12.0, room = 0.0;
    char line[320], name[160];
    for (size_t s = 0; s < curves->count; s++) {
        hni_short_name(curves->series[s].name, HNI_NAME_MOST, name, sizeof name);
        room = fmax(room, hni_text_width(name, HNI_FRAME_FONT));
    }
    room = fmin(room, drawing->width - 2.0 * drawing->edge - 130.0);
    (void)snprintf(line, sizeof line, "first at or below %.3f %s after", curves->level, curves->quantity);
    hni_canvas_text(drawing->canvas, (hni_point){x, y}, line, &head);
    for (size_t s = 0; s < curves->count; s++) {
        hni_point first;
        y += ROW;
        hni_stroke key = {.ink = hni_ink_series(s), .width = 3.0, .dash = hni_series_dash(s)};
        hni_canvas_line(drawing->canvas, (hni_point){x + 1.5, y - 4.0}, (hni_point){x + 16.5, y - 4.0}, &key);
        hni_short_name(curves->series[s].name, HNI_NAME_MOST, name, sizeof name);
        hni_canvas_text(drawing->canvas, (hni_point){x + 23.0, y}, name, &text);
        bool reached = hni_series_first(&curves->series[s], curves->level, &first);
        if (reached) {
            hni_curves_place_text(curves->axis, first.x, line, sizeof line);
        } else {
            (void)snprintf(line, sizeof line, "not reached");
        }
        hni_canvas_text(drawing->canvas, (hni_point){x + 23.0 + room + 16.0, y}, line, reached ? &text : &head);
    }
}
