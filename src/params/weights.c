/* Weights by name: the one place where a stored number and a generated one look the same to a layer.
 *
 * Each name that was ever asked for has an entry: its slot in the graph, bound at the first use, and the tensor that
 * stands in its place, if any. A replacement ends with hn_weights_clear or the graph's reset, which costs nothing here: the
 * entry remembers at which reset and which clear it was put, and is void under any other. */
#include <string.h>

#include "core/alloc.h"
#include "params/weights.h"

hn_status hn_weights_create(hn_graph *graph, hn_store *store, hn_weights **out_weights)
{
    void *pointer = NULL;
    *out_weights = NULL;
    if (hn_graph_context(graph) != store->context)
        return hni_error(store->context, HN_ERROR_ARGUMENT,
                         "hn_weights_create: graph and store belong to different contexts");
    const hn_status status = hni_alloc(store->context, "weights", sizeof(hn_weights), &pointer);
    if (status != HN_OK) return status;
    hn_weights *weights = pointer;
    weights->graph = graph;
    weights->store = store;
    hni_names_init(&weights->names, store->context);
    *out_weights = weights;
    return HN_OK;
}

void hn_weights_destroy(hn_weights *weights)
{
    if (weights == NULL) return;
    hn_context *context = weights->store->context;
    for (int64_t i = 0; i < weights->names.count; i++)
        if (hni_is_tensor(weights->entries[i].bound)) hn_tensor_drop(weights->graph, weights->entries[i].bound);
    for (int64_t i = 0; i < weights->buffer_room; i++)
        if (hni_is_tensor(weights->buffers[i].bound)) hn_tensor_drop(weights->graph, weights->buffers[i].bound);
    hni_names_destroy(&weights->names);
    hni_free(context, weights->buffers);
    hni_free(context, weights->entries);
    hni_free(context, weights);
}

hn_graph *hn_weights_graph(const hn_weights *weights) { return weights->graph; }
hn_store *hn_weights_store(const hn_weights *weights) { return weights->store; }

hn_tensor hni_weights_fail(hn_weights *weights, hn_status status)
{
    return hni_graph_fail(weights->graph, status, "%s", hn_context_error(weights->store->context)->text);
}

/* ---- entries --------------------------------------------------------------------------------------------------- */

static hn_status reserve_entry(hn_weights *weights)
{
    if ((size_t)weights->names.count < weights->capacity) return HN_OK;
    const size_t wanted = weights->capacity == 0 ? 32 : 2 * weights->capacity;
    void *pointer = weights->entries;
    const hn_status status =
        hni_realloc_array(weights->store->context, "weights", wanted, sizeof(*weights->entries), &pointer);
    if (status != HN_OK) return status;
    weights->entries = pointer;
    weights->capacity = wanted;
    return HN_OK;
}

/* The entry of a name, made if need be. */
static hn_status find_entry(hn_weights *weights, const char *name, hni_weight **out_entry)
{
    *out_entry = NULL;
    if (name == NULL || name[0] == '\0')
        return hni_error(weights->store->context, HN_ERROR_ARGUMENT,
                         "weights: a name is empty: give each weight a name");
    int64_t index = hni_names_find(&weights->names, name);
    if (index < 0) {
        hn_status status = reserve_entry(weights);
        if (status == HN_OK) status = hni_names_add(&weights->names, name, &index);
        if (status != HN_OK) return status;
        weights->entries[index] = (hni_weight){.bound = HN_NO_TENSOR, .parameter = -1, .put = HN_NO_TENSOR};
    }
    *out_entry = &weights->entries[index];
    return HN_OK;
}

static bool is_replaced(const hn_weights *weights, const hni_weight *entry)
{
    return entry->is_put && entry->put_clears == weights->clears &&
           entry->put_resets == hni_graph_resets(weights->graph);
}

/* ---- a replaced name ------------------------------------------------------------------------------------------- */

static bool fits_per_sample(hn_shape shape, hn_shape asked)
{
    if (shape.rank != asked.rank + 1) return false;
    for (int i = 0; i < asked.rank; i++)
        if (shape.size[i + 1] != asked.size[i]) return false;
    return true;
}

