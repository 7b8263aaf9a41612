/* Laws of ops on images: each op against another way of saying the same thing, outputs and every gradient. In double with the generic
 * kernels, and in float with the best ones of this build. */
#include "core/rng.h"
#include "hypernet/graph.h"
#include "test_isa.h"
#include "test_store.h"
#include "test_support.h"

enum { MOST = 60000, INPUTS = 3 };

typedef struct bench {
    hn_context *context;
    hn_graph *graph;
    double share; /* allowed error */
} bench;

/* One convolution: images, kernel, stride and padding. */
typedef struct geometry {
    int64_t batch, channels, height, width, outputs, taps;
    int stride, padding;
    bool bias;
} geometry;

static int64_t out_pixels(const geometry *c, int64_t pixels)
{
    return (pixels + 2 * c->padding - c->taps) / c->stride + 1;
}

static hn_tensor random_tensor(hn_graph *graph, hn_shape shape, uint32_t stream)
{
    static double values[MOST];
    const hni_rng_key key = {.seed = 29, .step = stream};
    const int64_t count = hn_shape_elements(shape);
    assert_true(count >= 1 && count <= MOST);
    for (int64_t i = 0; i < count; i++)
        values[i] = hni_rng_normal(&key, (uint64_t)i);
    return hn_tensor_from(graph, HN_DTYPE_F64, shape, values, true);
}

/* ---- ways to convolve: x, kernel, bias -> [B,O,H',W'] ---- */

typedef hn_tensor (*way)(hn_graph *g, const geometry *c, const hn_tensor *x);

static hn_tensor as_one_op(hn_graph *g, const geometry *c, const hn_tensor *x)
{
    return hn_conv2d(g, x[0], x[1], c->bias ? x[2] : HN_NO_TENSOR,
                     &(hn_conv2d_options){.stride = c->stride, .padding = c->padding});
}

/* For each output pixel the rows of x [B*H*W + 1,C] that lie under the kernel; the last row is zeros. */
static hn_tensor rows_under_kernel(hn_graph *g, const geometry *c)
{
    static int32_t index[MOST];
    const int64_t height = out_pixels(c, c->height), width = out_pixels(c, c->width);
    const int32_t outside = (int32_t)(c->batch * c->height * c->width);
    int64_t at = 0;
    for (int64_t b = 0; b < c->batch; b++)
        for (int64_t i = 0; i < height; i++)
            for (int64_t j = 0; j < width; j++)
                for (int64_t tap = 0; tap < c->taps * c->taps; tap++) {
                    const int64_t row = i * c->stride + tap / c->taps - c->padding,
                                  column = j * c->stride + tap % c->taps - c->padding;
                    const bool inside = row >= 0 && row < c->height && column >= 0 && column < c->width;
                    assert_true(at < MOST);
                    index[at++] = inside ? (int32_t)((b * c->height + row) * c->width + column) : outside;
                }
    return hn_tensor_from(g, HN_DTYPE_I32, HN_SHAPE2(c->batch * height * width, c->taps * c->taps), index, false);
}

/* im2col: one product of [B*H'*W', f*f*C] and [f*f*C, O]. */
static hn_tensor as_product(hn_graph *g, const geometry *c, const hn_tensor *x)
{
    static const int channels_last[4] = {0, 2, 3, 1}, taps_first[4] = {2, 3, 1, 0}, channels_second[4] = {0, 3, 1, 2};
    const int64_t height = out_pixels(c, c->height), width = out_pixels(c, c->width);
    const int64_t pixels = c->batch * c->height * c->width, terms = c->taps * c->taps * c->channels;
    const hn_tensor rows[2] = {hn_reshape(g, hn_permute(g, x[0], channels_last), HN_SHAPE2(pixels, c->channels)),
                               hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE2(1, c->channels), NULL, false)};
    const hn_tensor taken = hn_lookup(g, hn_concat(g, rows, 2, 0), rows_under_kernel(g, c));
    const hn_tensor left = hn_reshape(g, taken, HN_SHAPE2(c->batch * height * width, terms)),
                    right = hn_reshape(g, hn_permute(g, x[1], taps_first), HN_SHAPE2(terms, c->outputs));
    hn_tensor y = hn_matmul(g, left, right, HN_TRANSPOSE_NONE);
    if (c->bias) y = hn_add(g, y, x[2]);
    return hn_permute(g, hn_reshape(g, y, HN_SHAPE4(c->batch, height, width, c->outputs)), channels_second);
}

/* Image by image. */
static hn_tensor one_by_one(hn_graph *g, const geometry *c, const hn_tensor *x)
{
    hn_tensor parts[32];
    assert_true(c->batch <= 32);
    for (int64_t b = 0; b < c->batch; b++) {
        const hn_tensor inputs[INPUTS] = {hn_slice(g, x[0], 0, b, 1), x[1], x[2]};
        parts[b] = as_one_op(g, c, inputs);
    }
    return hn_concat(g, parts, c->batch, 0);
}

