"""What a feature would have saved, told from a capture made without it, against
a second migration of the same workload with it.

usage: what_if_test.py migscope lab_guest.elf xbzrle|multifd

The guest writes its whole hot memory over several times in each pass, so that
what a pass sends does not depend on how long it takes. Both migrations are let
through in the same pass.
"""

import json
import sys

import migtest
from migration_pair import MIB, Pair, set_parameters
from migtest import Lab, Migscope, check

MIGSCOPE, ELF, GROUP = sys.argv[1:4]
LAST_PASS = 5
# Of it 48 MiB stand alone in their slots of a cache of 64 MiB, and 32 MiB share
# theirs by two.
LARGE = "cold=8M hot=80M rate=200000 content=counter"
# Of such a text about every 15th byte stays as it was: some of its pages can be
# encoded, others have no room.
TEXT = "cold=8M hot=24M rate=100000 content=text"
# Half of it compresses.
MIXED = "cold=64M cold-content=random hot=24M rate=100000 content=text"
# The only trace that QEMU leaves of a page that had not changed.
SKIPPED = "save_xbzrle_page_skipping"


def let_through(source):
    """When QEMU next thinks of it, in a tenth of a second, and with hardly a
    page more before. The pause is not held to the bandwidth."""
    set_parameters(source, {"max-bandwidth": MIB // 16,
                            "downtime-limit": 2_000_000})


class Migration:
    """One of a workload, to the end. `slow` is the bandwidth, in MiB/s, from
    the pass on that is the second to use what the first left behind."""

    def __init__(self, lab, name, guest, slow, capabilities=(), **parameters):
        self.migscope = Migscope(MIGSCOPE, lab)
        self.session = lab.path(f"{name}.migscope")
        pair = Pair(lab, "-trace", SKIPPED, guest=guest, memory="160M",
                    capabilities=[*capabilities, "events"],
                    parameters={key.replace("_", "-"): value
                                for key, value in parameters.items()})
        set_parameters(pair.source, {"max-bandwidth": 64 * MIB})
        tee = pair.migrate(self.migscope, self.session)
        self.wait_pass(pair.source, 3)
        set_parameters(pair.source, {"max-bandwidth": slow * MIB})
        self.wait_pass(pair.source, LAST_PASS)
        let_through(pair.source)
        self.info = pair.wait_for_end()
        self.migscope.finish(tee, 0)
        self.unchanged = pair.source.log().count(SKIPPED)
        for qemu in lab.qemus:
            qemu.kill()
        lab.qemus.clear()

    @staticmethod
    def wait_pass(source, number):
        source.qmp.wait_event("MIGRATION_PASS",
                              where=lambda data: data["pass"] == number)

    def analyze(self):
        out, _ = self.migscope.run("analyze", "--json", "--what-if",
                                   self.session)
        return json.loads(out)


def cache_of(analysis, mib):
    caches = {cache["cache_bytes"] // MIB: cache
              for cache in analysis["what_if"]["xbzrle"]["caches"]}
    check(list(caches) == [64, 128, 256], list(caches))
    return caches[mib]


def counted(migration, cache):
    """QEMU's own counters, and ours of the same; not hits that had not changed,
    which are not in the capture of a migration with xbzrle."""
    qemu = migration.info["xbzrle-cache"]
    return {"hits": (qemu["pages"] - migration.unchanged,
                     cache["hits"] - cache["unchanged"]),
            "misses": (qemu["cache-miss"], cache["misses"]),
            "overflows": (qemu["overflow"], cache["overflows"]),
            "encoded bytes": (qemu["bytes"], cache["encoded_bytes"])}


def check_own(again, guest, mib):
    """Of a capture made with xbzrle all is known but the unchanged pages, which
    are not in it: not a page nor a byte may be missing. In a cache that is too
    small each of them may have kept another page out of its slot."""
    analysis = again.analyze()
    cache = cache_of(analysis, mib)
    what_if = analysis["what_if"]
    check(what_if["ram_bytes"] == analysis["ram"]["totals"]["bytes"], what_if)
    check(what_if["xbzrle"]["unreadable"] == 0, what_if)
    kept_out = again.unchanged if guest is LARGE and mib == 64 else 0
    figures = {"RAM bytes": (what_if["ram_bytes"], cache["ram_bytes"]),
               **counted(again, cache)}
    for name, (truth, ours) in figures.items():
        slack = kept_out * (4096 if "bytes" in name else 1)
        check(abs(truth - ours) <= slack,
              f"{name}: {truth}, we say {ours}; {kept_out} kept out")
    return analysis


