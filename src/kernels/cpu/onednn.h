/* Small things that every user of oneDNN's primitives needs. oneDNN keeps what it has compiled, by description and thread count, in a
 * cache of the process: to describe and create a primitive once more takes 2 microseconds, so nothing of it is kept here. */
#ifndef HNI_KERNELS_CPU_ONEDNN_H
#define HNI_KERNELS_CPU_ONEDNN_H

#include "core/context.h"

#include <dnnl.h>

/* if ((result = call) != success) goto dnnl_cleanup; the one exit of a function of the library's own kind. */
#define HNI_DNNL_TRY(call)                             \
    do {                                               \
        result = (call);                               \
        if (result != dnnl_success) goto dnnl_cleanup; \
    } while (0)

hn_status hni_dnnl_status(dnnl_status_t result);
/* Copies from one layout to another. */
dnnl_status_t hni_dnnl_reorder(dnnl_engine_t engine, const dnnl_memory_desc_t *from, const void *source,
                               const dnnl_memory_desc_t *to, void *target);

#endif
