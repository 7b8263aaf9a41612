/* hypernet info: what a recipe, a run or a checkpoint file is made of: layers, shapes, counts, memory, readings; of a file that lies in no
 * run, the model alone. A recipe is built on paper only (the dry backend), so neither its data nor its memory is needed. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/report/report.h"
#include "app/tasks/readings.h"
#include "app/train/trainer.h"
#include "cli.h"
#include "core/alloc.h"
#include "format.h"
#include "io/json.h"
#include "io/settings_json.h"
#include "io/text.h"
#include "model.h"

#define MOST_SETS 64

typedef struct info_options {
    hni_cli *cli;
    const char *name;
    const char *sets[MOST_SETS];
    size_t set_count;
} info_options;

enum { KEY_SET = 0x100 };

static const struct argp_option rows[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "change a key of the recipe, for example model.units=512; may be repeated", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    info_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case KEY_SET:
        if (options->set_count == MOST_SETS) argp_error(state, "--set: at most %d keys can be changed", MOST_SETS);
        options->sets[options->set_count++] = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (options->name != NULL) argp_error(state, "one at a time: '%s' is a second one", argument);
        options->name = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->name == NULL) argp_error(state, "a recipe, a run or a checkpoint is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    rows,
    parse,
    "RECIPE|RUN|FILE.safetensors",
    "Says what a model is made of: layers, shapes, counts, memory, and which readings of the paper it "
    "takes; of a file that lies in no run, the model alone. Needs no data.\vExamples:\n  hypernet info "
    "ptb-hyperlstm-ln\n  hypernet info runs/mine --json",
    hni_cli_common,
    NULL,
    NULL};

/* ---- what is found ---- */

#define MOST_LINES 96

typedef struct info {
    hni_cli_model model;
    char keys[MOST_LINES][64], values[MOST_LINES][512]; /* what the task says */
    int lines;
    int64_t step_bytes, training_bytes;
    int64_t micro_batches;
    const hni_paper_row *paper; /* NULL: no model of the paper */
    const hni_paper_table *table;
    const char *metric; /* its name, "bits per character" */
    double best;        /* validation of this run; NaN: not a run, or not validated yet */
    int64_t best_step;  /* updates made by then */
} info;

static void keep_line(void *user, const char *key, const char *value)
{
    info *all = user;
    if (all->lines == MOST_LINES) return;
    snprintf(all->keys[all->lines], sizeof all->keys[0], "%s", key);
    snprintf(all->values[all->lines++], sizeof all->values[0], "%s", value);
}

/* Readings of training, which the recipe has. */
static void describe_training(info *all)
{
    static const hni_reading readings[] = {
        {"gradient clipping", "clip_norm", "by global norm, factor min(1, clip_norm / norm); 0: not at all"},
        {"gradient clipping, values", "clip_value", NULL},
        {"optimizer", "optimizer", NULL},
        {"Adam, epsilon", "epsilon", "outside the root; mean and variance corrected for their bias"},
        {"run length", "epochs", "passes over the training part, unless train.steps says updates"},
        {"run length, updates", "steps", NULL},
        {"validation interval", "validate_every", NULL},
        {"patience", "patience", NULL},
    };
    char key[64], value[512];
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        const void *settings = &all->model.plan->train;
        if (!hni_reading_print(&readings[i], hni_train_settings_table(), settings, value, sizeof value)) continue;
        snprintf(key, sizeof key, "reading: %s", readings[i].name);
        keep_line(all, key, value);
    }
}

static bool is_run_or_file(const char *name)
{
    struct stat status;
    return hni_cli_model_is_file(name) || (stat(name, &status) == 0 && S_ISDIR(status.st_mode));
}

/* What a run has reached so far. */
static hn_status read_best(const char *folder, info *all)
{
    struct stat found;
    hni_run run;
    all->best = (double)NAN;
    if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode)) return HN_OK;
    const hn_status status = hni_run_load(all->model.context, folder, &run);
    if (status == HN_ERROR_MEMORY) return status;
    if (status != HN_OK) { /* the checkpoint and its recipe are enough for the rest */
        hn_context_clear(all->model.context);
        return HN_OK;
    }
    const hni_run_row *best = hni_run_best(&run);
    if (best != NULL) {
        all->best = best->valid;
        all->best_step = best->step;
    }
    hni_run_free(&run);
    return HN_OK;
}

