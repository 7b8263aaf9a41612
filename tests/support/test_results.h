/* Numbers of a run, kept as doubles, one list a tensor: so that two ways to compute the same can be compared. */
#ifndef TEST_RESULTS_H
#define TEST_RESULTS_H

#include "hypernet/hypernet.h"
#include "test_support.h"

enum { TEST_MOST_RESULTS = 80 };

typedef struct test_results {
    double *data[TEST_MOST_RESULTS];
    int64_t size[TEST_MOST_RESULTS];
    char name[TEST_MOST_RESULTS][48];
    int count;
} test_results;

/* Takes over `data` (test_malloc's). */
void test_results_keep(test_results *results, const char *name, double *data, int64_t size);
void test_results_drop(test_results *results);
/* Every number within `share` of its tensor's largest expected entry; NaN is not. `what` begins the message. */
void test_results_compare(const char *what, const test_results *ours, const test_results *expected, double share);

/* Deterministic numbers in [-0.5, 0.5) that look random enough, and a F64 tensor of them. */
double test_number(int64_t i, int64_t salt);
hn_tensor test_numbers(hn_graph *graph, hn_shape shape, int64_t salt, bool differentiable);

#endif
