/* A task for tests of the trainer: least squares with carried state and dropout, and figures and faults on demand. Including this also
 * replaces the registry of tasks, so only one file of a program may do so. */
#ifndef TOY_TASK_H
#define TOY_TASK_H

#include <math.h>

#include "app/tasks/task.h"
#include "core/alloc.h"
#include "core/parallel.h"
#include "test_support.h"

enum { SAMPLES = 6, WIDTH = 4, WINDOWS = 3, MOST_VALIDATIONS = 16 };

typedef struct toy_data {
    int64_t unused;
} toy_data;
typedef struct toy_model {
    int64_t width;
    double keep;
    bool norm; /* a batch norm layer behind the product: parameters and a buffer */
} toy_model;

/* What the next runs shall meet; tests reset it. */
static struct toy_script {
    int64_t bad_loss_at, bad_gradient_at; /* updates, -1: never */
    int64_t huge_at;               /* inputs so large that their variance is infinite, and nothing else; 0: never */
    const double *figures;         /* of validations, in order; NULL: the weight's first number */
    int validations;               /* so far */
    double seen[MOST_VALIDATIONS]; /* the weight's first number at each validation */
    char checksum[8];
    size_t figure_count; /* named figures beside the metric */
} script;

struct hni_task_work {
    hn_context *context;
    toy_model model;
    hn_weights *weights;
    hn_graph *graph;
    hn_tensor carried, latest; /* [1] */
    float copy;
    int64_t part, parts; /* of the samples */
};

static const hni_setting data_rows[] = {HNI_SETTING_INTEGER("unused", toy_data, unused, 0, 9, 0, "")};
static const hni_setting model_rows[] = {HNI_SETTING_INTEGER("width", toy_model, width, 1, 4294967296.0, WIDTH, ""),
                                         HNI_SETTING_NUMBER("keep", toy_model, keep, 0.1, 1, 1, ""),
                                         HNI_SETTING_BOOL("norm", toy_model, norm, 0, "")};
static const hni_settings data_table = HNI_SETTINGS("data", data_rows);
static const hni_settings model_table = HNI_SETTINGS("model", model_rows);

static const hni_settings *toy_data_settings(void) { return &data_table; }
static const hni_settings *toy_model_settings(void) { return &model_table; }

static hn_status toy_find(hn_context *context, const void *data, const hni_data_places *places, hni_data_status *out)
{
    (void)context, (void)data, (void)places;
    *out = (hni_data_status){.available = true, .where = "nowhere"};
    return HN_OK;
}

static hn_status toy_open(const hni_task_open *open, hni_task_work **out_work)
{
    void *memory = NULL;
    const hn_status status = hni_alloc(open->context, "toy", sizeof **out_work, &memory);
    *out_work = memory;
    if (status != HN_OK) return status;
    (*out_work)->context = open->context;
    (*out_work)->model = *(const toy_model *)open->model;
    (*out_work)->parts = 1;
    return HN_OK;
}

static void toy_close(hni_task_work *work)
{
    if (work != NULL) hni_free(work->context, work);
}

static void toy_size(const hni_task_work *work, hni_task_size *out_size)
{
    (void)work;
    *out_size = (hni_task_size){WINDOWS, SAMPLES, 1, 1, 1, SAMPLES};
}

static const char *toy_checksum(const hni_task_work *work)
{
    (void)work;
    return script.checksum;
}

static hn_tensor toy_weight(hn_weights *weights, const hni_task_work *work)
{
    return hn_weights_get(weights, "weight", HN_SHAPE2(1, work->model.width), hn_init_normal(1));
}

static hn_status toy_declare(hni_task_work *work, hn_store *store)
{
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_graph *graph = NULL;
    hn_weights *weights = NULL;
    hn_status status;
    HNI_TRY(hn_graph_create(work->context, &options, &graph));
    HNI_TRY(hn_weights_create(graph, store, &weights));
    (void)toy_weight(weights, work);
    if (work->model.norm) {
        const hn_tensor y = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(SAMPLES, 1), NULL, false);
        (void)hn_batch_norm_layer(weights, "norm", y, false);
    }
    HNI_TRY(hn_graph_status(graph));
