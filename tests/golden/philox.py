"""Philox-4x32-10 counter-based random numbers and the site hash, in NumPy.

What it is for: the dropout masks of the golden files must be the ones that the C library draws. What it is not: a generator
with state. Every number is a function of (seed, step, site, index) alone, see "Random numbers" in docs/checkpoint.md.
"""

import numpy as np

MULTIPLIER = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_STEP = (0x9E3779B9, 0xBB67AE85)
LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)


def philox_4x32_10(counter, key):
    """counter: four arrays (or integers) of 32-bit words, key: two integers -> four uint64 arrays below 2^32."""
    x0, x1, x2, x3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = int(key[0]), int(key[1])
    for _ in range(10):
        product_0, product_1 = MULTIPLIER[0] * x0, MULTIPLIER[1] * x2
        x0, x1, x2, x3 = (
            (product_1 >> SHIFT_32) ^ x1 ^ np.uint64(k0),
            product_1 & LOW_32,
            (product_0 >> SHIFT_32) ^ x3 ^ np.uint64(k1),
            product_0 & LOW_32,
        )
        k0, k1 = (k0 + KEY_STEP[0]) & 0xFFFFFFFF, (k1 + KEY_STEP[1]) & 0xFFFFFFFF
    return x0, x1, x2, x3


def site_hash(name):
    """FNV-1a, 32 bits, of the bytes of `name`."""
    value = 0x811C9DC5
    for byte in name.encode("utf-8"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def uniform(index, seed, step, site):
    """Uniform numbers in [0, 1) of a multiple of 2^-24 for the element indices `index` (any shape) of a site."""
    index = np.asarray(index, dtype=np.uint64)
    block = index >> np.uint64(2)
    words = philox_4x32_10(
        (block & LOW_32, block >> SHIFT_32, np.full_like(block, step), np.full_like(block, site)),
        (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF),
    )
    word = np.choose((index & np.uint64(3)).astype(np.int64), words)
    return (word >> np.uint64(8)).astype(np.float64) * 2.0**-24


def dropout_factors(index, seed, step, name, keep):
    """What dropout multiplies the elements `index` by: 0, or 1/keep where u < keep."""
    kept = uniform(index, seed, step, site_hash(name)) < keep
    return kept.astype(np.float64) / keep
