/* All tasks, one line each. */
#ifndef HNI_APP_TASKS_REGISTRY_H
#define HNI_APP_TASKS_REGISTRY_H

#include "app/tasks/task.h"

extern const hni_task hni_task_text;
extern const hni_task hni_task_images;

#endif
