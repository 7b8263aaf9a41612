/* A layer over a window in pieces: cut in two, step by step, turned round; and hypernetworks that must be the plain cell. Masks of
 * dropout are the whole window's in every piece. */
#include "hypernet/hypernet.h"
#include "test_language.h"
#include "test_results.h"

enum { ROWS = 3, STEPS = 7, CUT = 3, X_SIZE = 4, N = 6, M = 3, E = 4 };

typedef struct layer {
    hn_context *context;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    hn_cell cell;
    hn_dtype dtype;
} layer;

static void ok(const layer *l, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(l->context)->text);
}

static hn_shape state_shape(const layer *l) { return HN_SHAPE2(ROWS, hn_cell_state_size(&l->cell)); }

static hn_cell cell_of(hn_cell_kind kind, bool layer_norm, double keep)
{
    hn_cell cell;
    hn_cell_default(kind, &cell);
    cell.layer_norm = layer_norm;
    cell.units = N;
    cell.hyper_units = M;
    cell.embedding_size = E;
    cell.input_size = X_SIZE;
    if (keep < 1) cell.zoneout_hidden = 0.2;
    if (kind >= HN_CELL_RNN) return cell;
    cell.keep_recurrent = cell.keep_hyper_recurrent = keep;
    if (keep < 1) cell.zoneout_cell = 0.3;
    return cell;
}

/* The parameters are declared by a dry run over one step. */
static void open_cell(layer *l, const hn_cell *cell, hn_dtype dtype)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, dtype}, real = {HN_BACKEND_GENERIC, dtype};
    l->dtype = dtype;
    l->cell = *cell;
    assert_int_equal(hn_context_create(NULL, &l->context), HN_OK);
    ok(l, hn_store_create(l->context, &l->store));
    ok(l, hn_graph_create(l->context, &dry, &l->graph));
    ok(l, hn_weights_create(l->graph, l->store, &l->weights));
    (void)hn_sequence(l->weights, "cell", &l->cell, test_numbers(l->graph, HN_SHAPE3(ROWS, 1, X_SIZE), 1, false),
                      test_numbers(l->graph, state_shape(l), 2, false), NULL);
    ok(l, hn_graph_status(l->graph));
    hn_weights_destroy(l->weights);
    hn_graph_destroy(l->graph);
    ok(l, hn_graph_create(l->context, &real, &l->graph));
    ok(l, hn_store_seal(l->store, l->graph, 1));
    ok(l, hn_weights_create(l->graph, l->store, &l->weights));
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(l->store, i);
        double values[1024];
        assert_true(parameter->elements <= 1024);
        for (int64_t k = 0; k < parameter->elements; k++)
            values[k] = test_number(k, 100 + i);
        ok(l, hn_store_write(l->store, i, HN_DTYPE_F64, parameter->elements, values));
    }
    hn_graph_set_step(l->graph, 5, 6);
}

static void open_layer(layer *l, hn_cell_kind kind, bool layer_norm, hn_dtype dtype, double keep)
{
    const hn_cell cell = cell_of(kind, layer_norm, keep);
    open_cell(l, &cell, dtype);
}

static void close_layer(layer *l)
{
    hn_weights_destroy(l->weights);
    hn_graph_destroy(l->graph);
    hn_store_destroy(l->store);
    assert_int_equal(hn_context_memory(l->context), 0);
    hn_context_destroy(l->context);
}

static void set(layer *l, const char *name, double value)
{
    const int64_t index = hn_store_find(l->store, name);
    assert_true(index >= 0);
    const int64_t count = hn_store_parameter(l->store, index)->elements;
    double values[1024];
    for (int64_t i = 0; i < count; i++)
        values[i] = value;
    ok(l, hn_store_write(l->store, index, HN_DTYPE_F64, count, values));
}

