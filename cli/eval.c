/* hypernet eval: how well a trained model predicts a text. */
#include <stdio.h>
#include <string.h>

#include "app/data/text.h"
#include "cli.h"
#include "format.h"
#include "model.h"

#define MOST_TRACKS 4096

typedef struct eval_options {
    hni_cli *cli;
    const char *run, *split, *file;
    int64_t tracks;
    bool per_symbol;
} eval_options;

enum { KEY_SPLIT = 0x100, KEY_FILE, KEY_TRACKS, KEY_PER_SYMBOL };

static const struct argp_option rows[] = {
    {"split", KEY_SPLIT, "valid|test|train", 0, "part of the recipe's data (default: test)", 0},
    {"file", KEY_FILE, "PATH", 0, "another text instead, the whole of it", 0},
    {"tracks", KEY_TRACKS, "K", 0,
     "parallel tracks: faster, but each begins with an empty state (default: 1, one stream)", 0},
    {"per-symbol", KEY_PER_SYMBOL, 0, 0, "also the bits of each symbol (one track only)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    eval_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_SPLIT:
        if (strcmp(argument, "valid") != 0 && strcmp(argument, "test") != 0 && strcmp(argument, "train") != 0) {
            argp_error(state, "--split: '%s' is unknown: it is valid, test or train", argument);
        }
        options->split = argument;
        return 0;
    case KEY_FILE: options->file = argument; return 0;
    case KEY_TRACKS: options->tracks = hni_cli_integer(state, "--tracks", argument, 1, MOST_TRACKS); return 0;
    case KEY_PER_SYMBOL: options->per_symbol = true; return 0;
    case ARGP_KEY_ARG:
        if (options->run != NULL) argp_error(state, "one run at a time: '%s' is a second one", argument);
        options->run = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->run == NULL) argp_error(state, "a run is missing: name a folder that 'hypernet train' has made");
        if (options->file != NULL && options->split != NULL)
            argp_error(state, "--file is a whole text: --split does not go with it");
        if (options->per_symbol && options->tracks > 1)
            argp_error(state, "--per-symbol needs one track: leave --tracks out");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN|FILE.safetensors",
    "Measures a trained model on a part of its data, or on another text: state carried through the "
    "whole, no dropout.\vExamples:\n  hypernet eval runs/mine --split valid\n"
    "  hypernet eval runs/mine --file other.txt",
    hni_cli_common,
    NULL,
    NULL};

typedef struct symbol_sums {
    double bits[256];
    int64_t count[256];
} symbol_sums;

static void add_symbol(void *user, uint8_t byte, double bits)
{
    symbol_sums *sums = user;
    sums->bits[byte] += bits;
    sums->count[byte]++;
}

static bool show_progress(void *user, int64_t done, int64_t total)
{
    (void)user;
    fprintf(stderr, "\r%3d %%", (int)(100.0 * (double)done / (double)total));
    return true;
}

static hn_status measure(const eval_options *options, hni_cli_model *model, symbol_sums *sums, hni_metric *out_metric)
{
    hn_context *context = options->cli->context;
    const bool shown = hni_is_terminal(stderr);
    const hni_evaluate_options evaluate = {
        .split = options->file != NULL    ? "all"
                 : options->split != NULL ? options->split
                                          : "test",
        .tracks = options->tracks > 0 ? options->tracks : 1,
        .progress = shown ? show_progress : NULL,
        .symbol = options->per_symbol ? add_symbol : NULL,
        .user = sums,
    };
    hni_data_places places;
    hn_status status;
    HNI_TRY(hni_data_places_find(context, options->cli->data, &places));
    HNI_TRY(hni_cli_model_find(context, options->run, model));
    if (model->plan == NULL && options->file == NULL) {
        status = hni_error(context, HN_ERROR_ARGUMENT,
                           "%.300s: lies in no run, so its data is not known: name a text with --file", model->path);
        goto cleanup;
    }
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, &places, options->file));
    status = model->task->evaluate(model->work, &evaluate, out_metric);
    if (shown) fputs("\r      \r", stderr);
cleanup:
    return status;
}

static json_t *symbols_as_json(const symbol_sums *sums)
{
    json_t *list = json_array();
    for (int byte = 0; byte < 256; byte++) {
        if (sums->count[byte] == 0) continue;
        json_array_append_new(list, json_pack("{s:i,s:I,s:f}", "byte", byte, "count", (json_int_t)sums->count[byte],
                                              "bits", sums->bits[byte] / (double)sums->count[byte]));
    }
    return list;
}

static void print_symbols(const symbol_sums *sums)
{
    printf("%-12s %12s %10s\n", "symbol", "count", "bits each");
    for (int byte = 0; byte < 256; byte++) {
        char shown[16], count[32];
        if (sums->count[byte] == 0) continue;
        printf("%-12s %12s %10.4f\n", hni_byte_print((uint8_t)byte, shown, sizeof shown),
               hni_count_print(sums->count[byte], count, sizeof count), sums->bits[byte] / (double)sums->count[byte]);
    }
}

static int print_result(const eval_options *options, const hni_cli_model *model, const symbol_sums *sums,
                        const hni_metric *metric)
{
    const char *what = options->file != NULL ? options->file : options->split != NULL ? options->split : "test";
    hni_task_size size;
    model->task->size(model->work, &size);
    if (options->cli->json) {
        json_t *result = json_pack("{s:s,s:s,s:s,s:f,s:s,s:I,s:s}", "checkpoint", model->path, "task",
                                   model->task->name, "data", what, "value", metric->value, "unit", size.metric_name,
                                   "count", (json_int_t)metric->count, "note", metric->note);
        if (result != NULL && options->per_symbol) json_object_set_new(result, "symbols", symbols_as_json(sums));
        return hni_cli_print_json(options->cli, result);
    }
    char count[32];
    printf("%s: %.4f %s (%s %s; %s)\n", what, metric->value, size.metric_name,
           hni_count_print(metric->count, count, sizeof count), size.symbol_name, metric->note);
    if (options->per_symbol) print_symbols(sums);
    return 0;
}

int hni_command_eval(hni_cli *cli, int argc, char **argv)
{
    symbol_sums sums = {{0}, {0}};
    eval_options options = {.cli = cli};
    hni_cli_model model = {.context = NULL};
    hni_metric metric;
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    const hn_status status = measure(&options, &model, &sums, &metric);
    code = status == HN_OK ? print_result(&options, &model, &sums, &metric) : hni_cli_fail(cli);
    hni_cli_model_close(&model);
    return code;
}
