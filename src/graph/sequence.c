/* See sequence.h. */
#include "graph/sequence.h"

/* Without gaps, or in a matrix with gaps between rows only, which the op takes as it is. */
static hn_tensor as_wanted(hn_graph *graph, hn_tensor tensor, int role)
{
    const hni_value *value = hni_graph_value(graph, tensor);
    const bool matrix =
        role == HNI_SEQUENCE_WEIGHT_H || role == HNI_SEQUENCE_HYPER_WEIGHT_H || role == HNI_SEQUENCE_WEIGHT_MAIN;
    if (value == NULL || hni_view_is_contiguous(&value->view)) return tensor;
    if (matrix && value->view.rank == 2 && value->view.stride[1] == 1 && value->view.stride[0] >= value->view.size[1])
        return tensor;
    return hn_copy(graph, tensor);
}

/* Numbers [start, start + B*S) or [0, T*B*N) of the op's block. */
static hn_tensor part_of(hn_graph *graph, hn_tensor block, int64_t start, int64_t count, hn_shape shape)
{
    return hn_reshape(graph, hn_slice(graph, block, 0, start, count), shape);
}

void hni_sequence_apply(hn_graph *graph, const hni_sequence_tensors *tensors, const hni_sequence_attributes *attributes,
                        hn_tensor *out_outputs, hn_tensor *out_state)
{
    static const int batch_first[3] = {1, 0, 2};
    hni_attributes all = {.sequence = *attributes};
    hni_sequence_attributes *a = &all.sequence;
    hn_tensor inputs[HNI_SEQUENCE_INPUTS];
    int8_t count = 0;
    *out_outputs = *out_state = HN_NO_TENSOR;
    for (int role = 0; role < HNI_SEQUENCE_INPUTS; role++) {
        a->place[role] = -1;
        if (tensors->input[role].slot == 0) continue;
        a->place[role] = count;
        inputs[count++] = as_wanted(graph, tensors->input[role], role);
    }
    if (hn_graph_status(graph) != HN_OK) return;
    const hn_shape state = hn_tensor_shape(graph, tensors->input[HNI_SEQUENCE_STATE]);
    const hn_tensor block = hni_graph_apply(
        graph, a->hyper_units > 0 ? HNI_OP_HYPERLSTM_SEQUENCE : HNI_OP_LSTM_SEQUENCE, &all, inputs, count);
    if (hn_graph_status(graph) != HN_OK) return;
    const int64_t rows = state.size[0], outputs = a->steps * rows * a->units;
    const hn_tensor by_step = part_of(graph, block, 0, outputs, HN_SHAPE3(a->steps, rows, a->units));
    *out_outputs = hn_permute(graph, by_step, batch_first);
    *out_state = part_of(graph, block, outputs, hn_shape_elements(state), state);
}
