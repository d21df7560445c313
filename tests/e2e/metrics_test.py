"""A real Prometheus scrapes a recording.

usage: metrics_test.py migscope lab_guest.elf
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import migtest
from migration_pair import FAST, Pair, set_parameters, wait_for_status
from migtest import Lab, Migscope, check, wait_until

MIGSCOPE, ELF = sys.argv[1:3]
CONFIG = """global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: migscope
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url):
    with urllib.request.urlopen(url, timeout=migtest.TIMEOUT) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


class Prometheus:
    """With everything in the lab's directory."""

    def __init__(self, lab, target):
        self.lab, self.port = lab, free_port()
        with open(lab.path("prometheus.yml"), "w", encoding="ascii") as file:
            file.write(CONFIG.format(port=target))
        with open(lab.path("prometheus.log"), "wb") as log:
            lab.programs.append(subprocess.Popen(
                ["prometheus", f"--config.file={lab.path('prometheus.yml')}",
                 f"--storage.tsdb.path={lab.path('tsdb')}",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=migtest.die_with_parent))
        wait_until(self.ready, "Prometheus is ready")

    def ready(self):
        with contextlib.suppress(OSError):
            return fetch(f"http://127.0.0.1:{self.port}/-/ready")
        return None

    def ask(self, expression):
        """(labels, value) of each series, by the newest scrape."""
        query = urllib.parse.urlencode({"query": expression})
        _, body = fetch(f"http://127.0.0.1:{self.port}/api/v1/query?{query}")
        return [(series["metric"], float(series["value"][1]))
                for series in json.loads(body)["data"]["result"]]

    def value(self, expression):
        found = self.ask(expression)
        return found[0][1] if found else None


class Recording:
    """`record` with metrics, beside a migration that does not converge."""

    def __init__(self, lab):
        self.lab, self.port = lab, free_port()
        self.migscope = Migscope(MIGSCOPE, lab)
        self.pair = Pair(lab, run=True, capabilities=["events"])
        self.program = self.migscope.start(
            "record", "-o", lab.path("run.migscope"), "--source",
            "unix:" + lab.path("source.record.qmp"), "--destination",
            "unix:" + lab.path("destination.record.qmp"), "--metrics-listen",
            f"127.0.0.1:{self.port}")
        migtest.wait_for_recorder(lab.path("run.migscope"))

    def url(self, path="/metrics"):
        return f"http://127.0.0.1:{self.port}{path}"

    def serves(self):
        with contextlib.suppress(OSError):
            return "migscope_passes_total" in fetch(self.url())[1]
        return False

    def migrate(self):
        uri = self.pair.uri("direct")
        self.pair.destination.qmp.execute("migrate-incoming", uri=uri)
        self.pair.source.qmp.execute("migrate", uri=uri)

    def hold(self):
        """What QEMU counts now stays nearly the same."""
        set_parameters(self.pair.source, {"max-bandwidth": 65536})
        return self.pair.source.qmp.execute("query-migrate")

    def finish(self):
        set_parameters(self.pair.source, FAST)
        wait_for_status(self.pair.source, "completed")
        self.migscope.finish(self.program, 0)


def scraped():
    with Lab(ELF) as lab:
        recording = Recording(lab)
        prometheus = Prometheus(lab, recording.port)
        wait_until(lambda: prometheus.value("up") == 1, "the target is up")
        wait_until(lambda: prometheus.value(
            'migscope_migration_status{status="none"}') == 1, "no migration")
        recording.migrate()
        recording.pair.source.wait_pass(4)
        info = recording.hold()
        passes = info["ram"]["dirty-sync-count"]
        wait_until(lambda: prometheus.value("migscope_passes_total") == passes,
                   f"{passes} passes")
        check(prometheus.value(
            'migscope_migration_status{status="active"}') == 1, "not active")
        check(prometheus.value("sum(migscope_migration_status)") == 1,
              "several statuses")
        transferred = prometheus.value("migscope_ram_transferred_bytes_total")
        check(abs(transferred - info["ram"]["transferred"]) < 1 << 20,
              (transferred, info))
        check(prometheus.value("migscope_ram_size_bytes")
              == info["ram"]["total"], info)
        check(prometheus.value("migscope_downtime_limit_seconds") == 0.001,
              prometheus.ask("migscope_downtime_limit_seconds"))
        check(abs(prometheus.value("migscope_last_answer_timestamp_seconds")
                  - time.time()) < migtest.TIMEOUT, "an old answer")
        labels, _ = prometheus.ask("migscope_recording_info")[0]
        check(labels["name"] == "run.migscope" and labels["qemu"].startswith(
            ".".join(map(str, migtest.qemu_version()))), labels)
        check(prometheus.value("resets(migscope_passes_total[1m])") == 0,
              "a counter went back")
        recording.finish()
        wait_until(lambda: prometheus.value("up") == 0, "the target is down")
        return f"{passes} passes, {transferred:.0f} bytes"


def well_formed():
    """promtool has nothing to say, before a migration and in it."""
    with Lab(ELF) as lab:
        recording = Recording(lab)
        for begin in (lambda: None, recording.migrate):
            begin()
            if begin is recording.migrate:
                recording.pair.source.wait_pass(3)
            kind, body = fetch(recording.url())
            check(kind == "text/plain; version=0.0.4; charset=utf-8", kind)
            linted = subprocess.run(["promtool", "check", "metrics"],
                                    input=body, capture_output=True, text=True)
            check(linted.returncode == 0 and not linted.stderr,
                  linted.stdout + linted.stderr)
        recording.finish()
        return f"{len(body.splitlines())} lines"


def say(port, data, answer=True):
    """The status line that comes, or nothing."""
    with socket.create_connection(("127.0.0.1", port),
                                  migtest.TIMEOUT) as client:
        client.sendall(data)
        if not answer:
            return b""
        with contextlib.suppress(ConnectionResetError):
            return client.recv(4096).split(b"\r\n")[0]
    return b""


def hostile():
    """Whatever is sent, the recording goes on and is served."""
    with Lab(ELF) as lab:
        recording = Recording(lab)
        recording.migrate()
        for data, expected in (
                (b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
                (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0"
                 b"\r\n\r\n", b"405"),
                (b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
                (b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000
                 + b"\r\n\r\n", b"431"),
                (b"GET /" + b"a" * 100_000, b"414"),
                (b"\0\xff\r\n\r\n" * 100, b"")):
            line = say(recording.port, data)
            check(expected in line, f"{data[:40]}: {line}, expected {expected}")
        with contextlib.ExitStack() as held:
            for _ in range(100):  # more than are let in, and silent
                client = socket.socket()
                held.enter_context(client)
                with contextlib.suppress(OSError):
                    client.connect(("127.0.0.1", recording.port))
                    client.sendall(b"GET /metr")
        recording.pair.source.wait_pass(3)
        wait_until(recording.serves, "it serves on")
        recording.finish()
        return "the recording went on"


def bad_addresses():
    """Nothing is recorded where nothing can be served."""
    with Lab(ELF) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for address, status, words in (
                    (f"127.0.0.1:{port}", 1, "in use"),
                    ("unix:/tmp/x", 2, "expected tcp:HOST:PORT"),
                    ("nonsense", 2, "expected tcp:HOST:PORT"),
                    ("127.0.0.1:x", 2, "--metrics-listen")):
                session = lab.path("run.migscope")
                _, err = migscope.run("record", "--source", "unix:x", "-o",
                                      session, "--metrics-listen", address,
                                      status=status)
                check(words in err, err)
                check(not os.path.exists(session), f"{address}: {session}")
        return "four"


if __name__ == "__main__":
    for name in ("prometheus", "promtool"):
        if not shutil.which(name):
            migtest.skip(f"{name} is not installed")
    migtest.run([scraped, well_formed, hostile, bad_addresses])
