/* Times multiplies by packed matrices, as sampling does them: the sizes of a 1000-unit and a 256-unit HyperLSTM, one row and 32, each
 * type of storage, beside the same product by `gemm`. Prints the median of many runs: microseconds, GB/s of the matrix as it is
 * stored, and how many times as fast as `gemm`; first of all how fast two large arrays are read by all threads.
 *
 *     packed [-t THREADS] [-m MILLISECONDS]
 *
 * $HN_ISA chooses the instruction level. */
#include "core/arena.h"
#include "core/parallel.h"
#include "kernels/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROWS = 32, LARGEST = 4512 * 1000, RUNS = 4000, READ = 64 << 20 };

typedef struct bench {
    hn_context *context;
    const hni_kernels *kernels;
    hni_arena scratch;
    hni_exec exec;
    double milliseconds;
    float *w, *x, *out;
} bench;

static void check(const bench *b, hn_status status)
{
    if (status == HN_OK) return;
    fprintf(stderr, "packed: %s\n", hn_context_error(b->context)->text);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `packed` NULL: by gemm. */
static double time_product(bench *b, const hni_packed *packed, hn_shape shape, int64_t rows)
{
    static double taken[RUNS];
    const int64_t n = shape.size[0], k = shape.size[1];
    const hni_view x = hni_view_of(b->x, HN_DTYPE_F32, HN_SHAPE2(rows, k));
    hni_view out = hni_view_of(b->out, HN_DTYPE_F32, HN_SHAPE2(rows, n));
    const hni_gemm gemm = {.transpose_b = true,
                           .m = rows,
                           .n = n,
                           .k = k,
                           .a = b->x,
                           .b = b->w,
                           .c = b->out,
                           .lda = k,
                           .ldb = k,
                           .ldc = n,
                           .alpha = 1,
                           .batch = 1};
    const double start = now();
    size_t runs = 0;
    while (runs < RUNS && (runs < 9 || (now() - start) * 1e3 < b->milliseconds)) {
        const double before = now();
        check(b, packed != NULL ? b->kernels->packed_multiply(&b->exec, packed, &x, &out, false)
                                : b->kernels->gemm(&b->exec, &gemm));
        taken[runs++] = now() - before;
        hni_arena_reset(&b->scratch);
    }
    qsort(taken, runs, sizeof taken[0], compare);
    return taken[runs / 2];
}

static void *take(bench *b, size_t size)
{
    void *memory;
    check(b, b->kernels->allocate(b->context, "benchmark", size, &memory));
    return memory;
}

static void time_size(bench *b, hn_shape shape, int64_t rows)
{
    static const hn_dtype kinds[] = {HN_DTYPE_F32, HN_DTYPE_BF16, HN_DTYPE_I8};
    const hni_view matrix = hni_view_of(b->w, HN_DTYPE_F32, shape);
    const double by_gemm = time_product(b, NULL, shape, rows), numbers = (double)(shape.size[0] * shape.size[1]);
    printf("[%lld,%lld] x %2lld  gemm %9.1f us %6.1f GB/s\n", (long long)shape.size[0], (long long)shape.size[1],
           (long long)rows, by_gemm * 1e6, 4e-9 * numbers / by_gemm);
    for (int i = 0; i < 3; i++) {
        hni_packed packed = {kinds[i], shape.size[0], shape.size[1], NULL};
        size_t size;
        check(b, b->kernels->pack_size(&b->exec, kinds[i], shape, &size));
        packed.data = take(b, size);
        check(b, b->kernels->pack(&b->exec, &matrix, 0, &packed));
        const double taken = time_product(b, &packed, shape, rows);
        printf("                  %-5s %8.1f us %6.1f GB/s %6.1f GFLOP/s %6.2f times gemm\n", hn_dtype_name(kinds[i]),
               taken * 1e6, (double)hn_dtype_size(kinds[i]) * 1e-9 * numbers / taken,
               2e-9 * numbers * (double)rows / taken, by_gemm / taken);
        b->kernels->release(b->context, packed.data);
    }
}

/* ---- the rate of memory ---- */

typedef struct read_job {
    const float *data;
    float sum[64];
} read_job;

static void read_part(void *user, int64_t begin, int64_t end, int part)
{
    read_job *job = user;
    float sum[16] = {0};
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < 16; j++)
            sum[j] += job->data[i * 16 + j];
    for (int j = 0; j < 16; j++)
        job->sum[part % 64] += sum[j];
}

static void time_reading(bench *b, size_t count)
{
    float *data = take(b, count * sizeof(float));
    read_job job = {.data = data};
    double best = 1e9;
    for (size_t i = 0; i < count; i++)
        data[i] = 1;
    for (int run = 0; run < 15; run++) {
        const double before = now();
        hni_parallel_for(b->exec.threads, (int64_t)count / 16, 1, read_part, &job);
        const double taken = now() - before;
        if (taken < best) best = taken;
    }
    printf("reading %6.1f MB: %.1f GB/s%s\n", 4e-6 * (double)count, 4e-9 * (double)count / best,
           job.sum[0] < 0 ? "?" : "");
    b->kernels->release(b->context, data);
}

int main(int argc, char **argv)
{
    bench b = {.milliseconds = 200};
    hn_context_options options;
    hn_context_options_default(&options);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-t") == 0) options.threads = atoi(argv[i + 1]);
        if (strcmp(argv[i], "-m") == 0) b.milliseconds = atof(argv[i + 1]);
    }
    if (argc % 2 == 0 || hn_context_create(&options, &b.context) != HN_OK) {
        fprintf(stderr, "usage: packed [-t THREADS] [-m MILLISECONDS]\n");
        return 2;
    }
    check(&b, hni_kernels_choose_isa(b.context, getenv("HN_ISA")));
    b.kernels = hni_kernels_cpu(HN_DTYPE_F32);
    if (b.kernels == NULL) b.kernels = hni_kernels_generic(HN_DTYPE_F32);
    hni_arena_init(&b.scratch, b.context, "scratch", false);
    b.exec = (hni_exec){.context = b.context, .threads = b.context->threads, .scratch = &b.scratch};
    b.w = take(&b, LARGEST * sizeof(float));
    b.x = take(&b, MOST_ROWS * 1000 * sizeof(float));
    b.out = take(&b, (size_t)MOST_ROWS * 4512 * sizeof(float));
    for (size_t i = 0; i < LARGEST; i++)
        b.w[i] = (float)(i * 2654435761u % 1000) * 1e-3f - 0.5f;
    for (size_t i = 0; i < MOST_ROWS * 1000; i++)
        b.x[i] = (float)(i * 40503u % 1000) * 1e-3f - 0.5f;
    printf("backend %s, level %s, %d threads\n", b.kernels->backend, hni_kernels_isa(), b.exec.threads);
    time_reading(&b, READ);
    time_reading(&b, LARGEST);
    for (int64_t rows = 1; rows <= MOST_ROWS; rows *= MOST_ROWS) {
        time_size(&b, HN_SHAPE2(4512, 1000), rows);
        time_size(&b, HN_SHAPE2(1152, 256), rows);
    }
    b.kernels->release(b.context, b.w);
    b.kernels->release(b.context, b.x);
    b.kernels->release(b.context, b.out);
    hni_arena_destroy(&b.scratch);
    hn_context_destroy(b.context);
    return 0;
}
