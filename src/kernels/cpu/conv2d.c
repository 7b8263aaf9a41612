/* Convolutions: by Winograd's filtering where that suits (winograd.c), else by oneDNN, on images as they lie, [B,H,W,C] (its nhwc). oneDNN
 * wants kernels in blocks of its own: they are copied into scratch memory at each call, since a kernel may be another one every
 * time. A dry run calls the same functions with an arena that counts: they take their scratch memory and do no more. */
#include "kernels/conv2d.h"

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/winograd.h"

typedef enum pass_kind { FORWARD, DATA, WEIGHTS } pass_kind;

/* One convolution ready to be run. */
typedef struct pass {
    pass_kind kind;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t plan;
    void *scratchpad, *packed; /* of the library; the kernel or its gradient in the library's layout */
    hni_view kernel;           /* [O,C,F,F] at strides that the library reads: the given one or `dense` */
    void *dense, *bias,
        *image; /* NULL where not needed: the kernel or its gradient, bias or its gradient, dx to be added */
} pass;

static const double no_parameters[2] = {0, 0};

static hn_status take(hni_exec *exec, size_t count, void **out)
{
    return hni_arena_take(exec->scratch, count * sizeof(float), out);
}

/* ---- descriptions ---- */

static dnnl_status_t image_layout(const hni_view *image, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t sizes = {image->size[0], image->size[3], image->size[1], image->size[2]};
    return dnnl_memory_desc_init_by_tag(out, 4, sizes, dnnl_f32, dnnl_nhwc);
}

/* False if the library cannot read such strides. */
static bool kernel_layout(const hni_view *kernel, dnnl_memory_desc_t *out)
{
    dnnl_dims_t sizes, strides;
    for (int d = 0; d < 4; d++) {
        if (kernel->stride[d] == 0 && kernel->size[d] > 1) return false;
        sizes[d] = kernel->size[d];
        strides[d] = kernel->stride[d];
    }
    return dnnl_memory_desc_init_by_strides(out, 4, sizes, dnnl_f32, strides) == dnnl_success;
}

/* Zeros that the last tap needs behind the last pixel. */
static int64_t padding_behind(const hni_convolution *conv, int64_t pixels, int64_t outputs)
{
    const int64_t missing = (outputs - 1) * conv->stride + conv->kernel.size[2] - conv->padding - pixels;
    return missing > 0 ? missing : 0;
}

static dnnl_status_t describe(pass *p, const hni_convolution *conv, const hni_view *y, bool with_bias)
{
    dnnl_status_t result;
    dnnl_memory_desc_t of_x, of_kernel, of_y, of_bias;
    dnnl_convolution_desc_t convolution;
    dnnl_primitive_attr_t attributes = NULL;
    const hni_view *x = &conv->x;
    const int64_t *kernel = conv->kernel.size;
    const dnnl_dims_t taps = {kernel[0], kernel[1], kernel[2], kernel[3]}, outputs = {kernel[0]};
    const dnnl_dims_t strides = {conv->stride, conv->stride};
    const dnnl_dims_t before = {conv->padding, conv->padding}, behind = {padding_behind(conv, x->size[1], y->size[1]),
                                                                         padding_behind(conv, x->size[2], y->size[2])};
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    const dnnl_memory_desc_t *bias = with_bias ? &of_bias : NULL;
    HNI_DNNL_TRY(image_layout(x, &of_x));
    HNI_DNNL_TRY(image_layout(y, &of_y));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&of_kernel, 4, taps, dnnl_f32, dnnl_format_tag_any));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&of_bias, 1, outputs, dnnl_f32, dnnl_a));
    if (p->kind == FORWARD) {
        HNI_DNNL_TRY(dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_training, direct, &of_x, &of_kernel,
                                                        bias, &of_y, strides, before, behind));
    } else if (p->kind == DATA) {
        HNI_DNNL_TRY(dnnl_convolution_backward_data_desc_init(&convolution, direct, &of_x, &of_kernel, &of_y, strides,
                                                              before, behind));
    } else {
        HNI_DNNL_TRY(dnnl_convolution_backward_weights_desc_init(&convolution, direct, &of_x, &of_kernel, bias, &of_y,
                                                                 strides, before, behind));
    }
    HNI_DNNL_TRY(dnnl_primitive_attr_create(&attributes));
    HNI_DNNL_TRY(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
    HNI_DNNL_TRY(dnnl_primitive_desc_create(&p->plan, &convolution, attributes, p->engine, NULL));
dnnl_cleanup:
    if (attributes != NULL) (void)dnnl_primitive_attr_destroy(attributes);
    return result;
}

