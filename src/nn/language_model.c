/* The character language model: one-hot symbols, recurrent layers, softmax (paper 4.3, 4.4). */
#include <stdio.h>

#include "nn/cell.h"
#include "params/store.h"

/* Cell of layer k: layer 0 reads symbols, the others the units below. */
static hn_cell layer_cell(const hn_language_model *model, int layer)
{
    hn_cell cell = model->cell;
    cell.input_size = layer == 0 ? model->vocabulary_size : model->cell.units;
    return cell;
}

/* Dropout over [B,T,N] or [B,T] whose masks do not depend on how the batch is cut. */
static hn_tensor drop(hn_weights *weights, const char *site, hn_tensor x, double keep, int64_t first_row)
{
    hn_graph *graph = hn_weights_graph(weights);
    const uint32_t number = hn_weights_site(weights, site);
    const hn_shape shape = hn_tensor_shape(graph, x);
    hn_dropout_options options = {.keep = keep, .site = number};
    if (shape.rank < 2) return x;
    const int64_t width = shape.rank == 3 ? shape.size[2] : 1;
    options.base = first_row * shape.size[1] * width;
    return hn_dropout(graph, x, &options);
}

/* Ones [B,T]: weights of the loss, and what input dropout drops. */
static hn_tensor ones(hn_graph *graph, int64_t rows, int64_t steps)
{
    const hn_tensor zeros = hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE2(rows, steps), NULL, false);
    return hn_scale(graph, zeros, 0, 1);
}

static hn_tensor softmax_logits(hn_weights *weights, const hn_language_model *model, hn_tensor outputs)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_shape shape = hn_tensor_shape(graph, outputs);
    if (shape.rank < 0) return HN_NO_TENSOR;
    const hn_tensor flat = hn_reshape(graph, outputs, HN_SHAPE2(shape.size[0] * shape.size[1], shape.size[2]));
    const hn_tensor logits = hn_linear(weights, "softmax", flat, model->vocabulary_size, hn_init_orthogonal(1, 1));
    return hn_reshape(graph, logits, HN_SHAPE3(shape.size[0], shape.size[1], model->vocabulary_size));
}

hn_language_result hn_language_run(hn_weights *weights, const hn_language_model *model, const hn_window *window,
                                   const hn_tensor *state, hn_observation *observe)
{
    hn_graph *graph = hn_weights_graph(weights);
    hn_language_result result = {.logits = HN_NO_TENSOR};
    if (hn_graph_status(graph) != HN_OK) return result;
    graph->status = hn_language_model_check(graph->context, model);
    if (graph->status != HN_OK || hni_graph_want(graph, window->symbols, "language model") == NULL) return result;
    const hn_shape shape = hn_tensor_shape(graph, window->symbols);
    if (shape.rank != 2 || hn_tensor_dtype(graph, window->symbols) != HN_DTYPE_I32) {
        hni_graph_fail(graph, HN_ERROR_SHAPE, "language model: symbols must be I32 [B,T]");
        return result;
    }
    const int64_t rows = shape.size[0], steps = shape.size[1];
    hn_tensor x = window->symbols;
    for (int k = 0; k < model->layers; k++) {
        const hn_cell cell = layer_cell(model, k);
        hn_sequence_options options;
        char name[32], site[64];
        hn_sequence_options_default(&options);
        snprintf(name, sizeof name, "layers.%d", k);
        snprintf(site, sizeof site, "dropout layers.%d.input", k);
        options.lengths = window->lengths;
        options.dropout_base = window->first_row;
        options.observe = observe != NULL ? &observe[k] : NULL;
        if (k > 0) x = drop(weights, site, x, model->keep_between, window->first_row);
        if (k == 0 && model->keep_input < 1 && graph->training) {
            options.input_scale =
                drop(weights, "dropout input", ones(graph, rows, steps), model->keep_input, window->first_row);
        }
        const hn_sequence_result layer = hn_sequence(weights, name, &cell, x, state[k], &options);
        result.outputs[k] = x = layer.outputs;
        result.state[k] = layer.state;
    }
    x = drop(weights, "dropout output", x, model->keep_output, window->first_row);
    result.logits = softmax_logits(weights, model, x);
    if (window->targets.slot == 0) return result;
    const hn_tensor loss_weights = window->weights.slot != 0 ? window->weights : ones(graph, rows, steps);
    const double divisor = window->divisor > 0 ? window->divisor : (double)(rows * steps);
    result.loss = hn_softmax_cross_entropy(graph, result.logits, window->targets, loss_weights, divisor);
    return result;
}

hn_status hn_language_model_declare(hn_store *store, const hn_language_model *model)
{
    hn_context *context = store->context;
    hn_graph *graph = NULL;
    hn_weights *weights = NULL;
    hn_tensor state[HN_MAX_LAYERS];
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_window window = {.divisor = 0};
    hn_status status;
    HNI_TRY(hn_language_model_check(context, model));
    HNI_TRY(hn_graph_create(context, &options, &graph));
    HNI_TRY(hn_weights_create(graph, store, &weights));
    window.symbols = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(1, 1), NULL, false);
    for (int k = 0; k < model->layers; k++) {
        state[k] = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(1, hn_cell_state_size(&model->cell)), NULL, false);
    }
    hn_language_run(weights, model, &window, state, NULL);
    HNI_TRY(hn_graph_status(graph));
cleanup:
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    return status;
}
