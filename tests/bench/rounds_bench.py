"""How well rounds are found: lab migrations recorded with QEMU's trace, which
tells where each dirty-bitmap sync fell, against what the analysis finds in the
bare stream, and in stream and events together.

usage: rounds_bench.py migscope [RUNS [SEED]]

RUNS (6) of each QEMU that is here and of precopy, xbzrle and multifd, the last
with a sync of its channels in each RAM section and, from 8.1 on, with one each
scan of memory; all that is random follows from SEED (1), but not what the
machine does with it. For each
it prints the runs whose number of rounds is right, the pages in their right
rounds, and the same of all. Counted are runs whose every pass re-sends at least
1 % of memory, without the pass before the switchover, in which QEMU never sends
anything. In the others the number may be too small, but not too large.

QEMU may sync while less than max-bandwidth x downtime-limit is left, of which a
bare stream knows neither; the limits here make that 0.4 to 0.8 % of memory, as
10 Gbit/s and 300 ms do with 64 GiB.
"""

import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import migtest  # noqa: E402
import raw_trace  # noqa: E402

MIB = 1 << 20
QEMUS = ("debian-12", "bookworm-backports", "sid")
OLD, OLD_QEMU = "debian-12", "qemu-system-x86_64"
# As machine types up to 8.0 have it and 7.2 always.
SECTION_SYNC = ["--qemu-arg=-global", "--qemu-arg=migration."
                "multifd-flush-after-each-section=on"]
# Its packets, among the syncs in the log.
TRACE_PACKETS = ["--qemu-arg=-trace", "--qemu-arg=multifd_send_ram_fill"]
KINDS = {"precopy": [], "xbzrle": ["--capability", "xbzrle"],
         "multifd": ["--capability", "multifd", *SECTION_SYNC],
         "multifd by scan": ["--capability", "multifd", *TRACE_PACKETS]}
PATTERNS = ("random", "sequential", "zipf", "phases")
LEAST = 0.01  # of memory, re-sent in a pass


def workload(pattern, rng, pace):
    """Busy for some seconds, then so quiet that it converges at once."""
    hot = rng.randrange(16, 40, 2)
    # Pages a second, more than can be sent: passes stay large until it ends.
    rate = int(pace * 256 * rng.uniform(1.1, 1.8))
    busy = f"rate={rate}"
    words = [f"cold={rng.randrange(16, 56, 2)}M", f"hot={hot}M",
             f"base={rng.choice((16, 48, 96))}M", f"seed={rng.randrange(1000)}"]
    words.append({"random": "pattern=random", "sequential": "",
                  "zipf": f"pattern=zipf zipf={rng.uniform(0.4, 0.9):.1f}",
                  "phases": "pattern=random"}[pattern])
    phases = [f"{rng.randrange(3500, 5500)}ms:{busy}"]
    if pattern == "phases":
        phases = [phase for _ in range(4) for phase in (
            f"500ms:{busy}",
            f"600ms:{busy},hot={hot // 2}M@{rng.randrange(0, hot // 2)}M")]
    words.append(f"phases={';'.join(phases)};60s:rate=20")
    return " ".join(words)


def record(migscope, qemu, kind, pattern, rng, session):
    memory = rng.choice((256, 384, 512))
    bandwidth = rng.randrange(28, 44)
    limit = 1000 * memory * rng.uniform(0.004, 0.008) / bandwidth
    options = [option for option in KINDS[kind]
               if qemu != OLD_QEMU or option not in SECTION_SYNC]
    # Text that changes makes short xbzrle pages, what is random normal ones.
    content = "random"
    if kind == "xbzrle":
        content = rng.choice(("text", "random"))
    pace = bandwidth * (3 if content == "text" else 1)
    ran = subprocess.run(
        [migscope, "lab", "--trace", "-o", session, "--qemu", qemu, "--memory",
         f"{memory}M", "--workload",
         f"content={content} " + workload(pattern, rng, pace),
         "--parameter", f"max-bandwidth={bandwidth * MIB}",
         "--parameter", f"downtime-limit={int(limit)}", *options],
        capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"{session}: {ran.stderr}")


def analyze(migscope, *paths):
    ran = subprocess.run([migscope, "analyze", "--json", *paths],
                         capture_output=True, text=True)
    if ran.returncode not in (0, 3):
        sys.exit(f"{paths}: {ran.stderr}")
    return json.loads(ran.stdout)


def without_trace(session):
    """The same recording without QEMU's log."""
    copy = session + ".copy"
    os.mkdir(copy)
    for name in os.listdir(session):
        if not name.startswith("qemu-"):
            os.link(os.path.join(session, name), os.path.join(copy, name))
    return copy


def pages(analysis):
    """Of each round; None where the analysis does not tell."""
    out = [r["pages"] for r in analysis["rounds"]]
    return out if out and None not in out else None


def spans(sizes):
    at, out = 0, []
    for size in sizes:
        out.append((at, at + size))
        at += size
    return out


