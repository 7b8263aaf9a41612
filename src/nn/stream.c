/* Inference with carried state: one symbol a row at a time, on weights that were packed when the stream was made. A step is a list of
 * calls of the kernel table (stream_step.c); nothing is allocated in it. */
#include "nn/stream.h"

#include <string.h>

#include "core/alloc.h"
#include "params/store.h"

/* Multiplications of a step that a thread should have at least. Threads wait for each other some ten times a step, which is soon more
 * than what they save, and no small matter when another process has one of the cores. */
#define WORK_OF_THREAD ((int64_t)1 << 21)

/* What a cell can let be seen. */
enum { D_H, Z_H, Z_X, Z_B, CELL, PHI, OBSERVATIONS };

struct hn_stream {
    hn_context *context;
    hn_language_model model;
    const hni_kernels *kernels;
    hni_arena scratch;
    hni_step_block step;
    hni_exec exec;
    hni_stream_memory memory;
    int64_t rows;
    int64_t state_size; /* S of one layer */
    hni_stream_layer layers[HN_MAX_LAYERS];
    hni_packed softmax;
    hni_view softmax_bias;
    hni_stream_room room;
    hni_view spare; /* [rows,S]: copies of rows */
    int observed;   /* layer, or -1 */
    bool observation_ready;
    float *seen[OBSERVATIONS]; /* of the last step; NULL: the cell has none, or nothing was observed yet */
};

void hn_stream_options_default(hn_stream_options *out_options)
{
    *out_options = (hn_stream_options){.storage = HN_DTYPE_F32};
}

/* ---- making ---- */

static hn_status check(const hn_store *store, const hn_language_model *model, int64_t rows,
                       const hn_stream_options *options)
{
    hn_context *context = store->context;
    hn_status status;
    HNI_TRY(hn_language_model_check(context, model));
    HNI_TRY(hni_store_want_numbers(store, "stream"));
    if (rows < 1 || rows > INT32_MAX) {
        return hni_error(context, HN_ERROR_ARGUMENT, "stream: rows is %lld, it must be at least 1%s", (long long)rows,
                         rows < 1 ? "" : " and fit into 31 bits");
    }
    const hn_dtype storage = options->storage;
    if (storage != HN_DTYPE_F32 && storage != HN_DTYPE_BF16 && storage != HN_DTYPE_I8) {
        return hni_error(context, HN_ERROR_TYPE, "stream: weights cannot be stored as %s: choose F32, BF16 or I8",
                         hn_dtype_name(storage));
    }
cleanup:
    return status;
}

static hn_status pack(hn_stream *stream, const hn_store *store)
{
    const hn_language_model *model = &stream->model;
    const int64_t v = model->vocabulary_size, n = model->cell.units;
    hni_stream_memory *memory = &stream->memory;
    hn_status status;
    memory->store = store;
    for (int k = 0; k < model->layers; k++) {
        HNI_TRY(hni_stream_layer_pack(memory, model, k, &stream->layers[k]));
        HNI_TRY(hni_stream_take(memory, stream->kernels->dtype, HN_SHAPE2(stream->rows, stream->state_size),
                                &stream->layers[k].state));
    }
    HNI_TRY(hni_stream_pack(memory, "softmax.weight", HN_SHAPE2(v, n), &stream->softmax));
    HNI_TRY(hni_stream_copy(memory, "softmax.bias", HN_SHAPE1(v), &stream->softmax_bias));
    HNI_TRY(hni_stream_room_take(memory, &stream->layers[0], stream->rows, v, &stream->room));
    HNI_TRY(
        hni_stream_take(memory, stream->kernels->dtype, HN_SHAPE2(stream->rows, stream->state_size), &stream->spare));
cleanup:
    memory->store = NULL;
    return status;
}

/* Threads by the size of the work; at least one. */
static int choose_threads(const hn_stream *stream)
{
    const int64_t most = stream->memory.products * stream->rows / WORK_OF_THREAD, wanted = stream->context->threads;
    return (int)(most < 1 ? 1 : most < wanted ? most : wanted);
}

