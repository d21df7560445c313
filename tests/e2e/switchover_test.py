"""Why a pass did not switch over: QEMU's own condition, done again from what
the monitor says, against what QEMU did and what its trace says.

usage: switchover_test.py migscope lab_guest.elf
"""

import re
import sys

import migtest
from migration_pair import set_capabilities, set_parameters
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
SLOW = "cold=16M hot=4M rate=2000 pattern=sequential content=random"
# Writes its hot memory several times in a pass.
ENDLESS = "cold=16M hot=8M rate=20000 pattern=random content=random"
TRACE = [word for name in ("migrate_transferred", "migrate_pending*",
                           "migration_bitmap_sync_end",
                           "migration_thread_low_pending")
         for word in ("-trace", name)]


class Run:
    """A migration with the source's trace on, and its analysis."""

    def __init__(self, lab, guest, parameters):
        self.migscope = Migscope(MIGSCOPE, lab)
        self.session = lab.path("run.migscope")
        self.source = lab.start("source", guest, *TRACE, memory="64M")
        destination = lab.start("destination", guest, "-incoming", "defer",
                                memory="64M")
        self.source.wait_ready()
        for qemu in (self.source, destination):
            set_capabilities(qemu, ["events"])
        set_parameters(self.source, parameters)
        self.process = self.migscope.start(
            "migrate", "--source", f"unix:{lab.path('source.record.qmp')}",
            "--destination", f"unix:{lab.path('destination.record.qmp')}",
            "--capture", "-o", self.session)

    def finish(self, status=0):
        self.migscope.finish(self.process, status)
        # A migration that was cancelled leaves a stream without an end.
        self.analysis = self.migscope.analyze(self.session,
                                              status=3 if status else 0)
        self.passes = self.analysis["passes"]
        self.truth = trace_of(self.source.log())
        return self.analysis


def trace_of(log):
    """For each pass [bytes left after its sync, threshold in force, in bytes];
    what is left is None where the trace does not tell, as in 11.1."""
    passes, threshold, synced = [], 0, False
    for line in log.splitlines():
        if found := re.search(r"migrate_transferred .* max_size (\d+)", line):
            threshold = int(found[1])
        elif "migration_bitmap_sync_end" in line:
            passes.append([None, threshold])
            synced = True
        elif synced and (found := re.search(
                r"migrate_pending(?:_exact exact)? pending size (\d+)", line)):
            passes[-1][0] = int(found[1])
            synced = False
    return passes


def verdicts(run):
    return [p["verdict"] for p in run.passes]


def check_verdicts(run, switched):
    """Every pass but the last one did not switch, and says why."""
    check([p["pass"] for p in run.passes]
          == list(range(1, len(run.passes) + 1)), run.passes)
    check("switched" not in verdicts(run)[:-1], run.passes)
    check((verdicts(run)[-1] == "switched") == switched, run.passes)
    for p in run.passes:
        if p["verdict"] == "too-much-left":
            check(p["pending_bytes"] >= p["allowed_bytes"] > 0, p)
        check(p["text"], p)
    told = [f for f in run.analysis["findings"] if f["id"] == "switchover"]
    check(len(told) == 1, run.analysis["findings"])
    return told[0]["text"]


def compare(run):
    """How far our figures are from QEMU's. QEMU sends the bytes of a window,
    a tenth of a second, as soon as it can: so many can be gone before a
    sample."""
    check(len(run.truth) >= len(run.passes), (run.truth, run.passes))
    window = 16 * MIB // 10 + MIB // 4  # and what is in its buffers
    left, allowed = [0], [0]
    for p, (pending, threshold) in zip(run.passes, run.truth):
        # In the first pass zero pages go that take no bytes.
        if p["after_sync"] and pending and p["pass"] > 1:
            check(0 <= pending - p["pending_bytes"] <= window, (p, pending))
            left.append(pending - p["pending_bytes"])
        if p["allowed_bytes"] and threshold:
            allowed.append(abs(p["allowed_bytes"] / threshold - 1))
    return (f"left off by {max(left) / MIB:.2f} MiB, allowed by "
            f"{100 * max(allowed):.1f} %")


def converging():
    """Held to a bandwidth that it converges at, slowly."""
    with Lab(ELF) as lab:
        run = Run(lab, SLOW, {"max-bandwidth": 16 * MIB, "downtime-limit": 20})
        analysis = run.finish()
        told = check_verdicts(run, switched=True)
        limited = [p for p in run.passes if p["verdict"] == "too-much-left"]
        check(limited, run.passes)
        check(any(p["at_max_bandwidth"] for p in limited), limited)
        check(all(p["needed_limit_ms"] > 20 for p in limited), limited)
        check(analysis["expected_downtime"]["actual_ms"]
              == analysis["downtime"]["total_ms"], analysis["downtime"])
        return f"{verdicts(run)}; {told}; {compare(run)}"


def cancelled():
    """Never converges: no pass switches, and the best one is told."""
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "downtime-limit": 10})
        run.source.wait_pass(4)
        run.source.qmp.execute("migrate_cancel")
        analysis = run.finish(status=1)
        told = check_verdicts(run, switched=False)
        check(told.startswith("no pass could switch over"), told)
        check(analysis["expected_downtime"] is None, "an expectation")
        best = analysis["missed_minimum"]
        if best is None:
            check(not any(p["after_sync"] and p["bandwidth_bytes_per_s"]
                          for p in run.passes), run.passes)
            return f"{verdicts(run)}; no sample near a sync"
        check(best["regret_ms"] is None, best)
        left = [p["pending_bytes"] for p in run.passes if p["after_sync"]]
        check(best["pending_bytes"] in left, (best, left))
        found = [f["text"] for f in analysis["findings"]
                 if f["id"] == "missed-minimum"]
        check(len(found) == 1, analysis["findings"])
        return f"{verdicts(run)}; {told}; {found[0]}; {compare(run)}"


def raised():
    """The limit is raised while it runs, and that lets it through."""
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "downtime-limit": 10})
        run.source.wait_pass(3)
        set_parameters(run.source, {"downtime-limit": 2000})
        run.finish()
        told = check_verdicts(run, switched=True)
        limits = [p["downtime_limit_ms"] for p in run.passes]
        check(limits[0] == 10 and limits[-1] == 2000, limits)
        check(limits == sorted(limits), limits)
        check("close" not in verdicts(run), run.passes)
        return f"{verdicts(run)}; {told}"


def chosen_bandwidth():
    """avail-switchover-bandwidth takes the place of what was measured."""
    if migtest.qemu_version() < (8, 2):
        return "not in this QEMU"
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "avail-switchover-bandwidth": 512 * MIB,
                                 "downtime-limit": 50})
        run.finish()
        told = check_verdicts(run, switched=True)
        last = run.passes[-1]
        check(last["bandwidth_is_set"]
              and last["bandwidth_bytes_per_s"] == 512 * MIB, last)
        check(last["allowed_bytes"] == 512 * MIB // 20, last)
        check("avail-switchover-bandwidth" in told, told)
        return f"{verdicts(run)}; {told}; {compare(run)}"


migtest.run([converging, cancelled, raised, chosen_bandwidth])
