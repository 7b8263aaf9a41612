/* Builders of batch normalisation: images [B,C,H,W] or rows [B,C]; the ops see channels last (ops/batch_norm.c). */
#include "graph/image.h"

/* x as the ops want it: channels last, without gaps. */
static hn_tensor enter(hn_graph *graph, const char *op, hn_tensor x)
{
    const hni_value *value = hni_graph_value(graph, x);
    char text[96];
    if (value == NULL || value->view.rank == 4) return hni_image_enter(graph, x);
    if (value->view.rank == 2) return hni_graph_contiguous(graph, x);
    return hni_graph_fail(graph, HN_ERROR_SHAPE, "%s: x %s must be [B,C,H,W] or [B,C]", op,
                          hn_shape_print(hni_view_shape(&value->view), text, sizeof text));
}

hn_tensor hn_batch_statistics(hn_graph *graph, hn_tensor x)
{
    const hni_attributes attributes = {.scale = {0, 0}};
    const hn_tensor input = enter(graph, "batch_statistics", x);
    return hni_graph_apply(graph, HNI_OP_BATCH_STATISTICS, &attributes, &input, 1);
}

hn_tensor hn_batch_norm(hn_graph *graph, hn_tensor x, hn_tensor gain, hn_tensor shift, hn_tensor statistics,
                        const hn_batch_norm_options *options)
{
    const hni_attributes attributes = {.batch_norm = {options->epsilon, options->relu, options->from_batch}};
    const hn_tensor inputs[4] = {enter(graph, "batch_norm", x), gain, shift, statistics};
    const hn_tensor out = hni_graph_apply(graph, HNI_OP_BATCH_NORM, &attributes, inputs, 4);
    const hni_value *value = hni_graph_value(graph, out);
    return value != NULL && value->view.rank == 4 ? hni_image_leave(graph, out) : out;
}
