"""Attaches to running QEMUs the way a user does.

usage: attach_test.py migscope lab_guest.elf
"""

import os
import signal
import sys
import time

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
GUEST = "cold=32M hot=4M rate=2000 content=random"
SLOW = 16 * MIB  # bytes/s: the migration takes seconds


def pair(lab, bandwidth=None):
    """Source and destination, ready; the test drives their first monitors."""
    source = lab.start("source", GUEST)
    destination = lab.start("destination", GUEST, "-incoming", "defer")
    source.wait_ready()
    if bandwidth:
        source.qmp.execute("migrate-set-parameters", max_bandwidth=bandwidth)
    return source, destination


def monitors(lab, ends=("source", "destination")):
    return [word for end in ends
            for word in (f"--{end}", lab.path(f"{end}.record.qmp"))]


def record(lab, migscope, *options, ends=("source", "destination")):
    session = lab.path("run.migscope")
    return session, migscope.start("record", *monitors(lab, ends), "-o",
                                   session, *options)


def migrate(lab, source, destination):
    uri = f"unix:{lab.path('migration.sock')}"
    destination.qmp.execute("migrate-incoming", uri=uri)
    source.qmp.execute("migrate", uri=uri)


def start_migrate(lab, *options):
    migscope = Migscope(MIGSCOPE, lab)
    session = lab.path("run.migscope")
    return migscope, session, migscope.start(
        "migrate", *monitors(lab), "--capture", "-o", session, *options)


def check_count(analysis):
    """As many rounds as syncs; 11.1 does not count the final one."""
    uncounted = 1 if migtest.qemu_version() >= (11, 0) else 0
    syncs = analysis["ram"]["qemu"]["dirty_sync_count"] + uncounted
    check(len(analysis["rounds"]) == syncs,
          f"{len(analysis['rounds'])} rounds, {syncs} syncs")


def capabilities(qemu):
    return {entry["capability"]: entry["state"] for entry
            in qemu.qmp.execute("query-migrate-capabilities")}


def parameters(qemu):
    return qemu.qmp.execute("query-migrate-parameters")


def changes_nothing():
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        before = [(capabilities(q), parameters(q)) for q in lab.qemus]
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope)
        migtest.wait_for_recorder(session)
        migrate(lab, source, destination)
        _, err = migscope.finish(process, 0)
        check("capability is off" in err, f"no hint about events: {err}")
        after = [(capabilities(q), parameters(q)) for q in lab.qemus]
        check(before == after, "the QEMUs were changed")
        analysis = migscope.analyze(session)
        check(analysis["outcome"]["status"] == "completed", analysis)
        # STOP stands for the final sync where QEMU does not count it.
        told = analysis["rounds"][
            :-1 if migtest.qemu_version() >= (11, 0) else None]
        check({r["boundary"] for r in told} == {"sampled"},
              analysis["rounds"])
        starts = [r["start_ms"] for r in analysis["rounds"]]
        check(starts == sorted(starts), analysis["rounds"])
        check(analysis["downtime"]["total_ms"] > 0, "downtime")
        return f"{len(analysis['rounds'])} rounds by sampling"


def enables_events():
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, "--enable-events")
        migtest.wait_until(lambda: capabilities(source)["events"],
                           "events are on")
        migrate(lab, source, destination)
        _, err = migscope.finish(process, 0)
        check("turned on the `events` capability of the source" in err, err)
        analysis = migscope.analyze(session)
        check({r["boundary"] for r in analysis["rounds"]} == {"event"},
              analysis["rounds"])
        return f"{len(analysis['rounds'])} rounds by events"


def joins_a_running_migration():
    with Lab(ELF) as lab:
        source, destination = pair(lab, SLOW)
        migrate(lab, source, destination)
        time.sleep(1)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope)
        migtest.wait_for_recorder(session)
        source.qmp.execute("migrate-set-parameters", max_bandwidth=1 << 30)
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check(analysis["outcome"]["status"] == "completed", analysis)
        check(analysis["outcome"]["total_ms"] > 900, analysis["outcome"])
        check(analysis["downtime"]["total_ms"] > 0, "downtime")


def paused_guest():
    """No STOP, no RESUME; the final sync is one round, not two."""
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        source.qmp.execute("stop")
        migscope, session, process = start_migrate(lab)
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check_count(analysis)
        check(analysis["downtime"]["total_ms"] is None, analysis["downtime"])


def stopped_by_the_user():
    """Its STOP is long before the switchover and no part of it."""
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        migscope, session, process = start_migrate(
            lab, "--parameter", f"max-bandwidth={SLOW}")
        source.wait(lambda: source.qmp.execute("query-migrate").get(
            "ram", {}).get("dirty-sync-count"), "first pass")
        source.qmp.execute("stop")
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check_count(analysis)
        check(not analysis["downtime"]["phases"], analysis["downtime"])
        check(any("stopped before the switchover" in f["text"]
                  for f in analysis["findings"]), analysis["findings"])


