/* The graph: a backend, an eager tape, and the memory of one step.
 *
 * A builder computes at once and, while recording is on, writes one node on the tape. hn_backward walks the tape
 * from the last node to the first and adds into the gradients. hn_graph_reset forgets the step in O(1).
 * Builders return HN_NO_TENSOR after an error and do nothing while an error stands, so model code stays flat and only the end
 * of a step is checked:
 *
 *     hn_tensor y = hn_tanh(g, hn_matmul(g, x, w, HN_TRANSPOSE_B));     // x [B,I], w [O,I] -> [B,O]
 *     hn_tensor loss = hn_mean(g, hn_mul(g, y, y), HN_ALL_AXES, false);
 *     hn_status status = hn_backward(g, loss);                          // reports a builder's error too
 *
 * Ops never write their inputs. A graph and its tensors belong to one thread.
 */
#ifndef HYPERNET_GRAPH_H
#define HYPERNET_GRAPH_H

#include "hypernet/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hn_graph hn_graph;

typedef enum hn_backend {
    HN_BACKEND_BEST = 0, /* cpu where it was compiled in, else generic */
    HN_BACKEND_GENERIC,  /* plain loops: the truth, float or double */
    HN_BACKEND_CPU,      /* oneDNN and fused OpenMP passes, float only */
    HN_BACKEND_DRY       /* computes nothing, counts everything: shapes, parameters, memory */
} hn_backend;

typedef struct hn_graph_options {
    hn_backend backend;
    hn_dtype dtype; /* HN_DTYPE_F32 (default) or HN_DTYPE_F64 (generic and dry only) */
} hn_graph_options;

HN_API void hn_graph_options_default(hn_graph_options *out_options);
HN_API HN_MUST_USE hn_status hn_graph_create(hn_context *context, const hn_graph_options *options,
                                             hn_graph **out_graph);
HN_API void hn_graph_destroy(hn_graph *graph);

HN_API hn_context *hn_graph_context(const hn_graph *graph);
HN_API hn_dtype hn_graph_dtype(const hn_graph *graph);
/* "generic", "cpu" or "dry". */
HN_API const char *hn_graph_backend_name(const hn_graph *graph);
HN_API bool hn_graph_is_dry(const hn_graph *graph);

/* Forgets every step tensor and the tape, and clears the error of the step. Persistent tensors stay. */
HN_API void hn_graph_reset(hn_graph *graph);
/* HN_OK, or the first error of a builder since the last reset. */
HN_API HN_MUST_USE hn_status hn_graph_status(const hn_graph *graph);
/* Recording is on at first. Off: nothing is kept for a backward pass (evaluation, sampling). */
HN_API void hn_graph_record(hn_graph *graph, bool on);
HN_API bool hn_graph_is_recording(const hn_graph *graph);
/* Training (on at first) decides whether hn_dropout drops. */
HN_API void hn_graph_train(hn_graph *graph, bool on);
HN_API bool hn_graph_is_training(const hn_graph *graph);
/* Seed and step of the counter-based random numbers that ops draw (dropout). */
HN_API void hn_graph_set_step(hn_graph *graph, uint64_t seed, uint32_t step);

/* Precision of multiplies from now on. HN_ERROR_UNSUPPORTED where this machine, level of instructions or backend has no such
 * multiplies; a dry graph takes both, to count memory. Some machines compute bf16 twice as fast as float, others slower: measure. */
HN_API HN_MUST_USE hn_status hn_graph_set_precision(hn_graph *graph, hn_precision precision);
HN_API hn_precision hn_graph_precision(const hn_graph *graph);

/* Bytes of step memory in use, the most ever in use since creation (gradients and scratch included), and nodes on the tape. */
HN_API int64_t hn_graph_step_bytes(const hn_graph *graph);
HN_API int64_t hn_graph_peak_bytes(const hn_graph *graph);
HN_API int64_t hn_graph_nodes(const hn_graph *graph);
/* Calls write(user, line) for each node: "12 matmul [3,8] [5,8] -> [3,5]". */
HN_API void hn_graph_print(const hn_graph *graph, void (*write)(void *user, const char *line), void *user);

