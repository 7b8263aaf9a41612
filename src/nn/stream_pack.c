/* A stream's weights: matrices packed, input rows of one-hot symbols laid out for look-up, small vectors copied. They are the store's
 * numbers at the time: what an optimiser does afterwards is not seen. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/size.h"
#include "nn/stream.h"
#include "params/store.h"

/* ---- memory ---- */

/* Zeroed, given back with all the others. */
static hn_status take_block(hni_stream_memory *memory, size_t size, void **out_block)
{
    hn_context *context = memory->exec->context;
    hn_status status = HN_OK;
    if (memory->count == memory->room) {
        const size_t room = memory->room == 0 ? 32 : 2 * memory->room;
        void *blocks = memory->blocks;
        status = hni_realloc_array(context, "stream", room, sizeof memory->blocks[0], &blocks);
        if (status != HN_OK) return status;
        memory->blocks = blocks;
        memory->room = room;
    }
    status = memory->kernels->allocate(context, "stream", size, &memory->blocks[memory->count]);
    if (status != HN_OK) return status;
    *out_block = memory->blocks[memory->count++];
    return HN_OK;
}

hn_status hni_stream_take(hni_stream_memory *memory, hn_dtype dtype, hn_shape shape, hni_view *out_view)
{
    const int64_t elements = hn_shape_elements(shape);
    void *data = NULL;
    size_t size = 0;
    if (elements < 0 || !hni_size_mul((size_t)elements, hn_dtype_size(dtype), &size)) {
        char text[96];
        return hni_error(memory->exec->context, HN_ERROR_SHAPE, "stream: %s is too large to count",
                         hn_shape_print(shape, text, sizeof text));
    }
    const hn_status status = take_block(memory, size, &data);
    if (status == HN_OK) *out_view = hni_view_of(data, dtype, shape);
    return status;
}

void hni_stream_give_back(hni_stream_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        memory->kernels->release(memory->exec->context, memory->blocks[i]);
    hni_free(memory->exec->context, memory->blocks);
    memory->blocks = NULL;
    memory->count = memory->room = 0;
}

static hn_status take_packed(hni_stream_memory *memory, hn_dtype storage, int64_t rows, int64_t columns,
                             hni_packed *out_packed)
{
    size_t size = 0;
    hn_status status;
    *out_packed = (hni_packed){storage, rows, columns, NULL};
    HNI_TRY(memory->kernels->pack_size(memory->exec, storage, HN_SHAPE2(rows, columns), &size));
    HNI_TRY(take_block(memory, size, &out_packed->data));
    memory->products += rows * columns;
cleanup:
    return status;
}

/* ---- parameters by name ---- */

/* The parameter "PREFIX.SUFFIX", which must have this shape. */
static hn_status find(const hni_stream_memory *memory, const char *prefix, const char *suffix, hn_shape shape,
                      hni_view *out_view)
{
    hn_context *context = memory->exec->context;
    char name[160], found[96], wanted[96];
    snprintf(name, sizeof name, "%s%s%s", prefix, *prefix != '\0' ? "." : "", suffix);
    const int64_t index = hn_store_find(memory->store, name);
    if (index < 0) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "stream: the store has no parameter '%s': were another model's parameters declared?", name);
    }
    const hn_shape held = hn_store_parameter(memory->store, index)->shape;
    if (!hn_shape_equal(held, shape)) {
        return hni_error(context, HN_ERROR_SHAPE, "stream: parameter '%s' has shape %s, the model needs %s", name,
                         hn_shape_print(held, found, sizeof found), hn_shape_print(shape, wanted, sizeof wanted));
    }
    *out_view = hni_section_part(memory->store, &memory->store->parameters, memory->store->parameters.values, index);
    return HN_OK;
}

hn_status hni_stream_map(const hni_kernels *kernels, hni_exec *exec, hni_map map, const hni_view *a, hni_view *out)
{
    static const double plain[2] = {1, 0};
    return kernels->map(exec, map, plain, a, out, false);
}

