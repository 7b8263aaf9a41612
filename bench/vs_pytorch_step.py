#!/usr/bin/env python3
"""Races one training step of ptb-hyperlstm-ln against PyTorch eager on the same machine, threads and text.

    pip install torch numpy
    cmake --preset release && cmake --build --preset release
    python3 bench/vs_pytorch_step.py --data DIR --rounds 4 --ours-steps 3 --theirs-steps 3

DIR holds ptb.train.txt, or ptb/ptb.train.txt. The two take turns, a round each, and who goes first alternates; the first step
of every turn warms up and is thrown away. PyTorch (pytorch_step.py) stays one process through the race and sleeps while it
is not its turn; its interpreter is --python. Ours is started anew each turn: --hypernet is a command that prints a line
{"step": 0, "seconds": 4.2} for each step; {steps}, {threads}, {data} and the sizes ({units}, {hyper_units}, {embedding_size},
{vocabulary_size}, {batch}, {length}) are filled in. Other lines are ignored.

With --run RUN our side is the program itself, training that recipe in RUN: the figures of bench/SPEED.md are

    python3 bench/vs_pytorch_step.py --data DIR --run RUN --rounds 10 --ours-steps 19 --theirs-steps 5

Prints the median, quartiles and extremes of both, characters a second and the ratio (above 1: ours is faster); --json writes
them, with every single time, to a file. --require 1.0 exits 1 when ours is slower. Do nothing else on the machine meanwhile.
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
OURS = "build/release/bench/step_bench --steps {steps} --threads {threads} --data {data}"
SIZES = {  # the paper's, section 4.3
    "units": 1000,
    "hyper_units": 128,
    "embedding_size": 4,
    "vocabulary_size": 50,
    "batch": 128,
    "length": 100,
}


def seconds_of(lines, count):
    """The times of the next `count` steps among the lines that a program prints."""
    times = []
    while len(times) < count:
        line = lines.readline()
        if not line:
            sys.exit(f"vs_pytorch_step: a program stopped after {len(times)} of {count} steps; its message is above")
        if line.startswith("{"):
            times.append(float(json.loads(line)["seconds"]))
    return times


class Ours:
    def __init__(self, options, sizes):
        self.options, self.sizes = options, sizes

    def turn(self, steps):
        values = self.sizes | {"steps": steps + 1, "threads": self.options.threads, "data": self.options.data}
        command = [word.format(**values) for word in shlex.split(self.options.hypernet)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                return seconds_of(process.stdout, steps + 1)[1:]
            finally:
                process.terminate()

    def close(self):
        pass


class OursTraining:
    """The program itself: `hypernet train ptb-hyperlstm-ln`, stopped and resumed every turn; seconds of each update from run.json."""

    def __init__(self, options):
        self.options, self.done, self.folder = options, 0, Path(options.run)
        if self.folder.exists():
            sys.exit(f"vs_pytorch_step: {self.folder} is there already: name a folder that is not")

    def turn(self, steps):
        begin = ["ptb-hyperlstm-ln", "-o", str(self.folder), "--set", "train.log_every=1"]
        self.done += steps + 1
        command = [self.options.program, "train", *(begin if self.done == steps + 1 else ["--resume", str(self.folder)])]
        command += ["--data", self.options.data, "--threads", str(self.options.threads), "--max-steps", str(self.done)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"vs_pytorch_step: exit status {done.returncode} of {shlex.join(command)}\n{done.stderr}")
        rows = json.loads((self.folder / "run.json").read_text())["rows"][-steps - 1 :]
        return [after[1] - before[1] for before, after in zip(rows, rows[1:])]

    def close(self):
        pass


class Theirs:
    def __init__(self, options, sizes):
        # memory stays with the process between steps: otherwise page faults take about a sixth of each
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        environment |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 27)}
        command = [options.python, str(FOLDER / "pytorch_step.py"), "--serve", "--threads", str(options.threads)]
        command += ["--data", options.data] + [f"--{name.replace('_', '-')}={value}" for name, value in sizes.items()]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def turn(self, steps):
        self.process.stdin.write(f"{steps + 1}\n")
        self.process.stdin.flush()
        return seconds_of(self.process.stdout, steps + 1)[1:]

    def close(self):
        self.process.terminate()
        self.process.wait()


def race(options, sizes):
    """-> {"ours": [[seconds of a turn], ..], "theirs": [..]}"""
    ours = OursTraining(options) if options.run else Ours(options, sizes)
    sides = {"ours": ours, "theirs": Theirs(options, sizes)}
    steps = {"ours": options.ours_steps, "theirs": options.theirs_steps}
    times = {"ours": [], "theirs": []}
    try:
        for number in range(options.rounds):
            for name in ("ours", "theirs") if number % 2 == 0 else ("theirs", "ours"):
                times[name].append(sides[name].turn(steps[name]))
                shown = " ".join(f"{seconds:.3f}" for seconds in times[name][-1])
                print(f"round {number + 1} {name:6} {shown}", file=sys.stderr, flush=True)
    finally:
        for side in sides.values():
            side.close()
    return times


def summary(turns, characters):
    times = sorted(seconds for turn in turns for seconds in turn)
    quartiles = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    return {
        "steps": len(times),
        "median_seconds": quartiles[1],
        "quartile_seconds": [quartiles[0], quartiles[2]],
        "extreme_seconds": [times[0], times[-1]],
        "characters_per_second": characters / quartiles[1],
        "turns": turns,
    }


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def report(times, sizes, options):
    characters = sizes["batch"] * sizes["length"]
    result = {name: summary(turns, characters) for name, turns in times.items()}
    per_round = [statistics.median(b) / statistics.median(a) for a, b in zip(times["ours"], times["theirs"])]
    ratio = result["theirs"]["median_seconds"] / result["ours"]["median_seconds"]
    result |= {"ratio": ratio, "ratio_per_round": per_round, "sizes": sizes, "threads": options.threads}
    result |= {"processor": processor(), "cores": os.cpu_count(), "load_average": os.getloadavg()}
    print(f"{result['processor']}, {options.threads} threads; " + ", ".join(f"{k} {v}" for k, v in sizes.items()))
    print(f"{'':10}{'median s':>10}{'quartiles':>18}{'extremes':>18}{'characters/s':>14}{'steps':>7}")
    for name, label in (("ours", "hypernet"), ("theirs", "PyTorch")):
        side = result[name]
        spans = ["{:.3f} .. {:.3f}".format(*side[key]) for key in ("quartile_seconds", "extreme_seconds")]
        numbers = f"{side['characters_per_second']:14.0f}{side['steps']:7}"
        print(f"{label:10}{side['median_seconds']:10.3f}{spans[0]:>18}{spans[1]:>18}{numbers}")
    print(f"hypernet is {ratio:.2f} times as fast (rounds: {min(per_round):.2f} .. {max(per_round):.2f})")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hypernet", default=OURS, metavar="CMD", help=f"our side (default: {OURS})")
    parser.add_argument("--run", metavar="RUN", help="our side is `hypernet train ptb-hyperlstm-ln -o RUN`, resumed every turn")
    parser.add_argument("--program", default="build/release/hypernet", help="hypernet, for --run (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch (default: this one)")
    parser.add_argument("--data", required=True, help="folder with ptb.train.txt, or one with ptb/ in it")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--ours-steps", type=int, default=3, help="timed steps of ours a round")
    parser.add_argument("--theirs-steps", type=int, default=3, help="timed steps of PyTorch a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    parser.add_argument("--require", type=float, metavar="RATIO", help="exit 1 if the ratio is below this")
    for name, value in SIZES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value, help=f"(default {value})")
    options = parser.parse_args()
    if min(options.rounds, options.ours_steps, options.theirs_steps, options.threads) < 1:
        parser.error("rounds, steps and threads must be 1 or more")
    sizes = {name: getattr(options, name) for name in SIZES}
    result = report(race(options, sizes), sizes, options)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    return 1 if options.require is not None and not result["ratio"] >= options.require else 0


if __name__ == "__main__":
    sys.exit(main())
