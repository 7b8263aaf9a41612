/* Values worked out by hand, on every backend: ops without a gradient, numbers far out, infinities and NaN. */
#include <math.h>

#include "graph/graph.h"
#include "test_store.h"
#include "test_support.h"

static const struct {
    hn_backend backend;
    hn_dtype dtype;
    double share;
} kinds[] = {{HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-15},
             {HN_BACKEND_GENERIC, HN_DTYPE_F32, 1e-6},
             {HN_BACKEND_BEST, HN_DTYPE_F32, 1e-6}};
#define KINDS (sizeof kinds / sizeof kinds[0])

typedef struct bench {
    hn_context *context;
    hn_graph *graph;
    double share;
} bench;

static void each(void (*test)(bench *b))
{
    for (size_t i = 0; i < KINDS; i++) {
        bench b = {.share = kinds[i].share};
        assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
        b.graph = test_graph_create(b.context, kinds[i].backend, kinds[i].dtype);
        test(&b);
        hn_graph_destroy(b.graph);
        hn_context_destroy(b.context);
    }
}

static hn_tensor tensor(bench *b, hn_shape shape, const double *values)
{
    return hn_tensor_from(b->graph, HN_DTYPE_F64, shape, values, true);
}

static void read(bench *b, hn_tensor x, int64_t count, double *out)
{
    if (hn_tensor_read(b->graph, x, HN_DTYPE_F64, count, out) != HN_OK)
        fail_msg("%s", hn_context_error(b->context)->text);
}

static void assert_values(bench *b, hn_tensor x, const double *expected, size_t count)
{
    double actual[64];
    assert_true(count <= 64);
    read(b, x, (int64_t)count, actual);
    assert_all_close_double(actual, expected, count, b->share);
}

/* ---- far out ---- */

static void far_sigmoid(bench *b)
{
    static const double x[6] = {-1e30, -200, 0, 40, 1e30, HUGE_VAL}, y[6] = {0, 0, 0.5, 1, 1, 1},
                        t[6] = {-1, -1, 0, 1, 1, 1};
    double gradient[6];
    const hn_tensor leaf = tensor(b, HN_SHAPE1(6), x);
    assert_values(b, hn_sigmoid(b->graph, leaf), y, 6);
    assert_values(b, hn_tanh(b->graph, leaf), t, 6);
    hn_graph_reset(b->graph);
    const hn_tensor again = tensor(b, HN_SHAPE1(6), x);
    const hn_tensor both = hn_add(b->graph, hn_sigmoid(b->graph, again), hn_tanh(b->graph, again));
    assert_int_equal(hn_backward(b->graph, hn_sum(b->graph, both, HN_ALL_AXES, false)), HN_OK);
    assert_int_equal(hn_gradient_read(b->graph, again, HN_DTYPE_F64, 6, gradient), HN_OK);
    assert_all_close_double(gradient, ((const double[]){0, 0, 1.25, 0, 0, 0}), 6, 1e-6);
}

static void test_far_sigmoid_and_tanh(void **state)
{
    (void)state;
    each(far_sigmoid);
}

static void not_numbers(bench *b)
{
    const double values[5] = {1, nan(""), -1, 2, 3};
    double out[5];
    hn_tensor (*const functions[])(hn_graph *, hn_tensor) = {hn_sigmoid, hn_tanh, hn_relu, hn_copy};
    const hn_tensor x = tensor(b, HN_SHAPE1(5), values);
    for (int i = 0; i < 4; i++) {
        read(b, functions[i](b->graph, x), 5, out);
        for (int k = 0; k < 5; k++)
            assert_true((k == 1) == (isnan(out[k]) != 0));
    }
    read(b, hn_sum(b->graph, x, HN_ALL_AXES, false), 1, out);
    assert_true(isnan(out[0]));
    double products[25];
    const hn_tensor column = hn_reshape(b->graph, x, HN_SHAPE2(5, 1)), row = hn_reshape(b->graph, x, HN_SHAPE2(1, 5));
    read(b, hn_matmul(b->graph, column, row, HN_TRANSPOSE_NONE), 25, products);
    for (int k = 0; k < 25; k++)
        assert_true((k / 5 == 1 || k % 5 == 1) == (isnan(products[k]) != 0));
    const hn_tensor statistics = hn_batch_statistics(b->graph, row);
    read(b, statistics, 10, products);
    for (int k = 0; k < 10; k++)
        assert_true((k % 5 == 1) == (isnan(products[k]) != 0));
    const hn_tensor gain = hn_scale(b->graph, tensor(b, HN_SHAPE1(5), values), 0, 1);
    read(b, hn_layer_norm(b->graph, x, hn_copy(b->graph, gain), gain, 1e-3), 5, out);
    for (int k = 0; k < 5; k++)
        assert_true(isnan(out[k]));
}

