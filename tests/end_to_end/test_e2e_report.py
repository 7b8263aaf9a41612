"""hypernet report: what the models show beside what they wrote, for every layer; figures on the test split."""

import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        cls.recipe = prepare(cls.folder, 2000)
        hypernet("train", cls.recipe, "-o", cls.folder / "deep", "--max-steps", 18, "--set", "model.layers=2")
        hypernet("train", cls.recipe, "-o", cls.folder / "lstm", "--max-steps", 9, "--set", "model.cell=lstm", "--set", "model.layer_norm=false")
        hypernet("train", cls.recipe, "-o", cls.folder / "rnn", "--max-steps", 9, "--set", "model.cell=rnn", "--set", "model.layer_norm=false",
                 "--set", "model.keep_recurrent=1", "--set", "model.keep_hyper_recurrent=1")

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def report(self, *arguments):
        path = self.folder / "page.html"
        told = json.loads(hypernet("report", *arguments, "-o", path, "--json")[0])
        return path.read_text(), told

    def test_inside_of_every_model(self):
        runs = [self.folder / name for name in ("deep", "lstm", "rnn")]
        page, told = self.report(*runs, "--sample-length", 30)
        self.assertEqual(page, self.report(*runs, "--sample-length", 30)[0], "not the same each time")
        for layer in (0, 1):
            self.assertEqual(len(re.findall(rf"layer {layer}, while writing, ", page)), 1, "a weight change a layer")
            self.assertIn(f"z_h of layer {layer}, while writing", page)
        self.assertNotIn("layer 2", page)
        self.assertIn("How far the units are driven", page)
        self.assertEqual(len(re.findall(r"% saturated", page)), 2 * 2, "two models with an output gate, wide and narrow")
        self.assertNotIn("test_bpc", told["runs"][0])

    def test_an_embedding_of_any_size(self):
        hypernet("train", self.recipe, "-o", self.folder / "wide", "--max-steps", 9, "--set", "model.embedding_size=520")
        page = self.report(self.folder / "deep", self.folder / "wide", "--sample-length", 5)[0]
        self.assertEqual(len(re.findall("z_h of layer 0, while writing", page)), 2 * 2, "two models, wide and narrow")
        self.assertNotIn("rank.", (self.folder / "wide" / "log.csv").read_text())

    def test_nothing_is_loaded_without_samples(self):
        page = self.report(self.folder / "deep", "--no-samples")[0]
        for words in ("while writing", "saturated", "What the models write"):
            self.assertNotIn(words, page)

    def test_figures_on_the_test_split(self):
        page, told = self.report(self.folder / "deep", "--no-samples", "--test")
        measured = json.loads(hypernet("eval", self.folder / "deep", "--json")[0])
        self.assertEqual(told["runs"][0]["test_bpc"], measured["value"])
        self.assertIn(f"{measured['value']:.3f}", page)
        (self.folder / "text.txt").rename(self.folder / "gone.txt")
        try:
            error = hypernet("report", self.folder / "deep", "--test", "-o", self.folder / "page.html", expect=1)[1]
            self.assertIn("text.txt", error)
        finally:
            (self.folder / "gone.txt").rename(self.folder / "text.txt")


if __name__ == "__main__":
    unittest.main()
