"""A delay planted in a known place of the pause shows in that piece of it.

usage: waterfall_test.py migscope lab_guest.elf
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import migtest
from migration_pair import FAST, MIB, Pair, set_parameters
from migtest import Lab, Migscope, check
from stream_relay import StreamRelay

MIGSCOPE, ELF = sys.argv[1:3]
# Long against what a busy machine adds by itself.
DELAY = 0.8
GUEST = "cold=8M hot=2M rate=500 pattern=random content=text"
# Flushes wait; all else is done at once and forgotten.
SLOW_DISK = f"""
case "$1" in
    get_size) echo 1M ;;
    pread) head -c "$3" /dev/zero ;;
    pwrite) cat >/dev/null ;;
    can_write | can_flush) exit 0 ;;
    flush) sleep {DELAY} ;;
    *) exit 2 ;;
esac
"""


# Hardly anything is left for the pause.
CONVERGED = {"max-bandwidth": 4096 * MIB, "downtime-limit": 30}


def trace_is_on(pair):
    return all(qemu.qmp.execute(
        "trace-event-get-state", name="migration_bitmap_sync_end"
    )[0]["state"] == "enabled" and qemu.qmp.execute(
        "trace-event-get-state", name="qemu_loadvm_state_post_main"
    )[0]["state"] == "enabled" for qemu in (pair.source, pair.destination))


def record(lab, *arguments, actions=None, rate=None, prepare=None,
           parameters=None, traced=False):
    """Migrates with both monitors recorded, and the stream through a relay and
    the tee; what the analysis says of the pause."""
    pair = Pair(lab, *arguments, "-msg", "timestamp=on", guest=GUEST, run=True,
                capabilities=["events"])
    set_parameters(pair.source, parameters or CONVERGED)
    if prepare:
        prepare(pair)
    migscope = Migscope(MIGSCOPE, lab)
    recorded, teed = lab.path("monitors.migscope"), lab.path("tee.migscope")
    recorder = migscope.start(
        "record", "--source", lab.path("source.record.qmp"), "--destination",
        lab.path("destination.record.qmp"), "-o", recorded,
        *(["--trace", "--source-log", lab.path("source.log"),
           "--destination-log", lab.path("destination.log")]
          if traced else []))
    migtest.wait_for_recorder(recorded)
    if traced:
        pair.source.wait(lambda: trace_is_on(pair), "trace events")
    pair.destination.qmp.execute("migrate-incoming",
                                 uri=pair.uri("destination"))
    tee = pair.start_tee(migscope, teed)
    relay = lab.path("relay.sock")
    StreamRelay(relay, lab.path("tee.sock"), actions(pair) if actions else {},
                rate)
    pair.source.qmp.execute("migrate", uri=f"unix:{relay}")
    migscope.finish(recorder, 0)
    migscope.finish(tee, 0)
    out, _ = migscope.run("analyze", "--json", recorded, teed)
    return json.loads(out)


def pieces(analysis):
    """Lengths by name, after the rules that hold for every waterfall."""
    downtime = analysis["downtime"]
    at = 0
    for phase in downtime["phases"]:
        check(phase["start_ms"] >= at - 1e-3, downtime)
        check(phase["duration_ms"] >= 0 and phase["evidence"], downtime)
        at = phase["start_ms"] + phase["duration_ms"]
    total = (sum(phase["duration_ms"] for phase in downtime["phases"])
             + downtime["unexplained_ms"])
    check(abs(total - downtime["total_ms"]) < 1e-3, downtime)
    return {phase["name"]: phase["duration_ms"]
            for phase in downtime["phases"]}


def check_planted(found, piece, planted_ms):
    """All of the delay is there, and no other piece has a tenth of it."""
    check(found.get(piece, 0) >= 0.9 * planted_ms, f"{piece}: {found}")
    check(found[piece] <= 1.1 * planted_ms, f"{piece}: {found}")
    others = {name: ms for name, ms in found.items()
              if name != piece and ms > 0.1 * planted_ms}
    check(not others, f"not only {piece} is long: {found}")
    return f"{piece} {found[piece]:.1f} of {planted_ms:.0f} ms planted"


def hold():
    time.sleep(DELAY)


def last_ram_held_back():
    with Lab(ELF) as lab:
        analysis = record(lab, actions=lambda pair: {"ram": hold})
        return check_planted(pieces(analysis), "last RAM", 1000 * DELAY)


def devices_held_back():
    with Lab(ELF) as lab:
        analysis = record(lab, actions=lambda pair: {"devices": hold})
        return check_planted(pieces(analysis), "device state", 1000 * DELAY)


def destination_stopped(traced=False):
    """While it loads: it gets what the kernel and the tee keep for it."""
    def stop(pair):
        pid = pair.destination.pid
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(DELAY, os.kill, (pid, signal.SIGCONT)).start()

    with Lab(ELF) as lab:
        analysis = record(
            lab, actions=lambda pair: {"devices": lambda: stop(pair)},
            traced=traced)
        found = pieces(analysis)
        # It stands still while the source still writes, too.
        along = sum(found.get(name, 0)
                    for name in ("device state", "end of stream", "wire"))
        return check_planted(found, "load" if traced else "destination",
                             1000 * DELAY - along)


def slow_link():
    """The last RAM takes what a slow link needs for it."""
    rate = 8 * MIB
    with Lab(ELF) as lab:
        analysis = record(lab, rate=rate, parameters=FAST)
        took = 1000 * analysis["stop_and_copy"]["ram"]["bytes"] / rate
        check(took > 50, "hardly anything was left for the pause")
        found = pieces(analysis)
        # The relay's socket takes in the first of it at once.
        check(0.9 * took - 50 < found["last RAM"] < 1.1 * took + 20,
              f"{took:.0f} ms for the last RAM at that rate: {found}")
        return f"last RAM {found['last RAM']:.1f} of {took:.1f} ms"


@contextlib.contextmanager
def disk_server(lab):
    """Serves a disk whose flushes are slow at disk.sock."""
    script, socket = lab.path("disk.sh"), lab.path("disk.sock")
    with open(script, "w", encoding="ascii") as file:
        file.write("#!/bin/sh" + SLOW_DISK)
    os.chmod(script, 0o700)
    server = subprocess.Popen(["nbdkit", "-f", "-U", socket, "sh", script],
                              preexec_fn=migtest.die_with_parent)
    lab.programs.append(server)
    migtest.wait_for_listener(socket)
    yield
    # It removes its folder only when it ends by itself, without clients.
    for qemu in lab.qemus:
        qemu.kill()
    server.terminate()
    server.wait(migtest.TIMEOUT)


def slow_disk(traced=False):
    """The source's disks are flushed after STOP; something must have been
    written, or there is nothing to flush."""
    if not shutil.which("nbdkit"):
        migtest.skip("nbdkit is not installed")

    def prepare(pair):
        pair.source.qmp.execute("blockdev-add", **{
            "driver": "nbd", "node-name": "disk",
            "server": {"type": "unix", "path": pair.lab.path("disk.sock")}})
        pair.source.qmp.execute("human-monitor-command", **{
            "command-line": "qemu-io -d disk \"write 0 4k\""})

    with Lab(ELF) as lab, disk_server(lab):
        found = pieces(record(lab, prepare=prepare, traced=traced))
        return check_planted(found, "disk flush" if traced else "final sync",
                             1000 * DELAY)


def slow_disk_traced():
    return slow_disk(traced=True)


def destination_stopped_traced():
    return destination_stopped(traced=True)


migtest.run([last_ram_held_back, devices_held_back, destination_stopped,
             slow_link, slow_disk, slow_disk_traced,
             destination_stopped_traced])
