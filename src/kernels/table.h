/* The kernel table: every operation on tensor data, one comment each. One table for each backend and element type; nothing
 * outside src/kernels dereferences tensor data. Ops, optimiser, batches and copies are written against this table alone.
 *
 * Rules. Every entry returns a status and takes an hni_exec. Views carry sizes and strides (in elements; stride 0 repeats).
 * "real" is the table's float or double. Unless said otherwise an output view is contiguous and does not overlap an input.
 * `accumulate` adds to the output instead of overwriting it. Reductions are done in a fixed order for a given thread count, with
 * double (or wider than real) accumulators where sums are long. A slot may fail only with HN_ERROR_UNSUPPORTED, HN_ERROR_MEMORY
 * (scratch) or what its comment names. The dry table does nothing in every slot and never looks at data.
 */
#ifndef HNI_KERNELS_TABLE_H
#define HNI_KERNELS_TABLE_H

#include "core/arena.h"
#include "core/context.h"
#include "kernels/recurrence.h"
#include "tensor/view.h"

/* What changes from step to step; lies in backend memory, written once a step, read by kernels. */
typedef struct hni_step_block {
    uint64_t seed; /* random numbers of ops */
    uint32_t step;
    double rate;                                 /* of this update */
    double correction_mean, correction_variance; /* Adam's 1 - beta^t */
    double gradient_norm;                        /* written by gradient_norm */
    double clip_factor;                          /* written by gradient_norm: min(1, clip / norm), 1 without clipping */
    int32_t finite;                              /* written by gradient_norm: 0 if the norm is infinite or NaN */
    int32_t clamped;                             /* written by gradient_norm: whether a number was above clip_value */
    double clip_value;                           /* written by gradient_norm: its bound, infinite without one */
} hni_step_block;

struct hni_exec {
    hn_context *context; /* error record */
    int threads;
    hni_arena *scratch; /* given back after each op */
    hni_step_block *step;
    hn_precision precision; /* of large multiplies */
};

/* Element-wise functions of `map`: up to three inputs a, b, c and two parameters p, q. */
typedef enum hni_map {
    HNI_MAP_COPY,        /* a */
    HNI_MAP_SCALE,       /* p * a + q */
    HNI_MAP_ADD,         /* a + b */
    HNI_MAP_SUB,         /* a - b */
    HNI_MAP_MUL,         /* a * b */
    HNI_MAP_DIV,         /* a / b */
    HNI_MAP_MUL_ADD,     /* a * b + c */
    HNI_MAP_SIGMOID,     /* 1 / (1 + exp(-a)), without overflow */
    HNI_MAP_TANH,        /* tanh(a) */
    HNI_MAP_RELU,        /* max(a, 0); NaN stays NaN */
    HNI_MAP_SIGMOID_VJP, /* a * b * (1 - b): a = dy, b = sigmoid(x) */
    HNI_MAP_TANH_VJP,    /* a * (1 - b * b): a = dy, b = tanh(x) */
    HNI_MAP_RELU_VJP,    /* b > 0 ? a : 0: a = dy, b = relu(x) */
    HNI_MAP_DIV_VJP,     /* -a * b / c: a = dy, b = x / divisor, c = divisor */
    HNI_MAP_COUNT
} hni_map;

/* Inputs of each function: hni_map_inputs(HNI_MAP_MUL_ADD) == 3. */
int hni_map_inputs(hni_map map);
const char *hni_map_name(hni_map map);

/* C[m,n] = alpha * op(A) * op(B) + beta * C for `batch` matrices; op(A) is [m,k], op(B) is [k,n]; leading dimensions in elements. */
struct hni_gemm {
    bool transpose_a, transpose_b; /* A is stored [k,m], B is stored [n,k] */
    int64_t m, n, k;
    const void *a, *b;
    void *c;
    int64_t lda, ldb, ldc;
    double alpha, beta; /* beta 0: C is not read */
    int64_t batch;      /* >= 1 */
    int64_t batch_stride_a, batch_stride_b, batch_stride_c;
};

