/* See surprise.h. */
#include "app/plot/surprise.h"

#include <math.h>
#include <stdio.h>

#include "app/plot/utf8.h"
#include "core/alloc.h"

double hni_surprise_value(const hni_surprise *surprise, size_t start, size_t size)
{
    double sum = 0;
    bool is_known = false;
    for (size_t i = start; i < start + size; i++) {
        if (!isfinite(surprise->bits[i])) continue;
        sum += (double)surprise->bits[i];
        is_known = true;
    }
    return is_known ? sum : (double)NAN;
}

/* Place on the colour scale, NaN for no value. */
static double share_of(const hni_surprise *surprise, const hni_glyph *glyph)
{
    return hni_surprise_value(surprise, glyph->start, glyph->size) / HNI_SURPRISE_BITS;
}

/* Whether black text can be read on this ground better than white. */
static bool is_bright(hni_colour ground)
{
    return 299 * ground.red + 587 * ground.green + 114 * ground.blue > 140 * 1000;
}

static void write_glyph(hni_text *out, const hni_surprise *surprise, const hni_glyph *glyph)
{
    if (glyph->symbol != NULL) {
        hni_markup_text(out, glyph->symbol);
    } else {
        hni_text_add_bytes(out, surprise->bytes + glyph->start, glyph->size);
    }
}

/* ---- terminal ---- */

static void write_coloured(hni_text *out, const hni_surprise *surprise, hni_heat_line line, hni_ansi ansi)
{
    for (size_t at = line.start; at < line.end;) {
        const hni_glyph glyph = hni_glyph_at(surprise->bytes, surprise->count, at);
        const hni_colour ground = hni_ink_colour(hni_ink_heat(share_of(surprise, &glyph)), true);
        hni_ansi_ground(out, ground, ansi);
        hni_text_add(out, "\033[38;5;%dm", is_bright(ground) ? 16 : 231); /* black or white of the fixed colours */
        write_glyph(out, surprise, &glyph);
        at += glyph.size;
    }
    hni_markup_text(out, "\033[0m\n");
}

static void write_shaded(hni_text *out, const hni_surprise *surprise, hni_heat_line line)
{
    for (size_t at = line.start; at < line.end;) {
        const hni_glyph glyph = hni_glyph_at(surprise->bytes, surprise->count, at);
        write_glyph(out, surprise, &glyph);
        at += glyph.size;
    }
    hni_markup_text(out, "\n");
    for (size_t at = line.start; at < line.end;) {
        const hni_glyph glyph = hni_glyph_at(surprise->bytes, surprise->count, at);
        for (int i = 0; i < glyph.columns; i++)
            hni_markup_text(out, hni_ansi_shade(share_of(surprise, &glyph)));
        at += glyph.size;
    }
    hni_markup_text(out, "\n");
}

static void write_scale(hni_text *out, hni_ansi ansi)
{
    enum { STEPS = 16 };
    hni_markup_text(out, "bits  0 ");
    for (int i = 0; i < STEPS; i++) {
        const double share = (double)i / (STEPS - 1);
        if (ansi == HNI_ANSI_SHADES) {
            hni_markup_text(out, hni_ansi_shade(share));
        } else {
            hni_ansi_ground(out, hni_ink_colour(hni_ink_heat(share), true), ansi);
            hni_markup_text(out, " ");
        }
    }
    hni_text_add(out, "%s %g or more\n", ansi == HNI_ANSI_SHADES ? "" : "\033[0m", HNI_SURPRISE_BITS);
}

hn_status hni_surprise_ansi(hn_context *context, const hni_surprise *surprise, int columns, hni_ansi ansi,
                            hni_text *out_text)
{
    const hni_heat text = {.bytes = surprise->bytes, .count = surprise->count};
    hni_heat_line *lines = NULL;
    size_t line_count = 0;
    hn_status status;
    HNI_TRY(hni_heat_wrap(context, &text, columns, &lines, &line_count));
    for (size_t i = 0; i < line_count; i++) {
        if (ansi == HNI_ANSI_SHADES) {
            write_shaded(out_text, surprise, lines[i]);
        } else {
            write_coloured(out_text, surprise, lines[i], ansi);
        }
    }
    write_scale(out_text, ansi);
    status = out_text->status;
cleanup:
    hni_free(context, lines);
    return status;
}

