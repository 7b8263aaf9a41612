/* Element-wise ops keep the order in which their inputs lie in memory. */
#include "graph/graph.h"
#include "test_support.h"

enum { B = 2, C = 3, H = 4, W = 5, COUNT = B * C * H * W };

static const int channels_second[4] = {0, 3, 1, 2};

static hn_tensor image(hn_graph *graph, double first, bool differentiable)
{
    double data[COUNT];
    for (int i = 0; i < COUNT; i++)
        data[i] = first + 0.25 * i;
    const hn_tensor x = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE4(B, H, W, C), data, differentiable);
    return hn_permute(graph, x, channels_second);
}

static bool is_channels_last(const hn_graph *graph, hn_tensor x)
{
    const hni_view *view = &hni_graph_value(graph, x)->view;
    return view->rank == 4 && view->stride[1] == 1 && view->stride[3] == C && view->stride[2] == W * C &&
           view->stride[0] == H * W * C;
}

static void assert_same(hn_graph *graph, hn_tensor x, hn_tensor y)
{
    double left[COUNT], right[COUNT];
    assert_int_equal(hn_tensor_read(graph, x, HN_DTYPE_F64, COUNT, left), HN_OK);
    assert_int_equal(hn_tensor_read(graph, y, HN_DTYPE_F64, COUNT, right), HN_OK);
    for (int i = 0; i < COUNT; i++)
        assert_close(left[i], right[i], 0, 0);
}

static int make_graph(void **state)
{
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    hn_context *context = NULL;
    hn_graph *graph = NULL;
    if (hn_context_create(NULL, &context) != HN_OK || hn_graph_create(context, &options, &graph) != HN_OK) return 1;
    *state = graph;
    return 0;
}

static int end_graph(void **state)
{
    hn_context *context = hn_graph_context(*state);
    hn_graph_destroy(*state);
    hn_context_destroy(context);
    return 0;
}

static void test_order_is_kept(void **state)
{
    hn_graph *graph = *state;
    const double per_channel[C] = {1, -2, 3};
    const hn_tensor x = image(graph, -3, false), y = image(graph, 1, false);
    const hn_tensor dense_x = hn_copy(graph, x), dense_y = hn_copy(graph, y);
    const hn_tensor gain = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE3(C, 1, 1), per_channel, false);
    const hn_tensor one = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE1(1), per_channel, false);
    const hn_tensor pairs[][2] = {
        {hn_add(graph, x, y), hn_add(graph, dense_x, dense_y)},
        {hn_mul(graph, gain, x), hn_mul(graph, gain, dense_x)},
        {hn_sub(graph, one, x), hn_sub(graph, one, dense_x)},
        {hn_div(graph, x, y), hn_div(graph, dense_x, dense_y)},
        {hn_mul_add(graph, x, gain, y), hn_mul_add(graph, dense_x, gain, dense_y)},
        {hn_relu(graph, x), hn_relu(graph, dense_x)},
        {hn_scale(graph, x, 2, 1), hn_scale(graph, dense_x, 2, 1)},
        {hn_tanh(graph, x), hn_tanh(graph, dense_x)},
    };
    assert_int_equal(hn_graph_status(graph), HN_OK);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_true(is_channels_last(graph, pairs[i][0]));
        assert_same(graph, pairs[i][0], pairs[i][1]);
    }
}

/* Two orders, or a gap: the result is contiguous as ever. */
static void test_no_common_order(void **state)
{
    hn_graph *graph = *state;
    const hn_tensor x = image(graph, -3, false), dense = hn_copy(graph, image(graph, 1, false));
    const hn_tensor cut = hn_slice(graph, hn_concat(graph, (hn_tensor[]){x, x}, 2, 1), 1, 0, C);
    assert_true(hni_view_is_contiguous(&hni_graph_value(graph, hn_add(graph, x, dense))->view));
    assert_true(hni_view_is_contiguous(&hni_graph_value(graph, hn_add(graph, dense, x))->view));
    assert_true(hni_view_is_contiguous(&hni_graph_value(graph, hn_relu(graph, cut))->view));
    assert_true(hni_view_is_contiguous(&hni_graph_value(graph, hn_copy(graph, x))->view));
}

