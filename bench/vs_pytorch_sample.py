#!/usr/bin/env python3
"""Races sampling from the 1000-unit LN-HyperLSTM (1000/128/4, 50 symbols) against PyTorch on the same machine and threads.

    pip install torch numpy            # and a C++ compiler, for torch.compile
    cmake --preset release && cmake --build --preset release
    python3 bench/vs_pytorch_sample.py --rounds 9 --steps 300

All sides take turns: ours with weights as f32, bf16 and int8 (`hypernet bench stream`), PyTorch eager, compiled, and compiled with frozen
weights (pytorch_sample.py), all of PyTorch in float32. In each the largest logit is the next symbol. A turn is `steps` steps after some that warm up;
its figure is the median, of ours over hundreds of steps. All processes stay through the race and sleep while it is not their turn. Prints for each number of rows the median over the turns with
the extremes, and how many times as fast ours is as the best of PyTorch's compiled variants and as eager; --json writes every turn to a
file, --require F32,BF16,INT8 exits 1 where a ratio at one row is below. Do nothing else on the machine meanwhile.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

from vs_pytorch import Side, processor

FOLDER = Path(__file__).resolve().parent
STORAGES = ("f32", "bf16", "int8")
VARIANTS = ("eager", "compiled", "frozen")


class Ours(Side):
    """A line of `bench stream` is a hundred steps of each row."""

    def __init__(self, options, rows, storage):
        command = [options.program, "bench", "stream", "--size", "ptb", "--rows", str(rows), "--storage", storage]
        super().__init__([*command, "--threads", str(options.threads), "--steps", "-"])

    def turn(self, steps):
        return [seconds / 100 for seconds in super().turn(math.ceil(steps / 100))]


class Theirs:
    def __init__(self, options, rows, variant):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        command = [options.python, str(FOLDER / "pytorch_sample.py"), "--serve", "--variant", variant]
        command += ["--rows", str(rows), "--threads", str(options.threads)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def turn(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        lines = [self.process.stdout.readline() for _ in range(steps)]
        if not lines[-1]:
            sys.exit("vs_pytorch_sample: PyTorch's side stopped; its message is above")
        return [float(line) for line in lines]

    def close(self):
        self.process.terminate()
        self.process.wait()


def race(options, rows):
    """-> {side: [median seconds of a turn]}"""
    sides = {name: Ours(options, rows, name) for name in STORAGES}
    sides |= {name: Theirs(options, rows, name) for name in VARIANTS}
    turns = {name: [] for name in sides}
    try:
        for name in VARIANTS:
            sides[name].turn(1)  # compiles
        for number in range(options.rounds):
            for name in list(sides) if number % 2 == 0 else list(sides)[::-1]:
                turns[name].append(statistics.median(sides[name].turn(options.steps)))
            shown = ", ".join(f"{name} {values[-1] * 1e6:.0f}" for name, values in turns.items())
            print(f"{rows} rows, round {number + 1}, microseconds: {shown}", file=sys.stderr, flush=True)
    finally:
        for side in sides.values():
            side.close()
    return turns


def report(turns, rows):
    """Prints a table; -> ratios of each storage to the best compiled variant."""
    medians = {name: statistics.median(values) for name, values in turns.items()}
    best = min(("compiled", "frozen"), key=medians.get)
    print(f"| {rows} row{'s' * (rows > 1)} | microseconds a step | turns | times PyTorch {best} | times eager | symbols a second |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for name, values in turns.items():
        label = f"hypernet {name}" if name in STORAGES else f"PyTorch {name}"
        spread = f"{min(values) * 1e6:.0f} .. {max(values) * 1e6:.0f}"
        ratios = [medians[best] / medians[name], medians["eager"] / medians[name]]
        print(f"| {label} | {medians[name] * 1e6:.0f} | {spread} | {ratios[0]:.2f} | {ratios[1]:.2f} | {rows / medians[name]:,.0f} |")
    print()
    return {name: medians[best] / medians[name] for name in STORAGES}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/hypernet", help="hypernet (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch (default: this one)")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=300, help="timed steps of a turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    parser.add_argument("--require", metavar="F32,BF16,INT8", help="exit 1 if a ratio at one row is below its number")
    options = parser.parse_args()
    if min(options.rounds, options.steps, options.threads, *options.rows) < 1:
        parser.error("rounds, steps, threads and rows must be 1 or more")
    wanted = [float(number) for number in options.require.split(",")] if options.require else None
    if wanted is not None and (len(wanted) != 3 or 1 not in options.rows):
        parser.error("--require wants three numbers, and a race of one row")
    print(f"{processor()}, {os.cpu_count()} cores, {options.threads} threads\n")
    result, ratios = {"processor": processor(), "threads": options.threads, "rows": {}}, {}
    for rows in options.rows:
        turns = result["rows"][rows] = race(options, rows)
        ratios[rows] = report(turns, rows)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    return 0 if wanted is None or all(ratios[1][name] >= least for name, least in zip(STORAGES, wanted)) else 1


if __name__ == "__main__":
    sys.exit(main())
