"""No thread of a training may run a signal handler: oneDNN's multiplies keep their stack in a small block of the heap for a while, and a
handler's frame would be written over what lies before it. So the signals that ask for a stop are blocked in every thread, and one waits."""

import signal
import subprocess
import tempfile
from pathlib import Path

from runs import PROGRAM, fail_unless, prepare, wait_for_bytes

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def masks(process, name):
    """That mask of every thread; the files are gone when the process is."""
    found = []
    for status in Path(f"/proc/{process}/task").glob("*/status"):
        lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        found.append(int(lines[name], 16))
    return found


def main():
    if not Path("/proc/self/task").exists():
        print("no /proc here: left out")
        raise SystemExit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)
        recipe.write_text(recipe.read_text().replace("batch: 4", "batch: 16"))  # rows for two threads
        for number in STOPS:
            run = folder / f"run-{number}"
            child = subprocess.Popen(
                [PROGRAM, "train", recipe, "-o", run, "--threads", "2", "--set", "train.steps=1000000", "--set",
                 "train.validate_every=500000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_for_bytes([run / "log.csv"], 300)
            blocked, handled = masks(child.pid, "SigBlk"), masks(child.pid, "SigCgt")
            fail_unless(len(blocked) >= 3, f"{len(blocked)} threads: two that compute and one that waits were expected")
            for stop in STOPS:
                bit = 1 << (stop - 1)
                open_to_it = sum(mask & bit == 0 for mask in blocked)  # the one that waits, while it does
                fail_unless(open_to_it <= 1, f"{open_to_it} threads do not block signal {stop}")
                fail_unless(not any(mask & bit for mask in handled), f"signal {stop} has a handler")
            child.send_signal(number)
            out, error = child.communicate(timeout=60)
            fail_unless(child.returncode == 0 and "stopped after update" in out, f"{child.returncode}: {out}{error}")
    print("signals wait in a thread of their own; each of the three saves and ends")


main()
