/* See class_counts.h. */
#include "app/report/class_counts.h"

#include <string.h>

#include "core/alloc.h"

/* All names one behind the other, then a list of where each begins. */
static hn_status keep_names(const hni_task *task, hni_task_work *work, hni_class_counts *all)
{
    const char *name;
    size_t size, classes = 0;
    void *memory = NULL;
    for (int64_t i = 0; (name = task->class_name(work, i, &size)) != NULL; i++) {
        hni_text_add_bytes(&all->names, name, size);
        hni_text_add_bytes(&all->names, "", 1);
        classes++;
    }
    if (all->names.status != HN_OK) return all->names.status;
    const hn_status status = hni_alloc_array(all->context, "classes", classes, sizeof(char *), &memory);
    if (status != HN_OK) return status;
    all->name_list = memory;
    name = all->names.data;
    for (size_t i = 0; i < classes; i++, name += strlen(name) + 1)
        all->name_list[i] = name;
    all->confusion = (hni_confusion){.classes = classes, .names = all->name_list};
    return HN_OK;
}

hn_status hni_class_counts_begin(hn_context *context, const hni_task *task, hni_task_work *work,
                                 hni_class_counts *out_counts)
{
    void *memory = NULL;
    hn_status status;
    *out_counts = (hni_class_counts){.context = context, .names = {.context = context}};
    if (task->class_name == NULL) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "a model of task '%s' knows no classes, so it cannot take one for another", task->name);
    }
    HNI_TRY(keep_names(task, work, out_counts));
    const size_t classes = out_counts->confusion.classes;
    if (classes > HNI_CLASS_COUNTS_MOST) goto cleanup;
    HNI_TRY(hni_alloc_array(context, "answers", classes * classes, sizeof(uint64_t), &memory));
    out_counts->counts = memory;
    out_counts->confusion.counts = out_counts->counts;
cleanup:
    return status;
}

void hni_class_counts_take(void *user, const hni_task_item *item)
{
    hni_class_counts *all = user;
    const int64_t classes = (int64_t)all->confusion.classes;
    if (all->counts == NULL || item->label < 0 || item->label >= classes || item->said >= classes) return;
    all->counts[item->label * classes + item->said]++;
}

void hni_class_counts_free(hni_class_counts *counts)
{
    if (counts->context == NULL) return;
    hni_free(counts->context, counts->counts);
    hni_free(counts->context, counts->name_list);
    hni_text_free(&counts->names);
    *counts = (hni_class_counts){.context = NULL};
}
