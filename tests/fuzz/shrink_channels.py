"""The first messages of a multifd channel or a return path."""
import struct

HELLO_BYTES = 64
WIRE_PAGE = 4096
HEADER_BYTES = 320 + 8 * (524288 // WIRE_PAGE)
MULTIFD_BYTES = 9000
MESSAGES_KEPT = 3  # of each kind
RECV_BITMAP = 5


def multifd(data, most=MULTIFD_BYTES):
    """Packets whose pages are not compressed are left with one page."""
    out, at = data[:HELLO_BYTES], HELLO_BYTES
    while at < len(data):
        head = bytearray(data[at:at + HEADER_BYTES])
        flags, _, pages, size = struct.unpack_from(">4I", head, 8)
        size = size if pages else 0  # else what is left of an earlier packet
        payload = data[at + HEADER_BYTES:at + HEADER_BYTES + size]
        at += HEADER_BYTES + size
        if pages and not flags & 0x3e:
            struct.pack_into(">2I", head, 16, 1, WIRE_PAGE)
            payload = payload[:WIRE_PAGE]
        if len(out) + len(head) + len(payload) > most:
            break
        out += bytes(head) + payload
    return out


def return_path(data):
    out, at, kept = b"", 0, []
    while at < len(data):
        kind, size = struct.unpack_from(">2H", data, at)
        end = at + 4 + size
        if kind == RECV_BITMAP:
            # Outside of the frame: size, bitmap, end mark.
            end += 8 + struct.unpack_from(">Q", data, end)[0] + 8
        if kept.count(kind) < MESSAGES_KEPT:
            out += data[at:end]
        kept.append(kind)
        at = end
    return out
