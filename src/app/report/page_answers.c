/* What classifiers took for what, on the test split: the share of each class that was right, runs side by side, and for each run its
 * confusion matrix and its worst mistakes. */
#include <stdio.h>

#include "app/plot/markup.h"
#include "app/report/page.h"

static hn_status draw_confusion(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_confusion_picture(context, data, options, out);
}

static hn_status draw_album(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_album_picture(context, data, options, out);
}

/* ---- right answers of each class ---- */

/* Of very many classes nothing is. */
static bool is_counted(const hni_confusion *confusion) { return confusion != NULL && confusion->counts != NULL; }

static const hni_confusion *first_confusion(const hni_report *report)
{
    for (size_t i = 0; i < report->run_count; i++)
        if (report->runs[i].confusion != NULL) return report->runs[i].confusion;
    return NULL;
}

static void write_class(hni_page *page, const hni_confusion *named, size_t class)
{
    const hni_report *report = page->report;
    hni_text *html = &page->html;
    hni_markup_text(html, "<tr><th scope=\"row\">");
    hni_markup_escaped_text(html, named->names[class]);
    hni_markup_text(html, "</th>");
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_confusion *confusion = report->runs[i].confusion;
        if (!is_counted(confusion) || confusion->classes != named->classes) continue;
        hni_markup_text(html, "<td>");
        hni_page_figure(html, 100.0 * hni_confusion_share_right(confusion, class), page->measure->decimals);
        hni_markup_text(html, "</td>");
    }
    hni_markup_text(html, "</tr>\n");
}

/* Of all runs with as many classes as the first one. */
static void write_classes(hni_page *page, const hni_confusion *named)
{
    const hni_report *report = page->report;
    hni_text *html = &page->html;
    hni_markup_text(html, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Right answers of each "
                          "class\"><table class=\"classes\"><caption>Of each class so many were right, "
                          "%</caption>\n<thead><tr><th scope=\"col\">Class</th>");
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_confusion *confusion = report->runs[i].confusion;
        if (!is_counted(confusion) || confusion->classes != named->classes) continue;
        hni_markup_text(html, "<th scope=\"col\">");
        hni_page_write_key(page, i);
        hni_page_write_name(page, i);
        hni_markup_text(html, "</th>");
    }
    hni_markup_text(html, "</tr></thead>\n<tbody>\n");
    for (size_t class = 0; class < named->classes; class ++)
        write_class(page, named, class);
    hni_markup_text(html, "</tbody></table></div>\n");
}

/* ---- of one run ---- */

static void write_confusion(hni_page *page, const hni_confusion *confusion)
{
    char note[160];
    if (confusion->classes <= HNI_CONFUSION_MOST) {
        hni_page_figures(page, &(hni_page_picture){draw_confusion, confusion, "Confusion matrix",
                                                   "How many images of each class were taken for which.", 0.0, 0.0});
        return;
    }
    snprintf(note, sizeof note, "A confusion matrix has room for %d classes, the model knows %zu.", HNI_CONFUSION_MOST,
             confusion->classes);
    hni_page_note(page, note);
}

static void write_mistakes(hni_page *page, const hni_album *mistakes)
{
    if (mistakes == NULL || mistakes->count == 0) return;
    if (hni_bitmap_can_be_shown(&mistakes->items[0].image)) { /* all have one size */
        hni_page_figures(page, &(hni_page_picture){draw_album, mistakes, "The worst mistakes",
                                                   "The images whose class was found least probable.", 0.0, 0.0});
    } else {
        hni_page_note(
            page,
            "The worst mistakes are not drawn: their images have other than 1 or 3 channels, or too many pixels.");
    }
}

/* ---- the whole ---- */

void hni_page_answers(hni_page *page)
{
    const hni_report *report = page->report;
    const hni_confusion *first = first_confusion(report);
    if (page->status != HN_OK || first == NULL) return;
    hni_markup_text(&page->html, "<h2>What is taken for what</h2>\n<p>The best checkpoint of each run on the test "
                                 "images, which it has never seen.</p>\n");
    if (is_counted(first)) write_classes(page, first);
    for (size_t i = 0; i < report->run_count && page->status == HN_OK; i++) {
        const hni_run *run = &report->runs[i];
        if (run->confusion == NULL) continue;
        hni_page_write_heading(page, i);
        write_confusion(page, run->confusion);
        write_mistakes(page, run->mistakes);
    }
}
