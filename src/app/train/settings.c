/* Rows of section `train`, and the optimiser and the schedule that they describe. */
#include "app/train/settings.h"

#include <string.h>

#include "optim/options.h"

static const char *const schedules[] = {"constant", "linear", "cosine", "steps", "one_cycle", "plateau", NULL};
static const char *const precisions[] = {"f32", "bf16", "auto", NULL};
static const char *const optimizers[] = {"adam", "adamw", "sgd", "rmsprop", NULL};

#define MOST_STEPS 1e15

static const hni_setting rows[] = {
    HNI_SETTING_INTEGER("steps", hni_train_settings, steps, 0, MOST_STEPS, 0, "updates; 0: as many as `epochs` says"),
    HNI_SETTING_NUMBER("epochs", hni_train_settings, epochs, 0, 1e9, 0,
                       "passes over the training data, when steps is 0"),
    HNI_SETTING_CHOICE("optimizer", hni_train_settings, optimizer, optimizers, "adam",
                       "adam, adamw, sgd or rmsprop, as in PyTorch"),
    HNI_SETTING_NUMBER("rate", hni_train_settings, rate, 0, 1e30, 0.001, "learning rate, at its peak"),
    HNI_SETTING_CHOICE("schedule", hni_train_settings, schedule, schedules, "constant",
                       "how the rate goes on after the warm-up: constant, linear or cosine to final_rate, in steps at "
                       "milestones, one_cycle, or lessened at each plateau of the validation"),
    HNI_SETTING_INTEGER("warmup_steps", hni_train_settings, warmup_steps, 0, MOST_STEPS, 0,
                        "updates in which the rate rises to its peak; one_cycle has its own rise instead"),
    HNI_SETTING_NUMBER("final_rate", hni_train_settings, final_rate, 0, 1e30, 0,
                       "rate at the end of a linear or cosine schedule"),
    HNI_SETTING_TEXT("milestones", hni_train_settings, milestones, "",
                     "steps: updates from which on the rate is milestone_factor times what it was: \"28000,56000\""),
    HNI_SETTING_NUMBER("milestone_factor", hni_train_settings, milestone_factor, 1e-12, 1, 0.1,
                       "steps: what the rate is multiplied with at each milestone"),
    HNI_SETTING_TEXT("milestone_rates", hni_train_settings, milestone_rates, "",
                     "steps: a rate for each milestone instead of the factor: \"0.001,0.0002\""),
    HNI_SETTING_NUMBER("one_cycle_warmup", hni_train_settings, one_cycle_warmup, 0, 0.99, 0.3,
                       "one_cycle: share of the updates in which the rate rises to its peak"),
    HNI_SETTING_NUMBER("one_cycle_start_divisor", hni_train_settings, one_cycle_start_divisor, 1, 1e12, 25,
                       "one_cycle: the first rate is rate divided by this"),
    HNI_SETTING_NUMBER("one_cycle_final_divisor", hni_train_settings, one_cycle_final_divisor, 1e-12, 1e12, 10000,
                       "one_cycle: the last rate is the first one divided by this"),
    HNI_SETTING_NUMBER("plateau_factor", hni_train_settings, plateau_factor, 1e-12, 1, 0.1,
                       "plateau: what the rate is multiplied with when validations no longer get better"),
    HNI_SETTING_INTEGER("plateau_patience", hni_train_settings, plateau_patience, 0, MOST_STEPS, 10,
                        "plateau: validations in a row that need not be better; one more and the rate falls"),
    HNI_SETTING_NUMBER("plateau_threshold", hni_train_settings, plateau_threshold, 0, 1, 0.0001,
                       "plateau: better is below the best figure by more than this share of it"),
    HNI_SETTING_NUMBER("plateau_minimum", hni_train_settings, plateau_minimum, 0, 1e30, 0,
                       "plateau: the rate does not fall below this"),
    HNI_SETTING_NUMBER("clip_value", hni_train_settings, clip_value, 0, 1e30, 0,
                       "size to which every number of a gradient is clipped, before clip_norm; 0: not at all"),
    HNI_SETTING_NUMBER("clip_norm", hni_train_settings, clip_norm, 0, 1e30, 1,
                       "global norm to which gradients are clipped; 0: not at all"),
    HNI_SETTING_NUMBER("beta1", hni_train_settings, beta1, 0, 0.999999, 0.9, "adam, adamw: decay of the mean"),
    HNI_SETTING_NUMBER("beta2", hni_train_settings, beta2, 0, 0.99999999, 0.999, "adam, adamw: decay of the variance"),
    HNI_SETTING_NUMBER("epsilon", hni_train_settings, epsilon, 1e-30, 1, 1e-8,
                       "adam, adamw, rmsprop: added to the root"),
    HNI_SETTING_NUMBER(
        "weight_decay", hni_train_settings, weight_decay, 0, 1e30, 0,
        "share of each parameter that is added to its gradient (L2), or with adamw taken off it directly"),
    HNI_SETTING_NUMBER("momentum", hni_train_settings, momentum, 0, 0.999999, 0,
                       "sgd, rmsprop: share of the former update that is kept"),
    HNI_SETTING_BOOL("nesterov", hni_train_settings, nesterov, 0, "sgd: Nesterov's momentum"),
    HNI_SETTING_NUMBER("rms_decay", hni_train_settings, rms_decay, 0, 0.99999999, 0.99,
                       "rmsprop: decay of the mean of squares"),
    HNI_SETTING_NUMBER("average_decay", hni_train_settings, average_decay, 0, 0.99999999, 0,
                       "decay of the weight average that is validated and kept as best; 0: no average"),
    HNI_SETTING_INTEGER(
        "micro_batches", hni_train_settings, micro_batches, 0, 1048576, 1,
        "parts in which the rows of a batch are done, one after the other, to save memory; 0: as few as "
        "fit the free memory"),
    HNI_SETTING_CHOICE(
        "precision", hni_train_settings, precision, precisions, "f32",
        "what large multiplies of training are computed in: f32, bf16 (half the bits; weights, state and "
        "sums stay f32), or auto: whichever this machine does the recipe's own first update faster in, bf16 "
        "if at least 1.2 times as fast; the choice is written into the run"),
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
                        "symbols of the sample shown at each validation, by models that write; 0: none"),
};

