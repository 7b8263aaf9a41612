/* Laws that ops keep whatever their numbers: each against another way of saying the same thing. Double, generic kernels; where both
 * ways do the same arithmetic, bit for bit. */
#include <math.h>

#include "core/rng.h"
#include "hypernet/graph.h"
#include "test_language.h"
#include "test_store.h"
#include "test_support.h"

typedef struct bench {
    hn_context *context;
    hn_graph *graph;
    uint32_t next; /* of the random tensors */
} bench;

static int open_bench(void **state)
{
    static bench b;
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    b.graph = test_graph_create(b.context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    hn_graph_destroy(b->graph);
    hn_context_destroy(b->context);
    return 0;
}

static hn_tensor random_tensor(bench *b, hn_shape shape)
{
    const hni_rng_key key = {.seed = 17, .step = ++b->next};
    double values[2048];
    const int64_t count = hn_shape_elements(shape);
    assert_true(count >= 1 && count <= 2048);
    for (int64_t i = 0; i < count; i++)
        values[i] = hni_rng_normal(&key, (uint64_t)i);
    return hn_tensor_from(b->graph, HN_DTYPE_F64, shape, values, true);
}

static hn_tensor integers(bench *b, hn_shape shape, const int32_t *values)
{
    return hn_tensor_from(b->graph, HN_DTYPE_I32, shape, values, false);
}

static void assert_tensors(bench *b, hn_tensor actual, hn_tensor expected, double share)
{
    int64_t count, other;
    if (hn_graph_status(b->graph) != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
    assert_true(hn_shape_equal(hn_tensor_shape(b->graph, actual), hn_tensor_shape(b->graph, expected)));
    double *left = test_tensor_numbers(b->graph, actual, &count),
           *right = test_tensor_numbers(b->graph, expected, &other);
    assert_all_close_double(left, right, (size_t)count, share);
    test_free(left);
    test_free(right);
}

/* d <out, w> / d leaf of two ways to make `out`; each on a step of its own. */
typedef hn_tensor (*way)(bench *b, hn_tensor leaf);
static void assert_same_gradient(bench *b, hn_shape shape, way first, way second)
{
    double gradient[2][2048];
    const int64_t count = hn_shape_elements(shape);
    assert_true(count <= 2048);
    for (int i = 0; i < 2; i++) {
        hn_graph_reset(b->graph);
        b->next = 100;
        const hn_tensor leaf = random_tensor(b, shape), out = (i == 0 ? first : second)(b, leaf);
        b->next = 200;
        const hn_tensor cotangent = random_tensor(b, hn_tensor_shape(b->graph, out));
        if (hn_backward_from(b->graph, out, cotangent) != HN_OK) fail_msg("%s", hn_context_error(b->context)->text);
        assert_int_equal(hn_gradient_read(b->graph, leaf, HN_DTYPE_F64, count, gradient[i]), HN_OK);
    }
    assert_all_close_double(gradient[0], gradient[1], (size_t)count, 1e-13);
    hn_graph_reset(b->graph);
}

/* ---- products ---- */

static void test_transposed_product(void **state)
{
    static const int swap[3] = {0, 2, 1};
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor x = random_tensor(b, HN_SHAPE3(3, 4, 6)), y = random_tensor(b, HN_SHAPE3(3, 6, 5));
    const hn_tensor product = hn_matmul(g, x, y, HN_TRANSPOSE_NONE);
    const hn_tensor xt = hn_copy(g, hn_permute(g, x, swap)), yt = hn_copy(g, hn_permute(g, y, swap));
    assert_tensors(b, hn_matmul(g, xt, y, HN_TRANSPOSE_A), product, 0);
    assert_tensors(b, hn_matmul(g, x, yt, HN_TRANSPOSE_B), product, 0);
    assert_tensors(b, hn_matmul(g, xt, yt, HN_TRANSPOSE_AB), product, 0);
    assert_tensors(b, hn_permute(g, hn_matmul(g, yt, xt, HN_TRANSPOSE_NONE), swap), product, 1e-15);
    hn_graph_reset(g);
}

/* A batched product is its products one by one; a broadcast matrix is the same one each time. */
static void test_batched_product(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor x = random_tensor(b, HN_SHAPE4(2, 3, 4, 6)), y = random_tensor(b, HN_SHAPE3(3, 6, 5));
    const hn_tensor all = hn_matmul(g, x, y, HN_TRANSPOSE_NONE);
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t k = 0; k < 3; k++) {
            const hn_tensor left = hn_reshape(g, hn_slice(g, hn_slice(g, x, 0, i, 1), 1, k, 1), HN_SHAPE2(4, 6));
            const hn_tensor right = hn_reshape(g, hn_slice(g, y, 0, k, 1), HN_SHAPE2(6, 5));
            const hn_tensor part = hn_reshape(g, hn_slice(g, hn_slice(g, all, 0, i, 1), 1, k, 1), HN_SHAPE2(4, 5));
            assert_tensors(b, hn_matmul(g, left, right, HN_TRANSPOSE_NONE), part, 0);
        }
    }
    hn_graph_reset(g);
}

