/* See curves.h. Order of the work: ranges of both axes from the data, room for legend and labels, then frame, lines, labels. */
#include <math.h>
#include <stdio.h>

#include "app/plot/curves_drawing.h"
#include "core/alloc.h"

bool hni_curves_is_usable(const hni_curves *curves, hni_point point)
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
        if (!hni_curves_is_usable(curves, points[i])) continue;
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
                if (hni_curves_is_usable(curves, lists[list][i])) end = fmax(end, lists[list][i].x);
            }
        }
        for (int list = 0; list < 2; list++) {
            for (size_t i = 0; i < counts[list]; i++) {
                bool late = hni_curves_is_usable(curves, lists[list][i]) && lists[list][i].x >= 0.05 * end;
                if (late) top = fmax(top, lists[list][i].y);
            }
        }
    }
    return top;
}

double hni_curves_unit(hni_curves_axis axis, double longest, const char **out_name)
{
    *out_name = axis == HNI_CURVES_EPOCHS ? "epochs" : "steps";
    if (axis != HNI_CURVES_SECONDS) return 1.0;
    *out_name = longest < 180.0 ? "seconds" : longest < 3.0 * 3600.0 ? "minutes" : "hours";
    return longest < 180.0 ? 1.0 : longest < 3.0 * 3600.0 ? 60.0 : 3600.0;
}

static void choose_ranges(hni_curves_drawing *drawing)
{
    const hni_curves *curves = drawing->curves;
    data_extent all = {HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL};
    for (size_t s = 0; s < curves->count; s++) {
        widen(&all, curves, curves->series[s].train, curves->series[s].train_count);
        widen(&all, curves, curves->series[s].valid, curves->series[s].valid_count);
    }
    drawing->unit = hni_curves_unit(curves->axis, all.x_high, &drawing->unit_name);
    double top = fmin(all.y_high, interesting_top(curves));
    if (hni_curves_has_level(curves) && drawing->label_count > 0) {
        top = fmax(top, curves->level);
        all.y_low = fmin(all.y_low, curves->level);
    }
    double margin = 0.04 * (top - all.y_low);
    drawing->highest = all.y_high;
    hni_axis_make(&drawing->frame.x, (curves->logarithmic ? all.x_low : fmin(all.x_low, 0.0)) / drawing->unit,
                  all.x_high / drawing->unit, drawing->narrow ? 4 : 8, curves->logarithmic);
    hni_axis_make(&drawing->frame.y, all.y_low - margin, top + margin, drawing->narrow ? 5 : 6, false);
}

hni_point hni_curves_place(const hni_curves_drawing *drawing, hni_point point)
{
    return hni_frame_place(&drawing->frame, (hni_point){point.x / drawing->unit, point.y});
}

/* ---- drawing -------------------------------------------------------------------------------------------------------------- */

static bool has_training(const hni_curves *curves)
{
    for (size_t s = 0; s < curves->count; s++)
        if (curves->series[s].train_count > 0) return true;
    return false;
}

static void draw_frame(const hni_curves_drawing *drawing)
{
    const hni_box *box = &drawing->frame.box;
    hni_canvas *canvas = drawing->canvas;
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
    char label[128];
    hni_frame_draw(&drawing->frame, canvas, true);
    hni_canvas_text(canvas, (hni_point){box->x + box->width / 2.0, box->y + box->height + 36.0}, drawing->unit_name,
                    &style);
    style.anchor = HNI_ANCHOR_START;
    if (drawing->highest > drawing->frame.y.high * 1.0001) {
        (void)snprintf(label, sizeof label, "%s (begins at %.2f)", drawing->curves->quantity, drawing->highest);
    } else {
        (void)snprintf(label, sizeof label, "%s", drawing->curves->quantity);
    }
    hni_canvas_text(canvas, (hni_point){drawing->edge, box->y - 12.0}, label, &style);
    style.anchor = HNI_ANCHOR_END;
    if (!drawing->narrow && has_training(drawing->curves)) {
        hni_canvas_text(canvas, (hni_point){box->x + box->width, box->y - 12.0}, "thick: validation, thin: training",
                        &style);
    }
}

