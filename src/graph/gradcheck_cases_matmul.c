/* Gradcheck cases of matmul: every transpose with plain, batched, broadcast, size-1, odd and strided matrices. */
#include "graph/gradcheck_cases.h"

static const int swap[2] = {1, 0}, cycle[3] = {2, 0, 1}, outer_swap[3] = {1, 0, 2};

BUILD(nn, hn_matmul(g, x[0], x[1], HN_TRANSPOSE_NONE))
BUILD(tn, hn_matmul(g, x[0], x[1], HN_TRANSPOSE_A))
BUILD(nt, hn_matmul(g, x[0], x[1], HN_TRANSPOSE_B))
BUILD(tt, hn_matmul(g, x[0], x[1], HN_TRANSPOSE_AB))

/* Views: a transposed by permute, a cut out of a wider matrix, matrices whose batch lies inside, every second row. */
BUILD(permuted_a, hn_matmul(g, hn_permute(g, x[0], swap), x[1], HN_TRANSPOSE_NONE))
BUILD(permuted_b, hn_matmul(g, x[0], hn_permute(g, x[1], swap), HN_TRANSPOSE_NONE))
BUILD(permuted_twice, hn_matmul(g, hn_permute(g, x[0], swap), hn_permute(g, x[1], swap), HN_TRANSPOSE_AB))
BUILD(columns_of_a, hn_matmul(g, hn_slice(g, x[0], 1, 2, 3), x[1], HN_TRANSPOSE_B))
BUILD(columns_of_b, hn_matmul(g, x[0], hn_slice(g, x[1], 1, 1, 4), HN_TRANSPOSE_NONE))
BUILD(columns_of_b_turned, hn_matmul(g, x[0], hn_slice(g, x[1], -1, 1, 3), HN_TRANSPOSE_B))
BUILD(inner_batch, hn_matmul(g, hn_permute(g, x[0], outer_swap), x[1], HN_TRANSPOSE_B))
BUILD(batch_last, hn_matmul(g, hn_permute(g, x[0], cycle), x[1], HN_TRANSPOSE_NONE))
BUILD(batch_last_b, hn_matmul(g, x[0], hn_permute(g, x[1], cycle), HN_TRANSPOSE_NONE))
BUILD(one_column, hn_matmul(g, hn_slice(g, x[0], 1, 1, 1), hn_slice(g, x[1], 0, 2, 1), HN_TRANSPOSE_NONE))

static hn_tensor every_second_row(hn_graph *g, const hn_tensor *x, const void *user)
{
    (void)user;
    const hn_tensor pairs = hn_slice(g, hn_reshape(g, x[0], HN_SHAPE3(3, 2, 4)), 1, 0, 1);
    return hn_matmul(g, hn_reshape(g, pairs, HN_SHAPE2(3, 4)), x[1], HN_TRANSPOSE_NONE);
}

BUILD(square, hn_matmul(g, x[0], x[0], HN_TRANSPOSE_NONE))
BUILD(gram, hn_matmul(g, x[0], x[0], HN_TRANSPOSE_B))
BUILD(two_slices, hn_matmul(g, hn_slice(g, x[0], 1, 0, 3), hn_slice(g, x[0], 1, 2, 3), HN_TRANSPOSE_B))

/* One matrix for three steps, as a recurrent weight is. */
static hn_tensor chain(hn_graph *g, const hn_tensor *x, const void *user)
{
    hn_tensor h = x[0];
    (void)user;
    for (int i = 0; i < 3; i++)
        h = hn_matmul(g, h, x[1], HN_TRANSPOSE_B);
    return h;
}