static const int32_t five_rows[6] = {4, 0, 2, 0, 0, 4};

static hn_tensor one_hot(bench *b)
{
    double values[30] = {0};
    for (int i = 0; i < 6; i++)
        values[i * 5 + five_rows[i]] = 1;
    return hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE2(6, 5), values, false);
}

static hn_tensor by_lookup(bench *b, hn_tensor table)
{
    return hn_lookup(b->graph, table, integers(b, HN_SHAPE1(6), five_rows));
}
static hn_tensor by_product(bench *b, hn_tensor table)
{
    return hn_matmul(b->graph, one_hot(b), table, HN_TRANSPOSE_NONE);
}

static void test_lookup_is_a_one_hot_product(void **state)
{
    bench *b = *state;
    const hn_tensor table = random_tensor(b, HN_SHAPE2(5, 7));
    assert_tensors(b, by_lookup(b, table), by_product(b, table), 0);
    assert_same_gradient(b, HN_SHAPE2(5, 7), by_lookup, by_product);
}

/* ---- element-wise ---- */

static hn_tensor second(bench *b)
{
    b->next = 300;
    return random_tensor(b, HN_SHAPE2(4, 1));
}
static hn_tensor fused(bench *b, hn_tensor x) { return hn_mul_add(b->graph, x, second(b), x); }
static hn_tensor apart(bench *b, hn_tensor x) { return hn_add(b->graph, hn_mul(b->graph, x, second(b)), x); }

static void test_mul_add(void **state)
{
    bench *b = *state;
    const hn_tensor x = random_tensor(b, HN_SHAPE2(4, 5));
    assert_tensors(b, fused(b, x), apart(b, x), 0);
    assert_same_gradient(b, HN_SHAPE2(4, 5), fused, apart);
}

static hn_tensor sigmoid(bench *b, hn_tensor x) { return hn_sigmoid(b->graph, x); }
static hn_tensor by_tanh(bench *b, hn_tensor x)
{
    return hn_scale(b->graph, hn_tanh(b->graph, hn_scale(b->graph, x, 0.5, 0)), 0.5, 0.5);
}

static void test_sigmoid_by_tanh(void **state)
{
    bench *b = *state;
    const hn_tensor x = random_tensor(b, HN_SHAPE2(9, 9));
    assert_tensors(b, sigmoid(b, x), by_tanh(b, x), 1e-15);
    assert_same_gradient(b, HN_SHAPE2(9, 9), sigmoid, by_tanh);
}

static void test_quotients_and_differences(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor x = random_tensor(b, HN_SHAPE3(2, 3, 4)), y = random_tensor(b, HN_SHAPE2(3, 1));
    const hn_tensor positive = hn_scale(g, hn_mul(g, y, y), 1, 0.5);
    assert_tensors(b, hn_mul(g, hn_div(g, x, positive), positive), x, 1e-15);
    assert_tensors(b, hn_add(g, hn_sub(g, x, y), y), x, 1e-15);
    assert_tensors(b, hn_sub(g, hn_relu(g, x), hn_relu(g, hn_scale(g, x, -1, 0))), x, 0);
    hn_graph_reset(g);
}

/* ---- views, sums ---- */

