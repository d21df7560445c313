"""Records precopy migrations of the lab guest and checks every figure of the
analysis against what QEMU counted and what the guest did.

usage: precopy_test.py migscope lab_guest.elf
"""

import itertools
import os
import sys

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
# The guest's hot and cold memory; both begin at 2 MiB boundaries, the unit
# of the hot regions that are checked.
WORKLOAD = "cold=32M hot=8M rate=3000 pattern=sequential content=random"
COLD = (16 * MIB, 48 * MIB)
HOT = (48 * MIB, 56 * MIB)


def record(lab, name, *options, workload=WORKLOAD):
    migscope = Migscope(MIGSCOPE, lab)
    session = lab.path(f"{name}.migscope")
    migscope.run("lab", "-o", session, "--qemu", migtest.qemu_command()[0],
                 "--memory", "128M", "--workload", workload, *options)
    return migscope, session


def check_sums(analysis):
    ram, rounds = analysis["ram"], analysis["rounds"]
    totals = ram["totals"]
    kinds = sum(totals[kind]
                for kind in ("zero", "normal", "xbzrle", "compressed"))
    for block in ram["blocks"]:
        check(block["unique_pages"] + block["resent_pages"]
              == block["sent_pages"], block)
    for where, items, key, total in (
            ("blocks", ram["blocks"], "sent_pages", kinds),
            ("blocks", ram["blocks"], "unique_pages",
             totals["unique_pages"]),
            ("blocks", ram["blocks"], "resent_pages",
             totals["resent_pages"]),
            ("blocks", ram["blocks"], "stop_copy_pages",
             analysis["stop_and_copy"]["ram"]["pages"]),
            ("rounds", rounds, "pages", kinds),
            ("rounds", rounds, "zero_pages", totals["zero"]),
            ("rounds", rounds, "resent_pages", totals["resent_pages"]),
            ("rounds", rounds, "bytes", totals["bytes"])):
        found = sum(item[key] for item in items)
        check(found == total, f"{where} have {found} {key}, not {total}")
    devices = analysis["stop_and_copy"]["devices"]
    check(len(devices) > 10, "hardly any devices")
    check(sum(device["bytes"] for device in devices if device["in_pause"])
          == analysis["stop_and_copy"]["device_bytes"], "device bytes")


def check_counters(analysis):
    totals, qemu = analysis["ram"]["totals"], analysis["ram"]["qemu"]
    check(totals["normal"] == qemu["normal"], (totals, qemu))
    check(totals["zero"] == qemu["duplicate"], (totals, qemu))
    check(not [f for f in analysis["findings"] if f["id"] == "counters"],
          "a finding says that the counters differ")
    if migtest.qemu_version() >= (8, 2):
        check(qemu["transferred"] == analysis["input"]["bytes"],
              "transferred is not the stream's size")


def check_numbers(analysis, lines):
    """As many rounds as QEMU counted syncs."""
    counts = [line["message"]["return"]["ram"]["dirty-sync-count"]
              for line in lines if line["end"] == "source"
              and isinstance(line["message"].get("return"), dict)
              and "ram" in line["message"]["return"]]
    # 11.1 does not count the final sync.
    uncounted = 1 if migtest.qemu_version() >= (11, 0) else 0
    rounds = analysis["rounds"]
    check(len(rounds) == counts[-1] + uncounted,
          f"{len(rounds)} rounds, QEMU counts {counts[-1]}")
    check([r["number"] for r in rounds] == list(range(1, len(rounds) + 1)),
          "numbers of rounds")


def check_rounds(analysis, session):
    check_numbers(analysis, migtest.monitor_lines(session))
    rounds = analysis["rounds"]
    check(rounds[0]["boundary"] == rounds[-1]["boundary"] == "exact",
          "first and last round")
    check(rounds[0]["resent_pages"] == 0, "re-sent pages in the first round")
    check(all(a["start_ms"] <= b["start_ms"]
              for a, b in zip(rounds, rounds[1:])), "order of rounds")


