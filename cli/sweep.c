/* hypernet sweep: trains one recipe with every combination of values of some keys, and says which is best on validation. Called again
 * with the same words it goes on with what was stopped and leaves alone what is finished. */
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "stop.h"

typedef struct sweep_options {
    hni_cli *cli;
    hni_sweep sweep;
    const char *seeds; /* "1,2,3" */
} sweep_options;

enum { KEY_GRID = 0x100, KEY_SEEDS, KEY_SET };

static const struct argp_option rows[] = {
    {"grid", KEY_GRID, "KEY=A,B,C", 0, "values of a key of the recipe to try; more keys give all combinations", 0},
    {"seeds", KEY_SEEDS, "A,B,C", 0, "train each combination with each of these seeds", 0},
    {"output", 'o', "FOLDER", 0, "the folder for all runs; the same again goes on with it", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "change a key of the recipe for all runs; may be repeated", 0},
    {"jobs", 'j', "J", 0, "train so many runs at a time (default: 1); the threads are shared out among them", 0},
    {0}};

/* ---- options ---- */

static void add_axis(struct argp_state *state, hni_sweep *sweep, const char *option, const char *text)
{
    if (sweep->axis_count == HNI_SWEEP_MOST_AXES - 1) /* one is kept for the seeds */
        argp_error(state, "%s: at most %d keys can be varied", option, HNI_SWEEP_MOST_AXES - 1);
    const char *wrong = hni_sweep_axis_read(&sweep->axes[sweep->axis_count], text);
    if (wrong != NULL) argp_error(state, "%s %.100s: %s", option, text, wrong);
    const char *key = sweep->axes[sweep->axis_count].key;
    if (strcmp(key, "train.seed") == 0) argp_error(state, "%s: write seeds as --seeds 1,2,3", option);
    for (size_t i = 0; i < sweep->axis_count; i++)
        if (strcmp(sweep->axes[i].key, key) == 0) argp_error(state, "%s: '%s' is given twice", option, key);
    sweep->axis_count++;
}

/* The seeds become the last axis. */
static void add_seeds(struct argp_state *state, hni_sweep *sweep, const char *text)
{
    hni_sweep_axis *axis = &sweep->axes[sweep->axis_count];
    char assignment[4096] = "train.seed=";
    const size_t key_length = strlen(assignment);
    if (strlen(text) >= sizeof assignment - key_length) argp_error(state, "--seeds: the list is too long");
    strcpy(assignment + key_length, text);
    const char *wrong = hni_sweep_axis_read(axis, assignment);
    if (wrong != NULL) argp_error(state, "--seeds %.100s: %s", text, wrong);
    for (size_t i = 0; i < axis->count; i++)
        hni_cli_integer(state, "--seeds", axis->assignments[i] + key_length, 0, INT64_C(9007199254740992));
    sweep->axis_count++;
    sweep->has_seeds = true;
}

static bool is_set(const hni_sweep *sweep, const char *key)
{
    for (size_t i = 0; i < sweep->set_count; i++)
        if (strncmp(sweep->sets[i], key, strlen(key)) == 0 && sweep->sets[i][strlen(key)] == '=') return true;
    return false;
}

