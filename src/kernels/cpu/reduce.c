/* Sums of element-wise functions into outputs that repeat over some dimensions: gradients of broadcast inputs, sum, mean.
 *
 * Dimensions are kept (the output steps along them) or summed. A unit is one chunk of the innermost dimension where that one
 * is kept (sum over rows), or one element of the output where it is summed (sum along rows). A unit is summed in float over short stretches
 * and in double from stretch to stretch. Threads share out the units or, where there are too few, the summed
 * dimensions; partial sums are then added in the order of the parts. */
#include "kernels/cpu/walk.h"

#include "core/parallel.h"

#include <string.h>

enum {
    GRAIN = 16384, /* elements a thread should have at least */
    COLUMNS = 512, /* of a unit */
    STRETCH = 16   /* rows added in float before the double sum takes them */
};

typedef struct reduce_job {
    const hni_cpu_maps *maps;
    const hni_cpu_operands *operands;
    bool along_rows;              /* the innermost dimension is summed */
    hni_walk kept, summed;        /* without the innermost dimension; tracks as in operands->walk */
    int64_t width, chunk, chunks; /* of the innermost dimension */
    int64_t units, terms;         /* terms: summed rows, or their chunks */
    int64_t unit;                 /* the one whose terms are shared out */
    double *partials;             /* [parts, width] */
} reduce_job;

static int64_t places(const hni_walk *walk)
{
    int64_t count = 1;
    for (int d = 0; d < walk->rank; d++)
        count *= walk->size[d];
    return count;
}

/* A walk over the dimensions before the last one that are summed, or over those that are not. */
static hni_walk walk_over(const hni_cpu_operands *operands, bool summed)
{
    const hni_view *out = &operands->views[operands->inputs];
    int dimensions[HN_MAX_RANK], rank = 0;
    int64_t size[HN_MAX_RANK];
    for (int d = 0; d < out->rank - 1; d++) {
        if ((out->stride[d] == 0) != summed) continue;
        size[rank] = out->size[d];
        dimensions[rank++] = d;
    }
    hni_walk walk;
    hni_walk_begin(&walk, rank, size);
    for (int v = 0; v <= operands->inputs; v++) {
        int64_t stride[HN_MAX_RANK];
        for (int d = 0; d < rank; d++)
            stride[d] = operands->views[v].stride[dimensions[d]];
        (void)hni_walk_track(&walk, stride);
    }
    return walk;
}

/* Sets the line's inputs to n elements from `start` of the innermost dimension, at the places of both walks. */
static void read_line(const reduce_job *job, hni_cpu_reader *reader, const hni_walk *kept, const hni_walk *summed,
                      int64_t start, hni_cpu_line *line)
{
    const hni_cpu_operands *o = job->operands;
    for (int i = 0; i < o->inputs; i++) {
        const float *x = o->in[i] + kept->offset[i] + summed->offset[i] + start * o->in_stride[i];
        line->in[i] = hni_cpu_read(reader, i, x, o->in_stride[i], line->n);
    }
}

/* total[0 .. n) += terms [begin, end) of a unit of columns. */
static void sum_over_rows(const reduce_job *job, int64_t unit, int64_t begin, int64_t end, double *total)
{
    const hni_cpu_operands *o = job->operands;
    hni_walk kept = job->kept, summed = job->summed;
    hni_cpu_walk_seek(&kept, unit / job->chunks);
    hni_cpu_walk_seek(&summed, begin);
    const int64_t start = unit % job->chunks * job->chunk;
    float stretch[COLUMNS];
    hni_cpu_reader reader;
    hni_cpu_reader_begin(&reader);
    hni_cpu_line line = {.n = hni_cpu_min(job->chunk, job->width - start), .p = o->p, .q = o->q, .out = stretch};
    for (int64_t term = begin; term < end; term++) {
        const int64_t in_stretch = (term - begin) % STRETCH;
        read_line(job, &reader, &kept, &summed, start, &line);
        (in_stretch == 0 ? job->maps->write : job->maps->add)[o->map](&line);
        (void)hni_walk_next(&summed);
        if (in_stretch == STRETCH - 1 || term == end - 1) job->maps->add_to_double(line.n, stretch, total);
    }
}

