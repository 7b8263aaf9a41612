/* The style sheet: one column, the reader's own fonts, light or dark as the reader's system is, from 320 pixels to wide. */
#include "app/plot/colour.h"
#include "app/plot/markup.h"
#include "app/report/page.h"

static const char rules[] =
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--text);"
    "font:1rem/1.6 system-ui,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif;overflow-wrap:break-word}\n"
    "header,main,footer{max-width:56rem;margin:0 auto;padding:0 1rem}\n"
    "header{padding-top:3rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .5rem}\n"
    "h2{font-size:1.3rem;line-height:1.3;letter-spacing:-.01em;margin:3rem 0 .5rem;padding-top:1.2rem;"
    "border-top:1px solid var(--rule)}\n"
    "h3{font-size:1rem;margin:1.8rem 0 .4rem}\n"
    "p{margin:.4rem 0 1rem;max-width:42rem;text-wrap:pretty}\n"
    ".lead{font-size:1.1rem}\n"
    ".note,footer,figcaption{color:var(--muted)}\n"
    "footer{padding:3rem 1rem 3rem;font-size:.875rem}\n"
    "figure{margin:1.2rem 0 2rem}\n"
    "h3+figure,h3+.note{margin-top:0}\n"
    "figcaption{font-size:.9rem;max-width:42rem;margin-bottom:.6rem}\n"
    "figure div>svg{display:block;max-width:100%;height:auto}\n" /* not the svg inside that cuts off a drawing */
    "figure .wide{display:none}\n"
    "figure .once{overflow-x:auto}figure .once>svg{max-width:none}\n"
    "figure .narrow>svg{width:100%;max-width:30rem}\n"
    ".key{display:inline-block;width:.7em;height:.7em;margin-right:.55em;border-radius:50%;vertical-align:baseline}\n"
    ".best{font-weight:650}\n"
    ".badge{font-size:.72rem;font-weight:600;border:1px solid currentColor;border-radius:1em;padding:.05em .55em;"
    "margin-left:.6em;white-space:nowrap;vertical-align:.1em}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;color:var(--muted);font-size:.9rem;padding-bottom:.5rem}\n"
    "th,td{text-align:right;padding:.5rem .6rem;border-bottom:1px solid var(--rule);font-weight:inherit}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}\n"
    "th:last-child,td:last-child{padding-right:0}\n"
    ".runs td{white-space:nowrap}\n"
    ".reach,.paper{max-width:42rem}\n"
    ".reach th,.reach td,.paper th,.paper td{padding:.3rem .6rem}\n"
    ".reach th:first-child,.paper th:first-child{padding-left:0}\n"
    ".reach td:last-child,.paper td:last-child,.reach th:last-child,.paper th:last-child{padding-right:0}\n"
    ".group th,.group th:first-child{color:var(--muted);font-size:.875rem;font-weight:600;padding-top:1rem}\n"
    ".ours{font-weight:600}\n"
    "thead th{color:var(--muted);font-size:.875rem;vertical-align:bottom;line-height:1.3}\n"
    "td .unit{display:none}\n"
    "blockquote{margin:.4rem 0 1rem;padding:1rem "
    "1.2rem;background:var(--panel);border-radius:.5rem;white-space:pre-wrap;"
    "overflow-wrap:anywhere;font:1.02rem/1.6 Charter,\"Bitstream Charter\",Cambria,Georgia,\"DejaVu Serif\",serif}\n"
    "details{border-bottom:1px solid var(--rule);padding:.6rem 0}\n"
    "summary{cursor:pointer;font-weight:600}\n"
    "summary .note{font-weight:400;margin-left:.5em}\n"
    "dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.2rem 1.5rem;margin:.6rem 0 "
    "1rem;font-size:.9rem}\n"
    "dt{color:var(--muted)}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    "pre{margin:.4rem 0 1rem;padding:.9rem 1.1rem;background:var(--panel);border-radius:.5rem;white-space:pre-wrap;"
    "overflow-wrap:anywhere;font:.85rem/1.5 ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace}\n"
    ".scroll{max-height:24rem;overflow:auto;font-size:.9rem}\n"
    ".scroll th,.scroll td{padding:.25rem .6rem}\n"
    ":focus-visible{outline:2px solid var(--muted);outline-offset:2px}\n"
    "@media (min-width:36.01rem){.runs tbody th:first-child{width:34%}}\n"
    "@media (min-width:54rem){figure .wide{display:block}figure .narrow{display:none}}\n"
    "@media (max-width:36rem){\n"
    "header{padding-top:1.5rem}h1{font-size:1.55rem}\n"
    /* every run a block of its own: the figures under its name, each with its unit */
    ".runs thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
    ".runs,.runs tbody,.runs tr,.runs th,.runs td,.runs caption{display:block}\n"
    ".runs tr{padding:.6rem 0;border-bottom:1px solid var(--rule)}\n"
    ".runs th,.runs td{padding:0;border:0;text-align:left}\n"
    ".runs td{display:inline-block;margin-right:1rem;font-size:.9rem}\n"
    ".runs td .unit{display:inline;color:var(--muted);font-weight:400}\n"
    ".reach,.paper{font-size:.875rem}.reach thead th,.paper thead th{font-size:.75rem}\n"
    ".reach th,.reach td,.paper th,.paper td{padding:.25rem .3rem}.reach td,.paper td{white-space:nowrap}\n"
    "dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}\n"
    "}\n"
    "@media print{details{break-inside:avoid}figure{break-inside:avoid}}\n";

static void write_variables(hni_text *html, bool dark)
{
    static const struct {
        const char *name;
        hni_ink ink;
    } variables[] = {{"paper", HNI_INK_PAPER},
                     {"text", HNI_INK_TEXT},
                     {"muted", HNI_INK_MUTED},
                     {"rule", HNI_INK_GRID},
                     {"panel", HNI_INK_PANEL}};
    hni_markup_text(html, ":root{color-scheme:light dark");
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        hni_colour colour = hni_ink_colour(variables[i].ink, dark);
        hni_text_add(html, ";--%s:#%02x%02x%02x", variables[i].name, colour.red, colour.green, colour.blue);
    }
    for (int series = 0; series < HNI_SERIES_INKS; series++) {
        hni_colour colour = hni_ink_colour(hni_ink_series((size_t)series), dark);
        hni_text_add(html, ";--series-%d:#%02x%02x%02x", series, colour.red, colour.green, colour.blue);
    }
    hni_markup_text(html, "}\n");
}

void hni_page_style(hni_page *page)
{
    hni_text *html = &page->html;
    hni_markup_text(html, "<style>\n");
    write_variables(html, false);
    hni_markup_text(html, "@media (prefers-color-scheme:dark){\n");
    write_variables(html, true);
    hni_markup_text(html, "}\n");
    hni_markup_text(html, rules);
    hni_ink_css(html, HNI_THEME_AUTO, NULL);
    hni_markup_text(html, "</style>\n");
}
