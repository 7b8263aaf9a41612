/* Gradcheck: backward passes held against central differences of forward passes, in double. For tests and `hypernet gradcheck`.
 *
 * A case is a small function of some inputs. Its loss is the inner product of the output with fixed random numbers, never a plain
 * sum, scaled so that |L| <= 10. Each element x of each checked input is moved by 1e-5 * max(1, |x|) to both sides, and
 *     |a - n| <= 1e-9 + 1e-6 * max(|a|, |n|)      a: backward, n: numeric
 * must hold with signs, in a form that NaN and infinities fail. Some |n| of every checked input must be above 1e-3, or 0 = 0 would pass.
 *
 * Random inputs have sizes between 0.1 and 1.1 and either sign: ten thousand steps away from the kink of relu at 0 and from a
 * division by 0. A case with a kink elsewhere has to stay as far from it. */
#ifndef HNI_GRAPH_GRADCHECK_H
#define HNI_GRAPH_GRADCHECK_H

#include "graph/graph.h"

#define HNI_GRADCHECK_MAX_INPUTS 64
#define HNI_GRADCHECK_MAX_OUTPUTS 1000

typedef enum hni_gradcheck_kind {
    HNI_GRADCHECK_NONE = 0,  /* ends the list of inputs */
    HNI_GRADCHECK_CHECKED,   /* random numbers; the gradient is checked */
    HNI_GRADCHECK_VANISHING, /* the same, but the gradient is 0 by intention and must be so */
    HNI_GRADCHECK_CONSTANT,  /* random numbers without a gradient */
    HNI_GRADCHECK_INTEGERS   /* I32 */
} hni_gradcheck_kind;

typedef struct hni_gradcheck_input {
    hni_gradcheck_kind kind;
    hn_shape shape;
    const int32_t *integers; /* one an element, for INTEGERS */
    double factor;           /* of the random numbers; 0 stands for 1 */
} hni_gradcheck_input;

typedef struct hni_gradcheck_case {
    hni_op op;        /* what it is a case of; HNI_OP_COUNT for a composition */
    const char *name; /* unique within its op; the random numbers depend on it */
    hn_tensor (*build)(hn_graph *graph, const hn_tensor *inputs, const void *user);
    const hni_gradcheck_input *inputs; /* ends in one of kind NONE */
    const void *user;                  /* for build */
} hni_gradcheck_case;

typedef struct hni_gradcheck_report {
    bool passed;
    int64_t compared; /* elements of inputs */
    double worst; /* largest |a - n| as a share of what is allowed; 1 is the limit; DBL_MAX for infinities and NaN */
    char failure[256]; /* the first thing wrong: which input, which element, both numbers; "" if passed */
} hni_gradcheck_report;

/* The cases of all ops, in the order of ops.def where a family allows it. NULL past the end. */
const hni_gradcheck_case *hni_gradcheck_at(int64_t index);

int hni_gradcheck_input_count(const hni_gradcheck_case *test);
/* Runs a case on `graph`, which must compute in F64, and resets it before and after; recording and training are left on, seed and
 * step at 0. A red check is no error: ask the report. HN_OK unless the case could not be run. */
HN_MUST_USE hn_status hni_gradcheck_run(hn_graph *graph, const hni_gradcheck_case *test,
                                        hni_gradcheck_report *out_report);

#endif
