/* See narrow.h: oneDNN's matmul on bf16. Weights are packed once a call of a recurrence, everything else is rounded just before it is
 * multiplied. State, reductions and the optimiser stay float. */
#include "kernels/cpu/narrow.h"

#include "core/parallel.h"
#include "kernels/cpu/onednn.h"

#include <string.h>

enum {
    GRAIN = 1 << 14 /* numbers that a thread should convert at least */
};
_Static_assert(sizeof(dnnl_memory_desc_t) <= HNI_PACKED_HEAD, "the layout has room before the numbers");

static dnnl_status_t strided(int64_t rows, int64_t columns, int64_t row, int64_t column, dnnl_data_type_t type,
                             dnnl_memory_desc_t *out)
{
    const dnnl_dims_t sizes = {rows, columns}, strides = {row, column};
    return dnnl_memory_desc_init_by_strides(out, 2, sizes, type, strides);
}

/* ---- packed matrices ---- */

/* The layout that products with a few rows want for B [k,n]. */
static dnnl_status_t wanted_layout(dnnl_engine_t engine, int64_t k, int64_t n, dnnl_memory_desc_t *out)
{
    enum { ROWS = 64 };
    dnnl_status_t result;
    dnnl_memory_desc_t a, b, c;
    dnnl_matmul_desc_t multiply;
    dnnl_primitive_desc_t plan = NULL;
    const dnnl_dims_t sizes = {k, n};
    HNI_DNNL_TRY(strided(ROWS, k, k, 1, dnnl_bf16, &a));
    HNI_DNNL_TRY(strided(ROWS, n, n, 1, dnnl_f32, &c));
    HNI_DNNL_TRY(dnnl_memory_desc_init_by_tag(&b, 2, sizes, dnnl_bf16, dnnl_format_tag_any));
    HNI_DNNL_TRY(dnnl_matmul_desc_init(&multiply, &a, &b, NULL, &c));
    HNI_DNNL_TRY(dnnl_primitive_desc_create(&plan, &multiply, NULL, engine, NULL));
    *out = *dnnl_primitive_desc_query_md(plan, dnnl_query_weights_md, 0);
    if (dnnl_memory_desc_get_size(out) > hni_recurrence_packed_most(true, sizeof(float), k, n) - HNI_PACKED_HEAD)
        result = dnnl_unimplemented;
dnnl_cleanup:
    if (plan != NULL) (void)dnnl_primitive_desc_destroy(plan);
    return result;
}

hn_status hni_narrow_pack(const hni_product_matrix *m, void *out_packed)
{
    dnnl_status_t result;
    dnnl_engine_t engine = NULL;
    dnnl_memory_desc_t from, to;
    HNI_DNNL_TRY(dnnl_engine_create(&engine, dnnl_cpu, 0));
    HNI_DNNL_TRY(strided(m->k, m->n, m->row, m->column, dnnl_f32, &from));
    HNI_DNNL_TRY(wanted_layout(engine, m->k, m->n, &to));
    memcpy(out_packed, &to, sizeof to);
    HNI_DNNL_TRY(hni_dnnl_reorder(engine, &from, m->data, &to, (char *)out_packed + HNI_PACKED_HEAD));
dnnl_cleanup:
    if (engine != NULL) (void)dnnl_engine_destroy(engine);
    return hni_dnnl_status(result);
}

/* ---- products ---- */

static dnnl_status_t layout_of_b(const hni_narrow_shape *s, const void *b, dnnl_memory_desc_t *out_layout,
                                 const void **out_data)
{
    *out_data = b;
    if (s->b_row != 0 || s->b_column != 0) return strided(s->k, s->n, s->b_row, s->b_column, dnnl_bf16, out_layout);
    memcpy(out_layout, b, sizeof *out_layout);
    *out_data = (const char *)b + HNI_PACKED_HEAD;
    return dnnl_success;
}

