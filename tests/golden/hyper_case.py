"""hyper_*.safetensors: the static generators, written from their equations one kernel and one number at a time.

Stored: the generator's parameters by name, `out.TARGET` and `cotangent.TARGET` of each generated tensor, `grad.NAME` of each
parameter for the sum of all inner products. __metadata__ has the sizes as JSON under "case".
"""

import json

import numpy as np
import torch

from model_cases import exact_normal, with_gradients
from philox import site_hash



def basic_kernel(p, z, linear):
    """Equation 2: K [C_in,C_out*f*f] of one embedding z [E]."""
    slices = []
    for i in range(p["generator.weight" if linear else "generator.weight_in"].shape[0]):
        if linear:
            slices.append(p["generator.weight"][i] @ z)
            continue
        a = p["generator.weight_in"][i] @ z + p["generator.bias_in"][i]
        slices.append(p["generator.weight_out"] @ a + p["generator.bias_out"])
    return torch.stack(slices)


def kernels(p, targets, inputs, outputs, f, linear):
    """Equation 3: each target [O,C,f,f] from its own tiles, row-major: rows are input blocks, columns output blocks."""
    made, tile = {}, 0
    for name, (o, c) in targets.items():
        rows = []
        for _ in range(c // inputs):
            columns = []
            for _ in range(o // outputs):
                k = basic_kernel(p, p["generator.embeddings"][tile], linear).reshape(inputs, outputs, f, f)
                columns.append(k.transpose(0, 1))  # [C_out,C_in,f,f]
                tile += 1
            rows.append(torch.cat(columns, 0))
        made[name] = torch.cat(rows, 1)
    return made


def kernel_case(linear):
    inputs, outputs, f, e, d = 2, 3, 3, 4, 5
    targets = {"a": (3, 2), "b": (3, 2), "c": (6, 2), "d": (6, 4), "e": (6, 4), "f": (3, 6)}
    tiles = sum(o // outputs * (c // inputs) for o, c in targets.values())
    shapes = {"weight": (inputs, outputs * f * f, e)} if linear else {
        "weight_in": (inputs, d, e), "bias_in": (inputs, d), "weight_out": (outputs * f * f, d), "bias_out": (outputs * f * f,)}
    rng = np.random.default_rng(site_hash(f"hyper kernels {linear}"))
    p = {f"generator.{name}": exact_normal(rng, *shape) for name, shape in (shapes | {"embeddings": (tiles, e)}).items()}
    case = {"inputs": inputs, "outputs": outputs, "size": f, "embedding_size": e, "units": 0 if linear else d, "linear": linear,
            "targets": [[name, o, c] for name, (o, c) in targets.items()]}
    return with_results(rng, p, kernels(p, targets, inputs, outputs, f, linear)), {"case": json.dumps(case)}


def with_results(rng, parameters, made):
    cotangents = {name: exact_normal(rng, *value.shape).detach() for name, value in made.items()}
    loss = sum((made[name] * cotangents[name]).sum() for name in made)
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    others = {f"out.{name}": value.contiguous() for name, value in made.items()}
    others |= {f"cotangent.{name}": value for name, value in cotangents.items()}
    return with_gradients(parameters, others, gradients)


def all_files():
    return {"hyper_kernels": kernel_case(False), "hyper_kernels_linear": kernel_case(True)}
