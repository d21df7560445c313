"""Snapshots of the lab guest in files: mapped-ram and background-snapshot. The
memory rebuilt from the file is held against a QEMU that was started from it.

usage: snapshot_test.py migscope lab_guest.elf
"""

import shlex
import sys

import guest_memory
import migtest
from captured import Capture, check_counts, check_whole
from migration_pair import (FAST, MIB, Pair, set_capabilities,
                            set_parameters, wait_for_status)
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
VERSION = migtest.qemu_version()


def load(pair, uri):
    pair.destination.qmp.execute("migrate-incoming", uri=uri)
    wait_for_status(pair.destination, "completed")


def mapped_ram(kind, *capabilities, stopped=False, offset="", **parameters):
    """Pages that are written again take the place of the old ones: the file
    has as many as QEMU counts only where the guest was stopped."""
    def test():
        with Lab(ELF) as lab:
            pair = Pair(lab, capabilities=["mapped-ram", *capabilities],
                        parameters={key.replace("_", "-"): value for
                                    key, value in parameters.items()})
            path = lab.path("snapshot") + offset
            uri = "file:" + path
            if stopped:
                pair.source.qmp.execute("stop")
            pair.source.qmp.execute("migrate", uri=uri)
            if not stopped:
                pair.source.wait_pass(3)
            set_parameters(pair.source, FAST)
            info = wait_for_status(pair.source, "completed")
            load(pair, uri)
            capture = Capture(lab, Migscope(MIGSCOPE, lab), path)
            analysis = capture.analyze()
            check_whole(analysis)
            found = analysis["ram"]["totals"]["normal"]
            counted = info["ram"]["normal"]
            check(found == counted if stopped else 0 < found < counted,
                  f"{found} pages, QEMU counts {counted}")
            size = guest_memory.compare(pair.destination, capture.block)
            return (f"{size // MIB} MiB are the same; {found} pages, "
                    f"{counted} were written")
    test.__name__ = "mapped-ram, " + kind
    return test


def background_snapshot():
    """The guest runs on; the file has its memory as it was in the beginning,
    each page once."""
    with Lab(ELF) as lab:
        pair = Pair(lab)
        set_capabilities(pair.source, ["background-snapshot"])
        path = shlex.quote(lab.path("snapshot"))
        pair.source.qmp.execute("migrate", uri=f"exec:cat > {path}")
        info = wait_for_status(pair.source, "completed")
        load(pair, f"exec:cat {path}")
        capture = Capture(lab, Migscope(MIGSCOPE, lab), lab.path("snapshot"))
        analysis = capture.analyze()
        check_whole(analysis, "background-snapshot")
        check_counts(analysis, info)
        check(analysis["ram"]["totals"]["resent_pages"] == 0,
              analysis["ram"]["totals"])
        size = guest_memory.compare(pair.destination, capture.block)
        return f"{size // MIB} MiB are the same"


def can_protect_pages():
    """Background snapshots need userfaultfd's write protection."""
    with Lab(ELF) as lab:
        qemu = lab.start("asked", "cold=0 hot=4K rate=0")
        try:
            set_capabilities(qemu, ["background-snapshot"])
        except migtest.QmpError as error:
            print("SKIP background_snapshot:", error)
            return False
        return True


tests = [background_snapshot] if can_protect_pages() else []
if VERSION >= (9, 0):
    tests += [
        mapped_ram("stopped guest", stopped=True),
        mapped_ram("running guest"),
        mapped_ram("multifd", "multifd", multifd_channels=3),
        mapped_ram("behind an offset", offset=",offset=73728"),
        mapped_ram("multifd behind an offset", "multifd",
                   offset=",offset=73728"),
    ]
if not tests:
    migtest.skip("no kind of snapshot can be made here")
migtest.run(tests)
