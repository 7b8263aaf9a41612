"""The cases of ops.safetensors: each op's inputs, attributes and what PyTorch says its output and gradients are.

A case `OP.NAME` is stored as OP.NAME/in0, /in1, .. (I32 inputs are indices, lengths or targets), /cotangent, /out and
/gradK for each differentiable input K; the attributes are one line of JSON in __metadata__ under "OP.NAME".
"""

import json

import numpy as np
import torch

from philox import dropout_factors, site_hash
from reference import layer_norm, turn


class Cases:
    def __init__(self):
        self.tensors, self.metadata = {}, {}

    def add(self, name, compute, inputs, constant=(), **attributes):
        """compute(*inputs) -> output. `constant` lists the numbers of float inputs that get no gradient."""
        leaves = [exact_in_float32(torch.as_tensor(value)) for value in inputs]
        wanted = [k for k, leaf in enumerate(leaves) if leaf.dtype == torch.float64 and k not in constant]
        for k in wanted:
            leaves[k].requires_grad_()
        out = compute(*leaves)
        rng = generator(name + " cotangent")
        cotangent = torch.as_tensor(normal(rng, *out.shape))
        gradients = torch.autograd.grad(out, [leaves[k] for k in wanted], cotangent)
        for k, leaf in enumerate(leaves):
            self.tensors[f"{name}/in{k}"] = leaf if leaf.dtype == torch.float64 else leaf.to(torch.int32)
        self.tensors[f"{name}/cotangent"] = cotangent
        self.tensors[f"{name}/out"] = out.contiguous()
        for k, gradient in zip(wanted, gradients):
            self.tensors[f"{name}/grad{k}"] = gradient.contiguous()
        self.metadata[name] = json.dumps(attributes, sort_keys=True)


def exact_in_float32(x):
    """So that the float kernels can be held against the same file."""
    return x.to(torch.float32).to(torch.float64) if x.dtype == torch.float64 else x


def generator(name):
    """A generator of its own for every case, so that a new case does not change the others."""
    return np.random.default_rng(site_hash(name))


def normal(rng, *shape):
    return np.asarray(rng.standard_normal(shape))


def add_matmul(cases):
    shapes = {  # name: (shape of a, shape of b) before any transpose
        "plain": ((3, 5), (5, 4)),
        "batched": ((2, 3, 5), (2, 5, 4)),
        "shared_b": ((2, 3, 5), (5, 4)),
        "shared_a": ((3, 5), (2, 5, 4)),
        "one": ((1, 1), (1, 1)),
    }
    for name, (shape_a, shape_b) in shapes.items():
        for code, (turn_a, turn_b) in {"nn": (0, 0), "tn": (1, 0), "nt": (0, 1), "tt": (1, 1)}.items():
            rng = generator(f"matmul.{name}_{code}")
            a, b = normal(rng, *shape_a), normal(rng, *shape_b)
            a = np.ascontiguousarray(a.swapaxes(-1, -2)) if turn_a else a
            b = np.ascontiguousarray(b.swapaxes(-1, -2)) if turn_b else b

            def compute(a, b, turn_a=turn_a, turn_b=turn_b):
                return (a.mT if turn_a else a) @ (b.mT if turn_b else b)

            cases.add(
                f"matmul.{name}_{code}", compute, [a, b], transpose_a=bool(turn_a), transpose_b=bool(turn_b)
            )


