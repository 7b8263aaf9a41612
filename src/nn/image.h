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

/* What a checkpoint holds of the images that a model was trained on, beside parameters and buffers. */
#define HNI_IMAGE_CLASSES "blob.classes"    /* U8, a name a line */
#define HNI_IMAGE_NORM "blob.normalisation" /* F64 [2,C] */
typedef struct hni_image_facts {
    char *classes;       /* the names, then 0; hni_free */
    size_t classes_size; /* without the 0 */
    double *norm;        /* [2,C] mean and deviation of byte / 255; hni_free */
} hni_image_facts;
/* Both of a file for a model, checked against it. Nothing is to be freed after a failure. */
HN_MUST_USE hn_status hni_image_facts_read(hn_context *context, const hn_safetensors *file, const hn_image_model *model,
                                           hni_image_facts *out_facts);
/* Name `index` of such a list; NULL past the end. */
const char *hni_image_class_of(const char *classes, int64_t index, size_t *out_size);

/* images [B,C,H,W] -> logits [B,K] */
hn_tensor hni_wide_resnet(hni_image_pass *pass, hn_tensor images);

#endif
