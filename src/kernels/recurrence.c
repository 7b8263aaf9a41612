/* What forward and backward of the recurrences share: layouts, scratch memory, one row's inputs and masks. */
#include "kernels/recurrence_work.h"

#include "core/parallel.h"
#include "kernels/check.h"

enum { LEAST_ROWS = 4 }; /* of a part: fewer would read all weights for little work */

/* ---- layouts ---- */

hni_recurrence_layout hni_recurrence_layout_of(const hni_recurrence *r)
{
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding;
    const bool hyper = m > 0;
    hni_recurrence_layout l = {.depth = r->keep ? r->steps : 2};
    l.z_size = hyper ? 8 * e + 4 * (e + 1) : 0;
    l.stats_size = (hyper ? 2 : 1) * HNI_CELL_STATS;
    const int64_t slab = l.depth * r->rows;
    l.hyper_gates = l.gates + slab * 4 * n;
    l.c = l.hyper_gates + slab * 4 * m;
    l.hyper_h = l.c + slab * n;
    l.hyper_c = l.hyper_h + slab * m;
    l.z = l.hyper_c + slab * m;
    l.stats = l.z + slab * l.z_size;
    l.total = l.stats + slab * l.stats_size;
    return l;
}

hni_prepared_layout hni_prepared_layout_of(const hni_recurrence *r)
{
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding;
    const bool hyper = m > 0;
    hni_prepared_layout l = {.scale = 0, .shift = hyper ? 8 * e * n : 0};
    l.weight_h = l.shift + (hyper ? 4 * (e + 1) * n : 0);
    l.weight_main = l.weight_h + 4 * n * n;
    l.weight_self = l.weight_main + 4 * m * n;
    l.embed = l.weight_self + 4 * m * m;
    l.total = l.embed + (hyper ? m * (8 * e + 4 * (e + 1)) : 0);
    return l;
}

static hni_private_layout private_layout(const hni_recurrence *r)
{
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding, k = m > 0 ? 8 * e + 4 * (e + 1) : 0;
    hni_private_layout l = {.main_cell = 0, .hyper_cell = 10 * n};
    l.main_bias = l.hyper_cell + 10 * m;
    l.hyper_bias = l.main_bias + 4 * n;
    l.embed_bias = l.hyper_bias + 4 * m;
    l.scale = l.embed_bias + k;
    l.shift = l.scale + (m > 0 ? 8 * e * n : 0);
    l.main_table = l.shift + (m > 0 ? 4 * (e + 1) * n : 0);
    l.hyper_table = l.main_table + r->symbols_size * 4 * n;
    l.total = l.hyper_table + r->symbols_size * 4 * m;
    return l;
}

int64_t hni_recurrence_saved(const hni_recurrence *r) { return hni_recurrence_layout_of(r).total; }
int64_t hni_recurrence_prepared(const hni_recurrence *r) { return hni_prepared_layout_of(r).total; }

/* Scratch of a part: one row of both cells, and in the backward a block of rows with y, d_h, d_x and a gradient. */
static int64_t part_numbers(const hni_recurrence *r, bool backward)
{
    const int64_t n = r->units, widest = r->hyper_units > n ? r->hyper_units : n;
    const int64_t vectors = !hni_recurrence_is_hyper(r) ? 0 : backward ? HNI_ROW_BLOCK * (4 * n * 3 + n) : 6 * n;
    const int64_t numbers = HNI_ROW_SCRATCH * widest + vectors;
    return (numbers + 31) / 32 * 32; /* parts do not share a cache line */
}

/* ---- preparation ---- */

typedef struct prepare_job {
    const hni_recurrence_backend *backend;
    const hni_recurrence *r;
    bool vectors_only; /* all that the backward reads */
    char *out;
} prepare_job;

/* Rows [begin, end) of weight [rows, columns] into columns of out [columns, rows]. */
static void turn(const prepare_job *job, const void *weight, int64_t ld, int64_t rows, int64_t columns, int64_t out,
                 int64_t part, int64_t parts)
{
    const int64_t size = (int64_t)job->backend->size;
    int64_t begin, end;
    hni_parallel_part(columns, (int)parts, (int)part, &begin, &end);
    if (begin == end) return;
    job->backend->rows->transpose(rows, end - begin, (const char *)weight + begin * size, ld,
                                  job->out + (out + begin * rows) * size, rows);
}

/* [count,N,e] -> [count,e,N] */
static void turn_vectors(const prepare_job *job, const void *weight, int64_t count, int64_t e, int64_t out)
{
    const int64_t size = (int64_t)job->backend->size, block = job->r->units * e;
    for (int64_t i = 0; i < count; i++)
        job->backend->rows->transpose(job->r->units, e, (const char *)weight + i * block * size, e,
                                      job->out + (out + i * block) * size, job->r->units);
}

