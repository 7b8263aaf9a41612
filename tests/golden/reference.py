"""The recurrent cells, the character language model and Adam in plain PyTorch functions: the reference of the golden files.

Written from sections 3, 4, 7 and 8 of the paper's specification and docs/checkpoint.md: names, layouts and equations are
those of that page. It is meant to be read beside the C code, so it is short before it is fast; one multiply serves all gates.
Letters: V symbols, X input width, N units, M units of the hyper cell, E embedding size, B batch, T steps.
"""

import json
from dataclasses import asdict, dataclass, field

import numpy as np
import torch

from philox import dropout_factors

INPUT_GATE, CANDIDATE, FORGET_GATE, OUTPUT_GATE = range(4)  # the order of the gate blocks: i, g, f, o


@dataclass
class Model:
    """What a checkpoint keeps as __metadata__.model."""

    cell: str = "hyperlstm"  # or "lstm", "rnn", "hyperrnn", "hyperrnn_full"
    layers: int = 1
    units: int = 6
    hyper_units: int = 5
    embedding_size: int = 3
    layer_norm: bool = True
    forget_bias: float = 1.0
    vocabulary_size: int = 11
    hyper_output: str = "new"  # or "previous"
    activation: str = "tanh"  # or "relu"; RNN kinds only
    zoneout_cell: float = 0.0
    zoneout_hidden: float = 0.0
    hyper_layer_norm: str = "follow"  # or "always"
    layer_norm_epsilon: float = 1e-3

    def is_hyper(self):
        return self.cell.startswith("hyper")

    def is_rnn(self):
        return "rnn" in self.cell

    def gates(self):
        return 1 if self.is_rnn() else 4

    def settings(self):
        """What __metadata__.model says; a key that the kind has no use for is left out."""
        values = asdict(self)
        for key in ("layer_norm", "forget_bias") if self.is_rnn() else ():
            del values[key]
        for key in ("activation", "zoneout_cell", "zoneout_hidden", "hyper_layer_norm", "layer_norm_epsilon"):
            if values[key] == getattr(Model, key):  # later than the first files: left out where it is the default
                del values[key]
        return json.dumps(values)

    def hyper_norm(self):
        return self.layer_norm or self.hyper_layer_norm == "always"

    def input_width(self, layer):
        return self.vocabulary_size if layer == 0 else self.units

    def state_size(self):
        size = self.units + (self.hyper_units if self.is_hyper() else 0)
        return size if self.is_rnn() else 2 * size


@dataclass
class Dropout:
    """Keep probabilities and the counter that the masks are drawn with."""

    input: float = 1.0
    between: float = 1.0
    output: float = 1.0
    recurrent: float = 1.0
    hyper_recurrent: float = 1.0
    seed: int = 0
    step: int = 0
    training: bool = True  # if not, zoneout takes the expectation

    def settings(self):
        """What __metadata__.case says. The seed is a string: it does not fit the numbers of every JSON reader."""
        values = asdict(self) | {"seed": str(self.seed)}
        if self.training:
            del values["training"]
        return values

    def factors(self, name, keep, batch, length, width, what="dropout"):
        """[B,T,width] factors of the site "dropout NAME": element index (row*T + t)*width + unit."""
        index = np.arange(batch * length * width).reshape(batch, length, width)
        return torch.from_numpy(dropout_factors(index, self.seed, self.step, f"{what} {name}", keep))


# ---- parameters ---------------------------------------------------------------------------------------------------------


def lstm_shapes(prefix, inputs, units, layer_norm, keep_bias):
    shapes = {f"{prefix}.weight_x": (4 * units, inputs), f"{prefix}.weight_h": (4 * units, units)}
    if keep_bias or not layer_norm:
        shapes[f"{prefix}.bias"] = (4 * units,)
    if layer_norm:
        for name, shape in (("ln_gates", (4, units)), ("ln_cell", (units,))):
            shapes[f"{prefix}.{name}.gain"] = shape
            shapes[f"{prefix}.{name}.shift"] = shape
    return shapes


def rnn_shapes(prefix, inputs, units, slices=1):
    """`slices` matrices one below the other in each weight: E of them in the full HyperRNN."""
    return {
        f"{prefix}.weight_x": (slices * units, inputs),
        f"{prefix}.weight_h": (slices * units, units),
        f"{prefix}.bias": (units,),
    }


