/* The backward loop over time of the recurrences. Pre-activations are computed again from what the forward kept; their gradients take
 * the place of the products, so that the gradients of all matrices are one product each over all steps at the end. */
#include "kernels/recurrence_work.h"

#include "core/parallel.h"

#include <string.h>

/* ---- one row ---- */

static void *dh_row(const hni_recurrence_job *job, int64_t row) { return hni_at(job, job->dh, row * job->r->units); }
static void *dc_row(const hni_recurrence_job *job, int64_t row) { return hni_at(job, job->dc, row * job->r->units); }
static void *hyper_dh_row(const hni_recurrence_job *job, int64_t row)
{
    return hni_at(job, job->hyper_dh, row * job->r->hyper_units);
}
static void *hyper_dc_row(const hni_recurrence_job *job, int64_t row)
{
    return hni_at(job, job->hyper_dc, row * job->r->hyper_units);
}
static void *own(const hni_recurrence_job *job, int part, int64_t offset)
{
    return hni_at(job, job->own_data, part * job->own.total + offset);
}

/* The gradient of the final state enters at a row's last step; before its end nothing does. */
static void take_final(const hni_recurrence_job *job, int64_t row)
{
    const hni_recurrence *r = job->r;
    const size_t size = job->backend->size;
    const int64_t n = r->units, m = r->hyper_units, s = hni_recurrence_state_size(r);
    const char *from = hni_at(job, job->vjp->dfinal_state, row * s);
    memcpy(dh_row(job, row), from, (size_t)n * size);
    memcpy(dc_row(job, row), hni_at(job, from, n), (size_t)n * size);
    if (m == 0) return;
    memcpy(hyper_dh_row(job, row), hni_at(job, from, 2 * n), (size_t)m * size);
    memcpy(hyper_dc_row(job, row), hni_at(job, from, 2 * n + m), (size_t)m * size);
}

/* A row past its end sends nothing back. */
static void rest_row(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    const size_t size = job->backend->size;
    memset(hni_gates_row(job, t, row), 0, (size_t)(4 * r->units) * size);
    if (!hni_recurrence_is_hyper(r)) return;
    memset(hni_hyper_gates_row(job, t, row), 0, (size_t)(4 * r->hyper_units) * size);
    memset(hni_saved_row(job, job->saved.z, job->saved.z_size, t, row), 0, (size_t)job->saved.z_size * size);
}

/* Where a part sums gains and shifts of a cell of n units. */
static void own_cell(const hni_recurrence_job *job, int part, int64_t offset, int64_t n, hni_cell_row *cell)
{
    char *sums = own(job, part, offset);
    cell->dgates_gain = sums;
    cell->dgates_shift = hni_at(job, sums, 4 * n);
    cell->dcell_gain = hni_at(job, sums, 8 * n);
    cell->dcell_shift = hni_at(job, sums, 9 * n);
}

/* Where the gradient of a cell's x part at one step is added up: a row of the part's own table, or the dense gradient itself. NULL:
 * not wanted. */
static void *input_gradient(const hni_recurrence_job *job, int part, void *dx, int64_t table, int64_t n, int64_t t,
                            int64_t row)
{
    const hni_recurrence *r = job->r;
    const int64_t place = row * r->steps + t;
    if (dx == NULL) return NULL;
    if (r->symbols_size > 0) return hni_at(job, own(job, part, table), r->symbols[place] * 4 * n);
    return hni_at(job, dx, place * 4 * n);
}

/* Adds scale * dy to the gradient of the x part of a cell with plain pre-activations. */
static void add_input_gradient(const hni_recurrence_job *job, int part, void *dx, int64_t table, int64_t n, int64_t t,
                               int64_t row, const void *dy)
{
    void *out = input_gradient(job, part, dx, table, n, t, row);
    if (out != NULL) job->backend->rows->add(4 * n, hni_input_scale(job, t, row), dy, out);
}

/* ---- the main cell ---- */

/* What a block of rows works with, in the part's scratch: numbers of each row side by side. */
typedef struct main_block {
    int part;
    hni_main_block of; /* its y becomes dL/dy */
    char *d;           /* [rows,N] */
    char *scratch;     /* of one cell row */
} main_block;