static dnnl_status_t plan_product(const hni_narrow_shape *s, const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b,
                                  const dnnl_memory_desc_t *c, dnnl_engine_t engine, dnnl_primitive_t *out_multiply)
{
    dnnl_status_t result;
    dnnl_matmul_desc_t multiply;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_primitive_desc_t plan = NULL;
    HNI_DNNL_TRY(dnnl_matmul_desc_init(&multiply, a, b, NULL, c));
    HNI_DNNL_TRY(dnnl_primitive_attr_create(&attributes));
    if (s->beta != 0) {
        HNI_DNNL_TRY(dnnl_post_ops_create(&after));
        HNI_DNNL_TRY(dnnl_post_ops_append_sum(after, 1.0f));
        HNI_DNNL_TRY(dnnl_primitive_attr_set_post_ops(attributes, after));
    }
    HNI_DNNL_TRY(dnnl_primitive_desc_create(&plan, &multiply, attributes, engine, NULL));
    HNI_DNNL_TRY(dnnl_primitive_create(out_multiply, plan));
dnnl_cleanup:
    if (plan != NULL) (void)dnnl_primitive_desc_destroy(plan);
    if (after != NULL) (void)dnnl_post_ops_destroy(after);
    if (attributes != NULL) (void)dnnl_primitive_attr_destroy(attributes);
    return result;
}

hn_status hni_narrow_open(const hni_narrow_shape *s, const void *b, hni_narrow_product *out)
{
    dnnl_status_t result;
    dnnl_engine_t engine = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_primitive_t multiply = NULL;
    dnnl_memory_desc_t of_a, of_b, of_c;
    dnnl_memory_t memory_a = NULL, memory_b = NULL, memory_c = NULL;
    const void *numbers;
    HNI_DNNL_TRY(dnnl_engine_create(&engine, dnnl_cpu, 0));
    HNI_DNNL_TRY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    HNI_DNNL_TRY(strided(s->m, s->k, s->a_row, s->a_column, dnnl_bf16, &of_a));
    HNI_DNNL_TRY(layout_of_b(s, b, &of_b, &numbers));
    HNI_DNNL_TRY(strided(s->m, s->n, s->ldc, 1, dnnl_f32, &of_c));
    HNI_DNNL_TRY(plan_product(s, &of_a, &of_b, &of_c, engine, &multiply));
    HNI_DNNL_TRY(dnnl_memory_create(&memory_a, &of_a, engine, DNNL_MEMORY_NONE));
    HNI_DNNL_TRY(dnnl_memory_create(&memory_b, &of_b, engine, (void *)(uintptr_t)numbers));
    HNI_DNNL_TRY(dnnl_memory_create(&memory_c, &of_c, engine, DNNL_MEMORY_NONE));
dnnl_cleanup:
    *out = (hni_narrow_product){engine, stream, multiply, memory_a, memory_b, memory_c};
    if (result != dnnl_success) hni_narrow_close(out);
    return hni_dnnl_status(result);
}

hn_status hni_narrow_run(const hni_narrow_product *p, const void *a, void *c)
{
    dnnl_status_t result;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}};
    HNI_DNNL_TRY(dnnl_memory_set_data_handle(p->a, (void *)(uintptr_t)a));
    HNI_DNNL_TRY(dnnl_memory_set_data_handle(p->c, c));
    HNI_DNNL_TRY(dnnl_primitive_execute(p->multiply, p->stream, 3, arguments));
    HNI_DNNL_TRY(dnnl_stream_wait(p->stream));
dnnl_cleanup:
    return hni_dnnl_status(result);
}

void hni_narrow_close(hni_narrow_product *p)
{
    if (p->c != NULL) (void)dnnl_memory_destroy(p->c);
    if (p->b != NULL) (void)dnnl_memory_destroy(p->b);
    if (p->a != NULL) (void)dnnl_memory_destroy(p->a);
    if (p->multiply != NULL) (void)dnnl_primitive_destroy(p->multiply);
    if (p->stream != NULL) (void)dnnl_stream_destroy(p->stream);
    if (p->engine != NULL) (void)dnnl_engine_destroy(p->engine);
    *p = (hni_narrow_product){.engine = NULL};
}

/* ---- conversion ---- */

typedef struct convert_job {
    int64_t columns;
    const float *x;
    int64_t x_ld;
    uint16_t *out;
    int64_t out_ld;
    const hni_cpu_narrows *simd;
} convert_job;