/* The same numbers row-major in another shape. */
static hni_view reshaped(hni_view view, hn_shape shape) { return hni_view_of(view.data, view.dtype, shape); }

static hn_status copy_of(hni_stream_memory *memory, const char *prefix, const char *suffix, hn_shape shape,
                         hni_view *out_copy)
{
    hni_view held;
    hn_status status;
    HNI_TRY(find(memory, prefix, suffix, shape, &held));
    HNI_TRY(hni_stream_take(memory, memory->kernels->dtype, shape, out_copy));
    HNI_TRY(hni_stream_map(memory->kernels, memory->exec, HNI_MAP_COPY, &held, out_copy));
cleanup:
    return status;
}

hn_status hni_stream_copy(hni_stream_memory *memory, const char *name, hn_shape shape, hni_view *out_copy)
{
    return copy_of(memory, "", name, shape, out_copy);
}

hn_status hni_stream_pack(hni_stream_memory *memory, const char *name, hn_shape shape, hni_packed *out_packed)
{
    hni_view held;
    hn_status status;
    HNI_TRY(find(memory, "", name, shape, &held));
    HNI_TRY(take_packed(memory, memory->storage, shape.size[0], shape.size[1], out_packed));
    HNI_TRY(memory->kernels->pack(memory->exec, &held, 0, out_packed));
cleanup:
    return status;
}

hni_view hni_stream_columns(const hni_view *view, int64_t first, int64_t count)
{
    hni_view columns = *view;
    columns.data = hni_view_at(view, first * view->stride[1]);
    columns.size[1] = count;
    return columns;
}

static hni_view turned(hni_view view) /* [rows,columns] seen as [columns,rows] */
{
    hni_view out = view;
    out.size[0] = view.size[1];
    out.size[1] = view.size[0];
    out.stride[0] = view.stride[1];
    out.stride[1] = view.stride[0];
    return out;
}

/* ---- a layer's inputs ---- */

/* Weights of what the cell reads, [P,X], as two matrices: of the main cell, and of the hyper cell (no data: none); their biases. */
typedef struct input_parts {
    hni_view weight[2], bias[2];
} input_parts;

static hn_status find_inputs(const hni_stream_memory *memory, const char *name, const char *hyper_name, int64_t width,
                             const hni_stream_layer *layer, input_parts *parts)
{
    const hn_cell *cell = layer->cell;
    const int64_t n = layer->units, gm = layer->gates * layer->hyper;
    hn_status status;
    memset(parts, 0, sizeof *parts);
    HNI_TRY(find(memory, name, "weight_x", HN_SHAPE2(layer->blocks * n, width), &parts->weight[0]));
    if (layer->hyper == 0) {
        if (!cell->layer_norm) HNI_TRY(find(memory, name, "bias", HN_SHAPE1(layer->gates * n), &parts->bias[0]));
        return status;
    }
    HNI_TRY(find(memory, hyper_name, "weight_x", HN_SHAPE2(gm, n + width), &parts->weight[1]));
    parts->weight[1] = hni_stream_columns(&parts->weight[1], n, width);
    if (!hni_cell_hyper_norm(cell)) HNI_TRY(find(memory, hyper_name, "bias", HN_SHAPE1(gm), &parts->bias[1]));
cleanup:
    return status;
}

/* Adds a vector to every row of out [rows,n]; no data: nothing. */
static hn_status add_to_rows(const hni_stream_memory *memory, const hni_view *vector, hni_view *out)
{
    hni_view inputs[2] = {*out};
    if (vector->data == NULL) return HN_OK;
    if (!hni_view_broadcast(vector, hni_view_shape(out), &inputs[1])) {
        return hni_error(memory->exec->context, HN_ERROR_SHAPE, "stream: a bias does not fit");
    }
    return hni_stream_map(memory->kernels, memory->exec, HNI_MAP_ADD, inputs, out);
}

