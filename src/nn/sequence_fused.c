/* A layer over a window as one op: what sequence.c does with a loop of builders for an LSTM or a HyperLSTM. The same numbers but for
 * the order of sums; the composition stays for cells, weights and observations that the op does not know. */
#include "graph/sequence.h"
#include "nn/cell.h"

static bool has_rank(hn_graph *graph, hn_tensor weight, int rank)
{
    return weight.slot == 0 || hn_tensor_shape(graph, weight).rank == rank;
}

/* One weight for the whole batch. What was put in its place may be one a sample where the composition can work with that: all other
 * weights have been refused by now. */
static bool is_shared(hn_graph *graph, const hni_lstm *lstm)
{
    return has_rank(graph, lstm->weight_h, 2) && has_rank(graph, lstm->cell_gain, 1) &&
           has_rank(graph, lstm->cell_shift, 1);
}

bool hni_sequence_is_fused(hn_graph *graph, const hni_layer *layer, const hn_sequence_options *options)
{
    const hn_cell *cell = layer->cell;
    if (graph->composed || hni_cell_is_rnn(cell->kind) || options->observe != NULL) return false;
    const hni_value *scale = hni_graph_value(graph, layer->input.scale);
    if (scale != NULL && scale->wants_gradient) return false;
    return is_shared(graph, &layer->main) && (!hni_cell_is_hyper(cell->kind) || is_shared(graph, &layer->hyper.lstm));
}

static void put_cell(const hni_cell_input *input, const hni_lstm *lstm, int shift, hni_sequence_tensors *out)
{
    hn_tensor *to = out->input + shift;
    to[HNI_SEQUENCE_X] = input->symbols.slot != 0 ? input->table : input->all;
    to[HNI_SEQUENCE_WEIGHT_H] = lstm->weight_h;
    to[HNI_SEQUENCE_BIAS] = input->bias;
    if (!lstm->layer_norm) return;
    to[HNI_SEQUENCE_GATES_GAIN] = lstm->gates_gain;
    to[HNI_SEQUENCE_GATES_SHIFT] = lstm->gates_shift;
    to[HNI_SEQUENCE_CELL_GAIN] = lstm->cell_gain;
    to[HNI_SEQUENCE_CELL_SHIFT] = lstm->cell_shift;
}

static void put_tensors(const hni_layer *layer, hn_tensor state, hn_tensor lengths, hni_sequence_tensors *out)
{
    *out = (hni_sequence_tensors){.input = {HN_NO_TENSOR}};
    out->input[HNI_SEQUENCE_STATE] = state;
    out->input[HNI_SEQUENCE_SYMBOLS] = layer->input.symbols;
    out->input[HNI_SEQUENCE_INPUT_SCALE] = layer->input.scale;
    out->input[HNI_SEQUENCE_LENGTHS] = lengths;
    put_cell(&layer->input, &layer->main, 0, out);
    if (!hni_cell_is_hyper(layer->cell->kind)) return;
    put_cell(&layer->hyper.input, &layer->hyper.lstm, HNI_SEQUENCE_HYPER_X - HNI_SEQUENCE_X, out);
    out->input[HNI_SEQUENCE_WEIGHT_MAIN] = layer->hyper.weight_main;
    out->input[HNI_SEQUENCE_EMBED_WEIGHT] = layer->hyper.embed_weight;
    out->input[HNI_SEQUENCE_EMBED_BIAS] = layer->hyper.embed_bias;
    out->input[HNI_SEQUENCE_SCALE_WEIGHT] = layer->hyper.scale_weight;
    out->input[HNI_SEQUENCE_SHIFT_WEIGHT] = layer->hyper.shift_weight;
}

static hni_recurrent_masks dropout_of(const hn_graph *graph, const hni_lstm *lstm)
{
    return (hni_recurrent_masks){graph->training && lstm->keep < 1 ? lstm->keep : 1, lstm->site};
}

static hni_recurrent_masks zoneout_of(const hni_zoneout *zone)
{
    return (hni_recurrent_masks){1 - zone->probability, zone->site};
}

static hni_sequence_attributes attributes_of(const hn_graph *graph, const hni_layer *layer, int64_t steps,
                                             const hni_draw *draw)
{
    const hn_cell *cell = layer->cell;
    const bool hyper = hni_cell_is_hyper(cell->kind);
    return (hni_sequence_attributes){
        .steps = steps,
        .units = cell->units,
        .hyper_units = hyper ? cell->hyper_units : 0,
        .embedding = hyper ? cell->embedding_size : 0,
        .forget_bias = cell->forget_bias,
        .epsilon = cell->layer_norm_epsilon,
        .previous_output = hyper && layer->hyper.previous_output,
        .zone_expectation = !graph->training,
        .dropout = dropout_of(graph, &layer->main),
        .hyper_dropout = hyper ? dropout_of(graph, &layer->hyper.lstm) : (hni_recurrent_masks){1, 0},
        .zone_cell = zoneout_of(&layer->zoneout_cell),
        .zone_hidden = zoneout_of(&layer->zoneout_hidden),
        .first_row = draw->first_row,
        .time = draw->time,
        .length = draw->length,
    };
}

hn_sequence_result hni_sequence_run_fused(hn_graph *graph, const hni_layer *layer, hn_tensor state, hn_tensor lengths,
                                          int64_t steps, const hni_draw *draw)
{
    hn_sequence_result result = {HN_NO_TENSOR, HN_NO_TENSOR};
    hni_sequence_tensors tensors;
    put_tensors(layer, state, lengths, &tensors);
    const hni_sequence_attributes attributes = attributes_of(graph, layer, steps, draw);
    hni_sequence_apply(graph, &tensors, &attributes, &result.outputs, &result.state);
    return result;
}
