#!/usr/bin/env python3
"""Races training steps against PyTorch on this machine: the same sizes, threads, precision, dropouts or augmentation, turn by turn.

    pip install torch numpy
    ./dev build release
    python3 bench/vs_pytorch.py --size ptb --rounds 7
    python3 bench/vs_pytorch.py --size wrn-40-1 --require 1.3

Every side is a process that sleeps while it is not its turn; in a round each takes one step that is thrown away and --steps that count, and who
begins changes from round to round. Symbols and pixels are drawn by chance on both sides, so no data is needed. The sides are

    hypernet         `hypernet bench step`: the layer-norm HyperLSTM, three dropouts (0.9), clipping, Adam
    eager            the same in PyTorch, as fast as eager mode allows (pytorch_models.py)
    compiled         the same by torch.compile, --chunk steps in one function; autotuned: with max-autotune-no-cudagraphs
    hypernet lstm    the plain LSTM; without recurrent dropout, since nn.LSTM has none
    nn.lstm          torch.nn.LSTM

and for images

    hypernet         the wide ResNet whose kernels are generated: augmentation, L2, batch-norm statistics, Adam; and the same with stored
                     kernels with --cells hyper,stored
    eager, compiled  the same in PyTorch with channels last (pytorch_images.py); eager-contiguous, compiled-contiguous: channels first

PyTorch also times its own multiplies alone, or its convolutions, as they are in its step. A variant of the HyperLSTM that takes more than 2.6 (eager)
or 2.2 (compiled) times as long as its multiplies is badly written for this machine and does not count (nn.LSTM multiplies by oneDNN, not as PyTorch
does elsewhere). The ratio (above 1: ours is faster) is that to the best variant that counts.

With --run RUN our side of the HyperLSTM is the program itself, training the recipe ptb-hyperlstm-ln of --data in RUN, stopped and resumed every turn.

Prints medians and quartiles, ratios and their extremes over the rounds, and the most memory of each process; --json writes all of it and every single
time to a file. --require 1.6 exits 1 when the ratio is below. Do nothing else on the machine meanwhile.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MOST_OVER_MULTIPLIES = {"eager": 2.6, "compiled": 2.2, "autotuned": 2.2}
SEQUENCES = ("ptb", "enwik8", "handwriting", "laptop")
IMAGES = ("wrn-40-1",)
TITLES = {"hyperlstm": "layer-norm HyperLSTM", "lstm": "plain LSTM, without recurrent dropout", "hyper": "generated kernels",
          "stored": "stored kernels"}


class Kind:
    """What is raced at a size: cells or weights, the first of them the one that --require looks at, and variants of PyTorch."""

    def __init__(self, size):
        self.images = size in IMAGES
        self.cells = ("hyper", "stored") if self.images else ("hyperlstm", "lstm")
        self.default_cells = self.cells[:1] if self.images else self.cells
        self.variants = ("eager", "compiled", "eager-contiguous", "compiled-contiguous") if self.images else tuple(MOST_OVER_MULTIPLIES)
        self.default_variants = self.variants if self.images else ("eager", "compiled")
        self.unit = "images" if self.images else "symbols"
        self.alone = "conv." if self.images else "mult."

    def units_of_step(self, shape):
        return shape["batch"] * (1 if self.images else shape["length"])


def stop(text):
    sys.exit(f"vs_pytorch: {text}")


class Side:
    """A process that takes as many steps as it is told and prints a line of JSON a step."""

    def __init__(self, command, environment=None):
        self.command, self.last = command, {}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def ask(self, request, count):
        answers = []
        try:
            self.process.stdin.write(f"{request}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        while len(answers) < count:
            line = self.process.stdout.readline()
            if not line:
                stop(f"a program ended after {len(answers)} of {count} steps, its message is above: {shlex.join(self.command)}")
            if line.startswith("{") and "shape" not in line:
                answers.append(json.loads(line))
        return answers

    def turn(self, steps):
        answers = self.ask(steps + 1, steps + 1)
        self.last = answers[-1]
        return [answer["seconds"] for answer in answers[1:]]

    def multiplies(self):
        return self.ask("multiplies", 1)[0]["multiplies"]

    def close(self):
        self.process.terminate()
        self.process.wait()


class Training:
    """`hypernet train ptb-hyperlstm-ln`, stopped and resumed every turn; seconds of each update from run.json."""

    def __init__(self, options):
        self.options, self.done, self.folder, self.last = options, 0, Path(options.run), {}
        if self.folder.exists():
            stop(f"{self.folder} is there already: name a folder that is not")

    def turn(self, steps):
        begin = ["ptb-hyperlstm-ln", "-o", str(self.folder), "--set", "train.log_every=1"]
        self.done += steps + 1
        command = [self.options.program, "train", *(begin if self.done == steps + 1 else ["--resume", str(self.folder)])]
        command += ["--data", self.options.data, "--threads", str(self.options.threads), "--max-steps", str(self.done)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            stop(f"exit status {done.returncode} of {shlex.join(command)}\n{done.stderr}")
        rows = json.loads((self.folder / "run.json").read_text())["rows"][-steps - 1 :]
        return [after[1] - before[1] for before, after in zip(rows, rows[1:])]

    def close(self):
        pass


def our_side(options, cell):
    command = [options.program, "bench", "step", "--size", options.size, "--threads", str(options.threads), "--steps", "-", *options.quick]
    if options.kind.images:
        return Side([*command, "--weights", cell])
    return Side([*command, "--cell", cell, "--keep-recurrent", "1" if cell == "lstm" else "0.9"])


def their_side(options, shape, cell, variant):
    # memory stays with the process between steps: otherwise page faults take about a sixth of each
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    environment |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 27)}
    command = [options.python, str(FOLDER / "pytorch_worker.py"), "--threads", str(options.threads), "--shape", json.dumps(shape)]
    command += ["--variant", variant]
    if options.kind.images:
        return Side(command, environment)
    command += ["--cell", cell, "--chunk", str(options.chunk)]
    return Side([*command, "--keep", "0.9", "1.0" if cell == "lstm" else "0.9", "0.9"], environment)


def shape_of(options, cell):
    """The numbers of the size, from the program itself: what its steps begin with."""
    which = "--weights" if options.kind.images else "--cell"
    command = [options.program, "bench", "step", "--size", options.size, which, cell, "--steps", "-", *options.quick]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        stop(f"exit status {done.returncode} of {shlex.join(command)}")
    return json.loads(done.stdout.splitlines()[0])["shape"]


class Heat:
    """One cell: our side and PyTorch's, by name."""

    def __init__(self, options, cell):
        self.cell, self.shape = cell, shape_of(options, cell)
        suffix = "" if cell == options.kind.cells[0] else f" {cell}"
        self.ours = f"hypernet{suffix}"
        self.sides = {self.ours: Training(options) if options.run and not suffix else our_side(options, cell)}
        if cell == "lstm":
            self.sides["nn.lstm"] = their_side(options, self.shape, cell, "eager")
        else:
            for variant in options.variants:
                self.sides[variant + suffix] = their_side(options, self.shape, cell, variant)
        self.theirs = list(self.sides)[1:]
        # the multiplies of a HyperLSTM are the same in each variant; convolutions differ with the layout
        self.asked = self.theirs if options.kind.images else self.theirs[: cell != "lstm"]


