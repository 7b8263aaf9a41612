/* Softmax cross-entropy from logits, in nats, and bits of single symbols for evaluation. Log-sum-exp with the maximum taken out. */
#include "ops/op.h"

/* [..,V] as [R,V]; rows are contiguous because the builder copies strided logits. */
static hni_view rows_of(const hni_view *logits)
{
    const int64_t symbols = logits->size[logits->rank - 1];
    return hni_view_of(logits->data, logits->dtype, HN_SHAPE2(hni_view_elements(logits) / symbols, symbols));
}

static hni_view flat(const hni_view *view)
{
    return hni_view_of(view->data, view->dtype, HN_SHAPE1(hni_view_elements(view)));
}

/* `input` must have the shape of the logits without their last dimension, and no gaps. */
static hn_status want_row_shape(hn_context *context, const hni_call *call, int input, const char *argument)
{
    hn_shape shape = hni_view_shape(&call->inputs[0]);
    shape.rank--;
    if (!hn_shape_equal(shape, hni_view_shape(&call->inputs[input]))) {
        char left[96], right[96], wanted[96];
        return hni_op_error(context, call, HN_ERROR_SHAPE, argument, "%s are %s, logits %s need %s", argument,
                            hn_shape_print(hni_view_shape(&call->inputs[input]), right, sizeof right),
                            hn_shape_print(hni_view_shape(&call->inputs[0]), left, sizeof left),
                            hn_shape_print(shape, wanted, sizeof wanted));
    }
    if (!hni_view_is_contiguous(&call->inputs[input])) {
        return hni_op_error(context, call, HN_ERROR_UNSUPPORTED, argument,
                            "%s are a view with gaps: make them a tensor of their own", argument);
    }
    return HN_OK;
}

static hn_status want_logits(hn_context *context, const hni_call *call)
{
    hn_status status = hni_op_want_float(context, call, 0, "logits");
    if (status == HN_OK && call->inputs[0].rank < 1) {
        status = hni_op_error(context, call, HN_ERROR_SHAPE, "logits",
                              "logits are a scalar: their last dimension is the symbols");
    }
    if (status == HN_OK && !hni_view_is_contiguous(&call->inputs[0])) {
        status = hni_op_error(context, call, HN_ERROR_UNSUPPORTED, "logits", "logits must not be a strided view");
    }
    if (status == HN_OK) status = hni_op_want_i32(context, call, 1, "targets");
    if (status == HN_OK) status = want_row_shape(context, call, 1, "targets");
    return status;
}

hn_status hni_softmax_cross_entropy_shape(hn_context *context, hni_call *call)
{
    hn_status status = want_logits(context, call);
    if (status == HN_OK) status = hni_op_want_float(context, call, 2, "weights");
    if (status == HN_OK) status = want_row_shape(context, call, 2, "weights");
    if (status != HN_OK) return status;
    const double divisor = call->attributes.softmax_cross_entropy.divisor;
    if (!(divisor > 0)) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "divisor", "the divisor must be above 0, it is %g",
                            divisor);
    }
    const double smoothing = call->attributes.softmax_cross_entropy.smoothing;
    if (!(smoothing >= 0 && smoothing < 1)) {
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "smoothing",
                            "smoothing must be at least 0 and below 1, it is %g", smoothing);
    }
    const hn_shape rows = HN_SHAPE1(hni_view_elements(&call->inputs[1]));
    hni_op_add_saved(call, call->inputs[0].dtype, rows); /* log sum exp */
    hni_op_add_saved(call, call->inputs[0].dtype, rows); /* loss of each row */
    return hni_op_set_out(context, call, call->inputs[0].dtype, HN_SCALAR());
}

hn_status hni_softmax_cross_entropy_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    const double factor[2] = {1 / call->attributes.softmax_cross_entropy.divisor, 0};
    const hni_view logits = rows_of(&call->inputs[0]), targets = flat(&call->inputs[1]);
    const hn_shape rows = hni_view_shape(&call->saved[1]);
    const hni_softmax softmax = {&logits, &targets, call->attributes.softmax_cross_entropy.smoothing};
    hn_status status = kernels->softmax_loss(exec, &softmax, &call->saved[0], &call->saved[1]);
    if (status == HN_OK) status = kernels->fill_zero(exec, call->out.data, hn_dtype_size(call->out.dtype));
    if (status != HN_OK) return status;
    hni_view weighted[2] = {call->saved[1], flat(&call->inputs[2])};
    hni_view total = hni_op_broadcast(&call->out, rows);
    status = kernels->map(exec, HNI_MAP_MUL, factor, weighted, &total, true);
    if (status == HN_OK) status = kernels->map(exec, HNI_MAP_SCALE, factor, &call->out, &call->out, false);
    return status;
}

hn_status hni_softmax_cross_entropy_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    if (!call->wanted[0]) return HN_OK;
    const hni_view logits = rows_of(&call->inputs[0]), targets = flat(&call->inputs[1]),
                   weights = flat(&call->inputs[2]);
    hni_view gradient = call->grad_inputs[0];
    hni_view rows = {gradient.data, gradient.dtype, 2, {logits.size[0], logits.size[1]}, {logits.size[1], 1}};
    if (!hni_view_is_contiguous(&gradient)) { /* only a view of someone's gradient could be: logits are contiguous */
        return hni_op_error(exec->context, call, HN_ERROR_STATE, "logits", "gradient of the logits is not contiguous");
    }
    const hni_softmax softmax = {&logits, &targets, call->attributes.softmax_cross_entropy.smoothing};
    return kernels->softmax_loss_vjp(exec, &softmax, &weights, &call->saved[0], &call->grad_out,
                                     1 / call->attributes.softmax_cross_entropy.divisor, &rows, !call->fresh[0]);
}

/* ---- evaluation ---- */

hn_status hni_symbol_bits_shape(hn_context *context, hni_call *call)
{
    const hn_status status = want_logits(context, call);
    if (status != HN_OK) return status;
    hni_op_add_saved(call, call->inputs[0].dtype, HN_SHAPE1(hni_view_elements(&call->inputs[1]))); /* log sum exp */
    return hni_op_set_out(context, call, call->inputs[0].dtype, hni_view_shape(&call->inputs[1]));
}

hn_status hni_symbol_bits_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    static const double nats_to_bits[2] = {1.4426950408889634, 0};
    const hni_view logits = rows_of(&call->inputs[0]), targets = flat(&call->inputs[1]);
    hni_view out = flat(&call->out);
    const hni_softmax softmax = {&logits, &targets, 0};
    const hn_status status = kernels->softmax_loss(exec, &softmax, &call->saved[0], &out);
    return status != HN_OK ? status : kernels->map(exec, HNI_MAP_SCALE, nats_to_bits, &out, &out, false);
}

/* Never called: no input is differentiable. */
hn_status hni_symbol_bits_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    (void)kernels;
    return hni_op_error(exec->context, call, HN_ERROR_UNSUPPORTED, "logits",
                        "symbol_bits is for evaluation: no gradient");
}
