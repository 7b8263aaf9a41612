/* Cases of packed matrices, in each type of storage; see kernel_cases.h. The variant of a case is the storage; F32 stands for the
 * table's own type. */
#include "kernel_cases.h"

#include <math.h>

/* A matrix [rows,columns] packed on both sides from two views, cut at `cut`. */
typedef struct packed_pair {
    hni_packed side[KERNEL_SIDES];
    int64_t cut;
    kernel_pair above, below;
} packed_pair;

static packed_pair packed_create(kernel_match *match, int64_t rows, int64_t columns, kernel_values values)
{
    packed_pair pair = {.cut = 1 + kernel_random(match, rows)};
    const hn_dtype variant = (hn_dtype)match->row->variant;
    pair.above = kernel_pair_create(match, HN_SHAPE2(pair.cut, columns), KERNEL_GAPS, values);
    pair.below =
        kernel_pair_create(match, HN_SHAPE2(rows - pair.cut > 0 ? rows - pair.cut : 1, columns), KERNEL_GAPS, values);
    for (int s = 0; s < KERNEL_SIDES; s++) {
        const hni_kernels *k = match->kernels[s];
        kernel_bench *bench = &match->bench[s];
        hni_packed *packed = &pair.side[s];
        size_t size;
        *packed = (hni_packed){variant == HN_DTYPE_F32 ? k->dtype : variant, rows, columns, NULL};
        kernel_ok(bench, k->pack_size(&bench->exec, packed->storage, HN_SHAPE2(rows, columns), &size));
        kernel_ok(bench, k->allocate(bench->context, "packed", size, &packed->data));
        if (pair.cut < rows) kernel_ok(bench, k->pack(&bench->exec, &pair.below.side[s].view, pair.cut, packed));
        kernel_ok(bench, k->pack(&bench->exec, &pair.above.side[s].view, 0, packed));
    }
    return pair;
}

static void packed_destroy(kernel_match *match, packed_pair *pair)
{
    for (int s = 0; s < KERNEL_SIDES; s++)
        match->kernels[s]->release(match->bench[s].context, pair->side[s].data);
    kernel_pair_destroy(&pair->above);
    kernel_pair_destroy(&pair->below);
}

static void run_unpack(kernel_match *match)
{
    for (int repetition = 0; repetition < 60; repetition++) {
        const int64_t rows = kernel_random_size(match, 300), columns = kernel_random_size(match, 100);
        packed_pair pair = packed_create(match, rows, columns, repetition % 2 == 0 ? KERNEL_NORMAL : KERNEL_SPECIAL);
        const int64_t first = kernel_random(match, rows);
        kernel_pair out = kernel_pair_create(match, HN_SHAPE2(rows - first, columns), KERNEL_GAPS, KERNEL_NORMAL);
        for (int s = 0; s < KERNEL_SIDES; s++)
            kernel_ok(&match->bench[s],
                      match->kernels[s]->unpack(&match->bench[s].exec, &pair.side[s], first, &out.side[s].view));
        kernel_pair_match(match, &out, "out", 0);
        kernel_pair_destroy(&out);
        packed_destroy(match, &pair);
    }
}

static void multiply_both(kernel_match *match, const packed_pair *w, const kernel_pair *x, kernel_pair *out,
                          bool accumulate)
{
    for (int s = 0; s < KERNEL_SIDES; s++)
        kernel_ok(&match->bench[s],
                  match->kernels[s]->packed_multiply(&match->bench[s].exec, &w->side[s], &x->side[s].view,
                                                     &out->side[s].view, accumulate));
}

static void run_multiply(kernel_match *match)
{
    for (int repetition = 0; repetition < 60; repetition++) {
        const int64_t rows = kernel_random_size(match, 500), columns = kernel_random_size(match, 1023);
        const int64_t batch = 1 + kernel_random(match, 15);
        packed_pair w = packed_create(match, rows, columns, KERNEL_NORMAL);
        kernel_pair x = kernel_pair_create(match, HN_SHAPE2(batch, columns), KERNEL_LINES, KERNEL_NORMAL);
        kernel_pair out = kernel_pair_create(match, HN_SHAPE2(batch, rows), KERNEL_LINES, KERNEL_NORMAL);
        multiply_both(match, &w, &x, &out, repetition % 2 == 1);
        kernel_pair_match(match, &out, "out", sqrt((double)columns));
        kernel_pair_destroy(&x);
        kernel_pair_destroy(&out);
        packed_destroy(match, &w);
    }
}

