/* Inside of streams: a layer's weights as a stream keeps them, packed once, and one step of it as calls of the kernel table. No graph
 * takes part. Not for training: there is no gradient, and dropout is not there. */
#ifndef HNI_NN_STREAM_H
#define HNI_NN_STREAM_H

#include "kernels/table.h"
#include "nn/cell.h"

/* Gains and shifts of a layer norm; NULL data: none. */
typedef struct hni_stream_norm {
    hni_view gates_gain, gates_shift; /* [4,n] */
    hni_view cell_gain, cell_shift;   /* [n] */
} hni_stream_norm;

/* What a cell with made weights adds. */
typedef struct hni_stream_hyper {
    hni_packed self;      /* [GM,M] */
    hni_packed embed;     /* [K,M], K = 2GE + G(E+1): z_h, z_x, z_b with one constant element a gate */
    hni_view embed_bias;  /* [K] */
    hni_packed scales[8]; /* 2G of [N,E]: d_h, d_x of each gate; none in the full HyperRNN */
    hni_packed shifts[4]; /* G of [N,E+1]: d_b of each gate with b_0 as the weight of the constant element */
    hni_stream_norm norm;
} hni_stream_hyper;

/* Letters as in cell.h. P = blocks * N + GM: what the main cell and the hyper cell read of one vector is one product. */
typedef struct hni_stream_layer {
    const hn_cell *cell;
    int64_t gates, blocks;           /* G; G, or E in the full HyperRNN */
    int64_t units, hyper, embedding; /* N, M and E; 0 without a hyper cell */
    int64_t both, embeddings;        /* P, K */
    hni_view table;                  /* first layer: [V,P] rows of one-hot symbols, biases added */
    hni_packed input;                /* other layers: [P,N] */
    hni_view input_bias;             /* other layers: [P] */
    hni_packed recurrent;            /* [P,N] of h */
    hni_stream_norm norm;
    hni_stream_hyper made;
    hni_view state; /* [rows,S] */
} hni_stream_layer;

/* Room for what a step makes; shared by the layers, so what it holds is of the layer that moved last. */
typedef struct hni_stream_room {
    hni_view symbols;                     /* i32 [rows] */
    hni_view input, recurrent;            /* [rows,P] */
    hni_view y, hyper_y;                  /* [rows,GN], [rows,GM] */
    hni_view embeddings;                  /* [rows,K] */
    hni_view scales, shifts;              /* [rows,2GN], [rows,GN] */
    hni_view phi, hyper_phi;              /* [rows,N], [rows,M] */
    hni_view old, old_cell;               /* [rows,N] */
    hni_view statistics, more_statistics; /* [rows * G] of layer norm */
    hni_view logits;                      /* [rows,V] */
} hni_stream_room;

/* What everything of a stream is taken from: a list of blocks of the table's memory. */
typedef struct hni_stream_memory {
    const hn_store *store;
    const hni_kernels *kernels;
    hni_exec *exec;
    hn_dtype storage; /* of matrices */
    void **blocks;
    size_t count, room;
    int64_t products; /* numbers of the packed matrices */
} hni_stream_memory;

/* A contiguous view of zeros. */
HN_MUST_USE hn_status hni_stream_take(hni_stream_memory *memory, hn_dtype dtype, hn_shape shape, hni_view *out_view);
void hni_stream_give_back(hni_stream_memory *memory);
/* Packs layer `number` of the model from the store's numbers. */
HN_MUST_USE hn_status hni_stream_layer_pack(hni_stream_memory *memory, const hn_language_model *model, int number,
                                            hni_stream_layer *layer);
/* Packs a parameter [rows,columns] as a whole, in the memory's storage. */
HN_MUST_USE hn_status hni_stream_pack(hni_stream_memory *memory, const char *name, hn_shape shape,
                                      hni_packed *out_packed);
/* A copy of a parameter, as `shape` sees it. */
HN_MUST_USE hn_status hni_stream_copy(hni_stream_memory *memory, const char *name, hn_shape shape, hni_view *out_copy);
HN_MUST_USE hn_status hni_stream_room_take(hni_stream_memory *memory, const hni_stream_layer *layer, int64_t rows,
                                           int64_t vocabulary, hni_stream_room *out_room);

/* The layer's state moves on by one step; x [rows,N] is the layer below, NULL: room->symbols. */
HN_MUST_USE hn_status hni_stream_layer_step(const hni_kernels *kernels, hni_exec *exec, const hni_stream_layer *layer,
                                            const hni_view *x, hni_stream_room *room);

/* Columns first .. first + count - 1 of a view [rows,columns]. */
hni_view hni_stream_columns(const hni_view *view, int64_t first, int64_t count);
/* h of a layer [rows,N]. */
hni_view hni_stream_output(const hni_stream_layer *layer);
/* out = a or a function of it; out may be a. */
HN_MUST_USE hn_status hni_stream_map(const hni_kernels *kernels, hni_exec *exec, hni_map map, const hni_view *a,
                                     hni_view *out);

#endif