static const hni_settings table = HNI_SETTINGS("train", rows);

const hni_settings *hni_train_settings_table(void) { return &table; }

/* ---- keys that go with an optimizer, or with a schedule ---- */

typedef struct owner {
    const char *key, *chooser; /* "momentum" goes with .. of "optimizer": */
    unsigned words;            /* a bit for each word of its list */
} owner;

#define ADAM (1u << HN_OPTIMIZER_ADAM)
#define ADAMW (1u << HN_OPTIMIZER_ADAMW)
#define SGD (1u << HN_OPTIMIZER_SGD)
#define RMSPROP (1u << HN_OPTIMIZER_RMSPROP)
#define SCHEDULE(kind) (1u << (HN_SCHEDULE_##kind))

/* final_rate and warmup_steps are not here: recipes that have them may be given another schedule on the command line. */
static const owner owners[] = {
    {"beta1", "optimizer", ADAM | ADAMW},
    {"beta2", "optimizer", ADAM | ADAMW},
    {"epsilon", "optimizer", ADAM | ADAMW | RMSPROP},
    {"momentum", "optimizer", SGD | RMSPROP},
    {"nesterov", "optimizer", SGD},
    {"rms_decay", "optimizer", RMSPROP},
    {"milestones", "schedule", SCHEDULE(STEPS)},
    {"milestone_factor", "schedule", SCHEDULE(STEPS)},
    {"milestone_rates", "schedule", SCHEDULE(STEPS)},
    {"one_cycle_warmup", "schedule", SCHEDULE(ONE_CYCLE)},
    {"one_cycle_start_divisor", "schedule", SCHEDULE(ONE_CYCLE)},
    {"one_cycle_final_divisor", "schedule", SCHEDULE(ONE_CYCLE)},
    {"plateau_factor", "schedule", SCHEDULE(PLATEAU)},
    {"plateau_patience", "schedule", SCHEDULE(PLATEAU)},
    {"plateau_threshold", "schedule", SCHEDULE(PLATEAU)},
    {"plateau_minimum", "schedule", SCHEDULE(PLATEAU)},
};

/* A key at its default does no harm; another value would be ignored without a word. */
static hn_status check_owner(hn_context *context, const char *where, const owner *rule,
                             const hni_train_settings *settings)
{
    const hni_setting *row = hni_settings_find(&table, rule->key), *chooser = hni_settings_find(&table, rule->chooser);
    hni_train_settings usual;
    char value[300], usual_value[300], word[64];
    int chosen;
    memcpy(&chosen, (const char *)settings + chooser->offset, sizeof chosen);
    if ((rule->words >> chosen & 1) != 0) return HN_OK;
    hni_settings_default(&table, &usual);
    hni_setting_print(row, settings, value, sizeof value);
    if (strcmp(value, hni_setting_print(row, &usual, usual_value, sizeof usual_value)) == 0) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "%s: train.%s is %.80s, but train.%s is %s, which does not use it: leave it out (%s), or choose "
                     "another %s",
                     where, rule->key, value, rule->chooser, hni_setting_print(chooser, settings, word, sizeof word),
                     usual_value[0] != 0 ? usual_value : "empty", rule->chooser);
}

/* The next word of "a, b,c", without blanks around it; NULL at the end, "" for what is no single word. */
static const char *next_word(char **rest)
{
    char *word = strsep(rest, ",");
    if (word == NULL) return NULL;
    word += strspn(word, " ");
    char *end = word + strcspn(word, " ");
    if (end[strspn(end, " ")] != 0) return ""; /* "28000 56000": not one number */
    *end = 0;
    return word;
}

