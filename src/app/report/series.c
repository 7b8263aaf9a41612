/* See series.h. The lists lie in one block. */
#include "app/report/series.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/alloc.h"

void hni_run_legend(const hni_run *runs, size_t count, size_t run, hni_text *out_name)
{
    bool twin = false;
    for (size_t i = 0; i < count; i++)
        twin = twin || (i != run && strcmp(runs[i].name, runs[run].name) == 0);
    hni_text_add(out_name, "%s", runs[run].name);
    if (twin) hni_text_add(out_name, " (%s)", runs[run].folder);
}

static double place_of(const hni_run_row *row, hni_curves_axis axis)
{
    switch (axis) {
    case HNI_CURVES_SECONDS: return row->seconds;
    case HNI_CURVES_EPOCHS: return row->epoch;
    default: return (double)row->step;
    }
}

/* Returns how many points there are. `offset`: of the figure in a row. */
static size_t collect(const hni_run *run, hni_curves_axis axis, size_t offset, hni_point *out_points)
{
    size_t count = 0;
    for (size_t i = 0; i < run->row_count; i++) {
        const hni_run_row *row = &run->rows[i];
        const hni_point point = {place_of(row, axis), *(const double *)(const void *)((const char *)row + offset)};
        if (isfinite(point.x) && isfinite(point.y)) out_points[count++] = point;
    }
    return count;
}

hn_status hni_run_series_make(hn_context *context, const hni_run *runs, size_t count, hni_curves_axis axis,
                              hni_run_figure figure, hni_run_series *out_series)
{
    void *memory = NULL;
    size_t room = 0;
    hn_status status;
    *out_series = (hni_run_series){.context = context};
    HNI_TRY(hni_runs_agree(context, runs, count));
    for (size_t i = 0; i < count; i++)
        room += 2 * runs[i].row_count;
    HNI_TRY(hni_alloc_array(context, "curves", count, sizeof *out_series->series, &memory));
    out_series->series = memory;
    HNI_TRY(hni_alloc_array(context, "curves", count, sizeof *out_series->names, &memory));
    out_series->names = memory;
    HNI_TRY(hni_alloc_array(context, "curves", room, sizeof *out_series->points, &memory));
    out_series->points = memory;
    hni_point *next = out_series->points;
    for (size_t i = 0; i < count; i++) {
        hni_series *one = &out_series->series[i];
        hni_text *name = &out_series->names[i];
        *name = (hni_text){.context = context};
        out_series->count = i + 1;
        hni_run_legend(runs, count, i, name);
        HNI_TRY(name->status);
        *one = (hni_series){.name = name->data != NULL ? name->data : "", .train = next};
        const bool is_one = hni_measure_is_one(runs[i].measure), loss = figure == HNI_RUN_LOSS && !is_one;
        const size_t valid = loss ? offsetof(hni_run_row, valid_loss) : offsetof(hni_run_row, valid);
        next += one->train_count = is_one || loss ? collect(&runs[i], axis, offsetof(hni_run_row, train), next) : 0;
        one->valid = next;
        next += one->valid_count = collect(&runs[i], axis, valid, next);
    }
cleanup:
    return status;
}

void hni_run_series_free(hni_run_series *series)
{
    if (series->context == NULL) return;
    for (size_t i = 0; i < series->count; i++)
        hni_text_free(&series->names[i]);
    hni_free(series->context, series->names);
    hni_free(series->context, series->points);
    hni_free(series->context, series->series);
}

/* ---- effective ranks ---- */

/* Rows without a validation have no rank. */
static size_t collect_ranks(const hni_run *run, const hni_run_rank *rank, hni_curves_axis axis, hni_point *out_points)
{
    size_t count = 0;
    for (size_t row = 0; row < run->row_count; row++) {
        const hni_point point = {place_of(&run->rows[row], axis), rank->values[row]};
        if (isfinite(point.x) && isfinite(point.y)) out_points[count++] = point;
    }
    return count;
}

hn_status hni_run_ranks_make(hn_context *context, const hni_run *run, int layer, hni_curves_axis axis,
                             hni_run_ranks *out_ranks)
{
    static const struct {
        char letter;
        const char *name;
    } embeddings[HNI_RUN_EMBEDDINGS] = {{'h', "z_h"}, {'x', "z_x"}, {'b', "z_b"}};
    void *memory = NULL;
    hn_status status;
    *out_ranks = (hni_run_ranks){.context = context};
    HNI_TRY(hni_alloc_array(context, "ranks", run->rank_count, sizeof *out_ranks->lines, &memory));
    out_ranks->lines = memory;
    HNI_TRY(hni_alloc_array(context, "ranks", run->rank_count * run->row_count, sizeof *out_ranks->points, &memory));
    out_ranks->points = memory;
    hni_ranks_line *line = out_ranks->lines;
    hni_point *points = out_ranks->points;
    hni_ranks *ranks = &out_ranks->ranks;
    *ranks = (hni_ranks){.panels = out_ranks->panels, .axis = axis, .most = (double)run->embedding_size};
    for (int i = 0; i < HNI_RUN_EMBEDDINGS; i++) {
        hni_ranks_panel *panel = &out_ranks->panels[ranks->count];
        *panel = (hni_ranks_panel){.name = embeddings[i].name, .lines = line};
        for (size_t r = 0; r < run->rank_count; r++) {
            const hni_run_rank *rank = &run->ranks[r];
            if (rank->layer != layer || rank->embedding != embeddings[i].letter) continue;
            *line = (hni_ranks_line){.name = rank->gate, .points = points};
            line->count = collect_ranks(run, rank, axis, points);
            if (line->count == 0) continue; /* never validated */
            points += line->count;
            line++;
            panel->count++;
        }
        if (panel->count > 0) ranks->count++;
    }
cleanup:
    return status;
}

void hni_run_ranks_free(hni_run_ranks *ranks)
{
    if (ranks->context == NULL) return;
    hni_free(ranks->context, ranks->points);
    hni_free(ranks->context, ranks->lines);
}
