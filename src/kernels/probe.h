/* One matrix multiply as oneDNN offers it, prepared and run by itself: what `hypernet bench` holds a training step against. No op
 * uses it. A build without the cpu backend refuses by name. */
#ifndef HNI_KERNELS_PROBE_H
#define HNI_KERNELS_PROBE_H

#include "core/context.h"

typedef enum hni_probe_kind {
    HNI_PROBE_SGEMM,      /* dnnl_sgemm, float */
    HNI_PROBE_PACKED_F32, /* matmul whose second matrix was packed before */
    HNI_PROBE_PACKED_BF16 /* the same on bfloat16 numbers, the result in float */
} hni_probe_kind;

/* C[m,n] = op(A) * op(B), all contiguous; op(A) is [m,k], op(B) is [k,n]. A packed kind refuses transpose_a and has no use for
 * transpose_b: its second matrix has the library's own layout. */
typedef struct hni_probe_shape {
    int64_t m, n, k;
    bool transpose_a, transpose_b; /* A is stored [k,m], B is stored [n,k] */
} hni_probe_shape;

typedef enum hni_probe_bf16 {
    HNI_PROBE_BF16_ABSENT,   /* oneDNN has no fast kernel for this machine */
    HNI_PROBE_BF16_EMULATED, /* computed in float */
    HNI_PROBE_BF16_NATIVE    /* the machine multiplies bfloat16 */
} hni_probe_bf16;

typedef struct hni_probe hni_probe;

/* Allocates the three matrices, of numbers around 0, and prepares the multiply for `threads` threads. */
HN_MUST_USE hn_status hni_probe_create(hn_context *context, hni_probe_kind kind, const hni_probe_shape *shape,
                                       int threads, hni_probe **out_probe);
/* Multiplies `times` times. */
HN_MUST_USE hn_status hni_probe_run(hni_probe *probe, int64_t times);
/* One element of C as it stands: a test's proof that something was multiplied. */
float hni_probe_element(const hni_probe *probe, int64_t row, int64_t column);
/* What element i of A (of `which` 0) or B (1) was set to; the packed matrix of B has the same numbers. */
float hni_probe_number(int which, int64_t i);
void hni_probe_destroy(hni_probe *probe); /* NULL is allowed */

hni_probe_bf16 hni_probe_bf16_support(void);

#endif
