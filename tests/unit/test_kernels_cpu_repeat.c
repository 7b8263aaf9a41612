/* What the cpu table promises beyond right numbers, at the shapes of a training step, where every slot is really split among
 * threads: the same bytes in each run and at any address, numbers that agree with the generic table, Philox words that are exactly
 * the library's, the caller's OpenMP setting left alone, instruction levels refused by name. */
#include "core/rng.h"
#include "kernel_cases.h"
#include "test_isa.h"

#include <math.h>

enum { BATCH = 128, GATES = 4, UNITS = 500, ALL = BATCH * GATES * UNITS, LEFT_OUT = 77 };

typedef struct arrays {
    float *x, *dy, *gain, *out, *more, *small; /* [ALL] each but `small`, [2 * GATES * UNITS + 2] */
    float *statistics;                         /* [2 * BATCH * GATES] */
} arrays;

typedef struct setting {
    kernel_bench bench;
    const hni_kernels *cpu, *generic;
} setting;

static float *fill(size_t count, uint32_t site, size_t offset)
{
    const hni_rng_key key = {.seed = 5, .site = site};
    float *memory = malloc((count + 64) * sizeof memory[0]);
    assert_non_null(memory);
    for (size_t i = 0; i < count; i++)
        memory[i + offset] = (float)(hni_rng_uniform(&key, i) - 0.4);
    return memory;
}

static hni_view view_of(float *data, hn_shape shape) { return hni_view_of(data, HN_DTYPE_F32, shape); }

static hni_view repeated(float *data, hn_shape own, hn_shape shape)
{
    const hni_view view = view_of(data, own);
    hni_view out;
    assert_true(hni_view_broadcast(&view, shape, &out));
    return out;
}

static const double two[2] = {2, 0.5};

/* One of every kind of long calculation, on `out`, `more` and `small`. */
static void calculate(kernel_bench *bench, const hni_kernels *k, const arrays *a)
{
    hni_exec *exec = &bench->exec;
    const hn_shape cube = HN_SHAPE3(BATCH, GATES, UNITS), row = HN_SHAPE2(GATES, UNITS);
    hni_view out = view_of(a->out, cube), more = view_of(a->more, cube);
    const hni_view inputs[3] = {view_of(a->x, cube), repeated(a->gain, row, cube), view_of(a->dy, cube)};
    hni_norm norm = {.x = inputs[0], .gain = inputs[1], .shift = inputs[1], .epsilon = 1e-5};
    norm.mean = a->statistics;
    norm.inverse = a->statistics + BATCH * GATES;
    kernel_ok(bench, k->layer_norm(exec, &norm, &out));
    hni_norm_vjp vjp = {
        .forward = norm, .dy = inputs[2], .dx = more, .want_dx = true, .want_dgain = true, .want_dshift = true};
    vjp.dgain = repeated(a->small, row, cube);
    vjp.dshift = repeated(a->small + GATES * UNITS, row, cube);
    kernel_ok(bench, k->layer_norm_vjp(exec, &vjp));
    vjp.want_dx = false;
    vjp.dgain = repeated(a->small, HN_SHAPE1(UNITS), cube);
    vjp.dshift = repeated(a->small + UNITS, HN_SHAPE1(UNITS), cube);
    kernel_ok(bench, k->layer_norm_vjp(exec, &vjp));
    kernel_ok(bench, k->map(exec, HNI_MAP_MUL_ADD, two, inputs, &out, true));
    kernel_ok(bench, k->map(exec, HNI_MAP_TANH, two, &inputs[0], &more, true));
    hni_view columns = repeated(a->small, row, cube), rows = repeated(a->statistics, HN_SHAPE3(BATCH, GATES, 1), cube);
    hni_view middle = repeated(a->small, HN_SHAPE3(1, GATES, 1), cube),
             single = repeated(a->small + 2 * GATES * UNITS, HN_SCALAR(), cube);
    const hni_view product[2] = {inputs[0], inputs[2]};
    kernel_ok(bench, k->map(exec, HNI_MAP_MUL, two, product, &columns, true));
    kernel_ok(bench, k->map(exec, HNI_MAP_MUL, two, product, &rows, true));
    kernel_ok(bench, k->map(exec, HNI_MAP_MUL, two, product, &middle, true));
    kernel_ok(bench, k->map(exec, HNI_MAP_SCALE, two, product, &single, true));
    hni_view last = repeated(a->small, HN_SHAPE1(50), HN_SHAPE2(ALL / 50, 50));
    const hni_view narrow = view_of(a->x, HN_SHAPE2(ALL / 50, 50));
    kernel_ok(bench, k->map(exec, HNI_MAP_COPY, two, &narrow, &last, true));
}

