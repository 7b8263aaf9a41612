/* Ops that only re-read storage: reshape, permute, slice (no computation; their gradient is the same view of the gradient).
 * And concat and pad, which copy. */
#include "ops/op.h"

#include <stdio.h>

/* Dimensions without those of size 1, and how many. */
typedef struct dense_dimensions {
    int rank;
    int64_t size[HN_MAX_RANK], stride[HN_MAX_RANK];
} dense_dimensions;

static dense_dimensions dense_of(const hni_view *view)
{
    dense_dimensions dense = {0, {0}, {0}};
    for (int i = 0; i < view->rank; i++) {
        if (view->size[i] == 1) continue;
        dense.size[dense.rank] = view->size[i];
        dense.stride[dense.rank++] = view->stride[i];
    }
    return dense;
}

/* Strides of `view` under another shape with as many elements; false where only a copy could give it.
 * Goes from the last dimension to the first: a new dimension takes the stride of the run of old ones that it lies in, and may only
 * go over from one old dimension to the next where they lie without a gap. */
static bool reshape_strides(const hni_view *view, hn_shape shape, hni_view *out)
{
    const dense_dimensions dense = dense_of(view);
    int old = dense.rank - 1;                          /* old dimension being used up */
    int64_t left = old >= 0 ? dense.size[old] : 1;     /* elements of the run that are not taken yet */
    int64_t stride = old >= 0 ? dense.stride[old] : 1; /* of the next element of the run */
    out->rank = shape.rank;
    for (int i = shape.rank - 1; i >= 0; i--) {
        out->size[i] = shape.size[i];
        if (shape.size[i] == 1) {
            out->stride[i] = 1;
            continue;
        }
        if (left == 1 && old > 0) { /* a new run */
            old--;
            left = dense.size[old];
            stride = dense.stride[old];
        }
        while (left % shape.size[i] != 0 && old > 0) { /* join the next old dimension to the run */
            if (dense.stride[old - 1] != dense.stride[old] * dense.size[old]) return false;
            old--;
            left *= dense.size[old];
        }
        if (left % shape.size[i] != 0) return false;
        out->stride[i] = stride;
        stride *= shape.size[i];
        left /= shape.size[i];
    }
    return true;
}

/* The builder copies first where strides do not allow a view, so failing here means another number of elements. */
hn_status hni_reshape_shape(hn_context *context, hni_call *call)
{
    const hn_shape shape = call->attributes.reshape.shape;
    const int64_t elements = hn_shape_elements(shape);
    char text[96];
    if (elements < 1 || elements != hni_view_elements(&call->inputs[0])) {
        char given[96];
        return hni_op_error(context, call, HN_ERROR_SHAPE, "shape", "x %s has %lld elements, %s cannot hold them",
                            hn_shape_print(hni_view_shape(&call->inputs[0]), given, sizeof given),
                            (long long)hni_view_elements(&call->inputs[0]), hn_shape_print(shape, text, sizeof text));
    }
    call->out = call->inputs[0];
    if (!reshape_strides(&call->inputs[0], shape, &call->out)) {
        return hni_op_error(context, call, HN_ERROR_UNSUPPORTED, "x", "%s is no view of the input: copy it first",
                            hn_shape_print(shape, text, sizeof text));
    }
    return HN_OK;
}

bool hni_reshape_is_view(const hni_view *view, hn_shape shape)
{
    hni_view ignored = *view;
    return hn_shape_elements(shape) == hni_view_elements(view) && reshape_strides(view, shape, &ignored);
}

hn_status hni_permute_shape(hn_context *context, hni_call *call)
{
    const hni_view *x = &call->inputs[0];
    unsigned seen = 0;
    call->out = *x;
    for (int i = 0; i < x->rank; i++) {
        const int from = call->attributes.permute.order[i];
        if (from < 0 || from >= x->rank || (seen & (1u << from)) != 0) {
            return hni_op_error(context, call, HN_ERROR_ARGUMENT, "order",
                                "entry %d is %d: the order must name each of the %d axes once", i, from, x->rank);
        }
        seen |= 1u << from;
        call->out.size[i] = x->size[from];
        call->out.stride[i] = x->stride[from];
    }
    return HN_OK;
}

static hn_status want_axis(hn_context *context, const hni_call *call, int axis)
{
    const hni_view *x = &call->inputs[0];
    char text[96];
    if (axis >= 0 && axis < x->rank) return HN_OK;
    return hni_op_error(context, call, HN_ERROR_ARGUMENT, "axis", "there is no axis %d in x %s", axis,
                        hn_shape_print(hni_view_shape(x), text, sizeof text));
}

hn_status hni_slice_shape(hn_context *context, hni_call *call)
{
    const hni_view *x = &call->inputs[0];
    const int axis = call->attributes.slice.axis;
    const int64_t start = call->attributes.slice.start, length = call->attributes.slice.length;
    const int64_t step = call->attributes.slice.step;
    const hn_status status = want_axis(context, call, axis);
    if (status != HN_OK) return status;
    if (step < 1) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "step", "the step must be at least 1, it is %lld",
                            (long long)step);
    }
    if (start < 0 || length < 1 || start >= x->size[axis] || length - 1 > (x->size[axis] - 1 - start) / step) {
        char text[96], by[48] = "";
        if (step > 1) snprintf(by, sizeof by, ", each %lld apart,", (long long)step);
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "start",
                            "%lld elements from %lld on%s are not in axis %d of x %s", (long long)length,
                            (long long)start, by, axis, hn_shape_print(hni_view_shape(x), text, sizeof text));
    }
    call->out = *x;
    call->out.data = hni_view_at(x, start * x->stride[axis]);
    call->out.size[axis] = length;
    call->out.stride[axis] = step * x->stride[axis];
    return HN_OK;
}

