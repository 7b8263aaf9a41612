/* A layer as one fused op gives what its composition of primitive ops gives: outputs, final state and every gradient, for each reading
 * and option of an LSTM and a HyperLSTM. In double to 1e-10 of each tensor's largest entry, in float to 2e-5, on the generic and the
 * best backend, with one thread and several. */
#include "graph/graph.h"
#include "hypernet/hypernet.h"
#include "test_isa.h"
#include "test_results.h"

typedef struct options {
    const char *name;
    bool hyper, layer_norm, hyper_norm, symbols, reverse, lengths, input_scale, previous;
    double keep, zone;
    bool evaluation; /* not in training */
    int64_t rows, steps, input, units, hyper_units, embedding;
} options;

#define SMALL .rows = 5, .steps = 7, .input = 4, .units = 6, .hyper_units = 3, .embedding = 2
#define WIDE .rows = 11, .steps = 16, .input = 9, .units = 70, .hyper_units = 17, .embedding = 5
/* Rows of gates of 256 numbers have a gap behind them. */
#define WITH_GAP .rows = 13, .steps = 5, .input = 3, .units = 64, .hyper_units = 64, .embedding = 3
#define LARGE_EMBEDDING .rows = 21, .steps = 3, .input = 3, .units = 70, .hyper_units = 5, .embedding = 65

static const options cases[] = {
    {"LSTM", SMALL},
    {"LSTM, symbols, lengths", SMALL, .symbols = true, .lengths = true},
    {"LSTM, reverse within lengths", SMALL, .reverse = true, .lengths = true},
    {"LSTM, reverse of symbols", SMALL, .reverse = true, .symbols = true},
    {"LSTM, input scale, dropout", SMALL, .symbols = true, .input_scale = true, .keep = 0.8},
    {"LN-LSTM, dropout, zoneout", WIDE, .layer_norm = true, .keep = 0.7, .zone = 0.2},
    {"LN-LSTM, evaluation of zoneout", SMALL, .layer_norm = true, .keep = 0.7, .zone = 0.2, .evaluation = true},
    {"LN-LSTM, symbols, lengths", WIDE, .layer_norm = true, .symbols = true, .lengths = true},
    {"HyperLSTM", SMALL, .hyper = true},
    {"HyperLSTM, symbols, lengths", WIDE, .hyper = true, .symbols = true, .lengths = true},
    {"HyperLSTM, layer norm in the hyper cell", SMALL, .hyper = true, .hyper_norm = true, .symbols = true},
    {"HyperLSTM, previous output, zoneout", SMALL, .hyper = true, .previous = true, .zone = 0.3},
    {"HyperLSTM, input scale, reverse within lengths", SMALL, .hyper = true, .input_scale = true, .symbols = true,
     .reverse = true, .lengths = true},
    {"LN-HyperLSTM", WIDE, .hyper = true, .layer_norm = true},
    {"LN-HyperLSTM, all dropouts, symbols", WIDE, .hyper = true, .layer_norm = true, .symbols = true, .keep = 0.75,
     .input_scale = true},
    {"LN-HyperLSTM, previous output, lengths", WIDE, .hyper = true, .layer_norm = true, .previous = true,
     .lengths = true, .symbols = true},
    {"LN-HyperLSTM, zoneout, dropout", SMALL, .hyper = true, .layer_norm = true, .keep = 0.6, .zone = 0.3},
    {"LSTM, gates with a gap, lengths", WITH_GAP, .symbols = true, .lengths = true},
    {"LN-HyperLSTM, gates with a gap, dropout", WITH_GAP, .hyper = true, .layer_norm = true, .symbols = true,
     .keep = 0.8},
    {"LSTM, threads share each product", .rows = 7, .steps = 3, .input = 3, .units = 256, .symbols = true},
    {"HyperLSTM, large embeddings", LARGE_EMBEDDING, .hyper = true},
    {"LN-HyperLSTM, large embeddings, lengths, dropout", LARGE_EMBEDDING, .hyper = true, .layer_norm = true,
     .symbols = true, .lengths = true, .keep = 0.8},
    {"HyperLSTM, one row, many units", .rows = 1, .steps = 4, .input = 3, .units = 70, .hyper_units = 66,
     .embedding = 2, .hyper = true, .symbols = true},
    {"HyperLSTM, one row, one unit", .rows = 1, .steps = 3, .input = 1, .units = 1, .hyper_units = 1, .embedding = 1,
     .hyper = true},
};
#define CASES (sizeof cases / sizeof cases[0])

typedef struct layer {
    const options *o;
    hn_context *context;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    hn_cell cell;
    hn_dtype dtype;
} layer;

