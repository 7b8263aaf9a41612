"""train_hyperlstm_ln.safetensors: 20 steps of Adam on windows of one text, with carried state, dropout and clipping."""

import json

import numpy as np
import torch

from philox import site_hash
from reference import Adam, Dropout, Model, language_model, random_parameters

STEPS, BATCH, LENGTH = 20, 3, 5
RATE, CLIP = 2e-3, 1.0
DROPOUT = Dropout(input=0.9, output=0.9, recurrent=0.9, hyper_recurrent=0.95, seed=20170424)


def some_text(rng, count, vocabulary_size):
    """Symbols in which each is mostly followed by the third after it, so that there is something to learn."""
    text = [0]
    while len(text) < count:
        text.append((text[-1] + 3) % vocabulary_size if rng.random() < 0.8 else rng.integers(vocabulary_size))
    return np.array(text)


def all_files():
    model = Model()
    rng = np.random.default_rng(site_hash("train"))
    parameters = random_parameters(model, rng)
    with torch.no_grad():
        parameters["softmax.weight"] *= 2  # large enough gradients for the clipping to act on about half of the steps
    tracks = np.stack([some_text(rng, STEPS * LENGTH + 1, model.vocabulary_size) for _ in range(BATCH)])
    symbols = tracks[:, :-1].reshape(BATCH, STEPS, LENGTH).swapaxes(0, 1)  # [steps,B,T]
    targets = tracks[:, 1:].reshape(BATCH, STEPS, LENGTH).swapaxes(0, 1)
    tensors = {f"initial.{name}": value.detach().clone() for name, value in parameters.items()}
    adam = Adam(parameters, RATE, CLIP)
    states = [torch.zeros(BATCH, model.state_size(), dtype=torch.float64)]
    losses, norms = [], []
    for step in range(STEPS):
        DROPOUT.step = step
        window = torch.from_numpy(symbols[step].copy()), torch.from_numpy(targets[step].copy())
        result = language_model(parameters, model, *window, states, dropout=DROPOUT)
        gradients = dict(zip(parameters, torch.autograd.grad(result.loss, list(parameters.values()))))
        norms.append(float(adam.step(gradients)))
        losses.append(float(result.loss.detach()))
        states = [state.detach() for state in result.states]
    # both sides of the clipping factor's min() must have been met
    assert min(norms) < CLIP < max(norms), norms
    tensors |= {
        "symbols": np.ascontiguousarray(symbols, dtype=np.int32),
        "targets": np.ascontiguousarray(targets, dtype=np.int32),
        "losses": np.array(losses),
        "gradient_norms": np.array(norms),
        "final_state.0": states[0].contiguous(),
    }
    tensors |= {f"final.{name}": value.detach() for name, value in parameters.items()}
    settings = DROPOUT.settings() | {"rate": RATE, "clip_norm": CLIP, "steps": STEPS}
    del settings["step"]  # the number of the window
    return {"train_hyperlstm_ln": (tensors, {"model": model.settings(), "case": json.dumps(settings)})}
