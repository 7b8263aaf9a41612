/* Batch normalisation at the sizes of a network: sums over 131,072 rows are right where numbers lie far from zero or from the first
 * rows, a column's NaN stays in it, every run gives the same bytes at any address, and thread counts agree. */
#include <float.h>

#include "core/rng.h"
#include "kernel_tensor.h"
#include "test_isa.h"

enum { ROWS = 131072, COLUMNS = 16, ALL = ROWS * COLUMNS };

static const hni_kernels *tables[3]; /* generic in both types, and cpu if there is one */
static size_t table_count;

static double noise(int64_t i)
{
    const hni_rng_key key = {.seed = 3, .site = 9};
    return hni_rng_uniform(&key, (uint64_t)i) - 0.5;
}

/* ---- sums ---- */

/* Column c about a mean of its own with a deviation of its own, and first rows where nothing is as in the rest. */
static double number(int64_t r, int64_t c, int64_t first_rows)
{
    static const double deviations[4] = {1, 1e-2, 0, 1};
    const double mean = c % 4 == 3 ? 0 : 1000.1 * (double)c;
    return r < first_rows ? -7 : mean + deviations[c % 4] * noise(r * COLUMNS + c);
}

static void check_statistics(const hni_kernels *k, int64_t first_rows)
{
    kernel_bench bench;
    kernel_tensor x = kernel_tensor_create(k->dtype, HN_SHAPE2(ROWS, COLUMNS));
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE2(2, COLUMNS));
    kernel_bench_begin(&bench, 2);
    for (int64_t i = 0; i < ALL; i++)
        kernel_tensor_set(&x, i, (double)(float)number(i / COLUMNS, i % COLUMNS, first_rows));
    kernel_ok(&bench, k->batch_statistics(&bench.exec, &x.view, &out.view));
    for (int64_t c = 0; c < COLUMNS; c++) {
        long double mean = 0, variance = 0;
        for (int64_t r = 0; r < ROWS; r++)
            mean += (long double)kernel_tensor_get(&x, r * COLUMNS + c) / ROWS;
        for (int64_t r = 0; r < ROWS; r++) {
            const long double d = (long double)kernel_tensor_get(&x, r * COLUMNS + c) - mean;
            variance += d * d / ROWS;
        }
        assert_close(kernel_tensor_get(&out, c), (double)mean, 1e-7, 1e-7);
        assert_close(kernel_tensor_get(&out, COLUMNS + c), (double)variance, 2e-6, 1e-12);
    }
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&out);
    kernel_bench_end(&bench);
}

static void test_statistics_far_from_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < table_count; i++)
        check_statistics(tables[i], 0);
}

static void test_statistics_far_from_the_first_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < table_count; i++)
        check_statistics(tables[i], 300);
}

static void test_columns_do_not_meet(void **state)
{
    (void)state;
    for (size_t i = 0; i < table_count; i++) {
        enum { FEW = 700, N = 3 };
        const hni_kernels *k = tables[i];
        kernel_bench bench;
        kernel_tensor x = kernel_tensor_create(k->dtype, HN_SHAPE2(FEW, N));
        kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE2(2, N)),
                      y = kernel_tensor_create(k->dtype, x.view.rank == 2 ? HN_SHAPE2(FEW, N) : HN_SHAPE1(1));
        kernel_tensor gain = KERNEL_TENSOR(k->dtype, HN_SHAPE1(N), 1, 1, 1),
                      shift = KERNEL_TENSOR(k->dtype, HN_SHAPE1(N), 5, 6, 7);
        kernel_bench_begin(&bench, 2);
        for (int64_t r = 0; r < FEW; r++) {
            kernel_tensor_set(&x, r * N, 0.1); /* no float is 0.1: sums of it are rounded */
            kernel_tensor_set(&x, r * N + 1, r == 650 ? KERNEL_NAN : 1);
            kernel_tensor_set(&x, r * N + 2, r % 2 == 0 ? 1 : -1);
        }
        kernel_ok(&bench, k->batch_statistics(&bench.exec, &x.view, &out.view));
        assert_true(kernel_tensor_get(&out, 0) == kernel_tensor_get(&x, 0) || k->dtype == HN_DTYPE_F64);
        assert_close(kernel_tensor_get(&out, N), 0, 0, 1e-25);
        assert_true(isnan(kernel_tensor_get(&out, 1)) && isnan(kernel_tensor_get(&out, N + 1)));
        assert_true(kernel_tensor_get(&out, 2) == 0 && kernel_tensor_get(&out, N + 2) == 1);
        const hni_column_norm norm = {FEW, N, x.storage, gain.storage, shift.storage, out.storage, 1e-5, true};
        kernel_ok(&bench, k->batch_norm(&bench.exec, &norm, y.storage));
        for (int64_t r = 0; r < FEW; r++) {
            assert_close(kernel_tensor_get(&y, r * N), 5, 1e-6, 0);
            assert_true(isnan(kernel_tensor_get(&y, r * N + 1)));
            assert_close(kernel_tensor_get(&y, r * N + 2), r % 2 == 0 ? 8 : 6, 2e-5, 0);
        }
        kernel_tensor *all[] = {&x, &out, &y, &gain, &shift};
        for (size_t t = 0; t < sizeof all / sizeof all[0]; t++)
            kernel_tensor_destroy(all[t]);
        kernel_bench_end(&bench);
    }
}

