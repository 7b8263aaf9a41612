/* hypernet bench: the tables, for people and as JSON. What each figure means is said in docs/speed.md. That of images is printed by
 * bench_images.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/machine.h"
#include "bench_figures.h"
#include "bench_images.h"
#include "core/alloc.h"
#include "format.h"
#include "kernels/table.h"

typedef struct table {
    const hni_bench_options *options;
    hni_bench_machine machine;
    hni_bench_result *results;      /* one a size of sequences */
    hni_bench_image_result *images; /* one a size of images */
    size_t count, image_count;
} table;

/* ---- figures: NaN where there is none ---- */

static double symbols(const hni_bench_result *r) { return (double)(r->size.batch * r->size.length); }

static double hyper(const hni_bench_result *r) { return hni_bench_cell_step(&r->hyper).median; }
static double hyper_low(const hni_bench_result *r) { return hni_bench_cell_step(&r->hyper).low; }
static double hyper_high(const hni_bench_result *r) { return hni_bench_cell_step(&r->hyper).high; }
static double hyper_steps(const hni_bench_result *r) { return 1 / hyper(r); }
static double hyper_symbols(const hni_bench_result *r) { return symbols(r) / hyper(r); }
static double hyper_multiplies(const hni_bench_result *r) { return hni_bench_multiplies_seconds(&r->multiplies); }
static double hyper_share(const hni_bench_result *r) { return 100 * hyper_multiplies(r) / hyper(r); }
static double hyper_ratio(const hni_bench_result *r) { return hyper(r) / hyper_multiplies(r); }

static double plain(const hni_bench_result *r) { return hni_bench_cell_step(&r->plain).median; }
static double plain_symbols(const hni_bench_result *r) { return symbols(r) / plain(r); }
static double plain_ratio(const hni_bench_result *r) { return plain(r) / hni_bench_plain_multiplies(r); }

static double hyper_memory(const hni_bench_result *r) { return hni_bench_megabytes(r->hyper.bytes); }
static double hyper_peak(const hni_bench_result *r) { return hni_bench_megabytes(r->hyper.process_peak); }
static double plain_memory(const hni_bench_result *r) { return hni_bench_megabytes(r->plain.bytes); }

static double stream_rate(const hni_bench_stream *stream)
{
    return stream->rows > 0 ? 1 / hni_bench_spread_of(&stream->character).median : (double)NAN;
}

static double sample_f32(const hni_bench_result *r) { return stream_rate(&r->streams[0]); }
static double sample_bf16(const hni_bench_result *r) { return stream_rate(&r->streams[1]); }
static double sample_int8(const hni_bench_result *r) { return stream_rate(&r->streams[2]); }
static double many_f32(const hni_bench_result *r) { return stream_rate(&r->streams[3]); }
static double many_bf16(const hni_bench_result *r) { return stream_rate(&r->streams[4]); }
static double many_int8(const hni_bench_result *r) { return stream_rate(&r->streams[5]); }

/* ---- for people ---- */

typedef struct table_row {
    const char *label;
    hni_bench_figure kind;
    double (*value)(const hni_bench_result *result); /* NULL: a heading */
} table_row;

