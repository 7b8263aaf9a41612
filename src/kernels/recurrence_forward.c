/* The forward loop over time of the recurrences; the equations stand in recurrence.h. */
#include "kernels/recurrence_work.h"

#include "core/parallel.h"

#include <string.h>

/* Narrow products leave rows of gates without gaps: to their places, the last one first. */
static void spread_rows(const hni_part_products *products, char *rows, int64_t width, int64_t ld)
{
    const hni_recurrence_backend *backend = products->job->backend;
    const int64_t size = (int64_t)backend->size;
    for (int64_t row = products->rows - 1; backend->products->narrow && ld != width && row > 0; row--)
        memmove(rows + row * ld * size, rows + row * width * size, (size_t)(width * size));
}

/* Products of the state before step t with the recurrent matrices, for rows from `begin` on. */
static void recurrent_products(const hni_part_products *products, int64_t t, int64_t begin, void *rounded)
{
    hni_recurrence_job *job = products->job;
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, m = r->hyper_units;
    void *gates = hni_gates_row(job, t, begin), *hyper_gates = hni_hyper_gates_row(job, t, begin);
    hni_operand before;
    before.data = hni_main_h_before(job, t, begin, &before.ld);
    const hni_operand h = hni_part_operand(products, n, before, rounded);
    hni_part_product(products, HNI_WEIGHT_H, h, gates);
    spread_rows(products, gates, 4 * n, job->saved.gates_ld);
    if (!hni_recurrence_is_hyper(r)) return;
    hni_part_product(products, HNI_WEIGHT_MAIN, h, hyper_gates);
    before.data = hni_hyper_h_before(job, t, begin, &before.ld);
    hni_part_product(products, HNI_WEIGHT_SELF, hni_part_operand(products, m, before, rounded), hyper_gates);
    spread_rows(products, hyper_gates, 4 * m, job->saved.hyper_gates_ld);
}

/* z of a row from the hyper cell's new output, or in the other reading its previous one. */
static void embed(hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    const int64_t m = r->hyper_units, k = job->saved.z_size;
    const hni_recurrence_rows *rows = job->backend->rows;
    int64_t ignored;
    const void *source = r->previous_output ? hni_hyper_h_before(job, t, row, &ignored)
                                            : hni_saved_row(job, job->saved.hyper_h, m, t, row);
    void *z = hni_saved_row(job, job->saved.z, k, t, row);
    rows->combine(k, m, source, hni_at(job, job->prepared_data, job->prepared.embed), false, z);
    rows->add(k, 1, r->makers.embed_bias, z);
}

static void hyper_step(hni_recurrence_job *job, int64_t t, int64_t row, void *scratch)
{
    const hni_recurrence *r = job->r;
    const int64_t m = r->hyper_units;
    hni_cell_row cell;
    double scale;
    hni_hyper_row(job, t, row, scratch, &cell);
    const void *x = hni_input_row(job, &r->hyper, m, t, row, &scale);
    job->backend->rows->add_input(4 * m, x, scale, r->hyper.bias, hni_hyper_gates_row(job, t, row));
    cell.h = hni_saved_row(job, job->saved.hyper_h, m, t, row);
    cell.c = hni_saved_row(job, job->saved.hyper_c, m, t, row);
    job->backend->rows->cell_forward(&cell);
    embed(job, t, row);
}

/* The main cell from its pre-activations y [4N]. */
static void main_cell(hni_recurrence_job *job, int64_t t, int64_t row, const void *y, void *scratch)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units;
    hni_cell_row cell;
    hni_main_row(job, t, row, scratch, &cell);
    cell.y = y;
    cell.h = hni_at(job, r->outputs, (t * r->rows + row) * n);
    cell.c = hni_saved_row(job, job->saved.c, n, t, row);
    job->backend->rows->cell_forward(&cell);
}

static void plain_step(hni_recurrence_job *job, int64_t t, int64_t row, void *scratch)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units;
    double scale;
    const void *x = hni_input_row(job, &r->main, n, t, row, &scale);
    void *y = hni_gates_row(job, t, row);
    job->backend->rows->add_input(4 * n, x, scale, r->main.bias, y);
    main_cell(job, t, row, y, scratch);
}