typedef struct hni_norm {
    hni_view x;           /* [..,N], any strides on leading dimensions, last stride 1 */
    hni_view gain, shift; /* broadcast to x's shape (stride 0 where repeated), last stride 1 */
    double epsilon;
    void *mean, *inverse; /* real [rows]: written forward, read backward; rows = elements / N in row-major order */
} hni_norm;

typedef struct hni_norm_vjp {
    hni_norm forward; /* shift is not used */
    hni_view dy;
    hni_view dx;                           /* accumulated, or overwritten if dx_fresh; last stride 1 */
    hni_view dgain, dshift;                /* accumulated, broadcast to x's shape as gain; last stride 1 */
    bool want_dx, want_dgain, want_dshift; /* views that are not wanted are not looked at */
    bool dx_fresh;
} hni_norm_vjp;

/* out[b,i,j,o] = bias[o] + sum over u, v, c of x[b, i * stride + u - padding, j * stride + v - padding, c] * kernel[o,c,u,v], with zeros
 * around x. Images are contiguous. */
typedef struct hni_convolution {
    hni_view x;      /* [B,H,W,C] */
    hni_view kernel; /* [O,C,F,F], any strides */
    bool has_bias;
    hni_view bias; /* [O], any stride */
    int64_t stride, padding;
} hni_convolution;

typedef struct hni_convolution_vjp {
    hni_convolution forward;                   /* bias is not used */
    hni_view dy;                               /* as out */
    hni_view dx;                               /* as x */
    hni_view dkernel;                          /* [O,C,F,F], any strides */
    hni_view dbias;                            /* [O], any stride */
    bool want_dx, want_dkernel, want_dbias;    /* views that are not wanted are not looked at */
    bool dx_fresh, dkernel_fresh, dbias_fresh; /* overwritten; else added to */
} hni_convolution_vjp;

/* Batch normalisation: each column of x by its own mean and variance,
 *     y[r,c] = gain[c] * (x[r,c] - mean[c]) / sqrt(variance[c] + epsilon) + shift[c], with relu the larger of this and 0. */
typedef struct hni_column_norm {
    int64_t rows, columns;
    const void *x;            /* [R,C] row-major, as all of these */
    const void *gain, *shift; /* [C] */
    const void *statistics;   /* [2,C]: mean, then biased variance */
    double epsilon;
    bool relu;
} hni_column_norm;

typedef struct hni_column_norm_vjp {
    hni_column_norm forward;
    bool from_batch;      /* the statistics are those of x, so the gradient goes through them too */
    const void *dy;       /* [R,C] */
    void *dx;             /* [R,C] accumulated, or overwritten if dx_fresh; NULL: not wanted, as the next two */
    void *dgain, *dshift; /* [C] accumulated */
    bool dx_fresh;
} hni_column_norm_vjp;

/* out[b,i,j,c] = the largest number, or the mean, of x[b, i * stride + u, j * stride + v, c] over u, v < size, which is within x. */
typedef struct hni_pool {
    hni_view x; /* [B,H,W,C], contiguous */
    int64_t size, stride;
    bool average;
} hni_pool;

typedef struct hni_dropout {
    double keep;
    uint32_t site;
    int64_t base;
    int64_t stride[HN_MAX_RANK]; /* of the random index, for each dimension of x */
} hni_dropout;

/* goal[r,v] = (1 - smoothing) * [v == targets[r]] + smoothing / V. */
typedef struct hni_softmax {
    const hni_view *logits;  /* [R,V], row stride any, last stride 1 */
    const hni_view *targets; /* i32 [R] */
    double smoothing;        /* at least 0, below 1 */
} hni_softmax;

/* In the three optimisers x is the value, and g = clip_factor * clamp(gradient, +-clip_value) of the step block. With a weight_decay
 * g is then g + weight_decay * x, but where Adam's is decoupled: there x is first lessened by rate * weight_decay * x. */
