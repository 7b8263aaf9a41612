/* Gradcheck cases of ops on images. Inputs are made as [B,C,H,W] in row-major order, which a builder copies; `lying` is a leaf
 * [B,H,W,C] seen as [B,C,H,W], which it takes as it is. */
#include "graph/gradcheck_cases.h"

static const int channels_second[4] = {0, 3, 1, 2}, turned[4] = {0, 1, 3, 2}, inputs_first[4] = {1, 0, 2, 3},
                 taps_first[4] = {3, 2, 0, 1};

static hn_tensor lying(hn_graph *g, hn_tensor x) { return hn_permute(g, x, channels_second); }

/* ---- conv2d ---- */

typedef struct window {
    int stride, padding;
} window;

static const window plain = {1, 0}, same_3 = {1, 1}, same_7 = {1, 3}, half = {2, 1}, half_bare = {2, 0}, third = {3, 2};

static hn_tensor conv_of(hn_graph *g, hn_tensor x, hn_tensor kernel, hn_tensor bias, const void *user)
{
    const window *w = user;
    return hn_conv2d(g, x, kernel, bias, &(hn_conv2d_options){.stride = w->stride, .padding = w->padding});
}

#define CONV(function, x_, kernel_, bias_)                                       \
    static hn_tensor function(hn_graph *g, const hn_tensor *x, const void *user) \
    {                                                                            \
        return conv_of(g, (x_), (kernel_), (bias_), user);                       \
    }

CONV(conv, x[0], x[1], HN_NO_TENSOR)
CONV(conv_bias, x[0], x[1], x[2])
CONV(conv_lying, lying(g, x[0]), x[1], x[2])
CONV(conv_turned, hn_permute(g, x[0], turned), hn_permute(g, x[1], turned), HN_NO_TENSOR)
CONV(conv_inputs_first, x[0], hn_permute(g, x[1], inputs_first), HN_NO_TENSOR)
CONV(conv_taps_first, x[0], hn_permute(g, x[1], taps_first), x[2])
CONV(conv_cut, hn_slice(g, x[0], 3, 1, 4), hn_slice(g, hn_slice(g, x[1], 2, 1, 3), 3, 0, 3),
     hn_reshape(g, hn_slice(g, x[2], 1, 1, 1), HN_SHAPE1(2)))
CONV(conv_rows_cut, lying(g, hn_slice(g, x[0], 0, 1, 2)), x[1], HN_NO_TENSOR)
CONV(conv_made, x[0], hn_mul_add(g, x[1], x[1], x[1]), HN_NO_TENSOR)
CONV(conv_broadcast, hn_mul(g, x[0], hn_reshape(g, x[0], HN_SHAPE4(1, 2, 1, 3))), x[1], HN_NO_TENSOR)
CONV(conv_of_itself, lying(g, x[0]), lying(g, x[0]), HN_NO_TENSOR)
CONV(conv_bias_of_kernel, x[0], x[1], hn_reshape(g, hn_slice(g, x[1], 1, 0, 1), HN_SHAPE1(2)))
CONV(conv_twice, conv_of(g, x[0], x[1], x[2], user), x[1], x[2])

/* x has a gradient already when the way back comes to the convolution. */
static hn_tensor conv_beside(hn_graph *g, const hn_tensor *x, const void *user)
{
    const hn_tensor image = lying(g, x[0]);
    return hn_mul(g, conv_of(g, image, x[1], x[2], user), image);
}

static hn_tensor conv_default(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    return hn_conv2d(g, x[0], x[1], HN_NO_TENSOR, NULL);
}

/* ---- pools ---- */

typedef struct pool {
    int size, stride;
    hn_tensor (*build)(hn_graph *graph, hn_tensor x, int size, int stride);
} pool;

static const pool max_2 = {2, 2, hn_max_pool2d}, max_3_2 = {3, 2, hn_max_pool2d}, max_2_1 = {2, 1, hn_max_pool2d},
                  max_2_3 = {2, 3, hn_max_pool2d}, max_1 = {1, 1, hn_max_pool2d}, max_5 = {5, 1, hn_max_pool2d},
                  avg_2 = {2, 2, hn_avg_pool2d}, avg_3_2 = {3, 2, hn_avg_pool2d}, avg_2_1 = {2, 1, hn_avg_pool2d},
                  avg_2_3 = {2, 3, hn_avg_pool2d}, avg_1 = {1, 1, hn_avg_pool2d}, avg_5 = {5, 1, hn_avg_pool2d};

