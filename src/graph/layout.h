/* Element-wise ops in the order in which their inputs lie in memory. */
#ifndef HNI_GRAPH_LAYOUT_H
#define HNI_GRAPH_LAYOUT_H

#include "graph/graph.h"

/* The dimensions of a view by falling stride, those with equal ones as they are, and which of them each one is: permuting by order and
 * then by back changes nothing. False if the order is the one that they have. */
bool hni_memory_order(const hni_view *view, int *out_order, int *out_back);

/* Applies an element-wise op of `count` inputs (at most three). If the inputs that have the result's shape all lie in memory without gaps in
 * one permuted order, as images with channels last do, so does the result; else it is contiguous. */
hn_tensor hni_graph_elementwise(hn_graph *graph, hni_op op, const hni_attributes *attributes, const hn_tensor *inputs,
                                int64_t count);

#endif
