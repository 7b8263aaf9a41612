/* Text written by the model: each symbol is drawn from softmax(logits / temperature) and read again. The weight change of
 * figure 4 is seen while a symbol is read: || (d_h,t - d_h,t-1) * row norms of W_h ||_2 for each gate. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/tasks/text.h"
#include "app/tasks/utf8_writer.h"
#include "core/alloc.h"
#include "core/rng.h"

typedef struct sampler {
    hni_task_work *work;
    const hni_sample_options *options;
    hn_stream *stream;
    float *logits;         /* [V] */
    double *probabilities; /* [V] */
    float *row_norms;      /* [4,N] of W_h; NULL without heat */
    float *previous;       /* [4,N] d_h before the last symbol */
    hni_rng_key key;
    hni_utf8_writer out;
} sampler;

/* ---- symbols ---- */

/* The row of the symbol that the text begins with. In Penn Treebank text a space is written as '_'. */
static int64_t row_of(const hni_task_work *work, const char *text, size_t *out_used)
{
    const int64_t row = hn_vocabulary_find(work->vocabulary, text, strlen(text), out_used);
    size_t used;
    if (row >= 0 || text[0] != ' ' || work->data.kind != HNI_TEXT_KIND_PENN_TREEBANK) return row;
    return hn_vocabulary_find(work->vocabulary, "_", 1, &used);
}

static hn_status read_symbol(sampler *run, int64_t row)
{
    const int32_t symbol = (int32_t)row;
    return hn_stream_step(run->stream, &symbol, run->logits);
}

static hn_status refuse_prime(const hni_task_work *work, const char *prime, size_t at, size_t size)
{
    char shown[HNI_SYMBOL_PRINT_SIZE];
    (void)hni_symbol_print(prime + at, size, shown, sizeof shown);
    if (size == 0) {
        return hni_error(work->context, HN_ERROR_ARGUMENT,
                         "prime: %s at position %zu begins no UTF-8 character: the model reads characters", shown,
                         at + 1);
    }
    return hni_error(
        work->context, HN_ERROR_ARGUMENT,
        "prime: %s at position %zu is not among the %lld symbols of the text that the model was trained on", shown,
        at + 1, (long long)hn_vocabulary_count(work->vocabulary));
}

/* Reads the prime, led by a line end where there is none: some symbol has to come first. */
static hn_status read_prime(sampler *run)
{
    const hni_task_work *work = run->work;
    const char *prime = run->options->prime;
    size_t used;
    if (prime == NULL || prime[0] == 0) {
        const int64_t row = row_of(work, "\n", &used);
        return read_symbol(run, row >= 0 ? row : 0);
    }
    hn_status status = HN_OK;
    for (size_t at = 0; status == HN_OK && prime[at] != 0; at += used) {
        const int64_t row = row_of(work, prime + at, &used);
        if (row < 0) return refuse_prime(work, prime, at, used);
        status = read_symbol(run, row);
    }
    return status;
}

static int most_probable(const float *logits, int count)
{
    int best = 0;
    for (int row = 1; row < count; row++)
        if (logits[row] > logits[best]) best = row;
    return best;
}

/* Draws from the rows that stand for a symbol. */
static hn_status draw_symbol(sampler *run, int64_t index, int *out_row)
{
    const int count = (int)hn_vocabulary_count(run->work->vocabulary), best = most_probable(run->logits, count);
    const double temperature = run->options->temperature;
    double sum = 0;
    *out_row = best;
    if (!isfinite(run->logits[best])) {
        return hni_error(run->work->context, HN_ERROR_NONFINITE,
                         "sampling: the model's output is not a number: its weights are damaged");
    }
    if (temperature == 0) return HN_OK;
    for (int row = 0; row < count; row++) {
        run->probabilities[row] = exp(((double)run->logits[row] - (double)run->logits[best]) / temperature);
        sum += run->probabilities[row];
    }
    double left = hni_rng_uniform(&run->key, (uint64_t)index) * sum;
    for (int row = 0; row < count; row++) {
        left -= run->probabilities[row];
        if (left < 0) {
            *out_row = row;
            return HN_OK;
        }
    }
    return HN_OK; /* rounding left a crumb: the most probable one */
}

/* ---- weight change ---- */

static hn_status read_row_norms(sampler *run)
{
    const hni_task_work *work = run->work;
    const hn_store *store = hn_weights_store(work->weights);
    const int64_t units = work->model.cell.units;
    void *memory = NULL;
    char name[64];
    hn_status status;
    snprintf(name, sizeof name, "layers.%d.weight_h", run->options->heat_layer);
    HNI_TRY(hni_alloc_array(work->context, "weight change", (size_t)(4 * units * units), sizeof(float), &memory));
    HNI_TRY(hn_store_read(store, hn_store_find(store, name), HN_DTYPE_F32, 4 * units * units, memory));
    for (int64_t row = 0; row < 4 * units; row++) {
        const float *weights = (const float *)memory + row * units;
        double sum = 0;
        for (int64_t i = 0; i < units; i++)
            sum += (double)weights[i] * (double)weights[i];
        run->row_norms[row] = (float)sqrt(sum);
    }
cleanup:
    hni_free(work->context, memory);
    return status;
}

