/* Inside of the image models: settings for recipes, and what the files of a model share. */
#ifndef HNI_NN_IMAGE_H
#define HNI_NN_IMAGE_H

#include "core/settings.h"
#include "hypernet/image.h"

/* All settings of a model: a recipe's section "model", and the JSON of a checkpoint. */
const hni_settings *hni_image_settings(void);

/* The generator of a model's kernels of width `size`. For weights hyper and hyper_linear. */
hn_kernel_generator hni_image_generator(const hn_image_model *model, int64_t size);

/* Blocks of a group of a wide ResNet: n of depth 6n + 4. */
int64_t hni_image_blocks(const hn_image_model *model);

/* What a pass collects on its way. */
typedef struct hni_image_pass {
    hn_weights *weights;
    hn_graph *graph;
    const hn_image_model *model;
    bool penalised;
    hn_tensor squares; /* of all kernels so far, summed; HN_NO_TENSOR: none yet */
} hni_image_pass;

/* Adds the squares of a kernel (or of a block of generated ones) to what is penalised. */
void hni_image_penalise(hni_image_pass *pass, hn_tensor kernel);
/* Makes generated weights; penalises them. */
hn_status hni_image_make_weights(hni_image_pass *pass);
/* f x f convolution of `name` to `outputs` channels, with padding (f - 1) / 2 and a bias. */
typedef struct hni_image_conv {
    int64_t outputs, size;
    int stride;
    bool generated; /* the kernel is, and was penalised with its block */
} hni_image_conv;
hn_tensor hni_image_conv2d(hni_image_pass *pass, const char *name, hn_tensor x, const hni_image_conv *conv);
/* The classifier "linear" on [B,I] -> [B,K]. */
hn_tensor hni_image_classify(hni_image_pass *pass, hn_tensor x);

/* images [B,C,H,W] -> logits [B,K] */
hn_tensor hni_wide_resnet(hni_image_pass *pass, hn_tensor images);

#endif
