/* LSTM and HyperLSTM over a whole window: what the table's slots `recurrence` and `recurrence_vjp` take, and how they are put together
 * (paper A.2.2, A.2.3). A plain LSTM is a main cell without a hyper cell.
 *
 *     hyper cell   ^y = ^W_h ^h + W_main h + x part        plain pre-activations, below "y"
 *     embeddings   z  = W_embed ^h + b_embed               z_h, z_x, z_b of four gates, z_b with one constant element more
 *     main cell    y  = d_h * W_h h + d_x * (x part) + b   d_h = S_h z_h, d_x = S_x z_x, b = S_b z_b; a plain LSTM: y = W_h h + x part
 *     both cells   c  = sigmoid(f + forget_bias) * c + sigmoid(i) * Dropout(tanh(g)),  h = sigmoid(o) * tanh(LN(c)),  gates LN(y)
 *
 * Threads own rows of the batch for the whole window, so there is no barrier between steps. recurrence_forward.c and
 * recurrence_backward.c hold the loops over time, written once for every type: they call products and row passes through a
 * hni_recurrence_backend. recurrence_rows.inc holds the row passes, compiled for float and double and for each level of the cpu.
 *
 * Letters: B rows, T steps, N and M units, E embedding size, X width of one-hot symbols, K = 8E + 4(E + 1). Pointers are to `real`. */
#ifndef HNI_KERNELS_RECURRENCE_H
#define HNI_KERNELS_RECURRENCE_H

#include "core/arena.h"
#include "core/context.h"
#include "core/rng.h"

/* K: z_h and z_x of four gates, and z_b with a constant element a gate. */
static inline int64_t hni_embedding_numbers(int64_t e) { return 8 * e + 4 * (e + 1); }

typedef struct hni_exec hni_exec;
typedef struct hni_gemm hni_gemm;

/* Weights of the main or the hyper cell, or their gradients. In gradients NULL means not wanted, and all are added to. */
typedef struct hni_recurrent_weights {
    void *x;             /* [X,4n] rows of one-hot symbols, or [B,T,4n] products with dense inputs */
    void *bias;          /* [4n], added to x after its scale; NULL: none */
    void *weight_h;      /* [4n,n] */
    void *gates_gain;    /* [4n]; these four NULL: no layer norm */
    void *gates_shift;   /* [4n] */
    void *cell_gain;     /* [n] */
    void *cell_shift;    /* [n] */
    int64_t weight_h_ld; /* >= n */
} hni_recurrent_weights;

/* What makes embeddings and vectors of the main cell, or the gradients. */
typedef struct hni_recurrent_makers {
    void *weight_main;  /* [4M,N] with weight_main_ld, part of the hyper cell's input weight that reads h */
    void *embed_weight; /* [K,M] */
    void *embed_bias;   /* [K] */
    void *scale_weight; /* [8,N,E]: d_h of four gates, d_x of four gates */
    void *shift_weight; /* [4,N,E+1] */
    int64_t weight_main_ld;
} hni_recurrent_makers;

/* Dropout or zoneout: index (first_row + b) * length * n + (time + t) * n + unit of the site. */
typedef struct hni_recurrent_masks {
    double keep; /* 1: none */
    uint32_t site;
} hni_recurrent_masks;

typedef struct hni_recurrence {
    int64_t rows, steps, units, hyper_units, embedding; /* B, T, N, M (0: plain LSTM), E */
    int64_t symbols_size;                               /* X; 0: dense inputs */
    hni_recurrent_weights main, hyper;
    hni_recurrent_makers makers;
    double forget_bias, epsilon;
    bool previous_output; /* reading: embeddings from the hyper cell's previous output */
    hni_recurrent_masks dropout, hyper_dropout, zone_cell, zone_hidden;
    bool zone_expectation;           /* zoneout takes keep * new + (1 - keep) * old instead of drawing */
    int64_t first_row, time, length; /* where the window lies in the random numbers */
    const int32_t *symbols;          /* [B,T] */
    const void *scale;               /* [B,T] factor on the x part; NULL: 1 */
    const int32_t *lengths;          /* [B]; NULL: all T */
    const void *state;               /* [B,S], S = 2N + 2M: h, c, hyper h, hyper c */
    int64_t state_ld;
    void *outputs;     /* [T,B,N]; zeros past a row's length */
    void *final_state; /* [B,S] */
    void *saved;       /* as many numbers as hni_recurrence_saved says */
    bool keep;         /* `saved` holds all steps for the backward; else two take turns */
} hni_recurrence;

