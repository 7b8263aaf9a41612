/* What each shape rule and each builder says when it refuses: one row a rule, the whole line, as a user reads it. */
#include <math.h>

#include "graph/graph.h"
#include "test_store.h"
#include "test_support.h"

static hn_tensor zeros(hn_graph *g, hn_shape shape) { return hn_tensor_from(g, hn_graph_dtype(g), shape, NULL, false); }
static hn_tensor v(hn_graph *g, int64_t a) { return zeros(g, HN_SHAPE1(a)); }
static hn_tensor m(hn_graph *g, int64_t a, int64_t b) { return zeros(g, HN_SHAPE2(a, b)); }
static hn_tensor c(hn_graph *g, int64_t a, int64_t b, int64_t d) { return zeros(g, HN_SHAPE3(a, b, d)); }
static hn_tensor s(hn_graph *g) { return zeros(g, HN_SCALAR()); }
static hn_tensor ints(hn_graph *g, hn_shape shape) { return hn_tensor_from(g, HN_DTYPE_I32, shape, NULL, false); }
static hn_tensor i1(hn_graph *g, int64_t a) { return ints(g, HN_SHAPE1(a)); }
static hn_tensor i2(hn_graph *g, int64_t a, int64_t b) { return ints(g, HN_SHAPE2(a, b)); }

/* A wrong type that no builder of tensors makes: the op must look by itself. */
static hn_tensor other_float(hn_graph *g, hn_shape shape)
{
    const hni_view view = hni_view_of(NULL, hn_graph_dtype(g) == HN_DTYPE_F64 ? HN_DTYPE_F32 : HN_DTYPE_F64, shape);
    return hni_graph_add_value(g, &view);
}

static const int swap[2] = {1, 0}, bad_order[2] = {0, 3}, twice[2] = {1, 1};

#define REFUSED(name, expression) \
    static hn_tensor name(hn_graph *g) { return (expression); }

REFUSED(add_shapes, hn_add(g, m(g, 2, 3), m(g, 2, 4)))
REFUSED(sub_shapes, hn_sub(g, m(g, 2, 3), v(g, 2)))
REFUSED(mul_integers, hn_mul(g, v(g, 2), i1(g, 2)))
REFUSED(div_types, hn_div(g, v(g, 2), other_float(g, HN_SHAPE1(2))))
REFUSED(mul_add_third, hn_mul_add(g, m(g, 2, 3), v(g, 3), v(g, 2)))
REFUSED(sigmoid_integers, hn_sigmoid(g, i1(g, 3)))
REFUSED(copy_integers, hn_copy(g, i1(g, 3)))
REFUSED(too_large, hn_add(g, zeros(g, HN_SHAPE3(INT64_C(1) << 40, 1, 1)), c(g, 1, INT64_C(1) << 20, 16)))
REFUSED(matmul_columns, hn_matmul(g, m(g, 3, 5), m(g, 4, 6), HN_TRANSPOSE_NONE))
REFUSED(matmul_turned, hn_matmul(g, m(g, 3, 5), m(g, 4, 6), HN_TRANSPOSE_AB))
REFUSED(matmul_rank, hn_matmul(g, m(g, 3, 5), v(g, 5), HN_TRANSPOSE_NONE))
REFUSED(matmul_leading, hn_matmul(g, c(g, 2, 3, 5), c(g, 3, 5, 4), HN_TRANSPOSE_NONE))
REFUSED(matmul_transpose, hn_matmul(g, m(g, 3, 5), m(g, 5, 4), (hn_transpose)7))
REFUSED(matmul_too_large, hn_matmul(g, m(g, INT64_C(1) << 40, 1), m(g, 1, INT64_C(1) << 40), HN_TRANSPOSE_NONE))
REFUSED(reshape_elements, hn_reshape(g, m(g, 3, 4), HN_SHAPE2(2, 5)))
REFUSED(reshape_no_shape, hn_reshape(g, m(g, 3, 4), HN_SHAPE2(0, 12)))
REFUSED(permute_axis, hn_permute(g, m(g, 3, 4), bad_order))
REFUSED(permute_twice, hn_permute(g, m(g, 3, 4), twice))
REFUSED(slice_axis, hn_slice(g, m(g, 3, 4), 2, 0, 1))
REFUSED(slice_negative_axis, hn_slice(g, m(g, 3, 4), -3, 0, 1))
REFUSED(slice_range, hn_slice(g, m(g, 3, 4), 1, 3, 2))
REFUSED(slice_overflow, hn_slice(g, m(g, 3, 4), 1, 2, INT64_MAX))
REFUSED(slice_empty, hn_slice(g, m(g, 3, 4), 1, 2, 0))