static const struct {
    hn_cell_kind kind;
    bool layer_norm;
} cells[] = {{HN_CELL_LSTM, false}, {HN_CELL_LSTM, true},      {HN_CELL_HYPERLSTM, false},    {HN_CELL_HYPERLSTM, true},
             {HN_CELL_RNN, false},  {HN_CELL_HYPERRNN, false}, {HN_CELL_HYPERRNN_FULL, false}};
#define CELLS (int)(sizeof cells / sizeof cells[0])
static const hn_dtype dtypes[2] = {HN_DTYPE_F64, HN_DTYPE_F32};

/* Steps [from, to) of the window's inputs as a constant or as a view of one leaf. */
static hn_tensor piece(layer *l, hn_tensor x, int64_t from, int64_t to)
{
    return hn_slice(l->graph, x, 1, from, to - from);
}

static hn_sequence_options piece_options(int64_t from)
{
    hn_sequence_options options;
    hn_sequence_options_default(&options);
    options.dropout_base = 2;
    options.dropout_time = from;
    options.dropout_length = STEPS;
    return options;
}

static void assert_same_tensors(layer *l, hn_tensor a, hn_tensor b)
{
    int64_t count, other;
    double *left = test_tensor_numbers(l->graph, a, &count), *right = test_tensor_numbers(l->graph, b, &other);
    assert_int_equal(count, other);
    assert_memory_equal(left, right, (size_t)count * sizeof *left);
    test_free(left);
    test_free(right);
}

/* Values bit for bit: outputs and states of one run, of two halves, and of single steps. */
static void test_cut_windows(void **state)
{
    (void)state;
    for (int i = 0; i < CELLS * 2 * 2; i++) {
        layer l;
        open_layer(&l, cells[i % CELLS].kind, cells[i % CELLS].layer_norm, dtypes[i / CELLS % 2],
                   i / CELLS / 2 == 0 ? 1 : 0.6);
        const hn_tensor x = test_numbers(l.graph, HN_SHAPE3(ROWS, STEPS, X_SIZE), 1, true),
                        s0 = test_numbers(l.graph, state_shape(&l), 2, true);
        const hn_sequence_options first = piece_options(0), second = piece_options(CUT);
        const hn_sequence_result all = hn_sequence(l.weights, "cell", &l.cell, x, s0, &first);
        const hn_sequence_result a = hn_sequence(l.weights, "cell", &l.cell, piece(&l, x, 0, CUT), s0, &first);
        const hn_sequence_result b =
            hn_sequence(l.weights, "cell", &l.cell, piece(&l, x, CUT, STEPS), a.state, &second);
        ok(&l, hn_graph_status(l.graph));
        assert_same_tensors(&l, piece(&l, all.outputs, 0, CUT), a.outputs);
        assert_same_tensors(&l, piece(&l, all.outputs, CUT, STEPS), b.outputs);
        assert_same_tensors(&l, all.state, b.state);

        hn_tensor s = s0;
        for (int64_t t = 0; t < STEPS; t++) {
            const hn_sequence_options now = piece_options(t);
            const hn_tensor input = hn_reshape(l.graph, piece(&l, x, t, t + 1), HN_SHAPE2(ROWS, X_SIZE));
            s = hn_step(l.weights, "cell", &l.cell, input, s, &now);
            assert_same_tensors(&l, hn_slice(l.graph, s, 1, 0, N), hn_slice(l.graph, all.outputs, 1, t, 1));
        }
        assert_same_tensors(&l, s, all.state);
        close_layer(&l);
    }
}

static double *all_gradients(layer *l, hn_tensor x, hn_tensor s0, int64_t *out_count)
{
    const int64_t x_count = ROWS * STEPS * X_SIZE, s_count = hn_shape_elements(state_shape(l));
    double *all = test_calloc((size_t)(x_count + s_count + hn_store_elements(l->store)), sizeof *all), *next = all;
    ok(l, hn_gradient_read(l->graph, x, HN_DTYPE_F64, x_count, next));
    next += x_count;
    ok(l, hn_gradient_read(l->graph, s0, HN_DTYPE_F64, s_count, next));
    next += s_count;
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const int64_t count = hn_store_parameter(l->store, i)->elements;
        ok(l, hn_store_gradient_read(l->store, i, HN_DTYPE_F64, count, next));
        next += count;
    }
    *out_count = next - all;
    return all;
}

