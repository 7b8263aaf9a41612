/* The sealed store: layout of the flat blocks, their memory, the start of every parameter, copies in and out.
 * Numbers move only through the kernel table, since the memory may be another device's. */
#include <string.h>

#include "core/alloc.h"
#include "core/size.h"
#include "graph/graph.h"
#include "params/init.h"
#include "params/store.h"

/* ---- layout and memory ----------------------------------------------------------------------------------------- */

static bool lay_out(hni_section *section, size_t element_size)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < section->names.count; i++) {
        hn_parameter *tensor = &section->tensors[i];
        size_t own;
        tensor->offset = (int64_t)(bytes / element_size);
        if (!hni_size_mul((size_t)tensor->elements, element_size, &own) || !hni_size_add(bytes, own, &bytes) ||
            !hni_size_round_up(bytes, HNI_ALIGNMENT, &bytes) || bytes > INT64_MAX)
            return false;
    }
    section->reals = (int64_t)(bytes / element_size);
    return true;
}

hn_status hni_section_block(const hn_store *store, const hni_section *section, const char *what, void **out_block)
{
    const size_t size = (size_t)section->reals * hn_dtype_size(store->kernels->dtype); /* lay_out has checked it */
    return store->kernels->allocate(store->context, what, size, out_block);
}

static int64_t largest_tensor(const hni_section *section)
{
    int64_t largest = 0;
    for (int64_t i = 0; i < section->names.count; i++)
        if (section->tensors[i].elements > largest) largest = section->tensors[i].elements;
    return largest;
}

static hn_status initialise(hn_store *store, const hni_section *section, uint64_t seed)
{
    void *buffer = NULL;
    int64_t done = 0;
    hn_status status = HN_OK;

    HNI_TRY(hni_alloc_array(store->context, "start of a parameter", (size_t)largest_tensor(section), sizeof(double),
                            &buffer));
    for (int64_t i = 0; i < section->names.count; i++) {
        HNI_TRY(hni_go_on(store->context, "initialise", done, section->elements));
        done += section->tensors[i].elements;
        HNI_TRY(hni_init_fill(store->context, &section->tensors[i], seed, buffer));
        HNI_TRY(hni_section_write(store, section, section->values, i, HN_DTYPE_F64, buffer));
    }
cleanup:
    hni_free(store->context, buffer);
    return status;
}

static void unseal_section(hn_store *store, hni_section *section)
{
    if (section->values != NULL) store->kernels->release(store->context, section->values);
    section->values = NULL;
    for (int64_t i = 0; i < section->names.count; i++)
        section->tensors[i].offset = -1;
}

static void unseal(hn_store *store)
{
    if (store->gradients != NULL) store->kernels->release(store->context, store->gradients);
    store->gradients = NULL;
    unseal_section(store, &store->parameters);
    unseal_section(store, &store->buffers);
    store->kernels = NULL;
}

static hn_status check_seal(const hn_store *store, const hn_graph *graph)
{
    const hni_blame blame = {.op = "hn_store_seal", .argument = "graph"};
    if (store->sealed) return hni_error_at(store->context, HN_ERROR_STATE, &blame, "the store is sealed already");
    if (hn_graph_context(graph) != store->context)
        return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame,
                            "the graph belongs to another context than the store");
    return HN_OK;
}

/* seed NULL: all zeros, for values that come from a file. */
static hn_status seal(hn_store *store, const hn_graph *graph, const uint64_t *seed)
{
    hn_status status = HN_OK;
    HNI_TRY(check_seal(store, graph));

    store->kernels = hni_graph_kernels(graph);
    store->dry = hn_graph_is_dry(graph);
    store->exec = (hni_exec){.context = store->context,
                             .threads = store->context->threads,
                             .scratch = &store->scratch,
                             .step = &store->step};
    hni_section *parameters = &store->parameters, *buffers = &store->buffers;
    const size_t size = hn_dtype_size(store->kernels->dtype);
    if (!lay_out(parameters, size) || !lay_out(buffers, size)) {
        status =
            hni_error(store->context, HN_ERROR_MEMORY,
                      "hn_store_seal: %lld parameters are more than this machine can address: make the model smaller",
                      (long long)(parameters->elements + buffers->elements));
        goto cleanup;
    }
    if (!store->dry) {
        const bool has_buffers = buffers->reals > 0;
        HNI_TRY(hni_section_block(store, parameters, "parameters", &parameters->values));
        HNI_TRY(hni_section_block(store, parameters, "gradients", &store->gradients));
        if (has_buffers) HNI_TRY(hni_section_block(store, buffers, "buffers", &buffers->values));
        if (seed != NULL) HNI_TRY(initialise(store, parameters, *seed));
        if (seed != NULL && has_buffers) HNI_TRY(initialise(store, buffers, *seed));
    }
    store->sealed = true;
cleanup:
    if (status != HN_OK && !store->sealed) unseal(store);
    return status;
}

hn_status hn_store_seal(hn_store *store, const hn_graph *graph, uint64_t seed) { return seal(store, graph, &seed); }
hn_status hni_store_seal_zero(hn_store *store, const hn_graph *graph) { return seal(store, graph, NULL); }

/* ---- copies ---------------------------------------------------------------------------------------------------- */

