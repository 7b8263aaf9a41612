/* Life of a graph: creation, reset, slots, and copies of tensors in and out. The tape is in tape.c, the builders in build.c. */
#include "graph/graph.h"
#include "kernels/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "core/size.h"

void hn_graph_options_default(hn_graph_options *out_options)
{
    *out_options = (hn_graph_options){.backend = HN_BACKEND_BEST, .dtype = HN_DTYPE_F32};
}

static const hni_kernels *find_kernels(const hn_graph_options *options)
{
    switch (options->backend) {
    case HN_BACKEND_GENERIC: return hni_kernels_generic(options->dtype);
    case HN_BACKEND_CPU: return hni_kernels_cpu(options->dtype);
    case HN_BACKEND_DRY: return hni_kernels_dry(options->dtype);
    case HN_BACKEND_BEST: break;
    }
    const hni_kernels *best = hni_kernels_cpu(options->dtype);
    return best != NULL ? best : hni_kernels_generic(options->dtype);
}

hn_status hn_graph_create(hn_context *context, const hn_graph_options *options, hn_graph **out_graph)
{
    static const char *const backends[] = {"best", "generic", "cpu", "dry"};
    hn_graph_options chosen;
    hn_graph_options_default(&chosen);
    if (options != NULL) chosen = *options;
    *out_graph = NULL;
    if ((int)chosen.backend < 0 || chosen.backend > HN_BACKEND_DRY) {
        return hni_error(context, HN_ERROR_ARGUMENT, "graph: there is no backend number %d", (int)chosen.backend);
    }
    const hni_kernels *kernels = find_kernels(&chosen);
    if (kernels == NULL) {
        return hni_error(context, HN_ERROR_UNSUPPORTED, "graph: backend %s does not compute in %s in this build",
                         backends[chosen.backend], hn_dtype_name(chosen.dtype));
    }
    void *memory = NULL;
    const hn_status status = hni_alloc(context, "graph", sizeof(hn_graph), &memory);
    if (status != HN_OK) return status;
    hn_graph *graph = memory;
    graph->context = context;
    graph->kernels = kernels;
    graph->dry = chosen.backend == HN_BACKEND_DRY;
    graph->recording = graph->training = true;
    graph->generation = ++context->generations;
    hni_arena_init(&graph->data, context, "step memory", graph->dry);
    hni_arena_init(&graph->meta, context, "tape", false);
    hni_arena_init(&graph->scratch, context, "scratch memory", graph->dry);
    graph->exec =
        (hni_exec){.context = context, .threads = context->threads, .scratch = &graph->scratch, .step = &graph->step};
    graph->step.finite = 1;
    graph->step.clip_factor = 1;
    *out_graph = graph;
    return HN_OK;
}

static void release_persistent(hn_graph *graph, hni_value *value)
{
    if (!value->bound) graph->kernels->release(graph->context, value->view.data);
    *value = (hni_value){.generation = value->generation};
}

void hn_graph_destroy(hn_graph *graph)
{
    if (graph == NULL) return;
    for (int64_t i = 0; i < graph->persistent_count; i++) {
        if (graph->persistent[i].used || graph->persistent[i].dropped) release_persistent(graph, &graph->persistent[i]);
    }
    hni_arena_destroy(&graph->data);
    hni_arena_destroy(&graph->meta);
    hni_arena_destroy(&graph->scratch);
    hni_free(graph->context, graph->values);
    hni_free(graph->context, graph->persistent);
    hni_free(graph->context, graph->nodes);
    hni_free(graph->context, graph->free_gradients);
    hni_free(graph->context, graph);
}

/* Nothing of the step reads them any more. */
static void release_dropped(hn_graph *graph)
{
    for (int64_t i = 0; graph->has_dropped && i < graph->persistent_count; i++) {
        if (graph->persistent[i].dropped) release_persistent(graph, &graph->persistent[i]);
    }
    graph->has_dropped = false;
}

void hn_graph_reset(hn_graph *graph)
{
    release_dropped(graph);
    hni_arena_reset(&graph->data);
    hni_arena_reset(&graph->meta);
    hni_arena_reset(&graph->scratch);
    graph->value_count = graph->node_count = graph->free_count = 0;
    graph->generation = ++graph->context->generations;
    graph->exec.threads = graph->context->threads;
    graph->resets++;
    graph->walked = false;
    graph->status = HN_OK;
}

