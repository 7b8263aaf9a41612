/* How cases of gradcheck are written down; for files of cases only, since its macros have short names. */
#ifndef HNI_GRAPH_GRADCHECK_CASES_H
#define HNI_GRAPH_GRADCHECK_CASES_H

#include "graph/gradcheck.h"

typedef struct hni_gradcheck_list {
    const hni_gradcheck_case *cases;
    int64_t count;
} hni_gradcheck_list;

extern const hni_gradcheck_list hni_gradcheck_elementwise, hni_gradcheck_matmul, hni_gradcheck_views,
    hni_gradcheck_rows, hni_gradcheck_image, hni_gradcheck_batch_norm, hni_gradcheck_sequence;

/* clang-format off */
#define HNI_GRADCHECK_LIST(cases) {(cases), (int64_t)(sizeof(cases) / sizeof(cases)[0])}

#define INPUTS(...) ((const hni_gradcheck_input[]){__VA_ARGS__, {.kind = HNI_GRADCHECK_NONE}})
/* One of them, by shape: X(2, 3) is [2,3], SCALAR is []. */
#define X(...) {.kind = HNI_GRADCHECK_CHECKED, .shape = HNI_GRADCHECK_SHAPE(__VA_ARGS__)}
#define SCALAR {.kind = HNI_GRADCHECK_CHECKED, .shape = {0, {0}}}
#define SCALED(number, ...) \
    {.kind = HNI_GRADCHECK_CHECKED, .shape = HNI_GRADCHECK_SHAPE(__VA_ARGS__), .factor = (number)}
#define VANISHING(...) {.kind = HNI_GRADCHECK_VANISHING, .shape = HNI_GRADCHECK_SHAPE(__VA_ARGS__)}
#define CONSTANT(...) {.kind = HNI_GRADCHECK_CONSTANT, .shape = HNI_GRADCHECK_SHAPE(__VA_ARGS__)}
#define INTEGERS(array, ...) \
    {.kind = HNI_GRADCHECK_INTEGERS, .shape = HNI_GRADCHECK_SHAPE(__VA_ARGS__), .integers = (array)}
#define HNI_GRADCHECK_SHAPE(...) {(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}
/* clang-format on */

/* A build function: graph g, inputs x[0], x[1], .. */
#define BUILD(function, expression)                                              \
    static hn_tensor function(hn_graph *g, const hn_tensor *x, const void *user) \
    {                                                                            \
        (void)user;                                                              \
        return (expression);                                                     \
    }

#endif
