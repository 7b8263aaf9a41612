/* Finds the op where numbers stopped being finite. Values live until the graph's reset, so the whole tape can be looked at after
 * the loss was seen; not for gradients, whose memory is used again and again. */
#include "graph/graph.h"

#include <stdio.h>

hn_status hni_graph_first_bad(hn_graph *graph, char *buffer, size_t size)
{
    buffer[0] = 0;
    if (graph->dry) return HN_OK;
    for (int64_t i = 0; i < graph->node_count; i++) {
        const hni_call *call = &graph->nodes[i]->call;
        char shape[96];
        int64_t bad = 0;
        /* A view shows what an earlier op, or the caller, has made. */
        if (call->spec->kind == HNI_OP_KIND_VIEW || call->out.dtype != graph->kernels->dtype) continue;
        const hn_status status =
            graph->kernels->count_nonfinite(&graph->exec, hni_view_elements(&call->out), call->out.data, &bad);
        hni_arena_reset(&graph->scratch);
        if (status != HN_OK) return status;
        if (bad == 0) continue;
        snprintf(buffer, size, "%s %s, operation %lld of %lld", call->spec->name,
                 hn_shape_print(hni_view_shape(&call->out), shape, sizeof shape), (long long)i + 1,
                 (long long)graph->node_count);
        break;
    }
    return HN_OK;
}
