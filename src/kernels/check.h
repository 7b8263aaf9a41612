/* Checks of the integers that kernels use as addresses, shared by the backends so that all say the same. Each returns
 * HN_ERROR_ARGUMENT and names the first integer that is outside. */
#ifndef HNI_KERNELS_CHECK_H
#define HNI_KERNELS_CHECK_H

#include "kernels/table.h"

/* Every entry of `indices` (i32 [R], any stride) lies in [0, limit). `argument` is "indices" or "targets". */
HN_MUST_USE hn_status hni_check_indices(hn_context *context, const char *op, const char *argument,
                                        const hni_view *indices, int64_t limit);
/* Every entry of `lengths` (i32, contiguous) lies in [0, limit]. */
HN_MUST_USE hn_status hni_check_lengths(hn_context *context, const char *op, const hni_view *lengths, int64_t limit);
/* Every window [starts[b], starts[b] + length) lies in [0, size). */
HN_MUST_USE hn_status hni_check_windows(hn_context *context, const int64_t *starts, int64_t count, int64_t length,
                                        int64_t size);
/* Every place reads an image of [0, size), and its matrix is finite with no entry beyond +-2^20, so that pixels can be counted. */
HN_MUST_USE hn_status hni_check_places(hn_context *context, const hni_image_place *places, int64_t count, int64_t size);

#endif
