/* The dry tables: every slot succeeds and looks at nothing. With them a graph makes its shapes, counts and sizes without memory
 * for data: `allocate` gives NULL and counts nothing; how much a store or graph would hold is known from its shapes. */
#include "kernels/conv2d.h"

static hn_status dry_allocate(hn_context *context, const char *what, size_t size, void **out_pointer)
{
    (void)context, (void)what, (void)size;
    *out_pointer = NULL;
    return HN_OK;
}

static void dry_release(hn_context *context, void *pointer) { (void)context, (void)pointer; }

static hn_status dry_copy_in(hni_exec *exec, hni_view *out, hn_dtype source_type, const void *source)
{
    (void)exec, (void)out, (void)source_type, (void)source;
    return HN_OK;
}

static hn_status dry_copy_out(hni_exec *exec, const hni_view *view, hn_dtype target_type, void *out_target)
{
    (void)exec, (void)view, (void)target_type, (void)out_target;
    return HN_OK;
}

static hn_status dry_fill_zero(hni_exec *exec, void *data, size_t size)
{
    (void)exec, (void)data, (void)size;
    return HN_OK;
}

static hn_status dry_map(hni_exec *exec, hni_map map, const double parameters[2], const hni_view *inputs, hni_view *out,
                         bool accumulate)
{
    (void)exec, (void)map, (void)parameters, (void)inputs, (void)out, (void)accumulate;
    return HN_OK;
}

static hn_status dry_gemm(hni_exec *exec, const hni_gemm *gemm)
{
    (void)exec, (void)gemm;
    return HN_OK;
}

static hn_status dry_layer_norm(hni_exec *exec, const hni_norm *norm, hni_view *out)
{
    (void)exec, (void)norm, (void)out;
    return HN_OK;
}

static hn_status dry_layer_norm_vjp(hni_exec *exec, const hni_norm_vjp *vjp)
{
    (void)exec, (void)vjp;
    return HN_OK;
}

static hn_status dry_batch_statistics(hni_exec *exec, const hni_view *x, hni_view *out)
{
    (void)exec, (void)x, (void)out;
    return HN_OK;
}

static hn_status dry_batch_norm(hni_exec *exec, const hni_column_norm *norm, void *out)
{
    (void)exec, (void)norm, (void)out;
    return HN_OK;
}

static hn_status dry_batch_norm_vjp(hni_exec *exec, const hni_column_norm_vjp *vjp)
{
    (void)exec, (void)vjp;
    return HN_OK;
}

static hn_status dry_dropout(hni_exec *exec, const hni_dropout *dropout, const hni_view *x, hni_view *out,
                             bool accumulate)
{
    (void)exec, (void)dropout, (void)x, (void)out, (void)accumulate;
    return HN_OK;
}

static hn_status dry_lookup(hni_exec *exec, const hni_view *table, const hni_view *indices, hni_view *out)
{
    (void)exec, (void)table, (void)indices, (void)out;
    return HN_OK;
}

static hn_status dry_where_length(hni_exec *exec, const hni_view *a, const hni_view *b, const hni_view *lengths,
                                  int64_t t, hni_view *out, bool accumulate)
{
    (void)exec, (void)a, (void)b, (void)lengths, (void)t, (void)out, (void)accumulate;
    return HN_OK;
}

static hn_status dry_reverse(hni_exec *exec, const hni_view *x, const hni_view *lengths, hni_view *out, bool accumulate)
{
    (void)exec, (void)x, (void)lengths, (void)out, (void)accumulate;
    return HN_OK;
}

static hn_status dry_gather_windows(hni_exec *exec, const hni_view *source, const int64_t *starts, hni_view *out)
{
    (void)exec, (void)source, (void)starts, (void)out;
    return HN_OK;
}

static hn_status dry_gather_images(hni_exec *exec, const hni_view *source, const hni_image_gather *gather,
                                   hni_view *out)
{
    (void)exec, (void)source, (void)gather, (void)out;
    return HN_OK;
}

static hn_status dry_softmax_loss(hni_exec *exec, const hni_softmax *softmax, hni_view *out_log_sum, hni_view *out_loss)
{
    (void)exec, (void)softmax, (void)out_log_sum, (void)out_loss;
    return HN_OK;
}

static hn_status dry_softmax_loss_vjp(hni_exec *exec, const hni_softmax *softmax, const hni_view *weights,
                                      const hni_view *log_sum, const hni_view *dloss, double factor, hni_view *dlogits,
                                      bool accumulate)
{
    (void)exec, (void)softmax, (void)weights, (void)log_sum, (void)dloss, (void)factor, (void)dlogits, (void)accumulate;
    return HN_OK;
}

/* No data, but the scratch memory that the real ones would take. There is no fast backend in double, and generic takes none. */
static hn_status dry_conv2d_f64(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    (void)exec, (void)conv, (void)out;
    return HN_OK;
}

static hn_status dry_conv2d_vjp_f64(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    (void)exec, (void)vjp;
    return HN_OK;
}

static hn_status dry_pool2d(hni_exec *exec, const hni_pool *pool, hni_view *out)
{
    (void)exec, (void)pool, (void)out;
    return HN_OK;
}

static hn_status dry_pool2d_vjp(hni_exec *exec, const hni_pool *pool, const hni_view *out, const hni_view *dy,
                                hni_view *dx, bool accumulate)
{
    (void)exec, (void)pool, (void)out, (void)dy, (void)dx, (void)accumulate;
    return HN_OK;
}

static hn_status dry_conv2d_f32(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    return hni_conv2d_scratch(exec, conv, out);
}

static hn_status dry_conv2d_vjp_f32(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    return hni_conv2d_vjp_scratch(exec, vjp);
}

