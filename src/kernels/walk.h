/* A walk over the places of a strided box, in row-major order, for several arrays ("tracks") at once. It knows sizes, strides
 * and offsets in elements, and no data. Every size is >= 1, so a walk has at least one place:
 *
 *     hni_walk walk;
 *     hni_walk_begin(&walk, rank, size);
 *     const int x = hni_walk_track(&walk, x_stride), y = hni_walk_track(&walk, y_stride);
 *     do {
 *         ... x_data[walk.offset[x]] ... y_data[walk.offset[y]] ...
 *     } while (hni_walk_next(&walk));
 */
#ifndef HNI_KERNELS_WALK_H
#define HNI_KERNELS_WALK_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "hypernet/tensor.h"

#define HNI_WALK_TRACKS 8

typedef struct hni_walk {
    int rank, tracks;
    int64_t size[HN_MAX_RANK], index[HN_MAX_RANK];
    int64_t stride[HNI_WALK_TRACKS][HN_MAX_RANK];
    int64_t offset[HNI_WALK_TRACKS];
} hni_walk;

static inline void hni_walk_begin(hni_walk *walk, int rank, const int64_t *size)
{
    walk->rank = rank;
    walk->tracks = 0;
    for (int d = 0; d < rank; d++) {
        walk->size[d] = size[d];
        walk->index[d] = 0;
    }
}

/* Adds an array that starts at offset 0; returns its track. */
static inline int hni_walk_track(hni_walk *walk, const int64_t *stride)
{
    assert(walk->tracks < HNI_WALK_TRACKS);
    for (int d = 0; d < walk->rank; d++)
        walk->stride[walk->tracks][d] = stride[d];
    walk->offset[walk->tracks] = 0;
    return walk->tracks++;
}

/* Moves on by one place; false behind the last one, with everything back at the start. */
static inline bool hni_walk_next(hni_walk *walk)
{
    for (int d = walk->rank - 1; d >= 0; d--) {
        const bool wraps = ++walk->index[d] == walk->size[d];
        const int64_t steps = wraps ? 1 - walk->size[d] : 1;
        for (int track = 0; track < walk->tracks; track++)
            walk->offset[track] += steps * walk->stride[track][d];
        if (!wraps) return true;
        walk->index[d] = 0;
    }
    return false;
}

#endif
