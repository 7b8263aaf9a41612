/* Dropout over strided views. Along the innermost dimension neighbours draw neighbouring numbers, so these come in lines; another
 * distance between them falls back to one draw an element. */
#include "kernels/cpu/walk.h"

#include "core/parallel.h"

#include <math.h>

enum {
    GRAIN = 4096, /* elements a thread should have at least */
    WORDS = HNI_CPU_BLOCK + 8
};

typedef struct dropout_job {
    const hni_cpu_simd *simd;
    hni_rng_key key;
    uint32_t limit; /* kept if the number's 24 bits are below it */
    float inverse;
    const float *x;
    float *out;
    int64_t base, n, x_stride, out_stride, number_stride; /* of the innermost dimension */
    hni_walk walk;                                        /* rows; tracks x, out, number */
    bool add;
} dropout_job;

/* The words of n elements from `number` on; returns where the first one lies. */
static const uint32_t *draw(const dropout_job *job, int64_t number, int64_t n, uint32_t buffer[WORDS])
{
    if (job->number_stride == 1) {
        const uint64_t first = (uint64_t)number / 4, last = ((uint64_t)number + (uint64_t)n - 1) / 4;
        job->simd->randoms->words(&job->key, first, (int64_t)(last - first) + 1, buffer);
        return buffer + (uint64_t)number % 4;
    }
    for (int64_t i = 0; i < n; i++)
        buffer[i] = hni_rng_word(&job->key, (uint64_t)(number + i * job->number_stride));
    return buffer;
}

static void drop_row(const dropout_job *job, hni_cpu_reader *reader, const hni_walk *walk)
{
    for (int64_t start = 0; start < job->n; start += HNI_CPU_BLOCK) {
        const int64_t n = hni_cpu_min(HNI_CPU_BLOCK, job->n - start);
        uint32_t buffer[WORDS];
        float block[HNI_CPU_BLOCK];
        const int64_t number = job->base + walk->offset[2] + start * job->number_stride;
        const uint32_t *word = draw(job, number, n, buffer);
        float *out = job->out + walk->offset[1] + start * job->out_stride;
        hni_cpu_line line = {.n = n, .p = job->inverse};
        line.in[0] = hni_cpu_read(reader, 0, job->x + walk->offset[0] + start * job->x_stride, job->x_stride, n);
        line.out = job->add || job->out_stride != 1 ? block : out;
        job->simd->randoms->keep(n, word, job->limit, &line);
        if (line.out == block) hni_cpu_write(block, n, out, job->out_stride, job->add);
    }
}

static void dropout_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const dropout_job *job = user;
    hni_cpu_reader reader;
    hni_cpu_reader_begin(&reader);
    hni_walk walk = job->walk;
    hni_cpu_walk_seek(&walk, begin);
    for (int64_t row = begin; row < end; row++) {
        drop_row(job, &reader, &walk);
        (void)hni_walk_next(&walk);
    }
}

hn_status hni_cpu_dropout(hni_exec *exec, const hni_dropout *dropout, const hni_view *x, hni_view *out, bool accumulate)
{
    /* The numbers are one more strided array, so that dimensions merge only where all three allow it. */
    hni_view views[3] = {*x, *out, *out};
    for (int d = 0; d < x->rank; d++)
        views[2].stride[d] = dropout->stride[d];
    hni_views_collapse(views, 3);
    const int last = views[0].rank - 1;
    dropout_job job = {.simd = hni_cpu_simd_get(),
                       .key = {.seed = exec->step->seed, .step = exec->step->step, .site = dropout->site},
                       .limit = (uint32_t)ceil(dropout->keep * 0x1p24),
                       .inverse = (float)(1 / dropout->keep),
                       .x = x->data,
                       .out = out->data,
                       .base = dropout->base,
                       .n = views[0].size[last],
                       .add = accumulate};
    const bool single = job.n == 1;
    job.x_stride = single ? 1 : views[0].stride[last];
    job.out_stride = single ? 1 : views[1].stride[last];
    job.number_stride = single ? 1 : views[2].stride[last];
    hni_walk_begin(&job.walk, last, views[0].size);
    for (int v = 0; v < 3; v++)
        (void)hni_walk_track(&job.walk, views[v].stride);
    const int64_t rows = hni_view_elements(&views[0]) / job.n;
    hni_parallel_for(exec->threads, rows, hni_cpu_divide_up(GRAIN, job.n), dropout_part, &job);
    return HN_OK;
}
