#!/usr/bin/env python3
"""What the commands print for a machine and for people: recipes, info, eval, sample, data, gradcheck."""

import json
import math
import tempfile
import xml.dom.minidom
from pathlib import Path

from runs import SOURCE, fail_unless, hypernet, prepare

COUNTS = {  # what is built, what the paper prints
    "ptb-lstm": (4254050, "4.25 M"), "ptb-lstm-1250": (6567550, "6.57 M"), "ptb-lstm-2": (12258050, "12.26 M"),
    "ptb-lstm-ln": (4260050, "4.26 M"), "ptb-hyperlstm": (4911874, "4.91 M"), "ptb-hyperlstm-ln": (4922642, "4.92 M"),
    "ptb-hyperlstm-ln-large": (5085170, "5.06 M"), "ptb-hyperlstm-ln-2": (14406690, "14.41 M"),
    "enwik8-lstm-1800": (14812405, "14.81 M"), "enwik8-lstm-2000": (18058205, "18.06 M"),
    "enwik8-lstm-ln": (14823205, "14.82 M"), "enwik8-hyperlstm": (18708213, "18.71 M"),
    "enwik8-hyperlstm-ln": (18727749, "18.78 M"), "enwik8-hyperlstm-ln-2048": (26539725, "26.54 M")}


def read_json(*arguments, **options):
    return json.loads(hypernet(*arguments, "--json", **options)[0])


def recipes_are_listed(folder):
    listed = read_json("recipes", environment={"HOME": str(folder), "HYPERNET_DATA": str(folder)})
    names = [row["name"] for row in listed]
    fail_unless(names == sorted(path.stem for path in (SOURCE / "recipes").glob("*.yaml")), f"names {names}")
    for row in listed:
        fail_unless(set(row) == {"name", "task", "data", "available"}, f"keys {set(row)}")
        from_package = row["data"] == "fashion-mnist"  # Debian's may be installed
        fail_unless(row["available"] is False or from_package, f"{row['name']}: nothing is here, yet it is available")
    (folder / "ptb").mkdir()
    listed = read_json("recipes", "--data", folder, environment={"HOME": str(folder), "HYPERNET_DATA": str(folder)})
    here = {row["name"] for row in listed if row["available"] and row["data"] != "fashion-mnist"}
    fail_unless(here == {row["name"] for row in listed if row["data"] == "ptb"}, f"available: {here}")


def info_counts_as_the_paper():
    for name, (count, printed) in COUNTS.items():
        found = read_json("info", name)
        fail_unless(found["parameters"]["total"] == count, f"{name}: {found['parameters']['total']}")
        fail_unless(sum(found["parameters"]["by_part"].values()) == count, f"{name}: the parts do not add up")
        fail_unless(sum(math.prod(row["shape"]) for row in found["tensors"]) == count, f"{name}: shapes do not add up")
        paper = found["paper"]
        fail_unless(paper["parameters"] == printed and paper["ours"]["parameters"] == count, f"{name}: {paper}")
        fail_unless((f"{count / 1e6:.2f} M" == printed) == (paper["note"] == ""), f"{name}: {paper}")
        fail_unless(1.2 < paper["test"] < 1.5 and (paper["valid"] is None) == ("enwik8" in name), f"{name}: {paper}")
        fail_unless(found["memory"]["training"] > 4 * 4 * count, f"{name}: memory {found['memory']}")
        text, _ = hypernet("info", name)
        fail_unless(f"{count:,}" in text and "reading" in text and printed in text, f"{name}: {text[:400]}")
        for reading in ("model.input_init = orthogonal", "train.clip_norm = 1.0: by global norm", "train.epsilon = 1.0e-08: outside",
                        "train.patience = ", "train.epochs = ", "train.validate_every = ", "data.vocabulary_size = "):
            fail_unless(reading in text and any(reading in value for value in found["details"].values()), f"{name}: {reading}")
        fail_unless(f"{paper['test']:.3f}" in text and paper["note"] in text, f"{name}: {text[:400]}")


def a_run_is_measured(run, text):
    valid = read_json("eval", run, "--split", "valid")
    tracks = read_json("eval", run, "--split", "valid", "--tracks", "7")
    fail_unless(valid["count"] == tracks["count"] == 399, f"counts {valid['count']}, {tracks['count']}")
    fail_unless(abs(valid["value"] - tracks["value"]) < 0.2 and valid["value"] != tracks["value"], f"{valid} {tracks}")
    part = run / "part.txt"
    part.write_bytes(text[1400:1800])
    alone = read_json("eval", run, "--file", part)
    fail_unless(alone["value"] == valid["value"] and alone["count"] == 399, f"{alone} is not {valid}")
    from_file = read_json("eval", run / "best.safetensors", "--file", part)
    fail_unless(from_file["value"] == valid["value"], f"{from_file} is not {valid}")
    symbols = read_json("eval", run, "--split", "valid", "--per-symbol")["symbols"]
    total = sum(row["count"] * row["bits"] for row in symbols) / sum(row["count"] for row in symbols)
    fail_unless(abs(total - valid["value"]) < 1e-9, f"symbols give {total}")


