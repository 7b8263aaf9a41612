/* The folded part of the page: what each run was, exactly. */
#include <math.h>

#include "app/plot/markup.h"
#include "app/report/page.h"

static void write_facts(hni_text *html, const hni_run *run)
{
    if (run->fact_count == 0) return;
    hni_markup_text(html, "<dl>\n");
    for (size_t i = 0; i < run->fact_count; i++) {
        hni_markup_text(html, "<dt>");
        hni_markup_escaped_text(html, run->facts[i].key);
        hni_markup_text(html, "</dt><dd>");
        hni_markup_escaped_text(html, run->facts[i].value);
        hni_markup_text(html, "</dd>\n");
    }
    hni_markup_text(html, "</dl>\n");
}

static void write_cell(hni_text *html, double number, int decimals)
{
    hni_markup_text(html, "<td>");
    hni_page_figure(html, number, decimals);
    hni_markup_text(html, "</td>");
}

/* The validation figures as numbers: what the curves show, for readers who cannot see them. */
static void write_validations(hni_text *html, const hni_run *run)
{
    const hni_measure *measure = run->measure;
    if (hni_run_best(run) == NULL) return;
    hni_text_add(html,
                 "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Validation figures\"><table>"
                 "<caption>Validation figures, in %s</caption>\n<thead><tr><th scope=\"col\">Step</th>"
                 "<th scope=\"col\">Epoch</th><th scope=\"col\">Time</th><th scope=\"col\">Training%s%s</th>"
                 "<th scope=\"col\">Validation</th></tr></thead>\n<tbody>\n",
                 measure->metric_name, hni_measure_is_one(measure) ? "" : ", ",
                 hni_measure_is_one(measure) ? "" : measure->loss_name);
    for (size_t i = 0; i < run->row_count; i++) {
        const hni_run_row *row = &run->rows[i];
        if (!isfinite(row->valid)) continue;
        hni_markup_text(html, "<tr><td>");
        hni_markup_count(html, row->step);
        hni_markup_text(html, "</td>");
        write_cell(html, row->epoch, row->epoch < 1 ? 3 : 2);
        hni_markup_text(html, "<td>");
        hni_page_duration(html, row->seconds);
        hni_markup_text(html, "</td>");
        write_cell(html, row->train, 4);
        write_cell(html, row->valid, 4);
        hni_markup_text(html, "</tr>\n");
    }
    hni_markup_text(html, "</tbody></table></div>\n");
}

static void write_run(hni_page *page, size_t index)
{
    const hni_run *run = &page->report->runs[index];
    hni_text *html = &page->html;
    hni_markup_text(html, "<details><summary>");
    hni_page_write_name(page, index);
    hni_markup_text(html, "<span class=\"note\">");
    hni_markup_escaped_text(html, run->folder);
    hni_markup_text(html, "</span></summary>\n");
    write_facts(html, run);
    if (run->recipe[0] != '\0') {
        hni_markup_text(html, "<h3>Recipe, every default spelled out</h3>\n<pre>");
        hni_markup_escaped_text(html, run->recipe);
        hni_markup_text(html, "</pre>\n");
    }
    write_validations(html, run);
    hni_markup_text(html, "</details>\n");
}

void hni_page_details(hni_page *page)
{
    if (page->status != HN_OK) return;
    hni_markup_text(&page->html, "<h2>How each run was made</h2>\n");
    for (size_t i = 0; i < page->report->run_count; i++)
        write_run(page, i);
}