/* ---- tensors ---------------------------------------------------------------------------------------------- */

/* A step tensor holding a copy of `data` (row-major, elements of `dtype`; F32 and F64 are converted to the graph's type
 * as needed; data == NULL gives zeros). It gets a gradient if `differentiable` (float types only). */
HN_API hn_tensor hn_tensor_from(hn_graph *graph, hn_dtype dtype, hn_shape shape, const void *data, bool differentiable);
/* The same, but living until hn_tensor_drop or the graph's end (carried state, streams). Zeros at first. */
HN_API HN_MUST_USE hn_status hn_tensor_persist(hn_graph *graph, hn_dtype dtype, hn_shape shape, hn_tensor *out_tensor);
HN_API void hn_tensor_drop(hn_graph *graph, hn_tensor persistent);

/* shape.rank is -1 for a stale or invalid tensor. */
HN_API hn_shape hn_tensor_shape(const hn_graph *graph, hn_tensor tensor);
HN_API hn_dtype hn_tensor_dtype(const hn_graph *graph, hn_tensor tensor);
/* Copies the elements out in row-major order as `dtype` (F32 and F64 convert into each other); `count` must be the
 * number of elements. Zeros from a dry graph. */
HN_API HN_MUST_USE hn_status hn_tensor_read(hn_graph *graph, hn_tensor tensor, hn_dtype dtype, int64_t count,
                                            void *out_data);
/* Overwrites a persistent tensor (not allowed for step tensors, whose values the tape may need). */
HN_API HN_MUST_USE hn_status hn_tensor_write(hn_graph *graph, hn_tensor persistent, hn_dtype dtype, int64_t count,
                                             const void *data);
/* Copies `source` (any tensor of that shape) into a persistent tensor, outside the tape: state carried to the next window. */
HN_API HN_MUST_USE hn_status hn_tensor_store(hn_graph *graph, hn_tensor source, hn_tensor persistent);
/* The same for the rows first_row, first_row + 1, .. (of the first dimension) of a larger persistent tensor. */
HN_API HN_MUST_USE hn_status hn_tensor_store_rows(hn_graph *graph, hn_tensor source, hn_tensor persistent,
                                                  int64_t first_row);
/* Gradient of a differentiable leaf or parameter after hn_backward, as hn_tensor_read. */
HN_API HN_MUST_USE hn_status hn_gradient_read(hn_graph *graph, hn_tensor tensor, hn_dtype dtype, int64_t count,
                                              void *out_data);

/* ---- backward --------------------------------------------------------------------------------------------- */

/* Adds d loss / d leaf into the gradient of every differentiable leaf (parameters: the store's gradient block).
 * loss is a scalar. Once per recorded tape. */
HN_API HN_MUST_USE hn_status hn_backward(hn_graph *graph, hn_tensor loss);
/* The same from an output of any shape with its cotangent (same shape, not differentiable). */
HN_API HN_MUST_USE hn_status hn_backward_from(hn_graph *graph, hn_tensor output, hn_tensor cotangent);

/* ---- builders --------------------------------------------------------------------------------------------- */

typedef enum hn_transpose {
    HN_TRANSPOSE_NONE = 0,
    HN_TRANSPOSE_A = 1,
    HN_TRANSPOSE_B = 2,
    HN_TRANSPOSE_AB = 3
} hn_transpose;

/* a [..,M,K], b [..,K,N] -> [..,M,N]; leading dimensions broadcast. HN_TRANSPOSE_B reads b as [..,N,K], and so on. */
HN_API hn_tensor hn_matmul(hn_graph *graph, hn_tensor a, hn_tensor b, hn_transpose transpose);

