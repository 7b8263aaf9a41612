/* Element-wise ops with NumPy broadcasting: add, sub, mul, div, mul_add, scale, copy, sigmoid, tanh, relu.
 * Gradients of a broadcast input are summed over the repeated dimensions by hni_op_add_grad. */
#include "ops/op.h"

static const double no_parameters[2] = {0, 0};

/* ---- shape rules ---- */

static hn_status broadcast_shape(hn_context *context, hni_call *call)
{
    static const char *const names[3] = {"a", "b", "c"};
    hn_shape shape = hni_view_shape(&call->inputs[0]);
    for (int64_t i = 0; i < call->input_count; i++) {
        const hn_status status = hni_op_want_float(context, call, i, names[i]);
        if (status != HN_OK) return status;
        const hn_shape other = hni_view_shape(&call->inputs[i]);
        char left[96], right[96];
        if (!hni_shape_broadcast(shape, other, &shape)) {
            return hni_op_error(context, call, HN_ERROR_SHAPE, names[i], "%s %s does not broadcast with %s", names[i],
                                hn_shape_print(other, right, sizeof right), hn_shape_print(shape, left, sizeof left));
        }
    }
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

hn_status hni_add_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_sub_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_mul_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_div_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_mul_add_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_scale_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_copy_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_sigmoid_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_tanh_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }
hn_status hni_relu_shape(hn_context *context, hni_call *call) { return broadcast_shape(context, call); }

/* ---- forward ---- */

/* out = map(inputs broadcast to out). */
static hn_status forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call, hni_map map,
                         const double parameters[2])
{
    const hn_shape shape = hni_view_shape(&call->out);
    hni_view inputs[3];
    for (int64_t i = 0; i < call->input_count; i++)
        inputs[i] = hni_op_broadcast(&call->inputs[i], shape);
    return kernels->map(exec, map, parameters, inputs, &call->out, false);
}

hn_status hni_add_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_ADD, no_parameters);
}

hn_status hni_sub_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_SUB, no_parameters);
}

hn_status hni_mul_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_MUL, no_parameters);
}

hn_status hni_div_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_DIV, no_parameters);
}

hn_status hni_mul_add_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_MUL_ADD, no_parameters);
}

hn_status hni_scale_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const double parameters[2] = {call->attributes.scale.factor, call->attributes.scale.shift};
    return forward(kernels, exec, call, HNI_MAP_SCALE, parameters);
}

hn_status hni_copy_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_COPY, no_parameters);
}

hn_status hni_sigmoid_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_SIGMOID, no_parameters);
}

hn_status hni_tanh_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_TANH, no_parameters);
}

hn_status hni_relu_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return forward(kernels, exec, call, HNI_MAP_RELU, no_parameters);
}

/* ---- backward ---- */

/* d input += factor * dy */
static hn_status add_scaled(const hni_kernels *kernels, hni_exec *exec, hni_call *call, int64_t input, double factor)
{
    const double parameters[2] = {factor, 0};
    return hni_op_add_grad(kernels, exec, call, input, factor == 1 ? HNI_MAP_COPY : HNI_MAP_SCALE, parameters,
                           &call->grad_out);
}

/* d input += map(dy, other [, third]) with the others broadcast to dy's shape */
static hn_status add_mapped(const hni_kernels *kernels, hni_exec *exec, hni_call *call, int64_t input, hni_map map,
                            const hni_view *other, const hni_view *third)
{
    const hn_shape shape = hni_view_shape(&call->grad_out);
    hni_view inputs[3] = {call->grad_out, hni_op_broadcast(other, shape), call->grad_out};
    if (third != NULL) inputs[2] = hni_op_broadcast(third, shape);
    return hni_op_add_grad(kernels, exec, call, input, map, no_parameters, inputs);
}

hn_status hni_add_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_status status = add_scaled(kernels, exec, call, 0, 1);
    return status != HN_OK ? status : add_scaled(kernels, exec, call, 1, 1);
}

hn_status hni_sub_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_status status = add_scaled(kernels, exec, call, 0, 1);
    return status != HN_OK ? status : add_scaled(kernels, exec, call, 1, -1);
}

hn_status hni_mul_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_status status = add_mapped(kernels, exec, call, 0, HNI_MAP_MUL, &call->inputs[1], NULL);
    return status != HN_OK ? status : add_mapped(kernels, exec, call, 1, HNI_MAP_MUL, &call->inputs[0], NULL);
}

/* y = a / b: da = dy / b, db = -dy * y / b */
hn_status hni_div_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_status status = add_mapped(kernels, exec, call, 0, HNI_MAP_DIV, &call->inputs[1], NULL);
    return status != HN_OK ? status : add_mapped(kernels, exec, call, 1, HNI_MAP_DIV_VJP, &call->out, &call->inputs[1]);
}

hn_status hni_mul_add_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_status status = hni_mul_vjp(kernels, exec, call);
    return status != HN_OK ? status : add_scaled(kernels, exec, call, 2, 1);
}

hn_status hni_scale_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return add_scaled(kernels, exec, call, 0, call->attributes.scale.factor);
}

hn_status hni_copy_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return add_scaled(kernels, exec, call, 0, 1);
}

hn_status hni_sigmoid_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return add_mapped(kernels, exec, call, 0, HNI_MAP_SIGMOID_VJP, &call->out, NULL);
}

hn_status hni_tanh_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return add_mapped(kernels, exec, call, 0, HNI_MAP_TANH_VJP, &call->out, NULL);
}

hn_status hni_relu_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return add_mapped(kernels, exec, call, 0, HNI_MAP_RELU_VJP, &call->out, NULL);
}
