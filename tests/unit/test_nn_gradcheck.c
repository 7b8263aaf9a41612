/* Gradcheck of whole cells and of a two-layer model: compositions, so that what is checked is how the ops are put together. Every
 * parameter is an input that was put in the place of its name, so the store stays empty and nothing is special about weights. */
#include "graph/gradcheck.h"
#include "hypernet/hypernet.h"
#include "test_support.h"

enum { B = 2, T = 3, X_SIZE = 2, N = 3, M = 2, E = 2, V = 4 };

static const int32_t symbols[B * T] = {1, 0, 3, 2, 2, 0}, targets[B * T] = {0, 3, 2, 2, 0, 1}, lengths[B] = {2, 3},
                                 short_lengths[B] = {0, 1};

/* What a case of this file may turn on. */
typedef struct options {
    const char *name;
    hn_cell_kind kind;
    bool layer_norm;
    bool symbols, input_scale, lengths, shorter, reverse, one_step, per_sample;
    hn_hyper_output hyper_output;
    hn_activation activation;
    double keep; /* of every dropout that the kind has; 0 stands for 1 */
    double forget_bias;
    double zoneout_cell, zoneout_hidden;
    bool hyper_norm;           /* hyper_layer_norm always */
    double epsilon;            /* 0: the default */
    int64_t row, time, window; /* where dropout's numbers start */
    int layers;                /* 0: a sequence; else a language model */
} options;

typedef struct bench {
    hn_context *context;
    hn_store *declared, *empty;
    hn_graph *graph; /* F64 */
    hn_weights *weights;
    const options *o;
    hn_cell cell;
    hn_language_model model;
    hni_gradcheck_input inputs[HNI_GRADCHECK_MAX_INPUTS];
    int count, first_parameter; /* numbers of inputs */
} bench;

static void ok(const bench *b, hn_status status)
{
    if (status != HN_OK) fail_msg("%s: %s", b->o->name, hn_context_error(b->context)->text);
}

/* ---- the function ---- */

static hn_tensor flat(hn_graph *graph, hn_tensor x)
{
    return hn_reshape(graph, x, HN_SHAPE1(hn_shape_elements(hn_tensor_shape(graph, x))));
}

/* x: inputs, state, then what is turned on. */
static hn_tensor run_sequence(const bench *b, hn_weights *weights, const hn_tensor *x)
{
    hn_graph *graph = hn_weights_graph(weights);
    hn_sequence_options chosen;
    int next = 2;
    hn_sequence_options_default(&chosen);
    if (b->o->lengths) chosen.lengths = x[next++];
    if (b->o->input_scale) chosen.input_scale = x[next++];
    chosen.reverse = b->o->reverse;
    chosen.dropout_base = b->o->row;
    chosen.dropout_time = b->o->time;
    chosen.dropout_length = b->o->window;
    if (b->o->one_step) return hn_step(weights, "cell", &b->cell, x[0], x[1], &chosen);
    const hn_sequence_result result = hn_sequence(weights, "cell", &b->cell, x[0], x[1], &chosen);
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    const hn_tensor parts[2] = {flat(graph, result.outputs), flat(graph, result.state)};
    return hn_concat(graph, parts, 2, 0);
}

/* x: symbols, targets, weights of the loss, a state for each layer, lengths. */
static hn_tensor run_model(const bench *b, hn_weights *weights, const hn_tensor *x)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int layers = b->model.layers;
    hn_window window = {.symbols = x[0], .targets = x[1], .weights = x[2], .divisor = 2.5, .first_row = b->o->row};
    if (b->o->lengths) window.lengths = x[3 + layers];
    const hn_language_result result = hn_language_run(weights, &b->model, &window, x + 3, NULL);
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    hn_tensor parts[2 + HN_MAX_LAYERS] = {flat(graph, result.logits), flat(graph, result.loss)};
    for (int k = 0; k < layers; k++)
        parts[2 + k] = flat(graph, result.state[k]);
    return hn_concat(graph, parts, 2 + layers, 0);
}

static hn_tensor run(const bench *b, hn_weights *weights, const hn_tensor *x)
{
    return b->o->layers > 0 ? run_model(b, weights, x) : run_sequence(b, weights, x);
}

