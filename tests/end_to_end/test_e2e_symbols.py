"""The bits of every symbol, in every form of `eval --per-symbol` and for every kind of symbol: they give back the text, and the
figure that eval prints."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

sys.dont_write_bytecode = True
from runs import PROGRAM, hypernet, prepare, words

TEXTS = {  # data.kind -> what replaces words of the text
    "bytes": {"of": "\u00e9,", "and": "\"\t", "lord": "\\"},
    "characters": {"the": "\u0442\u0438", "of": "\u4e2d\u6587", "and": "\"\u0085,", "lord": "\U0001f600\\"},
}

# To be loaded before the C library: there is no memory for the table of HNI_MOST_SYMBOLS sums, 24 bytes each and the block's header.
NO_SUMS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
void *realloc(void *old, size_t size)
{
    static void *(*real)(void *, size_t);
    if (old == NULL && size > 65536 * 24 && size < 65536 * 24 + 512) return NULL;
    if (real == NULL) real = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return real(old, size);
}
"""


def unescape(symbol):
    """The bytes of a field of the CSV."""
    parts = re.findall(r"\\x([0-9A-F]{2})|\\(.)|([^\\])", symbol)
    letters = {"n": b"\n", "t": b"\t", "r": b"\r", "\\": b"\\"}
    return b"".join(bytes([int(code, 16)]) if code else letters[letter] if letter else plain.encode()
                    for code, letter, plain in parts)


