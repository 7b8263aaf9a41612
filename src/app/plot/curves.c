/* See curves.h. Order of the work: ranges of both axes from the data, room for legend and labels, then frame, lines, labels. */
#include "app/plot/curves.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/axis.h"
#include "core/alloc.h"

#define FONT 12.0
#define LABEL_GAP 15.0  /* smallest distance of two labels at the lines' ends */
#define LABELS_MOST 0.4 /* share of the width that labels may take */
#define NAME_MOST 28    /* characters of a name in labels */

typedef struct end_label {
    size_t series;
    hni_point end; /* of the line */
    double y;      /* where the label stands */
    double value;
} end_label;

typedef struct curves_drawing {
    const hni_curves *curves;
    hni_canvas *canvas;
    double width, height;
    bool narrow;
    double edge;           /* left of legend and heading; 0 inside a page, whose text they line up with */
    double unit;           /* of the x axis: x is divided by it */
    const char *unit_name; /* "steps", "seconds", "minutes", "hours" */
    hni_axis x, y;
    double highest; /* of all values, even those above the frame */
    hni_box frame;
    end_label *labels;
    size_t label_count;
    hni_point *scratch; /* room for the longest line */
} curves_drawing;

static bool is_usable(const hni_curves *curves, hni_point point)
{
    return isfinite(point.x) && isfinite(point.y) && (!curves->logarithmic || point.x > 0);
}

/* ---- ranges ---------------------------------------------------------------------------------------------------------- */

typedef struct data_extent {
    double x_low, x_high, y_low, y_high;
} data_extent;

static void widen(data_extent *extent, const hni_curves *curves, const hni_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_usable(curves, points[i])) continue;
        extent->x_low = fmin(extent->x_low, points[i].x);
        extent->x_high = fmax(extent->x_high, points[i].x);
        extent->y_low = fmin(extent->y_low, points[i].y);
        extent->y_high = fmax(extent->y_high, points[i].y);
    }
}

/* A run falls from 8 bits to 4 in its first moments and fights for hundredths afterwards: the frame ends above what remains
 * after a twentieth of each line, so that the part worth reading gets the room. */
static double interesting_top(const hni_curves *curves)
{
    double top = -(double)INFINITY;
    for (size_t s = 0; s < curves->count; s++) {
        const hni_series *series = &curves->series[s];
        const hni_point *lists[2] = {series->train, series->valid};
        const size_t counts[2] = {series->train_count, series->valid_count};
        double end = 0.0;
        for (int list = 0; list < 2; list++) {
            for (size_t i = 0; i < counts[list]; i++) {
                if (is_usable(curves, lists[list][i])) end = fmax(end, lists[list][i].x);
            }
        }
        for (int list = 0; list < 2; list++) {
            for (size_t i = 0; i < counts[list]; i++) {
                bool late = is_usable(curves, lists[list][i]) && lists[list][i].x >= 0.05 * end;
                if (late) top = fmax(top, lists[list][i].y);
            }
        }
    }
    return top;
}

static void choose_unit(curves_drawing *drawing, double longest)
{
    drawing->unit = 1.0;
    drawing->unit_name = "steps";
    if (drawing->curves->axis != HNI_CURVES_SECONDS) return;
    drawing->unit = longest < 180.0 ? 1.0 : longest < 3.0 * 3600.0 ? 60.0 : 3600.0;
    drawing->unit_name = longest < 180.0 ? "seconds" : longest < 3.0 * 3600.0 ? "minutes" : "hours";
}

static void choose_ranges(curves_drawing *drawing)
{
    const hni_curves *curves = drawing->curves;
    data_extent all = {HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL};
    for (size_t s = 0; s < curves->count; s++) {
        widen(&all, curves, curves->series[s].train, curves->series[s].train_count);
        widen(&all, curves, curves->series[s].valid, curves->series[s].valid_count);
    }
    choose_unit(drawing, all.x_high);
    double top = fmin(all.y_high, interesting_top(curves));
    double margin = 0.04 * (top - all.y_low);
    drawing->highest = all.y_high;
    hni_axis_make(&drawing->x, (curves->logarithmic ? all.x_low : fmin(all.x_low, 0.0)) / drawing->unit,
                  all.x_high / drawing->unit, drawing->narrow ? 4 : 8, curves->logarithmic);
    hni_axis_make(&drawing->y, all.y_low - margin, top + margin, drawing->narrow ? 5 : 6, false);
}