def race(options, heats):
    """-> seconds of each side's turns [[..], ..], seconds of PyTorch's own multiplies, the last answer of each."""
    sides = {name: side for heat in heats for name, side in heat.sides.items()}
    asked = {name for heat in heats for name in heat.asked}
    times, multiplies = {name: [] for name in sides}, {name: [] for name in sides}
    try:
        for number in range(options.rounds + 1):  # the first round compiles and warms up
            order = list(sides)
            order = order[number % len(order) :] + order[: number % len(order)]
            for name in order:
                seconds = sides[name].turn(options.steps)
                print(f"round {number} {name:14} " + " ".join(f"{s:.4f}" for s in seconds), file=sys.stderr, flush=True)
                if number > 0:
                    times[name].append(seconds)
                if name in asked and number > 0:
                    multiplies[name].append(sides[name].multiplies())
    finally:
        for side in sides.values():
            side.close()
    for heat in heats:
        for name in heat.theirs if heat.asked else []:
            multiplies[name] = multiplies[name] or multiplies[heat.asked[0]]
    return times, multiplies, {name: side.last for name, side in sides.items()}


def summary(turns, units, multiplies, last):
    times = sorted(seconds for turn in turns for seconds in turn)
    quartiles = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    alone = statistics.median(multiplies) if multiplies else None
    return {
        "steps": len(times),
        "median_seconds": quartiles[1],
        "quartile_seconds": [quartiles[0], quartiles[2]],
        "extreme_seconds": [times[0], times[-1]],
        "units_per_second": units / quartiles[1],
        "multiplies": alone,
        "over_multiplies": quartiles[1] / alone if alone else None,
        "process_peak": last.get("process_peak"),
        "graph_and_store": last.get("bytes"),
        "turns": turns,
    }


def compare(result, ours, theirs, most):
    """How much faster ours is: by medians, and round by round. `most`: over its multiplies, for a variant that counts; None: any."""
    rounds = [statistics.median(b) / statistics.median(a) for a, b in zip(result[ours]["turns"], result[theirs]["turns"])]
    side = result[theirs]
    side["ratio"] = side["median_seconds"] / result[ours]["median_seconds"]
    side["ratio_per_round"] = rounds
    side["counts"] = most is None or side["over_multiplies"] is None or side["over_multiplies"] <= most


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def title_of(name):
    name = name.split(" ")[0]
    return {"hypernet": "hypernet", "nn.lstm": "torch.nn.LSTM"}.get(name, f"PyTorch {name}")


