/* Which weights of an image model are generated, and their generation: one list for the pass, for whoever counts, and for whoever
 * writes them out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"
#include "nn/image.h"

static const char generator_name[] = "generator";

int64_t hni_image_blocks(const hn_image_model *model) { return (model->depth - 4) / 6; }

/* Kernel `index` of the three groups: two a block. Groups have 16k, 32k, 64k channels, the first kernel of all reads 16. */
static bool resnet_kernel(const hn_image_model *model, int64_t index, hn_image_generated *out)
{
    const int64_t blocks = hni_image_blocks(model), group = index / (2 * blocks), place = index % (2 * blocks);
    if (group >= 3) return false;
    const int64_t outputs = (int64_t)16 * model->widen << group;
    const int64_t before = group == 0 ? 16 : outputs / 2;
    snprintf(out->name, sizeof out->name, "groups.%d.blocks.%d.conv%d.kernel", (int)group, (int)(place / 2),
             (int)(place % 2) + 1);
    out->shape = HN_SHAPE4(outputs, place == 0 ? before : outputs, 3, 3);
    return true;
}

bool hn_image_model_generated(const hn_image_model *model, int64_t index, hn_image_generated *out_generated)
{
    if (index < 0 || model->weights == HN_IMAGE_WEIGHTS_STORED) return false;
    if (model->network == HN_IMAGE_NETWORK_WIDE_RESNET) return resnet_kernel(model, index, out_generated);
    if (index > 0) return false;
    const bool conv = model->network == HN_IMAGE_NETWORK_CONV;
    snprintf(out_generated->name, sizeof out_generated->name, "%s", conv ? "conv2.kernel" : "hidden.weight");
    out_generated->shape = conv ? HN_SHAPE4(model->filters, model->filters, model->kernel_size, model->kernel_size)
                                : HN_SHAPE2(model->units, model->channels * model->height * model->width);
    return true;
}

static bool is_generators(const char *name)
{
    const size_t length = sizeof generator_name - 1;
    return strncmp(name, generator_name, length) == 0 && name[length] == '.';
}

void hn_image_model_counts(const hn_image_model *model, const hn_store *store, hn_image_counts *out_counts)
{
    hn_image_generated generated;
    *out_counts = (hn_image_counts){0, 0, 0, 0};
    for (int64_t i = 0; hn_image_model_generated(model, i, &generated); i++)
        out_counts->generated += hn_shape_elements(generated.shape);
    for (int64_t i = 0; i < hn_store_count(store); i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        if (!is_generators(parameter->name)) {
            out_counts->network += parameter->elements;
        } else if (strcmp(parameter->name, "generator.embeddings") == 0) {
            out_counts->embeddings += parameter->elements;
        } else {
            out_counts->generator += parameter->elements;
        }
    }
}

/* ---- generation ---- */

hn_kernel_generator hni_image_generator(const hn_image_model *model, int64_t size)
{
    const bool linear = model->weights == HN_IMAGE_WEIGHTS_HYPER_LINEAR;
    return (hn_kernel_generator){.inputs = model->basic_size,
                                 .outputs = model->basic_size,
                                 .size = size,
                                 .embedding_size = model->embedding_size,
                                 .units = linear ? 0 : model->generator_units,
                                 .linear = linear,
                                 .start = model->start};
}

static hn_status make_kernels(hni_image_pass *pass, const hn_image_generated *list, int64_t count)
{
    const hn_image_model *model = pass->model;
    const hn_kernel_generator generator = hni_image_generator(model, list[0].shape.size[2]);
    hn_tensor block = HN_NO_TENSOR;
    void *memory = NULL;
    hn_status status = hni_arena_take(&pass->graph->meta, (size_t)count * sizeof(hn_target), &memory);
    if (status != HN_OK) return status;
    hn_target *targets = memory;
    for (int64_t i = 0; i < count; i++)
        targets[i] = (hn_target){list[i].name, list[i].shape};
    status = hn_generate_kernels(pass->weights, generator_name, &generator, targets, count, &block);
    hni_image_penalise(pass, block);
    return status;
}

static hn_status make_matrix(hni_image_pass *pass, const hn_image_generated *matrix)
{
    const hn_image_model *model = pass->model;
    const int64_t side = (int64_t)lround(sqrt((double)model->units));
    const hn_coordinate_generator generator = {
        .units = model->coordinate_units, .hidden_layers = 2, .frequencies = model->frequencies, .start = model->start};
    const hn_coordinate_target target = {matrix->name, {model->height, model->width}, {side, side}};
    const hn_status status = hn_generate_from_coordinates(pass->weights, generator_name, &generator, &target);
    if (status != HN_OK) return status;
    hni_image_penalise(pass, hn_weights_get(pass->weights, matrix->name, matrix->shape, hn_init_zeros()));
    return HN_OK;
}

/* The list lies in the step's memory. */
hn_status hni_image_make_weights(hni_image_pass *pass)
{
    hn_graph *graph = pass->graph;
    hn_image_generated one;
    void *memory = NULL;
    int64_t count = 0;
    while (hn_image_model_generated(pass->model, count, &one))
        count++;
    if (count == 0) return HN_OK;
    hn_status status = hni_arena_take(&graph->meta, (size_t)count * sizeof one, &memory);
    if (status == HN_OK) {
        hn_image_generated *list = memory;
        for (int64_t i = 0; i < count; i++)
            (void)hn_image_model_generated(pass->model, i, &list[i]);
        status = pass->model->weights == HN_IMAGE_WEIGHTS_COORDINATES ? make_matrix(pass, list)
                                                                      : make_kernels(pass, list, count);
    }
    if (graph->status == HN_OK) graph->status = status;
    return status;
}

hn_status hn_image_generate(hn_weights *weights, const hn_image_model *model)
{
    hni_image_pass pass = {.weights = weights, .graph = hn_weights_graph(weights), .model = model};
    hn_status status = hn_graph_status(pass.graph);
    if (status == HN_OK) status = pass.graph->status = hn_image_model_check(hn_graph_context(pass.graph), model);
    return status == HN_OK ? hni_image_make_weights(&pass) : status;
}
