/* Opening and closing of a run: a new directory, or one that goes on. */
#include <stdio.h>
#include <string.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/files.h"
#include "nn/trained.h"

const hni_plan *hni_trainer_plan(const hni_trainer *trainer) { return trainer->plan; }
const char *hni_trainer_init(const hni_trainer *trainer) { return trainer->init_path; }
const hni_train_state *hni_trainer_state(const hni_trainer *trainer) { return &trainer->state; }
const hni_train_forecast *hni_trainer_forecast(const hni_trainer *trainer) { return &trainer->forecast; }
void hni_trainer_size(const hni_trainer *trainer, hni_task_size *out_size) { *out_size = trainer->size; }

void hni_trainer_close(hni_trainer *trainer)
{
    if (trainer == NULL) return;
    hni_facts_close(trainer->facts);
    hn_optimizer_destroy(trainer->optimizer);
    if (trainer->work != NULL) trainer->task->close(trainer->work);
    hn_weights_destroy(trainer->weights);
    hn_store_destroy(trainer->store);
    hn_graph_destroy(trainer->graph);
    hni_plan_destroy(trainer->plan);
    hni_folder_unlock(trainer->lock);
    hn_safetensors_close(trainer->init);
    hni_free(trainer->context, trainer->init_path);
    hni_free(trainer->context, trainer->folder);
    hni_free(trainer->context, trainer->command);
    hni_free(trainer->context, trainer);
}

/* ---- common to both ---- */

static hn_status create(hni_plan *plan, const hni_train_options *options, hni_trainer **out_trainer)
{
    void *memory = NULL;
    hn_status status = hni_alloc(plan->context, "trainer", sizeof **out_trainer, &memory);
    *out_trainer = memory;
    if (status != HN_OK) {
        hni_plan_destroy(plan);
        return status;
    }
    hni_trainer *trainer = memory;
    trainer->context = plan->context;
    trainer->plan = plan;
    trainer->task = plan->task;
    trainer->options = *options;
    trainer->lock = -1;
    trainer->saved_step = -1;
    HNI_TRY(hni_copy_text(trainer->context, options->folder, &trainer->folder));
    HNI_TRY(hni_copy_text(trainer->context, options->command != NULL ? options->command : "", &trainer->command));
cleanup:
    return status;
}

/* Updates of the whole run, and between two validations. */
static hn_status resolve_length(hni_trainer *trainer)
{
    const hni_train_settings *settings = &trainer->plan->train;
    const int64_t windows = trainer->size.windows_per_epoch;
    trainer->steps = settings->steps > 0 ? settings->steps : (int64_t)(settings->epochs * (double)windows + 0.5);
    trainer->validate_every = settings->validate_every > 0 ? settings->validate_every : windows;
    if (trainer->steps < 1) {
        return hni_error(trainer->context, HN_ERROR_ARGUMENT,
                         "recipe: train.steps and train.epochs are both 0: say how long to train");
    }
    if (trainer->steps > UINT32_MAX) {
        return hni_error(trainer->context, HN_ERROR_ARGUMENT,
                         "recipe: %lld updates are more than the %u that can be counted", (long long)trainer->steps,
                         UINT32_MAX);
    }
    trainer->schedule = hni_train_schedule(settings, trainer->steps);
    return HN_OK;
}

/* Data and model, measured on paper before anything large is allocated. A file at `symbols_path` that the run starts or goes on from
 * says what its symbols are; NULL: there is none. */
static hn_status prepare(hni_trainer *trainer, const hn_safetensors *symbols, const char *symbols_path)
{
    const hni_plan *plan = trainer->plan;
    const hni_task_open open = {.context = trainer->context,
                                .data = plan->data,
                                .model = plan->model,
                                .places = trainer->options.places,
                                .symbols = symbols};
    hn_status status;
    status = trainer->task->open(&open, &trainer->work);
    if (symbols != NULL) status = hni_trained_name_file(trainer->context, symbols_path, status);
    if (status != HN_OK) goto cleanup;
    trainer->task->size(trainer->work, &trainer->size);
    HNI_TRY(resolve_length(trainer));
    HNI_TRY(hn_store_create(trainer->context, &trainer->store));
    HNI_TRY(trainer->task->declare(trainer->work, trainer->store));
    HNI_TRY(hni_init_check(trainer));
    HNI_TRY(hni_forecast(trainer));
cleanup:
    return status;
}

static hn_status build(hni_trainer *trainer)
{
    const hni_train_settings *settings = &trainer->plan->train;
    const hn_optimizer_options options = hni_train_optimizer(settings);
    hn_status status;
    HNI_TRY(hn_graph_create(trainer->context, NULL, &trainer->graph));
    HNI_TRY(hn_store_seal(trainer->store, trainer->graph, (uint64_t)settings->seed));
    HNI_TRY(hni_init_read(trainer));
    HNI_TRY(hn_weights_create(trainer->graph, trainer->store, &trainer->weights));
    HNI_TRY(hn_optimizer_create(trainer->store, &options, &trainer->optimizer));
    HNI_TRY(trainer->task->bind(trainer->work, trainer->weights));
cleanup:
    return status;
}

