/* Error of a part of the images, in percent: how many of a hundred a model takes for another class. Images as they are, batch norm by its
 * running statistics, no dropout. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/tasks/images.h"
#include "core/alloc.h"
#include "graph/graph.h"

typedef struct evaluation {
    hni_task_work *work;
    const hni_evaluate_options *options;
    const int32_t *part; /* places of the images; NULL: all, in order */
    int64_t count, done, wrong;
    double loss; /* summed, nats */
} evaluation;

static hn_status choose_part(evaluation *run)
{
    hni_task_work *work = run->work;
    const char *name = run->options->split;
    if (work->images == NULL) return hni_error(work->context, HN_ERROR_STATE, "evaluation: opened without data");
    if (strcmp(name, "all") == 0) {
        run->count = work->images->count;
        return HN_OK;
    }
    const int split = hni_images_split_find(name);
    if (split < 0) {
        return hni_error(work->context, HN_ERROR_ARGUMENT, "split '%.40s' is unknown: it is valid, test, train or all",
                         name);
    }
    run->part = work->images->part[split].rows;
    run->count = work->images->part[split].count;
    if (run->count > 0) return HN_OK;
    return hni_error(work->context, HN_ERROR_ARGUMENT, "the images have no %s part: %s", name,
                     split == HNI_IMAGES_VALID ? "set data.valid_images"
                                               : "put some beside the training images, or evaluate another part");
}

/* ---- one batch ---- */

static void count_item(evaluation *run, int64_t place, float *row)
{
    const hni_images *images = run->work->images;
    const int64_t label = images->labels[place];
    hni_task_item item = {.place = place,
                          .count = images->count,
                          .label = label,
                          .pixels = images->pixels + place * images->channels * images->height * images->width};
    run->loss += hni_images_softmax(run->work, row, &item);
    run->wrong += item.said != label;
    if (run->options->item != NULL) run->options->item(run->options->user, &item);
}

static hn_status classify(evaluation *run, int64_t count)
{
    hni_task_work *work = run->work;
    hn_status status;
    hn_graph_reset(work->graph);
    for (int64_t i = 0; i < count; i++)
        work->rows[i] = run->part != NULL ? run->part[run->done + i] : run->done + i;
    HNI_TRY(hni_images_classify(work, work->pixels, count));
    for (int64_t i = 0; i < count; i++)
        count_item(run, work->rows[i], work->logits + i * work->model.classes);
    run->done += count;
cleanup:
    return status;
}

/* ---- the whole ---- */

static hn_status classify_all(evaluation *run)
{
    const hni_evaluate_options *options = run->options;
    const int64_t most = run->work->data.batch;
    hn_status status = HN_OK;
    while (status == HN_OK && run->done < run->count) {
        const int64_t left = run->count - run->done;
        status = classify(run, left < most ? left : most);
        if (status == HN_OK && options->progress != NULL && !options->progress(options->user, run->done, run->count))
            status = hni_error(run->work->context, HN_ERROR_CANCELLED, "evaluation stopped");
    }
    return status;
}

hn_status hni_images_evaluate(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric)
{
    evaluation run = {.work = work, .options = options};
    hn_graph *graph = work->graph;
    const hni_graph_mode before = hni_graph_begin_evaluation(graph);
    hn_status status;
    memset(out_metric, 0, sizeof *out_metric);
    HNI_TRY(choose_part(&run));
    HNI_TRY(classify_all(&run));
    work->figure.value = run.loss / (double)run.count;
    *out_metric = (hni_metric){.value = 100.0 * (double)run.wrong / (double)run.count,
                               .count = run.count,
                               .figures = &work->figure,
                               .figure_count = 1};
    snprintf(out_metric->note, sizeof out_metric->note, "%lld of %lld wrong, loss %.4f nats", (long long)run.wrong,
             (long long)run.count, work->figure.value);
    if (!isfinite(work->figure.value))
        status = hni_error(work->context, HN_ERROR_NONFINITE,
                           "evaluation: the model's outputs are not finite numbers: its checkpoint is damaged, or its "
                           "training failed");
cleanup:
    hni_graph_end_evaluation(graph, before);
    return status;
}
