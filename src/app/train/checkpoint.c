/* Writing checkpoints: everything of a run in one safetensors file (docs/checkpoint.md). Gathered in host memory first, so that a
 * failure leaves the file that was there. */
#include <math.h>
#include <stdio.h>

#include "app/train/gathered.h"
#include "app/train/run.h"
#include "core/alloc.h"
#include "io/settings_json.h"

#define MOST_JSON 4096

static bool all_finite(const float *numbers, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(numbers[i])) return false;
    }
    return true;
}

/* The first tensor of a kind with a value that is not finite. */
static hn_status find_bad(hni_trainer *trainer, const hni_stored_kind *kind, const char **out_name)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && *out_name == NULL && i < kind->count(trainer->store); i++) {
        const hn_parameter *tensor = kind->at(trainer->store, i);
        void *data = NULL;
        status = hni_alloc_array(trainer->context, "parameter", (size_t)tensor->elements, sizeof(float), &data);
        if (status == HN_OK) status = kind->read(trainer->store, i, HN_DTYPE_F32, tensor->elements, data);
        if (status == HN_OK && !all_finite(data, tensor->elements)) *out_name = tensor->name;
        hni_free(trainer->context, data);
    }
    return status;
}

hn_status hni_checkpoint_find_bad(hni_trainer *trainer, const char **out_kind, const char **out_name)
{
    hn_status status = HN_OK;
    *out_name = NULL;
    for (int k = 0; status == HN_OK && *out_name == NULL && k < HNI_STORED_KINDS; k++) {
        *out_kind = hni_stored_kinds[k].kind;
        status = find_bad(trainer, &hni_stored_kinds[k], out_name);
    }
    return status;
}

static hn_status gather_stored(hni_trainer *trainer, const hni_stored_kind *kind, hni_gathered *all)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; i < kind->count(trainer->store); i++) {
        const hn_parameter *tensor = kind->at(trainer->store, i);
        const float *data = NULL;
        HNI_TRY(hni_gathered_stored(all, trainer->store, kind, i, &data));
        if (!all_finite(data, tensor->elements)) {
            HNI_TRY(hni_error(trainer->context, HN_ERROR_NONFINITE,
                              "after update %lld %s '%s' is infinite or not a number: no checkpoint was written, and "
                              "%s/%s is as it was after update %lld; a smaller train.rate may help",
                              (long long)trainer->state.step, kind->kind, tensor->name, trainer->folder, HNI_RUN_LAST,
                              (long long)trainer->saved_step));
        }
    }
cleanup:
    return status;
}

/* "average.buffer.NAME" */
static hn_status gather_buffer_averages(hni_trainer *trainer, hni_gathered *all)
{
    hn_status status = HN_OK;
    if (!(trainer->plan->train.average_decay > 0)) return HN_OK;
    for (int64_t i = 0; i < hn_store_buffer_count(trainer->store); i++) {
        const hn_parameter *buffer = hn_store_buffer(trainer->store, i);
        void *data = NULL;
        HNI_TRY(hni_gathered_add(all, HNI_BUFFER_AVERAGE, buffer->name, HN_DTYPE_F32, buffer->shape, &data));
        HNI_TRY(hn_optimizer_buffer_read(trainer->optimizer, i, HN_DTYPE_F32, data));
    }
cleanup:
    return status;
}

static hn_status gather_optimizer(hni_trainer *trainer, hni_gathered *all)
{
    const char *block;
    hn_status status = HN_OK;
    for (int b = 0; (block = hn_optimizer_block_name(trainer->optimizer, b)) != NULL; b++) {
        for (int64_t i = 0; i < hn_store_count(trainer->store); i++) {
            const hn_parameter *parameter = hn_store_parameter(trainer->store, i);
            void *data = NULL;
            HNI_TRY(hni_gathered_add(all, block, parameter->name, HN_DTYPE_F32, parameter->shape, &data));
            HNI_TRY(hn_optimizer_block_read(trainer->optimizer, b, i, HN_DTYPE_F32, data));
        }
    }
cleanup:
    return status;
}

hn_status hni_checkpoint_write(hni_trainer *trainer, bool best)
{
    hni_gathered all = {.context = trainer->context};
    char model[MOST_JSON], format[16], seed[32], *recipe = NULL, *training = NULL, *path = NULL;
    hn_status status;
    snprintf(format, sizeof format, "%d", HNI_CHECKPOINT_FORMAT);
    snprintf(seed, sizeof seed, "%lld", (long long)trainer->plan->train.seed);
    for (int k = 0; k < HNI_STORED_KINDS; k++)
        HNI_TRY(gather_stored(trainer, &hni_stored_kinds[k], &all));
    if (!best) HNI_TRY(gather_optimizer(trainer, &all));
    if (!best) HNI_TRY(gather_buffer_averages(trainer, &all));
    HNI_TRY(hni_gathered_task(&all, trainer->task, trainer->work, best));
    HNI_TRY(trainer->task->model_json(trainer->work, model, sizeof model));
    HNI_TRY(hni_recipe_print(trainer->context, &trainer->plan->recipe, &recipe));
    HNI_TRY(hni_settings_to_json(trainer->context, hni_train_state_table(), &trainer->state, &training));
    const hn_file_text texts[] = {
        {"format", format},
        {"task", trainer->task->name},
        {"model", model},
        {"recipe", recipe},
        {"data_checksum", trainer->task->data_checksum(trainer->work)},
        {"seed", seed},
        {"training", training},
    };
    const hn_safetensors_content content = {all.tensors, all.count, texts, best ? 5 : 7};
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, best ? HNI_RUN_BEST : HNI_RUN_LAST, &path));
    HNI_TRY(hn_safetensors_write(trainer->context, path, &content));
cleanup:
    hni_free(trainer->context, path);
    hni_free(trainer->context, recipe);
    hni_free(trainer->context, training);
    hni_gathered_release(&all);
    return status;
}