class Truth:
    """What each round sent. A packet that was sent first after a sync had been
    filled in part before it: of those pages nobody knows."""

    def __init__(self, sizes, unknown=None):
        self.sizes = sizes
        self.unknown = unknown or [0] * len(sizes)

    def right(self, found):
        """Pages that stand in the round that they were sent in."""
        truth = spans(self.sizes)
        begins = [at for at, _ in truth]
        found = spans(found)
        for i, ((_, after), slack) in enumerate(zip(found[:-1],
                                                    self.unknown[1:])):
            if i + 1 < len(begins) and begins[i + 1] < after <= (
                    begins[i + 1] + slack):
                after = begins[i + 1]
                found[i] = (found[i][0], after)
                found[i + 1] = (after, found[i + 1][1])
        return sum(max(0, min(a[1], b[1]) - max(a[0], b[0]))
                   for a, b in zip(truth, found))


def truth_of_sections(whole):
    """The trace tells between which two sections each sync lies, and the
    analysis takes it as it is."""
    if whole["rounds_are_lower_bound"] or "trace" not in [
            r["boundary"] for r in whole["rounds"]]:
        return None
    found = pages(whole)
    return Truth(found) if found else None


def truth_of_packets(session):
    packets = raw_trace.packets_of_rounds(migtest.stored_log(session,
                                                             "source"))
    return Truth([sum(sent) for sent in packets],
                 [sent[0] if sent else 0 for sent in packets])


class Run:
    def __init__(self, migscope, session, name, by_scan):
        self.name = name
        whole = analyze(migscope, session)
        self.truth = (truth_of_packets(session) if by_scan
                      else truth_of_sections(whole))
        self.known = self.truth is not None
        if not self.known:
            return
        channels = sorted(
            os.path.join(session, f) for f in os.listdir(session)
            if f.startswith("channel-") and "return" not in f)
        alone = analyze(migscope, *channels)
        self.alone = pages(alone)
        self.lower_bound = alone["rounds_are_lower_bound"]
        self.events = pages(analyze(migscope, without_trace(session)))
        self.all = sum(self.truth.sizes)
        passes = self.truth.sizes[1:-2]
        unique = whole["ram"]["totals"]["unique_pages"]
        self.counts = len(passes) > 1 and min(passes) >= LEAST * unique

    def count_right(self):
        return len(self.alone) == len(self.truth.sizes)

    def share(self, found):
        return self.truth.right(found) / self.all


def percent(part, whole):
    return f"{100 * part / whole:6.2f}" if whole else "     ?"


def pages_right(runs, found):
    return percent(sum(run.truth.right(getattr(run, found)) for run in runs),
                   sum(run.all for run in runs))


def summary(label, runs):
    known = [run for run in runs if run.known]
    good = [run for run in known if run.counts]
    rest = [run for run in known if not run.counts]
    bound = sum(run.lower_bound and len(run.alone) <= len(run.truth.sizes)
                for run in rest)
    rounds = sorted(len(run.truth.sizes) for run in good) or [0]
    return (f"{label:30}{len(good):5}{rounds[0]:6}-{rounds[-1]:<3}"
            f"{percent(sum(r.count_right() for r in good), len(good))}"
            f"{pages_right(good, 'alone'):>9}{pages_right(known, 'events'):>9}"
            f"{bound:7} of {len(rest):<3}{len(runs) - len(known):8}")


def worst(runs):
    told = [run for run in runs if run.known and run.counts]
    told.sort(key=lambda run: (run.share(run.alone), run.name))
    for run in told[:5]:
        if run.share(run.alone) < 1:
            yield (f"{run.name}: {percent(run.share(run.alone), 1)} % right\n"
                   f"  truth {run.truth.sizes}\n  alone {run.alone}")
    for run in (run for run in runs if run.known):
        if run.share(run.events) < 0.999:
            yield (f"{run.name}, with events: "
                   f"{percent(run.share(run.events), 1)} % right\n"
                   f"  truth  {run.truth.sizes}\n  events {run.events}")


def measure(migscope, count, seed):
    everything = []
    print(f"{count} runs each, seed {seed}\n{'':40}  stream alone: with events:"
          "  others, number\nQEMU and kind                   runs rounds"
          "   number %  pages %  pages %  is a bound  no truth")
    for suite in QEMUS:
        qemu = OLD_QEMU if suite == OLD else migtest.fetched_qemu(suite)
        if suite != OLD and not os.path.exists(qemu):
            print(f"{suite}: not here; tools/get-qemus gets it")
            continue
        for kind in KINDS:
            if suite == OLD and kind == "multifd by scan":
                continue
            runs = []
            for i in range(count):
                pattern = PATTERNS[i % len(PATTERNS)]
                name = f"{suite} {kind} {pattern} {i}"
                rng = random.Random(f"{seed} {name}")
                with tempfile.TemporaryDirectory(prefix="migscope-") as where:
                    session = os.path.join(where, "run")
                    record(migscope, qemu, kind, pattern, rng, session)
                    runs.append(Run(migscope, session, name,
                                    kind == "multifd by scan"))
            print(summary(f"{suite} {kind}", runs), flush=True)
            everything += runs
    print(summary("all", everything))
    print(*worst(everything), sep="\n")


def main():
    count = int(sys.argv[2]) if sys.argv[2:] else 6
    seed = int(sys.argv[3]) if sys.argv[3:] else 1
    measure(sys.argv[1], count, seed)


main()
