/* The tape: runs an op, records it, and walks back.
 *
 * Gradients belong to storage, not to values: a view's gradient is the same view of its root's gradient, so reshape, permute and
 * slice cost nothing backward. Gradient buffers are handed out when first needed and taken back as soon as their op has
 * been walked, so the backward's working set stays small. */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

static const double no_parameters[2] = {0, 0};

/* About one step of a recurrent layer. */
enum { NODES_BETWEEN_QUESTIONS = 32 };

/* ---- forward ---- */

/* A call with resolved inputs in the tape's memory; NULL after an error. */
static hni_node *new_node(hn_graph *graph, const hni_op_spec *spec, const hni_attributes *attributes,
                          const hn_tensor *inputs, int64_t count)
{
    void *memory = NULL, *views = NULL, *slots = NULL;
    if (graph->status == HN_OK) graph->status = hni_arena_take(&graph->meta, sizeof(hni_node), &memory);
    if (graph->status == HN_OK) graph->status = hni_arena_take(&graph->meta, (size_t)count * sizeof(hni_view), &views);
    if (graph->status == HN_OK) graph->status = hni_arena_take(&graph->meta, (size_t)count * sizeof(uint32_t), &slots);
    if (graph->status != HN_OK) return NULL;
    hni_node *node = memory;
    hni_view *input_views = views;
    uint32_t *input_slots = slots;
    memset(node, 0, sizeof *node);
    for (int64_t i = 0; i < count; i++) {
        const hni_value *value = hni_graph_want(graph, inputs[i], spec->name);
        if (value == NULL) return NULL;
        input_views[i] = value->view;
        input_slots[i] = inputs[i].slot;
    }
    node->call.spec = spec;
    node->call.attributes = *attributes;
    node->call.input_count = count;
    node->call.inputs = input_views;
    node->inputs = input_slots;
    return node;
}

static bool is_differentiable(const hni_op_spec *spec, int64_t input)
{
    return spec->inputs == HNI_VARIADIC || (input < 32 && (spec->differentiable >> input & 1u) != 0);
}

static bool any_wants_gradient(const hn_graph *graph, const hni_node *node)
{
    for (int64_t i = 0; i < node->call.input_count; i++) {
        if (is_differentiable(node->call.spec, i) && hni_graph_slot(graph, node->inputs[i])->wants_gradient)
            return true;
    }
    return false;
}

/* Shape rule, memory, forward. */
static hn_status compute(hn_graph *graph, hni_call *call)
{
    hn_status status;
    HNI_TRY(call->spec->shape(graph->context, call));
    if (call->spec->kind == HNI_OP_KIND_VIEW) goto cleanup;
    HNI_TRY(hni_graph_take(graph, &call->out));
    for (int i = 0; i < call->saved_count; i++)
        HNI_TRY(hni_graph_take(graph, &call->saved[i]));
    HNI_TRY(call->spec->forward(graph->kernels, &graph->exec, call));
cleanup:
    hni_arena_reset(&graph->scratch);
    return status;
}

static bool push_node(hn_graph *graph, hni_node *node)
{
    if (graph->node_count == graph->node_room) {
        const int64_t room = graph->node_room == 0 ? 256 : graph->node_room * 2;
        void *nodes = graph->nodes;
        graph->status = hni_realloc_array(graph->context, "tape", (size_t)room, sizeof(hni_node *), &nodes);
        if (graph->status != HN_OK) return false;
        graph->nodes = nodes;
        graph->node_room = room;
    }
    graph->nodes[graph->node_count++] = node;
    return true;
}

hn_tensor hni_graph_apply(hn_graph *graph, hni_op op, const hni_attributes *attributes, const hn_tensor *inputs,
                          int64_t count)
{
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    const hni_op_spec *spec = hni_op_find(op);
    const hni_arena_mark mark = hni_arena_mark_get(&graph->meta);
    hni_node *node = new_node(graph, spec, attributes, inputs, count);
    if (node == NULL) return HN_NO_TENSOR;
    node->call.recorded = graph->recording && any_wants_gradient(graph, node);
    graph->status = compute(graph, &node->call);
    if (graph->status != HN_OK) return HN_NO_TENSOR;

    const hn_tensor out = hni_graph_add_value(graph, &node->call.out);
    if (out.slot == 0) return HN_NO_TENSOR;
    hni_value *value = hni_graph_slot(graph, out.slot);
    if (spec->kind == HNI_OP_KIND_VIEW) value->root = hni_graph_slot(graph, node->inputs[0])->root;
    node->out = out.slot;
    if (!node->call.recorded) {
        hni_arena_rewind(&graph->meta, mark);
        return out;
    }
    value->wants_gradient = value->has_node = true;
    return push_node(graph, node) ? out : HN_NO_TENSOR;
}

