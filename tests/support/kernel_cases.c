/* See kernel_cases.h: random numbers, layouts, pairs, comparison and the runner. */
#include "kernel_cases.h"

#include <float.h>
#include <math.h>

/* ---- random numbers: SplitMix64 (Steele, Lea, Flood 2014), since a counter-based generator is slow one by one ---- */

double kernel_random_unit(kernel_match *match)
{
    match->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = match->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

int64_t kernel_random(kernel_match *match, int64_t limit)
{
    return (int64_t)(kernel_random_unit(match) * (double)limit);
}

bool kernel_random_chance(kernel_match *match, double chance) { return kernel_random_unit(match) < chance; }

double kernel_random_normal(kernel_match *match)
{
    const double a = kernel_random_unit(match), b = kernel_random_unit(match), c = kernel_random_unit(match);
    return 2 * (a + b + c) - 3;
}

int64_t kernel_random_size(kernel_match *match, int64_t limit)
{
    static const int64_t sizes[] = {1,  1,  2,  3,  4,  5,  7,   8,   9,   15,  16,  17,
                                    31, 32, 33, 63, 64, 65, 100, 127, 257, 500, 1023};
    int64_t size;
    do {
        size = sizes[kernel_random(match, sizeof sizes / sizeof sizes[0])];
    } while (size > limit);
    return size;
}

static double random_special(kernel_match *match)
{
    static const double specials[] = {
        0.0,   -0.0,  KERNEL_INFINITY, -KERNEL_INFINITY, KERNEL_NAN, 1e-40,  -1e-40, 1e30,  -1e30,
        88.5,  -88.5, 104.0,           -104.0,           20.0,       -20.0,  1e-7,   -1e-7, 9.1,
        -87.0, 87.0,  0.625,           -0.625,           3.4e38,     -3.4e38};
    if (kernel_random_chance(match, 0.3)) return specials[kernel_random(match, sizeof specials / sizeof specials[0])];
    const double size = pow(10, 8 * kernel_random_unit(match) - 6);
    return size * kernel_random_normal(match);
}

static double random_value(kernel_match *match, kernel_values values)
{
    switch (values) {
    case KERNEL_UNIT: return 0.999 * kernel_random_unit(match) + 0.0005;
    case KERNEL_AWAY: return (kernel_random_chance(match, 0.5) ? 1 : -1) * (0.5 + 1.5 * kernel_random_unit(match));
    case KERNEL_SPECIAL: return random_special(match);
    default: return kernel_random_normal(match);
    }
}

kernel_tensor kernel_random_indices(kernel_match *match, hn_shape shape, int64_t limit)
{
    kernel_tensor tensor = kernel_tensor_create(HN_DTYPE_I32, shape);
    for (int64_t i = 0; i < tensor.count; i++)
        kernel_tensor_set(&tensor, i, (double)kernel_random(match, limit));
    return tensor;
}

/* ---- pairs ---- */

void kernel_pair_set(kernel_pair *pair, int64_t i, double value)
{
    for (int s = 0; s < KERNEL_SIDES; s++)
        kernel_tensor_set(&pair->side[s], i, (double)(float)value);
}

void kernel_pair_fill(kernel_pair *pair, double value)
{
    for (int64_t i = 0; i < pair->side[0].count; i++)
        kernel_pair_set(pair, i, value);
}

kernel_pair kernel_pair_strided(kernel_match *match, hn_shape shape, const int64_t *stride, int64_t offset,
                                kernel_values values)
{
    kernel_pair pair = {{kernel_tensor_strided(HN_DTYPE_F32, shape, stride, offset),
                         kernel_tensor_strided(HN_DTYPE_F64, shape, stride, offset)}};
    for (int64_t i = 0; i < pair.side[0].count; i++)
        kernel_pair_set(&pair, i, random_value(match, values));
    return pair;
}

kernel_pair kernel_pair_create(kernel_match *match, hn_shape shape, int layout, kernel_values values)
{
    const bool dense = (layout & (KERNEL_GAPS | KERNEL_LINES)) == 0 || kernel_random_chance(match, 0.5);
    const int last = shape.rank - 1;
    int order[HN_MAX_RANK]; /* dimensions from the innermost in memory outwards */
    for (int d = 0; d < shape.rank; d++)
        order[d] = last - d;
    const int fixed = (layout & KERNEL_LINES) != 0 ? 1 : 0; /* the innermost stays */
    for (int d = shape.rank - 1; !dense && d > fixed; d--) {
        const int other = fixed + (int)kernel_random(match, d + 1 - fixed), kept = order[d];
        order[d] = order[other];
        order[other] = kept;
    }
    int64_t stride[HN_MAX_RANK] = {0}, next = 1;
    for (int d = 0; d < shape.rank; d++) {
        const bool line = d == 0 && fixed == 1;
        if ((layout & KERNEL_REPEAT) != 0 && !line && kernel_random_chance(match, 0.3)) continue;
        if (!dense && !line && kernel_random_chance(match, 0.4)) next += 1 + kernel_random(match, 3);
        stride[order[d]] = next;
        next *= shape.size[order[d]];
    }
    const int64_t offset = dense ? 0 : kernel_random(match, 5);
    return kernel_pair_strided(match, shape, stride, offset, values);
}

void kernel_pair_destroy(kernel_pair *pair)
{
    for (int s = 0; s < KERNEL_SIDES; s++)
        kernel_tensor_destroy(&pair->side[s]);
}

double kernel_pair_largest(const kernel_pair *pair)
{
    double largest = 0;
    for (int64_t i = 0; i < pair->side[KERNEL_TRUTH].count; i++) {
        const double size = fabs(kernel_tensor_get(&pair->side[KERNEL_TRUTH], i));
        if (size <= (double)FLT_MAX && size > largest) largest = size;
    }
    return largest;
}

void kernel_pair_match(kernel_match *match, const kernel_pair *pair, const char *what, double scale)
{
    const double largest = fmax(scale, kernel_pair_largest(pair));
    const double share = match->row->share > 0 ? match->row->share * largest : 0;
    for (int64_t i = 0; i < pair->side[0].count; i++) {
        const double actual = kernel_tensor_get(&pair->side[KERNEL_TESTED], i);
        /* What does not fit into a float must become an infinity there. */
        const double expected = (double)(float)kernel_tensor_get(&pair->side[KERNEL_TRUTH], i);
        if (isnan(expected) ? isnan(actual) : test_is_close(actual, expected, match->row->relative, share + 2e-38))
            continue;
        print_error("%s of %s: %s[%lld] of the storage is %.9g, the truth is %.9g (terms of size %.3g)\n",
                    match->kernels[KERNEL_TESTED]->backend, match->row->name, what, (long long)i, actual, expected,
                    largest);
        fail();
    }
}

/* ---- the runner ---- */

static void run_case(void **state)
{
    kernel_match *match = *state;
    match->random = 0;
    for (int s = 0; s < KERNEL_SIDES; s++)
        kernel_bench_begin(&match->bench[s], match->threads);
    match->row->run(match);
    for (int s = 0; s < KERNEL_SIDES; s++)
        kernel_bench_end(&match->bench[s]);
}

static int run_files(const char *group, const hni_kernels *tested, int threads, const kernel_case *const *files,
                     size_t file_count)
{
    enum { MOST = 128 };
    static kernel_match matches[MOST];
    static struct CMUnitTest tests[MOST];
    size_t count = 0;
    for (size_t f = 0; f < file_count; f++) {
        for (const kernel_case *row = files[f]; row->name != NULL; row++, count++) {
            if (count == MOST) {
                print_error("there are more than %d cases: enlarge MOST\n", MOST);
                return 1;
            }
            matches[count] =
                (kernel_match){.row = row, .kernels = {tested, hni_kernels_generic(HN_DTYPE_F64)}, .threads = threads};
            tests[count] =
                (struct CMUnitTest){.name = row->name, .test_func = run_case, .initial_state = &matches[count]};
        }
    }
    return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}

int kernel_cases_run(const char *group, const hni_kernels *tested, int threads)
{
    const kernel_case *files[] = {kernel_cases_elements, kernel_cases_rows,       kernel_cases_training,
                                  kernel_cases_packed,   kernel_cases_recurrence, kernel_cases_gather,
                                  kernel_cases_image,    kernel_cases_batch};
    return run_files(group, tested, threads, files, sizeof files / sizeof files[0]);
}

int kernel_cases_run_recurrences(const char *group, const hni_kernels *tested, int threads)
{
    const kernel_case *file = kernel_cases_recurrence;
    return run_files(group, tested, threads, &file, 1);
}
