/* Rows of section `train`. */
#include "app/train/settings.h"

static const char *const schedules[] = {"constant", "linear", "cosine", NULL};

#define MOST_STEPS 1e15

static const hni_setting rows[] = {
    HNI_SETTING_INTEGER("steps", hni_train_settings, steps, 0, MOST_STEPS, 0, "updates; 0: as many as `epochs` says"),
    HNI_SETTING_NUMBER("epochs", hni_train_settings, epochs, 0, 1e9, 0,
                       "passes over the training data, when steps is 0"),
    HNI_SETTING_NUMBER("rate", hni_train_settings, rate, 0, 1e30, 0.001, "learning rate of Adam, at its peak"),
    HNI_SETTING_CHOICE("schedule", hni_train_settings, schedule, schedules, "constant",
                       "how the rate goes on after the warm-up: constant, linear or cosine to final_rate"),
    HNI_SETTING_INTEGER("warmup_steps", hni_train_settings, warmup_steps, 0, MOST_STEPS, 0,
                        "updates in which the rate rises to its peak"),
    HNI_SETTING_NUMBER("final_rate", hni_train_settings, final_rate, 0, 1e30, 0,
                       "rate at the end of a linear or cosine schedule"),
    HNI_SETTING_NUMBER("clip_norm", hni_train_settings, clip_norm, 0, 1e30, 1,
                       "global norm to which gradients are clipped; 0: not at all"),
    HNI_SETTING_NUMBER("beta1", hni_train_settings, beta1, 0, 0.999999, 0.9, "Adam: decay of the mean"),
    HNI_SETTING_NUMBER("beta2", hni_train_settings, beta2, 0, 0.99999999, 0.999, "Adam: decay of the variance"),
    HNI_SETTING_NUMBER("epsilon", hni_train_settings, epsilon, 1e-30, 1, 1e-8, "Adam: added to the root"),
    HNI_SETTING_NUMBER("average_decay", hni_train_settings, average_decay, 0, 0.99999999, 0,
                       "decay of the weight average that is validated and kept as best; 0: no average"),
    HNI_SETTING_INTEGER("seed", hni_train_settings, seed, 0, 9007199254740992.0, 1, "seed of every random number"),
    HNI_SETTING_INTEGER("validate_every", hni_train_settings, validate_every, 0, MOST_STEPS, 0,
                        "updates between validations; 0: an epoch"),
    HNI_SETTING_INTEGER("validation_tracks", hni_train_settings, validation_tracks, 0, 4096, 0,
                        "parallel tracks of a validation while training; 0: the task's choice"),
    HNI_SETTING_INTEGER("patience", hni_train_settings, patience, 0, MOST_STEPS, 0,
                        "validations without a new best after which training ends; 0: never"),
    HNI_SETTING_INTEGER("log_every", hni_train_settings, log_every, 1, MOST_STEPS, 20,
                        "updates a row of log.csv stands for"),
    HNI_SETTING_INTEGER("sample_length", hni_train_settings, sample_length, 0, 100000, 120,
                        "symbols of the sample shown at each validation; 0: none"),
};

static const hni_settings table = HNI_SETTINGS("train", rows);

const hni_settings *hni_train_settings_table(void) { return &table; }
