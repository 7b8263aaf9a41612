/* What must hold for whole networks whatever the numbers: order of the batch, padding, shards, threads, repetition. Values of the
 * generic backend are compared bit for bit. */
#include "hypernet/hypernet.h"
#include "test_language.h"
#include "test_support.h"

enum { ROWS = 4, STEPS = 6, V = 7, N = 10, X_SIZE = 3 };

static const struct {
    hn_cell_kind kind;
    bool layer_norm;
} cells[] = {{HN_CELL_LSTM, false}, {HN_CELL_LSTM, true},      {HN_CELL_HYPERLSTM, false},    {HN_CELL_HYPERLSTM, true},
             {HN_CELL_RNN, false},  {HN_CELL_HYPERRNN, false}, {HN_CELL_HYPERRNN_FULL, false}};
#define CELLS (int)(sizeof cells / sizeof cells[0])

static const test_language_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64, 1, NULL},
                                   f32 = {HN_BACKEND_GENERIC, HN_DTYPE_F32, 1, NULL},
                                   best = {HN_BACKEND_BEST, HN_DTYPE_F32, 2, NULL};

static const double all_keep[2] = {0.7, 0.8};

static hn_language_model model_of(int cell, int layers, bool dropout)
{
    hn_language_model model = test_language_model(cells[cell].kind, cells[cell].layer_norm);
    model.layers = layers;
    if (!dropout) return model;
    model.keep_input = model.keep_between = model.keep_output = all_keep[0];
    model.cell.zoneout_hidden = 0.3;
    if (model.cell.kind >= HN_CELL_RNN) return model;
    model.cell.keep_recurrent = model.cell.keep_hyper_recurrent = all_keep[1];
    model.cell.zoneout_cell = 0.2;
    return model;
}

/* Everything that one window gives, as numbers. */
typedef struct outcome {
    double *logits, *outputs, *state, *state_gradient, *gradients, loss;
    int64_t logit_count, output_count, state_count, gradient_count;
} outcome;

static void drop_outcome(outcome *o)
{
    test_free(o->logits);
    test_free(o->outputs);
    test_free(o->state);
    test_free(o->state_gradient);
    test_free(o->gradients);
}

/* Rows and steps of a batch; data of row `order[r]`, cut to `steps` from `start` on. */
typedef struct batch {
    int64_t rows, steps, first_row;
    int order[ROWS];
    const int32_t *lengths; /* NULL: all */
    double divisor;
} batch;

static const batch whole = {ROWS, STEPS, 0, {0, 1, 2, 3}, NULL, ROWS *STEPS};

static int32_t symbol_at(int64_t row, int64_t t) { return (int32_t)((row * 5 + t * t * 3 + t + row * t) % V); }
static double state_at(int64_t row, int64_t i) { return 0.4 * (double)((row * 7 + i * 5) % 11 - 5) / 5; }

static outcome run(test_language *l, const batch *b)
{
    const int64_t size = hn_cell_state_size(&l->model.cell);
    int32_t symbols[ROWS * STEPS], targets[ROWS * STEPS];
    double states[ROWS * 512], weights[ROWS * STEPS];
    hn_tensor start[HN_MAX_LAYERS];
    outcome o;
    assert_true(size <= 512);
    for (int64_t r = 0; r < b->rows; r++) {
        for (int64_t t = 0; t < b->steps; t++) {
            symbols[r * b->steps + t] = symbol_at(b->order[r], t);
            targets[r * b->steps + t] = symbol_at(b->order[r], t + 1);
            weights[r * b->steps + t] = b->lengths == NULL || t < b->lengths[r] ? 1 : 0;
        }
        for (int64_t i = 0; i < size; i++)
            states[r * size + i] = state_at(b->order[r], i);
    }
    hn_graph_reset(l->graph);
    hn_graph_set_step(l->graph, 9, 4);
    language_ok(l, hn_store_zero_gradients(l->store));
    const hn_shape shape = HN_SHAPE2(b->rows, b->steps);
    hn_window window = {.symbols = hn_tensor_from(l->graph, HN_DTYPE_I32, shape, symbols, false),
                        .targets = hn_tensor_from(l->graph, HN_DTYPE_I32, shape, targets, false),
                        .weights = hn_tensor_from(l->graph, HN_DTYPE_F64, shape, weights, false),
                        .divisor = b->divisor,
                        .first_row = b->first_row};
    if (b->lengths != NULL)
        window.lengths = hn_tensor_from(l->graph, HN_DTYPE_I32, HN_SHAPE1(b->rows), b->lengths, false);
    for (int k = 0; k < l->model.layers; k++)
        start[k] = hn_tensor_from(l->graph, HN_DTYPE_F64, HN_SHAPE2(b->rows, size), states, true);
    const hn_language_result result = hn_language_run(l->weights, &l->model, &window, start, NULL);
    language_ok(l, hn_backward(l->graph, result.loss));
    const int top = l->model.layers - 1;
    o.logits = test_tensor_numbers(l->graph, result.logits, &o.logit_count);
    o.outputs = test_tensor_numbers(l->graph, result.outputs[top], &o.output_count);
    o.state = test_tensor_numbers(l->graph, result.state[top], &o.state_count);
    o.gradients = test_language_gradients(l, &o.gradient_count);
    o.state_gradient = test_calloc((size_t)(b->rows * size), sizeof(double));
    language_ok(l, hn_gradient_read(l->graph, start[0], HN_DTYPE_F64, b->rows * size, o.state_gradient));
    language_ok(l, hn_tensor_read(l->graph, result.loss, HN_DTYPE_F64, 1, &o.loss));
    return o;
}

