/* The parts of the generator that are not worth inlining; see rng.h. Philox: Salmon et al. 2011. */
#include "core/rng.h"

#include <math.h>

#define TWO_PI 6.283185307179586476925286766559

/* One counter block a number: two of its four words are used, so that number i never depends on number i - 1. */
double hni_rng_normal(const hni_rng_key *key, uint64_t index)
{
    uint32_t words[4];
    hni_rng_block(key, index, words);
    const double radius = ((double)words[0] + 1.0) * 0x1p-32; /* in (0, 1]: never the logarithm of 0 */
    const double turn = (double)words[1] * 0x1p-32;
    return sqrt(-2.0 * log(radius)) * cos(TWO_PI * turn);
}

uint32_t hni_rng_site(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}