cleanup:
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    return status;
}

static hn_status toy_bind(hni_task_work *work, hn_weights *weights)
{
    work->weights = weights;
    work->graph = hn_weights_graph(weights);
    return hn_tensor_persist(work->graph, HN_DTYPE_F32, HN_SHAPE1(1), &work->carried);
}

/* Inputs of update `step`: a function of the window alone. */
static void fill_inputs(int64_t step, float *inputs, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        inputs[i] = (float)sin((double)((step % WINDOWS) * count + i));
}

/* Adds nothing to the loss, and a gradient that float cannot hold: 1e60 (w_0 - its own value). */
static hn_tensor steep_zero(hn_graph *graph, hn_tensor first)
{
    float value = 0;
    if (hn_tensor_read(graph, first, HN_DTYPE_F32, 1, &value) != HN_OK) return HN_NO_TENSOR;
    const hn_tensor same = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE1(1), &value, false);
    const hn_tensor zero = hn_sum(graph, hn_sub(graph, first, same), HN_ALL_AXES, false);
    return hn_scale(graph, hn_scale(graph, zero, 1e30, 0), 1e30, 0);
}

/* mean((x w - 1)^2) + (w_0 carried) / 100, where what is carried grows with every update of an epoch. */
static hn_status toy_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss)
{
    hn_graph *graph = work->graph;
    float inputs[SAMPLES * WIDTH] = {0};
    if (!hn_graph_is_dry(graph)) fill_inputs(step, inputs, SAMPLES * WIDTH);
    for (int i = 0; step == script.bad_loss_at && i < SAMPLES * WIDTH; i++)
        inputs[i] = INFINITY;
    for (int i = 0; script.huge_at > 0 && step == script.huge_at && i < SAMPLES * WIDTH; i++)
        inputs[i] *= 1e25f;
    int64_t first, end;
    hni_parallel_part(SAMPLES, (int)work->parts, (int)work->part, &first, &end);
    const hn_dropout_options dropout = {.keep = work->model.keep,
                                        .site = hn_weights_site(work->weights, "dropout x"),
                                        .base = first * work->model.width};
    const hn_tensor x = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(end - first, work->model.width),
                                       work->model.width == WIDTH ? inputs + first * WIDTH : NULL, false);
    const hn_tensor weight = toy_weight(work->weights, work);
    hn_tensor y = hn_matmul(graph, hn_dropout(graph, x, &dropout), weight, HN_TRANSPOSE_B);
    if (work->model.norm) y = hn_batch_norm_layer(work->weights, "norm", y, false);
    const hn_tensor error = hn_scale(graph, y, 1, -1);
    const hn_tensor squares = hn_sum(graph, hn_mul(graph, error, error), HN_ALL_AXES, false);
    const hn_tensor first_weight = hn_reshape(graph, hn_slice(graph, weight, 1, 0, 1), HN_SHAPE1(1));
    const hn_tensor pull = hn_sum(graph, hn_mul(graph, first_weight, work->carried), HN_ALL_AXES, false);
    *out_loss = hn_scale(graph, squares, 1.0 / SAMPLES, 0);
    if (work->part == 0) *out_loss = hn_add(graph, *out_loss, hn_scale(graph, pull, 0.01, 0));
    if (step == script.bad_gradient_at) *out_loss = hn_add(graph, *out_loss, steep_zero(graph, first_weight));
    work->latest = hn_scale(graph, work->carried, step % WINDOWS == WINDOWS - 1 ? 0 : 1, 1);
    return hn_graph_status(graph);
}

static hn_status toy_advance(hni_task_work *work, int64_t step)
{
    (void)step;
    if (work->part < work->parts - 1) return HN_OK; /* one number for all samples */
    return hn_tensor_store(work->graph, work->latest, work->carried);
}

static void toy_take_part(hni_task_work *work, int64_t part, int64_t parts)
{
    work->part = part;
    work->parts = parts;
}

static hni_figure toy_figures[2] = {{"first", 0}, {"second", 0}};

static const hni_figure *toy_figure_names(const hni_task_work *work, size_t *out_count)
{
    (void)work;
    *out_count = script.figure_count;
    return toy_figures;
}

