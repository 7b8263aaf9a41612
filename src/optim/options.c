/* Options of optimisers: defaults, ranges, and the state that each kind keeps. */
#include "optim/options.h"

#include <math.h>
#include <string.h>

void hn_optimizer_options_default(hn_optimizer_options *out_options)
{
    *out_options = (hn_optimizer_options){.beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .epsilon = 1e-8,
                                          .clip_norm = 0,
                                          .average_decay = 0,
                                          .kind = HN_OPTIMIZER_ADAM,
                                          .rms_decay = 0.99};
}

/* ---- state ---- */

static const char *const words[] = {"adam.mean",  "adam.variance", "sgd.momentum",
                                    "rms.square", "rms.momentum",  "average"};
enum { MEAN, VARIANCE, SGD_MOMENTUM, SQUARE, RMS_MOMENTUM, AVERAGE, WORDS };

const char *hni_optimizer_block_word(int index) { return index >= 0 && index < WORDS ? words[index] : NULL; }

int hni_optimizer_blocks(const hn_optimizer_options *options, const char *out_names[HNI_OPTIMIZER_MOST_BLOCKS])
{
    int count = 0;
    switch (options->kind) {
    case HN_OPTIMIZER_ADAM:
    case HN_OPTIMIZER_ADAMW:
        out_names[count++] = words[MEAN];
        out_names[count++] = words[VARIANCE];
        break;
    case HN_OPTIMIZER_SGD:
        if (options->momentum > 0) out_names[count++] = words[SGD_MOMENTUM];
        break;
    case HN_OPTIMIZER_RMSPROP:
        out_names[count++] = words[SQUARE];
        if (options->momentum > 0) out_names[count++] = words[RMS_MOMENTUM];
        break;
    }
    if (options->average_decay > 0) out_names[count++] = words[AVERAGE];
    return count;
}

/* ---- ranges; comparisons are written so that a NaN is refused ---- */

static hn_status refuse(hn_context *context, const char *name, double value, const char *range)
{
    const hni_blame blame = {.op = "hn_optimizer_create", .argument = name};
    return hni_error_at(context, HN_ERROR_ARGUMENT, &blame, "%s is %g: it must be %s", name, value, range);
}

static hn_status want_share(hn_context *context, const char *name, double value)
{
    return value >= 0 && value < 1 ? HN_OK : refuse(context, name, value, "at least 0 and below 1");
}

static hn_status want_size(hn_context *context, const char *name, double value)
{
    return value >= 0 && isfinite(value) ? HN_OK : refuse(context, name, value, "at least 0 and finite");
}

static hn_status check_momentum(hn_context *context, const hn_optimizer_options *options)
{
    const bool is_sgd = options->kind == HN_OPTIMIZER_SGD, is_rms = options->kind == HN_OPTIMIZER_RMSPROP;
    if (is_sgd || is_rms) {
        const hn_status status = want_share(context, "momentum", options->momentum);
        if (status != HN_OK) return status;
    } else if (!(options->momentum >= 0 && options->momentum <= 0)) {
        return refuse(context, "momentum", options->momentum, "0 with Adam: only SGD and RMSprop have a momentum");
    }
    if (options->nesterov && !(is_sgd && options->momentum > 0))
        return refuse(context, "nesterov", 1, "false without SGD and a momentum above 0");
    return HN_OK;
}

hn_status hni_optimizer_options_check(hn_context *context, const hn_optimizer_options *options)
{
    hn_status status = HN_OK;
    if ((int)options->kind < HN_OPTIMIZER_ADAM || (int)options->kind > HN_OPTIMIZER_RMSPROP)
        return refuse(context, "kind", (double)options->kind, "one of hn_optimizer_kind");
    HNI_TRY(want_share(context, "beta1", options->beta1));
    HNI_TRY(want_share(context, "beta2", options->beta2));
    if (!(options->epsilon > 0 && isfinite(options->epsilon)))
        HNI_TRY(refuse(context, "epsilon", options->epsilon, "above 0 and finite"));
    HNI_TRY(want_size(context, "clip_norm", options->clip_norm));
    HNI_TRY(want_size(context, "clip_value", options->clip_value));
    HNI_TRY(want_share(context, "average_decay", options->average_decay));
    HNI_TRY(want_size(context, "weight_decay", options->weight_decay));
    HNI_TRY(want_share(context, "rms_decay", options->rms_decay));
    HNI_TRY(check_momentum(context, options));
cleanup:
    return status;
}
