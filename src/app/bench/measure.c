/* See measure.h. */
#include "app/bench/measure.h"

#include <math.h>
#include <string.h>

#include "app/bench/machine.h"
#include "app/train/trainer.h"
#include "core/alloc.h"
#include "kernels/table.h"

#define MOST_ROWS 32          /* of a stream */
#define WARM_UP 2             /* steps before the first that counts: the second needs no new memory */
#define STREAM_SECONDS 0.2    /* of one measurement of sampling, .. */
#define MULTIPLY_SECONDS 0.02 /* .. of one of a multiply */
#define QUICK_SECONDS 0.0005  /* .. and of both where figures do not count */

typedef struct work {
    hn_context *context;
    const hni_bench_plan *plan;
    hni_bench_result *result;
    hni_bench_step *hyper, *plain;
    hn_stream *streams[HNI_BENCH_STREAMS];
    int64_t characters[HNI_BENCH_STREAMS]; /* of one measurement, each row */
    int32_t *symbols;                      /* [rows] */
    float *logits;                         /* [rows,V] */
} work;

static void tell(const work *w, const char *what, size_t done)
{
    if (w->plan->progress != NULL) w->plan->progress(w->plan->user, w->result->size.name, what, done, w->plan->repeats);
}

/* ---- memory first ---- */

static hn_status forecast(work *w, bool *out_fits)
{
    hni_bench_result *result = w->result;
    const hni_bench_model hyper = hni_bench_hyper(&result->size), plain = hni_bench_plain(&result->size);
    hn_status status;
    HNI_TRY(hni_bench_forecast(w->context, &hyper, &result->hyper.forecast));
    HNI_TRY(hni_bench_forecast(w->context, &plain, &result->plain.forecast));
    result->free_bytes = hni_free_memory();
    *out_fits = result->free_bytes <= 0 || result->hyper.forecast + result->plain.forecast <= result->free_bytes;
cleanup:
    return status;
}

/* ---- training steps ---- */

static hn_status run_step(hni_bench_step *step, hni_bench_cell *cell, bool counts)
{
    hni_bench_report report;
    const hn_status status = hni_bench_step_run(step, &report);
    if (status != HN_OK || !counts) return status;
    hni_bench_times_add(&cell->forward, report.forward);
    hni_bench_times_add(&cell->backward, report.backward);
    hni_bench_times_add(&cell->update, report.update);
    hni_bench_times_add(&cell->step, hni_bench_report_seconds(&report));
    return status;
}

/* The process's peak is that of this model as long as the system lets it be reset, and of what was opened before otherwise. */
static hn_status open_cell(work *w, const hni_bench_model *model, hni_bench_step **out_step, hni_bench_cell *cell)
{
    hn_status status;
    HNI_TRY(hni_bench_step_open(w->context, model, out_step));
    for (int i = 0; i < WARM_UP; i++)
        HNI_TRY(run_step(*out_step, cell, false));
    cell->bytes = hni_bench_step_bytes(*out_step);
cleanup:
    return status;
}

/* ---- sampling ---- */

static hn_status read_characters(work *w, size_t index, int64_t count)
{
    const int64_t rows = w->result->streams[index].rows;
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && i < count; i++) {
        for (int64_t row = 0; row < rows; row++)
            w->symbols[row] = (int32_t)((i * 7 + row) % w->result->size.inputs);
        status = hn_stream_step(w->streams[index], w->symbols, w->logits);
    }
    return status;
}

static hn_status open_streams(work *w)
{
    static const hni_bench_stream kinds[HNI_BENCH_STREAMS] = {
        {.rows = 1, .storage = HN_DTYPE_F32},          {.rows = 1, .storage = HN_DTYPE_BF16},
        {.rows = 1, .storage = HN_DTYPE_I8},           {.rows = MOST_ROWS, .storage = HN_DTYPE_F32},
        {.rows = MOST_ROWS, .storage = HN_DTYPE_BF16}, {.rows = MOST_ROWS, .storage = HN_DTYPE_I8},
    };
    const hni_bench_model model = hni_bench_hyper(&w->result->size);
    hn_language_model language;
    void *symbols = NULL, *logits = NULL;
    hn_stream_options options;
    hn_stream_options_default(&options);
    hn_status status;
    hni_bench_language_model(&model, &language);
    HNI_TRY(hni_alloc_array(w->context, "symbols", MOST_ROWS, sizeof *w->symbols, &symbols));
    w->symbols = symbols;
    HNI_TRY(hni_alloc_array(w->context, "logits", MOST_ROWS * (size_t)model.size.inputs, sizeof *w->logits, &logits));
    w->logits = logits;
    for (size_t i = 0; i < HNI_BENCH_STREAMS; i++) {
        w->result->streams[i] = kinds[i];
        options.storage = kinds[i].storage;
        HNI_TRY(
            hn_stream_create_with(hni_bench_step_store(w->hyper), &language, kinds[i].rows, &options, &w->streams[i]));
        HNI_TRY(read_characters(w, i, 2));
        const double start = hni_bench_now();
        HNI_TRY(read_characters(w, i, 2));
        const double one = fmax((hni_bench_now() - start) / 2, 1e-7);
        w->characters[i] = (int64_t)ceil((w->plan->quick ? QUICK_SECONDS : STREAM_SECONDS) / one);
    }
cleanup:
    return status;
}

