/* Bits per character of a part of the text: the mean of -log2 p over the characters 2 .. end, state carried, no dropout.
 *
 * With K tracks the n - 1 predictions are divided into K ranges of equal length or one more; each track begins with a zero
 * state at the character before its range. So no character is left out, and K = 1 is the one stream of the paper. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/tasks/text.h"
#include "core/alloc.h"
#include "core/parallel.h"
#include "graph/graph.h"
#include "optim/adapt.h"

#define MOST_TRACKS 64
/* Fewer predictions than this a track and the zero states at their starts would show. */
#define LEAST_OF_TRACK 512
#define LONGEST_WINDOW 100

typedef struct evaluation {
    hni_task_work *work;
    const hni_evaluate_options *options;
    int64_t tracks, predictions;    /* K, n - 1 */
    int64_t first;                  /* place of the part in the corpus */
    int64_t window;                 /* longest window */
    hn_tensor state[HN_MAX_LAYERS]; /* [K,S] persistent */
    int64_t *starts;                /* [K] */
    float *bits;                    /* [K, window] */
    hni_text_ranks *ranks;
    hni_adapter *adapter; /* NULL: the weights stay */
    double sum;
    int64_t done;
} evaluation;

/* ---- how the part is divided ---- */

static int64_t choose_tracks(int64_t wanted, int64_t predictions)
{
    int64_t tracks = wanted;
    if (wanted == 0) {
        tracks = predictions / LEAST_OF_TRACK;
        if (tracks > MOST_TRACKS) tracks = MOST_TRACKS;
        if (tracks < 1) tracks = 1;
    }
    return tracks < predictions ? tracks : predictions;
}

/* Windows that hold no more characters than a training step, so that its memory is enough; a quarter fewer where embeddings are
 * observed, which takes memory too. */
static int64_t choose_window(const hni_task_work *work, int64_t tracks)
{
    const int64_t rows = (work->data.batch + work->parts - 1) / work->parts; /* of a part of a training step */
    const int64_t characters = rows * work->data.length;
    const int64_t window = (work->figure_count > 0 ? characters - characters / 4 : characters) / tracks;
    if (window > LONGEST_WINDOW) return LONGEST_WINDOW;
    return window < 1 ? 1 : window;
}

static hn_status choose_part(evaluation *run)
{
    const hni_task_work *work = run->work;
    const char *name = run->options->split;
    const int split = hni_text_split_find(name);
    if (work->text == NULL) return hni_error(work->context, HN_ERROR_STATE, "evaluation: opened without data");
    if (split < 0) {
        return hni_error(work->context, HN_ERROR_ARGUMENT, "split '%.40s' is unknown: it is valid, test, train or all",
                         name);
    }
    if (work->text->count[split] < 2) {
        return hni_error(
            work->context, HN_ERROR_ARGUMENT,
            "the %s part of the text has %lld characters, it needs at least 2: see data.%s_fraction of the recipe",
            name, (long long)work->text->count[split], name);
    }
    run->first = work->text->start[split];
    run->predictions = work->text->count[split] - 1;
    run->tracks = choose_tracks(run->options->tracks, run->predictions);
    run->window = run->options->window;
    if (run->options->dynamic != NULL) run->window = run->options->dynamic->length;
    if (run->window <= 0) run->window = choose_window(work, run->tracks);
    if (run->window > run->predictions) run->window = run->predictions;
    if (run->options->dynamic != NULL && run->tracks != 1) {
        return hni_error(work->context, HN_ERROR_ARGUMENT,
                         "dynamic evaluation: the weights follow one text, not %lld tracks", (long long)run->tracks);
    }
    if (run->options->symbol == NULL || run->tracks == 1) return HN_OK;
    return hni_error(work->context, HN_ERROR_ARGUMENT,
                     "bits of each symbol are in order with one track only, not with %lld", (long long)run->tracks);
}

