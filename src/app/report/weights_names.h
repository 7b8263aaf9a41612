/* What the files of weights.h share. */
#ifndef HNI_APP_REPORT_WEIGHTS_NAMES_H
#define HNI_APP_REPORT_WEIGHTS_NAMES_H

#include "app/tasks/task.h"

/* An error for a task whose weights change while a model runs. */
HN_MUST_USE hn_status hni_weights_want(hn_context *context, const hni_task *task);
/* Whether a weight is called so, or so with one part more behind it. */
bool hni_weight_is(const char *weight, const char *name);

#endif
