"""What the examples of the documentation find where they are run.

The names in them are agreed upon: a.qmp and b.qmp are the monitors of a source
and a destination, run.migscope is a recording, stream.bin a stream, and so on.
A scene makes them real, in the folder in which the example is run.
"""

import os
import re
import shutil
import signal
import subprocess
import time

import libvirt_test
import migtest
from echo_relay import Echo
from migration_pair import FAST, set_parameters, wait_for_status
from migtest import check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
GUEST = "cold=16M hot=4M rate=2000 content=text"
OWNERS = """start,end,owner,kind,cgroup
0x1000000,0x1a40000,kernel,kernel,
0x2f3d000,0x2f41000,postgres,process,/system.slice/postgresql.service
"""
PLAN = """workloads = ["idle"]
memory = ["64M"]
modes = ["precopy"]
repetitions = 1
"""
CATEGORIES = """title = "ours"
source = "us"
status = "verified"
[[measure]]
measure = "downtime_ms"
unit = "ms"
grades = [{label = "short", up_to = 10}, {label = "long"}]
"""
SAVED = "/var/lib/libvirt/qemu/save"
PATIENCE = 300
RECORD_PROXY = "migscope record --source unix:/run/vm1.qmp -o run.migscope"


def shell(command, folder, status=0):
    """Runs it; what it printed on standard output."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder,
                          capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL)
    # 141: a program wrote to a `head` that had seen enough.
    check(done.returncode in (status, 141),
          f"{command}\nstatus {done.returncode}, expected {status}\n"
          f"{done.stdout}{done.stderr}")
    return done.stdout


class Stage:
    """A place of our own: /run, /var/log, /var/tmp and node2 are the test's."""

    def __init__(self, lab, migscope, elf):
        self.lab, self.elf = lab, elf
        self.made = lab.path("made")
        os.makedirs(self.made)
        self.count = 0
        self.mounts = []
        programs = lab.path("bin")
        os.makedirs(programs)
        os.symlink(os.path.abspath(migscope), f"{programs}/migscope")
        os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
        for place in ("/run", "/var/log", "/var/tmp", "/var/lib/libvirt"):
            if os.path.isdir(place):
                own = lab.path("own" + place.replace("/", "-"))
                os.makedirs(own)
                os.chmod(own, 0o1777)
                self.mount(own, place)
        hosts = lab.path("hosts")
        with open(hosts, "w") as file:
            file.write("127.0.0.1 localhost\n10.77.0.2 node2\n")
        self.mount(hosts, "/etc/hosts")
        self.make_network()

    def mount(self, what, where):
        subprocess.run(["mount", "--bind", what, where], check=True)
        self.mounts.append(where)

    def close(self):
        subprocess.run(["ip", "netns", "del", "node2"], check=True)
        for where in reversed(self.mounts):
            subprocess.run(["umount", "-R", "-l", where], check=True)

    @staticmethod
    def make_network():
        """This host, one called node2, and the address of a guest."""
        for words in ("link set lo up", "addr add 192.0.2.7/32 dev lo",
                      "netns add node2",
                      "link add node type veth peer name node netns node2",
                      "addr add 10.77.0.1/24 dev node", "link set node up",
                      "-n node2 addr add 10.77.0.2/24 dev node",
                      "-n node2 link set node up"):
            subprocess.run(["ip", *words.split()], check=True)

    def folder(self):
        """A new one, in which everything is that was made before."""
        self.count += 1
        folder = self.lab.path(f"folder-{self.count}")
        os.makedirs(folder)
        for name in os.listdir(self.made):
            os.symlink(os.path.join(self.made, name),
                       os.path.join(folder, name))
        os.symlink(os.path.join(ROOT, "tools"), os.path.join(folder, "tools"))
        return folder

    def make(self):
        """The recordings and streams that examples read."""
        slow = ("--parameter max-bandwidth=33554432 "
                "--parameter downtime-limit=50 --memory 64M "
                f"--workload '{GUEST}'")
        card = "--qemu-arg -device --qemu-arg virtio-net-pci"
        for name, options in (
                ("run", f"--trace {slow}"), ("before", f"{card} {slow}"),
                ("after", f"{card} {slow}"),
                ("multifd", "--capability multifd=on "
                 f"--parameter multifd-channels=2 {slow}")):
            shell(f"migscope lab -o {name}.migscope {options}", self.made)
        shell("zstd -dcq run.migscope/channel-0.zst > stream.bin; "
              "for i in before after; do"
              " zstd -dcq $i.migscope/channel-0.zst > $i.bin; done; "
              f"ln -s {self.elf} lab_guest.elf", self.made)
        shell("migscope probe 192.0.2.7 --seconds 1 -o service.migscope",
              self.made)
        with open(os.path.join(self.made, "plan.toml"), "w") as file:
            file.write(PLAN)
        with open(os.path.join(self.made, "mine.toml"), "w") as file:
            file.write(CATEGORIES)
        shell("migscope campaign plan.toml -o study && cp -a study earlier",
              self.made)
        self.make_capture()
        self.make_channels()
        with open(os.path.join(self.made, "owners.csv"), "w") as file:
            file.write(OWNERS)
        self.make_snapshot()

    def make_capture(self):
        """Of a probe of the guest's address."""
        path = os.path.join(self.made, "taken.pcapng")
        capture = self.start(f"dumpcap -q -i lo -w {path}", self.made)
        migtest.wait_until(lambda: os.path.exists(path)
                           and os.path.getsize(path) > 0, "the capture")
        shell("migscope probe 192.0.2.7 --seconds 1", self.made)
        capture.send_signal(signal.SIGINT)
        self.finish(capture)

    def make_channels(self):
        number = 0
        for name in ("channel-0", "channel-1", "channel-2"):
            data = migtest.unpacked(
                os.path.join(self.made, "multifd.migscope", name + ".zst"))
            to = "main.bin"
            if not data.startswith(b"QEVM"):
                to, number = f"multifd-{number}.bin", number + 1
            with open(os.path.join(self.made, to), "wb") as file:
                file.write(data)

    def make_snapshot(self):
        """A disk with one saved state, "before"."""
        shell("qemu-img create -q -f qcow2 disk.qcow2 64M", self.made)
        disk = os.path.join(self.made, "disk.qcow2")
        qemu = self.lab.start("saved", GUEST, "-drive",
                              f"file={disk},if=none,id=disk", memory="64M")
        qemu.wait_ready()
        self.say(qemu, "savevm before")
        self.end(qemu)

    @staticmethod
    def say(qemu, command):
        """In the monitor that people use; it says nothing where all is well,
        but that a migration is not waited for."""
        answer = qemu.qmp.execute("human-monitor-command",
                                  command_line=command)
        check(not answer.strip() or "continuing detached" in answer,
              f"{command}: {answer}")

    def start(self, command, folder):
        """A program that has something to wait for."""
        program = subprocess.Popen(["bash", "-c", "exec " + command],
                                   cwd=folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True,
                                   preexec_fn=migtest.die_with_parent)
        self.lab.programs.append(program)
        return program

    @staticmethod
    def finish(program):
        out, _ = program.communicate(timeout=PATIENCE)
        check(program.returncode == 0, out)

    def end(self, *qemus):
        for qemu in qemus:
            qemu.kill()
            self.lab.qemus.remove(qemu)

    def pair(self, folder, incoming="defer", within=()):
        """A source and a destination; their monitors and logs, as examples
        name them, here and in /run and /var/log."""
        self.lab.directory, directory = folder, self.lab.directory
        try:
            source = self.lab.start("source", GUEST, "-msg", "timestamp=on",
                                    memory="64M")
            destination = self.lab.start(
                "destination", GUEST, "-msg", "timestamp=on", "-incoming",
                incoming, memory="64M", within=within)
        finally:
            self.lab.directory = directory
        for qemu, name in ((source, "a"), (destination, "b")):
            for suffix, place, kind in (("record.qmp", "/run", "qmp"),
                                        ("log", "/var/log", "log")):
                for to in (f"{folder}/{name}.{kind}", f"{place}/{name}.{kind}"):
                    if os.path.lexists(to):
                        os.unlink(to)
                    os.symlink(qemu.path(suffix), to)
        source.wait_ready()
        return source, destination