/* dL/dy of a row from its dh and dc, in place; dh keeps what goes on to the old h. */
static void main_cell(const hni_recurrence_job *job, const main_block *block, int64_t row, void *y)
{
    hni_cell_row cell;
    hni_main_row(job, block->of.t, row, block->scratch, &cell);
    own_cell(job, block->part, job->own.main_cell, job->r->units, &cell);
    cell.y = cell.dy = y;
    cell.dh = dh_row(job, row);
    cell.dc = dc_row(job, row);
    job->backend->rows->add(
        job->r->units, 1, hni_at(job, job->vjp->doutputs, (block->of.t * job->r->rows + row) * job->r->units), cell.dh);
    job->backend->rows->cell_backward(&cell);
    if (cell.zone_h == NULL) job->backend->rows->fill(job->r->units, 0, cell.dh);
}

/* Gradients of S_k and z of vectors k, from d of the block's rows; z lies at `z_start` of each row's embeddings. */
static void vectors_vjp(const hni_recurrence_job *job, const main_block *block, const void *d, int64_t d_row,
                        int64_t z_start, int64_t count, int64_t prepared, int64_t sums)
{
    const hni_vector_block vectors = {
        .rows = block->of.rows,
        .n = job->r->units,
        .count = count,
        .d = d,
        .d_row = d_row,
        .vectors = hni_at(job, job->prepared_data, prepared),
        .dvectors = own(job, block->part, sums),
        .factors =
            hni_at(job, hni_saved_row(job, job->saved.z, job->saved.z_size, block->of.t, block->of.first), z_start),
        .factor_row = job->saved.z_size};
    job->backend->rows->vectors_vjp(&vectors);
}

/* y = d_h * (W_h h) + d_x * (scale * x) + b for one gate of all rows: gradients of the vectors and of x; dL/d(W_h h) takes the
 * product's place. */
static void gate_vjp(const hni_recurrence_job *job, const main_block *block, int gate)
{
    const hni_recurrence *r = job->r;
    const hni_recurrence_rows *rows = job->backend->rows;
    const int64_t n = r->units, e = r->embedding, at = gate * n;
    for (int64_t i = 0; i < block->of.rows; i++) {
        const int64_t place = 4 * n * i + at;
        void *products = hni_gates_row(job, block->of.t, block->of.first + i);
        rows->product_vjp(n, hni_at(job, block->of.y, place), hni_at(job, block->of.d_h, place),
                          hni_at(job, products, at), hni_at(job, block->d, i * n));
    }
    vectors_vjp(job, block, block->d, n, gate * e, e, job->prepared.scale + gate * e * n,
                job->own.scale + gate * e * n);
    for (int64_t i = 0; i < block->of.rows; i++) {
        const int64_t place = 4 * n * i + at, row = block->of.first + i;
        double scale;
        const void *x = hni_input_row(job, &r->main, n, block->of.t, row, &scale);
        void *dx = input_gradient(job, block->part, job->vjp->main.x, job->own.main_table, n, block->of.t, row);
        rows->input_vjp(n, hni_at(job, block->of.y, place), hni_at(job, block->of.d_x, place), hni_at(job, x, at),
                        scale, hni_at(job, block->d, i * n), dx != NULL ? hni_at(job, dx, at) : NULL);
    }
    const int64_t of_x = (4 + gate) * e;
    vectors_vjp(job, block, block->d, n, of_x, e, job->prepared.scale + of_x * n, job->own.scale + of_x * n);
    const int64_t of_b = gate * (e + 1);
    vectors_vjp(job, block, hni_at(job, block->of.y, at), 4 * n, 8 * e + of_b, e + 1, job->prepared.shift + of_b * n,
                job->own.shift + of_b * n);
}

static void hyper_main_block(const hni_recurrence_job *job, const main_block *block)
{
    const int64_t n = job->r->units;
    hni_main_gates(job, &block->of);
    for (int64_t i = 0; i < block->of.rows; i++)
        main_cell(job, block, block->of.first + i, hni_at(job, block->of.y, 4 * n * i));
    for (int gate = 0; gate < 4; gate++)
        gate_vjp(job, block, gate);
}