static void assert_same(const double *a, const double *b, int64_t count)
{
    assert_memory_equal(a, b, (size_t)count * sizeof *a);
}

static void assert_same_outcome(const outcome *a, const outcome *b)
{
    assert_same(a->logits, b->logits, a->logit_count);
    assert_same(a->outputs, b->outputs, a->output_count);
    assert_same(a->state, b->state, a->state_count);
    assert_same(a->gradients, b->gradients, a->gradient_count);
    assert_same(&a->loss, &b->loss, 1);
}

/* ---- a step again ---- */

static void test_again_gives_the_same_bytes(void **state)
{
    const test_language_options *const kinds[] = {&f64, &f32, &best};
    (void)state;
    for (int i = 0; i < CELLS * 3; i++) {
        const hn_language_model model = model_of(i % CELLS, 2, true);
        test_language l, fresh;
        test_language_open(&l, &model, kinds[i / CELLS]);
        outcome a = run(&l, &whole), b = run(&l, &whole);
        test_language_open(&fresh, &model, kinds[i / CELLS]);
        outcome c = run(&fresh, &whole);
        assert_same_outcome(&a, &b);
        assert_same_outcome(&a, &c);
        drop_outcome(&a), drop_outcome(&b), drop_outcome(&c);
        test_language_close(&l);
        test_language_close(&fresh);
    }
}

/* ---- the batch ---- */

static void test_permuted_batch(void **state)
{
    const batch turned = {ROWS, STEPS, 0, {2, 0, 3, 1}, NULL, ROWS * STEPS};
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        const hn_language_model model = model_of(cell, 2, false);
        test_language l;
        test_language_open(&l, &model, &f64);
        outcome a = run(&l, &whole), b = run(&l, &turned);
        const int64_t logits = a.logit_count / ROWS, outputs = a.output_count / ROWS, size = a.state_count / ROWS;
        for (int64_t r = 0; r < ROWS; r++) {
            const int64_t from = turned.order[r];
            assert_same(b.logits + r * logits, a.logits + from * logits, logits);
            assert_same(b.outputs + r * outputs, a.outputs + from * outputs, outputs);
            assert_same(b.state + r * size, a.state + from * size, size);
            assert_all_close_double(b.state_gradient + r * size, a.state_gradient + from * size, (size_t)size, 1e-12);
        }
        assert_close(b.loss, a.loss, 1e-13, 0);
        assert_all_close_double(b.gradients, a.gradients, (size_t)a.gradient_count, 1e-12);
        drop_outcome(&a), drop_outcome(&b);
        test_language_close(&l);
    }
}

