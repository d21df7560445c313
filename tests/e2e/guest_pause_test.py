"""The pause that the guest felt, by its heartbeats on the consoles of
`migscope lab`, against STOP and RESUME.

usage: guest_pause_test.py migscope lab_guest.elf
"""

import os
import sys

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
GUESTS = {
    "idle": "cold=4M hot=1M rate=0",
    "busy": "cold=16M hot=8M rate=20000 pattern=random content=random",
    "hurried": "cold=4M hot=16M rate=max content=counter",
}
BESIDE_MS = 1.0  # as the finding's
TRIES = 4


def record(lab, name, workload, *options):
    migscope = Migscope(MIGSCOPE, lab)
    session = lab.path(f"{name}.migscope")
    migscope.run("lab", "-o", session, "--qemu", migtest.qemu_command()[0],
                 "--memory", "64M", "--workload", workload,
                 "--parameter", f"max-bandwidth={256 * MIB}",
                 "--parameter", "downtime-limit=2000", *options)
    return migscope, session


def console(session, end):
    return migtest.unpacked(f"{session}/guest-{end}.log.zst").decode()


def check_consoles(session):
    """One line may be cut in two by the switch; nothing is lost."""
    source, destination = (console(session, end)
                           for end in ("source", "destination"))
    check(source.startswith("READY "), "the first line")
    lines = (source + destination).split("\n")[:-1]
    counts = [int(line.split()[1]) for line in lines if line.startswith("HB ")]
    check(counts == list(range(1, len(counts) + 1)), "heartbeats are missing")
    check(destination.count("\nHB ") >= 8, "the destination's heartbeats")
    return len(counts)


def check_pause(analysis):
    """Whether the guest felt STOP to RESUME. QEMU stops the guest's clock,
    then its vCPUs, then says STOP; it says RESUME, then starts the clock:
    it may feel more, and a finding says so, but never less."""
    downtime = analysis["downtime"]
    more = downtime["guest_ms"] - downtime["total_ms"]
    off = downtime["guest_error_ms"] + BESIDE_MS
    check(more >= -off, downtime)
    told = any(f["id"] == "guest-pause" for f in analysis["findings"])
    check(told == (more > off), (downtime, analysis["findings"]))
    return not told


def felt(kind):
    """Somebody else may get the processor between the two, not every time."""
    def test():
        told = []
        for _ in range(TRIES):
            with Lab(ELF) as lab:
                migscope, session = record(lab, kind, GUESTS[kind])
                count = check_consoles(session)
                analysis = migscope.analyze(session)
                check(analysis["input"]["complete"], analysis["input"])
                same = check_pause(analysis)
                text, _ = migscope.run("analyze", session)
            downtime = analysis["downtime"]
            guest, error = downtime["guest_ms"], downtime["guest_error_ms"]
            check(f", the guest {guest:.1f} ms" in " ".join(text.split()),
                  text)
            told.append(f"{count} heartbeats; the guest {guest:.2f} ms, error "
                        f"{error:.2f}, {guest - downtime['total_ms']:+.2f} ms "
                        "against STOP to RESUME")
            if same:
                return "; ".join(told)
        raise migtest.Failure("; ".join(told))
    test.__name__ = kind
    return test


def without_heartbeats():
    with Lab(ELF) as lab:
        migscope, session = record(lab, "none", GUESTS["idle"],
                                   "--heartbeat", "0")
        check("HB" not in console(session, "source"), "heartbeats")
        downtime = migscope.analyze(session)["downtime"]
        check(downtime["guest_ms"] is None, downtime)
        check(downtime["guest_error_ms"] is None, downtime)
        check(downtime["total_ms"] > 0, downtime)


def without_consoles():
    """As a recording of somebody else's guest is."""
    with Lab(ELF) as lab:
        migscope, session = record(lab, "bare", GUESTS["idle"])
        for end in ("source", "destination"):
            os.unlink(f"{session}/guest-{end}.log.zst")
        analysis = migscope.analyze(session)
        check(analysis["downtime"]["guest_ms"] is None, analysis["downtime"])
        check(not analysis["input"]["problems"], analysis["input"])


def damaged_console():
    with Lab(ELF) as lab:
        migscope, session = record(lab, "damaged", GUESTS["idle"])
        path = f"{session}/guest-destination.log.zst"
        os.truncate(path, os.path.getsize(path) - 30)
        analysis = migscope.analyze(session, status=3)
        check(any(p["channel"] == "guest-destination.log.zst"
                  for p in analysis["input"]["problems"]), analysis["input"])
        check(analysis["downtime"]["total_ms"] > 0, analysis["downtime"])


migtest.run([*map(felt, GUESTS), without_heartbeats, without_consoles,
             damaged_console])
