"""Inputs that no fixture gives, field by field."""
import gzip
import json
import lzma
import struct


def be(value, size):
    return value.to_bytes(size, "big")


def counted(text):
    return bytes([len(text)]) + text


def page_bits(bits):
    """The configuration's first subsection, which no x86 stream has."""
    return (b"\x05" + counted(b"configuration/target-page-bits") + be(1, 4)
            + be(bits, 4))


def with_page_bits(stream, bits):
    """After magic, version, type and the counted name of the machine."""
    at = 13 + int.from_bytes(stream[9:13], "big")
    return stream[:at] + page_bits(bits) + stream[at:]


def mapped_ram(configuration=b""):
    """Two pages out of four; bitmap and pages as near as they may stand."""
    machine = b"pc-q35-10.0"
    out = (b"QEVM" + be(3, 4) + b"\x07" + be(len(machine), 4) + machine
           + configuration + b"\x05" + counted(b"configuration/capabilities") + be(1, 4)
           + be(1, 4) + counted(b"mapped-ram")
           + b"\x01" + be(2, 4) + counted(b"ram") + be(0, 4) + be(4, 4)
           + be(0x404, 8) + counted(b"pc.ram") + be(0x400, 8))
    bitmap = len(out) + 28
    pages = (bitmap + 8 + 255) // 256 * 256
    out += be(1, 4) + be(256, 8) + be(bitmap, 8) + be(pages, 8)
    out += bytes([0b0101]) + bytes(7)
    out = out.ljust(pages, b"\x00") + b"a" * 256 + bytes(256) + b"b" * 512
    foot = b"\x7e" + be(2, 4)
    return (out + be(0x10, 8) + foot + b"\x03" + be(2, 4) + be(0x10, 8) + foot
            + b"\x00")


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


def channel_file(stream, zstd):
    """As captures/session/channel_format.h tells: two frames of two chunks."""
    out, entries = b"", []
    for start, end in ((0, 700), (700, 1500)):
        for frame, size in ((index_frame(start, [100, end - start - 100]), 0),
                            (zstd(stream[start:end]), end - start)):
            out += frame
            entries.append(struct.pack("<II", len(frame), size))
    table = b"".join(entries) + struct.pack("<IBI", len(entries), 0, 0x8F92EAB1)
    return out + struct.pack("<II", 0x184D2A5E, len(table)) + table


FLOW_LINE = (
    b'{"ns":1,"channel":0,"dir":"onward","bytes":1,"unsent":0,"waiting_ns":0,'
    b'"blocked_ns":0,"stalled_ns":0,"working_ns":0,"from":{"queued":null},'
    b'"to":{"queued":0,"tcp":{"rtt_us":1,"rttvar_us":1,"cwnd":10,"unacked":0,'
    b'"retransmits":0,"notsent":0,"delivery_rate":1,"busy_us":1,'
    b'"rwnd_limited_us":0,"sndbuf_limited_us":0}}}\n')
THREAD_LINE = (
    b'{"ns":5,"end":"source","pid":40,"threads":[{"tid":41,'
    b'"name":"mig/src/main","state":"R","cpu_ns":6,"queued_ns":7}]}\n')


def manifest(**other):
    """As docs/session-format.md tells."""
    time = {"mono_ns": 2893814914621, "wall_ns": 1795375008797739219}
    end = {"address": "unix:/run/source.sock", "local": True,
           "version": {"qemu": {"major": 10, "minor": 0, "micro": 2},
                       "package": "Debian"},
           "machine": "pc-q35-10.0-machine",
           "parameters": {"max-bandwidth": 134217728},
           "capabilities": [{"capability": "events", "state": True}]}
    out = {"format": 1, "tool_version": "0.1.0", "options": {"verb": "record"},
           "started": time, "ended": time, "source": end, "destination": end,
           "channels": [{"number": 0, "bytes": 1000, "return_bytes": 10,
                         "store_error": None, "stalled_ns": 5}],
           "outcome": "completed", "outcome_detail": ""}
    return json.dumps(dict(out, **other)).encode()


ODD_MONITOR_LINES = (
    b'{"ns":1,"wall_ns":2,"end":"source","dir":"sent","text":"a"}\n'
    b'{"ns":1,"wall_ns":2,"end":"source","dir":"sent","hex":"ff0a"}\n')


def save_images(stream, zstd):
    """libvirt's save image with each compression; layout: libvirt
    src/qemu/qemu_saveimage.h."""
    text = b"<domain/>\x00<cookie/>\x00"
    packed = {0: stream, 1: gzip.compress(stream, mtime=0),
              3: lzma.compress(stream), 5: zstd(stream)}
    for number, data in packed.items():
        yield number, struct.pack("<16s5I56x", b"LibvirtQemudSave", 2,
                                  len(text), 1, number, 10) + text + data
    yield "partial", struct.pack(">16s5I56x", b"LibvirtQemudPart", 1,
                                 10, 0, 0, 0) + text[:10] + stream


