/* How parameters start. All is computed in double from Philox numbers with key (seed, step 0, site "init NAME"), so a start
 * depends on nothing but seed, name, shape and initialiser: not on other parameters, the element type or the threads. */
#ifndef HNI_PARAMS_INIT_H
#define HNI_PARAMS_INIT_H

#include "core/rng.h"
#include "hypernet/params.h"

/* Fills out_values [parameter->elements], row-major. */
HN_MUST_USE hn_status hni_init_fill(hn_context *context, const hn_parameter *parameter, uint64_t seed,
                                    double *out_values);

/* `blocks` random matrices [rows, columns] one below the other, each with orthonormal rows (or columns if there are more rows
 * than columns), Haar-distributed, times gain. */
typedef struct hni_orthogonal {
    hni_rng_key key;
    int64_t blocks, rows, columns;
    double gain;
} hni_orthogonal;
HN_MUST_USE hn_status hni_init_orthogonal(hn_context *context, const hni_orthogonal *orthogonal, double *out_values);

/* Standard normal numbers 0 .. count-1 of the key, times factor. */
void hni_init_normal(int threads, const hni_rng_key *key, int64_t count, double factor, double *out_values);

#endif
