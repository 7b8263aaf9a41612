/* See kernels/probe.h: a float product by dnnl_sgemm, or a oneDNN matmul with a packed second matrix. */
#include "kernels/probe.h"

#include "core/alloc.h"
#include "core/parallel.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/onednn.h"
#include "kernels/packed.h"

#include <string.h>

struct hni_probe {
    hn_context *context;
    hni_probe_kind kind;
    hni_probe_shape shape;
    int threads;
    void *a, *b, *c; /* b: not of a packed kind, whose matrix is in `packed` */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t source, packed, target;
    dnnl_primitive_t multiply;
};

float hni_probe_number(int which, int64_t i)
{
    const uint32_t mixed = (uint32_t)(i + 17 * which) * 2654435761u >> 24;
    return (float)((int)mixed - 128) * 0x1p-7f;
}

typedef struct fill_job {
    void *data;
    int which;
    bool bf16;
} fill_job;

static void fill_part(void *user, int64_t begin, int64_t end, int part)
{
    const fill_job *job = user;
    (void)part;
    for (int64_t i = begin; i < end; i++) {
        const float number = hni_probe_number(job->which, i);
        if (job->bf16)
            ((uint16_t *)job->data)[i] = hni_bf16_of(number);
        else
            ((float *)job->data)[i] = number;
    }
}

static hn_status take_matrix(hni_probe *probe, int which, int64_t count, bool bf16, void **out_data)
{
    hn_status status;
    HNI_TRY(hni_alloc_array(probe->context, "a multiply to be timed", (size_t)count,
                            bf16 ? sizeof(uint16_t) : sizeof(float), out_data));
    fill_job job = {*out_data, which, bf16};
    hni_parallel_for(probe->threads, count, 1 << 16, fill_part, &job);
cleanup:
    return status;
}

static hn_status refuse(const hni_probe *probe, dnnl_status_t result)
{
    const hni_probe_shape *s = &probe->shape;
    return hni_error(probe->context, result == dnnl_out_of_memory ? HN_ERROR_MEMORY : HN_ERROR_UNSUPPORTED,
                     "bench: oneDNN refused a product of %lld x %lld x %lld with status %d", (long long)s->m,
                     (long long)s->k, (long long)s->n, (int)result);
}

/* ---- a packed second matrix ---- */

static dnnl_status_t describe(const hni_probe_shape *s, dnnl_data_type_t type, dnnl_engine_t engine,
                              dnnl_primitive_desc_t *out_plan)
{
    dnnl_status_t result;
    dnnl_memory_desc_t source, weights, target;
    dnnl_matmul_desc_t multiply;
    const dnnl_dims_t source_dims = {s->m, s->k}, weight_dims = {s->k, s->n}, target_dims = {s->m, s->n};
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&source, 2, source_dims, type, dnnl_ab));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&weights, 2, weight_dims, type, dnnl_format_tag_any));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&target, 2, target_dims, dnnl_f32, dnnl_ab));
    HNI_DNNL_TRY(dnnl_matmul_desc_init(&multiply, &source, &weights, NULL, &target));
    HNI_DNNL_TRY(dnnl_primitive_desc_create(out_plan, &multiply, NULL, engine, NULL));
dnnl_cleanup:
    return result;
}

/* Copies plain `b` [k,n] into the layout that the multiply wants. */
static dnnl_status_t pack(hni_probe *probe, dnnl_data_type_t type, void *b, const dnnl_memory_desc_t *wanted)
{
    dnnl_status_t result;
    dnnl_memory_desc_t plain;
    void *packed = NULL;
    const dnnl_dims_t dims = {probe->shape.k, probe->shape.n};
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&plain, 2, dims, type, dnnl_ab));
    HNI_DNNL_TRY(dnnl_memory_create(&probe->packed, wanted, probe->engine, DNNL_MEMORY_ALLOCATE));
    HNI_DNNL_TRY(dnnl_memory_get_data_handle(probe->packed, &packed));
    HNI_DNNL_TRY(hni_dnnl_reorder(probe->engine, &plain, b, wanted, packed));
dnnl_cleanup:
    return result;
}

static dnnl_status_t prepare_packed(hni_probe *probe, void *b)
{
    const dnnl_data_type_t type = probe->kind == HNI_PROBE_PACKED_BF16 ? dnnl_bf16 : dnnl_f32;
    const hni_probe_shape *s = &probe->shape;
    dnnl_status_t result;
    dnnl_memory_desc_t source, target;
    dnnl_primitive_desc_t plan = NULL;
    const dnnl_dims_t source_dims = {s->m, s->k}, target_dims = {s->m, s->n};
    HNI_DNNL_TRY(dnnl_engine_create(&probe->engine, dnnl_cpu, 0));
    HNI_DNNL_TRY(dnnl_stream_create(&probe->stream, probe->engine, dnnl_stream_default_flags));
    HNI_DNNL_TRY(describe(s, type, probe->engine, &plan));
    HNI_DNNL_TRY(dnnl_primitive_create(&probe->multiply, plan));
    HNI_DNNL_TRY(pack(probe, type, b, dnnl_primitive_desc_query_md(plan, dnnl_query_weights_md, 0)));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&source, 2, source_dims, type, dnnl_ab));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&target, 2, target_dims, dnnl_f32, dnnl_ab));
    HNI_DNNL_TRY(dnnl_memory_create(&probe->source, &source, probe->engine, probe->a));
    HNI_DNNL_TRY(dnnl_memory_create(&probe->target, &target, probe->engine, probe->c));
