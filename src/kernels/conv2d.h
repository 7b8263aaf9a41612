/* The scratch memory that the best backend of this build takes for a convolution in float, for dry runs: they call this where the
 * backend would compute. A build without the cpu backend takes none. */
#ifndef HNI_KERNELS_CONV2D_H
#define HNI_KERNELS_CONV2D_H

#include "kernels/table.h"

HN_MUST_USE hn_status hni_conv2d_scratch(hni_exec *exec, const hni_convolution *conv, hni_view *out);
HN_MUST_USE hn_status hni_conv2d_vjp_scratch(hni_exec *exec, const hni_convolution_vjp *vjp);

#endif
