"""`data show` of images: counts, shape, measures and checksum for people and for machines; the first of each class as a picture and on a
terminal."""

import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet


def idx(sizes, data):
    return struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes) + bytes(data)


def png(width, height, pixels):
    """Colours, 8 bits: rows of (red, green, blue)."""
    rows = b"".join(b"\0" + bytes(pixels[y * 3 * width:(y + 1) * 3 * width]) for y in range(height))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        digits = cls.folder / "digits"
        digits.mkdir()
        for name, count, first in (("train", 6, 0), ("t10k", 2, 100)):
            (digits / f"{name}-images-idx3-ubyte").write_bytes(idx((count, 8, 8), [first + i % 64 for i in range(64 * count)]))
            (digits / f"{name}-labels-idx1-ubyte").write_bytes(idx((count,), [i % 2 for i in range(count)]))
        for number, (name, colour) in enumerate((("red", (250, 1, 2)), ("blue", (3, 4, 251)))):
            (cls.folder / "colours" / name).mkdir(parents=True)
            for image in range(number + 1):
                (cls.folder / "colours" / name / f"{image}.png").write_bytes(png(8, 8, colour * 64))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def show(self, *arguments):
        return hypernet("data", "show", *arguments, cwd=self.folder)[0]

    def test_figures(self):
        facts = json.loads(self.show("digits", "--json"))
        self.assertEqual((facts["path"], facts["kind"], facts["shape"]), ("digits", "idx", [1, 8, 8]))
        self.assertEqual((facts["train"], facts["test"]), (6, 2))
        self.assertEqual(facts["classes"], [{"name": "0", "train": 3, "test": 1}, {"name": "1", "train": 3, "test": 1}])
        self.assertAlmostEqual(facts["mean"][0], 31.5 / 255, 14)
        self.assertAlmostEqual(facts["deviation"][0], ((64 ** 2 - 1) / 12) ** 0.5 / 255, 14)
        text = self.show("digits")
        for words in ("kind: idx, 8 x 8 pixels, 1 channel, 2 classes", "0.12353", facts["sha256"]):
            self.assertIn(words, text)
        facts = json.loads(self.show("colours", "--json"))
        self.assertEqual((facts["kind"], facts["shape"], facts["test"]), ("folder", [3, 8, 8], 0))
        self.assertEqual(facts["classes"], [{"name": "blue", "train": 2, "test": 0}, {"name": "red", "train": 1, "test": 0}])
        self.assertAlmostEqual(facts["mean"][2] * 255, (2 + 2 * 251) / 3, 10)

    def test_pictures(self):
        for ending, beginning in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
            self.assertIn(f"first.{ending}", self.show("colours", "-o", f"first.{ending}"))
            self.assertTrue((self.folder / f"first.{ending}").read_bytes().startswith(beginning))
        picture = (self.folder / "first.svg").read_text()
        self.assertIn("#fa0102", picture)
        self.assertIn("#0304fb", picture)
        self.assertEqual(picture.count(">blue<"), 4)  # under the image and under the pointer
        self.assertEqual(picture.count(">red<"), 2)

    def test_terminal(self):
        """Only a terminal is shown pixels, in its own colours."""
        self.assertNotIn("\033", self.show("colours"))
        environment = {**os.environ, "TERM": "xterm", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        upper, lower = pty.openpty()
        subprocess.run([os.environ["HYPERNET_BIN"], "data", "show", "colours"], cwd=self.folder, env=environment, stdout=lower,
                       check=True)
        os.close(lower)
        shown = b""
        try:
            while piece := os.read(upper, 65536):
                shown += piece
        except OSError:  # the other end is closed
            pass
        os.close(upper)
        self.assertIn(b"250;1;2", shown)
        self.assertIn(b"3;4;251", shown)


if __name__ == "__main__":
    unittest.main()
