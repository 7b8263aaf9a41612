"""Fine-tuning: a new run from the parameters of another, its vocabulary taken over; what does not fit leaves nothing behind."""

import json
import shutil
import tempfile
from pathlib import Path

from runs import fail_unless, hypernet, prepare, words


def valid_of(run, file):
    said, _ = hypernet("eval", run, "--file", file, "--json")
    return json.loads(said)["value"]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)
        few = ["--set", "data.vocabulary_size=0"]
        source = folder / "source"
        hypernet("train", recipe, "-o", source, "--threads", 1, *few)
        (folder / "some.txt").write_bytes(words(4000).replace(b"u", b"e").replace(b"m", b"n"))  # fewer symbols
        (folder / "other.txt").write_bytes(words(4000).replace(b"u", b"Q"))

        # the parameters of the best checkpoint, unchanged by an update with rate 0
        tuned = folder / "tuned"
        still = ["--set", f"data.path={folder / 'some.txt'}", "--set", "train.rate=0", "--set", "train.final_rate=0"]
        _, said = hypernet("train", recipe, "-o", tuned, "--init-from", source, *few, *still, "--max-steps", 9)
        fail_unless(f"parameters from {source}/best.safetensors" in said, said)
        fail_unless(json.loads((tuned / "run.json").read_text())["init_from"] == f"{source}/best.safetensors", "run.json")
        same = valid_of(tuned, folder / "some.txt"), valid_of(source, folder / "some.txt")
        fail_unless(same[0] == same[1], f"the parameters are not the source's: {same}")
        before = (tuned / "last.safetensors").read_bytes()
        hypernet("train", "--resume", tuned, "--max-steps", 12)  # although its own text lacks two of the symbols
        fail_unless((tuned / "last.safetensors").read_bytes() != before, "the run did not go on")
        fail_unless(json.loads((tuned / "run.json").read_text())["init_from"] == f"{source}/best.safetensors", "run.json")

        # it learns on from there, the average too: better after a few updates than a run of its own
        learn = ["--set", f"data.path={folder / 'some.txt'}", "--set", "train.steps=18", "--set", "train.warmup_steps=0"]
        hypernet("train", recipe, "-o", folder / "on", "--init-from", source / "last.safetensors", *few, *learn)
        hypernet("train", recipe, "-o", folder / "alone", *few, *learn)
        better = [valid_of(folder / run, folder / "some.txt") for run in ("on", "alone")]
        fail_unless(better[0] < better[1] - 0.1, f"fine-tuned {better[0]}, from nothing {better[1]}")

        # before its first validation a run has its last checkpoint alone
        early = folder / "early"
        hypernet("train", recipe, "-o", early, *few, "--max-steps", 2)
        _, said = hypernet("train", recipe, "-o", folder / "from-early", "--init-from", early, *few, "--max-steps", 1)
        fail_unless(f"parameters from {early}/last.safetensors" in said, said)

        # what does not fit
        refusals = {
            "units": (["--set", "model.units=12"], "layers.0.weight_x' has shape [40,19], the model needs [48,19]"),
            "layers": (["--set", "model.layers=2"], "'layers.1."),
            "plain": (["--set", "model.layer_norm=false"], "is missing"),
            "fewer": (["--set", "model.cell=lstm"], "is no parameter of the recipe's model"),
            "rows": (["--set", "data.vocabulary_size=256"], "data.vocabulary_size is 256"),
            "symbols": (["--set", f"data.path={folder / 'other.txt'}"], "other.txt"),
        }
        for what, (sets, pattern) in refusals.items():
            first = [] if what == "rows" else few
            _, said = hypernet("train", recipe, "-o", folder / what, "--init-from", source, *first, *sets, expect=1)
            fail_unless(pattern in said, f"{what}: {said}")
            fail_unless(not (folder / what).exists(), f"{what}: a run folder is left behind")
        shutil.rmtree(source)
        hypernet("train", "--resume", tuned, "--max-steps", 13)  # the source is not needed any more
    print("parameters, symbols and place of the source are taken over; six kinds of other models are refused")


main()
