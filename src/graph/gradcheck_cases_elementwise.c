/* Gradcheck cases of the element-wise ops: add, sub, mul, div, mul_add, scale, copy, sigmoid, tanh, relu, with every way of
 * broadcasting, strided inputs, and one tensor in several places. */
#include "graph/gradcheck_cases.h"

static const int swap[2] = {1, 0};

BUILD(add, hn_add(g, x[0], x[1]))
BUILD(sub, hn_sub(g, x[0], x[1]))
BUILD(mul, hn_mul(g, x[0], x[1]))
BUILD(div_, hn_div(g, x[0], x[1]))
BUILD(mul_add, hn_mul_add(g, x[0], x[1], x[2]))

/* a turned round, b cut out of a larger tensor. */
BUILD(add_strided, hn_add(g, hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 3)))
BUILD(sub_strided, hn_sub(g, hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 3)))
BUILD(mul_strided, hn_mul(g, hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 3)))
BUILD(div_strided, hn_div(g, hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 3)))
BUILD(mul_add_strided, hn_mul_add(g, hn_permute(g, x[0], swap), hn_slice(g, x[1], 1, 1, 3), hn_slice(g, x[2], 0, 2, 1)))

/* The same tensor as every input, whole or in part. */
BUILD(add_self, hn_add(g, x[0], x[0]))
BUILD(sub_self, hn_sub(g, x[0], hn_permute(g, x[0], swap)))
BUILD(mul_self, hn_mul(g, x[0], x[0]))
BUILD(mul_row_of_self, hn_mul(g, x[0], hn_slice(g, x[0], 0, 1, 1)))
BUILD(div_self, hn_div(g, hn_slice(g, x[0], 1, 0, 3), hn_slice(g, x[0], 1, 1, 3)))
BUILD(mul_add_self, hn_mul_add(g, x[0], x[0], x[0]))

/* x is read by four ops, the first and the last of them the same. */
static hn_tensor many_uses(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor square = hn_mul(g, x[0], x[0]);
    const hn_tensor both = hn_add(g, hn_tanh(g, x[0]), square);
    return hn_mul(g, both, x[0]);
}

BUILD(scale, hn_scale(g, x[0], -2.5, 0.75))
BUILD(scale_strided, hn_scale(g, hn_permute(g, hn_slice(g, x[0], 1, 1, 2), swap), 3, 0))
BUILD(copy, hn_copy(g, x[0]))
BUILD(copy_strided, hn_copy(g, hn_permute(g, hn_slice(g, x[0], 0, 1, 2), swap)))
BUILD(sigmoid, hn_sigmoid(g, x[0]))
BUILD(sigmoid_strided, hn_sigmoid(g, hn_permute(g, x[0], swap)))
BUILD(tanh_, hn_tanh(g, x[0]))
BUILD(tanh_strided, hn_tanh(g, hn_slice(g, x[0], 1, 2, 2)))
BUILD(relu, hn_relu(g, x[0]))
BUILD(relu_strided, hn_relu(g, hn_permute(g, x[0], swap)))

/* clang-format off */
#define BROADCASTS(op, build)                                                             \
    {op, "same shape", build, INPUTS(X(3, 7), X(3, 7)), NULL},                            \
    {op, "b a row", build, INPUTS(X(3, 7), X(7)), NULL},                                  \
    {op, "a a row", build, INPUTS(X(7), X(3, 7)), NULL},                                  \
    {op, "b a column", build, INPUTS(X(3, 7), X(3, 1)), NULL},                            \
    {op, "both broadcast", build, INPUTS(X(2, 1, 5), X(4, 1)), NULL},                     \
    {op, "b in the middle", build, INPUTS(X(2, 3, 4, 2), X(3, 1, 2)), NULL},              \
    {op, "b a scalar", build, INPUTS(X(3, 5), SCALAR), NULL},                             \
    {op, "a a scalar", build, INPUTS(SCALAR, X(3, 5)), NULL},                             \
    {op, "two scalars", build, INPUTS(SCALAR, SCALAR), NULL},                             \
    {op, "sizes of one", build, INPUTS(X(1, 1), X(1)), NULL},                             \
    {op, "six dimensions", build, INPUTS(X(2, 1, 2, 1, 2, 1), X(2, 2, 1, 1, 2, 3)), NULL}