/* Element-wise with broadcasting from the right, as in NumPy. Inputs of the result's shape that lie in memory in one permuted order, as
 * images with channels last do, hand that order on. */
HN_API hn_tensor hn_add(hn_graph *graph, hn_tensor a, hn_tensor b);
HN_API hn_tensor hn_sub(hn_graph *graph, hn_tensor a, hn_tensor b);
HN_API hn_tensor hn_mul(hn_graph *graph, hn_tensor a, hn_tensor b);
HN_API hn_tensor hn_div(hn_graph *graph, hn_tensor a, hn_tensor b);
/* a * b + c, all three broadcast. */
HN_API hn_tensor hn_mul_add(hn_graph *graph, hn_tensor a, hn_tensor b, hn_tensor c);
/* factor * x + shift. */
HN_API hn_tensor hn_scale(hn_graph *graph, hn_tensor x, double factor, double shift);

HN_API hn_tensor hn_sigmoid(hn_graph *graph, hn_tensor x);
HN_API hn_tensor hn_tanh(hn_graph *graph, hn_tensor x);
HN_API hn_tensor hn_relu(hn_graph *graph, hn_tensor x);

/* Views: no copy where strides allow it (reshape of a permuted tensor copies). */
HN_API hn_tensor hn_reshape(hn_graph *graph, hn_tensor x, hn_shape shape);
/* out dimension i is x dimension order[i]; `order` has rank entries. */
HN_API hn_tensor hn_permute(hn_graph *graph, hn_tensor x, const int *order);
/* Elements start .. start+length-1 of `axis`; negative axes count from the end. */
HN_API hn_tensor hn_slice(hn_graph *graph, hn_tensor x, int axis, int64_t start, int64_t length);
/* The same of every step-th element: start, start + step, .. Of both, HN_ERROR_ARGUMENT: no such axis, a step or length below 1, elements
 * that are not all in the axis. */
HN_API hn_tensor hn_slice_step(hn_graph *graph, hn_tensor x, int axis, int64_t start, int64_t length, int64_t step);
/* x with that many zeros before and after it along `axis`; in memory in the order of x. A copy. Negative axes count from the end.
 * HN_ERROR_ARGUMENT: no such axis, before or after below 0; HN_ERROR_SHAPE: more elements than can be counted; HN_ERROR_TYPE: x is not
 * float. */
HN_API hn_tensor hn_pad(hn_graph *graph, hn_tensor x, int axis, int64_t before, int64_t after);
/* A contiguous copy (differentiable): for a view that is read many times. */
HN_API hn_tensor hn_copy(hn_graph *graph, hn_tensor x);
/* count >= 1 tensors that agree in all dimensions but `axis`. */
HN_API hn_tensor hn_concat(hn_graph *graph, const hn_tensor *parts, int64_t count, int axis);

#define HN_AXIS(k) (1u << (k)) /* axis k counted from the front */
#define HN_ALL_AXES 0xffffffffu
/* Sum and mean over a set of axes; the axes vanish, or stay with size 1 if keep. */
HN_API hn_tensor hn_sum(hn_graph *graph, hn_tensor x, unsigned axes, bool keep);
HN_API hn_tensor hn_mean(hn_graph *graph, hn_tensor x, unsigned axes, bool keep);

/* Over the last axis, biased variance: gain * (x - mean) / sqrt(variance + epsilon) + shift. gain and shift broadcast to x
 * from the right ([N], or [4,N] for x [B,4,N]). */
HN_API hn_tensor hn_layer_norm(hn_graph *graph, hn_tensor x, hn_tensor gain, hn_tensor shift, double epsilon);

/* Images are [B,C,H,W] to callers. Their memory is [B,H,W,C], as PyTorch's channels_last: image ops return such views, and take them as
 * they are; an image that lies otherwise is copied first. HN_ERROR_TYPE: an input of a convolution, pool or batch norm that is not
 * float. */