/* ---- concat ---- */

hn_status hni_concat_shape(hn_context *context, hni_call *call)
{
    const int axis = call->attributes.concat.axis;
    hn_shape shape = hni_view_shape(&call->inputs[0]);
    hn_status status = hni_op_want_float(context, call, 0, "parts");
    if (status != HN_OK) return status;
    if (axis < 0 || axis >= shape.rank) {
        char text[96];
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "axis", "there is no axis %d in part 0 %s", axis,
                            hn_shape_print(shape, text, sizeof text));
    }
    shape.size[axis] = 0;
    for (int64_t i = 0; i < call->input_count; i++) {
        const hn_shape part = hni_view_shape(&call->inputs[i]);
        hn_shape rest = part;
        status = hni_op_want_float(context, call, i, "parts");
        if (status != HN_OK) return status;
        if (part.rank == shape.rank) rest.size[axis] = shape.size[axis];
        if (!hn_shape_equal(rest, shape)) {
            char text[96], first[96];
            return hni_op_error(context, call, HN_ERROR_SHAPE, "parts",
                                "part %lld %s differs from part 0 %s outside axis %d", (long long)i,
                                hn_shape_print(part, text, sizeof text),
                                hn_shape_print(hni_view_shape(&call->inputs[0]), first, sizeof first), axis);
        }
        if (part.size[axis] > INT64_MAX - shape.size[axis]) {
            return hni_op_error(context, call, HN_ERROR_SHAPE, "parts",
                                "the parts have more elements than can be counted");
        }
        shape.size[axis] += part.size[axis];
    }
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

/* `length` elements of `whole` along `axis`. */
static hni_view part_of(const hni_view *whole, int axis, int64_t start, int64_t length)
{
    hni_view part = *whole;
    part.data = hni_view_at(whole, start * whole->stride[axis]);
    part.size[axis] = length;
    return part;
}

hn_status hni_concat_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    static const double no_parameters[2] = {0, 0};
    const int axis = call->attributes.concat.axis;
    hn_status status = HN_OK;
    int64_t start = 0;
    for (int64_t i = 0; status == HN_OK && i < call->input_count; i++) {
        const int64_t length = call->inputs[i].size[axis];
        hni_view part = part_of(&call->out, axis, start, length);
        status = kernels->map(exec, HNI_MAP_COPY, no_parameters, &call->inputs[i], &part, false);
        start += length;
    }
    return status;
}

hn_status hni_concat_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    static const double no_parameters[2] = {0, 0};
    const int axis = call->attributes.concat.axis;
    hn_status status = HN_OK;
    int64_t start = 0;
    for (int64_t i = 0; status == HN_OK && i < call->input_count; i++) {
        const int64_t length = call->inputs[i].size[axis];
        const hni_view part = part_of(&call->grad_out, axis, start, length);
        if (call->wanted[i]) {
            status = kernels->map(exec, HNI_MAP_COPY, no_parameters, &part, &call->grad_inputs[i], !call->fresh[i]);
        }
        start += length;
    }
    return status;
}

/* ---- pad ---- */

hn_status hni_pad_shape(hn_context *context, hni_call *call)
{
    const int axis = call->attributes.pad.axis;
    const int64_t before = call->attributes.pad.before, after = call->attributes.pad.after;
    hn_shape shape = hni_view_shape(&call->inputs[0]);
    hn_status status = hni_op_want_float(context, call, 0, "x");
    if (status == HN_OK) status = want_axis(context, call, axis);
    if (status != HN_OK) return status;
    if (before < 0 || after < 0) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, before < 0 ? "before" : "after",
                            "%s must be at least 0, it is %lld", before < 0 ? "before" : "after",
                            (long long)(before < 0 ? before : after));
    }
    if (before > INT64_MAX - shape.size[axis] || after > INT64_MAX - shape.size[axis] - before) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "x", "the result has more elements than can be counted");
    }
    shape.size[axis] += before + after;
    return hni_op_set_out(context, call, call->inputs[0].dtype, shape);
}

/* Zeros, and x among them. */
hn_status hni_pad_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    static const double no_parameters[2] = {0, 0};
    const hni_view *x = &call->inputs[0];
    const int axis = call->attributes.pad.axis;
    const size_t size = (size_t)hni_view_elements(&call->out) * hn_dtype_size(call->out.dtype);
    hni_view middle = part_of(&call->out, axis, call->attributes.pad.before, x->size[axis]);
    const hn_status status = kernels->fill_zero(exec, call->out.data, size);
    return status != HN_OK ? status : kernels->map(exec, HNI_MAP_COPY, no_parameters, x, &middle, false);
}

hn_status hni_pad_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    static const double no_parameters[2] = {0, 0};
    const int axis = call->attributes.pad.axis;
    if (!call->wanted[0]) return HN_OK;
    const hni_view middle = part_of(&call->grad_out, axis, call->attributes.pad.before, call->inputs[0].size[axis]);
    return kernels->map(exec, HNI_MAP_COPY, no_parameters, &middle, &call->grad_inputs[0], !call->fresh[0]);
}
