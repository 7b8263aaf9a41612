/* Initialisers: distributions, orthogonality, and that a start depends on seed and name alone. */
#include <math.h>

#include "params/store.h"
#include "test_store.h"

#define SEED 20240607u

/* The start of one parameter in a store of its own, freed by the caller. */
static double *start_of(const char *name, hn_shape shape, hn_init init, uint64_t seed, int threads)
{
    test_store fixture;
    test_store_open(&fixture, threads);
    test_store_declare(&fixture, name, shape, init);
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F64, seed);
    double *values = test_store_read(&fixture, name);
    test_store_close(&fixture);
    return values;
}

/* Mean of the k-th powers. */
static double moment(const double *values, int64_t count, int power)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double product = 1;
        for (int k = 0; k < power; k++)
            product *= values[i];
        sum += product;
    }
    return sum / (double)count;
}

static void constants(void **state)
{
    double *zeros = start_of("a", HN_SHAPE1(5), hn_init_zeros(), SEED, 1);
    double *constant = start_of("a", HN_SHAPE1(5), hn_init_constant(-0.3), SEED, 1);
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_close(zeros[i], 0, 0, 0);
        assert_close(constant[i], -0.3, 0, 0);
    }
    free(zeros);
    free(constant);
}

/* 200,000 numbers: bounds are five standard errors. */
static void normal_moments(void **state)
{
    const int64_t count = 200000;
    const double error = 5 / sqrt((double)count);
    double *values = start_of("a", HN_SHAPE1(count), hn_init_normal(1), SEED, 2);
    double within = 0;
    (void)state;
    assert_close(moment(values, count, 1), 0, 0, error);
    assert_close(moment(values, count, 2), 1, 0, error * sqrt(2));
    assert_close(moment(values, count, 3), 0, 0, error * sqrt(15));
    assert_close(moment(values, count, 4), 3, 0, error * sqrt(96));
    for (int64_t i = 0; i < count; i++)
        within += fabs(values[i]) < 1 ? 1 : 0;
    assert_close(within / (double)count, erf(sqrt(0.5)), 0, error / 2);
    double products = 0; /* neighbours are independent */
    for (int64_t i = 0; i + 1 < count; i++)
        products += values[i] * values[i + 1];
    assert_close(products / (double)count, 0, 0, error);
    free(values);
}

static void normal_scales(void **state)
{
    double *unit = start_of("a", HN_SHAPE1(10), hn_init_normal(1), SEED, 1);
    double *scaled = start_of("a", HN_SHAPE1(10), hn_init_normal(0.25), SEED, 1);
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_close(scaled[i], 0.25 * unit[i], 0, 0);
    free(unit);
    free(scaled);
}

static void normal_about_a_mean(void **state)
{
    double *centred = start_of("a", HN_SHAPE1(10), hn_init_normal(0.25), SEED, 1);
    double *moved = start_of("a", HN_SHAPE1(10), hn_init_normal_about(-3, 0.25), SEED, 1);
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_close(moved[i], centred[i] - 3, 0, 0);
    free(centred);
    free(moved);
}

static void uniform_moments(void **state)
{
    const int64_t count = 200000;
    const double error = 5 / sqrt((double)count), width = 0.04;
    double *values = start_of("a", HN_SHAPE1(count), hn_init_uniform(width), SEED, 2);
    double largest = 0;
    (void)state;
    for (int64_t i = 0; i < count; i++) {
        assert_true(fabs(values[i]) < width);
        largest = fmax(largest, fabs(values[i]));
        values[i] /= width;
    }
    assert_true(largest > 0.9999 * width);
    assert_close(moment(values, count, 1), 0, 0, error * sqrt(1.0 / 3));
    assert_close(moment(values, count, 2), 1.0 / 3, 0, error * sqrt(4.0 / 45));
    free(values);
}

/* Of a normal distribution cut at 2: variance 1 - 4 phi(2) / (2 Phi(2) - 1), and every number that is within 2 at the first draw is
 * the plain normal one. */
