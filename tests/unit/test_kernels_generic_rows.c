/* Multiplies, dropout and the slots that choose rows, in the generic tables: known values and the naive definition. */
#include "core/rng.h"
#include "kernel_tensor.h"

/* ---- gemm ---- */

static void test_gemm_known_values(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor a = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 3), 1, 2, 3, 4, 5, 6);
    kernel_tensor b = KERNEL_TENSOR(k->dtype, HN_SHAPE2(3, 2), 7, 8, 9, 10, 11, 12);
    kernel_tensor c = KERNEL_TENSOR(k->dtype, HN_SHAPE2(2, 2), KERNEL_NAN, KERNEL_NAN, KERNEL_NAN, KERNEL_NAN);
    hni_gemm gemm = {.m = 2,
                     .n = 2,
                     .k = 3,
                     .a = a.storage,
                     .b = b.storage,
                     .c = c.storage,
                     .lda = 3,
                     .ldb = 2,
                     .ldc = 2,
                     .alpha = 1,
                     .beta = 0,
                     .batch = 1};
    kernel_ok(bench, k->gemm(&bench->exec, &gemm));
    kernel_tensor_holds(&c, 0, 58, 64, 139, 154);
    gemm.alpha = 2;
    gemm.beta = -1;
    kernel_ok(bench, k->gemm(&bench->exec, &gemm));
    kernel_tensor_holds(&c, 0, 58, 64, 139, 154);
    /* The same numbers read as A [3,2] and B [2,3], both turned round. */
    gemm = (hni_gemm){.transpose_a = true,
                      .transpose_b = true,
                      .m = 2,
                      .n = 2,
                      .k = 3,
                      .a = a.storage,
                      .b = b.storage,
                      .c = c.storage,
                      .lda = 2,
                      .ldb = 3,
                      .ldc = 2,
                      .alpha = 1,
                      .beta = 0,
                      .batch = 1};
    kernel_ok(bench, k->gemm(&bench->exec, &gemm));
    kernel_tensor_holds(&c, 0, 1 * 7 + 3 * 8 + 5 * 9, 1 * 10 + 3 * 11 + 5 * 12, 2 * 7 + 4 * 8 + 6 * 9,
                        2 * 10 + 4 * 11 + 6 * 12);
    kernel_tensor_destroy(&a);
    kernel_tensor_destroy(&b);
    kernel_tensor_destroy(&c);
}

typedef struct matrix {
    kernel_tensor data; /* [batch,rows,columns], with `gap` numbers behind each row */
    int64_t rows, leading;
} matrix;

static matrix matrix_create(hn_dtype dtype, int64_t batch, int64_t rows, int64_t columns, int64_t gap)
{
    matrix m = {kernel_tensor_create(dtype, HN_SHAPE3(batch, rows, columns + gap)), rows, columns + gap};
    for (int64_t i = 0; i < m.data.count; i++)
        kernel_tensor_set(&m.data, i, ldexp((double)((i * 37 + rows * 11 + columns) % 129) - 64, -5));
    return m;
}

static long double matrix_at(const matrix *m, bool transposed, int64_t batch, int64_t i, int64_t j)
{
    const int64_t at = transposed ? j * m->leading + i : i * m->leading + j;
    return (long double)kernel_tensor_get(&m->data, batch * m->rows * m->leading + at);
}

