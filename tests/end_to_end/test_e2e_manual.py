"""The manual page names every command, option and variable that there is, and roff has nothing to complain about."""

import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

PROGRAM = os.environ["HYPERNET_BIN"]
SOURCE = Path(os.environ["HYPERNET_SOURCE_DIR"])


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True).stdout


def commands():
    return re.findall(r"^  ([a-z]+)  +\S", run("--help"), re.MULTILINE)


def options(command):
    return set(re.findall(r"--[a-z][a-z-]*", run(command, "--help").split("Example")[0])) - {"--help", "--usage", "--version"}


def plain(page):
    return page.replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


def missing(page):
    """What the program has and the page lacks."""
    text = plain(page)
    sections = dict(re.findall(r"^\.SS (\S+)\n(.*?)(?=^\.S[SH] )", text, re.MULTILINE | re.DOTALL))
    common = text.split(".SH COMMON OPTIONS")[1].split(".SH ENVIRONMENT")[0]
    wanted = [(f"command {c}", c in sections) for c in commands()]
    wanted += [(f"{c} {o}", re.search(rf"^\.B (-\w, )?{o}\b", sections.get(c, "") + common, re.MULTILINE))
               for c in commands() for o in options(c)]
    names = set()
    for path in [*SOURCE.glob("cli/*.c"), *SOURCE.glob("src/app/**/*.c")]:
        names |= set(re.findall(r'(?:getenv|environment)\("(HYPERNET_\w+|HN_\w+|NO_COLOR)"\)', path.read_text(encoding="utf-8")))
    wanted += [(f"variable {name}", f".B {name}\n" in text) for name in names]
    return [what for what, there in wanted if not there], len(wanted)


class Manual(unittest.TestCase):
    def test_everything_is_in_it(self):
        lacks, count = missing(run("__manual"))
        self.assertEqual(lacks, [])
        self.assertGreater(count, 40)

    def test_a_page_that_lacks_something_is_noticed(self):
        page = run("__manual")
        for cut, what in ((".SS train\n", "command train"), ("\\-\\-max\\-time", "train --max-time"),
                          (".B HN_ISA\n", "variable HN_ISA"), ("\\-\\-threads", "train --threads")):
            self.assertIn(cut, page)
            self.assertIn(what, missing(page.replace(cut, ""))[0])

    def test_roff_has_no_complaints(self):
        if shutil.which("groff") is None:
            self.skipTest("no groff")
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", "-"], input=run("__manual"), text=True, capture_output=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-"], input=run("__manual"), text=True,
                               capture_output=True, check=True).stdout
        self.assertIn("hypernet train text-small --set data.path=my.txt", shown)

    def test_hidden_commands_stay_hidden(self):
        self.assertNotIn("__", run("--help") + run("__manual"))


if __name__ == "__main__":
    sys.exit(unittest.main())
