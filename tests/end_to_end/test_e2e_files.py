"""The files of a run as others see them: the safetensors package opens both checkpoints, run.json and log.csv hold what
docs/run-directory.md says, the report finds its figures, and without -o a fresh name is made."""

import csv
import html
import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare

try:
    import safetensors.numpy as safetensors
except ImportError:
    safetensors = None

BLOCKS = ("adam.mean.", "adam.variance.", "average.")


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        cls.recipe = prepare(cls.folder)
        cls.run_folder = cls.folder / "two parts" / "a's"  # made with the folder above it
        hypernet("train", cls.recipe, "-o", cls.run_folder, "--threads", 1, "--max-steps", 20)
        hypernet("train", "--resume", cls.run_folder, "--threads", 1)

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def test_log(self):
        with (self.run_folder / "log.csv").open() as file:
            rows = list(csv.DictReader(file))
        ranks = [f"rank.0.{kind}.{gate}" for kind in "hxb" for gate in "igfo"]
        self.assertEqual(
            list(rows[0]), ["step", "epoch", "rate", "train_bpc", "valid_bpc", "gradient_norm", "clip_rate", *ranks])
        validated = [*range(9, 60, 9), 60]
        self.assertEqual([int(row["step"]) for row in rows], sorted({*range(4, 61, 4), *validated}))
        self.assertEqual([int(row["step"]) for row in rows if row["valid_bpc"]], validated)
        self.assertTrue(all(0 < float(row["train_bpc"]) < 20 and float(row["gradient_norm"]) > 0 for row in rows))
        self.assertTrue(all(0 <= float(row["clip_rate"]) <= 1 for row in rows))
        self.assertAlmostEqual(float(rows[0]["rate"]), 0.02 * 4 / 6)
        self.assertLess(float(rows[-1]["train_bpc"]), float(rows[0]["train_bpc"]), "it learns")

    def test_run_json(self):
        facts = json.loads((self.run_folder / "run.json").read_text())
        wanted = {"format", "version", "name", "label", "cell", "seed", "command", "started", "host", "threads", "isa", "backend",
                  "data_path_found", "data_checksum", "rows", "characters_per_second", "parameters", "sessions"}
        self.assertEqual(wanted - set(facts), set())
        self.assertEqual((facts["format"], facts["name"], facts["threads"], facts["seed"]), (1, "small", 1, 7))
        self.assertEqual((facts["label"], facts["cell"]), ("LN-HyperLSTM 10", "hyperlstm"))
        quoted = "'" + str(self.run_folder).replace("'", "'\\''") + "'"
        self.assertEqual(facts["command"], f"hypernet train --resume {quoted} --threads 1")
        self.assertEqual([(session["first_step"], session["last_step"]) for session in facts["sessions"]], [(0, 20), (20, 60)])
        self.assertEqual(len(facts["rows"]), len((self.run_folder / "log.csv").read_text().splitlines()) - 1)
        seconds = [second for _, second in facts["rows"]]
        self.assertEqual(seconds, sorted(seconds))
        self.assertEqual(sum(facts["parameters"]["by_part"].values()), facts["parameters"]["total"])
        self.assertTrue(facts["data_path_found"].endswith("text.txt"))
        self.assertGreater(facts["characters_per_second"], 0)

    def test_effective_recipe_gives_the_same_run(self):
        again = self.folder / "again"
        hypernet("train", self.run_folder / "recipe.yaml", "-o", again, "--threads", 1)
        for name in ("recipe.yaml", "log.csv", "last.safetensors", "best.safetensors"):
            self.assertEqual((again / name).read_bytes(), (self.run_folder / name).read_bytes(), name)

    def test_report(self):
        result = json.loads(hypernet("report", self.run_folder, "--json")[0])
        self.assertEqual(Path(result["file"]), self.run_folder / "report.html")
        with (self.run_folder / "log.csv").open() as file:
            validated = [row for row in csv.DictReader(file) if row["valid_bpc"]]
        best = min(validated, key=lambda row: float(row["valid_bpc"]))
        self.assertEqual(result["runs"][0]["best_step"], int(best["step"]))
        self.assertEqual(result["runs"][0]["best_valid_bpc"], float(best["valid_bpc"]))

    def test_report_lets_the_models_write(self):
        page, bare, early = (self.folder / name for name in ("page.html", "bare", "early"))
        shutil.copytree(self.run_folder, bare)
        (bare / "best.safetensors").unlink()
        (bare / "last.safetensors").unlink()
        hypernet("train", self.recipe, "--set", "data.vocabulary_size=40", "-o", early, "--max-steps", 1, "--threads", 1)
        hypernet("report", self.run_folder, bare, early, "--sample-length", 30, "-o", page)
        text = page.read_text()
        self.assertIn("Weights that change under the text", text)
        self.assertIn("has no checkpoint yet", text)
        self.assertIn("Never validated yet", text)
        given = '<span class="note">And God said, </span>'
        written = [html.unescape(part.split("</blockquote>")[0]) for part in text.split("<blockquote>")[1:]]
        self.assertEqual(len(written), 2, "the run without a checkpoint has written nothing")
        self.assertEqual((written[0][:len(given)], len(written[0]) - len(given)), (given, 30))
        self.assertEqual(len(written[1]), 30, "not primed: a model of the symbols that occur knows no capital A")
        hypernet("report", self.run_folder, bare, "--no-samples", "-o", page)
        self.assertNotIn("What the models write", page.read_text())

    def test_fresh_names(self):
        names = [json.loads(hypernet("train", self.recipe, "--max-steps", 1, "--threads", 1, "--json", cwd=self.folder)[0])["run"]
                 for _ in range(2)]
        self.assertEqual(len(set(names)), 2)
        for name in names:
            self.assertIn("small", name)
            self.assertTrue((self.folder / name / "last.safetensors").exists())

    def test_results_and_progress_apart(self):
        output, error = hypernet("train", self.recipe, "-o", self.folder / "apart", "--threads", 1, "--json")
        self.assertEqual(json.loads(output)["step"], 60)
        self.assertEqual(len(output.splitlines()), 1)
        self.assertIn("validation", error)
        self.assertIn("parameters", error)
        self.assertNotIn("\x1b", error, "no terminal, no colours and no bar")

    @unittest.skipIf(safetensors is None, "the Python package safetensors is not installed")
    def test_safetensors_package(self):
        last, best = (safetensors.load_file(self.run_folder / name) for name in ("last.safetensors", "best.safetensors"))
        parameters = {name for name in best if not name.startswith("blob.")}
        self.assertIn("softmax.weight", parameters)
        self.assertEqual(set(best) - parameters, {"blob.vocabulary"})
        for name in parameters:
            for prefix in ("", *BLOCKS):
                self.assertEqual(last[prefix + name].shape, best[name].shape)
                self.assertEqual(str(last[prefix + name].dtype), "float32")
        self.assertEqual(set(last) - set(best) - {block + name for name in parameters for block in BLOCKS}, {"state.layers.0"})
        self.assertEqual(last["state.layers.0"].shape, (4, 2 * 10 + 2 * 5))


if __name__ == "__main__":
    if safetensors is None:
        print("LEFT OUT: the Python package safetensors is not installed: it has not opened the checkpoints", file=sys.stderr)
    unittest.main()