static void set_mode(hn_graph *graph, hni_graph_mode mode)
{
    hn_graph_reset(graph);
    graph->recording = mode.recording;
    graph->training = mode.training;
}

hni_graph_mode hni_graph_begin_evaluation(hn_graph *graph)
{
    const hni_graph_mode before = {.recording = graph->recording, .training = graph->training};
    set_mode(graph, (hni_graph_mode){.recording = false});
    return before;
}

void hni_graph_end_evaluation(hn_graph *graph, hni_graph_mode before) { set_mode(graph, before); }

/* ---- small questions ---- */

hn_context *hn_graph_context(const hn_graph *graph) { return graph->context; }
hn_dtype hn_graph_dtype(const hn_graph *graph) { return graph->kernels->dtype; }
const char *hn_graph_backend_name(const hn_graph *graph) { return graph->kernels->backend; }
bool hn_graph_is_dry(const hn_graph *graph) { return graph->dry; }
hn_status hn_graph_status(const hn_graph *graph) { return graph->status; }
void hn_graph_record(hn_graph *graph, bool on) { graph->recording = on; }
bool hn_graph_is_recording(const hn_graph *graph) { return graph->recording; }
void hn_graph_train(hn_graph *graph, bool on) { graph->training = on; }
bool hn_graph_is_training(const hn_graph *graph) { return graph->training; }
int64_t hn_graph_step_bytes(const hn_graph *graph) { return graph->data.used; }
int64_t hn_graph_peak_bytes(const hn_graph *graph) { return graph->data.peak + graph->scratch.peak; }
int64_t hn_graph_nodes(const hn_graph *graph) { return graph->node_count; }
uint32_t hn_site(const char *name) { return hni_rng_site(name); }
const hni_kernels *hni_graph_kernels(const hn_graph *graph) { return graph->kernels; }
hn_precision hn_graph_precision(const hn_graph *graph) { return graph->exec.precision; }

hn_status hn_graph_set_precision(hn_graph *graph, hn_precision precision)
{
    const bool cpu = strcmp(graph->kernels->backend, "cpu") == 0;
    if (precision != HN_PRECISION_F32 && precision != HN_PRECISION_BF16) {
        return hni_error(graph->context, HN_ERROR_ARGUMENT, "graph: there is no precision number %d", (int)precision);
    }
    if (precision == HN_PRECISION_BF16 && !graph->dry && (!cpu || hni_probe_bf16_support() == HNI_PROBE_BF16_ABSENT)) {
        return hni_error(
            graph->context, HN_ERROR_UNSUPPORTED,
            "graph: precision bf16 needs the cpu backend and a processor with AVX-512 or better; this is %s%s%s: "
            "use f32",
            graph->kernels->backend, cpu ? ", level " : "", cpu ? hni_kernels_isa() : "");
    }
    graph->exec.precision = precision;
    return HN_OK;
}

hni_exec *hni_graph_exec(hn_graph *graph) { return &graph->exec; }
uint64_t hni_graph_resets(const hn_graph *graph) { return graph->resets; }

void hn_graph_set_step(hn_graph *graph, uint64_t seed, uint32_t step)
{
    graph->step.seed = seed;
    graph->step.step = step;
}

