/* LSTM and HyperLSTM over a window: the shared loops over time with vectorised row passes and oneDNN's products. */
#include "kernels/cpu/narrow.h"

static double number_at(const void *x, int64_t index) { return (double)((const float *)x)[index]; }

/* ---- bf16 ---- */

/* Rows without gaps: oneDNN's fast multiply wants them so. */
static hn_status narrow_open(int64_t rows, int64_t k, int64_t n, const void *packed, double beta,
                             hni_narrow_product *out_product)
{
    const hni_narrow_shape shape = {.m = rows, .n = n, .k = k, .a_row = k, .a_column = 1, .ldc = n, .beta = beta};
    return hni_narrow_open(&shape, packed, out_product);
}

static void narrow_round(int64_t n, const void *x, void *out) { hni_cpu_simd_get()->narrows->round(n, x, out); }

static const hni_recurrence_narrow narrow = {.pack = hni_narrow_pack,
                                             .open = narrow_open,
                                             .run = hni_narrow_run,
                                             .close = hni_narrow_close,
                                             .round = narrow_round,
                                             .outer = hni_narrow_outer};

/* ---- the slots ---- */

static hni_recurrence_backend backend(const hni_exec *exec)
{
    return (hni_recurrence_backend){.size = sizeof(float),
                                    .rows = hni_cpu_simd_get()->recurrences,
                                    .number = number_at,
                                    .gemm_alone = hni_cpu_gemm_alone,
                                    .gemm = hni_cpu_gemm,
                                    .narrow = exec->precision == HN_PRECISION_BF16 ? &narrow : NULL};
}

/* Where the batch is too small to be shared out, oneDNN shares each product out: it asks OpenMP how many threads there are. */
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