static void test_views_there_and_back(void **state)
{
    static const int order[4] = {2, 0, 3, 1}, back[4] = {1, 3, 0, 2};
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_shape shape = HN_SHAPE4(2, 3, 4, 5);
    const hn_tensor x = random_tensor(b, shape);
    assert_tensors(b, hn_permute(g, hn_permute(g, x, order), back), x, 0);
    assert_tensors(b, hn_reshape(g, hn_reshape(g, x, HN_SHAPE2(30, 4)), shape), x, 0);
    assert_tensors(b, hn_copy(g, hn_permute(g, x, order)), hn_permute(g, x, order), 0);
    for (int axis = 0; axis < 4; axis++) {
        const int64_t size = hn_tensor_shape(g, x).size[axis];
        const hn_tensor parts[2] = {hn_slice(g, x, axis, 0, 1), hn_slice(g, x, axis, 1, size - 1)};
        assert_tensors(b, hn_concat(g, parts, 2, axis), x, 0);
        assert_tensors(b, hn_concat(g, parts, 2, axis - 4), x, 0);
    }
    hn_graph_reset(g);
}

static void test_sums_by_parts(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor x = random_tensor(b, HN_SHAPE3(5, 6, 7));
    const hn_tensor all = hn_sum(g, x, HN_ALL_AXES, false);
    assert_tensors(b, hn_sum(g, hn_sum(g, hn_sum(g, x, HN_AXIS(0), false), HN_AXIS(0), false), HN_AXIS(0), false), all,
                   1e-14);
    assert_tensors(b, hn_sum(g, hn_sum(g, x, HN_AXIS(1), true), HN_ALL_AXES, false), all, 1e-14);
    assert_tensors(b, hn_scale(g, hn_mean(g, x, HN_ALL_AXES, false), 210, 0), all, 1e-14);
    assert_tensors(b, hn_scale(g, hn_mean(g, x, HN_AXIS(0) | HN_AXIS(2), true), 35, 0),
                   hn_sum(g, x, HN_AXIS(0) | HN_AXIS(2), true), 1e-14);
    assert_tensors(b, hn_sum(g, x, 0, false), x, 0);
    hn_graph_reset(g);
}

/* ---- layer norm ---- */

static hn_tensor normed(bench *b, hn_tensor x)
{
    b->next = 400;
    const hn_tensor gain = random_tensor(b, HN_SHAPE1(6)), shift = random_tensor(b, HN_SHAPE1(6));
    return hn_layer_norm(b->graph, x, gain, shift, 1e-3);
}

/* The definition, from means, products and quotients. */
static hn_tensor normed_by_definition(bench *b, hn_tensor x)
{
    hn_graph *g = b->graph;
    b->next = 400;
    const hn_tensor gain = random_tensor(b, HN_SHAPE1(6)), shift = random_tensor(b, HN_SHAPE1(6));
    const hn_tensor centred = hn_sub(g, x, hn_mean(g, x, HN_AXIS(1), true));
    const hn_tensor variance = hn_scale(g, hn_mean(g, hn_mul(g, centred, centred), HN_AXIS(1), true), 1, 1e-3);
    double values[4];
    if (hn_tensor_read(g, variance, HN_DTYPE_F64, 4, values) != HN_OK)
        fail_msg("%s", hn_context_error(b->context)->text);
    /* sqrt(v) = (v / s + s) / 2 at s = sqrt(v): value and first derivative are those of the root. */
    for (int i = 0; i < 4; i++)
        values[i] = sqrt(values[i]);
    const hn_tensor s = hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE2(4, 1), values, false);
    const hn_tensor root = hn_scale(g, hn_add(g, hn_div(g, variance, s), s), 0.5, 0);
    return hn_mul_add(g, hn_div(g, centred, root), gain, shift);
}

static void test_layer_norm_is_its_definition(void **state)
{
    bench *b = *state;
    const hn_tensor x = random_tensor(b, HN_SHAPE2(4, 6));
    assert_tensors(b, normed(b, x), normed_by_definition(b, x), 1e-14);
    assert_tensors(b, normed(b, hn_scale(b->graph, x, 1, 100)), normed(b, x), 1e-12); /* shifts do not matter */
    assert_same_gradient(b, HN_SHAPE2(4, 6), normed, normed_by_definition);
}

/* ---- softmax ---- */

static const int32_t targets[4] = {2, 0, 5, 5};
static const double row_weights[4] = {1, 0, 0.5, 2};

static hn_tensor entropy(bench *b, hn_tensor logits)
{
    const hn_tensor w = hn_tensor_from(b->graph, HN_DTYPE_F64, HN_SHAPE1(4), row_weights, false);
    return hn_softmax_cross_entropy(b->graph, logits, integers(b, HN_SHAPE1(4), targets), w, 3);
}

