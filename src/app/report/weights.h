/* What pictures of a network's weights are made of: one weight by name, the embeddings that kernels are generated from on two principal
 * components, and the kernels that a generator makes on the way from one weight's embedding to another's. Drawn by app/plot.
 *
 *     hni_gathered_weight weight;
 *     HNI_TRY(hni_gather_weight(context, model.task, model.work, "conv2", &weight));      // its full name: conv2.kernel
 *     cleanup: hni_gathered_weight_free(&weight);
 */
#ifndef HNI_APP_REPORT_WEIGHTS_H
#define HNI_APP_REPORT_WEIGHTS_H

#include "app/plot/kernels.h"
#include "app/plot/scatter.h"
#include "app/plot/strip.h"
#include "app/tasks/task.h"
#include "io/text.h"

/* The structs are freed by the caller, after a failure too; a struct of zeros may be freed. Works must be bound. A task whose weights
 * change while a model runs is an error that says so. */

typedef struct hni_gathered_weight {
    hn_context *context;
    hni_text name;
    hn_shape shape;
    bool generated, above; /* see hni_task_weight */
    hni_filters filters;
    const char *row_word, *column_word;
    float *values;
} hni_gathered_weight;

/* The weight of this name, of which the last part (".kernel") may be left away; NULL: the one that stands for the network. */
HN_MUST_USE hn_status hni_gather_weight(hn_context *context, const hni_task *task, hni_task_work *work,
                                        const char *name, hni_gathered_weight *out_weight);
/* The first `most` of those that stand for the network; out_weights has room for as many, all to be freed. */
HN_MUST_USE hn_status hni_gather_shown_weights(hn_context *context, const hni_task *task, hni_task_work *work,
                                               size_t most, hni_gathered_weight *out_weights, size_t *out_count);
void hni_gathered_weight_free(hni_gathered_weight *weight);
/* Whether two can stand in one picture: name and sizes are the same. */
bool hni_gathered_weights_match(const hni_gathered_weight *one, const hni_gathered_weight *other);

/* All embeddings of a model, weight by weight. */
typedef struct hni_gathered_embeddings {
    hn_context *context;
    size_t count, size;                 /* E */
    float *values;                      /* [count,E] */
    hni_text words;                     /* names, each with a 0 behind it */
    struct hni_embedding_place *places; /* [count] */
    hni_filters filters;                /* how a tile is looked at */
    hni_scatter scatter;                /* after hni_gathered_embeddings_spread */
    hni_scatter_point *points;
    const char **groups;
    size_t room;
    hn_status status;
} hni_gathered_embeddings;

/* Fewer than `least` of them are an error that says how many there are. */
HN_MUST_USE hn_status hni_gather_embeddings(hn_context *context, const hni_task *task, hni_task_work *work,
                                            size_t least, hni_gathered_embeddings *out_embeddings);
/* Fills `scatter`: the two principal components of the embeddings, a colour for each group of weights. */
HN_MUST_USE hn_status hni_gathered_embeddings_spread(hni_gathered_embeddings *embeddings);
void hni_gathered_embeddings_free(hni_gathered_embeddings *embeddings);

/* Which way: from the first tile of one weight to that of another, names as for hni_gather_weight; NULL: the first, the last weight.
 * `steps` kernels, at least 2. */
typedef struct hni_way {
    const char *from, *to;
    size_t steps;
} hni_way;

typedef struct hni_gathered_strip {
    hn_context *context;
    hni_strip strip;
    char name[192];
    float *kernels;
    const float **list;
    char (*labels)[16];
    const char **label_list;
} hni_gathered_strip;

/* The kernels that the generator makes of the embeddings on a straight way between two. */
HN_MUST_USE hn_status hni_gather_strip(const hni_gathered_embeddings *embeddings, const hni_task *task,
                                       hni_task_work *work, const hni_way *way, hni_gathered_strip *out_strip);
void hni_gathered_strip_free(hni_gathered_strip *strip);

#endif