/* Output channel by output channel: a kernel is its filters. */
static hn_tensor filter_by_filter(hn_graph *g, const geometry *c, const hn_tensor *x)
{
    hn_tensor parts[16];
    assert_true(c->outputs <= 16);
    for (int64_t o = 0; o < c->outputs; o++) {
        const hn_tensor inputs[INPUTS] = {x[0], hn_slice(g, x[1], 0, o, 1),
                                          c->bias ? hn_slice(g, x[2], 0, o, 1) : HN_NO_TENSOR};
        parts[o] = as_one_op(g, c, inputs);
    }
    return hn_concat(g, parts, c->outputs, 1);
}

/* The sum over halves of the input channels. */
static hn_tensor by_halves(hn_graph *g, const geometry *c, const hn_tensor *x)
{
    const int64_t half = c->channels / 2, rest = c->channels - half;
    const geometry bare = {.stride = c->stride, .padding = c->padding};
    const hn_tensor first[INPUTS] = {hn_slice(g, x[0], 1, 0, half), hn_slice(g, x[1], 1, 0, half)},
                    second[INPUTS] = {hn_slice(g, x[0], 1, half, rest), hn_slice(g, x[1], 1, half, rest), x[2]};
    return hn_add(g, as_one_op(g, &bare, first), as_one_op(g, c, second));
}

/* ---- comparison ---- */

typedef struct numbers {
    int64_t count[INPUTS + 1];
    double *data[INPUTS + 1]; /* output, gradients */
} numbers;

