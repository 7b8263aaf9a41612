"""tools/demo.sh with a program that trains nothing: the page it names, and what becomes of a pair when one training fails."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import SOURCE

# `train RECIPE ... -o FOLDER/CELL --json`: what DEMO_FAIL names fails, its neighbour goes on for a while.
PROGRAM = """#!/bin/sh
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
    def demo(self, folder, fail=""):
        for name, text in (("hypernet", PROGRAM), ("sleep", "#!/bin/sh\nexec /bin/sleep 0.5\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return subprocess.run(
            ["sh", SOURCE / "tools" / "demo.sh"], capture_output=True, text=True, timeout=100, check=False,
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HYPERNET_BIN": str(folder / "hypernet"),
                 "DEMO_FOLDER": str(folder / "made"), "DEMO_CELLS": "lstm lstm-ln hyperlstm", "DEMO_FAIL": fail})

    def test_names_the_page(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.demo(Path(folder))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.splitlines()[-1], f"open {folder}/made/report.html in a browser")

    def test_a_failure_ends_the_pair(self):
        for fail, other in (("lstm", "lstm-ln"), ("lstm-ln", "lstm")):
            with self.subTest(fail), tempfile.TemporaryDirectory() as folder:
                done = self.demo(Path(folder), fail)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn("no luck", done.stderr)
                self.assertEqual((Path(folder) / "made" / other / "end").read_text(), "killed\n")


if __name__ == "__main__":
    unittest.main()
