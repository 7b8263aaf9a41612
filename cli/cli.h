/* What all subcommands share: options, the context, places of recipes, errors, output. One file a subcommand:
 *
 *     typedef struct eval_options {
 *         hni_cli *cli; // first: the parser of the common options gets it through child_inputs
 *         const char *split;
 *     } eval_options;
 *
 *     static error_t parse(int key, char *argument, struct argp_state *state)
 *     {
 *         eval_options *options = state->input;
 *         switch (key) {
 *         case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
 *         case 's': options->split = argument; return 0;
 *         default: return ARGP_ERR_UNKNOWN;
 *         }
 *     }
 *
 *     static const struct argp parser = {rows, parse, "RUN", "What it does.\vExample:\n  hypernet eval runs/a",
 *                                        hni_cli_common};
 *
 *     int hni_command_eval(hni_cli *cli, int argc, char **argv)
 *     {
 *         eval_options options = {.cli = cli, .split = "test"};
 *         int code = hni_cli_start(cli, &parser, argc, argv, &options);
 *         if (code != 0) return code;
 *         if (work(cli->context) != HN_OK) return hni_cli_fail(cli);
 *         return 0;
 *     }
 *
 * Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef HNI_CLI_CLI_H
#define HNI_CLI_CLI_H

#include <argp.h>
#include <jansson.h>

#include "app/tasks/task.h"

typedef struct hni_cli {
    const char *command; /* "train" */
    char name[48];       /* "hypernet train" */
    hn_context *context; /* from hni_cli_start on; main closes it */
    bool json;           /* --json */
    int threads;         /* --threads; 0: all cores */
    const char *data;    /* --data, for hni_data_places_find; NULL: none */
    int argc;            /* the whole command line, for the record of a run */
    char **argv;
    const struct argp *parser; /* of the command, once hni_cli_start was called */
    bool only_parser;          /* hni_cli_start notes the parser, and the command ends there */
} hni_cli;

typedef struct hni_command {
    const char *name;
    int (*run)(hni_cli *cli, int argc, char **argv); /* argv[0] is the command; returns the exit code */
    const char *help;                                /* one line */
} hni_command;
extern const hni_command hni_commands[]; /* in the order of --help; a row without a name stands behind the last */
/* NULL: there is none of that name. */
const hni_command *hni_command_find(const char *name);
/* What a command's line may hold, for the manual and for completion. */
const struct argp *hni_command_parser(const hni_command *command);

/* For the `children` of a command's parser: --data DIR, --threads N, --json. */
extern const struct argp_child hni_cli_common[];

/* Opens cli->context, with $HN_ISA. Returns 0, or the exit code after having said why not. */
int hni_cli_open(hni_cli *cli);
/* Parses the options and opens the context. Returns 0, or the exit code after having said why not. Wrong usage and --help end
 * the program here. */
int hni_cli_start(hni_cli *cli, const struct argp *parser, int argc, char **argv, void *options);

/* Prints the context's error, "hypernet eval: ...", and returns 1. */
int hni_cli_fail(hni_cli *cli);
/* Prints a message and where help is, and returns 2. */
int hni_cli_usage(hni_cli *cli, const char *format, ...) HN_PRINTF(2, 3);
/* A whole number of an option within a range; anything else ends the program with a message (inside of a parser only). */
int64_t hni_cli_integer(struct argp_state *state, const char *option, const char *text, int64_t minimum,
                        int64_t maximum);
double hni_cli_number(struct argp_state *state, const char *option, const char *text, double minimum, double maximum);
/* f32, bf16 or int8, for --storage; and the word of it. */
hn_dtype hni_cli_storage(struct argp_state *state, const char *text);
const char *hni_cli_storage_word(hn_dtype storage);
#define HNI_CLI_STORAGE_WORDS "f32|bf16|int8"
/* Prints one value on one line of stdout and gives it back to jansson. NULL is out of memory. Returns the exit code. */
int hni_cli_print_json(hni_cli *cli, json_t *json);
/* Any bytes as a JSON text, what is no UTF-8 as U+FFFD; NULL is out of memory. */
json_t *hni_cli_bytes_json(const hni_cli *cli, const char *bytes, size_t size);
json_t *hni_cli_path_json(const hni_cli *cli, const char *path);
/* A number, or null for one that is not finite. */
json_t *hni_cli_number_json(double number);
/* The command line as it would be typed again, before hni_cli_start has changed it; free(). NULL: out of memory. */
char *hni_cli_command_text(const hni_cli *cli);

/* Where recipes lie: $HYPERNET_RECIPES, recipes/ of the source tree that the program was built in, the installed ones. */
#define HNI_CLI_RECIPE_FOLDERS 4
typedef struct hni_cli_recipes {
    const char *folders[HNI_CLI_RECIPE_FOLDERS];
    size_t count;
    char beside[2][4096];
} hni_cli_recipes;
void hni_cli_find_recipes(hni_cli_recipes *out_recipes);

/* The subcommands. */
int hni_command_manual(void);                    /* __manual: the manual page, in roff, from the tables of options */
int hni_command_complete(int argc, char **argv); /* __complete WORD...: what the last word may become, one a line */
int hni_command_recipes(hni_cli *cli, int argc, char **argv);
int hni_command_eval(hni_cli *cli, int argc, char **argv);
int hni_command_sample(hni_cli *cli, int argc, char **argv);
int hni_command_predict(hni_cli *cli, int argc, char **argv);
int hni_command_bake(hni_cli *cli, int argc, char **argv);
int hni_command_data(hni_cli *cli, int argc, char **argv);
int hni_command_info(hni_cli *cli, int argc, char **argv);
int hni_command_gradcheck(hni_cli *cli, int argc, char **argv);
int hni_command_train(hni_cli *cli, int argc, char **argv);
int hni_command_report(hni_cli *cli, int argc, char **argv);
int hni_command_plot(hni_cli *cli, int argc, char **argv);
int hni_command_sweep(hni_cli *cli, int argc, char **argv);
int hni_command_bench(hni_cli *cli, int argc, char **argv);

#endif
