/* A hypernetwork for your own network: the first matrix of a two-layer net (2-16-1, tanh) is made from an embedding of 4 numbers by a
 * linear generator, and put in place by name. my_network knows nothing of it. Learns x * y. */
#include <hypernet/hypernet.h>
#include <stdio.h>

enum { BATCH = 64, HIDDEN = 16, EMBEDDING = 4, STEPS = 400 };

/* An ordinary network: asks for its weights by name. x [B,2] -> [B,1] */
static hn_tensor my_network(hn_weights *weights, hn_tensor x)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_tensor hidden = hn_tanh(graph, hn_linear(weights, "first", x, HIDDEN, hn_init_normal(0.7)));
    return hn_linear(weights, "second", hidden, 1, hn_init_normal(0.25));
}

/* The generator: embedding [1,E] -> "first.weight" [HIDDEN,2]. The two lines at the end are all that a hypernetwork needs. */
static hn_status generate(hn_weights *weights)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_tensor embedding = hn_weights_get(weights, "embedding", HN_SHAPE2(1, EMBEDDING), hn_init_normal(1));
    const hn_tensor flat = hn_linear(weights, "generator", embedding, HIDDEN * 2, hn_init_normal(0.5));
    const hn_tensor matrix = hn_reshape(graph, flat, HN_SHAPE2(HIDDEN, 2));
    return hn_weights_put(weights, "first.weight", matrix);
}

/* Mean squared error on a grid of points that moves with `step`. */
static hn_tensor loss_of(hn_weights *weights, int step)
{
    hn_graph *graph = hn_weights_graph(weights);
    float x[BATCH * 2], y[BATCH];
    for (int i = 0; i < BATCH; i++) {
        x[2 * i] = (float)((i * 37 + step * 11) % 64) / 32 - 1;
        x[2 * i + 1] = (float)((i * 53 + step * 29) % 64) / 32 - 1;
        y[i] = x[2 * i] * x[2 * i + 1];
    }
    const hn_tensor out = my_network(weights, hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(BATCH, 2), x, false));
    const hn_tensor error = hn_sub(graph, out, hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(BATCH, 1), y, false));
    return hn_mean(graph, hn_mul(graph, error, error), HN_ALL_AXES, false);
}

int main(void)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_context *context = NULL;
    hn_store *store = NULL;
    if (hn_context_create(NULL, &context) != HN_OK) return 1;
    hn_status status = hn_store_create(context, &store);
    for (int pass = 0; status == HN_OK && pass < 2; pass++) { /* declare on a dry graph, then compute */
        hn_graph *graph = NULL;
        hn_weights *weights = NULL;
        hn_optimizer *optimizer = NULL;
        status = hn_graph_create(context, pass == 0 ? &dry : NULL, &graph);
        if (status == HN_OK && pass == 1) status = hn_store_seal(store, graph, 1);
        if (status == HN_OK && pass == 1) status = hn_optimizer_create(store, NULL, &optimizer);
        if (status == HN_OK) status = hn_weights_create(graph, store, &weights);
        for (int step = 0; status == HN_OK && step < (pass == 0 ? 1 : STEPS); step++) {
            double value = 0;
            hn_graph_reset(graph);
            status = generate(weights);
            const hn_tensor loss = loss_of(weights, step);
            if (status == HN_OK) status = hn_graph_status(graph);
            if (status != HN_OK || pass == 0) break;
            status = hn_store_zero_gradients(store);
            if (status == HN_OK) status = hn_backward(graph, loss);
            if (status == HN_OK) status = hn_optimizer_step(optimizer, 1e-2, NULL);
            if (status == HN_OK) status = hn_tensor_read(graph, loss, HN_DTYPE_F64, 1, &value);
            if (step % 100 == 0 || step == STEPS - 1) printf("step %3d: mean squared error %.5f\n", step, value);
        }
        if (pass == 1)
            printf("%lld numbers are learned; first.weight is generated\n", (long long)hn_store_elements(store));
        hn_weights_destroy(weights);
        hn_optimizer_destroy(optimizer);
        hn_graph_destroy(graph);
    }
    if (status != HN_OK) fprintf(stderr, "generate_weights: %s\n", hn_context_error(context)->text);
    hn_store_destroy(store);
    hn_context_destroy(context);
    return status == HN_OK ? 0 : 1;
}