static const table_row table_rows[] = {
    {"layer-norm HyperLSTM", HNI_BENCH_FIGURE_COUNT, NULL},
    {"  step, s", HNI_BENCH_FIGURE_SECONDS, hyper},
    {"    lower quartile", HNI_BENCH_FIGURE_SECONDS, hyper_low},
    {"    upper quartile", HNI_BENCH_FIGURE_SECONDS, hyper_high},
    {"  steps a second", HNI_BENCH_FIGURE_RATIO, hyper_steps},
    {"  symbols a second", HNI_BENCH_FIGURE_COUNT, hyper_symbols},
    {"  its multiplies alone, s", HNI_BENCH_FIGURE_SECONDS, hyper_multiplies},
    {"    share of the step, %", HNI_BENCH_FIGURE_PERCENT, hyper_share},
    {"    step over multiplies", HNI_BENCH_FIGURE_RATIO, hyper_ratio},
    {"  step over the plain LSTM's", HNI_BENCH_FIGURE_RATIO, hni_bench_over_plain},
    {"  graph and store, MB", HNI_BENCH_FIGURE_COUNT, hyper_memory},
    {"  process, most, MB", HNI_BENCH_FIGURE_COUNT, hyper_peak},
    {"plain LSTM", HNI_BENCH_FIGURE_COUNT, NULL},
    {"  step, s", HNI_BENCH_FIGURE_SECONDS, plain},
    {"  symbols a second", HNI_BENCH_FIGURE_COUNT, plain_symbols},
    {"  step over its multiplies", HNI_BENCH_FIGURE_RATIO, plain_ratio},
    {"  graph and store, MB", HNI_BENCH_FIGURE_COUNT, plain_memory},
    {"HyperLSTM sampling, characters a second", HNI_BENCH_FIGURE_COUNT, NULL},
    {"  1 row, f32", HNI_BENCH_FIGURE_COUNT, sample_f32},
    {"         bf16", HNI_BENCH_FIGURE_COUNT, sample_bf16},
    {"         int8", HNI_BENCH_FIGURE_COUNT, sample_int8},
    {"  32 rows, f32", HNI_BENCH_FIGURE_COUNT, many_f32},
    {"           bf16", HNI_BENCH_FIGURE_COUNT, many_bf16},
    {"           int8", HNI_BENCH_FIGURE_COUNT, many_int8},
};

/* A line of words, one a size that was measured. */
static void print_words(const table *t, const char *label, void (*word)(const hni_bench_size *size, char *out_text))
{
    printf("%-*s", HNI_BENCH_LABEL_WIDTH, label);
    for (size_t i = 0; i < t->count; i++) {
        char text[HNI_BENCH_CELL];
        if (t->results[i].skipped) continue;
        word(&t->results[i].size, text);
        printf("%*s", HNI_BENCH_CELL_WIDTH, text);
    }
    puts("");
}

static void name_word(const hni_bench_size *size, char *text) { snprintf(text, HNI_BENCH_CELL, "%s", size->name); }

static void units_word(const hni_bench_size *size, char *text)
{
    snprintf(text, HNI_BENCH_CELL, "%lld/%lld/%lld", (long long)size->units, (long long)size->hyper_units,
             (long long)size->embedding);
}

static void window_word(const hni_bench_size *size, char *text)
{
    snprintf(text, HNI_BENCH_CELL, "%lld x %lld", (long long)size->batch, (long long)size->length);
}

static void symbols_word(const hni_bench_size *size, char *text)
{
    snprintf(text, HNI_BENCH_CELL, size->dense ? "%lld wide" : "%lld", (long long)size->inputs);
}

static const char *bf16_word(const hni_bench_machine *machine)
{
    switch (machine->support) {
    case HNI_PROBE_BF16_NATIVE: return "";
    case HNI_PROBE_BF16_EMULATED: return ", emulated";
    default: return "absent";
    }
}

static void print_machine(const table *t)
{
    const hni_bench_machine *m = &t->machine;
    const int threads = hn_context_threads(t->options->cli->context);
    printf("%s, %d thread%s, instruction set %s\n", m->processor[0] != 0 ? m->processor : "processor unknown", threads,
           threads == 1 ? "" : "s", hni_kernels_isa());
    if (isfinite(m->f32))
        printf("multiplies  f32 %.0f GFLOP/s, bf16 ", m->f32 / 1e9);
    else
        printf("multiplies  not timed: this build has no oneDNN; bf16 ");
    if (isfinite(m->bf16)) printf("%.0f GFLOP/s (%.2f times)", m->bf16 / 1e9, m->bf16 / m->f32);
    printf("%s\nmemory      %.1f GB/s\n\n", bf16_word(m), m->memory / 1e9);
}

static void print_sequences(const table *t)
{
    print_words(t, "", name_word);
    print_words(t, "units/hyper units/embedding", units_word);
    print_words(t, "batch x length", window_word);
    print_words(t, "symbols", symbols_word);
    for (size_t row = 0; row < sizeof table_rows / sizeof table_rows[0]; row++) {
        if (table_rows[row].value == NULL) {
            printf("\n%s\n", table_rows[row].label);
            continue;
        }
        printf("%-*s", HNI_BENCH_LABEL_WIDTH, table_rows[row].label);
        for (size_t i = 0; i < t->count; i++)
            if (!t->results[i].skipped)
                hni_bench_figure_print(table_rows[row].kind, table_rows[row].value(&t->results[i]));
        puts("");
    }
    printf(
        "\nMedians of %lld, taken in turns; three dropouts, clipping, Adam. handwriting: a mean square for a loss.\n",
        (long long)t->options->repeats);
    for (size_t i = 0; i < t->count; i++)
        if (t->results[i].skipped)
            hni_bench_skipped_print(t->results[i].size.name,
                                    t->results[i].hyper.forecast + t->results[i].plain.forecast,
                                    t->results[i].free_bytes);
}

