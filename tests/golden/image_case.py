"""image_*.safetensors: whole image models, one batch: logits, loss, penalty, every gradient.

Stored: the parameters by name, `images` [B,C,H,W], `targets`; `logits`, `loss`, `penalty` of a training pass, `grad.NAME` of each
parameter for loss + kernel_decay * penalty (none where it vanishes, as that of a bias before batch norm), `buffer.NAME` and `buffer_after.NAME` of batch norm, and `evaluated`, the logits with the
running statistics as they are in `buffer.NAME`. __metadata__.model has the settings.
"""

import json

import numpy as np
import torch
from torch.nn.functional import batch_norm, conv2d, cross_entropy, max_pool2d, pad

from hyper_case import coordinate_matrix, kernels
from model_cases import as_int32, exact_normal, with_gradients
from philox import site_hash

MOMENTUM, EPSILON = 0.1, 1e-5


class Network:
    """Asks for its weights by name, and makes up those that it has not met."""

    def __init__(self, name, settings):
        self.s, self.rng = settings, np.random.default_rng(site_hash("image " + name))
        self.p, self.buffers, self.after, self.made, self.squares = {}, {}, {}, {}, []
        self.training = True

    def get(self, name, shape, scale=1.0, mean=0.0):
        if name in self.made:
            return self.made[name]
        if name not in self.p:
            values = mean + scale * self.rng.standard_normal(shape)
            self.p[name] = torch.from_numpy(values.astype(np.float32).astype(np.float64)).requires_grad_()
        return self.p[name]

    def kernel(self, name, shape):
        kernel = self.get(name, shape, (2 / np.prod(shape[1:])) ** 0.5)
        self.squares.append((kernel * kernel).sum())
        return kernel

    def conv(self, name, x, outputs, size, stride=1):
        kernel = self.kernel(f"{name}.kernel", (outputs, x.shape[1], size, size))
        return conv2d(x, kernel, self.get(f"{name}.bias", (outputs,), 0.1), stride, size // 2)

    def linear(self, name, x, outputs):
        weight = self.kernel(f"{name}.weight", (outputs, x.shape[1]))
        return x @ weight.T + self.get(f"{name}.bias", (outputs,), 0.1)

    def norm(self, name, x):
        channels = x.shape[1]
        gain, shift = self.get(f"{name}.gain", (channels,), 0.2, 1.0), self.get(f"{name}.shift", (channels,), 0.2)
        key = f"{name}.statistics"
        if key not in self.buffers:
            mean, variance = 0.3 * self.rng.standard_normal(channels), 0.5 + self.rng.random(channels)
            self.buffers[key] = torch.from_numpy(np.stack([mean, variance]).astype(np.float32).astype(np.float64))
        mean, variance = self.buffers[key]
        if self.training:  # PyTorch's own running variance is unbiased; this one is not
            now = torch.stack([x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)]).detach()
            self.after[key] = (1 - MOMENTUM) * self.buffers[key] + MOMENTUM * now
        return batch_norm(x, mean.clone(), variance.clone(), gain, shift, self.training, MOMENTUM, EPSILON)

    # ---- generated weights ----

    def make_kernels(self, targets, size):
        s, linear = self.s, self.s["weights"] == "hyper_linear"
        basic, e, d = s["basic_size"], s["embedding_size"], s["generator_units"] or s["embedding_size"]
        tiles = sum(o // basic * (c // basic) for o, c in targets.values())
        shapes = {"embeddings": (tiles, e)} | (
            {"weight": (basic, basic * size * size, e)} if linear else
            {"weight_in": (basic, d, e), "bias_in": (basic, d), "weight_out": (basic * size * size, d), "bias_out": (basic * size * size,)})
        scale = {"weight": 0.05, "weight_in": 0.5, "weight_out": 0.1, "bias_in": 0.1, "bias_out": 0.02, "embeddings": 1.0}
        own = {f"generator.{key}": self.get(f"generator.{key}", shape, scale[key]) for key, shape in shapes.items()}
        self.made = kernels(own, targets, basic, basic, size, linear)

    def make_matrix(self):
        s, side = self.s, int(self.s["units"] ** 0.5)
        width = 2 * (4 * s["frequencies"] or 2)
        for k, (o, i) in enumerate([(s["coordinate_units"], width), (s["coordinate_units"],) * 2, (1, s["coordinate_units"])]):
            self.get(f"generator.layers.{k}.weight", (o, i), i**-0.5)
            self.get(f"generator.layers.{k}.bias", (o,), 0.3)
        matrix = coordinate_matrix(self.p, (s["height"], s["width"]), (side, side), 2, s["frequencies"])
        self.made = {"hidden.weight": matrix}

    # ---- the networks ----

    def run(self, x):
        self.squares, self.made = [], {}
        s = self.s
        if s["network"] == "conv":
            if s["weights"] != "stored":
                self.make_kernels({"conv2.kernel": (s["filters"], s["filters"])}, s["kernel_size"])
            for name in ("conv1", "conv2"):
                x = max_pool2d(torch.relu(self.conv(name, x, s["filters"], s["kernel_size"])), 2)
            return self.linear("linear", x.flatten(1), s["classes"])
        if s["network"] == "mlp":
            if s["weights"] != "stored":
                self.make_matrix()
            return self.linear("linear", torch.relu(self.linear("hidden", x.flatten(1), s["units"])), s["classes"])
        return self.wide_resnet(x)

    def wide_resnet(self, x):
        s = self.s
        blocks, channels, targets = (s["depth"] - 4) // 6, 16, {}
        for group in range(3):
            for k in range(blocks):
                for name in ("conv1", "conv2"):
                    outputs = 16 * s["widen"] * 2**group
                    targets[f"groups.{group}.blocks.{k}.{name}.kernel"] = (outputs, channels)
                    channels = outputs
        if s["weights"] != "stored":
            self.make_kernels(targets, 3)
        x = self.norm("bn1", self.conv("conv1", x, 16, 3))
        for group in range(3):
            for k in range(blocks):
                name, outputs = f"groups.{group}.blocks.{k}", 16 * s["widen"] * 2**group
                stride = 2 if group > 0 and k == 0 else 1
                y = self.conv(f"{name}.conv1", torch.relu(self.norm(f"{name}.bn1", x)), outputs, 3, stride)
                y = self.conv(f"{name}.conv2", torch.relu(self.norm(f"{name}.bn2", y)), outputs, 3)
                x = y + pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, outputs - x.shape[1]))
        x = torch.relu(self.norm("bn_last", x)).mean((2, 3))
        return self.linear("linear", x, s["classes"])


