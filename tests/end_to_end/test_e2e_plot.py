"""hypernet plot: every picture in every format opens, is the same each time, and shows what it should."""

import json
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare

WHATS = {"curves": ("lstm", "run"), "change": ("run",), "phi": ("lstm", "run"), "path": ("run",), "rank": ("run",)}


class Plot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        recipe = prepare(cls.folder, 2000)
        hypernet("train", recipe, "-o", cls.folder / "run", "--max-steps", 27)
        hypernet("train", recipe, "-o", cls.folder / "lstm", "--max-steps", 9, "--set", "model.cell=lstm", "--set", "model.layer_norm=false")
        hypernet("train", recipe, "-o", cls.folder / "deep", "--max-steps", 9, "--set", "model.layers=2")

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def plot(self, runs, what, *arguments, file="a.svg"):
        """The picture's bytes and what --json says."""
        path = self.folder / file
        command = ("plot", *(self.folder / run for run in runs), what, "-o", path, *arguments)
        told = json.loads(hypernet(*command, "--json")[0])
        self.assertEqual((told["file"], told["plot"]), (str(path), what))
        return path.read_bytes(), told

    def test_every_picture_in_every_format(self):
        for what, runs in WHATS.items():
            for ending, start in (("svg", b"<?xml"), ("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF-")):
                with self.subTest(what=what, ending=ending):
                    first, again = (self.plot(runs, what, file=f"{name}.{ending}")[0] for name in ("a", "b"))
                    self.assertEqual(first, again, "not the same each time")
                    self.assertTrue(first.startswith(start), first[:40])
                    if ending == "svg":
                        xml.dom.minidom.parseString(first)
                    plain = hypernet("plot", *(self.folder / run for run in runs), what, "-o", self.folder / f"a.{ending}")[0]
                    self.assertEqual(plain, f"{self.folder}/a.{ending}\n")

    def test_curves(self):
        svg, told = self.plot(("lstm", "run"), "curves")
        self.assertIn(b"steps", svg)
        self.assertEqual([row["valid_points"] for row in told["runs"]], [1, 3])
        self.assertEqual([row["name"] for row in told["runs"]], ["LSTM 10", "LN-HyperLSTM 10"])
        for axis in ("epochs", "seconds"):
            other, told = self.plot(("lstm", "run"), "curves", "--axis", axis)
            self.assertNotEqual(other, svg)
            self.assertEqual(told["axis"], axis)
        marked, told = self.plot(("lstm", "run"), "curves", "--level", "7.9")
        self.assertNotEqual(marked, svg)
        self.assertEqual([row["reached"] for row in told["runs"]], [9, 9])
        self.assertEqual([row["reached"] for row in self.plot(("run",), "curves", "--level", "0.01")[1]["runs"]], [None])

    def test_runs_of_one_name_are_told_apart(self):
        hypernet("train", self.folder / "small.yaml", "-o", self.folder / "twin", "--max-steps", 9)
        for what in ("curves", "phi"):
            self.assertEqual([row["name"] for row in self.plot(("run", "twin"), what)[1]["runs"]],
                             ["LN-HyperLSTM 10 (run)", "LN-HyperLSTM 10 (twin)"])

    def test_phi(self):
        _, told = self.plot(("lstm", "run"), "phi", "--length", 30)
        for row in told["runs"]:
            self.assertEqual(row["total"], 30 * 10)
            self.assertEqual(sum(row["bins"]), 300)
            self.assertAlmostEqual(row["saturated"], (row["bins"][0] + row["bins"][-1]) / 300)
        self.assertNotEqual(told["runs"][0]["bins"], told["runs"][1]["bins"])
        self.assertIn(b"while the models write", self.plot(("lstm", "run"), "phi", "--length", 30)[0])
        svg, read = self.plot(("run",), "phi", "--prime", "the lord", "--length", 0)
        self.assertEqual(read["runs"][0]["total"], 8 * 10)
        self.assertIn(b"while the models read", svg)
        (self.folder / "read.txt").write_text("the lord is him")
        self.assertIn(b"while the models read", self.plot(("run",), "phi", "--text", self.folder / "read.txt")[0])

    def test_path(self):
        svg, told = self.plot(("run",), "path", "--length", 25)
        self.assertEqual(len(told["points"]), 25)
        self.assertGreaterEqual(told["share"][0], told["share"][1])
        self.assertIn(b"LN-HyperLSTM 10 while it writes", svg)
        (self.folder / "given.txt").write_text("the lord is him")
        read = self.plot(("run",), "path", "--text", self.folder / "given.txt")
        self.assertEqual((read[1]["text"], len(read[1]["points"])), ("the lord is him", 15))
        self.assertIn(b"while it reads", read[0])

    def test_change(self):
        _, told = self.plot(("run",), "change", "--length", 30, "--seed", 4)
        sampled = json.loads(hypernet("sample", self.folder / "run", "--length", 30, "--seed", 4, "--heat", "svg", "--json")[0])
        self.assertEqual(told["weight_change"], sampled["weight_change"])
        self.assertEqual(told["text"], sampled["text"])
        scales = self.plot(("run",), "change", "--length", 30, "--seed", 4, "--change", "scales")[1]
        self.assertNotEqual(scales["scale_change"], told["weight_change"])

    def test_rank(self):
        rows = [line.split(",") for line in (self.folder / "run" / "log.csv").read_text().splitlines()]
        svg, told = self.plot(("run",), "rank")
        self.assertEqual(list(told["ranks"]), ["z_h", "z_x", "z_b"])
        for embedding, lines in told["ranks"].items():
            for gate in "igfo":
                column = rows[0].index(f"rank.0.{embedding[2]}.{gate}")
                wanted = [[float(row[0]), float(row[column])] for row in rows[1:] if row[column]]
                self.assertEqual(lines[gate], wanted)
                self.assertEqual(len(wanted), 3)
        other, told = self.plot(("run",), "rank", "--axis", "epochs")
        self.assertNotEqual(other, svg)
        self.assertEqual(told["axis"], "epochs")
        error = hypernet("plot", self.folder / "lstm", "rank", "-o", self.folder / "never.svg", expect=1)[1]
        self.assertRegex(error, "lstm: its log has no effective ranks of layer 0: only models with 'hyper'")
        self.assertEqual(list(self.plot(("deep",), "rank", "--layer", 1)[1]["ranks"]["z_b"]), list("igfo"))

    def test_layers(self):
        for what in ("change", "phi", "path"):
            first, second = (self.plot(("deep",), what, "--layer", layer) for layer in (0, 1))
            self.assertNotEqual(first[0], second[0])
            self.assertEqual(second[1]["layer"], 1)

    def test_an_lstm_has_no_hypernetwork(self):
        for what in ("change", "path"):
            error = hypernet("plot", self.folder / "lstm", what, "-o", self.folder / "never.svg", expect=1)[1]
            self.assertRegex(error, r"LSTM 10.*|hyper")
            self.assertIn("'hyper'", error)
        self.assertFalse((self.folder / "never.svg").exists())


    def test_an_rnn_has_embeddings_but_no_phi(self):
        hypernet("train", self.folder / "small.yaml", "-o", self.folder / "rnn", "--max-steps", 9, "--set", "model.cell=hyperrnn_full",
                 "--set", "model.layer_norm=false", "--set", "model.keep_recurrent=1", "--set", "model.keep_hyper_recurrent=1")
        self.assertEqual(len(self.plot(("rnn",), "path", "--length", 12)[1]["points"]), 12)
        self.assertEqual(list(self.plot(("rnn",), "change", "--length", 12)[1]["weight_change"]), ["h"])
        self.assertEqual(list(self.plot(("rnn",), "rank")[1]["ranks"]["z_x"]), ["h"])
        error = hypernet("plot", self.folder / "run", self.folder / "rnn", "phi", "-o", self.folder / "never.svg", expect=1)[1]
        self.assertRegex(error, "phi: only cells with an output gate.*HyperRNN")


if __name__ == "__main__":
    unittest.main()
