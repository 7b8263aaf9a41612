/* Recipes, runs and checkpoint files, opened for evaluation, sampling and counting. */
#include "model.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/files.h"
#include "nn/trained.h"
#include "params/store.h"

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool hni_cli_model_is_file(const char *name) { return hni_ends_in(name, ".safetensors"); }

static hn_status name_file(const hni_cli_model *model, hn_status status)
{
    return model->checkpoint == NULL ? status : hni_trained_name_file(model->context, model->path, status);
}

/* ---- finding ---- */

static void use_plan(hni_cli_model *model, hni_plan *plan)
{
    model->plan = plan;
    model->task = plan->task;
    model->data = plan->data;
    model->model = plan->model;
}

static hn_status join(hni_cli_model *model, const char *folder, const char *file)
{
    const int length = snprintf(model->path, sizeof model->path, "%s/%s", folder, file);
    if (length > 0 && (size_t)length < sizeof model->path) return HN_OK;
    return hni_error(model->context, HN_ERROR_ARGUMENT, "%.200s...: the path is too long", folder);
}

static hn_status find_run(hni_cli_model *model, const char *folder)
{
    hni_plan *plan = NULL;
    hn_status status;
    HNI_TRY(hni_plan_read_run(model->context, folder, &plan));
    use_plan(model, plan);
    HNI_TRY(join(model, folder, HNI_RUN_BEST));
    if (!exists(model->path)) HNI_TRY(join(model, folder, HNI_RUN_LAST));
    if (!exists(model->path)) {
        status =
            hni_error(model->context, HN_ERROR_IO,
                      "%.400s: the run has no checkpoint yet (neither %s nor %s): train it on with 'hypernet train'",
                      folder, HNI_RUN_BEST, HNI_RUN_LAST);
    }
cleanup:
    return status;
}

/* A file that lies in a run directory is of that run's recipe. */
static hn_status find_file(hni_cli_model *model, const char *path)
{
    char folder[sizeof model->path];
    hni_plan *plan = NULL;
    hn_status status = HN_OK;
    const int length = snprintf(model->path, sizeof model->path, "%s", path);
    if (length < 0 || (size_t)length >= sizeof model->path) {
        return hni_error(model->context, HN_ERROR_ARGUMENT, "%.200s...: the path is too long", path);
    }
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1, slash != NULL ? path : ".");
    if (!hni_is_run(model->context, folder)) return HN_OK;
    status = hni_plan_read_run(model->context, folder, &plan);
    if (status == HN_OK) use_plan(model, plan);
    return status;
}

/* Settings for a checkpoint without a recipe: the defaults of the task that it names. */
static hn_status use_defaults(hni_cli_model *model)
{
    const char *name = hn_safetensors_text(model->checkpoint, "task");
    hn_status status;
    model->task = hni_task_find(name != NULL ? name : "text");
    if (model->task == NULL) {
        return hni_error(model->context, HN_ERROR_FORMAT,
                         "%.300s: is of task '%.40s', which this program does not know", model->path, name);
    }
    HNI_TRY(hni_alloc(model->context, "settings", model->task->data_size, &model->data));
    HNI_TRY(hni_alloc(model->context, "settings", model->task->model_size, &model->model));
    hni_settings_default(model->task->data_settings(), model->data);
    hni_settings_default(model->task->model_settings(), model->model);
cleanup:
    return status;
}

static hn_status check_format(const hni_cli_model *model)
{
    const char *text = hn_safetensors_text(model->checkpoint, "format");
    int64_t format = 1;
    if (text != NULL && !hni_whole_parse(text, &format)) format = 0;
    if (format >= 1 && format <= HNI_CHECKPOINT_FORMAT) return HN_OK;
    if (format < 1) {
        return hni_error(model->context, HN_ERROR_FORMAT, "%.300s: format '%.20s' is no number from 1: damaged file",
                         model->path, text);
    }
    return hni_error(model->context, HN_ERROR_FORMAT,
                     "%.300s: format %.20s is newer than this program reads (%d): use a newer hypernet", model->path,
                     text, HNI_CHECKPOINT_FORMAT);
}

