/* hypernet eval: how well a trained model predicts a text, or classifies images. */
#include <stdio.h>
#include <string.h>

#include "app/train/trainer.h"
#include "cli.h"
#include "core/alloc.h"
#include "eval_classes.h"
#include "format.h"
#include "io/files.h"
#include "io/text.h"
#include "model.h"
#include "symbols.h"

#define MOST_TRACKS 4096
#define DYNAMIC_RATE "0.1"
#define DYNAMIC_DECAY "0.001"
#define DYNAMIC_LENGTH "20"

typedef struct eval_options {
    hni_cli *cli;
    const char *run, *split, *file;
    int64_t tracks;
    bool has_storage;
    hn_dtype storage;
    bool per_symbol;
    hni_symbols_form form; /* what of it is printed */
    const char *output;
    bool is_dynamic;
    hni_dynamic_options dynamic;
    const char *of_dynamic; /* the last option given that only --dynamic has use for; NULL: none */
} eval_options;

/* What was measured. */
typedef struct eval_result {
    hni_metric metric, dynamic;
    hni_class_counts classes; /* of a task that knows some */
} eval_result;

enum {
    KEY_SPLIT = 0x100,
    KEY_FILE,
    KEY_TRACKS,
    KEY_PER_SYMBOL,
    KEY_DYNAMIC,
    KEY_RATE,
    KEY_DECAY,
    KEY_LENGTH,
    KEY_STORAGE
};

static const struct argp_option rows[] = {
    {"split", KEY_SPLIT, "valid|test|train", 0, "part of the recipe's data (default: test)", 0},
    {"file", KEY_FILE, "PATH", 0, "another text, or other images, instead: the whole of it", 0},
    {"tracks", KEY_TRACKS, "K", 0,
     "parallel tracks: faster, but each begins with an empty state (default: 1, one stream)", 0},
    {"storage", KEY_STORAGE, HNI_CLI_STORAGE_WORDS, 0,
     "as 'hypernet sample' computes it, symbol by symbol, with matrices kept like this (default: whole windows at "
     "once)",
     0},
    {"per-symbol", KEY_PER_SYMBOL, "FORM", OPTION_ARG_OPTIONAL,
     "also the bits of every symbol, in order: csv, or ansi or html for coloured text, or table for each kind of "
     "symbol "
     "(one track only; default: ansi on a terminal, else csv)",
     0},
    {"output", 'o', "FILE", 0, "where the bits of the symbols go (default: standard output)", 0},
    {"dynamic", KEY_DYNAMIC, 0, 0,
     "also with weights that follow the text: after each segment they take a step down its loss, and a step back to "
     "the "
     "trained ones (dynamic evaluation); no file is changed",
     0},
    {"dynamic-rate", KEY_RATE, "R", 0, "size of the step down the loss (default: " DYNAMIC_RATE ")", 0},
    {"dynamic-decay", KEY_DECAY, "L", 0,
     "share of the way back to the trained weights, 0 to 1 (default: " DYNAMIC_DECAY ")", 0},
    {"dynamic-length", KEY_LENGTH, "T", 0, "symbols of a segment (default: " DYNAMIC_LENGTH ")", 0},
    {0}};

static hni_symbols_form find_form(const char *text)
{
    for (int form = HNI_SYMBOLS_CSV; form < HNI_SYMBOLS_FORMS; form++)
        if (strcmp(text, hni_symbols_words[form]) == 0) return (hni_symbols_form)form;
    return HNI_SYMBOLS_NONE;
}

static hni_symbols_form parse_form(struct argp_state *state, const char *text)
{
    const hni_symbols_form form = find_form(text);
    if (form == HNI_SYMBOLS_NONE)
        argp_error(state, "--per-symbol: '%s' is unknown: it is csv, ansi, html or table", text);
    return form;
}

/* The options of --dynamic; false for another key. */
static bool parse_dynamic(int key, char *argument, struct argp_state *state)
{
    static const char *const names[] = {"--dynamic-rate", "--dynamic-decay", "--dynamic-length"};
    eval_options *options = state->input;
    hni_dynamic_options *dynamic = &options->dynamic;
    if (key < KEY_RATE || key > KEY_LENGTH) return false;
    const char *name = names[key - KEY_RATE];
    options->of_dynamic = name;
    if (key == KEY_RATE) dynamic->rate = hni_cli_number(state, name, argument, 0, 1e30);
    if (key == KEY_DECAY) dynamic->decay = hni_cli_number(state, name, argument, 0, 1);
    if (key == KEY_LENGTH) dynamic->length = hni_cli_integer(state, name, argument, 1, 1000000000);
    return true;
}

