/* A task: one struct of functions that tells the trainer, and the commands, everything about a kind of data and its model. The
 * trainer knows tasks only through this struct; src/app/tasks/registry.c lists them.
 *
 *     recipe -> open data -> declare model -> [ batch -> loss -> backward -> optimiser ] -> metrics, sample -> checkpoint
 *
 * The order of calls: open, declare, (the caller seals the store), bind, then loss, backward, advance as often as wanted;
 * evaluate and sample between two updates; close last. Functions that can fail leave a text in the context.
 */
#ifndef HNI_APP_TASKS_TASK_H
#define HNI_APP_TASKS_TASK_H

#include <string.h>

#include "app/data/find.h"
#include "app/plot/filters.h"
#include "app/tasks/paper.h"
#include "core/settings.h"
#include "hypernet/nn.h"

/* Size of a run as the data and the recipe give it. */
typedef struct hni_task_size {
    int64_t windows_per_epoch;                          /* updates an epoch; 0: opened without data */
    int64_t symbols_per_step;                           /* B*T: what "characters a second" counts */
    int64_t train_symbols, valid_symbols, test_symbols; /* 0: opened without data */
    int64_t rows_per_step;                              /* B: the most parts that an update can be done in */
} hni_task_size;

/* The two figures that a task's runs are followed by: the loss that training lessens, and the metric of a validation or test, lower is
 * better. Both belong to the task, not to a run: pages and pictures name columns and axes by them. */
typedef struct hni_measure {
    const char *loss_key, *loss_name;     /* column "train_KEY" of log.csv; "bits per character", "nats" */
    const char *metric_key, *metric_name; /* column "valid_KEY", and "test_KEY"; "bits per character", "error, %" */
    const char *metric_short;             /* "bits/char.", "%" */
    const char *metric_unit;              /* behind a figure: "bits per character", "% wrong" */
    const char *metric_words;             /* a sentence or two for readers who meet it for the first time */
    double nats;                          /* of one unit of the loss: ln 2 for bits */
    int decimals;                         /* that a figure of the metric is worth */
    const char *passes;                   /* what an epoch goes over: "the training text" */
    const char *symbols, *symbols_short;  /* what batches are counted in: "characters", "char." */
} hni_measure;

/* Whether loss and metric are one quantity, so that training and validation can share an axis. */
static inline bool hni_measure_is_one(const hni_measure *measure)
{
    return strcmp(measure->loss_name, measure->metric_name) == 0;
}

/* A named figure beside the metric. */
typedef struct hni_figure {
    char name[32]; /* "rank.0.h.i": a column of log.csv */
    double value;
} hni_figure;

typedef struct hni_metric {
    double value;  /* lower is better: bits per character */
    int64_t count; /* symbols that were predicted */
    char note[96]; /* "64 tracks, state carried" */
    /* As hni_task.figures names them; they belong to the task until its next evaluation. */
    const hni_figure *figures;
    size_t figure_count;
} hni_metric;

/* Dynamic evaluation: the weights follow the text. After each segment, which was predicted before, they take a step down its mean
 * loss and a step back to the trained ones (Krause et al. 2018). */
typedef struct hni_dynamic_options {
    double rate;    /* of the gradient of the mean loss, in nats */
    double decay;   /* 0 .. 1: share of the way back to the trained weights */
    int64_t length; /* symbols of a segment */
} hni_dynamic_options;

/* One item of a part that is no stream, as a model sees it. Pointers stay until the callback returns. */
typedef struct hni_task_item {
    int64_t place, count;       /* which of how many, in the data or in a file */
    int64_t label, said;        /* its class (-1: not known), and the one that the model takes it for */
    const float *probabilities; /* [classes] */
    int64_t classes;
    const uint8_t *pixels; /* [C,H,W] */
    int64_t channels, height, width;
} hni_task_item;

