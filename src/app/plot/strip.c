/* See strip.h. */
#include "app/plot/strip.h"

#include <math.h>

#include "app/plot/frame.h"
#include "core/alloc.h"
#include "core/size.h"

#define GAP 14.0
#define LEAST 90.0 /* width of a kernel, for its label */
#define NAME 22.0
#define LABEL 24.0
#define FOOT 22.0 /* bar of colours */
#define LINE_HEIGHT 18.0
#define NOTE "colours end at the 1st and 99th percentile"

typedef struct strip_drawing {
    const hni_strip *strip;
    hni_canvas *canvas;
    double edge, head, foot;
    bool narrow; /* the note stands below the bar */
    size_t columns, rows;
    hni_filters_size size;
    hni_scale scale;
} strip_drawing;

static hn_status choose_scale(hn_context *context, strip_drawing *drawing)
{
    const hni_strip *strip = drawing->strip;
    const size_t weights = hni_filters_count(&strip->filters);
    size_t count;
    float *values = NULL;
    hn_status status = HN_OK;
    if (!hni_size_mul(weights, strip->count, &count)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "strip: %zu kernels of %zu weights are too many", strip->count,
                         weights);
    }
    HNI_TRY(hni_alloc_array(context, "strip", count, sizeof *values, (void **)&values));
    for (size_t i = 0; i < strip->count; i++)
        hni_filters_gather(&strip->filters, strip->kernels[i], values + i * weights);
    drawing->scale = hni_scale_of(strip->scale, values, count);

cleanup:
    hni_free(context, values);
    return status;
}

static void lay_out(strip_drawing *drawing, double width)
{
    const hni_strip *strip = drawing->strip;
    const double room = width - 2.0 * drawing->edge;
    const double weights = (double)(strip->filters.columns * strip->filters.width);
    const double wanted = fmax(LEAST, 1.2 * weights); /* with the gaps between filters */
    const double most = floor((room + GAP) / (wanted + GAP));
    drawing->columns = most < 1.0 ? 1 : most > (double)strip->count ? strip->count : (size_t)most;
    const size_t rows = (strip->count + drawing->columns - 1) / drawing->columns;
    drawing->rows = rows > 0 ? rows : 1;
    drawing->columns = (strip->count + drawing->rows - 1) / drawing->rows;
    drawing->head = strip->name != NULL ? NAME : 0.0;
    drawing->size =
        hni_filters_fit(&strip->filters, (room - (double)(drawing->columns - 1) * GAP) / (double)drawing->columns);
}

static double height_of_row(const strip_drawing *drawing)
{
    return drawing->size.height + (drawing->strip->labels != NULL ? LABEL : GAP);
}

static hn_status draw_kernel(hn_context *context, const strip_drawing *drawing, size_t index)
{
    const hni_strip *strip = drawing->strip;
    const hni_filters_size *size = &drawing->size;
    const size_t column = index % drawing->columns, row = index / drawing->columns;
    const hni_point at = {drawing->edge + (double)column * (size->width + GAP),
                          drawing->head + (double)row * height_of_row(drawing)};
    const hni_text_style style = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
    if (strip->labels != NULL) {
        char label[400];
        hni_short_name(strip->labels[index], (size_t)(fmax(size->width, 40.0) / (HNI_FRAME_FONT * 0.6)), label,
                       sizeof label);
        hni_canvas_text(drawing->canvas, (hni_point){at.x + size->width / 2.0, at.y + size->height + 15.0}, label,
                        &style);
    }
    return hni_filters_draw(context, &(hni_filters_drawing){&strip->filters, *size, drawing->scale, at},
                            strip->kernels[index], drawing->canvas);
}

static void draw_words(const strip_drawing *drawing, double height)
{
    const hni_text_style bold = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    hni_point at = {drawing->edge, height - drawing->edge - drawing->foot + 18.0};
    if (drawing->strip->name != NULL) {
        char name[400];
        hni_short_name(drawing->strip->name, (size_t)2 * HNI_NAME_MOST, name, sizeof name);
        hni_canvas_text(drawing->canvas, (hni_point){drawing->edge, 14.0}, name, &bold);
    }
    if (drawing->scale.values == 0) {
        hni_canvas_text(drawing->canvas, at, drawing->strip->count == 0 ? "no kernels yet" : "no finite values",
                        &style);
        return;
    }
    const double bar = hni_scale_bar(&drawing->scale, drawing->canvas, at);
    if (drawing->narrow) {
        at.y += LINE_HEIGHT;
    } else {
        at.x += bar + 12.0;
    }
    hni_canvas_text(drawing->canvas, at, NOTE, &style);
}

hn_status hni_strip_picture(hn_context *context, const hni_strip *strip, const hni_canvas_options *options,
                            hni_text *out_bytes)
{
    strip_drawing drawing = {.strip = strip, .edge = options->inlined ? 0.0 : 10.0};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "strip: a picture %.0f wide is too small: give at least 240",
                         options->width);
    }
    drawing.narrow = options->width < 400;
    drawing.foot = FOOT + (drawing.narrow ? LINE_HEIGHT : 0.0);
    if (strip->count > 0) {
        HNI_TRY(hni_filters_check(context, "strip", &strip->filters));
        HNI_TRY(choose_scale(context, &drawing));
        lay_out(&drawing, options->width);
    } else {
        drawing.head = NAME;
    }
    sized.height = ceil(drawing.head + (double)drawing.rows * height_of_row(&drawing) + drawing.foot + drawing.edge);
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    draw_words(&drawing, sized.height);
    for (size_t i = 0; i < strip->count; i++)
        HNI_TRY(draw_kernel(context, &drawing, i));
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_canvas_destroy(drawing.canvas);
    return status;
}
