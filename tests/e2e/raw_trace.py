"""A QEMU's own log of a migration, read as simply as can be."""

import datetime
import re

LINE = re.compile(r"(?:(?P<iso>\d{4}-\S+Z) |\d+@(?P<epoch>\d+\.\d+):)?"
                  r"(?P<event>\w+) (?P<text>.*)")
PENDING = re.compile(r"(?:exact )?pending size (\d+)(?: max (\d+))? "
                     r"|exact=1, .*total=(\d+)")


def time_of(line):
    """Microseconds; None in a log without times."""
    if line["epoch"]:
        seconds, micros = line["epoch"].split(".")
        return int(seconds) * 1_000_000 + int(micros)
    if not line["iso"]:
        return None
    at = datetime.datetime.strptime(line["iso"], "%Y-%m-%dT%H:%M:%S.%fZ")
    since = at - datetime.datetime(1970, 1, 1)
    return since // datetime.timedelta(microseconds=1)


def syncs_of(log):
    """What the log says of each sync of the last migration, in order:
    `sync_ms`, `dirty_pages`, whether the guest `runs`, and what was decided
    by: `pending_bytes`, `allowed_bytes`; None where the log has no such
    thing."""
    syncs, begin, window, runs, waits = [], None, 0, True, False
    for text in log.splitlines():
        line = LINE.fullmatch(text)
        if not line:
            continue
        event, rest = line["event"], line["text"]
        if event == "migrate_set_state" and rest == "new state setup":
            syncs, window, runs = [], 0, True
        elif event == "runstate_set" and "(finish-migrate)" in rest:
            runs = False
        elif event == "migrate_transferred":
            window = int(re.search(r"max_size (\d+)", rest)[1])
        elif event == "migration_bitmap_sync_start":
            begin, waits = time_of(line), False
        elif event == "migration_bitmap_sync_end":
            took = None if begin is None else (time_of(line) - begin) / 1000
            syncs.append({"sync_ms": took, "runs": runs,
                          "dirty_pages": int(rest.split()[1]),
                          "pending_bytes": None, "allowed_bytes": window})
            waits = True
        elif waits and "estimate" not in event and (
                found := PENDING.match(rest)):
            syncs[-1]["pending_bytes"] = int(found[1] or found[3])
            if found[2]:
                syncs[-1]["allowed_bytes"] = int(found[2])
            waits = False
    return syncs


def packets_of_rounds(log):
    """Of each round the pages of the packets that multifd filled in it, in
    order (multifd_send_ram_fill, in 10.0 and 11.1). The first one after a sync
    had been filled in part before it."""
    rounds = []
    for line in log.splitlines():
        sent = re.search(r"multifd_send_ram_fill .*normal pages (\d+) "
                         r"zero pages (\d+)", line)
        if "migration_bitmap_sync_end" in line:
            rounds.append([])
        elif sent and rounds:
            rounds[-1].append(int(sent[1]) + int(sent[2]))
    return rounds