static void plain_main_row(const hni_recurrence_job *job, const main_block *block, int64_t row)
{
    const int64_t n = job->r->units;
    void *y = hni_gates_row(job, block->of.t, row);
    main_cell(job, block, row, y);
    job->backend->rows->add(4 * n, 1, y, own(job, block->part, job->own.main_bias));
    add_input_gradient(job, block->part, job->vjp->main.x, job->own.main_table, n, block->of.t, row, y);
}

/* ---- the hyper cell ---- */

static void hyper_row(const hni_recurrence_job *job, int part, int64_t t, int64_t row, void *scratch)
{
    const hni_recurrence *r = job->r;
    const hni_recurrence_rows *rows = job->backend->rows;
    const int64_t m = r->hyper_units, k = job->saved.z_size;
    const void *dz = hni_saved_row(job, job->saved.z, k, t, row);
    hni_cell_row cell;
    hni_hyper_row(job, t, row, scratch, &cell);
    own_cell(job, part, job->own.hyper_cell, m, &cell);
    cell.dy = hni_hyper_gates_row(job, t, row);
    cell.dh = hyper_dh_row(job, row);
    cell.dc = hyper_dc_row(job, row);
    rows->add(k, 1, dz, own(job, part, job->own.embed_bias));
    if (!r->previous_output) rows->combine(m, k, dz, r->makers.embed_weight, true, cell.dh);
    rows->cell_backward(&cell);
    rows->fill(m, 0, cell.dh);
    if (r->previous_output) rows->combine(m, k, dz, r->makers.embed_weight, true, cell.dh);
    rows->add(4 * m, 1, cell.dy, own(job, part, job->own.hyper_bias));
    add_input_gradient(job, part, job->vjp->hyper.x, job->own.hyper_table, m, t, row, cell.dy);
}

/* ---- a part of the batch ---- */

/* Rows [begin, end) that are not past their end, in blocks. */
static void step_rows(const hni_recurrence_job *job, int part, int64_t t, int64_t begin, int64_t end, char *scratch)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, widest = hni_recurrence_widest(r);
    main_block block = {.part = part, .of = {.t = t, .leave = true}, .scratch = scratch};
    block.of.y = hni_at(job, scratch, HNI_ROW_SCRATCH * widest);
    block.of.d_h = hni_at(job, block.of.y, HNI_ROW_BLOCK * 4 * n);
    block.of.d_x = hni_at(job, block.of.d_h, HNI_ROW_BLOCK * 4 * n);
    block.d = hni_at(job, block.of.d_x, HNI_ROW_BLOCK * 4 * n);
    for (int64_t row = begin; row < end; row += block.of.rows) {
        block.of.first = row;
        block.of.rows = 1;
        if (t >= hni_row_steps(r, row)) {
            rest_row(job, t, row);
            continue;
        }
        if (!hni_recurrence_is_hyper(r)) {
            plain_main_row(job, &block, row);
            continue;
        }
        block.of.rows = hni_block_rows(r, t, row, end);
        hyper_main_block(job, &block);
        for (int64_t i = 0; i < block.of.rows; i++)
            hyper_row(job, part, t, row + i, scratch);
    }
}

/* What goes on to the step before by way of the matrices. dh and hyper_dh hold what goes on by other ways; rows past their end keep
 * theirs, since their products are with zeros. Where products are narrow, the rounded gradients stay for the matrices' own. */
static void recurrent_products(const hni_part_products *products, int64_t t, int64_t begin)
{
    hni_recurrence_job *job = products->job;
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, m = r->hyper_units, place = t * r->rows + begin;
    uint16_t *of_gates = job->narrow_gates != NULL ? job->narrow_gates + place * 4 * n : NULL;
    uint16_t *of_hyper = job->narrow_hyper != NULL ? job->narrow_hyper + place * 4 * m : NULL;
    hni_operand d = {hni_gates_row(job, t, begin), job->saved.gates_ld};
    hni_part_product(products, HNI_WEIGHT_H, hni_part_operand(products, 4 * n, d, of_gates), dh_row(job, begin));
    if (m == 0) return;
    d = (hni_operand){hni_hyper_gates_row(job, t, begin), job->saved.hyper_gates_ld};
    d = hni_part_operand(products, 4 * m, d, of_hyper);
    hni_part_product(products, HNI_WEIGHT_MAIN, d, dh_row(job, begin));
    hni_part_product(products, HNI_WEIGHT_SELF, d, hyper_dh_row(job, begin));
}

