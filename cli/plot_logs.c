/* Pictures of what runs have logged: curves, rank. */
#include <stdio.h>

#include "app/report/series.h"
#include "core/alloc.h"
#include "plot.h"

/* ---- curves ---- */

const char *const hni_plot_axis_words[] = {"steps", "seconds", "epochs", NULL};

static json_t *curves_as_json(const hni_plot_options *options, const hni_run_series *made)
{
    json_t *list = json_array();
    for (size_t i = 0; i < made->count; i++) {
        hni_point first;
        json_t *entry =
            json_pack("{s:o,s:o,s:I,s:I}", "run", hni_cli_path_json(options->cli, options->runs[i]), "name",
                      hni_cli_path_json(options->cli, made->series[i].name), "train_points",
                      (json_int_t)made->series[i].train_count, "valid_points", (json_int_t)made->series[i].valid_count);
        if (options->level > 0)
            json_object_set_new(entry, "reached",
                                hni_series_first(&made->series[i], options->level, &first) ? json_real(first.x)
                                                                                           : json_null());
        json_array_append_new(list, entry);
    }
    return list;
}

hn_status hni_plot_curves(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                          json_t *facts)
{
    hn_context *context = options->cli->context;
    const size_t count = (size_t)options->run_count;
    hni_canvas_options titled = *canvas;
    hni_run_series made = {.context = NULL};
    void *memory = NULL;
    size_t loaded = 0;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "runs", count, sizeof(hni_run), &memory));
    hni_run *runs = memory;
    for (; loaded < count; loaded++)
        HNI_TRY(hni_run_load(context, options->runs[loaded], &runs[loaded]));
    if (options->loss && hni_measure_is_one(runs[0].measure)) {
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "--loss: %.300s is measured by its loss: leave the option away",
                          options->runs[0]));
    }
    HNI_TRY(
        hni_run_series_make(context, runs, count, options->axis, options->loss ? HNI_RUN_LOSS : HNI_RUN_METRIC, &made));
    const char *quantity = options->loss ? runs[0].measure->loss_name : runs[0].measure->metric_name;
    char title[128];
    const hni_curves curves = {.quantity = quantity,
                               .series = made.series,
                               .count = made.count,
                               .axis = options->axis,
                               .level = options->level};
    snprintf(title, sizeof title, "Learning curves: %s%s", options->loss ? "loss, " : "", quantity);
    titled.title = title;
    HNI_TRY(hni_curves_picture(context, &curves, &titled, picture));
    json_object_set_new(facts, "axis", json_string(hni_plot_axis_words[options->axis]));
    json_object_set_new(facts, "runs", curves_as_json(options, &made));
cleanup:
    hni_run_series_free(&made);
    for (size_t i = 0; i < loaded; i++)
        hni_run_free(&((hni_run *)memory)[i]);
    hni_free(context, memory);
    return status;
}

/* ---- rank ---- */

static json_t *ranks_as_json(const hni_ranks *ranks)
{
    json_t *panels = json_object();
    for (size_t p = 0; p < ranks->count; p++) {
        json_t *lines = json_object();
        for (size_t l = 0; l < ranks->panels[p].count; l++) {
            const hni_ranks_line *line = &ranks->panels[p].lines[l];
            json_t *points = json_array();
            for (size_t i = 0; i < line->count; i++)
                json_array_append_new(points, json_pack("[f,f]", line->points[i].x, line->points[i].y));
            json_object_set_new(lines, line->name[0] != 0 ? line->name : "h", points);
        }
        json_object_set_new(panels, ranks->panels[p].name, lines);
    }
    return panels;
}

hn_status hni_plot_rank(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                        json_t *facts)
{
    hn_context *context = options->cli->context;
    hni_canvas_options titled = *canvas;
    hni_run_ranks made = {.context = NULL};
    char title[160];
    hni_run run;
    hn_status status = hni_run_load(context, options->runs[0], &run);
    if (status != HN_OK) return status;
    HNI_TRY(hni_run_ranks_make(context, &run, options->layer, options->axis, &made));
    if (made.ranks.count == 0) {
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT,
                          "%.300s: its log has no effective ranks of layer %d: only models with 'hyper' in model.cell "
                          "have embeddings, those of more than 256 numbers are not measured, and layers count from 0",
                          options->runs[0], options->layer));
    }
    snprintf(title, sizeof title, "Effective rank of the embeddings of %.100s, layer %d", run.name, options->layer);
    titled.title = title;
    HNI_TRY(hni_ranks_picture(context, &made.ranks, &titled, picture));
    json_object_set_new(facts, "layer", json_integer(options->layer));
    json_object_set_new(facts, "axis", json_string(hni_plot_axis_words[options->axis]));
    json_object_set_new(facts, "ranks", ranks_as_json(&made.ranks));
cleanup:
    hni_run_ranks_free(&made);
    hni_run_free(&run);
    return status;
}
