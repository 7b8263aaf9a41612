/* Learning curves over steps, epochs and time, and the table of where each run first reaches a few figures (the claim of the paper's
 * figure 6: fewer steps to the same loss). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/plot/markup.h"
#include "app/report/page.h"
#include "app/report/series.h"
#include "core/alloc.h"

#define LEVELS_MOST 4

/* ---- figures that the runs reach ------------------------------------------------------------------------------------------- */

/* Validation figures that say something about all runs: what all reach, and on the way there. */
typedef struct level_list {
    double levels[LEVELS_MOST]; /* falling */
    size_t count;
    double shared; /* the lowest that all runs reach; NaN: no run was validated, or there is only one run */
} level_list;

static void add_level(level_list *list, double level)
{
    if (!isfinite(level) || list->count == LEVELS_MOST) return;
    if (list->count > 0 && !(level < list->levels[list->count - 1] - 0.005)) return;
    list->levels[list->count++] = level;
}

/* Upwards to hundredths, so that a run that has the figure is at or below it. */
static double rounded(double level) { return ceil(level * 100.0 - 1e-9) / 100.0; }

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The first validation figure of a run; NaN if none. */
static double first_figure(const hni_run *run)
{
    for (size_t i = 0; i < run->row_count; i++) {
        if (isfinite(run->rows[i].valid)) return run->rows[i].valid;
    }
    return (double)NAN;
}

static hn_status choose_levels(const hni_page *page, level_list *out_list)
{
    const hni_report *report = page->report;
    double *bests = NULL, start = (double)INFINITY;
    size_t count = 0;
    hn_status status = HN_OK;
    *out_list = (level_list){.shared = (double)NAN};
    HNI_TRY(hni_alloc_array(page->context, "levels", report->run_count, sizeof *bests, (void **)&bests));
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run_row *best = hni_run_best(&report->runs[i]);
        if (best == NULL) continue;
        bests[count++] = best->valid;
        start = fmin(start, first_figure(&report->runs[i]));
    }
    if (count == 0) goto cleanup;
    qsort(bests, count, sizeof *bests, compare_numbers);
    double worst = rounded(bests[0]);
    if (start > worst) {
        add_level(out_list, rounded(worst + 0.5 * (start - worst)));
        add_level(out_list, rounded(worst + 0.2 * (start - worst)));
    }
    add_level(out_list, worst);
    if (count > 1) add_level(out_list, rounded(bests[(count + 1) / 2])); /* what the better half reaches */
    if (count > 1) out_list->shared = worst;

cleanup:
    hni_free(page->context, bests);
    return status;
}

static const hni_run_row *first_row(const hni_run *run, double level)
{
    for (size_t i = 0; i < run->row_count; i++) {
        if (run->rows[i].valid <= level) return &run->rows[i];
    }
    return NULL;
}

/* Fewest steps to a level among all runs; -1 if none reaches it, or all at once. */
static int64_t fewest_steps(const hni_report *report, double level)
{
    int64_t fewest = -1;
    size_t at_once = 0;
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run_row *row = first_row(&report->runs[i], level);
        if (row != NULL && (fewest < 0 || row->step < fewest)) fewest = row->step;
    }
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run_row *row = first_row(&report->runs[i], level);
        at_once += row != NULL && row->step == fewest;
    }
    return at_once < report->run_count ? fewest : -1;
}

static void write_reach(hni_page *page, size_t index, double level, int64_t fewest)
{
    hni_text *html = &page->html;
    const hni_run_row *row = first_row(&page->report->runs[index], level);
    bool first = row != NULL && row->step == fewest;
    hni_text_add(html, "<tr%s><th scope=\"row\">", first ? " class=\"best\"" : "");
    hni_page_write_key(page, index);
    hni_page_write_name(page, index);
    if (row == NULL) {
        hni_markup_text(html, "</th><td colspan=\"3\" class=\"note\">not reached</td></tr>\n");
        return;
    }
    hni_markup_text(html, "</th><td>");
    hni_markup_count(html, row->step);
    hni_markup_text(html, "</td><td>");
    hni_page_figure(html, row->epoch, row->epoch < 1 ? 3 : 2);
    hni_markup_text(html, "</td><td>");
    hni_page_duration(html, row->seconds);
    hni_markup_text(html, "</td></tr>\n");
}

