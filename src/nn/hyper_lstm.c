/* HyperLSTM (paper A.2.2, A.2.3) as a composition. A small LSTM reads [h; x]; linear maps of its output make, for each gate, three
 * embeddings z_h, z_x, z_b, and these make the scaling vectors and the bias of the main cell:
 *
 *     y = LN(d_h * W_h h + d_x * W_x x + b),  d_h = W_hz z_h,  d_x = W_xz z_x,  b = W_bz z_b + b_0
 *
 * All twelve embeddings are one product, all scaling vectors one batched product. b_0 takes part in the latter as the weight of a
 * constant element that is appended to z_b, so adding it costs nothing. */
#include <string.h>

#include "nn/cell.h"

/* ---- preparation ---- */

/* Rows of z_b's weight with a row of zeros after each gate's E: [4E,M] -> [4(E+1),M]. */
static hn_tensor with_constant_rows(hn_graph *graph, hn_tensor weight, int64_t embedding, int64_t hyper_units)
{
    const hn_tensor parts[2] = {
        hn_reshape(graph, weight, HN_SHAPE3(4, embedding, hyper_units)),
        hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE3(4, 1, hyper_units), NULL, false),
    };
    return hn_reshape(graph, hn_concat(graph, parts, 2, 1), HN_SHAPE2(4 * (embedding + 1), hyper_units));
}

/* [4(E+1)] with 1 at the constant elements. */
static hn_tensor constant_elements(hn_graph *graph, int64_t embedding)
{
    static const float one[4] = {1, 1, 1, 1};
    const hn_tensor parts[2] = {
        hn_tensor_from(graph, hn_graph_dtype(graph), HN_SHAPE2(4, embedding), NULL, false),
        hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE2(4, 1), one, false),
    };
    return hn_reshape(graph, hn_concat(graph, parts, 2, 1), HN_SHAPE1(4 * (embedding + 1)));
}

static hn_tensor named(hn_weights *weights, const char *name, const char *suffix, hn_shape shape, hn_init init)
{
    return hni_want_rank(hn_weights_graph(weights), hni_weight(weights, name, suffix, shape, init), suffix, shape.rank);
}

static void prepare_embeddings(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor bias,
                               hni_hyper *hyper)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t n = cell->units, m = cell->hyper_units, e = cell->embedding_size;
    const hn_shape embed = HN_SHAPE2(4 * e, m), scale = HN_SHAPE3(4, n, e);
    const double start = (cell->scale_start == HN_SCALE_START_ONE ? 1.0 : 0.1) / (double)e;
    const hn_tensor embed_parts[3] = {
        named(weights, name, "z_h.weight", embed, hn_init_zeros()),
        named(weights, name, "z_x.weight", embed, hn_init_zeros()),
        with_constant_rows(graph, named(weights, name, "z_b.weight", embed, hn_init_normal(0.01)), e, m),
    };
    const hn_tensor bias_parts[3] = {
        named(weights, name, "z_h.bias", HN_SHAPE1(4 * e), hn_init_constant(1)),
        named(weights, name, "z_x.bias", HN_SHAPE1(4 * e), hn_init_constant(1)),
        constant_elements(graph, e),
    };
    const hn_tensor scale_parts[2] = {
        named(weights, name, "d_h.weight", scale, hn_init_constant(start)),
        named(weights, name, "d_x.weight", scale, hn_init_constant(start)),
    };
    const hn_tensor shift_parts[2] = {
        named(weights, name, "d_b.weight", scale, hn_init_zeros()),
        hn_reshape(graph, hni_want_rank(graph, bias, "bias", 1), HN_SHAPE3(4, n, 1)),
    };
    hyper->embed_weight = hn_concat(graph, embed_parts, 3, 0);
    hyper->embed_bias = hn_concat(graph, bias_parts, 3, 0);
    hyper->scale_weight = hn_concat(graph, scale_parts, 2, 0);
    hyper->shift_weight = hn_concat(graph, shift_parts, 2, 2);
}