typedef struct hn_conv2d_options {
    int stride;  /* >= 1 */
    int padding; /* zeros around the image, at least 0 and below the kernel's size */
} hn_conv2d_options;
HN_API void hn_conv2d_options_default(hn_conv2d_options *out_options); /* stride 1, padding 0 */
/* x [B,C,H,W], kernel [O,C,f,f] at any strides and from any source, bias [O] or HN_NO_TENSOR -> [B,O,H',W'], H' = (H + 2 padding - f) /
 * stride + 1 rounded down. The kernel is not turned round. options NULL: the default. HN_ERROR_SHAPE: shapes other than these, so also
 * one kernel a sample [B,O,C,f,f], or a kernel larger than the padded image; HN_ERROR_ARGUMENT: stride or padding out of range. */
HN_API hn_tensor hn_conv2d(hn_graph *graph, hn_tensor x, hn_tensor kernel, hn_tensor bias,
                           const hn_conv2d_options *options);
/* Largest number and mean of windows of size x size within x [B,C,H,W] -> [B,C,H',W'], H' = (H - size) / stride + 1 rounded down. A largest
 * number's gradient goes to the first place that has it. HN_ERROR_SHAPE: x of another rank, a window larger than the image;
 * HN_ERROR_ARGUMENT: size or stride below 1. */
HN_API hn_tensor hn_max_pool2d(hn_graph *graph, hn_tensor x, int size, int stride);
HN_API hn_tensor hn_avg_pool2d(hn_graph *graph, hn_tensor x, int size, int stride);

/* Mean and biased variance of each channel of x [B,C,H,W] or [B,C] -> [2,C] (Ioffe and Szegedy 2015, algorithm 1; images: 3.2). Not
 * differentiable: see from_batch. HN_ERROR_SHAPE: x of another rank. */
HN_API hn_tensor hn_batch_statistics(hn_graph *graph, hn_tensor x);

typedef struct hn_batch_norm_options {
    double epsilon; /* above 0; PyTorch: 1e-5 */
    bool relu;      /* max(.., 0) of the result, in the same pass */
    bool
        from_batch; /* training: `statistics` are hn_batch_statistics of x itself, and the gradient flows through them; else (evaluation)
                      * they are constants */
} hn_batch_norm_options;

/* gain * (x - mean) / sqrt(variance + epsilon) + shift in each channel (Ioffe and Szegedy 2015). x [B,C,H,W] or [B,C], gain and shift [C],
 * statistics [2,C] (mean, then biased variance). HN_ERROR_SHAPE: shapes other than these; HN_ERROR_ARGUMENT: epsilon not above 0. options
 * must not be NULL; whether `statistics` are those of x is not checked:
 *     hn_batch_norm(g, x, gain, shift, hn_batch_statistics(g, x), &(hn_batch_norm_options){.epsilon = 1e-5, .from_batch = true}) */
HN_API hn_tensor hn_batch_norm(hn_graph *graph, hn_tensor x, hn_tensor gain, hn_tensor shift, hn_tensor statistics,
                               const hn_batch_norm_options *options);

/* Inverted dropout: each element is kept with probability `keep` and divided by it. Element (i0, i1, ..) draws Philox
 * number index = base + sum i_d * stride[d] at `site` (hn_site), so cut windows and shards draw the same mask. */
typedef struct hn_dropout_options {
    double keep; /* (0, 1]; 1 returns x itself */
    uint32_t site;
    int64_t base;
    int64_t stride[HN_MAX_RANK]; /* of each dimension of x; all 0: row-major over x's own shape */
} hn_dropout_options;
HN_API hn_tensor hn_dropout(hn_graph *graph, hn_tensor x, const hn_dropout_options *options);

/* Rows of table [V,N] at the indices i32 [..] -> [..,N]. An index outside [0, V) is an error. */
HN_API hn_tensor hn_lookup(hn_graph *graph, hn_tensor table, hn_tensor indices);