/* The checkpoint in a run is of its recipe's task. */
static hn_status check_task(const hni_cli_model *model)
{
    const char *name = hn_safetensors_text(model->checkpoint, "task");
    if (name == NULL || strcmp(name, model->task->name) == 0) return HN_OK;
    return hni_error(model->context, HN_ERROR_FORMAT,
                     "%.300s: the checkpoint is of task '%.40s', the recipe beside it of task '%s'", model->path, name,
                     model->task->name);
}

hn_status hni_cli_model_find(hn_context *context, const char *name, hni_cli_model *out_model)
{
    hn_status status;
    memset(out_model, 0, sizeof *out_model);
    out_model->context = context;
    if (is_folder(name)) {
        HNI_TRY(find_run(out_model, name));
    } else if (exists(name) || hni_cli_model_is_file(name)) {
        HNI_TRY(find_file(out_model, name));
    } else {
        return hni_error(
            context, HN_ERROR_IO,
            "%.400s: there is no such run: name a folder that 'hypernet train' has made, or a .safetensors file in it",
            name);
    }
    HNI_TRY(hn_safetensors_open(context, out_model->path, &out_model->checkpoint));
    HNI_TRY(check_format(out_model));
    if (out_model->plan == NULL) HNI_TRY(use_defaults(out_model));
    HNI_TRY(check_task(out_model));
cleanup:
    return status;
}

hn_status hni_cli_model_recipe(hn_context *context, const char *name, const char *const *sets, size_t set_count,
                               hni_cli_model *out_model)
{
    hni_cli_recipes recipes;
    hni_plan *plan = NULL;
    char *path = NULL;
    hn_status status;
    memset(out_model, 0, sizeof *out_model);
    out_model->context = context;
    hni_cli_find_recipes(&recipes);
    HNI_TRY(hni_recipe_find(context, name, recipes.folders, recipes.count, &path));
    HNI_TRY(hni_plan_read(context, path, sets, set_count, &plan));
    use_plan(out_model, plan);
    snprintf(out_model->path, sizeof out_model->path, "%s", path);
cleanup:
    hni_free(context, path);
    return status;
}

/* ---- opening ---- */

static hn_status seal(hni_cli_model *model)
{
    if (model->checkpoint == NULL || hn_graph_is_dry(model->graph)) return hn_store_seal(model->store, model->graph, 1);
    const hn_status status = hni_store_seal_zero(model->store, model->graph);
    if (status != HN_OK) return status;
    return name_file(model, hni_trained_read_parameters(model->context, model->checkpoint, model->store));
}

hn_status hni_cli_model_open(hni_cli_model *model, hn_backend backend, const hni_data_places *places, const char *file)
{
    const hni_task_open open = {
        .context = model->context,
        .data = model->data,
        .model = model->model,
        .places = places,
        .file = file,
        .checkpoint = model->checkpoint,
    };
    hn_graph_options options;
    hn_status status;
    hn_graph_options_default(&options);
    options.backend = backend;
    HNI_TRY(name_file(model, model->task->open(&open, &model->work)));
    HNI_TRY(hn_store_create(model->context, &model->store));
    HNI_TRY(model->task->declare(model->work, model->store));
    if (model->checkpoint != NULL) {
        HNI_TRY(name_file(model, hni_trained_check_parameters(model->context, model->checkpoint, model->store)));
    }
    HNI_TRY(hn_graph_create(model->context, &options, &model->graph));
    HNI_TRY(seal(model));
    HNI_TRY(hn_weights_create(model->graph, model->store, &model->weights));
    HNI_TRY(model->task->bind(model->work, model->weights));
cleanup:
    return status;
}

hn_status hni_cli_model_want_writer(const hni_cli_model *model)
{
    if (model->task->sample != NULL) return HN_OK;
    return hni_error(model->context, HN_ERROR_ARGUMENT,
                     "%.300s: is of task '%s', whose models write nothing: 'hypernet eval' and 'hypernet report' show "
                     "what it can do",
                     model->path, model->task->name);
}

void hni_cli_model_close(hni_cli_model *model)
{
    if (model->task != NULL) model->task->close(model->work);
    hn_weights_destroy(model->weights);
    hn_store_destroy(model->store);
    hn_graph_destroy(model->graph);
    hn_safetensors_close(model->checkpoint);
    if (model->plan != NULL) {
        hni_plan_destroy(model->plan);
    } else {
        hni_free(model->context, model->data);
        hni_free(model->context, model->model);
    }
    memset(model, 0, sizeof *model);
}
