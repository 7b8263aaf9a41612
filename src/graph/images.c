/* The builder of gather_images: host arrays are copied into the step's memory. */
#include "graph/graph.h"

#include <string.h>

#include "core/size.h"

static void copy_views(const hn_image_view *views, int64_t count, hni_image_place *out)
{
    for (int64_t i = 0; i < count; i++) {
        out[i].index = views[i].index;
        memcpy(out[i].matrix, views[i].matrix, sizeof out[i].matrix);
    }
}

static void copy_norm(const hn_image_norm *norm, int64_t channels, double *mean, double *deviation)
{
    for (int64_t c = 0; c < channels; c++) {
        mean[c] = norm != NULL && norm->mean != NULL ? norm->mean[c] : 0;
        deviation[c] = norm != NULL && norm->deviation != NULL ? norm->deviation[c] : 1;
    }
}

hn_tensor hn_gather_images(hn_graph *graph, hn_tensor source, const hn_image_view *views, int64_t count,
                           const hn_image_norm *norm)
{
    static const int channels_first[4] = {0, 3, 1, 2};
    const hni_value *value = hni_graph_value(graph, source);
    /* A source of another rank is refused by the shape rule. */
    const int64_t channels = value != NULL && value->view.rank == 4 ? value->view.size[1] : 0;
    void *places = NULL, *numbers = NULL;
    size_t size = 0;
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    if (count < 1) {
        return hni_graph_fail(graph, HN_ERROR_ARGUMENT, "gather_images: %lld images: at least 1 is needed",
                              (long long)count);
    }
    if (!hni_size_mul((size_t)count, sizeof(hni_image_place), &size)) size = SIZE_MAX;
    graph->status = hni_arena_take(&graph->meta, size, &places);
    if (graph->status == HN_OK)
        graph->status = hni_arena_take(&graph->meta, (size_t)(2 * channels + 1) * sizeof(double), &numbers);
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    double *mean = numbers, *deviation = mean + channels;
    copy_views(views, count, places);
    copy_norm(norm, channels, mean, deviation);
    const hni_attributes attributes = {.gather_images = {{places, mean, deviation}, count, graph->kernels->dtype}};
    const hn_tensor out = hni_graph_apply(graph, HNI_OP_GATHER_IMAGES, &attributes, &source, 1);
    return hn_permute(graph, out, channels_first);
}
