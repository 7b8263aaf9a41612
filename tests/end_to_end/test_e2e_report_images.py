"""hypernet report of image runs: curves of error and loss, the networks' weights, what they took for what on the test images."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare_images


class ReportImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        recipe = prepare_images(cls.folder)
        cls.runs = [cls.folder / name for name in ("hyper", "stored")]
        hypernet("train", recipe, "-o", cls.runs[0], "--max-steps", 12, "--threads", 1)
        hypernet("train", recipe, "-o", cls.runs[1], "--max-steps", 12, "--threads", 1, "--set", "model.weights=stored")

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def report(self, *arguments):
        path = self.folder / "page.html"
        told = json.loads(hypernet("report", *arguments, "-o", path, "--json")[0])
        return path.read_text(), told

    def test_everything(self):
        page, told = self.report(*self.runs, "--test")
        self.assertEqual(page, self.report(*self.runs, "--test")[0], "not the same each time")
        for run, row in zip(self.runs, told["runs"]):
            measured = json.loads(hypernet("eval", run, "--split", "test", "--json")[0])["value"]
            self.assertAlmostEqual(row["test_error"], measured, 9)
            self.assertIn(f'{measured:.2f}<span class="unit"> on test</span>', page)
        self.assertIn("Error, % over training steps", page)
        self.assertIn("Loss, nats, over training steps", page)
        self.assertEqual(page.count("groups.0.blocks.0.conv2.kernel, [16,16,3,3]"), 1, "both kernels in one picture")
        self.assertEqual(page.count("groups.1.blocks.0.conv2.kernel, [32,32,3,3]. Borders part the tiles"), 1, "of four tiles")
        self.assertIn("hyper WRN-10-1, generated</text>", page)
        self.assertEqual(page.count("from groups.0.blocks.0.conv1 to groups.2.blocks.0.conv2</figcaption>"), 1)
        self.assertIn("group 2", page)
        self.assertEqual(page.count("How many images of each class were taken"), 2)
        self.assertIn("Of each class so many were right", page)
        self.assertIn('<th scope="row">3</th>', page)

    def test_without_the_data(self):
        page, told = self.report(*self.runs, "--data", "/nowhere")
        self.assertNotIn("taken for what", page)
        self.assertNotIn("test_error", told["runs"][0])
        self.assertIn("Weights as the networks see them", page)

    def test_nothing_is_loaded_without_samples(self):
        page = self.report(self.runs[0], "--no-samples")[0]
        for words in ("Weights as the networks see them", "taken for what", "What weights are made from", "What the models write"):
            self.assertNotIn(words, page)
        page, told = self.report(self.runs[0], "--no-samples", "--test")
        self.assertIn("test_error", told["runs"][0])
        self.assertNotIn("taken for what", page)

    def test_a_run_without_a_checkpoint(self):
        folder = self.folder / "lost"
        folder.mkdir()
        for name in ("run.json", "recipe.yaml", "log.csv"):
            (folder / name).write_bytes((self.runs[0] / name).read_bytes())
        page = self.report(folder)[0]
        self.assertRegex(page, "There is nothing to show: .*the run has no checkpoint yet")
        self.assertNotIn("What the models write", page)


if __name__ == "__main__":
    unittest.main()