enum { PREPARE_PARTS = 32 };

static void prepare_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const prepare_job *job = user;
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding;
    const hni_prepared_layout l = hni_prepared_layout_of(r);
    for (int64_t i = begin; i < end; i++) {
        if (m > 0 && i == 0) turn_vectors(job, r->makers.scale_weight, 8, e, l.scale);
        if (m > 0 && i == 1) turn_vectors(job, r->makers.shift_weight, 4, e + 1, l.shift);
        if (job->vectors_only) continue;
        turn(job, r->main.weight_h, r->main.weight_h_ld, 4 * n, n, l.weight_h, i, PREPARE_PARTS);
        if (m == 0) continue;
        turn(job, r->makers.weight_main, r->makers.weight_main_ld, 4 * m, n, l.weight_main, i, PREPARE_PARTS);
        turn(job, r->hyper.weight_h, r->hyper.weight_h_ld, 4 * m, m, l.weight_self, i, PREPARE_PARTS);
        turn(job, r->makers.embed_weight, m, 8 * e + 4 * (e + 1), m, l.embed, i, PREPARE_PARTS);
    }
}

static void prepare(const hni_recurrence_backend *backend, int threads, const hni_recurrence *r, bool vectors_only,
                    void *out_prepared)
{
    prepare_job job = {.backend = backend, .r = r, .vectors_only = vectors_only, .out = out_prepared};
    hni_parallel_for(threads, PREPARE_PARTS, 1, prepare_part, &job);
}

void hni_recurrence_prepare(const hni_recurrence_backend *backend, int threads, const hni_recurrence *r,
                            void *out_prepared)
{
    prepare(backend, threads, r, false, out_prepared);
}

/* ---- scratch memory ---- */

static hn_status take(hni_exec *exec, size_t size, int64_t numbers, char **out)
{
    void *memory = NULL;
    *out = NULL;
    if (numbers == 0) return HN_OK;
    const hn_status status = hni_arena_take(exec->scratch, (size_t)numbers * size, &memory);
    *out = memory;
    return status;
}

static hn_status take_all(hni_exec *exec, size_t size, const hni_recurrence *r, bool backward, hni_recurrence_job *job,
                          char **out_prepared)
{
    hn_status status;
    *out_prepared = NULL;
    HNI_TRY(take(exec, size, job->parts * job->part_size, &job->part_data));
    const int64_t prepared = backward ? job->prepared.weight_h : job->prepared.total; /* vectors come first */
    if (r->prepared == NULL) HNI_TRY(take(exec, size, prepared, out_prepared));
    if (!backward) goto cleanup;
    HNI_TRY(take(exec, size, job->parts * job->own.total, &job->own_data));
    HNI_TRY(take(exec, size, r->rows * r->units, &job->dh));
    HNI_TRY(take(exec, size, r->rows * r->units, &job->dc));
    HNI_TRY(take(exec, size, r->rows * r->hyper_units, &job->hyper_dh));
    HNI_TRY(take(exec, size, r->rows * r->hyper_units, &job->hyper_dc));
cleanup:
    return status;
}

static void measure(hni_exec *exec, const hni_recurrence *r, bool backward, hni_recurrence_job *job)
{
    const int64_t most = r->rows / LEAST_ROWS;
    job->parts = most < 1 ? 1 : most < exec->threads ? (int)most : exec->threads;
    job->saved = hni_recurrence_layout_of(r);
    job->prepared = hni_prepared_layout_of(r);
    job->own = private_layout(r);
    job->part_size = part_numbers(r, backward);
}

hn_status hni_recurrence_scratch(hni_exec *exec, size_t size, const hni_recurrence *r, const hni_recurrence_vjp *vjp)
{
    hni_recurrence_job job = {.exec = exec};
    char *prepared;
    measure(exec, r, vjp != NULL, &job);
    return take_all(exec, size, r, vjp != NULL, &job, &prepared);
}

/* Symbols and lengths are addresses: all that could reach outside is refused here. */
static hn_status check(hni_exec *exec, const hni_recurrence *r)
{
    hn_status status = HN_OK;
    if (r->symbols_size > 0) {
        const hni_view symbols =
            hni_view_of((void *)(uintptr_t)r->symbols, HN_DTYPE_I32, HN_SHAPE1(r->rows * r->steps));
        status = hni_check_indices(exec->context, "sequence", "symbols", &symbols, r->symbols_size);
    }
    if (status == HN_OK && r->lengths != NULL) {
        const hni_view lengths = hni_view_of((void *)(uintptr_t)r->lengths, HN_DTYPE_I32, HN_SHAPE1(r->rows));
        status = hni_check_lengths(exec->context, "sequence", &lengths, r->steps);
    }
    return status;
}

