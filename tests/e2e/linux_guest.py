"""A small Linux that tests boot: Debian's kernel, busybox and Python, as
tools/get-linux gets them, with files of the test's own in its first file
system."""

import os

import migtest

KERNEL = migtest.fetched("linux", "vmlinuz")
BASE = migtest.fetched("linux", "initrd")


def require():
    if not os.path.exists(BASE):
        migtest.skip("the Linux guest is not here; tools/get-linux gets it")


def entry(number, name, mode, data):
    """One file of a cpio archive (Linux Documentation/driver-api/early-
    userspace/buffer-format.rst, "newc")."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return pad(pad(head) + data)


def pad(data):
    return data + bytes(-len(data) % 4)


def write_initrd(path, files):
    """`files`: contents by name; all can be run."""
    with open(BASE, "rb") as base:
        data = pad(base.read())
    for number, (name, content) in enumerate(files.items(), 1):
        data += entry(number, name, 0o100755, content)
    with open(path, "wb") as out:
        out.write(data + entry(0, "TRAILER!!!", 0, b""))


def arguments(initrd, *words):
    """Of QEMU. The console is the first serial port."""
    return ["-kernel", KERNEL, "-initrd", initrd, "-append",
            " ".join(("console=ttyS0 quiet panic=-1", *words))]