static void write_levels(hni_page *page, const level_list *list)
{
    hni_text *html = &page->html;
    if (list->count == 0) return;
    hni_markup_text(
        html, "<h3>When each run first reaches a figure</h3>\n<p class=\"note\">The first validation at or below it; "
              "between two validations nothing is known.</p>\n<table class=\"reach\"><thead><tr><th scope=\"col\">"
              "Run</th><th scope=\"col\">Steps</th><th scope=\"col\">Epochs</th><th scope=\"col\">Training "
              "time</th></tr></thead>\n");
    for (size_t i = 0; i < list->count; i++) {
        int64_t fewest = fewest_steps(page->report, list->levels[i]);
        hni_text_add(html, "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"4\">%.2f %s</th></tr>\n",
                     list->levels[i],
                     hni_measure_is_one(page->measure) ? page->measure->metric_name : page->measure->metric_short);
        for (size_t run = 0; run < page->report->run_count; run++)
            write_reach(page, run, list->levels[i], fewest);
        hni_markup_text(html, "</tbody>\n");
    }
    hni_markup_text(html, "</table>\n");
}

/* ---- curves ---------------------------------------------------------------------------------------------------------------- */

static hn_status draw(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_curves_picture(context, data, options, out);
}

/* Title and caption of `words`, drawing and sizes from here. */
static void draw_figure(hni_page *page, hni_run_figure figure, hni_curves_axis axis, double level,
                        const hni_page_picture *words)
{
    const hni_measure *measure = page->measure;
    hni_page_picture picture = *words;
    hni_run_series made;
    page->status = hni_run_series_make(page->context, page->report->runs, page->report->run_count, axis, figure, &made);
    if (page->status == HN_OK) {
        const hni_curves curves = {.quantity = figure == HNI_RUN_LOSS ? measure->loss_name : measure->metric_name,
                                   .series = made.series,
                                   .count = made.count,
                                   .axis = axis,
                                   .level = level,
                                   .plain_level = true};
        picture.draw = draw;
        picture.data = &curves;
        picture.wide_height = 420.0;
        picture.narrow_height = 320.0;
        hni_page_figures(page, &picture);
    }
    hni_run_series_free(&made);
}

static void draw_curves(hni_page *page, hni_curves_axis axis, double level)
{
    static const char *const titles[] = {"Learning curves over steps", "Learning curves over time",
                                         "Learning curves over epochs"};
    const hni_measure *measure = page->measure;
    char caption[256], said[192];
    switch (axis) {
    case HNI_CURVES_SECONDS:
        (void)snprintf(said, sizeof said, "The same over training time: what a minute of this computer buys.");
        break;
    case HNI_CURVES_EPOCHS:
        (void)snprintf(said, sizeof said, "The same over epochs, passes over %s.", measure->passes);
        break;
    default:
        (void)snprintf(said, sizeof said, "%c%s over training steps: validation%s.",
                       toupper((unsigned char)measure->metric_name[0]), measure->metric_name + 1,
                       hni_measure_is_one(measure) ? " thick with dots, training thin" : "");
    }
    (void)snprintf(caption, sizeof caption, isfinite(level) ? "%s Dashed: %.2f, which every run reaches." : "%s", said,
                   level);
    draw_figure(page, HNI_RUN_METRIC, axis, level, &(hni_page_picture){.title = titles[axis], .caption = caption});
}

/* Where training lessens something else than runs are measured by. */
static void draw_loss(hni_page *page)
{
    char caption[256];
    (void)snprintf(caption, sizeof caption,
                   "Loss, %s, over training steps: validation thick with dots, training thin. That of training is of "
                   "inputs and targets as they are altered for it, so it may be the larger.",
                   page->measure->loss_name);
    draw_figure(page, HNI_RUN_LOSS, HNI_CURVES_STEPS, (double)NAN,
                &(hni_page_picture){.title = "Loss over steps", .caption = caption});
}

/* Something can be drawn over this axis. */
static bool knows(const hni_report *report, hni_curves_axis axis)
{
    for (size_t i = 0; i < report->run_count; i++) {
        for (size_t row = 0; row < report->runs[i].row_count; row++) {
            const hni_run_row *known = &report->runs[i].rows[row];
            if (isfinite(axis == HNI_CURVES_SECONDS ? known->seconds : known->epoch)) return true;
        }
    }
    return false;
}

void hni_page_curves(hni_page *page)
{
    static const hni_curves_axis others[] = {HNI_CURVES_EPOCHS, HNI_CURVES_SECONDS};
    level_list levels;
    if (page->status == HN_OK) page->status = choose_levels(page, &levels);
    if (page->status != HN_OK) return;
    hni_markup_text(&page->html, "<h2>Learning curves</h2>\n");
    draw_curves(page, HNI_CURVES_STEPS, levels.shared);
    for (size_t i = 0; i < 2; i++) {
        if (page->status == HN_OK && knows(page->report, others[i])) draw_curves(page, others[i], levels.shared);
    }
    if (page->status == HN_OK && !hni_measure_is_one(page->measure)) draw_loss(page);
    write_levels(page, &levels);
}
