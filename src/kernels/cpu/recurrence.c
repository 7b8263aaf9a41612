/* LSTM and HyperLSTM over a window: the shared loops over time with vectorised row passes, our products of packed matrices for float,
 * oneDNN's for bf16. */
#include "kernels/cpu/narrow.h"

#include <assert.h>

static double number_at(const void *x, int64_t index) { return (double)((const float *)x)[index]; }

/* ---- float ---- */

_Static_assert(HNI_PACKED_TILE % HNI_CPU_PANEL == 0, "memory for a packed matrix holds its last panel whole");

static hn_status real_pack(int threads, const hni_product_matrix *matrix, void *out_packed)
{
    hni_cpu_pack_matrix(threads, matrix, out_packed);
    return HN_OK;
}

static hn_status real_run(const hni_packed_product *p, const void *a, int64_t lda, void *c)
{
    const hni_packed packed = {HN_DTYPE_F32, p->n, p->k, (void *)(uintptr_t)p->packed};
    const hni_cpu_rows rows = {
        .count = p->rows, .x = a, .ldx = lda, .out = c, .ldout = p->ldc, .accumulate = p->beta != 0};
    hni_cpu_multiply_rows(p->threads, &packed, &rows);
    return HN_OK;
}

static const hni_recurrence_products real_products = {.pack = real_pack, .run = real_run};

/* ---- bf16 ---- */

static hn_status narrow_pack(int threads, const hni_product_matrix *matrix, void *out_packed)
{
    (void)threads; /* oneDNN's own */
    return hni_narrow_pack(matrix, out_packed);
}

/* Rows of A and C without gaps: oneDNN's fast multiply wants them so. */
static hn_status narrow_open(hni_packed_product *p)
{
    assert(p->ldc == p->n);
    const hni_narrow_shape shape = {
        .m = p->rows, .n = p->n, .k = p->k, .a_row = p->k, .a_column = 1, .ldc = p->n, .beta = p->beta};
    return hni_narrow_open(&shape, p->packed, &p->narrow);
}

static hn_status narrow_run(const hni_packed_product *p, const void *a, int64_t lda, void *c)
{
    (void)lda;
    assert(lda == p->k);
    return hni_narrow_run(&p->narrow, a, c);
}

static void narrow_close(hni_packed_product *p) { hni_narrow_close(&p->narrow); }

static void narrow_round(int64_t n, const void *x, void *out) { hni_cpu_simd_get()->narrows->round(n, x, out); }

static const hni_recurrence_products narrow_products = {.narrow = true,
                                                        .pack = narrow_pack,
                                                        .open = narrow_open,
                                                        .run = narrow_run,
                                                        .close = narrow_close,
                                                        .round = narrow_round,
                                                        .outer = hni_narrow_outer};

/* ---- the slots ---- */

static hni_recurrence_backend backend(const hni_exec *exec)
{
    return (hni_recurrence_backend){.size = sizeof(float),
                                    .rows = hni_cpu_simd_get()->recurrences,
                                    .number = number_at,
                                    .gemm = hni_cpu_gemm,
                                    .products =
                                        exec->precision == HN_PRECISION_BF16 ? &narrow_products : &real_products};
}

/* Where the batch is too small to be shared out, the threads share each product; oneDNN asks OpenMP how many there are. */
hn_status hni_cpu_recurrence(hni_exec *exec, const hni_recurrence *recurrence)
{
    const hni_recurrence_backend on = backend(exec);
    const int threads_before = hni_cpu_use_threads(exec->threads);
    const hn_status status = hni_recurrence_forward(&on, exec, recurrence);
    (void)hni_cpu_use_threads(threads_before);
    return status;
}

hn_status hni_cpu_recurrence_vjp(hni_exec *exec, const hni_recurrence_vjp *vjp)
{
    const hni_recurrence_backend on = backend(exec);
    const int threads_before = hni_cpu_use_threads(exec->threads);
    const hn_status status = hni_recurrence_backward(&on, exec, vjp);
    (void)hni_cpu_use_threads(threads_before);
    return status;
}