/* ---- page ---- */

static void write_rules(hni_text *html, bool dark)
{
    const hni_colour paper = hni_ink_colour(HNI_INK_PAPER, dark), text = hni_ink_colour(HNI_INK_TEXT, dark);
    const hni_colour empty = hni_ink_colour(HNI_INK_EMPTY, dark);
    hni_text_add(html, "body{background:#%02x%02x%02x;color:#%02x%02x%02x}\n", paper.red, paper.green, paper.blue,
                 text.red, text.green, text.blue);
    hni_text_add(html, ".n{background:#%02x%02x%02x}\n", empty.red, empty.green, empty.blue);
    for (int i = 0; i < HNI_HEAT_INKS; i++) {
        const hni_colour ground = hni_ink_colour((hni_ink)(HNI_INK_HEAT + i), dark);
        hni_text_add(html, ".h%d{background:#%02x%02x%02x;color:%s}\n", i, ground.red, ground.green, ground.blue,
                     is_bright(ground) ? "#000" : "#fff");
    }
}

static void write_head(hni_text *html, const char *title, const char *figure)
{
    hni_markup_text(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    hni_markup_escaped_text(html, title);
    hni_markup_text(html, "</title>\n<style>\n"
                          "body{margin:0 auto;max-width:60rem;padding:1rem;font:1rem/1.6 system-ui,\"Segoe "
                          "UI\",Roboto,\"DejaVu Sans\",sans-serif}\n"
                          "h1{font-size:1.5rem;line-height:1.2;overflow-wrap:anywhere}\n"
                          "pre,.scale{font:.95rem/1.5 ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace}\n"
                          "pre{white-space:pre-wrap;overflow-wrap:anywhere;direction:ltr;unicode-bidi:bidi-override}\n"
                          "i{font-style:normal}\n");
    write_rules(html, false);
    hni_markup_text(html, "@media (prefers-color-scheme:dark){\n");
    write_rules(html, true);
    hni_markup_text(html, "}\n</style>\n</head>\n<body>\n<h1>");
    hni_markup_escaped_text(html, title);
    hni_markup_text(html, "</h1>\n<p>");
    hni_markup_escaped_text(html, figure);
    hni_markup_text(html, "</p>\n<p class=\"scale\">0 bits ");
    for (int i = 0; i < HNI_HEAT_INKS; i++)
        hni_text_add(html, "<i class=h%d>&nbsp;</i>", i);
    hni_text_add(html, " %g or more</p>\n<pre>", HNI_SURPRISE_BITS);
}

static void write_cell(hni_text *html, const hni_surprise *surprise, const hni_glyph *glyph)
{
    const double bits = hni_surprise_value(surprise, glyph->start, glyph->size);
    if (isnan(bits)) {
        hni_markup_text(html, "<i class=n>");
    } else {
        hni_text_add(html, "<i class=h%d title=%.3g>", (int)hni_ink_heat(bits / HNI_SURPRISE_BITS) - HNI_INK_HEAT,
                     bits);
    }
    if (glyph->symbol != NULL) {
        hni_markup_text(html, glyph->symbol);
    } else {
        hni_markup_escaped(html, surprise->bytes + glyph->start, glyph->size);
    }
    hni_markup_text(html, glyph->breaks ? "</i>\n" : "</i>");
}

hn_status hni_surprise_page(const hni_surprise *surprise, const char *title, const char *figure, hni_text *out_html)
{
    write_head(out_html, title, figure);
    for (size_t at = 0; at < surprise->count && out_html->status == HN_OK;) {
        const hni_glyph glyph = hni_glyph_at(surprise->bytes, surprise->count, at);
        write_cell(out_html, surprise, &glyph);
        at += glyph.size;
    }
    hni_markup_text(out_html, "</pre>\n</body>\n</html>\n");
    return out_html->status;
}
