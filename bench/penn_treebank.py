"""Windows of Penn Treebank characters as the task of the program cuts them, for the scripts of this folder. Needs nothing."""

import os
import sys
from pathlib import Path


def find(data):
    folders = [data] if data else [os.environ.get("HYPERNET_DATA"), str(Path.home() / ".local/share/hypernet")]
    for folder in filter(None, folders):
        for path in (Path(folder) / "ptb.train.txt", Path(folder) / "ptb" / "ptb.train.txt"):
            if path.exists():
                return path
    sys.exit(f"ptb.train.txt is neither in {' nor in '.join(filter(None, folders))} nor in ptb/ there: name its folder by --data")


def windows(data, batch, length):
    """Yields (symbols, targets), lists of `batch` lists of `length` rows of the vocabulary, epoch after epoch.

    Mikolov's characters: the words of a line spelt out, "_" between two of them, the end of the line a symbol."""
    lines = find(data).read_text(encoding="ascii").splitlines()
    text = "".join("_".join(line.split()) + "\n" for line in lines)
    row = {character: k for k, character in enumerate(sorted(set(text)))}
    symbols = [row[character] for character in text]
    track = len(symbols) // batch
    while True:
        for start in range(0, track - length, length):
            places = [b * track + start for b in range(batch)]
            yield [symbols[p : p + length] for p in places], [symbols[p + 1 : p + length + 1] for p in places]
