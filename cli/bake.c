/* hypernet bake: a model whose weights are generated, written out as an ordinary one. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/train/bake.h"
#include "cli.h"
#include "core/alloc.h"
#include "format.h"
#include "model.h"

#define SHOWN 64             /* made-up inputs that both models are shown */
#define MOST_DIFFERENCE 1e-5 /* of their outputs, as a share of the largest */

typedef struct bake_options {
    hni_cli *cli;
    const char *run, *output;
} bake_options;

static const struct argp_option rows[] = {{"output", 'o', "FILE", 0, "the file to write, FILE.safetensors", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    bake_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case 'o': options->output = argument; return 0;
    case ARGP_KEY_ARG:
        if (options->run != NULL) argp_error(state, "one run at a time: '%s' is a second one", argument);
        options->run = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->run == NULL) argp_error(state, "a run is missing: name a folder that 'hypernet train' has made");
        if (options->output == NULL) argp_error(state, "-o FILE.safetensors is missing: where the network goes");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN|FILE.safetensors",
    "Writes the weights that a generator makes into a file, as an ordinary network that runs without it; loads that "
    "file and makes sure that both say the same.\vExamples:\n"
    "  hypernet bake runs/mnist-hyper -o mnist.safetensors\n"
    "  hypernet predict mnist.safetensors seven.png",
    hni_cli_common,
    NULL,
    NULL};

typedef struct bake_result {
    int64_t numbers, baked_numbers; /* stored in each */
    int64_t bytes, baked_bytes;     /* of the files */
    hni_task_difference difference;
} bake_result;

static int64_t file_bytes(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (int64_t)found.st_size : 0;
}

static hn_status check_output(const bake_options *options, const hni_cli_model *model)
{
    hn_context *context = options->cli->context;
    struct stat found;
    if (!hni_cli_model_is_file(options->output)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "-o: '%.300s' must end in .safetensors, by which such files are known", options->output);
    }
    if (stat(options->output, &found) == 0)
        return hni_error(context, HN_ERROR_IO, "%.300s: is there already: name another file", options->output);
    if (model->task->bake != NULL) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "%.300s: is of task '%s', whose weights change while a model runs: they cannot be written down",
                     model->path, model->task->name);
}

/* The file as anybody would load it, beside the model that it was made of. */
static hn_status compare(const bake_options *options, const hni_cli_model *model, bake_result *out_result)
{
    hni_cli_model baked = {.context = NULL};
    hn_status status;
    HNI_TRY(hni_cli_model_find(options->cli->context, options->output, &baked));
    HNI_TRY(hni_cli_model_open(&baked, HN_BACKEND_BEST, NULL, NULL));
    HNI_TRY(model->task->compare(model->work, baked.work, SHOWN, &out_result->difference));
    out_result->numbers = hn_store_elements(model->store);
    out_result->baked_numbers = hn_store_elements(baked.store);
    out_result->bytes = file_bytes(model->path);
    out_result->baked_bytes = file_bytes(options->output);
    if (!(out_result->difference.share <= MOST_DIFFERENCE)) {
        status = hni_error(
            options->cli->context, HN_ERROR_STATE,
            "%.300s: its outputs differ by %.2g of the largest from those of %.300s, so it was taken away again",
            options->output, out_result->difference.share, model->path);
    }
cleanup:
    hni_cli_model_close(&baked);
    return status;
}

static hn_status bake(const bake_options *options, bake_result *out_result)
{
    hni_cli_model model = {.context = NULL};
    hn_status status;
    HNI_TRY(hni_cli_model_find(options->cli->context, options->run, &model));
    HNI_TRY(check_output(options, &model));
    HNI_TRY(hni_cli_model_open(&model, HN_BACKEND_BEST, NULL, NULL));
    HNI_TRY(hni_bake_write(options->cli->context, model.task, model.work, options->output));
    status = compare(options, &model, out_result);
    if (status != HN_OK) (void)remove(options->output); /* nobody should find a file that is not what it says */
cleanup:
    hni_cli_model_close(&model);
    return status;
}

static int print_result(const bake_options *options, const bake_result *result)
{
    char numbers[2][32], bytes[2][32];
    if (options->cli->json) {
        return hni_cli_print_json(
            options->cli,
            json_pack("{s:o,s:{s:I,s:I},s:{s:I,s:I},s:I,s:f}", "file", hni_cli_path_json(options->cli, options->output),
                      "generated", "parameters", (json_int_t)result->numbers, "bytes", (json_int_t)result->bytes,
                      "baked", "parameters", (json_int_t)result->baked_numbers, "bytes",
                      (json_int_t)result->baked_bytes, "compared", (json_int_t)result->difference.items, "difference",
                      result->difference.share));
    }
    printf("%s: %s numbers, %s, out of %s numbers, %s\n", options->output,
           hni_count_print(result->baked_numbers, numbers[0], sizeof numbers[0]),
           hni_bytes_print((uint64_t)result->baked_bytes, bytes[0], sizeof bytes[0]),
           hni_count_print(result->numbers, numbers[1], sizeof numbers[1]),
           hni_bytes_print((uint64_t)result->bytes, bytes[1], sizeof bytes[1]));
    printf("outputs for %lld made-up inputs differ by at most %.2g of the largest\n",
           (long long)result->difference.items, result->difference.share);
    return 0;
}

int hni_command_bake(hni_cli *cli, int argc, char **argv)
{
    bake_options options = {.cli = cli};
    bake_result result = {.numbers = 0};
    const int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    return bake(&options, &result) == HN_OK ? print_result(&options, &result) : hni_cli_fail(cli);
}
