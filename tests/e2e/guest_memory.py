"""What lies where in a QEMU's guest-physical memory, and whether a memory
rebuilt from a capture is the same."""

import mmap
import re

from migtest import check

PAGE = 4096


class Mapping:
    """Guest-physical memory from `start` shows `size` bytes of a RAM block
    from `offset` on."""

    def __init__(self, start, size, block, offset):
        self.start, self.size = start, size
        self.block, self.offset = block, offset


def monitor(qemu, command):
    return qemu.qmp.execute("human-monitor-command",
                            command_line=command).replace("\r", "")


def block_names(qemu):
    """Names of RAM blocks, by the names of their memory regions: the same,
    or behind the path of the device that owns it."""
    names = re.findall(r"^ *(\S+) +\d+ [KMG]iB ", monitor(qemu,
                       "info ramblock"), re.MULTILINE)
    return {name.rsplit("/", 1)[-1]: name for name in names}


def mappings(qemu):
    """All memory that the guest sees, by `info mtree -f` (QEMU
    softmmu/memory.c, mtree_print_flatview). What a device answers for is not
    in it: on a PC with a VGA device, 0xA0000-0xBFFFF."""
    view = next(view for view in monitor(qemu, "info mtree -f").split(
        "FlatView #") if 'AS "memory"' in view)
    lines = re.findall(r"^ *([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, "
                       r"(?:ram|rom|romd|nv-ram)\): (\S+)(?: @([0-9a-f]+))?",
                       view, re.MULTILINE)
    names = block_names(qemu)
    return [Mapping(int(first, 16), int(last, 16) + 1 - int(first, 16),
                    names[region], int(offset or "0", 16))
            for first, last, region, offset in lines]


def overlaps(address, areas):
    return any(start <= address < start + size for start, size in areas)


def differing_pages(mapping, found, expected, spared):
    """Guest-physical addresses; pages in the areas `spared` are not looked
    at."""
    if not spared and found == expected:
        return []
    return [hex(mapping.start + at) for at in range(0, mapping.size, PAGE)
            if found[at:at + PAGE] != expected[at:at + PAGE]
            and not overlaps(mapping.start + at, spared)]


def compare(qemu, block_file, spared=(), left_out=()):
    """Checks all memory of a stopped QEMU but the areas `spared`, (start,
    size), and the blocks `left_out`. `block_file` gives, for the name of a
    block, the file that its rebuilt memory is in. Returns the bytes that were
    compared."""
    compared = 0
    for mapping in mappings(qemu):
        if mapping.block in left_out:
            continue
        with open(block_file(mapping.block), "rb") as file, mmap.mmap(
                file.fileno(), 0, access=mmap.ACCESS_READ) as rebuilt:
            found = rebuilt[mapping.offset:mapping.offset + mapping.size]
        expected = qemu.memory(mapping.start, mapping.size)
        check(len(found) == len(expected), f"{mapping.block} is too short")
        wrong = differing_pages(mapping, found, expected, spared)
        check(not wrong, f"{len(wrong)} pages of {mapping.block} are not as "
              f"at the destination, from {wrong[:5]} on")
        compared += len(found)
    check(compared > 0, "nothing to compare")
    return compared
