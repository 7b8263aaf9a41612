"""train.precision: bf16 learns what f32 learns to a few per mille, `auto` leaves its choice in the run, resume obeys it to the byte, and a
machine without bf16 says so."""

import csv
import re
import tempfile
from pathlib import Path

from runs import fail_unless, hypernet, prepare

FILES = ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors")


def train(recipe, run, precision, *more):
    return hypernet("train", recipe, "-o", run, "--threads", 1, "--set", f"train.precision={precision}", *more)


def precision_of(run):
    return re.search(r"^  precision: (\w+)$", (run / "recipe.yaml").read_text(), re.M).group(1)


def losses(run):
    return [float(row["train_bpc"]) for row in csv.DictReader((run / "log.csv").open())]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)

        _, said = train(recipe, folder / "auto", "auto", "--max-steps", 2)
        chosen = precision_of(folder / "auto")
        fail_unless(chosen in ("f32", "bf16"), f"auto left precision {chosen}")
        fail_unless(f"multiplies in {chosen}: " in said, said)
        _, said = hypernet("train", "--resume", folder / "auto", "--threads", 1, "--max-steps", 3)
        fail_unless(precision_of(folder / "auto") == chosen and "times as fast" not in said, "resume has measured again")

        train(recipe, folder / "f32", "f32")
        fail_unless(precision_of(folder / "f32") == "f32", "precision f32")
        _, said = hypernet("train", recipe, "-o", folder / "none", "--set", "train.precision=bf16", expect=1,
                           environment={"HN_ISA": "v2"})  # a level that never has bf16
        fail_unless("train.precision is bf16" in said and "train.precision=f32" in said, said)
        fail_unless(not (folder / "none").exists(), "a refused run left its folder behind")

        if "this machine has no bf16" in hypernet("train", recipe, "-o", folder / "asked", "--set", "train.precision=auto",
                                                  "--max-steps", 1)[1]:
            print("this machine has no bf16: what needs it was left out; auto took f32, bf16 was refused")
            return

        _, said = train(recipe, folder / "bf16", "bf16")
        fail_unless("multiplies in bf16" in said and precision_of(folder / "bf16") == "bf16", said)
        ours, whole = losses(folder / "bf16"), losses(folder / "f32")
        fail_unless(ours != whole, "bf16 changes nothing")
        fail_unless(all(abs(a - b) < 0.02 * b for a, b in zip(ours, whole, strict=True)), f"bf16 {ours}, f32 {whole}")
        train(recipe, folder / "stopped", "bf16", "--max-steps", 7)
        hypernet("train", "--resume", folder / "stopped", "--threads", 1)
        for file in FILES:
            fail_unless((folder / "stopped" / file).read_bytes() == (folder / "bf16" / file).read_bytes(), f"resumed {file}")
    print(f"auto took {chosen}; bf16 stayed within 2 % of f32 and resumed to the byte")


main()
