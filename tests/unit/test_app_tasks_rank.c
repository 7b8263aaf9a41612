/* Effective ranks of embeddings: the figure itself on covariances that are known, and what an evaluation gives against a computation
 * by hand with the library's stream. */
#include <math.h>

#include "app/tasks/covariance.h"
#include "hypernet/optim.h"
#include "test_task.h"

/* ---- the figure ---- */

static double rank_of(const float *vectors, int64_t count, int64_t size)
{
    double memory[64] = {0};
    hni_covariance covariance;
    size_t room;
    assert_true(hni_covariance_room(size, &room) && room <= 64);
    hni_covariance_start(&covariance, size, memory);
    for (int64_t i = 0; i < count; i++)
        hni_covariance_add(&covariance, vectors + i * size);
    assert_int_equal(covariance.count, count);
    return hni_covariance_rank(&covariance);
}

static void ranks_of_known_covariances(void **state)
{
    /* covariances diag(4, 1), diag(1, 1, 1) and one direction only, each far from 0 */
    static const float unequal[] = {102, 7, 98, 7, 100, 8, 100, 6};
    static const float equal[] = {1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1};
    static const float line[] = {1, 2, 3, 2, 4, 6, -5, -10, -15, 0.5F, 1, 1.5F};
    static const float constant[] = {0.1F, 0.7F, 0.1F, 0.7F, 0.1F, 0.7F};
    (void)state;
    assert_close(rank_of(unequal, 4, 2), 25.0 / 17, 1e-12, 0);
    assert_close(rank_of(equal, 6, 3), 3, 1e-12, 0);
    assert_close(rank_of(line, 4, 3), 1, 1e-12, 0);
    assert_true(rank_of(constant, 3, 2) == 0);
    assert_true(rank_of(constant, 1, 2) == 0);
    assert_true(rank_of(NULL, 0, 2) == 0);
    assert_close(rank_of(unequal, 4, 1), 1, 1e-12, 0);
}

static void a_mean_far_from_zero_costs_nothing(void **state)
{
    float vectors[2000];
    (void)state;
    for (int i = 0; i < 1000; i++) { /* steps of float's own grid at 1024 */
        vectors[2 * i] = 1024 + (float)(i % 2) / 8192;
        vectors[2 * i + 1] = 1024 + (float)(i / 2 % 2) / 8192;
    }
    assert_close(rank_of(vectors, 1000, 2), 2, 1e-9, 0);
}

/* ---- an evaluation ---- */

static hni_metric evaluate(const test_task *t, int64_t tracks)
{
    const hni_evaluate_options options = {.split = "valid", .tracks = tracks};
    hni_metric metric;
    test_task_ok(t, t->task->evaluate(t->work, &options, &metric));
    return metric;
}

static double figure_of(const hni_metric *metric, const char *name)
{
    for (size_t i = 0; i < metric->figure_count; i++)
        if (strcmp(metric->figures[i].name, name) == 0) return metric->figures[i].value;
    fail_msg("no figure '%s'", name);
    return 0;
}

enum { SIZE = 2, GATES = 4 }; /* E, G of test_task's model */

/* tr(C)^2 / tr(C C) of C, computed in two passes. */
static double rank_by_hand(const double *z, int64_t count)
{
    double mean[SIZE] = {0}, c[SIZE][SIZE] = {{0}}, trace = 0, squares = 0;
    for (int64_t n = 0; n < count; n++)
        for (int i = 0; i < SIZE; i++)
            mean[i] += z[n * SIZE + i] / (double)count;
    for (int64_t n = 0; n < count; n++)
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++)
                c[i][j] += (z[n * SIZE + i] - mean[i]) * (z[n * SIZE + j] - mean[j]);
    for (int i = 0; i < SIZE; i++) {
        trace += c[i][i];
        for (int j = 0; j < SIZE; j++)
            squares += c[i][j] * c[i][j];
    }
    return trace * trace / squares;
}