REFUSED(slice_step_none, hn_slice_step(g, m(g, 3, 4), 1, 0, 2, 0))
REFUSED(slice_step_range, hn_slice_step(g, m(g, 3, 4), 1, 1, 3, 2))
REFUSED(slice_step_overflow, hn_slice_step(g, m(g, 3, 4), 1, 0, 3, INT64_MAX))
REFUSED(pad_axis, hn_pad(g, m(g, 3, 4), 2, 1, 1))
REFUSED(pad_negative, hn_pad(g, m(g, 3, 4), -1, 1, -2))
REFUSED(pad_integers, hn_pad(g, i2(g, 3, 4), 0, 1, 1))
REFUSED(pad_large, hn_pad(g, m(g, 3, 4), 0, INT64_MAX - 2, 0))
REFUSED(pad_larger, hn_pad(g, m(g, 3, 4), 0, INT64_MAX / 4, 0))

static hn_tensor concat_of(hn_graph *g, hn_tensor a, hn_tensor b, int axis)
{
    const hn_tensor parts[3] = {a, a, b};
    return hn_concat(g, parts, 3, axis);
}

REFUSED(concat_shapes, concat_of(g, m(g, 2, 3), m(g, 3, 3), 1))
REFUSED(concat_rank, concat_of(g, m(g, 2, 3), v(g, 3), 0))
REFUSED(concat_axis, concat_of(g, m(g, 2, 3), m(g, 2, 3), 2))
REFUSED(concat_nothing, hn_concat(g, NULL, 0, 0))
REFUSED(concat_type, concat_of(g, m(g, 2, 3), i2(g, 2, 3), 0))
REFUSED(concat_too_large, concat_of(g, v(g, INT64_MAX / 16), v(g, INT64_MAX), 0))
REFUSED(sum_axes, hn_sum(g, m(g, 2, 3), HN_AXIS(2), false))
REFUSED(mean_integers, hn_mean(g, i2(g, 2, 3), HN_ALL_AXES, false))
REFUSED(norm_scalar, hn_layer_norm(g, s(g), v(g, 1), v(g, 1), 1e-3))
REFUSED(norm_gain, hn_layer_norm(g, m(g, 2, 3), v(g, 4), v(g, 3), 1e-3))
REFUSED(norm_shift, hn_layer_norm(g, m(g, 2, 3), v(g, 3), m(g, 3, 3), 1e-3))
REFUSED(norm_one_for_all, hn_layer_norm(g, m(g, 2, 3), v(g, 1), v(g, 3), 1e-3))
REFUSED(norm_epsilon, hn_layer_norm(g, m(g, 2, 3), v(g, 3), v(g, 3), 0))

static hn_tensor q(hn_graph *g, int64_t a, int64_t b, int64_t d, int64_t e) { return zeros(g, HN_SHAPE4(a, b, d, e)); }

static hn_tensor conv_with(hn_graph *g, hn_tensor x, hn_tensor kernel, hn_tensor bias, int stride, int padding)
{
    return hn_conv2d(g, x, kernel, bias, &(hn_conv2d_options){.stride = stride, .padding = padding});
}

REFUSED(conv_channels, conv_with(g, q(g, 128, 16, 32, 32), q(g, 16, 8, 3, 3), HN_NO_TENSOR, 1, 1))
REFUSED(conv_rank, conv_with(g, c(g, 3, 32, 32), q(g, 16, 3, 3, 3), HN_NO_TENSOR, 1, 1))
REFUSED(conv_integers, conv_with(g, ints(g, HN_SHAPE4(1, 3, 8, 8)), q(g, 16, 3, 3, 3), HN_NO_TENSOR, 1, 1))
REFUSED(conv_kernel_rank, conv_with(g, q(g, 1, 3, 8, 8), c(g, 16, 3, 9), HN_NO_TENSOR, 1, 1))
REFUSED(conv_oblong, conv_with(g, q(g, 1, 3, 8, 8), q(g, 16, 3, 3, 5), HN_NO_TENSOR, 1, 1))
REFUSED(conv_bias, conv_with(g, q(g, 1, 3, 8, 8), q(g, 16, 3, 3, 3), v(g, 3), 1, 1))
REFUSED(conv_bias_rank, conv_with(g, q(g, 1, 3, 8, 8), q(g, 16, 3, 3, 3), m(g, 16, 1), 1, 1))
REFUSED(conv_stride, conv_with(g, q(g, 1, 3, 8, 8), q(g, 16, 3, 3, 3), HN_NO_TENSOR, 0, 1))
REFUSED(conv_padding, conv_with(g, q(g, 1, 3, 8, 8), q(g, 16, 3, 3, 3), HN_NO_TENSOR, 1, 3))
REFUSED(conv_no_padding, conv_with(g, q(g, 1, 3, 8, 8), q(g, 16, 3, 3, 3), HN_NO_TENSOR, 1, -1))
REFUSED(conv_small, conv_with(g, q(g, 1, 3, 8, 6), q(g, 16, 3, 7, 7), HN_NO_TENSOR, 1, 0))

