"""`hypernet sweep`: all combinations are trained, exactly as `train` would; what is finished is left alone, what was stopped goes on, a run
that fails takes nothing with it, and another sweep in the same folder is refused."""

import csv
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from runs import PROGRAM, fail_unless, hypernet, prepare, wait_for_bytes

KEPT = ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors")


def without_times(folder):
    """sweep.json and sweep.csv of a sweep, but for how long it took."""
    found = json.loads((folder / "sweep.json").read_text())
    for run in found["runs"]:
        run.pop("seconds", None)
    rows = list(csv.DictReader((folder / "sweep.csv").open()))
    for row in rows:
        row.pop("seconds")
    return found, rows


def same_run(one, other):
    for name in KEPT:
        fail_unless((one / name).read_bytes() == (other / name).read_bytes(), f"{one / name} is not {other / name}")


def all_combinations(folder, recipe):
    """Every run is the one that train makes; the table, the JSON and the files say the same."""
    sweep = folder / "grid"
    command = ("sweep", recipe, "--grid", "train.rate=0.02,0.05", "--grid", "model.cell=lstm,hyperlstm", "--set", "train.steps=18",
               "--seeds", "1,2", "-o", sweep, "--threads", 1)
    out, error = hypernet(*command, "--jobs", 2)
    fail_unless("8 runs, 0 of them finished; 2 at a time with 1 thread each" in error, error)
    names = [f"rate={rate},cell={cell},seed={seed}" for rate in ("0.02", "0.05") for cell in ("lstm", "hyperlstm") for seed in (1, 2)]
    found, rows = without_times(sweep)
    fail_unless([run["name"] for run in found["runs"]] == names, f"names {found['runs']}")
    fail_unless(all((sweep / name / "best.safetensors").exists() and (sweep / f"{name}.log").exists() for name in names), "a run is missing")
    alone = json.loads(hypernet("train", recipe, "--set", "train.steps=18", "--set", "train.rate=0.05", "--set", "model.cell=lstm", "--seed", 2,
                                "--threads", 1, "-o", folder / "alone", "--json")[0])
    same_run(folder / "alone", sweep / "rate=0.05,cell=lstm,seed=2")
    run = found["runs"][5]
    fail_unless(run["settings"] == {"train.rate": "0.05", "model.cell": "lstm", "train.seed": "2"}, f"{run}")
    for key in ("best_valid", "best_step", "step", "steps", "parameters"):
        fail_unless(run[key] == alone[key], f"{key}: {run[key]}, train says {alone[key]}")
    fail_unless(rows[5]["train.rate"] == "0.05" and float(rows[5]["best_valid"]) == alone["best_valid"], f"{rows[5]}")
    for index, point in enumerate(found["points"]):
        figures = [found["runs"][2 * index + i]["best_valid"] for i in range(2)]
        fail_unless(abs(point["mean"] - sum(figures) / 2) < 1e-12 and point["lowest"] == min(figures)
                    and point["highest"] == max(figures) and "train.seed" not in point["settings"], f"{point} of {figures}")
    best = min(range(4), key=lambda index: found["points"][index]["mean"])
    pair = found["runs"][2 * best:2 * best + 2]
    fail_unless(found["best"] == min(pair, key=lambda run: run["best_valid"])["name"], f"best {found['best']}")
    fail_unless(f"best {sweep}/{found['best']}" in out, out)
    marked = [line for line in out.splitlines() if line.startswith("*")]
    fail_unless(len(marked) == 2 and f"{found['points'][best]['mean']:.4f}" in marked[1], f"marked {marked}")
    return command, sweep


def again(command, sweep):
    """The same command trains nothing; a folder that is gone is trained again."""
    before, files = without_times(sweep), {path: path.stat().st_mtime_ns for path in sweep.glob("*/*")}
    error = hypernet(*command)[1]
    fail_unless("8 runs, 8 of them finished" in error and "begins" not in error, error)
    fail_unless(without_times(sweep) == before, "a second call has changed the sweep")
    fail_unless({path: path.stat().st_mtime_ns for path in sweep.glob("*/*")} == files, "a finished run was touched")
    lost = sweep / "rate=0.02,cell=lstm,seed=1"
    lost.rename(sweep.parent / "moved")
    result = json.loads(hypernet(*command, "--json")[0])
    fail_unless({key: result[key] for key in before[0] if key != "recipe_text"} | {"runs": None}
                == {key: value for key, value in before[0].items() if key != "recipe_text"} | {"runs": None}, f"{result}")
    same_run(sweep.parent / "moved", lost)


