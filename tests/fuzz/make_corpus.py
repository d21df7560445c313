#!/usr/bin/env python3
"""Makes tests/fuzz/corpus out of the fixtures and transcripts.

    make_corpus.py

Needs the zstd tool. What a target's input looks like stands at the top of its
source.
"""
import json
import pathlib
import re
import shutil
import subprocess

import hand_made
import hand_made_packets
import shrink_channels
from shrink_stream import Shrinker

HERE = pathlib.Path(__file__).parent
CORPUS = HERE / "corpus"
FIXTURES = HERE.parent / "fixtures"
TRANSCRIPTS = HERE.parent / "transcripts"
PRESETS = HERE.parents[1] / "tools/campaign/presets"
CATEGORIES = HERE.parents[1] / "analyzer/study/categories"

# Of decoder.cpp.
PAGE_256, PAGE_1024, DESCRIBED, ORIGIN, RESUMED = 0, 1, 4, 8, 16
CUTS = 0x35  # pieces of at most 32 bytes
PAGES_4096 = 1  # of multifd_channel.cpp
# Flags above the smallest page, or payloads that are larger.
LARGE_PAGES = ("compress", "xbzrle", "multifd")
WIRE_PAGE = 4096
SET_MULTIFD_BYTES = 6000  # of a channel in a set


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
        if "mapped-ram" in name:
            continue  # its pages stand at places of the file
        page = 1024 if any(word in name for word in LARGE_PAGES) else 256
        yield name, page, Shrinker(unzstd(path), page, number).run()


def decoder(small):
    for name, page, stream in small:
        flags = PAGE_1024 if page == 1024 else PAGE_256
        if b"\x00\x06" in stream:
            flags |= DESCRIBED
        write("decoder", name, bytes([flags, CUTS]) + stream)
    stream = dict((name, stream) for name, _, stream in small)["10.0-precopy"]
    write("decoder", "origin", bytes([ORIGIN | DESCRIBED, CUTS]) + stream)
    write("decoder", "mapped-ram",
          bytes([PAGE_256, CUTS]) + hand_made.mapped_ram())


def description():
    """Devices with their bodies, those alike only once, a few in each input."""
    known, group = set(), []
    for path in sorted(FIXTURES.glob("stream-*-precopy.zst")):
        shrinker = Shrinker(unzstd(path), 256)
        shrinker.run()
        for text, body in shrinker.devices:
            shape = re.sub(rb"\d", b"", text)
            if shape in known or len(text) > 4000 or len(body) > 3000:
                continue
            known.add(shape)
            group.append((text, body))
            if sum(map(len, sum(group, ()))) > 4000:
                describe(path, len(known), shrinker.head, group)
                group = []
        if group:
            describe(path, len(known), shrinker.head, group)
            group = []
    for name, (text, body) in hand_made.ODD_DEVICES.items():
        write("description", name, hand_made.be(len(body), 2) + body
              + hand_made.description(text))


def describe(path, number, head, group):
    text = head + b", ".join(text for text, _ in group) + b"]}"
    body = b"".join(body for _, body in group)
    write("description", f"{path.stem.split('-')[1]}-{number}",
          hand_made.be(len(body), 2) + body + text)


def virtio():
    """Blobs of virtio devices up to their subsections, which have room for 1024
    queues, with those that are short."""
    shrinker = Shrinker(unzstd(FIXTURES / "stream-10.0-precopy.zst"), 256)
    shrinker.run()
    for text, body in shrinker.devices:
        name = json.loads(text)["vmsd_name" if b"vmsd_name" in text else "name"]
        if not name.startswith("virtio-"):
            continue
        parts = re.split(rb"(?=\x05.virtio[/-])", body)
        blob = parts[0] + b"".join(p for p in parts[1:] if len(p) < 200)
        write("description", name, hand_made.be(len(blob), 2) + blob)


def recovered():
    """Both connections of a postcopy that was paused, as one input."""
    for path in sorted(FIXTURES.glob("channel-*-recover-0.zst")):
        shrinker = Shrinker(unzstd(path), 256)
        first = shrinker.run()
        second = shrinker.run_recovered(unzstd(
            path.with_name(path.name.replace("recover-0", "recover-1"))))
        write("decoder", path.stem.removeprefix("channel-"),
              bytes([RESUMED, CUTS]) + hand_made.be(len(first), 2) + first
              + second)


def multifd_channel():
    for path in sorted(FIXTURES.glob("channel-*-multifd-*.zst")):
        write("multifd_channel", path.stem.removeprefix("channel-"),
              bytes([PAGES_4096, CUTS])
              + shrink_channels.multifd(unzstd(path)))


def preempt_channel():
    for path in sorted(FIXTURES.glob("channel-*-preempt.zst")):
        name = path.stem.removeprefix("channel-")
        shrinker = Shrinker(unzstd(FIXTURES / f"stream-{name}.zst"), 256)
        main = shrinker.run()
        pages = shrinker.run_preempt(unzstd(path))
        write("preempt_channel", name, bytes([CUTS])
              + hand_made.be(len(main), 2) + main + pages)