/* total[0] += terms [begin, end) of one element of the output. */
static void sum_along_rows(const reduce_job *job, int64_t unit, int64_t begin, int64_t end, double *total)
{
    const hni_cpu_operands *o = job->operands;
    hni_walk kept = job->kept, summed = job->summed;
    hni_cpu_walk_seek(&kept, unit);
    hni_cpu_walk_seek(&summed, begin / job->chunks);
    int64_t chunk = begin % job->chunks;
    float block[HNI_CPU_BLOCK];
    hni_cpu_reader reader;
    hni_cpu_reader_begin(&reader);
    hni_cpu_line line = {.p = o->p, .q = o->q, .out = block};
    double sum = 0;
    for (int64_t term = begin; term < end; term++) {
        line.n = hni_cpu_min(job->chunk, job->width - chunk * job->chunk);
        read_line(job, &reader, &kept, &summed, chunk * job->chunk, &line);
        if (o->map != HNI_MAP_COPY) job->maps->write[o->map](&line);
        sum += job->maps->sum(line.n, o->map == HNI_MAP_COPY ? line.in[0] : block);
        if (++chunk < job->chunks) continue;
        chunk = 0;
        (void)hni_walk_next(&summed);
    }
    total[0] += sum;
}

/* Numbers of one unit: 1, or the columns of its chunk. */
static int64_t unit_width(const reduce_job *job, int64_t unit)
{
    if (job->along_rows) return 1;
    return hni_cpu_min(job->chunk, job->width - unit % job->chunks * job->chunk);
}

static void sum_unit(const reduce_job *job, int64_t unit, int64_t begin, int64_t end, double *total)
{
    if (job->along_rows)
        sum_along_rows(job, unit, begin, end, total);
    else
        sum_over_rows(job, unit, begin, end, total);
}

static void add_unit_to_out(const reduce_job *job, int64_t unit, const double *total)
{
    const hni_cpu_operands *o = job->operands;
    hni_walk kept = job->kept;
    hni_cpu_walk_seek(&kept, job->along_rows ? unit : unit / job->chunks);
    const int64_t start = job->along_rows ? 0 : unit % job->chunks * job->chunk;
    float *out = o->out + kept.offset[o->inputs] + start * o->out_stride;
    const int64_t n = unit_width(job, unit);
    for (int64_t i = 0; i < n; i++)
        out[i * o->out_stride] += (float)total[i];
}

static void units_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const reduce_job *job = user;
    for (int64_t unit = begin; unit < end; unit++) {
        double total[COLUMNS];
        memset(total, 0, (size_t)unit_width(job, unit) * sizeof total[0]);
        sum_unit(job, unit, 0, job->terms, total);
        add_unit_to_out(job, unit, total);
    }
}

static void terms_part(void *user, int64_t begin, int64_t end, int part)
{
    const reduce_job *job = user;
    sum_unit(job, job->unit, begin, end, job->partials + part * unit_width(job, job->unit));
}

/* Few units with many terms each: every thread sums a part of the terms of each unit. */
static hn_status share_terms(hni_exec *exec, reduce_job *job, int64_t grain)
{
    const size_t size = (size_t)exec->threads * COLUMNS * sizeof(double);
    void *memory;
    const hn_status status = hni_arena_take(exec->scratch, size, &memory);
    if (status != HN_OK) return status;
    job->partials = memory;
    for (job->unit = 0; job->unit < job->units; job->unit++) {
        const int64_t width = unit_width(job, job->unit);
        memset(job->partials, 0, (size_t)(exec->threads * width) * sizeof(double));
        hni_parallel_for(exec->threads, job->terms, grain, terms_part, job);
        for (int part = 1; part < exec->threads; part++)
            for (int64_t i = 0; i < width; i++)
                job->partials[i] += job->partials[part * width + i];
        add_unit_to_out(job, job->unit, job->partials);
    }
    return HN_OK;
}

hn_status hni_cpu_reduce(hni_exec *exec, const hni_cpu_maps *maps, const hni_cpu_operands *operands)
{
    const hni_view *out = &operands->views[operands->inputs];
    reduce_job job = {.maps = maps, .operands = operands, .width = operands->inner};
    job.along_rows = out->stride[out->rank - 1] == 0;
    job.kept = walk_over(operands, false);
    job.summed = walk_over(operands, true);
    job.chunk = job.along_rows ? HNI_CPU_BLOCK : COLUMNS;
    job.chunks = hni_cpu_divide_up(job.width, job.chunk);
    job.units = places(&job.kept) * (job.along_rows ? 1 : job.chunks);
    job.terms = places(&job.summed) * (job.along_rows ? job.chunks : 1);

    const int64_t per_term = hni_cpu_min(job.width, job.chunk), per_unit = job.terms * per_term;
    if (job.units < 2 * (int64_t)exec->threads && per_unit >= 2 * GRAIN)
        return share_terms(exec, &job, hni_cpu_divide_up(GRAIN, per_term));
    hni_parallel_for(exec->threads, job.units, hni_cpu_divide_up(GRAIN, per_unit), units_part, &job);
    return HN_OK;
}
