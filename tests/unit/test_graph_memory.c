/* Memory of a step: nothing is taken from the allocator once the largest batch has been seen, a dry graph counts what a real one
 * uses, the context's limit holds, and a refused request anywhere leaves an error and no leak. */
#include "hypernet/hypernet.h"
#include "test_allocator.h"
#include "test_language.h"
#include "test_store.h"
#include "test_support.h"

typedef struct loop {
    test_language l;
    hn_optimizer *optimizer;
    hn_tensor carried[HN_MAX_LAYERS]; /* persistent */
    int64_t rows;
} loop;

static hn_status step(loop *p, int64_t steps, uint32_t number)
{
    test_language *l = &p->l;
    hn_status status = HN_OK;
    hn_graph_reset(l->graph);
    hn_graph_set_step(l->graph, 1, number);
    const hn_window window = {.symbols = test_language_symbols(l, p->rows, steps, number),
                              .targets = test_language_symbols(l, p->rows, steps, number + 1)};
    const hn_language_result result = hn_language_run(l->weights, &l->model, &window, p->carried, NULL);
    if (status == HN_OK) status = hn_store_zero_gradients(l->store);
    if (status == HN_OK) status = hn_backward(l->graph, result.loss);
    for (int k = 0; status == HN_OK && k < l->model.layers; k++)
        status = hn_tensor_store(l->graph, result.state[k], p->carried[k]);
    return status == HN_OK ? hn_optimizer_step(p->optimizer, 1e-3, NULL) : status;
}

static void open_loop(loop *p, const hn_language_model *model, hn_backend backend, hn_dtype dtype)
{
    *p = (loop){.rows = 3};
    test_language_open(&p->l, model, &(test_language_options){backend, dtype, 2, NULL});
    for (int k = 0; k < model->layers; k++) {
        const hn_shape shape = HN_SHAPE2(p->rows, hn_cell_state_size(&model->cell));
        language_ok(&p->l, hn_tensor_persist(p->l.graph, dtype, shape, &p->carried[k]));
    }
    language_ok(&p->l, hn_optimizer_create(p->l.store, NULL, &p->optimizer));
}

static void close_loop(loop *p)
{
    hn_optimizer_destroy(p->optimizer);
    test_language_close(&p->l);
}

static hn_language_model realistic(hn_cell_kind kind)
{
    hn_language_model model = test_language_model(kind, true);
    model.layers = 2;
    model.keep_input = model.keep_between = model.keep_output = 0.8;
    model.cell.keep_recurrent = model.cell.keep_hyper_recurrent = 0.9;
    return model;
}

static void no_calls_after_the_first_step(hn_backend backend, hn_dtype dtype)
{
    static const int64_t lengths[] = {9, 9, 4, 1, 9, 8, 9};
    for (int kind = 0; kind < 2; kind++) {
        const hn_language_model model = realistic((hn_cell_kind)kind);
        uint64_t calls = 0;
        int64_t memory = 0;
        loop p;
        open_loop(&p, &model, backend, dtype);
        for (uint32_t i = 0; i < 7; i++) {
            language_ok(&p.l, step(&p, lengths[i], i));
            if (i == 0) {
                calls = hn_context_allocations(p.l.context);
                memory = hn_context_memory(p.l.context);
            }
        }
        assert_int_equal(hn_context_allocations(p.l.context), calls);
        assert_int_equal(hn_context_memory(p.l.context), memory);
        close_loop(&p);
    }
}

static void test_no_calls_generic(void **state)
{
    (void)state;
    no_calls_after_the_first_step(HN_BACKEND_GENERIC, HN_DTYPE_F32);
    no_calls_after_the_first_step(HN_BACKEND_GENERIC, HN_DTYPE_F64);
}

static void test_no_calls_best(void **state)
{
    (void)state;
    no_calls_after_the_first_step(HN_BACKEND_BEST, HN_DTYPE_F32);
}

/* ---- dry ---- */

