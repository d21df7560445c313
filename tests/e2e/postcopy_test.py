"""Postcopy migrations with real QEMUs: the memory rebuilt from all their
channels, and the page requests of the return path.

usage: postcopy_test.py migscope lab_guest.elf small|huge

The second makes guests of huge pages of 2 MiB, which it needs from the kernel
and, as root, gets for the while.
"""

import contextlib
import os
import random
import signal
import struct
import sys

import guest_memory
import migtest
from captured import Capture, channel_files, check_counts, check_whole
from migration_pair import (GUEST, MIB, Pair, set_capabilities, set_parameters,
                            wait_for_status)
from migtest import Lab, Migscope, check

MIGSCOPE, ELF, PAGES = sys.argv[1:4]
VERSION = migtest.qemu_version()
PAGE = guest_memory.PAGE
# Slow enough that the destination can ask for pages before they come.
TRICKLE = {"max-postcopy-bandwidth": MIB // 4}
HUGE_TRICKLE = {"max-postcopy-bandwidth": 4 * MIB}
HUGE_ARGUMENTS = ["-object", "memory-backend-memfd,id=ram0,size=48M,"
                  "hugetlb=on,hugetlbsize=2M",
                  "-machine", "memory-backend=ram0"]
AT_ONCE = {"max-postcopy-bandwidth": 0}


class Postcopy:
    """A pair that is in postcopy, its stream on its way through a tee."""

    def __init__(self, lab, *capabilities, huge=False, run=False):
        self.lab, self.migscope = lab, Migscope(MIGSCOPE, lab)
        arguments, machine = ([], {}) if not huge else (HUGE_ARGUMENTS, {
            "memory": "48M", "guest": GUEST + " hot=16M"})
        self.pair = Pair(lab, *arguments, run=run,
                         parameters=HUGE_TRICKLE if huge else TRICKLE,
                         capabilities=["postcopy-ram", *capabilities],
                         **machine)
        self.session = lab.path("run.migscope")
        self.tee = self.pair.migrate(self.migscope, self.session)
        cold, hot = self.pair.ready.cold[0][1], self.pair.ready.hot[0][1]
        # Some hot pages are sent again, and are to be discarded. A huge page
        # comes at once however slow it should: much has to be left.
        self.sent(4 * MIB if huge else cold + 1.2 * hot)
        self.pair.source.qmp.execute("migrate-start-postcopy")
        for qemu in (self.pair.source, self.pair.destination):
            wait_for_status(qemu, "postcopy-active")

    def sent(self, size):
        """Waits until that many bytes of pages are sent."""
        def there():
            ram = self.pair.source.qmp.execute("query-migrate").get("ram", {})
            return ram.get("normal-bytes", 0) >= size
        self.pair.source.wait(there, f"{size} bytes sent")

    def ask_for_pages(self, count):
        """Reads what was written lately, here and there, at the paused
        destination."""
        start, size = self.pair.ready.hot[0]
        for at in random.Random(7).sample(range(0, size, PAGE), count):
            guest_memory.monitor(self.pair.destination,
                                 f"xp /1xb {start + at}")

    def finish(self):
        set_parameters(self.pair.source, AT_ONCE)
        info = self.pair.wait_for_end()
        self.migscope.finish(self.tee, 0)
        return info

    def check(self, info, *paths, spared=()):
        capture = Capture(self.lab, self.migscope, *(paths or [self.session]))
        analysis = capture.analyze()
        check_whole(analysis, "postcopy")
        told = analysis["postcopy"] or {"requests": 0, "answered": 0}
        requests = info["ram"]["postcopy-requests"]
        check(told["requests"] == told["answered"] == requests,
              f"{told}, QEMU counts {requests}")
        size = guest_memory.compare(self.pair.destination, capture.block,
                                    spared=spared)
        return analysis, (f"{size // MIB} MiB are the same; "
                          f"{requests} requests")


def check_package(analysis, info, main):
    """From 8.2 on QEMU counts every byte of every channel, those of the
    package twice: when it is made and when it is sent."""
    if VERSION < (8, 2):
        return
    more = info["ram"]["transferred"] - analysis["input"]["bytes"]
    check(struct.pack(">BHHI", 8, 7, 4, more) in main,
          f"no package of {more} bytes, by which the counts differ")


def check_requests(told, host_pages, channel):
    """Each page is paired once, and every one that came is counted. What the
    main channel has begun it ends, also where there is a preempt channel."""
    if not told:
        return
    pairs = told["answered"] - told["repeated"]
    check(told["pages_asked"] == host_pages * pairs, told)
    waits = told["latencies"]
    check(waits["count"] + told["in_flight"] == pairs, told)
    check(sum(waits["buckets"]) == waits["count"], told)
    check({c["channel"] for c in told["by_channel"]} <= {"main", channel},
          told)
    check(sum(c["count"] for c in told["by_channel"]) == waits["count"], told)
    if waits["count"]:
        check(0 < waits["p50_ms"] <= waits["p90_ms"] <= waits["p99_ms"]
              <= waits["max_ms"] <= told["last_page_ms"], told)


def check_pages_after_switch(postcopy, analysis):
    """Against what the stream holds up to the package."""
    main = migtest.raw_stream(postcopy.session)
    before = postcopy.lab.path("before.bin")
    with open(before, "wb") as file:
        file.write(main[:main.rindex(struct.pack(">BHH", 8, 7, 4))])
    sent = [sum(totals[kind] for kind in ("zero", "normal")) for totals in (
        analysis["ram"]["totals"],
        postcopy.migscope.analyze(before, status=3)["ram"]["totals"])]
    told = analysis["postcopy"]
    if not told:
        return  # everything had come before it was asked for
    check(told["pages_asked"] + told["pages_unasked"] == sent[0] - sent[1],
          f"{told}: {sent[0]} pages, {sent[1]} before the switch")


def check_phases(downtime):
    names = [phase["name"] for phase in downtime["phases"]]
    check(names == ["source", "package", "destination"], names)
    total = sum(phase["duration_ms"] for phase in downtime["phases"])
    check(abs(total + downtime["unexplained_ms"] - downtime["total_ms"])
          < 1e-3, downtime)


def paused(kind, *capabilities, channels=1, huge=False):
    """The destination stays paused: all memory can be compared."""
    def test():
        with Lab(ELF) as lab:
            postcopy = Postcopy(lab, *capabilities, huge=huge)
            postcopy.ask_for_pages(5 if huge else 20)
            info = postcopy.finish()
            analysis, told = postcopy.check(info)
            check_counts(analysis, info)
            check_package(analysis, info, migtest.raw_stream(postcopy.session))
            check_requests(analysis["postcopy"], 512 if huge else 1, "preempt"
                           if "postcopy-preempt" in capabilities else "main")
            if "multifd" not in capabilities:
                check_pages_after_switch(postcopy, analysis)
            check(analysis["input"]["channels"] == channels, "channels")
            files = channel_files(postcopy.session)
            alone = Capture(lab, postcopy.migscope, *files[::-1]).analyze()
            for key in ("ram", "postcopy"):
                check(alone[key] == analysis[key],
                      f"{key} differs with the files in another order")
            return told
    test.__name__ = kind
    return test


def running():
    """The guest goes on at the destination and asks for pages itself."""
    with Lab(ELF) as lab:
        postcopy = Postcopy(lab, run=True)
        info = postcopy.finish()
        destination = postcopy.pair.destination
        destination.qmp.execute("stop")
        ready = postcopy.pair.ready
        analysis, told = postcopy.check(info, spared=[*ready.hot,
                                                      *ready.stack])
        check_counts(analysis, info)
        check_requests(analysis["postcopy"], 1, "main")
        return told


def by_the_monitors(*capabilities):
    """Recorded with both monitors: the pause, and QEMU's own blocktime."""
    def test():
        with Lab(ELF) as lab:
            source = lab.start("source", GUEST, memory="32M")
            destination = lab.start("destination", GUEST, "-incoming", "defer",
                                    memory="32M")
            source.wait_ready()
            migscope, session = Migscope(MIGSCOPE, lab), lab.path("run")
            options = [word for name in ("postcopy-ram", "postcopy-blocktime",
                                         *capabilities)
                       for word in ("--capability", f"{name}=on")]
            options += [word for setting in (
                f"max-bandwidth={16 * MIB}", "downtime-limit=1",
                f"max-postcopy-bandwidth={8 * MIB}")
                for word in ("--parameter", setting)]
            process = migscope.start(
                "migrate", "--source", lab.path("source.record.qmp"),
                "--destination", lab.path("destination.record.qmp"),
                "--capture", "-o", session, *options)
            source.wait_pass(2)
            source.qmp.execute("migrate-start-postcopy")
            migscope.finish(process, 0)
            analysis = migscope.analyze(session)
            check_phases(analysis["downtime"])
            requests = source.qmp.execute("query-migrate")["ram"][
                "postcopy-requests"]
            told = analysis["postcopy"] or {"requests": 0}
            check(told["requests"] == requests, (told, requests))
            check_requests(analysis["postcopy"], 1,
                           "preempt" if capabilities else "main")
            qemu = destination.qmp.execute("query-migrate")
            told = analysis["postcopy_blocktime"]
            check(told["all_ms"] == qemu["postcopy-blocktime"], told)
            check(told["vcpu_ms"] == qemu["postcopy-vcpu-blocktime"], told)
            check(told["latency_ns"] == qemu.get("postcopy-latency"), told)
            check(told["latency_buckets"]
                  == qemu.get("postcopy-latency-dist", []), told)
            waits = (analysis["postcopy"] or {}).get("latencies")
            return (f"{requests} requests, {waits}; "
                    f"{analysis['downtime']['total_ms']:.1f} ms of pause; "
                    f"QEMU's {told}")
    test.__name__ = " ".join(("by_the_monitors", *capabilities))
    return test


def recovered(kind, *capabilities):
    """The network is lost and found again; each time a tee stores it."""
    def test():
        with Lab(ELF) as lab:
            postcopy = Postcopy(lab, *capabilities)
            pair, migscope = postcopy.pair, postcopy.migscope
            postcopy.ask_for_pages(20)
            postcopy.tee.send_signal(signal.SIGINT)
            migscope.finish(postcopy.tee, 130)
            for qemu in (pair.source, pair.destination):
                wait_for_status(qemu, "postcopy-paused")
            pair.destination.qmp.execute("migrate-recover",
                                         uri=pair.uri("destination"))
            again = lab.path("again.migscope")
            postcopy.tee = pair.start_tee(migscope, again)
            pair.source.qmp.execute("migrate", uri=pair.uri("tee"),
                                    resume=True)
            for qemu in (pair.source, pair.destination):
                wait_for_status(qemu, "postcopy-active")
            postcopy.ask_for_pages(30)
            info = postcopy.finish()
            analysis, told = postcopy.check(
                info, *channel_files(again, postcopy.session))
            totals, ram = analysis["ram"]["totals"], info["ram"]
            sent = totals["zero"] + totals["normal"]
            counted = ram["duplicate"] + ram["normal"]
            check(sent <= counted, (totals, ram))
            return f"{told}; {counted - sent} pages lost with the network"
    test.__name__ = kind
    return test


def can_fault():
    """Postcopy needs userfaultfd; the reason where there is none."""
    with Lab(ELF) as lab:
        qemu = lab.start("asked", "cold=0 hot=4K rate=0", "-incoming", "defer")
        try:
            set_capabilities(qemu, ["postcopy-ram"])
        except migtest.QmpError as error:
            migtest.skip(error)


@contextlib.contextmanager
def huge_pages(count):
    """There are that many free ones, or the test is skipped."""
    where = "/sys/kernel/mm/hugepages/hugepages-2048kB/"

    def get(name):
        with open(where + name) as file:
            return int(file.read())

    def put(number):
        with open(where + "nr_hugepages", "w") as file:
            file.write(str(number))

    if not os.path.exists(where):
        migtest.skip("this kernel has no huge pages of 2 MiB")
    before, missing = get("nr_hugepages"), count - get("free_hugepages")
    if missing <= 0:
        yield
        return
    try:
        put(before + missing)
    except OSError as error:
        migtest.skip(f"{missing} huge pages are missing: {error}")
    try:
        if get("free_hugepages") < count:
            migtest.skip(f"the kernel does not give {missing} huge pages")
        yield
    finally:
        put(before)


SMALL = [
    paused("postcopy"),
    paused("postcopy with a preempt channel", "postcopy-preempt", channels=2),
    running,
    by_the_monitors(),
    by_the_monitors("postcopy-preempt"),
    recovered("recovered"),
    recovered("recovered with a preempt channel", "postcopy-preempt"),
]
if VERSION >= (10, 1):
    SMALL.append(paused("postcopy after multifd", "multifd", channels=3))
HUGE = [paused(kind, *capabilities, channels=1 + len(capabilities),
               huge=True)
        for kind, capabilities in (
            ("huge pages", []),
            ("huge pages with a preempt channel", ["postcopy-preempt"]))]

can_fault()
if PAGES == "huge":
    # Two QEMUs of 48 MiB.
    with huge_pages(48):
        migtest.run(HUGE)
migtest.run(SMALL)
