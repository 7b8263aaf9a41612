/* The tape: runs an op, records it, and walks back.
 *
 * Gradients belong to storage, not to values: a view's gradient is the same view of its root's gradient, so reshape, permute and
 * slice cost nothing backward. Gradient buffers are handed out when first needed and taken back as soon as their op has
 * been walked, so the backward's working set stays small. Where an op's gradient is that of its output as it is, as a sum's, both share
 * one buffer: whoever is next to add to it takes a copy, unless the others have been walked by then. */
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

static void tell(const hn_graph *graph, hni_op op, int64_t place, bool backward)
{
    if (graph->observer.ran != NULL) graph->observer.ran(graph->observer.user, op, place, backward);
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
        tell(graph, op, -1, false);
        return out;
    }
    value->wants_gradient = value->has_node = true;
    if (!push_node(graph, node)) return HN_NO_TENSOR;
    tell(graph, op, graph->node_count - 1, false);
    return out;
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

/* `slot`, which has no gradient, gets that of `owner` too. */
static void share_gradient(const hn_graph *graph, uint32_t owner, uint32_t slot)
{
    hni_value *from = hni_graph_slot(graph, owner), *to = hni_graph_slot(graph, slot);
    to->gradient = from->gradient;
    to->has_gradient = true;
    to->sharer = from->sharer != 0 ? from->sharer : owner;
    from->sharer = slot;
}

static void leave_sharers(const hn_graph *graph, uint32_t slot)
{
    hni_value *value = hni_graph_slot(graph, slot);
    uint32_t before = value->sharer;
    while (hni_graph_slot(graph, before)->sharer != slot)
        before = hni_graph_slot(graph, before)->sharer;
    hni_graph_slot(graph, before)->sharer = value->sharer != before ? value->sharer : 0;
    value->sharer = 0;
}

/* A copy of its own for a root that is about to change a gradient which others still need. */
static hn_status own_gradient(hn_graph *graph, uint32_t slot)
{
    hni_value *root = hni_graph_slot(graph, slot);
    hn_status status = HN_OK;
    if (root->sharer == 0) return HN_OK;
    const hn_shape shape = HN_SHAPE1(hni_view_elements(&root->view));
    hni_view shared = hni_view_of(root->gradient, root->view.dtype, shape), own = shared;
    leave_sharers(graph, slot);
    HNI_TRY(take_gradient(graph, storage_size(root), &own.data));
    root->gradient = own.data;
    HNI_TRY(graph->kernels->map(&graph->exec, HNI_MAP_COPY, no_parameters, &shared, &own, false));
cleanup:
    return status;
}

/* The gradient of `slot`, whose root has one, as a view. */
static hni_view view_gradient(const hn_graph *graph, uint32_t slot)
{
    const hni_value *value = hni_graph_slot(graph, slot), *root = hni_graph_slot(graph, value->root);
    hni_view view = value->view;
    view.data = NULL;
    if (root->gradient != NULL) {
        const char *base = root->view.data, *at = value->view.data;
        view.data = (char *)root->gradient + (at - base);
    }
    return view;
}

/* The gradient of `slot` as a view to be written to. A new buffer is left as it is when `*fresh` (the caller overwrites all of it: the value is its
 * storage's owner, or a view of the whole of it), else zeroed. */
static hn_status gradient_view(hn_graph *graph, uint32_t slot, bool may_be_fresh, bool *out_fresh, hni_view *out_view)
{
    const hni_value *value = hni_graph_slot(graph, slot);
    hni_value *root = hni_graph_slot(graph, value->root);
    hn_status status = HN_OK;
    *out_fresh = false;
    HNI_TRY(own_gradient(graph, value->root));
    if (!has_gradient(root) && !root->bound) {
        HNI_TRY(take_gradient(graph, storage_size(root), &root->gradient));
        root->has_gradient = true;
        *out_fresh = may_be_fresh && hni_view_elements(&value->view) == hni_view_elements(&root->view);
        if (!*out_fresh) HNI_TRY(graph->kernels->fill_zero(&graph->exec, root->gradient, storage_size(root)));
    }
    *out_view = view_gradient(graph, slot);
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

/* Same sizes and strides. */
static bool lie_alike(const hni_view *a, const hni_view *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->size[i] != b->size[i] || (a->size[i] > 1 && a->stride[i] != b->stride[i])) return false;
    return true;
}

/* True if the gradient of input i can be the output's own: nothing was added to it yet, and both cover all of their storage. */
static bool may_pass(const hn_graph *graph, const hni_node *node, int64_t input)
{
    const hni_value *value = hni_graph_slot(graph, node->inputs[input]);
    const hni_value *root = hni_graph_slot(graph, value->root);
#ifdef HNI_TEST_HOOKS
    if (is_mutated(graph, node, input)) return false;
#endif
    if (input >= 32 || (hni_op_passes(node->call.spec->op) >> input & 1u) == 0) return false;
    if (has_gradient(root) || root->bound || is_repeated(graph, node, input)) return false;
    return hni_view_elements(&value->view) == hni_view_elements(&root->view) &&
           lie_alike(&value->view, &node->call.out);
}

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
    int64_t left = 0; /* inputs whose gradient the VJP must compute */
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
    call->grad_out = view_gradient(graph, node->out);
    for (int64_t i = 0; i < call->input_count; i++) {
        fresh[i] = false;
        wanted[i] = is_differentiable(call->spec, i) && hni_graph_slot(graph, node->inputs[i])->wants_gradient;
        if (!wanted[i]) continue;
        if (may_pass(graph, node, i)) {
            share_gradient(graph, node->out, hni_graph_slot(graph, node->inputs[i])->root);
            wanted[i] = false;
            continue;
        }
        left++;
        const bool may_be_fresh = (i < 32 ? call->spec->fresh >> i & 1u : call->spec->inputs == HNI_VARIADIC) != 0 &&
                                  !is_repeated(graph, node, i);
        HNI_TRY(gradient_view(graph, node->inputs[i], may_be_fresh, &fresh[i], &call->grad_inputs[i]));
    }
    if (left > 0) HNI_TRY(run_vjp(graph, node));
    if (out->sharer != 0)
        leave_sharers(graph, node->out);
    else
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
        if (status == HN_OK) tell(graph, graph->nodes[i]->call.spec->op, i, true);
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
