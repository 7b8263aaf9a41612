/* Inference with carried state: one symbol a row at a time, on a graph of its own. Once a step has been done nothing is allocated. */
#include <string.h>

#include "core/alloc.h"
#include "nn/cell.h"
#include "params/store.h"

/* What a cell can let be seen; which of them it has is known once a step was done. */
enum { D_H, Z_H, Z_X, Z_B, CELL, PHI, OBSERVATIONS };

struct hn_stream {
    hn_context *context;
    hn_language_model model;
    hn_graph *graph;
    hn_weights *weights;
    int64_t rows;
    int64_t state_size;             /* S of one layer */
    hn_tensor state[HN_MAX_LAYERS]; /* [rows,S] persistent */
    float *buffer;                  /* rows * S: reset, copies of rows */
    int observed;                   /* layer, or -1 */
    bool observation_ready;
    float *seen[OBSERVATIONS]; /* of the last step; NULL: the cell has none, or nothing was observed yet */
    int64_t seen_count[OBSERVATIONS];
};

static hn_status create_state(hn_stream *stream)
{
    hn_status status = HN_OK;
    const hn_shape shape = HN_SHAPE2(stream->rows, stream->state_size);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++) {
        status = hn_tensor_persist(stream->graph, hn_graph_dtype(stream->graph), shape, &stream->state[k]);
    }
    return status;
}

hn_status hn_stream_create(hn_store *store, const hn_language_model *model, int64_t rows, hn_stream **out_stream)
{
    hn_context *context = store->context;
    hn_stream *stream = NULL;
    void *memory = NULL;
    hn_status status;
    *out_stream = NULL;
    HNI_TRY(hn_language_model_check(context, model));
    HNI_TRY(hni_store_want_numbers(store, "stream"));
    if (rows < 1) {
        return hni_error(context, HN_ERROR_ARGUMENT, "stream: rows is %lld, it must be at least 1", (long long)rows);
    }
    HNI_TRY(hni_alloc(context, "stream", sizeof *stream, &memory));
    stream = memory;
    stream->context = context;
    stream->model = *model;
    stream->rows = rows;
    stream->observed = -1;
    stream->state_size = hn_cell_state_size(&model->cell);
    const bool generic = store->kernels == hni_kernels_generic(store->kernels->dtype);
    const hn_graph_options options = {generic ? HN_BACKEND_GENERIC : HN_BACKEND_CPU, store->kernels->dtype};
    HNI_TRY(hn_graph_create(context, &options, &stream->graph));
    hn_graph_record(stream->graph, false);
    hn_graph_train(stream->graph, false);
    HNI_TRY(hn_weights_create(stream->graph, store, &stream->weights));
    HNI_TRY(create_state(stream));
    HNI_TRY(hni_alloc_array(context, "stream", (size_t)(rows * stream->state_size), 2 * sizeof(float), &memory));
    stream->buffer = memory;
    *out_stream = stream;
    stream = NULL;
cleanup:
    hn_stream_destroy(stream);
    return status;
}

void hn_stream_destroy(hn_stream *stream)
{
    if (stream == NULL) return;
    hn_weights_destroy(stream->weights);
    hn_graph_destroy(stream->graph);
    hni_free(stream->context, stream->buffer);
    for (int i = 0; i < OBSERVATIONS; i++)
        hni_free(stream->context, stream->seen[i]);
    hni_free(stream->context, stream);
}

/* ---- a step ---- */

static void list_observations(const hn_observation *seen, hn_tensor out_tensors[OBSERVATIONS])
{
    out_tensors[D_H] = seen->d_h;
    out_tensors[Z_H] = seen->z_h;
    out_tensors[Z_X] = seen->z_x;
    out_tensors[Z_B] = seen->z_b;
    out_tensors[CELL] = seen->cell;
    out_tensors[PHI] = seen->phi;
}

/* Room for what the first observed step shows; later steps have the same shapes. */
static hn_status make_room(hn_stream *stream, const hn_observation *seen)
{
    hn_tensor tensors[OBSERVATIONS];
    hn_status status = HN_OK;
    list_observations(seen, tensors);
    for (int i = 0; i < OBSERVATIONS; i++) {
        void *memory = NULL;
        if (tensors[i].slot == 0 || stream->seen[i] != NULL) continue;
        stream->seen_count[i] = hn_shape_elements(hn_tensor_shape(stream->graph, tensors[i]));
        HNI_TRY(hni_alloc_array(stream->context, "observation", (size_t)stream->seen_count[i], sizeof(float), &memory));
        stream->seen[i] = memory;
    }
cleanup:
    return status;
}

