"""A checkpoint that is damaged, newer or another model's is refused, and nothing of the run is changed. What is not refused: a damaged
run.json. And what decides how a run goes on survives a stop."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare

FILES = ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors")


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

    def test_missing_texts(self):
        self.change_text(b'"format":', b'"farmot":', r"copy/last\.safetensors: .*'format' is missing")
        self.change_text(b'"training":', b'"trainign":', r"copy/last\.safetensors: .*'training' is missing")

    def test_another_task(self):
        self.change_text(b'"task":"text"', b'"task":"tale"', r"copy/last\.safetensors: .*task 'tale'")

    def test_missing_tensors(self):
        self.change_text(b'"adam.mean.softmax.bias"', b'"adam.maen.softmax.bias"', r"copy/last\.safetensors: tensor 'adam\.mean\.softmax\.bias'.*missing")
        self.change_text(b'"state.layers.0"', b'"state.leyers.0"', r"'state\.layers\.0' is missing")

    def test_another_models_checkpoint(self):
        hypernet("train", self.recipe, "-o", self.folder / "wide", "--threads", 1, "--max-steps", 2, "--set", "model.units=12")
        self.refuse(lambda run: shutil.copy(self.folder / "wide" / "last.safetensors", run), r"copy/last\.safetensors: tensor 'layers\.0\.weight_x' is F32 \[48,256\], .* F32 \[40,256\]")

    def test_missing_checkpoint(self):
        self.refuse(lambda run: (run / "last.safetensors").unlink(), r"copy/last\.safetensors: cannot open")

    def test_a_bad_start_leaves_no_folder(self):
        hypernet("train", self.recipe, "-o", self.folder / "never", "--set", "data.path=nowhere", expect=1)
        hypernet("train", self.recipe, "-o", self.folder / "never", "--set", "model.units=65536", "--set", "data.batch=40",
                 "--set", "model.hyper_units=65536", expect=1)
        self.assertFalse((self.folder / "never").exists())


class NotRefused(Runs):
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