static void check_dynamic(const eval_options *options, struct argp_state *state)
{
    if (options->of_dynamic != NULL && !options->is_dynamic)
        argp_error(state, "%s is for dynamic evaluation: add --dynamic", options->of_dynamic);
    if (options->is_dynamic && options->has_storage)
        argp_error(state, "--dynamic changes weights, --storage keeps them packed: give one of the two");
    if (options->is_dynamic && options->tracks > 1) argp_error(state, "--dynamic follows one text: leave --tracks out");
}

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
    case KEY_STORAGE:
        options->has_storage = true;
        options->storage = hni_cli_storage(state, argument);
        return 0;
    case KEY_PER_SYMBOL:
        options->per_symbol = true;
        options->form = argument != NULL ? parse_form(state, argument) : HNI_SYMBOLS_NONE;
        return 0;
    case 'o': options->output = argument; return 0;
    case KEY_DYNAMIC: options->is_dynamic = true; return 0;
    case ARGP_KEY_ARG:
        if (options->run != NULL && options->per_symbol && find_form(argument) != HNI_SYMBOLS_NONE)
            argp_error(state, "'%s' is taken for a second run: write --per-symbol=%s", argument, argument);
        if (options->run != NULL) argp_error(state, "one run at a time: '%s' is a second one", argument);
        options->run = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->run == NULL) argp_error(state, "a run is missing: name a folder that 'hypernet train' has made");
        if (options->file != NULL && options->split != NULL)
            argp_error(state, "--file is the whole of a text, or of images: --split does not go with it");
        if (options->per_symbol && options->tracks > 1)
            argp_error(state, "--per-symbol needs one track: leave --tracks out");
        if (options->output != NULL && !options->per_symbol)
            argp_error(state, "--output is for the bits of the symbols: add --per-symbol");
        check_dynamic(options, state);
        return 0;
    default: return parse_dynamic(key, argument, state) ? 0 : ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN|FILE.safetensors",
    "Measures a trained model on a part of its data, or on other data, without dropout: a text with state carried "
    "through the whole, images with how many of each class were right.\vExamples:\n  hypernet eval runs/mine --split "
    "valid\n"
    "  hypernet eval runs/mine --file other.txt\n"
    "  hypernet eval runs/mine --split valid --storage int8\n"
    "  hypernet eval runs/mine --per-symbol=html -o surprise.html\n"
    "  hypernet eval runs/mine --file other.txt --dynamic --dynamic-rate 0.2",
    hni_cli_common,
    NULL,
    NULL};

/* The form that was not named; with --json the table is part of the object, and another form needs a file of its own. */
static int choose_form(eval_options *options)
{
    if (!options->per_symbol) return 0;
    if (options->form == HNI_SYMBOLS_NONE && (options->output != NULL || !options->cli->json)) {
        const bool shown = options->output == NULL && hni_is_terminal(stdout);
        options->form = shown ? HNI_SYMBOLS_ANSI : HNI_SYMBOLS_CSV;
    }
    if (options->form == HNI_SYMBOLS_NONE || options->output != NULL || !options->cli->json) return 0;
    return hni_cli_usage(options->cli, "--json and --per-symbol=%s both write to standard output: add -o FILE",
                         hni_symbols_words[options->form]);
}

static bool show_progress(void *user, int64_t done, int64_t total)
{
    (void)user;
    fprintf(stderr, "\r%3d %%", (int)(100.0 * (double)done / (double)total));
    return true;
}

/* Refuses a dynamic evaluation that does not fit into memory, before anything is computed. */
static hn_status check_memory(const eval_options *options, hni_cli_model *model, const hni_evaluate_options *evaluate)
{
    hn_context *context = options->cli->context;
    const int64_t has = hni_free_memory();
    char needs_text[32], has_text[32];
    int64_t needs = 0;
    if (model->task->dynamic_bytes == NULL) {
        return hni_error(context, HN_ERROR_ARGUMENT, "--dynamic: task '%s' has no dynamic evaluation",
                         model->task->name);
    }
    const hn_status status = model->task->dynamic_bytes(model->work, evaluate, &needs);
    if (status != HN_OK || has == 0 || needs <= has) return status;
    return hni_error(context, HN_ERROR_MEMORY, "dynamic evaluation needs %s, %s free: make --dynamic-length smaller",
                     hni_bytes_print((uint64_t)needs, needs_text, sizeof needs_text),
                     hni_bytes_print((uint64_t)has, has_text, sizeof has_text));
}

static hn_status evaluate(const hni_cli_model *model, const hni_evaluate_options *evaluate, hni_metric *out_metric)
{
    const hn_status status = model->task->evaluate(model->work, evaluate, out_metric);
    if (evaluate->progress != NULL) fputs("\r      \r", stderr);
    return status;
}

