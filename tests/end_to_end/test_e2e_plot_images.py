"""hypernet plot of image runs: every picture in every format opens, is the same each time, and shows what the run and its data hold."""

import json
import re
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, prepare, prepare_images

WHATS = {"kernels": ("stored", "run"), "strip": ("run",), "embeddings": ("run",), "confusion": ("run",), "mistakes": ("run",),
         "curves": ("stored", "run")}


class PlotImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.keeper.name)
        recipe = prepare_images(cls.folder)
        hypernet("train", recipe, "-o", cls.folder / "run", "--max-steps", 12, "--threads", 1)
        hypernet("train", recipe, "-o", cls.folder / "stored", "--max-steps", 6, "--threads", 1, "--set", "model.weights=stored")
        hypernet("train", prepare(cls.folder), "-o", cls.folder / "text", "--max-steps", 2)

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def plot(self, runs, what, *arguments, file="a.svg"):
        """The picture's bytes and what --json says."""
        path = self.folder / file
        told = json.loads(hypernet("plot", *(self.folder / run for run in runs), what, "-o", path, *arguments, "--json")[0])
        self.assertEqual((told["file"], told["plot"]), (str(path), what))
        return path.read_bytes(), told

    def test_every_picture_in_every_format(self):
        for what, runs in WHATS.items():
            for ending, start in (("svg", b"<?xml"), ("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF-")):
                with self.subTest(what=what, ending=ending):
                    first, again = (self.plot(runs, what, file=f"{name}.{ending}")[0] for name in ("a", "b"))
                    self.assertEqual(first, again, "not the same each time")
                    self.assertTrue(first.startswith(start), first[:40])
                    if ending == "svg":
                        xml.dom.minidom.parseString(first)

    def test_kernels(self):
        svg, told = self.plot(("stored", "run"), "kernels")
        self.assertEqual((told["weight"], told["shape"]), ("groups.0.blocks.0.conv2.kernel", "[16,16,3,3]"))
        self.assertEqual([row["generated"] for row in told["runs"]], [False, True])
        places = [re.search(rb'<text [^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>' + name + b"<", svg)
                  for name in (b"WRN-10-1", b"hyper WRN-10-1, generated")]
        stored, generated = ([float(place.group(i)) for i in (1, 2)] for place in places)
        self.assertEqual(stored[0], generated[0])
        self.assertLess(stored[1], generated[1], "the ordinary kernel stands above the generated one")
        self.assertNotEqual(told["runs"][0]["root_mean_square"], told["runs"][1]["root_mean_square"])
        other, told = self.plot(("run",), "kernels", "--layer", "groups.2.blocks.0.conv1")
        self.assertEqual((told["weight"], told["shape"]), ("groups.2.blocks.0.conv1.kernel", "[64,32,3,3]"))
        self.assertNotEqual(svg, other)

    def test_a_baked_network_has_the_kernels_that_were_generated(self):
        hypernet("bake", self.folder / "run", "-o", self.folder / "baked.safetensors")
        rows = self.plot(("run", "baked.safetensors"), "kernels", "--layer", "groups.1.blocks.0.conv1.kernel")[1]["runs"]
        self.assertEqual([row["generated"] for row in rows], [True, False])
        self.assertEqual(rows[0]["root_mean_square"], rows[1]["root_mean_square"])

    def test_filters_of_a_fully_connected_network(self):
        hypernet("train", self.folder / "images.yaml", "-o", self.folder / "mlp", "--max-steps", 2, "--set", "model.network=mlp",
                 "--set", "model.weights=coordinates", "--set", "model.units=36")
        told = self.plot(("mlp",), "kernels")[1]
        self.assertEqual((told["weight"], told["shape"]), ("hidden.weight", "[36,64]"))
        for what in ("embeddings", "strip"):
            error = hypernet("plot", self.folder / "mlp", what, "-o", self.folder / "never.svg", expect=1)[1]
            self.assertIn("has 0 embeddings", error)

    def test_embeddings(self):
        told = self.plot(("run",), "embeddings")[1]
        self.assertEqual(len(told["points"]), 1 + 1 + 2 + 4 + 8 + 16)
        self.assertEqual(sorted({point["group"] for point in told["points"]}), ["group 0", "group 1", "group 2"])
        self.assertEqual(told["points"][-1]["weight"], "groups.2.blocks.0.conv2.kernel, tile 16 of 16")
        self.assertTrue(1 >= told["share"][0] >= told["share"][1] > 0)

    def test_strip(self):
        svg, told = self.plot(("run",), "strip")
        self.assertEqual((told["way"], told["steps"]), ("groups.0.blocks.0.conv1 to groups.2.blocks.0.conv2", 9))
        other, told = self.plot(("run",), "strip", "--from", "groups.1.blocks.0.conv1", "--to", "groups.1.blocks.0.conv2.kernel",
                                "--steps", 4)
        self.assertEqual((told["way"], told["steps"]), ("groups.1.blocks.0.conv1 to groups.1.blocks.0.conv2", 4))
        self.assertNotEqual(svg, other)

    def test_confusion(self):
        for split, count in (("test", 40), ("valid", 24)):
            told = self.plot(("run",), "confusion", "--split", split)[1]
            error = json.loads(hypernet("eval", self.folder / "run", "--split", split, "--json")[0])["value"]
            counts = told["counts"]
            self.assertEqual((told["count"], sum(map(sum, counts))), (count, count))
            self.assertEqual(told["wrong"], count - sum(counts[i][i] for i in range(4)))
            self.assertAlmostEqual(100 * told["wrong"] / count, error, 9)
        self.assertEqual(self.plot(("run",), "confusion")[1]["split"], "test")

    def test_mistakes(self):
        told = self.plot(("run",), "mistakes", "--split", "train")[1]
        rows = told["mistakes"]
        self.assertEqual(len(rows), min(24, told["wrong"]))
        self.assertGreater(len(rows), 0)
        self.assertEqual([row["probability"] for row in rows], sorted(row["probability"] for row in rows))
        for row in rows:
            self.assertNotEqual(row["class"], row["said"])
            self.assertLess(row["probability"], row["probability_said"])
            self.assertEqual(row["class"], (row["image"] * 7 + row["image"] // 5) % 4)

    def test_curves(self):
        error, told = self.plot(("stored", "run"), "curves")
        self.assertEqual([(row["train_points"], row["valid_points"]) for row in told["runs"]], [(0, 1), (0, 2)])
        loss, told = self.plot(("stored", "run"), "curves", "--loss")
        self.assertEqual([row["valid_points"] for row in told["runs"]], [1, 2])
        self.assertTrue(all(row["train_points"] > 0 for row in told["runs"]))
        self.assertIn("error, %", error.decode())
        self.assertIn("nats", loss.decode())

    def test_refusals(self):
        for runs, what, arguments, pieces in (
                (("text",), "kernels", (), ("task 'text'", "change their weights while they run")),
                (("text",), "strip", (), ("task 'text'", "change their weights")),
                (("text",), "embeddings", (), ("task 'text'", "change their weights")),
                (("text",), "confusion", (), ("task 'text'", "know no classes")),
                (("text",), "mistakes", (), ("task 'text'", "know no classes")),
                (("text",), "curves", ("--loss",), ("--loss", "measured by its loss")),
                (("run",), "path", (), ("task 'images'", "write nothing")),
                (("run",), "kernels", ("--layer", "conv2"), ("no weight 'conv2'", "conv1.kernel, groups.0.blocks.0.conv1.kernel")),
                (("run",), "strip", ("--to", "conv1"), ("generates no weight 'conv1'", "groups.0.blocks.0.conv1.kernel")),
                (("stored",), "strip", (), ("has 0 embeddings",)),
                (("run/best.safetensors", "mlp0"), "kernels", (), ("mlp0",)),
        ):
            with self.subTest(runs=runs, what=what):
                error = hypernet("plot", *(self.folder / run for run in runs), what, *arguments, "-o", self.folder / "never.svg",
                                 expect=1)[1]
                for piece in pieces:
                    self.assertIn(piece, error)
        self.assertFalse((self.folder / "never.svg").exists())


if __name__ == "__main__":
    unittest.main()
