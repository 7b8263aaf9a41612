/* Checkpoints: everything of a run in one safetensors file, and back (docs/checkpoint.md). Gathered in host memory first, so that a
 * failure leaves the file that was there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/settings_json.h"

#define MOST_JSON 4096

/* What is being gathered: parallel arrays that grow together. */
typedef struct gathered {
    hn_context *context;
    hn_file_tensor *tensors;
    void **owned; /* names and data to be freed */
    int64_t count, owned_count;
    size_t room, owned_room;
} gathered;

static hn_status own(gathered *all, size_t size, void **out_memory)
{
    if ((size_t)all->owned_count == all->owned_room) {
        void *list = all->owned;
        const size_t room = all->owned_room == 0 ? 64 : all->owned_room * 2;
        const hn_status status = hni_realloc_array(all->context, "checkpoint", room, sizeof *all->owned, &list);
        if (status != HN_OK) return status;
        all->owned = list;
        all->owned_room = room;
    }
    const hn_status status = hni_alloc(all->context, "checkpoint", size, out_memory);
    if (status == HN_OK) all->owned[all->owned_count++] = *out_memory;
    return status;
}

/* A new tensor "PREFIX.NAME" (or NAME) with room for its data. */
static hn_status add(gathered *all, const char *prefix, const char *name, hn_dtype dtype, hn_shape shape,
                     void **out_data)
{
    void *text = NULL;
    const size_t size = strlen(prefix) + strlen(name) + 2;
    hn_status status;
    if ((size_t)all->count == all->room) {
        void *list = all->tensors;
        const size_t room = all->room == 0 ? 64 : all->room * 2;
        HNI_TRY(hni_realloc_array(all->context, "checkpoint", room, sizeof *all->tensors, &list));
        all->tensors = list;
        all->room = room;
    }
    HNI_TRY(own(all, size, &text));
    HNI_TRY(own(all, (size_t)hn_shape_elements(shape) * hn_dtype_size(dtype), out_data));
    snprintf(text, size, "%s%s%s", prefix, prefix[0] != 0 ? "." : "", name);
    all->tensors[all->count++] = (hn_file_tensor){text, dtype, shape, *out_data};
cleanup:
    return status;
}

static void release(gathered *all)
{
    for (int64_t i = 0; i < all->owned_count; i++)
        hni_free(all->context, all->owned[i]);
    hni_free(all->context, all->owned);
    hni_free(all->context, all->tensors);
}

static hn_status gather_parameters(hni_trainer *trainer, gathered *all)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; i < hn_store_count(trainer->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(trainer->store, i);
        void *data = NULL;
        HNI_TRY(add(all, "", parameter->name, HN_DTYPE_F32, parameter->shape, &data));
        HNI_TRY(hn_store_read(trainer->store, i, HN_DTYPE_F32, parameter->elements, data));
    }
cleanup:
    return status;
}

static hn_status gather_optimizer(hni_trainer *trainer, gathered *all)
{
    const char *block;
    hn_status status = HN_OK;
    for (int b = 0; (block = hn_optimizer_block_name(trainer->optimizer, b)) != NULL; b++) {
        for (int64_t i = 0; i < hn_store_count(trainer->store); i++) {
            const hn_parameter *parameter = hn_store_parameter(trainer->store, i);
            void *data = NULL;
            HNI_TRY(add(all, block, parameter->name, HN_DTYPE_F32, parameter->shape, &data));
            HNI_TRY(hn_optimizer_block_read(trainer->optimizer, b, i, HN_DTYPE_F32, data));
        }
    }
cleanup:
    return status;
}

/* Carried state, buffers, blobs; for the best checkpoint the blobs alone. */
static hn_status gather_task(hni_trainer *trainer, bool blobs_only, gathered *all)
{
    hni_task_tensor tensor;
    bool more = true;
    hn_status status = HN_OK;
    for (int64_t i = 0;; i++) {
        void *data = NULL;
        HNI_TRY(trainer->task->state_get(trainer->work, i, &tensor, &more));
        if (!more) break;
        if (blobs_only && strncmp(tensor.name, "blob.", 5) != 0) continue;
        HNI_TRY(add(all, "", tensor.name, tensor.dtype, tensor.shape, &data));
        memcpy(data, tensor.data, (size_t)hn_shape_elements(tensor.shape) * hn_dtype_size(tensor.dtype));
    }
cleanup:
    return status;
}

