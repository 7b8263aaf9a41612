/* hypernet train: begins a run from a recipe, or goes on with one. Results on stdout, progress on stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/train/facts.h"
#include "app/train/trainer.h"
#include "cli.h"
#include "core/alloc.h"
#include "progress.h"
#include "stop.h"

#define MOST_SETS 64

typedef struct train_options {
    hni_cli *cli;
    const char *recipe, *resume, *output, *seed, *init_from;
    const char *sets[MOST_SETS];
    size_t set_count;
    int64_t max_steps;
    double max_seconds;
} train_options;

enum { KEY_SET = 0x100, KEY_SEED, KEY_RESUME, KEY_MAX_STEPS, KEY_MAX_TIME, KEY_INIT_FROM };

static const struct argp_option rows[] = {
    {"output", 'o', "RUN", 0, "the run directory to make (default: a fresh name)", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "change a key of the recipe, for example model.units=512; may be repeated", 0},
    {"seed", KEY_SEED, "N", 0, "the same as --set train.seed=N", 0},
    {"init-from", KEY_INIT_FROM, "RUN|FILE.safetensors", 0,
     "start from the parameters of this run's best checkpoint, or of this file, and learn on from there with the "
     "recipe's data",
     0},
    {"resume", KEY_RESUME, "RUN", 0, "go on with this run from its last checkpoint", 0},
    {"max-steps", KEY_MAX_STEPS, "N", 0, "stop after N updates in all; the run can be resumed", 0},
    {"max-time", KEY_MAX_TIME, "TIME", 0, "stop after this time (90s, 8m, 2h); the run can be resumed", 0},
    {0}};

/* 90, 90s, 8m, 2h, in seconds. */
static double parse_time(struct argp_state *state, const char *text)
{
    char number[64];
    double value = 0;
    const size_t length = strlen(text);
    const char unit = length > 0 ? text[length - 1] : 0;
    const double factor = unit == 'h' ? 3600 : unit == 'm' ? 60 : 1;
    snprintf(number, sizeof number, "%.*s", (int)(length - (unit == 'h' || unit == 'm' || unit == 's')), text);
    if (length >= sizeof number || !hni_number_parse(number, &value) || !(value > 0)) {
        argp_error(state, "--max-time: '%s' is no time: write 90s, 8m or 2h", text);
    }
    return value * factor;
}

static void add_set(struct argp_state *state, train_options *options, const char *text)
{
    if (options->set_count == MOST_SETS)
        argp_error(state, "--set: at most %d keys can be changed: write a recipe", MOST_SETS);
    options->sets[options->set_count++] = text;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    train_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case 'o': options->output = argument; return 0;
    case KEY_SET: add_set(state, options, argument); return 0;
    case KEY_SEED:
        hni_cli_integer(state, "--seed", argument, 0, INT64_C(9007199254740992));
        options->seed = argument;
        return 0;
    case KEY_INIT_FROM: options->init_from = argument; return 0;
    case KEY_RESUME: options->resume = argument; return 0;
    case KEY_MAX_STEPS: options->max_steps = hni_cli_integer(state, "--max-steps", argument, 1, INT64_MAX); return 0;
    case KEY_MAX_TIME: options->max_seconds = parse_time(state, argument); return 0;
    case ARGP_KEY_ARG:
        if (options->recipe != NULL) argp_error(state, "one recipe at a time: '%s' is a second one", argument);
        options->recipe = argument;
        return 0;
    case ARGP_KEY_END:
        if ((options->recipe == NULL) == (options->resume == NULL)) argp_error(state, "give a recipe, or --resume RUN");
        if (options->resume != NULL && (options->set_count > 0 || options->seed != NULL || options->output != NULL)) {
            argp_error(state, "a run that is resumed keeps its recipe, seed and folder: --set, --seed and -o do not go "
                              "with --resume");
        }
        if (options->resume != NULL && options->init_from != NULL) {
            argp_error(state,
                       "a run that is resumed goes on from its own last checkpoint: --init-from does not go with "
                       "--resume");
        }
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RECIPE|FILE.yaml\n--resume RUN",
    "Trains a model and keeps the best and the last checkpoint in a run directory. Ctrl-C saves and "
    "stops.\vExamples:\n  hypernet train text-small --set data.path=my.txt -o runs/mine\n"
    "  hypernet train --resume runs/mine --max-time 2h\n"
    "  hypernet train text-small --set data.path=letters.txt --init-from runs/mine -o runs/tuned",
    hni_cli_common,
    NULL,
    NULL};

/* ---- stopping ---- */

static bool keep_going(void *user)
{
    (void)user;
    return !hni_stop_asked();
}

