/* lstm_sequence and hyperlstm_sequence: a whole window of a cell as one op (kernels/recurrence.h has the equations). The output is one
 * block [T,B,N] of all h, then [B,S] of final states; graph/sequence.c shows both as tensors. */
#include "ops/op.h"

#include <stdio.h>

static const char *const names[HNI_SEQUENCE_INPUTS] = {
    "state",
    "x",
    "weight_h",
    "bias",
    "ln_gates.gain",
    "ln_gates.shift",
    "ln_cell.gain",
    "ln_cell.shift",
    "hyper x",
    "hyper weight_h",
    "hyper bias",
    "hyper ln_gates.gain",
    "hyper ln_gates.shift",
    "hyper ln_cell.gain",
    "hyper ln_cell.shift",
    "hyper weight_x",
    "z.weight",
    "z.bias",
    "d.weight",
    "d_b.weight",
    "symbols",
    "input_scale",
    "lengths",
};

static const hni_view *find(const hni_call *call, hni_sequence_input role)
{
    const int place = call->attributes.sequence.place[role];
    return place < 0 ? NULL : &call->inputs[place];
}

static int64_t batch(const hni_call *call) { return find(call, HNI_SEQUENCE_STATE)->size[0]; }

static int64_t state_size(const hni_call *call)
{
    return 2 * (call->attributes.sequence.units + call->attributes.sequence.hyper_units);
}

/* ---- shapes ---- */

/* What a role must be; rank 1 stands for that many numbers in any shape. */
static hn_shape wanted_shape(const hni_call *call, hni_sequence_input role)
{
    const hni_sequence_attributes *a = &call->attributes.sequence;
    const int64_t b = batch(call), t = a->steps, n = a->units, m = a->hyper_units, e = a->embedding;
    const hni_view *x = find(call, HNI_SEQUENCE_X);
    const bool dense = find(call, HNI_SEQUENCE_SYMBOLS) == NULL;
    switch (role) {
    case HNI_SEQUENCE_STATE: return HN_SHAPE2(b, state_size(call));
    case HNI_SEQUENCE_X: return dense ? HN_SHAPE3(b, t, 4 * n) : HN_SHAPE2(x->size[0], 4 * n);
    case HNI_SEQUENCE_HYPER_X: return dense ? HN_SHAPE3(b, t, 4 * m) : HN_SHAPE2(x->size[0], 4 * m);
    case HNI_SEQUENCE_WEIGHT_H: return HN_SHAPE2(4 * n, n);
    case HNI_SEQUENCE_HYPER_WEIGHT_H: return HN_SHAPE2(4 * m, m);
    case HNI_SEQUENCE_BIAS:
    case HNI_SEQUENCE_GATES_GAIN:
    case HNI_SEQUENCE_GATES_SHIFT: return HN_SHAPE1(4 * n);
    case HNI_SEQUENCE_HYPER_BIAS:
    case HNI_SEQUENCE_HYPER_GATES_GAIN:
    case HNI_SEQUENCE_HYPER_GATES_SHIFT: return HN_SHAPE1(4 * m);
    case HNI_SEQUENCE_CELL_GAIN:
    case HNI_SEQUENCE_CELL_SHIFT: return HN_SHAPE1(n);
    case HNI_SEQUENCE_HYPER_CELL_GAIN:
    case HNI_SEQUENCE_HYPER_CELL_SHIFT: return HN_SHAPE1(m);
    case HNI_SEQUENCE_WEIGHT_MAIN: return HN_SHAPE2(4 * m, n);
    case HNI_SEQUENCE_EMBED_WEIGHT: return HN_SHAPE2(hni_embedding_numbers(e), m);
    case HNI_SEQUENCE_EMBED_BIAS: return HN_SHAPE1(hni_embedding_numbers(e));
    case HNI_SEQUENCE_SCALE_WEIGHT: return HN_SHAPE3(8, n, e);
    case HNI_SEQUENCE_SHIFT_WEIGHT: return HN_SHAPE3(4, n, e + 1);
    case HNI_SEQUENCE_SYMBOLS:
    case HNI_SEQUENCE_INPUT_SCALE: return HN_SHAPE2(b, t);
    case HNI_SEQUENCE_LENGTHS: return HN_SHAPE1(b);
    case HNI_SEQUENCE_INPUTS: break;
    }
    return HN_SHAPE1(0);
}

static bool is_integer(hni_sequence_input role) { return role == HNI_SEQUENCE_SYMBOLS || role == HNI_SEQUENCE_LENGTHS; }

/* Matrices that may be columns of a larger one. */
static bool may_have_gaps(hni_sequence_input role)
{
    return role == HNI_SEQUENCE_WEIGHT_H || role == HNI_SEQUENCE_HYPER_WEIGHT_H || role == HNI_SEQUENCE_WEIGHT_MAIN;
}