static hn_status create(evaluation *run)
{
    hni_task_work *work = run->work;
    const hn_shape shape = HN_SHAPE2(run->tracks, hni_text_state_size(work));
    void *memory = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(work->context, "evaluation", (size_t)run->tracks, sizeof(int64_t), &memory));
    run->starts = memory;
    HNI_TRY(hni_alloc_array(work->context, "evaluation", (size_t)(run->tracks * run->window), sizeof(float), &memory));
    run->bits = memory;
    for (int k = 0; k < work->model.layers; k++)
        HNI_TRY(hn_tensor_persist(work->graph, hn_graph_dtype(work->graph), shape, &run->state[k]));
    if (run->options->dynamic == NULL) {
        HNI_TRY(hni_text_ranks_create(work, run->tracks * run->window, &run->ranks));
    } else {
        HNI_TRY(hni_text_dynamic_check(work, run->options->dynamic));
        HNI_TRY(hni_adapter_create(hn_weights_store(work->weights), &run->adapter));
        hn_graph_record(work->graph, true);
    }
cleanup:
    return status;
}

/* The first failure counts: `status`, else that of putting the weights back. */
static hn_status destroy(evaluation *run, hn_status status)
{
    hni_task_work *work = run->work;
    if (run->adapter != NULL) {
        const hn_status back = hni_adapter_restore(run->adapter);
        if (status == HN_OK) status = back;
    }
    hni_adapter_destroy(run->adapter);
    for (int k = 0; k < work->model.layers; k++)
        if (run->state[k].slot != 0) hn_tensor_drop(work->graph, run->state[k]);
    hni_free(work->context, run->starts);
    hni_free(work->context, run->bits);
    hni_text_ranks_destroy(run->ranks);
    return status;
}

/* ---- windows ---- */

/* Where the tracks are after `time` predictions; one that is shorter than that stays on its last one. */
static void place_tracks(const evaluation *run, int64_t time)
{
    for (int64_t track = 0; track < run->tracks; track++) {
        int64_t begin, end;
        hni_parallel_part(run->predictions, (int)run->tracks, (int)track, &begin, &end);
        run->starts[track] = run->first + (begin + time < end ? begin + time : end - 1);
    }
}

void hni_text_tell_symbol(const hni_task_work *work, const hni_evaluate_options *options, int64_t place, double bits)
{
    const hni_text_data *text = work->text;
    const int64_t row = hni_text_row(text, place);
    size_t size;
    const char *bytes = hn_vocabulary_symbol(text->vocabulary, row, &size);
    options->symbol(options->user, row, bytes, size, bits);
}

/* The weights follow the segment whose mean loss this is. */
static hn_status adapt(evaluation *run, hn_tensor loss)
{
    const hni_dynamic_options *dynamic = run->options->dynamic;
    hn_status status;
    HNI_TRY(hn_store_zero_gradients(hn_weights_store(run->work->weights)));
    HNI_TRY(hn_backward(run->work->graph, loss));
    HNI_TRY(hni_adapter_step(run->adapter, dynamic->rate, dynamic->decay));
cleanup:
    return status;
}

/* `length` predictions of every track from `time` on; the first `counted` tracks count. */
static hn_status predict(evaluation *run, int64_t time, int64_t length, int64_t counted)
{
    hni_task_work *work = run->work;
    hn_graph *graph = work->graph;
    hn_window window = {.divisor = 0};
    hn_observation seen[HN_MAX_LAYERS];
    const bool observe = counted == run->tracks && hni_text_ranks_want(run->ranks);
    hn_status status;
    hn_graph_reset(graph);
    place_tracks(run, time);
    window.symbols = hn_gather_windows(graph, work->corpus, run->starts, run->tracks, length);
    for (int64_t track = 0; track < run->tracks; track++)
        run->starts[track]++;
    const hn_tensor targets = hn_gather_windows(graph, work->corpus, run->starts, run->tracks, length);
    for (int64_t track = 0; track < run->tracks; track++)
        run->starts[track]--;
    if (run->adapter != NULL) window.targets = targets;
    const hn_language_result result =
        hn_language_run(work->weights, &work->model, &window, run->state, observe ? seen : NULL);
    const hn_tensor bits = hn_symbol_bits(graph, result.logits, targets);
    HNI_TRY(hn_graph_status(graph));
    HNI_TRY(hn_tensor_read(graph, bits, HN_DTYPE_F32, run->tracks * length, run->bits));
    if (run->adapter != NULL) HNI_TRY(adapt(run, result.loss)); /* while the state is still the one that was read */
    for (int k = 0; k < work->model.layers; k++)
        HNI_TRY(hn_tensor_store(graph, result.state[k], run->state[k]));
    if (observe) HNI_TRY(hni_text_ranks_add(run->ranks, seen));
    for (int64_t i = 0; i < counted * length; i++)
        run->sum += (double)run->bits[i];
    run->done += counted * length;
    for (int64_t t = 0; run->options->symbol != NULL && t < length; t++)
        hni_text_tell_symbol(work, run->options, run->starts[0] + 1 + t, (double)run->bits[t]);
cleanup:
    return status;
}

