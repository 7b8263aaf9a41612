"""Writes .safetensors files whose bytes depend on their content alone, and reads them back with the safetensors package.

The package itself orders __metadata__ anew on every run, so regenerated golden files would differ without a reason.
"""

import json
import struct

import numpy as np

DTYPE_NAMES = {"float64": "F64", "float32": "F32", "int32": "I32", "uint8": "U8"}


def write(path, tensors, metadata):
    """tensors: {name: NumPy array or torch tensor}, stored in the given order; metadata: {name: string}."""
    header, blocks, offset = {"__metadata__": dict(sorted(metadata.items()))}, [], 0
    for name, tensor in tensors.items():
        array = np.asarray(tensor.detach().numpy() if hasattr(tensor, "detach") else tensor)
        data = array.tobytes()  # C order; tobytes keeps a scalar's shape out of the way
        header[name] = {
            "dtype": DTYPE_NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        blocks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def read(path):
    """-> ({name: NumPy array}, {name: string})"""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