void hni_hyper_prepare(hn_weights *weights, const char *name, const hn_cell *cell, hn_tensor x, hn_tensor scale,
                       hn_tensor bias, hni_hyper *out_hyper)
{
    hn_graph *graph = hn_weights_graph(weights);
    const int64_t n = cell->units, m = cell->hyper_units, width = cell->input_size;
    char hyper[160];
    *out_hyper = (hni_hyper){.embedding = cell->embedding_size,
                             .previous_output = cell->hyper_output == HN_HYPER_OUTPUT_PREVIOUS};
    strcpy(hyper, "");
    strncat(hyper, name, sizeof hyper - 16);
    strcat(hyper, ".hyper");
    const hn_tensor weight = named(weights, hyper, "weight_x", HN_SHAPE2(4 * m, n + width), hn_init_orthogonal(4, 1));
    const hn_tensor hyper_bias =
        cell->layer_norm ? HN_NO_TENSOR : named(weights, hyper, "bias", HN_SHAPE1(4 * m), hn_init_zeros());
    out_hyper->weight_main = hn_slice(graph, weight, 1, 0, n);
    out_hyper->input = hni_cell_input_prepare(graph, x, scale, hn_slice(graph, weight, 1, n, width), hyper_bias);
    hni_lstm_prepare(weights, hyper, cell, m, cell->keep_hyper_recurrent, &out_hyper->cell);
    prepare_embeddings(weights, name, cell, bias, out_hyper);
}

/* ---- one step ---- */

/* Elements [start, start + 4 * size) of the embeddings [B,..] as [B,4,size]. */
static hn_tensor embeddings(hn_graph *graph, hn_tensor z, int64_t start, int64_t size)
{
    const int64_t rows = hn_tensor_shape(graph, z).size[0];
    return hn_reshape(graph, hn_slice(graph, z, 1, start, 4 * size), HN_SHAPE3(rows, 4, size));
}

/* z [B,k,e] with weight [k,N,e] -> [k,B,N]: one product for each of k gates. */
static hn_tensor vectors(hn_graph *graph, hn_tensor z, hn_tensor weight)
{
    static const int order[3] = {1, 0, 2};
    return hn_matmul(graph, hn_permute(graph, z, order), weight, HN_TRANSPOSE_B);
}

/* New hyper state from [h; x]. */
static void hyper_cell_step(hn_graph *graph, const hni_hyper *hyper, int64_t t, const hni_draw *draw, hn_tensor h,
                            hni_cell_state *state)
{
    hni_cell_state inner = {.h = state->hyper_h, .c = state->hyper_c};
    const int64_t m = hyper->cell.units;
    const hn_tensor from_main = hni_gates_first(graph, hni_project(graph, h, hyper->weight_main), m);
    const hn_tensor from_self = hni_gates_first(graph, hni_project(graph, inner.h, hyper->cell.weight_h), m);
    const hn_tensor y = hn_add(graph, hn_add(graph, from_main, from_self), hni_cell_input_at(graph, &hyper->input, t));
    hni_lstm_update(graph, &hyper->cell, y, draw, &inner, NULL);
    state->hyper_h = inner.h;
    state->hyper_c = inner.c;
}

void hni_hyper_step(hn_graph *graph, const hni_layer *layer, int64_t t, const hni_draw *draw, hni_cell_state *state,
                    hni_cell_view *view)
{
    const hni_hyper *hyper = &layer->hyper;
    const int64_t e = hyper->embedding;
    const hn_tensor previous = state->hyper_h;
    hyper_cell_step(graph, hyper, t, draw, state->h, state);
    if (hn_graph_status(graph) != HN_OK) return;
    const hn_tensor source = hyper->previous_output ? previous : state->hyper_h;
    const int64_t rows = hn_tensor_shape(graph, source).size[0];
    const hn_tensor z = hn_add(graph, hni_project(graph, source, hyper->embed_weight), hyper->embed_bias);
    const hn_tensor scaling = hn_reshape(graph, hn_slice(graph, z, 1, 0, 8 * e), HN_SHAPE3(rows, 8, e));
    view->z_h = embeddings(graph, z, 0, e);
    view->z_x = embeddings(graph, z, 4 * e, e);
    view->z_b = embeddings(graph, z, 8 * e, e + 1);
    const hn_tensor d = vectors(graph, scaling, hyper->scale_weight);   /* [8,B,N] */
    const hn_tensor b = vectors(graph, view->z_b, hyper->shift_weight); /* [4,B,N] */
    view->d_h = hn_slice(graph, d, 0, 0, 4);
    const hn_tensor d_x = hn_slice(graph, d, 0, 4, 4);
    const hn_tensor recurrent =
        hni_gates_first(graph, hni_project(graph, state->h, layer->main.weight_h), layer->main.units);
    const hn_tensor from_input = hn_mul_add(graph, d_x, hni_cell_input_at(graph, &layer->input, t), b);
    const hn_tensor y = hn_mul_add(graph, view->d_h, recurrent, from_input);
    hni_lstm_update(graph, &layer->main, y, draw, state, &view->phi);
}
