/* Streams: what a step lets be seen is what a whole sequence lets be seen at that step, for every kind of cell, layer and row; and
 * what a kind of cell does not have is NULL. */
#include "hypernet/hypernet.h"
#include "test_language.h"
#include "test_support.h"

enum { ROWS = 3, STEPS = 5, LAYERS = 2 };

static const test_language_options f32 = {HN_BACKEND_GENERIC, HN_DTYPE_F32, 1, NULL};

static const struct {
    hn_cell_kind kind;
    bool layer_norm;
    int gates;
    bool has_scales, has_embeddings, has_cell;
} cells[] = {
    {HN_CELL_LSTM, false, 4, false, false, true},          {HN_CELL_LSTM, true, 4, false, false, true},
    {HN_CELL_HYPERLSTM, false, 4, true, true, true},       {HN_CELL_HYPERLSTM, true, 4, true, true, true},
    {HN_CELL_RNN, false, 1, false, false, false},          {HN_CELL_HYPERRNN, false, 1, true, true, false},
    {HN_CELL_HYPERRNN_FULL, false, 1, false, true, false},
};
#define CELLS (sizeof cells / sizeof cells[0])

static int32_t symbol_at(int64_t row, int64_t t) { return (int32_t)((row * 5 + t * t * 3 + t) % 7); }

/* One quantity of a whole sequence, [ROWS,STEPS,width]. */
typedef struct whole {
    float *numbers; /* NULL: the cell has none */
    int64_t width;
} whole;

typedef struct sequence {
    whole d_h, z_h, z_x, z_b, cell, phi;
} sequence;

static whole keep(test_language *l, hn_tensor tensor)
{
    whole kept = {NULL, 0};
    if (tensor.slot == 0) return kept;
    const int64_t count = hn_shape_elements(hn_tensor_shape(l->graph, tensor));
    kept.numbers = test_calloc((size_t)count, sizeof *kept.numbers);
    kept.width = count / (ROWS * STEPS);
    language_ok(l, hn_tensor_read(l->graph, tensor, HN_DTYPE_F32, count, kept.numbers));
    return kept;
}

static sequence run_sequence(test_language *l, int layer)
{
    hn_observation seen[LAYERS];
    hn_tensor state[LAYERS];
    int32_t symbols[ROWS * STEPS];
    hn_window window = {.divisor = 0};
    for (int64_t row = 0; row < ROWS; row++)
        for (int64_t t = 0; t < STEPS; t++)
            symbols[row * STEPS + t] = symbol_at(row, t);
    hn_graph_reset(l->graph);
    window.symbols = hn_tensor_from(l->graph, HN_DTYPE_I32, HN_SHAPE2(ROWS, STEPS), symbols, false);
    for (int k = 0; k < LAYERS; k++) {
        const hn_shape shape = HN_SHAPE2(ROWS, hn_cell_state_size(&l->model.cell));
        state[k] = hn_tensor_from(l->graph, HN_DTYPE_F32, shape, NULL, false);
    }
    hn_language_run(l->weights, &l->model, &window, state, seen);
    language_ok(l, hn_graph_status(l->graph));
    const hn_observation *of = &seen[layer];
    return (sequence){keep(l, of->d_h), keep(l, of->z_h),  keep(l, of->z_x),
                      keep(l, of->z_b), keep(l, of->cell), keep(l, of->phi)};
}

static void drop_sequence(sequence *all)
{
    whole *const parts[] = {&all->d_h, &all->z_h, &all->z_x, &all->z_b, &all->cell, &all->phi};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        test_free(parts[i]->numbers);
}

static void assert_step(const float *seen, const whole *all, int64_t t)
{
    assert_int_equal(seen == NULL, all->numbers == NULL);
    for (int64_t row = 0; seen != NULL && row < ROWS; row++) {
        for (int64_t i = 0; i < all->width; i++)
            assert_close((double)seen[row * all->width + i], (double)all->numbers[(row * STEPS + t) * all->width + i],
                         2e-6, 2e-6);
    }
}

static void compare(test_language *l, size_t c, int layer)
{
    sequence all = run_sequence(l, layer);
    hn_stream_observation seen;
    hn_stream *stream = NULL;
    assert_int_equal(all.d_h.numbers != NULL, cells[c].has_scales);
    assert_int_equal(all.z_h.numbers != NULL, cells[c].has_embeddings);
    assert_int_equal(all.cell.numbers != NULL, cells[c].has_cell);
    language_ok(l, hn_stream_create(l->store, &l->model, ROWS, &stream));
    language_ok(l, hn_stream_observe(stream, layer));
    for (int64_t t = 0; t < STEPS; t++) {
        int32_t symbols[ROWS];
        for (int64_t row = 0; row < ROWS; row++)
            symbols[row] = symbol_at(row, t);
        language_ok(l, hn_stream_step(stream, symbols, NULL));
        language_ok(l, hn_stream_observation_read(stream, &seen));
        assert_int_equal(seen.gates, cells[c].gates);
        assert_step(seen.d_h, &all.d_h, t);
        assert_step(seen.z_h, &all.z_h, t);
        assert_step(seen.z_x, &all.z_x, t);
        assert_step(seen.z_b, &all.z_b, t);
        assert_step(seen.cell, &all.cell, t);
        assert_step(seen.phi, &all.phi, t);
    }
    hn_stream_destroy(stream);
    drop_sequence(&all);
}

