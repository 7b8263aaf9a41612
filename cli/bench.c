/* hypernet bench [scaling|step|stream]: what this machine can do, and how much of it a training step and sampling reach. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define REPEATS 5

static const hni_bench_kind kinds[] = {
    {.name = "", .run = hni_bench_run_table, .all = true, .images = true, .repeats = true, .quick = true},
    {.name = "scaling", .run = hni_bench_run_scaling, .repeats = true, .output = true, .quick = true},
    {.name = "step", .run = hni_bench_run_steps, .images = true, .steps = true, .cell = true, .quick = true},
    {.name = "stream", .run = hni_bench_run_stream, .steps = true, .rows = true, .quick = true},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

enum { KEY_SIZE = 0x100, KEY_REPEATS, KEY_QUICK, KEY_STEPS, KEY_CELL, KEY_WEIGHTS, KEY_KEEP, KEY_ROWS, KEY_STORAGE };

static const struct argp_option rows[] = {
    {"size", KEY_SIZE, "NAME", 0,
     "ptb, enwik8, handwriting, laptop, wrn-40-1, mnist or all (default: all; scaling: laptop; step, stream: ptb)", 0},
    {"output", 'o', "FILE", 0, "scaling: the picture to write: .svg, .png or .pdf", 0},
    {"repeats", KEY_REPEATS, "N", 0, "measurements of each thing, taken in turns (default: 5)", 0},
    {"quick", KEY_QUICK, 0, 0, "tiny sizes: shows that it runs, its figures mean nothing", 0},
    {"cell", KEY_CELL, "hyperlstm|lstm", 0, "step: the layer-norm HyperLSTM or the plain LSTM (default: hyperlstm)", 0},
    {"weights", KEY_WEIGHTS, "hyper|stored", 0,
     "step, of images: kernels from the generator or kernels of their own (default: hyper)", 0},
    {"keep-recurrent", KEY_KEEP, "P", 0, "step: keep probability of recurrent dropout (default: 0.9)", 0},
    {"rows", KEY_ROWS, "N", 0, "stream: rows at a time (default: 1)", 0},
    {"storage", KEY_STORAGE, "f32|bf16|int8", 0, "stream: what the matrices are stored as (default: f32)", 0},
    {"steps", KEY_STEPS, "N", 0, "step, stream: how many (default: 5); -: a number on each line of the standard input",
     0},
    {0}};

static const hni_bench_kind *find_kind(struct argp_state *state, const char *word)
{
    const char *words[KINDS + 1] = {NULL};
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(word, kinds[i].name) == 0) return &kinds[i];
        words[i] = kinds[i].name;
    }
    const char *nearest = hni_nearest_word(words, word);
    if (nearest != NULL) argp_error(state, "'%.60s' cannot be measured, did you mean '%s'?", word, nearest);
    argp_error(state, "'%.60s' cannot be measured: name scaling, step or stream, or nothing for the table", word);
    return NULL;
}

static const char *parse_size(struct argp_state *state, const char *word)
{
    const char *words[HNI_BENCH_SIZES + HNI_BENCH_IMAGE_SIZES + 2] = {"all"};
    for (size_t i = 0; i < HNI_BENCH_SIZES; i++)
        words[1 + i] = hni_bench_size_at(i)->name;
    for (size_t i = 0; i < HNI_BENCH_IMAGE_SIZES; i++)
        words[1 + HNI_BENCH_SIZES + i] = hni_bench_image_size_at(i)->name;
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0) return words[i];
    const char *nearest = hni_nearest_word(words, word);
    if (nearest != NULL) argp_error(state, "--size: there is no '%.60s', did you mean '%s'?", word, nearest);
    argp_error(state, "--size: there is no '%.60s': it is ptb, enwik8, handwriting, laptop, wrn-40-1, mnist or all",
               word);
    return NULL;
}

static const char *parse_cell(struct argp_state *state, const char *word)
{
    if (strcmp(word, "hyperlstm") != 0 && strcmp(word, "lstm") != 0)
        argp_error(state, "--cell: '%.60s' is not measured: it is hyperlstm or lstm", word);
    return word;
}

static const char *parse_weights(struct argp_state *state, const char *word)
{
    if (strcmp(word, "hyper") != 0 && strcmp(word, "stored") != 0)
        argp_error(state, "--weights: '%.60s' are not measured: they are hyper or stored", word);
    return word;
}

static const struct {
    const char *word;
    hn_dtype storage;
} storages[] = {{"f32", HN_DTYPE_F32}, {"bf16", HN_DTYPE_BF16}, {"int8", HN_DTYPE_I8}};
#define STORAGES (sizeof storages / sizeof storages[0])

const char *hni_bench_storage_word(hn_dtype storage)
{
    for (size_t i = 0; i < STORAGES; i++)
        if (storages[i].storage == storage) return storages[i].word;
    return "unknown";
}

static hn_dtype parse_storage(struct argp_state *state, const char *word)
{
    for (size_t i = 0; i < STORAGES; i++)
        if (strcmp(storages[i].word, word) == 0) return storages[i].storage;
    argp_error(state, "--storage: '%.60s' is unknown: it is f32, bf16 or int8", word);
    return HN_DTYPE_F32;
}

/* An option that this kind of measurement has no use for; NULL: none. */
static const char *idle_option(const hni_bench_options *options)
{
    const hni_bench_kind *kind = options->kind;
    const char *idle = NULL;
    if (options->repeats > 0 && !kind->repeats) idle = "--repeats";
    if (options->output != NULL && !kind->output) idle = "-o";
    if (options->steps != NULL && !kind->steps) idle = "--steps";
    if (options->cell != NULL && !kind->cell) idle = "--cell";
    if (options->has_keep_recurrent && !kind->cell) idle = "--keep-recurrent";
    if (options->rows > 0 && !kind->rows) idle = "--rows";
    if (options->has_storage && !kind->rows) idle = "--storage";
    if (options->weights != NULL && !kind->cell) idle = "--weights";
    return idle;
}

