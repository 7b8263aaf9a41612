/* Gradcheck cases of ops that work on rows: layer_norm, dropout, lookup, softmax_cross_entropy, where_length, reverse. */
#include "graph/gradcheck_cases.h"

static const int swap[2] = {1, 0}, middle_last[3] = {0, 2, 1}, outer_swap[3] = {1, 0, 2};

/* ---- layer_norm ---- */

BUILD(norm, hn_layer_norm(g, x[0], x[1], x[2], 1e-3))
BUILD(norm_turned, hn_layer_norm(g, hn_permute(g, x[0], swap), x[1], x[2], 1e-3))
BUILD(norm_sliced, hn_layer_norm(g, hn_slice(g, x[0], 1, 1, 4), hn_slice(g, x[1], 0, 2, 4), x[2], 1e-3))
BUILD(norm_gates_first, hn_layer_norm(g, hn_permute(g, x[0], outer_swap), x[1], x[2], 1e-3))
BUILD(norm_turned_gain, hn_layer_norm(g, x[0], hn_permute(g, x[1], swap), hn_permute(g, x[2], swap), 1e-3))
BUILD(norm_gain_is_shift, hn_layer_norm(g, x[0], x[1], x[1], 1e-3))
BUILD(norm_of_itself, hn_layer_norm(g, x[0], hn_slice(g, x[0], 0, 0, 1), x[1], 1e-3))
BUILD(norm_large_epsilon, hn_layer_norm(g, x[0], x[1], x[2], 0.5))

/* One gain at two steps, as in a recurrent cell. */
static hn_tensor norm_twice(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor once = hn_layer_norm(g, x[0], x[1], x[2], 1e-3);
    return hn_layer_norm(g, hn_mul(g, once, x[0]), x[1], x[2], 1e-3);
}

/* ---- dropout: the number of a case's random index is fixed, so that differences see the same mask ---- */

static hn_tensor drop(hn_graph *g, const hn_tensor *x, const void *user) { return hn_dropout(g, x[0], user); }
static hn_tensor drop_turned(hn_graph *g, const hn_tensor *x, const void *user)
{
    return hn_dropout(g, hn_permute(g, x[0], swap), user);
}
static hn_tensor drop_beside(hn_graph *g, const hn_tensor *x, const void *user)
{
    return hn_mul(g, hn_dropout(g, x[0], user), x[0]);
}

static const hn_dropout_options row_major = {.keep = 0.7, .site = 11};
static const hn_dropout_options cut_window = {.keep = 0.5, .site = 12, .base = (5 * 9 + 2) * 7, .stride = {63, 1}};
static const hn_dropout_options large_base = {
    .keep = 0.6, .site = 13, .base = (INT64_C(1) << 36) + 3, .stride = {7, 1}};
static const hn_dropout_options shared_mask = {.keep = 0.5, .site = 14, .stride = {0, 1}};
static const hn_dropout_options keep_nearly_all = {.keep = 0.999, .site = 15};
static const hn_dropout_options keep_all = {.keep = 1, .site = 16};

/* ---- lookup ---- */

static const int32_t rows_of_five[] = {4, 0, 2, 0, 0}, rows_of_table[] = {1, 3, 0, 2, 4, 3}, one_row[] = {2},
                     zero[] = {0};

BUILD(lookup, hn_lookup(g, x[0], x[1]))
BUILD(lookup_columns, hn_lookup(g, x[0], hn_slice(g, x[1], 1, 1, 1)))
BUILD(lookup_column_at_stride, hn_lookup(g, x[0], hn_reshape(g, hn_slice(g, x[1], 1, 1, 1), HN_SHAPE1(2))))
BUILD(lookup_turned_table, hn_lookup(g, hn_permute(g, x[0], swap), x[1]))
BUILD(lookup_sliced_table, hn_lookup(g, hn_slice(g, x[0], 1, 1, 2), x[1]))
BUILD(lookup_twice, hn_mul(g, hn_lookup(g, x[0], x[1]), hn_lookup(g, x[0], x[1])))

/* ---- softmax_cross_entropy ---- */

static const int32_t targets[] = {3, 0, 5, 5};
static const double divisor = 3.5;

/* clang-format off */
#define ONE_TARGET {.kind = HNI_GRADCHECK_INTEGERS, .shape = {0, {0}}, .integers = targets}
#define ONE_WEIGHT {.kind = HNI_GRADCHECK_CONSTANT, .shape = {0, {0}}}
/* clang-format on */