/* Rows for look-up. */
static hn_status lay_out_table(hni_stream_memory *memory, const input_parts *parts, int64_t width,
                               hni_stream_layer *layer)
{
    hn_status status;
    int64_t first = 0;
    HNI_TRY(hni_stream_take(memory, memory->kernels->dtype, HN_SHAPE2(width, layer->both), &layer->table));
    for (int i = 0; i < 2 && parts->weight[i].data != NULL; i++) {
        const hni_view rows = turned(parts->weight[i]);
        hni_view out = hni_stream_columns(&layer->table, first, rows.size[1]);
        HNI_TRY(hni_stream_map(memory->kernels, memory->exec, HNI_MAP_COPY, &rows, &out));
        HNI_TRY(add_to_rows(memory, &parts->bias[i], &out));
        first += rows.size[1];
    }
cleanup:
    return status;
}

static hn_status pack_inputs(hni_stream_memory *memory, const input_parts *parts, int64_t width,
                             hni_stream_layer *layer)
{
    hn_status status;
    int64_t first = 0;
    HNI_TRY(take_packed(memory, memory->storage, layer->both, width, &layer->input));
    HNI_TRY(hni_stream_take(memory, memory->kernels->dtype, HN_SHAPE2(1, layer->both), &layer->input_bias));
    for (int i = 0; i < 2 && parts->weight[i].data != NULL; i++) {
        hni_view bias = hni_stream_columns(&layer->input_bias, first, parts->weight[i].size[0]);
        HNI_TRY(memory->kernels->pack(memory->exec, &parts->weight[i], first, &layer->input));
        HNI_TRY(add_to_rows(memory, &parts->bias[i], &bias));
        first += parts->weight[i].size[0];
    }
    layer->input_bias = reshaped(layer->input_bias, HN_SHAPE1(layer->both));
cleanup:
    return status;
}

/* ---- the recurrent side ---- */

static hn_status copy_norm(hni_stream_memory *memory, const char *name, int64_t units, hni_stream_norm *norm)
{
    hn_status status;
    HNI_TRY(copy_of(memory, name, "ln_gates.gain", HN_SHAPE2(4, units), &norm->gates_gain));
    HNI_TRY(copy_of(memory, name, "ln_gates.shift", HN_SHAPE2(4, units), &norm->gates_shift));
    HNI_TRY(copy_of(memory, name, "ln_cell.gain", HN_SHAPE1(units), &norm->cell_gain));
    HNI_TRY(copy_of(memory, name, "ln_cell.shift", HN_SHAPE1(units), &norm->cell_shift));
cleanup:
    return status;
}

/* Everything that multiplies h. */
static hn_status pack_recurrent(hni_stream_memory *memory, const char *name, const char *hyper_name, int64_t width,
                                hni_stream_layer *layer)
{
    const int64_t n = layer->units, main_rows = layer->blocks * n, gm = layer->gates * layer->hyper;
    hni_view weight;
    hn_status status;
    HNI_TRY(take_packed(memory, memory->storage, layer->both, n, &layer->recurrent));
    HNI_TRY(find(memory, name, "weight_h", HN_SHAPE2(main_rows, n), &weight));
    HNI_TRY(memory->kernels->pack(memory->exec, &weight, 0, &layer->recurrent));
    if (layer->hyper == 0) return status;
    HNI_TRY(find(memory, hyper_name, "weight_x", HN_SHAPE2(gm, n + width), &weight));
    weight = hni_stream_columns(&weight, 0, n);
    HNI_TRY(memory->kernels->pack(memory->exec, &weight, main_rows, &layer->recurrent));
cleanup:
    return status;
}

