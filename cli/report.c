/* hypernet report RUN...: one page with the curves and figures of runs side by side. */
#include <stdio.h>
#include <string.h>

#include "app/report/report.h"
#include "cli.h"
#include "core/alloc.h"
#include "io/text.h"
#include "model.h"
#include "passage.h"

typedef struct report_options {
    hni_cli *cli;
    const char *output, *title;
    char **runs;
    int run_count;
    int64_t sample_length;
    bool no_samples;
} report_options;

enum { KEY_TITLE = 0x100, KEY_NO_SAMPLES, KEY_SAMPLE_LENGTH };

/* What the models write for the page. */
#define PRIME "And God said, "
#define SAMPLE_LENGTH 400
#define MOST_SAMPLE_LENGTH 100000
#define HEAT_LENGTH 300
#define TEMPERATURE 0.7
#define SEED 1

static const struct argp_option rows[] = {
    {"output", 'o', "FILE", 0, "the page to write (default: report.html, in the run's folder if there is one run)", 0},
    {"title", KEY_TITLE, "TEXT", 0, "heading of the page", 0},
    {"no-samples", KEY_NO_SAMPLES, 0, 0, "only what the runs have logged: no model is loaded to write something", 0},
    {"sample-length", KEY_SAMPLE_LENGTH, "N", 0, "symbols that each model writes (default: 400)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    report_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case 'o': options->output = argument; return 0;
    case KEY_TITLE: options->title = argument; return 0;
    case KEY_NO_SAMPLES: options->no_samples = true; return 0;
    case KEY_SAMPLE_LENGTH:
        options->sample_length = hni_cli_integer(state, "--sample-length", argument, 1, MOST_SAMPLE_LENGTH);
        return 0;
    case ARGP_KEY_ARGS:
        options->runs = state->argv + state->next;
        options->run_count = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "a run is missing: name folders that 'hypernet train' has made"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN...",
    "Writes a page (HTML, nothing beside it) that shows runs side by side: curves over step and "
    "over time, figures, recipes.\vExample:\n  hypernet report runs/lstm runs/hyperlstm -o report.html",
    hni_cli_common,
    NULL,
    NULL};

/* Tells where the page is, and what it says about each run. */
static int print_result(hni_cli *cli, const char *path, const hni_run *runs, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const hni_run_row *best = hni_run_best(&runs[i]);
        json_t *entry = json_pack("{s:s,s:s,s:I}", "folder", runs[i].folder, "name", runs[i].name, "parameters",
                                  (json_int_t)runs[i].parameters);
        if (best) json_object_set_new(entry, "best_step", json_integer((json_int_t)best->step));
        if (best) json_object_set_new(entry, "best_valid_bpc", json_real(best->valid_bpc));
        json_array_append_new(list, entry);
    }
    if (cli->json) return hni_cli_print_json(cli, json_pack("{s:s,s:o}", "file", path, "runs", list));
    json_decref(list);
    puts(path);
    return 0;
}

static hn_status default_path(hni_cli *cli, const report_options *options, hni_text *path)
{
    path->context = cli->context;
    if (options->output)
        hni_text_add(path, "%s", options->output);
    else if (options->run_count == 1)
        hni_text_add(path, "%s/report.html", options->runs[0]);
    else
        hni_text_add(path, "report.html");
    return path->status;
}

/* ---- what the models write ---- */

/* A run's text and its weight change, and the structs of the page that point into them. */
typedef struct written {
    hni_passage text, change;
    hni_run_sample sample;
    hni_run_heat heat;
    char heat_title[96], note[640];
} written;

/* Primed if the model knows all symbols of the prime, else begun from nothing. */
static hn_status write_sample(hni_cli_model *model, hni_sample_options *options, written *out)
{
    hn_context *context = model->context;
    options->prime = PRIME;
    out->sample.prime = PRIME;
    out->sample.title = "primed with \"" PRIME "\", temperature 0.7, seed 1";
    hn_status status = hni_passage_take(model->task, model->work, options, &out->text);
    if (status == HN_ERROR_ARGUMENT) { /* a symbol of the prime is unknown to this model */
        hn_context_clear(context);
        options->prime = "";
        out->sample.prime = NULL;
        out->sample.title = "temperature 0.7, seed 1";
        status = hni_passage_take(model->task, model->work, options, &out->text);
    }
    out->sample.bytes = out->text.text.data;
    out->sample.size = out->text.text.size;
    return status;
}

