#!/usr/bin/env python3
"""Makes tests/fuzz/corpus out of the fixtures and transcripts.

    make_corpus.py

Needs the zstd tool. What a target's input looks like stands at the top of its
source.
"""
import json
import pathlib
import shutil
import struct
import subprocess

from shrink_stream import Shrinker, be, counted

HERE = pathlib.Path(__file__).parent
CORPUS = HERE / "corpus"
FIXTURES = HERE.parent / "fixtures"
TRANSCRIPTS = HERE.parent / "transcripts"

# Of decoder.cpp.
PAGE_256, PAGE_1024, DESCRIBED, RESUMED = 0, 1, 4, 16
CUTS = 0x35  # pieces of at most 32 bytes
# Flags above the smallest page, or payloads that are larger.
LARGE_PAGES = ("compress", "xbzrle", "multifd-main")


def zstd(data):
    return subprocess.run(["zstd", "-q", "-19", f"--stream-size={len(data)}"],
                          input=data, stdout=subprocess.PIPE, check=True).stdout


def unzstd(path):
    return subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE,
                          check=True).stdout


def write(target, name, data):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(data)


def streams():
    """Name, page size and small stream of every fixture."""
    for number, path in enumerate(sorted(FIXTURES.glob("stream-*.zst"))):
        name = path.stem.removeprefix("stream-")
        page = 1024 if name.endswith(LARGE_PAGES) else 256
        yield name, page, Shrinker(unzstd(path), page, number).run()


def decoder(small):
    for name, page, stream in small:
        flags = PAGE_1024 if page == 1024 else PAGE_256
        if b"\x00\x06" in stream:
            flags |= DESCRIBED
        write("decoder", name, bytes([flags, CUTS]) + stream)
    stream = dict((name, stream) for name, _, stream in small)["10.0-precopy"]
    write("decoder", "resumed", resumed(stream))
    write("decoder", "mapped-ram", mapped_ram())


def resumed(stream):
    """The stream up to the end of its block list, then what follows a postcopy
    pause."""
    start = stream.index(b"\x03ram") - 5
    ram_id = stream[start + 1:start + 5]
    foot = b"\x7e" + ram_id
    first = stream[:stream.index(foot, start) + 5]
    name = counted(b"pc.ram")
    second = (struct.pack(">BHH", 8, 10, len(name)) + name
              + struct.pack(">BHH", 8, 9, 0) + b"\x02" + ram_id
              + be(0x1008, 8) + name + b"r" * 256 + be(0x2022, 8) + b"\x00"
              + be(0x10, 8) + foot + b"\x03" + ram_id + be(0x10, 8) + foot
              + b"\x00")
    return bytes([RESUMED, CUTS]) + be(len(first), 2) + first + second


def mapped_ram():
    """Two pages out of four; bitmap and pages as near as they may stand."""
    machine = b"pc-q35-10.0"
    out = (b"QEVM" + be(3, 4) + b"\x07" + be(len(machine), 4) + machine
           + b"\x05" + counted(b"configuration/capabilities") + be(1, 4)
           + be(1, 4) + counted(b"mapped-ram")
           + b"\x01" + be(2, 4) + counted(b"ram") + be(0, 4) + be(4, 4)
           + be(0x404, 8) + counted(b"pc.ram") + be(0x400, 8))
    bitmap = len(out) + 28
    pages = (bitmap + 8 + 255) // 256 * 256
    out += be(1, 4) + be(256, 8) + be(bitmap, 8) + be(pages, 8)
    out += bytes([0b0101]) + bytes(7)
    out = out.ljust(pages, b"\x00") + b"a" * 256 + bytes(256) + b"b" * 512
    foot = b"\x7e" + be(2, 4)
    out += (be(0x10, 8) + foot + b"\x03" + be(2, 4) + be(0x10, 8) + foot
            + b"\x00")
    return bytes([PAGE_256, CUTS]) + out


def description(small):
    for name, _, stream in small:
        at = stream.rfind(b"\x00\x06")
        if at >= 0:
            write("description", name, stream[at:])


