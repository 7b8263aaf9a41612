/* The general static generator: all numbers of any list of weights, in chunks, each from a learned embedding (and that of a task, and
 * a condition), by a small network. The inputs are not put side by side: each has a matrix of its own in the first layer, so that
 * what K chunks share, or B samples, is multiplied once:
 *
 *     y[b,k] = W e_k + W_task t + W_condition q_b + bias
 *
 * Not the paper's kernels (hyper_static.c), whose generator is tied to their channels. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hypernet/hyper.h"
#include "nn/cell.h"

#define MOST 1048576 /* of each size */
#define MOST_LAYERS 16
#define MOST_NAME 100 /* bytes of a generator's name */
#define VECTOR_DEVIATION 0.01

void hn_chunk_generator_default(hn_chunk_generator *out_generator)
{
    *out_generator = (hn_chunk_generator){.chunk_size = 1024,
                                          .embedding_size = 8,
                                          .hidden_layers = 1,
                                          .units = 32,
                                          .activation = HN_ACTIVATION_RELU,
                                          .task_size = 8};
}

/* What the first layer reads. */
typedef struct sources {
    hn_tensor chunks;    /* [K,E] */
    hn_tensor task;      /* [1,T] or HN_NO_TENSOR */
    hn_tensor condition; /* [1,Q], [B,1,Q] or HN_NO_TENSOR */
    int64_t width;       /* numbers in all */
} sources;

/* ---- checks ---- */

static hn_status check_generator(hn_context *context, const char *name, const hn_chunk_generator *generator)
{
    const struct {
        const char *name;
        int64_t value, least, most;
    } sizes[] = {
        {"chunk_size", generator->chunk_size, 1, MOST}, {"embedding_size", generator->embedding_size, 1, MOST},
        {"units", generator->units, 1, MOST},           {"hidden_layers", generator->hidden_layers, 0, MOST_LAYERS},
        {"tasks", generator->tasks, 0, MOST},           {"task_size", generator->task_size, 1, MOST},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].value >= sizes[i].least && sizes[i].value <= sizes[i].most) continue;
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: %s is %lld, it must be between %lld and %lld",
                         sizes[i].name, (long long)sizes[i].value, (long long)sizes[i].least, (long long)sizes[i].most);
    }
    if (strlen(name) > MOST_NAME)
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: the name '%.60s..' is longer than %d bytes",
                         name, MOST_NAME);
    if ((unsigned)generator->activation > HN_ACTIVATION_RELU)
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: there is no activation number %d",
                         (int)generator->activation);
    return HN_OK;
}

static hn_status check_target(hn_context *context, const hn_chunk_target *target, bool per_sample)
{
    char text[96];
    if (target->name == NULL || target->name[0] == '\0')
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: a target has no name");
    hn_shape_print(target->shape, text, sizeof text);
    if (target->shape.rank < 0 || hn_shape_elements(target->shape) < 1)
        return hni_error(context, HN_ERROR_SHAPE, "chunk generator: \"%s\" %s has a size below 1 or too many elements",
                         target->name, text);
    if (per_sample && target->shape.rank == HN_MAX_RANK)
        return hni_error(context, HN_ERROR_SHAPE,
                         "chunk generator: \"%s\" %s leaves no dimension for the batch of a condition [B,Q]",
                         target->name, text);
    if (!isfinite(target->deviation) || target->deviation < 0 || !isfinite(target->mean))
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "chunk generator: \"%s\" has deviation %g and mean %g: give finite numbers, the deviation not "
                         "below 0",
                         target->name, target->deviation, target->mean);
    return HN_OK;
}

/* P, the numbers of all targets together. */
static hn_status count_numbers(hn_context *context, const hn_chunk_target *targets, int64_t count, bool per_sample,
                               int64_t *out_numbers)
{
    *out_numbers = 0;
    if (count < 1)
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: %lld targets: it needs at least one",
                         (long long)count);
    for (int64_t i = 0; i < count; i++) {
        const hn_status status = check_target(context, &targets[i], per_sample);
        if (status != HN_OK) return status;
        const int64_t own = hn_shape_elements(targets[i].shape);
        if (own > INT64_MAX - MOST - *out_numbers) /* the last chunk may be cut: MOST more must be countable */
            return hni_error(context, HN_ERROR_SHAPE,
                             "chunk generator: the targets have more numbers than can be counted");
        *out_numbers += own;
    }
    return HN_OK;
}

