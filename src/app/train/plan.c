/* Reads recipes into settings. */
#include "app/train/plan.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/alloc.h"

static hn_status find_task(hn_context *context, const char *path, const char *name, const hni_task **out_task)
{
    const char *words[16];
    size_t count = 0;
    for (const hni_task *task; count < 15 && (task = hni_task_at(count)) != NULL;)
        words[count++] = task->name;
    words[count] = NULL;
    *out_task = hni_task_find(name);
    if (*out_task != NULL) return HN_OK;
    const char *nearest = hni_nearest_word(words, name);
    return hni_error(context, HN_ERROR_ARGUMENT, "%s: there is no task '%s'%s%s%s", path, name,
                     nearest != NULL ? ", did you mean '" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "'?" : "");
}

/* The file's name without folder and ending. */
static void name_of(const char *path, char *out_name, size_t size)
{
    size_t start = strlen(path);
    while (start > 0 && path[start - 1] != '/')
        start--;
    snprintf(out_name, size, "%s", &path[start]);
    char *dot = strrchr(out_name, '.');
    if (dot != NULL && dot != out_name) *dot = 0;
}

/* An empty plan of the task of that name, every key at its default. */
static hn_status create_plan(hn_context *context, const char *path, const char *task, hni_plan **out_plan)
{
    void *memory = NULL;
    hni_plan *plan = NULL;
    hn_status status;
    *out_plan = NULL;
    HNI_TRY(hni_alloc(context, "recipe", sizeof *plan, &memory));
    plan = memory;
    plan->context = context;
    HNI_TRY(find_task(context, path, task, &plan->task));
    HNI_TRY(hni_alloc(context, "recipe", plan->task->data_size, &plan->data));
    HNI_TRY(hni_alloc(context, "recipe", plan->task->model_size, &plan->model));
    plan->sections[0] = (hni_recipe_section){plan->task->data_settings(), plan->data};
    plan->sections[1] = (hni_recipe_section){plan->task->model_settings(), plan->model};
    plan->sections[2] = (hni_recipe_section){hni_train_settings_table(), &plan->train};
    plan->recipe = (hni_recipe){plan->task->name, plan->sections, 3};
    name_of(path, plan->name, sizeof plan->name);
    hni_recipe_default(&plan->recipe);
    *out_plan = plan;
    plan = NULL;
cleanup:
    hni_plan_destroy(plan);
    return status;
}

hn_status hni_plan_read_unchecked(hn_context *context, const char *path, const char *const *sets, size_t set_count,
                                  hni_plan **out_plan)
{
    char task[HNI_RECIPE_TASK_SIZE];
    hni_plan *plan = NULL;
    hn_status status;
    *out_plan = NULL;
    HNI_TRY(hni_recipe_peek_task(context, path, task));
    HNI_TRY(create_plan(context, path, task, &plan));
    HNI_TRY(hni_recipe_read(context, path, &plan->recipe));
    for (size_t i = 0; i < set_count; i++)
        HNI_TRY(hni_recipe_set(context, sets[i], &plan->recipe));
    *out_plan = plan;
    plan = NULL;
cleanup:
    hni_plan_destroy(plan);
    return status;
}

/* Keys of training that the task has no use for must keep their defaults. */
static hn_status check_task(hn_context *context, const char *path, const hni_plan *plan)
{
    const bool has_tracks = plan->train.validation_tracks != 0;
    if (plan->train.precision != HNI_TRAIN_F32 && !plan->task->narrow) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "%s: train.precision is %s, but task '%s' computes in f32 alone: leave it out", path,
                         plan->train.precision == HNI_TRAIN_AUTO ? "auto" : "bf16", plan->task->name);
    }
    if (!has_tracks || plan->task->streams) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "%s: train.validation_tracks is %lld, but task '%s' reads no stream of symbols: leave it out",
                     path, (long long)plan->train.validation_tracks, plan->task->name);
}

hn_status hni_plan_read(hn_context *context, const char *path, const char *const *sets, size_t set_count,
                        hni_plan **out_plan)
{
    hni_plan *plan = NULL;
    hn_status status;
    *out_plan = NULL;
    HNI_TRY(hni_plan_read_unchecked(context, path, sets, set_count, &plan));
    HNI_TRY(hni_train_settings_check(context, path, &plan->train));
    HNI_TRY(check_task(context, path, plan));
    *out_plan = plan;
    plan = NULL;
cleanup:
    hni_plan_destroy(plan);
    return status;
}

hn_status hni_plan_read_text(hn_context *context, const hni_task *task, const char *name, const char *text,
                             hni_plan **out_plan)
{
    hni_plan *plan = NULL;
    hn_status status;
    *out_plan = NULL;
    HNI_TRY(create_plan(context, name, task->name, &plan));
    HNI_TRY(hni_recipe_read_text(context, name, text, strlen(text), &plan->recipe));
    *out_plan = plan;
    plan = NULL;
cleanup:
    hni_plan_destroy(plan);
    return status;
}

void hni_plan_destroy(hni_plan *plan)
{
    if (plan == NULL) return;
    hni_free(plan->context, plan->data);
    hni_free(plan->context, plan->model);
    hni_free(plan->context, plan);
}

/* ---- run directories ---- */

hn_status hni_run_path(hn_context *context, const char *folder, const char *file, char **out_path)
{
    void *memory = NULL;
    const size_t size = strlen(folder) + strlen(file) + 2;
    const hn_status status = hni_alloc(context, "path", size, &memory);
    if (status == HN_OK) snprintf(memory, size, "%s/%s", folder, file);
    *out_path = memory;
    return status;
}

bool hni_is_run(hn_context *context, const char *folder)
{
    struct stat found;
    char *path = NULL;
    if (hni_run_path(context, folder, HNI_RUN_RECIPE, &path) != HN_OK) return false;
    const bool is_run = stat(path, &found) == 0;
    hni_free(context, path);
    return is_run;
}

hn_status hni_plan_read_run(hn_context *context, const char *folder, hni_plan **out_plan)
{
    char *path = NULL;
    hn_status status;
    *out_plan = NULL;
    if (!hni_is_run(context, folder)) {
        return hni_error(context, HN_ERROR_IO, "%s: this is no run directory (it has no %s)", folder, HNI_RUN_RECIPE);
    }
    HNI_TRY(hni_run_path(context, folder, HNI_RUN_RECIPE, &path));
    HNI_TRY(hni_plan_read(context, path, NULL, 0, out_plan));
cleanup:
    hni_free(context, path);
    return status;
}
