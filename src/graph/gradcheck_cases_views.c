/* Gradcheck cases of ops that move elements or add them up: copyless views (reshape, permute, slice), concat, pad, sum, mean. A view
 * alone would be checked by numbers only once, so most are squared or read again beside themselves. */
#include "graph/gradcheck_cases.h"

static const int swap[2] = {1, 0}, cycle[3] = {2, 0, 1}, inner[4] = {0, 2, 1, 3}, stay[2] = {0, 1};

/* ---- reshape ---- */

BUILD(flat, hn_reshape(g, x[0], HN_SHAPE1(24)))
BUILD(split, hn_reshape(g, x[0], HN_SHAPE4(2, 3, 2, 2)))
BUILD(merge, hn_reshape(g, x[0], HN_SHAPE2(6, 4)))
BUILD(with_ones, hn_reshape(g, x[0], HN_SHAPE4(1, 3, 1, 4)))
BUILD(to_scalar, hn_reshape(g, x[0], HN_SCALAR()))
BUILD(from_scalar, hn_reshape(g, x[0], HN_SHAPE2(1, 1)))
BUILD(of_slice, hn_reshape(g, hn_slice(g, x[0], 1, 1, 4), HN_SHAPE3(3, 2, 2)))
BUILD(of_permuted_view, hn_reshape(g, hn_permute(g, x[0], cycle), HN_SHAPE3(4, 3, 2)))
BUILD(of_permuted_copy, hn_reshape(g, hn_permute(g, x[0], cycle), HN_SHAPE2(8, 3)))
BUILD(beside_itself, hn_mul(g, hn_reshape(g, x[0], HN_SHAPE2(6, 2)), hn_reshape(g, x[0], HN_SHAPE2(6, 2))))

/* ---- permute ---- */

BUILD(turn, hn_permute(g, x[0], swap))
BUILD(cycled, hn_permute(g, x[0], cycle))
BUILD(inner_turn, hn_permute(g, x[0], inner))
BUILD(same_order, hn_permute(g, x[0], stay))
BUILD(turned_twice, hn_permute(g, hn_permute(g, x[0], swap), swap))
BUILD(turned_product, hn_mul(g, x[0], hn_permute(g, x[0], swap)))
BUILD(no_axes, hn_permute(g, x[0], swap))

/* ---- slice ---- */

BUILD(front, hn_slice(g, x[0], 0, 0, 2))
BUILD(middle, hn_slice(g, x[0], 1, 1, 2))
BUILD(last_axis, hn_slice(g, x[0], -1, 3, 1))
BUILD(whole, hn_slice(g, x[0], 1, 0, 4))
BUILD(of_one, hn_slice(g, x[0], 0, 0, 1))
BUILD(overlapping, hn_mul(g, hn_slice(g, x[0], 1, 0, 3), hn_slice(g, x[0], 1, 1, 3)))
BUILD(corner, hn_slice(g, hn_slice(g, x[0], 0, 1, 2), 1, 2, 2))

BUILD(every_second, hn_slice_step(g, x[0], 1, 0, 3, 2))
BUILD(every_third, hn_slice_step(g, x[0], -1, 1, 2, 3))
BUILD(step_of_one_element, hn_slice_step(g, x[0], 0, 2, 1, 100))
BUILD(pixels_apart, hn_slice_step(g, hn_slice_step(g, x[0], 2, 0, 2, 2), 3, 1, 2, 2))
BUILD(odd_and_even, hn_mul(g, hn_slice_step(g, x[0], 1, 0, 3, 2), hn_slice_step(g, x[0], 1, 1, 3, 2)))

/* A slice of a permute of a reshape, read together with the whole. */
static hn_tensor views_of_views(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor turned = hn_permute(g, hn_reshape(g, x[0], HN_SHAPE3(2, 3, 4)), cycle); /* [4,2,3] */
    const hn_tensor part = hn_slice(g, turned, 0, 1, 2);                                    /* [2,2,3] */
    return hn_mul(g, part, hn_reshape(g, hn_slice(g, x[0], 0, 6, 12), HN_SHAPE3(2, 2, 3)));
}

