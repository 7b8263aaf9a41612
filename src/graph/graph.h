/* Inside of the graph: values, nodes, memory of a step. */
#ifndef HNI_GRAPH_GRAPH_H
#define HNI_GRAPH_GRAPH_H

#include "core/arena.h"
#include "hypernet/graph.h"
#include "ops/op.h"

/* A tensor of the graph. Views share their root's storage and gradient at the same strides. */
typedef struct hni_value {
    hni_view view;
    void *gradient;      /* memory of the root's gradient, as large as its storage; NULL: none yet */
    uint32_t root;       /* slot that owns storage and gradient; this one unless it is a view */
    uint32_t sharer;     /* the next slot, round a ring, whose gradient is the same memory; 0: nobody else's */
    uint32_t generation; /* persistent slots: of this value */
    bool wants_gradient;
    bool has_node;     /* made by a recorded op (else a leaf) */
    bool has_gradient; /* `gradient` is there (a dry graph has no addresses) */
    bool bound;        /* persistent: storage belongs to somebody else (the parameter store) */
    bool used;         /* persistent: the slot is taken */
    bool dropped;      /* persistent: gone for the caller, kept until the reset for what the step still reads of it */
} hni_value;

typedef struct hni_node {
    hni_call call;
    const uint32_t *inputs; /* slots [call.input_count] */
    uint32_t out;
} hni_node;

typedef struct hni_free_gradient { /* a gradient buffer to be used again within this backward */
    size_t size;
    void *data;
} hni_free_gradient;

/* Told of each op when it has run: for those who measure. `place` is that of its node on the tape, -1: not recorded. */
typedef struct hni_observer {
    void (*ran)(void *user, hni_op op, int64_t place, bool backward); /* NULL: nobody asks */
    void *user;
} hni_observer;

#ifdef HNI_TEST_HOOKS
/* Test build: what the VJP of (op, input) adds is multiplied by `factor` (-1, 0, 2), so gradcheck must go red. */
typedef struct hni_mutation {
    bool on;
    hni_op op;
    int64_t input;
    double factor;
    bool view_done; /* of this backward */
} hni_mutation;
#endif

struct hn_graph {
    hn_context *context;
    const hni_kernels *kernels;
    bool dry;
    bool recording, training, walked;
    bool composed;       /* recurrent layers are made of primitive ops where a fused op could do them: for tests */
    hn_status status;    /* first error of a builder since the last reset */
    uint32_t generation; /* of step tensors; unique among the context's graphs */
    uint64_t resets;
    hni_arena data;    /* activations, saved blocks, gradients (counted only in a dry graph) */
    hni_arena meta;    /* nodes and their input lists */
    hni_arena scratch; /* of one op */
    hni_exec exec;
    hni_step_block step;
    hni_observer observer;
    hni_value *values; /* step tensors: slot i + 1 */
    int64_t value_count, value_room;
    hni_value *persistent; /* slot HNI_PERSISTENT + i */
    int64_t persistent_count, persistent_room;
    bool has_dropped;
    hni_node **nodes;
    int64_t node_count, node_room;
    hni_free_gradient *free_gradients;
    int64_t free_count, free_room;
#ifdef HNI_TEST_HOOKS
    hni_mutation mutation;
#endif
};

#define HNI_PERSISTENT 0x80000000u

/* ---- used by params, optim, nn, and tasks ---- */

const hni_kernels *hni_graph_kernels(const hn_graph *graph);
hni_exec *hni_graph_exec(hn_graph *graph);
/* A persistent slot on memory that the caller owns and keeps as long as the tensor is used; the graph never frees it. gradient NULL: not
 * differentiable. HN_NO_TENSOR (and the graph's error) when there is no memory for the slot. */
hn_tensor hni_graph_bind(hn_graph *graph, const hni_view *value, const hni_view *gradient);
/* Keeps the first error of a builder; returns HN_NO_TENSOR. */
hn_tensor hni_graph_fail(hn_graph *graph, hn_status status, const char *format, ...) HN_PRINTF(3, 4);
/* The first recorded op whose output holds a number that is infinite or NaN, as "softmax [3,5], operation 12 of 40": where a loss
 * went wrong. "" if there is none. `buffer` of `size` bytes. */
HN_MUST_USE hn_status hni_graph_first_bad(hn_graph *graph, char *buffer, size_t size);
/* What a pass is for. */
typedef struct hni_graph_mode {
    bool recording, training;
} hni_graph_mode;
/* Ends the step for passes whose results are only read: nothing is recorded, no dropout, running statistics stay. Returns what held
 * before, for hni_graph_end_evaluation, which forgets the tensors of the evaluation. */
hni_graph_mode hni_graph_begin_evaluation(hn_graph *graph);
void hni_graph_end_evaluation(hn_graph *graph, hni_graph_mode before);
/* Grows with every reset. */
uint64_t hni_graph_resets(const hn_graph *graph);

/* ---- used inside graph/ ---- */

/* NULL for a stale or invalid tensor. */
hni_value *hni_graph_value(const hn_graph *graph, hn_tensor tensor);
hni_value *hni_graph_slot(const hn_graph *graph, uint32_t slot);
/* The same, with the error recorded. */
hni_value *hni_graph_want(hn_graph *graph, hn_tensor tensor, const char *what);
/* A new step value on `view`. HN_NO_TENSOR on failure. */
hn_tensor hni_graph_add_value(hn_graph *graph, const hni_view *view);
/* Memory for a contiguous view in the step arena; the view's size is checked. */
HN_MUST_USE hn_status hni_graph_take(hn_graph *graph, hni_view *view);
/* The tensor itself if its elements lie row-major without gaps, else a copy. */
hn_tensor hni_graph_contiguous(hn_graph *graph, hn_tensor x);
/* Runs an op and records it. */
hn_tensor hni_graph_apply(hn_graph *graph, hni_op op, const hni_attributes *attributes, const hn_tensor *inputs,
                          int64_t count);

#endif
