"""What the end-to-end tests share: a text of our own, a small recipe, and running the program."""

import os
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
