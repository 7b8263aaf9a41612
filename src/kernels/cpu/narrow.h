/* Products of bf16 operands summed in float (narrow.c): what a graph of precision bf16 multiplies with. */
#ifndef HNI_KERNELS_CPU_NARROW_H
#define HNI_KERNELS_CPU_NARROW_H

#include "kernels/cpu/cpu.h"

/* C[m,n] = A[m,k] B[k,n] + beta C, beta 0 or 1. A and B are bf16; element (i,j) of A lies at i * a_row + j * a_column. */
typedef struct hni_narrow_shape {
    int64_t m, n, k;
    int64_t a_row, a_column;
    int64_t b_row, b_column; /* of a plain B; 0, 0: packed */
    int64_t ldc;
    double beta;
} hni_narrow_shape;

/* None of these records an error: several threads may fail at once. */
HN_MUST_USE hn_status hni_narrow_open(const hni_narrow_shape *shape, const void *b, hni_narrow_product *out_product);
HN_MUST_USE hn_status hni_narrow_run(const hni_narrow_product *product, const void *a, void *c);
void hni_narrow_close(hni_narrow_product *product);

/* B made of a float matrix; hni_recurrence_packed_most bytes. */
HN_MUST_USE hn_status hni_narrow_pack(const hni_product_matrix *matrix, void *out_packed);

/* A gemm that is large enough to gain by it, by way of scratch memory. */
bool hni_narrow_gemm_pays(const hni_gemm *gemm);
HN_MUST_USE hn_status hni_narrow_gemm(hni_exec *exec, const hni_gemm *gemm);

/* A^T B + C with A in bf16, B in float. */
HN_MUST_USE hn_status hni_narrow_outer(hni_exec *exec, const hni_gemm *gemm);

/* Rounds to nearest even, shared out among threads. Rows of `columns` numbers at distance x_ld (floats), out_ld (bf16). */
void hni_narrow_convert(int threads, int64_t rows, int64_t columns, const float *x, int64_t x_ld, uint16_t *out,
                        int64_t out_ld);

#endif
