/* One step of a layer of a stream, as calls of the kernel table: the equations of lstm.c, hyper_lstm.c, rnn.c and hyper_rnn.c on packed
 * matrices. Nothing here depends on how many rows there are, so a row's numbers are the same alone and beside others. */
#include "nn/stream.h"

/* What a step works with. */
typedef struct stepper {
    const hni_kernels *kernels;
    hni_exec *exec;
    const hni_stream_layer *layer;
    hni_stream_room *room;
    int64_t rows;
} stepper;

static const double plain[2] = {1, 0};

static hn_status map2(const stepper *s, hni_map map, const hni_view *a, const hni_view *b, hni_view *out)
{
    const hni_view inputs[2] = {*a, *b};
    return s->kernels->map(s->exec, map, plain, inputs, out, false);
}

static hn_status map1(const stepper *s, hni_map map, const hni_view *a, hni_view *out)
{
    return hni_stream_map(s->kernels, s->exec, map, a, out);
}

static hn_status in_place(const stepper *s, hni_map map, const double parameters[2], hni_view view)
{
    const hni_view before = view;
    return s->kernels->map(s->exec, map, parameters, &before, &view, false);
}

static hn_status multiply(const stepper *s, const hni_packed *packed, const hni_view *x, hni_view out, bool accumulate)
{
    const hn_status status = s->kernels->packed_multiply(s->exec, packed, x, &out, accumulate);
    hni_arena_reset(s->exec->scratch);
    return status;
}

/* Every row of out becomes the vector. */
static hn_status repeat_vector(const stepper *s, const hni_view *vector, hni_view *out)
{
    hni_view rows;
    if (!hni_view_broadcast(vector, hni_view_shape(out), &rows))
        return hni_error(s->exec->context, HN_ERROR_SHAPE, "stream: a vector does not fit");
    return map1(s, HNI_MAP_COPY, &rows, out);
}

/* Column `at` of a view [rows,columns], repeated over n columns. */
static hni_view repeated_column(const hni_view *view, int64_t at, int64_t n)
{
    hni_view column = hni_stream_columns(view, at, 1);
    column.size[1] = n;
    column.stride[1] = 0;
    return column;
}

/* ---- parts of the state: h, c, hyper h, hyper c, as far as the kind has them ---- */

static hni_view state_part(const hni_stream_layer *layer, bool hyper, bool cell)
{
    const bool has_c = !hni_cell_is_rnn(layer->cell->kind);
    const int64_t n = layer->units, m = layer->hyper, hyper_start = has_c ? 2 * n : n;
    const int64_t first = hyper ? hyper_start + (cell ? m : 0) : cell ? n : 0;
    return hni_stream_columns(&layer->state, first, hyper ? m : n);
}

hni_view hni_stream_output(const hni_stream_layer *layer) { return state_part(layer, false, false); }

/* ---- cells ---- */

static hn_status normalise(const stepper *s, const hni_view *x, const hni_view *gain, const hni_view *shift,
                           hni_view *out)
{
    const hn_shape shape = hni_view_shape(x);
    hni_norm norm = {.x = *x,
                     .epsilon = s->layer->cell->layer_norm_epsilon,
                     .mean = s->room->statistics.data,
                     .inverse = s->room->more_statistics.data};
    if (!hni_view_broadcast(gain, shape, &norm.gain) || !hni_view_broadcast(shift, shape, &norm.shift))
        return hni_error(s->exec->context, HN_ERROR_SHAPE, "stream: a gain does not fit");
    return s->kernels->layer_norm(s->exec, &norm, out);
}

/* One LSTM, of n units: pre-activations y [rows,4n], contiguous and used up; c and h [rows,n]; phi [rows,n] contiguous. */
typedef struct lstm_step {
    int64_t n;
    const hni_stream_norm *norm;
    hni_view y, c, h, phi;
} lstm_step;

