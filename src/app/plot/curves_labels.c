/* Names of the learning curves: at the lines' ends where there is room, else in a legend. */
#include <math.h>
#include <stdio.h>

#include "app/plot/curves_drawing.h"

#define LABEL_GAP 15.0  /* smallest distance of two labels at the lines' ends */
#define LABELS_MOST 0.4 /* share of the width that labels may take */

static void label_text(const hni_curves_drawing *drawing, const hni_end_label *label, char *out_text, size_t size)
{
    char name[160];
    hni_short_name(drawing->curves->series[label->series].name, HNI_NAME_MOST, name, sizeof name);
    if (drawing->narrow) {
        (void)snprintf(out_text, size, "%.2f", label->value);
    } else {
        (void)snprintf(out_text, size, "%.2f  %s", label->value, name);
    }
}

/* The last usable point of the validation line, or of the training line of a run without validation. */
static bool find_end(const hni_curves *curves, const hni_series *series, hni_point *out_end)
{
    const hni_point *lists[2] = {series->valid, series->train};
    const size_t counts[2] = {series->valid_count, series->train_count};
    for (int list = 0; list < 2; list++) {
        for (size_t i = counts[list]; i > 0; i--) {
            if (!hni_curves_is_usable(curves, lists[list][i - 1])) continue;
            *out_end = lists[list][i - 1];
            return true;
        }
    }
    return false;
}

void hni_curves_collect_labels(hni_curves_drawing *drawing)
{
    for (size_t s = 0; s < drawing->curves->count; s++) {
        hni_point end;
        if (!find_end(drawing->curves, &drawing->curves->series[s], &end)) continue;
        drawing->labels[drawing->label_count++] = (hni_end_label){.series = s, .end = end, .value = end.y};
    }
}

double hni_curves_label_room(const hni_curves_drawing *drawing)
{
    double room = 0.0;
    for (size_t i = 0; i < drawing->label_count; i++) {
        char text[200];
        label_text(drawing, &drawing->labels[i], text, sizeof text);
        room = fmax(room, hni_text_width(text, HNI_FRAME_FONT));
    }
    return fmin(room, drawing->width * LABELS_MOST);
}

static void sort_labels(hni_curves_drawing *drawing)
{
    for (size_t i = 1; i < drawing->label_count; i++) {
        hni_end_label moving = drawing->labels[i];
        size_t at = i;
        for (; at > 0 && drawing->labels[at - 1].y > moving.y; at--)
            drawing->labels[at] = drawing->labels[at - 1];
        drawing->labels[at] = moving;
    }
}

/* Labels stand at their lines' ends, pushed apart downwards, then upwards from the lower edge. */
void hni_curves_spread_labels(hni_curves_drawing *drawing)
{
    double lower = drawing->frame.box.y + drawing->frame.box.height;
    for (size_t i = 0; i < drawing->label_count; i++) {
        drawing->labels[i].y = fmax(hni_curves_place(drawing, drawing->labels[i].end).y, drawing->frame.box.y);
    }
    sort_labels(drawing);
    for (size_t i = 1; i < drawing->label_count; i++) {
        drawing->labels[i].y = fmax(drawing->labels[i].y, drawing->labels[i - 1].y + LABEL_GAP);
    }
    for (size_t i = drawing->label_count; i > 0; i--) {
        double most = i == drawing->label_count ? lower : drawing->labels[i].y - LABEL_GAP;
        drawing->labels[i - 1].y = fmin(drawing->labels[i - 1].y, most);
    }
}

/* The names stand at the lines' ends already, each on a line of its own. */
static bool labels_suffice(const hni_curves_drawing *drawing)
{
    return !drawing->narrow && drawing->label_count == drawing->curves->count &&
           (double)drawing->label_count * LABEL_GAP <= 0.6 * drawing->height &&
           hni_curves_label_room(drawing) < LABELS_MOST * drawing->width;
}

double hni_curves_legend(const hni_curves_drawing *drawing, double top)
{
    const hni_curves *curves = drawing->curves;
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    double left = drawing->edge, x = left, y = top;
    if (labels_suffice(drawing) || curves->count == 0) return 0.0;
    for (size_t s = 0; s < curves->count; s++) {
        char name[160];
        hni_short_name(curves->series[s].name, HNI_NAME_MOST, name, sizeof name);
        double width = 24.0 + hni_text_width(name, HNI_FRAME_FONT) + 14.0;
        if (x > left && x + width > drawing->width) {
            x = left;
            y += 18.0;
        }
        hni_stroke stroke = {.ink = hni_ink_series(s), .width = 3.0, .dash = hni_series_dash(s)};
        hni_canvas_line(drawing->canvas, (hni_point){x + 1.5, y - 4.0}, (hni_point){x + 16.5, y - 4.0}, &stroke);
        hni_canvas_text(drawing->canvas, (hni_point){x + 23.0, y}, name, &style);
        x += width;
    }
    return y - top + 18.0;
}

void hni_curves_draw_labels(const hni_curves_drawing *drawing)
{
    double x = drawing->frame.box.x + drawing->frame.box.width + 10.0;
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT};
    for (size_t i = 0; i < drawing->label_count; i++) {
        const hni_end_label *label = &drawing->labels[i];
        hni_point end = hni_curves_place(drawing, label->end);
        hni_stroke lead = {.ink = hni_ink_series(label->series), .width = 1.0, .opacity = 0.7, .dash = 2.0};
        hni_stroke key = {.ink = hni_ink_series(label->series), .width = 3.0, .dash = hni_series_dash(label->series)};
        char text[200];
        if (fabs(end.y - label->y) > 1.0 || x - end.x > 14.0) {
            hni_canvas_line(drawing->canvas, (hni_point){end.x + 4.0, end.y}, (hni_point){x - 2.0, label->y}, &lead);
        }
        hni_canvas_line(drawing->canvas, (hni_point){x, label->y}, (hni_point){x + 6.0, label->y}, &key);
        label_text(drawing, label, text, sizeof text);
        hni_canvas_text(drawing->canvas, (hni_point){x + 11.0, label->y + 4.0}, text, &style);
    }
}
