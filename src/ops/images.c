/* Batches of images out of a set of bytes: shifted, mirrored, turned or scaled, and normalised. */
#include "ops/op.h"

#include <math.h>

/* The kernels count the numbers of an image and its border in 32 bits. */
#define MOST_NUMBERS ((int64_t)1 << 30)

static bool is_countable(const hni_view *source)
{
    for (int i = 1; i < 4; i++)
        if (source->size[i] > MOST_NUMBERS) return false;
    const int64_t numbers = hn_shape_elements(HN_SHAPE3(source->size[1], source->size[2] + 2, source->size[3] + 2));
    return numbers > 0 && numbers <= MOST_NUMBERS;
}

static hn_status check_norm(hn_context *context, const hni_call *call, int64_t channels)
{
    const hni_image_gather *gather = &call->attributes.gather_images.gather;
    for (int64_t c = 0; c < channels; c++) {
        if (isfinite(gather->mean[c]) && gather->deviation[c] > 0 && isfinite(gather->deviation[c])) continue;
        return hni_op_error(context, call, HN_ERROR_ARGUMENT, "norm",
                            "mean %g and deviation %g of channel %lld: both must be finite, the deviation above 0",
                            gather->mean[c], gather->deviation[c], (long long)c);
    }
    return HN_OK;
}

hn_status hni_gather_images_shape(hn_context *context, hni_call *call)
{
    const hni_view *source = &call->inputs[0];
    const int64_t count = call->attributes.gather_images.count;
    char text[96];
    if (source->dtype != HN_DTYPE_U8) {
        return hni_op_error(context, call, HN_ERROR_TYPE, "source", "source must be U8, it is %s",
                            hn_dtype_name(source->dtype));
    }
    if (source->rank != 4 || !is_countable(source)) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "source",
                            "source %s must be [n,C,H,W], each image below 2^30 bytes",
                            hn_shape_print(hni_view_shape(source), text, sizeof text));
    }
    const hn_status status = check_norm(context, call, source->size[1]);
    if (status != HN_OK) return status;
    return hni_op_set_out(context, call, call->attributes.gather_images.dtype,
                          HN_SHAPE4(count, source->size[2], source->size[3], source->size[1]));
}

hn_status hni_gather_images_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    return kernels->gather_images(exec, &call->inputs[0], &call->attributes.gather_images.gather, &call->out);
}

/* Never called: no input is differentiable. */
hn_status hni_gather_images_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    (void)kernels;
    return hni_op_error(exec->context, call, HN_ERROR_UNSUPPORTED, "source", "bytes have no gradient");
}
