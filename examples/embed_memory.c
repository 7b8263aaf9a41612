/* What an embedder wants to govern: an allocator, a limit of memory, calls that can be cancelled, and a checkpoint that never sees a
 * disk. A model is written to memory, read back, and runs until the callback says no; at the end no block of memory is left. */
#include <hypernet/hypernet.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned char checkpoint[1 << 21];
static float numbers[sizeof checkpoint / sizeof(float)];

static void *resize(void *user, void *pointer, size_t size)
{
    long *blocks = user;
    *blocks += (pointer == NULL) - (size == 0);
    if (size != 0) return realloc(pointer, size);
    free(pointer);
    return NULL;
}

static bool may_go_on(void *user, const char *what, int64_t done, int64_t total)
{
    (void)what, (void)done, (void)total; /* for a bar */
    return --*(long *)user >= 0;
}

/* The parameters, the model's settings and the byte of each symbol, as `hypernet train` writes them to a file. */
static hn_status save(hn_context *context, const hn_store *store, const hn_language_model *model, size_t *out_size)
{
    hn_file_tensor tensors[64];
    char json[2048];
    float *next = numbers;
    int64_t count = 0;
    hn_status status = hn_language_model_to_json(context, model, json, sizeof json);
    for (; status == HN_OK && count < hn_store_count(store); count++) {
        const hn_parameter *parameter = hn_store_parameter(store, count);
        tensors[count] = (hn_file_tensor){parameter->name, HN_DTYPE_F32, parameter->shape, next};
        status = hn_store_read(store, count, HN_DTYPE_F32, parameter->elements, next);
        next += parameter->elements;
    }
    tensors[count++] = (hn_file_tensor){"blob.vocabulary", HN_DTYPE_U8, HN_SHAPE1(2), "ab"};
    const hn_safetensors_content content = {tensors, count, &(hn_file_text){"model", json}, 1};
    return status == HN_OK ? hn_safetensors_print(context, &content, checkpoint, sizeof checkpoint, out_size) : status;
}

int main(void)
{
    long blocks = 0, questions = 200;
    const hn_context_options options = {
        .allocator = {resize, &blocks}, .memory_limit = 8 << 20, .progress = may_go_on, .progress_user = &questions};
    size_t size = 0;
    float logits[2];
    int32_t symbol = 0;
    hn_language_model model;
    hn_context *context = NULL;
    hn_store *store = NULL;
    hn_graph *graph = NULL;
    hn_trained *trained = NULL;
    hn_stream *stream = NULL;
    if (hn_context_create(&options, &context) != HN_OK) return 1;
    hn_language_model_default(&model);
    model.vocabulary_size = 2;
    hn_status status = hn_graph_create(context, NULL, &graph);
    if (status == HN_OK) status = hn_store_create(context, &store);
    if (status == HN_OK) status = hn_language_model_declare(store, &model);
    if (status == HN_OK) status = hn_store_seal(store, graph, 1);
    if (status == HN_OK) status = save(context, store, &model, &size);
    if (status == HN_OK) status = hn_trained_parse(context, "checkpoint", checkpoint, size, NULL, &trained);
    if (status == HN_OK) status = hn_stream_create(trained->store, &trained->model, 1, &stream);
    while (status == HN_OK) {
        status = hn_stream_step(stream, &symbol, logits);
        symbol = logits[1] > logits[0];
    }
    printf("%zu bytes of checkpoint; %s\n", size, hn_context_error(context)->text);
    hn_stream_destroy(stream);
    hn_trained_close(trained);
    hn_store_destroy(store);
    hn_graph_destroy(graph);
    hn_context_destroy(context);
    return status == HN_ERROR_CANCELLED && blocks == 0 ? 0 : 1;
}
