/* Streams whose weights are stored as bf16 or int8, for every kind of cell and two layers: they say what a model says whose matrices were
 * rounded by hand; rows are the same alone and beside others; no step allocates; the store may change or go. */
#include <math.h>

#include "hypernet/hypernet.h"
#include "test_language.h"
#include "test_support.h"

enum { ROWS = 3, STEPS = 6, V = 7, N = 10 };

static const struct {
    hn_cell_kind kind;
    bool layer_norm;
} cells[] = {
    {HN_CELL_LSTM, false}, {HN_CELL_LSTM, true},      {HN_CELL_HYPERLSTM, false},     {HN_CELL_HYPERLSTM, true},
    {HN_CELL_RNN, false},  {HN_CELL_HYPERRNN, false}, {HN_CELL_HYPERRNN_FULL, false},
};
#define CELLS (sizeof cells / sizeof cells[0])

static const hn_dtype storages[] = {HN_DTYPE_F32, HN_DTYPE_BF16, HN_DTYPE_I8};

static hn_language_model model_of(size_t c)
{
    hn_language_model model = test_language_model(cells[c].kind, cells[c].layer_norm);
    model.layers = 2;
    return model;
}

static hn_stream *stream_of(test_language *l, int64_t rows, hn_dtype storage)
{
    hn_stream_options options;
    hn_stream *stream = NULL;
    hn_stream_options_default(&options);
    assert_int_equal(options.storage, HN_DTYPE_F32);
    options.storage = storage;
    language_ok(l, hn_stream_create_with(l->store, &l->model, rows, &options, &stream));
    return stream;
}

/* Logits [STEPS,rows,V] of made-up symbols, those of rows first .. first + rows - 1. */
static void speak(test_language *l, hn_stream *stream, int64_t first, int64_t rows, float *logits)
{
    for (int64_t t = 0; t < STEPS; t++) {
        int32_t symbols[ROWS];
        for (int64_t row = 0; row < rows; row++)
            symbols[row] = (int32_t)(((first + row) * 5 + t * t * 3 + t) % V);
        language_ok(l, hn_stream_step(stream, symbols, logits + t * rows * V));
    }
}

static void stream_logits(test_language *l, hn_dtype storage, float logits[STEPS * ROWS * V])
{
    hn_stream *stream = stream_of(l, ROWS, storage);
    speak(l, stream, 0, ROWS, logits);
    hn_stream_destroy(stream);
}

/* ---- rounding by hand ---- */

static float to_bf16(float x)
{
    int exponent;
    if (x == 0) return x;
    (void)frexpf(x, &exponent);
    const float unit = ldexpf(1, exponent - 8); /* of the last of 8 bits */
    return nearbyintf(x / unit) * unit;
}

static void round_part(float *row, int64_t count, hn_dtype storage)
{
    float largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(row[i]));
    const float scale = largest / 127;
    for (int64_t i = 0; i < count; i++)
        row[i] = storage == HN_DTYPE_BF16 ? to_bf16(row[i]) : scale * nearbyintf(row[i] / scale);
}

static bool ends_with(const char *name, const char *end)
{
    const size_t a = strlen(name), b = strlen(end);
    return a >= b && strcmp(name + a - b, end) == 0;
}

/* Columns [first, first + count) of a parameter's rows that are stored together; false: it stays as it is. */
static bool stored_part(const char *name, int64_t columns, int part, int64_t *first, int64_t *count)
{
    const bool hyper_input = ends_with(name, ".hyper.weight_x"), below = strncmp(name, "layers.0.", 9) == 0;
    *first = part == 0 ? 0 : N;
    *count = hyper_input ? (part == 0 ? N : columns - N) : columns;
    if (hyper_input) return part == 0 || !below; /* what reads one-hot symbols is looked up */
    if (part == 1) return false;
    if (ends_with(name, ".weight_x")) return !below;
    return ends_with(name, "weight_h") || ends_with(name, "z_h.weight") || ends_with(name, "z_x.weight") ||
           ends_with(name, "z_b.weight") || strcmp(name, "softmax.weight") == 0;
}

static void round_store(test_language *l, hn_dtype storage)
{
    for (int64_t i = 0; i < hn_store_count(l->store); i++) {
        const hn_parameter *p = hn_store_parameter(l->store, i);
        if (p->shape.rank != 2) continue;
        const int64_t columns = p->shape.size[1];
        float *values = test_calloc((size_t)p->elements, sizeof *values);
        language_ok(l, hn_store_read(l->store, i, HN_DTYPE_F32, p->elements, values));
        for (int64_t row = 0; row < p->shape.size[0]; row++)
            for (int part = 0; part < 2; part++) {
                int64_t first, count;
                if (stored_part(p->name, columns, part, &first, &count))
                    round_part(values + row * columns + first, count, storage);
            }
        language_ok(l, hn_store_write(l->store, i, HN_DTYPE_F32, p->elements, values));
        test_free(values);
    }
}

