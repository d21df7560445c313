"""How much of the downtime the analysis explains: lab migrations with QEMU's
trace, of idle, memory-heavy and device-heavy guests, on each QEMU that is here.

usage: downtime_bench.py migscope [RUNS]

Prints a line for each QEMU and guest: the pause, the share of it that stays
unexplained (median and worst), the longest piece, and how far the pause that
the guest felt is from STOP..RESUME. Pieces that are out of order, overlap or do
not add up end it with status 1.
"""

import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import migtest  # noqa: E402

QEMUS = ("debian-12", "bookworm-backports", "sid")
DEVICES = [word for device in (
    *["virtio-rng-pci"] * 8, *["virtio-serial-pci"] * 4,
    "virtio-balloon-pci", *["qemu-xhci"] * 4, *["intel-hda"] * 2,
    *["e1000e"] * 4, *["ich9-ahci"] * 2)
    for word in ("-device", device)]
GUESTS = {
    "idle": ["--workload", "cold=16M hot=1M rate=0"],
    "memory": ["--workload",
               "cold=64M hot=32M rate=20000 pattern=random content=random"],
    "devices": ["--workload", "cold=16M hot=1M rate=100",
                *(f"--qemu-arg={word}" for word in DEVICES)],
}


def migrate(migscope, qemu, options, session):
    ran = subprocess.run([migscope, "lab", "--trace", "-o", session, "--qemu",
                          qemu, *options], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    out = subprocess.run([migscope, "analyze", "--json", session], check=True,
                         capture_output=True).stdout
    return json.loads(out)["downtime"]


def fault(downtime):
    """What is wrong with the pieces, or None."""
    at = 0
    for phase in downtime["phases"]:
        if phase["start_ms"] < at - 1e-3 or phase["duration_ms"] < 0:
            return f"{phase['name']} begins before the piece before has ended"
        at = phase["start_ms"] + phase["duration_ms"]
    total = (sum(phase["duration_ms"] for phase in downtime["phases"])
             + downtime["unexplained_ms"])
    if abs(total - downtime["total_ms"]) > 1e-3:
        return f"the pieces make {total} ms of {downtime['total_ms']}"
    return None


def longest(downtimes):
    """The piece that most of the time goes to, with its share."""
    sums = collections.Counter()
    for downtime in downtimes:
        for phase in downtime["phases"]:
            sums[phase["name"]] += phase["duration_ms"]
    name, ms = sums.most_common(1)[0]
    return f"{name} {100 * ms / sum(d['total_ms'] for d in downtimes):.0f} %"


def row(migscope, qemu, options, runs):
    downtimes = []
    with tempfile.TemporaryDirectory(prefix="migscope-") as directory:
        for i in range(runs):
            downtimes.append(migrate(migscope, qemu, options,
                                     os.path.join(directory, str(i))))
    faults = [found for found in map(fault, downtimes) if found]
    if faults:
        sys.exit(f"{len(faults)} of {runs} runs: {faults[0]}")
    shares = [100 * d["unexplained_ms"] / d["total_ms"] for d in downtimes]
    felt = [d["guest_ms"] - d["total_ms"] for d in downtimes
            if d["guest_ms"] is not None]
    return (f"{statistics.median(d['total_ms'] for d in downtimes):9.1f}"
            f"{statistics.median(shares):12.2f}{max(shares):8.2f}"
            f"{statistics.median(felt):11.2f}  {longest(downtimes)}")


def main():
    migscope, runs = sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 20
    print(f"{runs} runs each; medians\n"
          "QEMU                guest     pause ms  unexplained %   worst"
          "  felt +ms  longest piece")
    for name in QEMUS:
        qemu = (migtest.fetched_qemu(name) if name != "debian-12"
                else "qemu-system-x86_64")
        if name != "debian-12" and not os.path.exists(qemu):
            print(f"{name}: not here; tools/get-qemus gets it")
            continue
        for guest, options in GUESTS.items():
            print(f"{name:20}{guest:9}{row(migscope, qemu, options, runs)}",
                  flush=True)


main()