static hn_status write_heat(hni_cli_model *model, hni_sample_options *options, written *out)
{
    options->length = HEAT_LENGTH;
    const hn_status status = hni_passage_take(model->task, model->work, options, &out->change);
    snprintf(out->heat_title, sizeof out->heat_title, "layer 0, while writing, %s", out->sample.title);
    out->heat.title = out->heat_title;
    out->heat.heat = hni_passage_heat(&out->change);
    return status;
}

/* A run whose checkpoint is not there, or cannot be read, is shown without text: the page and stderr say why. */
static void note_missing(const report_options *options, const char *folder, written *out)
{
    hn_context *context = options->cli->context;
    snprintf(out->note, sizeof out->note, "It has written nothing: %.560s", hn_context_error(context)->text);
    fprintf(stderr, "%s: no sample of %s: %s\n", options->cli->name, folder, hn_context_error(context)->text);
    hn_context_clear(context);
}

static hn_status write_all(const report_options *options, hni_cli_model *model, hni_run *run, written *out)
{
    hni_sample_options sample = {.length = options->sample_length, .temperature = TEMPERATURE, .seed = SEED};
    hni_task_sights sights;
    hn_status status;
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, NULL, NULL));
    HNI_TRY(write_sample(model, &sample, out));
    run->samples = &out->sample;
    run->sample_count = 1;
    model->task->sights(model->work, &sights);
    if (!sights.change_weight) goto cleanup;
    HNI_TRY(write_heat(model, &sample, out));
    run->heats = &out->heat;
    run->heat_count = 1;
cleanup:
    return status;
}

/* Loads the run's best checkpoint, or the newest of a run that was never validated, and lets it write. */
static hn_status add_writing(const report_options *options, const char *folder, hni_run *run, written *out)
{
    hni_cli_model model = {.context = options->cli->context};
    hn_status status = hni_cli_model_find(options->cli->context, folder, &model);
    if (status == HN_ERROR_IO) {
        note_missing(options, folder, out);
        status = HN_OK;
    } else if (status == HN_OK) {
        if (hni_run_best(run) == NULL)
            snprintf(out->note, sizeof out->note,
                     "Never validated yet: the newest checkpoint writes, not the best one.");
        status = write_all(options, &model, run, out);
    }
    if (out->note[0] != 0) run->sample_note = out->note;
    hni_cli_model_close(&model);
    return status;
}

/* ---- the whole ---- */

static hn_status load(const report_options *options, const char *folder, hni_run *run, written *out)
{
    hni_passage_open(options->cli, &out->text);
    hni_passage_open(options->cli, &out->change);
    const hn_status status = hni_run_load(options->cli->context, folder, run);
    if (status != HN_OK || options->no_samples) return status;
    const hn_status writing = add_writing(options, folder, run, out);
    if (writing != HN_OK) hni_run_free(run);
    return writing;
}

int hni_command_report(hni_cli *cli, int argc, char **argv)
{
    report_options options = {.cli = cli, .sample_length = SAMPLE_LENGTH};
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    const size_t count = (size_t)options.run_count;
    hni_text path = {0};
    void *runs_memory = NULL, *texts_memory = NULL;
    size_t loaded = 0;
    hn_status status = hni_alloc_array(cli->context, "runs", count, sizeof(hni_run), &runs_memory);
    if (status == HN_OK) status = hni_alloc_array(cli->context, "runs", count, sizeof(written), &texts_memory);
    hni_run *runs = runs_memory;
    written *texts = texts_memory;
    while (status == HN_OK && loaded < count) {
        status = load(&options, options.runs[loaded], &runs[loaded], &texts[loaded]);
        if (status == HN_OK) loaded++;
    }
    const hni_report report = {.title = options.title, .runs = runs, .run_count = count};
    if (status == HN_OK) status = default_path(cli, &options, &path);
    if (status == HN_OK) status = hni_report_write(cli->context, path.data, &report);
    code = status == HN_OK ? print_result(cli, path.data, runs, options.run_count) : hni_cli_fail(cli);
    for (size_t i = 0; i < loaded; i++)
        hni_run_free(&runs[i]);
    for (size_t i = 0; texts != NULL && i < count; i++) {
        hni_passage_close(&texts[i].text);
        hni_passage_close(&texts[i].change);
    }
    hni_free(cli->context, runs);
    hni_free(cli->context, texts);
    hni_text_free(&path);
    return code;
}