def add_elementwise(cases):
    operations = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    shapes = {
        "same": ((3, 7), (3, 7)),
        "row": ((3, 7), (7,)),
        "column": ((3, 7), (3, 1)),
        "both": ((2, 1, 5), (4, 1)),
        "scalar": ((3, 7), ()),
        "left_smaller": ((7,), (2, 3, 7)),
    }
    for op, compute in operations.items():
        for name, (shape_a, shape_b) in shapes.items():
            rng = generator(f"{op}.{name}")
            a, b = normal(rng, *shape_a), normal(rng, *shape_b)
            if op == "div":  # away from zero
                b = np.where(b < 0, b - 0.5, b + 0.5)
            cases.add(f"{op}.{name}", compute, [a, b])
    mul_add_shapes = {"same": ((3, 7),) * 3, "rows": ((3, 4, 5), (4, 5), (5,)), "mixed": ((3, 1), (7,), (3, 7))}
    for name, shape in mul_add_shapes.items():
        rng = generator(f"mul_add.{name}")
        cases.add(f"mul_add.{name}", lambda a, b, c: a * b + c, [normal(rng, *s) for s in shape])
    for name, (factor, shift) in {"factor": (-2.5, 0.0), "shifted": (0.75, 1.25)}.items():
        x = normal(generator(f"scale.{name}"), 3, 7)
        cases.add(f"scale.{name}", lambda x: factor * x + shift, [x], factor=factor, shift=shift)
    for op, compute in {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}.items():
        rng = generator(op)
        cases.add(f"{op}.normal", compute, [3 * normal(rng, 3, 7)])
        cases.add(f"{op}.far", compute, [np.array([-90.0, -20.0, -8.0, -1e-3, 1e-3, 8.0, 20.0, 90.0])])


def add_shape_ops(cases):
    def numbers(name, *shape):
        return normal(generator(name), *shape)

    for name, axis, shapes in (
        ("last", -1, ((2, 3), (2, 1), (2, 4))),
        ("first", 0, ((2, 3), (1, 3))),
        ("middle", 1, ((2, 3, 2), (2, 1, 2))),
    ):
        parts = [numbers(f"concat.{name}{k}", *shape) for k, shape in enumerate(shapes)]
        cases.add(f"concat.{name}", lambda *p: torch.cat(p, axis), parts, axis=axis)
    for name, axis, start, length in (("first", 0, 1, 2), ("middle", 1, 0, 1), ("last", -1, 2, 3)):
        x = numbers(f"slice.{name}", 3, 4, 5)
        cases.add(
            f"slice.{name}", lambda x: x.narrow(axis, start, length), [x], axis=axis, start=start, length=length
        )
    for name, axis, start, length, step in (("second", 1, 0, 2, 2), ("third", -1, 1, 2, 3)):
        x = numbers(f"slice.{name}", 3, 4, 5)
        cases.add(
            f"slice.{name}",
            lambda x: x.index_select(axis, start + step * torch.arange(length)),
            [x],
            axis=axis,
            start=start,
            length=length,
            step=step,
        )
    for name, axis, before, after in (("first", 0, 1, 2), ("middle", 1, 0, 3), ("last", -1, 2, 0)):
        sides = [0, 0] * (2 - axis % 3) + [before, after]
        cases.add(
            f"pad.{name}",
            lambda x: torch.nn.functional.pad(x, sides),
            [numbers(f"pad.{name}", 2, 3, 4)],
            axis=axis,
            before=before,
            after=after,
        )
    for name, shape in (("flat", (24,)), ("split", (2, 2, 3, 2)), ("merge", (6, 4))):
        cases.add(f"reshape.{name}", lambda x: x.reshape(shape), [numbers(f"reshape.{name}", 2, 3, 4)], shape=shape)
    for name, order in (("turn", (1, 0)), ("cycle", (2, 0, 1)), ("inner", (0, 2, 1, 3))):
        x = numbers(f"permute.{name}", *(2, 3, 4, 5)[: len(order)])
        cases.add(f"permute.{name}", lambda x: x.permute(order), [x], order=order)
    cases.add(
        "permute.then_reshape",
        lambda x: x.permute(1, 0, 2).reshape(3, 8),
        [numbers("permute.then_reshape", 2, 3, 4)],
        order=(1, 0, 2),
        shape=(3, 8),
    )


def add_reductions(cases):
    for op, compute in (("sum", torch.sum), ("mean", torch.mean)):
        for name, axes, keep in (
            ("all", (0, 1, 2), False),
            ("last", (2,), False),
            ("first_kept", (0,), True),
            ("outer", (0, 2), False),
            ("outer_kept", (0, 2), True),
        ):
            x = normal(generator(f"{op}.{name}"), 2, 3, 4)
            cases.add(f"{op}.{name}", lambda x: compute(x, axes, keepdim=keep), [x], axes=axes, keep=keep)