static void truncated_normal(void **state)
{
    const int64_t count = 200000;
    const double error = 5 / sqrt((double)count), width = 0.25;
    const double variance = 1 - 4 * exp(-2) / sqrt(8 * atan(1)) / erf(sqrt(2));
    double *plain = start_of("a", HN_SHAPE1(count), hn_init_normal(width), SEED, 1);
    double *values = start_of("a", HN_SHAPE1(count), hn_init_truncated_normal(width), SEED, 1);
    double *threads = start_of("a", HN_SHAPE1(count), hn_init_truncated_normal(width), SEED, 3);
    double largest = 0;
    (void)state;
    assert_memory_equal(values, threads, (size_t)count * sizeof(double));
    for (int64_t i = 0; i < count; i++) {
        if (fabs(plain[i]) <= 2 * width) assert_close(values[i], plain[i], 0, 0);
        values[i] /= width;
        largest = fmax(largest, fabs(values[i]));
    }
    assert_true(largest <= 2 && largest > 1.999);
    assert_close(moment(values, count, 1), 0, 0, error);
    assert_close(moment(values, count, 2), variance, 0, error);
    assert_close(moment(values, count, 3), 0, 0, error * 2);
    free(plain);
    free(values);
    free(threads);
}

/* A factor for each row, of any initialiser. */
static void rows_have_factors(void **state)
{
    const double factors[] = {1, -0.5, 3};
    const hn_init inits[] = {hn_init_normal_about(1, 2), hn_init_uniform(1), hn_init_orthogonal(3, 1),
                             hn_init_truncated_normal(1), hn_init_constant(2)};
    (void)state;
    for (int i = 0; i < 5; i++) {
        double *plain = start_of("a", HN_SHAPE3(3, 2, 2), inits[i], SEED, 1);
        double *values = start_of("a", HN_SHAPE3(3, 2, 2), hn_init_by_row(inits[i], factors), SEED, 1);
        for (int k = 0; k < 12; k++)
            assert_close(values[k], factors[k / 4] * plain[k], 0, 0);
        free(plain);
        free(values);
    }
}

/* The store keeps the factors: the caller's may change after the declaration. */
static void factors_are_copied(void **state)
{
    double factors[] = {2, 4};
    test_store fixture;
    (void)state;
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE2(2, 1), hn_init_by_row(hn_init_constant(1), factors));
    factors[0] = factors[1] = 0;
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F64, SEED);
    double *values = test_store_read(&fixture, "a");
    assert_close(values[0], 2, 0, 0);
    assert_close(values[1], 4, 0, 0);
    free(values);
    test_store_close(&fixture);
}

/* ---- orthogonal ---------------------------------------------------------------------------------------------- */

static double entry(const double *matrix, bool by_rows, int64_t columns, int64_t vector, int64_t element)
{
    return by_rows ? matrix[vector * columns + element] : matrix[element * columns + vector];
}

/* Largest deviation from gain^2 times the identity of the products of rows (or columns, if they are fewer). */
static double deviation(const double *matrix, int64_t rows, int64_t columns, double gain)
{
    const bool by_rows = rows <= columns;
    const int64_t count = by_rows ? rows : columns, length = by_rows ? columns : rows;
    double worst = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k < length; k++)
                sum += entry(matrix, by_rows, columns, i, k) * entry(matrix, by_rows, columns, j, k);
            const double wrong = fabs(sum - (i == j ? gain * gain : 0));
            worst = wrong > worst || isnan(wrong) ? wrong : worst;
        }
    return worst;
}

