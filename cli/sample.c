/* hypernet sample: text that a trained model writes, or reads, and how its weights change meanwhile (figure 4 of the paper). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/report/report.h"
#include "cli.h"
#include "core/alloc.h"
#include "format.h"
#include "io/text.h"
#include "model.h"
#include "passage.h"
#include "writing.h"

#define LENGTH 400
#define PICTURE_COLUMNS 80

typedef enum heat_form { HEAT_NONE, HEAT_ANSI, HEAT_SVG, HEAT_HTML, HEAT_PNG, HEAT_PDF } heat_form;
static const char *const heat_words[] = {"", "ansi", "svg", "html", "png", "pdf", NULL};

typedef struct sample_options {
    hni_cli *cli;
    hni_writing writing;
    const char *run, *output;
    int64_t count;
    int layer;
    hn_dtype storage;
    hni_change change;
    heat_form heat;
    const char *of_heat; /* the last option given that only --heat has use for; NULL: none */
} sample_options;

enum { KEY_COUNT = 0x100, KEY_HEAT, KEY_LAYER, KEY_CHANGE, KEY_STORAGE };

static const struct argp_option rows[] = {
    {"count", KEY_COUNT, "N", 0, "write N texts at once, of the seeds from --seed on", 0},
    {"heat", KEY_HEAT, "ansi|svg|html|png|pdf", 0,
     "show how the weights of a hypernetwork's model change under the text", 0},
    {"change", KEY_CHANGE, "weights|scales", 0,
     "what --heat shows: the change of the matrix W_h, or of the vectors that scale its rows (default: weights)", 0},
    {"layer", KEY_LAYER, "K", 0, "layer that --heat shows (default: 0, the first)", 0},
    {"storage", KEY_STORAGE, HNI_CLI_STORAGE_WORDS, 0,
     "how the matrices are kept while it writes: bf16 and int8 take a half and a quarter of the memory and are faster "
     "(default: f32)",
     0},
    {"output", 'o', "FILE", 0, "where the picture of --heat goes (default: standard output; png and pdf need a file)",
     0},
    {0}};

static heat_form parse_heat(struct argp_state *state, const char *text)
{
    for (int form = HEAT_ANSI; form <= HEAT_PDF; form++)
        if (strcmp(text, heat_words[form]) == 0) return (heat_form)form;
    argp_error(state, "--heat: '%s' is unknown: it is ansi, svg, html, png or pdf", text);
    return HEAT_NONE;
}

/* Another form's ending is a slip of the hand; any other name is taken. */
static void check_output(struct argp_state *state, const sample_options *options)
{
    const char *dot = options->output != NULL ? strrchr(options->output, '.') : NULL;
    if ((options->heat == HEAT_PNG || options->heat == HEAT_PDF) && options->output == NULL)
        argp_error(state, "--heat %s: a picture of bytes goes to a file: add -o FILE.%s", heat_words[options->heat],
                   heat_words[options->heat]);
    for (int form = HEAT_SVG; dot != NULL && form <= HEAT_PDF; form++)
        if (strcmp(dot + 1, heat_words[form]) == 0 && form != (int)options->heat)
            argp_error(state, "--heat %s is no %s: name a file that ends in .%s, or take --heat %s",
                       heat_words[options->heat], heat_words[form], heat_words[options->heat], heat_words[form]);
}

