/* The table of the cpu backend, for float. */
#include "kernels/cpu/cpu.h"

#include "kernels/host.h"

static const hni_kernels cpu_table = {
    .backend = "cpu",
    .dtype = HN_DTYPE_F32,
    .allocate = hni_host_allocate,
    .release = hni_host_release,
    .copy_in = hni_cpu_copy_in,
    .copy_out = hni_cpu_copy_out,
    .fill_zero = hni_cpu_fill_zero,
    .map = hni_cpu_map,
    .gemm = hni_cpu_gemm,
    .layer_norm = hni_cpu_layer_norm,
    .layer_norm_vjp = hni_cpu_layer_norm_vjp,
    .conv2d = hni_cpu_conv2d,
    .conv2d_vjp = hni_cpu_conv2d_vjp,
    .batch_statistics = hni_cpu_batch_statistics,
    .batch_norm = hni_cpu_batch_norm,
    .batch_norm_vjp = hni_cpu_batch_norm_vjp,
    .pool2d = hni_cpu_pool2d,
    .pool2d_vjp = hni_cpu_pool2d_vjp,
    .dropout = hni_cpu_dropout,
    .lookup = hni_cpu_lookup,
    .lookup_vjp = hni_cpu_lookup_vjp,
    .where_length = hni_cpu_where_length,
    .reverse = hni_cpu_reverse,
    .gather_windows = hni_cpu_gather_windows,
    .gather_images = hni_cpu_gather_images,
    .softmax_loss = hni_cpu_softmax_loss,
    .softmax_loss_vjp = hni_cpu_softmax_loss_vjp,
    .recurrence = hni_cpu_recurrence,
    .recurrence_vjp = hni_cpu_recurrence_vjp,
    .gradient_norm = hni_cpu_gradient_norm,
    .count_nonfinite = hni_cpu_count_nonfinite,
    .adam = hni_cpu_adam_update,
    .sgd = hni_cpu_sgd_update,
    .rmsprop = hni_cpu_rmsprop_update,
    .average = hni_cpu_average,
    .swap = hni_cpu_swap,
    .pack_size = hni_cpu_pack_size,
    .pack = hni_cpu_pack,
    .unpack = hni_cpu_unpack,
    .packed_multiply = hni_cpu_packed_multiply,
};

const hni_kernels *hni_kernels_cpu(hn_dtype dtype) { return dtype == HN_DTYPE_F32 ? &cpu_table : NULL; }
