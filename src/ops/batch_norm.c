/* Batch normalisation with a ReLU fused into it, and the statistics that it goes by (Ioffe & Szegedy 2015; the networks of paper 4.2).
 * x is [..,C] without gaps: images [B,H,W,C], which the builders see as [B,C,H,W], or rows [B,C]. */
#include "ops/op.h"

#include <stdio.h>

static int64_t columns_of(const hni_call *call) { return call->inputs[0].size[call->inputs[0].rank - 1]; }
static int64_t rows_of(const hni_call *call) { return hni_view_elements(&call->inputs[0]) / columns_of(call); }

/* x's shape as the builders saw it, channels second. */
static const char *print_x(const hni_view *x, char *buffer, size_t size)
{
    hn_shape shape = hni_view_shape(x);
    for (int i = x->rank - 1; i >= 2; i--)
        shape.size[i] = x->size[i - 1];
    if (x->rank > 1) shape.size[1] = x->size[x->rank - 1];
    return hn_shape_print(shape, buffer, size);
}

static hn_status want_x(hn_context *context, const hni_call *call)
{
    const hn_status status = hni_op_want_float(context, call, 0, "x");
    if (status != HN_OK || hni_view_is_contiguous(&call->inputs[0])) return status;
    return hni_op_error(context, call, HN_ERROR_UNSUPPORTED, "x", "x must not be a view with gaps");
}

hn_status hni_batch_statistics_shape(hn_context *context, hni_call *call)
{
    const hn_status status = want_x(context, call);
    if (status != HN_OK) return status;
    return hni_op_set_out(context, call, call->inputs[0].dtype, HN_SHAPE2(2, columns_of(call)));
}

hn_status hni_batch_statistics_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hni_view *x = &call->inputs[0];
    const hni_view rows = hni_view_of(x->data, x->dtype, HN_SHAPE2(rows_of(call), columns_of(call)));
    return kernels->batch_statistics(exec, &rows, &call->out);
}

/* Never called: x is not differentiable here; batch_norm knows how its statistics depend on it. */
hn_status hni_batch_statistics_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    (void)kernels;
    return hni_op_error(exec->context, call, HN_ERROR_UNSUPPORTED, "x", "batch_statistics has no gradient");
}

/* ---- batch_norm ---- */

enum { X, GAIN, SHIFT, STATISTICS, INPUTS };

hn_status hni_batch_norm_shape(hn_context *context, hni_call *call)
{
    static const char *const names[INPUTS] = {"x", "gain", "shift", "statistics"};
    hn_status status = want_x(context, call);
    for (int i = GAIN; status == HN_OK && i < INPUTS; i++)
        status = hni_op_want_float(context, call, i, names[i]);
    if (status != HN_OK) return status;
    const int64_t columns = columns_of(call);
    for (int i = GAIN; i < INPUTS; i++) {
        const hn_shape given = hni_view_shape(&call->inputs[i]);
        const hn_shape wanted = i == STATISTICS ? HN_SHAPE2(2, columns) : HN_SHAPE1(columns);
        char text[96], x[96], needs[96];
        if (hn_shape_equal(given, wanted)) continue;
        return hni_op_error(context, call, HN_ERROR_SHAPE, names[i], "x %s has %lld channels and needs %s %s, not %s",
                            print_x(&call->inputs[X], x, sizeof x), (long long)columns, names[i],
                            hn_shape_print(wanted, needs, sizeof needs), hn_shape_print(given, text, sizeof text));
    }
    if (!(call->attributes.batch_norm.epsilon > 0)) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "epsilon", "epsilon must be above 0, it is %g",
                            call->attributes.batch_norm.epsilon);
    }
    return hni_op_set_out(context, call, call->inputs[X].dtype, hni_view_shape(&call->inputs[X]));
}

static hn_status prepare(const hni_kernels *kernels, hni_exec *exec, const hni_call *call, hni_column_norm *out_norm)
{
    hni_view gain, shift, statistics;
    hn_status status;
    HNI_TRY(hni_op_dense(kernels, exec, &call->inputs[GAIN], &gain));
    HNI_TRY(hni_op_dense(kernels, exec, &call->inputs[SHIFT], &shift));
    HNI_TRY(hni_op_dense(kernels, exec, &call->inputs[STATISTICS], &statistics));
    *out_norm = (hni_column_norm){.rows = rows_of(call),
                                  .columns = columns_of(call),
                                  .x = call->inputs[X].data,
                                  .gain = gain.data,
                                  .shift = shift.data,
                                  .statistics = statistics.data,
                                  .epsilon = call->attributes.batch_norm.epsilon,
                                  .relu = call->attributes.batch_norm.relu};
cleanup:
    return status;
}

hn_status hni_batch_norm_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_column_norm norm;
    const hn_status status = prepare(kernels, exec, call, &norm);
    return status != HN_OK ? status : kernels->batch_norm(exec, &norm, call->out.data);
}

hn_status hni_batch_norm_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_column_norm_vjp vjp = {
        .from_batch = call->attributes.batch_norm.from_batch, .dy = call->grad_out.data, .dx_fresh = call->fresh[X]};
    hni_view made[STATISTICS];
    void **const gradients[STATISTICS] = {&vjp.dx, &vjp.dgain, &vjp.dshift};
    hn_status status;
    HNI_TRY(prepare(kernels, exec, call, &vjp.forward));
    for (int i = X; i < STATISTICS; i++) {
        if (!call->wanted[i]) continue;
        HNI_TRY(hni_op_dense_open(kernels, exec, &call->grad_inputs[i], &made[i]));
        *gradients[i] = made[i].data;
    }
    HNI_TRY(kernels->batch_norm_vjp(exec, &vjp));
    for (int i = X; i < STATISTICS; i++)
        if (call->wanted[i]) HNI_TRY(hni_op_dense_close(kernels, exec, &made[i], &call->grad_inputs[i]));
cleanup:
    return status;
}
