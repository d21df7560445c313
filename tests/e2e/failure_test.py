"""Migrations that go wrong, and recordings that are cut off.

usage: failure_test.py migscope lab_guest.elf
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
GUEST = "cold=32M hot=8M rate=8000 content=random"
SLOW = 24 * MIB  # bytes/s: the migration takes seconds


# However fast the guest and the machine are, such a migration gets to no end.
ENDLESS = ["--capability", "pause-before-switchover=on",
           "--parameter", "downtime-limit=1"]


def migrate(lab, *options, output=None):
    """Starts two QEMUs and `migscope migrate --capture` between them."""
    source = lab.start("source", GUEST)
    if not any(qemu.name == "destination" for qemu in lab.qemus):
        lab.start("destination", GUEST, "-incoming", "defer")
    source.wait_ready()
    migscope = Migscope(MIGSCOPE, lab)
    session = output or lab.path("run.migscope")
    process = migscope.start(
        "migrate", "--source", lab.path("source.record.qmp"), "--destination",
        lab.path("destination.record.qmp"), "--capture", "-o", session,
        "--parameter", f"max-bandwidth={SLOW}", *options)
    return migscope, source, session, process


def source_dies():
    with Lab(ELF) as lab:
        migscope, source, session, process = migrate(lab, *ENDLESS)
        # A sync is counted before its event is sent; one more, and it was.
        source.wait_pass(3)
        source.kill()
        _, err = migscope.finish(process, 1)
        check("can no longer be followed" in err, err)
        analysis = migscope.analyze(session, status=3)
        check(analysis["outcome"]["status"] == "disconnected", analysis)
        check(len(analysis["rounds"]) >= 2, analysis["rounds"])
        check(any("truncated" in p["message"] or p["offset"]
                  for p in analysis["input"]["problems"]), analysis["input"])
        return f"{len(analysis['rounds'])} rounds until then"


def destination_refuses():
    """It has less memory: it gives up when it sees the block list."""
    with Lab(ELF) as lab:
        lab.start("destination", GUEST, "-incoming", "defer", memory="64M")
        migscope, source, session, process = migrate(lab)
        _, err = migscope.finish(process, 1)
        check("failed" in err, err)
        check(source.qmp.execute("query-status")["running"],
              "the guest does not run on")
        analysis = migscope.analyze(session, status=3)
        check(analysis["outcome"]["status"] == "failed", analysis["outcome"])
        check(analysis["downtime"]["total_ms"] is None, analysis["downtime"])
        return analysis["outcome"]["detail"]


def nobody_listens():
    """The destination listens, but elsewhere."""
    with Lab(ELF) as lab:
        lab.start("destination", GUEST, "-incoming",
                  f"unix:{lab.path('elsewhere.sock')}")
        migscope, source, session, process = migrate(
            lab, "--uri", "tcp:127.0.0.1:1")
        _, err = migscope.finish(process, 1)
        check("tcp:127.0.0.1:1" in err and "refused" in err, err)
        check(source.qmp.execute("query-status")["running"],
              "the guest does not run on")


def cancelled():
    with Lab(ELF) as lab:
        migscope, source, session, process = migrate(lab, *ENDLESS)
        source.wait_pass(2)
        source.qmp.execute("migrate_cancel")
        _, err = migscope.finish(process, 1)
        check("was cancelled" in err, err)
        analysis = migscope.analyze(session, status=3)
        check(analysis["outcome"]["status"] == "cancelled", analysis)
        check(len(analysis["rounds"]) >= 2, analysis["rounds"])


def interrupted():
    """Ctrl-C cancels what migscope itself has started."""
    with Lab(ELF) as lab:
        migscope, source, session, process = migrate(lab, *ENDLESS)
        source.wait_pass(2)
        process.send_signal(signal.SIGINT)
        migscope.finish(process, 130)
        info = source.qmp.execute("query-migrate")
        check(info["status"] == "cancelled", info)
        check(source.qmp.execute("query-status")["running"],
              "the guest does not run on")


def stored_rounds(session):
    """Of a recording that goes on."""
    told = subprocess.run([MIGSCOPE, "analyze", "--json", session],
                          capture_output=True)
    return len(json.loads(told.stdout)["rounds"])


def killed():
    """SIGKILL: what was flushed is there, with every round up to then."""
    with Lab(ELF) as lab:
        migscope, source, session, process = migrate(lab, *ENDLESS)
        source.wait_pass(2)
        syncs = source.qmp.execute("query-migrate")["ram"]["dirty-sync-count"]
        # A busy machine takes long over a frame's and a line's way to the disk.
        migtest.wait_until(lambda: syncs <= stored_rounds(session),
                           f"{syncs} rounds are stored")
        migscope.kill(process)
        analysis = migscope.analyze(session, status=3)
        check(not analysis["input"]["complete"], analysis["input"])
        rounds = analysis["rounds"]
        check(syncs <= len(rounds), f"{len(rounds)} rounds, {syncs} syncs")
        check(sum(r["pages"] or 0 for r in rounds)
              == sum(b["sent_pages"] for b in analysis["ram"]["blocks"]),
              "pages of rounds and blocks")
        return f"{len(rounds)} rounds, {syncs} syncs before"


def full_disk():
    """The migration goes on, the recording says where it ends."""
    with Lab(ELF) as lab, migtest.small_disk(lab.path("disk"), "8m") as made:
        if not made:
            return "NOT RUN: a full disk needs the right to mount a tmpfs"
        migscope, source, session, process = migrate(
            lab, output=lab.path("disk/run.migscope"))
        _, err = migscope.finish(process, 3)
        status = source.qmp.execute("query-migrate")["status"]
        check(status == "completed", f"the migration is {status}")
        analysis = migscope.analyze(session, status=3)
        check(any("No space left" in p["message"]
                  for p in analysis["input"]["problems"]),
              analysis["input"]["problems"])
        check(analysis["ram"]["totals"]["normal"] > 1000, "what was stored")
        check(analysis["downtime"]["total_ms"] is None
              or analysis["downtime"]["total_ms"] > 0, "downtime")
        return next(line for line in err.splitlines() if "left" in line)


def lab_leaves_nothing():
    """Ctrl-C at several moments of `migscope lab`."""
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        for number, wait in enumerate((0, 0.3, 1.5)):
            process = migscope.start(
                "lab", "-o", lab.path(f"{number}.migscope"), "--qemu",
                migtest.qemu_command()[0], "--workload", GUEST,
                "--parameter", f"max-bandwidth={8 * MIB}")
            while not os.listdir(migscope.temporary):  # it has begun
                check(process.poll() is None, "it ended at once")
                time.sleep(0.005)
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            migscope.finish(process, 130)
            check(not qemus_of(migscope.temporary), "a QEMU is left running")


def qemus_of(directory):
    """Processes whose command line names the directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if directory.encode() in file.read():
                    found.append(pid)
        except OSError:
            pass  # it has ended meanwhile
    return found


def lab_says_what_is_wrong():
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        qemu = migtest.qemu_command()[0]
        for options, status, words in (
                (["--qemu", "no-such-qemu"], 1, "no-such-qemu"),
                (["--qemu", qemu, "--qemu-arg=-nonsense"], 1, "nonsense"),
                (["--qemu", qemu, "--workload", "cold=lots"], 2, "cold=lots"),
                (["--qemu", qemu, "--parameter", "nonsense=1"], 1,
                 "nonsense")):
            _, err = migscope.run("lab", "-o", lab.path("x.migscope"),
                                  *options, status=status)
            check(words in err, f"{words} is not in: {err}")
            shutil.rmtree(lab.path("x.migscope"), ignore_errors=True)


migtest.run([source_dies, destination_refuses, nobody_listens, cancelled,
             interrupted, killed, full_disk, lab_leaves_nothing,
             lab_says_what_is_wrong])
