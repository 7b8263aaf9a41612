/* Section `train` of a recipe: how long, how fast, how often. */
#ifndef HNI_APP_TRAIN_SETTINGS_H
#define HNI_APP_TRAIN_SETTINGS_H

#include "core/settings.h"
#include "hypernet/optim.h"

typedef enum hni_train_precision { HNI_TRAIN_F32 = 0, HNI_TRAIN_BF16, HNI_TRAIN_AUTO } hni_train_precision;

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
    hn_optimizer_kind optimizer;
    double weight_decay, momentum, rms_decay;
    bool nesterov;
    double clip_value;
    char milestones[256]; /* "28000,56000" */
    double milestone_factor;
    char milestone_rates[256]; /* "0.001,0.0002"; "": by the factor */
    double one_cycle_warmup, one_cycle_start_divisor, one_cycle_final_divisor;
    double plateau_factor, plateau_threshold, plateau_minimum;
    int64_t plateau_patience;      /* validations */
    int64_t micro_batches;         /* parts of an update; 0: until the forecast has chosen */
    hni_train_precision precision; /* auto: until it was measured */
} hni_train_settings;

const hni_settings *hni_train_settings_table(void);

/* What the rows cannot say each for itself: keys that the chosen optimizer or schedule does not have, and how they go together.
 * `where` begins the message: the recipe's file. */
HN_MUST_USE hn_status hni_train_settings_check(hn_context *context, const char *where,
                                               const hni_train_settings *settings);
/* Of settings that were checked. */
hn_optimizer_options hni_train_optimizer(const hni_train_settings *settings);
hn_schedule hni_train_schedule(const hni_train_settings *settings, int64_t steps);
/* Blocks of the parameters' size that the optimiser keeps, the weight average among them. */
int hni_train_state_blocks(const hni_train_settings *settings);

#endif
