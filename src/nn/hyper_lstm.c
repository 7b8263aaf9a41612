/* HyperLSTM (paper A.2.2, A.2.3) as a composition: an LSTM whose rows are scaled and whose bias is made at every step.
 *
 *     y = LN(d_h * W_h h + d_x * W_x x + b)      gates i, g, f, o; then as in lstm.c
 *
 * d_h, d_x and b come out of the hyper cell, an LSTM too: hyper.c. */
#include "nn/cell.h"

void hni_hyper_lstm_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw,
                         hni_cell_state *state, hni_cell_view *view)
{
    const hn_tensor z = hni_hyper_embed(graph, &layer->hyper, t, draw, state, view);
    if (hn_graph_status(graph) != HN_OK) return;
    const hn_tensor d = hni_hyper_scales(graph, &layer->hyper, z); /* [8,B,N] */
    const hn_tensor b = hni_hyper_shifts(graph, &layer->hyper, view->z_b);
    view->d_h = hn_slice(graph, d, 0, 0, 4);
    const hn_tensor d_x = hn_slice(graph, d, 0, 4, 4);
    const hn_tensor recurrent =
        hni_gates_first(graph, hni_project(graph, state->h, layer->main.weight_h), 4, layer->main.units);
    const hn_tensor from_input = hn_mul_add(graph, d_x, hni_cell_input_at(graph, &layer->input, t), b);
    const hn_tensor y = hn_mul_add(graph, view->d_h, recurrent, from_input);
    hni_lstm_update(graph, &layer->main, y, draw, state, &view->phi);
}
