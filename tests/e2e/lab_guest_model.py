"""What the pages of the lab guest must hold, written a second time from
tools/lab/guest/README.md."""

import struct
from array import array

PAGE = 4096
MASK = 0xFFFFFFFF
VOCABULARY = (
    "memory page the of a dirty guest sends round copy stops state every "
    "write again source network while that device and then queue to start "
    "bitmap is in least rate host with").split()


def scramble(x):
    x = ((x ^ x >> 16) * 0x7FEB352D) & MASK
    x = ((x ^ x >> 15) * 0x846CA68B) & MASK
    return x ^ x >> 16


def make_book(seed):
    text, state, count = "", seed, 0
    while len(text) < 2 * PAGE:
        state = (state + 0x9E3779B9) & MASK
        count += 1
        text += VOCABULARY[scramble(state) >> 27]
        text += " " if count % 12 else "\n"
    return text[:2 * PAGE].encode()


def make_random(key):
    x, words = key | 1, array("I")
    for _ in range(1020):
        x ^= x << 13 & MASK
        x ^= x >> 17
        x ^= x << 5 & MASK
        words.append(x)
    return words.tobytes()


class Model:
    def __init__(self, seed):
        self.seed = seed
        self._book = make_book(seed)

    def page(self, content, frame, writes):
        if content == "zero":
            return bytes(PAGE)
        counted = 0 if content == "counter" else writes
        key = scramble((scramble(self.seed ^ scramble(frame)) + counted)
                       & MASK)
        if content == "random":
            body = make_random(key)
        else:
            start = 4 * (key % 1024)
            body = self._book[start:start + PAGE - 16]
        return struct.pack("<4sIII", b"LAB" + content[:1].encode(), frame,
                           writes, self.seed) + body


def count_writes(memory):
    """The number in the header of each page."""
    return [struct.unpack_from("<I", memory, at + 8)[0]
            for at in range(0, len(memory), PAGE)]


def wrong_pages(model, content, start, memory):
    """Addresses of pages that are not as their own header says."""
    wrong = []
    for at in range(0, len(memory), PAGE):
        frame, page = (start + at) // PAGE, memory[at:at + PAGE]
        writes = struct.unpack_from("<I", page, 8)[0]
        if page != model.page(content, frame, writes):
            wrong.append(hex(start + at))
    return wrong