/* "28000,56000" -> whole numbers above 0, rising. False if it is none of that. */
static bool parse_milestones(const char *text, hn_schedule *schedule)
{
    char copy[sizeof((hni_train_settings *)0)->milestones], *rest = copy;
    const char *word;
    int64_t last = 0;
    strcpy(copy, text);
    schedule->milestone_count = 0;
    while ((word = next_word(&rest)) != NULL) {
        int64_t value;
        if (schedule->milestone_count == HN_MAX_MILESTONES || !hni_whole_parse(word, &value) || value <= last)
            return false;
        schedule->milestones[schedule->milestone_count++] = last = value;
    }
    return true;
}

/* "" -> none, "0.001,0.0002" -> as many rates as there are milestones. False if it is none of that. */
static bool parse_milestone_rates(const char *text, hn_schedule *schedule)
{
    char copy[sizeof((hni_train_settings *)0)->milestone_rates], *rest = copy;
    const char *word;
    strcpy(copy, text);
    schedule->milestone_rate_count = 0;
    if (text[0] == 0) return true;
    while ((word = next_word(&rest)) != NULL) {
        double value;
        if (schedule->milestone_rate_count == schedule->milestone_count || !hni_number_parse(word, &value) ||
            !(value > 0))
            return false;
        schedule->milestone_rates[schedule->milestone_rate_count++] = value;
    }
    return schedule->milestone_rate_count == schedule->milestone_count;
}

static hn_status check_steps(hn_context *context, const char *where, const hni_train_settings *settings)
{
    hni_train_settings usual;
    hn_schedule schedule;
    if (!parse_milestones(settings->milestones, &schedule)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "%s: train.milestones is '%.80s', schedule steps needs 1 to %d rising whole numbers above 0 "
                         "with commas between them: \"28000,56000\"",
                         where, settings->milestones, HN_MAX_MILESTONES);
    }
    hni_settings_default(&table, &usual);
    if (settings->milestone_rates[0] != 0 && settings->milestone_factor != usual.milestone_factor) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "%s: train.milestone_rates is '%.80s' and train.milestone_factor is %g: say one of the two",
                         where, settings->milestone_rates, settings->milestone_factor);
    }
    if (parse_milestone_rates(settings->milestone_rates, &schedule)) return HN_OK;
    return hni_error(
        context, HN_ERROR_ARGUMENT,
        "%s: train.milestone_rates is '%.80s', it needs a number above 0 for each of the %d milestones, with commas "
        "between them; or leave it out, for milestone_factor",
        where, settings->milestone_rates, schedule.milestone_count);
}

hn_status hni_train_settings_check(hn_context *context, const char *where, const hni_train_settings *settings)
{
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        const hn_status status = check_owner(context, where, &owners[i], settings);
        if (status != HN_OK) return status;
    }
    if (settings->nesterov && !(settings->momentum > 0)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: train.nesterov needs train.momentum above 0, for example 0.9",
                         where);
    }
    if (settings->schedule == HN_SCHEDULE_STEPS) {
        const hn_status status = check_steps(context, where, settings);
        if (status != HN_OK) return status;
    }
    if (settings->schedule == HN_SCHEDULE_PLATEAU && settings->plateau_minimum > settings->rate) {
        return hni_error(context, HN_ERROR_ARGUMENT, "%s: train.plateau_minimum is %g, above train.rate, which is %g",
                         where, settings->plateau_minimum, settings->rate);
    }
    return HN_OK;
}

/* ---- what they describe ---- */

hn_optimizer_options hni_train_optimizer(const hni_train_settings *settings)
{
    return (hn_optimizer_options){.beta1 = settings->beta1,
                                  .beta2 = settings->beta2,
                                  .epsilon = settings->epsilon,
                                  .clip_norm = settings->clip_norm,
                                  .average_decay = settings->average_decay,
                                  .kind = settings->optimizer,
                                  .weight_decay = settings->weight_decay,
                                  .momentum = settings->momentum,
                                  .nesterov = settings->nesterov,
                                  .rms_decay = settings->rms_decay,
                                  .clip_value = settings->clip_value};
}

int hni_train_state_blocks(const hni_train_settings *settings)
{
    const hn_optimizer_options options = hni_train_optimizer(settings);
    const char *names[HNI_OPTIMIZER_MOST_BLOCKS];
    return hni_optimizer_blocks(&options, names);
}

hn_schedule hni_train_schedule(const hni_train_settings *settings, int64_t steps)
{
    hn_schedule schedule = {.kind = settings->schedule,
                            .rate = settings->rate,
                            .final_rate = settings->final_rate,
                            .warmup_steps = settings->warmup_steps,
                            .steps = steps,
                            .milestone_factor = settings->milestone_factor,
                            .one_cycle_warmup = settings->one_cycle_warmup,
                            .one_cycle_start_divisor = settings->one_cycle_start_divisor,
                            .one_cycle_final_divisor = settings->one_cycle_final_divisor,
                            .plateau_factor = settings->plateau_factor,
                            .plateau_patience = settings->plateau_patience,
                            .plateau_threshold = settings->plateau_threshold,
                            .plateau_minimum = settings->plateau_minimum};
    if (settings->schedule == HN_SCHEDULE_STEPS && parse_milestones(settings->milestones, &schedule))
        (void)parse_milestone_rates(settings->milestone_rates, &schedule);
    return schedule;
}
