/* Layers: linear, RNN, LSTM, HyperRNN, HyperLSTM, the sequence contract, a character language model, streams.
 *
 * Letters: B batch, T steps, X input width, N units, M units of the hyper cell, E embedding size, V symbols, G gates (4 in an
 * LSTM: i, g, f, o; 1 in an RNN).
 * Weights are asked for by name ("layers.0.weight_h"), see docs/checkpoint.md for names and layouts.
 */
#ifndef HYPERNET_NN_H
#define HYPERNET_NN_H

#include "hypernet/io.h"
#include "hypernet/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x [B,I] * weight [O,I] transposed + bias [O] -> [B,O]; weight "NAME.weight", bias "NAME.bias". Weights put in their place may
 * carry a leading batch dimension: one matrix a sample. */
HN_API hn_tensor hn_linear(hn_weights *weights, const char *name, hn_tensor x, int64_t outputs, hn_init init);

/* Batch normalisation of x [B,C,H,W] or [B,C], with ReLU if `relu`: gain "NAME.gain" [C], shift "NAME.shift" [C], epsilon 1e-5. While the
 * graph trains it goes by the batch and moves the buffer "NAME.statistics" [2,C] (mean, biased variance; at first 0 and 1) a tenth of
 * the way to the batch's, once hn_weights_commit is called; else it goes by that buffer. A layer that is used twice in a step keeps
 * what the last use says. */
HN_API hn_tensor hn_batch_norm_layer(hn_weights *weights, const char *name, hn_tensor x, bool relu);

typedef enum hn_cell_kind {
    HN_CELL_LSTM = 0,     /* S = 2N: h, c */
    HN_CELL_HYPERLSTM,    /* S = 2N + 2M: h, c, hyper h, hyper c (paper A.2.2, A.2.3) */
    HN_CELL_RNN,          /* S = N: h */
    HN_CELL_HYPERRNN,     /* S = N + M: h, hyper h; rows of fixed matrices are scaled (paper 3.2, equations 7 and 8) */
    HN_CELL_HYPERRNN_FULL /* the same S; whole matrices are made, each a sum of E (paper 3.2, equation 5) */
} hn_cell_kind;

typedef enum hn_hyper_output { HN_HYPER_OUTPUT_NEW = 0, HN_HYPER_OUTPUT_PREVIOUS } hn_hyper_output;
typedef enum hn_input_init { HN_INPUT_INIT_ORTHOGONAL = 0, HN_INPUT_INIT_UNIFORM } hn_input_init;
typedef enum hn_scale_start { HN_SCALE_START_PAPER = 0, HN_SCALE_START_ONE } hn_scale_start;
typedef enum hn_hyper_layer_norm { HN_HYPER_LAYER_NORM_FOLLOW = 0, HN_HYPER_LAYER_NORM_ALWAYS } hn_hyper_layer_norm;
typedef enum hn_embedding_init { HN_EMBEDDING_INIT_PAPER = 0, HN_EMBEDDING_INIT_JITTER } hn_embedding_init;
typedef enum hn_observed_phi { HN_OBSERVED_PHI_NORMALISED = 0, HN_OBSERVED_PHI_RAW } hn_observed_phi;
typedef enum hn_activation { HN_ACTIVATION_TANH = 0, HN_ACTIVATION_RELU } hn_activation;

/* One recurrent layer. Readings of the paper that change numbers are fields here; defaults come first in their enums. A field that
 * a kind has no use for must keep its default; sizes may be anything, and hyper_output, scale_start and (in an LSTM)
 * keep_hyper_recurrent are passed over, as they always were. */
