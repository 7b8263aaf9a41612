/* A context and a parameter store for tests: declare a few parameters, seal, read and write. Every failure fails the test. */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include "hypernet/params.h"
#include "test_support.h"

typedef struct test_store {
    hn_context *context;
    hn_graph *dry; /* declarations are made on it */
    hn_weights *declarer;
    hn_store *store;
} test_store;

/* threads 0: as many as there are cores. */
void test_store_open(test_store *fixture, int threads);
void test_store_close(test_store *fixture);
void test_store_declare(test_store *fixture, const char *name, hn_shape shape, hn_init init);
/* Seals with a graph of its own, which is gone afterwards. */
void test_store_seal(test_store *fixture, hn_backend backend, hn_dtype dtype, uint64_t seed);
hn_graph *test_graph_create(hn_context *context, hn_backend backend, hn_dtype dtype);

/* The values of a parameter as doubles, freed by the caller. */
double *test_store_read(const test_store *fixture, const char *name);
void test_store_write(test_store *fixture, const char *name, const double *values);
void test_store_write_gradient(test_store *fixture, const char *name, const double *values);

/* The context's error must be of this kind, with all of these texts (NULL ends them); it is cleared. */
void test_assert_error(hn_context *context, hn_status status, const char *text, ...);

#endif
