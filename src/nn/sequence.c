/* The sequence contract: inputs, state, lengths, reverse -> all outputs and the final state, for every kind of cell.
 * Past its length a row keeps its state and puts out zeros, so the final state's gradient enters at the last real step. */
#include <math.h>

#include "nn/cell.h"

void hn_sequence_options_default(hn_sequence_options *out_options)
{
    *out_options = (hn_sequence_options){.reverse = false};
}

/* ---- kinds ---- */

int64_t hni_cell_gates(hn_cell_kind kind) { return hni_cell_is_rnn(kind) ? 1 : 4; }

bool hni_cell_is_hyper(hn_cell_kind kind)
{
    return kind == HN_CELL_HYPERLSTM || kind == HN_CELL_HYPERRNN || kind == HN_CELL_HYPERRNN_FULL;
}

bool hni_cell_is_rnn(hn_cell_kind kind)
{
    return kind == HN_CELL_RNN || kind == HN_CELL_HYPERRNN || kind == HN_CELL_HYPERRNN_FULL;
}

bool hni_cell_hyper_norm(const hn_cell *cell)
{
    return cell->layer_norm || cell->hyper_layer_norm == HN_HYPER_LAYER_NORM_ALWAYS;
}

int64_t hn_cell_state_size(const hn_cell *cell)
{
    const int64_t size = cell->units + (hni_cell_is_hyper(cell->kind) ? cell->hyper_units : 0);
    return hni_cell_is_rnn(cell->kind) ? size : 2 * size;
}

/* ---- state: h, c, hyper h, hyper c, as far as the kind has them ---- */

static hni_cell_state split_state(hn_graph *graph, const hn_cell *cell, hn_tensor state)
{
    const bool has_c = !hni_cell_is_rnn(cell->kind);
    const int64_t n = cell->units, m = cell->hyper_units, hyper_start = has_c ? 2 * n : n;
    hni_cell_state out = {.h = hn_slice(graph, state, 1, 0, n)};
    if (has_c) out.c = hn_slice(graph, state, 1, n, n);
    if (!hni_cell_is_hyper(cell->kind)) return out;
    out.hyper_h = hn_slice(graph, state, 1, hyper_start, m);
    if (has_c) out.hyper_c = hn_slice(graph, state, 1, hyper_start + m, m);
    return out;
}

static hn_tensor join_state(hn_graph *graph, const hni_cell_state *state)
{
    const hn_tensor all[4] = {state->h, state->c, state->hyper_h, state->hyper_c};
    hn_tensor parts[4];
    int count = 0;
    for (int i = 0; i < 4; i++)
        if (all[i].slot != 0) parts[count++] = all[i];
    return hn_concat(graph, parts, count, 1);
}

/* Rows past their length go back to `old`. */
static void keep_ended(hn_graph *graph, const hni_cell_state *old, hn_tensor lengths, int64_t t, hni_cell_state *state)
{
    hn_tensor *const now[4] = {&state->h, &state->c, &state->hyper_h, &state->hyper_c};
    const hn_tensor before[4] = {old->h, old->c, old->hyper_h, old->hyper_c};
    for (int i = 0; i < 4; i++)
        if (now[i]->slot != 0) *now[i] = hn_where_length(graph, *now[i], before[i], lengths, t);
}

/* ---- a layer over a window ---- */

/* W_x: a matrix for each gate, or in the full HyperRNN for each element of z_x, which begin as weak as there are many. */
static hn_tensor input_weight(hn_weights *weights, const char *name, const hn_cell *cell)
{
    const bool full = cell->kind == HN_CELL_HYPERRNN_FULL;
    const int64_t blocks = full ? cell->embedding_size : hni_cell_gates(cell->kind);
    const double gain = full ? 1 / sqrt((double)blocks) : 1;
    const hn_init init = cell->input_init == HN_INPUT_INIT_UNIFORM
                             ? hn_init_uniform(gain * sqrt(3.0 / (double)cell->input_size))
                             : hn_init_orthogonal((int)blocks, gain);
    return hni_weight(weights, name, "weight_x", HN_SHAPE2(blocks * cell->units, cell->input_size), init);
}