typedef struct hn_cell {
    hn_cell_kind kind;
    bool layer_norm;             /* main and hyper cell alike; LSTM kinds only */
    int64_t input_size;          /* X */
    int64_t units;               /* N */
    int64_t hyper_units;         /* M; hyper kinds only, as the next one */
    int64_t embedding_size;      /* E */
    double forget_bias;          /* added inside the sigmoid, both cells; not a parameter; default 1 */
    double keep_recurrent;       /* keep probability of the candidate tanh(g), a fresh mask each step; default 1 */
    double keep_hyper_recurrent; /* the same inside the hyper cell; default 1 */
    hn_hyper_output
        hyper_output; /* which output of the hyper cell makes the embeddings: the new one, or eq. 11's previous */
    hn_input_init
        input_init; /* of weight_x: orthogonal per gate, or uniform +-sqrt(3/X); / sqrt(E) in a full HyperRNN */
    hn_scale_start scale_start; /* of a HyperLSTM: W_z->d = 0.1/E each (d = 0.1), or 1/E (d = 1); a HyperRNN: 1/E */
    hn_activation activation;   /* phi of the RNN kinds, of the hyper cell too */
    double
        zoneout_cell; /* probability that a unit of the main cell keeps its old c, a fresh mask each step; LSTM kinds */
    double
        zoneout_hidden; /* the same of h. Not in training: the expectation p * old + (1 - p) * new (Krueger et al. 2016) */
    hn_hyper_layer_norm hyper_layer_norm; /* of a HyperLSTM's hyper cell: as layer_norm says, or always (A.2.3) */
    double layer_norm_epsilon;            /* added to the variance; default 1e-3 */
    hn_embedding_init
        embedding_init; /* jitter: noise that tells the E elements apart: N(0, 0.01^2) on the weights of z_h and z_x,
                                       * and a tenth of their start as deviation on W_z->d */
    hn_observed_phi
        observed_phi; /* what is observed as phi (figure 5) with layer norm: tanh(LN(c)), or tanh of the c carried on */
} hn_cell;

HN_API void hn_cell_default(hn_cell_kind kind, hn_cell *out_cell);
/* S of the sequence contract. */
HN_API int64_t hn_cell_state_size(const hn_cell *cell);

/* Named observations of a step or sequence; all [B,T,..] (T = 1 for a step). NULL pointer: not wanted. What a kind does not have
 * is HN_NO_TENSOR. */
typedef struct hn_observation {
    hn_tensor d_h;           /* [B,T,G,N] scaling vectors of W_h: HyperLSTM, HyperRNN with scaled rows */
    hn_tensor z_h, z_x, z_b; /* [B,T,G,E]: hyper kinds */
    hn_tensor cell;          /* [B,T,N] c before layer norm: LSTM kinds */
    hn_tensor phi; /* [B,T,N] what the output gate multiplies: tanh(c), or tanh(LN(c)), see observed_phi: LSTM kinds */
} hn_observation;

typedef struct hn_sequence_options {
    hn_tensor lengths;       /* i32 [B]; HN_NO_TENSOR: all T */
    bool reverse;            /* turn each row within its own length */
    hn_tensor input_scale;   /* [B,T] factor on each input (input dropout of symbols); HN_NO_TENSOR: 1 */
    int64_t dropout_base;    /* row of the global batch that row 0 is; masks draw (row*T + t)*N + unit */
    int64_t dropout_time;    /* t of the first step when a window is split, and .. */
    int64_t dropout_length;  /* .. T of the whole window; 0: this window's T */
    hn_observation *observe; /* filled if not NULL */
} hn_sequence_options;
HN_API void hn_sequence_options_default(hn_sequence_options *out_options);

typedef struct hn_sequence_result {
    hn_tensor outputs; /* [B,T,N]; zeros past a row's length */
    hn_tensor state;   /* [B,S]; a row keeps its state past its length */
} hn_sequence_result;

/* Runs a layer over a window. `name` is the prefix of its weights ("layers.0"). inputs: [B,T,X], or i32 [B,T] for one-hot
 * symbols below X. state [B,S]. Everything is differentiable but symbols and lengths.
 * An LSTM or HyperLSTM runs as one fused op; step by step as a composition where `observe` is given, input_scale wants a gradient, or a
 * weight put in its place is one a sample. Both give the same outputs, states and gradients but for rounding: to 1e-10 of each tensor's
 * largest entry in F64, to 2e-5 in F32 for T <= 16. With equal thread counts the bytes are equal. */
HN_API hn_sequence_result hn_sequence(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor inputs,
                                      hn_tensor state, const hn_sequence_options *options);
/* One step: input [B,X] or i32 [B], state [B,S] -> new state [B,S], whose first N columns are the output. */
HN_API hn_tensor hn_step(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor input, hn_tensor state,
                         const hn_sequence_options *options);

/* ---- character language model ------------------------------------------------------------------------------- */

