/* The tables of results: the runs, and beside them what the paper prints for the same data. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/markup.h"
#include "app/report/page.h"

/* The run with the lowest validation figure; run_count if none has any. */
static size_t best_run(const hni_report *report)
{
    size_t best = report->run_count;
    double lowest = (double)INFINITY;
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run_row *row = hni_run_best(&report->runs[i]);
        if (row != NULL && row->valid < lowest) {
            lowest = row->valid;
            best = i;
        }
    }
    return best;
}

static bool knows_tests(const hni_report *report)
{
    for (size_t i = 0; i < report->run_count; i++) {
        if (isfinite(report->runs[i].test)) return true;
    }
    return false;
}

static void write_row(hni_page *page, size_t index, bool is_best)
{
    const hni_run *run = &page->report->runs[index];
    const hni_run_row *best = hni_run_best(run);
    const hni_measure *measure = page->measure;
    hni_text *html = &page->html;
    hni_text_add(html, "<tr role=\"row\"%s><th scope=\"row\" role=\"rowheader\">", is_best ? " class=\"best\"" : "");
    hni_page_write_key(page, index);
    hni_page_write_name(page, index);
    if (is_best && page->report->run_count > 1) hni_markup_text(html, "<span class=\"badge\">lowest</span>");
    hni_markup_text(html, "</th><td role=\"cell\">");
    hni_page_figure(html, best != NULL ? best->valid : (double)NAN, measure->decimals);
    hni_text_add(html, "<span class=\"unit\"> %s</span></td><td role=\"cell\">", measure->metric_short);
    if (knows_tests(page->report)) {
        hni_page_figure(html, run->test, measure->decimals);
        hni_markup_text(html, "<span class=\"unit\"> on test</span></td><td role=\"cell\">");
    }
    if (run->parameters > 0) {
        hni_markup_count(html, run->parameters);
    } else {
        hni_markup_text(html, "–");
    }
    hni_markup_text(html, "<span class=\"unit\"> parameters</span></td><td role=\"cell\">");
    if (run->speed >= 0 && run->speed < 1e15) {
        hni_markup_count(html, (int64_t)llround(run->speed));
    } else {
        hni_markup_text(html, "–");
    }
    hni_text_add(html, "<span class=\"unit\"> %s/s</span></td><td role=\"cell\">", measure->symbols_short);
    hni_markup_count(html, run->row_count > 0 ? run->rows[run->row_count - 1].step : 0);
    hni_markup_text(html, "<span class=\"unit\"> steps</span></td><td role=\"cell\">");
    hni_page_duration(html, hni_page_seconds(run));
    hni_markup_text(html, "</td></tr>\n");
}

void hni_page_table(hni_page *page)
{
    const hni_measure *measure = page->measure;
    char figure[96], speed[64];
    (void)snprintf(figure, sizeof figure, "Validation,<br>%s", measure->metric_name);
    (void)snprintf(speed, sizeof speed, "%c%s<br>a second", toupper((unsigned char)measure->symbols[0]),
                   measure->symbols + 1);
    const char *const columns[] = {"Run", figure, "Test", "Parameters", speed, "Steps", "Training<br>time"};
    enum { TEST = 2 };
    hni_text *html = &page->html;
    hni_text_add(html, "<h2>Results</h2>\n<p>%s</p>\n", measure->metric_words);
    hni_markup_text(html,
                    "<table class=\"runs\" role=\"table\"><caption>The lowest validation figure of each run; speed is "
                    "that of training.</caption>\n"
                    "<thead role=\"rowgroup\"><tr role=\"row\">");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (i == TEST && !knows_tests(page->report)) continue;
        hni_text_add(html, "<th scope=\"col\" role=\"columnheader\">%s</th>", columns[i]);
    }
    hni_markup_text(html, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
    size_t best = best_run(page->report);
    for (size_t i = 0; i < page->report->run_count; i++)
        write_row(page, i, i == best);
    hni_markup_text(html, "</tbody></table>\n");
}