hn_tensor hni_graph_fail(hn_graph *graph, hn_status status, const char *format, ...)
{
    if (graph->status == HN_OK) {
        char text[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        graph->status = hni_error(graph->context, status, "%s", text);
    }
    return HN_NO_TENSOR;
}

/* ---- slots ---- */

hni_value *hni_graph_slot(const hn_graph *graph, uint32_t slot)
{
    if ((slot & HNI_PERSISTENT) != 0) return &graph->persistent[slot & ~HNI_PERSISTENT];
    return &graph->values[slot - 1];
}

hni_value *hni_graph_value(const hn_graph *graph, hn_tensor tensor)
{
    if ((tensor.slot & HNI_PERSISTENT) != 0) {
        const int64_t index = (int64_t)(tensor.slot & ~HNI_PERSISTENT);
        if (index >= graph->persistent_count) return NULL;
        hni_value *value = &graph->persistent[index];
        return value->used && value->generation == tensor.generation ? value : NULL;
    }
    if (tensor.slot == 0 || (int64_t)tensor.slot > graph->value_count || tensor.generation != graph->generation)
        return NULL;
    return &graph->values[tensor.slot - 1];
}

hni_value *hni_graph_want(hn_graph *graph, hn_tensor tensor, const char *what)
{
    hni_value *value = hni_graph_value(graph, tensor);
    if (value == NULL) {
        const bool empty = tensor.slot == 0;
        hni_graph_fail(
            graph, HN_ERROR_STALE, "%s: %s", what,
            empty ? "an input is no tensor (HN_NO_TENSOR)"
                  : "a tensor of an earlier step or of another graph (the graph was reset, or it was dropped)");
    }
    return value;
}

static bool grow(hn_graph *graph, const char *what, int64_t count, int64_t *room, size_t size, void **array)
{
    if (count < *room) return true;
    const int64_t wanted = *room < 64 ? 64 : *room * 2;
    const hn_status status = hni_realloc_array(graph->context, what, (size_t)wanted, size, array);
    if (status != HN_OK) {
        graph->status = status;
        return false;
    }
    *room = wanted;
    return true;
}

hn_tensor hni_graph_add_value(hn_graph *graph, const hni_view *view)
{
    void *values = graph->values;
    const bool ok = grow(graph, "tape", graph->value_count, &graph->value_room, sizeof(hni_value), &values);
    graph->values = values;
    if (!ok) return HN_NO_TENSOR;
    const uint32_t slot = (uint32_t)++graph->value_count;
    graph->values[slot - 1] = (hni_value){.view = *view, .root = slot};
    return (hn_tensor){slot, graph->generation};
}

static hn_tensor add_persistent(hn_graph *graph, const hni_view *view)
{
    int64_t index = 0;
    while (index < graph->persistent_count && (graph->persistent[index].used || graph->persistent[index].dropped))
        index++;
    void *values = graph->persistent;
    const bool ok = grow(graph, "persistent tensors", index, &graph->persistent_room, sizeof(hni_value), &values);
    graph->persistent = values;
    if (!ok) return HN_NO_TENSOR;
    if (index == graph->persistent_count) graph->persistent_count++;
    const uint32_t slot = HNI_PERSISTENT | (uint32_t)index;
    graph->persistent[index] =
        (hni_value){.view = *view, .root = slot, .generation = ++graph->context->generations, .used = true};
    return (hn_tensor){slot, graph->persistent[index].generation};
}

hn_tensor hni_graph_bind(hn_graph *graph, const hni_view *value, const hni_view *gradient)
{
    const hn_tensor tensor = add_persistent(graph, value);
    hni_value *slot = hni_graph_value(graph, tensor);
    if (slot == NULL) return HN_NO_TENSOR;
    slot->bound = true;
    slot->wants_gradient = gradient != NULL;
    slot->gradient = gradient != NULL ? gradient->data : NULL;
    return tensor;
}

/* Bytes of a whole tensor; an error where they cannot be counted. */
static hn_status bytes_of(hn_context *context, hn_shape shape, hn_dtype dtype, size_t *out_size)
{
    const int64_t elements = hn_shape_elements(shape);
    char text[96];
    *out_size = 0;
    if (elements >= 1 && hni_size_mul((size_t)elements, hn_dtype_size(dtype), out_size) &&
        *out_size <= (size_t)INT64_MAX) {
        return HN_OK;
    }
    return hni_error(context, HN_ERROR_MEMORY,
                     "step memory: %s has more bytes than an address can count; use smaller sizes",
                     hn_shape_print(shape, text, sizeof text));
}

hn_status hni_graph_take(hn_graph *graph, hni_view *view)
{
    size_t size;
    const hn_status status = bytes_of(graph->context, hni_view_shape(view), view->dtype, &size);
    return status != HN_OK ? status : hni_arena_take(&graph->data, size, &view->data);
}

/* ---- tensors in and out ---- */

static bool is_float(hn_dtype dtype) { return dtype == HN_DTYPE_F32 || dtype == HN_DTYPE_F64; }

/* The type in which the graph keeps `dtype`: its own float for floats. */
static hn_dtype kept_type(const hn_graph *graph, hn_dtype dtype)
{
    return is_float(dtype) ? graph->kernels->dtype : dtype;
}

static hn_status check_new(hn_graph *graph, hn_dtype dtype, hn_shape shape)
{
    char text[96];
    if (!is_float(dtype) && dtype != HN_DTYPE_I32 && dtype != HN_DTYPE_U8) {
        return hni_error(graph->context, HN_ERROR_TYPE, "tensor: no op takes %s yet: give F32, F64, I32 or U8",
                         hn_dtype_name(dtype));
    }
    if (hn_shape_elements(shape) < 1) {
        return hni_error(graph->context, HN_ERROR_SHAPE,
                         "tensor: %s is no shape: at most %d dimensions, each at least 1",
                         hn_shape_print(shape, text, sizeof text), HN_MAX_RANK);
    }
    return HN_OK;
}

hn_tensor hn_tensor_from(hn_graph *graph, hn_dtype dtype, hn_shape shape, const void *data, bool differentiable)
{
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    graph->status = check_new(graph, dtype, shape);
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    if (differentiable && !is_float(dtype)) {
        return hni_graph_fail(graph, HN_ERROR_TYPE, "tensor: %s cannot have a gradient", hn_dtype_name(dtype));
    }
    hni_view view = hni_view_of(NULL, kept_type(graph, dtype), shape);
    graph->status = hni_graph_take(graph, &view);
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    graph->status = data != NULL
                        ? graph->kernels->copy_in(&graph->exec, &view, dtype, data)
                        : graph->kernels->fill_zero(&graph->exec, view.data,
                                                    (size_t)hni_view_elements(&view) * hn_dtype_size(view.dtype));
    if (graph->status != HN_OK) return HN_NO_TENSOR;
    const hn_tensor tensor = hni_graph_add_value(graph, &view);
    if (tensor.slot != 0) hni_graph_slot(graph, tensor.slot)->wants_gradient = differentiable;
    return tensor;
}

hn_status hn_tensor_persist(hn_graph *graph, hn_dtype dtype, hn_shape shape, hn_tensor *out_tensor)
{
    hni_view view;
    hn_status status = check_new(graph, dtype, shape);
    *out_tensor = HN_NO_TENSOR;
    if (status != HN_OK) return status;
    view = hni_view_of(NULL, kept_type(graph, dtype), shape);
    size_t size;
    status = bytes_of(graph->context, shape, view.dtype, &size);
    if (status != HN_OK) return status;
    status = graph->kernels->allocate(graph->context, "persistent tensor", size, &view.data);
    if (status != HN_OK) return status;
    *out_tensor = add_persistent(graph, &view);
    if (out_tensor->slot == 0) {
        graph->kernels->release(graph->context, view.data);
        return graph->status;
    }
    return HN_OK;
}

void hn_tensor_drop(hn_graph *graph, hn_tensor persistent)
{
    hni_value *value = hni_graph_value(graph, persistent);
    if (value == NULL || (persistent.slot & HNI_PERSISTENT) == 0) return;
    value->used = false;
    value->dropped = graph->has_dropped = true; /* the tape, or a view, may still read it */
    if (graph->value_count == 0) release_dropped(graph);
}

hn_shape hn_tensor_shape(const hn_graph *graph, hn_tensor tensor)
{
    const hni_value *value = hni_graph_value(graph, tensor);
    return value != NULL ? hni_view_shape(&value->view) : (hn_shape){.rank = -1};
}

hn_dtype hn_tensor_dtype(const hn_graph *graph, hn_tensor tensor)
{
    const hni_value *value = hni_graph_value(graph, tensor);
    return value != NULL ? value->view.dtype : HN_DTYPE_F32;
}

/* The value of a tensor with `count` elements, for calls that return a status. */
static hn_status want_count(hn_graph *graph, const char *what, hn_tensor tensor, int64_t count, hni_value **out_value)
{
    *out_value = hni_graph_value(graph, tensor);
    if (graph->status != HN_OK) return graph->status; /* say what went wrong first */
    if (*out_value == NULL) {
        return hni_error(graph->context, HN_ERROR_STALE, "%s: a tensor of an earlier step or of another graph", what);
    }
    const int64_t elements = hni_view_elements(&(*out_value)->view);
    if (count == elements) return HN_OK;
    return hni_error(graph->context, HN_ERROR_SHAPE, "%s: the tensor has %lld elements, %lld were given", what,
                     (long long)elements, (long long)count);
}

static hn_status copy_out(hn_graph *graph, const hni_view *view, hn_dtype dtype, void *out_data)
{
    if (graph->dry || view->data == NULL) {
        memset(out_data, 0, (size_t)hni_view_elements(view) * hn_dtype_size(dtype));
        return HN_OK;
    }
    return graph->kernels->copy_out(&graph->exec, view, dtype, out_data);
}

hn_status hn_tensor_read(hn_graph *graph, hn_tensor tensor, hn_dtype dtype, int64_t count, void *out_data)
{
    hni_value *value;
    const hn_status status = want_count(graph, "read", tensor, count, &value);
    return status != HN_OK ? status : copy_out(graph, &value->view, dtype, out_data);
}

hn_status hn_gradient_read(hn_graph *graph, hn_tensor tensor, hn_dtype dtype, int64_t count, void *out_data)
{
    hni_value *value;
    const hn_status status = want_count(graph, "read of a gradient", tensor, count, &value);
    if (status != HN_OK) return status;
    if (!value->wants_gradient || value->has_node || value->root != tensor.slot) {
        return hni_error(graph->context, HN_ERROR_STATE,
                         "read of a gradient: only differentiable leaves and parameters keep their gradient");
    }
    hni_view gradient = value->view;
    gradient.data = value->gradient; /* NULL, so zeros, if nothing depended on it */
    return copy_out(graph, &gradient, dtype, out_data);
}

static hn_status want_persistent(hn_graph *graph, const char *what, hn_tensor tensor)
{
    if ((tensor.slot & HNI_PERSISTENT) != 0) return HN_OK;
    return hni_error(graph->context, HN_ERROR_STATE, "%s: only persistent tensors can be overwritten", what);
}

hn_status hn_tensor_write(hn_graph *graph, hn_tensor persistent, hn_dtype dtype, int64_t count, const void *data)
{
    hni_value *value;
    hn_status status = want_persistent(graph, "write", persistent);
    if (status == HN_OK) status = want_count(graph, "write", persistent, count, &value);
    return status != HN_OK ? status : graph->kernels->copy_in(&graph->exec, &value->view, dtype, data);
}

hn_status hn_tensor_store(hn_graph *graph, hn_tensor source, hn_tensor persistent)
{
    static const double no_parameters[2] = {0, 0};
    hni_value *from, *to;
    hn_status status = want_persistent(graph, "store", persistent);
    if (status == HN_OK)
        status = want_count(graph, "store", source, hn_shape_elements(hn_tensor_shape(graph, source)), &from);
    if (status == HN_OK) status = want_count(graph, "store", persistent, hni_view_elements(&from->view), &to);
    if (status != HN_OK) return status;
    if (!hn_shape_equal(hni_view_shape(&from->view), hni_view_shape(&to->view)) || from->view.dtype != to->view.dtype ||
        !is_float(from->view.dtype)) {
        return hni_error(graph->context, HN_ERROR_SHAPE, "store: source and target must be float tensors of one shape");
    }
    return graph->kernels->map(&graph->exec, HNI_MAP_COPY, no_parameters, &from->view, &to->view, false);
}

hn_status hn_tensor_store_rows(hn_graph *graph, hn_tensor source, hn_tensor persistent, int64_t first_row)
{
    static const double no_parameters[2] = {0, 0};
    hni_value *from, *to;
    hn_status status = want_persistent(graph, "store", persistent);
    if (status == HN_OK)
        status = want_count(graph, "store", source, hn_shape_elements(hn_tensor_shape(graph, source)), &from);
    if (status == HN_OK)
        status = want_count(graph, "store", persistent, hn_shape_elements(hn_tensor_shape(graph, persistent)), &to);
    if (status != HN_OK) return status;
    hni_view rows = to->view;
    const int64_t count = from->view.rank > 0 ? from->view.size[0] : 0;
    const bool fits = rows.rank > 0 && count > 0 && first_row >= 0 && first_row <= rows.size[0] - count;
    if (fits) {
        rows.data = hni_view_at(&to->view, first_row * rows.stride[0]);
        rows.size[0] = count;
    }
    if ((!fits && first_row != 0) || !hn_shape_equal(hni_view_shape(&from->view), hni_view_shape(&rows)) ||
        from->view.dtype != rows.dtype || !is_float(rows.dtype)) {
        return hni_error(graph->context, HN_ERROR_SHAPE,
                         "store: source and target must be float tensors, and the source %lld rows of the target from "
                         "row %lld on",
                         (long long)count, (long long)first_row);
    }
    return graph->kernels->map(&graph->exec, HNI_MAP_COPY, no_parameters, &from->view, &rows, false);
}