static void convert_part(void *user, int64_t begin, int64_t end, int part)
{
    const convert_job *job = user;
    (void)part;
    for (int64_t row = begin; row < end; row++)
        job->simd->round(job->columns, job->x + row * job->x_ld, job->out + row * job->out_ld);
}

void hni_narrow_convert(int threads, int64_t rows, int64_t columns, const float *x, int64_t x_ld, uint16_t *out,
                        int64_t out_ld)
{
    convert_job job = {columns, x, x_ld, out, out_ld, hni_cpu_simd_get()->narrows};
    hni_parallel_for(threads, rows, hni_cpu_divide_up(GRAIN, columns), convert_part, &job);
}

/* ---- a gemm ---- */

bool hni_narrow_gemm_pays(const hni_gemm *g)
{
    enum { LEAST = 1 << 22 }; /* multiplications for one number to be converted at all */
    const int64_t least_side = 16, work = g->m * g->n * g->k;
    return g->batch == 1 && g->alpha == 1 && (g->beta == 0 || g->beta == 1) && work >= LEAST && g->m >= least_side &&
           g->n >= least_side && g->k >= least_side;
}

static hn_status rounded(hni_exec *exec, int64_t rows, int64_t columns, const void *x, int64_t ld, void **out)
{
    const hn_status status = hni_arena_take(exec->scratch, (size_t)(rows * columns) * 2, out);
    if (status == HN_OK) hni_narrow_convert(exec->threads, rows, columns, x, ld, *out, columns);
    return status;
}

/* One product with all threads; a message if it fails. */
static hn_status multiply_once(hni_exec *exec, const hni_narrow_shape *shape, const void *a, const void *b, void *c)
{
    hni_narrow_product product;
    const int threads_before = hni_cpu_use_threads(exec->threads);
    hn_status status = hni_narrow_open(shape, b, &product);
    if (status == HN_OK) status = hni_narrow_run(&product, a, c);
    hni_narrow_close(&product);
    (void)hni_cpu_use_threads(threads_before);
    if (status == HN_OK) return HN_OK;
    return hni_error(exec->context, status, "gemm: oneDNN refused a bf16 product of %lld x %lld x %lld",
                     (long long)shape->m, (long long)shape->k, (long long)shape->n);
}

hn_status hni_narrow_gemm(hni_exec *exec, const hni_gemm *g)
{
    void *a = NULL, *b = NULL;
    hn_status status;
    const int64_t a_rows = g->transpose_a ? g->k : g->m, a_columns = g->transpose_a ? g->m : g->k;
    const int64_t b_rows = g->transpose_b ? g->n : g->k, b_columns = g->transpose_b ? g->k : g->n;
    HNI_TRY(rounded(exec, a_rows, a_columns, g->a, g->lda, &a));
    HNI_TRY(rounded(exec, b_rows, b_columns, g->b, g->ldb, &b));
    const hni_narrow_shape shape = {.m = g->m,
                                    .n = g->n,
                                    .k = g->k,
                                    .a_row = g->transpose_a ? 1 : g->k,
                                    .a_column = g->transpose_a ? g->m : 1,
                                    .b_row = g->transpose_b ? 1 : g->n,
                                    .b_column = g->transpose_b ? g->k : 1,
                                    .ldc = g->ldc,
                                    .beta = g->beta};
    status = multiply_once(exec, &shape, a, b, g->c);
cleanup:
    return status;
}

hn_status hni_narrow_outer(hni_exec *exec, const hni_gemm *g)
{
    void *b = NULL;
    hn_status status;
    HNI_TRY(rounded(exec, g->k, g->n, g->b, g->ldb, &b));
    const hni_narrow_shape shape = {.m = g->m,
                                    .n = g->n,
                                    .k = g->k,
                                    .a_row = 1,
                                    .a_column = g->lda,
                                    .b_row = g->n,
                                    .b_column = 1,
                                    .ldc = g->ldc,
                                    .beta = g->beta};
    status = multiply_once(exec, &shape, g->a, b, g->c);
cleanup:
    return status;
}