def ranks_are_logged_and_measured(run):
    lines = (run / "log.csv").read_text().splitlines()
    names = lines[0].split(",")
    ranks = [f"rank.0.{kind}.{gate}" for kind in "hxb" for gate in "igfo"]
    fail_unless(names[-12:] == ranks, lines[0])
    rows = [dict(zip(names, line.split(","))) for line in lines[1:]]
    for row in rows:
        fail_unless(all((row[name] == "") == (row["valid_bpc"] == "") for name in ranks), str(row))
    best = min((row for row in rows if row["valid_bpc"]), key=lambda row: float(row["valid_bpc"]))
    measured = read_json("eval", run, "--split", "valid")
    fail_unless(float(best["valid_bpc"]) == measured["value"], f"{best} {measured}")
    fail_unless({name: float(best[name]) for name in ranks} == measured["figures"], f"{best} {measured}")
    fail_unless(1 < measured["figures"]["rank.0.b.i"] <= 2, str(measured))
    printed, _ = hypernet("eval", run, "--split", "valid")
    fail_unless(printed.splitlines()[1].startswith("rank.0.h ") and " o 1.000" in printed.splitlines()[1], printed)
    fail_unless(len(printed.splitlines()) == 4, printed)


def a_run_writes(run):
    command = ("sample", run, "--prime", "the ", "--length", "60", "--seed", "5")
    first, again, json_text = hypernet(*command)[0], hypernet(*command)[0], read_json(*command)
    fail_unless(first == again, "the same seed gave another text")
    fail_unless(first.startswith("the ") and first.endswith("\n"), repr(first))
    fail_unless(json_text["prime"] == "the ", str(json_text))
    heated = read_json(*command, "--heat", "svg")
    fail_unless(heated["text"] == json_text["text"], "heat changed the text")
    fail_unless([len(heated["weight_change"][gate]) for gate in "igfo"] == [60] * 4, "one change a gate and byte")
    svg = hypernet(*command, "--heat", "svg")[0]
    xml.dom.minidom.parseString(svg)
    page = hypernet(*command, "--heat", "html")[0]
    fail_unless("<svg" in page and "http://" not in page.replace("http://www.w3.org", ""), "the page needs something beside it")
    fail_unless(len(hypernet(*command, "--heat", "ansi")[0].splitlines()) >= 5, "four rows under the text")


def info_shows_what_a_run_has_reached(folder):
    """A run of the paper's size, but for the data and the length, beside the paper's row."""
    recipe, run = folder / "small.yaml", folder / "wide"
    sets = ("model.cell=lstm", "model.layer_norm=false", "model.units=1000", "data.vocabulary_size=50", "train.steps=2",
            "train.validate_every=1", "train.sample_length=0")
    hypernet("train", recipe, "-o", run, *(word for key in sets for word in ("--set", key)))
    paper = read_json("info", run)["paper"]
    best = min(float(line.split(",")[4]) for line in (run / "log.csv").read_text().splitlines()[1:] if line.split(",")[4])
    fail_unless(paper["name"] == "LSTM 1000" and paper["ours"]["valid"] == best, f"{paper}, best {best}")
    text, _ = hypernet("info", run)
    fail_unless("1.347" in text and f"{best:.3f}  best so far, update" in text, text[-900:])


def info_of_a_run_and_of_a_file(run):
    found = read_json("info", run)
    fail_unless(found == {**read_json("info", run / "best.safetensors"), "path": found["path"]}, "run and file differ")
    alone = run.parent / "alone.safetensors"
    alone.write_bytes((run / "best.safetensors").read_bytes())
    told = read_json("info", alone)
    fail_unless(told["parameters"] == found["parameters"], "a file alone has the same parameters")
    fail_unless(set(told["memory"]) == {"parameters"} and "paper" not in told and "window" not in told["details"]
                and "window" in found["details"], "a file alone knows nothing of data and training")
    fail_unless("text" in read_json("sample", alone, "--length", "5"), "a file alone can write")
    hypernet("eval", alone, expect=1)


def info_without_a_log(run):
    """The recipe and the best checkpoint alone, then with a log that is damaged: only the best figure is missing."""
    moved = run.parent / "moved"
    moved.mkdir()
    for name in ("recipe.yaml", "best.safetensors"):
        (moved / name).write_bytes((run / name).read_bytes())
    whole = read_json("info", run)
    for log in (None, b"step,\xff\n1,2,3\n", (run / "log.csv").read_bytes()):
        if log is not None:
            (moved / "log.csv").write_bytes(log)
        found = read_json("info", moved)
        fail_unless(found["parameters"] == whole["parameters"] and found["memory"] == whole["memory"], str(found))
        hypernet("info", moved)


def data_and_gradcheck(folder):
    shown = read_json("data", "show", folder / "text.txt")
    fail_unless([shown[key] for key in ("train", "valid", "test")] == [1800, 100, 100], str(shown))
    rows = read_json("gradcheck", "tanh")
    fail_unless(len(rows) == 1 and rows[0]["op"] == "tanh" and rows[0]["failed"] == 0 and rows[0]["cases"] > 0, str(rows))


def every_command_has_help():
    for command in ("recipes", "train", "eval", "sample", "info", "data", "report", "plot", "gradcheck"):
        text, _ = hypernet(command, "--help")
        fail_unless("Example" in text and "--json" in text and f"hypernet {command}" in text, f"{command} --help: {text}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder, 2000)
        run = folder / "run"
        hypernet("train", recipe, "-o", run, "--max-steps", "18")
        recipes_are_listed(folder)
        info_counts_as_the_paper()
        a_run_is_measured(run, (folder / "text.txt").read_bytes())
        a_run_writes(run)
        info_shows_what_a_run_has_reached(folder)
        info_of_a_run_and_of_a_file(run)
        info_without_a_log(run)
        data_and_gradcheck(folder)
        every_command_has_help()
    print("recipes, info, eval, sample, data and gradcheck say what they should")


main()
