/* Inside of the recurrent cells: weights prepared once a window, and one step of each kind of cell as a composition.
 * Gate tensors are kept as [G,B,n], gates first: products [B,Gn] are seen so through a view, and a gate is one block. An LSTM has
 * G = 4 gates (i, g, f, o), an RNN has one. */
#ifndef HNI_NN_CELL_H
#define HNI_NN_CELL_H

#include "core/settings.h"
#include "graph/graph.h"
#include "hypernet/nn.h"

/* Deviation of embedding_init jitter: of the weights of z_h and z_x, and of d's weights as a share of their start. */
#define HNI_JITTER_EMBEDDING 0.01
#define HNI_JITTER_SCALE 0.1

/* Where a window lies in the random numbers: masks draw index (row * length + time) * width + unit. */
typedef struct hni_draw {
    int64_t first_row, time, length;
} hni_draw;

/* The part of a cell's pre-activation that comes from its input x. */
typedef struct hni_cell_input {
    hn_tensor symbols; /* i32 [B,T], with `table`; or */
    hn_tensor table;   /* [X,Gn] rows of W_x, bias added unless there is a scale */
    hn_tensor all;     /* [B,T,Gn] products of all steps */
    hn_tensor scale;   /* [B,T]; HN_NO_TENSOR: 1 */
    hn_tensor bias;    /* [G,1,n] added after the scale; HN_NO_TENSOR: none */
    int64_t gates, units;
} hni_cell_input;

/* A plain RNN's recurrent side; also the hyper cell of a HyperRNN. */
typedef struct hni_rnn {
    int64_t units;
    hn_activation activation;
    hn_tensor weight_h; /* [n,n]; in the full HyperRNN [En,n], one matrix for each element of z_h */
} hni_rnn;

/* A plain LSTM's recurrent side; also the hyper cell of a HyperLSTM. */
typedef struct hni_lstm {
    int64_t units;
    bool layer_norm;
    hn_tensor weight_h;                /* [4n,n] */
    hn_tensor gates_gain, gates_shift; /* [4,1,n] */
    hn_tensor cell_gain, cell_shift;   /* [n] */
    double forget_bias, keep, epsilon;
    uint32_t site; /* of the recurrent dropout */
} hni_lstm;

/* The hyper cell and what is made of its output. */
typedef struct hni_hyper {
    int64_t gates;          /* G, of the main cell and of the hyper cell */
    int64_t units;          /* M */
    int64_t embedding;      /* E */
    bool previous_output;   /* reading: embeddings from the hyper cell's previous output */
    hni_cell_input input;   /* of the hyper cell, x part */
    hn_tensor weight_main;  /* [GM,N] part of the hyper cell's weight_x that reads h */
    hn_tensor weight_self;  /* [GM,M] */
    hni_lstm lstm;          /* HyperLSTM */
    hni_rnn rnn;            /* HyperRNN */
    hn_tensor embed_weight; /* [2GE + G(E+1), M]: z_h, z_x, z_b with one constant element a gate */
    hn_tensor embed_bias;   /* the same length */
    hn_tensor scale_weight; /* [2G,N,E] d_h, d_x; HN_NO_TENSOR in the full HyperRNN */
    hn_tensor shift_weight; /* [G,N,E+1] d_b with b_0 as the weight of the constant element */
} hni_hyper;

/* Units that keep their old value: of a state, with the site of its masks. */
typedef struct hni_zoneout {
    double probability;
    uint32_t site;
} hni_zoneout;

/* A layer prepared for one window. */
typedef struct hni_layer {
    const hn_cell *cell;
    hni_cell_input input;
    hni_lstm main;   /* LSTM kinds */
    hni_rnn rnn;     /* RNN kinds */
    hni_hyper hyper; /* hyper kinds */
    hni_zoneout zoneout_cell, zoneout_hidden;
} hni_layer;

typedef struct hni_cell_state {
    hn_tensor h, c, hyper_h, hyper_c; /* [B,N], [B,N], [B,M], [B,M]; HN_NO_TENSOR where the kind has none */
} hni_cell_state;

typedef struct hni_cell_view { /* what a step lets be seen; HN_NO_TENSOR where the kind has none */
    hn_tensor d_h;             /* [G,B,N] */
    hn_tensor z_h, z_x, z_b;   /* [B,G,E]; z_b is [B,G,E+1], the last one constant */
    hn_tensor phi;             /* [B,N] */
} hni_cell_view;

/* G, gates of a kind; whether it has a hyper cell; whether it is an RNN (no c, one gate). */
int64_t hni_cell_gates(hn_cell_kind kind);
bool hni_cell_is_hyper(hn_cell_kind kind);
bool hni_cell_is_rnn(hn_cell_kind kind);
/* Whether the hyper cell of a HyperLSTM has layer norm. */
bool hni_cell_hyper_norm(const hn_cell *cell);