/* All four transposes, more columns than are summed at once, a batch with one B for all. */
static void test_gemm_is_its_definition(const hni_kernels *k, kernel_bench *bench)
{
    const int64_t m = 5, n = 270, depth = 9, batch = 3;
    const double close = k->dtype == HN_DTYPE_F64 ? 1e-14 : 1e-6;
    for (int variant = 0; variant < 4; variant++) {
        const bool ta = variant % 2 == 1, tb = variant / 2 == 1;
        matrix a = matrix_create(k->dtype, batch, ta ? depth : m, ta ? m : depth, 2);
        matrix b = matrix_create(k->dtype, 1, tb ? n : depth, tb ? depth : n, 1);
        matrix c = matrix_create(k->dtype, batch, m, n, 3), before = matrix_create(k->dtype, batch, m, n, 3);
        const hni_gemm gemm = {.transpose_a = ta,
                               .transpose_b = tb,
                               .m = m,
                               .n = n,
                               .k = depth,
                               .a = a.data.storage,
                               .b = b.data.storage,
                               .c = c.data.storage,
                               .lda = a.leading,
                               .ldb = b.leading,
                               .ldc = c.leading,
                               .alpha = 0.5,
                               .beta = 2,
                               .batch = batch,
                               .batch_stride_a = a.rows * a.leading,
                               .batch_stride_b = 0,
                               .batch_stride_c = m * c.leading};
        kernel_ok(bench, k->gemm(&bench->exec, &gemm));
        for (int64_t e = 0; e < batch * m * c.leading; e++) {
            const int64_t i = e / c.leading % m, j = e % c.leading, which = e / (c.leading * m);
            long double expected = (long double)kernel_tensor_get(&before.data, e);
            if (j < n) expected *= 2;
            for (int64_t p = 0; j < n && p < depth; p++)
                expected += matrix_at(&a, ta, which, i, p) * matrix_at(&b, tb, 0, p, j) / 2;
            assert_close(kernel_tensor_get(&c.data, e), (double)expected, close, close);
        }
        matrix *all[] = {&a, &b, &c, &before};
        for (size_t i = 0; i < 4; i++)
            kernel_tensor_destroy(&all[i]->data);
    }
}

/* ---- dropout ---- */

static void test_dropout_draws_by_index(const hni_kernels *k, kernel_bench *bench)
{
    enum { ROWS = 40, UNITS = 50 };
    kernel_tensor x = kernel_tensor_create(k->dtype, HN_SHAPE2(ROWS, UNITS)),
                  y = kernel_tensor_create(k->dtype, HN_SHAPE2(ROWS, UNITS));
    for (int64_t i = 0; i < x.count; i++)
        kernel_tensor_set(&x, i, 4);
    const hni_dropout dropout = {.keep = 0.8, .site = hni_rng_site("a layer"), .base = 1000, .stride = {UNITS * 7, 1}};
    bench->step.seed = 99;
    bench->step.step = 12;
    kernel_ok(bench, k->dropout(&bench->exec, &dropout, &x.view, &y.view, false));
    kernel_ok(bench, k->dropout(&bench->exec, &dropout, &x.view, &y.view, true));
    const hni_rng_key key = {.seed = 99, .step = 12, .site = dropout.site};
    int kept = 0;
    for (int64_t i = 0; i < x.count; i++) {
        const uint64_t number = (uint64_t)(1000 + i / UNITS * UNITS * 7 + i % UNITS);
        const bool lives = hni_rng_uniform(&key, number) < 0.8;
        kept += lives ? 1 : 0;
        assert_close(kernel_tensor_get(&y, i), lives ? 10 : 0, 1e-6, 0);
    }
    assert_in_range(kept, 1530, 1670); /* 1600 and four deviations */
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&y);
}

static void test_dropout_that_keeps_all_is_the_identity(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor x = KERNEL_TENSOR(k->dtype, HN_SHAPE1(4), 1, -2, KERNEL_NAN, 0.1),
                  y = kernel_tensor_create(k->dtype, HN_SHAPE1(4));
    const hni_dropout dropout = {.keep = 1, .stride = {1}};
    kernel_ok(bench, k->dropout(&bench->exec, &dropout, &x.view, &y.view, false));
    kernel_tensor_holds(&y, 1e-7, 1, -2, KERNEL_NAN, 0.1);
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&y);
}

/* ---- rows ---- */

static void test_lookup_and_its_gradient(const hni_kernels *k, kernel_bench *bench)
{
    static const int64_t turned[2] = {1, 3}; /* the table [3,2] is a matrix [2,3] seen the other way round */
    kernel_tensor table = kernel_tensor_strided(k->dtype, HN_SHAPE2(3, 2), turned, 0);
    for (int64_t i = 0; i < 6; i++)
        kernel_tensor_set(&table, i, (double)(i + 1));
    kernel_tensor indices = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(4), 2, 0, 2, 2);
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE2(4, 2));
    kernel_ok(bench, k->lookup(&bench->exec, &table.view, &indices.view, &out.view));
    kernel_tensor_holds(&out, 0, 3, 6, 1, 4, 3, 6, 3, 6);
    kernel_tensor dy = KERNEL_TENSOR(k->dtype, HN_SHAPE2(4, 2), 1, 10, 2, 20, 4, 40, 8, 80);
    kernel_ok(bench, k->lookup_vjp(&bench->exec, &dy.view, &indices.view, &table.view));
    kernel_tensor_holds(&table, 0, 1 + 2, 2, 3 + 13, 4 + 20, 5, 6 + 130);

    kernel_tensor_set(&indices, 3, 3);
    kernel_refused(bench, k->lookup(&bench->exec, &table.view, &indices.view, &out.view), HN_ERROR_ARGUMENT,
                   "lookup: entry 3 of indices is 3, it must lie in [0,3)");
    kernel_tensor_set(&indices, 1, -7);
    kernel_refused(bench, k->lookup_vjp(&bench->exec, &dy.view, &indices.view, &table.view), HN_ERROR_ARGUMENT,
                   "lookup_vjp: entry 1 of indices is -7, it must lie in [0,3)");
    kernel_tensor *all[] = {&table, &indices, &out, &dy};
    for (size_t i = 0; i < 4; i++)
        kernel_tensor_destroy(all[i]);
}