/* x * gain + relu(x): gradients as of the contiguous twin, of a broadcast input too. */
static hn_tensor twice_used(hn_graph *graph, hn_tensor x, hn_tensor gain)
{
    return hn_mean(graph, hn_mul(graph, hn_mul_add(graph, x, gain, hn_relu(graph, x)), x), HN_ALL_AXES, false);
}

static void take_gradients(hn_graph *graph, bool dense, double *out_x, double *out_gain)
{
    const double per_channel[C] = {1, -2, 3};
    hn_graph_reset(graph);
    const hn_tensor x = image(graph, -3, true);
    const hn_tensor leaf = {1, x.generation}; /* the tensor that the view is of */
    const hn_tensor gain = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE3(C, 1, 1), per_channel, true);
    assert_int_equal(hn_backward(graph, twice_used(graph, dense ? hn_copy(graph, x) : x, gain)), HN_OK);
    assert_int_equal(hn_gradient_read(graph, leaf, HN_DTYPE_F64, COUNT, out_x), HN_OK);
    assert_int_equal(hn_gradient_read(graph, gain, HN_DTYPE_F64, C, out_gain), HN_OK);
}

static void test_gradients(void **state)
{
    double x[COUNT], dense_x[COUNT], gain[C], dense_gain[C];
    take_gradients(*state, false, x, gain);
    take_gradients(*state, true, dense_x, dense_gain);
    for (int i = 0; i < COUNT; i++)
        assert_close(x[i], dense_x[i], 1e-14, 1e-12);
    for (int i = 0; i < C; i++)
        assert_close(gain[i], dense_gain[i], 1e-14, 1e-12);
    assert_true(x[0] != 0 && gain[0] != 0);
}

static void test_shapes_that_do_not_fit(void **state)
{
    hn_graph *graph = *state;
    const hn_tensor bad = hn_tensor_from(graph, HN_DTYPE_F64, HN_SHAPE1(W + 1), NULL, false);
    assert_int_equal(hn_add(graph, image(graph, 0, false), bad).slot, 0);
    assert_int_equal(hn_graph_status(graph), HN_ERROR_SHAPE);
}

#define WITH_GRAPH(test) cmocka_unit_test_setup_teardown(test, make_graph, end_graph)

/* The shortcut of a residual network: every second pixel is a view, and padded channels stay the innermost ones. */
static void test_pad_keeps_the_order(void **state)
{
    hn_graph *graph = *state;
    const hn_tensor x = image(graph, -3, false);
    const int64_t bytes = hn_graph_step_bytes(graph);
    const hn_tensor apart = hn_slice_step(graph, hn_slice_step(graph, x, 2, 0, 2, 2), 3, 1, 2, 3);
    assert_int_equal(hn_graph_step_bytes(graph), bytes);
    const hn_tensor padded = hn_pad(graph, apart, 1, 1, 4), expected = hn_pad(graph, hn_copy(graph, apart), 1, 1, 4);
    const hni_view *view = &hni_graph_value(graph, padded)->view;
    assert_true(view->stride[1] == 1 && view->stride[3] == C + 5 && view->stride[2] == 2 * (C + 5));
    assert_true(hni_view_is_contiguous(&hni_graph_value(graph, expected)->view));
    double left[B * (C + 5) * 4], right[B * (C + 5) * 4];
    assert_int_equal(hn_tensor_read(graph, padded, HN_DTYPE_F64, B * (C + 5) * 4, left), HN_OK);
    assert_int_equal(hn_tensor_read(graph, expected, HN_DTYPE_F64, B * (C + 5) * 4, right), HN_OK);
    assert_all_close_double(left, right, B * (C + 5) * 4, 0);
    assert_true(left[0] == 0 && left[4] == -3 + 0.25 * C); /* channel 1 is x's first, from pixel (0, 1) on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GRAPH(test_order_is_kept),       WITH_GRAPH(test_no_common_order),        WITH_GRAPH(test_gradients),
        WITH_GRAPH(test_pad_keeps_the_order), WITH_GRAPH(test_shapes_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