static void prepare(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor x, hn_tensor scale,
                    hni_layer *layer)
{
    hn_graph *graph = hn_weights_graph(weights);
    const bool hyper = hni_cell_is_hyper(cell->kind), has_bias = hyper || !cell->layer_norm;
    const bool full = cell->kind == HN_CELL_HYPERRNN_FULL;
    const int64_t gates = hni_cell_gates(cell->kind), blocks = full ? cell->embedding_size : gates;
    const hn_tensor weight_x = input_weight(weights, name, cell);
    const hn_tensor bias =
        has_bias ? hni_weight(weights, name, "bias", HN_SHAPE1(gates * cell->units), hn_init_zeros()) : HN_NO_TENSOR;
    *layer = (hni_layer){.cell = cell};
    if (hni_cell_is_rnn(cell->kind)) {
        hni_rnn_prepare(weights, name, cell, cell->units, blocks, &layer->rnn);
    } else {
        layer->main = (hni_lstm){.units = cell->units, .layer_norm = cell->layer_norm, .keep = cell->keep_recurrent};
        hni_lstm_prepare(weights, name, cell, &layer->main);
    }
    layer->input = hni_cell_input_prepare(graph, x, scale, weight_x, hyper ? HN_NO_TENSOR : bias, blocks);
    if (hyper) hni_hyper_prepare(weights, name, cell, x, scale, bias, &layer->hyper);
    layer->zoneout_cell = (hni_zoneout){cell->zoneout_cell, hni_site_of(weights, "zoneout", name, "cell")};
    layer->zoneout_hidden = (hni_zoneout){cell->zoneout_hidden, hni_site_of(weights, "zoneout", name, "hidden")};
}

/* new [B,n], or a unit's old value with the probability p: old + (1 - p) * Dropout(new - old), which outside training is the
 * expectation p * old + (1 - p) * new. */
static hn_tensor zoneout(hn_graph *graph, const hni_zoneout *zone, const hni_draw *draw, hn_tensor new_value,
                         hn_tensor old_value)
{
    const double keep = 1 - zone->probability;
    const hn_shape shape = hn_tensor_shape(graph, new_value);
    if (keep == 1 || shape.rank != 2) return new_value;
    const int64_t units = shape.size[1];
    const hn_dropout_options options = {.keep = keep,
                                        .site = zone->site,
                                        .base = (draw->first_row * draw->length + draw->time) * units,
                                        .stride = {draw->length * units, 1}};
    const hn_tensor moved = hn_dropout(graph, hn_sub(graph, new_value, old_value), &options);
    return hn_add(graph, old_value, hn_scale(graph, moved, keep, 0));
}

/* One step of the layer's cell but for zoneout. */
static void run_cell(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                     hni_cell_view *view)
{
    switch (layer->cell->kind) {
    case HN_CELL_LSTM: hni_lstm_step(graph, layer, t, draw, state, view); return;
    case HN_CELL_HYPERLSTM: hni_hyper_lstm_step(graph, layer, t, draw, state, view); return;
    case HN_CELL_RNN: hni_rnn_step(graph, layer, t, state); return;
    case HN_CELL_HYPERRNN: hni_hyper_rnn_step(graph, layer, t, draw, state, view); return;
    case HN_CELL_HYPERRNN_FULL: hni_hyper_rnn_full_step(graph, layer, t, draw, state, view); return;
    }
}

static void run_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                     hni_cell_view *view)
{
    const hn_tensor old_h = state->h, old_c = state->c;
    run_cell(graph, layer, t, draw, state, view);
    state->h = zoneout(graph, &layer->zoneout_hidden, draw, state->h, old_h);
    state->c = zoneout(graph, &layer->zoneout_cell, draw, state->c, old_c);
}

/* Lists of tensors of each step, in the tape's memory. */
enum { SEEN_D_H, SEEN_Z_H, SEEN_Z_X, SEEN_Z_B, SEEN_CELL, SEEN_PHI, SEEN_COUNT };
typedef struct step_lists {
    hn_tensor *outputs;
    hn_tensor *seen[SEEN_COUNT]; /* NULL unless observed */
} step_lists;

static hn_status take_list(hn_graph *graph, int64_t steps, hn_tensor **out_list)
{
    void *memory = NULL;
    const hn_status status = hni_arena_take(&graph->meta, (size_t)steps * sizeof(hn_tensor), &memory);
    *out_list = memory;
    return status;
}

static hn_status take_lists(hn_graph *graph, int64_t steps, bool observe, step_lists *lists)
{
    hn_status status = take_list(graph, steps, &lists->outputs);
    for (int i = 0; observe && status == HN_OK && i < SEEN_COUNT; i++)
        status = take_list(graph, steps, &lists->seen[i]);
    return status;
}

