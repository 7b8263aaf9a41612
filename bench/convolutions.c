/* The convolutions of a WRN-40-1 at batch 128, forward and both gradients, three ways turn by turn: the slots of the cpu table, and
 * oneDNN's direct convolution with channels last and in blocks of channels (its own choice), whose kernels are packed before. Prints medians
 * in milliseconds, sums over the network's layers, and how far the slots are from sums in double.
 *
 *     convolutions [-t THREADS] [-n ROUNDS] [-b BATCH]
 *
 * $HN_ISA chooses the instruction level. Other programs on the same cores spoil the figures. */
#include <stdio.h>

#ifdef HNI_HAVE_CPU

#include "core/arena.h"
#include "kernels/table.h"

#include <dnnl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern void omp_set_num_threads(int threads);

enum { FORWARD, DATA, WEIGHTS, PASSES };
enum { OURS, LAST, BLOCKED, WAYS };
static const char *const way_names[WAYS] = {"hypernet", "oneDNN, channels last", "oneDNN, blocked"};

typedef struct layer {
    const char *name;
    int64_t channels, side, outputs, taps, stride, padding;
    int count; /* in the network */
} layer;

static const layer layers[] = {
    {"3 -> 16, 32 x 32", 3, 32, 16, 3, 1, 1, 1},
    {"16 -> 16, 32 x 32", 16, 32, 16, 3, 1, 1, 12},
    {"16 -> 32, 32 x 32, stride 2", 16, 32, 32, 3, 2, 1, 1},
    {"32 -> 32, 16 x 16", 32, 16, 32, 3, 1, 1, 11},
    {"32 -> 64, 16 x 16, stride 2", 32, 16, 64, 3, 2, 1, 1},
    {"64 -> 64, 8 x 8", 64, 8, 64, 3, 1, 1, 11},
};
enum { LAYERS = sizeof layers / sizeof layers[0] };

typedef struct bench {
    hn_context *context;
    const hni_kernels *kernels;
    hni_arena scratch;
    hni_step_block step;
    hni_exec exec;
    int64_t batch;
    int rounds;
    float *x, *y, *kernel, *made; /* made: dkernel */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} bench;

static void stop(const char *text)
{
    fprintf(stderr, "convolutions: %s\n", text);
    exit(1);
}

static void check(const bench *b, hn_status status)
{
    if (status != HN_OK) stop(hn_context_error(b->context)->text);
}

