/* The public builders: each checks what only a host can check, fills attributes, and applies one op. */
#include "graph/layout.h"

#include <string.h>

static hn_tensor apply0(hn_graph *graph, hni_op op, const hn_tensor *inputs, int64_t count)
{
    const hni_attributes attributes = {.scale = {0, 0}};
    return hni_graph_apply(graph, op, &attributes, inputs, count);
}

static hn_tensor unary(hn_graph *graph, hni_op op, hn_tensor x) { return apply0(graph, op, &x, 1); }

static hn_tensor binary(hn_graph *graph, hni_op op, hn_tensor a, hn_tensor b)
{
    const hn_tensor inputs[2] = {a, b};
    return apply0(graph, op, inputs, 2);
}

hn_tensor hni_graph_contiguous(hn_graph *graph, hn_tensor x)
{
    const hni_value *value = hni_graph_value(graph, x);
    return value == NULL || hni_view_is_contiguous(&value->view) ? x : hn_copy(graph, x);
}

/* axis counted from the front; as it is, for the shape rule to refuse, if there is no such axis. */
static int front_axis(const hn_graph *graph, hn_tensor x, int axis)
{
    const hni_value *value = hni_graph_value(graph, x);
    if (value == NULL || axis >= 0) return axis;
    return axis + value->view.rank >= 0 ? axis + value->view.rank : axis;
}

hn_tensor hn_matmul(hn_graph *graph, hn_tensor a, hn_tensor b, hn_transpose transpose)
{
    const hn_tensor inputs[2] = {a, b};
    hni_attributes attributes = {
        .matmul = {((unsigned)transpose & HN_TRANSPOSE_A) != 0, ((unsigned)transpose & HN_TRANSPOSE_B) != 0}};
    if ((unsigned)transpose > HN_TRANSPOSE_AB) {
        return hni_graph_fail(graph, HN_ERROR_ARGUMENT, "matmul: there is no transpose number %d", (int)transpose);
    }
    return hni_graph_apply(graph, HNI_OP_MATMUL, &attributes, inputs, 2);
}

/* ---- element by element ---- */

static hn_tensor elementwise(hn_graph *graph, hni_op op, hn_tensor a, hn_tensor b)
{
    const hni_attributes attributes = {.scale = {0, 0}};
    const hn_tensor inputs[2] = {a, b};
    return hni_graph_elementwise(graph, op, &attributes, inputs, hni_op_find(op)->inputs);
}

hn_tensor hn_add(hn_graph *graph, hn_tensor a, hn_tensor b) { return elementwise(graph, HNI_OP_ADD, a, b); }
hn_tensor hn_sub(hn_graph *graph, hn_tensor a, hn_tensor b) { return elementwise(graph, HNI_OP_SUB, a, b); }
hn_tensor hn_mul(hn_graph *graph, hn_tensor a, hn_tensor b) { return elementwise(graph, HNI_OP_MUL, a, b); }
hn_tensor hn_div(hn_graph *graph, hn_tensor a, hn_tensor b) { return elementwise(graph, HNI_OP_DIV, a, b); }
hn_tensor hn_sigmoid(hn_graph *graph, hn_tensor x) { return elementwise(graph, HNI_OP_SIGMOID, x, x); }
hn_tensor hn_tanh(hn_graph *graph, hn_tensor x) { return elementwise(graph, HNI_OP_TANH, x, x); }
hn_tensor hn_relu(hn_graph *graph, hn_tensor x) { return elementwise(graph, HNI_OP_RELU, x, x); }
hn_tensor hn_copy(hn_graph *graph, hn_tensor x) { return unary(graph, HNI_OP_COPY, x); }

hn_tensor hn_mul_add(hn_graph *graph, hn_tensor a, hn_tensor b, hn_tensor c)
{
    const hn_tensor inputs[3] = {a, b, c};
    const hni_attributes attributes = {.scale = {0, 0}};
    return hni_graph_elementwise(graph, HNI_OP_MUL_ADD, &attributes, inputs, 3);
}

