#!/usr/bin/env python3
"""Rebuilds a trained Hypernet language model in PyTorch and measures its bits per character on a text.

    pip install torch safetensors numpy
    python3 tests/golden/rebuild.py RUN my.txt                   reads RUN/best.safetensors (or RUN/last.safetensors)
    python3 tests/golden/rebuild.py model.safetensors my.txt --expect 2.1234

Written from docs/checkpoint.md alone, and shares no code with reference.py on purpose: it shows that the page is enough.
The text is read as one stream with state carried, in float64; characters 2 to the end are predicted. Prints the bits per
character; with --expect the exit status is 1 if they differ by more than --tolerance.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

def layer_norm(x, gain, shift, epsilon):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=epsilon) * gain + shift


def zoneout(p, old, new):
    """What training does on average: a unit keeps its old value with the probability p."""
    return p * old + (1 - p) * new if p > 0 else new


class LstmPart:
    """What follows the products in both cells: layer norm, the gates and the two states of `units` numbers."""

    def __init__(self, tensors, prefix, model):
        self.forget_bias, self.epsilon = model["forget_bias"], model.get("layer_norm_epsilon", 1e-3)
        self.zone_h, self.zone_c = model.get("zoneout_hidden", 0), model.get("zoneout_cell", 0)
        self.norm = None
        if prefix + ".ln_cell.gain" in tensors:
            names = ("ln_gates.gain", "ln_gates.shift", "ln_cell.gain", "ln_cell.shift")
            self.norm = [tensors[f"{prefix}.{name}"] for name in names]

    def finish(self, gates, c):
        """gates [4,units] in the order i, g, f, o."""
        if self.norm:
            gates = layer_norm(gates, self.norm[0], self.norm[1], self.epsilon)
        i, g, f, o = gates
        c = torch.sigmoid(f + self.forget_bias) * c + torch.sigmoid(i) * torch.tanh(g)
        shown = layer_norm(c, self.norm[2], self.norm[3], self.epsilon) if self.norm else c
        return torch.sigmoid(o) * torch.tanh(shown), c


class Lstm(LstmPart):
    """x is a symbol (one-hot: a column of the matrix) in layer 0, else a vector."""

    def __init__(self, tensors, prefix, model):
        super().__init__(tensors, prefix, model)
        self.weight_x, self.weight_h = tensors[prefix + ".weight_x"], tensors[prefix + ".weight_h"]
        self.columns = self.weight_x.T.contiguous()
        self.bias = 0 if self.norm else tensors[prefix + ".bias"]
        self.state = [torch.zeros(model["units"], dtype=torch.float64) for _ in "hc"]

    def step(self, x):
        h, c = self.state
        product_x = self.columns[x] if isinstance(x, int) else self.weight_x @ x
        gates = product_x + self.weight_h @ h + self.bias
        new_h, new_c = self.finish(gates.view(4, -1), c)
        self.state = [zoneout(self.zone_h, h, new_h), zoneout(self.zone_c, c, new_c)]
        return self.state[0]


class HyperLstm(LstmPart):
    def __init__(self, tensors, prefix, model):
        super().__init__(tensors, prefix, model)
        self.get = lambda name: tensors[f"{prefix}.{name}"]
        units, hyper_units = model["units"], model["hyper_units"]
        self.new_output = {"new": True, "previous": False}[model["hyper_output"]]
        self.weight_x, self.weight_h = self.get("weight_x"), self.get("weight_h")
        self.columns = self.weight_x.T.contiguous()
        self.bias = self.get("bias").view(4, units)
        self.hyper = LstmPart(tensors, prefix + ".hyper", model)
        self.hyper_bias = 0 if self.hyper.norm else self.get("hyper.bias")
        # the hyper cell reads [h; x]
        self.hyper_from_h = self.get("hyper.weight_x")[:, :units].contiguous()
        self.hyper_from_x = self.get("hyper.weight_x")[:, units:].contiguous()
        self.hyper_columns = self.hyper_from_x.T.contiguous()
        self.embedding_size = model["embedding_size"]
        self.state = [torch.zeros(size, dtype=torch.float64) for size in (units, units, hyper_units, hyper_units)]

    def scales(self, name, hyper_h):
        z = self.get(f"z_{name}.weight") @ hyper_h
        if name != "b":
            z = z + self.get(f"z_{name}.bias")
        return (self.get(f"d_{name}.weight") @ z.view(4, self.embedding_size, 1)).squeeze(-1)  # [4,N]

    def step(self, x):
        h, c, hyper_h, hyper_c = self.state
        symbol = isinstance(x, int)
        hyper_gates = (
            self.hyper_from_h @ h
            + (self.hyper_columns[x] if symbol else self.hyper_from_x @ x)
            + self.get("hyper.weight_h") @ hyper_h
            + self.hyper_bias
        )
        new_hyper_h, hyper_c = self.hyper.finish(hyper_gates.view(4, -1), hyper_c)
        used = new_hyper_h if self.new_output else hyper_h
        product_h = (self.weight_h @ h).view(4, -1)
        product_x = (self.columns[x] if symbol else self.weight_x @ x).view(4, -1)
        gates = (
            self.scales("h", used) * product_h
            + self.scales("x", used) * product_x
            + self.scales("b", used)
            + self.bias
        )
        new_h, new_c = self.finish(gates, c)
        self.state = [zoneout(self.zone_h, h, new_h), zoneout(self.zone_c, c, new_c), new_hyper_h, hyper_c]
        return self.state[0]


class RnnPart:
    """The activation, and what each of the cells named rnn holds under its prefix."""

    def __init__(self, tensors, prefix, model):
        self.get = lambda name: tensors[f"{prefix}.{name}"]
        self.phi = {"tanh": torch.tanh, "relu": torch.relu}[model.get("activation", "tanh")]
        self.zone_h = model.get("zoneout_hidden", 0)
        self.columns = self.get("weight_x").T.contiguous()

    def from_x(self, x):
        return self.columns[x] if isinstance(x, int) else self.get("weight_x") @ x


class Rnn(RnnPart):
    def __init__(self, tensors, prefix, model):
        super().__init__(tensors, prefix, model)
        self.state = torch.zeros(model["units"], dtype=torch.float64)

    def step(self, x):
        new = self.phi(self.get("weight_h") @ self.state + self.from_x(x) + self.get("bias"))
        self.state = zoneout(self.zone_h, self.state, new)
        return self.state


class HyperRnn(RnnPart):
    def __init__(self, tensors, prefix, model):
        super().__init__(tensors, prefix, model)
        self.full = model["cell"] == "hyperrnn_full"
        self.new_output = {"new": True, "previous": False}[model["hyper_output"]]
        self.units, self.inputs = model["units"], self.get("weight_x").shape[1]
        self.h = torch.zeros(self.units, dtype=torch.float64)
        self.hyper_h = torch.zeros(model["hyper_units"], dtype=torch.float64)

    def mix(self, name, products, hyper_h):
        """What is made of W h or W x: its rows scaled, or E products weighted by the embedding."""
        z = self.get(f"z_{name}.weight") @ hyper_h + self.get(f"z_{name}.bias")
        if self.full:
            return z @ products.view(-1, self.units)
        return self.get(f"d_{name}.weight")[0] @ z * products

    def step(self, x):
        dense = x
        if isinstance(x, int):
            dense = torch.zeros(self.inputs, dtype=torch.float64)
            dense[x] = 1
        read = torch.cat([self.h, dense])  # [h; x]
        new_hyper_h = self.phi(
            self.get("hyper.weight_x") @ read + self.get("hyper.weight_h") @ self.hyper_h + self.get("hyper.bias")
        )
        used = new_hyper_h if self.new_output else self.hyper_h
        self.hyper_h = new_hyper_h
        bias = self.get("d_b.weight")[0] @ (self.get("z_b.weight") @ used) + self.get("bias")
        products = self.get("weight_h") @ self.h
        new = self.phi(self.mix("h", products, used) + self.mix("x", self.from_x(x), used) + bias)
        self.h = zoneout(self.zone_h, self.h, new)
        return self.h


def load(path):
    """-> tensors as float64, model settings, vocabulary (byte of each row) or None"""
    with safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get("model")
        if text is None:
            sys.exit(f"{path}: no __metadata__.model, so this is not a checkpoint of hypernet")
        # optimiser state and the like are left alone
        names = [name for name in file.keys() if name.startswith(("layers.", "softmax."))]
        tensors = {name: file.get_tensor(name).to(torch.float64) for name in names}
        has_vocabulary = "blob.vocabulary" in file.keys()
        vocabulary = file.get_tensor("blob.vocabulary").numpy() if has_vocabulary else None
    return tensors, json.loads(text), vocabulary


def read_symbols(path, vocabulary, model, penn_treebank):
    data = Path(path).read_bytes()
    if model.get("symbols") == "characters":  # the vocabulary, as UTF-8, has one character a row
        rows = {character: row for row, character in enumerate(bytes(vocabulary).decode())}
        unknown = sorted(set(data.decode()) - set(rows))
        if unknown:
            sys.exit(f"{path}: {unknown[0]!r} is not in the vocabulary of the model")
        return [rows[character] for character in data.decode()]
    if penn_treebank:  # words spelt out, "_" between two words, the end of a line a symbol
        data = b"".join(b"_".join(line.split()) + b"\n" for line in data.splitlines())
    if vocabulary is None or model["vocabulary_size"] == 256:
        vocabulary = np.arange(256)
    row_of_byte = np.full(256, -1)
    row_of_byte[vocabulary] = np.arange(len(vocabulary))
    symbols = row_of_byte[np.frombuffer(data, dtype=np.uint8)]
    if (symbols < 0).any():
        place = int(np.argmax(symbols < 0))
        sys.exit(f"{path}: byte {data[place]} at offset {place} is not in the vocabulary of the model")
    return symbols.tolist()


def bits_per_character(tensors, model, symbols):
    makers = {"lstm": Lstm, "hyperlstm": HyperLstm, "rnn": Rnn, "hyperrnn": HyperRnn, "hyperrnn_full": HyperRnn}
    make = makers[model["cell"]]
    layers = [make(tensors, f"layers.{k}", model) for k in range(model["layers"])]
    weight, bias = tensors["softmax.weight"], tensors["softmax.bias"]
    nats = []
    for symbol, following in zip(symbols, symbols[1:]):
        x = symbol
        for layer in layers:
            x = layer.step(x)
        logits = weight @ x + bias
        nats.append(logits.logsumexp(0) - logits[following])
    return float(torch.stack(nats).mean()) / math.log(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="RUN|FILE.safetensors")
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--penn-treebank", action="store_true", help="spell the words of TEXT as the Penn Treebank task does")
    parser.add_argument("--characters", type=int, metavar="K", help="only the first K characters of the text")
    parser.add_argument("--expect", type=float, metavar="BPC", help="exit 1 unless the result agrees with this")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of --expect (default 1e-4)")
    options = parser.parse_args()
    path = Path(options.checkpoint)
    if path.is_dir():
        path = next((path / name for name in ("best.safetensors", "last.safetensors") if (path / name).exists()), None)
        if path is None:
            sys.exit(f"{options.checkpoint}: holds neither best.safetensors nor last.safetensors")
    tensors, model, vocabulary = load(path)
    symbols = read_symbols(options.text, vocabulary, model, options.penn_treebank)
    symbols = symbols[: options.characters]
    if len(symbols) < 2:
        sys.exit(f"{options.text}: a text of at least 2 characters is needed")
    torch.set_num_threads(1)  # matrix times vector: more threads only wait for each other
    with torch.inference_mode():
        bpc = bits_per_character(tensors, model, symbols)
    print(f"{path}: {bpc:.6f} bits per character over {len(symbols) - 1} characters of {options.text}")
    if options.expect is not None:
        difference = abs(bpc - options.expect)
        agrees = difference <= options.tolerance
        print(f"expected {options.expect:.6f}: difference {difference:.1e}, {'agrees' if agrees else 'DIFFERS'}")
        return 0 if agrees else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