static void ok(const layer *l, hn_status status)
{
    if (status != HN_OK) fail_msg("%s: %s", l->o->name, hn_context_error(l->context)->text);
}

static hn_tensor inputs_of(const layer *l)
{
    const options *o = l->o;
    if (!o->symbols) return test_numbers(l->graph, HN_SHAPE3(o->rows, o->steps, o->input), 1, true);
    int32_t symbols[1024];
    for (int64_t i = 0; i < o->rows * o->steps; i++)
        symbols[i] = (int32_t)((i * 31 + i / 3) % o->input);
    return hn_tensor_from(l->graph, HN_DTYPE_I32, HN_SHAPE2(o->rows, o->steps), symbols, false);
}

/* 0, 1, T and others. */
static hn_tensor lengths_of(const layer *l)
{
    int32_t lengths[64];
    for (int64_t i = 0; i < l->o->rows; i++)
        lengths[i] = (int32_t)(i == 0 ? l->o->steps : i == 1 ? 0 : i == 2 ? 1 : (i * 5) % (l->o->steps + 1));
    return hn_tensor_from(l->graph, HN_DTYPE_I32, HN_SHAPE1(l->o->rows), lengths, false);
}

static void choose_cell(layer *l)
{
    const options *o = l->o;
    hn_cell_default(o->hyper ? HN_CELL_HYPERLSTM : HN_CELL_LSTM, &l->cell);
    l->cell.layer_norm = o->layer_norm;
    l->cell.input_size = o->input;
    l->cell.units = o->units;
    l->cell.hyper_units = o->hyper ? o->hyper_units : l->cell.hyper_units;
    l->cell.embedding_size = o->hyper ? o->embedding : l->cell.embedding_size;
    if (o->keep > 0) l->cell.keep_recurrent = o->keep;
    if (o->keep > 0 && o->hyper) l->cell.keep_hyper_recurrent = o->keep;
    l->cell.zoneout_cell = o->zone;
    l->cell.zoneout_hidden = o->zone / 2;
    if (o->hyper_norm) l->cell.hyper_layer_norm = HN_HYPER_LAYER_NORM_ALWAYS;
    if (o->previous) l->cell.hyper_output = HN_HYPER_OUTPUT_PREVIOUS;
}

static hn_shape state_shape(const layer *l) { return HN_SHAPE2(l->o->rows, hn_cell_state_size(&l->cell)); }

/* The parameters are declared by a dry run and get numbers of their own. */
static void open_layer(layer *l, const options *o, hn_backend backend, hn_dtype dtype, int threads)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, dtype}, real = {backend, dtype};
    hn_context_options context_options;
    *l = (layer){.o = o, .dtype = dtype};
    choose_cell(l);
    hn_context_options_default(&context_options);
    context_options.threads = threads;
    assert_int_equal(hn_context_create(&context_options, &l->context), HN_OK);
    test_choose_isa(l->context);
    ok(l, hn_store_create(l->context, &l->store));
    ok(l, hn_graph_create(l->context, &dry, &l->graph));
    ok(l, hn_weights_create(l->graph, l->store, &l->weights));
    (void)hn_sequence(l->weights, "cell", &l->cell, inputs_of(l), test_numbers(l->graph, state_shape(l), 2, false),
                      NULL);
    ok(l, hn_graph_status(l->graph));
    hn_weights_destroy(l->weights);
    hn_graph_destroy(l->graph);
    ok(l, hn_graph_create(l->context, &real, &l->graph));
    ok(l, hn_store_seal(l->store, l->graph, 1));
    ok(l, hn_weights_create(l->graph, l->store, &l->weights));
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const int64_t count = hn_store_parameter(l->store, i)->elements;
        double *values = test_malloc((size_t)count * sizeof *values);
        for (int64_t k = 0; k < count; k++)
            values[k] = test_number(k, 100 + i) * (o->units > 10 ? 0.3 : 1);
        ok(l, hn_store_write(l->store, i, HN_DTYPE_F64, count, values));
        test_free(values);
    }
    hn_graph_set_step(l->graph, 5, 6);
}

static void close_layer(layer *l)
{
    hn_weights_destroy(l->weights);
    hn_graph_destroy(l->graph);
    hn_store_destroy(l->store);
    assert_int_equal(hn_context_memory(l->context), 0);
    hn_context_destroy(l->context);
}

/* ---- one run ---- */

static double *room(test_results *r, const char *name, int64_t count)
{
    double *data = test_malloc((size_t)count * sizeof *data);
    test_results_keep(r, name, data, count);
    return data;
}

