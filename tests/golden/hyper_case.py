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
    case = {"kind": "kernels", "inputs": inputs, "outputs": outputs, "size": f, "embedding_size": e, "units": 0 if linear else d, "linear": linear,
            "targets": [[name, o, c] for name, (o, c) in targets.items()]}
    return with_results(rng, p, kernels(p, targets, inputs, outputs, f, linear)), {"case": json.dumps(case)}


def with_results(rng, parameters, made):
    cotangents = {name: exact_normal(rng, *value.shape).detach() for name, value in made.items()}
    loss = sum((made[name] * cotangents[name]).sum() for name in made)
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    others = {f"out.{name}": value.contiguous() for name, value in made.items()}
    others |= {f"cotangent.{name}": value for name, value in cotangents.items()}
    return with_gradients(parameters, others, gradients)


def chunk_network(p, x, hidden_layers, activation):
    """One chunk from x, the inputs side by side: the chunk's embedding, the task's, the condition."""
    first = torch.cat([p[f"generator.layers.0.{part}"] for part in ("weight", "task", "condition") if f"generator.layers.0.{part}" in p], 1)
    for k in range(hidden_layers + 1):
        x = (first if k == 0 else p[f"generator.layers.{k}.weight"]) @ x + p[f"generator.layers.{k}.bias"]
        if k < hidden_layers:
            x = getattr(torch, activation)(x)
    return x


def chunk_weights(p, targets, case, task, condition):
    """All targets for one condition (or None)."""
    chunks = []
    for e in p["generator.embeddings"]:
        x = [e] + ([p["generator.tasks"][task]] if case["tasks"] else []) + ([] if condition is None else [condition])
        chunks.append(chunk_network(p, torch.cat(x), case["hidden_layers"], case["activation"]))
    numbers, made = torch.cat(chunks), {}
    for name, (shape, deviation, mean) in targets.items():
        count = int(np.prod(shape))
        fan_in = count // shape[0] if len(shape) > 0 else 1
        factor = deviation or (fan_in**-0.5 if len(shape) > 1 else 0.01)
        made[name] = mean + factor * numbers[:count].reshape(shape)
        numbers = numbers[count:]
    return made


def chunk_case(name, hidden_layers, activation, tasks=0, condition=()):
    chunk, e, units, t = 7, 3, 5, 2
    targets = {"a": ((4, 3), 0, 0), "b": ((5,), 0.5, 1), "c": ((2, 1, 3), 0.25, 0), "d": ((), 0, -2)}
    task = 1 if tasks else 0
    chunks = -(-sum(int(np.prod(shape)) for shape, _, _ in targets.values()) // chunk)
    shapes = {"embeddings": (chunks, e)} | ({"tasks": (tasks, t)} if tasks else {})
    for k in range(hidden_layers + 1):
        outputs = chunk if k == hidden_layers else units
        shapes[f"layers.{k}.bias"] = (outputs,)
        shapes[f"layers.{k}.weight"] = (outputs, units if k else e)
    first = chunk if hidden_layers == 0 else units
    if tasks:
        shapes["layers.0.task"] = (first, t)
    if condition:
        shapes["layers.0.condition"] = (first, condition[-1])
    rng = np.random.default_rng(site_hash("hyper chunks " + name))
    p = {f"generator.{key}": exact_normal(rng, *shape) for key, shape in shapes.items()}
    case = {"kind": "chunks", "chunk_size": chunk, "embedding_size": e, "hidden_layers": hidden_layers, "units": units,
            "activation": activation, "tasks": tasks, "task_size": t, "task": task,
            "targets": [[key, list(shape), deviation, mean] for key, (shape, deviation, mean) in targets.items()]}
    leaves = dict(p)
    if condition:
        leaves["condition"] = exact_normal(rng, *condition)
    if len(condition) == 2:
        rows = [chunk_weights(p, targets, case, task, q) for q in leaves["condition"]]
        made = {key: torch.stack([row[key] for row in rows]) for key in targets}
    else:
        made = chunk_weights(p, targets, case, task, leaves.get("condition"))
    return with_results(rng, leaves, made), {"case": json.dumps(case)}


def features(x, y, frequencies):
    if frequencies == 0:
        return [x, y]
    turns = [np.pi / 2 * 2**k for k in range(frequencies)]
    return [f(turn * c) for turn in turns for c in (x, y) for f in (np.cos, np.sin)]


def coordinate_matrix(p, inputs, outputs, hidden_layers, frequencies):
    """The matrix [outputs,inputs] weight by weight: (x, y) of its input, then (x, y) of its output. Grids are (height, width)."""
    points = [
        [features(*(np.linspace(-1, 1, size)[i] for size, i in ((w, x), (h, y))), frequencies) for y in range(h) for x in range(w)]
        for h, w in (inputs, outputs)
    ]
    rows = []
    for output in points[1]:
        row = []
        for point in points[0]:
            h = torch.tensor([*point, *output], dtype=torch.float64)
            for k in range(hidden_layers + 1):
                h = p[f"generator.layers.{k}.weight"] @ h + p[f"generator.layers.{k}.bias"]
                h = torch.relu(h) if k < hidden_layers else h
            row.append(h)
        rows.append(torch.cat(row))
    return torch.stack(rows)


def coordinate_case(name, hidden_layers, frequencies):
    inputs, outputs, units = (3, 4), (2, 2), 5  # height, width
    width = 2 * (4 * frequencies or 2)
    shapes = {}
    for k in range(hidden_layers + 1):
        shapes[f"layers.{k}.weight"] = (1 if k == hidden_layers else units, units if k else width)
        shapes[f"layers.{k}.bias"] = (1 if k == hidden_layers else units,)
    rng = np.random.default_rng(site_hash("hyper coordinates " + name))
    p = {f"generator.{key}": exact_normal(rng, *shape) for key, shape in shapes.items()}
    case = {"kind": "coordinates", "units": units, "hidden_layers": hidden_layers, "frequencies": frequencies,
            "inputs": inputs, "outputs": outputs, "targets": [["a"]]}
    made = {"a": coordinate_matrix(p, inputs, outputs, hidden_layers, frequencies)}
    return with_results(rng, p, made), {"case": json.dumps(case)}


def all_files():
    files = {"kernels": kernel_case(False), "kernels_linear": kernel_case(True)}
    for name, *case in (
        ("linear", 0, "relu"),
        ("tasks", 1, "relu", 3),
        ("condition", 2, "tanh", 0, (4,)),
        ("samples", 1, "relu", 2, (3, 4)),
    ):
        files[f"chunks_{name}"] = chunk_case(name, *case)
    for name, *case in (("plain", 2, 0), ("features", 1, 2)):
        files[f"coordinates_{name}"] = coordinate_case(name, *case)
    return {f"hyper_{name}": case for name, case in files.items()}
