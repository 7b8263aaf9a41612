/* What a model takes images for: outputs, probabilities, and the images of any file. */
#include <math.h>

#include "app/tasks/images.h"
#include "core/alloc.h"
#include "graph/graph.h"

hn_status hni_images_classify(hni_task_work *work, hn_tensor pixels, int64_t count)
{
    const hn_image_batch batch = {.images = hni_images_plain(work, pixels, count)};
    const hn_image_result result = hn_image_run(work->weights, &work->model, &batch);
    const hn_status status = hn_graph_status(work->graph);
    if (status != HN_OK) return status;
    return hn_tensor_read(work->graph, result.logits, HN_DTYPE_F32, count * work->model.classes, work->logits);
}

double hni_images_softmax(const hni_task_work *work, float *row, hni_task_item *item)
{
    const int64_t classes = work->model.classes, label = item->label;
    double largest = -(double)INFINITY, sum = 0;
    for (int64_t k = 0; k < classes; k++) {
        if (!((double)row[k] > largest)) continue;
        largest = (double)row[k];
        item->said = k;
    }
    for (int64_t k = 0; k < classes; k++)
        sum += exp((double)row[k] - largest);
    const double loss = label >= 0 ? log(sum) + largest - (double)row[label] : 0;
    for (int64_t k = 0; k < classes; k++)
        row[k] = (float)(exp((double)row[k] - largest) / sum);
    item->probabilities = row;
    item->classes = classes;
    item->channels = work->model.channels;
    item->height = work->model.height;
    item->width = work->model.width;
    return loss;
}

/* ---- the images of a file ---- */

static hn_status check_size(const hni_task_work *work, const char *path, const hni_pixels *pixels)
{
    const hn_image_model *model = &work->model;
    if (pixels->channels == model->channels && pixels->height == model->height && pixels->width == model->width)
        return HN_OK;
    return hni_error(
        work->context, HN_ERROR_SHAPE,
        "%.300s: an image has %lld channels of %lld x %lld (height x width), the model reads %lld of %lld x %lld: "
        "%s it first",
        path, (long long)pixels->channels, (long long)pixels->height, (long long)pixels->width,
        (long long)model->channels, (long long)model->height, (long long)model->width,
        pixels->height == model->height && pixels->width == model->width ? "convert" : "scale");
}

static hn_status check_finite(const hni_task_work *work, const char *path, int64_t count)
{
    for (int64_t i = 0; i < count * work->model.classes; i++) {
        if (isfinite(work->logits[i])) continue;
        return hni_error(
            work->context, HN_ERROR_NONFINITE,
            "%.300s: the model's outputs are not finite numbers: its checkpoint is damaged, or its training failed",
            path);
    }
    return HN_OK;
}

static hn_status predict_some(hni_task_work *work, const hni_pixels *pixels, int64_t first, int64_t count)
{
    const hn_shape shape = HN_SHAPE4(count, pixels->channels, pixels->height, pixels->width);
    const int64_t size = pixels->channels * pixels->height * pixels->width;
    hn_graph_reset(work->graph);
    const hn_tensor tensor = hn_tensor_from(work->graph, HN_DTYPE_U8, shape, pixels->data + first * size, false);
    for (int64_t i = 0; i < count; i++)
        work->rows[i] = i;
    return hni_images_classify(work, tensor, count);
}

hn_status hni_images_predict(hni_task_work *work, const char *path, void (*tell)(void *user, const hni_task_item *item),
                             void *user)
{
    hni_pixels pixels = {.data = NULL};
    hn_graph *graph = work->graph;
    const hni_graph_mode before = hni_graph_begin_evaluation(graph);
    hn_status status;
    HNI_TRY(hni_pixels_read(work->context, path, &pixels));
    HNI_TRY(check_size(work, path, &pixels));
    const int64_t size = pixels.channels * pixels.height * pixels.width;
    for (int64_t first = 0; first < pixels.count; first += work->data.batch) {
        const int64_t left = pixels.count - first, count = left < work->data.batch ? left : work->data.batch;
        HNI_TRY(predict_some(work, &pixels, first, count));
        HNI_TRY(check_finite(work, path, count));
        for (int64_t i = 0; i < count; i++) {
            hni_task_item item = {
                .place = first + i, .count = pixels.count, .label = -1, .pixels = pixels.data + (first + i) * size};
            (void)hni_images_softmax(work, work->logits + i * work->model.classes, &item);
            tell(user, &item);
        }
    }
cleanup:
    hni_graph_end_evaluation(graph, before);
    hni_free(work->context, pixels.data);
    return status;
}
