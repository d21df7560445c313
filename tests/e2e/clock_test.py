"""Clocks of other hosts: QEMU's monitors behind relays that shift the events'
time stamps, in network namespaces of their own. The true offset has to lie in
the interval that the analysis prints, every time.

usage: clock_test.py migscope lab_guest.elf
"""

import contextlib
import sys
import time

import migtest
from migtest import Lab, Migscope, check
from skewed_relay import Namespace, Relay, namespaces_or_skip

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
GUEST = "cold=16M hot=4M rate=2000 content=random"
EVENT = {"source": "STOP", "destination": "RESUME"}
SKEWS = (0.0, 7.0, -0.25)
DRIFTS = (0.0, 100e-6)


@contextlib.contextmanager
def pair(clocks, real=False, bandwidth=64 * MIB):
    """Two QEMUs; `clocks` gives the ends that stand in a namespace the
    arguments of their Relay. `real`: the QEMUs run in there, too."""
    with contextlib.ExitStack() as stack:
        spaces = {end: stack.enter_context(Namespace(end[0]))
                  for end in clocks}
        lab = stack.enter_context(Lab(ELF))
        within = {end: ["ip", "netns", "exec", space.name]
                  for end, space in spaces.items() if real}
        source = lab.start("source", GUEST, within=within.get("source", ()))
        destination = lab.start("destination", GUEST, "-incoming", "defer",
                                within=within.get("destination", ()))
        source.wait_ready()
        source.qmp.execute("migrate-set-parameters", max_bandwidth=bandwidth)
        relays = {end: Relay(spaces[end], lab.path(f"{end}.record.qmp"),
                             **clock) for end, clock in clocks.items()}
        yield lab, relays, spaces, source, destination


def monitors(lab, relays, ends=("source", "destination")):
    return [word for end in ends for word in (
        f"--{end}", relays[end].address if end in relays
        else f"unix:{lab.path(f'{end}.record.qmp')}")]


def check_clocks(analysis, relays):
    """Returns the widths of the intervals."""
    widths = []
    for end, relay in relays.items():
        clock = analysis["clocks"][end]
        check(clock and not clock["local"], f"{end}: {clock}")
        check(clock["at"] == EVENT[end], clock)
        true = relay.offsets[EVENT[end]]
        low, high = clock["offset_low_ms"], clock["offset_high_ms"]
        check(low is not None and low <= true <= high,
              f"{end}: {true} ms is not in {clock}")
        if clock["drift_low_ppm"] is not None:
            check(clock["drift_low_ppm"] <= relay.drift * 1e6
                  <= clock["drift_high_ppm"], f"{end}: drift in {clock}")
        # Milliseconds, but a busy machine answers late.
        check(high - low < 1000, f"{end}: that says nothing: {clock}")
        check(clock["low_evidence"] and clock["high_evidence"], clock)
        widths.append(f"{end} {high - low:.2f} ms")
    return ", ".join(widths)


def true_downtime(session, relays):
    """By the stamps, with the relays' shifts taken out again."""
    at = {end: migtest.microseconds(
              migtest.monitor_events(session, end, EVENT[end])[-1]) / 1000
          - (relays[end].offsets[EVENT[end]] if end in relays else 0)
          for end in EVENT}
    return at["destination"] - at["source"]


def check_downtime(analysis, session, relays):
    downtime = analysis["downtime"]
    true = true_downtime(session, relays)
    check(abs(downtime["total_ms"] - true)
          <= downtime["clock_error_ms"] + 0.002,
          f"{true} ms is not in {downtime}")
    pieces = sum(phase["duration_ms"] for phase in downtime["phases"])
    check(abs(pieces + downtime["unexplained_ms"] - downtime["total_ms"])
          < 0.001, downtime)
    return (f"downtime {downtime['total_ms']:.2f} +- "
            f"{downtime['clock_error_ms']:.2f} ms, truly {true:.2f}")


