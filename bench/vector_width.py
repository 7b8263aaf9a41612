#!/usr/bin/env python3
"""What vectors of 256 and of 512 bits would take in the fused pass of a sequence, by llvm-mca's model: no machine with AVX-512 is needed.

    python3 bench/vector_width.py BUILD [--file recurrence_simd.c] [--mca llvm-mca-16]

BUILD has a compile_commands.json with level v4 in it. Prints, for each function, the cycles for each number of its inner loops, fewest first.
The model knows neither caches nor a clock that falls for wide vectors.
"""

import argparse
import collections
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

WIDTHS = (256, 512)
CPUS = ("skylake-avx512", "icelake-server", "znver4")
SHORTEST = 16  # instructions; shorter loops clear, copy and add
ITERATIONS = 200


def assembly(build, name, width):
    """The text of the file `name` compiled for v4 with vectors of `width` bits."""
    database = build / "compile_commands.json"
    if not database.exists():
        sys.exit(f"no {database}: give a build folder")
    commands = json.loads(database.read_text())
    found = [c for c in commands if c["file"].endswith("/" + name) and "HNI_ISA=v4" in c["command"]]
    if not found:
        sys.exit(f"{database} does not compile {name} for v4")
    words = [w for w in shlex.split(found[0]["command"]) if w != "-c"]
    with tempfile.NamedTemporaryFile(suffix=".s") as out:
        words[words.index("-o") + 1] = out.name
        words += ["-S", "-g0", "-fno-lto", f"-mprefer-vector-width={width}"]
        subprocess.run(words, cwd=found[0]["directory"], check=True)
        return pathlib.Path(out.name).read_text()


def inner_loops(text):
    """(function, lines) of each loop that is one block with vectors in it."""
    function = label = None
    block = []
    for line in text.splitlines():
        if start := re.match(r"([A-Za-z_][\w.]*):", line):
            function, label, block = start[1], None, []
        elif start := re.match(r"(\.L\d+):", line):
            label, block = start[1], []
        elif not re.match(r"\s+\.", line):
            block.append(line)
            jump = re.match(r"\s+j\w+\s+(\.L\d+)", line)
            if jump and jump[1] == label and len(block) >= SHORTEST and re.search("[yz]mm", "".join(block)):
                yield function, list(block)


def cycles(mca, block, cpu):
    text = re.sub(r"\.L(\w+)", r"L\1", "\n".join(block))
    target = re.search(r"(L\d+)\s*$", text)[1]
    report = subprocess.run([mca, f"-mcpu={cpu}", f"-iterations={ITERATIONS}"], input=f"{target}:\n{text}\n",
                            capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", report)[1]) / ITERATIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--file", default="recurrence_simd.c")
    parser.add_argument("--mca", default="llvm-mca-16")
    options = parser.parse_args()
    loops = {width: list(inner_loops(assembly(options.build, options.file, width))) for width in WIDTHS}
    for cpu in CPUS:
        print(cpu)
        found = collections.defaultdict(lambda: {width: [] for width in WIDTHS})
        for width in WIDTHS:
            for function, block in loops[width]:
                found[function][width].append(cycles(options.mca, block, cpu) / (width / 32))
        for function, of in found.items():
            print(f"  {function:24}", *(f"{width}: " + " ".join(f"{c:.2f}" for c in sorted(of[width])) for width in WIDTHS))


if __name__ == "__main__":
    main()
