/* Inside of the recurrences: where things lie in `saved`, `prepared` and scratch memory, and what a part of the batch works with. */
#ifndef HNI_KERNELS_RECURRENCE_WORK_H
#define HNI_KERNELS_RECURRENCE_WORK_H

#include "kernels/recurrence.h"
#include "kernels/table.h"

#include <stdatomic.h>

/* Offsets in numbers. Slab s of step t is t % depth. */
typedef struct hni_recurrence_layout {
    int64_t depth;
    int64_t z_size;     /* K */
    int64_t stats_size; /* of one row: two cells */
    int64_t gates; /* [depth,B,4N] with gates_ld; plain LSTM: y; hyper: W_h h. The backward leaves its gradient there */
    int64_t hyper_gates; /* [depth,B,4M] with hyper_gates_ld; y */
    int64_t c;           /* [depth,B,N] */
    int64_t hyper_h;     /* [depth,B,M] */
    int64_t hyper_c;     /* [depth,B,M] */
    int64_t z;           /* [depth,B,K] */
    int64_t stats;       /* [depth,B,stats_size] */
    int64_t total;
    int64_t gates_ld, hyper_gates_ld;
} hni_recurrence_layout;

typedef struct hni_prepared_layout {
    int64_t scale; /* [8,E,N] */
    int64_t shift; /* [4,E+1,N] */
    int64_t embed; /* [M,K], transposed */
    int64_t total;
} hni_prepared_layout;

/* Sums of one thread, added to the gradients at the end, in order of the threads. */
typedef struct hni_private_layout {
    int64_t main_cell;   /* gates gain, gates shift [4N], cell gain, cell shift [N]: 10N */
    int64_t hyper_cell;  /* 10M */
    int64_t main_bias;   /* [4N] */
    int64_t hyper_bias;  /* [4M] */
    int64_t embed_bias;  /* [K] */
    int64_t scale;       /* [8,E,N] */
    int64_t shift;       /* [4,E+1,N] */
    int64_t main_table;  /* [X,4N] */
    int64_t hyper_table; /* [X,4M] */
    int64_t total;
} hni_private_layout;

/* The recurrent matrices, as products C[rows,n] = A[rows,k] B + beta C of one direction read them. */
enum { HNI_WEIGHT_H, HNI_WEIGHT_MAIN, HNI_WEIGHT_SELF, HNI_MATRICES };
typedef struct hni_recurrent_matrix {
    hni_product_matrix b;
    void *packed;
    int64_t ldc;
    double beta;
} hni_recurrent_matrix;

/* One call, shared by its parts. */
typedef struct hni_recurrence_job {
    const hni_recurrence_backend *backend;
    hni_exec *exec;
    const hni_recurrence *r;
    const hni_recurrence_vjp *vjp; /* NULL in the forward */
    hni_recurrence_layout saved;
    hni_prepared_layout prepared;
    hni_private_layout own;
    int parts;
    const char *prepared_data;
    int matrices; /* how many there are: one without a hyper cell */
    hni_recurrent_matrix matrix[HNI_MATRICES];
    char *part_data; /* scratch of each part, part_size numbers */
    int64_t part_size;
    char *own_data;            /* sums of each part, own.total numbers; backward */
    char *dh, *dc;             /* [B,N] gradients that go on to the step before; backward */
    char *hyper_dh, *hyper_dc; /* [B,M] */
    uint16_t *narrow_gates;    /* [T,B,4N] gradients of `gates` in bf16, where products are narrow; backward */
    uint16_t *narrow_hyper;    /* [T,B,4M] */
    _Atomic int status;        /* the first thing that went wrong in a part, a hn_status */
} hni_recurrence_job;

hni_recurrence_layout hni_recurrence_layout_of(const hni_recurrence *r);
hni_prepared_layout hni_prepared_layout_of(const hni_recurrence *r);

static inline bool hni_recurrence_is_hyper(const hni_recurrence *r) { return r->hyper_units > 0; }
static inline int64_t hni_recurrence_state_size(const hni_recurrence *r) { return 2 * (r->units + r->hyper_units); }

/* Units of the larger cell. */
static inline int64_t hni_recurrence_widest(const hni_recurrence *r)
{
    return r->hyper_units > r->units ? r->hyper_units : r->units;
}

/* Address of number `index` of a block. */
static inline void *hni_at(const hni_recurrence_job *job, const void *block, int64_t index)
{
    return (char *)block + index * (int64_t)job->backend->size;
}

