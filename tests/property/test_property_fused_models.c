/* Fused layers in whole models and in the hands of others: two layers at odd sizes with any number of threads, weights put in their place as views,
 * one a sample or not differentiable, one tensor in two places, cancelling, refused memory, two contexts at once, sizes that cannot
 * be counted. */
#include <math.h>
#include <pthread.h>

#include "graph/graph.h"
#include "hypernet/hypernet.h"
#include "test_allocator.h"
#include "test_language.h"
#include "test_results.h"
#include "test_store.h"

enum { MOST_PUT = 8, STEPS = 6 };

typedef struct sizes {
    int64_t rows, units, hyper_units, embedding;
} sizes;

static void keep_gradient(const test_language *l, test_results *r, const char *name, hn_tensor tensor)
{
    const int64_t count = hn_shape_elements(hn_tensor_shape(l->graph, tensor));
    double *data = test_calloc((size_t)count, sizeof *data);
    language_ok(l, hn_gradient_read(l->graph, tensor, HN_DTYPE_F64, count, data));
    test_results_keep(r, name, data, count);
}

/* What is put in the place of weights before a run; what it returns has its gradients looked at. */
typedef struct replaced {
    hn_tensor made[MOST_PUT];
    int count;
} replaced;
typedef void replace(test_language *l, replaced *out);

/* A window and its backward. */
static hn_status run(test_language *l, const sizes *s, replace *put, bool composed, test_results *r)
{
    static const int32_t ends[32] = {STEPS, 0, 1, 3, STEPS, 2, 5, 4, 1, 6};
    hn_tensor start[HN_MAX_LAYERS];
    replaced others = {.count = 0};
    *r = (test_results){.count = 0};
    hn_graph_reset(l->graph);
    hn_graph_set_step(l->graph, 3, 4);
    l->graph->composed = composed;
    hn_status status = hn_store_zero_gradients(l->store);
    if (status != HN_OK) return status;
    if (put != NULL) put(l, &others);
    hn_window window = {.symbols = test_language_symbols(l, s->rows, STEPS, 1),
                        .targets = test_language_symbols(l, s->rows, STEPS, 2)};
    window.lengths = hn_tensor_from(l->graph, HN_DTYPE_I32, HN_SHAPE1(s->rows), ends, false);
    for (int k = 0; k < l->model.layers; k++)
        start[k] = test_language_state(l, s->rows, 5 + (uint32_t)k);
    const hn_language_result result = hn_language_run(l->weights, &l->model, &window, start, NULL);
    status = hn_backward(l->graph, result.loss);
    if (status != HN_OK) return status;
    double *data;
    int64_t count;
    for (int k = 0; k < l->model.layers; k++) {
        data = test_tensor_numbers(l->graph, result.state[k], &count);
        test_results_keep(r, "final state", data, count);
        data = test_tensor_numbers(l->graph, result.outputs[k], &count);
        test_results_keep(r, "outputs", data, count);
        keep_gradient(l, r, "gradient of state", start[k]);
    }
    for (int i = 0; i < others.count; i++)
        keep_gradient(l, r, "gradient of what was put", others.made[i]);
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        count = hn_store_parameter(l->store, i)->elements;
        data = test_calloc((size_t)count, sizeof *data);
        test_results_keep(r, hn_store_parameter(l->store, i)->name, data, count);
        language_ok(l, hn_store_gradient_read(l->store, i, HN_DTYPE_F64, count, data));
    }
    return HN_OK;
}

static hn_language_model model_of(hn_cell_kind kind, bool layer_norm, const sizes *s)
{
    hn_language_model model = test_language_model(kind, layer_norm);
    model.layers = 2;
    model.keep_input = model.keep_between = 0.8;
    model.cell.keep_recurrent = model.cell.keep_hyper_recurrent = 0.9;
    model.cell.units = s->units;
    model.cell.hyper_units = s->hyper_units;
    model.cell.embedding_size = s->embedding;
    model.cell.zoneout_hidden = s->embedding == 3 ? 0.2 : 0;
    model.cell.hyper_output = s->embedding == 5 ? HN_HYPER_OUTPUT_PREVIOUS : HN_HYPER_OUTPUT_NEW;
    return model;
}

