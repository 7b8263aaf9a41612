/* Pictures of what networks are made of (kernels, strip, embeddings) and of what they say (confusion, mistakes). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/report/answers.h"
#include "app/report/weights.h"
#include "core/alloc.h"
#include "model.h"
#include "plot.h"

#define LABEL 96
#define EMBEDDINGS_SIZE 640

/* An error for a task whose models have no such thing: names the run, as others do that this program shows nothing of. */
static hn_status check_task(const hni_cli_model *model, bool answers)
{
    const hni_task *task = model->task;
    if (answers ? task->class_name != NULL : task->weights != NULL) return HN_OK;
    return hni_error(model->context, HN_ERROR_ARGUMENT,
                     "%.300s: is of task '%s', whose models %s: name curves, change, phi, path or rank", model->path,
                     task->name, answers ? "know no classes" : "change their weights while they run");
}

/* A run's model, with its data if there are places for it. Closed by the caller, after a failure too. */
static hn_status open_model(const hni_plot_options *options, const char *run, const hni_data_places *places,
                            hni_cli_model *out_model)
{
    hn_status status;
    *out_model = (hni_cli_model){.context = options->cli->context};
    HNI_TRY(hni_cli_model_find(options->cli->context, run, out_model));
    HNI_TRY(check_task(out_model, places != NULL));
    if (places != NULL && out_model->plan == NULL) {
        status = hni_error(options->cli->context, HN_ERROR_ARGUMENT,
                           "%.300s: no recipe.yaml lies beside it, so its data is not known: name the folder of the "
                           "run",
                           run);
        goto cleanup;
    }
    HNI_TRY(hni_cli_model_open(out_model, HN_BACKEND_BEST, places, NULL));
cleanup:
    return status;
}

static void label_of(const hni_cli_model *model, char *out_label) { model->task->label(model->work, out_label, LABEL); }

/* ---- kernels ---- */

typedef struct kernels_work {
    hni_gathered_weight *weights; /* [runs] */
    char *labels;                 /* [runs][LABEL] */
    hni_text *names;              /* [runs] */
    hni_kernels_panel *panels;    /* [runs] */
    size_t count;
} kernels_work;

static hn_status take_memory(hn_context *context, size_t count, kernels_work *work)
{
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "kernels", count, sizeof *work->weights, &memory));
    work->weights = memory;
    HNI_TRY(hni_alloc_array(context, "kernels", count, LABEL, &memory));
    work->labels = memory;
    HNI_TRY(hni_alloc_array(context, "kernels", count, sizeof *work->names, &memory));
    work->names = memory;
    HNI_TRY(hni_alloc_array(context, "kernels", count, sizeof *work->panels, &memory));
    work->panels = memory;
    work->count = count;
cleanup:
    return status;
}

static void free_work(hn_context *context, kernels_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        hni_gathered_weight_free(&work->weights[i]);
        hni_text_free(&work->names[i]);
    }
    hni_free(context, work->weights);
    hni_free(context, work->labels);
    hni_free(context, work->names);
    hni_free(context, work->panels);
}

static hn_status gather_kernel(const hni_plot_options *options, size_t index, kernels_work *work)
{
    hn_context *context = options->cli->context;
    const hni_gathered_weight *first = &work->weights[0], *own = &work->weights[index];
    char shapes[2][96];
    hni_cli_model model;
    hn_status status;
    HNI_TRY(open_model(options, options->runs[index], NULL, &model));
    label_of(&model, work->labels + index * LABEL);
    HNI_TRY(hni_gather_weight(context, model.task, model.work, options->weight, &work->weights[index]));
    if (!hni_gathered_weights_match(first, own)) {
        status =
            hni_error(context, HN_ERROR_SHAPE,
                      "%.200s has %s %s, %.200s has %s %s: draw weights of one name and size beside each other",
                      options->runs[0], first->name.data, hn_shape_print(first->shape, shapes[0], sizeof shapes[0]),
                      options->runs[index], own->name.data, hn_shape_print(own->shape, shapes[1], sizeof shapes[1]));
    }
cleanup:
    hni_cli_model_close(&model);
    return status;
}

/* Root of the mean square: what a start for relu would give to kernels is the square root of 2 / (C f^2). */
static double size_of(const hni_gathered_weight *weight)
{
    const int64_t count = hn_shape_elements(weight->shape);
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)weight->values[i] * (double)weight->values[i];
    return sqrt(sum / (double)count);
}

