/* hypernet predict: what a trained model takes images for. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "core/alloc.h"
#include "model.h"

#define MOST_TOP 1000

typedef struct predict_options {
    hni_cli *cli;
    const char *run;
    char **files;
    int file_count;
    int64_t top;
} predict_options;

enum { KEY_TOP = 0x100 };

static const struct argp_option rows[] = {
    {"top", KEY_TOP, "K", 0, "so many of the most probable classes of each image (default: 1)", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    predict_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_TOP: options->top = hni_cli_integer(state, "--top", argument, 1, MOST_TOP); return 0;
    case ARGP_KEY_ARGS:
        options->run = state->argv[state->next];
        options->files = state->argv + state->next + 1;
        options->file_count = state->argc - state->next - 1;
        if (options->file_count == 0)
            argp_error(state, "an image is missing: name PNG files, or a file in MNIST's format");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a run is missing: name a folder that 'hypernet train' has made, then images");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RUN|FILE.safetensors IMAGE...",
    "Says what a trained model takes images for, and how sure it is. IMAGE is a PNG file, or a file of images in "
    "MNIST's "
    "format (idx), packed or not; of the size that the model was trained on.\vExamples:\n"
    "  hypernet predict runs/mnist-hyper seven.png\n"
    "  hypernet predict baked.safetensors photo.png --top 3",
    hni_cli_common,
    NULL,
    NULL};

/* ---- what is printed of an image ---- */

typedef struct listing {
    const predict_options *options;
    const hni_cli_model *model;
    const char *file;
    json_t *list;   /* NULL: lines of text */
    int64_t *order; /* [classes] */
    hn_status status;
} listing;

static void sort_classes(const hni_task_item *item, int64_t top, int64_t *order)
{
    for (int64_t i = 0; i < item->classes; i++)
        order[i] = i;
    for (int64_t i = 0; i < top; i++) {
        int64_t best = i;
        for (int64_t j = i + 1; j < item->classes; j++)
            if (item->probabilities[order[j]] > item->probabilities[order[best]]) best = j;
        const int64_t class = order[best];
        memmove(order + i + 1, order + i, (size_t)(best - i) * sizeof *order); /* equal ones stay in order */
        order[i] = class;
    }
}

static void list_classes(const listing *to, const hni_task_item *item, int64_t top)
{
    json_t *classes = json_array();
    for (int64_t i = 0; i < top; i++) {
        size_t size;
        const char *name = to->model->task->class_name(to->model->work, to->order[i], &size);
        json_array_append_new(classes, json_pack("{s:I,s:o,s:f}", "class", (json_int_t)to->order[i], "name",
                                                 hni_cli_bytes_json(to->options->cli, name, size), "probability",
                                                 (double)item->probabilities[to->order[i]]));
    }
    json_array_append_new(to->list, json_pack("{s:o,s:I,s:o}", "file", hni_cli_path_json(to->options->cli, to->file),
                                              "image", (json_int_t)item->place, "classes", classes));
}

/* "seven.png  7  0.9987"; of a file of several, its number stands behind the name. */
static void print_classes(const listing *to, const hni_task_item *item, int64_t top)
{
    printf("%s", to->file);
    if (item->count > 1) printf("[%lld]", (long long)item->place);
    for (int64_t i = 0; i < top; i++) {
        size_t size;
        const char *name = to->model->task->class_name(to->model->work, to->order[i], &size);
        printf("  %.*s  %.4f", (int)size, name, (double)item->probabilities[to->order[i]]);
    }
    printf("\n");
}

static void take(void *user, const hni_task_item *item)
{
    listing *to = user;
    const int64_t top = to->options->top < item->classes ? to->options->top : item->classes;
    void *memory = to->order;
    if (to->order == NULL && to->status == HN_OK)
        to->status =
            hni_alloc_array(to->options->cli->context, "classes", (size_t)item->classes, sizeof *to->order, &memory);
    if (to->status != HN_OK) return;
    to->order = memory;
    sort_classes(item, top, to->order);
    if (to->list != NULL) {
        list_classes(to, item, top);
    } else {
        print_classes(to, item, top);
    }
}

/* ---- the whole ---- */

static hn_status predict(const predict_options *options, hni_cli_model *model, listing *to)
{
    hn_context *context = options->cli->context;
    hn_status status;
    HNI_TRY(hni_cli_model_find(context, options->run, model));
    if (model->task->predict == NULL) {
        status = hni_error(context, HN_ERROR_ARGUMENT, "%.300s: is of task '%s', whose models classify nothing",
                           model->path, model->task->name);
        goto cleanup;
    }
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_BEST, NULL, NULL));
    for (int i = 0; i < options->file_count; i++) {
        to->file = options->files[i];
        HNI_TRY(model->task->predict(model->work, to->file, take, to));
        HNI_TRY(to->status);
    }
cleanup:
    return status;
}

int hni_command_predict(hni_cli *cli, int argc, char **argv)
{
    predict_options options = {.cli = cli, .top = 1};
    hni_cli_model model = {.context = NULL};
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    listing to = {.options = &options, .model = &model, .list = cli->json ? json_array() : NULL};
    const hn_status status = predict(&options, &model, &to);
    hni_free(cli->context, to.order);
    hni_cli_model_close(&model);
    if (status != HN_OK) {
        json_decref(to.list);
        return hni_cli_fail(cli);
    }
    return cli->json ? hni_cli_print_json(cli, to.list) : 0;
}