class Page(HTMLParser):
    """The text of the page, with the bits of its characters."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.inside, self.cell = [], False, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.inside = self.inside or tag == "pre"
        if self.inside and tag == "i":
            self.cell = dict(attributes)

    def handle_data(self, data):
        if self.cell is not None:
            self.cells.append((data, self.cell.get("title")))
            self.cell = None


class Symbols(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.runs, cls.parts = {}, {}
        for kind, others in TEXTS.items():
            text = " ".join(others.get(word, word) for word in words(3000).decode().split(" "))
            cls.train(kind, text, text[500:800].encode(), "--set", f"data.kind={kind}")
        plain = words(3000).decode().replace("thou", "th\u00f6u")
        lines = plain.encode()[500:800].split(b"\n")
        part = b"".join(line.strip(b" ").replace(b" ", b"_") + b"\n" for line in lines)
        cls.train("penn_treebank", plain, b"\n".join(lines), "--set", "data.kind=penn_treebank")
        cls.parts["penn_treebank"] = part

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def train(cls, kind, text, part, *sets):
        folder = cls.folder / kind
        folder.mkdir()
        recipe = prepare(folder)
        (folder / "text.txt").write_text(text, encoding="utf-8")
        (folder / "part.txt").write_bytes(part)
        cls.runs[kind], cls.parts[kind] = folder / "run", part
        hypernet("train", recipe, *sets, "--set", "data.vocabulary_size=0", "--set", "train.steps=30", "-o", cls.runs[kind])

    def measure(self, kind, *more, **options):
        return hypernet("eval", self.runs[kind], "--file", self.runs[kind].parent / "part.txt", *more, **options)

    def test_csv_gives_the_text_and_the_figure(self):
        for kind, part in self.parts.items():
            with self.subTest(kind):
                table, said = self.measure(kind, "--per-symbol=csv")
                rows = list(csv.DictReader(io.StringIO(table)))
                measured = json.loads(self.measure(kind, "--json")[0])
                first = part.decode()[0].encode() if kind == "characters" else part[:1]
                self.assertEqual(list(rows[0]), ["offset", "symbol", "bits"])
                self.assertEqual([int(row["offset"]) for row in rows], list(range(1, measured["count"] + 1)))
                self.assertEqual(first + b"".join(unescape(row["symbol"]) for row in rows), part)
                bits = sum(float(row["bits"]) for row in rows) / len(rows)
                self.assertAlmostEqual(bits, measured["value"], 8)
                self.assertIn(f"{measured['value']:.4f} bits per character", said)
                self.assertEqual(self.measure(kind, "--per-symbol")[0], table, "csv where nothing is a terminal")

    def test_one_character_a_row(self):
        table = self.measure("characters", "--per-symbol")[0]
        self.assertEqual(len(table.splitlines()), len(self.parts["characters"].decode()))
        self.assertIn(",\u4e2d,", table)
        self.assertIn(",\\xC2\\x85,", table)
        self.assertIn(',"""",', table)

    def test_a_split_too(self):
        table, said = hypernet("eval", self.runs["bytes"], "--split", "valid", "--per-symbol")
        measured = json.loads(hypernet("eval", self.runs["bytes"], "--split", "valid", "--json")[0])
        self.assertEqual(len(table.splitlines()) - 1, measured["count"])
        self.assertTrue(said.startswith("valid: "), said)

    def test_page(self):
        for kind, part in self.parts.items():
            with self.subTest(kind):
                file = self.folder / f"{kind}.html"
                said = self.measure(kind, "--per-symbol=html", "-o", file)[0]
                self.assertIn(" bits per character (", said)
                page = file.read_text(encoding="utf-8")
                cells = Page(page).cells
                text = "".join(cell for cell, _ in cells).replace("\u21b5", "\n").replace("\u2192", "\t").replace("\u00b7", "\u0085")
                self.assertEqual(text, part.decode())
                self.assertEqual([place for place, (_, bits) in enumerate(cells) if bits is None], [0])
                measured = json.loads(self.measure(kind, "--json")[0])
                total = sum(float(bits) for _, bits in cells[1:])
                self.assertAlmostEqual(total / measured["count"] / measured["value"], 1, 2)
                self.assertIn(said.splitlines()[0].replace("&", "&amp;"), page)

    def on_a_terminal(self, environment, *more):
        leader, follower = pty.openpty()
        command = [PROGRAM, "eval", str(self.runs["bytes"]), "--file", str(self.runs["bytes"].parent / "part.txt"), *more]
        plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM", "TERM")}
        process = subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   env={**plain, **environment})
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(leader)
        self.assertEqual(process.wait(), 0)
        return shown.decode()

    def test_terminal(self):
        coloured = self.on_a_terminal({"TERM": "xterm", "COLORTERM": "truecolor"}, "--per-symbol")
        self.assertIn("\033[48;2;", coloured)
        self.assertIn("bits per character", coloured)
        self.assertIn("or more", coloured)
        self.assertIn("\033[48;5;", self.on_a_terminal({"TERM": "xterm-256color"}, "--per-symbol"))
        plain = self.on_a_terminal({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "--per-symbol")
        self.assertNotIn("\033", plain)
        self.assertRegex(plain, "[\u2591\u2592\u2593\u2588]")
        self.assertTrue(self.on_a_terminal({"TERM": "xterm"}, "--per-symbol=csv").startswith("offset,symbol,bits"))

    def test_table_and_json(self):
        table = self.measure("bytes", "--per-symbol=table")[0]
        self.assertIn("bits each", table)
        self.assertIn("byte 0xA9", table)
        file = self.folder / "with.csv"
        found = json.loads(self.measure("bytes", "--per-symbol=csv", "-o", file, "--json")[0])
        self.assertEqual(found["file"], str(file))
        total = sum(row["count"] * row["bits"] for row in found["symbols"]) / found["count"]
        self.assertAlmostEqual(total, found["value"], 9)
        self.assertEqual(file.read_text(encoding="utf-8"), self.measure("bytes", "--per-symbol")[0])

    @unittest.skipIf(os.environ.get("HYPERNET_SANITIZE"), "a sanitizer has its own realloc")
    def test_json_without_memory_for_the_symbols(self):
        source, library = self.folder / "no_sums.c", self.folder / "no_sums.so"
        source.write_text(NO_SUMS, encoding="utf-8")
        subprocess.run([os.environ.get("HYPERNET_COMPILER", "cc"), "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
        environment = {"LD_PRELOAD": str(library)}
        self.measure("bytes", "--json", environment=environment)
        shown, said = self.measure("bytes", "--json", "--per-symbol", expect=1, environment=environment)
        self.assertEqual(shown, "")
        self.assertIn("memory", said)


if __name__ == "__main__":
    unittest.main()
