/* Models that classify images: the convolutional and the fully connected network of the paper's experiments (4.1, A.1), wide ResNets
 * (4.2), with their kernels stored or generated. And trained ones from a checkpoint.
 *
 * Letters: B batch, C channels, H height, W width of an image, K classes. Names and layouts of the weights: docs/checkpoint.md.
 */
#ifndef HYPERNET_IMAGE_H
#define HYPERNET_IMAGE_H

#include "hypernet/hyper.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hn_image_network {
    HN_IMAGE_NETWORK_CONV = 0,   /* twice: conv f x f, SAME padding, relu, 2 x 2 max pool; then a linear layer */
    HN_IMAGE_NETWORK_MLP,        /* one hidden layer, relu */
    HN_IMAGE_NETWORK_WIDE_RESNET /* of depth 6n + 4, pre-activation, shortcuts without parameters */
} hn_image_network;

/* Where the large weights come from: the second kernel of conv, the hidden matrix of mlp, all kernels of the three groups of a wide
 * ResNet. */
typedef enum hn_image_weights {
    HN_IMAGE_WEIGHTS_STORED = 0,
    HN_IMAGE_WEIGHTS_HYPER,        /* kernels of two layers from embeddings (hn_generate_kernels) */
    HN_IMAGE_WEIGHTS_HYPER_LINEAR, /* kernels of one layer */
    HN_IMAGE_WEIGHTS_COORDINATES /* mlp: the matrix from the places of pixel and unit (hn_generate_from_coordinates) */
} hn_image_weights;

/* A setting that the chosen network or weights have no use for must keep its default; sizes may be anything. */
typedef struct hn_image_model {
    hn_image_network network;
    hn_image_weights weights;
    int64_t channels, height, width; /* C, H, W; the data decide them: 0 by default, which no model can be run with */
    int64_t classes;                 /* K; likewise */
    int64_t filters;                 /* conv: channels of both layers; default 16 */
    int64_t kernel_size;             /* conv: f, odd; default 7 */
    int64_t units;                   /* mlp: hidden units; with coordinates a square number; default 256 */
    int depth;                       /* wide_resnet: 6n + 4; default 40 */
    int widen;                       /* wide_resnet: k, groups of 16k, 32k, 64k channels; default 1 */
    int64_t embedding_size;          /* E of a basic kernel; default 4 */
    int64_t generator_units;         /* d; 0 (the default): E */
    int64_t basic_size;              /* channels in and out of the basic kernel; default 16 */
    hn_generator_start start;        /* of the generator */
    int64_t coordinate_units;        /* of each hidden layer of the network that reads coordinates; default 25 */
    int frequencies;                 /* coordinates: 0 (the default), or cos and sin of so many frequencies */
    double label_smoothing;          /* s: while the graph trains, targets are (1 - s) one-hot + s / K; default 0 */
    double kernel_decay; /* what the caller multiplies the penalty with; 0 (the default): none is computed */
} hn_image_model;

HN_API void hn_image_model_default(hn_image_model *out_model);
/* HN_ERROR_ARGUMENT, with one clear message, for any setting out of range or that does not go with the others. Channels, height, width
 * and classes of 0 are out of range here. */
HN_API HN_MUST_USE hn_status hn_image_model_check(hn_context *context, const hn_image_model *model);
/* The model's settings as one line of JSON, as kept in a checkpoint's __metadata__.model; and back. 512 bytes hold any model, with the 0
 * at the end. HN_ERROR_ARGUMENT where `size` is too small (the message says what is needed) and for a setting outside its own range;
 * channels, height, width and classes may be 0, and whether settings go together is not asked. out_text is written on success alone. */
HN_API HN_MUST_USE hn_status hn_image_model_to_json(hn_context *context, const hn_image_model *model, char *out_text,
                                                    size_t size);
HN_API HN_MUST_USE hn_status hn_image_model_from_json(hn_context *context, const char *text, hn_image_model *out_model);
/* Declares every parameter and buffer in `store` (open) by a dry run, without any data. Errors: those of hn_image_model_check, before
 * anything is declared; HN_ERROR_SHAPE or HN_ERROR_ARGUMENT where the store has one of the names with another shape or start. */
HN_API HN_MUST_USE hn_status hn_image_model_declare(hn_store *store, const hn_image_model *model);

typedef struct hn_image_batch {
    hn_tensor images;  /* [B,C,H,W], normalised; hn_gather_images makes such */
    hn_tensor targets; /* i32 [B]; HN_NO_TENSOR: none */
    hn_tensor weights; /* [B] of the loss; HN_NO_TENSOR: all 1 */
    double divisor;    /* of the summed loss; 0: B */
} hn_image_batch;

typedef struct hn_image_result {
    hn_tensor logits; /* [B,K] */
    hn_tensor loss;   /* scalar, nats an image, without the penalty; HN_NO_TENSOR without targets */
    hn_tensor
        penalty; /* scalar: half the sum of squares of all kernels, stored or generated, and of the matrices of linear layers;
                        * HN_NO_TENSOR without targets or with kernel_decay 0 */
} hn_image_result;