static double largest_difference(const float *a, const float *b)
{
    double largest = 0;
    for (int64_t i = 0; i < STEPS * ROWS * V; i++)
        largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
    return largest;
}

/* The cpu backend rounds what int8 matrices are multiplied with to 16 bits. */
static void check_rounded(size_t c, hn_backend backend, hn_dtype storage)
{
    const test_language_options options = {backend, HN_DTYPE_F32, 2, NULL};
    const hn_language_model model = model_of(c);
    float exact[STEPS * ROWS * V], stored[STEPS * ROWS * V], by_hand[STEPS * ROWS * V];
    test_language l;
    test_language_open(&l, &model, &options);
    stream_logits(&l, HN_DTYPE_F32, exact);
    stream_logits(&l, storage, stored);
    round_store(&l, storage);
    stream_logits(&l, HN_DTYPE_F32, by_hand);
    const bool whole = storage == HN_DTYPE_I8 && backend == HN_BACKEND_CPU;
    assert_true(largest_difference(stored, by_hand) <= (whole ? 2e-4 : 5e-6));
    assert_true(largest_difference(stored, exact) >= 2e-4); /* the storage matters */
    test_language_close(&l);
}

static void stored_weights_are_rounded_weights(void **state)
{
    (void)state;
    for (size_t c = 0; c < CELLS; c++)
        for (int s = 1; s < 3; s++) {
            check_rounded(c, HN_BACKEND_GENERIC, storages[s]);
#ifdef HNI_HAVE_CPU
            check_rounded(c, HN_BACKEND_CPU, storages[s]);
#endif
        }
}

/* ---- rows, backends, memory ---- */

static void rows_do_not_know_each_other(void **state)
{
    (void)state;
    for (size_t c = 0; c < CELLS; c++)
        for (int s = 0; s < 3; s++) {
            const test_language_options options = {HN_BACKEND_BEST, HN_DTYPE_F32, 2, NULL};
            const hn_language_model model = model_of(c);
            float all[STEPS * ROWS * V], one[STEPS * V];
            test_language l;
            test_language_open(&l, &model, &options);
            stream_logits(&l, storages[s], all);
            for (int64_t row = 0; row < ROWS; row++) {
                hn_stream *stream = stream_of(&l, 1, storages[s]);
                speak(&l, stream, row, 1, one);
                hn_stream_destroy(stream);
                for (int64_t t = 0; t < STEPS; t++)
                    assert_memory_equal(one + t * V, all + (t * ROWS + row) * V, V * sizeof *one);
            }
            test_language_close(&l);
        }
}

static void backends_agree(void **state)
{
    (void)state;
    for (size_t c = 0; c < CELLS; c++) {
        const hn_language_model model = model_of(c);
        float logits[2][STEPS * ROWS * V];
        for (int b = 0; b < 2; b++) {
            const test_language_options options = {b == 0 ? HN_BACKEND_GENERIC : HN_BACKEND_BEST, HN_DTYPE_F32, 2,
                                                   NULL};
            test_language l;
            test_language_open(&l, &model, &options);
            stream_logits(&l, HN_DTYPE_F32, logits[b]);
            test_language_close(&l);
        }
        assert_true(largest_difference(logits[0], logits[1]) <= 1e-5);
    }
}

/* A double store keeps its numbers, and sums are double: less what a float holds of a logit, something is left. */
static void double_stays_double(void **state)
{
    const test_language_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F64, 1, NULL};
    const hn_language_model model = test_language_model(HN_CELL_LSTM, false);
    double softmax[V * N] = {0}, shift[V] = {0};
    const int32_t symbol = 2;
    float logits[V];
    test_language l;
    (void)state;
    test_language_open(&l, &model, &options);
    const int64_t weight = hn_store_find(l.store, "softmax.weight"), bias = hn_store_find(l.store, "softmax.bias");
    softmax[0] = 1; /* logit 0 = h[0] + bias */
    language_ok(&l, hn_store_write(l.store, weight, HN_DTYPE_F64, V * N, softmax));
    language_ok(&l, hn_store_write(l.store, bias, HN_DTYPE_F64, V, shift));
    hn_stream *stream = stream_of(&l, 1, HN_DTYPE_F32);
    language_ok(&l, hn_stream_step(stream, &symbol, logits));
    hn_stream_destroy(stream);
    const double h = (double)logits[0];
    shift[0] = -h;
    language_ok(&l, hn_store_write(l.store, bias, HN_DTYPE_F64, V, shift));
    stream = stream_of(&l, 1, HN_DTYPE_F32);
    language_ok(&l, hn_stream_step(stream, &symbol, logits));
    hn_stream_destroy(stream);
    assert_true(logits[0] != 0 && fabs((double)logits[0]) < 1e-7); /* what float has cut off of h */
    test_language_close(&l);
}