static const dnnl_memory_desc_t *packed_layout(const pass *p)
{
    return dnnl_primitive_desc_query_md(p->plan,
                                        p->kind == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
}

static const dnnl_memory_desc_t *scratchpad_layout(const pass *p)
{
    return dnnl_primitive_desc_query_md(p->plan, dnnl_query_scratchpad_md, 0);
}

/* ---- a pass ---- */

static hn_status refuse(hni_exec *exec, const hni_convolution *conv, dnnl_status_t result)
{
    char x[96], kernel[96];
    const hni_blame blame = {.op = "conv2d"};
    return hni_error_at(exec->context, hni_dnnl_status(result), &blame,
                        "oneDNN refused x %s ([B,H,W,C]) with kernel %s, stride %lld, padding %lld: status %d",
                        hn_shape_print(hni_view_shape(&conv->x), x, sizeof x),
                        hn_shape_print(hni_view_shape(&conv->kernel), kernel, sizeof kernel), (long long)conv->stride,
                        (long long)conv->padding, (int)result);
}

/* The library computes with the sizes of images as int. */
static bool countable(const hni_convolution *conv)
{
    for (int d = 0; d < 4; d++)
        if (conv->x.size[d] > INT32_MAX || conv->kernel.size[d] > INT32_MAX) return false;
    return conv->stride <= INT32_MAX;
}

/* The plan and its scratch memory. Of a FORWARD and a DATA pass the kernel is an input, of a WEIGHTS pass a result. */
static hn_status pass_open(hni_exec *exec, pass_kind kind, const hni_convolution *conv, const hni_view *y,
                           bool with_bias, pass *out_pass)
{
    pass *p = out_pass;
    dnnl_memory_desc_t readable;
    dnnl_status_t result;
    hn_status status = HN_OK;
    *p = (pass){.kind = kind, .kernel = conv->kernel};
    (void)hni_cpu_simd_get(); /* the cap on instructions must stand before oneDNN first runs */
    result = countable(conv) ? dnnl_success : dnnl_invalid_arguments;
    if (result == dnnl_success) result = dnnl_engine_create(&p->engine, dnnl_cpu, 0);
    if (result == dnnl_success) result = dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags);
    if (result == dnnl_success) result = describe(p, conv, y, with_bias);
    if (result != dnnl_success) return refuse(exec, conv, result);
    const size_t weights = (size_t)hni_view_elements(&conv->kernel);
    HNI_TRY(hni_arena_take(exec->scratch, dnnl_memory_desc_get_size(packed_layout(p)), &p->packed));
    HNI_TRY(hni_arena_take(exec->scratch, dnnl_memory_desc_get_size(scratchpad_layout(p)), &p->scratchpad));
    if (kind == WEIGHTS || !kernel_layout(&conv->kernel, &readable)) {
        HNI_TRY(take(exec, weights, &p->dense));
        p->kernel = hni_view_of(p->dense, HN_DTYPE_F32, hni_view_shape(&conv->kernel));
    }
    if (with_bias) HNI_TRY(take(exec, (size_t)conv->kernel.size[0], &p->bias));
cleanup:
    return status;
}

static void pass_close(pass *p)
{
    if (p->plan != NULL) (void)dnnl_primitive_desc_destroy(p->plan);
    if (p->stream != NULL) (void)dnnl_stream_destroy(p->stream);
    if (p->engine != NULL) (void)dnnl_engine_destroy(p->engine);
}

