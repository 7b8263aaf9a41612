/* The table of ops, made from ops.def. */
#include "ops/op.h"

#define HNI_ROW_PRIMITIVE(name) .shape = hni_##name##_shape, .forward = hni_##name##_forward, .vjp = hni_##name##_vjp
#define HNI_ROW_FUSED(name) HNI_ROW_PRIMITIVE(name)
#define HNI_ROW_VIEW(name) .shape = hni_##name##_shape

static const hni_op_spec specs[HNI_OP_COUNT] = {
#define HNI_OP(NAME, name_, inputs_, differentiable_, fresh_, kind_) \
    {.op = HNI_OP_##NAME,                                            \
     .name = #name_,                                                 \
     .inputs = inputs_,                                              \
     .differentiable = differentiable_,                              \
     .fresh = fresh_,                                                \
     .kind = HNI_OP_KIND_##kind_,                                    \
     HNI_ROW_##kind_(name_)},
#include "ops/ops.def"
#undef HNI_OP
};

unsigned hni_op_passes(hni_op op)
{
    switch (op) {
    case HNI_OP_ADD: return 0x3;
    case HNI_OP_SUB:
    case HNI_OP_COPY: return 0x1;
    case HNI_OP_MUL_ADD: return 0x4;
    default: return 0;
    }
}

const hni_op_spec *hni_op_find(hni_op op) { return (int)op >= 0 && op < HNI_OP_COUNT ? &specs[op] : NULL; }