hn_status hni_recurrence_open(const hni_recurrence_backend *backend, hni_exec *exec, const hni_recurrence *r,
                              const hni_recurrence_vjp *vjp, hni_recurrence_job *out_job)
{
    char *prepared = NULL;
    hn_status status = check(exec, r);
    if (status != HN_OK) return status;
    *out_job = (hni_recurrence_job){.backend = backend, .exec = exec, .r = r, .vjp = vjp, .status = HN_OK};
    measure(exec, r, vjp != NULL, out_job);
    status = take_all(exec, backend->size, r, vjp != NULL, out_job, &prepared);
    if (status != HN_OK) return status;
    if (prepared != NULL) prepare(backend, exec->threads, r, vjp != NULL, prepared);
    out_job->prepared_data = prepared != NULL ? prepared : r->prepared;
    return HN_OK;
}

/* ---- a part of the batch ---- */

void hni_part_failed(hni_recurrence_job *job, hn_status status)
{
    int expected = HN_OK;
    if (status != HN_OK) (void)atomic_compare_exchange_strong(&job->status, &expected, (int)status);
}

bool hni_part_goes_on(hni_recurrence_job *job, int part, int64_t done)
{
    /* The callback belongs to the caller's thread, which runs part 0. */
    const char *what = job->vjp != NULL ? "backward" : "sequence";
    if (part == 0) hni_part_failed(job, hni_go_on(job->exec->context, what, done, job->r->steps));
    return job->status == HN_OK;
}

hn_status hni_recurrence_close(const hni_recurrence_job *job)
{
    const hn_status status = (hn_status)job->status;
    if (status == HN_OK || status == HN_ERROR_CANCELLED) return status; /* the latter has its message */
    return hni_error(job->exec->context, status, "sequence: a product of one of its steps failed (%s)",
                     status == HN_ERROR_MEMORY ? "no memory" : "refused");
}

void hni_part_product(hni_recurrence_job *job, int64_t rows, int64_t n, int64_t k, const void *a, int64_t lda,
                      const void *b, int64_t ldb, double beta, void *c, int64_t ldc)
{
    const hni_gemm gemm = {.m = rows,
                           .n = n,
                           .k = k,
                           .a = a,
                           .b = b,
                           .c = c,
                           .lda = lda,
                           .ldb = ldb,
                           .ldc = ldc,
                           .alpha = 1,
                           .beta = beta,
                           .batch = 1};
    hni_part_failed(job, job->backend->gemm_alone(&gemm));
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

const void *hni_input_row(const hni_recurrence_job *job, const hni_recurrent_weights *cell, int64_t n, int64_t t,
                          int64_t row, double *out_scale)
{
    const hni_recurrence *r = job->r;
    const int64_t place = row * r->steps + t;
    *out_scale = r->scale != NULL ? job->backend->number(r->scale, place) : 1;
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
    out->y = hni_saved_row(job, job->saved.hyper_gates, 4 * m, t, row);
}

/* ---- y of the main cell with made vectors ---- */

void hni_main_gate(const hni_recurrence_job *job, int64_t t, int64_t row, int gate, void *d_h, void *d_x, void *y,
                   void *scratch)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, e = r->embedding, of_x = (4 + gate) * e, of_b = gate * (e + 1);
    const void *z = hni_saved_row(job, job->saved.z, job->saved.z_size, t, row);
    double scale;
    const void *x = hni_input_row(job, &r->main, n, t, row, &scale);
    const hni_main_gate_row one = {
        .n = n,
        .embedding = e,
        .z_h = hni_at(job, z, gate * e),
        .z_x = hni_at(job, z, of_x),
        .z_b = hni_at(job, z, 8 * e + of_b),
        .vectors_h = hni_at(job, job->prepared_data, job->prepared.scale + gate * e * n),
        .vectors_x = hni_at(job, job->prepared_data, job->prepared.scale + of_x * n),
        .vectors_b = hni_at(job, job->prepared_data, job->prepared.shift + of_b * n),
        .product = hni_at(job, hni_saved_row(job, job->saved.gates, 4 * n, t, row), gate * n),
        .x = hni_at(job, x, gate * n),
        .scale = scale,
        .d_h = d_h,
        .d_x = d_x,
        .y = y,
        .scratch = scratch,
    };
    job->backend->rows->main_gate(&one);
}
