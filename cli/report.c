/* hypernet report RUN...: one page with the curves and figures of runs side by side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/report/report.h"
#include "cli.h"
#include "core/alloc.h"
#include "io/text.h"
#include "report_work.h"

typedef struct report_options {
    hni_cli *cli;
    const char *output, *title;
    char **runs;
    int run_count;
    int64_t sample_length;
    bool no_samples, test;
} report_options;

enum { KEY_TITLE = 0x100, KEY_NO_SAMPLES, KEY_SAMPLE_LENGTH, KEY_TEST };

#define SAMPLE_LENGTH 400
#define MOST_SAMPLE_LENGTH 100000

static const struct argp_option rows[] = {
    {"output", 'o', "FILE", 0, "the page to write (default: report.html, in the run's folder if there is one run)", 0},
    {"title", KEY_TITLE, "TEXT", 0, "heading of the page", 0},
    {"no-samples", KEY_NO_SAMPLES, 0, 0,
     "only what the runs have logged: no model is loaded to write something, and to show what it is made of and what "
     "goes on inside",
     0},
    {"sample-length", KEY_SAMPLE_LENGTH, "N", 0, "symbols that each model writes (default: 400)", 0},
    {"test", KEY_TEST, 0, 0,
     "also measure each best checkpoint on its test split, as 'eval' does, and show what a classifier took for what: "
     "needs the data",
     0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    report_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case 'o': options->output = argument; return 0;
    case KEY_TITLE: options->title = argument; return 0;
    case KEY_NO_SAMPLES: options->no_samples = true; return 0;
    case KEY_TEST: options->test = true; return 0;
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

/* "test_bpc": the key of the run's metric behind `begin`. */
static void set_figure(json_t *entry, const char *begin, const hni_run *run, double figure)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s", begin, run->measure->metric_key);
    json_object_set_new(entry, key, json_real(figure));
}

/* Tells where the page is, and what it says about each run. */
static int print_result(hni_cli *cli, const char *path, const hni_run *runs, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const hni_run_row *best = hni_run_best(&runs[i]);
        json_t *entry = json_pack("{s:o,s:o,s:I}", "folder", hni_cli_path_json(cli, runs[i].folder), "name",
                                  hni_cli_path_json(cli, runs[i].name), "parameters", (json_int_t)runs[i].parameters);
        if (best) json_object_set_new(entry, "best_step", json_integer((json_int_t)best->step));
        if (best) set_figure(entry, "best_valid_", &runs[i], best->valid);
        if (isfinite(runs[i].test)) set_figure(entry, "test_", &runs[i], runs[i].test);
        json_array_append_new(list, entry);
    }
    if (cli->json)
        return hni_cli_print_json(cli, json_pack("{s:o,s:o}", "file", hni_cli_path_json(cli, path), "runs", list));
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

/* ---- the whole ---- */

static hn_status load(const report_options *options, const char *folder, hni_run *run, hni_report_work *work)
{
    const hni_report_work_options wanted = {.cli = options->cli,
                                            .sample_length = options->sample_length,
                                            .writes = !options->no_samples,
                                            .tests = options->test};
    hni_report_work_open(options->cli, work);
    hn_status status = hni_run_load(options->cli->context, folder, run);
    if (status != HN_OK || (options->no_samples && !options->test)) return status;
    status = hni_report_work_do(&wanted, folder, run, work);
    if (status != HN_OK) hni_run_free(run);
    return status;
}

int hni_command_report(hni_cli *cli, int argc, char **argv)
{
    report_options options = {.cli = cli, .sample_length = SAMPLE_LENGTH};
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    const size_t count = (size_t)options.run_count;
    hni_text path = {0};
    void *runs_memory = NULL, *works_memory = NULL;
    size_t loaded = 0;
    hn_status status = hni_alloc_array(cli->context, "runs", count, sizeof(hni_run), &runs_memory);
    if (status == HN_OK) status = hni_alloc_array(cli->context, "runs", count, sizeof(hni_report_work), &works_memory);
    hni_run *runs = runs_memory;
    hni_report_work *works = works_memory;
    while (status == HN_OK && loaded < count) {
        status = load(&options, options.runs[loaded], &runs[loaded], &works[loaded]);
        if (status == HN_OK) loaded++;
    }
    const hni_report report = {.title = options.title, .runs = runs, .run_count = count};
    if (status == HN_OK) status = default_path(cli, &options, &path);
    if (status == HN_OK) status = hni_report_write(cli->context, path.data, &report);
    code = status == HN_OK ? print_result(cli, path.data, runs, options.run_count) : hni_cli_fail(cli);
    for (size_t i = 0; i < loaded; i++)
        hni_run_free(&runs[i]);
    for (size_t i = 0; works != NULL && i < count; i++) {
        hni_report_work_close(&works[i]);
    }
    hni_free(cli->context, runs);
    hni_free(cli->context, works);
    hni_text_free(&path);
    return code;
}
