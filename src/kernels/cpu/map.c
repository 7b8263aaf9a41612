/* Element-wise functions over strided views. A view is cut into lines of unit stride: an operand that has another stride is copied, block
 * by block, into a small buffer that stays in the first cache, so that one vector loop a function serves every layout.
 * Sums into broadcast outputs are in reduce.c. */
#include "kernels/cpu/walk.h"

#include "core/parallel.h"

/* Elements a thread should have at least; the functions with an exponential take about eight times as long. */
enum { GRAIN = 16384, GRAIN_EXPONENTIAL = 4096, LONG_BLOCK = 8192 };

typedef struct map_job {
    const hni_cpu_maps *maps;
    hni_cpu_operands operands;
    int64_t chunk, chunks; /* a row of the innermost dimension is cut into `chunks` chunks */
    bool add;
} map_job;

static void map_chunk(const map_job *job, hni_cpu_reader *reader, const hni_walk *walk, int64_t start)
{
    const hni_cpu_operands *o = &job->operands;
    const int64_t n = hni_cpu_min(job->chunk, o->inner - start), stride = o->out_stride;
    hni_cpu_line line = {.n = n, .p = o->p, .q = o->q};
    for (int i = 0; i < o->inputs; i++)
        line.in[i] = hni_cpu_read(reader, i, o->in[i] + walk->offset[i] + start * o->in_stride[i], o->in_stride[i], n);
    float *out = o->out + walk->offset[o->inputs] + start * stride;
    if (stride == 1) {
        line.out = out;
        (job->add ? job->maps->add : job->maps->write)[o->map](&line);
        return;
    }
    float block[HNI_CPU_BLOCK];
    line.out = block;
    job->maps->write[o->map](&line);
    hni_cpu_write(block, n, out, stride, job->add);
}

static void map_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const map_job *job = user;
    hni_cpu_reader reader;
    hni_cpu_reader_begin(&reader);
    hni_walk walk = job->operands.walk;
    hni_cpu_walk_seek(&walk, begin / job->chunks);
    int64_t chunk = begin % job->chunks;
    for (int64_t unit = begin; unit < end; unit++) {
        map_chunk(job, &reader, &walk, chunk * job->chunk);
        if (++chunk < job->chunks) continue;
        chunk = 0;
        (void)hni_walk_next(&walk);
    }
}

/* Whether some dimension of the output is repeated: then the call is a sum. */
static bool is_reduction(const hni_view *out)
{
    for (int d = 0; d < out->rank; d++)
        if (out->stride[d] == 0 && out->size[d] > 1) return true;
    return false;
}

hn_status hni_cpu_map(hni_exec *exec, hni_map map, const double parameters[2], const hni_view *inputs, hni_view *out,
                      bool accumulate)
{
    const hni_cpu_simd *simd = hni_cpu_simd_get();
    map_job job = {.maps = simd->maps, .add = accumulate};
    const bool reduction = is_reduction(out);
    hni_cpu_operands_set(&job.operands, map, parameters, inputs, out);
    const hni_cpu_operands *o = &job.operands;
    if (reduction) return hni_cpu_reduce(exec, simd->maps, o);

    bool direct = o->out_stride == 1;
    for (int i = 0; i < o->inputs; i++)
        direct = direct && o->in_stride[i] == 1;
    job.chunk = direct ? LONG_BLOCK : HNI_CPU_BLOCK;
    job.chunks = hni_cpu_divide_up(o->inner, job.chunk);
    const int64_t units = o->rows * job.chunks, per_unit = hni_cpu_min(o->inner, job.chunk);
    const bool exponential = map == HNI_MAP_SIGMOID || map == HNI_MAP_TANH;
    const int64_t grain = hni_cpu_divide_up(exponential ? GRAIN_EXPONENTIAL : GRAIN, per_unit);
    hni_parallel_for(exec->threads, units, grain, map_part, &job);
    return HN_OK;
}
