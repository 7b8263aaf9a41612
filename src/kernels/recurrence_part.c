/* What a part of the batch works with, in both directions: its products, the state before a step, inputs and masks of one row. */
#include "kernels/recurrence_work.h"

void hni_part_failed(hni_recurrence_job *job, hn_status status)
{
    int expected = HN_OK;
    if (status != HN_OK) (void)atomic_compare_exchange_strong(&job->status, &expected, (int)status);
}

bool hni_part_goes_on(hni_recurrence_job *job, int part, int64_t done)
{
    /* The callback belongs to the caller's thread, which runs part 0. */
    if (part == 0) hni_part_failed(job, hni_go_on(job->exec->context, "sequence", done, job->r->steps));
    return job->status == HN_OK;
}

void hni_part_products_open(hni_recurrence_job *job, int64_t rows, hni_part_products *out)
{
    const hni_recurrence_products *backend = job->backend->products;
    *out = (hni_part_products){.job = job, .rows = rows};
    for (int i = 0; i < job->matrices; i++) {
        const hni_recurrent_matrix *matrix = &job->matrix[i];
        out->product[i] = (hni_packed_product){.rows = rows,
                                               .k = matrix->b.k,
                                               .n = matrix->b.n,
                                               .ldc = matrix->ldc,
                                               .packed = matrix->packed,
                                               .beta = matrix->beta,
                                               .threads = job->parts == 1 ? job->exec->threads : 1};
        if (backend->narrow) hni_part_failed(job, backend->open(&out->product[i]));
    }
}

void hni_part_products_close(hni_part_products *products)
{
    const hni_recurrence_job *job = products->job;
    const hni_recurrence_products *backend = job->backend->products;
    for (int i = 0; backend->narrow && i < job->matrices; i++)
        backend->close(&products->product[i]);
}

void hni_part_product(const hni_part_products *products, int matrix, hni_operand a, void *c)
{
    hni_recurrence_job *job = products->job;
    if (job->status != HN_OK) return;
    hni_part_failed(job, job->backend->products->run(&products->product[matrix], a.data, a.ld, c));
}

hni_operand hni_part_operand(const hni_part_products *products, int64_t columns, hni_operand rows, void *out_rounded)
{
    const hni_recurrence_job *job = products->job;
    const hni_recurrence_products *backend = job->backend->products;
    if (!backend->narrow) return rows;
    for (int64_t row = 0; row < products->rows; row++)
        backend->round(columns, hni_at(job, rows.data, row * rows.ld), (uint16_t *)out_rounded + row * columns);
    return (hni_operand){out_rounded, columns};
}

/* ---- what lies before a step ---- */

const void *hni_main_h_before(const hni_recurrence_job *job, int64_t t, int64_t row, int64_t *ld)
{
    const hni_recurrence *r = job->r;
    *ld = t == 0 ? r->state_ld : r->units;
    if (t == 0) return hni_at(job, r->state, row * r->state_ld);
    return hni_at(job, r->outputs, ((t - 1) * r->rows + row) * r->units);
}

const void *hni_main_c_before(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    if (t == 0) return hni_at(job, r->state, row * r->state_ld + r->units);
    return hni_saved_row(job, job->saved.c, r->units, t - 1, row);
}

const void *hni_hyper_h_before(const hni_recurrence_job *job, int64_t t, int64_t row, int64_t *ld)
{
    const hni_recurrence *r = job->r;
    *ld = t == 0 ? r->state_ld : r->hyper_units;
    if (t == 0) return hni_at(job, r->state, row * r->state_ld + 2 * r->units);
    return hni_saved_row(job, job->saved.hyper_h, r->hyper_units, t - 1, row);
}

const void *hni_hyper_c_before(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    if (t == 0) return hni_at(job, r->state, row * r->state_ld + 2 * r->units + r->hyper_units);
    return hni_saved_row(job, job->saved.hyper_c, r->hyper_units, t - 1, row);
}

int64_t hni_row_steps(const hni_recurrence *r, int64_t row)
{
    if (r->lengths == NULL) return r->steps;
    return r->lengths[row];
}

int64_t hni_block_rows(const hni_recurrence *r, int64_t t, int64_t row, int64_t end)
{
    int64_t rows = 0;
    while (rows < HNI_ROW_BLOCK && row + rows < end && t < hni_row_steps(r, row + rows))
        rows++;
    return rows;
}

double hni_input_scale(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    return r->scale != NULL ? job->backend->number(r->scale, row * r->steps + t) : 1;
}

const void *hni_input_row(const hni_recurrence_job *job, const hni_recurrent_weights *cell, int64_t n, int64_t t,
                          int64_t row, double *out_scale)
{
    const hni_recurrence *r = job->r;
    const int64_t place = row * r->steps + t;
    *out_scale = hni_input_scale(job, t, row);
    return hni_at(job, cell->x, (r->symbols_size > 0 ? r->symbols[place] : place) * 4 * n);
}

/* ---- masks ---- */