static void fused_beside_composed(const test_language_options *options, const hn_language_model *model, const sizes *s,
                                  replace *put)
{
    test_language l;
    test_results fused, composed;
    char what[96];
    test_language_open(&l, model, options);
    language_ok(&l, run(&l, s, put, false, &fused));
    assert_true(hn_graph_nodes(l.graph) < 150);
    language_ok(&l, run(&l, s, put, true, &composed));
    (void)snprintf(what, sizeof what, "%d rows, %d units, %d, %d, %d threads", (int)s->rows, (int)s->units,
                   (int)s->hyper_units, (int)s->embedding, options->threads);
    test_results_compare(what, &fused, &composed, options->dtype == HN_DTYPE_F64 ? 1e-10 : 2e-5);
    test_results_drop(&fused);
    test_results_drop(&composed);
    test_language_close(&l);
}

static const sizes all_sizes[] = {{1, 3, 2, 1},  {2, 17, 5, 3},   {3, 8, 9, 4},  {5, 33, 7, 5},
                                  {9, 13, 4, 9}, {13, 21, 3, 16}, {17, 5, 6, 2}, {20, 16, 8, 4}};

static void odd_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_sizes / sizeof all_sizes[0]; i++) {
        for (int variant = 0; variant < 4; variant++) {
            const hn_language_model model =
                model_of((variant & 1) != 0 ? HN_CELL_HYPERLSTM : HN_CELL_LSTM, (variant & 2) != 0, &all_sizes[i]);
            for (int threads = 1; threads <= 8; threads += 1 + (threads > 2) * 2) {
                const test_language_options best = {HN_BACKEND_BEST, HN_DTYPE_F32, threads, NULL},
                                            truth = {HN_BACKEND_GENERIC, HN_DTYPE_F64, threads, NULL};
                fused_beside_composed(&truth, &model, &all_sizes[i], NULL);
                fused_beside_composed(&best, &model, &all_sizes[i], NULL);
            }
        }
    }
}

/* ---- weights in their place ---- */

