/* hypernet plot RUN... WHAT -o FILE: one picture of what runs have logged, or of what their models show while they write or read. */
#include <stdio.h>
#include <string.h>

#include "app/report/gather.h"
#include "app/report/series.h"
#include "cli.h"
#include "core/alloc.h"
#include "io/text.h"
#include "model.h"
#include "passage.h"
#include "writing.h"

#define COLUMNS 80
#define WIDTH 864
#define HEIGHT 432
#define PATH_SIZE 640

typedef struct plot_options plot_options;

/* One kind of picture: which options it has use for, and what makes it. */
typedef struct plot_kind {
    const char *name;
    bool many;          /* runs in one picture */
    bool writes;        /* --prime, --text, ..., and --layer: a model is loaded to write or read */
    bool changes, axis; /* --change; --axis and --level */
    int64_t length;     /* symbols that are written without --length */
    hn_status (*draw)(const plot_options *options, const hni_canvas_options *canvas, hni_text *picture, json_t *facts);
} plot_kind;

struct plot_options {
    hni_cli *cli;
    hni_writing writing;
    const plot_kind *kind;
    char **runs;
    int run_count;
    const char *output;
    int layer;
    hni_change change;
    hni_curves_axis axis;
    double level;
    const char *of_layer, *of_change, *of_axis; /* an option that was given; NULL: none */
};

/* ---- models ---- */

typedef hn_status (*model_visitor)(const plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                                   void *user);

/* Opens a run's model and lets it be looked at. */
static hn_status visit(const plot_options *options, const char *run, model_visitor look, void *user)
{
    hni_cli_model model = {.context = options->cli->context};
    hni_sample_options sample = hni_writing_options(&options->writing, options->kind->length);
    hn_status status;
    sample.observe_layer = options->layer;
    HNI_TRY(hni_cli_model_find(options->cli->context, run, &model));
    HNI_TRY(hni_cli_model_open(&model, HN_BACKEND_BEST, NULL, NULL));
    HNI_TRY(look(options, &model, &sample, user));
cleanup:
    hni_cli_model_close(&model);
    return status;
}

/* "LN-HyperLSTM 256 while it writes, layer 0" */
static void name_work(const plot_options *options, const hni_cli_model *model, const hni_sample_options *sample,
                      char *out_text, size_t size)
{
    char label[96];
    model->task->label(model->work, label, sizeof label);
    snprintf(out_text, size, "%s while it %s, layer %d", label, sample->length > 0 ? "writes" : "reads",
             options->layer);
}

/* ---- change ---- */

typedef struct picture_user {
    const hni_canvas_options *canvas;
    hni_text *picture;
    json_t *facts;
} picture_user;

static hn_status look_at_change(const plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                                void *user)
{
    const picture_user *to = user;
    hn_context *context = options->cli->context;
    hni_canvas_options canvas = *to->canvas;
    hni_passage passage;
    char title[192];
    hn_status status;
    hni_passage_open(options->cli, &passage);
    passage.which = options->change;
    passage.changes = true;
    HNI_TRY(hni_change_check(context, model->task, model->work, options->change, options->layer));
    HNI_TRY(hni_passage_take(model->task, model->work, sample, &passage));
    hni_passage_title(&passage, model->task, model->work, title, sizeof title);
    canvas.title = title;
    const hni_heat heat = hni_passage_heat(&passage);
    HNI_TRY(hni_heat_picture(context, &heat, COLUMNS, &canvas, to->picture));
    json_object_set_new(to->facts, "layer", json_integer(options->layer));
    hni_passage_to_json(&passage, to->facts);
cleanup:
    hni_passage_close(&passage);
    return status;
}

static hn_status draw_change(const plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                             json_t *facts)
{
    picture_user user = {.canvas = canvas, .picture = picture, .facts = facts};
    return visit(options, options->runs[0], look_at_change, &user);
}

/* ---- path ---- */

static json_t *path_as_json(const hni_path *path)
{
    json_t *points = json_array();
    for (size_t i = 0; i < path->count; i++)
        json_array_append_new(points, json_pack("[f,f]", path->points[i].x, path->points[i].y));
    return points;
}

