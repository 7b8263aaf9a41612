"""Updates in parts: the same losses as whole ones to five digits, exact resume with SGD, a plateau and both clippings, less memory."""

import csv
import json
import tempfile
from pathlib import Path

from runs import fail_unless, hypernet, prepare

FILES = ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors")
SGD = ["train.optimizer=sgd", "train.momentum=0.9", "train.nesterov=true", "train.weight_decay=0.0001", "train.rate=1",
       "train.clip_value=0.05", "train.clip_norm=0.2", "train.schedule=plateau", "train.plateau_patience=0",
       "train.plateau_factor=0.5", "train.plateau_threshold=0.2", "train.warmup_steps=3"]


def train(recipe, run, sets, *more):
    options = [word for text in sets for word in ("--set", text)]
    return hypernet("train", recipe, "-o", run, "--threads", 1, *options, *more)


def rows(run):
    return list(csv.DictReader((run / "log.csv").open()))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)

        # parts of a batch of 4 rows: 3 does not divide it
        train(recipe, folder / "whole", ["train.steps=20"])
        for parts in (2, 3):
            _, said = train(recipe, folder / f"parts-{parts}", ["train.steps=20", f"train.micro_batches={parts}"])
            fail_unless(f"in {parts} parts of at most 2 rows" in said, said)
            for ours, whole in zip(rows(folder / f"parts-{parts}"), rows(folder / "whole"), strict=True):
                for column in ("train_bpc", "valid_bpc"):
                    if whole[column]:
                        close = abs(float(ours[column]) - float(whole[column])) < 1e-4
                        fail_unless(close, f"{parts} parts, step {whole['step']}: {ours[column]}, whole {whole[column]}")

        # stopped anywhere, with all that has a state of its own
        sets = [*SGD, "train.micro_batches=2"]
        train(recipe, folder / "sgd", sets)
        rates = [row["rate"] for row in rows(folder / "sgd")]
        clipped = {float(row["clip_rate"]) for row in rows(folder / "sgd")}
        fail_unless(len(set(rates)) >= 3 and rates[-1] < rates[2], f"the plateau lessened nothing: {rates}")
        fail_unless(max(clipped) > 0, "nothing was clipped")
        for stop in (2, 9, 23, 31, 50):
            run = folder / f"sgd-{stop}"
            train(recipe, run, sets, "--max-steps", stop)
            hypernet("train", "--resume", run, "--threads", 1)
            for file in FILES:
                fail_unless((run / file).read_bytes() == (folder / "sgd" / file).read_bytes(), f"stopped at {stop}: {file}")

        # what info and the forecast say
        memory = []
        for parts in (1, 4):
            found, _ = hypernet("info", recipe, "--json", "--set", f"train.micro_batches={parts}")
            memory.append(json.loads(found)["memory"])
        fail_unless(memory[1]["step"] < 0.75 * memory[0]["step"] and memory[1]["micro_batches"] == 4, memory)
        _, said = hypernet("info", recipe, "--set", "train.micro_batches=5", expect=1)
        fail_unless("train.micro_batches is 5, but a batch has 4 rows" in said, said)

        # 0 becomes a number
        train(recipe, folder / "chosen", ["train.steps=2", "train.micro_batches=0"])
        fail_unless("  micro_batches: 1\n" in (folder / "chosen/recipe.yaml").read_text(), "0 stayed in recipe.yaml")
    print("parts of a batch add up; SGD with a plateau went on to the byte from 5 stops")


main()