/* Memory of training, by one update on the dry graph. */
static hn_status forecast(info *all)
{
    const hni_cli_model *model = &all->model;
    hn_tensor loss;
    hn_status status;
    hni_task_size size;
    model->task->size(model->work, &size);
    all->micro_batches = model->plan->train.micro_batches > 1 ? model->plan->train.micro_batches : 1;
    if (all->micro_batches > 1 && all->micro_batches > size.rows_per_step) {
        HNI_TRY(hni_error(model->context, HN_ERROR_ARGUMENT,
                          "recipe: train.micro_batches is %lld, but a batch has %lld rows",
                          (long long)all->micro_batches, (long long)size.rows_per_step));
    }
    if (model->task->take_part != NULL) model->task->take_part(model->work, 0, all->micro_batches);
    HNI_TRY(model->task->loss(model->work, 0, &loss));
    HNI_TRY(hn_backward(model->graph, loss));
    all->step_bytes = hn_graph_peak_bytes(model->graph);
    all->training_bytes =
        hni_forecast_bytes(model->store, all->step_bytes, hni_train_state_blocks(&model->plan->train));
cleanup:
    return status;
}

static hn_status gather(const info_options *options, info *all)
{
    hn_context *context = options->cli->context;
    hni_cli_model *model = &all->model;
    hn_status status;
    if (is_run_or_file(options->name)) {
        if (options->set_count > 0) {
            return hni_error(context, HN_ERROR_ARGUMENT,
                             "--set: %.300s is trained already: only a recipe can be changed", options->name);
        }
        HNI_TRY(hni_cli_model_find(context, options->name, model));
    } else {
        HNI_TRY(hni_cli_model_recipe(context, options->name, options->sets, options->set_count, model));
    }
    HNI_TRY(hni_cli_model_open(model, HN_BACKEND_DRY, NULL, NULL));
    HNI_TRY(model->task->describe(model->work, model->plan != NULL, keep_line, all));
    if (model->plan == NULL) goto cleanup; /* a file alone: neither data nor training is known */
    describe_training(all);
    if (model->task->paper != NULL) all->paper = model->task->paper(model->work, &all->table);
    HNI_TRY(read_best(options->name, all));
    all->metric = model->task->measure.metric_name;
    HNI_TRY(forecast(all));
cleanup:
    return status;
}

/* ---- parts ---- */

/* The part that a parameter belongs to: its name without the last word, at most three words: "layers.0.hyper". */
static void part_of(const char *name, char *out_part, size_t size)
{
    const char *last = strrchr(name, '.');
    size_t length = last != NULL ? (size_t)(last - name) : strlen(name);
    int words = 1;
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '.' && ++words > 3) length = i;
    }
    snprintf(out_part, size, "%.*s", (int)length, name);
}

static json_t *parts_as_json(const hn_store *store)
{
    json_t *parts = json_object();
    for (int64_t i = 0; i < hn_store_count(store); i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        char part[256];
        part_of(parameter->name, part, sizeof part);
        const json_int_t sum = json_integer_value(json_object_get(parts, part));
        json_object_set_new(parts, part, json_integer(sum + (json_int_t)parameter->elements));
    }
    return parts;
}

/* ---- printing ---- */

static json_t *tensors_as_json(const hn_store *store)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < hn_store_count(store); i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        json_t *shape = json_array();
        for (int d = 0; d < parameter->shape.rank; d++)
            json_array_append_new(shape, json_integer((json_int_t)parameter->shape.size[d]));
        json_array_append_new(list, json_pack("{s:s,s:o,s:I}", "name", parameter->name, "shape", shape, "elements",
                                              (json_int_t)parameter->elements));
    }
    return list;
}

static json_t *figure_as_json(double figure) { return isnan(figure) ? json_null() : json_real(figure); }

/* The paper's row as printed, and ours beside it. */
static json_t *paper_as_json(const info *all)
{
    const hni_paper_row *row = all->paper;
    json_t *ours = json_pack("{s:I,s:o}", "parameters", (json_int_t)hn_store_elements(all->model.store), "valid",
                             figure_as_json(all->best));
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o}", "data", all->table->title, "name", row->name, "source",
                     row->source, "parameters", row->printed, "test", figure_as_json(row->test), "valid",
                     figure_as_json(row->valid), "note", row->note, "ours", ours);
}

/* Bytes; those of training only where it is known. */
static json_t *memory_as_json(const info *all)
{
    const json_int_t parameters = (json_int_t)hn_store_elements(all->model.store) * 4;
    if (all->model.plan == NULL) return json_pack("{s:I}", "parameters", parameters);
    return json_pack("{s:I,s:I,s:I,s:I}", "parameters", parameters, "step", (json_int_t)all->step_bytes, "training",
                     (json_int_t)all->training_bytes, "micro_batches", (json_int_t)all->micro_batches);
}

