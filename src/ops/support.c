/* Helpers shared by the op files: messages, type checks, and the one way in which element-wise gradients are added. */
#include "ops/op.h"

#include <stdarg.h>
#include <stdio.h>

hn_status hni_op_error(hn_context *context, const hni_call *call, hn_status status, const char *argument,
                       const char *format, ...)
{
    char text[512], shapes[2][96] = {"", ""};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (int64_t i = 0; i < call->input_count && i < 2; i++) {
        hn_shape_print(hni_view_shape(&call->inputs[i]), shapes[i], sizeof shapes[i]);
    }
    const hni_blame blame = {call->spec->name, argument, shapes[0], shapes[1]};
    return hni_error_at(context, status, &blame, "%s", text);
}

static bool is_float(hn_dtype dtype) { return dtype == HN_DTYPE_F32 || dtype == HN_DTYPE_F64; }

hn_status hni_op_want_float(hn_context *context, const hni_call *call, int64_t input, const char *argument)
{
    const hn_dtype dtype = call->inputs[input].dtype;
    if (!is_float(dtype)) {
        return hni_op_error(context, call, HN_ERROR_TYPE, argument, "%s must be float, not %s", argument,
                            hn_dtype_name(dtype));
    }
    if (is_float(call->inputs[0].dtype) && dtype != call->inputs[0].dtype) {
        return hni_op_error(context, call, HN_ERROR_TYPE, argument, "%s is %s, the first input is %s", argument,
                            hn_dtype_name(dtype), hn_dtype_name(call->inputs[0].dtype));
    }
    return HN_OK;
}

hn_status hni_op_want_i32(hn_context *context, const hni_call *call, int64_t input, const char *argument)
{
    const hn_dtype dtype = call->inputs[input].dtype;
    if (dtype == HN_DTYPE_I32) return HN_OK;
    return hni_op_error(context, call, HN_ERROR_TYPE, argument, "%s must be I32, not %s", argument,
                        hn_dtype_name(dtype));
}

hn_status hni_op_set_out(hn_context *context, hni_call *call, hn_dtype dtype, hn_shape shape)
{
    char text[96];
    if (hn_shape_elements(shape) < 1) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "", "the result %s has more elements than can be counted",
                            hn_shape_print(shape, text, sizeof text));
    }
    call->out = hni_view_of(NULL, dtype, shape);
    return HN_OK;
}

void hni_op_add_saved(hni_call *call, hn_dtype dtype, hn_shape shape)
{
    call->saved[call->saved_count++] = hni_view_of(NULL, dtype, shape);
}

hni_view hni_op_broadcast(const hni_view *view, hn_shape shape)
{
    hni_view out = *view;
    if (!hni_view_broadcast(view, shape, &out)) out.rank = -1; /* the shape rule has excluded it */
    return out;
}

static const double no_parameters[2] = {0, 0};

static size_t bytes_of(const hni_view *view) { return (size_t)hni_view_elements(view) * hn_dtype_size(view->dtype); }

/* Scratch memory for a view of the same shape without gaps. */
static hn_status take_dense(hni_exec *exec, const hni_view *view, hni_view *out)
{
    *out = hni_view_of(NULL, view->dtype, hni_view_shape(view));
    return hni_arena_take(exec->scratch, bytes_of(out), &out->data);
}

hn_status hni_op_dense(const hni_kernels *kernels, hni_exec *exec, const hni_view *view, hni_view *out)
{
    const hni_view given = *view;
    *out = given;
    if (hni_view_is_contiguous(&given)) return HN_OK;
    const hn_status status = take_dense(exec, &given, out);
    return status != HN_OK ? status : kernels->map(exec, HNI_MAP_COPY, no_parameters, &given, out, false);
}

hn_status hni_op_dense_open(const hni_kernels *kernels, hni_exec *exec, const hni_view *gradient, hni_view *out)
{
    *out = *gradient;
    if (hni_view_is_contiguous(gradient)) return HN_OK;
    const hn_status status = take_dense(exec, gradient, out);
    return status != HN_OK ? status : kernels->fill_zero(exec, out->data, bytes_of(out));
}

hn_status hni_op_dense_close(const hni_kernels *kernels, hni_exec *exec, const hni_view *made, hni_view *gradient)
{
    if (hni_view_is_contiguous(gradient)) return HN_OK;
    return kernels->map(exec, HNI_MAP_COPY, no_parameters, made, gradient, true);
}

hn_status hni_op_add_grad(const hni_kernels *kernels, hni_exec *exec, hni_call *call, int64_t input, hni_map map,
                          const double parameters[2], const hni_view *inputs)
{
    if (!call->wanted[input]) return HN_OK;
    const hn_shape shape = hni_view_shape(&call->grad_out);
    hni_view *gradient = &call->grad_inputs[input];
    const bool reduces = !hn_shape_equal(hni_view_shape(gradient), shape);
    if (call->fresh[input] && reduces) {
        const size_t size = (size_t)hni_view_elements(gradient) * hn_dtype_size(gradient->dtype);
        const hn_status status = kernels->fill_zero(exec, gradient->data, size);
        if (status != HN_OK) return status;
    }
    hni_view target = hni_op_broadcast(gradient, shape);
    return kernels->map(exec, map, parameters, inputs, &target, reduces || !call->fresh[input]);
}

hn_shape hni_op_image_shape(const hni_view *view)
{
    const hn_shape shape = hni_view_shape(view);
    return shape.rank == 4 ? HN_SHAPE4(shape.size[0], shape.size[3], shape.size[1], shape.size[2]) : shape;
}
