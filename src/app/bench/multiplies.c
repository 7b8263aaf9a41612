/* See multiplies.h. */
#include "app/bench/multiplies.h"

#include <math.h>
#include <string.h>

#define FAR_BEHIND 1.2             /* of a way, over the fastest: it is not measured again */
#define OPERANDS_MOST (64LL << 20) /* numbers in a product over all steps: more are timed on a part of the steps */

/* ---- which there are ---- */

typedef struct list {
    hni_bench_multiply *rows;
    size_t count;
} list;

static void add(list *rows, const char *matrix, const char *pass, const int64_t sizes[3], double count)
{
    if (rows->count < HNI_BENCH_MULTIPLIES_MOST)
        rows->rows[rows->count++] = (hni_bench_multiply){matrix, pass, sizes[0], sizes[1], sizes[2], count};
}

/* A matrix [in,out] that `times` products of `batch` rows go through; its gradient is one product over all rows. */
static void add_matrix(list *rows, const char *matrix, int64_t batch, int64_t in, int64_t out, int64_t times)
{
    add(rows, matrix, "forward", (const int64_t[]){batch, out, in}, (double)times);
    add(rows, matrix, "data", (const int64_t[]){batch, in, out}, (double)times);
    add(rows, matrix, "weights", (const int64_t[]){in, out, batch * times}, 1);
}

/* A dense input: known for all steps before the first, and without a gradient of its own. */
static void add_input(list *rows, const char *matrix, int64_t all_rows, int64_t in, int64_t out)
{
    add(rows, matrix, "forward", (const int64_t[]){all_rows, out, in}, 1);
    add(rows, matrix, "weights", (const int64_t[]){in, out, all_rows}, 1);
}

/* Twelve matrices [E,N], on the twelve embeddings of each of `batch` rows. */
static void add_scales(list *rows, const hni_bench_size *s)
{
    const double times = 12.0 * (double)s->length;
    add(rows, "W_z", "forward", (const int64_t[]){s->batch, s->units, s->embedding}, times);
    add(rows, "W_z", "data", (const int64_t[]){s->batch, s->embedding, s->units}, times);
    add(rows, "W_z", "weights", (const int64_t[]){s->embedding, s->units, s->batch * s->length}, 12);
}

size_t hni_bench_multiplies_list(const hni_bench_model *model, hni_bench_multiply *out_rows)
{
    const hni_bench_size *s = &model->size;
    const int64_t n = s->units, m = s->hyper_units, all_rows = s->batch * s->length;
    list rows = {out_rows, 0};
    add_matrix(&rows, "W_h", s->batch, n, 4 * n, s->length);
    if (s->dense) add_input(&rows, "W_x", all_rows, s->inputs, 4 * n);
    if (model->kind == HN_CELL_HYPERLSTM) {
        add_matrix(&rows, "hyper W_x, of h", s->batch, n, 4 * m, s->length);
        if (s->dense) add_input(&rows, "hyper W_x, of x", all_rows, s->inputs, 4 * m);
        add_matrix(&rows, "hyper W_h", s->batch, m, 4 * m, s->length);
        add_matrix(&rows, "embeddings", s->batch, m, 12 * s->embedding, s->length);
        if (s->embedding >= HNI_BENCH_EMBEDDING) add_scales(&rows, s);
    }
    add_matrix(&rows, "output", all_rows, n, s->outputs, 1);
    return rows.count;
}

double hni_bench_multiplies_operations(const hni_bench_multiply *rows, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += 2.0 * (double)rows[i].m * (double)rows[i].n * (double)rows[i].k * rows[i].count;
    return sum;
}

/* ---- timing ---- */

typedef struct way {
    hni_probe_kind kind;
    hni_probe_shape shape;
} way;

static bool is_of_weights(const hni_bench_multiply *row) { return strcmp(row->pass, "weights") == 0; }

/* sgemm with the second matrix as it is and turned, and packed; a weight's gradient as it is and turned. */
static void find_ways(const hni_bench_multiply *row, int64_t k, way out_ways[HNI_BENCH_WAYS], size_t *out_count)
{
    const hni_probe_shape plain = {.m = row->m, .n = row->n, .k = k};
    if (is_of_weights(row)) {
        out_ways[0] = (way){HNI_PROBE_SGEMM, {row->m, row->n, k, true, false}};
        out_ways[1] = (way){HNI_PROBE_SGEMM, {row->n, row->m, k, true, false}};
        *out_count = 2;
        return;
    }
    out_ways[0] = (way){HNI_PROBE_SGEMM, plain};
    out_ways[1] = (way){HNI_PROBE_SGEMM, {row->m, row->n, k, false, true}};
    out_ways[2] = (way){HNI_PROBE_PACKED_F32, plain};
    *out_count = 3;
}

