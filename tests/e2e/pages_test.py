"""The ledger of pages against what the guest is known to have done: its hot
memory is found, page by page, and rewrites that change nothing are told from
those that do.

usage: pages_test.py MIGSCOPE LAB_GUEST_ELF
"""

import csv
import json
import os
import subprocess
import sys

import migtest
import plain_pages
import raw_trace
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
PAGE = 4096
# Busy for some rounds, then quiet, so that it converges.
TUNING = ["--memory", "128M", "--parameter", "max-bandwidth=67108864",
          "--parameter", "downtime-limit=20"]


def record(lab, name, workload, *options):
    migscope = Migscope(MIGSCOPE, lab)
    session = lab.path(f"{name}.migscope")
    migscope.run("lab", "-o", session, "--qemu", migtest.qemu_command()[0],
                 *TUNING, "--workload", workload, *options)
    return migscope, session


def ready(session):
    """Ranges of hot memory and of the stack, guest-physical."""
    out = subprocess.run(["zstd", "-dc", f"{session}/guest-source.log.zst"],
                         capture_output=True, text=True, check=False).stdout
    line = next(row for row in out.splitlines() if "READY " in row)
    words = dict(w.split("=", 1) for w in line.split() if "=" in w)

    def ranges(text):
        return [tuple(int(x, 16) for x in r.split("-"))
                for r in text.split(",")]
    return ranges(words["hot"]), ranges(words["stack"])


