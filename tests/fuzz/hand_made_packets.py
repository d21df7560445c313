"""Captures for packets.cpp, put together by hand."""

import struct

NEAR, FAR = b"\x0a\0\0\1", b"\x0a\0\0\2"
NULL, ETHERNET, RAW, LOOP, COOKED, IPV4, IPV6, COOKED_2 = range(8)  # its order


def ipv4(protocol, payload, back=False, fragment=0):
    ends = FAR + NEAR if back else NEAR + FAR
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment,
                       64, protocol, 0) + ends + payload


def ipv6(header, payload):
    return struct.pack(">IHBB", 6 << 28, len(payload), header, 64) + \
        bytes(15) + b"\1" + bytes(15) + b"\2" + payload


def udp(payload):
    return struct.pack(">HHHH", 1000, 5004, 8 + len(payload), 0) + payload


def tcp(sequence, number, flags, size, back=False):
    ports = (80, 1000) if back else (1000, 80)
    return ipv4(6, struct.pack(">HHIIBBHHH", *ports, sequence, number, 0x50,
                               flags, 1000, 0, 0) + bytes(size), back)


def echo(kind, sequence, back=False):
    return ipv4(1, struct.pack(">BBHHH", kind, 0, 0, 9, sequence), back)


def media():
    for i in range(12):
        if i != 5:
            yield 20, ipv4(17, udp(struct.pack(
                ">BBHII", 0x80, 0, 65530 + i & 0xffff, 160 * i, 7)))
    yield 250, ipv4(17, udp(struct.pack(">BBHII", 0x80, 0, 30, 5760, 7)))


def connection():
    yield 0, tcp(99, 0, 2, 0)
    yield 1, tcp(500, 100, 0x12, 0, back=True)
    for sequence in (100, 110, 130, 120, 100, 150):
        yield 5, tcp(sequence, 501, 0x10, 10)
        yield 1, tcp(501, sequence + 10, 0x10, 0, back=True)
    yield 1, tcp(160, 501, 0x11, 0)


def pings():
    for i in range(4):
        yield 30, echo(8, i)
        if i != 2:
            yield 2, echo(0, i, back=True)


def others():
    yield 1, ipv4(17, udp(bytes(20)), fragment=0x2000)
    yield 1, ipv4(17, bytes(20), fragment=0x0003)
    chain = bytes([43, 0]) + bytes(6) + bytes([44, 0]) + bytes(6) + \
        bytes([17, 0]) + bytes(6) + udp(bytes(8))
    yield 1, ipv6(0, chain)
    yield 1, ipv6(58, struct.pack(">BBHHH", 128, 0, 0, 9, 1))
    yield 1, ipv4(47, bytes(8))


FRAMES = {
    "ethernet": (ETHERNET, lambda ip: bytes(12) + b"\x08\0" + ip),
    "vlan": (ETHERNET, lambda ip: bytes(12) + b"\x81\0\0\7\x08\0" + ip),
    "raw": (RAW, lambda ip: ip),
    "null": (NULL, lambda ip: b"\2\0\0\0" + ip),
    "cooked": (COOKED, lambda ip: bytes(14) + b"\x08\0" + ip),
    "cooked-2": (COOKED_2, lambda ip: b"\x08\0" + bytes(18) + ip),
}


def inputs():
    """Names, and inputs of the target."""
    every = {"media": media, "connection": connection, "pings": pings,
             "others": others}
    for name, packets in every.items():
        yield name, listed("raw", packets())
    for name in FRAMES:
        yield f"link-{name}", listed(name, pings())
    yield "file-pcap", b"\0" + pcap(connection())
    yield "file-cut", b"\0" + pcap(connection())[:-5]
    yield "file-pcapng", b"\0" + pcapng(pings())


def listed(frame, packets):
    link, wrap = FRAMES[frame]
    out = bytes([1, link])
    for wait, packet in packets:
        whole = wrap(packet)
        out += struct.pack(">BH", wait, len(whole)) + whole
    return out


def pcap(packets):
    out, now = struct.pack("<IHHQII", 0xa1b2c3d4, 2, 4, 0, 65535, 101), 0
    for wait, packet in packets:
        now += 1000 * wait
        out += struct.pack("<IIII", 1700000000, now, len(packet),
                           len(packet)) + packet
    return out


def block(kind, body):
    size = 12 + len(body)
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def pcapng(packets):
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 101, 0, 65535))
    now = 1700000000 * 10**6
    for wait, packet in packets:
        now += 1000 * wait
        padded = packet + bytes(-len(packet) % 4)
        out += block(6, struct.pack("<IIIII", 0, now >> 32, now & 0xffffffff,
                                    len(packet), len(packet)) + padded)
    return out
