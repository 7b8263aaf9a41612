"""Runs the rows of tests/bad_input.txt (the format is described there) against $HYPERNET_BIN, each with a time limit, and prints
every row that does not end as written, with its output. A crash, a sanitizer's report or a hang fails any row.

    run_bad_input.py FILE         run the rows of a file
    run_bad_input.py --self-test  run made-up rows against a made-up program: wrong rows must fail, right ones pass
"""

import json
import os
import random
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

TIME_LIMIT = 20.0
RECIPES = Path(__file__).resolve().parents[1] / "recipes"
SENTENCE = b"It was the best of times, it was the worst of times, it was the age of wisdom.\n"
CRASH = re.compile(r"(Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer|runtime error:|Segmentation fault|core dumped")


# cut-short FILE "SIZES" COMMAND: exit status 1 when the command failed with 1 for each of the sizes.
CUT_SHORT = '''file=$1; sizes=$2; shift 2; cp "$file" whole.kept; result=1
for size in $sizes; do
    head -c "$size" whole.kept >"$file"
    "$@"; code=$?
    [ $code -eq 1 ] || { echo "cut to $size: exit status $code"; result=0; }
done
mv whole.kept "$file"; exit $result'''


class Malformed(Exception):
    """A line of the file that this driver does not understand."""


def unescape(text):
    """\\n, \\t, \\0, \\\\ and \\xHH become the bytes they stand for."""
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|.)", lambda m: bytes([int(m.group(1)[1:], 16)]) if len(m.group(1)) == 3
                  else {b"n": b"\n", b"t": b"\t", b"0": b"\0"}.get(m.group(1), m.group(1)), text.encode())


class Sandbox:
    """An empty folder in which the verbs make files and the rows run; nothing of the caller's data or settings is seen."""

    def __init__(self, program):
        self.folder = Path(tempfile.mkdtemp(prefix="hypernet-bad-"))
        self.folder.chmod(0o755)
        self.tools = self.folder / "prefix" / "bin"
        self.work = self.folder / "work"
        for folder in (self.tools, self.work):
            folder.mkdir(parents=True)
            folder.chmod(0o777)
        # Laid out as an installation, readable by everybody: rows may run as a user who cannot see the build folder.
        shutil.copy(program, self.tools / "hypernet")
        if RECIPES.is_dir():
            shutil.copytree(RECIPES, self.folder / "prefix" / "share" / "hypernet" / "recipes")
        self.write_tool("small-files", 'limit=$1; shift; trap "" XFSZ; ulimit -f "$limit"; exec "$@"')
        drop = "setpriv --reuid=65534 --regid=65534 --clear-groups --" if os.getuid() == 0 else "env"
        self.write_tool("unprivileged", f'exec {drop} "$@"')
        self.write_tool("cut-short", CUT_SHORT)
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("HYPERNET_", "HN_"))}
        self.environment |= {
            "PATH": f"{self.tools}:{os.environ.get('PATH', '/usr/bin:/bin')}", "HOME": str(self.folder), "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8", "ASAN_OPTIONS": "exitcode=99:detect_stack_use_after_return=1",
            "UBSAN_OPTIONS": "exitcode=99:halt_on_error=1:print_stacktrace=1",
            "LSAN_OPTIONS": f"exitcode=99:{os.environ.get('LSAN_OPTIONS', '')}"}  # what others leak is known

    def write_tool(self, name, script):
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, command, limit=TIME_LIMIT):
        """Returns (exit code or None when the time ran out, output)."""
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(["sh", "-c", command], cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                code = None
            output.seek(0)
            return code, output.read().decode("utf-8", "replace")

    def remove(self):
        for path in self.folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- verbs: the word after '@' ---------------------------------------------------------------------------------

    def do_file(self, path, text=""):
        (self.work / path).write_bytes(unescape(text))

    def do_text(self, path, size):
        (self.work / path).write_bytes((SENTENCE * (int(size) // len(SENTENCE) + 1))[:int(size)])

    def do_random(self, path, size):
        (self.work / path).write_bytes(random.Random(1).randbytes(int(size)))

    def do_dir(self, path):
        (self.work / path).mkdir(parents=True)

    def do_copy(self, source, target):
        source, target = self.work / source, self.work / target
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)

    def do_truncate(self, path, size):
        """A negative size cuts that many bytes off the end."""
        whole = (self.work / path).stat().st_size
        os.truncate(self.work / path, int(size) if int(size) >= 0 else whole + int(size))

    def do_patch(self, path, offset, text):
        data = bytearray((self.work / path).read_bytes())
        new = unescape(text)
        start = int(offset) if int(offset) >= 0 else len(data) + int(offset)
        data[start:start + len(new)] = new
        (self.work / path).write_bytes(data)

    def do_replace(self, path, old, new):
        data = (self.work / path).read_bytes()
        if unescape(old) not in data:
            raise Malformed(f"{path} does not hold {old!r}")
        (self.work / path).write_bytes(data.replace(unescape(old), unescape(new)))

    def do_header(self, path, old, new):
        """The header of a safetensors file changes, and the length before it."""
        data = (self.work / path).read_bytes()
        end = 8 + struct.unpack("<Q", data[:8])[0]
        if unescape(old) not in data[8:end]:
            raise Malformed(f"the header of {path} does not hold {old!r}")
        header = data[8:end].replace(unescape(old), unescape(new))
        (self.work / path).write_bytes(struct.pack("<Q", len(header)) + header + data[end:])

    def do_number(self, path, tensor, number):
        """The first element of an F32 tensor of a safetensors file."""
        data = bytearray((self.work / path).read_bytes())
        end = 8 + struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:end])
        if tensor not in header:
            raise Malformed(f"{path} has no tensor '{tensor}', it has {', '.join(header)}")
        struct.pack_into("<f", data, end + header[tensor]["data_offsets"][0], float(number))
        (self.work / path).write_bytes(data)

    def do_bytes(self, path, tensor, text):
        """The last bytes of a tensor of a safetensors file."""
        data, text = bytearray((self.work / path).read_bytes()), unescape(text)
        end = 8 + struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:end])
        if tensor not in header:
            raise Malformed(f"{path} has no tensor '{tensor}', it has {', '.join(header)}")
        first, last = header[tensor]["data_offsets"]
        if len(text) > last - first:
            raise Malformed(f"tensor '{tensor}' has {last - first} bytes, {len(text)} do not fit")
        data[end + last - len(text):end + last] = text
        (self.work / path).write_bytes(data)

    def do_png(self, path, size, kind):
        """A PNG file of WIDTHxHEIGHT and of the kind BITS:COLOUR:INTERLACED, as its header says them; all pixels are 7."""
        (width, height), (bits, colour, interlaced) = map(int, size.split("x")), map(int, kind.split(":"))
        line = b"\0" + b"\7" * (width * {0: 1, 2: 3, 4: 2, 6: 4}[colour] * bits // 8)
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)),
                  (b"IDAT", zlib.compress(line * height)), (b"IEND", b"")]
        (self.work / path).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks))

    def do_append(self, path, text):
        with (self.work / path).open("ab") as file:
            file.write(unescape(text))

    def do_readonly(self, path):
        for place in [self.work / path, *(self.work / path).rglob("*")]:
            place.chmod(0o555 if place.is_dir() else 0o444)

    def do_run(self, command):
        code, output = self.run(command, 60.0)
        if code != 0:
            raise Malformed(f"'{command}' must succeed, but ended with {code}:\n{output}")