def qmp_lines():
    for path in sorted(TRANSCRIPTS.glob("*.jsonl")):
        for end in ("source", "destination"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            heard = [line["message"] for line in lines
                     if line["end"] == end and line["dir"] == "received"
                     and "message" in line]
            text = "\r\n".join(map(json.dumps, as_asked(heard))) + "\r\n"
            write("qmp_lines", f"{path.stem}-{end}",
                  bytes([CUTS, 1]) + text.encode())


def as_asked(messages):
    """One message of each shape, the replies with the numbers of the commands
    that qmp_lines.cpp sends: three wait until the fourth has been accepted."""
    numbers = iter([4, 1, 2, 3, *range(5, 1000)])
    shapes = set()
    for message in messages:
        value = message.get("return", message.get("event"))
        shape = json.dumps(sorted(value)) if isinstance(value, dict) else \
            json.dumps([sorted(message), value])
        if isinstance(value, dict):
            shape += str(value.get("status"))
        if shape in shapes:
            continue
        shapes.add(shape)
        if "id" in message:
            message = dict(message, id=next(numbers))
        yield message


def session_reader(small):
    stream = dict((name, data) for name, _, data in small)["10.0-precopy"]
    channel = channel_file(stream)
    write("session_reader", "channel", b"\x01" + channel)
    write("session_reader", "channel-cut", b"\x01" + channel[:-100])
    write("session_reader", "other-writer", b"\x00" + zstd(stream[:500]))
    for path in sorted(TRANSCRIPTS.glob("*-precopy.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        text = b"".join(lines[:4] + lines[12::8])
        write("session_reader", f"monitor-{path.stem}", b"\x03" + text)
        write("session_reader", f"monitor-{path.stem}-file",
              b"\x02" + zstd(text[:1500]) + zstd(text[1500:]))
    odd = (b'{"ns":1,"wall_ns":2,"end":"source","dir":"sent","text":"a"}\n'
           b'{"ns":1,"wall_ns":2,"end":"source","dir":"sent","hex":"ff0a"}\n')
    write("session_reader", "monitor-odd", b"\x03" + odd)
    write("session_reader", "manifest",
          b"\x04" + json.dumps(MANIFEST).encode())
    write("session_reader", "manifest-running", b"\x04" + json.dumps(
        dict(MANIFEST, ended=None, destination=None)).encode())


# As docs/session-format.md tells.
TIME = {"mono_ns": 2893814914621, "wall_ns": 1795375008797739219}
END = {"address": "unix:/run/source.sock", "local": True,
       "version": {"qemu": {"major": 10, "minor": 0, "micro": 2},
                   "package": "Debian"},
       "machine": "pc-q35-10.0-machine",
       "parameters": {"max-bandwidth": 134217728},
       "capabilities": [{"capability": "events", "state": True}]}
MANIFEST = {"format": 1, "tool_version": "0.1.0",
            "options": {"verb": "record"}, "started": TIME, "ended": TIME,
            "source": END, "destination": END,
            "channels": [{"number": 0, "bytes": 1000, "return_bytes": 10,
                          "store_error": None, "stalled_ns": 5}],
            "outcome": "completed", "outcome_detail": ""}


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def index_frame(offset, lengths):
    """Without its checksum, which session_reader.cpp puts in."""
    body = struct.pack("<4sB3xQIIq", b"MSIX", 1, offset, sum(lengths),
                       len(lengths), 10**9)
    body += b"".join(varint(n) + varint(2000) for n in lengths) + bytes(4)
    return struct.pack("<II", 0x184D2A5B, len(body)) + body


def channel_file(stream):
    """As captures/session/channel_format.h tells: two frames of two chunks."""
    out, entries = b"", []
    for start, end in ((0, 700), (700, 1500)):
        for frame, size in ((index_frame(start, [100, end - start - 100]), 0),
                            (zstd(stream[start:end]), end - start)):
            out += frame
            entries.append(struct.pack("<II", len(frame), size))
    table = b"".join(entries) + struct.pack("<IBI", len(entries), 0, 0x8F92EAB1)
    return out + struct.pack("<II", 0x184D2A5E, len(table)) + table


def main():
    if CORPUS.exists():
        shutil.rmtree(CORPUS)
    small = list(streams())
    decoder(small)
    description(small)
    qmp_lines()
    session_reader(small)


if __name__ == "__main__":
    main()
