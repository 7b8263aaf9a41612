/* Times the training step of a layer-norm HyperLSTM language model on real text: forward, backward, clipping, Adam. One line of JSON
 * a step. bench/vs_pytorch_step.py runs it beside PyTorch.
 *
 *     build/release/bench/step_bench --steps 5 --threads 2 --data DIR/ptb.train.txt [--batch 128] [--length 100] [--units 1000]
 *         [--hyper-units 128] [--embedding 4] [--cell hyperlstm|lstm] [--keep 0.9]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hypernet/hypernet.h"

typedef struct options {
    int64_t steps, threads, batch, length, units, hyper_units, embedding;
    double keep;
    bool plain;
    const char *data;
} options;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int fail(const char *text)
{
    fprintf(stderr, "step_bench: %s\n", text);
    return 2;
}

static bool parse(int count, char **words, options *out)
{
    const struct {
        const char *name;
        int64_t *place;
    } numbers[] = {{"--steps", &out->steps},        {"--threads", &out->threads}, {"--batch", &out->batch},
                   {"--length", &out->length},      {"--units", &out->units},     {"--hyper-units", &out->hyper_units},
                   {"--embedding", &out->embedding}};
    *out = (options){5, 2, 128, 100, 1000, 128, 4, 0.9, false, NULL};
    for (int i = 1; i + 1 < count; i += 2) {
        bool known = false;
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            if (strcmp(words[i], numbers[k].name) != 0) continue;
            *numbers[k].place = strtoll(words[i + 1], NULL, 10);
            known = *numbers[k].place > 0;
        }
        if (strcmp(words[i], "--data") == 0) {
            out->data = words[i + 1];
            known = true;
        } else if (strcmp(words[i], "--keep") == 0) {
            out->keep = strtod(words[i + 1], NULL);
            known = out->keep > 0 && out->keep <= 1;
        } else if (strcmp(words[i], "--cell") == 0) {
            out->plain = strcmp(words[i + 1], "lstm") == 0;
            known = out->plain || strcmp(words[i + 1], "hyperlstm") == 0;
        }
        if (!known) return false;
    }
    return out->data != NULL && count % 2 == 1;
}

/* Bytes of the text as rows of a vocabulary of 50 (distinct bytes in order; more wrap round: speed does not depend on it). */
static uint8_t *read_text(const char *path, int64_t *out_size)
{
    char name[4096];
    FILE *file = fopen(path, "rb");
    if (file != NULL && fseek(file, 0, SEEK_END) != 0) { /* a folder */
        fclose(file);
        file = NULL;
    }
    if (file == NULL || ftell(file) <= 0 || ftell(file) > 1000000000) {
        if (file != NULL) fclose(file);
        snprintf(name, sizeof name, "%s/ptb/ptb.train.txt", path);
        file = fopen(name, "rb");
        if (file == NULL) {
            snprintf(name, sizeof name, "%s/ptb.train.txt", path);
            file = fopen(name, "rb");
        }
        if (file == NULL) return NULL;
        fseek(file, 0, SEEK_END);
    }
    const long size = ftell(file);
    uint8_t *text = malloc((size_t)size + 1);
    rewind(file);
    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size) {
        free(text);
        fclose(file);
        return NULL;
    }
    fclose(file);
    int rows[256], next = 0;
    for (int i = 0; i < 256; i++)
        rows[i] = -1;
    for (long i = 0; i < size; i++) {
        if (rows[text[i]] < 0) rows[text[i]] = next++ % 50;
        text[i] = (uint8_t)rows[text[i]];
    }
    *out_size = size;
    return text;
}

typedef struct bench {
    hn_context *context;
    hn_graph *graph;
    hn_store *store;
    hn_weights *weights;
    hn_optimizer *optimizer;
    hn_language_model model;
    hn_tensor corpus, state;
} bench;