/* Rows that end early give what they give alone in a window of their own length; beyond it there are zeros and a state kept. */
static void test_padded_equals_alone(void **state)
{
    static const int32_t lengths[ROWS] = {6, 2, 1, 4};
    const batch padded = {ROWS, STEPS, 0, {0, 1, 2, 3}, lengths, 13};
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        const hn_language_model model = model_of(cell, 2, false);
        test_language l;
        test_language_open(&l, &model, &f64);
        outcome a = run(&l, &padded);
        const int64_t size = a.state_count / ROWS;
        double *sum = test_calloc((size_t)a.gradient_count, sizeof *sum), loss = 0;
        for (int r = 0; r < ROWS; r++) {
            const batch alone = {1, lengths[r], 0, {r}, NULL, 13};
            outcome b = run(&l, &alone);
            assert_same(a.outputs + (int64_t)r * STEPS * N, b.outputs, lengths[r] * N);
            for (int64_t i = lengths[r] * N; i < STEPS * N; i++)
                assert_true(a.outputs[(int64_t)r * STEPS * N + i] == 0);
            assert_same(a.state + r * size, b.state, size);
            assert_all_close_double(a.state_gradient + r * size, b.state_gradient, (size_t)size, 1e-12);
            for (int64_t i = 0; i < a.gradient_count; i++)
                sum[i] += b.gradients[i];
            loss += b.loss;
            drop_outcome(&b);
        }
        assert_close(a.loss, loss, 1e-13, 0);
        assert_all_close_double(a.gradients, sum, (size_t)a.gradient_count, 1e-12);
        test_free(sum);
        drop_outcome(&a);
        test_language_close(&l);
    }
}

/* Two shards, which know which rows they are, draw the masks of the whole batch; their gradients add up to its. */
static void test_shards_draw_the_same_masks(void **state)
{
    const batch halves[2] = {{2, STEPS, 0, {0, 1}, NULL, ROWS * STEPS}, {2, STEPS, 2, {2, 3}, NULL, ROWS * STEPS}};
    const batch wrong = {2, STEPS, 0, {2, 3}, NULL, ROWS * STEPS};
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        const hn_language_model model = model_of(cell, 2, true);
        test_language l;
        test_language_open(&l, &model, &f64);
        outcome all = run(&l, &whole), a = run(&l, &halves[0]), b = run(&l, &halves[1]), c = run(&l, &wrong);
        assert_same(all.logits, a.logits, a.logit_count);
        assert_same(all.logits + a.logit_count, b.logits, b.logit_count);
        assert_same(all.state + a.state_count, b.state, b.state_count);
        assert_memory_not_equal(b.logits, c.logits, (size_t)b.logit_count * sizeof(double)); /* dropout is really on */
        assert_close(all.loss, a.loss + b.loss, 1e-13, 0);
        for (int64_t i = 0; i < all.gradient_count; i++)
            a.gradients[i] += b.gradients[i];
        assert_all_close_double(a.gradients, all.gradients, (size_t)all.gradient_count, 1e-12);
        drop_outcome(&all), drop_outcome(&a), drop_outcome(&b), drop_outcome(&c);
        test_language_close(&l);
    }
}

/* ---- threads ---- */

static void test_another_thread_count(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        hn_language_model model = model_of(cell, 1, true);
        model.cell.units = 160; /* large enough for every kernel to share its work out */
        model.cell.hyper_units = 48;
        outcome first;
        for (int threads = 1; threads <= 3; threads++) {
            test_language l;
            test_language_open(&l, &model, &(test_language_options){HN_BACKEND_BEST, HN_DTYPE_F32, threads, NULL});
            outcome o = run(&l, &whole);
            if (threads == 1) {
                first = o;
            } else {
                assert_close(o.loss, first.loss, 2e-5, 0);
                assert_all_close_double(o.gradients, first.gradients, (size_t)o.gradient_count, 2e-5);
                assert_all_close_double(o.state, first.state, (size_t)o.state_count, 2e-5);
                drop_outcome(&o);
            }
            test_language_close(&l);
        }
        drop_outcome(&first);
    }
}

/* The backends agree with the truth in double as well as float can. */
static void test_backends_agree(void **state)
{
    const test_language_options *const kinds[] = {&f32, &best};
    (void)state;
    for (int i = 0; i < CELLS * 2; i++) {
        const hn_language_model model = model_of(i % CELLS, 2, true);
        test_language truth, l;
        test_language_open(&truth, &model, &f64);
        test_language_open(&l, &model, kinds[i / CELLS]);
        outcome a = run(&truth, &whole), b = run(&l, &whole);
        assert_close(b.loss, a.loss, 2e-6, 0);
        assert_all_close_double(b.logits, a.logits, (size_t)a.logit_count, 2e-6);
        assert_all_close_double(b.gradients, a.gradients, (size_t)a.gradient_count, 2e-5);
        drop_outcome(&a), drop_outcome(&b);
        test_language_close(&truth);
        test_language_close(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again_gives_the_same_bytes), cmocka_unit_test(test_permuted_batch),
        cmocka_unit_test(test_padded_equals_alone),        cmocka_unit_test(test_shards_draw_the_same_masks),
        cmocka_unit_test(test_another_thread_count),       cmocka_unit_test(test_backends_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