/* ---- the cpu table: bytes ---- */

typedef struct results {
    float statistics[2 * COLUMNS], dgain[COLUMNS], dshift[COLUMNS];
    float *y, *dx; /* [ALL] */
} results;

static float *numbers(int64_t offset)
{
    float *memory = malloc((size_t)(ALL + 16) * sizeof memory[0]);
    assert_non_null(memory);
    for (int64_t i = 0; i < ALL; i++)
        memory[offset + i] = (float)noise(i);
    return memory;
}

/* Everything that a layer does, with arrays that begin `offset` floats behind what malloc gives. */
static void calculate(const hni_kernels *k, int threads, int64_t offset, results *out)
{
    kernel_bench bench;
    float *x = numbers(offset), *dy = numbers(offset), gain[COLUMNS], shift[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        gain[c] = 0.5f + 0.1f * (float)c;
        shift[c] = 0.2f - 0.05f * (float)c;
        out->dgain[c] = out->dshift[c] = 1;
    }
    out->y = numbers(offset);
    out->dx = numbers(offset);
    kernel_bench_begin(&bench, threads);
    const hni_view view = hni_view_of(x + offset, HN_DTYPE_F32, HN_SHAPE2(ROWS, COLUMNS));
    hni_view statistics = hni_view_of(out->statistics, HN_DTYPE_F32, HN_SHAPE2(2, COLUMNS));
    kernel_ok(&bench, k->batch_statistics(&bench.exec, &view, &statistics));
    const hni_column_norm norm = {ROWS, COLUMNS, x + offset, gain, shift, out->statistics, 1e-5, true};
    kernel_ok(&bench, k->batch_norm(&bench.exec, &norm, out->y + offset));
    const hni_column_norm_vjp vjp = {.forward = norm,
                                     .from_batch = true,
                                     .dy = dy + offset,
                                     .dx = out->dx + offset,
                                     .dgain = out->dgain,
                                     .dshift = out->dshift};
    kernel_ok(&bench, k->batch_norm_vjp(&bench.exec, &vjp));
    memmove(out->y, out->y + offset, ALL * sizeof(float));
    memmove(out->dx, out->dx + offset, ALL * sizeof(float));
    kernel_bench_end(&bench);
    free(x);
    free(dy);
}

static void release(results *r)
{
    free(r->y);
    free(r->dx);
}

static void test_same_bytes_in_each_run(void **state)
{
    (void)state;
    for (int threads = 1; table_count == 3 && threads <= 3; threads++) {
        results first, again;
        calculate(tables[2], threads, 0, &first);
        calculate(tables[2], threads, threads, &again);
        assert_memory_equal(first.statistics, again.statistics, sizeof first.statistics);
        assert_memory_equal(first.dgain, again.dgain, sizeof first.dgain);
        assert_memory_equal(first.dshift, again.dshift, sizeof first.dshift);
        assert_memory_equal(first.y, again.y, ALL * sizeof(float));
        assert_memory_equal(first.dx, again.dx, ALL * sizeof(float));
        release(&first);
        release(&again);
    }
}

static void test_thread_counts_agree(void **state)
{
    (void)state;
    for (int threads = 2; table_count == 3 && threads <= 5; threads += 3) {
        results one, some;
        calculate(tables[2], 1, 0, &one);
        calculate(tables[2], threads, 0, &some);
        assert_all_close_float(some.statistics, one.statistics, 2 * COLUMNS, 1e-7);
        assert_all_close_float(some.dgain, one.dgain, COLUMNS, 2e-6);
        assert_all_close_float(some.dshift, one.dshift, COLUMNS, 2e-6);
        assert_all_close_float(some.y, one.y, ALL, 1e-6);
        release(&one);
        release(&some);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics_far_from_zero), cmocka_unit_test(test_statistics_far_from_the_first_rows),
        cmocka_unit_test(test_columns_do_not_meet),      cmocka_unit_test(test_same_bytes_in_each_run),
        cmocka_unit_test(test_thread_counts_agree),
    };
    hn_context *context;
    if (hn_context_create(NULL, &context) != HN_OK) return 1;
    tables[table_count++] = hni_kernels_generic(HN_DTYPE_F32);
    tables[table_count++] = hni_kernels_generic(HN_DTYPE_F64);
    if (hni_kernels_cpu(HN_DTYPE_F32) != NULL) {
        test_choose_isa(context);
        tables[table_count++] = hni_kernels_cpu(HN_DTYPE_F32);
    }
    hn_context_destroy(context);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
