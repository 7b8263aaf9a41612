/* Parallel-for over a fixed division of a range: the same split for the same thread count, so results repeat. */
#ifndef HNI_CORE_PARALLEL_H
#define HNI_CORE_PARALLEL_H

#include <stdint.h>

/* body(user, begin, end, part) for the parts of [0, count); at most `threads` parts of at least `grain` items, in parallel
 * where OpenMP was compiled in. The caller's OpenMP settings are left as they were. */
typedef void (*hni_parallel_body)(void *user, int64_t begin, int64_t end, int part);
void hni_parallel_for(int threads, int64_t count, int64_t grain, hni_parallel_body body, void *user);

/* Bounds of part `part` of `parts` of [0, count): static and even. */
static inline void hni_parallel_part(int64_t count, int parts, int part, int64_t *out_begin, int64_t *out_end)
{
    const int64_t base = count / parts, rest = count % parts;
    *out_begin = part * base + (part < rest ? part : rest);
    *out_end = *out_begin + base + (part < rest ? 1 : 0);
}

/* Cores this process may use, >= 1. */
int hni_parallel_cores(void);

#endif