static void check(struct argp_state *state, hni_bench_options *options)
{
    hni_bench_image_size images;
    if (options->kind == NULL) options->kind = &kinds[0];
    const hni_bench_kind *kind = options->kind;
    const char *idle = idle_option(options);
    if (idle != NULL && kind->name[0] == 0)
        argp_error(state, "the table has no use for %s: leave it away, or name what is to be measured", idle);
    if (idle != NULL) argp_error(state, "'%s' has no use for %s: leave it away", kind->name, idle);
    if (options->size != NULL && strcmp(options->size, "all") == 0 && !kind->all)
        argp_error(state, "'%s' measures one size: name one by --size", kind->name);
    const bool of_images = hni_bench_options_images(options, &images);
    if (of_images && !kind->images)
        argp_error(state,
                   "'%s' measures sequences, and %s is a size of images: name ptb, enwik8, handwriting or laptop",
                   kind->name, options->size);
    if (of_images && (options->cell != NULL || options->has_keep_recurrent))
        argp_error(state, "%s has no cells: --cell and --keep-recurrent are for sequences", options->size);
    if (!of_images && options->weights != NULL)
        argp_error(state, "--weights is for sizes of images: name wrn-40-1 or mnist by --size");
    if (options->repeats == 0) options->repeats = REPEATS;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    hni_bench_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_SIZE: options->size = parse_size(state, argument); return 0;
    case 'o': options->output = argument; return 0;
    case KEY_REPEATS:
        options->repeats = hni_cli_integer(state, "--repeats", argument, 1, HNI_BENCH_REPEATS_MOST);
        return 0;
    case KEY_QUICK: options->quick = true; return 0;
    case KEY_STEPS:
        if (strcmp(argument, "-") != 0) (void)hni_cli_integer(state, "--steps", argument, 1, 1000000);
        options->steps = argument;
        return 0;
    case KEY_CELL: options->cell = parse_cell(state, argument); return 0;
    case KEY_WEIGHTS: options->weights = parse_weights(state, argument); return 0;
    case KEY_KEEP:
        options->keep_recurrent = hni_cli_number(state, "--keep-recurrent", argument, 1e-3, 1);
        options->has_keep_recurrent = true;
        return 0;
    case KEY_ROWS: options->rows = hni_cli_integer(state, "--rows", argument, 1, 4096); return 0;
    case KEY_STORAGE:
        options->storage = parse_storage(state, argument);
        options->has_storage = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->kind != NULL) argp_error(state, "one measurement at a time: '%.60s' is a second one", argument);
        options->kind = find_kind(state, argument);
        return 0;
    case ARGP_KEY_END: check(state, options); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "[scaling|step|stream]",
    "Measures training and sampling on this machine; needs no data.\n\n"
    "Without a word, a table: the machine's own rates of multiplies and memory; then, for each size, a training step "
    "(forward, "
    "backward, clipping, Adam) of the layer-norm HyperLSTM and of the plain LSTM, the time that their matrix "
    "multiplies take alone, memory, and sampling. For the sizes of images, a training step with generated kernels and "
    "one with stored kernels, the time that their convolutions take alone, what else takes time, and memory. All are "
    "medians, taken in turns. A size that does not fit into memory is left out.\n\n"
    "  scaling  a step's cost against length, units, batch and threads, with the power that fits; -o draws it\n"
    "  step     trains alone, one line of JSON a step, after one that says of what\n"
    "  stream   samples alone, one line of JSON for every 100 characters, likewise\n\n"
    "Run it while nothing else runs.\v"
    "Examples:\n  hypernet bench --size laptop\n  hypernet bench --size ptb --repeats 7 --json\n"
    "  hypernet bench scaling -o scaling.svg\n"
    "  hypernet bench step --size ptb --cell lstm --steps 3\n"
    "  hypernet bench step --size wrn-40-1 --weights stored",
    hni_cli_common,
    NULL,
    NULL};

