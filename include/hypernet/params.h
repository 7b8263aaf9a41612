/* The parameter store, weights by name, and initialisers.
 *
 * Only the store owns trainable numbers: one flat block of values, one of gradients, and one of buffers, which are kept but not trained.
 * Layers ask for weights by name; hn_weights_put puts any tensor in a name's place, and the layer cannot tell the difference: that is how
 * one network makes the weights of another. A replaced name takes no room in the store and has no place in the count.
 *
 *     run the model once on a dry graph       every hn_weights_get declares a parameter
 *     hn_store_seal(store, graph, seed)       lays out the block and initialises it
 *     run the model on `graph` as often as wanted
 */
#ifndef HYPERNET_PARAMS_H
#define HYPERNET_PARAMS_H

#include "hypernet/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hn_init_kind {
    HN_INIT_ZEROS = 0,
    HN_INIT_CONSTANT, /* value */
    HN_INIT_NORMAL,   /* standard deviation value, about mean */
    HN_INIT_UNIFORM,  /* between -value and value */
    HN_INIT_ORTHOGONAL, /* value * a random matrix [rows/blocks, columns] with orthonormal rows (columns, where there are fewer
                         * of them) for each of `blocks` row blocks; dimensions after the first count as columns */
    HN_INIT_TRUNCATED_NORMAL /* value * a standard normal number, drawn anew while beyond 2: deviation 0.8796 * value */
} hn_init_kind;

typedef struct hn_init {
    hn_init_kind kind;
    double value;
    int blocks;  /* orthogonal only; >= 1, divides the first dimension (the four gates: 4) */
    double mean; /* normal only */
    const double
        *row_factors; /* NULL, or one for each index of the first dimension, which that row is multiplied with */
} hn_init;

HN_API hn_init hn_init_zeros(void);
HN_API hn_init hn_init_constant(double value);
HN_API hn_init hn_init_normal(double deviation);
HN_API hn_init hn_init_normal_about(double mean, double deviation);
HN_API hn_init hn_init_uniform(double half_width);
HN_API hn_init hn_init_orthogonal(int blocks, double gain);
HN_API hn_init hn_init_truncated_normal(double deviation);
/* `init` with row r multiplied by factors[r]. The store copies the factors when it declares the parameter. */
HN_API hn_init hn_init_by_row(hn_init init, const double *factors);

typedef struct hn_store hn_store;

/* One parameter, or buffer. Owned by the store; a pointer to it is good until the next declaration. */
typedef struct hn_parameter {
    const char *name; /* "layers.0.weight_h", 1 to 255 bytes */
    hn_shape shape;
    int64_t elements;
    int64_t
        offset; /* of the first element in the flat block, in elements; each starts at a multiple of 64 bytes; -1 until sealed */
    hn_init init;
} hn_parameter;

HN_API HN_MUST_USE hn_status hn_store_create(hn_context *context, hn_store **out_store);
HN_API void hn_store_destroy(hn_store *store);
/* Ends the declaration: allocates values and gradients for the graph's backend and dtype, and initialises every parameter
 * from Philox numbers keyed by `seed` and the parameter's name (adding a parameter changes no other one's start). The graph
 * may be destroyed afterwards. Sealed by a dry graph a store has a layout and counts but no numbers: reads, writes and
 * optimisers are HN_ERROR_STATE, and only dry graphs get its weights. After a failure the store is still open. */
HN_API HN_MUST_USE hn_status hn_store_seal(hn_store *store, const hn_graph *graph, uint64_t seed);
HN_API bool hn_store_is_sealed(const hn_store *store);

HN_API int64_t hn_store_count(const hn_store *store);    /* of parameters (tensors) */
HN_API int64_t hn_store_elements(const hn_store *store); /* of trainable numbers */
/* NULL if there is no parameter `index`. */
HN_API const hn_parameter *hn_store_parameter(const hn_store *store, int64_t index);
/* -1 if there is none of that name. */
HN_API int64_t hn_store_find(const hn_store *store, const char *name);

/* Copies one parameter, or its gradient, out or in, row-major, F32 or F64 converted to the store's type. */
HN_API HN_MUST_USE hn_status hn_store_read(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count,
                                           void *out_data);
HN_API HN_MUST_USE hn_status hn_store_write(hn_store *store, int64_t index, hn_dtype dtype, int64_t count,
                                            const void *data);
HN_API HN_MUST_USE hn_status hn_store_gradient_read(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count,
                                                    void *out_data);
HN_API HN_MUST_USE hn_status hn_store_zero_gradients(hn_store *store);

/* Buffers: numbers that belong to a model but are not trained, such as a batch norm's running statistics. A flat block of their own, no
 * gradient, no place in the counts above; a name is a parameter's or a buffer's. The calls are those of the parameters. */
HN_API int64_t hn_store_buffer_count(const hn_store *store);
HN_API int64_t hn_store_buffer_elements(const hn_store *store);
HN_API const hn_parameter *hn_store_buffer(const hn_store *store, int64_t index);
HN_API int64_t hn_store_buffer_find(const hn_store *store, const char *name);
HN_API HN_MUST_USE hn_status hn_store_buffer_read(const hn_store *store, int64_t index, hn_dtype dtype, int64_t count,
                                                  void *out_data);
HN_API HN_MUST_USE hn_status hn_store_buffer_write(hn_store *store, int64_t index, hn_dtype dtype, int64_t count,
                                                   const void *data);

/* Weights by name, for one graph. The store and the graph must outlive it. */
typedef struct hn_weights hn_weights;
HN_API HN_MUST_USE hn_status hn_weights_create(hn_graph *graph, hn_store *store, hn_weights **out_weights);
HN_API void hn_weights_destroy(hn_weights *weights);
HN_API hn_graph *hn_weights_graph(const hn_weights *weights);
HN_API hn_store *hn_weights_store(const hn_weights *weights);

/* The tensor that stands for `name`: the one put there, else the store's parameter. An open store declares the name
 * (dry graph only; asked for again, shape and init must be the same); a sealed one refuses an unknown name or another shape
 * and does not look at init. A builder: errors go to the graph. */
HN_API hn_tensor hn_weights_get(hn_weights *weights, const char *name, hn_shape shape, hn_init init);
/* Puts a tensor in the place of `name` until hn_weights_clear or the graph's next reset. Its shape is checked by the next get:
 * the asked shape, or that with a leading batch dimension (weights per sample). Errors go to the graph too. */
HN_API HN_MUST_USE hn_status hn_weights_put(hn_weights *weights, const char *name, hn_tensor tensor);
HN_API void hn_weights_clear(hn_weights *weights);

/* The store's buffer `name`, declared as by hn_weights_get: without a gradient, and not to be replaced. A builder. */
HN_API hn_tensor hn_weights_buffer(hn_weights *weights, const char *name, hn_shape shape, hn_init init);
/* `value`, of the buffer's shape, is to take its place: remembered until hn_weights_commit, for ops of the step may still read the
 * former one; the last value counts, and a reset of the graph forgets it. Errors go to the graph too.
 *
 *     status = hn_optimizer_step(optimizer, rate, &report);
 *     if (status == HN_OK) status = hn_weights_commit(weights);      // buffers follow an update, not a refused one */
HN_API HN_MUST_USE hn_status hn_weights_buffer_update(hn_weights *weights, const char *name, hn_tensor value);
HN_API HN_MUST_USE hn_status hn_weights_commit(hn_weights *weights);

/* hn_site(name), remembered; two different names with one hash are an error of the graph. */
HN_API uint32_t hn_weights_site(hn_weights *weights, const char *name);

#ifdef __cplusplus
}
#endif
#endif
