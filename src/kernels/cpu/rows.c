/* Slots that choose whole rows by an integer: look-up, choice by length, reversal. Threads share out the rows. The gradient of the
 * look-up is in lookup_vjp.c. */
#include "kernels/cpu/walk.h"

#include "core/parallel.h"
#include "kernels/check.h"

enum { GRAIN = 16384 }; /* elements a thread should have at least */

/* One call of a slot: for each row of out, which row of which input goes there. */
typedef struct rows_job {
    const int32_t *integers; /* indices or lengths */
    int64_t integer_stride;  /* of indices; lengths have no gaps */
    const hni_view *a, *b;
    hni_view *out;
    int64_t t;
    bool add;
} rows_job;

/* out[i] (+)= x[i] along two lines; x NULL stands for zeros. */
static void copy_row(bool add, const float *x, int64_t x_stride, float *out, int64_t out_stride, int64_t n)
{
    hni_cpu_reader reader;
    hni_cpu_reader_begin(&reader);
    for (int64_t start = 0; start < n; start += HNI_CPU_BLOCK) {
        const int64_t count = hni_cpu_min(HNI_CPU_BLOCK, n - start);
        const float zero = 0.0f;
        const float *from = x != NULL ? hni_cpu_read(&reader, 0, x + start * x_stride, x_stride, count)
                                      : hni_cpu_read(&reader, 0, &zero, 0, count);
        hni_cpu_write(from, count, out + start * out_stride, out_stride, add);
    }
}

static void lookup_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const rows_job *job = user;
    const hni_view *table = job->a, *out = job->out;
    for (int64_t r = begin; r < end; r++)
        copy_row(job->add, (const float *)table->data + job->integers[r * job->integer_stride] * table->stride[0],
                 table->stride[1], (float *)out->data + r * out->stride[0], out->stride[1], out->size[1]);
}

hn_status hni_cpu_lookup(hni_exec *exec, const hni_view *table, const hni_view *indices, hni_view *out)
{
    const hn_status status = hni_check_indices(exec->context, "lookup", "indices", indices, table->size[0]);
    if (status != HN_OK) return status;
    rows_job job = {.integers = indices->data, .integer_stride = indices->stride[0], .a = table, .out = out};
    hni_parallel_for(exec->threads, out->size[0], hni_cpu_divide_up(GRAIN, out->size[1]), lookup_part, &job);
    return HN_OK;
}

static void where_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const rows_job *job = user;
    const hni_view *out = job->out;
    for (int64_t r = begin; r < end; r++) {
        const hni_view *from = job->t < job->integers[r] ? job->a : job->b;
        if (from == NULL && job->add) continue;
        const float *x = from == NULL ? NULL : (const float *)from->data + r * from->stride[0];
        copy_row(job->add, x, from == NULL ? 0 : from->stride[1], (float *)out->data + r * out->stride[0],
                 out->stride[1], out->size[1]);
    }
}

hn_status hni_cpu_where_length(hni_exec *exec, const hni_view *a, const hni_view *b, const hni_view *lengths, int64_t t,
                               hni_view *out, bool accumulate)
{
    rows_job job = {.integers = lengths->data, .a = a, .b = b, .out = out, .t = t, .add = accumulate};
    hni_parallel_for(exec->threads, out->size[0], hni_cpu_divide_up(GRAIN, out->size[1]), where_part, &job);
    return HN_OK;
}

static void reverse_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const rows_job *job = user;
    const hni_view *x = job->a, *out = job->out;
    const int64_t steps = out->size[1];
    for (int64_t r = begin; r < end; r++) {
        const int64_t row = r / steps, t = r % steps, length = job->integers[row];
        const int64_t source = t < length ? length - 1 - t : t;
        copy_row(job->add, (const float *)x->data + row * x->stride[0] + source * x->stride[1], x->stride[2],
                 (float *)out->data + row * out->stride[0] + t * out->stride[1], out->stride[2], out->size[2]);
    }
}

hn_status hni_cpu_reverse(hni_exec *exec, const hni_view *x, const hni_view *lengths, hni_view *out, bool accumulate)
{
    const hn_status status = hni_check_lengths(exec->context, "reverse", lengths, out->size[1]);
    if (status != HN_OK) return status;
    rows_job job = {.integers = lengths->data, .a = x, .out = out, .add = accumulate};
    hni_parallel_for(exec->threads, out->size[0] * out->size[1], hni_cpu_divide_up(GRAIN, out->size[2]), reverse_part,
                     &job);
    return HN_OK;
}

/* A few thousand integers a step: the generic loop is far below 2 % of it. */
hn_status hni_cpu_gather_windows(hni_exec *exec, const hni_view *source, const int64_t *starts, hni_view *out)
{
    return hni_kernels_generic(HN_DTYPE_F32)->gather_windows(exec, source, starts, out);
}
