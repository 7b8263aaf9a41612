/* Buffers by name. A step reads what the store holds and says what it should become; nothing is written before the step is known to be
 * good, since ops do not write their inputs and a refused update changes nothing. */
#include "core/alloc.h"
#include "params/weights.h"

static hn_status reserve(hn_weights *weights, int64_t index)
{
    const int64_t room = weights->buffer_room;
    if (index < room) return HN_OK;
    const int64_t wanted = index + 1 > 2 * room ? index + 1 : 2 * room;
    void *pointer = weights->buffers;
    const hn_status status =
        hni_realloc_array(weights->store->context, "weights", (size_t)wanted, sizeof(*weights->buffers), &pointer);
    if (status != HN_OK) return status;
    weights->buffers = pointer;
    for (int64_t i = room; i < wanted; i++)
        weights->buffers[i] = (hni_weights_buffer){.bound = HN_NO_TENSOR, .value = HN_NO_TENSOR};
    weights->buffer_room = wanted;
    return HN_OK;
}

/* The index of a buffer, which an open store is given here; -1 and an error of the graph if there is none such. */
static int64_t find(hn_weights *weights, const char *name, hn_shape shape, hn_init init)
{
    hn_store *store = weights->store;
    int64_t index = -1;
    if (!store->sealed) {
        const hn_status status = hni_store_declare(store, &store->buffers, name, shape, init, &index);
        if (status != HN_OK) (void)hni_weights_fail(weights, status);
        return index;
    }
    index = hn_store_buffer_find(store, name);
    if (index < 0) {
        (void)hni_weights_fail_unknown(weights, &store->buffers, name != NULL ? name : "");
        return -1;
    }
    const hn_parameter *buffer = &store->buffers.tensors[index];
    if (hn_shape_equal(buffer->shape, shape)) return index;
    (void)hni_weights_fail_shape(weights, buffer, shape);
    return -1;
}

hn_tensor hn_weights_buffer(hn_weights *weights, const char *name, hn_shape shape, hn_init init)
{
    if (hn_graph_status(weights->graph) != HN_OK) return HN_NO_TENSOR;
    if (!hni_weights_have_numbers(weights, name != NULL ? name : "")) return HN_NO_TENSOR;
    const int64_t index = find(weights, name, shape, init);
    if (index < 0) return HN_NO_TENSOR;
    const hn_status status = reserve(weights, index);
    if (status != HN_OK) return hni_weights_fail(weights, status);
    hni_weights_buffer *buffer = &weights->buffers[index];
    if (!hni_is_tensor(buffer->bound)) {
        buffer->bound = hni_weights_bind(weights, &weights->store->buffers, index, false);
    }
    return buffer->bound;
}

/* What `value` is to take the place of, or an error of the graph. */
static hn_status check_update(hn_weights *weights, const char *name, hn_tensor value, int64_t *out_index)
{
    hn_graph *graph = weights->graph;
    const hni_value *given = hni_graph_want(graph, value, "weights: update of a buffer");
    const int64_t index = hn_store_buffer_find(weights->store, name);
    *out_index = index;
    if (given == NULL) return hn_graph_status(graph);
    if (index < 0) {
        (void)hni_graph_fail(graph, HN_ERROR_ARGUMENT,
                             "weights: the store has no buffer \"%s\" to be updated: ask for it by hn_weights_buffer",
                             name != NULL ? name : "");
        return hn_graph_status(graph);
    }
    const hn_parameter *buffer = &weights->store->buffers.tensors[index];
    const hn_shape shape = hni_view_shape(&given->view);
    if (!hn_shape_equal(buffer->shape, shape)) (void)hni_weights_fail_shape(weights, buffer, shape);
    if (given->view.dtype != hn_graph_dtype(graph)) {
        (void)hni_graph_fail(graph, HN_ERROR_TYPE, "weights: buffer \"%s\" cannot become %s: it must be %s",
                             buffer->name, hn_dtype_name(given->view.dtype), hn_dtype_name(hn_graph_dtype(graph)));
    }
    return hn_graph_status(graph);
}

hn_status hn_weights_buffer_update(hn_weights *weights, const char *name, hn_tensor value)
{
    int64_t index;
    hn_status status = hn_graph_status(weights->graph);
    if (status == HN_OK) status = check_update(weights, name, value, &index);
    if (status != HN_OK) return status;
    status = reserve(weights, index);
    if (status != HN_OK) {
        (void)hni_weights_fail(weights, status);
        return status;
    }
    hni_weights_buffer *entry = &weights->buffers[index];
    entry->value = value;
    entry->has_value = true;
    entry->resets = hni_graph_resets(weights->graph);
    return HN_OK;
}

static hn_status commit(hn_weights *weights, int64_t index, hn_tensor value)
{
    static const double no_parameters[2] = {0, 0};
    hn_graph *graph = weights->graph;
    const hni_section *section = &weights->store->buffers;
    const hni_value *given = hni_graph_want(graph, value, "weights: update of a buffer"); /* it may have been dropped */
    if (given == NULL || !hni_weights_have_numbers(weights, section->tensors[index].name)) {
        return hn_graph_status(graph);
    }
    hni_view target = hni_section_part(weights->store, section, section->values, index);
    return hni_graph_kernels(graph)->map(hni_graph_exec(graph), HNI_MAP_COPY, no_parameters, &given->view, &target,
                                         false);
}

hn_status hn_weights_commit(hn_weights *weights)
{
    const hn_graph *graph = weights->graph;
    hn_status status = hn_graph_status(graph);
    for (int64_t i = 0; status == HN_OK && i < weights->buffer_room; i++) {
        hni_weights_buffer *entry = &weights->buffers[i];
        const bool is_due = entry->has_value && entry->resets == hni_graph_resets(graph);
        entry->has_value = false;
        if (is_due && !hn_graph_is_dry(graph)) status = commit(weights, i, entry->value);
    }
    return status;
}