static void keep_value(layer *l, test_results *r, const char *name, hn_tensor tensor)
{
    const int64_t count = hn_shape_elements(hn_tensor_shape(l->graph, tensor));
    ok(l, hn_tensor_read(l->graph, tensor, HN_DTYPE_F64, count, room(r, name, count)));
}

static void keep_gradient(layer *l, test_results *r, const char *name, hn_tensor tensor)
{
    const int64_t count = hn_shape_elements(hn_tensor_shape(l->graph, tensor));
    ok(l, hn_gradient_read(l->graph, tensor, HN_DTYPE_F64, count, room(r, name, count)));
}

static hn_sequence_result sequence(layer *l, hn_tensor inputs, hn_tensor state)
{
    hn_sequence_options more;
    hn_sequence_options_default(&more);
    if (l->o->lengths) more.lengths = lengths_of(l);
    if (l->o->input_scale) more.input_scale = test_numbers(l->graph, HN_SHAPE2(l->o->rows, l->o->steps), 3, false);
    more.reverse = l->o->reverse;
    more.dropout_base = 2;
    more.dropout_time = 1;
    more.dropout_length = l->o->steps + 2;
    return hn_sequence(l->weights, "cell", &l->cell, inputs, state, &more);
}

/* Values and gradients of one window, with the loss <outputs, numbers> + <final state, numbers>. */
static void run(layer *l, bool composed, test_results *r)
{
    *r = (test_results){.count = 0};
    hn_graph_reset(l->graph);
    ok(l, hn_store_zero_gradients(l->store));
    l->graph->composed = composed;
    hn_graph_train(l->graph, !l->o->evaluation);
    const hn_tensor inputs = inputs_of(l), state = test_numbers(l->graph, state_shape(l), 2, true);
    const hn_sequence_result result = sequence(l, inputs, state);
    ok(l, hn_graph_status(l->graph));
    keep_value(l, r, "outputs", result.outputs);
    keep_value(l, r, "final state", result.state);
    const hn_tensor to_outputs = test_numbers(l->graph, hn_tensor_shape(l->graph, result.outputs), 4, false);
    const hn_tensor to_state = test_numbers(l->graph, state_shape(l), 5, false);
    const hn_tensor loss =
        hn_add(l->graph, hn_sum(l->graph, hn_mul(l->graph, result.outputs, to_outputs), HN_ALL_AXES, false),
               hn_sum(l->graph, hn_mul(l->graph, result.state, to_state), HN_ALL_AXES, false));
    ok(l, hn_backward(l->graph, loss));
    keep_gradient(l, r, "gradient of state", state);
    if (!l->o->symbols) keep_gradient(l, r, "gradient of inputs", inputs);
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(l->store, i);
        ok(l, hn_store_gradient_read(l->store, i, HN_DTYPE_F64, parameter->elements,
                                     room(r, parameter->name, parameter->elements)));
    }
}

static void check(hn_backend backend, hn_dtype dtype, int threads, double share)
{
    for (size_t i = 0; i < CASES; i++) {
        layer l;
        test_results fused, composed;
        open_layer(&l, &cases[i], backend, dtype, threads);
        run(&l, false, &fused);
        assert_true(hn_graph_nodes(l.graph) < 60); /* it was one op */
        run(&l, true, &composed);
        test_results_compare(cases[i].name, &fused, &composed, share);
        test_results_drop(&fused);
        test_results_drop(&composed);
        close_layer(&l);
    }
}

static void generic_double(void **state)
{
    (void)state;
    check(HN_BACKEND_GENERIC, HN_DTYPE_F64, 1, 1e-10);
    check(HN_BACKEND_GENERIC, HN_DTYPE_F64, 3, 1e-10);
}

static void generic_float(void **state)
{
    (void)state;
    check(HN_BACKEND_GENERIC, HN_DTYPE_F32, 1, 2e-5);
}

static void best_float(void **state)
{
    (void)state;
    check(HN_BACKEND_BEST, HN_DTYPE_F32, 1, 2e-5);
    check(HN_BACKEND_BEST, HN_DTYPE_F32, 2, 2e-5);
    check(HN_BACKEND_BEST, HN_DTYPE_F32, 5, 2e-5);
}

/* ---- bf16 ---- */

