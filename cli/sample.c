/* hypernet sample: text that a trained model writes, and how its weights change meanwhile (figure 4 of the paper). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/report/report.h"
#include "cli.h"
#include "core/alloc.h"
#include "format.h"
#include "io/text.h"
#include "model.h"
#include "passage.h"

#define MOST_LENGTH 100000000
#define PICTURE_COLUMNS 80

typedef enum heat_form { HEAT_NONE, HEAT_ANSI, HEAT_SVG, HEAT_HTML } heat_form;

typedef struct sample_options {
    hni_cli *cli;
    const char *run, *prime;
    int64_t length, seed;
    int layer;
    double temperature;
    heat_form heat;
} sample_options;

enum { KEY_PRIME = 0x100, KEY_LENGTH, KEY_TEMPERATURE, KEY_SEED, KEY_HEAT, KEY_LAYER };

static const struct argp_option rows[] = {
    {"prime", KEY_PRIME, "TEXT", 0, "what the model reads first, and goes on from", 0},
    {"length", KEY_LENGTH, "N", 0, "symbols to write (default: 400)", 0},
    {"temperature", KEY_TEMPERATURE, "T", 0,
     "below 1: more of what is likely; 0: always the most likely (default: 0.8)", 0},
    {"seed", KEY_SEED, "N", 0, "another text for each number (default: 1)", 0},
    {"heat", KEY_HEAT, "ansi|svg|html", 0, "show how the weights of a HyperLSTM change under the text", 0},
    {"layer", KEY_LAYER, "K", 0, "layer that --heat shows (default: 0, the first)", 0},
    {0}};

static heat_form parse_heat(struct argp_state *state, const char *text)
{
    static const char *const words[] = {"ansi", "svg", "html"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) return (heat_form)(HEAT_ANSI + i);
    argp_error(state, "--heat: '%s' is unknown: it is ansi, svg or html", text);
    return HEAT_NONE;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    sample_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_PRIME: options->prime = argument; return 0;
    case KEY_LENGTH: options->length = hni_cli_integer(state, "--length", argument, 0, MOST_LENGTH); return 0;
    case KEY_TEMPERATURE: options->temperature = hni_cli_number(state, "--temperature", argument, 0, 100); return 0;
    case KEY_SEED: options->seed = hni_cli_integer(state, "--seed", argument, 0, INT64_MAX); return 0;
    case KEY_HEAT: options->heat = parse_heat(state, argument); return 0;
    case KEY_LAYER: options->layer = (int)hni_cli_integer(state, "--layer", argument, 0, HN_MAX_LAYERS - 1); return 0;
    case ARGP_KEY_ARG:
        if (options->run != NULL) argp_error(state, "one run at a time: '%s' is a second one", argument);
        options->run = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->run == NULL) argp_error(state, "a run is missing: name a folder that 'hypernet train' has made");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN|FILE.safetensors",
    "Lets a trained model write.\vExamples:\n  hypernet sample runs/mine --prime 'In the beginning'\n"
    "  hypernet sample runs/mine --length 200 --heat svg > heat.svg",
    hni_cli_common,
    NULL,
    NULL};

/* ---- what is written, kept or passed on ---- */

typedef struct collector {
    bool terminal, passes; /* pieces go straight to stdout, .. */
    const char *prime;     /* .. led by the prime, which is NULL once it is written */
    hni_passage passage;   /* what is wanted later */
} collector;

/* Only once it is known that the model can read it. */
static void write_prime(collector *out)
{
    if (out->prime != NULL) fputs(out->prime, stdout);
    out->prime = NULL;
}

static bool take_piece(void *user, const char *bytes, size_t size)
{
    collector *out = user;
    write_prime(out);
    hni_write_piece(stdout, out->terminal, bytes, size);
    if (out->terminal) fflush(stdout);
    return ferror(stdout) == 0;
}

/* ---- results ---- */

static void append_shown(hni_text *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        const size_t whole = hni_utf8_length(bytes + i, size - i);
        if (whole > 0) {
            hni_text_add_bytes(out, bytes + i, whole);
        } else {
            hni_text_add(out, "\xEF\xBF\xBD");
        }
        i += whole > 0 ? whole : 1;
    }
}

