"""The rules of the house that a program can check by reading the sources. Each check takes the root of a tree and returns a
list of complaints, "file:line: what, what to do". test_house_rules.py runs them on this tree, and on made-up bad ones."""

import re
import subprocess
from pathlib import Path

# cli -> {report, bench} -> train -> tasks -> {data, plot} -> recipe -> nn -> optim -> params -> graph -> ops -> kernels -> tensor -> core
RANK = {"core": 0, "tensor": 1, "kernels": 2, "ops": 3, "graph": 4, "params": 5, "optim": 6, "nn": 7, "recipe": 8,
        "data": 9, "plot": 9, "tasks": 10, "train": 11, "report": 12, "bench": 12, "cli": 13}
ONLY = {"io": {"io", "tensor", "core"}, "recipe": {"recipe", "io", "core"}}
LIBRARY = ("core", "tensor", "kernels", "ops", "graph", "params", "nn", "optim", "io")
PUBLIC_OF = {"hyper": "nn", "image": "nn"}  # public headers that are not named after their module
UMBRELLA = "hypernet"  # hypernet.h brings in everything public, so it stands where nn stands

# Header of a library that only some places may include: the rest goes through them.
OUTSIDE_HEADERS = {
    r"dnnl.*\.h": ("src/kernels/cpu/",),
    r"omp\.h": ("src/core/parallel", "src/kernels/cpu/"),
    r"(\w*intrin|cpuid|arm_neon|arm_sve)\.h": ("src/kernels/cpu/",),
    r"yaml\.h": ("src/app/recipe/",),
    r"(zlib|lzma)\.h": ("src/app/data/",),
    r"cairo.*\.h|cairo/.*": ("src/app/plot/",),
    r"expat\.h": ("src/app/data/",),
    r"jansson\.h": ("src/io/", "src/app/", "cli/", "tests/"),
}

ALLOCATE = r"malloc|calloc|realloc|reallocarray|free|strdup|strndup|aligned_alloc|posix_memalign|v?asprintf|alloca"
PRINT = (r"v?f?printf|f?puts|f?putc|putchar|perror|exit|_exit|_Exit|quick_exit|abort|atexit|signal|sigaction|setlocale"
         r"|omp_set_num_threads")
PUT_BACK = "omp_set_num_threads"  # kernels/cpu may set it around a call of oneDNN, and puts it back
STOP = r"exit|_exit|_Exit|quick_exit|abort"


def sources(root, *folders, suffixes=(".c", ".h", ".def", ".inc")):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes:
                yield path


_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(path, keep_strings=False):
    """The text without comments and, unless they are wanted, without what stands in quotes; line numbers stay right."""
    def blank(match):
        token = match.group(0)
        if token[0] == "/":
            return " " + "\n" * token.count("\n")
        return token if keep_strings else token[0] * 2
    return _TOKEN.sub(blank, path.read_text(encoding="utf-8", errors="replace"))


def places(path, root, pattern, keep_strings=False):
    """Yields (place, match) for every match of the pattern in the code of a file."""
    text = code_of(path, keep_strings)
    for match in re.finditer(pattern, text, re.M):
        yield f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}", match


def called(names):
    """A call of one of these functions, not of a member with the same name."""
    return rf"(?<![\w.>])({names})\s*\("


def module_of(relative):
    parts = relative.parts
    if parts[:2] == ("include", "hypernet"):
        return PUBLIC_OF.get(relative.stem, relative.stem)
    if parts[:2] == ("src", "app"):
        return parts[2] if len(parts) > 3 else None
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    return "cli" if parts[0] == "cli" else None


def may_include(module, other):
    if module == other or module == UMBRELLA:
        return True
    if other == UMBRELLA:
        other = "nn"
    if module in ONLY:
        return other in ONLY[module]
    if other == "io":
        return RANK[module] >= RANK["params"]
    return RANK[other] < RANK[module]


