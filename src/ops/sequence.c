/* Ops that lengths need: where_length keeps the state of rows that have ended, reverse turns each row within its length. */
#include "ops/op.h"

static hn_status want_lengths(hn_context *context, const hni_call *call, int64_t input)
{
    const hni_view *lengths = &call->inputs[input];
    const hn_status status = hni_op_want_i32(context, call, input, "lengths");
    if (status != HN_OK) return status;
    if (lengths->rank != 1 || call->inputs[0].rank < 1 || lengths->size[0] != call->inputs[0].size[0]) {
        char text[96];
        char rows[96];
        return hni_op_error(context, call, HN_ERROR_SHAPE, "lengths", "lengths %s must be [B], one for each row of %s",
                            hn_shape_print(hni_view_shape(lengths), text, sizeof text),
                            hn_shape_print(hni_view_shape(&call->inputs[0]), rows, sizeof rows));
    }
    if (!hni_view_is_contiguous(lengths)) {
        return hni_op_error(context, call, HN_ERROR_UNSUPPORTED, "lengths",
                            "lengths are a view with gaps: make them a tensor of their own");
    }
    return HN_OK;
}

/* A view with its dimensions from `axis` on merged into one; false if their strides do not allow it. */
static bool merge_tail(const hni_view *view, int axis, hni_view *out)
{
    int64_t tail = 1;
    for (int i = axis; i < view->rank; i++)
        tail *= view->size[i];
    *out = *view;
    out->rank = axis + 1;
    out->size[axis] = tail;
    out->stride[axis] = view->rank > axis ? view->stride[view->rank - 1] : 1;
    if (view->rank > axis + 1) {
        for (int i = axis; i + 1 < view->rank; i++) {
            if (view->size[i] > 1 && view->stride[i] != view->stride[i + 1] * view->size[i + 1]) return false;
        }
    }
    return true;
}

/* merge_tail, by a copy in scratch memory where strides do not allow it. */
static hn_status merged(const hni_kernels *kernels, hni_exec *exec, const hni_view *view, int axis, hni_view *out)
{
    static const double no_parameters[2] = {0, 0};
    if (merge_tail(view, axis, out)) return HN_OK;
    hni_view copy = hni_view_of(NULL, view->dtype, hni_view_shape(view));
    const size_t size = (size_t)hni_view_elements(view) * hn_dtype_size(view->dtype);
    hn_status status = hni_arena_take(exec->scratch, size, &copy.data);
    if (status == HN_OK) status = kernels->map(exec, HNI_MAP_COPY, no_parameters, view, &copy, false);
    if (status == HN_OK) merge_tail(&copy, axis, out);
    return status;
}

/* Where a VJP writes: the gradient itself with its tail merged, or scratch memory that is added to it afterwards. */
typedef struct gradient_target {
    hni_view view, scratch;
    bool accumulate; /* `view` */
} gradient_target;

static hn_status target_open(hni_exec *exec, const hni_call *call, int input, int axis, gradient_target *out)
{
    const hni_view *gradient = &call->grad_inputs[input];
    out->accumulate = !call->fresh[input];
    out->scratch.rank = -1;
    if (merge_tail(gradient, axis, &out->view)) return HN_OK;
    out->accumulate = false;
    out->scratch = hni_view_of(NULL, gradient->dtype, hni_view_shape(gradient));
    const size_t size = (size_t)hni_view_elements(gradient) * hn_dtype_size(gradient->dtype);
    const hn_status status = hni_arena_take(exec->scratch, size, &out->scratch.data);
    if (status == HN_OK) merge_tail(&out->scratch, axis, &out->view);
    return status;
}

static hn_status target_close(const hni_kernels *kernels, hni_exec *exec, hni_call *call, int input,
                              const gradient_target *target)
{
    static const double no_parameters[2] = {0, 0};
    if (target->scratch.rank < 0) return HN_OK;
    return kernels->map(exec, HNI_MAP_COPY, no_parameters, &target->scratch, &call->grad_inputs[input],
                        !call->fresh[input]);
}

/* ---- where_length ---- */

hn_status hni_where_length_shape(hn_context *context, hni_call *call)
{
    hn_status status = hni_op_want_float(context, call, 0, "a");
    if (status == HN_OK) status = hni_op_want_float(context, call, 1, "b");
    if (status == HN_OK) status = want_lengths(context, call, 2);
    if (status != HN_OK) return status;
    const hn_shape shape = hni_view_shape(&call->inputs[0]);
    if (!hn_shape_equal(shape, hni_view_shape(&call->inputs[1]))) {
        char left[96], right[96];
        return hni_op_error(context, call, HN_ERROR_SHAPE, "b", "a %s and b %s must have one shape",
                            hn_shape_print(shape, left, sizeof left),
                            hn_shape_print(hni_view_shape(&call->inputs[1]), right, sizeof right));
    }
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

hn_status hni_where_length_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_view a, b, out;
    hn_status status = merged(kernels, exec, &call->inputs[0], 1, &a);
    if (status == HN_OK) status = merged(kernels, exec, &call->inputs[1], 1, &b);
    if (status != HN_OK) return status;
    merge_tail(&call->out, 1, &out);
    return kernels->where_length(exec, &a, &b, &call->inputs[2], call->attributes.where_length.t, &out, false);
}

hn_status hni_where_length_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_view dy;
    merge_tail(&call->grad_out, 1, &dy);
    hn_status status = HN_OK;
    for (int i = 0; status == HN_OK && i < 2; i++) {
        gradient_target target;
        if (!call->wanted[i]) continue;
        status = target_open(exec, call, i, 1, &target);
        if (status != HN_OK) break;
        status = kernels->where_length(exec, i == 0 ? &dy : NULL, i == 0 ? NULL : &dy, &call->inputs[2],
                                       call->attributes.where_length.t, &target.view, target.accumulate);
        if (status == HN_OK) status = target_close(kernels, exec, call, i, &target);
    }
    return status;
}

/* ---- reverse ---- */

hn_status hni_reverse_shape(hn_context *context, hni_call *call)
{
    hn_status status = hni_op_want_float(context, call, 0, "x");
    if (status == HN_OK) status = want_lengths(context, call, 1);
    if (status != HN_OK) return status;
    if (call->inputs[0].rank < 2) {
        char text[96];
        return hni_op_error(context, call, HN_ERROR_SHAPE, "x", "x %s must be [B,T,..]",
                            hn_shape_print(hni_view_shape(&call->inputs[0]), text, sizeof text));
    }
    return hni_op_set_out(context, call, call->inputs[0].dtype, hni_view_shape(&call->inputs[0]));
}

hn_status hni_reverse_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_view x, out;
    const hn_status status = merged(kernels, exec, &call->inputs[0], 2, &x);
    if (status != HN_OK) return status;
    merge_tail(&call->out, 2, &out);
    return kernels->reverse(exec, &x, &call->inputs[1], &out, false);
}

/* The op is its own inverse and its matrix a permutation: the VJP turns dy back. */
hn_status hni_reverse_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_view dy;
    gradient_target target;
    if (!call->wanted[0]) return HN_OK;
    merge_tail(&call->grad_out, 2, &dy);
    hn_status status = target_open(exec, call, 0, 2, &target);
    if (status == HN_OK) status = kernels->reverse(exec, &dy, &call->inputs[1], &target.view, target.accumulate);
    if (status == HN_OK) status = target_close(kernels, exec, call, 0, &target);
    return status;
}