static const void *draw(const hni_recurrence_job *job, const hni_recurrent_masks *masks, int64_t n, int64_t t,
                        int64_t row, double factor, void *out)
{
    const hni_recurrence *r = job->r;
    const hni_rng_key key = {.seed = job->exec->step->seed, .step = job->exec->step->step, .site = masks->site};
    const int64_t first = ((r->first_row + row) * r->length + r->time + t) * n;
    job->backend->rows->mask(&key, first, n, masks->keep, factor, out);
    return out;
}

static const void *zone(const hni_recurrence_job *job, const hni_recurrent_masks *masks, int64_t n, int64_t t,
                        int64_t row, void *out)
{
    if (masks->keep == 1) return NULL;
    if (!job->r->zone_expectation) return draw(job, masks, n, t, row, 1, out);
    job->backend->rows->fill(n, masks->keep, out);
    return out;
}

static void cell_row(const hni_recurrence_job *job, const hni_recurrent_weights *cell, int64_t n, void *scratch,
                     hni_cell_row *out)
{
    const hni_recurrence *r = job->r;
    *out = (hni_cell_row){.n = n,
                          .gates_gain = cell->gates_gain,
                          .gates_shift = cell->gates_shift,
                          .cell_gain = cell->cell_gain,
                          .cell_shift = cell->cell_shift,
                          .forget_bias = r->forget_bias,
                          .epsilon = r->epsilon,
                          .scratch = hni_at(job, scratch, 3 * n)};
}

void hni_main_row(const hni_recurrence_job *job, int64_t t, int64_t row, void *scratch, hni_cell_row *out)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units;
    int64_t ignored;
    cell_row(job, &r->main, n, scratch, out);
    out->zone_c = zone(job, &r->zone_cell, n, t, row, hni_at(job, scratch, n));
    out->zone_h = zone(job, &r->zone_hidden, n, t, row, hni_at(job, scratch, 2 * n));
    if (r->dropout.keep < 1) {
        out->mask = draw(job, &r->dropout, n, t, row, 1 / r->dropout.keep, scratch);
    } else if (out->zone_c != NULL) {
        job->backend->rows->fill(n, 1, scratch);
        out->mask = scratch;
    }
    out->c_before = hni_main_c_before(job, t, row);
    out->h_before = hni_main_h_before(job, t, row, &ignored);
    out->stats = hni_saved_row(job, job->saved.stats, job->saved.stats_size, t, row);
}

void hni_hyper_row(const hni_recurrence_job *job, int64_t t, int64_t row, void *scratch, hni_cell_row *out)
{
    const hni_recurrence *r = job->r;
    const int64_t m = r->hyper_units;
    cell_row(job, &r->hyper, m, scratch, out);
    if (r->hyper_dropout.keep < 1)
        out->mask = draw(job, &r->hyper_dropout, m, t, row, 1 / r->hyper_dropout.keep, scratch);
    out->c_before = hni_hyper_c_before(job, t, row);
    out->stats = hni_at(job, hni_saved_row(job, job->saved.stats, job->saved.stats_size, t, row), HNI_CELL_STATS);
    out->y = hni_hyper_gates_row(job, t, row);
}

/* ---- y of the main cell with made vectors ---- */

void hni_main_gates(const hni_recurrence_job *job, const hni_main_block *block)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, e = r->embedding;
    const void *scale = hni_at(job, job->prepared_data, job->prepared.scale);
    const void *shift = hni_at(job, job->prepared_data, job->prepared.shift);
    const void *x[HNI_ROW_BLOCK];
    hni_main_gate_block one = {.rows = block->rows,
                               .n = n,
                               .embedding = e,
                               .z = hni_saved_row(job, job->saved.z, job->saved.z_size, block->t, block->first),
                               .z_row = job->saved.z_size,
                               .product_row = job->saved.gates_ld,
                               .leave = block->leave,
                               .d_row = block->leave ? 4 * n : n,
                               .y_row = 4 * n};
    for (int64_t i = 0; i < block->rows; i++)
        x[i] = hni_input_row(job, &r->main, n, block->t, block->first + i, &one.scale[i]);
    for (int gate = 0; gate < 4; gate++) {
        const int64_t of_x = (4 + gate) * e, of_b = gate * (e + 1), of_d = block->leave ? gate * n : 0;
        one.z_h = gate * e, one.z_x = of_x, one.z_b = 8 * e + of_b;
        one.vectors_h = hni_at(job, scale, gate * e * n);
        one.vectors_x = hni_at(job, scale, of_x * n);
        one.vectors_b = hni_at(job, shift, of_b * n);
        one.product = hni_at(job, hni_gates_row(job, block->t, block->first), gate * n);
        for (int64_t i = 0; i < block->rows; i++)
            one.x[i] = hni_at(job, x[i], gate * n);
        one.d_h = hni_at(job, block->d_h, of_d);
        one.d_x = hni_at(job, block->d_x, of_d);
        one.y = hni_at(job, block->y, gate * n);
        job->backend->rows->main_gate(&one);
    }
}