BUILD(cross_entropy, hn_softmax_cross_entropy(g, x[0], x[1], x[2], divisor))
BUILD(smoothed, hn_smoothed_cross_entropy(g, x[0], x[1], x[2], divisor, 0.1))
BUILD(smoothed_nearly_flat, hn_smoothed_cross_entropy(g, x[0], x[1], x[2], divisor, 0.99))
BUILD(smoothed_turned, hn_smoothed_cross_entropy(g, hn_permute(g, x[0], swap), x[1], x[2], divisor, 0.3))
BUILD(cross_entropy_turned, hn_softmax_cross_entropy(g, hn_permute(g, x[0], swap), x[1], x[2], divisor))
BUILD(cross_entropy_sliced, hn_softmax_cross_entropy(g, hn_slice(g, x[0], 1, 1, 6), x[1], x[2], divisor))
BUILD(cross_entropy_of_product,
      hn_softmax_cross_entropy(g, hn_matmul(g, x[0], x[1], HN_TRANSPOSE_B), x[2], x[3], divisor))
BUILD(cross_entropy_beside,
      hn_mul(g, hn_softmax_cross_entropy(g, x[0], x[1], x[2], divisor), hn_mean(g, x[0], HN_ALL_AXES, false)))

/* A row in the shape of the logits without their last axis, from a loss that counts some rows not at all. */
static hn_tensor cross_entropy_masked(hn_graph *g, const hn_tensor *x, const void *user)
{
    static const double weights[4] = {1, 0, 0.5, 2};
    (void)user;
    const hn_tensor w = hn_tensor_from(g, HN_DTYPE_F64, HN_SHAPE2(2, 2), weights, false);
    return hn_softmax_cross_entropy(g, x[0], x[1], w, divisor);
}

/* ---- where_length and reverse: lengths 0, some, all of T = 3 ---- */

static const int32_t lengths[] = {1, 3, 0, 2}, all_ended[] = {0, 0, 0, 0}, none_ended[] = {3, 3, 3, 3};

BUILD(where_0, hn_where_length(g, x[0], x[1], x[2], 0))
BUILD(where_1, hn_where_length(g, x[0], x[1], x[2], 1))
BUILD(where_turned, hn_where_length(g, hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 3), x[2], 1))
BUILD(where_inner_turned,
      hn_where_length(g, hn_permute(g, x[0], middle_last), hn_permute(g, x[1], middle_last), x[2], 1))
BUILD(where_same, hn_where_length(g, x[0], x[0], x[1], 1))
BUILD(where_halves, hn_where_length(g, hn_slice(g, x[0], 1, 0, 3), hn_slice(g, x[0], 1, 1, 3), x[1], 1))

BUILD(reverse, hn_reverse(g, x[0], x[1]))
BUILD(reverse_outer_turned, hn_reverse(g, hn_permute(g, x[0], outer_swap), x[1]))
BUILD(reverse_inner_turned,
      hn_reverse(g, hn_slice(g, hn_permute(g, hn_reshape(g, x[0], HN_SHAPE3(4, 3, 6)), middle_last), 1, 0, 3), x[1]))
BUILD(reverse_beside, hn_mul(g, hn_reverse(g, x[0], x[1]), x[0]))
BUILD(reverse_twice, hn_reverse(g, hn_mul(g, hn_reverse(g, x[0], x[1]), x[0]), x[1]))

/* [B,T,2,2] whose last two axes lie the other way round. */
static hn_tensor reverse_tail_turned(hn_graph *g, const hn_tensor *x, const void *user)
{
    static const int order[4] = {0, 1, 3, 2};
    (void)user;
    return hn_reverse(g, hn_permute(g, x[0], order), x[1]);
}

