/* See filters.h. A grid is one mosaic: the gaps lie in its lists of columns and rows. */
#include "app/plot/filters.h"

#include <math.h>

#include "core/alloc.h"
#include "core/size.h"

#define WEIGHTS_MOST ((size_t)1 << 24)
#define CELL_MOST 24 /* steps: 12 units */
#define FRAME 4      /* steps between the frame, or a border, and the weights */
#define LINE 2       /* steps that a line is thick */

hn_status hni_filters_check(hn_context *context, const char *what, const hni_filters *filters)
{
    const size_t sides[4] = {filters->rows, filters->columns, filters->height, filters->width};
    size_t count = 1;
    bool fits = true;
    for (int i = 0; i < 4; i++)
        fits = fits && hni_size_mul(count, sides[i], &count);
    if (fits && count > 0 && count <= WEIGHTS_MOST) return HN_OK;
    return hni_error(
        context, HN_ERROR_ARGUMENT,
        "%s: %zu x %zu filters of %zu x %zu cannot be drawn: a picture needs some weights, and at most %zu", what,
        filters->rows, filters->columns, filters->height, filters->width, WEIGHTS_MOST);
}

size_t hni_filters_count(const hni_filters *filters)
{
    return filters->rows * filters->columns * filters->height * filters->width;
}

/* ---- sizes ---- */

static size_t tiles_in(size_t filters, size_t tile) { return tile == 0 ? 1 : (filters + tile - 1) / tile; }

/* Steps that filters in one direction take, from frame to frame. */
static double steps_of(size_t filters, size_t weights, size_t tile, const hni_filters_size *size)
{
    const double tiles = (double)tiles_in(filters, tile), count = (double)filters;
    return count * (double)weights * size->cell + (count - tiles) * size->gap + (tiles - 1.0) * size->border +
           2.0 * (FRAME + LINE);
}

/* Gaps for weights of this size: seen, and thin. */
static void choose_gaps(hni_filters_size *size, int cell)
{
    size->cell = cell;
    size->gap = cell <= 1 ? 1 : cell <= 8 ? 2 : 4;
    size->border = 2 * FRAME + LINE;
}

static double width_of(const hni_filters *filters, const hni_filters_size *size)
{
    return steps_of(filters->columns, filters->width, filters->tile_columns, size) * size->unit;
}

hni_filters_size hni_filters_fit(const hni_filters *filters, double width)
{
    hni_filters_size size = {.unit = 0.5};
    for (int cell = CELL_MOST; cell >= 1; cell--) {
        choose_gaps(&size, cell);
        if (width_of(filters, &size) <= width) break;
    }
    const double least = width_of(filters, &size);
    if (least > width) size.unit *= width / least;
    size.width = width_of(filters, &size);
    size.height = steps_of(filters->rows, filters->height, filters->tile_rows, &size) * size.unit;
    size.weight = size.cell * size.unit;
    return size;
}

/* ---- drawing ---- */

static float value_at(const hni_filters *filters, const float *values, size_t y, size_t x)
{
    const size_t row = y / filters->height, line = y % filters->height;
    const size_t column = x / filters->width, place = x % filters->width;
    const size_t *strides = filters->strides;
    if (strides[0] == 0 && strides[1] == 0 && strides[2] == 0 && strides[3] == 0) {
        return values[((row * filters->columns + column) * filters->height + line) * filters->width + place];
    }
    return values[row * strides[0] + column * strides[1] + line * strides[2] + place * strides[3]];
}

void hni_filters_gather(const hni_filters *filters, const float *values, float *out_values)
{
    const size_t across = filters->columns * filters->width;
    for (size_t y = 0; y < filters->rows * filters->height; y++)
        for (size_t x = 0; x < across; x++)
            out_values[y * across + x] = value_at(filters, values, y, x);
}

/* Where every column or row of weights begins, in steps from the frame's outer edge. */
static void place_cells(size_t filters, size_t weights, size_t tile, const hni_filters_size *size, int *out_starts)
{
    int at = FRAME + LINE;
    for (size_t filter = 0; filter < filters; filter++) {
        if (filter > 0) at += tile > 0 && filter % tile == 0 ? size->border : size->gap;
        for (size_t i = 0; i < weights; i++, at += size->cell)
            *out_starts++ = at;
    }
}

/* A line from edge to edge, `step` steps from the left (or from the top). */
static void draw_line(const hni_filters_drawing *drawing, hni_canvas *canvas, bool upright, double step, hni_ink ink)
{
    const hni_filters_size *size = &drawing->size;
    const double at = step * size->unit, thick = LINE * size->unit;
    const hni_box box = upright ? (hni_box){drawing->at.x + at, drawing->at.y, thick, size->height}
                                : (hni_box){drawing->at.x, drawing->at.y + at, size->width, thick};
    hni_canvas_rectangle(canvas, box, ink);
}

/* The frame, and a stronger line in the middle of each gap between tiles. */
static void draw_borders(const hni_filters_drawing *drawing, hni_canvas *canvas, const int *left, const int *top)
{
    const hni_filters *filters = drawing->filters;
    const hni_filters_size *size = &drawing->size;
    draw_line(drawing, canvas, true, 0, HNI_INK_AXIS);
    draw_line(drawing, canvas, true, size->width / size->unit - LINE, HNI_INK_AXIS);
    draw_line(drawing, canvas, false, 0, HNI_INK_AXIS);
    draw_line(drawing, canvas, false, size->height / size->unit - LINE, HNI_INK_AXIS);
    for (size_t tile = 1; tile < tiles_in(filters->columns, filters->tile_columns); tile++) {
        const size_t column = tile * filters->tile_columns * filters->width;
        draw_line(drawing, canvas, true, left[column] - FRAME - LINE, HNI_INK_TEXT);
    }
    for (size_t tile = 1; tile < tiles_in(filters->rows, filters->tile_rows); tile++) {
        const size_t row = tile * filters->tile_rows * filters->height;
        draw_line(drawing, canvas, false, top[row] - FRAME - LINE, HNI_INK_TEXT);
    }
}

hn_status hni_filters_draw(hn_context *context, const hni_filters_drawing *drawing, const float *values,
                           hni_canvas *canvas)
{
    const hni_filters *filters = drawing->filters;
    const size_t across = filters->columns * filters->width, down = filters->rows * filters->height;
    int *starts = NULL;
    uint8_t *paints = NULL;
    hn_status status = HN_OK;
    HNI_TRY(hni_alloc_array(context, "filters", across + down, sizeof *starts, (void **)&starts));
    HNI_TRY(hni_alloc_array(context, "filters", across * down, sizeof *paints, (void **)&paints));
    place_cells(filters->columns, filters->width, filters->tile_columns, &drawing->size, starts);
    place_cells(filters->rows, filters->height, filters->tile_rows, &drawing->size, starts + across);
    for (size_t y = 0; y < down; y++) {
        for (size_t x = 0; x < across; x++) {
            const double value = (double)value_at(filters, values, y, x);
            paints[y * across + x] = (uint8_t)hni_scale_ink(&drawing->scale, value);
        }
    }
    hni_canvas_mosaic(canvas, &(hni_mosaic){.at = drawing->at,
                                            .unit = drawing->size.unit,
                                            .left = starts,
                                            .top = starts + across,
                                            .columns = across,
                                            .rows = down,
                                            .cell = drawing->size.cell,
                                            .paints = paints});
    draw_borders(drawing, canvas, starts, starts + across);

cleanup:
    hni_free(context, starts);
    hni_free(context, paints);
    return status;
}
