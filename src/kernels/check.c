/* See check.h. */
#include "kernels/check.h"

#include <inttypes.h>
#include <math.h>

hn_status hni_check_indices(hn_context *context, const char *op, const char *argument, const hni_view *indices,
                            int64_t limit)
{
    const int32_t *values = indices->data; /* [R] at any stride */
    for (int64_t i = 0; i < indices->size[0]; i++) {
        const int32_t value = values[i * indices->stride[0]];
        if (value >= 0 && value < limit) continue;
        const hni_blame blame = {.op = op, .argument = argument};
        return hni_error_at(context, HN_ERROR_ARGUMENT, &blame,
                            "entry %" PRId64 " of %s is %" PRId32 ", it must lie in [0,%" PRId64 ")", i, argument,
                            value, limit);
    }
    return HN_OK;
}

hn_status hni_check_lengths(hn_context *context, const char *op, const hni_view *lengths, int64_t limit)
{
    const int32_t *values = lengths->data;
    const int64_t count = hni_view_elements(lengths);
    for (int64_t i = 0; i < count; i++) {
        if (values[i] >= 0 && values[i] <= limit) continue;
        const hni_blame blame = {.op = op, .argument = "lengths"};
        return hni_error_at(context, HN_ERROR_ARGUMENT, &blame,
                            "entry %" PRId64 " of lengths is %" PRId32 ", it must lie in [0,%" PRId64 "]", i, values[i],
                            limit);
    }
    return HN_OK;
}

hn_status hni_check_windows(hn_context *context, const int64_t *starts, int64_t count, int64_t length, int64_t size)
{
    for (int64_t b = 0; b < count; b++) {
        if (starts[b] >= 0 && length <= size && starts[b] <= size - length) continue;
        const hni_blame blame = {.op = "gather_windows", .argument = "starts"};
        return hni_error_at(context, HN_ERROR_ARGUMENT, &blame,
                            "window %" PRId64 " has %" PRId64 " entries from %" PRId64
                            " on, the source has only %" PRId64,
                            b, length, starts[b], size);
    }
    return HN_OK;
}

hn_status hni_check_places(hn_context *context, const hni_image_place *places, int64_t count, int64_t size)
{
    const hni_blame blame = {.op = "gather_images", .argument = "views"};
    for (int64_t b = 0; b < count; b++) {
        if (places[b].index < 0 || places[b].index >= size) {
            return hni_error_at(context, HN_ERROR_ARGUMENT, &blame,
                                "view %" PRId64 " asks for image %" PRId64 ", it must lie in [0,%" PRId64 ")", b,
                                places[b].index, size);
        }
        for (int i = 0; i < 6; i++) {
            if (fabs(places[b].matrix[i]) <= 0x1p20) continue;
            return hni_error_at(context, HN_ERROR_ARGUMENT, &blame,
                                "entry %d of the matrix of view %" PRId64 " is %g: it must be finite and at most 2^20",
                                i, b, places[b].matrix[i]);
        }
    }
    return HN_OK;
}
