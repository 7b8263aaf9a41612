/* The fused sequence ops as a builder: for nn/, which prepares what goes in. */
#ifndef HNI_GRAPH_SEQUENCE_H
#define HNI_GRAPH_SEQUENCE_H

#include "graph/graph.h"

typedef struct hni_sequence_tensors {
    hn_tensor input[HNI_SEQUENCE_INPUTS]; /* HN_NO_TENSOR: this role is missing */
} hni_sequence_tensors;

/* lstm_sequence, or hyperlstm_sequence if attributes->hyper_units > 0; the places of `attributes` are filled in. -> outputs [B,T,N], a
 * view of [T,B,N], and final state [B,S]. */
void hni_sequence_apply(hn_graph *graph, const hni_sequence_tensors *tensors, const hni_sequence_attributes *attributes,
                        hn_tensor *out_outputs, hn_tensor *out_state);

#endif