def parameter_shapes(model):
    """{name: shape} of every parameter."""
    n, m, e, gates, shapes = model.units, model.hyper_units, model.embedding_size, model.gates(), {}
    full = model.cell == "hyperrnn_full"
    for layer in range(model.layers):
        prefix, x = f"layers.{layer}", model.input_width(layer)
        if model.is_rnn():
            shapes |= rnn_shapes(prefix, x, n, e if full else 1)
        else:
            shapes |= lstm_shapes(prefix, x, n, model.layer_norm, keep_bias=model.is_hyper())
        if not model.is_hyper():
            continue
        if model.is_rnn():
            shapes |= rnn_shapes(f"{prefix}.hyper", n + x, m)
        else:
            shapes |= lstm_shapes(f"{prefix}.hyper", n + x, m, model.hyper_norm(), keep_bias=False)
        for name in "hxb":
            shapes[f"{prefix}.z_{name}.weight"] = (gates * e, m)
            if name != "b":
                shapes[f"{prefix}.z_{name}.bias"] = (gates * e,)
            if name == "b" or not full:
                shapes[f"{prefix}.d_{name}.weight"] = (gates, n, e)
    shapes["softmax.weight"] = (model.vocabulary_size, n)
    shapes["softmax.bias"] = (model.vocabulary_size,)
    return shapes


def random_parameters(model, rng):
    """Values that give every path a gradient (not the paper's initialisation, where whole paths start at zero)."""
    parameters = {}
    for name, shape in parameter_shapes(model).items():
        if name.endswith(".gain"):
            value = 1 + 0.3 * rng.standard_normal(shape)
        elif name.endswith((".bias", ".shift")):
            value = 0.3 * rng.standard_normal(shape)
        elif ".z_" in name or ".d_" in name:
            value = 0.6 * rng.standard_normal(shape)
        else:
            value = rng.standard_normal(shape) / np.sqrt(shape[1]) * 1.3
        if ".z_h.bias" in name or ".z_x.bias" in name:
            value += 1
        # exact in float32 too, so that the float kernels can be held against the same file
        parameters[name] = torch.from_numpy(value.astype(np.float32).astype(np.float64)).requires_grad_()
    return parameters


# ---- cells --------------------------------------------------------------------------------------------------------------