/* Every parameter a number that is far from its start, so that z moves in both directions. */
static void shake(const test_task *t)
{
    uint32_t number = 7;
    for (int64_t i = 0; i < hn_store_count(t->store); i++) {
        const int64_t count = hn_store_parameter(t->store, i)->elements;
        float *values = calloc((size_t)count, sizeof *values);
        assert_non_null(values);
        for (int64_t k = 0; k < count; k++) {
            number = number * 1664525u + 1013904223u;
            values[k] = (float)(number >> 8) / 16777216.0F - 0.5F;
        }
        test_task_ok(t, hn_store_write(t->store, i, HN_DTYPE_F32, count, values));
        free(values);
    }
}

static void evaluation_equals_a_computation_by_hand(void **state)
{
    static const char *const kinds[] = {"h", "x", "b"}, *const gates[] = {"i", "g", "f", "o"};
    enum { COUNT = 700 };
    static double z[2][3][GATES][COUNT * SIZE];
    test_task t;
    hni_text_data *text = NULL;
    (void)state;
    test_task_prepare(&t, 7001);
    t.data.valid_fraction = 0.1;
    t.model.layers = 2;
    test_task_open(&t, 4);
    shake(&t);
    const hni_text_source source = {.places = &t.places};
    test_task_ok(&t, hni_text_open(t.context, &t.data, &source, &text));
    assert_int_equal(text->count[HNI_TEXT_VALID], COUNT);
    for (int layer = 0; layer < 2; layer++) {
        hn_stream *stream = NULL;
        hn_stream_observation seen;
        test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &stream));
        test_task_ok(&t, hn_stream_observe(stream, layer));
        for (int64_t n = 0; n < COUNT - 1; n++) {
            const int32_t symbol = hni_text_row(text, text->start[HNI_TEXT_VALID] + n);
            test_task_ok(&t, hn_stream_step(stream, &symbol, NULL));
            test_task_ok(&t, hn_stream_observation_read(stream, &seen));
            const float *const parts[] = {seen.z_h, seen.z_x, seen.z_b};
            for (int kind = 0; kind < 3; kind++)
                for (int gate = 0; gate < GATES; gate++)
                    for (int e = 0; e < SIZE; e++)
                        z[layer][kind][gate][n * SIZE + e] = (double)parts[kind][gate * SIZE + e];
        }
        hn_stream_destroy(stream);
    }
    const hni_metric metric = evaluate(&t, 1);
    assert_int_equal(metric.figure_count, 2 * 3 * GATES);
    for (int layer = 0; layer < 2; layer++)
        for (int kind = 0; kind < 3; kind++)
            for (int gate = 0; gate < GATES; gate++) {
                char name[32];
                snprintf(name, sizeof name, "rank.%d.%s.%s", layer, kinds[kind], gates[gate]);
                const double rank = figure_of(&metric, name);
                assert_true(rank > 1.0001 && rank <= 2);
                assert_close(rank, rank_by_hand(z[layer][kind][gate], COUNT - 1), 1e-5, 0);
            }
    hni_text_close(text);
    test_task_close(&t);
}

static void updates(const test_task *t, int64_t count)
{
    hn_optimizer *optimizer = NULL;
    test_task_ok(t, hn_optimizer_create(t->store, NULL, &optimizer));
    for (int64_t step = 0; step < count; step++) {
        hn_tensor loss;
        hn_graph_reset(t->graph);
        hn_graph_set_step(t->graph, 1, (uint32_t)step);
        test_task_ok(t, hn_store_zero_gradients(t->store));
        test_task_ok(t, t->task->loss(t->work, step, &loss));
        test_task_ok(t, hn_backward(t->graph, loss));
        test_task_ok(t, hn_optimizer_step(optimizer, 0.02, NULL));
        test_task_ok(t, t->task->advance(t->work, step));
    }
    hn_optimizer_destroy(optimizer);
}

