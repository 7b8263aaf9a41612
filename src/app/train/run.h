/* Inside of the trainer. */
#ifndef HNI_APP_TRAIN_RUN_H
#define HNI_APP_TRAIN_RUN_H

#include "app/train/facts.h"
#include "app/train/trainer.h"

#define HNI_CHECKPOINT_FORMAT 1             /* newer ones are refused, older ones read */
#define HNI_BUFFER_AVERAGE "average.buffer" /* before the name of a buffer: its average */

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
    int lock;           /* of the run directory; -1: none */
    int64_t saved_step; /* updates made when last.safetensors was written; -1: never */
    double saved_at;    /* hni_seconds_now of that moment */
    double rate;        /* of the last update */
    char *init_path;    /* of the file that the parameters start from; NULL: none */
    hn_safetensors *init;
    size_t log_figures; /* columns of log.csv that hold figures of the task */
};

/* ---- folder.c ---- */

/* A path that holds a run, or anything else but nothing, is an error. */
HN_MUST_USE hn_status hni_folder_refuse_used(hn_context *context, const char *path);
/* Makes the folder and those above it; the same errors. */
HN_MUST_USE hn_status hni_folder_make(hn_context *context, const char *path);
/* Keeps other processes from going on with the same run, until it is given back or the process ends. */
HN_MUST_USE hn_status hni_folder_lock(hn_context *context, const char *path, int *out_lock);
void hni_folder_unlock(int lock);

/* ---- checkpoint.c ---- */

/* Writes RUN/last.safetensors, or RUN/best.safetensors (model and blobs alone). */
HN_MUST_USE hn_status hni_checkpoint_write(hni_trainer *trainer, bool best);
/* The first parameter or buffer with a value that is not finite; NULL if there is none. */
HN_MUST_USE hn_status hni_checkpoint_find_bad(hni_trainer *trainer, const char **out_kind, const char **out_name);
/* Checks that `file` is a checkpoint of this program and of this run's recipe; reads the training state. */
HN_MUST_USE hn_status hni_checkpoint_check(hni_trainer *trainer, const hn_safetensors *file);
/* Checks `file` against the data, and takes everything from it. */
HN_MUST_USE hn_status hni_checkpoint_read(hni_trainer *trainer, const hn_safetensors *file);

/* ---- init.c: options.init_from; nothing without it ---- */

HN_MUST_USE hn_status hni_init_open(hni_trainer *trainer);
/* Names and shapes against the declared store. */
HN_MUST_USE hn_status hni_init_check(hni_trainer *trainer);
/* Into the sealed store, before there is an optimiser. */
HN_MUST_USE hn_status hni_init_read(hni_trainer *trainer);

/* ---- trainer.c ---- */

/* Forward and backward of one part of the batch of an update: gradients are added to, and nothing moves on. */
HN_MUST_USE hn_status hni_trainer_pass(hni_trainer *trainer, int64_t step, int64_t part, hn_tensor *out_loss);
/* last.safetensors, then run.json. */
HN_MUST_USE hn_status hni_trainer_save(hni_trainer *trainer);

/* ---- log.c ---- */

/* Begins log.csv with its header. */
HN_MUST_USE hn_status hni_log_start(hni_trainer *trainer);
/* Cuts log.csv back to the length that the checkpoint states, and checks that its columns are those of the run. */
HN_MUST_USE hn_status hni_log_cut(hni_trainer *trainer);
/* Waits until log.csv is on the disk: before a checkpoint that states its length. */
HN_MUST_USE hn_status hni_log_flush(hni_trainer *trainer);

/* Appends the row that ends with this step; clears the sums. metric NULL: no validation. */
HN_MUST_USE hn_status hni_log_row(hni_trainer *trainer, const hni_metric *metric);

/* ---- precision.c ---- */

/* A new run: measures where train.precision is auto, and puts the choice into the recipe. */
HN_MUST_USE hn_status hni_precision_settle(hni_trainer *trainer);
/* What the recipe says, for the training passes of the graph. */
HN_MUST_USE hn_status hni_precision_apply(hni_trainer *trainer);

/* ---- forecast.c ---- */

/* Dry run of one update: memory of training. Refuses what does not fit. Call after declare, before the store is sealed. */
HN_MUST_USE hn_status hni_forecast(hni_trainer *trainer);

#endif
