/* What models do, on the page: weights that change under a text, and text that they write. */
#include "app/plot/markup.h"
#include "app/report/page.h"

#define WIDE_COLUMNS 100 /* of text under which weights change */
#define NARROW_COLUMNS 36

/* ---- weight change --------------------------------------------------------------------------------------------------------- */

hn_status hni_page_heat(hni_page *page, const hni_run_heat *heat)
{
    hni_canvas_options options = {
        .format = HNI_PICTURE_SVG, .title = "Weight change under text, a row for each gate", .inlined = true};
    hn_status status = HN_OK;
    hni_markup_text(&page->html, "<figure>");
    if (heat->title != NULL) {
        hni_markup_text(&page->html, "<figcaption>");
        hni_markup_escaped_text(&page->html, heat->title);
        hni_markup_text(&page->html, "</figcaption>");
    }
    hni_markup_text(&page->html, "\n<div class=\"wide\">\n");
    HNI_TRY(hni_heat_picture(page->context, &heat->heat, WIDE_COLUMNS, &options, &page->html));
    hni_markup_text(&page->html, "</div><div class=\"narrow\">\n");
    HNI_TRY(hni_heat_picture(page->context, &heat->heat, NARROW_COLUMNS, &options, &page->html));
    hni_markup_text(&page->html, "</div></figure>\n");

cleanup:
    return status;
}

static bool says_something(const hni_run *run) { return run->sample_count > 0 || run->sample_note != NULL; }

static bool any(const hni_report *report, bool heats)
{
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run *run = &report->runs[i];
        if (heats ? run->heat_count > 0 : says_something(run)) return true;
    }
    return false;
}

void hni_page_heats(hni_page *page)
{
    const hni_report *report = page->report;
    if (page->status != HN_OK || !any(report, true)) return;
    hni_markup_text(
        &page->html,
        "<h2>Weights that change under the text</h2>\n"
        "<p>A hypernetwork makes the weights of the main network anew at every character. The rows under the text "
        "show how far it moved the recurrent weights since the character before (Frobenius norm), one row for each "
        "gate: i&nbsp;(input), g&nbsp;(candidate), f&nbsp;(forget), o&nbsp;(output); an RNN has one. The stronger the "
        "colour, the "
        "larger the change; point "
        "at a cell to read its numbers.</p>\n");
    for (size_t i = 0; i < report->run_count; i++) {
        if (report->runs[i].heat_count > 0) hni_page_write_heading(page, i);
        for (size_t h = 0; h < report->runs[i].heat_count && page->status == HN_OK; h++)
            page->status = hni_page_heat(page, &report->runs[i].heats[h]);
    }
}

/* ---- samples --------------------------------------------------------------------------------------------------------------- */

static void write_sample(hni_page *page, const hni_run_sample *sample)
{
    hni_text *html = &page->html;
    hni_page_note(page, sample->title);
    hni_markup_text(html, "<blockquote>");
    if (sample->prime != NULL) {
        hni_markup_text(html, "<span class=\"note\">");
        hni_markup_escaped_text(html, sample->prime);
        hni_markup_text(html, "</span>");
    }
    hni_markup_escaped(html, sample->bytes, sample->size);
    hni_markup_text(html, "</blockquote>\n");
}

void hni_page_samples(hni_page *page)
{
    const hni_report *report = page->report;
    if (page->status != HN_OK || !any(report, false)) return;
    hni_markup_text(&page->html, "<h2>What the models write</h2>\n"
                                 "<p>Text drawn from each model, character by character.</p>\n");
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run *run = &report->runs[i];
        if (!says_something(run)) continue;
        hni_page_write_heading(page, i);
        hni_page_note(page, run->sample_note);
        for (size_t s = 0; s < run->sample_count; s++)
            write_sample(page, &run->samples[s]);
    }
}
