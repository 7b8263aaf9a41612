/* Cases of `map` and `gemm`; see kernel_cases.h. */
#include "kernel_cases.h"

#include <math.h>

/* ---- map ---- */

typedef struct map_case {
    hni_map map;
    int inputs;
    bool accumulate, reduce, in_place, special;
    hn_shape shape;
    double parameters[2];
    kernel_pair input[3], out;
} map_case;

static bool may_be_special(hni_map map)
{
    switch (map) {
    case HNI_MAP_COPY:
    case HNI_MAP_ADD:
    case HNI_MAP_SUB:
    case HNI_MAP_MUL:
    case HNI_MAP_DIV:
    case HNI_MAP_SIGMOID:
    case HNI_MAP_TANH:
    case HNI_MAP_RELU:
    case HNI_MAP_RELU_VJP: return true;
    default: return false;
    }
}

static kernel_values values_of(const map_case *c, int input)
{
    if (c->special) return KERNEL_SPECIAL;
    if (input == 1 && (c->map == HNI_MAP_SIGMOID_VJP || c->map == HNI_MAP_TANH_VJP)) return KERNEL_UNIT;
    if (input == 1 && c->map == HNI_MAP_DIV) return KERNEL_AWAY;
    if (input == 2 && c->map == HNI_MAP_DIV_VJP) return KERNEL_AWAY;
    return KERNEL_NORMAL;
}

/* Up to `limit` elements in all. */
static hn_shape random_shape(kernel_match *match, int64_t limit)
{
    hn_shape shape = {.rank = (int)kernel_random(match, HN_MAX_RANK + 1)};
    for (int d = shape.rank - 1; d >= 0; d--) {
        shape.size[d] = kernel_random_size(match, limit);
        limit /= shape.size[d];
    }
    return shape;
}

/* An output that repeats in one dimension or more is a sum. */
static kernel_pair reduced_output(kernel_match *match, hn_shape shape)
{
    int64_t stride[HN_MAX_RANK] = {0}, next = 1;
    const int always = (int)kernel_random(match, shape.rank);
    for (int d = shape.rank - 1; d >= 0; d--) {
        if (d == always || kernel_random_chance(match, 0.3)) continue;
        stride[d] = next;
        next *= shape.size[d];
    }
    return kernel_pair_strided(match, shape, stride, 0, KERNEL_NORMAL);
}

static void create_map_case(kernel_match *match, map_case *c, int64_t limit)
{
    c->map = (hni_map)match->row->variant;
    c->inputs = hni_map_inputs(c->map);
    c->shape = random_shape(match, limit);
    c->special = may_be_special(c->map) && kernel_random_chance(match, 0.4);
    c->accumulate = !c->special && kernel_random_chance(match, 0.5);
    c->reduce = c->accumulate && c->shape.rank > 0 && kernel_random_chance(match, 0.5);
    c->in_place = !c->accumulate && kernel_random_chance(match, 0.3);
    for (int k = 0; k < 2; k++)
        c->parameters[k] = (double)(float)kernel_random_normal(match);
    for (int k = 0; k < c->inputs; k++) {
        const int layout = KERNEL_GAPS | (c->in_place && k == 0 ? 0 : KERNEL_REPEAT);
        c->input[k] = kernel_pair_create(match, c->shape, layout, values_of(c, k));
    }
    if (c->reduce)
        c->out = reduced_output(match, c->shape);
    else
        c->out = kernel_pair_create(match, c->shape, KERNEL_GAPS, KERNEL_NORMAL);
}

static void check_map_case(kernel_match *match, map_case *c)
{
    kernel_pair *out = c->in_place ? &c->input[0] : &c->out;
    for (int s = 0; s < KERNEL_SIDES; s++) {
        hni_view inputs[3];
        for (int k = 0; k < c->inputs; k++)
            inputs[k] = c->input[k].side[s].view;
        kernel_ok(&match->bench[s], match->kernels[s]->map(&match->bench[s].exec, c->map, c->parameters, inputs,
                                                           &out->side[s].view, c->accumulate));
    }
    /* Sums and results near zero are as exact as the terms they are made of. */
    const double terms = c->special ? 0 : c->reduce ? sqrt((double)hn_shape_elements(c->shape)) : 1;
    const kernel_case row = *match->row;
    const kernel_case exact = {row.name, row.run, row.variant, row.relative, c->special ? 0 : row.share};
    match->row = &exact;
    kernel_pair_match(match, out, c->in_place ? "out (in place)" : "out", terms);
    for (int k = 0; k < c->inputs; k++)
        kernel_pair_destroy(&c->input[k]);
    kernel_pair_destroy(&c->out);
}

static void run_map(kernel_match *match)
{
    const kernel_case *row = match->row;
    for (int repetition = 0; repetition < 80; repetition++) {
        map_case c;
        memset(&c, 0, sizeof c);
        match->row = row;
        create_map_case(match, &c, repetition == 0 ? 100000 : 2000);
        check_map_case(match, &c);
    }
    match->row = row;
}

