/* Small things that several parts of the page say: names, times, figures; and the table of results. */
#include <math.h>
#include <string.h>

#include "app/plot/markup.h"
#include "app/report/page.h"

static bool has_twin(const hni_report *report, size_t run)
{
    for (size_t i = 0; i < report->run_count; i++) {
        if (i != run && strcmp(report->runs[i].name, report->runs[run].name) == 0) return true;
    }
    return false;
}

void hni_page_name(hni_page *page, hni_text *out, size_t run)
{
    const hni_run *named = &page->report->runs[run];
    hni_markup_text(out, named->name);
    if (has_twin(page->report, run)) hni_text_add(out, " (%s)", named->folder);
}

void hni_page_write_name(hni_page *page, size_t run)
{
    hni_text name = {.context = page->context};
    hni_page_name(page, &name, run);
    if (name.status == HN_OK && name.size > 0) hni_markup_escaped(&page->html, name.data, name.size);
    if (name.status != HN_OK) page->status = name.status;
    hni_text_free(&name);
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

/* The run with the lowest validation figure; run_count if none has any. */
static size_t best_run(const hni_report *report)
{
    size_t best = report->run_count;
    double lowest = (double)INFINITY;
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run_row *row = hni_run_best(&report->runs[i]);
        if (row != NULL && row->valid_bpc < lowest) {
            lowest = row->valid_bpc;
            best = i;
        }
    }
    return best;
}

static void write_row(hni_page *page, size_t index, bool is_best)
{
    const hni_run *run = &page->report->runs[index];
    const hni_run_row *best = hni_run_best(run);
    hni_text *html = &page->html;
    hni_text_add(html,
                 "<tr role=\"row\"%s><th scope=\"row\" role=\"rowheader\"><span class=\"key\" style=\"background:"
                 "var(--series-%d)\"></span>",
                 is_best ? " class=\"best\"" : "", (int)(index % HNI_SERIES_INKS));
    hni_page_write_name(page, index);
    if (is_best && page->report->run_count > 1) hni_markup_text(html, "<span class=\"badge\">lowest</span>");
    hni_markup_text(html, "</th><td role=\"cell\">");
    hni_page_figure(html, best != NULL ? best->valid_bpc : (double)NAN, 3);
    hni_markup_text(html, "<span class=\"unit\"> bits/char.</span></td><td role=\"cell\">");
    if (run->parameters > 0) {
        hni_markup_count(html, run->parameters);
    } else {
        hni_markup_text(html, "–");
    }
    hni_markup_text(html, "<span class=\"unit\"> parameters</span></td><td role=\"cell\">");
    if (run->characters_per_second >= 0 && run->characters_per_second < 1e15) {
        hni_markup_count(html, (int64_t)llround(run->characters_per_second));
    } else {
        hni_markup_text(html, "–");
    }
    hni_markup_text(html, "<span class=\"unit\"> char./s</span></td><td role=\"cell\">");
    hni_markup_count(html, run->row_count > 0 ? run->rows[run->row_count - 1].step : 0);
    hni_markup_text(html, "<span class=\"unit\"> steps</span></td><td role=\"cell\">");
    hni_page_duration(html, hni_page_seconds(run));
    hni_markup_text(html, "</td></tr>\n");
}

void hni_page_table(hni_page *page)
{
    static const char *const columns[] = {"Run",        "Validation,<br>bits per character",
                                          "Parameters", "Characters<br>a second",
                                          "Steps",      "Training<br>time"};
    hni_text *html = &page->html;
    hni_markup_text(html,
                    "<h2>Results</h2>\n"
                    "<p>Bits per character: how much of a surprise the next character is to the model, on text that it "
                    "did not learn from. Lower is better; 8 would be knowing nothing of a byte.</p>\n"
                    "<table class=\"runs\" role=\"table\"><caption>The lowest validation figure of each run; speed is "
                    "that of training.</caption>\n"
                    "<thead role=\"rowgroup\"><tr role=\"row\">");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        hni_text_add(html, "<th scope=\"col\" role=\"columnheader\">%s</th>", columns[i]);
    }
    hni_markup_text(html, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
    size_t best = best_run(page->report);
    for (size_t i = 0; i < page->report->run_count; i++)
        write_row(page, i, i == best);
    hni_markup_text(html, "</tbody></table>\n");
}
