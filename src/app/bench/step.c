/* See step.h. */
#include "app/bench/step.h"

#include "app/bench/timing.h"
#include "core/alloc.h"
#include "core/rng.h"
#include "hypernet/optim.h"

#define SEED 1

struct hni_bench_step {
    hn_context *context;
    hni_bench_model model;
    hn_graph *graph;
    hn_store *store;
    hn_weights *weights;
    hn_optimizer *optimizer;
    hn_tensor inputs; /* u8 [B*(T+1)] symbols, or f32 [B,T,X] */
    hn_tensor state;  /* [B,S] */
    int64_t *starts;  /* [B] of the windows in the symbols */
    uint32_t steps;
};

/* ---- models ---- */

static hni_bench_model model_of(const hni_bench_size *size, hn_cell_kind kind, bool layer_norm)
{
    return (hni_bench_model){*size, kind, layer_norm, HNI_BENCH_KEEP, HNI_BENCH_KEEP, HNI_BENCH_KEEP};
}

hni_bench_model hni_bench_hyper(const hni_bench_size *size) { return model_of(size, HN_CELL_HYPERLSTM, true); }

hni_bench_model hni_bench_plain(const hni_bench_size *size) { return model_of(size, HN_CELL_LSTM, false); }

static void fill_cell(const hni_bench_model *model, hn_cell *cell)
{
    hn_cell_default(model->kind, cell);
    cell->layer_norm = model->layer_norm;
    cell->input_size = model->size.inputs;
    cell->units = model->size.units;
    if (model->kind == HN_CELL_HYPERLSTM) {
        cell->hyper_units = model->size.hyper_units;
        cell->embedding_size = model->size.embedding;
    }
    cell->keep_recurrent = model->keep_recurrent;
}

void hni_bench_language_model(const hni_bench_model *model, hn_language_model *out_model)
{
    hn_language_model_default(out_model);
    fill_cell(model, &out_model->cell);
    out_model->vocabulary_size = model->size.inputs;
    out_model->keep_input = model->keep_input;
    out_model->keep_output = model->keep_output;
}

typedef struct run_result {
    hn_tensor loss, state;
} run_result;

/* Pen points or the like: the layer, one output layer, and as a loss the mean of its squares. The mixture of Gaussians that belongs there
 * would be less than a hundredth of the step. */
static run_result run_dense(hn_weights *weights, const hni_bench_model *model, hn_tensor inputs, hn_tensor state)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hni_bench_size *size = &model->size;
    const hn_dropout_options drop_input = {.keep = model->keep_input,
                                           .site = hn_weights_site(weights, "dropout input")};
    const hn_dropout_options drop_output = {.keep = model->keep_output,
                                            .site = hn_weights_site(weights, "dropout output")};
    hn_cell cell;
    fill_cell(model, &cell);
    const hn_tensor x = hn_dropout(graph, inputs, &drop_input);
    const hn_sequence_result layer = hn_sequence(weights, "layers.0", &cell, x, state, NULL);
    const hn_tensor kept = hn_dropout(graph, layer.outputs, &drop_output);
    const hn_tensor rows = hn_reshape(graph, kept, HN_SHAPE2(size->batch * size->length, size->units));
    const hn_tensor y = hn_linear(weights, "mixture", rows, size->outputs, hn_init_orthogonal(1, 1));
    return (run_result){hn_mean(graph, hn_mul(graph, y, y), HN_ALL_AXES, false), layer.state};
}

static run_result run_symbols(hn_weights *weights, const hni_bench_model *model, const hn_window *window,
                              hn_tensor state)
{
    hn_language_model language;
    hni_bench_language_model(model, &language);
    const hn_language_result result = hn_language_run(weights, &language, window, &state, NULL);
    return (run_result){result.loss, result.state[0]};
}

