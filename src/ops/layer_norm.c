/* Layer normalisation over the last axis, biased variance (paper A.2.3: per gate, and of c on its way to h). */
#include "ops/op.h"

hn_status hni_layer_norm_shape(hn_context *context, hni_call *call)
{
    static const char *const names[3] = {"x", "gain", "shift"};
    const hn_shape shape = hni_view_shape(&call->inputs[0]);
    hn_status status = HN_OK;
    for (int i = 0; status == HN_OK && i < 3; i++)
        status = hni_op_want_float(context, call, i, names[i]);
    if (status != HN_OK) return status;
    if (shape.rank < 1)
        return hni_op_error(context, call, HN_ERROR_SHAPE, "x", "x is a scalar: there is no axis to normalise over");
    if (!(call->attributes.layer_norm.epsilon > 0)) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "epsilon", "epsilon must be above 0, it is %g",
                            call->attributes.layer_norm.epsilon);
    }
    for (int i = 1; i < 3; i++) {
        const hn_shape given = hni_view_shape(&call->inputs[i]);
        hn_shape both;
        char left[96], right[96];
        const bool whole = given.rank >= 1 && given.size[given.rank - 1] == shape.size[shape.rank - 1];
        if (!whole || !hni_shape_broadcast(shape, given, &both) || !hn_shape_equal(both, shape)) {
            return hni_op_error(context, call, HN_ERROR_SHAPE, names[i],
                                "%s %s does not fit x %s: it must broadcast to it and have all %lld columns", names[i],
                                hn_shape_print(given, right, sizeof right), hn_shape_print(shape, left, sizeof left),
                                (long long)shape.size[shape.rank - 1]);
        }
    }
    hn_shape rows = shape;
    rows.rank--;
    hni_op_add_saved(call, call->inputs[0].dtype, rows); /* mean */
    hni_op_add_saved(call, call->inputs[0].dtype, rows); /* 1 / deviation */
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

static const double no_parameters[2] = {0, 0};

/* True with a view that kernels can work on, which want unit stride along the last axis. */
static bool make_unit_stride(hni_view *view)
{
    const int last = view->rank - 1;
    if (view->stride[last] != 1 && view->size[last] != 1) return false;
    view->stride[last] = 1;
    return true;
}

static hn_status take_like(hni_exec *exec, const hni_view *view, hni_view *out)
{
    *out = hni_view_of(NULL, view->dtype, hni_view_shape(view));
    return hni_arena_take(exec->scratch, (size_t)hni_view_elements(view) * hn_dtype_size(view->dtype), &out->data);
}

static hn_status with_unit_stride(const hni_kernels *kernels, hni_exec *exec, hni_view *view)
{
    if (make_unit_stride(view)) return HN_OK;
    hni_view copy;
    hn_status status = take_like(exec, view, &copy);
    if (status == HN_OK) status = kernels->map(exec, HNI_MAP_COPY, no_parameters, view, &copy, false);
    *view = copy;
    return status;
}

static hn_status prepare(const hni_kernels *kernels, hni_exec *exec, hni_call *call, hni_norm *out_norm)
{
    const hn_shape shape = hni_view_shape(&call->inputs[0]);
    hni_view gain = call->inputs[1], shift = call->inputs[2];
    out_norm->x = call->inputs[0];
    out_norm->epsilon = call->attributes.layer_norm.epsilon;
    out_norm->mean = call->saved[0].data;
    out_norm->inverse = call->saved[1].data;
    hn_status status = with_unit_stride(kernels, exec, &out_norm->x);
    if (status == HN_OK) status = with_unit_stride(kernels, exec, &gain);
    if (status == HN_OK) status = with_unit_stride(kernels, exec, &shift);
    out_norm->gain = hni_op_broadcast(&gain, shape);
    out_norm->shift = hni_op_broadcast(&shift, shape);
    out_norm->gain.stride[shape.rank - 1] = out_norm->shift.stride[shape.rank - 1] = 1; /* also when N is 1 */
    return status;
}

hn_status hni_layer_norm_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_norm norm;
    const hn_status status = prepare(kernels, exec, call, &norm);
    return status != HN_OK ? status : kernels->layer_norm(exec, &norm, &call->out);
}

/* Where the kernel adds a gradient: the gradient itself, or zeros in scratch memory. */
static hn_status open_gradient(const hni_kernels *kernels, hni_exec *exec, const hni_view *gradient, hni_view *out)
{
    *out = *gradient;
    if (make_unit_stride(out)) return HN_OK;
    const hn_status status = take_like(exec, gradient, out);
    if (status != HN_OK) return status;
    return kernels->fill_zero(exec, out->data, (size_t)hni_view_elements(out) * hn_dtype_size(out->dtype));
}

static hn_status close_gradient(const hni_kernels *kernels, hni_exec *exec, const hni_view *made, hni_view *gradient,
                                bool fresh)
{
    if (made->data == gradient->data) return HN_OK;
    return kernels->map(exec, HNI_MAP_COPY, no_parameters, made, gradient, !fresh);
}

hn_status hni_layer_norm_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const hn_shape shape = hni_view_shape(&call->inputs[0]);
    hni_norm_vjp vjp = {.dy = call->grad_out, .dx_fresh = call->fresh[0]};
    hni_view made[3];
    hn_status status = HN_OK;
    for (int i = 0; i < 3; i++)
        if (call->wanted[i]) HNI_TRY(open_gradient(kernels, exec, &call->grad_inputs[i], &made[i]));
    vjp.want_dx = call->wanted[0];
    vjp.want_dgain = call->wanted[1];
    vjp.want_dshift = call->wanted[2];
    if (vjp.want_dx) vjp.dx = made[0];
    if (vjp.want_dgain) vjp.dgain = hni_op_broadcast(&made[1], shape);
    if (vjp.want_dshift) vjp.dshift = hni_op_broadcast(&made[2], shape);
    HNI_TRY(prepare(kernels, exec, call, &vjp.forward));
    HNI_TRY(kernels->layer_norm_vjp(exec, &vjp));
    for (int i = 0; i < 3; i++)
        if (call->wanted[i])
            HNI_TRY(close_gradient(kernels, exec, &made[i], &call->grad_inputs[i], i == 0 && call->fresh[0]));
cleanup:
    return status;
}
