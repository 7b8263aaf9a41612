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

static void draw_one(hni_page *page, const hni_page_picture *picture, double width, double height)
{
    const hni_canvas_options options = {
        .format = HNI_PICTURE_SVG, .width = width, .height = height, .title = picture->title, .inlined = true};
    if (page->status == HN_OK) page->status = picture->draw(page->context, picture->data, &options, &page->html);
}

void hni_page_figures(hni_page *page, const hni_page_picture *picture)
{
    hni_text *html = &page->html;
    hni_markup_text(html, "<figure>");
    if (picture->caption != NULL) {
        hni_markup_text(html, "<figcaption>");
        hni_markup_escaped_text(html, picture->caption);
        hni_markup_text(html, "</figcaption>");
    }
    hni_markup_text(html, "\n<div class=\"wide\">\n");
    draw_one(page, picture, WIDE, picture->wide_height);
    hni_markup_text(html, "</div><div class=\"narrow\">\n");
    draw_one(page, picture, NARROW, picture->narrow_height);
    hni_markup_text(html, "</div></figure>\n");
}