def read(stage, example, folder=None):
    """What reads what was made before."""
    shell(example.text, folder or stage.folder(), example.status)


def migrate(stage, example):
    folder = stage.folder()
    os.unlink(f"{folder}/run.migscope")
    pair = stage.pair(folder)
    shell(example.text, folder)
    stage.end(*pair)


def record(stage, example):
    """A migration that somebody else starts."""
    folder = stage.folder()
    os.unlink(f"{folder}/run.migscope")
    source, destination = pair = stage.pair(folder)
    recorder = stage.start(example.text, folder)
    session = folder + "/" + example.text.split("-o ")[1].split()[0]
    migtest.wait_for_recorder(session)
    uri = f"unix:{folder}/stream.sock"
    destination.qmp.execute("migrate-incoming", uri=uri)
    set_parameters(source, FAST)
    source.qmp.execute("migrate", uri=uri)
    stage.finish(recorder)
    shell(f"migscope analyze {session}", folder)
    stage.end(*pair)


def listens_at_4444():
    listening = re.compile(":115C [0-9A-F]+:0000 0A ")
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            if listening.search(file.read()):
                return True
    return False


def probe(stage, example):
    """Until it has gone on for long enough, or until Ctrl-C."""
    folder = stage.folder()
    if "--pcap" in example.text:
        check("icmp echo" in shell(example.text, folder), "tells nothing")
        return
    if "--seconds" in example.text:
        check("answered" in shell(example.text, folder), "tells nothing")
        return
    os.unlink(f"{folder}/service.migscope")
    with Echo(address=("192.0.2.7", 7)):
        program = stage.start(example.text, folder)
        migtest.wait_until(
            lambda: os.path.exists(f"{folder}/service.migscope/probes.jsonl.zst"),
            "the probe")
        time.sleep(1)
        program.send_signal(signal.SIGINT)
        stage.finish(program)
    shell("migscope analyze service.migscope", folder)