REFUSED(max_pool_rank, hn_max_pool2d(g, m(g, 3, 4), 2, 2))
REFUSED(max_pool_integers, hn_max_pool2d(g, ints(g, HN_SHAPE4(1, 3, 8, 8)), 2, 2))
REFUSED(max_pool_large, hn_max_pool2d(g, q(g, 1, 3, 8, 4), 5, 2))
REFUSED(avg_pool_size, hn_avg_pool2d(g, q(g, 1, 3, 8, 4), 0, 2))
REFUSED(avg_pool_stride, hn_avg_pool2d(g, q(g, 1, 3, 8, 4), 2, -1))

static hn_tensor dropout_with(hn_graph *g, hn_dropout_options options) { return hn_dropout(g, m(g, 2, 3), &options); }

REFUSED(dropout_keep, dropout_with(g, (hn_dropout_options){.keep = 0}))
REFUSED(dropout_keep_all, dropout_with(g, (hn_dropout_options){.keep = 1.5}))
REFUSED(dropout_base, dropout_with(g, (hn_dropout_options){.keep = 0.5, .base = -1}))
REFUSED(dropout_stride, dropout_with(g, (hn_dropout_options){.keep = 0.5, .stride = {3, -1}}))
static hn_tensor channels(hn_graph *g, int64_t count) { return zeros(g, HN_SHAPE4(2, count, 5, 4)); }

static hn_tensor batch_norm(hn_graph *g, hn_tensor x, hn_tensor gain, hn_tensor statistics)
{
    const hn_batch_norm_options options = {.epsilon = 1e-5};
    return hn_batch_norm(g, x, gain, v(g, 16), statistics, &options);
}

static hn_tensor batch_epsilon(hn_graph *g)
{
    const hn_batch_norm_options options = {.relu = true};
    return hn_batch_norm(g, channels(g, 3), v(g, 3), v(g, 3), m(g, 2, 3), &options);
}

REFUSED(batch_rank, batch_norm(g, c(g, 2, 3, 16), v(g, 16), m(g, 2, 16)))
REFUSED(batch_integers, batch_norm(g, ints(g, HN_SHAPE2(2, 16)), v(g, 16), m(g, 2, 16)))
REFUSED(batch_gain, batch_norm(g, channels(g, 16), v(g, 8), m(g, 2, 16)))
REFUSED(batch_shift, batch_norm(g, channels(g, 8), v(g, 8), m(g, 2, 8)))
REFUSED(batch_constants, batch_norm(g, m(g, 5, 16), v(g, 16), v(g, 16)))
REFUSED(batch_gain_type, batch_norm(g, m(g, 5, 16), i1(g, 16), m(g, 2, 16)))
REFUSED(statistics_rank, hn_batch_statistics(g, v(g, 5)))
REFUSED(statistics_integers, hn_batch_statistics(g, i2(g, 5, 2)))
REFUSED(lookup_table, hn_lookup(g, v(g, 5), i1(g, 2)))
REFUSED(lookup_indices, hn_lookup(g, m(g, 5, 2), v(g, 2)))
REFUSED(lookup_rank,
        hn_lookup(g, m(g, 5, 2),
                  ints(g, hn_shape_of(6, INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(1), INT64_C(2)))))
