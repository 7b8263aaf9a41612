/* The memory slots of every backend whose memory is the host's (generic and cpu): allocate, release, copies, zeros.
 * Not for backends with memory of their own, and not for arithmetic. */
#ifndef HNI_KERNELS_HOST_H
#define HNI_KERNELS_HOST_H

#include "kernels/table.h"

HN_MUST_USE hn_status hni_host_allocate(hn_context *context, const char *what, size_t size, void **out_pointer);
void hni_host_release(hn_context *context, void *pointer);
HN_MUST_USE hn_status hni_host_copy_in(hni_exec *exec, hni_view *out, hn_dtype source_type, const void *source);
HN_MUST_USE hn_status hni_host_copy_out(hni_exec *exec, const hni_view *view, hn_dtype target_type, void *out_target);
HN_MUST_USE hn_status hni_host_fill_zero(hni_exec *exec, void *data, size_t size);

#endif