DEFAULTS = {"weights": "stored", "channels": 1, "height": 8, "width": 8, "classes": 3, "filters": 4, "kernel_size": 3, "units": 4,
            "depth": 10, "widen": 1, "embedding_size": 3, "generator_units": 0, "basic_size": 4, "coordinate_units": 5,
            "frequencies": 0, "label_smoothing": 0.0, "kernel_decay": 0.25}

CASES = {
    "conv": {"network": "conv", "channels": 2, "width": 9},
    "conv_hyper": {"network": "conv", "weights": "hyper", "filters": 8, "kernel_size": 5, "generator_units": 2, "label_smoothing": 0.1},
    "conv_hyper_linear": {"network": "conv", "weights": "hyper_linear"},
    "mlp": {"network": "mlp", "channels": 2, "units": 5, "height": 3},
    "mlp_coordinates": {"network": "mlp", "weights": "coordinates", "height": 5, "width": 6},
    "mlp_frequencies": {"network": "mlp", "weights": "coordinates", "height": 3, "width": 6, "frequencies": 2},
    "wrn_hyper": {"network": "wide_resnet", "weights": "hyper", "channels": 3, "height": 7, "basic_size": 16, "label_smoothing": 0.2},
    "wrn_hyper_linear": {"network": "wide_resnet", "weights": "hyper_linear", "widen": 2, "height": 6, "width": 5, "basic_size": 8,
                         "embedding_size": 2},
}


def case(name):
    settings = DEFAULTS | CASES[name]
    net = Network(name, settings)
    batch = 4
    images = exact_normal(net.rng, batch, settings["channels"], settings["height"], settings["width"]).detach()
    targets = net.rng.integers(0, settings["classes"], batch)
    logits = net.run(images)
    loss = cross_entropy(logits, torch.from_numpy(targets), label_smoothing=settings["label_smoothing"])
    penalty = sum(net.squares) / 2
    gradients = torch.autograd.grad(loss + settings["kernel_decay"] * penalty, list(net.p.values()))
    net.training = False
    others = {"images": images, "targets": as_int32(targets), "logits": logits, "loss": loss, "penalty": penalty,
              "evaluated": net.run(images)}
    others |= {f"buffer.{key}": value for key, value in net.buffers.items()}
    others |= {f"buffer_after.{key}": value for key, value in net.after.items()}
    gradients = {key: value for key, value in zip(net.p, gradients) if value.abs().max() > 1e-12}
    return with_gradients(net.p, others, gradients), {"model": json.dumps(settings)}


def all_files():
    return {f"image_{name}": case(name) for name in CASES}
