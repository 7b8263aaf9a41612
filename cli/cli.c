/* Options, the context, errors and output of all subcommands. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "io/json.h"
#include "io/text.h"
#include "kernels/table.h"

enum { KEY_DATA = 0x700, KEY_THREADS, KEY_JSON };

#define MOST_THREADS 1024

static const struct argp_option common_rows[] = {
    {0, 0, 0, 0, "Common options:", -2},
    {"data", KEY_DATA, "DIR", 0, "folder with data sets, looked in first", -2},
    {"threads", KEY_THREADS, "N", 0, "threads of compute (default: all cores)", -2},
    {"json", KEY_JSON, 0, 0, "print the result as JSON", -2},
    {0}};

int64_t hni_cli_integer(struct argp_state *state, const char *option, const char *text, int64_t minimum,
                        int64_t maximum)
{
    int64_t value = 0;
    if (!hni_whole_parse(text, &value) || value < minimum || value > maximum)
        argp_error(state, "%s: '%s' is not a whole number from %lld to %lld", option, text, (long long)minimum,
                   (long long)maximum);
    return value;
}

double hni_cli_number(struct argp_state *state, const char *option, const char *text, double minimum, double maximum)
{
    double value = 0;
    if (!hni_number_parse(text, &value) || !(value >= minimum && value <= maximum))
        argp_error(state, "%s: '%s' is not a number from %g to %g", option, text, minimum, maximum);
    return value;
}

const char *hni_cli_storage_word(hn_dtype storage)
{
    return storage == HN_DTYPE_BF16 ? "bf16" : storage == HN_DTYPE_I8 ? "int8" : "f32";
}

hn_dtype hni_cli_storage(struct argp_state *state, const char *text)
{
    static const hn_dtype all[] = {HN_DTYPE_F32, HN_DTYPE_BF16, HN_DTYPE_I8};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(text, hni_cli_storage_word(all[i])) == 0) return all[i];
    argp_error(state, "--storage: '%s' is unknown: it is f32, bf16 or int8", text);
    return HN_DTYPE_F32;
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
    hni_cli *cli = state->input;
    switch (key) {
    case KEY_DATA: cli->data = argument; return 0;
    case KEY_THREADS: cli->threads = (int)hni_cli_integer(state, "--threads", argument, 1, MOST_THREADS); return 0;
    case KEY_JSON: cli->json = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp common_parser = {.options = common_rows, .parser = parse_common};
const struct argp_child hni_cli_common[] = {{&common_parser, 0, NULL, -2}, {0}};

/* ---- unknown options ------------------------------------------------------------------------------------------------ */

#define MOST_OPTIONS 64

/* Appends the long options of a parser and its children. */
static size_t list_options(const struct argp *parser, const struct argp_option **rows, size_t count)
{
    for (const struct argp_option *row = parser->options; row && (row->name || row->key || row->doc); row++)
        if (row->name && count < MOST_OPTIONS) rows[count++] = row;
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        count = list_options(child->argp, rows, count);
    return count;
}

static const struct argp_option *option_of(const struct argp_option **rows, size_t count, const char *name,
                                           size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(rows[i]->name, name, length) == 0) return rows[i]; /* getopt takes a unique beginning too */
    return NULL;
}

/* Says what was probably meant by an option that no parser knows; argp itself only says that it is unknown. */
static void suggest_option(hni_cli *cli, const struct argp *parser, int argc, char **argv)
{
    static const char *const built_in[] = {"help", "usage"};
    const struct argp_option *rows[MOST_OPTIONS];
    const char *words[MOST_OPTIONS + 3];
    const size_t count = list_options(parser, rows, 0);
    for (size_t i = 0; i < count; i++)
        words[i] = rows[i]->name;
    words[count] = built_in[0];
    words[count + 1] = built_in[1];
    words[count + 2] = NULL;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0) continue;
        const char *name = argv[i] + 2;
        const size_t length = strcspn(name, "=");
        const struct argp_option *row = option_of(rows, count, name, length);
        if (row) {
            if (row->arg && !(row->flags & OPTION_ARG_OPTIONAL) && name[length] == 0)
                i++; /* the next word is its argument */
            continue;
        }
        if (strncmp(built_in[0], name, length) == 0 || strncmp(built_in[1], name, length) == 0) continue;
        char cut[64];
        snprintf(cut, sizeof cut, "%.*s", (int)(length < sizeof cut ? length : sizeof cut - 1), name);
        const char *nearest = hni_nearest_word(words, cut);
        if (!nearest) continue;
        exit(hni_cli_usage(cli, "unknown option '--%s', did you mean '--%s'?", cut, nearest));
    }
}