#define HN_MAX_LAYERS 8

/* What one symbol of a text is: a byte, or a character (Unicode code point) of UTF-8 text. */
typedef enum hn_symbol_kind { HN_SYMBOL_BYTE = 0, HN_SYMBOL_CHARACTER } hn_symbol_kind;

typedef struct hn_language_model {
    int64_t vocabulary_size; /* V */
    int layers;              /* 1 .. HN_MAX_LAYERS, all of this cell; layer k > 0 reads the N of the one below */
    hn_cell cell;            /* input_size is set by the model */
    double keep_input;       /* drops whole characters of the one-hot input */
    double keep_between;     /* between layers */
    double keep_output;      /* before the softmax layer */
    hn_symbol_kind symbols;  /* what a row stands for: no number depends on it */
} hn_language_model;

HN_API void hn_language_model_default(hn_language_model *out_model);
/* One clear message for any setting out of range. */
HN_API HN_MUST_USE hn_status hn_language_model_check(hn_context *context, const hn_language_model *model);
/* The model's settings as one line of JSON, as kept in a checkpoint's __metadata__.model; and back. */
HN_API HN_MUST_USE hn_status hn_language_model_to_json(hn_context *context, const hn_language_model *model,
                                                       char *out_text, size_t size);
HN_API HN_MUST_USE hn_status hn_language_model_from_json(hn_context *context, const char *text,
                                                         hn_language_model *out_model);
/* Declares every parameter in `store` (open) by a dry run, without any data. */
HN_API HN_MUST_USE hn_status hn_language_model_declare(hn_store *store, const hn_language_model *model);

typedef struct hn_window {
    hn_tensor symbols; /* i32 [B,T] what the model reads */
    hn_tensor targets; /* i32 [B,T] what it should predict; HN_NO_TENSOR: none */
    hn_tensor weights; /* [B,T] of the loss; HN_NO_TENSOR: all 1 */
    hn_tensor lengths; /* i32 [B]; HN_NO_TENSOR: all T */
    double divisor;    /* of the summed loss; 0: B*T */
    int64_t first_row; /* row of the global batch that row 0 is (dropout masks) */
} hn_window;

typedef struct hn_language_result {
    hn_tensor logits;                 /* [B,T,V] */
    hn_tensor loss;                   /* scalar, nats a symbol; HN_NO_TENSOR without targets */
    hn_tensor state[HN_MAX_LAYERS];   /* final states */
    hn_tensor outputs[HN_MAX_LAYERS]; /* [B,T,N] */
} hn_language_result;

/* state: `layers` tensors [B,S]. observe: NULL, or one hn_observation a layer. */
HN_API hn_language_result hn_language_run(hn_weights *weights, const hn_language_model *model, const hn_window *window,
                                          const hn_tensor *state, hn_observation *observe);

/* ---- streams ---------------------------------------------------------------------------------------------------- */

/* Inference with carried state, one or many rows, no dropout. Weights are packed when the stream is made, as they are then: what an
 * optimiser does later is not seen, and the store may go. A step takes nothing from the allocator. A row's numbers are the same alone and
 * beside others. Threads are used as far as there is work for them, at most the context's. Not to be shared between threads.
 *
 *     hn_stream_options options;
 *     hn_stream_options_default(&options);
 *     options.storage = HN_DTYPE_BF16;                     // half the memory, read twice as fast
 *     status = hn_stream_create_with(trained->store, &trained->model, 1, &options, &stream);
 */
typedef struct hn_stream hn_stream;
typedef struct hn_stream_options {
    /* Of the matrices: HN_DTYPE_F32 (the default: as the store has them, so double in a double store), HN_DTYPE_BF16, or HN_DTYPE_I8 with
     * a scale a row. State, biases, gains, the rows of one-hot symbols and the narrow matrices that make scaling vectors stay as
     * they are; sums are float. */
    hn_dtype storage;
} hn_stream_options;
HN_API void hn_stream_options_default(hn_stream_options *out_options);
/* Of the last step; pointers stay until the next one. NULL: this kind of cell has none. */
typedef struct hn_stream_observation {
    const float *d_h;             /* [rows,G,N] of `layer`: scaling vectors of W_h */
    const float *phi;             /* [rows,N] what the output gate multiplies */
    int gates;                    /* G */
    const float *z_h, *z_x, *z_b; /* [rows,G,E] embeddings */
    const float *cell;            /* [rows,N] c before layer norm */
} hn_stream_observation;

