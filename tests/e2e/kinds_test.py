"""Makes each kind of stream of a precopy migration with real QEMUs, and holds
the memory rebuilt from the capture, and the pages counted in it, against them.

usage: kinds_test.py migscope lab_guest.elf GROUP
"""

import os
import random
import sys

import guest_memory
import migtest
from captured import Capture, check_counts, check_transferred, check_whole
from migration_pair import GUEST, MIB, Pair, set_parameters
from migtest import Lab, Migscope, check

MIGSCOPE, ELF, GROUP = sys.argv[1:4]
VERSION = migtest.qemu_version()


def as_counted(analysis, info):
    check_counts(analysis, info)


def migrated(kind, *arguments, counts=as_counted, unknown=(), prepare=None,
             section="ram", options=None, **machine):
    """A test: a migration through the tee, its counts, all its memory. The
    stream has to have the section that makes it this kind."""
    def test():
        with Lab(ELF) as lab:
            pair = Pair(lab, *arguments, **machine)
            if prepare:
                prepare(pair.source.qmp)
            migscope = Migscope(MIGSCOPE, lab)
            session = lab.path("run.migscope")
            tee = pair.migrate(migscope, session, **(options or {}))
            pair.let_converge()
            info = pair.wait_for_end()
            migscope.finish(tee, 0)
            capture = Capture(lab, migscope, session, unknown=unknown)
            analysis = capture.analyze()
            check_whole(analysis)
            check_transferred(analysis, info)
            check(bytes([len(section)]) + section.encode()
                  in migtest.raw_stream(session), f"no section {section}")
            told = counts(analysis, info)
            size = guest_memory.compare(pair.destination, capture.block)
            return f"{size // MIB} MiB are the same{told or ''}"
    test.__name__ = kind
    return test


def xbzrle_counts(analysis, info):
    """`pages` counts what was in the cache: encoded, or sent whole since that
    was shorter (`overflow`), or not sent since nothing had changed."""
    cache, found = info["xbzrle-cache"], analysis["ram"]["totals"]["xbzrle"]
    check_counts(analysis, info, xbzrle=found)
    check(0 < found <= cache["pages"] - cache["overflow"], (found, cache))
    return f", {found} of {cache['pages']} cache hits encoded"


def compress_counts(analysis, info):
    """QEMU 7.2 counts a thread's last page once more at each flush (its
    migration/ram.c, flush_compressed_data), as zero or as compressed."""
    totals, threads = analysis["ram"]["totals"], 8
    check_counts(analysis, info, zero=totals["zero"],
                 compressed=totals["compressed"])
    counted = info["ram"]["duplicate"] + info["compression"]["pages"]
    again = counted - totals["zero"] - totals["compressed"]
    check(totals["compressed"] > 0 and again >= 0 and again % threads == 0,
          (totals, info))
    return f", {again} counted once more"


