"""Takes a whole main channel apart and writes a small one of the same shape.

What is kept is as QEMU wrote it but for its amount: some sections of each kind,
some pages of each kind in a section, pages cut to a smaller page size, some
devices with their part of the description.
"""
import json
import re
import struct

ZERO, MEM_SIZE, PAGE, EOS, CONTINUE = 0x02, 0x04, 0x08, 0x10, 0x20
XBZRLE, COMPRESS, FLUSH = 0x40, 0x100, 0x200
WIRE_PAGE = 4096
KINDS = {1: "start", 2: "part", 3: "end", 4: "full"}

PAGES_KEPT = 2     # of each kind and block in a section
SECTIONS_KEPT = 3  # of each kind and name
DEVICES_KEPT = 3
DEVICE_BYTES = 400
DEVICE_TEXT = 1500
DISCARDS_KEPT = 2


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        out = self.data[self.at:self.at + count]
        if len(out) != count:
            raise EOFError("the stream ends early")
        self.at += count
        return out

    def integer(self, size):
        return int.from_bytes(self.take(size), "big")

    def counted(self):
        return self.take(self.integer(1))

    def peek(self):
        return self.data[self.at] if self.at < len(self.data) else None


def counted(text):
    return bytes([len(text)]) + text


def be(value, size):
    return value.to_bytes(size, "big")


