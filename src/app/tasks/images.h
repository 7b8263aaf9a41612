/* Inside of the task "images": classification (paper 4.1, 4.2, A.1). The functions of each file, shared by all. */
#ifndef HNI_APP_TASKS_IMAGES_H
#define HNI_APP_TASKS_IMAGES_H

#include "app/data/images.h"
#include "app/tasks/task.h"
#include "nn/image.h"

struct hni_task_work {
    hn_context *context;
    hni_images_settings data;
    hn_image_model model;
    hni_images *images;    /* NULL: opened without data */
    hni_image_facts facts; /* of the data or the checkpoint; NULLs: opened without either */

    hn_weights *weights; /* from bind on */
    hn_graph *graph;
    hn_tensor pixels;     /* U8 [n,C,H,W] persistent; one empty image without data */
    hn_image_view *views; /* [B] */
    int64_t *rows;        /* [B] places of a batch's images in the data */
    int32_t *labels;      /* [B] */
    float *logits;        /* [B,K] of an evaluation */
    hni_figure figure;    /* "valid_loss", of the latest evaluation */
};

/* images_state.c: names of the classes and what bytes are normalised by, which a model needs beside its weights */
hn_status hni_images_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more);
hn_status hni_images_state_set(hni_task_work *work, const hn_safetensors *checkpoint);
hn_status hni_images_take_facts(hni_task_work *work); /* of the opened data */
/* images_step.c */
hn_status hni_images_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss);
/* `count` images of pixels U8 [n,C,H,W] as they are, normalised: places in work->rows. [count,C,H,W] */
hn_tensor hni_images_plain(hni_task_work *work, hn_tensor pixels, int64_t count);
/* images_classify.c: outputs of the model for them, in work->logits; the graph neither trains nor records */
hn_status hni_images_classify(hni_task_work *work, hn_tensor pixels, int64_t count);
/* One row of work->logits becomes probabilities; fills what the model and the images say of item. Returns the loss of item->label in
 * nats, 0 for label -1. */
double hni_images_softmax(const hni_task_work *work, float *row, hni_task_item *item);
hn_status hni_images_predict(hni_task_work *work, const char *path, void (*tell)(void *user, const hni_task_item *item),
                             void *user);
/* images_evaluate.c */
hn_status hni_images_evaluate(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric);
/* images_bake.c: declares in an open store, and fills, the network with every weight stored; out_json NULL: not wanted */
hn_status hni_images_write_down(hni_task_work *work, hn_store *baked, char *out_json, size_t size);
hn_status hni_images_bake(hni_task_work *work, hn_store *baked, char *out_json, size_t size);
hn_status hni_images_compare(hni_task_work *work, hni_task_work *other, int64_t most,
                             hni_task_difference *out_difference);
/* images_weights.c: what the network and its generator are made of, to be looked at */
hn_status hni_images_weights(hni_task_work *work, void (*tell)(void *user, const hni_task_weight *weight), void *user);
hn_status hni_images_embeddings(hni_task_work *work, void (*tell)(void *user, const hni_task_embedding *embedding),
                                void *user);
hn_status hni_images_make(hni_task_work *work, const float *embeddings, int64_t count, float *out_tiles);
/* images_describe.c */
void hni_images_label(const hni_task_work *work, char *out_text, size_t size);
hn_status hni_images_describe(const hni_task_work *work, bool with_data,
                              void (*write)(void *user, const char *key, const char *value), void *user);

#endif
