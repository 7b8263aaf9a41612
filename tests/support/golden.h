/* Golden files of tests/golden: a model's settings and parameters, and comparisons of tensors by name. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include "hypernet/hypernet.h"
#include "test_support.h"

typedef struct golden_case {
    hn_context *context;
    hn_safetensors *file;
    hn_language_model model;    /* keep probabilities from `case` */
    hn_image_model image_model; /* of the file, if it is one of images */
    uint64_t seed;
    uint32_t step;
    bool reverse;
    double rate, clip_norm;
    hn_graph *graph;
    hn_store *store;
    hn_weights *weights;
} golden_case;

/* Opens tests/golden/NAME.safetensors and makes a graph of that backend and type; the store holds the file's parameters, found under
 * `prefix` ("" or "initial."). Fails the test when something is missing. */
typedef struct golden_options {
    const char *name, *prefix;
    hn_backend backend;
    hn_dtype dtype;
    int threads;
    bool model; /* declare the file's model (else the test declares its own) */
} golden_options;
void golden_open(golden_case *golden, const golden_options *options);
void golden_close(golden_case *golden);
void golden_load_parameters(golden_case *golden, const char *prefix);

/* The tensor of that name; fails the test when it is missing. */
const hn_file_tensor *golden_find(const golden_case *golden, const char *name);
bool golden_has(const golden_case *golden, const char *name);
/* It as a step tensor of the graph. */
hn_tensor golden_tensor(const golden_case *golden, const char *name, bool differentiable);
/* The same, persistent. */
hn_tensor golden_persistent(const golden_case *golden, const char *name);
/* Each number within `share` of the golden tensor's largest entry. */
void golden_compare(const golden_case *golden, const char *name, hn_tensor actual, double share);
void golden_compare_gradient(const golden_case *golden, const char *name, hn_tensor leaf, double share);
/* All parameters against PREFIX.NAME. */
void golden_compare_parameters(const golden_case *golden, const char *prefix, bool gradients, double share);

#define assert_ok(context, call) golden_assert_ok((context), (call), #call, __FILE__, __LINE__)
void golden_assert_ok(const hn_context *context, hn_status status, const char *text, const char *file, int line);

#endif