static void test_not_a_number_stays(void **state)
{
    (void)state;
    each(not_numbers);
}

/* Logits whose exponentials overflow or vanish; NaN in them is NaN in the loss. */
static void far_softmax(bench *b)
{
    static const double logits[9] = {1e30, 0, -1e30, -1000, -1001, -1002, 5, 5, 5}, weights[3] = {1, 1, 1};
    static const int32_t targets[3] = {0, 2, 1};
    const double third = exp(-2.0) / (1 + exp(-1.0) + exp(-2.0));
    double gradient[9], loss;
    const hn_tensor x = tensor(b, HN_SHAPE2(3, 3), logits);
    const hn_tensor t = hn_tensor_from(b->graph, HN_DTYPE_I32, HN_SHAPE1(3), targets, false);
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(3), weights, false);
    const hn_tensor bits = hn_symbol_bits(b->graph, x, t);
    double rows[3];
    read(b, bits, 3, rows);
    assert_close(rows[0], 0, 0, 1e-12);
    assert_close(rows[1], -log2(third), 1e-4, 0);
    assert_close(rows[2], log2(3), 1e-6, 0);
    const hn_tensor total = hn_softmax_cross_entropy(b->graph, x, t, w, 2);
    read(b, total, 1, &loss);
    assert_close(loss, (log(3) - log(third)) / 2, 1e-4, 0);
    assert_int_equal(hn_backward(b->graph, total), HN_OK);
    assert_int_equal(hn_gradient_read(b->graph, x, HN_DTYPE_F64, 9, gradient), HN_OK);
    assert_close(gradient[0], 0, 0, 1e-12);
    assert_close(gradient[2], 0, 0, 1e-12);
    assert_close(gradient[5], (third - 1) / 2, 1e-3, 0);
    assert_close(gradient[7], -1.0 / 3, 1e-6, 0);
    hn_graph_reset(b->graph);

    const double broken[3] = {1, nan(""), 2};
    const hn_tensor bad = tensor(b, HN_SHAPE2(1, 3), broken),
                    one = hn_tensor_from(b->graph, HN_DTYPE_I32, HN_SHAPE1(1), targets, false);
    const hn_tensor weight = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(1), weights, false);
    read(b, hn_softmax_cross_entropy(b->graph, bad, one, weight, 1), 1, &loss);
    assert_true(isnan(loss));
}

static void test_far_logits(void **state)
{
    (void)state;
    each(far_softmax);
}

/* ---- ops without a gradient ---- */

static void windows(bench *b)
{
    static const uint8_t text[10] = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 255};
    static const int64_t starts[3] = {0, 6, 3};
    static const int32_t expected[12] = {'a', 'b', 'c', 'd', 'g', 'h', 'i', 255, 'd', 'e', 'f', 'g'};
    int32_t actual[12];
    const hn_tensor source = hn_tensor_from(b->graph, HN_DTYPE_U8, HN_SHAPE1(10), text, false);
    int64_t moving[3];
    memcpy(moving, starts, sizeof moving);
    const hn_tensor out = hn_gather_windows(b->graph, source, moving, 3, 4);
    memset(moving, 0, sizeof moving); /* it was copied */
    assert_int_equal(hn_tensor_read(b->graph, out, HN_DTYPE_I32, 12, actual), HN_OK);
    assert_memory_equal(actual, expected, sizeof expected);
    const hn_tensor every_second =
        hn_reshape(b->graph, hn_slice(b->graph, hn_reshape(b->graph, source, HN_SHAPE2(5, 2)), 1, 1, 1), HN_SHAPE1(5));
    const int64_t two[1] = {2};
    assert_int_equal(
        hn_tensor_read(b->graph, hn_gather_windows(b->graph, every_second, two, 1, 3), HN_DTYPE_I32, 3, actual), HN_OK);
    assert_int_equal(actual[0], 'f');
    assert_int_equal(actual[2], 255);
    assert_int_equal(hn_graph_nodes(b->graph), 0);
}

