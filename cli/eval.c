/* hypernet eval: how well a trained model predicts a text. */
#include <stdio.h>
#include <string.h>

#include "app/data/text.h"
#include "cli.h"
#include "core/alloc.h"
#include "format.h"
#include "io/text.h"
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

/* What the symbols of one row took. */
typedef struct symbol_sum {
    char bytes[4];
    size_t size;
    double bits;
    int64_t count; /* 0: does not occur */
} symbol_sum;

typedef struct symbol_sums {
    symbol_sum rows[HNI_MOST_SYMBOLS];
} symbol_sums;

static void add_symbol(void *user, int64_t row, const char *bytes, size_t size, double bits)
{
    symbol_sum *sum = &((symbol_sums *)user)->rows[row];
    memcpy(sum->bytes, bytes, size);
    sum->size = size;
    sum->bits += bits;
    sum->count++;
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

/* A symbol of one byte has "byte", one that is text has "symbol". */
static json_t *symbol_as_json(const symbol_sum *sum)
{
    json_t *entry = json_pack("{s:I,s:f}", "count", (json_int_t)sum->count, "bits", sum->bits / (double)sum->count);
    if (sum->size == 1) json_object_set_new(entry, "byte", json_integer((uint8_t)sum->bytes[0]));
    if (hni_utf8_length(sum->bytes, sum->size) == sum->size)
        json_object_set_new(entry, "symbol", json_stringn(sum->bytes, sum->size));
    return entry;
}

static json_t *symbols_as_json(const symbol_sums *sums)
{
    json_t *list = json_array();
    for (size_t row = 0; row < HNI_MOST_SYMBOLS; row++) {
        const symbol_sum *sum = &sums->rows[row];
        if (sum->count > 0) json_array_append_new(list, symbol_as_json(sum));
    }
    return list;
}

static void print_symbols(const symbol_sums *sums)
{
    printf("%-16s %12s %10s\n", "symbol", "count", "bits each");
    for (size_t row = 0; row < HNI_MOST_SYMBOLS; row++) {
        const symbol_sum *sum = &sums->rows[row];
        char shown[HNI_SYMBOL_PRINT_SIZE], count[32];
        if (sum->count == 0) continue;
        printf("%-16s %12s %10.4f\n", hni_symbol_print(sum->bytes, sum->size, shown, sizeof shown),
               hni_count_print(sum->count, count, sizeof count), sum->bits / (double)sum->count);
    }
}

static json_t *figures_as_json(const hni_metric *metric)
{
    json_t *all = json_object();
    for (size_t i = 0; i < metric->figure_count; i++)
        json_object_set_new(all, metric->figures[i].name, json_real(metric->figures[i].value));
    return all;
}

/* Bytes of a figure's name before its last part: "rank.0.h" of "rank.0.h.i". */
static size_t stem_length(const hni_figure *figure)
{
    const char *dot = strrchr(figure->name, '.');
    return dot != NULL ? (size_t)(dot - figure->name) : 0;
}

/* Figures whose names differ in their last part alone stand on one line. */
static void print_figures(const hni_metric *metric)
{
    for (size_t i = 0; i < metric->figure_count; i++) {
        const hni_figure *figure = &metric->figures[i], *before = i > 0 ? figure - 1 : NULL;
        const size_t stem = stem_length(figure);
        if (before == NULL || stem_length(before) != stem || strncmp(before->name, figure->name, stem) != 0)
            printf("%s%-12.*s", i > 0 ? "\n" : "", (int)stem, figure->name);
        printf("  %s %.3f", figure->name + stem + (stem > 0), figure->value);
    }
    if (metric->figure_count > 0) putchar('\n');
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
        if (result != NULL && metric->figure_count > 0) json_object_set_new(result, "figures", figures_as_json(metric));
        if (result != NULL && options->per_symbol) json_object_set_new(result, "symbols", symbols_as_json(sums));
        return hni_cli_print_json(options->cli, result);
    }
    char count[32];
    printf("%s: %.4f %s (%s %s; %s)\n", what, metric->value, size.metric_name,
           hni_count_print(metric->count, count, sizeof count), size.symbol_name, metric->note);
    print_figures(metric);
    if (options->per_symbol) print_symbols(sums);
    return 0;
}

int hni_command_eval(hni_cli *cli, int argc, char **argv)
{
    void *sums = NULL;
    eval_options options = {.cli = cli};
    hni_cli_model model = {.context = NULL};
    hni_metric metric;
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    hn_status status = hni_alloc(cli->context, "symbols", sizeof(symbol_sums), &sums);
    if (status == HN_OK) status = measure(&options, &model, sums, &metric);
    code = status == HN_OK ? print_result(&options, &model, sums, &metric) : hni_cli_fail(cli);
    hni_cli_model_close(&model);
    hni_free(cli->context, sums);
    return code;
}
