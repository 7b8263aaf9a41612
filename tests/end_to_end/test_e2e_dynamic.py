"""Dynamic evaluation from the command line: beside the static figure, without a trace in the run, and lower on another text."""

import csv
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare, words


class Dynamic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.run_folder = cls.folder / "run"
        hypernet("train", prepare(cls.folder), "-o", cls.run_folder)
        cls.other = cls.folder / "other.txt"
        cls.other.write_bytes(words(3000).upper())
        cls.files = {path: path.read_bytes() for path in cls.run_folder.iterdir()}

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def tearDown(self):
        self.assertEqual({path: path.read_bytes() for path in self.run_folder.iterdir()}, self.files)

    def measure(self, *more):
        return json.loads(hypernet("eval", self.run_folder, "--json", *more)[0])

    def test_beside_the_static_figure(self):
        text = hypernet("eval", self.run_folder, "--file", self.other, "--dynamic", "--dynamic-rate", 0.3)[0].splitlines()
        found = self.measure("--file", self.other, "--dynamic", "--dynamic-rate", 0.3)
        self.assertEqual(text[0], f"{self.other}: {found['value']:.4f} bits per character (2,999 characters; {found['note']})")
        dynamic = found["dynamic"]
        self.assertEqual(text[1], f"{self.other}, dynamic: {dynamic['value']:.4f} bits per character (2,999 characters; "
                                  "one stream, weights follow: rate 0.3, decay 0.001, segments of 20)")
        self.assertEqual((dynamic["rate"], dynamic["decay"], dynamic["length"], dynamic["count"]), (0.3, 0.001, 20, 2999))
        self.assertLess(dynamic["value"], found["value"] - 0.5)
        self.assertEqual(self.measure("--file", self.other, "--dynamic", "--dynamic-rate", 0.3), found, "twice the same")
        self.assertAlmostEqual(self.measure("--file", self.other)["value"], found["value"], 5)
        self.assertNotIn("dynamic", self.measure("--file", self.other))

    def test_each_option_acts(self):
        figures = [self.measure("--dynamic", *more)["dynamic"]["value"] for more in (
            (), ("--dynamic-rate", 0.01), ("--dynamic-decay", 0.5), ("--dynamic-length", 7), ("--split", "valid"))]
        self.assertEqual(len(set(figures)), len(figures), str(figures))

    def test_rate_0(self):
        found = self.measure("--dynamic", "--dynamic-rate", 0, "--dynamic-decay", 0.3, "--dynamic-length", 17)
        self.assertAlmostEqual(found["dynamic"]["value"], found["value"], 6)

    def test_bits_of_symbols(self):
        found = self.measure("--dynamic")
        rows = list(csv.DictReader(io.StringIO(hypernet("eval", self.run_folder, "--dynamic", "--per-symbol=csv")[0])))
        self.assertEqual(list(rows[0]), ["offset", "symbol", "bits", "dynamic_bits"])
        for column, value in (("bits", found["value"]), ("dynamic_bits", found["dynamic"]["value"])):
            self.assertAlmostEqual(sum(float(row[column]) for row in rows) / found["count"], value, 8)


if __name__ == "__main__":
    unittest.main()