typedef struct hni_adam {
    double beta1, beta2, epsilon, weight_decay;
    bool decoupled; /* AdamW */
} hni_adam;

typedef struct hni_sgd {
    double momentum, weight_decay;
    bool nesterov;
} hni_sgd;

typedef struct hni_rmsprop {
    double decay, epsilon, momentum, weight_decay;
} hni_rmsprop;

/* Pixel (x, y) of an image of a batch reads image `index` at column matrix[0] x + matrix[1] y + matrix[2] and row matrix[3] x +
 * matrix[4] y + matrix[5]. */
typedef struct hni_image_place {
    int64_t index;
    double matrix[6];
} hni_image_place;

typedef struct hni_image_gather {
    const hni_image_place *places;  /* [B] host array */
    const double *mean, *deviation; /* [C] host arrays, of a byte / 255 */
} hni_image_gather;

/* A matrix W [rows,columns] laid out for multiplies by it, in a type of storage: `real` itself, BF16 (rounded to nearest even) or I8 (a
 * scale a row: largest / 127, rounded to nearest even). The layout is the backend's own; the owner gives the memory. */
typedef struct hni_packed {
    hn_dtype storage;
    int64_t rows, columns;
    void *data; /* pack_size bytes of `allocate`: zeros before the first pack */
} hni_packed;