/* ---- beside the paper ------------------------------------------------------------------------------------------------------ */

static void begin_group(hni_text *html, const char *title)
{
    hni_markup_text(html, "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"4\">");
    hni_markup_escaped_text(html, title);
    hni_markup_text(html, "</th></tr>\n");
}

static void write_figures(hni_text *html, double valid, double test, int decimals)
{
    hni_markup_text(html, "</th><td>");
    hni_page_figure(html, valid, decimals);
    hni_markup_text(html, "</td><td>");
    hni_page_figure(html, test, decimals);
    hni_markup_text(html, "</td><td>");
}

/* In millions, as the paper prints them; smaller ones digit by digit. */
static void write_size(hni_text *html, int64_t parameters)
{
    if (parameters < 1000000) {
        hni_markup_count(html, parameters);
    } else {
        hni_text_add(html, "%.2f M", (double)parameters / 1e6);
    }
}

static void write_ours(hni_page *page, const hni_paper_table *table)
{
    hni_text *html = &page->html;
    begin_group(html, page->report->run_count > 1 ? "These runs" : "This run");
    for (size_t i = 0; i < page->report->run_count; i++) {
        const hni_run *run = &page->report->runs[i];
        const hni_run_row *best = hni_run_best(run);
        if (run->paper != table) continue;
        hni_markup_text(html, "<tr class=\"ours\"><th scope=\"row\">");
        hni_page_write_key(page, i);
        hni_page_write_name(page, i);
        write_figures(html, best != NULL ? best->valid : (double)NAN, run->test, page->measure->decimals);
        if (run->parameters > 0) {
            write_size(html, run->parameters);
        } else {
            hni_markup_text(html, "–");
        }
        hni_markup_text(html, "</td></tr>\n");
    }
    hni_markup_text(html, "</tbody>\n");
}

static void write_printed(hni_page *page, const hni_paper_table *table, size_t from, size_t to)
{
    hni_text *html = &page->html;
    for (size_t i = from; i < to; i++) {
        const hni_paper_row *row = &table->rows[i];
        hni_markup_text(html, "<tr><th scope=\"row\">");
        hni_markup_escaped_text(html, row->name);
        write_figures(html, row->valid, row->test, page->measure->decimals);
        hni_markup_escaped_text(html, row->printed[0] != '\0' ? row->printed : "–");
        hni_markup_text(html, "</td></tr>\n");
    }
    hni_markup_text(html, "</tbody>\n");
}

static void write_paper(hni_page *page, const hni_paper_table *table)
{
    hni_text *html = &page->html;
    hni_markup_text(html, "<h2>Beside the paper: ");
    hni_markup_escaped_text(html, table->title);
    hni_text_add(html, "</h2>\n<p>Figures as printed in Ha, Dai and Le, HyperNetworks (ICLR 2017), in %s.%s</p>\n",
                 page->measure->metric_name, table->remark);
    hni_markup_text(html,
                    "<table class=\"paper\"><thead><tr><th scope=\"col\">Model</th><th scope=\"col\">Validation</th>"
                    "<th scope=\"col\">Test</th><th scope=\"col\">Parameters</th></tr></thead>\n");
    write_ours(page, table);
    begin_group(html, "The paper’s own models");
    write_printed(page, table, 0, table->own);
    if (table->count > table->own) {
        begin_group(html, "Work of others that the paper cites");
        write_printed(page, table, table->own, table->count);
    }
    hni_markup_text(html, "</table>\n");
}

void hni_page_paper(hni_page *page)
{
    const hni_report *report = page->report;
    if (page->status != HN_OK) return;
    for (size_t i = 0; i < report->run_count; i++) {
        bool shown = report->runs[i].paper == NULL;
        for (size_t before = 0; before < i && !shown; before++)
            shown = report->runs[before].paper == report->runs[i].paper;
        if (!shown) write_paper(page, report->runs[i].paper);
    }
}
