/* LSTM and HyperLSTM over a window: the shared loops over time with vectorised row passes and oneDNN's products. */
#include "kernels/cpu/cpu.h"

#include <omp.h>

static double number_at(const void *x, int64_t index) { return (double)((const float *)x)[index]; }

static hni_recurrence_backend backend(void)
{
    return (hni_recurrence_backend){.size = sizeof(float),
                                    .rows = hni_cpu_simd_get()->recurrences,
                                    .number = number_at,
                                    .gemm_alone = hni_cpu_gemm_alone,
                                    .gemm = hni_cpu_gemm};
}

/* Where the batch is too small to be shared out, oneDNN shares each product out: it asks OpenMP how many threads there are. */
hn_status hni_cpu_recurrence(hni_exec *exec, const hni_recurrence *recurrence)
{
    const hni_recurrence_backend on = backend();
    const int threads_before = omp_get_max_threads();
    if (threads_before != exec->threads) omp_set_num_threads(exec->threads);
    const hn_status status = hni_recurrence_forward(&on, exec, recurrence);
    if (threads_before != exec->threads) omp_set_num_threads(threads_before);
    return status;
}

hn_status hni_cpu_recurrence_vjp(hni_exec *exec, const hni_recurrence_vjp *vjp)
{
    const hni_recurrence_backend on = backend();
    const int threads_before = omp_get_max_threads();
    if (threads_before != exec->threads) omp_set_num_threads(exec->threads);
    const hn_status status = hni_recurrence_backward(&on, exec, vjp);
    if (threads_before != exec->threads) omp_set_num_threads(threads_before);
    return status;
}
