/* A trained network with generated weights as an ordinary one: what the generator makes is written down, and the rest goes along. */
#include <math.h>

#include "app/tasks/images.h"
#include "core/alloc.h"
#include "core/rng.h"
#include "graph/graph.h"
#include "params/store.h"

/* One tensor of the work's weights, stored or generated, into the baked store. */
static hn_status copy_parameter(hni_task_work *work, hn_store *baked, int64_t index)
{
    const hn_parameter *parameter = hn_store_parameter(baked, index);
    void *data = NULL;
    hn_status status;
    const hn_tensor tensor = hn_weights_get(work->weights, parameter->name, parameter->shape, parameter->init);
    HNI_TRY(hni_alloc_array(work->context, "weights", (size_t)parameter->elements, sizeof(float), &data));
    HNI_TRY(hn_tensor_read(work->graph, tensor, HN_DTYPE_F32, parameter->elements, data));
    HNI_TRY(hn_store_write(baked, index, HN_DTYPE_F32, parameter->elements, data));
cleanup:
    hni_free(work->context, data);
    return status;
}

static hn_status copy_buffer(hni_task_work *work, hn_store *baked, int64_t index)
{
    const hn_store *store = hn_weights_store(work->weights);
    const hn_parameter *buffer = hn_store_buffer(baked, index);
    void *data = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(work->context, "weights", (size_t)buffer->elements, sizeof(float), &data));
    HNI_TRY(
        hn_store_buffer_read(store, hn_store_buffer_find(store, buffer->name), HN_DTYPE_F32, buffer->elements, data));
    HNI_TRY(hn_store_buffer_write(baked, index, HN_DTYPE_F32, buffer->elements, data));
cleanup:
    hni_free(work->context, data);
    return status;
}

static hn_status fill(hni_task_work *work, hn_store *baked)
{
    hn_status status;
    HNI_TRY(hn_image_generate(work->weights, &work->model));
    for (int64_t i = 0; i < hn_store_count(baked); i++)
        HNI_TRY(copy_parameter(work, baked, i));
    for (int64_t i = 0; i < hn_store_buffer_count(baked); i++)
        HNI_TRY(copy_buffer(work, baked, i));
cleanup:
    return status;
}

hn_status hni_images_write_down(hni_task_work *work, hn_store *baked, char *out_json, size_t size)
{
    hn_graph *graph = work->graph;
    const hni_graph_mode before = hni_graph_begin_evaluation(graph);
    hn_image_model model;
    hn_status status;
    hn_image_model_baked(&work->model, &model);
    if (out_json != NULL) HNI_TRY(hn_image_model_to_json(work->context, &model, out_json, size));
    HNI_TRY(hn_image_model_declare(baked, &model));
    HNI_TRY(hni_store_seal_zero(baked, graph));
    HNI_TRY(fill(work, baked));
cleanup:
    hni_graph_end_evaluation(graph, before);
    return status;
}

hn_status hni_images_bake(hni_task_work *work, hn_store *baked, char *out_json, size_t size)
{
    if (work->model.weights == HN_IMAGE_WEIGHTS_STORED) {
        return hni_error(work->context, HN_ERROR_ARGUMENT,
                         "the model has no generated weights: its checkpoint is an ordinary network already");
    }
    return hni_images_write_down(work, baked, out_json, size);
}

/* ---- whether two models say the same ---- */

/* Outputs for `count` made-up images, the same for every model of one size; in work->logits. */
static hn_status classify_noise(hni_task_work *work, int64_t count)
{
    const hn_image_model *model = &work->model;
    const int64_t bytes = count * model->channels * model->height * model->width;
    const hni_rng_key key = {.seed = 1, .site = hni_rng_site("baked images")};
    hn_graph *graph = work->graph;
    const hni_graph_mode before = hni_graph_begin_evaluation(graph);
    void *pixels = NULL;
    hn_status status;
    HNI_TRY(hni_alloc(work->context, "images", (size_t)bytes, &pixels));
    for (int64_t i = 0; i < bytes; i++)
        ((uint8_t *)pixels)[i] = (uint8_t)(hni_rng_word(&key, (uint64_t)i) >> 24);
    for (int64_t i = 0; i < count; i++)
        work->rows[i] = i;
    const hn_shape shape = HN_SHAPE4(count, model->channels, model->height, model->width);
    HNI_TRY(hni_images_classify(work, hn_tensor_from(graph, HN_DTYPE_U8, shape, pixels, false), count));
cleanup:
    hni_graph_end_evaluation(graph, before);
    hni_free(work->context, pixels);
    return status;
}

hn_status hni_images_compare(hni_task_work *work, hni_task_work *other, int64_t most,
                             hni_task_difference *out_difference)
{
    const int64_t rows = work->data.batch < other->data.batch ? work->data.batch : other->data.batch;
    const int64_t count = rows < most ? rows : most, numbers = count * work->model.classes;
    double largest = 0, apart = 0;
    bool is_finite = true;
    hn_status status;
    HNI_TRY(classify_noise(work, count));
    HNI_TRY(classify_noise(other, count));
    for (int64_t i = 0; i < numbers; i++) {
        const double one = (double)work->logits[i], two = (double)other->logits[i];
        is_finite = is_finite && isfinite(one) && isfinite(two);
        largest = fmax(largest, fabs(one));
        apart = fmax(apart, fabs(one - two));
    }
    *out_difference = (hni_task_difference){.items = count, .share = largest > 0 ? apart / largest : apart};
    if (!is_finite)
        status = hni_error(work->context, HN_ERROR_NONFINITE,
                           "the model's outputs are not finite numbers: its checkpoint is damaged, or its training "
                           "failed");
cleanup:
    return status;
}