static hni_point place(const curves_drawing *drawing, hni_point point)
{
    const hni_box *frame = &drawing->frame;
    double y = hni_axis_share(&drawing->y, point.y);
    return (hni_point){frame->x + hni_axis_share(&drawing->x, point.x / drawing->unit) * frame->width,
                       frame->y + (1.0 - fmin(y, 3.0)) * frame->height}; /* far above is far enough */
}

/* ---- labels and legend -------------------------------------------------------------------------------------------------- */

/* The name, cut with "…" after NAME_MOST characters. */
static void short_name(const char *name, char *out_text, size_t size)
{
    size_t length = 0, characters = 0;
    while (name[length] != '\0' && length + 8 < size) {
        size_t next = length + 1;
        while (((unsigned char)name[next] & 0xc0) == 0x80)
            next++;
        if (++characters > NAME_MOST) break;
        length = next;
    }
    (void)snprintf(out_text, size, "%.*s%s", (int)length, name, name[length] != '\0' ? "…" : "");
}

static void label_text(const curves_drawing *drawing, const end_label *label, char *out_text, size_t size)
{
    char name[160];
    short_name(drawing->curves->series[label->series].name, name, sizeof name);
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
            if (!is_usable(curves, lists[list][i - 1])) continue;
            *out_end = lists[list][i - 1];
            return true;
        }
    }
    return false;
}

static void collect_labels(curves_drawing *drawing)
{
    for (size_t s = 0; s < drawing->curves->count; s++) {
        hni_point end;
        if (!find_end(drawing->curves, &drawing->curves->series[s], &end)) continue;
        drawing->labels[drawing->label_count++] = (end_label){.series = s, .end = end, .value = end.y};
    }
}

static double label_room(const curves_drawing *drawing)
{
    double room = 0.0;
    for (size_t i = 0; i < drawing->label_count; i++) {
        char text[200];
        label_text(drawing, &drawing->labels[i], text, sizeof text);
        room = fmax(room, hni_text_width(text, FONT));
    }
    return fmin(room, drawing->width * LABELS_MOST);
}

static void sort_labels(curves_drawing *drawing)
{
    for (size_t i = 1; i < drawing->label_count; i++) {
        end_label moving = drawing->labels[i];
        size_t at = i;
        for (; at > 0 && drawing->labels[at - 1].y > moving.y; at--)
            drawing->labels[at] = drawing->labels[at - 1];
        drawing->labels[at] = moving;
    }
}

