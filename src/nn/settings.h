/* Settings of the language model, as one table of rows: recipes, checkpoints and `info` share it. */
#ifndef HNI_NN_SETTINGS_H
#define HNI_NN_SETTINGS_H

#include "core/settings.h"

/* Over hn_language_model; section "model" of a recipe. vocabulary_size and symbols are not among the rows: they come from
 * the data. */
const hni_settings *hni_language_settings(void);
/* The same rows and those two: what a checkpoint holds. */
const hni_settings *hni_language_checkpoint_settings(void);

#endif