/* sum_r weights[r] * (-log softmax(logits[r])[targets[r]]) / divisor -> scalar, in nats.
 * logits [..,V], targets i32 [..], weights [..] (not differentiable). Stable for any finite logits. */
HN_API hn_tensor hn_softmax_cross_entropy(hn_graph *graph, hn_tensor logits, hn_tensor targets, hn_tensor weights,
                                          double divisor);
/* The same with label smoothing: in the place of each target stand (1 - smoothing) of it and smoothing / V of every symbol, 0 <=
 * smoothing < 1 (Szegedy et al. 2016). */
HN_API hn_tensor hn_smoothed_cross_entropy(hn_graph *graph, hn_tensor logits, hn_tensor targets, hn_tensor weights,
                                           double divisor, double smoothing);
/* -log2 softmax(logits)[target] of every row: [..]. Not differentiable (evaluation). */
HN_API hn_tensor hn_symbol_bits(hn_graph *graph, hn_tensor logits, hn_tensor targets);

/* Row b of the result is row b of `a` while t < lengths[b], else row b of `b`. a, b [B,..], lengths i32 [B]. */
HN_API hn_tensor hn_where_length(hn_graph *graph, hn_tensor a, hn_tensor b, hn_tensor lengths, int64_t t);
/* x [B,T,..] with row b turned round within its first lengths[b] steps; the rest stays. Its own inverse. */
HN_API hn_tensor hn_reverse(hn_graph *graph, hn_tensor x, hn_tensor lengths);

/* Windows of a corpus: row b is source[starts[b] .. starts[b]+length-1]. source u8 or i32 [n]; starts is a host array of `count`
 * entries and is copied. -> i32 [count, length]. */
HN_API hn_tensor hn_gather_windows(hn_graph *graph, hn_tensor source, const int64_t *starts, int64_t count,
                                   int64_t length);

/* Where an image of a batch comes from: pixel (x, y), column and row counted from 0, is what stands in image `index` of the source at
 *
 *     column  matrix[0] x + matrix[1] y + matrix[2]
 *     row     matrix[3] x + matrix[4] y + matrix[5]
 *
 * Between pixels of the source it is mixed bilinearly, outside it is 0. A matrix that shifts and mirrors by whole pixels copies:
 * {1, 0, 0, 0, 1, 0} is the image as it is, {-1, 0, W - 1, 0, 1, 0} its mirror image. */
typedef struct hn_image_view {
    int64_t index;
    double matrix[6];
} hn_image_view;

/* A byte v of channel c becomes (v / 255 - mean[c]) / deviation[c]; NULL: 0 and 1 for every channel. */
typedef struct hn_image_norm {
    const double *mean, *deviation; /* [C], finite, deviation above 0 */
} hn_image_norm;

/* A batch of images: source u8 [n,C,H,W] -> float [count,C,H,W], which lies in memory as [count,H,W,C]. What is outside the source is
 * 0 after it is normalised. views (host array of `count`) and norm (NULL: v / 255) are copied. Not differentiable. HN_ERROR_TYPE: a source
 * that is not u8. HN_ERROR_SHAPE: one of another rank, or C (H + 2) (W + 2) above 2^30. HN_ERROR_ARGUMENT: count below 1, an index outside
 * [0, n), an entry of a matrix that is not finite or beyond 2^20 either way, a norm as hn_image_norm does not allow. A dry graph does not
 * check views. */
HN_API hn_tensor hn_gather_images(hn_graph *graph, hn_tensor source, const hn_image_view *views, int64_t count,
                                  const hn_image_norm *norm);

/* ---- checking --------------------------------------------------------------------------------------------- */

/* 32-bit site of random numbers: FNV-1a of the text, for example hn_site("dropout layers.0.recurrent"). */
HN_API uint32_t hn_site(const char *name);

#ifdef __cplusplus
}
#endif
#endif
