/* A kernel as a grid of its filters, small squares of weights with thin gaps between them: what pictures of kernels are made of.
 * Knows nothing of layers; `rows` and `columns` are input and output channels where the caller lays them so. */
#ifndef HNI_APP_PLOT_FILTERS_H
#define HNI_APP_PLOT_FILTERS_H

#include "app/plot/scale.h"

typedef struct hni_filters {
    size_t rows, columns; /* of filters */
    size_t height, width; /* of a filter, in weights */
    size_t
        strides[4]; /* numbers from one row, column, line and weight to the next; all 0: [rows,columns,height,width] */
    size_t tile_rows, tile_columns; /* filters of a tile, between which a border is drawn; 0: all are one tile */
} hni_filters;

/* How large a grid is drawn, in steps of `unit`. */
typedef struct hni_filters_size {
    double unit; /* half a pixel, so that a picture of two pixels a unit is sharp; less where nothing else fits */
    int cell, gap, border; /* of a weight; between filters; between tiles */
    double width, height;  /* of the whole in units of the canvas, with a frame around it */
    double weight;         /* of a weight in units of the canvas */
} hni_filters_size;

/* Whether there is a grid, and not too large to be drawn: at most 2^24 weights. The error names `what`. */
HN_MUST_USE hn_status hni_filters_check(hn_context *context, const char *what, const hni_filters *filters);
/* The largest that is not wider than this, weights of at most 12. */
hni_filters_size hni_filters_fit(const hni_filters *filters, double width);

size_t hni_filters_count(const hni_filters *filters); /* of weights */
/* All weights row by row: out_values [hni_filters_count]. */
void hni_filters_gather(const hni_filters *filters, const float *values, float *out_values);

/* A grid to be drawn: upper left corner, values and colours. */
typedef struct hni_filters_drawing {
    const hni_filters *filters;
    hni_filters_size size;
    hni_scale scale;
    hni_point at;
} hni_filters_drawing;
HN_MUST_USE hn_status hni_filters_draw(hn_context *context, const hni_filters_drawing *drawing, const float *values,
                                       hni_canvas *canvas);

#endif
