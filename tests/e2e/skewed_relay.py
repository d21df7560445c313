"""A monitor on another host, as far as migscope can tell: a relay in a network
namespace whose QEMU has a clock of its own.

    with Namespace("a") as space:
        relay = Relay(space, "/run/a.qmp", skew=7, drift=100e-6)
        relay.address   # "tcp:198.18.0.2:41234", not a loopback address
"""

import ctypes
import ipaddress
import itertools
import json
import os
import random
import socket
import subprocess
import threading
import time

import migtest

CLONE_NEWNET = 0x40000000
_count = itertools.count()


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Namespace:
    """A network namespace with a wire to here; removed at the end."""

    def __init__(self, letter):
        number = next(_count)
        self.name = f"ms{os.getpid()}{letter}{number}"
        # Of 198.18.0.0/15, which RFC 2544 keeps for tests; another test may
        # run beside this one.
        net = ipaddress.ip_network("198.18.0.0/15")[0]
        first = net + (os.getpid() * 64 + number) % 32768 * 4
        self.here, self.there = str(first + 1), str(first + 2)

    def __enter__(self):
        ip("netns", "add", self.name)
        try:
            ip("link", "add", self.name, "type", "veth", "peer", "name",
               "wire", "netns", self.name)
            ip("addr", "add", f"{self.here}/30", "dev", self.name)
            ip("link", "set", self.name, "up")
            ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev",
               "wire")
            ip("-n", self.name, "link", "set", "wire", "up")
            ip("-n", self.name, "link", "set", "lo", "up")
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # A socket that is still open would keep the namespace and the wire.
        subprocess.run(["ip", "link", "del", self.name], capture_output=True)
        ip("netns", "del", self.name)

    def listen(self):
        """A socket of the namespace, for the whole process to use."""
        result = []

        def enter():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{self.name}", "rb") as space:
                if libc.setns(space.fileno(), CLONE_NEWNET):
                    result.append(OSError(ctypes.get_errno(), "setns"))
                    return
            result.append(socket.create_server((self.there, 0)))

        thread = threading.Thread(target=enter)  # setns() is a thread's own
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]


def namespaces_or_skip():
    if os.geteuid() != 0:
        migtest.skip("network namespaces need root")
    try:
        with Namespace("t"):
            pass
    except OSError as error:
        migtest.skip(f"no network namespaces: {error}")


class Relay:
    """Passes one client on to the monitor `path`. Events get stamps of a clock
    that is `skew` seconds ahead now and gains `drift`; total-time is left, as
    the host's monotonic clock is another one. Every line is held for up to
    `delay` seconds, more of it on the way out than on the way in."""

    def __init__(self, space, path, skew=0.0, drift=0.0, delay=0.0):
        self._monitor = path
        self.drift = drift
        self._skew, self._delay = skew, delay
        self._zero = time.time_ns()
        self._random = random.Random(1)
        self.offsets = {}  # name of the last event so: true offset in ms
        self._server = space.listen()
        host, port = self._server.getsockname()
        self.address = f"tcp:{host}:{port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def set_ahead(self, seconds):
        """As an administrator does."""
        self._skew += seconds

    def _shift(self, event):
        stamp = event["timestamp"]
        true = stamp["seconds"] * 10**9 + stamp["microseconds"] * 1000
        late = int(self._skew * 1e9 + (true - self._zero) * self.drift)
        micros = (true + late) // 1000
        event["timestamp"] = {"seconds": micros // 10**6,
                              "microseconds": micros % 10**6}
        self.offsets[event["event"]] = late / 1e6
        return event

    def _outward(self, line):
        message = json.loads(line)
        if "event" in message:
            message = self._shift(message)
        time.sleep(self._delay * self._random.random())
        return json.dumps(message).encode() + b"\n"

    def _inward(self, line):
        time.sleep(self._delay / 3 * self._random.random())
        return line + b"\n"

    def _serve(self):
        client, _ = self._server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        monitor = socket.socket(socket.AF_UNIX)
        monitor.connect(self._monitor)
        threads = [
            threading.Thread(target=self._pass, daemon=True, args=words)
            for words in ((monitor, client, self._outward),
                          (client, monitor, self._inward))]
        for thread in threads:
            thread.start()

    @staticmethod
    def _pass(reader, writer, change):
        rest = b""
        try:
            while data := reader.recv(1 << 16):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if line.strip():
                        writer.sendall(change(line.strip()))
            writer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side is gone