static hn_status check_inputs(hn_graph *graph, const hn_chunk_generator *generator, const hn_chunk_inputs *inputs)
{
    hn_context *context = graph->context;
    char text[96];
    if (generator->tasks > 0 && inputs == NULL)
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: it has %lld tasks: say which one in inputs",
                         (long long)generator->tasks);
    if (inputs == NULL) return HN_OK;
    if (inputs->task < 0 || inputs->task > (generator->tasks > 0 ? generator->tasks - 1 : 0))
        return hni_error(context, HN_ERROR_ARGUMENT, "chunk generator: there is no task %lld: it has %lld, from 0",
                         (long long)inputs->task, (long long)generator->tasks);
    if (inputs->condition.slot == 0) return HN_OK;
    if (hni_graph_want(graph, inputs->condition, "chunk generator") == NULL) return graph->status;
    const hn_shape shape = hn_tensor_shape(graph, inputs->condition);
    if (shape.rank != 1 && shape.rank != 2)
        return hni_error(context, HN_ERROR_SHAPE, "chunk generator: the condition is %s, it must be [Q] or [B,Q]",
                         hn_shape_print(shape, text, sizeof text));
    return HN_OK;
}

/* ---- the generator's network ---- */

/* Start of a matrix that reads `width` numbers of mean square `square`, so that what it makes has variance `variance`. */
static hn_init matrix_start(double variance, int64_t width, double square)
{
    return hn_init_normal(sqrt(variance / ((double)width * square)));
}

/* Of a hidden layer's input: relu halves the mean square of what is symmetric, so the layer's variance is 2; tanh of N(0, 1) has
 * the mean square 0.3943. */
static double variance_before(hn_activation activation) { return activation == HN_ACTIVATION_RELU ? 2 : 1; }
static double square_after(hn_activation activation) { return activation == HN_ACTIVATION_RELU ? 1 : 0.394294; }

/* A parameter of the layer that must not be one a sample. */
static hn_tensor part(hn_weights *weights, const char *layer, const char *suffix, hn_shape shape, hn_init start)
{
    return hni_want_rank(hn_weights_graph(weights), hni_weight(weights, layer, suffix, shape, start), suffix,
                         shape.rank);
}

static hn_tensor add_product(hn_graph *graph, hn_tensor y, hn_tensor x, hn_tensor weight)
{
    return hn_add(graph, y, hn_matmul(graph, x, weight, HN_TRANSPOSE_B));
}

/* -> [K,outputs] or [B,K,outputs] */
static hn_tensor first_layer(hn_weights *weights, const char *layer, const sources *from, int64_t outputs,
                             double variance)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_init start = matrix_start(variance, from->width, 1);
    const struct {
        const char *suffix;
        hn_tensor x;
    } parts[] = {{"task", from->task}, {"condition", from->condition}, {"weight", from->chunks}};
    hn_tensor y = part(weights, layer, "bias", HN_SHAPE1(outputs), hn_init_zeros());
    for (int i = 0; i < 3; i++) {
        const hn_shape shape = hn_tensor_shape(graph, parts[i].x);
        if (shape.rank < 2) continue; /* not read, or an error stands */
        const hn_shape own = HN_SHAPE2(outputs, shape.size[shape.rank - 1]);
        y = add_product(graph, y, parts[i].x, part(weights, layer, parts[i].suffix, own, start));
    }
    return y;
}

static hn_tensor later_layer(hn_weights *weights, const char *layer, hn_tensor x, int64_t outputs, hn_init start)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_shape shape = hn_tensor_shape(graph, x);
    if (shape.rank < 2) return HN_NO_TENSOR;
    const hn_tensor bias = part(weights, layer, "bias", HN_SHAPE1(outputs), hn_init_zeros());
    const hn_shape own = HN_SHAPE2(outputs, shape.size[shape.rank - 1]);
    return add_product(graph, bias, x, part(weights, layer, "weight", own, start));
}

/* [K,chunk_size] or [B,K,chunk_size] */
static hn_tensor all_chunks(hn_weights *weights, const char *name, const hn_chunk_generator *generator,
                            const sources *from)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int last = generator->hidden_layers;
    hn_tensor y = HN_NO_TENSOR;
    for (int k = 0; k <= last && hn_graph_status(graph) == HN_OK; k++) {
        const int64_t outputs = k == last ? generator->chunk_size : generator->units;
        const double variance = k == last ? 1 : variance_before(generator->activation);
        char layer[MOST_NAME + 16];
        snprintf(layer, sizeof layer, "%s.layers.%d", name, k);
        y = k == 0 ? first_layer(weights, layer, from, outputs, variance)
                   : later_layer(weights, layer, y, outputs,
                                 matrix_start(variance, generator->units, square_after(generator->activation)));
        if (k < last) y = generator->activation == HN_ACTIVATION_RELU ? hn_relu(graph, y) : hn_tanh(graph, y);
    }
    return y;
}

