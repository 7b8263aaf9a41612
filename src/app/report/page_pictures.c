/* The pictures of the page. Each is drawn twice, for wide and for narrow windows, and the style sheet shows one. */
#include <math.h>

#include "app/plot/curves.h"
#include "app/plot/markup.h"
#include "app/report/page.h"
#include "core/alloc.h"

#define WIDE_COLUMNS 100 /* of text under which weights change */
#define NARROW_COLUMNS 36

/* ---- learning curves ----------------------------------------------------------------------------------------------------- */

/* All runs as series over one axis. The lists lie in one block. */
typedef struct curve_data {
    hni_series *series;
    hni_point *points;
    hni_text *names; /* [count] */
    size_t count;
} curve_data;

static void free_curves(hn_context *context, curve_data *data)
{
    for (size_t i = 0; i < data->count && data->names != NULL; i++)
        hni_text_free(&data->names[i]);
    hni_free(context, data->names);
    hni_free(context, data->points);
    hni_free(context, data->series);
}

/* Rows with a finite x and figure as points; returns how many. */
static size_t collect(const hni_run *run, bool seconds, bool valid, hni_point *out_points)
{
    size_t count = 0;
    for (size_t i = 0; i < run->row_count; i++) {
        const hni_run_row *row = &run->rows[i];
        hni_point point = {seconds ? row->seconds : (double)row->step, valid ? row->valid_bpc : row->train_bpc};
        if (isfinite(point.x) && isfinite(point.y)) out_points[count++] = point;
    }
    return count;
}

static hn_status fill_curves(hni_page *page, bool seconds, curve_data *data)
{
    const hni_report *report = page->report;
    hn_status status = HN_OK;
    size_t room = 0;
    for (size_t i = 0; i < report->run_count; i++)
        room += 2 * report->runs[i].row_count;
    HNI_TRY(hni_alloc_array(page->context, "curves", report->run_count, sizeof *data->series, (void **)&data->series));
    HNI_TRY(hni_alloc_array(page->context, "curves", report->run_count, sizeof *data->names, (void **)&data->names));
    HNI_TRY(hni_alloc_array(page->context, "curves", room, sizeof *data->points, (void **)&data->points));
    hni_point *free_points = data->points;
    for (size_t i = 0; i < report->run_count; i++) {
        hni_series *series = &data->series[i];
        data->names[i] = (hni_text){.context = page->context};
        data->count = i + 1;
        hni_page_name(page, &data->names[i], i);
        HNI_TRY(data->names[i].status);
        series->name = data->names[i].size > 0 ? data->names[i].data : "";
        series->train = free_points;
        series->train_count = collect(&report->runs[i], seconds, false, free_points);
        free_points += series->train_count;
        series->valid = free_points;
        series->valid_count = collect(&report->runs[i], seconds, true, free_points);
        free_points += series->valid_count;
    }

cleanup:
    return status;
}

static hn_status draw_curves(hni_page *page, bool seconds)
{
    curve_data data = {0};
    hn_status status = HN_OK;
    const char *title = seconds ? "Learning curves over time" : "Learning curves over steps";
    HNI_TRY(fill_curves(page, seconds, &data));
    hni_curves curves = {
        .series = data.series, .count = data.count, .axis = seconds ? HNI_CURVES_SECONDS : HNI_CURVES_STEPS};
    hni_canvas_options wide = {.format = HNI_PICTURE_SVG, .width = 864, .height = 420, .title = title, .inlined = true};
    hni_canvas_options narrow = {
        .format = HNI_PICTURE_SVG, .width = 328, .height = 320, .title = title, .inlined = true};
    hni_text_add(&page->html, "<figure><figcaption>%s</figcaption>\n<div class=\"wide\">\n",
                 seconds ? "The same over training time: what a minute of this computer buys."
                         : "Bits per character over training steps: validation thick with dots, training thin.");
    HNI_TRY(hni_curves_picture(page->context, &curves, &wide, &page->html));
    hni_markup_text(&page->html, "</div><div class=\"narrow\">\n");
    HNI_TRY(hni_curves_picture(page->context, &curves, &narrow, &page->html));
    hni_markup_text(&page->html, "</div></figure>\n");

cleanup:
    free_curves(page->context, &data);
    return status;
}

static bool knows_seconds(const hni_report *report)
{
    for (size_t i = 0; i < report->run_count; i++) {
        if (isfinite(hni_page_seconds(&report->runs[i]))) return true;
    }
    return false;
}

void hni_page_curves(hni_page *page)
{
    if (page->status != HN_OK) return;
    hni_markup_text(&page->html, "<h2>Learning curves</h2>\n");
    page->status = draw_curves(page, false);
    if (page->status == HN_OK && knows_seconds(page->report)) page->status = draw_curves(page, true);
}

/* ---- weight change --------------------------------------------------------------------------------------------------------- */

hn_status hni_page_heat(hni_page *page, const hni_run_heat *heat)
{
    hni_canvas_options options = {.format = HNI_PICTURE_SVG,
                                  .title = "Weight change under text, four rows a line: gates i, g, f, o",
                                  .inlined = true};
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

static void write_heading(hni_page *page, size_t run)
{
    hni_markup_text(&page->html, "<h3>");
    hni_page_write_name(page, run);
    hni_markup_text(&page->html, "</h3>\n");
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
        "gate: i&nbsp;(input), g&nbsp;(candidate), f&nbsp;(forget), o&nbsp;(output). The stronger the colour, the "
        "larger the change; point "
        "at a cell to read its numbers.</p>\n");
    for (size_t i = 0; i < report->run_count; i++) {
        if (report->runs[i].heat_count > 0) write_heading(page, i);
        for (size_t h = 0; h < report->runs[i].heat_count && page->status == HN_OK; h++)
            page->status = hni_page_heat(page, &report->runs[i].heats[h]);
    }
}

/* ---- samples --------------------------------------------------------------------------------------------------------------- */

static void write_note(hni_text *html, const char *note)
{
    if (note == NULL) return;
    hni_markup_text(html, "<p class=\"note\">");
    hni_markup_escaped_text(html, note);
    hni_markup_text(html, "</p>\n");
}

static void write_sample(hni_text *html, const hni_run_sample *sample)
{
    write_note(html, sample->title);
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
        write_heading(page, i);
        write_note(&page->html, run->sample_note);
        for (size_t s = 0; s < run->sample_count; s++)
            write_sample(&page->html, &run->samples[s]);
    }
}