/* ---- gradient buffers ---- */

static hn_status take_gradient(hn_graph *graph, size_t size, void **out_data)
{
    for (int64_t i = graph->free_count - 1; i >= 0; i--) {
        if (graph->free_gradients[i].size != size) continue;
        *out_data = graph->free_gradients[i].data;
        graph->free_gradients[i] = graph->free_gradients[--graph->free_count];
        return HN_OK;
    }
    return hni_arena_take(&graph->data, size, out_data);
}

static hn_status give_gradient_back(hn_graph *graph, size_t size, void *data)
{
    if (graph->free_count == graph->free_room) {
        const int64_t room = graph->free_room == 0 ? 64 : graph->free_room * 2;
        void *list = graph->free_gradients;
        const hn_status status =
            hni_realloc_array(graph->context, "gradient list", (size_t)room, sizeof(hni_free_gradient), &list);
        if (status != HN_OK) return status;
        graph->free_gradients = list;
        graph->free_room = room;
    }
    graph->free_gradients[graph->free_count++] = (hni_free_gradient){size, data};
    return HN_OK;
}

static size_t storage_size(const hni_value *root)
{
    return (size_t)hni_view_elements(&root->view) * hn_dtype_size(root->view.dtype);
}

static bool has_gradient(const hni_value *root) { return root->gradient != NULL || root->has_gradient; }

/* The gradient of `slot` as a view. A new buffer is left as it is when `*fresh` (the caller overwrites all of it: the value is its
 * storage's owner, or a view of the whole of it), else zeroed. */
static hn_status gradient_view(hn_graph *graph, uint32_t slot, bool may_be_fresh, bool *out_fresh, hni_view *out_view)
{
    const hni_value *value = hni_graph_slot(graph, slot);
    hni_value *root = hni_graph_slot(graph, value->root);
    hn_status status = HN_OK;
    *out_fresh = false;
    if (!has_gradient(root) && !root->bound) {
        HNI_TRY(take_gradient(graph, storage_size(root), &root->gradient));
        root->has_gradient = true;
        *out_fresh = may_be_fresh && hni_view_elements(&value->view) == hni_view_elements(&root->view);
        if (!*out_fresh) HNI_TRY(graph->kernels->fill_zero(&graph->exec, root->gradient, storage_size(root)));
    }
    *out_view = value->view;
    out_view->data = NULL;
    if (root->gradient != NULL) {
        const char *base = root->view.data, *at = value->view.data;
        out_view->data = (char *)root->gradient + (at - base);
    }
cleanup:
    return status;
}

/* ---- backward ---- */

/* True if input i's storage is an input once more: then nothing may be overwritten. */
static bool is_repeated(const hn_graph *graph, const hni_node *node, int64_t input)
{
    const uint32_t root = hni_graph_slot(graph, node->inputs[input])->root;
    for (int64_t i = 0; i < node->call.input_count; i++) {
        if (i != input && hni_graph_slot(graph, node->inputs[i])->root == root) return true;
    }
    return false;
}

#ifdef HNI_TEST_HOOKS
static bool is_mutated(const hn_graph *graph, const hni_node *node, int64_t input)
{
    return graph->mutation.on && graph->mutation.op == node->call.spec->op && graph->mutation.input == input;
}

/* A view has no VJP to falsify: its region of the root's gradient is what the VJP has added. Only one view in a backward, since
 * two of one storage would negate it twice. */
