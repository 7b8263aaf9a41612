/* A float backend beside the truth (generic double): every slot on the same random float inputs, in strided, repeated, odd and
 * size-1 views, and the same for the gaps between elements, which nobody may write. Each case states its error:
 *
 *     |tested - truth| <= relative * |truth| + share * max(scale, largest finite |truth|) + 2e-38
 *
 * signed, and false with a NaN unless the truth is one. `scale` is the size of the terms that make up a result, where they can
 * cancel. A test of a backend is one line:
 *
 *     int main(void) { return kernel_cases_run("cpu float", hni_kernels_cpu(HN_DTYPE_F32), 2); }
 */
#ifndef KERNEL_CASES_H
#define KERNEL_CASES_H

#include "kernel_tensor.h"

/* Runs all cases as one cmocka group with `threads` threads; returns the number of failures. */
int kernel_cases_run(const char *group, const hni_kernels *tested, int threads);
/* Those of recurrences alone. */
int kernel_cases_run_recurrences(const char *group, const hni_kernels *tested, int threads);

/* ---- for the files kernel_cases_*.c ---- */

typedef struct kernel_case kernel_case;

enum { KERNEL_TESTED, KERNEL_TRUTH, KERNEL_SIDES };

typedef struct kernel_match {
    const kernel_case *row;
    const hni_kernels *kernels[KERNEL_SIDES];
    kernel_bench bench[KERNEL_SIDES];
    int threads;
    uint64_t random; /* state */
} kernel_match;

struct kernel_case {
    const char *name;
    void (*run)(kernel_match *match);
    int variant; /* the hni_map, for map */
    double relative, share;
};

/* The rows of each file; the last has no name. */
extern const kernel_case kernel_cases_elements[], kernel_cases_rows[], kernel_cases_training[], kernel_cases_packed[],
    kernel_cases_recurrence[], kernel_cases_gather[], kernel_cases_image[], kernel_cases_batch[];

/* A whole number in [0, limit), a number in [0, 1), one of mean 0 and variance 1
 * in (-3, 3). */
int64_t kernel_random(kernel_match *match, int64_t limit);
double kernel_random_unit(kernel_match *match);
double kernel_random_normal(kernel_match *match);
bool kernel_random_chance(kernel_match *match, double chance);
/* One of a few sizes around those that vector code treats apart, at most `limit`. */
int64_t kernel_random_size(kernel_match *match, int64_t limit);

typedef enum kernel_values {
    KERNEL_NORMAL,
    KERNEL_UNIT,   /* in (0, 1), as a sigmoid */
    KERNEL_AWAY,   /* magnitude in [0.5, 2): a divisor */
    KERNEL_SPECIAL /* normal, wide, signed zeros, denormal, huge, infinite, NaN */
} kernel_values;

enum {
    KERNEL_DENSE = 0,  /* row-major */
    KERNEL_GAPS = 1,   /* distances between the elements, permuted dimensions, an offset */
    KERNEL_REPEAT = 2, /* stride 0 in some dimensions */
    KERNEL_LINES = 4   /* last stride 1, leading dimensions as above */
};

/* One tensor on each side, the same float numbers in both. Even where a layout allows more, half of the tensors are row-major. */
typedef struct kernel_pair {
    kernel_tensor side[KERNEL_SIDES];
} kernel_pair;

kernel_pair kernel_pair_create(kernel_match *match, hn_shape shape, int layout, kernel_values values);
/* With given strides. */
kernel_pair kernel_pair_strided(kernel_match *match, hn_shape shape, const int64_t *stride, int64_t offset,
                                kernel_values values);
void kernel_pair_set(kernel_pair *pair, int64_t i, double value);
void kernel_pair_fill(kernel_pair *pair, double value);
void kernel_pair_destroy(kernel_pair *pair);
/* Compares the whole storage of both sides with the row's error; see above for `scale`. */
void kernel_pair_match(kernel_match *match, const kernel_pair *pair, const char *what, double scale);
/* Largest finite magnitude on the side of the truth. */
double kernel_pair_largest(const kernel_pair *pair);
/* Random integers in [0, limit), i32 row-major. */
kernel_tensor kernel_random_indices(kernel_match *match, hn_shape shape, int64_t limit);

#endif