static void check(struct argp_state *state, const sample_options *options)
{
    if (options->run == NULL) argp_error(state, "a run is missing: name a folder that 'hypernet train' has made");
    if (options->heat == HEAT_NONE) {
        if (options->of_heat != NULL) argp_error(state, "%s goes with --heat: add --heat svg", options->of_heat);
        if (options->writing.text_path != NULL && !options->cli->json)
            argp_error(state,
                       "--text: there is nothing to show of it yet: add --heat ansi|svg|html|png|pdf, or --json");
    }
    check_output(state, options);
    if (options->count <= 1) return;
    if (options->heat != HEAT_NONE) argp_error(state, "--heat shows one text: leave --count away");
    if (options->writing.seed > INT64_MAX - (options->count - 1))
        argp_error(state, "--seed: %lld is too large for the seeds of %lld texts, at most %lld",
                   (long long)options->writing.seed, (long long)options->count,
                   (long long)(INT64_MAX - (options->count - 1)));
    if (options->writing.length > HNI_WRITING_MOST / options->count)
        argp_error(state, "--count times --length is more than %d symbols: take less of either", HNI_WRITING_MOST);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    sample_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &options->writing; return 0;
    case KEY_COUNT:
        options->writing.drawn = "--count";
        options->count = hni_cli_integer(state, "--count", argument, 1, HNI_SAMPLE_MOST_TEXTS);
        return 0;
    case KEY_HEAT: options->heat = parse_heat(state, argument); return 0;
    case KEY_CHANGE:
        options->of_heat = "--change";
        options->change = hni_change_parse(state, argument);
        return 0;
    case KEY_LAYER:
        options->of_heat = "--layer";
        options->layer = (int)hni_cli_integer(state, "--layer", argument, 0, HN_MAX_LAYERS - 1);
        return 0;
    case KEY_STORAGE: options->storage = hni_cli_storage(state, argument); return 0;
    case 'o':
        options->of_heat = "-o";
        options->output = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (options->run != NULL) argp_error(state, "one run at a time: '%s' is a second one", argument);
        options->run = argument;
        return 0;
    case ARGP_KEY_END: check(state, options); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {rows,
                                   parse,
                                   "RUN|FILE.safetensors",
                                   "Lets a trained model write, 400 symbols unless --length says "
                                   "otherwise.\vExamples:\n  hypernet sample runs/mine --prime 'In the beginning'\n"
                                   "  hypernet sample runs/mine --count 5 --temperature 1 --top-k 40 --top-p 0.9\n"
                                   "  hypernet sample runs/mine --length 200 --heat svg > heat.svg\n"
                                   "  hypernet sample runs/mine --length 100000 --storage int8 > long.txt\n"
                                   "  hypernet sample runs/mine --text letter.txt --heat png -o letter.png",
                                   hni_writing_child,
                                   NULL,
                                   NULL};

/* ---- what is written, kept or passed on ---- */

typedef struct collector {
    bool terminal, passes; /* pieces go straight to stdout, .. */
    const char *prime;     /* .. led by the prime, which is NULL once it is written */
    hni_passage passage;   /* what is wanted later */
    hni_text *texts;       /* [count] of --count; NULL: one text */
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

static bool take_text(void *user, int64_t text, const char *bytes, size_t size)
{
    hni_text *kept = &((collector *)user)->texts[text];
    hni_text_add_bytes(kept, bytes, size);
    return kept->status == HN_OK;
}

/* ---- JSON ---- */

static void add_passage(const sample_options *options, const hni_passage *passage, json_t *result)
{
    if (options->heat != HEAT_NONE) json_object_set_new(result, "layer", json_integer(options->layer));
    hni_passage_to_json(passage, result);
    if (options->output == NULL) return;
    json_object_set_new(result, "file", hni_cli_bytes_json(options->cli, options->output, strlen(options->output)));
}

static void add_texts(const sample_options *options, const collector *out, json_t *result)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < options->count; i++) {
        json_t *entry = json_object();
        json_object_set_new(entry, "seed", json_integer(options->writing.seed + i));
        json_object_set_new(entry, "text", hni_cli_bytes_json(options->cli, out->texts[i].data, out->texts[i].size));
        json_array_append_new(list, entry);
    }
    json_object_set_new(result, "texts", list);
}

static int print_json(const sample_options *options, const hni_cli_model *model, const collector *out)
{
    const hni_writing *writing = &options->writing;
    json_t *result = json_object();
    json_object_set_new(result, "checkpoint", hni_cli_bytes_json(options->cli, model->path, strlen(model->path)));
    json_object_set_new(result, "prime", hni_cli_bytes_json(options->cli, writing->prime, strlen(writing->prime)));
    json_object_set_new(result, "seed", json_integer(writing->seed));
    json_object_set_new(result, "temperature", json_real(writing->temperature));
    json_object_set_new(result, "storage", json_string(hni_cli_storage_word(options->storage)));
    if (writing->top_k > 0) json_object_set_new(result, "top_k", json_integer(writing->top_k));
    if (writing->top_p > 0) json_object_set_new(result, "top_p", json_real(writing->top_p));
    if (out->texts != NULL) {
        add_texts(options, out, result);
    } else {
        add_passage(options, &out->passage, result);
    }
    return hni_cli_print_json(options->cli, result);
}

/* ---- pictures ---- */

static hn_status draw_heat(const sample_options *options, const hni_cli_model *model, const hni_passage *passage,
                           hni_text *picture)
{
    hn_context *context = options->cli->context;
    char title[192], layer[32];
    hni_passage_title(passage, model->task, model->work, title, sizeof title);
    snprintf(layer, sizeof layer, "layer %d", options->layer);
    const hni_run_heat run = {.heat = hni_passage_heat(passage), .title = layer};
    hni_canvas_options canvas = {.format = HNI_PICTURE_SVG, .title = title, .description = layer};
    switch (options->heat) {
    case HEAT_ANSI:
        return hni_heat_ansi(context, &run.heat, hni_terminal_columns(),
                             hni_ansi_choose(getenv("NO_COLOR"), getenv("COLORTERM"), getenv("TERM")), picture);
    case HEAT_HTML: return hni_report_heat_page(context, title, &run, picture);
    case HEAT_PNG: canvas.format = HNI_PICTURE_PNG; break;
    case HEAT_PDF: canvas.format = HNI_PICTURE_PDF; break;
    default: break;
    }
    return hni_heat_picture(context, &run.heat, PICTURE_COLUMNS, &canvas, picture);
}

