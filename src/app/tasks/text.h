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
    hni_figure *figures;             /* ranks, of the latest evaluation; NULL: a model without embeddings */
    size_t figure_count;
    int64_t part, parts; /* of the rows of the batch that a step does; 0 of 1 */
};

/* text_step.c */
hn_status hni_text_loss(hni_task_work *work, int64_t step, hn_tensor *out_loss);
hn_status hni_text_advance(hni_task_work *work, int64_t step);
void hni_text_take_part(hni_task_work *work, int64_t part, int64_t parts);
/* text_evaluate.c */
hn_status hni_text_evaluate(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric);
/* options->symbol with the symbol at a place of the corpus. */
void hni_text_tell_symbol(const hni_task_work *work, const hni_evaluate_options *options, int64_t place, double bits);
/* text_evaluate_stored.c: a part of the corpus that is predicted symbol by symbol, by a stream with a row a track */
typedef struct hni_text_part {
    int64_t first, predictions, tracks;
} hni_text_part;
hn_status hni_text_predict_stored(hni_task_work *work, const hni_evaluate_options *options, const hni_text_part *part,
                                  double *out_bits);
/* text_observe.c */
void hni_text_sights(const hni_task_work *work, hni_task_sights *out_sights);
/* text_dynamic.c */
hn_status hni_text_dynamic_check(const hni_task_work *work, const hni_dynamic_options *dynamic);
hn_status hni_text_dynamic_bytes(hni_task_work *work, const hni_evaluate_options *options, int64_t *out_bytes);
/* text_rank.c: effective ranks of the embeddings of all layers; NULL for a model without embeddings, or with wide ones */
typedef struct hni_text_ranks hni_text_ranks;
/* work->figures, by name. */
hn_status hni_text_figures_create(hni_task_work *work);
/* `positions`: the most that a window has. */
hn_status hni_text_ranks_create(hni_task_work *work, int64_t positions, hni_text_ranks **out_ranks);
void hni_text_ranks_destroy(hni_text_ranks *ranks);
/* Whether there are not enough positions yet. */
bool hni_text_ranks_want(const hni_text_ranks *ranks);
/* One window's observations, of each layer. */
hn_status hni_text_ranks_add(hni_text_ranks *ranks, const hn_observation *layers);
/* Writes the values of work->figures. */
void hni_text_ranks_finish(const hni_text_ranks *ranks);
/* text_sample.c */
hn_status hni_text_sample(hni_task_work *work, const hni_sample_options *options);
/* text_state.c */
hn_status hni_text_state_get(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more);
hn_status hni_text_state_set(hni_task_work *work, const hn_safetensors *checkpoint);
/* text_readings.c */
void hni_text_readings(const hni_task_work *work, bool with_data,
                       void (*write)(void *user, const char *key, const char *value), void *user);
/* text_describe.c */
void hni_text_label(const hni_task_work *work, char *out_text, size_t size);
hn_status hni_text_describe(const hni_task_work *work, bool with_data,
                            void (*write)(void *user, const char *key, const char *value), void *user);

/* S of one layer. */
int64_t hni_text_state_size(const hni_task_work *work);

#endif