static hn_status look_at_path(const plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                              void *user)
{
    const picture_user *to = user;
    hn_context *context = options->cli->context;
    hni_canvas_options canvas = *to->canvas;
    hni_gathered_path path = {.text = {.context = NULL}};
    char title[192], work[160];
    hn_status status;
    HNI_TRY(hni_gather_path(context, model->task, model->work, sample, &path));
    name_work(options, model, sample, work, sizeof work);
    snprintf(title, sizeof title, "Embedding z_h of %s", work);
    canvas.title = title;
    canvas.width = canvas.height = PATH_SIZE;
    path.path.name = work;
    HNI_TRY(hni_path_picture(context, &path.path, &canvas, to->picture));
    json_object_set_new(to->facts, "layer", json_integer(options->layer));
    json_object_set_new(
        to->facts, "share",
        json_pack("[o,o]", hni_cli_number_json(path.path.share[0]), hni_cli_number_json(path.path.share[1])));
    json_object_set_new(to->facts, "text", hni_cli_bytes_json(options->cli, path.text.data, path.text.size));
    json_object_set_new(to->facts, "points", path_as_json(&path.path));
cleanup:
    hni_gathered_path_free(&path);
    return status;
}

static hn_status draw_path(const plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                           json_t *facts)
{
    picture_user user = {.canvas = canvas, .picture = picture, .facts = facts};
    return visit(options, options->runs[0], look_at_path, &user);
}

/* ---- phi ---- */

typedef struct phi_user {
    hni_histogram_counts *counts;
    char *label;
    size_t label_size;
} phi_user;

static hn_status look_at_phi(const plot_options *options, hni_cli_model *model, const hni_sample_options *sample,
                             void *user)
{
    const phi_user *to = user;
    model->task->label(model->work, to->label, to->label_size);
    return hni_gather_phi(options->cli->context, model->task, model->work, sample, to->counts);
}

static json_t *phi_as_json(const hni_histogram_series *series, const char *run)
{
    json_t *bins = json_array();
    for (int i = 0; i < HNI_HISTOGRAM_BINS; i++)
        json_array_append_new(bins, json_integer((json_int_t)series->counts.bins[i]));
    return json_pack("{s:s,s:s,s:I,s:o,s:o}", "run", run, "name", series->name, "total",
                     (json_int_t)series->counts.total, "saturated",
                     hni_cli_number_json(hni_histogram_saturated(&series->counts)), "bins", bins);
}

/* The last part of a path: "runs/lstm/" gives "lstm". */
static void add_last_part(hni_text *out, const char *path)
{
    size_t end = strlen(path), begin;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';)
        begin--;
    hni_text_add(out, "%.*s", (int)(end - begin), path + begin);
}

/* Two runs of one label are told apart by their folders. */
static void name_series(const plot_options *options, const char *labels, size_t label_size, int run, hni_text *out_name)
{
    const char *own = labels + (size_t)run * label_size;
    bool twin = false;
    for (int i = 0; i < options->run_count; i++)
        twin = twin || (i != run && strcmp(labels + (size_t)i * label_size, own) == 0);
    hni_text_add(out_name, "%s", own);
    if (!twin) return;
    hni_text_add(out_name, " (");
    add_last_part(out_name, options->runs[run]);
    hni_text_add(out_name, ")");
}

static hn_status draw_phi(const plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                          json_t *facts)
{
    enum { LABEL = 96 };
    hn_context *context = options->cli->context;
    const size_t count = (size_t)options->run_count;
    hni_canvas_options titled = *canvas;
    void *series_memory = NULL, *names_memory = NULL, *labels = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "histograms", count, sizeof(hni_histogram_series), &series_memory));
    HNI_TRY(hni_alloc_array(context, "histograms", count, sizeof(hni_text), &names_memory));
    HNI_TRY(hni_alloc_array(context, "histograms", count, LABEL, &labels));
    hni_histogram_series *series = series_memory;
    hni_text *names = names_memory;
    for (size_t i = 0; i < count; i++) {
        phi_user user = {&series[i].counts, (char *)labels + i * LABEL, LABEL};
        names[i].context = context;
        HNI_TRY(visit(options, options->runs[i], look_at_phi, &user));
    }
    for (size_t i = 0; i < count; i++) {
        name_series(options, labels, LABEL, (int)i, &names[i]);
        HNI_TRY(names[i].status);
        series[i].name = names[i].data;
    }
    titled.title = "Histograms of phi(c), what the output gate multiplies, while the models write";
    HNI_TRY(hni_histogram_picture(context, &(hni_histogram){.series = series, .count = count}, &titled, picture));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, phi_as_json(&series[i], options->runs[i]));
    json_object_set_new(facts, "layer", json_integer(options->layer));
    json_object_set_new(facts, "runs", list);
