/* Stands in for kernels/cpu in a build without it: there is no cpu table, no instruction level to choose and nothing to probe. */
#include "kernels/conv2d.h"
#include "kernels/probe.h"

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

hn_status hni_probe_create(hn_context *context, hni_probe_kind kind, const hni_probe_shape *shape, int threads,
                           hni_probe **out_probe)
{
    (void)kind, (void)shape, (void)threads;
    *out_probe = NULL;
    return hni_error(context, HN_ERROR_UNSUPPORTED,
                     "bench: this build has no cpu backend, so there is no oneDNN to time: build with HYPERNET_CPU=ON");
}

hn_status hni_probe_run(hni_probe *probe, int64_t times)
{
    (void)probe, (void)times;
    return HN_ERROR_UNSUPPORTED;
}

float hni_probe_element(const hni_probe *probe, int64_t row, int64_t column)
{
    (void)probe, (void)row, (void)column;
    return 0;
}

float hni_probe_number(int which, int64_t i)
{
    (void)which, (void)i;
    return 0;
}

void hni_probe_destroy(hni_probe *probe) { (void)probe; }

hni_probe_bf16 hni_probe_bf16_support(void) { return HNI_PROBE_BF16_ABSENT; }

hn_status hni_conv2d_scratch(hni_exec *exec, const hni_convolution *conv, hni_view *out)
{
    (void)exec, (void)conv, (void)out;
    return HN_OK;
}

hn_status hni_conv2d_vjp_scratch(hni_exec *exec, const hni_convolution_vjp *vjp)
{
    (void)exec, (void)vjp;
    return HN_OK;
}

#endif