static void need(dnnl_status_t result)
{
    if (result != dnnl_success) stop("oneDNN refused");
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int64_t out_side(const layer *l) { return (l->side + 2 * l->padding - l->taps) / l->stride + 1; }

/* ---- ours ---- */

static hni_convolution convolution_of(const bench *b, const layer *l)
{
    return (hni_convolution){
        .x = hni_view_of(b->x, HN_DTYPE_F32, HN_SHAPE4(b->batch, l->side, l->side, l->channels)),
        .kernel = hni_view_of(b->kernel, HN_DTYPE_F32, HN_SHAPE4(l->outputs, l->channels, l->taps, l->taps)),
        .stride = l->stride,
        .padding = l->padding};
}

static void run_ours(bench *b, const layer *l, int pass)
{
    const hni_convolution conv = convolution_of(b, l);
    hni_view y = hni_view_of(b->y, HN_DTYPE_F32, HN_SHAPE4(b->batch, out_side(l), out_side(l), l->outputs));
    if (pass == FORWARD) {
        check(b, b->kernels->conv2d(&b->exec, &conv, &y));
    } else {
        hni_convolution_vjp vjp = {
            .forward = conv, .dy = y, .dx = conv.x, .dkernel = conv.kernel, .dx_fresh = true, .dkernel_fresh = true};
        vjp.dkernel.data = b->made;
        vjp.want_dx = pass == DATA;
        vjp.want_dkernel = pass == WEIGHTS;
        check(b, b->kernels->conv2d_vjp(&b->exec, &vjp));
    }
    hni_arena_reset(&b->scratch);
}

/* Largest distance of y from sums in double, as a share of the largest sum; over some of the images. */
static double error_of(bench *b, const layer *l)
{
    const int64_t side = out_side(l), images = b->batch < 4 ? b->batch : 4;
    double worst = 0, largest = 0;
    run_ours(b, l, FORWARD);
    for (int64_t at = 0; at < images * side * side * l->outputs; at++) {
        const int64_t o = at % l->outputs, j = at / l->outputs % side, i = at / l->outputs / side % side,
                      image = at / l->outputs / side / side;
        double sum = 0;
        for (int64_t tap = 0; tap < l->taps * l->taps; tap++) {
            const int64_t row = i * l->stride + tap / l->taps - l->padding,
                          column = j * l->stride + tap % l->taps - l->padding;
            if (row < 0 || row >= l->side || column < 0 || column >= l->side) continue;
            for (int64_t c = 0; c < l->channels; c++)
                sum += (double)b->x[((image * l->side + row) * l->side + column) * l->channels + c] *
                       (double)b->kernel[(o * l->channels + c) * l->taps * l->taps + tap];
        }
        worst = fmax(worst, fabs(sum - (double)b->y[at]));
        largest = fmax(largest, fabs(sum));
    }
    return worst / largest;
}

/* ---- oneDNN ---- */

typedef struct theirs {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[3];
} theirs;

static dnnl_memory_t memory_of(bench *b, const dnnl_memory_desc_t *layout, void *data)
{
    dnnl_memory_t memory;
    need(dnnl_memory_create(&memory, layout, b->engine, data));
    return memory;
}

static theirs prepare(bench *b, const layer *l, int pass, dnnl_format_tag_t tag)
{
    theirs t;
    dnnl_memory_desc_t x, kernel, y;
    dnnl_convolution_desc_t convolution;
    dnnl_primitive_desc_t plan;
    const dnnl_dims_t of_x = {b->batch, l->channels, l->side, l->side},
                      of_kernel = {l->outputs, l->channels, l->taps, l->taps},
                      of_y = {b->batch, l->outputs, out_side(l), out_side(l)}, strides = {l->stride, l->stride},
                      before = {l->padding, l->padding};
    const int64_t missing = (out_side(l) - 1) * l->stride + l->taps - l->padding - l->side;
    const dnnl_dims_t behind = {missing, missing};
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    need(dnnl_memory_desc_init_by_tag(&x, 4, of_x, dnnl_f32, tag));
    need(dnnl_memory_desc_init_by_tag(&kernel, 4, of_kernel, dnnl_f32, dnnl_format_tag_any));
    need(dnnl_memory_desc_init_by_tag(&y, 4, of_y, dnnl_f32, tag));
    need(pass == FORWARD ? dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_training, direct, &x, &kernel,
                                                              NULL, &y, strides, before, behind)
         : pass == DATA
             ? dnnl_convolution_backward_data_desc_init(&convolution, direct, &x, &kernel, &y, strides, before, behind)
             : dnnl_convolution_backward_weights_desc_init(&convolution, direct, &x, &kernel, NULL, &y, strides, before,
                                                           behind));
    need(dnnl_primitive_desc_create(&plan, &convolution, NULL, b->engine, NULL));
    need(dnnl_primitive_create(&t.primitive, plan));
    static const int arguments[PASSES][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                             {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                             {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    static const dnnl_query_t layouts[PASSES][3] = {
        {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
        {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
        {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md}};
    void *const data[3] = {b->x, DNNL_MEMORY_ALLOCATE, b->y};
    for (int i = 0; i < 3; i++) {
        const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(plan, layouts[pass][i], 0);
        t.arguments[i] = (dnnl_exec_arg_t){arguments[pass][i], memory_of(b, layout, data[i])};
    }
    void *packed;
    need(dnnl_memory_get_data_handle(t.arguments[1].memory, &packed));
    const size_t size =
        dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(plan, layouts[pass][1], 0)) / sizeof(float);
    for (size_t i = 0; i < size; i++)
        ((float *)packed)[i] = b->kernel[i % 9216];
    need(dnnl_primitive_desc_destroy(plan));
    return t;
}

static void run_theirs(bench *b, const theirs *t)
{
    need(dnnl_primitive_execute(t->primitive, b->stream, 3, t->arguments));
    need(dnnl_stream_wait(b->stream));
}

static void release(theirs *t)
{
    for (int i = 0; i < 3; i++)
        need(dnnl_memory_destroy(t->arguments[i].memory));
    need(dnnl_primitive_destroy(t->primitive));
}

/* ---- the race ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { MOST_ROUNDS = 200 };

/* Medians in milliseconds. */
static void race(bench *b, const layer *l, int pass, double out[WAYS])
{
    static double taken[WAYS][MOST_ROUNDS];
    theirs t[WAYS];
    t[LAST] = prepare(b, l, pass, dnnl_nhwc);
    t[BLOCKED] = prepare(b, l, pass, dnnl_format_tag_any);
    for (int round = -2; round < b->rounds; round++)
        for (int way = 0; way < WAYS; way++) {
            const double before = now();
            if (way == OURS)
                run_ours(b, l, pass);
            else
                run_theirs(b, &t[way]);
            if (round >= 0) taken[way][round] = (now() - before) * 1e3;
        }
    for (int way = 0; way < WAYS; way++) {
        qsort(taken[way], (size_t)b->rounds, sizeof(double), ascending);
        out[way] = taken[way][b->rounds / 2];
    }
    release(&t[LAST]);
    release(&t[BLOCKED]);
}

static float *numbers(const bench *b, size_t count, uint32_t seed)
{
    void *memory;
    check(b, b->kernels->allocate(b->context, "benchmark", count * sizeof(float), &memory));
    float *to = memory;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
    return to;
}

int main(int argc, char **argv)
{
    static const char *const passes[PASSES] = {"forward", "gradient of x", "gradient of the kernel"};
    bench b = {.batch = 128, .rounds = 15};
    double sums[WAYS] = {0};
    hn_context_options options;
    hn_context_options_default(&options);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-t") == 0) options.threads = atoi(argv[i + 1]);
        if (strcmp(argv[i], "-n") == 0) b.rounds = atoi(argv[i + 1]);
        if (strcmp(argv[i], "-b") == 0) b.batch = atoi(argv[i + 1]);
    }
    if (argc % 2 == 0 || b.rounds < 1 || b.rounds > MOST_ROUNDS || b.batch < 1 || b.batch > 1024)
        stop("usage: convolutions [-t THREADS] [-n ROUNDS, at most 200] [-b BATCH, at most 1024]");
    if (hn_context_create(&options, &b.context) != HN_OK) stop("-t wants a whole number of threads, 0 for one a core");
    check(&b, hni_kernels_choose_isa(b.context, getenv("HN_ISA")));
    b.kernels = hni_kernels_cpu(HN_DTYPE_F32);
    hni_arena_init(&b.scratch, b.context, "scratch", false);
    b.exec = (hni_exec){.context = b.context, .threads = b.context->threads, .scratch = &b.scratch, .step = &b.step};
    omp_set_num_threads(b.exec.threads);
    need(dnnl_engine_create(&b.engine, dnnl_cpu, 0));
    need(dnnl_stream_create(&b.stream, b.engine, dnnl_stream_default_flags));
    const size_t image = (size_t)b.batch * 32 * 32 * 16;
    b.x = numbers(&b, image, 1);
    b.y = numbers(&b, image, 2);
    b.kernel = numbers(&b, (size_t)64 * 64 * 9, 3);
    b.made = numbers(&b, (size_t)64 * 64 * 9, 4);
    printf("level %s, %d threads, batch %lld, medians of %d rounds, milliseconds\n", hni_kernels_isa(), b.exec.threads,
           (long long)b.batch, b.rounds);
    printf("%-30s %-24s %10s %22s %16s\n", "", "", way_names[OURS], way_names[LAST], way_names[BLOCKED]);
    for (int i = 0; i < LAYERS; i++) {
        for (int pass = 0; pass < PASSES; pass++) {
            double taken[WAYS];
            if (layers[i].channels == 3 && pass == DATA) continue; /* nobody wants it */
            race(&b, &layers[i], pass, taken);
            printf("%-30s %-24s %10.3f %22.3f %16.3f\n", pass == 0 ? layers[i].name : "", passes[pass], taken[OURS],
                   taken[LAST], taken[BLOCKED]);
            for (int way = 0; way < WAYS; way++)
                sums[way] += taken[way] * layers[i].count;
        }
        b.kernels->release(b.context, b.x);
        b.x = numbers(&b, image, 1);
        printf("%-30s %-24s %10.1e\n", "", "error, of the largest", error_of(&b, &layers[i]));
    }
    printf("%-55s %10.1f %22.1f %16.1f\n", "all 37 layers", sums[OURS], sums[LAST], sums[BLOCKED]);
    return 0;
}

#else

int main(void)
{
    puts("convolutions: this build has no cpu backend");
    return 77;
}

#endif
