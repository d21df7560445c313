"""QEMU's own trace is turned on, recorded, and left as it was found.

usage: trace_test.py migscope lab_guest.elf
"""

import os
import signal
import sys

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
GUEST = "cold=16M hot=4M rate=2000 content=random"
SLOW = 16 * MIB  # bytes/s: the migration takes seconds
ENDS = ("source", "destination")
TIMES = ["-msg", "timestamp=on"]


def trace_states(qemu):
    return {event["name"]: event["state"] for event
            in qemu.qmp.execute("trace-event-get-state", name="*")}


def set_event(qemu, name, on):
    qemu.qmp.execute("trace-event-set-state", name=name, enable=on)


def pair(lab, *arguments):
    """Source and destination, ready, the migration as slow as it can be."""
    source = lab.start("source", GUEST, *arguments)
    destination = lab.start("destination", GUEST, "-incoming", "defer",
                            *arguments)
    source.wait_ready()
    source.qmp.execute("migrate-set-parameters", max_bandwidth=SLOW)
    return source, destination


def migrate(lab):
    source, destination = lab.qemus
    uri = f"unix:{lab.path('migration.sock')}"
    destination.qmp.execute("migrate-incoming", uri=uri)
    source.qmp.execute("migrate", uri=uri)


def keep_from_converging(source):
    source.qmp.execute("migrate-set-parameters", downtime_limit=1)


def let_converge(source):
    source.qmp.execute("migrate-set-parameters", max_bandwidth=1 << 30)


def record(lab, migscope, logs=None, suffix="log"):
    """`migscope record --trace`, which has turned the events on."""
    session = lab.path("run.migscope")
    words = [word for end in ENDS
             for word in (f"--{end}", lab.path(f"{end}.record.qmp"))]
    words += [word for end in logs or []
              for word in (f"--{end}-log", lab.path(f"{end}.{suffix}"))]
    process = migscope.start("record", "--trace", *words, "-o", session)
    for qemu in lab.qemus:
        qemu.wait(lambda q=qemu: trace_states(q)[
            "qemu_loadvm_state_post_main"] == "enabled", "trace")
    return session, process


def check_source(log, version):
    expected = ["migration_bitmap_sync_start", "migration_bitmap_sync_end",
                "migrate_transferred", "vm_stop_flush_all",
                "savevm_section_start", "runstate_set"]
    if version < (8, 0):
        expected += ["migrate_pending"]
    else:
        expected += ["src-downtime-start", "src-vm-stopped",
                     "src-iterable-saved", "src-downtime-end",
                     "vmstate_downtime_save"]
        expected += (["qemu_savevm_query_pending"] if version >= (11, 0)
                     else ["migrate_pending_exact"])
    for word in expected:
        check(word in log, f"no {word} in the source's log:\n{log[-3000:]}")


def check_destination(log, version):
    expected = ["qemu_loadvm_state_section_startfull",
                "qemu_loadvm_state_post_main", "(running)"]
    if version >= (8, 2):
        expected += ["dst-precopy-loadvm-completed", "vmstate_downtime_load",
                     "dst-precopy-bh-vm-started"]
    for word in expected:
        check(word in log, f"no {word} in the destination's:\n{log[-3000:]}")


def check_logs(session):
    version = migtest.qemu_version()
    check_source(migtest.stored_log(session, "source"), version)
    check_destination(migtest.stored_log(session, "destination"), version)


def problems(analysis, channel):
    return [p["message"] for p in analysis["input"]["problems"]
            if p["channel"] == channel]


def the_lab():
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        qemu, *arguments = migtest.qemu_command()
        session = lab.path("lab.migscope")
        _, err = migscope.run(
            "lab", "--trace", "--qemu", qemu,
            *[f"--qemu-arg={word}" for word in arguments], "--workload", GUEST,
            "-o", session)
        for end in ENDS:
            check(f"trace events of the {end}" in err, err)
        check("stay turned on" not in err, err)
        check_logs(session)
        analysis = migscope.analyze(session)
        check(analysis["input"]["complete"], analysis["input"])
        check(not any(problems(analysis, f"qemu-{end}.log.zst")
                      for end in ENDS), analysis["input"])
        return f"{len(migtest.stored_log(session, 'source'))} bytes of the source's"


def files_and_states():
    """Standard error in files; one event was on already, and stays on."""
    with Lab(ELF) as lab:
        source, destination = pair(lab, *TIMES)
        set_event(source, "runstate_set", True)
        set_event(source, "ram_load_complete", True)
        before = [trace_states(q) for q in lab.qemus]
        began = {q.name: len(q.log()) for q in lab.qemus}
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ENDS)
        migrate(lab)
        source.wait_pass(2)
        let_converge(source)
        migscope.finish(process, 0)
        check([trace_states(q) for q in lab.qemus] == before,
              "trace events are not as they were")
        check_logs(session)
        for qemu in lab.qemus:
            check(migtest.stored_log(session, qemu.name) == qemu.log()[
                began[qemu.name]:], f"{qemu.name}: not the log's bytes")
        migscope.analyze(session)