static json_t *kernels_as_json(const hni_plot_options *options, const kernels_work *work)
{
    json_t *list = json_array();
    for (size_t i = 0; i < work->count; i++) {
        json_array_append_new(list,
                              json_pack("{s:o,s:o,s:b,s:o}", "run", hni_cli_path_json(options->cli, options->runs[i]),
                                        "name", hni_cli_path_json(options->cli, work->panels[i].name), "generated",
                                        (int)work->weights[i].generated, "root_mean_square",
                                        hni_cli_number_json(size_of(&work->weights[i]))));
    }
    return list;
}

/* "LABEL, generated"; the filters of a run with tiles are those of the picture, so that borders stand in all panels. */
static hn_status name_panels(const hni_plot_options *options, kernels_work *work, hni_filters *out_filters)
{
    *out_filters = work->weights[0].filters;
    for (size_t i = 0; i < work->count; i++) {
        const hni_gathered_weight *weight = &work->weights[i];
        work->names[i].context = options->cli->context;
        hni_plot_name_run(options, work->labels, LABEL, (int)i, &work->names[i]);
        hni_text_add(&work->names[i], weight->generated ? ", generated" : "");
        if (work->names[i].status != HN_OK) return work->names[i].status;
        work->panels[i] = (hni_kernels_panel){.name = work->names[i].data, .values = weight->values};
        if (weight->filters.tile_rows > 0) *out_filters = weight->filters;
    }
    return HN_OK;
}

hn_status hni_plot_kernels(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                           json_t *facts)
{
    hn_context *context = options->cli->context;
    hni_canvas_options titled = *canvas;
    kernels_work work = {.count = 0};
    hni_kernels kernels = {.scale = HNI_SCALE_GREY};
    char title[160], shape[96];
    hn_status status;
    HNI_TRY(take_memory(context, (size_t)options->run_count, &work));
    for (size_t i = 0; i < work.count; i++)
        HNI_TRY(gather_kernel(options, i, &work));
    HNI_TRY(name_panels(options, &work, &kernels.filters));
    kernels.panels = work.panels;
    kernels.count = work.count;
    kernels.above = work.weights[0].above;
    kernels.row_word = work.weights[0].row_word;
    kernels.column_word = work.weights[0].column_word;
    const char *name = work.weights[0].name.data;
    snprintf(title, sizeof title, "%.80s %s", name, hn_shape_print(work.weights[0].shape, shape, sizeof shape));
    titled.title = title;
    HNI_TRY(hni_kernels_picture(context, &kernels, &titled, picture));
    json_object_set_new(facts, "weight", json_string(name));
    json_object_set_new(facts, "shape", json_string(shape));
    json_object_set_new(facts, "runs", kernels_as_json(options, &work));
cleanup:
    free_work(context, &work);
    return status;
}

/* ---- embeddings, and the way between two ---- */

static void add_share(json_t *facts, const hni_scatter *scatter)
{
    json_object_set_new(
        facts, "share",
        json_pack("[o,o]", hni_cli_number_json(scatter->share[0]), hni_cli_number_json(scatter->share[1])));
}

static json_t *points_as_json(const hni_scatter *scatter)
{
    json_t *points = json_array();
    for (size_t i = 0; i < scatter->count; i++) {
        const hni_scatter_point *point = &scatter->points[i];
        json_array_append_new(points, json_pack("{s:s,s:s,s:f,s:f}", "weight", point->words, "group",
                                                scatter->groups[point->group], "x", point->x, "y", point->y));
    }
    return points;
}

hn_status hni_plot_embeddings(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                              json_t *facts)
{
    hn_context *context = options->cli->context;
    hni_canvas_options sized = *canvas;
    hni_gathered_embeddings all = {.context = NULL};
    hni_cli_model model;
    char label[LABEL], title[160];
    hn_status status;
    HNI_TRY(open_model(options, options->runs[0], NULL, &model));
    label_of(&model, label);
    HNI_TRY(hni_gather_embeddings(context, model.task, model.work, 2, &all));
    HNI_TRY(hni_gathered_embeddings_spread(&all));
    snprintf(title, sizeof title, "Embeddings of %s", label);
    all.scatter.name = label;
    sized.title = title;
    sized.width = sized.height = EMBEDDINGS_SIZE;
    HNI_TRY(hni_scatter_picture(context, &all.scatter, &sized, picture));
    add_share(facts, &all.scatter);
    json_object_set_new(facts, "points", points_as_json(&all.scatter));
cleanup:
    hni_gathered_embeddings_free(&all);
    hni_cli_model_close(&model);
    return status;
}