/* Products of every shape that is treated apart. */
static void multiply(kernel_bench *bench, const hni_kernels *k, const arrays *a)
{
    const hni_gemm products[] = {
        {.m = BATCH,
         .n = UNITS,
         .k = UNITS,
         .lda = UNITS,
         .ldb = UNITS,
         .ldc = UNITS,
         .transpose_b = true,
         .batch = 1,
         .beta = 1},
        {.m = UNITS,
         .n = 4,
         .k = BATCH,
         .lda = GATES * UNITS,
         .ldb = 16,
         .ldc = 4,
         .transpose_a = true,
         .batch = GATES,
         .batch_stride_a = UNITS,
         .batch_stride_b = 4,
         .batch_stride_c = 4 * UNITS,
         .beta = 1},
        {.m = UNITS,
         .n = 7,
         .k = BATCH,
         .lda = UNITS,
         .ldb = BATCH,
         .ldc = 9,
         .transpose_a = true,
         .transpose_b = true,
         .batch = 1,
         .beta = 0.5},
        {.m = 33,
         .n = 3,
         .k = 1,
         .lda = 40,
         .ldb = 3,
         .ldc = 3,
         .transpose_a = true,
         .batch = 3,
         .batch_stride_a = 50,
         .batch_stride_b = 5,
         .batch_stride_c = 99},
        {.m = BATCH,
         .n = UNITS,
         .k = 4,
         .lda = 16,
         .ldb = 4,
         .ldc = GATES * UNITS,
         .transpose_b = true,
         .batch = GATES,
         .batch_stride_a = 4,
         .batch_stride_b = 4 * UNITS,
         .batch_stride_c = UNITS},
        {.m = 200,
         .n = 200,
         .k = 200,
         .lda = 200,
         .ldb = 200,
         .ldc = 200,
         .batch = 3,
         .batch_stride_a = 40000,
         .batch_stride_b = 0,
         .batch_stride_c = 40000,
         .beta = 1},
    };
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        hni_gemm gemm = products[i];
        gemm.a = a->x;
        gemm.b = a->dy;
        gemm.c = i % 2 == 0 ? a->out : a->more;
        gemm.alpha = i % 3 == 0 ? 1 : 0.25;
        kernel_ok(bench, k->gemm(&bench->exec, &gemm));
    }
}

/* Images of 16 channels, as many as the arrays hold, and each gradient. */
static void convolve(kernel_bench *bench, const hni_kernels *k, const arrays *a)
{
    enum { IMAGES = 15, SIDE = 32, CHANNELS = 16 };
    const hn_shape image = HN_SHAPE4(IMAGES, SIDE, SIDE, CHANNELS);
    const hni_convolution conv = {.x = view_of(a->x, image),
                                  .kernel = view_of(a->dy, HN_SHAPE4(CHANNELS, CHANNELS, 3, 3)),
                                  .has_bias = true,
                                  .bias = view_of(a->gain, HN_SHAPE1(CHANNELS)),
                                  .stride = 1,
                                  .padding = 1};
    hni_view out = view_of(a->out, image);
    kernel_ok(bench, k->conv2d(&bench->exec, &conv, &out));
    const hni_convolution_vjp vjp = {.forward = conv,
                                     .dy = view_of(a->dy, image),
                                     .dx = view_of(a->more, image),
                                     .dkernel = view_of(a->small, HN_SHAPE4(CHANNELS, CHANNELS, 3, 3)),
                                     .dbias = view_of(a->small + CHANNELS * CHANNELS * 9, HN_SHAPE1(CHANNELS)),
                                     .want_dx = true,
                                     .want_dkernel = true,
                                     .want_dbias = true};
    kernel_ok(bench, k->conv2d_vjp(&bench->exec, &vjp));
}

