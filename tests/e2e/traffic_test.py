#!/usr/bin/env python3
"""Figures of captured traffic, against tshark and against what was planted:
real TCP, RTP and echo over links with a bottleneck, in network namespaces of
this test's own.

    traffic_test.py MIGSCOPE [TEST...]
"""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import migtest
from migtest import check

NEAR, FAR = "10.7.0.1", "10.7.1.1"  # of the two hosts
MEDIA = 5004  # port
PACKET = 160  # samples of RTP, 20 ms at 8000 Hz
PCMU = 0


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Hosts:
    """near - router - far. This process is near; the way from the router to
    far is a bottleneck, whose queue drops what is too much. Far cannot see
    what was dropped, near can."""

    def __enter__(self):
        ip("link", "set", "lo", "up")
        for name in ("router", "far"):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "near0", "type", "veth", "peer", "name", "left",
           "netns", "router")
        ip("-n", "router", "link", "add", "right", "type", "veth", "peer",
           "name", "far0", "netns", "far")
        self._address((), "near0", NEAR)
        self._address(("-n", "router"), "left", "10.7.0.2")
        self._address(("-n", "router"), "right", "10.7.1.2")
        self._address(("-n", "far"), "far0", FAR)
        ip("route", "add", "default", "via", "10.7.0.2")
        ip("-n", "far", "route", "add", "default", "via", "10.7.1.2")
        self.forward(True)
        # As on a wire: one packet is one segment.
        for name, link in ((None, "near0"), ("router", "left"),
                           ("router", "right"), ("far", "far0")):
            words = ["ip", "link", "set", link, "gso_max_segs", "1"]
            self.within(name, *words)
        return self

    def __exit__(self, *_):
        for name in ("router", "far"):
            ip("netns", "del", name)

    @staticmethod
    def _address(within, link, address):
        ip(*within, "addr", "add", address + "/24", "dev", link)
        ip(*within, "link", "set", link, "up")

    @staticmethod
    def words(name):
        return ["ip", "netns", "exec", name] if name else []

    def within(self, name, *words):
        subprocess.run([*self.words(name), *words], check=True)

    def forward(self, forwards):
        self.within("router", "sh", "-c", f"echo {int(forwards)} > "
                    "/proc/sys/net/ipv4/ip_forward")

    def narrow(self, rate, queue):
        self.within("router", "tc", "qdisc", "replace", "dev", "right", "root",
                    "tbf", "rate", rate, "burst", "3000", "limit", queue)


class Capture:
    """What dumpcap sees at a link meanwhile, in a file."""

    def __init__(self, hosts, path, link="near0", within=None, pcap=False,
                 expression="ip"):
        self.path = path
        self._error = open(path + ".err", "w+b")
        self._process = subprocess.Popen(
            [*hosts.words(within), "dumpcap", "-q", "-i", link, "-w", path,
             *(["-P"] if pcap else []), "-f", expression],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self._error, preexec_fn=migtest.die_with_parent)

    def __enter__(self):
        migtest.wait_until(lambda: os.path.exists(self.path) and os.path.getsize(
            self.path) > 0, f"{self.path} is begun")
        return self

    def __exit__(self, *_):
        time.sleep(1)  # it writes what it has twice a second
        self._process.terminate()
        self._process.wait()
        self._error.close()
        os.unlink(self.path + ".err")


def tshark(path, *words):
    return subprocess.run(["tshark", "-n", "-r", path, *words], check=True,
                          capture_output=True, text=True).stdout


def traffic(migscope, path, *words, status=0):
    out, _ = migscope.run("probe", "--pcap", path, "--json", *words,
                          status=status)
    return json.loads(out)


def flow_of(report, protocol):
    found = [flow for flow in report["flows"] if flow["protocol"] == protocol]
    check(len(found) == 1, f"{len(found)} flows of {protocol}: {found}")
    return found[0]


def close(got, expected, within, what):
    check(got is not None and abs(got - expected) <= within,
          f"{what}: {got}, expected {expected} +- {within}")


