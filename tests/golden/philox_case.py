"""philox.safetensors: known answers of Philox-4x32-10, uniform numbers of some sites, and hashes of site names."""

import json

import numpy as np

from philox import philox_4x32_10, site_hash, uniform

# The published vectors of Random123 (kat_vectors, philox 4x32 with 10 rounds): counter, key, answer.
PUBLISHED = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),  # digits of pi
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
SITES = (
    "",
    "a",
    "foobar",
    "dropout input",
    "dropout output",
    "dropout layers.0.recurrent",
    "dropout layers.0.hyper.recurrent",
    "dropout layers.1.input",
    "dropout layers.1.recurrent",
    "dropout layers.1.hyper.recurrent",
)
SEED, STEP = 0x9E3779B97F4A7C15, 12345
FIRST_INDEX = (0, 7, 2**34 - 2)  # the last one crosses into the second counter word


def bits(words):
    """32-bit words as the I32 of the same bits."""
    return np.array(words, dtype=np.uint64).astype(np.uint32).view(np.int32)


def all_files():
    for counter, key, answer in PUBLISHED:
        assert tuple(int(word) for word in philox_4x32_10(counter, key)) == answer
    assert site_hash("") == 0x811C9DC5 and site_hash("a") == 0xE40C292C and site_hash("foobar") == 0xBF9CF968
    rng = np.random.default_rng(123)
    counters = [c for c, _, _ in PUBLISHED] + rng.integers(0, 2**32, (13, 4)).tolist()
    keys = [k for _, k, _ in PUBLISHED] + rng.integers(0, 2**32, (13, 2)).tolist()
    answers = [[int(word) for word in philox_4x32_10(c, k)] for c, k in zip(counters, keys)]
    tensors = {"counter": bits(counters), "key": bits(keys), "answer": bits(answers)}
    tensors["site_hash"] = bits([site_hash(name) for name in SITES])
    index = np.array([np.arange(first, first + 9) for first in FIRST_INDEX], dtype=np.uint64)
    tensors["uniform"] = uniform(index, SEED, STEP, site_hash(SITES[5]))
    uniforms = {"first_index": FIRST_INDEX, "seed": str(SEED), "step": STEP, "site": SITES[5]}
    return {"philox": (tensors, {"sites": json.dumps(SITES), "uniform": json.dumps(uniforms)})}