static hn_tensor shifted_entropy(bench *b, hn_tensor logits)
{
    b->next = 500;
    return entropy(b, hn_add(b->graph, logits, hn_scale(b->graph, random_tensor(b, HN_SHAPE2(4, 1)), 10, 0)));
}

static void test_softmax(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor logits = random_tensor(b, HN_SHAPE2(4, 6)), loss = entropy(b, logits);
    assert_tensors(b, shifted_entropy(b, logits), loss, 1e-14);
    const hn_tensor bits = hn_symbol_bits(g, logits, integers(b, HN_SHAPE1(4), targets));
    const hn_tensor w = hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE1(4), row_weights, false);
    const hn_tensor weighted = hn_sum(g, hn_mul(g, bits, w), HN_ALL_AXES, false);
    assert_tensors(b, hn_scale(g, weighted, 0.69314718055994530942 / 3, 0), loss, 1e-14);
    const hn_tensor level = hn_symbol_bits(g, hn_scale(g, logits, 0, 3), integers(b, HN_SHAPE1(4), targets));
    const hn_tensor log2_of_six = hn_scale(g, bits, 0, 2.58496250072115618145);
    assert_tensors(b, level, log2_of_six, 1e-15);
    assert_same_gradient(b, HN_SHAPE2(4, 6), entropy, shifted_entropy);
}

/* ---- dropout ---- */

static void test_dropout_of_a_part(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    hn_graph_set_step(g, 3, 4);
    const hn_tensor x = random_tensor(b, HN_SHAPE3(4, 5, 6));
    const hn_dropout_options all = {.keep = 0.6, .site = hn_site("a")};
    const hn_tensor dropped = hn_dropout(g, x, &all);
    for (int64_t row = 0; row < 4; row++) {
        for (int64_t t = 0; t < 5; t++) {
            const hn_dropout_options part = {
                .keep = 0.6, .site = hn_site("a"), .base = (row * 5 + t) * 6, .stride = {30, 6, 1}};
            const hn_tensor cut = hn_slice(g, hn_slice(g, x, 0, row, 1), 1, t, 1);
            assert_tensors(b, hn_dropout(g, cut, &part), hn_slice(g, hn_slice(g, dropped, 0, row, 1), 1, t, 1), 0);
        }
    }
    hn_graph_reset(g);
}

static void test_dropout_statistics(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    double values[2048], other[2048];
    for (int keep = 1; keep < 10; keep++) {
        const hn_dropout_options options = {.keep = keep / 10.0, .site = 7};
        hn_graph_set_step(g, 3, 4);
        const hn_tensor ones = hn_scale(g, random_tensor(b, HN_SHAPE1(2048)), 0, 1);
        assert_int_equal(hn_tensor_read(g, hn_dropout(g, ones, &options), HN_DTYPE_F64, 2048, values), HN_OK);
        int kept = 0, same = 0;
        for (int i = 0; i < 2048; i++) {
            assert_true(values[i] == 0 || values[i] == 1 / options.keep);
            kept += values[i] != 0;
        }
        const double deviation = sqrt(2048 * options.keep * (1 - options.keep));
        assert_true(fabs(kept - 2048 * options.keep) < 4 * deviation);
        hn_graph_set_step(g, 3, 5); /* another step, another mask */
        assert_int_equal(hn_tensor_read(g, hn_dropout(g, ones, &options), HN_DTYPE_F64, 2048, other), HN_OK);
        for (int i = 0; i < 2048; i++)
            same += values[i] == other[i];
        assert_true(same < 2048);
        hn_graph_reset(g);
    }
}