static hn_status update_lstm(const stepper *s, lstm_step *l)
{
    const double forget[2] = {1, s->layer->cell->forget_bias};
    const int64_t n = l->n;
    const bool has_norm = l->norm->gates_gain.data != NULL;
    hni_view y = hni_view_of(l->y.data, l->y.dtype, HN_SHAPE3(s->rows, 4, n));
    hn_status status = HN_OK;
    if (has_norm) HNI_TRY(normalise(s, &y, &l->norm->gates_gain, &l->norm->gates_shift, &y));
    hni_view i = hni_stream_columns(&l->y, 0, n), g = hni_stream_columns(&l->y, n, n);
    const hni_view f = hni_stream_columns(&l->y, 2 * n, n), o = hni_stream_columns(&l->y, 3 * n, n);
    HNI_TRY(in_place(s, HNI_MAP_SCALE, forget, f));
    HNI_TRY(in_place(s, HNI_MAP_SIGMOID, plain, i));
    HNI_TRY(in_place(s, HNI_MAP_TANH, plain, g));
    HNI_TRY(in_place(s, HNI_MAP_SIGMOID, plain, hni_stream_columns(&l->y, 2 * n, 2 * n)));
    HNI_TRY(map2(s, HNI_MAP_MUL, &i, &g, &i));
    const hni_view sum[3] = {f, l->c, i};
    HNI_TRY(s->kernels->map(s->exec, HNI_MAP_MUL_ADD, plain, sum, &l->c, false));
    if (has_norm) {
        HNI_TRY(normalise(s, &l->c, &l->norm->cell_gain, &l->norm->cell_shift, &l->phi));
        HNI_TRY(in_place(s, HNI_MAP_TANH, plain, l->phi));
    } else {
        HNI_TRY(map1(s, HNI_MAP_TANH, &l->c, &l->phi));
    }
    HNI_TRY(map2(s, HNI_MAP_MUL, &o, &l->phi, &l->h));
cleanup:
    return status;
}

static hn_status activate(const stepper *s, const hni_view *y, hni_view *h)
{
    return map1(s, s->layer->cell->activation == HN_ACTIVATION_RELU ? HNI_MAP_RELU : HNI_MAP_TANH, y, h);
}

/* new becomes old + share * (new - old), the expectation of zoneout; `old` is used up. */
static hn_status mix(const stepper *s, double share, hni_view *old, hni_view *new_value)
{
    const double parameters[2] = {share, 0};
    hn_status status;
    HNI_TRY(map2(s, HNI_MAP_SUB, new_value, old, new_value));
    HNI_TRY(in_place(s, HNI_MAP_SCALE, parameters, *new_value));
    HNI_TRY(map2(s, HNI_MAP_ADD, old, new_value, new_value));
cleanup:
    return status;
}

/* ---- what the hyper cell makes ---- */

static hn_status embed(const stepper *s)
{
    const hni_stream_hyper *made = &s->layer->made;
    const hni_view source = state_part(s->layer, true, false);
    hn_status status;
    HNI_TRY(repeat_vector(s, &made->embed_bias, &s->room->embeddings));
    HNI_TRY(multiply(s, &made->embed, &source, s->room->embeddings, true));
cleanup:
    return status;
}

static hn_status advance_hyper(const stepper *s)
{
    const hni_stream_layer *layer = s->layer;
    const int64_t m = layer->hyper, gm = layer->gates * m, first = layer->both - gm;
    const hni_view input = hni_stream_columns(&s->room->input, first, gm),
                   recurrent = hni_stream_columns(&s->room->recurrent, first, gm);
    hni_view h = state_part(layer, true, false);
    hn_status status;
    HNI_TRY(multiply(s, &layer->made.self, &h, recurrent, true));
    HNI_TRY(map2(s, HNI_MAP_ADD, &recurrent, &input, &s->room->hyper_y));
    if (hni_cell_is_rnn(layer->cell->kind)) {
        HNI_TRY(activate(s, &s->room->hyper_y, &h));
    } else {
        lstm_step l = {.n = m,
                       .norm = &layer->made.norm,
                       .y = s->room->hyper_y,
                       .c = state_part(layer, true, true),
                       .h = h,
                       .phi = s->room->hyper_phi};
        HNI_TRY(update_lstm(s, &l));
    }
cleanup:
    return status;
}