def check_downtime(analysis, session):
    downtime = analysis["downtime"]
    stop = migtest.monitor_events(session, "source", "STOP")[-1]
    resume = migtest.monitor_events(session, "destination", "RESUME")[0]
    truth = migtest.microseconds(resume) - migtest.microseconds(stop)
    check(round(1000 * downtime["total_ms"]) == truth,
          f"{downtime['total_ms']} ms, the events say {truth} us")
    check(downtime["clock_error_ms"] == 0, "one host has one clock")
    at = 0
    for phase in downtime["phases"]:
        check(abs(phase["start_ms"] - at) < 1e-3, downtime)
        at = phase["start_ms"] + phase["duration_ms"]
    check(abs(at + downtime["unexplained_ms"] - downtime["total_ms"]) < 1e-3,
          downtime)
    names = [phase["name"] for phase in downtime["phases"]]
    check(names == ["final sync", "last RAM", "device state", "end of stream",
                    "destination"], names)
    differs = abs(downtime["total_ms"] - downtime["qemu_ms"]) > 3
    told = [f for f in analysis["findings"] if f["id"] == "downtime-difference"]
    check(differs == bool(told), (downtime, told))


def inside(address, size, area):
    return area[0] <= address and address + size <= area[1]


def check_hot_pages(analysis):
    hot_regions = analysis["pages"]["hot_regions"][1]
    check(hot_regions["unit_bytes"] == 2 << 20, hot_regions["unit_bytes"])
    check(not hot_regions["more_regions"], hot_regions)
    regions = [r for r in hot_regions["regions"] if r["block"] == "pc.ram"]
    resent = sum(r["resent_pages"] for r in hot_regions["regions"])
    hot = sum(r["resent_pages"] for r in regions
              if inside(r["address"], r["bytes"], HOT))
    check(resent > 0, "nothing was sent again")
    check(hot >= 0.99 * resent, f"{hot} of {resent} re-sent pages are hot")
    cold = [r for r in regions if inside(r["address"], r["bytes"], COLD)]
    check(not sum(r["resent_pages"] for r in cold),
          f"cold pages were sent again: {cold}")
    check(not sum(r["stop_copy_resent_pages"] for r in cold),
          f"cold pages were sent again in the pause: {cold}")
    return hot / resent


def every_figure():
    """Throttled, so that there are rounds to tell apart."""
    with Lab(ELF) as lab:
        migscope, session = record(
            lab, "busy", "--parameter", f"max-bandwidth={48 * MIB}",
            "--parameter", "downtime-limit=30")
        analysis = migscope.analyze(session)
        check(analysis["schema"] == "migscope/analysis-1", "schema")
        check(analysis["outcome"]["status"] == "completed", "outcome")
        check(analysis["input"]["complete"], analysis["input"])
        check(not analysis["input"]["problems"], analysis["input"])
        check_sums(analysis)
        check_counters(analysis)
        check_rounds(analysis, session)
        check_downtime(analysis, session)
        share = check_hot_pages(analysis)
        return (f"{len(analysis['rounds'])} rounds, {100 * share:.2f} % of "
                f"re-sent pages hot, downtime "
                f"{analysis['downtime']['total_ms']:.1f} ms "
                f"(QEMU {analysis['downtime']['qemu_ms']:.0f})")


def idle_guest():
    with Lab(ELF) as lab:
        migscope, session = record(lab, "idle", workload="hot=1M rate=0")
        analysis = migscope.analyze(session)
        check_sums(analysis)
        check_counters(analysis)
        check_rounds(analysis, session)
        check_downtime(analysis, session)
        return f"{len(analysis['rounds'])} rounds"


def text_answers_first():
    with Lab(ELF) as lab:
        migscope, session = record(lab, "text")
        text, _ = migscope.run("analyze", session)
        lines = text.splitlines()
        check(max(map(len, lines)) <= 80, "a line has more than 80 columns")
        titles = [line.split()[0] for line in lines[:5]]
        check(titles == ["outcome", "total", "downtime", "made", "rounds"],
              titles)
        return lines[3]


