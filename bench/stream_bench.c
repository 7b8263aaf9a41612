/* Times steps of a stream, symbols drawn as sampling draws them: the largest logit of a step is the next symbol. Random weights do.
 *
 *     stream_bench [-u UNITS] [-h HYPER] [-e EMBEDDING] [-v SYMBOLS] [-r ROWS] [-s f32|bf16|int8] [-t THREADS] [-n STEPS]
 *
 * Prints the seconds of each of n steps, one a line: bench/vs_pytorch_sample.py reads them. -h 0 is a plain layer-norm LSTM. */
#include "hypernet/hypernet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct settings {
    long long units, hyper, embedding, symbols, rows, threads, steps;
    hn_dtype storage;
} settings;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool set(settings *s, const char *option, const char *value)
{
    long long *const numbers[] = {&s->units, &s->hyper, &s->embedding, &s->symbols, &s->rows, &s->threads, &s->steps};
    const char *found = option[0] == '-' && option[1] != '\0' ? strchr("uhevrtn", option[1]) : NULL;
    if (strcmp(option, "-s") == 0) {
        s->storage = strcmp(value, "bf16") == 0   ? HN_DTYPE_BF16
                     : strcmp(value, "int8") == 0 ? HN_DTYPE_I8
                                                  : HN_DTYPE_F32;
        return true;
    }
    if (found == NULL) return false;
    *numbers[found - "uhevrtn"] = atoll(value);
    return true;
}

static hn_status make_stream(hn_context *context, const settings *s, hn_store **out_store, hn_stream **out_stream)
{
    const hn_graph_options graph_options = {HN_BACKEND_BEST, HN_DTYPE_F32};
    hn_stream_options options;
    hn_language_model model;
    hn_graph *graph = NULL;
    hn_language_model_default(&model);
    model.vocabulary_size = s->symbols;
    hn_cell_default(s->hyper > 0 ? HN_CELL_HYPERLSTM : HN_CELL_LSTM, &model.cell);
    model.cell.units = s->units;
    if (s->hyper > 0) {
        model.cell.hyper_units = s->hyper;
        model.cell.embedding_size = s->embedding;
    }
    model.cell.layer_norm = true;
    hn_stream_options_default(&options);
    options.storage = s->storage;
    hn_status status = hn_store_create(context, out_store);
    if (status == HN_OK) status = hn_language_model_declare(*out_store, &model);
    if (status == HN_OK) status = hn_graph_create(context, &graph_options, &graph);
    if (status == HN_OK) status = hn_store_seal(*out_store, graph, 1);
    if (status == HN_OK) status = hn_stream_create_with(*out_store, &model, s->rows, &options, out_stream);
    hn_graph_destroy(graph);
    return status;
}

static int32_t largest(const float *logits, long long count)
{
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

int main(int argc, char **argv)
{
    settings s = {.units = 1000, .hyper = 128, .embedding = 4, .symbols = 50, .rows = 1, .steps = 300};
    hn_context_options options;
    hn_context *context = NULL;
    hn_store *store = NULL;
    hn_stream *stream = NULL;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && set(&s, argv[i], argv[i + 1])) continue;
        fprintf(stderr, "stream_bench: '%s' is no option with a value\n", argv[i]);
        return 2;
    }
    hn_context_options_default(&options);
    options.threads = (int)s.threads;
    if (s.rows < 1 || s.symbols < 2 || hn_context_create(&options, &context) != HN_OK) return 2;
    hn_status status = make_stream(context, &s, &store, &stream);
    int32_t *symbols = calloc((size_t)s.rows, sizeof *symbols);
    float *logits = calloc((size_t)(s.rows * s.symbols), sizeof *logits);
    for (long long i = -20; status == HN_OK && i < s.steps; i++) { /* the first ones warm up */
        const double start = now();
        status = hn_stream_step(stream, symbols, logits);
        for (long long row = 0; row < s.rows; row++)
            symbols[row] = largest(logits + row * s.symbols, s.symbols);
        if (i >= 0) printf("%.9f\n", now() - start);
    }
    if (status != HN_OK) fprintf(stderr, "stream_bench: %s\n", hn_context_error(context)->text);
    hn_stream_destroy(stream);
    hn_store_destroy(store);
    hn_context_destroy(context);
    free(symbols);
    free(logits);
    return status == HN_OK ? 0 : 1;
}