# How many words each verb takes; the last one is the rest of the line.
WORDS = {"file": 2, "text": 2, "random": 2, "dir": 1, "copy": 2, "truncate": 2, "patch": 3, "replace": 3, "append": 2,
         "header": 3, "png": 3, "number": 3, "bytes": 3, "readonly": 1, "run": 1}


def do_verb(sandbox, line):
    verb, _, rest = line[1:].strip().partition(" ")
    if verb not in WORDS:
        raise Malformed(f"unknown verb '@{verb}'; known: {', '.join(sorted(WORDS))}")
    words = rest.split(None, WORDS[verb] - 1)
    if len(words) < WORDS[verb] and not (verb == "file" and len(words) == 1):
        raise Malformed(f"'@{verb}' takes {WORDS[verb]} words")
    try:
        getattr(sandbox, "do_" + verb)(*words)
    except (OSError, ValueError) as error:
        raise Malformed(f"'@{verb}': {error}") from error


def do_row(sandbox, line, limit):
    """Returns None when the row ends as written, or what was wrong."""
    parts = line.rsplit(" | ", 2)
    if len(parts) != 3 or not re.fullmatch(r"[0-2]", parts[1].strip()) or not parts[2].strip():
        raise Malformed("a row is 'command | exit code 0, 1 or 2 | pattern'")
    command, expected, patterns = parts[0].strip(), int(parts[1]), [p.strip() for p in parts[2].split(" && ")]
    code, output = sandbox.run(command, limit)
    wrong = []
    if code is None:
        wrong.append(f"still running after {limit:g} s")
    elif code != expected:
        wrong.append(f"exit code {code}, expected {expected}")
    if CRASH.search(output):
        wrong.append("crashed, or a sanitizer complained")
    wrong += [f"the output does not match '{p}'" for p in patterns if not re.search(p, output, re.S)]
    return f"{'; '.join(wrong)}\n    output:\n{output[-4000:]}" if wrong else None


