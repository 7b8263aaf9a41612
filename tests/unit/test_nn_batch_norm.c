/* The batch norm layer: names and counts, training against evaluation, running statistics as PyTorch's momentum of 0.1 gives them but of
 * the biased variance, and weights in the place of its own. */
#include <math.h>

#include "graph/graph.h"
#include "hypernet/nn.h"
#include "test_store.h"

enum { BATCH = 3, CHANNELS = 2, SIDE = 2, ALL = BATCH * CHANNELS * SIDE * SIDE };

typedef struct bench {
    test_store made;
    hn_graph *graph;
    hn_weights *weights;
} bench;

static hn_tensor zeros(hn_graph *graph, hn_shape shape)
{
    return hn_tensor_from(graph, hn_graph_dtype(graph), shape, NULL, false);
}

static void open_bench(bench *b, hn_backend backend, hn_dtype dtype)
{
    test_store_open(&b->made, 1);
    (void)hn_batch_norm_layer(b->made.declarer, "bn1", zeros(b->made.dry, HN_SHAPE4(BATCH, CHANNELS, SIDE, SIDE)),
                              true);
    assert_int_equal(hn_graph_status(b->made.dry), HN_OK);
    test_store_seal(&b->made, backend, dtype, 1);
    b->graph = test_graph_create(b->made.context, backend, dtype);
    assert_int_equal(hn_weights_create(b->graph, b->made.store, &b->weights), HN_OK);
}

static void close_bench(bench *b)
{
    hn_weights_destroy(b->weights);
    hn_graph_destroy(b->graph);
    test_store_close(&b->made);
}

/* Images of step `step`, [B,C,H,W] row-major. */
static void fill(double *images, int step)
{
    for (int i = 0; i < ALL; i++)
        images[i] = (i / (SIDE * SIDE) % CHANNELS) * 3 + sin(7.0 * i + step);
}

static void moments(const double *images, int channel, double *out_mean, double *out_variance)
{
    const double count = BATCH * SIDE * SIDE;
    double sum = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < ALL; i++) {
            if (i / (SIDE * SIDE) % CHANNELS != channel) continue;
            if (pass == 0) sum += images[i];
            if (pass == 1) squares += (images[i] - sum / count) * (images[i] - sum / count);
        }
    *out_mean = sum / count;
    *out_variance = squares / count;
}

static hn_tensor layer(bench *b, const double *images)
{
    const hn_tensor x = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE4(BATCH, CHANNELS, SIDE, SIDE), images, true);
    return hn_batch_norm_layer(b->weights, "bn1", x, true);
}

static void assert_output(bench *b, hn_tensor y, const double *images, const double *statistics, double share)
{
    double values[ALL], expected[ALL];
    assert_int_equal(hn_tensor_read(b->graph, y, HN_DTYPE_F64, ALL, values), HN_OK);
    for (int i = 0; i < ALL; i++) {
        const int c = i / (SIDE * SIDE) % CHANNELS;
        expected[i] = fmax(0, (images[i] - statistics[c]) / sqrt(statistics[CHANNELS + c] + 1e-5));
    }
    assert_all_close_double(values, expected, ALL, share);
}

static void running(const bench *b, double *out)
{
    assert_int_equal(hn_store_buffer_read(b->made.store, 0, HN_DTYPE_F64, 2 * CHANNELS, out), HN_OK);
}

static void test_names_and_counts(void **state)
{
    bench b;
    double statistics[2 * CHANNELS];
    (void)state;
    open_bench(&b, HN_BACKEND_BEST, HN_DTYPE_F32);
    assert_int_equal(hn_store_count(b.made.store), 2);
    assert_int_equal(hn_store_elements(b.made.store), 2 * CHANNELS);
    assert_string_equal(hn_store_parameter(b.made.store, 0)->name, "bn1.gain");
    assert_string_equal(hn_store_parameter(b.made.store, 1)->name, "bn1.shift");
    assert_string_equal(hn_store_buffer(b.made.store, 0)->name, "bn1.statistics");
    assert_true(hn_shape_equal(hn_store_buffer(b.made.store, 0)->shape, HN_SHAPE2(2, CHANNELS)));
    running(&b, statistics);
    assert_all_close_double(statistics, ((const double[]){0, 0, 1, 1}), 4, 0);
    close_bench(&b);
}

