/* Bits per character as sampling would have them: the text is read symbol by symbol by a stream whose matrices are kept in some type of
 * storage, a row a track. What a type of storage costs is the difference to F32. */
#include <string.h>

#include "app/tasks/text.h"
#include "app/tasks/text_draw.h"
#include "core/alloc.h"
#include "core/parallel.h"

/* Steps between two calls of the progress callback. */
#define STEPS_OF_PROGRESS 200

typedef struct reader {
    hni_task_work *work;
    const hni_evaluate_options *options;
    const hni_text_part *part;
    hn_stream *stream;
    int32_t *symbols; /* [K] */
    int64_t *places;  /* [K] of the symbols that are read */
    float *logits;    /* [K,V] */
    double sum;
} reader;

static hn_status create(reader *run)
{
    hn_context *context = run->work->context;
    const hn_stream_options stream = {.storage = run->options->storage};
    const hn_language_model *model = &run->work->model;
    const size_t tracks = (size_t)run->part->tracks;
    void *memory = NULL;
    hn_status status;
    HNI_TRY(
        hn_stream_create_with(hn_weights_store(run->work->weights), model, run->part->tracks, &stream, &run->stream));
    HNI_TRY(hni_alloc_array(context, "evaluation", tracks, sizeof *run->symbols, &memory));
    run->symbols = memory;
    HNI_TRY(hni_alloc_array(context, "evaluation", tracks, sizeof *run->places, &memory));
    run->places = memory;
    HNI_TRY(
        hni_alloc_array(context, "evaluation", tracks * (size_t)model->vocabulary_size, sizeof *run->logits, &memory));
    run->logits = memory;
cleanup:
    return status;
}

static void destroy(reader *run)
{
    hn_context *context = run->work->context;
    hn_stream_destroy(run->stream);
    hni_free(context, run->symbols);
    hni_free(context, run->places);
    hni_free(context, run->logits);
}

/* Prediction `time` of every track; a track that is a prediction shorter stays on its last one, which does not count again. */
static hn_status predict(reader *run, int64_t time)
{
    const hni_text_part *part = run->part;
    const int64_t v = run->work->model.vocabulary_size;
    int64_t counted = 0;
    for (int64_t track = 0; track < part->tracks; track++) {
        int64_t begin, end;
        hni_parallel_part(part->predictions, (int)part->tracks, (int)track, &begin, &end);
        run->places[track] = part->first + (begin + time < end ? begin + time : end - 1);
        run->symbols[track] = (int32_t)hni_text_row(run->work->text, run->places[track]);
        counted += begin + time < end; /* the longer tracks come first */
    }
    const hn_status status = hn_stream_step(run->stream, run->symbols, run->logits);
    for (int64_t track = 0; status == HN_OK && track < counted; track++) {
        const int64_t next = run->places[track] + 1;
        const double bits = hni_text_bits(run->logits + track * v, v, hni_text_row(run->work->text, next));
        run->sum += bits;
        if (run->options->symbol != NULL) hni_text_tell_symbol(run->work, run->options, next, bits);
    }
    return status;
}

hn_status hni_text_predict_stored(hni_task_work *work, const hni_evaluate_options *options, const hni_text_part *part,
                                  double *out_bits)
{
    reader run = {.work = work, .options = options, .part = part};
    const int64_t steps = (part->predictions + part->tracks - 1) / part->tracks;
    hn_status status;
    if (options->dynamic != NULL) {
        return hni_error(work->context, HN_ERROR_ARGUMENT,
                         "dynamic evaluation: the weights follow the text, packed ones cannot");
    }
    HNI_TRY(create(&run));
    for (int64_t time = 0; time < steps; time++) {
        HNI_TRY(predict(&run, time));
        if (options->progress == NULL || time % STEPS_OF_PROGRESS != 0) continue;
        const int64_t done = time * part->tracks;
        if (!options->progress(options->user, done, part->predictions)) {
            status = hni_error(work->context, HN_ERROR_CANCELLED, "evaluation stopped");
            goto cleanup;
        }
    }
    *out_bits = run.sum;
cleanup:
    destroy(&run);
    return status;
}