static hn_tensor numbers(test_language *l, hn_shape shape, int salt, bool differentiable)
{
    const int64_t count = hn_shape_elements(shape);
    double *values = test_calloc((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)((i * 7919 + salt * 104729) % 1009) / 1009 - 0.5;
    const hn_tensor tensor = hn_tensor_from(l->graph, HN_DTYPE_F64, shape, values, differentiable);
    test_free(values);
    return tensor;
}

static hn_tensor put(test_language *l, replaced *out, const char *name, hn_tensor made, hn_tensor seen)
{
    language_ok(l, hn_weights_put(l->weights, name, seen));
    if (out != NULL) out->made[out->count++] = made;
    return made;
}

/* Columns of a larger matrix, every row but the first of one, a matrix turned round, and vectors that are columns. */
static void put_views(test_language *l, replaced *out)
{
    static const int order[2] = {1, 0};
    hn_graph *g = l->graph;
    const int64_t n = l->model.cell.units, m = l->model.cell.hyper_units;
    hn_tensor made = numbers(l, HN_SHAPE2(4 * n, n + 3), 1, true);
    put(l, out, "layers.0.weight_h", made, hn_slice(g, made, 1, 2, n));
    made = numbers(l, HN_SHAPE2(n, 4 * n), 2, true);
    put(l, out, "layers.1.weight_h", made, hn_permute(g, made, order));
    made = numbers(l, HN_SHAPE2(4 * m + 1, m), 3, true);
    put(l, out, "layers.0.hyper.weight_h", made, hn_slice(g, made, 0, 1, 4 * m));
    made = numbers(l, HN_SHAPE2(n, 4), 4, true);
    put(l, out, "layers.0.ln_gates.gain", made, hn_permute(g, made, order));
    made = numbers(l, HN_SHAPE2(n, 2), 5, true);
    put(l, out, "layers.1.ln_cell.shift", made, hn_reshape(g, hn_slice(g, made, 1, 1, 1), HN_SHAPE1(n)));
}

/* Not differentiable: their gradients are not wanted, all others are as they were. */
static void put_frozen(test_language *l, replaced *out)
{
    const int64_t n = l->model.cell.units, m = l->model.cell.hyper_units, e = l->model.cell.embedding_size;
    (void)out;
    put(l, NULL, "layers.0.weight_h", HN_NO_TENSOR, numbers(l, HN_SHAPE2(4 * n, n), 1, false));
    put(l, NULL, "layers.0.weight_x", HN_NO_TENSOR, numbers(l, HN_SHAPE2(4 * n, 7), 2, false));
    put(l, NULL, "layers.1.hyper.weight_x", HN_NO_TENSOR, numbers(l, HN_SHAPE2(4 * m, 2 * n), 3, false));
    put(l, NULL, "layers.1.d_h.weight", HN_NO_TENSOR, numbers(l, HN_SHAPE3(4, n, e), 4, false));
    put(l, NULL, "layers.1.d_x.weight", HN_NO_TENSOR, numbers(l, HN_SHAPE3(4, n, e), 5, false));
    put(l, NULL, "layers.1.ln_gates.gain", HN_NO_TENSOR, numbers(l, HN_SHAPE2(4, n), 6, false));
    put(l, NULL, "layers.1.hyper.ln_cell.gain", HN_NO_TENSOR, numbers(l, HN_SHAPE1(m), 7, false));
}

/* One tensor in several places, of one op and of two. */
static void put_twice(test_language *l, replaced *out)
{
    const int64_t n = l->model.cell.units;
    const hn_tensor gates = numbers(l, HN_SHAPE2(4, n), 1, true), cell = numbers(l, HN_SHAPE1(n), 2, true);
    put(l, out, "layers.0.ln_gates.gain", gates, gates);
    put(l, NULL, "layers.0.ln_gates.shift", gates, gates);
    put(l, NULL, "layers.1.ln_gates.shift", gates, gates);
    put(l, out, "layers.0.ln_cell.gain", cell, cell);
    put(l, NULL, "layers.0.ln_cell.shift", cell, cell);
    const hn_tensor matrix = numbers(l, HN_SHAPE2(4 * n, n), 3, true);
    put(l, out, "layers.0.weight_h", matrix, matrix);
    put(l, NULL, "layers.1.weight_h", matrix, matrix);
}

static void weights_in_their_place(void **state)
{
    static replace *const kinds[] = {put_views, put_frozen, put_twice};
    static const sizes s = {9, 14, 5, 3};
    (void)state;
    const hn_language_model model = model_of(HN_CELL_HYPERLSTM, true, &s);
    for (int i = 0; i < 3; i++) {
        const test_language_options best = {HN_BACKEND_BEST, HN_DTYPE_F32, 2, NULL},
                                    truth = {HN_BACKEND_GENERIC, HN_DTYPE_F64, 2, NULL};
        fused_beside_composed(&truth, &model, &s, kinds[i]);
        fused_beside_composed(&best, &model, &s, kinds[i]);
    }
}

/* One a sample, in a layer that the composition can run so: the fused op, which cannot, stays out of it. */
static void put_samples(test_language *l, replaced *out)
{
    const int64_t n = l->model.cell.units;
    hn_tensor made = numbers(l, HN_SHAPE3(5, 4 * n, n), 1, true);
    put(l, out, "layers.0.weight_h", made, made);
    made = numbers(l, HN_SHAPE2(5, n), 2, true);
    put(l, out, "layers.1.ln_cell.gain", made, made);
}

static void weights_of_samples(void **state)
{
    static const sizes s = {5, 6, 3, 2};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        const hn_language_model model = model_of(kind == 0 ? HN_CELL_LSTM : HN_CELL_HYPERLSTM, true, &s);
        test_language l;
        test_results first, second;
        test_language_open(&l, &model, &(test_language_options){HN_BACKEND_GENERIC, HN_DTYPE_F64, 1, NULL});
        language_ok(&l, run(&l, &s, put_samples, false, &first));
        assert_true(hn_graph_nodes(l.graph) > 150); /* composed */
        language_ok(&l, run(&l, &s, put_samples, true, &second));
        test_results_compare("a sample", &first, &second, 0);
        test_results_drop(&first);
        test_results_drop(&second);
        test_language_close(&l);
    }
}

/* ---- cancelling, memory, contexts ---- */

typedef struct question {
    pthread_t thread;
    long asked, refuse_at;
} question;

static bool may_go_on(void *user, const char *what, int64_t done, int64_t total)
{
    question *q = user;
    (void)what;
    if (!pthread_equal(q->thread, pthread_self()) || done < 0 || done > total) return false;
    return ++q->asked != q->refuse_at;
}

static const sizes wide = {13, 11, 4, 3};

/* Every question of a step is answered with no once, with threads that are in the middle of their rows. */
static void cancelling_anywhere(void **state)
{
    const hn_language_model model = model_of(HN_CELL_HYPERLSTM, true, &wide);
    const test_language_options options = {HN_BACKEND_BEST, HN_DTYPE_F32, 3, NULL};
    test_language l;
    test_results whole, again;
    question q = {.thread = pthread_self()};
    (void)state;
    test_language_open(&l, &model, &options);
    l.context->progress = may_go_on;
    l.context->progress_user = &q;
    language_ok(&l, run(&l, &wide, NULL, false, &whole));
    const long questions = q.asked;
    assert_true(questions >= 4 * STEPS); /* two layers, both ways */
    const int64_t memory = hn_context_memory(l.context);
    for (long n = 1; n <= questions; n++) {
        q = (question){.thread = q.thread, .refuse_at = n};
        assert_int_equal(run(&l, &wide, NULL, false, &again), HN_ERROR_CANCELLED);
        test_assert_error(l.context, HN_ERROR_CANCELLED, "cancelled by the progress callback", NULL);
        q.refuse_at = 0;
        language_ok(&l, run(&l, &wide, NULL, false, &again));
        test_results_compare("after cancelling", &again, &whole, 0);
        test_results_drop(&again);
    }
    assert_int_equal(hn_context_memory(l.context), memory);
    test_results_drop(&whole);
    test_language_close(&l);
}

