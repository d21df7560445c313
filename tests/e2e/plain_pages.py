"""Pages of a plain precopy stream, read without the tool under test: RAM
sections of normal and zero pages up to the first device (format: QEMU
migration/ram.c, savevm.c)."""

import struct

from migtest import check

PAGE = 4096
ZERO, MEM_SIZE, FULL, EOS, CONTINUE, FLUSH = 0x02, 0x04, 0x08, 0x10, 0x20, 0x200
START, PART, END, DEVICE, CONFIGURATION, COMMAND, FOOTER = 1, 2, 3, 4, 7, 8, 0x7e


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def name(self):
        return self.take(self.number(1))


def ram_pages(reader):
    """(block, address, content) up to the end of a section's body."""
    block = None
    while True:
        word = reader.number(8)
        flags, address = word & 0xfff, word & ~0xfff
        if flags == EOS:
            return
        if flags == FLUSH:
            continue
        if flags == MEM_SIZE:
            while address > 0:
                reader.name()
                address -= reader.number(8)
            continue
        check(flags & ~CONTINUE in (ZERO, FULL), f"page word {word:#x}")
        if not flags & CONTINUE:
            block = reader.name()
        content = reader.take(PAGE if flags & FULL else 1)
        yield block, address, content if flags & FULL else bytes(PAGE)


def pages(stream):
    """(block, address, content) of every send."""
    reader = Reader(stream)
    check(struct.unpack(">4sI", reader.take(8)) == (b"QEVM", 3), "header")
    known = None  # a page's CONTINUE may mean one of the section before
    while True:
        kind = reader.number(1)
        if kind == CONFIGURATION:
            reader.take(reader.number(4))
        elif kind == COMMAND:
            reader.take(2)
            reader.take(reader.number(2))
        elif kind == FOOTER:
            reader.take(4)
        elif kind in (START, PART, END):
            reader.take(4)
            if kind == START:
                check(reader.name() == b"ram", "another state in pieces")
                reader.take(8)
            for block, address, content in ram_pages(reader):
                known = block or known
                yield known, address, content
        else:
            check(kind == DEVICE, f"section type {kind}")
            return
