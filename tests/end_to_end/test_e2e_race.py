"""bench/vs_pytorch.py against a stand-in for PyTorch whose times are known: the order of turns, medians, ratios, what counts, and what is refused."""

import json
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from runs import PROGRAM, SOURCE, fail_unless

SCRIPT = SOURCE / "bench" / "vs_pytorch.py"
PEER = """#!{python}
import json, sys
shape = json.loads(sys.argv[sys.argv.index("--shape") + 1])
if "network" in shape:
    assert shape["weights"] in ("hyper", "stored") and shape["parameters"] > 0 and "--cell" not in sys.argv, sys.argv
    seconds = {{"eager": 4, "compiled": 2, "eager-contiguous": 6, "compiled-contiguous": 3}}[sys.argv[sys.argv.index("--variant") + 1]]
    seconds += 10 * (shape["weights"] == "stored")
    for line in sys.stdin:
        for _ in range(1 if line.strip() == "multiplies" else int(line)):
            print(json.dumps({{"multiplies": 1.25}} if line.strip() == "multiplies" else {{"seconds": seconds}}), flush=True)
    sys.exit()
cell = sys.argv[sys.argv.index("--cell") + 1]
variant = sys.argv[sys.argv.index("--variant") + 1]
keep = sys.argv[sys.argv.index("--keep") + 1:][:3]
assert keep == ["0.9", "1.0" if cell == "lstm" else "0.9", "0.9"] and shape["batch"] == 4, sys.argv
seconds = iter({{"eager": [9, 2, 9, 3, 9, 4], "compiled": [9, 2, 9, 2, 9, 1]}}[variant])
for line in sys.stdin:
    if line.strip() == "multiplies":
        print(json.dumps({{"multiplies": 1.25}}), flush=True)
    else:
        print("a warning of a library", flush=True)
        for _ in range(int(line)):
            print(json.dumps({{"seconds": next(seconds), "process_peak": 5000000}}), flush=True)
"""


def race(*arguments, expect=0):
    words = [sys.executable, str(SCRIPT), "--program", PROGRAM, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    fail_unless(done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def stand_in(folder):
    peer = folder / "python"
    peer.write_text(PEER.format(python=sys.executable))
    peer.chmod(peer.stat().st_mode | stat.S_IXUSR)
    return peer


def figures_are_those_of_the_turns(folder, peer):
    file = folder / "race.json"
    # a round that does not count, then two; each turn's first step does not count either
    out, err = race("--python", peer, "--size", "laptop", "--quick", "--rounds", "2", "--json", file)
    found = json.loads(file.read_text())
    sides = found["sides"]
    fail_unless(sides["eager"]["turns"] == [[3], [4]] and sides["compiled"]["turns"] == [[2], [1]], str(sides))
    fail_unless(sides["eager"]["median_seconds"] == 3.5 and sides["eager"]["quartile_seconds"] == [3.25, 3.75], str(sides["eager"]))
    fail_unless(sides["eager"]["over_multiplies"] == 2.8 and sides["compiled"]["over_multiplies"] == 1.2, str(sides))
    fail_unless(sides["eager"]["counts"] is False and sides["compiled"]["counts"] is True, str(sides))
    ours = sides["hypernet"]["median_seconds"]
    fail_unless(0 < ours < 1 and len(sides["hypernet"]["turns"]) == 2, str(sides["hypernet"]))
    fail_unless(found["ratio"] == sides["compiled"]["ratio"] == 1.5 / ours, f"{found['ratio']} {ours}")
    fail_unless(sides["nn.lstm"]["ratio"] == 3.5 / sides["hypernet lstm"]["median_seconds"], str(sides["nn.lstm"]))
    fail_unless(sides["eager"]["process_peak"] == 5000000 and sides["hypernet"]["graph_and_store"] > 0, str(sides))
    fail_unless("does not count" in out and "times as fast" in out and "torch.nn.LSTM" in out, out)
    order = [line.split()[2] for line in err.splitlines() if line.startswith("round")]
    fail_unless(order[0] == "hypernet" and order[5] == "eager" and order[10] == "compiled", err)


def what_is_asked_is_done(peer):
    few = ("--python", peer, "--size", "laptop", "--quick", "--rounds", "1")
    out, _ = race(*few, "--cells", "lstm")
    fail_unless("HyperLSTM" not in out and "torch.nn.LSTM" in out, out)
    out, _ = race(*few, "--cells", "hyperlstm", "--variants", "compiled", "--require", "1")
    fail_unless("torch.nn.LSTM" not in out and "eager" not in out, out)
    race(*few, "--cells", "hyperlstm", "--require", "1e9", expect=1)


def images_meet_both_layouts(folder, peer):
    file = folder / "images.json"
    few = ("--python", peer, "--size", "wrn-40-1", "--quick", "--rounds", "1")
    out, _ = race(*few, "--cells", "hyper,stored", "--json", file)
    found = json.loads(file.read_text())
    sides, ours = found["sides"], {name: found["sides"][name]["median_seconds"] for name in ("hypernet", "hypernet stored")}
    fail_unless(len(sides) == 10 and all(side["over_multiplies"] for name, side in sides.items() if not name.startswith("hypernet")), str(sides))
    fail_unless(found["ratio"] == 2 / ours["hypernet"] == sides["compiled"]["ratio"], f"{found['ratio']} {ours}")
    fail_unless(sides["eager-contiguous stored"]["ratio"] == 16 / ours["hypernet stored"], str(sides["eager-contiguous stored"]))
    fail_unless("generated kernels" in out and "stored kernels" in out and "images/s" in out and "does not count" not in out, out)
    race(*few, "--variants", "eager", "--require", "1e9", expect=1)


def wrong_words_are_refused(folder, peer):
    for words, pattern in (
        (["--variants", "jit"], "'jit' is none of"), (["--rounds", "0"], "1 or more"), (["--cells", "rnn"], "--cells"),
        (["--run", folder / "run"], "--data"), (["--cells", "lstm", "--require", "1"], "--require"),
        (["--size", "wrn-40-1", "--cells", "lstm"], "hyper, stored or both"), (["--size", "wrn-40-1", "--variants", "autotuned"], "is none of"),
        (["--size", "wrn-40-1", "--cells", "stored", "--require", "1"], "--require")):
        _, err = race("--python", peer, *words, expect=2)
        fail_unless(pattern in err, err)
    _, err = race("--python", "false", "--size", "laptop", "--quick", expect=1)
    fail_unless("a program ended after 0 of 2 steps" in err, err)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer = stand_in(folder)
        figures_are_those_of_the_turns(folder, peer)
        what_is_asked_is_done(peer)
        images_meet_both_layouts(folder, peer)
        wrong_words_are_refused(folder, peer)


if __name__ == "__main__":
    main()
