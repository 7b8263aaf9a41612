/* See kernels.h. */
#include "app/plot/kernels.h"

#include <math.h>

#include "app/plot/frame.h"
#include "core/alloc.h"

#define GAP 28.0         /* between panels */
#define WORD 18.0        /* room of a line of words */
#define NAME 22.0        /* room of a name over a panel */
#define SIDE_BY_SIDE 2.0 /* a weight's least size there */
#define NOTE "colours end at the 1st and 99th percentile"

typedef struct kernels_drawing {
    const hni_kernels *kernels;
    hni_canvas *canvas;
    double edge, left;     /* left: of the row word */
    double head;           /* over a grid: name and column word */
    hni_filters_size size; /* of each grid */
    size_t columns, rows;  /* of panels */
    hni_scale *scales;     /* [count] */
    bool has_percentiles;
} kernels_drawing;

static bool has_own_range(const hni_kernels_panel *panel) { return panel->low < panel->high; }

static bool has_word(const char *word) { return word != NULL && word[0] != '\0'; }

/* ---- layout ---- */

static void lay_out(kernels_drawing *drawing, double width)
{
    const hni_kernels *kernels = drawing->kernels;
    const double count = (double)kernels->count, room = width - 2.0 * drawing->edge;
    drawing->left = has_word(kernels->row_word) ? WORD : 0.0;
    drawing->head = has_word(kernels->column_word) ? WORD : 0.0;
    for (size_t p = 0; p < kernels->count; p++) {
        if (has_word(kernels->panels[p].name)) drawing->head = (has_word(kernels->column_word) ? WORD : 0.0) + NAME;
    }
    drawing->columns = kernels->count;
    drawing->size = hni_filters_fit(&kernels->filters, (room - (count - 1.0) * GAP) / count - drawing->left);
    if (kernels->count > 1 && (kernels->above || drawing->size.weight < SIDE_BY_SIDE)) {
        drawing->columns = 1;
        drawing->size = hni_filters_fit(&kernels->filters, room - drawing->left);
    }
    drawing->rows = drawing->columns == 1 ? kernels->count : 1;
}

static double height_of_row(const kernels_drawing *drawing) { return drawing->head + drawing->size.height + WORD; }

static double height_of(const kernels_drawing *drawing)
{
    return (double)drawing->rows * height_of_row(drawing) + (double)(drawing->rows - 1) * GAP / 2.0 +
           (drawing->has_percentiles ? WORD : 0.0) + drawing->edge;
}

/* ---- colours ---- */

static hn_status choose_scales(hn_context *context, kernels_drawing *drawing)
{
    const hni_kernels *kernels = drawing->kernels;
    const size_t weights = hni_filters_count(&kernels->filters);
    float *values = NULL;
    hn_status status = HN_OK;
    HNI_TRY(hni_alloc_array(context, "kernels", kernels->count, sizeof *drawing->scales, (void **)&drawing->scales));
    HNI_TRY(hni_alloc_array(context, "kernels", weights, sizeof *values, (void **)&values));
    for (size_t p = 0; p < kernels->count; p++) {
        const hni_kernels_panel *panel = &kernels->panels[p];
        hni_filters_gather(&kernels->filters, panel->values, values);
        drawing->scales[p] = hni_scale_of(kernels->scale, values, weights);
        if (has_own_range(panel)) {
            const size_t finite = drawing->scales[p].values;
            drawing->scales[p] = hni_scale_between(kernels->scale, panel->low, panel->high);
            drawing->scales[p].values = finite;
        } else {
            drawing->has_percentiles = true;
        }
    }

cleanup:
    hni_free(context, values);
    return status;
}

/* ---- drawing ---- */

static void draw_words(const kernels_drawing *drawing, const hni_kernels_panel *panel, hni_point grid)
{
    const hni_kernels *kernels = drawing->kernels;
    const hni_text_style bold = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
    char name[400];
    if (has_word(panel->name)) {
        const double room = drawing->columns > 1 || drawing->size.width > 200 ? drawing->size.width : 200;
        hni_short_name(panel->name, (size_t)(room / (HNI_FRAME_FONT * 0.68)), name, sizeof name);
        hni_canvas_text(drawing->canvas, (hni_point){grid.x, grid.y - drawing->head + 14.0}, name, &bold);
    }
    if (has_word(kernels->column_word)) {
        hni_short_name(kernels->column_word, HNI_NAME_MOST, name, sizeof name);
        hni_canvas_text(drawing->canvas, (hni_point){grid.x + drawing->size.width / 2.0, grid.y - 6.0}, name, &style);
    }
    if (has_word(kernels->row_word)) {
        hni_short_name(kernels->row_word, HNI_NAME_MOST, name, sizeof name);
        style.upward = true;
        hni_canvas_text(drawing->canvas, (hni_point){grid.x - 6.0, grid.y + drawing->size.height / 2.0}, name, &style);
    }
}

static hn_status draw_panel(hn_context *context, const kernels_drawing *drawing, size_t index)
{
    const hni_kernels_panel *panel = &drawing->kernels->panels[index];
    const size_t column = index % drawing->columns, row = index / drawing->columns;
    const hni_point at = {drawing->edge + drawing->left + (double)column * (drawing->size.width + drawing->left + GAP),
                          (double)row * (height_of_row(drawing) + GAP / 2.0) + drawing->head};
    const hni_point below = {at.x, at.y + drawing->size.height + 15.0};
    draw_words(drawing, panel, at);
    if (drawing->scales[index].values > 0) {
        (void)hni_scale_bar(&drawing->scales[index], drawing->canvas, below);
    } else {
        const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
        hni_canvas_text(drawing->canvas, below, "no finite values", &style);
    }
    return hni_filters_draw(
        context, &(hni_filters_drawing){&drawing->kernels->filters, drawing->size, drawing->scales[index], at},
        panel->values, drawing->canvas);
}

static hn_status draw_nothing(hn_context *context, const hni_canvas_options *options, hni_canvas **out_canvas)
{
    hni_canvas_options sized = *options;
    const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
    sized.height = 60.0;
    hn_status status = hni_canvas_create(context, &sized, out_canvas);
    if (status == HN_OK) hni_canvas_text(*out_canvas, (hni_point){sized.width / 2.0, 34.0}, "no kernels yet", &style);
    return status;
}

hn_status hni_kernels_picture(hn_context *context, const hni_kernels *kernels, const hni_canvas_options *options,
                              hni_text *out_bytes)
{
    kernels_drawing drawing = {.kernels = kernels, .edge = options->inlined ? 0.0 : 10.0};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "kernels: a picture %.0f wide is too small: give at least 240",
                         options->width);
    }
    if (kernels->count == 0) {
        HNI_TRY(draw_nothing(context, options, &drawing.canvas));
    } else {
        HNI_TRY(hni_filters_check(context, "kernels", &kernels->filters));
        HNI_TRY(choose_scales(context, &drawing));
        lay_out(&drawing, options->width);
        sized.height = ceil(height_of(&drawing));
        HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
        for (size_t p = 0; p < kernels->count; p++)
            HNI_TRY(draw_panel(context, &drawing, p));
        if (drawing.has_percentiles) {
            const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
            hni_canvas_text(drawing.canvas, (hni_point){drawing.edge + drawing.left, sized.height - drawing.edge - 3.0},
                            NOTE, &style);
        }
    }
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_free(context, drawing.scales);
    hni_canvas_destroy(drawing.canvas);
    return status;
}