static void orthogonal_blocks(void **state)
{
    const struct {
        int64_t rows, columns; /* of one block */
        int blocks;
        double gain;
    } cases[] = {{1, 1, 1, 1},   {1, 7, 3, 1},  {7, 1, 2, 1},    {5, 5, 4, 1},     {32, 33, 1, 2},
                 {33, 32, 2, 1}, {3, 90, 4, 1}, {100, 20, 1, 1}, {130, 130, 4, 1}, {65, 64, 1, 0.5}};
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        const int64_t rows = cases[c].rows, columns = cases[c].columns;
        const hn_init init = hn_init_orthogonal(cases[c].blocks, cases[c].gain);
        double *values = start_of("a", HN_SHAPE2(rows * cases[c].blocks, columns), init, SEED, 2);
        for (int block = 0; block < cases[c].blocks; block++) {
            assert_close(deviation(values + block * rows * columns, rows, columns, cases[c].gain), 0, 0, 1e-12);
            /* No two blocks are one matrix. */
            if (block > 0 && rows * columns > 1) assert_true(fabs(values[block * rows * columns] - values[0]) > 1e-6);
        }
        free(values);
    }
}

static void orthogonal_of_higher_rank(void **state)
{
    double *values = start_of("a", HN_SHAPE4(8, 2, 3, 3), hn_init_orthogonal(1, 1), SEED, 1);
    (void)state;
    assert_close(deviation(values, 8, 18, 1), 0, 0, 1e-12);
    free(values);
}

/* Of Haar-distributed matrices of size n every entry, the diagonal included, has mean 0 and variance 1/n, and the trace has
 * variance 1; a Q whose signs are not fixed fails this. 2,000 blocks of 3 x 3. */
static void orthogonal_is_haar(void **state)
{
    const int blocks = 2000;
    double *values = start_of("a", HN_SHAPE2(3 * blocks, 3), hn_init_orthogonal(blocks, 1), SEED, 2);
    double mean[9] = {0}, square[9] = {0}, trace = 0, trace_square = 0, determinants = 0;
    (void)state;
    for (int b = 0; b < blocks; b++) {
        const double *q = values + (ptrdiff_t)b * 9;
        for (int i = 0; i < 9; i++) {
            mean[i] += q[i] / blocks;
            square[i] += q[i] * q[i] / blocks;
        }
        trace += (q[0] + q[4] + q[8]) / blocks;
        trace_square += (q[0] + q[4] + q[8]) * (q[0] + q[4] + q[8]) / blocks;
        determinants += (q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6]) +
                         q[2] * (q[3] * q[7] - q[4] * q[6])) /
                        blocks;
    }
    const double error = 5 / sqrt(blocks);
    for (int i = 0; i < 9; i++) {
        assert_close(mean[i], 0, 0, error / sqrt(3));
        assert_close(square[i], 1.0 / 3, 0, error * 0.3);
    }
    assert_close(trace, 0, 0, error);
    assert_close(trace_square, 1, 0, error * sqrt(2));
    assert_close(determinants, 0, 0, error);
    free(values);
}

/* Among 2,000 drawn matrices some are nearly singular: one pass of Gram-Schmidt is not enough for those. */
static void orthogonal_of_nearly_singular_draws(void **state)
{
    const int blocks = 2000;
    double *values = start_of("a", HN_SHAPE2(3 * blocks, 3), hn_init_orthogonal(blocks, 1), SEED, 2);
    (void)state;
    for (int b = 0; b < blocks; b++)
        assert_close(deviation(values + (ptrdiff_t)b * 9, 3, 3, 1), 0, 0, 2e-15);
    free(values);
}

static void threads_change_no_bit(void **state)
{
    const hn_shape shape = HN_SHAPE2(4 * 70, 70), tall = HN_SHAPE2(3 * 150, 40), flat = HN_SHAPE1(30001);
    (void)state;
    double *one = start_of("a", shape, hn_init_orthogonal(4, 1), SEED, 1);
    double *tall_one = start_of("a", tall, hn_init_orthogonal(3, 1), SEED, 1);
    double *normal_one = start_of("a", flat, hn_init_normal(1), SEED, 1);
    for (int threads = 2; threads <= 5; threads++) {
        double *many = start_of("a", shape, hn_init_orthogonal(4, 1), SEED, threads);
        double *tall_many = start_of("a", tall, hn_init_orthogonal(3, 1), SEED, threads);
        double *normal_many = start_of("a", flat, hn_init_normal(1), SEED, threads);
        assert_memory_equal(one, many, 4 * 70 * 70 * sizeof(double));
        assert_memory_equal(tall_one, tall_many, 3 * 150 * 40 * sizeof(double));
        assert_memory_equal(normal_one, normal_many, 30001 * sizeof(double));
        free(many);
        free(tall_many);
        free(normal_many);
    }
    free(one);
    free(tall_one);
    free(normal_one);
}

