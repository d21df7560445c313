"""Passes and the pause against what QEMU's own log says of them: with
`--trace`, and with the capabilities that change when QEMU switches over.

usage: passes_test.py migscope lab_guest.elf [traced|modes]
"""

import sys
import threading
import time

import migtest
from migration_pair import MIB, set_capabilities, set_parameters
from migtest import Lab, Migscope, check
from raw_trace import syncs_of
from stream_relay import StreamRelay

MIGSCOPE, ELF = sys.argv[1:3]
GROUP = sys.argv[3] if len(sys.argv) > 3 else None
SLOW = "cold=16M hot=4M rate=2000 pattern=sequential content=random"
ENDLESS = "cold=16M hot=8M rate=20000 pattern=random content=random"
# Hardly anything is left after its first pass.
QUIET = "cold=8M hot=1M rate=100 pattern=random content=text"
TIMES = ["-msg", "timestamp=on"]
HOLD = 0.8  # seconds; long against what a busy machine adds


class Run:
    """Source and destination with their monitors, and migscope on them."""

    def __init__(self, lab, guest, parameters, capabilities=(), events=True,
                 times=True, qemu=(), machine="pc"):
        self.lab = lab
        self.migscope = Migscope(MIGSCOPE, lab)
        self.session = lab.path("run.migscope")
        words = [*(TIMES if times else []), *qemu]
        where = {"memory": "64M", "machine": machine}
        self.source = lab.start("source", guest, *words, **where)
        self.destination = lab.start("destination", guest, "-incoming",
                                     "defer", *words, **where)
        self.source.wait_ready()
        names = [*(["events"] if events else []), *capabilities]
        for one in (self.source, self.destination):
            set_capabilities(one, names)
        set_parameters(self.source, parameters)

    def _words(self, verb, traced):
        lab = self.lab
        logs = [word for end in ("source", "destination")
                for word in (f"--{end}-log", lab.path(f"{end}.log"))]
        return [verb, "--source", f"unix:{lab.path('source.record.qmp')}",
                "--destination",
                f"unix:{lab.path('destination.record.qmp')}",
                *(["--trace", *logs] if traced else []), "-o", self.session]

    def migrate(self, traced=True, capture=True):
        self.process = self.migscope.start(
            *self._words("migrate", traced), *(["--capture"] if capture
                                               else []))

    def record(self, traced=True):
        self.process = self.migscope.start(*self._words("record", traced))
        migtest.wait_for_recorder(self.session)
        if traced:
            self.source.wait(lambda: self.source.qmp.execute(
                "trace-event-get-state", name="qemu_loadvm_state_post_main"
            )[0]["state"] == "enabled", "trace")

    def finish(self, *more):
        self.migscope.finish(self.process, 0)
        for process in more:
            self.migscope.finish(process, 0)
        paths = [self.session]
        if more:
            paths.append(self.lab.path("tee.migscope"))
        out, _ = self.migscope.run("analyze", "--json", *paths)
        self.text, _ = self.migscope.run("analyze", *paths)
        self.analysis = migtest.json.loads(out)
        self.passes = self.analysis["passes"]
        self.syncs = syncs_of(self.source.log())
        return self.analysis


def verdicts_of(run):
    return [p["verdict"] for p in run.passes]


def verdicts(run):
    """In short: a number for as many of the same one after another."""
    out = []
    for p in run.passes:
        if out and out[-1][1] == p["verdict"]:
            out[-1][0] += 1
        else:
            out.append([1, p["verdict"]])
    return ", ".join(f"{n} {verdict}" for n, verdict in out)


def same_ms(ours, raw):
    return (ours is None) == (raw is None) and (
        raw is None or abs(ours - raw) < 1e-3)


def went_on(sync):
    """As QEMU compares; from 10.1 on as much as allowed is little enough."""
    more = sync["pending_bytes"] - sync["allowed_bytes"]
    return more > 0 or (more == 0 and sync["pending_bytes"] > 0
                        and migtest.qemu_version() < (10, 1))