/* Padding and cutting undo each other; steps put together again are the whole. Smoothed targets lie between a target and all of them. */
static void test_pad_and_steps(void **state)
{
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor x = random_tensor(b, HN_SHAPE3(4, 7, 3));
    for (int axis = 0; axis < 3; axis++) {
        const int64_t size = hn_tensor_shape(g, x).size[axis];
        const hn_tensor padded = hn_pad(g, x, axis, 2, 3),
                        ends[2] = {hn_slice(g, padded, axis, 0, 2), hn_slice(g, padded, axis, size + 2, 3)};
        assert_tensors(b, hn_slice(g, padded, axis, 2, size), x, 0);
        for (int i = 0; i < 2; i++)
            assert_tensors(b, ends[i], hn_scale(g, ends[i], 0, 0), 0);
        hn_tensor whole = hn_pad(g, hn_slice_step(g, x, axis, 0, 1, 1), axis, 0, size - 1);
        for (int64_t i = 1; i < size; i++)
            whole = hn_add(g, whole, hn_pad(g, hn_slice_step(g, x, axis, i, 1, 5), axis, i, size - 1 - i));
        assert_tensors(b, whole, x, 0);
        const hn_tensor even = hn_slice_step(g, x, axis, 0, (size + 1) / 2, 2);
        for (int64_t i = 0; i < (size + 1) / 2; i++)
            assert_tensors(b, hn_slice(g, even, axis, i, 1), hn_slice(g, x, axis, 2 * i, 1), 0);
    }
    hn_graph_reset(g);
}

static void test_smoothed_targets(void **state)
{
    static const int32_t aims[4] = {0, 3, 1, 3};
    bench *b = *state;
    hn_graph *g = b->graph;
    const double s = 0.3;
    const hn_tensor logits = random_tensor(b, HN_SHAPE2(4, 5)), weights = hn_copy(g, random_tensor(b, HN_SHAPE1(4)));
    const hn_tensor hit = hn_softmax_cross_entropy(g, logits, integers(b, HN_SHAPE1(4), aims), weights, 2);
    hn_tensor all = hn_scale(g, hit, 1 - s, 0);
    for (int32_t v = 0; v < 5; v++) {
        const int32_t same[4] = {v, v, v, v};
        const hn_tensor one = hn_softmax_cross_entropy(g, logits, integers(b, HN_SHAPE1(4), same), weights, 2);
        all = hn_add(g, all, hn_scale(g, one, s / 5, 0));
    }
    assert_tensors(b, hn_smoothed_cross_entropy(g, logits, integers(b, HN_SHAPE1(4), aims), weights, 2, s), all, 1e-14);
    assert_tensors(b, hn_smoothed_cross_entropy(g, logits, integers(b, HN_SHAPE1(4), aims), weights, 2, 0), hit, 0);
    hn_graph_reset(g);
}

/* ---- lengths ---- */

static void test_lengths(void **state)
{
    static const int32_t lengths[4] = {0, 1, 3, 2}, none[4] = {0, 0, 0, 0};
    bench *b = *state;
    hn_graph *g = b->graph;
    const hn_tensor x = random_tensor(b, HN_SHAPE3(4, 3, 2)), y = random_tensor(b, HN_SHAPE3(4, 3, 2));
    const hn_tensor ends = integers(b, HN_SHAPE1(4), lengths), zero = integers(b, HN_SHAPE1(4), none);
    assert_tensors(b, hn_reverse(g, hn_reverse(g, x, ends), ends), x, 0);
    assert_tensors(b, hn_reverse(g, x, zero), x, 0);
    assert_tensors(b, hn_slice(g, hn_reverse(g, x, ends), 0, 2, 1),
                   hn_reverse(g, hn_slice(g, x, 0, 2, 1), hn_slice(g, ends, 0, 2, 1)), 0);
    for (int64_t t = 0; t < 4; t++) {
        const hn_tensor one = hn_where_length(g, x, y, ends, t), other = hn_where_length(g, y, x, ends, t);
        assert_tensors(b, hn_add(g, one, other), hn_add(g, x, y), 0);
    }
    assert_tensors(b, hn_where_length(g, x, y, ends, 3), y, 0);
    assert_tensors(b, hn_where_length(g, x, y, zero, 0), y, 0);
    hn_graph_reset(g);
}