static void test_gather_windows(void **state)
{
    (void)state;
    each(windows);
}

/* [B,C,H,W] of numbers that lie as [B,H,W,C]; views and norm are copied. */
static void images(bench *b)
{
    static const uint8_t bytes[16] = {0, 51, 102, 153, 204, 255, 0, 51, 102, 153, 204, 255, 51, 51, 51, 51};
    static const double expected[16] = {0.4, 0.6, 0.8, 1.0, 0.0, 0.0, 0.0, 0.0,
                                        0.2, 0.0, 0.6, 0.4, 2.0, 1.5, 0.0, -0.5};
    hn_image_view views[2] = {{1, {1, 0, 0, 0, 1, 0}}, {0, {-1, 0, 1, 0, 1, 0}}};
    double mean[2] = {0, 0.2}, deviation[2] = {1, 0.4};
    const hn_tensor source = hn_tensor_from(b->graph, HN_DTYPE_U8, HN_SHAPE4(2, 2, 2, 2), bytes, false);
    const hn_image_norm norm = {mean, deviation};
    const hn_tensor out = hn_gather_images(b->graph, source, views, 2, &norm);
    views[0].index = 0; /* copied */
    mean[1] = 9;
    assert_true(hn_shape_equal(hn_tensor_shape(b->graph, out), HN_SHAPE4(2, 2, 2, 2)));
    static const int channels_last[4] = {0, 2, 3, 1};
    assert_true(hni_view_is_contiguous(&hni_graph_value(b->graph, hn_permute(b->graph, out, channels_last))->view));
    assert_values(b, hn_copy(b->graph, out), expected, 16);
    const hn_tensor corner = hn_slice(b->graph, source, 1, 0, 1); /* one channel, with gaps */
    const hn_image_view low = {1, {1, 0, 1, 0, 1, 0}};
    assert_values(b, hn_copy(b->graph, hn_gather_images(b->graph, corner, &low, 1, NULL)),
                  ((const double[]){0.6, 0, 1, 0}), 4);
    assert_int_equal(hn_graph_nodes(b->graph), 0);
}

static void test_gather_images(void **state)
{
    (void)state;
    each(images);
}

static void bits(bench *b)
{
    static const double logits[8] = {0, 0, 0, 0, 1, 0, 0, 0};
    static const int32_t targets[2] = {3, 0};
    const double expected[2] = {2, log2(exp(1.0) + 3) - 1 / log(2.0)};
    const hn_tensor x = tensor(b, HN_SHAPE3(1, 2, 4), logits);
    const hn_tensor t = hn_tensor_from(b->graph, HN_DTYPE_I32, HN_SHAPE2(1, 2), targets, false);
    const hn_tensor out = hn_symbol_bits(b->graph, x, t);
    assert_values(b, out, expected, 2);
    assert_int_equal(hn_graph_nodes(b->graph), 0); /* for evaluation: never on the tape */
    assert_int_equal(hn_backward(b->graph, hn_sum(b->graph, out, HN_ALL_AXES, false)), HN_ERROR_STATE);
    hn_context_clear(b->context);
}

static void test_symbol_bits(void **state)
{
    (void)state;
    each(bits);
}

static void channels(bench *b)
{
    /* Two images of two channels and three pixels, once in each order of the memory. */
    static const double planes[12] = {1, 2, 3, 10, 10, 10, 4, 5, 6, 10, 10, 10},
                        pixels[12] = {1, 10, 2, 10, 3, 10, 4, 10, 5, 10, 6, 10}, expected[4] = {3.5, 10, 35.0 / 12, 0};
    static const int order[4] = {0, 3, 1, 2};
    const hn_tensor first = tensor(b, HN_SHAPE4(2, 2, 1, 3), planes);
    const hn_tensor last = hn_permute(b->graph, tensor(b, HN_SHAPE4(2, 1, 3, 2), pixels), order);
    const int64_t nodes = hn_graph_nodes(b->graph);
    assert_values(b, hn_batch_statistics(b->graph, first), expected, 4);
    const int64_t copied = hn_graph_nodes(b->graph) - nodes, bytes = hn_graph_step_bytes(b->graph);
    assert_values(b, hn_batch_statistics(b->graph, last), expected, 4);
    assert_int_equal(copied, 2); /* turned, and copied into the order of the memory */
    assert_int_equal(hn_graph_nodes(b->graph) - nodes - copied, 1); /* turned: a view */
    assert_true(hn_graph_step_bytes(b->graph) - bytes <= 64);       /* the statistics alone */
}

