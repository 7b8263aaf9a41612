/* hypernet data show PATH: what a network will see of a text or of images. */
#include "data.h"

#include <string.h>

#include "app/data/images.h"
#include "app/data/text.h"

enum { KEY_KIND = 0x100, KEY_VOCABULARY };

static const struct argp_option rows[] = {
    {"kind", KEY_KIND, "bytes|penn_treebank|characters|idx|cifar10|folder", 0,
     "how a text or images are read (default: by the look of the path)", 0},
    {"vocabulary", KEY_VOCABULARY, "V", 0,
     "rows of a text's vocabulary; 0: as many as occur (default: 256 for bytes, 205 for enwik8, 50 for penn_treebank, "
     "0 for"
     " characters)",
     0},
    {"output", 'o', "FILE", 0, "the first images of each class as a picture: .svg, .png or .pdf", 0},
    {0}};

static void parse_kind(struct argp_state *state, hni_data_options *options, const char *word)
{
    for (int kind = HNI_TEXT_KIND_BYTES; kind <= HNI_TEXT_KIND_CHARACTERS; kind++)
        if (strcmp(hni_text_kind_name((hni_text_kind)kind), word) == 0) options->text_kind = kind;
    for (int kind = HNI_IMAGES_KIND_IDX; kind <= HNI_IMAGES_KIND_FOLDER; kind++)
        if (strcmp(hni_images_kind_name((hni_images_kind)kind), word) == 0) options->images_kind = kind;
    if (options->text_kind < 0 && options->images_kind < 0) {
        argp_error(
            state,
            "--kind: '%s' is unknown: it is bytes, penn_treebank or characters for a text, idx, cifar10 or folder "
            "for images",
            word);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    hni_data_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_KIND: parse_kind(state, options, argument); return 0;
    case KEY_VOCABULARY:
        options->vocabulary_size = hni_cli_integer(state, "--vocabulary", argument, 0, HNI_MOST_SYMBOLS);
        return 0;
    case 'o': options->output = argument; return 0;
    case ARGP_KEY_ARG:
        if (options->verb == NULL) {
            options->verb = argument;
        } else if (options->path == NULL) {
            options->path = argument;
        } else {
            argp_error(state, "one path at a time: '%s' is a second one", argument);
        }
        return 0;
    case ARGP_KEY_END:
        if (options->verb == NULL || strcmp(options->verb, "show") != 0) argp_error(state, "say 'data show PATH'");
        if (options->path == NULL)
            argp_error(state, "a path is missing: a file, a folder, or a name below the data places");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {rows,
                                   parse,
                                   "show PATH",
                                   "Shows what a network will see: of a text its parts, its symbols, and how each part "
                                   "begins; of images their number in each "
                                   "class, mean and deviation, and the first of each class.\v"
                                   "Examples:\n  hypernet data show my.txt\n  hypernet data show ptb --data "
                                   "/srv/data\n  hypernet data show mnist -o mnist.png",
                                   hni_cli_common,
                                   NULL,
                                   NULL};

int hni_command_data(hni_cli *cli, int argc, char **argv)
{
    hni_data_options options = {.cli = cli, .text_kind = -1, .images_kind = -1, .vocabulary_size = -1};
    hni_data_places places;
    char path[HNI_DATA_PATH_SIZE];
    const int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    if (hni_data_places_find(cli->context, cli->data, &places) != HN_OK ||
        hni_data_want(cli->context, options.path, &places, path) != HN_OK)
        return hni_cli_fail(cli);
    if (options.images_kind >= 0 || (options.text_kind < 0 && hni_images_are_here(path))) {
        if (options.vocabulary_size >= 0) return hni_cli_usage(cli, "--vocabulary is for a text, and these are images");
        return hni_data_show_images(&options, path);
    }
    if (options.output != NULL) return hni_cli_usage(cli, "-o draws images, and this is a text: leave it out");
    return hni_data_show_text(&options, path);
}