cleanup:
    for (size_t i = 0; names_memory != NULL && i < count; i++)
        hni_text_free(&((hni_text *)names_memory)[i]);
    hni_free(context, series_memory);
    hni_free(context, names_memory);
    hni_free(context, labels);
    return status;
}

/* ---- curves ---- */

static const char *const axis_words[] = {"steps", "seconds", "epochs", NULL};

static json_t *curves_as_json(const plot_options *options, const hni_run_series *made)
{
    json_t *list = json_array();
    for (size_t i = 0; i < made->count; i++) {
        hni_point first;
        json_t *entry =
            json_pack("{s:s,s:s,s:I,s:I}", "run", options->runs[i], "name", made->series[i].name, "train_points",
                      (json_int_t)made->series[i].train_count, "valid_points", (json_int_t)made->series[i].valid_count);
        if (options->level > 0)
            json_object_set_new(entry, "reached",
                                hni_series_first(&made->series[i], options->level, &first) ? json_real(first.x)
                                                                                           : json_null());
        json_array_append_new(list, entry);
    }
    return list;
}

static hn_status draw_curves(const plot_options *options, const hni_canvas_options *canvas, hni_text *picture,
                             json_t *facts)
{
    hn_context *context = options->cli->context;
    const size_t count = (size_t)options->run_count;
    hni_canvas_options titled = *canvas;
    hni_run_series made = {.context = NULL};
    void *memory = NULL;
    size_t loaded = 0;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "runs", count, sizeof(hni_run), &memory));
    hni_run *runs = memory;
    for (; loaded < count; loaded++)
        HNI_TRY(hni_run_load(context, options->runs[loaded], &runs[loaded]));
    HNI_TRY(hni_run_series_make(context, runs, count, options->axis, &made));
    const hni_curves curves = {
        .series = made.series, .count = made.count, .axis = options->axis, .level = options->level};
    titled.title = "Learning curves: bits per character";
    HNI_TRY(hni_curves_picture(context, &curves, &titled, picture));
    json_object_set_new(facts, "axis", json_string(axis_words[options->axis]));
    json_object_set_new(facts, "runs", curves_as_json(options, &made));
cleanup:
    hni_run_series_free(&made);
    for (size_t i = 0; i < loaded; i++)
        hni_run_free(&((hni_run *)memory)[i]);
    hni_free(context, memory);
    return status;
}

/* ---- options ---- */

static const plot_kind kinds[] = {
    {.name = "curves", .many = true, .axis = true, .draw = draw_curves},
    {.name = "change", .writes = true, .changes = true, .length = 400, .draw = draw_change},
    {.name = "phi", .many = true, .writes = true, .length = 400, .draw = draw_phi},
    {.name = "path", .writes = true, .length = 120, .draw = draw_path},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

enum { KEY_AXIS = 0x100, KEY_LEVEL, KEY_LAYER, KEY_CHANGE };

static const struct argp_option rows[] = {
    {"output", 'o', "FILE", 0, "the picture to write: .svg, .png or .pdf", 0},
    {"axis", KEY_AXIS, "steps|epochs|seconds", 0, "curves: what they run over (default: steps)", 0},
    {"level", KEY_LEVEL, "BPC", 0, "curves: mark where each run first reaches this figure", 0},
    {"layer", KEY_LAYER, "K", 0, "change, phi, path: the layer (default: 0, the first)", 0},
    {"change", KEY_CHANGE, "weights|scales", 0,
     "change: of the matrix W_h, or of the vectors that scale its rows (default: weights)", 0},
    {0, 0, 0, 0, "What is written or read (change, phi, path):", 1},
    {0}};

static const plot_kind *find_kind(struct argp_state *state, const char *word)
{
    const char *words[KINDS + 1] = {NULL};
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(word, kinds[i].name) == 0) return &kinds[i];
        words[i] = kinds[i].name;
    }
    const char *nearest = hni_nearest_word(words, word);
    if (nearest != NULL) argp_error(state, "'%s' cannot be plotted, did you mean '%s'?", word, nearest);
    argp_error(state, "'%s' cannot be plotted: name curves, change, phi or path behind the runs", word);
    return NULL;
}

static hni_curves_axis parse_axis(struct argp_state *state, const char *word)
{
    for (int axis = 0; axis_words[axis] != NULL; axis++)
        if (strcmp(word, axis_words[axis]) == 0) return (hni_curves_axis)axis;
    argp_error(state, "--axis: '%s' is unknown: it is steps, epochs or seconds", word);
    return HNI_CURVES_STEPS;
}

