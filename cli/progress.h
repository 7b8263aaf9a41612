/* What a person sees while a model is trained: on a terminal a bar with loss, speed and time left; else a line now and then. All on
 * stderr. */
#ifndef HNI_CLI_PROGRESS_H
#define HNI_CLI_PROGRESS_H

#include "app/train/trainer.h"

typedef struct hni_progress {
    bool terminal; /* stderr is one, and no dumb one */
    bool bar_shown;
    double start, last; /* seconds */
    int64_t first_step, step, steps;
    int64_t symbols_per_step;
    char symbol_name[32];
    double loss; /* running mean, bits */
    double valid;
    bool has_valid, has_loss;
    double pause; /* seconds spent in validation and sampling */
    double pause_start;
    bool in_sample;
} hni_progress;

void hni_progress_open(hni_progress *progress);
hni_train_events hni_progress_events(hni_progress *progress, bool (*keep_going)(void *user));
/* Says what will be trained, where, and what it needs. */
void hni_progress_begin(hni_progress *progress, const hni_trainer *trainer, const char *folder);
void hni_progress_end(hni_progress *progress);

#endif
