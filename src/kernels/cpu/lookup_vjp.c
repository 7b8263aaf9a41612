/* dtable[indices[r],:] += dy[r,:]. Rows with the same index are summed together, in the order of r, in float over short stretches and in
 * double from stretch to stretch: the most common symbol of a text has thousands of rows. Threads share out the columns, so
 * each entry is summed by one thread, always in the same order. */
#include "kernels/cpu/walk.h"

#include "core/parallel.h"
#include "kernels/check.h"

#include <string.h>

enum {
    COLUMNS = 512, /* of a block of sums */
    NARROW = 64,   /* columns a thread should have at least */
    STRETCH = 16   /* rows added in float before the double sum takes them */
};

typedef struct vjp_job {
    const hni_cpu_maps *maps;
    const hni_view *dy;
    hni_view *dtable;
    const int64_t *begin; /* [V+1]: group v is order[begin[v]] ... order[begin[v+1] - 1] */
    const int64_t *order; /* [R] */
} vjp_job;

/* Counting sort of the rows by index. */
static hn_status group_rows(hni_exec *exec, const hni_view *indices, int64_t symbols, vjp_job *job)
{
    const int64_t rows = indices->size[0], stride = indices->stride[0];
    const int32_t *index = indices->data; /* [R] at any stride */
    void *memory;
    const hn_status status = hni_arena_take(exec->scratch, (size_t)(symbols + 2 + rows) * sizeof(int64_t), &memory);
    if (status != HN_OK) return status;
    /* end[v + 1] counts group v, then is where group v starts, and after the rows are placed where it ends. */
    int64_t *end = memory, *order = end + symbols + 2;
    memset(end, 0, (size_t)(symbols + 2) * sizeof end[0]);
    for (int64_t r = 0; r < rows; r++)
        end[index[r * stride] + 2]++;
    for (int64_t v = 2; v < symbols + 2; v++)
        end[v] += end[v - 1];
    for (int64_t r = 0; r < rows; r++)
        order[end[index[r * stride] + 1]++] = r;
    job->begin = end;
    job->order = order;
    return HN_OK;
}

/* dtable[symbol, column ...] += the group's rows. */
static void add_group(const vjp_job *job, hni_cpu_reader *reader, int64_t symbol, int64_t column, int64_t n)
{
    const int64_t first = job->begin[symbol], last = job->begin[symbol + 1];
    const hni_view *dy = job->dy, *table = job->dtable;
    double total[COLUMNS];
    float stretch[COLUMNS];
    memset(total, 0, (size_t)n * sizeof total[0]);
    for (int64_t g = first; g < last; g++) {
        const int64_t in_stretch = (g - first) % STRETCH;
        const float *x = (const float *)dy->data + job->order[g] * dy->stride[0] + column * dy->stride[1];
        hni_cpu_line line = {.n = n, .in = {hni_cpu_read(reader, 0, x, dy->stride[1], n)}, .out = stretch};
        (in_stretch == 0 ? job->maps->write : job->maps->add)[HNI_MAP_COPY](&line);
        if (in_stretch == STRETCH - 1 || g == last - 1) job->maps->add_to_double(n, stretch, total);
    }
    float *to = (float *)table->data + symbol * table->stride[0] + column * table->stride[1];
    for (int64_t i = 0; i < n; i++)
        to[i * table->stride[1]] += (float)total[i];
}

static void columns_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const vjp_job *job = user;
    hni_cpu_reader reader;
    hni_cpu_reader_begin(&reader);
    for (int64_t column = begin; column < end; column += COLUMNS)
        for (int64_t symbol = 0; symbol < job->dtable->size[0]; symbol++)
            if (job->begin[symbol] < job->begin[symbol + 1])
                add_group(job, &reader, symbol, column, hni_cpu_min(COLUMNS, end - column));
}

hn_status hni_cpu_lookup_vjp(hni_exec *exec, const hni_view *dy, const hni_view *indices, hni_view *dtable)
{
    vjp_job job = {.maps = hni_cpu_simd_get()->maps, .dy = dy, .dtable = dtable};
    hn_status status = hni_check_indices(exec->context, "lookup_vjp", "indices", indices, dtable->size[0]);
    if (status == HN_OK) status = group_rows(exec, indices, dtable->size[0], &job);
    if (status != HN_OK) return status;
    const int64_t columns = dy->size[1], grain = hni_view_elements(dy) < 1 << 14 ? columns : NARROW;
    hni_parallel_for(exec->threads, columns, grain, columns_part, &job);
    return HN_OK;
}
