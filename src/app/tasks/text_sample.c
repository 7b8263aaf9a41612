/* Text written by the model: each symbol is drawn (text_draw.h) and read again; and what the model shows meanwhile. Several texts are
 * written side by side, LANES at once, each in a row of the stream; a row's numbers are the same alone and beside others. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/tasks/text_draw.h"
#include "app/tasks/text_observe.h"
#include "app/tasks/utf8_writer.h"
#include "core/alloc.h"
#include "core/rng.h"

#define LANES 8

/* One row of the stream. */
typedef struct lane {
    const hni_sample_options *options;
    bool used;
    int64_t text; /* number of its text, from 0 */
    hni_rng_key key;
    hni_utf8_writer out;
} lane;

typedef struct sampler {
    hni_task_work *work;
    const hni_sample_options *options;
    hn_stream *stream;
    int64_t lane_count;
    lane lanes[LANES];
    int32_t symbols[LANES]; /* read at the next step */
    float *logits;          /* [lanes,V] */
    bool has_read;          /* the logits are of a symbol that was read */
    hni_text_drawer drawer;
    hni_text_observer observer;
} sampler;

/* ---- symbols ---- */

/* The row of the symbol that the text begins with. In Penn Treebank text a space is written as '_'. */
static int64_t row_of(const hni_task_work *work, const char *text, size_t size, size_t *out_used)
{
    const int64_t row = hn_vocabulary_find(work->vocabulary, text, size, out_used);
    size_t used;
    if (row >= 0 || text[0] != ' ' || work->data.kind != HNI_TEXT_KIND_PENN_TREEBANK) return row;
    return hn_vocabulary_find(work->vocabulary, "_", 1, &used);
}

static const float *logits_of(const sampler *run, int64_t lane_number)
{
    return run->logits + lane_number * run->work->model.vocabulary_size;
}

static double bits_of(const sampler *run, int64_t lane_number, int64_t row)
{
    return hni_text_bits(logits_of(run, lane_number), run->work->model.vocabulary_size, row);
}

static hn_status observe(sampler *run, int64_t row, bool sampled, double bits)
{
    hni_task_observation seen;
    const hn_status status = hni_text_observer_read(&run->observer, run->stream, 0, &seen);
    if (status != HN_OK) return status;
    seen.bytes = hn_vocabulary_symbol(run->work->vocabulary, row, &seen.size);
    seen.sampled = sampled;
    seen.bits = bits;
    run->options->observe(run->options->user, &seen);
    return HN_OK;
}

static hn_status step(sampler *run)
{
    const hn_status status = hn_stream_step(run->stream, run->symbols, run->logits);
    run->has_read = true;
    return status;
}

/* The same symbol in all lanes; told to the observer unless it only stands for the start of a line. */
static hn_status read_given(sampler *run, int64_t row, bool told)
{
    const bool observed = run->options->observe != NULL;
    const double bits = observed && run->has_read ? bits_of(run, 0, row) : (double)NAN;
    for (int64_t i = 0; i < run->lane_count; i++)
        run->symbols[i] = (int32_t)row;
    hn_status status = step(run);
    if (status != HN_OK || !observed) return status;
    if (told) return observe(run, row, false, bits);
    hni_task_observation seen;
    return hni_text_observer_read(&run->observer, run->stream, 0, &seen);
}

/* ---- the prime ---- */

static size_t prime_size(const hni_sample_options *options)
{
    if (options->prime == NULL) return 0;
    return options->prime_size > 0 ? options->prime_size : strlen(options->prime);
}

static hn_status refuse_prime(const hni_task_work *work, const hni_sample_options *options, size_t at, size_t size)
{
    const char *name = options->prime_name != NULL ? options->prime_name : "prime", *prime = options->prime;
    char shown[HNI_SYMBOL_PRINT_SIZE];
    (void)hni_symbol_print(prime + at, size, shown, sizeof shown);
    if (size == 0) {
        return hni_error(work->context, HN_ERROR_ARGUMENT,
                         "%.300s: %s at position %zu begins no UTF-8 character: the model reads characters", name,
                         shown, at + 1);
    }
    return hni_error(
        work->context, HN_ERROR_ARGUMENT,
        "%.300s: %s at position %zu is not among the %lld symbols of the text that the model was trained on", name,
        shown, at + 1, (long long)hn_vocabulary_count(work->vocabulary));
}

/* Reads the prime, led by a line end where there is none: some symbol has to come first. */
static hn_status read_prime(sampler *run)
{
    const hni_task_work *work = run->work;
    const char *prime = run->options->prime;
    const size_t size = prime_size(run->options);
    size_t used;
    if (size == 0) {
        const int64_t row = row_of(work, "\n", 1, &used);
        return read_given(run, row >= 0 ? row : 0, false);
    }
    hn_status status = HN_OK;
    for (size_t at = 0; status == HN_OK && at < size; at += used) {
        const int64_t row = row_of(work, prime + at, size - at, &used);
        if (row < 0) return refuse_prime(work, run->options, at, used);
        status = read_given(run, row, true);
    }
    return status;
}

/* ---- lanes ---- */

static bool write_piece(void *user, const char *bytes, size_t size)
{
    const lane *from = user;
    const hni_sample_options *options = from->options;
    if (options->write_text != NULL) return options->write_text(options->user, from->text, bytes, size);
    return options->write == NULL || options->write(options->user, bytes, size);
}

