/* Softmax cross-entropy from logits: rows shared out among threads. */
#include "kernels/cpu/walk.h"

#include "core/parallel.h"
#include "kernels/check.h"

enum { GRAIN = 4096 }; /* elements a thread should have at least */

typedef struct softmax_job {
    const hni_cpu_softmaxes *simd;
    const hni_view *logits; /* [R,V] */
    const int32_t *target;  /* [R] */
    double hit, level;      /* of the goal: what the target has beyond `level`, which all have */
    float *log_sum, *loss;  /* [R] */
    const float *weight;    /* [R] */
    double scale;
    hni_view *dlogits; /* [R,V] */
    bool add;
} softmax_job;

static softmax_job job_of(const hni_softmax *softmax)
{
    return (softmax_job){.simd = hni_cpu_simd_get()->softmaxes,
                         .logits = softmax->logits,
                         .target = softmax->targets->data,
                         .hit = 1 - softmax->smoothing,
                         .level = softmax->smoothing / (double)softmax->logits->size[1]};
}

static const float *row_of(const softmax_job *job, int64_t r)
{
    return (const float *)job->logits->data + r * job->logits->stride[0];
}

static void loss_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const softmax_job *job = user;
    const int64_t n = job->logits->size[1];
    for (int64_t r = begin; r < end; r++) {
        const float *x = row_of(job, r);
        const double total = job->simd->log_sum_exp(n, x);
        double aim = job->hit * (double)x[job->target[r]];
        if (job->level > 0) aim += job->level * job->simd->sum(n, x);
        job->log_sum[r] = (float)total;
        job->loss[r] = (float)(total - aim);
    }
}

hn_status hni_cpu_softmax_loss(hni_exec *exec, const hni_softmax *softmax, hni_view *out_log_sum, hni_view *out_loss)
{
    const int64_t rows = softmax->logits->size[0], n = softmax->logits->size[1];
    const hn_status status = hni_check_indices(exec->context, "softmax_loss", "targets", softmax->targets, n);
    if (status != HN_OK) return status;
    softmax_job job = job_of(softmax);
    job.log_sum = out_log_sum->data;
    job.loss = out_loss->data;
    hni_parallel_for(exec->threads, rows, hni_cpu_divide_up(GRAIN, n), loss_part, &job);
    return HN_OK;
}

static void gradient_part(void *user, int64_t begin, int64_t end, int part)
{
    (void)part;
    const softmax_job *job = user;
    const hni_view *out = job->dlogits;
    for (int64_t r = begin; r < end; r++) {
        const float scale = (float)(job->scale * (double)job->weight[r]), hit = (float)job->hit;
        const float *x = row_of(job, r);
        float *to = (float *)out->data + r * out->stride[0];
        for (int64_t start = 0; start < out->size[1]; start += HNI_CPU_BLOCK) {
            const int64_t n = hni_cpu_min(HNI_CPU_BLOCK, out->size[1] - start);
            const hni_cpu_softmax_line line = {n, x + start, job->log_sum[r], scale, (float)job->level};
            float block[HNI_CPU_BLOCK];
            job->simd->gradient(&line, block);
            const int64_t target = job->target[r] - start;
            if (target >= 0 && target < n) block[target] -= scale * hit;
            hni_cpu_write(block, n, to + start * out->stride[1], out->stride[1], job->add);
        }
    }
}

hn_status hni_cpu_softmax_loss_vjp(hni_exec *exec, const hni_softmax *softmax, const hni_view *weights,
                                   const hni_view *log_sum, const hni_view *dloss, double factor, hni_view *dlogits,
                                   bool accumulate)
{
    const int64_t rows = softmax->logits->size[0], n = softmax->logits->size[1];
    const hn_status status = hni_check_indices(exec->context, "softmax_loss_vjp", "targets", softmax->targets, n);
    if (status != HN_OK) return status;
    softmax_job job = job_of(softmax);
    job.log_sum = log_sum->data;
    job.weight = weights->data;
    job.scale = (double)*(const float *)dloss->data * factor;
    job.dlogits = dlogits;
    job.add = accumulate;
    hni_parallel_for(exec->threads, rows, hni_cpu_divide_up(GRAIN, n), gradient_part, &job);
    return HN_OK;
}
