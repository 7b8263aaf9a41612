/* Philox-4x32-10 for many blocks at once (core/rng.h has it for one), and dropout of a line, for one level of the instruction set.
 * The words are exactly those of hni_rng_word. */
#include "kernels/cpu/cpu.h"

/* Words 4 * first ... of a stream, four a block. */
static void words(const hni_rng_key *key, uint64_t first, int64_t blocks, uint32_t *out)
{
    const uint32_t seed_low = (uint32_t)key->seed, seed_high = (uint32_t)(key->seed >> 32);
    const uint32_t step = key->step, site = key->site;
#pragma omp simd
    for (int64_t i = 0; i < blocks; i++) {
        const uint64_t block = first + (uint64_t)i;
        uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = step, c3 = site;
        uint32_t k0 = seed_low, k1 = seed_high;
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            const uint64_t p0 = (uint64_t)HNI_PHILOX_M0 * c0, p1 = (uint64_t)HNI_PHILOX_M1 * c2;
            c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
            c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            c1 = (uint32_t)p1;
            c3 = (uint32_t)p0;
            k0 += HNI_PHILOX_W0;
            k1 += HNI_PHILOX_W1;
        }
        out[4 * i] = c0;
        out[4 * i + 1] = c1;
        out[4 * i + 2] = c2;
        out[4 * i + 3] = c3;
    }
}

/* A dropped infinity is 0, so this is a choice and not a product. */
static void keep_line(int64_t n, const uint32_t *word, uint32_t limit, const hni_cpu_line *line)
{
    const float *x = line->in[0];
    const float inverse = line->p;
    float *out = line->out;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float kept = x[i] * inverse;
        out[i] = (word[i] >> 8) < limit ? kept : 0.0f;
    }
}

extern const hni_cpu_randoms HNI_CPU_NAME(hni_cpu_randoms);
const hni_cpu_randoms HNI_CPU_NAME(hni_cpu_randoms) = {.words = words, .keep = keep_line};
