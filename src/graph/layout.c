/* See layout.h. The inputs are permuted into the order of their memory, the op runs on what are then contiguous tensors, and its result is
 * permuted back: three kinds of views around one op, and nothing is copied. */
#include "graph/layout.h"

#define MOST_INPUTS 3

/* The views, broadcast against each other; false if they do not fit or one is no tensor. */
static bool result_shape(const hn_graph *graph, const hn_tensor *inputs, int64_t count, hn_shape *out_shape)
{
    *out_shape = (hn_shape){.rank = 0};
    for (int64_t i = 0; i < count; i++) {
        const hni_value *value = hni_graph_value(graph, inputs[i]);
        if (value == NULL || !hni_shape_broadcast(*out_shape, hni_view_shape(&value->view), out_shape)) return false;
    }
    return true;
}

static hni_view permuted(const hni_view *view, const int *order)
{
    hni_view out = *view;
    for (int i = 0; i < view->rank; i++) {
        out.size[i] = view->size[order[i]];
        out.stride[i] = view->stride[order[i]];
    }
    return out;
}

bool hni_memory_order(const hni_view *view, int *out_order, int *out_back)
{
    bool moved = false;
    for (int i = 0; i < view->rank; i++) {
        int at = i;
        while (at > 0 && view->stride[out_order[at - 1]] < view->stride[i]) {
            out_order[at] = out_order[at - 1];
            at--;
        }
        out_order[at] = i;
    }
    for (int i = 0; i < view->rank; i++) {
        out_back[out_order[i]] = i;
        moved = moved || out_order[i] != i;
    }
    return moved;
}

/* The one permuted order of all inputs of that shape; false if there is none, or nothing to permute. */
static bool common_order(const hn_graph *graph, const hn_tensor *inputs, int64_t count, hn_shape shape, int *out_order,
                         int *out_back)
{
    bool found = false;
    for (int64_t i = 0; i < count; i++) {
        const hni_view *view = &hni_graph_value(graph, inputs[i])->view;
        if (!hn_shape_equal(hni_view_shape(view), shape)) continue;
        if (!found) (void)hni_memory_order(view, out_order, out_back);
        found = true;
        const hni_view ordered = permuted(view, out_order);
        if (hni_view_is_contiguous(view) || !hni_view_is_contiguous(&ordered)) return false;
    }
    return found;
}

/* A tensor with dimensions of size 1 put in front, permuted. */
static hn_tensor enter(hn_graph *graph, hn_tensor x, hn_shape shape, const int *order)
{
    const hn_shape own = hn_tensor_shape(graph, x);
    hn_shape full = {.rank = shape.rank};
    for (int i = 0; i < shape.rank; i++) {
        const int from = i - (shape.rank - own.rank);
        full.size[i] = from < 0 ? 1 : own.size[from];
    }
    return hn_permute(graph, own.rank < shape.rank ? hn_reshape(graph, x, full) : x, order);
}

hn_tensor hni_graph_elementwise(hn_graph *graph, hni_op op, const hni_attributes *attributes, const hn_tensor *inputs,
                                int64_t count)
{
    hn_tensor entered[MOST_INPUTS];
    int order[HN_MAX_RANK], back[HN_MAX_RANK];
    hn_shape shape;
    if (!result_shape(graph, inputs, count, &shape) || !common_order(graph, inputs, count, shape, order, back))
        return hni_graph_apply(graph, op, attributes, inputs, count);
    for (int64_t i = 0; i < count; i++)
        entered[i] = enter(graph, inputs[i], shape, order);
    const hn_tensor out = hni_graph_apply(graph, op, attributes, entered, count);
    return out.slot == 0 ? HN_NO_TENSOR : hn_permute(graph, out, back);
}
