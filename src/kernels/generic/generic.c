/* See generic.h. */
#include "kernels/generic/generic.h"

const hni_kernels *hni_kernels_generic(hn_dtype dtype)
{
    if (dtype == HN_DTYPE_F32) return &hni_generic_table_f32;
    if (dtype == HN_DTYPE_F64) return &hni_generic_table_f64;
    return NULL;
}
