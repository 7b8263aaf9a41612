/* Small things that several parts of the page say: names, keys, times, figures. */
#include <math.h>

#include "app/plot/markup.h"
#include "app/report/page.h"
#include "app/report/series.h"

#define WIDE 864.0
#define NARROW 328.0

void hni_page_name(hni_page *page, hni_text *out, size_t run)
{
    hni_run_legend(page->report->runs, page->report->run_count, run, out);
}

void hni_page_write_name(hni_page *page, size_t run)
{
    hni_text name = {.context = page->context};
    hni_page_name(page, &name, run);
    if (name.status == HN_OK && name.size > 0) hni_markup_escaped(&page->html, name.data, name.size);
    if (name.status != HN_OK) page->status = name.status;
    hni_text_free(&name);
}

void hni_page_write_key(hni_page *page, size_t run)
{
    hni_text_add(&page->html, "<span class=\"key\" style=\"background:var(--series-%d)\"></span>",
                 (int)(run % HNI_SERIES_INKS));
}

void hni_page_duration(hni_text *out, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e9)) {
        hni_markup_text(out, "–");
        return;
    }
    long whole = lround(seconds);
    if (whole < 60) {
        hni_text_add(out, "%ld s", whole);
    } else if (whole < 3600) {
        hni_text_add(out, "%ld min %ld s", whole / 60, whole % 60);
    } else {
        hni_text_add(out, "%ld h %ld min", whole / 3600, whole % 3600 / 60);
    }
}

void hni_page_figure(hni_text *out, double number, int decimals)
{
    if (isfinite(number)) {
        hni_text_add(out, "%.*f", decimals, number);
    } else {
        hni_markup_text(out, "–");
    }
}

double hni_page_seconds(const hni_run *run)
{
    for (size_t i = run->row_count; i > 0; i--) {
        if (isfinite(run->rows[i - 1].seconds)) return run->rows[i - 1].seconds;
    }
    return (double)NAN;
}

void hni_page_write_heading(hni_page *page, size_t run)
{
    hni_markup_text(&page->html, "<h3>");
    hni_page_write_name(page, run);
    hni_markup_text(&page->html, "</h3>\n");
}

void hni_page_note(hni_page *page, const char *note)
{
    if (note == NULL) return;
    hni_markup_text(&page->html, "<p class=\"note\">");
    hni_markup_escaped_text(&page->html, note);
    hni_markup_text(&page->html, "</p>\n");
}

static void draw_one(hni_page *page, const hni_page_picture *picture, double width, double height, hni_text *out)
{
    const hni_canvas_options options = {
        .format = HNI_PICTURE_SVG, .width = width, .height = height, .title = picture->title, .inlined = true};
    if (page->status == HN_OK) page->status = picture->draw(page->context, picture->data, &options, out);
    if (page->status == HN_OK) page->status = out->status;
}

void hni_page_figures(hni_page *page, const hni_page_picture *picture)
{
    hni_text *html = &page->html;
    hni_text wide = {.context = page->context};
    hni_markup_text(html, "<figure>");
    if (picture->caption != NULL) {
        hni_markup_text(html, "<figcaption>");
        hni_markup_escaped_text(html, picture->caption);
        hni_markup_text(html, "</figcaption>");
    }
    draw_one(page, picture, WIDE, picture->wide_height, &wide);
    const bool large = wide.size > HNI_PAGE_LARGE;
    hni_markup_text(html, large ? "\n<div class=\"once\" tabindex=\"0\" role=\"region\" aria-label=\""
                                : "\n<div class=\"wide\">\n");
    if (large) {
        hni_markup_escaped_text(html, picture->title);
        hni_markup_text(html, "\">\n");
    }
    if (page->status == HN_OK) hni_text_add_bytes(html, wide.data, wide.size);
    if (!large) {
        hni_markup_text(html, "</div><div class=\"narrow\">\n");
        draw_one(page, picture, NARROW, picture->narrow_height, html);
    }
    hni_markup_text(html, "</div></figure>\n");
    hni_text_free(&wide);
}
