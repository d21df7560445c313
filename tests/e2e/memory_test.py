"""Rebuilds a guest's memory from a captured migration and compares it with the
memory of the paused destination, byte for byte.

usage: memory_test.py migscope lab_guest.elf
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import time

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# On a PC pmemsave reads the VGA device here, be there one or not.
VGA = (0xa0000, 0xc0000)
STEP = 16 * MIB


class Captured:
    """A migration through the tee to a destination that stays paused."""

    def __init__(self, lab, guest, machine, memory, *arguments):
        source = lab.start("source", guest, *arguments, machine=machine,
                           memory=memory)
        self.destination = lab.start(
            "destination", guest, "-incoming", "defer", "-S", *arguments,
            machine=machine, memory=memory)
        self.ready = source.wait_ready()
        self.migscope = Migscope(MIGSCOPE, lab)
        self.session = lab.path("tee.migscope")
        incoming, listen = lab.path("incoming.sock"), lab.path("tee.sock")
        self.destination.qmp.execute("migrate-incoming",
                                     uri=f"unix:{incoming}")
        tee = self.migscope.start("tee", "--listen", listen, "--connect",
                                  incoming, "-o", self.session)
        migtest.wait_for_listener(listen)
        source.qmp.execute("migrate", uri=f"unix:{listen}")
        self.destination.wait(self._arrived, "end of the migration")
        self.migscope.finish(tee, 0)
        source.kill()

    def _arrived(self):
        status = self.destination.qmp.execute("query-status")["status"]
        return status in ("paused", "prelaunch")

    def rebuild(self, *arguments, status=0):
        out, _ = self.migscope.run("memory", "--json", self.session,
                                   *arguments, status=status)
        return json.loads(out)


def ranges(start, end, machine):
    """The range in pieces, without what pmemsave reads from elsewhere."""
    holes = [] if machine == "microvm" else [VGA]
    while start < end:
        hole = next((h for h in holes if h[0] <= start < h[1]), None)
        if hole:
            start = hole[1]
            continue
        stop = min([end, start + STEP] + [h[0] for h in holes if h[0] > start])
        yield start, stop - start
        start = stop


def compare(truth, readers, start, end, machine):
    """Compares memory with what each `read(address, size)` gives."""
    for address, size in ranges(start, end, machine):
        expected = truth.memory(address, size)
        for read in readers:
            found = read(address, size)
            if expected != found:
                first = next(i for i in range(size) if expected[i:i + 1]
                             != found[i:i + 1])
                raise migtest.Failure(
                    f"memory differs at {address + first:#x}")


class CoreFile:
    """The PT_LOAD segments of an ELF core, by physical address."""

    def __init__(self, path):
        self.file = open(path, "rb")
        head = self.file.read(64)
        check(head[:6] == b"\x7fELF\2\1", head[:6])
        kind, machine = struct.unpack_from("<HH", head, 16)
        check((kind, machine) == (4, 62), (kind, machine))
        table, = struct.unpack_from("<Q", head, 32)
        count, = struct.unpack_from("<H", head, 56)
        self.loads = []
        for i in range(count):
            self.file.seek(table + 56 * i)
            (kind, _, offset, _, address, size,
             _, _) = struct.unpack("<IIQQQQQQ", self.file.read(56))
            if kind == 1:
                self.loads.append((address, size, offset))

    def __call__(self, address, size):
        for start, length, offset in self.loads:
            if start <= address and address + size <= start + length:
                self.file.seek(offset + address - start)
                return self.file.read(size)
        return b"".join(self(a, n) for a, n in self._split(address, size))

    def _split(self, address, size):
        edges = sorted({address, address + size}
                       | {e for a, n, _ in self.loads for e in (a, a + n)
                          if address < e < address + size})
        check(len(edges) > 2, f"nothing at {address:#x} in the core file")
        return [(a, b - a) for a, b in zip(edges, edges[1:])]


def at(path):
    def read(address, size):
        with open(path, "rb") as file:
            file.seek(address)
            return file.read(size)
    return read


def taken(path):
    return os.stat(path).st_blocks * 512


def gdb_reads(core, truth, address):
    if not shutil.which("gdb"):
        return "no gdb here"
    out = subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", f"x/16xb {address:#x}", "-c", core],
        check=True, capture_output=True, text=True).stdout
    found = bytes(int(word, 16) for line in out.splitlines()
                  if line.startswith("0x") for word in line.split()[1:])
    check(found == truth.memory(address, 16), f"gdb reads {found.hex()}")
    return f"gdb reads {address:#x}"


def all_formats():
    """A PC with little memory, in every format."""
    with Lab(ELF) as lab:
        captured = Captured(lab, "cold=16M hot=8M rate=500 content=random",
                            "pc", "128M")
        size = 128 * MIB
        report = captured.rebuild()
        check(report["complete"], report)
        check(not any(b["unknown_pages"] for b in report["blocks"]), report)
        truth = captured.destination
        raw, core = lab.path("ram.raw"), lab.path("guest.core")
        physical, blocks = lab.path("physical"), lab.path("blocks")
        captured.rebuild("--block", "pc.ram", "--output", raw)
        captured.rebuild("--format", "elf", "--output", core)
        captured.rebuild("--format", "physical", "--output", physical)
        captured.rebuild("--format", "blocks", "--output", blocks)
        check(os.path.getsize(raw) == size, "size of the raw block")
        readers = [at(physical), CoreFile(core)]
        compare(truth, [at(raw), *readers], 0, size, "pc")
        compare(truth, readers, 4 * GIB - 256 * KIB, 4 * GIB, "pc")
        with open(os.path.join(blocks, "index.json")) as file:
            index = json.load(file)
        ram = next(b for b in index if b["name"] == "pc.ram")
        with open(os.path.join(blocks, ram["file"]), "rb") as one, \
                open(raw, "rb") as other:
            check(one.read() == other.read(), "a block's two files differ")
        for path in (raw, core, physical, os.path.join(blocks, "index.json")):
            mode = os.stat(path).st_mode & 0o777
            check(mode == 0o600, f"{path} has mode {mode:o}")
        check(taken(core) < size, "the core file is not sparse")
        _, err = captured.migscope.run(
            "memory", captured.session, "--block", "pc.ram", "--output", raw,
            status=1)
        check("File exists" in err, err)
        return gdb_reads(core, truth, captured.ready.hot[0][0])


def beyond(machine, memory, below, compared):
    """Memory above 4 GiB, where the guest has its pages. `compared` bytes are
    looked at from each end of the two parts."""
    with Lab(ELF) as lab:
        captured = Captured(lab, "cold=8M hot=4M base=4G rate=300", machine,
                            f"{memory // MIB}M")
        check(captured.ready.hot[0][0] >= 4 * GIB, captured.ready.words)
        truth = captured.destination
        core, physical = lab.path("guest.core"), lab.path("physical")
        report = captured.rebuild("--format", "elf", "--output", core)
        check(not [n for n in report["layout_notes"] if "split" in n], report)
        captured.rebuild("--format", "physical", "--output", physical)
        readers = [CoreFile(core), at(physical)]
        for start, end in ((0, below), (4 * GIB, 4 * GIB + memory - below)):
            middle = min(start + compared, end)
            compare(truth, readers, start, middle, machine)
            compare(truth, readers, max(middle, end - compared), end, machine)
        check(taken(physical) < 200 * MIB, "the file is not sparse")
        return (f"{memory // MIB} MiB, {report['cpus']} vCPU, "
                + gdb_reads(core, truth, captured.ready.hot[0][0]))


def beyond_on_q35():
    return beyond("q35", 2900 * MIB, 2 * GIB, 2 * GIB)


def beyond_on_pc():
    return beyond("pc", 3600 * MIB, 3 * GIB, 64 * MIB)


def microvm():
    with Lab(ELF) as lab:
        captured = Captured(lab, "cold=16M hot=8M rate=500", "microvm", "64M")
        physical = lab.path("physical")
        captured.rebuild("--format", "physical", "--output", physical)
        compare(captured.destination, [at(physical)], 0, 64 * MIB, "microvm")
        return f"{os.path.getsize(physical)} bytes, {taken(physical)} taken"


def rounds_and_pages():
    """Pages of a round that a later one sent again, and one page's history."""
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("run.migscope")
        migscope.run("lab", "-o", session, "--qemu",
                     migtest.qemu_command()[0], "--memory", "128M",
                     "--workload", "cold=32M hot=8M rate=3000 "
                     "pattern=sequential content=counter",
                     "--parameter", f"max-bandwidth={48 * MIB}",
                     "--parameter", "downtime-limit=30")
        analysis = migscope.analyze(session)
        out, _ = migscope.run("memory", "--json", session)
        whole = json.loads(out)
        out, _ = migscope.run("memory", "--json", session, "--round", "1")
        first = json.loads(out)
        check(first["round"] == 1 and whole["round"] is None, first)

        def ram(report):
            return next(b for b in report["blocks"] if b["name"] == "pc.ram")
        check(ram(first)["digest"] != ram(whole)["digest"], "equal memories")
        last = analysis["rounds"][-1]["number"]
        out, _ = migscope.run("memory", "--json", session, "--round",
                              str(last))
        check(ram(json.loads(out)) == ram(whole), "the last round's end")
        _, err = migscope.run("memory", session, "--round", str(last + 1),
                              status=2)
        check("there is no round" in err, err)
        region = analysis["pages"]["hot_regions"][0]["regions"][0]
        out, _ = migscope.run("memory", "--json", session, "--page",
                              hex(region["address"]))
        page = json.loads(out)
        check(page["block"] == "pc.ram", page)
        check(page["offset"] == region["address"], page)
        sends = page["sends"]
        rounds = [send["round"] for send in sends]
        check(rounds == sorted(set(rounds)) and rounds[0] == 1, rounds)
        # A write to a page of counters changes its number of writes alone.
        check(all(send["changed_bytes"] <= 4 for send in sends[1:]), sends)
        return f"page {region['address']:#x}: {len(sends)} sends"


migtest.run([all_formats, beyond_on_q35, beyond_on_pc, microvm,
             rounds_and_pages])