/* [G,B,N] -> [B,1,G,N] */
static hn_tensor rows_first(hn_graph *graph, hn_tensor gates)
{
    static const int order[3] = {1, 0, 2};
    const hn_shape s = hn_tensor_shape(graph, gates);
    if (s.rank < 0) return HN_NO_TENSOR;
    return hn_reshape(graph, hn_permute(graph, gates, order), HN_SHAPE4(s.size[1], 1, s.size[0], s.size[2]));
}

/* [B,G,k] -> [B,1,G,E], the constant element cut off */
static hn_tensor embedding_only(hn_graph *graph, hn_tensor z, int64_t embedding)
{
    const hn_shape s = hn_tensor_shape(graph, z);
    if (s.rank < 0) return HN_NO_TENSOR;
    return hn_reshape(graph, hn_slice(graph, z, 2, 0, embedding), HN_SHAPE4(s.size[0], 1, s.size[1], embedding));
}

static hn_tensor with_time(hn_graph *graph, hn_tensor x) /* [B,N] -> [B,1,N] */
{
    const hn_shape s = hn_tensor_shape(graph, x);
    if (s.rank < 0) return HN_NO_TENSOR;
    return hn_reshape(graph, x, HN_SHAPE3(s.size[0], 1, s.size[1]));
}

/* What the kind does not have stays HN_NO_TENSOR. */
static void observe_step(hn_graph *graph, const hn_cell *cell, const hni_cell_view *view, const hni_cell_state *state,
                         int64_t t, step_lists *lists)
{
    const int64_t e = cell->embedding_size;
    lists->seen[SEEN_D_H][t] = rows_first(graph, view->d_h);
    lists->seen[SEEN_Z_H][t] = embedding_only(graph, view->z_h, e);
    lists->seen[SEEN_Z_X][t] = embedding_only(graph, view->z_x, e);
    lists->seen[SEEN_Z_B][t] = embedding_only(graph, view->z_b, e);
    lists->seen[SEEN_CELL][t] = with_time(graph, state->c);
    const bool raw = cell->observed_phi == HN_OBSERVED_PHI_RAW;
    lists->seen[SEEN_PHI][t] = with_time(graph, raw ? hn_tanh(graph, state->c) : view->phi);
}

static void join_observations(hn_graph *graph, const step_lists *lists, int64_t steps, hn_observation *out)
{
    hn_tensor *const to[SEEN_COUNT] = {&out->d_h, &out->z_h, &out->z_x, &out->z_b, &out->cell, &out->phi};
    for (int i = 0; i < SEEN_COUNT; i++)
        *to[i] = lists->seen[i][0].slot != 0 ? hn_concat(graph, lists->seen[i], steps, 1) : HN_NO_TENSOR;
}

/* i32 [B], all T: what no lengths mean where an op wants some. */
static hn_tensor full_lengths(hn_graph *graph, int64_t rows, int64_t steps)
{
    void *memory = NULL;
    const hn_status status = hni_arena_take(&graph->meta, (size_t)rows * sizeof(int32_t), &memory);
    if (status != HN_OK) return hni_graph_fail(graph, status, "sequence: no memory for lengths");
    int32_t *lengths = memory;
    for (int64_t i = 0; i < rows; i++)
        lengths[i] = (int32_t)steps;
    return hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE1(rows), lengths, false);
}

/* Shapes of inputs and state against the cell; the first error goes to the graph. */
static bool check_inputs(hn_graph *graph, const char *name, const hn_cell *cell, hn_tensor inputs, hn_tensor state)
{
    if (hn_graph_status(graph) != HN_OK) return false;
    graph->status = hni_cell_check(graph->context, cell);
    if (graph->status != HN_OK) return false;
    if (hni_graph_want(graph, inputs, name) == NULL || hni_graph_want(graph, state, name) == NULL) return false;
    const hn_shape x = hn_tensor_shape(graph, inputs), s = hn_tensor_shape(graph, state);
    const bool symbols = hn_tensor_dtype(graph, inputs) == HN_DTYPE_I32;
    char text[96];
    if (x.rank != (symbols ? 2 : 3) || (!symbols && x.size[2] != cell->input_size)) {
        hni_graph_fail(graph, HN_ERROR_SHAPE, "%s: inputs %s, the cell reads [B,T,%lld] or I32 symbols [B,T]", name,
                       hn_shape_print(x, text, sizeof text), (long long)cell->input_size);
        return false;
    }
    if (s.rank != 2 || s.size[0] != x.size[0] || s.size[1] != hn_cell_state_size(cell)) {
        hni_graph_fail(graph, HN_ERROR_SHAPE, "%s: state %s, the cell needs [%lld,%lld]", name,
                       hn_shape_print(s, text, sizeof text), (long long)x.size[0], (long long)hn_cell_state_size(cell));
        return false;
    }
    return true;
}