def postcopy():
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        migscope, session, process = start_migrate(
            lab, "--parameter", f"max-bandwidth={SLOW}",
            "--capability", "postcopy-ram=on")
        source.wait(lambda: source.qmp.execute("query-migrate").get(
            "ram", {}).get("dirty-sync-count"), "first pass")
        source.qmp.execute("migrate-start-postcopy")
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check(analysis["outcome"]["mode"] == "postcopy", analysis["outcome"])
        check(analysis["downtime"]["total_ms"] > 0, analysis["downtime"])
        pieces = [phase["name"] for phase in analysis["downtime"]["phases"]]
        check(pieces == ["source", "package", "destination"], pieces)
        check(not analysis["rounds"] and analysis["stop_and_copy"] is None,
              "figures that are precopy's")
        stream = lab.path("stream.bin")
        with open(stream, "wb") as file:
            file.write(migtest.raw_stream(session))
        alone = migscope.analyze(stream)
        check(alone["outcome"]["mode"] == "postcopy", alone["outcome"])


def an_earlier_migration():
    """What it left in the monitor is not told as this recording's."""
    with Lab(ELF) as lab:
        source = lab.start("source", GUEST)
        source.wait_ready()
        source.qmp.execute("migrate", uri="exec:cat > /dev/null")
        source.wait(lambda: source.qmp.execute("query-migrate")["status"]
                    == "completed", "completed")
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ends=["source"])
        migtest.wait_for_recorder(session)
        process.send_signal(signal.SIGINT)
        migscope.finish(process, 130)
        analysis = migscope.analyze(session)
        check(analysis["outcome"]["total_ms"] is None, analysis["outcome"])
        check(analysis["downtime"]["qemu_ms"] is None, analysis["downtime"])
        check(not analysis["rounds"], analysis["rounds"])
        check(not analysis["vm"]["machine"].endswith("-machine"),
              analysis["vm"])


def source_only():
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ends=["source"])
        migtest.wait_for_recorder(session)
        migrate(lab, source, destination)
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check(analysis["downtime"]["total_ms"] is None,
              "a downtime without the destination's RESUME")
        check(analysis["downtime"]["qemu_ms"] is not None, "QEMU's downtime")


def interrupted():
    with Lab(ELF) as lab:
        source, destination = pair(lab, SLOW)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope)
        migtest.wait_for_recorder(session)
        migrate(lab, source, destination)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        migscope.finish(process, 130)
        status = source.qmp.execute("query-migrate")["status"]
        check(status == "active", f"the migration is {status}")
        analysis = migscope.analyze(session)
        check(analysis["outcome"]["status"] == "interrupted", analysis)
        check(analysis["input"]["complete"], analysis["input"])


def loses_the_source():
    with Lab(ELF) as lab:
        source, destination = pair(lab, SLOW)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope)
        migtest.wait_for_recorder(session)
        migrate(lab, source, destination)
        time.sleep(0.5)
        source.kill()
        migscope.finish(process, 3)
        analysis = migscope.analyze(session, status=3)
        check(analysis["outcome"]["status"] == "disconnected", analysis)
        check(not analysis["input"]["complete"], analysis["input"])


def second_client():
    """QEMU's monitor serves one client; a second one hears nothing."""
    with Lab(ELF) as lab:
        lab.start("source", GUEST)
        migscope = Migscope(MIGSCOPE, lab)
        holder = migtest.Qmp(lab.path("source.record.qmp"))
        began = time.monotonic()
        _, process = record(lab, migscope, ends=["source"])
        _, err = migscope.finish(process, 1)
        took = time.monotonic() - began
        holder.close()
        check("one client" in err, f"no hint: {err}")
        return f"told after {took:.1f} s"


def nothing_there():
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("none.migscope")
        _, err = migscope.run("record", "--source", lab.path("no.sock"), "-o",
                              session, status=1)
        check(lab.path("no.sock") in err, err)
        _, err = migscope.run("record", "--source", "tcp:nowhere", "-o",
                              lab.path("x.migscope"), status=2)
        check("expected unix:PATH" in err, err)
        check(not os.path.exists(session), "its name is used up")
        os.mkdir(session)
        _, err = migscope.run("record", "--source", lab.path("no.sock"), "-o",
                              session, status=1)
        check("exists" in err and os.path.exists(session),
              "an existing session is written over")
        _, err = migscope.run("recrod", status=2)
        check("no verb \"recrod\"" in err, err)


migtest.run([changes_nothing, enables_events, joins_a_running_migration,
             paused_guest, stopped_by_the_user, postcopy,
             an_earlier_migration, source_only, interrupted,
             loses_the_source, second_client, nothing_there])
