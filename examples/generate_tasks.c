/* One generator, two tasks: the weights of a network (2-24-1, tanh) are made in chunks, and each task has an embedding of its own.
 * my_network knows nothing of it. Task 0 is x * y, task 1 is |x| - |y|. */
#include <hypernet/hypernet.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 64, HIDDEN = 24, TASKS = 2, STEPS = 602 };
/* Asks for its weights by name. x [B,2] -> [B,1] */
static hn_tensor my_network(hn_weights *weights, hn_tensor x)
{
    const hn_tensor first = hn_linear(weights, "first", x, HIDDEN, hn_init_zeros());
    return hn_linear(weights, "second", hn_tanh(hn_weights_graph(weights), first), 1, hn_init_zeros());
}

static hn_status generate(hn_weights *weights, int task)
{
    const hn_chunk_target targets[] = {{"first.weight", HN_SHAPE2(HIDDEN, 2), 0, 0},
                                       {"first.bias", HN_SHAPE1(HIDDEN), 0.5, 0},
                                       {"second.weight", HN_SHAPE2(1, HIDDEN), 0, 0}};
    hn_chunk_generator generator;
    hn_chunk_generator_default(&generator);
    generator.chunk_size = 16;
    generator.tasks = TASKS;
    return hn_generate_chunks(weights, "generator", &generator, targets, 3, &(hn_chunk_inputs){.task = task});
}

/* Mean squared error of a task on a grid of points that moves with `step`. */
static hn_tensor loss_of(hn_weights *weights, int task, int step)
{
    hn_graph *graph = hn_weights_graph(weights);
    float x[BATCH * 2], y[BATCH];
    for (int i = 0; i < BATCH; i++) {
        const float a = x[2 * i] = (float)((i * 37 + step * 11) % 64) / 32 - 1;
        const float b = x[2 * i + 1] = (float)((i * 53 + step * 29) % 64) / 32 - 1;
        y[i] = task == 0 ? a * b : fabsf(a) - fabsf(b);
    }
    const hn_tensor out = my_network(weights, hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(BATCH, 2), x, false));
    const hn_tensor error = hn_sub(graph, out, hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(BATCH, 1), y, false));
    return hn_mean(graph, hn_mul(graph, error, error), HN_ALL_AXES, false);
}

int main(void)
{
    hn_context *context;
    hn_store *store = NULL;
    if (hn_context_create(NULL, &context) != HN_OK) return 1;
    hn_status status = hn_store_create(context, &store);
    for (int pass = 0; status == HN_OK && pass < 2; pass++) { /* declare on a dry graph, then compute */
        const hn_graph_options options = {pass == 0 ? HN_BACKEND_DRY : HN_BACKEND_BEST, HN_DTYPE_F32};
        hn_graph *graph = NULL;
        hn_weights *weights = NULL;
        hn_optimizer *optimizer = NULL;
        status = hn_graph_create(context, &options, &graph);
        if (status == HN_OK && pass == 1) status = hn_store_seal(store, graph, 1);
        if (status == HN_OK && pass == 1) status = hn_optimizer_create(store, NULL, &optimizer);
        if (status == HN_OK) status = hn_weights_create(graph, store, &weights);
        for (int step = 0; status == HN_OK && step < (pass == 0 ? 1 : STEPS); step++) {
            const int task = step % TASKS;
            double value = 0;
            hn_graph_reset(graph);
            status = generate(weights, task);
            const hn_tensor loss = loss_of(weights, task, step);
            if (status == HN_OK) status = hn_graph_status(graph);
            if (status != HN_OK || pass == 0) break;
            status = hn_store_zero_gradients(store);
            if (status == HN_OK) status = hn_backward(graph, loss);
            if (status == HN_OK) status = hn_optimizer_step(optimizer, 1e-2, NULL);
            if (status == HN_OK) status = hn_tensor_read(graph, loss, HN_DTYPE_F64, 1, &value);
            if (step % 100 < TASKS) printf("step %3d, task %d: squared error %.5f\n", step, task, value);
        }
        hn_weights_destroy(weights);
        hn_optimizer_destroy(optimizer);
        hn_graph_destroy(graph);
    }
    if (status != HN_OK) fprintf(stderr, "%s\n", hn_context_error(context)->text);
    hn_store_destroy(store);
    hn_context_destroy(context);
    return status == HN_OK ? 0 : 1;
}
