"""Every recipe: built dry at full size, then cut small, trained three steps, saved, resumed, sampled where it writes, and measured."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import SOURCE, hypernet, words, write_cifar10, write_idx

RECIPES = sorted((SOURCE / "recipes").glob("*.yaml"))
CUT_TRAINING = ("train.steps=4", "train.validate_every=2", "train.warmup_steps=1", "train.patience=0")
CUT = {"text": ("data.batch=2", "data.length=6", "model.units=8", "model.hyper_units=4", "model.embedding_size=2",
                "train.sample_length=5"),
       "images": ("data.batch=2", "data.valid_images=4", "model.depth=10", "model.embedding_size=2", "model.units=16",
                  "model.coordinate_units=3")}


def task_of(path):
    return next(line.split()[1] for line in path.read_text().splitlines() if line.startswith("task:"))


def make_data(folder):
    """Folders named as the recipes name them: Penn Treebank in the form of the real one, words apart, a line a sentence."""
    (folder / "ptb").mkdir(parents=True)
    for part, size in (("train", 900), ("valid", 300), ("test", 300)):
        lines = words(size).decode().splitlines()
        (folder / "ptb" / f"ptb.{part}.txt").write_text("".join(f" {line.strip()} \n" for line in lines))
    (folder / "enwik8").mkdir()
    (folder / "enwik8" / "enwik8.first3000").write_bytes(words(3000))
    (folder / "kjv").mkdir()
    (folder / "kjv" / "kjv.txt").write_bytes(words(3000))
    for name in ("mnist", "fashion-mnist"):
        write_idx(folder / name, train=20, test=6, size=28, classes=10)
    write_cifar10(folder / "cifar10", 4)


class Recipes(unittest.TestCase):
    def test_there_are_recipes(self):
        self.assertGreaterEqual(len(RECIPES), 5)

    def test_each_at_full_size(self):
        for path in RECIPES:
            with self.subTest(recipe=path.stem):
                info = json.loads(hypernet("info", path, "--json")[0])
                self.assertEqual(sum(info["parameters"]["by_part"].values()), info["parameters"]["total"])
                self.assertGreater(info["parameters"]["total"], 3000)

    def test_each_cut_small(self):
        for path in RECIPES:
            with self.subTest(recipe=path.stem), tempfile.TemporaryDirectory() as name:
                self.train_small(path, Path(name))

    def train_small(self, path, folder):
        make_data(folder / "data")
        run, common = folder / "run", ("--data", folder / "data", "--threads", 1)
        task = task_of(path)
        sets = [word for key in CUT[task] + CUT_TRAINING for word in ("--set", key)]
        hypernet("train", path, "-o", run, *sets, *common, "--max-steps", 3)
        hypernet("train", "--resume", run, *common)
        self.assertEqual((run / "log.csv").read_text().splitlines()[-1].split(",")[0], "4")
        if task == "text":
            sample = json.loads(hypernet("sample", run, "--length", 20, "--json", *common)[0])
            self.assertEqual(len(sample["text"]), 20)
        for split in ("valid", "test"):
            measured = json.loads(hypernet("eval", run, "--split", split, "--json", *common)[0])
            self.assertTrue(0 <= measured["value"] < (12 if task == "text" else 101), measured)


if __name__ == "__main__":
    unittest.main()
