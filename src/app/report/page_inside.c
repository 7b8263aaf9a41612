/* What goes on inside the models: how often φ saturates (the paper's figure 5), the ways of embeddings through a text, and how many
 * directions the embeddings use over training. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/markup.h"
#include "app/report/page.h"
#include "app/report/series.h"
#include "core/alloc.h"

/* ---- histograms of phi ----------------------------------------------------------------------------------------------------- */

static hn_status draw_histogram(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_histogram_picture(context, data, options, out);
}

static bool any_phi(const hni_report *report)
{
    for (size_t i = 0; i < report->run_count; i++) {
        if (report->runs[i].phi.total > 0) return true;
    }
    return false;
}

/* The quantity of the runs that have one; if they differ, the word that fits all. */
static const char *quantity_of(const hni_report *report)
{
    const char *quantity = NULL;
    for (size_t i = 0; i < report->run_count; i++) {
        const char *own = report->runs[i].phi_quantity != NULL ? report->runs[i].phi_quantity : "φ(c)";
        if (report->runs[i].phi.total == 0) continue;
        if (quantity != NULL && strcmp(quantity, own) != 0) return "φ";
        quantity = own;
    }
    return quantity;
}

/* Every run has its place and its colour, also one without values: it says so. */
static hn_status draw_phi(hni_page *page, hni_text *names, hni_histogram_series *series)
{
    const hni_report *report = page->report;
    for (size_t i = 0; i < report->run_count; i++) {
        names[i].size = 0;
        hni_page_name(page, &names[i], i);
        if (names[i].status != HN_OK) return names[i].status;
        series[i] = (hni_histogram_series){names[i].size > 0 ? names[i].data : "", report->runs[i].phi};
    }
    hni_histogram histogram = {.series = series, .count = report->run_count, .quantity = quantity_of(report)};
    hni_page_figures(page, &(hni_page_picture){draw_histogram, &histogram, "Histograms of φ", NULL, 0.0, 0.0});
    return page->status;
}

void hni_page_phi(hni_page *page)
{
    const hni_report *report = page->report;
    hni_text *names = NULL;
    hni_histogram_series *series = NULL;
    hn_status status = HN_OK;
    if (page->status != HN_OK || !any_phi(report)) return;
    hni_markup_text(
        &page->html,
        "<h2>How far the units are driven</h2>\n<p>What the output gate multiplies, φ, of every unit at every "
        "character while the model writes. A unit beyond ±0.95 is saturated: it hardly passes on a change, nor "
        "a gradient.</p>\n");
    HNI_TRY(hni_alloc_array(page->context, "histograms", report->run_count, sizeof *names, (void **)&names));
    for (size_t i = 0; i < report->run_count; i++)
        names[i].context = page->context;
    HNI_TRY(hni_alloc_array(page->context, "histograms", report->run_count, sizeof *series, (void **)&series));
    status = draw_phi(page, names, series);

cleanup:
    for (size_t i = 0; i < report->run_count && names != NULL; i++)
        hni_text_free(&names[i]);
    hni_free(page->context, names);
    hni_free(page->context, series);
    page->status = status;
}

/* ---- paths ----------------------------------------------------------------------------------------------------------------- */

static hn_status draw_path(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_path_picture(context, data, options, out);
}

void hni_page_paths(hni_page *page)
{
    const hni_report *report = page->report;
    bool begun = false;
    for (size_t i = 0; i < report->run_count; i++) {
        const hni_run *run = &report->runs[i];
        if (run->path_count == 0 || page->status != HN_OK) continue;
        if (!begun) {
            hni_markup_text(
                &page->html,
                "<h2>The way of the embedding</h2>\n<p>At every character the hypernetwork says in a few numbers "
                "which weights it wants. Their two principal components, joined in the order of the text, from "
                "its first colour to its last.</p>\n");
        }
        begun = true;
        hni_page_write_heading(page, i);
        for (size_t p = 0; p < run->path_count; p++) {
            hni_page_figures(
                page, &(hni_page_picture){draw_path, &run->paths[p], "Path of an embedding", NULL, 520.0, 400.0});
        }
    }
}

/* ---- effective ranks ------------------------------------------------------------------------------------------------------- */

static hn_status draw_ranks(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_ranks_picture(context, data, options, out);
}

static bool has_value(const hni_run *run, const hni_run_rank *rank)
{
    for (size_t row = 0; row < run->row_count; row++) {
        if (isfinite(rank->values[row])) return true;
    }
    return false;
}

static int last_layer(const hni_run *run)
{
    int last = 0;
    for (size_t i = 0; i < run->rank_count; i++) {
        if (run->ranks[i].layer > last) last = run->ranks[i].layer;
    }
    return last;
}

static hn_status write_ranks(hni_page *page, const hni_run *run)
{
    hn_status status = HN_OK;
    char caption[64];
    for (int layer = 0; layer <= last_layer(run) && status == HN_OK; layer++) {
        hni_run_ranks made;
        status = hni_run_ranks_make(page->context, run, layer, HNI_CURVES_STEPS, &made);
        (void)snprintf(caption, sizeof caption, "Layer %d", layer);
        if (status == HN_OK && made.ranks.count > 0) {
            hni_page_figures(page, &(hni_page_picture){draw_ranks, &made.ranks, "Effective rank over training",
                                                       last_layer(run) > 0 ? caption : NULL, 0.0, 0.0});
            status = page->status;
        }
        hni_run_ranks_free(&made);
    }
    return status;
}

static bool any_rank(const hni_run *run)
{
    for (size_t i = 0; i < run->rank_count; i++) {
        if (has_value(run, &run->ranks[i])) return true;
    }
    return false;
}

void hni_page_ranks(hni_page *page)
{
    const hni_report *report = page->report;
    bool begun = false;
    for (size_t i = 0; i < report->run_count; i++) {
        if (page->status != HN_OK || !any_rank(&report->runs[i])) continue;
        if (!begun) {
            hni_markup_text(
                &page->html,
                "<h2>How many directions the embeddings use</h2>\n<p>Effective rank of the covariance of each "
                "embedding over the validation text: 1 if all its numbers say the same, as many as it has "
                "numbers if each says something of its own. One line for each gate.</p>\n");
        }
        begun = true;
        hni_page_write_heading(page, i);
        page->status = write_ranks(page, &report->runs[i]);
    }
}
