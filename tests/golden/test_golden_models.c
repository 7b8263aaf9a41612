/* Whole language models and single layers against PyTorch float64: loss, every gradient, outputs, final states. */
#include "golden.h"
#include "graph/graph.h"

static const char *const models[] = {
    "model_lstm_plain",
    "model_lstm",
    "model_lstm_ln",
    "model_lstm_2",
    "model_hyperlstm",
    "model_hyperlstm_ln",
    "model_hyperlstm_ln_plain",
    "model_hyperlstm_ln_lengths",
    "model_hyperlstm_ln_2",
    "model_hyperlstm_ln_previous",
    "model_lstm_zoneout",
    "model_lstm_zoneout_evaluated",
    "model_hyperlstm_zoneout",
    "model_hyperrnn_zoneout_2",
    "model_rnn",
    "model_rnn_relu_2",
    "model_hyperrnn",
    "model_hyperrnn_previous_2",
    "model_hyperrnn_full",
    "model_hyperrnn_full_relu_2",
};
static const char *const sequences[] = {
    "sequence_lstm",
    "sequence_lstm_ln_reverse",
    "sequence_hyperlstm",
    "sequence_hyperlstm_ln",
    "sequence_hyperlstm_ln_reverse",
    "sequence_rnn_reverse",
    "sequence_hyperrnn",
    "sequence_hyperrnn_relu_reverse",
    "sequence_hyperrnn_full",
    "sequence_hyperrnn_full_reverse",
};

/* Weights of the loss: 1 for the steps within a row's length; fills the divisor. */
static hn_tensor loss_weights(const golden_case *golden, double *out_divisor)
{
    const hn_file_tensor *lengths = golden_find(golden, "lengths"), *symbols = golden_find(golden, "symbols");
    const int64_t rows = symbols->shape.size[0], steps = symbols->shape.size[1];
    const int32_t *length = lengths->data;
    float weights[64] = {0};
    assert_true(rows * steps <= 64);
    *out_divisor = 0;
    for (int64_t b = 0; b < rows; b++) {
        for (int64_t t = 0; t < length[b]; t++)
            weights[b * steps + t] = 1;
        *out_divisor += length[b];
    }
    return hn_tensor_from(golden->graph, HN_DTYPE_F32, symbols->shape, weights, false);
}

static void check_model(const char *name, hn_backend backend, hn_dtype dtype, bool composed, double share)
{
    golden_case golden;
    hn_tensor state[HN_MAX_LAYERS];
    char label[32];
    hn_window window = {.divisor = 0};
    print_message("%s\n", name);
    golden_open(&golden, &(golden_options){name, "", backend, dtype, 2, true});
    golden.graph->composed = composed;
    hn_graph_set_step(golden.graph, golden.seed, golden.step);
    window.symbols = golden_tensor(&golden, "symbols", false);
    window.targets = golden_tensor(&golden, "targets", false);
    if (golden_has(&golden, "lengths")) {
        window.lengths = golden_tensor(&golden, "lengths", false);
        window.weights = loss_weights(&golden, &window.divisor);
    }
    for (int k = 0; k < golden.model.layers; k++) {
        snprintf(label, sizeof label, "state.%d", k);
        state[k] = golden_tensor(&golden, label, true);
    }
    const hn_language_result result = hn_language_run(golden.weights, &golden.model, &window, state, NULL);
    assert_ok(golden.context, hn_backward(golden.graph, result.loss));
    golden_compare(&golden, "outputs", result.outputs[golden.model.layers - 1], share);
    golden_compare(&golden, "loss", result.loss, share);
    golden_compare_parameters(&golden, "grad.", true, share);
    for (int k = 0; k < golden.model.layers; k++) {
        snprintf(label, sizeof label, "final_state.%d", k);
        golden_compare(&golden, label, result.state[k], share);
        snprintf(label, sizeof label, "grad.state.%d", k);
        golden_compare_gradient(&golden, label, state[k], share);
    }
    golden_close(&golden);
}