def check_pass(p, sync, last, acked):
    """One pass against the sync it begins with."""
    traced = p["traced"]
    check(traced, f"not traced: {p}")
    for key in ("dirty_pages", "pending_bytes", "allowed_bytes"):
        check(traced[key] == sync[key], f"{key} of {p}, the log: {sync}")
    check(same_ms(traced["sync_ms"], sync["sync_ms"]), (p, sync))
    if sync["pending_bytes"] is None:
        check(p["verdict"] != "close", p)
        return
    check(p["pending_bytes"] == sync["pending_bytes"]
          and p["allowed_bytes"] == sync["allowed_bytes"]
          and p["sample_delay_ms"] == 0 and p["after_sync"], (p, sync))
    if last:
        check(p["verdict"] == "switched" and not went_on(sync), (p, sync))
    elif went_on(sync):
        check(p["verdict"] == ("too-much-left" if sync["allowed_bytes"]
                               else "no-bandwidth"), (p, sync))
    else:
        check(acked and p["verdict"] == "switchover-ack", (p, sync))
    if p["verdict"] == "too-much-left" and p["downtime_limit_ms"]:
        needed = (sync["pending_bytes"] * p["downtime_limit_ms"]
                  / sync["allowed_bytes"])
        check(needed < p["needed_limit_ms"] <= needed + 1, (p, needed))


def check_traced(run, acked=False):
    """Every pass and round; how many passes no sample could have decided."""
    live = [s for s in run.syncs if s["runs"]]
    check([p["pass"] for p in run.passes] == list(range(1, len(live) + 1)),
          f"{len(live)} syncs: {run.passes}")
    for p, sync in zip(run.passes, live):
        check_pass(p, sync, p is run.passes[-1], acked)
    rounds = run.analysis["rounds"]
    check(len(rounds) == len(run.syncs), (rounds, run.syncs))
    for found, sync in zip(rounds, run.syncs):
        check(same_ms(found["sync_ms"], sync["sync_ms"])
              and found["dirty_pages"] == sync["dirty_pages"], (found, sync))
    others = [p for p in run.passes if p["traced"]["pending_bytes"] is not None
              and p["traced"]["sampled_bytes"] != p["pending_bytes"]]
    return (f"{verdicts(run)}; {len(others)} samples were off; the longest "
            f"sync {max(s['sync_ms'] or 0 for s in run.syncs):.3f} ms")


def converging():
    with Lab(ELF) as lab:
        run = Run(lab, SLOW, {"max-bandwidth": 16 * MIB, "downtime-limit": 30})
        run.migrate()
        run.finish()
        return check_traced(run)


def raised():
    """What lets it through is a threshold of a window later."""
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "downtime-limit": 10})
        run.migrate()
        run.source.wait_pass(4)
        set_parameters(run.source, {"downtime-limit": 2000})
        run.finish()
        limits = [p["downtime_limit_ms"] for p in run.passes]
        check(limits[0] == 10 and limits[-1] == 2000, limits)
        return f"{check_traced(run)}; limits {limits}"


def chosen_bandwidth():
    if migtest.qemu_version() < (8, 2):
        return "not in this QEMU"
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "avail-switchover-bandwidth": 512 * MIB,
                                 "downtime-limit": 50})
        run.migrate()
        run.finish()
        last = run.passes[-1]
        check(last["bandwidth_is_set"] and last["downtime_limit_ms"] == 50,
              last)
        return check_traced(run)


def without_times():
    """Syncs are counted; how long they took is not known."""
    with Lab(ELF) as lab:
        run = Run(lab, SLOW, {"max-bandwidth": 16 * MIB, "downtime-limit": 30},
                  times=False)
        run.migrate()
        run.finish()
        return check_traced(run)


def joined_late():
    """The log has no beginning: its syncs are put to passes by time."""
    with Lab(ELF) as lab:
        # QEMU traces from the start, into the log that is recorded from then
        # on.
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "downtime-limit": 10},
                  qemu=[word for name in ("migration_bitmap_sync*",
                                          "migrate_*", "runstate_set",
                                          "*savevm_query_pending")
                        for word in ("-trace", name)])
        uri = f"unix:{lab.path('migration.sock')}"
        run.destination.qmp.execute("migrate-incoming", uri=uri)
        run.source.qmp.execute("migrate", uri=uri)
        run.source.wait_pass(2)
        run.record()
        run.source.wait_pass(6)
        set_parameters(run.source, {"downtime-limit": 2000})
        run.finish()
        live = [s for s in run.syncs if s["runs"]]
        traced = [p for p in run.passes if p["traced"]]
        check(len(traced) >= 3, run.passes)
        for p in traced:
            sync = dict(live[p["pass"] - 1])
            # The window before the recording began is not in it.
            if p["traced"]["allowed_bytes"] is None:
                sync["allowed_bytes"] = None
                check(p["traced"]["pending_bytes"] == sync["pending_bytes"],
                      (p, sync))
                continue
            check_pass(p, sync, p is run.passes[-1], False)
        return f"{len(traced)} of {len(live)} passes traced; {verdicts(run)}"


