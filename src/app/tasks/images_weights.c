/* The weights of a network and the embeddings that some are made of, told to whoever looks at them. Kernels [O,C,f,f] are looked at as a
 * grid of f x f filters, a row for each input channel and a column for each output channel; the hidden matrix of a fully connected network
 * as one image for each unit. */
#include <stdio.h>
#include <string.h>

#include "app/tasks/images.h"
#include "core/alloc.h"
#include "graph/graph.h"
#include "nn/image.h"

/* ---- how a weight is looked at ---- */

static bool has_tiles(const hn_image_model *model)
{
    return model->weights == HN_IMAGE_WEIGHTS_HYPER || model->weights == HN_IMAGE_WEIGHTS_HYPER_LINEAR;
}

static void lay_out_kernel(const hn_image_model *model, hni_task_weight *weight)
{
    const size_t outputs = (size_t)weight->shape.size[0], inputs = (size_t)weight->shape.size[1],
                 f = (size_t)weight->shape.size[2], basic = (size_t)model->basic_size;
    weight->filters = (hni_filters){
        .rows = inputs, .columns = outputs, .height = f, .width = f, .strides = {f * f, inputs * f * f, f, 1}};
    weight->row_word = "input channel";
    weight->column_word = "output channel";
    if (!weight->generated || !has_tiles(model)) return;
    weight->filters.tile_rows = weight->filters.tile_columns = basic;
}

/* Units as near to a square as their number allows; channels of an image below each other. */
static void lay_out_hidden(const hn_image_model *model, hni_task_weight *weight)
{
    const size_t units = (size_t)weight->shape.size[0];
    size_t rows = 1;
    for (size_t i = 1; i * i <= units; i++)
        if (units % i == 0) rows = i;
    weight->filters = (hni_filters){.rows = rows,
                                    .columns = units / rows,
                                    .height = (size_t)(model->channels * model->height),
                                    .width = (size_t)model->width};
}

/* The kernel or matrix that is generated in the hypernetworks; of a wide ResNet, one of the first two groups each that its other blocks are
 * like: of 40-1 these are the sizes of the paper's figures 12 and 13. */
static bool is_shown(const hn_image_model *model, const char *name)
{
    switch (model->network) {
    case HN_IMAGE_NETWORK_CONV: return strcmp(name, "conv2.kernel") == 0;
    case HN_IMAGE_NETWORK_MLP: return strcmp(name, "hidden.weight") == 0;
    default:
        return strcmp(name, "groups.0.blocks.0.conv2.kernel") == 0 ||
               strcmp(name, "groups.1.blocks.0.conv2.kernel") == 0;
    }
}

static bool is_generated(const hn_image_model *model, const char *name)
{
    hn_image_generated generated;
    for (int64_t i = 0; hn_image_model_generated(model, i, &generated); i++)
        if (strcmp(generated.name, name) == 0) return true;
    return false;
}

static hni_task_weight describe(const hn_image_model *model, const hn_parameter *parameter)
{
    hni_task_weight weight = {.name = parameter->name,
                              .shape = parameter->shape,
                              .generated = is_generated(model, parameter->name),
                              .shown = is_shown(model, parameter->name),
                              .above = model->network == HN_IMAGE_NETWORK_WIDE_RESNET};
    if (parameter->shape.rank == 4) lay_out_kernel(model, &weight);
    if (strcmp(parameter->name, "hidden.weight") == 0) lay_out_hidden(model, &weight);
    return weight;
}

/* ---- weights ---- */

static hn_status tell_weight(const hni_task_work *work, const hn_store *store, int64_t index,
                             void (*tell)(void *user, const hni_task_weight *weight), void *user)
{
    const hn_parameter *parameter = hn_store_parameter(store, index);
    hni_task_weight weight = describe(&work->model, parameter);
    void *values = NULL;
    hn_status status;
    HNI_TRY(hni_alloc_array(work->context, "weights", (size_t)parameter->elements, sizeof(float), &values));
    HNI_TRY(hn_store_read(store, index, HN_DTYPE_F32, parameter->elements, values));
    weight.values = values;
    tell(user, &weight);
cleanup:
    hni_free(work->context, values);
    return status;
}

