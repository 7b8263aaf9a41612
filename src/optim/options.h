/* What an optimiser keeps for each parameter, and what options it takes; for optim, and for whoever must know before there is one. */
#ifndef HNI_OPTIM_OPTIONS_H
#define HNI_OPTIM_OPTIONS_H

#include "core/context.h"
#include "hypernet/optim.h"

enum { HNI_OPTIMIZER_MOST_BLOCKS = 3 };

/* Names of the state blocks, in their order; the average is the last one. Returns their number. */
int hni_optimizer_blocks(const hn_optimizer_options *options, const char *out_names[HNI_OPTIMIZER_MOST_BLOCKS]);
/* Block `index` of the names that any optimiser gives to its blocks; NULL past the end. */
const char *hni_optimizer_block_word(int index);
/* HN_ERROR_ARGUMENT for the first option that is out of its range, or that this optimiser does not have. */
HN_MUST_USE hn_status hni_optimizer_options_check(hn_context *context, const hn_optimizer_options *options);

#endif
