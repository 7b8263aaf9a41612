/* Covariance of vectors that come one at a time, and its effective rank. In double; the result depends on the order of the vectors
 * alone. */
#ifndef HNI_APP_TASKS_COVARIANCE_H
#define HNI_APP_TASKS_COVARIANCE_H

#include "core/context.h"

typedef struct hni_covariance {
    int64_t size;  /* E */
    int64_t count; /* vectors so far */
    double *mean;  /* [E] of them */
    double *sum;   /* [E,E] of (z - mean)(z - mean)^T over them; the lower triangle */
} hni_covariance;

/* Doubles that a covariance of vectors of `size` numbers needs; false if there is no such size_t. */
HN_MUST_USE bool hni_covariance_room(int64_t size, size_t *out_count);
/* `memory` holds that many doubles, all 0, and stays the caller's. */
void hni_covariance_start(hni_covariance *covariance, int64_t size, double *memory);
void hni_covariance_add(hni_covariance *covariance, const float *z); /* [E] */

/* (sum l)^2 / sum l^2 over the eigenvalues l of the covariance: 1 if all variation lies in one direction, E if it is equal in all. 0
 * if there is none at all: a constant has no direction, and 1 would look like one. No eigenvalue is computed: their sum is the trace,
 * and the sum of their squares the sum of the squares of all elements. */
double hni_covariance_rank(const hni_covariance *covariance);

#endif
