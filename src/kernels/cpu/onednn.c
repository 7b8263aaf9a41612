/* See onednn.h. */
#include "kernels/cpu/onednn.h"

hn_status hni_dnnl_status(dnnl_status_t result)
{
    return result == dnnl_success ? HN_OK : result == dnnl_out_of_memory ? HN_ERROR_MEMORY : HN_ERROR_UNSUPPORTED;
}

dnnl_status_t hni_dnnl_reorder(dnnl_engine_t engine, const dnnl_memory_desc_t *from, const void *source,
                               const dnnl_memory_desc_t *to, void *target)
{
    dnnl_status_t result;
    dnnl_stream_t stream = NULL;
    dnnl_primitive_desc_t plan = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t a = NULL, b = NULL;
    HNI_DNNL_TRY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    HNI_DNNL_TRY(dnnl_reorder_primitive_desc_create(&plan, from, engine, to, engine, NULL));
    HNI_DNNL_TRY(dnnl_primitive_create(&primitive, plan));
    HNI_DNNL_TRY(dnnl_memory_create(&a, from, engine, (void *)(uintptr_t)source));
    HNI_DNNL_TRY(dnnl_memory_create(&b, to, engine, target));
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}};
    HNI_DNNL_TRY(dnnl_primitive_execute(primitive, stream, 2, arguments));
    HNI_DNNL_TRY(dnnl_stream_wait(stream));
dnnl_cleanup:
    if (b != NULL) (void)dnnl_memory_destroy(b);
    if (a != NULL) (void)dnnl_memory_destroy(a);
    if (primitive != NULL) (void)dnnl_primitive_destroy(primitive);
    if (plan != NULL) (void)dnnl_primitive_desc_destroy(plan);
    if (stream != NULL) (void)dnnl_stream_destroy(stream);
    return result;
}
