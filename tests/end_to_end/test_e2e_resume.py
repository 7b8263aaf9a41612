"""Exact resume: a run stopped after each of 40 consecutive updates and resumed has the bytes of the run that was never stopped.

The updates span warm-up and decay of the rate, validations, new bests, an epoch's end and rows of the log, with all dropouts and
the weight average on. Also: one run stopped after every single update, and a run that is killed without warning.

The same for images, with batch norm, generated kernels and every augmentation: stopped after each update there is, from the first to
the last but one."""

import csv
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from runs import PROGRAM, fail_unless, hypernet, prepare, prepare_images

FILES = ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors")
STOPS, IMAGE_STOPS = range(5, 45), range(1, 30)  # updates after which a run of 60, or of 30, is stopped


def compare(whole, other, what):
    for name in FILES:
        fail_unless((whole / name).read_bytes() == (other / name).read_bytes(), f"{what}: {name} differs")


def check_span(whole, metric, stops):
    """The stops cover what they are meant to cover."""
    rows = list(csv.DictReader((whole / "log.csv").open()))
    validated = [row for row in rows if row[metric] and int(row["step"]) in stops]
    best = [row for k, row in enumerate(validated) if all(float(row[metric]) < float(r[metric]) for r in validated[:k])]
    epochs = [float(row["epoch"]) for row in rows if int(row["step"]) in stops]
    rates = {row["rate"] for row in rows if int(row["step"]) in stops}
    fail_unless(len(validated) >= 2 and len(best) >= 2, "the stops span no validation and new best")
    fail_unless(min(epochs) < 1 < max(epochs), "the stops span no end of an epoch")
    fail_unless(len(rates) > 3, "the stops span no change of the rate")


def stop_at(recipe, folder, step):
    run = folder / f"stopped-{step}"
    hypernet("train", recipe, "-o", run, "--threads", 1, "--max-steps", step)
    hypernet("train", "--resume", run, "--threads", 1)
    return run


def stop_at_each(recipe, folder, stops):
    run = folder / "stopped-often"
    hypernet("train", recipe, "-o", run, "--threads", 1, "--max-steps", stops[0])
    for step in stops[1:]:
        hypernet("train", "--resume", run, "--threads", 1, "--max-steps", step)
    hypernet("train", "--resume", run, "--threads", 1)
    return run


def kill(recipe, folder):
    """Killed in the middle; what the log holds beyond the checkpoint is cut off again."""
    run = folder / "killed"
    hypernet("train", recipe, "-o", run, "--threads", 1, "--max-steps", 11)
    child = subprocess.Popen([PROGRAM, "train", "--resume", run, "--threads", "1"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    hypernet("train", "--resume", run, "--threads", 1)
    return run


def check(make_recipe, metric, stops):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = make_recipe(folder)
        whole = folder / "whole"
        hypernet("train", recipe, "-o", whole, "--threads", 1)
        check_span(whole, metric, stops)
        for step in stops:
            compare(whole, stop_at(recipe, folder, step), f"stopped after update {step}")
        compare(whole, stop_at_each(recipe, folder, stops), "stopped after every update")
        compare(whole, kill(recipe, folder), "killed")
        hypernet("train", "--resume", whole, "--threads", 1)
        compare(whole, folder / f"stopped-{stops[0]}", "a finished run resumed once more")
    print(f"{metric}: {len(stops)} stops, every file as in the whole run")


check(prepare, "valid_bpc", STOPS)
check(prepare_images, "valid_error", IMAGE_STOPS)
