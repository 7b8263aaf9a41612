/* Section `train` of a recipe: how long, how fast, how often. */
#ifndef HNI_APP_TRAIN_SETTINGS_H
#define HNI_APP_TRAIN_SETTINGS_H

#include "core/settings.h"
#include "hypernet/optim.h"

typedef struct hni_train_settings {
    int64_t steps; /* updates; 0: from epochs */
    double epochs;
    double rate, final_rate;
    hn_schedule_kind schedule;
    int64_t warmup_steps;
    double clip_norm;
    double beta1, beta2, epsilon;
    double average_decay;
    int64_t seed;
    int64_t validate_every; /* updates; 0: an epoch */
    int64_t validation_tracks;
    int64_t patience; /* validations without a new best; 0: none */
    int64_t log_every;
    int64_t sample_length;
} hni_train_settings;

const hni_settings *hni_train_settings_table(void);

#endif