def check_includes(root):
    """Modules include only what stands to their right in the list of CONTRIBUTING.md."""
    complaints = []
    known = set(RANK) | set(ONLY) | {UMBRELLA}
    for path in sources(root, "include", "src", "cli"):
        relative = path.relative_to(root)
        module = module_of(relative)
        if module not in known:
            complaints.append(f"{relative}:1: belongs to no known module: put it into a folder named after one")
            continue
        for place, match in places(path, root, r'^\s*#\s*include\s*(["<])([^">]+)[">]', keep_strings=True):
            name = match.group(2)
            target = next((base / name for base in (path.parent, root / "src", root / "include")
                           if (base / name).is_file()), None)
            if target is None:
                if match.group(1) == '"':
                    complaints.append(f'{place}: "{name}" is not in src/ or include/: use <> for headers of others')
                continue
            other = module_of(target.resolve().relative_to(root.resolve()))
            if other not in known or not may_include(module, other):
                complaints.append(f"{place}: {module} must not include {name} (module {other}): the arrow points backwards")
    return complaints


def check_outside_headers(root):
    """Each foreign library is touched by one folder."""
    complaints = []
    for path in sources(root, "include", "src", "cli"):
        relative = str(path.relative_to(root))
        for place, match in places(path, root, r'^\s*#\s*include\s*["<]([^">]+)[">]', keep_strings=True):
            for pattern, allowed in OUTSIDE_HEADERS.items():
                if re.fullmatch(pattern, match.group(1)) and not relative.startswith(allowed):
                    complaints.append(f"{place}: {match.group(1)} may be included only below {', '.join(allowed)}")
    return complaints


def check_allocation(root):
    """All of src/ allocates through the context's allocator."""
    return [f"{place}: {match.group(1)} belongs in src/core/alloc*.c only: use the context's allocator"
            for path in sources(root, "src")
            if not (path.parent.name == "core" and path.name.startswith("alloc"))
            for place, match in places(path, root, called(ALLOCATE))]


def check_no_printing(root):
    """The library neither prints nor ends the process nor changes its settings; src/app does not end it either."""
    complaints = [f"{place}: the library must not call {match.group(1)}: return a status or use the log callback"
                  for module in LIBRARY for path in sources(root, f"src/{module}")
                  for place, match in places(path, root, called(PRINT))
                  if not (match.group(1) == PUT_BACK and path.parent.name == "cpu" and path.parent.parent.name == "kernels")]
    complaints += [f"{place}: only cli/ may call {match.group(1)}: return a status"
                   for path in sources(root, "src/app") for place, match in places(path, root, called(STOP))]
    return complaints


def check_threads_and_intrinsics(root):
    """OpenMP in core/parallel and kernels/cpu, machine instructions in kernels/cpu."""
    complaints = []
    for path in sources(root, "include", "src", "cli"):
        relative = str(path.relative_to(root))
        if relative.startswith("src/kernels/cpu/"):
            continue
        if not relative.startswith("src/core/parallel"):
            complaints += [f"{place}: '#pragma omp' belongs in core/parallel and kernels/cpu only"
                           for place, _ in places(path, root, r"^\s*#\s*pragma\s+omp\b|_Pragma\s*\(\s*\"omp", True)]
        complaints += [f"{place}: machine instructions belong in kernels/cpu only"
                       for place, _ in places(path, root, r"\b_mm\d*_\w+|\b__builtin_(cpu_|ia32_)\w+|\b__asm__\b")]
    return complaints