dnnl_cleanup:
    if (plan != NULL) (void)dnnl_primitive_desc_destroy(plan);
    return result;
}

static dnnl_status_t multiply_packed(const hni_probe *probe, int64_t times)
{
    dnnl_status_t result = dnnl_success;
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, probe->source}, {DNNL_ARG_WEIGHTS, probe->packed}, {DNNL_ARG_DST, probe->target}};
    for (int64_t i = 0; i < times && result == dnnl_success; i++)
        result = dnnl_primitive_execute(probe->multiply, probe->stream, 3, arguments);
    if (result == dnnl_success) result = dnnl_stream_wait(probe->stream);
    return result;
}

/* ---- both kinds ---- */

static dnnl_status_t multiply_plain(const hni_probe *probe, int64_t times)
{
    const hni_probe_shape *s = &probe->shape;
    dnnl_status_t result = dnnl_success;
    for (int64_t i = 0; i < times && result == dnnl_success; i++) {
        result = dnnl_sgemm(s->transpose_a ? 'T' : 'N', s->transpose_b ? 'T' : 'N', s->m, s->n, s->k, 1, probe->a,
                            s->transpose_a ? s->m : s->k, probe->b, s->transpose_b ? s->k : s->n, 0, probe->c, s->n);
    }
    return result;
}

hn_status hni_probe_create(hn_context *context, hni_probe_kind kind, const hni_probe_shape *shape, int threads,
                           hni_probe **out_probe)
{
    hn_status status;
    hni_probe *probe = NULL;
    void *memory = NULL;
    *out_probe = NULL;
    const bool packed = kind != HNI_PROBE_SGEMM, bf16 = kind == HNI_PROBE_PACKED_BF16;
    if (packed && shape->transpose_a)
        return hni_error(context, HN_ERROR_UNSUPPORTED,
                         "bench: a packed multiply takes its first matrix as it is stored");
    (void)hni_cpu_simd_get(); /* the cap on instructions must stand before oneDNN first runs */
    HNI_TRY(hni_alloc(context, "a multiply to be timed", sizeof *probe, &memory));
    probe = memory;
    *probe = (hni_probe){.context = context, .kind = kind, .shape = *shape, .threads = threads};
    HNI_TRY(take_matrix(probe, 0, shape->m * shape->k, bf16, &probe->a));
    HNI_TRY(take_matrix(probe, 1, shape->k * shape->n, bf16, &probe->b));
    HNI_TRY(
        hni_alloc_array(context, "a multiply to be timed", (size_t)(shape->m * shape->n), sizeof(float), &probe->c));
    if (packed) {
        const int threads_before = hni_cpu_use_threads(threads);
        const dnnl_status_t result = prepare_packed(probe, probe->b);
        (void)hni_cpu_use_threads(threads_before);
        if (result != dnnl_success) status = refuse(probe, result);
        hni_free(context, probe->b);
        probe->b = NULL;
    }
cleanup:
    if (status == HN_OK)
        *out_probe = probe;
    else
        hni_probe_destroy(probe);
    return status;
}

hn_status hni_probe_run(hni_probe *probe, int64_t times)
{
    const int threads_before = hni_cpu_use_threads(probe->threads);
    const dnnl_status_t result =
        probe->kind == HNI_PROBE_SGEMM ? multiply_plain(probe, times) : multiply_packed(probe, times);
    (void)hni_cpu_use_threads(threads_before);
    return result == dnnl_success ? HN_OK : refuse(probe, result);
}

float hni_probe_element(const hni_probe *probe, int64_t row, int64_t column)
{
    return ((const float *)probe->c)[row * probe->shape.n + column];
}

void hni_probe_destroy(hni_probe *probe)
{
    if (probe == NULL) return;
    const dnnl_memory_t memories[] = {probe->source, probe->packed, probe->target};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++)
        if (memories[i] != NULL) (void)dnnl_memory_destroy(memories[i]);
    if (probe->multiply != NULL) (void)dnnl_primitive_destroy(probe->multiply);
    if (probe->stream != NULL) (void)dnnl_stream_destroy(probe->stream);
    if (probe->engine != NULL) (void)dnnl_engine_destroy(probe->engine);
    hni_free(probe->context, probe->a);
    hni_free(probe->context, probe->b);
    hni_free(probe->context, probe->c);
    hni_free(probe->context, probe);
}

/* Asked of the library: the kernel it would take, and whether the instructions that it uses have bfloat16 in them. */
hni_probe_bf16 hni_probe_bf16_support(void)
{
    hni_probe_bf16 support = HNI_PROBE_BF16_ABSENT;
    dnnl_engine_t engine = NULL;
    dnnl_primitive_desc_t plan = NULL;
    const hni_probe_shape shape = {.m = 64, .n = 64, .k = 64};
    const char *name = NULL;
    (void)hni_cpu_simd_get();
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) return support;
    if (describe(&shape, dnnl_bf16, engine, &plan) == dnnl_success &&
        dnnl_primitive_desc_query(plan, dnnl_query_impl_info_str, 0, &name) == dnnl_success &&
        strstr(name, "ref") == NULL) {
        const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa(), wanted = (unsigned)dnnl_cpu_isa_avx512_core_bf16;
        support = (isa & wanted) == wanted ? HNI_PROBE_BF16_NATIVE : HNI_PROBE_BF16_EMULATED;
    }
    if (plan != NULL) (void)dnnl_primitive_desc_destroy(plan);
    (void)dnnl_engine_destroy(engine);
    return support;
}