def run_rows(text, name, program, limit=TIME_LIMIT, report=print):
    """Returns (number of rows, number of failures)."""
    sandbox, section, rows, failures, skipping = None, "", 0, 0, False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if match := re.fullmatch(r"\[(.+)\]", line):
                if sandbox:
                    sandbox.remove()
                sandbox, section, skipping = Sandbox(program), match.group(1), False
            elif sandbox is None:
                raise Malformed("the first line that is no comment must name a section: [name]")
            elif line.startswith("@"):
                if not skipping:
                    do_verb(sandbox, line)
            else:
                rows += 1
                wrong = "not run: the files of this section could not be made" if skipping else do_row(sandbox, line, limit)
                if wrong:
                    failures += 1
                    report(f"{name}:{number}: [{section}] {line}\n    {wrong}")
        except Malformed as error:
            failures += 1
            skipping = skipping or line.startswith("@")
            report(f"{name}:{number}: [{section}] {line}\n    {error}")
    if sandbox:
        sandbox.remove()
    return rows, failures


FAKE_PROGRAM = r"""#!/bin/sh
case $1 in
size) size=$(wc -c <"$2"); echo "$size bytes" >&2; [ "$size" -gt 3 ] || exit 1 ;;
read) [ -r "$2" ] || { echo "$2: missing: put it there" >&2; exit 1; }; cat "$2" ;;
write) dd if=/dev/zero of="$2" bs=1024 count=64 2>/dev/null || { echo "$2: cannot write" >&2; exit 1; } ;;
touch) touch "$2" || exit 1 ;;
hang) sleep 30 ;;
crash) kill -SEGV $$ ;;
sanitizer) echo "ERROR: AddressSanitizer: heap-buffer-overflow" >&2; exit 1 ;;
*) echo "unknown subcommand '$1'" >&2; exit 2 ;;
esac
"""

# (rows, failures expected)
SELF_TESTS = (
    ("[a]\nhypernet x | 2 | unknown subcommand 'x'", 0),
    ("[a]\nhypernet x | 1 | unknown subcommand 'x'", 1),
    ("[a]\nhypernet x | 2 | something else", 1),
    ("[a]\nhypernet x | 2 | unknown && else", 1),
    ("[a]\nhypernet hang | 1 | .", 1),
    ("[a]\nhypernet crash | 1 | .", 1),
    ("[a]\nhypernet sanitizer | 1 | ERROR", 1),
    ("[a]\nhypernet read a.txt | 1 | a.txt: missing && put it there\n@file a.txt one\\ntwo\nhypernet read a.txt | 0 | ^one.two$", 0),
    ("[a]\n@file a.txt one\\x41\\n\nhypernet read a.txt | 0 | ^oneA\n", 0),
    ("[a]\n@text a 100\n@truncate a 5\n@patch a 1 X\n@append a end\n@copy a b\n@replace b end fin\nhypernet read b | 0 | ^IX wafin$", 0),
    ("[a]\n@replace a x y\nhypernet read a | 1 | missing", 2),
    ("[a]\n@run hypernet x\n", 1),
    ("[a]\n@file a x\n[b]\nhypernet read a | 1 | missing", 0),
    ("[a]\n@dir d\n@readonly d\nunprivileged hypernet touch d/x | 1 | Permission denied", 0),
    ("[a]\n@text a 9\ncut-short a '0 2 -6' hypernet size a | 1 | 0 bytes.*2 bytes.*3 bytes\nhypernet size a | 0 | 9 bytes", 0),
    ("[a]\n@text a 9\ncut-short a '0 4' hypernet size a | 1 | bytes", 1),
    ("[a]\n@file a \\x0b\\0\\0\\0\\0\\0\\0\\0{\"t\":\"old\"}xyz\n@header a old newer\nhypernet read a | 0 | ^.\0{7}{\"t\":\"newer\"}xyz$", 0),
    ("[a]\n@file a \\x0b\\0\\0\\0\\0\\0\\0\\0{\"t\":\"old\"}xyz\n@header a xyz newer", 1),
    ("[a]\n@file a \\x1a\\0\\0\\0\\0\\0\\0\\0{\"t\":{\"data_offsets\":[1]}}aNUMB\n@number a t 1\nhypernet read a | 0 | a\0\0.\\?$", 0),
    ("[a]\nsmall-files 1 hypernet write x | 1 | cannot write", 0),
    ("[a]\nhypernet x | 2", 1),
    ("[a]\n@nonsense a\n", 1),
    ("hypernet x | 2 | unknown", 1),
)


def self_test():
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "hypernet"
        program.write_text(FAKE_PROGRAM)
        program.chmod(0o755)
        for text, expected in SELF_TESTS:
            reports = []
            _, failures = run_rows(text, "self-test", program, limit=1.0, report=reports.append)
            if failures != expected:
                wrong += 1
                print(f"{failures} failures, expected {expected}, in:\n{text}\n--\n" + "\n".join(reports))
    print(f"{len(SELF_TESTS)} self-tests, {wrong} failed")
    return wrong


def main(arguments):
    if arguments == ["--self-test"]:
        return 1 if self_test() else 0
    if len(arguments) != 1 or "HYPERNET_BIN" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 2
    path = Path(arguments[0])
    rows, failures = run_rows(path.read_text(encoding="utf-8"), path.name, os.environ["HYPERNET_BIN"])
    print(f"{rows} rows, {failures} failed")
    return 0 if rows > 0 and failures == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