/* ---- the run directory ---- */

/* RECIPE-1, RECIPE-2, ..: the first that is not there, in the current folder. */
static hn_status fresh_folder(hni_cli *cli, const hni_plan *plan, char *out_folder, size_t size)
{
    struct stat found;
    for (int i = 1; i < 100000; i++) {
        snprintf(out_folder, size, "%s-%d", plan->name, i);
        if (stat(out_folder, &found) != 0) return HN_OK;
    }
    return hni_error(cli->context, HN_ERROR_IO, "no fresh name for the run directory: give one with -o");
}

/* ---- results ---- */

static int print_result(hni_cli *cli, const hni_trainer *trainer, const char *folder, hni_train_end end)
{
    const hni_train_state *state = hni_trainer_state(trainer);
    const hni_train_forecast *forecast = hni_trainer_forecast(trainer);
    if (cli->json) {
        json_t *result = json_pack("{s:o,s:b,s:I,s:I,s:I}", "run", hni_cli_path_json(cli, folder), "finished",
                                   end == HNI_TRAIN_END_DONE, "step", (json_int_t)state->step, "steps",
                                   (json_int_t)forecast->steps, "parameters", (json_int_t)forecast->parameters);
        if (state->has_best) {
            json_object_set_new(result, "best_valid", json_real(state->best));
            json_object_set_new(result, "best_step", json_integer((json_int_t)state->best_step));
        }
        return hni_cli_print_json(cli, result);
    }
    if (end == HNI_TRAIN_END_STOPPED) {
        printf("stopped after update %lld of %lld; go on with: hypernet train --resume %s\n", (long long)state->step,
               (long long)forecast->steps, folder);
    } else {
        printf("finished after update %lld of %lld\n", (long long)state->step, (long long)forecast->steps);
    }
    if (state->has_best) printf("best validation %.4f after update %lld\n", state->best, (long long)state->best_step);
    printf("run %s\n", folder);
    return 0;
}

static hn_status start(train_options *options, hni_train_options *train, char *folder, size_t size,
                       hni_trainer **out_trainer)
{
    hni_cli *cli = options->cli;
    hni_cli_recipes recipes;
    hni_plan *plan = NULL;
    char *path = NULL, seed[64];
    hn_status status;
    if (options->resume != NULL) {
        train->folder = options->resume;
        return hni_trainer_resume(cli->context, train, out_trainer);
    }
    if (options->seed != NULL) {
        if (options->set_count == MOST_SETS) {
            return hni_error(cli->context, HN_ERROR_ARGUMENT, "--set: at most %d keys can be changed: write a recipe",
                             MOST_SETS);
        }
        snprintf(seed, sizeof seed, "train.seed=%s", options->seed);
        options->sets[options->set_count++] = seed;
    }
    hni_cli_find_recipes(&recipes);
    HNI_TRY(hni_recipe_find(cli->context, options->recipe, recipes.folders, recipes.count, &path));
    HNI_TRY(hni_plan_read(cli->context, path, options->sets, options->set_count, &plan));
    if (options->output == NULL) HNI_TRY(fresh_folder(cli, plan, folder, size));
    train->folder = options->output != NULL ? options->output : folder;
    train->init_from = options->init_from;
    status = hni_trainer_start(plan, train, out_trainer); /* takes the plan */
    plan = NULL;
cleanup:
    hni_plan_destroy(plan);
    hni_free(cli->context, path);
    return status;
}

int hni_command_train(hni_cli *cli, int argc, char **argv)
{
    train_options options = {.cli = cli};
    hni_train_options train = {.max_steps = 0};
    hni_trainer *trainer = NULL;
    hni_data_places places;
    hni_progress progress;
    hni_train_end end = HNI_TRAIN_END_DONE;
    char folder[256];
    char *command = hni_cli_command_text(cli);
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code == 0) {
        hni_progress_open(&progress);
        train.places = &places;
        train.command = command;
        train.max_steps = options.max_steps;
        train.max_seconds = options.max_seconds;
        train.events = hni_progress_events(&progress, keep_going);
        hni_stop_catch();
        hn_status status = hni_data_places_find(cli->context, cli->data, &places);
        if (status == HN_OK) status = start(&options, &train, folder, sizeof folder, &trainer);
        if (status == HN_OK) {
            hni_progress_begin(&progress, trainer, train.folder);
            status = hni_trainer_run(trainer, &end);
            hni_progress_end(&progress);
        }
        code = status == HN_OK ? print_result(cli, trainer, train.folder, end) : hni_cli_fail(cli);
    }
    hni_trainer_close(trainer);
    free(command);
    return code;
}
