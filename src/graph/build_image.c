/* Builders of ops on images; see image.h for how images lie. */
#include "graph/image.h"

hn_tensor hni_image_enter(hn_graph *graph, hn_tensor x)
{
    static const int channels_last[4] = {0, 2, 3, 1};
    const hni_value *value = hni_graph_value(graph, x);
    if (value == NULL || value->view.rank != 4 || value->view.dtype != graph->kernels->dtype) return x;
    return hni_graph_contiguous(graph, hn_permute(graph, x, channels_last));
}

hn_tensor hni_image_leave(hn_graph *graph, hn_tensor y)
{
    static const int channels_second[4] = {0, 3, 1, 2};
    return y.slot == 0 ? HN_NO_TENSOR : hn_permute(graph, y, channels_second);
}

void hn_conv2d_options_default(hn_conv2d_options *out_options) { *out_options = (hn_conv2d_options){.stride = 1}; }

hn_tensor hn_conv2d(hn_graph *graph, hn_tensor x, hn_tensor kernel, hn_tensor bias, const hn_conv2d_options *options)
{
    hn_conv2d_options chosen;
    hn_conv2d_options_default(&chosen);
    if (options != NULL) chosen = *options;
    const hn_tensor inputs[3] = {hni_image_enter(graph, x), kernel, bias};
    const hni_attributes attributes = {.conv2d = {chosen.stride, chosen.padding}};
    const int64_t count = bias.slot == 0 ? 2 : 3;
    return hni_image_leave(graph, hni_graph_apply(graph, HNI_OP_CONV2D, &attributes, inputs, count));
}

static hn_tensor pool(hn_graph *graph, hni_op op, hn_tensor x, int size, int stride)
{
    const hn_tensor image = hni_image_enter(graph, x);
    const hni_attributes attributes = {.pool2d = {size, stride}};
    return hni_image_leave(graph, hni_graph_apply(graph, op, &attributes, &image, 1));
}

hn_tensor hn_max_pool2d(hn_graph *graph, hn_tensor x, int size, int stride)
{
    return pool(graph, HNI_OP_MAX_POOL2D, x, size, stride);
}

hn_tensor hn_avg_pool2d(hn_graph *graph, hn_tensor x, int size, int stride)
{
    return pool(graph, HNI_OP_AVG_POOL2D, x, size, stride);
}