static hn_tensor build(hn_graph *graph, const hn_tensor *x, const void *user)
{
    const bench *b = user;
    (void)graph;
    for (int i = b->first_parameter; i < b->count; i++) {
        const hn_parameter *parameter = hn_store_parameter(b->declared, i - b->first_parameter);
        if (hn_weights_put(b->weights, parameter->name, x[i]) != HN_OK) return HN_NO_TENSOR;
    }
    return run(b, b->weights, x);
}

/* ---- its inputs ---- */

static hni_gradcheck_input *add(bench *b, hni_gradcheck_kind kind, hn_shape shape)
{
    assert_true(b->count < HNI_GRADCHECK_MAX_INPUTS - 1);
    b->inputs[b->count] = (hni_gradcheck_input){.kind = kind, .shape = shape};
    return &b->inputs[b->count++];
}

static void add_integers(bench *b, hn_shape shape, const int32_t *integers)
{
    add(b, HNI_GRADCHECK_INTEGERS, shape)->integers = integers;
}

static void add_data(bench *b)
{
    const hn_shape state = HN_SHAPE2(B, hn_cell_state_size(&b->cell));
    const int32_t *row_lengths = b->o->shorter ? short_lengths : lengths;
    if (b->o->layers > 0) {
        add_integers(b, HN_SHAPE2(B, T), symbols);
        add_integers(b, HN_SHAPE2(B, T), targets);
        add(b, HNI_GRADCHECK_CONSTANT, HN_SHAPE2(B, T));
        for (int k = 0; k < b->o->layers; k++)
            add(b, HNI_GRADCHECK_CHECKED, state);
        if (b->o->lengths) add_integers(b, HN_SHAPE1(B), row_lengths);
        return;
    }
    if (b->o->symbols) {
        add_integers(b, b->o->one_step ? HN_SHAPE1(B) : HN_SHAPE2(B, T), symbols);
    } else {
        add(b, HNI_GRADCHECK_CHECKED, b->o->one_step ? HN_SHAPE2(B, X_SIZE) : HN_SHAPE3(B, T, X_SIZE));
    }
    add(b, HNI_GRADCHECK_CHECKED, state);
    if (b->o->lengths) add_integers(b, HN_SHAPE1(B), row_lengths);
    if (b->o->input_scale) add(b, HNI_GRADCHECK_CHECKED, b->o->one_step ? HN_SHAPE2(B, 1) : HN_SHAPE2(B, T));
}

/* Names and shapes of the parameters, from a dry run. */
static void add_parameters(bench *b)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F64};
    hn_tensor x[HNI_GRADCHECK_MAX_INPUTS];
    hn_graph *graph;
    hn_weights *weights;
    ok(b, hn_store_create(b->context, &b->declared));
    ok(b, hn_graph_create(b->context, &dry, &graph));
    ok(b, hn_weights_create(graph, b->declared, &weights));
    for (int i = 0; i < b->count; i++) {
        const bool integers = b->inputs[i].kind == HNI_GRADCHECK_INTEGERS;
        x[i] = hn_tensor_from(graph, integers ? HN_DTYPE_I32 : HN_DTYPE_F64, b->inputs[i].shape, NULL, false);
    }
    (void)run(b, weights, x);
    ok(b, hn_graph_status(graph));
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    b->first_parameter = b->count;
    for (int64_t i = 0; i < hn_store_count(b->declared); i++) {
        const hn_parameter *parameter = hn_store_parameter(b->declared, i);
        hn_shape shape = parameter->shape;
        if (b->o->per_sample && strcmp(parameter->name, "cell.weight_h") == 0)
            shape = HN_SHAPE3(B, shape.size[0], shape.size[1]);
        add(b, HNI_GRADCHECK_CHECKED, shape);
    }
}

static bool is_rnn(const options *o) { return o->kind >= HN_CELL_RNN; }

