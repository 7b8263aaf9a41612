"""Ways in which training ends early: interrupt, time, a loss that is not finite, a full disk, a folder that cannot be written. Nothing is
lost, and each has one clear message."""

import json
import re
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from runs import PROGRAM, fail_unless, hypernet, prepare


def long_run(folder, recipe, name, *more):
    return [PROGRAM, "train", str(recipe), "-o", str(folder / name), "--threads", "1", "--set", "train.steps=100000",
            "--set", "train.validate_every=50000", "--set", "train.schedule=constant", *more]


def interrupted(folder, recipe):
    """Ctrl-C saves and says how to go on."""
    child = subprocess.Popen(long_run(folder, recipe, "interrupted"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = folder / "interrupted" / "log.csv"
    for _ in range(400):
        if log.exists() and log.stat().st_size > 200:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=60)
    fail_unless(child.returncode == 0, f"Ctrl-C: exit {child.returncode}: {error}")
    fail_unless("go on with: hypernet train --resume" in out, f"Ctrl-C does not say how to go on: {out}")
    step = int(re.search(r"after update (\d+)", out).group(1))
    out, _ = hypernet("train", "--resume", folder / "interrupted", "--threads", 1, "--max-steps", step + 3, "--json")
    fail_unless(json.loads(out)["step"] == step + 3, "the interrupted run does not go on where it stopped")


def out_of_time(folder, recipe):
    started = time.monotonic()
    out, _ = hypernet(*long_run(folder, recipe, "timed")[1:], "--max-time", "1s", "--json")
    fail_unless(time.monotonic() - started < 60 and not json.loads(out)["finished"], "--max-time does not stop the run")


def not_finite(folder, recipe):
    """A rate that makes the weights explode: the checkpoint before it stays, and the message names the update and the tensor."""
    error = hypernet("train", recipe, "-o", folder / "exploded", "--threads", 1, "--set", "train.rate=1e30",
                     "--set", "train.schedule=constant", "--set", "train.warmup_steps=0", expect=1)[1]
    fail_unless(re.search(r"update \d+: the (loss is [a-z ]+, and the first tensor that is: [a-z_]+ \[|gradient of '[a-z_.0-9]+' is)", error), f"no update or tensor is named: {error}")


def last_good_stays(folder, recipe):
    """Weights that become NaN between two sessions are refused, and the file is as it was."""
    run = folder / "good"
    hypernet("train", recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    before = (run / "last.safetensors").read_bytes()
    size = int.from_bytes(before[:8], "little")
    header = json.loads(before[8:8 + size])
    begin = 8 + size + header["softmax.bias"]["data_offsets"][0]
    (run / "last.safetensors").write_bytes(before[:begin] + b"\x00\x00\xc0\x7f" + before[begin + 4:])
    error = hypernet("train", "--resume", run, expect=1)[1]
    fail_unless("softmax.bias" in error and "NaN" in error, f"a NaN in the checkpoint is not named: {error}")
    (run / "last.safetensors").write_bytes(before)
    hypernet("train", "--resume", run, "--threads", 1, "--max-steps", 10)


def full_disk(folder, recipe):
    """A limit on the size of files stands for a full disk: the checkpoint before it stays whole."""
    run = folder / "full"
    hypernet("train", recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    before = (run / "last.safetensors").read_bytes()

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    done = subprocess.run([PROGRAM, "train", "--resume", str(run), "--threads", "1"], capture_output=True, text=True, preexec_fn=limit)
    fail_unless(done.returncode == 1 and "safetensors" in done.stderr, f"a full disk: {done.returncode} {done.stderr}")
    fail_unless((run / "last.safetensors").read_bytes() == before, "a full disk has damaged the checkpoint")
    fail_unless(not list(run.glob("*.partial")), "a partial file was left behind")
    hypernet("train", "--resume", run, "--threads", 1)


def changed_data(folder, recipe):
    run = folder / "changed"
    hypernet("train", recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    text = folder / "text.txt"
    before = text.read_bytes()
    text.write_bytes(before.replace(b"the", b"teh", 1))
    error = hypernet("train", "--resume", run, expect=1)[1]
    text.write_bytes(before)
    fail_unless("data have changed" in error, f"changed data are not noticed: {error}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)
        for check in (interrupted, out_of_time, not_finite, last_good_stays, full_disk, changed_data):
            check(folder, recipe)
            print("ok", check.__name__)


main()