def layer_norm(x, gain, shift, epsilon=1e-3):
    """Over the last axis, with the biased variance."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return gain * (x - mean) / torch.sqrt(variance + epsilon) + shift


def normalise(parameters, prefix, name, x, model):
    return layer_norm(
        x, parameters[f"{prefix}.{name}.gain"], parameters[f"{prefix}.{name}.shift"], model.layer_norm_epsilon
    )


def finish_step(parameters, prefix, gates, c, model, mask):
    """gates [B,4,N] before layer norm, c [B,N] -> the new h, c. mask: dropout factors [B,N] of the candidate, or None."""
    normed = f"{prefix}.ln_gates.gain" in parameters
    if normed:
        gates = normalise(parameters, prefix, "ln_gates", gates, model)
    i, g, f, o = gates.unbind(1)
    candidate = torch.tanh(g)
    if mask is not None:
        candidate = candidate * mask
    c = torch.sigmoid(f + model.forget_bias) * c + torch.sigmoid(i) * candidate
    shown = c  # c is normalised only on its way to h; it is carried as it is
    if normed:
        shown = normalise(parameters, prefix, "ln_cell", c, model)
    return torch.sigmoid(o) * torch.tanh(shown), c


def lstm_step(parameters, prefix, x, h, c, model, mask):
    """One step of an LSTM, layer-normed if the model is: x [B,X], h and c [B,N] -> h, c."""
    gates = x @ parameters[f"{prefix}.weight_x"].T + h @ parameters[f"{prefix}.weight_h"].T
    if f"{prefix}.bias" in parameters:
        gates = gates + parameters[f"{prefix}.bias"]
    return finish_step(parameters, prefix, gates.unflatten(1, (4, -1)), c, model, mask)


def embeddings(parameters, prefix, name, hyper_h):
    """z = W_z ĥ + b_z of all gates: ĥ [B,M] -> [B,GE]. `name` is h, x or b (b has no bias)."""
    z = hyper_h @ parameters[f"{prefix}.z_{name}.weight"].T
    return z if name == "b" else z + parameters[f"{prefix}.z_{name}.bias"]


def scales(parameters, prefix, name, hyper_h):
    """d^y = W_dz^y z^y for all gates y: ĥ [B,M] -> [B,G,N]."""
    weight = parameters[f"{prefix}.d_{name}.weight"]
    z = embeddings(parameters, prefix, name, hyper_h).unflatten(1, (weight.shape[0], -1))
    return torch.einsum("bge,gne->bgn", z, weight)


def hyperlstm_step(parameters, prefix, x, state, model, mask, hyper_mask):
    """One step of a HyperLSTM (A.2.3): x [B,X], state (h, c, ĥ, ĉ) -> the new state."""
    h, c, hyper_h, hyper_c = state
    used = hyper_h
    hyper_input = torch.cat([h, x], 1)
    hyper_h, hyper_c = lstm_step(parameters, f"{prefix}.hyper", hyper_input, hyper_h, hyper_c, model, hyper_mask)
    if model.hyper_output == "new":
        used = hyper_h
    product_h = (h @ parameters[f"{prefix}.weight_h"].T).unflatten(1, (4, -1))
    product_x = (x @ parameters[f"{prefix}.weight_x"].T).unflatten(1, (4, -1))
    gates = (
        scales(parameters, prefix, "h", used) * product_h
        + scales(parameters, prefix, "x", used) * product_x
        + scales(parameters, prefix, "b", used)
        + parameters[f"{prefix}.bias"].view(4, -1)
    )
    h, c = finish_step(parameters, prefix, gates, c, model, mask)
    return h, c, hyper_h, hyper_c


def phi(x, model):
    return torch.relu(x) if model.activation == "relu" else torch.tanh(x)


def rnn_step(parameters, prefix, x, h, model):
    """h = φ(W_h h + W_x x + b)."""
    weight_h, weight_x, bias = (parameters[f"{prefix}.{name}"] for name in ("weight_h", "weight_x", "bias"))
    return phi(h @ weight_h.T + x @ weight_x.T + bias, model)


def made_matrix(weight, z):
    """W(z) = Σ_k z_k W_k of each row: weight [E·N,X], z [B,E] -> [B,N,X]."""
    return torch.einsum("be,enx->bnx", z, weight.unflatten(0, (z.shape[1], -1)))


def hyperrnn_step(parameters, prefix, x, h, hyper_h, model):
    """One step of a HyperRNN (3.2), rows scaled or matrices made. -> h, ĥ"""
    get = lambda name: parameters[f"{prefix}.{name}"]
    used = hyper_h
    hyper_h = rnn_step(parameters, f"{prefix}.hyper", torch.cat([h, x], 1), hyper_h, model)
    if model.hyper_output == "new":
        used = hyper_h
    bias = scales(parameters, prefix, "b", used)[:, 0] + get("bias")
    if model.cell == "hyperrnn_full":
        from_h = made_matrix(get("weight_h"), embeddings(parameters, prefix, "h", used)) @ h.unsqueeze(-1)
        from_x = made_matrix(get("weight_x"), embeddings(parameters, prefix, "x", used)) @ x.unsqueeze(-1)
        return phi(from_h[..., 0] + from_x[..., 0] + bias, model), hyper_h
    from_h = scales(parameters, prefix, "h", used)[:, 0] * (h @ get("weight_h").T)
    from_x = scales(parameters, prefix, "x", used)[:, 0] * (x @ get("weight_x").T)
    return phi(from_h + from_x + bias, model), hyper_h


def step(parameters, prefix, x, state, model, mask=None, hyper_mask=None):
    """state [B,S] -> state [B,S]: h, c for the LSTM, h, c, ĥ, ĉ for the HyperLSTM, h for the RNN, h, ĥ for the HyperRNN."""
    n, m = model.units, model.hyper_units
    if model.cell == "rnn":
        return rnn_step(parameters, prefix, x, state, model)
    if model.is_rnn():
        return torch.cat(hyperrnn_step(parameters, prefix, x, *state.split([n, m], 1), model), 1)
    if model.cell == "lstm":
        return torch.cat(lstm_step(parameters, prefix, x, *state.split([n, n], 1), model, mask), 1)
    parts = state.split([n, n, m, m], 1)
    return torch.cat(hyperlstm_step(parameters, prefix, x, parts, model, mask, hyper_mask), 1)


def sequence(parameters, prefix, inputs, state, model, lengths=None, reverse=False, dropout=None):
    """The sequence contract: inputs [B,T,X], state [B,S], lengths [B] -> outputs [B,T,N], final state [B,S].

    Past its length a row keeps its state and its output is zero. reverse turns each row within its own length.
    """
    batch, length, _ = inputs.shape
    lengths = torch.full((batch,), length) if lengths is None else lengths
    mask, hyper_mask = None, None
    if dropout is not None and dropout.recurrent < 1:
        mask = dropout.factors(f"{prefix}.recurrent", dropout.recurrent, batch, length, model.units)
    if dropout is not None and dropout.hyper_recurrent < 1:
        hyper_mask = dropout.factors(
            f"{prefix}.hyper.recurrent", dropout.hyper_recurrent, batch, length, model.hyper_units
        )
    zones = zoneout_masks(prefix, model, dropout or Dropout(), batch, length)
    if reverse:
        inputs = turn(inputs, lengths)
    outputs = []
    for t in range(length):
        new = step(
            parameters,
            prefix,
            inputs[:, t],
            state,
            model,
            None if mask is None else mask[:, t],
            None if hyper_mask is None else hyper_mask[:, t],
        )
        new = zoneout(new, state, zones, t, model, dropout or Dropout())
        alive = (t < lengths).unsqueeze(1)
        state = torch.where(alive, new, state)
        outputs.append(torch.where(alive, new[:, : model.units], 0.0))
    outputs = torch.stack(outputs, 1)
    return turn(outputs, lengths) if reverse else outputs, state


def zoneout_masks(prefix, model, dropout, batch, length):
    """[B,T,S] of the numbers that take their new value (Krueger et al. 2016); the hyper cell's always do."""
    moves = torch.ones(batch, length, model.state_size(), dtype=torch.bool)
    n = model.units
    for start, role, probability in ((0, "hidden", model.zoneout_hidden), (n, "cell", model.zoneout_cell)):
        if probability > 0:
            factors = dropout.factors(f"{prefix}.{role}", 1 - probability, batch, length, n, what="zoneout")
            moves[:, :, start : start + n] = factors > 0
    return moves


