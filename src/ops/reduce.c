/* sum and mean over a set of axes. */
#include "ops/op.h"

/* Shape with the reduced axes kept at size 1. */
static hn_shape kept_shape(const hni_view *x, unsigned axes)
{
    hn_shape shape = hni_view_shape(x);
    for (int i = 0; i < shape.rank; i++) {
        if ((axes >> i & 1u) != 0) shape.size[i] = 1;
    }
    return shape;
}

static hn_shape squeezed_shape(const hni_view *x, unsigned axes)
{
    hn_shape shape = {0, {0}};
    for (int i = 0; i < x->rank; i++) {
        if ((axes >> i & 1u) == 0) shape.size[shape.rank++] = x->size[i];
    }
    return shape;
}

static hn_status reduce_shape(hn_context *context, hni_call *call)
{
    const hni_view *x = &call->inputs[0];
    const unsigned axes = call->attributes.reduce.axes;
    const hn_status status = hni_op_want_float(context, call, 0, "x");
    if (status != HN_OK) return status;
    if (axes != HNI_ALL_AXES && axes >> x->rank != 0) {
        char text[96];
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "axes", "the set of axes 0x%x goes beyond those of x %s",
                            axes, hn_shape_print(hni_view_shape(x), text, sizeof text));
    }
    return hni_op_set_out(context, call, x->dtype,
                          call->attributes.reduce.keep ? kept_shape(x, axes) : squeezed_shape(x, axes));
}

hn_status hni_sum_shape(hn_context *context, hni_call *call) { return reduce_shape(context, call); }
hn_status hni_mean_shape(hn_context *context, hni_call *call) { return reduce_shape(context, call); }

/* `reduced` ([..] or with sizes 1) seen with x's shape, stride 0 along the reduced axes. */
static hni_view spread(const hni_view *reduced, const hni_view *x, unsigned axes, bool keep)
{
    hni_view out = *x;
    out.data = reduced->data;
    for (int i = 0, j = 0; i < x->rank; i++) {
        const bool is_reduced = (axes >> i & 1u) != 0;
        out.stride[i] = is_reduced ? 0 : reduced->stride[j];
        if (keep || !is_reduced) j++;
    }
    return out;
}

static hn_status reduce_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call, double factor)
{
    const hni_view *x = &call->inputs[0];
    const double parameters[2] = {factor, 0};
    const size_t size = (size_t)hni_view_elements(&call->out) * hn_dtype_size(call->out.dtype);
    const hn_status status = kernels->fill_zero(exec, call->out.data, size);
    if (status != HN_OK) return status;
    hni_view target = spread(&call->out, x, call->attributes.reduce.axes, call->attributes.reduce.keep);
    return kernels->map(exec, factor == 1 ? HNI_MAP_COPY : HNI_MAP_SCALE, parameters, x, &target, true);
}

static hn_status reduce_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call, double factor)
{
    if (!call->wanted[0]) return HN_OK;
    const double parameters[2] = {factor, 0};
    const hni_view dy =
        spread(&call->grad_out, &call->inputs[0], call->attributes.reduce.axes, call->attributes.reduce.keep);
    return kernels->map(exec, HNI_MAP_SCALE, parameters, &dy, &call->grad_inputs[0], !call->fresh[0]);
}

/* 1 / number of elements that make one element of the output. */
static double mean_factor(const hni_call *call)
{
    return (double)hni_view_elements(&call->out) / (double)hni_view_elements(&call->inputs[0]);
}

hn_status hni_sum_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return reduce_forward(kernels, exec, call, 1);
}

hn_status hni_sum_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return reduce_vjp(kernels, exec, call, 1);
}

hn_status hni_mean_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return reduce_forward(kernels, exec, call, mean_factor(call));
}

hn_status hni_mean_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return reduce_vjp(kernels, exec, call, mean_factor(call));
}
