/* Reading checkpoints: every text, name, shape and number is checked before it is used. */
#include <stdio.h>
#include <string.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/settings_json.h"
#include "nn/trained.h"
#include "optim/options.h"

static hn_status want_text(hni_trainer *trainer, const hn_safetensors *file, const char *key, const char **out_text)
{
    *out_text = hn_safetensors_text(file, key);
    if (*out_text != NULL) return HN_OK;
    return hni_error(trainer->context, HN_ERROR_FORMAT,
                     "%s/%s: this is no checkpoint of a run: '%s' is missing in __metadata__", trainer->folder,
                     HNI_RUN_LAST, key);
}

static hn_status check_format(hni_trainer *trainer, const hn_safetensors *file)
{
    const char *text;
    int64_t format = 0;
    const hn_status status = want_text(trainer, file, "format", &text);
    if (status != HN_OK) return status;
    if (!hni_whole_parse(text, &format) || format < 1) {
        return hni_error(trainer->context, HN_ERROR_FORMAT,
                         "%s/%s: __metadata__.format is '%.20s', it must be a whole number above 0", trainer->folder,
                         HNI_RUN_LAST, text);
    }
    if (format <= HNI_CHECKPOINT_FORMAT) return HN_OK;
    return hni_error(trainer->context, HN_ERROR_FORMAT,
                     "%s/%s: format %.20s is newer than this program reads (%d): use a newer hypernet", trainer->folder,
                     HNI_RUN_LAST, text, HNI_CHECKPOINT_FORMAT);
}

/* A run goes on as it began, to the byte, or not at all. What counts are the values: an older program knew fewer keys, and those that
 * a recipe leaves out have their defaults. */
static hn_status check_recipe(hni_trainer *trainer, const hn_safetensors *file)
{
    hni_plan *before = NULL;
    const char *text;
    char *printed = NULL, *printed_before = NULL, *path = NULL;
    hn_status status;
    HNI_TRY(want_text(trainer, file, "recipe", &text));
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, HNI_RUN_LAST, &path));
    HNI_TRY(hni_plan_read_text(trainer->context, trainer->task, path, text, &before));
    HNI_TRY(hni_recipe_print(trainer->context, &before->recipe, &printed_before));
    HNI_TRY(hni_recipe_print(trainer->context, &trainer->plan->recipe, &printed));
    if (strcmp(printed_before, printed) != 0) {
        status = hni_error(trainer->context, HN_ERROR_STATE,
                           "%s/%s: was changed since the run began: put the old values back, or begin another run with "
                           "'hypernet train %s/%s -o ...'",
                           trainer->folder, HNI_RUN_RECIPE, trainer->folder, HNI_RUN_RECIPE);
    }
cleanup:
    hni_plan_destroy(before);
    hni_free(trainer->context, printed);
    hni_free(trainer->context, printed_before);
    hni_free(trainer->context, path);
    return status;
}

static hn_status read_state(hni_trainer *trainer, const hn_safetensors *file)
{
    const char *training;
    char where[512];
    hn_status status;
    snprintf(where, sizeof where, "%.400s/%s: training", trainer->folder, HNI_RUN_LAST);
    HNI_TRY(want_text(trainer, file, "training", &training));
    hni_settings_default(hni_train_state_table(), &trainer->state);
    HNI_TRY(hni_settings_from_json(trainer->context, where, hni_train_state_table(), training, &trainer->state));
cleanup:
    return status;
}

hn_status hni_checkpoint_check(hni_trainer *trainer, const hn_safetensors *file)
{
    const char *task;
    hn_status status;
    HNI_TRY(check_format(trainer, file));
    HNI_TRY(want_text(trainer, file, "task", &task));
    if (strcmp(task, trainer->task->name) != 0) {
        return hni_error(trainer->context, HN_ERROR_FORMAT,
                         "%s/%s: the checkpoint is of task '%.40s', the recipe of task '%s'", trainer->folder,
                         HNI_RUN_LAST, task, trainer->task->name);
    }
    HNI_TRY(check_recipe(trainer, file));
    HNI_TRY(read_state(trainer, file));
cleanup:
    return status;
}

static hn_status check_data(hni_trainer *trainer, const hn_safetensors *file)
{
    const char *checksum, *now = trainer->task->data_checksum(trainer->work);
    const hn_status status = want_text(trainer, file, "data_checksum", &checksum);
    if (status != HN_OK || strcmp(checksum, now) == 0) return status;
    return hni_error(
        trainer->context, HN_ERROR_STATE,
        "%s: the data have changed since this run began (SHA-256 %.16s.., now %.16s..): put the old data back, or "
        "begin a new run",
        trainer->folder, checksum, now);
}

/* Numbers that contradict each other were not written by a run. */
static hn_status check_state(hni_trainer *trainer)
{
    const hni_train_state *state = &trainer->state;
    if (state->step <= trainer->steps && state->best_step <= state->step && state->row_steps <= state->step &&
        state->row_clipped <= state->row_steps && state->misses <= state->step &&
        state->plateau.misses <= state->step && state->plateau.drops <= state->step) {
        return HN_OK;
    }
    return hni_error(trainer->context, HN_ERROR_FORMAT,
                     "%s/%s: the numbers of __metadata__.training contradict each other: the file is damaged",
                     trainer->folder, HNI_RUN_LAST);
}