static hn_status read_observation(hn_stream *stream, const hn_observation *seen)
{
    hn_tensor tensors[OBSERVATIONS];
    hn_status status = HN_OK;
    list_observations(seen, tensors);
    for (int i = 0; i < OBSERVATIONS; i++) {
        if (stream->seen[i] == NULL) continue;
        HNI_TRY(hn_tensor_read(stream->graph, tensors[i], HN_DTYPE_F32, stream->seen_count[i], stream->seen[i]));
    }
    stream->observation_ready = true;
cleanup:
    return status;
}

hn_status hn_stream_step(hn_stream *stream, const int32_t *symbols, float *out_logits)
{
    hn_graph *graph = stream->graph;
    hn_observation seen[HN_MAX_LAYERS];
    hn_window window = {.divisor = 0};
    hn_status status;
    stream->observation_ready = false;
    hn_graph_reset(graph);
    window.symbols = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(stream->rows, 1), symbols, false);
    const hn_language_result result =
        hn_language_run(stream->weights, &stream->model, &window, stream->state, stream->observed >= 0 ? seen : NULL);
    HNI_TRY(hn_graph_status(graph));
    if (stream->observed >= 0) HNI_TRY(make_room(stream, &seen[stream->observed])); /* before the state moves */
    for (int k = 0; k < stream->model.layers; k++)
        HNI_TRY(hn_tensor_store(graph, result.state[k], stream->state[k]));
    if (stream->observed >= 0) HNI_TRY(read_observation(stream, &seen[stream->observed]));
    if (out_logits != NULL) {
        const int64_t count = stream->rows * stream->model.vocabulary_size;
        HNI_TRY(hn_tensor_read(graph, result.logits, HN_DTYPE_F32, count, out_logits));
    }
cleanup:
    return status;
}

/* ---- state ---- */

static hn_status read_state(hn_stream *stream, int layer, float *out_state)
{
    return hn_tensor_read(stream->graph, stream->state[layer], HN_DTYPE_F32, stream->rows * stream->state_size,
                          out_state);
}

static hn_status write_state(hn_stream *stream, int layer, const float *state)
{
    return hn_tensor_write(stream->graph, stream->state[layer], HN_DTYPE_F32, stream->rows * stream->state_size, state);
}

static hn_status want_row(const hn_stream *stream, int64_t row, int64_t least)
{
    if (row >= least && row < stream->rows) return HN_OK;
    return hni_error(stream->context, HN_ERROR_ARGUMENT, "stream: row %lld of %lld", (long long)row,
                     (long long)stream->rows);
}

hn_status hn_stream_reset(hn_stream *stream, int64_t row)
{
    const size_t size = (size_t)stream->state_size;
    hn_status status = want_row(stream, row, -1);
    hn_graph_reset(stream->graph);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++) {
        status = read_state(stream, k, stream->buffer);
        if (status != HN_OK) break;
        float *from = row < 0 ? stream->buffer : stream->buffer + (size_t)row * size;
        memset(from, 0, (row < 0 ? (size_t)stream->rows : 1) * size * sizeof *from);
        status = write_state(stream, k, stream->buffer);
    }
    return status;
}

hn_status hn_stream_copy_rows(hn_stream *stream, const int64_t *source)
{
    const size_t size = (size_t)stream->state_size;
    float *copy = stream->buffer + (size_t)stream->rows * size;
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < stream->rows; i++)
        status = want_row(stream, source[i], 0);
    hn_graph_reset(stream->graph);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++) {
        status = read_state(stream, k, stream->buffer);
        if (status != HN_OK) break;
        for (size_t i = 0; i < (size_t)stream->rows; i++) {
            memcpy(copy + i * size, stream->buffer + (size_t)source[i] * size, size * sizeof *copy);
        }
        status = write_state(stream, k, copy);
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
    hn_graph_reset(stream->graph);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++)
        status = read_state(stream, k, out_state + k * size);
    return status;
}

hn_status hn_stream_restore(hn_stream *stream, const float *state)
{
    const int64_t size = stream->rows * stream->state_size;
    hn_status status = HN_OK;
    hn_graph_reset(stream->graph);
    for (int k = 0; status == HN_OK && k < stream->model.layers; k++)
        status = write_state(stream, k, state + k * size);
    return status;
}

/* ---- observation ---- */

hn_status hn_stream_observe(hn_stream *stream, int layer)
{
    if (layer < -1 || layer >= stream->model.layers) {
        return hni_error(stream->context, HN_ERROR_ARGUMENT, "stream: layer %d of %d", layer, stream->model.layers);
    }
    stream->observation_ready = false;
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
