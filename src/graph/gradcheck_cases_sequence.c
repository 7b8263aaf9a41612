/* Gradcheck cases of the fused sequence ops. The inputs of a case are those of the op, in the order of its roles. */
#include "graph/gradcheck_cases.h"
#include "graph/sequence.h"

/* Sizes of all cases; K = 8E + 4(E + 1). */
enum { B = 5, T = 3, N = 3, M = 2, E = 2, K = 28, SYMBOLS = 4 };

#define ROLE(name) (1u << HNI_SEQUENCE_##name)
#define NORM (ROLE(GATES_GAIN) | ROLE(GATES_SHIFT) | ROLE(CELL_GAIN) | ROLE(CELL_SHIFT))
#define HYPER_NORM (ROLE(HYPER_GATES_GAIN) | ROLE(HYPER_GATES_SHIFT) | ROLE(HYPER_CELL_GAIN) | ROLE(HYPER_CELL_SHIFT))
#define PLAIN (ROLE(STATE) | ROLE(X) | ROLE(WEIGHT_H))
#define HYPER                                                                                                   \
    (PLAIN | ROLE(HYPER_X) | ROLE(HYPER_WEIGHT_H) | ROLE(WEIGHT_MAIN) | ROLE(EMBED_WEIGHT) | ROLE(EMBED_BIAS) | \
     ROLE(SCALE_WEIGHT) | ROLE(SHIFT_WEIGHT))

typedef struct variant {
    unsigned roles;
    double keep, zone; /* 0: none */
    bool previous_output, expectation;
} variant;

/* Outputs and final state side by side. */
static hn_tensor sequence(hn_graph *g, const hn_tensor *x, const void *user)
{
    const variant *v = user;
    const hni_recurrent_masks none = {1, 0};
    const bool hyper = (v->roles & ROLE(HYPER_X)) != 0, zone = v->zone > 0;
    const hni_recurrent_masks drop = {v->keep > 0 ? v->keep : 1, 21}, hyper_drop = {drop.keep, 22};
    const hni_sequence_attributes attributes = {.steps = T,
                                                .units = N,
                                                .hyper_units = hyper ? M : 0,
                                                .embedding = hyper ? E : 0,
                                                .forget_bias = 0.3,
                                                .epsilon = 1e-2,
                                                .previous_output = v->previous_output,
                                                .zone_expectation = v->expectation,
                                                .dropout = drop,
                                                .hyper_dropout = hyper_drop,
                                                .zone_cell = zone ? (hni_recurrent_masks){1 - v->zone, 23} : none,
                                                .zone_hidden = zone ? (hni_recurrent_masks){1 - v->zone, 24} : none,
                                                .first_row = 2,
                                                .time = 1,
                                                .length = 7};
    hni_sequence_tensors tensors = {.input = {HN_NO_TENSOR}};
    hn_tensor outputs, state;
    int next = 0;
    for (int role = 0; role < HNI_SEQUENCE_INPUTS; role++)
        if ((v->roles >> role & 1u) != 0) tensors.input[role] = x[next++];
    hni_sequence_apply(g, &tensors, &attributes, &outputs, &state);
    if (hn_graph_status(g) != HN_OK) return HN_NO_TENSOR;
    const hn_tensor parts[2] = {hn_reshape(g, outputs, HN_SHAPE2(B, T * N)), state};
    return hn_concat(g, parts, 2, 1);
}

static const int32_t symbols[B * T] = {3, 0, 1, 1, 1, 2, 0, 3, 3, 2, 2, 0, 1, 0, 3};
static const int32_t lengths[B] = {3, 1, 2, 0, 3};

/* clang-format off */
#define DENSE X(B, T, 4 * N)
#define TABLE X(SYMBOLS, 4 * N)
#define HYPER_DENSE X(B, T, 4 * M)
#define HYPER_TABLE X(SYMBOLS, 4 * M)
#define GAINS(n) X(4 * n), X(4 * n), X(n), X(n)
#define MAKERS X(4 * M, N), X(K, M), X(K), X(8, N, E), X(4, N, E + 1)
#define READ INTEGERS(symbols, B, T)
#define ENDS INTEGERS(lengths, B)
/* clang-format on */

