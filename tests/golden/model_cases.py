"""The cases of model_*.safetensors and sequence_*.safetensors: whole models and single layers, with every gradient.

Stored: the parameters under their names in docs/checkpoint.md, `grad.NAME` of each, and what README.md here lists.
__metadata__ has the settings as JSON under "model" and, for models, the dropout under "case".
"""

import json

import numpy as np
import torch

from philox import site_hash
from reference import Dropout, Model, language_model, random_parameters, sequence

BATCH, LENGTH = 3, 5
SEED = 0x9E3779B97F4A7C15  # both halves of the key are used

LSTM = Model(cell="lstm", layer_norm=False)
LSTM_LN = Model(cell="lstm")
HYPERLSTM = Model(layer_norm=False)
HYPERLSTM_LN = Model()
ZONEOUT_LN = Model(cell="lstm", layer_norm_epsilon=0.1, zoneout_cell=0.4, zoneout_hidden=0.3)
RNN = Model(cell="rnn")
HYPERRNN = Model(cell="hyperrnn")
HYPERRNN_FULL = Model(cell="hyperrnn_full")
DROPOUT = Dropout(input=0.8, output=0.7, recurrent=0.9, seed=SEED, step=3)
DROPOUT_HYPER = Dropout(input=0.8, output=0.7, recurrent=0.9, hyper_recurrent=0.85, seed=SEED, step=7)
DROPOUT_RNN = Dropout(input=0.8, between=0.75, output=0.7, seed=SEED, step=5)
DROPOUT_LAYERS = Dropout(input=0.8, between=0.75, output=0.7, recurrent=0.9, hyper_recurrent=0.85, seed=SEED, step=1)

MODELS = {  # name: (model, dropout, lengths)
    "lstm": (LSTM, DROPOUT, None),
    "lstm_plain": (LSTM, Dropout(), None),
    "lstm_ln": (LSTM_LN, DROPOUT, None),
    "hyperlstm": (HYPERLSTM, DROPOUT, None),
    "hyperlstm_ln": (HYPERLSTM_LN, DROPOUT_HYPER, None),
    "hyperlstm_ln_plain": (HYPERLSTM_LN, Dropout(), None),
    "hyperlstm_ln_lengths": (HYPERLSTM_LN, DROPOUT_HYPER, (5, 2, 3)),
    "hyperlstm_ln_previous": (Model(hyper_output="previous"), DROPOUT, None),
    "hyperlstm_ln_2": (Model(layers=2), DROPOUT_LAYERS, None),
    "lstm_2": (Model(cell="lstm", layer_norm=False, layers=2), DROPOUT_LAYERS, None),
    "lstm_zoneout": (Model(cell="lstm", layer_norm=False, zoneout_cell=0.4, zoneout_hidden=0.3), DROPOUT, (5, 2, 3)),
    "lstm_zoneout_evaluated": (ZONEOUT_LN, Dropout(training=False), None),
    "hyperlstm_zoneout": (
        Model(layer_norm=False, hyper_layer_norm="always", layer_norm_epsilon=0.02, zoneout_cell=0.2, zoneout_hidden=0.5),
        DROPOUT_HYPER,
        None,
    ),
    "hyperrnn_zoneout_2": (Model(cell="hyperrnn", zoneout_hidden=0.3, layers=2), DROPOUT_RNN, None),
    "rnn": (RNN, DROPOUT_RNN, None),
    "rnn_relu_2": (Model(cell="rnn", activation="relu", layers=2), DROPOUT_RNN, (5, 2, 3)),
    "hyperrnn": (HYPERRNN, DROPOUT_RNN, None),
    "hyperrnn_previous_2": (Model(cell="hyperrnn", hyper_output="previous", layers=2), DROPOUT_RNN, (4, 5, 1)),
    "hyperrnn_full": (HYPERRNN_FULL, DROPOUT_RNN, None),
    "hyperrnn_full_relu_2": (Model(cell="hyperrnn_full", activation="relu", layers=2), Dropout(), (5, 1, 3)),
}

