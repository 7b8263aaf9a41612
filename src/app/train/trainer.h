/* The trainer: one run from its recipe to its last checkpoint. It knows tasks only through their struct, prints nothing, and stops
 * only between two updates.
 *
 *     hni_trainer_start or hni_trainer_resume, hni_trainer_run, hni_trainer_close
 */
#ifndef HNI_APP_TRAIN_TRAINER_H
#define HNI_APP_TRAIN_TRAINER_H

#include "app/train/plan.h"
#include "app/train/state.h"

typedef struct hni_train_row { /* one row of log.csv */
    int64_t step;
    double epoch, rate, train, valid, gradient_norm, clip_rate; /* train, valid: as the measure of the task says */
    bool has_valid;
} hni_train_row;

typedef enum hni_train_end {
    HNI_TRAIN_END_DONE = 0, /* all updates, or no patience left */
    HNI_TRAIN_END_STOPPED   /* by a limit or by the caller: can be resumed */
} hni_train_end;

/* What the caller is told, and what it may say. NULL functions are not called. */
typedef struct hni_train_events {
    void *user;
    bool (*keep_going)(void *user);                      /* asked before each update */
    void (*step)(void *user, int64_t step, double loss); /* after each update; in units of the measure */
    void (*row)(void *user, const hni_train_row *row);   /* a row of the log was written */
    void (*validated)(void *user, const hni_metric *metric, bool is_best);
    bool (*sample)(void *user, const char *bytes, size_t size); /* pieces of the sample, then once (NULL, 0) */
} hni_train_events;

typedef struct hni_train_options {
    const char *folder; /* the run directory */
    const hni_data_places *places;
    const char *command; /* exact command line, for run.json */
    int64_t max_steps;   /* stop after so many updates in all; 0: no limit */
    double max_seconds;  /* of this session; 0: no limit */
    hni_train_events events;
    const char *init_from; /* a run or a safetensors file whose parameters a new run starts from; NULL: none */
} hni_train_options;

typedef struct hni_train_forecast {
    int64_t parameters;        /* trainable numbers */
    int64_t bytes, free_bytes; /* memory that training needs; what the machine has left (0: unknown) */
    int64_t steps;             /* of the whole run */
    int64_t micro_batches;     /* parts of an update, and .. */
    int64_t rows;              /* .. rows of the largest; 0: the task does not say */
    bool chosen;               /* the forecast has chosen their number */
    bool bf16;                 /* large multiplies are bf16 */
    bool precision_measured;   /* .. because train.precision was auto: */
    double bf16_ratio;         /* bf16 was so many times as fast as f32; 0: this machine has none */
} hni_train_forecast;

/* Memory that training needs in all, from what is declared and what one update needs on a dry graph. See hni_train_state_blocks. */
int64_t hni_forecast_bytes(const hn_store *store, int64_t step_bytes, int state_blocks);

/* Bytes of memory that this process can still take; 0 where the system does not say. */
int64_t hni_free_memory(void);

typedef struct hni_trainer hni_trainer;

/* Makes the run directory (which must not hold a run). The plan belongs to the trainer from then on, whatever is returned. */
HN_MUST_USE hn_status hni_trainer_start(hni_plan *plan, const hni_train_options *options, hni_trainer **out_trainer);
/* Goes on from RUN/last.safetensors. */
HN_MUST_USE hn_status hni_trainer_resume(hn_context *context, const hni_train_options *options,
                                         hni_trainer **out_trainer);
HN_MUST_USE hn_status hni_trainer_run(hni_trainer *trainer, hni_train_end *out_end);
void hni_trainer_close(hni_trainer *trainer);

/* The file that the parameters were taken from; NULL: none. */
const char *hni_trainer_init(const hni_trainer *trainer);
const hni_plan *hni_trainer_plan(const hni_trainer *trainer);
const hni_train_state *hni_trainer_state(const hni_trainer *trainer);
const hni_train_forecast *hni_trainer_forecast(const hni_trainer *trainer);
void hni_trainer_size(const hni_trainer *trainer, hni_task_size *out_size);

#endif