/* x is [B,T,X] or i32 [B,T]; scale [B,T] or HN_NO_TENSOR; weight [Gn,X]; bias [Gn] or HN_NO_TENSOR. */
hni_cell_input hni_cell_input_prepare(hn_graph *graph, hn_tensor x, hn_tensor scale, hn_tensor weight, hn_tensor bias,
                                      int64_t gates);
/* The same input turned round within lengths. */
void hni_cell_input_reverse(hn_graph *graph, hni_cell_input *input, hn_tensor lengths);
/* [G,B,n] at step t. */
hn_tensor hni_cell_input_at(hn_graph *graph, const hni_cell_input *input, int64_t t);

/* Names below `name` ("layers.0" or "layers.0.hyper"); units, layer_norm and keep of `lstm` are set. */
void hni_lstm_prepare(hn_weights *weights, const char *name, const hn_cell *cell, hni_lstm *lstm);
/* y [4,B,n] before layer norm and forget bias, c [B,n] -> new h and c; out_phi may be NULL. */
void hni_lstm_update(hn_graph *graph, const hni_lstm *lstm, hn_tensor y, const hni_draw *draw, hni_cell_state *state,
                     hn_tensor *out_phi);
void hni_lstm_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                   hni_cell_view *view);

/* weight_h is [slices*n,n]: one matrix, or E of them in the full HyperRNN. */
void hni_rnn_prepare(hn_weights *weights, const char *name, const hn_cell *cell, int64_t units, int64_t slices,
                     hni_rnn *out_rnn);
/* y [1,B,n] -> activation(y) [B,n]. */
hn_tensor hni_rnn_activate(hn_graph *graph, const hni_rnn *rnn, hn_tensor y);
void hni_rnn_step(hn_graph *graph, const hni_layer *layer, int64_t t, hni_cell_state *state);

/* ---- hyper cells (hyper.c): x as in hni_cell_input_prepare, bias b_0 [GN] ---- */

void hni_hyper_prepare(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor x, hn_tensor scale,
                       hn_tensor bias, hni_hyper *out_hyper);
/* The hyper cell reads [h; x] and moves on; embeddings z of its output go into the view. -> all of them [B, 2GE + G(E+1)]. */
hn_tensor hni_hyper_embed(hn_graph *graph, const hni_hyper *hyper, int64_t t, const hni_draw *draw,
                          hni_cell_state *state, hni_cell_view *view);
/* Scaling vectors d_h, d_x [2G,B,N] of those embeddings; biases b [G,B,N] of the view's z_b. */
hn_tensor hni_hyper_scales(hn_graph *graph, const hni_hyper *hyper, hn_tensor z);
hn_tensor hni_hyper_shifts(hn_graph *graph, const hni_hyper *hyper, hn_tensor z_b);

void hni_hyper_lstm_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw,
                         hni_cell_state *state, hni_cell_view *view);
/* Rows of fixed matrices scaled (equations 7 and 8), and whole matrices made (equation 5). */
void hni_hyper_rnn_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                        hni_cell_view *view);
void hni_hyper_rnn_full_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw,
                             hni_cell_state *state, hni_cell_view *view);

/* Number of "WHAT NAME.ROLE" ("dropout layers.0.recurrent"): where masks are drawn. */
uint32_t hni_site_of(hn_weights *weights, const char *what, const char *name, const char *role);
/* weight "PREFIX.SUFFIX" with its shape. */
hn_tensor hni_weight(hn_weights *weights, const char *prefix, const char *suffix, hn_shape shape, hn_init init);
/* x [B,I] * weight^T: weight [O,I], or [B,O,I] for one matrix a sample -> [B,O]. */
hn_tensor hni_project(hn_graph *graph, hn_tensor x, hn_tensor weight);
/* [B,Gn] seen as [G,B,n]. */
hn_tensor hni_gates_first(hn_graph *graph, hn_tensor products, int64_t gates, int64_t units);
/* sum_k z[b,k] products[k,b,:]: z [B,1,E], products [E,B,n] (a view of [B,En]) -> [1,B,n]. With the products of E matrices with one
 * vector that is the product with the matrix sum_k z_k W_k, which so never exists. */
hn_tensor hni_bilinear(hn_graph *graph, hn_tensor z, hn_tensor products);
/* Refuses, by name, a weight that was replaced by one matrix a sample where that is not supported. */
hn_tensor hni_want_rank(hn_graph *graph, hn_tensor weight, const char *name, int rank);

/* ---- a window as one op (sequence_fused.c) ---- */

bool hni_sequence_is_fused(hn_graph *graph, const hni_layer *layer, const hn_sequence_options *options);
/* lengths HN_NO_TENSOR: all `steps`. Outputs are not turned back if the input was turned round. */
hn_sequence_result hni_sequence_run_fused(hn_graph *graph, const hni_layer *layer, hn_tensor state, hn_tensor lengths,
                                          int64_t steps, const hni_draw *draw);

HN_MUST_USE hn_status hni_cell_check(hn_context *context, const hn_cell *cell);

#endif