REFUSED(lookup_strided, hn_lookup(g, m(g, 5, 2), hn_slice(g, i2(g, 3, 4), 1, 0, 2)))
REFUSED(entropy_targets, hn_softmax_cross_entropy(g, m(g, 4, 6), i1(g, 3), v(g, 4), 4))
REFUSED(entropy_weights, hn_softmax_cross_entropy(g, m(g, 4, 6), i1(g, 4), v(g, 3), 4))
REFUSED(entropy_divisor, hn_softmax_cross_entropy(g, m(g, 4, 6), i1(g, 4), v(g, 4), -1))
REFUSED(entropy_smoothing, hn_smoothed_cross_entropy(g, m(g, 4, 6), i1(g, 4), v(g, 4), 4, 1))
REFUSED(entropy_scalar, hn_softmax_cross_entropy(g, s(g), i1(g, 4), v(g, 4), 4))
REFUSED(entropy_strided, hn_softmax_cross_entropy(g, c(g, 2, 2, 6), hn_slice(g, i2(g, 2, 4), 1, 0, 2), m(g, 2, 2), 4))
REFUSED(bits_targets, hn_symbol_bits(g, m(g, 4, 6), v(g, 4)))
REFUSED(where_shapes, hn_where_length(g, m(g, 2, 3), m(g, 2, 4), i1(g, 2), 0))
REFUSED(where_lengths, hn_where_length(g, m(g, 2, 3), m(g, 2, 3), i1(g, 3), 0))
REFUSED(where_strided,
        hn_where_length(g, m(g, 2, 3), m(g, 2, 3), hn_reshape(g, hn_slice(g, i2(g, 2, 3), 1, 0, 1), HN_SHAPE1(2)), 0))
REFUSED(reverse_rank, hn_reverse(g, v(g, 2), i1(g, 2)))
REFUSED(reverse_lengths, hn_reverse(g, m(g, 2, 3), v(g, 2)))

static hn_tensor gather(hn_graph *g, hn_tensor source, int64_t count, int64_t length)
{
    static const int64_t starts[2] = {0, 1};
    return hn_gather_windows(g, source, starts, count, length);
}

REFUSED(gather_type, gather(g, v(g, 9), 2, 3))
REFUSED(gather_rank, gather(g, i2(g, 3, 3), 2, 3))
REFUSED(gather_length, gather(g, i1(g, 9), 2, 0))
REFUSED(gather_count, gather(g, i1(g, 9), 0, 3))

static hn_tensor images(hn_graph *g, hn_shape shape, int64_t count, double deviation)
{
    static const hn_image_view views[2] = {{0, {1, 0, 0, 0, 1, 0}}, {1, {1, 0, 0, 0, 1, 0}}};
    const double mean[2] = {0.5, 0.5}, deviations[2] = {1, deviation};
    const hn_tensor source = hn_tensor_from(g, HN_DTYPE_U8, shape, NULL, false);
    return hn_gather_images(g, source, views, count, &(hn_image_norm){mean, deviations});
}

REFUSED(images_none, images(g, HN_SHAPE4(2, 2, 4, 4), 0, 1))
REFUSED(images_float, hn_gather_images(g, hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE4(2, 1, 2, 2), NULL, false),
                                       &(hn_image_view){0, {1, 0, 0, 0, 1, 0}}, 1, NULL))
REFUSED(images_rank, images(g, HN_SHAPE3(2, 4, 4), 2, 1))
REFUSED(images_large, images(g, HN_SHAPE4(2, 2, 32768, 32768), 2, 1))
REFUSED(images_norm, images(g, HN_SHAPE4(2, 2, 4, 4), 2, 0))
REFUSED(from_type, hn_tensor_from(g, HN_DTYPE_BF16, HN_SHAPE1(2), NULL, false))
REFUSED(from_shape, hn_tensor_from(g, HN_DTYPE_F32, HN_SHAPE2(3, 0), NULL, false))
REFUSED(from_gradient, hn_tensor_from(g, HN_DTYPE_U8, HN_SHAPE1(3), NULL, true))
REFUSED(from_too_large, hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE1(INT64_MAX / 2), NULL, false))
REFUSED(no_tensor, hn_tanh(g, HN_NO_TENSOR))
REFUSED(relu_turned_integers, hn_relu(g, hn_permute(g, i2(g, 2, 3), swap)))

