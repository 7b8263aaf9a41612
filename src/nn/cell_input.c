/* What every cell does with its input: products W_x x of a whole window at once, or rows of W_x looked up for one-hot symbols. */
#include "nn/cell.h"

hni_cell_input hni_cell_input_prepare(hn_graph *graph, hn_tensor x, hn_tensor scale, hn_tensor weight, hn_tensor bias,
                                      int64_t gates)
{
    static const int order[2] = {1, 0};
    hni_cell_input input = {.scale = scale, .gates = gates};
    const bool has_bias = bias.slot != 0;
    const bool add_now = has_bias && scale.slot == 0 && hn_tensor_dtype(graph, x) == HN_DTYPE_I32; /* to a few rows */
    if (hn_graph_status(graph) != HN_OK) return input;
    const hn_shape shape = hn_tensor_shape(graph, x);
    weight = hni_want_rank(graph, weight, "weight_x", 2);
    if (hn_graph_status(graph) != HN_OK) return input;
    const int64_t width = hn_tensor_shape(graph, weight).size[0];
    input.units = width / gates;
    if (hn_tensor_dtype(graph, x) == HN_DTYPE_I32) {
        const hn_tensor rows = hn_permute(graph, weight, order);
        input.symbols = x;
        input.table = add_now ? hn_add(graph, rows, bias) : hn_copy(graph, rows);
    } else {
        const hn_tensor flat = hn_reshape(graph, x, HN_SHAPE2(shape.size[0] * shape.size[1], shape.size[2]));
        const hn_tensor products = hn_matmul(graph, flat, weight, HN_TRANSPOSE_B);
        input.all = hn_reshape(graph, products, HN_SHAPE3(shape.size[0], shape.size[1], width));
    }
    if (has_bias && !add_now) input.bias = hn_reshape(graph, bias, HN_SHAPE3(gates, 1, input.units));
    return input;
}

void hni_cell_input_reverse(hn_graph *graph, hni_cell_input *input, hn_tensor lengths)
{
    if (input->symbols.slot != 0) {
        input->all = hn_lookup(graph, input->table, input->symbols);
        input->symbols = HN_NO_TENSOR;
    }
    input->all = hn_reverse(graph, input->all, lengths);
    if (input->scale.slot != 0) input->scale = hn_reverse(graph, input->scale, lengths);
}

hn_tensor hni_cell_input_at(hn_graph *graph, const hni_cell_input *input, int64_t t)
{
    hn_tensor x;
    if (input->symbols.slot != 0) {
        const hn_tensor column = hn_slice(graph, input->symbols, 1, t, 1);
        const int64_t rows = hn_tensor_shape(graph, column).size[0];
        x = hn_lookup(graph, input->table, hn_reshape(graph, column, HN_SHAPE1(rows)));
    } else {
        const hn_tensor step = hn_slice(graph, input->all, 1, t, 1);
        const hn_shape shape = hn_tensor_shape(graph, step);
        x = hn_reshape(graph, step, HN_SHAPE2(shape.size[0], shape.size[2]));
    }
    x = hni_gates_first(graph, x, input->gates, input->units);
    if (input->scale.slot == 0) return input->bias.slot != 0 ? hn_add(graph, x, input->bias) : x;
    const hn_tensor scale = hn_slice(graph, input->scale, 1, t, 1); /* [B,1], broadcast over gates and units */
    return input->bias.slot != 0 ? hn_mul_add(graph, x, scale, input->bias) : hn_mul(graph, x, scale);
}