static sources sources_of(hn_weights *weights, const char *name, const hn_chunk_generator *generator, int64_t chunks,
                          const hn_chunk_inputs *inputs)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t e = generator->embedding_size, t = generator->task_size;
    sources from = {HN_NO_TENSOR, HN_NO_TENSOR, HN_NO_TENSOR, e};
    const hn_init start = hn_init_normal(1);
    from.chunks = part(weights, name, "embeddings", HN_SHAPE2(chunks, e), start);
    if (generator->tasks > 0) {
        const hn_tensor tasks = part(weights, name, "tasks", HN_SHAPE2(generator->tasks, t), start);
        from.task = hn_slice(graph, tasks, 0, inputs->task, 1);
        from.width += t;
    }
    if (inputs != NULL && inputs->condition.slot != 0) {
        const hn_shape shape = hn_tensor_shape(graph, inputs->condition);
        const int64_t q = shape.size[shape.rank - 1];
        from.condition =
            hn_reshape(graph, inputs->condition, shape.rank == 1 ? HN_SHAPE2(1, q) : HN_SHAPE3(shape.size[0], 1, q));
        from.width += q;
    }
    return from;
}

/* ---- weights out of chunks ---- */

static double deviation_of(const hn_chunk_target *target)
{
    const hn_shape shape = target->shape;
    if (target->deviation > 0) return target->deviation;
    if (shape.rank < 2) return VECTOR_DEVIATION;
    return 1 / sqrt((double)(hn_shape_elements(shape) / shape.size[0]));
}

/* numbers [P'] or [B,P'], of which the target's begin at `first`. */
static hn_status put(hn_weights *weights, const hn_chunk_target *target, hn_tensor numbers, int64_t first)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_shape all = hn_tensor_shape(graph, numbers);
    hn_shape shape = target->shape;
    if (all.rank == 2) {
        shape.rank++;
        for (int i = shape.rank - 1; i > 0; i--)
            shape.size[i] = target->shape.size[i - 1];
        shape.size[0] = all.size[0];
    }
    const hn_tensor own = hn_slice(graph, numbers, -1, first, hn_shape_elements(target->shape));
    const hn_tensor scaled = hn_scale(graph, own, deviation_of(target), target->mean);
    return hn_weights_put(weights, target->name, hn_reshape(graph, scaled, shape));
}

hn_status hn_generate_chunks(hn_weights *weights, const char *name, const hn_chunk_generator *generator,
                             const hn_chunk_target *targets, int64_t count, const hn_chunk_inputs *inputs)
{
    hn_graph *graph = hn_weights_graph(weights);
    int64_t numbers, first = 0;
    hn_status status = hn_graph_status(graph);
    if (status != HN_OK) return status;
    status = check_generator(graph->context, name, generator);
    if (status == HN_OK) status = check_inputs(graph, generator, inputs);
    const bool has_condition = inputs != NULL && inputs->condition.slot != 0;
    const bool per_sample = has_condition && hn_tensor_shape(graph, inputs->condition).rank == 2;
    if (status == HN_OK) status = count_numbers(graph->context, targets, count, per_sample, &numbers);
    graph->status = status;
    if (status != HN_OK) return status;
    const int64_t chunks = (numbers + generator->chunk_size - 1) / generator->chunk_size;
    const sources from = sources_of(weights, name, generator, chunks, inputs);
    const hn_tensor made = all_chunks(weights, name, generator, &from);
    const hn_shape shape = hn_tensor_shape(graph, made);
    const int64_t length = chunks * generator->chunk_size;
    const hn_tensor row =
        hn_reshape(graph, made, shape.rank == 3 ? HN_SHAPE2(shape.size[0], length) : HN_SHAPE1(length));
    status = hn_graph_status(graph);
    for (int64_t i = 0; status == HN_OK && i < count; i++) {
        status = put(weights, &targets[i], row, first);
        first += hn_shape_elements(targets[i].shape);
    }
    return status;
}
