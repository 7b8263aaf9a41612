/* Rows of the training state. */
#include "app/train/state.h"

#define LARGEST 9007199254740992.0

static const hni_setting rows[] = {
    HNI_SETTING_INTEGER("step", hni_train_state, step, 0, LARGEST, 0, "updates made"),
    HNI_SETTING_INTEGER("best_step", hni_train_state, best_step, 0, LARGEST, 0, "updates made at the best validation"),
    HNI_SETTING_BOOL("has_best", hni_train_state, has_best, 0, "whether there was a validation"),
    HNI_SETTING_NUMBER("best", hni_train_state, best, -1e300, 1e300, 0, "lowest validation figure"),
    HNI_SETTING_INTEGER("misses", hni_train_state, misses, 0, LARGEST, 0, "validations since the best"),
    HNI_SETTING_INTEGER("log_bytes", hni_train_state, log_bytes, 0, LARGEST, 0, "length of log.csv"),
    HNI_SETTING_INTEGER("row_steps", hni_train_state, row_steps, 0, LARGEST, 0,
                        "updates since the last row of the log"),
    HNI_SETTING_NUMBER("row_loss", hni_train_state, row_loss, -1e300, 1e300, 0, "sum of their losses, nats"),
    HNI_SETTING_NUMBER("row_norm", hni_train_state, row_norm, 0, 1e300, 0, "sum of their gradient norms"),
    HNI_SETTING_INTEGER("row_clipped", hni_train_state, row_clipped, 0, LARGEST, 0, "how many of them were clipped"),
    HNI_SETTING_BOOL("plateau_has_best", hni_train_state, plateau.has_best, 0, "whether the schedule saw a validation"),
    HNI_SETTING_NUMBER("plateau_best", hni_train_state, plateau.best, -1e300, 1e300, 0, "its lowest figure"),
    HNI_SETTING_INTEGER("plateau_misses", hni_train_state, plateau.misses, 0, LARGEST, 0,
                        "validations in a row that were not better"),
    HNI_SETTING_INTEGER("plateau_drops", hni_train_state, plateau.drops, 0, LARGEST, 0, "times the rate was lessened"),
    HNI_SETTING_BOOL("keeps_symbols", hni_train_state, keeps_symbols, 0,
                     "whether the vocabulary is that of the model that the run started from"),
};

static const hni_settings table = HNI_SETTINGS("training", rows);

const hni_settings *hni_train_state_table(void) { return &table; }
