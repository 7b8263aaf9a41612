/* LSTM and layer-norm LSTM as compositions; also the hyper cell of the HyperLSTM (paper A.2.2, A.2.3 with d = 1, b = b_0).
 *
 *     y = LN(W_h h + W_x x)  or  W_h h + W_x x + b      gates i, g, f, o
 *     c = sigmoid(f + forget_bias) * c + sigmoid(i) * Dropout(tanh(g))
 *     h = sigmoid(o) * tanh(LN(c)) */
#include "nn/cell.h"

void hni_lstm_prepare(hn_weights *weights, const char *name, const hn_cell *cell, hni_lstm *lstm)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_init ones = hn_init_constant(1), zeros = hn_init_zeros();
    const int64_t units = lstm->units;
    lstm->forget_bias = cell->forget_bias;
    lstm->epsilon = cell->layer_norm_epsilon;
    lstm->weight_h = hni_weight(weights, name, "weight_h", HN_SHAPE2(4 * units, units), hn_init_orthogonal(4, 1));
    if (lstm->layer_norm) {
        const hn_shape per_gate = HN_SHAPE3(4, 1, units);
        lstm->gates_gain =
            hn_reshape(graph, hni_weight(weights, name, "ln_gates.gain", HN_SHAPE2(4, units), ones), per_gate);
        lstm->gates_shift =
            hn_reshape(graph, hni_weight(weights, name, "ln_gates.shift", HN_SHAPE2(4, units), zeros), per_gate);
        lstm->cell_gain = hni_weight(weights, name, "ln_cell.gain", HN_SHAPE1(units), ones);
        lstm->cell_shift = hni_weight(weights, name, "ln_cell.shift", HN_SHAPE1(units), zeros);
    }
    lstm->site = hni_site_of(weights, "dropout", name, "recurrent");
}

/* Gate k of [4,B,n] as [B,n]. */
static hn_tensor gate(hn_graph *graph, hn_tensor gates, int k)
{
    const hn_shape shape = hn_tensor_shape(graph, gates);
    return hn_reshape(graph, hn_slice(graph, gates, 0, k, 1), HN_SHAPE2(shape.size[1], shape.size[2]));
}

void hni_lstm_update(hn_graph *graph, const hni_lstm *lstm, hn_tensor y, const hni_draw *draw, hni_cell_state *state,
                     hn_tensor *out_phi)
{
    if (lstm->layer_norm) y = hn_layer_norm(graph, y, lstm->gates_gain, lstm->gates_shift, lstm->epsilon);
    const hn_tensor i = hn_sigmoid(graph, gate(graph, y, 0));
    hn_tensor g = hn_tanh(graph, gate(graph, y, 1));
    const hn_tensor f = hn_sigmoid(graph, hn_scale(graph, gate(graph, y, 2), 1, lstm->forget_bias));
    const hn_tensor o = hn_sigmoid(graph, gate(graph, y, 3));
    const hn_dropout_options dropout = {.keep = lstm->keep,
                                        .site = lstm->site,
                                        .base = (draw->first_row * draw->length + draw->time) * lstm->units,
                                        .stride = {draw->length * lstm->units, 1}};
    g = hn_dropout(graph, g, &dropout);
    state->c = hn_mul_add(graph, f, state->c, hn_mul(graph, i, g));
    hn_tensor c = state->c;
    if (lstm->layer_norm) c = hn_layer_norm(graph, c, lstm->cell_gain, lstm->cell_shift, lstm->epsilon);
    const hn_tensor phi = hn_tanh(graph, c);
    state->h = hn_mul(graph, o, phi);
    if (out_phi != NULL) *out_phi = phi;
}

void hni_lstm_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                   hni_cell_view *view)
{
    const hn_tensor recurrent =
        hni_gates_first(graph, hni_project(graph, state->h, layer->main.weight_h), 4, layer->main.units);
    const hn_tensor y = hn_add(graph, recurrent, hni_cell_input_at(graph, &layer->input, t));
    hni_lstm_update(graph, &layer->main, y, draw, state, &view->phi);
}