/* Vectors d_h, d_x and b of the embeddings. */
static hn_status make_vectors(const stepper *s)
{
    const hni_stream_layer *layer = s->layer;
    const int64_t gates = layer->gates, n = layer->units, e = layer->embedding;
    const bool full = layer->cell->kind == HN_CELL_HYPERRNN_FULL;
    hn_status status = HN_OK;
    for (int64_t g = 0; !full && g < 2 * gates; g++) {
        const hni_view z = hni_stream_columns(&s->room->embeddings, g * e, e);
        HNI_TRY(multiply(s, &layer->made.scales[g], &z, hni_stream_columns(&s->room->scales, g * n, n), false));
    }
    for (int64_t g = 0; g < gates; g++) {
        const hni_view z = hni_stream_columns(&s->room->embeddings, 2 * gates * e + g * (e + 1), e + 1);
        HNI_TRY(multiply(s, &layer->made.shifts[g], &z, hni_stream_columns(&s->room->shifts, g * n, n), false));
    }
cleanup:
    return status;
}

/* ---- pre-activations of the main cell: y [rows,GN] ---- */

/* y = d_h * W_h h + (d_x * W_x x + b) */
static hn_status scale_rows(const stepper *s, const hni_view *input, const hni_view *recurrent)
{
    const int64_t gn = s->layer->gates * s->layer->units;
    const hni_view d_h = hni_stream_columns(&s->room->scales, 0, gn),
                   d_x = hni_stream_columns(&s->room->scales, gn, gn);
    const hni_view first[3] = {d_x, *input, s->room->shifts}, second[3] = {d_h, *recurrent, s->room->y};
    hn_status status;
    HNI_TRY(s->kernels->map(s->exec, HNI_MAP_MUL_ADD, plain, first, &s->room->y, false));
    HNI_TRY(s->kernels->map(s->exec, HNI_MAP_MUL_ADD, plain, second, &s->room->y, false));
cleanup:
    return status;
}

/* y = b + sum_k z_h[k] (W_k h) + sum_k z_x[k] (W_k x) */
static hn_status mix_matrices(const stepper *s, const hni_view *input, const hni_view *recurrent)
{
    const int64_t n = s->layer->units, e = s->layer->embedding;
    const hni_view *const products[2] = {recurrent, input};
    hn_status status;
    HNI_TRY(map1(s, HNI_MAP_COPY, &s->room->shifts, &s->room->y));
    for (int64_t k = 0; k < 2 * e; k++) {
        const hni_view inputs[2] = {repeated_column(&s->room->embeddings, k, n),
                                    hni_stream_columns(products[k / e], k % e * n, n)};
        HNI_TRY(s->kernels->map(s->exec, HNI_MAP_MUL, plain, inputs, &s->room->y, true));
    }
cleanup:
    return status;
}

static hn_status join(const stepper *s)
{
    const int64_t width = s->layer->blocks * s->layer->units;
    const hni_view input = hni_stream_columns(&s->room->input, 0, width),
                   recurrent = hni_stream_columns(&s->room->recurrent, 0, width);
    if (s->layer->hyper == 0) return map2(s, HNI_MAP_ADD, &recurrent, &input, &s->room->y);
    if (s->layer->cell->kind == HN_CELL_HYPERRNN_FULL) return mix_matrices(s, &input, &recurrent);
    return scale_rows(s, &input, &recurrent);
}

/* ---- the whole ---- */

