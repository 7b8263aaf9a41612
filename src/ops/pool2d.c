/* Pools of images: x [B,H,W,C] contiguous, out [B,H',W',C], H' = (H - size) / stride + 1 rounded down. Messages name images as callers
 * know them, [B,C,H,W]. */
#include "ops/op.h"

static hn_status pool_shape(hn_context *context, hni_call *call)
{
    const hni_view *x = &call->inputs[0];
    const int64_t size = call->attributes.pool2d.size, stride = call->attributes.pool2d.stride;
    char text[96];
    const hn_status status = hni_op_want_float(context, call, 0, "input");
    if (status != HN_OK) return status;
    hn_shape_print(hni_op_image_shape(x), text, sizeof text);
    if (x->rank != 4) return hni_op_error(context, call, HN_ERROR_SHAPE, "input", "input %s must be [B,C,H,W]", text);
    if (size < 1 || stride < 1) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, size < 1 ? "size" : "stride",
                            "%s must be at least 1, it is %lld", size < 1 ? "size" : "stride",
                            (long long)(size < 1 ? size : stride));
    }
    if (size > x->size[1] || size > x->size[2]) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "size",
                            "a window of %lld x %lld is larger than the images of input %s", (long long)size,
                            (long long)size, text);
    }
    const int64_t height = (x->size[1] - size) / stride + 1, width = (x->size[2] - size) / stride + 1;
    return hni_op_set_out(context, call, x->dtype, HN_SHAPE4(x->size[0], height, width, x->size[3]));
}

static hn_status pool_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call, bool average)
{
    const hni_pool pool = {call->inputs[0], call->attributes.pool2d.size, call->attributes.pool2d.stride, average};
    return kernels->pool2d(exec, &pool, &call->out);
}

static hn_status pool_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call, bool average)
{
    const hni_pool pool = {call->inputs[0], call->attributes.pool2d.size, call->attributes.pool2d.stride, average};
    if (!call->wanted[0]) return HN_OK;
    return kernels->pool2d_vjp(exec, &pool, &call->out, &call->grad_out, &call->grad_inputs[0], !call->fresh[0]);
}

hn_status hni_max_pool2d_shape(hn_context *context, hni_call *call) { return pool_shape(context, call); }

hn_status hni_max_pool2d_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return pool_forward(kernels, exec, call, false);
}

/* dy goes to the first largest number of its window. */
hn_status hni_max_pool2d_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return pool_vjp(kernels, exec, call, false);
}

hn_status hni_avg_pool2d_shape(hn_context *context, hni_call *call) { return pool_shape(context, call); }

hn_status hni_avg_pool2d_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return pool_forward(kernels, exec, call, true);
}

/* dy / size^2 goes to each. */
hn_status hni_avg_pool2d_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return pool_vjp(kernels, exec, call, true);
}