/* Gradients through a state handed from one piece to the next. */
static void test_gradients_of_cut_windows(void **state)
{
    static const double shares[2] = {1e-12, 2e-5};
    (void)state;
    for (int i = 0; i < CELLS * 2; i++) {
        double *gradients[2];
        int64_t count = 0;
        layer l;
        open_layer(&l, cells[i % CELLS].kind, cells[i % CELLS].layer_norm, dtypes[i / CELLS], 0.6);
        for (int cut = 0; cut < 2; cut++) {
            hn_graph_reset(l.graph);
            ok(&l, hn_store_zero_gradients(l.store));
            const hn_tensor x = test_numbers(l.graph, HN_SHAPE3(ROWS, STEPS, X_SIZE), 1, true);
            const hn_tensor s0 = test_numbers(l.graph, state_shape(&l), 2, true);
            const hn_sequence_options first = piece_options(0), second = piece_options(CUT);
            hn_tensor outputs, end;
            if (cut == 0) {
                const hn_sequence_result all = hn_sequence(l.weights, "cell", &l.cell, x, s0, &first);
                outputs = all.outputs, end = all.state;
            } else {
                const hn_sequence_result a = hn_sequence(l.weights, "cell", &l.cell, piece(&l, x, 0, CUT), s0, &first);
                const hn_sequence_result b =
                    hn_sequence(l.weights, "cell", &l.cell, piece(&l, x, CUT, STEPS), a.state, &second);
                const hn_tensor parts[2] = {a.outputs, b.outputs};
                outputs = hn_concat(l.graph, parts, 2, 1), end = b.state;
            }
            const hn_tensor w = test_numbers(l.graph, HN_SHAPE3(ROWS, STEPS, N), 8, false),
                            u = test_numbers(l.graph, state_shape(&l), 9, false);
            const hn_tensor loss = hn_add(l.graph, hn_sum(l.graph, hn_mul(l.graph, outputs, w), HN_ALL_AXES, false),
                                          hn_sum(l.graph, hn_mul(l.graph, end, u), HN_ALL_AXES, false));
            ok(&l, hn_backward(l.graph, loss));
            gradients[cut] = all_gradients(&l, x, s0, &count);
        }
        assert_all_close_double(gradients[1], gradients[0], (size_t)count, shares[i / CELLS]);
        test_free(gradients[0]);
        test_free(gradients[1]);
        close_layer(&l);
    }
}

/* reverse = turn the inputs of each row within its length, run, turn the outputs back. */
static void test_reverse_is_turned_inputs(void **state)
{
    static const int32_t lengths[ROWS] = {7, 0, 4};
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        layer l;
        open_layer(&l, cells[cell].kind, cells[cell].layer_norm, HN_DTYPE_F64, 0.6);
        const hn_tensor x = test_numbers(l.graph, HN_SHAPE3(ROWS, STEPS, X_SIZE), 1, true),
                        s0 = test_numbers(l.graph, state_shape(&l), 2, true);
        hn_sequence_options options = piece_options(0);
        options.lengths = hn_tensor_from(l.graph, HN_DTYPE_I32, HN_SHAPE1(ROWS), lengths, false);
        const hn_sequence_result forward =
            hn_sequence(l.weights, "cell", &l.cell, hn_reverse(l.graph, x, options.lengths), s0, &options);
        options.reverse = true;
        const hn_sequence_result turned = hn_sequence(l.weights, "cell", &l.cell, x, s0, &options);
        ok(&l, hn_graph_status(l.graph));
        assert_same_tensors(&l, hn_reverse(l.graph, forward.outputs, options.lengths), turned.outputs);
        assert_same_tensors(&l, forward.state, turned.state);
        assert_same_tensors(&l, hn_slice(l.graph, turned.state, 0, 1, 1),
                            hn_slice(l.graph, s0, 0, 1, 1)); /* length 0 */
        close_layer(&l);
    }
}

