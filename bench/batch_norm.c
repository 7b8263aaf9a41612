/* Times batch normalisation with ReLU, forward and backward, at the three sizes of a WRN-40-1 (paper A.3.2, batch 128): microseconds and
 * GB/s, the median of many turns; and milliseconds that its 38 layers take together.
 *
 *     batch_norm [-t THREADS]
 *
 * $HN_ISA chooses the instruction level. */
#include "core/arena.h"
#include "kernels/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 128, MOST = BATCH * 32 * 32 * 16, TURNS = 61, PARTS = 3 };

typedef struct bench {
    hn_context *context;
    const hni_kernels *kernels;
    hni_arena scratch;
    hni_step_block step;
    hni_exec exec;
    float *x, *dy, *out, *columns;
} bench;

static void stop(const char *text)
{
    fprintf(stderr, "batch_norm: %s\n", text);
    exit(1);
}

static void check(bench *b, hn_status status)
{
    if (status != HN_OK) stop(hn_context_error(b->context)->text);
    hni_arena_reset(&b->scratch);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static float *numbers(bench *b, size_t count)
{
    void *memory;
    check(b, b->kernels->allocate(b->context, "benchmark", count * sizeof(float), &memory));
    float *values = memory;
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) * 0x1p-24f;
    }
    return values;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One layer; seconds of the statistics, of the rest of the forward pass, and of the backward pass. */
static void turn(bench *b, int64_t rows, int64_t columns, double seconds[PARTS])
{
    float *gain = b->columns, *shift = gain + 64, *statistics = shift + 64, *gradients = statistics + 128;
    const hni_view x = hni_view_of(b->x, HN_DTYPE_F32, HN_SHAPE2(rows, columns));
    hni_view out = hni_view_of(statistics, HN_DTYPE_F32, HN_SHAPE2(2, columns));
    const hni_column_norm norm = {rows, columns, b->x, gain, shift, statistics, 1e-5, true};
    const hni_column_norm_vjp vjp = {norm, true, b->dy, b->out, gradients, gradients + 64, true};
    const double start = now();
    check(b, b->kernels->batch_statistics(&b->exec, &x, &out));
    const double first = now();
    check(b, b->kernels->batch_norm(&b->exec, &norm, b->out));
    const double second = now();
    check(b, b->kernels->batch_norm_vjp(&b->exec, &vjp));
    seconds[0] = first - start;
    seconds[1] = second - first;
    seconds[2] = now() - second;
}

/* Prints one size; returns the seconds of one layer. */
static double time_size(bench *b, int64_t side, int64_t columns)
{
    static const char *const names[PARTS] = {"statistics", "forward", "backward"};
    static const double passes[PARTS] = {1, 2, 5}; /* over x, dy, y or dx */
    const int64_t rows = BATCH * side * side;
    double seconds[PARTS][TURNS], total = 0;
    for (int i = 0; i < TURNS; i++) {
        double one[PARTS];
        turn(b, rows, columns, one);
        for (int p = 0; p < PARTS; p++)
            seconds[p][i] = one[p];
    }
    printf("[%6lld,%2lld]", (long long)rows, (long long)columns);
    for (int p = 0; p < PARTS; p++) {
        qsort(seconds[p], TURNS, sizeof(double), by_size);
        const double median = seconds[p][TURNS / 2];
        printf("  %s %5.0f us %5.1f GB/s", names[p], median * 1e6,
               4e-9 * passes[p] * (double)(rows * columns) / median);
        total += median;
    }
    printf("\n");
    return total;
}

int main(int argc, char **argv)
{
    bench b = {0};
    hn_context_options options;
    hn_context_options_default(&options);
    if (argc == 3 && strcmp(argv[1], "-t") == 0)
        options.threads = atoi(argv[2]);
    else if (argc != 1)
        stop("usage: batch_norm [-t THREADS]");
    if (hn_context_create(&options, &b.context) != HN_OK) stop("-t wants a whole number of threads, 0 for one a core");
    if (hni_kernels_choose_isa(b.context, getenv("HN_ISA")) != HN_OK) stop(hn_context_error(b.context)->text);
    b.kernels = hni_kernels_cpu(HN_DTYPE_F32);
    if (b.kernels == NULL) stop("this build has no cpu backend");
    hni_arena_init(&b.scratch, b.context, "scratch", false);
    b.exec = (hni_exec){.context = b.context, .threads = b.context->threads, .scratch = &b.scratch, .step = &b.step};
    b.x = numbers(&b, MOST);
    b.dy = numbers(&b, MOST);
    b.out = numbers(&b, MOST);
    b.columns = numbers(&b, 512);
    printf("level %s, %d threads\n", hni_kernels_isa(), b.exec.threads);
    const double layers = 13 * time_size(&b, 32, 16) + 12 * time_size(&b, 16, 32) + 13 * time_size(&b, 8, 64);
    printf("38 layers %.1f ms\n", layers * 1e3);
    float *const all[] = {b.x, b.dy, b.out, b.columns};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        b.kernels->release(b.context, all[i]);
    hni_arena_destroy(&b.scratch);
    hn_context_destroy(b.context);
    return 0;
}
