/* The weight-change picture on a canvas: SVG, PNG and PDF. */
#include <math.h>
#include <stdio.h>

#include "app/plot/frame.h"
#include "app/plot/heat.h"
#include "app/plot/utf8.h"
#include "core/alloc.h"

#define FONT 13.0
#define COLUMN 7.83 /* DejaVu Sans Mono at that size */
#define LEFT 18.0   /* gate names */
#define ROW 9.0
#define ROW_GAP 1.0
#define TEXT_HEIGHT 16.0
#define LINE_GAP 9.0
#define EDGE 8.0
#define OVERLAP 1.0 /* cells reach under the next one, which is drawn over them, so that no viewer shows a seam */

typedef struct heat_drawing {
    const hni_heat *heat;
    hni_heat_range range;
    hni_canvas *canvas;
    hni_heat_line *lines;
    size_t line_count;
    int gates;
    double width, line_height;
    bool narrow; /* the colour bar takes two lines */
} heat_drawing;

/* One text element for a run of glyphs of one column each; it keeps its width whatever font the viewer has. */
static void draw_run(const heat_drawing *drawing, size_t start, size_t end, int column, int columns, double y)
{
    hni_text_style style = {.ink = HNI_INK_TEXT, .size = FONT, .mono = true, .width = columns * COLUMN};
    hni_canvas_text_bytes(drawing->canvas, (hni_point){EDGE + LEFT + column * COLUMN, y}, drawing->heat->bytes + start,
                          end - start, &style);
}

static void draw_symbol(const heat_drawing *drawing, const char *symbol, int column, double y)
{
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = FONT, .mono = true};
    hni_canvas_text(drawing->canvas, (hni_point){EDGE + LEFT + column * COLUMN, y}, symbol, &style);
}

static void draw_text(const heat_drawing *drawing, hni_heat_line line, double y)
{
    const hni_heat *heat = drawing->heat;
    size_t run = line.start;
    int run_column = 0, column = 0;
    for (size_t at = line.start; at < line.end;) {
        hni_glyph glyph = hni_glyph_at(heat->bytes, heat->count, at);
        bool alone = glyph.symbol != NULL || glyph.columns != 1;
        if (alone) {
            if (at > run) draw_run(drawing, run, at, run_column, column - run_column, y);
            if (glyph.symbol != NULL) {
                draw_symbol(drawing, glyph.symbol, column, y);
            } else {
                draw_run(drawing, at, at + glyph.size, column, glyph.columns, y);
            }
        }
        at += glyph.size;
        column += glyph.columns;
        if (alone) {
            run = at;
            run_column = column;
        }
    }
    if (line.end > run) draw_run(drawing, run, line.end, run_column, column - run_column, y);
}

/* "e: i 0.12, g 0.3, f 0.07, o 0.21"; "e: 0.12" for one gate */
static void describe(const heat_drawing *drawing, const hni_glyph *glyph, char *out_text, size_t size)
{
    const hni_heat *heat = drawing->heat;
    unsigned char first = heat->bytes[glyph->start];
    int length = glyph->symbol != NULL ? snprintf(out_text, size, "byte 0x%02x", first)
                 : first == ' '
                     ? snprintf(out_text, size, "space")
                     : snprintf(out_text, size, "%.*s", (int)glyph->size, (const char *)heat->bytes + glyph->start);
    for (int gate = 0; gate < drawing->gates && length >= 0 && (size_t)length < size; gate++) {
        double value = hni_heat_value(heat, gate, glyph->start, glyph->size);
        char buffer[16], number[32];
        const char *name = hni_heat_gate_name(heat, gate, buffer);
        (void)snprintf(number, sizeof number, "%.3g", value);
        length += snprintf(out_text + length, size - (size_t)length, "%s%s%.20s %s", gate == 0 ? ":" : ",",
                           name[0] != '\0' ? " " : "", name, isnan(value) ? "no value" : number);
    }
}

