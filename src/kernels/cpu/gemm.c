/* C = alpha * op(A) * op(B) + beta * C: oneDNN's sgemm, or our own loops where one side is so thin that packing would cost more than the
 * product (the scaling vectors of a HyperLSTM: E = 4 numbers a gate times a matrix [N,E], and the gradients of both). */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"

#include <dnnl.h>
#include <omp.h>
#include <string.h>

enum {
    THIN = 16,      /* k or n up to here: our own loops */
    PANEL = 256,    /* columns of a packed panel: THIN rows of them fit into the first cache */
    ROWS = 32,      /* rows of one unit of work */
    GRAIN = 1 << 16 /* multiplications that a thread should have at least */
};

typedef struct gemm_job {
    const hni_gemm *gemm;
    const hni_cpu_gemms *simd;
    float alpha, beta;
    int64_t row_blocks, column_blocks;
} gemm_job;

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

/* ---- k thin: rows of C are sums of a few rows of op(B) ---- */

static void thin_k_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const gemm_job *job = user;
    const hni_gemm *g = job->gemm;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t column = unit % job->column_blocks * PANEL, rest = unit / job->column_blocks;
        const int64_t row = rest % job->row_blocks * ROWS;
        const matrices m = at(g, rest / job->row_blocks);
        float packed[THIN * PANEL];
        hni_cpu_panel panel = {.rows = hni_cpu_min(ROWS, g->m - row),
                               .k = g->k,
                               .width = hni_cpu_min(PANEL, g->n - column),
                               .a = m.a + (g->transpose_a ? row : row * g->lda),
                               .a_row = g->transpose_a ? 1 : g->lda,
                               .a_column = g->transpose_a ? g->lda : 1,
                               .b = m.b + column,
                               .ldb = g->ldb,
                               .out = m.c + row * g->ldc + column,
                               .ldout = g->ldc,
                               .alpha = job->alpha,
                               .add = job->beta != 0.0f};
        if (g->transpose_b) {
            for (int64_t j = 0; j < panel.width; j++)
                for (int64_t k = 0; k < g->k; k++)
                    packed[k * PANEL + j] = m.b[(column + j) * g->ldb + k];
            panel.b = packed;
            panel.ldb = PANEL;
        }
        if (job->beta != 0.0f) scale_block(panel.out, g->ldc, panel.rows, panel.width, job->beta);
        job->simd->panel(&panel);
    }
}

/* ---- n thin, A as it is: every number of C is a long product of two lines ---- */

static void thin_n_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const gemm_job *job = user;
    const hni_gemm *g = job->gemm;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t row = unit % job->row_blocks * ROWS, rows = hni_cpu_min(ROWS, g->m - row);
        const matrices m = at(g, unit / job->row_blocks);
        float packed[THIN * PANEL];
        float *out = m.c + row * g->ldc;
        scale_block(out, g->ldc, rows, g->n, job->beta);
        for (int64_t start = 0; start < g->k; start += PANEL) {
            const int64_t k = hni_cpu_min(PANEL, g->k - start);
            hni_cpu_dots dots = {.rows = rows,
                                 .columns = g->n,
                                 .k = k,
                                 .a = m.a + row * g->lda + start,
                                 .lda = g->lda,
                                 .b = m.b + start,
                                 .ldb = g->ldb,
                                 .out = out,
                                 .ldout = g->ldc,
                                 .alpha = job->alpha};
            if (!g->transpose_b) {
                for (int64_t i = 0; i < k; i++)
                    for (int64_t c = 0; c < g->n; c++)
                        packed[c * PANEL + i] = m.b[(start + i) * g->ldb + c];
                dots.b = packed;
                dots.ldb = PANEL;
            }
            job->simd->dots(&dots);
        }
    }
}

/* ---- n thin, A transposed: C^T is a panel of a few rows ---- */

static void thin_n_transposed_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const gemm_job *job = user;
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
                                     .alpha = job->alpha};
        job->simd->panel(&panel);
        float *out = m.c + row * g->ldc;
        scale_block(out, g->ldc, panel.width, g->n, job->beta);
        for (int64_t r = 0; r < panel.width; r++)
            for (int64_t c = 0; c < g->n; c++)
                out[r * g->ldc + c] += turned[c * PANEL + r];
    }
}

static hn_status run_thin(hni_exec *exec, gemm_job *job)
{
    const hni_gemm *g = job->gemm;
    hni_parallel_body body = thin_k_part;
    int64_t rows = ROWS, columns = PANEL;
    if (g->k > THIN) {
        body = g->transpose_a ? thin_n_transposed_part : thin_n_part;
        rows = g->transpose_a ? PANEL : ROWS;
        columns = g->n;
    }
    job->row_blocks = hni_cpu_divide_up(g->m, rows);
    job->column_blocks = hni_cpu_divide_up(g->n, columns);
    const int64_t per_unit = hni_cpu_min(g->m, rows) * hni_cpu_min(g->n, columns) * g->k;
    hni_parallel_for(exec->threads, g->batch * job->row_blocks * job->column_blocks, hni_cpu_divide_up(GRAIN, per_unit),
                     body, job);
    return HN_OK;
}

/* ---- oneDNN ---- */

static dnnl_status_t multiply_one(const hni_gemm *g, int64_t i)
{
    const matrices m = at(g, i);
    return dnnl_sgemm(g->transpose_a ? 'T' : 'N', g->transpose_b ? 'T' : 'N', g->m, g->n, g->k, (float)g->alpha, m.a,
                      g->lda, m.b, g->ldb, (float)g->beta, m.c, g->ldc);
}

/* oneDNN takes as many threads as OpenMP would give the caller: the caller's own setting comes back afterwards. */
static hn_status run_onednn(hni_exec *exec, const hni_gemm *g)
{
    const int threads_before = omp_get_max_threads();
    dnnl_status_t result = dnnl_success;
    if (threads_before != exec->threads) omp_set_num_threads(exec->threads);
    for (int64_t i = 0; i < g->batch && result == dnnl_success; i++)
        result = multiply_one(g, i);
    if (threads_before != exec->threads) omp_set_num_threads(threads_before);
    if (result == dnnl_success) return HN_OK;
    return hni_error(exec->context, result == dnnl_out_of_memory ? HN_ERROR_MEMORY : HN_ERROR_UNSUPPORTED,
                     "gemm: oneDNN refused a product of %lld x %lld x %lld with status %d", (long long)g->m,
                     (long long)g->k, (long long)g->n, (int)result);
}

hn_status hni_cpu_gemm(hni_exec *exec, const hni_gemm *gemm)
{
    if (gemm->k > THIN && gemm->n > THIN) return run_onednn(exec, gemm);
    gemm_job job = {
        .gemm = gemm, .simd = hni_cpu_simd_get()->gemms, .alpha = (float)gemm->alpha, .beta = (float)gemm->beta};
    return run_thin(exec, &job);
}
