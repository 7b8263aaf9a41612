/* See packed.h. */
#include "kernels/packed.h"

#include "core/size.h"

hn_status hni_packed_check(hn_context *context, hn_dtype storage, hn_dtype real)
{
    if (storage == real || storage == HN_DTYPE_BF16 || storage == HN_DTYPE_I8) return HN_OK;
    const hni_blame blame = {.op = "pack", .argument = "storage"};
    return hni_error_at(context, HN_ERROR_TYPE, &blame, "a matrix cannot be stored as %s: choose %s, BF16 or I8",
                        hn_dtype_name(storage), hn_dtype_name(real));
}

hn_status hni_packed_size(hn_context *context, const int64_t sizes[3], int64_t more, size_t *out_size)
{
    size_t size = 1;
    bool fits = true;
    for (int i = 0; i < 3; i++)
        fits = fits && hni_size_mul(size, (size_t)sizes[i], &size);
    fits = fits && hni_size_add(size, (size_t)more, &size) && hni_size_round_up(size, 64, &size);
    if (fits) {
        *out_size = size;
        return HN_OK;
    }
    const hni_blame blame = {.op = "pack", .argument = "matrix"};
    return hni_error_at(context, HN_ERROR_SHAPE, &blame, "a matrix of %lld times %lld elements is too large to count",
                        (long long)sizes[0], (long long)sizes[1]);
}
