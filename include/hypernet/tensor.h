/* Element types, shapes and the tensor handle.
 *
 * Shapes are row-major, batch first, at most six dimensions, each int64_t and >= 1.
 * hn_tensor is a small value, not a pointer: it names a slot of one graph and remembers the slot's generation, so
 * use after hn_graph_reset is an error and never a read. {0, 0} (HN_NO_TENSOR) is the invalid tensor.
 */
#ifndef HYPERNET_TENSOR_H
#define HYPERNET_TENSOR_H

#include "hypernet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hn_dtype {
    HN_DTYPE_F32 = 0,
    HN_DTYPE_F64,
    HN_DTYPE_I32, /* symbols, targets, lengths */
    HN_DTYPE_U8,  /* images, masks, blobs */
    /* Storage kinds: refused by every op until one packs, casts or multiplies them. */
    HN_DTYPE_F16,
    HN_DTYPE_BF16,
    HN_DTYPE_I8
} hn_dtype;

/* What large multiplies are computed in. Weights, state, reductions and the optimiser stay as they are. */
typedef enum hn_precision {
    HN_PRECISION_F32 = 0, /* as the graph's type */
    HN_PRECISION_BF16     /* operands rounded to bfloat16, summed in float: F32 graphs of the cpu backend */
} hn_precision;

/* "F32", "F64", "I32", "U8", ... as in safetensors; "?" for a value that is none of them. */
HN_API const char *hn_dtype_name(hn_dtype dtype);
/* Bytes of one element, 0 for a value that is no dtype. */
HN_API size_t hn_dtype_size(hn_dtype dtype);

#define HN_MAX_RANK 6

typedef struct hn_shape {
    int rank; /* 0: a scalar */
    int64_t size[HN_MAX_RANK];
} hn_shape;

/* hn_shape_of(2, rows, columns). Rank above 6 or negative gives rank -1, which every builder refuses. */
HN_API hn_shape hn_shape_of(int rank, ...); /* each size passed as int64_t */
#define HN_SCALAR() hn_shape_of(0)
#define HN_SHAPE1(a) hn_shape_of(1, (int64_t)(a))
#define HN_SHAPE2(a, b) hn_shape_of(2, (int64_t)(a), (int64_t)(b))
#define HN_SHAPE3(a, b, c) hn_shape_of(3, (int64_t)(a), (int64_t)(b), (int64_t)(c))
#define HN_SHAPE4(a, b, c, d) hn_shape_of(4, (int64_t)(a), (int64_t)(b), (int64_t)(c), (int64_t)(d))

/* Product of the sizes; -1 when it overflows or a size is below 1. A scalar has one element. */
HN_API int64_t hn_shape_elements(hn_shape shape);
HN_API bool hn_shape_equal(hn_shape a, hn_shape b);
/* Writes "[16,8,3,3]" into buffer, cut to size. Returns buffer. */
HN_API char *hn_shape_print(hn_shape shape, char *buffer, size_t size);

typedef struct hn_tensor {
    uint32_t slot;
    uint32_t generation;
} hn_tensor;

#define HN_NO_TENSOR ((hn_tensor){0, 0})

#ifdef __cplusplus
}
#endif
#endif