/* x, kernel and y, or their gradients, at the places of each kind. */
static dnnl_status_t run(const pass *p, const void *x, const void *y)
{
    enum { MOST = 5 };
    static const int of_x[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_SRC, DNNL_ARG_SRC},
                     of_kernel[] = {DNNL_ARG_WEIGHTS, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_WEIGHTS},
                     of_y[] = {DNNL_ARG_DST, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_DST},
                     of_bias[] = {DNNL_ARG_BIAS, 0, DNNL_ARG_DIFF_BIAS};
    static const dnnl_query_t layout_x[] = {dnnl_query_src_md, dnnl_query_diff_src_md, dnnl_query_src_md},
                              layout_y[] = {dnnl_query_dst_md, dnnl_query_diff_dst_md, dnnl_query_diff_dst_md};
    dnnl_status_t result;
    dnnl_primitive_t primitive = NULL;
    dnnl_exec_arg_t arguments[MOST] = {{0, NULL}};
    dnnl_memory_desc_t bias_layout;
    const dnnl_dims_t outputs = {p->kernel.size[0]};
    int count = 0;
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&bias_layout, 1, outputs, dnnl_f32, dnnl_a));
    const struct {
        int argument;
        const dnnl_memory_desc_t *layout;
        const void *data;
    } operands[MOST] = {{of_x[p->kind], dnnl_primitive_desc_query_md(p->plan, layout_x[p->kind], 0), x},
                        {of_kernel[p->kind], packed_layout(p), p->packed},
                        {of_y[p->kind], dnnl_primitive_desc_query_md(p->plan, layout_y[p->kind], 0), y},
                        {DNNL_ARG_SCRATCHPAD, scratchpad_layout(p), p->scratchpad},
                        {of_bias[p->kind], &bias_layout, p->bias}};
    HNI_DNNL_TRY(dnnl_primitive_create(&primitive, p->plan));
    for (; count < (p->bias != NULL ? MOST : MOST - 1); count++) {
        arguments[count].arg = operands[count].argument;
        HNI_DNNL_TRY(dnnl_memory_create(&arguments[count].memory, operands[count].layout, p->engine,
                                        (void *)(uintptr_t)operands[count].data));
    }
    HNI_DNNL_TRY(dnnl_primitive_execute(primitive, p->stream, count, arguments));
    HNI_DNNL_TRY(dnnl_stream_wait(p->stream));
dnnl_cleanup:
    for (int i = 0; i < MOST; i++)
        if (arguments[i].memory != NULL) (void)dnnl_memory_destroy(arguments[i].memory);
    if (primitive != NULL) (void)dnnl_primitive_destroy(primitive);
    return result;
}

/* The given kernel in the library's layout. */
static hn_status pack_kernel(hni_exec *exec, const hni_convolution *conv, pass *p)
{
    dnnl_memory_desc_t layout;
    if (p->dense != NULL) {
        const hn_status status = hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &conv->kernel, &p->kernel, false);
        if (status != HN_OK) return status;
    }
    const bool readable = kernel_layout(&p->kernel, &layout);
    const dnnl_status_t result = readable
                                     ? hni_dnnl_reorder(p->engine, &layout, p->kernel.data, packed_layout(p), p->packed)
                                     : dnnl_invalid_arguments;
    return result == dnnl_success ? HN_OK : refuse(exec, conv, result);
}

/* ---- forward ---- */

static hn_status run_forward(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    pass p;
    hn_status status;
    HNI_TRY(pass_open(exec, FORWARD, conv, out, conv->has_bias, &p));
    if (exec->scratch->counting) goto cleanup;
    HNI_TRY(pack_kernel(exec, conv, &p));
    if (conv->has_bias) {
        hni_view bias = hni_view_of(p.bias, HN_DTYPE_F32, hni_view_shape(&conv->bias));
        HNI_TRY(hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &conv->bias, &bias, false));
    }
    const dnnl_status_t result = run(&p, conv->x.data, out->data);
    if (result != dnnl_success) status = refuse(exec, conv, result);
cleanup:
    pass_close(&p);
    return status;
}

hn_status hni_cpu_conv2d(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    if (hni_winograd_suits(conv, out)) return hni_winograd_forward(exec, conv, out);
    const int threads_before = hni_cpu_use_threads(exec->threads);
    const hn_status status = run_forward(exec, conv, out);
    (void)hni_cpu_use_threads(threads_before);
    return status;
}