def server(hosts, name, code, *words):
    """A Python program on a host that says a line when it is ready."""
    process = subprocess.Popen(
        [*hosts.words(name), sys.executable, "-c", code, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        preexec_fn=migtest.die_with_parent)
    process.stdout.readline()
    return process


def rtp(sequence, timestamp, payload_type=PCMU, ssrc=0x11223344):
    return struct.pack(">BBHII", 0x80, payload_type, sequence & 0xffff,
                       timestamp & 0xffffffff, ssrc) + bytes(PACKET)


def play(drop_every, count=1000, pace=0.004, until=None, **header):
    """RTP through a relay that drops every `drop_every`th packet and holds
    others back for up to 3 ms; the captured ones are the relay's. The sequence
    and the timestamp wrap around. Ends after `count`, or when `until` is set.
    Gives how many were dropped."""
    dropped = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        begin = time.monotonic()
        for i in range(count):
            if until and until.is_set():
                break
            held = (i * 7919 % 31) / 10000
            time.sleep(max(0, begin + i * pace + held - time.monotonic()))
            if i % drop_every == drop_every - 1:
                dropped += 1
                continue
            # Nobody has to listen.
            out.sendto(rtp(65000 + i, 0xfffff000 + i * 32, **header),
                       (FAR, MEDIA))
    return dropped


def tshark_rtp(path):
    """Packets, lost, and mean and largest jitter in ms."""
    lines = tshark(path, "-q", "-d", f"udp.port=={MEDIA},rtp", "-z",
                   "rtp,streams").splitlines()
    words = next(line for line in lines if "0x11223344" in line).split()
    # ... PCMU packets lost (percent) deltas jitters
    at = words.index("0x11223344")
    numbers = words[at + 2:]
    lost = numbers[1]
    return int(numbers[0]), int(lost), float(numbers[-3]), float(numbers[-2]), \
        lines


def stream(migscope, lab, hosts):
    """Loss and jitter of RTP, in both kinds of file."""
    told = {}
    for name in ("media.pcap", "media.pcapng"):
        path = lab.path(name)
        with Capture(hosts, path, pcap=name.endswith("pcap")):
            dropped = play(drop_every=50)
        report = traffic(migscope, path)
        direction, = flow_of(report, "rtp")["directions"]
        packets, lost, mean, largest, lines = tshark_rtp(path)
        check(direction["packets"] == packets == 1000 - dropped,
              f"{direction['packets']} packets, tshark {packets}")
        check(direction["loss"]["lost"] == lost, (direction["loss"], lines))
        # The last one was dropped, too: nothing shows that.
        check(lost == dropped - 1 == 19, f"{lost} lost, {dropped} dropped")
        close(direction["jitter"]["rfc3550_max_ms"], largest, 0.002, "jitter")
        close(direction["jitter"]["rfc3550_mean_ms"], mean, 0.002 + mean / 500,
              "mean jitter")
        check(direction["jitter"]["mean_difference_ms"] > 0.1, direction)
        check(direction["delay"] is None, direction["delay"])
        check(direction["rtp"]["clock_hz"] == 8000, direction["rtp"])
        told[name] = {"lost": lost, "jitter": [mean, largest]}
    return told


def dynamic(migscope, lab, hosts):
    """The clock of a dynamic payload type is not in the packets."""
    path = lab.path("dynamic.pcapng")
    with Capture(hosts, path):
        play(drop_every=1000, count=200, payload_type=96)
    direction, = flow_of(traffic(migscope, path), "rtp")["directions"]
    check(direction["jitter"] is None, direction["jitter"])
    direction, = flow_of(traffic(migscope, path, "--rtp-clock", "8000"),
                         "rtp")["directions"]
    return direction["jitter"]["rfc3550_mean_ms"]


SINK = """
import socket, sys
with socket.create_server(("", 5001)) as at:
    print("ready", flush=True)
    peer, _ = at.accept()
    while peer.recv(1 << 16):
        pass
    peer.close()
"""


def send(seconds):
    """TCP to far, as fast as it goes."""
    with socket.create_connection((FAR, 5001)) as out:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            out.sendall(bytes(1 << 14))
        out.shutdown(socket.SHUT_WR)
        out.recv(1)


AGAIN = ("tcp.analysis.retransmission || tcp.analysis.fast_retransmission || "
         "tcp.analysis.spurious_retransmission")


def tshark_count(path, expression):
    return len(tshark(path, "-Y", f"tcp.dstport == 5001 && ({expression})")
               .splitlines())


def segments(migscope, lab, hosts):
    """Segments that were sent again, before and behind the bottleneck."""
    before, behind = lab.path("before.pcapng"), lab.path("behind.pcap")
    hosts.narrow("20mbit", "30000")
    sink = server(hosts, "far", SINK)
    with Capture(hosts, before), Capture(hosts, behind, "far0", "far", True):
        send(3)
    sink.communicate(timeout=migtest.TIMEOUT)
    told = {}
    for path in (before, behind):
        out, back = flow_of(traffic(migscope, path), "tcp")["directions"]
        again = out["tcp"]["retransmitted"]
        theirs = tshark_count(path, AGAIN)
        late = tshark_count(path, "tcp.analysis.out_of_order")
        check(theirs > 20, f"{theirs} segments were sent again")
        # tshark takes what comes soon after another segment for late, even
        # where it has come before.
        check(again + out["reordered"] == theirs + late,
              f"{path}: {again} again and {out['reordered']} late, tshark "
              f"{theirs} and {late}")
        close(again, theirs, 1 + theirs * 0.03, "sent again")
        check(out["loss"]["known_by"] == "tcp sequence numbers", out["loss"])
        check(out["delay"]["measured"] > 1000, out["delay"])
        told[os.path.basename(path)] = {
            "again": again, "tshark": theirs, "loss": out["loss"]["percent"],
            "delay": out["delay"]["median_ms"]}
    told["one way"] = one_way(migscope, before)
    return told


def one_way(migscope, path):
    """Without the acknowledgements there are no delays; the loss is known."""
    out, = flow_of(traffic(migscope, path, "--filter", "dst port 5001"),
                   "tcp")["directions"]
    check(out["delay"] is None and out["jitter"] is None, out)
    back, = flow_of(traffic(migscope, path, "--filter", "src port 5001"),
                    "tcp")["directions"]
    check(back["delay"] is None, back)
    return out["loss"]["percent"]


def pings(migscope, lab, hosts):
    """Delay against tshark's; loss and silence against a router that forwards
    nothing for a while."""
    path = lab.path("pings.pcapng")
    with Capture(hosts, path):
        asking = migscope.start("probe", "--json", f"icmp:{FAR}", "--interval",
                                "10", "--seconds", "3")
        time.sleep(1)
        hosts.forward(False)
        time.sleep(0.5)
        hosts.forward(True)
        out, _ = migscope.finish(asking, 0)
    service = json.loads(out)["service"]
    asked, answered = flow_of(traffic(migscope, path), "icmp echo")[
        "directions"]
    check(asked["loss"]["lost"] == service["lost"] > 20, (asked, service))
    check(asked["loss"]["of"] == service["sent"], (asked, service))
    check(answered["loss"] is None, answered)
    check(answered["gaps"]["longest"]["silent_ms"] > 490, answered)
    expected = sorted(float(ms) for ms in tshark(
        path, "-Y", "icmp.resptime", "-T", "fields", "-e",
        "icmp.resptime").split())
    delay, half = asked["delay"], len(expected) // 2
    check(delay["measured"] == len(expected) == service["answered"], delay)
    close(delay["min_ms"], expected[0], 0.002, "min")
    close(delay["median_ms"], (expected[half] + expected[-half - 1]) / 2,
          0.002, "median")
    close(delay["max_ms"], expected[-1], 0.002, "max")
    alone, = flow_of(traffic(migscope, path, "--filter", f"src host {NEAR}"),
                     "icmp echo")["directions"]
    check(alone["loss"] is None and alone["delay"] is None, alone)
    return {"lost": service["lost"], "delay": delay,
            "silence": answered["gaps"]["longest"]}


def without(path, out, begin, end):
    """A capture without its packets from `begin` to `end`, since 1970."""
    parts = [f"{out}.before", f"{out}.after"]
    for part, option, time_ in zip(parts, ("-B", "-A"), (begin, end)):
        subprocess.run(["editcap", option, f"{time_:.6f}", path, part],
                       check=True)
    subprocess.run(["mergecap", "-w", out, *parts], check=True)


def pause(migscope, lab, hosts):
    """A silence of media around a real migration's pause, planted from 100 ms
    before STOP to 200 ms behind RESUME."""
    session, path = lab.path("run.migscope"), lab.path("all.pcapng")
    over = threading.Event()
    with Capture(hosts, path):
        thread = threading.Thread(target=play, kwargs={
            "drop_every": 10 ** 6, "count": 10 ** 6, "until": over})
        thread.start()
        try:
            migscope.run("lab", "--memory", "128M", "--workload",
                         "cold=8M hot=2M rate=1000", "--no-capture", "-o",
                         session)
            time.sleep(1)
        finally:
            over.set()
            thread.join()
    stop = migtest.microseconds(migtest.monitor_events(
        session, "source", "STOP")[-1]) / 1e6
    resume = migtest.microseconds(migtest.monitor_events(
        session, "destination", "RESUME")[-1]) / 1e6
    cut = lab.path("cut.pcapng")
    without(path, cut, stop - 0.1, resume + 0.2)
    report = traffic(migscope, cut, "--session", session)
    gaps = flow_of(report, "rtp")["directions"][0]["gaps"]
    split = gaps["longest"]["pause"]
    downtime = migscope.analyze(session)["downtime"]["total_ms"]
    close(split["pause_ms"], downtime, 0.1, "the hypervisor's part")
    close(sum(split.values()), gaps["longest"]["silent_ms"], 0.001, "the sum")
    # To the packets nearest to the cuts; a busy sender has none for a while.
    check(100 <= split["before_ms"] < 400, split)
    check(200 <= split["recovery_ms"] < 500, split)
    out, _ = migscope.run("probe", "--pcap", cut, "--session", session)
    check(f"{split['pause_ms']:.1f} hypervisor" in out, out)
    other = traffic(migscope, path, "--session", session, "--filter",
                    f"udp and less {PACKET}")
    check(not other["flows"], other["flows"])
    return {"split": split, "downtime": downtime}


def damage(migscope, lab, hosts):
    """What is cut off counts up to there; what cannot be read is named."""
    path = lab.path("whole.pcapng")
    with Capture(hosts, path):
        play(drop_every=10 ** 6, count=100)
    whole = traffic(migscope, path)["packets"]
    torn = lab.path("torn.pcapng")
    shutil.copy(path, torn)
    os.truncate(torn, os.path.getsize(path) * 2 // 3)
    report = traffic(migscope, torn, status=3)
    check(0 < report["packets"] < whole and not report["complete"], report)
    check("ends inside of a packet" in report["problems"][0]["message"],
          report["problems"])
    left = report["packets"]
    _, err = migscope.run("probe", "--pcap", path, "--filter", "portt 80",
                          status=2)
    check("portt 80" in err, err)
    _, err = migscope.run("probe", "--pcap", lab.path("none"), status=1)
    check(lab.path("none") in err, err)
    short = lab.path("short.pcap")
    subprocess.run(["editcap", "-F", "pcap", "-s", "30", path, short],
                   check=True)
    report = traffic(migscope, short)
    check(report["in_no_flow"]["cut"] == whole, report["in_no_flow"])
    return {"whole": whole, "torn": left}


def main():
    if "MIGSCOPE_OWN_NET" not in os.environ:
        for tool in ("dumpcap", "tshark", "tc", "unshare"):
            if not shutil.which(tool):
                migtest.skip(f"{tool} is not installed")
        if os.geteuid() != 0:
            migtest.skip("network namespaces are root's")
        os.environ["MIGSCOPE_OWN_NET"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable,
                              "-B", *sys.argv])
    # Where `ip netns` keeps names; in this mount namespace alone.
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    program, *names = sys.argv[1:]
    tests = [stream, dynamic, segments, pings, pause, damage]

    def with_hosts(test):
        def run():
            with migtest.Lab("") as lab, Hosts() as hosts:
                return test(migtest.Migscope(program, lab), lab, hosts)
        run.__name__ = test.__name__
        return run
    migtest.run([with_hosts(test) for test in tests
                 if not names or test.__name__ in names])


if __name__ == "__main__":
    main()