/* All that a step ever takes from the allocator is taken now, by one step that nobody sees. */
static hn_status warm_up(hn_stream *stream)
{
    hn_status status;
    HNI_TRY(
        stream->kernels->fill_zero(&stream->exec, stream->room.symbols.data, (size_t)stream->rows * sizeof(int32_t)));
    for (int k = 0; k < stream->model.layers; k++) {
        const hni_view below = k > 0 ? hni_stream_output(&stream->layers[k - 1]) : stream->room.symbols;
        HNI_TRY(hni_stream_layer_step(stream->kernels, &stream->exec, &stream->layers[k], k > 0 ? &below : NULL,
                                      &stream->room));
    }
    HNI_TRY(hn_stream_reset(stream, -1));
cleanup:
    return status;
}

hn_status hn_stream_create_with(hn_store *store, const hn_language_model *model, int64_t rows,
                                const hn_stream_options *options, hn_stream **out_stream)
{
    hn_context *context = store->context;
    hn_stream_options chosen;
    hn_stream *stream = NULL;
    void *memory = NULL;
    hn_status status;
    *out_stream = NULL;
    hn_stream_options_default(&chosen);
    if (options != NULL) chosen = *options;
    HNI_TRY(check(store, model, rows, &chosen));
    HNI_TRY(hni_alloc(context, "stream", sizeof *stream, &memory));
    stream = memory;
    stream->context = context;
    stream->model = *model;
    stream->kernels = store->kernels;
    stream->rows = rows;
    stream->observed = -1;
    stream->state_size = hn_cell_state_size(&model->cell);
    hni_arena_init(&stream->scratch, context, "stream", false);
    stream->exec =
        (hni_exec){.context = context, .threads = context->threads, .scratch = &stream->scratch, .step = &stream->step};
    const hn_dtype real = store->kernels->dtype;
    stream->memory = (hni_stream_memory){.kernels = store->kernels,
                                         .exec = &stream->exec,
                                         .storage = chosen.storage == HN_DTYPE_F32 ? real : chosen.storage};
    HNI_TRY(pack(stream, store));
    HNI_TRY(warm_up(stream));
    *out_stream = stream;
    stream = NULL;
cleanup:
    hn_stream_destroy(stream);
    return status;
}

hn_status hn_stream_create(hn_store *store, const hn_language_model *model, int64_t rows, hn_stream **out_stream)
{
    return hn_stream_create_with(store, model, rows, NULL, out_stream);
}

void hn_stream_destroy(hn_stream *stream)
{
    if (stream == NULL) return;
    hni_stream_give_back(&stream->memory);
    hni_arena_destroy(&stream->scratch);
    for (int i = 0; i < OBSERVATIONS; i++)
        hni_free(stream->context, stream->seen[i]);
    hni_free(stream->context, stream);
}

/* ---- a step ---- */

static hn_status make_logits(hn_stream *stream, float *out_logits)
{
    const hni_view h = hni_stream_output(&stream->layers[stream->model.layers - 1]);
    hni_view bias;
    hn_status status;
    if (!hni_view_broadcast(&stream->softmax_bias, hni_view_shape(&stream->room.logits), &bias))
        return hni_error(stream->context, HN_ERROR_SHAPE, "stream: the softmax bias does not fit");
    HNI_TRY(hni_stream_map(stream->kernels, &stream->exec, HNI_MAP_COPY, &bias, &stream->room.logits));
    HNI_TRY(stream->kernels->packed_multiply(&stream->exec, &stream->softmax, &h, &stream->room.logits, true));
    HNI_TRY(stream->kernels->copy_out(&stream->exec, &stream->room.logits, HN_DTYPE_F32, out_logits));
cleanup:
    hni_arena_reset(&stream->scratch);
    return status;
}

/* Copies a view out; nothing where the cell does not have it. */
static hn_status show(hn_stream *stream, int what, const hni_view *view)
{
    if (stream->seen[what] == NULL) return HN_OK;
    return stream->kernels->copy_out(&stream->exec, view, HN_DTYPE_F32, stream->seen[what]);
}

