/* A task: one struct of functions that tells the trainer, and the commands, everything about a kind of data and its model. The
 * trainer knows tasks only through this struct; src/app/tasks/registry.c lists them.
 *
 *     recipe -> open data -> declare model -> [ batch -> loss -> backward -> optimiser ] -> metrics, sample -> checkpoint
 */
#ifndef HNI_APP_TASKS_TASK_H
#define HNI_APP_TASKS_TASK_H

#include "core/settings.h"
#include "hypernet/nn.h"
#include "hypernet/optim.h"

/* Where data may lie, in the order of looking: --data, $HYPERNET_DATA, ~/.local/share/hypernet, then what Debian ships. */
typedef struct hni_data_places {
    const char *folders[4]; /* NULL entries are skipped */
} hni_data_places;

/* What `recipes` and messages say about a recipe's data. */
typedef struct hni_data_status {
    bool available;
    char where[1024]; /* the file or folder that was found */
    char remedy[512]; /* what to put where, with its checksum, when it is not */
} hni_data_status;

/* Size of a run as the data and the recipe give it. */
typedef struct hni_task_size {
    int64_t windows_per_epoch; /* updates an epoch */
    int64_t symbols_per_step;  /* B*T: what "characters a second" counts */
    const char *symbol_name;   /* "characters" */
} hni_task_size;

typedef struct hni_metric {
    double value;     /* lower is better: bits per character */
    int64_t count;    /* symbols that were predicted */
    char note[96];    /* "64 tracks, state carried" */
} hni_metric;

/* One extra tensor of a checkpoint: carried state, buffers, blobs. Memory belongs to the task until its next call. */
typedef struct hni_task_tensor {
    char name[96];
    hn_dtype dtype;
    hn_shape shape;
    void *data;
} hni_task_tensor;

typedef struct hni_task_work hni_task_work; /* one opened task: data, model, graph tensors; private to the task */

typedef struct hni_task_open {
    hn_context *context;
    const void *data;  /* its data settings, filled */
    const void *model; /* its model settings, filled */
    const hni_data_places *places; /* NULL: no data is wanted (info, sampling from a checkpoint) */
    const hn_safetensors *checkpoint; /* blobs (vocabulary) come from here if not NULL */
} hni_task_open;

typedef struct hni_sample_options {
    const char *prime;
    int64_t length;     /* symbols after the prime */
    double temperature; /* > 0; 0: always the most probable symbol */
    uint64_t seed;
    /* Gets the text as it grows, in whole UTF-8 sequences where the bytes form some; false stops. */
    bool (*write)(void *user, const char *bytes, size_t size);
    void *user;
    /* Not NULL: weight change of `heat_layer` under each symbol, gates i, g, f, o: Frobenius norm of the change of d_h * W_h. */
    void (*heat)(void *user, const char *symbol, size_t size, const float change[4]);
    int heat_layer;
} hni_sample_options;

typedef struct hni_task {
    const char *name; /* the recipe's `task:` */
    const char *help;
    const hni_settings *data_settings;  /* section "data" */
    size_t data_size;
    const hni_settings *model_settings; /* section "model" */
    size_t model_size;

    hn_status (*find_data)(hn_context *context, const void *data, const hni_data_places *places, hni_data_status *out_status);
    hn_status (*open)(const hni_task_open *open, hni_task_work **out_work);
    void (*close)(hni_task_work *work);
    hn_status (*size)(const hni_task_work *work, hni_task_size *out_size);
    /* Hex SHA-256 of what is learned from: a resume on other data is an error. */
    const char *(*data_checksum)(const hni_task_work *work);

    /* Declares the parameters in an open store; later binds work to the graph it runs on (state tensors, corpus). */
    hn_status (*declare)(hni_task_work *work, hn_store *store);
    hn_status (*bind)(hni_task_work *work, hn_weights *weights);
    /* Builds the loss of update `step` on the bound graph: a pure function of data, recipe, seed, step (and carried state).
     * The caller has reset the graph and set its step. Dry graphs are allowed (memory forecast). */
    hn_status (*loss)(hni_task_work *work, int64_t step, hn_tensor *out_loss);
    /* After the update: carries state over. */
    hn_status (*advance)(hni_task_work *work, int64_t step);
    /* Mean over a split ("valid", "test"), no dropout, state of training untouched. tracks 0: the task's choice while training. */
    hn_status (*evaluate)(hni_task_work *work, const char *split, int64_t tracks, hni_metric *out_metric);
    hn_status (*sample)(hni_task_work *work, const hni_sample_options *options);

    /* Carried state, buffers, blobs of a checkpoint: tensor `index`, false past the end; and back. */
    bool (*state_get)(hni_task_work *work, int64_t index, hni_task_tensor *out_tensor);
    hn_status (*state_set)(hni_task_work *work, const hn_safetensors *checkpoint);
    /* __metadata__.model: settings as JSON from which libhypernet alone rebuilds the model. */
    hn_status (*model_json)(const hni_task_work *work, char *out_text, size_t size);
    /* Lines of `info`: calls write(user, key, value) for layers, readings, the paper's figure. */
    hn_status (*describe)(const hni_task_work *work, void (*write)(void *user, const char *key, const char *value), void *user);
} hni_task;

/* NULL if there is none of that name; index past the end gives NULL. */
const hni_task *hni_task_find(const char *name);
const hni_task *hni_task_at(size_t index);

#endif
