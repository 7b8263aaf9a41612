/* See canvas.h and backend.h: a mosaic cut into few pieces, for both ways of drawing. */
#include "app/plot/backend.h"

/* Whether column (row) `i` touches the one before it. */
static bool touches(const int *starts, size_t i, int cell) { return starts[i] == starts[i - 1] + cell; }

void hni_mosaic_count(const hni_mosaic *mosaic, hni_mosaic_paints *out_paints)
{
    *out_paints = (hni_mosaic_paints){.ground = 0};
    for (size_t i = 0; i < mosaic->rows * mosaic->columns; i++)
        out_paints->cells[mosaic->paints[i]]++;
    for (int paint = 1; paint < HNI_MOSAIC_PAINTS; paint++) {
        if (out_paints->cells[paint] > out_paints->cells[out_paints->ground]) out_paints->ground = paint;
    }
}

/* How many from `start` on hang together. */
static size_t block_size(const int *starts, size_t start, size_t count, int cell)
{
    size_t end = start + 1;
    while (end < count && touches(starts, end, cell))
        end++;
    return end - start;
}

bool hni_mosaic_next_block(const hni_mosaic *mosaic, hni_mosaic_piece *piece)
{
    piece->column += piece->columns;
    if (piece->column >= mosaic->columns) {
        piece->column = 0;
        piece->row += piece->rows;
    }
    if (piece->row >= mosaic->rows) return false;
    piece->columns = block_size(mosaic->left, piece->column, mosaic->columns, mosaic->cell);
    piece->rows = block_size(mosaic->top, piece->row, mosaic->rows, mosaic->cell);
    return true;
}

bool hni_mosaic_next_run(const hni_mosaic *mosaic, int paint, hni_mosaic_piece *piece)
{
    size_t column = piece->column + piece->columns;
    for (size_t row = piece->row; row < mosaic->rows; row++, column = 0) {
        const uint8_t *paints = mosaic->paints + row * mosaic->columns;
        while (paint != HNI_MOSAIC_ANY && column < mosaic->columns && paints[column] != paint)
            column++;
        if (column == mosaic->columns) continue;
        size_t end = column + 1;
        while (end < mosaic->columns && paints[end] == paints[column] && touches(mosaic->left, end, mosaic->cell))
            end++;
        *piece = (hni_mosaic_piece){.row = row, .rows = 1, .column = column, .columns = end - column};
        return true;
    }
    return false;
}

bool hni_mosaic_goes_on(const hni_mosaic *mosaic, const hni_mosaic_piece *piece, bool below)
{
    const size_t column = piece->column + piece->columns, row = piece->row + piece->rows;
    return below ? row < mosaic->rows && touches(mosaic->top, row, mosaic->cell)
                 : column < mosaic->columns && touches(mosaic->left, column, mosaic->cell);
}

hni_mosaic_box hni_mosaic_box_of(const hni_mosaic *mosaic, const hni_mosaic_piece *piece)
{
    const size_t last_column = piece->column + piece->columns - 1, last_row = piece->row + piece->rows - 1;
    const int x = mosaic->left[piece->column], y = mosaic->top[piece->row];
    return (hni_mosaic_box){x, y, mosaic->left[last_column] + mosaic->cell - x,
                            mosaic->top[last_row] + mosaic->cell - y};
}