/* Columns first .. of the embeddings as [rows,G,E], gates `stride` apart. */
static hni_view embeddings_at(const hn_stream *stream, int64_t first, int64_t stride)
{
    const hni_stream_layer *layer = &stream->layers[stream->observed];
    const hni_view *all = &stream->room.embeddings;
    hni_view view = hni_stream_columns(all, first, 1);
    view.rank = 3;
    view.size[1] = layer->gates;
    view.stride[1] = stride;
    view.size[2] = layer->embedding;
    view.stride[2] = 1;
    return view;
}

/* What the observed layer, the last one that moved, shows. */
static hn_status observe(hn_stream *stream)
{
    const hni_stream_layer *layer = &stream->layers[stream->observed];
    const int64_t n = layer->units, e = layer->embedding, ge = layer->gates * e;
    const hni_view scales = hni_stream_columns(&stream->room.scales, 0, layer->gates * n),
                   cell = hni_stream_columns(&layer->state, n, layer->state.size[1] > n ? n : 0);
    const hni_view z_h = embeddings_at(stream, 0, e), z_x = embeddings_at(stream, ge, e),
                   z_b = embeddings_at(stream, 2 * ge, e + 1);
    hn_status status;
    HNI_TRY(show(stream, D_H, &scales));
    HNI_TRY(show(stream, Z_H, &z_h));
    HNI_TRY(show(stream, Z_X, &z_x));
    HNI_TRY(show(stream, Z_B, &z_b));
    HNI_TRY(show(stream, CELL, &cell));
    if (stream->seen[PHI] != NULL && layer->cell->observed_phi == HN_OBSERVED_PHI_RAW)
        HNI_TRY(hni_stream_map(stream->kernels, &stream->exec, HNI_MAP_TANH, &cell, &stream->room.phi));
    HNI_TRY(show(stream, PHI, &stream->room.phi));
    stream->observation_ready = true;
cleanup:
    return status;
}

hn_status hn_stream_step(hn_stream *stream, const int32_t *symbols, float *out_logits)
{
    hn_status status;
    stream->observation_ready = false;
    stream->exec.threads = choose_threads(stream); /* the context's may have changed */
    HNI_TRY(hni_go_on(stream->context, "sequence", 0, 1));
    HNI_TRY(stream->kernels->copy_in(&stream->exec, &stream->room.symbols, HN_DTYPE_I32, symbols));
    for (int k = 0; k < stream->model.layers; k++) {
        const hni_view below = k > 0 ? hni_stream_output(&stream->layers[k - 1]) : stream->room.symbols;
        HNI_TRY(hni_stream_layer_step(stream->kernels, &stream->exec, &stream->layers[k], k > 0 ? &below : NULL,
                                      &stream->room));
        if (k == stream->observed) HNI_TRY(observe(stream));
    }
    if (out_logits != NULL) HNI_TRY(make_logits(stream, out_logits));
cleanup:
    return status;
}

/* ---- state ---- */

static hn_status want_row(const hn_stream *stream, int64_t row, int64_t least)
{
    if (row >= least && row < stream->rows) return HN_OK;
    return hni_error(stream->context, HN_ERROR_ARGUMENT, "stream: row %lld of %lld", (long long)row,
                     (long long)stream->rows);
}

/* Row `row` of a layer's state, contiguous; all rows with -1. */
static hni_view state_rows(const hn_stream *stream, int layer, int64_t row)
{
    hni_view view = stream->layers[layer].state;
    if (row < 0) return view;
    view.data = hni_view_at(&view, row * stream->state_size);
    view.size[0] = 1;
    return view;
}

hn_status hn_stream_reset(hn_stream *stream, int64_t row)
{
    hn_status status = want_row(stream, row, -1);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++) {
        const hni_view rows = state_rows(stream, k, row);
        const size_t count = (size_t)hni_view_elements(&rows);
        status = stream->kernels->fill_zero(&stream->exec, rows.data, count * hn_dtype_size(rows.dtype));
    }
    return status;
}