/* ---- hypernetworks that must be the plain cell ---- */

static void copy_parameter(const layer *from, layer *to, const char *name)
{
    const int64_t a = hn_store_find(from->store, name), b = hn_store_find(to->store, name);
    double values[1024];
    assert_true(a >= 0 && b >= 0);
    const int64_t count = hn_store_parameter(from->store, a)->elements;
    ok(from, hn_store_read(from->store, a, HN_DTYPE_F64, count, values));
    ok(to, hn_store_write(to->store, b, HN_DTYPE_F64, count, values));
}

/* plain's matrix becomes the sum of the E matrices of full's. */
static void sum_slices(const layer *full, layer *plain, const char *name)
{
    const int64_t a = hn_store_find(full->store, name), b = hn_store_find(plain->store, name);
    double slices[1024], sum[1024] = {0};
    assert_true(a >= 0 && b >= 0);
    const int64_t count = hn_store_parameter(plain->store, b)->elements, e = full->cell.embedding_size;
    assert_int_equal(hn_store_parameter(full->store, a)->elements, e * count);
    ok(full, hn_store_read(full->store, a, HN_DTYPE_F64, e * count, slices));
    for (int64_t i = 0; i < e * count; i++)
        sum[i % count] += slices[i];
    ok(plain, hn_store_write(plain->store, b, HN_DTYPE_F64, count, sum));
}

/* z_h, z_x 1 and no part of b from z_b, whatever the hyper cell says. */
static void still_embeddings(layer *hyper)
{
    set(hyper, "cell.z_h.weight", 0);
    set(hyper, "cell.z_x.weight", 0);
    set(hyper, "cell.z_h.bias", 1);
    set(hyper, "cell.z_x.bias", 1);
    set(hyper, "cell.d_b.weight", 0);
}

/* Outputs, and gradients of the inputs and, if the matrices are the same, of weight_h. */
static void assert_same_layers(layer *plain, layer *hyper, bool same_matrices)
{
    layer *const both[2] = {plain, hyper};
    double outputs[2][ROWS * STEPS * N], input_gradient[2][ROWS * STEPS * X_SIZE], weight_gradient[2][4 * N * N];
    const int64_t weights = plain->cell.kind == HN_CELL_RNN ? N * N : 4 * N * N;
    for (int i = 0; i < 2; i++) {
        layer *l = both[i];
        const hn_tensor x = test_numbers(l->graph, HN_SHAPE3(ROWS, STEPS, X_SIZE), 1, true);
        const hn_tensor zero = hn_tensor_from(l->graph, HN_DTYPE_F64, state_shape(l), NULL, false);
        const hn_sequence_result result = hn_sequence(l->weights, "cell", &l->cell, x, zero, NULL);
        ok(l, hn_tensor_read(l->graph, result.outputs, HN_DTYPE_F64, ROWS * STEPS * N, outputs[i]));
        ok(l, hn_backward_from(l->graph, result.outputs, test_numbers(l->graph, HN_SHAPE3(ROWS, STEPS, N), 8, false)));
        ok(l, hn_gradient_read(l->graph, x, HN_DTYPE_F64, ROWS * STEPS * X_SIZE, input_gradient[i]));
        const int64_t w = hn_store_find(l->store, "cell.weight_h");
        if (same_matrices) ok(l, hn_store_gradient_read(l->store, w, HN_DTYPE_F64, weights, weight_gradient[i]));
    }
    assert_all_close_double(outputs[1], outputs[0], ROWS * STEPS * N, 1e-14);
    assert_all_close_double(input_gradient[1], input_gradient[0], ROWS * STEPS * X_SIZE, 1e-12);
    if (same_matrices) assert_all_close_double(weight_gradient[1], weight_gradient[0], (size_t)weights, 1e-12);
}