hn_status hni_plot_strip(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                         json_t *facts)
{
    hn_context *context = options->cli->context;
    hni_canvas_options titled = *canvas;
    hni_gathered_embeddings all = {.context = NULL};
    hni_gathered_strip strip = {.context = NULL};
    hni_cli_model model;
    hn_status status;
    HNI_TRY(open_model(options, options->runs[0], NULL, &model));
    HNI_TRY(hni_gather_embeddings(context, model.task, model.work, 2, &all));
    HNI_TRY(hni_gather_strip(&all, model.task, model.work, &options->way, &strip));
    titled.title = strip.name;
    HNI_TRY(hni_strip_picture(context, &strip.strip, &titled, picture));
    json_object_set_new(facts, "way", json_string(strip.name));
    json_object_set_new(facts, "steps", json_integer((json_int_t)strip.strip.count));
cleanup:
    hni_gathered_strip_free(&strip);
    hni_gathered_embeddings_free(&all);
    hni_cli_model_close(&model);
    return status;
}

/* ---- what classifiers say ---- */

typedef struct answers_work {
    hni_answers answers;
    hni_metric metric;
    char title[192];
} answers_work;

static hn_status take_answers(const hni_plot_options *options, const char *begin, size_t most_classes,
                              answers_work *work)
{
    hn_context *context = options->cli->context;
    hni_data_places places;
    hni_cli_model model = {.context = NULL};
    char label[LABEL];
    hn_status status;
    HNI_TRY(hni_data_places_find(context, options->cli->data, &places));
    HNI_TRY(open_model(options, options->runs[0], &places, &model));
    HNI_TRY(hni_answers_begin(context, model.task, model.work, &work->answers));
    if (work->answers.classes.confusion.classes > most_classes) {
        HNI_TRY(hni_error(context, HN_ERROR_ARGUMENT, "the model knows %zu classes, a picture has room for %zu",
                          work->answers.classes.confusion.classes, most_classes));
    }
    const hni_evaluate_options evaluate = {
        .split = options->split, .tracks = 1, .item = hni_answers_take, .user = &work->answers};
    HNI_TRY(model.task->evaluate(model.work, &evaluate, &work->metric));
    HNI_TRY(hni_answers_end(&work->answers));
    label_of(&model, label);
    snprintf(work->title, sizeof work->title, "%s of %s on the %s images: %.2f %%", begin, label, options->split,
             work->metric.value);
cleanup:
    hni_cli_model_close(&model);
    return status;
}

static void add_answers(const hni_plot_options *options, const answers_work *work, json_t *facts)
{
    json_object_set_new(facts, "split", json_string(options->split));
    json_object_set_new(facts, "count", json_integer((json_int_t)work->metric.count));
    json_object_set_new(facts, "wrong", json_integer((json_int_t)work->answers.wrong));
}

hn_status hni_plot_confusion(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                             json_t *facts)
{
    hni_canvas_options titled = *canvas;
    answers_work work = {.answers = {.context = NULL}};
    json_t *counts = json_array();
    hn_status status;
    HNI_TRY(take_answers(options, "Errors", HNI_CONFUSION_MOST, &work));
    const hni_confusion *confusion = &work.answers.classes.confusion;
    titled.title = work.title;
    HNI_TRY(hni_confusion_picture(options->cli->context, confusion, &titled, picture));
    for (size_t i = 0; i < confusion->classes; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < confusion->classes; j++)
            json_array_append_new(row, json_integer((json_int_t)confusion->counts[i * confusion->classes + j]));
        json_array_append_new(counts, row);
    }
    add_answers(options, &work, facts);
    json_object_set(facts, "counts", counts);
cleanup:
    json_decref(counts);
    hni_answers_free(&work.answers);
    return status;
}

hn_status hni_plot_mistakes(const hni_plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                            json_t *facts)
{
    hni_canvas_options titled = *canvas;
    answers_work work = {.answers = {.context = NULL}};
    json_t *list = json_array();
    hn_status status;
    HNI_TRY(take_answers(options, "The worst errors", SIZE_MAX, &work));
    titled.title = work.answers.album.name = work.title;
    HNI_TRY(hni_album_picture(options->cli->context, &work.answers.album, &titled, picture));
    for (size_t i = 0; i < work.answers.worst_count; i++) {
        const hni_mistake *mistake = &work.answers.worst[i];
        json_array_append_new(list, json_pack("{s:I,s:I,s:I,s:f,s:f}", "image", (json_int_t)mistake->place, "class",
                                              (json_int_t)mistake->label, "said", (json_int_t)mistake->said,
                                              "probability", mistake->right, "probability_said", mistake->wrong));
    }
    add_answers(options, &work, facts);
    json_object_set(facts, "mistakes", list);
cleanup:
    json_decref(list);
    hni_answers_free(&work.answers);
    return status;
}
