"""The peer of the training-step race: one training step of the Penn Treebank LN-HyperLSTM in PyTorch, float32 on the CPU.

Written to be as fast as eager mode allows: one multiply for the four gates, one for the twelve embeddings, one batched multiply
a kind of scale (no loop over gates), the one-hot input as a row look-up, addcmul and baddbmm instead of temporaries,
the softmax layer over all steps in one multiply, foreach clipping and the fused Adam. Parameters have the names and layouts of
docs/checkpoint.md, so it can be held against the golden files:

    python3 bench/pytorch_step.py --check      loss and all gradients against tests/golden/model_hyperlstm_ln_plain.safetensors
    python3 bench/pytorch_step.py --steps 3 --data DIR      prints {"step":0,"seconds":..,"loss":..} a line

vs_pytorch_step.py runs it as a child (--serve): each line on stdin is a number of steps to take now.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from penn_treebank import windows


class Sizes:
    """The paper's (section 4.3): 1000 units, 128 hyper units, embeddings of 4, 50 characters, 128 tracks, windows of 100."""

    def __init__(self, units=1000, hyper_units=128, embedding_size=4, vocabulary_size=50, batch=128, length=100):
        self.units, self.hyper_units, self.embedding_size = units, hyper_units, embedding_size
        self.vocabulary_size, self.batch, self.length = vocabulary_size, batch, length


def initial_parameters(sizes):
    """The paper's initialisation, but normal in place of orthogonal matrices: it does not matter to the time."""
    n, m, e, v = sizes.units, sizes.hyper_units, sizes.embedding_size, sizes.vocabulary_size
    parameters = {"softmax.weight": torch.randn(v, n) / n**0.5, "softmax.bias": torch.zeros(v)}

    def add(name, value):
        parameters["layers.0." + name] = value

    for prefix, units, inputs in (("", n, v), ("hyper.", m, n + v)):
        add(prefix + "weight_x", torch.randn(4 * units, inputs) / inputs**0.5)
        add(prefix + "weight_h", torch.randn(4 * units, units) / units**0.5)
        add(prefix + "ln_gates.gain", torch.ones(4, units))
        add(prefix + "ln_gates.shift", torch.zeros(4, units))
        add(prefix + "ln_cell.gain", torch.ones(units))
        add(prefix + "ln_cell.shift", torch.zeros(units))
    add("bias", torch.zeros(4 * n))
    for name in "hxb":
        add(f"z_{name}.weight", 0.01 * torch.randn(4 * e, m) if name == "b" else torch.zeros(4 * e, m))
        add(f"d_{name}.weight", torch.zeros(4, n, e) if name == "b" else torch.full((4, n, e), 0.1 / e))
        if name != "b":
            add(f"z_{name}.bias", torch.ones(4 * e))
    return {name: value.requires_grad_() for name, value in parameters.items()}


def dropout_factors(keep, *shape):
    """0 or 1/keep, a 16-bit random number each: two to three times as fast as bernoulli_, which draws one double at a time."""
    count = torch.Size(shape).numel()
    bits = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    kept = bits[:count] < round(keep * 65536) - 32768
    return kept.to(torch.float32).mul_(1 / keep).view(shape)


class Window:
    """One window of a layer: everything that does not change from step to step is prepared once, then `step` is called."""

    def __init__(self, parameters, units, hyper_units, forget_bias=1.0):
        get = lambda name: parameters["layers.0." + name]  # noqa: E731
        self.units, self.hyper_units = units, hyper_units
        self.weight_h, self.hyper_weight_h = get("weight_h"), get("hyper.weight_h")
        self.hyper_from_h = get("hyper.weight_x")[:, :units].contiguous()
        # a row a symbol, for the main gates
        self.rows = get("weight_x").T.contiguous()
        self.hyper_rows = get("hyper.weight_x")[:, units:].T.contiguous()
        self.z_weight = torch.cat([get("z_h.weight"), get("z_x.weight"), get("z_b.weight")])
        self.z_bias = torch.cat([get("z_h.bias"), get("z_x.bias"), torch.zeros_like(get("z_x.bias"))])
        self.d_h, self.d_x, self.d_b = (get(f"d_{name}.weight").transpose(1, 2).contiguous() for name in "hxb")  # [4,E,N]
        self.bias = get("bias").view(4, 1, units)
        # the constant inside the sigmoid of f goes into the shift
        extra = torch.tensor([0, 0, forget_bias, 0], dtype=self.bias.dtype).view(4, 1, 1)
        self.gain, self.shift = get("ln_gates.gain").unsqueeze(1), get("ln_gates.shift").unsqueeze(1) + extra
        self.hyper_gain = get("hyper.ln_gates.gain").unsqueeze(1)
        self.hyper_shift = get("hyper.ln_gates.shift").unsqueeze(1) + extra
        self.cell = get("ln_cell.gain"), get("ln_cell.shift")
        self.hyper_cell = get("hyper.ln_cell.gain"), get("hyper.ln_cell.shift")

    @staticmethod
    def finish(gates, gain, shift, cell, c, factors=None):
        """gates [4,B,units] in the order i, g, f, o, before layer norm; factors [B,units] of recurrent dropout."""
        units = gates.shape[-1]
        i, g, f, o = torch.addcmul(shift, F.layer_norm(gates, (units,), eps=1e-3), gain).unbind(0)
        g = torch.tanh(g)
        if factors is not None:
            g = g * factors
        c = torch.addcmul(torch.sigmoid(i) * g, torch.sigmoid(f), c)
        return torch.sigmoid(o) * torch.tanh(F.layer_norm(c, (units,), *cell, 1e-3)), c

    def step(self, symbols, state, input_factors=None, recurrent_factors=None):
        """symbols [B]; input_factors [B,1]: what input dropout makes of each character's one; recurrent_factors [B,N]."""
        h, c, hyper_h, hyper_c = state
        x, hyper_x = F.embedding(symbols, self.rows), F.embedding(symbols, self.hyper_rows)
        if input_factors is not None:
            x, hyper_x = x * input_factors, hyper_x * input_factors
        hyper_gates = torch.addmm(torch.addmm(hyper_x, h, self.hyper_from_h.T), hyper_h, self.hyper_weight_h.T)
        hyper_gates = hyper_gates.view(-1, 4, self.hyper_units).transpose(0, 1)
        hyper_h, hyper_c = self.finish(hyper_gates, self.hyper_gain, self.hyper_shift, self.hyper_cell, hyper_c)
        z = torch.addmm(self.z_bias, hyper_h, self.z_weight.T).view(len(h), 12, -1).transpose(0, 1)
        z_h, z_x, z_b = z.split(4)
        product_h = torch.mm(h, self.weight_h.T).view(-1, 4, self.units).transpose(0, 1)
        product_x = x.view(-1, 4, self.units).transpose(0, 1)
        gates = torch.baddbmm(self.bias, z_b, self.d_b)
        gates = torch.addcmul(gates, torch.bmm(z_h, self.d_h), product_h)
        gates = torch.addcmul(gates, torch.bmm(z_x, self.d_x), product_x)
        h, c = self.finish(gates, self.gain, self.shift, self.cell, c, recurrent_factors)
        return h, c, hyper_h, hyper_c


