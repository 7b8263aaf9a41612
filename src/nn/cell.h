/* Inside of the recurrent cells: weights prepared once a window, and one step of an LSTM and of a HyperLSTM as compositions.
 * Gate tensors are kept as [4,B,n] (gates i, g, f, o first): products [B,4n] are seen so through a view, and a gate is one block. */
#ifndef HNI_NN_CELL_H
#define HNI_NN_CELL_H

#include "core/settings.h"
#include "graph/graph.h"
#include "hypernet/nn.h"

#define HNI_LAYER_NORM_EPSILON 1e-3

/* Where a window lies in the random numbers: masks draw index (row * length + time) * width + unit. */
typedef struct hni_draw {
    int64_t first_row, time, length;
} hni_draw;

/* The part of a cell's pre-activation that comes from its input x. */
typedef struct hni_cell_input {
    hn_tensor symbols; /* i32 [B,T], with `table`; or */
    hn_tensor table;   /* [X,4n] rows of W_x, bias added unless there is a scale */
    hn_tensor all;     /* [B,T,4n] products of all steps, bias added unless there is a scale */
    hn_tensor scale;   /* [B,T]; HN_NO_TENSOR: 1 */
    hn_tensor bias;    /* [4,1,n] added after the scale; HN_NO_TENSOR: none */
    int64_t units;
} hni_cell_input;

/* A plain LSTM's recurrent side; also the hyper cell of a HyperLSTM. */
typedef struct hni_lstm {
    int64_t units;
    bool layer_norm;
    hn_tensor weight_h;                /* [4n,n] */
    hn_tensor gates_gain, gates_shift; /* [4,1,n] */
    hn_tensor cell_gain, cell_shift;   /* [n] */
    double forget_bias, keep;
    uint32_t site; /* of the recurrent dropout */
} hni_lstm;

typedef struct hni_hyper {
    int64_t embedding;     /* E */
    bool previous_output;  /* reading: embeddings from the hyper cell's previous output */
    hni_cell_input input;  /* of the hyper cell, x part */
    hn_tensor weight_main; /* [4M,N] part of the hyper cell's weight_x that reads h */
    hni_lstm cell;
    hn_tensor embed_weight; /* [8E + 4(E+1), M]: z_h, z_x, z_b with one constant element a gate */
    hn_tensor embed_bias;   /* the same length */
    hn_tensor scale_weight; /* [8,N,E] d_h, d_x */
    hn_tensor shift_weight; /* [4,N,E+1] d_b with b_0 as the weight of the constant element */
} hni_hyper;

/* A layer prepared for one window. */
typedef struct hni_layer {
    const hn_cell *cell;
    hni_cell_input input;
    hni_lstm main;
    hni_hyper hyper; /* HyperLSTM only */
} hni_layer;

typedef struct hni_cell_state {
    hn_tensor h, c, hyper_h, hyper_c; /* [B,N], [B,N], [B,M], [B,M] */
} hni_cell_state;

typedef struct hni_cell_view { /* what a step lets be seen */
    hn_tensor d_h;             /* [4,B,N] */
    hn_tensor z_h, z_x, z_b;   /* [B,4,E]; z_b is [B,4,E+1], the last one constant */
    hn_tensor phi;             /* [B,N] */
} hni_cell_view;

/* x is [B,T,X] or i32 [B,T]; scale [B,T] or HN_NO_TENSOR; weight [4n,X]; bias [4n] or HN_NO_TENSOR. */
hni_cell_input hni_cell_input_prepare(hn_graph *graph, hn_tensor x, hn_tensor scale, hn_tensor weight, hn_tensor bias);
/* The same input turned round within lengths. */
void hni_cell_input_reverse(hn_graph *graph, hni_cell_input *input, hn_tensor lengths);
/* [4,B,n] at step t. */
hn_tensor hni_cell_input_at(hn_graph *graph, const hni_cell_input *input, int64_t t);

/* Names below `name` ("layers.0" or "layers.0.hyper"). */
void hni_lstm_prepare(hn_weights *weights, const char *name, const hn_cell *cell, int64_t units, double keep,
                      hni_lstm *out_lstm);
/* y [4,B,n] before layer norm and forget bias, c [B,n] -> new h and c; out_phi may be NULL. */
void hni_lstm_update(hn_graph *graph, const hni_lstm *lstm, hn_tensor y, const hni_draw *draw, hni_cell_state *state,
                     hn_tensor *out_phi);
void hni_lstm_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                   hni_cell_view *view);

/* x as in hni_cell_input_prepare. */
void hni_hyper_prepare(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor x, hn_tensor scale,
                       hn_tensor bias, hni_hyper *out_hyper);
void hni_hyper_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                    hni_cell_view *view);

/* weight "PREFIX.SUFFIX" with its shape. */
hn_tensor hni_weight(hn_weights *weights, const char *prefix, const char *suffix, hn_shape shape, hn_init init);
/* x [B,I] * weight^T: weight [O,I], or [B,O,I] for one matrix a sample -> [B,O]. */
hn_tensor hni_project(hn_graph *graph, hn_tensor x, hn_tensor weight);
/* [B,4n] seen as [4,B,n]. */
hn_tensor hni_gates_first(hn_graph *graph, hn_tensor products, int64_t units);
/* Refuses, by name, a weight that was replaced by one matrix a sample where that is not supported. */
hn_tensor hni_want_rank(hn_graph *graph, hn_tensor weight, const char *name, int rank);

HN_MUST_USE hn_status hni_cell_check(hn_context *context, const hn_cell *cell);

#endif
