/* Tasks by name: the only place that lists them. */
#include "app/tasks/registry.h"

#include <string.h>

static const hni_task *const tasks[] = {&hni_task_text, &hni_task_images};

const hni_task *hni_task_at(size_t index) { return index < sizeof tasks / sizeof tasks[0] ? tasks[index] : NULL; }

const hni_task *hni_task_find(const char *name)
{
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
        if (strcmp(tasks[i]->name, name) == 0) return tasks[i];
    return NULL;
}
