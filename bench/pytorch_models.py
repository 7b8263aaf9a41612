"""The peers of the race in PyTorch, float32 on the CPU: a layer-norm HyperLSTM, eager or compiled, and torch.nn.LSTM, each with input, output
layer, three dropouts, clipping and Adam, as `hypernet bench step` has them.

Written to be as fast as PyTorch allows here. The four gates are one batched multiply [4,B,N] x [4,N,N]: on AMD processors a tenth to a third faster
than one multiply [B,N] x [N,4N], and no matrix has to be turned afterwards. The twelve embeddings are one multiply, their scaling vectors one batched
multiply, one-hot input is rows looked up, dense input one multiply for all steps, the output layer one for all steps; foreach clipping, fused Adam.
Compiled, a few steps are one function (torch.compile, no graph breaks, fixed shapes).
"""

import time

import torch
import torch.nn.functional as F

EPSILON = 1e-3
FORGET_BIAS = 1.0


def dropout_factors(keep, *shape):
    """0 or 1/keep, a 16-bit random number each: two to three times as fast as bernoulli_, which draws one double at a time."""
    count = torch.Size(shape).numel()
    bits = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    kept = bits[:count] < round(keep * 65536) - 32768
    return kept.to(torch.float32).mul_(1 / keep).view(shape)


# ---- the HyperLSTM ----


def hyper_parameters(shape):
    """The paper's initialisation, but normal in place of orthogonal matrices: it does not matter to the time."""
    n, m, e, x = shape["units"], shape["hyper_units"], shape["embedding_size"], shape["inputs"]
    values = {
        "weight_h": torch.randn(4, n, n) / n**0.5,
        "weight_x": torch.randn(x, 4 * n) / x**0.5,
        "bias": torch.zeros(4, 1, n),
        "hyper_weight_hx": torch.randn(n, 4 * m) / n**0.5,
        "hyper_weight_x": torch.randn(x, 4 * m) / x**0.5,
        "hyper_weight_h": torch.randn(m, 4 * m) / m**0.5,
        "z_weight": torch.cat([torch.zeros(m, 8 * e), 0.01 * torch.randn(m, 4 * e)], 1),
        "z_bias": torch.ones(8 * e),
        "d_weight": torch.cat([torch.full((8, e, n), 0.1 / e), torch.zeros(4, e, n)]),
    }
    for prefix, units in (("", n), ("hyper_", m)):
        values |= {prefix + "gain": torch.ones(4, 1, units), prefix + "shift": torch.zeros(4, 1, units)}
        values |= {prefix + "cell_gain": torch.ones(units), prefix + "cell_shift": torch.zeros(units)}
    return values


def from_checkpoint(named):
    """Parameters (or their gradients) by the names and layouts of docs/checkpoint.md, in those used here."""
    part = lambda name: named["layers.0." + name]  # noqa: E731
    n = part("ln_cell.gain").shape[0]
    d = torch.cat([part(f"d_{kind}.weight") for kind in "hxb"])
    values = {
        "weight_h": part("weight_h").view(4, n, n).transpose(1, 2),
        "weight_x": part("weight_x").T,
        "bias": part("bias").view(4, 1, n),
        "hyper_weight_hx": part("hyper.weight_x")[:, :n].T,
        "hyper_weight_x": part("hyper.weight_x")[:, n:].T,
        "hyper_weight_h": part("hyper.weight_h").T,
        "z_weight": torch.cat([part(f"z_{kind}.weight") for kind in "hxb"]).T,
        "z_bias": torch.cat([part(f"z_{kind}.bias") for kind in "hx"]),
        "d_weight": d.transpose(1, 2),
        "output_weight": named["softmax.weight"].T,
        "output_bias": named["softmax.bias"],
    }
    for prefix in ("", "hyper."):
        for kind in ("gain", "shift"):
            values[prefix.replace(".", "_") + kind] = part(f"{prefix}ln_gates.{kind}").unsqueeze(1)
            values[prefix.replace(".", "_") + "cell_" + kind] = part(f"{prefix}ln_cell.{kind}")
    return {name: value.contiguous() for name, value in values.items()}


def finish(gates, p, prefix, c, factors=None):
    """gates [4,B,units] in the order i, g, f, o, before layer norm; factors [B,units] of recurrent dropout."""
    units = gates.shape[-1]
    i, g, f, o = torch.addcmul(p[prefix + "shift"], F.layer_norm(gates, (units,), eps=EPSILON), p[prefix + "gain"]).unbind(0)
    g = torch.tanh(g)
    if factors is not None:
        g = g * factors
    c = torch.addcmul(torch.sigmoid(i) * g, torch.sigmoid(f + FORGET_BIAS), c)
    cell = F.layer_norm(c, (units,), p[prefix + "cell_gain"], p[prefix + "cell_shift"], EPSILON)
    return torch.sigmoid(o) * torch.tanh(cell), c