/* Puts texts first .. first + n - 1, as many as there are lanes, into these; returns n. */
static int64_t fill_lanes(sampler *run, int64_t first, int64_t texts)
{
    const uint64_t seed = run->options->seed + (uint64_t)first;
    const int64_t count = run->lane_count < texts - first ? run->lane_count : texts - first;
    for (int64_t i = 0; i < run->lane_count; i++) {
        lane *one = &run->lanes[i];
        *one = (lane){.options = run->options, .used = i < count, .text = first + i};
        one->key = (hni_rng_key){.seed = seed + (uint64_t)i, .site = hni_rng_site("sample")};
        one->out = (hni_utf8_writer){.write = write_piece, .user = one};
    }
    return count;
}

static bool all_stopped(const sampler *run)
{
    for (int64_t i = 0; i < run->lane_count; i++)
        if (run->lanes[i].used && !run->lanes[i].out.stopped) return false;
    return true;
}

static hn_status draw(sampler *run, int64_t index)
{
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < run->lane_count; i++) {
        lane *one = &run->lanes[i];
        size_t size;
        int row;
        if (!one->used || one->out.stopped) continue;
        status = hni_text_draw(&run->drawer, logits_of(run, i), hni_rng_uniform(&one->key, (uint64_t)index), &row);
        if (status != HN_OK) break;
        run->symbols[i] = row;
        const char *bytes = hn_vocabulary_symbol(run->work->vocabulary, row, &size);
        for (size_t k = 0; k < size; k++)
            hni_utf8_writer_put(&one->out, (uint8_t)bytes[k]);
    }
    return status;
}

static hn_status write_symbols(sampler *run)
{
    const hni_sample_options *options = run->options;
    const int64_t shown = 0;
    hn_status status = HN_OK;
    for (int64_t i = 0; i < options->length && !all_stopped(run); i++) {
        HNI_TRY(draw(run, i));
        if (i + 1 == options->length && options->observe == NULL) break; /* nobody asks what comes after the last */
        const int64_t row = run->symbols[shown];
        const double bits = options->observe != NULL ? bits_of(run, shown, row) : 0;
        HNI_TRY(step(run));
        if (options->observe != NULL) HNI_TRY(observe(run, row, true, bits));
    }
    for (int64_t i = 0; i < run->lane_count; i++)
        if (run->lanes[i].used) hni_utf8_writer_end(&run->lanes[i].out);
cleanup:
    return status;
}

/* ---- the whole ---- */

static hn_status check(const hni_task_work *work, const hni_sample_options *options)
{
    hn_context *context = work->context;
    if (work->weights == NULL || work->vocabulary == NULL) {
        return hni_error(context, HN_ERROR_STATE, "sampling: needs a bound model and its symbols");
    }
    if (!(options->length >= 0 && options->temperature >= 0 && options->temperature <= 1e6)) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "sampling: length %lld and temperature %g must not be negative or absurd",
                         (long long)options->length, options->temperature);
    }
    if (!(options->top_k >= 0 && options->top_p >= 0 && options->top_p <= 1)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "sampling: top_k %lld must be positive and top_p %g at most 1",
                         (long long)options->top_k, options->top_p);
    }
    if (!(options->texts >= 0 && options->texts <= HNI_SAMPLE_MOST_TEXTS)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "sampling: %lld texts, at most %d can be written at once",
                         (long long)options->texts, HNI_SAMPLE_MOST_TEXTS);
    }
    if (options->texts > 1 && options->observe != NULL) {
        return hni_error(context, HN_ERROR_ARGUMENT, "sampling: one text can be observed, not %lld at once",
                         (long long)options->texts);
    }
    return HN_OK;
}

static hn_status create(sampler *run)
{
    hni_task_work *work = run->work;
    const hni_sample_options *options = run->options;
    void *memory = NULL;
    hn_status status;
    const hn_stream_options stream = {.storage = options->storage};
    const int64_t texts = options->length > 0 && options->texts > 1 ? options->texts : 1; /* one is enough to be read */
    run->lane_count = texts < LANES ? texts : LANES;
    HNI_TRY(
        hn_stream_create_with(hn_weights_store(work->weights), &work->model, run->lane_count, &stream, &run->stream));
    HNI_TRY(hni_alloc_array(work->context, "sample", (size_t)(run->lane_count * work->model.vocabulary_size),
                            sizeof(float), &memory));
    run->logits = memory;
    run->drawer = (hni_text_drawer){.context = work->context,
                                    .count = (int)hn_vocabulary_count(work->vocabulary),
                                    .temperature = options->temperature,
                                    .top_k = options->top_k,
                                    .top_p = options->top_p < 1 ? options->top_p : 0};
    HNI_TRY(hni_text_drawer_open(&run->drawer));
    if (options->observe != NULL)
        HNI_TRY(hni_text_observer_open(work, run->stream, options->observe_layer, &run->observer));
cleanup:
    return status;
}

hn_status hni_text_sample(hni_task_work *work, const hni_sample_options *options)
{
    sampler run = {.work = work, .options = options};
    const int64_t texts = options->texts > 1 ? options->texts : 1;
    hn_status status;
    HNI_TRY(check(work, options));
    HNI_TRY(create(&run));
    for (int64_t first = 0; first < texts;) {
        first += fill_lanes(&run, first, texts);
        run.has_read = false;
        HNI_TRY(hn_stream_reset(run.stream, -1));
        HNI_TRY(read_prime(&run));
        HNI_TRY(write_symbols(&run));
    }
cleanup:
    hn_stream_destroy(run.stream);
    hni_text_drawer_close(&run.drawer);
    hni_text_observer_close(&run.observer);
    hni_free(work->context, run.logits);
    return status;
}