/* Four gates of one product, each with a function of its own. */
static hn_tensor gates(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor i = hn_sigmoid(g, hn_slice(g, x[0], 1, 0, 2)), c = hn_tanh(g, hn_slice(g, x[0], 1, 2, 2));
    const hn_tensor f = hn_sigmoid(g, hn_slice(g, x[0], 1, 4, 2)), o = hn_sigmoid(g, hn_slice(g, x[0], 1, 6, 2));
    return hn_mul(g, o, hn_mul_add(g, f, x[1], hn_mul(g, i, c)));
}

/* ---- concat ---- */

BUILD(two_last, hn_concat(g, x, 2, -1))
BUILD(three_first, hn_concat(g, x, 3, 0))
BUILD(two_middle, hn_concat(g, x, 2, 1))
BUILD(alone, hn_concat(g, x, 1, 0))

static hn_tensor strided_parts(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor parts[3] = {hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 2), x[1]};
    return hn_concat(g, parts, 3, 1);
}

static hn_tensor same_part(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor parts[4] = {x[0], x[1], x[0], hn_slice(g, x[0], 0, 0, 1)};
    return hn_concat(g, parts, 4, 0);
}

/* More parts than an unsigned has bits. */
static hn_tensor many_parts(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    hn_tensor parts[36];
    for (int i = 0; i < 36; i++)
        parts[i] = i == 35 ? x[1] : x[0];
    return hn_concat(g, parts, 36, 1);
}

/* ---- pad ---- */

static const int channels_second[4] = {0, 3, 1, 2};

BUILD(pad_first, hn_pad(g, x[0], 0, 1, 2))
BUILD(pad_middle, hn_pad(g, x[0], 1, 0, 3))
BUILD(pad_last, hn_pad(g, x[0], -1, 2, 0))
BUILD(pad_nothing, hn_pad(g, x[0], 0, 0, 0))
BUILD(pad_channels, hn_pad(g, hn_permute(g, x[0], channels_second), 1, 0, 2))
BUILD(pad_turned, hn_pad(g, hn_permute(g, x[0], swap), 0, 1, 1))
BUILD(pad_gaps, hn_pad(g, hn_slice_step(g, x[0], 1, 0, 3, 2), 1, 1, 1))
BUILD(pad_beside, hn_mul(g, hn_pad(g, x[0], 1, 1, 0), hn_pad(g, x[0], 1, 0, 1)))

/* The shortcut of a residual network: every second pixel, new channels zero. */
static hn_tensor pad_shortcut(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor images = hn_permute(g, x[0], channels_second);
    const hn_tensor rows = hn_slice_step(g, images, 2, 0, 2, 2), pixels = hn_slice_step(g, rows, 3, 0, 2, 2);
    return hn_pad(g, pixels, 1, 0, 2);
}

/* ---- sum and mean ---- */

BUILD(sum_all, hn_sum(g, x[0], HN_ALL_AXES, false))
BUILD(sum_all_kept, hn_sum(g, x[0], HN_ALL_AXES, true))
BUILD(sum_last, hn_sum(g, x[0], HN_AXIS(2), false))
BUILD(sum_first_kept, hn_sum(g, x[0], HN_AXIS(0), true))
BUILD(sum_middle, hn_sum(g, x[0], HN_AXIS(1), false))
BUILD(sum_outer, hn_sum(g, x[0], HN_AXIS(0) | HN_AXIS(2), false))
BUILD(sum_none, hn_sum(g, x[0], 0, false))
BUILD(sum_strided, hn_sum(g, hn_slice(g, hn_permute(g, x[0], cycle), 2, 1, 2), HN_AXIS(1), false))
BUILD(sum_of_squares, hn_sum(g, hn_mul(g, x[0], x[0]), HN_AXIS(0), false))
BUILD(mean_all, hn_mean(g, x[0], HN_ALL_AXES, false))
BUILD(mean_all_kept, hn_mean(g, x[0], HN_ALL_AXES, true))
BUILD(mean_last, hn_mean(g, x[0], HN_AXIS(2), false))
BUILD(mean_first_kept, hn_mean(g, x[0], HN_AXIS(0), true))
BUILD(mean_middle, hn_mean(g, x[0], HN_AXIS(1), false))
BUILD(mean_outer, hn_mean(g, x[0], HN_AXIS(0) | HN_AXIS(2), true))
BUILD(mean_none, hn_mean(g, x[0], 0, false))
BUILD(mean_strided, hn_mean(g, hn_slice(g, hn_permute(g, x[0], cycle), 2, 1, 2), HN_AXIS(1), false))