typedef struct hni_kernels {
    const char *backend; /* "generic", "cpu", "dry" */
    hn_dtype dtype;      /* what `real` is */

    /* ---- memory: pointers of the backend; only these three slots move data between it and the host ---- */
    hn_status (*allocate)(hn_context *context, const char *what, size_t size,
                          void **out_pointer); /* zeroed, 64-byte aligned */
    void (*release)(hn_context *context, void *pointer);
    /* Host array (row-major, contiguous) to a view, and back. f32 and f64 convert into each other, else types must be equal. */
    hn_status (*copy_in)(hni_exec *exec, hni_view *out, hn_dtype source_type, const void *source);
    hn_status (*copy_out)(hni_exec *exec, const hni_view *view, hn_dtype target_type, void *out_target);
    /* Zeros over `size` bytes. */
    hn_status (*fill_zero)(hni_exec *exec, void *data, size_t size);

    /* ---- element-wise ---- */
    /* out = f(inputs; p, q). All views have out's rank and sizes (broadcast inputs have stride 0). `out` may have any strides;
     * with stride 0 in a dimension of size > 1 it is a reduction: `accumulate` must be set and the sum over that
     * dimension is added. Inputs may be the very view that is written only if not accumulate and the strides are equal. */
    hn_status (*map)(hni_exec *exec, hni_map map, const double parameters[2], const hni_view *inputs, hni_view *out,
                     bool accumulate);

    /* ---- multiplies ---- */
    hn_status (*gemm)(hni_exec *exec, const hni_gemm *gemm);

    /* ---- normalisation ---- */
    hn_status (*layer_norm)(hni_exec *exec, const hni_norm *norm, hni_view *out);
    hn_status (*layer_norm_vjp)(hni_exec *exec, const hni_norm_vjp *vjp);
    /* x [R,C] row-major -> out [2,C]: mean and biased variance of each column. */
    hn_status (*batch_statistics)(hni_exec *exec, const hni_view *x, hni_view *out);
    hn_status (*batch_norm)(hni_exec *exec, const hni_column_norm *norm, void *out /* [R,C] */);
    /* What relu lets through is computed again from x: y is not read. */
    hn_status (*batch_norm_vjp)(hni_exec *exec, const hni_column_norm_vjp *vjp);

    /* ---- images ---- */
    hn_status (*conv2d)(hni_exec *exec, const hni_convolution *conv, hni_view *out);
    hn_status (*conv2d_vjp)(hni_exec *exec, const hni_convolution_vjp *vjp);
    hn_status (*pool2d)(hni_exec *exec, const hni_pool *pool, hni_view *out);
    /* dx is overwritten, or with accumulate added to. A largest number's gradient goes to the first place of its window that has it, a NaN's
     * to the first NaN. */
    hn_status (*pool2d_vjp)(hni_exec *exec, const hni_pool *pool, const hni_view *out, const hni_view *dy, hni_view *dx,
                            bool accumulate);

    /* ---- random ---- */
    /* out = kept(i) ? x / keep : 0, with element i's number from the step block's seed and step. The VJP is the same on dy. */
    hn_status (*dropout)(hni_exec *exec, const hni_dropout *dropout, const hni_view *x, hni_view *out, bool accumulate);

    /* ---- rows ---- */
    /* out[r,:] = table[indices[r],:]; table [V,N] any strides, indices i32 [R] at any stride, out [R,N]. HN_ERROR_ARGUMENT names the first
     * index outside [0,V). */
    hn_status (*lookup)(hni_exec *exec, const hni_view *table, const hni_view *indices, hni_view *out);
    /* dtable[indices[r],:] += dy[r,:]; dtable any strides. */
    hn_status (*lookup_vjp)(hni_exec *exec, const hni_view *dy, const hni_view *indices, hni_view *dtable);
    /* out[b,:] = t < lengths[b] ? a[b,:] : b[b,:]; all [B,W], any strides; a or b NULL stands for zeros. accumulate adds. */
    hn_status (*where_length)(hni_exec *exec, const hni_view *a, const hni_view *b, const hni_view *lengths, int64_t t,
                              hni_view *out, bool accumulate);
    /* out[b,t,:] = x[b, t < lengths[b] ? lengths[b]-1-t : t, :]; x, out [B,T,W]. HN_ERROR_ARGUMENT for a length outside [0,T]. */
    hn_status (*reverse)(hni_exec *exec, const hni_view *x, const hni_view *lengths, hni_view *out, bool accumulate);
    /* out i32 [B,T]: out[b,t] = source[starts[b] + t]; source u8 or i32 [n]. starts is a host array. HN_ERROR_ARGUMENT outside [0,n). */
    hn_status (*gather_windows)(hni_exec *exec, const hni_view *source, const int64_t *starts, hni_view *out);
    /* out [B,H,W,C]: images of source u8 [n,C,H,W], any strides, (byte / 255 - mean) / deviation, mixed bilinearly and 0 outside.
     * HN_ERROR_ARGUMENT names the first index outside [0,n) or matrix that is not finite and small. */
    hn_status (*gather_images)(hni_exec *exec, const hni_view *source, const hni_image_gather *gather, hni_view *out);

    /* ---- softmax ---- */
    /* log_sum [R] = log sum exp(logits), loss [R] = log_sum - sum over v of goal[r,v] * logits[r,v]. HN_ERROR_ARGUMENT names the first
     * target outside [0,V). */
    hn_status (*softmax_loss)(hni_exec *exec, const hni_softmax *softmax, hni_view *out_log_sum, hni_view *out_loss);
    /* dlogits[r,v] (+)= dloss * factor * weights[r] * (exp(logits - log_sum) - goal[r,v]); dloss is a scalar view. */
    hn_status (*softmax_loss_vjp)(hni_exec *exec, const hni_softmax *softmax, const hni_view *weights,
                                  const hni_view *log_sum, const hni_view *dloss, double factor, hni_view *dlogits,
                                  bool accumulate);

    /* ---- recurrences over a whole window: recurrence.h ---- */
    /* Writes outputs, final_state and saved. HN_ERROR_ARGUMENT names the first symbol outside [0,X) or length outside [0,T];
     * HN_ERROR_CANCELLED from the progress callback. */
    hn_status (*recurrence)(hni_exec *exec, const hni_recurrence *recurrence);
    /* Adds to the gradients that are wanted; `saved` is used up. */
    hn_status (*recurrence_vjp)(hni_exec *exec, const hni_recurrence_vjp *vjp);

    /* ---- optimiser; flat blocks of `count` reals ---- */
    /* Norm of the gradient over all `count` numbers, in double; fills gradient_norm, clip_factor, finite, clamped, clip_value of
     * the step block. First each number is clamped to +-clip_value, then the norm of what that leaves gives clip_factor. 0: no
     * clipping. The gradient itself stays as it is. */
    hn_status (*gradient_norm)(hni_exec *exec, int64_t count, const void *gradient, double clip_norm,
                               double clip_value);
    /* Number of elements that are infinite or NaN. */
    hn_status (*count_nonfinite)(hni_exec *exec, int64_t count, const void *data, int64_t *out_count);
    /* mean, variance updated with g; value -= rate * (mean / correction_mean) / (sqrt(variance / correction_variance) +
     * epsilon). Does nothing while `finite` is 0. */
    hn_status (*adam)(hni_exec *exec, const hni_adam *adam, int64_t count, void *value, const void *gradient,
                      void *mean, void *variance);
    /* moment = momentum * moment + g; value -= rate * moment, with Nesterov rate * (g + momentum * moment). moment NULL (momentum
     * 0): value -= rate * g. Does nothing while `finite` is 0. */
    hn_status (*sgd)(hni_exec *exec, const hni_sgd *sgd, int64_t count, void *value, const void *gradient,
                     void *moment);
    /* square = decay * square + (1 - decay) * g^2; step = g / (sqrt(square) + epsilon); moment = momentum * moment + step; value
     * -= rate * moment. moment NULL (momentum 0): value -= rate * step. Does nothing while `finite` is 0. */
    hn_status (*rmsprop)(hni_exec *exec, const hni_rmsprop *rmsprop, int64_t count, void *value, const void *gradient,
                         void *square, void *moment);
    /* average += (1 - decay) * (value - average). Does nothing while `finite` is 0. */
    hn_status (*average)(hni_exec *exec, double decay, int64_t count, const void *value, void *average);
    hn_status (*swap)(hni_exec *exec, int64_t count, void *a, void *b);

    /* ---- packed matrices ---- */
    /* Bytes of a packed matrix of this shape [rows,columns]. HN_ERROR_TYPE for another storage, HN_ERROR_SHAPE for one too large to
     * count. A dry table says 0. */
    hn_status (*pack_size)(hni_exec *exec, hn_dtype storage, hn_shape shape, size_t *out_size);
    /* Rows first, first + 1, .. of packed from matrix [R,columns], any strides; other rows stay. */
    hn_status (*pack)(hni_exec *exec, const hni_view *matrix, int64_t first, hni_packed *packed);
    /* out [R,columns], any strides: the numbers that those rows stand for. */
    hn_status (*unpack)(hni_exec *exec, const hni_packed *packed, int64_t first, hni_view *out);
    /* out[b,:] (+)= W x[b,:]; x [B,columns], out [B,rows], row strides any, last strides 1. With I8 a backend may round each row of x to
     * 16 bits, 32767 for its largest number. */
    hn_status (*packed_multiply)(hni_exec *exec, const hni_packed *packed, const hni_view *x, hni_view *out,
                                 bool accumulate);
} hni_kernels;

/* The tables. NULL if the combination does not exist (cpu double, or a build without the cpu backend). */
const hni_kernels *hni_kernels_generic(hn_dtype dtype); /* F32, F64 */
const hni_kernels *hni_kernels_cpu(hn_dtype dtype);     /* F32 */
const hni_kernels *hni_kernels_dry(hn_dtype dtype);     /* F32, F64 */

/* CPU instruction level of the cpu tables: "v2", "v3", "v4" or "base"; chosen at the first call, from `wanted` (NULL: the best this
 * machine has). Process-wide; a level that the machine lacks is refused. Call before the first graph. */
HN_MUST_USE hn_status hni_kernels_choose_isa(hn_context *context, const char *wanted);
const char *hni_kernels_isa(void);

#endif
