/* Times every slow slot of the kernel table at the shapes of a layer-norm HyperLSTM language model (paper A.2: N 1000, M 128, E 4,
 * batch 128, 50 symbols) and prints the best of many runs: microseconds, GB/s of operands read and written once, GFLOP/s.
 *
 *     kernels [-b generic|cpu] [-t THREADS] [-m MILLISECONDS] [FILTER]
 *
 * $HN_ISA chooses the instruction level. Other programs on the same cores spoil the figures: it prints the smallest of all times. */
#include "core/arena.h"
#include "kernels/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 128, UNITS = 1000, GATES = 4, HYPER = 128, EMBEDDING = 4, SYMBOLS = 50, STEPS = 100 };

typedef struct bench {
    hn_context *context;
    const hni_kernels *kernels;
    hni_arena scratch;
    hni_step_block step;
    hni_exec exec;
    double milliseconds;
    const char *filter;
    float *memory[4]; /* random numbers, MEMORY floats each */
    int32_t *symbols;
} bench;

enum { MEMORY = 8 << 20 };

static void stop(const char *text)
{
    fprintf(stderr, "kernels: %s\n", text);
    exit(1);
}

static void check(const bench *b, hn_status status)
{
    if (status != HN_OK) stop(hn_context_error(b->context)->text);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* One timed call: `run` with its own arguments; numbers read and written once, and multiplications plus additions. */
typedef struct entry {
    const char *name;
    hn_status (*run)(bench *b);
    double numbers, operations;
} entry;

static hn_status multiply(bench *b, hni_gemm gemm)
{
    gemm.a = b->memory[0];
    gemm.b = b->memory[1];
    gemm.c = b->memory[3];
    gemm.alpha = 1;
    if (gemm.batch == 0) gemm.batch = 1;
    return b->kernels->gemm(&b->exec, &gemm);
}

/* `gemm` is run if it is not NULL, else the entry's function. */
static void time_entry(bench *b, const entry *e, const hni_gemm *gemm)
{
    if (b->filter != NULL && strstr(e->name, b->filter) == NULL) return;
    double best = 1e9;
    const double start = now();
    for (int runs = 0; runs < 5 || (now() - start) * 1e3 < b->milliseconds; runs++) {
        const double before = now();
        check(b, gemm != NULL ? multiply(b, *gemm) : e->run(b));
        const double taken = now() - before;
        hni_arena_reset(&b->scratch);
        if (taken < best) best = taken;
    }
    printf("%-58s %9.1f us %7.1f GB/s", e->name, best * 1e6, 4e-9 * e->numbers / best);
    if (e->operations > 0) printf(" %8.1f GFLOP/s", 1e-9 * e->operations / best);
    printf("\n");
}

/* ---- views ---- */

static hni_view view_of(void *data, hn_shape shape) { return hni_view_of(data, HN_DTYPE_F32, shape); }

static hni_view repeated(hni_view view, hn_shape shape)
{
    hni_view out;
    if (!hni_view_broadcast(&view, shape, &out)) stop("a shape does not broadcast");
    return out;
}

static const double two[2] = {2, 0};

/* inputs 0 .. 2 and an output, all [rows, columns]; of the inputs in `rows_repeat` there is one row. */
static hn_status map_matrix(bench *b, hni_map map, hn_shape shape, unsigned rows_repeat, bool accumulate)
{
    hni_view inputs[3];
    for (int i = 0; i < hni_map_inputs(map); i++) {
        hn_shape own = shape;
        const bool repeat = (rows_repeat >> i & 1) != 0;
        if (repeat) own.size[0] = 1;
        inputs[i] = repeated(view_of(b->memory[i], own), shape);
    }
    hni_view out = view_of(b->memory[3], shape);
    return b->kernels->map(&b->exec, map, two, inputs, &out, accumulate);
}

#define GATES_SHAPE HN_SHAPE2(BATCH, GATES *UNITS)
#define STATE_SHAPE HN_SHAPE2(BATCH, UNITS)

/* ---- element-wise ---- */

static hn_status run_mul(bench *b) { return map_matrix(b, HNI_MAP_MUL, GATES_SHAPE, 0, false); }

static hn_status run_mul_add_repeated(bench *b) { return map_matrix(b, HNI_MAP_MUL_ADD, GATES_SHAPE, 4, false); }

static hn_status run_mul_accumulate(bench *b) { return map_matrix(b, HNI_MAP_MUL, GATES_SHAPE, 0, true); }

static hn_status run_copy(bench *b) { return map_matrix(b, HNI_MAP_COPY, GATES_SHAPE, 0, false); }

static hn_status run_sigmoid(bench *b) { return map_matrix(b, HNI_MAP_SIGMOID, STATE_SHAPE, 0, false); }

static hn_status run_tanh(bench *b) { return map_matrix(b, HNI_MAP_TANH, STATE_SHAPE, 0, false); }

static hn_status run_add_small(bench *b) { return map_matrix(b, HNI_MAP_ADD, HN_SHAPE2(BATCH, HYPER), 0, false); }

/* One gate: columns 1000 .. 2000 of [128,4000]. */
static hn_status run_sigmoid_slice(bench *b)
{
    hni_view in = view_of(b->memory[0] + UNITS, STATE_SHAPE), out = view_of(b->memory[3], STATE_SHAPE);
    in.stride[0] = GATES * UNITS;
    return b->kernels->map(&b->exec, HNI_MAP_SIGMOID, two, &in, &out, false);
}

static hn_status run_copy_thin_slice(bench *b)
{
    hni_view in = view_of(b->memory[0], HN_SHAPE3(BATCH, GATES, EMBEDDING)),
             out = view_of(b->memory[3], HN_SHAPE3(BATCH, GATES, EMBEDDING));
    in.stride[0] = 48;
    return b->kernels->map(&b->exec, HNI_MAP_COPY, two, &in, &out, false);
}

static hn_status run_copy_transposed(bench *b)
{
    hni_view in = view_of(b->memory[0], STATE_SHAPE), out = view_of(b->memory[3], HN_SHAPE2(UNITS, BATCH));
    in.size[0] = UNITS;
    in.size[1] = BATCH;
    in.stride[0] = 1;
    in.stride[1] = UNITS;
    return b->kernels->map(&b->exec, HNI_MAP_COPY, two, &in, &out, false);
}

/* ---- sums ---- */

static hn_status sum_into(bench *b, hn_shape shape, hni_view out)
{
    const hni_view in = view_of(b->memory[0], shape);
    hni_view target = repeated(out, shape);
    return b->kernels->map(&b->exec, HNI_MAP_COPY, two, &in, &target, true);
}

static hn_status run_sum_rows(bench *b)
{
    return sum_into(b, GATES_SHAPE, view_of(b->memory[3], HN_SHAPE1(GATES * UNITS)));
}

static hn_status run_sum_along(bench *b)
{
    return sum_into(b, GATES_SHAPE, view_of(b->memory[3], HN_SHAPE2(BATCH, 1)));
}

static hn_status run_sum_all(bench *b) { return sum_into(b, GATES_SHAPE, view_of(b->memory[3], HN_SCALAR())); }

static hn_status run_sum_logits(bench *b)
{
    return sum_into(b, HN_SHAPE2(STEPS * BATCH, SYMBOLS), view_of(b->memory[3], HN_SHAPE1(SYMBOLS)));
}

static hn_status run_mul_sum_rows(bench *b)
{
    const hni_view inputs[2] = {view_of(b->memory[0], GATES_SHAPE), view_of(b->memory[1], GATES_SHAPE)};
    hni_view target = repeated(view_of(b->memory[3], HN_SHAPE1(GATES * UNITS)), GATES_SHAPE);
    return b->kernels->map(&b->exec, HNI_MAP_MUL, two, inputs, &target, true);
}

/* ---- the rest ---- */

static hni_norm norm_of(bench *b)
{
    const hn_shape shape = HN_SHAPE3(BATCH, GATES, UNITS);
    const hni_view gain = view_of(b->memory[1], HN_SHAPE2(GATES, UNITS));
    return (hni_norm){.x = view_of(b->memory[0], shape),
                      .gain = repeated(gain, shape),
                      .shift = repeated(gain, shape),
                      .epsilon = 1e-5,
                      .mean = b->memory[1] + 100000,
                      .inverse = b->memory[1] + 200000};
}

static hn_status run_norm(bench *b)
{
    const hni_norm norm = norm_of(b);
    hni_view out = view_of(b->memory[3], HN_SHAPE3(BATCH, GATES, UNITS));
    return b->kernels->layer_norm(&b->exec, &norm, &out);
}

static hn_status run_norm_vjp(bench *b)
{
    const hn_shape shape = HN_SHAPE3(BATCH, GATES, UNITS);
    hni_norm_vjp vjp = {
        .forward = norm_of(b), .want_dx = true, .want_dgain = true, .want_dshift = true, .dx_fresh = true};
    vjp.dy = view_of(b->memory[2], shape);
    vjp.dx = view_of(b->memory[3], shape);
    vjp.dgain = repeated(view_of(b->memory[3] + 1000000, HN_SHAPE2(GATES, UNITS)), shape);
    vjp.dshift = repeated(view_of(b->memory[3] + 2000000, HN_SHAPE2(GATES, UNITS)), shape);
    return b->kernels->layer_norm_vjp(&b->exec, &vjp);
}

static hn_status run_dropout(bench *b)
{
    const hni_view x = view_of(b->memory[0], STATE_SHAPE);
    hni_view out = view_of(b->memory[3], STATE_SHAPE);
    const hni_dropout dropout = {.keep = 0.9, .site = 7, .stride = {STEPS * UNITS, 1}};
    return b->kernels->dropout(&b->exec, &dropout, &x, &out, false);
}

static hni_view symbols_view(bench *b, int64_t count)
{
    return hni_view_of(b->symbols, HN_DTYPE_I32, HN_SHAPE1(count));
}

static hn_status run_lookup(bench *b)
{
    const hni_view table = view_of(b->memory[0], HN_SHAPE2(SYMBOLS, GATES * UNITS)), indices = symbols_view(b, BATCH);
    hni_view out = view_of(b->memory[3], GATES_SHAPE);
    return b->kernels->lookup(&b->exec, &table, &indices, &out);
}

static hn_status run_lookup_vjp(bench *b)
{
    const hni_view dy = view_of(b->memory[0], GATES_SHAPE), indices = symbols_view(b, BATCH);
    hni_view table = view_of(b->memory[3], HN_SHAPE2(SYMBOLS, GATES * UNITS));
    return b->kernels->lookup_vjp(&b->exec, &dy, &indices, &table);
}

static hn_status run_softmax(bench *b)
{
    const int64_t rows = STEPS * BATCH;
    const hni_view logits = view_of(b->memory[0], HN_SHAPE2(rows, SYMBOLS)), targets = symbols_view(b, rows);
    hni_view log_sum = view_of(b->memory[3], HN_SHAPE1(rows)), loss = view_of(b->memory[2], HN_SHAPE1(rows));
    const hni_softmax softmax = {&logits, &targets, 0};
    return b->kernels->softmax_loss(&b->exec, &softmax, &log_sum, &loss);
}

static hn_status run_softmax_vjp(bench *b)
{
    const int64_t rows = STEPS * BATCH;
    const hni_view logits = view_of(b->memory[0], HN_SHAPE2(rows, SYMBOLS)), targets = symbols_view(b, rows);
    const hni_view weights = view_of(b->memory[1], HN_SHAPE1(rows)), log_sum = view_of(b->memory[2], HN_SHAPE1(rows));
    const hni_view dloss = view_of(b->memory[1], HN_SCALAR());
    hni_view dlogits = view_of(b->memory[3], HN_SHAPE2(rows, SYMBOLS));
    const hni_softmax softmax = {&logits, &targets, 0};
    return b->kernels->softmax_loss_vjp(&b->exec, &softmax, &weights, &log_sum, &dloss, 1, &dlogits, false);
}

enum { PARAMETERS = 4900000 };

static hn_status run_gradient_norm(bench *b)
{
    return b->kernels->gradient_norm(&b->exec, PARAMETERS, b->memory[0], 1, 0);
}

static hn_status run_nonfinite(bench *b)
{
    int64_t count;
    return b->kernels->count_nonfinite(&b->exec, PARAMETERS, b->memory[0], &count);
}

static hn_status run_adam(bench *b)
{
    const hni_adam adam = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    b->step.finite = 1;
    b->step.rate = 0; /* the numbers stay what they are, however long this runs */
    b->step.correction_mean = b->step.correction_variance = b->step.clip_factor = 1;
    return b->kernels->adam(&b->exec, &adam, PARAMETERS, b->memory[0], b->memory[1], b->memory[2], b->memory[3]);
}

static hn_status run_fill(bench *b)
{
    return b->kernels->fill_zero(&b->exec, b->memory[3], PARAMETERS * sizeof(float));
}

#define GN ((double)BATCH * GATES * UNITS)
#define BN ((double)BATCH * UNITS)

typedef struct product {
    entry entry;
    hni_gemm gemm;
} product;

static const product products[] = {
    {{"gemm [128,1000] [4000,1000]^T", NULL, 5.0 * GN / 4 + 4e6, 2 * GN *UNITS},
     {.transpose_b = true,
      .m = BATCH,
      .n = GATES * UNITS,
      .k = UNITS,
      .lda = UNITS,
      .ldb = UNITS,
      .ldc = GATES * UNITS}},
    {{"gemm [128,4000] [4000,1000]", NULL, 5.0 * GN / 4 + 4e6, 2 * GN *UNITS},
     {.m = BATCH, .n = UNITS, .k = GATES * UNITS, .lda = GATES * UNITS, .ldb = UNITS, .ldc = UNITS}},
    {{"gemm [128,4000]^T [128,1000], accumulate", NULL, 5.0 * GN / 4 + 8e6, 2 * GN *UNITS},
     {.transpose_a = true,
      .m = GATES * UNITS,
      .n = UNITS,
      .k = BATCH,
      .lda = GATES * UNITS,
      .ldb = UNITS,
      .ldc = UNITS,
      .beta = 1}},
    {{"gemm [128,128] [512,128]^T", NULL, 147456, 2.0 * BATCH *HYPER *HYPER *GATES},
     {.transpose_b = true,
      .m = BATCH,
      .n = GATES * HYPER,
      .k = HYPER,
      .lda = HYPER,
      .ldb = HYPER,
      .ldc = GATES * HYPER}},
    {{"gemm [128,128] [16,128]^T", NULL, 20480, 2.0 * BATCH *HYPER * 16},
     {.transpose_b = true,
      .m = BATCH,
      .n = GATES * EMBEDDING,
      .k = HYPER,
      .lda = HYPER,
      .ldb = HYPER,
      .ldc = GATES * EMBEDDING}},
    {{"gemm [128,128] [48,128]^T", NULL, 28672, 2.0 * BATCH *HYPER * 48},
     {.transpose_b = true,
      .m = BATCH,
      .n = 3 * GATES * EMBEDDING,
      .k = HYPER,
      .lda = HYPER,
      .ldb = HYPER,
      .ldc = 3 * GATES * EMBEDDING}},
    {{"gemm 4 x [128,4] [1000,4]^T -> [128,4,1000]", NULL, GN, 8 * GN},
     {.transpose_b = true,
      .m = BATCH,
      .n = UNITS,
      .k = EMBEDDING,
      .lda = GATES * EMBEDDING,
      .ldb = EMBEDDING,
      .ldc = GATES * UNITS,
      .batch = GATES,
      .batch_stride_a = EMBEDDING,
      .batch_stride_b = UNITS * EMBEDDING,
      .batch_stride_c = UNITS}},
    {{"gemm 4 x [128,1000] [1000,4], accumulate", NULL, GN, 8 * GN},
     {.m = BATCH,
      .n = EMBEDDING,
      .k = UNITS,
      .lda = GATES * UNITS,
      .ldb = EMBEDDING,
      .ldc = GATES * EMBEDDING,
      .beta = 1,
      .batch = GATES,
      .batch_stride_a = UNITS,
      .batch_stride_b = UNITS * EMBEDDING,
      .batch_stride_c = EMBEDDING}},
    {{"gemm 4 x [128,1000]^T [128,4], accumulate", NULL, GN, 8 * GN},
     {.transpose_a = true,
      .m = UNITS,
      .n = EMBEDDING,
      .k = BATCH,
      .lda = GATES * UNITS,
      .ldb = GATES * EMBEDDING,
      .ldc = EMBEDDING,
      .beta = 1,
      .batch = GATES,
      .batch_stride_a = UNITS,
      .batch_stride_b = EMBEDDING,
      .batch_stride_c = UNITS * EMBEDDING}},
    {{"gemm [1,1000] [4000,1000]^T", NULL, 4e6, 8e6},
     {.transpose_b = true, .m = 1, .n = GATES * UNITS, .k = UNITS, .lda = UNITS, .ldb = UNITS, .ldc = GATES * UNITS}},
};

static const entry entries[] = {
    {"map mul [128,4000]", run_mul, 3 * GN, 0},
    {"map mul_add [128,4000], c [4000]", run_mul_add_repeated, 3 * GN, 0},
    {"map mul [128,4000], accumulate", run_mul_accumulate, 4 * GN, 0},
    {"map copy [128,4000]", run_copy, 2 * GN, 0},
    {"map sigmoid [128,1000]", run_sigmoid, 2 * BN, 0},
    {"map tanh [128,1000]", run_tanh, 2 * BN, 0},
    {"map sigmoid [128,1000], row stride 4000", run_sigmoid_slice, 2 * BN, 0},
    {"map add [128,128]", run_add_small, 3.0 * BATCH *HYPER, 0},
    {"map copy [128,4,4], row stride 48", run_copy_thin_slice, 2.0 * BATCH *GATES *EMBEDDING, 0},
    {"map copy [1000,128], transposed", run_copy_transposed, 2 * BN, 0},
    {"sum [128,4000] -> [4000]", run_sum_rows, GN, 0},
    {"sum of a product [128,4000] -> [4000]", run_mul_sum_rows, 2 * GN, 0},
    {"sum [128,4000] -> [128]", run_sum_along, GN, 0},
    {"sum [128,4000] -> scalar", run_sum_all, GN, 0},
    {"sum [12800,50] -> [50]", run_sum_logits, 640000, 0},
    {"layer_norm [128,4,1000]", run_norm, 2 * GN, 0},
    {"layer_norm_vjp [128,4,1000]", run_norm_vjp, 3 * GN, 0},
    {"dropout [128,1000]", run_dropout, 2 * BN, 0},
    {"lookup [128] in [50,4000]", run_lookup, 2 * GN, 0},
    {"lookup_vjp [128,4000] to [50,4000]", run_lookup_vjp, 2 * GN, 0},
    {"softmax_loss [12800,50]", run_softmax, 640000, 0},
    {"softmax_loss_vjp [12800,50]", run_softmax_vjp, 2 * 640000, 0},
    {"gradient_norm, 4.9 million", run_gradient_norm, PARAMETERS, 0},
    {"count_nonfinite, 4.9 million", run_nonfinite, PARAMETERS, 0},
    {"adam, 4.9 million", run_adam, 7.0 * PARAMETERS, 0},
    {"fill_zero, 4.9 million", run_fill, PARAMETERS, 0},
};

static void *numbers(bench *b, size_t count)
{
    void *memory;
    check(b, b->kernels->allocate(b->context, "benchmark", count * 4, &memory));
    return memory;
}

static void fill(bench *b)
{
    uint32_t state = 1;
    for (int m = 0; m < 4; m++) {
        b->memory[m] = numbers(b, MEMORY);
        for (size_t i = 0; i < MEMORY; i++) {
            state = state * 1664525u + 1013904223u;
            b->memory[m][i] = (float)(state >> 8) * 0x1p-24f;
        }
    }
    b->symbols = numbers(b, STEPS * BATCH);
    for (int i = 0; i < STEPS * BATCH; i++)
        b->symbols[i] = i * 7 % SYMBOLS;
}

int main(int argc, char **argv)
{
    bench b = {.milliseconds = 60};
    hn_context_options options;
    hn_context_options_default(&options);
    const char *backend = "cpu";
    for (int i = 1; i < argc; i++) {
        const bool has_value = argv[i][0] == '-' && i + 1 < argc;
        if (has_value && strcmp(argv[i], "-b") == 0)
            backend = argv[++i];
        else if (has_value && strcmp(argv[i], "-t") == 0)
            options.threads = atoi(argv[++i]);
        else if (has_value && strcmp(argv[i], "-m") == 0)
            b.milliseconds = atof(argv[++i]);
        else if (argv[i][0] == '-')
            stop("usage: kernels [-b generic|cpu] [-t THREADS] [-m MILLISECONDS] [FILTER]");
        else
            b.filter = argv[i];
    }
    if (hn_context_create(&options, &b.context) != HN_OK) stop("-t wants a whole number of threads, 0 for one a core");
    check(&b, hni_kernels_choose_isa(b.context, getenv("HN_ISA")));
    const bool generic = strcmp(backend, "generic") == 0;
    b.kernels = generic                       ? hni_kernels_generic(HN_DTYPE_F32)
                : strcmp(backend, "cpu") == 0 ? hni_kernels_cpu(HN_DTYPE_F32)
                                              : NULL;
    if (b.kernels == NULL) stop("no such backend in this build");
    hni_arena_init(&b.scratch, b.context, "scratch", false);
    b.exec = (hni_exec){.context = b.context, .threads = b.context->threads, .scratch = &b.scratch, .step = &b.step};
    fill(&b);
    printf("backend %s, level %s, %d threads\n", b.kernels->backend, hni_kernels_isa(), b.exec.threads);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        time_entry(&b, &entries[i], NULL);
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        time_entry(&b, &products[i].entry, &products[i].gemm);
    for (int m = 0; m < 4; m++)
        b.kernels->release(b.context, b.memory[m]);
    b.kernels->release(b.context, b.symbols);
    hni_arena_destroy(&b.scratch);
    hn_context_destroy(b.context);
    return 0;
}