static const variant plain = {.roles = PLAIN}, plain_bias = {.roles = PLAIN | ROLE(BIAS) | ROLE(SYMBOLS)},
                     plain_norm = {.roles = PLAIN | NORM | ROLE(SYMBOLS) | ROLE(LENGTHS)},
                     plain_masks = {.roles = PLAIN | NORM, .keep = 0.6, .zone = 0.4},
                     plain_expected = {.roles = PLAIN | ROLE(LENGTHS), .zone = 0.4, .expectation = true},
                     plain_scaled = {.roles = PLAIN | ROLE(BIAS) | ROLE(SYMBOLS) | ROLE(INPUT_SCALE), .keep = 0.7};
static const variant hyper = {.roles = HYPER}, hyper_symbols = {.roles = HYPER | ROLE(SYMBOLS)},
                     hyper_norm = {.roles = HYPER | NORM | HYPER_NORM | ROLE(SYMBOLS) | ROLE(LENGTHS)},
                     hyper_inner_norm = {.roles = HYPER | HYPER_NORM, .previous_output = true},
                     hyper_masks = {.roles = HYPER | NORM | HYPER_NORM, .keep = 0.6, .zone = 0.4},
                     hyper_scaled = {.roles =
                                         HYPER | ROLE(HYPER_BIAS) | ROLE(SYMBOLS) | ROLE(INPUT_SCALE) | ROLE(LENGTHS),
                                     .previous_output = true};

#define STATE X(B, 2 * N)
#define HYPER_STATE X(B, 2 * N + 2 * M)
#define MAIN X(4 * N, N)
#define SELF X(4 * M, M)

#define PLAIN_CASE(name, variant, ...)                                               \
    {                                                                                \
        HNI_OP_LSTM_SEQUENCE, name, sequence, INPUTS(STATE, __VA_ARGS__), &(variant) \
    }
#define HYPER_CASE(name, variant, ...)                                                          \
    {                                                                                           \
        HNI_OP_HYPERLSTM_SEQUENCE, name, sequence, INPUTS(HYPER_STATE, __VA_ARGS__), &(variant) \
    }

static const hni_gradcheck_case cases[] = {
    PLAIN_CASE("dense", plain, DENSE, MAIN),
    PLAIN_CASE("symbols, bias", plain_bias, TABLE, MAIN, X(4 * N), READ),
    PLAIN_CASE("layer norm, symbols, lengths", plain_norm, TABLE, MAIN, GAINS(N), READ, ENDS),
    PLAIN_CASE("layer norm, dropout, zoneout", plain_masks, DENSE, MAIN, GAINS(N)),
    PLAIN_CASE("zoneout outside training, lengths", plain_expected, DENSE, MAIN, ENDS),
    PLAIN_CASE("input scale, bias, dropout", plain_scaled, TABLE, MAIN, X(4 * N), READ, CONSTANT(B, T)),
    HYPER_CASE("dense", hyper, DENSE, MAIN, HYPER_DENSE, SELF, MAKERS),
    HYPER_CASE("symbols", hyper_symbols, TABLE, MAIN, HYPER_TABLE, SELF, MAKERS, READ),
    HYPER_CASE("layer norm, symbols, lengths", hyper_norm, TABLE, MAIN, GAINS(N), HYPER_TABLE, SELF, GAINS(M), MAKERS,
               READ, ENDS),
    HYPER_CASE("layer norm in the hyper cell, previous output", hyper_inner_norm, DENSE, MAIN, HYPER_DENSE, SELF,
               GAINS(M), MAKERS),
    HYPER_CASE("layer norm, dropouts, zoneout", hyper_masks, DENSE, MAIN, GAINS(N), HYPER_DENSE, SELF, GAINS(M),
               MAKERS),
    HYPER_CASE("input scale, lengths, previous output", hyper_scaled, TABLE, MAIN, HYPER_TABLE, SELF, X(4 * M), MAKERS,
               READ, CONSTANT(B, T), ENDS),
};

const hni_gradcheck_list hni_gradcheck_sequence = HNI_GRADCHECK_LIST(cases);