static void choose_settings(bench *b)
{
    const double keep = b->o->keep > 0 ? b->o->keep : 1;
    hn_language_model_default(&b->model);
    hn_cell_default(b->o->kind, &b->cell);
    b->cell.layer_norm = b->o->layer_norm;
    b->cell.units = N;
    b->cell.hyper_units = M;
    b->cell.embedding_size = E;
    b->cell.input_size = b->o->symbols ? V : X_SIZE;
    b->cell.hyper_output = b->o->hyper_output;
    b->cell.activation = b->o->activation;
    if (!is_rnn(b->o)) b->cell.keep_recurrent = b->cell.keep_hyper_recurrent = keep;
    if (b->o->forget_bias != 0) b->cell.forget_bias = b->o->forget_bias;
    b->cell.zoneout_cell = b->o->zoneout_cell;
    b->cell.zoneout_hidden = b->o->zoneout_hidden;
    if (b->o->hyper_norm) b->cell.hyper_layer_norm = HN_HYPER_LAYER_NORM_ALWAYS;
    if (b->o->epsilon > 0) b->cell.layer_norm_epsilon = b->o->epsilon;
    b->model.cell = b->cell;
    b->model.vocabulary_size = V;
    b->model.layers = b->o->layers > 0 ? b->o->layers : 1;
    b->model.keep_input = b->model.keep_between = b->model.keep_output = keep;
}

/* ---- running it ---- */

static int parameters_of(const options *o) /* what the cell must ask for */
{
    const int norm = 4, hyper = 3 + 2 + 3;
    if (o->kind == HN_CELL_RNN) return 3;
    if (o->kind == HN_CELL_HYPERRNN) return 3 + 3 + hyper;
    if (o->kind == HN_CELL_HYPERRNN_FULL) return 3 + 3 + hyper - 2;
    if (o->kind == HN_CELL_LSTM) return 2 + (o->layer_norm ? norm : 1);
    return 3 + (o->layer_norm ? norm : 0) + 2 + (o->layer_norm || o->hyper_norm ? norm : 1) + hyper;
}

static hni_gradcheck_report check(const options *o, bool composed, bool mutate)
{
    const hn_graph_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    bench b = {.o = o};
    hni_gradcheck_report report;
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    choose_settings(&b);
    add_data(&b);
    add_parameters(&b);
    const int softmax = o->layers > 0 ? 2 : 0, layers = o->layers > 0 ? o->layers : 1;
    assert_int_equal(hn_store_count(b.declared), layers * parameters_of(o) + softmax);
    ok(&b, hn_store_create(b.context, &b.empty));
    ok(&b, hn_graph_create(b.context, &f64, &b.graph));
    ok(&b, hn_weights_create(b.graph, b.empty, &b.weights));
    const hni_gradcheck_case test = {HNI_OP_COUNT, o->name, build, b.inputs, &b};
    b.graph->composed = composed;
#ifdef HNI_TEST_HOOKS
    const hni_op op = o->activation == HN_ACTIVATION_RELU ? HNI_OP_RELU : HNI_OP_TANH;
    b.graph->mutation = (hni_mutation){.on = mutate, .op = op, .factor = 2};
#else
    (void)mutate;
#endif
    ok(&b, hni_gradcheck_run(b.graph, &test, &report));
    assert_int_equal(hn_store_count(b.empty), 0);
    hn_weights_destroy(b.weights);
    hn_graph_destroy(b.graph);
    hn_store_destroy(b.empty);
    hn_store_destroy(b.declared);
    assert_int_equal(hn_context_memory(b.context), 0);
    hn_context_destroy(b.context);
    return report;
}

#define LSTM .kind = HN_CELL_LSTM
#define HYPER .kind = HN_CELL_HYPERLSTM
#define RNN .kind = HN_CELL_RNN
#define ROWS .kind = HN_CELL_HYPERRNN
#define FULL .kind = HN_CELL_HYPERRNN_FULL
#define RELU .activation = HN_ACTIVATION_RELU
#define PREVIOUS .hyper_output = HN_HYPER_OUTPUT_PREVIOUS