def check_train_names_no_task(root):
    """src/app/train serves any task: it names none."""
    stems = {path.stem for path in sources(root, "src/app/tasks")} - {"task", "tasks", "registry"}
    others = "\n".join(code_of(path) for path in sources(root, "src/io", suffixes=(".h",)))  # hni_text_add is no task's
    complaints = []
    for path in sources(root, "src/app/train"):
        for stem in sorted(stems):
            word = re.escape(stem)
            pattern = rf'"{word}"|tasks/{word}|\b\w*(?:task_{word}|{word}_task)\w*|\bhni?_{word}_\w+'
            complaints += [f"{place}: train/ must not name a task ({match.group(0)}): ask through the task's functions"
                           for place, match in places(path, root, pattern, keep_strings=True)
                           if not re.search(rf"\b{re.escape(match.group(0))}\b", others)]
    return complaints


def check_arguments(root):
    """Public functions take at most six arguments."""
    complaints = []
    for path in sources(root, "include"):
        for place, match in places(path, root, r"\bHN_API\b[^;{}]*?\b(\w+)\s*\(([^;{}]*)\)[^;{}]*;"):
            depth, count = 0, 1
            for character in match.group(2):
                depth += {"(": 1, ")": -1}.get(character, 0)
                count += character == "," and depth == 0
            count -= match.group(2).rstrip().endswith("...")
            if count > 6:
                complaints.append(f"{place}: {match.group(1)} takes {count} arguments: at most six, options go in a struct")
    return complaints


def check_type_names(root):
    """No type of ours ends in _t: POSIX keeps these names for itself."""
    return [f"{place}: type {match.group(1) or match.group(2)} ends in _t: choose another name"
            for path in sources(root, "include", "src", "cli")
            for place, match in places(path, root, r"\btypedef\b[^;{]*?\b(\w+_t)\s*;|\}\s*(\w+_t)\s*;")]


def tracked(root):
    """The files under version control; in a tree without git, all files but those that builds and runs make."""
    listing = subprocess.run(["git", "-C", str(root), "-c", f"safe.directory={root}", "ls-files", "-z", "--cached",
                              "--others", "--exclude-standard"], capture_output=True, check=False)
    if listing.returncode == 0 and listing.stdout:
        names = listing.stdout.decode().split("\0")
        return [root / name for name in names if name and (root / name).is_file()]
    made = {"build", "demo", ".git"}
    return [path for path in sorted(root.rglob("*")) if path.is_file() and path.relative_to(root).parts[0] not in made]


def lines_of(path):
    data = path.read_bytes()
    return [] if b"\0" in data else data.decode("utf-8", "replace").splitlines()


def check_length(root):
    """Sources have at most 500 lines."""
    suffixes = {".c", ".h", ".def", ".inc", ".py", ".sh", ".cmake", ".cpp", ".cu"}
    return [f"{path.relative_to(root)}:{len(lines_of(path))}: longer than 500 lines: split it"
            for path in tracked(root)
            if (path.suffix in suffixes or path.name in ("dev", "CMakeLists.txt")) and len(lines_of(path)) > 500]


_MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:wo" r"rk|ro" r"ot|ho" r"me|Us" r"ers|mnt|media)/\w")
_LEFT_OVER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|^(?:<{7}|>{7}) ")


def check_left_overs(root):
    """No path of one machine, no note about work left undone, no mark of a merge, no blanks at the end of a line."""
    complaints = []
    for path in tracked(root):
        if path.name == "LICENSE" or "corpus" in path.parts:
            continue
        for number, line in enumerate(lines_of(path), 1):
            place = f"{path.relative_to(root)}:{number}"
            if match := _MACHINE_PATH.search(line):
                complaints.append(f"{place}: '{match.group(0)}...' exists on one machine only")
            if match := _LEFT_OVER.search(line):
                complaints.append(f"{place}: '{match.group(0)}': do it, or say in docs/ why not")
            if line != line.rstrip() and path.suffix in {".c", ".h", ".py", ".sh", ".def", ".inc"}:
                complaints.append(f"{place}: blanks at the end of the line")
    return complaints


CHECKS = (check_includes, check_outside_headers, check_allocation, check_no_printing, check_threads_and_intrinsics,
          check_train_names_no_task, check_arguments, check_type_names, check_length, check_left_overs)
