#!/usr/bin/env python3
"""The probe, against an echo service with planted faults and against the
kernel's own ping.

    probe_test.py MIGSCOPE [TEST...]
"""

import json
import os
import signal
import statistics
import sys
import time

import migtest
from echo_relay import Echo
from migtest import check

INTERVAL = 2  # ms


def probe(migscope, *arguments):
    out, _ = migscope.run("probe", "--json", *arguments)
    return json.loads(out)["service"]


def started(migscope, session, target):
    """A probe that writes `session`, once it has been running for a while."""
    process = migscope.start("probe", target, "-o", session)
    path = f"{session}/probes.jsonl.zst"
    migtest.wait_until(lambda: os.path.exists(path), path)
    time.sleep(1)
    return process


def ended(migscope, process, session):
    process.send_signal(signal.SIGINT)
    migscope.finish(process, 0)
    return migscope.analyze(session)["service"]


def close(got, expected, within, what):
    check(abs(got - expected) <= within,
          f"{what}: {got}, expected {expected} +- {within}")


def loss(migscope, _):
    with Echo(drop_every=50) as echo:
        service = probe(migscope, f"127.0.0.1:{echo.port}", "--seconds", "4")
    check(service["sent"] == echo.seen, f"{service['sent']} sent, {echo.seen} "
          "came")
    check(service["lost"] == echo.dropped, f"{service['lost']} lost, "
          f"{echo.dropped} dropped")
    check(service["sent"] > 500, service["sent"])
    # Every 50th: one less where the last fifty are not whole.
    close(service["loss_percent"], 2, 0.02 + 100 / service["sent"], "loss")
    check(service["duplicates"] == service["reordered"] == 0, service)
    return {"sent": service["sent"], "loss": service["loss_percent"]}


def delay(migscope, _):
    with Echo(delay=0.020) as echo:
        service = probe(migscope, f"udp:127.0.0.1:{echo.port}", "--seconds",
                        "3")
    check(service["lost"] == 0, f"{service['lost']} lost")
    close(service["delay"]["median_ms"], 20, 1, "delay")
    check(service["delay"]["min_ms"] >= 20, service["delay"])
    return service["delay"]


def overtaken(migscope, _):
    """Answers that are on their way when the last probe is answered already
    still come."""
    told = []
    for _ in range(4):
        with Echo(delay=0.2, hurry_every=2) as echo:
            service = probe(migscope, f"127.0.0.1:{echo.port}", "--seconds",
                            "0.5")
        check(service["lost"] == 0, f"{service['lost']} lost")
        check(service["reordered"] > 0, service)
        told.append(service["reordered"])
    return {"reordered": told}


def full_disk(migscope, lab):
    """What was stored stays, and is told."""
    session = lab.path("disk/run.migscope")
    with migtest.small_disk(lab.path("disk"), "256k") as made, Echo() as echo:
        if not made:
            return "NOT RUN: a full disk needs the right to mount a tmpfs"
        process = migscope.start("probe", f"127.0.0.1:{echo.port}", "-o",
                                 session, "--interval", "0.1", "--json")
        said = []
        for line in process.stderr:
            said.append(line)
            if "not stored any more" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = migscope.finish(process, 3)
        service = json.loads(out)["service"]
        check(service["sent"] > 1000, service)
        return {"stored": service["sent"], "said": said[-1].strip()}


def outage(migscope, lab):
    """Three of 300 ms; a busy machine adds to one, not to most."""
    session = lab.path("outage.migscope")
    with Echo() as echo:
        process = started(migscope, session, f"127.0.0.1:{echo.port}")
        for _ in range(3):
            echo.silence(0.3)
            time.sleep(1)
        service = ended(migscope, process, session)
    check(len(echo.silences) == 3, echo.silences)
    found = []
    for silent in echo.silences:
        nearest = min((outage["silent_ms"] for outage in service["outages"]),
                      key=lambda ms: abs(ms - 1000 * silent))
        found.append(nearest - 1000 * silent)
        check(silent >= 0.3, silent)
    close(statistics.median(found), 0, 2 * INTERVAL, "silence")
    planted = [outage for outage in service["outages"]
               if outage["silent_ms"] >= 300 - 2 * INTERVAL]
    check(len(planted) == 3, service["outages"])
    check(sum(outage["lost"] for outage in planted) <= echo.dropped
          == service["lost"], (planted, echo.dropped, service["lost"]))
    return {"off by ms": [round(ms, 2) for ms in found],
            "silent_ms": [outage["silent_ms"] for outage in planted]}


def icmp(migscope, _):
    for target in ("127.0.0.1", "icmp:[::1]"):
        service = probe(migscope, target, "--seconds", "1", "--interval", "5")
        check(service["lost"] == 0 and service["sent"] > 50, service)
        check(0 < service["delay"]["min_ms"] < 20, service["delay"])
        check(service["interval_ms"] == 5, service)
    return service["delay"]


def nobody(migscope, lab):
    """Nothing listens: told by the system, and all is lost."""
    session = lab.path("nobody.migscope")
    out, err = migscope.run("probe", "127.0.0.1:9", "--seconds", "1", "-o",
                            session)
    check("refused" in out and "refused" in err, out + err)
    service = migscope.analyze(session)["service"]
    check(service["answered"] == 0 and service["loss_percent"] == 100, service)
    check(service["delay"]["median_ms"] is None, service)
    check(service["failures"] > 0, service)


def killed(migscope, lab):
    """What was flushed can be read."""
    session = lab.path("killed.migscope")
    with Echo() as echo:
        process = started(migscope, session, f"127.0.0.1:{echo.port}")
        time.sleep(2)
        migscope.kill(process)
    result = migscope.analyze(session, status=3)
    check(result["service"]["answered"] > 100, result["service"])
    return result["service"]["answered"]


def beside(migscope, lab):
    """A recording and a probe of its own: one axis of time, in either order."""
    session, run = lab.path("beside.migscope"), lab.path("run.migscope")
    with Echo() as echo:
        process = started(migscope, session, f"127.0.0.1:{echo.port}")
        migscope.run("lab", "-o", run, "--no-capture", "--memory", "64M",
                     "--workload", "cold=16M hot=4M rate=1000")
        ended(migscope, process, session)
    first = migtest.stored_lines(session, "probes")[1]["ns"]
    events = [line for line in migtest.monitor_lines(run)
              if line.get("message", {}).get("event") == "STOP"]
    wall = migtest.microseconds(events[0]["message"]) * 1000
    stop = events[0]["ns"] - (events[0]["wall_ns"] - wall)
    for paths in ((run, session), (session, run)):
        result = migscope.analyze(*paths)
        check(result["outcome"]["status"] == "completed", result["outcome"])
        service, at = result["service"], result["time_series"]["stop_ms"]
        check(service["start_ms"] < 0 < at, (service["start_ms"], at))
        close(at - service["start_ms"], (stop - first) / 1e6, 0.01,
              "from the first probe to STOP")
    return service["start_ms"]


def usage(migscope, lab):
    for words in (["udp:127.0.0.1"], ["127.0.0.1", "--interval", "0"],
                  ["no.such.host.invalid"]):
        process = migscope.start("probe", "--seconds", "1", *words)
        _, err = process.communicate(timeout=migtest.TIMEOUT)
        check(process.returncode in (1, 2) and words[-2 if "0" in words else 0]
              in err, err)
    check(not os.listdir(migscope.temporary), "left behind")


def main():
    tests = [loss, delay, overtaken, full_disk, outage, icmp, nobody, killed, beside, usage]
    migtest.run(migtest.in_labs(tests, sys.argv[2:]))


if __name__ == "__main__":
    main()
