"""Captures a stream without migscope's own migration: tee and capture.

usage: capture_test.py migscope lab_guest.elf
"""

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import termios

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
GUEST = "cold=32M hot=4M rate=2000 content=random"


def wait_for_end(source):
    def ended():
        info = source.qmp.execute("query-migrate")
        return info if info.get("status") in ("completed", "failed",
                                              "cancelled") else None
    return migtest.wait_until(ended, "the migration ends")


def check_against(analysis, info):
    totals = analysis["ram"]["totals"]
    check(totals["normal"] == info["ram"]["normal"], (totals, info))
    check(totals["zero"] == info["ram"]["duplicate"], (totals, info))
    check(analysis["outcome"]["status"] == "completed", analysis["outcome"])


def through_the_tee():
    with Lab(ELF) as lab:
        source = lab.start("source", GUEST)
        destination = lab.start("destination", GUEST, "-incoming", "defer")
        source.wait_ready()
        source.qmp.execute("migrate-set-capabilities", capabilities=[
            {"capability": "return-path", "state": True}])
        destination.qmp.execute("migrate-set-capabilities", capabilities=[
            {"capability": "return-path", "state": True}])
        destination.qmp.execute("migrate-incoming",
                                uri=f"unix:{lab.path('destination.sock')}")
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("tee.migscope")
        tee = migscope.start("tee", "--listen", lab.path("tee.sock"),
                             "--connect", lab.path("destination.sock"),
                             "-o", session)
        migtest.wait_for_listener(lab.path("tee.sock"))
        source.qmp.execute("migrate", uri=f"unix:{lab.path('tee.sock')}")
        destination.qmp.wait_event("RESUME")
        migscope.finish(tee, 0)
        info = wait_for_end(source)
        check(not os.path.exists(lab.path("tee.sock")), "a socket is left")
        check_against(migscope.analyze(session), info)
        back = migtest.unpacked(f"{session}/channel-0.return.zst")
        # SHUT with status 0: the destination has everything.
        check(back.endswith(bytes.fromhex("0001000400000000")), back[-16:])
        for name in os.listdir(session):
            mode = os.stat(os.path.join(session, name)).st_mode & 0o777
            check(mode == 0o600, f"{name} has mode {mode:o}")
        return f"{len(back)} bytes on the return path"


def tee_without_a_destination():
    """At every address, as QEMU's tcp::PORT; ends when it is refused."""
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("tee.migscope")
        tee = migscope.start("tee", "--listen", "tcp::0", "--connect",
                             lab.path("nobody.sock"), "-o", session)
        line = tee.stderr.readline()
        check("listening at tcp::" in line, line)
        port = int(line.rsplit(":", 1)[1])
        with migtest.socket.create_connection(("127.0.0.1", port)):
            migscope.finish(tee, 1)


def no_stream():
    """What is none is told as what it is, and leaves nothing."""
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("none.migscope")
        migscope.run("capture", "-o", session, status=1)
        check(not os.path.exists(session), "an empty recording")
        _, err = migscope.run("analyze", MIGSCOPE, status=1)
        check("expected the main channel of a migration" in err, err)


def through_exec():
    with Lab(ELF) as lab:
        source = lab.start("source", GUEST)
        source.wait_ready()
        session = lab.path("exec.migscope")
        source.qmp.execute("migrate", uri="exec:" + " ".join(
            [shlex.quote(MIGSCOPE), "capture", "-o", shlex.quote(session)]))
        info = wait_for_end(source)
        check(info["status"] == "completed", info)
        migscope = Migscope(MIGSCOPE, lab)
        check_against(migscope.analyze(session), info)


def from_a_file_and_a_pipe():
    with Lab(ELF) as lab:
        source = lab.start("source", GUEST)
        source.wait_ready()
        source.qmp.execute("stop")
        path = lab.path("stream.bin")
        source.qmp.execute("migrate",
                           uri=f"exec:cat > {shlex.quote(path)}")
        info = wait_for_end(source)
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("file.migscope")
        with open(path, "rb") as file:
            migscope.run("capture", "-o", session, stdin=file)
        check_against(migscope.analyze(session), info)
        whole = migscope.analyze(path)
        check_against(whole, info)
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
            process = migscope.start("analyze", "--json", "-",
                                     stdin=cat.stdout)
            out, _ = migscope.finish(process, 0)
        piped = migtest.json.loads(out)
        for key in ("ram", "stop_and_copy", "rounds"):
            check(piped[key] == whole[key], f"{key} differs through a pipe")


def is_drained(pipe):
    waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(waiting, sys.byteorder) == 0


def interrupted_capture():
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        session = lab.path("cut.migscope")
        reader, writer = os.pipe()
        process = migscope.start("capture", "-o", session, stdin=reader)
        os.close(reader)
        os.write(writer, b"QEVM\0\0\0\3")
        migtest.wait_until(lambda: is_drained(writer), "the pipe is read")
        process.send_signal(signal.SIGTERM)
        migscope.finish(process, 130)
        os.close(writer)
        check(migtest.raw_stream(session) == b"QEVM\0\0\0\3", "bytes are lost")


def every_cut():
    """A stream cut anywhere gives what was complete before the cut."""
    with Lab(ELF) as lab:
        source = lab.start("source", "cold=4M hot=1M rate=500", memory="24M")
        source.wait_ready()
        path = lab.path("stream.bin")
        source.qmp.execute("migrate",
                           uri=f"exec:cat > {shlex.quote(path)}")
        wait_for_end(source)
        migscope = Migscope(MIGSCOPE, lab)
        whole = migscope.analyze(path)
        size = os.path.getsize(path)
        cuts = sorted({1, 4, 7, 8, 9, size - 1,
                       *range(1, size, size // 60)})
        shrunk, before = lab.path("cut.bin"), 0
        for cut in cuts:
            with open(path, "rb") as file, open(shrunk, "wb") as out:
                out.write(file.read(cut))
            analysis = migscope.analyze(shrunk, status=3)
            check(not analysis["input"]["complete"], cut)
            problem = analysis["input"]["problems"][-1]
            check(problem["offset"] is not None and problem["offset"] <= cut,
                  problem)
            pages = (analysis["ram"] or {"totals": {"normal": 0}})[
                "totals"]["normal"]
            check(before <= pages <= whole["ram"]["totals"]["normal"],
                  f"{pages} pages at {cut}")
            before = pages
        return f"{len(cuts)} cuts of {size} bytes"


migtest.run([through_the_tee, tee_without_a_destination, no_stream,
             through_exec, from_a_file_and_a_pipe,
             interrupted_capture, every_cut])