static void take_words(struct argp_state *state, plot_options *options)
{
    options->runs = state->argv + state->next;
    options->run_count = state->argc - state->next - 1;
    options->kind = find_kind(state, state->argv[state->argc - 1]);
    if (options->run_count < 1)
        argp_error(state, "a run is missing: name folders that 'hypernet train' has made before '%s'",
                   options->kind->name);
    if (options->run_count > 1 && !options->kind->many)
        argp_error(state, "'%s' shows one run: '%s' is a second one", options->kind->name, options->runs[1]);
}

/* An option that the kind of picture has no use for. */
static void check(struct argp_state *state, const plot_options *options)
{
    const plot_kind *kind = options->kind;
    const char *idle = NULL;
    if (kind == NULL) argp_error(state, "what to plot is missing: name curves, change, phi or path behind the runs");
    if (options->output == NULL) argp_error(state, "where the picture goes is missing: add -o FILE.svg, .png or .pdf");
    if (!kind->writes) idle = options->of_layer != NULL ? options->of_layer : hni_writing_given(&options->writing);
    if (!kind->changes && options->of_change != NULL) idle = options->of_change;
    if (!kind->axis && options->of_axis != NULL) idle = options->of_axis;
    if (idle != NULL) argp_error(state, "'%s' has no use for %s: leave it away", kind->name, idle);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    plot_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &options->writing; return 0;
    case 'o': options->output = argument; return 0;
    case KEY_AXIS:
        options->of_axis = "--axis";
        options->axis = parse_axis(state, argument);
        return 0;
    case KEY_LEVEL:
        options->of_axis = "--level";
        options->level = hni_cli_number(state, "--level", argument, 1e-3, 64);
        return 0;
    case KEY_LAYER:
        options->of_layer = "--layer";
        options->layer = (int)hni_cli_integer(state, "--layer", argument, 0, HN_MAX_LAYERS - 1);
        return 0;
    case KEY_CHANGE:
        options->of_change = "--change";
        options->change = hni_change_parse(state, argument);
        return 0;
    case ARGP_KEY_ARGS: take_words(state, options); return 0;
    case ARGP_KEY_END: check(state, options); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN... curves|change|phi|path",
    "Draws one picture, as SVG, PNG or PDF.\n\n"
    "  curves  bits per character over training, runs side by side\n"
    "  change  how much the weights change under a text that the model writes or reads\n"
    "  phi     histograms of what the output gates multiply, runs side by side\n"
    "  path    the way of the embedding z_h through a text, on its two principal components\n\n"
    "Without --length, 400 symbols are written (path: 120).\n"
    "\vExamples:\n  hypernet plot runs/lstm runs/hyperlstm curves --axis seconds -o curves.svg\n"
    "  hypernet plot runs/hyperlstm change --text letter.txt -o change.png\n"
    "  hypernet plot runs/lstm runs/hyperlstm phi --length 2000 -o phi.pdf",
    hni_writing_child,
    NULL,
    NULL};

/* ---- the whole ---- */

static hn_status draw(plot_options *options, json_t *facts)
{
    hn_context *context = options->cli->context;
    hni_text picture = {.context = context};
    hni_canvas_options canvas = {.width = WIDTH, .height = HEIGHT};
    hn_status status;
    HNI_TRY(hni_picture_format_of(context, options->output, &canvas.format));
    HNI_TRY(hni_writing_read(&options->writing));
    HNI_TRY(options->kind->draw(options, &canvas, &picture, facts));
    HNI_TRY(picture.status);
    HNI_TRY(hni_file_write_atomic(context, options->output, picture.data, picture.size));
cleanup:
    hni_text_free(&picture);
    return status;
}

int hni_command_plot(hni_cli *cli, int argc, char **argv)
{
    plot_options options = {.cli = cli};
    hni_writing_default(cli, &options.writing);
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    json_t *facts = json_pack("{s:s,s:s}", "file", options.output, "plot", options.kind->name);
    if (draw(&options, facts) != HN_OK) {
        json_decref(facts);
        code = hni_cli_fail(cli);
    } else if (cli->json) {
        code = hni_cli_print_json(cli, facts);
    } else {
        json_decref(facts);
        puts(options.output);
    }
    hni_writing_close(&options.writing);
    return code;
}
