/* A plan: a recipe that was read, as settings of data, model and training. Nothing is opened yet. */
#ifndef HNI_APP_TRAIN_PLAN_H
#define HNI_APP_TRAIN_PLAN_H

#include "app/recipe/recipe.h"
#include "app/tasks/task.h"
#include "app/train/settings.h"

typedef struct hni_plan {
    hn_context *context;
    const hni_task *task;
    void *data, *model; /* task->data_size and task->model_size bytes */
    hni_train_settings train;
    hni_recipe_section sections[3];
    hni_recipe recipe; /* over the three sections */
    char name[128];    /* "text-small": the recipe's file without folder and ending */
} hni_plan;

/* Reads the recipe at `path`, then each of `sets` ("train.rate=0.01"). */
HN_MUST_USE hn_status hni_plan_read(hn_context *context, const char *path, const char *const *sets, size_t set_count,
                                    hni_plan **out_plan);
/* The same without asking whether the keys of `train` go together: more of them will be set. hni_train_settings_check asks. */
HN_MUST_USE hn_status hni_plan_read_unchecked(hn_context *context, const char *path, const char *const *sets,
                                              size_t set_count, hni_plan **out_plan);
/* The recipe of a run of `task`, from memory, as it stands; `name` is the file's name in messages. */
HN_MUST_USE hn_status hni_plan_read_text(hn_context *context, const hni_task *task, const char *name, const char *text,
                                         hni_plan **out_plan);
void hni_plan_destroy(hni_plan *plan);

/* "RUN/recipe.yaml"; hni_free. The same for every file of a run directory. */
HN_MUST_USE hn_status hni_run_path(hn_context *context, const char *folder, const char *file, char **out_path);
/* The plan of a run directory. A folder that is none is an error that says so. */
HN_MUST_USE hn_status hni_plan_read_run(hn_context *context, const char *folder, hni_plan **out_plan);
bool hni_is_run(hn_context *context, const char *folder);

#define HNI_RUN_RECIPE "recipe.yaml"
#define HNI_RUN_LOG "log.csv"
#define HNI_RUN_FACTS "run.json"
#define HNI_RUN_LAST "last.safetensors"
#define HNI_RUN_BEST "best.safetensors"

#endif