static void keep(bench *b, numbers *all, int place, hn_tensor tensor, bool gradient)
{
    all->count[place] = hn_shape_elements(hn_tensor_shape(b->graph, tensor));
    all->data[place] = test_calloc((size_t)all->count[place], sizeof(double));
    const hn_status status = gradient
                                 ? hn_gradient_read(b->graph, tensor, HN_DTYPE_F64, all->count[place], all->data[place])
                                 : hn_tensor_read(b->graph, tensor, HN_DTYPE_F64, all->count[place], all->data[place]);
    if (status != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
}

static numbers compute(bench *b, const geometry *c, way make)
{
    numbers all = {.count = {0}};
    hn_graph *g = b->graph;
    hn_graph_reset(g);
    const hn_tensor x[INPUTS] = {random_tensor(g, HN_SHAPE4(c->batch, c->channels, c->height, c->width), 1),
                                 random_tensor(g, HN_SHAPE4(c->outputs, c->channels, c->taps, c->taps), 2),
                                 random_tensor(g, HN_SHAPE1(c->outputs), 3)};
    const hn_tensor out = make(g, c, x);
    const hn_shape shape = HN_SHAPE4(c->batch, c->outputs, out_pixels(c, c->height), out_pixels(c, c->width));
    if (hn_graph_status(g) != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
    assert_true(hn_shape_equal(hn_tensor_shape(g, out), shape));
    if (hn_backward_from(g, out, random_tensor(g, shape, 4)) != HN_OK)
        fail_msg("%s", hn_context_error(b->context)->text);
    keep(b, &all, INPUTS, out, false);
    for (int i = 0; i < (c->bias ? INPUTS : INPUTS - 1); i++)
        keep(b, &all, i, x[i], true);
    return all;
}

static void drop(numbers *all)
{
    for (int i = 0; i <= INPUTS; i++)
        test_free(all->data[i]);
}

static void compare(bench *b, const geometry *c, way first, way second)
{
    numbers ours = compute(b, c, first), expected = compute(b, c, second);
    for (int i = 0; i <= INPUTS; i++) {
        assert_int_equal(ours.count[i], expected.count[i]);
        if (ours.count[i] > 0) assert_all_close_double(ours.data[i], expected.data[i], (size_t)ours.count[i], b->share);
    }
    drop(&ours);
    drop(&expected);
}

/* Odd and even images, one pixel, 1 x 1 to 7 x 7, every stride and padding, few and many channels. */
static const geometry geometries[] = {
    {2, 3, 5, 4, 4, 3, 1, 0, true},    {2, 2, 7, 6, 5, 3, 1, 1, false},   {1, 2, 9, 8, 3, 7, 1, 3, true},
    {2, 3, 4, 5, 6, 1, 1, 0, true},    {3, 2, 7, 7, 2, 3, 2, 1, true},    {2, 4, 6, 8, 3, 3, 2, 1, false},
    {2, 3, 5, 6, 4, 1, 2, 0, false},   {1, 2, 1, 1, 2, 3, 1, 1, true},    {2, 2, 8, 5, 2, 2, 3, 1, true},
    {12, 16, 9, 7, 16, 3, 1, 1, true}, {3, 8, 12, 5, 16, 3, 1, 1, false}, {9, 16, 6, 13, 16, 3, 1, 2, false},
    {32, 32, 4, 4, 16, 3, 1, 1, true}, {2, 8, 8, 8, 8, 5, 1, 2, true},
};

static void each(bench *b, way first, way second)
{
    for (size_t i = 0; i < sizeof geometries / sizeof geometries[0]; i++)
        compare(b, &geometries[i], first, second);
}

static void test_conv_is_a_product(void **state) { each(*state, as_one_op, as_product); }

static void test_conv_image_by_image(void **state) { each(*state, as_one_op, one_by_one); }

static void test_conv_filter_by_filter(void **state) { each(*state, as_one_op, filter_by_filter); }

static void test_conv_by_halves(void **state)
{
    for (size_t i = 0; i < sizeof geometries / sizeof geometries[0]; i++)
        if (geometries[i].channels > 1) compare(*state, &geometries[i], as_one_op, by_halves);
}

/* ---- pools ---- */

/* The mean of a window is a convolution with equal weights, channel by channel; the largest number by pairs: max(a, b) = a + relu(b - a). */
static hn_tensor mean_by_conv(hn_graph *g, hn_tensor x, int size, int stride)
{
    double weights[25];
    hn_tensor parts[4];
    const int64_t channels = hn_tensor_shape(g, x).size[1];
    for (int i = 0; i < size * size; i++)
        weights[i] = 1.0 / (size * size);
    const hn_tensor kernel = hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE4(1, 1, size, size), weights, false);
    for (int64_t c = 0; c < channels; c++)
        parts[c] = hn_conv2d(g, hn_slice(g, x, 1, c, 1), kernel, HN_NO_TENSOR, &(hn_conv2d_options){.stride = stride});
    return hn_concat(g, parts, channels, 1);
}

static hn_tensor larger(hn_graph *g, hn_tensor a, hn_tensor b) { return hn_add(g, a, hn_relu(g, hn_sub(g, b, a))); }

/* Every second pixel of [B,C,2h,2w] from (u,v) on. */
static hn_tensor quarter(hn_graph *g, hn_tensor x, int64_t u, int64_t v)
{
    const hn_shape s = hn_tensor_shape(g, x);
    const hn_tensor pairs =
        hn_reshape(g, x, hn_shape_of(6, s.size[0], s.size[1], s.size[2] / 2, INT64_C(2), s.size[3] / 2, INT64_C(2)));
    return hn_reshape(g, hn_slice(g, hn_slice(g, pairs, 3, u, 1), 5, v, 1),
                      HN_SHAPE4(s.size[0], s.size[1], s.size[2] / 2, s.size[3] / 2));
}

static hn_tensor largest_by_pairs(hn_graph *g, hn_tensor x, int size, int stride)
{
    assert_true(size == 2 && stride == 2);
    return larger(g, larger(g, quarter(g, x, 0, 0), quarter(g, x, 0, 1)),
                  larger(g, quarter(g, x, 1, 0), quarter(g, x, 1, 1)));
}

typedef hn_tensor (*pool)(hn_graph *g, hn_tensor x, int size, int stride);

static void compare_pools(bench *b, pool first, pool second, int size, int stride)
{
    const pool ways[2] = {first, second};
    numbers results[2] = {{.count = {0}}, {.count = {0}}};
    for (int i = 0; i < 2; i++) {
        hn_graph_reset(b->graph);
        const hn_tensor x = random_tensor(b->graph, HN_SHAPE4(3, 4, 6, 8), 7), y = ways[i](b->graph, x, size, stride);
        const hn_tensor cotangent = random_tensor(b->graph, hn_tensor_shape(b->graph, y), 8);
        if (hn_backward_from(b->graph, y, cotangent) != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
        keep(b, &results[i], 0, y, false);
        keep(b, &results[i], 1, x, true);
    }
    for (int k = 0; k < 2; k++) {
        assert_int_equal(results[0].count[k], results[1].count[k]);
        assert_all_close_double(results[0].data[k], results[1].data[k], (size_t)results[1].count[k], b->share);
    }
    drop(&results[0]);
    drop(&results[1]);
}

static void test_pools(void **state)
{
    compare_pools(*state, hn_avg_pool2d, mean_by_conv, 2, 2);
    compare_pools(*state, hn_avg_pool2d, mean_by_conv, 3, 1);
    compare_pools(*state, hn_avg_pool2d, mean_by_conv, 5, 2);
    compare_pools(*state, hn_max_pool2d, largest_by_pairs, 2, 2);
}

static int run(const char *name, hn_backend backend, hn_dtype dtype, double share)
{
    bench b = {.share = share};
    if (hn_context_create(NULL, &b.context) != HN_OK) return 1;
    test_choose_isa(b.context);
    b.graph = test_graph_create(b.context, backend, dtype);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_conv_is_a_product, &b),
        cmocka_unit_test_prestate(test_conv_image_by_image, &b),
        cmocka_unit_test_prestate(test_conv_filter_by_filter, &b),
        cmocka_unit_test_prestate(test_conv_by_halves, &b),
        cmocka_unit_test_prestate(test_pools, &b),
    };
    const int failures = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    hn_graph_destroy(b.graph);
    hn_context_destroy(b.context);
    return failures;
}

int main(void)
{
    const int failures =
        run("double", HN_BACKEND_GENERIC, HN_DTYPE_F64, 1e-13) + run("float", HN_BACKEND_BEST, HN_DTYPE_F32, 4e-6);
    return failures != 0;
}