static void print_tables(const table *t)
{
    print_machine(t);
    if (t->count > 0) print_sequences(t);
    if (t->count > 0 && t->image_count > 0) puts("");
    if (t->image_count > 0) hni_bench_images_print(t->images, t->image_count, t->options->repeats);
}

/* ---- JSON ---- */

static json_t *cell_json(const hni_bench_cell *cell, const hni_bench_result *r, double multiplies)
{
    const double seconds = hni_bench_cell_step(cell).median;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "step", hni_bench_spread_json(&cell->step), "forward",
                     hni_bench_spread_json(&cell->forward), "backward", hni_bench_spread_json(&cell->backward),
                     "update", hni_bench_spread_json(&cell->update), "symbols_per_second",
                     hni_cli_number_json(symbols(r) / seconds), "multiplies", hni_cli_number_json(multiplies),
                     "over_multiplies", hni_cli_number_json(seconds / multiplies), "bytes",
                     hni_bench_bytes_json(cell->bytes), "process_peak", hni_bench_bytes_json(cell->process_peak));
}

static json_t *multiplies_json(const hni_bench_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->multiplies.count; i++) {
        const hni_bench_row *row = &r->multiplies.rows[i];
        const double seconds = hni_bench_row_seconds(row);
        const double operations = hni_bench_multiplies_operations(&row->multiply, 1);
        json_array_append_new(list, json_pack("{s:s,s:s,s:[I,I,I],s:f,s:o,s:o}", "matrix", row->multiply.matrix, "pass",
                                              row->multiply.pass, "shape", (json_int_t)row->multiply.m,
                                              (json_int_t)row->multiply.n, (json_int_t)row->multiply.k, "count",
                                              row->multiply.count, "seconds", hni_cli_number_json(seconds), "gflops",
                                              hni_cli_number_json(operations / seconds / 1e9)));
    }
    return list;
}

static json_t *streams_json(const hni_bench_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < HNI_BENCH_STREAMS && r->streams[i].rows > 0; i++) {
        const hni_bench_stream *stream = &r->streams[i];
        json_array_append_new(list, json_pack("{s:I,s:s,s:o,s:o}", "rows", (json_int_t)stream->rows, "storage",
                                              hni_bench_storage_word(stream->storage), "characters_per_second",
                                              hni_cli_number_json(stream_rate(stream)), "seconds_per_character",
                                              hni_bench_spread_json(&stream->character)));
    }
    return list;
}

static json_t *result_json(const hni_bench_result *r)
{
    json_t *memory = json_pack("{s:I,s:I,s:o}", "hyperlstm", (json_int_t)r->hyper.forecast, "lstm",
                               (json_int_t)r->plain.forecast, "free", hni_bench_bytes_json(r->free_bytes));
    json_t *json = json_pack("{s:s,s:o,s:b,s:o}", "size", r->size.name, "shape", hni_bench_shape_json(&r->size),
                             "skipped", (int)r->skipped, "forecast", memory);
    if (json == NULL || r->skipped) return json;
    json_object_set_new(json, "hyperlstm", cell_json(&r->hyper, r, hyper_multiplies(r)));
    json_object_set_new(json, "lstm", cell_json(&r->plain, r, hni_bench_plain_multiplies(r)));
    json_object_set_new(json, "over_lstm", hni_cli_number_json(hni_bench_over_plain(r)));
    json_object_set_new(json, "multiplies", multiplies_json(r));
    json_object_set_new(json, "sampling", streams_json(r));
    return json;
}