static void no_step_allocates(void **state)
{
    (void)state;
    for (size_t c = 0; c < CELLS; c++)
        for (int s = 0; s < 3; s++) {
            const test_language_options options = {HN_BACKEND_BEST, HN_DTYPE_F32, 2, NULL};
            const hn_language_model model = model_of(c);
            float logits[STEPS * ROWS * V];
            test_language l;
            test_language_open(&l, &model, &options);
            hn_stream *stream = stream_of(&l, ROWS, storages[s]);
            language_ok(&l, hn_stream_observe(stream, 1));
            const uint64_t before = hn_context_allocations(l.context);
            speak(&l, stream, 0, ROWS, logits);
            assert_int_equal(hn_context_allocations(l.context), before);
            hn_stream_destroy(stream);
            test_language_close(&l);
        }
}

static void the_store_may_change_and_go(void **state)
{
    const test_language_options options = {HN_BACKEND_BEST, HN_DTYPE_F32, 1, NULL};
    const hn_language_model model = model_of(3);
    float before[STEPS * ROWS * V], after[STEPS * ROWS * V];
    test_language l;
    (void)state;
    test_language_open(&l, &model, &options);
    stream_logits(&l, HN_DTYPE_BF16, before);
    hn_stream *stream = stream_of(&l, ROWS, HN_DTYPE_BF16);
    for (int64_t i = 0; i < hn_store_count(l.store); i++) {
        const int64_t count = hn_store_parameter(l.store, i)->elements;
        float *zeros = test_calloc((size_t)count, sizeof *zeros);
        language_ok(&l, hn_store_write(l.store, i, HN_DTYPE_F32, count, zeros));
        test_free(zeros);
    }
    speak(&l, stream, 0, ROWS, after);
    assert_memory_equal(before, after, sizeof before);
    hn_stream_destroy(stream);
    test_language_close(&l);
}

/* ---- refusals ---- */

static void what_cannot_be_is_refused(void **state)
{
    const test_language_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F32, 1, NULL};
    const hn_language_model model = model_of(0);
    test_language l;
    hn_stream *stream = NULL;
    hn_stream_options chosen;
    int32_t symbol = V;
    float logits[2][V];
    (void)state;
    test_language_open(&l, &model, &options);
    hn_stream_options_default(&chosen);
    chosen.storage = HN_DTYPE_F16;
    assert_int_equal(hn_stream_create_with(l.store, &l.model, 1, &chosen, &stream), HN_ERROR_TYPE);
    assert_non_null(strstr(hn_context_error(l.context)->text, "stored as F16: choose F32, BF16 or I8"));
    assert_null(stream);
    hn_context_clear(l.context);
    hn_language_model other = model;
    other.cell.kind = HN_CELL_HYPERLSTM;
    assert_int_equal(hn_stream_create(l.store, &other, 1, &stream), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(l.context)->text, "no parameter 'layers.0.hyper.weight_x'"));
    hn_context_clear(l.context);
    other = model;
    other.cell.units = N + 1;
    assert_int_equal(hn_stream_create(l.store, &other, 1, &stream), HN_ERROR_SHAPE);
    assert_non_null(
        strstr(hn_context_error(l.context)->text, "'layers.0.weight_x' has shape [40,7], the model needs [44,7]"));
    hn_context_clear(l.context);
    /* A symbol that is none leaves the state alone. */
    for (int i = 0; i < 2; i++) {
        const int32_t good = 3;
        stream = stream_of(&l, 1, HN_DTYPE_F32);
        language_ok(&l, hn_stream_step(stream, &good, NULL));
        if (i == 1) {
            assert_int_equal(hn_stream_step(stream, &symbol, NULL), HN_ERROR_ARGUMENT);
            assert_non_null(strstr(hn_context_error(l.context)->text, "is 7, it must lie in [0,7)"));
            hn_context_clear(l.context);
        }
        language_ok(&l, hn_stream_step(stream, &good, logits[i]));
        hn_stream_destroy(stream);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    test_language_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_weights_are_rounded_weights),
        cmocka_unit_test(rows_do_not_know_each_other),
        cmocka_unit_test(backends_agree),
        cmocka_unit_test(double_stays_double),
        cmocka_unit_test(no_step_allocates),
        cmocka_unit_test(the_store_may_change_and_go),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