static hn_status predict_all(evaluation *run)
{
    const int64_t base = run->predictions / run->tracks, longer = run->predictions % run->tracks;
    const hni_evaluate_options *options = run->options;
    hn_status status = HN_OK;
    for (int64_t time = 0; status == HN_OK && time < base; time += run->window) {
        const int64_t left = base - time;
        status = predict(run, time, left < run->window ? left : run->window, run->tracks);
        if (status == HN_OK && options->progress != NULL &&
            !options->progress(options->user, run->done, run->predictions)) {
            status = hni_error(run->work->context, HN_ERROR_CANCELLED, "evaluation stopped");
        }
    }
    /* The first tracks have one prediction more; the others repeat their last one, which does not count. */
    if (status == HN_OK && longer > 0) status = predict(run, base, 1, longer);
    return status;
}

static const char *storage_word(hn_dtype storage)
{
    return storage == HN_DTYPE_BF16 ? "bf16" : storage == HN_DTYPE_I8 ? "int8" : "f32";
}

static void write_note(const evaluation *run, hni_metric *metric)
{
    const hni_dynamic_options *dynamic = run->options->dynamic;
    if (dynamic != NULL) {
        snprintf(metric->note, sizeof metric->note, "one stream, weights follow: rate %g, decay %g, segments of %lld",
                 dynamic->rate, dynamic->decay, (long long)run->window);
        return;
    }
    char tracks[32] = "one stream", stored[64] = "";
    if (run->tracks > 1) snprintf(tracks, sizeof tracks, "%lld tracks", (long long)run->tracks);
    if (run->options->stored)
        snprintf(stored, sizeof stored, ", matrices kept as %s", storage_word(run->options->storage));
    snprintf(metric->note, sizeof metric->note, "%s, state carried%s", tracks, stored);
}

hn_status hni_text_evaluate(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric)
{
    evaluation run = {.work = work, .options = options};
    hn_graph *graph = work->graph;
    const hni_graph_mode before = hni_graph_begin_evaluation(graph);
    hn_status status;
    memset(out_metric, 0, sizeof *out_metric);
    HNI_TRY(choose_part(&run));
    if (options->symbol != NULL) hni_text_tell_symbol(work, options, run.first, (double)NAN);
    if (options->stored) {
        const hni_text_part part = {run.first, run.predictions, run.tracks};
        HNI_TRY(hni_text_predict_stored(work, options, &part, &run.sum));
        run.done = run.predictions;
    } else {
        HNI_TRY(create(&run));
        HNI_TRY(predict_all(&run));
    }
    out_metric->value = run.sum / (double)run.done;
    out_metric->count = run.done;
    write_note(&run, out_metric);
    if (run.ranks != NULL) {
        hni_text_ranks_finish(run.ranks);
        out_metric->figures = work->figures;
        out_metric->figure_count = work->figure_count;
    }
    if (!isfinite(out_metric->value)) {
        status =
            hni_error(work->context, HN_ERROR_NONFINITE, "evaluation: the model's predictions are not finite numbers%s",
                      options->dynamic != NULL ? ": the weights left them behind: take a smaller rate" : "");
    }
cleanup:
    status = destroy(&run, status);
    hni_graph_end_evaluation(graph, before);
    return status;
}
