/* The image models: generated weights, one of three networks, loss and penalty (paper 4.1, A.1; the wide ResNet is in wide_resnet.c).
 *
 * conv: twice conv f x f with SAME padding, relu, 2 x 2 max pool; then the classifier on [C,H,W] row-major.
 * mlp: relu(W x + b) on [C,H,W] row-major, then the classifier. */
#include <math.h>

#include "graph/graph.h"
#include "nn/cell.h"
#include "nn/image.h"
#include "params/store.h"

/* ---- parts of all networks ---- */

void hni_image_penalise(hni_image_pass *pass, hn_tensor kernel)
{
    if (!pass->penalised) return;
    const hn_tensor square = hn_sum(pass->graph, hn_mul(pass->graph, kernel, kernel), HN_ALL_AXES, false);
    pass->squares = pass->squares.slot == 0 ? square : hn_add(pass->graph, pass->squares, square);
}

hn_tensor hni_image_conv2d(hni_image_pass *pass, const char *name, hn_tensor x, const hni_image_conv *conv)
{
    const hn_shape shape = hn_tensor_shape(pass->graph, x);
    const hn_conv2d_options options = {.stride = conv->stride, .padding = (int)(conv->size - 1) / 2};
    if (shape.rank != 4) return HN_NO_TENSOR; /* an error stands */
    const double fan_in = (double)shape.size[1] * (double)conv->size * (double)conv->size;
    const hn_tensor kernel =
        hni_weight(pass->weights, name, "kernel", HN_SHAPE4(conv->outputs, shape.size[1], conv->size, conv->size),
                   hn_init_normal(sqrt(2 / fan_in)));
    const hn_tensor bias = hni_weight(pass->weights, name, "bias", HN_SHAPE1(conv->outputs), hn_init_zeros());
    if (!conv->generated) hni_image_penalise(pass, kernel);
    return hn_conv2d(pass->graph, x, kernel, bias, &options);
}

/* [B,C,..] -> [B, all others] */
static hn_tensor flatten(hn_graph *graph, hn_tensor x)
{
    const hn_shape shape = hn_tensor_shape(graph, x);
    if (shape.rank < 1) return HN_NO_TENSOR;
    return hn_reshape(graph, x, HN_SHAPE2(shape.size[0], hn_shape_elements(shape) / shape.size[0]));
}

/* hn_linear with a matrix of variance gain^2 / I at the start; `generated` ones are penalised where they are made. x [B,I] */
static hn_tensor dense(hni_image_pass *pass, const char *name, hn_tensor x, int64_t outputs, double gain,
                       bool generated)
{
    const hn_shape shape = hn_tensor_shape(pass->graph, x);
    if (shape.rank != 2) return HN_NO_TENSOR;
    const hn_init start = hn_init_normal(gain / sqrt((double)shape.size[1]));
    if (!generated)
        hni_image_penalise(pass, hni_weight(pass->weights, name, "weight", HN_SHAPE2(outputs, shape.size[1]), start));
    return hn_linear(pass->weights, name, x, outputs, start);
}

hn_tensor hni_image_classify(hni_image_pass *pass, hn_tensor x)
{
    return dense(pass, "linear", x, pass->model->classes, 1, false);
}

/* ---- the two small networks ---- */

static hn_tensor conv_network(hni_image_pass *pass, hn_tensor x)
{
    const hn_image_model *model = pass->model;
    hni_image_conv conv = {.outputs = model->filters, .size = model->kernel_size, .stride = 1};
    x = hn_relu(pass->graph, hni_image_conv2d(pass, "conv1", x, &conv));
    x = hn_max_pool2d(pass->graph, x, 2, 2);
    conv.generated = model->weights != HN_IMAGE_WEIGHTS_STORED;
    x = hn_relu(pass->graph, hni_image_conv2d(pass, "conv2", x, &conv));
    x = hn_max_pool2d(pass->graph, x, 2, 2);
    return hni_image_classify(pass, flatten(pass->graph, x));
}

