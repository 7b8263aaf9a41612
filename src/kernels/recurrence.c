/* What forward and backward of the recurrences share: layouts, scratch memory, one row's inputs and masks. */
#include "kernels/recurrence_work.h"

#include "core/size.h"
#include "kernels/check.h"

#include <assert.h>

enum {
    LEAST_ROWS = 4, /* of a part: fewer would read all weights for little work */
    GAP = 16        /* numbers; see gates_ld */
};

/* ---- layouts ---- */

/* Distance of rows of `width` gates. The gradient of a matrix reads them column by column: at a multiple of 256 numbers a column's lines
 * fall on few places of the cache, and the product takes three times as long. */
static int64_t gates_ld(int64_t width) { return width > 0 && width % 256 == 0 ? width + GAP : width; }

hni_recurrence_layout hni_recurrence_layout_of(const hni_recurrence *r)
{
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding;
    const bool hyper = m > 0;
    hni_recurrence_layout l = {.depth = r->keep ? r->steps : 2};
    l.z_size = hyper ? hni_embedding_numbers(e) : 0;
    l.stats_size = (hyper ? 2 : 1) * (int64_t)HNI_CELL_STATS;
    const int64_t slab = l.depth * r->rows;
    l.gates_ld = gates_ld(4 * n);
    l.hyper_gates_ld = gates_ld(4 * m);
    l.hyper_gates = l.gates + slab * l.gates_ld;
    l.c = l.hyper_gates + slab * l.hyper_gates_ld;
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
    l.embed = l.shift + (hyper ? 4 * (e + 1) * n : 0);
    l.total = l.embed + (hyper ? m * hni_embedding_numbers(e) : 0);
    return l;
}

