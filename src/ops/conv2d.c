/* Convolution of images (paper 3.1: the kernels that a static hypernetwork makes). Inputs: x [B,H,W,C] contiguous, kernel [O,C,F,F], and
 * perhaps bias [O]; out [B,H',W',O]. The kernel is an input like any other, at any strides, since it may have been generated.
 * Messages name images as callers know them, [B,C,H,W]. */
#include "ops/op.h"

static bool has_bias(const hni_call *call) { return call->input_count == 3; }

static hn_status check_shapes(hn_context *context, const hni_call *call)
{
    const hn_shape x = hni_op_image_shape(&call->inputs[0]), kernel = hni_view_shape(&call->inputs[1]);
    char left[96], right[96];
    hn_shape_print(x, left, sizeof left);
    hn_shape_print(kernel, right, sizeof right);
    if (x.rank != 4) return hni_op_error(context, call, HN_ERROR_SHAPE, "input", "input %s must be [B,C,H,W]", left);
    if (kernel.rank != 4 || kernel.size[2] != kernel.size[3])
        return hni_op_error(context, call, HN_ERROR_SHAPE, "kernel", "kernel %s must be [O,C,f,f]", right);
    if (kernel.size[1] != x.size[1]) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "kernel",
                            "kernel %s needs %lld input channels, input %s has %lld", right, (long long)kernel.size[1],
                            left, (long long)x.size[1]);
    }
    if (!has_bias(call)) return HN_OK;
    const hn_shape bias = hni_view_shape(&call->inputs[2]);
    if (hn_shape_equal(bias, HN_SHAPE1(kernel.size[0]))) return HN_OK;
    return hni_op_error(context, call, HN_ERROR_SHAPE, "bias",
                        "bias %s must be [%lld], one for each output of kernel %s",
                        hn_shape_print(bias, left, sizeof left), (long long)kernel.size[0], right);
}

/* Pixels of the output in one direction; below 1: none. */
static int64_t outputs(const hni_call *call, int64_t pixels)
{
    const int64_t room = pixels + 2 * call->attributes.conv2d.padding - call->inputs[1].size[2];
    return room < 0 ? 0 : room / call->attributes.conv2d.stride + 1;
}

hn_status hni_conv2d_shape(hn_context *context, hni_call *call)
{
    static const char *const names[3] = {"input", "kernel", "bias"};
    const hni_view *x = &call->inputs[0];
    const int64_t stride = call->attributes.conv2d.stride, padding = call->attributes.conv2d.padding;
    hn_status status = HN_OK;
    for (int i = 0; status == HN_OK && i < call->input_count; i++)
        status = hni_op_want_float(context, call, i, names[i]);
    if (status == HN_OK) status = check_shapes(context, call);
    if (status != HN_OK) return status;
    const int64_t taps = call->inputs[1].size[2];
    if (stride < 1) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "stride", "stride must be at least 1, it is %lld",
                            (long long)stride);
    }
    if (padding < 0 || padding >= taps) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "padding",
                            "padding must be at least 0 and below the kernel's size of %lld, it is %lld",
                            (long long)taps, (long long)padding);
    }
    const int64_t height = outputs(call, x->size[1]), width = outputs(call, x->size[2]);
    if (height < 1 || width < 1) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "kernel",
                            "a kernel of %lld x %lld is larger than the input's %lld x %lld with a padding of %lld",
                            (long long)taps, (long long)taps, (long long)x->size[1], (long long)x->size[2],
                            (long long)padding);
    }
    return hni_op_set_out(context, call, x->dtype, HN_SHAPE4(x->size[0], height, width, call->inputs[1].size[0]));
}

static hni_convolution conv2d_of(const hni_call *call)
{
    hni_convolution conv = {.x = call->inputs[0],
                            .kernel = call->inputs[1],
                            .has_bias = has_bias(call),
                            .stride = call->attributes.conv2d.stride,
                            .padding = call->attributes.conv2d.padding};
    if (conv.has_bias) conv.bias = call->inputs[2];
    return conv;
}

hn_status hni_conv2d_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hni_convolution conv = conv2d_of(call);
    return kernels->conv2d(exec, &conv, &call->out);
}

/* dx is dy correlated with the turned kernel, dkernel is x correlated with dy, dbias sums dy over pixels. */
hn_status hni_conv2d_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_convolution_vjp vjp = {.forward = conv2d_of(call), .dy = call->grad_out};
    vjp.want_dx = call->wanted[0];
    vjp.want_dkernel = call->wanted[1];
    vjp.want_dbias = has_bias(call) && call->wanted[2];
    if (vjp.want_dx) vjp.dx = call->grad_inputs[0];
    if (vjp.want_dkernel) vjp.dkernel = call->grad_inputs[1];
    if (vjp.want_dbias) vjp.dbias = call->grad_inputs[2];
    vjp.dx_fresh = call->fresh[0];
    vjp.dkernel_fresh = call->fresh[1];
    vjp.dbias_fresh = has_bias(call) && call->fresh[2];
    return kernels->conv2d_vjp(exec, &vjp);
}