static const options cases[] = {
    {"LSTM", LSTM},
    {"LSTM, symbols", LSTM, .symbols = true},
    {"LSTM, symbols, input scale", LSTM, .symbols = true, .input_scale = true},
    {"LSTM, input scale", LSTM, .input_scale = true},
    {"LSTM, lengths", LSTM, .lengths = true},
    {"LSTM, lengths 0 and 1", LSTM, .lengths = true, .shorter = true},
    {"LSTM, reverse", LSTM, .reverse = true},
    {"LSTM, reverse within lengths", LSTM, .reverse = true, .lengths = true},
    {"LSTM, symbols, reverse within lengths", LSTM, .symbols = true, .reverse = true, .lengths = true,
     .input_scale = true},
    {"LSTM, dropout", LSTM, .keep = 0.6},
    {"LSTM, dropout of a later window", LSTM, .keep = 0.6, .row = 5, .time = 4, .window = 9},
    {"LSTM, forget bias", LSTM, .forget_bias = -0.7},
    {"LSTM, one step", LSTM, .one_step = true},
    {"LSTM, one step of a symbol", LSTM, .one_step = true, .symbols = true},
    {"LSTM, weight_h a sample", LSTM, .per_sample = true},
    {"LN-LSTM", LSTM, .layer_norm = true},
    {"LN-LSTM, symbols, dropout", LSTM, .layer_norm = true, .symbols = true, .keep = 0.7},
    {"LN-LSTM, lengths", LSTM, .layer_norm = true, .lengths = true, .shorter = true},
    {"LN-LSTM, reverse within lengths", LSTM, .layer_norm = true, .reverse = true, .lengths = true},
    {"LN-LSTM, input scale", LSTM, .layer_norm = true, .input_scale = true},
    {"LN-LSTM, weight_h a sample", LSTM, .layer_norm = true, .per_sample = true},
    {"HyperLSTM", HYPER},
    {"HyperLSTM, symbols", HYPER, .symbols = true},
    {"HyperLSTM, symbols, input scale", HYPER, .symbols = true, .input_scale = true},
    {"HyperLSTM, previous output", HYPER, .hyper_output = HN_HYPER_OUTPUT_PREVIOUS},
    {"HyperLSTM, lengths", HYPER, .lengths = true},
    {"HyperLSTM, lengths 0 and 1", HYPER, .lengths = true, .shorter = true},
    {"HyperLSTM, reverse within lengths", HYPER, .reverse = true, .lengths = true, .input_scale = true},
    {"HyperLSTM, dropout", HYPER, .keep = 0.6},
    {"HyperLSTM, one step", HYPER, .one_step = true},
    {"HyperLSTM, weight_h a sample", HYPER, .per_sample = true},
    {"LN-HyperLSTM", HYPER, .layer_norm = true},
    {"LN-HyperLSTM, symbols, dropout", HYPER, .layer_norm = true, .symbols = true, .keep = 0.7},
    {"LN-HyperLSTM, input scale", HYPER, .layer_norm = true, .input_scale = true},
    {"LN-HyperLSTM, previous output", HYPER, .layer_norm = true, .hyper_output = HN_HYPER_OUTPUT_PREVIOUS},
    {"LN-HyperLSTM, reverse within lengths", HYPER, .layer_norm = true, .reverse = true, .lengths = true},
    {"LN-HyperLSTM, dropout of a later window", HYPER, .layer_norm = true, .keep = 0.6, .row = 5, .time = 4,
     .window = 9},
    {"LN-HyperLSTM, one step of a symbol", HYPER, .layer_norm = true, .one_step = true, .symbols = true},
    {"LN-HyperLSTM, weight_h a sample", HYPER, .layer_norm = true, .per_sample = true},
    {"LSTM, zoneout", LSTM, .zoneout_cell = 0.4, .zoneout_hidden = 0.3},
    {"LSTM, zoneout of c, lengths", LSTM, .zoneout_cell = 0.4, .lengths = true},
    {"LN-LSTM, zoneout of h, reverse within lengths, a later window", LSTM, .layer_norm = true, .zoneout_hidden = 0.4,
     .reverse = true, .lengths = true, .row = 5, .time = 4, .window = 9},
    {"LN-LSTM, epsilon", LSTM, .layer_norm = true, .epsilon = 0.1},
    {"LN-HyperLSTM, zoneout, dropout", HYPER, .layer_norm = true, .zoneout_cell = 0.4, .zoneout_hidden = 0.3,
     .keep = 0.7},
    {"HyperLSTM, layer norm in the hyper cell", HYPER, .hyper_norm = true},
    {"HyperLSTM, layer norm in the hyper cell, epsilon, symbols, input scale", HYPER, .hyper_norm = true,
     .epsilon = 0.05, .symbols = true, .input_scale = true},
    {"LN-HyperLSTM, layer norm in the hyper cell", HYPER, .layer_norm = true, .hyper_norm = true},
    {"HyperRNN, zoneout", ROWS, .zoneout_hidden = 0.4},
    {"RNN, relu, zoneout", RNN, RELU, .zoneout_hidden = 0.4},
    {"RNN", RNN},
    {"RNN, relu", RNN, RELU},
    {"RNN, symbols, input scale", RNN, .symbols = true, .input_scale = true},
    {"RNN, lengths 0 and 1", RNN, .lengths = true, .shorter = true},
    {"RNN, relu, reverse within lengths", RNN, RELU, .reverse = true, .lengths = true, .input_scale = true},
    {"RNN, one step of a symbol", RNN, .one_step = true, .symbols = true},
    {"RNN, weight_h a sample", RNN, .per_sample = true},
    {"HyperRNN", ROWS},
    {"HyperRNN, relu", ROWS, RELU},
    {"HyperRNN, symbols", ROWS, .symbols = true},
    {"HyperRNN, symbols, input scale", ROWS, .symbols = true, .input_scale = true},
    {"HyperRNN, previous output", ROWS, PREVIOUS},
    {"HyperRNN, lengths", ROWS, .lengths = true},
    {"HyperRNN, lengths 0 and 1", ROWS, .lengths = true, .shorter = true},
    {"HyperRNN, reverse within lengths", ROWS, .reverse = true, .lengths = true, .input_scale = true},
    {"HyperRNN, one step", ROWS, .one_step = true},
    {"HyperRNN, weight_h a sample", ROWS, .per_sample = true},
    {"full HyperRNN", FULL},
    {"full HyperRNN, relu", FULL, RELU},
    {"full HyperRNN, symbols", FULL, .symbols = true},
    {"full HyperRNN, symbols, input scale", FULL, .symbols = true, .input_scale = true},
    {"full HyperRNN, previous output", FULL, PREVIOUS},
    {"full HyperRNN, lengths", FULL, .lengths = true},
    {"full HyperRNN, lengths 0 and 1", FULL, .lengths = true, .shorter = true},
    {"full HyperRNN, symbols, reverse within lengths", FULL, .symbols = true, .reverse = true, .lengths = true,
     .input_scale = true},
    {"full HyperRNN, one step of a symbol", FULL, .one_step = true, .symbols = true},
    {"full HyperRNN, weight_h a sample", FULL, .per_sample = true},
    {"model, LSTM", LSTM, .layers = 1},
    {"model, two LN-LSTM", LSTM, .layers = 2, .layer_norm = true, .lengths = true},
    {"model, two HyperLSTM, all dropouts", HYPER, .layers = 2, .keep = 0.7, .row = 3},
    {"model, two LN-HyperLSTM, all dropouts, lengths", HYPER, .layers = 2, .layer_norm = true, .keep = 0.7,
     .lengths = true},
    {"model, two RNN, all dropouts, lengths", RNN, .layers = 2, .keep = 0.7, .lengths = true},
    {"model, three relu RNN", RNN, RELU, .layers = 3},
    {"model, two HyperRNN, all dropouts", ROWS, .layers = 2, .keep = 0.7, .row = 3},
    {"model, two full HyperRNN, all dropouts, lengths", FULL, .layers = 2, .keep = 0.7, .lengths = true},
};

static void check_every_cell(bool composed)
{
    int failures = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const hni_gradcheck_report report = check(&cases[i], composed, false);
        if (report.passed) continue;
        print_error("%s: %s\n", cases[i].name, report.failure);
        failures++;
    }
    assert_int_equal(failures, 0);
}

static void test_every_cell(void **state)
{
    (void)state;
    check_every_cell(false);
}

static void test_every_composition(void **state)
{
    (void)state;
    check_every_cell(true);
}

#ifdef HNI_TEST_HOOKS
static void test_a_false_gradient_inside_is_red(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (check(&cases[i], true, true).passed) fail_msg("%s stays green with phi' doubled", cases[i].name);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_every_composition),
#ifdef HNI_TEST_HOOKS
        cmocka_unit_test(test_a_false_gradient_inside_is_red),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