static hn_status prepare_heat(sampler *run)
{
    const hni_task_work *work = run->work;
    const size_t count = (size_t)(4 * work->model.cell.units);
    void *memory = NULL;
    hn_status status;
    if (run->options->heat == NULL) return HN_OK;
    if (work->model.cell.kind != HN_CELL_HYPERLSTM) {
        return hni_error(
            work->context, HN_ERROR_ARGUMENT,
            "heat: the weights of this model do not change (model.cell is lstm): take a run with model.cell hyperlstm");
    }
    if (run->options->heat_layer < 0 || run->options->heat_layer >= work->model.layers) {
        return hni_error(work->context, HN_ERROR_ARGUMENT, "heat: layer %d of %d (they count from 0)",
                         run->options->heat_layer, work->model.layers);
    }
    HNI_TRY(hn_stream_observe(run->stream, run->options->heat_layer));
    HNI_TRY(hni_alloc_array(work->context, "weight change", 2 * count, sizeof(float), &memory));
    run->row_norms = memory;
    run->previous = run->row_norms + count;
    HNI_TRY(read_row_norms(run));
cleanup:
    return status;
}

/* Keeps d_h of the step just done, after having reported its change for each of the `size` bytes of a symbol of the sample (0: of the
 * prime). */
static hn_status follow_weights(sampler *run, const char *bytes, size_t size)
{
    const int64_t units = run->work->model.cell.units;
    hn_stream_observation seen;
    float change[4];
    if (run->options->heat == NULL) return HN_OK;
    const hn_status status = hn_stream_observation_read(run->stream, &seen);
    if (status != HN_OK) return status;
    for (int gate = 0; gate < 4; gate++) {
        double sum = 0;
        for (int64_t i = gate * units; i < (gate + 1) * units; i++) {
            const double moved = ((double)seen.d_h[i] - (double)run->previous[i]) * (double)run->row_norms[i];
            sum += moved * moved;
        }
        change[gate] = (float)sqrt(sum);
    }
    memcpy(run->previous, seen.d_h, (size_t)(4 * units) * sizeof(float));
    for (size_t i = 0; i < size; i++)
        run->options->heat(run->options->user, (uint8_t)bytes[i], change);
    return HN_OK;
}

/* ---- the whole ---- */

static hn_status check(const hni_task_work *work, const hni_sample_options *options)
{
    if (work->weights == NULL || work->vocabulary == NULL) {
        return hni_error(work->context, HN_ERROR_STATE, "sampling: needs a bound model and its symbols");
    }
    if (options->length >= 0 && options->temperature >= 0 && options->temperature <= 1e6) return HN_OK;
    return hni_error(work->context, HN_ERROR_ARGUMENT,
                     "sampling: length %lld and temperature %g must not be negative or absurd",
                     (long long)options->length, options->temperature);
}

static hn_status create(sampler *run)
{
    hni_task_work *work = run->work;
    const size_t size = (size_t)work->model.vocabulary_size;
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hn_stream_create(hn_weights_store(work->weights), &work->model, 1, &run->stream));
    HNI_TRY(hni_alloc_array(work->context, "sample", size, sizeof(double), &memory));
    run->probabilities = memory;
    HNI_TRY(hni_alloc_array(work->context, "sample", size, sizeof(float), &memory));
    run->logits = memory;
    HNI_TRY(prepare_heat(run));
cleanup:
    return status;
}

static hn_status write_symbols(sampler *run)
{
    const hni_sample_options *options = run->options;
    hn_status status = HN_OK;
    for (int64_t i = 0; i < options->length && !run->out.stopped; i++) {
        int row;
        size_t size;
        HNI_TRY(draw_symbol(run, i, &row));
        const char *bytes = hn_vocabulary_symbol(run->work->vocabulary, row, &size);
        for (size_t k = 0; options->write != NULL && k < size; k++)
            hni_utf8_writer_put(&run->out, (uint8_t)bytes[k]);
        if (i + 1 == options->length && options->heat == NULL) break; /* nobody asks what comes after the last */
        HNI_TRY(read_symbol(run, row));
        HNI_TRY(follow_weights(run, bytes, size));
    }
    if (options->write != NULL) hni_utf8_writer_end(&run->out);
cleanup:
    return status;
}

hn_status hni_text_sample(hni_task_work *work, const hni_sample_options *options)
{
    sampler run = {
        .work = work,
        .options = options,
        .key = {.seed = options->seed, .site = hni_rng_site("sample")},
        .out = {.write = options->write, .user = options->user},
    };
    hn_status status;
    HNI_TRY(check(work, options));
    HNI_TRY(create(&run));
    HNI_TRY(read_prime(&run));
    HNI_TRY(follow_weights(&run, NULL, 0));
    HNI_TRY(write_symbols(&run));
cleanup:
    hn_stream_destroy(run.stream);
    hni_free(work->context, run.logits);
    hni_free(work->context, run.probabilities);
    hni_free(work->context, run.row_norms);
    return status;
}
