/* Pictures of what models show while they write or read: change, path, phi. */
#include <stdio.h>
#include <string.h>

#include "app/report/gather.h"
#include "core/alloc.h"
#include "model.h"
#include "plot.h"

#define COLUMNS 80
#define PATH_SIZE 640

/* ---- models ---- */

typedef hn_status (*model_visitor)(const hni_plot_options *options, hni_cli_model *model,
                                   const hni_sample_options *sample, void *user);

/* Opens a run's model and lets it be looked at. */
static hn_status visit(const hni_plot_options *options, const char *run, model_visitor look, void *user)
{
    hni_cli_model model = {.context = options->cli->context};
    hni_sample_options sample = hni_writing_options(&options->writing, options->kind->length);
    hn_status status;
    sample.observe_layer = options->layer;
    HNI_TRY(hni_cli_model_find(options->cli->context, run, &model));
    HNI_TRY(hni_cli_model_want_writer(&model));
    HNI_TRY(hni_cli_model_open(&model, HN_BACKEND_BEST, NULL, NULL));
    HNI_TRY(look(options, &model, &sample, user));
cleanup:
    hni_cli_model_close(&model);
    return status;
}

/* "LN-HyperLSTM 256 while it writes, layer 0" */
static void name_work(const hni_plot_options *options, const hni_cli_model *model, const hni_sample_options *sample,
                      char *out_text, size_t size)
{
    char label[96];
    model->task->label(model->work, label, sizeof label);
    snprintf(out_text, size, "%s while it %s, layer %d", label, sample->length > 0 ? "writes" : "reads",
             options->layer);
}

/* ---- change ---- */

typedef struct picture_user {
    const hni_canvas_options *canvas;
    hni_text *picture;
    json_t *facts;
} picture_user;

static hn_status look_at_change(const hni_plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                                void *user)
{
    const picture_user *to = user;
    hn_context *context = options->cli->context;
    hni_canvas_options canvas = *to->canvas;
    hni_passage passage;
    char title[192];
    hn_status status;
    hni_passage_open(options->cli, &passage);
    passage.which = options->change;
    passage.changes = true;
    HNI_TRY(hni_change_check(context, model->task, model->work, options->change, options->layer));
    HNI_TRY(hni_passage_take(model->task, model->work, sample, &passage));
    hni_passage_title(&passage, model->task, model->work, title, sizeof title);
    canvas.title = title;
    const hni_heat heat = hni_passage_heat(&passage);
    HNI_TRY(hni_heat_picture(context, &heat, COLUMNS, &canvas, to->picture));
    json_object_set_new(to->facts, "layer", json_integer(options->layer));
    hni_passage_to_json(&passage, to->facts);
cleanup:
    hni_passage_close(&passage);
    return status;
}

hn_status hni_plot_change(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                          json_t *facts)
{
    picture_user user = {.canvas = canvas, .picture = picture, .facts = facts};
    return visit(options, options->runs[0], look_at_change, &user);
}

/* ---- path ---- */

static json_t *path_as_json(const hni_path *path)
{
    json_t *points = json_array();
    for (size_t i = 0; i < path->count; i++)
        json_array_append_new(points, json_pack("[f,f]", path->points[i].x, path->points[i].y));
    return points;
}

static hn_status look_at_path(const hni_plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                              void *user)
{
    const picture_user *to = user;
    hn_context *context = options->cli->context;
    hni_canvas_options canvas = *to->canvas;
    hni_gathered_path path = {.text = {.context = NULL}};
    char title[192], work[160];
    hn_status status;
    HNI_TRY(hni_gather_path(context, model->task, model->work, sample, &path));
    name_work(options, model, sample, work, sizeof work);
    snprintf(title, sizeof title, "Embedding z_h of %s", work);
    canvas.title = title;
    canvas.width = canvas.height = PATH_SIZE;
    path.path.name = work;
    HNI_TRY(hni_path_picture(context, &path.path, &canvas, to->picture));
    json_object_set_new(to->facts, "layer", json_integer(options->layer));
    json_object_set_new(
        to->facts, "share",
        json_pack("[o,o]", hni_cli_number_json(path.path.share[0]), hni_cli_number_json(path.path.share[1])));
    json_object_set_new(to->facts, "text", hni_cli_bytes_json(options->cli, path.text.data, path.text.size));
    json_object_set_new(to->facts, "points", path_as_json(&path.path));
cleanup:
    hni_gathered_path_free(&path);
    return status;
}

