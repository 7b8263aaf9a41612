"""hypernet bench on sizes so small that its figures mean nothing: what it prints, that the figures belong together, and that it takes
turns with a script."""

import json
import math
import os
import subprocess
import tempfile
import xml.dom.minidom
from pathlib import Path

from runs import fail_unless, hypernet

SIZES = ("ptb", "enwik8", "handwriting", "laptop")
IMAGES = ("wrn-40-1", "mnist")


def read_json(*arguments, **options):
    return json.loads(hypernet("bench", "--quick", *arguments, "--json", **options)[0])


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-9)


def the_table_has_every_size():
    found = read_json("--repeats", "3", "--threads", "2")
    machine = found["machine"]
    has_onednn = machine["backend"] == "cpu"
    fail_unless(found["quick"] is True and found["repeats"] == 3 and machine["threads"] == 2, str(machine))
    fail_unless(machine["memory_gbytes"] > 0 and (machine["f32_gflops"] is not None) == has_onednn, str(machine))
    fail_unless((machine["bf16"] == "absent") == (machine["bf16_gflops"] is None), str(machine))
    fail_unless(tuple(row["size"] for row in found["sizes"]) == SIZES, str(found)[:300])
    images_have_their_own(found["images"])
    for row in found["sizes"]:
        hyper, plain, shape = row["hyperlstm"], row["lstm"], row["shape"]
        for cell in (hyper, plain):
            step = cell["step"]
            fail_unless(len(step["all"]) == 3 and step["low"] <= step["median"] <= step["high"], str(step))
            fail_unless(sorted(step["all"])[1] == step["median"] > 0, str(step))
            parts = [sum(values) for values in zip(*(cell[name]["all"] for name in ("forward", "backward", "update")))]
            fail_unless(all(close(a, b) for a, b in zip(parts, step["all"])), f"{parts} {step}")
            rate = shape["batch"] * shape["length"] / step["median"]
            fail_unless(close(cell["symbols_per_second"], rate) and cell["bytes"] > 0, str(cell))
        fail_unless(close(row["over_lstm"], hyper["step"]["median"] / plain["step"]["median"]), str(row["over_lstm"]))
        fail_unless(row["forecast"]["hyperlstm"] > row["forecast"]["lstm"] > 0, str(row["forecast"]))
        fail_unless(shape["dense"] is (row["size"] == "handwriting"), str(shape))
        if has_onednn:
            total = sum(one["seconds"] for one in row["multiplies"])
            fail_unless(close(total, hyper["multiplies"]), f"{total} {hyper['multiplies']}")
            fail_unless(close(hyper["over_multiplies"], hyper["step"]["median"] / total), str(hyper))
            fail_unless(0 < plain["multiplies"] < hyper["multiplies"], str(plain["multiplies"]))
        else:
            fail_unless(row["multiplies"] == [] and hyper["over_multiplies"] is None, str(hyper))
        sampled = [(stream["rows"], stream["storage"]) for stream in row["sampling"]]
        wanted = [(rows, storage) for rows in (1, 32) for storage in ("f32", "bf16", "int8")]
        fail_unless(sampled == ([] if shape["dense"] else wanted), str(sampled))
        fail_unless(all(stream["characters_per_second"] > 0 for stream in row["sampling"]), str(row["sampling"]))


def images_have_their_own(rows):
    fail_unless(tuple(row["size"] for row in rows) == IMAGES, str(rows)[:300])
    for row in rows:
        alone = sum(one["seconds"] for one in row["convolutions"])
        fail_unless(close(alone, row["convolutions_alone"]) and alone > 0, f"{alone} {row['convolutions_alone']}")
        fail_unless({one["pass"] for one in row["convolutions"]} == {"forward", "data", "weights"}, str(row["convolutions"]))
        for kind in ("hyper", "stored"):
            network = row[kind]
            step, shares = network["step"], [one["all"] for one in network["shares"].values()]
            fail_unless(len(step["all"]) == 3 and sorted(step["all"])[1] == step["median"] > 0, str(step))
            fail_unless(len(shares) == 5 and all(close(sum(parts), 1) for parts in zip(*shares)), str(network["shares"]))
            fail_unless(close(network["over_convolutions"], step["median"] / alone), str(network))
            fail_unless(close(network["images_per_second"], row["shape"]["batch"] / step["median"]), str(network))
        fail_unless(row["hyper"]["shares"]["generator"]["median"] > 0 == row["stored"]["shares"]["generator"]["median"], str(row))
        fail_unless(row["hyper"]["parameters"] < row["stored"]["parameters"], str(row))
        fail_unless(close(row["over_stored"], row["hyper"]["step"]["median"] / row["stored"]["step"]["median"]), str(row))


def people_read_one_size():
    out, err = hypernet("bench", "--quick", "--size", "laptop", "--repeats", "1", "--threads", "1")
    for words in ("1 thread,", "multiplies", "memory", "laptop", "step over the plain LSTM's", "HyperLSTM sampling", "Medians of 1"):
        fail_unless(words in out, out)
    fail_unless("ptb" not in out and "wrn" not in out and "preparing laptop" in err, out + err)
    out, err = hypernet("bench", "--quick", "--size", "wrn-40-1", "--repeats", "1", "--threads", "1")
    for words in ("wrn-40-1", "3 x 8x8", "generated kernels", "convolutions alone", "augmentation", "stored kernels", "Medians of 1"):
        fail_unless(words in out, out)
    fail_unless("HyperLSTM" not in out and "mnist" not in out and "preparing wrn-40-1" in err, out + err)


