/* What tests of kernels work with: a bench (context, scratch, step block, exec) and tensors of any type in storage of exactly the
 * size they need, so that a sanitizer sees a read beyond it. Numbers go in and out as double, whatever the type. */
#ifndef KERNEL_TENSOR_H
#define KERNEL_TENSOR_H

#include <math.h>

#include "core/arena.h"
#include "kernels/table.h"
#include "test_support.h"

/* C's own are floats. */
#define KERNEL_NAN ((double)NAN)
#define KERNEL_INFINITY ((double)INFINITY)

typedef struct kernel_bench {
    hn_context *context;
    hni_arena scratch;
    hni_step_block step;
    hni_exec exec;
} kernel_bench;

void kernel_bench_begin(kernel_bench *bench, int threads);
void kernel_bench_end(kernel_bench *bench);

/* Fails the test with the context's text unless the slot returned HN_OK; gives the scratch back. */
#define kernel_ok(bench, call) kernel_bench_ok((bench), (call), __FILE__, __LINE__)
void kernel_bench_ok(kernel_bench *bench, hn_status status, const char *file, int line);
/* Fails unless the slot returned `expected` and left a text that contains `part`; clears the record. */
#define kernel_refused(bench, call, expected, part) \
    kernel_bench_refused((bench), (call), (expected), (part), __FILE__, __LINE__)
void kernel_bench_refused(kernel_bench *bench, hn_status status, hn_status expected, const char *part, const char *file,
                          int line);

/* Tests of the generic tables: each runs once in float and once in double. */
typedef struct kernel_test {
    const char *name;
    void (*run)(const hni_kernels *kernels, kernel_bench *bench);
} kernel_test;

int kernel_tests_run(const char *group, const kernel_test *tests, size_t count);
#define KERNEL_TESTS_RUN(group, tests) kernel_tests_run((group), (tests), sizeof(tests) / sizeof((tests)[0]))

typedef struct kernel_tensor {
    hni_view view;
    void *storage;
    int64_t count; /* elements of the storage; more than the view has if there are gaps, fewer if it repeats */
} kernel_tensor;

/* Row-major, zeros. */
kernel_tensor kernel_tensor_create(hn_dtype dtype, hn_shape shape);
/* With these strides (>= 0), element 0 at `offset`; the storage ends with the view's last element. */
kernel_tensor kernel_tensor_strided(hn_dtype dtype, hn_shape shape, const int64_t *stride, int64_t offset);
/* Row-major with these values, one for each element: KERNEL_TENSOR(HN_DTYPE_F64, HN_SHAPE1(2), 1.5, -2). */
kernel_tensor kernel_tensor_of(hn_dtype dtype, hn_shape shape, const double *values);
#define KERNEL_TENSOR(dtype, shape, ...) kernel_tensor_of((dtype), (shape), (const double[]){__VA_ARGS__})
void kernel_tensor_destroy(kernel_tensor *tensor);

/* Element i of the storage. */
double kernel_tensor_get(const kernel_tensor *tensor, int64_t i);
void kernel_tensor_set(kernel_tensor *tensor, int64_t i, double value);

/* Each element of the storage beside the expected numbers, NaN for NaN; the error is relative to each number. */
#define kernel_tensor_holds(tensor, relative, ...)                 \
    kernel_tensor_compare((tensor), (const double[]){__VA_ARGS__}, \
                          sizeof((const double[]){__VA_ARGS__}) / sizeof(double), (relative), __FILE__, __LINE__)
void kernel_tensor_compare(const kernel_tensor *tensor, const double *expected, size_t count, double relative,
                           const char *file, int line);

#endif
