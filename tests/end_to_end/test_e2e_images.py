"""Image classification from the command line: trained, measured, asked about single images, and refused what it has no use for."""

import csv
import json
import struct
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
from runs import hypernet, image, prepare_images, write_idx

# Learnable numbers of each recipe, as the paper counts them where it does.
COUNTS = {"mnist-conv": 21210, "mnist-hyper": 12910, "mnist-hyper-best": 12910, "mnist-fc": 203530, "mnist-coordinates": 3627,
          "cifar10-wrn-40-1": 562762, "cifar10-hyper-wrn-40-1": 96602, "cifar10-wrn-40-2": 2235530,
          "cifar10-hyper-wrn-40-2": 147610}
# Test errors in percent that the paper prints of them.
ERRORS = {"mnist-conv": 0.72, "mnist-hyper": 0.76, "mnist-hyper-best": 0.76, "mnist-fc": 1.5, "mnist-coordinates": 6.5,
          "cifar10-wrn-40-1": 6.73, "cifar10-hyper-wrn-40-1": 8.02, "cifar10-wrn-40-2": 5.66, "cifar10-hyper-wrn-40-2": 7.23}


def grey_png(pixels, width, height):
    """A PNG file of these grey bytes, row by row."""
    rows = b"".join(b"\0" + pixels[y * width:(y + 1) * width] for y in range(height))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.holder.name)
        cls.recipe = prepare_images(cls.folder)
        cls.run_folder = cls.folder / "run"
        hypernet("train", cls.recipe, "-o", cls.run_folder, "--threads", 1)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def test_counts(self):
        for recipe, count in COUNTS.items():
            with self.subTest(recipe=recipe):
                info = json.loads(hypernet("info", recipe, "--json")[0])
                self.assertEqual(info["parameters"]["total"], count)
                self.assertEqual(info["paper"]["data"], "MNIST" if recipe.startswith("mnist") else "CIFAR-10")
                self.assertEqual((info["paper"]["test"], info["paper"]["valid"]), (ERRORS[recipe], None))
                self.assertEqual(info["paper"]["ours"]["parameters"], count)

    def test_generated_beside_stored(self):
        text = hypernet("info", "mnist-hyper")[0]
        self.assertIn("12544", text.replace(",", ""))
        self.assertRegex(text, r"generated +12544, out of 4240 numbers of the generator and 4 of embeddings")

    def test_generators_are_described(self):
        """Depth and width of what makes the weights: E numbers of an embedding, d units, hidden layers."""
        for recipe, sets, line in (
                ("mnist-coordinates", (), "two hidden layers of 25 units"),
                ("mnist-hyper", (), "two layers, 4 numbers and 4 units make a kernel of 16 to 16 channels"),
                ("mnist-hyper", ("model.generator_units=8",),
                 "two layers, 4 numbers and 8 units make a kernel of 16 to 16 channels"),
                ("cifar10-hyper-wrn-40-1", (), "two layers, 64 numbers and 64 units make a kernel of 16 to 16 channels"),
        ):
            with self.subTest(recipe=recipe, sets=sets):
                words = [word for setting in sets for word in ("--set", setting)]
                details = json.loads(hypernet("info", recipe, *words, "--json")[0])["details"]
                self.assertIn(line, details["generator"])

    def test_readings_of_views(self):
        """What a recipe does to its images stands among the readings, with its numbers."""
        details = json.loads(hypernet("info", "mnist-hyper-best", "--json")[0])["details"]
        readings = [value for key, value in details.items() if key.startswith("reading: ")]
        for setting in ("data.rotate = 10", "data.scale = 0.1", "data.shift = 0.1"):
            self.assertEqual(sum(reading.startswith(setting) for reading in readings), 1, (setting, readings))

    def test_log(self):
        rows = list(csv.DictReader((self.run_folder / "log.csv").read_text().splitlines()))
        self.assertEqual(list(rows[0]), ["step", "epoch", "rate", "train_loss", "valid_error", "gradient_norm", "clip_rate",
                                         "valid_loss"])
        self.assertEqual(rows[-1]["step"], "30")
        validated = [row for row in rows if row["valid_error"]]
        self.assertTrue(all(0 <= float(row["valid_error"]) <= 100 and float(row["valid_loss"]) > 0 for row in validated))

    def test_eval(self):
        for split, count in (("valid", 24), ("test", 40), ("train", 88)):
            result = json.loads(hypernet("eval", self.run_folder, "--split", split, "--json")[0])
            self.assertEqual((result["count"], result["unit"]), (count, "error, %"))
            self.assertAlmostEqual(result["value"] * count / 100, round(result["value"] * count / 100), 9)
        write_idx(self.folder / "others", train=30, test=10)
        result = json.loads(hypernet("eval", self.run_folder, "--file", self.folder / "others", "--json")[0])
        self.assertEqual(result["count"], 40)

    def test_a_network_that_learns(self):
        """The bars are told apart without an error by a small network in a few passes."""
        run = self.folder / "learns"
        hypernet("train", self.recipe, "-o", run, "--set", "model.network=conv", "--set", "model.weights=stored", "--set",
                 "train.steps=120", "--set", "data.flip=false", "--set", "data.rotate=0", "--set", "data.shift=0")
        result = json.loads(hypernet("eval", run, "--json")[0])
        self.assertLess(result["value"], 10)

    def test_predict(self):
        pixels = b"".join(image(label, 7 + label, 8) for label in range(4))
        (self.folder / "some.idx").write_bytes(struct.pack(">4I", 2051, 4, 8, 8) + pixels)
        listing = json.loads(hypernet("predict", self.run_folder, self.folder / "some.idx", "--top", 4, "--json")[0])
        self.assertEqual([entry["image"] for entry in listing], [0, 1, 2, 3])
        for entry in listing:
            shares = [c["probability"] for c in entry["classes"]]
            self.assertAlmostEqual(sum(shares), 1, 5)
            self.assertEqual(shares, sorted(shares, reverse=True))
            self.assertEqual(sorted(c["name"] for c in entry["classes"]), ["0", "1", "2", "3"])
        line = hypernet("predict", self.run_folder, self.folder / "some.idx")[0].splitlines()[0]
        self.assertRegex(line, r"some\.idx\[0\]  [0-3]  0\.\d{4}$|some\.idx\[0\]  [0-3]  1\.0000$")

    def test_predict_png(self):
        """An image says the same as a PNG file and in an idx file."""
        pixels = [image(label, 7 + label, 8) for label in range(4)]
        idx, files = self.folder / "same.idx", [self.folder / f"{label}.png" for label in range(4)]
        idx.write_bytes(struct.pack(">4I", 2051, 4, 8, 8) + b"".join(pixels))
        for file, grey in zip(files, pixels):
            file.write_bytes(grey_png(grey, 8, 8))
        wanted = json.loads(hypernet("predict", self.run_folder, idx, "--top", 4, "--json")[0])
        listing = json.loads(hypernet("predict", self.run_folder, *files, "--top", 4, "--json")[0])
        self.assertEqual([(entry["file"], entry["image"]) for entry in listing], [(str(file), 0) for file in files])
        self.assertGreater(len({entry["classes"][0]["probability"] for entry in wanted}), 1)
        for entry, other in zip(listing, wanted, strict=True):
            for ours, theirs in zip(entry["classes"], other["classes"], strict=True):
                self.assertEqual((ours["class"], ours["name"]), (theirs["class"], theirs["name"]))
                self.assertAlmostEqual(ours["probability"], theirs["probability"], 6)
        lines = hypernet("predict", self.run_folder, *files)[0].splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[2], r"/2\.png  [0-3]  [01]\.\d{4}$")

    def check_classes(self, result, printed):
        """Counts of each class add up to the figure, and stand in the table."""
        classes, lines = result["classes"], printed.splitlines()
        wrong = result["count"] - sum(one["right"] for one in classes)
        self.assertAlmostEqual(100.0 * wrong / result["count"], result["value"], 9)
        self.assertIn(f"{result['value']:.3f} % wrong ({result['count']} images; {wrong} of", lines[0])
        self.assertEqual(lines[1].split(), "class count right % most often taken for".split())
        self.assertEqual(len(lines), 2 + len(classes))
        for index, (one, line) in enumerate(zip(classes, lines[2:])):
            self.assertEqual(sum(one["taken_for"]), one["count"])
            self.assertEqual(one["taken_for"][index], one["right"])
            share = "-" if one["count"] == 0 else f"{100.0 * one['right'] / one['count']:.2f}"
            self.assertEqual(line.split()[:3], [one["name"], str(one["count"]), share])
            others = [count for place, count in enumerate(one["taken_for"]) if place != index]
            self.assertEqual(f"({max(others)})" in line, max(others) > 0)

    def test_bake(self):
        """The file says what the run says, without a generator, wherever it lies."""
        baked = self.folder / "baked.safetensors"
        result = json.loads(hypernet("bake", self.run_folder, "-o", baked, "--json")[0])
        self.assertLessEqual(result["difference"], 1e-5)
        self.assertGreater(result["baked"]["parameters"], result["generated"]["parameters"])
        info = json.loads(hypernet("info", baked, "--json")[0])
        self.assertEqual(info["details"]["weights"], "all stored")
        self.assertNotIn("batch", info["details"])
        self.assertNotIn("paper", info)
        self.assertEqual(info["parameters"]["total"], result["baked"]["parameters"])
        self.assertFalse(any(tensor["name"].startswith("generator") for tensor in info["tensors"]))
        write_idx(self.folder / "others", train=30, test=10)
        ours, theirs = (json.loads(hypernet("eval", model, "--file", self.folder / "others", "--json")[0])
                        for model in (self.run_folder, baked))
        self.assertEqual(ours["value"], theirs["value"])
        self.assertEqual(ours["classes"], theirs["classes"])
        self.check_classes(ours, hypernet("eval", baked, "--file", self.folder / "others")[0])
        self.assertAlmostEqual(ours["figures"]["valid_loss"], theirs["figures"]["valid_loss"], 5)
        line = hypernet("bake", self.run_folder, "-o", self.folder / "again.safetensors")[0]
        self.assertIn("differ by at most", line)
        self.assertEqual(baked.read_bytes(), (self.folder / "again.safetensors").read_bytes())
        for arguments, pieces in (
                (("bake", self.run_folder, "-o", baked), ("is there already",)),
                (("bake", self.run_folder, "-o", self.folder / "x.bin"), (".safetensors",)),
                (("bake", baked, "-o", self.folder / "y.safetensors"), ("no generated weights",)),
                (("report", baked), ("baked.safetensors", "no such run directory")),
                (("train", "--resume", baked), ("baked.safetensors",)),
        ):
            with self.subTest(command=" ".join(map(str, arguments))):
                error = hypernet(*arguments, expect=1)[1]
                for piece in pieces:
                    self.assertIn(piece, error)

    def test_generators_that_do_not_fit(self):
        for settings, pieces in (
                (("model.basic_size=12",), ("basic_size is 12", "divide")),
                (("model.depth=11",), ("depth is 11", "6n + 4")),
                (("model.weights=coordinates",), ("coordinates", "mlp")),
                (("model.network=mlp",), ("mlp", "coordinates")),
                (("model.weights=stored", "model.start=hyperfan_in"), ("model.start", "stored")),
        ):
            with self.subTest(settings=settings):
                sets = [word for setting in settings for word in ("--set", setting)]
                error = hypernet("train", self.recipe, *sets, expect=1)[1]
                for piece in pieces:
                    self.assertIn(piece, error)

    def test_refusals(self):
        write_idx(self.folder / "two", train=20, test=10, classes=2)
        (self.folder / "large.idx").write_bytes(struct.pack(">4I", 2051, 1, 9, 8) + bytes(72))
        for arguments, pieces in (
                (("sample", self.run_folder), ("task 'images'", "write nothing")),
                (("plot", self.run_folder, "phi", "-o", self.folder / "x.svg"), ("task 'images'", "write nothing")),
                (("eval", self.run_folder, "--tracks", 4), ("--tracks", "no stream")),
                (("eval", self.run_folder, "--storage", "int8"), ("--storage", "no stream")),
                (("eval", self.run_folder, "--dynamic"), ("no dynamic evaluation",)),
                (("predict", self.run_folder, self.folder / "large.idx"), ("9 x 8", "8 x 8", "scale it")),
                (("eval", self.run_folder, "--file", self.folder / "two"), ("classes is 2", "trained on 4")),
                (("train", self.recipe, "--set", "train.validation_tracks=4"), ("validation_tracks", "no stream")),
                (("train", self.recipe, "--set", "train.precision=bf16"), ("train.precision is bf16", "f32 alone")),
                (("train", self.recipe, "--set", "train.micro_batches=2"), ("micro_batches is 2", "cannot be divided")),
                (("train", self.recipe, "--set", "model.height=9"), ("model.height is 9", "have 8")),
        ):
            with self.subTest(command=arguments[0], last=str(arguments[-1])):
                error = hypernet(*arguments, expect=1)[1]
                for piece in pieces:
                    self.assertIn(piece, error)


if __name__ == "__main__":
    unittest.main()