/* A run on a dry graph, on numbers that are not there: declares the parameters of an open store. */
static run_result run_dry(hn_weights *weights, const hni_bench_model *model)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hni_bench_size *size = &model->size;
    hn_cell cell;
    fill_cell(model, &cell);
    const hn_shape window_shape = HN_SHAPE2(size->batch, size->length);
    const hn_tensor state =
        hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(size->batch, hn_cell_state_size(&cell)), NULL, false);
    if (size->dense) {
        const hn_shape shape = HN_SHAPE3(size->batch, size->length, size->inputs);
        return run_dense(weights, model, hn_tensor_from(graph, HN_DTYPE_F32, shape, NULL, false), state);
    }
    const hn_window window = {.symbols = hn_tensor_from(graph, HN_DTYPE_I32, window_shape, NULL, false),
                              .targets = hn_tensor_from(graph, HN_DTYPE_I32, window_shape, NULL, false)};
    return run_symbols(weights, model, &window, state);
}

/* ---- memory ---- */

static int64_t store_bytes(const hn_store *store)
{
    return 4 * (int64_t)sizeof(float) * hn_store_elements(store); /* values, gradients, Adam's mean and variance */
}

int64_t hni_bench_step_bytes(const hni_bench_step *step)
{
    return hn_graph_peak_bytes(step->graph) + store_bytes(step->store);
}

/* Declares the model in `store`, which then is sealed by a dry graph; the bytes of a step without the store's. */
static hn_status dry_step(hn_context *context, const hni_bench_model *model, hn_store *store, int64_t *out_bytes)
{
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_graph *graph = NULL;
    hn_weights *weights = NULL;
    hn_status status;
    HNI_TRY(hn_graph_create(context, &options, &graph));
    HNI_TRY(hn_weights_create(graph, store, &weights));
    (void)run_dry(weights, model);
    HNI_TRY(hn_graph_status(graph));
    if (out_bytes != NULL) {
        hn_graph_reset(graph);
        HNI_TRY(hn_store_seal(store, graph, SEED));
        HNI_TRY(hn_backward(graph, run_dry(weights, model).loss));
        *out_bytes = hn_graph_peak_bytes(graph);
    }
cleanup:
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    return status;
}

hn_status hni_bench_forecast(hn_context *context, const hni_bench_model *model, int64_t *out_bytes)
{
    hn_store *store = NULL;
    hn_status status;
    *out_bytes = 0;
    HNI_TRY(hn_store_create(context, &store));
    HNI_TRY(dry_step(context, model, store, out_bytes));
    *out_bytes += store_bytes(store);
cleanup:
    hn_store_destroy(store);
    return status;
}

/* ---- opening ---- */

static const hni_rng_key numbers_key = {SEED, 0, 0};

static hn_status write_symbols(hni_bench_step *step)
{
    const hni_bench_size *size = &step->model.size;
    const int64_t count = size->batch * (size->length + 1);
    void *symbols = NULL, *starts = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(step->context, "symbols", (size_t)count, 1, &symbols));
    for (int64_t i = 0; i < count; i++)
        ((uint8_t *)symbols)[i] = (uint8_t)(hni_rng_uniform(&numbers_key, (uint64_t)i) * (double)size->inputs);
    HNI_TRY(hn_tensor_persist(step->graph, HN_DTYPE_U8, HN_SHAPE1(count), &step->inputs));
    HNI_TRY(hn_tensor_write(step->graph, step->inputs, HN_DTYPE_U8, count, symbols));
    HNI_TRY(hni_alloc_array(step->context, "windows", (size_t)size->batch, sizeof *step->starts, &starts));
    step->starts = starts;
cleanup:
    hni_free(step->context, symbols);
    return status;
}

static hn_status write_points(hni_bench_step *step)
{
    const hni_bench_size *size = &step->model.size;
    const int64_t count = size->batch * size->length * size->inputs;
    void *points = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(step->context, "points", (size_t)count, sizeof(float), &points));
    for (int64_t i = 0; i < count; i++)
        ((float *)points)[i] = (float)hni_rng_normal(&numbers_key, (uint64_t)i);
    const hn_shape shape = HN_SHAPE3(size->batch, size->length, size->inputs);
    HNI_TRY(hn_tensor_persist(step->graph, HN_DTYPE_F32, shape, &step->inputs));
    HNI_TRY(hn_tensor_write(step->graph, step->inputs, HN_DTYPE_F32, count, points));