/* Sums of the largest numbers that int8 and 16 bits can hold, all of one sign. */
static void run_largest(kernel_match *match)
{
    for (int64_t columns = 511; columns < 4000; columns = columns * 2 + 1) {
        packed_pair w = packed_create(match, 65, columns, KERNEL_NORMAL);
        kernel_pair x = kernel_pair_create(match, HN_SHAPE2(7, columns), KERNEL_DENSE, KERNEL_NORMAL);
        kernel_pair out = kernel_pair_create(match, HN_SHAPE2(7, 65), KERNEL_DENSE, KERNEL_NORMAL);
        kernel_pair_fill(&w.above, -1);
        kernel_pair_fill(&x, 3);
        for (int s = 0; s < KERNEL_SIDES; s++)
            kernel_ok(&match->bench[s],
                      match->kernels[s]->pack(&match->bench[s].exec, &w.above.side[s].view, 0, &w.side[s]));
        multiply_both(match, &w, &x, &out, false);
        assert_close(kernel_tensor_get(&out.side[KERNEL_TESTED], 0), -3.0 * (double)columns, 2e-6, 0);
        kernel_pair_match(match, &out, "out", 0);
        kernel_pair_destroy(&x);
        kernel_pair_destroy(&out);
        packed_destroy(match, &w);
    }
}

/* A NaN or an infinity in x reaches every product of its row and no other row; one in W reaches all products with its row of W. */
static void run_nonfinite(kernel_match *match)
{
    static const double bad[] = {KERNEL_NAN, KERNEL_INFINITY, -KERNEL_INFINITY};
    for (int repetition = 0; repetition < 12; repetition++) {
        const int64_t rows = 1 + kernel_random(match, 150), columns = 1 + kernel_random(match, 30);
        packed_pair w = packed_create(match, rows, columns, KERNEL_AWAY);
        kernel_pair x = kernel_pair_create(match, HN_SHAPE2(8, columns), KERNEL_DENSE, KERNEL_AWAY);
        kernel_pair out = kernel_pair_create(match, HN_SHAPE2(8, rows), KERNEL_DENSE, KERNEL_NORMAL);
        const int64_t row = kernel_random(match, 8);
        kernel_pair_set(&x, row * columns + kernel_random(match, columns), bad[repetition % 3]);
        multiply_both(match, &w, &x, &out, false);
        for (int64_t i = 0; i < 8 * rows; i++)
            for (int s = 0; s < KERNEL_SIDES; s++)
                assert_true(isfinite(kernel_tensor_get(&out.side[s], i)) == (i / rows != row));
        kernel_pair_fill(&x, 1);
        kernel_pair_set(&w.above, w.above.side[0].count - 1, bad[repetition % 3]); /* its last row */
        for (int s = 0; s < KERNEL_SIDES; s++)
            kernel_ok(&match->bench[s],
                      match->kernels[s]->pack(&match->bench[s].exec, &w.above.side[s].view, 0, &w.side[s]));
        multiply_both(match, &w, &x, &out, false);
        int64_t struck = 0;
        for (int64_t i = 0; i < 8 * rows; i++) {
            const bool is_finite = isfinite(kernel_tensor_get(&out.side[KERNEL_TRUTH], i));
            assert_true(isfinite(kernel_tensor_get(&out.side[KERNEL_TESTED], i)) == is_finite);
            struck += !is_finite;
        }
        assert_int_equal(struck, 8);
        kernel_pair_destroy(&x);
        kernel_pair_destroy(&out);
        packed_destroy(match, &w);
    }
}