static json_t *table_json(const table *t)
{
    static const char *const support[] = {"absent", "emulated", "native"};
    const hni_bench_machine *m = &t->machine;
    hn_context *context = t->options->cli->context;
    json_t *machine = json_pack("{s:o,s:i,s:s,s:s,s:o,s:o,s:s,s:o}", "processor",
                                hni_cli_bytes_json(t->options->cli, m->processor, strlen(m->processor)), "threads",
                                hn_context_threads(context), "isa", hni_kernels_isa(), "backend",
                                hni_kernels_cpu(HN_DTYPE_F32) != NULL ? "cpu" : "generic", "f32_gflops",
                                hni_cli_number_json(m->f32 / 1e9), "bf16_gflops", hni_cli_number_json(m->bf16 / 1e9),
                                "bf16", support[m->support], "memory_gbytes", hni_cli_number_json(m->memory / 1e9));
    json_t *sizes = json_array(), *images = json_array();
    for (size_t i = 0; i < t->count; i++)
        json_array_append_new(sizes, result_json(&t->results[i]));
    for (size_t i = 0; i < t->image_count; i++)
        json_array_append_new(images, hni_bench_images_json(&t->images[i]));
    return json_pack("{s:o,s:I,s:b,s:o,s:o}", "machine", machine, "repeats", (json_int_t)t->options->repeats, "quick",
                     (int)t->options->quick, "sizes", sizes, "images", images);
}

/* ---- measuring ---- */

static void show_progress(void *user, const char *size, const char *what, size_t done, size_t total)
{
    const table *t = user;
    const bool live = hni_is_terminal(stderr);
    if (strcmp(what, "done") == 0) {
        if (live) fputs("\r\033[K", stderr);
    } else if (strcmp(what, "measuring") == 0) {
        if (live) fprintf(stderr, "\r\033[K%s: %s, %zu of %zu", size, what, done + 1, total);
    } else if (live) {
        fprintf(stderr, "\r\033[K%s: %s", size, what);
    } else {
        fprintf(stderr, "%s: %s %s\n", t->options->cli->name, what, size);
    }
}

static bool wanted(const table *t, const char *name)
{
    const char *size = t->options->size;
    return size == NULL || strcmp(size, "all") == 0 || strcmp(size, name) == 0;
}

static hn_status measure_sequences(table *t, const hni_bench_plan *plan)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < HNI_BENCH_SIZES; i++) {
        const hni_bench_size *whole = hni_bench_size_at(i);
        if (!wanted(t, whole->name)) continue;
        const hni_bench_size size = plan->quick ? hni_bench_size_quick(whole) : *whole;
        HNI_TRY(hni_bench_measure(t->options->cli->context, &size, plan, &t->results[t->count]));
        t->count++;
    }
cleanup:
    return status;
}

static hn_status measure_images(table *t, const hni_bench_plan *plan)
{
    hn_status status = HN_OK;
    for (size_t i = 0; i < HNI_BENCH_IMAGE_SIZES; i++) {
        const hni_bench_image_size *whole = hni_bench_image_size_at(i);
        if (!wanted(t, whole->name)) continue;
        const hni_bench_image_size size = plan->quick ? hni_bench_image_size_quick(whole) : *whole;
        HNI_TRY(hni_bench_image_measure(t->options->cli->context, &size, plan, &t->images[t->image_count]));
        t->image_count++;
    }
cleanup:
    return status;
}

static hn_status measure(table *t)
{
    const hni_bench_options *options = t->options;
    const hni_bench_plan plan = {(size_t)options->repeats, options->quick, show_progress, t};
    hn_context *context = options->cli->context;
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(context, "results", HNI_BENCH_SIZES, sizeof *t->results, &memory));
    t->results = memory;
    HNI_TRY(hni_alloc_array(context, "results", HNI_BENCH_IMAGE_SIZES, sizeof *t->images, &memory));
    t->images = memory;
    HNI_TRY(hni_bench_machine_measure(context, plan.repeats, options->quick, &t->machine));
    HNI_TRY(measure_sequences(t, &plan));
    HNI_TRY(measure_images(t, &plan));
cleanup:
    return status;
}

int hni_bench_run_table(const hni_bench_options *options)
{
    table t = {.options = options};
    int code = 0;
    if (measure(&t) != HN_OK)
        code = hni_cli_fail(options->cli);
    else if (options->cli->json)
        code = hni_cli_print_json(options->cli, table_json(&t));
    else
        print_tables(&t);
    hni_free(options->cli->context, t.results);
    hni_free(options->cli->context, t.images);
    return code;
}