static void check_sequence(const char *name, hn_backend backend, hn_dtype dtype, bool composed, double share)
{
    golden_case golden;
    hn_cell cell;
    hn_sequence_options options;
    hn_sequence_result result = {HN_NO_TENSOR, HN_NO_TENSOR};
    hn_tensor inputs = HN_NO_TENSOR, state = HN_NO_TENSOR;
    print_message("%s\n", name);
    golden_open(&golden, &(golden_options){name, "", backend, dtype, 2, false});
    cell = golden.model.cell;
    cell.input_size = golden_find(&golden, "inputs")->shape.size[2];
    for (int pass = 0; pass < 2; pass++) { /* declared on a dry graph, then run */
        const hn_graph_options dry_options = {HN_BACKEND_DRY, dtype};
        hn_graph *graph = golden.graph;
        hn_weights *weights = golden.weights;
        if (pass == 0) {
            assert_ok(golden.context, hn_graph_create(golden.context, &dry_options, &golden.graph));
            assert_ok(golden.context, hn_weights_create(golden.graph, golden.store, &golden.weights));
        }
        golden.graph->composed = composed;
        hn_sequence_options_default(&options);
        inputs = golden_tensor(&golden, "inputs", true);
        state = golden_tensor(&golden, "state", true);
        if (golden_has(&golden, "lengths")) options.lengths = golden_tensor(&golden, "lengths", false);
        options.reverse = golden.reverse;
        result = hn_sequence(golden.weights, "layers.0", &cell, inputs, state, &options);
        assert_ok(golden.context, hn_graph_status(golden.graph));
        if (pass == 1) break;
        hn_weights_destroy(golden.weights);
        hn_graph_destroy(golden.graph);
        golden.graph = graph;
        golden.weights = weights;
        assert_ok(golden.context, hn_store_seal(golden.store, graph, 1));
        golden_load_parameters(&golden, "");
    }
    golden_compare(&golden, "outputs", result.outputs, share);
    golden_compare(&golden, "final_state", result.state, share);
    const hn_tensor loss = hn_add(
        golden.graph,
        hn_sum(golden.graph, hn_mul(golden.graph, result.outputs, golden_tensor(&golden, "cotangent.outputs", false)),
               HN_ALL_AXES, false),
        hn_sum(golden.graph, hn_mul(golden.graph, result.state, golden_tensor(&golden, "cotangent.final_state", false)),
               HN_ALL_AXES, false));
    assert_ok(golden.context, hn_backward(golden.graph, loss));
    golden_compare_gradient(&golden, "grad.inputs", inputs, share);
    golden_compare_gradient(&golden, "grad.state", state, share);
    golden_compare_parameters(&golden, "grad.", true, share);
    golden_close(&golden);
}

/* Both forms of a layer: one fused op, and a composition of primitive ones. */
static void check_all(hn_backend backend, hn_dtype dtype, double share)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        for (int composed = 0; composed < 2; composed++)
            check_model(models[i], backend, dtype, composed == 1, share);
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++)
        for (int composed = 0; composed < 2; composed++)
            check_sequence(sequences[i], backend, dtype, composed == 1, share);
}

static void generic_double(void **state)
{
    (void)state;
    check_all(HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-11);
}

static void generic_float(void **state)
{
    (void)state;
    check_all(HN_BACKEND_GENERIC, HN_DTYPE_F32, 1e-4);
}

static void best_float(void **state)
{
    (void)state;
    check_all(HN_BACKEND_BEST, HN_DTYPE_F32, 1e-4);
}

/* ---- 20 Adam steps ---- */

static void train(hn_backend backend, hn_dtype dtype, double share)
{
    golden_case golden;
    hn_optimizer *optimizer;
    hn_optimizer_options options;
    golden_open(&golden, &(golden_options){"train_hyperlstm_ln", "initial.", backend, dtype, 2, true});
    hn_optimizer_options_default(&options);
    options.clip_norm = golden.clip_norm;
    assert_ok(golden.context, hn_optimizer_create(golden.store, &options, &optimizer));
    const hn_file_tensor *symbols = golden_find(&golden, "symbols"), *targets = golden_find(&golden, "targets");
    const double *losses = golden_find(&golden, "losses")->data, *norms = golden_find(&golden, "gradient_norms")->data;
    const hn_shape shape = HN_SHAPE2(symbols->shape.size[1], symbols->shape.size[2]);
    const int64_t rows = shape.size[0], count = shape.size[0] * shape.size[1];
    hn_tensor carried;
    assert_ok(golden.context, hn_tensor_persist(golden.graph, dtype,
                                                HN_SHAPE2(rows, hn_cell_state_size(&golden.model.cell)), &carried));
    for (int64_t step = 0; step < symbols->shape.size[0]; step++) {
        hn_window window = {.divisor = 0};
        hn_step_report report;
        double loss;
        hn_graph_reset(golden.graph);
        hn_graph_set_step(golden.graph, golden.seed, (uint32_t)step);
        assert_ok(golden.context, hn_store_zero_gradients(golden.store));
        window.symbols =
            hn_tensor_from(golden.graph, HN_DTYPE_I32, shape, (const int32_t *)symbols->data + step * count, false);
        window.targets =
            hn_tensor_from(golden.graph, HN_DTYPE_I32, shape, (const int32_t *)targets->data + step * count, false);
        const hn_language_result result = hn_language_run(golden.weights, &golden.model, &window, &carried, NULL);
        assert_ok(golden.context, hn_backward(golden.graph, result.loss));
        assert_ok(golden.context, hn_tensor_read(golden.graph, result.loss, HN_DTYPE_F64, 1, &loss));
        assert_close(loss, losses[step], share, 0);
        assert_ok(golden.context, hn_optimizer_step(optimizer, golden.rate, &report));
        assert_close(report.gradient_norm, norms[step], 10 * share, 0);
        assert_ok(golden.context, hn_tensor_store(golden.graph, result.state[0], carried));
    }
    golden_compare_parameters(&golden, "final.", false, 10 * share);
    golden_compare(&golden, "final_state.0", carried, 10 * share);
    hn_optimizer_destroy(optimizer);
    golden_close(&golden);
}

static void train_generic_double(void **state)
{
    (void)state;
    train(HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-11);
}

static void train_best_float(void **state)
{
    (void)state;
    train(HN_BACKEND_BEST, HN_DTYPE_F32, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generic_double),       cmocka_unit_test(generic_float),    cmocka_unit_test(best_float),
        cmocka_unit_test(train_generic_double), cmocka_unit_test(train_best_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
