"""Migrations with a planted cause that makes them slow, and whether the
analysis finds it.

usage: flow_test.py migscope lab_guest.elf
       flow_test.py migscope lab_guest.elf network
"""

import os
import signal
import subprocess
import sys
import threading
import time

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
# Round 1 has 24 MiB to send, later ones next to nothing. The limits are such
# that a busy machine can do more.
GUEST = "cold=20M hot=4M rate=10 content=random"
LIMIT = 12 * MIB  # bytes/s
LINK = 8 * MIB
BIG_GUEST = "cold=384M hot=4M rate=10 content=random"
# More than the tee takes in while the destination stands still.
STOPPED_LIMIT = 32 * MIB


def pair(lab, guest=GUEST, memory="128M"):
    source = lab.start("source", guest, memory=memory)
    destination = lab.start("destination", guest, "-incoming", "defer",
                            memory=memory)
    source.wait_ready()
    return source, destination


def start(lab, migscope, *options, bandwidth=0):
    session = lab.path("run.migscope")
    words = [word for end in ("source", "destination")
             for word in (f"--{end}", "unix:" + lab.path(f"{end}.record.qmp"))]
    return session, migscope.start(
        "migrate", *words, "--capture", "-o", session,
        "--parameter", f"max-bandwidth={bandwidth}", *options)


def flows(session, name="flow"):
    return migtest.stored_lines(session, name)


def onward(session):
    return [line for line in flows(session) if line["dir"] == "onward"]


def check_sums(analysis):
    """The states exclude each other and fill each round."""
    check(not analysis["input"]["problems"], analysis["input"])
    for number, flow in [(r["number"], r["flow"]) for r in analysis["rounds"]]:
        if not flow or flow["blocked_ms"] is None:
            continue
        known = sum(flow[f"{state}_ms"] for state in
                    ("blocked", "stalled", "idle", "working"))
        # A round's end need not have been observed.
        check(known <= flow["duration_ms"] * 1.001 + 0.001,
              f"round {number}: {flow}")
    # The stream's end lies somewhere between two observations.
    flow, whole = analysis["flow"], analysis["input"]["bytes"]
    check(abs(flow["bytes"] - whole)
          <= 0.02 * whole + 0.1 * flow["bytes_per_second"], f"bytes: {flow}")


def told(round_):
    return {key: value for key, value in round_["flow"].items()
            if value is not None}


def bandwidth_limit():
    with Lab(ELF) as lab:
        pair(lab)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = start(lab, migscope, bandwidth=LIMIT)
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check_sums(analysis)
        first = analysis["rounds"][0]
        check(first["flow"]["limited_by"] == "max-bandwidth", told(first))
        check(first["flow"]["max_bandwidth"] == LIMIT, told(first))
        check(analysis["flow"]["limited_by"] == "max-bandwidth",
              analysis["flow"])
        check(any(f["id"] == "limited-by" and "max-bandwidth" in f["text"]
                  for f in analysis["findings"]), analysis["findings"])
        return told(first)


def arrived(session, begin, end):
    """Whether and when the first bytes came between, by the observations."""
    lines = onward(session)
    for before, line in zip(lines, lines[1:]):
        if begin < line["ns"] <= end and line["bytes"] > before["bytes"]:
            return max(begin, before["ns"])
    return begin


def destination_stopped():
    """The destination reads nothing for 400 ms in the first round."""
    with Lab(ELF) as lab:
        source, destination = pair(lab)
        migscope = Migscope(MIGSCOPE, lab)
        session, process = start(lab, migscope, bandwidth=STOPPED_LIMIT)
        source.wait_pass(1)
        # Well behind QEMU's write of the second tenth of a second, whose last
        # bytes must not pass for the first that the stop held up.
        time.sleep(0.17)
        destination_pid = destination.pid
        begin = time.monotonic_ns()
        os.kill(destination_pid, signal.SIGSTOP)
        try:
            time.sleep(0.4)
        finally:
            os.kill(destination_pid, signal.SIGCONT)
        end = time.monotonic_ns()
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check_sums(analysis)
        first = analysis["rounds"][0]
        check(first["flow"]["limited_by"] == "destination", told(first))
        lines = onward(session)
        before = [line for line in lines if line["ns"] <= begin][-1]
        after = [line for line in lines if line["ns"] >= end][0]
        # QEMU writes a tenth of a second's bytes at a time: until the first
        # that come nothing waits. Around it the destination blocks now and
        # then, too.
        truth = (end - arrived(session, begin, end)) / 1e6
        blocked = (after["blocked_ns"] - before["blocked_ns"]) / 1e6
        around = (lines[-1]["blocked_ns"] - after["blocked_ns"]
                  + before["blocked_ns"]) / 1e6
        grain = (begin - before["ns"] + after["ns"] - end) / 1e6
        check(0.9 * truth <= blocked <= 1.1 * truth + grain,
              f"{blocked} ms blocked, {truth} planted, seen to {grain}")
        found = first["flow"]["blocked_ms"]
        check(0.9 * truth <= found <= 1.1 * truth + grain + around,
              f"round 1: {found} ms blocked, {truth} planted")
        return f"{truth:.0f} ms planted, {blocked:.0f} seen, {told(first)}"