/* z = embed ^h + bias. The constant elements have rows of zeros and the bias 1. */
static hn_status pack_embeddings(hni_stream_memory *memory, const char *name, hni_stream_layer *layer)
{
    static const char *const weights[3] = {"z_h.weight", "z_x.weight", "z_b.weight"};
    static const char *const biases[2] = {"z_h.bias", "z_x.bias"};
    static const double one[2] = {0, 1};
    const hni_kernels *kernels = memory->kernels;
    const int64_t gates = layer->gates, e = layer->embedding, m = layer->hyper;
    hni_stream_hyper *made = &layer->made;
    hni_view weight, bias;
    hn_status status;
    HNI_TRY(take_packed(memory, memory->storage, layer->embeddings, m, &made->embed));
    HNI_TRY(hni_stream_take(memory, kernels->dtype, HN_SHAPE2(1, layer->embeddings), &made->embed_bias));
    for (int i = 0; i < 2; i++) {
        HNI_TRY(find(memory, name, weights[i], HN_SHAPE2(gates * e, m), &weight));
        HNI_TRY(kernels->pack(memory->exec, &weight, i * gates * e, &made->embed));
        HNI_TRY(find(memory, name, biases[i], HN_SHAPE1(gates * e), &bias));
        hni_view out = hni_stream_columns(&made->embed_bias, i * gates * e, gates * e);
        HNI_TRY(add_to_rows(memory, &bias, &out));
    }
    HNI_TRY(find(memory, name, weights[2], HN_SHAPE2(gates * e, m), &weight));
    for (int64_t g = 0; g < gates; g++) {
        const int64_t first = 2 * gates * e + g * (e + 1);
        hni_view rows = weight, constant = hni_stream_columns(&made->embed_bias, first + e, 1);
        rows.data = hni_view_at(&weight, g * e * weight.stride[0]);
        rows.size[0] = e;
        HNI_TRY(kernels->pack(memory->exec, &rows, first, &made->embed));
        const hni_view before = constant;
        HNI_TRY(kernels->map(memory->exec, HNI_MAP_SCALE, one, &before, &constant, false));
    }
    made->embed_bias = reshaped(made->embed_bias, HN_SHAPE1(layer->embeddings));
cleanup:
    return status;
}

/* Matrices that make vectors are a few columns wide and stay as they are. */
static hn_status pack_scales(hni_stream_memory *memory, const char *name, const char *suffix, hni_packed *out_packed,
                             const hni_stream_layer *layer)
{
    const int64_t gates = layer->gates, n = layer->units, e = layer->embedding;
    hni_view all;
    hn_status status;
    HNI_TRY(find(memory, name, suffix, HN_SHAPE3(gates, n, e), &all));
    for (int64_t g = 0; g < gates; g++) {
        hni_view one = reshaped(all, HN_SHAPE2(n, e));
        one.data = hni_view_at(&all, g * n * e);
        HNI_TRY(take_packed(memory, memory->kernels->dtype, n, e, &out_packed[g]));
        HNI_TRY(memory->kernels->pack(memory->exec, &one, 0, &out_packed[g]));
    }
cleanup:
    return status;
}

/* [N,E+1] of each gate: d_b, and b_0 as the last column. */
static hn_status pack_shifts(hni_stream_memory *memory, const char *name, hni_stream_layer *layer)
{
    const hni_kernels *kernels = memory->kernels;
    const int64_t gates = layer->gates, n = layer->units, e = layer->embedding;
    hni_view weight, bias, joined;
    hn_status status;
    HNI_TRY(find(memory, name, "d_b.weight", HN_SHAPE3(gates, n, e), &weight));
    HNI_TRY(find(memory, name, "bias", HN_SHAPE1(gates * n), &bias));
    HNI_TRY(hni_stream_take(memory, kernels->dtype, HN_SHAPE2(n, e + 1), &joined));
    for (int64_t g = 0; g < gates; g++) {
        hni_view of_weight = reshaped(weight, HN_SHAPE2(n, e)), of_bias = reshaped(bias, HN_SHAPE2(n, 1));
        hni_view left = hni_stream_columns(&joined, 0, e), right = hni_stream_columns(&joined, e, 1);
        of_weight.data = hni_view_at(&weight, g * n * e);
        of_bias.data = hni_view_at(&bias, g * n);
        HNI_TRY(hni_stream_map(kernels, memory->exec, HNI_MAP_COPY, &of_weight, &left));
        HNI_TRY(hni_stream_map(kernels, memory->exec, HNI_MAP_COPY, &of_bias, &right));
        HNI_TRY(take_packed(memory, kernels->dtype, n, e + 1, &layer->made.shifts[g]));
        HNI_TRY(kernels->pack(memory->exec, &joined, 0, &layer->made.shifts[g]));
    }
cleanup:
    return status;
}