def add_layer_norm(cases):
    shapes = {"rows": ((3, 7), (7,)), "gates": ((3, 4, 6), (4, 6)), "one_column": ((3, 1), (1,))}
    for name, (shape, gain_shape) in shapes.items():
        rng = generator(f"layer_norm.{name}")
        x, gain, shift = normal(rng, *shape), 1 + normal(rng, *gain_shape) / 4, normal(rng, *gain_shape)
        cases.add(f"layer_norm.{name}", layer_norm, [x, gain, shift], epsilon=1e-3)
    x = 0.02 * normal(generator("layer_norm.small"), 3, 7)  # variance below epsilon
    cases.add("layer_norm.small", layer_norm, [x, np.linspace(0.5, 1.5, 7), np.linspace(-1, 1, 7)], epsilon=1e-3)


def add_conv2d(cases):
    """Images are [B,C,H,W] with row-major memory."""

    def add(name, x, kernel, stride, padding, bias=True):
        rng = generator(f"conv2d.{name}")
        inputs = [normal(rng, *x), normal(rng, *kernel)] + ([normal(rng, kernel[0])] if bias else [])
        cases.add(
            f"conv2d.{name}",
            lambda x, k, b=None: torch.nn.functional.conv2d(x, k, b, stride=stride, padding=padding),
            inputs,
            stride=stride,
            padding=padding,
        )

    add("plain", (2, 3, 5, 4), (4, 3, 3, 3), 1, 0)
    add("same", (2, 2, 5, 7), (3, 2, 3, 3), 1, 1)
    add("seven", (1, 2, 7, 6), (2, 2, 7, 7), 1, 3)
    add("pixel", (2, 3, 4, 3), (5, 3, 1, 1), 1, 0, bias=False)
    add("half", (2, 2, 7, 6), (3, 2, 3, 3), 2, 1, bias=False)
    add("half_pixel", (2, 3, 5, 4), (4, 3, 1, 1), 2, 0)
    add("one", (1, 1, 1, 1), (1, 1, 3, 3), 1, 1)
    add("channels", (1, 8, 6, 5), (16, 8, 3, 3), 1, 1)


def add_batch_norm(cases):
    """Statistics of the batch where none are given; PyTorch's running ones take the place of constants."""

    def compute(x, gain, shift, statistics, relu):
        mean, variance = (None, None) if statistics is None else statistics
        y = torch.nn.functional.batch_norm(x, mean, variance, gain, shift, training=statistics is None, eps=1e-5)
        return torch.relu(y) if relu else y

    shapes = {"rows": (7, 3), "images": (3, 5, 4, 2), "one_channel": (9, 1)}
    for name, shape in shapes.items():
        for relu in (False, True):
            full = f"batch_norm.{name}" + ("_relu" if relu else "")
            rng, channels = generator(full), shape[1]
            x, gain, shift = 3 + normal(rng, *shape), 1 + normal(rng, channels) / 4, normal(rng, channels)
            statistics = np.stack([3 + normal(rng, channels) / 4, 0.5 + rng.random(channels)])
            cases.add(
                full, lambda x, g, s: compute(x, g, s, None, relu), [x, gain, shift], epsilon=1e-5, relu=relu
            )
            cases.add(
                full + "_constants",
                lambda x, g, s, c: compute(x, g, s, c, relu),
                [x, gain, shift, statistics],
                constant=(3,),
                epsilon=1e-5,
                relu=relu,
            )


def add_pools(cases):
    pools = {"max_pool2d": torch.nn.functional.max_pool2d, "avg_pool2d": torch.nn.functional.avg_pool2d}
    shapes = {  # name: (shape of x, size, stride)
        "halves": ((2, 3, 4, 6), 2, 2),
        "left_over": ((2, 2, 5, 7), 2, 2),
        "overlapping": ((1, 3, 7, 5), 3, 2),
        "gaps": ((2, 1, 8, 5), 2, 3),
        "whole": ((3, 2, 4, 4), 4, 1),
        "one": ((1, 1, 1, 1), 1, 1),
    }
    for op, compute in pools.items():
        for name, (shape, size, stride) in shapes.items():
            x = normal(generator(f"{op}.{name}"), *shape)
            cases.add(f"{op}.{name}", lambda x: compute(x, size, stride), [x], size=size, stride=stride)


