"""Ways in which training ends early: interrupt, time, a loss that is not finite, a full disk, a folder that cannot be written. Nothing is
lost, and each has one clear message. All of it on a text and on images; and what other commands say about damaged weights of images."""

import gzip
import json
import re
import resource
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from runs import PROGRAM, fail_unless, hypernet, prepare, prepare_images


class OnText:
    bias = "softmax.bias"

    def __init__(self, folder):
        self.folder, self.recipe, self.data = folder, prepare(folder), folder / "text.txt"

    def change_data(self):
        self.data.write_bytes(self.data.read_bytes().replace(b"the", b"teh", 1))


class OnImages:
    bias = "linear.bias"

    def __init__(self, folder):
        self.folder, self.recipe = folder, prepare_images(folder)
        self.data = folder / "digits" / "train-images-idx3-ubyte.gz"

    def change_data(self):
        plain = bytearray(gzip.decompress(self.data.read_bytes()))
        plain[-1] ^= 1
        self.data.write_bytes(gzip.compress(plain, mtime=0))


def place_of(file, tensor):
    """First and last byte of a tensor in a checkpoint of these bytes."""
    size = int.from_bytes(file[:8], "little")
    return [8 + size + offset for offset in json.loads(file[8:8 + size])[tensor]["data_offsets"]]


def long_run(on, name, *more):
    return [PROGRAM, "train", str(on.recipe), "-o", str(on.folder / name), "--threads", "1", "--set", "train.steps=100000",
            "--set", "train.validate_every=50000", "--set", "train.schedule=constant", *more]


def interrupted(on):
    """Ctrl-C saves and says how to go on."""
    child = subprocess.Popen(long_run(on, "interrupted"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = on.folder / "interrupted" / "log.csv"
    for _ in range(400):
        if log.exists() and log.stat().st_size > 200:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=60)
    fail_unless(child.returncode == 0, f"Ctrl-C: exit {child.returncode}: {error}")
    fail_unless("go on with: hypernet train --resume" in out, f"Ctrl-C does not say how to go on: {out}")
    step = int(re.search(r"after update (\d+)", out).group(1))
    out, _ = hypernet("train", "--resume", on.folder / "interrupted", "--threads", 1, "--max-steps", step + 3, "--json")
    fail_unless(json.loads(out)["step"] == step + 3, "the interrupted run does not go on where it stopped")


def out_of_time(on):
    started = time.monotonic()
    out, _ = hypernet(*long_run(on, "timed")[1:], "--max-time", "1s", "--json")
    fail_unless(time.monotonic() - started < 60 and not json.loads(out)["finished"], "--max-time does not stop the run")


def not_finite(on):
    """A rate that makes the weights explode: the message names the update and the tensor."""
    error = hypernet("train", on.recipe, "-o", on.folder / "exploded", "--threads", 1, "--set", "train.rate=1e30",
                     "--set", "train.schedule=constant", "--set", "train.warmup_steps=0", expect=1)[1]
    fail_unless(re.search(r"update \d+: the (loss is [a-z ]+, and the first tensor that is: [a-z_0-9]+ \["
                          r"|gradient of '[a-z_.0-9]+' is)", error), f"no update or tensor is named: {error}")


def last_good_stays(on):
    """Weights that become NaN between two sessions are refused, and the file is as it was."""
    run = on.folder / "good"
    hypernet("train", on.recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    before = (run / "last.safetensors").read_bytes()
    begin, _ = place_of(before, on.bias)
    (run / "last.safetensors").write_bytes(before[:begin] + b"\x00\x00\xc0\x7f" + before[begin + 4:])
    error = hypernet("train", "--resume", run, expect=1)[1]
    fail_unless(on.bias in error and "NaN" in error, f"a NaN in the checkpoint is not named: {error}")
    (run / "last.safetensors").write_bytes(before)
    hypernet("train", "--resume", run, "--threads", 1, "--max-steps", 10)


def full_disk(on):
    """A limit on the size of files stands for a full disk: the checkpoint before it stays whole."""
    run = on.folder / "full"
    hypernet("train", on.recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    before = (run / "last.safetensors").read_bytes()

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    done = subprocess.run([PROGRAM, "train", "--resume", str(run), "--threads", "1"], capture_output=True, text=True, preexec_fn=limit)
    fail_unless(done.returncode == 1 and "safetensors" in done.stderr, f"a full disk: {done.returncode} {done.stderr}")
    fail_unless((run / "last.safetensors").read_bytes() == before, "a full disk has damaged the checkpoint")
    fail_unless(not list(run.glob("*.partial")), "a partial file was left behind")
    hypernet("train", "--resume", run, "--threads", 1)


def changed_data(on):
    """They are noticed, and once they are put back training goes on."""
    run = on.folder / "changed"
    hypernet("train", on.recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    before = on.data.read_bytes()
    on.change_data()
    error = hypernet("train", "--resume", run, expect=1)[1]
    on.data.write_bytes(before)
    fail_unless("data have changed" in error, f"changed data are not noticed: {error}")
    hypernet("train", "--resume", run, "--threads", 1, "--max-steps", 10)


def other_commands(on, model, pieces):
    """eval, predict and bake fail with one message that holds all of these, and leave no file behind."""
    images, baked = on.folder / "digits" / "t10k-images-idx3-ubyte.gz", on.folder / "baked.safetensors"
    for command in (("eval", model), ("predict", model, images), ("bake", model, "-o", baked)):
        error = hypernet(*command, expect=1)[1]
        fail_unless(all(piece in error for piece in pieces), f"{command[0]}: not all of {pieces} in: {error}")
        fail_unless(len(error.splitlines()) == 1, f"{command[0]}: more than one line: {error}")
        fail_unless(not baked.exists(), "a network that is not finite was baked")


def damaged_weights(on):
    """A NaN in a checkpoint of images is named. Numbers that are finite, but too large to compute with, are noticed by what comes out."""
    run = on.folder / "damaged"
    hypernet("train", on.recipe, "-o", run, "--threads", 1, "--max-steps", 9)
    before = (run / "best.safetensors").read_bytes()
    begin, _ = place_of(before, on.bias)
    (run / "best.safetensors").write_bytes(before[:begin] + struct.pack("<f", float("nan")) + before[begin + 4:])
    other_commands(on, run, ("best.safetensors", on.bias, "NaN"))
    begin, end = place_of(before, "conv1.kernel")
    (run / "best.safetensors").write_bytes(before[:begin] + struct.pack("<f", 3e38) * ((end - begin) // 4) + before[end:])
    other_commands(on, run, ("the model's outputs are not finite numbers",))
    (run / "best.safetensors").write_bytes(before)
    hypernet("eval", run)


CHECKS = (interrupted, out_of_time, not_finite, last_good_stays, full_disk, changed_data)


def main():
    for kind, checks in ((OnText, CHECKS), (OnImages, (*CHECKS, damaged_weights))):
        with tempfile.TemporaryDirectory() as name:
            on = kind(Path(name))
            for check in checks:
                check(on)
                print("ok", kind.__name__, check.__name__)


main()