def steps_are_lines(cell, *more):
    out, _ = hypernet("bench", "step", "--quick", "--cell", cell, "--steps", "3", *more)
    head, *lines = [json.loads(line) for line in out.splitlines()]
    fail_unless(head["size"] in SIZES and head["shape"]["batch"] == 4, out)
    fail_unless([line["step"] for line in lines] == [0, 1, 2], out)
    for line in lines:
        fail_unless(close(line["seconds"], line["forward"] + line["backward"] + line["update"]) and line["bytes"] > 0, out)
    return lines


def steps_of_images():
    losses = {}
    for weights in ("hyper", "stored"):
        out, _ = hypernet("bench", "step", "--quick", "--size", "wrn-40-1", "--weights", weights, "--steps", "2")
        head, *lines = [json.loads(line) for line in out.splitlines()]
        fail_unless(head["shape"]["weights"] == weights and head["shape"]["parameters"] > 0 and len(lines) == 2, out)
        for line in lines:
            fail_unless(close(line["seconds"], sum(line["parts"].values())), out)
            fail_unless((line["parts"]["generator"] > 0) is (weights == "hyper"), out)
        losses[weights] = [line["loss"] for line in lines]
    fail_unless(losses["hyper"] != losses["stored"] and len(set(losses["hyper"])) == 2, str(losses))


def steps_depend_on_what_is_asked():
    hyper, plain = steps_are_lines("hyperlstm"), steps_are_lines("lstm")
    fail_unless(hyper[0]["bytes"] > plain[0]["bytes"] and hyper[0]["loss"] != plain[0]["loss"], f"{hyper} {plain}")
    again = steps_are_lines("hyperlstm")
    fail_unless([line["loss"] for line in again] == [line["loss"] for line in hyper], "the same steps gave other losses")
    kept = steps_are_lines("lstm", "--keep-recurrent", "1")
    fail_unless(kept[0]["loss"] != plain[0]["loss"], "--keep-recurrent changed nothing")
    points = steps_are_lines("lstm", "--size", "handwriting")
    fail_unless(points[0]["loss"] < 1 < plain[0]["loss"], f"{points}")


def steps_are_taken_as_asked(program):
    """Nothing runs between a line of input and the next, and each gets its answer at once."""
    words = [program, "bench", "stream", "--quick", "--rows", "3", "--storage", "int8", "--steps", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        fail_unless(json.loads(child.stdout.readline())["size"] == "ptb", "no head")
        seen = []
        for count in (1, 2):
            child.stdin.write(f"{count}\n")
            child.stdin.flush()
            seen += [json.loads(child.stdout.readline()) for _ in range(count)]
        child.stdin.close()
        rest = child.stdout.read()
    fail_unless(child.returncode == 0 and rest == "" and [line["step"] for line in seen] == [0, 1, 2], f"{seen} {rest}")
    fail_unless(all(line["characters"] == 300 and line["storage"] == "int8" and line["seconds"] > 0 for line in seen), str(seen))


def costs_grow_and_are_drawn(folder):
    for name, begins in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")):
        picture = folder / name
        found = read_json("scaling", "--repeats", "2", "--threads", "2", "-o", picture)
        fail_unless(found["file"] == str(picture) and picture.read_bytes().startswith(begins), f"{name}: {found}")
    axes, base = found["axes"], {name: found[name] for name in ("length", "units", "batch", "threads")}
    fail_unless(set(axes) == set(base) and found["size"] == "laptop", str(axes))
    for name, axis in axes.items():
        fail_unless(axis["x"] == sorted(set(axis["x"])) and base[name] in axis["x"], f"{name}: {axis['x']}")
        for cell in ("hyperlstm", "lstm"):
            seconds = axis[cell]["seconds"]
            fail_unless(len(seconds) == len(axis["x"]) and min(seconds) > 0, f"{name}: {axis}")
            logs = [(math.log(x), math.log(y)) for x, y in zip(axis["x"], seconds)]
            mean = [sum(values) / len(values) for values in zip(*logs)]
            slope = sum((x - mean[0]) * (y - mean[1]) for x, y in logs) / sum((x - mean[0]) ** 2 for x, _ in logs)
            fail_unless(math.isclose(slope, axis[cell]["slope"], abs_tol=1e-9), f"{name}: {slope} {axis[cell]}")
    xml.dom.minidom.parse(str(folder / "a.svg"))
    drawn = (folder / "a.svg").read_text()
    fail_unless(all(f">{name}<" in drawn for name in base) and ">HyperLSTM<" in drawn and "x^" in drawn, drawn[:500])
    printed, _ = hypernet("bench", "scaling", "--quick", "--repeats", "1")
    fail_unless(all(f"\n{name} " in printed for name in base) and "slope" in printed, printed)


def main():
    the_table_has_every_size()
    people_read_one_size()
    steps_depend_on_what_is_asked()
    steps_of_images()
    steps_are_taken_as_asked(os.environ["HYPERNET_BIN"])
    with tempfile.TemporaryDirectory() as folder:
        costs_grow_and_are_drawn(Path(folder))


if __name__ == "__main__":
    main()