/* The usable points in the picture's coordinates; of more than one in two units of width, means of neighbours. */
static size_t lay_out(const hni_curves_drawing *drawing, const hni_point *points, size_t count)
{
    size_t most = (size_t)(drawing->frame.box.width * 0.5) + 2;
    size_t group = count > most ? (count + most - 1) / most : 1, laid = 0;
    for (size_t from = 0; from < count; from += group) {
        double x = 0.0, y = 0.0;
        size_t used = 0, to = from + group < count ? from + group : count;
        for (size_t i = from; i < to; i++) {
            if (!hni_curves_is_usable(drawing->curves, points[i])) continue;
            x += points[i].x;
            y += points[i].y;
            used++;
        }
        if (used > 0)
            drawing->scratch[laid++] = hni_curves_place(drawing, (hni_point){x / (double)used, y / (double)used});
    }
    return laid;
}

static void draw_training(const hni_curves_drawing *drawing, size_t index)
{
    const hni_series *series = &drawing->curves->series[index];
    bool only = series->valid_count == 0;
    hni_stroke stroke = {.ink = hni_ink_series(index),
                         .width = only ? 1.8 : 1.0,
                         .opacity = only ? 1.0 : 0.5,
                         .dash = hni_series_dash(index)};
    size_t count = lay_out(drawing, series->train, series->train_count);
    hni_canvas_polyline(drawing->canvas, drawing->scratch, count, &stroke);
}

static void draw_validation(const hni_curves_drawing *drawing, size_t index)
{
    const hni_series *series = &drawing->curves->series[index];
    hni_canvas *canvas = drawing->canvas;
    hni_stroke stroke = {.ink = hni_ink_series(index), .width = 2.4, .dash = hni_series_dash(index)};
    size_t count = lay_out(drawing, series->valid, series->valid_count);
    hni_canvas_polyline(canvas, drawing->scratch, count, &stroke);
    if (series->valid_count > 200) return; /* dots would only thicken the line */
    for (size_t i = 0; i < series->valid_count; i++) {
        hni_point point = series->valid[i];
        char text[256], name[160];
        if (!hni_curves_is_usable(drawing->curves, point)) continue;
        hni_short_name(series->name, HNI_NAME_MOST, name, sizeof name);
        (void)snprintf(text, sizeof text, "%s: %.4f %s after %.6g %s", name, point.y, drawing->curves->quantity,
                       point.x / drawing->unit, drawing->unit_name);
        hni_canvas_hover(canvas, text);
        hni_canvas_disc(canvas, hni_curves_place(drawing, point), 2.6, hni_ink_series(index));
        hni_canvas_hover_end(canvas);
    }
}

static void draw_all(hni_curves_drawing *drawing)
{
    if (drawing->label_count == 0) {
        hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing->canvas, (hni_point){drawing->width / 2.0, drawing->height / 2.0}, "no values yet",
                        &style);
        return;
    }
    double top = 32.0 + hni_curves_legend(drawing, 18.0);
    double right = hni_curves_label_room(drawing) + 26.0;
    drawing->frame.box = (hni_box){46.0, top, drawing->width - 46.0 - right, drawing->height - top - 46.0};
    hni_curves_spread_labels(drawing);
    draw_frame(drawing);
    hni_box clip = drawing->frame.box;
    clip.y -= 3.0, clip.height += 6.0, clip.width += 3.0; /* half a line, and the last dot */
    hni_canvas_clip(drawing->canvas, clip);
    for (size_t s = 0; s < drawing->curves->count; s++)
        draw_training(drawing, s);
    for (size_t s = 0; s < drawing->curves->count; s++)
        draw_validation(drawing, s);
    if (hni_curves_has_level(drawing->curves)) hni_curves_draw_level(drawing);
    hni_canvas_clip_end(drawing->canvas);
    hni_curves_draw_labels(drawing);
    if (hni_curves_table_height(drawing->curves) > 0) hni_curves_draw_table(drawing);
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
    hni_curves_drawing drawing = {.curves = curves, .width = options->width, .height = options->height};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240 && options->height >= 160)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "curves: a picture of %.0f x %.0f is too small: give at least 240 x 160", options->width,
                         options->height);
    }
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    sized.height += hni_curves_table_height(curves);
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    HNI_TRY(hni_alloc_array(context, "curves", curves->count, sizeof *drawing.labels, (void **)&drawing.labels));
    HNI_TRY(
        hni_alloc_array(context, "curves", longest_line(curves), sizeof *drawing.scratch, (void **)&drawing.scratch));
    hni_curves_collect_labels(&drawing);
    choose_ranges(&drawing);
    draw_all(&drawing);
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_free(context, drawing.scratch);
    hni_free(context, drawing.labels);
    hni_canvas_destroy(drawing.canvas);
    return status;
}