static hn_tensor get_replaced(hn_weights *weights, const char *name, const hni_weight *entry, hn_shape asked)
{
    char text_put[HNI_SHAPE_TEXT], text_asked[HNI_SHAPE_TEXT];
    const hn_shape shape = hn_tensor_shape(weights->graph, entry->put);
    if (hn_shape_equal(shape, asked) || fits_per_sample(shape, asked)) return entry->put;
    hn_shape_print(shape, text_put, sizeof(text_put));
    hn_shape_print(asked, text_asked, sizeof(text_asked));
    return hni_graph_fail(
        weights->graph, HN_ERROR_SHAPE,
        "weights: %s was put in the place of \"%s\", which is asked for as %s: it needs that shape, or that with "
        "a batch dimension in front",
        text_put, name, text_asked);
}

hn_status hn_weights_put(hn_weights *weights, const char *name, hn_tensor tensor)
{
    hni_weight *entry;
    hn_status status = hn_graph_status(weights->graph);
    if (status != HN_OK) return status;
    status = find_entry(weights, name, &entry);
    if (status != HN_OK) {
        (void)hni_weights_fail(weights, status);
        return status;
    }
    if (hn_tensor_shape(weights->graph, tensor).rank < 0) {
        (void)hni_graph_fail(weights->graph, HN_ERROR_STALE,
                             "weights: what is put in the place of \"%s\" is no tensor of this graph and step", name);
        return HN_ERROR_STALE;
    }
    const hn_dtype dtype = hn_tensor_dtype(weights->graph, tensor);
    if (dtype != hn_graph_dtype(weights->graph)) {
        (void)hni_graph_fail(weights->graph, HN_ERROR_TYPE,
                             "weights: a tensor of type %s cannot stand for \"%s\": it must be %s",
                             hn_dtype_name(dtype), name, hn_dtype_name(hn_graph_dtype(weights->graph)));
        return HN_ERROR_TYPE;
    }
    entry->put = tensor;
    entry->is_put = true;
    entry->put_clears = weights->clears;
    entry->put_resets = hni_graph_resets(weights->graph);
    return HN_OK;
}

void hn_weights_clear(hn_weights *weights) { weights->clears++; }

/* ---- a stored name --------------------------------------------------------------------------------------------- */

hn_tensor hni_weights_fail_unknown(hn_weights *weights, const hni_section *section, const char *name)
{
    const char *nearest = hni_names_nearest(&section->names, name);
    const bool replaceable = section == &weights->store->parameters;
    if (nearest != NULL)
        return hni_graph_fail(weights->graph, HN_ERROR_ARGUMENT,
                              "weights: the store is sealed and has no %s \"%s\": did you mean \"%s\"?", section->kind,
                              name, nearest);
    return hni_graph_fail(
        weights->graph, HN_ERROR_ARGUMENT,
        "weights: the store is sealed and has no %s \"%s\" nor one of a similar name (it has %lld, the "
        "first is \"%s\"): declare it before hn_store_seal%s",
        section->kind, name, (long long)section->names.count, section->names.count > 0 ? section->tensors[0].name : "",
        replaceable ? ", or put a tensor in its place" : "");
}

bool hni_weights_have_numbers(hn_weights *weights, const char *name)
{
    const hn_store *store = weights->store;
    hn_graph *graph = weights->graph;
    if (hn_graph_is_dry(graph)) return true;
    if (!store->sealed)
        (void)hni_graph_fail(
            graph, HN_ERROR_STATE,
            "weights: \"%s\" is asked for while the store is open: run the model on a dry graph and call "
            "hn_store_seal first",
            name);
    else if (store->dry)
        (void)hni_graph_fail(graph, HN_ERROR_STATE,
                             "weights: the store was sealed by a dry graph and holds no \"%s\" to compute with", name);
    else if (store->kernels->dtype != hn_graph_dtype(graph))
        (void)hni_graph_fail(graph, HN_ERROR_TYPE,
                             "weights: the store holds %s and the graph computes in %s: make both the same",
                             hn_dtype_name(store->kernels->dtype), hn_dtype_name(hn_graph_dtype(graph)));
    else if (store->kernels->release != hni_graph_kernels(graph)->release)
        (void)hni_graph_fail(graph, HN_ERROR_UNSUPPORTED,
                             "weights: the store's memory is the %s backend's and the graph's is %s",
                             store->kernels->backend, hn_graph_backend_name(graph));
    else
        return true;
    return false;
}