SEQUENCES = {  # name: (model, lengths, reverse)
    "lstm": (LSTM, None, False),
    "lstm_ln_reverse": (LSTM_LN, (5, 1, 4), True),
    "hyperlstm": (HYPERLSTM, (3, 5, 0), False),
    "hyperlstm_ln": (HYPERLSTM_LN, None, False),
    "hyperlstm_ln_reverse": (HYPERLSTM_LN, (2, 5, 3), True),
    "rnn_reverse": (RNN, (2, 5, 0), True),
    "hyperrnn": (HYPERRNN, (3, 5, 0), False),
    "hyperrnn_relu_reverse": (Model(cell="hyperrnn", activation="relu"), None, True),
    "hyperrnn_full": (HYPERRNN_FULL, None, False),
    "hyperrnn_full_reverse": (HYPERRNN_FULL, (1, 5, 4), True),
}


def exact_normal(rng, *shape):
    """Normal numbers that are exact in float32 too, as a float64 leaf."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32).astype(np.float64)).requires_grad_()


def as_int32(values):
    return torch.as_tensor(values).to(torch.int32)


def with_gradients(parameters, others, gradients):
    """Tensors of a file: parameters, their gradients, and `others`, whose differentiable entries have gradients too."""
    tensors = dict(parameters) | others
    for name, gradient in gradients.items():
        tensors[f"grad.{name}"] = gradient.contiguous()
    return tensors


def model_case(name):
    model, dropout, lengths = MODELS[name]
    rng = np.random.default_rng(site_hash("model " + name))
    parameters = random_parameters(model, rng)
    symbols, targets = rng.integers(0, model.vocabulary_size, (2, BATCH, LENGTH))
    states = {f"state.{k}": exact_normal(rng, BATCH, model.state_size()) for k in range(model.layers)}
    result = language_model(
        parameters,
        model,
        torch.from_numpy(symbols),
        torch.from_numpy(targets),
        list(states.values()),
        None if lengths is None else torch.tensor(lengths),
        dropout,
    )
    leaves = parameters | states
    gradients = dict(zip(leaves, torch.autograd.grad(result.loss, list(leaves.values()))))
    others = {"symbols": as_int32(symbols), "targets": as_int32(targets)} | states
    if lengths is not None:
        others["lengths"] = as_int32(lengths)
    others |= {"loss": result.loss, "outputs": result.outputs}
    others |= {f"final_state.{k}": state.contiguous() for k, state in enumerate(result.states)}
    metadata = {
        "model": model.settings(),
        "case": json.dumps(dropout.settings()),
    }
    return with_gradients(parameters, others, gradients), metadata


def sequence_case(name):
    model, lengths, reverse = SEQUENCES[name]
    rng = np.random.default_rng(site_hash("sequence " + name))
    parameters = {key: value for key, value in random_parameters(model, rng).items() if key.startswith("layers.")}
    leaves = {
        "inputs": exact_normal(rng, BATCH, LENGTH, model.input_width(0)),
        "state": exact_normal(rng, BATCH, model.state_size()),
    }
    row_lengths = None if lengths is None else torch.tensor(lengths)
    outputs, final_state = sequence(parameters, "layers.0", leaves["inputs"], leaves["state"], model, row_lengths, reverse)
    cotangents = [exact_normal(rng, *tensor.shape).detach() for tensor in (outputs, final_state)]
    wanted = parameters | leaves
    gradients = torch.autograd.grad((outputs, final_state), list(wanted.values()), cotangents)
    others = leaves | {"outputs": outputs.contiguous(), "final_state": final_state.contiguous()}
    others |= {"cotangent.outputs": cotangents[0], "cotangent.final_state": cotangents[1]}
    if lengths is not None:
        others["lengths"] = as_int32(lengths)
    metadata = {"model": model.settings(), "case": json.dumps({"reverse": reverse})}
    return with_gradients(parameters, others, dict(zip(wanted, gradients))), metadata


def all_files():
    files = {f"model_{name}": model_case(name) for name in MODELS}
    return files | {f"sequence_{name}": sequence_case(name) for name in SEQUENCES}
