/* An ordinary network's file out of a model whose weights are generated. */
#ifndef HNI_APP_TRAIN_BAKE_H
#define HNI_APP_TRAIN_BAKE_H

#include "app/tasks/task.h"

/* Writes `path`, a checkpoint of parameters, buffers and blobs as best.safetensors is one, without a recipe. */
HN_MUST_USE hn_status hni_bake_write(hn_context *context, const hni_task *task, hni_task_work *work, const char *path);

#endif
