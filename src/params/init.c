/* Initialisers but for the orthogonal one: see init.h. */
#include "params/init.h"

#include <math.h>

#include "core/context.h"
#include "core/parallel.h"
#include "params/store.h"

#define GRAIN 4096   /* numbers that are worth a thread */
#define TRUNCATION 2 /* deviations */

hn_init hn_init_zeros(void) { return (hn_init){.kind = HN_INIT_ZEROS, .blocks = 1}; }
hn_init hn_init_constant(double value) { return (hn_init){.kind = HN_INIT_CONSTANT, .value = value, .blocks = 1}; }
hn_init hn_init_normal(double deviation) { return (hn_init){.kind = HN_INIT_NORMAL, .value = deviation, .blocks = 1}; }
hn_init hn_init_normal_about(double mean, double deviation)
{
    return (hn_init){.kind = HN_INIT_NORMAL, .value = deviation, .blocks = 1, .mean = mean};
}

hn_init hn_init_uniform(double half_width)
{
    return (hn_init){.kind = HN_INIT_UNIFORM, .value = half_width, .blocks = 1};
}

hn_init hn_init_orthogonal(int blocks, double gain)
{
    return (hn_init){.kind = HN_INIT_ORTHOGONAL, .value = gain, .blocks = blocks};
}

hn_init hn_init_truncated_normal(double deviation)
{
    return (hn_init){.kind = HN_INIT_TRUNCATED_NORMAL, .value = deviation, .blocks = 1};
}

hn_init hn_init_by_row(hn_init init, const double *factors)
{
    init.row_factors = factors;
    return init;
}

typedef struct fill {
    hni_rng_key key;
    double factor;
    int64_t count;
    double *values;
} fill;

static void fill_normal(void *user, int64_t begin, int64_t end, int part)
{
    const fill *job = user;
    (void)part;
    for (int64_t i = begin; i < end; i++)
        job->values[i] = job->factor * hni_rng_normal(&job->key, (uint64_t)i);
}

static void fill_uniform(void *user, int64_t begin, int64_t end, int part)
{
    const fill *job = user;
    (void)part;
    for (int64_t i = begin; i < end; i++) {
        /* The middle of one of 2^24 steps of [-1, 1): symmetric about 0. */
        const double centred = 2 * hni_rng_uniform(&job->key, (uint64_t)i) - 1 + 0x1p-24;
        job->values[i] = job->factor * centred;
    }
}

/* Number i of attempt k is normal number i + k * count, so that no number depends on how often another one was drawn. */
static void fill_truncated(void *user, int64_t begin, int64_t end, int part)
{
    const fill *job = user;
    (void)part;
    for (int64_t i = begin; i < end; i++) {
        uint64_t index = (uint64_t)i;
        double drawn = hni_rng_normal(&job->key, index);
        while (fabs(drawn) > TRUNCATION)
            drawn = hni_rng_normal(&job->key, index += (uint64_t)job->count);
        job->values[i] = job->factor * drawn;
    }
}

void hni_init_normal(int threads, const hni_rng_key *key, int64_t count, double factor, double *out_values)
{
    fill job = {*key, factor, count, out_values};
    hni_parallel_for(threads, count, GRAIN, fill_normal, &job);
}

static void init_constant(int64_t count, double value, double *out_values)
{
    for (int64_t i = 0; i < count; i++)
        out_values[i] = value;
}

static hn_status init_orthogonal(hn_context *context, const hn_parameter *parameter, const hni_rng_key *key,
                                 double *out_values)
{
    const hn_init init = parameter->init;
    const int64_t rows = parameter->shape.size[0];
    const hni_orthogonal orthogonal = {.key = *key,
                                       .blocks = init.blocks,
                                       .rows = rows / init.blocks,
                                       .columns = parameter->elements / rows,
                                       .gain = init.value};
    return hni_init_orthogonal(context, &orthogonal, out_values);
}

static void scale_rows(const hn_parameter *parameter, double *values)
{
    const int64_t rows = parameter->shape.size[0], columns = parameter->elements / rows;
    for (int64_t i = 0; i < parameter->elements; i++)
        values[i] *= parameter->init.row_factors[i / columns];
}

hn_status hni_init_fill(hn_context *context, const hn_parameter *parameter, uint64_t seed, double *out_values)
{
    const hn_init init = parameter->init;
    const int64_t count = parameter->elements;
    char site[HNI_INIT_SITE_SIZE];
    hni_store_init_site(parameter->name, site);
    const hni_rng_key key = {.seed = seed, .step = 0, .site = hni_rng_site(site)};
    fill job = {key, init.value, count, out_values};
    hn_status status = HN_OK;

    switch (init.kind) {
    case HN_INIT_ZEROS: init_constant(count, 0, out_values); break;
    case HN_INIT_CONSTANT: init_constant(count, init.value, out_values); break;
    case HN_INIT_NORMAL:
        hni_init_normal(context->threads, &key, count, init.value, out_values);
        for (int64_t i = 0; init.mean != 0 && i < count; i++)
            out_values[i] += init.mean;
        break;
    case HN_INIT_UNIFORM: hni_parallel_for(context->threads, count, GRAIN, fill_uniform, &job); break;
    case HN_INIT_TRUNCATED_NORMAL: hni_parallel_for(context->threads, count, GRAIN, fill_truncated, &job); break;
    case HN_INIT_ORTHOGONAL: status = init_orthogonal(context, parameter, &key, out_values); break;
    }
    if (status == HN_OK && init.row_factors != NULL) scale_rows(parameter, out_values);
    return status;
}