/* The window step by step; lengths HN_NO_TENSOR: all. Outputs are [B,T,N] in the order of the steps. */
static hn_sequence_result run_composed(hn_graph *graph, const hni_layer *layer, hn_tensor state, hn_tensor lengths,
                                       int64_t steps, hni_draw draw, hn_observation *observe)
{
    const hn_cell *cell = layer->cell;
    const int64_t rows = hn_tensor_shape(graph, state).size[0];
    hn_sequence_result result = {HN_NO_TENSOR, HN_NO_TENSOR};
    step_lists lists = {NULL, {NULL}};
    graph->status = take_lists(graph, steps, observe != NULL, &lists);
    if (graph->status != HN_OK) return result;
    hni_cell_state now = split_state(graph, cell, state);
    const hn_tensor nothing = hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE2(rows, cell->units), NULL, false);
    for (int64_t t = 0; t < steps; t++, draw.time++) {
        if (graph->status == HN_OK) graph->status = hni_go_on(graph->context, "sequence", t, steps);
        if (graph->status != HN_OK) return result;
        const hni_cell_state old = now;
        hni_cell_view view = {HN_NO_TENSOR, HN_NO_TENSOR, HN_NO_TENSOR, HN_NO_TENSOR, HN_NO_TENSOR};
        run_step(graph, layer, t, &draw, &now, &view);
        hn_tensor output = now.h;
        if (lengths.slot != 0) {
            output = hn_where_length(graph, now.h, nothing, lengths, t);
            keep_ended(graph, &old, lengths, t, &now);
        }
        if (hn_graph_status(graph) != HN_OK) return result;
        lists.outputs[t] = with_time(graph, output);
        if (observe != NULL) observe_step(graph, cell, &view, &now, t, &lists);
    }
    result.outputs = hn_concat(graph, lists.outputs, steps, 1);
    result.state = join_state(graph, &now);
    if (observe != NULL) join_observations(graph, &lists, steps, observe);
    return result;
}

hn_sequence_result hn_sequence(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor inputs,
                               hn_tensor state, const hn_sequence_options *options)
{
    hn_graph *graph = hn_weights_graph(weights);
    hn_sequence_result result = {HN_NO_TENSOR, HN_NO_TENSOR};
    hn_sequence_options chosen;
    hni_layer layer;
    hn_sequence_options_default(&chosen);
    if (options != NULL) chosen = *options;
    if (!check_inputs(graph, name, cell, inputs, state)) return result;
    const hn_shape shape = hn_tensor_shape(graph, inputs);
    const int64_t rows = shape.size[0], steps = shape.size[1];

    prepare(weights, name, cell, inputs, chosen.input_scale, &layer);
    hn_tensor lengths = chosen.lengths;
    if (chosen.reverse) {
        if (lengths.slot == 0) lengths = full_lengths(graph, rows, steps);
        hni_cell_input_reverse(graph, &layer.input, lengths);
        if (hni_cell_is_hyper(cell->kind)) hni_cell_input_reverse(graph, &layer.hyper.input, lengths);
    }
    if (hn_graph_status(graph) != HN_OK) return result;
    const hni_draw draw = {chosen.dropout_base, chosen.dropout_time,
                           chosen.dropout_length > 0 ? chosen.dropout_length : steps};
    result = hni_sequence_is_fused(graph, &layer, &chosen)
                 ? hni_sequence_run_fused(graph, &layer, state, chosen.lengths, steps, &draw)
                 : run_composed(graph, &layer, state, chosen.lengths, steps, draw, chosen.observe);
    if (chosen.reverse) result.outputs = hn_reverse(graph, result.outputs, lengths);
    return result;
}

hn_tensor hn_step(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor input, hn_tensor state,
                  const hn_sequence_options *options)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_shape shape = hn_tensor_shape(graph, input);
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    if (shape.rank != 1 && shape.rank != 2) {
        return hni_graph_fail(graph, HN_ERROR_SHAPE, "%s: a step reads [B,X] or I32 symbols [B]", name);
    }
    const hn_tensor window = hn_reshape(
        graph, input, shape.rank == 1 ? HN_SHAPE2(shape.size[0], 1) : HN_SHAPE3(shape.size[0], 1, shape.size[1]));
    return hn_sequence(weights, name, cell, window, state, options).state;
}