def held_back(traced):
    """The destination's messages are, its switchover-ack among them. 11.1
    waits for one that no device asked for with older machines only."""
    version = migtest.qemu_version()
    if version < (8, 1):
        return "not in this QEMU"
    with Lab(ELF) as lab:
        run = Run(lab, QUIET, {"max-bandwidth": 64 * MIB,
                               "downtime-limit": 300},
                  capabilities=["return-path", "switchover-ack"],
                  machine="pc-i440fx-8.1" if version >= (11,) else "pc")
        run.record(traced)
        there = f"unix:{lab.path('destination.sock')}"
        run.destination.qmp.execute("migrate-incoming", uri=there)
        # The tee stands before the relay, so that it sees the ack come.
        back = threading.Event()
        StreamRelay(lab.path("relay.sock"), lab.path("destination.sock"),
                    back=back)
        tee = run.migscope.start(
            "tee", "--listen", f"unix:{lab.path('tee.sock')}", "--connect",
            f"unix:{lab.path('relay.sock')}", "-o", lab.path("tee.migscope"))
        migtest.wait_for_listener(lab.path("tee.sock"))
        run.source.qmp.execute("migrate", uri=f"unix:{lab.path('tee.sock')}")
        run.source.wait_pass(5)
        time.sleep(0.3)
        status = run.source.qmp.execute("query-migrate")["status"]
        back.set()
        run.finish(tee)
        check(status == "active", status)
        check(run.passes[-1]["verdict"] == "switched", run.passes[-1])
        check("switchover-ack" in run.analysis["vm"]["capabilities"],
              run.analysis["vm"])
        if traced or version < (11,):
            waited = verdicts_of(run).count("switchover-ack")
            check(waited, verdicts(run))
            # The source hears of it a little later than the tee.
            last = len(run.passes) - verdicts_of(run)[::-1].index(
                "switchover-ack")
            check("close" not in verdicts_of(run)[:last], verdicts(run)[-300:])
            told = [f["text"] for f in run.analysis["findings"]
                    if f["id"] == "switchover"]
            check(f"; in {waited} pass" in told[0]
                  and "switchover-ack waited" in told[0], told)
        else:
            check("switchover-ack" not in verdicts_of(run), verdicts(run))
        return check_traced(run, acked=True) if traced else verdicts(run)


def ack_held_back():
    return held_back(traced=False)


def ack_held_back_traced():
    return held_back(traced=True)


def ack_at_once():
    """An ordinary guest's destination agrees as it begins: no pass waits."""
    if migtest.qemu_version() < (8, 1):
        return "not in this QEMU"
    with Lab(ELF) as lab:
        run = Run(lab, SLOW, {"max-bandwidth": 16 * MIB, "downtime-limit": 30},
                  capabilities=["return-path", "switchover-ack"])
        run.migrate(traced=False)
        run.finish()
        check("switchover-ack" not in verdicts(run), run.passes)
        check(run.passes[-1]["verdict"] == "switched", run.passes)
        return verdicts(run)


def pieces(run):
    downtime = run.analysis["downtime"]
    found = {phase["name"]: phase["duration_ms"]
             for phase in downtime["phases"]}
    check(len(found) == len(downtime["phases"]), downtime)
    check(abs(sum(found.values()) + downtime["unexplained_ms"]
              - downtime["total_ms"]) < 1e-3, downtime)
    return found


def paused(traced, capture=True, events=True):
    """All of the wait for migrate-continue is in its own piece."""
    with Lab(ELF) as lab:
        run = Run(lab, SLOW, {"max-bandwidth": 64 * MIB, "downtime-limit": 50},
                  capabilities=["pause-before-switchover"], events=events)
        if events:
            run.migrate(traced, capture)
        else:
            # As somebody else migrates, who turns nothing on.
            run.record(traced)
            uri = f"unix:{lab.path('migration.sock')}"
            run.destination.qmp.execute("migrate-incoming", uri=uri)
            run.source.qmp.execute("migrate", uri=uri)
        run.source.wait(lambda: run.source.qmp.execute("query-migrate").get(
            "status") == "pre-switchover", "pre-switchover")
        time.sleep(HOLD)
        run.source.qmp.execute("migrate-continue", state="pre-switchover")
        run.finish()
        found, wait = pieces(run), 1000 * HOLD
        if events:
            at = {e["data"]["status"]: migtest.microseconds(e)
                  for e in migtest.monitor_events(run.session, "source",
                                                  "MIGRATION")}
            wait = (at["device"] - at["pre-switchover"]) / 1000
        # Samples are 50 ms apart, and a busy machine answers late.
        exact = 1 if events or traced else 300
        piece = found.get("pre-switchover", 0)
        check(wait - exact < piece < 1.1 * wait + 50, (wait, found))
        # Half of it is more than a busy machine adds elsewhere.
        others = {name: ms for name, ms in found.items()
                  if name != "pre-switchover" and ms > 0.5 * wait + exact}
        check(not others, f"not only the wait is long: {found}")
        expected = run.analysis["expected_downtime"]
        check(expected["waited_ms"] == piece, expected)
        check("pre-switchover" in run.text, run.text)
        if traced and events:
            check_traced(run)
        return f"waited {piece:.1f} of {wait:.1f} ms; {list(found)}"


