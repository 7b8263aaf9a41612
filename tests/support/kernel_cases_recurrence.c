/* Cases of recurrence and recurrence_vjp: windows of both kinds of cell with random sizes and options; see kernel_cases.h. The variant says
 * which cell and whether it has layer norm. Both sides share the loops over time, so what is compared are row passes and products: the loops
 * are held against a composition by tests/property/test_property_fused*.c. NaN lies wherever nothing may be read: in results and saved memory before the forward,
 * in inputs and gradients of rows past their length. */
#include "kernel_cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HYPER = 1, NORM = 2, MOST_PAIRS = 48, REPETITIONS = 60 };

typedef struct window {
    kernel_match *match;
    bool hyper, norm, symbols;
    int64_t b, t, n, m, e, k, vocabulary;
    hni_recurrence forward[KERNEL_SIDES];
    hni_recurrence_vjp vjp[KERNEL_SIDES];
    void *saved[KERNEL_SIDES];
    size_t saved_bytes[KERNEL_SIDES];
    kernel_pair pairs[MOST_PAIRS];
    const char *names[MOST_PAIRS];
    int count, results; /* pairs from `results` on are compared */
    kernel_tensor read, ends;
} window;

static kernel_pair *add_pair(window *w, const char *name, kernel_pair pair)
{
    assert_true(w->count < MOST_PAIRS);
    w->names[w->count] = name;
    w->pairs[w->count] = pair;
    return &w->pairs[w->count++];
}

static kernel_pair *numbers(window *w, const char *name, hn_shape shape, double size)
{
    kernel_pair *pair = add_pair(w, name, kernel_pair_create(w->match, shape, KERNEL_DENSE, KERNEL_NORMAL));
    for (int64_t i = 0; i < pair->side[0].count; i++)
        kernel_pair_set(pair, i, size * kernel_tensor_get(&pair->side[KERNEL_TRUTH], i));
    return pair;
}

/* [rows,columns] with a gap between its rows. */
static kernel_pair *matrix(window *w, const char *name, int64_t rows, int64_t columns, int64_t ld)
{
    const int64_t stride[2] = {ld, 1};
    kernel_pair *pair = add_pair(
        w, name,
        kernel_pair_strided(w->match, HN_SHAPE2(rows, columns), stride, kernel_random(w->match, 4), KERNEL_NORMAL));
    const double size = 1 / sqrt((double)columns);
    for (int64_t i = 0; i < pair->side[0].count; i++)
        kernel_pair_set(pair, i, size * kernel_tensor_get(&pair->side[KERNEL_TRUTH], i));
    return pair;
}

#define FOR_SIDES for (int s = 0; s < KERNEL_SIDES; s++)
#define GIVE(structure, field, pair)                                   \
    do {                                                               \
        const kernel_pair *of_field = (pair);                          \
        FOR_SIDES w->structure[s].field = of_field->side[s].view.data; \
    } while (0)
#define SET(field, value) FOR_SIDES w->forward[s].field = (value)

static int64_t steps_of(const window *w, int64_t row)
{
    return w->forward[0].lengths != NULL ? (int64_t)kernel_tensor_get(&w->ends, row) : w->t;
}

/* NaN in [B,T,width] or [T,B,width] past the end of each row. */
static void spoil_ended(const window *w, kernel_pair *pair, int64_t width, bool rows_first)
{
    for (int64_t row = 0; row < w->b; row++)
        for (int64_t t = steps_of(w, row); t < w->t; t++)
            for (int64_t i = 0; i < width; i++)
                kernel_pair_set(pair, (rows_first ? row * w->t + t : t * w->b + row) * width + i, KERNEL_NAN);
}

/* ---- inputs ---- */

static kernel_pair *input(window *w, const char *name, int64_t n)
{
    if (w->symbols) return numbers(w, name, HN_SHAPE2(w->vocabulary, 4 * n), 1);
    kernel_pair *x = numbers(w, name, HN_SHAPE3(w->b, w->t, 4 * n), 1);
    spoil_ended(w, x, 4 * n, true);
    return x;
}