static const struct {
    hn_tensor (*build)(hn_graph *g);
    hn_status status;
    const char *text, *argument;
} rows[] = {
    {add_shapes, HN_ERROR_SHAPE, "add: b [2,4] does not broadcast with [2,3]", "b"},
    {sub_shapes, HN_ERROR_SHAPE, "sub: b [2] does not broadcast with [2,3]", "b"},
    {mul_integers, HN_ERROR_TYPE, "mul: b must be float, not I32", "b"},
    {div_types, HN_ERROR_TYPE, "div: b is F32, the first input is F64", "b"},
    {mul_add_third, HN_ERROR_SHAPE, "mul_add: c [2] does not broadcast with [2,3]", "c"},
    {sigmoid_integers, HN_ERROR_TYPE, "sigmoid: a must be float, not I32", "a"},
    {copy_integers, HN_ERROR_TYPE, "copy: a must be float, not I32", "a"},
    {too_large, HN_ERROR_SHAPE, "add: b [1,1048576,16] does not broadcast with [1099511627776,1,1]", "b"},
    {matmul_columns, HN_ERROR_SHAPE, "matmul: a [3,5] has 5 columns, b [4,6] has 4 rows", "b"},
    {matmul_turned, HN_ERROR_SHAPE, "matmul: after the transposes a [5,3] has 3 columns, b [6,4] has 6 rows", "b"},
    {matmul_rank, HN_ERROR_SHAPE, "matmul: b [5] must have at least two dimensions", "b"},
    {matmul_leading, HN_ERROR_SHAPE, "matmul: leading dimensions of a [2,3,5] and b [3,5,4] do not broadcast", "b"},
    {matmul_transpose, HN_ERROR_ARGUMENT, "matmul: there is no transpose number 7", ""},
    {matmul_too_large, HN_ERROR_SHAPE,
     "matmul: the result [1099511627776,1099511627776] has more elements than can be counted", ""},
    {reshape_elements, HN_ERROR_SHAPE, "reshape: x [3,4] has 12 elements, [2,5] cannot hold them", "shape"},
    {reshape_no_shape, HN_ERROR_SHAPE, "reshape: x [3,4] has 12 elements, [0,12] cannot hold them", "shape"},
    {permute_axis, HN_ERROR_ARGUMENT, "permute: entry 1 is 3: the order must name each of the 2 axes once", "order"},
    {permute_twice, HN_ERROR_ARGUMENT, "permute: entry 1 is 1: the order must name each of the 2 axes once", "order"},
    {slice_axis, HN_ERROR_ARGUMENT, "slice: there is no axis 2 in x [3,4]", "axis"},
    {slice_negative_axis, HN_ERROR_ARGUMENT, "slice: there is no axis -3 in x [3,4]", "axis"},
    {slice_range, HN_ERROR_ARGUMENT, "slice: 2 elements from 3 on are not in axis 1 of x [3,4]", "start"},
    {slice_overflow, HN_ERROR_ARGUMENT, "slice: 9223372036854775807 elements from 2 on are not in axis 1 of x [3,4]",
     "start"},
    {slice_empty, HN_ERROR_ARGUMENT, "slice: 0 elements from 2 on are not in axis 1 of x [3,4]", "start"},
    {slice_step_none, HN_ERROR_ARGUMENT, "slice: the step must be at least 1, it is 0", "step"},
    {slice_step_range, HN_ERROR_ARGUMENT, "slice: 3 elements from 1 on, each 2 apart, are not in axis 1 of x [3,4]",
     "start"},
    {slice_step_overflow, HN_ERROR_ARGUMENT,
     "slice: 3 elements from 0 on, each 9223372036854775807 apart, are not in axis 1 of x [3,4]", "start"},
    {pad_axis, HN_ERROR_ARGUMENT, "pad: there is no axis 2 in x [3,4]", "axis"},
    {pad_negative, HN_ERROR_ARGUMENT, "pad: after must be at least 0, it is -2", "after"},
    {pad_integers, HN_ERROR_TYPE, "pad: x must be float, not I32", "x"},
    {pad_large, HN_ERROR_SHAPE, "pad: the result has more elements than can be counted", "x"},
    {pad_larger, HN_ERROR_SHAPE, "pad: the result [2305843009213693954,4] has more elements than can be counted", ""},
    {concat_shapes, HN_ERROR_SHAPE, "concat: part 2 [3,3] differs from part 0 [2,3] outside axis 1", "parts"},
    {concat_rank, HN_ERROR_SHAPE, "concat: part 2 [3] differs from part 0 [2,3] outside axis 0", "parts"},
    {concat_axis, HN_ERROR_ARGUMENT, "concat: there is no axis 2 in part 0 [2,3]", "axis"},
    {concat_nothing, HN_ERROR_ARGUMENT, "concat: needs at least one part, 0 given", ""},
    {concat_type, HN_ERROR_TYPE, "concat: parts must be float, not I32", "parts"},
    {concat_too_large, HN_ERROR_MEMORY,
     "step memory: [9223372036854775807] has more bytes than an address can count; use smaller sizes", ""},
    {sum_axes, HN_ERROR_ARGUMENT, "sum: the set of axes 0x4 goes beyond those of x [2,3]", "axes"},
    {mean_integers, HN_ERROR_TYPE, "mean: x must be float, not I32", "x"},
    {norm_scalar, HN_ERROR_SHAPE, "layer_norm: x is a scalar: there is no axis to normalise over", "x"},
    {norm_gain, HN_ERROR_SHAPE,
     "layer_norm: gain [4] does not fit x [2,3]: it must broadcast to it and have all 3 columns", "gain"},
    {norm_shift, HN_ERROR_SHAPE,
     "layer_norm: shift [3,3] does not fit x [2,3]: it must broadcast to it and have all 3 columns", "shift"},
    {norm_one_for_all, HN_ERROR_SHAPE,
     "layer_norm: gain [1] does not fit x [2,3]: it must broadcast to it and have all 3 columns", "gain"},
    {norm_epsilon, HN_ERROR_ARGUMENT, "layer_norm: epsilon must be above 0, it is 0", "epsilon"},
    {conv_channels, HN_ERROR_SHAPE, "conv2d: kernel [16,8,3,3] needs 8 input channels, input [128,16,32,32] has 16",
     "kernel"},
    {conv_rank, HN_ERROR_SHAPE, "conv2d: input [3,32,32] must be [B,C,H,W]", "input"},
    {conv_integers, HN_ERROR_TYPE, "conv2d: input must be float, not I32", "input"},
    {conv_kernel_rank, HN_ERROR_SHAPE, "conv2d: kernel [16,3,9] must be [O,C,f,f]", "kernel"},
    {conv_oblong, HN_ERROR_SHAPE, "conv2d: kernel [16,3,3,5] must be [O,C,f,f]", "kernel"},
    {conv_bias, HN_ERROR_SHAPE, "conv2d: bias [3] must be [16], one for each output of kernel [16,3,3,3]", "bias"},
    {conv_bias_rank, HN_ERROR_SHAPE, "conv2d: bias [16,1] must be [16], one for each output of kernel [16,3,3,3]",
     "bias"},
    {conv_stride, HN_ERROR_ARGUMENT, "conv2d: stride must be at least 1, it is 0", "stride"},
    {conv_padding, HN_ERROR_ARGUMENT, "conv2d: padding must be at least 0 and below the kernel's size of 3, it is 3",
     "padding"},
    {conv_no_padding, HN_ERROR_ARGUMENT,
     "conv2d: padding must be at least 0 and below the kernel's size of 3, it is -1", "padding"},
    {conv_small, HN_ERROR_SHAPE, "conv2d: a kernel of 7 x 7 is larger than the input's 8 x 6 with a padding of 0",
     "kernel"},
    {max_pool_rank, HN_ERROR_SHAPE, "max_pool2d: input [3,4] must be [B,C,H,W]", "input"},
    {max_pool_integers, HN_ERROR_TYPE, "max_pool2d: input must be float, not I32", "input"},
    {max_pool_large, HN_ERROR_SHAPE, "max_pool2d: a window of 5 x 5 is larger than the images of input [1,3,8,4]",
     "size"},
    {avg_pool_size, HN_ERROR_ARGUMENT, "avg_pool2d: size must be at least 1, it is 0", "size"},
    {avg_pool_stride, HN_ERROR_ARGUMENT, "avg_pool2d: stride must be at least 1, it is -1", "stride"},
    {dropout_keep, HN_ERROR_ARGUMENT, "dropout: keep must be above 0 and at most 1, it is 0", "keep"},
    {dropout_keep_all, HN_ERROR_ARGUMENT, "dropout: keep must be above 0 and at most 1, it is 1.5", "keep"},
    {dropout_base, HN_ERROR_ARGUMENT, "dropout: base must not be negative, it is -1", "base"},
    {dropout_stride, HN_ERROR_ARGUMENT, "dropout: stride of dimension 1 must not be negative, it is -1", "stride"},
    {batch_rank, HN_ERROR_SHAPE, "batch_norm: x [2,3,16] must be [B,C,H,W] or [B,C]", ""},
    {batch_integers, HN_ERROR_TYPE, "batch_norm: x must be float, not I32", "x"},
    {batch_gain, HN_ERROR_SHAPE, "batch_norm: x [2,16,5,4] has 16 channels and needs gain [16], not [8]", "gain"},
    {batch_shift, HN_ERROR_SHAPE, "batch_norm: x [2,8,5,4] has 8 channels and needs shift [8], not [16]", "shift"},
    {batch_constants, HN_ERROR_SHAPE, "batch_norm: x [5,16] has 16 channels and needs statistics [2,16], not [16]",
     "statistics"},
    {batch_gain_type, HN_ERROR_TYPE, "batch_norm: gain must be float, not I32", "gain"},
    {batch_epsilon, HN_ERROR_ARGUMENT, "batch_norm: epsilon must be above 0, it is 0", "epsilon"},
    {statistics_rank, HN_ERROR_SHAPE, "batch_statistics: x [5] must be [B,C,H,W] or [B,C]", ""},
    {statistics_integers, HN_ERROR_TYPE, "batch_statistics: x must be float, not I32", "x"},
    {lookup_table, HN_ERROR_SHAPE, "lookup: table [5] must be [rows,width]", "table"},
    {lookup_indices, HN_ERROR_TYPE, "lookup: indices must be I32, not F64", "indices"},
    {lookup_rank, HN_ERROR_SHAPE, "lookup: indices [1,1,1,1,1,2] leave no dimension for the rows (at most 6)",
     "indices"},
    {lookup_strided, HN_ERROR_UNSUPPORTED,
     "lookup: indices are a view whose elements lie at several strides: make them a tensor of their own", "indices"},
    {entropy_targets, HN_ERROR_SHAPE, "softmax_cross_entropy: targets are [3], logits [4,6] need [4]", "targets"},
    {entropy_weights, HN_ERROR_SHAPE, "softmax_cross_entropy: weights are [3], logits [4,6] need [4]", "weights"},
    {entropy_divisor, HN_ERROR_ARGUMENT, "softmax_cross_entropy: the divisor must be above 0, it is -1", "divisor"},
    {entropy_smoothing, HN_ERROR_ARGUMENT, "softmax_cross_entropy: smoothing must be at least 0 and below 1, it is 1",
     "smoothing"},
    {entropy_scalar, HN_ERROR_SHAPE, "softmax_cross_entropy: logits are a scalar: their last dimension is the symbols",
     "logits"},
    {entropy_strided, HN_ERROR_UNSUPPORTED,
     "softmax_cross_entropy: targets are a view with gaps: make them a tensor of their own", "targets"},
    {bits_targets, HN_ERROR_TYPE, "symbol_bits: targets must be I32, not F64", "targets"},
    {where_shapes, HN_ERROR_SHAPE, "where_length: a [2,3] and b [2,4] must have one shape", "b"},
    {where_lengths, HN_ERROR_SHAPE, "where_length: lengths [3] must be [B], one for each row of [2,3]", "lengths"},
    {where_strided, HN_ERROR_UNSUPPORTED, "where_length: lengths are a view with gaps: make them a tensor of their own",
     "lengths"},
    {reverse_rank, HN_ERROR_SHAPE, "reverse: x [2] must be [B,T,..]", "x"},
    {reverse_lengths, HN_ERROR_TYPE, "reverse: lengths must be I32, not F64", "lengths"},
    {gather_type, HN_ERROR_TYPE, "gather_windows: source must be U8 or I32, it is F64", "source"},
    {gather_rank, HN_ERROR_SHAPE, "gather_windows: source must have one dimension, it has 2", "source"},
    {gather_length, HN_ERROR_ARGUMENT, "gather_windows: 2 windows of 0 steps: both must be at least 1", "length"},
    {gather_count, HN_ERROR_ARGUMENT, "gather_windows: 0 windows of 3 steps: both must be at least 1", ""},
    {images_none, HN_ERROR_ARGUMENT, "gather_images: 0 images: at least 1 is needed", ""},
    {images_float, HN_ERROR_TYPE, "gather_images: source must be U8, it is F64", "source"},
    {images_rank, HN_ERROR_SHAPE, "gather_images: source [2,4,4] must be [n,C,H,W], each image below 2^30 bytes",
     "source"},
    {images_large, HN_ERROR_SHAPE,
     "gather_images: source [2,2,32768,32768] must be [n,C,H,W], each image below 2^30 bytes", "source"},
    {images_norm, HN_ERROR_ARGUMENT,
     "gather_images: mean 0.5 and deviation 0 of channel 1: both must be finite, the deviation above 0", "norm"},
    {from_type, HN_ERROR_TYPE, "tensor: no op takes BF16 yet: give F32, F64, I32 or U8", ""},
    {from_shape, HN_ERROR_SHAPE, "tensor: [3,0] is no shape: at most 6 dimensions, each at least 1", ""},
    {from_gradient, HN_ERROR_TYPE, "tensor: U8 cannot have a gradient", ""},
    {from_too_large, HN_ERROR_MEMORY,
     "step memory: [4611686018427387903] has more bytes than an address can count; use smaller sizes", ""},
    {no_tensor, HN_ERROR_STALE, "tanh: an input is no tensor (HN_NO_TENSOR)", ""},
    {relu_turned_integers, HN_ERROR_TYPE, "relu: a must be float, not I32", "a"},
};