static hn_status pack_hyper(hni_stream_memory *memory, const char *name, const char *hyper_name,
                            hni_stream_layer *layer)
{
    const int64_t gm = layer->gates * layer->hyper;
    char self[64];
    hn_status status;
    snprintf(self, sizeof self, "%s.weight_h", hyper_name);
    HNI_TRY(hni_stream_pack(memory, self, HN_SHAPE2(gm, layer->hyper), &layer->made.self));
    if (!hni_cell_is_rnn(layer->cell->kind) && hni_cell_hyper_norm(layer->cell))
        HNI_TRY(copy_norm(memory, hyper_name, layer->hyper, &layer->made.norm));
    HNI_TRY(pack_embeddings(memory, name, layer));
    if (layer->cell->kind != HN_CELL_HYPERRNN_FULL) {
        HNI_TRY(pack_scales(memory, name, "d_h.weight", layer->made.scales, layer));
        HNI_TRY(pack_scales(memory, name, "d_x.weight", layer->made.scales + layer->gates, layer));
    }
    HNI_TRY(pack_shifts(memory, name, layer));
cleanup:
    return status;
}

/* ---- the whole ---- */

static void set_sizes(const hn_cell *cell, hni_stream_layer *layer)
{
    const bool full = cell->kind == HN_CELL_HYPERRNN_FULL, hyper = hni_cell_is_hyper(cell->kind);
    const int64_t gates = hni_cell_gates(cell->kind);
    memset(layer, 0, sizeof *layer);
    layer->cell = cell;
    layer->gates = gates;
    layer->blocks = full ? cell->embedding_size : gates;
    layer->units = cell->units;
    layer->hyper = hyper ? cell->hyper_units : 0;
    layer->embedding = hyper ? cell->embedding_size : 0;
    layer->both = layer->blocks * layer->units + gates * layer->hyper;
    layer->embeddings = hyper ? 2 * gates * layer->embedding + gates * (layer->embedding + 1) : 0;
}

hn_status hni_stream_layer_pack(hni_stream_memory *memory, const hn_language_model *model, int number,
                                hni_stream_layer *layer)
{
    const int64_t width = number == 0 ? model->vocabulary_size : model->cell.units;
    input_parts parts;
    char name[32], hyper_name[40];
    hn_status status;
    set_sizes(&model->cell, layer);
    snprintf(name, sizeof name, "layers.%d", number);
    snprintf(hyper_name, sizeof hyper_name, "%s.hyper", name);
    HNI_TRY(find_inputs(memory, name, hyper_name, width, layer, &parts));
    HNI_TRY(number == 0 ? lay_out_table(memory, &parts, width, layer) : pack_inputs(memory, &parts, width, layer));
    HNI_TRY(pack_recurrent(memory, name, hyper_name, width, layer));
    if (!hni_cell_is_rnn(model->cell.kind) && model->cell.layer_norm)
        HNI_TRY(copy_norm(memory, name, layer->units, &layer->norm));
    if (layer->hyper > 0) HNI_TRY(pack_hyper(memory, name, hyper_name, layer));
cleanup:
    return status;
}