hn_status hni_store_want_numbers(const hn_store *store, const char *call)
{
    const hni_blame blame = {.op = call};
    if (!store->sealed)
        return hni_error_at(store->context, HN_ERROR_STATE, &blame,
                            "the store is still open: call hn_store_seal first");
    if (store->dry)
        return hni_error_at(store->context, HN_ERROR_STATE, &blame,
                            "the store was sealed by a dry graph and holds no numbers: seal it with a computing graph");
    return HN_OK;
}

hn_status hni_section_want(const hn_store *store, const hni_section *section, const char *call, int64_t index)
{
    const hni_blame blame = {.op = call, .argument = "index"};
    if (index >= 0 && index < section->names.count) return HN_OK;
    return hni_error_at(store->context, HN_ERROR_ARGUMENT, &blame, "there is no %s %lld: the store has %lld",
                        section->kind, (long long)index, (long long)section->names.count);
}

hni_view hni_section_part(const hn_store *store, const hni_section *section, void *block, int64_t index)
{
    const hn_parameter *tensor = &section->tensors[index];
    const hni_view whole = hni_view_of(block, store->kernels->dtype, HN_SHAPE1(section->reals));
    return hni_view_of(hni_view_at(&whole, tensor->offset), store->kernels->dtype, tensor->shape);
}

hn_status hni_section_read(const hn_store *store, const hni_section *section, void *block, int64_t index,
                           hn_dtype dtype, void *out_data)
{
    hni_exec exec = store->exec;
    const hni_view part = hni_section_part(store, section, block, index);
    return store->kernels->copy_out(&exec, &part, dtype, out_data);
}

hn_status hni_section_write(const hn_store *store, const hni_section *section, void *block, int64_t index,
                            hn_dtype dtype, const void *data)
{
    hni_exec exec = store->exec;
    hni_view part = hni_section_part(store, section, block, index);
    return store->kernels->copy_in(&exec, &part, dtype, data);
}

/* What every public copy of one tensor asks for. */
static hn_status check_copy(const hn_store *store, const hni_section *section, const char *call, int64_t index,
                            hn_dtype dtype, int64_t count)
{
    const hni_blame blame = {.op = call,
                             .argument = dtype == HN_DTYPE_F32 || dtype == HN_DTYPE_F64 ? "count" : "dtype"};
    hn_status status = hni_store_want_numbers(store, call);
    if (status == HN_OK) status = hni_section_want(store, section, call, index);
    if (status != HN_OK) return status;
    const hn_parameter *tensor = &section->tensors[index];
    if (dtype != HN_DTYPE_F32 && dtype != HN_DTYPE_F64)
        return hni_error_at(store->context, HN_ERROR_TYPE, &blame, "\"%s\" can be copied as F32 or F64, not as %s",
                            tensor->name, hn_dtype_name(dtype));
    if (count != tensor->elements)
        return hni_error_at(store->context, HN_ERROR_SHAPE, &blame, "\"%s\" has %lld elements, not %lld", tensor->name,
                            (long long)tensor->elements, (long long)count);
    return HN_OK;
}

hn_status hn_store_read(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count, void *out_data)
{
    const hni_section *section = &store->parameters;
    const hn_status status = check_copy(store, section, "hn_store_read", index, dtype, count);
    return status == HN_OK ? hni_section_read(store, section, section->values, index, dtype, out_data) : status;
}

hn_status hn_store_write(hn_store *store, int64_t index, hn_dtype dtype, int64_t count, const void *data)
{
    const hni_section *section = &store->parameters;
    const hn_status status = check_copy(store, section, "hn_store_write", index, dtype, count);
    return status == HN_OK ? hni_section_write(store, section, section->values, index, dtype, data) : status;
}

hn_status hn_store_gradient_read(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count, void *out_data)
{
    const hni_section *section = &store->parameters;
    const hn_status status = check_copy(store, section, "hn_store_gradient_read", index, dtype, count);
    return status == HN_OK ? hni_section_read(store, section, store->gradients, index, dtype, out_data) : status;
}

hn_status hn_store_buffer_read(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count, void *out_data)
{
    const hni_section *section = &store->buffers;
    const hn_status status = check_copy(store, section, "hn_store_buffer_read", index, dtype, count);
    return status == HN_OK ? hni_section_read(store, section, section->values, index, dtype, out_data) : status;
}

hn_status hn_store_buffer_write(hn_store *store, int64_t index, hn_dtype dtype, int64_t count, const void *data)
{
    const hni_section *section = &store->buffers;
    const hn_status status = check_copy(store, section, "hn_store_buffer_write", index, dtype, count);
    return status == HN_OK ? hni_section_write(store, section, section->values, index, dtype, data) : status;
}

hn_status hn_store_zero_gradients(hn_store *store)
{
    /* A dry run of a whole training step comes by here too: there is nothing to do for it. */
    if (store->sealed && store->dry) return HN_OK;
    const hn_status status = hni_store_want_numbers(store, "hn_store_zero_gradients");
    if (status != HN_OK) return status;
    const size_t size = (size_t)store->parameters.reals * hn_dtype_size(store->kernels->dtype);
    store->exec.threads = store->context->threads; /* a step begins: hn_context_set_threads takes effect */
    return store->kernels->fill_zero(&store->exec, store->gradients, size);
}
