/* Before a sweep: every run gets a name, and every recipe is read and its model built on paper, so that nothing is trained when a
 * later run could never begin. */
#include <stdio.h>
#include <string.h>

#include "app/train/plan.h"
#include "core/alloc.h"
#include "model.h"
#include "sweep.h"

/* ---- names ---- */

static const char *last_word(const char *key)
{
    const char *point = strrchr(key, '.');
    return point != NULL ? point + 1 : key;
}

/* A word for each axis: the end of its key, or all of it where another axis ends alike. */
static void choose_words(hni_sweep *sweep)
{
    for (size_t i = 0; i < sweep->axis_count; i++) {
        sweep->axes[i].word = last_word(sweep->axes[i].key);
        for (size_t j = 0; j < sweep->axis_count; j++)
            if (i != j && strcmp(sweep->axes[i].word, last_word(sweep->axes[j].key)) == 0)
                sweep->axes[i].word = sweep->axes[i].key;
    }
}

static bool is_fit_for_file(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("._+-", c));
}

/* "rate=0.002,seed=1"; false if that is too long. */
static bool spell_name(const hni_sweep *sweep, size_t run, char *out_name, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const char *value = hni_sweep_value(sweep, run, i);
        const int length =
            snprintf(out_name + used, size - used, "%s%s=%s", i > 0 ? "," : "", sweep->axes[i].word, value);
        if (length < 0 || (size_t)length >= size - used) return false;
        used += (size_t)length;
        for (char *c = out_name + used - strlen(value); *c != 0; c++)
            if (!is_fit_for_file(*c)) *c = '_';
    }
    return true;
}

static bool is_taken(const hni_sweep *sweep, size_t run)
{
    for (size_t i = 0; i < run; i++)
        if (strcmp(sweep->runs[i].name, sweep->runs[run].name) == 0) return true;
    return false;
}

/* A name that does not fit, or that another run has, becomes a number. */
static void name_runs(hni_sweep *sweep)
{
    choose_words(sweep);
    for (size_t i = 0; i < sweep->run_count; i++) {
        hni_sweep_run *run = &sweep->runs[i];
        if (!spell_name(sweep, i, run->name, sizeof run->name) || is_taken(sweep, i))
            snprintf(run->name, sizeof run->name, "run-%zu", i + 1);
    }
}

/* ---- one point ---- */

/* Puts the name of the run before a message that does not know it. */
static hn_status name_run(const hni_sweep *sweep, size_t run, hn_status status)
{
    hn_context *context = sweep->cli->context;
    char text[sizeof((hn_error *)0)->text];
    if (status == HN_OK) return status;
    snprintf(text, sizeof text, "%s", hn_context_error(context)->text);
    hn_context_clear(context);
    return hni_error(context, status, "%s: %.600s", sweep->runs[run].name, text);
}

static hn_status check_data(const hni_sweep *sweep, const hni_plan *plan, const hni_data_places *places)
{
    hni_data_status found;
    const hn_status status = plan->task->find_data(sweep->cli->context, plan->data, places, &found);
    if (status != HN_OK || found.available) return status;
    return hni_error(sweep->cli->context, HN_ERROR_IO, "the data was not found: %s", found.remedy);
}

static hn_status check_length(const hni_sweep *sweep, const hni_plan *plan)
{
    if (plan->train.steps > 0 || plan->train.epochs > 0) return HN_OK;
    return hni_error(sweep->cli->context, HN_ERROR_ARGUMENT,
                     "train.steps and train.epochs are both 0: say how long to train");
}

/* Reads the plan of the first run of a point, and prints it. */
static hn_status read_point(const hni_sweep *sweep, size_t run, const char *path, const hni_data_places *places,
                            char **out_text)
{
    hn_context *context = sweep->cli->context;
    hni_plan *plan = NULL;
    hn_status status;
    HNI_TRY(hni_plan_read_unchecked(context, path, sweep->sets, sweep->set_count, &plan));
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const bool is_seed = sweep->has_seeds && i + 1 == sweep->axis_count;
        HNI_TRY(hni_recipe_set_by(context, is_seed ? "--seeds" : "--grid", hni_sweep_assignment(sweep, run, i),
                                  &plan->recipe));
    }
    HNI_TRY(name_run(sweep, run, hni_train_settings_check(context, path, &plan->train)));
    HNI_TRY(name_run(sweep, run, check_length(sweep, plan)));
    HNI_TRY(name_run(sweep, run, check_data(sweep, plan, places)));
    HNI_TRY(hni_recipe_print(context, &plan->recipe, out_text));
cleanup:
    hni_plan_destroy(plan);
    return status;
}

