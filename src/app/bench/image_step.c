/* See image_step.h. */
#include "app/bench/image_step.h"

#include <string.h>

#include "app/bench/timing.h"
#include "app/data/image_batch.h"
#include "core/alloc.h"
#include "core/rng.h"
#include "graph/graph.h"
#include "hypernet/optim.h"

#define SEED 1
#define IMAGES 8192 /* that batches are drawn from: more than a cache holds */

struct hni_bench_image_step {
    hn_context *context;
    hni_bench_image_size size;
    hn_image_model model;
    hn_graph *graph;
    hn_store *store;
    hn_weights *weights;
    hn_optimizer *optimizer;
    hni_images images;    /* pixels and labels are not there, only their places */
    hn_tensor pixels;     /* u8 [n,C,H,W] */
    int64_t *rows;        /* [B] */
    hn_image_view *views; /* [B] */
    int32_t *labels;      /* [B] */
    int64_t steps;
    /* of the step that runs */
    double parts[HNI_BENCH_PARTS], last; /* seconds; the time when the last op had run */
    int64_t first_convolution;           /* its place on the tape; -1: not yet there */
    hni_bench_image_forecast *forecast;  /* NULL: convolutions are not asked for */
};

const char *hni_bench_part_name(hni_bench_part part)
{
    static const char *const names[HNI_BENCH_PARTS] = {"augmentation", "generator", "convolution", "batch_norm",
                                                       "rest"};
    return names[part];
}

/* ---- what takes the time ---- */

/* The generator is all that stands on the tape before the first convolution. */
static hni_bench_part part_of(const hni_bench_image_step *step, hni_op op, int64_t place, bool backward)
{
    const int64_t first = step->first_convolution;
    switch (op) {
    case HNI_OP_GATHER_IMAGES: return HNI_BENCH_PART_AUGMENTATION;
    case HNI_OP_CONV2D: return HNI_BENCH_PART_CONVOLUTION;
    case HNI_OP_BATCH_STATISTICS:
    case HNI_OP_BATCH_NORM: return HNI_BENCH_PART_NORM;
    default: break;
    }
    const bool before = backward ? place < first : first < 0;
    return before && step->model.weights != HN_IMAGE_WEIGHTS_STORED ? HNI_BENCH_PART_GENERATOR : HNI_BENCH_PART_REST;
}

static void note_convolution(hni_bench_image_forecast *forecast, const hn_graph *graph, const hni_node *node)
{
    const hni_call *call = &node->call;
    const hni_bench_convolution found = {hni_view_shape(&call->inputs[0]),
                                         hni_view_shape(&call->inputs[1]),
                                         call->attributes.conv2d.stride,
                                         call->attributes.conv2d.padding,
                                         call->input_count == 3,
                                         hni_graph_slot(graph, node->inputs[0])->wants_gradient,
                                         1};
    for (size_t i = 0; i < forecast->count; i++) {
        hni_bench_convolution *known = &forecast->convolutions[i];
        if (hn_shape_equal(known->x, found.x) && hn_shape_equal(known->kernel, found.kernel) &&
            known->stride == found.stride && known->padding == found.padding && known->has_bias == found.has_bias &&
            known->wants_dx == found.wants_dx) {
            known->count++;
            return;
        }
    }
    if (forecast->count < HNI_BENCH_CONVOLUTIONS_MOST) forecast->convolutions[forecast->count++] = found;
}

/* The time since the last op belongs to this one. */
static void op_ran(void *user, hni_op op, int64_t place, bool backward)
{
    hni_bench_image_step *step = user;
    const double now = hni_bench_now();
    step->parts[part_of(step, op, place, backward)] += now - step->last;
    step->last = now;
    if (op != HNI_OP_CONV2D || backward) return;
    if (step->first_convolution < 0) step->first_convolution = place;
    if (step->forecast != NULL && place >= 0) note_convolution(step->forecast, step->graph, step->graph->nodes[place]);
}

/* ---- a pass ---- */

static void choose_images(hni_bench_image_step *step)
{
    const hni_bench_image_size *size = &step->size;
    const hni_images_settings settings = {.pad = size->pad, .flip = size->flip};
    const hni_image_batch batch = {
        .batch = size->batch, .seed = SEED, .step = step->steps, .first = 0, .count = size->batch};
    hni_image_batch_rows(&step->images, &batch, step->rows);
    hni_image_batch_views(&step->images, &settings, &batch, step->rows, step->views);
    for (int64_t i = 0; i < size->batch; i++)
        step->labels[i] = (int32_t)(step->rows[i] % size->classes);
}