static void check_options(struct argp_state *state, sweep_options *options)
{
    hni_sweep *sweep = &options->sweep;
    size_t runs = 1;
    if (sweep->recipe == NULL) argp_error(state, "a recipe is missing: 'hypernet recipes' lists them");
    if (sweep->folder == NULL) argp_error(state, "a folder for the runs is missing: name it with -o FOLDER");
    if (options->seeds != NULL) add_seeds(state, sweep, options->seeds);
    if (sweep->axis_count == 0) argp_error(state, "nothing to vary: write --grid KEY=A,B,C or --seeds 1,2,3");
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const hni_sweep_axis *axis = &sweep->axes[i];
        if (is_set(sweep, axis->key))
            argp_error(state, "--set %s: is varied as well: leave out one of them", axis->key);
        runs = runs > HNI_SWEEP_MOST_RUNS ? runs : runs * axis->count; /* enough is known past the limit */
    }
    if (runs > HNI_SWEEP_MOST_RUNS)
        argp_error(state, "these are more than %d runs: vary fewer keys or values at a time", HNI_SWEEP_MOST_RUNS);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    sweep_options *options = state->input;
    hni_sweep *sweep = &options->sweep;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_GRID: add_axis(state, sweep, "--grid", argument); return 0;
    case KEY_SEEDS: options->seeds = argument; return 0;
    case 'o': sweep->folder = argument; return 0;
    case 'j': sweep->jobs = (int)hni_cli_integer(state, "--jobs", argument, 1, HNI_SWEEP_MOST_JOBS); return 0;
    case KEY_SET:
        if (sweep->set_count == HNI_SWEEP_MOST_SETS)
            argp_error(state, "--set: at most %d keys can be changed: write a recipe", HNI_SWEEP_MOST_SETS);
        sweep->sets[sweep->set_count++] = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (sweep->recipe != NULL) argp_error(state, "one recipe at a time: '%s' is a second one", argument);
        sweep->recipe = argument;
        return 0;
    case ARGP_KEY_END: check_options(state, options); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RECIPE|FILE.yaml",
    "Trains a recipe with every combination of some keys' values, each in a folder of its own below FOLDER, and shows "
    "which is best on "
    "validation. Ctrl-C saves the runs at work; the same command goes on with them, and trains nothing twice.\v"
    "Example:\n  hypernet sweep text-small --grid train.rate=0.002,0.004,0.008 --grid model.cell=lstm,hyperlstm "
    "--seeds 1,2,3 "
    "-o sweeps/rate --jobs 2\n  hypernet report sweeps/rate/*/",
    hni_cli_common,
    NULL,
    NULL};

/* ---- the whole ---- */

static size_t count_state(const hni_sweep *sweep, hni_sweep_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < sweep->run_count; i++)
        count += sweep->runs[i].state == state;
    return count;
}

static int print_json(const hni_sweep *sweep)
{
    json_t *json = hni_sweep_json(sweep);
    if (json != NULL) json_object_set_new(json, "folder", json_string(sweep->folder));
    return hni_cli_print_json(sweep->cli, json);
}

static int print_result(const hni_sweep *sweep, const char *command)
{
    const size_t finished = count_state(sweep, HNI_SWEEP_FINISHED), failed = count_state(sweep, HNI_SWEEP_FAILED);
    if (sweep->cli->json) {
        if (print_json(sweep) != 0) return 1;
    } else {
        hni_sweep_print(sweep);
    }
    if (finished + failed < sweep->run_count) {
        fprintf(stderr, "stopped: %zu of %zu runs are finished; go on with: %s\n", finished, sweep->run_count, command);
    }
    return failed == sweep->run_count ? 1 : 0;
}

static void share_threads(hni_sweep *sweep)
{
    const int cores = hni_parallel_cores();
    if (sweep->jobs == 0) sweep->jobs = 1;
    sweep->threads = sweep->cli->threads > 0 ? sweep->cli->threads : cores > sweep->jobs ? cores / sweep->jobs : 1;
}

static hn_status work(hni_sweep *sweep)
{
    hni_data_places places;
    hn_status status;
    HNI_TRY(hni_data_places_find(sweep->cli->context, sweep->cli->data, &places));
    HNI_TRY(hni_sweep_plan(sweep, &places));
    HNI_TRY(hni_sweep_open(sweep));
    fprintf(stderr, "%s: %zu runs, %zu of them finished; %d at a time with %d %s each\n", sweep->folder,
            sweep->run_count, count_state(sweep, HNI_SWEEP_FINISHED), sweep->jobs, sweep->threads,
            sweep->threads == 1 ? "thread" : "threads");
    HNI_TRY(hni_sweep_work(sweep));
cleanup:
    return status;
}

int hni_command_sweep(hni_cli *cli, int argc, char **argv)
{
    char *command = hni_cli_command_text(cli);
    sweep_options *options = calloc(1, sizeof *options);
    if (command == NULL || options == NULL) {
        fprintf(stderr, "%s: out of memory\n", cli->name);
        free(command);
        free(options);
        return 1;
    }
    options->cli = options->sweep.cli = cli;
    options->sweep.lock = -1;
    int code = hni_cli_start(cli, &parser, argc, argv, options);
    if (code == 0) {
        share_threads(&options->sweep);
        hni_stop_catch();
        code = work(&options->sweep) == HN_OK ? print_result(&options->sweep, command) : hni_cli_fail(cli);
    }
    hni_sweep_close(&options->sweep);
    free(options);
    free(command);
    return code;
}