def pause_before_switchover():
    return paused(traced=False)


def pause_traced():
    return paused(traced=True)


def pause_without_a_stream():
    return paused(traced=False, capture=False)


def pause_without_events():
    return paused(traced=False, events=False)


def pause_without_events_traced():
    return paused(traced=True, events=False)


def auto_converge():
    """The throttle by pass and round, against what query-migrate said."""
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {
            "max-bandwidth": 16 * MIB, "downtime-limit": 10,
            "throttle-trigger-threshold": 20, "cpu-throttle-initial": 20,
            "cpu-throttle-increment": 20}, capabilities=["auto-converge"])
        run.migrate()
        seen = {}  # percentages by pass

        def throttled():
            info = run.source.qmp.execute("query-migrate")
            percent = info.get("cpu-throttle-percentage", 0)
            check(info.get("status", "active") in ("setup", "active"), info)
            seen.setdefault(info.get("ram", {}).get("dirty-sync-count", 0),
                            []).append(percent)
            return percent >= 60
        run.source.wait(throttled, "throttle of 60 %")
        set_parameters(run.source, {"downtime-limit": 2000})
        run.finish()
        # QEMU tells of none before the first, and in the pause.
        known = [(p["pass"], p["throttle_percent"]) for p in run.passes
                 if p["throttle_percent"] is not None]
        values = [percent for _, percent in known]
        check(values == sorted(values) and max(values) >= 40, known)
        for number, percent in known:
            before = [max(seen[n]) for n in seen if n < number]
            # It goes up with a sync, be it before or after the sample.
            if number in seen and number < max(seen):
                check(max(before, default=0) <= percent <= max(seen[number]),
                      f"{percent} % in pass {number}: {seen}")
        by_round = [r["throttle_percent"] or 0 for r in run.analysis["rounds"]]
        check(max(by_round) >= 40, by_round)
        told = [f["text"] for f in run.analysis["findings"]
                if f["id"] == "throttle"]
        check(len(told) == 1 and "auto-converge" in told[0], told)
        check(any("guest throttled by" in p["text"] for p in run.passes),
              run.passes)
        return f"{values} %; {told[0]}; {check_traced(run)}"


def postcopy(capture):
    """Its pause in pieces of QEMU's trace."""
    with Lab(ELF) as lab:
        run = Run(lab, ENDLESS, {"max-bandwidth": 16 * MIB,
                                 "downtime-limit": 1},
                  capabilities=["postcopy-ram"])
        run.migrate(capture=capture)
        run.source.wait_pass(2)
        run.source.qmp.execute("migrate-start-postcopy")
        run.finish()
        found = pieces(run)
        check(list(found) == [
            "disk flush", "switchover", "final sync", "discards",
            "device state", *(["package"] if capture else []),
            *(["destination"] if migtest.qemu_version() < (8, 2)
              else ["load", "activate", "start"])], found)
        final = [s for s in run.syncs if not s["runs"]]
        check(len(final) == 1, run.syncs)
        # The log's times and ours are put together to some microseconds.
        check(abs(found["final sync"] - final[0]["sync_ms"]) < 0.1,
              (found, final))
        check(run.analysis["downtime"]["unexplained_ms"] < 0.1, found)
        check(run.passes[-1]["verdict"] == "switched", run.passes)
        for p, sync in zip(run.passes, run.syncs):
            check(p["traced"]["dirty_pages"] == sync["dirty_pages"],
                  (p, sync))
        return {name: round(ms, 2) for name, ms in found.items()}


def postcopy_traced():
    return postcopy(capture=True)


def postcopy_traced_without_a_stream():
    return postcopy(capture=False)


TRACED = [converging, raised, chosen_bandwidth, without_times, joined_late]
MODES = [ack_at_once, ack_held_back, ack_held_back_traced,
         pause_before_switchover, pause_traced, pause_without_a_stream,
         pause_without_events, pause_without_events_traced, auto_converge,
         postcopy_traced, postcopy_traced_without_a_stream]
migtest.run({"traced": TRACED, "modes": MODES}.get(GROUP, TRACED + MODES))
