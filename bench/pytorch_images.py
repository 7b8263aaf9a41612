"""The peers of the race on images in PyTorch, float32 on the CPU: a wide residual network whose kernels are stored or come from the paper's
generator, with augmentation, cross-entropy, L2 on kernels, batch-norm statistics and Adam, as `hypernet bench step` has them.

Written to be as fast as PyTorch allows here. All basic kernels are two products, and one copy a shape lays them out as that shape's convolutions
read them; the penalty of generated kernels is one sum over their common block. ReLU and the sum with the shortcut write over what no gradient needs.
Pooling of one pixel takes every second pixel, and avg_pool2d the mean, since gradients of slices and of mean() come back with channels first, which
the backward then drags along: a tenth of the step. Images are kept normalised and padded, so that a crop is rows picked from them. Fused Adam.

variant: "eager" and "compiled" have channels last, "eager-contiguous" and "compiled-contiguous" channels first. Compiled, everything from the images
to the loss is one function (torch.compile, no graph breaks, fixed shapes). Parameters have the names and layouts of docs/checkpoint.md.
"""

import time

import torch
import torch.nn.functional as F

EPSILON = 1e-5
MOMENTUM = 0.1
BASIC = 16  # channels of a basic kernel
KEPT_IMAGES = 8192  # that batches are drawn from


