/* See writing.h. */
#include "writing.h"

#include <string.h>

#include "app/data/unpack.h"
#include "core/alloc.h"

#define MOST_READ ((size_t)1 << 20) /* bytes of a text that is only shown */

enum { KEY_PRIME = 0x200, KEY_LENGTH, KEY_TEMPERATURE, KEY_TOP_K, KEY_TOP_P, KEY_SEED, KEY_TEXT };

static const struct argp_option rows[] = {
    {"prime", KEY_PRIME, "TEXT", 0, "what the model reads first, and goes on from", 1},
    {"length", KEY_LENGTH, "N", 0, "symbols to write; 0: only the prime is read", 1},
    {"temperature", KEY_TEMPERATURE, "T", 0,
     "below 1: more of what is likely; 0: always the most likely (default: 0.8)", 1},
    {"top-k", KEY_TOP_K, "K", 0, "draw from the K most likely symbols only", 1},
    {"top-p", KEY_TOP_P, "P", 0,
     "draw from the fewest symbols only that together have the share P (after --top-k, both after the temperature)", 1},
    {"seed", KEY_SEED, "N", 0, "another text for each number (default: 1)", 1},
    {"text", KEY_TEXT, "FILE|-", 0, "a text that is there already, read instead of written; - is standard input", 1},
    {0}};

static double parse_share(struct argp_state *state, const char *argument)
{
    const double share = hni_cli_number(state, "--top-p", argument, 0, 1);
    if (share > 0) return share;
    argp_error(state, "--top-p: '%s' leaves nothing to draw: it is a share above 0, at most 1", argument);
    return 0;
}

static void check(struct argp_state *state, const hni_writing *writing)
{
    if (writing->text_path == NULL) return;
    if (writing->prime[0] != 0) argp_error(state, "give --prime or --text, not both");
    if (writing->drawn != NULL)
        argp_error(state, "--text is read, nothing is drawn: leave %s away, or give --prime instead of --text",
                   writing->drawn);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    hni_writing *writing = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = writing->cli; return 0;
    case KEY_PRIME: writing->prime = argument; return 0;
    case KEY_TEXT: writing->text_path = argument; return 0;
    case KEY_LENGTH:
        writing->drawn = "--length";
        writing->length = hni_cli_integer(state, writing->drawn, argument, 0, HNI_WRITING_MOST);
        return 0;
    case KEY_TEMPERATURE:
        writing->drawn = "--temperature";
        writing->temperature = hni_cli_number(state, writing->drawn, argument, 0, 100);
        return 0;
    case KEY_TOP_K:
        writing->drawn = "--top-k";
        writing->top_k = hni_cli_integer(state, writing->drawn, argument, 1, INT32_MAX);
        return 0;
    case KEY_TOP_P:
        writing->drawn = "--top-p";
        writing->top_p = parse_share(state, argument);
        return 0;
    case KEY_SEED:
        writing->drawn = "--seed";
        writing->seed = hni_cli_integer(state, writing->drawn, argument, 0, INT64_MAX);
        return 0;
    case ARGP_KEY_END: check(state, writing); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {rows, parse, NULL, NULL, hni_cli_common, NULL, NULL};
const struct argp_child hni_writing_child[] = {{&parser, 0, NULL, 0}, {0}};

void hni_writing_default(hni_cli *cli, hni_writing *out_writing)
{
    *out_writing = (hni_writing){.cli = cli, .prime = "", .length = -1, .seed = 1, .temperature = 0.8};
}

hn_status hni_writing_read(hni_writing *writing)
{
    if (writing->text_path == NULL) return HN_OK;
    const char *path = strcmp(writing->text_path, "-") == 0 ? "/dev/stdin" : writing->text_path;
    return hni_unpack_file(writing->cli->context, path, MOST_READ, &writing->text);
}

void hni_writing_close(hni_writing *writing)
{
    if (writing->text.data != NULL) hni_free(writing->cli->context, writing->text.data);
}

hni_sample_options hni_writing_options(const hni_writing *writing, int64_t length)
{
    hni_sample_options options = {
        .prime = writing->prime,
        .length = writing->length >= 0 ? writing->length : length,
        .temperature = writing->temperature,
        .seed = (uint64_t)writing->seed,
        .top_k = writing->top_k,
        .top_p = writing->top_p,
    };
    if (writing->text_path == NULL) return options;
    options.prime = (const char *)writing->text.data;
    options.prime_size = writing->text.size;
    options.prime_name = writing->text_path;
    options.length = 0;
    return options;
}

const char *hni_writing_given(const hni_writing *writing)
{
    if (writing->text_path != NULL) return "--text";
    return writing->prime[0] != 0 ? "--prime" : writing->drawn;
}