static void test_batch_statistics(void **state)
{
    (void)state;
    each(channels);
}

/* ---- layer norm at its edge ---- */

static void flat_rows(bench *b)
{
    static const double rows[8] = {3, 3, 3, 3, 1e20, 1e20, 1e20, 1e20}, gain[4] = {1, 2, 3, 4}, shift[4] = {5, 6, 7, 8};
    const hn_tensor x = tensor(b, HN_SHAPE2(2, 4), rows);
    const hn_tensor out =
        hn_layer_norm(b->graph, x, tensor(b, HN_SHAPE1(4), gain), tensor(b, HN_SHAPE1(4), shift), 1e-3);
    assert_values(b, out, ((const double[]){5, 6, 7, 8, 5, 6, 7, 8}), 8);
}

static void test_layer_norm_of_equal_numbers(void **state)
{
    (void)state;
    each(flat_rows);
}

/* ---- convolution ---- */

/* Its edges by hand, and what a NaN reaches: the outputs that read it. */
static void convolution(bench *b)
{
    static const double x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, kernel[4] = {1, 10, 100, 1000}, bias[1] = {0.5};
    hn_graph *g = b->graph;
    hn_conv2d_options options;
    hn_conv2d_options_default(&options);
    const hn_tensor image = tensor(b, HN_SHAPE4(1, 1, 3, 3), x), taps = tensor(b, HN_SHAPE4(1, 1, 2, 2), kernel);
    const hn_tensor half = tensor(b, HN_SHAPE1(1), bias);
    assert_values(b, hn_conv2d(g, image, taps, half, &options), ((const double[]){5421.5, 6532.5, 8754.5, 9865.5}), 4);
    options = (hn_conv2d_options){.stride = 2, .padding = 1};
    assert_values(b, hn_conv2d(g, image, taps, HN_NO_TENSOR, &options), ((const double[]){1000, 3200, 7040, 9865}), 4);
    double broken[9], out[4];
    memcpy(broken, x, sizeof broken);
    broken[5] = nan("");
    read(b, hn_conv2d(g, tensor(b, HN_SHAPE4(1, 1, 3, 3), broken), taps, half, NULL), 4, out);
    for (int i = 0; i < 4; i++)
        assert_true((i % 2 == 1) == (isnan(out[i]) != 0));
}

static void test_convolution(void **state)
{
    (void)state;
    each(convolution);
}

/* Equal numbers, infinities and NaN: where a largest number's gradient goes. */
static void pooling(bench *b)
{
    const double x[8] = {2, -HUGE_VAL, 2, 1, nan(""), 5, nan(""), HUGE_VAL}, dy[2] = {3, 7};
    double out[2], gradient[8];
    hn_graph *g = b->graph;
    const hn_tensor leaf = tensor(b, HN_SHAPE4(2, 1, 2, 2), x), y = hn_max_pool2d(g, leaf, 2, 2);
    read(b, y, 2, out);
    assert_true(out[0] == 2 && isnan(out[1]));
    assert_int_equal(hn_backward_from(g, y, hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE4(2, 1, 1, 1), dy, false)), HN_OK);
    assert_int_equal(hn_gradient_read(g, leaf, HN_DTYPE_F64, 8, gradient), HN_OK);
    assert_all_close_double(gradient, ((const double[]){3, 0, 0, 0, 7, 0, 0, 0}), 8, 0);
    hn_graph_reset(g);
    read(b, hn_avg_pool2d(g, tensor(b, HN_SHAPE4(2, 1, 2, 2), x), 2, 2), 2, out);
    assert_true(out[0] == -HUGE_VAL && isnan(out[1]));
}

static void test_pooling(void **state)
{
    (void)state;
    each(pooling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far_sigmoid_and_tanh), cmocka_unit_test(test_not_a_number_stays),
        cmocka_unit_test(test_far_logits),           cmocka_unit_test(test_gather_windows),
        cmocka_unit_test(test_gather_images),        cmocka_unit_test(test_symbol_bits),
        cmocka_unit_test(test_batch_statistics),     cmocka_unit_test(test_layer_norm_of_equal_numbers),
        cmocka_unit_test(test_convolution),
        cmocka_unit_test(test_pooling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