def hyper_step(x, hyper_x, state, factors, p):
    """x [B,4N], hyper_x [B,4M]: what the input makes of the gates; factors [B,N] -> the new state."""
    h, c, hyper_h, hyper_c = state
    batch, units, hyper_units = h.shape[0], h.shape[1], hyper_h.shape[1]
    hyper_gates = torch.addmm(torch.addmm(hyper_x, h, p["hyper_weight_hx"]), hyper_h, p["hyper_weight_h"])
    hyper_gates = hyper_gates.view(batch, 4, hyper_units).transpose(0, 1)
    hyper_h, hyper_c = finish(hyper_gates, p, "hyper_", hyper_c)
    z = torch.addmm(p["z_all_bias"], hyper_h, p["z_weight"]).view(batch, 12, -1).transpose(0, 1)
    d_h, d_x, d_b = torch.bmm(z, p["d_weight"]).split(4)
    product = torch.bmm(h.expand(4, batch, units), p["weight_h"])
    gates = torch.addcmul(d_b + p["bias"], d_h, product)
    gates = torch.addcmul(gates, d_x, x.view(batch, 4, units).transpose(0, 1))
    h, c = finish(gates, p, "", c, factors)
    return h, c, hyper_h, hyper_c


def hyper_steps(xs, hyper_xs, state, factors, p):
    """Some steps in a row -> their outputs, the state after the last."""
    outputs = []
    for x, hyper_x, factor in zip(xs, hyper_xs, factors):
        state = hyper_step(x, hyper_x, state, factor, p)
        outputs.append(state[0])
    return outputs, state


