/* Checked arithmetic on sizes: the only way in which sizes are multiplied or added. All return false on overflow. */
#ifndef HNI_CORE_SIZE_H
#define HNI_CORE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool hni_size_mul(size_t a, size_t b, size_t *out_product)
{
    if (a != 0 && b > SIZE_MAX / a) return false;
    *out_product = a * b;
    return true;
}

static inline bool hni_size_add(size_t a, size_t b, size_t *out_sum)
{
    if (b > SIZE_MAX - a) return false;
    *out_sum = a + b;
    return true;
}

/* a, b >= 0. */
static inline bool hni_i64_mul(int64_t a, int64_t b, int64_t *out_product)
{
    if (a < 0 || b < 0 || (a != 0 && b > INT64_MAX / a)) return false;
    *out_product = a * b;
    return true;
}

/* Next multiple of `unit`, a power of two. */
static inline bool hni_size_round_up(size_t size, size_t unit, size_t *out_size)
{
    size_t sum;
    if (!hni_size_add(size, unit - 1, &sum)) return false;
    *out_size = sum & ~(unit - 1);
    return true;
}

#endif