/* Labels stand at their lines' ends, pushed apart downwards, then upwards from the lower edge. */
static void spread_labels(curves_drawing *drawing)
{
    double lower = drawing->frame.y + drawing->frame.height;
    for (size_t i = 0; i < drawing->label_count; i++) {
        drawing->labels[i].y = fmax(place(drawing, drawing->labels[i].end).y, drawing->frame.y);
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

static double series_dash(size_t index)
{
    return index < HNI_SERIES_INKS ? 0.0 : 3.0 * (double)(index / HNI_SERIES_INKS);
}

/* The names stand at the lines' ends already, each on a line of its own. */
static bool labels_suffice(const curves_drawing *drawing)
{
    return !drawing->narrow && drawing->label_count == drawing->curves->count &&
           (double)drawing->label_count * LABEL_GAP <= 0.6 * drawing->height &&
           label_room(drawing) < LABELS_MOST * drawing->width;
}

/* Names with their colours in rows; with canvas NULL it only measures. Returns the height. */
static double legend(const curves_drawing *drawing, hni_canvas *canvas, double top)
{
    const hni_curves *curves = drawing->curves;
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = FONT};
    double left = drawing->edge, x = left, y = top;
    for (size_t s = 0; s < curves->count; s++) {
        char name[160];
        short_name(curves->series[s].name, name, sizeof name);
        double width = 24.0 + hni_text_width(name, FONT) + 14.0;
        if (x > left && x + width > drawing->width) {
            x = left;
            y += 18.0;
        }
        if (canvas != NULL) {
            hni_stroke stroke = {.ink = hni_ink_series(s), .width = 3.0, .dash = series_dash(s)};
            hni_canvas_line(canvas, (hni_point){x + 1.5, y - 4.0}, (hni_point){x + 16.5, y - 4.0}, &stroke);
            hni_canvas_text(canvas, (hni_point){x + 23.0, y}, name, &style);
        }
        x += width;
    }
    return curves->count == 0 ? 0.0 : y - top + 18.0;
}

/* ---- drawing -------------------------------------------------------------------------------------------------------------- */

static void draw_frame(const curves_drawing *drawing)
{
    const hni_box *frame = &drawing->frame;
    hni_canvas *canvas = drawing->canvas;
    hni_stroke grid = {.ink = HNI_INK_GRID, .width = 1.0}, line = {.ink = HNI_INK_AXIS, .width = 1.0};
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = FONT, .anchor = HNI_ANCHOR_END};
    double lower = frame->y + frame->height;
    char label[64];
    for (size_t i = 0; i < drawing->y.tick_count; i++) {
        double y = frame->y + (1.0 - hni_axis_share(&drawing->y, drawing->y.ticks[i])) * frame->height;
        hni_canvas_line(canvas, (hni_point){frame->x, y}, (hni_point){frame->x + frame->width, y}, &grid);
        hni_axis_label(&drawing->y, drawing->y.ticks[i], label, sizeof label);
        hni_canvas_text(canvas, (hni_point){frame->x - 8.0, y + 4.0}, label, &style);
    }
    hni_canvas_line(canvas, (hni_point){frame->x, lower}, (hni_point){frame->x + frame->width, lower}, &line);
    style.anchor = HNI_ANCHOR_MIDDLE;
    for (size_t i = 0; i < drawing->x.tick_count; i++) {
        double x = frame->x + hni_axis_share(&drawing->x, drawing->x.ticks[i]) * frame->width;
        hni_canvas_line(canvas, (hni_point){x, lower}, (hni_point){x, lower + 4.0}, &line);
        hni_axis_label(&drawing->x, drawing->x.ticks[i], label, sizeof label);
        hni_canvas_text(canvas, (hni_point){x, lower + 18.0}, label, &style);
    }
    hni_canvas_text(canvas, (hni_point){frame->x + frame->width / 2.0, lower + 36.0}, drawing->unit_name, &style);
    style.anchor = HNI_ANCHOR_START;
    if (drawing->highest > drawing->y.high * 1.0001) {
        (void)snprintf(label, sizeof label, "bits per character (begins at %.2f)", drawing->highest);
    } else {
        (void)snprintf(label, sizeof label, "bits per character");
    }
    hni_canvas_text(canvas, (hni_point){drawing->edge, frame->y - 12.0}, label, &style);
    style.anchor = HNI_ANCHOR_END;
    if (!drawing->narrow) {
        hni_canvas_text(canvas, (hni_point){frame->x + frame->width, frame->y - 12.0},
                        "thick: validation, thin: training", &style);
    }
}

/* The usable points in the picture's coordinates; of more than one in two units of width, means of neighbours. */
static size_t lay_out(const curves_drawing *drawing, const hni_point *points, size_t count)
{
    size_t most = (size_t)(drawing->frame.width * 0.5) + 2;
    size_t group = count > most ? (count + most - 1) / most : 1, laid = 0;
    for (size_t from = 0; from < count; from += group) {
        double x = 0.0, y = 0.0;
        size_t used = 0, to = from + group < count ? from + group : count;
        for (size_t i = from; i < to; i++) {
            if (!is_usable(drawing->curves, points[i])) continue;
            x += points[i].x;
            y += points[i].y;
            used++;
        }
        if (used > 0) drawing->scratch[laid++] = place(drawing, (hni_point){x / (double)used, y / (double)used});
    }
    return laid;
}

static void draw_training(const curves_drawing *drawing, size_t index)
{
    const hni_series *series = &drawing->curves->series[index];
    bool only = series->valid_count == 0;
    hni_stroke stroke = {.ink = hni_ink_series(index),
                         .width = only ? 1.8 : 1.0,
                         .opacity = only ? 1.0 : 0.5,
                         .dash = series_dash(index)};
    size_t count = lay_out(drawing, series->train, series->train_count);
    hni_canvas_polyline(drawing->canvas, drawing->scratch, count, &stroke);
}

