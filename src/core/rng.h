/* Philox-4x32-10 (Salmon et al. 2011), a counter-based generator: a number is a pure function of seed, site, step and index.
 * Key = seed; counter words = index low, index high, step, site. Element i of a site is word i % 4 of counter i / 4. */
#ifndef HNI_CORE_RNG_H
#define HNI_CORE_RNG_H

#include <stdint.h>

typedef struct hni_rng_key {
    uint64_t seed;
    uint32_t step;
    uint32_t site;
} hni_rng_key;

#define HNI_PHILOX_M0 0xD2511F53u
#define HNI_PHILOX_M1 0xCD9E8D57u
#define HNI_PHILOX_W0 0x9E3779B9u
#define HNI_PHILOX_W1 0xBB67AE85u

static inline void hni_philox_round(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    const uint64_t p0 = (uint64_t)HNI_PHILOX_M0 * c[0];
    const uint64_t p1 = (uint64_t)HNI_PHILOX_M1 * c[2];
    const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
    const uint32_t n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)p1;
    c[3] = (uint32_t)p0;
    c[0] = n0;
    c[2] = n2;
}

/* counter in, random words out, in place. */
static inline void hni_philox(uint32_t counter[4], uint64_t seed)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        hni_philox_round(counter, k0, k1);
        k0 += HNI_PHILOX_W0;
        k1 += HNI_PHILOX_W1;
    }
}

/* The four words of block index/4. */
static inline void hni_rng_block(const hni_rng_key *key, uint64_t block, uint32_t out_words[4])
{
    out_words[0] = (uint32_t)block;
    out_words[1] = (uint32_t)(block >> 32);
    out_words[2] = key->step;
    out_words[3] = key->site;
    hni_philox(out_words, key->seed);
}

/* Word `index` of the stream of `key`. */
static inline uint32_t hni_rng_word(const hni_rng_key *key, uint64_t index)
{
    uint32_t words[4];
    hni_rng_block(key, index / 4, words);
    return words[index % 4];
}

/* Uniform in [0, 1): 24 bits of a word, exact in float. */
static inline double hni_rng_unit(uint32_t word) { return (double)(word >> 8) * 0x1p-24; }
static inline double hni_rng_uniform(const hni_rng_key *key, uint64_t index)
{
    return hni_rng_unit(hni_rng_word(key, index));
}
/* Standard normal number `index` (Box-Muller on 32-bit words of block `index`, in double). */
double hni_rng_normal(const hni_rng_key *key, uint64_t index);

/* FNV-1a, 32 bits: the site of a name. */
uint32_t hni_rng_site(const char *name);

#endif