static hni_private_layout private_layout(const hni_recurrence *r)
{
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding, k = m > 0 ? hni_embedding_numbers(e) : 0;
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

bool hni_recurrence_saved(const hni_recurrence *r, int64_t *out_numbers)
{
    /* A row of one step is small; a layout whose largest possible total can be counted has no sum that cannot. */
    const int64_t k = hni_embedding_numbers(r->embedding);
    const int64_t row = 5 * r->units + 6 * r->hyper_units + k + 2 * (int64_t)(HNI_CELL_STATS + GAP);
    int64_t rows, most;
    if (!hni_i64_mul(r->rows, r->steps > 2 ? r->steps : 2, &rows) || !hni_i64_mul(rows, row, &most)) return false;
    *out_numbers = hni_recurrence_layout_of(r).total;
    return true;
}

/* Scratch of a part: one row of both cells, and a block of rows: y [4N], d_h and d_x [N]; backward: y, d_h, d_x [4N] and a gradient [N]. */
static int64_t part_numbers(const hni_recurrence *r, bool backward)
{
    const int64_t n = r->units, widest = hni_recurrence_widest(r);
    const int64_t of_row = !hni_recurrence_is_hyper(r) ? 0 : backward ? 13 * n : 6 * n;
    const int64_t vectors = HNI_ROW_BLOCK * of_row;
    const int64_t numbers = HNI_ROW_SCRATCH * widest + vectors;
    return (numbers + 31) / 32 * 32; /* parts do not share a cache line */
}

/* ---- preparation ---- */

/* [count,N,e] -> [count,e,N] */
static void turn_vectors(const hni_recurrence_backend *backend, int64_t count, int64_t n, int64_t e, const void *weight,
                         char *out)
{
    const int64_t block = n * e * (int64_t)backend->size;
    for (int64_t i = 0; i < count; i++)
        backend->rows->transpose(n, e, (const char *)weight + i * block, e, out + i * block, n);
}

/* Small beside the recurrent matrices: not shared out. */
static void prepare(const hni_recurrence_backend *backend, const hni_recurrence *r, char *out)
{
    const hni_prepared_layout l = hni_prepared_layout_of(r);
    const int64_t n = r->units, m = r->hyper_units, e = r->embedding, k = hni_embedding_numbers(e);
    const int64_t size = (int64_t)backend->size;
    turn_vectors(backend, 8, n, e, r->makers.scale_weight, out + l.scale * size);
    turn_vectors(backend, 4, n, e + 1, r->makers.shift_weight, out + l.shift * size);
    backend->rows->transpose(k, m, r->makers.embed_weight, m, out + l.embed * size, k);
}

/* ---- scratch memory ---- */

size_t hni_recurrence_packed_most(bool narrow, size_t size, int64_t k, int64_t n)
{
    const int64_t tile = HNI_PACKED_TILE, columns = (n + tile - 1) / tile * tile;
    if (!narrow) return (size_t)(k * columns) * size;
    return HNI_PACKED_HEAD + (size_t)((k + tile - 1) / tile * tile * columns) * sizeof(uint16_t);
}

/* `count` blocks of `numbers`. */
static hn_status take(hni_exec *exec, size_t size, int64_t count, int64_t numbers, char **out)
{
    void *memory = NULL;
    size_t bytes;
    *out = NULL;
    if (count == 0 || numbers == 0) return HN_OK;
    if (!hni_size_mul((size_t)count, (size_t)numbers, &bytes) || !hni_size_mul(bytes, size, &bytes))
        return hni_error(exec->context, HN_ERROR_MEMORY, "sequence: its working memory is more than can be counted");
    const hn_status status = hni_arena_take(exec->scratch, bytes, &memory);
    *out = memory;
    return status;
}

static int64_t part_rows(const hni_recurrence_job *job) { return (job->r->rows + job->parts - 1) / job->parts; }

static bool is_narrow(const hni_recurrence_job *job) { return job->exec->precision != HN_PRECISION_F32; }

/* Weight [out,in] in the direction of the call: the forward multiplies by its transpose. */
static hni_product_matrix directed(bool forward, int64_t out, int64_t in, const void *weight, int64_t ld)
{
    if (forward) return (hni_product_matrix){.k = in, .n = out, .data = weight, .row = 1, .column = ld};
    return (hni_product_matrix){.k = out, .n = in, .data = weight, .row = ld, .column = 1};
}

static void choose_matrices(hni_recurrence_job *job)
{
    const hni_recurrence *r = job->r;
    const int64_t n = r->units, m = r->hyper_units;
    const bool forward = job->vjp == NULL, gaps = forward && !is_narrow(job);
    hni_recurrent_matrix *h = &job->matrix[HNI_WEIGHT_H], *main = &job->matrix[HNI_WEIGHT_MAIN],
                         *self = &job->matrix[HNI_WEIGHT_SELF];
    h->b = directed(forward, 4 * n, n, r->main.weight_h, r->main.weight_h_ld);
    main->b = directed(forward, 4 * m, n, r->makers.weight_main, r->makers.weight_main_ld);
    self->b = directed(forward, 4 * m, m, r->hyper.weight_h, r->hyper.weight_h_ld);
    h->ldc = gaps ? job->saved.gates_ld : h->b.n;
    main->ldc = gaps ? job->saved.hyper_gates_ld : main->b.n;
    self->ldc = gaps ? job->saved.hyper_gates_ld : self->b.n;
    h->beta = main->beta = forward ? 0 : 1; /* the backward adds to what goes on by other ways */
    self->beta = 1;
    job->matrices = m > 0 ? HNI_MATRICES : 1;
}

/* Memory for the packed matrices. */
static hn_status take_matrices(hni_recurrence_job *job, size_t size)
{
    hn_status status = HN_OK;
    choose_matrices(job);
    for (int i = 0; i < job->matrices; i++) {
        hni_recurrent_matrix *matrix = &job->matrix[i];
        const size_t most = hni_recurrence_packed_most(is_narrow(job), size, matrix->b.k, matrix->b.n);
        HNI_TRY(hni_arena_take(job->exec->scratch, most, &matrix->packed));
    }
cleanup:
    return status;
}

static hn_status take_all(hni_recurrence_job *job, size_t size, char **out_prepared)
{
    const hni_recurrence *r = job->r;
    hni_exec *exec = job->exec;
    char *narrow_gates = NULL, *narrow_hyper = NULL;
    hn_status status;
    *out_prepared = NULL;
    HNI_TRY(take(exec, size, job->parts, job->part_size, &job->part_data));
    HNI_TRY(take(exec, size, 1, job->prepared.total, out_prepared));
    HNI_TRY(take_matrices(job, size));
    if (job->vjp == NULL) goto cleanup;
    HNI_TRY(take(exec, size, job->parts, job->own.total, &job->own_data));
    HNI_TRY(take(exec, size, r->rows, r->units, &job->dh));
    HNI_TRY(take(exec, size, r->rows, r->units, &job->dc));
    HNI_TRY(take(exec, size, r->rows, r->hyper_units, &job->hyper_dh));
    HNI_TRY(take(exec, size, r->rows, r->hyper_units, &job->hyper_dc));
    if (!is_narrow(job)) goto cleanup;
    HNI_TRY(take(exec, sizeof(uint16_t), r->steps * r->rows, 4 * r->units, &narrow_gates));
    HNI_TRY(take(exec, sizeof(uint16_t), r->steps * r->rows, 4 * r->hyper_units, &narrow_hyper));
    job->narrow_gates = (uint16_t *)(void *)narrow_gates;
    job->narrow_hyper = (uint16_t *)(void *)narrow_hyper;
cleanup:
    return status;
}

/* Numbers of one part's scratch: its rows' work, and in the forward its state rounded for narrow products. */
static int64_t part_numbers_of(const hni_recurrence_job *job)
{
    const hni_recurrence *r = job->r;
    const int64_t widest = hni_recurrence_widest(r);
    const int64_t rounded = is_narrow(job) && job->vjp == NULL ? part_rows(job) * widest : 0;
    return part_numbers(r, job->vjp != NULL) + (rounded + 31) / 32 * 32;
}

void *hni_part_rounded(const hni_recurrence_job *job, int part)
{
    return hni_at(job, job->part_data, part * job->part_size + part_numbers(job->r, job->vjp != NULL));
}

static void measure(hni_recurrence_job *job)
{
    const hni_recurrence *r = job->r;
    const int64_t most = r->rows / LEAST_ROWS;
    job->parts = most < 1 ? 1 : most < job->exec->threads ? (int)most : job->exec->threads;
    job->saved = hni_recurrence_layout_of(r);
    job->prepared = hni_prepared_layout_of(r);
    job->own = private_layout(r);
    job->part_size = part_numbers_of(job);
}

hn_status hni_recurrence_scratch(hni_exec *exec, size_t size, const hni_recurrence *r, const hni_recurrence_vjp *vjp)
{
    hni_recurrence_job job = {.exec = exec, .r = r, .vjp = vjp};
    char *prepared;
    measure(&job);
    return take_all(&job, size, &prepared);
}

static hn_status pack_matrices(hni_recurrence_job *job)
{
    hn_status status = HN_OK;
    for (int i = 0; i < job->matrices; i++)
        HNI_TRY(job->backend->products->pack(job->exec->threads, &job->matrix[i].b, job->matrix[i].packed));
cleanup:
    if (status == HN_OK) return HN_OK;
    return hni_error(job->exec->context, status, "sequence: a matrix could not be packed for its products");
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
    measure(out_job);
    status = take_all(out_job, backend->size, &prepared);
    if (status != HN_OK) return status;
    if (prepared != NULL) prepare(backend, r, prepared);
    assert(backend->products->narrow == is_narrow(out_job)); /* memory was taken by the one, is filled by the other */
    out_job->prepared_data = prepared;
    return pack_matrices(out_job);
}

hn_status hni_recurrence_close(const hni_recurrence_job *job)
{
    const hn_status status = (hn_status)job->status;
    if (status == HN_OK || status == HN_ERROR_CANCELLED) return status; /* the latter has its message */
    return hni_error(job->exec->context, status, "sequence: a product of one of its steps failed (%s)",
                     status == HN_ERROR_MEMORY ? "no memory" : "refused");
}
