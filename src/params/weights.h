/* Inside of weights by name: an entry a name of a parameter, and one a buffer of the store. */
#ifndef HNI_PARAMS_WEIGHTS_H
#define HNI_PARAMS_WEIGHTS_H

#include "graph/graph.h"
#include "params/store.h"

#define HNI_SHAPE_TEXT 96

typedef struct hni_weight {
    hn_tensor bound;   /* slot of the store's parameter, or HN_NO_TENSOR */
    int64_t parameter; /* of `bound` */
    hn_tensor put;
    bool is_put;
    uint64_t put_resets, put_clears; /* when it was put */
} hni_weight;

/* A buffer of the store, by its index there. */
typedef struct hni_weights_buffer {
    hn_tensor bound; /* its slot, or HN_NO_TENSOR */
    hn_tensor value; /* what it is to become .. */
    bool has_value;
    uint64_t resets; /* .. unless the graph was reset since */
} hni_weights_buffer;

struct hn_weights {
    hn_graph *graph;
    hn_store *store;
    hni_names names; /* index = index of the entry */
    hni_weight *entries;
    size_t capacity;
    uint64_t clears;
    hni_weights_buffer *buffers;
    int64_t buffer_room;
};

static inline bool hni_is_tensor(hn_tensor tensor) { return tensor.slot != 0 || tensor.generation != 0; }

/* Hands an error that already stands in the context's record to the graph. */
hn_tensor hni_weights_fail(hn_weights *weights, hn_status status);
/* The store's numbers must be there and be of the graph's kind, else false and an error. A dry graph looks at no numbers. */
bool hni_weights_have_numbers(hn_weights *weights, const char *name);
/* What is said of a name that a sealed store's section does not have, or has in another shape. */
hn_tensor hni_weights_fail_unknown(hn_weights *weights, const hni_section *section, const char *name);
hn_tensor hni_weights_fail_shape(hn_weights *weights, const hn_parameter *tensor, hn_shape asked);
/* A slot of the graph on a tensor of the store; with the gradient of that parameter if it is differentiable. */
hn_tensor hni_weights_bind(hn_weights *weights, const hni_section *section, int64_t index, bool differentiable);

#endif