hn_status hni_checkpoint_write(hni_trainer *trainer, bool best)
{
    gathered all = {.context = trainer->context};
    char model[MOST_JSON], format[16], seed[32], *training = NULL, *path = NULL;
    hn_status status;
    snprintf(format, sizeof format, "%d", HNI_CHECKPOINT_FORMAT);
    snprintf(seed, sizeof seed, "%lld", (long long)trainer->plan->train.seed);
    HNI_TRY(gather_parameters(trainer, &all));
    if (!best) HNI_TRY(gather_optimizer(trainer, &all));
    HNI_TRY(gather_task(trainer, best, &all));
    HNI_TRY(trainer->task->model_json(trainer->work, model, sizeof model));
    HNI_TRY(hni_settings_to_json(trainer->context, hni_train_state_table(), &trainer->state, &training));
    const hn_file_text texts[] = {
        {"format", format}, {"task", trainer->task->name},
        {"model", model},   {"data_checksum", trainer->task->data_checksum(trainer->work)},
        {"seed", seed},     {"training", training},
    };
    const hn_safetensors_content content = {all.tensors, all.count, texts, best ? 4 : 6};
    HNI_TRY(hni_run_path(trainer->context, trainer->folder, best ? HNI_RUN_BEST : HNI_RUN_LAST, &path));
    HNI_TRY(hn_safetensors_write(trainer->context, path, &content));
cleanup:
    hni_free(trainer->context, path);
    hni_free(trainer->context, training);
    release(&all);
    return status;
}

/* ---- reading ---- */

static hn_status want_text(hni_trainer *trainer, const hn_safetensors *file, const char *key, const char **out_text)
{
    *out_text = hn_safetensors_text(file, key);
    if (*out_text != NULL) return HN_OK;
    return hni_error(trainer->context, HN_ERROR_FORMAT,
                     "%s/%s: this is no checkpoint of a run: '%s' is missing in __metadata__", trainer->folder,
                     HNI_RUN_LAST, key);
}

/* Format, task, data, seed. */
static hn_status check_origin(hni_trainer *trainer, const hn_safetensors *file)
{
    const char *format, *task, *checksum, *seed;
    hn_status status;
    HNI_TRY(want_text(trainer, file, "format", &format));
    const long number = strtol(format, NULL, 10);
    if (number < 1 || number > HNI_CHECKPOINT_FORMAT) {
        return hni_error(trainer->context, HN_ERROR_FORMAT,
                         "%s/%s: format %.20s is newer than this program reads (%d): use a newer hypernet",
                         trainer->folder, HNI_RUN_LAST, format, HNI_CHECKPOINT_FORMAT);
    }
    HNI_TRY(want_text(trainer, file, "task", &task));
    if (strcmp(task, trainer->task->name) != 0) {
        return hni_error(trainer->context, HN_ERROR_FORMAT,
                         "%s/%s: the checkpoint is of task '%.40s', the recipe of task '%s'", trainer->folder,
                         HNI_RUN_LAST, task, trainer->task->name);
    }
    HNI_TRY(want_text(trainer, file, "data_checksum", &checksum));
    if (strcmp(checksum, trainer->task->data_checksum(trainer->work)) != 0) {
        return hni_error(
            trainer->context, HN_ERROR_STATE,
            "%s: the data have changed since this run began (SHA-256 %.16s.., now %.16s..): put the old data back, or "
            "begin a new run",
            trainer->folder, checksum, trainer->task->data_checksum(trainer->work));
    }
    HNI_TRY(want_text(trainer, file, "seed", &seed));
    if (strtoll(seed, NULL, 10) != trainer->plan->train.seed) {
        return hni_error(trainer->context, HN_ERROR_STATE, "%s: the recipe's seed is %lld, the checkpoint's %.20s",
                         trainer->folder, (long long)trainer->plan->train.seed, seed);
    }
cleanup:
    return status;
}

/* The tensor "PREFIX.NAME" with the parameter's shape, F32. */
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

static hn_status read_numbers(hni_trainer *trainer, const hn_safetensors *file)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; i < hn_store_count(trainer->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(trainer->store, i);
        const void *data = NULL;
        const char *block;
        HNI_TRY(want_tensor(trainer, file, "", parameter, &data));
        HNI_TRY(hn_store_write(trainer->store, i, HN_DTYPE_F32, parameter->elements, data));
        for (int b = 0; (block = hn_optimizer_block_name(trainer->optimizer, b)) != NULL; b++) {
            HNI_TRY(want_tensor(trainer, file, block, parameter, &data));
            HNI_TRY(hn_optimizer_block_write(trainer->optimizer, b, i, HN_DTYPE_F32, data));
        }
    }
cleanup:
    return status;
}

hn_status hni_checkpoint_read(hni_trainer *trainer, const hn_safetensors *file)
{
    const char *training;
    char where[512];
    hn_status status;
    snprintf(where, sizeof where, "%.400s/%s: training", trainer->folder, HNI_RUN_LAST);
    HNI_TRY(check_origin(trainer, file));
    HNI_TRY(want_text(trainer, file, "training", &training));
    hni_settings_default(hni_train_state_table(), &trainer->state);
    HNI_TRY(hni_settings_from_json(trainer->context, where, hni_train_state_table(), training, &trainer->state));
    HNI_TRY(read_numbers(trainer, file));
    HNI_TRY(trainer->task->state_set(trainer->work, file));
    hn_optimizer_set_steps(trainer->optimizer, trainer->state.step);
cleanup:
    return status;
}