static void draw_cells(const heat_drawing *drawing, hni_heat_line line, double y)
{
    const hni_heat *heat = drawing->heat;
    int column = 0;
    for (size_t at = line.start; at < line.end;) {
        hni_glyph glyph = hni_glyph_at(heat->bytes, heat->count, at);
        char text[256];
        describe(drawing, &glyph, text, sizeof text);
        hni_canvas_hover(drawing->canvas, text);
        for (int gate = 0; gate < drawing->gates; gate++) {
            double share = hni_heat_share(&drawing->range, hni_heat_value(heat, gate, at, glyph.size));
            double overlap = at + glyph.size < line.end ? OVERLAP : 0.0;
            hni_canvas_rectangle(drawing->canvas,
                                 (hni_box){EDGE + LEFT + column * COLUMN, y + gate * (ROW + ROW_GAP),
                                           glyph.columns * COLUMN + overlap, ROW},
                                 hni_ink_heat(share));
        }
        hni_canvas_hover_end(drawing->canvas);
        at += glyph.size;
        column += glyph.columns;
    }
}

static void draw_gate_names(const heat_drawing *drawing, double y)
{
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = 9.5, .anchor = HNI_ANCHOR_END, .mono = true};
    for (int gate = 0; gate < drawing->gates; gate++) {
        char buffer[16], name[16];
        hni_short_name(hni_heat_gate_name(drawing->heat, gate, buffer), 2, name, sizeof name); /* what the margin has */
        hni_canvas_text(drawing->canvas, (hni_point){EDGE + LEFT - 6.0, y + gate * (ROW + ROW_GAP) + ROW - 1.5}, name,
                        &style);
    }
}

/* The colour bar: quantity, lower end, colours, upper end, and how the ends were chosen. */
static void draw_bar(const heat_drawing *drawing, double y)
{
    const double bar = 120.0, height = 9.0;
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = 11.5};
    hni_canvas *canvas = drawing->canvas;
    const char *quantity = drawing->heat->quantity != NULL ? drawing->heat->quantity : "weight change";
    double x = EDGE + LEFT;
    hni_canvas_text(canvas, (hni_point){x, y}, quantity, &style);
    if (drawing->narrow) {
        y += 18.0;
    } else {
        x += hni_text_width(quantity, style.size) + 14.0;
    }
    char label[64];
    if (drawing->range.values == 0) {
        hni_canvas_text(canvas, (hni_point){x, y}, "no finite values", &style);
        return;
    }
    (void)snprintf(label, sizeof label, "%.3g", drawing->range.low);
    hni_canvas_text(canvas, (hni_point){x, y}, label, &style);
    x += hni_text_width(label, style.size) + 6.0;
    for (int i = 0; i < HNI_HEAT_INKS; i++) {
        double cell = bar / HNI_HEAT_INKS;
        hni_canvas_rectangle(
            canvas, (hni_box){x + i * cell, y - height, cell + (i + 1 < HNI_HEAT_INKS ? OVERLAP : 0.0), height},
            (hni_ink)(HNI_INK_HEAT + i));
    }
    x += bar + 6.0;
    (void)snprintf(label, sizeof label, "%.3g", drawing->range.high);
    hni_canvas_text(canvas, (hni_point){x, y}, label, &style);
    x += hni_text_width(label, style.size) + 10.0;
    if (drawing->narrow) {
        y += 18.0;
        x = EDGE + LEFT;
    }
    hni_canvas_text(canvas, (hni_point){x, y}, "2nd to 98th percentile", &style);
}

hn_status hni_heat_picture(hn_context *context, const hni_heat *heat, int columns, const hni_canvas_options *options,
                           hni_text *out_bytes)
{
    heat_drawing drawing = {.heat = heat};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    HNI_TRY(hni_heat_range_of(context, heat, &drawing.range));
    HNI_TRY(hni_heat_wrap(context, heat, columns, &drawing.lines, &drawing.line_count));
    drawing.gates = hni_heat_gates(heat);
    drawing.line_height = TEXT_HEIGHT + drawing.gates * (ROW + ROW_GAP) + LINE_GAP;
    drawing.narrow = columns < 72;
    drawing.width = fmax(EDGE * 2 + LEFT + columns * COLUMN, 290.0);
    sized.width = ceil(drawing.width);
    sized.height = ceil(EDGE * 2 + (double)drawing.line_count * drawing.line_height + (drawing.narrow ? 52.0 : 16.0));
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));

    double y = EDGE;
    for (size_t i = 0; i < drawing.line_count; i++, y += drawing.line_height) {
        draw_text(&drawing, drawing.lines[i], y + FONT - 1.0);
        draw_gate_names(&drawing, y + TEXT_HEIGHT);
        draw_cells(&drawing, drawing.lines[i], y + TEXT_HEIGHT);
    }
    draw_bar(&drawing, y + 12.0);
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_canvas_destroy(drawing.canvas);
    hni_free(context, drawing.lines);
    return status;
}
