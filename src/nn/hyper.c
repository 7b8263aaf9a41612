/* What all cells with made weights share (paper 3.2, A.2.2): a small cell of the main cell's kind reads [h; x]; linear maps of its
 * output make, for each gate, three embeddings z_h, z_x, z_b, and these make scaling vectors and the bias of the main cell:
 *
 *     d_h = W_hz z_h,  d_x = W_xz z_x,  b = W_bz z_b + b_0
 *
 * All 3G embeddings are one product, all scaling vectors one batched product. b_0 takes part in the latter as the weight of a
 * constant element that is appended to z_b, so adding it costs nothing. What the main cell does with them is in hyper_lstm.c and
 * hyper_rnn.c. */
#include <string.h>

#include "nn/cell.h"

/* ---- preparation ---- */

/* Rows of z_b's weight with a row of zeros after each gate's E: [GE,M] -> [G(E+1),M]. */
static hn_tensor with_constant_rows(hn_graph *graph, const hni_hyper *hyper, hn_tensor weight)
{
    const int64_t gates = hyper->gates, e = hyper->embedding, m = hyper->units;
    const hn_tensor parts[2] = {
        hn_reshape(graph, weight, HN_SHAPE3(gates, e, m)),
        hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE3(gates, 1, m), NULL, false),
    };
    return hn_reshape(graph, hn_concat(graph, parts, 2, 1), HN_SHAPE2(gates * (e + 1), m));
}

/* [G(E+1)] with 1 at the constant elements. */
static hn_tensor constant_elements(hn_graph *graph, const hni_hyper *hyper)
{
    static const float one[4] = {1, 1, 1, 1};
    const int64_t gates = hyper->gates, e = hyper->embedding;
    const hn_tensor parts[2] = {
        hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE2(gates, e), NULL, false),
        hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(gates, 1), one, false),
    };
    return hn_reshape(graph, hn_concat(graph, parts, 2, 1), HN_SHAPE1(gates * (e + 1)));
}

static hn_tensor named(hn_weights *weights, const char *name, const char *suffix, hn_shape shape, hn_init init)
{
    return hni_want_rank(hn_weights_graph(weights), hni_weight(weights, name, suffix, shape, init), suffix, shape.rank);
}

static void prepare_embeddings(hn_weights *weights, const char *name, const hn_cell *cell, hni_hyper *hyper)
{
    hn_graph *graph = hn_weights_graph(weights);
    const hn_init start =
        cell->embedding_init == HN_EMBEDDING_INIT_JITTER ? hn_init_normal(HNI_JITTER_EMBEDDING) : hn_init_zeros();
    const int64_t gates = hyper->gates, e = hyper->embedding;
    const hn_shape embed = HN_SHAPE2(gates * e, hyper->units), bias = HN_SHAPE1(gates * e);
    const hn_tensor embed_parts[3] = {
        named(weights, name, "z_h.weight", embed, start),
        named(weights, name, "z_x.weight", embed, start),
        with_constant_rows(graph, hyper, named(weights, name, "z_b.weight", embed, hn_init_normal(0.01))),
    };
    const hn_tensor bias_parts[3] = {
        named(weights, name, "z_h.bias", bias, hn_init_constant(1)),
        named(weights, name, "z_x.bias", bias, hn_init_constant(1)),
        constant_elements(graph, hyper),
    };
    hyper->embed_weight = hn_concat(graph, embed_parts, 3, 0);
    hyper->embed_bias = hn_concat(graph, bias_parts, 3, 0);
}

/* What d_h.weight and d_x.weight begin with. Where all elements of z and of these are alike, they get like gradients and stay
 * alike: that is what the noise is for. */
static hn_init scale_start(const hn_cell *cell)
{
    const bool tenth = cell->kind == HN_CELL_HYPERLSTM && cell->scale_start == HN_SCALE_START_PAPER;
    const double start = (tenth ? 0.1 : 1.0) / (double)cell->embedding_size;
    return cell->embedding_init == HN_EMBEDDING_INIT_JITTER ? hn_init_normal_about(start, HNI_JITTER_SCALE * start)
                                                            : hn_init_constant(start);
}

static void prepare_vectors(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor bias,
                            hni_hyper *hyper)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t gates = hyper->gates, n = cell->units;
    const hn_shape shape = HN_SHAPE3(gates, n, hyper->embedding);
    const hn_init start = scale_start(cell);
    if (cell->kind != HN_CELL_HYPERRNN_FULL) {
        const hn_tensor scale_parts[2] = {
            named(weights, name, "d_h.weight", shape, start),
            named(weights, name, "d_x.weight", shape, start),
        };
        hyper->scale_weight = hn_concat(graph, scale_parts, 2, 0);
    }
    const hn_tensor shift_parts[2] = {
        named(weights, name, "d_b.weight", shape, hn_init_zeros()),
        hn_reshape(graph, hni_want_rank(graph, bias, "bias", 1), HN_SHAPE3(gates, n, 1)),
    };
    hyper->shift_weight = hn_concat(graph, shift_parts, 2, 2);
}