/* For largest numbers, a multiple of 3 on each of x, all different: no two numbers of a window come near each other. */
static hn_tensor apart(hn_graph *g, hn_tensor x, const pool *p)
{
    enum { PRIME = 151 };
    double steps[PRIME];
    const hn_shape shape = hn_tensor_shape(g, x);
    if (p->build != hn_max_pool2d) return x;
    if (hn_shape_elements(shape) > PRIME) return HN_NO_TENSOR;
    for (int i = 0; i < PRIME; i++)
        steps[i] = 3.0 * (double)(i * 87 % PRIME);
    return hn_add(g, x, hn_tensor_from(g, HN_DTYPE_F64, shape, steps, false));
}

#define POOL(function, x_)                                                       \
    static hn_tensor function(hn_graph *g, const hn_tensor *x, const void *user) \
    {                                                                            \
        const pool *p = user;                                                    \
        return p->build(g, (x_), p->size, p->stride);                            \
    }

POOL(pooled, apart(g, x[0], p))
POOL(pooled_lying, lying(g, apart(g, x[0], p)))
POOL(pooled_turned, hn_permute(g, apart(g, x[0], p), turned))
POOL(pooled_cut, hn_slice(g, hn_slice(g, apart(g, x[0], p), 3, 1, 4), 2, 0, 3))

/* x has a gradient already when the way back comes to the pool. */
static hn_tensor pooled_beside(hn_graph *g, const hn_tensor *x, const void *user)
{
    const pool *p = user;
    const hn_tensor image = lying(g, apart(g, x[0], p));
    return hn_mul(g, p->build(g, image, p->size, p->stride), hn_mean(g, image, HN_AXIS(2) | HN_AXIS(3), true));
}

/* clang-format off */
#define POOLS(op, two, three_two, two_one, two_three, one, five)                          \
    {op, "2 x 2", pooled, INPUTS(X(2, 3, 4, 6)), &(two)},                                 \
    {op, "2 x 2, a row and a column left over", pooled, INPUTS(X(2, 2, 5, 3)), &(two)},   \
    {op, "windows that overlap", pooled, INPUTS(X(1, 2, 7, 5)), &(three_two)},            \
    {op, "a window at each pixel", pooled, INPUTS(X(2, 2, 3, 4)), &(two_one)},            \
    {op, "gaps between windows", pooled, INPUTS(X(1, 2, 5, 8)), &(two_three)},            \
    {op, "1 x 1", pooled, INPUTS(X(2, 1, 2, 3)), &(one)},                                 \
    {op, "the whole image", pooled, INPUTS(X(3, 2, 5, 5)), &(five)},                      \
    {op, "one number", pooled, INPUTS(X(1, 1, 1, 1)), &(one)},                            \
    {op, "channels last", pooled_lying, INPUTS(X(2, 4, 4, 3)), &(two)},                   \
    {op, "channels last, x added to", pooled_beside, INPUTS(X(2, 4, 4, 3)), &(three_two)}, \
    {op, "x turned", pooled_turned, INPUTS(X(2, 2, 4, 5)), &(two)},                       \
    {op, "x cut out", pooled_cut, INPUTS(X(2, 2, 4, 6)), &(two)}
/* clang-format on */