/* ---- gemm ---- */

typedef struct gemm_case {
    hni_gemm gemm;
    kernel_pair a, b, c;
} gemm_case;

/* `batch` matrices [rows,columns] with room behind each row; half of the time one matrix for the whole batch if allowed. */
static kernel_pair random_matrices(kernel_match *match, int64_t batch, int64_t rows, int64_t columns, bool may_repeat)
{
    const int64_t leading = columns + (kernel_random_chance(match, 0.5) ? kernel_random(match, 9) : 0);
    const bool repeats = may_repeat && kernel_random_chance(match, 0.5);
    const int64_t stride[3] = {repeats ? 0 : rows * leading + kernel_random(match, 3), leading, 1};
    return kernel_pair_strided(match, HN_SHAPE3(batch, rows, columns), stride, kernel_random(match, 3), KERNEL_NORMAL);
}

static void create_gemm_case(kernel_match *match, gemm_case *c, int64_t limit)
{
    hni_gemm *g = &c->gemm;
    g->m = kernel_random_size(match, limit);
    g->n = kernel_random_size(match, limit);
    g->k = kernel_random_size(match, limit);
    g->batch = kernel_random_chance(match, 0.4) ? 1 + kernel_random(match, 4) : 1;
    g->transpose_a = kernel_random_chance(match, 0.5);
    g->transpose_b = kernel_random_chance(match, 0.5);
    g->alpha = kernel_random_chance(match, 0.6) ? 1 : 0.625;
    g->beta = (double)kernel_random(match, 3) / 2;
    c->a = random_matrices(match, g->batch, g->transpose_a ? g->k : g->m, g->transpose_a ? g->m : g->k, true);
    c->b = random_matrices(match, g->batch, g->transpose_b ? g->n : g->k, g->transpose_b ? g->k : g->n, true);
    c->c = random_matrices(match, g->batch, g->m, g->n, false);
    /* With beta 0 what C held is not read, not even a NaN. */
    if (g->beta == 0) kernel_pair_fill(&c->c, KERNEL_NAN);
}

static void check_gemm_case(kernel_match *match, gemm_case *c)
{
    for (int s = 0; s < KERNEL_SIDES; s++) {
        const hni_view *a = &c->a.side[s].view, *b = &c->b.side[s].view, *out = &c->c.side[s].view;
        c->gemm.a = a->data;
        c->gemm.b = b->data;
        c->gemm.c = out->data;
        c->gemm.lda = a->stride[1];
        c->gemm.ldb = b->stride[1];
        c->gemm.ldc = out->stride[1];
        c->gemm.batch_stride_a = a->stride[0];
        c->gemm.batch_stride_b = b->stride[0];
        c->gemm.batch_stride_c = out->stride[0];
        kernel_ok(&match->bench[s], match->kernels[s]->gemm(&match->bench[s].exec, &c->gemm));
    }
    kernel_pair_match(match, &c->c, "C", sqrt((double)c->gemm.k));
    kernel_pair_destroy(&c->a);
    kernel_pair_destroy(&c->b);
    kernel_pair_destroy(&c->c);
}

static void run_gemm(kernel_match *match)
{
    for (int repetition = 0; repetition < 60; repetition++) {
        gemm_case c;
        memset(&c, 0, sizeof c);
        create_gemm_case(match, &c, repetition % 15 == 0 ? 300 : 70);
        check_gemm_case(match, &c);
    }
}

const kernel_case kernel_cases_elements[] = {
    {"map copy", run_map, HNI_MAP_COPY, 1e-7, 2e-6},
    {"map scale", run_map, HNI_MAP_SCALE, 1e-7, 2e-6},
    {"map add", run_map, HNI_MAP_ADD, 1e-7, 2e-6},
    {"map sub", run_map, HNI_MAP_SUB, 1e-7, 2e-6},
    {"map mul", run_map, HNI_MAP_MUL, 1e-7, 2e-6},
    {"map div", run_map, HNI_MAP_DIV, 2e-7, 2e-6},
    {"map mul_add", run_map, HNI_MAP_MUL_ADD, 1e-7, 2e-6},
    {"map sigmoid", run_map, HNI_MAP_SIGMOID, 5e-7, 2e-6},
    {"map tanh", run_map, HNI_MAP_TANH, 5e-7, 2e-6},
    {"map relu", run_map, HNI_MAP_RELU, 1e-7, 2e-6},
    {"map sigmoid_vjp", run_map, HNI_MAP_SIGMOID_VJP, 1e-7, 2e-6},
    {"map tanh_vjp", run_map, HNI_MAP_TANH_VJP, 1e-7, 2e-6},
    {"map relu_vjp", run_map, HNI_MAP_RELU_VJP, 1e-7, 2e-6},
    {"map div_vjp", run_map, HNI_MAP_DIV_VJP, 2e-7, 2e-6},
    {"gemm", run_gemm, 0, 0, 2e-6},
    {NULL, NULL, 0, 0, 0},
};