hn_tensor hn_scale(hn_graph *graph, hn_tensor x, double factor, double shift)
{
    const hni_attributes attributes = {.scale = {factor, shift}};
    return hni_graph_elementwise(graph, HNI_OP_SCALE, &attributes, &x, 1);
}

hn_tensor hn_reshape(hn_graph *graph, hn_tensor x, hn_shape shape)
{
    const hni_attributes attributes = {.reshape = {shape}};
    const hni_value *value = hni_graph_value(graph, x);
    const bool copy = value != NULL && hn_shape_elements(shape) == hni_view_elements(&value->view) &&
                      !hni_reshape_is_view(&value->view, shape);
    const hn_tensor source = copy ? hn_copy(graph, x) : x;
    return hni_graph_apply(graph, HNI_OP_RESHAPE, &attributes, &source, 1);
}

hn_tensor hn_permute(hn_graph *graph, hn_tensor x, const int *order)
{
    hni_attributes attributes = {.permute = {{0}}};
    const hni_value *value = hni_graph_value(graph, x);
    if (value != NULL) memcpy(attributes.permute.order, order, (size_t)value->view.rank * sizeof *order);
    return hni_graph_apply(graph, HNI_OP_PERMUTE, &attributes, &x, 1);
}

hn_tensor hn_slice(hn_graph *graph, hn_tensor x, int axis, int64_t start, int64_t length)
{
    return hn_slice_step(graph, x, axis, start, length, 1);
}

hn_tensor hn_slice_step(hn_graph *graph, hn_tensor x, int axis, int64_t start, int64_t length, int64_t step)
{
    const hni_attributes attributes = {.slice = {front_axis(graph, x, axis), start, length, step}};
    return hni_graph_apply(graph, HNI_OP_SLICE, &attributes, &x, 1);
}

hn_tensor hn_pad(hn_graph *graph, hn_tensor x, int axis, int64_t before, int64_t after)
{
    const hni_value *value = hni_graph_value(graph, x);
    const int front = front_axis(graph, x, axis);
    int order[HN_MAX_RANK], back[HN_MAX_RANK];
    hni_attributes attributes = {.pad = {front, before, after}};
    /* In the order in which x lies in memory, with gaps or without. */
    if (value == NULL || front < 0 || front >= value->view.rank || !hni_memory_order(&value->view, order, back)) {
        return hni_graph_apply(graph, HNI_OP_PAD, &attributes, &x, 1);
    }
    attributes.pad.axis = back[front];
    const hn_tensor entered = hn_permute(graph, x, order);
    return hn_permute(graph, hni_graph_apply(graph, HNI_OP_PAD, &attributes, &entered, 1), back);
}

hn_tensor hn_concat(hn_graph *graph, const hn_tensor *parts, int64_t count, int axis)
{
    if (count < 1)
        return hni_graph_fail(graph, HN_ERROR_ARGUMENT, "concat: needs at least one part, %lld given",
                              (long long)count);
    const hni_attributes attributes = {.concat = {front_axis(graph, parts[0], axis)}};
    return hni_graph_apply(graph, HNI_OP_CONCAT, &attributes, parts, count);
}

static hn_tensor reduce(hn_graph *graph, hni_op op, hn_tensor x, unsigned axes, bool keep)
{
    const hni_attributes attributes = {.reduce = {axes, keep}};
    return hni_graph_apply(graph, op, &attributes, &x, 1);
}

hn_tensor hn_sum(hn_graph *graph, hn_tensor x, unsigned axes, bool keep)
{
    return reduce(graph, HNI_OP_SUM, x, axes, keep);
}
hn_tensor hn_mean(hn_graph *graph, hn_tensor x, unsigned axes, bool keep)
{
    return reduce(graph, HNI_OP_MEAN, x, axes, keep);
}