#define OP HNI_OP_MATMUL
static const hni_gradcheck_case cases[] = {
    {OP, "plain", nn, INPUTS(X(3, 5), X(5, 4)), NULL},
    {OP, "a turned", tn, INPUTS(X(5, 3), X(5, 4)), NULL},
    {OP, "b turned", nt, INPUTS(X(3, 5), X(4, 5)), NULL},
    {OP, "both turned", tt, INPUTS(X(5, 3), X(4, 5)), NULL},
    {OP, "batched", nn, INPUTS(X(2, 3, 5), X(2, 5, 4)), NULL},
    {OP, "batched, a turned", tn, INPUTS(X(2, 5, 3), X(2, 5, 4)), NULL},
    {OP, "batched, b turned", nt, INPUTS(X(2, 3, 5), X(2, 4, 5)), NULL},
    {OP, "batched, both turned", tt, INPUTS(X(2, 5, 3), X(2, 4, 5)), NULL},
    {OP, "one b for all", nn, INPUTS(X(2, 3, 5), X(5, 4)), NULL},
    {OP, "one b for all, a turned", tn, INPUTS(X(2, 5, 3), X(5, 4)), NULL},
    {OP, "one b for all, b turned", nt, INPUTS(X(2, 3, 5), X(4, 5)), NULL},
    {OP, "one b for all, both turned", tt, INPUTS(X(2, 5, 3), X(4, 5)), NULL},
    {OP, "one a for all", nn, INPUTS(X(3, 5), X(2, 5, 4)), NULL},
    {OP, "one a for all, a turned", tn, INPUTS(X(5, 3), X(2, 5, 4)), NULL},
    {OP, "one a for all, b turned", nt, INPUTS(X(3, 5), X(2, 4, 5)), NULL},
    {OP, "one a for all, both turned", tt, INPUTS(X(5, 3), X(2, 4, 5)), NULL},
    {OP, "both broadcast", nn, INPUTS(X(2, 1, 3, 4), X(3, 4, 2)), NULL},
    {OP, "both broadcast, a turned", tn, INPUTS(X(2, 1, 4, 3), X(3, 4, 2)), NULL},
    {OP, "both broadcast, b turned", nt, INPUTS(X(2, 1, 3, 4), X(3, 2, 4)), NULL},
    {OP, "both broadcast, both turned", tt, INPUTS(X(1, 3, 4, 3), X(2, 1, 2, 4)), NULL},
    {OP, "broadcast inside", nn, INPUTS(X(2, 1, 2, 3, 4), X(2, 3, 1, 4, 2)), NULL},
    {OP, "leading ones", nn, INPUTS(X(1, 3, 5), X(1, 1, 5, 4)), NULL},
    {OP, "one number", nn, INPUTS(X(1, 1), X(1, 1)), NULL},
    {OP, "one number, both turned", tt, INPUTS(X(1, 1, 1), X(1, 1)), NULL},
    {OP, "row times column", nn, INPUTS(X(1, 7), X(7, 1)), NULL},
    {OP, "column times row", nn, INPUTS(X(7, 1), X(1, 3)), NULL},
    {OP, "column times row, turned", tt, INPUTS(X(1, 7), X(3, 1)), NULL},
    {OP, "one row a sample", nt, INPUTS(X(3, 1, 4), X(3, 5, 4)), NULL},
    {OP, "odd sizes", nn, INPUTS(X(7, 13), X(13, 11)), NULL},
    {OP, "a permuted", permuted_a, INPUTS(X(5, 3), X(5, 4)), NULL},
    {OP, "b permuted", permuted_b, INPUTS(X(3, 5), X(4, 5)), NULL},
    {OP, "both permuted and turned", permuted_twice, INPUTS(X(3, 5), X(5, 4)), NULL},
    {OP, "columns of a", columns_of_a, INPUTS(X(4, 7), X(2, 3)), NULL},
    {OP, "columns of b", columns_of_b, INPUTS(X(2, 3), X(3, 6)), NULL},
    {OP, "columns of b, turned", columns_of_b_turned, INPUTS(X(2, 3), X(4, 5)), NULL},
    {OP, "batch inside of a", inner_batch, INPUTS(X(3, 2, 5), X(2, 4, 5)), NULL},
    {OP, "batch inside of a, one b", inner_batch, INPUTS(X(3, 2, 5), X(4, 5)), NULL},
    {OP, "batch last in a", batch_last, INPUTS(X(3, 4, 2), X(2, 4, 5)), NULL},
    {OP, "batch last in a, one b", batch_last, INPUTS(X(3, 4, 2), X(4, 5)), NULL},
    {OP, "batch last in b", batch_last_b, INPUTS(X(2, 3, 4), X(4, 5, 2)), NULL},
    {OP, "batch last in b, one a", batch_last_b, INPUTS(X(3, 4), X(4, 5, 2)), NULL},
    {OP, "one column of a, one row of b", one_column, INPUTS(X(4, 3), X(4, 5)), NULL},
    {OP, "every second row", every_second_row, INPUTS(X(6, 4), X(4, 3)), NULL},
    {OP, "a square", square, INPUTS(X(4, 4)), NULL},
    {OP, "a matrix with itself turned", gram, INPUTS(X(3, 4)), NULL},
    {OP, "overlapping slices of one matrix", two_slices, INPUTS(X(3, 5)), NULL},
    {OP, "one matrix three times", chain, INPUTS(X(2, 4), X(4, 4)), NULL},
};

const hni_gradcheck_list hni_gradcheck_matmul = HNI_GRADCHECK_LIST(cases);