/* -> the loss with its penalty */
static hn_tensor forward(hni_bench_image_step *step)
{
    static const double mean[] = {0.5, 0.5, 0.5}, deviation[] = {0.25, 0.25, 0.25};
    const hn_image_norm norm = {.mean = mean, .deviation = deviation};
    const int64_t count = step->size.batch;
    hn_graph *graph = step->graph;
    choose_images(step);
    const hn_tensor images = hn_gather_images(graph, step->pixels, step->views, count, &norm);
    const hn_image_batch batch = {
        .images = images, .targets = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE1(count), step->labels, false)};
    const hn_image_result result = hn_image_run(step->weights, &step->model, &batch);
    return hn_add(graph, result.loss, hn_scale(graph, result.penalty, step->model.kernel_decay, 0));
}

static hn_status update(hni_bench_image_step *step)
{
    hn_status status;
    HNI_TRY(hn_optimizer_step(step->optimizer, 1e-3, NULL));
    HNI_TRY(hn_weights_commit(step->weights));
cleanup:
    return status;
}

hn_status hni_bench_image_step_run(hni_bench_image_step *step, hni_bench_image_report *out_report)
{
    hni_bench_report *report = &out_report->step;
    hn_status status;
    const double start = hni_bench_now();
    memset(step->parts, 0, sizeof step->parts);
    step->first_convolution = -1;
    hn_graph_reset(step->graph);
    hn_graph_set_step(step->graph, SEED, (uint32_t)step->steps);
    HNI_TRY(hn_store_zero_gradients(step->store));
    step->last = hni_bench_now();
    const hn_tensor loss = forward(step);
    HNI_TRY(hn_graph_status(step->graph));
    const double middle = hni_bench_now();
    step->last = middle;
    HNI_TRY(hn_backward(step->graph, loss));
    HNI_TRY(hn_tensor_read(step->graph, loss, HN_DTYPE_F64, 1, &report->loss));
    const double late = hni_bench_now();
    HNI_TRY(update(step));
    step->steps++;
    const double end = hni_bench_now();
    report->forward = middle - start;
    report->backward = late - middle;
    report->update = end - late;
    memcpy(out_report->parts, step->parts, sizeof step->parts);
    out_report->parts[HNI_BENCH_PART_REST] = end - start;
    for (int i = 0; i < HNI_BENCH_PARTS; i++)
        if (i != HNI_BENCH_PART_REST) out_report->parts[HNI_BENCH_PART_REST] -= step->parts[i];
cleanup:
    return status;
}

/* ---- memory ---- */

static int64_t store_bytes(const hn_store *store)
{
    return 4 * (int64_t)sizeof(float) * hn_store_elements(store); /* values, gradients, Adam's mean and variance */
}

int64_t hni_bench_image_step_parameters(const hni_bench_image_step *step) { return hn_store_elements(step->store); }

int64_t hni_bench_image_step_bytes(const hni_bench_image_step *step)
{
    return hn_graph_peak_bytes(step->graph) + store_bytes(step->store);
}

/* ---- opening ---- */

static hn_status fill_pixels(hni_bench_image_step *step, int64_t count)
{
    const hni_rng_key key = {.seed = SEED, .step = 0, .site = 0};
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(step->context, "pixels", (size_t)count, 1, &memory));
    uint8_t *pixels = memory;
    for (int64_t i = 0; i < count; i += 8) {
        const uint64_t word = hni_rng_word(&key, (uint64_t)i / 8);
        memcpy(pixels + i, &word, (size_t)(count - i < 8 ? count - i : 8));
    }
    HNI_TRY(hn_tensor_write(step->graph, step->pixels, HN_DTYPE_U8, count, pixels));
cleanup:
    hni_free(step->context, memory);
    return status;
}

