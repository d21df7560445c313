"""How fast `migscope analyze` reads, as ratios taken in one run.

usage: speed_bench.py MIGSCOPE STREAM_MAKER BARE_PASSES [MIB [REPEATS]]

Against a raw stream of MIB (4096) MiB of normal pages in the page cache: cat, a
bare hash pass, a bare stride walk and, where MIGSCOPE_ANALYZE_MIGRATION names
it, QEMU's analyze-migration.py. The same stream as a session, against
`zstd -dc`. Then guests of 0.5 GiB to 1 TiB, nearly all zero pages: time and
memory for each page. The runs of a line take turns; each figure is the median of
REPEATS (5).
"""

import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MIGSCOPE, STREAM_MAKER, BARE_PASSES = sys.argv[1:4]
MIB = int(sys.argv[4]) if len(sys.argv) > 4 else 4096
REPEATS = int(sys.argv[5]) if len(sys.argv) > 5 else 5
CORES = len(os.sched_getaffinity(0))
SIZES_GIB = (0.5, 4, 32, 256, 1024)


def seconds(command, stdin=None):
    with open(stdin or os.devnull, "rb") as source:
        start = time.perf_counter()
        subprocess.run(command, stdin=source, stdout=subprocess.DEVNULL,
                       check=True)
        return time.perf_counter() - start


def medians(commands):
    """Seconds of each command; they take turns."""
    taken = {name: [] for name in commands}
    for _ in range(REPEATS):
        for name, command in commands.items():
            taken[name].append(seconds(*command) if isinstance(command, tuple)
                               else seconds(command))
    return {name: statistics.median(times) for name, times in taken.items()}


def make(path, *numbers):
    with open(path, "wb") as out:
        subprocess.run([STREAM_MAKER, *map(str, numbers)], stdout=out,
                       check=True)


def version_in(path):
    return [int(number) for number in re.findall(r"\d+", os.path.basename(path))]


def script():
    """The newest there is."""
    folder = os.environ.get("MIGSCOPE_ANALYZE_MIGRATION")
    found = glob.glob(f"{folder}/analyze-migration-*.py") if folder else []
    return max(found, key=version_in, default=None)


def line(what, base, taken, bound):
    ratio = taken[what] / taken[base]
    print(f"{what:34} {taken[what]:7.2f} s  {ratio:6.2f} x {base:30} {bound}",
          flush=True)


def analyze(*options):
    return [MIGSCOPE, "analyze", "--json", *options]


def raw(folder):
    path = f"{folder}/raw"
    make(path, MIB, MIB, 4)
    commands = {
        "cat": ["cat", path],
        "bare hash": [BARE_PASSES, "hash", path, str(CORES)],
        "bare walk": [BARE_PASSES, "walk", path],
        "analyze": analyze(path),
        "analyze --no-content": analyze("--no-content", path),
        "analyze --threads 1": analyze("--threads", "1", path),
        "analyze -, from a file": (analyze("-"), path),
    }
    taken = medians(commands)
    line("cat", "bare hash", taken, "")
    line("analyze", "bare hash", taken, "at most 1.5")
    line("analyze", "cat", taken, "")
    line("analyze --no-content", "bare walk", taken, "at most 3")
    line("analyze --threads 1", "analyze", taken, "")
    line("analyze -, from a file", "analyze", taken, "")
    if script():
        taken["analyze-migration.py"] = seconds(
            [sys.executable, "-B", script(), "-d", "state", "-f", path])
        for bare in ("bare hash", "bare walk"):  # as fast as can be
            line("analyze-migration.py", bare, taken, "")
        line("analyze-migration.py", "analyze", taken, "at least 30")
        line("analyze-migration.py", "analyze --no-content", taken,
             "at least 60")
    else:
        print("analyze-migration.py: not at hand")
    return path


def session(folder, path):
    recorded = f"{folder}/s.migscope"
    with open(path, "rb") as stream:
        subprocess.run([MIGSCOPE, "capture", "-o", recorded],
                       stdin=stream, stderr=subprocess.DEVNULL, check=True)
    channel = f"{recorded}/channel-0.zst"
    bare = f"{folder}/bare.zst"
    subprocess.run(["zstd", "-q", "-1", path, "-o", bare], check=True)
    taken = medians({
        "zstd -dc of the session": ["zstd", "-dc", channel],
        "analyze of the session": analyze(recorded),
        "zstd -dc of a .zst": ["zstd", "-dc", bare],
        "analyze of a .zst": analyze(bare),
    })
    line("analyze of the session", "zstd -dc of the session", taken, "")
    line("analyze of a .zst", "zstd -dc of a .zst", taken, "")
    shutil.rmtree(recorded)
    os.remove(bare)


def memory_of(command):
    """Peak of the process's own memory in bytes, files it maps left out."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        try:
            with open(f"/proc/{child.pid}/status") as status:
                rows = dict(row.split(":", 1) for row in status)
            peak = max(peak, 1024 * int(rows["RssAnon"].split()[0]))
        except (FileNotFoundError, KeyError, ProcessLookupError):
            break
        time.sleep(0.005)
    if child.wait():
        sys.exit(f"{command} failed")
    return peak


def growth(folder):
    print(f"{'guest':>10} {'pages':>12} {'ns a page':>10} "
          f"{'memory MiB':>11} {'bytes a page above 64 MiB':>26}")
    for size in SIZES_GIB:
        path = f"{folder}/guest"
        make(path, int(size * 1024), 64, 4)
        pages = int(size * 1024) * 256
        taken = statistics.median(
            seconds(analyze(path)) for _ in range(min(REPEATS, 3)))
        peak = memory_of(analyze(path))
        over = max(0, peak - (64 << 20)) / pages
        print(f"{size:7} GiB {pages:12} {taken / pages * 1e9:10.1f} "
              f"{peak / (1 << 20):11.1f} {over:20.1f} of 16", flush=True)
        os.remove(path)


def main():
    print(f"{CORES} cores; {MIB} MiB; medians of {REPEATS}")
    with tempfile.TemporaryDirectory(prefix="migscope-speed-") as folder:
        path = raw(folder)
        session(folder, path)
        os.remove(path)
        growth(folder)


main()