static hn_status read_input(const stepper *s, const hni_view *x)
{
    hn_status status;
    if (x == NULL) return s->kernels->lookup(s->exec, &s->layer->table, &s->room->symbols, &s->room->input);
    HNI_TRY(repeat_vector(s, &s->layer->input_bias, &s->room->input));
    HNI_TRY(multiply(s, &s->layer->input, x, s->room->input, true));
cleanup:
    return status;
}

static hn_status advance_main(const stepper *s)
{
    const hn_cell *cell = s->layer->cell;
    hni_view h = state_part(s->layer, false, false), c = h;
    hn_status status;
    if (cell->zoneout_hidden > 0) HNI_TRY(map1(s, HNI_MAP_COPY, &h, &s->room->old));
    if (hni_cell_is_rnn(cell->kind)) {
        HNI_TRY(activate(s, &s->room->y, &h));
    } else {
        c = state_part(s->layer, false, true);
        if (cell->zoneout_cell > 0) HNI_TRY(map1(s, HNI_MAP_COPY, &c, &s->room->old_cell));
        lstm_step l = {
            .n = s->layer->units, .norm = &s->layer->norm, .y = s->room->y, .c = c, .h = h, .phi = s->room->phi};
        HNI_TRY(update_lstm(s, &l));
        if (cell->zoneout_cell > 0) HNI_TRY(mix(s, 1 - cell->zoneout_cell, &s->room->old_cell, &c));
    }
    if (cell->zoneout_hidden > 0) HNI_TRY(mix(s, 1 - cell->zoneout_hidden, &s->room->old, &h));
cleanup:
    return status;
}

hn_status hni_stream_layer_step(const hni_kernels *kernels, hni_exec *exec, const hni_stream_layer *layer,
                                const hni_view *x, hni_stream_room *room)
{
    const stepper s = {.kernels = kernels, .exec = exec, .layer = layer, .room = room, .rows = layer->state.size[0]};
    const hni_view h = hni_stream_output(layer);
    const bool previous = layer->cell->hyper_output == HN_HYPER_OUTPUT_PREVIOUS;
    hn_status status;
    HNI_TRY(read_input(&s, x)); /* the one that may refuse, before the state moves */
    HNI_TRY(multiply(&s, &layer->recurrent, &h, room->recurrent, false));
    if (layer->hyper > 0) {
        if (previous) HNI_TRY(embed(&s));
        HNI_TRY(advance_hyper(&s));
        if (!previous) HNI_TRY(embed(&s));
        HNI_TRY(make_vectors(&s));
    }
    HNI_TRY(join(&s));
    HNI_TRY(advance_main(&s));
cleanup:
    return status;
}

hn_status hni_stream_room_take(hni_stream_memory *memory, const hni_stream_layer *layer, int64_t rows,
                               int64_t vocabulary, hni_stream_room *out_room)
{
    const int64_t gn = layer->gates * layer->units;
    const int64_t m = layer->hyper > 0 ? layer->hyper : 1, k = layer->embeddings > 0 ? layer->embeddings : 1;
    const struct {
        hni_view *view;
        int64_t width;
    } parts[] = {
        {&out_room->input, layer->both},
        {&out_room->recurrent, layer->both},
        {&out_room->y, gn},
        {&out_room->hyper_y, layer->gates * m},
        {&out_room->embeddings, k},
        {&out_room->scales, 2 * gn},
        {&out_room->shifts, gn},
        {&out_room->phi, layer->units},
        {&out_room->hyper_phi, m},
        {&out_room->old, layer->units},
        {&out_room->old_cell, layer->units},
        {&out_room->statistics, layer->gates},
        {&out_room->more_statistics, layer->gates},
        {&out_room->logits, vocabulary},
    };
    hn_status status;
    HNI_TRY(hni_stream_take(memory, HN_DTYPE_I32, HN_SHAPE1(rows), &out_room->symbols));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        HNI_TRY(hni_stream_take(memory, memory->kernels->dtype, HN_SHAPE2(rows, parts[i].width), parts[i].view));
cleanup:
    return status;
}
