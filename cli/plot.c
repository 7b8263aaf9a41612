/* hypernet plot RUN... WHAT -o FILE: one picture of what runs have logged, or of what their models show while they write or read. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "io/text.h"
#include "plot.h"

#define WIDTH 864
#define HEIGHT 432
#define STEPS 9 /* kernels of a strip */
#define MOST_STEPS 64

/* ---- options ---- */

static const hni_plot_kind kinds[] = {
    {.name = "curves", .many = true, .axis = true, .level = true, .loss = true, .draw = hni_plot_curves},
    {.name = "change", .writes = true, .layer = true, .change = true, .length = 400, .draw = hni_plot_change},
    {.name = "phi", .many = true, .writes = true, .layer = true, .length = 400, .draw = hni_plot_phi},
    {.name = "path", .writes = true, .layer = true, .length = 120, .draw = hni_plot_path},
    {.name = "rank", .layer = true, .axis = true, .draw = hni_plot_rank},
    {.name = "kernels", .many = true, .layer = true, .weight = true, .draw = hni_plot_kernels},
    {.name = "strip", .way = true, .draw = hni_plot_strip},
    {.name = "embeddings", .draw = hni_plot_embeddings},
    {.name = "confusion", .split = true, .draw = hni_plot_confusion},
    {.name = "mistakes", .split = true, .draw = hni_plot_mistakes},
};
#define NAMES "curves, change, phi, path, rank, kernels, strip, embeddings, confusion or mistakes"
#define KINDS (sizeof kinds / sizeof kinds[0])

enum { KEY_AXIS = 0x100, KEY_LEVEL, KEY_LOSS, KEY_LAYER, KEY_CHANGE, KEY_FROM, KEY_TO, KEY_STEPS, KEY_SPLIT };

static const struct argp_option rows[] = {
    {"output", 'o', "FILE", 0, "the picture to write: .svg, .png or .pdf", 0},
    {"axis", KEY_AXIS, "steps|epochs|seconds", 0, "curves, rank: what they run over (default: steps)", 0},
    {"level", KEY_LEVEL, "FIGURE", 0, "curves: mark where each run first reaches this figure", 0},
    {"loss", KEY_LOSS, 0, 0, "curves: of the loss, where runs are measured by something else", 0},
    {"layer", KEY_LAYER, "K|NAME", 0,
     "change, phi, path, rank: the layer (default: 0, the first); kernels: the weight, say conv2 or "
     "groups.1.blocks.0.conv2",
     0},
    {"change", KEY_CHANGE, "weights|scales", 0,
     "change: of the matrix W_h, or of the vectors that scale its rows (default: weights)", 0},
    {"from", KEY_FROM, "NAME", 0, "strip: the weight whose embedding the way begins at (default: the first)", 0},
    {"to", KEY_TO, "NAME", 0, "strip: the weight where it ends (default: the last)", 0},
    {"steps", KEY_STEPS, "N", 0, "strip: kernels on the way, both ends among them (default: 9)", 0},
    {"split", KEY_SPLIT, "valid|test|train", 0, "confusion, mistakes: part of the recipe's data (default: test)", 0},
    {0, 0, 0, 0, "What is written or read (change, phi, path):", 1},
    {0}};

static const hni_plot_kind *find_kind(struct argp_state *state, const char *word)
{
    const char *words[KINDS + 1] = {NULL};
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(word, kinds[i].name) == 0) return &kinds[i];
        words[i] = kinds[i].name;
    }
    const char *nearest = hni_nearest_word(words, word);
    if (nearest != NULL) argp_error(state, "'%s' cannot be plotted, did you mean '%s'?", word, nearest);
    argp_error(state, "'%s' cannot be plotted: name " NAMES " behind the runs", word);
    return NULL;
}

static hni_curves_axis parse_axis(struct argp_state *state, const char *word)
{
    for (int axis = 0; hni_plot_axis_words[axis] != NULL; axis++)
        if (strcmp(word, hni_plot_axis_words[axis]) == 0) return (hni_curves_axis)axis;
    argp_error(state, "--axis: '%s' is unknown: it is steps, epochs or seconds", word);
    return HNI_CURVES_STEPS;
}

static void take_words(struct argp_state *state, hni_plot_options *options)
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

