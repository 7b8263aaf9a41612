/* Convolutions of 3 x 3 kernels and stride 1 by Winograd's minimal filtering (winograd.c): a quarter of the multiplications. */
#ifndef HNI_KERNELS_CPU_WINOGRAD_H
#define HNI_KERNELS_CPU_WINOGRAD_H

#include "kernels/cpu/cpu.h"

/* Whether it can do a convolution and is worth it; y has the shape of the output. */
bool hni_winograd_suits(const hni_convolution *conv, const hni_view *y);

/* out, dx and dkernel of a convolution that it suits. On a counting arena (a dry run) they take their scratch memory and do no more. */
HN_MUST_USE hn_status hni_winograd_forward(hni_exec *exec, const hni_convolution *conv, hni_view *out);
HN_MUST_USE hn_status hni_winograd_data(hni_exec *exec, const hni_convolution_vjp *vjp);
HN_MUST_USE hn_status hni_winograd_weights(hni_exec *exec, const hni_convolution_vjp *vjp);

#endif
