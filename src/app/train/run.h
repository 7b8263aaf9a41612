/* Inside of the trainer. */
#ifndef HNI_APP_TRAIN_RUN_H
#define HNI_APP_TRAIN_RUN_H

#include "app/train/facts.h"
#include "app/train/trainer.h"

#define HNI_CHECKPOINT_FORMAT 1 /* newer ones are refused, older ones read */

struct hni_trainer {
    hn_context *context;
    hni_plan *plan;
    const hni_task *task;
    hni_task_work *work;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    hn_optimizer *optimizer;
    hn_schedule schedule;
    int64_t steps;          /* of the whole run */
    int64_t validate_every; /* resolved */
    hni_task_size size;
    hni_train_forecast forecast;
    hni_train_options options;
    char *folder, *command; /* copies */
    hni_train_state state;
    hni_facts *facts;
};

/* ---- checkpoint.c ---- */

/* Writes RUN/last.safetensors, or RUN/best.safetensors (model and blobs alone). */
HN_MUST_USE hn_status hni_checkpoint_write(hni_trainer *trainer, bool best);
/* Checks `file` against the plan and the data, and takes everything from it. */
HN_MUST_USE hn_status hni_checkpoint_read(hni_trainer *trainer, const hn_safetensors *file);

/* ---- log.c ---- */

/* Appends the row that ends with this step; clears the sums. metric NULL: no validation. */
HN_MUST_USE hn_status hni_log_row(hni_trainer *trainer, const hni_metric *metric);

/* ---- forecast.c ---- */

/* Dry run of one update: memory of training. Refuses what does not fit. Call after declare, before the store is sealed. */
HN_MUST_USE hn_status hni_forecast(hni_trainer *trainer);

#endif