static hn_status check_input(hn_context *context, const hni_call *call, hni_sequence_input role)
{
    const int place = call->attributes.sequence.place[role];
    const hni_view *view = &call->inputs[place];
    const hn_shape wanted = wanted_shape(call, role), given = hni_view_shape(view);
    const hn_status status = is_integer(role) ? hni_op_want_i32(context, call, place, names[role])
                                              : hni_op_want_float(context, call, place, names[role]);
    if (status != HN_OK) return status;
    const bool fits = wanted.rank == 1 && !is_integer(role) ? hn_shape_elements(given) == wanted.size[0]
                                                            : hn_shape_equal(given, wanted);
    if (!fits) {
        char left[96], right[96];
        return hni_op_error(context, call, HN_ERROR_SHAPE, names[role], "%s %s must be %s", names[role],
                            hn_shape_print(given, left, sizeof left), hn_shape_print(wanted, right, sizeof right));
    }
    const bool rows_apart = may_have_gaps(role) && view->stride[1] == 1 && view->stride[0] >= view->size[1];
    if (rows_apart || hni_view_is_contiguous(view)) return HN_OK;
    return hni_op_error(context, call, HN_ERROR_UNSUPPORTED, names[role],
                        "%s is a view with gaps: make it a tensor of its own", names[role]);
}

/* Sizes of what the kernels keep, from shapes alone. */
static void fill_sizes(const hni_call *call, hni_recurrence *r)
{
    const hni_sequence_attributes *a = &call->attributes.sequence;
    *r = (hni_recurrence){.rows = batch(call),
                          .steps = a->steps,
                          .units = a->units,
                          .hyper_units = a->hyper_units,
                          .embedding = a->embedding,
                          .keep = call->recorded};
}

static hn_status sequence_shape(hn_context *context, hni_call *call)
{
    const hni_sequence_attributes *a = &call->attributes.sequence;
    const hni_view *state = find(call, HNI_SEQUENCE_STATE);
    hni_recurrence sizes;
    int64_t saved;
    hn_status status = HN_OK;
    if (state->rank != 2) return hni_op_error(context, call, HN_ERROR_SHAPE, "state", "state must be [B,S]");
    for (int role = 0; status == HN_OK && role < HNI_SEQUENCE_INPUTS; role++)
        if (a->place[role] >= 0) status = check_input(context, call, (hni_sequence_input)role);
    if (status != HN_OK) return status;
    fill_sizes(call, &sizes);
    if (!hni_recurrence_saved(&sizes, &saved)) {
        return hni_op_error(context, call, HN_ERROR_SHAPE, "state",
                            "%lld rows of %lld steps of %lld units are more numbers than can be counted",
                            (long long)sizes.rows, (long long)sizes.steps, (long long)sizes.units);
    }
    hni_op_add_saved(call, state->dtype, HN_SHAPE1(saved));
    const int64_t numbers = a->steps * batch(call) * a->units + batch(call) * state_size(call);
    return hni_op_set_out(context, call, state->dtype, HN_SHAPE1(numbers));
}

/* ---- pointers ---- */

static void *data_of(const hni_view *views, const hni_call *call, hni_sequence_input role, const bool *wanted)
{
    const int place = call->attributes.sequence.place[role];
    return place < 0 || (wanted != NULL && !wanted[place]) ? NULL : views[place].data;
}

static int64_t ld_of(const hni_view *views, const hni_call *call, hni_sequence_input role)
{
    const int place = call->attributes.sequence.place[role];
    return place < 0 ? 0 : views[place].stride[0];
}

/* The weights of a cell among inputs, or those wanted among gradients; `hyper` roles lie at a fixed distance. */
static hni_recurrent_weights cell_weights(const hni_view *views, const hni_call *call, bool hyper, const bool *wanted)
{
    const int shift = hyper ? HNI_SEQUENCE_HYPER_X - HNI_SEQUENCE_X : 0;
#define ROLE(role) (hni_sequence_input)(HNI_SEQUENCE_##role + shift)
    return (hni_recurrent_weights){
        .x = data_of(views, call, ROLE(X), wanted),
        .bias = data_of(views, call, ROLE(BIAS), wanted),
        .weight_h = data_of(views, call, ROLE(WEIGHT_H), wanted),
        .gates_gain = data_of(views, call, ROLE(GATES_GAIN), wanted),
        .gates_shift = data_of(views, call, ROLE(GATES_SHIFT), wanted),
        .cell_gain = data_of(views, call, ROLE(CELL_GAIN), wanted),
        .cell_shift = data_of(views, call, ROLE(CELL_SHIFT), wanted),
        .weight_h_ld = ld_of(views, call, ROLE(WEIGHT_H)),
    };
#undef ROLE
}