static arrays arrays_create(size_t offset)
{
    return (arrays){fill(ALL, 1, offset),
                    fill(ALL, 2, offset),
                    fill(GATES * UNITS, 3, offset),
                    fill(ALL, 4, offset),
                    fill(ALL, 5, offset),
                    fill(2 * GATES * UNITS + 2, 6, offset),
                    fill(2 * BATCH * GATES, 7, offset)};
}

static arrays arrays_at(const arrays *a, size_t offset)
{
    return (arrays){a->x + offset,    a->dy + offset,    a->gain + offset,      a->out + offset,
                    a->more + offset, a->small + offset, a->statistics + offset};
}

static void arrays_destroy(arrays *a)
{
    float *all[] = {a->x, a->dy, a->gain, a->out, a->more, a->small, a->statistics};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void run_all(kernel_bench *bench, const hni_kernels *k, const arrays *a)
{
    calculate(bench, k, a);
    multiply(bench, k, a);
    convolve(bench, k, a);
}

static void assert_same_bytes(const float *a, const float *b, size_t count)
{
    assert_memory_equal(a, b, count * sizeof a[0]);
}

/* Twice at the same place, then with every array moved by an odd number of floats. */
static void test_same_bytes(void **state)
{
    setting *s = *state;
    static const size_t offsets[] = {0, 0, 1, 5, 11};
    arrays first = arrays_create(0);
    run_all(&s->bench, s->cpu, &first);
    for (size_t i = 1; i < sizeof offsets / sizeof offsets[0]; i++) {
        arrays memory = arrays_create(offsets[i]);
        const arrays again = arrays_at(&memory, offsets[i]);
        run_all(&s->bench, s->cpu, &again);
        assert_same_bytes(again.out, first.out, ALL);
        assert_same_bytes(again.more, first.more, ALL);
        assert_same_bytes(again.small, first.small, 2 * GATES * UNITS + 2);
        assert_same_bytes(again.statistics, first.statistics, (size_t)2 * BATCH * GATES);
        arrays_destroy(&memory);
    }
    arrays_destroy(&first);
}

static double largest_of(const float *x, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

static void assert_near(const float *a, const float *b, size_t count)
{
    const double bound = 4e-6 * largest_of(b, count);
    for (size_t i = 0; i < count; i++)
        assert_close((double)a[i], (double)b[i], 1e-5, bound);
}

/* The generic table of float sums in double, so it is near enough to the truth. */
static void test_against_generic(void **state)
{
    setting *s = *state;
    for (int threads = 1; threads <= 3; threads++) {
        arrays fast = arrays_create(0), plain = arrays_create(0);
        s->bench.exec.threads = threads;
        run_all(&s->bench, s->cpu, &fast);
        run_all(&s->bench, s->generic, &plain);
        assert_near(fast.out, plain.out, ALL);
        assert_near(fast.more, plain.more, ALL);
        assert_near(fast.small, plain.small, 2 * GATES * UNITS + 2);
        assert_near(fast.statistics, plain.statistics, (size_t)2 * BATCH * GATES);
        arrays_destroy(&fast);
        arrays_destroy(&plain);
    }
    s->bench.exec.threads = 2;
}

/* Rows that start anywhere in a block of four words, and numbers beyond 32 bits. */
static void test_dropout_words(void **state)
{
    setting *s = *state;
    enum { ROWS = 40, WIDTH = 257 };
    float *x = fill(ROWS * WIDTH, 1, 0), *y = fill(ROWS * WIDTH, 2, 0);
    s->bench.step.seed = 0x123456789abcdefu;
    s->bench.step.step = 77;
    const hni_dropout dropout = {.keep = 0.7, .site = 99, .base = (INT64_C(1) << 34) - 1000, .stride = {WIDTH + 6, 1}};
    const hni_view in = view_of(x, HN_SHAPE2(ROWS, WIDTH));
    hni_view out = view_of(y, HN_SHAPE2(ROWS, WIDTH));
    kernel_ok(&s->bench, s->cpu->dropout(&s->bench.exec, &dropout, &in, &out, false));
    const hni_rng_key key = {.seed = s->bench.step.seed, .step = 77, .site = 99};
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t i = 0; i < WIDTH; i++) {
            const uint64_t number = (uint64_t)(dropout.base + r * (WIDTH + 6) + i);
            const bool kept = hni_rng_uniform(&key, number) < dropout.keep;
            const float expected = kept ? x[r * WIDTH + i] * (float)(1 / 0.7) : 0.0f;
            assert_true(y[r * WIDTH + i] == expected);
        }
    free(x);
    free(y);
}

#ifdef HNI_HAVE_CPU
/* Declared here, since only the library is compiled with OpenMP. */
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int threads);

