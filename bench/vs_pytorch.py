#!/usr/bin/env python3
"""Races training steps against PyTorch on this machine: the same sizes, threads, precision and dropouts, turn by turn.

    pip install torch numpy
    ./dev build release
    python3 bench/vs_pytorch.py --size ptb --rounds 7

Every side is a process that sleeps while it is not its turn; in a round each takes one step that is thrown away and --steps that count, and who
begins changes from round to round. Symbols are drawn by chance on both sides, so no data is needed. The sides are

    hypernet         `hypernet bench step`: the layer-norm HyperLSTM, three dropouts (0.9), clipping, Adam
    eager            the same in PyTorch, as fast as eager mode allows (pytorch_models.py)
    compiled         the same by torch.compile, --chunk steps in one function; autotuned: with max-autotune-no-cudagraphs
    hypernet lstm    the plain LSTM; without recurrent dropout, since nn.LSTM has none
    nn.lstm          torch.nn.LSTM

PyTorch also times its own multiplies alone, as they are in its step. A variant that takes more than 2.6 (eager) or 2.2 (compiled) times as long as
its multiplies is badly written for this machine and does not count (nn.LSTM multiplies by oneDNN, not as PyTorch does elsewhere). The ratio (above 1: ours is faster) is that to the best variant that counts.

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
SIZES = ("ptb", "enwik8", "handwriting", "laptop")
NAMES = {"hypernet": "hypernet", "eager": "PyTorch eager", "compiled": "PyTorch compiled", "autotuned": "PyTorch autotuned",
         "hypernet lstm": "hypernet", "nn.lstm": "torch.nn.LSTM"}


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


def our_side(options, cell, keep_recurrent):
    command = [options.program, "bench", "step", "--size", options.size, "--cell", cell, "--threads", str(options.threads)]
    return Side([*command, "--keep-recurrent", str(keep_recurrent), "--steps", "-", *options.quick])


def their_side(options, shape, cell, variant):
    # memory stays with the process between steps: otherwise page faults take about a sixth of each
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    environment |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 27)}
    command = [options.python, str(FOLDER / "pytorch_worker.py"), "--threads", str(options.threads), "--cell", cell]
    command += ["--shape", json.dumps(shape), "--variant", variant, "--chunk", str(options.chunk)]
    return Side([*command, "--keep", "0.9", "1.0" if cell == "lstm" else "0.9", "0.9"], environment)


def shape_of(options):
    """The numbers of the size, from the program itself: what its steps begin with."""
    command = [options.program, "bench", "step", "--size", options.size, "--steps", "-", *options.quick]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        stop(f"exit status {done.returncode} of {shlex.join(command)}")
    return json.loads(done.stdout.splitlines()[0])["shape"]


def open_sides(options, shape):
    sides = {}
    if "hyperlstm" in options.cells:
        sides["hypernet"] = Training(options) if options.run else our_side(options, "hyperlstm", 0.9)
        for variant in options.variants:
            sides[variant] = their_side(options, shape, "hyperlstm", variant)
    if "lstm" in options.cells:
        sides["hypernet lstm"] = our_side(options, "lstm", 1)
        sides["nn.lstm"] = their_side(options, shape, "lstm", "eager")
    return sides


def race(options, shape):
    """-> seconds of each side's turns [[..], ..], seconds of PyTorch's own multiplies, the most memory of each."""
    sides = open_sides(options, shape)
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
                if name == options.variants[0] and number > 0:
                    multiplies[name].append(sides[name].multiplies())
    finally:
        for side in sides.values():
            side.close()
    for variant in options.variants[1:] if options.variants[0] in sides else []:  # the same products
        multiplies[variant] = multiplies[options.variants[0]]
    return times, multiplies, {name: side.last for name, side in sides.items()}


def summary(turns, characters, multiplies, last):
    times = sorted(seconds for turn in turns for seconds in turn)
    quartiles = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    alone = statistics.median(multiplies) if multiplies else None
    return {
        "steps": len(times),
        "median_seconds": quartiles[1],
        "quartile_seconds": [quartiles[0], quartiles[2]],
        "extreme_seconds": [times[0], times[-1]],
        "characters_per_second": characters / quartiles[1],
        "multiplies": alone,
        "over_multiplies": quartiles[1] / alone if alone else None,
        "process_peak": last.get("process_peak"),
        "graph_and_store": last.get("bytes"),
        "turns": turns,
    }


def compare(result, ours, theirs):
    """How much faster ours is: by medians, and round by round."""
    rounds = [statistics.median(b) / statistics.median(a) for a, b in zip(result[ours]["turns"], result[theirs]["turns"])]
    most = MOST_OVER_MULTIPLIES.get(theirs)
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


def print_side(name, side):
    spread = "{:.3f} .. {:.3f}".format(*side["quartile_seconds"])
    memory = f"{side['process_peak'] / 1e6:,.0f}" if side["process_peak"] else "-"
    over = f"{side['over_multiplies']:.2f}" if side["over_multiplies"] else "-"
    line = f"  {NAMES[name]:18}{side['median_seconds']:9.3f}{spread:>18}{side['characters_per_second']:11,.0f}{memory:>10}{over:>8}"
    if "ratio" in side:
        rounds = side["ratio_per_round"]
        line += f"{side['ratio']:8.2f} ({min(rounds):.2f} .. {max(rounds):.2f})" + ("" if side["counts"] else ", does not count")
    print(line)


def report(result, options, shape):
    raced = [variant for variant in options.variants if variant in result]
    for variant in raced:
        compare(result, "hypernet", variant)
    if "nn.lstm" in result:
        compare(result, "hypernet lstm", "nn.lstm")
    counted = [result[variant]["ratio"] for variant in raced if result[variant]["counts"]]
    print(f"{processor()}, {options.threads} threads; {options.size}: " + ", ".join(f"{k} {v}" for k, v in shape.items() if k != "dense"))
    print(f"{'':20}{'median s':>9}{'quartiles':>18}{'symbols/s':>11}{'most MB':>10}{'/mult.':>8}   ours is faster (rounds)")
    if raced:
        print("layer-norm HyperLSTM")
        for name in ("hypernet", *raced):
            print_side(name, result[name])
    if "nn.lstm" in result:
        print("plain LSTM, without recurrent dropout")
        print_side("hypernet lstm", result["hypernet lstm"])
        print_side("nn.lstm", result["nn.lstm"])
    best = min(counted) if counted else None
    if raced:
        print(f"against the best of PyTorch that counts: {best:.2f} times as fast" if counted else "no variant of PyTorch counts")
    return {"sides": result, "ratio": best, "shape": shape, "size": options.size, "threads": options.threads,
            "processor": processor(), "cores": os.cpu_count(), "load_average": os.getloadavg()}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/hypernet", help="hypernet (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch (default: this one)")
    parser.add_argument("--size", choices=SIZES, default="ptb", help="(default: ptb)")
    parser.add_argument("--variants", default="eager,compiled", help="of PyTorch: eager, compiled, autotuned (default: %(default)s)")
    parser.add_argument("--chunk", type=int, default=5, help="steps in one compiled function (default: 5)")
    parser.add_argument("--cells", default="hyperlstm,lstm", help="one of the two, or both (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="that count; one more comes first (default: 7)")
    parser.add_argument("--steps", type=int, default=1, help="of each side in a round that count (default: 1)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_const", const=["--quick"], default=[], help="tiny sizes: shows that it runs")
    parser.add_argument("--run", metavar="RUN", help="our side is `hypernet train ptb-hyperlstm-ln -o RUN`, resumed every turn")
    parser.add_argument("--data", help="with --run: the folder with ptb/ in it")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    parser.add_argument("--require", type=float, metavar="RATIO", help="exit 1 if the ratio is below this")
    options = parser.parse_args()
    options.variants, options.cells = options.variants.split(","), options.cells.split(",")
    unknown = [name for name in options.variants if name not in MOST_OVER_MULTIPLIES]
    if unknown:
        parser.error(f"--variants: '{unknown[0]}' is none of {', '.join(MOST_OVER_MULTIPLIES)}")
    if any(cell not in ("hyperlstm", "lstm") for cell in options.cells):
        parser.error("--cells: hyperlstm, lstm or both with a comma between them")
    if options.require is not None and "hyperlstm" not in options.cells:
        parser.error("--require looks at the HyperLSTM: leave --cells away")
    if min(options.rounds, options.steps, options.threads, options.chunk) < 1:
        parser.error("rounds, steps, threads and chunk must be 1 or more")
    if options.run and (not options.data or options.size != "ptb" or options.quick):
        parser.error("--run trains ptb-hyperlstm-ln: it needs --data, and --size ptb")
    return options


def main():
    options = parse_options()
    shape = shape_of(options)
    times, multiplies, last = race(options, shape)
    characters = shape["batch"] * shape["length"]
    result = {name: summary(times[name], characters, multiplies[name], last[name]) for name in times}
    found = report(result, options, shape)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    return 1 if options.require is not None and not (found["ratio"] or 0) >= options.require else 0


if __name__ == "__main__":
    sys.exit(main())