/* clang-format off */
#define REDUCTIONS(op, name)                                               \
    {op, "all axes", name##_all, INPUTS(X(2, 3, 4)), NULL},                \
    {op, "all axes, kept", name##_all_kept, INPUTS(X(2, 3, 4)), NULL},     \
    {op, "scalar", name##_all, INPUTS(SCALAR), NULL},                      \
    {op, "sizes of one", name##_last, INPUTS(X(1, 1, 1)), NULL},           \
    {op, "last axis", name##_last, INPUTS(X(2, 3, 5)), NULL},              \
    {op, "first axis, kept", name##_first_kept, INPUTS(X(3, 2, 2)), NULL}, \
    {op, "middle axis", name##_middle, INPUTS(X(2, 3, 4)), NULL},          \
    {op, "outer axes", name##_outer, INPUTS(X(2, 3, 4)), NULL},            \
    {op, "no axis", name##_none, INPUTS(X(2, 3)), NULL},                   \
    {op, "strided", name##_strided, INPUTS(X(3, 4, 2)), NULL}
/* clang-format on */

static const hni_gradcheck_case cases[] = {
    {HNI_OP_RESHAPE, "to one dimension", flat, INPUTS(X(2, 3, 4)), NULL},
    {HNI_OP_RESHAPE, "a dimension split", split, INPUTS(X(2, 3, 4)), NULL},
    {HNI_OP_RESHAPE, "dimensions merged", merge, INPUTS(X(2, 3, 4)), NULL},
    {HNI_OP_RESHAPE, "sizes of one put in", with_ones, INPUTS(X(3, 4)), NULL},
    {HNI_OP_RESHAPE, "to a scalar", to_scalar, INPUTS(X(1, 1)), NULL},
    {HNI_OP_RESHAPE, "from a scalar", from_scalar, INPUTS(SCALAR), NULL},
    {HNI_OP_RESHAPE, "of a slice", of_slice, INPUTS(X(3, 6)), NULL},
    {HNI_OP_RESHAPE, "of a permute, as a view", of_permuted_view, INPUTS(X(3, 2, 4)), NULL},
    {HNI_OP_RESHAPE, "of a permute, as a copy", of_permuted_copy, INPUTS(X(2, 3, 4)), NULL},
    {HNI_OP_RESHAPE, "twice beside itself", beside_itself, INPUTS(X(3, 4)), NULL},
    {HNI_OP_PERMUTE, "two axes", turn, INPUTS(X(3, 4)), NULL},
    {HNI_OP_PERMUTE, "three axes", cycled, INPUTS(X(2, 3, 4)), NULL},
    {HNI_OP_PERMUTE, "inner axes", inner_turn, INPUTS(X(2, 3, 2, 2)), NULL},
    {HNI_OP_PERMUTE, "nothing", same_order, INPUTS(X(2, 3)), NULL},
    {HNI_OP_PERMUTE, "there and back", turned_twice, INPUTS(X(2, 3)), NULL},
    {HNI_OP_PERMUTE, "beside itself", turned_product, INPUTS(X(3, 3)), NULL},
    {HNI_OP_PERMUTE, "sizes of one", turn, INPUTS(X(1, 5)), NULL},
    {HNI_OP_PERMUTE, "a scalar", no_axes, INPUTS(SCALAR), NULL},
    {HNI_OP_SLICE, "first axis", front, INPUTS(X(3, 4)), NULL},
    {HNI_OP_SLICE, "middle axis", middle, INPUTS(X(2, 4, 3)), NULL},
    {HNI_OP_SLICE, "last axis", last_axis, INPUTS(X(2, 3, 4)), NULL},
    {HNI_OP_SLICE, "everything", whole, INPUTS(X(3, 4)), NULL},
    {HNI_OP_SLICE, "a size of one", of_one, INPUTS(X(1, 3)), NULL},
    {HNI_OP_SLICE, "overlapping", overlapping, INPUTS(X(3, 4)), NULL},
    {HNI_OP_SLICE, "slice of a slice", corner, INPUTS(X(4, 5)), NULL},
    {HNI_OP_SLICE, "slice of a permute of a reshape", views_of_views, INPUTS(X(24)), NULL},
    {HNI_OP_SLICE, "every second", every_second, INPUTS(X(3, 6)), NULL},
    {HNI_OP_SLICE, "every third of an odd number", every_third, INPUTS(X(2, 2, 7)), NULL},
    {HNI_OP_SLICE, "one element, a long step", step_of_one_element, INPUTS(X(4, 3)), NULL},
    {HNI_OP_SLICE, "every second pixel", pixels_apart, INPUTS(X(2, 2, 4, 4)), NULL},
    {HNI_OP_SLICE, "the odd by the even", odd_and_even, INPUTS(X(2, 6)), NULL},
    {HNI_OP_SLICE, "four gates", gates, INPUTS(X(3, 8), X(3, 2)), NULL},
    {HNI_OP_CONCAT, "last axis", two_last, INPUTS(X(2, 3), X(2, 1)), NULL},
    {HNI_OP_CONCAT, "first axis", three_first, INPUTS(X(2, 3), X(1, 3), X(3, 3)), NULL},
    {HNI_OP_CONCAT, "middle axis", two_middle, INPUTS(X(2, 3, 2), X(2, 1, 2)), NULL},
    {HNI_OP_CONCAT, "one part", alone, INPUTS(X(5)), NULL},
    {HNI_OP_CONCAT, "strided parts", strided_parts, INPUTS(X(2, 3), X(3, 4)), NULL},
    {HNI_OP_CONCAT, "one part several times", same_part, INPUTS(X(2, 3), X(1, 3)), NULL},
    {HNI_OP_CONCAT, "many parts", many_parts, INPUTS(X(2, 1), X(2, 3)), NULL},
    {HNI_OP_PAD, "first axis", pad_first, INPUTS(X(3, 4)), NULL},
    {HNI_OP_PAD, "middle axis", pad_middle, INPUTS(X(2, 3, 2)), NULL},
    {HNI_OP_PAD, "last axis", pad_last, INPUTS(X(2, 3, 5)), NULL},
    {HNI_OP_PAD, "by nothing", pad_nothing, INPUTS(X(3, 2)), NULL},
    {HNI_OP_PAD, "a size of one", pad_first, INPUTS(X(1, 1)), NULL},
    {HNI_OP_PAD, "channels of images", pad_channels, INPUTS(X(2, 2, 3, 3)), NULL},
    {HNI_OP_PAD, "x turned", pad_turned, INPUTS(X(3, 4)), NULL},
    {HNI_OP_PAD, "x with gaps", pad_gaps, INPUTS(X(2, 6)), NULL},
    {HNI_OP_PAD, "beside itself", pad_beside, INPUTS(X(2, 3)), NULL},
    {HNI_OP_PAD, "shortcut", pad_shortcut, INPUTS(X(2, 3, 4, 3)), NULL},
    REDUCTIONS(HNI_OP_SUM, sum),
    {HNI_OP_SUM, "of squares", sum_of_squares, INPUTS(X(5, 3)), NULL},
    REDUCTIONS(HNI_OP_MEAN, mean),
};

const hni_gradcheck_list hni_gradcheck_views = HNI_GRADCHECK_LIST(cases);