typedef struct hni_evaluate_options {
    const char *split; /* "valid", "test", "train", or "all": the three joined, or the whole of hni_task_open.file */
    int64_t tracks;    /* 0: the task's choice while training; 1: one stream */
    /* Not NULL: called now and then; false stops with HN_ERROR_CANCELLED. */
    bool (*progress)(void *user, int64_t done, int64_t total);
    /* Not NULL (one track only): bits that each symbol of the text took, in order; NaN for the first, which nothing predicts. `bytes`
     * has `size` bytes, the same for the same row. */
    void (*symbol)(void *user, int64_t row, const char *bytes, size_t size, double bits);
    /* Not NULL (of a task without streams): called for every item of the part, in order. */
    void (*item)(void *user, const hni_task_item *item);
    void *user;
    int64_t window; /* symbols of a track that are predicted at once; 0: the task's choice */
    /* Not NULL (one track only): dynamic; the weights are afterwards what they were before. Its length takes the place of `window`. */
    const hni_dynamic_options *dynamic;
    /* As a stream with matrices of this storage computes it, symbol by symbol; no figures and no `window` then, and not dynamic. */
    bool stored;
    hn_dtype storage;
} hni_evaluate_options;

/* One extra tensor of a checkpoint: carried state, buffers, blobs. Memory belongs to the task until its next call. */
typedef struct hni_task_tensor {
    char name[96]; /* "state.layers.0", "blob.vocabulary" */
    hn_dtype dtype;
    hn_shape shape;
    const void *data;
} hni_task_tensor;

typedef struct hni_task_work hni_task_work; /* one opened task: data, model, graph tensors; private to the task */

typedef struct hni_task_open {
    hn_context *context;
    const void *data;              /* its data settings, filled; copied */
    const void *model;             /* its model settings, filled; copied */
    const hni_data_places *places; /* NULL: no data is wanted (info, sampling from a checkpoint) */
    const char *file;              /* not NULL: this file is the data, as one split "all", whatever the recipe says */
    const hn_safetensors *checkpoint; /* not NULL: model and blobs (vocabulary) are taken from here */
    const hn_safetensors *symbols;    /* not NULL: the vocabulary alone, where it has one: the model is the recipe's */
} hni_task_open;

#define HNI_TASK_MOST_GATES 4

/* What is seen while a model reads one symbol, of the text it was given or of its own. Pointers stay until the callback returns. */
typedef struct hni_task_observation {
    const char *bytes; /* of the symbol: one byte, or a UTF-8 character */
    size_t size;
    bool sampled; /* drawn from the model; false: given */
    double
        bits; /* -log2 of the probability that the model (temperature 1) had given the symbol; NaN: nothing was read before it */
    int gates; /* G: 4 (i, g, f, o), or 1 */
    /* Of each gate, by how much reading the symbol changed the effective recurrent matrix W_h (Frobenius norm), and the vector d_h
     * that scales its rows. NaN: nothing was read before, or the model has no such thing. */
    float change_weight[HNI_TASK_MOST_GATES], change_scale[HNI_TASK_MOST_GATES];
    const float *z_h;       /* [G,E] what makes W_h; NULL: the model has none */
    int64_t embedding_size; /* E */
    const float *phi;       /* [N] what the output gate multiplies; NULL: the model has none */
    int64_t units;          /* N */
} hni_task_observation;

/* What of a model can be observed. */
typedef struct hni_task_sights {
    int layers, gates;
    bool change_weight, change_scale, embedding, phi;
    const char *phi_quantity; /* what is observed as phi: "φ(LN(c))", "φ(c)"; NULL without it */
} hni_task_sights;

#define HNI_SAMPLE_MOST_TEXTS 1024

