/* Inside of the task "text": character language modelling (paper 4.3, 4.4). The functions of each file, shared by all. */
#ifndef HNI_APP_TASKS_TEXT_H
#define HNI_APP_TASKS_TEXT_H

#include "app/data/text.h"
#include "app/tasks/task.h"

struct hni_task_work {
    hn_context *context;
    hni_text_settings data;
    hn_language_model model;
    hni_text_data *text;             /* NULL: opened without data */
    const hn_vocabulary *vocabulary; /* the text's or the checkpoint's; NULL: opened without either */
    hni_text_tracks tracks;          /* of the training part */

    hn_weights *weights; /* from bind on */
    hn_graph *graph;
    hn_tensor corpus;                /* U8 or I32, all parts; HN_NO_TENSOR without data */
    hn_tensor state[HN_MAX_LAYERS];  /* [B,S] persistent, what the next window begins with */
    hn_tensor latest[HN_MAX_LAYERS]; /* [B,S] of the step on the tape */
    int64_t *starts;                 /* [B] of the windows of a step */
    float *state_copy;               /* B * S, for checkpoints; NULL until one is written */
    hn_vocabulary *trained;          /* of the checkpoint */
};

/* text_step.c */
hn_status hni_text_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss);
hn_status hni_text_advance(hni_task_work *work, int64_t step);
/* text_evaluate.c */
hn_status hni_text_evaluate(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric);
/* text_observe.c */
void hni_text_sights(const hni_task_work *work, hni_task_sights *out_sights);
/* text_sample.c */
hn_status hni_text_sample(hni_task_work *work, const hni_sample_options *options);
/* text_state.c */
hn_status hni_text_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more);
hn_status hni_text_state_set(hni_task_work *work, const hn_safetensors *checkpoint);
/* text_describe.c */
void hni_text_label(const hni_task_work *work, char *out_text, size_t size);
hn_status hni_text_describe(const hni_task_work *work, void (*write)(void *user, const char *key, const char *value),
                            void *user);

/* S of one layer. */
int64_t hni_text_state_size(const hni_task_work *work);

#endif