static hn_tensor mlp_network(hni_image_pass *pass, hn_tensor x)
{
    const hn_image_model *model = pass->model;
    const bool generated = model->weights != HN_IMAGE_WEIGHTS_STORED;
    x = dense(pass, "hidden", flatten(pass->graph, x), model->units, sqrt(2), generated);
    return hni_image_classify(pass, hn_relu(pass->graph, x));
}

/* ---- a pass ---- */

static hn_tensor network(hni_image_pass *pass, hn_tensor images)
{
    switch (pass->model->network) {
    case HN_IMAGE_NETWORK_CONV: return conv_network(pass, images);
    case HN_IMAGE_NETWORK_MLP: return mlp_network(pass, images);
    case HN_IMAGE_NETWORK_WIDE_RESNET: return hni_wide_resnet(pass, images);
    }
    return HN_NO_TENSOR;
}

static hn_tensor loss_of(const hni_image_pass *pass, const hn_image_batch *batch, hn_tensor logits)
{
    hn_graph *graph = pass->graph;
    const hn_shape shape = hn_tensor_shape(graph, logits);
    if (shape.rank != 2) return HN_NO_TENSOR;
    const int64_t rows = shape.size[0];
    hn_tensor weights = batch->weights;
    if (weights.slot == 0) {
        const hn_tensor zeros = hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE1(rows), NULL, false);
        weights = hn_scale(graph, zeros, 0, 1);
    }
    const double smoothing = graph->training ? pass->model->label_smoothing : 0;
    const double divisor = batch->divisor > 0 ? batch->divisor : (double)rows;
    return hn_smoothed_cross_entropy(graph, logits, batch->targets, weights, divisor, smoothing);
}

/* The images' type and sizes are the model's. */
static hn_status check_images(hn_graph *graph, const hn_image_model *model, hn_tensor images)
{
    char found[96], wanted[96];
    if (hni_graph_want(graph, images, "image model") == NULL) return graph->status;
    const hn_shape shape = hn_tensor_shape(graph, images);
    const hn_shape own = HN_SHAPE4(shape.rank > 0 ? shape.size[0] : 1, model->channels, model->height, model->width);
    if (hn_shape_equal(shape, own)) return HN_OK;
    hn_shape_print(own, wanted, sizeof wanted);
    return hni_error(graph->context, HN_ERROR_SHAPE, "image model: images are %s, the model reads %s",
                     hn_shape_print(shape, found, sizeof found), wanted);
}

hn_image_result hn_image_run(hn_weights *weights, const hn_image_model *model, const hn_image_batch *batch)
{
    hn_graph *graph = hn_weights_graph(weights);
    hn_image_result result = {HN_NO_TENSOR, HN_NO_TENSOR, HN_NO_TENSOR};
    hni_image_pass pass = {.weights = weights, .graph = graph, .model = model};
    if (hn_graph_status(graph) != HN_OK) return result;
    graph->status = hn_image_model_check(graph->context, model);
    if (graph->status == HN_OK) graph->status = check_images(graph, model, batch->images);
    if (graph->status != HN_OK) return result;
    const bool has_targets = batch->targets.slot != 0;
    pass.penalised = has_targets && model->kernel_decay > 0;
    if (hni_image_make_weights(&pass) != HN_OK) return result;
    result.logits = network(&pass, batch->images);
    if (has_targets) result.loss = loss_of(&pass, batch, result.logits);
    if (pass.penalised) result.penalty = hn_scale(graph, pass.squares, 0.5, 0);
    return result;
}

hn_status hn_image_model_declare(hn_store *store, const hn_image_model *model)
{
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_graph *graph = NULL;
    hn_weights *weights = NULL;
    hn_image_batch batch = {.divisor = 0};
    hn_status status;
    HNI_TRY(hn_image_model_check(store->context, model));
    HNI_TRY(hn_graph_create(store->context, &options, &graph));
    HNI_TRY(hn_weights_create(graph, store, &weights));
    batch.images =
        hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE4(1, model->channels, model->height, model->width), NULL, false);
    hn_image_run(weights, model, &batch);
    HNI_TRY(hn_graph_status(graph));
cleanup:
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    return status;
}