typedef struct figures {
    int64_t step_bytes, peak_bytes, nodes;
    hn_shape logits, loss, state, outputs;
} figures;

static figures measure(const hn_language_model *model, hn_backend backend, hn_dtype dtype, bool lengths)
{
    enum { ROWS = 13 }; /* so many that threads have parts of their own */
    static const int32_t ends[ROWS] = {6, 2, 0, 1, 6, 5, 3, 6, 6, 0, 4, 2, 6};
    test_language l;
    figures f;
    test_language_open(&l, model, &(test_language_options){backend, dtype, 3, NULL});
    hn_tensor start[HN_MAX_LAYERS];
    for (int k = 0; k < model->layers; k++)
        start[k] = test_language_state(&l, ROWS, 5);
    hn_window window = {.symbols = test_language_symbols(&l, ROWS, 6, 1),
                        .targets = test_language_symbols(&l, ROWS, 6, 2)};
    if (lengths) window.lengths = hn_tensor_from(l.graph, HN_DTYPE_I32, HN_SHAPE1(ROWS), ends, false);
    const hn_language_result result = hn_language_run(l.weights, &l.model, &window, start, NULL);
    f.step_bytes = hn_graph_step_bytes(l.graph);
    language_ok(&l, hn_backward(l.graph, result.loss));
    f.peak_bytes = hn_graph_peak_bytes(l.graph);
    f.nodes = hn_graph_nodes(l.graph);
    f.logits = hn_tensor_shape(l.graph, result.logits);
    f.loss = hn_tensor_shape(l.graph, result.loss);
    f.state = hn_tensor_shape(l.graph, result.state[model->layers - 1]);
    f.outputs = hn_tensor_shape(l.graph, result.outputs[0]);
    test_language_close(&l);
    return f;
}

/* Not on cpu: what its kernels take as scratch depends on the machine, so there the dry figure is only a lower bound. */
static void test_dry_counts_what_is_used(void **state)
{
    (void)state;
    for (int i = 0; i < 32; i++) {
        hn_language_model model = test_language_model((hn_cell_kind)(i & 1), (i & 2) != 0);
        const hn_dtype dtype = (i & 4) != 0 ? HN_DTYPE_F64 : HN_DTYPE_F32;
        const bool lengths = (i & 8) != 0;
        if ((i & 16) != 0) model.cell.embedding_size = 10;
        model.layers = 2;
        model.keep_output = model.cell.keep_recurrent = 0.5;
        const figures real = measure(&model, HN_BACKEND_GENERIC, dtype, lengths),
                      dry = measure(&model, HN_BACKEND_DRY, dtype, lengths);
        assert_int_equal(dry.step_bytes, real.step_bytes);
        assert_int_equal(dry.nodes, real.nodes);
        assert_true(hn_shape_equal(dry.logits, real.logits) && hn_shape_equal(dry.loss, real.loss));
        assert_true(hn_shape_equal(dry.state, real.state) && hn_shape_equal(dry.outputs, real.outputs));
        assert_true(real.peak_bytes > real.step_bytes);
        assert_true(dry.peak_bytes <= real.peak_bytes);
        /* Kernels' own scratch (groups of a look-up's rows) is all that a dry run does not see. */
        assert_true(real.peak_bytes - dry.peak_bytes <= 1024);
    }
}

/* A model of half a terabyte costs a dry graph only the tape. */
static void test_dry_takes_no_data(void **state)
{
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hn_graph *graph = test_graph_create(context, HN_BACKEND_DRY, HN_DTYPE_F32);
    const int64_t n = INT64_C(1) << 18;
    hn_tensor persistent, x = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(n, n), NULL, true);
    assert_int_equal(hn_tensor_persist(graph, HN_DTYPE_F32, HN_SHAPE2(n, n), &persistent), HN_OK);
    const hn_tensor y = hn_matmul(graph, x, persistent, HN_TRANSPOSE_B);
    assert_int_equal(hn_backward(graph, hn_mean(graph, hn_relu(graph, y), HN_ALL_AXES, false)), HN_OK);
    assert_true(hn_graph_peak_bytes(graph) >= 4 * 4 * n * n);
    assert_true(hn_context_memory(context) < 1 << 20);
    double numbers[4] = {1, 1, 1, 1};
    assert_int_equal(
        hn_tensor_read(graph, hn_slice(graph, hn_slice(graph, y, 0, 0, 2), 1, 0, 2), HN_DTYPE_F64, 4, numbers), HN_OK);
    assert_true(numbers[0] == 0 && numbers[3] == 0);
    hn_graph_destroy(graph);
    hn_context_destroy(context);
}

