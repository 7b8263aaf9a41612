/* Trains a HyperLSTM on a string until it can say it by heart, then lets it speak. */
#include <hypernet/hypernet.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "a network whose weights are made by another network. ";

int main(void)
{
    enum { STEPS = 200 };
    const int64_t length = (int64_t)strlen(text);
    int32_t symbols[sizeof text], targets[sizeof text];
    float logits[256];
    hn_language_model model;
    hn_context *context = NULL;
    hn_graph *graph = NULL;
    hn_store *store = NULL;
    hn_weights *weights = NULL;
    hn_optimizer *optimizer = NULL;
    hn_stream *stream = NULL;
    hn_status status = hn_context_create(NULL, &context);
    if (status != HN_OK) return 1;

    hn_language_model_default(&model); /* 256 symbols: the byte is the symbol */
    model.cell.kind = HN_CELL_HYPERLSTM;
    model.cell.layer_norm = true;
    model.cell.units = 64;
    model.cell.hyper_units = 16;
    for (int64_t i = 0; i < length; i++) {
        symbols[i] = (unsigned char)text[i];
        targets[i] = (unsigned char)text[(i + 1) % length];
    }
    status = hn_graph_create(context, NULL, &graph);
    if (status == HN_OK) status = hn_store_create(context, &store);
    if (status == HN_OK) status = hn_language_model_declare(store, &model);
    if (status == HN_OK) status = hn_store_seal(store, graph, 1);
    if (status == HN_OK) status = hn_weights_create(graph, store, &weights);
    if (status == HN_OK) status = hn_optimizer_create(store, NULL, &optimizer);

    for (int step = 0; status == HN_OK && step < STEPS; step++) {
        hn_window window = {.divisor = 0};
        double loss = 0;
        hn_graph_reset(graph);
        status = hn_store_zero_gradients(store);
        const hn_tensor state =
            hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(1, hn_cell_state_size(&model.cell)), NULL, false);
        window.symbols = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, length), symbols, false);
        window.targets = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, length), targets, false);
        const hn_language_result result = hn_language_run(weights, &model, &window, &state, NULL);
        if (status == HN_OK) status = hn_backward(graph, result.loss);
        if (status == HN_OK) status = hn_optimizer_step(optimizer, 1e-2, NULL);
        if (status == HN_OK) status = hn_tensor_read(graph, result.loss, HN_DTYPE_F64, 1, &loss);
        if (step % 20 == 0 || step == STEPS - 1)
            printf("step %3d: %.3f bits a character\n", step, loss / 0.6931471805599453);
    }
    if (status == HN_OK) status = hn_stream_create(store, &model, 1, &stream);
    for (int32_t i = 0, symbol = 'a'; status == HN_OK && i < 2 * length; i++) {
        putchar((int)symbol);
        status = hn_stream_step(stream, &symbol, logits);
        for (int32_t v = symbol = 0; v < 256; v++)
            symbol = logits[v] > logits[symbol] ? v : symbol;
    }
    putchar('\n');
    if (status != HN_OK) fprintf(stderr, "train_string: %s\n", hn_context_error(context)->text);
    hn_stream_destroy(stream);
    hn_optimizer_destroy(optimizer);
    hn_weights_destroy(weights);
    hn_store_destroy(store);
    hn_graph_destroy(graph);
    hn_context_destroy(context);
    return status == HN_OK ? 0 : 1;
}
