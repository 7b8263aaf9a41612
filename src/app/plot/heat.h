/* Weight change under text (the paper's figure 4): a text wrapped to columns, and under each character a cell for each gate
 * (i, g, f, o of an LSTM, one for an RNN), the darker (in the dark: the brighter) the more the weights moved at that character. Knows nothing of models. */
#ifndef HNI_APP_PLOT_HEAT_H
#define HNI_APP_PLOT_HEAT_H

#include "app/plot/ansi.h"
#include "app/plot/canvas.h"

#define HNI_GATES 4           /* of an LSTM */
#define HNI_HEAT_GATES_MOST 8 /* rows that a picture may have */

typedef struct hni_heat {
    const unsigned char *bytes; /* the text, any bytes */
    size_t count;
    const float *change[HNI_HEAT_GATES_MOST]; /* [count] each; a value that is not finite: no value there */
    const char *quantity;          /* what is shown, for the colour bar: "change of scales"; NULL: "weight change" */
    int gates;                     /* 1 .. HNI_HEAT_GATES_MOST; 0: 4 */
    const char *const *gate_names; /* [gates]; NULL: i, g, f, o for 4, none for 1, numbers from 0 else */
} hni_heat;

/* The colours' range: the 2nd and the 98th percentile of all values, so that one outlier does not pale the rest. */
typedef struct hni_heat_range {
    double low, high;
    size_t values; /* finite ones; 0: there is nothing to show, low = high = 0 */
} hni_heat_range;
HN_MUST_USE hn_status hni_heat_range_of(hn_context *context, const hni_heat *heat, hni_heat_range *out_range);

/* Place of a value on the colour scale, 0 .. 1; NaN for a value that is not finite. */
double hni_heat_share(const hni_heat_range *range, double value);

/* Rows under each line of the text, and the name of one; `buffer` (16 bytes) is for names that are made. */
int hni_heat_gates(const hni_heat *heat);
const char *hni_heat_gate_name(const hni_heat *heat, int gate, char *buffer);

/* A glyph of a text with bytes of its own shows the largest of their values; NaN if none is finite. */
double hni_heat_value(const hni_heat *heat, int gate, size_t start, size_t size);

/* One line of the wrapped text: glyphs that begin in start .. end-1. */
typedef struct hni_heat_line {
    size_t start, end;
} hni_heat_line;

/* Breaks after a newline, else behind the last space that fits, else at `columns` (at least 4). The lines belong to the caller:
 * hni_free. */
HN_MUST_USE hn_status hni_heat_wrap(hn_context *context, const hni_heat *heat, int columns, hni_heat_line **out_lines,
                                    size_t *out_count);

/* options->width and height are ignored: the picture is as large as the text needs. Appends the picture's bytes. */
HN_MUST_USE hn_status hni_heat_picture(hn_context *context, const hni_heat *heat, int columns,
                                       const hni_canvas_options *options, hni_text *out_bytes);

/* The same picture for a terminal: a line of cells for each gate under each line of text; without colours, shade characters. */
HN_MUST_USE hn_status hni_heat_ansi(hn_context *context, const hni_heat *heat, int columns, hni_ansi ansi,
                                    hni_text *out_text);

#endif