static void state_vjp(const hni_recurrence_job *job, int64_t row)
{
    const hni_recurrence *r = job->r;
    const hni_recurrence_rows *rows = job->backend->rows;
    const int64_t n = r->units, m = r->hyper_units;
    char *out = hni_at(job, job->vjp->dstate, row * r->state_ld);
    rows->add(n, 1, dh_row(job, row), out);
    rows->add(n, 1, dc_row(job, row), hni_at(job, out, n));
    if (m == 0) return;
    rows->add(m, 1, hyper_dh_row(job, row), hni_at(job, out, 2 * n));
    rows->add(m, 1, hyper_dc_row(job, row), hni_at(job, out, 2 * n + m));
}

static void backward_part(void *user, int64_t begin, int64_t end, int part)
{
    hni_recurrence_job *job = user;
    const hni_recurrence *r = job->r;
    void *scratch = hni_at(job, job->part_data, part * job->part_size);
    hni_part_products products;
    memset(own(job, part, 0), 0, (size_t)job->own.total * job->backend->size);
    for (int64_t row = begin; row < end; row++)
        take_final(job, row);
    hni_part_products_open(job, end - begin, &products);
    for (int64_t t = r->steps - 1; t >= 0 && hni_part_goes_on(job, part, r->steps - 1 - t); t--) {
        step_rows(job, part, t, begin, end, scratch);
        recurrent_products(&products, t, begin);
    }
    hni_part_products_close(&products);
    for (int64_t row = begin; job->vjp->dstate != NULL && row < end; row++)
        state_vjp(job, row);
}

/* ---- gradients of matrices and sums of the parts ---- */

/* Gradients d [T,B,m] of what a matrix makes, real with `ld` or in bf16 without gaps. */
typedef struct made_gradients {
    int64_t m, ld;
    const void *d;
    const uint16_t *narrow; /* NULL: they were not rounded */
} made_gradients;

/* dW [m,n] += d^T x for x [rows,n], from row `first` of d on. */
static hn_status outer(const hni_recurrence_job *job, const made_gradients *d, int64_t first, int64_t rows, int64_t n,
                       const void *x, int64_t ldx, void *dw, int64_t ldw)
{
    if (dw == NULL || rows == 0) return HN_OK;
    hni_gemm gemm = {.transpose_a = true,
                     .m = d->m,
                     .n = n,
                     .k = rows,
                     .b = x,
                     .c = dw,
                     .ldb = ldx,
                     .ldc = ldw,
                     .alpha = 1,
                     .beta = 1,
                     .batch = 1};
    gemm.lda = d->narrow != NULL ? d->m : d->ld;
    gemm.a = d->narrow != NULL ? (const void *)(d->narrow + first * d->m) : hni_at(job, d->d, first * d->ld);
    return d->narrow != NULL ? job->backend->products->outer(job->exec, &gemm) : job->backend->gemm(job->exec, &gemm);
}

/* dW += sum over steps of d_t^T (what lay before step t): the first step reads the call's state, all others one block. */
static hn_status outer_before(const hni_recurrence_job *job, const made_gradients *d, int64_t n, int64_t state_start,
                              const void *later, void *dw, int64_t ldw)
{
    const hni_recurrence *r = job->r;
    const void *state = hni_at(job, r->state, state_start);
    const hn_status status = outer(job, d, 0, r->rows, n, state, r->state_ld, dw, ldw);
    if (status != HN_OK) return status;
    return outer(job, d, r->rows, (r->steps - 1) * r->rows, n, later, n, dw, ldw);
}