/* All images are for training. */
static hn_status make_images(hni_bench_image_step *step)
{
    const hni_bench_image_size *size = &step->size;
    hni_images *images = &step->images;
    void *rows = NULL;
    const hn_status status =
        hni_alloc_array(step->context, "places of images", IMAGES, sizeof *images->part[0].rows, &rows);
    if (status != HN_OK) return status;
    images->context = step->context;
    images->count = images->train_count = IMAGES;
    images->channels = size->channels;
    images->height = size->height;
    images->width = size->width;
    images->classes = size->classes;
    images->part[HNI_IMAGES_TRAIN] = (hni_images_part){.rows = rows, .count = IMAGES};
    for (int32_t i = 0; i < IMAGES; i++)
        images->part[HNI_IMAGES_TRAIN].rows[i] = i;
    return HN_OK;
}

/* A step without its store and optimiser on a graph of a kind. */
static hn_status open_pass(hn_context *context, const hni_bench_image_size *size, hn_image_weights weights,
                           hn_backend backend, hni_bench_image_step **out_step)
{
    const hn_graph_options options = {backend, HN_DTYPE_F32};
    const hn_shape shape = HN_SHAPE4(IMAGES, size->channels, size->height, size->width);
    const size_t batch = (size_t)size->batch;
    hni_bench_image_step *step = NULL;
    void *memory = NULL;
    hn_status status;
    *out_step = NULL;
    HNI_TRY(hni_alloc(context, "a training step", sizeof *step, &memory));
    step = memory;
    *step = (hni_bench_image_step){.context = context, .size = *size};
    hni_bench_image_model(size, weights, &step->model);
    HNI_TRY(hni_alloc_array(context, "a batch", batch, sizeof *step->rows, &memory));
    step->rows = memory;
    HNI_TRY(hni_alloc_array(context, "a batch", batch, sizeof *step->views, &memory));
    step->views = memory;
    HNI_TRY(hni_alloc_array(context, "a batch", batch, sizeof *step->labels, &memory));
    step->labels = memory;
    HNI_TRY(make_images(step));
    HNI_TRY(hn_graph_create(context, &options, &step->graph));
    HNI_TRY(hn_tensor_persist(step->graph, HN_DTYPE_U8, shape, &step->pixels));
    HNI_TRY(hn_store_create(context, &step->store));
    HNI_TRY(hn_image_model_declare(step->store, &step->model));
    HNI_TRY(hn_store_seal(step->store, step->graph, SEED));
    HNI_TRY(hn_weights_create(step->graph, step->store, &step->weights));
    step->graph->observer = (hni_observer){op_ran, step};
    *out_step = step;
cleanup:
    if (status != HN_OK) hni_bench_image_step_close(step);
    return status;
}

hn_status hni_bench_image_step_open(hn_context *context, const hni_bench_image_size *size, hn_image_weights weights,
                                    hni_bench_image_step **out_step)
{
    hni_bench_image_step *step = NULL;
    hn_optimizer_options options;
    hn_status status;
    *out_step = NULL;
    hn_optimizer_options_default(&options);
    options.clip_norm = 0;
    HNI_TRY(open_pass(context, size, weights, HN_BACKEND_BEST, &step));
    HNI_TRY(hn_optimizer_create(step->store, &options, &step->optimizer));
    HNI_TRY(fill_pixels(step, IMAGES * size->channels * size->height * size->width));
    *out_step = step;
cleanup:
    if (status != HN_OK) hni_bench_image_step_close(step);
    return status;
}

void hni_bench_image_step_close(hni_bench_image_step *step)
{
    if (step == NULL) return;
    hn_optimizer_destroy(step->optimizer);
    hn_weights_destroy(step->weights);
    hn_store_destroy(step->store);
    hn_graph_destroy(step->graph);
    hni_free(step->context, step->images.part[HNI_IMAGES_TRAIN].rows);
    hni_free(step->context, step->rows);
    hni_free(step->context, step->views);
    hni_free(step->context, step->labels);
    hni_free(step->context, step);
}

hn_status hni_bench_image_forecast_make(hn_context *context, const hni_bench_image_size *size, hn_image_weights weights,
                                        hni_bench_image_forecast *out_forecast)
{
    hni_bench_image_step *step = NULL;
    hn_status status;
    *out_forecast = (hni_bench_image_forecast){.bytes = 0};
    HNI_TRY(open_pass(context, size, weights, HN_BACKEND_DRY, &step));
    step->forecast = out_forecast;
    const hn_tensor loss = forward(step);
    HNI_TRY(hn_graph_status(step->graph));
    HNI_TRY(hn_backward(step->graph, loss));
    out_forecast->bytes = hni_bench_image_step_bytes(step);
cleanup:
    hni_bench_image_step_close(step);
    return status;
}