hni_bench_size hni_bench_options_size(const hni_bench_options *options, const char *other)
{
    const hni_bench_size *size = hni_bench_size_find(options->size != NULL ? options->size : other);
    return options->quick ? hni_bench_size_quick(size) : *size;
}

bool hni_bench_options_images(const hni_bench_options *options, hni_bench_image_size *out_size)
{
    const hni_bench_image_size *size = options->size != NULL ? hni_bench_image_size_find(options->size) : NULL;
    if (size != NULL) *out_size = options->quick ? hni_bench_image_size_quick(size) : *size;
    return size != NULL;
}

json_t *hni_bench_image_shape_json(const hni_bench_image_size *size)
{
    hn_image_model model;
    hni_bench_image_model(size, HN_IMAGE_WEIGHTS_HYPER, &model);
    const bool resnet = size->network == HN_IMAGE_NETWORK_WIDE_RESNET;
    return json_pack("{s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:f}", "network", resnet ? "wide_resnet" : "conv",
                     "depth", model.depth, "widen", model.widen, "channels", (json_int_t)size->channels, "height",
                     (json_int_t)size->height, "width", (json_int_t)size->width, "classes", (json_int_t)size->classes,
                     "embedding_size", (json_int_t)size->embedding, "batch", (json_int_t)size->batch, "pad",
                     (json_int_t)size->pad, "flip", (int)size->flip, "kernel_decay", model.kernel_decay);
}

json_t *hni_bench_shape_json(const hni_bench_size *size)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "units", (json_int_t)size->units, "hyper_units",
                     (json_int_t)size->hyper_units, "embedding_size", (json_int_t)size->embedding, "inputs",
                     (json_int_t)size->inputs, "outputs", (json_int_t)size->outputs, "batch", (json_int_t)size->batch,
                     "length", (json_int_t)size->length, "dense", (int)size->dense);
}

int hni_command_bench(hni_cli *cli, int argc, char **argv)
{
    hni_bench_options options = {.cli = cli, .keep_recurrent = HNI_BENCH_KEEP};
    const int code = hni_cli_start(cli, &parser, argc, argv, &options);
    return code != 0 ? code : options.kind->run(&options);
}
