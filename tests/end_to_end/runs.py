"""What the end-to-end tests share: a text and images of our own, small recipes, and running the program."""

import gzip
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = os.environ["HYPERNET_BIN"]
SOURCE = Path(os.environ["HYPERNET_SOURCE_DIR"])

RECIPE = """task: text
data:
  kind: bytes
  path: {path}
  vocabulary_size: 256
  valid_fraction: 0.2
  test_fraction: 0.1
  batch: 4
  length: 8
model:
  cell: hyperlstm
  layer_norm: true
  units: 10
  hyper_units: 5
  embedding_size: 2
  keep_input: 0.9
  keep_output: 0.8
  keep_recurrent: 0.9
  keep_hyper_recurrent: 0.9
train:
  steps: 60
  rate: 0.02
  schedule: cosine
  warmup_steps: 6
  final_rate: 0.001
  average_decay: 0.8
  validate_every: 9
  log_every: 4
  seed: 7
"""

# Batch norm, generated kernels, every augmentation, weight average, smoothed labels.
IMAGE_RECIPE = """task: images
data:
  path: {path}
  batch: 8
  valid_images: 24
  pad: 1
  flip: true
  rotate: 10
  scale: 0.1
  shift: 0.1
model:
  network: wide_resnet
  weights: hyper
  depth: 10
  widen: 1
  embedding_size: 5
  channels: 0
  height: 0
  width: 0
  classes: 0
  label_smoothing: 0.1
  kernel_decay: 0.0005
train:
  steps: 30
  rate: 0.01
  schedule: cosine
  warmup_steps: 3
  average_decay: 0.8
  validate_every: 6
  log_every: 4
  seed: 7
"""


def words(count):
    """A text of `count` bytes: words in an order that is the same everywhere."""
    dictionary = "the of and to in that he shall unto for his a lord they be is him not them it with all thou".split()
    state, parts, size = 1, [], 0
    while size < count:
        state = (state * 1103515245 + 12345) % 2147483648
        word = dictionary[(state >> 16) % len(dictionary)] + ("\n" if (state >> 8) % 11 == 0 else " ")
        parts.append(word)
        size += len(word)
    return "".join(parts)[:count].encode()


def image(label, number, size):
    """Grey bytes, row by row: a bar whose place is the label, and specks."""
    state, rows = number * 2654435761 % 4294967296, bytearray()
    for y in range(size):
        for x in range(size):
            state = (state * 1103515245 + 12345) % 2147483648
            bar = label % 3 * 2 + 1 <= (x if label < 3 else y) <= label % 3 * 2 + 2
            rows.append((200 if bar else 20) + (state >> 16) % 50)
    return bytes(rows)


def write_idx(folder, train=112, test=40, size=8, classes=4):
    """The four files of a data set in the form of MNIST's, packed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", train), ("t10k", test)):
        labels = bytes((i * 7 + i // 5) % classes for i in range(count))
        pixels = b"".join(image(label, i + 1000 * len(name), size) for i, label in enumerate(labels))
        for kind, magic, sizes, content in (("images-idx3", 2051, (count, size, size), pixels),
                                            ("labels-idx1", 2049, (count,), labels)):
            content = struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + content
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))


def write_cifar10(folder, images):
    """The six files of a data set in the form of CIFAR-10's, `images` in each."""
    folder.mkdir(parents=True)
    for number, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        records = b"".join(bytes([i % 10]) + 3 * image(i % 6, 100 * number + i, 32) for i in range(images))
        (folder / f"{name}.bin").write_bytes(records)


def prepare_images(folder):
    """A data set and a recipe in `folder`; returns the recipe's path."""
    recipe = folder / "images.yaml"
    write_idx(folder / "digits")
    recipe.write_text(IMAGE_RECIPE.format(path=folder / "digits"))
    return recipe


def hypernet(*arguments, expect=0, environment=None, cwd=None):
    """Runs the program; another exit status than `expect` ends the test. Returns (stdout, stderr)."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, errors="replace", cwd=cwd, timeout=250,
        env={**os.environ, "NO_COLOR": "1", **(environment or {})})
    if done.returncode != expect:
        print(f"hypernet {' '.join(map(str, arguments))}: exit {done.returncode}, expected {expect}")
        print(done.stdout[-2000:], done.stderr[-4000:])
        sys.exit(1)
    return done.stdout, done.stderr


def prepare(folder, text_size=1000):
    """A text and a recipe in `folder`; returns the recipe's path."""
    text, recipe = folder / "text.txt", folder / "small.yaml"
    text.write_bytes(words(text_size))
    recipe.write_text(RECIPE.format(path=text))
    return recipe


def fail_unless(condition, text):
    if not condition:
        print("failed:", text)
        sys.exit(1)


def wait_for_bytes(files, least):
    """Waits, half a minute at most, until each of the files has more than that many bytes: until a training is well under way."""
    for _ in range(1500):
        if all(file.exists() and file.stat().st_size > least for file in files):
            return
        time.sleep(0.02)
