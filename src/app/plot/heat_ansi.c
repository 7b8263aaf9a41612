/* The weight-change picture for a terminal: true colour, 256 colours, or five shade characters where colour is not wanted. */
#include <math.h>

#include "app/plot/heat.h"
#include "app/plot/utf8.h"
#include "core/alloc.h"

/* A cell: blanks on a coloured ground, or shade characters. The dark scale is used: on any ground, bright is much. */
static void write_cell(hni_text *out, double share, int columns, hni_ansi ansi)
{
    if (ansi == HNI_ANSI_SHADES) {
        for (int i = 0; i < columns; i++)
            hni_markup_text(out, hni_ansi_shade(share));
        return;
    }
    hni_ansi_ground(out, hni_ink_colour(hni_ink_heat(share), true), ansi);
    for (int i = 0; i < columns; i++)
        hni_markup_text(out, isnan(share) ? "?" : " ");
}

static void write_text_line(hni_text *out, const hni_heat *heat, hni_heat_line line)
{
    hni_markup_text(out, "  ");
    for (size_t at = line.start; at < line.end;) {
        hni_glyph glyph = hni_glyph_at(heat->bytes, heat->count, at);
        if (glyph.symbol != NULL) {
            hni_markup_text(out, glyph.symbol);
        } else {
            hni_text_add_bytes(out, heat->bytes + at, glyph.size);
        }
        at += glyph.size;
    }
    hni_markup_text(out, "\n");
}

static void write_gate_line(hni_text *out, const hni_heat *heat, const hni_heat_range *range, hni_heat_line line,
                            int gate, hni_ansi ansi)
{
    char buffer[16];
    hni_text_add(out, "%-1.1s ", hni_heat_gate_name(heat, gate, buffer)); /* the text begins at the third column */
    for (size_t at = line.start; at < line.end;) {
        hni_glyph glyph = hni_glyph_at(heat->bytes, heat->count, at);
        write_cell(out, hni_heat_share(range, hni_heat_value(heat, gate, at, glyph.size)), glyph.columns, ansi);
        at += glyph.size;
    }
    hni_markup_text(out, ansi == HNI_ANSI_SHADES ? "\n" : "\033[0m\n");
}

static void write_bar(hni_text *out, const hni_heat *heat, const hni_heat_range *range, hni_ansi ansi)
{
    enum { STEPS = 16 };
    hni_text_add(out, "%s  %.3g ", heat->quantity != NULL ? heat->quantity : "weight change", range->low);
    for (int i = 0; i < STEPS; i++)
        write_cell(out, (double)i / (STEPS - 1), 1, ansi);
    hni_text_add(out, "%s %.3g  (2nd to 98th percentile)\n", ansi == HNI_ANSI_SHADES ? "" : "\033[0m", range->high);
}

hn_status hni_heat_ansi(hn_context *context, const hni_heat *heat, int columns, hni_ansi ansi, hni_text *out_text)
{
    hni_heat_line *lines = NULL;
    size_t line_count = 0;
    hni_heat_range range;
    hn_status status = HN_OK;
    HNI_TRY(hni_heat_range_of(context, heat, &range));
    HNI_TRY(hni_heat_wrap(context, heat, columns, &lines, &line_count));
    for (size_t i = 0; i < line_count; i++) {
        write_text_line(out_text, heat, lines[i]);
        for (int gate = 0; gate < hni_heat_gates(heat); gate++)
            write_gate_line(out_text, heat, &range, lines[i], gate, ansi);
    }
    write_bar(out_text, heat, &range, ansi);
    status = out_text->status;

cleanup:
    hni_free(context, lines);
    return status;
}
