"""tools/demo.sh and demo_images.sh with a program that trains nothing: the page they name, and what becomes of a pair when one training
fails. And the second one whole, on a few images."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import SOURCE, write_idx

# `train RECIPE ... -o FOLDER/CELL --json`: what DEMO_FAIL names fails, its neighbour goes on for a while.
PROGRAM = """#!/bin/sh
[ "$1" != eval ] || echo '{"value": 12.25}'
[ "$1" = train ] || exit 0
while [ "$1" != -o ]; do shift; done
mkdir -p "$2"
echo "step 1" >&2
echo '{"best_valid": 1.5, "parameters": 7}'
echo '{"characters_per_second": 9}' >"$2/run.json"
[ -n "$DEMO_FAIL" ] || exit 0
[ "${2##*/}" != "$DEMO_FAIL" ] || { echo "no luck" >&2; exit 3; }
trap 'echo killed >"$2/end"; kill $!; exit 1' TERM
/bin/sleep 20 &
wait
echo trained >"$2/end"
"""


class Demo(unittest.TestCase):
    def demo(self, folder, fail="", script="demo.sh"):
        for name, text in (("hypernet", PROGRAM), ("sleep", "#!/bin/sh\nexec /bin/sleep 0.5\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return subprocess.run(
            ["sh", SOURCE / "tools" / script], capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HYPERNET_BIN": str(folder / "hypernet"),
                 "DEMO_FOLDER": str(folder / "made"), "DEMO_CELLS": "lstm lstm-ln hyperlstm", "DEMO_FAIL": fail})

    def test_names_the_page(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.demo(Path(folder))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.splitlines()[-1], f"open {folder}/made/report.html in a browser")

    def test_names_the_page_of_images(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.demo(Path(folder), script="demo_images.sh")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.splitlines()[-1], f"open {folder}/made/images.html in a browser")
            self.assertRegex(done.stdout, r"generated +1\.50 % +12\.25 % +7\n")

    def test_images_on_a_few_images(self):
        """The recipes, the errors and both pictures are there; the images are a set of our own under the name of Fashion-MNIST."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_idx(folder / "data" / "fashion-mnist", train=5400, test=30, size=28, classes=10)
            done = subprocess.run(
                ["sh", SOURCE / "tools" / "demo_images.sh"], capture_output=True, text=True, timeout=200, check=False,
                env={**os.environ, "DEMO_FOLDER": str(folder / "made"), "HYPERNET_DATA": str(folder / "data")})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for line in (r"stored +[\d.]+ % +[\d.]+ % +21210", r"generated +[\d.]+ % +[\d.]+ % +12910"):
                self.assertRegex(done.stdout, line)
            page = (folder / "made" / "images.html").read_text()
            for words in ("conv2.kernel, [16,16,7,7]", "hyper conv 16, generated", "on test", "taken for what"):
                self.assertIn(words, page)
            self.assertIn("hyper conv 16, generated", (folder / "made" / "kernels.svg").read_text())

    def test_a_failure_ends_the_pair(self):
        for script, fail, other in (("demo.sh", "lstm", "lstm-ln"), ("demo.sh", "lstm-ln", "lstm"),
                                    ("demo_images.sh", "fashion-hyper", "fashion-conv")):
            with self.subTest(fail), tempfile.TemporaryDirectory() as folder:
                done = self.demo(Path(folder), fail, script)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn("no luck", done.stderr)
                self.assertEqual((Path(folder) / "made" / other / "end").read_text(), "killed\n")


if __name__ == "__main__":
    unittest.main()