/* The same bytes for any number of threads, and for a row of x alone, in any place and beside others. */
static void run_same(kernel_match *match)
{
    enum { ROWS = 1200, COLUMNS = 300, BATCH = 13 };
    const hni_kernels *k = match->kernels[KERNEL_TESTED];
    kernel_bench *bench = &match->bench[KERNEL_TESTED];
    packed_pair w = packed_create(match, ROWS, COLUMNS, KERNEL_NORMAL);
    kernel_pair x = kernel_pair_create(match, HN_SHAPE2(BATCH, COLUMNS), KERNEL_DENSE, KERNEL_NORMAL);
    kernel_tensor all = kernel_tensor_create(HN_DTYPE_F32, HN_SHAPE2(BATCH, ROWS)),
                  some = kernel_tensor_create(HN_DTYPE_F32, HN_SHAPE2(BATCH, ROWS));
    const hni_view whole = x.side[KERNEL_TESTED].view;
    kernel_ok(bench, k->packed_multiply(&bench->exec, &w.side[KERNEL_TESTED], &whole, &all.view, false));
    for (int threads = 1; threads <= 5; threads += 2) {
        bench->exec.threads = threads;
        for (int64_t count = 1; count <= BATCH; count++) {
            hni_view part = whole, out = some.view;
            part.size[0] = out.size[0] = count;
            part.data = hni_view_at(&whole, (BATCH - count) * COLUMNS);
            kernel_ok(bench, k->packed_multiply(&bench->exec, &w.side[KERNEL_TESTED], &part, &out, false));
            assert_memory_equal(some.storage, (float *)all.storage + (BATCH - count) * ROWS,
                                (size_t)(count * ROWS) * sizeof(float));
        }
    }
    bench->exec.threads = match->threads;
    kernel_tensor_destroy(&all);
    kernel_tensor_destroy(&some);
    kernel_pair_destroy(&x);
    packed_destroy(match, &w);
}

static void run_refusals(kernel_match *match)
{
    for (int s = 0; s < KERNEL_SIDES; s++) {
        const hni_kernels *k = match->kernels[s];
        kernel_bench *bench = &match->bench[s];
        size_t size = 7;
        kernel_refused(bench, k->pack_size(&bench->exec, HN_DTYPE_F16, HN_SHAPE2(3, 4), &size), HN_ERROR_TYPE,
                       "cannot be stored as F16");
        kernel_refused(bench,
                       k->pack_size(&bench->exec, HN_DTYPE_BF16, HN_SHAPE2(INT64_C(1) << 40, INT64_C(1) << 40), &size),
                       HN_ERROR_SHAPE, "too large");
        assert_int_equal(size, 7);
    }
}

const kernel_case kernel_cases_packed[] = {
    {"unpack of real", run_unpack, HN_DTYPE_F32, 0, 0},
    {"unpack of bf16", run_unpack, HN_DTYPE_BF16, 0, 0},
    {"unpack of int8", run_unpack, HN_DTYPE_I8, 1e-7, 0},
    {"packed_multiply of real", run_multiply, HN_DTYPE_F32, 0, 2e-6},
    {"packed_multiply of bf16", run_multiply, HN_DTYPE_BF16, 0, 2e-6},
    {"packed_multiply of int8", run_multiply, HN_DTYPE_I8, 0, 5e-5},
    {"packed_multiply of real, not finite", run_nonfinite, HN_DTYPE_F32, 0, 0},
    {"packed_multiply of bf16, not finite", run_nonfinite, HN_DTYPE_BF16, 0, 0},
    {"packed_multiply of int8, not finite", run_nonfinite, HN_DTYPE_I8, 0, 0},
    {"packed_multiply of int8, largest numbers", run_largest, HN_DTYPE_I8, 0, 2e-5},
    {"packed_multiply of real, same bytes", run_same, HN_DTYPE_F32, 0, 0},
    {"packed_multiply of bf16, same bytes", run_same, HN_DTYPE_BF16, 0, 0},
    {"packed_multiply of int8, same bytes", run_same, HN_DTYPE_I8, 0, 0},
    {"pack_size refuses", run_refusals, 0, 0, 0},
    {NULL, NULL, 0, 0, 0},
};
