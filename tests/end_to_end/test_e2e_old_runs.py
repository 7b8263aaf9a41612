"""Runs of an older program, which knew fewer keys, go on; runs whose recipe and state no longer belong together do not."""

import json
import re
import shutil
import struct
import tempfile
from pathlib import Path

from runs import fail_unless, hypernet, prepare

# Keys that came after the first checkpoints: a file of that time has none of them.
NEW_TRAIN_KEYS = """optimizer milestones milestone_factor one_cycle_warmup one_cycle_start_divisor one_cycle_final_divisor
plateau_factor plateau_patience plateau_threshold plateau_minimum clip_value weight_decay momentum nesterov rms_decay micro_batches""".split()
NEW_STATE_KEYS = "plateau_has_best plateau_best plateau_misses plateau_drops keeps_symbols".split()


def edit_header(path, edit):
    """Rewrites the texts of __metadata__ of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    edit(header["__metadata__"])
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def without(recipe):
    before, train = recipe.split("train:\n")
    kept = [line for line in train.splitlines(True) if line.split(":")[0].strip() not in NEW_TRAIN_KEYS]
    fail_unless(len(kept) == len(train.splitlines()) - len(NEW_TRAIN_KEYS), "a new key is not in recipe.yaml")
    return before + "train:\n" + "".join(kept)


def make_old(run):
    (run / "recipe.yaml").write_text(without((run / "recipe.yaml").read_text()))

    def edit(texts):
        texts["recipe"] = without(texts["recipe"])
        training = json.loads(texts["training"])
        for key in NEW_STATE_KEYS:
            del training[key]
        texts["training"] = json.dumps(training, separators=(",", ":"))

    edit_header(run / "last.safetensors", edit)


def tensors_of(path):
    data = path.read_bytes()
    return data[8 + struct.unpack("<Q", data[:8])[0] :]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)
        hypernet("train", recipe, "-o", folder / "whole", "--threads", 1)
        hypernet("train", recipe, "-o", folder / "old", "--threads", 1, "--max-steps", 20)
        shutil.copytree(folder / "old", folder / "other")
        make_old(folder / "old")
        hypernet("train", "--resume", folder / "old", "--threads", 1)
        for file in ("last.safetensors", "best.safetensors"):
            fail_unless(tensors_of(folder / "whole" / file) == tensors_of(folder / "old" / file), f"{file} differs")
        fail_unless((folder / "whole/log.csv").read_bytes() == (folder / "old/log.csv").read_bytes(), "log.csv differs")

        # the recipe of file and checkpoint say sgd, the state is Adam's
        other = folder / "other"
        swap = lambda text: re.sub("  optimizer: adam\n", "  optimizer: sgd\n", text)
        (other / "recipe.yaml").write_text(swap((other / "recipe.yaml").read_text()))
        _, said = hypernet("train", "--resume", other, expect=1)
        fail_unless("was changed since the run began" in said, said)
        edit_header(other / "last.safetensors", lambda texts: texts.update(recipe=swap(texts["recipe"])))
        _, said = hypernet("train", "--resume", other, expect=1)
        fail_unless("adam.mean." in said and "another optimizer" in said and "last.safetensors" in said, said)
    print("a run without the new keys went on to the same bytes; one with another optimizer's state did not")


main()
