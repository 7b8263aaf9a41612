/* A small language model ready to run: context, sealed store, graph, weights; windows of made-up symbols. */
#ifndef TEST_LANGUAGE_H
#define TEST_LANGUAGE_H

#include "hypernet/hypernet.h"
#include "test_support.h"

typedef struct test_language {
    hn_context *context;
    hn_language_model model;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
} test_language;

typedef struct test_language_options {
    hn_backend backend;
    hn_dtype dtype;
    int threads;
    const hn_allocator *allocator; /* NULL: the C library's */
} test_language_options;

/* V 7, N 10, M 5, E 3, one layer; all else by default. */
hn_language_model test_language_model(hn_cell_kind kind, bool layer_norm);
/* Every parameter is a random number, those that start at 0 or 1 too, so that none hides a mistake. */
void test_language_open(test_language *l, const hn_language_model *model, const test_language_options *options);
void test_language_close(test_language *l);
/* Symbols below V that depend on `seed`, I32 [rows,steps]. */
hn_tensor test_language_symbols(test_language *l, int64_t rows, int64_t steps, uint32_t seed);
/* A state [rows,S] of random numbers, the same for the same seed; differentiable. */
hn_tensor test_language_state(test_language *l, int64_t rows, uint32_t seed);
void test_language_ok(const test_language *l, hn_status status, const char *file, int line);
#define language_ok(l, call) test_language_ok((l), (call), __FILE__, __LINE__)

/* All gradients of the store behind each other, as double; the caller gives it back with test_free. */
double *test_language_gradients(const test_language *l, int64_t *out_count);
/* A tensor's numbers as double; the caller gives it back with test_free. */
double *test_tensor_numbers(hn_graph *graph, hn_tensor tensor, int64_t *out_count);

#endif
