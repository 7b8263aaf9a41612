/* See bake.h. The task makes the ordinary model; here it becomes a file. */
#include "app/train/bake.h"

#include <stdio.h>

#include "app/train/gathered.h"
#include "app/train/run.h"

#define MOST_JSON 4096

static hn_status gather(const hn_store *store, const hni_stored_kind *kind, hni_gathered *all)
{
    const float *data;
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < kind->count(store); i++)
        status = hni_gathered_stored(all, store, kind, i, &data);
    return status;
}

hn_status hni_bake_write(hn_context *context, const hni_task *task, hni_task_work *work, const char *path)
{
    hni_gathered all = {.context = context};
    hn_store *store = NULL;
    char model[MOST_JSON], format[16];
    hn_status status;
    snprintf(format, sizeof format, "%d", HNI_CHECKPOINT_FORMAT);
    HNI_TRY(hn_store_create(context, &store));
    HNI_TRY(task->bake(work, store, model, sizeof model));
    for (int k = 0; k < HNI_STORED_KINDS; k++)
        HNI_TRY(gather(store, &hni_stored_kinds[k], &all));
    HNI_TRY(hni_gathered_task(&all, task, work, true));
    const hn_file_text texts[] = {{"format", format}, {"task", task->name}, {"model", model}};
    const hn_safetensors_content content = {all.tensors, all.count, texts, 3};
    HNI_TRY(hn_safetensors_write(context, path, &content));
cleanup:
    hni_gathered_release(&all);
    hn_store_destroy(store);
    return status;
}