def monitors_only():
    """Without the stream: what the monitors know, and nothing made up."""
    with Lab(ELF) as lab:
        migscope, session = record(lab, "bare", "--no-capture",
                                   "--parameter", f"max-bandwidth={48 * MIB}")
        check(not os.path.exists(f"{session}/channel-0.zst"), "a capture")
        analysis = migscope.analyze(session)
        check(analysis["ram"] is None and analysis["stop_and_copy"] is None,
              "figures of a stream that was not captured")
        check_numbers(analysis, migtest.monitor_lines(session))
        check(all(r["pages"] is None for r in analysis["rounds"]), "pages")
        check(analysis["downtime"]["total_ms"] > 0, "downtime")
        return f"{len(analysis['rounds'])} rounds by events"


def without_times(analysis):
    """Of the pause: a bare stream's devices have no arrival times."""
    pause = analysis["stop_and_copy"]
    for device in pause["devices"]:
        del device["arrived_ms"], device["resolution_ms"]
    return pause


def stream_alone():
    """The bare stream gives the same counts as the session it came from."""
    with Lab(ELF) as lab:
        migscope, session = record(lab, "both")
        whole = migscope.analyze(session)
        pause = without_times(whole)
        stream = lab.path("stream.bin")
        with open(stream, "wb") as file:
            file.write(migtest.raw_stream(session))
        for path in (stream, f"{session}/channel-0.zst"):
            alone = migscope.analyze(path)
            check(alone["input"]["kind"] == "stream", "kind")
            check(alone["ram"]["totals"] == whole["ram"]["totals"], "totals")
            check(without_times(alone) == pause, "pause")
            check(alone["rounds_are_lower_bound"], "lower bound")
            check(len(alone["rounds"]) <= len(whole["rounds"]), "rounds")
            check(alone["downtime"]["total_ms"] is None, "downtime")
            check_sums(alone)
        return f"{os.path.getsize(stream)} bytes"


def ends(analysis):
    """Pages sent before the end of each round."""
    return list(itertools.accumulate(r["pages"] for r in analysis["rounds"]))


def rounds_three_ways():
    """By QEMU's trace, which is exact; by events; and by the stream alone.
    Little may be left at a sync, so that its place shows in the stream."""
    with Lab(ELF) as lab:
        migscope, session = record(
            lab, "traced", "--trace", "--parameter",
            f"max-bandwidth={24 * MIB}", "--parameter", "downtime-limit=25",
            workload="cold=16M hot=12M pattern=random content=random "
                     "phases=3s:rate=8000;60s:rate=20")
        traced = migscope.analyze(session)
        check({r["boundary"] for r in traced["rounds"][1:-1]} == {"trace"},
              traced["rounds"])
        check_rounds(traced, session)
        check_sums(traced)
        os.unlink(f"{session}/qemu-source.log.zst")
        by_events = migscope.analyze(session)
        alone = migscope.analyze(f"{session}/channel-0.zst")
        check("event" in {r["boundary"] for r in by_events["rounds"]},
              by_events["rounds"])
        # As many as max-bandwidth lets through until it is looked at again.
        section = 24 * MIB // 10 // 4096
        told = (ends(by_events), ends(alone), ends(traced))
        check(len(told[0]) == len(told[2]), told)
        # The last pass can be as small as what may be left at a sync.
        check(len(told[1]) in (len(told[2]), len(told[2]) - 1), told)
        for found in told[:2]:
            # But for END and the round before, which has no pages.
            check(all(abs(a - b) <= 2 * section for a, b
                      in zip(found[:-2], told[2][:-2])), told)
        return f"{len(traced['rounds'])} rounds, pages {ends(traced)}"


migtest.run([every_figure, idle_guest, text_answers_first, monitors_only,
             stream_alone, rounds_three_ways])