/* ---- backward ---- */

static hn_status run_data(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    pass p;
    hn_status status;
    hni_view dx = vjp->dx;
    HNI_TRY(pass_open(exec, DATA, &vjp->forward, &vjp->dy, false, &p));
    if (!vjp->dx_fresh) HNI_TRY(take(exec, (size_t)hni_view_elements(&dx), &p.image));
    if (exec->scratch->counting) goto cleanup;
    HNI_TRY(pack_kernel(exec, &vjp->forward, &p));
    const dnnl_status_t result = run(&p, p.image != NULL ? p.image : dx.data, vjp->dy.data);
    if (result != dnnl_success) {
        status = refuse(exec, &vjp->forward, result);
    } else if (p.image != NULL) {
        const hni_view made = hni_view_of(p.image, HN_DTYPE_F32, hni_view_shape(&dx));
        status = hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &made, &dx, true);
    }
cleanup:
    pass_close(&p);
    return status;
}

static hn_status run_weights(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    pass p;
    hn_status status;
    dnnl_memory_desc_t plain;
    hni_view dkernel = vjp->dkernel, dbias = vjp->dbias;
    HNI_TRY(pass_open(exec, WEIGHTS, &vjp->forward, &vjp->dy, vjp->want_dbias, &p));
    if (exec->scratch->counting) goto cleanup;
    dnnl_status_t result = run(&p, vjp->forward.x.data, vjp->dy.data);
    if (result == dnnl_success && !kernel_layout(&p.kernel, &plain)) result = dnnl_invalid_arguments;
    if (result == dnnl_success) result = hni_dnnl_reorder(p.engine, packed_layout(&p), p.packed, &plain, p.dense);
    if (result != dnnl_success) HNI_TRY(refuse(exec, &vjp->forward, result));
    HNI_TRY(hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &p.kernel, &dkernel, !vjp->dkernel_fresh));
    if (vjp->want_dbias) {
        const hni_view made = hni_view_of(p.bias, HN_DTYPE_F32, hni_view_shape(&dbias));
        HNI_TRY(hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &made, &dbias, !vjp->dbias_fresh));
    }
cleanup:
    pass_close(&p);
    return status;
}

/* dbias where it does not come with dkernel: a sum in scratch memory. */
static hn_status run_bias(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    hni_view sum = hni_view_of(NULL, HN_DTYPE_F32, hni_view_shape(&vjp->dbias)), dbias = vjp->dbias, repeated;
    hn_status status;
    HNI_TRY(take(exec, (size_t)sum.size[0], &sum.data));
    if (exec->scratch->counting) goto cleanup;
    HNI_TRY(hni_cpu_fill_zero(exec, sum.data, (size_t)sum.size[0] * sizeof(float)));
    if (!hni_view_broadcast(&sum, hni_view_shape(&vjp->dy), &repeated)) return HN_ERROR_SHAPE;
    HNI_TRY(hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &vjp->dy, &repeated, true));
    HNI_TRY(hni_cpu_map(exec, HNI_MAP_COPY, no_parameters, &sum, &dbias, !vjp->dbias_fresh));
cleanup:
    return status;
}

hn_status hni_cpu_conv2d_vjp(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    hn_status status = HN_OK;
    const bool winograd = hni_winograd_suits(&vjp->forward, &vjp->dy);
    const int threads_before = hni_cpu_use_threads(exec->threads);
    if (vjp->want_dx) HNI_TRY(winograd ? hni_winograd_data(exec, vjp) : run_data(exec, vjp));
    if (vjp->want_dkernel) HNI_TRY(winograd ? hni_winograd_weights(exec, vjp) : run_weights(exec, vjp));
    if (vjp->want_dbias && (winograd || !vjp->want_dkernel)) HNI_TRY(run_bias(exec, vjp));
cleanup:
    (void)hni_cpu_use_threads(threads_before);
    return status;
}

/* ---- dry runs ---- */

hn_status hni_conv2d_scratch(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    return hni_cpu_conv2d(exec, conv, out);
}

hn_status hni_conv2d_vjp_scratch(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    return hni_cpu_conv2d_vjp(exec, vjp);
}