#define GIVE_CELL(cell, n)                                                                  \
    do {                                                                                    \
        const int64_t cell_ld = (n) + kernel_random(match, 3);                              \
        GIVE(forward, cell.x, input(w, #cell " x", n));                                     \
        GIVE(forward, cell.weight_h, matrix(w, #cell " weight_h", 4 * (n), n, cell_ld));    \
        SET(cell.weight_h_ld, cell_ld);                                                     \
        if (kernel_random_chance(match, 0.5))                                               \
            GIVE(forward, cell.bias, numbers(w, #cell " bias", HN_SHAPE1(4 * (n)), 1));     \
        if (!w->norm) break;                                                                \
        GIVE(forward, cell.gates_gain, numbers(w, #cell " gain", HN_SHAPE1(4 * (n)), 1));   \
        GIVE(forward, cell.gates_shift, numbers(w, #cell " shift", HN_SHAPE1(4 * (n)), 1)); \
        GIVE(forward, cell.cell_gain, numbers(w, #cell " cell gain", HN_SHAPE1(n), 1));     \
        GIVE(forward, cell.cell_shift, numbers(w, #cell " cell shift", HN_SHAPE1(n), 1));   \
    } while (0)

static void choose_sizes(window *w)
{
    static const int64_t rows[] = {1, 2, 3, 4, 5, 8, 9, 13, 17, 70}, steps[] = {1, 2, 3, 6},
                         embeddings[] = {1, 2, 3, 4, 4, 5, 8, 9, 16};
    kernel_match *match = w->match;
    w->hyper = (match->row->variant & HYPER) != 0;
    w->norm = (match->row->variant & NORM) != 0;
    w->symbols = kernel_random_chance(match, 0.5);
    w->b = rows[kernel_random(match, 10)];
    w->t = steps[kernel_random(match, 4)];
    /* Rows of 256 gates have a gap behind them. */
    w->n = kernel_random_chance(match, 0.2) ? 64 : kernel_random_size(match, 100);
    w->m = !w->hyper ? 0 : kernel_random_chance(match, 0.2) ? 64 : kernel_random_size(match, 65);
    w->e = w->hyper ? embeddings[kernel_random(match, 9)] : 0;
    w->k = 12 * w->e + 4;
    w->vocabulary = w->symbols ? 1 + kernel_random(match, 9) : 0;
}

static hni_recurrent_masks some_mask(kernel_match *match, uint32_t site)
{
    return (hni_recurrent_masks){kernel_random_chance(match, 0.5) ? 1 : 0.7, site};
}

static void choose_options(window *w)
{
    kernel_match *match = w->match;
    const hni_recurrence options = {.rows = w->b,
                                    .steps = w->t,
                                    .units = w->n,
                                    .hyper_units = w->m,
                                    .embedding = w->e,
                                    .symbols_size = w->vocabulary,
                                    .forget_bias = 0.5,
                                    .epsilon = 0.1,
                                    .previous_output = kernel_random_chance(match, 0.5),
                                    .dropout = some_mask(match, 11),
                                    .hyper_dropout = some_mask(match, 12),
                                    .zone_cell = some_mask(match, 13),
                                    .zone_hidden = some_mask(match, 14),
                                    .zone_expectation = kernel_random_chance(match, 0.3),
                                    .first_row = kernel_random(match, 3),
                                    .time = kernel_random(match, 3),
                                    .length = w->t + 3,
                                    .state_ld = 2 * (w->n + w->m),
                                    .keep = true};
    FOR_SIDES w->forward[s] = options;
    w->read = kernel_random_indices(match, HN_SHAPE2(w->b, w->t), w->symbols ? w->vocabulary : 1);
    w->ends = kernel_random_indices(match, HN_SHAPE1(w->b), w->t + 1);
    if (w->symbols) SET(symbols, w->read.view.data);
    if (kernel_random_chance(match, 0.6)) SET(lengths, w->ends.view.data);
}

static void give_inputs(window *w)
{
    kernel_match *match = w->match;
    const int64_t n = w->n, m = w->m, e = w->e, ld = n + kernel_random(match, 3);
    GIVE(forward, state, numbers(w, "state", HN_SHAPE2(w->b, 2 * (n + m)), 1));
    if (kernel_random_chance(match, 0.3)) GIVE(forward, scale, numbers(w, "scale", HN_SHAPE2(w->b, w->t), 1));
    GIVE_CELL(main, n);
    if (!w->hyper) return;
    GIVE_CELL(hyper, m);
    GIVE(forward, makers.weight_main, matrix(w, "weight_main", 4 * m, n, ld));
    SET(makers.weight_main_ld, ld);
    GIVE(forward, makers.embed_weight, matrix(w, "embed_weight", w->k, m, m));
    GIVE(forward, makers.embed_bias, numbers(w, "embed_bias", HN_SHAPE1(w->k), 0.3));
    GIVE(forward, makers.scale_weight, numbers(w, "scale_weight", HN_SHAPE3(8, n, e), 0.5));
    GIVE(forward, makers.shift_weight, numbers(w, "shift_weight", HN_SHAPE3(4, n, e + 1), 0.5));
}

static void give_results(window *w)
{
    w->results = w->count;
    GIVE(forward, outputs, numbers(w, "outputs", HN_SHAPE3(w->t, w->b, w->n), KERNEL_NAN));
    GIVE(forward, final_state, numbers(w, "final state", HN_SHAPE2(w->b, 2 * (w->n + w->m)), KERNEL_NAN));
    FOR_SIDES
    {
        int64_t count;
        assert_true(hni_recurrence_saved(&w->forward[s], &count));
        w->saved_bytes[s] = (size_t)count * (s == KERNEL_TESTED ? sizeof(float) : sizeof(double));
        w->forward[s].saved = w->saved[s] = test_malloc(w->saved_bytes[s]);
        memset(w->saved[s], 0xff, w->saved_bytes[s]); /* NaN */
    }
}

static void window_open(window *w, kernel_match *match)
{
    *w = (window){.match = match};
    choose_sizes(w);
    choose_options(w);
    give_inputs(w);
    give_results(w);
    FOR_SIDES match->bench[s].step.seed = 4, match->bench[s].step.step = 9;
}

static void window_close(window *w)
{
    FOR_SIDES test_free(w->saved[s]);
    for (int i = 0; i < w->count; i++)
        kernel_pair_destroy(&w->pairs[i]);
    kernel_tensor_destroy(&w->read);
    kernel_tensor_destroy(&w->ends);
}

static void run_forward(window *w)
{
    FOR_SIDES kernel_ok(&w->match->bench[s],
                        w->match->kernels[s]->recurrence(&w->match->bench[s].exec, &w->forward[s]));
}

/* Numbers, and the truth's: a NaN on both sides would agree. */
static void compare(window *w)
{
    for (int i = w->results; i < w->count; i++) {
        const kernel_tensor *truth = &w->pairs[i].side[KERNEL_TRUTH];
        for (int64_t k = 0; k < truth->count; k++)
            if (!isfinite(kernel_tensor_get(truth, k)))
                fail_msg("%s: %s[%d] is no number", w->match->row->name, w->names[i], (int)k);
        kernel_pair_match(w->match, &w->pairs[i], w->names[i], 1);
    }
}

static void run_recurrence(kernel_match *match)
{
    for (int i = 0; i < REPETITIONS; i++) {
        window w;
        window_open(&w, match);
        run_forward(&w);
        compare(&w);
        window_close(&w);
    }
}

/* Without `keep` two steps of saved memory are enough: the same bytes. */
static void run_passing(kernel_match *match)
{
    for (int i = 0; i < REPETITIONS; i++) {
        window w;
        window_open(&w, match);
        run_forward(&w);
        const kernel_tensor *outputs = &w.pairs[w.results].side[KERNEL_TESTED];
        const kernel_tensor *state = &w.pairs[w.results + 1].side[KERNEL_TESTED];
        const size_t output_bytes = (size_t)outputs->count * sizeof(float),
                     state_bytes = (size_t)state->count * sizeof(float);
        float *before = test_malloc(output_bytes + state_bytes);
        memcpy(before, outputs->storage, output_bytes);
        memcpy((char *)before + output_bytes, state->storage, state_bytes);
        hni_recurrence *r = &w.forward[KERNEL_TESTED];
        int64_t count;
        r->keep = false;
        assert_true(hni_recurrence_saved(r, &count));
        float *saved = test_malloc((size_t)count * sizeof saved[0]);
        memset(saved, 0xff, (size_t)count * sizeof saved[0]);
        memset(outputs->storage, 0xff, output_bytes);
        r->saved = saved;
        kernel_ok(&match->bench[KERNEL_TESTED],
                  match->kernels[KERNEL_TESTED]->recurrence(&match->bench[KERNEL_TESTED].exec, r));
        assert_memory_equal(before, outputs->storage, output_bytes);
        assert_memory_equal((char *)before + output_bytes, state->storage, state_bytes);
        test_free(saved);
        test_free(before);
        window_close(&w);
    }
}

/* ---- backward ---- */

/* Gradients begin with numbers, since all are added to; some are not wanted. */
#define WANT(field, pair)                                                                               \
    do {                                                                                                \
        if (w->forward[0].field != NULL && kernel_random_chance(w->match, 0.8)) GIVE(vjp, field, pair); \
    } while (0)
#define WANT_CELL(cell, n)                                                                                         \
    do {                                                                                                           \
        const int64_t cell_ld = (n) + kernel_random(match, 3);                                                     \
        WANT(cell.x, numbers(w, "d " #cell " x",                                                                   \
                             w->symbols ? HN_SHAPE2(w->vocabulary, 4 * (n)) : HN_SHAPE3(w->b, w->t, 4 * (n)), 1)); \
        WANT(cell.bias, numbers(w, "d " #cell " bias", HN_SHAPE1(4 * (n)), 1));                                    \
        WANT(cell.weight_h, matrix(w, "d " #cell " weight_h", 4 * (n), n, cell_ld));                               \
        FOR_SIDES w->vjp[s].cell.weight_h_ld = cell_ld;                                                            \
        WANT(cell.gates_gain, numbers(w, "d " #cell " gain", HN_SHAPE1(4 * (n)), 1));                              \
        WANT(cell.gates_shift, numbers(w, "d " #cell " shift", HN_SHAPE1(4 * (n)), 1));                            \
        WANT(cell.cell_gain, numbers(w, "d " #cell " cell gain", HN_SHAPE1(n), 1));                                \
        WANT(cell.cell_shift, numbers(w, "d " #cell " cell shift", HN_SHAPE1(n), 1));                              \
    } while (0)

static void give_gradients(window *w)
{
    kernel_match *match = w->match;
    const int64_t n = w->n, m = w->m, e = w->e, ld = n + kernel_random(match, 3);
    FOR_SIDES w->vjp[s].forward = &w->forward[s];
    kernel_pair *doutputs = numbers(w, "doutputs", HN_SHAPE3(w->t, w->b, n), 1);
    spoil_ended(w, doutputs, n, false);
    GIVE(vjp, doutputs, doutputs);
    GIVE(vjp, dfinal_state, numbers(w, "dfinal_state", HN_SHAPE2(w->b, 2 * (n + m)), 1));
    w->results = w->count; /* the backward leaves the forward's results as they are; saved memory it may use */
    if (kernel_random_chance(match, 0.8)) GIVE(vjp, dstate, numbers(w, "dstate", HN_SHAPE2(w->b, 2 * (n + m)), 1));
    WANT_CELL(main, n);
    if (!w->hyper) return;
    WANT_CELL(hyper, m);
    WANT(makers.weight_main, matrix(w, "d weight_main", 4 * m, n, ld));
    FOR_SIDES w->vjp[s].makers.weight_main_ld = ld;
    WANT(makers.embed_weight, matrix(w, "d embed_weight", w->k, m, m));
    WANT(makers.embed_bias, numbers(w, "d embed_bias", HN_SHAPE1(w->k), 1));
    WANT(makers.scale_weight, numbers(w, "d scale_weight", HN_SHAPE3(8, n, e), 1));
    WANT(makers.shift_weight, numbers(w, "d shift_weight", HN_SHAPE3(4, n, e + 1), 1));
}

static void run_recurrence_vjp(kernel_match *match)
{
    for (int i = 0; i < REPETITIONS; i++) {
        window w;
        window_open(&w, match);
        run_forward(&w);
        give_gradients(&w);
        FOR_SIDES kernel_ok(&match->bench[s], match->kernels[s]->recurrence_vjp(&match->bench[s].exec, &w.vjp[s]));
        compare(&w);
        window_close(&w);
    }
}

const kernel_case kernel_cases_recurrence[] = {
    {"recurrence, lstm", run_recurrence, 0, 0, 1e-5},
    {"recurrence, lstm with layer norm", run_recurrence, NORM, 0, 2e-5},
    {"recurrence, hyperlstm", run_recurrence, HYPER, 0, 2e-5},
    {"recurrence, hyperlstm with layer norm", run_recurrence, HYPER | NORM, 0, 4e-5},
    {"recurrence keeping two steps, lstm", run_passing, NORM, 0, 0},
    {"recurrence keeping two steps, hyperlstm", run_passing, HYPER | NORM, 0, 0},
    {"recurrence_vjp, lstm", run_recurrence_vjp, 0, 0, 2e-5},
    {"recurrence_vjp, lstm with layer norm", run_recurrence_vjp, NORM, 0, 1e-4},
    {"recurrence_vjp, hyperlstm", run_recurrence_vjp, HYPER, 0, 1e-4},
    {"recurrence_vjp, hyperlstm with layer norm", run_recurrence_vjp, HYPER | NORM, 0, 4e-4},
    {NULL, NULL, 0, 0, 0},
};
