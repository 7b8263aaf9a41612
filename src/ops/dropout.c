/* Inverted dropout with masks drawn from counters, so the backward draws the same mask again instead of keeping it. */
#include "ops/op.h"

hn_status hni_dropout_shape(hn_context *context, hni_call *call)
{
    const double keep = call->attributes.dropout.keep;
    const hn_status status = hni_op_want_float(context, call, 0, "x");
    if (status != HN_OK) return status;
    if (!(keep > 0 && keep <= 1)) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "keep", "keep must be above 0 and at most 1, it is %g",
                            keep);
    }
    if (call->attributes.dropout.base < 0) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "base", "base must not be negative, it is %lld",
                            (long long)call->attributes.dropout.base);
    }
    for (int i = 0; i < call->inputs[0].rank; i++) {
        if (call->attributes.dropout.stride[i] >= 0) continue;
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "stride",
                            "stride of dimension %d must not be negative, it is %lld", i,
                            (long long)call->attributes.dropout.stride[i]);
    }
    return hni_op_set_out(context, call, call->inputs[0].dtype, hni_view_shape(&call->inputs[0]));
}

hn_status hni_dropout_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return kernels->dropout(exec, &call->attributes.dropout, &call->inputs[0], &call->out, false);
}

hn_status hni_dropout_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    if (!call->wanted[0]) return HN_OK;
    return kernels->dropout(exec, &call->attributes.dropout, &call->grad_out, &call->grad_inputs[0], !call->fresh[0]);
}