def qcow2(state, version=3):
    """A disk of one cluster without data and a snapshot with a saved state;
    layout: QEMU docs/interop/qcow2.txt."""
    size = 512
    l1, table, data = 2 * size, 3 * size, 4 * size
    extra = be(len(state), 8) + be(size, 8)
    entry = (be(l1, 8) + be(2, 4) + be(1, 2) + be(4, 2) + bytes(16)
             + be(len(state), 4) + be(len(extra), 4) + extra + b"1" + b"snap")
    entry = entry.ljust((len(entry) + 7) // 8 * 8, b"\x00")
    head = (b"QFI\xfb" + be(version, 4) + bytes(12) + be(9, 4) + be(size, 8)
            + bytes(4) + be(1, 4) + be(l1, 8) + bytes(12)
            + be(1, 4) + be(size, 8) + bytes(24) + be(4, 4)
            + be(104, 4))
    count = (len(state) + size - 1) // size
    clusters = b"".join(be(data + i * size | 1 << 63, 8) for i in range(count))
    out = b"".join(part.ljust(size, b"\x00") for part in (
        head, entry, be(0, 8) + be(table | 1 << 63, 8), clusters))
    return out + state.ljust(count * size, b"\x00")


def described_field(name, kind, size, rest=""):
    return '{"name": "%s", "type": "%s", %s"size": %d}' % (name, kind, rest,
                                                          size)


def device(name, fields, body, rest=""):
    """Description and body of a device."""
    return ('{"name": "%s", "instance_id": 0, "vmsd_name": "%s", "version": 1,'
            ' "fields": [%s]%s}' % (name, name, ", ".join(fields), rest)
            ).encode(), body


def nested(fields):
    return ('"vmsd_name": "n", "version": 1, "fields": [%s], '
            % ", ".join(fields))


def description(*devices):
    return b'{"page_size": 4096, "devices": [' + b", ".join(devices) + b"]}"


U16 = described_field("a", "uint16", 2)
U64 = described_field("k", "uint64", 8)
# What no device of the fixtures has; QEMU migration/vmstate-types.c.
ODD_DEVICES = {
    # An element's description once an element, by the same keys.
    "queue": device("q", [
        described_field("list", "qtailq", 7, nested([U16]) + nested([U16]))],
        b"\x01\x00\x07\x01\x00\x08\x00"),
    "tree": device("t", [
        described_field("map", "gtree", 4 + 2 * 11 + 1,
                        nested([U16]) + nested([U16]))],
        be(2, 4) + (b"\x01" + be(5, 8) + b"\x00\x09") * 2 + b"\x00"),
    "tree-of-keys": device("t", [
        described_field("map", "gtree", 4 + 11 + 1,
                        nested([U64]) + nested([U16]))],
        be(1, 4) + b"\x01" + be(5, 8) + b"\x00\x09" + b"\x00"),
    "pointers": device("p", [
        described_field("v", "nullptr", 1, '"array_len": 2, '),
        described_field("v", "uint16", 2),
        described_field("v", "ptr-marker", 1)],
        b"00\x12\x340"),
    "subsections": device("s", [U16], b"\x00\x01" + b"\x05" + counted(b"s/x")
        + be(1, 4) + b"\x01", ', "subsections": [{"vmsd_name": "s/x", '
        '"version": 1, "fields": [%s]}]' % described_field("f", "bool", 1)),
    "opaque": (b'{"name": "o", "instance_id": 4, "size": 3, "fields": '
               b'[{"name": "data", "size": 3, "type": "buffer"}]}', b"abc"),
}


def probe_log(answered, *more):
    """100 probes, one every 2 ms; `answered` tells after how long, or None."""
    lines = [{"target": "udp:guest:7", "interval_ns": 2000000, "bytes": 84}]
    for number in range(100):
        sent = 10**9 + number * 2000000
        lines.append({"ns": sent, "sent": number})
        after = answered(number)
        if after is not None:
            lines.append({"ns": sent + after, "answered": number})
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n"
                    for line in lines + list(more))


PROBE_LOGS = [
    ("steady", probe_log(lambda n: 300000)),
    ("silence", probe_log(lambda n: None if 40 <= n < 60 else 300000)),
    ("late", probe_log(
        lambda n: 130000000 - (n - 40) * 2000000 if 40 <= n < 60 else 300000)),
    ("odd", probe_log(
        lambda n: 5000000 if n % 7 == 3 else 300000,
        {"ns": 5, "answered": 3}, {"ns": 10**10, "sent": 500},
        {"ns": 10**10, "failed": 99, "error": "Network is down"})),
]

PLANS = [
    ("own", b"""name = "own"
seed = 7
repetitions = 2
limit_s = 30.5
workloads = ["heavy", "idle"]
memory = ["96M", "1G"]
modes = ["slow", "postcopy"]
bandwidth = ["400Mbit/s", "1.5Gbit/s", "unlimited"]

[workload.heavy]
words = "cold=20% hot=40% rate=12000 content=random"

[mode.slow]
capabilities = ["auto-converge=on"]
parameters = ["cpu-throttle-initial=30"]

[lab]
guest = "linux"
probe = "udp"
link = true
"""),
    ("hooks.json", json.dumps({
        "workloads": ["idle"], "memory": ["1G"], "modes": ["precopy"],
        "hooks": {"source": "unix:a", "destination": "tcp:b:1",
                  "migrate": "sh m", "prepare": "sh p", "restore": "sh r",
                  "probe": "guest:7"}}).encode()),
]
