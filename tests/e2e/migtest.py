"""Real QEMUs for end-to-end tests: processes, monitors, the lab guest.

    with migtest.Lab(elf) as lab:
        source = lab.start("source", "hot=4M rate=2000")
        ready = source.wait_ready()
        source.qmp.execute("stop")
        memory = source.memory(*ready.hot[0])

Everything lives in a temporary directory; leaving the block ends the QEMUs
and removes it, and the kernel ends them should the test itself be killed.
MIGSCOPE_QEMU names the QEMU: "debian-12" for the installed one, a suite that
tools/get-qemus has fetched, or a command line with its options.
"""

import contextlib
import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import schemas
from failure import Failure

TIMEOUT = 60  # seconds; generous, a busy machine is no failure
POLL = 0.005
PR_SET_PDEATHSIG = 1


def skip(reason):
    print("SKIP:", reason)
    sys.exit(77)


def check(condition, message):
    if not condition:
        raise Failure(message)


def fetched(*parts):
    """Where tools/get-* puts what it gets."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return os.path.join(cache, "migscope", *parts)


def fetched_qemu(suite):
    return fetched("qemus", suite, "qemu-system-x86_64")


def qemu_command():
    wanted = os.environ.get("MIGSCOPE_QEMU", "debian-12")
    if wanted in ("bookworm-backports", "sid"):
        if not os.path.exists(fetched_qemu(wanted)):
            skip(f"the QEMU of {wanted} is not here; tools/get-qemus gets it")
        return [fetched_qemu(wanted)]
    command = (["qemu-system-x86_64"] if wanted == "debian-12"
               else shlex.split(wanted))
    if not shutil.which(command[0]):
        skip(f"{command[0]} is not installed")
    return command


def qemu_version():
    """(7, 2, 22)"""
    text = subprocess.run([*qemu_command(), "--version"], check=True,
                          capture_output=True, text=True).stdout
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)\.(\d+)",
                                    text).groups()))


NETWORK = """ip link set lo up && ip link add switch type bridge &&
ip tuntap add port mode tap &&
tc qdisc add dev lo root tbf rate 1mbit burst 256kb limit 1mb"""


def no_network():
    """Why the lab's networks cannot be made here; empty where they can."""
    if os.geteuid() != 0:
        return "only root can make the networks of the lab"
    done = subprocess.run(["unshare", "--net", "sh", "-c", NETWORK],
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else \
        f"no network of the lab can be made here: {done.stderr.strip()}"


def wait_until(condition, what):
    """Polls until `condition` gives something true, and returns it."""
    deadline = time.monotonic() + TIMEOUT
    while not (result := condition()):
        check(time.monotonic() < deadline, f"{what}: not in {TIMEOUT} s")
        time.sleep(0.02)
    return result


@contextlib.contextmanager
def small_disk(path, size):
    """A file system of its own at `path`; gives whether it could be made."""
    os.mkdir(path)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path],
        stderr=subprocess.DEVNULL, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            shutil.rmtree(path, ignore_errors=True)
            subprocess.run(["umount", path], check=True)


def wait_for_recorder(session):
    """Until a recorder has heard from a monitor."""
    path = f"{session}/monitor.jsonl.zst"
    wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 0,
               f"{path} has lines")


def wait_for_listener(path):
    """The file of a unix socket is there before anybody listens at it."""
    accepts = 0x10000  # __SO_ACCEPTCON, include/linux/net.h

    def listens():
        with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
            sockets = [line.split() for line in file.readlines()[1:]]
        return any(words[-1] == path and int(words[3], 16) & accepts
                   for words in sockets)
    wait_until(listens, f"somebody listens at {path}")


class QmpError(Failure):
    """The monitor understood and said no."""


