/* C = alpha * op(A) * op(B) + beta * C: oneDNN's sgemm, but for the one thin shape where our own loop was twice as fast: A^T * B with a few
 * columns, the gradient of the matrices that make a HyperLSTM's scaling vectors ([128,1000]^T [128,4]: 66 against 111
 * microseconds for four; its other thin products were equal). */
#include "kernels/cpu/narrow.h"

#include "core/parallel.h"

#include <dnnl.h>
#include <omp.h>
#include <string.h>

enum {
    THIN = 8,        /* columns of C up to here, with A transposed: our own loop */
    PANEL = 256,     /* rows of C that one unit of it makes */
    GRAIN = 1 << 16, /* multiplications that a thread should have at least */
    LARGE = 1 << 22  /* a product that keeps all threads busy by itself */
};

/* Pointers of one matrix of the batch. */
typedef struct matrices {
    const float *a, *b;
    float *c;
} matrices;

static matrices at(const hni_gemm *g, int64_t i)
{
    return (matrices){(const float *)g->a + i * g->batch_stride_a, (const float *)g->b + i * g->batch_stride_b,
                      (float *)g->c + i * g->batch_stride_c};
}

/* C[rows, columns] *= beta; beta 0 writes zeros over whatever was there, NaN too. */
static void scale_block(float *c, int64_t ldc, int64_t rows, int64_t columns, float beta)
{
    if (beta == 1.0f) return;
    for (int64_t r = 0; r < rows; r++) {
        float *row = c + r * ldc;
        if (beta == 0.0f)
            memset(row, 0, (size_t)columns * sizeof row[0]);
        else
            for (int64_t j = 0; j < columns; j++)
                row[j] *= beta;
    }
}

/* ---- C has few columns, A is transposed: C^T is a panel of a few rows ---- */

typedef struct thin_job {
    const hni_gemm *gemm;
    const hni_cpu_gemms *simd;
    int64_t row_blocks;
} thin_job;

static void thin_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const thin_job *job = user;
    const hni_gemm *g = job->gemm;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t row = unit % job->row_blocks * PANEL;
        const matrices m = at(g, unit / job->row_blocks);
        float turned[THIN * PANEL];
        const hni_cpu_panel panel = {.rows = g->n,
                                     .k = g->k,
                                     .width = hni_cpu_min(PANEL, g->m - row),
                                     .a = m.b,
                                     .a_row = g->transpose_b ? g->ldb : 1,
                                     .a_column = g->transpose_b ? 1 : g->ldb,
                                     .b = m.a + row,
                                     .ldb = g->lda,
                                     .out = turned,
                                     .ldout = PANEL,
                                     .alpha = (float)g->alpha};
        job->simd->panel(&panel);
        float *out = m.c + row * g->ldc;
        scale_block(out, g->ldc, panel.width, g->n, (float)g->beta);
        for (int64_t r = 0; r < panel.width; r++)
            for (int64_t c = 0; c < g->n; c++)
                out[r * g->ldc + c] += turned[c * PANEL + r];
    }
}

static hn_status run_thin(const hni_exec *exec, const hni_gemm *g)
{
    thin_job job = {.gemm = g, .simd = hni_cpu_simd_get()->gemms, .row_blocks = hni_cpu_divide_up(g->m, PANEL)};
    const int64_t per_unit = hni_cpu_min(g->m, PANEL) * g->n * g->k;
    hni_parallel_for(exec->threads, g->batch * job.row_blocks, hni_cpu_divide_up(GRAIN, per_unit), thin_part, &job);
    return HN_OK;
}

/* ---- oneDNN ---- */

typedef struct onednn_job {
    const hni_gemm *gemm;
    _Atomic int result; /* a dnnl_status_t: success, or one that went wrong */
} onednn_job;

static dnnl_status_t multiply_one(const hni_gemm *g, int64_t i)
{
    const matrices m = at(g, i);
    return dnnl_sgemm(g->transpose_a ? 'T' : 'N', g->transpose_b ? 'T' : 'N', g->m, g->n, g->k, (float)g->alpha, m.a,
                      g->lda, m.b, g->ldb, (float)g->beta, m.c, g->ldc);
}

static void multiply_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    onednn_job *job = user;
    for (int64_t i = begin; i < end; i++) {
        const dnnl_status_t result = multiply_one(job->gemm, i);
        if (result != dnnl_success) job->result = (int)result;
    }
}

/* Many small products are shared out among threads, where oneDNN runs each in one; of a few large ones each takes all threads.
 * oneDNN asks OpenMP how many there are: that setting of the caller's comes back afterwards. */
static hn_status run_onednn(hni_exec *exec, const hni_gemm *g)
{
    (void)hni_cpu_simd_get(); /* the cap on instructions must stand before oneDNN first runs */
    onednn_job job = {.gemm = g, .result = (int)dnnl_success};
    const int64_t size = g->m * g->n * g->k;
    const bool share = g->batch >= exec->threads && (g->batch % exec->threads == 0 || size < LARGE);
    const int threads_before = hni_cpu_use_threads(exec->threads);
    if (share)
        hni_parallel_for(exec->threads, g->batch, hni_cpu_divide_up(GRAIN, size), multiply_part, &job);
    else
        multiply_part(&job, 0, g->batch, 0);
    (void)hni_cpu_use_threads(threads_before);
    if (job.result == (int)dnnl_success) return HN_OK;
    return hni_error(exec->context, job.result == (int)dnnl_out_of_memory ? HN_ERROR_MEMORY : HN_ERROR_UNSUPPORTED,
                     "gemm: oneDNN refused a product of %lld x %lld x %lld with status %d", (long long)g->m,
                     (long long)g->k, (long long)g->n, job.result);
}

int hni_cpu_use_threads(int threads)
{
    const int before = omp_get_max_threads();
    if (before != threads) omp_set_num_threads(threads);
    return before;
}

hn_status hni_cpu_gemm(hni_exec *exec, const hni_gemm *gemm)
{
    if (exec->precision == HN_PRECISION_BF16 && hni_narrow_gemm_pays(gemm)) return hni_narrow_gemm(exec, gemm);
    return gemm->transpose_a && gemm->n <= THIN ? run_thin(exec, gemm) : run_onednn(exec, gemm);
}