static hn_status time_stream(work *w, size_t index)
{
    hni_bench_stream *stream = &w->result->streams[index];
    const double start = hni_bench_now();
    const hn_status status = read_characters(w, index, w->characters[index]);
    const double characters = (double)(w->characters[index] * stream->rows);
    if (status == HN_OK) hni_bench_times_add(&stream->character, (hni_bench_now() - start) / characters);
    return status;
}

/* ---- the whole ---- */

static hn_status open_all(work *w)
{
    hni_bench_result *result = w->result;
    const hni_bench_model hyper = hni_bench_hyper(&result->size), plain = hni_bench_plain(&result->size);
    hn_status status;
    tell(w, "preparing", 0);
    hni_bench_process_peak_reset();
    HNI_TRY(open_cell(w, &hyper, &w->hyper, &result->hyper));
    result->hyper.process_peak = hni_bench_process_peak();
    HNI_TRY(open_cell(w, &plain, &w->plain, &result->plain));
    result->has_multiplies = hni_kernels_cpu(HN_DTYPE_F32) != NULL;
    const double least = w->plan->quick ? QUICK_SECONDS : MULTIPLY_SECONDS;
    if (result->has_multiplies) HNI_TRY(hni_bench_multiplies_open(w->context, &hyper, least, &result->multiplies));
    if (!result->size.dense) HNI_TRY(open_streams(w));
cleanup:
    return status;
}

static hn_status repeat(work *w)
{
    hni_bench_result *result = w->result;
    hn_status status;
    HNI_TRY(run_step(w->hyper, &result->hyper, true));
    if (result->has_multiplies) HNI_TRY(hni_bench_multiplies_run(&result->multiplies));
    HNI_TRY(run_step(w->plain, &result->plain, true));
    for (size_t i = 0; i < HNI_BENCH_STREAMS; i++)
        if (w->streams[i] != NULL) HNI_TRY(time_stream(w, i));
cleanup:
    return status;
}

/* Ends what was opened, and keeps the times. */
static void close_all(work *w)
{
    const size_t rows = w->result->multiplies.count;
    hni_bench_multiplies_close(&w->result->multiplies);
    w->result->multiplies.count = rows;
    for (size_t i = 0; i < rows; i++)
        memset(w->result->multiplies.rows[i].ways, 0, sizeof w->result->multiplies.rows[i].ways);
    for (size_t i = 0; i < HNI_BENCH_STREAMS; i++)
        hn_stream_destroy(w->streams[i]);
    hni_free(w->context, w->symbols);
    hni_free(w->context, w->logits);
    hni_bench_step_close(w->plain);
    hni_bench_step_close(w->hyper);
}

hn_status hni_bench_measure(hn_context *context, const hni_bench_size *size, const hni_bench_plan *plan,
                            hni_bench_result *out_result)
{
    work w = {.context = context, .plan = plan, .result = out_result};
    bool fits = false;
    hn_status status;
    *out_result = (hni_bench_result){.size = *size};
    HNI_TRY(forecast(&w, &fits));
    out_result->skipped = !fits;
    if (!fits) goto cleanup;
    HNI_TRY(open_all(&w));
    for (size_t i = 0; i < plan->repeats; i++) {
        tell(&w, "measuring", i);
        HNI_TRY(repeat(&w));
    }
    tell(&w, "done", plan->repeats);
cleanup:
    close_all(&w);
    return status;
}

double hni_bench_plain_multiplies(const hni_bench_result *result)
{
    const hni_bench_model plain = hni_bench_plain(&result->size);
    hni_bench_multiply rows[HNI_BENCH_MULTIPLIES_MOST];
    const size_t count = hni_bench_multiplies_list(&plain, rows);
    double sum = count > 0 && result->has_multiplies ? 0 : (double)NAN;
    for (size_t i = 0; i < count; i++) {
        double seconds = (double)NAN;
        for (size_t k = 0; k < result->multiplies.count; k++) {
            const hni_bench_row *row = &result->multiplies.rows[k];
            if (strcmp(row->multiply.matrix, rows[i].matrix) == 0 && strcmp(row->multiply.pass, rows[i].pass) == 0)
                seconds = hni_bench_row_seconds(row);
        }
        sum += seconds;
    }
    return sum;
}

hni_bench_spread hni_bench_cell_step(const hni_bench_cell *cell) { return hni_bench_spread_of(&cell->step); }

double hni_bench_over_plain(const hni_bench_result *result)
{
    return hni_bench_cell_step(&result->hyper).median / hni_bench_cell_step(&result->plain).median;
}