static hni_recurrent_makers makers(const hni_view *views, const hni_call *call, const bool *wanted)
{
    return (hni_recurrent_makers){
        .weight_main = data_of(views, call, HNI_SEQUENCE_WEIGHT_MAIN, wanted),
        .embed_weight = data_of(views, call, HNI_SEQUENCE_EMBED_WEIGHT, wanted),
        .embed_bias = data_of(views, call, HNI_SEQUENCE_EMBED_BIAS, wanted),
        .scale_weight = data_of(views, call, HNI_SEQUENCE_SCALE_WEIGHT, wanted),
        .shift_weight = data_of(views, call, HNI_SEQUENCE_SHIFT_WEIGHT, wanted),
        .weight_main_ld = ld_of(views, call, HNI_SEQUENCE_WEIGHT_MAIN),
    };
}

/* The part of the output block, or of its gradient, that holds final states. */
static void *final_state(const hni_call *call, const hni_view *block)
{
    const hni_sequence_attributes *a = &call->attributes.sequence;
    if (block->data == NULL) return NULL; /* dry */
    return (char *)block->data + (size_t)(a->steps * batch(call) * a->units) * hn_dtype_size(block->dtype);
}

static void fill(const hni_call *call, hni_recurrence *r)
{
    const hni_sequence_attributes *a = &call->attributes.sequence;
    fill_sizes(call, r);
    r->symbols_size = find(call, HNI_SEQUENCE_SYMBOLS) != NULL ? find(call, HNI_SEQUENCE_X)->size[0] : 0;
    r->main = cell_weights(call->inputs, call, false, NULL);
    r->hyper = cell_weights(call->inputs, call, true, NULL);
    r->makers = makers(call->inputs, call, NULL);
    r->forget_bias = a->forget_bias;
    r->epsilon = a->epsilon;
    r->previous_output = a->previous_output;
    r->dropout = a->dropout;
    r->hyper_dropout = a->hyper_dropout;
    r->zone_cell = a->zone_cell;
    r->zone_hidden = a->zone_hidden;
    r->zone_expectation = a->zone_expectation;
    r->first_row = a->first_row;
    r->time = a->time;
    r->length = a->length;
    r->symbols = data_of(call->inputs, call, HNI_SEQUENCE_SYMBOLS, NULL);
    r->scale = data_of(call->inputs, call, HNI_SEQUENCE_INPUT_SCALE, NULL);
    r->lengths = data_of(call->inputs, call, HNI_SEQUENCE_LENGTHS, NULL);
    r->state = data_of(call->inputs, call, HNI_SEQUENCE_STATE, NULL);
    r->state_ld = state_size(call);
    r->outputs = call->out.data;
    r->final_state = final_state(call, &call->out);
    r->saved = call->saved[0].data;
}

/* ---- both ways ---- */

static hn_status sequence_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_recurrence recurrence;
    fill(call, &recurrence);
    return kernels->recurrence(exec, &recurrence);
}

static hn_status sequence_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)
{
    hni_recurrence recurrence;
    const int scale = call->attributes.sequence.place[HNI_SEQUENCE_INPUT_SCALE];
    if (scale >= 0 && call->wanted[scale]) {
        return hni_op_error(exec->context, call, HN_ERROR_UNSUPPORTED, "input_scale",
                            "input_scale has no gradient here");
    }
    fill(call, &recurrence);
    const hni_recurrence_vjp vjp = {.forward = &recurrence,
                                    .doutputs = call->grad_out.data,
                                    .dfinal_state = final_state(call, &call->grad_out),
                                    .dstate = data_of(call->grad_inputs, call, HNI_SEQUENCE_STATE, call->wanted),
                                    .main = cell_weights(call->grad_inputs, call, false, call->wanted),
                                    .hyper = cell_weights(call->grad_inputs, call, true, call->wanted),
                                    .makers = makers(call->grad_inputs, call, call->wanted)};
    return kernels->recurrence_vjp(exec, &vjp);
}

#define SEQUENCE_OP(name)                                                                                       \
    hn_status hni_##name##_shape(hn_context *context, hni_call *call) { return sequence_shape(context, call); } \
    hn_status hni_##name##_forward(const hni_kernels *kernels, hni_exec *exec, hni_call *call)                  \
    {                                                                                                           \
        return sequence_forward(kernels, exec, call);                                                           \
    }                                                                                                           \
    hn_status hni_##name##_vjp(const hni_kernels *kernels, hni_exec *exec, hni_call *call)                      \
    {                                                                                                           \
        return sequence_vjp(kernels, exec, call);                                                               \
    }
SEQUENCE_OP(lstm_sequence)
SEQUENCE_OP(hyperlstm_sequence)