/* The recurrent side of the hyper cell, of the main cell's kind. `name` ends in ".hyper". */
static void prepare_cell(hn_weights *weights, const char *name, const hn_cell *cell, hni_hyper *hyper)
{
    if (hni_cell_is_rnn(cell->kind)) {
        hni_rnn_prepare(weights, name, cell, hyper->units, 1, &hyper->rnn);
        hyper->weight_self = hyper->rnn.weight_h;
    } else {
        hyper->lstm = (hni_lstm){
            .units = hyper->units, .layer_norm = hni_cell_hyper_norm(cell), .keep = cell->keep_hyper_recurrent};
        hni_lstm_prepare(weights, name, cell, &hyper->lstm);
        hyper->weight_self = hyper->lstm.weight_h;
    }
}

void hni_hyper_prepare(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor x, hn_tensor scale,
                       hn_tensor bias, hni_hyper *out_hyper)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t n = cell->units, m = cell->hyper_units, width = cell->input_size;
    const int64_t gates = hni_cell_gates(cell->kind);
    char hyper[160];
    *out_hyper = (hni_hyper){.gates = gates,
                             .units = m,
                             .embedding = cell->embedding_size,
                             .previous_output = cell->hyper_output == HN_HYPER_OUTPUT_PREVIOUS};
    strcpy(hyper, "");
    strncat(hyper, name, sizeof hyper - 16);
    strcat(hyper, ".hyper");
    const hn_tensor weight =
        named(weights, hyper, "weight_x", HN_SHAPE2(gates * m, n + width), hn_init_orthogonal((int)gates, 1));
    const hn_tensor hyper_bias =
        hni_cell_hyper_norm(cell) ? HN_NO_TENSOR : named(weights, hyper, "bias", HN_SHAPE1(gates * m), hn_init_zeros());
    out_hyper->weight_main = hn_slice(graph, weight, 1, 0, n);
    out_hyper->input = hni_cell_input_prepare(graph, x, scale, hn_slice(graph, weight, 1, n, width), hyper_bias, gates);
    prepare_cell(weights, hyper, cell, out_hyper);
    prepare_embeddings(weights, name, cell, out_hyper);
    prepare_vectors(weights, name, cell, bias, out_hyper);
}

/* ---- one step ---- */

/* New hyper state from [h; x]. */
static void advance(hn_graph *graph, const hni_hyper *hyper, int64_t t, const hni_draw *draw, hni_cell_state *state)
{
    const int64_t gates = hyper->gates, m = hyper->units;
    const hn_tensor from_main = hni_gates_first(graph, hni_project(graph, state->h, hyper->weight_main), gates, m);
    const hn_tensor from_self =
        hni_gates_first(graph, hni_project(graph, state->hyper_h, hyper->weight_self), gates, m);
    const hn_tensor y = hn_add(graph, hn_add(graph, from_main, from_self), hni_cell_input_at(graph, &hyper->input, t));
    if (state->hyper_c.slot == 0) {
        state->hyper_h = hni_rnn_activate(graph, &hyper->rnn, y);
        return;
    }
    hni_cell_state inner = {.h = state->hyper_h, .c = state->hyper_c};
    hni_lstm_update(graph, &hyper->lstm, y, draw, &inner, NULL);
    state->hyper_h = inner.h;
    state->hyper_c = inner.c;
}

/* Elements [start, start + G * size) of the embeddings [B,..] as [B,G,size]. */
static hn_tensor embeddings(hn_graph *graph, hn_tensor z, int64_t start, int64_t gates, int64_t size)
{
    const int64_t rows = hn_tensor_shape(graph, z).size[0];
    return hn_reshape(graph, hn_slice(graph, z, 1, start, gates * size), HN_SHAPE3(rows, gates, size));
}

hn_tensor hni_hyper_embed(hn_graph *graph, const hni_hyper *hyper, int64_t t, const hni_draw *draw,
                          hni_cell_state *state, hni_cell_view *view)
{
    const int64_t gates = hyper->gates, e = hyper->embedding;
    const hn_tensor previous = state->hyper_h;
    advance(graph, hyper, t, draw, state);
    if (hn_graph_status(graph) != HN_OK) return HN_NO_TENSOR;
    const hn_tensor source = hyper->previous_output ? previous : state->hyper_h;
    const hn_tensor z = hn_add(graph, hni_project(graph, source, hyper->embed_weight), hyper->embed_bias);
    view->z_h = embeddings(graph, z, 0, gates, e);
    view->z_x = embeddings(graph, z, gates * e, gates, e);
    view->z_b = embeddings(graph, z, 2 * gates * e, gates, e + 1);
    return z;
}

/* z [B,k,e] with weight [k,N,e] -> [k,B,N]: one product for each of k gates. */
static hn_tensor vectors(hn_graph *graph, hn_tensor z, hn_tensor weight)
{
    static const int order[3] = {1, 0, 2};
    return hn_matmul(graph, hn_permute(graph, z, order), weight, HN_TRANSPOSE_B);
}

hn_tensor hni_hyper_scales(hn_graph *graph, const hni_hyper *hyper, hn_tensor z)
{
    return vectors(graph, embeddings(graph, z, 0, 2 * hyper->gates, hyper->embedding), hyper->scale_weight);
}

hn_tensor hni_hyper_shifts(hn_graph *graph, const hni_hyper *hyper, hn_tensor z_b)
{
    return vectors(graph, z_b, hyper->shift_weight);
}
