#!/usr/bin/env python3
"""Records real QMP dialogues of migrations, for the tests to read.

    regen.py LABEL QEMU [ARG...]

    regen.py 7.2 qemu-system-x86_64

QEMU and its ARGs are run twice, as source and destination, with a PC of 64 MiB
that boots nothing, under TCG. For each case LABEL-CASE.jsonl is written beside
this script: every line of both monitors, one JSON object each, in the form of a
recording's monitor.jsonl (captures/session/monitor_log.h).
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30  # seconds, for anything that is waited for
SAMPLE = 0.15  # seconds between two query-migrate


class Monitor:
    """One end's QMP; every line goes to the log, verbatim."""

    def __init__(self, end, path, log):
        self.end, self.log = end, log
        self.changed = threading.Condition()
        self.messages, self.ids, self.closed = [], 0, False
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda m: "QMP" in m)

    def note(self, direction, line):
        self.log.append(
            '{"ns":%d,"wall_ns":%d,"end":"%s","dir":"%s","message":%s}\n'
            % (time.monotonic_ns(), time.time_ns(), self.end, direction, line)
        )

    def read(self):
        try:
            for line in self.socket.makefile("r", newline="\n"):
                self.note("received", line.rstrip("\r\n"))
                with self.changed:
                    self.messages.append(json.loads(line))
                    self.changed.notify_all()
        except ConnectionResetError:
            pass
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def wait(self, wanted):
        def found():
            return next((m for m in self.messages if wanted(m)), None)

        with self.changed:
            if not self.changed.wait_for(found, PATIENCE):
                raise TimeoutError(f"{self.end}: {self.messages[-3:]}")
            return found()

    def wait_status(self, *words):
        return self.wait(
            lambda m: m.get("event") == "MIGRATION"
            and m["data"]["status"] in words
        )

    def wait_closed(self):
        with self.changed:
            self.changed.wait_for(lambda: self.closed, PATIENCE)

    def execute(self, command, **arguments):
        self.ids += 1
        request = {"execute": command, "id": self.ids}
        if arguments:
            request["arguments"] = {
                key.replace("_", "-"): value for key, value in arguments.items()
            }
        line = json.dumps(request)
        self.note("sent", line)
        self.socket.sendall(line.encode() + b"\n")
        return self.wait(lambda m: m.get("id") == request["id"])

    def enable(self, *capabilities):
        self.execute(
            "migrate-set-capabilities",
            capabilities=[{"capability": c, "state": True} for c in capabilities],
        )


def launch(qemu, directory, name, *more):
    process = subprocess.Popen(
        [*qemu, "-machine", "pc", "-m", "64", "-accel", "tcg", "-display", "none"]
        + ["-nodefaults", "-vga", "std", "-no-user-config", *more]
        + ["-qmp", f"unix:{name}.qmp,server=on,wait=off"],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    path = pathlib.Path(directory, f"{name}.qmp")
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name}: QEMU did not start")
        time.sleep(0.05)
    return process, str(path)


def sample_until(monitor, *words):
    while not any(
        m.get("event") == "MIGRATION" and m["data"]["status"] in words
        for m in monitor.messages
    ):
        monitor.execute("query-migrate")
        time.sleep(SAMPLE)


def precopy(source, destination, target):
    source.execute("no-such-command")
    source.execute("query-migrate")
    source.execute("migrate", uri="unix:stream.sock")
    sample_until(source, "completed", "failed")


def pause(source, destination, target):
    source.enable("pause-before-switchover")
    source.execute("migrate", uri="unix:stream.sock")
    source.wait_status("pre-switchover")
    source.execute("query-migrate")
    source.execute("migrate-continue", state="pre-switchover")
    source.wait_status("completed")


def postcopy(source, destination, target):
    source.enable("postcopy-ram")
    destination.enable("postcopy-ram")
    source.execute("migrate", uri="unix:stream.sock")
    source.wait_status("active")
    time.sleep(SAMPLE)
    source.execute("query-migrate")
    source.execute("migrate-start-postcopy")
    sample_until(source, "completed", "failed")


def cancel(source, destination, target):
    source.execute("migrate", uri="unix:stream.sock")
    source.wait_status("active")
    source.execute("query-migrate")
    source.execute("migrate_cancel")
    source.wait_status("cancelled")


def error(source, destination, target):
    source.execute("migrate", uri="unix:stream.sock")
    source.wait_status("active")
    source.execute("query-migrate")
    target.kill()
    source.wait_status("failed")


CASES = {f.__name__: f for f in (precopy, pause, postcopy, cancel, error)}


def prepare(monitor):
    monitor.execute("qmp_capabilities")
    monitor.execute("query-version")
    monitor.enable("events")


def finish(monitor):
    if not monitor.closed:
        monitor.execute("query-migrate")
        try:
            monitor.execute("quit")
        except (TimeoutError, BrokenPipeError):
            pass
        monitor.wait_closed()


def record(qemu, case):
    log, processes = [], []
    with tempfile.TemporaryDirectory() as directory:
        try:
            origin, path = launch(qemu, directory, "source")
            processes.append(origin)
            source = Monitor("source", path, log)
            target, path = launch(
                qemu, directory, "destination", "-incoming", "defer"
            )
            processes.append(target)
            destination = Monitor("destination", path, log)
            prepare(source)
            prepare(destination)
            # A few seconds for what a PC without a guest has in its RAM.
            source.execute("migrate-set-parameters", max_bandwidth=250_000)
            destination.execute("migrate-incoming", uri="unix:stream.sock")
            time.sleep(0.5)  # let the firmware come to rest
            case(source, destination, target)
            finish(source)
            finish(destination)
        finally:
            for process in processes:
                process.kill()
                process.wait()
    return log


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    label, qemu = sys.argv[1], sys.argv[2:]
    here = pathlib.Path(__file__).parent
    for name, case in CASES.items():
        log = record(qemu, case)
        out = here / f"{label}-{name}.jsonl"
        out.write_text("".join(log))
        print(f"{out.name}: {len(log)} lines, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