/* Operands have 8 bits: within 3 % of the largest entry of what float gives, and not the same. */
static void bf16_is_near(void **state)
{
    int tried = 0;
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        layer l;
        test_results narrow, whole;
        open_layer(&l, &cases[i], HN_BACKEND_BEST, HN_DTYPE_F32, 2);
        run(&l, false, &whole);
        if (hn_graph_set_precision(l.graph, HN_PRECISION_BF16) != HN_OK) {
            assert_non_null(strstr(hn_context_error(l.context)->text, "precision bf16 needs"));
            assert_int_equal(hn_graph_precision(l.graph), HN_PRECISION_F32);
            test_results_drop(&whole);
            close_layer(&l);
            break;
        }
        run(&l, false, &narrow);
        test_results_compare(cases[i].name, &narrow, &whole, 0.03);
        assert_true(memcmp(narrow.data[0], whole.data[0], (size_t)whole.size[0] * sizeof(double)) != 0);
        test_results_drop(&narrow);
        test_results_drop(&whole);
        close_layer(&l);
        tried++;
    }
    if (tried == 0) {
        print_message("this machine has no bf16 multiplies: left out\n");
        skip();
    }
}

/* ---- the same bytes ---- */

static void assert_same(const test_results *a, const test_results *b)
{
    for (int i = 0; i < a->count; i++)
        assert_memory_equal(a->data[i], b->data[i], (size_t)a->size[i] * sizeof(double));
}

static void twice_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        layer l;
        test_results once, twice;
        open_layer(&l, &cases[i], HN_BACKEND_BEST, HN_DTYPE_F32, 2);
        run(&l, false, &once);
        run(&l, false, &twice);
        assert_same(&once, &twice);
        test_results_drop(&once);
        test_results_drop(&twice);
        close_layer(&l);
    }
}

/* A row's products are summed in one order, whoever computes it and whatever stands beside it. */
static void any_threads_give_the_same_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        test_results of[3];
        if (!cases[i].symbols) continue; /* products of all steps' dense inputs are not the sequence's own */
        for (int k = 0; k < 3; k++) {
            layer l;
            of[k] = (test_results){.count = 0};
            open_layer(&l, &cases[i], HN_BACKEND_BEST, HN_DTYPE_F32, k == 2 ? 5 : k + 1);
            const hn_tensor start = test_numbers(l.graph, state_shape(&l), 2, true);
            const hn_sequence_result result = sequence(&l, inputs_of(&l), start);
            ok(&l, hn_graph_status(l.graph));
            keep_value(&l, &of[k], "outputs", result.outputs);
            keep_value(&l, &of[k], "state", result.state);
            close_layer(&l);
        }
        assert_same(&of[0], &of[1]);
        assert_same(&of[0], &of[2]);
        for (int k = 0; k < 3; k++)
            test_results_drop(&of[k]);
    }
}

/* Without a backward to come, less is kept: the same numbers. */
static void evaluation_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        layer l;
        test_results kept = {.count = 0}, passing = {.count = 0};
        int64_t bytes[2];
        open_layer(&l, &cases[i], HN_BACKEND_BEST, HN_DTYPE_F32, 2);
        for (int recorded = 0; recorded < 2; recorded++) {
            hn_graph_reset(l.graph);
            hn_graph_record(l.graph, recorded == 1);
            const hn_sequence_result result =
                sequence(&l, inputs_of(&l), test_numbers(l.graph, state_shape(&l), 2, true));
            ok(&l, hn_graph_status(l.graph));
            bytes[recorded] = hn_graph_step_bytes(l.graph);
            keep_value(&l, recorded == 1 ? &kept : &passing, "outputs", result.outputs);
            keep_value(&l, recorded == 1 ? &kept : &passing, "state", result.state);
        }
        assert_same(&kept, &passing);
        assert_true(bytes[0] < bytes[1]);
        test_results_drop(&kept);
        test_results_drop(&passing);
        close_layer(&l);
    }
}

/* ---- refusals ---- */

static void a_symbol_outside_is_named(void **state)
{
    static const int32_t symbols[6] = {0, 1, 2, 3, 4, 1};
    static const options o = {"symbol",         .rows = 2,      .steps = 3,    .input = 4,     .units = 3,
                              .hyper_units = 2, .embedding = 2, .hyper = true, .symbols = true};
    (void)state;
    layer l;
    open_layer(&l, &o, HN_BACKEND_BEST, HN_DTYPE_F32, 1);
    const hn_tensor inputs = hn_tensor_from(l.graph, HN_DTYPE_I32, HN_SHAPE2(2, 3), symbols, false);
    (void)sequence(&l, inputs, test_numbers(l.graph, state_shape(&l), 2, false));
    assert_int_equal(hn_graph_status(l.graph), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(l.context)->text, "entry 4 of symbols is 4, it must lie in [0,4)"));
    close_layer(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generic_double),
        cmocka_unit_test(generic_float),
        cmocka_unit_test(best_float),
        cmocka_unit_test(twice_is_the_same),
        cmocka_unit_test(any_threads_give_the_same_values),
        cmocka_unit_test(evaluation_is_the_same),
        cmocka_unit_test(a_symbol_outside_is_named),
        cmocka_unit_test(bf16_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