def channel_set(streams):
    """Of migration.cpp: pairs of a stream and what came back, or None."""
    out = b"\x01"
    for stream, back in streams:
        out += b"\x00" + hand_made.be(len(stream), 4) + stream
        if back is not None:
            out += b"\x01" + hand_made.be(len(back), 4) + back
    return out


def unzstd_of(kind, name):
    return unzstd(FIXTURES / f"{kind}-{name}.zst")


def back_of(name):
    return shrink_channels.return_path(unzstd_of("return", name))


def migration():
    """Each kind of migration with all its channels."""
    def main_of(name, page):
        return Shrinker(unzstd_of("stream", name), page).run()

    for version in ("7.2", "10.0", "11.1"):
        alone = {"precopy": 256, "ignore-shared": 256, "dirty-bitmap": 256,
                 "no-footer": 256, "xbzrle": 1024}
        if version == "7.2":
            alone |= {"compress": 1024, "block": 256}
        for kind, page in alone.items():
            main = main_of(f"{version}-{kind}", page)
            write("migration", f"{version}-{kind}", channel_set([(main, None)]))
        for method in ("none", "zlib", "zstd"):
            name = f"{version}-multifd-{method}"
            main = main_of(name, WIRE_PAGE)
            channels = [shrink_channels.multifd(
                unzstd_of("channel", f"{name}-{i}"), SET_MULTIFD_BYTES)
                for i in (0, 1)]
            write("migration", name, channel_set(
                [(main, None)] + [(channel, None) for channel in channels]))
        preempted(version)
        recovered_set(version)
    write("migration", "10.0-postcopy",
          channel_set([(main_of("10.0-postcopy", 256), None)]))
    for kind in ("background", "no-description"):
        main = hand_made.with_page_bits(main_of(f"10.0-{kind}", 256), 8)
        write("migration", f"10.0-{kind}", channel_set([(main, None)]))
    write("migration", "mapped-ram", channel_set(
        [(hand_made.mapped_ram(hand_made.page_bits(8)), None)]))


def preempted(version):
    name = f"{version}-preempt"
    shrinker = Shrinker(unzstd_of("stream", name), 256)
    main = shrinker.run()
    pages = shrinker.run_preempt(unzstd_of("channel", name))
    write("migration", name,
          channel_set([(main, back_of(name)), (pages, None)]))


def recovered_set(version):
    name = f"{version}-recover"
    shrinker = Shrinker(unzstd_of("channel", f"{name}-0"), 256)
    first = shrinker.run()
    second = shrinker.run_recovered(unzstd_of("channel", f"{name}-1"))
    write("migration", name, channel_set([(first, back_of(f"{name}-0")),
                                          (second, back_of(f"{name}-1"))]))


def return_path():
    for path in sorted(FIXTURES.glob("return-*.zst")):
        write("return_path", path.stem.removeprefix("return-"),
              bytes([CUTS]) + shrink_channels.return_path(unzstd(path)))


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
    channel = hand_made.channel_file(stream, zstd)
    write("session_reader", "channel", b"\x01" + channel)
    write("session_reader", "channel-cut", b"\x01" + channel[:-100])
    write("session_reader", "other-writer", b"\x00" + zstd(stream[:500]))
    for path in sorted(TRANSCRIPTS.glob("*-precopy.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        text = b"".join(lines[:4] + lines[12::8])
        write("session_reader", f"monitor-{path.stem}", b"\x03" + text)
        write("session_reader", f"monitor-{path.stem}-file",
              b"\x02" + zstd(text[:1500]) + zstd(text[1500:]))
    write("session_reader", "monitor-odd",
          b"\x03" + hand_made.ODD_MONITOR_LINES)
    write("session_reader", "manifest", b"\x04" + hand_made.manifest())
    write("session_reader", "manifest-running",
          b"\x04" + hand_made.manifest(ended=None, destination=None))
    write("session_reader", "flow_log", b"\x05" + hand_made.FLOW_LINE)
    write("session_reader", "thread_log", b"\x06" + hand_made.THREAD_LINE)


def probes():
    for name, lines in hand_made.PROBE_LOGS:
        write("probes", name, b"\x60\xa0" + lines)


def plans():
    for option, folder in ((b"\0", PRESETS), (b"\1", CATEGORIES)):
        for path in sorted(folder.glob("*.toml")):
            write("plan", f"{folder.name}-{path.stem}",
                  option + path.read_bytes())
    for name, text in hand_made.PLANS:
        write("plan", name, b"\0" + text)


def containers(small):
    stream = dict((name, data) for name, _, data in small)["10.0-precopy"]
    for form, image in hand_made.save_images(stream, zstd):
        write("libvirt_header", f"save-{form}", bytes([CUTS]) + image)
    write("libvirt_header", "zstd", bytes([CUTS]) + zstd(stream))
    for version in (2, 3):
        write("qcow2", f"version-{version}",
              hand_made.qcow2(stream, version))


def main():
    if CORPUS.exists():
        shutil.rmtree(CORPUS)
    small = list(streams())
    decoder(small)
    recovered()
    description()
    virtio()
    multifd_channel()
    preempt_channel()
    return_path()
    migration()
    qmp_lines()
    session_reader(small)
    probes()
    plans()
    containers(small)
    for name, data in hand_made_packets.inputs():
        write("packets", name, data)


if __name__ == "__main__":
    main()