#define DRY_RECURRENCE(name, size)                                                            \
    static hn_status dry_recurrence_##name(hni_exec *exec, const hni_recurrence *recurrence)  \
    {                                                                                         \
        return hni_recurrence_scratch(exec, size, recurrence, NULL);                          \
    }                                                                                         \
    static hn_status dry_recurrence_vjp_##name(hni_exec *exec, const hni_recurrence_vjp *vjp) \
    {                                                                                         \
        return hni_recurrence_scratch(exec, size, vjp->forward, vjp);                         \
    }
DRY_RECURRENCE(f32, sizeof(float))
DRY_RECURRENCE(f64, sizeof(double))

static hn_status dry_gradient_norm(hni_exec *exec, int64_t count, const void *gradient, double clip_norm,
                                   double clip_value)
{
    (void)exec, (void)count, (void)gradient, (void)clip_norm, (void)clip_value;
    return HN_OK;
}

/* The answer is the caller's own variable, not data: it must not stay unset. */
static hn_status dry_count_nonfinite(hni_exec *exec, int64_t count, const void *data, int64_t *out_count)
{
    (void)exec, (void)count, (void)data;
    *out_count = 0;
    return HN_OK;
}

static hn_status dry_adam(hni_exec *exec, const hni_adam *adam, int64_t count, void *value, const void *gradient,
                          void *mean, void *variance)
{
    (void)exec, (void)adam, (void)count, (void)value, (void)gradient, (void)mean, (void)variance;
    return HN_OK;
}

static hn_status dry_sgd(hni_exec *exec, const hni_sgd *sgd, int64_t count, void *value, const void *gradient,
                         void *moment)
{
    (void)exec, (void)sgd, (void)count, (void)value, (void)gradient, (void)moment;
    return HN_OK;
}

static hn_status dry_rmsprop(hni_exec *exec, const hni_rmsprop *rmsprop, int64_t count, void *value,
                             const void *gradient, void *square, void *moment)
{
    (void)exec, (void)rmsprop, (void)count, (void)value, (void)gradient, (void)square, (void)moment;
    return HN_OK;
}

static hn_status dry_average(hni_exec *exec, double decay, int64_t count, const void *value, void *average)
{
    (void)exec, (void)decay, (void)count, (void)value, (void)average;
    return HN_OK;
}

static hn_status dry_swap(hni_exec *exec, int64_t count, void *a, void *b)
{
    (void)exec, (void)count, (void)a, (void)b;
    return HN_OK;
}

static hn_status dry_pack_size(hni_exec *exec, hn_dtype storage, hn_shape shape, size_t *out_size)
{
    (void)exec, (void)storage, (void)shape;
    *out_size = 0;
    return HN_OK;
}

static hn_status dry_pack(hni_exec *exec, const hni_view *matrix, int64_t first, hni_packed *packed)
{
    (void)exec, (void)matrix, (void)first, (void)packed;
    return HN_OK;
}

static hn_status dry_unpack(hni_exec *exec, const hni_packed *packed, int64_t first, hni_view *out)
{
    (void)exec, (void)packed, (void)first, (void)out;
    return HN_OK;
}

static hn_status dry_packed_multiply(hni_exec *exec, const hni_packed *packed, const hni_view *x, hni_view *out,
                                     bool accumulate)
{
    (void)exec, (void)packed, (void)x, (void)out, (void)accumulate;
    return HN_OK;
}

/* clang-format off */
#define DRY_TABLE(type, name) \
    { \
        .backend = "dry", \
        .dtype = type, \
        .allocate = dry_allocate, \
        .release = dry_release, \
        .copy_in = dry_copy_in, \
        .copy_out = dry_copy_out, \
        .fill_zero = dry_fill_zero, \
        .map = dry_map, \
        .gemm = dry_gemm, \
        .layer_norm = dry_layer_norm, \
        .layer_norm_vjp = dry_layer_norm_vjp, \
        .batch_statistics = dry_batch_statistics, \
        .batch_norm = dry_batch_norm, \
        .batch_norm_vjp = dry_batch_norm_vjp, \
        .conv2d = dry_conv2d_##name, \
        .conv2d_vjp = dry_conv2d_vjp_##name, \
        .pool2d = dry_pool2d, \
        .pool2d_vjp = dry_pool2d_vjp, \
        .dropout = dry_dropout, \
        .lookup = dry_lookup, \
        .lookup_vjp = dry_lookup, \
        .where_length = dry_where_length, \
        .reverse = dry_reverse, \
        .gather_windows = dry_gather_windows, \
        .gather_images = dry_gather_images, \
        .softmax_loss = dry_softmax_loss, \
        .softmax_loss_vjp = dry_softmax_loss_vjp, \
        .recurrence = dry_recurrence_##name, \
        .recurrence_vjp = dry_recurrence_vjp_##name, \
        .gradient_norm = dry_gradient_norm, \
        .count_nonfinite = dry_count_nonfinite, \
        .adam = dry_adam, \
        .sgd = dry_sgd, \
        .rmsprop = dry_rmsprop, \
        .average = dry_average, \
        .swap = dry_swap, \
        .pack_size = dry_pack_size, \
        .pack = dry_pack, \
        .unpack = dry_unpack, \
        .packed_multiply = dry_packed_multiply, \
    }
/* clang-format on */

static const hni_kernels dry_f32 = DRY_TABLE(HN_DTYPE_F32, f32), dry_f64 = DRY_TABLE(HN_DTYPE_F64, f64);

const hni_kernels *hni_kernels_dry(hn_dtype dtype)
{
    if (dtype == HN_DTYPE_F32) return &dry_f32;
    if (dtype == HN_DTYPE_F64) return &dry_f64;
    return NULL;
}