static void take_layer(struct argp_state *state, hni_plot_options *options)
{
    if (options->of_layer == NULL || options->kind->weight) return;
    options->layer = (int)hni_cli_integer(state, "--layer", options->weight, 0, HN_MAX_LAYERS - 1);
}

/* An option that the kind of picture has no use for. */
static void check(struct argp_state *state, hni_plot_options *options)
{
    const hni_plot_kind *kind = options->kind;
    const char *idle = NULL;
    if (kind == NULL) argp_error(state, "what to plot is missing: name " NAMES " behind the runs");
    if (options->output == NULL) argp_error(state, "where the picture goes is missing: add -o FILE.svg, .png or .pdf");
    if (!kind->writes) idle = hni_writing_given(&options->writing);
    if (!kind->layer && options->of_layer != NULL) idle = options->of_layer;
    if (!kind->change && options->of_change != NULL) idle = options->of_change;
    if (!kind->axis && options->of_axis != NULL) idle = options->of_axis;
    if (!kind->level && options->level > 0) idle = "--level";
    if (!kind->loss && options->loss) idle = "--loss";
    if (!kind->way && options->of_way != NULL) idle = options->of_way;
    if (!kind->split && options->of_split != NULL) idle = options->of_split;
    if (idle != NULL) argp_error(state, "'%s' has no use for %s: leave it away", kind->name, idle);
    take_layer(state, options);
}

static const char *parse_split(struct argp_state *state, const char *word)
{
    static const char *const words[] = {"valid", "test", "train"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) return words[i];
    argp_error(state, "--split: '%s' is unknown: it is valid, test or train", word);
    return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    hni_plot_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &options->writing; return 0;
    case 'o': options->output = argument; return 0;
    case KEY_AXIS:
        options->of_axis = "--axis";
        options->axis = parse_axis(state, argument);
        return 0;
    case KEY_LEVEL: options->level = hni_cli_number(state, "--level", argument, 1e-3, 100); return 0;
    case KEY_LOSS: options->loss = true; return 0;
    case KEY_LAYER:
        options->of_layer = "--layer";
        options->weight = argument;
        return 0;
    case KEY_FROM:
        options->of_way = "--from";
        options->way.from = argument;
        return 0;
    case KEY_TO:
        options->of_way = "--to";
        options->way.to = argument;
        return 0;
    case KEY_STEPS:
        options->of_way = "--steps";
        options->way.steps = (size_t)hni_cli_integer(state, "--steps", argument, 2, MOST_STEPS);
        return 0;
    case KEY_SPLIT:
        options->of_split = "--split";
        options->split = parse_split(state, argument);
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
    "RUN... curves|change|phi|path|rank|kernels|strip|embeddings|confusion|mistakes",
    "Draws one picture, as SVG, PNG or PDF.\n\n"
    "  curves      the figure that runs are measured by over training, side by side\n"
    "  change      how much the weights change under a text that the model writes or reads\n"
    "  phi         histograms of what the output gates multiply, runs side by side\n"
    "  path        the way of the embedding z_h through a text, on its two principal components\n"
    "  rank        how many directions the embeddings use, over training\n"
    "  kernels     a network's kernels as they are, stored or generated, runs side by side\n"
    "  strip       what a generator makes on the way from one layer's embedding to another's\n"
    "  embeddings  all embeddings of a generator, on their two principal components\n"
    "  confusion   which class was taken for which\n"
    "  mistakes    the images whose class was found least probable\n\n"
    "Without --length, 400 symbols are written (path: 120). confusion and mistakes need the data.\n"
    "\vExamples:\n  hypernet plot runs/lstm runs/hyperlstm curves --axis seconds -o curves.svg\n"
    "  hypernet plot runs/hyperlstm change --text letter.txt -o change.png\n"
    "  hypernet plot runs/lstm runs/hyperlstm phi --length 2000 -o phi.pdf\n"
    "  hypernet plot runs/mnist-conv runs/mnist-hyper kernels -o kernels.svg",
    hni_writing_child,
    NULL,
    NULL};

/* ---- the whole ---- */

static hn_status draw(hni_plot_options *options, json_t *facts)
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
    hni_plot_options options = {.cli = cli, .split = "test", .way = {.steps = STEPS}};
    hni_writing_default(cli, &options.writing);
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    json_t *facts = json_pack("{s:o,s:s}", "file", hni_cli_path_json(cli, options.output), "plot", options.kind->name);
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