def others_are_refused(folder, command, sweep):
    grid = hypernet(*command, "--grid", "train.clip_norm=1,2", expect=1)[1]
    fail_unless("another grid (train.rate=0.02,0.05 model.cell=lstm,hyperlstm train.seed=1,2)" in grid and "-o" in grid, grid)
    recipe = hypernet(*command, "--set", "train.log_every=2", expect=1)[1]
    fail_unless("another recipe ('log_every: 4' there, 'log_every: 2' here)" in recipe, recipe)
    run = hypernet("sweep", command[1], "--seeds", "1,2", "-o", folder / "alone", expect=1)[1]
    fail_unless("there is a run already" in run, run)
    text = (sweep / "sweep.json").read_text()
    for wrong, words in ((text[:40], "sweep.json"), (text.replace('"format":1', '"format":2'), "newer"),
                         (text.replace("recipe_text", "recipe_tex"), "recipe_text"), ("[]", "damaged")):
        (sweep / "sweep.json").write_text(wrong)
        error = hypernet(*command, expect=1)[1]
        fail_unless(words in error, f"{words}: {error}")
    # A key that the version of then did not know has its default.
    (sweep / "sweep.json").write_text(text.replace("  log_every: 4\\n", "") if "log_every: 20" in text else
                                      text.replace("  beta1: 0.9\\n", ""))
    fail_unless("8 of them finished" in hypernet(*command)[1], "an older recipe_text is not understood")


def failures_are_listed(folder, recipe):
    """A rate that makes the numbers explode fails alone; when all fail, so does the sweep."""
    base = ("sweep", recipe, "--set", "train.schedule=constant", "--set", "train.warmup_steps=0", "--set", "train.steps=18", "--threads", 1)
    out, _ = hypernet(*base, "--grid", "train.rate=0.02,1e30", "-o", folder / "some")
    fail_unless("rate=1e30 failed: update" in out and "train.rate" in out, out)
    found, rows = without_times(folder / "some")
    fail_unless([run["state"] for run in found["runs"]] == ["finished", "failed"] and found["best"] == "rate=0.02", f"{found}")
    fail_unless(rows[1]["state"] == "failed" and rows[1]["best_valid"] == "" and "message" in found["runs"][1], f"{rows}")
    out, _ = hypernet(*base, "--grid", "train.rate=1e29,1e30", "-o", folder / "none", expect=1)
    fail_unless(out.count("failed: update") == 2 and "best" not in out, out)