static json_t *changes_as_json(const collector *out)
{
    static const char *const names[HNI_GATES] = {"i", "g", "f", "o"};
    json_t *gates = json_object();
    for (int gate = 0; gate < HNI_GATES; gate++) {
        json_t *list = json_array();
        for (size_t at = 0; at < out->passage.change[gate].size; at += sizeof(float)) {
            float value;
            memcpy(&value, out->passage.change[gate].data + at, sizeof value);
            json_array_append_new(list, json_real((double)value));
        }
        json_object_set_new(gates, names[gate], list);
    }
    return gates;
}

static int print_json(const sample_options *options, const hni_cli_model *model, const collector *out)
{
    hni_text shown = {.context = options->cli->context}, prime = {.context = options->cli->context};
    append_shown(&shown, out->passage.text.data, out->passage.text.size);
    append_shown(&prime, options->prime, strlen(options->prime));
    json_t *result = NULL;
    if (shown.status == HN_OK && prime.status == HN_OK) {
        result = json_pack("{s:s,s:s,s:s,s:I,s:f}", "checkpoint", model->path, "prime",
                           prime.data != NULL ? prime.data : "", "text", shown.data != NULL ? shown.data : "", "seed",
                           (json_int_t)options->seed, "temperature", options->temperature);
    }
    if (result != NULL && options->heat != HEAT_NONE)
        json_object_set_new(result, "weight_change", changes_as_json(out));
    hni_text_free(&shown);
    hni_text_free(&prime);
    return hni_cli_print_json(options->cli, result);
}

static int terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
    return PICTURE_COLUMNS;
}

static hn_status draw_heat(const sample_options *options, const collector *out, hni_text *picture)
{
    hn_context *context = options->cli->context;
    const hni_canvas_options canvas = {.format = HNI_PICTURE_SVG,
                                       .title = "Weight change of a HyperLSTM while it writes"};
    hni_run_heat run = {.heat = hni_passage_heat(&out->passage)};
    char title[64];
    snprintf(title, sizeof title, "layer %d", options->layer);
    run.title = title;
    switch (options->heat) {
    case HEAT_ANSI:
        return hni_heat_ansi(context, &run.heat, terminal_columns(),
                             hni_ansi_choose(getenv("NO_COLOR"), getenv("COLORTERM"), getenv("TERM")), picture);
    case HEAT_SVG: return hni_heat_picture(context, &run.heat, PICTURE_COLUMNS, &canvas, picture);
    default: return hni_report_heat_page(context, "Weight change while writing", &run, picture);
    }
}

static int print_heat(const sample_options *options, const collector *out)
{
    hni_text picture = {.context = options->cli->context};
    const hn_status status = draw_heat(options, out, &picture);
    if (status == HN_OK && picture.status == HN_OK) fwrite(picture.data, 1, picture.size, stdout);
    hni_text_free(&picture);
    return status == HN_OK ? 0 : hni_cli_fail(options->cli);
}

/* ---- the whole ---- */

static hn_status write_text(const sample_options *options, hni_cli_model *model, collector *out)
{
    const hni_sample_options sample = {
        .prime = options->prime,
        .length = options->length,
        .temperature = options->temperature,
        .seed = (uint64_t)options->seed,
        .write = take_piece,
        .observe_layer = options->layer,
        .user = out,
    };
    hn_status status;
    HNI_TRY(hni_cli_model_find(options->cli->context, options->run, model));
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, NULL, NULL));
    if (out->passes) {
        HNI_TRY(model->task->sample(model->work, &sample));
    } else {
        if (options->heat != HEAT_NONE)
            HNI_TRY(
                hni_change_check(options->cli->context, model->task, model->work, out->passage.which, options->layer));
        HNI_TRY(hni_passage_take(model->task, model->work, &sample, &out->passage));
    }
cleanup:
    return status;
}

int hni_command_sample(hni_cli *cli, int argc, char **argv)
{
    sample_options options = {.cli = cli, .prime = "", .length = 400, .seed = 1, .temperature = 0.8};
    hni_cli_model model = {.context = NULL};
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    collector out = {
        .terminal = hni_is_terminal(stdout),
        .passes = options.heat == HEAT_NONE && !cli->json,
        .prime = options.prime,
    };
    hni_passage_open(cli->context, &out.passage);
    if (write_text(&options, &model, &out) != HN_OK) {
        code = hni_cli_fail(cli);
    } else if (cli->json) {
        code = print_json(&options, &model, &out);
    } else if (options.heat != HEAT_NONE) {
        code = print_heat(&options, &out);
    } else {
        write_prime(&out);
        putchar('\n');
    }
    hni_passage_close(&out.passage);
    hni_cli_model_close(&model);
    return code;
}