/* On every backend a view with gaps gets the gradient that its copy gets: x, gain and shift of a layer norm. */
static void test_layer_norm_of_views(void **state)
{
    bench b = {.next = 0};
    double *gradients[2][3];
    (void)state;
    assert_int_equal(hn_context_create(NULL, &b.context), HN_OK);
    b.graph = test_graph_create(b.context, HN_BACKEND_BEST, HN_DTYPE_F32);
    for (int copied = 0; copied < 2; copied++) {
        static const int order[2] = {1, 0};
        b.next = 40;
        const hn_tensor made[3] = {random_tensor(&b, HN_SHAPE2(9, 5)), random_tensor(&b, HN_SHAPE2(9, 5)),
                                   random_tensor(&b, HN_SHAPE2(9, 5))};
        hn_tensor view[3];
        for (int i = 0; i < 3; i++) {
            view[i] = hn_permute(b.graph, made[i], order);
            if (copied == 1) view[i] = hn_copy(b.graph, view[i]);
        }
        const hn_tensor y = hn_layer_norm(b.graph, view[0], view[1], view[2], 1e-3);
        const hn_tensor weight = random_tensor(&b, HN_SHAPE2(5, 9));
        assert_int_equal(hn_backward(b.graph, hn_sum(b.graph, hn_mul(b.graph, y, weight), HN_ALL_AXES, false)), HN_OK);
        for (int i = 0; i < 3; i++) {
            gradients[copied][i] = test_calloc(45, sizeof(double));
            assert_int_equal(hn_gradient_read(b.graph, made[i], HN_DTYPE_F64, 45, gradients[copied][i]), HN_OK);
        }
        hn_graph_reset(b.graph);
    }
    for (int i = 0; i < 3; i++) {
        assert_all_close_double(gradients[0][i], gradients[1][i], 45, 1e-6);
        test_free(gradients[0][i]);
        test_free(gradients[1][i]);
    }
    hn_graph_destroy(b.graph);
    hn_context_destroy(b.context);
}

/* Each channel of images is a row of a matrix: batch norm is layer norm without parameters of that matrix. Values and gradients. */
static void test_batch_norm_is_layer_norm_turned(void **state)
{
    static const int to_rows[4] = {1, 0, 2, 3};
    bench *b = *state;
    hn_graph *g = b->graph;
    double ones[20], gradients[2][60];
    for (int i = 0; i < 20; i++)
        ones[i] = 1;
    for (int composed = 0; composed < 2; composed++) {
        b->next = 70;
        const hn_tensor x = random_tensor(b, HN_SHAPE4(2, 3, 5, 2)), weight = random_tensor(b, HN_SHAPE4(2, 3, 5, 2));
        const hn_tensor gain = random_tensor(b, HN_SHAPE1(3)), shift = random_tensor(b, HN_SHAPE1(3));
        const hn_tensor one = hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE1(20), ones, false);
        const hn_tensor zero = hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE1(20), NULL, false);
        const hn_tensor rows = hn_reshape(g, hn_permute(g, x, to_rows), HN_SHAPE2(3, 20));
        const hn_tensor z = hn_reshape(g, hn_layer_norm(g, rows, one, zero, 1e-3), HN_SHAPE4(3, 2, 5, 2));
        const hn_tensor expected =
            hn_relu(g, hn_mul_add(g, hn_permute(g, z, to_rows), hn_reshape(g, gain, HN_SHAPE3(3, 1, 1)),
                                  hn_reshape(g, shift, HN_SHAPE3(3, 1, 1))));
        const hn_batch_norm_options options = {.epsilon = 1e-3, .relu = true, .from_batch = true};
        const hn_tensor y = hn_batch_norm(g, x, gain, shift, hn_batch_statistics(g, x), &options);
        assert_tensors(b, y, expected, 1e-13);
        const hn_tensor loss = hn_sum(g, hn_mul(g, composed ? expected : y, weight), HN_ALL_AXES, false);
        assert_int_equal(hn_backward(g, loss), HN_OK);
        assert_int_equal(hn_gradient_read(g, x, HN_DTYPE_F64, 60, gradients[composed]), HN_OK);
        hn_graph_reset(g);
    }
    assert_all_close_double(gradients[0], gradients[1], 60, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposed_product),
        cmocka_unit_test(test_layer_norm_of_views),
        cmocka_unit_test(test_batched_product),
        cmocka_unit_test(test_lookup_is_a_one_hot_product),
        cmocka_unit_test(test_mul_add),
        cmocka_unit_test(test_sigmoid_by_tanh),
        cmocka_unit_test(test_quotients_and_differences),
        cmocka_unit_test(test_views_there_and_back),
        cmocka_unit_test(test_sums_by_parts),
        cmocka_unit_test(test_layer_norm_is_its_definition),
        cmocka_unit_test(test_batch_norm_is_layer_norm_turned),
        cmocka_unit_test(test_pad_and_steps),
        cmocka_unit_test(test_smoothed_targets),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_dropout_of_a_part),
        cmocka_unit_test(test_dropout_statistics),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