static hn_status matrices_vjp(const hni_recurrence_job *job)
{
    const hni_recurrence *r = job->r;
    const hni_recurrence_vjp *vjp = job->vjp;
    const hni_recurrence_layout *l = &job->saved;
    const hni_recurrent_makers *makers = &vjp->makers;
    const int64_t n = r->units, m = r->hyper_units, k = l->z_size;
    const void *hyper_h = hni_at(job, r->saved, l->hyper_h);
    const made_gradients gates = {4 * n, l->gates_ld, hni_at(job, r->saved, l->gates), job->narrow_gates};
    const made_gradients hyper = {4 * m, l->hyper_gates_ld, hni_at(job, r->saved, l->hyper_gates), job->narrow_hyper};
    const made_gradients z = {k, k, hni_at(job, r->saved, l->z), NULL};
    hn_status status;
    HNI_TRY(outer_before(job, &gates, n, 0, r->outputs, vjp->main.weight_h, vjp->main.weight_h_ld));
    if (m == 0) goto cleanup;
    HNI_TRY(outer_before(job, &hyper, n, 0, r->outputs, makers->weight_main, makers->weight_main_ld));
    HNI_TRY(outer_before(job, &hyper, m, 2 * n, hyper_h, vjp->hyper.weight_h, vjp->hyper.weight_h_ld));
    if (r->previous_output)
        HNI_TRY(outer_before(job, &z, m, 2 * n, hyper_h, makers->embed_weight, m));
    else
        HNI_TRY(outer(job, &z, 0, r->steps * r->rows, m, hyper_h, m, makers->embed_weight, m));
cleanup:
    return status;
}

static void add_sums(const hni_recurrence_job *job, int64_t offset, int64_t count, void *gradient)
{
    for (int part = 0; gradient != NULL && part < job->parts; part++)
        job->backend->rows->add(count, 1, own(job, part, offset), gradient);
}

static void add_cell_sums(const hni_recurrence_job *job, const hni_recurrent_weights *gradient, int64_t n, int64_t cell,
                          int64_t bias, int64_t table)
{
    add_sums(job, cell, 4 * n, gradient->gates_gain);
    add_sums(job, cell + 4 * n, 4 * n, gradient->gates_shift);
    add_sums(job, cell + 8 * n, n, gradient->cell_gain);
    add_sums(job, cell + 9 * n, n, gradient->cell_shift);
    add_sums(job, bias, 4 * n, gradient->bias);
    if (job->r->symbols_size > 0) add_sums(job, table, job->r->symbols_size * 4 * n, gradient->x);
}

/* Sums [count,e,N] of all parts, added to a gradient [count,N,e]. */
static void add_vector_sums(const hni_recurrence_job *job, int64_t offset, int64_t count, int64_t e, void *gradient)
{
    const int64_t n = job->r->units, block = e * n;
    for (int64_t i = 0; gradient != NULL && i < count; i++) {
        void *sums = own(job, 0, offset + i * block);
        for (int part = 1; part < job->parts; part++)
            job->backend->rows->add(block, 1, own(job, part, offset + i * block), sums);
        for (int64_t k = 0; k < e; k++)
            job->backend->rows->add_column(n, hni_at(job, sums, k * n), e, hni_at(job, gradient, i * block + k));
    }
}

static void add_all_sums(const hni_recurrence_job *job)
{
    const hni_recurrence *r = job->r;
    const hni_recurrence_vjp *vjp = job->vjp;
    add_cell_sums(job, &vjp->main, r->units, job->own.main_cell, job->own.main_bias, job->own.main_table);
    if (!hni_recurrence_is_hyper(r)) return;
    add_cell_sums(job, &vjp->hyper, r->hyper_units, job->own.hyper_cell, job->own.hyper_bias, job->own.hyper_table);
    add_sums(job, job->own.embed_bias, job->saved.z_size, vjp->makers.embed_bias);
    add_vector_sums(job, job->own.scale, 8, r->embedding, vjp->makers.scale_weight);
    add_vector_sums(job, job->own.shift, 4, r->embedding + 1, vjp->makers.shift_weight);
}

hn_status hni_recurrence_backward(const hni_recurrence_backend *backend, hni_exec *exec, const hni_recurrence_vjp *vjp)
{
    hni_recurrence_job job;
    hn_status status;
    HNI_TRY(hni_recurrence_open(backend, exec, vjp->forward, vjp, &job));
    hni_parallel_for(job.parts, vjp->forward->rows, 1, backward_part, &job);
    HNI_TRY(hni_recurrence_close(&job));
    HNI_TRY(matrices_vjp(&job));
    add_all_sums(&job);
cleanup:
    return status;
}