def migrate(clocks, *options, real=False):
    """One migration; `real` also sends its stream from one namespace to the
    other, through the tee out here."""
    with pair(clocks, real) as (lab, relays, spaces, *_):
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        uri = f"unix:{lab.path('migration.sock')}"
        tee = f"unix:{lab.path('tee.sock')}"
        if real:
            uri = f"tcp:{spaces['destination'].there}:4444"
            tee = f"tcp:{spaces['source'].here}:4444"
        migscope.run("migrate", *monitors(lab, relays), "-o", session, "--uri",
                     uri, *(["--tee", tee] if "--capture" in options else []),
                     *options)
        analysis = migscope.analyze(session)
        text, _ = migscope.run("analyze", session)
        told = [line for line in text.splitlines()
                if line.startswith("clock")]
        check(len(told) == len(relays), text)
        widths = check_clocks(analysis, relays)
        return f"{widths}; {check_downtime(analysis, session, relays)}"


def every_clock(*options):
    for ends in (["source"], ["destination"], ["source", "destination"]):
        for skew in SKEWS:
            for drift in DRIFTS:
                # The other end's is another one.
                clocks = {end: {"skew": skew if i == 0 else -skew / 2,
                                "drift": drift if i == 0 else -drift,
                                "delay": 0.002} for i, end in enumerate(ends)}
                told = migrate(clocks, *options)
                print(f"  {'+'.join(ends)} {skew:+} s, {drift * 1e6:.0f} ppm: "
                      f"{told}", flush=True)


def without_the_stream():
    every_clock()


def with_the_tee():
    every_clock("--capture")


def two_namespaces():
    """QEMUs, monitors and the stream, all over the wire."""
    return migrate({"source": {"skew": 7.0, "drift": 100e-6},
                    "destination": {"skew": -0.25, "drift": -100e-6}},
                   "--capture", real=True)


def source_only():
    """A long migration that somebody else started; one monitor."""
    with pair({"source": {"skew": -0.25, "drift": 100e-6, "delay": 0.002}},
              bandwidth=2 * MIB) as (lab, relays, _, source, destination):
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        process = migscope.start("record", *monitors(lab, relays, ["source"]),
                                 "-o", session, "--enable-events")
        source.wait(lambda: any(
            c["capability"] == "events" and c["state"] for c
            in source.qmp.execute("query-migrate-capabilities")), "events")
        uri = f"unix:{lab.path('migration.sock')}"
        destination.qmp.execute("migrate-incoming", uri=uri)
        source.qmp.execute("migrate", uri=uri)
        time.sleep(15)
        source.qmp.execute("migrate-set-parameters", max_bandwidth=1 << 30)
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check(analysis["clocks"]["destination"] is None, analysis["clocks"])
        check(analysis["downtime"]["clock_error_ms"] is None, "an error")
        return check_clocks(analysis, relays)


def a_clock_that_is_set():
    """It is noticed, and the events are taken as they arrive."""
    with pair({"source": {"delay": 0.002}}, bandwidth=8 * MIB) as (
            lab, relays, _, source, destination):
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        process = migscope.start(
            "migrate", *monitors(lab, relays), "-o", session, "--uri",
            f"unix:{lab.path('migration.sock')}")
        source.wait(lambda: source.qmp.execute("query-migrate").get(
            "ram", {}).get("dirty-sync-count"), "first pass")
        relays["source"].set_ahead(0.5)
        source.qmp.execute("migrate-set-parameters", max_bandwidth=1 << 30)
        migscope.finish(process, 0)
        analysis = migscope.analyze(session)
        check(analysis["clocks"]["source"]["contradiction"], analysis)
        check(analysis["downtime"]["clock_error_ms"] is None, "an error")
        check(any("clock was set" in p["message"]
                  for p in analysis["input"]["problems"]), analysis["input"])
        return analysis["clocks"]["source"]["contradiction"]


namespaces_or_skip()
migtest.run([two_namespaces, source_only, a_clock_that_is_set, with_the_tee,
             without_the_stream])