static void test_openmp_setting(void **state)
{
    setting *s = *state;
    arrays a = arrays_create(0);
    const int before = omp_get_max_threads();
    omp_set_num_threads(5);
    multiply(&s->bench, s->cpu, &a);
    assert_int_equal(omp_get_max_threads(), 5);
    convolve(&s->bench, s->cpu, &a);
    assert_int_equal(omp_get_max_threads(), 5);
    omp_set_num_threads(before);
    arrays_destroy(&a);
}
#else
static void test_openmp_setting(void **state)
{
    (void)state;
    skip();
}
#endif

static void test_levels(void **state)
{
    setting *s = *state;
    hn_context *context = s->bench.context;
    char now[16];
    (void)snprintf(now, sizeof now, "%s", hni_kernels_isa());
    assert_int_equal(hni_kernels_choose_isa(context, NULL), HN_OK);
    assert_int_equal(hni_kernels_choose_isa(context, now), HN_OK);
    kernel_refused(&s->bench, hni_kernels_choose_isa(context, "v9"), HN_ERROR_ARGUMENT, "'v9' is unknown");
    kernel_refused(&s->bench, hni_kernels_choose_isa(context, ""), HN_ERROR_ARGUMENT, "'' is unknown");
#if defined(__x86_64__)
    const char *other = strcmp(now, "v2") == 0 ? "v3" : "v2";
    const hn_status status = hni_kernels_choose_isa(context, other);
    assert_true(status == HN_ERROR_STATE || (status == HN_ERROR_UNSUPPORTED && strcmp(other, "v3") == 0));
    hn_context_clear(context);
#endif
    assert_string_equal(hni_kernels_isa(), now);
    assert_null(hni_kernels_cpu(HN_DTYPE_F64));
}

int main(void)
{
    static setting s;
    s.cpu = hni_kernels_cpu(HN_DTYPE_F32);
    s.generic = hni_kernels_generic(HN_DTYPE_F32);
    if (s.cpu == NULL) {
        print_message("this build has no cpu backend\n");
        return LEFT_OUT;
    }
    kernel_bench_begin(&s.bench, 2);
    test_choose_isa(s.bench.context);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_same_bytes, &s), cmocka_unit_test_prestate(test_against_generic, &s),
        cmocka_unit_test_prestate(test_dropout_words, &s), cmocka_unit_test_prestate(test_levels, &s),
        cmocka_unit_test_prestate(test_openmp_setting, &s)};
    const int failures = cmocka_run_group_tests_name("cpu: repeats", tests, NULL, NULL);
    kernel_bench_end(&s.bench);
    return failures != 0;
}
