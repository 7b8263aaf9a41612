"""optimizers.safetensors: 20 updates of every optimiser of torch.optim that Hypernet has, with gradients that depend on the values."""

import json

import numpy as np
import torch

from philox import site_hash

STEPS, COUNT, RATE = 20, 9, 0.05

# the options of hn_optimizer_options, under their names there
CASES = {
    "adam": {"kind": "adam"},
    "adam_l2": {"kind": "adam", "weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95},
    "adamw": {"kind": "adamw", "weight_decay": 0.1},
    "sgd": {"kind": "sgd"},
    "sgd_l2": {"kind": "sgd", "weight_decay": 0.1},
    "sgd_momentum": {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.05},
    "sgd_nesterov": {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.05},
    "rmsprop": {"kind": "rmsprop", "rms_decay": 0.9},
    "rmsprop_momentum": {"kind": "rmsprop", "rms_decay": 0.95, "momentum": 0.8, "weight_decay": 0.05, "epsilon": 1e-3},
    "clip_value": {"kind": "sgd", "momentum": 0.5, "clip_value": 1.0},
    "clip_both": {"kind": "adamw", "weight_decay": 0.1, "clip_value": 1.0, "clip_norm": 2.0},
}
STATE = {  # torch's names of the state
    "adam": {"adam.mean": "exp_avg", "adam.variance": "exp_avg_sq"},
    "adamw": {"adam.mean": "exp_avg", "adam.variance": "exp_avg_sq"},
    "sgd": {"sgd.momentum": "momentum_buffer"},
    "rmsprop": {"rms.square": "square_avg", "rms.momentum": "momentum_buffer"},
}


def make(value, options):
    common = {"lr": RATE, "weight_decay": options.get("weight_decay", 0.0)}
    betas = (options.get("beta1", 0.9), options.get("beta2", 0.999))
    momentum, epsilon = options.get("momentum", 0.0), options.get("epsilon", 1e-8)
    if options["kind"] == "adam":
        return torch.optim.Adam([value], betas=betas, **common)
    if options["kind"] == "adamw":
        return torch.optim.AdamW([value], betas=betas, **common)
    if options["kind"] == "sgd":
        return torch.optim.SGD([value], momentum=momentum, nesterov=options.get("nesterov", False), **common)
    return torch.optim.RMSprop([value], alpha=options.get("rms_decay", 0.99), eps=epsilon, momentum=momentum, **common)


def clip(value, options):
    """By value, then by the norm of what is left; clip_grad_norm_ itself adds 1e-6 to the norm. True if anything was changed."""
    before = value.grad.clone()
    if "clip_value" in options:
        torch.nn.utils.clip_grad_value_([value], options["clip_value"])
    if "clip_norm" in options:
        value.grad *= min(1.0, options["clip_norm"] / float(value.grad.norm()))
    return not torch.equal(before, value.grad)


def run(start, options):
    value = start.clone().requires_grad_(True)
    scale = torch.linspace(0.25, 2.0, COUNT, dtype=torch.float64)
    target = torch.linspace(-1.0, 1.0, COUNT, dtype=torch.float64)
    optimizer = make(value, options)
    values, gradients, clipped = [], [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        (scale * (value - target) ** 2 / 2).sum().backward()
        with torch.no_grad():
            value.grad += 0.3 * torch.sin(torch.arange(COUNT, dtype=torch.float64) * (step + 1))  # a noise that is the same everywhere
        gradients.append(value.grad.clone())
        clipped.append(clip(value, options))
        optimizer.step()
        values.append(value.detach().clone())
    if "clip_value" in options:
        assert True in clipped and ("clip_norm" in options or not all(clipped)), clipped
    state = optimizer.state[value]
    kept = {ours: state[theirs] for ours, theirs in STATE[options["kind"]].items() if state.get(theirs) is not None}
    return {"gradients": torch.stack(gradients), "values": torch.stack(values)} | kept


def all_files():
    rng = np.random.default_rng(site_hash("optimizers"))
    start = torch.from_numpy(rng.standard_normal(COUNT))
    tensors = {"start": start}
    for name, options in CASES.items():
        tensors |= {f"{name}/{part}": tensor for part, tensor in run(start, options).items()}
    cases = {name: json.dumps(options) for name, options in CASES.items()}
    return {"optimizers": (tensors, cases | {"rate": str(RATE), "cases": " ".join(CASES)})}