typedef struct hni_sample_options {
    const char *prime;  /* NULL or "": the start of a line */
    int64_t length;     /* symbols after the prime */
    double temperature; /* > 0; 0: always the most probable symbol */
    uint64_t seed;
    /* Gets what was sampled as it grows (the prime is not in it), in whole UTF-8 sequences where the bytes form some, else byte
     * by byte; false stops with HN_OK. */
    bool (*write)(void *user, const char *bytes, size_t size);
    void *user;
    size_t prime_size;      /* of a prime that may hold 0 bytes; 0: it ends at its 0 */
    const char *prime_name; /* where it is from, for messages; NULL: "prime" */
    /* After the temperature: of the `top_k` most probable symbols, and of these the fewest that together have the share `top_p`.
     * 0: not cut. */
    int64_t top_k;
    double top_p;
    /* Several texts at once, of the seeds `seed`, `seed` + 1, ..., each the same as alone; 0: one. What they write goes to
     * `write_text` then, with the text's number from 0; false stops that text. */
    int64_t texts;
    bool (*write_text)(void *user, int64_t text, const char *bytes, size_t size);
    /* Not NULL (one text only): what layer `observe_layer` shows while each symbol is read, those of the prime first. */
    void (*observe)(void *user, const hni_task_observation *seen);
    int observe_layer; /* from 0 */
    hn_dtype storage;  /* of the matrices: F32, BF16 or I8 */
} hni_sample_options;

/* How far apart the outputs of two models are. */
typedef struct hni_task_difference {
    int64_t items; /* that both were shown */
    double share;  /* the largest difference, of the largest output */
} hni_task_difference;

/* A weight of a network as it runs, stored or generated. Pointers stay until the callback returns. */
typedef struct hni_task_weight {
    const char *name;
    hn_shape shape;
    const float *values; /* row-major */
    bool generated;
    bool shown;          /* stands for the network where none is named: the first of these, on a page two */
    bool above;          /* those of several networks stand one above another */
    hni_filters filters; /* how it is looked at; no rows: not as a picture */
    const char *row_word, *column_word; /* what its rows and columns of filters are; NULL: nothing is said */
} hni_task_weight;

/* One of the embeddings from which a generator makes a network's weights, a tile each. Pointers stay until the callback returns. */
typedef struct hni_task_embedding {
    const char *weight, *group; /* what is made of it, and the name of the weights that are like it: "group 0" */
    int64_t tile, tiles;        /* which of how many of this weight */
    const float *values;
    int64_t size;        /* E */
    hni_filters filters; /* how a tile is looked at */
} hni_task_embedding;

