"""A text of UTF-8 characters from training to sampling: as many rows as occur, written into the run's recipe."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare, words

OTHERS = {"the": "\u0442\u0438", "and": "\u4e2d\u6587", "of": "\u00e9\u00e8", "lord": "\U0001f600"}
SETS = ("--set", "data.kind=characters", "--set", "data.vocabulary_size=0")


def text_of_many_alphabets(size):
    return " ".join(OTHERS.get(word, word) for word in words(size).decode().split(" "))


class Characters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.recipe = prepare(cls.folder)
        cls.text = text_of_many_alphabets(2000)
        cls.symbols = sorted(set(cls.text))
        (cls.folder / "text.txt").write_text(cls.text, encoding="utf-8")
        cls.run_folder = cls.folder / "run"
        hypernet("train", cls.recipe, *SETS, "-o", cls.run_folder, "--threads", 1)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_recipe_says_how_many(self):
        self.assertIn(f"vocabulary_size: {len(self.symbols)}\n", (self.run_folder / "recipe.yaml").read_text())
        info = json.loads(hypernet("info", self.run_folder, "--json")[0])
        self.assertIn(f"V = {len(self.symbols)}", info["details"]["symbols"])
        self.assertIn("UTF-8", info["details"]["symbols"])

    def test_effective_recipe_and_resume_give_the_same_run(self):
        again, parts = self.folder / "again", self.folder / "parts"
        hypernet("train", self.run_folder / "recipe.yaml", "-o", again, "--threads", 1)
        hypernet("train", self.recipe, *SETS, "-o", parts, "--threads", 1, "--max-steps", 23)
        hypernet("train", "--resume", parts, "--threads", 1)
        for name in ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors"):
            for other in (again, parts):
                self.assertEqual((other / name).read_bytes(), (self.run_folder / name).read_bytes(), name)

    def test_sample_counts_characters(self):
        command = ("sample", self.run_folder, "--length", 50, "--temperature", 5, "--prime", "\u4e2d\u6587 \U0001f600")
        text = json.loads(hypernet(*command, "--json")[0])["text"]
        self.assertEqual(len(text), 50)
        self.assertLessEqual(set(text), set(self.symbols))
        self.assertTrue(any(ord(symbol) > 0xFFFF for symbol in text), text)
        alone = self.folder / "alone.safetensors"
        alone.write_bytes((self.run_folder / "best.safetensors").read_bytes())
        self.assertEqual(json.loads(hypernet(command[0], alone, *command[2:], "--json")[0])["text"], text)

    def test_measured_by_character(self):
        part = self.folder / "part.txt"
        part.write_text(self.text[100:500], encoding="utf-8")
        measured = json.loads(hypernet("eval", self.run_folder, "--file", part, "--per-symbol", "--json")[0])
        self.assertEqual(measured["count"], 399)
        self.assertEqual([row["symbol"] for row in measured["symbols"]], sorted(set(self.text[101:500])))
        total = sum(row["count"] * row["bits"] for row in measured["symbols"]) / 399
        self.assertAlmostEqual(total, measured["value"], 9)
        self.assertIn("'\u4e2d'", hypernet("eval", self.run_folder, "--per-symbol=table")[0])

    def test_shown(self):
        shown = json.loads(hypernet("data", "show", self.folder / "text.txt", "--kind", "characters", "--json")[0])
        self.assertEqual((shown["kind"], shown["symbols"], shown["vocabulary_size"]),
                         ("characters", len(self.symbols), len(self.symbols)))
        self.assertEqual(shown["train"] + shown["valid"] + shown["test"], len(self.text))
        self.assertIn("\u4e2d\u6587 unto", hypernet("data", "show", self.folder / "text.txt", "--kind", "characters")[0])

    def test_refusals(self):
        too_few = hypernet("train", self.recipe, SETS[0], SETS[1], "--set", "data.vocabulary_size=9", expect=1)[1]
        self.assertIn(f"{len(self.symbols)} distinct symbols: raise it to {len(self.symbols)}", too_few)
        unknown = hypernet("sample", self.run_folder, "--prime", "the \u20ac", expect=1)[1]
        self.assertIn("prime: '\u20ac' at position 5 is not among", unknown)
        broken = self.folder / "broken.txt"
        broken.write_bytes(b"a shall\nthe lor\xe9\n")
        self.assertIn("byte 16 (0xE9, line 2) begins no UTF-8", hypernet("eval", self.run_folder, "--file", broken, expect=1)[1])


if __name__ == "__main__":
    unittest.main()