typedef struct hni_recurrence_vjp {
    const hni_recurrence *forward; /* `keep`; saved is overwritten */
    const void *doutputs;          /* [T,B,N] */
    const void *dfinal_state;      /* [B,S] */
    void *dstate;                  /* [B,S] added to, with the ld of state; NULL: not wanted */
    hni_recurrent_weights main, hyper;
    hni_recurrent_makers makers;
} hni_recurrence_vjp;

/* ---- row passes (recurrence_rows.inc) ---- */

/* One row of one cell at one step. */
typedef struct hni_cell_row {
    int64_t n;
    const void *y;                                                 /* [4n] pre-activations */
    const void *gates_gain, *gates_shift, *cell_gain, *cell_shift; /* NULL: no layer norm */
    void *stats; /* [10] mean and 1/deviation of four gates and of c */
    double forget_bias, epsilon;
    const void *mask;                /* [n] factors of tanh(g); NULL: 1, and no zone_c */
    const void *zone_c, *zone_h;     /* [n] share of the new value; NULL: 1 */
    const void *c_before, *h_before; /* [n]; h_before is read with zone_h only */
    void *c, *h;                     /* [n] written by the forward */
    void *scratch;                   /* [HNI_CELL_SCRATCH * n] */
    /* backward */
    void *dh; /* [n] of h; with zone_h what it leaves is the part of the old h, else it stays */
    void *dc; /* [n] of c in, of c_before out */
    void *dy; /* [4n], may be y */
    void *dgates_gain, *dgates_shift, *dcell_gain, *dcell_shift; /* added to; NULL without layer norm */
} hni_cell_row;
enum { HNI_CELL_SCRATCH = 8, HNI_CELL_STATS = 10, HNI_ROW_BLOCK = 4 };

/* Backward of sum_e z[r,e] S[e,:] for up to HNI_ROW_BLOCK rows r: dS[e,:] += z[r,e] d[r,:], then dz[r,e] = <d[r,:], S[e,:]> takes
 * the place of z[r,e]. */
typedef struct hni_vector_block {
    int64_t rows, n, count;
    const void *d; /* [rows,n] at d_row */
    int64_t d_row;
    const void *vectors; /* [count,n] */
    void *dvectors;      /* [count,n] */
    void *factors;       /* z [rows,count] at factor_row */
    int64_t factor_row;
} hni_vector_block;

/* y = d_h * product + d_x * (scale * x) + b for one gate of up to HNI_ROW_BLOCK rows, with d_h = S_h z_h, d_x = S_x z_x, b = S_b z_b. */
typedef struct hni_main_gate_block {
    int64_t rows, n, embedding;
    const void *z; /* [rows,..] with z_row, in which z_h, z_x [E] and z_b [E+1] begin at these numbers */
    int64_t z_row, z_h, z_x, z_b;
    const void *vectors_h, *vectors_x, *vectors_b; /* [E,n], [E,n], [E+1,n] */
    const void *product;                           /* [rows,n] with product_row */
    int64_t product_row;
    const void *x[HNI_ROW_BLOCK]; /* [n] */
    double scale[HNI_ROW_BLOCK];
    bool leave;      /* d_h and d_x are wanted; else they are room for work */
    void *d_h, *d_x; /* [rows,n] with d_row */
    int64_t d_row;
    void *y; /* [rows,n] with y_row */
    int64_t y_row;
} hni_main_gate_block;