def zoneout(new, old, moves, t, model, dropout):
    if dropout.training:
        return torch.where(moves[:, t], new, old)
    p, n = torch.zeros(model.state_size(), dtype=torch.float64), model.units
    p[:n] = model.zoneout_hidden
    if not model.is_rnn():
        p[n : 2 * n] = model.zoneout_cell
    return p * old + (1 - p) * new


def turn(x, lengths):
    """x [B,T,..] with row b turned round within its first lengths[b] steps."""
    t = torch.arange(x.shape[1]).unsqueeze(0)
    source = torch.where(t < lengths.unsqueeze(1), lengths.unsqueeze(1) - 1 - t, t)
    return x[torch.arange(x.shape[0]).unsqueeze(1), source]


# ---- character language model -------------------------------------------------------------------------------------------


@dataclass
class Result:
    loss: torch.Tensor  # mean over the unmasked steps, in nats
    outputs: torch.Tensor  # [B,T,N] of the top layer, before output dropout
    states: list = field(default_factory=list)  # final, one [B,S] a layer


def language_model(parameters, model, symbols, targets, states, lengths=None, dropout=None):
    """symbols, targets [B,T] (int64), states: one [B,S] a layer."""
    batch, length = symbols.shape
    dropout = dropout or Dropout()
    inputs = torch.nn.functional.one_hot(symbols, model.vocabulary_size).to(torch.float64)
    if dropout.input < 1:  # drops whole characters, and the hyper cell does not see them either
        inputs = inputs * dropout.factors("input", dropout.input, batch, length, 1)
    final_states = []
    for layer in range(model.layers):
        prefix = f"layers.{layer}"
        if layer > 0 and dropout.between < 1:
            inputs = inputs * dropout.factors(f"{prefix}.input", dropout.between, batch, length, model.units)
        outputs, state = sequence(parameters, prefix, inputs, states[layer], model, lengths, dropout=dropout)
        final_states.append(state)
        inputs = outputs
    shown = outputs
    if dropout.output < 1:
        shown = outputs * dropout.factors("output", dropout.output, batch, length, model.units)
    logits = shown @ parameters["softmax.weight"].T + parameters["softmax.bias"]
    losses = logits.logsumexp(-1) - logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    weights = torch.ones(batch, length, dtype=torch.float64)
    if lengths is not None:
        weights = (torch.arange(length).unsqueeze(0) < lengths.unsqueeze(1)).to(torch.float64)
    return Result((losses * weights).sum() / weights.sum(), outputs, final_states)


# ---- optimiser ----------------------------------------------------------------------------------------------------------


class Adam:
    """Adam with bias correction, epsilon outside the root; the gradient is clipped by its global norm first."""

    def __init__(self, parameters, rate, clip, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.parameters, self.rate, self.clip = parameters, rate, clip
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.mean = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.variance = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.steps = 0

    def step(self, gradients):
        """gradients: {name: tensor}. Returns the global norm before clipping."""
        norm = torch.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
        factor = min(1.0, self.clip / float(norm))
        self.steps += 1
        with torch.no_grad():
            for name, value in self.parameters.items():
                gradient = gradients[name] * factor
                self.mean[name] = self.beta1 * self.mean[name] + (1 - self.beta1) * gradient
                self.variance[name] = self.beta2 * self.variance[name] + (1 - self.beta2) * gradient**2
                mean = self.mean[name] / (1 - self.beta1**self.steps)
                variance = self.variance[name] / (1 - self.beta2**self.steps)
                value -= self.rate * mean / (torch.sqrt(variance) + self.epsilon)
        return norm