#define UNARY(op, build)                                   \
    {op, "odd sizes", build, INPUTS(X(3, 7)), NULL},       \
    {op, "scalar", build, INPUTS(SCALAR), NULL},           \
    {op, "sizes of one", build, INPUTS(X(1, 1, 1)), NULL}, \
    {op, "long", build, INPUTS(X(67)), NULL}
/* clang-format on */

static const hni_gradcheck_case cases[] = {
    BROADCASTS(HNI_OP_ADD, add),
    {HNI_OP_ADD, "strided", add_strided, INPUTS(X(3, 4), X(4, 5)), NULL},
    {HNI_OP_ADD, "a tensor with itself", add_self, INPUTS(X(3, 4)), NULL},
    BROADCASTS(HNI_OP_SUB, sub),
    {HNI_OP_SUB, "strided", sub_strided, INPUTS(X(3, 4), X(4, 5)), NULL},
    {HNI_OP_SUB, "a tensor with itself turned", sub_self, INPUTS(X(3, 3)), NULL},
    BROADCASTS(HNI_OP_MUL, mul),
    {HNI_OP_MUL, "strided", mul_strided, INPUTS(X(3, 4), X(4, 5)), NULL},
    {HNI_OP_MUL, "a tensor with itself", mul_self, INPUTS(X(3, 4)), NULL},
    {HNI_OP_MUL, "a tensor with one of its rows", mul_row_of_self, INPUTS(X(3, 4)), NULL},
    {HNI_OP_MUL, "many uses", many_uses, INPUTS(X(3, 4)), NULL},
    BROADCASTS(HNI_OP_DIV, div_),
    {HNI_OP_DIV, "strided", div_strided, INPUTS(X(3, 4), X(4, 5)), NULL},
    {HNI_OP_DIV, "overlapping slices of one tensor", div_self, INPUTS(X(3, 4)), NULL},
    {HNI_OP_MUL_ADD, "same shape", mul_add, INPUTS(X(3, 7), X(3, 7), X(3, 7)), NULL},
    {HNI_OP_MUL_ADD, "rows", mul_add, INPUTS(X(3, 4, 5), X(4, 5), X(5)), NULL},
    {HNI_OP_MUL_ADD, "each broadcast", mul_add, INPUTS(X(3, 1), X(7), X(2, 1, 1)), NULL},
    {HNI_OP_MUL_ADD, "gates and a column", mul_add, INPUTS(X(4, 2, 3), X(2, 1), X(4, 1, 3)), NULL},
    {HNI_OP_MUL_ADD, "scalars", mul_add, INPUTS(SCALAR, X(3), SCALAR), NULL},
    {HNI_OP_MUL_ADD, "sizes of one", mul_add, INPUTS(X(1), X(1, 1), X(1)), NULL},
    {HNI_OP_MUL_ADD, "strided", mul_add_strided, INPUTS(X(3, 4), X(4, 5), X(3, 3)), NULL},
    {HNI_OP_MUL_ADD, "one tensor three times", mul_add_self, INPUTS(X(3, 4)), NULL},
    UNARY(HNI_OP_SCALE, scale),
    {HNI_OP_SCALE, "strided", scale_strided, INPUTS(X(3, 4)), NULL},
    UNARY(HNI_OP_COPY, copy),
    {HNI_OP_COPY, "strided", copy_strided, INPUTS(X(4, 3)), NULL},
    UNARY(HNI_OP_SIGMOID, sigmoid),
    {HNI_OP_SIGMOID, "far", sigmoid, INPUTS(SCALED(8, 3, 5)), NULL},
    {HNI_OP_SIGMOID, "strided", sigmoid_strided, INPUTS(X(3, 4)), NULL},
    UNARY(HNI_OP_TANH, tanh_),
    {HNI_OP_TANH, "far", tanh_, INPUTS(SCALED(8, 3, 5)), NULL},
    {HNI_OP_TANH, "strided", tanh_strided, INPUTS(X(3, 5)), NULL},
    {HNI_OP_RELU, "odd sizes", relu, INPUTS(X(3, 7)), NULL},
    {HNI_OP_RELU, "four numbers", relu, INPUTS(X(1, 4, 1)), NULL},
    {HNI_OP_RELU, "long", relu, INPUTS(X(67)), NULL},
    {HNI_OP_RELU, "strided", relu_strided, INPUTS(X(3, 4)), NULL},
};

const hni_gradcheck_list hni_gradcheck_elementwise = HNI_GRADCHECK_LIST(cases);