/* "lstm" of {"cell":"lstm",..}: the word that a legend needs; any task whose model has a `cell` row has one. */
static void cell_of(const hni_trainer *trainer, char *out_word, size_t size)
{
    const hni_settings *settings = trainer->task->model_settings();
    const hni_setting *row = hni_settings_find(settings, "cell");
    out_word[0] = 0;
    if (row != NULL) hni_setting_print(row, trainer->plan->model, out_word, size);
}

static hn_status open_facts(hni_trainer *trainer)
{
    hni_data_status data;
    char cell[64], label[64];
    hn_status status;
    trainer->task->label(trainer->work, label, sizeof label);
    cell_of(trainer, cell, sizeof cell);
    HNI_TRY(trainer->task->find_data(trainer->context, trainer->plan->data, trainer->options.places, &data));
    const hni_facts_start start = {
        .folder = trainer->folder,
        .name = trainer->plan->name,
        .label = label,
        .cell = cell[0] != 0 ? cell : NULL,
        .symbols = trainer->task->measure.symbols,
        .command = trainer->command,
        .backend = hn_graph_backend_name(trainer->graph),
        .data_checksum = trainer->task->data_checksum(trainer->work),
        .data_found = data.where,
        .seed = trainer->plan->train.seed,
        .first_step = trainer->state.step,
        .store = trainer->store,
        .init_from = trainer->init_path,
    };
    HNI_TRY(hni_facts_open(trainer->context, &start, &trainer->facts));
cleanup:
    return status;
}

/* ---- a new run ---- */

static hn_status write_recipe(hni_trainer *trainer)
{
    char *text = NULL, *path = NULL;
    hn_status status;
    HNI_TRY(hni_recipe_print(trainer->context, &trainer->plan->recipe, &text));
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, HNI_RUN_RECIPE, &path));
    HNI_TRY(hni_file_write_atomic(trainer->context, path, text, strlen(text)));
cleanup:
    hni_free(trainer->context, text);
    hni_free(trainer->context, path);
    return status;
}

hn_status hni_trainer_start(hni_plan *plan, const hni_train_options *options, hni_trainer **out_trainer)
{
    hni_trainer *trainer = NULL;
    hn_status status;
    *out_trainer = NULL;
    HNI_TRY(create(plan, options, &trainer));
    HNI_TRY(hni_folder_refuse_used(trainer->context, trainer->folder));
    HNI_TRY(hni_init_open(trainer));
    trainer->state.keeps_symbols = trainer->init != NULL;
    HNI_TRY(prepare(trainer, trainer->init, trainer->init_path));
    if (trainer->task->settle != NULL) trainer->task->settle(trainer->work, trainer->plan->data);
    HNI_TRY(build(trainer));
    HNI_TRY(hni_precision_settle(trainer));
    HNI_TRY(hni_folder_make(trainer->context, trainer->folder));
    HNI_TRY(hni_folder_lock(trainer->context, trainer->folder, &trainer->lock));
    HNI_TRY(write_recipe(trainer));
    HNI_TRY(hni_log_start(trainer));
    HNI_TRY(open_facts(trainer));
    HNI_TRY(hni_trainer_save(trainer)); /* whatever happens from now on, there is something to go on from */
    *out_trainer = trainer;
    trainer = NULL;
cleanup:
    hni_trainer_close(trainer);
    return status;
}

/* ---- a run that goes on ---- */

hn_status hni_trainer_resume(hn_context *context, const hni_train_options *options, hni_trainer **out_trainer)
{
    hni_plan *plan = NULL;
    hni_trainer *trainer = NULL;
    hn_safetensors *file = NULL;
    char *path = NULL;
    hn_status status;
    *out_trainer = NULL;
    HNI_TRY(hni_plan_read_run(context, options->folder, &plan));
    HNI_TRY(hni_run_path(context, options->folder, HNI_RUN_LAST, &path));
    hni_plan *taken = plan; /* by create, which frees it if it fails */
    plan = NULL;
    HNI_TRY(create(taken, options, &trainer));
    HNI_TRY(hni_folder_lock(context, trainer->folder, &trainer->lock));
    HNI_TRY(hn_safetensors_open(context, path, &file));
    HNI_TRY(hni_checkpoint_check(trainer, file));
    HNI_TRY(prepare(trainer, trainer->state.keeps_symbols ? file : NULL, path));
    HNI_TRY(build(trainer));
    HNI_TRY(hni_precision_apply(trainer));
    HNI_TRY(hni_trained_name_file(context, path, hni_checkpoint_read(trainer, file)));
    HNI_TRY(hni_log_cut(trainer));
    HNI_TRY(open_facts(trainer));
    trainer->saved_step = trainer->state.step;
    trainer->saved_at = hni_seconds_now();
    *out_trainer = trainer;
    trainer = NULL;
cleanup:
    hn_safetensors_close(file);
    hni_free(context, path);
    hni_plan_destroy(plan);
    hni_trainer_close(trainer);
    return status;
}