typedef struct hni_task {
    const char *name; /* the recipe's `task:` */
    const char *help;
    hni_measure measure;
    /* A part of the data is a stream: read in tracks, its symbols predicted one by one, by weights of any storage. Without it
     * hni_evaluate_options has only split, progress, item and user. */
    bool streams;
    bool narrow;       /* train.precision may be bf16 */
    const char *sizes; /* keys that make an update need less memory: "model.units, data.batch or data.length" */
    const hni_settings *(*data_settings)(void);  /* section "data" */
    size_t data_size;                            /* of the struct that they fill */
    const hni_settings *(*model_settings)(void); /* section "model" */
    size_t model_size;

    /* Is the data here? Looks for files, reads none. */
    hn_status (*find_data)(hn_context *context, const void *data, const hni_data_places *places,
                           hni_data_status *out_status);
    hn_status (*open)(const hni_task_open *open, hni_task_work **out_work);
    /* NULL is allowed. The graph may be gone already. */
    void (*close)(hni_task_work *work);
    void (*size)(const hni_task_work *work, hni_task_size *out_size);
    /* Hex SHA-256 of the decoded data, all splits: a resume on other data is an error. "" without data. */
    const char *(*data_checksum)(const hni_task_work *work);

    /* Declares the parameters in an open store. */
    hn_status (*declare)(hni_task_work *work, hn_store *store);
    /* Binds work to the graph it runs on (state tensors, corpus). Binding again leaves the former graph alone, which may be gone. */
    hn_status (*bind)(hni_task_work *work, hn_weights *weights);
    /* Builds the loss of update `step` on the bound graph: a pure function of data, recipe, seed, step (and carried state).
     * The caller has reset the graph and set its step. Dry graphs are allowed, also without data (memory forecast). */
    hn_status (*loss)(hni_task_work *work, int64_t step, hn_tensor *out_loss);
    /* After the update, before the graph is reset: carries state over. NULL: the task has none. */
    hn_status (*advance)(hni_task_work *work, int64_t step);
    /* Mean over a split, no dropout; state of training untouched. Resets the graph, before and after. */
    hn_status (*evaluate)(hni_task_work *work, const hni_evaluate_options *options, hni_metric *out_metric);
    /* NULL: the task's models write nothing. */
    hn_status (*sample)(hni_task_work *work, const hni_sample_options *options);

    /* Carried state, buffers, blobs of a checkpoint: tensor `index`. *out_more is false past the end, and no tensor is given. */
    hn_status (*state_get)(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor, bool *out_more);
    hn_status (*state_set)(hni_task_work *work, const hn_safetensors *checkpoint);
    /* __metadata__.model: settings as JSON from which libhypernet alone rebuilds the model. */
    hn_status (*model_json)(const hni_task_work *work, char *out_text, size_t size);
    /* A short name of the model for legends: "LN-HyperLSTM 256". */
    void (*label)(const hni_task_work *work, char *out_text, size_t size);
    /* What `sample` can observe of the model; NULL without it. */
    void (*sights)(const hni_task_work *work, hni_task_sights *out_sights);
    /* Lines of `info`: calls write(user, key, value) for the model and its readings; with_data: also for data settings, which a checkpoint
     * without its run does not know. */
    hn_status (*describe)(const hni_task_work *work, bool with_data,
                          void (*write)(void *user, const char *key, const char *value), void *user);
    /* Writes into data settings what opening the data has decided, so that a run's recipe says it. NULL: nothing is. */
    void (*settle)(const hni_task_work *work, void *data);
    /* Name of class `index` of an opened model; NULL past the end. NULL: the task knows no classes. */
    const char *(*class_name)(const hni_task_work *work, int64_t index, size_t *out_size);
    /* Tells `item` of every image of a file, label -1. NULL: the task's models classify nothing. */
    hn_status (*predict)(hni_task_work *work, const char *path, void (*item)(void *user, const hni_task_item *item),
                         void *user);
    /* Declares in an open store, and fills, an ordinary model that says what this one says, its generated weights written down; out_json is its
     * settings (model_json). An error for a model without generated weights. NULL: such weights change while a model runs. */
    hn_status (*bake)(hni_task_work *work, hn_store *baked, char *out_json, size_t size);
    /* Outputs of two bound works of this task for at most `most` made-up inputs. NULL as `bake`. */
    hn_status (*compare)(hni_task_work *work, hni_task_work *other, int64_t most, hni_task_difference *out_difference);
    /* Tells `tell` of every weight of the bound network, in the order in which it asks for them. NULL as `bake`. */
    hn_status (*weights)(hni_task_work *work, void (*tell)(void *user, const hni_task_weight *weight), void *user);
    /* Tells `tell` of every embedding, weight by weight; of none if a model has none. NULL as `bake`. */
    hn_status (*embeddings)(hni_task_work *work, void (*tell)(void *user, const hni_task_embedding *embedding),
                            void *user);
    /* Tiles that the generator makes of any embeddings [count,E], one after another. For models with embeddings. */
    hn_status (*make)(hni_task_work *work, const float *embeddings, int64_t count, float *out_tiles);
    /* Names of the figures that every metric of this work comes with, in their order, known once it is opened. NULL: none. */
    const hni_figure *(*figures)(const hni_task_work *work, size_t *out_count);
    /* Memory that a dynamic evaluation takes beside what is there already: a forecast. NULL: the task has no dynamic evaluation. */
    hn_status (*dynamic_bytes)(hni_task_work *work, const hni_evaluate_options *options, int64_t *out_bytes);
    /* The paper's row of a model of this size, and its table; NULL (also for the function) if there is none. */
    const hni_paper_row *(*paper)(const hni_task_work *work, const hni_paper_table **out_table);
    /* From now on loss and advance do the rows of part `part` of `parts` of the batch; at first 0 of 1, at most size.rows_per_step.
     * The losses of the parts add up to that of the whole, and so do their gradients; part 0 is the largest. An evaluation takes
     * no more memory than a part. NULL: this task's batches are not divided. */
    void (*take_part)(hni_task_work *work, int64_t part, int64_t parts);
} hni_task;

/* NULL if there is none of that name; index past the end gives NULL. */
const hni_task *hni_task_find(const char *name);
const hni_task *hni_task_at(size_t index);

#endif