/* ---- what a start depends on --------------------------------------------------------------------------------- */

static void seed_and_name_matter(void **state)
{
    const hn_init inits[] = {hn_init_normal(1), hn_init_uniform(1), hn_init_orthogonal(1, 1)};
    (void)state;
    for (int i = 0; i < 3; i++) {
        double *first = start_of("a", HN_SHAPE2(6, 6), inits[i], 1, 1);
        double *same = start_of("a", HN_SHAPE2(6, 6), inits[i], 1, 1);
        double *seed = start_of("a", HN_SHAPE2(6, 6), inits[i], 2, 1);
        double *high = start_of("a", HN_SHAPE2(6, 6), inits[i], 1 + (UINT64_C(1) << 32), 1);
        double *name = start_of("b", HN_SHAPE2(6, 6), inits[i], 1, 1);
        assert_memory_equal(first, same, 36 * sizeof(double));
        for (int k = 0; k < 36; k++) {
            assert_true(fabs(first[k] - seed[k]) > 0);
            assert_true(fabs(first[k] - high[k]) > 0);
            assert_true(fabs(first[k] - name[k]) > 0);
        }
        free(first);
        free(same);
        free(seed);
        free(high);
        free(name);
    }
}

static void a_new_parameter_changes_no_other(void **state)
{
    const hn_shape shape = HN_SHAPE2(8, 5);
    test_store fixture;
    (void)state;
    double *alone = start_of("b", shape, hn_init_orthogonal(2, 1), SEED, 1);
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE1(77), hn_init_normal(1));
    test_store_declare(&fixture, "b", shape, hn_init_orthogonal(2, 1));
    test_store_declare(&fixture, "c", HN_SHAPE1(3), hn_init_uniform(1));
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F64, SEED);
    double *together = test_store_read(&fixture, "b");
    assert_memory_equal(alone, together, 40 * sizeof(double));
    free(alone);
    free(together);
    test_store_close(&fixture);
}

/* A float store holds the same numbers, rounded. */
static void the_type_only_rounds(void **state)
{
    test_store fixture;
    (void)state;
    double *wide = start_of("a", HN_SHAPE2(6, 6), hn_init_orthogonal(1, 1), SEED, 1);
    test_store_open(&fixture, 1);
    test_store_declare(&fixture, "a", HN_SHAPE2(6, 6), hn_init_orthogonal(1, 1));
    test_store_seal(&fixture, HN_BACKEND_GENERIC, HN_DTYPE_F32, SEED);
    double *narrow = test_store_read(&fixture, "a");
    for (int i = 0; i < 36; i++)
        assert_close(narrow[i], (double)(float)wide[i], 0, 0);
    free(wide);
    free(narrow);
    test_store_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants),
        cmocka_unit_test(normal_moments),
        cmocka_unit_test(normal_scales),
        cmocka_unit_test(normal_about_a_mean),
        cmocka_unit_test(uniform_moments),
        cmocka_unit_test(truncated_normal),
        cmocka_unit_test(rows_have_factors),
        cmocka_unit_test(factors_are_copied),
        cmocka_unit_test(orthogonal_blocks),
        cmocka_unit_test(orthogonal_of_higher_rank),
        cmocka_unit_test(orthogonal_is_haar),
        cmocka_unit_test(orthogonal_of_nearly_singular_draws),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(seed_and_name_matter),
        cmocka_unit_test(a_new_parameter_changes_no_other),
        cmocka_unit_test(the_type_only_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
