#!/usr/bin/env python3
"""The Linux guest of the lab, and what a probe sees of its migrations.

    linux_lab_test.py MIGSCOPE [TEST...]
"""

import os
import subprocess
import sys

import migtest
from migtest import check

WORKLOAD = "cold=16M hot=8M rate=2000 content=random"
COMMON = ("--guest", "linux", "--memory", "192M", "--workload", WORKLOAD,
          "--parameter", "max-bandwidth=50000000")
PATIENCE = 300


def run_lab(migscope, session, *options):
    program, *arguments = migtest.qemu_command()
    words = ["lab", "-o", session, "--qemu", program, *COMMON, *options]
    for argument in arguments:
        words += ["--qemu-arg", argument]
    process = migscope.start(*words)
    migscope.finish(process, 0, timeout=PATIENCE)
    return migscope.analyze(session)


def instants(session):
    """STOP and RESUME on the recorder's clock, by the events' own stamps."""
    out = []
    for end, name in (("source", "STOP"), ("destination", "RESUME")):
        line = [line for line in migtest.monitor_lines(session)
                if line["end"] == end and line["dir"] == "received"
                and line.get("message", {}).get("event") == name][-1]
        wall = migtest.microseconds(line["message"]) * 1000
        out.append(line["ns"] - (line["wall_ns"] - wall))
    return out


def probes(session):
    """{sequence: (sent, answered or None)}, read by ourselves."""
    sent, answered = {}, {}
    for line in migtest.stored_lines(session, "probes")[1:]:
        if "sent" in line:
            sent[line["sent"]] = line["ns"]
        elif "answered" in line:
            answered.setdefault(line["answered"], line["ns"])
    return {number: (ns, answered.get(number)) for number, ns in sent.items()}


def check_pause(session, analysis):
    """The silence holds the pause, and its pieces add up."""
    stop, resume = instants(session)
    found = analysis["service"]["pause"]
    check(found is not None and found["total_ms"] is not None, found)
    seen = probes(session)
    # Nobody answers who does not run. (1 us: the events' resolution.)
    within = [(sent - stop, answered - resume)
              for sent, answered in seen.values() if answered is not None
              and sent > stop + 1000 and answered < resume - 1000]
    check(not within, f"answered within the pause: {within}")
    last = max(sent for sent, answered in seen.values()
               if answered is not None and answered < resume)
    first = min(answered for _, answered in seen.values()
                if answered is not None and answered >= resume)
    check(last <= stop and first >= resume, (stop - last, first - resume))

    def close(name, ns):
        check(abs(found[name] - ns / 1e6) < 0.01, f"{name}: {found}, {ns}")
    close("before_ms", stop - last)
    close("pause_ms", resume - stop)
    close("recovery_ms", first - resume)
    close("total_ms", first - last)
    check(abs(found["before_ms"] + found["pause_ms"] + found["recovery_ms"]
              - found["total_ms"]) < 1e-6, found)
    check(abs(found["pause_ms"] - analysis["downtime"]["total_ms"]) < 0.01,
          (found, analysis["downtime"]["total_ms"]))
    return {name: round(found[name], 1) for name in (
        "before_ms", "pause_ms", "recovery_ms")}


def probed(migscope, lab):
    told = {}
    for name, options in (("precopy", ("--probe", "udp")),
                          ("icmp", ("--probe", "icmp")),
                          ("postcopy", ("--probe", "udp",
                                        "--postcopy-after", "0")),
                          ("hybrid", ("--probe", "udp",
                                      "--postcopy-after", "1"))):
        session = lab.path(f"{name}.migscope")
        analysis = run_lab(migscope, session, "--no-capture", *options)
        service = analysis["service"]
        # Postcopy on a busy machine makes it wait for seconds.
        check(service["answered"] > 0.1 * service["sent"], service)
        check(service["start_ms"] < -900, "no baseline before it")
        told[name] = check_pause(session, analysis)
    return told


