"""What the tee does to the downtime: the same migration straight to the
destination and through a tee that stores it, in turns.

usage: tee_downtime_bench.py MIGSCOPE LAB_GUEST_ELF [RUNS]

For each QEMU that is here and each link speed the medians of RUNS (15)
migrations each, from the source's STOP to the destination's RESUME, and their
ratio; half of the runs lie within the range behind each median.
"""

import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import migtest  # noqa: E402
from migration_pair import Pair, set_parameters, wait_for_status  # noqa: E402

MIGSCOPE, ELF = sys.argv[1:3]
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 15
QEMUS = ("debian-12", "bookworm-backports", "sid")
GBIT = 125_000_000  # bytes/s
LINKS = {"1 Gbit/s": GBIT, "10 Gbit/s": 10 * GBIT}
GUEST = "cold=64M hot=16M rate=8000 pattern=random content=random"


def downtime(link, through_tee):
    """Milliseconds."""
    with migtest.Lab(ELF) as lab:
        pair = Pair(lab, guest=GUEST, run=True, memory="256M")
        set_parameters(pair.source, {"max-bandwidth": link,
                                     "downtime-limit": 300})
        pair.destination.qmp.execute("migrate-incoming",
                                     uri=pair.uri("destination"))
        migscope = migtest.Migscope(MIGSCOPE, lab)
        tee = (pair.start_tee(migscope, lab.path("tee.migscope"))
               if through_tee else None)
        pair.source.qmp.execute("migrate", uri=pair.uri(
            "tee" if through_tee else "destination"))
        wait_for_status(pair.source, "completed")
        stop = pair.source.qmp.wait_event("STOP")
        resume = pair.destination.qmp.wait_event("RESUME")
        if tee:
            migscope.finish(tee, 0)
        return (migtest.microseconds(resume)
                - migtest.microseconds(stop)) / 1000


def told(times):
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:8.2f} ms ({low:6.2f} to {high:6.2f})"


def main():
    print(f"{RUNS} runs each\n{'':32}{'straight':>29}{'through the tee':>29}"
          "   ratio")
    for suite in QEMUS:
        os.environ["MIGSCOPE_QEMU"] = suite
        if suite != "debian-12" and not os.path.exists(
                migtest.fetched_qemu(suite)):
            print(f"{suite}: not here; tools/get-qemus gets it")
            continue
        for name, link in LINKS.items():
            times = {False: [], True: []}
            for _ in range(RUNS):
                for tee, taken in times.items():
                    taken.append(downtime(link, tee))
            ratio = (statistics.median(times[True])
                     / statistics.median(times[False]))
            print(f"{suite:20}{name:>12}{told(times[False]):>29}"
                  f"{told(times[True]):>29}{ratio:8.2f}", flush=True)


main()