/* A limit that is reached at different places of a step: one message, and the next step works. */
static void refused_memory(void **state)
{
    const hn_language_model model = model_of(HN_CELL_HYPERLSTM, true, &wide);
    int refused = 0;
    (void)state;
    for (long n = 1;; n++) {
        test_allocator memory = {.fail_at = 0};
        const hn_allocator hook = test_allocator_hook(&memory);
        test_language l;
        test_results r;
        test_language_open(&l, &model, &(test_language_options){HN_BACKEND_BEST, HN_DTYPE_F32, 2, &hook});
        memory.fail_at = memory.requests + n;
        const hn_status status = run(&l, &wide, NULL, false, &r);
        assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        test_results_drop(&r);
        refused += memory.has_failed;
        if (memory.has_failed) {
            hn_context_clear(l.context);
            language_ok(&l, run(&l, &wide, NULL, false, &r));
            test_results_drop(&r);
        }
        test_language_close(&l);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
    }
    assert_true(refused >= 3);
}

typedef struct worker {
    test_language l;
    test_results first;
    bool same;
} worker;

static void *work(void *user)
{
    worker *w = user;
    w->same = true;
    for (int i = 0; i < 20; i++) {
        test_results again;
        if (run(&w->l, &wide, NULL, false, &again) != HN_OK) return w->same = false, NULL;
        for (int k = 0; k < again.count; k++)
            if (memcmp(again.data[k], w->first.data[k], (size_t)again.size[k] * sizeof(double)) != 0) w->same = false;
        test_results_drop(&again);
    }
    return NULL;
}

/* Two contexts in two threads give what each gives alone, byte for byte. */
static void two_contexts_at_once(void **state)
{
    worker workers[2];
    pthread_t threads[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const hn_language_model model = model_of(i == 0 ? HN_CELL_LSTM : HN_CELL_HYPERLSTM, true, &wide);
        test_language_open(&workers[i].l, &model, &(test_language_options){HN_BACKEND_BEST, HN_DTYPE_F32, 2, NULL});
        language_ok(&workers[i].l, run(&workers[i].l, &wide, NULL, false, &workers[i].first));
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(workers[i].same);
        test_results_drop(&workers[i].first);
        test_language_close(&workers[i].l);
    }
}

/* ---- sizes ---- */

/* A window whose saved numbers are more than 2^63 is refused by name, even where no memory is taken. */
static void sizes_that_cannot_be_counted(void **state)
{
    hn_context *context;
    hn_store *store;
    hn_weights *weights;
    hn_cell cell;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hn_graph *graph = test_graph_create(context, HN_BACKEND_DRY, HN_DTYPE_F32);
    assert_int_equal(hn_store_create(context, &store), HN_OK);
    assert_int_equal(hn_weights_create(graph, store, &weights), HN_OK);
    hn_cell_default(HN_CELL_LSTM, &cell);
    cell.units = 1 << 16;
    const int64_t rows = INT64_C(1) << 25, steps = INT64_C(1) << 22;
    const hn_tensor symbols = hn_tensor_from(graph, HN_DTYPE_I32, HN_SHAPE2(rows, steps), NULL, false);
    const hn_tensor start = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(rows, 2 * cell.units), NULL, false);
    (void)hn_sequence(weights, "cell", &cell, symbols, start, NULL);
    assert_int_equal(hn_graph_status(graph), HN_ERROR_SHAPE);
    test_assert_error(context, HN_ERROR_SHAPE, "33554432 rows of 4194304 steps of 65536 units", "counted", NULL);
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    hn_store_destroy(store);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(weights_in_their_place),
        cmocka_unit_test(weights_of_samples),
        cmocka_unit_test(cancelling_anywhere),
        cmocka_unit_test(refused_memory),
        cmocka_unit_test(two_contexts_at_once),
        cmocka_unit_test(sizes_that_cannot_be_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
