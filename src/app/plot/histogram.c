/* See histogram.h. */
#include "app/plot/histogram.h"

#include <math.h>
#include <stdio.h>

#include "app/plot/frame.h"

#define PANEL_HEIGHT 120.0
#define TITLE_HEIGHT 44.0 /* name and saturated share over a diagram */
#define NUMBERS 30.0      /* under a diagram */
#define HALF (HNI_HISTOGRAM_BINS / 2)

typedef struct histogram_drawing {
    const hni_histogram *histogram;
    const char *quantity;
    hni_canvas *canvas;
    double width, edge, head;
    bool narrow;
    hni_panels panels;
    hni_axis x, y;
} histogram_drawing;

void hni_histogram_add(hni_histogram_counts *counts, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i];
        if (isnan(value)) continue;
        double bin = fmin(fmax(floor((value + 1.0) * HALF), 0.0), HNI_HISTOGRAM_BINS - 1.0);
        counts->bins[(size_t)bin]++;
        counts->total++;
    }
}

double hni_histogram_saturated(const hni_histogram_counts *counts)
{
    if (counts->total == 0) return (double)NAN;
    return ((double)counts->bins[0] + (double)counts->bins[HNI_HISTOGRAM_BINS - 1]) / (double)counts->total;
}

static double percent_of(const hni_histogram_counts *counts, size_t bin)
{
    return counts->total == 0 ? 0.0 : 100.0 * (double)counts->bins[bin] / (double)counts->total;
}

static void lay_out(histogram_drawing *drawing)
{
    const hni_histogram *histogram = drawing->histogram;
    drawing->panels = hni_panels_lay_out(histogram->count, drawing->width, drawing->edge);
    double top = 0.0;
    for (size_t s = 0; s < histogram->count; s++) {
        for (size_t bin = 0; bin < HNI_HISTOGRAM_BINS; bin++)
            top = fmax(top, percent_of(&histogram->series[s].counts, bin));
    }
    hni_axis_make(&drawing->y, 0.0, top > 0 ? 1.05 * top : 1.0, 4, false);
    hni_axis_make(&drawing->x, -1.0, 1.0, 2, false);
}

static void draw_head(const histogram_drawing *drawing)
{
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    hni_canvas *canvas = drawing->canvas;
    char text[256], quantity[100];
    hni_short_name(drawing->quantity, HNI_NAME_MOST, quantity, sizeof quantity);
    (void)snprintf(text, sizeof text, "%% of values of %s in each bin of 0.05", quantity);
    hni_canvas_text(canvas, (hni_point){drawing->edge, 14.0}, text, &style);
    (void)snprintf(text, sizeof text, "saturated: |%s| > 0.95", quantity);
    double x = drawing->edge + 15.0, y = 32.0;
    if (!drawing->narrow) {
        x = drawing->width - drawing->edge - hni_text_width(text, HNI_FRAME_FONT);
        y = 14.0;
    }
    hni_canvas_rectangle(canvas, (hni_box){x - 15.0, y - 9.0, 9.0, 10.0}, HNI_INK_TEXT);
    hni_canvas_text(canvas, (hni_point){x, y}, text, &style);
}

static void draw_bars(const histogram_drawing *drawing, size_t index, const hni_frame *frame)
{
    const hni_histogram_series *series = &drawing->histogram->series[index];
    const hni_box *box = &frame->box;
    double step = box->width / HNI_HISTOGRAM_BINS;
    double gap = step >= 4.0 ? 1.0 : 0.5;
    char name[160], text[320];
    hni_short_name(series->name, HNI_NAME_MOST, name, sizeof name);
    for (size_t bin = 0; bin < HNI_HISTOGRAM_BINS; bin++) {
        double percent = percent_of(&series->counts, bin);
        if (series->counts.bins[bin] == 0) continue;
        bool saturated = bin == 0 || bin == HNI_HISTOGRAM_BINS - 1;
        double low = (double)bin / HALF - 1.0;
        double height = fmax(percent / frame->y.high * box->height, 0.5); /* a rare value is seen too */
        (void)snprintf(text, sizeof text, "%s: %.3g %% between %.2f and %.2f", name, percent, low, low + 1.0 / HALF);
        hni_canvas_hover(drawing->canvas, text);
        hni_canvas_rectangle(
            drawing->canvas,
            (hni_box){box->x + (double)bin * step + gap / 2.0, box->y + box->height - height, step - gap, height},
            saturated ? HNI_INK_TEXT : hni_ink_series(index));
        hni_canvas_hover_end(drawing->canvas);
    }
}

static void draw_panel(const histogram_drawing *drawing, size_t index)
{
    const hni_histogram_series *series = &drawing->histogram->series[index];
    size_t row = index / drawing->panels.columns;
    double x = hni_panels_x(&drawing->panels, index), width = drawing->panels.width;
    double y = drawing->head + (double)row * (TITLE_HEIGHT + PANEL_HEIGHT + NUMBERS);
    hni_frame frame = {{x, y + TITLE_HEIGHT, width, PANEL_HEIGHT}, drawing->x, drawing->y};
    hni_text_style title = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    hni_text_style note = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    char text[200];
    hni_short_name(series->name, (size_t)((width - 16.0) / (HNI_FRAME_FONT * 0.68)), text, sizeof text);
    hni_canvas_rectangle(drawing->canvas, (hni_box){x, y + 3.0, 9.0, 10.0}, hni_ink_series(index));
    hni_canvas_text(drawing->canvas, (hni_point){x + 15.0, y + 12.0}, text, &title);
    hni_frame_draw(&frame, drawing->canvas, index % drawing->panels.columns == 0);
    if (series->counts.total == 0) {
        hni_canvas_text(drawing->canvas, (hni_point){x, y + 29.0}, "no values", &note);
        return;
    }
    (void)snprintf(text, sizeof text, "%.1f %% saturated", 100.0 * hni_histogram_saturated(&series->counts));
    hni_canvas_text(drawing->canvas, (hni_point){x, y + 29.0}, text, &note);
    draw_bars(drawing, index, &frame);
}

hn_status hni_histogram_picture(hn_context *context, const hni_histogram *histogram, const hni_canvas_options *options,
                                hni_text *out_bytes)
{
    histogram_drawing drawing = {.histogram = histogram, .width = options->width};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "histogram: a picture %.0f wide is too small: give at least 240",
                         options->width);
    }
    drawing.quantity = histogram->quantity != NULL ? histogram->quantity : "φ(c)";
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    drawing.head = drawing.narrow ? 44.0 : 28.0;
    lay_out(&drawing);
    sized.height = ceil(drawing.head + (double)drawing.panels.rows * (TITLE_HEIGHT + PANEL_HEIGHT + NUMBERS));
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    draw_head(&drawing);
    for (size_t s = 0; s < histogram->count; s++)
        draw_panel(&drawing, s);
    if (histogram->count == 0) {
        hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing.canvas, (hni_point){drawing.width / 2.0, sized.height / 2.0}, "no values yet", &style);
    }
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_canvas_destroy(drawing.canvas);
    return status;
}
