/* Linear layers and small helpers on weights by name. */
#include <stdio.h>

#include "nn/cell.h"

hn_tensor hni_weight(hn_weights *weights, const char *prefix, const char *suffix, hn_shape shape, hn_init init)
{
    char name[160];
    const int length = snprintf(name, sizeof name, "%s.%s", prefix, suffix);
    if (length < 0 || length >= (int)sizeof name) {
        return hni_graph_fail(hn_weights_graph(weights), HN_ERROR_ARGUMENT, "weights: the name '%.60s..' is too long",
                              prefix);
    }
    return hn_weights_get(weights, name, shape, init);
}

uint32_t hni_site_of(hn_weights *weights, const char *what, const char *name, const char *role)
{
    char site[192];
    const int length = snprintf(site, sizeof site, "%s %s.%s", what, name, role);
    if (length < 0 || length >= (int)sizeof site) {
        hni_graph_fail(hn_weights_graph(weights), HN_ERROR_ARGUMENT, "weights: the name '%.60s..' is too long", name);
        return 0;
    }
    return hn_weights_site(weights, site);
}

hn_tensor hni_want_rank(hn_graph *graph, hn_tensor weight, const char *name, int rank)
{
    const hn_shape shape = hn_tensor_shape(graph, weight);
    if (shape.rank < 0 || shape.rank == rank) return weight;
    return hni_graph_fail(graph, HN_ERROR_UNSUPPORTED, "%s: one matrix a sample is not supported here", name);
}

hn_tensor hni_project(hn_graph *graph, hn_tensor x, hn_tensor weight)
{
    const hn_shape shape = hn_tensor_shape(graph, weight), input = hn_tensor_shape(graph, x);
    if (shape.rank != 3 || input.rank != 2) return hn_matmul(graph, x, weight, HN_TRANSPOSE_B);
    const hn_tensor row = hn_reshape(graph, x, HN_SHAPE3(input.size[0], 1, input.size[1]));
    return hn_reshape(graph, hn_matmul(graph, row, weight, HN_TRANSPOSE_B), HN_SHAPE2(input.size[0], shape.size[1]));
}

/* Of [G,B,n] and [B,G,n], each into the other. */
static const int swap_gates[3] = {1, 0, 2};

hn_tensor hni_gates_first(hn_graph *graph, hn_tensor products, int64_t gates, int64_t units)
{
    const hn_shape shape = hn_tensor_shape(graph, products);
    if (shape.rank < 0) return HN_NO_TENSOR;
    return hn_permute(graph, hn_reshape(graph, products, HN_SHAPE3(shape.size[0], gates, units)), swap_gates);
}

hn_tensor hni_bilinear(hn_graph *graph, hn_tensor z, hn_tensor products)
{
    const hn_tensor rows = hn_permute(graph, products, swap_gates); /* [B,E,n] */
    return hn_permute(graph, hn_matmul(graph, z, rows, HN_TRANSPOSE_NONE), swap_gates);
}

hn_tensor hn_linear(hn_weights *weights, const char *name, hn_tensor x, int64_t outputs, hn_init init)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_shape input = hn_tensor_shape(graph, x);
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    if (input.rank < 2) return hni_graph_fail(graph, HN_ERROR_SHAPE, "%s: a linear layer reads [B,I] or [B,T,I]", name);
    const hn_tensor weight = hni_weight(weights, name, "weight", HN_SHAPE2(outputs, input.size[input.rank - 1]), init);
    const hn_tensor bias = hni_weight(weights, name, "bias", HN_SHAPE1(outputs), hn_init_zeros());
    return hn_add(graph, hni_project(graph, x, weight), bias);
}