/* Both cells of a block of rows. */
static void hyper_steps(hni_recurrence_job *job, int64_t t, int64_t first, int64_t rows, void *scratch)
{
    const int64_t n = job->r->units;
    hni_main_block block = {.t = t, .first = first, .rows = rows};
    block.y = hni_at(job, scratch, HNI_ROW_SCRATCH * hni_recurrence_widest(job->r));
    block.d_h = hni_at(job, block.y, HNI_ROW_BLOCK * 4 * n);
    block.d_x = hni_at(job, block.d_h, HNI_ROW_BLOCK * n);
    for (int64_t i = 0; i < rows; i++)
        hyper_step(job, t, first + i, scratch);
    hni_main_gates(job, &block);
    for (int64_t i = 0; i < rows; i++)
        main_cell(job, t, first + i, hni_at(job, block.y, 4 * n * i), scratch);
}

/* The state after step t, or before the first one (t = -1), is this row's last. */
static void finish_row(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    const size_t size = job->backend->size;
    const int64_t n = r->units, m = r->hyper_units, s = hni_recurrence_state_size(r);
    char *out = hni_at(job, r->final_state, row * s);
    int64_t ignored;
    memcpy(out, hni_main_h_before(job, t + 1, row, &ignored), (size_t)n * size);
    memcpy(hni_at(job, out, n), hni_main_c_before(job, t + 1, row), (size_t)n * size);
    if (m == 0) return;
    memcpy(hni_at(job, out, 2 * n), hni_hyper_h_before(job, t + 1, row, &ignored), (size_t)m * size);
    memcpy(hni_at(job, out, 2 * n + m), hni_hyper_c_before(job, t + 1, row), (size_t)m * size);
}

/* A row past its end: what the products read must be numbers. */
static void rest_row(const hni_recurrence_job *job, int64_t t, int64_t row)
{
    const hni_recurrence *r = job->r;
    const size_t size = job->backend->size;
    memset(hni_at(job, r->outputs, (t * r->rows + row) * r->units), 0, (size_t)r->units * size);
    if (!hni_recurrence_is_hyper(r)) return;
    memset(hni_saved_row(job, job->saved.hyper_h, r->hyper_units, t, row), 0, (size_t)r->hyper_units * size);
}

static void step_rows(hni_recurrence_job *job, int64_t t, int64_t begin, int64_t end, void *scratch)
{
    const hni_recurrence *r = job->r;
    const bool hyper = hni_recurrence_is_hyper(r);
    for (int64_t row = begin; row < end;) {
        const int64_t rows = hni_block_rows(r, t, row, hyper ? end : row + 1);
        if (rows == 0) {
            rest_row(job, t, row++);
            continue;
        }
        if (hyper)
            hyper_steps(job, t, row, rows, scratch);
        else
            plain_step(job, t, row, scratch);
        for (const int64_t after = row + rows; row < after; row++)
            if (t == hni_row_steps(r, row) - 1) finish_row(job, t, row);
    }
}

static void forward_part(void *user, int64_t begin, int64_t end, int part)
{
    hni_recurrence_job *job = user;
    const hni_recurrence *r = job->r;
    void *scratch = hni_at(job, job->part_data, part * job->part_size), *rounded = hni_part_rounded(job, part);
    hni_part_products products;
    for (int64_t row = begin; row < end; row++)
        if (hni_row_steps(r, row) == 0) finish_row(job, -1, row);
    hni_part_products_open(job, end - begin, &products);
    for (int64_t t = 0; t < r->steps && hni_part_goes_on(job, part, t); t++) {
        recurrent_products(&products, t, begin, rounded);
        step_rows(job, t, begin, end, scratch);
    }
    hni_part_products_close(&products);
}

hn_status hni_recurrence_forward(const hni_recurrence_backend *backend, hni_exec *exec, const hni_recurrence *r)
{
    hni_recurrence_job job;
    const hn_status status = hni_recurrence_open(backend, exec, r, NULL, &job);
    if (status != HN_OK) return status;
    hni_parallel_for(job.parts, r->rows, 1, forward_part, &job);
    return hni_recurrence_close(&job);
}
