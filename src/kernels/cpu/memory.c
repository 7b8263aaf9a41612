/* Large copies and zeros in parallel; everything else about host memory is host.c's. */
#include "kernels/cpu/cpu.h"

#include "core/parallel.h"
#include "kernels/host.h"

#include <string.h>

enum { GRAIN = 1 << 18 }; /* bytes a thread should have at least */

typedef struct bytes_job {
    unsigned char *to;
    const unsigned char *from; /* NULL: zeros */
} bytes_job;

static void bytes_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const bytes_job *job = user;
    if (job->from == NULL)
        memset(job->to + begin, 0, (size_t)(end - begin));
    else
        memcpy(job->to + begin, job->from + begin, (size_t)(end - begin));
}

static bool is_plain(const hni_view *view, hn_dtype host_type)
{
    return view->dtype == host_type && hn_dtype_size(host_type) > 0 && hni_view_is_contiguous(view);
}

static int64_t bytes_of(const hni_view *view) { return hni_view_elements(view) * (int64_t)hn_dtype_size(view->dtype); }

hn_status hni_cpu_copy_in(hni_exec *exec, hni_view *out, hn_dtype source_type, const void *source)
{
    if (!is_plain(out, source_type)) return hni_host_copy_in(exec, out, source_type, source);
    bytes_job job = {.to = out->data, .from = source};
    hni_parallel_for(exec->threads, bytes_of(out), GRAIN, bytes_part, &job);
    return HN_OK;
}

hn_status hni_cpu_copy_out(hni_exec *exec, const hni_view *view, hn_dtype target_type, void *out_target)
{
    if (!is_plain(view, target_type)) return hni_host_copy_out(exec, view, target_type, out_target);
    bytes_job job = {.to = out_target, .from = view->data};
    hni_parallel_for(exec->threads, bytes_of(view), GRAIN, bytes_part, &job);
    return HN_OK;
}

hn_status hni_cpu_fill_zero(hni_exec *exec, void *data, size_t size)
{
    bytes_job job = {.to = data};
    hni_parallel_for(exec->threads, (int64_t)size, GRAIN, bytes_part, &job);
    return HN_OK;
}