hn_status hni_images_weights(hni_task_work *work, void (*tell)(void *user, const hni_task_weight *weight), void *user)
{
    hn_store *store = NULL;
    hn_status status;
    HNI_TRY(hn_store_create(work->context, &store));
    HNI_TRY(hni_images_write_down(work, store, NULL, 0));
    for (int64_t i = 0; i < hn_store_count(store); i++)
        HNI_TRY(tell_weight(work, store, i, tell, user));
cleanup:
    hn_store_destroy(store);
    return status;
}

/* ---- embeddings ---- */

/* "groups.1.blocks.0.conv1.kernel": group 1. The kernel of a small network is its own group. */
static void name_group(const hn_image_generated *generated, char *out_group, size_t size)
{
    int group = 0;
    if (sscanf(generated->name, "groups.%d.", &group) == 1) {
        snprintf(out_group, size, "group %d", group);
    } else {
        snprintf(out_group, size, "%s", generated->name);
    }
}

/* The embeddings of one weight; returns how many there are, in out_tiles. */
static hn_status tell_embeddings(const hni_task_work *work, const hn_image_generated *generated, const float *values,
                                 void (*tell)(void *user, const hni_task_embedding *embedding), void *user,
                                 int64_t *out_tiles)
{
    const hn_image_model *model = &work->model;
    const size_t basic = (size_t)model->basic_size, f = (size_t)generated->shape.size[2];
    const hn_kernel_generator generator = hni_image_generator(model, generated->shape.size[2]);
    const hn_target target = {generated->name, generated->shape};
    char group[64];
    const hn_status status = hn_kernel_generator_tiles(work->context, &generator, &target, out_tiles);
    if (status != HN_OK) return status;
    name_group(generated, group, sizeof group);
    for (int64_t tile = 0; tile < *out_tiles; tile++) {
        const hni_task_embedding embedding = {
            .weight = generated->name,
            .group = group,
            .tile = tile,
            .tiles = *out_tiles,
            .values = values + tile * model->embedding_size,
            .size = model->embedding_size,
            .filters = {.rows = basic, .columns = basic, .height = f, .width = f},
        };
        tell(user, &embedding);
    }
    return HN_OK;
}

hn_status hni_images_embeddings(hni_task_work *work, void (*tell)(void *user, const hni_task_embedding *embedding),
                                void *user)
{
    const hn_store *store = hn_weights_store(work->weights);
    const int64_t index = hn_store_find(store, "generator.embeddings");
    hn_image_generated generated;
    void *memory = NULL;
    int64_t first = 0, tiles = 0;
    hn_status status;
    if (!has_tiles(&work->model)) return HN_OK;
    const int64_t elements = hn_store_parameter(store, index)->elements;
    HNI_TRY(hni_alloc_array(work->context, "embeddings", (size_t)elements, sizeof(float), &memory));
    HNI_TRY(hn_store_read(store, index, HN_DTYPE_F32, elements, memory));
    for (int64_t i = 0; hn_image_model_generated(&work->model, i, &generated); i++) {
        const float *values = (const float *)memory + first * work->model.embedding_size;
        HNI_TRY(tell_embeddings(work, &generated, values, tell, user, &tiles));
        first += tiles;
    }
cleanup:
    hni_free(work->context, memory);
    return status;
}

hn_status hni_images_make(hni_task_work *work, const float *embeddings, int64_t count, float *out_tiles)
{
    const hn_image_model *model = &work->model;
    hn_graph *graph = work->graph;
    hn_image_generated generated;
    hn_status status;
    if (!has_tiles(model) || !hn_image_model_generated(model, 0, &generated))
        return hni_error(work->context, HN_ERROR_STATE, "the model has no embeddings");
    const int64_t f = generated.shape.size[2];
    const hn_kernel_generator generator = hni_image_generator(model, f);
    const hni_graph_mode before = hni_graph_begin_evaluation(graph);
    const hn_tensor given =
        hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(count, model->embedding_size), embeddings, false);
    const hn_tensor made = hn_generate_tiles(work->weights, "generator", &generator, given);
    HNI_TRY(hn_graph_status(graph));
    HNI_TRY(
        hn_tensor_read(graph, made, HN_DTYPE_F32, count * model->basic_size * model->basic_size * f * f, out_tiles));
cleanup:
    hni_graph_end_evaluation(graph, before);
    return status;
}
