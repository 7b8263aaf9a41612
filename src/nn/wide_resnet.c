/* The wide ResNet of depth 6n + 4 (paper 4.2; Zagoruyko and Komodakis 2016), in the layout that the paper's counts need:
 *
 *     conv1 3 x 3, 16 channels -> bn1, without relu
 *     three groups of n blocks with 16k, 32k, 64k channels; the second and the third group begin with stride 2
 *     a block: y = conv2(relu(bn2(conv1(relu(bn1(x)))))), and x + y
 *     relu(bn_last) -> mean over the image -> linear
 *
 * Every convolution has a bias. Where a block changes the size, its shortcut takes every second pixel of the raw x and new channels are
 * zero: it has no parameters. */
#include <stdio.h>

#include "graph/graph.h"
#include "nn/image.h"

static hn_tensor norm(const hni_image_pass *pass, const char *block, const char *name, hn_tensor x, bool relu)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s%s", block, block[0] != '\0' ? "." : "", name);
    return hn_batch_norm_layer(pass->weights, full, x, relu);
}

/* The kernels of blocks are those that may be generated. */
static hn_tensor convolve(hni_image_pass *pass, const char *block, const char *name, hn_tensor x,
                          const hni_image_conv *conv)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", block, name);
    return hni_image_conv2d(pass, full, x, conv);
}

/* Every stride-th of `axis`. */
static hn_tensor apart(hn_graph *graph, hn_tensor x, int axis, int stride)
{
    const hn_shape shape = hn_tensor_shape(graph, x);
    return shape.rank != 4 ? x : hn_slice_step(graph, x, axis, 0, (shape.size[axis] - 1) / stride + 1, stride);
}

/* x [B,C,H,W] -> [B,outputs,H',W'] without parameters. */
static hn_tensor shortcut(hn_graph *graph, hn_tensor x, int64_t outputs, int stride)
{
    if (stride > 1) x = apart(graph, apart(graph, x, 2, stride), 3, stride);
    const hn_shape shape = hn_tensor_shape(graph, x);
    if (shape.rank != 4) return HN_NO_TENSOR;
    return shape.size[1] == outputs ? x : hn_pad(graph, x, 1, 0, outputs - shape.size[1]);
}

static hn_tensor block(hni_image_pass *pass, const char *name, hn_tensor x, int64_t outputs, int stride)
{
    const bool generated = pass->model->weights != HN_IMAGE_WEIGHTS_STORED;
    const hni_image_conv first = {outputs, 3, stride, generated}, second = {outputs, 3, 1, generated};
    hn_tensor y = norm(pass, name, "bn1", x, true);
    y = convolve(pass, name, "conv1", y, &first);
    y = norm(pass, name, "bn2", y, true);
    y = convolve(pass, name, "conv2", y, &second);
    return hn_add(pass->graph, y, shortcut(pass->graph, x, outputs, stride));
}

hn_tensor hni_wide_resnet(hni_image_pass *pass, hn_tensor images)
{
    const hni_image_conv first = {.outputs = 16, .size = 3, .stride = 1};
    const int64_t blocks = hni_image_blocks(pass->model);
    hn_tensor x = norm(pass, "", "bn1", hni_image_conv2d(pass, "conv1", images, &first), false);
    for (int group = 0; group < 3; group++) {
        const int64_t outputs = (int64_t)16 * pass->model->widen << group;
        for (int64_t k = 0; k < blocks && hn_graph_status(pass->graph) == HN_OK; k++) {
            char name[48];
            snprintf(name, sizeof name, "groups.%d.blocks.%d", group, (int)k);
            x = block(pass, name, x, outputs, k == 0 && group > 0 ? 2 : 1);
        }
    }
    x = norm(pass, "", "bn_last", x, true);
    return hni_image_classify(pass, hn_mean(pass->graph, x, HN_AXIS(2) | HN_AXIS(3), false));
}