/* Row `row` at step t of a saved block whose rows have `width` numbers. */
static inline void *hni_saved_row(const hni_recurrence_job *job, int64_t block, int64_t width, int64_t t, int64_t row)
{
    const int64_t slab = t % job->saved.depth;
    return hni_at(job, job->r->saved, block + (slab * job->r->rows + row) * width);
}

static inline void *hni_gates_row(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    return hni_saved_row(job, job->saved.gates, job->saved.gates_ld, t, row);
}

static inline void *hni_hyper_gates_row(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    return hni_saved_row(job, job->saved.hyper_gates, job->saved.hyper_gates_ld, t, row);
}

/* State before step t, row `row`: of the call, or of the step before. `ld` receives the distance of rows. */
const void *hni_main_h_before(const hni_recurrence_job *job, int64_t t, int64_t row, int64_t *ld);
const void *hni_main_c_before(const hni_recurrence_job *job, int64_t t, int64_t row);
const void *hni_hyper_h_before(const hni_recurrence_job *job, int64_t t, int64_t row, int64_t *ld);
const void *hni_hyper_c_before(const hni_recurrence_job *job, int64_t t, int64_t row);

/* Steps of a row, at most T. */
int64_t hni_row_steps(const hni_recurrence *r, int64_t row);
/* The factor on the x part at step t, and the x part of a cell of n units with it. */
double hni_input_scale(const hni_recurrence_job *job, int64_t t, int64_t row);
const void *hni_input_row(const hni_recurrence_job *job, const hni_recurrent_weights *cell, int64_t n, int64_t t,
                          int64_t row, double *out_scale);
/* What both directions give the row passes of a cell; masks are drawn into `scratch` [4n], which ends up behind them. Rows of
 * y, state and results are the caller's. */
void hni_main_row(const hni_recurrence_job *job, int64_t t, int64_t row, void *scratch, hni_cell_row *out);
void hni_hyper_row(const hni_recurrence_job *job, int64_t t, int64_t row, void *scratch, hni_cell_row *out);
enum { HNI_ROW_SCRATCH = HNI_CELL_SCRATCH + 3 }; /* of a cell row, with its masks */

/* The products of one part of the batch; the first failure is kept in the job. */
typedef struct hni_part_products {
    hni_recurrence_job *job;
    int64_t rows;
    hni_packed_product product[HNI_MATRICES];
} hni_part_products;
void hni_part_products_open(hni_recurrence_job *job, int64_t rows, hni_part_products *out);
void hni_part_products_close(hni_part_products *products);
/* Rows that products read: themselves, or rounded to bf16 without gaps. */
typedef struct hni_operand {
    const void *data;
    int64_t ld;
} hni_operand;
hni_operand hni_part_operand(const hni_part_products *products, int64_t columns, hni_operand rows, void *out_rounded);
/* C[rows,n] = A[rows,k] B + beta C. */
void hni_part_product(const hni_part_products *products, int matrix, hni_operand a, void *c);
/* Room for rounded rows of a part's state, in the forward. */
void *hni_part_rounded(const hni_recurrence_job *job, int part);
/* False when the call was cancelled or a part has failed. */
bool hni_part_goes_on(hni_recurrence_job *job, int part, int64_t done);
void hni_part_failed(hni_recurrence_job *job, hn_status status);

/* Fills the job and takes scratch memory. */
HN_MUST_USE hn_status hni_recurrence_open(const hni_recurrence_backend *backend, hni_exec *exec,
                                          const hni_recurrence *r, const hni_recurrence_vjp *vjp,
                                          hni_recurrence_job *out_job);
/* The status of all parts, with a message. */
HN_MUST_USE hn_status hni_recurrence_close(const hni_recurrence_job *job);
/* y of the main cell's gates from their embeddings, for a block of rows that are not past their end. */
typedef struct hni_main_block {
    int64_t t, first, rows;
    char *y;    /* [rows,4N] */
    bool leave; /* d_h and d_x of all gates [rows,4N] are left behind; else they are room for one [rows,N] */
    char *d_h, *d_x;
} hni_main_block;
void hni_main_gates(const hni_recurrence_job *job, const hni_main_block *block);
/* Rows from `row` on, at most HNI_ROW_BLOCK and before `end`, that are not past their end at step t; 0 if `row` is. */
int64_t hni_block_rows(const hni_recurrence *r, int64_t t, int64_t row, int64_t end);

#endif