hn_tensor hni_weights_bind(hn_weights *weights, const hni_section *section, int64_t index, bool differentiable)
{
    const hn_store *store = weights->store;
    if (hn_graph_is_dry(weights->graph)) {
        const hni_view nothing = hni_view_of(NULL, hn_graph_dtype(weights->graph), section->tensors[index].shape);
        return hni_graph_bind(weights->graph, &nothing, differentiable ? &nothing : NULL);
    }
    const hni_view value = hni_section_part(store, section, section->values, index);
    if (!differentiable) return hni_graph_bind(weights->graph, &value, NULL);
    const hni_view gradient = hni_section_part(store, section, store->gradients, index);
    return hni_graph_bind(weights->graph, &value, &gradient);
}

hn_tensor hni_weights_fail_shape(hn_weights *weights, const hn_parameter *tensor, hn_shape asked)
{
    char text_has[HNI_SHAPE_TEXT], text_asked[HNI_SHAPE_TEXT];
    hn_shape_print(tensor->shape, text_has, sizeof(text_has));
    hn_shape_print(asked, text_asked, sizeof(text_asked));
    return hni_graph_fail(weights->graph, HN_ERROR_SHAPE, "weights: \"%s\" is %s in the store and is asked for as %s",
                          tensor->name, text_has, text_asked);
}

static hn_tensor get_declared(hn_weights *weights, hni_weight *entry, const char *name, hn_shape shape, hn_init init)
{
    hni_section *section = &weights->store->parameters;
    /* Every call declares, not only the first: while the store is open, two calls with one name must agree in everything. */
    const hn_status status = hni_store_declare(weights->store, section, name, shape, init, &entry->parameter);
    if (status != HN_OK) return hni_weights_fail(weights, status);
    if (!hni_is_tensor(entry->bound)) entry->bound = hni_weights_bind(weights, section, entry->parameter, true);
    return entry->bound;
}

static hn_tensor get_sealed(hn_weights *weights, hni_weight *entry, const char *name, hn_shape shape)
{
    const hni_section *section = &weights->store->parameters;
    if (entry->parameter < 0) entry->parameter = hn_store_find(weights->store, name);
    if (entry->parameter < 0) return hni_weights_fail_unknown(weights, section, name);
    const hn_parameter *parameter = &section->tensors[entry->parameter];
    if (!hn_shape_equal(parameter->shape, shape)) return hni_weights_fail_shape(weights, parameter, shape);
    if (!hni_is_tensor(entry->bound)) entry->bound = hni_weights_bind(weights, section, entry->parameter, true);
    return entry->bound;
}

hn_tensor hn_weights_get(hn_weights *weights, const char *name, hn_shape shape, hn_init init)
{
    hni_weight *entry;
    if (hn_graph_status(weights->graph) != HN_OK) return HN_NO_TENSOR;
    const hn_status status = find_entry(weights, name, &entry);
    if (status != HN_OK) return hni_weights_fail(weights, status);
    if (is_replaced(weights, entry)) return get_replaced(weights, name, entry, shape);
    if (!hni_is_tensor(entry->bound) && !hni_weights_have_numbers(weights, name)) return HN_NO_TENSOR;
    return weights->store->sealed ? get_sealed(weights, entry, name, shape)
                                  : get_declared(weights, entry, name, shape, init);
}

uint32_t hn_weights_site(hn_weights *weights, const char *name)
{
    uint32_t site = 0;
    if (hn_graph_status(weights->graph) != HN_OK) return site;
    const hn_status status = hni_store_site(weights->store, name, &site);
    if (status != HN_OK) (void)hni_weights_fail(weights, status);
    return site;
}