/* Options that only a stream has use for. */
static hn_status check_stream(const eval_options *options, const hni_cli_model *model)
{
    const char *option = options->tracks > 0    ? "--tracks"
                         : options->has_storage ? "--storage"
                         : options->per_symbol  ? "--per-symbol"
                                                : NULL;
    if (option == NULL || model->task->streams) return HN_OK;
    return hni_error(options->cli->context, HN_ERROR_ARGUMENT,
                     "%s: %.300s is of task '%s', which reads no stream of symbols: leave it out", option, model->path,
                     model->task->name);
}

static hn_status open_model(const eval_options *options, hni_cli_model *model)
{
    hn_context *context = options->cli->context;
    hni_data_places places;
    hn_status status;
    HNI_TRY(hni_data_places_find(context, options->cli->data, &places));
    HNI_TRY(hni_cli_model_find(context, options->run, model));
    if (model->plan == NULL && options->file == NULL) {
        status = hni_error(context, HN_ERROR_ARGUMENT,
                           "%.300s: lies in no run, so its data is not known: name a text, or images, with --file",
                           model->path);
        goto cleanup;
    }
    HNI_TRY(check_stream(options, model));
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, &places, options->file));
cleanup:
    return status;
}

/* The static figure, and the dynamic one if it is wanted: both predict as many symbols at once, so that with rate 0 they are equal. */
static hn_status measure(const eval_options *options, hni_cli_model *model, hni_symbols *symbols,
                         eval_result *out_result)
{
    hni_evaluate_options plain = {
        .split = options->file != NULL    ? "all"
                 : options->split != NULL ? options->split
                                          : "test",
        .tracks = options->tracks > 0 ? options->tracks : 1,
        .progress = hni_is_terminal(stderr) ? show_progress : NULL,
        .symbol = options->per_symbol ? hni_symbols_take : NULL,
        .user = symbols,
        .window = options->is_dynamic ? options->dynamic.length : 0,
        .stored = options->has_storage,
        .storage = options->storage,
    };
    hni_evaluate_options dynamic = plain;
    hn_status status;
    dynamic.symbol = options->per_symbol ? hni_symbols_take_dynamic : NULL;
    dynamic.dynamic = &options->dynamic;
    HNI_TRY(open_model(options, model));
    if (options->is_dynamic) HNI_TRY(check_memory(options, model, &dynamic));
    if (model->task->class_name != NULL) {
        HNI_TRY(hni_class_counts_begin(model->context, model->task, model->work, &out_result->classes));
        plain.item = hni_class_counts_take;
        plain.user = &out_result->classes;
    }
    HNI_TRY(evaluate(model, &plain, &out_result->metric));
    if (options->is_dynamic) HNI_TRY(evaluate(model, &dynamic, &out_result->dynamic));
cleanup:
    return status;
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
static void print_figures(FILE *file, const hni_metric *metric)
{
    for (size_t i = 0; i < metric->figure_count; i++) {
        const hni_figure *figure = &metric->figures[i], *before = i > 0 ? figure - 1 : NULL;
        const size_t stem = stem_length(figure);
        if (before == NULL || stem_length(before) != stem || strncmp(before->name, figure->name, stem) != 0)
            fprintf(file, "%s%-12.*s", i > 0 ? "\n" : "", (int)stem, figure->name);
        fprintf(file, "  %s %.3f", figure->name + stem + (stem > 0), figure->value);
    }
    if (metric->figure_count > 0) fputc('\n', file);
}

static const char *data_name(const eval_options *options)
{
    return options->file != NULL ? options->file : options->split != NULL ? options->split : "test";
}

/* "test: 1.2345 bits per character (449,944 characters; one stream, state carried)"; `kind` stands behind the part's name. */
static void describe(const eval_options *options, const hni_cli_model *model, const char *kind,
                     const hni_metric *metric, hni_text *out)
{
    char count[32];
    const hni_measure *measure = &model->task->measure;
    hni_text_add(out, "%s%s: %.*f %s (%s %s; %s)", data_name(options), kind, measure->decimals + 1, metric->value,
                 measure->metric_unit, hni_count_print(metric->count, count, sizeof count), measure->symbols,
                 metric->note);
}

/* What --per-symbol asks for, to its file or to stdout. */
static hn_status write_symbols(const eval_options *options, const hni_symbols *symbols, const char *figure)
{
    hn_context *context = options->cli->context;
    hni_text text = {.context = context}, title = {.context = context};
    hn_status status;
    if (options->form == HNI_SYMBOLS_NONE) return HN_OK;
    hni_text_add(&title, "%s: surprise", options->run);
    HNI_TRY(title.status);
    HNI_TRY(hni_symbols_print(symbols, options->form, title.data, figure, &text));
    if (options->output != NULL) {
        HNI_TRY(hni_file_write_atomic(context, options->output, text.data, text.size));
    } else {
        fwrite(text.data, 1, text.size, stdout);
    }
cleanup:
    hni_text_free(&text);
    hni_text_free(&title);
    return status;
}

static json_t *dynamic_as_json(const hni_dynamic_options *dynamic, const hni_metric *metric)
{
    return json_pack("{s:f,s:I,s:s,s:f,s:f,s:I}", "value", metric->value, "count", (json_int_t)metric->count, "note",
                     metric->note, "rate", dynamic->rate, "decay", dynamic->decay, "length",
                     (json_int_t)dynamic->length);
}

static int print_json(const eval_options *options, const hni_cli_model *model, const hni_symbols *symbols,
                      const eval_result *measured)
{
    const hni_metric *metric = &measured->metric;
    json_t *result = json_pack(
        "{s:o,s:s,s:o,s:f,s:s,s:I,s:s}", "checkpoint", hni_cli_path_json(options->cli, model->path), "task",
        model->task->name, "data", hni_cli_path_json(options->cli, data_name(options)), "value", metric->value, "unit",
        model->task->measure.metric_name, "count", (json_int_t)metric->count, "note", metric->note);
    if (result != NULL && metric->figure_count > 0) json_object_set_new(result, "figures", figures_as_json(metric));
    if (result != NULL && options->per_symbol &&
        json_object_set_new(result, "symbols", hni_symbols_json(symbols)) != 0) { /* out of memory */
        json_decref(result);
        result = NULL;
    }
    if (result != NULL && measured->classes.context != NULL &&
        json_object_set_new(result, "classes", hni_eval_classes_json(&measured->classes)) != 0) { /* out of memory */
        json_decref(result);
        result = NULL;
    }
    if (result != NULL && options->is_dynamic)
        json_object_set_new(result, "dynamic", dynamic_as_json(&options->dynamic, &measured->dynamic));
    if (result != NULL && options->has_storage)
        json_object_set_new(result, "storage", json_string(hni_cli_storage_word(options->storage)));
    if (result != NULL && options->output != NULL)
        json_object_set_new(result, "file", hni_cli_path_json(options->cli, options->output));
    return hni_cli_print_json(options->cli, result);
}

/* The figures go to stdout, but out of the way of symbols that another program may read. */
static int print_result(const eval_options *options, const hni_cli_model *model, const hni_symbols *symbols,
                        const eval_result *result)
{
    const bool is_alone = options->form == HNI_SYMBOLS_NONE || options->output != NULL ||
                          options->form == HNI_SYMBOLS_ANSI || options->form == HNI_SYMBOLS_TABLE;
    FILE *file = is_alone ? stdout : stderr;
    hni_text figure = {.context = options->cli->context}, dynamic = {.context = options->cli->context};
    hn_status status;
    describe(options, model, "", &result->metric, &figure);
    if (options->is_dynamic) describe(options, model, ", dynamic", &result->dynamic, &dynamic);
    HNI_TRY(figure.status);
    HNI_TRY(dynamic.status);
    if (!options->cli->json) {
        fprintf(file, "%s\n", figure.data);
        if (options->is_dynamic) fprintf(file, "%s\n", dynamic.data);
        if (result->classes.context != NULL) {
            hni_eval_classes_print(&result->classes, file);
        } else {
            print_figures(file, &result->metric);
        }
    }
    HNI_TRY(write_symbols(options, symbols, figure.data));
cleanup:
    hni_text_free(&figure);
    hni_text_free(&dynamic);
    if (status != HN_OK) return hni_cli_fail(options->cli);
    return options->cli->json ? print_json(options, model, symbols, result) : 0;
}

int hni_command_eval(hni_cli *cli, int argc, char **argv)
{
    eval_options options = {.cli = cli};
    (void)hni_number_parse(DYNAMIC_RATE, &options.dynamic.rate);
    (void)hni_number_parse(DYNAMIC_DECAY, &options.dynamic.decay);
    (void)hni_whole_parse(DYNAMIC_LENGTH, &options.dynamic.length);
    hni_cli_model model = {.context = NULL};
    hni_symbols *symbols = NULL;
    eval_result result = {.metric = {.value = 0}};
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    code = choose_form(&options);
    if (code != 0) return code;
    hn_status status = hni_symbols_create(cli->context, &symbols);
    if (status == HN_OK) status = measure(&options, &model, symbols, &result);
    code = status == HN_OK ? print_result(&options, &model, symbols, &result) : hni_cli_fail(cli);
    hni_cli_model_close(&model);
    hni_symbols_destroy(symbols);
    hni_class_counts_free(&result.classes);
    return code;
}
