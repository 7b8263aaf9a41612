"""PyTorch's side of vs_pytorch.py, a process a variant: takes as many steps as each line of the standard input says, and prints a line of
JSON a step. The line "multiplies" times the step's own multiplies, or convolutions, alone.

    python3 bench/pytorch_worker.py --check      the peers against tests/golden/model_hyperlstm_ln_plain.safetensors and image_wrn_hyper.safetensors
"""

import argparse
import json
import sys
from pathlib import Path

import torch

import pytorch_images
import pytorch_models

GOLDEN = Path(__file__).resolve().parents[1] / "tests/golden"


def process_peak():
    """The most memory that this process ever held, in bytes; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the golden files and stop")
    parser.add_argument("--shape", type=json.loads, help="the size, as `hypernet bench step` prints it")
    parser.add_argument("--cell", choices=("hyperlstm", "lstm"), default="hyperlstm")
    variants = ("eager", "compiled", "autotuned", "eager-contiguous", "compiled-contiguous")
    parser.add_argument("--variant", choices=variants, default="eager")
    parser.add_argument("--chunk", type=int, default=5, help="steps in one compiled function")
    parser.add_argument("--keep", type=float, nargs=3, default=(0.9, 0.9, 0.9), help="of input, recurrent, output dropout")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.check:
        differences = {"HyperLSTM": pytorch_models.check(GOLDEN / "model_hyperlstm_ln_plain.safetensors"),
                       "wide ResNet": pytorch_images.check(GOLDEN / "image_wrn_hyper.safetensors")}
        for name, difference in differences.items():
            print(f"{name}: largest difference of the loss and all gradients {difference:.1e}")
        return 0 if max(differences.values()) < 1e-12 else 1
    if "network" in options.shape:
        trainer = pytorch_images.ImageTrainer(options.shape, options.variant)
    else:
        trainer = pytorch_models.Trainer(options.shape, options.cell, options.variant, options.chunk, tuple(options.keep))
    for line in sys.stdin:
        if line.strip() == "multiplies":
            print(json.dumps({"multiplies": trainer.multiply_seconds()}), flush=True)
            continue
        for _ in range(int(line)):
            seconds, loss = trainer.step()
            print(json.dumps({"seconds": seconds, "loss": loss, "process_peak": process_peak()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