def multifd_counts(analysis, info):
    """Up to 7.2 a race sends the last page of a full packet again in the next
    packet, uncounted (migration/multifd.c, multifd_queue_page)."""
    check(analysis["input"]["channels"] == 4, analysis["input"])
    if VERSION >= (8, 0):
        return check_counts(analysis, info)
    found, counted = analysis["ram"]["totals"]["normal"], info["ram"]["normal"]
    check_counts(analysis, info, normal=found)
    check(0 <= found - counted <= found // 128, (found, counted))
    return f", {found - counted} sent twice by the race"


def multifd(kind, *arguments, machine="pc", **parameters):
    parameters = {"multifd-channels": 3, **{
        key.replace("_", "-"): value for key, value in parameters.items()}}
    return migrated("multifd, " + kind, *arguments, counts=multifd_counts,
                    capabilities=["multifd"], parameters=parameters,
                    machine=machine)


def extract(lab, session, count):
    """The channels as bare streams."""
    paths = [lab.path(f"bare-{number}") for number in range(count)]
    for number, path in enumerate(paths):
        with open(path, "wb") as file:
            file.write(migtest.raw_stream(session, number))
    return paths


def multifd_in_any_order():
    """Bare files of the channels give the same however they are ordered."""
    with Lab(ELF) as lab:
        pair = Pair(lab, capabilities=["multifd"],
                    parameters={"multifd-channels": 3,
                                "multifd-compression": "zstd"})
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        tee = pair.migrate(migscope, session)
        pair.let_converge()
        pair.wait_for_end()
        migscope.finish(tee, 0)
        whole = Capture(lab, migscope, session).analyze()
        bare = extract(lab, session, 4)
        for order in (bare[::-1], random.Random(3).sample(bare, 4)):
            capture = Capture(lab, migscope, *order)
            analysis = capture.analyze()
            check_whole(analysis)
            check(analysis["ram"]["totals"] == whole["ram"]["totals"],
                  "the totals depend on the order")
            guest_memory.compare(pair.destination, capture.block)


def shared_memory_left_out():
    """What the destination maps itself is not in the stream: unknown."""
    with Lab(ELF) as lab:
        pair = Pair(lab, *backend(lab.path("ram"), "32M"),
                    capabilities=["x-ignore-shared"])
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        tee = pair.migrate(migscope, session)
        info = pair.wait_for_end()
        migscope.finish(tee, 0)
        capture = Capture(lab, migscope, session)
        analysis = capture.analyze()
        check_whole(analysis)
        check_counts(analysis, info)
        shared = capture.blocks()["ram0"]
        check(shared["shared"]
              and shared["unknown_pages"] == shared["pages"], shared)
        size = guest_memory.compare(pair.destination, capture.block,
                                    left_out=["ram0"])
        return f"{size // 1024} KiB are the same"


def backend(path, size):
    return ["-object", f"memory-backend-file,id=ram0,size={size},share=on,"
            f"mem-path={path}", "-machine", "memory-backend=ram0"]


def tls_is_named():
    """A stream that cannot be read is told for what it is."""
    with Lab(ELF) as lab:
        pair = Pair(lab, guest="cold=1M hot=1M rate=0")
        for qemu, end in ((pair.source, "client"),
                          (pair.destination, "server")):
            qemu.qmp.execute("object-add", qom_type="tls-creds-anon",
                             id="tls0", endpoint=end)
            set_parameters(qemu, {"tls-creds": "tls0",
                                  "tls-hostname": "localhost"})
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        tee = pair.migrate(migscope, session)
        pair.let_converge(1)
        pair.wait_for_end()
        migscope.finish(tee, 0)
        out, _ = migscope.run("analyze", session, status=3)
        check("(TLS)" in out and "without the keys" in " ".join(out.split()),
              out)


def since(version, *tests):
    return tests if VERSION >= version else ()


def until(version, *tests):
    return tests if VERSION < version else ()


def add_bitmap(qmp):
    qmp.execute("block-dirty-bitmap-add", node="node", name="backup")


DISK = ["-drive", "if=none,id=disk,node-name=node,driver=null-co,size=1M,"
        "read-zeroes=on",
        "-device", "virtio-blk-pci,drive=disk"]
HOTPLUG = ["-m", "32M,maxmem=1G", "-object",
           "memory-backend-ram,id=more,size=64M", "-device",
           "virtio-mem-pci,id=hotplug,memdev=more"]
# Some pages change little from round to round, some entirely.
MIXED = GUEST + " phases=60ms:content=counter;40ms:content=random;loop"

GROUPS = {
    "main": [
        migrated("precopy"),
        migrated("xbzrle", capabilities=["xbzrle"], guest=MIXED,
                 counts=xbzrle_counts),
        *until((9, 1),
               migrated("compress", capabilities=["compress"],
                        counts=compress_counts),
               migrated("block migration", *DISK, options={"blk": True},
                        section="block")),
        migrated("dirty bitmaps", *DISK, capabilities=["dirty-bitmaps"],
                 prepare=add_bitmap, section="dirty-bitmap"),
        # Nothing is plugged in, which migrates nothing and reads as zeros.
        *since((8, 0), migrated("early device state", *HOTPLUG,
                                section="0000:00:02.0/virtio-mem-device-early",
                                unknown=["0000:00:02.0/more"])),
        shared_memory_left_out,
        tls_is_named,
    ],
    "multifd": [
        *[multifd(method, multifd_compression=method)
          for method in ("none", "zlib", "zstd")],
        *since((9, 0), multifd("zero pages as they are",
                               zero_page_detection="none"),
               multifd("zero pages on the main channel",
                       zero_page_detection="legacy"),
               multifd("old machine type", machine="pc-i440fx-8.0")),
        *since((8, 1), multifd("a sync in each section", "-global",
               "migration.multifd-flush-after-each-section=on")),
        multifd_in_any_order,
    ],
}

migtest.run(GROUPS[GROUP])
