#include "kernels/cpu/cpu.h"
/* Slots that are taken from the generic table. */

hn_status hni_cpu_dropout(hni_exec *exec, const hni_dropout *dropout, const hni_view *x, hni_view *out, bool accumulate)
{
    return hni_kernels_generic(HN_DTYPE_F32)->dropout(exec, dropout, x, out, accumulate);
}

hn_status hni_cpu_lookup(hni_exec *exec, const hni_view *table, const hni_view *indices, hni_view *out)
{
    return hni_kernels_generic(HN_DTYPE_F32)->lookup(exec, table, indices, out);
}

hn_status hni_cpu_lookup_vjp(hni_exec *exec, const hni_view *dy, const hni_view *indices, hni_view *dtable)
{
    return hni_kernels_generic(HN_DTYPE_F32)->lookup_vjp(exec, dy, indices, dtable);
}

hn_status hni_cpu_where_length(hni_exec *exec, const hni_view *a, const hni_view *b, const hni_view *lengths, int64_t t,
                               hni_view *out, bool accumulate)
{
    return hni_kernels_generic(HN_DTYPE_F32)->where_length(exec, a, b, lengths, t, out, accumulate);
}

hn_status hni_cpu_reverse(hni_exec *exec, const hni_view *x, const hni_view *lengths, hni_view *out, bool accumulate)
{
    return hni_kernels_generic(HN_DTYPE_F32)->reverse(exec, x, lengths, out, accumulate);
}

hn_status hni_cpu_gather_windows(hni_exec *exec, const hni_view *source, const int64_t *starts, hni_view *out)
{
    return hni_kernels_generic(HN_DTYPE_F32)->gather_windows(exec, source, starts, out);
}

hn_status hni_cpu_softmax_loss(hni_exec *exec, const hni_view *logits, const hni_view *targets, hni_view *out_log_sum,
                               hni_view *out_loss)
{
    return hni_kernels_generic(HN_DTYPE_F32)->softmax_loss(exec, logits, targets, out_log_sum, out_loss);
}

hn_status hni_cpu_softmax_loss_vjp(hni_exec *exec, const hni_view *logits, const hni_view *targets,
                                   const hni_view *weights, const hni_view *log_sum, const hni_view *dloss,
                                   double factor, hni_view *dlogits, bool accumulate)
{
    return hni_kernels_generic(HN_DTYPE_F32)
        ->softmax_loss_vjp(exec, logits, targets, weights, log_sum, dloss, factor, dlogits, accumulate);
}

hn_status hni_cpu_gradient_norm(hni_exec *exec, int64_t count, const void *gradient, double clip)
{
    return hni_kernels_generic(HN_DTYPE_F32)->gradient_norm(exec, count, gradient, clip);
}

hn_status hni_cpu_count_nonfinite(hni_exec *exec, int64_t count, const void *data, int64_t *out_count)
{
    return hni_kernels_generic(HN_DTYPE_F32)->count_nonfinite(exec, count, data, out_count);
}

hn_status hni_cpu_adam(hni_exec *exec, const hni_adam *adam, int64_t count, void *value, const void *gradient,
                       void *mean, void *variance)
{
    return hni_kernels_generic(HN_DTYPE_F32)->adam(exec, adam, count, value, gradient, mean, variance);
}

hn_status hni_cpu_average(hni_exec *exec, double decay, int64_t count, const void *value, void *average)
{
    return hni_kernels_generic(HN_DTYPE_F32)->average(exec, decay, count, value, average);
}

hn_status hni_cpu_swap(hni_exec *exec, int64_t count, void *a, void *b)
{
    return hni_kernels_generic(HN_DTYPE_F32)->swap(exec, count, a, b);
}
