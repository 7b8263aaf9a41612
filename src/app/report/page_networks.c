/* What networks are made of: one weight of each, those that match side by side (the paper's figures 2, 8, 12 and 13), and of generated ones
 * the embeddings and what lies between two of them. */
#include <stdio.h>

#include "app/plot/markup.h"
#include "app/report/page.h"
#include "core/alloc.h"

/* ---- weights ---- */

static hn_status draw_kernels(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_kernels_picture(context, data, options, out);
}

typedef struct panel_list {
    hni_kernels_panel *panels; /* [runs] */
    hni_text *names;           /* [runs] */
    size_t count;
    hni_filters filters;
    bool generated;
} panel_list;

/* The weight of a run that is like this one; NULL: it has none. */
static const hni_gathered_weight *find_like(const hni_run *run, const hni_gathered_weight *weight)
{
    for (size_t i = 0; i < run->weight_count; i++)
        if (hni_gathered_weights_match(weight, &run->weights[i])) return &run->weights[i];
    return NULL;
}

/* Those of all runs from `first` on that are like this one of its own. */
static hn_status collect(hni_page *page, size_t first, const hni_gathered_weight *own, panel_list *list)
{
    const hni_report *report = page->report;
    list->count = 0;
    list->generated = false;
    list->filters = own->filters;
    for (size_t i = first; i < report->run_count; i++) {
        const hni_gathered_weight *weight = find_like(&report->runs[i], own);
        if (weight == NULL) continue;
        hni_text *name = &list->names[list->count];
        name->size = 0;
        hni_page_name(page, name, i);
        hni_text_add(name, weight->generated ? ", generated" : "");
        if (name->status != HN_OK) return name->status;
        list->panels[list->count++] = (hni_kernels_panel){.name = name->data, .values = weight->values};
        list->generated = list->generated || weight->generated;
        if (weight->filters.tile_rows > 0) list->filters = weight->filters;
    }
    return HN_OK;
}

static hn_status draw_weight(hni_page *page, size_t first, const hni_gathered_weight *weight, panel_list *list)
{
    char caption[320], shape[96];
    const hn_status status = collect(page, first, weight, list);
    if (status != HN_OK) return status;
    const hni_kernels kernels = {.panels = list->panels,
                                 .count = list->count,
                                 .filters = list->filters,
                                 .above = weight->above,
                                 .row_word = weight->row_word,
                                 .column_word = weight->column_word};
    snprintf(
        caption, sizeof caption, "%.120s, %s%s", weight->name.data, hn_shape_print(weight->shape, shape, sizeof shape),
        list->generated && list->filters.tile_rows > 0 &&
                (list->filters.tile_rows < list->filters.rows || list->filters.tile_columns < list->filters.columns)
            ? ". Borders part the tiles that a generator makes, each from an embedding of its own."
            : "");
    hni_page_figures(page, &(hni_page_picture){draw_kernels, &kernels, "Kernels", caption, 0.0, 0.0});
    return page->status;
}

/* Whether a run before this one has a weight like this: it is drawn then. */
static bool is_drawn(const hni_report *report, size_t run, const hni_gathered_weight *weight)
{
    for (size_t i = 0; i < run; i++)
        if (find_like(&report->runs[i], weight) != NULL) return true;
    return false;
}

/* Each of a run's weights that no run before it has, with those of the runs after it. */
static hn_status draw_new_weights(hni_page *page, size_t run, panel_list *list)
{
    const hni_run *own = &page->report->runs[run];
    hn_status status = HN_OK;
    for (size_t i = 0; status == HN_OK && i < own->weight_count; i++)
        if (!is_drawn(page->report, run, &own->weights[i])) status = draw_weight(page, run, &own->weights[i], list);
    return status;
}

static hn_status draw_weights(hni_page *page)
{
    const hni_report *report = page->report;
    panel_list list = {.count = 0};
    hn_status status;
    HNI_TRY(hni_alloc_array(page->context, "kernels", report->run_count, sizeof *list.panels, (void **)&list.panels));
    HNI_TRY(hni_alloc_array(page->context, "kernels", report->run_count, sizeof *list.names, (void **)&list.names));
    for (size_t i = 0; i < report->run_count; i++)
        list.names[i].context = page->context;
    for (size_t i = 0; i < report->run_count; i++)
        HNI_TRY(draw_new_weights(page, i, &list));
cleanup:
    for (size_t i = 0; i < report->run_count && list.names != NULL; i++)
        hni_text_free(&list.names[i]);
    hni_free(page->context, list.names);
    hni_free(page->context, list.panels);
    return status;
}

/* ---- embeddings ---- */

static hn_status draw_strip(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_strip_picture(context, data, options, out);
}

static hn_status draw_scatter(hn_context *context, const void *data, const hni_canvas_options *options, hni_text *out)
{
    return hni_scatter_picture(context, data, options, out);
}

static void draw_embeddings(hni_page *page)
{
    const hni_report *report = page->report;
    bool begun = false;
    for (size_t i = 0; i < report->run_count && page->status == HN_OK; i++) {
        const hni_run *run = &report->runs[i];
        if (run->embeddings == NULL && run->strip == NULL) continue;
        if (!begun) {
            hni_markup_text(&page->html,
                            "<h2>What weights are made from</h2>\n<p>Each tile of a generated kernel has an embedding, "
                            "a few learned numbers. Here they all are, on their two principal components; and the "
                            "kernels that the generator makes on a straight way from one of them to another.</p>\n");
        }
        begun = true;
        hni_page_write_heading(page, i);
        if (run->embeddings != NULL) {
            hni_page_figures(
                page, &(hni_page_picture){draw_scatter, run->embeddings, "Embeddings of tiles", NULL, 480.0, 400.0});
        }
        if (run->strip != NULL) {
            hni_strip strip = *run->strip;
            char caption[256];
            snprintf(caption, sizeof caption, "On the way from %.200s",
                     strip.name != NULL ? strip.name : "one and another");
            strip.name = NULL; /* as a caption it has room */
            hni_page_figures(
                page, &(hni_page_picture){draw_strip, &strip, "Kernels between two embeddings", caption, 0.0, 0.0});
        }
    }
}

/* ---- both ---- */

void hni_page_networks(hni_page *page)
{
    const hni_report *report = page->report;
    bool any = false;
    for (size_t i = 0; i < report->run_count; i++)
        any = any || report->runs[i].weight_count > 0 || report->runs[i].network_note != NULL;
    if (page->status != HN_OK || !any) return;
    hni_markup_text(&page->html, "<h2>Weights as the networks see them</h2>\n<p>A small square for each filter, black "
                                 "where its weights are lowest and white where they are highest. Stored weights were "
                                 "learned one by one; generated ones are all made by one small network.</p>\n");
    for (size_t i = 0; i < report->run_count; i++) {
        if (report->runs[i].network_note == NULL) continue;
        hni_page_write_heading(page, i);
        hni_page_note(page, report->runs[i].network_note);
    }
    page->status = draw_weights(page);
    draw_embeddings(page);
}