def children_of(process):
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def interrupted(folder, recipe, number):
    """Ctrl-C saves the runs at work and says how to go on; the end is that of a sweep that was never stopped."""
    whole, stopped = folder / "whole", folder / f"stopped-{number}"
    base = ("sweep", recipe, "--grid", "train.rate=0.02,0.03", "--set", "train.steps=1500", "--set", "train.validate_every=750",
            "--threads", "1", "--jobs", "2")
    if not whole.exists():
        hypernet(*base, "-o", whole)
    command = [PROGRAM, *map(str, base), "-o", str(stopped)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    logs = [stopped / f"rate={rate}" / "log.csv" for rate in ("0.02", "0.03")]
    wait_for_bytes(logs, 200)
    runs = children_of(child.pid)
    fail_unless(len(runs) == 2, f"two runs at a time: {runs}")
    os.killpg(child.pid, number)
    out, error = child.communicate(timeout=100)
    if number == signal.SIGKILL:
        for _ in range(500):
            if not any(Path(f"/proc/{run}").exists() for run in runs):
                break
            time.sleep(0.02)
        fail_unless(not any(Path(f"/proc/{run}").exists() for run in runs), "a killed sweep leaves its runs behind")
    else:
        fail_unless(child.returncode == 0, f"exit {child.returncode}: {error}")
        fail_unless("go on with: hypernet sweep" in error and str(stopped) in error, error)
        found, _ = without_times(stopped)
        fail_unless([run["state"] for run in found["runs"]] == ["stopped"] * 2, f"{found['runs']}: {error}")
        fail_unless(all(0 < run["step"] < 1500 for run in found["runs"]) and out.count("stopped after update") == 2, f"{found['runs']}")
    error = hypernet(*command[1:])[1]
    fail_unless("0 of them finished" in error, error)
    fail_unless(without_times(whole) == without_times(stopped), "a stopped sweep ends otherwise")
    for log in logs:
        same_run(whole / log.parent.name, log.parent)


def ended_from_two_sides(folder, recipe):
    """A run that is asked twice, not by Ctrl-C, still saves; one that was killed is not called stopped."""
    sweep = folder / "sides"
    command = [PROGRAM, "sweep", str(recipe), "--seeds", "1,2", "--set", "train.steps=100000", "--set", "train.validate_every=50000",
               "--threads", "1", "--jobs", "2", "-o", str(sweep)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    logs = [sweep / f"seed={seed}" / "log.csv" for seed in (1, 2)]
    wait_for_bytes(logs, 200)
    runs = children_of(child.pid)
    fail_unless(len(runs) == 2, f"two runs at a time: {runs}")
    for run in runs:
        os.kill(run, signal.SIGSTOP)
        os.kill(run, signal.SIGHUP)
    child.send_signal(signal.SIGTERM)
    time.sleep(0.5)  # the sweep asks the runs, which are held; a slow machine proves less, but fails nothing
    os.kill(runs[1], signal.SIGKILL)
    os.kill(runs[0], signal.SIGCONT)
    error = child.communicate(timeout=100)[1]
    found = sorted(without_times(sweep)[0]["runs"], key=lambda run: run["state"])
    fail_unless([run["state"] for run in found] == ["failed", "stopped"], f"{found}: {error}")
    fail_unless("signal 9" in found[0]["message"] and found[1]["step"] > 0, f"{found}")


def one_at_a_time_in_a_folder(folder, recipe):
    """A second sweep in a folder where one is at work is refused."""
    command = ("sweep", recipe, "--seeds", "1,2", "--set", "train.steps=100000", "--set", "train.validate_every=50000", "-o", folder / "held")
    child = subprocess.Popen([PROGRAM, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(1000):
        if (folder / "held" / "seed=1" / "recipe.yaml").exists():
            break
        time.sleep(0.02)
    error = hypernet(*command, expect=1)[1]
    fail_unless("another process is at work on this sweep" in error, error)
    child.send_signal(signal.SIGINT)
    fail_unless(child.wait(100) == 0, "the first sweep ends with its work saved")


def keys_that_belong_together(folder, recipe):
    """Each run's keys must go together, not those of the recipe without the grid."""
    base = ("sweep", recipe, "--set", "train.steps=9", "--set", "train.momentum=0.9", "--threads", 1, "-o", folder / "optimizers")
    error = hypernet(*base, "--grid", "train.optimizer=sgd,adam", expect=1)[1]
    fail_unless("optimizer=adam: " in error and "momentum" in error and not (folder / "optimizers").exists(), error)
    result = json.loads(hypernet(*base, "--grid", "train.optimizer=sgd,rmsprop", "--json")[0])
    fail_unless([run["state"] for run in result["runs"]] == ["finished"] * 2, f"{result}")


def odd_values(folder, recipe):
    """Values that make no folder's name, and a start that was cut off before its first checkpoint."""
    text = folder / "text.txt"
    copy = folder / "te xt.txt"
    copy.write_bytes(text.read_bytes())
    base = ("sweep", recipe, "--set", "train.steps=9", "--threads", 1)
    result = json.loads(hypernet(*base, "--grid", f"data.path={text},{copy}", "-o", folder / "paths", "--json")[0])
    fail_unless(all((folder / "paths" / run["name"]).is_dir() for run in result["runs"]), f"{result}")
    fail_unless(result["runs"][0]["best_valid"] == result["runs"][1]["best_valid"], "one text under two names")
    begun = folder / "begun"
    hypernet(*base, "--seeds", "1,2", "-o", begun)
    for kind in ("last", "best"):
        (begun / "seed=2" / f"{kind}.safetensors").rename(begun / "seed=2" / f"{kind}.safetensors.1-0.partial")
    error = hypernet(*base, "--seeds", "1,2", "-o", begun)[1]
    fail_unless("1 of them finished" in error, error)
    fail_unless([run["state"] for run in without_times(begun)[0]["runs"]] == ["finished"] * 2, error)
    characters = ("--set", "data.kind=characters", "--grid", "data.vocabulary_size=0,64", "--json")
    counts = [run["parameters"] for run in json.loads(hypernet(*base, *characters, "-o", folder / "characters")[0])["runs"]]
    fail_unless(0 < counts[0] < counts[1], f"a model of the symbols that occur: {counts}")
    lost_checkpoints((*base, "--seeds", "1,2", "-o", begun, "--jobs", 2), begun)


def lost_checkpoints(command, sweep):
    """The best checkpoint is enough of a finished run, and is never trained over; the first error of a sweep is the one it ends with."""
    one = sweep / "seed=1"
    (one / "last.safetensors").unlink()
    kept = sorted(path.name for path in one.iterdir())
    fail_unless("2 of them finished" in hypernet(*command)[1], "a finished run without its last checkpoint is trained again")
    found = json.loads((sweep / "sweep.json").read_text())
    found["runs"][0]["state"] = "stopped"
    (sweep / "sweep.json").write_text(json.dumps(found))
    out, error = hypernet(*command)
    fail_unless("seed=1 failed: " in out and "holds best.safetensors but no last.safetensors" in out and "begins" not in error, out + error)
    fail_unless(sorted(path.name for path in one.iterdir()) == kept, "files of a run that cannot go on are gone")
    for run in (one, sweep / "seed=2"):
        shutil.rmtree(run)
    one.mkdir()
    (one / "notes.txt").write_text("train refuses this folder")
    (sweep / "seed=2.log").unlink()
    (sweep / "seed=2.log").mkdir()
    error = hypernet(*command, expect=1)[1]
    fail_unless("seed=2.log: cannot write the log of this run" in error.splitlines()[-1], error)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)
        command, sweep = all_combinations(folder, recipe)
        again(command, sweep)
        others_are_refused(folder, command, sweep)
        failures_are_listed(folder, recipe)
        for number in (signal.SIGINT, signal.SIGKILL):
            interrupted(folder, recipe, number)
        ended_from_two_sides(folder, recipe)
        one_at_a_time_in_a_folder(folder, recipe)
        keys_that_belong_together(folder, recipe)
        odd_values(folder, recipe)
        print("ok")


main()