/* d = 1 and b = b_0: outputs of the LSTM, and its gradients. */
static void test_hyper_lstm_with_scales_one(void **state)
{
    (void)state;
    for (int norm = 0; norm < 2; norm++) {
        const char *const shared[] = {"cell.weight_x", "cell.weight_h", norm ? "cell.ln_gates.gain" : "cell.bias"};
        layer plain, hyper;
        open_layer(&plain, HN_CELL_LSTM, norm != 0, HN_DTYPE_F64, 1);
        open_layer(&hyper, HN_CELL_HYPERLSTM, norm != 0, HN_DTYPE_F64, 1);
        for (int i = 0; i < 3; i++)
            copy_parameter(&plain, &hyper, shared[i]);
        if (norm) {
            copy_parameter(&plain, &hyper, "cell.ln_gates.shift");
            copy_parameter(&plain, &hyper, "cell.ln_cell.gain");
            copy_parameter(&plain, &hyper, "cell.ln_cell.shift");
            set(&hyper, "cell.bias", 0); /* an LSTM with layer norm has none */
        }
        still_embeddings(&hyper);
        set(&hyper, "cell.d_h.weight", 1.0 / E);
        set(&hyper, "cell.d_x.weight", 1.0 / E);
        assert_same_layers(&plain, &hyper, true);
        close_layer(&plain);
        close_layer(&hyper);
    }
}

static void test_hyper_rnn_with_scales_one(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; relu++) {
        hn_cell cell = cell_of(HN_CELL_RNN, false, 1), hyper_cell = cell_of(HN_CELL_HYPERRNN, false, 1);
        layer plain, hyper;
        cell.activation = hyper_cell.activation = relu ? HN_ACTIVATION_RELU : HN_ACTIVATION_TANH;
        open_cell(&plain, &cell, HN_DTYPE_F64);
        open_cell(&hyper, &hyper_cell, HN_DTYPE_F64);
        copy_parameter(&plain, &hyper, "cell.weight_x");
        copy_parameter(&plain, &hyper, "cell.weight_h");
        copy_parameter(&plain, &hyper, "cell.bias");
        still_embeddings(&hyper);
        set(&hyper, "cell.d_h.weight", 1.0 / E);
        set(&hyper, "cell.d_x.weight", 1.0 / E);
        assert_same_layers(&plain, &hyper, true);
        close_layer(&plain);
        close_layer(&hyper);
    }
}

/* With z = 1 the matrix that is made is the sum of the E matrices; with E = 1 it is the stored one. */
static void test_full_hyper_rnn_with_embeddings_one(void **state)
{
    (void)state;
    for (int e = 1; e <= E; e += E - 1) {
        hn_cell cell = cell_of(HN_CELL_HYPERRNN_FULL, false, 1);
        layer plain, full;
        cell.embedding_size = e;
        open_layer(&plain, HN_CELL_RNN, false, HN_DTYPE_F64, 1);
        open_cell(&full, &cell, HN_DTYPE_F64);
        sum_slices(&full, &plain, "cell.weight_x");
        sum_slices(&full, &plain, "cell.weight_h");
        copy_parameter(&plain, &full, "cell.bias");
        still_embeddings(&full);
        assert_same_layers(&plain, &full, e == 1);
        close_layer(&plain);
        close_layer(&full);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_windows),
        cmocka_unit_test(test_gradients_of_cut_windows),
        cmocka_unit_test(test_reverse_is_turned_inputs),
        cmocka_unit_test(test_hyper_lstm_with_scales_one),
        cmocka_unit_test(test_hyper_rnn_with_scales_one),
        cmocka_unit_test(test_full_hyper_rnn_with_embeddings_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
