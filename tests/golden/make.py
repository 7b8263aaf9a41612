"""Writes the golden files of this folder: what PyTorch in float64 says the ops, models and training of Hypernet must give.

    pip install torch safetensors numpy
    python3 tests/golden/make.py            writes tests/golden/*.safetensors
    python3 tests/golden/make.py --check    computes everything again and compares with the files

By hand, and only when a case is added: the tests read the stored files, and need neither Python nor torch. The version of
torch is written into each file. README.md in this folder says what each file holds.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

import gather_case
import hyper_case
import image_case
import model_cases
import op_cases
import optimizer_case
import philox_case
import safetensors_file
import train_case
from reference import Model, layer_norm, random_parameters, sequence

FOLDER = Path(__file__).resolve().parent


def base_metadata():
    return {"torch": torch.__version__.split("+")[0], "made_by": "tests/golden/make.py"}


def check_reference():
    """The reference itself against torch.nn, where torch.nn has the same thing."""
    model, rng = Model(cell="lstm", layer_norm=False, forget_bias=0.0), np.random.default_rng(1)
    parameters = random_parameters(model, rng)
    stock = torch.nn.LSTM(11, 6, batch_first=True, dtype=torch.float64)
    order = [0, 2, 1, 3]  # torch.nn keeps i, f, g, o
    with torch.no_grad():
        for theirs, ours in (("weight_ih_l0", "weight_x"), ("weight_hh_l0", "weight_h"), ("bias_ih_l0", "bias")):
            blocks = parameters[f"layers.0.{ours}"].unflatten(0, (4, 6))
            getattr(stock, theirs).copy_(blocks[order].flatten(0, 1))
        stock.bias_hh_l0.zero_()
    x = torch.from_numpy(rng.standard_normal((3, 5, 11)))
    outputs, state = sequence(parameters, "layers.0", x, torch.zeros(3, 12, dtype=torch.float64), model)
    expected, (h, c) = stock(x)
    assert torch.allclose(outputs, expected, atol=1e-14) and torch.allclose(state, torch.cat([h[0], c[0]], 1), atol=1e-14)
    model = Model(cell="rnn", activation="relu")
    parameters = random_parameters(model, rng)
    stock = torch.nn.RNN(11, 6, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for theirs, ours in (("weight_ih_l0", "weight_x"), ("weight_hh_l0", "weight_h"), ("bias_ih_l0", "bias")):
            getattr(stock, theirs).copy_(parameters[f"layers.0.{ours}"])
        stock.bias_hh_l0.zero_()
    x = torch.from_numpy(rng.standard_normal((3, 5, 11)))
    outputs, state = sequence(parameters, "layers.0", x, torch.zeros(3, 6, dtype=torch.float64), model)
    expected, h = stock(x)
    assert torch.allclose(outputs, expected, atol=1e-14) and torch.allclose(state, h[0], atol=1e-14)
    x, gain, shift = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((3, 7), (7,), (7,)))
    expected = torch.nn.functional.layer_norm(x, (7,), gain, shift, 1e-3)
    assert torch.allclose(layer_norm(x, gain, shift), expected, atol=1e-14)


def all_files():
    """{file name: (tensors, metadata)}"""
    files = {}
    for module in (philox_case, op_cases, model_cases, train_case, optimizer_case, hyper_case, gather_case, image_case):
        files |= module.all_files()
    return files


def largest_difference(stored, tensors):
    if {k: v.shape for k, v in stored.items()} != {k: tuple(v.shape) for k, v in tensors.items()}:
        return float("inf")
    return max(float(np.abs(stored[k] - torch.as_tensor(v).detach().numpy()).max(initial=0)) for k, v in tensors.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the stored files instead of writing them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    check_reference()
    failed = False
    for name, (tensors, metadata) in all_files().items():
        path = FOLDER / f"{name}.safetensors"
        if options.check:
            stored, _ = safetensors_file.read(path)
            difference = largest_difference(stored, tensors)
            failed |= not difference < 1e-12
            print(f"{path.name}: largest difference {difference:.1e}{'' if difference < 1e-12 else ', DIFFERS'}")
        else:
            safetensors_file.write(path, tensors, base_metadata() | metadata)
            print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