static int print_json(hni_cli *cli, const info *all)
{
    const hn_store *store = all->model.store;
    json_t *details = json_object();
    for (int i = 0; i < all->lines; i++)
        json_object_set_new(details, all->keys[i],
                            hni_json_bytes(all->model.context, all->values[i], strlen(all->values[i])));
    json_t *result = json_pack("{s:o,s:s,s:{s:I,s:o},s:o,s:o,s:o}", "path",
                               hni_json_bytes(all->model.context, all->model.path, strlen(all->model.path)), "task",
                               all->model.task->name, "parameters", "total", (json_int_t)hn_store_elements(store),
                               "by_part", parts_as_json(store), "memory", memory_as_json(all), "details", details,
                               "tensors", tensors_as_json(store));
    if (result != NULL && all->paper != NULL) json_object_set_new(result, "paper", paper_as_json(all));
    return hni_cli_print_json(cli, result);
}

static void print_parameters(const hn_store *store)
{
    char count[32], shape[96];
    json_t *parts = parts_as_json(store), *value;
    const char *part;
    for (int64_t i = 0; i < hn_store_count(store); i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        printf("  %-32s %-16s %14s\n", parameter->name, hn_shape_print(parameter->shape, shape, sizeof shape),
               hni_count_print(parameter->elements, count, sizeof count));
    }
    printf("\nparameters by part\n");
    json_object_foreach(parts, part, value)
    {
        printf("  %-49s %14s\n", part, hni_count_print((int64_t)json_integer_value(value), count, sizeof count));
    }
    json_decref(parts);
    printf("  %-49s %14s\n", "total", hni_count_print(hn_store_elements(store), count, sizeof count));
}

/* "1.250", or "-" where there is none. */
static const char *figure_print(double figure, char *buffer, size_t size)
{
    if (isnan(figure)) return "-";
    snprintf(buffer, size, "%.3f", figure);
    return buffer;
}

static void print_paper(const info *all)
{
    const hni_paper_row *row = all->paper;
    const char *metric = all->metric;
    char theirs[32], ours[32], where[48] = "hypernet eval RUN --split valid";
    printf("\n%s on %s, %s of the paper\n", row->name, all->table->title, row->source);
    printf("  %-33s %15s %14s\n", "", "printed", "here");
    printf("  %-33s %15s %14s  %s\n", "parameters", row->printed,
           hni_count_print(hn_store_elements(all->model.store), ours, sizeof ours), row->note);
    if (!isnan(all->best)) snprintf(where, sizeof where, "best so far, update %lld", (long long)all->best_step);
    printf("  validation, %-21s %15s", metric, figure_print(row->valid, theirs, sizeof theirs));
    printf(" %14s  %s\n", figure_print(all->best, ours, sizeof ours), where);
    printf("  test, %-27s %15s %14s  hypernet eval RUN\n", metric, figure_print(row->test, theirs, sizeof theirs), "-");
}

static int print_text(const info *all)
{
    char bytes[32];
    printf("%s\ntask %s: %s\n\n", all->model.path, all->model.task->name, all->model.task->help);
    for (int i = 0; i < all->lines; i++)
        printf("%-40s %s\n", all->keys[i], all->values[i]);
    printf("\nparameters\n");
    print_parameters(all->model.store);
    if (all->paper != NULL) print_paper(all);
    if (all->model.plan == NULL) return 0;
    printf("\nmemory to train: %s", hni_bytes_print((uint64_t)all->training_bytes, bytes, sizeof bytes));
    printf(", %s of it for one update", hni_bytes_print((uint64_t)all->step_bytes, bytes, sizeof bytes));
    if (all->micro_batches > 1) printf(", done in %lld parts", (long long)all->micro_batches);
    printf("\n");
    return 0;
}

int hni_command_info(hni_cli *cli, int argc, char **argv)
{
    info_options options = {.cli = cli};
    void *memory = NULL;
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    hn_status status = hni_alloc(cli->context, "info", sizeof(info), &memory);
    info *all = memory;
    if (status == HN_OK) status = gather(&options, all);
    code = status != HN_OK ? hni_cli_fail(cli) : cli->json ? print_json(cli, all) : print_text(all);
    if (all != NULL) hni_cli_model_close(&all->model);
    hni_free(cli->context, all);
    return code;
}