/* Makes the weights that are generated, and runs the network. Batch norm takes the statistics of the batch while the graph trains,
 * and moves the running ones (hn_weights_commit); else it takes the running ones. A builder: errors go to the graph, and what could not be
 * made is HN_NO_TENSOR. HN_ERROR_ARGUMENT: hn_image_model_check refuses the model; HN_ERROR_SHAPE: images of other sizes. */
HN_API hn_image_result hn_image_run(hn_weights *weights, const hn_image_model *model, const hn_image_batch *batch);

/* ---- generated weights ------------------------------------------------------------------------------------------- */

typedef struct hn_image_generated {
    char name[64];
    hn_shape shape;
} hn_image_generated;

/* Generated weight `index` of a model, in the order in which they are made; false past the last one. */
HN_API bool hn_image_model_generated(const hn_image_model *model, int64_t index, hn_image_generated *out_generated);
/* Makes them all and puts them in their places, as hn_image_run does; hn_weights_get then has them by name, until
 * hn_weights_clear or the graph's next reset. With stored weights there is nothing to make, and that is HN_OK. Errors go to the graph too;
 * HN_ERROR_ARGUMENT: hn_image_model_check refuses the model. */
HN_API HN_MUST_USE hn_status hn_image_generate(hn_weights *weights, const hn_image_model *model);
/* The same network with every weight stored: what a model is without its generator. */
HN_API void hn_image_model_baked(const hn_image_model *model, hn_image_model *out_baked);

typedef struct hn_image_counts {
    int64_t network;    /* numbers that are stored and learned outside the generator */
    int64_t generator;  /* the generator's, without embeddings */
    int64_t embeddings; /* numbers of all embeddings; the three are all that is learned */
    int64_t generated;  /* weights that are made, and so not stored */
} hn_image_counts;
/* Of a store in which the model is declared. */
HN_API void hn_image_model_counts(const hn_image_model *model, const hn_store *store, hn_image_counts *out_counts);

/* ---- trained models ---------------------------------------------------------------------------------------------- */

/* A trained image model from a checkpoint: settings, parameters, batch-norm statistics, names of classes. graph and weights are for
 * evaluation: they neither record nor train. That one graph serves every call, so a model, like its context, is used by one thread at a
 * time; only hn_image_class may be called by any. classes, mean, deviation and the names of hn_image_class live until
 * hn_image_trained_close, as store, graph and weights do.
 *
 *     status = hn_image_trained_open(context, "RUN/best.safetensors", NULL, &trained);
 *     status = hn_image_predict(trained, HN_DTYPE_U8, 1, pixels, logits);              // the largest logit's class is the guess
 *     printf("%.*s\n", (int)size, hn_image_class(trained, guess, &size));
 */
typedef struct hn_image_trained {
    hn_context *context;
    hn_image_model model;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    const double *mean, *deviation; /* [C]: a byte v of channel c is read as (v / 255 - mean[c]) / deviation[c] */
    const char *classes;            /* their names, a line each */
} hn_image_trained;

/* options NULL: the default. A file that holds no image model, or one whose parts are missing or of other sizes, is HN_ERROR_FORMAT or
 * HN_ERROR_SHAPE; settings out of range are HN_ERROR_ARGUMENT, parameters that are not float HN_ERROR_TYPE, numbers that are not finite
 * HN_ERROR_NONFINITE. */
HN_API HN_MUST_USE hn_status hn_image_trained_open(hn_context *context, const char *path,
                                                   const hn_graph_options *options, hn_image_trained **out_trained);
HN_API HN_MUST_USE hn_status hn_image_trained_from_file(hn_context *context, const hn_safetensors *file,
                                                        const hn_graph_options *options,
                                                        hn_image_trained **out_trained);
/* From a checkpoint in memory, which may go afterwards; `name` is used in messages. */
HN_API HN_MUST_USE hn_status hn_image_trained_parse(hn_context *context, const char *name, const void *data,
                                                    size_t size, const hn_graph_options *options,
                                                    hn_image_trained **out_trained);
HN_API void hn_image_trained_close(hn_image_trained *trained);
/* The name of a class, which no 0 ends; NULL and size 0 for one that there is not. */
HN_API const char *hn_image_class(const hn_image_trained *trained, int64_t index, size_t *out_size);
/* images [count,C,H,W] row-major: HN_DTYPE_U8, bytes, or HN_DTYPE_F32, bytes / 255. -> out_logits [count,K]. HN_ERROR_TYPE for another
 * dtype, HN_ERROR_ARGUMENT for a count below 1; there is no upper limit, 64 images at a time are run, each time with the weights
 * generated anew. HN_ERROR_SHAPE for bytes of images larger than hn_gather_images takes. C, H and W are the model's: the caller's memory
 * cannot be checked. Resets the graph before and after; after an error logits of some images may have been written. */
HN_API HN_MUST_USE hn_status hn_image_predict(hn_image_trained *trained, hn_dtype dtype, int64_t count,
                                              const void *images, float *out_logits);

#ifdef __cplusplus
}
#endif
#endif
