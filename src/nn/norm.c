/* Batch normalisation as a layer: its gain and shift, and the running statistics that an evaluation goes by (Ioffe & Szegedy 2015). */
#include <stdio.h>

#include "nn/cell.h"

#define KEPT 0.9 /* share of the running statistics that a step keeps: PyTorch's momentum of 0.1 */
#define EPSILON 1e-5

/* [2,C]: a mean of 0 and a variance of 1 before anything was seen. */
static hn_tensor running_statistics(hn_weights *weights, const char *name, int64_t channels)
{
    static const double start[2] = {0, 1};
    return hn_weights_buffer(weights, name, HN_SHAPE2(2, channels), hn_init_by_row(hn_init_constant(1), start));
}

hn_tensor hn_batch_norm_layer(hn_weights *weights, const char *name, hn_tensor x, bool relu)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_shape shape = hn_tensor_shape(graph, x);
    char buffer[256];
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    if (shape.rank != 2 && shape.rank != 4) {
        return hni_graph_fail(graph, HN_ERROR_SHAPE, "%s: a batch norm layer reads [B,C,H,W] or [B,C]", name);
    }
    const int64_t channels = shape.size[1];
    const hn_tensor gain = hni_weight(weights, name, "gain", HN_SHAPE1(channels), hn_init_constant(1));
    const hn_tensor shift = hni_weight(weights, name, "shift", HN_SHAPE1(channels), hn_init_zeros());
    (void)snprintf(buffer, sizeof buffer, "%s.statistics", name); /* the two calls before refuse a longer name */
    const hn_tensor running = running_statistics(weights, buffer, channels);
    hn_batch_norm_options options = {.epsilon = EPSILON, .relu = relu};
    if (!hn_graph_is_training(graph)) return hn_batch_norm(graph, x, gain, shift, running, &options);
    const hn_tensor batch = hn_batch_statistics(graph, x);
    const hn_tensor next = hn_add(graph, hn_scale(graph, running, KEPT, 0), hn_scale(graph, batch, 1 - KEPT, 0));
    if (hn_weights_buffer_update(weights, buffer, next) != HN_OK) return HN_NO_TENSOR; /* the graph knows why */
    options.from_batch = true;
    return hn_batch_norm(graph, x, gain, shift, batch, &options);
}