typedef struct hni_recurrence_rows {
    void (*cell_forward)(const hni_cell_row *row);
    void (*cell_backward)(const hni_cell_row *row);
    /* out (+)= sum_e factors[e] vectors[e,:] */
    void (*combine)(int64_t n, int64_t count, const void *factors, const void *vectors, bool add, void *out);
    void (*vectors_vjp)(const hni_vector_block *block);
    /* y += scale * x + bias (NULL: none) */
    void (*add_input)(int64_t n, const void *x, double scale, const void *bias, void *y);
    void (*main_gate)(const hni_main_gate_block *block);
    /* d = dy * product, dL/d_h, then product = dy * d_h, dL/d(product) */
    void (*product_vjp)(int64_t n, const void *dy, const void *d_h, void *product, void *d);
    /* d = dy * (scale * x), dL/d_x, and dx += scale * dy * d_x unless NULL */
    void (*input_vjp)(int64_t n, const void *dy, const void *d_x, const void *x, double scale, void *d, void *dx);
    void (*add)(int64_t n, double scale, const void *x, void *out);            /* out += scale * x */
    void (*add_column)(int64_t n, const void *x, int64_t out_step, void *out); /* out[i * step] += x[i] */
    /* out[i] = number first + i of the site is below keep ? factor : 0 */
    void (*mask)(const hni_rng_key *key, int64_t first, int64_t n, double keep, double factor, void *out);
    void (*fill)(int64_t n, double value, void *out);
    /* out[c,r] = x[r,c] */
    void (*transpose)(int64_t rows, int64_t columns, const void *x, int64_t x_ld, void *out, int64_t out_ld);
} hni_recurrence_rows;

/* The matrix B [k,n] of products C (+)= A B: element (i,j) lies at i * row + j * column, one of which is 1. */
typedef struct hni_product_matrix {
    int64_t k, n;
    const void *data;
    int64_t row, column;
} hni_product_matrix;

/* What a backend needs to run one narrow product, its own. */
typedef struct hni_narrow_product {
    void *engine, *stream, *multiply, *a, *b, *c;
} hni_narrow_product;

/* A product with a packed matrix, run many times in the thread that opened it: C[rows,n] = A[rows,k] B + beta C. */
typedef struct hni_packed_product {
    int64_t rows, k, n, ldc; /* narrow: ldc is n */
    const void *packed;
    double beta; /* 0 or 1 */
    int threads; /* that may share in it: 1 within a part */
    hni_narrow_product narrow;
} hni_packed_product;

/* How a backend multiplies with the recurrent matrices, which are packed once a call. Several threads open and run products at once, so
 * these record no error, `outer` excepted. */
typedef struct hni_recurrence_products {
    bool narrow; /* A and the matrix are bf16, C is real; else all are real */
    hn_status (*pack)(int threads, const hni_product_matrix *matrix, void *out_packed);
    hn_status (*run)(const hni_packed_product *product, const void *a, int64_t lda, void *c);
    /* Narrow ones only; lda is k. */
    hn_status (*open)(hni_packed_product *product);
    void (*close)(hni_packed_product *product);         /* one that failed to open, too */
    void (*round)(int64_t n, const void *x, void *out); /* to bf16 */
    /* The gemm's A^T B + C with A in bf16 and B in real. */
    hn_status (*outer)(hni_exec *exec, const hni_gemm *gemm);
} hni_recurrence_products;

typedef struct hni_recurrence_backend {
    size_t size; /* of real */
    const hni_recurrence_rows *rows;
    double (*number)(const void *x, int64_t index);
    hn_status (*gemm)(hni_exec *exec, const hni_gemm *gemm);
    const hni_recurrence_products *products;
} hni_recurrence_backend;

/* ---- the slots' work ---- */

/* Bytes of a packed matrix [k,n], at most: padded, narrow ones with a head before the numbers. `size` is that of real. */
enum { HNI_PACKED_HEAD = 4096, HNI_PACKED_TILE = 64 };
size_t hni_recurrence_packed_most(bool narrow, size_t size, int64_t k, int64_t n);

/* False where the numbers of `saved` or of the outputs are more than can be counted; all other sizes follow from tensors that exist. */
bool hni_recurrence_saved(const hni_recurrence *r, int64_t *out_numbers);
HN_MUST_USE hn_status hni_recurrence_forward(const hni_recurrence_backend *backend, hni_exec *exec,
                                             const hni_recurrence *r);
HN_MUST_USE hn_status hni_recurrence_backward(const hni_recurrence_backend *backend, hni_exec *exec,
                                              const hni_recurrence_vjp *vjp);
/* Takes the scratch memory of both, as they do: for the dry tables. */
HN_MUST_USE hn_status hni_recurrence_scratch(hni_exec *exec, size_t size, const hni_recurrence *r,
                                             const hni_recurrence_vjp *vjp);

#endif