cleanup:
    hni_free(step->context, points);
    return status;
}

hn_status hni_bench_step_open(hn_context *context, const hni_bench_model *model, hni_bench_step **out_step)
{
    hni_bench_step *step = NULL;
    hn_optimizer_options options;
    void *memory = NULL;
    hn_cell cell;
    hn_status status;
    *out_step = NULL;
    hn_optimizer_options_default(&options);
    options.clip_norm = 1;
    fill_cell(model, &cell);
    HNI_TRY(hni_alloc(context, "a training step", sizeof *step, &memory));
    step = memory;
    *step = (hni_bench_step){.context = context, .model = *model};
    HNI_TRY(hn_graph_create(context, NULL, &step->graph));
    HNI_TRY(hn_store_create(context, &step->store));
    HNI_TRY(dry_step(context, model, step->store, NULL));
    HNI_TRY(hn_store_seal(step->store, step->graph, SEED));
    HNI_TRY(hn_weights_create(step->graph, step->store, &step->weights));
    HNI_TRY(hn_optimizer_create(step->store, &options, &step->optimizer));
    HNI_TRY(model->size.dense ? write_points(step) : write_symbols(step));
    const hn_shape state = HN_SHAPE2(model->size.batch, hn_cell_state_size(&cell));
    HNI_TRY(hn_tensor_persist(step->graph, HN_DTYPE_F32, state, &step->state));
    *out_step = step;
cleanup:
    if (status != HN_OK) hni_bench_step_close(step);
    return status;
}

void hni_bench_step_close(hni_bench_step *step)
{
    if (step == NULL) return;
    hn_optimizer_destroy(step->optimizer);
    hn_weights_destroy(step->weights);
    hn_store_destroy(step->store);
    hn_graph_destroy(step->graph);
    hni_free(step->context, step->starts);
    hni_free(step->context, step);
}

hn_store *hni_bench_step_store(const hni_bench_step *step) { return step->store; }

/* ---- a step ---- */

/* i32 [B,T]: each row's symbols from `offset` on. */
static hn_tensor gather(hni_bench_step *step, int64_t offset)
{
    const hni_bench_size *size = &step->model.size;
    for (int64_t row = 0; row < size->batch; row++)
        step->starts[row] = row * (size->length + 1) + offset;
    return hn_gather_windows(step->graph, step->inputs, step->starts, size->batch, size->length);
}

static run_result forward(hni_bench_step *step)
{
    if (step->model.size.dense) return run_dense(step->weights, &step->model, step->inputs, step->state);
    hn_window window = {.divisor = 0};
    window.symbols = gather(step, 0);
    window.targets = gather(step, 1);
    return run_symbols(step->weights, &step->model, &window, step->state);
}

double hni_bench_report_seconds(const hni_bench_report *report)
{
    return report->forward + report->backward + report->update;
}

hn_status hni_bench_step_run(hni_bench_step *step, hni_bench_report *out_report)
{
    hn_status status;
    const double start = hni_bench_now();
    hn_graph_reset(step->graph);
    hn_graph_set_step(step->graph, SEED, step->steps++);
    HNI_TRY(hn_store_zero_gradients(step->store));
    const run_result result = forward(step);
    HNI_TRY(hn_graph_status(step->graph));
    const double middle = hni_bench_now();
    HNI_TRY(hn_backward(step->graph, result.loss));
    HNI_TRY(hn_tensor_read(step->graph, result.loss, HN_DTYPE_F64, 1, &out_report->loss));
    const double late = hni_bench_now();
    HNI_TRY(hn_optimizer_step(step->optimizer, 1e-3, NULL));
    HNI_TRY(hn_tensor_store(step->graph, result.state, step->state));
    const double end = hni_bench_now();
    out_report->forward = middle - start;
    out_report->backward = late - middle;
    out_report->update = end - late;
cleanup:
    return status;
}
