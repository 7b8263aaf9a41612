/* hypernet COMMAND ...: finds the command and runs it. What a command does is in the file of its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "kernels/table.h"

const hni_command hni_commands[] = {
    {"recipes", hni_command_recipes, "list what can be trained, and whether its data is here"},
    {"train", hni_command_train, "train a model from a recipe, or go on with a run"},
    {"sweep", hni_command_sweep, "train a recipe with every combination of some keys' values"},
    {"eval", hni_command_eval, "measure a trained model on a text, or on images"},
    {"sample", hni_command_sample, "let a trained model write"},
    {"predict", hni_command_predict, "say what a trained model takes images for"},
    {"bake", hni_command_bake, "write generated weights out as an ordinary network"},
    {"info", hni_command_info, "say what a recipe, a run or a checkpoint is made of"},
    {"data", hni_command_data, "show what a network will see of a text, or of images"},
    {"plot", hni_command_plot, "draw one picture of runs: curves, weight change, phi, path, rank"},
    {"report", hni_command_report, "write a page with the curves and figures of runs"},
    {"bench", hni_command_bench, "measure training and sampling on this machine"},
    {"gradcheck", hni_command_gradcheck, "check the gradients of every op"},
    {NULL, NULL, NULL},
};
#define COMMAND_COUNT (sizeof hni_commands / sizeof hni_commands[0] - 1)

static void print_help(void)
{
    puts("Usage: hypernet COMMAND [OPTION...]\n\nTrain, study and export networks whose weights are made by another "
         "network.\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", hni_commands[i].name, hni_commands[i].help);
    puts(
        "\n  --help     this text; 'hypernet COMMAND --help' says more\n  --version  version, backend and libraries\n\n"
        "Example:\n  hypernet train text-small --set data.path=my.txt");
}

static int print_version(bool as_json)
{
    const hni_kernels *cpu = hni_kernels_cpu(HN_DTYPE_F32);
    const char *backend = cpu ? "cpu" : "generic";
    const char *onednn = cpu ? HYPERNET_ONEDNN : "not compiled in";
    hni_cli cli = {.name = "hypernet", .json = as_json};
    int code = hni_cli_open(&cli); /* what $HN_ISA asks for is what the commands would run with */
    if (code == 0 && as_json) {
        code = hni_cli_print_json(&cli, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "version", hn_version(), "backend",
                                                  backend, "isa", hni_kernels_isa(), "onednn", onednn, "libraries",
                                                  HYPERNET_LIBRARIES, "build", HYPERNET_BUILD));
    } else if (code == 0) {
        printf("hypernet %s\nbackend %s, instruction set %s\noneDNN %s\n%s\nbuilt with %s\n", hn_version(), backend,
               hni_kernels_isa(), onednn, HYPERNET_LIBRARIES, HYPERNET_BUILD);
    }
    hn_context_destroy(cli.context);
    return code;
}

const hni_command *hni_command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(hni_commands[i].name, name) == 0) return &hni_commands[i];
    return NULL;
}

const struct argp *hni_command_parser(const hni_command *command)
{
    char name[32];
    char *argv[] = {name, NULL};
    hni_cli cli = {.command = command->name, .argc = 1, .argv = argv, .only_parser = true};
    snprintf(name, sizeof name, "%s", command->name);
    (void)command->run(&cli, 1, argv);
    return cli.parser;
}

static int refuse_command(const char *name)
{
    const char *words[COMMAND_COUNT + 1];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        words[i] = hni_commands[i].name;
    words[COMMAND_COUNT] = NULL;
    const char *nearest = hni_nearest_word(words, name);
    const char *what = name[0] == '-' ? "option" : "command";
    if (nearest)
        fprintf(stderr, "hypernet: unknown %s '%.60s', did you mean '%s'?\n", what, name, nearest);
    else
        fprintf(stderr, "hypernet: unknown %s '%.60s': 'hypernet --help' lists them\n", what, name);
    return 2;
}

static int run_command(const hni_command *command, int argc, char **argv)
{
    hni_cli cli = {.command = command->name, .argc = argc, .argv = argv};
    snprintf(cli.name, sizeof cli.name, "hypernet %s", command->name);
    const int code = command->run(&cli, argc - 1, argv + 1);
    hn_context_destroy(cli.context);
    return code;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        fputs("hypernet: a command is missing: 'hypernet --help' lists them\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) return print_version(argc > 2 && strcmp(argv[2], "--json") == 0);
    if (strcmp(argv[1], "__manual") == 0) return hni_command_manual();
    if (strcmp(argv[1], "__complete") == 0) return hni_command_complete(argc - 2, argv + 2);
    const hni_command *command = hni_command_find(argv[1]);
    return command ? run_command(command, argc, argv) : refuse_command(argv[1]);
}

int main(int argc, char **argv)
{
    const int code = run(argc, argv);
    /* A full disk shows only when the last of the output is written. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("hypernet: cannot write the result");
        return 1;
    }
    return code;
}
