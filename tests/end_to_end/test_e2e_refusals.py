"""What would go on in another way than the run began is refused, and nothing of the run is changed. And what must not be refused:
a run that was killed before its first validation, a damaged run.json."""

import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import PROGRAM, hypernet, prepare

FILES = ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors")
ENDLESS = ("--set", "train.steps=1000000", "--set", "train.validate_every=900000")


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        cls.recipe = prepare(cls.folder)
        hypernet("train", cls.recipe, "-o", cls.folder / "whole", "--threads", 1)
        hypernet("train", cls.recipe, "-o", cls.folder / "run", "--threads", 1, "--max-steps", 10)

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def content(self, name):
        return {path.name: path.read_bytes() for path in (self.folder / name).iterdir()}

    def assert_same(self, name, when):
        for file in FILES:
            same = (self.folder / name / file).read_bytes() == (self.folder / "whole" / file).read_bytes()
            self.assertTrue(same, f"{when}: {file} differs")

    def start(self, name, *more):
        """An endless run, as soon as it has begun to learn."""
        process = subprocess.Popen([PROGRAM, "train", str(self.recipe), "-o", str(self.folder / name), "--threads", "1", *more],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log, deadline = self.folder / name / "log.csv", time.monotonic() + 60
        while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") > 1):
            time.sleep(0.02)
        return process

    def refuse(self, damage, pattern):
        copy = self.folder / "copy"
        shutil.copytree(self.folder / "run", copy)
        try:
            damage(copy)
            before = self.content("copy")
            self.assertRegex(hypernet("train", "--resume", copy, "--threads", 1, expect=1)[1], pattern)
            after = self.content("copy")
            self.assertEqual([name for name in after if after[name] != before.get(name)], [], "files were changed")
        finally:
            shutil.rmtree(copy)


class Refused(Runs):
    def test_changed_recipe(self):
        def change(run):
            text = (run / "recipe.yaml").read_text()
            (run / "recipe.yaml").write_text(text.replace("steps: 60", "steps: 70"))
        self.refuse(change, r"copy/recipe\.yaml: was changed.*put the old values back")

    def test_checkpoint_cut_anywhere(self):
        whole = (self.folder / "run" / "last.safetensors").read_bytes()
        for keep in (0, 1, 7, 8, 9, 500, len(whole) // 2, len(whole) - 1):
            with self.subTest(keep=keep):
                self.refuse(lambda run, keep=keep: (run / "last.safetensors").write_bytes(whole[:keep]), r"copy/last\.safetensors")

    def change_text(self, old, new, pattern):
        """`new` is as long as `old`, so that the header keeps its length."""
        self.assertEqual(len(old), len(new))

        def change(run):
            content = (run / "last.safetensors").read_bytes()
            self.assertEqual(content.count(old), 1, old)
            (run / "last.safetensors").write_bytes(content.replace(old, new))
        self.refuse(change, pattern)

    def test_newer_format(self):
        self.change_text(b'"format":"1"', b'"format":"9"', r"copy/last\.safetensors: format 9 is newer.*use a newer")

    def test_format_that_is_none(self):
        self.change_text(b'"format":"1"', b'"format":"x"', r"copy/last\.safetensors: __metadata__\.format is 'x'")

    def test_missing_texts(self):
        self.change_text(b'"format":', b'"farmot":', r"copy/last\.safetensors: .*'format' is missing")
        self.change_text(b'"training":', b'"trainign":', r"copy/last\.safetensors: .*'training' is missing")

    def test_another_task(self):
        self.change_text(b'"task":"text"', b'"task":"tale"', r"copy/last\.safetensors: .*task 'tale'")

    def test_missing_tensors(self):
        self.change_text(b'"adam.mean.softmax.bias"', b'"adam.maen.softmax.bias"', r"copy/last\.safetensors: tensor 'adam\.mean\.softmax\.bias'.*missing")
        self.change_text(b'"state.layers.0"', b'"state.leyers.0"', r"'state\.layers\.0' is missing")

    def test_numbers_that_contradict_each_other(self):
        self.change_text(b'\\"step\\":10,', b'\\"step\\":99,', r"copy/last\.safetensors: .*training.*damaged")

    def test_another_models_checkpoint(self):
        """Of the same recipe but for the units: its recipe says so."""
        hypernet("train", self.recipe, "-o", self.folder / "wide", "--threads", 1, "--max-steps", 2, "--set", "model.units=12")
        self.refuse(lambda run: shutil.copy(self.folder / "wide" / "last.safetensors", run), r"copy/recipe\.yaml: was changed")

    def test_log(self):
        self.refuse(lambda run: (run / "log.csv").write_text("step,"), r"copy/log\.csv: has 5 bytes")
        self.refuse(lambda run: (run / "log.csv").unlink(), r"copy/log\.csv: the run cannot go on without it")

    def test_missing_checkpoint(self):
        self.refuse(lambda run: (run / "last.safetensors").unlink(), r"copy/last\.safetensors: cannot open")

    def test_two_at_once(self):
        process = self.start("busy", *ENDLESS)
        try:
            error = hypernet("train", "--resume", self.folder / "busy", "--threads", 1, expect=1)[1]
            self.assertRegex(error, "busy: another process is training this run")
        finally:
            process.kill()
            process.wait()

    def test_folder_in_use(self):
        error = hypernet("train", self.recipe, "-o", self.folder / "run", expect=1)[1]
        self.assertRegex(error, "run: there is a run already: go on with 'hypernet train --resume")
        error = hypernet("train", self.recipe, "-o", self.folder, expect=1)[1]
        self.assertRegex(error, "exists already and is no empty folder: name another")
        error = hypernet("train", self.recipe, "-o", self.folder / "text.txt", expect=1)[1]
        self.assertRegex(error, "exists already and is no empty folder: name another")
        self.assertEqual(sorted(self.content("run")), sorted(["recipe.yaml", "log.csv", "run.json", "last.safetensors", "best.safetensors"]))

    def test_a_bad_start_leaves_no_folder(self):
        hypernet("train", self.recipe, "-o", self.folder / "never", "--set", "data.path=nowhere", expect=1)
        hypernet("train", self.recipe, "-o", self.folder / "never", "--set", "model.units=65536", "--set", "data.batch=40",
                 "--set", "model.hyper_units=65536", expect=1)
        self.assertFalse((self.folder / "never").exists())


class NotRefused(Runs):
    def test_killed_before_the_first_validation(self):
        process = self.start("killed", "--set", "train.validate_every=900000")
        process.kill()
        process.wait()
        hypernet("train", "--resume", self.folder / "killed", "--threads", 1)
        hypernet("train", self.recipe, "-o", self.folder / "straight", "--threads", 1, "--set", "train.validate_every=900000")
        for file in FILES:
            self.assertEqual((self.folder / "killed" / file).read_bytes(), (self.folder / "straight" / file).read_bytes(), file)

    def test_damaged_run_json(self):
        shutil.copytree(self.folder / "run", self.folder / "copy")
        (self.folder / "copy" / "run.json").write_text("{")
        hypernet("train", "--resume", self.folder / "copy", "--threads", 1)
        self.assert_same("copy", "with a damaged run.json")

    def test_patience_survives_a_stop(self):
        """With a rate of 0 there is no new best after the first one: four validations, and the end."""
        changes = ("--set", "train.rate=0", "--set", "train.final_rate=0", "--set", "train.patience=3", "--threads", 1)
        hypernet("train", self.recipe, "-o", self.folder / "patient", *changes)
        self.assertEqual((self.folder / "patient" / "log.csv").read_text().splitlines()[-1].split(",")[0], "36")
        hypernet("train", self.recipe, "-o", self.folder / "patient-2", *changes, "--max-steps", 21)
        hypernet("train", "--resume", self.folder / "patient-2", "--threads", 1)
        for file in FILES:
            self.assertEqual((self.folder / "patient" / file).read_bytes(), (self.folder / "patient-2" / file).read_bytes(), file)
        self.assertIn("finished", hypernet("train", "--resume", self.folder / "patient", "--threads", 1)[0])

    def test_another_seed_differs(self):
        hypernet("train", self.recipe, "-o", self.folder / "seeded", "--threads", 1, "--seed", 8)
        for file in FILES:
            self.assertNotEqual((self.folder / "seeded" / file).read_bytes(), (self.folder / "whole" / file).read_bytes(), file)

    def test_two_threads_repeat_too(self):
        for name in ("pair", "pair-2"):
            hypernet("train", self.recipe, "-o", self.folder / name, "--threads", 2, "--max-steps", 20)
        hypernet("train", "--resume", self.folder / "pair", "--threads", 2)
        hypernet("train", "--resume", self.folder / "pair-2", "--threads", 2)
        for file in FILES:
            self.assertEqual((self.folder / "pair" / file).read_bytes(), (self.folder / "pair-2" / file).read_bytes(), file)


if __name__ == "__main__":
    unittest.main()
