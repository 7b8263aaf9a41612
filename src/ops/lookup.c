/* Row look-up: the product of a one-hot input with a table, without the product. And windows of a corpus. */
#include "ops/op.h"

/* Indices of any shape as one dimension with one stride (a time step of [B,T] is one column of it). */
static bool flat(const hni_view *indices, hni_view *out)
{
    *out = *indices;
    hni_views_collapse(out, 1);
    return out->rank == 1;
}

/* [.., N] as [R, N]. */
static hni_view as_rows(const hni_view *view)
{
    const int64_t width = view->size[view->rank - 1];
    return hni_view_of(view->data, view->dtype, HN_SHAPE2(hni_view_elements(view) / width, width));
}

hn_status hni_lookup_shape(hn_context *context, hni_call *call)
{
    hn_status status = hni_op_want_float(context, call, 0, "table");
    if (status == HN_OK) status = hni_op_want_i32(context, call, 1, "indices");
    if (status != HN_OK) return status;
    hn_shape shape = hni_view_shape(&call->inputs[1]);
    char text[96];
    if (call->inputs[0].rank != 2) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "table", "table %s must be [rows,width]",
                            hn_shape_print(hni_view_shape(&call->inputs[0]), text, sizeof text));
    }
    if (shape.rank >= HN_MAX_RANK) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "indices",
                            "indices %s leave no dimension for the rows (at most %d)",
                            hn_shape_print(shape, text, sizeof text), HN_MAX_RANK);
    }
    hni_view ignored;
    if (!flat(&call->inputs[1], &ignored)) {
        return hni_op_error(
            context, call, HN_ERROR_UNSUPPORTED, "indices",
            "indices are a view whose elements lie at several strides: make them a tensor of their own");
    }
    shape.size[shape.rank++] = call->inputs[0].size[1];
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

hn_status hni_lookup_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_view indices, out = as_rows(&call->out);
    flat(&call->inputs[1], &indices);
    return kernels->lookup(exec, &call->inputs[0], &indices, &out);
}

hn_status hni_lookup_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    if (!call->wanted[0]) return HN_OK;
    hni_view indices;
    const hni_view dy = as_rows(&call->grad_out);
    flat(&call->inputs[1], &indices);
    return kernels->lookup_vjp(exec, &dy, &indices, &call->grad_inputs[0]);
}

hn_status hni_gather_windows_shape(hn_context *context, hni_call *call)
{
    const hni_view *source = &call->inputs[0];
    if (source->dtype != HN_DTYPE_I32 && source->dtype != HN_DTYPE_U8) {
        return hni_op_error(context, call, HN_ERROR_TYPE, "source", "source must be U8 or I32, it is %s",
                            hn_dtype_name(source->dtype));
    }
    if (source->rank != 1)
        return hni_op_error(context, call, HN_ERROR_SHAPE, "source", "source must have one dimension, it has %d",
                            source->rank);
    if (call->attributes.gather_windows.count < 1 || call->attributes.gather_windows.length < 1) {
        return hni_op_error(
            context, call, HN_ERROR_ARGUMENT, "length", "%lld windows of %lld steps: both must be at least 1",
            (long long)call->attributes.gather_windows.count, (long long)call->attributes.gather_windows.length);
    }
    return hni_op_set_out(context, call, HN_DTYPE_I32,
                          HN_SHAPE2(call->attributes.gather_windows.count, call->attributes.gather_windows.length));
}

hn_status hni_gather_windows_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return kernels->gather_windows(exec, &call->inputs[0], call->attributes.gather_windows.starts, &call->out);
}

/* Never called: no input is differentiable. */
hn_status hni_gather_windows_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    (void)kernels;
    return hni_op_error(exec->context, call, HN_ERROR_UNSUPPORTED, "source", "symbols have no gradient");
}
