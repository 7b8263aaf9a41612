/* Settings of the language model, as one table of rows: recipes, checkpoints and `info` share it. */
#ifndef HNI_NN_SETTINGS_H
#define HNI_NN_SETTINGS_H

#include "core/settings.h"

/* Over hn_language_model; section "model". vocabulary_size is not among the rows: it comes from the data. */
const hni_settings *hni_language_settings(void);

#endif