def campaign(stage, example):
    """A small one to its end, of a long one the first run: that it is gone on
    with is campaign_test.py's."""
    folder = stage.folder()
    os.unlink(f"{folder}/study")
    if "plan.toml" in example.text:
        shell(example.text, folder)
        return
    program = stage.start(example.text, folder)
    runs = f"{folder}/study/runs"
    migtest.wait_until(
        lambda: os.path.isdir(runs) and any(
            re.fullmatch(r".*\.r\d+\.migscope", name)
            for name in os.listdir(runs)), "the first run")
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate(timeout=PATIENCE)
    check(program.returncode == 130, out)
    shell("migscope results study", folder)


def tee(stage, example):
    """Onto another host; --help says what to type in the source's monitor."""
    folder = stage.folder()
    os.unlink(f"{folder}/run.migscope")
    port = example.text.split("tcp:node2:")[1].split()[0]
    source, destination = pair = stage.pair(
        folder, incoming=f"tcp:0.0.0.0:{port}",
        within=("ip", "netns", "exec", "node2"))
    program = stage.start(example.text, folder)
    migtest.wait_until(listens_at_4444, "the tee listens")
    set_parameters(source, FAST)
    stage.say(source, "migrate -d tcp:localhost:4444")
    wait_for_status(source, "completed")
    wait_for_status(destination, "completed")
    stage.finish(program)
    shell("migscope analyze run.migscope", folder)
    stage.end(*pair)


def monitor(stage, example):
    """A command of QEMU's own monitor, which starts migscope."""
    folder = stage.folder()
    source, destination = stage.pair(folder)
    session = "/var/tmp/vm.migscope"
    set_parameters(source, FAST)
    stage.say(source, example.text.removeprefix("(qemu) ").replace(
        "/PATH/TO/", stage.lab.path("bin/")))
    wait_for_status(source, "completed")
    shell(f"migscope analyze {session} && rm -r {session}", folder)
    stage.end(source, destination)


def new_recording(stage, example):
    """What makes a recording of its own, under a name that is not taken."""
    folder = stage.folder()
    for name in ("run.migscope", "slow.migscope", "multifd.migscope",
                 "service.migscope"):
        if os.path.lexists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
    shell(example.text, folder)


def in_session(stage, example):
    """Inside of a recording."""
    folder = os.path.join(stage.made, "run.migscope")
    if example.language == "python":
        out = subprocess.run(["python3", "-c", example.text, "channel-0.zst"],
                             cwd=folder, capture_output=True, text=True)
        check(out.returncode == 0 and len(out.stdout.splitlines()) > 10,
              out.stdout + out.stderr)
    else:
        check(shell(example.text, folder).strip()
              or "zstd -t" in example.text, f"{example} prints nothing")


