"""One step of the Penn Treebank LN-HyperLSTM in PyTorch, float32 on the CPU, as pytorch_sample.py takes it for one row or a few: there a multiply
that reads its matrix in the order in which it lies is what counts, and not the batched one of pytorch_models.py, which training is fastest with.

One multiply for the four gates, one for the twelve embeddings, one batched multiply a kind of scale (no loop over gates), the one-hot input as a row
look-up, addcmul and baddbmm instead of temporaries. Parameters have the names and layouts of docs/checkpoint.md:

    python3 bench/pytorch_step.py      loss and all gradients against tests/golden/model_hyperlstm_ln_plain.safetensors
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F


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
    def finish(gates, gain, shift, cell, c):
        """gates [4,B,units] in the order i, g, f, o, before layer norm."""
        units = gates.shape[-1]
        i, g, f, o = torch.addcmul(shift, F.layer_norm(gates, (units,), eps=1e-3), gain).unbind(0)
        c = torch.addcmul(torch.sigmoid(i) * torch.tanh(g), torch.sigmoid(f), c)
        return torch.sigmoid(o) * torch.tanh(F.layer_norm(c, (units,), *cell, 1e-3)), c

    def step(self, symbols, state):
        """symbols [B]"""
        h, c, hyper_h, hyper_c = state
        x, hyper_x = F.embedding(symbols, self.rows), F.embedding(symbols, self.hyper_rows)
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
        h, c = self.finish(gates, self.gain, self.shift, self.cell, c)
        return h, c, hyper_h, hyper_c


def window_loss(parameters, sizes, symbols, targets, state):
    """symbols, targets [T,B] -> the mean loss in nats, the final state; no dropout."""
    window = Window(parameters, sizes.units, sizes.hyper_units)
    outputs = []
    for symbol in symbols.unbind(0):
        state = window.step(symbol, state)
        outputs.append(state[0])
    logits = torch.addmm(parameters["softmax.bias"], torch.cat(outputs), parameters["softmax.weight"].T)
    return F.cross_entropy(logits, targets.flatten()), state


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
    loss, _ = window_loss(parameters, sizes, symbols, targets, state)
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    difference = max(float((gradients[name] - golden[f"grad.{name}"]).abs().max()) for name in gradients)
    difference = max(difference, abs(float(loss.detach() - golden["loss"])))
    print(f"largest difference of the loss and {len(gradients)} gradients: {difference:.1e}")
    return 0 if difference < 1e-12 else 1


if __name__ == "__main__":
    sys.exit(check())