class Shrinker:
    """`page` is the page size of the small stream, `first_device` how many
    devices to pass over before the first that is kept. A stream that ends early
    becomes one without the section in which it ends."""

    def __init__(self, data, page, first_device=0):
        self.data, self.page = data, page
        self.skip = first_device
        self.names, self.seen, self.kept = {}, {}, []
        self.discards = 0
        self.block_read = self.block_written = None
        at = data.rfind(b"\x00\x06")
        match = re.search(rb'\x00\x06....\{"', data[at:], re.DOTALL)
        self.head, entries = split_description(data[at + 6:] if match else b"")
        self.entries = iter(entries)
        self.devices = []  # text and body of all that are described

    def run(self):
        reader = Reader(self.data)
        out = reader.take(8)
        if reader.peek() == 7:
            out += self.configuration(reader)
        return out + self.items(reader)

    def run_recovered(self, after_pause):
        """The same of the connection that takes over after a postcopy pause."""
        self.block_read = self.block_written = None
        return self.items(Reader(after_pause))

    def run_preempt(self, pages):
        """The same of a preempt channel of this migration."""
        self.block_read = self.block_written = None
        out, _ = self.pages(Reader(pages))
        return out

    def configuration(self, reader):
        start = reader.at
        reader.take(1)
        reader.take(reader.integer(4))
        while reader.peek() == 5:
            reader.take(1)
            name = reader.counted()
            reader.take(4)
            if name.endswith(b"capabilities"):
                for _ in range(reader.integer(4)):
                    reader.counted()
            else:
                reader.take(16 if name.endswith(b"uuid") else 4)
        return self.data[start:reader.at]

    def items(self, reader):
        out = b""
        while reader.peek() is not None:
            kind = reader.integer(1)
            if kind == 0:
                return out + b"\x00" + self.description_text()
            try:
                out += (self.command(reader) if kind == 8 else
                        self.section(reader, kind))
            except EOFError:
                break
        return out

    def description_text(self):
        if not self.head:
            return b""
        head = re.sub(rb'(?<="page_size": )\d+', b"%d" % self.page, self.head)
        text = head + b", ".join(self.kept) + b"]}"
        return b"\x06" + be(len(text), 4) + text

    def command(self, reader):
        number = reader.integer(2)
        payload = reader.take(reader.integer(2))
        if number == 7:
            inner = self.items(Reader(
                reader.take(int.from_bytes(payload, "big"))))
            return struct.pack(">BHHI", 8, 7, 4, len(inner)) + inner
        if number == 3 and payload:
            payload = payload[:8] + be(self.page, 8)
        self.discards += number == 6
        if number == 6 and self.discards > DISCARDS_KEPT:
            return b""
        return struct.pack(">BHH", 8, number, len(payload)) + payload

    def section(self, reader, kind):
        start = reader.at
        number = reader.integer(4)
        if kind in (1, 4):
            name = reader.counted()
            reader.take(8)
            if kind == 1:
                self.names[number] = name
        else:
            name = self.names[number]
        head = bytes([kind]) + reader.data[start:reader.at]
        keep, body = True, b""
        if kind == 4:
            keep, body = self.device(reader, number, name)
        elif name == b"ram":
            body = self.ram(reader)
        else:
            body = self.to_footer(reader, number)
            if name == b"block":
                body = self.disk_data(Reader(body))
        foot = b""
        if reader.data[reader.at:reader.at + 5] == b"\x7e" + be(number, 4):
            foot = reader.take(5)
        seen = self.seen[name, kind] = self.seen.get((name, kind), 0) + 1
        if not keep or (kind == 2 and seen > SECTIONS_KEPT):
            return b""
        return head + body + foot

    def to_footer(self, reader, number):
        end = re.compile(re.escape(b"\x7e" + be(number, 4)) +
                         b"[\x00-\x04\x08]|$").search(reader.data, reader.at)
        return reader.take(end.start() - reader.at)

    def device(self, reader, number, name):
        text = next(self.entries, b"")
        if text:
            entry = json.loads(text)
            assert entry["name"].encode() == name
            body = reader.take(state_bytes(entry))
            self.devices.append((text, body))
        else:
            body = self.to_footer(reader, number)
        kept = self.seen.get("devices", 0)
        if len(body) > DEVICE_BYTES or len(text) > DEVICE_TEXT or \
                kept == DEVICES_KEPT:
            return False, body
        if self.skip > 0:
            self.skip -= 1
            return False, body
        self.seen["devices"] = kept + 1
        self.kept.append(text)
        return True, body

    def ram(self, reader):
        out, ended = self.pages(reader)
        if not ended:
            raise EOFError
        return out

    def pages(self, reader):
        """And whether their end was marked."""
        out, kept = b"", []
        while reader.peek() is not None:
            word = reader.integer(8)
            flags, address = word & 0x3ff, word & ~0x3ff
            if flags & MEM_SIZE:
                out += be(word, 8) + self.blocks(reader, address)
                continue
            if flags in (EOS, FLUSH):
                out += be(word, 8)
                if flags == EOS:
                    return out, True
                continue
            if not flags & CONTINUE:
                self.block_read = counted(reader.counted())
            kind, block = flags & ~CONTINUE, self.block_read
            item = self.page_item(reader, kind)
            known = kept.count((kind, block))
            if known == PAGES_KEPT or len(item) > self.page:
                continue
            kept.append((kind, block))
            # CONTINUE means the page before, which may have been left out.
            named = block != self.block_written
            self.block_written = block
            out += be(address | kind | (0 if named else CONTINUE), 8)
            out += (block if named else b"") + item
        return out, False

    def page_item(self, reader, kind):
        if kind == ZERO:
            return reader.take(1)
        if kind == PAGE:
            return reader.take(WIRE_PAGE)[:self.page]
        if kind == XBZRLE:
            encoding, size = reader.take(1), reader.take(2)
            return encoding + size + reader.take(int.from_bytes(size, "big"))
        assert kind == COMPRESS, f"page word with flags {kind:#x}"
        size = reader.take(4)
        return size + reader.take(int.from_bytes(size, "big"))

    def blocks(self, reader, total):
        start, done = reader.at, 0
        addressed = b"x-ignore-shared" in self.data[:200]
        while done < total:
            reader.counted()
            done += reader.integer(8)
            reader.take(8 if addressed else 0)
        return reader.data[start:reader.at]

    def disk_data(self, reader):
        """Data of disks as if it were zero: it comes in pieces of 1 MiB."""
        out = b""
        while reader.peek() is not None:
            word = reader.integer(8)
            device = counted(reader.counted()) if word & 1 else b""
            if word & 1 and not word & 8:
                reader.take(1 << 20)
                word |= 8
            if len(out) < 200 or word & 2:
                out += be(word, 8) + device
        return out


def split_description(text):
    """What is before the devices, and the text of each as QEMU wrote it: it
    repeats keys in an object, which a Python dict does not."""
    start = text.find(b'"devices": [') + len(b'"devices": [')
    if not text:
        return b"", []
    head, entries, text = text[:start], [], text[start:].decode()
    while text.startswith("{"):
        _, end = json.JSONDecoder().raw_decode(text)
        entries.append(text[:end].encode())
        text = text[end:].removeprefix(", ")
    return head, entries


def state_bytes(state):
    """Of a described device or subsection on the wire."""
    if "size" in state and "vmsd_name" not in state:
        return state["size"]
    fields = sum(f["size"] * f.get("array_len", 1) for f in state["fields"])
    return fields + sum(6 + len(s["vmsd_name"]) + state_bytes(s)
                        for s in state.get("subsections", []))