static hn_status open_bench(const options *o, const uint8_t *text, int64_t size, bench *b)
{
    hn_context_options context_options;
    hn_optimizer_options optimizer_options;
    hn_status status;
    hn_context_options_default(&context_options);
    context_options.threads = (int)o->threads;
    hn_language_model_default(&b->model);
    b->model.vocabulary_size = 50;
    b->model.cell.kind = o->plain ? HN_CELL_LSTM : HN_CELL_HYPERLSTM;
    b->model.cell.layer_norm = true;
    b->model.cell.units = o->units;
    b->model.cell.hyper_units = o->hyper_units;
    b->model.cell.embedding_size = o->embedding;
    b->model.keep_input = b->model.keep_output = b->model.cell.keep_recurrent = o->keep;
    hn_optimizer_options_default(&optimizer_options);
    optimizer_options.clip_norm = 1;
    status = hn_context_create(&context_options, &b->context);
    if (status == HN_OK) status = hn_graph_create(b->context, NULL, &b->graph);
    if (status == HN_OK) status = hn_store_create(b->context, &b->store);
    if (status == HN_OK) status = hn_language_model_declare(b->store, &b->model);
    if (status == HN_OK) status = hn_store_seal(b->store, b->graph, 1);
    if (status == HN_OK) status = hn_weights_create(b->graph, b->store, &b->weights);
    if (status == HN_OK) status = hn_optimizer_create(b->store, &optimizer_options, &b->optimizer);
    if (status == HN_OK) status = hn_tensor_persist(b->graph, HN_DTYPE_U8, HN_SHAPE1(size), &b->corpus);
    if (status == HN_OK) status = hn_tensor_write(b->graph, b->corpus, HN_DTYPE_U8, size, text);
    const hn_shape state = HN_SHAPE2(o->batch, hn_cell_state_size(&b->model.cell));
    if (status == HN_OK) status = hn_tensor_persist(b->graph, HN_DTYPE_F32, state, &b->state);
    return status;
}

static hn_status step(const options *o, bench *b, int64_t size, int64_t index, double *out_loss)
{
    hn_window window = {.divisor = 0};
    hn_step_report report;
    int64_t starts[4096];
    const int64_t track = size / o->batch, windows = (track - 1) / o->length;
    hn_graph_reset(b->graph);
    hn_graph_set_step(b->graph, 1, (uint32_t)index);
    hn_status status = hn_store_zero_gradients(b->store);
    for (int64_t i = 0; i < o->batch; i++)
        starts[i] = i * track + index % windows * o->length;
    window.symbols = hn_gather_windows(b->graph, b->corpus, starts, o->batch, o->length);
    for (int64_t i = 0; i < o->batch; i++)
        starts[i]++;
    window.targets = hn_gather_windows(b->graph, b->corpus, starts, o->batch, o->length);
    const hn_language_result result = hn_language_run(b->weights, &b->model, &window, &b->state, NULL);
    if (status == HN_OK) status = hn_backward(b->graph, result.loss);
    if (status == HN_OK) status = hn_tensor_read(b->graph, result.loss, HN_DTYPE_F64, 1, out_loss);
    if (status == HN_OK) status = hn_optimizer_step(b->optimizer, 1e-3, &report);
    if (status == HN_OK) status = hn_tensor_store(b->graph, result.state[0], b->state);
    return status;
}

int main(int count, char **words)
{
    options o;
    bench b = {.context = NULL};
    int64_t size = 0;
    if (!parse(count, words, &o)) return fail("see the first lines of bench/step_bench.c for its options");
    uint8_t *text = read_text(o.data, &size);
    if (text == NULL || o.batch > 4096 || size / o.batch - 1 < o.length)
        return fail("the text is missing or shorter than a window");
    hn_status status = open_bench(&o, text, size, &b);
    for (int64_t i = 0; status == HN_OK && i < o.steps; i++) {
        double loss = 0;
        const double start = now();
        status = step(&o, &b, size, i, &loss);
        if (status != HN_OK) break;
        printf("{\"step\": %lld, \"seconds\": %.6f, \"loss\": %.6f, \"nodes\": %lld, \"peak_mb\": %.0f}\n",
               (long long)i, now() - start, loss, (long long)hn_graph_nodes(b.graph),
               (double)hn_graph_peak_bytes(b.graph) / 1e6);
        fflush(stdout);
    }
    if (status != HN_OK && b.context != NULL) fprintf(stderr, "step_bench: %s\n", hn_context_error(b.context)->text);
    hn_optimizer_destroy(b.optimizer);
    hn_weights_destroy(b.weights);
    hn_store_destroy(b.store);
    hn_graph_destroy(b.graph);
    hn_context_destroy(b.context);
    free(text);
    return status == HN_OK ? 0 : 1;
}
