/* A recurrent network with generated weights: an LSTM language model whose recurrent matrix comes from embeddings, 64 numbers of it from
 * each. The model is the library's own and knows nothing of it. Learns a string. */
#include <hypernet/hypernet.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "a network whose weights are made by another network. ";

enum { UNITS = 48, STEPS = 200 };

/* The loss of the text; the first two lines are all that makes the recurrent matrix generated. */
static hn_tensor loss_of(hn_weights *weights, const hn_language_model *model, const hn_chunk_generator *generator)
{
    const hn_chunk_target target = {"layers.0.weight_h", HN_SHAPE2(4 * UNITS, UNITS), 0, 0};
    if (hn_generate_chunks(weights, "generator", generator, &target, 1, NULL) != HN_OK) return HN_NO_TENSOR;

    hn_graph *graph = hn_weights_graph(weights);
    const int64_t length = (int64_t)strlen(text);
    int32_t symbols[sizeof text], targets[sizeof text];
    for (int64_t i = 0; i < length; i++) {
        symbols[i] = (unsigned char)text[i];
        targets[i] = (unsigned char)text[(i + 1) % length];
    }
    hn_window window = {.divisor = 0};
    const hn_shape state_shape = HN_SHAPE2(1, hn_cell_state_size(&model->cell));
    const hn_tensor state = hn_tensor_from(graph, HN_DTYPE_F32, state_shape, NULL, false);
    window.symbols = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, length), symbols, false);
    window.targets = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, length), targets, false);
    return hn_language_run(weights, model, &window, &state, NULL).loss;
}

int main(void)
{
    hn_chunk_generator generator;
    hn_language_model model;
    hn_context *context = NULL;
    hn_store *store = NULL;
    if (hn_context_create(NULL, &context) != HN_OK) return 1;
    hn_chunk_generator_default(&generator);
    generator.chunk_size = 64;
    hn_language_model_default(&model); /* 256 symbols: the byte is the symbol */
    model.cell.units = UNITS;
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
            double value = 0;
            hn_graph_reset(graph);
            const hn_tensor loss = loss_of(weights, &model, &generator);
            status = hn_graph_status(graph);
            if (status != HN_OK || pass == 0) break;
            status = hn_store_zero_gradients(store);
            if (status == HN_OK) status = hn_backward(graph, loss);
            if (status == HN_OK) status = hn_optimizer_step(optimizer, 1e-2, NULL);
            if (status == HN_OK) status = hn_tensor_read(graph, loss, HN_DTYPE_F64, 1, &value);
            if (step % 20 == 0 || step == STEPS - 1)
                printf("step %3d: %.3f bits a character\n", step, value / 0.6931471805599453);
        }
        if (pass == 1) {
            const int64_t index = hn_store_find(store, "generator.embeddings");
            printf("%d recurrent weights come from %lld embeddings\n", 4 * UNITS * UNITS,
                   (long long)hn_store_parameter(store, index)->shape.size[0]);
        }
        hn_weights_destroy(weights);
        hn_optimizer_destroy(optimizer);
        hn_graph_destroy(graph);
    }
    if (status != HN_OK) fprintf(stderr, "generate_recurrent: %s\n", hn_context_error(context)->text);
    hn_store_destroy(store);
    hn_context_destroy(context);
    return status == HN_OK ? 0 : 1;
}
