/* What an op is: a shape rule, a forward and a backward (VJP), written against the kernel table. Ops know views and attributes,
 * nothing of tapes, parameters or memory. */
#ifndef HNI_OPS_OP_H
#define HNI_OPS_OP_H

#include "hypernet/tensor.h"
#include "kernels/table.h"

#define HNI_VARIADIC (-1)
#define HNI_ALL_INPUTS 0xffffffffu
#define HNI_ALL_AXES 0xffffffffu
#define HNI_OP_MAX_SAVED 2

/* Inputs of lstm_sequence and hyperlstm_sequence, by role; all but the first three may be missing. n is N for the main cell and M for
 * the hyper cell; the last three have no gradient. */
typedef enum hni_sequence_input {
    HNI_SEQUENCE_STATE,       /* [B,S] */
    HNI_SEQUENCE_X,           /* [X,4N] with symbols, else [B,T,4N] */
    HNI_SEQUENCE_WEIGHT_H,    /* [4N,N] */
    HNI_SEQUENCE_BIAS,        /* 4N numbers */
    HNI_SEQUENCE_GATES_GAIN,  /* 4N */
    HNI_SEQUENCE_GATES_SHIFT, /* 4N */
    HNI_SEQUENCE_CELL_GAIN,   /* [N] */
    HNI_SEQUENCE_CELL_SHIFT,  /* [N] */
    HNI_SEQUENCE_HYPER_X,     /* the same eight of the hyper cell but for the state */
    HNI_SEQUENCE_HYPER_WEIGHT_H,
    HNI_SEQUENCE_HYPER_BIAS,
    HNI_SEQUENCE_HYPER_GATES_GAIN,
    HNI_SEQUENCE_HYPER_GATES_SHIFT,
    HNI_SEQUENCE_HYPER_CELL_GAIN,
    HNI_SEQUENCE_HYPER_CELL_SHIFT,
    HNI_SEQUENCE_WEIGHT_MAIN,  /* [4M,N] */
    HNI_SEQUENCE_EMBED_WEIGHT, /* [K,M], K = 8E + 4(E + 1) */
    HNI_SEQUENCE_EMBED_BIAS,   /* [K] */
    HNI_SEQUENCE_SCALE_WEIGHT, /* [8,N,E] */
    HNI_SEQUENCE_SHIFT_WEIGHT, /* [4,N,E+1] */
    HNI_SEQUENCE_SYMBOLS,      /* i32 [B,T] */
    HNI_SEQUENCE_INPUT_SCALE,  /* [B,T] */
    HNI_SEQUENCE_LENGTHS,      /* i32 [B] */
    HNI_SEQUENCE_INPUTS
} hni_sequence_input;

typedef struct hni_sequence_attributes {
    int8_t place[HNI_SEQUENCE_INPUTS];            /* which input of the op has this role; -1: none */
    int64_t steps, units, hyper_units, embedding; /* T, N, M (0: lstm_sequence), E */
    double forget_bias, epsilon;
    bool previous_output, zone_expectation; /* as in kernels/recurrence.h, as the rest */
    hni_recurrent_masks dropout, hyper_dropout, zone_cell, zone_hidden;
    int64_t first_row, time, length;
} hni_sequence_attributes;

typedef enum hni_op {
#define HNI_OP(NAME, name, inputs, differentiable, fresh, kind) HNI_OP_##NAME,
#include "ops/ops.def"
#undef HNI_OP
    HNI_OP_COUNT
} hni_op;

typedef enum hni_op_kind { HNI_OP_KIND_PRIMITIVE, HNI_OP_KIND_VIEW, HNI_OP_KIND_FUSED } hni_op_kind;

/* Typed attributes; the op says which member counts. */
typedef union hni_attributes {
    struct {
        bool transpose_a, transpose_b;
    } matmul;
    struct {
        double factor, shift;
    } scale;
    struct {
        hn_shape shape;
    } reshape;
    struct {
        int order[HN_MAX_RANK];
    } permute;
    struct {
        int axis;
        int64_t start, length, step;
    } slice;
    struct {
        int axis;
    } concat;
    struct {
        int axis;
        int64_t before, after;
    } pad;
    struct {
        unsigned axes;
        bool keep;
    } reduce; /* sum, mean */
    struct {
        double epsilon;
    } layer_norm;
    struct {
        int64_t stride, padding;
    } conv2d;
    struct {
        double epsilon;
        bool relu, from_batch;
    } batch_norm;
    struct {
        int64_t size, stride;
    } pool2d;
    hni_dropout dropout;
    struct {
        double divisor, smoothing;
    } softmax_cross_entropy;
    struct {
        int64_t t;
    } where_length;
    struct {
        const int64_t *starts; /* host array [count], copied by the builder */
        int64_t count, length;
    } gather_windows;
    struct {
        hni_image_gather gather; /* host arrays, copied by the builder */
        int64_t count;
        hn_dtype dtype; /* of the result */
    } gather_images;
    hni_sequence_attributes sequence;
} hni_attributes;