static void test_where_length(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor a = KERNEL_TENSOR(k->dtype, HN_SHAPE2(3, 2), 1, 2, 3, 4, 5, 6);
    kernel_tensor b = KERNEL_TENSOR(k->dtype, HN_SHAPE2(3, 2), 10, 20, 30, 40, 50, KERNEL_NAN);
    kernel_tensor lengths = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(3), 0, 5, 6); /* none, up to t, beyond t */
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE2(3, 2));
    kernel_ok(bench, k->where_length(&bench->exec, &a.view, &b.view, &lengths.view, 5, &out.view, false));
    kernel_tensor_holds(&out, 0, 10, 20, 30, 40, 5, 6);
    kernel_ok(bench, k->where_length(&bench->exec, &a.view, NULL, &lengths.view, 4, &out.view, true));
    kernel_tensor_holds(&out, 0, 10, 20, 33, 44, 10, 12);
    kernel_ok(bench, k->where_length(&bench->exec, NULL, &b.view, &lengths.view, 0, &out.view, false));
    kernel_tensor_holds(&out, 0, 10, 20, 0, 0, 0, 0);
    kernel_tensor *all[] = {&a, &b, &lengths, &out};
    for (size_t i = 0; i < 4; i++)
        kernel_tensor_destroy(all[i]);
}

static void test_reverse_within_lengths(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor x = KERNEL_TENSOR(k->dtype, HN_SHAPE3(3, 4, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    kernel_tensor lengths = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(3), 0, 3, 4);
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE3(3, 4, 1));
    kernel_ok(bench, k->reverse(&bench->exec, &x.view, &lengths.view, &out.view, false));
    kernel_tensor_holds(&out, 0, 1, 2, 3, 4, 7, 6, 5, 8, 12, 11, 10, 9);
    kernel_ok(bench, k->reverse(&bench->exec, &out.view, &lengths.view, &x.view, true)); /* its own inverse */
    kernel_tensor_holds(&x, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24);
    kernel_tensor_set(&lengths, 0, 5);
    kernel_refused(bench, k->reverse(&bench->exec, &x.view, &lengths.view, &out.view, false), HN_ERROR_ARGUMENT,
                   "reverse: entry 0 of lengths is 5, it must lie in [0,4]");
    kernel_tensor_set(&lengths, 0, -1);
    kernel_refused(bench, k->reverse(&bench->exec, &x.view, &lengths.view, &out.view, false), HN_ERROR_ARGUMENT, "-1");
    kernel_tensor_destroy(&x);
    kernel_tensor_destroy(&lengths);
    kernel_tensor_destroy(&out);
}

static void test_gather_windows(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor bytes = KERNEL_TENSOR(HN_DTYPE_U8, HN_SHAPE1(5), 10, 20, 255, 40, 50);
    kernel_tensor numbers = KERNEL_TENSOR(HN_DTYPE_I32, HN_SHAPE1(5), -1, 2, 3, 4, 100000);
    kernel_tensor out = kernel_tensor_create(HN_DTYPE_I32, HN_SHAPE2(2, 3));
    kernel_ok(bench, k->gather_windows(&bench->exec, &bytes.view, (const int64_t[]){2, 0}, &out.view));
    kernel_tensor_holds(&out, 0, 255, 40, 50, 10, 20, 255);
    kernel_ok(bench, k->gather_windows(&bench->exec, &numbers.view, (const int64_t[]){0, 2}, &out.view));
    kernel_tensor_holds(&out, 0, -1, 2, 3, 3, 4, 100000);
    static const int64_t outside[][2] = {{0, 3}, {0, -1}, {0, INT64_MAX}, {0, INT64_MIN}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        kernel_refused(bench, k->gather_windows(&bench->exec, &bytes.view, outside[i], &out.view), HN_ERROR_ARGUMENT,
                       "gather_windows: window 1 has 3 entries from ");
    }
    kernel_tensor long_out = kernel_tensor_create(HN_DTYPE_I32, HN_SHAPE2(1, 6));
    kernel_refused(bench, k->gather_windows(&bench->exec, &bytes.view, (const int64_t[]){0}, &long_out.view),
                   HN_ERROR_ARGUMENT, "the source has only 5");
    kernel_tensor *all[] = {&bytes, &numbers, &out, &long_out};
    for (size_t i = 0; i < 4; i++)
        kernel_tensor_destroy(all[i]);
}