hn_tensor hn_layer_norm(hn_graph *graph, hn_tensor x, hn_tensor gain, hn_tensor shift, double epsilon)
{
    const hn_tensor inputs[3] = {x, gain, shift};
    const hni_attributes attributes = {.layer_norm = {epsilon}};
    return hni_graph_apply(graph, HNI_OP_LAYER_NORM, &attributes, inputs, 3);
}

/* Row-major strides over x's own shape when none are given. */
static void default_strides(const hni_view *x, int64_t stride[HN_MAX_RANK])
{
    for (int i = 0; i < x->rank; i++) {
        if (stride[i] != 0) return;
    }
    int64_t step = 1;
    for (int i = x->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= x->size[i];
    }
}

hn_tensor hn_dropout(hn_graph *graph, hn_tensor x, const hn_dropout_options *options)
{
    hni_attributes attributes = {.dropout = {.keep = options->keep, .site = options->site, .base = options->base}};
    const hni_value *value = hni_graph_value(graph, x);
    memcpy(attributes.dropout.stride, options->stride, sizeof attributes.dropout.stride);
    if (value != NULL) default_strides(&value->view, attributes.dropout.stride);
    if (options->keep == 1 || (!graph->training && options->keep > 0 && options->keep < 1)) return x;
    return hni_graph_apply(graph, HNI_OP_DROPOUT, &attributes, &x, 1);
}

hn_tensor hn_lookup(hn_graph *graph, hn_tensor table, hn_tensor indices)
{
    return binary(graph, HNI_OP_LOOKUP, table, indices);
}

hn_tensor hn_softmax_cross_entropy(hn_graph *graph, hn_tensor logits, hn_tensor targets, hn_tensor weights,
                                   double divisor)
{
    return hn_smoothed_cross_entropy(graph, logits, targets, weights, divisor, 0);
}

hn_tensor hn_smoothed_cross_entropy(hn_graph *graph, hn_tensor logits, hn_tensor targets, hn_tensor weights,
                                    double divisor, double smoothing)
{
    const hn_tensor inputs[3] = {hni_graph_contiguous(graph, logits), targets, hni_graph_contiguous(graph, weights)};
    const hni_attributes attributes = {.softmax_cross_entropy = {divisor, smoothing}};
    return hni_graph_apply(graph, HNI_OP_SOFTMAX_CROSS_ENTROPY, &attributes, inputs, 3);
}

hn_tensor hn_symbol_bits(hn_graph *graph, hn_tensor logits, hn_tensor targets)
{
    return binary(graph, HNI_OP_SYMBOL_BITS, hni_graph_contiguous(graph, logits), targets);
}

hn_tensor hn_where_length(hn_graph *graph, hn_tensor a, hn_tensor b, hn_tensor lengths, int64_t t)
{
    const hn_tensor inputs[3] = {a, b, lengths};
    const hni_attributes attributes = {.where_length = {t}};
    return hni_graph_apply(graph, HNI_OP_WHERE_LENGTH, &attributes, inputs, 3);
}

hn_tensor hn_reverse(hn_graph *graph, hn_tensor x, hn_tensor lengths)
{
    return binary(graph, HNI_OP_REVERSE, x, lengths);
}

hn_tensor hn_gather_windows(hn_graph *graph, hn_tensor source, const int64_t *starts, int64_t count, int64_t length)
{
    void *copy = NULL;
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    if (count < 1)
        return hni_graph_fail(graph, HN_ERROR_ARGUMENT,
                              "gather_windows: %lld windows of %lld steps: both must be at least 1", (long long)count,
                              (long long)length);
    graph->status = hni_arena_take(&graph->meta, (size_t)count * sizeof *starts, &copy);
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    memcpy(copy, starts, (size_t)count * sizeof *starts);
    const hni_attributes attributes = {.gather_windows = {copy, count, length}};
    return hni_graph_apply(graph, HNI_OP_GATHER_WINDOWS, &attributes, &source, 1);
}