HN_API HN_MUST_USE hn_status hn_stream_create(hn_store *store, const hn_language_model *model, int64_t rows,
                                              hn_stream **out_stream);
/* options NULL: the default ones. */
HN_API HN_MUST_USE hn_status hn_stream_create_with(hn_store *store, const hn_language_model *model, int64_t rows,
                                                   const hn_stream_options *options, hn_stream **out_stream);
HN_API void hn_stream_destroy(hn_stream *stream);
/* Reads one symbol a row; out_logits [rows,V] (NULL: not wanted). */
HN_API HN_MUST_USE hn_status hn_stream_step(hn_stream *stream, const int32_t *symbols, float *out_logits);
/* State zero for one row, or for all with row -1. */
HN_API HN_MUST_USE hn_status hn_stream_reset(hn_stream *stream, int64_t row);
/* Row i becomes what row source[i] was (beam search). */
HN_API HN_MUST_USE hn_status hn_stream_copy_rows(hn_stream *stream, const int64_t *source);
/* Numbers of the whole state; save and restore copy them row by row. */
HN_API int64_t hn_stream_state_size(const hn_stream *stream);
HN_API HN_MUST_USE hn_status hn_stream_save(hn_stream *stream, float *out_state);
HN_API HN_MUST_USE hn_status hn_stream_restore(hn_stream *stream, const float *state);
/* Keeps the named observations of `layer` from now on (-1: none, the start). */
HN_API HN_MUST_USE hn_status hn_stream_observe(hn_stream *stream, int layer);
HN_API HN_MUST_USE hn_status hn_stream_observation_read(const hn_stream *stream,
                                                        hn_stream_observation *out_observation);

/* ---- checkpoints, as far as a model needs them ------------------------------------------------------------------- */

/* The symbols of a model, in the order of its rows. Does not change; any thread may read it.
 *
 *     int64_t row = hn_vocabulary_find(trained->vocabulary, text, strlen(text), &used);
 *     const char *bytes = hn_vocabulary_symbol(trained->vocabulary, row, &size);   // fwrite(bytes, 1, size, stdout)
 */
typedef struct hn_vocabulary hn_vocabulary;
/* Rows that stand for a symbol; at most the model's vocabulary_size. */
HN_API int64_t hn_vocabulary_count(const hn_vocabulary *vocabulary);
/* The symbol of a row: one byte, or the 1 to 4 bytes of a UTF-8 character; no 0 stands behind it. NULL and size 0 for a row that
 * stands for nothing. */
HN_API const char *hn_vocabulary_symbol(const hn_vocabulary *vocabulary, int64_t row, size_t *out_size);
/* The row of the symbol that the text begins with; -1 if there is none. *out_used: the bytes of that symbol, known or not; 0 at the
 * end of the text and where a vocabulary of characters meets bytes that are no UTF-8. */
HN_API int64_t hn_vocabulary_find(const hn_vocabulary *vocabulary, const void *text, size_t size, size_t *out_used);

/* A trained language model from a checkpoint: settings, parameters, vocabulary. The store is sealed with a graph of `options`
 * (NULL: default). */
typedef struct hn_trained {
    hn_context *context;
    hn_language_model model;
    hn_store *store;
    hn_vocabulary *vocabulary;
} hn_trained;
HN_API HN_MUST_USE hn_status hn_trained_open(hn_context *context, const char *path, const hn_graph_options *options,
                                             hn_trained **out_trained);
HN_API HN_MUST_USE hn_status hn_trained_from_file(hn_context *context, const hn_safetensors *file,
                                                  const hn_graph_options *options, hn_trained **out_trained);
/* From a checkpoint in memory, which may go afterwards; `name` is used in messages. */
HN_API HN_MUST_USE hn_status hn_trained_parse(hn_context *context, const char *name, const void *data, size_t size,
                                              const hn_graph_options *options, hn_trained **out_trained);
HN_API void hn_trained_close(hn_trained *trained);

#ifdef __cplusplus
}
#endif
#endif