/* The tensor "PREFIX.NAME" with the shape of the store's, F32. */
static hn_status want_tensor(hni_trainer *trainer, const hn_safetensors *file, const char *prefix,
                             const hn_parameter *parameter, const void **out_data)
{
    char name[320], wanted[96], found[96];
    snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] != 0 ? "." : "", parameter->name);
    const hn_file_tensor *tensor = hn_safetensors_find(file, name);
    hn_shape_print(parameter->shape, wanted, sizeof wanted);
    if (tensor == NULL) {
        return hni_error(trainer->context, HN_ERROR_FORMAT,
                         "%s/%s: tensor '%s' %s is missing: is this another model's checkpoint?", trainer->folder,
                         HNI_RUN_LAST, name, wanted);
    }
    if (tensor->dtype != HN_DTYPE_F32 || !hn_shape_equal(tensor->shape, parameter->shape)) {
        return hni_error(trainer->context, HN_ERROR_SHAPE,
                         "%s/%s: tensor '%s' is %s %s, the recipe's model needs F32 %s", trainer->folder, HNI_RUN_LAST,
                         name, hn_dtype_name(tensor->dtype), hn_shape_print(tensor->shape, found, sizeof found),
                         wanted);
    }
    const float *numbers = tensor->data;
    for (int64_t i = 0; i < parameter->elements; i++) {
        if (numbers[i] - numbers[i] == 0) continue; /* infinite and NaN differ from themselves less themselves */
        return hni_error(trainer->context, HN_ERROR_NONFINITE,
                         "%s/%s: tensor '%s' holds a value that is infinite or NaN at %lld", trainer->folder,
                         HNI_RUN_LAST, name, (long long)i);
    }
    *out_data = tensor->data;
    return HN_OK;
}

/* State of an optimiser that the recipe does not name: the two do not belong together. */
static hn_status refuse_other_state(hni_trainer *trainer, const hn_safetensors *file)
{
    char name[320];
    const char *word;
    if (hn_store_count(trainer->store) == 0) return HN_OK;
    const hn_parameter *parameter = hn_store_parameter(trainer->store, 0);
    for (int i = 0; (word = hni_optimizer_block_word(i)) != NULL; i++) {
        bool is_ours = false;
        const char *ours;
        for (int b = 0; (ours = hn_optimizer_block_name(trainer->optimizer, b)) != NULL; b++)
            is_ours = is_ours || strcmp(ours, word) == 0;
        snprintf(name, sizeof name, "%s.%s", word, parameter->name);
        if (is_ours || hn_safetensors_find(file, name) == NULL) continue;
        return hni_error(trainer->context, HN_ERROR_FORMAT,
                         "%s/%s: holds '%s', the state of another optimizer than the recipe's: a run goes on with the "
                         "train.optimizer, momentum and average_decay that it began with",
                         trainer->folder, HNI_RUN_LAST, name);
    }
    return HN_OK;
}

static hn_status read_stored(hni_trainer *trainer, const hn_safetensors *file, const hni_stored_kind *kind)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; i < kind->count(trainer->store); i++) {
        const hn_parameter *tensor = kind->at(trainer->store, i);
        const void *data = NULL;
        HNI_TRY(want_tensor(trainer, file, kind->prefix, tensor, &data));
        HNI_TRY(kind->write(trainer->store, i, HN_DTYPE_F32, tensor->elements, data));
    }
cleanup:
    return status;
}

static hn_status read_optimizer(hni_trainer *trainer, const hn_safetensors *file)
{
    const bool has_average = trainer->plan->train.average_decay > 0;
    const char *block;
    const void *data = NULL;
    hn_status status = HN_OK;
    for (int b = 0; (block = hn_optimizer_block_name(trainer->optimizer, b)) != NULL; b++) {
        for (int64_t i = 0; i < hn_store_count(trainer->store); i++) {
            HNI_TRY(want_tensor(trainer, file, block, hn_store_parameter(trainer->store, i), &data));
            HNI_TRY(hn_optimizer_block_write(trainer->optimizer, b, i, HN_DTYPE_F32, data));
        }
    }
    for (int64_t i = 0; has_average && i < hn_store_buffer_count(trainer->store); i++) {
        HNI_TRY(want_tensor(trainer, file, HNI_BUFFER_AVERAGE, hn_store_buffer(trainer->store, i), &data));
        HNI_TRY(hn_optimizer_buffer_write(trainer->optimizer, i, HN_DTYPE_F32, data));
    }
cleanup:
    return status;
}

hn_status hni_checkpoint_read(hni_trainer *trainer, const hn_safetensors *file)
{
    hn_status status;
    HNI_TRY(check_data(trainer, file));
    HNI_TRY(check_state(trainer));
    HNI_TRY(refuse_other_state(trainer, file));
    for (int k = 0; k < HNI_STORED_KINDS; k++)
        HNI_TRY(read_stored(trainer, file, &hni_stored_kinds[k]));
    HNI_TRY(read_optimizer(trainer, file));
    HNI_TRY(trainer->task->state_set(trainer->work, file));
    hn_optimizer_set_steps(trainer->optimizer, trainer->state.step);
cleanup:
    return status;
}
