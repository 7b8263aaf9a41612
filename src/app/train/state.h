/* What a run knows beside its numbers: how far it is, its best, and the sums of the log row in progress. All of it goes into the
 * checkpoint as one line of JSON, and none of it depends on time. */
#ifndef HNI_APP_TRAIN_STATE_H
#define HNI_APP_TRAIN_STATE_H

#include "core/settings.h"
#include "hypernet/optim.h"

typedef struct hni_train_state {
    int64_t step; /* updates made */
    int64_t best_step;
    bool has_best;
    double best;       /* lowest validation figure */
    int64_t misses;    /* validations since the best */
    int64_t log_bytes; /* length of log.csv */
    int64_t row_steps; /* updates since the last row of the log, and their sums: */
    double row_loss;
    double row_norm;
    int64_t row_clipped;
    hn_plateau plateau; /* of a plateau schedule */
    bool keeps_symbols; /* the vocabulary is another run's: it is in the checkpoint, and not to be made of the text */
} hni_train_state;

const hni_settings *hni_train_state_table(void);

#endif