static void draw_validation(const curves_drawing *drawing, size_t index)
{
    const hni_series *series = &drawing->curves->series[index];
    hni_canvas *canvas = drawing->canvas;
    hni_stroke stroke = {.ink = hni_ink_series(index), .width = 2.4, .dash = series_dash(index)};
    size_t count = lay_out(drawing, series->valid, series->valid_count);
    hni_canvas_polyline(canvas, drawing->scratch, count, &stroke);
    if (series->valid_count > 200) return; /* dots would only thicken the line */
    for (size_t i = 0; i < series->valid_count; i++) {
        hni_point point = series->valid[i];
        char text[256], name[160];
        if (!is_usable(drawing->curves, point)) continue;
        short_name(series->name, name, sizeof name);
        (void)snprintf(text, sizeof text, "%s: %.4f bits per character after %.6g %s", name, point.y,
                       point.x / drawing->unit, drawing->unit_name);
        hni_canvas_hover(canvas, text);
        hni_canvas_disc(canvas, place(drawing, point), 2.6, hni_ink_series(index));
        hni_canvas_hover_end(canvas);
    }
}

static void draw_labels(const curves_drawing *drawing)
{
    double x = drawing->frame.x + drawing->frame.width + 10.0;
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = FONT};
    for (size_t i = 0; i < drawing->label_count; i++) {
        const end_label *label = &drawing->labels[i];
        hni_point end = place(drawing, label->end);
        hni_stroke lead = {.ink = hni_ink_series(label->series), .width = 1.0, .opacity = 0.7, .dash = 2.0};
        hni_stroke key = {.ink = hni_ink_series(label->series), .width = 3.0, .dash = series_dash(label->series)};
        char text[200];
        if (fabs(end.y - label->y) > 1.0 || x - end.x > 14.0) {
            hni_canvas_line(drawing->canvas, (hni_point){end.x + 4.0, end.y}, (hni_point){x - 2.0, label->y}, &lead);
        }
        hni_canvas_line(drawing->canvas, (hni_point){x, label->y}, (hni_point){x + 6.0, label->y}, &key);
        label_text(drawing, label, text, sizeof text);
        hni_canvas_text(drawing->canvas, (hni_point){x + 11.0, label->y + 4.0}, text, &style);
    }
}

static void draw_all(curves_drawing *drawing)
{
    if (drawing->label_count == 0) {
        hni_text_style style = {.ink = HNI_INK_MUTED, .size = FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing->canvas, (hni_point){drawing->width / 2.0, drawing->height / 2.0}, "no values yet",
                        &style);
        return;
    }
    double top = 18.0 + (labels_suffice(drawing) ? 0.0 : legend(drawing, drawing->canvas, 18.0)) + 14.0;
    double right = label_room(drawing) + 26.0;
    drawing->frame = (hni_box){46.0, top, drawing->width - 46.0 - right, drawing->height - top - 46.0};
    spread_labels(drawing);
    draw_frame(drawing);
    hni_box clip = drawing->frame;
    clip.y -= 3.0, clip.height += 6.0, clip.width += 3.0; /* half a line, and the last dot */
    hni_canvas_clip(drawing->canvas, clip);
    for (size_t s = 0; s < drawing->curves->count; s++)
        draw_training(drawing, s);
    for (size_t s = 0; s < drawing->curves->count; s++)
        draw_validation(drawing, s);
    hni_canvas_clip_end(drawing->canvas);
    draw_labels(drawing);
}

static size_t longest_line(const hni_curves *curves)
{
    size_t most = 1;
    for (size_t s = 0; s < curves->count; s++) {
        if (curves->series[s].train_count > most) most = curves->series[s].train_count;
        if (curves->series[s].valid_count > most) most = curves->series[s].valid_count;
    }
    return most;
}

hn_status hni_curves_picture(hn_context *context, const hni_curves *curves, const hni_canvas_options *options,
                             hni_text *out_bytes)
{
    curves_drawing drawing = {.curves = curves, .width = options->width, .height = options->height};
    hn_status status = HN_OK;
    if (!(options->width >= 240 && options->height >= 160)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "curves: a picture of %.0f x %.0f is too small: give at least 240 x 160", options->width,
                         options->height);
    }
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    HNI_TRY(hni_canvas_create(context, options, &drawing.canvas));
    HNI_TRY(hni_alloc_array(context, "curves", curves->count, sizeof *drawing.labels, (void **)&drawing.labels));
    HNI_TRY(
        hni_alloc_array(context, "curves", longest_line(curves), sizeof *drawing.scratch, (void **)&drawing.scratch));
    collect_labels(&drawing);
    choose_ranges(&drawing);
    draw_all(&drawing);
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_free(context, drawing.scratch);
    hni_free(context, drawing.labels);
    hni_canvas_destroy(drawing.canvas);
    return status;
}