/* On a dry graph nothing is allocated, so absurd sizes can be asked for. */
static void test_every_message(void **state)
{
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hn_graph *g = test_graph_create(context, HN_BACKEND_DRY, HN_DTYPE_F64);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hn_graph_reset(g);
        hn_context_clear(context);
        const hn_tensor out = rows[i].build(g);
        const hn_error *error = hn_context_error(context);
        if (strcmp(error->text, rows[i].text) != 0)
            fail_msg("row %zu says\n%s\ninstead of\n%s", i, error->text, rows[i].text);
        if (strcmp(error->argument, rows[i].argument) != 0)
            fail_msg("%s: argument is '%s'", error->text, error->argument);
        assert_int_equal(out.slot, 0);
        assert_int_equal(error->status, rows[i].status);
        assert_int_equal(hn_graph_status(g), rows[i].status);
        if (rows[i].argument[0] != '\0') assert_int_equal(strncmp(error->text, error->op, strlen(error->op)), 0);
    }
    hn_graph_destroy(g);
    hn_context_destroy(context);
}

/* What only a kernel can see: numbers that lie outside. */
static void test_numbers_outside(void **state)
{
    static const int32_t four[2] = {0, 4}, minus[2] = {-1, 2};
    static const int64_t starts[2] = {0, 7};
    static const uint8_t bytes[8] = {0};
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hn_graph *g = test_graph_create(context, HN_BACKEND_GENERIC, HN_DTYPE_F64);
    const char *const expected[] = {"lookup: entry 1 of indices is 4, it must lie in [0,4)",
                                    "entry 0 of targets is -1",
                                    "reverse: entry 1 of lengths is 4, it must lie in [0,3]",
                                    "window 1 has 3 entries from 7 on",
                                    "gather_images: view 1 asks for image 2, it must lie in [0,2)",
                                    "gather_images: entry 4 of the matrix of view 0 is nan: it must be finite"};
    for (int i = 0; i < 6; i++) {
        hn_graph_reset(g);
        const hn_tensor a = hn_tensor_from(g, HN_DTYPE_I32, HN_SHAPE1(2), four, false);
        const hn_tensor b = hn_tensor_from(g, HN_DTYPE_I32, HN_SHAPE1(2), minus, false);
        if (i == 0) (void)hn_lookup(g, m(g, 4, 2), a);
        if (i == 1) (void)hn_softmax_cross_entropy(g, m(g, 2, 3), b, v(g, 2), 1);
        if (i == 2) (void)hn_reverse(g, m(g, 2, 3), a);
        if (i == 3) (void)hn_gather_windows(g, i1(g, 9), starts, 2, 3);
        if (i > 3) {
            const hn_image_view views[2] = {{0, {1, 0, 0, 0, i == 5 ? (double)NAN : 1, 0}}, {2, {1, 0, 0, 0, 1, 0}}};
            const hn_tensor source = hn_tensor_from(g, HN_DTYPE_U8, HN_SHAPE4(2, 1, 2, 2), bytes, false);
            (void)hn_gather_images(g, source, views, 2, NULL);
        }
        assert_int_equal(hn_graph_status(g), HN_ERROR_ARGUMENT);
        test_assert_error(context, HN_ERROR_ARGUMENT, expected[i], NULL);
    }
    hn_graph_destroy(g);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message),
        cmocka_unit_test(test_numbers_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
