/* HyperRNN (paper 3.2) as a composition: a basic RNN whose weights are made at every step by a smaller RNN (hyper.c).
 *
 *     rows scaled (equations 7, 8)   h = phi(d_h * W_h h + d_x * W_x x + b)
 *     full form (equation 5)         h = phi(W_h(z_h) h + W_x(z_x) x + b),  W(z) = sum_k z_k W_k
 *
 * The full form never makes a matrix: W(z) v is the sum of z_k (W_k v), and the E products are one. It keeps E numbers a unit and
 * step where the scaled form keeps one. */
#include "nn/cell.h"

void hni_hyper_rnn_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                        hni_cell_view *view)
{
    const hn_tensor z = hni_hyper_embed(graph, &layer->hyper, t, draw, state, view);
    if (hn_graph_status(graph) != HN_OK) return;
    const hn_tensor d = hni_hyper_scales(graph, &layer->hyper, z); /* [2,B,N] */
    const hn_tensor b = hni_hyper_shifts(graph, &layer->hyper, view->z_b);
    view->d_h = hn_slice(graph, d, 0, 0, 1);
    const hn_tensor d_x = hn_slice(graph, d, 0, 1, 1);
    const hn_tensor recurrent =
        hni_gates_first(graph, hni_project(graph, state->h, layer->rnn.weight_h), 1, layer->rnn.units);
    const hn_tensor from_input = hn_mul_add(graph, d_x, hni_cell_input_at(graph, &layer->input, t), b);
    state->h = hni_rnn_activate(graph, &layer->rnn, hn_mul_add(graph, view->d_h, recurrent, from_input));
}

void hni_hyper_rnn_full_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw,
                             hni_cell_state *state, hni_cell_view *view)
{
    hni_hyper_embed(graph, &layer->hyper, t, draw, state, view);
    if (hn_graph_status(graph) != HN_OK) return;
    const hn_tensor b = hni_hyper_shifts(graph, &layer->hyper, view->z_b);
    const hn_tensor products = hni_gates_first(graph, hni_project(graph, state->h, layer->rnn.weight_h),
                                               layer->hyper.embedding, layer->rnn.units);
    const hn_tensor recurrent = hni_bilinear(graph, view->z_h, products);
    const hn_tensor from_input = hni_bilinear(graph, view->z_x, hni_cell_input_at(graph, &layer->input, t));
    state->h = hni_rnn_activate(graph, &layer->rnn, hn_add(graph, hn_add(graph, recurrent, from_input), b));
}
