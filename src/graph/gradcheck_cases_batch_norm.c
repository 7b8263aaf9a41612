/* Gradcheck cases of batch_norm: statistics of the batch itself, whose differences move with x, and constant ones; images and rows. */
#include "graph/gradcheck_cases.h"

static const int swap[2] = {1, 0}, channels_second[4] = {0, 3, 1, 2};

/* Statistics out of random numbers: none is below 0. */
static hn_tensor constants(hn_graph *g, hn_tensor numbers) { return hn_mul(g, numbers, numbers); }

static hn_tensor by_batch(hn_graph *g, hn_tensor x, hn_tensor gain, hn_tensor shift, bool relu)
{
    const hn_batch_norm_options options = {.epsilon = 1e-3, .relu = relu, .from_batch = true};
    return hn_batch_norm(g, x, gain, shift, hn_batch_statistics(g, x), &options);
}

static hn_tensor by_constants(hn_graph *g, const hn_tensor *x, hn_tensor images, bool relu)
{
    const hn_batch_norm_options options = {.epsilon = 1e-3, .relu = relu};
    return hn_batch_norm(g, images, x[1], x[2], constants(g, x[3]), &options);
}

BUILD(batch, by_batch(g, x[0], x[1], x[2], false))
BUILD(batch_last, by_batch(g, hn_permute(g, x[0], channels_second), x[1], x[2], false))
BUILD(batch_turned, by_batch(g, hn_permute(g, x[0], swap), x[1], x[2], false))
BUILD(batch_gaps, by_batch(g, hn_slice(g, x[0], 1, 1, 3), hn_slice(g, x[1], 0, 2, 3), x[2], false))
BUILD(batch_rows_cut, by_batch(g, hn_slice(g, x[0], 0, 1, 4), x[1], x[2], false))
BUILD(batch_gain_is_shift, by_batch(g, x[0], x[1], x[1], false))
BUILD(batch_beside, hn_mul(g, by_batch(g, x[0], x[1], x[2], false), x[0]))
BUILD(batch_twice, by_batch(g, hn_mul(g, by_batch(g, x[0], x[1], x[2], false), x[0]), x[1], x[2], false))
BUILD(constant, by_constants(g, x, x[0], false))
BUILD(constant_last, by_constants(g, x, hn_permute(g, x[0], channels_second), false))

/* A column of a matrix as gain and another as shift, whose elements lie at a stride, and statistics that are turned. */
static hn_tensor batch_columns(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_batch_norm_options options = {.epsilon = 1e-3};
    const hn_tensor gain = hn_reshape(g, hn_slice(g, x[1], 1, 0, 1), HN_SHAPE1(3));
    const hn_tensor shift = hn_reshape(g, hn_slice(g, x[1], 1, 2, 1), HN_SHAPE1(3));
    return hn_batch_norm(g, x[0], gain, shift, constants(g, hn_permute(g, x[2], swap)), &options);
}

/* ---- with relu: x in two heaps, so that what is normalised lies near 1 and -1, at least 0.2 from the kink ---- */

static hn_tensor heaps(hn_graph *g, hn_tensor x)
{
    double values[HNI_GRADCHECK_MAX_OUTPUTS];
    const hn_shape shape = hn_tensor_shape(g, x);
    for (int64_t i = 0; i < hn_shape_elements(shape); i++)
        values[i] = i * 5 % 7 < 3 ? 4 : -4;
    return hn_add(g, x, hn_tensor_from(g, HN_DTYPE_F64, shape, values, false));
}

static hn_tensor relu_of_batch(hn_graph *g, const hn_tensor *x, hn_tensor images)
{
    return by_batch(g, images, hn_scale(g, x[1], 0.1, 1), hn_scale(g, x[2], 0.3, 0), true);
}

BUILD(batch_relu, relu_of_batch(g, x, heaps(g, x[0])))
BUILD(batch_relu_last, relu_of_batch(g, x, hn_permute(g, heaps(g, x[0]), channels_second)))
BUILD(constant_relu, by_constants(g, x, heaps(g, x[0]), true))
BUILD(constant_relu_last, by_constants(g, x, hn_permute(g, heaps(g, x[0]), channels_second), true))

static const hni_gradcheck_case cases[] = {
    {HNI_OP_BATCH_NORM, "rows", batch, INPUTS(X(5, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "images", batch, INPUTS(X(2, 3, 2, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "images with channels last", batch_last, INPUTS(X(2, 3, 2, 5), X(5), X(5)), NULL},
    {HNI_OP_BATCH_NORM, "one pixel", batch, INPUTS(X(4, 3, 1, 1), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "one image", batch, INPUTS(X(1, 2, 3, 3), X(2), X(2)), NULL},
    {HNI_OP_BATCH_NORM, "one channel", batch, INPUTS(X(7, 1), X(1), X(1)), NULL},
    {HNI_OP_BATCH_NORM, "many channels", batch, INPUTS(X(3, 67), X(67), X(67)), NULL},
    {HNI_OP_BATCH_NORM, "one number", batch, INPUTS(VANISHING(1, 1), VANISHING(1), X(1)), NULL},
    {HNI_OP_BATCH_NORM, "variance below epsilon", batch, INPUTS(SCALED(0.02, 5, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "x turned", batch_turned, INPUTS(X(3, 5), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "x and gain cut out", batch_gaps, INPUTS(X(5, 6), X(5), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "rows of a longer x", batch_rows_cut, INPUTS(X(6, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "gain is shift", batch_gain_is_shift, INPUTS(X(5, 3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "beside x itself", batch_beside, INPUTS(X(5, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "one gain twice", batch_twice, INPUTS(X(5, 2), X(2), X(2)), NULL},
    {HNI_OP_BATCH_NORM, "constants", constant, INPUTS(X(5, 3), X(3), X(3), CONSTANT(2, 3)), NULL},
    {HNI_OP_BATCH_NORM, "constants, images", constant, INPUTS(X(2, 3, 3, 2), X(3), X(3), CONSTANT(2, 3)), NULL},
    {HNI_OP_BATCH_NORM, "constants, channels last", constant_last, INPUTS(X(2, 2, 3, 4), X(4), X(4), CONSTANT(2, 4)),
     NULL},
    {HNI_OP_BATCH_NORM, "gain, shift and constants at strides", batch_columns, INPUTS(X(5, 3), X(3, 3), CONSTANT(3, 2)),
     NULL},
    {HNI_OP_BATCH_NORM, "relu", batch_relu, INPUTS(X(7, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "relu, images", batch_relu, INPUTS(X(2, 3, 3, 3), X(3), X(3)), NULL},
    {HNI_OP_BATCH_NORM, "relu, channels last", batch_relu_last, INPUTS(X(2, 3, 3, 5), X(5), X(5)), NULL},
    {HNI_OP_BATCH_NORM, "relu, constants", constant_relu, INPUTS(X(5, 3), X(3), X(3), CONSTANT(2, 3)), NULL},
    {HNI_OP_BATCH_NORM, "relu, constants, channels last", constant_relu_last,
     INPUTS(X(2, 2, 3, 4), X(4), X(4), CONSTANT(2, 4)), NULL},
};

const hni_gradcheck_list hni_gradcheck_batch_norm = HNI_GRADCHECK_LIST(cases);