def pages_table(stage, example):
    folder = stage.folder()
    shell("migscope analyze --pages pages.csv run.migscope", folder)
    check(shell(example.text, folder).strip(), f"{example} prints nothing")


def lab_guest(stage, example):
    """Until it is ready; it has no end of its own."""
    with subprocess.Popen(["bash", "-c", "exec " + example.text],
                          cwd=stage.folder(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True,
                          preexec_fn=migtest.die_with_parent) as qemu:
        try:
            check(any(line.startswith("START ") for line in qemu.stdout),
                  "the guest does not start")
        finally:
            qemu.kill()


def proxy(stage, example):
    """libvirt's, which record then attaches to. libvirt migrates the guest
    into a file, as there is no second host."""
    folder = stage.folder()
    os.unlink(f"{folder}/run.migscope")
    with libvirt_test.Libvirt(stage.lab, "raw") as libvirt:
        libvirt.start_guest()
        options = libvirt.options()
        options["env"]["LIBVIRT_DEFAULT_URI"] = libvirt_test.URI
        program = subprocess.Popen(example.text.split(), **options,
                                   preexec_fn=migtest.die_with_parent)
        stage.lab.programs.append(program)
        migtest.wait_until(lambda: os.path.exists("/run/vm1.qmp"), "the proxy")
        recorder = stage.start(RECORD_PROXY, folder)
        migtest.wait_for_recorder(f"{folder}/run.migscope")
        libvirt.save()
        stage.finish(recorder)
    shell("migscope analyze run.migscope", folder)


def save_image(stage, example):
    """Of a real libvirt."""
    os.makedirs(SAVED, exist_ok=True)
    shutil.move(libvirt_test.save_image(stage.lab, "raw"), f"{SAVED}/vm1.save")
    shell(example.text, stage.folder())


def quickstart(stage, example):
    """As it builds `build`, it is run where that is what is tested."""
    if os.path.realpath(stage.lab.path("bin/migscope")) != os.path.join(
            ROOT, "build/tools/migscope"):
        return "is run where build/tools/migscope is tested"
    before = set(os.listdir(ROOT))
    try:
        out = shell(example.text, ROOT)
        check("made of" in out, out)
    finally:
        for name in set(os.listdir(ROOT)) - before:
            if name.startswith("quickstart-"):
                shell(f"rm -r {name}", ROOT)
    return None


# What an example begins with, and its scene; `read` without any.
SCENES = [
    ("migscope record", record),
    ("migscope migrate", migrate),
    ("migscope tee", tee),
    ("migscope probe", probe),
    ("migscope campaign", campaign),
    ("migscope lab", new_recording),
    ('migrate "exec:', monitor),
    ('(qemu) migrate "exec:', monitor),
    ("qemu-system-x86_64 ", lab_guest),
    ("awk ", pages_table),
    ("zstd -dc monitor", in_session),
    ("zstd -dc channel", in_session),
    ("zstd -t", in_session),
    ("jq ", in_session),
    ("import struct", in_session),
    (f"migscope analyze {SAVED}", save_image),
    ("tools/quickstart", quickstart),
    ("virt-qemu-qmp-proxy", proxy),
]
# What is not run, and why.
ELSEWHERE = {
    "(qemu) migrate -d tcp:localhost:4444": "part of the tee's scene",
    "tools/check": "is what runs this test",
    "tools/check --all-qemus": "is what runs this test",
    "tools/fuzz SECONDS": "a build of its own, with clang",
    "tools/guest-owners > owners.csv": "in a Linux guest: owners_test.py",
    "drgn -c guest.core -s vmlinux": "wants a kernel's debug information",
    "crash vmlinux guest.core": "wants a kernel's debug information",
    "virsh migrate --live vm1 qemu+ssh://node2/system": "wants two hosts",
    RECORD_PROXY: "part of the proxy's scene",
    "qm set 100 --args '-qmp unix:/var/run/qemu-server/100.migscope.qmp,"
    "server=on,wait=off'": "wants Proxmox VE",
}


def run(stage, example):
    """Says why not, where it is not run."""
    if example.text in ELSEWHERE:
        return ELSEWHERE[example.text]
    scene = next((scene for start, scene in SCENES
                  if example.text.startswith(start)), read)
    return scene(stage, example)