/* One use of an op. The graph fills inputs and attributes; the shape rule fills out's and saved's dtype and sizes (contiguous) or,
 * for a VIEW, the whole view; the graph then gives them memory and calls forward; the backward gets the same struct again. */
typedef struct hni_call {
    const struct hni_op_spec *spec;
    hni_attributes attributes;
    int64_t input_count;
    const hni_view *inputs;
    bool recorded; /* a backward may follow; else what only it needs may be left out of `saved` */
    hni_view out;
    hni_view saved[HNI_OP_MAX_SAVED];
    int saved_count;
    /* Backward only. */
    hni_view grad_out;
    hni_view *grad_inputs; /* [input_count] */
    const bool *wanted;    /* [input_count] skip input i if not */
    const bool *fresh;     /* [input_count] overwrite instead of add; only set where ops.def allows */
} hni_call;

typedef struct hni_op_spec {
    hni_op op;
    const char *name;
    int inputs;
    unsigned differentiable;
    unsigned fresh;
    hni_op_kind kind;
    hn_status (*shape)(hn_context *context, hni_call *call);
    hn_status (*forward)(const hni_kernels *kernels, hni_exec *exec, hni_call *call);
    hn_status (*vjp)(const hni_kernels *kernels, hni_exec *exec, hni_call *call);
} hni_op_spec;

const hni_op_spec *hni_op_find(hni_op op);
/* Bit i: the gradient of input i, where it has the output's shape, is the output's gradient itself. */
unsigned hni_op_passes(hni_op op);

/* ---- helpers of the op files (src/ops/support.c) ---- */

/* Records "NAME: text" with the argument's name and shapes. */
HN_MUST_USE hn_status hni_op_error(hn_context *context, const hni_call *call, hn_status status, const char *argument,
                                   const char *format, ...) HN_PRINTF(5, 6);
/* Input i must be a float tensor of the type of input 0 / an i32 tensor; `argument` names it in the message. */
HN_MUST_USE hn_status hni_op_want_float(hn_context *context, const hni_call *call, int64_t input, const char *argument);
HN_MUST_USE hn_status hni_op_want_i32(hn_context *context, const hni_call *call, int64_t input, const char *argument);
/* Gives the output (contiguous) or a saved block, which is no larger, its type and shape. */
HN_MUST_USE hn_status hni_op_set_out(hn_context *context, hni_call *call, hn_dtype dtype, hn_shape shape);
void hni_op_add_saved(hni_call *call, hn_dtype dtype, hn_shape shape);
/* The view broadcast to `shape` (which the shape rule has checked). */
hni_view hni_op_broadcast(const hni_view *view, hn_shape shape);
/* The view itself if its elements lie row-major without gaps, else a copy in scratch memory: for kernels that take no strides. */
HN_MUST_USE hn_status hni_op_dense(const hni_kernels *kernels, hni_exec *exec, const hni_view *view, hni_view *out);
/* Where such a kernel may add a gradient: the gradient itself, or zeros in scratch memory, which `close` then adds to it. */
HN_MUST_USE hn_status hni_op_dense_open(const hni_kernels *kernels, hni_exec *exec, const hni_view *gradient,
                                        hni_view *out);
HN_MUST_USE hn_status hni_op_dense_close(const hni_kernels *kernels, hni_exec *exec, const hni_view *made,
                                         hni_view *gradient);
/* grad_inputs[i] (+)= sum over broadcast dimensions of map(inputs). Nothing if input i is not wanted. */
HN_MUST_USE hn_status hni_op_add_grad(const hni_kernels *kernels, hni_exec *exec, hni_call *call, int64_t input,
                                      hni_map map, const double parameters[2], const hni_view *inputs);

/* The shape of an image [B,H,W,C] as callers know it, [B,C,H,W]; another rank's as it is. */
hn_shape hni_op_image_shape(const hni_view *view);

/* True if `shape` can be had of `view` without a copy. */
bool hni_reshape_is_view(const hni_view *view, hn_shape shape);

#define HNI_OP(NAME, name, inputs, differentiable, fresh, kind)        \
    hn_status hni_##name##_shape(hn_context *context, hni_call *call); \
    HNI_OP_DECLARE_##kind(name)
#define HNI_OP_DECLARE_PRIMITIVE(name)                                                          \
    hn_status hni_##name##_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call); \
    hn_status hni_##name##_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call);
#define HNI_OP_DECLARE_FUSED(name) HNI_OP_DECLARE_PRIMITIVE(name)
#define HNI_OP_DECLARE_VIEW(name)
#include "ops/ops.def"
#undef HNI_OP
#undef HNI_OP_DECLARE_PRIMITIVE
#undef HNI_OP_DECLARE_VIEW
#undef HNI_OP_DECLARE_FUSED

#endif
