/* Stands in for kernels/cpu in a build without it: there is no cpu table and no instruction level to choose. */
#include "kernels/table.h"

#ifndef HNI_HAVE_CPU

#include <string.h>

const hni_kernels *hni_kernels_cpu(hn_dtype dtype)
{
    (void)dtype;
    return NULL;
}

hn_status hni_kernels_choose_isa(hn_context *context, const char *wanted)
{
    if (wanted == NULL || strcmp(wanted, hni_kernels_isa()) == 0) return HN_OK;
    return hni_error(
        context, HN_ERROR_UNSUPPORTED,
        "instruction level %s: this build has no cpu backend; leave the level unset, or build with HYPERNET_CPU=ON",
        wanted);
}

const char *hni_kernels_isa(void) { return "none"; }

#endif