/* As many symbols as occur: only the data say how large the model is. */
static bool needs_data(const hni_cli_model *model)
{
    const hni_setting *row = hni_settings_find(model->task->data_settings(), "vocabulary_size");
    return row != NULL && *(const int64_t *)(const void *)((const char *)model->data + row->offset) == 0;
}

/* Builds the point's model on the dry backend: keys that do not go together are found, and it is counted. */
static hn_status count_point(const hni_sweep *sweep, size_t run, const hni_data_places *places, int64_t *out_parameters)
{
    const char *sets[HNI_SWEEP_MOST_SETS + HNI_SWEEP_MOST_AXES];
    hni_cli_model model = {.context = sweep->cli->context};
    size_t count = 0;
    hn_status status;
    for (size_t i = 0; i < sweep->set_count; i++)
        sets[count++] = sweep->sets[i];
    for (size_t i = 0; i < sweep->axis_count; i++)
        sets[count++] = hni_sweep_assignment(sweep, run, i);
    HNI_TRY(hni_cli_model_recipe(sweep->cli->context, sweep->recipe, sets, count, &model));
    if (!needs_data(&model)) places = NULL;
    HNI_TRY(name_run(sweep, run, hni_cli_model_open(&model, HN_BACKEND_DRY, places, NULL)));
    *out_parameters = hn_store_elements(model.store);
cleanup:
    hni_cli_model_close(&model);
    return status;
}

/* ---- all points ---- */

/* Values that are written in two ways ("0.01", "1e-2") make one run twice. */
static hn_status refuse_twins(const hni_sweep *sweep, char *const *texts, size_t run)
{
    for (size_t i = 0; i < run; i++) {
        if (strcmp(texts[i], texts[run]) != 0) continue;
        return hni_error(sweep->cli->context, HN_ERROR_ARGUMENT,
                         "%s and %s are one and the same run: give each value once", sweep->runs[i].name,
                         sweep->runs[run].name);
    }
    return HN_OK;
}

static hn_status read_runs(hni_sweep *sweep, const char *path, const hni_data_places *places, char **texts)
{
    const size_t seeds = hni_sweep_seeds(sweep);
    hn_status status = HN_OK;
    for (size_t i = 0; i < sweep->run_count; i++) {
        hni_sweep_run *run = &sweep->runs[i];
        HNI_TRY(read_point(sweep, i, path, places, &texts[i]));
        HNI_TRY(refuse_twins(sweep, texts, i));
        if (i % seeds == 0) {
            HNI_TRY(count_point(sweep, i, places, &run->parameters));
        } else {
            run->parameters = sweep->runs[i - 1].parameters; /* a seed changes no shape */
        }
    }
cleanup:
    return status;
}

static hn_status read_base(hni_sweep *sweep, const char *path)
{
    hn_context *context = sweep->cli->context;
    hni_plan *plan = NULL;
    hn_status status;
    HNI_TRY(hni_plan_read_unchecked(context, path, sweep->sets, sweep->set_count, &plan));
    HNI_TRY(hni_recipe_print(context, &plan->recipe, &sweep->base));
    sweep->task = plan->task;
cleanup:
    hni_plan_destroy(plan);
    return status;
}

hn_status hni_sweep_plan(hni_sweep *sweep, const hni_data_places *places)
{
    hn_context *context = sweep->cli->context;
    hni_cli_recipes recipes;
    void *runs = NULL, *memory = NULL;
    char **texts = NULL, *path = NULL;
    hn_status status;
    sweep->run_count = 1;
    for (size_t i = 0; i < sweep->axis_count; i++)
        sweep->run_count *= sweep->axes[i].count;
    HNI_TRY(hni_alloc_array(context, "runs", sweep->run_count, sizeof *sweep->runs, &runs));
    sweep->runs = runs;
    HNI_TRY(hni_alloc_array(context, "recipes", sweep->run_count, sizeof *texts, &memory));
    texts = memory;
    name_runs(sweep);
    hni_cli_find_recipes(&recipes);
    HNI_TRY(hni_recipe_find(context, sweep->recipe, recipes.folders, recipes.count, &path));
    HNI_TRY(read_base(sweep, path));
    HNI_TRY(read_runs(sweep, path, places, texts));
cleanup:
    for (size_t i = 0; texts != NULL && i < sweep->run_count; i++)
        hni_free(context, texts[i]);
    hni_free(context, texts);
    hni_free(context, path);
    return status;
}

hn_status hni_sweep_renew(const hni_sweep *sweep, const char *name, const char *text, char **out_text)
{
    hni_plan *plan = NULL;
    hn_status status;
    HNI_TRY(hni_plan_read_text(sweep->cli->context, sweep->task, name, text, &plan));
    HNI_TRY(hni_recipe_print(sweep->cli->context, &plan->recipe, out_text));
cleanup:
    hni_plan_destroy(plan);
    return status;
}
