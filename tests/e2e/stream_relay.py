"""Stands between a source and the tee, and is slow where a test wants it."""

import re
import socket
import threading
import time

PIECE = 1 << 16


class Moments:
    """Finds moments of the pause in a stream that goes by, each once: the bytes
    before it have been passed on when its action is called.

    `ram`: the first bytes of the RAM END section; `devices`: all of it. The
    stream is told apart by its sections' footers, which do not occur in the
    lab guest's text by chance."""

    def __init__(self, actions):
        self.actions = actions
        self.patterns = None

    def _learn(self, head):
        start = re.search(rb"\x01(....)\x03ram", head, re.DOTALL)
        ident = re.escape(start.group(1))
        # Behind a footer or the SWITCHOVER_START command of 10.0.
        self.patterns = {
            "ram": rb"(?:\x7e" + ident + rb"|\x08\x00\x0b\x00\x00)\x03"
                   + ident + rb".{16}",
            "devices": rb"\x7e" + ident + rb"(?=\x04)",
        }

    def split(self, tail, piece):
        """Yields (bytes to pass on, action or None). `tail` is what went by
        before."""
        if not self.actions:
            yield piece, None
            return
        data = tail + piece
        if self.patterns is None:
            self._learn(data)
        done = len(tail)
        for name, pattern in self.patterns.items():
            if name not in self.actions:
                continue
            found = re.search(pattern, data, re.DOTALL)
            if found and found.end() >= done:
                yield data[done:found.end()], self.actions.pop(name)
                done = found.end()
        yield data[done:], None


class StreamRelay:
    """Listens at `listen` for one connection and passes it on to `connect`,
    both unix sockets. `actions`: see Moments; they may sleep. `rate` is in
    bytes/s, of the whole stream. What comes back from the destination is held
    until the event `back` is set."""

    def __init__(self, listen, connect, actions=None, rate=None, back=None):
        self.connect = connect
        self.back = back
        self.moments = Moments(dict(actions or {}))
        self.rate = rate
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(listen)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        source, _ = self._listener.accept()
        self._listener.close()
        destination = socket.socket(socket.AF_UNIX)
        destination.connect(self.connect)
        back = threading.Thread(target=self._pass_on,
                                args=(destination, source), daemon=True)
        back.start()
        self._pass_stream(source, destination)
        back.join()

    def _pass_on(self, origin, target):
        while piece := origin.recv(PIECE):
            if self.back:
                self.back.wait()
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)

    def _pass_stream(self, source, destination):
        tail, sent, began = b"", 0, time.monotonic()
        while piece := source.recv(PIECE):
            for part, action in self.moments.split(tail, piece):
                destination.sendall(part)
                if action:
                    action()
            tail = (tail + piece)[-2 * PIECE:]
            sent += len(piece)
            if self.rate:
                time.sleep(max(0, began + sent / self.rate - time.monotonic()))
        destination.shutdown(socket.SHUT_WR)
