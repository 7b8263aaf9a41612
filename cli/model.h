/* Models as commands name them: a recipe (counted, not built), a run directory or a checkpoint file (built and filled). */
#ifndef HNI_CLI_MODEL_H
#define HNI_CLI_MODEL_H

#include "app/train/plan.h"
#include "cli.h"

typedef struct hni_cli_model {
    hn_context *context;
    const hni_task *task;
    hni_plan *plan;             /* NULL: a checkpoint file without a run beside it; then .. */
    void *data, *model;         /* .. these are defaults; else the plan's */
    hn_safetensors *checkpoint; /* NULL: of a recipe */
    char path[4096];            /* of the checkpoint, or of the recipe */
    hni_task_work *work;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
} hni_cli_model;

/* Whether the name is that of a checkpoint file, there or not: FILE.safetensors. */
bool hni_cli_model_is_file(const char *name);
/* Finds what `name` means and reads settings and checkpoint: RUN (its best.safetensors, else last.safetensors) or
 * FILE.safetensors. *out_model is closed by the caller, after a failure too. */
HN_MUST_USE hn_status hni_cli_model_find(hn_context *context, const char *name, hni_cli_model *out_model);
/* The same for a recipe, with --set assignments. */
HN_MUST_USE hn_status hni_cli_model_recipe(hn_context *context, const char *name, const char *const *sets,
                                           size_t set_count, hni_cli_model *out_model);
/* Opens the task, declares, seals and binds: on the dry backend, or filled from the checkpoint. places and file: see
 * hni_task_open. */
HN_MUST_USE hn_status hni_cli_model_open(hni_cli_model *model, hn_backend backend, const hni_data_places *places,
                                         const char *file);
/* An error for a task whose models do not write (hni_task.sample). */
HN_MUST_USE hn_status hni_cli_model_want_writer(const hni_cli_model *model);
void hni_cli_model_close(hni_cli_model *model);

#endif
