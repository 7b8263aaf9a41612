"""docs/diagrams/*.svg are what tools/draw_diagrams.py draws: well-formed, light and dark, with words for those who cannot see them, and
all shown by docs/hypernetworks.md."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

ROOT = Path(os.environ.get("HYPERNET_SOURCE_DIR", Path(__file__).parents[2]))
SCRIPT = ROOT / "tools" / "draw_diagrams.py"
PICTURES = sorted((ROOT / "docs" / "diagrams").glob("*.svg"))


def draw(script, *arguments):
    return subprocess.run([sys.executable, "-B", str(script), *arguments], capture_output=True, text=True, check=False)


class Diagrams(unittest.TestCase):
    def test_files_are_what_the_script_draws(self):
        done = draw(SCRIPT, "--check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_changed_or_missing_file_is_noticed(self):
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / "tools" / "draw_diagrams.py"
            copy.parent.mkdir()
            copy.write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
            self.assertEqual(draw(copy, "--check").returncode, 1, "missing files")
            self.assertEqual(draw(copy).returncode, 0)
            self.assertEqual(draw(copy, "--check").returncode, 0, "just drawn")
            made = sorted((Path(name) / "docs" / "diagrams").glob("*.svg"))
            self.assertEqual([path.name for path in made], [path.name for path in PICTURES])
            made[0].write_text(made[0].read_text(encoding="utf-8").replace("main network", "other network"), encoding="utf-8")
            self.assertEqual(draw(copy, "--check").returncode, 1, "a changed file")

    def test_pictures_have_words_and_both_themes(self):
        for path in PICTURES:
            document = xml.dom.minidom.parse(str(path))
            self.assertEqual(document.documentElement.getAttribute("role"), "img")
            for tag in ("title", "desc"):
                words = document.getElementsByTagName(tag)[0].firstChild.data
                self.assertGreater(len(words), 15, f"{path.name}: {tag}")
            self.assertIn("prefers-color-scheme:dark", document.getElementsByTagName("style")[0].firstChild.data)

    def test_pictures_are_shown_with_words_in_their_place(self):
        page = (ROOT / "docs" / "hypernetworks.md").read_text(encoding="utf-8")
        shown = dict(re.findall(r'<img src="diagrams/(\w+\.svg)"[^>]* alt="([^"]+)"', page))
        self.assertEqual(sorted(shown), [path.name for path in PICTURES])


if __name__ == "__main__":
    unittest.main()
