/* Loads a checkpoint that `hypernet train` wrote and streams characters: nothing but libhypernet.
 *
 *     stream_checkpoint RUN/best.safetensors [LENGTH] */
#include <hypernet/hypernet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Draws from softmax(logits / temperature) with rand(): a program of your own would bring its own generator. */
static int32_t draw(const float *logits, int64_t count, double temperature)
{
    double largest = logits[0], total = 0;
    for (int64_t i = 1; i < count; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    for (int64_t i = 0; i < count; i++)
        total += exp((logits[i] - largest) / temperature);
    double left = (double)rand() / ((double)RAND_MAX + 1) * total;
    for (int64_t i = 0; i < count; i++) {
        left -= exp((logits[i] - largest) / temperature);
        if (left < 0) return (int32_t)i;
    }
    return (int32_t)count - 1;
}

int main(int count, char **words)
{
    hn_context *context = NULL;
    hn_trained *trained = NULL;
    hn_stream *stream = NULL;
    float *logits = NULL;
    if (count < 2) {
        fprintf(stderr, "usage: stream_checkpoint RUN/best.safetensors [LENGTH]\n");
        return 2;
    }
    const long length = count > 2 ? strtol(words[2], NULL, 10) : 500;
    if (hn_context_create(NULL, &context) != HN_OK) return 1;
    hn_status status = hn_trained_open(context, words[1], NULL, &trained);
    if (status == HN_OK) status = hn_stream_create(trained->store, &trained->model, 1, &stream);
    if (status == HN_OK) logits = malloc((size_t)trained->model.vocabulary_size * sizeof *logits);
    size_t size = 0;
    int32_t symbol = status == HN_OK ? (int32_t)hn_vocabulary_find(trained->vocabulary, "\n", 1, &size) : 0;
    if (symbol < 0) symbol = 0; /* begin after the end of a line, if the text had lines */
    for (long i = 0; status == HN_OK && logits != NULL && i < length; i++) {
        status = hn_stream_step(stream, &symbol, logits);
        if (status != HN_OK) break;
        symbol = draw(logits, hn_vocabulary_count(trained->vocabulary), 0.8);
        const char *bytes = hn_vocabulary_symbol(trained->vocabulary, symbol, &size);
        fwrite(bytes, 1, size, stdout);
    }
    putchar('\n');
    if (status != HN_OK) fprintf(stderr, "stream_checkpoint: %s\n", hn_context_error(context)->text);
    free(logits);
    hn_stream_destroy(stream);
    hn_trained_close(trained);
    hn_context_destroy(context);
    return status == HN_OK ? 0 : 1;
}