hn_status hni_plot_path(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                        json_t *facts)
{
    picture_user user = {.canvas = canvas, .picture = picture, .facts = facts};
    return visit(options, options->runs[0], look_at_path, &user);
}

/* ---- phi ---- */

typedef struct phi_user {
    hni_histogram_counts *counts;
    char *label;
    size_t label_size;
    const char **quantity; /* NULL before the first model */
} phi_user;

static hn_status look_at_phi(const hni_plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                             void *user)
{
    const phi_user *to = user;
    hni_task_sights sights;
    model->task->label(model->work, to->label, to->label_size);
    model->task->sights(model->work, &sights);
    if (*to->quantity != NULL && sights.phi_quantity != NULL && strcmp(*to->quantity, sights.phi_quantity) != 0) {
        *to->quantity = "φ"; /* a word that fits all */
    } else {
        *to->quantity = sights.phi_quantity;
    }
    return hni_gather_phi(options->cli->context, model->task, model->work, sample, to->counts);
}

static json_t *phi_as_json(const hni_cli *cli, const hni_histogram_series *series, const char *run)
{
    json_t *bins = json_array();
    for (int i = 0; i < HNI_HISTOGRAM_BINS; i++)
        json_array_append_new(bins, json_integer((json_int_t)series->counts.bins[i]));
    return json_pack("{s:o,s:o,s:I,s:o,s:o}", "run", hni_cli_path_json(cli, run), "name",
                     hni_cli_path_json(cli, series->name), "total", (json_int_t)series->counts.total, "saturated",
                     hni_cli_number_json(hni_histogram_saturated(&series->counts)), "bins", bins);
}

/* The last part of a path: "runs/lstm/" gives "lstm". */
static void add_last_part(hni_text *out, const char *path)
{
    size_t end = strlen(path), begin;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';)
        begin--;
    hni_text_add(out, "%.*s", (int)(end - begin), path + begin);
}

void hni_plot_name_run(const hni_plot_options *options, const char *labels, size_t label_size, int run,
                       hni_text *out_name)
{
    const char *own = labels + (size_t)run * label_size;
    bool twin = false;
    for (int i = 0; i < options->run_count; i++)
        twin = twin || (i != run && strcmp(labels + (size_t)i * label_size, own) == 0);
    hni_text_add(out_name, "%s", own);
    if (!twin) return;
    hni_text_add(out_name, " (");
    add_last_part(out_name, options->runs[run]);
    hni_text_add(out_name, ")");
}

hn_status hni_plot_phi(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                       json_t *facts)
{
    enum { LABEL = 96 };
    hn_context *context = options->cli->context;
    const size_t count = (size_t)options->run_count;
    hni_canvas_options titled = *canvas;
    const bool writes = hni_writing_options(&options->writing, options->kind->length).length > 0;
    void *series_memory = NULL, *names_memory = NULL, *labels = NULL;
    const char *quantity = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "histograms", count, sizeof(hni_histogram_series), &series_memory));
    HNI_TRY(hni_alloc_array(context, "histograms", count, sizeof(hni_text), &names_memory));
    HNI_TRY(hni_alloc_array(context, "histograms", count, LABEL, &labels));
    hni_histogram_series *series = series_memory;
    hni_text *names = names_memory;
    for (size_t i = 0; i < count; i++) {
        phi_user user = {&series[i].counts, (char *)labels + i * LABEL, LABEL, &quantity};
        names[i].context = context;
        HNI_TRY(visit(options, options->runs[i], look_at_phi, &user));
    }
    for (size_t i = 0; i < count; i++) {
        hni_plot_name_run(options, labels, LABEL, (int)i, &names[i]);
        HNI_TRY(names[i].status);
        series[i].name = names[i].data;
    }
    titled.title = writes ? "Histograms of φ, what the output gate multiplies, while the models write"
                          : "Histograms of φ, what the output gate multiplies, while the models read";
    HNI_TRY(hni_histogram_picture(context, &(hni_histogram){.series = series, .count = count, .quantity = quantity},
                                  &titled, picture));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, phi_as_json(options->cli, &series[i], options->runs[i]));
    json_object_set_new(facts, "layer", json_integer(options->layer));
    json_object_set_new(facts, "runs", list);
cleanup:
    for (size_t i = 0; names_memory != NULL && i < count; i++)
        hni_text_free(&((hni_text *)names_memory)[i]);
    hni_free(context, series_memory);
    hni_free(context, names_memory);
    hni_free(context, labels);
    return status;
}