def pages_of(ranges):
    return {page for start, end in ranges
            for page in range(start // PAGE, end // PAGE)}


def analyze(lab, migscope, session, *options):
    path = lab.path(f"pages-{len(os.listdir(lab.directory))}.csv")
    out, _ = migscope.run("analyze", "--json", "--pages", path, *options,
                          session)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return json.loads(out), rows


def sends_of(rows):
    """Times sent by guest page."""
    sends = {}
    for row in rows:
        if not row["guest_address"]:
            continue
        first = int(row["guest_address"], 16) // PAGE
        for page in range(first, first + int(row["bytes"]) // PAGE):
            check(page not in sends, f"page {page:#x} stands twice")
            sends[page] = int(row["sends"])
    return sends


def check_table(analysis, rows):
    """The CSV and the JSON tell the same."""
    pages = analysis["pages"]
    sent = sum(int(row["bytes"]) // PAGE for row in rows)
    resent = sum(int(row["bytes"]) // PAGE * (int(row["sends"]) - 1)
                 for row in rows)
    check(sent == pages["sent_pages"], (sent, pages["sent_pages"]))
    check(resent == analysis["ram"]["totals"]["resent_pages"], resent)
    for count in pages["send_counts"]:
        same = sum(int(row["bytes"]) // PAGE for row in rows
                   if count["from"] <= int(row["sends"]) <= count["to"])
        check(same == count["pages"], (count, same))
    last = sum(int(row["bytes"]) // PAGE for row in rows
               if int(row["last_round"]) == len(analysis["rounds"]))
    check(last == analysis["stop_and_copy"]["ram"]["pages"], last)


def check_sums(analysis):
    pause = analysis["pages"]["stop_copy"]
    ram = analysis["stop_and_copy"]["ram"]
    check(pause["first_time_pages"]
          + sum(last["pages"] for last in pause["last_sent"]) == ram["pages"],
          pause)
    check(sum(r["wire_bytes"] for r in pause["regions"])
          + pause["more_wire_bytes"] == ram["bytes"], pause)
    rounds = analysis["rounds"]
    check(sum(r["same_content_pages"] for r in rounds)
          == analysis["ram"]["totals"]["same_content_resends"], rounds)
    since = rounds[0]["duration_ms"]
    for now in rounds[1:]:
        if now["pages"]:
            rate = now["resent_pages"] * PAGE * 1e3 / since
            check(abs(now["dirty_bytes_per_second"] - rate) <= 1e-6 * rate,
                  now)
            since = 0
        else:
            check(now["dirty_bytes_per_second"] is None, now)
        since += now["duration_ms"] or 0


def check_stretches(analysis, start):
    """The hottest region of a size holds the hot memory's beginning."""
    for regions in analysis["pages"]["hot_regions"]:
        first = regions["regions"][0]
        check(first["guest_address"] is not None, first)
        if regions["unit_bytes"] > PAGE:
            check(first["guest_address"] <= start
                  < first["guest_address"] + first["bytes"], first)


def hot_set(lab, pattern, *options):
    migscope, session = record(
        lab, pattern, f"cold=32M hot=8M content=counter pattern={pattern} "
        "phases=3s:rate=30000;600s:rate=0", *options)
    analysis, rows = analyze(lab, migscope, session)
    hot, stack = map(pages_of, ready(session))
    found = {page for page, sends in sends_of(rows).items() if sends > 1}
    precision = len(found & hot) / len(found - stack)
    recall = len(found & hot) / len(hot)
    told = (f"{pattern}: {len(analysis['rounds'])} rounds, precision "
            f"{precision:.4f}, recall {recall:.4f}")
    check(precision >= 0.99 and recall >= 0.99, told)
    check_table(analysis, rows)
    check_sums(analysis)
    check_stretches(analysis, min(hot) * PAGE)
    return told, session, analysis


def hot_memory():
    with Lab(ELF) as lab:
        return "; ".join(hot_set(lab, pattern)[0]
                         for pattern in ("sequential", "random"))


def multifd_scans():
    """Where channels are flushed once a scan, rounds are found all the same:
    as QEMU's log tells of its packets among its syncs."""
    if migtest.qemu_version() < (9, 0):
        return "this QEMU syncs in each section"
    with Lab(ELF) as lab:
        told, session, analysis = hot_set(
            lab, "random", "--capability", "multifd", "--trace",
            "--qemu-arg=-trace", "--qemu-arg=multifd_send_ram_fill")
        packets = raw_trace.packets_of_rounds(migtest.stored_log(session,
                                                                 "source"))
        rounds = [r["pages"] for r in analysis["rounds"]]
        check(len(rounds) == len(packets), (rounds, packets))
        # A packet can be on its way while QEMU syncs.
        at, wrong = 0, 0
        for pages, sent in zip(rounds, packets):
            at += pages - sum(sent)
            wrong += abs(at)
            check(abs(at) <= 4 * 128, (rounds, [sum(p) for p in packets]))
        return f"{told}; {wrong} of {sum(rounds)} pages in the wrong round"


def count_unchanged(session):
    """Re-sends, and those of what was sent before, by another reader."""
    last, resent, same = {}, 0, 0
    for block, address, content in plain_pages.pages(
            migtest.raw_stream(session)):
        page = (block, address)
        resent += page in last
        same += last.get(page) == content
        last[page] = content
    return resent, same


def unchanged_rewrites():
    """Half of the hot memory is rewritten as it was. A page that is written
    before it is sent in a round is sent again unchanged, too."""
    same = "rate=30000,hot=4M@0,content=same"
    new = "rate=30000,hot=4M@4M,content=counter"
    with Lab(ELF) as lab:
        migscope, session = record(
            lab, "same", "cold=32M hot=8M content=same phases="
            + ";".join([f"200ms:{same}", f"200ms:{new}"] * 6)
            + ";600s:rate=0")
        analysis, rows = analyze(lab, migscope, session)
        (start, end), = ready(session)[0]
        planted = sum(sends - 1 for page, sends in sends_of(rows).items()
                      if start <= page * PAGE < start + (end - start) // 2)
        told = analysis["ram"]["totals"]["same_content_resends"]
        resent, unchanged = count_unchanged(session)
        check(planted >= 1000, f"{planted} are too few to tell")
        check(resent - planted >= 500, "too few of the others")
        text = (f"{told} of {resent} re-sent pages told as unchanged, "
                f"{unchanged} are; {planted} were planted")
        check(resent == analysis["ram"]["totals"]["resent_pages"], text)
        check(told == unchanged and told >= 0.99 * planted, text)
        return text


def planted_rewrites():
    """All that is written is as it was: all re-sends are unchanged."""
    with Lab(ELF) as lab:
        migscope, session = record(
            lab, "all", "cold=32M hot=8M content=same "
            "phases=2s:rate=20000;600s:rate=0")
        analysis, rows = analyze(lab, migscope, session)
        hot, _ = map(pages_of, ready(session))
        planted = sum(sends - 1 for page, sends in sends_of(rows).items()
                      if page in hot)
        told = analysis["ram"]["totals"]["same_content_resends"]
        text = f"{told} told, {planted} planted"
        check(planted >= 1000, text)
        check(abs(told - planted) <= 0.01 * planted, text)
        return text


def headers_only():
    """Without contents all but them is the same, whatever the threads."""
    with Lab(ELF) as lab:
        migscope, session = record(lab, "plain", "cold=16M hot=4M rate=5000")
        whole, rows = analyze(lab, migscope, session)
        for threads in (1, 3):
            again, same = analyze(lab, migscope, session, "--threads",
                                  str(threads))
            check(again == whole and same == rows, "threads change the result")
        bare, _ = analyze(lab, migscope, session, "--no-content")
        check(bare["pages"]["contents"] is None, bare["pages"]["contents"])
        check(bare["ram"]["totals"]["same_content_resends"] is None,
              bare["ram"])
        for key in ("send_counts", "hot_regions", "working_sets", "stop_copy"):
            check(bare["pages"][key] == whole["pages"][key], key)
        return f"{whole['pages']['sent_pages']} pages"


migtest.run([hot_memory, multifd_scans, unchanged_rewrites, planted_rewrites, headers_only])