/* ---- refusals ---- */

static void test_memory_limit(void **state)
{
    hn_context_options options;
    hn_context *context;
    (void)state;
    hn_context_options_default(&options);
    options.memory_limit = 1 << 20;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    hn_graph *graph = test_graph_create(context, HN_BACKEND_GENERIC, HN_DTYPE_F32);
    const hn_tensor x = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(256, 256), NULL, true); /* a quarter of it */
    assert_int_equal(hn_graph_status(graph), HN_OK);
    const hn_tensor y = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(1024, 1024), NULL, true);
    assert_int_equal(y.slot, 0);
    assert_int_equal(hn_backward(graph, hn_sum(graph, hn_add(graph, x, y), HN_ALL_AXES, false)), HN_ERROR_MEMORY);
    test_assert_error(context, HN_ERROR_MEMORY, "step memory", "4.0 MiB", NULL);
    assert_true(hn_context_memory(context) <= options.memory_limit);
    hn_graph_reset(graph);
    (void)hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(256, 256), NULL, true);
    assert_int_equal(hn_graph_status(graph), HN_OK);
    hn_tensor persistent;
    assert_int_equal(hn_tensor_persist(graph, HN_DTYPE_F32, HN_SHAPE2(1024, 1024), &persistent), HN_ERROR_MEMORY);
    assert_int_equal(persistent.slot, 0);
    hn_graph_destroy(graph);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

/* A chain of ops with a backward, a persistent tensor and a drop: the first thing that fails. */
static hn_status small_step(hn_context *context)
{
    hn_graph *graph = NULL;
    hn_tensor carried = HN_NO_TENSOR;
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    hn_status status = hn_graph_create(context, &options, &graph);
    if (status == HN_OK) status = hn_tensor_persist(graph, HN_DTYPE_F64, HN_SHAPE2(40, 40), &carried);
    if (status == HN_OK) {
        hn_tensor h = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE2(40, 40), NULL, true);
        for (int i = 0; i < 120; i++) /* more nodes and values than the first lists hold */
            h = hn_tanh(graph, hn_add(graph, hn_matmul(graph, h, carried, HN_TRANSPOSE_B), h));
        status = hn_backward(graph, hn_sum(graph, h, HN_ALL_AXES, false));
        if (status == HN_OK) status = hn_tensor_store(graph, h, carried);
        hn_tensor_drop(graph, carried);
    }
    hn_graph_destroy(graph);
    return status;
}

static void test_every_failing_request(void **state)
{
    long tried = 0;
    (void)state;
    for (;; tried++) {
        test_allocator memory = {.fail_at = tried + 2}; /* 1 is the context itself */
        hn_context_options options;
        hn_context *context;
        hn_context_options_default(&options);
        options.allocator = test_allocator_hook(&memory);
        assert_int_equal(hn_context_create(&options, &context), HN_OK);
        const hn_status status = small_step(context);
        assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        if (memory.has_failed) assert_int_equal(hn_context_error(context)->status, HN_ERROR_MEMORY);
        assert_int_equal(hn_context_memory(context), 0);
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
    }
    assert_true(tried >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_calls_generic),
        cmocka_unit_test(test_no_calls_best),
        cmocka_unit_test(test_dry_counts_what_is_used),
        cmocka_unit_test(test_dry_takes_no_data),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_every_failing_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