static hn_status toy_evaluate(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric)
{
    float weight[WIDTH] = {1};
    assert_string_equal(options->split, "valid");
    const hn_status status = work->model.width != WIDTH
                                 ? HN_OK
                                 : hn_store_read(hn_weights_store(work->weights), 0, HN_DTYPE_F32, WIDTH, weight);
    assert_true(script.validations < MOST_VALIDATIONS);
    script.seen[script.validations] = (double)weight[0];
    out_metric->value = script.figures != NULL ? script.figures[script.validations] : (double)weight[0];
    out_metric->count = 1;
    for (int i = 0; i < 2; i++)
        toy_figures[i].value = (double)weight[i + 1];
    out_metric->figures = toy_figures;
    out_metric->figure_count = script.figure_count;
    script.validations++;
    hn_graph_reset(work->graph);
    return status;
}

static hn_status toy_sample(hni_task_work *work, const hni_sample_options *options)
{
    (void)work;
    (void)options->write(options->user, "sample", 6);
    return HN_OK;
}

static hn_status toy_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more)
{
    *out_more = index == 0;
    if (index != 0) return HN_OK;
    *out_tensor =
        (hni_task_tensor){.name = "state.carried", .dtype = HN_DTYPE_F32, .shape = HN_SHAPE1(1), .data = &work->copy};
    return hn_tensor_read(work->graph, work->carried, HN_DTYPE_F32, 1, &work->copy);
}

static hn_status toy_state_set(hni_task_work *work, const hn_safetensors *checkpoint)
{
    const hn_file_tensor *tensor = hn_safetensors_find(checkpoint, "state.carried");
    assert_non_null(tensor);
    return hn_tensor_write(work->graph, work->carried, HN_DTYPE_F32, 1, tensor->data);
}

static hn_status toy_model_json(const hni_task_work *work, char *out_text, size_t size)
{
    snprintf(out_text, size, "{\"width\":%lld}", (long long)work->model.width);
    return HN_OK;
}

static void toy_label(const hni_task_work *work, char *out_text, size_t size)
{
    snprintf(out_text, size, "toy %lld", (long long)work->model.width);
}

static void toy_sights(const hni_task_work *work, hni_task_sights *out_sights)
{
    (void)work;
    *out_sights = (hni_task_sights){.layers = 1, .gates = 1};
}

static hn_status toy_describe(const hni_task_work *work, bool with_data,
                              void (*write)(void *user, const char *key, const char *value), void *user)
{
    (void)work, (void)with_data, (void)write, (void)user;
    return HN_OK;
}

static const hni_task toy = {
    .name = "toy",
    .measure = {.loss_key = "bpc",
                .loss_name = "error",
                .metric_key = "bpc",
                .metric_name = "error",
                .metric_unit = "error",
                .metric_short = "",
                .metric_words = "",
                .nats = 0.6931471805599453,
                .decimals = 3,
                .passes = "the samples",
                .symbols = "samples",
                .symbols_short = "smp."},
    .streams = true,
    .narrow = true,
    .sizes = "model.width",
    .data_settings = toy_data_settings,
    .data_size = sizeof(toy_data),
    .model_settings = toy_model_settings,
    .model_size = sizeof(toy_model),
    .find_data = toy_find,
    .open = toy_open,
    .close = toy_close,
    .size = toy_size,
    .data_checksum = toy_checksum,
    .declare = toy_declare,
    .bind = toy_bind,
    .loss = toy_loss,
    .advance = toy_advance,
    .evaluate = toy_evaluate,
    .sample = toy_sample,
    .state_get = toy_state_get,
    .state_set = toy_state_set,
    .model_json = toy_model_json,
    .label = toy_label,
    .sights = toy_sights,
    .describe = toy_describe,
    .take_part = toy_take_part,
    .figures = toy_figure_names,
};

/* In place of src/app/tasks/registry.c. */
const hni_task *hni_task_at(size_t index) { return index == 0 ? &toy : NULL; }
const hni_task *hni_task_find(const char *name) { return strcmp(name, "toy") == 0 ? &toy : NULL; }

#endif
