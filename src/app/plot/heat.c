/* See heat.h: values, range and lines; what all forms of the picture share. */
#include "app/plot/heat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/scale.h"
#include "app/plot/utf8.h"
#include "core/alloc.h"
#include "core/size.h"

int hni_heat_gates(const hni_heat *heat)
{
    if (heat->gates <= 0) return HNI_GATES;
    return heat->gates < HNI_HEAT_GATES_MOST ? heat->gates : HNI_HEAT_GATES_MOST;
}

const char *hni_heat_gate_name(const hni_heat *heat, int gate, char *buffer)
{
    static const char *const lstm[HNI_GATES] = {"i", "g", "f", "o"};
    int gates = hni_heat_gates(heat);
    if (heat->gate_names != NULL) return heat->gate_names[gate];
    if (gates == HNI_GATES) return lstm[gate];
    buffer[0] = '\0';
    if (gates > 1) (void)snprintf(buffer, 16, "%d", gate);
    return buffer;
}

hn_status hni_heat_range_of(hn_context *context, const hni_heat *heat, hni_heat_range *out_range)
{
    float *values = NULL;
    size_t room;
    hn_status status = HN_OK;
    *out_range = (hni_heat_range){0};
    if (!hni_size_mul(heat->count, (size_t)hni_heat_gates(heat), &room)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "weight change: a text of %zu bytes is too long to draw",
                         heat->count);
    }
    HNI_TRY(hni_alloc_array(context, "weight change", room, sizeof *values, (void **)&values));
    for (int gate = 0; gate < hni_heat_gates(heat) && heat->count > 0; gate++)
        memcpy(values + (size_t)gate * heat->count, heat->change[gate], heat->count * sizeof *values);
    out_range->values = hni_spread(values, room, 0.02, &out_range->low, &out_range->high);

cleanup:
    hni_free(context, values);
    return status;
}

double hni_heat_share(const hni_heat_range *range, double value)
{
    if (!isfinite(value)) return (double)NAN;
    if (!(range->high > range->low)) return 0.0;
    return fmin(fmax((value - range->low) / (range->high - range->low), 0.0), 1.0);
}

double hni_heat_value(const hni_heat *heat, int gate, size_t start, size_t size)
{
    double largest = (double)NAN;
    for (size_t i = start; i < start + size; i++) {
        double value = (double)heat->change[gate][i];
        if (isfinite(value) && !(value <= largest)) largest = value;
    }
    return largest;
}

/* Where the line that begins at `start` ends. */
static size_t line_end(const hni_heat *heat, size_t start, int columns)
{
    size_t at = start, after_space = start;
    int used = 0;
    while (at < heat->count) {
        hni_glyph glyph = hni_glyph_at(heat->bytes, heat->count, at);
        if (used + glyph.columns > columns) {
            /* a break that leaves most of the line empty is worse than a cut word */
            return after_space - start > (at - start) / 2 ? after_space : at;
        }
        at += glyph.size;
        used += glyph.columns;
        if (glyph.breaks) return at;
        if (heat->bytes[at - 1] == ' ') after_space = at;
    }
    return at;
}

hn_status hni_heat_wrap(hn_context *context, const hni_heat *heat, int columns, hni_heat_line **out_lines,
                        size_t *out_count)
{
    hni_heat_line *lines = NULL;
    size_t count = 0, room = 0;
    hn_status status = HN_OK;
    *out_lines = NULL;
    *out_count = 0;
    if (columns < 4)
        return hni_error(context, HN_ERROR_ARGUMENT, "weight change: %d columns are too few: give at least 4", columns);
    for (size_t start = 0; start < heat->count;) {
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            void *grown = lines;
            HNI_TRY(hni_realloc_array(context, "weight change", room, sizeof *lines, &grown));
            lines = grown;
        }
        size_t end = line_end(heat, start, columns);
        lines[count++] = (hni_heat_line){start, end};
        start = end;
    }
    *out_lines = lines;
    *out_count = count;
    lines = NULL;

cleanup:
    hni_free(context, lines);
    return status;
}
