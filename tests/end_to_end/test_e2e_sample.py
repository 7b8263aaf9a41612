"""hypernet sample: many texts at once, cuts, given text, and the picture of the weight change in every form."""

import gzip
import json
import re
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

sys.dont_write_bytecode = True
from runs import PROGRAM, hypernet, prepare

GATES = "igfo"


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        recipe = prepare(cls.folder, 2000)
        cls.run_folder = cls.folder / "run"
        hypernet("train", recipe, "-o", cls.run_folder, "--max-steps", 18, "--set", "data.vocabulary_size=40")
        hypernet("train", recipe, "-o", cls.folder / "lstm", "--max-steps", 2, "--set", "model.cell=lstm")
        hypernet("train", recipe, "-o", cls.folder / "deep", "--max-steps", 4, "--set", "model.layers=2")

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def sample(self, *arguments, run="run", **options):
        return hypernet("sample", self.folder / run, *arguments, **options)[0]

    def json(self, *arguments, **options):
        return json.loads(self.sample(*arguments, "--json", **options))

    # ---- many texts ----

    def test_each_text_is_that_of_its_seed_alone(self):
        common = ("--prime", "he ", "--length", 150, "--temperature", 1.5)
        many = self.json(*common, "--seed", 6, "--count", 11)
        self.assertEqual([row["seed"] for row in many["texts"]], list(range(6, 17)))
        self.assertEqual(len({row["text"] for row in many["texts"]}), 11)
        for row in many["texts"]:
            alone = self.json(*common, "--seed", row["seed"])
            self.assertEqual(row["text"], alone["text"], f"seed {row['seed']}")
        plain = self.sample(*common, "--seed", 6, "--count", 3)
        wanted = "".join(f"---- seed {row['seed']} ----\nhe {row['text']}\n" for row in many["texts"][:3])
        self.assertEqual(plain, wanted)

    def test_count_of_one_is_a_single_text(self):
        self.assertEqual(self.sample("--length", 40, "--count", 1), self.sample("--length", 40))

    # ---- cuts ----

    def test_cuts(self):
        hot = ("--length", 120, "--temperature", 5, "--seed", 3)
        plain, most = self.json(*hot)["text"], self.json("--length", 120, "--temperature", 0)["text"]
        self.assertEqual(self.json(*hot, "--top-k", 1)["text"], most)
        self.assertEqual(self.json(*hot, "--top-p", "1e-9")["text"], most)
        self.assertEqual(self.json(*hot, "--top-k", 256, "--top-p", 1)["text"], plain)
        few = self.json(*hot, "--top-k", 5)
        self.assertNotIn(few["text"], (plain, most))
        self.assertEqual(few["top_k"], 5)
        self.assertLess(len(set(few["text"])), len(set(plain)))

    # ---- storage of weights ----

    def test_storage(self):
        common = ("--prime", "he said unto him", "--length", 150, "--temperature", 1.5)
        plain = self.json(*common)
        self.assertEqual(plain, self.json(*common, "--storage", "f32"))
        self.assertEqual(plain["storage"], "f32")
        given = len("he said unto him")
        for storage, least, most in (("bf16", 1e-7, 0.01), ("int8", 1e-7, 0.02)):
            stored = self.json(*common, "--storage", storage)
            self.assertEqual(stored["storage"], storage)
            differences = [abs(a - b) for a, b in zip(plain["bits"][1:given], stored["bits"][1:given])]
            self.assertTrue(least < max(differences) < most, (storage, differences))
            self.assertEqual(stored["text"], self.json(*common, "--storage", storage, "--threads", 1)["text"])
        many = self.json(*common, "--storage", "int8", "--count", 3)["texts"]
        self.assertEqual(many[0]["text"], self.json(*common, "--storage", "int8")["text"])

    def test_storage_of_every_cell(self):
        for run in ("lstm", "deep"):
            texts = {s: self.json("--length", 60, "--storage", s, run=run)["text"] for s in ("f32", "bf16", "int8")}
            self.assertEqual([len(text) for text in texts.values()], [60] * 3)

    def evaluate(self, *arguments):
        return json.loads(hypernet("eval", self.run_folder, "--split", "valid", "--json", *arguments)[0])

    def test_evaluation_of_a_storage(self):
        plain, f32 = self.evaluate(), self.evaluate("--storage", "f32")
        self.assertAlmostEqual(plain["value"], f32["value"], delta=1e-5)
        self.assertEqual((plain["count"], "storage" in plain), (f32["count"], False))
        self.assertIn("one stream, state carried, matrices kept as f32", f32["note"])
        for storage in ("bf16", "int8"):
            stored = self.evaluate("--storage", storage)
            self.assertEqual((stored["storage"], stored["count"]), (storage, f32["count"]))
            self.assertTrue(1e-8 < abs(stored["value"] - f32["value"]) < 0.005, (storage, stored, f32))
        tracks = self.evaluate("--storage", "f32", "--tracks", 3)
        self.assertAlmostEqual(tracks["value"], self.evaluate("--tracks", 3)["value"], delta=1e-5)
        self.assertEqual(tracks["count"], f32["count"])
        table = hypernet("eval", self.run_folder, "--split", "valid", "--storage", "int8", "--per-symbol=csv")[0]
        bits = [float(line.rsplit(",", 1)[1]) for line in table.splitlines()[1:]]
        self.assertEqual(len(bits), f32["count"])
        self.assertAlmostEqual(sum(bits) / len(bits), self.evaluate("--storage", "int8")["value"], delta=1e-6)

    # ---- given text ----

    def test_given_text(self):
        text = "the lord is him\n"
        path = self.folder / "given.txt"
        path.write_text(text)
        shown = self.json("--text", path, "--heat", "svg")
        self.assertEqual((shown["text"], shown["given"]), (text, True))
        self.assertEqual([len(shown["weight_change"][gate]) for gate in GATES], [len(text)] * 4)
        self.assertEqual([shown["weight_change"][gate][0] for gate in GATES], [None] * 4)
        self.assertTrue(all(value > 0 for value in shown["weight_change"]["i"][1:]))
        primed = self.json("--prime", text, "--length", 0, "--heat", "svg")
        self.assertEqual(primed["weight_change"], shown["weight_change"])
        self.assertEqual(primed["bits"], shown["bits"])
        packed = self.folder / "given.txt.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        self.assertEqual(self.json("--text", packed)["bits"], shown["bits"])
        piped = subprocess.run([PROGRAM, "sample", str(self.run_folder), "--text", "-", "--json"], input=text.encode(),
                               stdout=subprocess.PIPE, check=True)
        self.assertEqual(json.loads(piped.stdout)["bits"], shown["bits"])

    def test_bits_are_those_of_eval(self):
        path = self.folder / "text.txt"
        bits = self.json("--text", path, run="lstm")["bits"]
        measured = json.loads(hypernet("eval", self.folder / "lstm", "--file", path, "--json")[0])
        self.assertIsNone(bits[0])
        self.assertEqual(len(bits) - 1, measured["count"])
        self.assertAlmostEqual(sum(bits[1:]) / measured["count"], measured["value"], places=4)

    # ---- pictures ----

    def test_every_form(self):
        command = ("--prime", "the ", "--length", 70, "--seed", 2)
        self.assertGreaterEqual(len(self.sample(*command, "--heat", "ansi").splitlines()), 5)
        for form in ("ansi", "svg", "html", "png", "pdf"):
            contents = []
            for i in range(2):
                path = self.folder / f"{i}.{form}"
                self.assertEqual(self.sample(*command, "--heat", form, "-o", path).strip(), str(path))
                contents.append(path.read_bytes())
            self.assertEqual(contents[0], contents[1], form)
            if form in ("svg", "html"):
                self.assertEqual(self.sample(*command, "--heat", form), contents[0].decode(), form)
            if form == "svg":
                xml.dom.minidom.parseString(contents[0])
            self.assertTrue(contents[0].startswith({"png": b"\x89PNG\r\n", "pdf": b"%PDF-"}.get(form, b"")), form)

    def test_hover_tells_the_character_and_all_gates(self):
        page = self.sample("--length", 30, "--heat", "html")
        number = r"[0-9.e+-]+"
        titles = re.findall(rf"<title>(.*?): i {number}, g {number}, f {number}, o {number}</title>", page, re.S)
        self.assertEqual(len(titles), 2 * 30)  # wide and narrow windows
        self.assertIn("Weight change of LN-HyperLSTM 10 while it writes", page)
        self.assertNotIn("http://", page.replace("http://www.w3.org", ""))

    def test_changes_and_layers(self):
        weights = self.json("--length", 20, "--heat", "svg", run="deep")
        scales = self.json("--length", 20, "--heat", "svg", "--change", "scales", run="deep")
        second = self.json("--length", 20, "--heat", "svg", "--layer", 1, run="deep")
        self.assertEqual(weights["text"], scales["text"])
        self.assertEqual(weights["text"], second["text"])
        self.assertNotEqual(weights["weight_change"], scales["scale_change"])
        self.assertNotEqual(weights["weight_change"], second["weight_change"])
        self.assertEqual((weights["layer"], second["layer"]), (0, 1))
        self.assertIn("change of the scaling vectors", self.sample("--length", 9, "--heat", "svg", "--change", "scales"))

    def test_json_with_a_picture(self):
        path = self.folder / "both.png"
        result = self.json("--length", 12, "--heat", "png", "-o", path)
        self.assertEqual(result["file"], str(path))
        self.assertTrue(path.read_bytes().startswith(b"\x89PNG"))

    def test_an_lstm_has_bits_but_no_change(self):
        result = self.json("--length", 12, run="lstm")
        self.assertEqual(len(result["bits"]), 12)
        error = hypernet("sample", self.folder / "lstm", "--heat", "svg", expect=1)[1]
        self.assertRegex(error, r"LSTM.* do not change: take a run whose model\.cell has 'hyper'")


    def test_one_gate(self):
        """An RNN has one gate; in the full form there are no scaling vectors."""
        for cell in ("hyperrnn", "hyperrnn_full"):
            hypernet("train", self.folder / "small.yaml", "-o", self.folder / cell, "--max-steps", 9, "--set", f"model.cell={cell}",
                     "--set", "model.layer_norm=false", "--set", "model.keep_recurrent=1", "--set", "model.keep_hyper_recurrent=1")
            result = self.json("--length", 15, "--heat", "svg", run=cell)
            self.assertEqual(list(result["weight_change"]), ["h"])
            self.assertEqual(len(result["weight_change"]["h"]), 15)
            self.assertGreater(min(result["weight_change"]["h"]), 0)
            self.assertEqual(len(self.sample("--length", 15, "--heat", "ansi", "--prime", "the", run=cell).splitlines()) % 2, 1)
        scales = self.json("--length", 15, "--heat", "svg", "--change", "scales", run="hyperrnn")
        self.assertGreater(min(scales["scale_change"]["h"]), 0)
        error = hypernet("sample", self.folder / "hyperrnn_full", "--heat", "svg", "--change", "scales", expect=1)[1]
        self.assertRegex(error, "has no scaling vectors.*take --change weights")


if __name__ == "__main__":
    unittest.main()