def add_dropout(cases):
    def add(name, shape, index, **attributes):
        factors = dropout_factors(index, int(attributes["seed"]), attributes["step"], attributes["site"], attributes["keep"])
        factors = torch.from_numpy(np.broadcast_to(factors, shape).copy())
        cases.add(f"dropout.{name}", lambda x: x * factors, [normal(generator(f"dropout.{name}"), *shape)], **attributes)

    rows = np.arange(2 * 3 * 7).reshape(2, 3, 7)
    common = {"seed": str(0x123456789ABCDEF0), "step": 41, "site": "dropout layers.0.recurrent", "keep": 0.75}
    add("row_major", (2, 3, 7), rows, base=0, stride=[0, 0, 0], **common)
    # rows 5, 6 of a global batch, step 2 of windows of 9 steps: index = (row*9 + t)*7 + unit
    index = (5 * 9 + 2) * 7 + np.arange(2)[:, None] * 63 + np.arange(7)
    add("cut_window", (2, 7), index, base=(5 * 9 + 2) * 7, stride=[63, 1], **common)
    # past 2^34 the second counter word is used
    add("large_index", (2, 7), 2**36 + 3 + np.arange(14).reshape(2, 7), base=2**36 + 3, stride=[7, 1], **common)


def add_indexed(cases):
    rng = generator("lookup")
    table = normal(rng, 5, 4)
    cases.add("lookup.rows", lambda w, i: w[i], [table, np.array([4, 0, 2, 0, 0], dtype=np.int64)])
    cases.add("lookup.matrix", lambda w, i: w[i], [table, rng.integers(0, 5, (2, 3))])

    def cross_entropy(logits, targets, weights, divisor):
        losses = logits.logsumexp(-1) - logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        return (losses * weights).sum() / divisor

    weights = np.array([1.0, 0.0, 0.5, 2.0])
    for name, shape, factor in (("rows", (4, 6), 1.0), ("far", (4, 6), 400.0), ("steps", (2, 2, 6), 2.0)):
        rng = generator(f"softmax_cross_entropy.{name}")
        inputs = [factor * normal(rng, *shape), rng.integers(0, 6, shape[:-1]), weights.reshape(shape[:-1])]
        cases.add(
            f"softmax_cross_entropy.{name}",
            lambda x, y, w: cross_entropy(x, y, w, 3.5),
            inputs,
            constant=(2,),
            divisor=3.5,
        )
    for name, shape, smoothing in (("smoothed", (4, 6), 0.1), ("smoothed_steps", (2, 2, 5), 0.4)):
        rng = generator(f"softmax_cross_entropy.{name}")
        inputs = [2 * normal(rng, *shape), rng.integers(0, shape[-1], shape[:-1]), weights.reshape(shape[:-1])]

        def smoothed(x, y, w, smoothing=smoothing):
            losses = torch.nn.functional.cross_entropy(
                x.flatten(0, -2), y.flatten(), reduction="none", label_smoothing=smoothing
            )
            return (losses * w.flatten()).sum() / 3.5

        cases.add(
            f"softmax_cross_entropy.{name}", smoothed, inputs, constant=(2,), divisor=3.5, smoothing=smoothing
        )
    lengths = np.array([1, 3, 0, 2])
    for t in (0, 2):
        rng = generator(f"where_length.t{t}")
        cases.add(
            f"where_length.t{t}",
            lambda a, b, n: torch.where((t < n).unsqueeze(1), a, b),
            [normal(rng, 4, 5), normal(rng, 4, 5), lengths],
            t=t,
        )
    cases.add("reverse.rows", turn, [normal(generator("reverse"), 4, 3, 2), lengths])


def all_files():
    cases = Cases()
    for add in (
        add_matmul,
        add_elementwise,
        add_shape_ops,
        add_reductions,
        add_layer_norm,
        add_conv2d,
        add_batch_norm,
        add_pools,
        add_dropout,
        add_indexed,
    ):
        add(cases)
    return {"ops": (cases.tensors, cases.metadata)}