/* Byte v is (v / 255 - 0.2) / 0.5, so 51 is 0 and 255 is 1.6. */
static void test_gather_images(const hni_kernels *k, kernel_bench *bench)
{
    kernel_tensor source =
        KERNEL_TENSOR(HN_DTYPE_U8, HN_SHAPE4(2, 1, 2, 3), 51, 51, 51, 51, 51, 255, 255, 0, 51, 102, 153, 204);
    kernel_tensor out = kernel_tensor_create(k->dtype, HN_SHAPE4(5, 2, 3, 1));
    const double mean[1] = {0.2}, deviation[1] = {0.5};
    const hni_image_place places[5] = {
        {1, {1, 0, 0, 0, 1, 0}},      /* as it is */
        {1, {-1, 0, 2, 0, 1, 0}},     /* its mirror image */
        {1, {1, 0, 1, 0, 1, -1}},     /* one to the left, one down; the rest is zero, not byte 0 */
        {0, {1, 0, 0.5, 0, 1, 0.75}}, /* between pixels, and between the last ones and zero */
        {1, {0, 1, 0, 1, 0, 0}},      /* rows and columns exchanged */
    };
    const hni_image_gather gather = {places, mean, deviation};
    kernel_ok(bench, k->gather_images(&bench->exec, &source.view, &gather, &out.view));
    const double tolerance = k->dtype == HN_DTYPE_F64 ? 1e-12 : 1e-6;
    const double expected[30] = {1.6,    -0.4, 0,   0.4,  0.8, 1.2, /**/ 0,   -0.4, 1.6, 1.2,  0.8, 0.4,
                                 /**/ 0, 0,    0,   -0.4, 0,   0,
                                 /**/ 0, 0.6,  0.6, 0,    0.2, 0.2, /**/ 1.6, 0.4,  0,   -0.4, 0.8, 0};
    for (int i = 0; i < 30; i++)
        assert_close(kernel_tensor_get(&out, i), expected[i], 0, tolerance);

    /* Two channels stand beside each other. */
    kernel_tensor colours = KERNEL_TENSOR(HN_DTYPE_U8, HN_SHAPE4(1, 2, 1, 2), 0, 255, 51, 102);
    kernel_tensor pixels = kernel_tensor_create(k->dtype, HN_SHAPE4(1, 1, 2, 2));
    const double zero[2] = {0, 0}, deviations[2] = {1, 0.1};
    const hni_image_place whole = {0, {1, 0, 0, 0, 1, 0}};
    const hni_image_gather two = {&whole, zero, deviations};
    kernel_ok(bench, k->gather_images(&bench->exec, &colours.view, &two, &pixels.view));
    kernel_tensor_holds(&pixels, 1e-6, 0, 2, 1, 4);
    kernel_tensor *all[] = {&source, &out, &colours, &pixels};
    for (size_t i = 0; i < 4; i++)
        kernel_tensor_destroy(all[i]);
}

static const kernel_test tests[] = {
    {"gemm: known values", test_gemm_known_values},
    {"gemm is its definition", test_gemm_is_its_definition},
    {"dropout draws by index", test_dropout_draws_by_index},
    {"dropout that keeps all is the identity", test_dropout_that_keeps_all_is_the_identity},
    {"lookup and its gradient", test_lookup_and_its_gradient},
    {"where_length", test_where_length},
    {"reverse within lengths", test_reverse_within_lengths},
    {"gather_windows", test_gather_windows},
    {"gather_images", test_gather_images},
};

int main(void) { return KERNEL_TESTS_RUN("generic multiplies and rows", tests); }