#define OP HNI_OP_CONV2D
static const hni_gradcheck_case cases[] = {
    {OP, "3 x 3", conv, INPUTS(X(2, 2, 5, 4), X(3, 2, 3, 3)), &plain},
    {OP, "3 x 3, bias", conv_bias, INPUTS(X(2, 3, 5, 4), X(2, 3, 3, 3), X(2)), &plain},
    {OP, "3 x 3, padding 1", conv_bias, INPUTS(X(2, 2, 3, 5), X(3, 2, 3, 3), X(3)), &same_3},
    {OP, "7 x 7, padding 3", conv_bias, INPUTS(X(1, 2, 3, 5), X(1, 2, 7, 7), X(1)), &same_7},
    {OP, "7 x 7, no larger than the image", conv, INPUTS(X(2, 1, 7, 7), X(2, 1, 7, 7)), &plain},
    {OP, "1 x 1", conv_bias, INPUTS(X(2, 3, 3, 2), X(4, 3, 1, 1), X(4)), &plain},
    {OP, "1 x 1, stride 2", conv, INPUTS(X(2, 3, 5, 4), X(2, 3, 1, 1)), &half_bare},
    {OP, "2 x 2", conv, INPUTS(X(2, 1, 3, 4), X(2, 1, 2, 2)), &same_3},
    {OP, "stride 2, odd", conv_bias, INPUTS(X(2, 2, 5, 7), X(2, 2, 3, 3), X(2)), &half},
    {OP, "stride 2, even", conv_bias, INPUTS(X(2, 2, 4, 6), X(2, 2, 3, 3), X(2)), &half},
    {OP, "stride 2, a row and a column left over", conv, INPUTS(X(1, 2, 6, 4), X(2, 2, 3, 3)), &half_bare},
    {OP, "stride 3", conv, INPUTS(X(1, 2, 8, 5), X(2, 2, 3, 3)), &third},
    {OP, "an image of one pixel", conv_bias, INPUTS(X(1, 1, 1, 1), X(1, 1, 3, 3), X(1)), &same_3},
    {OP, "an image of one row", conv, INPUTS(X(2, 2, 1, 6), X(2, 2, 3, 3)), &same_3},
    {OP, "all sizes one", conv_bias, INPUTS(X(1, 1, 1, 1), X(1, 1, 1, 1), X(1)), &plain},
    {OP, "five channels", conv, INPUTS(X(1, 5, 2, 3), X(4, 5, 3, 3)), &same_3},
    {OP, "without options", conv_default, INPUTS(X(1, 2, 3, 3), X(2, 2, 2, 2)), NULL},
    {OP, "channels last", conv_lying, INPUTS(X(2, 4, 3, 2), X(3, 2, 3, 3), X(3)), &same_3},
    {OP, "channels last, some rows", conv_rows_cut, INPUTS(X(4, 3, 3, 2), X(2, 2, 3, 3)), &same_3},
    {OP, "channels last, x added to", conv_beside, INPUTS(X(2, 4, 3, 2), X(2, 2, 3, 3), X(2)), &same_3},
    {OP, "x and kernel turned", conv_turned, INPUTS(X(2, 2, 4, 3), X(3, 2, 3, 3)), &plain},
    {OP, "kernel [C,O,f,f]", conv_inputs_first, INPUTS(X(2, 3, 4, 4), X(3, 2, 3, 3)), &half},
    {OP, "kernel [f,f,C,O]", conv_taps_first, INPUTS(X(2, 2, 4, 4), X(3, 3, 2, 3), X(3)), &plain},
    {OP, "x, kernel and bias cut out", conv_cut, INPUTS(X(2, 2, 4, 6), X(2, 2, 5, 4), X(2, 3)), &same_3},
    {OP, "kernel made by the graph", conv_made, INPUTS(X(2, 2, 4, 4), X(2, 2, 3, 3)), &same_3},
    {OP, "x made by broadcasting", conv_broadcast, INPUTS(X(2, 1, 3, 1), X(2, 2, 3, 3)), &same_3},
    {OP, "x is the kernel", conv_of_itself, INPUTS(X(2, 3, 3, 2)), &same_3},
    {OP, "bias is a part of the kernel", conv_bias_of_kernel, INPUTS(X(2, 1, 3, 3), X(2, 1, 1, 1)), &plain},
    POOLS(HNI_OP_MAX_POOL2D, max_2, max_3_2, max_2_1, max_2_3, max_1, max_5),
    POOLS(HNI_OP_AVG_POOL2D, avg_2, avg_3_2, avg_2_1, avg_2_3, avg_1, avg_5),
    {OP, "one kernel twice", conv_twice, INPUTS(X(1, 2, 4, 3), X(2, 2, 3, 3), X(2)), &same_3},
};

const hni_gradcheck_list hni_gradcheck_image = HNI_GRADCHECK_LIST(cases);