def hyper_window(parameters, inputs, state, keep, run, chunk):
    """inputs [T,B] symbols, or [T,B,X]; keep: input, recurrent -> outputs [T,B,N], the state after the last."""
    length, batch = inputs.shape[:2]
    units = parameters["weight_h"].shape[1]
    p = dict(parameters, z_all_bias=F.pad(parameters["z_bias"], (0, parameters["z_bias"].shape[0] // 2)))
    factors = dropout_factors(keep[1], length, batch, units).unbind(0) if keep[1] < 1 else [None] * length
    kinds = (p["weight_x"], p["hyper_weight_x"])
    if inputs.is_floating_point():
        if keep[0] < 1:
            inputs = inputs * dropout_factors(keep[0], *inputs.shape)
        xs, hyper_xs = (torch.matmul(inputs, weight).unbind(0) for weight in kinds)
    else:
        kept = dropout_factors(keep[0], length, batch, 1) if keep[0] < 1 else None
        looked = [F.embedding(inputs, weight) for weight in kinds]
        xs, hyper_xs = ((rows if kept is None else rows * kept).unbind(0) for rows in looked)
    outputs = []
    for t in range(0, length, chunk):
        part = slice(t, t + chunk)
        some, state = run(list(xs[part]), list(hyper_xs[part]), state, list(factors[part]), p)
        outputs += some
    return torch.stack(outputs), state


class Hyper:
    """variant: "eager", "compiled" or "autotuned"; state: h, c, hyper h, hyper c."""

    def __init__(self, shape, variant, chunk):
        self.parameters = hyper_parameters(shape)
        self.chunk = chunk if variant != "eager" else 1
        self.run = hyper_steps
        if variant != "eager":
            mode = "max-autotune-no-cudagraphs" if variant == "autotuned" else None
            self.run = torch.compile(hyper_steps, dynamic=False, fullgraph=True, mode=mode)
        sizes = [shape["units"]] * 2 + [shape["hyper_units"]] * 2
        self.state = tuple(torch.zeros(shape["batch"], size) for size in sizes)

    def __call__(self, inputs, state, keep):
        return hyper_window(self.parameters, inputs, state, keep, self.run, self.chunk)

    def multiplies(self, shape):
        """(what it is, product, times in a step), as `hypernet bench` counts them, each by the multiply that this model uses."""
        n, m, e = shape["units"], shape["hyper_units"], shape["embedding_size"]
        b, t, x = shape["batch"], shape["length"], shape["inputs"]
        r = torch.randn
        h, gates, weight = r(b, n), r(4, b, n), r(4, n, n)
        yield "W_h", lambda: torch.bmm(h.expand(4, b, n), weight), t
        yield "W_h data", lambda: torch.bmm(gates, weight.transpose(1, 2)), t
        yield "W_h weights", lambda: torch.bmm(h.expand(4, b, n).transpose(1, 2), gates), t
        products = [("hyper W_x", b, n, 4 * m, t, True), ("hyper W_h", b, m, 4 * m, t, True)]
        products += [("embeddings", b, m, 12 * e, t, True), ("output", b * t, n, shape["outputs"], 1, True)]
        if shape["dense"]:
            products += [("W_x", b * t, x, 4 * n, 1, False), ("hyper W_x of x", b * t, x, 4 * m, 1, False)]
        yield from plain_products(products)
        if e > 8:
            z, d, g = r(12, b, e), r(12, e, n), r(12, b, n)
            yield "scales", lambda: torch.bmm(z, d), t
            yield "scales data", lambda: torch.bmm(g, d.transpose(1, 2)), t
            yield "scales weights", lambda: torch.bmm(z.transpose(1, 2), g), t


def plain_products(products):
    for name, rows, inner, outer, times, has_data in products:
        a, weight, g = torch.randn(rows, inner), torch.randn(inner, outer), torch.randn(rows, outer)
        yield name, lambda a=a, weight=weight: torch.mm(a, weight), times
        if has_data:
            yield name + " data", lambda g=g, weight=weight: torch.mm(g, weight.t()), times
        yield name + " weights", lambda a=a, g=g: torch.mm(a.t(), g), times


# ---- the plain LSTM ----


class Plain:
    """torch.nn.LSTM, which has no recurrent dropout; one-hot input is a dense [T,B,V], as it asks for."""

    def __init__(self, shape):
        self.lstm = torch.nn.LSTM(shape["inputs"], shape["units"])
        self.inputs = shape["inputs"]
        self.parameters = dict(self.lstm.named_parameters())
        self.state = tuple(torch.zeros(1, shape["batch"], shape["units"]) for _ in range(2))

    def __call__(self, inputs, state, keep):
        shape = inputs.shape
        if not inputs.is_floating_point():
            inputs, shape = F.one_hot(inputs, self.inputs).to(torch.float32), (*shape, 1)
        if keep[0] < 1:
            inputs = inputs * dropout_factors(keep[0], *shape)
        return self.lstm(inputs, state)


# ---- training ----


def window_loss(model, parameters, inputs, targets, state, keep):
    """targets [T,B], or None: then the mean of the outputs' squares; keep: input, recurrent, output."""
    outputs, state = model(inputs, state, keep[:2])
    if keep[2] < 1:
        outputs = outputs * dropout_factors(keep[2], *outputs.shape)
    y = torch.addmm(parameters["output_bias"], outputs.flatten(0, 1), parameters["output_weight"])
    return (y * y).mean() if targets is None else F.cross_entropy(y, targets.flatten()), state


class Trainer:
    """A model, its output layer, Adam, and one window of numbers drawn once, as `hypernet bench step` has."""

    def __init__(self, shape, cell, variant, chunk, keep):
        torch.manual_seed(1)
        self.shape, self.keep = shape, keep
        self.model = Plain(shape) if cell == "lstm" else Hyper(shape, variant, chunk)
        n, outputs = shape["units"], shape["outputs"]
        output = {"output_weight": torch.randn(n, outputs) / n**0.5, "output_bias": torch.zeros(outputs)}
        self.parameters = self.model.parameters
        self.parameters |= output
        for value in self.parameters.values():
            value.requires_grad_()
        self.optimizer = torch.optim.Adam(self.parameters.values(), lr=1e-3, fused=True)
        self.state = self.model.state
        length, batch = shape["length"], shape["batch"]
        if shape["dense"]:
            self.inputs, self.targets = torch.randn(length, batch, shape["inputs"]), None
        else:
            symbols = torch.randint(shape["inputs"], (length + 1, batch))
            self.inputs, self.targets = symbols[:-1].contiguous(), symbols[1:].contiguous()

    def step(self):
        """-> seconds, loss"""
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        loss, state = window_loss(self.model, self.parameters, self.inputs, self.targets, self.state, self.keep)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0, foreach=True)
        self.optimizer.step()
        self.state = tuple(part.detach() for part in state)
        loss = float(loss.detach())
        return time.perf_counter() - start, loss

    def multiply_seconds(self, least=0.05):
        """Seconds of all multiplies of a step by themselves."""
        total = 0.0
        for _, product, times in self.model.multiplies(self.shape):
            product()
            start = time.perf_counter()
            product()
            runs = max(1, min(times, round(least / max(time.perf_counter() - start, 1e-7))))
            start = time.perf_counter()
            for _ in range(runs):
                product()
            total += (time.perf_counter() - start) / runs * times
        return total


def check(path):
    """The peer must compute the same thing: float64, no dropout, against a golden file -> the largest difference."""
    from safetensors.torch import load_file

    golden = load_file(path)
    parameters = {name: value.requires_grad_() for name, value in from_checkpoint(golden).items()}
    gradients = from_checkpoint({name[5:]: value for name, value in golden.items() if name.startswith("grad.")})
    units, hyper_units = parameters["weight_h"].shape[1], parameters["hyper_weight_h"].shape[0]
    state = golden["state.0"].split([units, units, hyper_units, hyper_units], 1)
    model = lambda inputs, state, keep: hyper_window(parameters, inputs, state, keep, hyper_steps, 1)  # noqa: E731
    symbols, targets = (golden[name].T.long() for name in ("symbols", "targets"))
    loss, _ = window_loss(model, parameters, symbols, targets, state, (1.0, 1.0, 1.0))
    found = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    difference = max(float((found[name] - gradients[name]).abs().max()) for name in found)
    return max(difference, abs(float(loss.detach() - golden["loss"])))