hn_status hn_stream_copy_rows(hn_stream *stream, const int64_t *source)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < stream->rows; i++)
        status = want_row(stream, source[i], 0);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++) {
        for (int64_t i = 0; status == HN_OK && i < stream->rows; i++) {
            const hni_view from = state_rows(stream, k, source[i]);
            hni_view to = hni_view_of(hni_view_at(&stream->spare, i * stream->state_size), stream->spare.dtype,
                                      HN_SHAPE2(1, stream->state_size));
            status = hni_stream_map(stream->kernels, &stream->exec, HNI_MAP_COPY, &from, &to);
        }
        if (status == HN_OK)
            status =
                hni_stream_map(stream->kernels, &stream->exec, HNI_MAP_COPY, &stream->spare, &stream->layers[k].state);
    }
    return status;
}

int64_t hn_stream_state_size(const hn_stream *stream)
{
    return stream->rows * stream->state_size * stream->model.layers;
}

hn_status hn_stream_save(hn_stream *stream, float *out_state)
{
    const int64_t size = stream->rows * stream->state_size;
    hn_status status = HN_OK;
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++)
        status = stream->kernels->copy_out(&stream->exec, &stream->layers[k].state, HN_DTYPE_F32, out_state + k * size);
    return status;
}

hn_status hn_stream_restore(hn_stream *stream, const float *state)
{
    const int64_t size = stream->rows * stream->state_size;
    hn_status status = HN_OK;
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++)
        status = stream->kernels->copy_in(&stream->exec, &stream->layers[k].state, HN_DTYPE_F32, state + k * size);
    return status;
}

/* ---- observation ---- */

/* Numbers of each observation a row; 0: the cell has none. */
static void count_observations(const hn_stream *stream, int64_t out_count[OBSERVATIONS])
{
    const hni_stream_layer *layer = &stream->layers[0];
    const hn_cell_kind kind = stream->model.cell.kind;
    const bool has_cell = !hni_cell_is_rnn(kind);
    out_count[D_H] = layer->hyper > 0 && kind != HN_CELL_HYPERRNN_FULL ? layer->gates * layer->units : 0;
    out_count[Z_H] = out_count[Z_X] = out_count[Z_B] = layer->gates * layer->embedding;
    out_count[CELL] = out_count[PHI] = has_cell ? layer->units : 0;
}

static hn_status make_room(hn_stream *stream)
{
    int64_t count[OBSERVATIONS];
    count_observations(stream, count);
    for (int i = 0; i < OBSERVATIONS; i++) {
        void *memory = NULL;
        if (count[i] == 0 || stream->seen[i] != NULL) continue;
        const hn_status status =
            hni_alloc_array(stream->context, "observation", (size_t)(stream->rows * count[i]), sizeof(float), &memory);
        if (status != HN_OK) return status;
        stream->seen[i] = memory;
    }
    return HN_OK;
}

hn_status hn_stream_observe(hn_stream *stream, int layer)
{
    if (layer < -1 || layer >= stream->model.layers) {
        return hni_error(stream->context, HN_ERROR_ARGUMENT, "stream: layer %d of %d", layer, stream->model.layers);
    }
    stream->observation_ready = false;
    if (layer >= 0) {
        const hn_status status = make_room(stream);
        if (status != HN_OK) return status;
    }
    stream->observed = layer;
    return HN_OK;
}

hn_status hn_stream_observation_read(const hn_stream *stream, hn_stream_observation *out_observation)
{
    *out_observation = (hn_stream_observation){.gates = 0};
    if (!stream->observation_ready) {
        return hni_error(stream->context, HN_ERROR_STATE,
                         "stream: nothing was observed: call hn_stream_observe, then a step");
    }
    *out_observation = (hn_stream_observation){
        .d_h = stream->seen[D_H],
        .phi = stream->seen[PHI],
        .gates = (int)hni_cell_gates(stream->model.cell.kind),
        .z_h = stream->seen[Z_H],
        .z_x = stream->seen[Z_X],
        .z_b = stream->seen[Z_B],
        .cell = stream->seen[CELL],
    };
    return HN_OK;
}
