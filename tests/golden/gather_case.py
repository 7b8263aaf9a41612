"""gather_images.safetensors: batches of images by one matrix an image, as torch.nn.functional.grid_sample mixes them.

For each case: `source` U8 [n,C,H,W], `index` I32 [B], `matrix` [B,6], `mean` and `deviation` [C], and `out` [B,C,H,W].
"""

import math

import numpy as np
import torch

# name: (n, C, H, W)
CASES = {"grey": (4, 1, 8, 8), "colours": (3, 3, 9, 7), "two": (2, 2, 3, 5)}


def turned(degrees, factor, shift, height, width):
    """Turned and scaled about the middle, then moved: where a pixel of the result comes from."""
    cos, sin = math.cos(math.radians(degrees)) / factor, math.sin(math.radians(degrees)) / factor
    x0, y0 = -(width - 1) / 2 - shift[0], -(height - 1) / 2 - shift[1]
    return [cos, sin, cos * x0 + sin * y0 + (width - 1) / 2, -sin, cos, -sin * x0 + cos * y0 + (height - 1) / 2]


def matrices(rng, height, width):
    whole = [[1, 0, 0, 0, 1, 0], [-1, 0, width - 1, 0, 1, 0], [1, 0, 2, 0, 1, -1], [-1, 0, width + 1, 0, -1, height - 1],
             [1, 0, 4 * width, 0, 1, 0]]
    free = [turned(10, 1.1, (0, 0), height, width), turned(-37, 0.8, (1, -2), height, width), [1, 0, 0.25, 0, 1, -0.5]]
    return np.array(whole + free + rng.standard_normal((4, 6)).tolist(), dtype=np.float64)


def sample(images, matrix):
    """images [B,C,H,W] (normalised) read at matrix [B,6]."""
    height, width = images.shape[2:]
    y, x = torch.meshgrid(torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64), indexing="ij")
    m = matrix[:, :, None, None]
    column, row = m[:, 0] * x + m[:, 1] * y + m[:, 2], m[:, 3] * x + m[:, 4] * y + m[:, 5]
    grid = torch.stack([2 * column / (width - 1) - 1, 2 * row / (height - 1) - 1], dim=-1)
    return torch.nn.functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def all_files():
    tensors = {}
    for number, (name, (n, channels, height, width)) in enumerate(CASES.items()):
        rng = np.random.default_rng(number)
        source = torch.from_numpy(rng.integers(0, 256, (n, channels, height, width)))
        mean, deviation = torch.from_numpy(rng.uniform(0.2, 0.6, channels)), torch.from_numpy(rng.uniform(0.2, 0.4, channels))
        matrix = torch.from_numpy(matrices(rng, height, width))
        index = torch.from_numpy(rng.integers(0, n, len(matrix)))
        normal = (source.to(torch.float64) / 255 - mean[:, None, None]) / deviation[:, None, None]
        tensors |= {f"{name}/source": source.to(torch.uint8), f"{name}/index": index.to(torch.int32), f"{name}/matrix": matrix,
                    f"{name}/mean": mean, f"{name}/deviation": deviation,
                    f"{name}/out": sample(normal[index], matrix).contiguous()}
    return {"gather_images": (tensors, {})}