def workload(migscope, lab):
    """It is the lab's: its lines, its rate, and its pages."""
    session = lab.path("workload.migscope")
    analysis = run_lab(migscope, session)
    check(analysis["downtime"]["guest_ms"] is not None, analysis["downtime"])
    lines = migtest.unpacked(f"{session}/guest-source.log.zst").decode()
    ready = lines.splitlines()[0].split()
    check(ready[0] == "READY" and "addresses=virtual" in ready, ready)
    # Of the kernel's own pages some are written, too.
    check(analysis["ram"]["totals"]["resent_pages"] > 500, analysis["ram"])
    memory = lab.path("memory.raw")
    migscope.run("memory", session, "--format", "physical", "--output", memory,
                 status=0)
    return check_pages(memory)


def scramble(x):
    x = (x ^ x >> 16) * 0x7feb352d & 0xffffffff
    x = (x ^ x >> 15) * 0x846ca68b & 0xffffffff
    return x ^ x >> 16


def random_body(key):
    x, out = key | 1, []
    for _ in range(1020):
        x ^= x << 13 & 0xffffffff
        x ^= x >> 17
        x ^= x << 5 & 0xffffffff
        out.append(x)
    return out


def check_pages(path):
    """Pages of random content, wherever Linux has put them: each is whole."""
    whole = broken = 0
    with open(path, "rb") as file:
        while page := file.read(4096):
            if page[:4] != b"LABr":
                continue
            words = [int.from_bytes(page[i:i + 4], "little")
                     for i in range(0, 4096, 4)]
            _, frame, writes, seed = words[:4]
            key = scramble((scramble(seed ^ scramble(frame)) + writes)
                           & 0xffffffff)
            if whole + broken < 200:  # each takes a moment
                good = words[4:] == random_body(key)
                whole, broken = whole + good, broken + (not good)
    # One may be in the middle of a write.
    check(whole > 150 and broken <= 1, f"{whole} whole, {broken} broken")
    return f"{whole} pages looked at"


def nothing_is_left(migscope, lab):
    """After a kill: the network goes with its processes."""
    def namespaces():
        out = subprocess.run(["lsns", "-t", "net", "-n", "-o", "NS"],
                             capture_output=True, text=True, check=True).stdout
        return set(out.split())
    before = namespaces()
    program, *arguments = migtest.qemu_command()
    words = ["lab", "-o", lab.path("killed.migscope"), "--qemu", program,
             *COMMON, "--probe", "udp", "--no-capture"]
    for argument in arguments:
        words += ["--qemu-arg", argument]
    process = migscope.start(*words)
    migtest.wait_until(lambda: namespaces() - before, "a namespace")
    migtest.wait_for_recorder(lab.path("killed.migscope"))
    migscope.kill(process)
    migtest.wait_until(lambda: not namespaces() - before, "it is gone")


def usage(migscope, lab):
    _, err = migscope.run("lab", "-o", lab.path("x"), "--probe", "udp",
                          status=2)
    check("--guest linux" in err, err)
    environment = dict(os.environ, XDG_CACHE_HOME=lab.path("empty"))
    done = subprocess.run([migscope.program, "lab", "--guest", "linux", "-o",
                           lab.path("x")], env=environment, text=True,
                          capture_output=True, check=False)
    check(done.returncode == 1 and "tools/get-linux" in done.stderr, done)
    check(not os.path.exists(lab.path("x")), "a recording is left")


def main():
    if not os.path.exists(migtest.fetched("linux", "lab-initrd")):
        migtest.skip("the Linux guest is not here; tools/get-linux gets it")
    if reason := migtest.no_network():
        migtest.skip(reason)
    tests = [probed, workload, nothing_is_left, usage]
    migtest.run(migtest.in_labs(tests, sys.argv[2:]))


if __name__ == "__main__":
    main()