static void steps_show_what_sequences_show(void **state)
{
    (void)state;
    for (size_t c = 0; c < CELLS; c++) {
        hn_language_model model = test_language_model(cells[c].kind, cells[c].layer_norm);
        test_language l;
        model.layers = LAYERS;
        test_language_open(&l, &model, &f32);
        for (int layer = 0; layer < LAYERS; layer++)
            compare(&l, c, layer);
        test_language_close(&l);
    }
}

/* Logits too, with zoneout, which in a stream is the expectation as in an evaluated window, and not in a trained one. */
static void steps_say_what_an_evaluated_window_says(void **state)
{
    (void)state;
    for (size_t c = 0; c < CELLS; c++) {
        hn_language_model model = test_language_model(cells[c].kind, cells[c].layer_norm);
        float whole_logits[2][ROWS * STEPS * 7], logits[ROWS * 7];
        int32_t symbols[ROWS * STEPS];
        test_language l;
        hn_stream *stream = NULL;
        model.cell.zoneout_hidden = 0.3;
        if (cells[c].has_cell) model.cell.zoneout_cell = 0.2;
        test_language_open(&l, &model, &f32);
        for (int64_t i = 0; i < ROWS * STEPS; i++)
            symbols[i] = symbol_at(i / STEPS, i % STEPS);
        for (int pass = 0; pass < 2; pass++) {
            const hn_shape shape = HN_SHAPE2(ROWS, hn_cell_state_size(&model.cell));
            hn_graph_reset(l.graph);
            hn_graph_train(l.graph, pass == 1);
            const hn_tensor zero = hn_tensor_from(l.graph, HN_DTYPE_F32, shape, NULL, false);
            const hn_window window = {
                .symbols = hn_tensor_from(l.graph, HN_DTYPE_I32, HN_SHAPE2(ROWS, STEPS), symbols, false)};
            const hn_tensor told = hn_language_run(l.weights, &model, &window, &zero, NULL).logits;
            language_ok(&l, hn_tensor_read(l.graph, told, HN_DTYPE_F32, ROWS * STEPS * 7, whole_logits[pass]));
        }
        assert_memory_not_equal(whole_logits[0], whole_logits[1], sizeof whole_logits[0]);
        language_ok(&l, hn_stream_create(l.store, &model, ROWS, &stream));
        for (int64_t t = 0; t < STEPS; t++) {
            int32_t now[ROWS];
            for (int64_t row = 0; row < ROWS; row++)
                now[row] = symbol_at(row, t);
            language_ok(&l, hn_stream_step(stream, now, logits));
            for (int64_t i = 0; i < ROWS * 7; i++)
                assert_close((double)logits[i], (double)whole_logits[0][(i / 7 * STEPS + t) * 7 + i % 7], 2e-6, 2e-6);
        }
        hn_stream_destroy(stream);
        test_language_close(&l);
    }
}

static void nothing_is_seen_before_a_step(void **state)
{
    const hn_language_model model = test_language_model(HN_CELL_HYPERLSTM, true);
    const int32_t symbol = 1;
    test_language l;
    hn_stream_observation seen;
    hn_stream *stream = NULL;
    (void)state;
    test_language_open(&l, &model, &f32);
    language_ok(&l, hn_stream_create(l.store, &l.model, 1, &stream));
    assert_int_equal(hn_stream_observation_read(stream, &seen), HN_ERROR_STATE);
    hn_context_clear(l.context);
    language_ok(&l, hn_stream_observe(stream, 0));
    assert_int_equal(hn_stream_observation_read(stream, &seen), HN_ERROR_STATE);
    hn_context_clear(l.context);
    assert_null(seen.z_h);
    language_ok(&l, hn_stream_step(stream, &symbol, NULL));
    language_ok(&l, hn_stream_observation_read(stream, &seen));
    assert_non_null(seen.z_h);
    assert_int_equal(hn_stream_observe(stream, 1), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(l.context)->text, "layer 1 of 1"));
    hn_context_clear(l.context);
    hn_stream_destroy(stream);
    test_language_close(&l);
}

static void an_observed_step_takes_nothing_from_the_allocator(void **state)
{
    const hn_language_model model = test_language_model(HN_CELL_HYPERLSTM, false);
    const int32_t symbol = 2;
    test_language l;
    hn_stream *stream = NULL;
    (void)state;
    test_language_open(&l, &model, &f32);
    language_ok(&l, hn_stream_create(l.store, &l.model, 1, &stream));
    language_ok(&l, hn_stream_observe(stream, 0));
    language_ok(&l, hn_stream_step(stream, &symbol, NULL));
    const uint64_t before = hn_context_allocations(l.context);
    for (int i = 0; i < 4; i++)
        language_ok(&l, hn_stream_step(stream, &symbol, NULL));
    assert_int_equal(hn_context_allocations(l.context), before);
    hn_stream_destroy(stream);
    test_language_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_show_what_sequences_show),
        cmocka_unit_test(steps_say_what_an_evaluated_window_says),
        cmocka_unit_test(nothing_is_seen_before_a_step),
        cmocka_unit_test(an_observed_step_takes_nothing_from_the_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