def fifos():
    """The QEMUs' -D are FIFOs, which the test holds open meanwhile."""
    with Lab(ELF) as lab:
        held = []
        for end in ENDS:
            os.mkfifo(lab.path(f"{end}.fifo"))
            held.append(os.open(lab.path(f"{end}.fifo"), os.O_RDWR))
        source = lab.start("source", GUEST, *TIMES, "-D",
                           lab.path("source.fifo"))
        lab.start("destination", GUEST, "-incoming", "defer", *TIMES, "-D",
                  lab.path("destination.fifo"))
        source.wait_ready()
        before = [trace_states(q) for q in lab.qemus]
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ENDS, "fifo")
        migrate(lab)
        migscope.finish(process, 0)
        check([trace_states(q) for q in lab.qemus] == before,
              "trace events are not as they were")
        check_logs(session)
        for fd in held:
            os.close(fd)


def no_times():
    with Lab(ELF) as lab:
        pair(lab)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ENDS)
        migrate(lab)
        migscope.finish(process, 0)
        check_logs(session)
        analysis = migscope.analyze(session)
        for end in ENDS:
            told = problems(analysis, f"qemu-{end}.log.zst")
            check(any("have no time" in text for text in told), told)


def no_logs():
    with Lab(ELF) as lab:
        source, _ = pair(lab, *TIMES)
        before = [trace_states(q) for q in lab.qemus]
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope)
        migrate(lab)
        _, err = migscope.finish(process, 0)
        for end in ENDS:
            check(f"no log of the {end} is recorded" in err, err)
        check(not [f for f in os.listdir(session) if "log" in f
                   and f != "monitor.jsonl.zst"], os.listdir(session))
        check_source(source.log(), migtest.qemu_version())
        check([trace_states(q) for q in lab.qemus] == before,
              "trace events are not as they were")


def interrupted():
    with Lab(ELF) as lab:
        source, _ = pair(lab, *TIMES)
        keep_from_converging(source)
        before = [trace_states(q) for q in lab.qemus]
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ENDS)
        migrate(lab)
        source.wait_pass(2)
        process.send_signal(signal.SIGINT)
        migscope.finish(process, 130)
        check([trace_states(q) for q in lab.qemus] == before,
              "trace events are not as they were")
        check("migration_bitmap_sync_end" in migtest.stored_log(session, "source"),
              "no sync in the log")
        analysis = migscope.analyze(session)
        check(analysis["input"]["complete"], analysis["input"])


def killed():
    """What was stored until then can be read; the events stay on."""
    with Lab(ELF) as lab:
        source, _ = pair(lab, *TIMES)
        keep_from_converging(source)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ENDS)
        migrate(lab)
        source.wait_pass(2)
        migtest.wait_until(lambda: "migration_bitmap_sync_end" in migtest.stored_log(
            session, "source", torn=True), "a sync is in the file")
        migscope.kill(process)
        log = migtest.stored_log(session, "source", torn=True)
        check("migration_bitmap_sync_end" in log, f"the log holds: {log}")
        analysis = migscope.analyze(session, status=3)
        check(not analysis["input"]["complete"], analysis["input"])
        check(trace_states(source)["runstate_set"] == "enabled", "who did it?")
        source.qmp.execute("trace-event-set-state", name="*", enable=False,
                           ignore_unavailable=True)
        check("enabled" not in trace_states(source).values(),
              "the documented command leaves events on")


def cannot_start():
    """The recording is given up; the events are turned off all the same."""
    with Lab(ELF) as lab:
        pair(lab, *TIMES)
        before = [trace_states(q) for q in lab.qemus]
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        _, err = migscope.run(
            "migrate", "--trace", "--source", lab.path("source.record.qmp"),
            "--destination", lab.path("destination.record.qmp"), "-o", session,
            "--parameter", "nonsense=1", status=1)
        check("trace events of the source" in err, err)
        check([trace_states(q) for q in lab.qemus] == before,
              "trace events are not as they were")
        check(not os.path.exists(session), "its name is used up")


def source_dies():
    with Lab(ELF) as lab:
        source, destination = pair(lab, *TIMES)
        before = trace_states(destination)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = record(lab, migscope, ENDS)
        source.kill()
        _, err = migscope.finish(process, 3)
        check("stay turned on at the source" in err, err)
        check(trace_states(destination) == before,
              "the destination's events are not as they were")


def wrong_log():
    with Lab(ELF) as lab:
        pair(lab)
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        for log, status, told in ((lab.path("none"), 1, "No such file"),
                                  ("/dev/null", 2, "expected a log")):
            _, err = migscope.run(
                "record", "--source", lab.path("source.record.qmp"), "--trace",
                "--source-log", log, "-o", session, status=status)
            check(told.lower() in err.lower() and log in err, err)
            check(not os.path.exists(session), "its name is used up")


migtest.run([the_lab, files_and_states, fifos, no_times, no_logs, interrupted,
             killed, cannot_start, source_dies, wrong_log])