/* Training goes by the batch; what it keeps is for evaluation alone, and only after a commit. */
static void statistics_of(hn_backend backend, hn_dtype dtype, double share)
{
    bench b;
    double images[ALL], kept[2 * CHANNELS] = {0, 0, 1, 1}, batch[2 * CHANNELS], found[2 * CHANNELS];
    open_bench(&b, backend, dtype);
    for (int step = 0; step < 5; step++) {
        fill(images, step);
        for (int c = 0; c < CHANNELS; c++)
            moments(images, c, &batch[c], &batch[CHANNELS + c]);
        hn_graph_reset(b.graph);
        hn_graph_train(b.graph, true);
        const hn_tensor y = layer(&b, images);
        assert_output(&b, y, images, batch, share);
        assert_int_equal(hn_backward(b.graph, hn_sum(b.graph, hn_mul(b.graph, y, y), HN_ALL_AXES, false)), HN_OK);
        running(&b, found);
        assert_all_close_double(found, kept, 2 * CHANNELS, share);
        if (step == 3) continue; /* an update that was refused */
        assert_int_equal(hn_weights_commit(b.weights), HN_OK);
        for (int i = 0; i < 2 * CHANNELS; i++)
            kept[i] = 0.9 * kept[i] + 0.1 * batch[i];
        running(&b, found);
        assert_all_close_double(found, kept, 2 * CHANNELS, share);
        hn_graph_reset(b.graph);
        hn_graph_train(b.graph, false);
        assert_output(&b, layer(&b, images), images, kept, share);
        assert_int_equal(hn_weights_commit(b.weights), HN_OK); /* an evaluation changes nothing */
        running(&b, found);
        assert_all_close_double(found, kept, 2 * CHANNELS, share);
    }
    close_bench(&b);
}

static void test_running_statistics(void **state)
{
    (void)state;
    statistics_of(HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-14);
    statistics_of(HN_BACKEND_BEST, HN_DTYPE_F32, 2e-6);
}

/* Generated gains are gains; rows [B,C] have channels too; other shapes have none. */
static void test_weights_and_shapes(void **state)
{
    static const double gains[CHANNELS] = {2, 3}, statistics[2 * CHANNELS] = {0, 0, 1, 1};
    bench b;
    double images[ALL], values[ALL];
    (void)state;
    open_bench(&b, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    fill(images, 0);
    hn_graph_train(b.graph, false);
    const hn_tensor gain = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE1(CHANNELS), gains, false);
    assert_int_equal(hn_weights_put(b.weights, "bn1.gain", gain), HN_OK);
    assert_int_equal(hn_tensor_read(b.graph, layer(&b, images), HN_DTYPE_F64, ALL, values), HN_OK);
    for (int i = 0; i < ALL; i++) {
        const int c = i / (SIDE * SIDE) % CHANNELS;
        assert_close(values[i], fmax(0, gains[c] * images[i] / sqrt(statistics[CHANNELS + c] + 1e-5)), 1e-12, 0);
    }
    hn_weights_clear(b.weights);
    const hn_tensor rows = hn_tensor_from(b.graph, HN_DTYPE_F64, HN_SHAPE2(ALL / CHANNELS, CHANNELS), images, false);
    const hn_tensor plain = hn_batch_norm_layer(b.weights, "bn1", rows, false);
    assert_int_equal(hn_tensor_read(b.graph, plain, HN_DTYPE_F64, ALL, values), HN_OK);
    for (int i = 0; i < ALL; i++)
        assert_close(values[i], images[i] / sqrt(1 + 1e-5), 1e-12, 0); /* no relu */
    (void)hn_batch_norm_layer(b.weights, "bn1", zeros(b.graph, HN_SHAPE3(2, CHANNELS, 2)), false);
    test_assert_error(b.made.context, HN_ERROR_SHAPE, "bn1: a batch norm layer reads [B,C,H,W] or [B,C]", NULL);
    hn_graph_reset(b.graph);
    (void)hn_batch_norm_layer(b.weights, "bn1", zeros(b.graph, HN_SHAPE2(2, 5)), false);
    test_assert_error(b.made.context, HN_ERROR_SHAPE, "\"bn1.gain\" is [2] in the store and is asked for as [5]", NULL);
    hn_graph_reset(b.graph);
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    (void)hn_batch_norm_layer(b.weights, name, zeros(b.graph, HN_SHAPE2(2, 5)), false);
    test_assert_error(b.made.context, HN_ERROR_ARGUMENT, "is too long", NULL);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_counts),
        cmocka_unit_test(test_running_statistics),
        cmocka_unit_test(test_weights_and_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
