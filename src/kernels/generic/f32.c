/* The generic kernels in single precision. */
#include "kernels/generic/generic.h"

typedef float real;
#define REAL_DTYPE HN_DTYPE_F32
#define GENERIC(name) hni_generic_##name##_f32
#define REAL_EXP expf
#define REAL_TANH tanhf
#define REAL_SQRT sqrtf

#include "kernels/generic/lines.inc"
#include "kernels/generic/map.inc"
#include "kernels/generic/gemm.inc"
#include "kernels/generic/layer_norm.inc"
#include "kernels/generic/conv2d.inc"
#include "kernels/generic/batch_norm.inc"
#include "kernels/generic/pool2d.inc"
#include "kernels/generic/dropout.inc"
#include "kernels/generic/rows.inc"
#include "kernels/generic/images.inc"
#include "kernels/generic/softmax.inc"
#include "kernels/generic/recurrence.inc"
#include "kernels/generic/optimiser.inc"
#include "kernels/generic/packed.inc"
#include "kernels/generic/table.inc"