/* How many of the k rows of a sum over all steps are timed: its three matrices must not crowd out the training step. */
static int64_t timed_k(const hni_bench_multiply *row)
{
    const int64_t most = OPERANDS_MOST / (row->m + row->n);
    return is_of_weights(row) && row->k > most ? most : row->k;
}

/* Runs one way `runs` times; seconds of the whole row. */
static hn_status time_way(const hni_bench_row *row, size_t way_index, double *out_seconds)
{
    const int64_t runs = row->runs[way_index];
    const double share = (double)row->multiply.k / (double)timed_k(&row->multiply);
    const double start = hni_bench_now();
    const hn_status status = hni_probe_run(row->ways[way_index], runs);
    *out_seconds = (hni_bench_now() - start) / (double)runs * row->multiply.count * share;
    return status;
}

/* A first, untimed run for whatever is done once; then as many as a measurement needs. */
static hn_status choose_runs(hni_bench_row *row, size_t way_index, double least, double *out_seconds)
{
    const double part = row->multiply.count * (double)row->multiply.k / (double)timed_k(&row->multiply);
    hn_status status;
    row->runs[way_index] = 1;
    HNI_TRY(time_way(row, way_index, out_seconds));
    HNI_TRY(time_way(row, way_index, out_seconds));
    const double runs = ceil(least / fmax(*out_seconds / part, 1e-7));
    row->runs[way_index] = runs > 1 ? (int64_t)runs : 1;
    HNI_TRY(time_way(row, way_index, out_seconds));
cleanup:
    return status;
}

/* Takes away the ways that were far behind; `seconds` of each. */
static void drop_ways(hni_bench_row *row, const double *seconds)
{
    double best = seconds[0];
    size_t kept = 0;
    for (size_t i = 1; i < row->way_count; i++)
        best = fmin(best, seconds[i]);
    for (size_t i = 0; i < row->way_count; i++) {
        if (seconds[i] > best * FAR_BEHIND) {
            hni_probe_destroy(row->ways[i]);
            continue;
        }
        row->ways[kept] = row->ways[i];
        row->runs[kept++] = row->runs[i];
    }
    for (size_t i = kept; i < row->way_count; i++)
        row->ways[i] = NULL;
    row->way_count = kept;
}

static hn_status open_row(hn_context *context, double least, hni_bench_row *row)
{
    way ways[HNI_BENCH_WAYS];
    double seconds[HNI_BENCH_WAYS] = {0};
    size_t count = 0;
    hn_status status = HN_OK;
    find_ways(&row->multiply, timed_k(&row->multiply), ways, &count);
    for (size_t i = 0; i < count; i++) {
        const int threads = hn_context_threads(context);
        HNI_TRY(hni_probe_create(context, ways[i].kind, &ways[i].shape, threads, &row->ways[i]));
        row->way_count = i + 1;
        HNI_TRY(choose_runs(row, i, least, &seconds[i]));
    }
    drop_ways(row, seconds);
cleanup:
    return status;
}

hn_status hni_bench_multiplies_open(hn_context *context, const hni_bench_model *model, double least,
                                    hni_bench_multiplies *out_multiplies)
{
    hni_bench_multiply rows[HNI_BENCH_MULTIPLIES_MOST];
    hn_status status = HN_OK;
    *out_multiplies = (hni_bench_multiplies){.count = hni_bench_multiplies_list(model, rows)};
    for (size_t i = 0; i < out_multiplies->count; i++) {
        out_multiplies->rows[i].multiply = rows[i];
        HNI_TRY(open_row(context, least, &out_multiplies->rows[i]));
    }
cleanup:
    if (status != HN_OK) hni_bench_multiplies_close(out_multiplies);
    return status;
}

hn_status hni_bench_multiplies_run(hni_bench_multiplies *multiplies)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < multiplies->count; i++) {
        hni_bench_row *row = &multiplies->rows[i];
        for (size_t k = 0; k < row->way_count; k++) {
            double seconds = 0;
            HNI_TRY(time_way(row, k, &seconds));
            hni_bench_times_add(&row->times[k], seconds);
        }
    }
cleanup:
    return status;
}

void hni_bench_multiplies_close(hni_bench_multiplies *multiplies)
{
    for (size_t i = 0; i < multiplies->count; i++) {
        for (size_t k = 0; k < HNI_BENCH_WAYS; k++)
            hni_probe_destroy(multiplies->rows[i].ways[k]);
    }
    multiplies->count = 0;
}

double hni_bench_row_seconds(const hni_bench_row *row)
{
    double best = (double)NAN;
    for (size_t k = 0; k < row->way_count; k++)
        best = fmin(best, hni_bench_spread_of(&row->times[k]).median); /* fmin passes over NaN */
    return best;
}

double hni_bench_multiplies_seconds(const hni_bench_multiplies *multiplies)
{
    double sum = multiplies->count > 0 ? 0 : (double)NAN;
    for (size_t i = 0; i < multiplies->count; i++)
        sum += hni_bench_row_seconds(&multiplies->rows[i]);
    return sum;
}