def close(name, truth, found, tolerance):
    """What it is off by, in percent."""
    off = found - truth
    check(abs(off) <= tolerance * truth,
          f"{name}: predicted {found}, it was {truth}")
    return f"{name} {100 * off / truth if truth else 0:+.1f} %"


def check_xbzrle(lab, plain, guest, mib, slow):
    """What `plain` says of such a cache, against a migration with it."""
    predicted = cache_of(plain, mib)
    again = Migration(lab, f"xbzrle-{mib}", guest, slow, ["xbzrle"],
                      xbzrle_cache_size=mib * MIB)
    truth = check_own(again, guest, mib)
    check(len(plain["rounds"]) == len(truth["rounds"]),
          (plain["rounds"], truth["rounds"]))
    figures = counted(again, predicted)
    # How many of the hits had not changed is left to chance, to what the guest
    # writes between a sync and the sending of the page: so the hits with them,
    # and what each of the others took.
    changed, encoded = figures["hits"], figures.pop("encoded bytes")
    figures["hits"] = (again.info["xbzrle-cache"]["pages"], predicted["hits"])

    def later(analysis, total):
        """Without the first round, which xbzrle does not touch."""
        return total - analysis["rounds"][0]["bytes"]
    figures["bytes"] = (later(truth, truth["ram"]["totals"]["bytes"]),
                        later(plain, predicted["ram_bytes"]))
    # How much of the last pass is sent before the migration is let through is
    # a matter of how soon this test gets to run: so each by the page looked up.
    lookups = [sum(figures[name][side]
                   for name in ("hits", "misses", "overflows"))
               for side in (0, 1)]
    per_page = {f"{name} a page": (pair[0] / lookups[0], pair[1] / lookups[1])
                for name, pair in figures.items()}
    per_page["encoded bytes a hit"] = (encoded[0] / changed[0],
                                       encoded[1] / changed[1])
    told = [close(name, *pair, 0.1) for name, pair in per_page.items()]
    return f"{mib} MiB: {', '.join(told)}"


def xbzrle_with_counters():
    """A cache that holds the hot memory, and one that is smaller."""
    with Lab(ELF) as lab:
        plain = Migration(lab, "plain", LARGE, 32).analyze()
        told = [check_xbzrle(lab, plain, LARGE, 64, slow=16),
                check_xbzrle(lab, plain, LARGE, 128, slow=1)]
        found = [f["text"] for f in plain["findings"]
                 if f["id"] == "what-if-xbzrle"]
        check(len(found) == 1
              and "xbzrle with a cache of 128 MiB" in found[0]
              and "a larger one hardly less" in found[0], found)
        return "; ".join([*told, found[0]])


def xbzrle_with_text():
    """Pages that are encoded, and pages that have no room."""
    with Lab(ELF) as lab:
        plain = Migration(lab, "plain", TEXT, 16).analyze()
        cache = cache_of(plain, 64)
        check(0 < cache["overflows"], cache)
        return check_xbzrle(lab, plain, TEXT, 64, slow=16)


def multifd_compression():
    with Lab(ELF) as lab:
        what_if = Migration(lab, "plain", MIXED, 64).analyze()["what_if"]
        told = []
        for predicted in what_if["multifd"]:
            method = predicted["method"]
            check(predicted["sampled_pages"] < predicted["pages"] / 2,
                  predicted)
            again = Migration(lab, method, MIXED, 64, ["multifd"],
                              multifd_compression=method)
            bytes = again.migscope.analyze(again.session)["ram"]["totals"][
                "bytes"]
            error = predicted["ram_bytes_error"]
            check(0 < error < 0.15 * bytes, predicted)
            off = predicted["ram_bytes"] - bytes
            check(abs(off) <= error + bytes / 20,
                  f"{method}: predicted {predicted}, it was {bytes}")
            told.append(f"{method} {bytes} bytes, predicted {off:+} +- {error}")
        check(len(told) == 2, what_if)
        return "; ".join(told)


def read_once():
    """What can be read once cannot be read twice."""
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        _, err = migscope.run("analyze", "--what-if", "-", status=2)
        check("--what-if reads the stream twice" in err, err)


if __name__ == "__main__":
    migtest.run({"xbzrle": [xbzrle_with_counters, xbzrle_with_text, read_once],
                 "multifd": [multifd_compression]}[GROUP])