static hn_status mutate_view(hn_graph *graph, const hni_node *node)
{
    const double parameters[2] = {graph->mutation.factor, 0};
    bool fresh;
    hni_view region;
    if (!is_mutated(graph, node, 0) || graph->mutation.view_done) return HN_OK;
    graph->mutation.view_done = true;
    const hn_status status = gradient_view(graph, node->out, false, &fresh, &region);
    return status != HN_OK ? status
                           : graph->kernels->map(&graph->exec, HNI_MAP_SCALE, parameters, &region, &region, false);
}
#endif

/* Runs one VJP into the gradients in call->grad_inputs. */
static hn_status run_vjp(hn_graph *graph, hni_node *node)
{
    hni_call *call = &node->call;
#ifdef HNI_TEST_HOOKS
    const int64_t input = graph->mutation.input;
    if (input < call->input_count && is_mutated(graph, node, input) && call->wanted[input]) {
        const double parameters[2] = {graph->mutation.factor, 0};
        const hni_view real = call->grad_inputs[input];
        bool *fresh = (bool *)call->fresh;
        hni_view false_gradient = hni_view_of(NULL, real.dtype, hni_view_shape(&real));
        hn_status status = hni_graph_take(graph, &false_gradient);
        if (status != HN_OK) return status;
        const size_t size = (size_t)hni_view_elements(&real) * hn_dtype_size(real.dtype);
        if (fresh[input]) status = graph->kernels->fill_zero(&graph->exec, real.data, size);
        if (status == HN_OK) status = graph->kernels->fill_zero(&graph->exec, false_gradient.data, size);
        fresh[input] = false;
        call->grad_inputs[input] = false_gradient;
        if (status == HN_OK) status = call->spec->vjp(graph->kernels, &graph->exec, call);
        hni_view target = real;
        if (status == HN_OK) {
            status = graph->kernels->map(&graph->exec, HNI_MAP_SCALE, parameters, &false_gradient, &target, true);
        }
        return status;
    }
#endif
    return call->spec->vjp(graph->kernels, &graph->exec, call);
}

/* Gives the call its gradient views, calls the VJP, and takes the output's gradient buffer back. */
static hn_status walk_node(hn_graph *graph, hni_node *node)
{
    hni_call *call = &node->call;
    hni_value *out = hni_graph_slot(graph, node->out);
    const hni_arena_mark mark = hni_arena_mark_get(&graph->meta);
    const size_t count = (size_t)call->input_count;
    void *views = NULL, *wanted_memory = NULL, *fresh_memory = NULL;
    bool ignored;
    hn_status status = HN_OK;
    if (call->spec->kind == HNI_OP_KIND_VIEW) {
#ifdef HNI_TEST_HOOKS
        if (has_gradient(hni_graph_slot(graph, out->root))) return mutate_view(graph, node);
#endif
        return HN_OK;
    }
    if (!has_gradient(out)) return HN_OK; /* the loss does not depend on it */
    HNI_TRY(hni_arena_take(&graph->meta, count * sizeof(hni_view), &views));
    HNI_TRY(hni_arena_take(&graph->meta, count * sizeof(bool), &wanted_memory));
    HNI_TRY(hni_arena_take(&graph->meta, count * sizeof(bool), &fresh_memory));
    bool *wanted = wanted_memory, *fresh = fresh_memory;
    call->grad_inputs = views;
    call->wanted = wanted;
    call->fresh = fresh;
    HNI_TRY(gradient_view(graph, node->out, false, &ignored, &call->grad_out));
    for (int64_t i = 0; i < call->input_count; i++) {
        fresh[i] = false;
        wanted[i] = is_differentiable(call->spec, i) && hni_graph_slot(graph, node->inputs[i])->wants_gradient;
        if (!wanted[i]) continue;
        const bool may_be_fresh = (i < 32 ? call->spec->fresh >> i & 1u : call->spec->inputs == HNI_VARIADIC) != 0 &&
                                  !is_repeated(graph, node, i);
        HNI_TRY(gradient_view(graph, node->inputs[i], may_be_fresh, &fresh[i], &call->grad_inputs[i]));
    }
    HNI_TRY(run_vjp(graph, node));
    HNI_TRY(give_gradient_back(graph, storage_size(out), out->gradient));
    out->gradient = NULL;
    out->has_gradient = false;
cleanup:
    hni_arena_reset(&graph->scratch);
    hni_arena_rewind(&graph->meta, mark);
    return status;
}

