"""Names that are no UTF-8 leave JSON whole: run.json and every --json output say them with U+FFFD. And a log that was shortened by
hand is refused on resume, in words."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import runs


def run(*words, expect=0):
    """Runs the program with arguments of any bytes; returns stdout and stderr as bytes."""
    done = subprocess.run([os.fsencode(runs.PROGRAM), *map(os.fsencode, words)], capture_output=True, timeout=250, check=False)
    if done.returncode != expect:
        raise AssertionError(f"exit {done.returncode}, not {expect}: {words}\n{done.stderr!r}")
    return done.stdout, done.stderr


class Names(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name)
        text = self.folder / "text.txt"
        text.write_bytes(runs.words(4000))
        self.recipe = self.folder / "small.yaml"
        self.recipe.write_text(runs.RECIPE.format(path=text))

    def tearDown(self):
        self.place.cleanup()

    def test_json_stays_json(self):
        name = os.fsencode(self.folder) + b"/caf\xe9"
        said = "/caf\ufffd"
        out, _ = run("train", str(self.recipe), "-o", name, "--max-steps", "9", "--threads", "1", "--json")
        self.assertTrue(json.loads(out)["run"].endswith(said))
        facts = json.loads(Path(os.fsdecode(name), "run.json").read_bytes())
        self.assertIn(said, facts["command"])
        self.assertTrue(json.loads(run("info", name, "--json")[0])["path"].endswith(said + "/best.safetensors"))
        self.assertTrue(json.loads(run("eval", name, "--json", "--threads", "1")[0])["checkpoint"].endswith(
            said + "/best.safetensors"))
        report = json.loads(run("report", name, "--no-samples", "-o", name + b"/page.html", "--json")[0])
        self.assertTrue(report["file"].endswith(said + "/page.html"))
        self.assertEqual(report["runs"][0]["folder"], said[1:])
        twin = name + b"e"
        run("train", str(self.recipe), "--init-from", name, "-o", twin, "--max-steps", "9", "--threads", "1")
        self.assertTrue(json.loads(Path(os.fsdecode(twin), "run.json").read_bytes())["init_from"].endswith(
            said + "/best.safetensors"))
        drawn = json.loads(run("plot", name, twin, "phi", "-o", str(self.folder / "phi.svg"), "--json", "--threads", "1")[0])
        self.assertEqual([Path(row["run"]).name for row in drawn["runs"]], ["caf\ufffd", "caf\ufffde"])
        self.assertTrue(drawn["runs"][0]["name"].endswith("(caf\ufffd)"), str(drawn))
        other = os.fsencode(self.folder) + b"/te\xfft.txt"
        Path(os.fsdecode(other)).write_bytes(runs.words(4000))
        self.assertTrue(json.loads(run("data", "show", other, "--json")[0])["path"].endswith("/te\ufffdt.txt"))

    def test_a_shortened_log_is_refused(self):
        folder = self.folder / "run"
        run("train", str(self.recipe), "-o", str(folder), "--max-steps", "9", "--threads", "1")
        log = folder / "log.csv"
        whole = log.read_bytes()
        log.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
        _, error = run("train", "--resume", str(folder), "--threads", "1", expect=1)
        self.assertIn(f"log.csv: has {log.stat().st_size} bytes, at least {len(whole)} were written before".encode(), error)
        self.assertIn(b"put the whole file back", error)
        log.write_bytes(whole)
        run("train", "--resume", str(folder), "--threads", "1", "--max-steps", "12")


if __name__ == "__main__":
    sys.exit(unittest.main())
