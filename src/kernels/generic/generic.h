/* The two generic tables, from one set of loops. f32.c and f64.c say what `real` is and include the .inc files; these loops are
 * what every other backend is compared with, so they are written to be read, not to be fast. */
#ifndef HNI_KERNELS_GENERIC_H
#define HNI_KERNELS_GENERIC_H

#include "kernels/table.h"

extern const hni_kernels hni_generic_table_f32;
extern const hni_kernels hni_generic_table_f64;

#endif