def print_side(name, side):
    spread = "{:.3f} .. {:.3f}".format(*side["quartile_seconds"])
    memory = f"{side['process_peak'] / 1e6:,.0f}" if side["process_peak"] else "-"
    over = f"{side['over_multiplies']:.2f}" if side["over_multiplies"] else "-"
    line = f"  {title_of(name):28}{side['median_seconds']:9.3f}{spread:>18}{side['units_per_second']:11,.0f}{memory:>10}{over:>8}"
    if "ratio" in side:
        rounds = side["ratio_per_round"]
        line += f"{side['ratio']:8.2f} ({min(rounds):.2f} .. {max(rounds):.2f})" + ("" if side["counts"] else ", does not count")
    print(line)


def report(result, options, heats):
    kind, best = options.kind, None
    print(f"{processor()}, {options.threads} threads; {options.size}: "
          + ", ".join(f"{k} {v}" for k, v in heats[0].shape.items() if k not in ("dense", "parameters", "weights")))
    print(f"{'':30}{'median s':>9}{'quartiles':>18}{kind.unit + '/s':>11}{'most MB':>10}{'/' + kind.alone:>8}   ours is faster (rounds)")
    for heat in heats:
        for name in heat.theirs:
            compare(result, heat.ours, name, None if kind.images else MOST_OVER_MULTIPLIES.get(name))
        print(TITLES[heat.cell])
        for name in heat.sides:
            print_side(name, result[name])
        if heat.cell == kind.cells[0]:
            best = min((result[name]["ratio"] for name in heat.theirs if result[name]["counts"]), default=None)
            print("no variant of PyTorch counts" if best is None else f"against the best of PyTorch that counts: {best:.2f} times as fast")
    return {"sides": result, "ratio": best, "shape": heats[0].shape, "size": options.size, "threads": options.threads,
            "processor": processor(), "cores": os.cpu_count(), "load_average": os.getloadavg()}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/hypernet", help="hypernet (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch (default: this one)")
    parser.add_argument("--size", choices=SEQUENCES + IMAGES, default="ptb", help="(default: ptb)")
    parser.add_argument("--variants", help="of PyTorch: eager, compiled, autotuned (default: eager,compiled); images: eager, compiled, "
                        "eager-contiguous, compiled-contiguous (default: all)")
    parser.add_argument("--chunk", type=int, default=5, help="steps in one compiled function (default: 5)")
    parser.add_argument("--cells", help="hyperlstm, lstm or both (default: both); images: hyper, stored or both (default: hyper)")
    parser.add_argument("--rounds", type=int, default=7, help="that count; one more comes first (default: 7)")
    parser.add_argument("--steps", type=int, default=1, help="of each side in a round that count (default: 1)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_const", const=["--quick"], default=[], help="tiny sizes: shows that it runs")
    parser.add_argument("--run", metavar="RUN", help="our side is `hypernet train ptb-hyperlstm-ln -o RUN`, resumed every turn")
    parser.add_argument("--data", help="with --run: the folder with ptb/ in it")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    parser.add_argument("--require", type=float, metavar="RATIO", help="exit 1 if the ratio is below this")
    options = parser.parse_args()
    options.kind = kind = Kind(options.size)
    options.variants = options.variants.split(",") if options.variants else kind.default_variants
    options.cells = options.cells.split(",") if options.cells else kind.default_cells
    unknown = [name for name in options.variants if name not in kind.variants]
    if unknown:
        parser.error(f"--variants: '{unknown[0]}' is none of {', '.join(kind.variants)}")
    if any(cell not in kind.cells for cell in options.cells):
        parser.error(f"--cells: {kind.cells[0]}, {kind.cells[1]} or both with a comma between them")
    if options.require is not None and kind.cells[0] not in options.cells:
        parser.error(f"--require looks at {kind.cells[0]}: leave --cells away")
    if min(options.rounds, options.steps, options.threads, options.chunk) < 1:
        parser.error("rounds, steps, threads and chunk must be 1 or more")
    if options.run and (not options.data or options.size != "ptb" or options.quick):
        parser.error("--run trains ptb-hyperlstm-ln: it needs --data, and --size ptb")
    return options


def main():
    options = parse_options()
    heats = [Heat(options, cell) for cell in options.kind.cells if cell in options.cells]
    times, multiplies, last = race(options, heats)
    units = options.kind.units_of_step(heats[0].shape)
    result = {name: summary(times[name], units, multiplies[name], last[name]) for name in times}
    found = report(result, options, heats)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    return 1 if options.require is not None and not (found["ratio"] or 0) >= options.require else 0


if __name__ == "__main__":
    sys.exit(main())