class Threads:
    """CPU times of a process's threads, looked at all the time."""

    def __init__(self, pid):
        self.pid, self.samples, self._end = pid, [], threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _run(self):
        while not self._end.wait(0.01):
            now, times = time.monotonic_ns(), {}
            for tid in os.listdir(f"/proc/{self.pid}/task"):
                try:
                    with open(f"/proc/{self.pid}/task/{tid}/schedstat") as file:
                        cpu, queued, _ = map(int, file.read().split())
                except (FileNotFoundError, ProcessLookupError):
                    continue
                times[int(tid)] = cpu + queued
            self.samples.append((now, times))

    def most(self, without):
        """Seconds that the busiest one had or wanted a CPU. One that ended
        keeps its last figure."""
        old, new = self.samples[0][1], {}
        for _, times in self.samples:
            new.update(times)
        return max(new[tid] - old.get(tid, 0)
                   for tid in new if tid not in without) / 1e9


def unlimited():
    """Whatever limits it, the CPU times are those that /proc shows."""
    with Lab(ELF) as lab:
        source, _ = pair(lab, BIG_GUEST, "512M")
        vcpus = {cpu["thread-id"]
                 for cpu in source.qmp.execute("query-cpus-fast")}
        migscope = Migscope(MIGSCOPE, lab)
        with Threads(source.pid) as threads:
            session, process = start(lab, migscope)
            migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check_sums(analysis)
        seen = flows(session, "threads")
        check({line["pid"] for line in seen if line["end"] == "source"}
              == {source.pid}, "pid of the source")
        flow = analysis["flow"]
        check(flow["limited_by"] != "max-bandwidth", flow)
        truth = threads.most(vcpus | {source.pid})
        share = flow["source_cpu"] + flow["source_cpu_queued"]
        found = share * flow["duration_ms"] / 1e3
        # What it did after the last sample, 50 ms apart, is not known.
        check(0.85 * truth - 0.1 <= found <= 1.05 * truth + 0.02,
              f"{found} s found, {truth} s in /proc: {flow}")
        return f"{flow['limited_by']}, {found:.2f} s, {truth:.2f} in /proc"


class Link:
    """Two network namespaces with a slow link between them."""

    def __init__(self):
        self.near, self.far = (f"migscope-{os.getpid()}-{end}"
                               for end in ("near", "far"))

    def __enter__(self):
        try:
            for name in (self.near, self.far):
                self._run("ip", "netns", "add", name)
            self._run("ip", "-n", self.near, "link", "add", "slow", "type",
                      "veth", "peer", "name", "slow", "netns", self.far)
            for name, address in ((self.near, "10.77.0.1/24"),
                                  (self.far, "10.77.0.2/24")):
                self._run("ip", "-n", name, "addr", "add", address, "dev",
                          "slow")
                self._run("ip", "-n", name, "link", "set", "slow", "up")
            self._run("tc", "-n", self.near, "qdisc", "add", "dev", "slow",
                      "root", "tbf", "rate", f"{LINK * 8}bit", "burst", "64kb",
                      "latency", "50ms")
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            migtest.skip(f"no slow link can be made here: {error}")
        return self

    def __exit__(self, *_):
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", name], check=False,
                           stderr=subprocess.DEVNULL)

    @staticmethod
    def _run(*command):
        subprocess.run(command, check=True, capture_output=True)


def network():
    with Link() as link, Lab(ELF) as lab:
        source = lab.start("source", GUEST)
        plain = migtest.qemu_command()
        migtest.qemu_command = lambda: ["ip", "netns", "exec", link.far, *plain]
        destination = lab.start("destination", GUEST, "-incoming", "defer")
        migtest.qemu_command = lambda: plain
        source.wait_ready()
        migscope = Migscope("ip", lab)
        session = lab.path("run.migscope")
        migscope.run(
            "netns", "exec", link.near, MIGSCOPE, "migrate", "--capture",
            "--source", "unix:" + lab.path("source.record.qmp"),
            "--destination", "unix:" + lab.path("destination.record.qmp"),
            "--uri", "tcp:10.77.0.2:4444", "--parameter", "max-bandwidth=0",
            "-o", session)
        migscope.program = MIGSCOPE
        analysis = migscope.analyze(session)
        check_sums(analysis)
        first = analysis["rounds"][0]
        check(first["flow"]["limited_by"] == "network", told(first))
        rate = first["flow"]["bytes_per_second"]
        check(0.5 * LINK < rate < 1.3 * LINK, told(first))
        check(first["flow"]["rtt_ms"] > 0, told(first))
        check({line["pid"] for line in flows(session, "threads")}
              == {source.pid, destination.pid}, "pids")
        return told(first)


migtest.run([network] if "network" in sys.argv[3:]
            else [bandwidth_limit, destination_stopped, unlimited])
