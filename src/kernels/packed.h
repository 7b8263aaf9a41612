/* What the backends share about packed matrices: how a number becomes bf16 or int8 and back. Not how a backend lays them out. */
#ifndef HNI_KERNELS_PACKED_H
#define HNI_KERNELS_PACKED_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/table.h"

/* The upper half of a float, rounded to nearest even; what is too large becomes infinite, a NaN stays one. */
static inline uint16_t hni_bf16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)(isnan(value) ? quiet : nearest); /* a choice of two numbers: loops over it vectorise */
}

static inline float hni_bf16_value(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A row of int8 numbers q stands for scale * q, scale = largest / 127. A row that holds something infinite or NaN has the scale NaN, so
 * all that is made of it is NaN. */
static inline float hni_int8_scale(float largest) { return largest <= 3.402823466e38f ? largest / 127.0f : NAN; }

static inline int8_t hni_int8_of(float value, float scale)
{
    if (!(scale > 0)) return 0; /* a row of zeros, or one with a NaN */
    const float q = nearbyintf(value / scale);
    return (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
}

/* Refuses a storage that the table does not know. `real` is its own type. */
HN_MUST_USE hn_status hni_packed_check(hn_context *context, hn_dtype storage, hn_dtype real);
/* sizes[0] * sizes[1] * .. + more, rounded up to a cache line; too large a matrix is HN_ERROR_SHAPE. */
HN_MUST_USE hn_status hni_packed_size(hn_context *context, const int64_t sizes[3], int64_t more, size_t *out_size);

#endif