def window_loss(parameters, sizes, symbols, targets, state, keep=(0.9, 0.9, 0.9)):
    """symbols, targets [T,B]; keep: input, output, recurrent -> the mean loss in nats, the final state."""
    length, batch = symbols.shape
    none = [None] * length
    widths = (1, sizes.units, sizes.units)
    masks = [dropout_factors(kept, length, batch, width) if kept < 1 else None for kept, width in zip(keep, widths)]
    input_factors, recurrent_factors = (none if mask is None else mask.unbind(0) for mask in (masks[0], masks[2]))
    window = Window(parameters, sizes.units, sizes.hyper_units)
    outputs = []
    for symbol, *factors in zip(symbols.unbind(0), input_factors, recurrent_factors):
        state = window.step(symbol, state, *factors)
        outputs.append(state[0])
    outputs = torch.cat(outputs)
    if masks[1] is not None:
        outputs = outputs * masks[1].flatten(0, 1)
    logits = torch.addmm(parameters["softmax.bias"], outputs, parameters["softmax.weight"].T)
    return F.cross_entropy(logits, targets.flatten()), state


class Trainer:
    def __init__(self, sizes, data):
        torch.manual_seed(1)
        self.sizes, self.parameters, self.steps = sizes, initial_parameters(sizes), 0
        self.optimizer = torch.optim.Adam(self.parameters.values(), lr=1e-3, fused=True)
        self.windows = windows(data, sizes.batch, sizes.length)
        n, m = sizes.units, sizes.hyper_units
        self.state = tuple(torch.zeros(sizes.batch, width) for width in (n, n, m, m))

    def step(self):
        """Takes one step and prints its time; the time has everything but reading the text and the print."""
        symbols, targets = next(self.windows)
        start = time.perf_counter()
        symbols, targets = (torch.tensor(rows).T.contiguous() for rows in (symbols, targets))
        self.optimizer.zero_grad(set_to_none=True)
        loss, state = window_loss(self.parameters, self.sizes, symbols, targets, self.state)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0, foreach=True)
        self.optimizer.step()
        self.state = tuple(part.detach() for part in state)
        loss = float(loss.detach())
        seconds = time.perf_counter() - start
        print(json.dumps({"step": self.steps, "seconds": round(seconds, 6), "loss": loss}), flush=True)
        self.steps += 1


def check():
    """The peer must compute the same thing: float64, no dropout, against the golden file."""
    from safetensors.torch import load_file

    path = Path(__file__).resolve().parents[1] / "tests/golden/model_hyperlstm_ln_plain.safetensors"
    golden = load_file(path)
    parameters = {k: v.requires_grad_() for k, v in golden.items() if k.startswith(("layers.", "softmax."))}
    vocabulary_size, units = parameters["softmax.weight"].shape
    hyper_units = parameters["layers.0.hyper.weight_h"].shape[1]
    sizes = Sizes(units, hyper_units, vocabulary_size=vocabulary_size)
    state = golden["state.0"].split([units, units, hyper_units, hyper_units], 1)
    symbols, targets = (golden[name].T.long() for name in ("symbols", "targets"))
    loss, _ = window_loss(parameters, sizes, symbols, targets, state, keep=(1.0, 1.0, 1.0))
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    difference = max(float((gradients[name] - golden[f"grad.{name}"]).abs().max()) for name in gradients)
    difference = max(difference, abs(float(loss.detach() - golden["loss"])))
    print(f"largest difference of the loss and {len(gradients)} gradients: {difference:.1e}")
    return 0 if difference < 1e-12 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the golden file and stop")
    parser.add_argument("--serve", action="store_true", help="take as many steps as each line of stdin says")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--data", help="folder with ptb.train.txt, or one with ptb/ in it")
    parser.add_argument("--threads", type=int, default=2)
    for name, value in vars(Sizes()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.check:
        return check()
    trainer = Trainer(Sizes(**{name: getattr(options, name) for name in vars(Sizes())}), options.data)
    for count in (sys.stdin if options.serve else [options.steps]):
        for _ in range(int(count)):
            trainer.step()
    return 0


if __name__ == "__main__":
    sys.exit(main())