static hn_status write_heat(const sample_options *options, const hni_cli_model *model, const hni_passage *passage)
{
    hni_text picture = {.context = options->cli->context};
    hn_status status;
    HNI_TRY(draw_heat(options, model, passage, &picture));
    HNI_TRY(picture.status);
    if (options->output != NULL) {
        HNI_TRY(hni_file_write_atomic(options->cli->context, options->output, picture.data, picture.size));
    } else if (!options->cli->json) {
        fwrite(picture.data, 1, picture.size, stdout);
    }
cleanup:
    hni_text_free(&picture);
    return status;
}

/* ---- the whole ---- */

static hn_status take_texts(const sample_options *options, const hni_cli_model *model, hni_sample_options *sample,
                            collector *out)
{
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(options->cli->context, "texts", (size_t)options->count, sizeof *out->texts, &memory));
    out->texts = memory;
    for (int64_t i = 0; i < options->count; i++)
        out->texts[i] = (hni_text){.context = options->cli->context};
    sample->texts = options->count;
    sample->write_text = take_text;
    HNI_TRY(model->task->sample(model->work, sample));
    for (int64_t i = 0; i < options->count; i++)
        HNI_TRY(out->texts[i].status);
cleanup:
    return status;
}

static hn_status take_all(sample_options *options, hni_cli_model *model, collector *out)
{
    hn_context *context = options->cli->context;
    hn_status status;
    HNI_TRY(hni_writing_read(&options->writing));
    HNI_TRY(hni_cli_model_find(context, options->run, model));
    HNI_TRY(hni_cli_model_want_writer(model));
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, NULL, NULL));
    hni_sample_options sample = hni_writing_options(&options->writing, LENGTH);
    sample.user = out;
    sample.observe_layer = options->layer;
    sample.storage = options->storage;
    if (options->count > 1) {
        HNI_TRY(take_texts(options, model, &sample, out));
    } else if (out->passes) {
        sample.write = take_piece;
        HNI_TRY(model->task->sample(model->work, &sample));
    } else {
        if (options->heat != HEAT_NONE)
            HNI_TRY(hni_change_check(context, model->task, model->work, options->change, options->layer));
        HNI_TRY(hni_passage_take(model->task, model->work, &sample, &out->passage));
        if (options->heat != HEAT_NONE) HNI_TRY(write_heat(options, model, &out->passage));
    }
cleanup:
    return status;
}

static void print_texts(const sample_options *options, const collector *out)
{
    for (int64_t i = 0; i < options->count; i++) {
        printf("---- seed %lld ----\n%s", (long long)(options->writing.seed + i), options->writing.prime);
        for (size_t at = 0; at < out->texts[i].size;) {
            const size_t whole = hni_utf8_length(out->texts[i].data + at, out->texts[i].size - at);
            hni_write_piece(stdout, out->terminal, out->texts[i].data + at, whole > 0 ? whole : 1);
            at += whole > 0 ? whole : 1;
        }
        putchar('\n');
    }
}

static int print_result(const sample_options *options, const hni_cli_model *model, collector *out)
{
    if (options->cli->json) return print_json(options, model, out);
    if (out->texts != NULL) {
        print_texts(options, out);
    } else if (options->output != NULL) {
        puts(options->output);
    } else if (options->heat == HEAT_NONE) {
        write_prime(out);
        putchar('\n');
    }
    return 0;
}

int hni_command_sample(hni_cli *cli, int argc, char **argv)
{
    sample_options options = {.cli = cli, .count = 1};
    hni_cli_model model = {.context = NULL};
    hni_writing_default(cli, &options.writing);
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    collector out = {
        .terminal = hni_is_terminal(stdout),
        .passes = options.heat == HEAT_NONE && !cli->json,
        .prime = options.writing.prime,
    };
    hni_passage_open(cli, &out.passage);
    out.passage.which = options.change;
    out.passage.changes = options.heat != HEAT_NONE;
    code = take_all(&options, &model, &out) == HN_OK ? print_result(&options, &model, &out) : hni_cli_fail(cli);
    for (int64_t i = 0; out.texts != NULL && i < options.count; i++)
        hni_text_free(&out.texts[i]);
    hni_free(cli->context, out.texts);
    hni_passage_close(&out.passage);
    hni_writing_close(&options.writing);
    hni_cli_model_close(&model);
    return code;
}
