/* The basic RNN as a composition; also the hyper cell of the HyperRNN (paper 3.2).
 *
 *     h = phi(W_h h + W_x x + b),  phi tanh or relu */
#include <math.h>

#include "nn/cell.h"

void hni_rnn_prepare(hn_weights *weights, const char *name, const hn_cell *cell, int64_t units, int64_t slices,
                     hni_rnn *out_rnn)
{
    const hn_init init = hn_init_orthogonal((int)slices, 1 / sqrt((double)slices));
    *out_rnn = (hni_rnn){.units = units, .activation = cell->activation};
    out_rnn->weight_h = hni_weight(weights, name, "weight_h", HN_SHAPE2(slices * units, units), init);
}

hn_tensor hni_rnn_activate(hn_graph *graph, const hni_rnn *rnn, hn_tensor y)
{
    const hn_shape shape = hn_tensor_shape(graph, y);
    if (shape.rank != 3) return HN_NO_TENSOR; /* only after an error */
    y = hn_reshape(graph, y, HN_SHAPE2(shape.size[1], shape.size[2]));
    return rnn->activation == HN_ACTIVATION_RELU ? hn_relu(graph, y) : hn_tanh(graph, y);
}

void hni_rnn_step(hn_graph *graph, const hni_layer *layer, int64_t t, hni_cell_state *state)
{
    const hni_rnn *rnn = &layer->rnn;
    const hn_tensor recurrent = hni_gates_first(graph, hni_project(graph, state->h, rnn->weight_h), 1, rnn->units);
    const hn_tensor y = hn_add(graph, recurrent, hni_cell_input_at(graph, &layer->input, t));
    state->h = hni_rnn_activate(graph, rnn, y);
}