static const hni_gradcheck_case cases[] = {
    {HNI_OP_LAYER_NORM, "gain [N]", norm, INPUTS(X(3, 7), X(7), X(7)), NULL},
    {HNI_OP_LAYER_NORM, "one row", norm, INPUTS(X(5), X(5), X(5)), NULL},
    {HNI_OP_LAYER_NORM, "gain [4,N]", norm, INPUTS(X(3, 4, 5), X(4, 5), X(4, 5)), NULL},
    {HNI_OP_LAYER_NORM, "gain [4,1,N]", norm, INPUTS(X(4, 3, 5), X(4, 1, 5), X(4, 1, 5)), NULL},
    {HNI_OP_LAYER_NORM, "gain [4,1,N], shift [N]", norm, INPUTS(X(4, 2, 3), X(4, 1, 3), X(3)), NULL},
    {HNI_OP_LAYER_NORM, "gain as large as x", norm, INPUTS(X(2, 3), X(2, 3), X(1, 3)), NULL},
    {HNI_OP_LAYER_NORM, "two columns", norm, INPUTS(X(3, 2), X(2), X(2)), NULL},
    {HNI_OP_LAYER_NORM, "one column", norm, INPUTS(VANISHING(3, 1), VANISHING(1), X(1)), NULL},
    {HNI_OP_LAYER_NORM, "variance below epsilon", norm, INPUTS(SCALED(0.02, 3, 7), X(7), X(7)), NULL},
    {HNI_OP_LAYER_NORM, "large epsilon", norm_large_epsilon, INPUTS(X(3, 4), X(4), X(4)), NULL},
    {HNI_OP_LAYER_NORM, "x turned", norm_turned, INPUTS(X(5, 3), X(5), X(5)), NULL},
    {HNI_OP_LAYER_NORM, "x and gain cut out", norm_sliced, INPUTS(X(3, 6), X(7), X(4)), NULL},
    {HNI_OP_LAYER_NORM, "rows inside of gates", norm_gates_first, INPUTS(X(3, 4, 5), X(4, 1, 5), X(4, 1, 5)), NULL},
    {HNI_OP_LAYER_NORM, "gain turned", norm_turned_gain, INPUTS(X(2, 3, 4), X(4, 3), X(4, 1)), NULL},
    {HNI_OP_LAYER_NORM, "gain is shift", norm_gain_is_shift, INPUTS(X(3, 4), X(4)), NULL},
    {HNI_OP_LAYER_NORM, "gain is a row of x", norm_of_itself, INPUTS(X(3, 4), X(4)), NULL},
    {HNI_OP_LAYER_NORM, "one gain twice", norm_twice, INPUTS(X(2, 5), X(5), X(5)), NULL},
    {HNI_OP_DROPOUT, "row-major", drop, INPUTS(X(2, 3, 7)), &row_major},
    {HNI_OP_DROPOUT, "cut window", drop, INPUTS(X(3, 7)), &cut_window},
    {HNI_OP_DROPOUT, "large base", drop, INPUTS(X(2, 7)), &large_base},
    {HNI_OP_DROPOUT, "one mask for all rows", drop, INPUTS(X(3, 9)), &shared_mask},
    {HNI_OP_DROPOUT, "nearly all kept", drop, INPUTS(X(3, 4)), &keep_nearly_all},
    {HNI_OP_DROPOUT, "x turned", drop_turned, INPUTS(X(4, 5)), &row_major},
    {HNI_OP_DROPOUT, "x turned in a cut window", drop_turned, INPUTS(X(7, 3)), &cut_window},
    {HNI_OP_DROPOUT, "beside x itself", drop_beside, INPUTS(X(3, 5)), &row_major},
    {HNI_OP_MUL, "dropout that keeps all is no op", drop_beside, INPUTS(X(3, 5)), &keep_all},
    {HNI_OP_LOOKUP, "rows", lookup, INPUTS(X(5, 4), INTEGERS(rows_of_five, 5)), NULL},
    {HNI_OP_LOOKUP, "indices [B,T]", lookup, INPUTS(X(5, 3), INTEGERS(rows_of_table, 2, 3)), NULL},
    {HNI_OP_LOOKUP, "one index", lookup, INPUTS(X(5, 4), INTEGERS(one_row, 1)), NULL},
    {HNI_OP_LOOKUP, "table of one number", lookup, INPUTS(X(1, 1), INTEGERS(zero, 1, 1)), NULL},
    {HNI_OP_LOOKUP, "a column of the indices", lookup_columns, INPUTS(X(5, 3), INTEGERS(rows_of_table, 2, 3)), NULL},
    {HNI_OP_LOOKUP, "indices at a stride", lookup_column_at_stride, INPUTS(X(5, 3), INTEGERS(rows_of_table, 2, 3)),
     NULL},
    {HNI_OP_LOOKUP, "table turned", lookup_turned_table, INPUTS(X(4, 5), INTEGERS(rows_of_five, 5)), NULL},
    {HNI_OP_LOOKUP, "table cut out", lookup_sliced_table, INPUTS(X(5, 4), INTEGERS(rows_of_five, 5)), NULL},
    {HNI_OP_LOOKUP, "one table twice", lookup_twice, INPUTS(X(5, 2), INTEGERS(rows_of_five, 5)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "rows", cross_entropy, INPUTS(X(4, 6), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "steps", cross_entropy, INPUTS(X(2, 2, 6), INTEGERS(targets, 2, 2), CONSTANT(2, 2)),
     NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "one row without a dimension", cross_entropy, INPUTS(X(6), ONE_TARGET, ONE_WEIGHT),
     NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "one symbol", cross_entropy,
     INPUTS(VANISHING(3, 1), INTEGERS(all_ended, 3), CONSTANT(3)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "smoothed", smoothed, INPUTS(X(4, 6), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "smoothed steps", smoothed,
     INPUTS(X(2, 2, 7), INTEGERS(targets, 2, 2), CONSTANT(2, 2)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "smoothed nearly flat", smoothed_nearly_flat,
     INPUTS(X(4, 6), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "smoothed, logits turned", smoothed_turned,
     INPUTS(X(6, 4), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "smoothed, one symbol", smoothed,
     INPUTS(VANISHING(3, 1), INTEGERS(all_ended, 3), CONSTANT(3)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "far", cross_entropy, INPUTS(SCALED(10, 4, 6), INTEGERS(targets, 4), CONSTANT(4)),
     NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "masked", cross_entropy_masked, INPUTS(X(2, 2, 6), INTEGERS(targets, 2, 2)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "logits turned", cross_entropy_turned,
     INPUTS(X(6, 4), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "logits cut out", cross_entropy_sliced,
     INPUTS(X(4, 8), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "of a product", cross_entropy_of_product,
     INPUTS(X(4, 3), X(6, 3), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_SOFTMAX_CROSS_ENTROPY, "beside the mean", cross_entropy_beside,
     INPUTS(X(4, 6), INTEGERS(targets, 4), CONSTANT(4)), NULL},
    {HNI_OP_WHERE_LENGTH, "first step", where_0, INPUTS(X(4, 5), X(4, 5), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "second step", where_1, INPUTS(X(4, 5), X(4, 5), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "all ended", where_0, INPUTS(VANISHING(4, 2), X(4, 2), INTEGERS(all_ended, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "none ended", where_1, INPUTS(X(4, 2), VANISHING(4, 2), INTEGERS(none_ended, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "one number a row", where_1, INPUTS(X(4), X(4), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "three dimensions", where_1, INPUTS(X(4, 2, 3), X(4, 2, 3), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "strided", where_turned, INPUTS(X(3, 4), X(4, 5), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "inner axes turned", where_inner_turned, INPUTS(X(4, 2, 3), X(4, 2, 3), INTEGERS(lengths, 4)),
     NULL},
    {HNI_OP_WHERE_LENGTH, "a tensor and itself", where_same, INPUTS(X(4, 3), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_WHERE_LENGTH, "overlapping slices", where_halves, INPUTS(X(4, 4), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "lengths from 0 to T", reverse, INPUTS(X(4, 3, 2), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "all lengths 0", reverse, INPUTS(X(4, 3, 2), INTEGERS(all_ended, 4)), NULL},
    {HNI_OP_REVERSE, "all lengths T", reverse, INPUTS(X(4, 3, 2), INTEGERS(none_ended, 4)), NULL},
    {HNI_OP_REVERSE, "one number a step", reverse, INPUTS(X(4, 3), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "four dimensions", reverse, INPUTS(X(4, 3, 2, 2), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "time first", reverse_outer_turned, INPUTS(X(3, 4, 2), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "cut out and turned", reverse_inner_turned, INPUTS(X(4, 18), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "tail turned", reverse_tail_turned, INPUTS(X(4, 3, 2, 2), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "beside itself", reverse_beside, INPUTS(X(4, 3, 2), INTEGERS(lengths, 4)), NULL},
    {HNI_OP_REVERSE, "there and back", reverse_twice, INPUTS(X(4, 3, 2), INTEGERS(lengths, 4)), NULL},
};

const hni_gradcheck_list hni_gradcheck_rows = HNI_GRADCHECK_LIST(cases);