/* ---- the context ---------------------------------------------------------------------------------------------------- */

static void log_line(void *user, hn_log_level level, const char *text)
{
    const hni_cli *cli = user;
    if (level >= HN_LOG_INFO)
        fprintf(stderr, "%s: %s%s\n", cli->name, level >= HN_LOG_WARNING ? "warning: " : "", text);
}

static hn_status open_context(hni_cli *cli)
{
    hn_context_options options;
    hn_context_options_default(&options);
    options.threads = cli->threads ? cli->threads : hni_parallel_cores();
    options.log = log_line;
    options.log_user = cli;
    const hn_status status = hn_context_create(&options, &cli->context);
    if (status != HN_OK) return status;
    const char *wanted = getenv("HN_ISA");
    return wanted && wanted[0] ? hni_kernels_choose_isa(cli->context, wanted) : HN_OK;
}

int hni_cli_open(hni_cli *cli)
{
    if (open_context(cli) == HN_OK) return 0;
    if (cli->context) return hni_cli_fail(cli);
    fprintf(stderr, "%s: out of memory\n", cli->name);
    return 1;
}

int hni_cli_start(hni_cli *cli, const struct argp *parser, int argc, char **argv, void *options)
{
    cli->parser = parser;
    if (cli->only_parser) return 2;
    argp_err_exit_status = 2;
    suggest_option(cli, parser, argc, argv);
    argv[0] = cli->name; /* argp begins its messages with it */
    if (argp_parse(parser, argc, argv, 0, NULL, options) != 0) return 2;
    return hni_cli_open(cli);
}

/* ---- messages and results ------------------------------------------------------------------------------------------- */

int hni_cli_fail(hni_cli *cli)
{
    const hn_error *error = hn_context_error(cli->context);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", cli->name, error->status == HN_OK ? "failed without a message" : error->text);
    return 1;
}

int hni_cli_usage(hni_cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", cli->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry '%s --help'.\n", cli->name);
    va_end(arguments);
    return 2;
}

int hni_cli_print_json(hni_cli *cli, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(json);
    if (!text) {
        fprintf(stderr, "%s: out of memory\n", cli->name);
        return 1;
    }
    puts(text);
    free(text);
    return 0;
}

json_t *hni_cli_bytes_json(const hni_cli *cli, const char *bytes, size_t size)
{
    return hni_json_bytes(cli->context, bytes, size);
}

json_t *hni_cli_path_json(const hni_cli *cli, const char *path)
{
    return hni_json_bytes(cli->context, path, strlen(path));
}

json_t *hni_cli_number_json(double number)
{
    json_t *value = json_real(number); /* NULL for one that is not finite */
    return value != NULL ? value : json_null();
}

char *hni_cli_command_text(const hni_cli *cli)
{
    size_t size = 16;
    for (int i = 0; i < cli->argc; i++)
        size += 4 * strlen(cli->argv[i]) + 3;
    char *text = malloc(size), *end = text;
    if (text == NULL) return NULL;
    for (int i = 0; i < cli->argc; i++) {
        const char *word = i == 0 ? "hypernet" : i == 1 ? cli->command : cli->argv[i];
        const bool plain =
            word[0] != 0 &&
            strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%") == strlen(word);
        if (i > 0) *end++ = ' ';
        if (!plain) *end++ = '\'';
        for (const char *c = word; *c != 0; c++) {
            if (*c == '\'') {
                memcpy(end, "'\\''", 4);
                end += 4;
            } else {
                *end++ = *c;
            }
        }
        if (!plain) *end++ = '\'';
    }
    *end = 0;
    return text;
}