/* The paper's start: z_h and z_x are the constant 1, and while they learn to move all their elements move alike. */
static void the_papers_start_keeps_one_direction(void **state)
{
    static const char *const names[] = {"rank.0.h.i", "rank.0.h.g", "rank.0.h.f", "rank.0.h.o",
                                        "rank.0.x.i", "rank.0.x.g", "rank.0.x.f", "rank.0.x.o"};
    test_task t;
    (void)state;
    test_task_prepare(&t, 3000);
    test_task_open(&t, 4);
    hni_metric metric = evaluate(&t, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(figure_of(&metric, names[i]) == 0);
    assert_true(figure_of(&metric, "rank.0.b.i") > 1.01); /* its weights begin at random */
    updates(&t, 30);
    metric = evaluate(&t, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const double rank = figure_of(&metric, names[i]);
        assert_true(rank > 0.999 && rank <= 1 + 1e-6);
    }
    test_task_close(&t);
}

/* Jitter tells the elements apart from the start, and they learn to move apart. */
static void jitter_breaks_the_symmetry(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 3000);
    t.model.cell.embedding_init = HN_EMBEDDING_INIT_JITTER;
    test_task_open(&t, 4);
    updates(&t, 30);
    const hni_metric metric = evaluate(&t, 0);
    for (size_t i = 0; i < metric.figure_count; i++) {
        if (!(metric.figures[i].value > 1 + 1e-4)) fail_msg("%s %g", metric.figures[i].name, metric.figures[i].value);
    }
    test_task_close(&t);
}

/* One gate, so that its name is left out; and the full form begins at z = 1 too. */
static void a_hyper_rnn_has_one_gate(void **state)
{
    static const hn_cell_kind kinds[2] = {HN_CELL_HYPERRNN, HN_CELL_HYPERRNN_FULL};
    static const char *const names[] = {"rank.0.h", "rank.0.x", "rank.0.b", "rank.1.h", "rank.1.x", "rank.1.b"};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        test_task t;
        test_task_prepare(&t, 3000);
        t.model.cell.kind = kinds[kind];
        t.model.cell.layer_norm = false;
        t.model.layers = 2;
        test_task_open(&t, 4);
        shake(&t);
        const hni_metric metric = evaluate(&t, 0);
        assert_int_equal(metric.figure_count, 6);
        for (int i = 0; i < 6; i++) {
            assert_string_equal(metric.figures[i].name, names[i]);
            assert_true(metric.figures[i].value > 1.0001 && metric.figures[i].value <= 2);
        }
        test_task_close(&t);
    }
}

static void a_model_without_embeddings_has_none(void **state)
{
    test_task t;
    size_t count = 1;
    (void)state;
    test_task_prepare(&t, 500);
    t.model.cell.kind = HN_CELL_LSTM;
    test_task_open(&t, 4);
    const hni_metric metric = evaluate(&t, 0);
    assert_int_equal(metric.figure_count, 0);
    (void)t.task->figures(t.work, &count);
    assert_int_equal(count, 0);
    test_task_close(&t);
}

/* A covariance costs E squared. */
static void embeddings_too_wide_have_none(void **state)
{
    (void)state;
    for (int64_t size = 256; size <= 257; size++) {
        const size_t wanted = size == 256 ? 12 : 0;
        test_task t;
        size_t count = 1;
        test_task_prepare(&t, 500);
        t.model.cell.embedding_size = size;
        test_task_open(&t, 4);
        const hni_metric metric = evaluate(&t, 0);
        assert_int_equal(metric.figure_count, wanted);
        (void)t.task->figures(t.work, &count);
        assert_int_equal(count, wanted);
        test_task_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_of_known_covariances),
        cmocka_unit_test(a_mean_far_from_zero_costs_nothing),
        cmocka_unit_test(evaluation_equals_a_computation_by_hand),
        cmocka_unit_test(the_papers_start_keeps_one_direction),
        cmocka_unit_test(jitter_breaks_the_symmetry),
        cmocka_unit_test(a_hyper_rnn_has_one_gate),
        cmocka_unit_test(a_model_without_embeddings_has_none),
        cmocka_unit_test(embeddings_too_wide_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
