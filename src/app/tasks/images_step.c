/* A training step on images: B images of the epoch's order, each seen through a view of its own (crop, flip, rotation), and the loss
 *
 *     cross-entropy with smoothed labels + kernel_decay * 1/2 sum of squares of kernels, stored or generated */
#include "app/data/image_batch.h"
#include "app/tasks/images.h"
#include "graph/graph.h"

static hn_image_norm norm_of(const hni_task_work *work)
{
    const double *norm = work->facts.norm;
    return (hn_image_norm){.mean = norm, .deviation = norm != NULL ? norm + work->model.channels : NULL};
}

static hn_tensor gather(hni_task_work *work, hn_tensor pixels, int64_t count)
{
    const hn_image_norm norm = norm_of(work);
    return hn_gather_images(work->graph, pixels, work->views, count, norm.mean != NULL ? &norm : NULL);
}

static hn_tensor targets_of(hni_task_work *work, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        work->labels[i] = work->images != NULL ? work->images->labels[work->views[i].index] : 0;
    return hn_tensor_from(work->graph, HN_DTYPE_I32, HN_SHAPE1(count), work->labels, false);
}

hn_tensor hni_images_plain(hni_task_work *work, hn_tensor pixels, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        work->views[i] = hni_image_view_plain(work->rows[i]);
    return gather(work, pixels, count);
}

/* Without data (a dry graph) all rows are image 0. */
static void choose_views(hni_task_work *work, int64_t step)
{
    const int64_t rows = work->data.batch;
    const hni_image_batch batch = {.batch = rows, .seed = work->graph->step.seed, .step = step, .count = rows};
    if (work->images != NULL) {
        hni_image_batch_rows(work->images, &batch, work->rows);
        hni_image_batch_views(work->images, &work->data, &batch, work->rows, work->views);
        return;
    }
    for (int64_t i = 0; i < rows; i++)
        work->views[i] = hni_image_view_plain(0);
}

hn_status hni_images_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss)
{
    hn_graph *graph = work->graph;
    choose_views(work, step);
    const hn_image_batch batch = {.images = gather(work, work->pixels, work->data.batch),
                                  .targets = targets_of(work, work->data.batch)};
    const hn_image_result result = hn_image_run(work->weights, &work->model, &batch);
    *out_loss = result.loss;
    if (work->model.kernel_decay > 0)
        *out_loss = hn_add(graph, result.loss, hn_scale(graph, result.penalty, work->model.kernel_decay, 0));
    return hn_graph_status(graph);
}