class Qmp:
    """A monitor on a unix socket; events pile up in `events`."""

    def __init__(self, path, timeout=TIMEOUT):
        self.events = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._buffer = b""
        try:
            self._socket.connect(path)
            self._receive(time.monotonic() + timeout)
            self.execute("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def close(self):
        self._socket.close()

    def _receive(self, deadline):
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            check(left > 0, "the monitor keeps silent")
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except socket.timeout:
                raise Failure("the monitor keeps silent") from None
            check(data, "the monitor hung up")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        return message

    def execute(self, command, timeout=TIMEOUT, **arguments):
        """Keys of `arguments` may be written with _ in place of -."""
        request = {"execute": command, "arguments": {
            key.replace("_", "-"): value for key, value in arguments.items()}}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + timeout
        while True:
            message = self._receive(deadline)
            if "error" in message:
                raise QmpError(f"{command}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def wait_event(self, name, timeout=TIMEOUT, where=lambda data: True):
        """The first such event, be it already here; it is taken out."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event["event"] == name and where(event.get("data", {})):
                    self.events.remove(event)
                    return event
            self._receive(deadline)


class Ready:
    """The guest's READY line: lists of (start, size), and its other words."""

    def __init__(self, line):
        self.words = dict(word.split("=", 1) for word in line.split()[1:])
        self.cold = self._ranges(self.words["cold"])
        self.hot = self._ranges(self.words["hot"])
        self.stack = self._ranges(self.words["stack"])

    @staticmethod
    def _ranges(text):
        ends = [part.split("-") for part in text.split(",") if part != "none"]
        return [(int(a, 16), int(b, 16) - int(a, 16)) for a, b in ends]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Qemu:
    """One QEMU with the lab guest; use Lab.start()."""

    def __init__(self, directory, name, arguments, within=()):
        self.name = name
        self.path = lambda suffix: os.path.join(directory, f"{name}.{suffix}")
        self.started = time.monotonic()
        with open(self.path("log"), "wb") as log:
            self._process = subprocess.Popen(
                [*within, *qemu_command(), *arguments,
                 "-qmp", f"unix:{self.path('qmp')},server=on,wait=off",
                 "-debugcon", f"file:{self.path('console')}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)
        try:
            self.qmp = self.wait(self._connect, "monitor")
        except BaseException:
            self.kill()
            raise

    def _connect(self):
        try:
            return Qmp(self.path("qmp"))
        except (FileNotFoundError, ConnectionRefusedError):
            return None  # not bound yet, or bound and not listening yet

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        if hasattr(self, "qmp"):
            self.qmp.close()
        self._process.kill()
        self._process.wait()

    def log(self):
        with open(self.path("log"), errors="replace") as log:
            return log.read()

    def wait(self, condition, what, timeout=TIMEOUT):
        """Polls until `condition` gives something true, and returns it."""
        deadline = time.monotonic() + timeout
        while not (result := condition()):
            if self._process.poll() is not None:
                raise Failure(f"{self.name} ended while waiting for {what}:\n"
                              + self.log())
            check(time.monotonic() < deadline,
                  f"{self.name}: no {what} in {timeout} s")
            time.sleep(POLL)
        return result

    def output(self, suffix="console"):
        """All that the guest wrote: "console" or "serial"."""
        try:
            with open(self.path(suffix), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def lines(self, prefix, suffix="console"):
        """Complete lines whose first word is `prefix`, as lists of words."""
        whole = self.output(suffix).rpartition("\n")[0].split("\n")
        return [line.split() for line in whole
                if line.split(" ", 1)[0] == prefix]

    def wait_line(self, prefix, where=lambda words: True, timeout=TIMEOUT):
        def find():
            return next(filter(where, self.lines(prefix)), None)
        return self.wait(find, f"{prefix} line", timeout)

    def wait_ready(self, timeout=TIMEOUT):
        def find():
            return re.search("^(?:READY|ERROR) .*\n", self.output(),
                             re.MULTILINE)
        line = self.wait(find, "READY", timeout).group()
        check(line.startswith("READY"), f"the guest says: {line}")
        return Ready(line)

    def wait_pass(self, number):
        """Until that many dirty-bitmap syncs of a migration are counted; that
        they are not when it ends is a failure."""
        def there():
            info = self.qmp.execute("query-migrate")
            count = info.get("ram", {}).get("dirty-sync-count", 0)
            check(count >= number or info.get("status") in (None, "setup",
                                                            "active"),
                  f"{self.name}: no pass {number}: {info}")
            return count >= number
        self.wait(there, f"pass {number}")

    def memory(self, start, size):
        """Guest-physical memory; stop the guest first."""
        path = self.path("memory")
        self.qmp.execute("pmemsave", val=start, size=size, filename=path)
        with open(path, "rb") as file:
            data = file.read()
        os.unlink(path)
        return data


class Lab:
    """A temporary directory and the QEMUs in it."""

    def __init__(self, elf):
        self.elf = elf
        self.qemus = []
        self.programs = []

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="migscope-")
        self.directory = self._directory.name
        return self

    def __exit__(self, *_):
        for program in self.programs:
            if program.poll() is None:
                program.kill()
                program.communicate()
        for qemu in self.qemus:
            qemu.kill()
        self._directory.cleanup()

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, name, guest, *arguments, machine="pc", memory="128M",
              serial=None, within=()):
        """`guest` is the guest's command line. The destination of a migration
        takes the same, and `"-incoming", "defer"` as further arguments. A
        second monitor, NAME.record.qmp, is for the command under test.
        `within`: words of a command that runs QEMU ("ip netns exec NAME")."""
        monitor = f"unix:{self.path(name + '.record.qmp')}"
        qemu = Qemu(self.directory, name, [
            "-machine", machine, "-accel", "tcg", "-m", memory,
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", serial or f"file:{self.path(name + '.serial')}",
            "-qmp", f"{monitor},server=on,wait=off",
            "-kernel", self.elf, "-append", guest, *arguments], within)
        self.qemus.append(qemu)
        return qemu


class Migscope:
    """The command under test, with a temporary directory of its own that has
    to be empty again when it is done."""

    def __init__(self, program, lab):
        self.program = program
        self.lab = lab
        self.temporary = lab.path("tmp")
        os.makedirs(self.temporary, exist_ok=True)

    def start(self, *arguments, **options):
        process = subprocess.Popen(
            [self.program, *arguments], stdin=options.pop(
                "stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, TMPDIR=self.temporary),
            preexec_fn=die_with_parent, **options)
        self.lab.programs.append(process)
        return process

    def finish(self, process, status, timeout=TIMEOUT):
        """(stdout, stderr) of a program that has to end with `status`."""
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failure(f"migscope does not end; it says:\n{err}") from None
        check(process.returncode == status,
              f"{' '.join(process.args[1:])}: status {process.returncode}, "
              f"expected {status}; it says:\n{err}{out[:1000]}")
        if process.returncode >= 0:
            left = os.listdir(self.temporary)
            check(not left, f"left behind: {left}")
        if "--json" in process.args and out:
            schemas.check(out)
        return out, err

    def kill(self, process):
        """SIGKILL; what it could not clean up is removed for it."""
        process.kill()
        process.communicate()
        shutil.rmtree(self.temporary)
        os.mkdir(self.temporary)

    def run(self, *arguments, status=0, **options):
        return self.finish(self.start(*arguments, **options), status)

    def analyze(self, path, *options, status=0):
        out, _ = self.run("analyze", "--json", *options, path, status=status)
        return json.loads(out)


def unpacked(path, torn=False):
    """The bytes of a zstd file; `torn`: it may end inside of a frame."""
    return subprocess.run(["zstd", "-dcq", path], check=not torn,
                          capture_output=True).stdout


def stored_lines(session, name="monitor"):
    """Of a log of a recording, as a list of objects."""
    text = unpacked(f"{session}/{name}.jsonl.zst")
    return [json.loads(line) for line in text.splitlines()]


def monitor_lines(session):
    """The dialogue of a recording."""
    return stored_lines(session)


def monitor_events(session, end, name):
    return [line["message"] for line in monitor_lines(session)
            if line["end"] == end and line["dir"] == "received"
            and line.get("message", {}).get("event") == name]


def microseconds(event):
    stamp = event["timestamp"]
    return stamp["seconds"] * 1_000_000 + stamp["microseconds"]


def raw_stream(session, number=0):
    return unpacked(f"{session}/channel-{number}.zst")


def stored_log(session, end, torn=False):
    """The log of a QEMU that a recording has stored."""
    return unpacked(f"{session}/qemu-{end}.log.zst", torn).decode()


def in_labs(tests, names, elf="", afterwards=lambda lab: None):
    """Those of `tests` that are named, all without names, each as a function
    that calls it with a Migscope and a Lab of its own."""
    program = sys.argv[1]

    def in_lab(test):
        def run_test():
            with Lab(elf) as lab:
                told = test(Migscope(program, lab), lab)
                afterwards(lab)
                return told
        run_test.__name__ = test.__name__
        return run_test
    return [in_lab(test) for test in tests
            if not names or test.__name__ in names]


def run(tests):
    """Runs functions in turn; each returns what is worth telling."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    qemu_command()  # skips the whole where there is none
    failed = 0
    for test in tests:
        began = time.monotonic()
        try:
            verdict, told = "ok", test()
        except Failure as failure:
            verdict, told, failed = "FAILED", failure, failed + 1
        print(f"{verdict} {test.__name__} ({time.monotonic() - began:.1f} s)"
              f": {told}", flush=True)
    sys.exit(1 if failed else 0)