static hn_status walk(hn_graph *graph)
{
    hn_status status = HN_OK;
#ifdef HNI_TEST_HOOKS
    graph->mutation.view_done = false;
#endif
    for (int64_t i = graph->node_count - 1; status == HN_OK && i >= 0; i--) {
        const int64_t done = graph->node_count - 1 - i;
        if (done % NODES_BETWEEN_QUESTIONS == 0) {
            status = hni_go_on(graph->context, "backward", done, graph->node_count);
        }
        if (status == HN_OK) status = walk_node(graph, graph->nodes[i]);
    }
    graph->walked = true;
    if (status != HN_OK) graph->status = status;
    return status;
}

static hn_status check_backward(hn_graph *graph, hn_tensor output)
{
    if (graph->status != HN_OK) return graph->status;
    if (graph->walked) {
        return hni_error(graph->context, HN_ERROR_STATE,
                         "backward: this tape has been walked already: reset the graph first");
    }
    const hni_value *value = hni_graph_want(graph, output, "backward");
    if (value == NULL) return graph->status;
    if (!value->wants_gradient) {
        return hni_error(graph->context, HN_ERROR_STATE, "backward: the output depends on nothing differentiable%s",
                         graph->recording ? "" : " (recording is off)");
    }
    return HN_OK;
}

hn_status hn_backward(hn_graph *graph, hn_tensor loss)
{
    const double one = 1;
    bool fresh;
    hni_view gradient;
    hn_status status;
    HNI_TRY(check_backward(graph, loss));
    if (hni_view_elements(&hni_graph_value(graph, loss)->view) != 1) {
        char text[96];
        status = hni_error(graph->context, HN_ERROR_SHAPE, "backward: the loss must be a scalar, it is %s",
                           hn_shape_print(hn_tensor_shape(graph, loss), text, sizeof text));
        goto cleanup;
    }
    HNI_TRY(gradient_view(graph, loss.slot, false, &fresh, &gradient));
    HNI_TRY(graph->kernels->copy_in(&graph->exec, &gradient, HN_DTYPE_F64, &one));
    HNI_TRY(walk(graph));
cleanup:
    return status;
}

hn_status hn_backward_from(hn_graph *graph, hn_tensor output, hn_tensor cotangent)
{
    bool fresh;
    hni_view gradient;
    hn_status status;
    HNI_TRY(check_backward(graph, output));
    const hni_value *from = hni_graph_want(graph, cotangent, "backward");
    if (from == NULL) return graph->status;
    if (!hn_shape_equal(hni_view_shape(&from->view), hn_tensor_shape(graph, output)) ||
        from->view.dtype != graph->kernels->dtype) {
        status =
            hni_error(graph->context, HN_ERROR_SHAPE, "backward: the cotangent must have the output's shape and type");
        goto cleanup;
    }
    HNI_TRY(gradient_view(graph, output.slot, false, &fresh, &gradient));
    HNI_TRY(graph->kernels->map(&graph->exec, HNI_MAP_COPY, no_parameters, &from->view, &gradient, true));
    HNI_TRY(walk(graph));
cleanup:
    return status;
}

/* ---- printing ---- */

void hn_graph_print(const hn_graph *graph, void (*write)(void *user, const char *line), void *user)
{
    for (int64_t i = 0; i < graph->node_count; i++) {
        const hni_call *call = &graph->nodes[i]->call;
        char line[512], shape[96];
        int used = snprintf(line, sizeof line, "%lld %s", (long long)i, call->spec->name);
        for (int64_t k = 0; k < call->input_count && k < 4 && used < (int)sizeof line; k++) {
            used += snprintf(line + used, sizeof line - (size_t)used, " %s",
                             hn_shape_print(hni_view_shape(&call->inputs[k]), shape, sizeof shape));
        }
        if (used < (int)sizeof line) {
            snprintf(line + used, sizeof line - (size_t)used, "%s -> %s", call->input_count > 4 ? " .." : "",
                     hn_shape_print(hni_view_shape(&call->out), shape, sizeof shape));
        }
        write(user, line);
    }
}
