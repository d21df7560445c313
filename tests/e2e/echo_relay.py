"""A UDP echo service with planted faults."""

import collections
import select
import socket
import threading
import time


class Echo:
    """Answers each datagram `delay` seconds after it came, but every
    `hurry_every`th at once; drops every `drop_every`th. In a silence() it drops
    all, and notes when it last answered before and first answered after."""

    def __init__(self, delay=0.0, drop_every=0, hurry_every=0,
                 address=("127.0.0.1", 0)):
        self._delay = delay
        self._drop_every = drop_every
        self._hurry_every = hurry_every
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Nothing is lost that is not planted, however busy the machine: as root
        # also beyond net.core.rmem_max (SO_RCVBUFFORCE).
        for option in (socket.SO_RCVBUF, 33):
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
            except PermissionError:
                pass
        self._socket.bind(address)
        self._waiting = collections.deque()
        self._silent_until = 0.0
        self._was_silent = False
        self._last = 0.0
        self._ending = False
        self.port = self._socket.getsockname()[1]
        self.seen = self.dropped = 0
        self.silences = []  # seconds between two answers
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending = True
        self._thread.join()
        self._socket.close()

    def silence(self, seconds):
        self._silent_until = time.monotonic() + seconds

    def _run(self):
        while not self._ending:
            wait = 0.05
            if self._waiting:
                wait = max(0, self._waiting[0][0] - time.monotonic())
            if select.select([self._socket], [], [], wait)[0]:
                self._take(*self._socket.recvfrom(2048))
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                self._answer(*self._waiting.popleft()[1:])

    def _take(self, data, peer):
        now = time.monotonic()
        self.seen += 1
        if now < self._silent_until:
            self._was_silent = True
            self.dropped += 1
        elif self._drop_every and self.seen % self._drop_every == 0:
            self.dropped += 1
        elif self._hurry_every and self.seen % self._hurry_every == 0:
            self._answer(data, peer)
        else:
            self._waiting.append((now + self._delay, data, peer))

    def _answer(self, data, peer):
        self._socket.sendto(data, peer)
        now = time.monotonic()
        if self._was_silent:
            self._was_silent = False
            self.silences.append(now - self._last)
        self._last = now