def blocks_of(shape):
    """(name, channels in, channels out, stride) of each block of two convolutions."""
    widths = [16, *(16 * shape["widen"] * 2**group for group in range(3))]
    for group in range(3):
        for number in range((shape["depth"] - 4) // 6):
            first = number == 0
            yield f"groups.{group}.blocks.{number}", widths[group + (not first)], widths[group + 1], 2 if first and group > 0 else 1


def generated_kernels(shape):
    """(name, channels in, channels out) of every kernel that a generator may make, in the order of its embeddings."""
    for name, inputs, outputs, _ in blocks_of(shape):
        yield f"{name}.conv1.kernel", inputs, outputs
        yield f"{name}.conv2.kernel", outputs, outputs


def initial_parameters(shape):
    """The paper's initialisation. -> parameters, statistics of batch norm by name [2,C]"""
    values, statistics = {}, {}

    def convolution(name, inputs, outputs):
        values[f"{name}.kernel"] = torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
        values[f"{name}.bias"] = torch.zeros(outputs)

    def norm(name, channels):
        values[f"{name}.gain"], values[f"{name}.shift"] = torch.ones(channels), torch.zeros(channels)
        statistics[name] = torch.stack([torch.zeros(channels), torch.ones(channels)])

    convolution("conv1", shape["channels"], 16)
    norm("bn1", 16)
    for name, inputs, outputs, _ in blocks_of(shape):
        norm(f"{name}.bn1", inputs)
        convolution(f"{name}.conv1", inputs, outputs)
        norm(f"{name}.bn2", outputs)
        convolution(f"{name}.conv2", outputs, outputs)
    norm("bn_last", outputs)
    values["linear.weight"] = torch.randn(shape["classes"], outputs) / outputs**0.5
    values["linear.bias"] = torch.zeros(shape["classes"])
    if shape["weights"] == "hyper":
        e = d = shape["embedding_size"]
        tiles = 0
        for name, inputs, outputs in generated_kernels(shape):
            del values[name]
            tiles += (inputs // BASIC) * (outputs // BASIC)
        values |= {"generator.weight_in": 0.01 * torch.randn(BASIC, d, e), "generator.bias_in": torch.zeros(BASIC, d)}
        values |= {"generator.weight_out": 0.01 * torch.randn(BASIC * 9, d), "generator.bias_out": torch.zeros(BASIC * 9)}
        values["generator.embeddings"] = torch.nn.init.trunc_normal_(torch.empty(tiles, e))
    return values, statistics


def generate(values, shape, channels_last):
    """-> kernels by name, the sum of their squares"""
    weight_in, weight_out = values["generator.weight_in"], values["generator.weight_out"]
    a = torch.addmm(values["generator.bias_in"].flatten(), values["generator.embeddings"], weight_in.flatten(0, 1).t())
    block = torch.addmm(values["generator.bias_out"], a.view(-1, weight_in.shape[1]), weight_out.t())
    block = block.view(-1, BASIC, BASIC, 3, 3)  # [J, input, output, 3, 3]
    kinds = {}  # kernels of one shape stand next to each other but for the first of a group
    for name, inputs, outputs in generated_kernels(shape):
        kinds.setdefault((inputs, outputs), []).append(name)
    counts = [len(names) * (inputs // BASIC) * (outputs // BASIC) for (inputs, outputs), names in kinds.items()]
    kernels = {}
    for tiles, ((inputs, outputs), names) in zip(block.split(counts), kinds.items()):
        tiles = tiles.view(len(names), inputs // BASIC, outputs // BASIC, BASIC, BASIC, 3, 3)
        if channels_last:
            whole = tiles.permute(0, 2, 4, 5, 6, 1, 3).reshape(len(names), outputs, 3, 3, inputs).permute(0, 1, 4, 2, 3)
        else:
            whole = tiles.permute(0, 2, 4, 1, 3, 5, 6).reshape(len(names), outputs, inputs, 3, 3)
        kernels |= dict(zip(names, whole.unbind(0)))
    return kernels, (block * block).sum()


def run(values, statistics, shape, images, targets, channels_last):
    """images [B,C,H,W] -> the loss with its penalty; statistics are updated."""
    if shape["weights"] == "hyper":
        kernels, squares = generate(values, shape, channels_last)
        values = values | kernels
    else:
        squares = sum((values[name] ** 2).sum() for name, _, _ in generated_kernels(shape))
    squares = squares + (values["conv1.kernel"] ** 2).sum() + (values["linear.weight"] ** 2).sum()

    def convolution(name, x, stride=1):
        return F.conv2d(x, values[f"{name}.kernel"], values[f"{name}.bias"], stride, 1)

    def norm(name, x):
        mean, variance = statistics[name].unbind(0)
        return F.batch_norm(x, mean, variance, values[f"{name}.gain"], values[f"{name}.shift"], True, MOMENTUM, EPSILON)

    x = norm("bn1", convolution("conv1", images))
    for name, inputs, outputs, stride in blocks_of(shape):
        y = convolution(f"{name}.conv1", F.relu_(norm(f"{name}.bn1", x)), stride)
        y = convolution(f"{name}.conv2", F.relu_(norm(f"{name}.bn2", y)))
        if stride != 1:
            x = F.avg_pool2d(x, 1, stride)
        if inputs != outputs:
            x = F.pad(x, (0, 0, 0, 0, 0, outputs - inputs))
        x = y.add_(x)
    pooled = F.avg_pool2d(F.relu_(norm("bn_last", x)), x.shape[2:]).flatten(1)
    logits = F.linear(pooled, values["linear.weight"], values["linear.bias"])
    loss = F.cross_entropy(logits, targets, label_smoothing=shape.get("label_smoothing", 0.0))
    return loss + shape["kernel_decay"] / 2 * squares


def convolutions(shape):
    """(channels in, channels out, pixels of a side, stride): how often in a step."""
    counts, side = {(shape["channels"], 16, shape["height"], 1): 1}, shape["height"]
    for _, inputs, outputs, stride in blocks_of(shape):
        after = (side + stride - 1) // stride
        for kind in ((inputs, outputs, side, stride), (outputs, outputs, after, 1)):
            counts[kind] = counts.get(kind, 0) + 1
        side = after
    return counts


def convolution_passes(shape, kind, channels_last):
    """Forward, back to the images, for kernel and bias: what a step does of one convolution, each a function."""
    inputs, outputs, side, stride = kind
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.randn(shape["batch"], inputs, side, side).to(memory_format=layout)
    kernel, bias = torch.randn(outputs, inputs, 3, 3).to(memory_format=layout), torch.randn(outputs)
    forward = lambda: F.conv2d(x, kernel, bias, stride, 1)  # noqa: E731
    gradient = torch.randn_like(forward())

    def backward(*wanted):
        pair = [stride, stride], [1, 1], [1, 1], False, [0, 0], 1
        return lambda: torch.ops.aten.convolution_backward(gradient, x, kernel, [outputs], *pair, wanted)

    return [forward, backward(False, True, True)] + ([backward(True, False, False)] if inputs != shape["channels"] else [])


class Images:
    """Images that batches are drawn from: normalised, with a border of zeros, channels behind."""

    def __init__(self, shape):
        self.shape = shape
        height, width = shape["height"], shape["width"]
        pixels = torch.randint(256, (KEPT_IMAGES, height, width, shape["channels"]), dtype=torch.uint8)
        self.kept = F.pad((pixels - 127.5) / 64, (0, 0, *[shape["pad"]] * 4))
        self.labels = torch.randint(shape["classes"], (KEPT_IMAGES,))

    def draw(self, channels_last):
        """A batch: each image cropped somewhere, half of them mirrored."""
        batch, height, width = (self.shape[name] for name in ("batch", "height", "width"))
        chosen = torch.randint(KEPT_IMAGES, (batch,))
        down, right = torch.randint(2 * self.shape["pad"] + 1, (2, batch))
        columns = torch.arange(width)
        if self.shape["flip"]:
            columns = torch.where(torch.randint(2, (batch, 1)).bool(), columns.flip(0), columns)
        columns = columns + right[:, None]
        rows = torch.arange(height) + down[:, None]
        images = self.kept[chosen[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        return images if channels_last else images.contiguous(), self.labels[chosen]


class ImageTrainer:
    """A network, Adam, and images drawn once, as `hypernet bench step` has."""

    def __init__(self, shape, variant):
        torch.manual_seed(1)
        self.shape = shape
        self.channels_last = not variant.endswith("contiguous")
        self.values, self.statistics = initial_parameters(shape)
        if self.channels_last:
            self.values = {k: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in self.values.items()}
        for value in self.values.values():
            value.requires_grad_()
        count = sum(value.numel() for value in self.values.values())
        if shape["parameters"] != count:
            raise SystemExit(f"{count} parameters, not the {shape['parameters']} of our side")
        self.optimizer = torch.optim.Adam(self.values.values(), lr=1e-3, fused=True)
        self.images = Images(shape)
        self.run = torch.compile(run, dynamic=False, fullgraph=True) if variant.startswith("compiled") else run

    def step(self):
        """-> seconds, loss"""
        start = time.perf_counter()
        images, targets = self.images.draw(self.channels_last)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.run(self.values, self.statistics, self.shape, images, targets, self.channels_last)
        loss.backward()
        self.optimizer.step()
        loss = float(loss.detach())
        return time.perf_counter() - start, loss

    def multiply_seconds(self, least=0.02):
        """Seconds of all convolutions of a step by themselves."""
        total = 0.0
        for kind, count in convolutions(self.shape).items():
            for run_pass in convolution_passes(self.shape, kind, self.channels_last):
                run_pass()
                start = time.perf_counter()
                run_pass()
                runs = max(1, round(least / max(time.perf_counter() - start, 1e-7)))
                start = time.perf_counter()
                for _ in range(runs):
                    run_pass()
                total += (time.perf_counter() - start) / runs * count
        return total


def check(path):
    """The peer must compute the same thing: float64, against a golden file, with channels first and last -> the largest difference."""
    import json

    from safetensors import safe_open
    from safetensors.torch import load_file

    golden = load_file(path)
    with safe_open(path, "pt") as file:
        shape = json.loads(file.metadata()["model"])
    differences = []
    for channels_last in (False, True):
        values = {name[5:]: golden[name[5:]].clone().requires_grad_() for name in golden if name.startswith("grad.")}
        others = {name: golden[name] for name in initial_parameters(shape)[0] if name not in values}
        statistics = {name[7:-11]: golden[name].clone() for name in golden if name.startswith("buffer.")}
        images = golden["images"].to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        loss = run(values | others, statistics, shape, images, golden["targets"].long(), channels_last)
        expected = golden["loss"] + shape["kernel_decay"] * golden["penalty"]
        differences.append(abs(float(loss.detach() - expected)))
        for name, gradient in zip(values, torch.autograd.grad(loss, list(values.values()))):
            differences.append(float((gradient - golden[f"grad.{name}"]).abs().max()))
    return max(differences)
